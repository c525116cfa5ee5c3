//! The archive on disk: the one place that opens `archive/`.
//!
//! ```text
//! archive.toml     origin, prefix, format number
//! checkpoint       the only authoritative file that changes; swapped, never edited
//! tile/…           hashes, entries and statements at C2SP tlog-tiles paths, immutable once full
//! packs/           blobs ([`packs`])
//! anchors/         checkpoints as others dated them ([`anchors`])
//! index/           derived: the writer's index ([`index`]), the readers' catalogue, what leads to an entry at once ([`hints`], [`groups`])
//! journal          while a writer is at work or after a crash: what is not durable in its place yet ([`journal`])
//! withdrawn        derived: which entries have something withdrawn ([`withdrawn`])
//! withheld/        blobs that are kept apart and not shown; laid out as `packs/`
//! lock             the writer's lock ([`lock`])
//! passing/         bodies being received; emptied by the next writer
//! ```
//!
//! This file reads; [`writer`] writes. Any number of readers need no lock: a reader takes the checkpoint
//! first, and all that it promises is on disk already and stays.

pub mod durable;
pub mod lock;
pub mod settings;

pub mod appending;
mod disk;
pub mod faults;
pub mod journal;
mod leaning;

pub mod members;
pub mod packs;
mod plain;
pub mod spool;

pub mod anchors;
pub mod catalogue;
pub mod custody;
pub mod groups;
pub mod growth;
pub mod hints;
pub mod index;
mod past;
pub mod pasts;
pub mod references;
pub mod replay;
pub mod replica;
mod slots;
pub mod stop;
pub mod withdrawn;
pub mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use durable::{Access, WriteError};
use hints::{Hint, HintReader};
use lock::{Lock, LockError};
use packs::{PackError, Packs};
pub use settings::{Settings, SettingsError};

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::tile::{ReadTileError, Tile, TileError, TileKind, TileNodes, WIDTH_MAX, decode_entries};

/// What the program says about every archive, inside it.
const README: &str = include_str!("../../../archive/README.md");

/// The longest tile or bundle: 256 entries of 65,535 bytes with their lengths.
const TILE_BYTES_MAX: u64 = 256 * (65_535 + 2);

/// The longest checkpoint file: a note with a hundred witnesses.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 20;

/// An archive, for reading.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
    settings: Settings,
    packs: Packs,
    journal_bytes_max: u64,
}

impl Archive {
    /// Opens the archive in `folder`.
    ///
    /// # Errors
    /// [`ArchiveError::NotArchive`] when there is none, [`ArchiveError::Settings`] when its settings are damaged.
    pub fn open(folder: &Path) -> Result<Self, ArchiveError> {
        let path = folder.join("archive.toml");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArchiveError::NotArchive { folder: folder.to_owned() });
            }
            other => other.map_err(|source| ArchiveError::Io { path: path.clone(), source })?,
        };
        let settings = Settings::parse(&text).map_err(|reason| ArchiveError::Settings { path, reason })?;
        let packs = Packs::new(&folder.join("packs"));
        Ok(Self { folder: folder.to_owned(), settings, packs, journal_bytes_max: journal::EMPTIED_BYTES })
    }

    /// Makes an archive without entries in `folder`, which may exist and hold other files.
    ///
    /// # Errors
    /// [`ArchiveError::Exists`] when there is an archive already.
    pub fn create(folder: &Path, settings: &Settings) -> Result<Self, ArchiveError> {
        let path = folder.join("archive.toml");
        if path.exists() {
            return Err(ArchiveError::Exists { folder: folder.to_owned() });
        }
        durable::swap(&folder.join("README.md"), README.as_bytes(), Access::Public)?;
        durable::swap(&path, settings.to_toml().as_bytes(), Access::Public)?;
        Self::open(folder)
    }

    /// Writes other authorities into the settings; they are asked from the next publication on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_authorities(&mut self, authorities: Vec<String>) -> Result<(), ArchiveError> {
        self.change_settings(|settings| settings.authorities = authorities)
    }

    /// Writes other calendars into the settings; they are asked from the next publication on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_calendars(&mut self, calendars: Vec<String>) -> Result<(), ArchiveError> {
        self.change_settings(|settings| settings.calendars = calendars)
    }

    fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) -> Result<(), ArchiveError> {
        let path = self.folder.join("archive.toml");
        let file = read_limited(&path, CHECKPOINT_BYTES_MAX)?.unwrap_or_default();
        let file = String::from_utf8_lossy(&file).into_owned();
        let added = file.strip_prefix(&self.settings.to_toml()).ok_or(ArchiveError::Edited { path: path.clone() })?;
        change(&mut self.settings);
        let text = self.settings.to_toml() + added;
        Ok(durable::swap(&path, text.as_bytes(), Access::Public)?)
    }

    /// Returns the checkpoints that others have dated.
    #[must_use]
    pub fn anchors(&self) -> anchors::Anchors {
        anchors::Anchors::new(&self.folder.join("anchors"))
    }

    /// Seals segments and empties the journal from other sizes on, so that a test need not write so much.
    #[must_use]
    pub fn with_sizes(mut self, segment_bytes_max: u64, journal_bytes_max: u64) -> Self {
        self.packs = self.packs.with_segment_bytes_max(segment_bytes_max);
        self.journal_bytes_max = journal_bytes_max;
        self
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns what the archive is called.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the blobs.
    #[must_use]
    pub fn packs(&self) -> &Packs {
        &self.packs
    }

    /// Returns the blobs that are withheld.
    #[must_use]
    pub fn withheld(&self) -> Packs {
        Packs::new(&self.folder.join("withheld"))
    }

    /// Returns the published checkpoint's bytes; `None` before the first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, ArchiveError> {
        read_checkpoint(&self.folder)
    }

    /// Swaps in the published checkpoint with more lines under it, when there are any to add and no other process is
    /// writing; says whether it did.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn add_to_checkpoint(
        &self,
        now: Time,
        add: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<bool, ArchiveError> {
        let _lock = match Lock::take(&self.folder, now) {
            Err(LockError::Held { .. }) => return Ok(false),
            other => other?,
        };
        let Some(more) = self.checkpoint()?.as_deref().and_then(add) else { return Ok(false) };
        durable::swap(&self.folder.join("checkpoint"), &more, Access::Public)?;
        Ok(true)
    }

    /// Reads a tile. Where a later publication has replaced a partial tile by a wider one, its beginning is
    /// what was asked for.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] names the tile's path.
    pub fn tile(&self, tile: &Tile) -> Result<Vec<u8>, ArchiveError> {
        read_tile(&self.folder, tile)
    }

    /// Reads `archive.toml` as it lies.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`].
    pub fn settings_bytes(&self) -> Result<Vec<u8>, ArchiveError> {
        let path = self.folder.join("archive.toml");
        read_limited(&path, CHECKPOINT_BYTES_MAX)?.ok_or(ArchiveError::Missing { path })
    }

    /// Says whether a file is byte for byte what the program writes, not edited by hand nor damaged.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_as_created(&self, file: CreatedFile) -> Result<bool, ArchiveError> {
        let name = match file {
            CreatedFile::Readme => "README.md",
            CreatedFile::Settings => "archive.toml",
        };
        let Some(found) = read_limited(&self.folder.join(name), CHECKPOINT_BYTES_MAX)? else { return Ok(false) };
        Ok(match file {
            CreatedFile::Readme => found == README.as_bytes(),
            CreatedFile::Settings => std::str::from_utf8(&found).is_ok_and(|text| self.settings.are_as_created(text)),
        })
    }

    /// Returns where to look for what belongs to an entry. What is found there is to be checked.
    #[must_use]
    pub fn hint(&self, index: u64) -> Hint {
        self.hints().read(index)
    }

    /// Returns where to look for what belongs to one entry after another.
    #[must_use]
    pub fn hints(&self) -> HintReader {
        HintReader::open(&self.folder.join("index"))
    }

    /// Serves the nodes of the tree of `size` entries.
    #[must_use]
    pub fn nodes(&self, size: u64) -> TileNodes<impl Fn(&Tile) -> Result<Vec<u8>, ArchiveError> + use<'_>> {
        TileNodes::new(size, |tile| self.tile(tile))
    }

    /// Reads the statement of entry `index` of the tree of `size` entries.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`] or [`ArchiveError::Tile`]. That the bytes hash to the entry is for the caller.
    #[expect(clippy::missing_panics_doc, reason = "a position in a bundle is below 256")]
    pub fn statement(&self, index: u64, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let width = u64::from(WIDTH_MAX);
        let outside = || ArchiveError::OutsideLog { index, size };
        let tile = Tile::of_tree(TileKind::Statements, index / width, size).map_err(|_| outside())?;
        let bytes = self.tile(&tile)?;
        let statements = decode_entries(&bytes, tile.width()).map_err(|source| ArchiveError::Tile { tile, source })?;
        let at = usize::try_from(index % width).expect("below 256");
        statements.get(at).map(|statement| statement.to_vec()).ok_or_else(outside)
    }

    /// Reads a bundle of statements of the tree of `size` entries: the 256, or fewer, from `256 × bundle` on.
    ///
    /// # Errors
    /// As [`Archive::statement`].
    pub fn statements(&self, bundle: u64, size: u64) -> Result<Vec<Vec<u8>>, ArchiveError> {
        let outside = |_| ArchiveError::OutsideLog { index: bundle.saturating_mul(u64::from(WIDTH_MAX)), size };
        let tile = Tile::of_tree(TileKind::Statements, bundle, size).map_err(outside)?;
        let bytes = self.tile(&tile)?;
        let statements = decode_entries(&bytes, tile.width()).map_err(|source| ArchiveError::Tile { tile, source })?;
        Ok(statements.into_iter().map(<[u8]>::to_vec).collect())
    }
}

/// A file that is written when an archive is made and not read to check anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CreatedFile {
    /// `README.md`.
    Readme,
    /// `archive.toml`.
    Settings,
}

/// Reads a log's checkpoint from a folder in the layout of tlog-tiles; `None` when there is none.
///
/// # Errors
/// When the file cannot be read.
pub fn read_checkpoint(folder: &Path) -> Result<Option<Vec<u8>>, ArchiveError> {
    read_limited(&folder.join("checkpoint"), CHECKPOINT_BYTES_MAX)
}

/// Reads a tile from a folder in the layout of tlog-tiles, or the beginning of a wider one.
///
/// # Errors
/// [`ArchiveError::Missing`] names the tile's path.
pub fn read_tile(folder: &Path, tile: &Tile) -> Result<Vec<u8>, ArchiveError> {
    let path = folder.join(tile.to_string());
    if let Some(bytes) = read_limited(&path, TILE_BYTES_MAX)? {
        return Ok(bytes);
    }
    for width in tile.width() + 1..=WIDTH_MAX {
        let wider = tile.with_width(width);
        if let Some(bytes) = read_limited(&folder.join(wider.to_string()), TILE_BYTES_MAX)? {
            return narrow(tile, &wider, bytes).map_err(|source| ArchiveError::Tile { tile: wider, source });
        }
    }
    Err(ArchiveError::Missing { path })
}

/// Cuts a wider tile down to the width that was asked for.
pub(super) fn narrow(tile: &Tile, wider: &Tile, mut bytes: Vec<u8>) -> Result<Vec<u8>, TileError> {
    let length = match tile.kind() {
        TileKind::Hashes { .. } => usize::from(tile.width()) * Hash::SIZE_BYTES,
        TileKind::Entries | TileKind::Statements => {
            let entries = decode_entries(&bytes, wider.width())?;
            entries.iter().take(usize::from(tile.width())).map(|entry| 2 + entry.len()).sum()
        }
    };
    bytes.truncate(length);
    Ok(bytes)
}

/// Reads a file whole, when it exists and is not longer than it may be.
fn read_limited(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
    use std::io::Read;
    let io_error = |source| ArchiveError::Io { path: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        other => other.map_err(io_error)?,
    };
    // Room for all of it at once, and a byte to see its end.
    let length = file.metadata().map_or(0, |metadata| metadata.len()).min(bytes_max) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > bytes_max) {
        return Err(ArchiveError::TooLong { path: path.to_owned(), bytes_max });
    }
    Ok(Some(bytes))
}

/// Why an archive cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ArchiveError {
    #[error("writing failed before, and what is on disk is uncertain until the archive is opened again")]
    Broken,
    #[error("`{}` was edited by hand; write `authorities` or `calendars = [\"URL\"]` there yourself", path.display())]
    Edited { path: PathBuf },
    #[error("`{}` is an archive already", folder.display())]
    Exists { folder: PathBuf },
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Journal(#[from] journal::ReadJournalError),
    #[error(transparent)]
    Lock(#[from] lock::LockError),
    #[error("`{}` is missing", path.display())]
    Missing { path: PathBuf },
    #[error("cannot read a part of the tree")]
    Nodes(#[source] Box<ReadTileError<ArchiveError>>),
    #[error("there is no archive in `{}`", folder.display())]
    NotArchive { folder: PathBuf },
    #[error(
        "the journal goes on from a log of {size} entries with the root {expected}, and the archive has {found:?} there: \
         one of the two is of another copy"
    )]
    OtherJournal { size: u64, expected: Hash, found: Option<Hash> },
    #[error("the statement of entry {index} is not the one that the tree holds; `audit` says what is damaged")]
    OtherStatement { index: u64 },
    #[error("entry {index} is outside the log of {size} entries")]
    OutsideLog { index: u64, size: u64 },
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error("`{}` is the archive itself, or one of the two lies in the other", folder.display())]
    Same { folder: PathBuf },
    #[error("`{}`", path.display())]
    Settings {
        path: PathBuf,
        #[source]
        reason: SettingsError,
    },
    #[error("`{tile}` is damaged")]
    Tile { tile: Tile, source: TileError },
    #[error("`{}` is longer than {bytes_max} bytes", path.display())]
    TooLong { path: PathBuf, bytes_max: u64 },
    #[error("records were committed that are not published yet, and only the journal has them")]
    Unpublished,
    #[error(transparent)]
    Write(#[from] WriteError),
}
