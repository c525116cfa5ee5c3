//! Vkeys: keys as notes know them, by name, id and what they sign.
//!
//! ```text
//! log.example.org/affiant+d7073dae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
//! ```
//!
//! A vkey's parts are the key name, the key id in eight lower-case hexadecimal digits, and base64 of the signature type and
//! the public key, with `+` between them.
//!
//! | signature type | signs                          | public key bytes | signature bytes |
//! |----------------|--------------------------------|------------------|-----------------|
//! | 0x01           | a note's text, Ed25519         | 32               | 64              |
//! | 0x04           | a cosignature, Ed25519         | 32               | 8 + 64          |
//! | 0x06           | a cosignature, ML-DSA-44       | 1312             | 8 + 2420        |
//!
//! Rules. A key name is 1 to 255 bytes of UTF-8 without `+`, Unicode spaces or control characters. The
//! key id is the first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key); name and id together
//! say which key, for which purpose. One spelling is read.
//!
//! To verify a vkey:
//! 1. Split at the first and second `+`: name, id, key. (Base64 may hold more of them.)
//! 2. Decode the key strictly; its first byte is the type, the rest a public key of the type's length.
//! 3. Compute the id and compare it.
//!
//! Sources: C2SP signed-note (vkeys, type 0x01), C2SP tlog-cosignature (0x04, 0x06). Stricter than these: key ids other than
//! the recommended ones are refused, and names are at most 255 bytes (a cosigned message can hold no more). Types 0x02
//! (ECDSA) and 0x05 (RFC 6962) are not read.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};

use crate::base::base64;
use crate::base::hash::Hash;
use crate::log::key::{
    Ed25519PublicKey, Ed25519SecretKey, Ed25519Signer, KeyError, MlDsa44PublicKey, MlDsa44SecretKey,
};

/// A key's name in notes: 1 to 255 bytes without `+`, Unicode spaces and control characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyName(String);

impl KeyName {
    /// The longest name; the length of a cosigned message's `cosigner_name` is one byte.
    pub const SIZE_BYTES_MAX: usize = 255;

    /// Takes a name.
    ///
    /// # Errors
    /// [`VkeyError::Name`].
    pub fn new(text: &str) -> Result<Self, VkeyError> {
        let is_name = (1..=Self::SIZE_BYTES_MAX).contains(&text.len())
            && !text.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control());
        if !is_name {
            return Err(VkeyError::Name { found: text.chars().take(64).collect() });
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key signs in notes: the signature type.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyKind {
    /// 0x01: Ed25519 over a note's text.
    Ed25519,
    /// 0x04: Ed25519 over a cosignature.
    Ed25519Cosignature,
    /// 0x06: ML-DSA-44 over a cosignature.
    MlDsa44Cosignature,
}

impl KeyKind {
    /// Returns the signature type's byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Ed25519Cosignature => 0x04,
            Self::MlDsa44Cosignature => 0x06,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519 signature (0x01)",
            Self::Ed25519Cosignature => "Ed25519 cosignature (0x04)",
            Self::MlDsa44Cosignature => "ML-DSA-44 cosignature (0x06)",
        })
    }
}

/// A public key bound to what it signs in notes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum NotePublicKey {
    /// 0x01: Ed25519 over a note's text.
    Ed25519(Ed25519PublicKey),
    /// 0x04: Ed25519 over a cosignature.
    Ed25519Cosignature(Ed25519PublicKey),
    /// 0x06: ML-DSA-44 over a cosignature.
    MlDsa44Cosignature(MlDsa44PublicKey),
}

impl NotePublicKey {
    /// Returns what the key signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Ed25519(_) => KeyKind::Ed25519,
            Self::Ed25519Cosignature(_) => KeyKind::Ed25519Cosignature,
            Self::MlDsa44Cosignature(_) => KeyKind::MlDsa44Cosignature,
        }
    }

    /// Returns the encoded key, without its type.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(key) | Self::Ed25519Cosignature(key) => key.as_bytes(),
            Self::MlDsa44Cosignature(key) => key.as_bytes(),
        }
    }

    /// Returns the fingerprint that people compare.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Ed25519(key) | Self::Ed25519Cosignature(key) => key.fingerprint(),
            Self::MlDsa44Cosignature(key) => key.fingerprint(),
        }
    }

    /// Returns the `PUBLIC KEY` PEM that openssl reads.
    #[must_use]
    pub fn spki_pem(&self) -> String {
        match self {
            Self::Ed25519(key) | Self::Ed25519Cosignature(key) => key.spki_pem(),
            Self::MlDsa44Cosignature(key) => key.spki_pem(),
        }
    }
}

/// A named public key, as a reader is given it: a vkey.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct VerifierKey {
    name: KeyName,
    key: NotePublicKey,
}

impl VerifierKey {
    /// The longest vkey read: the longest name, an id, an ML-DSA-44 key in base64 and two signs.
    pub const SIZE_BYTES_MAX: usize =
        KeyName::SIZE_BYTES_MAX + 1 + 8 + 1 + (1 + MlDsa44PublicKey::SIZE_BYTES).div_ceil(3) * 4;

    /// Binds a key to its name.
    #[must_use]
    pub fn new(name: KeyName, key: NotePublicKey) -> Self {
        Self { name, key }
    }

    /// Reads a vkey.
    ///
    /// # Errors
    /// One [`VkeyError`] per way in which it can be wrong.
    pub fn parse(text: &str) -> Result<Self, VkeyError> {
        if text.len() > Self::SIZE_BYTES_MAX {
            return Err(VkeyError::TooLong { found: text.len() });
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VkeyError::NotVkey);
        };
        let name = KeyName::new(name)?;
        let id: [u8; 4] =
            HEXLOWER.decode(id.as_bytes()).ok().and_then(|id| id.try_into().ok()).ok_or(VkeyError::NotKeyId)?;
        let decoded = base64::decode(encoded.as_bytes()).ok_or(VkeyError::NotBase64)?;
        let key = match decoded.split_first() {
            Some((0x01, key)) => NotePublicKey::Ed25519(Ed25519PublicKey::from_slice(key)?),
            Some((0x04, key)) => NotePublicKey::Ed25519Cosignature(Ed25519PublicKey::from_slice(key)?),
            Some((0x06, key)) => NotePublicKey::MlDsa44Cosignature(MlDsa44PublicKey::from_slice(key)?),
            Some((other, _)) => return Err(VkeyError::UnknownType { found: *other }),
            None => return Err(VkeyError::NotVkey),
        };
        let (found, read) = (u32::from_be_bytes(id), Self { name, key });
        if found != read.id() {
            return Err(VkeyError::WrongKeyId { found, computed: read.id() });
        }
        Ok(read)
    }

    /// Returns the key's name.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the public key with its purpose.
    #[must_use]
    pub fn key(&self) -> &NotePublicKey {
        &self.key
    }

    /// Returns what the key signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.key.kind()
    }

    /// Returns the key id that stands in signature lines.
    #[must_use]
    pub fn id(&self) -> u32 {
        let hash = Hash::of_parts(&[self.name.0.as_bytes(), b"\n", &[self.kind().byte()], self.key.as_bytes()]);
        let [a, b, c, d, ..] = *hash.as_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// Returns the fingerprint that people compare.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = [&[self.kind().byte()], self.key.as_bytes()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id(), BASE64.encode(&encoded))
    }
}

impl FromStr for VerifierKey {
    type Err = VkeyError;

    fn from_str(text: &str) -> Result<Self, VkeyError> {
        Self::parse(text)
    }
}

/// A secret key bound to what it signs in notes.
#[derive(Debug)]
pub enum NoteSecretKey {
    /// 0x01: Ed25519 over a note's text.
    Ed25519(Ed25519SecretKey),
    /// 0x01: the same, wherever the secret is.
    Ed25519Signer(Ed25519Signer),
    /// 0x04: Ed25519 over a cosignature.
    Ed25519Cosignature(Ed25519SecretKey),
    /// 0x06: ML-DSA-44 over a cosignature.
    MlDsa44Cosignature(MlDsa44SecretKey),
}

/// A named secret key that signs notes.
#[derive(Debug)]
pub struct SignerKey {
    secret: NoteSecretKey,
    verifier: VerifierKey,
}

impl SignerKey {
    /// Binds a secret key to its name.
    #[must_use]
    pub fn new(name: KeyName, secret: NoteSecretKey) -> Self {
        let key = match &secret {
            NoteSecretKey::Ed25519(secret) => NotePublicKey::Ed25519(secret.public()),
            NoteSecretKey::Ed25519Signer(signer) => NotePublicKey::Ed25519(signer.public()),
            NoteSecretKey::Ed25519Cosignature(secret) => NotePublicKey::Ed25519Cosignature(secret.public()),
            NoteSecretKey::MlDsa44Cosignature(secret) => NotePublicKey::MlDsa44Cosignature(secret.public()),
        };
        Self { secret, verifier: VerifierKey { name, key } }
    }

    /// Returns the key that checks what this one signs.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Returns the key's name.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.verifier.name
    }

    /// Returns the secret key with its purpose, for signing.
    #[must_use]
    pub fn key_secret(&self) -> &NoteSecretKey {
        &self.secret
    }
}

/// Why some text is not a vkey or a key name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum VkeyError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("`{found}` is not a key name: 1 to 255 bytes without `+`, spaces and control characters")]
    Name { found: String },
    #[error("the public key is not base64 of the one spelling")]
    NotBase64,
    #[error("a key id is eight lower-case hexadecimal digits")]
    NotKeyId,
    #[error("not a vkey such as `log.example.org+0123abcd+AQ…`")]
    NotVkey,
    #[error("{found} bytes, more than the longest vkey of {}", VerifierKey::SIZE_BYTES_MAX)]
    TooLong { found: usize },
    #[error("signature type 0x{found:02x} is not one of 0x01, 0x04 and 0x06")]
    UnknownType { found: u8 },
    #[error("key id {found:08x} does not fit name and key, expected {computed:08x}")]
    WrongKeyId { found: u32, computed: u32 },
}

#[cfg(test)]
mod tests {
    use super::*;

    // golang.org/x/mod/sumdb/note's own example key.
    const PETER_NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn the_page_s_example_is_a_vkey() {
        let page = include_str!("vkey.rs").split("//! ```").nth(1).unwrap();
        let key = VerifierKey::parse(page.trim_start_matches("text\n//! ").trim_end()).unwrap();
        let public = Ed25519SecretKey::from_seed(&[1; 32]).public();
        assert_eq!((key.name().as_str(), key.key()), ("log.example.org/affiant", &NotePublicKey::Ed25519(public)));
    }

    #[test]
    fn reads_and_writes_the_published_vkey() {
        let key = VerifierKey::parse(PETER_NEUMANN).unwrap();
        assert_eq!((key.name().as_str(), key.id(), key.kind()), ("PeterNeumann", 0xc74f_20a3, KeyKind::Ed25519));
        assert_eq!(key.to_string(), PETER_NEUMANN);
    }

    #[test]
    fn every_kind_of_vkey_reads_back() {
        let name = || KeyName::new("log.example.org/a").unwrap();
        let secrets = [
            NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[1; 32])),
            NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[1; 32])),
            NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[1; 32])),
        ];
        let mut ids = Vec::new();
        for secret in secrets {
            let key = SignerKey::new(name(), secret);
            let text = key.verifier().to_string();
            assert_eq!(VerifierKey::parse(&text).as_ref(), Ok(key.verifier()), "{text}");
            ids.push(key.verifier().id());
        }
        ids.dedup();
        assert_eq!(ids.len(), 3, "the purpose is part of the id");
    }

    #[test]
    fn rejects_any_other_spelling_of_a_vkey() {
        let cases = [
            ("", VkeyError::NotVkey),
            ("PeterNeumann+c74f20a3", VkeyError::NotVkey),
            ("PeterNeumann+c74f20a3+", VkeyError::NotVkey),
            ("Peter Neumann+c74f20a3+AR", VkeyError::Name { found: "Peter Neumann".into() }),
            ("Peter\u{a0}+c74f20a3+AR", VkeyError::Name { found: "Peter\u{a0}".into() }),
            ("+c74f20a3+AR", VkeyError::Name { found: String::new() }),
            ("PeterNeumann+C74F20A3+AR", VkeyError::NotKeyId),
            ("PeterNeumann+c74f20a+AR", VkeyError::NotKeyId),
            ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n", VkeyError::NotBase64),
            ("PeterNeumann+c74f20a3+ARp=", VkeyError::NotBase64),
            ("PeterNeumann+c74f20a3+ARo=AAAA", VkeyError::NotBase64),
            ("PeterNeumann+c74f20a3+ARpc", VkeyError::Key(KeyError::WrongLength { expected: 32, found: 2 })),
            ("PeterNeumann+c74f20a3+Ahpc", VkeyError::UnknownType { found: 2 }),
            (
                "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                VkeyError::WrongKeyId { found: 0xc74f_20a4, computed: 0xc74f_20a3 },
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
        }
        let other_name = PETER_NEUMANN.replace('P', "p");
        assert!(matches!(VerifierKey::parse(&other_name), Err(VkeyError::WrongKeyId { found: 0xc74f_20a3, .. })));
        let long = "x".repeat(VerifierKey::SIZE_BYTES_MAX + 1);
        assert_eq!(VerifierKey::parse(&long), Err(VkeyError::TooLong { found: long.len() }));
    }
}
