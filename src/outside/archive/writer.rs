//! The writer: the one process that appends to an archive.
//!
//! The order on disk, and what a crash leaves:
//!
//! 1. Blobs go to the end of the active pack. *A crash here* leaves blobs that no record names; the next
//!    capture of the same bytes finds them, and a torn one is cut off when the pack is opened.
//! 2. The pack is synced. *A crash here* leaves the same.
//! 3. Statements, entries and hash tiles are written and synced. *A crash here* leaves files that are wider
//!    than the checkpoint says; nobody reads them, and the next append swaps others into their places.
//! 4. The new checkpoint is written and synced beside the old one, so that a full disk is met before anything is
//!    remembered. *A crash here* leaves a `checkpoint.new` that the next publication overwrites.
//! 5. The keyring remembers the new checkpoint (`outside/keys`). *A crash here* leaves everything that the
//!    checkpoint promises on disk, so the next writer finishes the swap.
//! 6. The checkpoint is swapped. This is the moment that counts: nothing is acknowledged before it.
//! 7. Partial tiles that are no longer the widest are removed. *A crash here* leaves needless files.
//!
//! A withdrawal is published like any record. Then what it withholds is put apart, and what it withdraws is taken out of
//! the packs ([`super::packs`]). *A crash between* leaves a withdrawal in the log and bytes still there; the next writer
//! takes them out before it appends anything.
//!
//! Repair is the ordinary path: opening and appending.

use std::collections::BTreeSet;
use std::fs;

use super::durable::{self, Batch, Settled};
use super::lock::Lock;
use super::packs::{PackError, PackWriter};
use super::spool::{Spool, Spooled};
use super::{Archive, ArchiveError};

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::merkle::{self, Frontier, Nodes as _, leaf_hash};
use crate::log::tile::{Tile, TileEdge, TileKind, WIDTH_MAX, encode_entries, tiles_changed_of};

/// An archive, for the one process that writes it.
pub struct Writer {
    archive: Archive,
    _lock: Lock,
    packs: PackWriter,
    frontier: Frontier,
    edge: TileEdge,
    /// The last bundle's statements, so far as it is not full, and those appended since the last write.
    statements: Vec<Vec<u8>>,
    written: u64,
    published: u64,
}

impl Writer {
    /// Takes the lock and takes up the log at `size` entries, the size of the published checkpoint.
    ///
    /// # Errors
    /// [`ArchiveError::Lock`] names who writes already; the others say what is damaged.
    pub fn open(archive: &Archive, size: u64, now: Time) -> Result<Self, ArchiveError> {
        let lock = Lock::take(archive.folder(), now)?;
        let _ = fs::remove_dir_all(archive.folder().join("passing")); // Nobody else receives: the lock is ours.
        let packs = PackWriter::open(archive.packs())?;
        let nodes_error = |source| ArchiveError::Nodes(Box::new(source));
        let frontier = Frontier::resume(&archive.nodes(size), size).map_err(nodes_error)?;
        let edge = TileEdge::resume(size, |tile| archive.tile(tile)).map_err(nodes_error)?;
        let width = u64::from(WIDTH_MAX);
        let statements =
            if size.is_multiple_of(width) { Vec::new() } else { archive.statements(size / width, size)? };
        check_statements(archive, &statements, size)?;
        Ok(Self {
            archive: archive.clone(),
            _lock: lock,
            packs,
            frontier,
            edge,
            statements,
            written: size,
            published: size,
        })
    }

    /// Returns the archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Returns how many entries the log has, appended ones included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Returns the root over all of them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Returns the root that the log had at an earlier size.
    ///
    /// # Errors
    /// When a tile cannot be read.
    pub fn root_at(&self, size: u64) -> Result<Hash, ArchiveError> {
        merkle::root(&self.archive.nodes(size), size).map_err(|source| ArchiveError::Nodes(Box::new(source)))
    }

    /// Starts receiving a blob.
    #[must_use]
    pub fn spool(&self) -> Spool {
        spool_of(&self.archive)
    }

    /// Keeps a blob; durable after [`Writer::write`].
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep(&mut self, blob: &Spooled) -> Result<(), ArchiveError> {
        Ok(self.packs.append(blob)?)
    }

    /// Puts blobs apart, so that [`Writer::erase`] may take them out of the packs.
    ///
    /// # Errors
    /// When a blob is damaged, or the disk is full or fails.
    pub fn withhold(&mut self, blobs: &BTreeSet<Hash>) -> Result<(), ArchiveError> {
        if blobs.is_empty() {
            return Ok(());
        }
        let withheld = self.archive.withheld();
        let mut writer = PackWriter::open(&withheld)?;
        for blob in blobs {
            if withheld.contains(*blob)? {
                continue;
            }
            let mut spool = self.spool();
            self.archive.packs.copy(*blob, &mut spool)?;
            writer.append(&spool.finish().map_err(PackError::Spool)?)?;
        }
        Ok(writer.sync()?)
    }

    /// Takes blobs out of the packs: afterwards no file there holds their bytes. Says how many went.
    ///
    /// # Errors
    /// When the disk is full or fails. The writer must then be dropped; the next one erases what is left.
    pub fn erase(&mut self, blobs: &BTreeSet<Hash>) -> Result<usize, ArchiveError> {
        Ok(self.packs.erase(blobs)?)
    }

    /// Takes blobs out of those that are withheld.
    ///
    /// # Errors
    /// As [`Writer::erase`].
    pub fn erase_withheld(&mut self, blobs: &BTreeSet<Hash>) -> Result<usize, ArchiveError> {
        let withheld = self.archive.withheld();
        if withheld.segments_with(blobs)?.is_empty() {
            return Ok(0);
        }
        Ok(PackWriter::open(&withheld)?.erase(blobs)?)
    }

    /// Appends a statement; durable after [`Writer::write`], promised after [`Writer::publish`].
    pub fn append(&mut self, statement: &[u8]) {
        self.statements.push(statement.to_vec());
        self.frontier.push(leaf_hash(Hash::of(statement).as_bytes()));
    }

    /// Makes blobs, statements, entries and tiles durable, in this order.
    ///
    /// # Errors
    /// When the disk is full or fails. The writer must then be dropped: what it holds is ahead of the disk.
    #[expect(clippy::missing_panics_doc, reason = "what is appended is held in memory and short")]
    pub fn write(&mut self) -> Result<(), ArchiveError> {
        let size = self.size();
        self.packs.sync()?;
        let mut batch = Batch::default();
        let entries: Vec<Hash> = self.statements.iter().map(|statement| Hash::of(statement)).collect();
        let first = self.written - self.written % u64::from(WIDTH_MAX);
        for tile in tiles_changed_of(TileKind::Statements, self.written, size) {
            let range = range_of(&tile, first);
            let bundle = encode_entries(&self.statements[range]).expect("a statement is short");
            batch.add(&self.archive.folder.join(tile.to_string()), &bundle)?;
        }
        for tile in tiles_changed_of(TileKind::Entries, self.written, size) {
            let range = range_of(&tile, first);
            let entries: Vec<&[u8; 32]> = entries[range].iter().map(Hash::as_bytes).collect();
            let bundle = encode_entries(&entries).expect("an entry is 32 bytes");
            batch.add(&self.archive.folder.join(tile.to_string()), &bundle)?;
        }
        let new = entries.len() - usize::try_from(size - self.written).expect("held in memory");
        let leaves: Vec<Hash> = entries[new..].iter().map(|entry| leaf_hash(entry.as_bytes())).collect();
        for (tile, bytes) in self.edge.append(&leaves) {
            batch.add(&self.archive.folder.join(tile.to_string()), &bytes)?;
        }
        batch.finish()?;
        self.written = size;
        let last = size - size % u64::from(WIDTH_MAX);
        self.statements.drain(..usize::try_from(last - first).expect("held in memory"));
        Ok(())
    }

    /// Lays the checkpoint over all that was written beside the one that stands.
    ///
    /// # Errors
    /// When the disk is full or fails; nothing is promised then.
    pub fn prepare(&self, checkpoint: &[u8]) -> Result<Settled, ArchiveError> {
        let mut batch = Batch::default();
        batch.add(&self.archive.folder.join("checkpoint"), checkpoint)?;
        Ok(batch.settle()?)
    }

    /// Swaps in the checkpoint that [`Writer::prepare`] laid beside.
    ///
    /// # Errors
    /// When the disk fails; the old checkpoint or the new one then stands.
    pub fn publish(&mut self, checkpoint: Settled) -> Result<(), ArchiveError> {
        checkpoint.place()?;
        self.remove_narrower_tiles();
        self.published = self.written;
        Ok(())
    }

    /// Removes the partial tiles of the checkpoint before, where a wider one stands now. A reader that holds
    /// that checkpoint reads the beginning of the wider one.
    fn remove_narrower_tiles(&self) {
        let (old, new) = (self.published, self.written);
        let hashes = (0..8).map(|level| TileKind::Hashes { level });
        for kind in hashes.chain([TileKind::Entries, TileKind::Statements]) {
            let index = kind.count(old) / u64::from(WIDTH_MAX);
            let narrow = Tile::of_tree(kind, index, old).ok().filter(|tile| !tile.is_full());
            if let Some(tile) = narrow
                && Tile::of_tree(kind, index, new).is_ok_and(|wider| wider != tile)
            {
                let path = self.archive.folder.join(tile.to_string());
                let _ = durable::remove(&path); // Needless files hurt nobody.
                let _ = path.parent().map(fs::remove_dir); // Only when it is empty.
            }
        }
    }
}

/// The last bundle is written anew with every append: what is damaged in it must not be written again, or the
/// entries would be made to agree with it.
fn check_statements(archive: &Archive, statements: &[Vec<u8>], size: u64) -> Result<(), ArchiveError> {
    let nodes = archive.nodes(size);
    let first = size - size % u64::from(WIDTH_MAX);
    for (index, statement) in (first..).zip(statements) {
        let leaf = nodes.node(0, index).map_err(|source| ArchiveError::Nodes(Box::new(source)))?;
        if leaf != leaf_hash(Hash::of(statement).as_bytes()) {
            return Err(ArchiveError::OtherStatement { index });
        }
    }
    Ok(())
}

/// Starts receiving a blob for an archive.
#[must_use]
pub fn spool_of(archive: &Archive) -> Spool {
    Spool::new(&archive.folder.join("passing"))
}

/// Returns which of the held statements, the first of which has index `first`, a tile covers.
fn range_of(tile: &Tile, first: u64) -> std::ops::Range<usize> {
    let start = usize::try_from(tile.index() * u64::from(WIDTH_MAX) - first).expect("held in memory");
    start..start + usize::from(tile.width())
}
