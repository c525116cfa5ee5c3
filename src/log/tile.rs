//! Tiles: the tree, its entries and its statements as files that never change once full.
//!
//! A tree of 70,000 entries has 273 full tiles at level 0 and, at its right edge:
//!
//! ```text
//! tile/0/273.p/112          112 leaf hashes
//! tile/1/000                256 roots of full level 0 tiles
//! tile/1/001.p/17           17 of them
//! tile/2/000.p/1            the root of tile/1/000
//! tile/entries/273.p/112    the entries of tile/0/273.p/112
//! tile/statements/273.p/112 their statements, laid out as the entries are
//! ```
//!
//! | quantity   | unit                          | range                         |
//! |------------|-------------------------------|-------------------------------|
//! | level      | times 8 levels of the tree    | 0 … 7                         |
//! | index      | tiles of one level, from 0    | 0 … 2⁵⁶ − 1                   |
//! | width      | hashes or entries             | 1 … 256                       |
//! | hash tile  | bytes                         | 32 × width                    |
//! | entry      | bytes, after a 2-byte length  | 0 … 65,535                    |
//!
//! Rules. A hash tile holds the roots of `width` consecutive subtrees of 256^level entries and nothing
//! else. An entry bundle holds each entry after its length as two bytes, the high one first. The index is
//! written in groups of three digits, all but the last with an `x` before them; a tile that is not full
//! ends in `.p/` and its width. A tile of width 0 does not exist, and a tile that is not full has no
//! hash in the level above.
//!
//! To verify a folder of tiles against a checkpoint:
//! 1. The size in the checkpoint says which tiles there are and how wide ([`tiles`]).
//! 2. Each entry's leaf hash is the hash at its place in level 0.
//! 3. Each full tile's [`full_root`] is the hash at its place in the level above.
//! 4. The root over the right edge ([`crate::log::merkle::root`] over [`TileNodes`]) is the checkpoint's.
//!
//! Source: C2SP tlog-tiles. Stricter: levels above 7 are refused, since no 64-bit size has them.
//! `statements` is ours; the specification asks that other encodings have paths of their own.
//! Pure: where the files lie and how they are read is for the caller. A host may have dropped a partial
//! tile for the full one, whose first hashes are the same: the caller's reader then gives those.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use crate::base::hash::Hash;
use crate::log::merkle::{self, Nodes, node_hash};

/// How many hashes or entries a full tile has.
pub const WIDTH_MAX: u16 = 256;

/// How many levels of the tree one tile spans.
const TILE_HEIGHT: u8 = 8;

/// The highest level of tiles that a tree of 64-bit size has.
pub const LEVEL_MAX: u8 = 7;

/// The longest path that is read: `tile/statements/`, seven groups of four and a width take 49 bytes.
pub const PATH_BYTES_MAX: usize = 64;

/// The longest entry bundle that is read: 256 entries of 65,535 bytes with their lengths.
pub const BUNDLE_BYTES_MAX: usize = 256 * (2 + 65_535);

/// What a tile holds.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TileKind {
    /// Hashes of subtrees of 256^level entries.
    Hashes {
        /// The level, 0 for leaf hashes.
        level: u8,
    },
    /// The entries of a level 0 tile.
    Entries,
    /// The statements whose hashes are the entries.
    Statements,
}

impl TileKind {
    /// Returns how many hashes or entries of this kind a tree of `size` entries has.
    #[must_use]
    pub fn count(self, size: u64) -> u64 {
        match self {
            Self::Hashes { level } => size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0),
            Self::Entries | Self::Statements => size,
        }
    }
}

/// Which part of the tree a file holds. Its text is its path.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl Tile {
    /// Names the tile that the tree of `size` entries has at `index`.
    ///
    /// # Errors
    /// [`TileError::OutsideTree`] when the tree has no such tile.
    pub fn of_tree(kind: TileKind, index: u64, size: u64) -> Result<Self, TileError> {
        let outside = TileError::OutsideTree { kind, index, size };
        let start = index.checked_mul(u64::from(WIDTH_MAX)).ok_or(outside.clone())?;
        let rest = kind.count(size).saturating_sub(start);
        match u16::try_from(rest).map_or(WIDTH_MAX, |rest| rest.min(WIDTH_MAX)) {
            0 => Err(outside),
            width => Ok(Self { kind, index, width }),
        }
    }

    /// Returns what the tile holds.
    #[must_use]
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Returns the tile's position in its level.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Returns how many hashes or entries the tile has.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Tells whether the tile has all its 256 hashes or entries and will never change.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == WIDTH_MAX
    }

    /// Returns the same tile when it holds `width` hashes or entries.
    #[must_use]
    pub fn with_width(&self, width: u16) -> Self {
        Self { width, ..*self }
    }

    /// Returns the tile that this one becomes once it is full.
    #[must_use]
    pub fn full(&self) -> Self {
        Self { width: WIDTH_MAX, ..*self }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Statements => f.write_str("tile/statements/")?,
        }
        let digits = self.index.to_string();
        let digits = format!("{:0>1$}", digits, digits.len().next_multiple_of(3));
        for start in (0..digits.len() - 3).step_by(3) {
            write!(f, "x{}/", &digits[start..start + 3])?;
        }
        f.write_str(&digits[digits.len() - 3..])?;
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for Tile {
    type Err = TileError;

    fn from_str(path: &str) -> Result<Self, TileError> {
        let not_path = || TileError::NotPath { found: path.chars().take(PATH_BYTES_MAX).collect() };
        if path.len() > PATH_BYTES_MAX {
            return Err(not_path());
        }
        let rest = path.strip_prefix("tile/").ok_or_else(not_path)?;
        let (kind, rest) = rest.split_once('/').ok_or_else(not_path)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            "statements" => TileKind::Statements,
            level => TileKind::Hashes { level: level.parse().ok().filter(|n| *n <= LEVEL_MAX).ok_or_else(not_path)? },
        };
        let (groups, width) = match rest.split_once(".p/") {
            Some((groups, width)) => (groups, width.parse().ok().filter(|n| (1..WIDTH_MAX).contains(n))),
            None => (rest, Some(WIDTH_MAX)),
        };
        let digits: String = groups.split('/').map(|group| group.trim_start_matches('x')).collect();
        let index = digits.parse().ok().filter(|n| *n <= u64::MAX / u64::from(WIDTH_MAX)).ok_or_else(not_path)?;
        let tile = Self { kind, index, width: width.ok_or_else(not_path)? };
        // Numbers have many spellings, a tile has one: whatever was read must be what we would write.
        if tile.to_string() != path {
            return Err(not_path());
        }
        Ok(tile)
    }
}

/// Lists every hash tile of a tree of `size` entries, level by level; `entries` and `statements` have
/// the tiles of level 0.
pub fn tiles(size: u64) -> impl Iterator<Item = Tile> {
    tiles_changed(0, size)
}

/// Lists the hash tiles that are new or wider once a tree of `old_size` entries has grown to `new_size`.
pub fn tiles_changed(old_size: u64, new_size: u64) -> impl Iterator<Item = Tile> {
    (0..=LEVEL_MAX).flat_map(move |level| tiles_changed_of(TileKind::Hashes { level }, old_size, new_size))
}

/// Lists the tiles of one kind that are new or wider once a tree has grown.
pub fn tiles_changed_of(kind: TileKind, old_size: u64, new_size: u64) -> impl Iterator<Item = Tile> {
    let (old_count, new_count) = (kind.count(old_size), kind.count(new_size));
    let first = old_count / u64::from(WIDTH_MAX);
    let end = if new_count > old_count { new_count.div_ceil(u64::from(WIDTH_MAX)) } else { first };
    (first..end).filter_map(move |index| Tile::of_tree(kind, index, new_size).ok())
}

/// Writes a hash tile.
#[must_use]
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// Reads a hash tile of a known width.
///
/// # Errors
/// [`TileError::WrongLength`].
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileError> {
    let expected = usize::from(width) * Hash::SIZE_BYTES;
    if bytes.len() != expected {
        return Err(TileError::WrongLength { found: bytes.len(), expected });
    }
    let (hashes, _) = bytes.as_chunks();
    Ok(hashes.iter().copied().map(Hash::from_bytes).collect())
}

/// Writes an entry bundle.
///
/// # Errors
/// [`TileError::EntryTooLong`] or [`TileError::TooManyEntries`].
pub fn encode_entries<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, TileError> {
    if entries.len() > usize::from(WIDTH_MAX) {
        return Err(TileError::TooManyEntries { found: entries.len() });
    }
    let mut bytes = Vec::new();
    for (position, entry) in entries.iter().map(AsRef::as_ref).enumerate() {
        let length =
            u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong { position, found: entry.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// Reads an entry bundle of a known width.
///
/// # Errors
/// [`TileError::BundleCutOff`] or [`TileError::TrailingBytes`] say at which byte.
pub fn decode_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(TileError::TrailingBytes { at: BUNDLE_BYTES_MAX });
    }
    let mut entries = Vec::new();
    let mut rest = bytes;
    for _ in 0..width {
        let cut_off = || TileError::BundleCutOff { at: bytes.len() - rest.len() };
        let (length, after) = rest.split_first_chunk().ok_or_else(cut_off)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or_else(cut_off)?;
        entries.push(entry);
        rest = after;
    }
    match rest.len() {
        0 => Ok(entries),
        left => Err(TileError::TrailingBytes { at: bytes.len() - left }),
    }
}

/// Computes what stands for a full tile in the level above.
///
/// # Errors
/// [`TileError::WrongLength`] when the tile is not full.
pub fn full_root(bytes: &[u8]) -> Result<Hash, TileError> {
    Ok(row_root(decode_hashes(bytes, WIDTH_MAX)?))
}

/// Joins neighbours into the root above them all; one that ends its level alone rises unchanged.
///
/// # Panics
/// For no neighbours at all.
#[must_use]
pub fn row_root(mut row: Vec<Hash>) -> Hash {
    while row.len() > 1 {
        let parents = row.len().div_ceil(2);
        for parent in 0..parents {
            let left = row[2 * parent];
            row[parent] = row.get(2 * parent + 1).map_or(left, |right| node_hash(left, *right));
        }
        row.truncate(parents);
    }
    row[0]
}

/// The right edge of a growing tree as tiles: takes leaf hashes, gives the files to write.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TileEdge {
    size: u64,
    /// The hashes of each level's last tile, so far as it is not full; level 0 first.
    rows: Vec<Vec<Hash>>,
}

impl TileEdge {
    /// Starts the tree without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a tree of `size` entries where it was left, from the bytes of its partial tiles.
    ///
    /// # Errors
    /// [`ReadTileError`] when a partial tile cannot be read or is not as wide as the size says.
    pub fn resume<E>(size: u64, read: impl Fn(&Tile) -> Result<Vec<u8>, E>) -> Result<Self, ReadTileError<E>> {
        let mut rows = Vec::new();
        for level in 0..=LEVEL_MAX {
            let kind = TileKind::Hashes { level };
            let count = kind.count(size);
            if count == 0 {
                break;
            }
            rows.push(match Tile::of_tree(kind, count / u64::from(WIDTH_MAX), size) {
                Ok(partial) => read_hashes(&partial, &read)?,
                Err(_) => Vec::new(), // The last tile of this level is full: the next hash starts a new one.
            });
        }
        Ok(Self { size, rows })
    }

    /// Returns how many entries the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Computes the root.
    #[must_use]
    pub fn root(&self) -> Hash {
        let right_of = |right: Option<Hash>, row: &Vec<Hash>| {
            let row: Vec<Hash> = row.iter().copied().chain(right).collect();
            (!row.is_empty()).then(|| row_root(row))
        };
        // What lies below a level is less than one of its hashes, so it stands to the right of them all.
        self.rows.iter().fold(None, right_of).unwrap_or_else(merkle::empty_root)
    }

    /// Appends leaf hashes and returns every hash tile that is new or wider, in the order to write.
    pub fn append(&mut self, leaves: &[Hash]) -> Vec<(Tile, Vec<u8>)> {
        let old_size = self.size;
        let mut changed = Vec::new();
        for leaf in leaves {
            self.push(*leaf, &mut changed);
        }
        for (level, row) in (0..=LEVEL_MAX).zip(&self.rows) {
            let kind = TileKind::Hashes { level };
            let (old_count, count) = (kind.count(old_size), kind.count(self.size));
            if count > old_count
                && let Ok(width @ 1..) = u16::try_from(row.len())
            {
                changed.push((Tile { kind, index: count / u64::from(WIDTH_MAX), width }, encode_hashes(row)));
            }
        }
        changed
    }

    fn push(&mut self, leaf: Hash, full: &mut Vec<(Tile, Vec<u8>)>) {
        self.size = merkle::grown(self.size);
        let mut hash = leaf;
        for level in 0..=LEVEL_MAX {
            if self.rows.len() <= usize::from(level) {
                self.rows.push(Vec::new());
            }
            let row = &mut self.rows[usize::from(level)];
            row.push(hash);
            if row.len() < usize::from(WIDTH_MAX) {
                return;
            }
            let row = std::mem::take(row);
            let kind = TileKind::Hashes { level };
            let index = kind.count(self.size) / u64::from(WIDTH_MAX) - 1;
            full.push((Tile { kind, index, width: WIDTH_MAX }, encode_hashes(&row)));
            hash = row_root(row);
        }
    }
}

/// The nodes of a tree of known size, read from its tiles.
///
/// It keeps the tile it read last, because a proof asks for neighbours in turn. What it reads is not
/// verified: whoever makes a proof from it verifies that proof.
pub struct TileNodes<R> {
    size: u64,
    read: R,
    last: RefCell<Option<(Tile, Vec<Hash>)>>,
}

impl<R, E> TileNodes<R>
where
    R: Fn(&Tile) -> Result<Vec<u8>, E>,
{
    /// Serves the nodes of the tree of `size` entries whose tiles `read` gives.
    pub fn new(size: u64, read: R) -> Self {
        Self { size, read, last: RefCell::new(None) }
    }
}

impl<R, E> Nodes for TileNodes<R>
where
    R: Fn(&Tile) -> Result<Vec<u8>, E>,
{
    type Error = ReadTileError<E>;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let (kind, rise) = (TileKind::Hashes { level: level / TILE_HEIGHT }, level % TILE_HEIGHT);
        let outside = || ReadTileError::Tile(TileError::OutsideTree { kind, index, size: self.size });
        // The node joins 2^rise hashes of one tile, since 256 is a multiple of that.
        let start = index.checked_mul(1 << rise).ok_or_else(outside)?;
        let tile = Tile::of_tree(kind, start / u64::from(WIDTH_MAX), self.size).map_err(ReadTileError::Tile)?;
        let first = usize::try_from(start % u64::from(WIDTH_MAX)).expect("below 256");

        let mut last = self.last.borrow_mut();
        let row = match &mut *last {
            Some((held, row)) if *held == tile => row,
            other => &mut other.insert((tile, read_hashes(&tile, &self.read)?)).1,
        };
        let hashes = row.get(first..first + (1 << rise)).ok_or_else(outside)?;
        Ok(row_root(hashes.to_vec()))
    }
}

fn read_hashes<E>(tile: &Tile, read: &impl Fn(&Tile) -> Result<Vec<u8>, E>) -> Result<Vec<Hash>, ReadTileError<E>> {
    let bytes = read(tile).map_err(|source| ReadTileError::Read { tile: *tile, source })?;
    decode_hashes(&bytes, tile.width).map_err(|source| ReadTileError::Damaged { tile: *tile, source })
}

/// Why a path or some bytes are not a tile.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum TileError {
    #[error("byte {at}: the entry bundle ends within an entry")]
    BundleCutOff { at: usize },
    #[error("entry {position} of the bundle has {found} bytes, more than 65535")]
    EntryTooLong { position: usize, found: usize },
    #[error("`{found}` is not a path such as `tile/0/x001/067.p/8`")]
    NotPath { found: String },
    #[error("a tree of {size} entries has no {kind:?} tile or node {index}")]
    OutsideTree { kind: TileKind, index: u64, size: u64 },
    #[error("{found} entries are more than a bundle's {WIDTH_MAX}")]
    TooManyEntries { found: usize },
    #[error("byte {at}: bytes follow the last entry of the bundle")]
    TrailingBytes { at: usize },
    #[error("the tile has {found} bytes, expected {expected}")]
    WrongLength { found: usize, expected: usize },
}

/// Why a node could not be read from tiles.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ReadTileError<E> {
    #[error("`{tile}` is damaged")]
    Damaged { tile: Tile, source: TileError },
    #[error("`{tile}` could not be read")]
    Read { tile: Tile, source: E },
    #[error("no such tile")]
    Tile(#[source] TileError),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::log::consistency::ConsistencyProof;
    use crate::log::inclusion::InclusionProof;
    use crate::log::merkle::tests::{leaves, root_by_definition};
    use crate::log::merkle::{Frontier, leaf_hash, root};

    fn tile(path: &str) -> Tile {
        path.parse().unwrap()
    }

    /// A folder of tiles, as a log keeps it.
    #[derive(Default)]
    struct Folder(BTreeMap<Tile, Vec<u8>>);

    impl Folder {
        fn read(&self, tile: &Tile) -> Result<Vec<u8>, &'static str> {
            self.0.get(tile).cloned().ok_or("no such file")
        }
    }

    #[test]
    fn has_the_tiles_of_the_published_examples() {
        let paths: Vec<String> = tiles(70_000).map(|tile| tile.to_string()).collect();
        assert_eq!(paths.len(), 273 + 4);
        assert_eq!(paths[0], "tile/0/000");
        assert_eq!(paths[273..], ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(tiles(256).collect::<Vec<_>>(), [tile("tile/0/000"), tile("tile/1/000.p/1")]);
        assert_eq!(tiles(0).count(), 0);
        let at_1234067 = Tile::of_tree(TileKind::Entries, 1_234_067, u64::MAX).unwrap();
        assert_eq!(at_1234067.to_string(), "tile/entries/x001/x234/067");
    }

    #[test]
    fn every_path_reads_back() {
        let top = TileKind::Hashes { level: LEVEL_MAX };
        let kinds = [TileKind::Hashes { level: 0 }, top, TileKind::Entries, TileKind::Statements];
        let widths = kinds.into_iter().flat_map(|kind| [1, 9, 10, 255, 256].map(|width| (kind, width)));
        for (kind, width) in widths {
            for index in [0, 1, 999, 1_000, 999_999, 1_000_000, 1_234_067, u64::MAX >> 8] {
                let tile = Tile { kind, index, width };
                assert_eq!(tile.to_string().parse(), Ok(tile));
                assert!(tile.to_string().len() <= PATH_BYTES_MAX);
            }
        }
    }

    #[test]
    fn rejects_any_other_spelling() {
        let cases = [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile//0/000",
            "tile/00/000",
            "tile/+0/000",
            "tile/8/000",
            "tile/256/000",
            "tile/-1/000",
            "tile/records/000",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/001",
            "tile/0/xx001/234",
            "tile/0/001/234",
            "tile/0/x001/x234",
            "tile/0/x001/23",
            "tile/0/1234",
            "tile/0/+01",
            "tile/0/0 1",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/000.p/256",
            "tile/0/000.p/257",
            "tile/0/000.p/65536",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/../000",
            "tile/0/x072/x057/x594/x037/x927/936",
            "tile/0/x072/x057/x594/x037/x927/x935/x000/x000/x000/x000/x000/000",
            "tile/0/x٣٣٣/000",
        ];
        for path in cases {
            assert_eq!(path.parse::<Tile>(), Err(TileError::NotPath { found: path.chars().take(64).collect() }));
        }
    }

    #[test]
    fn lists_exactly_the_tiles_whose_width_differs() {
        let sizes = [0, 1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 131_072];
        for old in sizes {
            for new in sizes.into_iter().filter(|new| *new >= old) {
                let before: Vec<Tile> = tiles(old).collect();
                let expected: Vec<Tile> = tiles(new).filter(|tile| !before.contains(tile)).collect();
                assert_eq!(tiles_changed(old, new).collect::<Vec<_>>(), expected, "{old} to {new}");
            }
        }
        assert_eq!(tiles_changed(300, 200).count(), 0, "a log that shrinks has nothing to write");
        let largest: Vec<String> = tiles_changed(u64::MAX - 1, u64::MAX).map(|tile| tile.to_string()).collect();
        assert_eq!(largest, ["tile/0/x072/x057/x594/x037/x927/935.p/255"]);
    }

    #[test]
    fn an_edge_writes_the_tiles_of_the_definition() {
        let leaves = leaves(66_000);
        let mut folder = Folder::default();
        let mut edge = TileEdge::new();
        // Steps that stop at, before and after full tiles of both levels.
        for size in [0, 1, 2, 255, 256, 257, 600, 65_279, 65_280, 65_535, 65_536, 65_537, 66_000] {
            let old = edge.size();
            let start = usize::try_from(old).unwrap();
            let mut changed = edge.append(&leaves[start..size]);
            changed.sort();
            let wide = u64::try_from(size).unwrap();
            let mut expected: Vec<Tile> = tiles_changed(old, wide).collect();
            expected.sort();
            assert_eq!(changed.iter().map(|(tile, _)| *tile).collect::<Vec<_>>(), expected, "{old} to {size}");
            folder.0.extend(changed);
            assert_eq!(TileEdge::resume(wide, |tile| folder.read(tile)), Ok(edge.clone()), "{size}");
            assert_eq!(edge.root(), root_by_definition(&leaves[..size]), "{size}");
            let nodes = TileNodes::new(wide, |tile| folder.read(tile));
            assert_eq!(root(&nodes, wide), Ok(root_by_definition(&leaves[..size])), "{size}");
        }
        let full = &folder.0[&tile("tile/0/255")];
        assert_eq!(full_root(full), Ok(root_by_definition(&leaves[255 * 256..256 * 256])));
        assert_eq!(folder.0[&tile("tile/1/000")][255 * 32..], *full_root(full).unwrap().as_bytes());
    }

    #[test]
    fn an_edge_has_the_root_of_the_definition_at_every_size() {
        let leaves = leaves(600);
        let mut edge = TileEdge::new();
        for (size, leaf) in leaves.iter().enumerate() {
            assert_eq!(edge.root(), root_by_definition(&leaves[..size]), "{size}");
            edge.append(&[*leaf]);
        }
    }

    #[test]
    fn proofs_from_tiles_hold() {
        let leaves = leaves(66_000);
        let size = 66_000;
        let folder = Folder(TileEdge::new().append(&leaves).into_iter().collect());
        let nodes = TileNodes::new(size, |tile| folder.read(tile));
        let mut frontier = Frontier::new();
        let mut old_roots = BTreeMap::new();
        for leaf in &leaves {
            frontier.push(*leaf);
            old_roots.insert(frontier.size(), frontier.root());
        }
        let root = frontier.root();
        for index in [0, 1, 255, 256, 257, 65_279, 65_280, 65_535, 65_536, 65_999] {
            let proof = InclusionProof::make(&nodes, index, size).unwrap();
            assert_eq!(proof.verify(leaves[usize::try_from(index).unwrap()], root), Ok(()), "{index}");
            let old_size = index + 1;
            let proof = ConsistencyProof::make(&nodes, old_size, size).unwrap();
            assert_eq!(proof.verify(old_roots[&old_size], root), Ok(()), "{old_size}");
        }
    }

    #[test]
    fn names_the_tile_that_is_missing_or_damaged() {
        let mut folder = Folder(TileEdge::new().append(&leaves(300)).into_iter().collect());
        let gone = tile("tile/0/001.p/44");
        let bytes = folder.0.remove(&gone).unwrap();
        let make = |folder: &Folder| {
            let nodes = TileNodes::new(300, |tile| folder.read(tile));
            nodes.node(0, 299)
        };
        assert_eq!(make(&folder), Err(ReadTileError::Read { tile: gone, source: "no such file" }));
        folder.0.insert(gone, bytes[1..].to_vec());
        let source = TileError::WrongLength { found: 44 * 32 - 1, expected: 44 * 32 };
        assert_eq!(make(&folder), Err(ReadTileError::Damaged { tile: gone, source }));
        folder.0.insert(gone, bytes);
        let nodes = TileNodes::new(300, |tile| folder.read(tile));
        for (level, index) in [(0, 300), (8, 1), (9, 0), (63, 0), (64, 0), (255, 0), (0, u64::MAX), (7, u64::MAX)] {
            assert!(matches!(nodes.node(level, index), Err(ReadTileError::Tile(_))), "{level} {index}");
        }
    }

    #[test]
    fn entry_bundles_read_back_and_nothing_else_does() {
        let entries: Vec<Vec<u8>> = vec![b"".to_vec(), b"ab".to_vec(), vec![7; 65_535]];
        let bytes = encode_entries(&entries).unwrap();
        assert_eq!(bytes[..6], [0, 0, 0, 2, b'a', b'b']);
        assert_eq!(decode_entries(&bytes, 3).unwrap(), entries);
        assert_eq!(decode_entries(&bytes, 2), Err(TileError::TrailingBytes { at: 6 }));
        assert_eq!(decode_entries(&bytes, 4), Err(TileError::BundleCutOff { at: bytes.len() }));
        assert_eq!(decode_entries(&bytes[..bytes.len() - 1], 3), Err(TileError::BundleCutOff { at: 6 }));
        assert_eq!(decode_entries(&[0], 1), Err(TileError::BundleCutOff { at: 0 }));
        assert_eq!(decode_entries(&[], 0), Ok(vec![]));
        assert_eq!(encode_entries(&[vec![0; 65_536]]), Err(TileError::EntryTooLong { position: 0, found: 65_536 }));
        assert_eq!(encode_entries(&vec![b""; 257]), Err(TileError::TooManyEntries { found: 257 }));
        let full = encode_entries(&vec![leaf_hash(b"").as_bytes(); 256]).unwrap();
        assert_eq!(decode_entries(&full, 256).unwrap().len(), 256);
    }
}
