//! A second copy of an archive, for the one process that makes it grow.
//!
//! The order on disk is the writer's: blobs, then tiles, then the settings, then the checkpoint. *A crash* at any moment
//! leaves the copy as its checkpoint says, with some bytes behind what that promises; the next attempt goes on from
//! them. Nothing of the first copy is locked: its checkpoint is read first, and all that it promises is on disk.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::anchors::LEAVES_BYTES_MAX;
use super::disk::folder_of;
use super::durable::{self, Access, Batch};
use super::lock::Lock;
use super::packs::Packs;
use super::writer::remove_narrower_tiles;
use super::{
    Archive, ArchiveError, CHECKPOINT_BYTES_MAX, README, TILE_BYTES_MAX, read_checkpoint, read_limited, read_tile,
};

use crate::base::time::Time;
use crate::evidence::anchor::RENEWAL_LEAVES;
use crate::log::tile::Tile;

/// How many tiles become durable together: as many files are open at once.
const BATCH_COUNT: usize = 192;

/// A second copy, which may not exist yet.
pub struct Replica {
    folder: PathBuf,
    packs: Packs,
    _lock: Lock,
    batch: Batch,
    batch_count: usize,
    /// The folders on the way to what was put: an attempt before may have made one and not waited for its name.
    folders: BTreeSet<PathBuf>,
}

impl Replica {
    /// Takes the copy in `folder`, which is made if it is not there, for this process alone.
    ///
    /// # Errors
    /// [`ArchiveError::Lock`] names who writes it already, [`ArchiveError::Same`] when it is the archive itself.
    pub fn open(source: &Archive, folder: &Path, now: Time) -> Result<Self, ArchiveError> {
        durable::make_folder(folder)?;
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if real(folder).starts_with(real(source.folder())) || real(source.folder()).starts_with(real(folder)) {
            return Err(ArchiveError::Same { folder: folder.to_owned() });
        }
        let lock = Lock::take(folder, now)?;
        let packs = Packs::new(&folder.join("packs"));
        let folders = BTreeSet::from([folder_of(folder), folder.to_owned()]);
        Ok(Self { folder: folder.to_owned(), packs, _lock: lock, batch: Batch::default(), batch_count: 0, folders })
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the blobs.
    #[must_use]
    pub fn packs(&self) -> &Packs {
        &self.packs
    }

    /// Returns the blobs that are kept apart.
    #[must_use]
    pub fn withheld(&self) -> Packs {
        Packs::new(&self.folder.join("withheld"))
    }

    /// Returns the checkpoint that was swapped in last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, ArchiveError> {
        read_checkpoint(&self.folder)
    }

    /// Reads a tile that the copy holds.
    ///
    /// # Errors
    /// As [`Archive::tile`].
    pub fn tile(&self, tile: &Tile) -> Result<Vec<u8>, ArchiveError> {
        read_tile(&self.folder, tile)
    }

    /// Writes a tile unless its file is there, under its own name and with these bytes; says whether it did.
    ///
    /// # Errors
    /// When it cannot be read, or as [`Replica::put`].
    pub fn put_right_tile(&mut self, tile: &Tile, bytes: &[u8]) -> Result<bool, ArchiveError> {
        let path = self.folder.join(tile.to_string());
        let is_right = read_limited(&path, TILE_BYTES_MAX)?.as_deref() == Some(bytes);
        if is_right {
            self.pass(&path);
        } else {
            self.put(tile, bytes)?;
        }
        Ok(!is_right)
    }

    /// Puts the settings or the checkpoint right.
    ///
    /// # Errors
    /// When the disk is full or fails; the old file or the new one stands then.
    pub fn put_right(&self, file: Vital, bytes: &[u8]) -> Result<(), ArchiveError> {
        let name = match file {
            Vital::Checkpoint => "checkpoint",
            Vital::Settings => "archive.toml",
        };
        Ok(durable::swap(&self.folder.join(name), bytes, Access::Public)?)
    }

    /// Writes a tile; durable after [`Replica::settle`].
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn put(&mut self, tile: &Tile, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.add(&self.folder.join(tile.to_string()), bytes)
    }

    fn add(&mut self, path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.batch.add(path, bytes)?;
        self.pass(path);
        self.batch_count += 1;
        if self.batch_count == BATCH_COUNT {
            self.settle()?;
        }
        Ok(())
    }

    /// Remembers the folders on the way to a file.
    fn pass(&mut self, path: &Path) {
        let above = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.folder));
        self.folders.extend(above.map(Path::to_owned));
    }

    /// Makes every tile durable.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn settle(&mut self) -> Result<(), ArchiveError> {
        self.batch_count = 0;
        Ok(std::mem::take(&mut self.batch).finish()?)
    }

    /// Makes the names on the way to everything that was put durable.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync_names(&mut self) -> Result<(), ArchiveError> {
        for folder in std::mem::take(&mut self.folders) {
            durable::sync_folder(&folder)?;
        }
        Ok(())
    }

    /// Takes over the anchors of checkpoints that the first copy has and this one has not, and those that are damaged here;
    /// returns their paths. Each is a file that never changes, and whoever reads one holds it to the checkpoint that it
    /// dates. What is here already is left alone.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn take_anchors(
        &mut self,
        source: &Archive,
        size: u64,
        is_damaged: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<String>, ArchiveError> {
        let mut taken = Vec::new();
        for (folder, name) in anchors_of(source.folder(), size)? {
            let bytes_max = if name == RENEWAL_LEAVES { LEAVES_BYTES_MAX } else { CHECKPOINT_BYTES_MAX };
            let path = folder.join(name);
            let (from, to) = (source.folder().join(&path), self.folder.join(&path));
            let path = path.to_string_lossy().into_owned();
            if to.exists() && !is_damaged(&path) {
                self.pass(&to);
                continue;
            }
            let Some(bytes) = read_limited(&from, bytes_max)? else { continue };
            if read_limited(&to, bytes_max)?.as_ref() != Some(&bytes) {
                self.add(&to, &bytes)?;
                taken.push(path);
            }
        }
        self.settle()?;
        Ok(taken)
    }

    /// Takes over the settings as they are, and swaps in the checkpoint: from now on the copy is `new` entries long.
    ///
    /// # Errors
    /// When the disk is full or fails: the old checkpoint or the new one stands then.
    pub fn publish(&mut self, source: &Archive, checkpoint: &[u8], old: u64, new: u64) -> Result<(), ArchiveError> {
        self.sync_names()?;
        let put = |name: &str, bytes: &[u8]| -> Result<(), ArchiveError> {
            let path = self.folder.join(name);
            if read_limited(&path, CHECKPOINT_BYTES_MAX)?.as_deref() != Some(bytes) {
                durable::swap(&path, bytes, Access::Public)?;
            }
            Ok(())
        };
        put("README.md", README.as_bytes())?;
        put("archive.toml", &source.settings_bytes()?)?;
        put("checkpoint", checkpoint)?;
        durable::sync_folder(&self.folder)?; // Of a file that stood already, the name may not be durable.
        remove_narrower_tiles(&self.folder, old, new);
        Ok(())
    }
}

/// Lists the files of the anchors up to a size: the folder below the archive's, and the name.
fn anchors_of(folder: &Path, size: u64) -> Result<Vec<(PathBuf, String)>, ArchiveError> {
    let mut found = Vec::new();
    for name in list(&folder.join("anchors"))? {
        if name.parse::<u64>().is_ok_and(|of| of <= size && of.to_string() == name) {
            let anchor = Path::new("anchors").join(&name);
            found.extend(list(&folder.join(&anchor))?.into_iter().map(|file| (anchor.clone(), file)));
        }
    }
    found.retain(|(_, name)| Path::new(name).extension().is_none_or(|extension| extension != "new"));
    Ok(found)
}

/// Lists a folder's names; none when there is no folder.
fn list(folder: &Path) -> Result<Vec<String>, ArchiveError> {
    let io_error = |source| ArchiveError::Io { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        other => other.map_err(io_error)?,
    };
    let names = entries.map(|entry| Ok(entry.map_err(io_error)?.file_name().into_string().unwrap_or_default()));
    names.collect()
}

/// A file without which a folder is no archive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Vital {
    /// `checkpoint`.
    Checkpoint,
    /// `archive.toml`.
    Settings,
}

/// What stands in a folder that an archive is to be restored to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// An archive, which nothing may overwrite.
    Archive,
    /// Nothing, or what a restore that was cut short has left.
    Nothing,
}

/// Says whether an archive stands in `folder` already. Settings alone, and the same as the backup's, are no archive yet:
/// a restore was cut short between them and the checkpoint.
///
/// # Errors
/// When a file cannot be read.
pub fn standing(backup: &Archive, folder: &Path) -> Result<Standing, ArchiveError> {
    let settings = |folder: &Path| read_limited(&folder.join("archive.toml"), CHECKPOINT_BYTES_MAX);
    let found = settings(folder)?;
    let is_archive = read_checkpoint(folder)?.is_some() || (found.is_some() && found != settings(backup.folder())?);
    Ok(if is_archive { Standing::Archive } else { Standing::Nothing })
}
