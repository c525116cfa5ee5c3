//! Anchors on disk: `anchors/<size>/`, as [`crate::evidence::anchor`] lays them out, and what is still to be asked for.
//!
//! The order on disk, and what a crash leaves: the checkpoint, then the request, then the reply, a cosignature or a
//! proof; a block's header comes before the proof that ends at it. *A crash before the reply* leaves a checkpoint or a request that nobody answered; the next token of that size uses the one and passes
//! over the other. Names are made of the reply's hash, so two processes that ask at once never write one file.
//!
//! `anchors/pending` is derived: what was tried in vain, and when to try again. Deleting it means trying now.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::durable::{self, Access};
use super::{ArchiveError, read_limited};

use crate::evidence::anchor::{
    self, AnchorBytes, CHECKPOINT, CHECKPOINT_BYTES_MAX, COSIGNATURE_BYTES_MAX, COSIGNATURE_EXTENSION, PROOF_EXTENSION,
    RENEWAL, RENEWAL_LEAVES, RENEWAL_REPLY_EXTENSION, RENEWAL_REQUEST_EXTENSION, REPLY_EXTENSION, REQUEST_EXTENSION,
};
use crate::evidence::renewal;
use crate::timestamp::opentimestamps::{header, proof};
use crate::timestamp::reply;

/// The most replies that are read of one anchor: an authority asked daily for a month.
const REPLY_COUNT_MAX: usize = 64;

/// The most cosignatures that are read of one anchor: as many as a note has lines.
const COSIGNATURE_COUNT_MAX: usize = 100;

/// The most OpenTimestamps proofs, and headers, that are read of one anchor: one for each of some calendars.
const PROOF_COUNT_MAX: usize = 64;

/// The longest list of leaves: sixteen million.
pub(super) const LEAVES_BYTES_MAX: u64 = 1 << 30;

/// The longest list of vain attempts.
const PENDING_BYTES_MAX: u64 = 1 << 16;

const PENDING: &str = "pending";

/// The folder of anchors.
#[derive(Clone, Debug)]
pub struct Anchors {
    folder: PathBuf,
}

impl Anchors {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns the sizes at which the log was anchored, or tried to be, in order.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn sizes(&self) -> Result<Vec<u64>, ArchiveError> {
        let mut sizes: Vec<u64> = list(&self.folder)?.iter().filter_map(|name| size_of(name)).collect();
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// Reads an anchor; one without replies and cosignatures says nothing yet.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(&self, size: u64) -> Result<AnchorBytes, ArchiveError> {
        let folder = self.folder(size);
        let checkpoint_max = u64::try_from(CHECKPOINT_BYTES_MAX).unwrap_or(u64::MAX);
        let checkpoint = read_limited(&folder.join(CHECKPOINT), checkpoint_max)?;
        let mut names = list(&folder)?;
        names.sort();
        let read = |extension: &str, count_max: usize, bytes_max: usize| {
            let mut found = Vec::new();
            for name in names.iter().filter(|name| name.ends_with(extension)).take(count_max) {
                let bytes_max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
                let bytes = read_limited(&folder.join(name), bytes_max)?;
                found.extend(bytes.map(|bytes| (name.clone(), bytes)));
            }
            Ok::<_, ArchiveError>(found)
        };
        let replies = read(REPLY_EXTENSION, REPLY_COUNT_MAX, reply::SIZE_BYTES_MAX)?;
        let cosignatures = read(COSIGNATURE_EXTENSION, COSIGNATURE_COUNT_MAX, COSIGNATURE_BYTES_MAX)?;
        let proofs = read(PROOF_EXTENSION, PROOF_COUNT_MAX, proof::SIZE_BYTES_MAX)?;
        let mut headers = Vec::new();
        for height in names.iter().filter_map(|name| anchor::height_of(name)).take(PROOF_COUNT_MAX) {
            let path = folder.join(anchor::header_name(height));
            let bytes_max = u64::try_from(header::SIZE_BYTES).unwrap_or(u64::MAX);
            headers.extend(read_limited(&path, bytes_max)?.map(|bytes| (height, bytes)));
        }
        let renewal_max = u64::try_from(renewal::SIZE_BYTES_MAX).unwrap_or(u64::MAX);
        let renewal = read_limited(&folder.join(RENEWAL), renewal_max)?;
        let renewal_replies = read(RENEWAL_REPLY_EXTENSION, REPLY_COUNT_MAX, reply::SIZE_BYTES_MAX)?;
        let read = AnchorBytes { size, checkpoint, replies, cosignatures, proofs, ..AnchorBytes::default() };
        Ok(AnchorBytes { headers, renewal, renewal_replies, ..read })
    }

    /// Says whether there is a renewal beside an anchor, and somebody has dated it, by the names of its files.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn has_renewal(&self, size: u64) -> Result<bool, ArchiveError> {
        Ok(list(&self.folder(size))?.iter().any(|name| name.ends_with(RENEWAL_REPLY_EXTENSION)))
    }

    /// Reads the leaves of a renewal, 64 bytes each.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn renewal_leaves(&self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let path = self.folder(size).join(RENEWAL_LEAVES);
        read_limited(&path, LEAVES_BYTES_MAX)?.ok_or(ArchiveError::Missing { path })
    }

    /// Lays a renewal and its leaves beside the checkpoint that it goes with. The text comes last.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_renewal(&self, size: u64, leaves: &[u8], text: &[u8]) -> Result<(), ArchiveError> {
        durable::swap(&self.folder(size).join(RENEWAL_LEAVES), leaves, Access::Public)?;
        Ok(durable::swap(&self.folder(size).join(RENEWAL), text, Access::Public)?)
    }

    /// Keeps a request and its reply over a renewal.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_renewal_reply(&self, size: u64, stem: &str, request: &[u8], reply: &[u8]) -> Result<(), ArchiveError> {
        let path = |extension: &str| self.folder(size).join(format!("{stem}{extension}"));
        durable::swap(&path(RENEWAL_REQUEST_EXTENSION), request, Access::Public)?;
        Ok(durable::swap(&path(RENEWAL_REPLY_EXTENSION), reply, Access::Public)?)
    }

    /// Says whether there are OpenTimestamps proofs in an anchor, by the names of its files.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn has_proofs(&self, size: u64) -> Result<bool, ArchiveError> {
        Ok(list(&self.folder(size))?.iter().any(|name| name.ends_with(PROOF_EXTENSION)))
    }

    /// Keeps the checkpoint that is about to be dated, unless one of that size is kept: returns the one that counts.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_checkpoint(&self, size: u64, checkpoint: &[u8]) -> Result<Vec<u8>, ArchiveError> {
        let kept = self.read(size)?.checkpoint;
        if let Some(kept) = kept {
            return Ok(kept);
        }
        durable::swap(&self.folder(size).join(CHECKPOINT), checkpoint, Access::Public)?;
        Ok(checkpoint.to_vec())
    }

    /// Keeps a request and its reply under a name without extension.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_reply(&self, size: u64, stem: &str, request: &[u8], reply: &[u8]) -> Result<(), ArchiveError> {
        let path = |extension: &str| self.folder(size).join(format!("{stem}{extension}"));
        durable::swap(&path(REQUEST_EXTENSION), request, Access::Public)?;
        Ok(durable::swap(&path(REPLY_EXTENSION), reply, Access::Public)?)
    }

    /// Keeps a witness's line under a name without extension.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_cosignature(&self, size: u64, stem: &str, line: &[u8]) -> Result<(), ArchiveError> {
        let path = self.folder(size).join(format!("{stem}{COSIGNATURE_EXTENSION}"));
        Ok(durable::swap(&path, line, Access::Public)?)
    }

    /// Keeps an OpenTimestamps proof under a name without extension.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_proof(&self, size: u64, stem: &str, proof: &[u8]) -> Result<(), ArchiveError> {
        let path = self.folder(size).join(format!("{stem}{PROOF_EXTENSION}"));
        Ok(durable::swap(&path, proof, Access::Public)?)
    }

    /// Takes away a proof that another one replaces.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remove_proof(&self, size: u64, name: &str) -> Result<(), ArchiveError> {
        Ok(durable::remove(&self.folder(size).join(name))?)
    }

    /// Keeps the header of a block at which a proof ends.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_header(&self, size: u64, height: u64, header: &[u8]) -> Result<(), ArchiveError> {
        Ok(durable::swap(&self.folder(size).join(anchor::header_name(height)), header, Access::Public)?)
    }

    /// Reads what was tried in vain; nothing when that is not known.
    #[must_use]
    pub fn pending(&self) -> Vec<u8> {
        read_limited(&self.folder.join(PENDING), PENDING_BYTES_MAX).ok().flatten().unwrap_or_default()
    }

    /// Writes what was tried in vain; nothing removes the file.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn set_pending(&self, bytes: &[u8]) -> Result<(), ArchiveError> {
        let path = self.folder.join(PENDING);
        if bytes.is_empty() {
            return Ok(durable::remove(&path)?);
        }
        Ok(durable::swap(&path, bytes, Access::Public)?)
    }

    fn folder(&self, size: u64) -> PathBuf {
        self.folder.join(size.to_string())
    }
}

/// Reads a folder's name as a size, in its one spelling.
#[must_use]
pub fn size_of(name: &str) -> Option<u64> {
    let size: u64 = name.parse().ok()?;
    (size.to_string() == name).then_some(size)
}

fn list(folder: &Path) -> Result<Vec<String>, ArchiveError> {
    let at = |source| ArchiveError::Io { path: folder.to_owned(), source };
    let found = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        other => other.map_err(at)?,
    };
    found.map(|file| Ok(file.map_err(at)?.file_name().to_string_lossy().into_owned())).collect()
}
