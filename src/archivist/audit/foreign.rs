//! Logs of others: any folder in the layout of C2SP tlog-tiles, checked from its tiles alone.
//!
//! What an entry means is for others to say. That the tree is whole, that it is the one whose root the
//! checkpoint signs, and that the entry bundles, where there are any, hold the entries of the tree, is arithmetic.

use std::path::Path;

use super::report::AuditReport;

use crate::archivist::progress::Progress;
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::log::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::log::merkle::leaf_hash;
use crate::log::note::NoteError;
use crate::log::tile::{Tile, TileEdge, TileKind, WIDTH_MAX, decode_entries, decode_hashes};
use crate::log::vkey::VerifierKey;
use crate::outside::archive::{ArchiveError, read_checkpoint, read_tile};

/// Checks a log that others made: its checkpoint's signatures by `keys`, and every tile.
#[must_use]
pub fn audit_foreign(folder: &Path, keys: &[VerifierKey], progress: &dyn Progress) -> AuditReport {
    let mut report = AuditReport::default();
    let signed = match read_checkpoint(folder) {
        Ok(Some(bytes)) => SignedCheckpoint::parse(&bytes).map_err(|error| with_causes(&error)),
        Ok(None) => Err("it is missing".to_owned()),
        Err(error) => Err(with_causes(&error)),
    };
    let signed = match signed {
        Ok(signed) => signed,
        Err(found) => {
            report.damage("checkpoint", found, "nothing says how long the log is");
            return report;
        }
    };
    check_signatures(&signed, keys, &mut report);
    let size = signed.checkpoint().size;
    let act = progress.begin("checking tiles", Some(size));
    let mut tree = Foreign { folder, size, edge: TileEdge::new(), has_entries: folder.join("tile/entries").is_dir() };
    for index in 0..size.div_ceil(u64::from(WIDTH_MAX)) {
        let Some(width) = tree.tile(index, &mut report) else {
            report.note("the tree above cannot be computed, because a tile of level 0 is lost");
            return report;
        };
        report.entries += width;
        act.advance(width);
    }
    let (found, promised) = (tree.edge.root(), signed.checkpoint().root);
    if found != promised {
        let found = format!("it promises the root {promised}, and the tiles give {found}");
        report.damage("checkpoint", found, "it is of another tree than the tiles");
    }
    if !tree.has_entries {
        report.note("there are no entry bundles: what the entries say is not here");
    }
    report
}

fn check_signatures(signed: &SignedCheckpoint, keys: &[VerifierKey], report: &mut AuditReport) {
    let origin = &signed.checkpoint().origin;
    match signed.verify(keys) {
        Ok(signers) if signers.iter().any(|signer| origin.is_name_of(signer.key)) => {}
        Ok(_) | Err(CheckpointError::Note(NoteError::NoKnownKey)) => {
            report.note(format!("none of the keys that were given vouches for the log `{origin}`"));
        }
        Err(error) => report.damage("checkpoint", with_causes(&error), "nobody vouches for the log's size and root"),
    }
}

struct Foreign<'f> {
    folder: &'f Path,
    size: u64,
    edge: TileEdge,
    has_entries: bool,
}

impl Foreign<'_> {
    /// Checks a tile of level 0, its entry bundle, and the tiles that end with it.
    fn tile(&mut self, index: u64, report: &mut AuditReport) -> Option<u64> {
        let of_tree = |kind| Tile::of_tree(kind, index, self.size).expect("the tile is within the log");
        let tile = of_tree(TileKind::Hashes { level: 0 });
        let bytes = self.read(&tile, report)?;
        let leaves = match decode_hashes(&bytes, tile.width()) {
            Ok(leaves) => leaves,
            Err(error) => {
                report.damage(tile, error, COST);
                return None;
            }
        };
        if self.has_entries {
            self.entries(&of_tree(TileKind::Entries), &leaves, report);
        }
        for (tile, expected) in self.edge.append(&leaves) {
            let is_final = Tile::of_tree(tile.kind(), tile.index(), self.size) == Ok(tile);
            if is_final && self.read(&tile, report).is_some_and(|found| found != expected) {
                report.damage(tile, "its hashes are not those of the tiles below it", COST);
            }
        }
        Some(u64::from(tile.width()))
    }

    fn entries(&self, tile: &Tile, leaves: &[Hash], report: &mut AuditReport) {
        let Some(bytes) = self.read(tile, report) else { return };
        let cost = "its entries are not those that the tree holds";
        match decode_entries(&bytes, tile.width()) {
            Err(error) => report.damage(tile, error, cost),
            Ok(entries) => {
                let differing = entries.iter().zip(leaves).filter(|(entry, leaf)| leaf_hash(entry) != **leaf).count();
                if differing > 0 {
                    report.damage(tile, format!("{differing} of {} entries have another hash", leaves.len()), cost);
                }
            }
        }
    }

    fn read(&self, tile: &Tile, report: &mut AuditReport) -> Option<Vec<u8>> {
        let found = match read_tile(self.folder, tile) {
            Ok(bytes) => return Some(bytes),
            Err(ArchiveError::Missing { .. }) => "it is missing".to_owned(),
            Err(error) => with_causes(&error),
        };
        report.damage(tile, found, COST);
        None
    }
}

const COST: &str = "what needs it cannot be proved";
