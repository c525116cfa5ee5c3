//! Blobs: each stretch of a segment that holds none, filled with what the backup has there.
//!
//! A segment's number never means other bytes, so what the backup has under it is what was there. A segment that is gone
//! altogether is made again only when something in it is lost, because a segment that was rewritten without erased blobs
//! is gone for good. What is lost and lies elsewhere in the backup is appended.

use std::collections::HashSet;
use std::ops::Range;

use super::Healed;

use crate::archivist::audit::Audited;
use crate::archivist::follow::{FollowError, Withdrawn};
use crate::archivist::read::Log;
use crate::base::hash::Hash;
use crate::outside::archive::packs::{Member, PackError, PackWriter, Packs};
use crate::outside::archive::writer::spool_of;
use crate::outside::archive::{Archive, ArchiveError};

/// What is at hand to heal blobs with.
struct Healing<'h> {
    packs: &'h Packs,
    from: &'h Packs,
    failed: &'h HashSet<(u32, u64)>,
    lost: &'h [Hash],
    /// The blobs that are not to come back.
    withdrawn: Withdrawn,
    /// Where the backup's newest record lies: what it promises was in the archive once.
    promised: Option<(u32, Member)>,
}

/// Fills what is damaged, as an audit found it.
pub(super) fn heal(
    archive: &Archive,
    backup: &Log<'_>,
    audited: &Audited,
    healed: &mut Healed,
) -> Result<(), FollowError> {
    let (packs, from) = (archive.packs(), backup.archive().packs());
    let promised = backup.entry(backup.size() - 1).ok().and_then(|entry| from.locate(entry.record_sha256()).ok());
    // The archive may know of withdrawals that the backup does not, and its checkpoint may be what is damaged.
    let known = Log::published(archive).and_then(|(log, _)| Withdrawn::of(&log)).or_else(|_| Withdrawn::of(backup))?;
    let (failed, lost) = (&audited.failed, audited.lost.as_slice());
    let healing = Healing { packs, from, failed, lost, withdrawn: known, promised };
    healing.fill(healed)?;
    append(archive, (packs, from), lost, healed)
}

/// Does the same for what is kept apart and not shown. What is lost there is what a withdrawal withholds and neither place
/// has; what is erased does not come back.
pub(super) fn heal_apart(
    archive: &Archive,
    backup: &Log<'_>,
    audited: &Audited,
    healed: &mut Healed,
) -> Result<(), FollowError> {
    let (packs, from) = (archive.withheld(), backup.archive().withheld());
    let withdrawn =
        Log::published(archive).and_then(|(log, _)| Withdrawn::of(&log)).or_else(|_| Withdrawn::of(backup))?;
    let missing = |hash: &Hash| Ok(!packs.contains(*hash)? && !archive.packs().contains(*hash)?);
    let mut lost = withdrawn.withheld();
    let found = lost.iter().map(missing).collect::<Result<Vec<bool>, PackError>>()?;
    let mut found = found.into_iter();
    lost.retain(|_| found.next().unwrap_or_default());
    lost.sort_unstable();
    let failed = &audited.failed_apart;
    Healing { packs: &packs, from: &from, failed, lost: &lost, withdrawn, promised: None }.fill(healed)?;
    append(archive, (&packs, &from), &lost, healed)
}

impl Healing<'_> {
    /// Fills the gaps of every segment that either has.
    fn fill(&self, healed: &mut Healed) -> Result<(), FollowError> {
        let mut segments: Vec<u32> = self.packs.segments()?;
        segments.extend(self.from.segments()?);
        segments.sort_unstable();
        segments.dedup();
        for segment in segments {
            for gap in self.gaps(segment)? {
                let filled = self.packs.fill(self.from, segment, gap)?;
                let name = name_of(self.packs, segment, "pack");
                let words = |(hash, offset): &(Hash, u64)| format!("blob {hash} in {name} at byte {offset}");
                healed.healed.extend(filled.iter().map(words));
            }
            heal_rows(self.packs, segment, healed)?;
        }
        Ok(())
    }

    /// Finds the stretches of a segment that hold nothing, and may be filled.
    fn gaps(&self, segment: u32) -> Result<Vec<Range<u64>>, PackError> {
        let end = match &self.promised {
            Some((last, _)) if segment > *last => 0,
            Some((last, member)) if segment == *last => member.end(),
            _ => self.from.length(segment)?,
        };
        let length = self.packs.length(segment)?;
        if length == 0 {
            return Ok(self.is_gone(segment)?.then_some(0..end).into_iter().collect());
        }
        let damaged = self.failed.iter().filter(|(of, _)| *of == segment).map(|(_, at)| *at);
        let mut gaps = self.packs.gaps(segment, &damaged.collect())?;
        match gaps.last_mut() {
            Some(last) if last.end == length => last.end = end.max(length),
            _ if length < end => gaps.push(length..end),
            _ => {}
        }
        Ok(gaps)
    }

    /// Says whether a segment that is not there is lost, and was not rewritten: something in it is lost, and nothing in
    /// it lies elsewhere or was withdrawn.
    fn is_gone(&self, segment: u32) -> Result<bool, PackError> {
        if self.from.length(segment)? == 0 {
            return Ok(false);
        }
        let mut is_lost = false;
        for member in self.from.walk(segment, 0)?.filter_map(Result::ok) {
            if self.packs.contains(member.hash)? || self.withdrawn.contains(member.hash) {
                return Ok(false);
            }
            is_lost |= self.lost.binary_search(&member.hash).is_ok();
        }
        Ok(is_lost)
    }
}

/// Appends the lost blobs that lie elsewhere in the backup. One whose damaged member still bears its name is in its own
/// way: the place that it has must be healed.
fn append(
    archive: &Archive,
    (packs, from): (&Packs, &Packs),
    lost: &[Hash],
    healed: &mut Healed,
) -> Result<(), FollowError> {
    let mut writer = None;
    for hash in lost {
        if packs.contains(*hash)? {
            continue;
        }
        let mut spool = spool_of(archive);
        match from.copy(*hash, &mut spool) {
            Ok(_) => {}
            Err(error) if error.is_loss() => continue, // What is left is said at the end.
            Err(error) => return Err(error.into()),
        }
        let blob = spool.finish().map_err(PackError::Spool)?;
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(PackWriter::open(packs)?),
        };
        writer.append(&blob)?;
        healed.healed.push(format!("blob {hash} appended"));
    }
    writer.map_or(Ok(()), |mut writer| writer.sync().map_err(ArchiveError::from)).map_err(FollowError::from)
}

/// Writes rows that do not list what the segment holds anew: they are derived from it.
fn heal_rows(packs: &Packs, segment: u32, healed: &mut Healed) -> Result<(), FollowError> {
    if packs.length(segment)? == 0 {
        return Ok(());
    }
    let is_listed = packs.path(segment).with_extension("index").exists();
    let is_sealed = is_listed || packs.segments()?.last() != Some(&segment);
    let members = packs.walk(segment, 0)?.filter_map(Result::ok);
    let mut members: Vec<_> = members.map(|member| (member.hash, member.offset)).collect();
    let rows = packs.rows(segment)?.unwrap_or_default();
    let is_right = if is_sealed {
        members.sort_unstable(); // Their order is what they are searched by.
        is_listed && rows.listed == members
    } else {
        members.starts_with(&rows.listed) // A writer lists a member a moment after it wrote it.
    };
    if !is_right || rows.trailing_bytes > 0 {
        packs.list_anew(segment, is_sealed)?;
        let extension = if is_sealed { "index" } else { "rows" };
        healed.healed.push(format!("{}: made again from the pack", name_of(packs, segment, extension)));
    }
    Ok(())
}

/// Names a file of a segment, in `packs/` or `withheld/`.
fn name_of(packs: &Packs, segment: u32, extension: &str) -> String {
    let folder = packs.folder().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{folder}/{segment:08}.{extension}")
}
