//! Pasts: what the log says of one document, in one row of the writer's index.
//!
//! | key                   | value                                                                              |
//! |-----------------------|------------------------------------------------------------------------------------|
//! | `r` ‖ record          | a document's first record: 1 and its `Past`; one that amends it: 2 and the first  |
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
    pub(super) pages: Newest,
    /// The newest texts.
    pub(super) texts: Newest,
}

/// The newest blobs of one part, newest first, each once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Newest([Option<Hash>; OWN_COUNT_MAX]);

impl Newest {
    /// Returns them, newest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Hash> {
        self.0.iter().flatten().copied()
    }

    /// Puts a blob before the others.
    pub(super) fn add(&mut self, blob: Hash) {
        let others = self.0.into_iter().flatten().filter(|known| *known != blob);
        let mut kept = std::iter::once(blob).chain(others);
        self.0 = std::array::from_fn(|_| kept.next());
    }
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

/// What a record of a document has in its row. Thousands of rows are one piece of memory: a piece for each would leave as
/// many holes between the others whenever they are given away, and all allocation slows down.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Row {
    /// The first record of the document, where this one amends it; then it has no past of its own.
    amends: Option<u64>,
    past: Past,
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
        Ok(self.row(&mut held, document)?.map(|row| row.amends.unwrap_or(document)))
    }

    /// Looks at the past of the document whose first record is `first`; nothing where it is not known.
    pub(super) fn look<T>(&self, first: u64, look: impl FnOnce(&Past) -> T) -> Result<Option<T>, PastError> {
        let mut held = self.lock();
        match self.row(&mut held, first)? {
            Some(Row { amends: None, past }) => Ok(Some(look(past))),
            Some(_) => Err(PastError::Damaged),
            None => Ok(None),
        }
    }

    /// Changes the past of the document whose first record is `first`, which may be new.
    pub(super) fn change<T>(&self, first: u64, change: impl FnOnce(&mut Past) -> T) -> Result<T, PastError> {
        let mut held = self.lock();
        if self.row(&mut held, first)?.is_none() {
            held.rows.insert(first, Row::default());
        }
        match held.rows.get_mut(&first) {
            Some(Row { amends: None, past }) => Ok(change(past)),
            _ => Err(PastError::Damaged),
        }
    }

    /// Takes note that a record amends a document.
    pub(super) fn amend(&self, record: u64, first: u64) {
        self.lock().rows.insert(record, Row::amending(first));
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
        let mut others: Vec<_> = held.others.drain().collect();
        others.sort_unstable();
        for (key, value) in others {
            self.db.insert(key, value)?;
        }
        let mut records: Vec<u64> = held.rows.keys().copied().collect();
        records.sort_unstable();
        for record in records {
            if let Some(row) = held.rows.remove(&record) {
                self.db.insert(key(record), row.encode())?;
            }
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
    fn amending(first: u64) -> Self {
        Self { amends: Some(first), past: Past::default() }
    }

    fn encode(&self) -> Vec<u8> {
        let Self { amends, past } = self;
        if let Some(first) = amends {
            return [&[AMENDS], &first.to_be_bytes()[..]].concat();
        }
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
            bytes.push(blobs.iter().fold(0, |count, _| count + 1));
            blobs.iter().for_each(|blob| bytes.extend(blob.as_bytes()));
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        match rest.byte()? {
            AMENDS => {
                let first = rest.number()?;
                rest.0.is_empty().then(|| Self::amending(first))
            }
            PAST => {
                let head = Head { index: rest.number()?, sequence: rest.number()?, statement: rest.hash()? };
                let mut past = Past { head: (head.index > 0).then_some(head), ..Past::default() };
                for _ in 0..rest.byte()? {
                    let newest = past.newest.get_mut(usize::from(rest.byte()?))?;
                    *newest = Some((rest.number()?, rest.hash()?));
                }
                past.pages = rest.newest()?;
                past.texts = rest.newest()?;
                rest.0.is_empty().then_some(Self { amends: None, past })
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

    fn newest(&mut self) -> Option<Newest> {
        let mut newest = Newest::default();
        for place in newest.0.get_mut(..usize::from(self.byte()?))? {
            *place = Some(self.hash()?);
        }
        Some(newest)
    }
}

fn key(record: u64) -> [u8; 9] {
    let mut key = [b'r'; 9];
    key[1..].copy_from_slice(&record.to_be_bytes());
    key
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
        let mut past = Past { head: Some(head), newest, ..Past::default() };
        for n in [4, 5, 6, 7, 5] {
            past.pages.add(hash(n));
        }
        past.texts.add(hash(8));
        past
    }

    #[test]
    fn the_newest_stand_first_and_each_once() {
        let past = past();
        assert_eq!(past.pages.iter().collect::<Vec<_>>(), [hash(5), hash(7), hash(6)]);
        assert_eq!(past.texts.iter().collect::<Vec<_>>(), [hash(8)]);
    }

    #[test]
    fn a_row_is_read_back_and_every_other_length_refused() {
        for row in [Row { amends: None, past: past() }, Row::default(), Row::amending(3)] {
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
