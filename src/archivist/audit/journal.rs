//! The journal: what was published and is not durable in its place yet.
//!
//! While a writer is at work, and after a crash until the next one, some files may not be what the checkpoint promises
//! although nothing is lost: the journal has it. Such damage is a note. What was in its place before the journal began
//! is damage as ever.

use super::report::{AuditReport, Damage};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::journal::Found;
use crate::log::tile::{Tile, WIDTH_MAX};
use crate::outside::archive::Archive;
use crate::outside::archive::journal;

/// What puts right what a crash cut short.
const REMEDY: &str = "`affiant init`, or any command that writes, puts it in its place";

/// What the journal will put right.
pub(super) struct Awaited {
    found: Found,
    /// Whether the published and the remembered checkpoint are of the journal's log.
    fits: bool,
}

impl Awaited {
    /// Reads the journal, if there is one.
    pub(super) fn read(archive: &Archive, newest: Option<&[u8]>, report: &mut AuditReport) -> Option<Self> {
        let found = match journal::read(archive.folder()) {
            Ok(found) => found.filter(|found| !found.commits.is_empty())?,
            Err(error) => {
                report.note(format!("{}: it is passed over here", with_causes(&error)));
                return None;
            }
        };
        let checkpoint = |bytes: &[u8]| SignedCheckpoint::parse(bytes).ok();
        let published = archive.checkpoint().ok().flatten();
        // A loss of power may leave anything in place of the checkpoint; what can be read must fit.
        let published = published.as_deref().and_then(checkpoint);
        let is_known = |signed: &SignedCheckpoint| {
            let checkpoint = signed.checkpoint();
            checkpoint.size < found.base.size || root_at(&found, checkpoint.size) == Some(checkpoint.root)
        };
        let fits = published.is_none_or(|signed| is_known(&signed))
            && newest.and_then(checkpoint).is_none_or(|signed| is_known(&signed));
        Some(Self { found, fits })
    }

    /// Returns how many entries the log has with the journal.
    pub(super) fn size(&self) -> u64 {
        self.found.size()
    }

    /// Turns the damage that the journal will put right into notes.
    pub(super) fn excuse(&self, report: &mut AuditReport) {
        let (count, size) = (self.found.commits.len(), self.found.size());
        report.note(format!(
            "the journal holds {count} publication(s), up to {size} entries: a writer is at work, or a crash came before \
             it ended, and then {REMEDY}"
        ));
        let (awaited, damage) = std::mem::take(&mut report.damage).into_iter().partition(|damage| self.awaits(damage));
        report.damage = damage;
        let awaited: Vec<Damage> = awaited;
        for Damage { thing, found, .. } in awaited {
            report.note(format!("{thing}: {found}; nothing is lost, the journal has it"));
        }
    }

    fn awaits(&self, damage: &Damage) -> bool {
        let (thing, base) = (damage.thing.as_str(), self.found.base.size);
        if !self.fits {
            return false;
        }
        if thing == "checkpoint" {
            return true;
        }
        if let Ok(tile) = thing.parse::<Tile>() {
            return Tile::of_tree(tile.kind(), tile.index(), base).is_ok_and(|tile| !tile.is_full())
                || Tile::of_tree(tile.kind(), tile.index(), base).is_err();
        }
        if let Some(entry) = thing.strip_prefix("entry ") {
            let index = entry.split(' ').next().and_then(|index| index.parse::<u64>().ok());
            // The bundle that the journal goes on with is read from its newest file.
            return index.is_some_and(|index| index >= base - base % u64::from(WIDTH_MAX));
        }
        let blob = thing.strip_prefix("blob ").and_then(|hash| hash.parse::<Hash>().ok());
        blob.is_some_and(|hash| self.holds(hash))
    }

    /// Says whether a member of a blob is in the journal: its map has the hash.
    fn holds(&self, hash: Hash) -> bool {
        let mut tails = self.found.commits.iter().filter_map(|commit| commit.pack.as_ref());
        tails.any(|tail| tail.bytes.windows(Hash::SIZE_BYTES).any(|bytes| bytes == hash.as_bytes()))
    }
}

/// Returns the root of the journal's log after one of its publications.
fn root_at(found: &Found, size: u64) -> Option<Hash> {
    let mut now = found.base.size;
    let mut root = found.base.root;
    for commit in &found.commits {
        if now == size {
            return Some(root);
        }
        (now, root) = (now + commit.count(), commit.root);
    }
    (now == size).then_some(root)
}
