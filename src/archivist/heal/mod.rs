//! Heal: exactly what is damaged in an archive, put right by the verified bytes of a backup or mirror.
//!
//! What is damaged is what an audit finds. Blobs are filled in where they lie (`blobs`), those that are withheld too, tiles
//! and statements are computed under a signed root (`tree`), and with them the checkpoint; anchors are taken that are missing
//! or damaged, and held to the tree by the audit at the end; `archive.toml` is the backup's when it cannot be read or
//! contradicts entry 0. Nothing else is written, each healed thing is named, and so is what cannot be healed, as an entry
//! that is newer than the backup. An audit at the end says what is left.
//!
//! The backup is held to its own checkpoint first, which the archive's keys must have signed, and a blob is taken from it
//! only when it is whole there. Damaged bytes are gone only when the healed ones are durable. A crash leaves what was
//! damaged damaged or healed, and healing again goes on.

mod blobs;
mod tree;

use std::path::Path;

use super::audit::{Audited, Extent, Known, Watch, audit, audit_in_full};
use super::follow::{FollowError, Pair, Trust, check_signatures};
use super::progress::Progress;
use super::read::Log;
use super::restore::RestoreError;

use crate::base::time::Time;
use crate::log::checkpoint::{Origin, SignedCheckpoint};
use crate::outside::archive::replica::{Replica, Vital};
use crate::outside::archive::{Archive, ArchiveError, CreatedFile};
use crate::outside::keys::Keyring;

/// What was healed, and what was not.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Healed {
    /// What was put right.
    pub healed: Vec<String>,
    /// What was not, and why.
    pub left: Vec<(String, String)>,
    /// Whether an audit finds no damage any more.
    pub is_clean: bool,
}

/// Heals the archive in `folder` from a backup or mirror of it.
///
/// # Errors
/// A [`RestoreError`] when the backup is of another log, is not signed, or a file cannot be read or written.
pub fn heal(
    folder: &Path,
    backup: &Archive,
    keyring: &Keyring,
    now: Time,
    progress: &dyn Progress,
) -> Result<Healed, RestoreError> {
    let known = Known::of(keyring)?;
    let (log, signed) = Log::published(backup).map_err(FollowError::from)?;
    check_signatures(&log, &signed, Trust::Own(known.policy.as_ref()))?;
    if !folder.join("tile").is_dir() && !folder.join("packs").is_dir() {
        return Err(ArchiveError::NotArchive { folder: folder.to_owned() }.into());
    }
    let mut replica = Replica::open(backup, folder, now)?;
    let mut healed = Healed::default();
    let archive = settings(folder, backup, &replica, &mut healed)?;
    let audited = audit_in_full(&archive, &known, &Extent::default(), &Watch::of(progress));
    blobs::heal(&archive, &log, &audited, &mut healed)?;
    blobs::heal_apart(&archive, &log, &audited, &mut healed)?;
    tree::heal(&archive, &log, &signed, &known, &mut replica, &mut healed, progress)?;
    anchors(backup, &audited, signed.checkpoint().size, &mut replica, &mut healed)?;
    drop(replica);
    let report = audit(&Archive::open(folder)?, &known, progress);
    healed.is_clean = report.is_clean();
    for damage in report.damage {
        let is_said = healed.left.iter().any(|(thing, _)| *thing == damage.thing);
        if !is_said {
            healed.left.push((damage.thing, format!("{}; the backup has nothing whole in its place", damage.found)));
        }
    }
    for (file, name) in [(CreatedFile::Readme, "README.md"), (CreatedFile::Settings, "archive.toml")] {
        if !archive.is_as_created(file)? {
            let why = "it is not as the program writes it, which may be damage or somebody's edit; nothing leans on it";
            healed.left.push((name.to_owned(), why.to_owned()));
        }
    }
    Ok(healed)
}

/// Takes the anchors that are missing, and those that the audit found damaged.
fn anchors(
    backup: &Archive,
    audited: &Audited,
    size: u64,
    replica: &mut Replica,
    healed: &mut Healed,
) -> Result<(), RestoreError> {
    let is_damaged = |path: &str| audited.report.damage.iter().any(|damage| damage.thing == path);
    let taken = replica.take_anchors(backup, size, &is_damaged)?;
    healed.healed.extend(taken);
    Ok(replica.sync_names()?)
}

/// Opens the archive, with the backup's settings where its own cannot be.
fn settings(folder: &Path, backup: &Archive, replica: &Replica, healed: &mut Healed) -> Result<Archive, RestoreError> {
    let there = backup.settings();
    let checkpoint = replica.checkpoint()?.and_then(|bytes| SignedCheckpoint::parse(&bytes).ok());
    let checkpoint = checkpoint.map(|signed| signed.checkpoint().origin.clone());
    let written = Archive::open(folder).ok().map(|archive| archive.settings().origin.clone());
    // Where settings and checkpoint both name another log, this is another archive, and not damage.
    let is_other = |origin: Option<&str>| origin.is_some_and(|origin| origin != there.origin);
    if let Some(held) = checkpoint
        && is_other(Some(held.as_str()))
        && (written.is_none() || is_other(written.as_deref()))
    {
        let found = Origin::new(&there.origin).map_err(FollowError::from)?;
        return Err(FollowError::OtherLog { folder: folder.to_owned(), held, found }.into());
    }
    let why = match Archive::open(folder) {
        Ok(archive) => {
            let here = archive.settings();
            if here.origin == there.origin && here.prefix == there.prefix {
                return Ok(archive);
            }
            "it named another log than its checkpoint"
        }
        Err(ArchiveError::NotArchive { .. }) => "it was missing",
        Err(ArchiveError::Settings { .. } | ArchiveError::Io { .. }) => "it could not be read",
        Err(error) => return Err(error.into()),
    };
    replica.put_right(Vital::Settings, &backup.settings_bytes()?)?;
    healed.healed.push(format!("archive.toml: {why}"));
    Ok(Archive::open(folder)?)
}

/// Says why a backup that is ahead of the archive heals nothing newer than that.
fn is_ahead(pair: Pair) -> String {
    format!("{pair}; what is newer is for a restore to another folder")
}
