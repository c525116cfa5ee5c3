//! Calendars: digests of checkpoints are handed in, and the proofs are completed once a block of Bitcoin has them.
//!
//! | quantity  | unit    | range                                                                         |
//! |-----------|---------|-------------------------------------------------------------------------------|
//! | rest      | seconds | [`REST_SECONDS`] after a calendar took a digest                               |
//! | looked at | anchors | the newest [`LOOKED_AT_COUNT_MAX`], when nobody asked for all                 |
//!
//! A calendar's first answer is a promise: the proof is kept and is *pending*. Hours later the calendar has the rest of the
//! path; the complete proof takes the pending one's place. Where a header of the block can be had, from a node or from
//! `keys/blocks`, the proof is checked against it and the header is kept beside the proof; where none can, the
//! proof is kept unchecked, and whoever verifies it brings the block.
//!
//! Nothing waits for a calendar but the one who asks. An archive that names calendars in `archive.toml` hands in a digest
//! after a publication, at most once an hour to each, because a block comes every ten minutes and those who keep
//! calendars are not paid; it asks for what is pending as it asks authorities, and rests after each failure
//! ([`super::pending`]). That a block has nothing yet is a failure like any other here.
//!
//! A proof names who is to be asked for the rest. Only those are asked that the operator has named, and those that the
//! reference client asks unbidden.

use super::pending::{Attempt, Pending};
use super::read::{Log, ReadError};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::outside::archive::anchors::Anchors;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::authority::{self, AskError};
use crate::outside::calendar::{CalendarClient, is_well_known};
use crate::outside::node::{Node, NodeError};
use crate::timestamp::opentimestamps::blocks::Blocks;
use crate::timestamp::opentimestamps::header::{Header, HeaderError};
use crate::timestamp::opentimestamps::proof::{BlockProof, ProofError, Waiting};

/// How long a calendar rests after it took a digest.
pub const REST_SECONDS: u64 = 3600;

/// How many of the newest anchors are looked at by the way.
pub const LOOKED_AT_COUNT_MAX: usize = 256;

/// Calendars: the network, or what a test puts in its place.
pub trait Calendars {
    /// Hands in a digest.
    ///
    /// # Errors
    /// An [`AskError`] that says how far it came.
    fn submit(&self, url: &str, digest: &[u8]) -> Result<Vec<u8>, AskError>;

    /// Asks what is known of a commitment; nothing when it has to wait.
    ///
    /// # Errors
    /// An [`AskError`] that says how far it came.
    fn fetch(&self, url: &str, commitment: &[u8]) -> Result<Option<Vec<u8>>, AskError>;
}

impl Calendars for CalendarClient {
    fn submit(&self, url: &str, digest: &[u8]) -> Result<Vec<u8>, AskError> {
        Self::submit(self, url, digest)
    }

    fn fetch(&self, url: &str, commitment: &[u8]) -> Result<Option<Vec<u8>>, AskError> {
        Self::fetch(self, url, commitment)
    }
}

/// Who gives headers by height: a node, or what a test puts in its place.
pub trait Chain {
    /// Returns the header at a height.
    ///
    /// # Errors
    /// A [`NodeError`].
    fn header(&self, height: u64) -> Result<Header, NodeError>;
}

impl Chain for Node {
    fn header(&self, height: u64) -> Result<Header, NodeError> {
        Self::header(self, height)
    }
}

/// Whether those who rest are asked all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Urgency {
    /// Somebody asks for it.
    Now,
    /// By the way: those who rest are left alone, and old anchors too.
    WhenDue,
}

/// Where the rest of a path comes from, and the headers that it is held to.
#[derive(Clone, Copy)]
pub struct Sources<'s> {
    /// Who is asked for paths.
    pub calendars: &'s dyn Calendars,
    /// The blocks that are written down.
    pub blocks: &'s Blocks,
    /// A node, when one may be asked.
    pub chain: Option<&'s dyn Chain>,
}

/// What handing in came to.
#[derive(Debug)]
pub struct Submitted {
    /// The size of the checkpoint that was to be dated.
    pub size: u64,
    /// What each calendar answered.
    pub answers: Vec<(String, Result<Kept, CalendarError>)>,
    /// Those that were not asked because they rest, and until when.
    pub resting: Vec<(String, Time)>,
}

/// A proof that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kept {
    /// Its name below `anchors/`, as `12/a.example-0f3a91c2d4e5b607.ots`.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: Hash,
}

/// What one proof came to.
#[derive(Debug)]
pub struct Looked {
    /// The size of the checkpoint that it is over.
    pub size: u64,
    /// The proof that was looked at, by its name.
    pub name: String,
    /// Who was asked for it.
    pub calendars: Vec<String>,
    /// What came of it.
    pub outcome: Result<Found, CalendarError>,
}

/// How far a proof is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// It ends at a block.
    Complete {
        /// The proof as it is kept now.
        kept: Kept,
        /// The block's height.
        height: u64,
        /// The block's own time, when its header is known and the proof was checked against it.
        time: Option<Time>,
    },
    /// No block has it yet.
    Pending,
}

/// Hands the newest checkpoint's digest to those calendars that do not have it.
///
/// # Errors
/// A [`CalendarError`] when there is no checkpoint, or the disk fails; what a calendar gets wrong is in its answer.
pub fn submit(
    archive: &Archive,
    urls: &[String],
    calendars: &dyn Calendars,
    urgency: Urgency,
    now: Time,
) -> Result<Submitted, CalendarError> {
    let (log, head) = Log::published(archive)?;
    let anchors = archive.anchors();
    let here = anchors.read(log.size())?;
    let mut pending = Pending::read(archive);
    let mut submitted = Submitted { size: log.size(), answers: Vec::new(), resting: Vec::new() };
    for url in urls.iter().filter(|url| !has_taken(&here, url)) {
        let attempts = pending.of(std::slice::from_ref(url));
        if let (Urgency::WhenDue, Some(next)) = (urgency, Attempt::rest(&attempts, url, now)) {
            submitted.resting.push((url.clone(), next));
            continue;
        }
        // A checkpoint that was dated before is dated again as it lies there: signatures may have been added since.
        let dated = here.checkpoint.clone().unwrap_or_else(|| head.encode());
        let outcome = submit_one(&anchors, log.size(), &dated, url, calendars);
        match &outcome {
            Ok(_) => pending.rest(url, REST_SECONDS, now),
            Err(error) => pending.note(url, Some(error), now),
        }
        submitted.answers.push((url.clone(), outcome));
    }
    if !submitted.answers.is_empty() {
        pending.write(archive)?;
    }
    Ok(submitted)
}

/// Says whether a calendar has given a proof over an anchor.
fn has_taken(anchor: &AnchorBytes, url: &str) -> bool {
    let stem = anchor::stem(&authority::label_of(url), b"");
    let (label, _) = stem.rsplit_once('-').unwrap_or_default();
    anchor.proofs.iter().any(|(name, _)| name.rsplit_once('-').is_some_and(|(named, _)| named == label))
}

fn submit_one(
    anchors: &Anchors,
    size: u64,
    dated: &[u8],
    url: &str,
    calendars: &dyn Calendars,
) -> Result<Kept, CalendarError> {
    let digest = Hash::of(dated);
    let answer = calendars.submit(url, digest.as_bytes())?;
    let proof = BlockProof::answered(digest, &answer)?;
    if !proof.is_complete() && proof.waiting().is_empty() {
        return Err(ProofError::NoBlock.into());
    }
    if anchors.keep_checkpoint(size, dated)? != dated {
        return Err(CalendarError::Overtaken { size });
    }
    keep(anchors, size, &authority::label_of(url), &proof)
}

fn keep(anchors: &Anchors, size: u64, label: &str, proof: &BlockProof) -> Result<Kept, CalendarError> {
    let bytes = proof.encode();
    let stem = anchor::stem(label, &bytes);
    anchors.keep_proof(size, &stem, &bytes)?;
    Ok(Kept { name: format!("{size}/{stem}{}", anchor::PROOF_EXTENSION), sha256: Hash::of(&bytes) })
}

/// Asks calendars for the rest of what is pending, and a node for headers that are missing. `named` are calendars that
/// may be asked besides the well-known ones.
///
/// # Errors
/// A [`CalendarError`] when the archive cannot be read; what went wrong with one proof is in what is said of it.
pub fn complete(
    archive: &Archive,
    named: &[String],
    sources: Sources<'_>,
    urgency: Urgency,
    now: Time,
) -> Result<Vec<Looked>, CalendarError> {
    let (log, _) = Log::published(archive)?;
    let anchors = archive.anchors();
    let count_max = if urgency == Urgency::Now { usize::MAX } else { LOOKED_AT_COUNT_MAX };
    let sizes: Vec<u64> =
        anchors.sizes()?.into_iter().filter(|size| *size <= log.size()).rev().take(count_max).collect();
    let mut completing = Completing {
        anchors: &anchors,
        named,
        sources,
        urgency,
        now,
        pending: Pending::read(archive),
        silent: Vec::new(),
    };
    let mut looked = Vec::new();
    for size in sizes.into_iter().rev() {
        if !anchors.has_proofs(size)? {
            continue;
        }
        let anchor = anchors.read(size)?;
        for (name, bytes) in &anchor.proofs {
            looked.extend(completing.look(&anchor, name, bytes));
        }
    }
    if !looked.is_empty() {
        completing.pending.write(archive)?;
    }
    Ok(looked)
}

struct Completing<'c> {
    anchors: &'c Anchors,
    named: &'c [String],
    sources: Sources<'c>,
    urgency: Urgency,
    now: Time,
    pending: Pending,
    /// The calendars that did not answer just now: none is waited for twice.
    silent: Vec<String>,
}

impl Completing<'_> {
    /// Looks at one proof; nothing is said of one for which there is nothing to do.
    fn look(&mut self, anchor: &AnchorBytes, name: &str, bytes: &[u8]) -> Option<Looked> {
        let mut looked =
            Looked { size: anchor.size, name: name.to_owned(), calendars: Vec::new(), outcome: Ok(Found::Pending) };
        let Ok(proof) = BlockProof::parse(bytes) else { return None }; // What is damaged is for `audit`.
        if proof.is_complete() {
            let lacks = |height: u64| !anchor.headers.iter().any(|(held, _)| *held == height);
            let is_lacking =
                proof.blocks().any(|(height, root)| root.is_some() && lacks(height) && self.is_known(height));
            if !is_lacking {
                return None;
            }
            looked.outcome = self.settle(anchor, name, &proof, None);
            return Some(looked);
        }
        let due: Vec<Waiting> = proof.waiting().into_iter().filter(|waiting| self.is_due(waiting)).collect();
        if due.is_empty() {
            return None;
        }
        looked.calendars = due.iter().map(|waiting| waiting.calendar.clone()).collect();
        looked.outcome = self.ask(anchor, name, proof, &due);
        Some(looked)
    }

    /// Says whether a header can be had.
    fn is_known(&self, height: u64) -> bool {
        self.sources.chain.is_some() || self.sources.blocks.header(height).is_some()
    }

    fn is_due(&self, waiting: &Waiting) -> bool {
        let key = key_of(waiting);
        let attempts = self.pending.of(std::slice::from_ref(&key));
        self.urgency == Urgency::Now || Attempt::rest(&attempts, &key, self.now).is_none()
    }

    fn ask(
        &mut self,
        anchor: &AnchorBytes,
        name: &str,
        mut proof: BlockProof,
        due: &[Waiting],
    ) -> Result<Found, CalendarError> {
        let mut worst = None;
        let mut is_new = false;
        for waiting in due {
            let asked = self.fetch(waiting).and_then(|answer| match answer {
                Some(answer) => Ok(proof.take(&waiting.commitment, &answer)?),
                None => Ok(false),
            });
            let said = match asked {
                Ok(took) => {
                    is_new |= took;
                    let nothing = CalendarError::NotYet { calendar: waiting.calendar.clone() };
                    (!proof.is_complete()).then_some(nothing)
                }
                Err(error) => Some(error),
            };
            self.pending.note(&key_of(waiting), said.as_ref(), self.now);
            worst = worst.or(said.filter(|error| !matches!(error, CalendarError::NotYet { .. })));
        }
        match worst {
            _ if is_new => self.settle(anchor, name, &proof, Some(name)),
            Some(error) => Err(error),
            None => Ok(Found::Pending),
        }
    }

    fn fetch(&mut self, waiting: &Waiting) -> Result<Option<Vec<u8>>, CalendarError> {
        let calendar = waiting.calendar.trim_end_matches('/');
        let is_named = self.named.iter().any(|url| url.trim_end_matches('/') == calendar);
        if !is_named && !is_well_known(calendar) {
            return Err(CalendarError::Unnamed { calendar: calendar.to_owned() });
        }
        if self.silent.iter().any(|silent| silent == calendar) {
            return Err(CalendarError::Silent { calendar: calendar.to_owned() });
        }
        let answer = self.sources.calendars.fetch(calendar, &waiting.commitment);
        if answer.is_err() {
            self.silent.push(calendar.to_owned());
        }
        Ok(answer?)
    }

    /// Checks a proof against the headers that can be had, keeps it, and them, and takes the one that it replaces away.
    ///
    /// The order on disk: headers, proof, then the old proof goes. *A crash between* leaves two proofs over one
    /// checkpoint, of which the pending one is asked for again and becomes the other.
    fn settle(
        &mut self,
        anchor: &AnchorBytes,
        name: &str,
        proof: &BlockProof,
        replaced: Option<&str>,
    ) -> Result<Found, CalendarError> {
        proof.check_digest(anchor.checkpoint.as_deref().unwrap_or_default())?;
        let mut first: Option<(u64, Option<Time>)> = None;
        for (height, root) in proof.blocks().filter_map(|(height, root)| Some((height, root?))) {
            let time = match self.header(height)? {
                Some(header) => Some(self.hold_to(anchor.size, height, root, &header)?),
                None => None,
            };
            first = first.filter(|(earlier, _)| *earlier <= height).or(Some((height, time)));
        }
        let label = name.rsplit_once('-').map_or("calendar", |(label, _)| label);
        let kept = keep(self.anchors, anchor.size, label, proof)?;
        if let Some(replaced) = replaced.filter(|replaced| !kept.name.ends_with(&format!("/{replaced}"))) {
            self.anchors.remove_proof(anchor.size, replaced)?;
        }
        Ok(match first {
            Some((height, time)) => Found::Complete { kept, height, time },
            None => Found::Pending,
        })
    }

    /// Compares a path's end with a header, keeps the header, and returns the block's time.
    fn hold_to(&self, size: u64, height: u64, root: &[u8], header: &Header) -> Result<Time, CalendarError> {
        if header.merkle_root() != root {
            return Err(ProofError::OtherRoot { height, hash: header.hash() }.into());
        }
        header.check_work(self.sources.blocks.network())?;
        self.anchors.keep_header(size, height, header.as_bytes())?;
        Ok(header.time()?)
    }

    fn header(&self, height: u64) -> Result<Option<Header>, CalendarError> {
        match (self.sources.blocks.header(height), self.sources.chain) {
            (Some(header), _) => Ok(Some(header)),
            (None, Some(chain)) => Ok(Some(chain.header(height)?)),
            (None, None) => Ok(None),
        }
    }
}

/// Under what a question to a calendar is remembered.
fn key_of(waiting: &Waiting) -> String {
    format!(
        "{}/timestamp/{}",
        waiting.calendar.trim_end_matches('/'),
        data_encoding::HEXLOWER.encode(&waiting.commitment)
    )
}

/// How an archive stands with calendars.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    /// The size of the published checkpoint.
    pub size: u64,
    /// The newest size that a block has, when one has.
    pub complete: Option<u64>,
    /// The newest size that a calendar has.
    pub taken: Option<u64>,
    /// How many proofs are pending among the newest anchors.
    pub pending: usize,
    /// The heights of blocks whose headers are not held.
    pub without_header: Vec<u64>,
    /// What went wrong with those that were asked for a proof.
    pub attempts: Vec<Attempt>,
}

/// Says how an archive stands with some calendars.
///
/// # Errors
/// When the archive cannot be read.
pub fn standing(archive: &Archive, urls: &[String]) -> Result<Standing, CalendarError> {
    let (log, _) = Log::published(archive)?;
    let anchors = archive.anchors();
    let attempts = Pending::read(archive).of(urls).into_iter().filter(|attempt| attempt.failures > 0).collect();
    let mut standing = Standing { size: log.size(), attempts, ..Standing::default() };
    let sizes = anchors.sizes()?.into_iter().filter(|size| *size <= log.size()).rev();
    for size in sizes.take(LOOKED_AT_COUNT_MAX) {
        if !anchors.has_proofs(size)? {
            continue;
        }
        let anchor = anchors.read(size)?;
        standing.taken = standing.taken.or(Some(size));
        for proof in anchor.proofs.iter().filter_map(|(_, bytes)| BlockProof::parse(bytes).ok()) {
            if !proof.is_complete() {
                standing.pending += 1;
                continue;
            }
            standing.complete = standing.complete.or(Some(size));
            let held = |height: &u64| anchor.headers.iter().any(|(held, _)| held == height);
            standing.without_header.extend(proof.blocks().map(|(height, _)| height).filter(|height| !held(height)));
        }
    }
    Ok(standing)
}

/// Why a calendar's proof is not kept, or not complete.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CalendarError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("the block")]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("no block has it yet, says `{calendar}`")]
    NotYet { calendar: String },
    #[error("another program kept another checkpoint of size {size} at the same moment")]
    Overtaken { size: u64 },
    #[error("the answer is refused")]
    Proof(#[from] ProofError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("`{calendar}` did not answer just now")]
    Silent { calendar: String },
    #[error("the proof names the calendar `{calendar}`, which nobody here has named; --calendar {calendar} does")]
    Unnamed { calendar: String },
}

impl CalendarError {
    /// Says it with its causes.
    #[must_use]
    pub fn in_full(&self) -> String {
        with_causes(self)
    }
}
