//! Tenures: from which entry to which a key speaks.

use crate::base::hash::Hash;
use crate::evidence::record::NamedKey;
use crate::log::key::Ed25519PublicKey;

/// A recovery key: of the first one the log has only the hash, until it signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recovery {
    /// SHA-256 of its public half.
    pub sha256: Hash,
    /// The key, where a record names it.
    pub key: Option<NamedKey>,
    /// The entry from which on it counts.
    pub added: u64,
}

/// From where to where one key is valid.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tenure {
    /// The key.
    pub key: NamedKey,
    /// The entry that names it first.
    pub added: u64,
    /// The entry from which on it is not valid any more.
    pub retired: Option<u64>,
    /// From where it is distrusted.
    pub distrusted: Option<Distrust>,
    /// Who else signed the record that adds it, by public key; nobody for those that entry 0 names.
    pub(super) vouched_by: Vec<Vec<u8>>,
    /// The key as it checks Ed25519 signatures: a history asks for it at every capture.
    pub(super) ed25519: Option<Ed25519PublicKey>,
}

/// From where a key is distrusted, and who says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Distrust {
    /// The first entry that it does not vouch for.
    pub from: u64,
    /// The key record that says so.
    pub by: u64,
}

/// How a key stands at an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Its word counts.
    Valid,
    /// It is distrusted from an earlier entry on.
    Distrusted(Distrust),
    /// It was not added before this entry.
    NotYet(u64),
    /// It was retired at this entry or before.
    Retired(u64),
    /// The archive never named it for this purpose.
    Unknown,
}

impl Tenure {
    pub(super) fn new(key: &NamedKey, added: u64, vouched_by: Vec<Vec<u8>>) -> Self {
        Self { key: key.clone(), added, retired: None, distrusted: None, vouched_by, ed25519: key.ed25519() }
    }

    /// Says whether the key was added and not retired, whatever came to be thought of it.
    pub(super) fn covers(&self, index: u64) -> bool {
        self.added <= index && self.retired.is_none_or(|retired| retired > index)
    }

    /// Says whether the key's word counts at an entry.
    #[must_use]
    pub fn is_valid(&self, index: u64) -> bool {
        self.covers(index) && self.distrusted.is_none_or(|distrust| distrust.from > index)
    }
}
