//! Cosignatures: a key's word that a checkpoint is consistent with all it has seen, and when it said so.
//!
//! What a type 0x04 line signs (Ed25519):
//!
//! ```text
//! cosignature/v1
//! time 1679315147
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//! ```
//!
//! What a type 0x06 line signs (ML-DSA-44), all integers big-endian:
//!
//! | bytes | field                     | for a checkpoint                              |
//! |-------|---------------------------|-----------------------------------------------|
//! | 12    | `subtree/v1\n\0`          | the purpose                                   |
//! | 1 + n | length, cosigner's name   | 1 to 255 bytes                                |
//! | 8     | timestamp                 | seconds since the epoch, 0 to say nothing of it |
//! | 1 + n | length, log's origin      | 1 to 255 bytes                                |
//! | 8     | start                     | 0                                             |
//! | 8     | end                       | the tree's size                               |
//! | 32    | hash                      | the tree's root                               |
//!
//! The signature bytes of either line are the timestamp (8 bytes, big-endian) and the signature proper
//! (64 or 2420 bytes).
//!
//! Rules. A witness signs with 0x04 or 0x06; a log's own post-quantum line is a 0x06 cosignature under
//! the log's own name. Neither says that the entries are true. The 0x06 message leaves out extension
//! lines, so it says nothing about them; the 0x04 message leaves out the cosigner's name, so one Ed25519
//! key must not serve two cosigners.
//!
//! To verify:
//! 1. Split off the timestamp; the rest must have the length of the key's type.
//! 2. Build the message from the timestamp and the checkpoint.
//! 3. Check the signature. The time is then the cosigner's word on when; 0 is no word.
//!
//! Source: C2SP tlog-cosignature. Stricter: a time past the year 9999 is refused, a 0x04 time of 0 is not
//! taken for 1970. Cosignatures of subtrees that do not start at 0 are neither made nor read.

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::key::KeyError;
use crate::log::note::NoteSignature;
use crate::log::vkey::{KeyKind, KeyName, NotePublicKey, NoteSecretKey, SignerKey, VerifierKey};

/// What a cosigner speaks of: a checkpoint, in the two forms in which it enters the signed messages.
#[derive(Clone, Copy, Debug)]
pub struct Cosigned<'a> {
    /// The note's text, extension lines included.
    pub text: &'a str,
    /// The log's origin, 1 to 255 bytes.
    pub origin: &'a str,
    /// The tree's size.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

impl Cosigned<'_> {
    /// Makes a cosignature line as of `time`, of which whole seconds are kept.
    ///
    /// # Errors
    /// [`CosignatureError::NotCosigner`] when the key signs notes and not cosignatures; [`CosignatureError::Key`] when it
    /// does not sign.
    pub fn sign(&self, key: &SignerKey, time: Time) -> Result<NoteSignature, CosignatureError> {
        let timestamp = time.seconds();
        let signature = match key.key_secret() {
            NoteSecretKey::Ed25519(_) | NoteSecretKey::Ed25519Signer(_) => {
                return Err(CosignatureError::NotCosigner { name: key.name().clone() });
            }
            NoteSecretKey::Ed25519Cosignature(secret) => secret.sign(&self.message_v1(timestamp)).to_vec(),
            NoteSecretKey::MlDsa44Cosignature(secret) => {
                secret.sign(&self.message_subtree(key.name(), timestamp))?.to_vec()
            }
        };
        Ok(NoteSignature::new(key.verifier(), [timestamp.to_be_bytes().as_slice(), &signature].concat()))
    }

    /// Checks the signature bytes of a line by `key` and returns when it was made, if it says.
    ///
    /// # Errors
    /// [`CosignatureError::BadSignature`] when key, message and signature do not fit;
    /// [`CosignatureError::TimeOutOfRange`] and [`CosignatureError::TooShort`] before that.
    pub fn verify(&self, key: &VerifierKey, bytes: &[u8]) -> Result<Option<Time>, CosignatureError> {
        let (timestamp, signature) =
            bytes.split_first_chunk().ok_or(CosignatureError::TooShort { found: bytes.len() })?;
        let timestamp = u64::from_be_bytes(*timestamp);
        let time = Time::from_seconds(timestamp).map_err(|_| CosignatureError::TimeOutOfRange { found: timestamp })?;
        let checked = match key.key() {
            NotePublicKey::Ed25519(_) => return Err(CosignatureError::NotCosigner { name: key.name().clone() }),
            NotePublicKey::Ed25519Cosignature(public) => public.verify(&self.message_v1(timestamp), signature),
            NotePublicKey::MlDsa44Cosignature(public) => {
                public.verify(&self.message_subtree(key.name(), timestamp), signature)
            }
        };
        checked.map_err(|_| CosignatureError::BadSignature { name: key.name().clone(), kind: key.kind() })?;
        Ok((timestamp != 0).then_some(time))
    }

    fn message_v1(&self, timestamp: u64) -> Vec<u8> {
        format!("cosignature/v1\ntime {timestamp}\n{}", self.text).into_bytes()
    }

    fn message_subtree(&self, cosigner: &KeyName, timestamp: u64) -> Vec<u8> {
        let mut message = b"subtree/v1\n\0".to_vec();
        message.extend(length_prefixed(cosigner.as_str()));
        message.extend(timestamp.to_be_bytes());
        message.extend(length_prefixed(self.origin));
        message.extend(0_u64.to_be_bytes());
        message.extend(self.size.to_be_bytes());
        message.extend(self.root.as_bytes());
        message
    }
}

fn length_prefixed(text: &str) -> Vec<u8> {
    let size_bytes = u8::try_from(text.len()).expect("names and origins are at most 255 bytes");
    [&[size_bytes], text.as_bytes()].concat()
}

/// Why a cosignature cannot be made or is not to be believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CosignatureError {
    #[error("the {kind} by `{name}` is bad")]
    BadSignature { name: KeyName, kind: KeyKind },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("`{name}` is a key for notes, not for cosignatures")]
    NotCosigner { name: KeyName },
    #[error("{found} seconds since the epoch are past the year 9999")]
    TimeOutOfRange { found: u64 },
    #[error("{found} bytes are too few for a time and a signature")]
    TooShort { found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};

    const TEXT: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn cosigned() -> Cosigned<'static> {
        let root = "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62";
        Cosigned { text: TEXT, origin: "example.com/behind-the-sofa", size: 20_852_163, root: root.parse().unwrap() }
    }

    fn signers() -> [SignerKey; 2] {
        let name = || KeyName::new("witness.example.com/w1").unwrap();
        [
            SignerKey::new(name(), NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[1; 32]))),
            SignerKey::new(name(), NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[1; 32]))),
        ]
    }

    fn seconds(seconds: u64) -> Time {
        Time::from_seconds(seconds).unwrap()
    }

    #[test]
    fn the_page_s_example_is_the_message() {
        let page =
            include_str!("cosignature.rs").split("//! ```text\n").nth(1).unwrap().split("//! ```").next().unwrap();
        let example: String = page.lines().map(|line| line.trim_start_matches("//! ").to_owned() + "\n").collect();
        assert_eq!(cosigned().message_v1(1_679_315_147), example.into_bytes());
    }

    #[test]
    fn the_subtree_message_is_that_of_the_specification() {
        let name = KeyName::new("w1").unwrap();
        let root = cosigned().root;
        let expected = [
            b"subtree/v1\n\0\x02w1".as_slice(),
            &[0, 0, 0, 0, 0x64, 0x18, 0x50, 0xcb], // 1679315147
            b"\x1bexample.com/behind-the-sofa",
            &[0; 8],
            &[0, 0, 0, 0, 0x01, 0x3e, 0x2d, 0xc3], // 20852163
            root.as_bytes(),
        ];
        assert_eq!(cosigned().message_subtree(&name, 1_679_315_147), expected.concat());
    }

    #[test]
    fn both_kinds_verify_and_tell_the_time() {
        for key in signers() {
            let line = cosigned().sign(&key, Time::from_microseconds(1_679_315_147_900_000).unwrap()).unwrap();
            assert_eq!(cosigned().verify(key.verifier(), &line.bytes), Ok(Some(seconds(1_679_315_147))));
            let silent = cosigned().sign(&key, seconds(0)).unwrap();
            assert_eq!(cosigned().verify(key.verifier(), &silent.bytes), Ok(None));
        }
    }

    #[test]
    fn rejects_each_changed_part() {
        let bad = |key: &SignerKey| {
            let verifier = key.verifier();
            Err(CosignatureError::BadSignature { name: verifier.name().clone(), kind: verifier.kind() })
        };
        let later = "example.com/behind-the-sofa\n20852164\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let changed = [
            Cosigned { text: later, size: 20_852_164, ..cosigned() },
            Cosigned { text: "x\n1\ny\n", origin: "example.com/behind-the-sofb", ..cosigned() },
            Cosigned { text: "x\n1\ny\n", root: Hash::of(b""), ..cosigned() },
        ];
        for key in signers() {
            let line = cosigned().sign(&key, seconds(1_679_315_147)).unwrap();
            for other in &changed {
                assert_eq!(other.verify(key.verifier(), &line.bytes), bad(&key));
            }
            for at in [7, 8, line.bytes.len() - 1] {
                let mut bytes = line.bytes.clone();
                bytes[at] ^= 1;
                assert_eq!(cosigned().verify(key.verifier(), &bytes), bad(&key), "byte {at}");
            }
            assert_eq!(cosigned().verify(key.verifier(), &line.bytes[..line.bytes.len() - 1]), bad(&key));
            assert_eq!(cosigned().verify(key.verifier(), &[0; 7]), Err(CosignatureError::TooShort { found: 7 }));
            let mut bytes = line.bytes.clone();
            bytes[0] = 0x80;
            let found = (1 << 63) + 1_679_315_147;
            assert_eq!(cosigned().verify(key.verifier(), &bytes), Err(CosignatureError::TimeOutOfRange { found }));
        }
        // Only the post-quantum message holds the cosigner's name.
        let [_, key] = signers();
        let line = cosigned().sign(&key, seconds(1)).unwrap();
        let renamed = VerifierKey::new(KeyName::new("w2").unwrap(), key.verifier().key().clone());
        assert!(matches!(cosigned().verify(&renamed, &line.bytes), Err(CosignatureError::BadSignature { .. })));
    }

    #[test]
    fn a_note_key_does_not_cosign() {
        let name = KeyName::new("a").unwrap();
        let key = SignerKey::new(name.clone(), NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[1; 32])));
        assert_eq!(cosigned().sign(&key, seconds(1)), Err(CosignatureError::NotCosigner { name: name.clone() }));
        assert_eq!(cosigned().verify(key.verifier(), &[0; 72]), Err(CosignatureError::NotCosigner { name }));
    }
}
