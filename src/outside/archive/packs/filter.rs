//! Filters: which blobs surely lie in none of many sealed segments, in a look or two.
//!
//! | quantity           | unit            | range                                                                |
//! |--------------------|-----------------|----------------------------------------------------------------------|
//! | a blob             | bits            | [`BLOB_BITS`]: one in some hundreds passes for nothing               |
//! | a filter           | bytes           | [`FILTER_BYTES`], or as many as one segment needs; it takes segments in until it is full |
//! | all filters        | bytes           | at most [`FILTER_BYTES_MAX`]: 30 million blobs; other segments are searched |
//! | a look             | lines of memory | one a filter: with one a segment a log of ten million would cost thirty |
//!
//! A Bloom filter in blocks. It may say that a blob is there which is not, never the reverse: of a segment that goes the
//! bits stay, and cost a search now and then.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::rows::{ROW_BYTES, number};

use crate::base::hash::Hash;

/// How much memory one filter takes: 4 million blobs.
const FILTER_BYTES: usize = 6 << 20;

/// How much memory all filters may take.
const FILTER_BYTES_MAX: usize = 48 << 20;

/// How many bits a filter has for each blob, and how many of them a blob sets.
const BLOB_BITS: usize = 12;
const BLOB_BITS_SET: u32 = 6;

/// A block is a line of the processor's cache: a look costs one.
const BLOCK_WORDS: usize = 8;
const BLOCK_BYTES: usize = 8 * BLOCK_WORDS;
const BLOCK_BITS: u64 = 512;

/// How much of an index is read at once.
const READ_BYTES: usize = 1 << 20;

/// All filters of an archive's segments.
#[derive(Debug, Default)]
pub(super) struct Filters(Vec<Filter>);

/// Which filter a segment is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFilter(usize);

#[derive(Debug)]
struct Filter {
    blocks: Vec<[u64; BLOCK_WORDS]>,
    /// How many blobs it has room for yet.
    room: usize,
}

impl Filters {
    /// Takes a sealed segment in, by its index; nothing when there is no memory for it.
    pub(super) fn add(&mut self, mut index: &File) -> io::Result<Option<InFilter>> {
        let count = usize::try_from(index.metadata()?.len()).map_err(io::Error::other)? / ROW_BYTES;
        if self.0.last().is_none_or(|last| last.room < count) {
            let taken: usize = self.0.iter().map(Filter::size_bytes).sum();
            let block_count = (count.saturating_mul(BLOB_BITS) / 8).max(FILTER_BYTES).div_ceil(BLOCK_BYTES);
            if block_count.saturating_mul(BLOCK_BYTES) > FILTER_BYTES_MAX.saturating_sub(taken) {
                return Ok(None);
            }
            let room = block_count * BLOCK_BYTES / BLOB_BITS * 8;
            self.0.push(Filter { blocks: vec![[0; BLOCK_WORDS]; block_count], room });
        }
        let Some(filter) = self.0.last_mut() else { return Ok(None) };
        filter.room = filter.room.saturating_sub(count);
        index.seek(SeekFrom::Start(0))?;
        let mut reader = io::BufReader::with_capacity(READ_BYTES, index);
        let mut row = [0; ROW_BYTES];
        while reader.read_exact(&mut row).is_ok() {
            filter.add(&Pattern::of(&row[..Hash::SIZE_BYTES]));
        }
        Ok(Some(InFilter(self.0.len() - 1)))
    }

    /// Says whether a filter may hold a blob.
    pub(super) fn may_hold(&self, filter: InFilter, hash: Hash) -> bool {
        self.0[filter.0].may_hold(&Pattern::of(hash.as_bytes()))
    }

    /// Returns what says of each filter whether it may hold a blob.
    pub(super) fn look(&self, hash: Hash) -> impl Fn(InFilter) -> bool + use<> {
        let pattern = Pattern::of(hash.as_bytes());
        let held: Vec<bool> = self.0.iter().map(|filter| filter.may_hold(&pattern)).collect();
        move |filter| held[filter.0]
    }
}

impl Filter {
    fn size_bytes(&self) -> usize {
        self.blocks.len() * BLOCK_BYTES
    }

    fn add(&mut self, pattern: &Pattern) {
        let block = self.block(pattern);
        self.blocks[block].iter_mut().zip(pattern.bits).for_each(|(word, bits)| *word |= bits);
    }

    fn may_hold(&self, pattern: &Pattern) -> bool {
        // All words together: the processor need not guess which bit is unset.
        let words = self.blocks[self.block(pattern)].iter().zip(pattern.bits);
        words.fold(0, |unset, (word, bits)| unset | bits & !word) == 0
    }

    fn block(&self, pattern: &Pattern) -> usize {
        let count = u128::try_from(self.blocks.len()).expect("a length fits in 64 bits");
        usize::try_from((u128::from(pattern.place) * count) >> 64).expect("below a length")
    }
}

/// A hash as filters see it: the place of its block, and the bits that it sets there, nine bits of the hash for each.
struct Pattern {
    place: u64,
    bits: [u64; BLOCK_WORDS],
}

impl Pattern {
    fn of(hash: &[u8]) -> Self {
        let (place, chosen) = (number(&hash[8..16]), number(&hash[16..24]));
        let mut bits = [0; BLOCK_WORDS];
        for n in 0..BLOB_BITS_SET {
            let position = (chosen >> (9 * n)) % BLOCK_BITS;
            bits[usize::try_from(position / 64).expect("below eight")] |= 1 << (position % 64);
        }
        Self { place, bits }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests write rows of their own")]
mod tests {
    use std::fs;
    use std::ops::Range;

    use super::*;
    use crate::outside::archive::packs::rows::row;

    fn hash(number: u32) -> Hash {
        Hash::of(&number.to_be_bytes())
    }

    fn index(blobs: Range<u32>) -> File {
        let folder = tempfile::tempdir().unwrap();
        let mut rows: Vec<_> = blobs.map(|number| row(hash(number), number.into())).collect();
        rows.sort_unstable();
        fs::write(folder.path().join("index"), rows.concat()).unwrap();
        File::open(folder.path().join("index")).unwrap()
    }

    #[test]
    fn a_full_filter_knows_what_is_there_and_nearly_all_that_is_not() {
        let blocks = vec![[0; BLOCK_WORDS]; 20_000 * BLOB_BITS / 512];
        let mut filter = Filter { blocks, room: 0 };
        (0..20_000).for_each(|number| filter.add(&Pattern::of(hash(number).as_bytes())));
        let may_hold = |number| filter.may_hold(&Pattern::of(hash(number).as_bytes()));
        assert!((0..20_000).all(may_hold));
        let passed = (20_000..120_000).filter(|number| may_hold(*number)).count();
        assert!(passed < 1_000, "{passed} of 100000 that are not there");
    }

    #[test]
    fn segments_share_a_filter_until_it_is_full_and_no_more_memory_is_taken_than_there_is() {
        let mut filters = Filters::default();
        let (first, second) = (filters.add(&index(0..300)).unwrap(), filters.add(&index(300..600)).unwrap());
        assert_eq!(filters.0.len(), 1);
        for (number, filter) in [(0, first), (299, first), (300, second), (599, second)] {
            assert!(filters.may_hold(filter.unwrap(), hash(number)));
            assert!(filters.look(hash(number))(filter.unwrap()));
        }
        assert!((600..700).filter(|number| filters.may_hold(first.unwrap(), hash(*number))).count() < 5);
        let count_max = FILTER_BYTES_MAX / FILTER_BYTES;
        for count in 2..=count_max {
            filters.0.last_mut().unwrap().room = 0;
            let third = filters.add(&index(600..610)).unwrap().unwrap();
            assert!(filters.may_hold(third, hash(605)));
            assert_eq!(filters.0.len(), count);
        }
        filters.0.last_mut().unwrap().room = 9;
        assert!(filters.add(&index(610..620)).unwrap().is_none());
        assert!(filters.add(&index(610..619)).unwrap().is_some());
    }
}
