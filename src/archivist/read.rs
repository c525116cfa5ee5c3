//! Reading: one entry, whole, by its index, without the lock and without the index.
//!
//! A [`Log`] is the archive as one checkpoint promised it. Every read checks what it can check by itself:
//! that the statement hashes to the entry, and the record to the statement. Who signed is for `verify`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::withdrawn::Withdrawn;

use crate::base::hash::Hash;
use crate::base::id::{CheckCharacter, Id, IdError};
use crate::base::time::Time;
use crate::evidence::record::{Body, Document, Record, RecordError};
use crate::evidence::statement::{Statement, StatementError};
use crate::evidence::succession::SuccessionError;
use crate::log::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::log::inclusion::{Included, InclusionProof, MakeInclusionError};
use crate::log::merkle::{self, Nodes};
use crate::log::tile::{ReadTileError, Tile, TileKind, TileNodes, WIDTH_MAX, decode_entries};
use crate::outside::archive::groups::{GroupReader, Groups};
use crate::outside::archive::hints::Place;
use crate::outside::archive::packs::{PackError, Sequence};
use crate::outside::archive::{Archive, ArchiveError};

/// How many nodes a prover keeps: some three megabytes.
const SHARED_COUNT_MAX: usize = 65_536;

/// An archive's log as one checkpoint promised it.
pub struct Log<'a> {
    archive: &'a Archive,
    size: u64,
}

/// One entry, whole.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its citation id.
    pub id: Id,
    /// Its statement.
    pub statement: Statement,
    /// Its record's bytes.
    pub record_bytes: Vec<u8>,
    /// Its record.
    pub record: Record,
}

impl Entry {
    /// Returns the SHA-256 of the record.
    #[must_use]
    pub fn record_sha256(&self) -> Hash {
        self.statement.claim.record
    }
}

impl<'a> Log<'a> {
    /// Reads the log as it is published now, with the checkpoint that says so.
    ///
    /// # Errors
    /// [`ReadError::Unpublished`] before the first checkpoint.
    pub fn published(archive: &'a Archive) -> Result<(Self, SignedCheckpoint), ReadError> {
        let bytes = archive.checkpoint()?.ok_or(ReadError::Unpublished)?;
        let checkpoint = SignedCheckpoint::parse(&bytes)?;
        Ok((Self::at(archive, checkpoint.checkpoint().size), checkpoint))
    }

    /// Reads the log as it was at `size` entries.
    #[must_use]
    pub fn at(archive: &'a Archive, size: u64) -> Self {
        Self { archive, size }
    }

    /// Returns the archive.
    #[must_use]
    pub fn archive(&self) -> &'a Archive {
        self.archive
    }

    /// Returns how many entries the log has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// A [`ReadError`] that names what is missing or does not fit.
    pub fn entry(&self, index: u64) -> Result<Entry, ReadError> {
        let statement = &self.archive.statement(index, self.size)?;
        self.read(index, statement, |record| self.record_bytes(index, record))
    }

    fn read(
        &self,
        index: u64,
        statement: &[u8],
        read: impl FnOnce(Hash) -> Result<Vec<u8>, ReadError>,
    ) -> Result<Entry, ReadError> {
        let statement = Statement::decode(statement).map_err(|source| ReadError::Statement { index, source })?;
        let record_bytes = read(statement.claim.record)?;
        let record = Record::decode(&record_bytes).map_err(|source| ReadError::Record { index, source })?;
        if record.index != index {
            return Err(ReadError::OtherIndex { index, found: record.index });
        }
        let id = record.id(&self.archive.settings().prefix);
        Ok(Entry { id, statement, record_bytes, record })
    }

    /// Begins to read many entries in their order.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn reader(&self) -> Result<Reader<'_>, ReadError> {
        Ok(Reader { log: self, bundle: None, records: Sequence::new(self.archive.packs())? })
    }

    fn record_bytes(&self, index: u64, record: Hash) -> Result<Vec<u8>, ReadError> {
        if let Some(bytes) = self.hinted_record(index, record) {
            return Ok(bytes);
        }
        if let Some(bytes) = self.archive.packs().read_listed(record)? {
            return Ok(bytes);
        }
        if let Some(withdrawn) = self.withdrawal_of(index, record)? {
            return Err(ReadError::Withdrawn { index, withdrawn: Box::new(withdrawn) });
        }
        Ok(self.archive.packs().read(record)?)
    }

    /// Reads an entry by its citation id, or by the SHA-256 of its record; says whether the id bore its check character.
    ///
    /// # Errors
    /// [`ReadError::OtherArchive`] for another prefix, [`ReadError::OtherKind`] for another kind of record.
    pub fn find(&self, id: &str) -> Result<(Entry, CheckCharacter), ReadError> {
        if let Ok(record) = id.parse::<Hash>() {
            let entry = self.find_record(record)?.ok_or(ReadError::NoRecord { record })?;
            return Ok((entry, CheckCharacter::Right));
        }
        let (id, check) = Id::parse(id)?;
        let prefix = &self.archive.settings().prefix;
        if id.prefix != *prefix {
            return Err(ReadError::OtherArchive { expected: prefix.as_str().to_owned(), found: id.to_string() });
        }
        if id.index >= self.size {
            return Err(ArchiveError::OutsideLog { index: id.index, size: self.size }.into());
        }
        let entry = self.entry(id.index)?;
        if entry.id != id {
            return Err(ReadError::OtherKind { asked: id.to_string(), found: entry.id.to_string() });
        }
        Ok((entry, check))
    }

    /// Reads the document that a capture or check is of.
    ///
    /// # Errors
    /// [`ReadError::NotDocument`] when the entry is something else.
    pub fn document(&self, index: u64) -> Result<(Entry, Document), ReadError> {
        let entry = self.entry(index)?;
        let Body::Document(document) = &entry.record.body else { return Err(ReadError::NotDocument { index }) };
        let document = document.clone();
        Ok((entry, document))
    }

    /// Finds an entry by the SHA-256 of its record, which the packs lead to: it says its own index.
    ///
    /// # Errors
    /// As [`Log::entry`].
    pub fn find_record(&self, record: Hash) -> Result<Option<Entry>, ReadError> {
        if !self.archive.packs().contains(record)? {
            return Ok(None);
        }
        let bytes = match self.archive.packs().read(record) {
            Err(PackError::TooLarge { .. }) => return Ok(None),
            other => other?,
        };
        // The bytes of a page are no record, and a record may be of another log.
        let Some(index) = Record::decode(&bytes).ok().map(|record| record.index) else { return Ok(None) };
        let entry = if index < self.size { self.entry(index)? } else { return Ok(None) };
        Ok((entry.record_sha256() == record).then_some(entry))
    }

    /// Finds the capture that the one at `index` names by its statement's hash, where the hint leads to it.
    #[must_use]
    pub fn capture_before(&self, index: u64, statement: Hash) -> Option<u64> {
        self.archive.hint(index).previous.filter(|before| self.is_entry(*before, statement))
    }

    /// Finds the entry that is a statement's hash among those before `before`, which names it: where the hint leads, or
    /// else from the newest back.
    ///
    /// Then the entry tiles are read backwards, 256 entries in 8.5 KiB at a time. A walk down a document's chain goes on
    /// from where the last search ended, so that all of it together reads each tile once or twice: a log of a million
    /// entries is 4,000 tiles, some tens of milliseconds.
    ///
    /// # Errors
    /// When a tile is missing or damaged.
    pub fn find_entry(&self, entry: Hash, before: u64) -> Result<Option<u64>, ReadError> {
        if let Some(index) = self.capture_before(before, entry) {
            return Ok(Some(index));
        }
        let width = u64::from(WIDTH_MAX);
        let before = before.min(self.size);
        for bundle in (0..before.div_ceil(width)).rev() {
            let outside = |_| ArchiveError::OutsideLog { index: bundle * width, size: self.size };
            let tile = Tile::of_tree(TileKind::Entries, bundle, self.size).map_err(outside)?;
            let bytes = self.archive.tile(&tile)?;
            let entries = decode_entries(&bytes, tile.width()).map_err(|source| ArchiveError::Tile { tile, source })?;
            let found = (bundle * width..before).zip(&entries).filter(|(_, found)| **found == entry.as_bytes());
            if let Some((index, _)) = found.last() {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Says whether the entry at `index` can be read and is a statement's hash.
    #[must_use]
    pub fn is_entry(&self, index: u64, entry: Hash) -> bool {
        let width = u64::from(WIDTH_MAX);
        let Ok(tile) = Tile::of_tree(TileKind::Entries, index / width, self.size) else { return false };
        let Ok(bytes) = self.archive.tile(&tile) else { return false };
        let Ok(entries) = decode_entries(&bytes, tile.width()) else { return false };
        let position = usize::try_from(index % width).ok();
        position.and_then(|position| entries.get(position)).is_some_and(|found| *found == entry.as_bytes())
    }

    /// Finds the first entry that was issued at a moment or later, by the statements; the log's size when there is none.
    ///
    /// # Errors
    /// When a tile of statements cannot be read.
    pub fn first_since(&self, moment: Time) -> Result<u64, ReadError> {
        let width = u64::from(WIDTH_MAX);
        for bundle in 0..self.size.div_ceil(width) {
            let statements = self.archive.statements(bundle, self.size)?;
            let is_since = |statement: &[u8]| {
                Statement::decode(statement).is_ok_and(|statement| statement.claim.issued_at >= moment)
            };
            if let Some((index, _)) = (bundle * width..).zip(&statements).find(|(_, statement)| is_since(statement)) {
                return Ok(index);
            }
        }
        Ok(self.size)
    }

    /// Reads a record from where the archive's hint leads; nothing where it is not there.
    #[must_use]
    pub fn hinted_record(&self, index: u64, record: Hash) -> Option<Vec<u8>> {
        self.archive.hint(index).place.and_then(|place| self.archive.packs().read_at(place, record))
    }

    /// Reads a blob that an entry names from between its record and the one before it, where it was kept unless it was held
    /// already; nothing where it is not there. The rows of a segment that still grows need not be searched then.
    #[must_use]
    pub fn hinted_blob(&self, index: u64, blob: Hash) -> Option<Vec<u8>> {
        let place = |index| self.archive.hint(index).place;
        self.archive.packs().read_between(place(index.checked_sub(1)?)?, place(index)?, blob)
    }

    /// Begins to make many proofs.
    #[must_use]
    pub fn prover(&self) -> Prover<'a> {
        let archive = self.archive;
        Prover {
            archive,
            size: self.size,
            nodes: TileNodes::new(self.size, Box::new(|tile| archive.tile(tile))),
            shared: RefCell::default(),
            right_edge: RefCell::default(),
            groups: GroupReader::open(archive, self.size),
            last: RefCell::default(),
        }
    }
}

type ReadTile<'a> = Box<dyn Fn(&Tile) -> Result<Vec<u8>, ArchiveError> + 'a>;

/// Makes many proofs of one log: what they share is read and hashed once, and of a tile no more than what they need where
/// its groups are listed.
pub struct Prover<'a> {
    archive: &'a Archive,
    size: u64,
    /// All nodes; the tile that was read last is kept.
    nodes: TileNodes<ReadTile<'a>>,
    /// Nodes above the lowest tiles.
    shared: RefCell<HashMap<(u8, u64), Hash>>,
    /// The subtrees that end with the log, by where they begin; from 0 it is the root.
    right_edge: RefCell<HashMap<u64, Hash>>,
    groups: GroupReader<'a>,
    /// The groups of the entry that was asked for last.
    last: RefCell<Option<(u64, Option<Rc<Groups>>)>>,
}

impl Prover<'_> {
    /// Makes the proof that an entry is in the log.
    ///
    /// # Errors
    /// When a tile is missing or damaged. The proof is for the caller to verify, unless what was found of it is what the
    /// caller asks.
    pub fn inclusion(&self, index: u64) -> Result<(InclusionProof, Option<Included>), ReadError> {
        if let Some((proof, included)) = self.listed_proof(index) {
            return Ok((proof, Some(included)));
        }
        let proof = InclusionProof::make(self, index, self.size);
        Ok((proof.map_err(|source| ReadError::Inclusion { index, source: Box::new(source) })?, None))
    }

    /// Reads the statement of an entry, by its group or else with its bundle.
    ///
    /// # Errors
    /// As [`Archive::statement`].
    pub fn statement(&self, index: u64) -> Result<Vec<u8>, ArchiveError> {
        let listed = self.groups(index).and_then(|groups| self.groups.statement(&groups, index));
        listed.map_or_else(|| self.archive.statement(index, self.size), Ok)
    }

    /// Makes a proof with the nodes that are listed, when it leads to the root.
    fn listed_proof(&self, index: u64) -> Option<(InclusionProof, Included)> {
        let groups = self.groups(index)?;
        let nodes = ListedNodes { groups: &groups, others: self };
        let proof = InclusionProof::make(&nodes, index, self.size).ok()?;
        let included = proof.included(groups.node(0, index)?, merkle::root(self, self.size).ok()?).ok()?;
        Some((proof, included))
    }

    fn groups(&self, index: u64) -> Option<Rc<Groups>> {
        let mut last = self.last.borrow_mut();
        match &*last {
            Some((held, groups)) if *held == index => groups.clone(),
            _ => last.insert((index, self.groups.read(index).map(Rc::new))).1.clone(),
        }
    }
}

/// The nodes of the log by its tiles, some of which are known already.
impl Nodes for Prover<'_> {
    type Error = ReadTileError<ArchiveError>;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        if u32::from(level) < WIDTH_MAX.ilog2() {
            return self.nodes.node(level, index);
        }
        let mut shared = self.shared.borrow_mut();
        if let Some(node) = shared.get(&(level, index)) {
            return Ok(*node);
        }
        if shared.len() >= SHARED_COUNT_MAX {
            shared.clear();
        }
        let node = self.nodes.node(level, index)?;
        shared.insert((level, index), node);
        Ok(node)
    }

    fn subtree(&self, range: Range<u64>) -> Result<Hash, Self::Error> {
        if range.end != self.size {
            return merkle::range_root(self, range);
        }
        let known = self.right_edge.borrow().get(&range.start).copied();
        if let Some(root) = known {
            return Ok(root);
        }
        let root = merkle::range_root(self, range.clone())?;
        self.right_edge.borrow_mut().insert(range.start, root);
        Ok(root)
    }
}

/// The nodes of a log, some of which are listed in groups.
struct ListedNodes<'g> {
    groups: &'g Groups,
    others: &'g Prover<'g>,
}

impl Nodes for ListedNodes<'_> {
    type Error = ReadTileError<ArchiveError>;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        match self.groups.node(level, index) {
            Some(node) => Ok(node),
            None => self.others.node(level, index),
        }
    }

    fn subtree(&self, range: Range<u64>) -> Result<Hash, Self::Error> {
        if range.end == self.others.size { self.others.subtree(range) } else { merkle::range_root(self, range) }
    }
}

/// Reads entries one after another: each bundle of statements once, and records where they follow one another.
pub struct Reader<'a> {
    log: &'a Log<'a>,
    bundle: Option<(u64, Vec<Vec<u8>>)>,
    records: Sequence,
}

impl Reader<'_> {
    /// Reads an entry, quickly when it follows the one before.
    ///
    /// # Errors
    /// As [`Log::entry`].
    #[expect(clippy::missing_panics_doc, reason = "a position in a bundle is below 256")]
    pub fn entry(&mut self, index: u64) -> Result<Entry, ReadError> {
        let (bundle, position) = (index / u64::from(WIDTH_MAX), index % u64::from(WIDTH_MAX));
        let statements = match &mut self.bundle {
            Some((held, statements)) if *held == bundle => statements,
            other => &mut other.insert((bundle, self.log.archive.statements(bundle, self.log.size)?)).1,
        };
        let statement = statements.get(usize::try_from(position).expect("below 256"));
        let statement = statement.ok_or(ArchiveError::OutsideLog { index, size: self.log.size })?;
        let Self { log, records, .. } = self;
        log.read(index, statement, |record| match records.read(record)? {
            Some(bytes) => Ok(bytes),
            None => log.record_bytes(index, record),
        })
    }
}

impl Reader<'_> {
    /// Returns where the record lies that was read last, where that is known.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.records.place()
    }
}

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ReadError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error("cannot prove that the log grew from size {size}: {reason}")]
    Consistency { size: u64, reason: String },
    #[error(transparent)]
    Id(#[from] IdError),
    #[error("cannot prove entry {index}")]
    Inclusion { index: u64, source: Box<MakeInclusionError<ReadTileError<ArchiveError>>> },
    #[error("no record of this log has SHA-256 {record}")]
    NoRecord { record: Hash },
    #[error("entry {index} is not a document")]
    NotDocument { index: u64 },
    #[error("entry 0 is not a genesis record")]
    NotGenesis,
    #[error("entry {index} is named as a key record and is none, or is one too many")]
    NotKeyRecord { index: u64 },
    #[error("`{found}` is not of this archive, whose ids begin with `{expected}`")]
    OtherArchive { expected: String, found: String },
    #[error("the record of entry {index} says that it is entry {found}")]
    OtherIndex { index: u64, found: u64 },
    #[error("there is no `{asked}`; that entry is `{found}`")]
    OtherKind { asked: String, found: String },
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error("record of entry {index}")]
    Record { index: u64, source: RecordError },
    #[error("statement of entry {index}")]
    Statement { index: u64, source: StatementError },
    #[error("the archive's keys")]
    Succession(#[from] SuccessionError),
    #[error("the archive has no checkpoint yet")]
    Unpublished,
    #[error("the record of entry {index} was {}", withdrawn.words())]
    Withdrawn { index: u64, withdrawn: Box<Withdrawn> },
}
