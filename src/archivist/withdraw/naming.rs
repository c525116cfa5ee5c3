//! Who names what: every record is read once, so that no entry loses a blob without being told of.
//!
//! | quantity | unit               | range                                                             |
//! |----------|--------------------|-------------------------------------------------------------------|
//! | memory   | bytes per document | 16, and 8 for each entry that names a wanted blob                 |
//! | time     |                    | that of reading every record: a million take about a minute       |

use std::collections::{BTreeMap, BTreeSet};

use super::WithdrawError;
use super::entries::each_entry;
use super::hold::Holds;

use crate::archivist::progress::Progress;
use crate::archivist::read::Log;
use crate::base::hash::Hash;
use crate::evidence::record::{Body, Visit};

/// What the log says about some blobs.
pub(super) struct Survey {
    /// The entries besides those asked for that name a blob, in order.
    others: BTreeMap<Hash, Vec<u64>>,
    /// Blobs that are the record of some entry.
    records: BTreeMap<Hash, u64>,
    /// What must not be withdrawn.
    pub(super) holds: Holds,
    /// Provisions that quote a wanted rendition.
    pub(super) quotes: Vec<(u64, Hash)>,
}

impl Survey {
    /// Returns the entries besides those asked for that name a blob.
    pub(super) fn others(&self, blob: Hash) -> &[u64] {
        self.others.get(&blob).map_or(&[], Vec::as_slice)
    }

    /// Returns the entry whose record a blob is.
    pub(super) fn record_of(&self, blob: Hash) -> Option<u64> {
        self.records.get(&blob).copied()
    }
}

/// Reads the whole log for who names the blobs that are wanted of `targets`.
pub(super) fn survey(
    log: &Log<'_>,
    wanted: &BTreeSet<Hash>,
    targets: &BTreeSet<u64>,
    progress: &dyn Progress,
) -> Result<Survey, WithdrawError> {
    let mut survey =
        Survey { others: BTreeMap::new(), records: BTreeMap::new(), holds: Holds::default(), quotes: Vec::new() };
    let withdrawn = log.withdrawn_list()?;
    each_entry(log, progress, |entry| {
        let index = entry.record.index;
        survey.holds.take(index, &entry.record.body);
        if wanted.contains(&entry.record_sha256()) {
            survey.records.insert(entry.record_sha256(), index);
        }
        let mut named = entry.record.body.visit().map(Visit::blobs).unwrap_or_default();
        named.retain(|blob| wanted.contains(blob));
        if let Body::Provision(provision) = &entry.record.body
            && wanted.contains(&provision.rendition)
        {
            survey.quotes.push((index, provision.rendition));
        }
        if targets.contains(&index) || named.is_empty() {
            return Ok(());
        }
        if withdrawn.of(index).next().is_some() {
            let before = log.withdrawn(index)?;
            named.retain(|blob| !before.iter().any(|withdrawn| withdrawn.entry.names(*blob)));
        }
        for blob in named {
            survey.others.entry(blob).or_default().push(index);
        }
        Ok(())
    })?;
    Ok(survey)
}
