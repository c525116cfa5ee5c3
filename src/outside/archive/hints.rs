//! Hints: where each entry's record lies and which capture came before it, so that a reader of one entry or of a long
//! chain need not search.
//!
//! `index/hints` has one row of 16 bytes for each entry, in the order of the log. All integers are big-endian.
//!
//! | part     | bytes | what                                                                                     |
//! |----------|-------|------------------------------------------------------------------------------------------|
//! | previous | 8     | for a capture, the index of the capture before it in its history; else 0, which is none   |
//! | segment  | 3     | the segment of the packs in which the record lies; 0 where that is not known              |
//! | offset   | 5     | where its member begins                                                                   |
//!
//! They are derived, written by the writer as it publishes, and nobody waits for them. A reader looks where a row
//! leads: the record or statement that lies there has the hash that is sought, or the archive is searched as if there
//! were no row.
//!
//! After a crash the index learns its last entries again, and may be ahead of them: then it cannot say which capture came
//! before, and the row that was there already says it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::appending::Appending;
use super::disk::length_of;
use super::durable::{self, WriteError};

use crate::outside::positioned::read_exact_at;

const NAME: &str = "hints";

/// How many bytes a row has.
const ROW_BYTES: usize = 16;
const ROW_BYTES_U64: u64 = 16;

/// How many rows are kept in memory that were there already: half a megabyte.
const FORMER_COUNT_MAX: u64 = 32_768;

/// How many bits of a place are the offset.
const OFFSET_BITS: u32 = 40;

/// What a row says of an entry.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Hint {
    /// The capture before it.
    pub previous: Option<u64>,
    /// Where its record lies.
    pub place: Option<Place>,
}

/// Where a member of the packs begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Its segment.
    pub segment: u32,
    /// The byte at which it begins there.
    pub offset: u64,
}

/// The rows, for the one process that writes.
pub(super) struct Hints {
    file: Appending,
    /// Rows of entries that are not published yet.
    new: Vec<u8>,
    /// How many entries had a row that was kept.
    size: u64,
    /// The rows that were there behind those.
    former: Vec<u8>,
}

impl Hints {
    /// Opens the rows in the archive's folder `index/` behind those of the first `size` entries: rows that are missing
    /// say nothing, and what is there of later entries is learnt again.
    pub(super) fn open(folder: &Path, size: u64) -> Result<Self, WriteError> {
        durable::make_folder(folder)?;
        let path = folder.join(NAME);
        let former = rows_behind(&path, size).unwrap_or_default();
        Ok(Self { file: Appending::open(&path, size * ROW_BYTES_U64)?, new: Vec::new(), size, former })
    }

    /// Adds the row of entry `index`, which follows those before it.
    pub(super) fn push(&mut self, index: u64, mut hint: Hint) {
        debug_assert_eq!(self.file.length() + length_of(&self.new), index * ROW_BYTES_U64, "one row for each entry");
        if hint.previous.is_none() {
            hint.previous = self.former(index).and_then(|former| former.previous);
        }
        self.new.extend(hint.encode());
    }

    /// Returns what the row of an entry said before.
    fn former(&self, index: u64) -> Option<Hint> {
        let behind = usize::try_from(index.checked_sub(self.size)?).ok()?;
        let (rows, _) = self.former.as_chunks();
        rows.get(behind).map(|row| Hint::decode(*row))
    }

    /// Writes the rows that were added, for readers.
    pub(super) fn write(&mut self) -> Result<(), WriteError> {
        self.file.append(&self.new)?;
        self.new.clear();
        Ok(())
    }
}

/// Reads the rows behind those of the first `size` entries: as many as a crash may have left to be learnt again.
fn rows_behind(path: &Path, size: u64) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(size.checked_mul(ROW_BYTES_U64)?)).ok()?;
    let mut rows = Vec::new();
    file.take(FORMER_COUNT_MAX * ROW_BYTES_U64).read_to_end(&mut rows).ok()?;
    Some(rows)
}

/// Reads rows, for whoever follows them.
pub struct HintReader(Option<File>);

impl HintReader {
    /// Opens the rows in the archive's folder `index/`; where there are none, none says anything.
    pub(super) fn open(folder: &Path) -> Self {
        Self(File::open(folder.join(NAME)).ok())
    }

    /// Reads the row of entry `index`; it says nothing where there is none.
    #[must_use]
    pub fn read(&self, index: u64) -> Hint {
        self.try_read(index).unwrap_or_default()
    }

    fn try_read(&self, index: u64) -> Option<Hint> {
        let mut row = [0; ROW_BYTES];
        read_exact_at(self.0.as_ref()?, index.checked_mul(ROW_BYTES_U64)?, &mut row).ok()?;
        Some(Hint::decode(row)).map(|hint| Hint { previous: hint.previous.filter(|at| *at < index), ..hint })
    }
}

impl Hint {
    fn encode(self) -> [u8; ROW_BYTES] {
        // What is out of range is not said.
        let place =
            self.place.filter(|place| place.segment >> (64 - OFFSET_BITS) == 0 && place.offset >> OFFSET_BITS == 0);
        let place = place.map_or(0, |place| u64::from(place.segment) << OFFSET_BITS | place.offset);
        let row = u128::from(self.previous.unwrap_or_default()) << 64 | u128::from(place);
        row.to_be_bytes()
    }

    fn decode(row: [u8; ROW_BYTES]) -> Self {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let (previous, place) = (number(&row[..8]), number(&row[8..]));
        let segment = u32::try_from(place >> OFFSET_BITS).ok().filter(|segment| *segment > 0);
        let offset = place & ((1 << OFFSET_BITS) - 1);
        Self { previous: (previous > 0).then_some(previous), place: segment.map(|segment| Place { segment, offset }) }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use super::*;

    fn read(folder: &Path, index: u64) -> Hint {
        HintReader::open(folder).read(index)
    }

    fn hint(previous: u64, segment: u32, offset: u64) -> Hint {
        Hint { previous: Some(previous), place: Some(Place { segment, offset }) }
    }

    #[test]
    fn a_row_says_what_was_pushed_and_no_more() {
        for all in [hint(1, 1, 0), hint(u64::MAX, (1 << 24) - 1, (1 << 40) - 1), Hint::default()] {
            assert_eq!(Hint::decode(all.encode()), all);
        }
        for (segment, offset) in [(1 << 24, 0), (1, 1 << 40)] {
            assert_eq!(Hint::decode(hint(1, segment, offset).encode()), Hint { place: None, ..hint(1, 1, 1) });
        }
    }

    #[test]
    fn rows_are_read_once_they_are_written_and_never_lead_forward() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("index");
        assert_eq!(read(&folder, 0), Hint::default());
        let mut hints = Hints::open(&folder, 2).unwrap();
        hints.push(2, hint(1, 7, 900));
        hints.push(3, hint(3, 7, 950));
        assert_eq!(read(&folder, 2), Hint::default());
        hints.write().unwrap();
        assert_eq!(read(&folder, 1), Hint::default(), "a row that was never written");
        assert_eq!(read(&folder, 2), hint(1, 7, 900));
        assert_eq!(read(&folder, 3), Hint { previous: None, ..hint(1, 7, 950) });
        drop(hints);
        let mut hints = Hints::open(&folder, 3).unwrap();
        hints.push(3, Hint::default());
        hints.write().unwrap();
        assert_eq!(read(&folder, 3), Hint::default());
        drop(hints);
        // What is learnt again without knowing the capture before keeps what was said of it.
        let mut hints = Hints::open(&folder, 2).unwrap();
        hints.push(2, Hint { previous: None, ..hint(1, 7, 901) });
        hints.push(3, hint(2, 7, 951));
        hints.push(4, Hint::default());
        hints.write().unwrap();
        assert_eq!(read(&folder, 2), hint(1, 7, 901));
        assert_eq!(read(&folder, 3), hint(2, 7, 951));
        assert_eq!(read(&folder, 4), Hint::default());
        std::fs::write(folder.join(NAME), [7; 40]).unwrap();
        assert_eq!(read(&folder, 2), Hint::default(), "a row that is cut short");
        assert_eq!(read(&folder, u64::MAX), Hint::default());
    }
}
