//! The list of withdrawals: which entries a withdrawal speaks of, so that a reader need not look through the log.
//!
//! | part          | bytes | what                                                                              |
//! |---------------|-------|-----------------------------------------------------------------------------------|
//! | size          | 8     | how many entries of the log were looked at                                        |
//! | done          | 8     | withdrawals before this index are carried out: no pack holds what they withdraw    |
//! | rows          | 16    | the entry, and the withdrawal that speaks of it, ascending                        |
//! | checksum      | 32    | SHA-256 of all before it                                                          |
//!
//! All integers are big-endian. The file is derived: a reader looks at the statements of the entries behind `size` itself,
//! and at all of them where the file is missing or damaged. A row is only a hint where to look: the withdrawal's record
//! says what is withdrawn. The file is written with each withdrawal, and whenever the log has grown by
//! [`UNLISTED_COUNT_MAX`] entries.

use std::path::{Path, PathBuf};

use super::durable::{self, Access, WriteError};

use crate::base::hash::Hash;

/// How many entries may follow those that the list covers: their statements are read in well under a millisecond.
pub const UNLISTED_COUNT_MAX: u64 = 2048;

/// The longest list that is read: 64 million rows.
const LIST_BYTES_MAX: u64 = 1 << 30;

const HEAD_BYTES: usize = 16;
const ROW_BYTES: usize = 16;

/// Which withdrawals speak of which entries.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WithdrawnList {
    /// How many entries of the log were looked at.
    pub size: u64,
    /// Withdrawals before this index are carried out.
    pub done: u64,
    /// Each entry with a withdrawal that speaks of it, ascending.
    pub rows: Vec<Row>,
}

/// An entry, and a withdrawal that speaks of it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Row {
    /// The entry.
    pub entry: u64,
    /// The withdrawal.
    pub withdrawal: u64,
}

impl WithdrawnList {
    /// Reads the list of the archive in `folder`, for a log of `size` entries; nothing is known where it is missing,
    /// damaged, or of a longer log.
    #[must_use]
    pub fn read(folder: &Path, size: u64) -> Self {
        let bytes = super::read_limited(&path(folder), LIST_BYTES_MAX).ok().flatten();
        bytes.and_then(|bytes| Self::decode(&bytes)).filter(|list| list.size <= size).unwrap_or_default()
    }

    /// Says whether the archive in `folder` has a list.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        path(folder).exists()
    }

    /// Puts the list in its place.
    ///
    /// # Errors
    /// A [`WriteError`]; the list that was there still is.
    pub fn write(&self, folder: &Path) -> Result<(), WriteError> {
        durable::swap(&path(folder), &self.encode(), Access::Public)
    }

    /// Adds that a withdrawal speaks of an entry.
    pub fn add(&mut self, row: Row) {
        if let Err(at) = self.rows.binary_search(&row) {
            self.rows.insert(at, row);
        }
    }

    /// Returns the withdrawals that speak of an entry, in order.
    pub fn of(&self, entry: u64) -> impl Iterator<Item = u64> {
        let start = self.rows.partition_point(|row| row.entry < entry);
        self.rows[start..].iter().take_while(move |row| row.entry == entry).map(|row| row.withdrawal)
    }

    /// Returns every withdrawal from `start` on, each once and in order.
    #[must_use]
    pub fn withdrawals_from(&self, start: u64) -> Vec<u64> {
        let mut withdrawals: Vec<u64> = self.rows.iter().map(|row| row.withdrawal).filter(|at| *at >= start).collect();
        withdrawals.sort_unstable();
        withdrawals.dedup();
        withdrawals
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = [self.size.to_be_bytes(), self.done.to_be_bytes()].concat();
        for row in &self.rows {
            bytes.extend([row.entry.to_be_bytes(), row.withdrawal.to_be_bytes()].concat());
        }
        let checksum = Hash::of(&bytes);
        bytes.extend(checksum.as_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (listed, checksum) = bytes.split_at_checked(bytes.len().checked_sub(Hash::SIZE_BYTES)?)?;
        if Hash::of(listed).as_bytes() != checksum {
            return None;
        }
        let (head, rows) = listed.split_at_checked(HEAD_BYTES)?;
        let number = |bytes: &[u8]| Some(u64::from_be_bytes(bytes.try_into().ok()?));
        let row = |row: &[u8]| Some(Row { entry: number(&row[..8])?, withdrawal: number(&row[8..])? });
        if !rows.len().is_multiple_of(ROW_BYTES) {
            return None;
        }
        let rows: Vec<Row> = rows.chunks_exact(ROW_BYTES).map(row).collect::<Option<_>>()?;
        rows.is_sorted_by(|a, b| a < b).then_some(Self { size: number(&head[..8])?, done: number(&head[8..])?, rows })
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("withdrawn")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use super::*;

    #[test]
    fn knows_what_it_was_told_and_nothing_when_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let mut list = WithdrawnList { size: 12, done: 10, rows: Vec::new() };
        for (entry, withdrawal) in [(7, 9), (2, 9), (2, 11), (7, 9)] {
            list.add(Row { entry, withdrawal });
        }
        list.write(folder.path()).unwrap();
        assert_eq!(WithdrawnList::read(folder.path(), 12), list);
        assert_eq!(WithdrawnList::read(folder.path(), 11), WithdrawnList::default(), "of a longer log");
        assert_eq!(list.of(2).collect::<Vec<_>>(), [9, 11]);
        assert_eq!(list.of(3).count(), 0);
        assert_eq!((list.withdrawals_from(0), list.withdrawals_from(10)), (vec![9, 11], vec![11]));
        let whole = std::fs::read(path(folder.path())).unwrap();
        assert_eq!(whole.len(), HEAD_BYTES + 3 * ROW_BYTES + 32);
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(path(folder.path()), &damaged).unwrap();
            assert_eq!(WithdrawnList::read(folder.path(), 12), WithdrawnList::default(), "bit {bit}");
        }
        for end in 0..whole.len() {
            assert_eq!(WithdrawnList::decode(&whole[..end]), None, "{end}");
        }
    }
}
