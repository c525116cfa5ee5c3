//! Anchors, read: which checkpoints others have dated, and what that says of a record.

use super::read::{Log, ReadError};

use crate::base::hash::Hash;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::record::{After, Anchor, AnchorProof};
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::consistency::ConsistencyProof;
use crate::outside::archive::{Archive, ArchiveError};
use crate::timestamp::reply::Reply;

/// How many anchors that cover a record are looked at, the earliest first: the first is the narrowest, and the others
/// are for a reader who does not trust its authority.
const COVERING_COUNT_MAX: usize = 4;

/// How many of the newest anchors are looked at for one that a record can name.
const NEWEST_COUNT_MAX: usize = 64;

/// How many tokens a record names.
const NAMED_TOKEN_COUNT_MAX: usize = 16;

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
        let mut covering = 0;
        for size in sizes.iter().filter(|size| **size == *named || **size > *index) {
            if *size > *index && covering >= COVERING_COUNT_MAX {
                break;
            }
            if !wanted.contains(size) {
                wanted.push(*size);
                read.push(anchors.read(*size)?);
            }
            let has_replies = read.iter().any(|anchor| anchor.size == *size && !anchor.replies.is_empty());
            covering += usize::from(*size > *index && has_replies);
        }
    }
    read.retain(|anchor| !anchor.replies.is_empty());
    read.sort_by_key(|anchor| anchor.size);
    for anchor in &mut read {
        let nodes = log.archive().nodes(log.size());
        let proof = ConsistencyProof::make(&nodes, anchor.size, log.size())
            .map_err(|error| ReadError::Consistency { size: anchor.size, reason: error.to_string() })?;
        anchor.consistency = Some(anchor::write_consistency(&proof));
    }
    Ok(read)
}

/// Returns what the next record can name: the newest checkpoint that was dated, with its tokens.
///
/// # Errors
/// When a file of the archive cannot be read. What is damaged there is passed over: a record names what fits.
pub fn newest_anchor(
    archive: &Archive,
    size_max: u64,
    root_at: impl Fn(u64) -> Option<Hash>,
) -> Result<Option<After>, ArchiveError> {
    let anchors = archive.anchors();
    let sizes = anchors.sizes()?.into_iter().filter(|size| *size <= size_max).rev();
    for size in sizes.take(NEWEST_COUNT_MAX) {
        let anchor = anchors.read(size)?;
        let Some(root) = root_at(size) else { continue };
        let tokens = tokens(&anchor, root);
        if !tokens.is_empty() {
            return Ok(Some(After { size, root, tokens }));
        }
    }
    Ok(None)
}

/// Returns the anchors of which the log has no record, the earliest first. It looks back as far as the newest anchor
/// that the log has committed to whole.
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
        let mut proofs = Vec::new();
        let tokens = tokens(&anchor, root);
        for sha256 in &tokens {
            if !is_committed(*sha256)? {
                proofs.push(AnchorProof { kind: AnchorProof::RFC_3161.to_owned(), sha256: *sha256 });
            }
        }
        if proofs.is_empty() && !tokens.is_empty() {
            break;
        }
        if !proofs.is_empty() {
            found.push(Anchor { size, root, checkpoint: Hash::of(checkpoint), proofs });
        }
    }
    found.reverse();
    Ok(found)
}

/// Returns the hashes of the replies that are over a checkpoint with this root.
pub(super) fn tokens(anchor: &AnchorBytes, root: Hash) -> Vec<Hash> {
    let Some(checkpoint) = &anchor.checkpoint else { return Vec::new() };
    let signed = SignedCheckpoint::parse(checkpoint);
    if !signed.is_ok_and(|signed| signed.checkpoint().size == anchor.size && signed.checkpoint().root == root) {
        return Vec::new();
    }
    let is_over = |reply: &[u8]| Reply::parse(reply).is_ok_and(|reply| anchor::token_over(&reply, checkpoint).is_ok());
    let replies = anchor.replies.iter().filter(|(_, reply)| is_over(reply));
    replies.map(|(_, reply)| Hash::of(reply)).take(NAMED_TOKEN_COUNT_MAX).collect()
}
