//! Pasts: the past of every document, and what else the writer's index knows.
//!
//! | key                   | value                                                                        |
//! |-----------------------|------------------------------------------------------------------------------|
//! | `r` ‖ record          | of a record of a document: the document's first record, and the slot of its past, 0 where the record amends |
//! | `slots`               | how many slots there are; slot 0 holds no past                               |
//!
//! Pasts lie in slots, all else in sled. What is learnt waits in memory, where it is found first, until it is given away
//! together ([`super::index`]). Visits on other threads look at it too, so it is shared behind a lock.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::durable::WriteError;
use super::past::{Past, number};
use super::slots::Slots;
use super::stop::Stop;

use crate::base::hash::Hash;

const SLOTS: &[u8] = b"slots";

/// How much of a document's key, a SHA-256, is the key of its row. sled keeps keys of 22 bytes in their page; each longer one
/// is a piece of memory of its own, and as pages come and go they leave holes that slow down all allocation. 168 bits
/// are more than anybody finds two documents for.
const DOCUMENT_KEY_BYTES: usize = 21;

/// A document's past, and where it lies. Thousands of rows are one piece of memory: a piece for each would leave as many
/// holes between the others whenever they are given away, and all allocation slows down.
struct Row {
    slot: u64,
    past: Past,
    is_changed: bool,
}

/// The pasts of all documents: what is on disk, and what waits for it.
#[derive(Clone)]
pub(super) struct Pasts {
    db: sled::Db,
    held: Arc<Mutex<Held>>,
}

struct Held {
    slots: Slots,
    slot_count: u64,
    /// The document that was found last, by its first record, and its slot: it is asked for next.
    expected: Option<(u64, u64)>,
    rows: HashMap<u64, Row>,
    /// What is for sled.
    others: HashMap<Vec<u8>, Vec<u8>>,
}

impl Pasts {
    /// Opens the pasts in the folder `index/writer/`.
    pub(super) fn open(folder: &Path, db: sled::Db, stop: Stop) -> Result<Self, PastError> {
        let slots = Slots::open(folder, stop)?;
        let slot_count = db.get(SLOTS)?.map_or(Some(1), |value| number(&value, 0)).ok_or(PastError::Damaged)?;
        let held = Held { slots, slot_count, expected: None, rows: HashMap::new(), others: HashMap::new() };
        Ok(Self { db, held: Arc::new(Mutex::new(held)) })
    }

    /// Takes out of the slots what another index left.
    pub(super) fn clear(&self) -> Result<(), PastError> {
        Ok(self.lock().slots.clear()?)
    }

    /// Returns how many entries the pasts on disk tell of at least, and the root over them.
    pub(super) fn told(&self) -> Result<Option<(u64, Hash)>, PastError> {
        Ok(self.lock().slots.told()?)
    }

    /// Returns the first record of the document whose record `document` is; nothing where it is not known.
    pub(super) fn first(&self, document: u64) -> Result<Option<u64>, PastError> {
        let held = self.lock();
        if held.rows.contains_key(&document) {
            return Ok(Some(document));
        }
        Ok(self.place(&held, document)?.map(|(first, _)| first))
    }

    /// Looks at the past of the document whose first record is `first`; nothing where it is not known.
    pub(super) fn look<T>(&self, first: u64, look: impl FnOnce(&Past) -> T) -> Result<Option<T>, PastError> {
        let mut held = self.lock();
        Ok(self.row(&mut held, first)?.map(|row| look(&row.past)))
    }

    /// Changes the past of the document whose first record is `first`, which may be new.
    pub(super) fn change<T>(&self, first: u64, change: impl FnOnce(&mut Past) -> T) -> Result<T, PastError> {
        let mut held = self.lock();
        if self.row(&mut held, first)?.is_none() {
            self.begin_in(&mut held, first)?;
        }
        let row = held.rows.get_mut(&first).ok_or(PastError::Damaged)?;
        row.is_changed = true;
        Ok(change(&mut row.past))
    }

    /// Begins the past of a document, whose first record is learnt: anew, whatever an index that was ahead of the log knew.
    /// Returns its slot.
    pub(super) fn begin(&self, first: u64) -> Result<u64, PastError> {
        let mut held = self.lock();
        self.begin_in(&mut held, first)
    }

    fn begin_in(&self, held: &mut Held, first: u64) -> Result<u64, PastError> {
        let known = self.place(held, first)?.map(|(_, slot)| slot).filter(|slot| *slot > 0);
        let slot = known.unwrap_or(held.slot_count);
        held.slot_count = held.slot_count.max(slot + 1);
        held.others.insert(key(first), [first.to_be_bytes(), slot.to_be_bytes()].concat());
        held.rows.insert(first, Row { slot, past: Past::default(), is_changed: true });
        Ok(slot)
    }

    /// Takes note that a record amends a document, and returns the slot of its past; 0 where it has none.
    pub(super) fn amend(&self, record: u64, first: u64) -> Result<u64, PastError> {
        let mut held = self.lock();
        held.others.insert(key(record), [first.to_be_bytes(), [0; 8]].concat());
        Ok(self.place(&held, first)?.map_or(0, |(_, slot)| slot))
    }

    /// Takes note that the document whose first record is `first` is likely asked for next, and that its past lies in a slot,
    /// which saves a search.
    pub(super) fn expect(&self, first: u64, slot: u64) {
        self.lock().expected = Some((first, slot)).filter(|(_, slot)| *slot > 0);
    }

    /// Returns what stands under another key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, PastError> {
        self.get_in(&self.lock(), key)
    }

    fn get_in(&self, held: &Held, key: &[u8]) -> Result<Option<Vec<u8>>, PastError> {
        if let Some(value) = held.others.get(key) {
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

    /// Gives away all that is held: slots in the order of the file and keys in their own, neighbours after one another.
    /// Nothing is held any more.
    pub(super) fn give(&self) -> Result<(), PastError> {
        let mut held = self.lock();
        let Held { slots, slot_count, rows, others, .. } = &mut *held;
        slots.end_sync()?;
        let mut changed: Vec<_> = rows.iter().filter(|(_, row)| row.is_changed).collect();
        changed.sort_unstable_by_key(|(_, row)| row.slot);
        for (first, row) in changed {
            slots.write(row.slot, *first, &row.past)?;
        }
        rows.clear();
        // sled keeps a beginning of what it was given: no document has a slot that is given again.
        self.db.insert(SLOTS, &slot_count.to_be_bytes())?;
        let mut sorted: Vec<_> = others.drain().collect();
        sorted.sort_unstable();
        for (key, value) in sorted {
            self.db.insert(key, value)?;
        }
        Ok(())
    }

    /// Begins to make durable what was given, of the first `size` entries with `root`, and what sled has besides: it keeps
    /// half a megabyte to itself until it is told to flush, and a process that is killed takes that along.
    pub(super) fn begin_sync(&self, size: u64, root: Hash) -> Result<(), PastError> {
        let db = self.db.clone();
        Ok(self.lock().slots.begin_sync(size, root, move || Ok(db.flush().map(drop)?))?)
    }

    /// Waits until what was given is durable.
    pub(super) fn settle(&self) -> Result<(), PastError> {
        Ok(self.lock().slots.end_sync()?)
    }

    /// Returns a row, which is held from then on.
    fn row<'h>(&self, held: &'h mut Held, first: u64) -> Result<Option<&'h mut Row>, PastError> {
        if !held.rows.contains_key(&first) {
            let Some((of, slot)) = self.place(held, first)? else { return Ok(None) };
            if of != first {
                return Err(PastError::Damaged); // A record that amends has no past of its own.
            }
            let Some(past) = held.slots.read(slot, first)? else {
                held.slots.spoil()?;
                return Err(PastError::Damaged);
            };
            held.rows.insert(first, Row { slot, past, is_changed: false });
        }
        Ok(held.rows.get_mut(&first))
    }

    /// Returns the first record of a document, one of whose records is `record`, and the slot.
    fn place(&self, held: &Held, record: u64) -> Result<Option<(u64, u64)>, PastError> {
        if let Some(expected) = held.expected.filter(|(first, _)| *first == record) {
            return Ok(Some(expected));
        }
        let value = self.get_in(held, &key(record))?;
        let read = |value: Vec<u8>| number(&value, 0).zip(number(&value, 8));
        value.map(|value| read(value).ok_or(PastError::Damaged)).transpose()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner) // Each row is whole at any moment.
    }
}

fn key(record: u64) -> Vec<u8> {
    [b"r", &record.to_be_bytes()[..]].concat()
}

/// Returns the key of what the index knows of the document that has this key itself.
pub(super) fn document_key(document: Hash) -> Vec<u8> {
    [b"d", &document.as_bytes()[..DOCUMENT_KEY_BYTES]].concat()
}

/// Why a past cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PastError {
    #[error("a value of the index is not as it must be; the next command makes the index anew")]
    Damaged,
    #[error("cannot read the index")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Sled(#[from] sled::Error),
    #[error(transparent)]
    Write(#[from] WriteError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::archive::past::Head;

    fn past(index: u64) -> Past {
        Past { head: Some(Head { index, sequence: 1, statement: Hash::of(b"") }), ..Past::default() }
    }

    fn open(folder: &Path) -> Pasts {
        Pasts::open(folder, sled::open(folder.join("sled")).unwrap(), Stop::default()).unwrap()
    }

    #[test]
    fn what_was_given_is_found_as_what_waits_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut pasts = open(folder.path());
        assert_eq!(pasts.first(5).unwrap(), None);
        pasts.begin(5).unwrap();
        pasts.begin(6).unwrap();
        pasts.change(5, |known| *known = past(7)).unwrap();
        assert_eq!(pasts.amend(9, 5).unwrap(), 1);
        pasts.put(b"other".to_vec(), b"value".to_vec());
        for round in 0..3 {
            assert_eq!(
                (pasts.first(5).unwrap(), pasts.first(9).unwrap(), pasts.first(7).unwrap()),
                (Some(5), Some(5), None)
            );
            assert_eq!(pasts.look(5, Past::clone).unwrap(), Some(past(7)));
            assert_eq!(pasts.look(6, Past::clone).unwrap(), Some(Past::default()));
            assert!(pasts.look(9, Past::clone).is_err(), "a record that amends has no past of its own");
            assert_eq!(pasts.get(b"other").unwrap().as_deref(), Some(&b"value"[..]));
            pasts.give().unwrap();
            assert_eq!(pasts.count(), 0);
            pasts.begin_sync(10 + round, Hash::of(b"root")).unwrap();
            pasts.settle().unwrap();
            assert_eq!(pasts.told().unwrap(), Some((10 + round, Hash::of(b"root"))));
            if round == 1 {
                drop(pasts);
                pasts = open(folder.path());
            }
        }
    }

    #[test]
    fn a_document_that_is_learnt_again_keeps_its_slot_and_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let pasts = open(folder.path());
        pasts.begin(5).unwrap();
        pasts.change(5, |known| *known = past(7)).unwrap();
        pasts.give().unwrap();
        pasts.begin(5).unwrap();
        assert_eq!(pasts.look(5, Past::clone).unwrap(), Some(Past::default()));
        pasts.begin(8).unwrap();
        pasts.change(8, |known| *known = past(9)).unwrap();
        pasts.give().unwrap();
        assert_eq!(pasts.look(5, Past::clone).unwrap(), Some(Past::default()));
        assert_eq!(pasts.look(8, Past::clone).unwrap(), Some(past(9)));
    }
}
