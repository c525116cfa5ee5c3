//! Withhold: a bundle leaves out files, or blacks out ranges of a text, and still proves the rest.
//!
//! What is withheld is withheld of every subject that has it: the same file under another record would give it away. Whoever
//! withholds a range of a text withholds all from which it could be read, which is everything the server sent. Then what
//! is left is searched for the very words, so that a provision or an earlier version does not show them after all; words
//! that are spelt otherwise there (in markup, in a picture) are for whoever withholds to look for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::read::{Log, ReadError};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::bundle::layout;
use crate::evidence::bundle::write::Draft;
use crate::evidence::parts::{PartsError, Redacted, Seed};
use crate::evidence::record::{Body, Provision, Record, RecordError, Visit};
use crate::evidence::withheld::{Withheld, WithheldError};

/// The shortest words that are looked for in what is left: shorter ones stand anywhere.
const WORDS_BYTES_MIN: usize = 8;

/// How much of longer words must stand somewhere in one piece to be found: a line, since what is around them may differ.
const WORDS_BYTES_MAX: usize = 48;

/// What a bundle is to withhold, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Withholding {
    /// What.
    pub parts: Vec<Withhold>,
    /// Why.
    pub reason: String,
    /// By whose authority.
    pub authority: String,
}

/// One thing to withhold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Withhold {
    /// A whole file, by its name in the bundle.
    File(String),
    /// Bytes of the text of a capture or check.
    Range(Id, Range<u64>),
}

/// Withholds parts of a bundle whose entries are collected.
///
/// # Errors
/// A [`WithholdError`]: something is not there, cannot be withheld in part, or would be seen all the same.
pub(super) fn withhold(log: &Log<'_>, draft: &mut Draft, order: &Withholding) -> Result<(), WithholdError> {
    let subjects = Subjects::of(draft)?;
    let mut files = BTreeSet::new();
    let mut ranges: BTreeMap<u64, Vec<Range<u64>>> = BTreeMap::new();
    for part in &order.parts {
        match part {
            Withhold::File(name) => drop(files.insert(subjects.file(name)?)),
            Withhold::Range(id, range) => ranges.entry(id.index).or_default().push(range.clone()),
        }
    }
    let mut texts = BTreeMap::new();
    let mut words = BTreeSet::new();
    for (index, ranges) in &ranges {
        let redacted = subjects.redact(log, *index, ranges, &mut words)?;
        texts.insert(*index, redacted);
    }
    let blackened: BTreeSet<Hash> = texts.values().map(|(text, _)| *text).collect();
    for (index, (_, visit)) in &subjects.visits {
        if visit.blobs().iter().any(|blob| blackened.contains(blob)) {
            let own = texts.get(index).map(|(text, _)| *text);
            files.extend(sent(visit).into_iter().filter(|blob| Some(*blob) != own));
        }
    }
    for (index, (_, visit)) in &subjects.visits {
        let text = texts.remove(index);
        let own = text.as_ref().map(|(text, _)| *text);
        let mut left_out: Vec<Hash> =
            visit.blobs().into_iter().filter(|blob| files.contains(blob) && Some(*blob) != own).collect();
        left_out.sort_unstable();
        if left_out.is_empty() {
            continue;
        }
        let (reason, authority) = (order.reason.clone(), order.authority.clone());
        let shown = text.as_ref().map(|(hash, redacted)| (*hash, redacted.ranges()));
        let withheld = Withheld { reason, authority, files: left_out, text: shown };
        withheld.check_words()?;
        draft.withheld.insert(*index, (withheld, text.map(|(_, redacted)| redacted)));
    }
    subjects.check_provisions(draft)?;
    subjects.look_for(log, draft, &words)
}

/// Everything that the server sent and that was made from it: all but the certificates.
fn sent(visit: &Visit) -> Vec<Hash> {
    let chains = visit.exchanges.iter().flat_map(|exchange| &exchange.connection.tls).flat_map(|tls| &tls.chain);
    let certificates: BTreeSet<&Hash> = chains.collect();
    visit.blobs().into_iter().filter(|blob| !certificates.contains(blob)).collect()
}

/// What the bundle is about.
struct Subjects {
    visits: BTreeMap<u64, (Id, Visit)>,
    provisions: Vec<(Id, Provision)>,
}

impl Subjects {
    fn of(draft: &Draft) -> Result<Self, WithholdError> {
        let mut subjects = Self { visits: BTreeMap::new(), provisions: Vec::new() };
        for part in draft.subjects.iter().filter_map(|index| draft.entries.get(index)) {
            let Some(bytes) = &part.record else { continue };
            let record = Record::decode(bytes)?;
            if let Some(visit) = record.body.visit() {
                subjects.visits.insert(record.index, (part.id.clone(), visit.clone()));
            } else if let Body::Provision(provision) = record.body {
                subjects.provisions.push((part.id.clone(), provision));
            }
        }
        Ok(subjects)
    }

    fn file(&self, name: &str) -> Result<Hash, WithholdError> {
        let mut named = self.visits.values().flat_map(|(id, visit)| layout::content(id, visit));
        let found = named.find(|(found, _)| found == name).map(|(_, blob)| blob);
        found.ok_or_else(|| WithholdError::NoFile { name: name.to_owned() })
    }

    /// Blacks out ranges of a text; the words that are to be withheld are kept to be looked for elsewhere.
    fn redact(
        &self,
        log: &Log<'_>,
        index: u64,
        ranges: &[Range<u64>],
        words: &mut BTreeSet<Vec<u8>>,
    ) -> Result<(Hash, Redacted), WithholdError> {
        let (id, visit) = self.visits.get(&index).ok_or(WithholdError::NotSubject { index })?;
        let text = visit.text().ok_or_else(|| WithholdError::NoText { id: id.to_string() })?;
        let parts = text.parts.ok_or_else(|| WithholdError::NoParts { id: id.to_string() })?;
        let read = |blob: Hash| log.archive().packs().read(blob).map_err(ReadError::from);
        let (bytes, seed) = (read(text.sha256)?, read(parts.seed)?);
        let no_parts = || WithholdError::NoParts { id: id.to_string() };
        let seed = Seed::from_slice(&seed).ok_or_else(no_parts)?;
        let bytes = String::from_utf8(bytes).map_err(|_| no_parts())?;
        let redacted = seed.withhold(&bytes, ranges)?;
        let place = |range: &Range<u64>| Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?);
        let asked = ranges.iter().filter_map(|range| bytes.as_bytes().get(place(range)?));
        let asked = asked.filter(|words| words.len() >= WORDS_BYTES_MIN);
        words.extend(asked.flat_map(|words| words.windows(words.len().min(WORDS_BYTES_MAX))).map(<[u8]>::to_vec));
        Ok((text.sha256, redacted))
    }

    /// A provision quotes words, and what stands around them.
    fn check_provisions(&self, draft: &Draft) -> Result<(), WithholdError> {
        for (id, provision) in &self.provisions {
            let Some((withheld, redacted)) = draft.withheld.get(&provision.capture) else { continue };
            let around = |words: &str| u64::try_from(words.len()).unwrap_or(u64::MAX);
            let start = provision.start.saturating_sub(around(&provision.prefix));
            let seen = start..provision.end.saturating_add(around(&provision.suffix));
            let is_seen = redacted.as_ref().is_some_and(|redacted| !redacted.shows(&seen));
            if is_seen || withheld.leaves_out(provision.rendition) {
                return Err(WithholdError::Seen { words: "part of it".to_owned(), at: id.to_string() });
            }
        }
        Ok(())
    }

    /// Looks for the words themselves in every file that is left.
    fn look_for(&self, log: &Log<'_>, draft: &Draft, words: &BTreeSet<Vec<u8>>) -> Result<(), WithholdError> {
        if words.is_empty() {
            return Ok(());
        }
        let lengths: BTreeSet<usize> = words.iter().map(Vec::len).collect();
        let kept = |index: &u64, blob: &Hash| {
            let withheld = draft.withheld.get(index).map(|(withheld, _)| withheld);
            withheld.is_some_and(|one| one.leaves_out(*blob) || one.blackens(*blob))
        };
        let named = self.visits.iter().flat_map(|(index, (id, visit))| {
            layout::content(id, visit).into_iter().map(move |(name, blob)| (*index, name, blob))
        });
        for (index, name, blob) in named.filter(|(index, _, blob)| !kept(index, blob)) {
            if log.withdrawal_of(index, blob)?.is_some() {
                continue;
            }
            let bytes = log.archive().packs().read(blob).map_err(ReadError::from)?;
            let pieces = lengths.iter().flat_map(|length| bytes.windows(*length));
            let found = pieces.into_iter().find(|piece| words.contains(*piece));
            if let Some(words) = found {
                let words = String::from_utf8_lossy(words).chars().take(40).collect();
                return Err(WithholdError::Seen { words, at: name });
            }
        }
        Ok(())
    }
}

/// Why something cannot be withheld.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum WithholdError {
    #[error("the bundle would have no file `{name}` of a capture or check that it is about")]
    NoFile { name: String },
    #[error(
        "{id} was captured without `--redactable`, so that its text cannot be shown in part; whole files can be withheld"
    )]
    NoParts { id: String },
    #[error("{id} has no text of which a range could be withheld")]
    NoText { id: String },
    #[error("entry {index} is not a capture or check that the bundle is about")]
    NotSubject { index: u64 },
    #[error(transparent)]
    Parts(#[from] PartsError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("record")]
    Record(#[from] RecordError),
    #[error("`{at}` would still show what is withheld (`{words}`); withhold it too, or leave it out of the bundle")]
    Seen { words: String, at: String },
    #[error(transparent)]
    Words(#[from] WithheldError),
}
