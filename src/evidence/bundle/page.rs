//! The page in every bundle.

use std::collections::BTreeMap;

use super::layout::Entries;

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::key::Ed25519PublicKey;

/// What the page is about.
pub(super) struct Described<'d> {
    pub(super) subjects: &'d [&'d Id],
    pub(super) entries: &'d Entries,
    pub(super) blobs: &'d BTreeMap<String, Hash>,
    pub(super) head: &'d SignedCheckpoint,
    pub(super) key: Ed25519PublicKey,
}

/// Writes the page.
pub(super) fn text(described: &Described<'_>) -> String {
    let Described { subjects, entries, blobs, head, key } = described;
    format!("{subjects:?} {} {} {} {}\n", entries.records.len(), blobs.len(), head.checkpoint().size, key.fingerprint())
}
