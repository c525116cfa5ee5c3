//! Restore: an archive from its backup, checked while it is copied.
//!
//! Nothing is overwritten: where an archive stands already, `heal` repairs it. A restore that was cut short goes on.
//! What the keyring remembers is the fence: where its keys have signed for more entries than the backup has, the restored
//! archive can be read, verified and bundled from, and the writer refuses to sign for it, because other entries would
//! then stand where some have been promised.

use std::path::Path;

use super::follow::{FollowError, Followed, Trust, follow};
use super::fork;
use super::progress::Progress;

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::fork::ForkProof;
use crate::log::merkle;
use crate::log::policy::Policy;
use crate::outside::archive::replica::{Standing, standing};
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::keys::{Keyring, KeysError};

/// An archive that was restored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Restored {
    /// What was copied.
    pub followed: Followed,
    /// What keeps the writer from signing for it.
    pub fence: Option<Fence>,
}

/// What keeps a writer from signing for an archive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fence {
    /// The keys have signed for more entries than there are.
    Behind {
        /// How many they have signed for.
        signed: u64,
        /// How many there are.
        held: u64,
    },
    /// The keys have signed another root.
    Contradicts {
        /// At which size.
        size: u64,
        /// What they have signed.
        signed: Hash,
        /// What there is.
        held: Hash,
        /// Where the proof lies, when both are signed.
        proof: Option<std::path::PathBuf>,
    },
}

/// Restores the archive in `folder` from `backup`.
///
/// # Errors
/// [`RestoreError::Follow`] with [`ArchiveError::Exists`] when there is an archive already.
pub fn restore(
    backup: &Archive,
    folder: &Path,
    keyring: &Keyring,
    now: Time,
    progress: &dyn Progress,
) -> Result<Restored, RestoreError> {
    if standing(backup, folder)? == Standing::Archive {
        return Err(ArchiveError::Exists { folder: folder.to_owned() }.into());
    }
    let policy: Option<Policy> = keyring.policy()?;
    let followed = follow(backup, folder, Trust::Own(policy.as_ref()), now, progress)?;
    let fence = fence(&Archive::open(folder)?, keyring)?;
    Ok(Restored { followed, fence })
}

/// Compares an archive with the newest checkpoint that its keys have signed.
///
/// # Errors
/// When a file cannot be read.
#[expect(clippy::missing_panics_doc, reason = "what contradicts was compared before")]
pub fn fence(archive: &Archive, keyring: &Keyring) -> Result<Option<Fence>, RestoreError> {
    let newest = keyring.newest_checkpoint()?.and_then(|bytes| SignedCheckpoint::parse(&bytes).ok());
    let published = archive.checkpoint()?.and_then(|bytes| SignedCheckpoint::parse(&bytes).ok());
    let (Some(newest), Some(published)) = (newest, published) else { return Ok(None) };
    let (signed, held) = (newest.checkpoint().clone(), published.checkpoint().clone());
    if signed.origin != held.origin {
        return Ok(None); // They are the keys of another archive.
    }
    if signed.size > held.size {
        return Ok(Some(Fence::Behind { signed: signed.size, held: held.size }));
    }
    let root =
        merkle::root(&archive.nodes(held.size), signed.size).map_err(|source| ArchiveError::Nodes(Box::new(source)))?;
    if root == signed.root {
        return Ok(None);
    }
    let is_proof = signed.size == held.size && held.root == root;
    let proof = is_proof.then(|| ForkProof::new(newest, published).expect("one log and size, two roots"));
    let proof = proof.map(|proof| fork::keep(keyring.folder(), &proof)).transpose().map_err(ArchiveError::from)?;
    Ok(Some(Fence::Contradicts { size: signed.size, signed: signed.root, held: root, proof }))
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum RestoreError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Follow(#[from] FollowError),
    #[error(transparent)]
    Keys(#[from] KeysError),
}
