//! Monitor: any log laid out as C2SP tlog-tiles is looked at again and again, and held to what it showed before.
//!
//! One look, in this order:
//!
//! 1. The checkpoint bears a good signature of the log's key, and no bad one of any key that the reader names.
//! 2. The log only grew: a consistency proof from its own tiles leads from the head that is kept to the new one.
//! 3. The entries that came are read and hashed: with the old tree's right edge they give the new root. The first look
//!    hashes all there are.
//! 4. Who has witnessed the checkpoint is counted by the reader's policy.
//! 5. The head is kept, for the next look. What contradicts is kept beside it, and the head stays what it was.
//!
//! | quantity | unit    | range                                          |
//! |----------|---------|------------------------------------------------|
//! | memory   | entries | one bundle of 256, and the tree's right edge   |
//!
//! Two trees of one size make a fork proof, which anyone can verify. A contradiction between two sizes is kept as the two
//! checkpoints. A log whose entries are laid out otherwise (static-ct-api) can be followed by its heads alone.

use std::path::PathBuf;

use super::progress::Progress;

use crate::base::hash::Hash;
use crate::log::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use crate::log::consistency::{ConsistencyError, ConsistencyProof, MakeConsistencyError};
use crate::log::fork::ForkProof;
use crate::log::merkle::{Frontier, leaf_hash};
use crate::log::policy::{Policy, PolicyError, PolicyLog, PolicyReport};
use crate::log::tile::{ReadTileError, Tile, TileError, TileKind, WIDTH_MAX, decode_entries};
use crate::log::vkey::VerifierKey;
use crate::outside::archive::ArchiveError;
use crate::outside::archive::durable::WriteError;
use crate::outside::heads::{Heads, name_of};
use crate::outside::tlog::{TileLog, TileLogError};

/// Whether the entries are read and hashed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entries {
    /// They are.
    Hash,
    /// They are not: only heads and tiles are looked at.
    Leave,
}

/// What one look saw.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sighting {
    /// The log.
    pub origin: Origin,
    /// How many entries it had when it was looked at before.
    pub size_before: Option<u64>,
    /// How many it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// How many entries were hashed.
    pub hashed: u64,
    /// Who has witnessed it, by the reader's policy.
    pub report: PolicyReport,
    /// Whether the log showed an older checkpoint than before, and nothing that contradicts the one before.
    pub is_older: bool,
}

/// Joins the keys of a log with the witnesses of a reader's policy.
///
/// # Errors
/// When one public key would stand twice.
pub fn policy_for(keys: &[VerifierKey], policy: Option<Policy>) -> Result<Policy, PolicyError> {
    let Some(mut joined) = policy else { return Policy::trusting(keys.to_vec()) };
    for key in keys {
        if joined.logs().iter().all(|log| log.key != *key) {
            joined = joined.with_log(PolicyLog { key: key.clone(), url: None })?;
        }
    }
    Ok(joined)
}

/// A log that is followed.
pub struct Followed {
    /// Where it is.
    pub log: TileLog,
    /// Where its head is kept.
    pub heads: Heads,
    /// What it is called.
    pub origin: Origin,
    /// Whose word on it is enough.
    pub policy: Policy,
    /// Whether its entries are read.
    pub entries: Entries,
}

impl Followed {
    /// Looks at the log once.
    ///
    /// # Errors
    /// A [`MonitorError`]; [`MonitorError::is_contradiction`] tells a log that breaks its promise from one that cannot be read.
    pub fn look(&self, progress: &dyn Progress) -> Result<Sighting, MonitorError> {
        let bytes = self.log.checkpoint()?;
        let signed = SignedCheckpoint::parse(&bytes)?;
        let new = signed.checkpoint();
        if new.origin != self.origin {
            return Err(MonitorError::OtherLog { expected: self.origin.clone(), found: new.origin.clone() });
        }
        let report = self.policy.check(&signed)?;
        if report.log_signers.is_empty() {
            return Err(MonitorError::Unsigned { origin: self.origin.clone() });
        }
        let before = self.heads.read(name_of(&self.origin))?;
        let before = before.map(|bytes| SignedCheckpoint::parse(&bytes)).transpose().map_err(MonitorError::Head)?;
        let looking = Looking { log: &self.log, heads: &self.heads, signed: &signed };
        let is_older = before.as_ref().map_or(Ok(false), |before| looking.hold_to(before))?;
        let before = before.as_ref().map(SignedCheckpoint::checkpoint);
        let mut hashed = 0;
        if !is_older {
            if self.entries == Entries::Hash {
                hashed = looking.hash_entries(before.map_or(0, |before| before.size), progress)?;
            }
            self.heads.keep(&self.origin, &bytes)?;
        }
        Ok(Sighting {
            origin: self.origin.clone(),
            size_before: before.map(|before| before.size),
            size: new.size,
            root: new.root,
            hashed,
            report,
            is_older,
        })
    }
}

struct Looking<'l> {
    log: &'l TileLog,
    heads: &'l Heads,
    signed: &'l SignedCheckpoint,
}

impl Looking<'_> {
    /// Holds the new checkpoint to the head that is kept; says whether it is an older one.
    fn hold_to(&self, before: &SignedCheckpoint) -> Result<bool, MonitorError> {
        let (old, new) = (before.checkpoint(), self.signed.checkpoint());
        if old.size == new.size && old.root != new.root {
            let proof = ForkProof::new(before.clone(), self.signed.clone()).expect("one log, one size, two roots");
            let proof = self.heads.keep_fork(&proof)?;
            return Err(MonitorError::Forked { size: new.size, expected: old.root, found: new.root, proof });
        }
        let is_older = new.size < old.size;
        let (first, second) = if is_older { (new, old) } else { (old, new) };
        match self.grew(first, second) {
            Ok(()) => Ok(is_older),
            Err(Grown::Not(source)) => {
                let kept = self.heads.keep_against(&new.origin, new.size, &self.signed.encode())?;
                Err(MonitorError::NotGrown { old: old.size, new: new.size, kept, source })
            }
            // Whoever shows an older copy need not have the tiles that lead from there.
            Err(Grown::Unread(_)) if is_older => Ok(true),
            Err(Grown::Unread(error)) => Err(MonitorError::Nodes(error)),
        }
    }

    fn grew(&self, old: &Checkpoint, new: &Checkpoint) -> Result<(), Grown> {
        let nodes = self.log.nodes(new.size);
        let proof = match ConsistencyProof::make(&nodes, old.size, new.size) {
            Ok(proof) => proof,
            Err(MakeConsistencyError::Nodes(error)) => return Err(Grown::Unread(Box::new(error))),
            Err(MakeConsistencyError::Shrinks { old_size, new_size }) => {
                return Err(Grown::Not(ConsistencyError::Shrinks { old_size, new_size }));
            }
        };
        let old_root = if old.size == 0 { crate::log::merkle::empty_root() } else { old.root };
        proof.verify(old_root, new.root).map_err(Grown::Not)
    }

    /// Reads the entries from `start` on and computes the root with them.
    fn hash_entries(&self, start: u64, progress: &dyn Progress) -> Result<u64, MonitorError> {
        let new = self.signed.checkpoint();
        let mut frontier =
            Frontier::resume(&self.log.nodes(new.size), start).map_err(|error| MonitorError::Nodes(Box::new(error)))?;
        let act = progress.begin("hashing entries", Some(new.size - start));
        let width = u64::from(WIDTH_MAX);
        for bundle in start / width..new.size.div_ceil(width) {
            let tile = Tile::of_tree(TileKind::Entries, bundle, new.size).map_err(MonitorError::NoTile)?;
            let bytes = self.log.tile(&tile)?;
            let entries = decode_entries(&bytes, tile.width()).map_err(|source| MonitorError::Tile { tile, source })?;
            let known = usize::try_from(start.saturating_sub(bundle * width)).unwrap_or(usize::MAX);
            for entry in entries.iter().skip(known) {
                frontier.push(leaf_hash(entry));
                act.advance(1);
            }
        }
        if frontier.root() != new.root {
            return Err(MonitorError::WrongEntries { size: new.size, promised: new.root, found: frontier.root() });
        }
        Ok(new.size - start)
    }
}

/// Why a log was not seen to have grown.
enum Grown {
    Not(ConsistencyError),
    Unread(Box<ReadTileError<TileLogError>>),
}

/// Why a look at a log ended.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum MonitorError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("the log's checkpoint is not to be believed")]
    Checkpoint(#[from] CheckpointError),
    #[error("the log shows the root {found} at size {size}, and it showed {expected} before; `{}` proves it", proof.display())]
    Forked { size: u64, expected: Hash, found: Hash, proof: PathBuf },
    #[error("the head that is kept cannot be read")]
    Head(#[source] CheckpointError),
    #[error("a part of the tree cannot be read")]
    Nodes(#[source] Box<ReadTileError<TileLogError>>),
    #[error("the log of size {new} did not grow from the one of size {old} that it showed before; its checkpoint is kept as `{}`", kept.display())]
    NotGrown { old: u64, new: u64, kept: PathBuf, source: ConsistencyError },
    #[error("no such bundle of entries")]
    NoTile(#[source] TileError),
    #[error("the log is `{found}`, expected `{expected}`")]
    OtherLog { expected: Origin, found: Origin },
    #[error("`{tile}` is damaged")]
    Tile { tile: Tile, source: TileError },
    #[error(transparent)]
    TileLog(#[from] TileLogError),
    #[error("the checkpoint of `{origin}` is not signed by the key that was named")]
    Unsigned { origin: Origin },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the entries give the root {found} at size {size}, and the log promised {promised}")]
    WrongEntries { size: u64, promised: Hash, found: Hash },
}

impl MonitorError {
    /// Says whether the log contradicts itself, or a signature does.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        match self {
            Self::Checkpoint(_)
            | Self::Forked { .. }
            | Self::NotGrown { .. }
            | Self::Tile { .. }
            | Self::WrongEntries { .. } => true,
            Self::Nodes(error) => matches!(**error, ReadTileError::Damaged { .. }),
            _ => false,
        }
    }

    /// Says whether nothing contradicts, and nobody known vouches for what is there.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::OtherLog { .. } | Self::Unsigned { .. })
    }

    /// Returns the file that proves a contradiction.
    #[must_use]
    pub fn proof(&self) -> Option<&PathBuf> {
        match self {
            Self::Forked { proof, .. } => Some(proof),
            Self::NotGrown { kept, .. } => Some(kept),
            _ => None,
        }
    }
}
