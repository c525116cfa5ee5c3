//! Packs: the blobs of an archive, in append-only segments.
//!
//! ```text
//! packs/00000001.pack     sealed: immutable
//! packs/00000001.index    its rows, sorted by hash
//! packs/00000002.pack     active: only grows
//! packs/00000002.rows     its rows, in the order of appending
//! ```
//!
//! A segment is a row of *members*. Each is a zstd skippable frame that holds a CBOR map, and behind it the
//! one zstd frame that the map describes:
//!
//! | field    | type | what                                            |
//! |----------|------|-------------------------------------------------|
//! | `sha256` | hash | the blob's name: SHA-256 of its bytes           |
//! | `size`   | uint | how many bytes it has                           |
//! | `stored` | uint | how many bytes the zstd frame behind it has     |
//! | `crc32`  | uint | CRC-32 of that frame                            |
//! | `pad`    | bytes | zeros, where the frame was there before the map |
//! | `base`   | hash  | the blob that the frame is compressed against   |
//! | `depth`  | uint  | with `base`: more than the depth of the base's own member, which is 0 without a base |
//! | `back`   | uint  | with `base`, a hint: how many bytes before this member the base's begins |
//! | `sum`    | uint  | with `base`: CRC-32 of the map without this field; absent where an earlier version wrote it |
//!
//! A frame without `base` is *plain*. One with `base` was compressed with the base's bytes as its prefix, as `zstd
//! --patch-from=BASE` does, because that was smaller ([`super::references`] says which blobs are tried). The base is
//! any earlier blob of the archive: it lies before the member in its segment, or in one sealed before, and may be
//! compressed against another itself. No blob is more than [`DEPTH_MAX`] frames and [`CHAIN_BYTES_MAX`] bytes away from
//! a plain one; the writer keeps to [`WRITTEN_DEPTH_MAX`]. Records, large blobs and what came gzipped are plain. An archive
//! whose members have no `base` is read as it always was.
//!
//! # To read one blob with standard tools
//! 1. Its row leads to its member: `xxd -p -c 40 00000001.rows | grep ^HASH` ends in the offset, in hexadecimal.
//! 2. `tail -c +$((OFFSET + 1)) 00000001.pack > member` begins with 4 bytes of magic, 4 bytes that are the length of
//!    the map, little-endian, and the map: any CBOR tool reads it.
//! 3. A plain frame: `head -c $((8 + LENGTH + STORED)) member | zstd -dcq`. A frame with `base`: read the base in the same
//!    way to a file first, then `head -c $((8 + LENGTH + STORED)) member | zstd -dcq --patch-from=BASE`.
//! 4. `sha256sum` gives its name.
//!
//! Where a segment has plain frames only, `zstd -dc 00000001.pack` prints all of its blobs, one after another.
//!
//! A row is 40 bytes: the hash, and the offset of its member as a big-endian integer. `crc32` is there because a zstd frame has bits that
//! decoders ignore, and damage to them should be found too. `sum` is there because a greater `depth` is no contradiction,
//! and a wrong `back` only costs a search: an audit notes where it does not fit, and the blob is read all the same. Rows and indexes are derived: where they are missing or
//! wrong, the segment is walked instead.
//!
//! | quantity | unit  | range                                                              |
//! |----------|-------|--------------------------------------------------------------------|
//! | segment  | bytes | sealed from [`SEGMENT_BYTES_MAX`]; one large blob may pass it       |
//! | map      | bytes | at most `HEADER_BYTES_MAX`                                          |
//!
//! A crash while appending leaves a torn member at the end of the active segment: opening for writing walks
//! the members and cuts off what is torn, unless a row or a member behind it shows that it was whole once.
//! A segment that was damaged so is never cut: it is sealed as it is, and the next one begins. A blob that no
//! record names yet is harmless: the next capture of the same bytes finds it.
//!
//! Blobs are erased by writing what is kept to new segments and removing the old ones (`rewrite`): then numbers are
//! passed over. A number never means other bytes. In the same way what was kept in haste is compressed again (`repack`).
//!
//! Source: RFC 8878 §3.1.2 (skippable frames). Every read checks the hash.

mod copy;
mod filter;
mod find;
mod heal;
mod lookup;
mod member;
mod near;
mod read;
mod recent;
mod reference;
mod repack;
mod rewrite;
mod rows;
mod sequence;
mod tail;
mod write;

pub use copy::{Stretch, Taken};
pub(in crate::outside::archive) use member::read_member;
pub use member::{Base, DEPTH_MAX, Member, REFERENCE_BYTES_MAX};
pub(in crate::outside::archive) use near::Near;
pub use read::WHOLE_BYTES_MAX;
pub use reference::{CHAIN_BYTES_MAX, Reference, WRITTEN_DEPTH_MAX};
pub use repack::{Repacked, Wishes};
pub use rows::Rows;
pub use sequence::Sequence;
pub use tail::TailMembers;
pub use write::{PackWriter, replay};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lookup::Tables;

use super::durable::WriteError;

use crate::base::hash::Hash;

/// When a segment is sealed: small enough to copy and to verify in a second or two.
pub const SEGMENT_BYTES_MAX: u64 = 256 << 20;

/// The blobs of an archive, for reading.
#[derive(Clone, Debug)]
pub struct Packs {
    folder: PathBuf,
    tables: Arc<Tables>,
    segment_bytes_max: u64,
}

impl Packs {
    /// Reads the packs in `folder`, which need not exist yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), tables: Arc::default(), segment_bytes_max: SEGMENT_BYTES_MAX }
    }

    /// Seals segments from another size on, so that a test need not write so much.
    #[must_use]
    pub fn with_segment_bytes_max(self, segment_bytes_max: u64) -> Self {
        Self { segment_bytes_max, ..self }
    }

    /// Returns the segments' numbers, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn segments(&self) -> Result<Vec<u32>, PackError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|source| PackError::Io { path: self.folder.clone(), source })?,
        };
        // One spelling: `1.pack` is not the file that segment 1 lies in.
        let number = |name: &str| name.parse().ok().filter(|number: &u32| format!("{number:08}") == name);
        let mut numbers: Vec<u32> =
            entries.filter_map(|entry| number(entry.ok()?.file_name().to_str()?.strip_suffix(".pack")?)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a segment's path.
    #[must_use]
    pub fn path(&self, segment: u32) -> PathBuf {
        self.folder.join(format!("{segment:08}.pack"))
    }
}

/// Why a blob could not be read or kept.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PackError {
    #[error("blob {hash} in `{}` at byte {offset} is compressed against blob {base}, which cannot be read", path.display())]
    Base { hash: Hash, path: PathBuf, offset: u64, base: Hash, source: Box<PackError> },
    #[error("blob {hash} in `{}` leads over blob {base}, deeper or further than it may", path.display())]
    Chain { hash: Hash, path: PathBuf, base: Hash },
    #[error("blob {hash} is damaged in `{}` at byte {offset}: found {found}", path.display())]
    Damaged { hash: Hash, path: PathBuf, offset: u64, found: String },
    #[error("`{}` ends before byte {offset}, where the journal goes on", path.display())]
    Gap { path: PathBuf, offset: u64 },
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("blob {hash} is in no pack")]
    Missing { hash: Hash },
    #[error("cannot read back what was received")]
    Spool(#[source] io::Error),
    #[error("cannot pass the blob on")]
    Target(#[source] io::Error),
    #[error("blob {hash} has {size_bytes} bytes, more than the {WHOLE_BYTES_MAX} that are read at once")]
    TooLarge { hash: Hash, size_bytes: u64 },
    #[error("`{}` holds no blob from byte {offset} to {end}", path.display())]
    Torn { path: PathBuf, offset: u64, end: u64 },
    #[error(transparent)]
    Write(#[from] WriteError),
}
