//! What the lines of a policy say, and why a file or a line is none.

use std::fmt;

use crate::log::vkey::{VerifierKey, VkeyError};

/// The longest policy read.
pub const SIZE_BYTES_MAX: usize = 1 << 20;

/// The greatest number of logs, of witnesses and of groups; the specification asks for 32 of each.
pub const COUNT_MAX: usize = 256;

/// What no witness and no group is called.
pub(super) const NONE: &[u8] = b"none";

/// A word of a policy file, such as a name: opaque bytes without white space and control characters.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Word(Vec<u8>);

impl Word {
    /// Takes a word.
    ///
    /// # Errors
    /// [`PolicyLineError::Word`].
    pub fn new(bytes: &[u8]) -> Result<Self, PolicyLineError> {
        if bytes.is_empty() || bytes.iter().any(|b| *b <= b' ' || *b == 0x7f) {
            return Err(PolicyLineError::Word);
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A log that the reader trusts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyLog {
    /// The log's key, named as its origin.
    pub key: VerifierKey,
    /// Where the log is, for programs that fetch it.
    pub url: Option<Word>,
}

/// A witness that the reader trusts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyWitness {
    /// Its name within the policy.
    pub name: Word,
    /// The key that cosigns.
    pub key: VerifierKey,
    /// Where the witness takes checkpoints.
    pub url: Option<Word>,
}

/// Witnesses or groups of which some number must have witnessed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyGroup {
    /// Its name within the policy.
    pub name: Word,
    /// How many of its members are needed.
    pub needed: usize,
    /// The names of its members.
    pub members: Vec<Word>,
}

/// Who must have witnessed a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Quorum {
    /// Nobody.
    None,
    /// The witness or group of this name.
    Of(Word),
}

/// All that the lines of a policy say, in their order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Lines {
    pub(super) logs: Vec<PolicyLog>,
    pub(super) witnesses: Vec<PolicyWitness>,
    pub(super) groups: Vec<PolicyGroup>,
    pub(super) quorum: Quorum,
}

/// Why bytes are not a policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PolicyError {
    #[error("a key cannot be added")]
    Key(#[source] PolicyLineError),
    #[error("line {line}")]
    Line { line: usize, source: PolicyLineError },
    #[error("the last line has no newline")]
    NoFinalNewline,
    #[error("no quorum line; `quorum none` asks for no witnesses")]
    NoQuorum,
    #[error("{found} bytes, more than the limit of {SIZE_BYTES_MAX}")]
    TooLong { found: usize },
}

/// Why a line is not a policy's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PolicyLineError {
    #[error("control character at byte {position}")]
    ControlCharacter { position: usize },
    #[error("vkey")]
    Key(#[source] VkeyError),
    #[error("the public key {fingerprint} stands twice")]
    KeyTwice { fingerprint: String },
    #[error("`{name}` is a member of a group already")]
    MemberTwice { name: Word },
    #[error("the name `{name}` is taken")]
    NameTaken { name: Word },
    #[error("a witness cosigns (types 0x04 and 0x06), the key named `{name}` does not")]
    NotCosigner { name: String },
    #[error("a second quorum line")]
    QuorumTwice,
    #[error("`{found}` of {members} members; write `all`, `any` or a number from 1 to {members}")]
    Threshold { found: String, members: usize },
    #[error("more than {COUNT_MAX} of a kind")]
    TooMany,
    #[error("`{name}` is not defined above")]
    Undefined { name: Word },
    #[error("`{found}` is not one of `log`, `witness`, `group` and `quorum`")]
    UnknownKeyword { found: String },
    #[error("a word is not empty and holds no white space")]
    Word,
    #[error("{found} words are too few or too many")]
    WrongCount { found: usize },
}
