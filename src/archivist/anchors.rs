//! Anchors, read: which checkpoints others have dated, and what that says of a record.

use super::read::{Log, ReadError};

use crate::base::hash::Hash;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::record::{After, Anchor, AnchorProof};
use crate::evidence::renewal::{self, LongHash, LongTree, Path, anchor_leaf};
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::consistency::ConsistencyProof;
use crate::outside::archive::anchors::Anchors;
use crate::outside::archive::{Archive, ArchiveError};
use crate::timestamp::reply::Reply;

/// How many anchors that cover a record are looked at, the earliest first: the first is the narrowest, and the others
/// are for a reader who does not trust its authority. As many with tokens, with cosignatures, and with proofs that end at blocks.
const COVERING_COUNT_MAX: usize = 4;

/// How many anchors that cover a record are looked at for all of that.
const LOOKED_AT_COUNT_MAX: usize = 256;

/// How many renewals a bundle carries: one in three years, for as long as anybody asks.
const RENEWAL_COUNT_MAX: usize = 8;

/// How many of the newest anchors are looked at for one that a record can name.
const NEWEST_COUNT_MAX: usize = 64;

/// How many tokens a record names, and how many cosignatures.
const NAMED_COUNT_MAX: usize = 16;

/// Reads the anchors that may say when records were made: for each, its index and the size that it names.
///
/// # Errors
/// When a file of the archive cannot be read.
pub fn anchors_for(log: &Log<'_>, records: &[(u64, u64)]) -> Result<Vec<AnchorBytes>, ReadError> {
    let anchors = log.archive().anchors();
    let sizes: Vec<u64> = anchors.sizes()?.into_iter().filter(|size| *size <= log.size()).collect();
    let mut wanted: Vec<u64> = Vec::new();
    let mut read: Vec<AnchorBytes> = Vec::new();
    for (index, named) in records {
        let (mut dated, mut cosigned, mut mined, mut looked) = (0, 0, 0, 0);
        for size in sizes.iter().filter(|size| **size == *named || **size > *index) {
            let has_all = [dated, cosigned, mined].into_iter().min() >= Some(COVERING_COUNT_MAX);
            if *size > *index && (has_all || looked >= LOOKED_AT_COUNT_MAX) {
                break;
            }
            looked += 1;
            if !wanted.contains(size) {
                wanted.push(*size);
                read.push(anchors.read(*size)?);
            }
            let here = read.iter().find(|anchor| anchor.size == *size && *size > *index);
            dated += usize::from(here.is_some_and(|anchor| !anchor.replies.is_empty()));
            cosigned += usize::from(here.is_some_and(|anchor| !anchor.cosignatures.is_empty()));
            mined += usize::from(here.is_some_and(|anchor| anchor.complete_proofs().next().is_some()));
        }
    }
    for size in renewals_of(&anchors, &sizes, records)? {
        if !wanted.contains(&size) {
            wanted.push(size);
            read.push(anchors.read(size)?);
        }
    }
    for anchor in read.iter_mut().filter(|anchor| anchor.renewal_replies.is_empty()) {
        anchor.renewal = None; // Nobody has dated it.
    }
    read.retain(AnchorBytes::is_said);
    read.sort_by_key(|anchor| anchor.size);
    let indexes: Vec<u64> = records.iter().map(|(index, _)| *index).collect();
    add_paths(&anchors, &mut read, &indexes)?;
    for anchor in &mut read {
        let nodes = log.archive().nodes(log.size());
        let proof = ConsistencyProof::make(&nodes, anchor.size, log.size())
            .map_err(|error| ReadError::Consistency { size: anchor.size, reason: error.to_string() })?;
        anchor.consistency = Some(anchor::write_consistency(&proof));
    }
    Ok(read)
}

/// Returns the newest anchors with a renewal that covers one of some records.
fn renewals_of(anchors: &Anchors, sizes: &[u64], records: &[(u64, u64)]) -> Result<Vec<u64>, ArchiveError> {
    let first = records.iter().map(|(index, _)| *index).min().unwrap_or(u64::MAX);
    let mut found = Vec::new();
    for size in sizes.iter().rev().filter(|size| **size > first).take(LOOKED_AT_COUNT_MAX) {
        if found.len() < RENEWAL_COUNT_MAX && anchors.has_renewal(*size)? {
            found.push(*size);
        }
    }
    Ok(found)
}

/// Adds to each renewal the way from the leaves of some records, and of the files of all the anchors.
fn add_paths(anchors: &Anchors, read: &mut [AnchorBytes], records: &[u64]) -> Result<(), ArchiveError> {
    let files: Vec<(u64, LongHash)> = read
        .iter()
        .flat_map(|anchor| {
            let leaf = |(name, bytes): &(String, &[u8])| (anchor.size, anchor_leaf(anchor.size, name, bytes));
            anchor.files().iter().map(leaf).collect::<Vec<_>>()
        })
        .collect();
    for anchor in read.iter_mut().filter(|anchor| !anchor.renewal_replies.is_empty()) {
        let bytes = anchors.renewal_leaves(anchor.size)?;
        let leaves: Vec<LongHash> = bytes.chunks(LongHash::SIZE_BYTES).filter_map(LongHash::from_slice).collect();
        let size = usize::try_from(anchor.size).unwrap_or(usize::MAX);
        let of_files = leaves.iter().enumerate().skip(size);
        let covered = of_files.filter(|(_, leaf)| files.iter().any(|(at, file)| *at <= anchor.size && file == *leaf));
        let of_records = records.iter().filter(|index| **index < anchor.size);
        let mut wanted: Vec<usize> = of_records.filter_map(|index| usize::try_from(*index).ok()).collect();
        wanted.extend(covered.map(|(place, _)| place));
        wanted.sort_unstable();
        wanted.dedup();
        let tree = LongTree::over(leaves.clone());
        let path = |place: usize| Path { leaf: u64::try_from(place).unwrap_or(u64::MAX), siblings: tree.path(place) };
        anchor.renewal_paths = Some(renewal::write_paths(&wanted.into_iter().map(path).collect::<Vec<_>>()));
    }
    Ok(())
}

/// Returns what the next record can name: the newest checkpoint that was dated or cosigned, with who said so.
///
/// # Errors
/// When a file of the archive cannot be read. What is damaged there is passed over: a record names what fits.
pub fn newest_anchor(
    archive: &Archive,
    size_max: u64,
    root_at: impl Fn(u64) -> Option<Hash>,
) -> Result<Option<After>, ArchiveError> {
    newest_with(archive, size_max, root_at, |anchor, root| {
        // A path to a block can be known before the block is: what could not be foreseen is the block's header.
        let kinds = [AnchorProof::RFC_3161, AnchorProof::COSIGNATURE, AnchorProof::BITCOIN_HEADER];
        let named = proofs(anchor, root).into_iter().filter(|proof| kinds.contains(&proof.kind.as_str()));
        named.map(|proof| proof.sha256).collect()
    })
}

/// Returns the newest checkpoint of which something of a kind was said, with the hashes of that.
pub(super) fn newest_with(
    archive: &Archive,
    size_max: u64,
    root_at: impl Fn(u64) -> Option<Hash>,
    said: impl Fn(&AnchorBytes, Hash) -> Vec<Hash>,
) -> Result<Option<After>, ArchiveError> {
    let anchors = archive.anchors();
    let sizes = anchors.sizes()?.into_iter().filter(|size| *size <= size_max).rev();
    for size in sizes.take(NEWEST_COUNT_MAX) {
        let anchor = anchors.read(size)?;
        let Some(root) = root_at(size) else { continue };
        let tokens = said(&anchor, root);
        if !tokens.is_empty() {
            return Ok(Some(After { size, root, tokens }));
        }
    }
    Ok(None)
}

/// Returns the anchors of which the log has no record, the earliest first. It looks back as far as the newest anchor
/// that the log has committed to whole; where calendars are asked, further, since proofs are complete hours later.
///
/// # Errors
/// When a file of the archive or the index cannot be read.
pub fn uncommitted_anchors<E: From<ArchiveError>>(
    archive: &Archive,
    size_max: u64,
    root_at: impl Fn(u64) -> Option<Hash>,
    is_committed: impl Fn(Hash) -> Result<bool, E>,
) -> Result<Vec<Anchor>, E> {
    let anchors = archive.anchors();
    let sizes = anchors.sizes()?.into_iter().filter(|size| *size <= size_max).rev();
    let mut found = Vec::new();
    for size in sizes.take(NEWEST_COUNT_MAX) {
        let anchor = anchors.read(size)?;
        let (Some(root), Some(checkpoint)) = (root_at(size), &anchor.checkpoint) else { continue };
        let mut uncommitted = Vec::new();
        let proofs = proofs(&anchor, root);
        for proof in &proofs {
            if !is_committed(proof.sha256)? {
                uncommitted.push(proof.clone());
            }
        }
        if uncommitted.is_empty() && !proofs.is_empty() && archive.settings().calendars.is_empty() {
            break;
        }
        if !uncommitted.is_empty() {
            found.push(Anchor { size, root, checkpoint: Hash::of(checkpoint), proofs: uncommitted });
        }
    }
    found.reverse();
    Ok(found)
}

/// Returns what was said of a checkpoint with this root: tokens, cosignatures, then proofs that end at blocks and the
/// headers of these. What is pending is not among them: it shows nothing, and another file takes its place.
fn proofs(anchor: &AnchorBytes, root: Hash) -> Vec<AnchorProof> {
    let proof = |kind: &str, sha256| AnchorProof { kind: kind.to_owned(), sha256 };
    let tokens = tokens(anchor, root).into_iter().map(|sha256| proof(AnchorProof::RFC_3161, sha256));
    let cosignatures = cosignatures(anchor, root).into_iter().map(|sha256| proof(AnchorProof::COSIGNATURE, sha256));
    let said = tokens.chain(cosignatures);
    if !is_over_root(anchor, root) {
        return said.collect();
    }
    let complete = anchor.complete_proofs().take(NAMED_COUNT_MAX);
    let complete = complete.map(|(bytes, _)| proof(AnchorProof::OPENTIMESTAMPS, Hash::of(bytes)));
    let headers = anchor.proven_headers().into_iter().take(NAMED_COUNT_MAX);
    let headers = headers.map(|bytes| proof(AnchorProof::BITCOIN_HEADER, Hash::of(bytes)));
    let mut said: Vec<AnchorProof> = said.chain(complete).chain(headers).collect();
    let over =
        |reply: &[u8], text: &[u8]| Reply::parse(reply).is_ok_and(|reply| anchor::token_over(&reply, text).is_ok());
    if let Some(text) = &anchor.renewal {
        let replies = anchor.renewal_replies.iter().filter(|(_, reply)| over(reply, text)).take(NAMED_COUNT_MAX);
        let replies: Vec<AnchorProof> =
            replies.map(|(_, reply)| proof(AnchorProof::RENEWAL_RFC_3161, Hash::of(reply))).collect();
        // A text that nobody has dated may be replaced.
        said.extend((!replies.is_empty()).then(|| proof(AnchorProof::RENEWAL, Hash::of(text))));
        said.extend(replies);
    }
    said
}

/// Returns the hashes of the cosignatures beside a checkpoint with this root. Each was verified before it was kept.
pub(super) fn cosignatures(anchor: &AnchorBytes, root: Hash) -> Vec<Hash> {
    if !is_over_root(anchor, root) {
        return Vec::new();
    }
    let hashed = anchor.cosignatures.iter().map(|(name, line)| (name, line, Hash::of(line)));
    let whole = hashed.filter(|(name, line, sha256)| {
        anchor::is_cosignature_name(name, *sha256) && anchor::read_cosignature(line).is_some()
    });
    whole.map(|(_, _, sha256)| sha256).take(NAMED_COUNT_MAX).collect()
}

fn is_over_root(anchor: &AnchorBytes, root: Hash) -> bool {
    let signed = anchor.checkpoint.as_deref().map(SignedCheckpoint::parse);
    let is_over =
        |signed: SignedCheckpoint| signed.checkpoint().size == anchor.size && signed.checkpoint().root == root;
    signed.is_some_and(|signed| signed.is_ok_and(is_over))
}

/// Returns the hashes of the replies that are over a checkpoint with this root.
pub(super) fn tokens(anchor: &AnchorBytes, root: Hash) -> Vec<Hash> {
    let Some(checkpoint) = anchor.checkpoint.as_ref().filter(|_| is_over_root(anchor, root)) else { return Vec::new() };
    let is_over = |reply: &[u8]| Reply::parse(reply).is_ok_and(|reply| anchor::token_over(&reply, checkpoint).is_ok());
    let replies = anchor.replies.iter().filter(|(_, reply)| is_over(reply));
    replies.map(|(_, reply)| Hash::of(reply)).take(NAMED_COUNT_MAX).collect()
}
