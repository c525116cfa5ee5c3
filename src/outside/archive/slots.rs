//! Slots: the file `index/writer/pasts`, one slot of 512 bytes for each document, written over as its past grows.
//!
//! | slot   | bytes | what                                                        |
//! |--------|-------|-------------------------------------------------------------|
//! | 0      | 8     | how many entries of the log all other slots tell of at least |
//! |        | 32    | the root over them                                          |
//! | from 1 | 8     | the document's first record                                 |
//! |        | ≤ 408 | its past ([`super::past`])                                  |
//! | each   | to 508 | zeros                                                      |
//! |        | 4     | CRC-32 of the bytes before                                  |
//!
//! Integers are big-endian. What a slot costs to read and to write is the same in a long log as in a short one, which is
//! why it does not lie in sled. A slot is a sector or a part of one, so it is rarely torn, and its sum shows where it is.
//!
//! A slot may tell of more entries than slot 0 says, and never of fewer: entries are learnt again to the same end. So slot
//! 0 is written once the others are durable, by a thread on which nobody waits. *A crash before* leaves slots that are
//! ahead. Which document has which slot is for [`super::pasts`].

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use super::disk::{self, Kept};
use super::durable::{self, WriteError};
use super::past::{PAST_BYTES_MAX, Past, hash, number};
use super::stop::Stop;

use crate::base::hash::Hash;
use crate::outside::positioned::read_exact_at;

const NAME: &str = "pasts";

const SLOT_BYTES: usize = 512;
const SLOT_BYTES_U64: u64 = 512;
const SUM_BYTES: usize = 4;
const SUMMED_BYTES: usize = SLOT_BYTES - SUM_BYTES;

const _: () = assert!(8 + PAST_BYTES_MAX <= SUMMED_BYTES, "every past has room in a slot");

/// The file of slots, for the one process that writes.
pub(super) struct Slots {
    path: PathBuf,
    reader: File,
    file: Kept,
    syncing: Option<JoinHandle<Result<(), WriteError>>>,
    stop: Stop,
}

impl Slots {
    /// Opens the file in the folder `index/writer/`, making it when it is not there.
    pub(super) fn open(folder: &Path, stop: Stop) -> Result<Self, WriteError> {
        durable::make_folder(folder)?;
        let path = folder.join(NAME);
        let at = |source| WriteError::at(&path, source);
        let file = Kept::open(&path).map_err(at)?;
        let reader = File::open(&path).map_err(at)?;
        Ok(Self { reader, file, syncing: None, stop, path })
    }

    /// Takes everything out of the file.
    pub(super) fn clear(&mut self) -> Result<(), WriteError> {
        self.file.set_length(0).map_err(|source| WriteError::at(&self.path, source))
    }

    /// Takes everything out of the file because a slot of it is damaged, so that the index is made anew when it is opened
    /// next. Until then nothing more is written.
    pub(super) fn spoil(&mut self) -> Result<(), WriteError> {
        self.end_sync()?;
        let is_first = !self.stop.is_pulled();
        self.stop.pull();
        if is_first { self.clear() } else { Ok(()) }
    }

    /// Returns how many entries all slots tell of at least, and the root over them; nothing where slot 0 does not say so.
    pub(super) fn told(&mut self) -> io::Result<Option<(u64, Hash)>> {
        let slot = self.slot(0)?;
        Ok(slot.and_then(|slot| number(&slot, 0).zip(hash(&slot, 8))))
    }

    /// Reads the past of the document whose first record is `first`; nothing where the slot holds no such past.
    pub(super) fn read(&mut self, slot: u64, first: u64) -> io::Result<Option<Past>> {
        let Some(bytes) = self.slot(slot)?.filter(|bytes| number(bytes, 0) == Some(first)) else { return Ok(None) };
        let past = Past::decode(&bytes[8..SUMMED_BYTES]);
        Ok(past.filter(|(_, rest)| rest.iter().all(|byte| *byte == 0)).map(|(past, _)| past))
    }

    /// Writes a past over what the slot holds.
    pub(super) fn write(&mut self, slot: u64, first: u64, past: &Past) -> Result<(), WriteError> {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        bytes.extend(first.to_be_bytes());
        past.encode(&mut bytes);
        let place = slot * SLOT_BYTES_U64;
        let written = self.file.seek(place).and_then(|()| self.file.write_all(&summed(bytes)));
        self.stop.pull_on(written).map_err(|source| WriteError::at(&self.path, source))
    }

    /// Begins to make the slots durable, and what `others` flushes; slot 0 says afterwards that they tell of `size` entries with
    /// `root`.
    pub(super) fn begin_sync(
        &mut self,
        size: u64,
        root: Hash,
        others: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Result<(), WriteError> {
        self.end_sync()?;
        let (path, stop) = (self.path.clone(), self.stop.clone());
        let first = summed([&size.to_be_bytes()[..], root.as_bytes()].concat());
        let sync = move || {
            let synced = others().and_then(|()| disk::sync_file(&path));
            let synced = synced.map_err(|source| WriteError::at(&path, source));
            stop.pull_on(
                synced.and_then(|()| if stop.is_pulled() { Ok(()) } else { durable::write_at(&path, 0, &first) }),
            )
        };
        let thread = thread::Builder::new().spawn(sync).map_err(|source| WriteError::at(&self.path, source))?;
        self.syncing = Some(thread);
        Ok(())
    }

    /// Waits until what was begun is done.
    pub(super) fn end_sync(&mut self) -> Result<(), WriteError> {
        let Some(syncing) = self.syncing.take() else { return Ok(()) };
        syncing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Reads a slot; nothing where it is not whole.
    fn slot(&self, slot: u64) -> io::Result<Option<[u8; SLOT_BYTES]>> {
        let mut bytes = [0; SLOT_BYTES];
        let start = slot.checked_mul(SLOT_BYTES_U64).ok_or(io::ErrorKind::InvalidInput)?;
        match read_exact_at(&self.reader, start, &mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let (summed, sum) = bytes.split_at(SUMMED_BYTES);
        Ok((*sum == crc32fast::hash(summed).to_be_bytes()).then_some(bytes))
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let _ = self.end_sync(); // Slot 0 then says less.
    }
}

/// Fills a slot up with zeros, and puts the sum behind them.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(SUMMED_BYTES, 0);
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use super::*;
    use crate::outside::archive::past::Head;

    fn past(index: u64) -> Past {
        Past { head: Some(Head { index, sequence: 1, statement: Hash::of(b"") }), ..Past::default() }
    }

    #[test]
    fn a_slot_gives_back_its_own_past_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut slots = Slots::open(folder.path(), Stop::default()).unwrap();
        assert_eq!(slots.read(1, 5).unwrap(), None);
        slots.write(3, 5, &past(7)).unwrap();
        slots.write(1, 6, &past(8)).unwrap();
        assert_eq!(slots.read(3, 5).unwrap(), Some(past(7)));
        assert_eq!(slots.read(1, 6).unwrap(), Some(past(8)));
        assert_eq!(slots.read(1, 5).unwrap(), None, "another document's");
        assert_eq!(slots.read(2, 0).unwrap(), None, "a slot that was never written");
        slots.write(3, 5, &past(9)).unwrap();
        assert_eq!(slots.read(3, 5).unwrap(), Some(past(9)));
        assert_eq!(slots.told().unwrap(), None);
        slots.begin_sync(10, Hash::of(b"root"), || Ok(())).unwrap();
        slots.end_sync().unwrap();
        assert_eq!(slots.told().unwrap(), Some((10, Hash::of(b"root"))));
        assert_eq!(slots.read(3, 5).unwrap(), Some(past(9)));
        slots.clear().unwrap();
        assert_eq!((slots.told().unwrap(), slots.read(3, 5).unwrap()), (None, None));
    }

    #[test]
    fn every_flipped_bit_of_a_slot_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let mut slots = Slots::open(folder.path(), Stop::default()).unwrap();
        slots.write(1, 5, &past(7)).unwrap();
        slots.begin_sync(10, Hash::of(b"root"), || Ok(())).unwrap();
        slots.end_sync().unwrap();
        let path = folder.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), 2 * SLOT_BYTES);
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &damaged).unwrap();
            let is_whole = (slots.told().unwrap().is_some(), slots.read(1, 5).unwrap().is_some());
            assert_eq!(is_whole, (bit >= SLOT_BYTES * 8, bit < SLOT_BYTES * 8), "bit {bit}");
        }
    }
}
