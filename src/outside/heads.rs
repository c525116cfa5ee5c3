//! Heads: the newest checkpoint of each of some logs, as a witness or a monitor has seen them.
//!
//! ```text
//! <SHA-256 of the origin>/checkpoint               the newest note that was seen and believed
//! <SHA-256 of the origin>/fork-at-<size>.proof     where the log has signed two trees of one size
//! <SHA-256 of the origin>/against-<size>.checkpoint  a note that contradicts what was seen before, at another size
//! ```
//!
//! One log has one head, which is swapped. What cannot be read is an error, and never *nothing seen*.

use std::path::{Path, PathBuf};

use super::archive::durable::{self, Access, WriteError};
use super::archive::{ArchiveError, read_checkpoint};

use crate::base::hash::Hash;
use crate::log::checkpoint::Origin;
use crate::log::fork::ForkProof;

/// A folder of heads.
#[derive(Clone, Debug)]
pub struct Heads {
    folder: PathBuf,
}

impl Heads {
    /// Names the heads in `folder`, which need not exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Reads a log's head, by the SHA-256 of its origin; `None` when the log was never seen.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, origin: Hash) -> Result<Option<Vec<u8>>, ArchiveError> {
        read_checkpoint(&self.folder.join(origin.to_string()))
    }

    /// Swaps in a log's head; durable when this returns.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep(&self, origin: &Origin, checkpoint: &[u8]) -> Result<(), WriteError> {
        durable::swap(&self.of(origin).join("checkpoint"), checkpoint, Access::Public)
    }

    /// Keeps the proof that a log has signed two trees of one size, and returns where it lies.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_fork(&self, proof: &ForkProof) -> Result<PathBuf, WriteError> {
        let path = self.of(proof.origin()).join(format!("fork-at-{}.proof", proof.size()));
        durable::swap(&path, &proof.encode(), Access::Public)?;
        Ok(path)
    }

    /// Keeps a checkpoint that contradicts the head at another size, and returns where it lies.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_against(&self, origin: &Origin, size: u64, checkpoint: &[u8]) -> Result<PathBuf, WriteError> {
        let path = self.of(origin).join(format!("against-{size}.checkpoint"));
        durable::swap(&path, checkpoint, Access::Public)?;
        Ok(path)
    }

    fn of(&self, origin: &Origin) -> PathBuf {
        self.folder.join(name_of(origin).to_string())
    }
}

/// Returns the name under which a log is kept and asked for: the SHA-256 of its origin.
#[must_use]
pub fn name_of(origin: &Origin) -> Hash {
    Hash::of(origin.as_str().as_bytes())
}
