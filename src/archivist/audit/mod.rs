//! Audit: everything in an archive checked, each damaged thing named, and what it costs.
//!
//! An audit reads every byte that a checkpoint promises: each blob is decompressed and hashed (`blobs`), each
//! tile computed anew from the entries (`tree`), each statement's signature checked and each record compared
//! with those before it (`records`), and the checkpoint's signatures checked. It takes no lock, needs no
//! index and changes nothing.
//!
//! There are two severities. *Damage* is whatever is not as it was promised; an archive with any is not clean.
//! A *note* costs nothing: derived files that can be made again, what a crash left (`journal`), files of others.
//!
//! What an audit cannot see: an archive whose checkpoint, tiles and packs were all put back to an earlier state
//! is whole in itself. The newest checkpoint in the keyring shows it, and so do witnesses.

mod blobs;
mod checkpoint;
mod files;
mod journal;
mod records;
mod report;
mod tree;

pub mod foreign;

pub use foreign::audit_foreign;
pub use report::{AuditReport, Damage, LISTED_COUNT_MAX};

use super::progress::Progress;

use crate::base::causes::with_causes;
use crate::evidence::record::Genesis;
use crate::log::policy::Policy;
use crate::outside::archive::{Archive, CreatedFile};
use crate::outside::keys::{Keyring, KeysError};

use blobs::Blobs;
use journal::Awaited;
use records::{Founding, Histories};
use tree::Tree;

/// What the auditor knows from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Whose word is enough.
    pub policy: Option<Policy>,
    /// The newest checkpoint that the archive's keys have signed.
    pub newest_checkpoint: Option<Vec<u8>>,
}

impl Known {
    /// Takes what a keyring knows, which may be nothing.
    ///
    /// # Errors
    /// A [`KeysError`] when a file of it is there and cannot be read.
    pub fn of(keyring: &Keyring) -> Result<Self, KeysError> {
        Ok(Self { policy: keyring.policy()?, newest_checkpoint: keyring.newest_checkpoint()? })
    }
}

/// Checks everything in an archive.
#[must_use]
pub fn audit(archive: &Archive, known: &Known, progress: &dyn Progress) -> AuditReport {
    let mut report = AuditReport::default();
    let checkpoint_bytes = match archive.checkpoint() {
        Ok(bytes) => bytes,
        Err(error) => {
            report.note(with_causes(&error));
            None
        }
    };
    let awaited = Awaited::read(archive, known.newest_checkpoint.as_deref(), &mut report);
    let on_disk = files::size_on_disk(archive.folder());
    if checkpoint_bytes.is_none() && on_disk == 0 && known.newest_checkpoint.is_none() {
        report.note("the archive has no entries yet");
        return report;
    }
    let signed = checkpoint::read(checkpoint_bytes.as_deref(), &mut report);
    let blobs = Blobs::check(archive.packs(), &mut report, progress);
    // Without a checkpoint the log is as long as the journal says, or else as its files are.
    let size_without = awaited.as_ref().map_or(on_disk, Awaited::size);
    let size = signed.as_ref().map_or(size_without, |signed| signed.checkpoint().size);
    let (founding, genesis) = Founding::read(archive, &blobs, size);
    if let Some(signed) = &signed {
        checkpoint::check_signatures(signed, genesis.as_ref(), known.policy.as_ref(), &mut report);
        if let Some(newest) = &known.newest_checkpoint {
            checkpoint::check_newest(signed, newest, genesis.as_ref(), &mut report);
        }
        if signed.checkpoint().origin.as_str() != founding.origin {
            let found = format!("it is of the log `{}`, expected `{}`", signed.checkpoint().origin, founding.origin);
            report.damage("checkpoint", found, "it promises nothing of this archive");
        }
    }
    check_settings(archive, genesis.as_ref(), &founding, &mut report);

    let act = progress.begin("checking entries", Some(size));
    let mut tree = Tree::new(archive, size, checkpoint_bytes);
    let mut histories = Histories::new(archive, &blobs, size, founding);
    for bundle in 0..tree.bundle_count() {
        let kept = tree.bundle(bundle, &mut report);
        histories.take(&kept, &mut report);
        act.advance(u64::try_from(kept.len()).unwrap_or_default());
    }
    check_root(&tree, signed.as_ref().map(|signed| signed.checkpoint().root), &mut report);
    let lost = histories.finish(&mut report);
    let mut unnamed: Vec<_> = blobs.damaged().filter(|(hash, _)| lost.binary_search(hash).is_err()).collect();
    unnamed.sort_unstable();
    for (_, found) in unnamed {
        report.note(format!("{found}; no record names that blob"));
    }
    files::check(archive.folder(), size, &mut report);
    files::check_index(archive.folder(), &mut report);
    if let Some(awaited) = awaited {
        awaited.excuse(&mut report);
    }
    report
}

fn check_root(tree: &Tree<'_>, promised: Option<crate::base::hash::Hash>, report: &mut AuditReport) {
    match (tree.root(), promised) {
        (Some(found), Some(promised)) if found != promised => {
            let found = format!("it promises the root {promised}, and the entries give {found}");
            report.damage("checkpoint", found, "it is of another log than the entries: one of the two was exchanged");
        }
        (None, _) => report.note("the root cannot be computed, because an entry is lost"),
        _ => {}
    }
}

fn check_settings(archive: &Archive, genesis: Option<&Genesis>, founding: &Founding, report: &mut AuditReport) {
    let settings = archive.settings();
    if genesis.is_none() {
        report.damage("entry 0", "it cannot be read", "no signature of this archive can be checked by what it holds");
    }
    let cost = "no record is lost, but the program reads and names them wrongly until it is put right";
    if settings.origin != founding.origin {
        let found = format!("the origin `{}`, and entry 0 says `{}`", settings.origin, founding.origin);
        report.damage("archive.toml", found, cost);
    }
    if settings.prefix != founding.prefix {
        let found =
            format!("the prefix `{}`, and entry 0 says `{}`", settings.prefix.as_str(), founding.prefix.as_str());
        report.damage("archive.toml", found, cost);
    }
    if !archive.is_as_created(CreatedFile::Settings).unwrap_or_default() {
        report.note("`archive.toml` was edited: its origin and prefix were compared with entry 0, the rest cannot be");
    }
    if !archive.is_as_created(CreatedFile::Readme).unwrap_or_default() {
        report.note("`README.md` is not as this version of the program writes it; it is for people alone");
    }
}
