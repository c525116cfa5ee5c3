//! Growth: the right edge of the tree, where entries are appended.
//!
//! What was there at one size is read once and checked. Then statements are appended in memory, and the tiles that have
//! changed are taken as the bytes of their files. Nothing is written here: the writer puts them in their places, and an audit
//! compares what a journal that awaits replay would put there.
//!
//! | quantity | unit  | range                                                                    |
//! |----------|-------|--------------------------------------------------------------------------|
//! | memory   | tiles | one of each level, and the last bundle of statements and that of entries |

use super::{Archive, ArchiveError};

use crate::base::hash::Hash;
use crate::log::merkle::{Frontier, Nodes as _, leaf_hash};
use crate::log::tile::{Tile, TileEdge, TileKind, WIDTH_MAX, encode_entries};

/// The right edge of a tree that grows.
pub struct Growth {
    frontier: Frontier,
    edge: TileEdge,
    statements: Bundle,
    entries: Bundle,
    /// The leaves since the tiles were taken last.
    leaves: Vec<Hash>,
}

impl Growth {
    /// Reads the edge of the tree of `size` entries.
    ///
    /// # Errors
    /// An [`ArchiveError`] that says which part of it is missing or damaged.
    pub fn at(archive: &Archive, size: u64) -> Result<Self, ArchiveError> {
        let nodes_error = |source| ArchiveError::Nodes(Box::new(source));
        let frontier = Frontier::resume(&archive.nodes(size), size).map_err(nodes_error)?;
        let edge = TileEdge::resume(size, |tile| archive.tile(tile)).map_err(nodes_error)?;
        let width = u64::from(WIDTH_MAX);
        let statements =
            if size.is_multiple_of(width) { Vec::new() } else { archive.statements(size / width, size)? };
        check_statements(archive, &statements, size)?;
        let entries: Vec<Hash> = statements.iter().map(|statement| Hash::of(statement)).collect();
        let entries: Vec<&[u8; 32]> = entries.iter().map(Hash::as_bytes).collect();
        Ok(Self {
            frontier,
            edge,
            statements: Bundle::new(TileKind::Statements, size, &statements),
            entries: Bundle::new(TileKind::Entries, size, &entries),
            leaves: Vec::new(),
        })
    }

    /// Returns how many entries the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Returns the root over all of them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Compares the root with the one that somebody says the tree has.
    ///
    /// # Errors
    /// [`ArchiveError::OtherJournal`].
    pub fn expect_root(&self, expected: Hash) -> Result<(), ArchiveError> {
        let (size, found) = (self.size(), self.root());
        if found == expected { Ok(()) } else { Err(ArchiveError::OtherJournal { size, expected, found: Some(found) }) }
    }

    /// Appends a statement.
    pub fn append(&mut self, statement: &[u8]) {
        let entry = Hash::of(statement);
        self.statements.push(statement);
        self.entries.push(entry.as_bytes());
        let leaf = leaf_hash(entry.as_bytes());
        self.frontier.push(leaf);
        self.leaves.push(leaf);
    }

    /// Takes the tiles that have changed since the last time.
    pub fn take_changed(&mut self) -> Vec<(Tile, Vec<u8>)> {
        let bundles = [&mut self.statements, &mut self.entries].into_iter().flat_map(Bundle::take_changed);
        let hashes = self.edge.append(&std::mem::take(&mut self.leaves));
        bundles.chain(hashes).collect()
    }
}

/// The last bundle, so far as it is not full, as the bytes of its file.
struct Bundle {
    kind: TileKind,
    index: u64,
    width: u16,
    bytes: Vec<u8>,
    full: Vec<(Tile, Vec<u8>)>,
    is_changed: bool,
}

impl Bundle {
    fn new<E: AsRef<[u8]>>(kind: TileKind, size: u64, entries: &[E]) -> Self {
        let bytes = encode_entries(entries).expect("they were read from a bundle");
        let index = size / u64::from(WIDTH_MAX);
        let width = u16::try_from(entries.len()).expect("they were read from a bundle");
        Self { kind, index, width, bytes, full: Vec::new(), is_changed: false }
    }

    fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(&encode_entries(&[entry]).expect("statements and hashes are short"));
        self.width += 1;
        self.is_changed = true;
        if self.width == WIDTH_MAX {
            let tile = self.tile();
            self.full.push((tile, std::mem::take(&mut self.bytes)));
            (self.index, self.width, self.is_changed) = (self.index + 1, 0, false);
        }
    }

    fn take_changed(&mut self) -> Vec<(Tile, Vec<u8>)> {
        let mut changed = std::mem::take(&mut self.full);
        if std::mem::take(&mut self.is_changed) {
            changed.push((self.tile(), self.bytes.clone()));
        }
        changed
    }

    fn tile(&self) -> Tile {
        let size = self.index * u64::from(WIDTH_MAX) + u64::from(self.width);
        Tile::of_tree(self.kind, self.index, size).expect("the size is that of the tile")
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
