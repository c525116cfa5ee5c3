//! Pasts: what the log says of one document, in one row of the writer's index.
//!
//! | key                   | value                                                                              |
//! |-----------------------|------------------------------------------------------------------------------------|
//! | `r` ‖ record          | a document's first record: 1 and its [`Past`]; one that amends it: 2 and the first  |
//!
//! | part of a past    | bytes    | what                                                                          |
//! |-------------------|----------|-------------------------------------------------------------------------------|
//! | head              | 48       | the newest capture: index, sequence, SHA-256 of its statement; index 0 for none |
//! | count             | 1        | how many likenesses follow                                                    |
//! | likenesses        | 41 each  | the newest capture with one outcome: outcome, index, likeness                 |
//! | count, pages      | 1, 32 each | the newest pages, newest first                                               |
//! | count, texts      | 1, 32 each | the newest texts, newest first                                               |
//!
//! Integers are big-endian. An append asks for a document half a dozen times and changes most of this: it is decoded
//! once, changed in memory, and given to sled with many others ([`super::index`]). Visits on other threads look at it
//! too, so it is shared behind a lock.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::hash::Hash;
use crate::document::outcome::OutcomeKind;

/// How many of a document's own pages and texts are remembered: pages that come in two or three variants find their own.
pub const OWN_COUNT_MAX: usize = 3;

const PAST: u8 = 1;
const AMENDS: u8 = 2;

/// What the log says of a document, newest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Past {
    /// The newest capture.
    pub(super) head: Option<Head>,
    /// For each outcome in the order of [`OutcomeKind::ALL`] the newest capture with it, and what it is like.
    pub(super) newest: [Option<(u64, Hash)>; OutcomeKind::ALL.len()],
    /// The newest pages.
    pub(super) pages: Vec<Hash>,
    /// The newest texts.
    pub(super) texts: Vec<Hash>,
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

/// What a record of a document has in its row.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Row {
    Past(Box<Past>),
    /// It amends the document whose first record this is.
    Amends(u64),
}

/// The pasts of all documents, and what else the index knows: what sled has, and what waits for it.
#[derive(Clone)]
pub(super) struct Pasts {
    db: sled::Db,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    rows: HashMap<u64, Row>,
    /// What is not a row of a document.
    others: HashMap<Vec<u8>, Vec<u8>>,
}

impl Pasts {
    pub(super) fn new(db: sled::Db) -> Self {
        Self { db, held: Arc::default() }
    }

    /// Returns the first record of the document whose record `document` is; nothing where it is not known.
    pub(super) fn first(&self, document: u64) -> Result<Option<u64>, PastError> {
        let mut held = self.lock();
        Ok(self.row(&mut held, document)?.map(|row| if let Row::Amends(first) = row { *first } else { document }))
    }

    /// Looks at the past of the document whose first record is `first`; nothing where it is not known.
    pub(super) fn look<T>(&self, first: u64, look: impl FnOnce(&Past) -> T) -> Result<Option<T>, PastError> {
        let mut held = self.lock();
        match self.row(&mut held, first)? {
            Some(Row::Past(past)) => Ok(Some(look(past))),
            Some(Row::Amends(_)) => Err(PastError::Damaged),
            None => Ok(None),
        }
    }

    /// Changes the past of the document whose first record is `first`, which may be new.
    pub(super) fn change<T>(&self, first: u64, change: impl FnOnce(&mut Past) -> T) -> Result<T, PastError> {
        let mut held = self.lock();
        if self.row(&mut held, first)?.is_none() {
            held.rows.insert(first, Row::Past(Box::default()));
        }
        match held.rows.get_mut(&first) {
            Some(Row::Past(past)) => Ok(change(past)),
            _ => Err(PastError::Damaged),
        }
    }

    /// Takes note that a record amends a document.
    pub(super) fn amend(&self, record: u64, first: u64) {
        self.lock().rows.insert(record, Row::Amends(first));
    }

    /// Returns what stands under another key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, PastError> {
        if let Some(value) = self.lock().others.get(key) {
            return Ok(Some(value.clone()));
        }
        Ok(self.db.get(key)?.map(|value| value.to_vec()))
    }

    /// Puts something under another key.
    pub(super) fn put(&self, key: Vec<u8>, value: Vec<u8>) {
        self.lock().others.insert(key, value);
    }

    /// Returns how many rows are held.
    pub(super) fn count(&self) -> usize {
        let held = self.lock();
        held.rows.len() + held.others.len()
    }

    /// Gives sled all that is held, neighbours after one another, and holds nothing any more.
    pub(super) fn give(&self) -> Result<(), PastError> {
        let mut held = self.lock();
        let Held { rows, others } = std::mem::take(&mut *held);
        let mut all: Vec<_> = rows.into_iter().map(|(record, row)| (key(record), row.encode())).chain(others).collect();
        all.sort_unstable();
        for (key, value) in all {
            self.db.insert(key, value)?;
        }
        Ok(())
    }

    /// Returns a row, which is held from then on.
    fn row<'h>(&self, held: &'h mut Held, record: u64) -> Result<Option<&'h mut Row>, PastError> {
        Ok(Some(match held.rows.entry(record) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => {
                let Some(value) = self.db.get(key(record))? else { return Ok(None) };
                place.insert(Row::decode(&value).ok_or(PastError::Damaged)?)
            }
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner) // Each row is whole at any moment.
    }
}

impl Row {
    fn encode(&self) -> Vec<u8> {
        let past = match self {
            Self::Amends(first) => return [&[AMENDS], &first.to_be_bytes()[..]].concat(),
            Self::Past(past) => past,
        };
        let mut bytes = vec![PAST];
        let head = past.head.unwrap_or(Head { index: 0, sequence: 0, statement: Hash::from_bytes([0; 32]) });
        bytes.extend(head.index.to_be_bytes());
        bytes.extend(head.sequence.to_be_bytes());
        bytes.extend(head.statement.as_bytes());
        let newest = (0_u8..).zip(past.newest).filter_map(|(outcome, newest)| Some((outcome, newest?)));
        bytes.push(past.newest.iter().flatten().fold(0, |count, _| count + 1));
        for (outcome, (index, likeness)) in newest {
            bytes.push(outcome);
            bytes.extend(index.to_be_bytes());
            bytes.extend(likeness.as_bytes());
        }
        for blobs in [&past.pages, &past.texts] {
            let kept = blobs.iter().take(OWN_COUNT_MAX);
            bytes.push(kept.clone().fold(0, |count, _| count + 1));
            kept.for_each(|blob| bytes.extend(blob.as_bytes()));
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        match rest.byte()? {
            AMENDS => {
                let first = rest.number()?;
                rest.0.is_empty().then_some(Self::Amends(first))
            }
            PAST => {
                let head = Head { index: rest.number()?, sequence: rest.number()?, statement: rest.hash()? };
                let mut past = Past { head: (head.index > 0).then_some(head), ..Past::default() };
                for _ in 0..rest.byte()? {
                    let newest = past.newest.get_mut(usize::from(rest.byte()?))?;
                    *newest = Some((rest.number()?, rest.hash()?));
                }
                past.pages = (0..rest.byte()?).map(|_| rest.hash()).collect::<Option<_>>()?;
                past.texts = (0..rest.byte()?).map(|_| rest.hash()).collect::<Option<_>>()?;
                rest.0.is_empty().then(|| Self::Past(Box::new(past)))
            }
            _ => None,
        }
    }
}

/// What of a row is not read yet.
struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    fn take<const COUNT: usize>(&mut self) -> Option<[u8; COUNT]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn hash(&mut self) -> Option<Hash> {
        self.take().map(Hash::from_bytes)
    }
}

fn key(record: u64) -> Vec<u8> {
    [b"r", &record.to_be_bytes()[..]].concat()
}

/// Why a row cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PastError {
    #[error("a value of the index is not as it must be")]
    Damaged,
    #[error(transparent)]
    Sled(#[from] sled::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> Hash {
        Hash::of(&[n])
    }

    fn past() -> Past {
        let head = Head { index: 7, sequence: 2, statement: hash(1) };
        let newest = [Some((7, hash(2))), None, Some((u64::MAX, hash(3))), None];
        Past { head: Some(head), newest, pages: vec![hash(4), hash(5), hash(6)], texts: vec![hash(7)] }
    }

    #[test]
    fn a_row_is_read_back_and_every_other_length_refused() {
        for row in [Row::Past(Box::new(past())), Row::Past(Box::default()), Row::Amends(3)] {
            let bytes = row.encode();
            assert_eq!(Row::decode(&bytes), Some(row));
            assert!((0..bytes.len()).all(|length| Row::decode(&bytes[..length]).is_none()));
            assert_eq!(Row::decode(&[bytes, vec![0]].concat()), None);
        }
        assert_eq!(Row::decode(&[3]), None);
    }

    #[test]
    fn what_was_given_is_found_as_what_waits_is() {
        let folder = tempfile::tempdir().unwrap();
        let rows = Pasts::new(sled::open(folder.path()).unwrap());
        assert_eq!(rows.first(5).unwrap(), None);
        rows.change(5, |known| *known = past()).unwrap();
        rows.amend(9, 5);
        rows.put(b"other".to_vec(), b"value".to_vec());
        for _ in 0..2 {
            assert_eq!(
                (rows.first(5).unwrap(), rows.first(9).unwrap(), rows.first(7).unwrap()),
                (Some(5), Some(5), None)
            );
            assert_eq!(rows.look(5, Past::clone).unwrap(), Some(past()));
            assert!(rows.look(9, Past::clone).is_err(), "a record that amends has no past of its own");
            assert_eq!(rows.get(b"other").unwrap().as_deref(), Some(&b"value"[..]));
            rows.give().unwrap();
            assert_eq!(rows.count(), 0);
        }
    }
}
