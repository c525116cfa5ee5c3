//! Lookup: which row of a segment a blob has, in a time that hardly grows with the number of blobs and segments.
//!
//! What has been opened stays open for the life of a [`super::Packs`] and its clones. Of a sealed segment that is its
//! index file: hashes are evenly spread, so a guess from the hash lands within a page or two of its row. After
//! [`SEARCHED_COUNT_MIN`] searches the segment comes into a filter in memory ([`super::filter`]), which says for nearly
//! every blob that is not there that it is not. Of the active segment it is the rows themselves; what the writer adds is read on.
//!
//! | quantity           | unit             | range                                                           |
//! |--------------------|------------------|-----------------------------------------------------------------|
//! | a search           | reads of a page  | two or three; a damaged index takes more, and ends all the same |
//! | rows of the active | bytes            | 40 a blob, some 20 MB in a segment of small records             |
//!
//! Nothing here is trusted: a row leads to a member, and the member says its own hash.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::filter::{Filters, InFilter};
use super::rows::{ROW_BYTES, find_unsorted, last_offset, number};

use crate::base::hash::Hash;
use crate::outside::positioned::read_exact_at;

/// How often a segment is searched before it comes into a filter: that reads the whole index, some milliseconds, which
/// a single capture should not pay.
const SEARCHED_COUNT_MIN: u32 = 2_000;

/// How many rows are read at once: a page.
const PAGE_ROWS: usize = 102;

/// How often a row's place is guessed before the search halves: enough for any index that is sound.
const GUESS_COUNT_MAX: u32 = 6;

/// What has been opened of the segments' rows.
#[derive(Debug, Default)]
pub(super) struct Tables(Mutex<Opened>);

#[derive(Debug, Default)]
struct Opened {
    tables: BTreeMap<u32, Table>,
    filters: Filters,
    /// The segment in which something was found last: what belongs together lies together.
    expected: Option<u32>,
}

#[derive(Debug)]
enum Table {
    Sealed { index: File, searched: u32, filter: Option<InFilter> },
    Active { rows: Vec<u8> },
}

/// Where a blob's member lies, by the rows of one segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Row {
    /// At this offset.
    At(u64),
    /// In no row. Members from this offset on may have none yet: a crash came between the two files, or a writer is
    /// at work.
    Behind(u64),
    /// In no row, and every member has one.
    Nowhere,
}

impl Tables {
    /// Returns the segments that are open and sealed.
    pub(super) fn sealed(&self) -> Vec<u32> {
        let opened = self.lock();
        let sealed = opened.tables.iter().filter(|(_, table)| matches!(table, Table::Sealed { .. }));
        sealed.map(|(segment, _)| *segment).collect()
    }

    /// Takes note that what is sought next is likely in a segment.
    pub(super) fn expect(&self, segment: u32) {
        self.lock().expected = Some(segment);
    }

    /// Returns the segment that is likely to hold what is sought.
    pub(super) fn expected(&self) -> Option<u32> {
        self.lock().expected
    }

    /// Returns those of `segments` that are not known to be without a blob, the last one first.
    pub(super) fn may_hold(&self, segments: &[u32], hash: Hash) -> Vec<u32> {
        let opened = self.lock();
        let may_be_in = opened.filters.look(hash);
        let may_hold = |segment: &u32| match opened.tables.get(segment) {
            Some(Table::Sealed { filter: Some(filter), .. }) => may_be_in(*filter),
            _ => true,
        };
        segments.iter().rev().copied().filter(may_hold).collect()
    }

    /// Looks a blob up in the rows of the segment whose pack lies at `path`.
    pub(super) fn find(&self, segment: u32, path: &Path, hash: Hash) -> io::Result<Row> {
        let mut opened = self.lock();
        let Opened { tables, filters, .. } = &mut *opened;
        if !matches!(tables.get(&segment), Some(Table::Sealed { .. }))
            && let Ok(index) = File::open(path.with_extension("index"))
        {
            tables.insert(segment, Table::Sealed { index, searched: 0, filter: None });
        }
        match tables.entry(segment).or_insert_with(|| Table::Active { rows: Vec::new() }) {
            Table::Sealed { index, searched, filter } => {
                *searched = searched.saturating_add(1);
                if *searched == SEARCHED_COUNT_MIN {
                    *filter = filters.add(index)?;
                }
                if filter.is_some_and(|filter| !filters.may_hold(filter, hash)) {
                    return Ok(Row::Nowhere);
                }
                Ok(find_sorted(index, hash)?.map_or(Row::Nowhere, Row::At))
            }
            Table::Active { rows } => {
                read_on(rows, &path.with_extension("rows"));
                Ok(find_unsorted(rows, hash).map_or(Row::Behind(last_offset(rows)), Row::At))
            }
        }
    }

    /// Closes what is open of a segment: its rows led to something else.
    pub(super) fn forget(&self, segment: u32) {
        let mut opened = self.lock();
        opened.expected = opened.expected.filter(|expected| *expected != segment);
        opened.tables.remove(&segment);
    }

    fn lock(&self) -> MutexGuard<'_, Opened> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // What is half done there is looked up again.
    }
}

/// Reads the rows that were added since; all of them anew when there are fewer now. They are derived: what cannot be
/// read is not there.
fn read_on(rows: &mut Vec<u8>, path: &Path) {
    let Ok(mut file) = File::open(path) else { return rows.clear() };
    let held = u64::try_from(rows.len()).expect("a length fits in 64 bits");
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    if length < held {
        *rows = fs::read(path).unwrap_or_default();
    } else if length > held {
        let _ = file.seek(SeekFrom::Start(held)).and_then(|_| file.read_to_end(rows));
    }
}

fn find_sorted(index: &File, hash: Hash) -> io::Result<Option<u64>> {
    let (mut low, mut high) = (0, count_of(index)?);
    let (mut low_key, mut high_key) = (0, u64::MAX);
    let mut page = [0; PAGE_ROWS * ROW_BYTES];
    let mut guess_count = 0;
    while low < high {
        let width = high - low;
        let guess = if guess_count < GUESS_COUNT_MAX {
            share(number(&hash.as_bytes()[..8]).saturating_sub(low_key), high_key.saturating_sub(low_key), width)
        } else {
            width / 2
        };
        guess_count += 1;
        let count = width.min(rows_u64(PAGE_ROWS));
        let start = low + guess.saturating_sub(count / 2).min(width - count);
        let length = usize::try_from(count).expect("a page at most") * ROW_BYTES;
        let page = &mut page[..length];
        read_exact_at(index, start * rows_u64(ROW_BYTES), page)?;
        let (first, last) = (&page[..32], &page[length - ROW_BYTES..][..32]);
        if hash.as_bytes()[..] < *first {
            (high, high_key) = (start, number(&first[..8]));
        } else if hash.as_bytes()[..] > *last {
            (low, low_key) = (start + count, number(&last[..8]));
        } else {
            return Ok(find_unsorted(page, hash));
        }
    }
    Ok(None)
}

/// Returns what share of `width` the first number is of the second.
fn share(part: u64, whole: u64, width: u64) -> u64 {
    let share = u128::from(part.min(whole)) * u128::from(width) / (u128::from(whole) + 1);
    u64::try_from(share).expect("a share of a width is below it")
}

fn count_of(index: &File) -> io::Result<u64> {
    Ok(index.metadata()?.len() / rows_u64(ROW_BYTES))
}

fn rows_u64(rows: usize) -> u64 {
    u64::try_from(rows).expect("a length fits in 64 bits")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests write rows of their own")]
mod tests {
    use super::*;
    use crate::outside::archive::packs::rows::row;

    fn hash(number: u32) -> Hash {
        Hash::of(&number.to_be_bytes())
    }

    /// Writes an index of `count` blobs, each at its number, and opens it.
    fn index(folder: &Path, count: u32) -> File {
        let mut rows: Vec<_> = (0..count).map(|number| row(hash(number), number.into())).collect();
        rows.sort_unstable();
        fs::write(folder.join("1.index"), rows.concat()).unwrap();
        File::open(folder.join("1.index")).unwrap()
    }

    #[test]
    fn every_row_is_found_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        for count in [0, 1, 2, 101, 102, 103, 204, 5_000] {
            let index = index(folder.path(), count);
            for number in 0..count + 200 {
                let expected = (number < count).then_some(u64::from(number));
                assert_eq!(find_sorted(&index, hash(number)).unwrap(), expected, "{number} of {count}");
            }
        }
    }

    #[test]
    fn rows_that_are_not_evenly_spread_are_found_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut hashes: Vec<Hash> = (0..3_000u32)
            .map(|n| {
                let mut bytes = [0; 32];
                bytes[4..8].copy_from_slice(&n.to_be_bytes());
                Hash::from_bytes(bytes)
            })
            .collect();
        hashes.push(Hash::from_bytes([255; 32]));
        let rows: Vec<_> = hashes.iter().map(|hash| row(*hash, 7)).collect();
        fs::write(folder.path().join("1.index"), rows.concat()).unwrap();
        let index = File::open(folder.path().join("1.index")).unwrap();
        assert!(hashes.iter().all(|hash| find_sorted(&index, *hash).unwrap() == Some(7)));
        assert_eq!(find_sorted(&index, hash(1)).unwrap(), None);
    }

    #[test]
    fn an_index_in_any_order_ends_the_search() {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<_> = (0..2_000).map(|number| row(hash(number), number.into())).collect();
        fs::write(folder.path().join("1.index"), rows.concat()).unwrap();
        let index = File::open(folder.path().join("1.index")).unwrap();
        for number in 0..2_500 {
            let found = find_sorted(&index, hash(number)).unwrap();
            assert!(found.is_none_or(|found| found == u64::from(number)));
        }
    }

    #[test]
    fn finds_the_same_before_and_after_the_filter_and_reads_on_what_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.pack");
        let tables = Tables::default();
        let find = |number| tables.find(1, &path, hash(number)).unwrap();
        assert_eq!(find(0), Row::Behind(0));
        fs::write(folder.path().join("1.rows"), row(hash(0), 10)).unwrap();
        assert_eq!((find(0), find(1)), (Row::At(10), Row::Behind(10)));
        fs::write(folder.path().join("1.rows"), [row(hash(0), 10), row(hash(1), 20)].concat()).unwrap();
        assert_eq!((find(0), find(1)), (Row::At(10), Row::At(20)));
        fs::write(folder.path().join("1.rows"), row(hash(1), 10)).unwrap();
        assert_eq!((find(0), find(1)), (Row::Behind(10), Row::At(10)));
        index(folder.path(), 300);
        assert!(tables.sealed().is_empty());
        for round in 0..10 {
            assert!((0..300).all(|number| find(number) == Row::At(number.into())), "{round}");
            assert!((300..600).all(|number| find(number) == Row::Nowhere), "{round}");
        }
        assert_eq!(tables.sealed(), [1]);
        tables.forget(1);
        assert_eq!(find(299), Row::At(299));
    }
}
