//! The tree: every statement, every entry and every hash tile of the log, against one another and the root.
//!
//! Three files say what an entry is: the statement (hashed), the entry bundle, and the level 0 tile. Where one
//! of them differs from the other two, it is the damaged one, and the tree above is computed from what the two
//! agree on. So one damaged file is named once, and not every file above it.
//!
//! | quantity | unit     | range                                             |
//! |----------|----------|---------------------------------------------------|
//! | memory   | tiles    | one of each kind, and the edge of the tree         |

use super::report::AuditReport;

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::log::merkle::{Frontier, leaf_hash};
use crate::log::tile::{Tile, TileEdge, TileKind, WIDTH_MAX, decode_entries, decode_hashes};
use crate::outside::archive::{Archive, ArchiveError};

/// The log's files, as one checkpoint promised them.
pub(super) struct Tree<'a> {
    archive: &'a Archive,
    size: u64,
    /// The checkpoint when the audit began: where it has changed since, a writer has removed partial tiles.
    checkpoint: Option<Vec<u8>>,
    edge: TileEdge,
    /// The same tree, for its root after every entry.
    frontier: Frontier,
    /// Whether every entry so far is known, so that the tree above can be computed.
    is_whole: bool,
}

/// One statement, when its bytes are what the tree holds.
pub(super) struct Kept {
    pub(super) index: u64,
    /// The root over the entries up to and including this one; nothing when one of them is lost.
    pub(super) root: Option<Hash>,
    pub(super) statement: Option<Vec<u8>>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(archive: &'a Archive, size: u64, checkpoint: Option<Vec<u8>>) -> Self {
        Self { archive, size, checkpoint, edge: TileEdge::new(), frontier: Frontier::new(), is_whole: true }
    }

    /// Returns how many bundles there are.
    pub(super) fn bundle_count(&self) -> u64 {
        self.size.div_ceil(u64::from(WIDTH_MAX))
    }

    /// Checks one bundle, in order from the first, and the tiles that end with it.
    pub(super) fn bundle(&mut self, bundle: u64, report: &mut AuditReport) -> Vec<Kept> {
        let tile = |kind| Tile::of_tree(kind, bundle, self.size).expect("the bundle is within the log");
        let (statements, entries, leaves) =
            (tile(TileKind::Statements), tile(TileKind::Entries), tile(TileKind::Hashes { level: 0 }));
        let statements_found = self.read(&statements, report).and_then(|bytes| {
            let owned = |entries: Vec<&[u8]>| entries.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
            decoded(&statements, decode_entries(&bytes, statements.width()).map(owned), report)
        });
        let entries_found = self.read(&entries, report).and_then(|bytes| {
            let read = decode_entries(&bytes, entries.width());
            let hashes = |found: Vec<&[u8]>| found.iter().map(|entry| Hash::from_slice(entry).ok()).collect::<Vec<_>>();
            decoded(&entries, read.map(hashes), report)
        });
        // That the level 0 tile is damaged is said when it is compared with what is computed.
        let quiet = &mut AuditReport::default();
        let leaves_found = self.read(&leaves, quiet).and_then(|bytes| decode_hashes(&bytes, leaves.width()).ok());

        let mut kept = Vec::new();
        let mut tree_leaves = Vec::new();
        let mut damaged_entries = 0_usize;
        let first = bundle * u64::from(WIDTH_MAX);
        for position in 0..usize::from(statements.width()) {
            let index = first + u64::try_from(position).expect("below 256");
            let statement = statements_found.as_ref().map(|found| found[position].clone());
            let hashed = statement.as_deref().map(|statement| leaf_hash(Hash::of(statement).as_bytes()));
            let entry = entries_found.as_ref().and_then(|found| found[position]);
            let entry = entry.map(|entry| leaf_hash(entry.as_bytes()));
            let leaf = leaves_found.as_ref().map(|found| found[position]);
            let agreed = agreed([hashed, entry, leaf]);
            damaged_entries += usize::from(entries_found.is_some() && entry != agreed);
            let is_kept = hashed.is_some() && hashed == agreed;
            if hashed.is_some() && !is_kept {
                let found = "it is not the statement whose hash the tree holds";
                report.damage(format!("entry {index} in {statements}"), found, statement_cost(index, index + 1));
            }
            self.is_whole &= agreed.is_some();
            let tree_leaf = agreed.unwrap_or(Hash::from_bytes([0; 32]));
            tree_leaves.push(tree_leaf);
            self.frontier.push(tree_leaf);
            let root = self.root();
            kept.push(Kept { index, root, statement: statement.filter(|_| is_kept) });
        }
        if damaged_entries > 0 {
            let found = format!("{damaged_entries} of its entries differ from the statements and the tree");
            report.damage(entries, found, ENTRIES_COST);
        }
        let changed = self.edge.append(&tree_leaves);
        self.compare(changed, report);
        kept
    }

    /// Returns the root over the entries so far; nothing when one of them is lost.
    pub(super) fn root(&self) -> Option<Hash> {
        self.is_whole.then(|| self.frontier.root())
    }

    /// Compares the hash tiles that have their final width with those on disk.
    fn compare(&self, changed: Vec<(Tile, Vec<u8>)>, report: &mut AuditReport) {
        for (tile, expected) in changed {
            // A tile that grows on is compared when it has grown.
            if Tile::of_tree(tile.kind(), tile.index(), self.size) != Ok(tile) || !self.is_whole {
                continue;
            }
            let Some(found) = self.read(&tile, report) else { continue };
            if found.len() != expected.len() {
                let found = format!("{} bytes, expected {}", found.len(), expected.len());
                report.damage(tile, found, HASHES_COST);
                continue;
            }
            let pairs = found.chunks(Hash::SIZE_BYTES).zip(expected.chunks(Hash::SIZE_BYTES));
            let differing: Vec<usize> = pairs.enumerate().filter(|(_, (a, b))| a != b).map(|(n, _)| n).collect();
            if let Some(first) = differing.first() {
                let found = format!("{} hash(es), the first at {first}, are not those of the entries", differing.len());
                report.damage(tile, found, HASHES_COST);
            }
        }
    }

    fn read(&self, tile: &Tile, report: &mut AuditReport) -> Option<Vec<u8>> {
        let bytes = match self.archive.tile(tile) {
            Ok(bytes) => bytes,
            Err(error) => {
                let found = match error {
                    ArchiveError::Missing { .. } => "it is missing".to_owned(),
                    other => with_causes(&other),
                };
                report.damage(tile, found, cost(tile));
                return None;
            }
        };
        let is_there = self.archive.folder().join(tile.to_string()).exists();
        if !is_there && self.archive.checkpoint().ok().flatten() == self.checkpoint {
            report.damage(
                tile,
                "it is missing",
                "nothing is lost: a wider one holds it, which other programs do not ask for",
            );
        }
        Some(bytes)
    }
}

/// Returns what two of three agree on; failing that the tree's word, then the entry's, then the statement's.
fn agreed([hashed, entry, leaf]: [Option<Hash>; 3]) -> Option<Hash> {
    if hashed.is_some() && (hashed == entry || hashed == leaf) {
        return hashed;
    }
    leaf.or(entry).or(hashed)
}

fn decoded<T>(tile: &Tile, read: Result<T, crate::log::tile::TileError>, report: &mut AuditReport) -> Option<T> {
    read.map_err(|error| report.damage(tile, error, cost(tile))).ok()
}

const ENTRIES_COST: &str = "no record is lost: the file can be made again from the statements";
const HASHES_COST: &str = "no record is lost: the file can be made again from the entries, but until then nothing that needs it can be proved";

fn cost(tile: &Tile) -> String {
    let first = tile.index() * u64::from(WIDTH_MAX);
    match tile.kind() {
        TileKind::Statements => statement_cost(first, first + u64::from(tile.width())),
        TileKind::Entries => ENTRIES_COST.to_owned(),
        TileKind::Hashes { .. } => HASHES_COST.to_owned(),
    }
}

fn statement_cost(start: u64, end: u64) -> String {
    let entries = if end == start + 1 { format!("entry {start}") } else { format!("entries {start} to {}", end - 1) };
    format!("the signature of {entries} is lost, and with it which record it is")
}
