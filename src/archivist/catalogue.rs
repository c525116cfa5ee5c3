//! Catalogue: the readers' catalogue is brought up to the log, by whoever needs it first.
//!
//! Whoever asks catches it up, from what it covers to the newest checkpoint, [`CHUNK`] entries a transaction; the
//! writer adds the little that it has just published when its act is done ([`keep_up`]), a capture while it waits for the
//! disk, so that an append never waits. Two processes that catch up at once take turns. What is not covered yet is walked
//! ([`super::list`]), so a catalogue that is behind hides nothing.
//!
//! The order matters: what is covered is read first and the checkpoint after it, so that a log that grows meanwhile is
//! never taken for a smaller one. A catalogue of more entries than the checkpoint has, or of another root, is of
//! another log or of one that was rolled back: it is thrown away.

use std::collections::BTreeMap;

use super::progress::Progress;
use super::read::{Log, ReadError};

use crate::evidence::record::Record;
use crate::log::merkle;
use crate::outside::archive::catalogue::{Catalogue, CatalogueError, Covered};
use crate::outside::archive::{Archive, ArchiveError};

/// How many entries one transaction adds: a reader that waits for it waits a second or two.
pub const CHUNK: u64 = 32_768;

/// Opens the catalogue and brings it up to the log.
///
/// # Errors
/// A [`FollowError`]: whoever asks must walk the log instead.
pub fn caught_up(archive: &Archive, progress: &dyn Progress) -> Result<Catalogue, FollowError> {
    let mut catalogue = Catalogue::open(archive.folder())?;
    let caught_up = bring_up(&mut catalogue, archive, progress);
    match caught_up {
        Err(error) if error.is_void() => {
            let mut catalogue = catalogue.anew()?;
            bring_up(&mut catalogue, archive, progress)?;
            Ok(catalogue)
        }
        other => other.map(|()| catalogue),
    }
}

/// Adds what an act has just published, when that is little; records that the act still has are not read again. What fails
/// is left to the next reader: the act is done.
pub fn keep_up(archive: &Archive, fresh: &Fresh) {
    let _ = try_to_keep_up(archive, fresh);
}

/// Records that an act has just appended, by their numbers.
pub type Fresh = BTreeMap<u64, Record>;

fn try_to_keep_up(archive: &Archive, fresh: &Fresh) -> Result<(), FollowError> {
    let (log, _) = Log::published(archive)?;
    let mut catalogue = Catalogue::open(archive.folder())?;
    let covered = catalogue.covered()?.map_or(0, |covered| covered.size);
    if log.size().saturating_sub(covered) <= CHUNK && fits(&catalogue, archive)? && catalogue.is_writable() {
        add_chunk(&mut catalogue, &log, fresh)?;
    }
    Ok(())
}

/// Opens the catalogue as it is, when it is of this log: it may be behind, and is only where to look first.
#[must_use]
pub fn as_it_is(archive: &Archive) -> Option<Catalogue> {
    archive.folder().join("index/catalogue/catalogue.sqlite").exists().then_some(())?;
    let catalogue = Catalogue::open(archive.folder()).ok()?;
    fits(&catalogue, archive).ok()?.then_some(catalogue)
}

fn bring_up(catalogue: &mut Catalogue, archive: &Archive, progress: &dyn Progress) -> Result<(), FollowError> {
    if !fits(catalogue, archive)? {
        return Err(FollowError::OtherLog);
    }
    let (log, _) = Log::published(archive)?;
    let covered = catalogue.covered()?.map_or(0, |covered| covered.size);
    if covered >= log.size() || !catalogue.is_writable() {
        return Ok(());
    }
    let act = progress.begin("cataloguing", Some(log.size() - covered));
    loop {
        match add_chunk(catalogue, &log, &Fresh::new()) {
            Ok(0) => return Ok(()),
            Ok(count) => act.advance(count),
            // Another process is at it; what it has not done yet is walked.
            Err(FollowError::Catalogue(error)) if error.is_busy() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Adds the next entries in one transaction, and returns how many.
fn add_chunk(catalogue: &mut Catalogue, log: &Log<'_>, fresh: &Fresh) -> Result<u64, FollowError> {
    let mut growth = catalogue.grow()?;
    let start = growth.covered()?.map_or(0, |covered| covered.size);
    let end = log.size().min(start.saturating_add(CHUNK));
    if start >= end {
        return Ok(0);
    }
    let mut reader = log.reader()?;
    for number in start..end {
        if let Some(record) = fresh.get(&number) {
            growth.add(record)?;
            continue;
        }
        match reader.entry(number) {
            Ok(entry) => growth.add(&entry.record)?,
            Err(ReadError::Withdrawn { withdrawn, .. }) => match &withdrawn.entry.record {
                Some(record) => growth.add_withdrawn(number, &record.link)?,
                None => growth.add_damaged(number)?,
            },
            Err(_) => growth.add_damaged(number)?,
        }
    }
    growth.commit(Covered { size: end, root: root_at(log.archive(), end)? })?;
    Ok(end - start)
}

fn fits(catalogue: &Catalogue, archive: &Archive) -> Result<bool, FollowError> {
    let Some(covered) = catalogue.covered()? else { return Ok(true) };
    let (log, _) = Log::published(archive)?;
    Ok(covered.size <= log.size() && root_at(archive, covered.size)? == covered.root)
}

fn root_at(archive: &Archive, size: u64) -> Result<crate::base::hash::Hash, FollowError> {
    let root = merkle::root(&archive.nodes(size), size);
    Ok(root.map_err(|source| ReadError::from(ArchiveError::Nodes(Box::new(source))))?)
}

/// Why the catalogue cannot be brought up to the log.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum FollowError {
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error("the catalogue is of another log, or of one that was rolled back")]
    OtherLog,
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl FollowError {
    /// Says whether what the catalogue holds is worth nothing.
    fn is_void(&self) -> bool {
        match self {
            Self::Catalogue(error) => error.is_damage(),
            Self::OtherLog => true,
            Self::Read(_) => false,
        }
    }
}
