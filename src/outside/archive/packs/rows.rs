//! Rows: where each blob of a segment lies. They are derived from the members.
//!
//! A row is 40 bytes: the blob's SHA-256, and the offset of its member as a big-endian integer. The rows of the active
//! segment lie in the order of appending, those of a sealed one in the order of their hashes.

use std::fs;
use std::io;
use std::path::Path;

use super::{PackError, Packs};

use crate::base::hash::Hash;
use crate::outside::archive::durable::{self, Access};

pub(super) const ROW_BYTES: usize = 40;

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
pub(super) fn write_index(path: &Path, sorted: &[[u8; ROW_BYTES]]) -> Result<(), PackError> {
    durable::swap(&path.with_extension("index"), sorted.as_flattened(), Access::Public)?;
    Ok(durable::remove(&path.with_extension("rows"))?)
}

pub(super) fn row(hash: Hash, offset: u64) -> [u8; ROW_BYTES] {
    let mut row = [0; ROW_BYTES];
    row[..32].copy_from_slice(hash.as_bytes());
    row[32..].copy_from_slice(&offset.to_be_bytes());
    row
}

/// Searches from the end: what is asked for is most often new.
pub(super) fn find_unsorted(rows: &[u8], hash: Hash) -> Option<u64> {
    rows.chunks_exact(ROW_BYTES).rfind(|row| row.starts_with(hash.as_bytes())).map(offset_of)
}

pub(super) fn last_offset(rows: &[u8]) -> u64 {
    rows.chunks_exact(ROW_BYTES).next_back().map_or(0, offset_of)
}

pub(super) fn offset_of(row: &[u8]) -> u64 {
    number(&row[32..ROW_BYTES])
}

fn rows_of(rows: &[u8]) -> Rows {
    let hash = |row: &[u8]| Hash::from_slice(&row[..32]).expect("a row begins with a hash");
    let rows = rows.chunks_exact(ROW_BYTES);
    Rows { trailing_bytes: rows.remainder().len(), listed: rows.map(|row| (hash(row), offset_of(row))).collect() }
}
/// Reads eight bytes of a row or a hash as a number.
pub(super) fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}
