//! Groups: the nodes of a full tile over sixteen of its hashes and more, and where the statements of each sixteen entries
//! begin, so that a reader of one entry need not hash whole tiles nor read a whole bundle.
//!
//! `index/nodes` has a row for each full tile of the two lowest levels, in the order in which the tiles become full: after
//! each 256 tiles of level 0 comes the one above them. A row has 1024 bytes.
//!
//! | part       | bytes   | what                                                                                        |
//! |------------|---------|---------------------------------------------------------------------------------------------|
//! | nodes      | 30 x 32 | those over 16, over 32, over 64 and over 128 neighbours of the tile, each in their order      |
//! | statements | 16 x 4  | at level 0, where the first statement of each sixteen begins in the tile's bundle, big-endian; else 0 |
//!
//! They are derived, written by the writer behind each publication, and nobody waits for them. Zeros stand where a tile
//! could not be read, and a loss of power may leave anything. A reader believes none: a proof that was made with such
//! nodes leads to the root of the log, and a statement that was found has the leaf's hash, or the tiles and the bundle
//! are read as if there were no row.

use std::cell::RefCell;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

use super::Archive;
use super::appending::Appending;
use super::disk::folder_of;
use super::durable::{self, WriteError};

use crate::base::hash::Hash;
use crate::log::merkle::{leaf_hash, node_hash};
use crate::log::tile::{Tile, TileKind, WIDTH_MAX, decode_hashes, row_root};
use crate::outside::positioned::read_exact_at;

const NAME: &str = "nodes";

/// How many neighbours a group has, how many groups a full tile has, and how far their nodes lie above the neighbours.
const COUNT: usize = 16;
const COUNT_U64: u64 = 16;
const RISE: u8 = 4;

/// How many hashes a full tile has, and how many levels of the tree.
const WIDTH: u64 = 256;
const HEIGHT: u8 = 8;

/// How many levels of tiles have rows. Of those above, the proofs of one log share what is hashed.
const LEVEL_COUNT: u8 = 2;

/// How many nodes of a tile are in its row: all those over a group or more, but for the one over all, which the tile above has.
const NODE_COUNT: usize = 30;

const NODE_BYTES: usize = Hash::SIZE_BYTES;
const OFFSET_BYTES: usize = 4;
const ROW_BYTES: usize = NODE_COUNT * NODE_BYTES + COUNT * OFFSET_BYTES;
const ROW_BYTES_U64: u64 = 1024;

/// How many bytes the hashes of a group have in their tile.
const GROUP_BYTES_U64: u64 = 512;

/// How many bytes the statements of a group have at most, with their lengths.
const STATEMENTS_BYTES_MAX: u64 = COUNT_U64 * (2 + 0xffff);

/// The rows, for the one process that writes.
pub struct GroupWriter {
    file: Appending,
    /// How many tiles have rows.
    count: u64,
}

impl GroupWriter {
    /// Opens the rows of an archive's first `size` entries; those that are missing are for [`GroupWriter::extend`].
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn open(archive: &Archive, size: u64) -> Result<Self, WriteError> {
        let path = path_in(archive);
        durable::make_folder(&folder_of(&path))?;
        let standing = path.metadata().map_or(0, |metadata| metadata.len()) / ROW_BYTES_U64;
        let count = standing.min(full_count(size));
        Ok(Self { file: Appending::open(&path, count * ROW_BYTES_U64)?, count })
    }

    /// Adds the rows of the tiles that are full in the published log of `size` entries.
    ///
    /// # Errors
    /// A [`WriteError`]: that the disk is full or fails.
    pub fn extend(&mut self, archive: &Archive, size: u64) -> Result<(), WriteError> {
        while self.count < full_count(size) {
            let row = row_of(archive, self.count).unwrap_or([0; ROW_BYTES]);
            self.file.append(&row)?;
            self.count += 1;
        }
        Ok(())
    }
}

/// Returns how many tiles of the two lowest levels are full in a log of `size` entries.
fn full_count(size: u64) -> u64 {
    size / WIDTH + size / (WIDTH * WIDTH)
}

/// Returns which tile becomes full after `count` others: its level and its number there.
fn tile_after(count: u64) -> (u8, u64) {
    match (count / (WIDTH + 1), count % (WIDTH + 1)) {
        (above, WIDTH) => (1, above),
        (above, below) => (0, above * WIDTH + below),
    }
}

/// Returns how many tiles become full before one does.
fn count_before(level: u8, tile: u64) -> u64 {
    if level == 0 { tile + tile / WIDTH } else { tile * (WIDTH + 1) + WIDTH }
}

/// Makes the row of the tile that becomes full after `count` others; nothing when it cannot be read.
fn row_of(archive: &Archive, count: u64) -> Option<[u8; ROW_BYTES]> {
    let (level, index) = tile_after(count);
    let read = |kind| archive.tile(&full_tile(kind, index)?).ok();
    let hashes = decode_hashes(&read(TileKind::Hashes { level })?, WIDTH_MAX).ok()?;
    let bundle = if level == 0 { Some(read(TileKind::Statements)?) } else { None };
    let mut row = [0; ROW_BYTES];
    let (nodes, offsets) = row.split_at_mut(NODE_COUNT * NODE_BYTES);
    for (node, listed) in nodes.as_chunks_mut::<NODE_BYTES>().0.iter_mut().zip(nodes_over(&hashes)) {
        *node = *listed.as_bytes();
    }
    if let Some(bundle) = bundle {
        let mut at = 0;
        for offset in offsets.as_chunks_mut::<OFFSET_BYTES>().0 {
            *offset = u32::try_from(at).ok()?.to_be_bytes();
            at = (0..COUNT).try_fold(at, |at, _| next_statement(&bundle, at))?;
        }
    }
    Some(row)
}

/// Returns the nodes of a row, those over a group first.
fn nodes_over(hashes: &[Hash]) -> Vec<Hash> {
    let mut nodes: Vec<Hash> = hashes.chunks(COUNT).map(|group| row_root(group.to_vec())).collect();
    // Each two have one above them; that of the last two is over all.
    for first in (0..NODE_COUNT - 2).step_by(2) {
        nodes.push(node_hash(nodes[first], nodes[first + 1]));
    }
    nodes
}

/// Returns which of a row's nodes is the one at a position among those that lie `rise` levels above the tile's hashes.
fn place_of(rise: u8, position: usize) -> Option<usize> {
    let count = 1_usize << HEIGHT.checked_sub(rise)?;
    (position < count).then(|| 2 * (COUNT - count) + position)
}

/// Returns the statement that begins at a byte of a bundle.
fn statement_at(bundle: &[u8], at: usize) -> Option<&[u8]> {
    let (length, rest) = bundle.get(at..)?.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

/// Returns where the statement begins that follows the one at a byte of a bundle.
fn next_statement(bundle: &[u8], at: usize) -> Option<usize> {
    statement_at(bundle, at).map(|statement| at + 2 + statement.len())
}

fn full_tile(kind: TileKind, index: u64) -> Option<Tile> {
    let level = if let TileKind::Hashes { level } = kind { level } else { 0 };
    Tile::of_tree(kind, index, index.checked_add(1)?.checked_mul(WIDTH.checked_pow(u32::from(level) + 1)?)?).ok()
}

fn path_in(archive: &Archive) -> PathBuf {
    archive.folder().join("index").join(NAME)
}

/// Reads rows, and the few bytes to which they lead.
pub struct GroupReader<'a> {
    archive: &'a Archive,
    rows: Option<File>,
    /// How many tiles are full.
    count: u64,
    /// The tile above the lowest level that was read last: entries that are asked for in turn are often below one.
    above: RefCell<Option<Rc<ListedTile>>>,
}

/// A full tile that has rows.
struct ListedTile {
    level: u8,
    index: u64,
    hashes: File,
    row: Row,
}

/// What is said of a full tile.
struct Row {
    nodes: Vec<Hash>,
    /// Where the statements of each group begin.
    statements: Vec<u64>,
}

/// The groups in which an entry is, one of each level of tiles that has rows, the lowest first.
pub struct Groups(Vec<Group>);

/// Sixteen neighbours of a full tile.
struct Group {
    /// Which group of its level it is.
    index: u64,
    hashes: Vec<Hash>,
    tile: Rc<ListedTile>,
}

impl<'a> GroupReader<'a> {
    /// Opens the rows of the log of `size` entries; where there are none, nothing is led to.
    #[must_use]
    pub fn open(archive: &'a Archive, size: u64) -> Self {
        let rows = File::open(path_in(archive)).ok();
        Self { archive, rows, count: full_count(size), above: RefCell::default() }
    }

    /// Reads the groups of the entry at `index`; nothing where the lowest has no row or cannot be read.
    #[must_use]
    pub fn read(&self, index: u64) -> Option<Groups> {
        let mut at = index;
        let groups: Vec<Group> = (0..LEVEL_COUNT)
            .map_while(|level| {
                let group = Group::read(self.tile(level, at / WIDTH)?, at / COUNT_U64);
                at /= WIDTH;
                group
            })
            .collect();
        (!groups.is_empty()).then_some(Groups(groups))
    }

    /// Opens a tile and reads its row, unless it is the one that was read last.
    fn tile(&self, level: u8, index: u64) -> Option<Rc<ListedTile>> {
        let mut above = self.above.borrow_mut();
        if let Some(held) = above.as_ref().filter(|held| (held.level, held.index) == (level, index)) {
            return Some(held.clone());
        }
        let at = Some(count_before(level, index)).filter(|at| *at < self.count)?;
        let mut row = [0; ROW_BYTES];
        read_exact_at(self.rows.as_ref()?, at * ROW_BYTES_U64, &mut row).ok()?;
        let hashes = self.open_tile(TileKind::Hashes { level }, index)?;
        let tile = Rc::new(ListedTile { level, index, hashes, row: Row::decode(&row) });
        if level > 0 {
            *above = Some(tile.clone());
        }
        Some(tile)
    }

    /// Reads the statement of the entry at `index`, which is in these groups: bytes that have its leaf's hash.
    #[must_use]
    pub fn statement(&self, groups: &Groups, index: u64) -> Option<Vec<u8>> {
        let (leaf, group) = (groups.node(0, index)?, groups.0.first()?);
        let bundle = self.open_tile(TileKind::Statements, index / WIDTH)?;
        let Range { start, end } = group.statements(&bundle)?;
        let size_bytes = end.checked_sub(start).filter(|size_bytes| *size_bytes <= STATEMENTS_BYTES_MAX)?;
        let mut bytes = vec![0; usize::try_from(size_bytes).ok()?];
        read_exact_at(&bundle, start, &mut bytes).ok()?;
        let at = (0..index % COUNT_U64).try_fold(0, |at, _| next_statement(&bytes, at))?;
        let statement = statement_at(&bytes, at)?;
        (leaf_hash(Hash::of(statement).as_bytes()) == leaf).then(|| statement.to_vec())
    }

    fn open_tile(&self, kind: TileKind, index: u64) -> Option<File> {
        File::open(self.archive.folder().join(full_tile(kind, index)?.to_string())).ok()
    }
}

impl Row {
    fn decode(row: &[u8; ROW_BYTES]) -> Self {
        let (nodes, offsets) = row.split_at(NODE_COUNT * NODE_BYTES);
        let offset = |bytes: &[u8; OFFSET_BYTES]| u64::from(u32::from_be_bytes(*bytes));
        Self {
            nodes: nodes.as_chunks().0.iter().copied().map(Hash::from_bytes).collect(),
            statements: offsets.as_chunks().0.iter().map(offset).collect(),
        }
    }
}

impl Group {
    /// Reads the group that has a number at the tile's level.
    fn read(tile: Rc<ListedTile>, index: u64) -> Option<Self> {
        let mut hashes = [[0; NODE_BYTES]; COUNT];
        let start = (index % COUNT_U64).checked_mul(GROUP_BYTES_U64)?;
        read_exact_at(&tile.hashes, start, hashes.as_flattened_mut()).ok()?;
        Some(Self { index, hashes: hashes.into_iter().map(Hash::from_bytes).collect(), tile })
    }

    /// Returns where its statements are said to lie in their bundle.
    fn statements(&self, bundle: &File) -> Option<Range<u64>> {
        let position = usize::try_from(self.index % COUNT_U64).ok()?;
        let statements = &self.tile.row.statements;
        let (start, next) = (*statements.get(position)?, statements.get(position + 1).copied());
        Some(start..next.map_or_else(|| bundle.metadata().ok().map(|metadata| metadata.len()), Some)?)
    }
}

impl Groups {
    /// Returns a node over some of the neighbours in a group, or over some of the groups in its tile.
    #[must_use]
    pub fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let (group, rise) = (self.0.get(usize::from(level / HEIGHT))?, level % HEIGHT);
        if rise < RISE {
            let start = usize::try_from((index << rise).checked_sub(group.index * COUNT_U64)?).ok()?;
            return group.hashes.get(start..start + (1 << rise)).map(|hashes| row_root(hashes.to_vec()));
        }
        let position = index.checked_sub(group.tile.index << (HEIGHT - rise))?;
        group.tile.row.nodes.get(place_of(rise, usize::try_from(position).ok()?)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::merkle::Nodes as _;
    use crate::outside::archive::growth::Growth;
    use crate::outside::archive::settings::Settings;

    /// One full tile of level 1, and two more of level 0 behind it.
    const SIZE: u64 = WIDTH * WIDTH + 2 * WIDTH + 9;

    fn statement_of(index: u64) -> Vec<u8> {
        vec![7; usize::try_from(index % 5).unwrap()].into_iter().chain(index.to_be_bytes()).collect()
    }

    /// Makes an archive that has the tiles of a log and nothing else.
    fn archive_of(folder: &std::path::Path, size: u64) -> Archive {
        let settings = "format = 1\norigin = \"affiant.example/log\"\nprefix = \"AF\"\n";
        let archive = Archive::create(folder, &Settings::parse(settings).unwrap()).unwrap();
        let mut growth = Growth::at(&archive, 0).unwrap();
        (0..size).for_each(|index| growth.append(&statement_of(index)));
        for (tile, bytes) in growth.take_changed() {
            durable::place(&folder.join(tile.to_string()), &bytes).unwrap();
        }
        archive
    }

    #[test]
    fn nodes_and_statements_are_those_of_the_tiles() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive_of(folder.path(), SIZE);
        for size in [300, 65_000, 65_535, 65_536, SIZE] {
            let mut writer = GroupWriter::open(&archive, size).unwrap(); // Opened anew each time.
            writer.extend(&archive, size).unwrap();
        }
        let (reader, nodes) = (GroupReader::open(&archive, SIZE), archive.nodes(SIZE));
        for index in [0, 1, 15, 16, 255, 256, 4095, 65_535, 65_536, 65_792, 66_047] {
            let groups = reader.read(index).unwrap();
            assert_eq!(reader.statement(&groups, index), Some(statement_of(index)), "{index}");
            let is_below = index < WIDTH * WIDTH;
            let both = |level: u8| [(level, index >> level), (level, index >> level ^ 1)];
            for (level, at) in (0..HEIGHT * LEVEL_COUNT).flat_map(both) {
                let listed = groups.node(level, at);
                assert_eq!(listed.is_some(), level < HEIGHT || is_below, "{index} {level}");
                assert!(listed.is_none_or(|listed| listed == nodes.node(level, at).unwrap()), "{index} {level}");
            }
        }
        assert!(reader.read(66_048).is_none(), "its tile is not full");
        assert!(GroupReader::open(&archive, 66_047).read(66_046).is_none(), "nor was it then");
    }

    #[test]
    fn what_is_of_another_log_is_cut_off_and_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive_of(folder.path(), 600);
        GroupWriter::open(&archive, 600).unwrap().extend(&archive, 600).unwrap();
        let whole = std::fs::read(path_in(&archive)).unwrap();
        assert_eq!(whole.len(), 2 * ROW_BYTES);
        GroupWriter::open(&archive, 300).unwrap();
        assert_eq!(std::fs::read(path_in(&archive)).unwrap(), whole[..ROW_BYTES]);
        durable::remove(&folder.path().join("tile/0/000")).unwrap();
        GroupWriter::open(&archive, 0).unwrap().extend(&archive, 600).unwrap();
        let anew = std::fs::read(path_in(&archive)).unwrap();
        assert_eq!(anew, [&[0; ROW_BYTES], &whole[ROW_BYTES..]].concat(), "a tile that cannot be read");
    }
}
