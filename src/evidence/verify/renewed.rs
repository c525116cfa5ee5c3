//! Renewals, judged: what was there by when, whatever became of the tokens before.

use super::source::Source;

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::bundle::layout;
use crate::evidence::record::Record;
use crate::evidence::renewal::{self, EntryLeaf, LongHash, LongHasher, Path, Renewal, anchor_leaf};
use crate::log::checkpoint::SignedCheckpoint;
use crate::timestamp::authorities::Authorities;
use crate::timestamp::reply::ReplyError;
use crate::timestamp::token::Verified;

/// The renewals that hold, each with the moment by which it was there.
#[derive(Default)]
pub(super) struct Renewals {
    dated: Vec<(Renewal, Vec<Path>, Time)>,
}

/// What one renewal says of a record.
pub(super) struct Renewing {
    /// The anchor's size.
    pub(super) size: u64,
    /// What its tokens came to, by name: who says when, or what is wrong.
    pub(super) tokens: Vec<(String, Result<Verified, Refused>)>,
    /// Whether the record is covered.
    pub(super) covered: Covered,
}

/// Why a renewal's token says nothing.
pub(super) enum Refused {
    /// It contradicts.
    Wrong(String),
    /// This reader cannot tell.
    Unknown(String),
}

impl Refused {
    fn of(error: &ReplyError) -> Self {
        let found = with_causes(error);
        if anchor::is_contradiction(error) { Self::Wrong(found) } else { Self::Unknown(found) }
    }
}

/// Whether a record's bytes are those that were covered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Covered {
    /// They are.
    Yes,
    /// They are others.
    No,
    /// Something of it was withdrawn since, so nobody can tell.
    Withdrawn,
    /// The record came later.
    Later,
}

impl Renewals {
    /// Returns by when a file of an anchor was there already.
    pub(super) fn seen(&self, size: u64, name: &str, bytes: &[u8]) -> Option<Time> {
        let leaf = anchor_leaf(size, name, bytes);
        let covering = self.dated.iter().filter(|(renewal, paths, _)| renewal.covers(leaf, None, paths));
        covering.map(|(.., time)| *time).min()
    }

    /// Judges the renewals among some anchors, the latest first: a later one covers the tokens of those before it.
    pub(super) fn judge(
        source: &dyn Source,
        subject: &Id,
        record: &Record,
        anchors: &[AnchorBytes],
        authorities: &Authorities,
    ) -> (Self, Vec<Result<Renewing, String>>) {
        let mut renewals = Self::default();
        let mut judged = Vec::new();
        let mut with: Vec<&AnchorBytes> = anchors.iter().filter(|anchor| anchor.renewal.is_some()).collect();
        with.sort_by_key(|anchor| std::cmp::Reverse(anchor.size));
        if with.is_empty() {
            return (renewals, judged);
        }
        let leaf = leaf_of(source, subject, record);
        for anchor in with {
            judged.push(renewals.judge_one(anchor, record, leaf.as_ref(), authorities));
        }
        (renewals, judged)
    }

    fn judge_one(
        &mut self,
        anchor: &AnchorBytes,
        record: &Record,
        leaf: Option<&EntryLeaf>,
        authorities: &Authorities,
    ) -> Result<Renewing, String> {
        let text = anchor.renewal.as_deref().unwrap_or_default();
        let renewal = Renewal::parse(text).ok_or("no renewal's text")?;
        let signed = SignedCheckpoint::parse(anchor.checkpoint.as_deref().unwrap_or_default());
        if !signed.is_ok_and(|signed| renewal.is_of(signed.checkpoint())) {
            return Err("a renewal of another checkpoint than the one beside it".to_owned());
        }
        let paths = anchor.renewal_paths.as_deref().and_then(renewal::read_paths).ok_or("no paths beside it")?;
        let mut tokens = Vec::new();
        let mut earliest: Option<Time> = None;
        for (name, reply) in &anchor.renewal_replies {
            let seen = self.seen(anchor.size, name, reply);
            let verified = anchor::verify_renewal(reply, text, authorities, seen);
            if let Ok(verified) = &verified {
                earliest = earliest.into_iter().chain([verified.no_later_than]).min();
            }
            tokens.push((name.clone(), verified.map_err(|error| Refused::of(&error))));
        }
        let covered = match leaf {
            _ if record.index >= renewal.size => Covered::Later,
            Some(leaf) if renewal.covers(leaf.hash(), Some(record.index), &paths) => Covered::Yes,
            Some(leaf) if leaf.record.is_some() && leaf.blobs.values().all(Option::is_some) => Covered::No,
            _ => Covered::Withdrawn,
        };
        if let Some(time) = earliest {
            self.dated.push((renewal, paths, time));
        }
        Ok(Renewing { size: anchor.size, tokens, covered })
    }
}

/// Hashes a record's bytes anew; nothing when some of them cannot be read.
fn leaf_of(source: &dyn Source, subject: &Id, record: &Record) -> Option<EntryLeaf> {
    let entry = source.entry(record.index).ok().flatten()?;
    let named = record.body.visit().map(|visit| layout::content(subject, visit)).unwrap_or_default();
    let hash = |blob: Hash| {
        let mut hasher = LongHasher::default();
        source.copy_blob(subject, blob, &mut hasher).ok().map(|()| hasher.finish())
    };
    Some(EntryLeaf {
        index: record.index,
        statement: LongHash::of(entry.statement.as_deref()?),
        record: entry.record.as_deref().map(LongHash::of),
        blobs: named.into_iter().map(|(_, blob)| (blob, hash(blob))).collect(),
    })
}
