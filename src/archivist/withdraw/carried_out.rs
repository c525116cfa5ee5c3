//! Carrying out: what the log says is withdrawn leaves the packs.
//!
//! This is the only way in which it happens, whether the withdrawal was published a moment ago or by a process that was
//! killed before it got here. It looks at the withdrawals that are not known to be carried out:
//!
//! 1. What is withheld and still in the packs is copied to `withheld/`, durably.
//! 2. What is withdrawn, and named by no entry behind the withdrawal, is taken out of the packs; what is erased also
//!    out of `withheld/`.
//! 3. The list says that all this is done. *A crash before* makes the next writer look again, and find nothing to do.

use std::collections::{BTreeMap, BTreeSet};

use crate::archivist::read::{Log, ReadError};
use crate::base::hash::Hash;
use crate::evidence::record::{Body, Manner, Withdrawal};
use crate::outside::archive::ArchiveError;
use crate::outside::archive::withdrawn::{UNLISTED_COUNT_MAX, WithdrawnList};
use crate::outside::archive::writer::Writer;

/// Brings the list of withdrawals up to the log, and carries out what is not.
pub(in crate::archivist) fn carry_out(writer: &mut Writer, log: &Log<'_>) -> Result<WithdrawnList, CarryOutError> {
    let folder = log.archive().folder();
    let known = WithdrawnList::read(folder, log.size());
    let mut list = log.withdrawn_list()?;
    carry_out_pending(writer, log, &mut list)?;
    // A short log without withdrawals needs no list.
    let is_due = list.rows != known.rows || list.done != known.done || list.size - known.size >= UNLISTED_COUNT_MAX;
    if is_due {
        list.write(folder).map_err(ArchiveError::from)?;
    }
    Ok(list)
}

/// Carries out the withdrawals that are not known to be; says how many blobs went.
pub(in crate::archivist) fn carry_out_pending(
    writer: &mut Writer,
    log: &Log<'_>,
    list: &mut WithdrawnList,
) -> Result<usize, CarryOutError> {
    let pending = list.withdrawals_from(list.done);
    let (Some(first), Some(newest)) = (pending.first().copied(), pending.last().copied()) else { return Ok(0) };
    let said = Said::read(log, list)?;
    let mut candidates: BTreeSet<Hash> =
        pending.iter().filter_map(|at| said.withdrawals.get(at)).flat_map(Withdrawal::hashes).collect();
    let withheld = said.withheld();
    let to_erase_apart = candidates.difference(&withheld).copied().collect();

    let held = log.archive().packs().held_of(&candidates).map_err(ArchiveError::from)?;
    if !held.is_empty() {
        candidates = &held - &said.named_again(log, first, &held)?;
        let apart = held.intersection(&withheld).copied().collect();
        writer.withhold(&apart)?;
    }
    let mut gone = writer.erase(&candidates)?;
    gone += writer.erase_withheld(&to_erase_apart)?;
    list.done = newest + 1;
    Ok(gone)
}

/// Why what is withdrawn cannot be taken away.
#[derive(Debug, thiserror::Error)]
pub(in crate::archivist) enum CarryOutError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What all withdrawals together say.
struct Said {
    withdrawals: BTreeMap<u64, Withdrawal>,
    /// The latest word on each blob of each entry.
    latest: BTreeMap<(u64, Hash), Manner>,
}

impl Said {
    fn read(log: &Log<'_>, list: &WithdrawnList) -> Result<Self, ReadError> {
        let mut said = Self { withdrawals: BTreeMap::new(), latest: BTreeMap::new() };
        for at in list.withdrawals_from(0) {
            let Body::Withdrawal(withdrawal) = log.entry(at)?.record.body else { continue };
            for entry in &withdrawal.entries {
                said.latest.extend(entry.hashes().map(|blob| ((entry.index, blob), withdrawal.manner)));
            }
            said.withdrawals.insert(at, withdrawal);
        }
        Ok(said)
    }

    /// Returns the blobs that are withheld of some entry.
    fn withheld(&self) -> BTreeSet<Hash> {
        let withheld = self.latest.iter().filter(|(_, manner)| **manner == Manner::Withheld);
        withheld.map(|((_, blob), _)| *blob).collect()
    }

    /// Returns those of `blobs` that entries from `start` on name without their being withdrawn of them: they were
    /// captured again.
    fn named_again(&self, log: &Log<'_>, start: u64, blobs: &BTreeSet<Hash>) -> Result<BTreeSet<Hash>, ReadError> {
        let mut named = BTreeSet::new();
        for index in start..log.size() {
            let entry = match log.entry(index) {
                Ok(entry) => entry,
                Err(ReadError::Withdrawn { .. }) => continue,
                Err(error) => return Err(error),
            };
            let Some(visit) = entry.record.body.visit() else { continue };
            let is_named = |blob: &Hash| blobs.contains(blob) && !self.latest.contains_key(&(index, *blob));
            named.extend(visit.blobs().into_iter().filter(is_named));
        }
        Ok(named)
    }
}
