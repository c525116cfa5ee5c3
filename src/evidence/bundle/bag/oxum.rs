//! Payload-Oxum: how much payload there is, so that a lost file is seen before anything is hashed (RFC 8493 §2.2.2).

use std::fmt;
use std::str::FromStr;

/// How much payload there is: bytes, and the files they are in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Oxum {
    /// The sum of the sizes of the payload files.
    pub size_bytes: u64,
    /// How many payload files there are.
    pub files: u64,
}

impl fmt::Display for Oxum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.size_bytes, self.files)
    }
}

impl FromStr for Oxum {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (size_bytes, files) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self { size_bytes: size_bytes.parse()?, files: files.parse()? })
    }
}
