//! The writer's index: what an append must know of the log before it.
//!
//! | key                          | value                                                             |
//! |------------------------------|-------------------------------------------------------------------|
//! | `covered`                    | how many entries are indexed, and the root over them              |
//! | key hash ‖ `document`        | the document's newest record and its first, which names its history |
//! | document ‖ `history`         | the first record of the document                                  |
//! | history ‖ `head`             | the newest capture: index, sequence, SHA-256 of its statement     |
//! | SHA-256 ‖ `anchored`         | the record that commits to a proof of the archive's anchors       |
//! | history ‖ `newest` ‖ outcome | the newest capture with that outcome: index, likeness             |
//!
//! What belongs to one document has neighbouring keys: sled keeps few pages in memory, and these lie on one.
//!
//! What came last of each document lies here too ([`super::references`]).
//!
//! All of it is derived from the log and follows it: an append never waits for it to be durable, and a
//! missing, stale or corrupt index is deleted and rebuilt. sled holds it; only the writing process opens it.
//! What is learnt of unpublished entries stays in memory until [`Index::cover`] writes it in one batch, so
//! that the index never knows an entry that a crash took back.

use std::collections::HashMap;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use super::references::References;

use crate::base::hash::Hash;
use crate::document::outcome::OutcomeKind;
use crate::evidence::record::{Body, Link, Record, Visit};

/// How much memory sled may use for its cache.
const CACHE_BYTES: u64 = 16 << 20;

const COVERED: &[u8] = b"covered";

/// The writer's index.
pub struct Index {
    db: sled::Db,
    unpublished: HashMap<Vec<u8>, Vec<u8>>,
    references: References,
}

/// A document that the log knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Known {
    /// Its newest record.
    pub newest: u64,
    /// Its first record, which names its history.
    pub first: u64,
}

/// The newest capture in a document's history.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// Its index in the log.
    pub index: u64,
    /// Its place in the document's history, from 1.
    pub sequence: u64,
    /// SHA-256 of its statement.
    pub statement: Hash,
}

impl Index {
    /// Opens the index in `folder`, making it anew when it cannot be opened.
    ///
    /// # Errors
    /// An [`IndexError`] when it cannot be made anew either.
    pub fn open(folder: &Path) -> Result<Self, IndexError> {
        // sled panics on some damaged files: that too means "rebuild", never "fail".
        let opened = panic::catch_unwind(AssertUnwindSafe(|| Self::try_open(folder)));
        if let Ok(Ok(index)) = opened {
            return Ok(index);
        }
        Self::anew(folder)
    }

    /// Makes an index without entries, in place of what there was.
    ///
    /// # Errors
    /// An [`IndexError`] when the folder cannot be cleared or sled cannot make its files.
    pub fn anew(folder: &Path) -> Result<Self, IndexError> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(IndexError::Clear(error)),
            _ => Self::try_open(folder),
        }
    }

    fn try_open(folder: &Path) -> Result<Self, IndexError> {
        let db = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None).open()?;
        Ok(Self { references: References::new(db.clone()), db, unpublished: HashMap::new() })
    }

    /// Returns how many entries are indexed and the root over them; `None` when nothing is.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn covered(&self) -> Result<Option<(u64, Hash)>, IndexError> {
        self.get(COVERED, |value| Some((number(value, 0)?, hash(value, 8)?)))
    }

    /// Writes what was learnt: the first `size` entries, with `root`, are published and indexed.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn cover(&mut self, size: u64, root: Hash) -> Result<(), IndexError> {
        let mut batch = sled::Batch::default();
        for (key, value) in self.unpublished.drain() {
            batch.insert(key, value);
        }
        for (key, value) in self.references.fresh() {
            batch.insert(key, value);
        }
        batch.insert(COVERED, [&size.to_be_bytes()[..], root.as_bytes()].concat());
        self.db.apply_batch(batch)?;
        self.references.forget_fresh();
        Ok(())
    }

    /// Returns a document's newest record and its first, by its key.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn document(&self, key: Hash) -> Result<Option<Known>, IndexError> {
        let read = |value: &[u8]| Some(Known { newest: number(value, 0)?, first: number(value, 8)? });
        self.get(&key_of(b"document", key.as_bytes()), read)
    }

    /// Returns the newest capture in a document's history.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn head(&self, history: u64) -> Result<Option<Head>, IndexError> {
        let read = |value: &[u8]| {
            Some(Head { index: number(value, 0)?, sequence: number(value, 8)?, statement: hash(value, 16)? })
        };
        self.get(&key_of(b"head", &history.to_be_bytes()), read)
    }

    /// Returns the newest capture in a history with the same outcome, when it is like `visit`.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn same(&self, history: u64, visit: &Visit) -> Result<Option<u64>, IndexError> {
        let read = |value: &[u8]| Some((number(value, 0)?, hash(value, 8)?));
        let newest = self.get(&newest(history, visit.outcome.kind), read)?;
        Ok(newest.filter(|(_, likeness)| *likeness == visit.likeness()).map(|(capture, _)| capture))
    }

    /// Says whether a record commits to a proof among the archive's anchors.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn is_anchored(&self, proof: Hash) -> Result<bool, IndexError> {
        let found = self.get(&key_of(b"anchored", proof.as_bytes()), |value| number(value, 0))?;
        Ok(found.is_some())
    }

    /// Returns what came last, to be shared with those who compress.
    #[must_use]
    pub fn references(&self) -> References {
        self.references.clone()
    }

    /// Takes in a record that was appended, with its statement's SHA-256.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn learn(&mut self, record: &Record, statement: Hash) -> Result<(), IndexError> {
        let index = record.index.to_be_bytes();
        match &record.body {
            Body::Document(document) => {
                let first = document.amends.unwrap_or(record.index).to_be_bytes();
                let known = [index, first].concat();
                self.unpublished.insert(key_of(b"document", document.key().as_bytes()), known);
                self.unpublished.insert(key_of(b"history", &index), first.to_vec());
            }
            Body::Capture(capture) => {
                let history = self.history(capture.document)?;
                let head = [&index[..], &capture.sequence.to_be_bytes(), statement.as_bytes()].concat();
                self.unpublished.insert(key_of(b"head", &history.to_be_bytes()), head);
                let likeness = [&index[..], capture.visit.likeness().as_bytes()].concat();
                self.unpublished.insert(newest(history, capture.visit.outcome.kind), likeness);
                self.references.learn(history, &capture.visit);
            }
            Body::Anchor(anchor) => {
                for proof in &anchor.proofs {
                    self.unpublished.insert(key_of(b"anchored", proof.sha256.as_bytes()), index.to_vec());
                }
            }
            Body::Check(check) => self.references.learn(self.history(check.document)?, &check.visit),
            Body::Genesis(_) | Body::Provision(_) | Body::Withdrawal(_) | Body::Hold(_) | Body::Key(_) => {}
        }
        Ok(())
    }

    /// Takes in a capture whose record was withdrawn: the next one follows it, and none confirms what came before it.
    ///
    /// # Errors
    /// An [`IndexError`]: rebuild.
    pub fn learn_withdrawn(&mut self, index: u64, statement: Hash, link: &Link) -> Result<(), IndexError> {
        let Link::Capture { document, sequence, .. } = link else { return Ok(()) };
        let history = self.history(*document)?;
        let index = index.to_be_bytes();
        let head = [&index[..], &sequence.to_be_bytes(), statement.as_bytes()].concat();
        self.unpublished.insert(key_of(b"head", &history.to_be_bytes()), head);
        for outcome in OutcomeKind::ALL {
            let likeness = [&index[..], &[0; Hash::SIZE_BYTES]].concat(); // Like nothing.
            self.unpublished.insert(newest(history, outcome), likeness);
        }
        Ok(())
    }

    fn history(&self, document: u64) -> Result<u64, IndexError> {
        let history = self.get(&key_of(b"history", &document.to_be_bytes()), |value| number(value, 0))?;
        history.ok_or(IndexError::Damaged)
    }

    fn get<T>(&self, key: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Result<Option<T>, IndexError> {
        if let Some(value) = self.unpublished.get(key) {
            return read(value).map(Some).ok_or(IndexError::Damaged);
        }
        self.db.get(key)?.map(|value| read(&value).ok_or(IndexError::Damaged)).transpose()
    }
}

pub(super) fn key_of(name: &[u8], of: &[u8]) -> Vec<u8> {
    [of, name].concat()
}

fn newest(history: u64, outcome: OutcomeKind) -> Vec<u8> {
    [&history.to_be_bytes()[..], b"newest", outcome.word().as_bytes()].concat()
}

pub(super) fn number(value: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(value.get(at..at + 8)?.try_into().ok()?))
}

fn hash(value: &[u8], at: usize) -> Option<Hash> {
    Hash::from_slice(value.get(at..at + Hash::SIZE_BYTES)?).ok()
}

/// Why the index cannot be used. It is derived: the answer is always to rebuild it.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum IndexError {
    #[error("cannot clear the index")]
    Clear(#[source] std::io::Error),
    #[error("a value of the index is not as long as it must be")]
    Damaged,
    #[error(transparent)]
    Sled(#[from] sled::Error),
}
