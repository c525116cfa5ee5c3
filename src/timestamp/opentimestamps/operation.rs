//! Operations: the steps of a path, each from one message to the next.
//!
//! | tag       | operation            | argument                          | done here            |
//! |-----------|----------------------|-----------------------------------|----------------------|
//! | `f0` `f1` | append, prepend      | 1 to [`MESSAGE_BYTES_MAX`] bytes  | yes                  |
//! | `f2` `f3` | reverse, hexlify     |                                   | yes                  |
//! | `08`      | SHA-256              |                                   | yes                  |
//! | `02`      | SHA-1                |                                   | no: broken           |
//! | `03` `67` | RIPEMD-160, Keccak-256 |                                 | no: no path to Bitcoin has them |
//!
//! Source: `opentimestamps/core/op.py`. A message has at most [`MESSAGE_BYTES_MAX`] bytes, hexlify takes half of that. Any
//! other tag is an error, since nobody can tell how long its argument is.
//!
//! What stands behind a step that is not done here can be read and written, and shows nothing: the message is then *lost*.

use super::bytes::{Bytes, write_string};
use super::error::{MESSAGE_BYTES_MAX, ProofError};

use crate::base::hash::Hash;

/// A step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    Append(Vec<u8>),
    Prepend(Vec<u8>),
    Reverse,
    Hexlify,
    Sha256,
    /// One that is not done here, by its tag and its name.
    Undone(u8, &'static str),
}

/// What a step begins or ends with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Message {
    Known(Vec<u8>),
    /// It stands behind a step that is not done here.
    Lost(&'static str),
}

pub(super) const SHA_256: u8 = 0x08;
const UNDONE: [(u8, &str); 3] = [(0x02, "SHA-1, which is broken"), (0x03, "RIPEMD-160"), (0x67, "Keccak-256")];

/// Returns the hash with a tag that is known and not computed here, with its length.
pub(super) fn undone_hash(tag: u8) -> Option<&'static str> {
    UNDONE.iter().find(|(known, _)| *known == tag).map(|(_, name)| *name)
}

impl Operation {
    /// Reads what stands behind a tag.
    pub(super) fn read(tag: u8, bytes: &mut Bytes<'_>) -> Result<Self, ProofError> {
        let at = bytes.at();
        Ok(match tag {
            0xf0 => Self::Append(bytes.string(1, MESSAGE_BYTES_MAX)?.to_vec()),
            0xf1 => Self::Prepend(bytes.string(1, MESSAGE_BYTES_MAX)?.to_vec()),
            0xf2 => Self::Reverse,
            0xf3 => Self::Hexlify,
            SHA_256 => Self::Sha256,
            _ => {
                let name = undone_hash(tag).ok_or(ProofError::UnknownOperation { at, tag })?;
                Self::Undone(tag, name)
            }
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Append(argument) => {
                out.push(0xf0);
                write_string(out, argument);
            }
            Self::Prepend(argument) => {
                out.push(0xf1);
                write_string(out, argument);
            }
            Self::Reverse => out.push(0xf2),
            Self::Hexlify => out.push(0xf3),
            Self::Sha256 => out.push(SHA_256),
            Self::Undone(tag, _) => out.push(*tag),
        }
    }

    /// Takes the step.
    pub(super) fn apply(&self, message: &Message) -> Result<Message, ProofError> {
        let known = match message {
            Message::Known(known) => known,
            // A hash that is done here hides the length again, and stands on the same lost bytes.
            Message::Lost(name) => return Ok(Message::Lost(name)),
        };
        let result = match self {
            Self::Append(argument) => [known, argument.as_slice()].concat(),
            Self::Prepend(argument) => [argument.as_slice(), known].concat(),
            Self::Reverse => known.iter().rev().copied().collect(),
            Self::Hexlify => data_encoding::HEXLOWER.encode(known).into_bytes(),
            Self::Sha256 => Hash::of(known).as_bytes().to_vec(),
            Self::Undone(_, name) => return Ok(Message::Lost(name)),
        };
        if result.len() > MESSAGE_BYTES_MAX {
            return Err(ProofError::LongMessage { found: result.len() });
        }
        Ok(Message::Known(result))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_does_what_its_name_says() {
        let from = Message::Known(b"ab".to_vec());
        let cases: [(Operation, &[u8]); 5] = [
            (Operation::Append(b"c".to_vec()), b"abc"),
            (Operation::Prepend(b"c".to_vec()), b"cab"),
            (Operation::Reverse, b"ba"),
            (Operation::Hexlify, b"6162"),
            // `printf ab | sha256sum`.
            (
                Operation::Sha256,
                b"\xfb\x8e\x20\xfc\x2e\x4c\x3f\x24\x8c\x60\xc3\x9b\xd6\x52\xf3\xc1\x34\x72\x98\xbb\x97\x7b\x8b\x4d\x59\x03\xb8\x50\x55\x62\x06\x03",
            ),
        ];
        for (operation, expected) in cases {
            assert_eq!(operation.apply(&from).ok(), Some(Message::Known(expected.to_vec())), "{operation:?}");
        }
        let long = Message::Known(vec![7; MESSAGE_BYTES_MAX]);
        assert!(matches!(Operation::Hexlify.apply(&long), Err(ProofError::LongMessage { found: 8192 })));
        let lost = Operation::Undone(2, "SHA-1").apply(&from).unwrap();
        assert_eq!(Operation::Sha256.apply(&lost).ok(), Some(Message::Lost("SHA-1")), "what is lost stays lost");
    }
}
