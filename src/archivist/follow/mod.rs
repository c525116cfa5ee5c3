//! Follow: a second copy takes over what an archive has published since it looked last, and checks all of it.
//!
//! `backup`, `mirror` and `restore` are this act; they differ in whose word on the checkpoint is enough. In this order:
//!
//! 1. The new checkpoint bears the log's signatures.
//! 2. It is of the log that the copy holds, and that log has only grown: a consistency proof from the first copy's
//!    tiles leads from the root that the copy holds to the new one.
//! 3. The segments up to the record of the newest promised entry are copied as bytes and read back
//!    ([`crate::outside::archive::packs::Stretch`]). Nothing that a writer is still at work on is taken.
//! 4. Each new statement is the one whose hash the tree has: hash tiles are computed, not copied, and lead from the
//!    old root to the new one.
//! 5. Each blob that a new record names is in the copy.
//! 6. The anchors are copied and, to a backup but to no mirror, what is withheld: kept apart and not shown.
//! 7. The checkpoint is swapped in.
//! 8. A segment that the first copy no longer has is removed when all that is in it lies elsewhere in the copy, or was
//!    withdrawn: where bytes were erased there, they are erased here. Otherwise it stays: the first copy has lost it.
//!
//! A crash before step 7 leaves the copy that was, with bytes behind what it promises; one after it leaves segments that
//! the next time removes. What an act that failed has left is written again before it is waited for, because an fsync that
//! failed may have left it in memory alone.
//!
//! What is damaged in the first copy's blobs is copied as it is and named; what is damaged in its log ends the act,
//! because nothing would be promised by a copy of that. No secret is read or written here.
//!
//! | quantity | unit                | range                                          |
//! |----------|---------------------|------------------------------------------------|
//! | memory   | bytes per new blob  | some 60                                        |

mod entries;
mod failure;
mod segments;
mod withdrawn;

pub use failure::{FollowError, Pair};
pub(super) use withdrawn::Withdrawn;

use std::collections::HashMap;
use std::path::Path;

use super::fork;
use super::progress::Progress;
use super::read::{Log, ReadError};
use super::succession::own_keys;

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::record::Body;
use crate::log::checkpoint::{Origin, SignedCheckpoint};
use crate::log::consistency::{ConsistencyProof, MakeConsistencyError};
use crate::log::fork::ForkProof;
use crate::log::merkle;
use crate::log::policy::Policy;
use crate::outside::archive::replica::Replica;
use crate::outside::archive::{Archive, ArchiveError};

/// Whose word on a checkpoint is enough.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'p> {
    /// The log's keys in the reader's policy, and nobody else's.
    Policy(&'p Policy),
    /// The keys that entry 0 names, unless the policy names others for this log: the archive is the reader's own.
    Own(Option<&'p Policy>),
}

/// What a second copy has taken over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Followed {
    /// The log.
    pub origin: Origin,
    /// How many entries the copy had.
    pub entries_before: u64,
    /// How many it has.
    pub entries: u64,
    /// The root over them.
    pub root: Hash,
    /// How many bytes of packs were copied.
    pub bytes: u64,
    /// How many blobs were checked.
    pub blobs: u64,
    /// What is damaged in the first copy, and so in the second.
    pub damaged: Vec<String>,
}

/// Takes over what `source` has published into the copy in `folder`, which is made if it is not there.
///
/// # Errors
/// A [`FollowError`]; the copy is then what it was. [`FollowError::Forked`] says where the proof lies.
pub fn follow(
    source: &Archive,
    folder: &Path,
    trust: Trust<'_>,
    now: Time,
    progress: &dyn Progress,
) -> Result<Followed, FollowError> {
    let (log, signed) = Log::published(source)?;
    let replica = Replica::open(source, folder, now)?;
    let held = replica.checkpoint()?.map(|bytes| SignedCheckpoint::parse(&bytes)).transpose()?;
    check_signatures(&log, &signed, trust)?;
    let new = signed.checkpoint();
    if new.origin.as_str() != source.settings().origin {
        let held = Origin::new(&source.settings().origin)?;
        return Err(FollowError::OtherLog { folder: source.folder().to_owned(), held, found: new.origin.clone() });
    }
    check_settings(&log)?;
    if let Some(held) = &held {
        check_grown(source, folder, held, &signed)?;
    }
    let held = held.as_ref().map(SignedCheckpoint::checkpoint);
    let mut copy = Copy {
        source,
        replica,
        size: new.size,
        withdrawn: Withdrawn::of(&log)?,
        places: HashMap::new(),
        damaged: Vec::new(),
        bytes: 0,
    };
    let old_size = held.map_or(0, |held| held.size);
    if old_size < new.size {
        copy.segments(&log, old_size, progress)?;
        copy.entries(held, new, progress)?;
    }
    copy.replica.take_anchors(source, new.size, &|_| false)?;
    if matches!(trust, Trust::Own(_)) {
        copy.withheld(progress)?; // Before the checkpoint that promises it.
    }
    copy.replica.publish(source, &signed.encode(), old_size, new.size)?;
    if matches!(trust, Trust::Own(_)) {
        copy.drop_withheld()?;
    }
    copy.drop_replaced()?;
    copy.list_withdrawn(&log)?;
    let Copy { places, damaged, bytes, .. } = copy;
    Ok(Followed {
        origin: new.origin.clone(),
        entries_before: old_size,
        entries: new.size,
        root: new.root,
        bytes,
        blobs: u64::try_from(places.len()).unwrap_or(u64::MAX),
        damaged,
    })
}

pub(super) fn check_signatures(log: &Log<'_>, signed: &SignedCheckpoint, trust: Trust<'_>) -> Result<(), FollowError> {
    let origin = &signed.checkpoint().origin;
    let policy = match trust {
        Trust::Policy(policy) => Some(policy),
        Trust::Own(policy) => policy,
    };
    let report = policy.map(|policy| policy.check(signed)).transpose()?;
    if report.as_ref().is_some_and(|report| !report.log_signers.is_empty()) {
        return Ok(());
    }
    let is_other = report.is_some_and(|report| report.log_is_known);
    if is_other || matches!(trust, Trust::Policy(_)) {
        return Err(FollowError::Untrusted { origin: origin.clone() });
    }
    let succession = match log.succession() {
        Err(ReadError::NotGenesis) => return Err(FollowError::Untrusted { origin: origin.clone() }),
        other => other?,
    };
    signed.verify(&own_keys(&succession, signed))?;
    Ok(())
}

/// Holds the settings, which are copied as they are, to entry 0. Where its record is lost they cannot be.
fn check_settings(log: &Log<'_>) -> Result<(), FollowError> {
    let found = log.archive().settings().prefix.as_str().to_owned();
    match log.entry(0).map(|entry| entry.record.body) {
        Ok(Body::Genesis(genesis)) if genesis.prefix != found => {
            Err(FollowError::OtherPrefix { expected: genesis.prefix, found })
        }
        _ => Ok(()),
    }
}

/// Holds the new checkpoint to the one that the copy has.
fn check_grown(
    source: &Archive,
    folder: &Path,
    held: &SignedCheckpoint,
    new: &SignedCheckpoint,
) -> Result<(), FollowError> {
    let (old, new_checkpoint) = (held.checkpoint(), new.checkpoint());
    if old.origin != new_checkpoint.origin {
        let (held, found) = (old.origin.clone(), new_checkpoint.origin.clone());
        return Err(FollowError::OtherLog { folder: folder.to_owned(), held, found });
    }
    let pair = Pair {
        held_size: old.size,
        held_root: old.root,
        found_size: new_checkpoint.size,
        found_root: new_checkpoint.root,
    };
    if old.size > new_checkpoint.size {
        return Err(FollowError::Shrunk(pair));
    }
    if old.size == new_checkpoint.size {
        if old.root == new_checkpoint.root {
            return Ok(());
        }
        let proof = ForkProof::new(held.clone(), new.clone()).expect("one log and size, two roots");
        let proof = fork::keep(folder, &proof).map_err(ArchiveError::from)?;
        return Err(FollowError::Forked { pair, proof });
    }
    let nodes = source.nodes(new_checkpoint.size);
    let made = ConsistencyProof::make(&nodes, old.size, new_checkpoint.size).map_err(|error| match error {
        MakeConsistencyError::Nodes(source) => FollowError::Nodes(Box::new(source)),
        MakeConsistencyError::Shrinks { .. } => FollowError::Shrunk(pair),
    })?;
    if made.verify(old.root, new_checkpoint.root).is_ok() {
        return Ok(());
    }
    // Damaged tiles contradict as well: then they do not even give the root that they are under.
    let found = merkle::root(&nodes, new_checkpoint.size).map_err(|source| FollowError::Nodes(Box::new(source)))?;
    if found != new_checkpoint.root {
        return Err(FollowError::WrongRoot { size: new_checkpoint.size, promised: new_checkpoint.root, found });
    }
    Err(FollowError::NotGrown(pair))
}

/// A copy under way.
struct Copy<'a> {
    source: &'a Archive,
    replica: Replica,
    size: u64,
    /// What is in neither copy any more, because the log says so.
    withdrawn: Withdrawn,
    /// Where the blobs lie that were copied.
    places: HashMap<Hash, (u32, u64)>,
    damaged: Vec<String>,
    bytes: u64,
}
