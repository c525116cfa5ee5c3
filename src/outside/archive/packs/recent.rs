//! The rows of the active segment in the writer's memory: 40 bytes a blob and four to eight to find it.
//!
//! A segment of small records has more than half a million rows. They lie as the rows file has them, in the order of
//! appending, so that sealing sorts them where they are.

use super::rows::{ROW_BYTES, offset_of, row};

use crate::base::hash::Hash;

/// How many places the smallest table has.
const PLACE_COUNT_MIN: usize = 1024;

/// The rows of the active segment.
#[derive(Default)]
pub(super) struct Recent {
    rows: Vec<[u8; ROW_BYTES]>,
    /// For each row its number, from 1, at the place that its hash says or behind it; 0 where there is none.
    places: Vec<u32>,
}

impl Recent {
    /// Adds a row, unless the blob has one.
    pub(super) fn insert(&mut self, hash: Hash, offset: u64) {
        if self.rows.len() * 4 >= self.places.len() * 3 {
            self.widen();
        }
        let place = self.place(&hash);
        if self.places[place] == 0 {
            self.rows.push(row(hash, offset));
            self.places[place] = u32::try_from(self.rows.len()).expect("a segment has fewer blobs than bytes");
        }
    }

    /// Returns where a blob's member begins.
    pub(super) fn get(&self, hash: &Hash) -> Option<u64> {
        if self.places.is_empty() {
            return None;
        }
        self.row(self.places[self.place(hash)]).map(|row| offset_of(row))
    }

    /// Returns the rows, in the order of appending.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.rows.as_flattened()
    }

    /// Returns the rows in the order of their hashes.
    pub(super) fn into_sorted(mut self) -> Vec<[u8; ROW_BYTES]> {
        self.places = Vec::new();
        self.rows.sort_unstable();
        self.rows
    }

    fn widen(&mut self) {
        let count = (self.places.len() * 2).max(PLACE_COUNT_MIN);
        self.places.clear();
        self.places.resize(count, 0);
        for (number, row) in (1..).zip(&self.rows) {
            let hash = Hash::from_slice(&row[..32]).expect("a row begins with a hash");
            let place = self.place(&hash);
            self.places[place] = number;
        }
    }

    /// Returns the place of a blob's row, or the empty one where it belongs.
    fn place(&self, hash: &Hash) -> usize {
        let beginning = hash.as_bytes().first_chunk().copied().expect("a hash has 32 bytes");
        let mut place = usize::try_from(u64::from_be_bytes(beginning) & 0xffff_ffff).expect("a `usize` has 32 bits");
        loop {
            place &= self.places.len() - 1;
            let is_here = |row: &[u8; ROW_BYTES]| row.starts_with(hash.as_bytes());
            if self.row(self.places[place]).is_none_or(is_here) {
                return place;
            }
            place += 1;
        }
    }

    fn row(&self, number: u32) -> Option<&[u8; ROW_BYTES]> {
        self.rows.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn knows_what_a_map_knows() {
        let mut recent = Recent::default();
        let mut map = HashMap::new();
        assert_eq!(recent.get(&Hash::of(b"")), None);
        for n in 0..5_000u64 {
            let hash = Hash::of(&(n % 4_000).to_be_bytes());
            recent.insert(hash, n);
            map.entry(hash).or_insert(n);
            assert_eq!(recent.get(&hash), map.get(&hash).copied(), "{n}");
            assert_eq!(recent.get(&Hash::of(&(n + 5_000).to_be_bytes())), None, "{n}");
        }
        assert!(map.iter().all(|(hash, offset)| recent.get(hash) == Some(*offset)));
        assert_eq!(recent.as_bytes().len(), 4_000 * ROW_BYTES);
        assert_eq!(recent.as_bytes()[40..72], *Hash::of(&1u64.to_be_bytes()).as_bytes());
        assert!(recent.into_sorted().is_sorted());
    }
}
