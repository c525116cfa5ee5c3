//! Other people's logs: a checkpoint and tiles, laid out as C2SP tlog-tiles, from a folder or over HTTP.
//!
//! | quantity   | unit  | range                                                        |
//! |------------|-------|--------------------------------------------------------------|
//! | checkpoint | bytes | at most [`CHECKPOINT_BYTES_MAX`]                             |
//! | tile       | bytes | at most [`TILE_BYTES_MAX`]; over HTTP a full one where a partial one is gone |
//!
//! Nothing that comes is believed here: whoever asks computes what the tree should be and compares.

use std::path::{Path, PathBuf};

use super::archive::{ArchiveError, narrow, read_checkpoint, read_tile};
use super::caller::{Call, CallError, Caller};

use crate::log::tile::{Tile, TileError, TileNodes};

/// The longest checkpoint that is read.
pub const CHECKPOINT_BYTES_MAX: usize = 1 << 20;

/// The longest tile: 256 entries of 65,535 bytes with their lengths.
pub const TILE_BYTES_MAX: usize = 256 * (65_535 + 2);

/// A log that can be read.
pub struct TileLog {
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Address(String, Caller),
}

impl TileLog {
    /// Names the log at an address, `http:` or `https:`, or in a folder.
    ///
    /// # Errors
    /// When an address cannot be called.
    pub fn at(place: &str) -> Result<Self, TileLogError> {
        let is_address = place.starts_with("http://") || place.starts_with("https://");
        if !is_address {
            return Ok(Self { place: Place::Folder(Path::new(place).to_owned()) });
        }
        super::caller::check_address(place)?;
        Ok(Self { place: Place::Address(place.trim_end_matches('/').to_owned(), Caller::new()?) })
    }

    /// Reads the newest checkpoint.
    ///
    /// # Errors
    /// A [`TileLogError`].
    pub fn checkpoint(&self) -> Result<Vec<u8>, TileLogError> {
        match &self.place {
            Place::Folder(folder) => {
                read_checkpoint(folder)?.ok_or_else(|| TileLogError::Missing { path: "checkpoint".to_owned() })
            }
            Place::Address(..) => {
                let found = self.get("checkpoint", CHECKPOINT_BYTES_MAX)?;
                found.ok_or_else(|| TileLogError::Missing { path: "checkpoint".to_owned() })
            }
        }
    }

    /// Reads a tile, or the beginning of a wider one.
    ///
    /// # Errors
    /// A [`TileLogError`].
    pub fn tile(&self, tile: &Tile) -> Result<Vec<u8>, TileLogError> {
        if let Place::Folder(folder) = &self.place {
            return Ok(read_tile(folder, tile)?);
        }
        if let Some(bytes) = self.get(&tile.to_string(), TILE_BYTES_MAX)? {
            return Ok(bytes);
        }
        let wider = tile.full();
        let missing = || TileLogError::Missing { path: tile.to_string() };
        let bytes = if tile.is_full() { None } else { self.get(&wider.to_string(), TILE_BYTES_MAX)? };
        narrow(tile, &wider, bytes.ok_or_else(missing)?).map_err(|source| TileLogError::Tile { tile: wider, source })
    }

    /// Returns the tree of so many entries.
    pub fn nodes(&self, size: u64) -> TileNodes<impl Fn(&Tile) -> Result<Vec<u8>, TileLogError> + use<'_>> {
        TileNodes::new(size, |tile: &Tile| self.tile(tile))
    }

    fn get(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, TileLogError> {
        let Place::Address(prefix, caller) = &self.place else { return Ok(None) };
        let answer = caller.call(Call { url: format!("{prefix}/{path}"), body: None, bytes_max })?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 | 410 => Ok(None),
            status => Err(TileLogError::Status { path: path.to_owned(), status }),
        }
    }
}

/// Why another log cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum TileLogError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the log has no `{path}`")]
    Missing { path: String },
    #[error("the log answered with status {status} for `{path}`")]
    Status { path: String, status: u16 },
    #[error("`{tile}`")]
    Tile { tile: Tile, source: TileError },
}
