//! Rows: where each blob of a segment lies. They are derived from the members.
//!
//! A row is 40 bytes: the blob's SHA-256, and the offset of its member as a big-endian integer. The rows of the active
//! segment lie in the order of appending, those of a sealed one in the order of their hashes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::{PackError, Packs};

use crate::base::hash::Hash;
use crate::outside::archive::durable::{self, Access};

const ROW_BYTES: usize = 40;
pub(super) const ROW_BYTES_U64: u64 = 40;

/// The rows of a segment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rows {
    /// Each blob's name, and where its member begins.
    pub listed: Vec<(Hash, u64)>,
    /// How many bytes behind them are no row.
    pub trailing_bytes: usize,
}

impl Packs {
    /// Reads a segment's rows, sealed or not, in the order of their file; none when there is no file.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn rows(&self, segment: u32) -> Result<Option<Rows>, PackError> {
        for extension in ["index", "rows"] {
            let path = self.path(segment).with_extension(extension);
            match fs::read(&path) {
                Ok(bytes) => return Ok(Some(rows_of(&bytes))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(PackError::Io { path, source }),
            }
        }
        Ok(None)
    }
}

pub(super) fn has_row_from(packs: &Packs, segment: u32, start: u64) -> bool {
    let rows = packs.rows(segment).ok().flatten().unwrap_or_default();
    rows.listed.iter().any(|(_, offset)| *offset >= start)
}

/// Seals a segment. A crash before the swap leaves it active; after it, sealed with a needless rows file.
pub(super) fn write_index(path: &Path, members: &HashMap<Hash, u64>) -> Result<(), PackError> {
    let mut rows: Vec<[u8; ROW_BYTES]> = members.iter().map(|(hash, offset)| row(*hash, *offset)).collect();
    rows.sort_unstable();
    durable::swap(&path.with_extension("index"), &rows.concat(), Access::Public)?;
    Ok(durable::remove(&path.with_extension("rows"))?)
}

pub(super) fn row(hash: Hash, offset: u64) -> [u8; ROW_BYTES] {
    let mut row = [0; ROW_BYTES];
    row[..32].copy_from_slice(hash.as_bytes());
    row[32..].copy_from_slice(&offset.to_be_bytes());
    row
}

pub(super) fn find_unsorted(rows: &[u8], hash: Hash) -> Option<u64> {
    rows.chunks_exact(ROW_BYTES).find(|row| row.starts_with(hash.as_bytes())).map(offset_of)
}

pub(super) fn last_offset(rows: &[u8]) -> u64 {
    rows.chunks_exact(ROW_BYTES).next_back().map_or(0, offset_of)
}

pub(super) fn find_sorted(index: &File, hash: Hash) -> io::Result<Option<u64>> {
    let mut index = index;
    let (mut low, mut high) = (0, index.metadata()?.len() / ROW_BYTES_U64);
    let mut row = [0; ROW_BYTES];
    while low < high {
        let middle = low + (high - low) / 2;
        index.seek(SeekFrom::Start(middle * ROW_BYTES_U64))?;
        index.read_exact(&mut row)?;
        match row[..32].cmp(hash.as_bytes()) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Ok(Some(offset_of(&row))),
        }
    }
    Ok(None)
}

fn offset_of(row: &[u8]) -> u64 {
    u64::from_be_bytes(row[32..ROW_BYTES].try_into().expect("a row ends in eight bytes"))
}

fn rows_of(rows: &[u8]) -> Rows {
    let hash = |row: &[u8]| Hash::from_slice(&row[..32]).expect("a row begins with a hash");
    let rows = rows.chunks_exact(ROW_BYTES);
    Rows { trailing_bytes: rows.remainder().len(), listed: rows.map(|row| (hash(row), offset_of(row))).collect() }
}
