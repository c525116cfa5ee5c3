//! The tree: statements, entries, hash tiles and the checkpoint, as a signed root holds them.
//!
//! The leaves are those of the backup, and behind them the archive's own where two of statement, entry and hash tile
//! agree. Of the checkpoints at hand (the archive's, the newest that the keyring remembers, the backup's) the one of the
//! greatest size whose root those leaves give is right; under it every tile is computed, and one that differs from what
//! lies on disk is the damaged one.

use super::{Healed, is_ahead};

use crate::archivist::audit::Known;
use crate::archivist::audit::files::size_on_disk;
use crate::archivist::follow::{FollowError, Pair};
use crate::archivist::progress::Progress;
use crate::archivist::read::{Log, ReadError};
use crate::archivist::succession::{newest_keys, own_keys};
use crate::base::hash::Hash;
use crate::log::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::log::merkle::{Frontier, leaf_hash};
use crate::log::tile::{Tile, TileEdge, TileKind, WIDTH_MAX, decode_entries, decode_hashes, encode_entries};
use crate::outside::archive::Archive;
use crate::outside::archive::replica::{Replica, Vital};

const WIDTH: u64 = 256;

/// Puts right what differs from the tree under the best checkpoint.
#[expect(clippy::too_many_arguments, reason = "one act, called once")]
pub(super) fn heal(
    archive: &Archive,
    backup: &Log<'_>,
    signed: &SignedCheckpoint,
    known: &Known,
    replica: &mut Replica,
    healed: &mut Healed,
    progress: &dyn Progress,
) -> Result<(), FollowError> {
    let candidates = candidates(archive, backup, signed, known)?;
    let leaves = Leaves { archive, backup };
    let Some(right) = leaves.choose(&candidates, progress) else {
        let why = "no signed checkpoint at hand has the root of the entries that lie here";
        healed.left.push(("the tree".to_owned(), why.to_owned()));
        return Ok(());
    };
    let published = archive.checkpoint()?;
    let here = published.as_deref().and_then(|bytes| candidates.iter().find(|one| one.encode() == bytes));
    let (size, on_disk) = (right.checkpoint().size, size_on_disk(archive.folder()));
    match here {
        Some(here) if here.checkpoint().size >= size => {}
        None if size < on_disk => {
            let why = format!(
                "the newest signed one at hand promises {size} entries and {on_disk} lie here: bring back the keyring \
                 that remembers a newer one"
            );
            healed.left.push(("checkpoint".to_owned(), why));
            return Ok(());
        }
        Some(here) if right == signed => {
            let Checkpoint { size: held_size, root: held_root, .. } = *here.checkpoint();
            let Checkpoint { size: found_size, root: found_root, .. } = *right.checkpoint();
            let pair = Pair { held_size, held_root, found_size, found_root };
            healed.left.push(("checkpoint".to_owned(), is_ahead(pair)));
            return Ok(());
        }
        _ => {}
    }
    let size = here.map_or(size, |here| here.checkpoint().size.max(size));
    leaves.tiles(size, replica, healed, progress)?;
    if here.is_none_or(|here| here.checkpoint().size < size) {
        replica.put_right(Vital::Checkpoint, &right.encode())?;
        healed.healed.push(format!("checkpoint: of size {size}"));
    }
    Ok(())
}

/// Collects the checkpoints that the log's keys have signed, without a word twice.
fn candidates(
    archive: &Archive,
    backup: &Log<'_>,
    signed: &SignedCheckpoint,
    known: &Known,
) -> Result<Vec<SignedCheckpoint>, FollowError> {
    let origin = &signed.checkpoint().origin;
    let succession = match backup.succession() {
        Err(ReadError::NotGenesis) => return Ok(vec![signed.clone()]),
        other => other?,
    };
    let mut candidates = vec![signed.clone()];
    for bytes in [archive.checkpoint()?, known.newest_checkpoint.clone()].into_iter().flatten() {
        let Ok(candidate) = SignedCheckpoint::parse(&bytes) else { continue };
        let size = candidate.checkpoint().size;
        // Keys may have changed behind the backup; what lies here says how, if it follows.
        let grown = Log::at(archive, size).succession().ok();
        let grown = grown.filter(|grown| size > backup.size() && grown.continues(&succession, backup.size() - 1));
        let keys = newest_keys(&own_keys(grown.as_ref().unwrap_or(&succession), &candidate));
        let signers = candidate.verify(&keys).map(|signers| signers.len());
        // Each of the log's keys must have signed, as an audit asks.
        if candidate.checkpoint().origin == *origin && signers == Ok(keys.len()) && !candidates.contains(&candidate) {
            candidates.push(candidate);
        }
    }
    Ok(candidates)
}

/// Where the leaves of the tree come from.
struct Leaves<'a> {
    archive: &'a Archive,
    backup: &'a Log<'a>,
}

/// An entry, as far as it is known.
#[derive(Clone)]
struct Entry {
    leaf: Hash,
    hash: Option<Hash>,
    statement: Option<Vec<u8>>,
}

impl Leaves<'_> {
    /// Returns the checkpoint of the greatest size whose root the leaves give.
    fn choose<'c>(&self, candidates: &'c [SignedCheckpoint], progress: &dyn Progress) -> Option<&'c SignedCheckpoint> {
        let mut by_size: Vec<&SignedCheckpoint> = candidates.iter().collect();
        by_size.sort_by_key(|one| std::cmp::Reverse(one.checkpoint().size));
        let mut computed: Option<(u64, Option<Hash>)> = None;
        for one in by_size {
            let Checkpoint { size, root, .. } = *one.checkpoint();
            let found = match computed {
                Some((computed, root)) if computed == size => root,
                _ => self.root(size, progress),
            };
            computed = Some((size, found));
            if found == Some(root) {
                return Some(one);
            }
        }
        None
    }

    /// Computes the root over the first `size` entries; nothing when one of them is lost.
    fn root(&self, size: u64, progress: &dyn Progress) -> Option<Hash> {
        let mut frontier = Frontier::new();
        let act = progress.begin("comparing entries", Some(size));
        for bundle in 0..size.div_ceil(WIDTH) {
            let entries: Option<Vec<Entry>> = self.bundle(bundle, size).into_iter().collect();
            entries?.iter().for_each(|entry| frontier.push(entry.leaf));
            act.advance(WIDTH);
        }
        (frontier.size() == size).then(|| frontier.root())
    }

    /// Writes every tile of the tree of `size` entries that is not on disk as it should be.
    fn tiles(
        &self,
        size: u64,
        replica: &mut Replica,
        healed: &mut Healed,
        progress: &dyn Progress,
    ) -> Result<(), FollowError> {
        let mut edge = TileEdge::new();
        let act = progress.begin("healing tiles", Some(size));
        let mut put = |replica: &mut Replica, tile: Tile, bytes: &[u8]| -> Result<(), FollowError> {
            if replica.put_right_tile(&tile, bytes)? {
                healed.healed.push(tile.to_string());
            }
            Ok(())
        };
        let mut lost = Vec::new();
        for bundle in 0..size.div_ceil(WIDTH) {
            let known: Vec<Entry> = self.bundle(bundle, size).into_iter().flatten().collect();
            let leaves: Vec<Hash> = known.iter().map(|known| known.leaf).collect();
            let is_final = |tile: &Tile| Tile::of_tree(tile.kind(), tile.index(), size) == Ok(*tile);
            for (tile, bytes) in edge.append(&leaves).into_iter().filter(|(tile, _)| is_final(tile)) {
                put(replica, tile, &bytes)?;
            }
            let of_tree = |kind| Tile::of_tree(kind, bundle, size).map_err(FollowError::Encoding);
            let entries: Vec<Hash> = known.iter().filter_map(|known| known.hash).collect();
            if entries.len() == known.len() {
                let entries: Vec<&[u8; 32]> = entries.iter().map(Hash::as_bytes).collect();
                put(replica, of_tree(TileKind::Entries)?, &encode_entries(&entries).map_err(FollowError::Encoding)?)?;
            }
            let statements: Vec<&Vec<u8>> = known.iter().filter_map(|known| known.statement.as_ref()).collect();
            if statements.len() == known.len() {
                let bytes = encode_entries(&statements).map_err(FollowError::Encoding)?;
                put(replica, of_tree(TileKind::Statements)?, &bytes)?;
            }
            let missing = (bundle * WIDTH..).zip(&known).filter(|(_, known)| known.statement.is_none());
            lost.extend(missing.map(|(index, _)| (index, of_tree(TileKind::Statements))));
            act.advance(WIDTH);
        }
        replica.settle()?;
        for (index, tile) in lost {
            let why = format!("it is newer than the backup, which has {} entries", self.backup.size());
            healed.left.push((format!("entry {index} in {}", tile?), why));
        }
        Ok(())
    }

    /// Returns what is known of each entry of a bundle of the tree of `size` entries.
    fn bundle(&self, bundle: u64, size: u64) -> Vec<Option<Entry>> {
        let first = bundle * WIDTH;
        let end = size.min(first + WIDTH);
        let mut known = Vec::new();
        if first < self.backup.size() {
            // A bundle that the backup has lost is the archive's own to give.
            for statement in self.backup.archive().statements(bundle, self.backup.size()).unwrap_or_default() {
                let entry = Hash::of(&statement);
                let leaf = leaf_hash(entry.as_bytes());
                known.push(Some(Entry { leaf, hash: Some(entry), statement: Some(statement) }));
            }
        }
        let count = usize::try_from(end.saturating_sub(first)).unwrap_or_default();
        if known.len() < count {
            let own = self.own(bundle, size);
            known.extend(own.into_iter().skip(known.len()));
        }
        known.truncate(count);
        known
    }

    /// Reads what the archive itself has, where two of three agree.
    fn own(&self, bundle: u64, size: u64) -> Vec<Option<Entry>> {
        let read = |kind| {
            let tile = Tile::of_tree(kind, bundle, size).ok()?;
            Some((tile.width(), self.archive.tile(&tile).ok()?))
        };
        let owned = |(width, bytes): (u16, Vec<u8>)| {
            let entries = decode_entries(&bytes, width).ok()?;
            Some(entries.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>())
        };
        let statements = read(TileKind::Statements).and_then(owned).unwrap_or_default();
        let entries = read(TileKind::Entries).and_then(owned).unwrap_or_default();
        let leaves = read(TileKind::Hashes { level: 0 })
            .and_then(|(width, bytes)| decode_hashes(&bytes, width).ok())
            .unwrap_or_default();
        let of = |at: usize| {
            let statement = statements.get(at);
            let hashed = statement.map(|statement| Hash::of(statement));
            let entry = entries.get(at).and_then(|entry| Hash::from_slice(entry).ok());
            let leaf = leaves.get(at).copied();
            let as_leaf = |entry: Option<Hash>| entry.map(|entry| leaf_hash(entry.as_bytes()));
            let votes = [as_leaf(hashed), as_leaf(entry), leaf];
            let agreed =
                votes.iter().flatten().find(|vote| votes.iter().filter(|one| *one == &Some(**vote)).count() > 1);
            let agreed = *agreed?;
            let is_agreed = |one: &Hash| leaf_hash(one.as_bytes()) == agreed;
            Some(Entry {
                leaf: agreed,
                hash: hashed.filter(is_agreed).or(entry.filter(is_agreed)),
                statement: statement.filter(|_| hashed.as_ref().is_some_and(is_agreed)).cloned(),
            })
        };
        (0..usize::from(WIDTH_MAX)).map(of).collect()
    }
}
