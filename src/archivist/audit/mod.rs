//! Audit: everything in an archive checked, each damaged thing named, and what it costs.
//!
//! An audit reads every byte that a checkpoint promises: each blob is decompressed and hashed (`blobs`), each
//! tile computed anew from the entries (`tree`), each statement's signature checked and each record compared
//! with those before it (`entry`, `histories`), and the checkpoint's signatures checked. It takes no lock, needs no
//! index and changes nothing.
//!
//! There are two severities. *Damage* is whatever is not as it was promised; an archive with any is not clean.
//! A *note* costs nothing: derived files that can be made again, what a crash left (`journal`), files of others.
//!
//! An audit may look at a part ([`Extent`]), be interrupted and go on ([`Watch`]), and be signed to be kept
//! ([`write_signed`]). What it did not look at it says.
//!
//! What an audit cannot see: an archive whose checkpoint, tiles and packs were all put back to an earlier state
//! is whole in itself. The newest checkpoint in the keyring shows it, and so do witnesses.

mod anchors;
mod blobs;
mod checkpoint;
mod course;
mod entry;
mod extent;
mod failure;
pub(super) mod files;
mod histories;
mod journal;
mod leaning;
mod looked;
mod report;
mod signed;
mod tree;
mod withdrawn;

pub mod foreign;

pub use course::Watch;
pub use extent::{Extent, PARTS, Sample, Share};
pub use foreign::audit_foreign;
pub use looked::Looked;
pub use report::{AuditReport, Damage, LISTED_COUNT_MAX};
pub use signed::{NAMESPACE, SignedReportError, write_signed};

use std::collections::HashSet;

use super::progress::Progress;

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::evidence::endorsement::EndorsementBytes;
use crate::evidence::record::Genesis;
use crate::evidence::verify::Trust;
use crate::log::policy::Policy;
use crate::outside::archive::{Archive, CreatedFile};
use crate::outside::keys::{Keyring, KeysError};
use crate::timestamp::authorities::Authorities;
use crate::timestamp::opentimestamps::blocks::Blocks;

use blobs::Blobs;
use course::Course;
use entry::Founding;
use extent::Selection;
use histories::Histories;
use journal::Awaited;
use tree::Tree;
use withdrawn::Withdrawals;

/// What the auditor knows from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Whose word is enough.
    pub policy: Option<Policy>,
    /// Which timestamp authorities are trusted.
    pub authorities: Authorities,
    /// Who may say which organisation somebody is.
    pub organisations: Authorities,
    /// Who is known to vouch for logs.
    pub endorsements: Vec<EndorsementBytes>,
    /// Which blocks are known to be Bitcoin's.
    pub blocks: Blocks,
    /// The newest checkpoint that the archive's keys have signed.
    pub newest_checkpoint: Option<Vec<u8>>,
    /// How old the archive may be beside it.
    pub age: Age,
}

/// How old an archive may be beside the newest checkpoint that its keys have signed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Age {
    /// As old as that: where it promises less, something is lost.
    #[default]
    Newest,
    /// Older: it is a backup or a mirror.
    Older,
}

impl Known {
    /// Takes what a keyring knows, which may be nothing.
    ///
    /// # Errors
    /// A [`KeysError`] when a file of it is there and cannot be read.
    pub fn of(keyring: &Keyring) -> Result<Self, KeysError> {
        Ok(Self {
            policy: keyring.policy()?,
            authorities: keyring.authorities()?,
            organisations: keyring.organisations()?,
            endorsements: keyring.endorsements()?,
            blocks: keyring.blocks()?,
            newest_checkpoint: keyring.newest_checkpoint()?,
            age: Age::Newest,
        })
    }

    /// Says whose word is enough.
    #[must_use]
    pub fn trust(&self) -> Trust<'_> {
        let (policy, authorities, blocks) = (self.policy.as_ref(), Some(&self.authorities), Some(&self.blocks));
        let (organisations, endorsements) = (Some(&self.organisations), self.endorsements.as_slice());
        Trust { policy, authorities, blocks, later: None, organisations, endorsements }
    }
}

/// Checks everything in an archive.
#[must_use]
pub fn audit(archive: &Archive, known: &Known, progress: &dyn Progress) -> AuditReport {
    audit_extent(archive, known, &Extent::default(), &Watch::of(progress))
}

/// Checks as much of an archive as is asked for; what was not looked at is said in the report.
#[must_use]
pub fn audit_extent(archive: &Archive, known: &Known, extent: &Extent, watch: &Watch<'_>) -> AuditReport {
    let mut count = 1;
    loop {
        let before = archive.packs().segments().unwrap_or_default();
        let report = audit_once(archive, known, extent, watch);
        let after = archive.packs().segments().unwrap_or_default();
        let is_rewritten = before.iter().any(|segment| !after.contains(segment));
        // Segments went while they were read, because something was withdrawn: what seems lost may lie elsewhere.
        if report.is_clean() || !is_rewritten || count == AGAIN_COUNT_MAX {
            return report;
        }
        count += 1;
    }
}

/// How often an audit begins again when segments were rewritten under it.
const AGAIN_COUNT_MAX: usize = 10;

fn audit_once(archive: &Archive, known: &Known, extent: &Extent, watch: &Watch<'_>) -> AuditReport {
    audit_in_full(archive, known, extent, watch).report
}

/// What an audit found, for those who repair it.
#[derive(Default)]
pub(super) struct Audited {
    pub(super) report: AuditReport,
    /// Where the members lie that are not the blob that they say: segment and offset.
    pub(super) failed: HashSet<(u32, u64)>,
    /// Where they lie among those that are withheld.
    pub(super) failed_apart: HashSet<(u32, u64)>,
    /// The blobs that records name and no pack holds whole.
    pub(super) lost: Vec<Hash>,
}

/// Checks as much of an archive as is asked for, and says where the damaged members lie.
pub(super) fn audit_in_full(archive: &Archive, known: &Known, extent: &Extent, watch: &Watch<'_>) -> Audited {
    let progress = watch.progress;
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
        return Audited { report, ..Audited::default() };
    }
    let signed = checkpoint::read(checkpoint_bytes.as_deref(), &mut report);
    // Without a checkpoint the log is as long as the journal says, or else as its files are.
    let size_without = awaited.as_ref().map_or(on_disk, Awaited::size);
    let size = signed.as_ref().map_or(size_without, |signed| signed.checkpoint().size);
    let selection = Selection::of(extent, archive, size, &mut report);
    report.looked.since = extent.since;
    report.looked.seed = extent.sample.map(|sample| sample.seed);
    let mut course = Course::begin(watch, &archive.settings().origin, &extent.words());
    let blobs = Blobs::check(archive.packs(), &selection, &mut course, &mut report, progress);
    let unwatched = Watch { is_interrupted: watch.is_interrupted, ..Watch::nobody() };
    let mut apart_course = Course::begin(&unwatched, &archive.settings().origin, &extent.words());
    let apart = Blobs::check(&archive.withheld(), &selection, &mut apart_course, &mut report, progress);
    report.looked.total = report.blobs;
    if report.looked.is_interrupted {
        course.keep();
        for (hash, found) in blobs.damaged() {
            report.damage(format!("blob {hash}"), found, "it was not found out what it is for");
        }
        return Audited { report, ..Audited::default() };
    }
    let (founding, genesis) = Founding::read(archive, &blobs, size, &mut report);
    if let Some(signed) = &signed {
        checkpoint::check_signatures(signed, founding.succession.as_ref(), known.policy.as_ref(), &mut report);
        if let Some(newest) = &known.newest_checkpoint {
            checkpoint::check_newest(signed, newest, known.age, founding.succession.as_ref(), &mut report);
        }
        if signed.checkpoint().origin.as_str() != founding.origin {
            let found = format!("it is of the log `{}`, expected `{}`", signed.checkpoint().origin, founding.origin);
            report.damage("checkpoint", found, "it promises nothing of this archive");
        }
    }
    check_settings(archive, genesis.as_ref(), &founding, &mut report);

    let act = progress.begin("checking entries", Some(size));
    let mut tree = Tree::new(archive, size, checkpoint_bytes);
    let in_journal = awaited.as_ref().map(|awaited| awaited.statements(archive)).unwrap_or_default();
    let withdrawals = Withdrawals::read(archive, &blobs, size, &in_journal).of_age(archive, known.age);
    let mut histories = Histories::new(archive, &blobs, size, founding, withdrawals).since(extent.since);
    for bundle in 0..tree.bundle_count() {
        let kept = tree.bundle(bundle, &mut report);
        histories.take(&kept, &mut report);
        act.advance(u64::try_from(kept.len()).unwrap_or_default());
    }
    check_root(&tree, signed.as_ref().map(|signed| signed.checkpoint().root), &mut report);
    anchors::check(archive, size, std::mem::take(&mut histories.named), known.trust(), &mut report);
    let lost = histories.finish(&apart, &mut report);
    let mut unnamed: Vec<_> = blobs.damaged().filter(|(hash, _)| lost.binary_search(hash).is_err()).collect();
    unnamed.sort_unstable();
    for (_, found) in unnamed {
        report.note(format!("{found}; no record names that blob"));
    }
    files::check(archive.folder(), size, &mut report);
    if known.age == Age::Newest {
        files::check_index(archive.folder(), &mut report); // A copy has none.
    }
    course.end();
    if let Some(awaited) = awaited {
        awaited.excuse(archive, &blobs, &mut report);
    }
    Audited { report, failed: blobs.failed(), failed_apart: apart.failed(), lost }
}

fn check_root(tree: &Tree<'_>, promised: Option<Hash>, report: &mut AuditReport) {
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
    if !settings.retention.is_empty() {
        let names: Vec<&str> = settings.retention.iter().map(|rule| rule.name.as_str()).collect();
        report
            .note(format!("`archive.toml` has retention rules, the operator's own and unsigned: {}", names.join(", ")));
    }
    if !archive.is_as_created(CreatedFile::Readme).unwrap_or_default() {
        report.note("`README.md` is not as this version of the program writes it; it is for people alone");
    }
}
