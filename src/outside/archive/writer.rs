//! The writer: the one process that appends to an archive.
//!
//! What is durable *in its place* is what the last emptying of the journal made so; what was published since is in the
//! journal ([`super::journal`]), and in its places for readers. The order on disk, and what a crash leaves. A process
//! that dies leaves every step it made; a machine that dies leaves, of what was not waited for, any part.
//!
//! 1. Blobs go to the end of the active pack. *A crash here* leaves blobs that no record names; the next
//!    capture of the same bytes finds them, and a torn one is cut off when the pack is opened. Blobs too long for the
//!    journal are waited for.
//! 2. The commit, statements and short blobs, is appended to the journal and waited for. From here on the records
//!    are in the log, if the process dies or not, though nobody was told. *A crash before* leaves a commit that is cut
//!    short: the next commit overwrites it.
//! 3. Meanwhile, and during step 4, the tiles are put in their places. *A crash here* leaves files that are wider than
//!    the checkpoint says; nobody reads them, and the next append swaps others into their places.
//! 4. The keyring remembers the signed checkpoint (`outside/keys`), and that is waited for. *A crash before* leaves a
//!    commit that nobody was promised: the next writer signs it. *A crash after* leaves the same, and a keyring that will
//!    not let it be forgotten.
//! 5. When all tiles stand, the checkpoint is swapped. This is the moment that counts: nothing is acknowledged before it.
//! 6. Partial tiles that are no longer the widest are removed, but for those of the log that is durable in its place:
//!    the journal is replayed on top of them. *A crash here* leaves needless files.
//! 7. When the journal is long, or the writer ends: every file that was put in its place is waited for, and the folders.
//!    *A crash here* leaves the journal, which is replayed.
//! 8. The tiles that step 6 spared are removed, and the journal begins anew or is removed. *A crash here* leaves a
//!    journal whose every commit is durable in its place: it is replayed once more or, where the tiles that it begins
//!    at are gone, passed over.
//!
//! A withdrawal is published like any record. Then what it withholds is put apart, and what it withdraws is taken out of
//! the packs ([`super::packs`]). *A crash between* leaves a withdrawal in the log and bytes still there; the next writer
//! takes them out before it appends anything.
//!
//! Repair is the ordinary path: opening ([`Writer::open`]) replays the journal, and appending goes on. A reader never
//! needs the journal, but for one case: after a loss of power and before the next writer, a file may be there that is
//! not what the checkpoint promises. Its hash does not fit then, which `audit` says together with the remedy.
//!
//! A full disk is met in step 1 or 2, before the keyring remembers, or costs nothing, since the journal holds all: the
//! next writer goes on from there. After an error of any step the writer must be dropped: it writes no more, and the next
//! one begins with what is on disk. An fsync that failed is never tried again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::durable::{self, WriteError};
use super::growth::Growth;
use super::hints::Place;
use super::journal::Journal;
use super::lock::Lock;
use super::packs::{self, PackError, PackWriter, Repacked, Wishes};
use super::spool::{Spool, Spooled};
use super::stop::Stop;
use super::{Archive, ArchiveError};

use crate::base::hash::Hash;
use crate::log::journal::{Base, Commit, Found};
use crate::log::merkle;
use crate::log::tile::{LEVEL_MAX, Tile, TileEdge, TileKind, WIDTH_MAX};
use crate::outside::beside::Beside;

/// An archive, for the one process that writes it.
pub struct Writer {
    archive: Archive,
    _lock: Lock,
    packs: PackWriter,
    growth: Growth,
    /// The statements appended since the last commit.
    new: Vec<Vec<u8>>,
    journal: Journal,
    /// Removes needless tiles and puts others in their places.
    placing: Beside<Result<(), WriteError>>,
    /// The files that were put in their places since the journal began.
    placed: BTreeSet<PathBuf>,
    committed: u64,
    committed_root: Hash,
    published: u64,
    /// How much of it is durable in its place.
    settled: u64,
    /// Earlier sizes, whose partial tiles may be needless.
    narrow: Vec<u64>,
    /// Whether the journal was replayed, and must be emptied before it is written.
    is_replayed: bool,
    /// The roots that the replayed journal says: the tiles of those sizes may be anything.
    replayed: Vec<(u64, Hash)>,
    stop: Stop,
}

impl Writer {
    /// Takes up the log where it was left, under its lock: at `size` entries, the size of the published checkpoint, or
    /// behind it where the journal that was found holds more.
    ///
    /// # Errors
    /// An [`ArchiveError`] that says what is damaged.
    pub fn open(archive: &Archive, lock: Lock, size: u64, found: Option<Found>) -> Result<Self, ArchiveError> {
        let _ = fs::remove_dir_all(archive.folder().join("passing")); // Nobody else receives: the lock is ours.
        let Some(found) = found.filter(|found| found.size() >= size) else {
            return Self::at(archive, lock, size);
        };
        if found.size() == size && !begins_here(archive, found.base) {
            // All of it is durable in its place, and the tiles that it begins at are gone.
            return Self::at(archive, lock, size);
        }
        let mut written = BTreeSet::new();
        for tail in found.commits.iter().filter_map(|commit| commit.pack.as_ref()) {
            written.insert(packs::replay(archive.packs(), tail)?);
        }
        durable::sync_all(archive.folder(), &written)?;
        let mut writer = Self::at(archive, lock, found.base.size)?;
        writer.stop.pull(); // A replay that fails must leave the journal as it is.
        writer.growth.expect_root(found.base.root)?;
        for commit in found.commits {
            writer.narrow.push(writer.size());
            writer.replayed.push((writer.size(), writer.root()));
            commit.statements.iter().for_each(|statement| writer.append(statement));
            writer.growth.expect_root(commit.root)?;
            writer.new.clear(); // The journal has them.
        }
        let tiles = writer.changed_tiles();
        place(&tiles)?;
        writer.placed.extend(tiles.into_iter().map(|(path, _)| path));
        writer.placed.extend(Some(archive.folder().join("checkpoint")).filter(|path| path.exists()));
        (writer.committed, writer.committed_root) = (writer.size(), writer.root());
        (writer.published, writer.is_replayed, writer.stop) = (size, true, Stop::default());
        Ok(writer)
    }

    fn at(archive: &Archive, lock: Lock, size: u64) -> Result<Self, ArchiveError> {
        let packs = PackWriter::open(archive.packs())?;
        let growth = Growth::at(archive, size)?;
        let root = growth.root();
        Ok(Self {
            archive: archive.clone(),
            _lock: lock,
            packs,
            journal: Journal::new(archive.folder(), Base { size, root }, archive.journal_bytes_max),
            committed_root: root,
            growth,
            new: Vec::new(),
            placing: Beside::start()
                .map_err(|source| ArchiveError::Io { path: archive.folder().to_owned(), source })?,
            placed: BTreeSet::new(),
            committed: size,
            published: size,
            settled: size,
            narrow: Vec::new(),
            is_replayed: false,
            replayed: Vec::new(),
            stop: Stop::default(),
        })
    }

    /// Says whether the journal was replayed, so that its log is to be signed and published once more.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.is_replayed
    }

    /// Returns the archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Returns how many entries the log has, appended ones included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.growth.size()
    }

    /// Returns the root over all of them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.growth.root()
    }

    /// Returns the root that the log had at an earlier size.
    ///
    /// # Errors
    /// When a tile cannot be read.
    pub fn root_at(&self, size: u64) -> Result<Hash, ArchiveError> {
        let known = self.replayed.iter().find(|(replayed, _)| *replayed == size).map(|(_, root)| *root);
        if let Some(root) = known.or_else(|| (size == self.size()).then(|| self.root())) {
            return Ok(root);
        }
        merkle::root(&self.archive.nodes(size), size).map_err(|source| ArchiveError::Nodes(Box::new(source)))
    }

    /// Starts receiving a blob.
    #[must_use]
    pub fn spool(&self) -> Spool {
        spool_of(&self.archive)
    }

    /// Keeps a blob; durable after [`Writer::commit`].
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep(&mut self, blob: &Spooled) -> Result<(), ArchiveError> {
        self.unless_broken(|writer| Ok(writer.packs.append(blob)?))
    }

    /// Keeps a record's bytes; durable after [`Writer::commit`].
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep_record(&mut self, record: &Spooled) -> Result<(), ArchiveError> {
        self.unless_broken(|writer| Ok(writer.packs.append_record(record)?))
    }

    /// Returns where a blob lies that was just kept.
    #[must_use]
    pub fn place(&self, blob: Hash) -> Option<Place> {
        self.packs.place(blob)
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
        self.settle()?; // The journal may hold their bytes.
        Ok(self.packs.erase(blobs)?)
    }

    /// Compresses blobs again that were kept in haste; `passed` is told how many bytes were looked at.
    ///
    /// # Errors
    /// When the disk is full or fails. Nothing is lost, and the writer must be dropped.
    pub fn repack(&mut self, wishes: &Wishes, passed: &dyn Fn(u64)) -> Result<Repacked, ArchiveError> {
        self.settle()?; // The journal says where in a pack its bytes go.
        Ok(self.packs.repack(wishes, passed)?)
    }

    /// Takes blobs out of those that are withheld.
    ///
    /// # Errors
    /// As [`Writer::erase`].
    pub fn erase_withheld(&mut self, blobs: &BTreeSet<Hash>) -> Result<usize, ArchiveError> {
        let withheld = self.archive.withheld();
        if withheld.segments_with(blobs)?.is_empty() {
            withheld.sync_names()?; // As `erase` does, of what went a moment ago.
            return Ok(0);
        }
        Ok(PackWriter::open(&withheld)?.erase(blobs)?)
    }

    /// Appends a statement; durable after [`Writer::commit`], promised after [`Writer::publish`].
    pub fn append(&mut self, statement: &[u8]) {
        self.new.push(statement.to_vec());
        self.growth.append(statement);
    }

    /// Makes all that was kept and appended durable in the journal. Nothing is promised yet, and readers see nothing of it.
    ///
    /// # Errors
    /// When the disk is full or fails. The writer must then be dropped: what it holds is ahead of the disk.
    pub fn commit(&mut self) -> Result<(), ArchiveError> {
        self.unless_broken(|writer| writer.commit_with(|_| ()))
    }

    /// Does what [`Writer::commit`] does, and meanwhile begins to put in its place what is to be published next.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn commit_in_place(&mut self) -> Result<(), ArchiveError> {
        self.unless_broken(|writer| writer.commit_with(Self::begin_placing))
    }

    fn commit_with(&mut self, meanwhile: impl FnOnce(&mut Self)) -> Result<(), ArchiveError> {
        self.end_placing()?;
        let statements = std::mem::take(&mut self.new);
        if statements.is_empty() {
            meanwhile(self);
            return Ok(self.packs.sync()?);
        }
        if self.is_replayed {
            self.make_durable_in_place()?;
        }
        let commit = Commit { root: self.root(), statements, pack: self.packs.take_tail()? };
        meanwhile(self);
        self.journal.append(&commit)?;
        self.packs.enlist()?;
        (self.committed, self.committed_root) = (self.size(), commit.root);
        Ok(())
    }

    fn begin_placing(&mut self) {
        let (tiles, needless) = (self.changed_tiles(), self.needless_tiles());
        if tiles.is_empty() && needless.is_empty() {
            return;
        }
        for path in &needless {
            self.placed.remove(path);
        }
        self.placed.extend(tiles.iter().map(|(path, _)| path.clone()));
        self.placing.begin(move || {
            remove(&needless);
            place(&tiles)
        });
    }

    /// Says whether the journal is so long that what is in it must be published before it is longer.
    #[must_use]
    pub fn is_publication_due(&self) -> bool {
        self.journal.is_long()
    }

    /// Puts in its place what was committed, swaps in the checkpoint over all of it, and empties the journal when it is long.
    ///
    /// # Errors
    /// When the disk is full or fails. The writer must then be dropped; what was committed is in the log.
    pub fn publish(&mut self, checkpoint: &[u8]) -> Result<(), ArchiveError> {
        self.unless_broken(|writer| {
            let path = writer.archive.folder.join("checkpoint");
            writer.begin_placing();
            writer.end_placing()?;
            durable::place(&path, checkpoint)?;
            writer.placed.insert(path);
            writer.narrow.push(writer.published);
            writer.published = writer.committed;
            if writer.journal.is_long() {
                writer.make_durable_in_place()?;
            }
            Ok(())
        })
    }

    /// Makes everything that was published durable in its place, and removes the journal. What the journal held is gone.
    ///
    /// # Errors
    /// When the disk fails. The writer must then be dropped; nothing is lost, since the journal stays.
    pub fn settle(&mut self) -> Result<(), ArchiveError> {
        if self.placed.is_empty() && !self.journal.stands() && !self.stop.is_pulled() {
            return Ok(());
        }
        if self.committed != self.published {
            return Err(ArchiveError::Unpublished); // The journal alone has it.
        }
        self.unless_broken(|writer| {
            writer.make_durable_in_place()?;
            Ok(writer.journal.remove()?)
        })
    }

    /// Waits for every place, and lets the journal begin anew.
    fn make_durable_in_place(&mut self) -> Result<(), ArchiveError> {
        self.end_placing()?;
        self.placed.insert(self.packs.settle()?);
        durable::sync_all(&self.archive.folder, &self.placed)?;
        self.placed.clear();
        self.narrow.push(self.settled);
        (self.settled, self.is_replayed) = (self.committed, false);
        self.journal.begin_anew(Base { size: self.settled, root: self.committed_root });
        remove(&self.needless_tiles());
        Ok(())
    }

    /// Waits until nothing is put in its place or removed any more.
    fn end_placing(&mut self) -> Result<(), WriteError> {
        std::iter::from_fn(|| self.placing.end()).fold(Ok(()), Result::and)
    }

    /// Writes nothing any more, because something that belongs to a publication has failed.
    pub fn abandon(&mut self) {
        self.stop.pull();
        let _ = self.end_placing(); // What failed first is what matters.
    }

    /// Returns the stop that this writer looks at, for all who write beside it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    fn unless_broken<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, ArchiveError>) -> Result<T, ArchiveError> {
        if self.stop.is_pulled() {
            return Err(ArchiveError::Broken);
        }
        act(self).inspect_err(|_| self.abandon())
    }

    /// Takes the tiles that have changed since the last time.
    fn changed_tiles(&mut self) -> Vec<(PathBuf, Vec<u8>)> {
        let changed = self.growth.take_changed().into_iter();
        changed.map(|(tile, bytes)| (self.archive.folder.join(tile.to_string()), bytes)).collect()
    }

    /// Takes the paths of partial tiles that wider ones replace. A reader that holds an older checkpoint reads the
    /// beginning of the wider one.
    fn needless_tiles(&mut self) -> Vec<PathBuf> {
        let (published, settled) = (self.published, self.settled);
        let (needless, needed) = std::mem::take(&mut self.narrow).into_iter().partition(|size| *size < published);
        self.narrow = needed;
        let sizes: Vec<u64> = needless;
        let mut paths = Vec::new();
        for (size, kind) in sizes.into_iter().flat_map(|size| kinds().map(move |kind| (size, kind))) {
            let index = kind.count(size) / u64::from(WIDTH_MAX);
            let of = |size| Tile::of_tree(kind, index, size).ok();
            let narrow = of(size).filter(|tile| !tile.is_full() && of(published) != Some(*tile));
            if let Some(tile) = narrow.filter(|tile| of(settled) != Some(*tile)) {
                paths.push(self.archive.folder.join(tile.to_string()));
            }
        }
        paths
    }
}

/// Removes the partial tiles of the checkpoint before, where a wider one stands now.
pub(super) fn remove_narrower_tiles(folder: &Path, old: u64, new: u64) {
    let needless = kinds().filter_map(|kind| {
        let index = kind.count(old) / u64::from(WIDTH_MAX);
        let narrow = Tile::of_tree(kind, index, old).ok().filter(|tile| !tile.is_full())?;
        let wider = Tile::of_tree(kind, index, new).ok()?;
        (wider != narrow).then(|| folder.join(narrow.to_string()))
    });
    remove(&needless.collect::<Vec<_>>());
}

fn kinds() -> impl Iterator<Item = TileKind> {
    let hashes = (0..=LEVEL_MAX).map(|level| TileKind::Hashes { level });
    hashes.chain([TileKind::Entries, TileKind::Statements])
}

impl Drop for Writer {
    fn drop(&mut self) {
        let is_placed = self.end_placing().is_ok();
        // A journal that stays is replayed by the next writer.
        let is_published = self.committed == self.published;
        if is_placed && !self.stop.is_pulled() && is_published && self.journal.stands() {
            let _ = self.settle();
        }
    }
}

fn place(tiles: &[(PathBuf, Vec<u8>)]) -> Result<(), WriteError> {
    tiles.iter().try_for_each(|(path, bytes)| durable::place(path, bytes))
}

fn remove(needless: &[PathBuf]) {
    for path in needless {
        let _ = durable::remove(path); // Needless files hurt nobody.
        // Its neighbours are gone when the folder's full tile is there.
        if let Some(folder) = path.parent().filter(|folder| folder.with_extension("").is_file()) {
            durable::remove_empty_folder(folder);
        }
    }
}

/// Says whether the log that a journal begins with is there in its place.
fn begins_here(archive: &Archive, base: Base) -> bool {
    let edge = TileEdge::resume(base.size, |tile| archive.tile(tile));
    edge.is_ok_and(|edge| edge.root() == base.root)
}

/// Starts receiving a blob for an archive.
#[must_use]
pub fn spool_of(archive: &Archive) -> Spool {
    Spool::new(&archive.folder.join("passing"))
}
