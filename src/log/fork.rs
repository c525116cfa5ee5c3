//! Fork proofs: one log that has signed two different trees of one size, as a text that needs nothing else.
//!
//! ```text
//! affiant/fork-proof@v1
//!
//! example.com/log
//! 3
//! dpLDrTVAu4A8Ags67mbNiIcSMjTqDG5xQ8Ct1z/0Me0=
//!
//! — example.com/log m+XTxq3WVzCB7nVUjpWiPvV7WglJOr63FA0wQgDXz+7KAaBQ593yFT4EAGFWcXfk66ydIZP3FxWQ14nuFJW/ycYJaww=
//!
//! example.com/log
//! 3
//! 2SmKENGwc1g33EvYXaxkGw887yekfl1TpU8vP1svz/o=
//!
//! — example.com/log m+XTxrJB20Jc5+7XCRlyMM/2p2uoNGAXUnzGbmFLM/18/jK15LNVIS42JWnRE5P94Y0YN8ulRapwhJc/lg5+2IxjOQs=
//! ```
//!
//! | part        | what                                              | range                                   |
//! |-------------|---------------------------------------------------|-----------------------------------------|
//! | line 1      | the format's name                                 |                                         |
//! | empty line  |                                                   |                                         |
//! | first note  | a checkpoint as the log gave it                   | at most [`CHECKPOINT_BYTES_MAX`] bytes  |
//! | empty line  |                                                   |                                         |
//! | second note | another of the same origin and size, another root | at most [`CHECKPOINT_BYTES_MAX`] bytes  |
//!
//! Rules. The checkpoint with the lower root comes first, so that one fork has one spelling. Neither has an empty line
//! but the one between its text and its signatures, which is true of every checkpoint.
//!
//! To verify:
//! 1. Cut the text at its empty lines: the name, and twice a text and its signatures.
//! 2. Read both notes as checkpoints ([`crate::log::checkpoint`]). Origin and size must be the same, the roots not.
//! 3. One key that bears the origin as its name, and that the reader trusts to be the log's, must have signed both.
//!
//! A log that does what it promises never signs two such checkpoints: who holds the file can show that it has. It does
//! not show which of the two trees is the one that others were given. Two checkpoints of different sizes may contradict
//! one another as well; showing that takes a part of the tree, and is not for this format.

use crate::base::hash::Hash;
use crate::log::checkpoint::{CheckpointError, Origin, SignedCheckpoint};
use crate::log::note::NoteError;
use crate::log::proof::CHECKPOINT_BYTES_MAX;
use crate::log::vkey::VerifierKey;

/// The first line.
pub const NAME: &str = "affiant/fork-proof@v1";

/// Two checkpoints of one log and size that have different roots. Who signed them was not checked yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ForkProof {
    first: SignedCheckpoint,
    second: SignedCheckpoint,
}

impl ForkProof {
    /// Joins two checkpoints that contradict one another, in any order.
    ///
    /// # Errors
    /// [`ForkError::OtherLog`], [`ForkError::OtherSize`] or [`ForkError::SameRoot`] when they do not.
    pub fn new(one: SignedCheckpoint, other: SignedCheckpoint) -> Result<Self, ForkError> {
        let (a, b) = (one.checkpoint(), other.checkpoint());
        if a.origin != b.origin {
            return Err(ForkError::OtherLog { first: a.origin.clone(), second: b.origin.clone() });
        }
        if a.size != b.size {
            return Err(ForkError::OtherSize { first: a.size, second: b.size });
        }
        if a.root == b.root {
            return Err(ForkError::SameRoot { size: a.size, root: a.root });
        }
        let is_in_order = a.root < b.root;
        let (first, second) = if is_in_order { (one, other) } else { (other, one) };
        Ok(Self { first, second })
    }

    /// Reads a fork proof.
    ///
    /// # Errors
    /// A [`ForkError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ForkError> {
        let rest = bytes.strip_prefix(NAME.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n\n"));
        let rest = rest.ok_or(ForkError::WrongName)?;
        // The first empty line ends the first text, the second ends its signatures.
        let text_end = empty_line(rest, 0).ok_or(ForkError::CutOff)?;
        let end = empty_line(rest, text_end + 2).ok_or(ForkError::CutOff)?;
        let (first, second) = (&rest[..=end], &rest[end + 2..]);
        let read = |bytes: &[u8], number| {
            if bytes.len() > CHECKPOINT_BYTES_MAX {
                return Err(ForkError::TooLong { number, found: bytes.len() });
            }
            SignedCheckpoint::parse(bytes).map_err(|source| ForkError::Checkpoint { number, source })
        };
        let first = read(first, 1)?;
        let proof = Self::new(first.clone(), read(second, 2)?)?;
        if proof.first != first {
            return Err(ForkError::WrongOrder);
        }
        Ok(proof)
    }

    /// Writes the fork proof.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [NAME.as_bytes(), b"\n\n", &self.first.encode(), b"\n", &self.second.encode()].concat()
    }

    /// Returns the log that contradicts itself.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.first.checkpoint().origin
    }

    /// Returns the size at which it does.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.first.checkpoint().size
    }

    /// Returns the two roots, the lower first.
    #[must_use]
    pub fn roots(&self) -> [Hash; 2] {
        [self.first.checkpoint().root, self.second.checkpoint().root]
    }

    /// Returns those of `keys` that bear the log's name and have signed both checkpoints. None says that nobody whom
    /// the caller trusts has contradicted himself.
    ///
    /// # Errors
    /// [`ForkError::Checkpoint`] when a signature by one of the keys is bad: the file shows nothing then.
    pub fn signers<'keys>(&self, keys: &'keys [VerifierKey]) -> Result<Vec<&'keys VerifierKey>, ForkError> {
        let signers = |signed: &SignedCheckpoint, number| match signed.verify(keys) {
            Ok(signers) => Ok(signers.into_iter().map(|signer| signer.key).collect::<Vec<_>>()),
            Err(CheckpointError::Note(NoteError::NoKnownKey)) => Ok(Vec::new()),
            Err(source) => Err(ForkError::Checkpoint { number, source }),
        };
        let mut both = signers(&self.first, 1)?;
        let second = signers(&self.second, 2)?;
        both.retain(|key| second.contains(key) && self.origin().is_name_of(key));
        Ok(both)
    }
}

/// Finds where the line before an empty line ends.
fn empty_line(bytes: &[u8], start: usize) -> Option<usize> {
    bytes.get(start..)?.windows(2).position(|pair| pair == b"\n\n").map(|at| start + at)
}

/// Why bytes are not a fork proof, or show nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ForkError {
    #[error("checkpoint {number}")]
    Checkpoint { number: u8, source: CheckpointError },
    #[error("it ends before its second checkpoint")]
    CutOff,
    #[error("the checkpoints are of two logs, `{first}` and `{second}`: they do not contradict one another")]
    OtherLog { first: Origin, second: Origin },
    #[error("the checkpoints are of the sizes {first} and {second}: one may have grown into the other")]
    OtherSize { first: u64, second: u64 },
    #[error("both checkpoints have the root {root} at size {size}: they do not contradict one another")]
    SameRoot { size: u64, root: Hash },
    #[error("checkpoint {number} has {found} bytes, more than the limit of {CHECKPOINT_BYTES_MAX}")]
    TooLong { number: u8, found: usize },
    #[error("the first line is not `{NAME}` with an empty line below it")]
    WrongName,
    #[error("the checkpoint with the lower root comes first")]
    WrongOrder,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Time;
    use crate::log::checkpoint::Checkpoint;
    use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
    use crate::log::vkey::{KeyName, NoteSecretKey, SignerKey};

    fn keys(name: &str, seed: u8) -> [SignerKey; 2] {
        let name = KeyName::new(name).unwrap();
        [
            SignerKey::new(name.clone(), NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[seed; 32]))),
            SignerKey::new(name, NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[seed; 32]))),
        ]
    }

    fn signed(name: &str, size: u64, root: &[u8], keys: &[SignerKey]) -> SignedCheckpoint {
        let checkpoint = Checkpoint { origin: Origin::new(name).unwrap(), size, root: Hash::of(root) };
        SignedCheckpoint::sign(&checkpoint, Time::from_seconds(1_000).unwrap(), keys).unwrap()
    }

    fn verifiers(keys: &[SignerKey]) -> Vec<VerifierKey> {
        keys.iter().map(|key| key.verifier().clone()).collect()
    }

    #[test]
    fn the_page_s_example_names_the_key_that_signed_both() {
        let page = include_str!("fork.rs").split("//! ```").nth(1).unwrap();
        let example: String =
            page.lines().skip(1).map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n").collect();
        let proof = ForkProof::parse(example.as_bytes()).unwrap();
        assert_eq!(proof.encode(), example.as_bytes());
        let key = SignerKey::new(
            KeyName::new("example.com/log").unwrap(),
            NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[1; 32])),
        );
        let keys = [key.verifier().clone()];
        assert_eq!(proof.signers(&keys).unwrap(), [&keys[0]]);
        assert_eq!((proof.origin().as_str(), proof.size()), ("example.com/log", 3));
    }

    #[test]
    fn two_roots_of_one_size_are_a_fork_in_either_order() {
        let keys = keys("a/log", 1);
        let (one, other) = (signed("a/log", 7, b"one", &keys), signed("a/log", 7, b"other", &keys));
        let proof = ForkProof::new(one.clone(), other.clone()).unwrap();
        assert_eq!(ForkProof::new(other, one).unwrap(), proof);
        assert_eq!(ForkProof::parse(&proof.encode()), Ok(proof.clone()));
        assert_eq!(proof.signers(&verifiers(&keys)).unwrap().len(), 2);
    }

    #[test]
    fn what_does_not_contradict_is_an_error() {
        let keys = keys("a/log", 1);
        let one = signed("a/log", 7, b"one", &keys);
        let cases = [
            (signed("a/log", 7, b"one", &keys[..1]), ForkError::SameRoot { size: 7, root: Hash::of(b"one") }),
            (signed("a/log", 8, b"other", &keys), ForkError::OtherSize { first: 7, second: 8 }),
            (
                signed("b/log", 7, b"other", &super::tests::keys("b/log", 1)),
                ForkError::OtherLog { first: Origin::new("a/log").unwrap(), second: Origin::new("b/log").unwrap() },
            ),
        ];
        for (other, expected) in cases {
            assert_eq!(ForkProof::new(one.clone(), other), Err(expected));
        }
    }

    #[test]
    fn only_a_key_of_the_log_that_signed_both_counts() {
        let (log, elsewhere) = (keys("a/log", 1), keys("a/log", 2));
        let one = signed("a/log", 7, b"one", &log[..1]);
        let with = |other: &[SignerKey], known: &[SignerKey]| {
            let proof = ForkProof::new(one.clone(), signed("a/log", 7, b"other", other)).unwrap();
            proof.signers(&verifiers(known)).map(|signers| signers.len())
        };
        assert_eq!(with(&log[..1], &log), Ok(1));
        assert_eq!(with(&log[1..], &log), Ok(0), "two keys, each once");
        assert_eq!(with(&elsewhere, &log), Ok(0), "by somebody else");
        assert_eq!(with(&log, &elsewhere), Ok(0), "nobody known");
        // A witness that cosigned both has been shown both, and has not forked a log.
        let witness = SignerKey::new(
            KeyName::new("w").unwrap(),
            NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[3; 32])),
        );
        let cosigned = |root: &[u8]| {
            let mut signed = signed("a/log", 7, root, &log[..1]);
            signed.add(signed.cosign(&witness, Time::from_seconds(5).unwrap()).unwrap());
            signed
        };
        let proof = ForkProof::new(cosigned(b"one"), cosigned(b"other")).unwrap();
        assert_eq!(proof.signers(&[witness.verifier().clone()]).unwrap().len(), 0);
    }

    #[test]
    fn rejects_each_change() {
        let keys = keys("a/log", 1);
        let proof = ForkProof::new(signed("a/log", 7, b"1", &keys[..1]), signed("a/log", 7, b"2", &keys[..1])).unwrap();
        let bytes = proof.encode();
        let verifiers = verifiers(&keys[..1]);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let signers = ForkProof::parse(&changed).and_then(|proof| proof.signers(&verifiers).map(|keys| keys.len()));
            assert!(matches!(signers, Err(_) | Ok(0)), "byte {at}: {signers:?}");
            assert!(ForkProof::parse(&bytes[..at]).is_err(), "cut off at {at}");
        }
        assert!(ForkProof::parse(&[&bytes[..], b"\n"].concat()).is_err());
        let swapped = [NAME.as_bytes(), b"\n\n", &proof.second.encode(), b"\n", &proof.first.encode()].concat();
        assert_eq!(ForkProof::parse(&swapped), Err(ForkError::WrongOrder));
        assert_eq!(ForkProof::parse(b"affiant/fork-proof@v2\n\n"), Err(ForkError::WrongName));
        let long = [NAME.as_bytes(), b"\n\n", &vec![b'x'; CHECKPOINT_BYTES_MAX], b"\n\n\n\n"].concat();
        assert!(matches!(ForkProof::parse(&long), Err(ForkError::TooLong { number: 1, .. })));
    }
}
