//! The segments: copied as bytes, up to the record of the newest promised entry.

use std::collections::HashSet;

use super::{Copy, FollowError};

use crate::archivist::progress::Progress;
use crate::archivist::read::{Log, ReadError};
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::evidence::statement::Statement;
use crate::outside::archive::packs::{PackError, Packs, Stretch};
use crate::outside::archive::{Archive, ArchiveError};

/// A segment, and a byte of it.
type Place = (u32, u64);

impl Copy<'_> {
    /// Copies what is new. The record of the newest promised entry is appended behind all that it and those before it
    /// name, so nothing behind it is taken: a writer may still be at work there.
    pub(super) fn segments(
        &mut self,
        log: &Log<'_>,
        old_size: u64,
        progress: &dyn Progress,
    ) -> Result<(), FollowError> {
        let (from, packs) = (self.source.packs(), self.replica.packs());
        let promised = match from.locate(record_of(log, self.size - 1)?) {
            Ok((segment, member)) => Some((segment, member.end())),
            Err(PackError::Missing { .. }) => None, // It is damaged: all there is may be promised.
            Err(error) => return Err(error.into()),
        };
        let held = self.held(old_size)?;
        let mut stretches = Vec::new();
        for segment in from.segments()? {
            stretches.extend(stretch(from, packs, segment, promised, held)?);
        }
        let act = progress.begin("copying blobs", Some(stretches.iter().map(|stretch| stretch.end).sum()));
        for stretch in stretches {
            let taken = packs.take(from, stretch, &|bytes| act.advance(bytes))?;
            self.bytes += taken.bytes;
            self.places.extend(taken.members.into_iter().map(|(hash, offset)| (hash, (stretch.segment, offset))));
            self.damaged.extend(taken.damaged.iter().map(|error| with_causes(error)));
        }
        Ok(())
    }

    /// Finds how far the copy's own checkpoint promises its segments; nothing where the first copy has rewritten them.
    fn held(&self, old_size: u64) -> Result<Option<Place>, FollowError> {
        if old_size == 0 {
            return Ok(None);
        }
        let archive = Archive::open(self.replica.folder())?;
        let record = record_of(&Log::at(&archive, old_size), old_size - 1)?;
        let (segment, member) = match self.replica.packs().locate(record) {
            Err(PackError::Missing { .. }) => return Ok(None), // It was withdrawn, or is lost: all is compared.
            other => other?,
        };
        let from = self.source.packs();
        if from.length(segment)? == 0 {
            return Ok(None);
        }
        if from.member_at(segment, member.offset)?.as_ref() != Some(&member) {
            return Err(FollowError::OtherSegment { path: from.path(segment) });
        }
        Ok(Some((segment, member.end())))
    }

    /// Copies what the first copy keeps apart.
    pub(super) fn withheld(&mut self, progress: &dyn Progress) -> Result<(), FollowError> {
        let (from, packs) = (self.source.withheld(), self.replica.withheld());
        let act = progress.begin("copying what is withheld", None);
        for segment in from.segments()? {
            let members = from.walk(segment, 0)?.filter_map(Result::ok);
            let end = members.map(|member| member.end()).last().unwrap_or_default();
            let is_sealed = from.path(segment).with_extension("index").exists();
            let stretch = Stretch { segment, held: 0, end, is_sealed };
            let taken = packs.take(&from, stretch, &|bytes| act.advance(bytes))?;
            self.bytes += taken.bytes;
            self.damaged.extend(taken.damaged.iter().map(|error| with_causes(error)));
        }
        Ok(())
    }

    /// Removes what is kept apart here and was erased in the first copy.
    pub(super) fn drop_withheld(&self) -> Result<(), FollowError> {
        let (from, packs) = (self.source.withheld(), self.replica.withheld());
        let kept = from.segments()?;
        for segment in packs.segments()?.into_iter().filter(|segment| !kept.contains(segment)) {
            let mut members = packs.walk(segment, 0)?.filter_map(Result::ok);
            let is_needed = |hash: Hash| !self.withdrawn.is_erased(hash) && !from.contains(hash).unwrap_or_default();
            if !members.any(|member| is_needed(member.hash)) {
                packs.remove(segment)?;
            }
        }
        Ok(packs.sync_names()?)
    }

    /// Writes the list of withdrawals, which is derived, so that readers of the copy need not look for them.
    pub(super) fn list_withdrawn(&self, log: &Log<'_>) -> Result<(), FollowError> {
        let list = log.withdrawn_list()?;
        if list.rows.is_empty() {
            return Ok(());
        }
        Ok(list.write(self.replica.folder()).map_err(ArchiveError::from)?)
    }

    /// Removes segments that the first copy no longer has, when nothing is lost by it.
    pub(super) fn drop_replaced(&mut self) -> Result<(), FollowError> {
        let packs = self.replica.packs();
        let kept = self.source.packs().segments()?;
        let mine = packs.segments()?;
        let gone: Vec<u32> = mine.iter().copied().filter(|segment| !kept.contains(segment)).collect();
        if gone.is_empty() || gone.len() == mine.len() {
            return Ok(packs.sync_names()?); // What went may have gone in an attempt that did not live to wait for it.
        }
        let hashes = |segment: u32| -> Result<Vec<Hash>, PackError> {
            Ok(packs.walk(segment, 0)?.filter_map(Result::ok).map(|member| member.hash).collect())
        };
        let mut elsewhere = HashSet::new();
        for segment in mine.iter().filter(|segment| kept.contains(segment)) {
            elsewhere.extend(hashes(*segment)?);
        }
        for segment in gone {
            match hashes(segment)?.into_iter().find(|hash| !elsewhere.contains(hash) && !self.withdrawn.contains(*hash))
            {
                None => packs.remove(segment)?,
                Some(lost) => {
                    let path = packs.path(segment);
                    let why =
                        format!("`{}` is kept: the first copy has lost it, and blob {lost} with it", path.display());
                    self.damaged.push(why);
                }
            }
        }
        Ok(packs.sync_names()?)
    }
}

/// Says what is to be taken of a segment; nothing of one that begins behind what is promised.
fn stretch(
    from: &Packs,
    packs: &Packs,
    segment: u32,
    promised: Option<Place>,
    held: Option<Place>,
) -> Result<Option<Stretch>, PackError> {
    let length = from.length(segment)?;
    let is_listed = from.path(segment).with_extension("index").exists();
    let is_last = from.segments()?.last() == Some(&segment);
    let (end, is_sealed) = match promised {
        Some((last, _)) if segment > last => return Ok(None),
        Some((last, end)) if segment == last => (end, end == length && is_listed),
        _ => (length, is_listed || !is_last),
    };
    let held = match held {
        Some((number, end)) if number == segment => end,
        Some((number, _)) if segment < number => packs.length(segment)?.min(end),
        _ => 0,
    };
    Ok(Some(Stretch { segment, held, end, is_sealed }))
}

fn record_of(log: &Log<'_>, index: u64) -> Result<Hash, FollowError> {
    let statement = log.archive().statement(index, log.size())?;
    Ok(Statement::decode(&statement).map_err(|source| ReadError::Statement { index, source })?.claim.record)
}
