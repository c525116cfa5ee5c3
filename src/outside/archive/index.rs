//! The writer's index: what an append must know of the log before it.
//!
//! | key                        | value                                                                                      |
//! |----------------------------|--------------------------------------------------------------------------------------------|
//! | `covered 4`                | how many entries are indexed, and the root over them                                       |
//! | `d` ‖ 21 bytes of a key    | the document's newest record, its first, which names its history, and the slot of its past |
//! | `r` ‖ record of a document | where all that came last of it lies ([`super::pasts`])                                     |
//! | `s` ‖ role ‖ site          | what came last of a site ([`super::references`])                                           |
//! | `a` ‖ SHA-256              | the record that commits to a proof of the archive's anchors                                |
//!
//! | quantity | unit    | range                                                             |
//! |----------|---------|-------------------------------------------------------------------|
//! | held     | rows    | about `HELD_COUNT_MAX` in memory, then they are given away        |
//! | lag      | entries | at most `LAG_COUNT_MAX` behind the log when a process was killed, twice as many while the disk is behind |
//!
//! All of it is derived from the log and follows it: an append never waits for it to be durable, and a
//! missing, stale or corrupt index is deleted and rebuilt; one that shows itself corrupt only while it is asked pulls the
//! [`Stop`], and is rebuilt by who opens it next. sled holds what changes with every new document; only the
//! writing process opens it. What changes with every record of a document lies in a file beside it, in slots that are written
//! over (`slots`): in sled it cost the more the longer the log was.
//!
//! What is learnt waits in memory, where it is found first, until enough has gathered and all of it is published, so that
//! the index never knows an entry that a crash took back. Then it is given away in order, and `covered` comes
//! last. *A crash before* leaves rows of entries that are not covered: they are learnt once more, to the same end. After a
//! loss of power one of the two files may have come further than the other: the index covers what both do.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use super::durable::WriteError;
use super::hints::{Hint, Hints, Place};
use super::past::{Past, hash, number};
use super::pasts::{PastError, Pasts, document_key};
use super::references::References;
use super::stop::Stop;

pub use super::past::Head;

use crate::base::hash::Hash;
use crate::document::outcome::OutcomeKind;
use crate::evidence::record::{Body, Link, Record, Visit};

/// Where all of it lies in the archive's folder `index/`, but for the hints, which readers read too.
const WRITER: &str = "writer";

/// Where sled's files lie there.
const SLED: &str = "sled";

/// How much memory sled may use for its cache.
const CACHE_BYTES: u64 = 16 << 20;

/// How many rows are held before they are given away: as many as a table of eight megabytes has places for.
const HELD_COUNT_MAX: usize = 14_000;

/// How many entries may be covered and not given away: they are learnt again in half a second.
const LAG_COUNT_MAX: u64 = 16_384;

/// An index of an earlier make has another key, and is made anew.
const COVERED: &[u8] = b"covered 4";

/// The writer's index.
pub struct Index {
    db: sled::Db,
    pasts: Pasts,
    hints: Hints,
    stop: Stop,
    /// How many entries are covered, and the root over them.
    covered: Option<(u64, Hash)>,
    /// How many of them were given away.
    given: u64,
    /// Whether something waits that is not published.
    is_ahead: bool,
}

/// A document that the log knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Known {
    /// Its newest record.
    pub newest: u64,
    /// Its first record, which names its history.
    pub first: u64,
}

impl Index {
    /// Opens the index of the archive's folder `index/`, making it anew when it cannot be opened. It writes until `stop` is
    /// pulled, and pulls it when it cannot write.
    ///
    /// # Errors
    /// An [`IndexError`] when it cannot be made anew either.
    pub fn open(folder: &Path, stop: Stop) -> Result<Self, IndexError> {
        // sled panics on some damaged files: that too means "rebuild", never "fail".
        let opened = panic::catch_unwind(AssertUnwindSafe(|| Self::try_open(folder, stop.clone())));
        match opened {
            Ok(Ok(index)) => Ok(index),
            Ok(Err(error @ IndexError::Write(_))) => Err(error),
            _ => Self::anew(folder, stop),
        }
    }

    /// Makes an index without entries, in place of what there was.
    ///
    /// # Errors
    /// An [`IndexError`] when the folder cannot be cleared or sled cannot make its files.
    pub fn anew(folder: &Path, stop: Stop) -> Result<Self, IndexError> {
        match fs::remove_dir_all(folder.join(WRITER)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(IndexError::Clear(error)),
            _ => Self::try_open(folder, stop),
        }
    }

    fn try_open(folder: &Path, stop: Stop) -> Result<Self, IndexError> {
        let writer = folder.join(WRITER);
        let sled = sled::Config::new().path(writer.join(SLED)).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let db = sled.open()?;
        let covered = db.get(COVERED)?.map(|value| {
            let covered = number(&value, 0).zip(hash(&value, 8));
            covered.ok_or(IndexError::Damaged)
        });
        let pasts = Pasts::open(&writer, db.clone(), stop.clone())?;
        let covered = if let Some(covered) = covered.transpose()? {
            let told = pasts.told()?.ok_or(IndexError::Damaged)?;
            Some(if told.0 < covered.0 { told } else { covered })
        } else {
            pasts.clear()?;
            None
        };
        let given = covered.map_or(0, |(size, _)| size);
        Ok(Self { pasts, db, hints: Hints::open(folder, given)?, stop, covered, given, is_ahead: false })
    }

    /// Returns how many entries are indexed and the root over them; `None` when nothing is.
    #[must_use]
    pub fn covered(&self) -> Option<(u64, Hash)> {
        self.covered
    }

    /// Takes note that all that was learnt, the first `size` entries with `root`, is published.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn cover(&mut self, size: u64, root: Hash) -> Result<(), IndexError> {
        if self.stop.is_pulled() {
            return Err(IndexError::Stopped);
        }
        let written = self.hints.write();
        self.stop.pull_on(written)?;
        (self.covered, self.is_ahead) = (Some((size, root)), false);
        let is_due = self.pasts.count() >= HELD_COUNT_MAX || size - self.given >= LAG_COUNT_MAX;
        if is_due { self.give() } else { Ok(()) }
    }

    /// Says whether enough was learnt for [`Index::cover`], so that an index that is made anew keeps little in memory.
    #[must_use]
    pub fn is_due(&self, size: u64) -> bool {
        size - self.given >= LAG_COUNT_MAX
    }

    /// Gives away what waits.
    fn give(&mut self) -> Result<(), IndexError> {
        let Some((size, root)) = self.covered.filter(|(size, _)| *size > self.given && !self.is_ahead) else {
            return Ok(());
        };
        self.pasts.give()?;
        self.db.insert(COVERED, [&size.to_be_bytes()[..], root.as_bytes()].concat())?;
        self.given = size;
        Ok(self.pasts.begin_sync(size, root)?)
    }

    /// Returns a document's newest record and its first, by its key.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn document(&self, key: Hash) -> Result<Option<Known>, IndexError> {
        let Some(known) = self.pasts.get(&document_key(key))? else { return Ok(None) };
        let read = |value: &[u8]| Some((number(value, 0)?, number(value, 8)?, number(value, 16)?));
        let (newest, first, slot) = read(&known).ok_or(IndexError::Damaged)?;
        self.pasts.expect(first, slot);
        Ok(Some(Known { newest, first }))
    }

    /// Returns the newest capture in a document's history.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn head(&self, history: u64) -> Result<Option<Head>, IndexError> {
        Ok(self.pasts.look(history, |past| past.head)?.flatten())
    }

    /// Returns the newest capture in a history with the same outcome, when it is like `visit`.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn same(&self, history: u64, visit: &Visit) -> Result<Option<u64>, IndexError> {
        let newest = self.pasts.look(history, |past| past.newest[place_of(visit.outcome.kind)])?.flatten();
        Ok(newest.filter(|(_, likeness)| *likeness == visit.likeness()).map(|(capture, _)| capture))
    }

    /// Says whether a record commits to a proof among the archive's anchors.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn is_anchored(&self, proof: Hash) -> Result<bool, IndexError> {
        Ok(self.pasts.get(&anchor_key(proof))?.is_some())
    }

    /// Returns what came last, to be shared with those who compress.
    #[must_use]
    pub fn references(&self) -> References {
        References::new(self.pasts.clone())
    }

    /// Takes in a record that was appended and lies at `place`, with its statement's SHA-256.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn learn(&mut self, record: &Record, statement: Hash, place: Option<Place>) -> Result<(), IndexError> {
        self.is_ahead = true;
        let mut previous = None;
        let index = record.index;
        match &record.body {
            Body::Document(document) => {
                let first = document.amends.unwrap_or(index);
                let slot = if first == index { self.pasts.begin(index)? } else { self.pasts.amend(index, first)? };
                let known = [index, first, slot].map(u64::to_be_bytes).concat();
                self.pasts.put(document_key(document.key()), known);
            }
            Body::Capture(capture) => {
                let visit = &capture.visit;
                let history = self.history(capture.document)?;
                let head = Head { index, sequence: capture.sequence, statement };
                previous = self.pasts.change(history, |past| {
                    past.newest[place_of(visit.outcome.kind)] = Some((index, visit.likeness()));
                    follow(past, head)
                })?;
                self.references().learn(history, visit)?;
            }
            Body::Anchor(anchor) => {
                for proof in &anchor.proofs {
                    self.pasts.put(anchor_key(proof.sha256), index.to_be_bytes().to_vec());
                }
            }
            Body::Check(check) => self.references().learn(self.history(check.document)?, &check.visit)?,
            Body::Genesis(_) | Body::Provision(_) | Body::Withdrawal(_) | Body::Hold(_) | Body::Key(_) => {}
        }
        self.hints.push(index, Hint { previous, place });
        Ok(())
    }

    /// Takes in a capture whose record was withdrawn: the next one follows it, and none confirms what came before it.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn learn_withdrawn(&mut self, index: u64, statement: Hash, link: &Link) -> Result<(), IndexError> {
        self.is_ahead = true;
        let Link::Capture { document, sequence, .. } = link else {
            self.hints.push(index, Hint::default());
            return Ok(());
        };
        let history = self.history(*document)?;
        let previous = self.pasts.change(history, |past| {
            past.newest = [Some((index, Hash::from_bytes([0; Hash::SIZE_BYTES]))); OutcomeKind::ALL.len()]; // Like nothing.
            follow(past, Head { index, sequence: *sequence, statement })
        })?;
        self.hints.push(index, Hint { previous, place: None });
        Ok(())
    }

    fn history(&self, document: u64) -> Result<u64, IndexError> {
        self.pasts.first(document)?.ok_or(IndexError::Damaged)
    }
}

/// Makes a capture the newest of its document, and returns the one before it where that was the newest.
fn follow(past: &mut Past, head: Head) -> Option<u64> {
    let before = past.head.replace(head);
    before
        .filter(|before| before.index < head.index && before.sequence.checked_add(1) == Some(head.sequence))
        .map(|before| before.index)
}

impl Drop for Index {
    fn drop(&mut self) {
        if !self.stop.is_pulled() {
            let _ = self.give().and_then(|()| Ok(self.pasts.settle()?)); // What is not given is learnt again.
        }
    }
}

fn anchor_key(proof: Hash) -> Vec<u8> {
    [b"a", &proof.as_bytes()[..]].concat()
}

/// Returns the place of an outcome among all of them.
fn place_of(outcome: OutcomeKind) -> usize {
    OutcomeKind::ALL.iter().position(|kind| *kind == outcome).unwrap_or_default()
}

/// Why the index cannot be used. It is derived: the answer is always to rebuild it.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum IndexError {
    #[error("cannot clear the index")]
    Clear(#[source] std::io::Error),
    #[error("a value of the index is not as it must be; the next command makes the index anew")]
    Damaged,
    #[error(transparent)]
    Past(#[from] PastError),
    #[error(transparent)]
    Sled(#[from] sled::Error),
    #[error("writing failed before, and the index is not written until the archive is opened again")]
    Stopped,
    #[error(transparent)]
    Write(#[from] WriteError),
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test damages a file")]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_slot_ends_the_writing_and_the_next_opening_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let root = Hash::of(b"root");
        let mut index = Index::open(folder.path(), Stop::default()).unwrap();
        index.pasts.begin(5).unwrap();
        index.cover(6, root).unwrap();
        drop(index);
        let path = folder.path().join("writer/pasts");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();

        let stop = Stop::default();
        let mut index = Index::open(folder.path(), stop.clone()).unwrap();
        assert_eq!(index.covered(), Some((6, root)));
        assert!(matches!(index.head(5), Err(IndexError::Past(PastError::Damaged))));
        assert!(stop.is_pulled(), "what else is known may be as wrong");
        assert!(matches!(index.cover(7, root), Err(IndexError::Stopped)));
        drop(index);
        let index = Index::open(folder.path(), Stop::default()).unwrap();
        assert_eq!(index.covered(), None);
        assert_eq!(index.head(5).unwrap(), None);
    }

    #[test]
    fn nothing_is_written_once_the_stop_is_pulled() {
        let folder = tempfile::tempdir().unwrap();
        let stop = Stop::default();
        let mut index = Index::open(folder.path(), stop.clone()).unwrap();
        index.pasts.begin(5).unwrap();
        index.cover(6, Hash::of(b"root")).unwrap();
        stop.pull();
        drop(index);
        assert_eq!(fs::read(folder.path().join("writer/pasts")).unwrap(), b"");
    }
}
