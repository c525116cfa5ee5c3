//! The entries: each statement under the root, each record's blobs in the copy.

use super::{Copy, FollowError};

use crate::archivist::progress::Progress;
use crate::archivist::read::ReadError;
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::evidence::record::{Record, Visit};
use crate::evidence::statement::Statement;
use crate::log::checkpoint::Checkpoint;
use crate::log::merkle::leaf_hash;
use crate::log::tile::{Tile, TileEdge, TileKind, WIDTH_MAX, decode_entries, decode_hashes, encode_entries};
use crate::outside::archive::ArchiveError;
use crate::outside::archive::members::MemberReader;
use crate::outside::archive::packs::PackError;

impl Copy<'_> {
    /// Takes over the statements and computes the tree over them, from the held root to the new one.
    pub(super) fn entries(
        &mut self,
        held: Option<&Checkpoint>,
        new: &Checkpoint,
        progress: &dyn Progress,
    ) -> Result<(), FollowError> {
        let old_size = held.map_or(0, |held| held.size);
        let width = u64::from(WIDTH_MAX);
        let first = old_size / width;
        let mut edge = TileEdge::resume(first * width, |tile| self.replica.tile(tile))
            .map_err(|source| FollowError::Nodes(Box::new(source)))?;
        let mut reader = MemberReader::new(self.replica.packs())?;
        let act = progress.begin("checking entries", Some(new.size - old_size));
        for bundle in first..new.size.div_ceil(width) {
            let (statements, leaves) = self.bundle(bundle)?;
            let known = usize::try_from(old_size.saturating_sub(bundle * width)).unwrap_or(usize::MAX);
            if let Some(held) = held.filter(|_| bundle == first) {
                let mut at_held = edge.clone();
                at_held.append(&leaves[..known]);
                check_root(at_held.root(), held)?;
            }
            let is_final = |tile: &Tile| Tile::of_tree(tile.kind(), tile.index(), new.size) == Ok(*tile);
            for (tile, bytes) in edge.append(&leaves).into_iter().filter(|(tile, _)| is_final(tile)) {
                self.replica.put(&tile, &bytes)?;
            }
            let entries: Vec<Hash> = statements.iter().map(|statement| Hash::of(statement)).collect();
            let entries: Vec<&[u8; 32]> = entries.iter().map(Hash::as_bytes).collect();
            let tile = |kind| Tile::of_tree(kind, bundle, new.size).map_err(FollowError::Encoding);
            let encoded = encode_entries(&entries).map_err(FollowError::Encoding)?;
            self.replica.put(&tile(TileKind::Entries)?, &encoded)?;
            let encoded = encode_entries(&statements).map_err(FollowError::Encoding)?;
            self.replica.put(&tile(TileKind::Statements)?, &encoded)?;
            for (index, statement) in (bundle * width..).zip(&statements).skip(known) {
                self.record(index, statement, &mut reader)?;
                act.advance(1);
            }
        }
        check_root(edge.root(), new)?;
        Ok(self.replica.settle()?)
    }

    /// Reads a bundle of statements, and names the first that the tree does not hold.
    fn bundle(&self, bundle: u64) -> Result<(Vec<Vec<u8>>, Vec<Hash>), FollowError> {
        let statements = self.source.statements(bundle, self.size)?;
        let leaves: Vec<Hash> = statements.iter().map(|statement| leaf_hash(Hash::of(statement).as_bytes())).collect();
        let read = |kind| {
            let tile = Tile::of_tree(kind, bundle, self.size).ok()?;
            Some((tile.width(), self.source.tile(&tile).ok()?))
        };
        let tree = read(TileKind::Hashes { level: 0 }).and_then(|(width, bytes)| decode_hashes(&bytes, width).ok());
        let entries = read(TileKind::Entries).and_then(|(width, bytes)| {
            let hashes = decode_entries(&bytes, width).ok()?.into_iter().map(leaf_hash).collect::<Vec<_>>();
            Some(hashes)
        });
        if let (Some(tree), Some(entries)) = (tree, entries) {
            // Where the two others agree, the statement is the damaged one; the root says the rest.
            let differs = |at: &usize| leaves[*at] != tree[*at] && tree[*at] == entries[*at];
            if let Some(at) = (0..leaves.len()).find(differs) {
                let index = bundle * u64::from(WIDTH_MAX) + u64::try_from(at).unwrap_or_default();
                return Err(ArchiveError::OtherStatement { index }.into());
            }
        }
        Ok((statements, leaves))
    }

    /// Holds a record to the blobs that it names.
    fn record(&mut self, index: u64, statement: &[u8], reader: &mut MemberReader) -> Result<(), FollowError> {
        let statement = Statement::decode(statement).map_err(|source| ReadError::Statement { index, source })?;
        let packs = self.replica.packs();
        let subject = &statement.claim.subject;
        let hash = statement.claim.record;
        let read = match self.places.get(&hash) {
            Some((segment, offset)) => reader.read(*segment, *offset, hash),
            None => packs.read(hash),
        };
        let record = match read {
            Ok(bytes) => Record::decode(&bytes).map_err(|source| ReadError::Record { index, source })?,
            Err(PackError::Missing { .. }) if self.withdrawn.is_of(index, hash) => return Ok(()),
            Err(error) if error.is_loss() => {
                self.damaged.push(format!("the record of {subject}: {}", with_causes(&error)));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        for blob in record.body.visit().map(Visit::blobs).unwrap_or_default() {
            if !self.places.contains_key(&blob) && !self.withdrawn.is_of(index, blob) && !packs.contains(blob)? {
                self.damaged.push(format!("blob {blob} of {subject} is in no pack that can be read"));
            }
        }
        Ok(())
    }
}

fn check_root(found: Hash, checkpoint: &Checkpoint) -> Result<(), FollowError> {
    let Checkpoint { size, root, .. } = *checkpoint;
    if found == root { Ok(()) } else { Err(FollowError::WrongRoot { size, promised: root, found }) }
}
