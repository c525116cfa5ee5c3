//! SHA-256 hashes: the names of blobs, records, statements and tree nodes.
//!
//! | quantity | unit  | range |
//! |----------|-------|-------|
//! | hash     | bytes | 32    |
//!
//! Source: FIPS 180-4 (SHA-256). Text form: 64 lower-case hexadecimal digits; no other spelling is read.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// A SHA-256 hash.
#[derive(Clone, Copy, Eq, std::hash::Hash, Ord, PartialEq, PartialOrd)]
pub struct Hash([u8; Hash::SIZE_BYTES]);

impl Hash {
    /// How long a hash is.
    pub const SIZE_BYTES: usize = 32;

    /// Takes 32 bytes as the hash that they already are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::SIZE_BYTES]) -> Self {
        Self(bytes)
    }

    /// Takes a slice as the hash that it already is, when it is 32 bytes long.
    ///
    /// # Errors
    /// [`HashError::WrongLength`] when it is not.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, HashError> {
        let bytes = bytes.try_into().map_err(|_| HashError::WrongLength { found: bytes.len() })?;
        Ok(Self(bytes))
    }

    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Hashes the parts as if they stood in one piece.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Hasher::new();
        for part in parts {
            hasher.update(part);
        }
        hasher.finish()
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE_BYTES] {
        &self.0
    }

    /// Returns the first 16 hexadecimal digits, for people where space is short.
    #[must_use]
    pub fn short(&self) -> String {
        HEXLOWER.encode(&self.0[..8])
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| HashError::NotHex)?;
        Self::from_slice(&bytes)
    }
}

/// Hashes bytes as they stream past.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Starts with nothing hashed.
    #[must_use]
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the hash of all that was taken in.
    #[must_use]
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// Hashes what is written through it.
pub struct Hashing<W> {
    target: W,
    hasher: Hasher,
}

impl<W: Write> Hashing<W> {
    /// Starts with nothing written.
    pub fn new(target: W) -> Self {
        Self { target, hasher: Hasher::new() }
    }

    /// Returns the target, and the hash of all that it took.
    pub fn finish(self) -> (W, Hash) {
        (self.target, self.hasher.finish())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.target.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

/// Why some text or bytes are not a hash.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum HashError {
    #[error("a hash is 64 lower-case hexadecimal digits")]
    NotHex,
    #[error("a hash is 32 bytes, found {found}")]
    WrongLength { found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_hash_of_abc() {
        // FIPS 180-4, example B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash::of(b"abc").to_string(), expected);
        assert_eq!(Hash::of_parts(&[b"a", b"", b"bc"]).to_string(), expected);
    }

    #[test]
    fn rejects_any_other_spelling() {
        let text = Hash::of(b"abc").to_string();
        assert_eq!(text.parse(), Ok(Hash::of(b"abc")));
        assert_eq!(text.to_uppercase().parse::<Hash>(), Err(HashError::NotHex));
        assert_eq!(text[2..].parse::<Hash>(), Err(HashError::WrongLength { found: 31 }));
        assert_eq!(format!("{text} ").parse::<Hash>(), Err(HashError::NotHex));
    }
}
