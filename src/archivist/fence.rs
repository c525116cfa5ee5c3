//! The fence: no older copy, no second copy and no other journal makes these keys sign another tree.
//!
//! What is compared before an archive is written. The keyring remembers the newest checkpoint it has
//! signed, at N entries; the journal, where there is one, ends at J entries, and the published checkpoint is at P:
//!
//! | found                      | how it came about                                     | what is done                       |
//! |----------------------------|-------------------------------------------------------|------------------------------------|
//! | N = P, no journal          | the archive rests                                     | nothing                            |
//! | N ≤ J, P ≤ J               | a crash; the journal is fsynced before N is remembered | the journal is replayed, J signed and published |
//! | P > J                      | a crash while the journal began anew, or a copy of the files at different moments | the journal is passed over |
//! | N > P, N > J               | an older copy was restored, with its journal or without | refused: [`FenceError::RolledBack`], unless the tiles give the root signed at N, so that only the checkpoint is older |
//! | another root at N or P     | two copies were written under one key, or one was exchanged | refused: [`FenceError::Forked`] |
//! | another root at the base   | the journal of another copy lies here                 | refused: [`ArchiveError::OtherJournal`] |
//!
//! So these keys sign a tree twice at most, never two trees of one size: the tree of size N is durable before N is
//! remembered, N is durable before anyone sees it, and no smaller or other tree is signed once it is. A commit that was
//! made durable and not remembered is signed by the next writer; where it is lost with the whole archive, nobody was
//! promised it, and no signature says that it was. Clocks play no part. Two copies of an archive with one keyring are
//! kept apart by the keyring's lock while both are open, and by N afterwards; two copies of the keyring too are for
//! witnesses to see.

use std::path::PathBuf;

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use crate::log::fork::ForkProof;
use crate::log::vkey::VerifierKey;
use crate::outside::archive::journal;
use crate::outside::archive::lock::Lock;
use crate::outside::archive::writer::Writer;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::keys::{KeyPool, Keyring, KeysError};
use crate::outside::remembered::Remembered;

use super::fork;

/// An archive that may be written, and the keyring's memory, both under their locks.
pub(super) struct Passed {
    pub(super) writer: Writer,
    pub(super) remembered: Remembered,
    /// How many entries the published checkpoint promises.
    pub(super) published_size: u64,
}

/// Takes an archive up where it was left, when it is the one for which these keys have signed last.
pub(super) fn pass(
    archive: &Archive,
    keyring: &Keyring,
    pool: &KeyPool,
    origin: &Origin,
    now: Time,
) -> Result<Passed, FenceError> {
    let verifiers = verifiers(keyring, pool, origin);
    let own = |bytes: Vec<u8>| own_checkpoint(&bytes, origin, &verifiers);
    let lock = Lock::take(archive.folder(), now).map_err(ArchiveError::Lock)?;
    let remembered = keyring.remembered(now)?;
    let found = journal::read(archive.folder()).map_err(ArchiveError::Journal)?;
    let published = match archive.checkpoint()?.map(own).transpose() {
        // After a loss of power the file may be anything, and the journal holds what it promised.
        Err(FenceError::Checkpoint(_)) if found.as_ref().is_some_and(|found| !found.commits.is_empty()) => None,
        other => other?,
    };
    let newest = keyring.newest_checkpoint()?.map(own).transpose()?;

    let published_size = published.as_ref().map_or(0, |published| published.checkpoint().size);
    let mut writer = Writer::open(archive, lock, published_size, found)?;
    if let Some(published) = &published {
        match_published(&writer, published.checkpoint())?;
    }
    if let Some(newest) = newest {
        let checkpoint = newest.checkpoint().clone();
        writer = match_newest(writer, &checkpoint, now).map_err(|error| match published {
            // Both are signed, so anyone can be shown it.
            Some(published) if published.checkpoint().size == checkpoint.size => {
                proven(error, keyring, published, newest)
            }
            _ => error,
        })?;
    }
    Ok(Passed { writer, remembered, published_size })
}

/// Returns the keys of this log that the keyring knows, those without their secrets among them.
fn verifiers(keyring: &Keyring, pool: &KeyPool, origin: &Origin) -> Vec<VerifierKey> {
    let mut verifiers = pool.verifiers();
    let named = keyring.public().map(|public| public.checkpoint).unwrap_or_default();
    let trusted = keyring.policy().ok().flatten().map(|policy| policy.logs().to_vec()).unwrap_or_default();
    let known = named.into_iter().chain(trusted.into_iter().map(|log| log.key));
    for key in known.filter(|key| origin.is_name_of(key)) {
        if !verifiers.contains(&key) {
            verifiers.push(key);
        }
    }
    verifiers
}

/// Reads a checkpoint of this very log, signed by one of its keys.
fn own_checkpoint(bytes: &[u8], origin: &Origin, keys: &[VerifierKey]) -> Result<SignedCheckpoint, FenceError> {
    let signed = SignedCheckpoint::parse(bytes)?;
    if signed.checkpoint().origin != *origin {
        let (expected, found) = (origin.clone(), signed.checkpoint().origin.clone());
        return Err(FenceError::OtherLog { expected, found });
    }
    signed.verify(keys)?;
    Ok(signed)
}

/// Compares the archive with the checkpoint that it publishes.
fn match_published(writer: &Writer, published: &Checkpoint) -> Result<(), FenceError> {
    let Checkpoint { size, root, .. } = *published;
    let found = writer.root_at(size)?;
    if found == root { Ok(()) } else { Err(FenceError::Forked { size, signed: root, found }) }
}

/// Compares the archive with the newest checkpoint its keys have signed. Where the archive has what that promises and
/// only its checkpoint is older, the log is taken up there.
fn match_newest(writer: Writer, newest: &Checkpoint, now: Time) -> Result<Writer, FenceError> {
    let Checkpoint { size, root, .. } = *newest;
    let found = match writer.root_at(size) {
        Ok(found) => found,
        Err(_) if size > writer.size() => {
            return Err(FenceError::RolledBack { signed: size, found: writer.size() });
        }
        Err(error) => return Err(error.into()),
    };
    if found != root {
        return Err(if size > writer.size() {
            FenceError::RolledBack { signed: size, found: writer.size() }
        } else {
            FenceError::Forked { size, signed: root, found }
        });
    }
    if size <= writer.size() {
        return Ok(writer);
    }
    let archive = writer.archive().clone();
    drop(writer);
    let lock = Lock::take(archive.folder(), now).map_err(ArchiveError::Lock)?;
    Ok(Writer::open(&archive, lock, size, None)?)
}

/// Keeps the proof of a fork beside the newest checkpoint, when the error is one.
fn proven(error: FenceError, keyring: &Keyring, published: SignedCheckpoint, newest: SignedCheckpoint) -> FenceError {
    let Ok(proof) = ForkProof::new(published, newest) else { return error };
    match fork::keep(keyring.folder(), &proof) {
        Ok(proof) => FenceError::ForkProven { fork: Box::new(error), proof },
        Err(_) => error, // A keyring that cannot be written keeps nothing, and the fork is what matters.
    }
}

/// Why an archive is not written with these keys.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum FenceError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error(
        "at size {size} these keys have signed the root {signed}, and the archive has {found}: another log has grown here"
    )]
    Forked { size: u64, signed: Hash, found: Hash },
    #[error("{fork}; both are signed, and `{}` proves it", proof.display())]
    ForkProven { fork: Box<FenceError>, proof: PathBuf },
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the checkpoint is of `{found}`, and this archive is `{expected}`")]
    OtherLog { expected: Origin, found: Origin },
    #[error(
        "these keys have signed a log of {signed} entries, and the archive holds {found}: it was restored from an older copy"
    )]
    RolledBack { signed: u64, found: u64 },
}
