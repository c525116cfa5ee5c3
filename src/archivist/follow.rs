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
//! 6. The checkpoint is swapped in.
//!
//! What is damaged in the first copy's blobs is copied as it is and named; what is damaged in its log ends the act,
//! because nothing would be promised by a copy of that. No secret is read or written here.
//!
//! | quantity | unit                | range                                          |
//! |----------|---------------------|------------------------------------------------|
//! | memory   | bytes per new blob  | some 60                                        |

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::fork;
use super::progress::Progress;
use super::read::{Log, ReadError};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::record::{Body, Record};
use crate::evidence::statement::Statement;
use crate::log::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use crate::log::consistency::{ConsistencyProof, MakeConsistencyError};
use crate::log::fork::ForkProof;
use crate::log::merkle::{self, leaf_hash};
use crate::log::policy::Policy;
use crate::log::tile::{
    ReadTileError, Tile, TileEdge, TileError, TileKind, WIDTH_MAX, decode_entries, decode_hashes, encode_entries,
};
use crate::outside::archive::members::MemberReader;
use crate::outside::archive::packs::{PackError, Packs, Stretch};
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
    let mut copy = Copy { source, replica, size: new.size, places: HashMap::new(), damaged: Vec::new(), bytes: 0 };
    let old_size = held.map_or(0, |held| held.size);
    if old_size < new.size {
        copy.segments(&log, old_size, progress)?;
        copy.entries(held, new, progress)?;
    }
    let Copy { replica, places, damaged, bytes, .. } = copy;
    replica.publish(source, &signed.encode(), old_size, new.size)?;
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
    let Body::Genesis(genesis) = log.entry(0)?.record.body else {
        return Err(FollowError::Untrusted { origin: origin.clone() });
    };
    signed.verify(&genesis.checkpoint_keys(origin.as_str()))?;
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
    /// Where the blobs lie that were copied.
    places: HashMap<Hash, (u32, u64)>,
    damaged: Vec<String>,
    bytes: u64,
}

impl Copy<'_> {
    /// Copies the segments, up to the record of the newest promised entry: it is appended behind all that it names.
    fn segments(&mut self, log: &Log<'_>, old_size: u64, progress: &dyn Progress) -> Result<(), FollowError> {
        let (from, packs) = (self.source.packs(), self.replica.packs());
        let record_of = |log: &Log<'_>, index: u64| -> Result<Hash, FollowError> {
            let statement = log.archive().statement(index, log.size())?;
            Ok(Statement::decode(&statement).map_err(|source| ReadError::Statement { index, source })?.claim.record)
        };
        let segments = from.segments()?;
        let last = segments.last().copied().unwrap_or_default();
        let promised = match from.locate(record_of(log, self.size - 1)?) {
            Ok((segment, member)) => Some((segment, member.end())),
            Err(PackError::Missing { .. }) => None, // It is damaged: all there is may be promised.
            Err(error) => return Err(error.into()),
        };
        let held = if old_size == 0 {
            None
        } else {
            let archive = Archive::open(self.replica.folder())?;
            let record = record_of(&Log::at(&archive, old_size), old_size - 1)?;
            let (segment, member) = packs.locate(record)?;
            if from.member_at(segment, member.offset)?.as_ref() != Some(&member) {
                return Err(FollowError::OtherSegment { path: from.path(segment) });
            }
            Some((segment, member.end()))
        };
        let stretch = |segment: u32| -> Result<Option<Stretch>, FollowError> {
            let length = from.length(segment)?;
            let (end, is_sealed) = match promised {
                Some((last, _)) if segment > last => return Ok(None),
                Some((last, end)) if segment == last => (end, end == length && is_sealed_in(from, segment)),
                _ => (length, segment < last || is_sealed_in(from, segment)),
            };
            let held = match held {
                Some((number, end)) if number == segment => end,
                Some((number, _)) if segment < number => packs.length(segment)?.min(end),
                _ => 0,
            };
            Ok(Some(Stretch { segment, held, end, is_sealed }))
        };
        let stretches = segments.into_iter().filter_map(|segment| stretch(segment).transpose());
        let stretches = stretches.collect::<Result<Vec<_>, _>>()?;
        let act = progress.begin("copying blobs", Some(stretches.iter().map(|stretch| stretch.end).sum()));
        for stretch in stretches {
            let taken = packs.take(from, stretch, &|bytes| act.advance(bytes))?;
            self.bytes += taken.bytes;
            self.places.extend(taken.members.into_iter().map(|(hash, offset)| (hash, (stretch.segment, offset))));
            self.damaged.extend(taken.damaged.iter().map(|error| with_causes(error)));
        }
        Ok(())
    }

    /// Takes over the statements and computes the tree over them, from the held root to the new one.
    fn entries(
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
                if at_held.root() != held.root {
                    let (promised, found) = (held.root, at_held.root());
                    return Err(FollowError::WrongRoot { size: old_size, promised, found });
                }
            }
            for (tile, bytes) in edge.append(&leaves) {
                if Tile::of_tree(tile.kind(), tile.index(), new.size) == Ok(tile) {
                    self.replica.put(&tile, &bytes)?;
                }
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
        if edge.root() != new.root {
            let (promised, found) = (new.root, edge.root());
            return Err(FollowError::WrongRoot { size: new.size, promised, found });
        }
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
            Err(error @ (PackError::Missing { .. } | PackError::Damaged { .. })) => {
                self.damaged.push(format!("the record of {subject}: {}", with_causes(&error)));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        for blob in record.body.visit().map(crate::evidence::record::Visit::blobs).unwrap_or_default() {
            if !self.places.contains_key(&blob) && !packs.contains(blob)? {
                self.damaged.push(format!("blob {blob} of {subject} is in no pack that can be read"));
            }
        }
        Ok(())
    }
}

fn is_sealed_in(packs: &Packs, segment: u32) -> bool {
    packs.path(segment).with_extension("index").exists()
}

/// Two checkpoints that do not go together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pair {
    /// The size that the copy holds.
    pub held_size: u64,
    /// Its root.
    pub held_root: Hash,
    /// The size that was found.
    pub found_size: u64,
    /// Its root.
    pub found_root: Hash,
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { held_size, held_root, found_size, found_root } = self;
        write!(
            f,
            "the copy holds {held_size} entries under root {held_root}, the other {found_size} under {found_root}"
        )
    }
}

impl FollowError {
    /// Says whether the two copies tell different histories, so that looking again is of no use.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        matches!(
            self,
            Self::Forked { .. } | Self::NotGrown(_) | Self::OtherLog { .. } | Self::Shrunk(_) | Self::Untrusted { .. }
        )
    }
}

/// Why a second copy was left as it was.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum FollowError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error("a bundle cannot be written")]
    Encoding(#[source] TileError),
    #[error("the log has forked: {pair}; both are signed, and `{}` proves it", proof.display())]
    Forked { pair: Pair, proof: PathBuf },
    #[error("cannot read a part of the tree")]
    Nodes(#[source] Box<ReadTileError<ArchiveError>>),
    #[error("the log has not only grown: {0}, which does not begin with what the copy holds")]
    NotGrown(Pair),
    #[error("`{}` holds the log `{held}`, and the checkpoint is of `{found}`", folder.display())]
    OtherLog { folder: PathBuf, held: Origin, found: Origin },
    #[error("`archive.toml` has the prefix `{found}`, and entry 0 says `{expected}`")]
    OtherPrefix { expected: String, found: String },
    #[error("`{}` does not begin with what was copied from it before", path.display())]
    OtherSegment { path: PathBuf },
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the log is shorter than its copy: {0}")]
    Shrunk(Pair),
    #[error("no key that you trust for the log `{origin}` has signed its checkpoint")]
    Untrusted { origin: Origin },
    #[error("the checkpoint promises the root {promised} at size {size}, and the tree that lies there has {found}")]
    WrongRoot { size: u64, promised: Hash, found: Hash },
}
