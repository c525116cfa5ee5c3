//! What was withdrawn: a copy need not have it, and does not keep it.

use std::collections::HashMap;

use crate::archivist::read::{Log, ReadError};
use crate::base::hash::Hash;
use crate::evidence::record::{Body, Manner};

/// The latest word on every blob that was withdrawn. A withdrawal that cannot be read withdraws nothing here: what is
/// not known to be withdrawn is kept.
#[derive(Default)]
pub(in crate::archivist) struct Withdrawn(HashMap<Hash, (u64, Manner)>);

impl Withdrawn {
    pub(in crate::archivist) fn of(log: &Log<'_>) -> Result<Self, ReadError> {
        let mut latest = HashMap::new();
        for at in log.withdrawn_list()?.withdrawals_from(0) {
            let Ok(entry) = log.entry(at) else { continue };
            let Body::Withdrawal(withdrawal) = &entry.record.body else { continue };
            latest.extend(withdrawal.hashes().into_iter().map(|hash| (hash, (at, withdrawal.manner))));
        }
        Ok(Self(latest))
    }

    /// Says whether a blob was withdrawn, of whatever entry.
    pub(in crate::archivist) fn contains(&self, blob: Hash) -> bool {
        self.0.contains_key(&blob)
    }

    /// Returns the blobs that are kept apart.
    pub(in crate::archivist) fn withheld(&self) -> Vec<Hash> {
        self.0.iter().filter(|(_, (_, manner))| *manner == Manner::Withheld).map(|(hash, _)| *hash).collect()
    }

    /// Says whether a blob that an entry names was withdrawn after it.
    pub(super) fn is_of(&self, index: u64, blob: Hash) -> bool {
        self.0.get(&blob).is_some_and(|(at, _)| index < *at)
    }

    /// Says whether nobody is to have a blob any more.
    pub(super) fn is_erased(&self, blob: Hash) -> bool {
        self.0.get(&blob).is_some_and(|(_, manner)| *manner == Manner::Erased)
    }
}
