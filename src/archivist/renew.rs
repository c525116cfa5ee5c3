//! Renew: everything that is held is hashed anew with SHA-512, and authorities are asked when that was so.
//!
//! The text and its leaves ([`crate::evidence::renewal`]) are laid beside the checkpoint that is published, then authorities are
//! asked as for a checkpoint; the log commits to both in its next publication. Every byte is read once, as in an audit.
//!
//! *A crash* leaves a text that nobody has dated: the next renewal of that size takes its place.

use std::collections::BTreeMap;

use super::progress::Progress;
use super::read::{Log, ReadError};
use super::timestamp::{Anchored, Ask, TimestampError, check};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::anchor;
use crate::evidence::bundle::layout;
use crate::evidence::renewal::{EntryLeaf, LongHash, LongHasher, LongTree, Renewal, anchor_leaf};
use crate::outside::archive::packs::PackError;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::authority;
use crate::outside::keys;
use crate::timestamp::algorithm::Digest;
use crate::timestamp::authorities::Authorities;
use crate::timestamp::request::Request;

/// What a renewal came to.
#[derive(Debug)]
pub struct Renewed {
    /// The size of the log that it covers.
    pub size: u64,
    /// How many files of anchors it covers besides.
    pub anchor_files: u64,
    /// SHA-512 of the text that was dated.
    pub long_hash: LongHash,
    /// What each authority answered.
    pub answers: Vec<(String, Result<Anchored, TimestampError>)>,
}

/// Renews what an archive holds, by the word of some authorities.
///
/// # Errors
/// A [`RenewError`] when something that is held cannot be read: what is damaged is to be healed first.
pub fn renew(
    archive: &Archive,
    urls: &[String],
    trusted: &Authorities,
    asker: &dyn Ask,
    progress: &dyn Progress,
) -> Result<Renewed, RenewError> {
    if urls.is_empty() {
        return Err(TimestampError::NoAuthority.into());
    }
    let (log, head) = Log::published(archive)?;
    let size = log.size();
    let anchors = archive.anchors();
    if anchors.has_renewal(size)? {
        return Err(RenewError::Already { size });
    }
    anchors.keep_checkpoint(size, &head.encode())?;
    let mut leaves = entry_leaves(&log, progress)?;
    for at in anchors.sizes()?.into_iter().filter(|at| *at <= size) {
        let mut anchor = anchors.read(at)?;
        // A text that nobody has dated is about to be replaced.
        anchor.renewal = anchor.renewal.filter(|_| !anchor.renewal_replies.is_empty());
        // What this renewal itself is laid beside is covered, but for what it is about to write.
        leaves.extend(anchor.files().iter().map(|(name, bytes)| anchor_leaf(at, name, bytes)));
    }
    let leaf_count = count(leaves.len());
    let leaf_bytes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.as_bytes().to_vec()).collect();
    let checkpoint = head.checkpoint();
    let renewal = Renewal {
        origin: checkpoint.origin.to_string(),
        size,
        root: checkpoint.root,
        leaf_count,
        long_root: LongTree::over(leaves).root(),
    };
    let text = renewal.encode();
    anchors.keep_renewal(size, &leaf_bytes, &text)?;
    let ask = |url: &String| -> Result<Anchored, TimestampError> {
        let request = Request::over(&text, Digest::Sha512, keys::random()?);
        let request_bytes = request.encode();
        let bytes = asker.ask(url, &request_bytes)?;
        let mut anchored = check(&bytes, &request, trusted)?;
        let stem = anchor::stem(&authority::label_of(url), &bytes);
        anchors.keep_renewal_reply(size, &stem, &request_bytes, &bytes)?;
        anchored.name = format!("{size}/{stem}{}", anchor::RENEWAL_REPLY_EXTENSION);
        Ok(anchored)
    };
    let answers = urls.iter().map(|url| (url.clone(), ask(url))).collect();
    Ok(Renewed { size, anchor_files: leaf_count - size, long_hash: LongHash::of(&text), answers })
}

/// Makes the leaf of every entry.
fn entry_leaves(log: &Log<'_>, progress: &dyn Progress) -> Result<Vec<LongHash>, RenewError> {
    let act = progress.begin("hashing", Some(log.size()));
    let mut reader = log.reader()?;
    let mut leaves = Vec::new();
    for index in 0..log.size() {
        let leaf = match reader.entry(index) {
            Ok(entry) => {
                let visit = entry.record.body.visit();
                let named = visit.map(|visit| layout::content(&entry.id, visit)).unwrap_or_default();
                EntryLeaf {
                    index,
                    statement: LongHash::of(entry.statement.as_bytes()),
                    record: Some(LongHash::of(&entry.record_bytes)),
                    blobs: blobs(log, named.into_iter().map(|(_, blob)| blob))?,
                }
            }
            Err(ReadError::Withdrawn { .. }) => {
                let statement = log.archive().statement(index, log.size())?;
                EntryLeaf { index, statement: LongHash::of(&statement), record: None, blobs: BTreeMap::new() }
            }
            Err(error) => return Err(error.into()),
        };
        leaves.push(leaf.hash());
        act.advance(1);
    }
    Ok(leaves)
}

fn blobs(log: &Log<'_>, named: impl Iterator<Item = Hash>) -> Result<BTreeMap<Hash, Option<LongHash>>, RenewError> {
    let mut found = BTreeMap::new();
    for blob in named {
        let mut hasher = LongHasher::default();
        let copied = log.archive().packs().copy(blob, &mut hasher);
        let hash = match copied {
            Ok(_) => Some(hasher.finish()),
            // A withdrawal took it away, or else `audit` names it: what is not there is not covered.
            Err(PackError::Missing { .. }) => None,
            Err(error) => return Err(RenewError::Blob { blob, reason: with_causes(&error) }),
        };
        found.insert(blob, hash);
    }
    Ok(found)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits in 64 bits")
}

/// How an archive stands with the age of its tokens.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ageing {
    /// The token that stops being good first, among those that no renewal covers: its file, whose it is, and when.
    pub first: Option<(String, String, Time)>,
    /// The size of the newest renewal that somebody has dated.
    pub renewed: Option<u64>,
}

/// Looks at the newest tokens: when the first certificate of a chain ends, or an algorithm is no longer relied upon.
///
/// # Errors
/// When the archive cannot be read.
pub fn ageing(archive: &Archive, trusted: &Authorities) -> Result<Ageing, ArchiveError> {
    let anchors = archive.anchors();
    let mut found = Ageing::default();
    for size in anchors.sizes()?.into_iter().rev().take(LOOKED_AT_COUNT_MAX) {
        let anchor = anchors.read(size)?;
        if found.renewed.is_none() && !anchor.renewal_replies.is_empty() {
            found.renewed = Some(size);
        }
        // A renewal covers the anchors up to its own, and of its own what was there before it.
        let is_renewed = found.renewed.is_some_and(|renewed| size < renewed);
        if is_renewed {
            continue;
        }
        let (dated, text) = (anchor.checkpoint.as_deref(), anchor.renewal.as_deref());
        let replies = anchor
            .replies
            .iter()
            .map(|(name, reply)| (name, anchor::verify(reply, dated.unwrap_or_default(), trusted)));
        let renewals = anchor.renewal_replies.iter();
        let renewals = renewals
            .map(|(name, reply)| (name, anchor::verify_renewal(reply, text.unwrap_or_default(), trusted, None)));
        for (name, verified) in replies.chain(renewals) {
            let Ok(verified) = verified else { continue };
            let end = verified.chain.ends().min(verified.chain.relied_on_until());
            if found.first.as_ref().is_none_or(|(.., first)| end < *first) {
                found.first = Some((format!("anchors/{size}/{name}"), verified.chain.signer().name(), end));
            }
        }
    }
    Ok(found)
}

/// How many of the newest anchors are looked at for what ages.
const LOOKED_AT_COUNT_MAX: usize = 256;

/// Why nothing was renewed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum RenewError {
    #[error("what is held at size {size} is renewed already")]
    Already { size: u64 },
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("blob {blob}: {reason}")]
    Blob { blob: Hash, reason: String },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
}
