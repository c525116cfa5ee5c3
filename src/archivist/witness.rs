//! Witness: other parties are shown the newest checkpoint, with the proof that the log only grew, and their lines are kept.
//!
//! | quantity | unit  | range                                                            |
//! |----------|-------|------------------------------------------------------------------|
//! | requests | count | at most two to each witness: one, and one more after its 409     |
//! | look     | sizes | the `LOOK_BACK_COUNT_MAX` newest anchors, for what a witness has seen |
//!
//! Which witnesses are asked stands in the policy, not in `archive.toml` as the authorities do: a line of the policy binds a
//! witness's key to the address at which it takes checkpoints, and without its key nothing that it says can be checked.
//! The witnesses with an address are asked after each publication; one of which two keys are listed is asked once.
//!
//! What a witness answers is checked before it is kept: each line by a key of the policy must be good over the checkpoint, and
//! not of a time that is yet to come; lines by other keys are passed over. It is kept beside the checkpoint that it is over
//! ([`crate::evidence::anchor`]), and then its lines are put under the published checkpoint too, if that is still the same one:
//! whoever reads the log gets them with it. A crash between the two leaves lines that are kept and not shown yet; the next
//! asking shows them.
//!
//! Nothing waits for a witness but the one who asks ([`super::pending`]). A witness that missed any number of checkpoints
//! is caught up by one call, with the proof from the last that it has seen.
//!
//! A witness that has seen more than the archive holds ([`Unwitnessed::Ahead`]) says that this archive is an older copy: before
//! it signs anything the writer asks ([`sizes_seen`]). One that cannot be reached, or rests, is named and not waited for: the
//! keyring's own memory stands ([`super::append`]). One that lies stops the archive until its line is taken out of the policy.

use super::anchors;
use super::pending::{Attempt, Pending};
use super::read::{Log, ReadError};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::anchor;
use crate::evidence::verify::CLOCK_SKEW_SECONDS_MAX;
use crate::log::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::log::consistency::ConsistencyProof;
use crate::log::merkle;
use crate::log::note::NoteSignature;
use crate::log::policy::Policy;
use crate::log::vkey::VerifierKey;
use crate::log::witness::{ANSWER_BYTES_MAX, AddCheckpoint, AnswerError, SIZE_TYPE, decode_size, parse_lines};
use crate::outside::archive::{Archive, ArchiveError, journal};
use crate::outside::caller::{Answer, Call, CallError, Caller};

/// How many anchors are looked at for the last that a witness has signed. Where none is found its 409 says more.
const LOOK_BACK_COUNT_MAX: usize = 64;

/// The most characters of an answer's body that are shown.
const SAID_LENGTH_MAX: usize = 120;

/// Takes requests to witnesses: the network, or what a test puts in its place.
pub trait Submit {
    /// Sends each request to the witness at its address, and returns what comes back, in their order.
    fn submit(&self, requests: Vec<(String, Vec<u8>)>) -> Vec<Result<Answer, CallError>>;
}

impl Submit for Caller {
    fn submit(&self, requests: Vec<(String, Vec<u8>)>) -> Vec<Result<Answer, CallError>> {
        let call = |(url, request): (String, Vec<u8>)| Call {
            url: format!("{}/add-checkpoint", url.trim_end_matches('/')),
            body: Some(("text/plain", request)),
            bytes_max: ANSWER_BYTES_MAX,
        };
        self.call_all(requests.into_iter().map(call).collect())
    }
}

/// A witness that can be asked: its address, and its keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Party {
    /// Where it takes checkpoints.
    pub url: String,
    /// The keys by which it signs.
    pub keys: Vec<VerifierKey>,
}

/// Returns the witnesses of a policy that have an address.
#[must_use]
pub fn parties(policy: &Policy) -> Vec<Party> {
    let mut parties: Vec<Party> = Vec::new();
    for witness in policy.witnesses() {
        let Some(url) = witness.url.as_ref().map(ToString::to_string) else { continue };
        match parties.iter_mut().find(|party| party.url == url) {
            Some(party) => party.keys.push(witness.key.clone()),
            None => parties.push(Party { url, keys: vec![witness.key.clone()] }),
        }
    }
    parties
}

/// What asking came to.
#[derive(Debug)]
pub struct Witnessed {
    /// The size of the checkpoint that was shown.
    pub size: u64,
    /// What each witness answered, in the order in which they were asked.
    pub answers: Vec<WitnessAnswer>,
    /// Those that were not asked because they failed not long ago, and when they will be.
    pub resting: Vec<(String, Time)>,
}

/// What one witness answered.
#[derive(Debug)]
pub struct WitnessAnswer {
    /// Whom was asked.
    pub url: String,
    /// What was kept, at least one line, or why nothing was.
    pub outcome: Result<Vec<Cosigned>, Unwitnessed>,
}

/// A cosignature that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cosigned {
    /// The file's name below `anchors/`.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: Hash,
    /// Whose key signed.
    pub witness: VerifierKey,
    /// When, by the witness's word, if it says.
    pub time: Option<Time>,
}

/// Shows the newest checkpoint to witnesses, whether or not they have signed it.
///
/// # Errors
/// A [`WitnessError`] when there is no checkpoint, or the disk fails; what a witness gets wrong is in its answer.
pub fn ask(archive: &Archive, parties: &[Party], submit: &dyn Submit, now: Time) -> Result<Witnessed, WitnessError> {
    let (log, head) = Log::published(archive)?;
    let showing = Showing::new(&log, &head, now)?;
    let known = parties.iter().map(|party| showing.last_seen(party)).collect::<Result<Vec<_>, _>>()?;
    let answers = showing.ask(parties, &known, submit)?;
    showing.finish(parties, answers)
}

/// Shows the newest checkpoint to those witnesses that have not signed it and are not resting.
///
/// # Errors
/// As [`ask`].
pub fn catch_up(
    archive: &Archive,
    parties: &[Party],
    submit: &dyn Submit,
    now: Time,
) -> Result<Witnessed, WitnessError> {
    let state = state(archive, parties)?;
    let resting = |url: &String| Attempt::rest(&state.attempts, url, now);
    let waiting = state.pending.iter().filter_map(|url| Some((url.clone(), resting(url)?))).collect();
    let is_due = |party: &&Party| state.pending.contains(&party.url) && resting(&party.url).is_none();
    let due: Vec<Party> = parties.iter().filter(is_due).cloned().collect();
    if due.is_empty() {
        return Ok(Witnessed { size: state.size, answers: Vec::new(), resting: waiting });
    }
    Ok(Witnessed { resting: waiting, ..ask(archive, &due, submit, now)? })
}

/// How an archive stands with witnesses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    /// The size of the published checkpoint.
    pub size: u64,
    /// The size of the newest checkpoint that has a cosignature, when one has.
    pub cosigned: Option<u64>,
    /// The witnesses among those in question that have not signed the published checkpoint, by address.
    pub pending: Vec<String>,
    /// What was tried in vain.
    pub attempts: Vec<Attempt>,
}

/// Says how an archive stands with some witnesses.
///
/// # Errors
/// When the archive cannot be read.
pub fn state(archive: &Archive, parties: &[Party]) -> Result<State, WitnessError> {
    let (log, head) = Log::published(archive)?;
    let checkpoint = head.checkpoint();
    let here = archive.anchors().read(log.size())?;
    let is_here = !anchors::cosignatures(&here, checkpoint.root).is_empty();
    let lines: Vec<NoteSignature> = if is_here { lines_of(&here.cosignatures) } else { Vec::new() };
    let has_signed = |party: &Party| party.keys.iter().any(|key| lines.iter().any(|line| line.names(key)));
    let pending = parties.iter().filter(|party| !has_signed(party)).map(|party| party.url.clone()).collect();
    let root_at = |size| {
        if size == log.size() {
            return Some(checkpoint.root);
        }
        merkle::root(&archive.nodes(log.size()), size).ok()
    };
    let newest = anchors::newest_with(archive, log.size(), root_at, anchors::cosignatures)?;
    let urls: Vec<String> = parties.iter().map(|party| party.url.clone()).collect();
    let attempts = Pending::read(archive).of(&urls);
    Ok(State { size: log.size(), cosigned: newest.map(|after| after.size), pending, attempts })
}

/// Returns the newest checkpoint that a key has cosigned, as far as the archive holds it: its size and the line.
///
/// # Errors
/// When the archive cannot be read.
pub fn newest_by(
    archive: &Archive,
    key: &VerifierKey,
    size_max: u64,
) -> Result<Option<(u64, NoteSignature)>, ArchiveError> {
    let anchors = archive.anchors();
    let sizes = anchors.sizes()?.into_iter().filter(|size| *size <= size_max).rev();
    for size in sizes.take(LOOK_BACK_COUNT_MAX) {
        let lines = lines_of(&anchors.read(size)?.cosignatures);
        if let Some(line) = lines.into_iter().find(|line| line.names(key)) {
            return Ok(Some((size, line)));
        }
    }
    Ok(None)
}

fn lines_of(cosignatures: &[(String, Vec<u8>)]) -> Vec<NoteSignature> {
    cosignatures.iter().filter_map(|(_, bytes)| anchor::read_cosignature(bytes)).collect()
}

/// What witnesses say of how long the log is.
#[derive(Debug)]
pub struct SizesSeen {
    /// How many entries the archive holds, those included that only its journal does.
    pub held: u64,
    /// The sizes that witnesses have seen, by address.
    pub seen: Vec<(String, u64)>,
    /// Those that did not say, and why.
    pub silent: Vec<(String, String)>,
}

impl SizesSeen {
    /// Returns a witness that has seen more than the archive holds.
    #[must_use]
    pub fn ahead(&self) -> Option<(&str, u64)> {
        let ahead = self.seen.iter().filter(|(_, size)| *size > self.held).max_by_key(|(_, size)| *size);
        ahead.map(|(url, size)| (url.as_str(), *size))
    }
}

/// Asks witnesses up to which size they have seen the log, before anything is signed. Those that rest are not asked.
///
/// The question is a request from size 0, which a witness that knows the log refuses with its size; one that does not, signs,
/// and its line is kept.
///
/// # Errors
/// As [`ask`]. An archive without a checkpoint has nothing to ask about.
pub fn sizes_seen(
    archive: &Archive,
    parties: &[Party],
    submit: &dyn Submit,
    now: Time,
) -> Result<SizesSeen, WitnessError> {
    let (log, published) = Log::published(archive)?;
    let journalled = journal::read(archive.folder()).ok().flatten().map_or(0, |found| found.size());
    let held = journalled.max(log.size());
    let urls: Vec<String> = parties.iter().map(|party| party.url.clone()).collect();
    let attempts = Pending::read(archive).of(&urls);
    let mut sizes = SizesSeen { held, seen: Vec::new(), silent: Vec::new() };
    let mut asked = Vec::new();
    for party in parties {
        match Attempt::rest(&attempts, &party.url, now) {
            Some(next) => {
                sizes.silent.push((
                    party.url.clone(),
                    format!("it failed not long ago, and is asked again after {}", next.to_second()),
                ));
            }
            None => asked.push(party.clone()),
        }
    }
    let showing = Showing::new(&log, &published, now)?;
    let question = |party: &Party| Ok::<_, WitnessError>((party.url.clone(), showing.request(0)?));
    let answers = submit.submit(asked.iter().map(question).collect::<Result<_, _>>()?);
    let mut pending = Pending::read(archive);
    for (party, answer) in asked.iter().zip(answers) {
        match showing.judge(party, answer) {
            Judged::Seen(size) => sizes.seen.push((party.url.clone(), size)),
            Judged::Signed(lines) => {
                showing.keep(&lines)?;
                sizes.seen.push((party.url.clone(), 0));
            }
            Judged::Not(error) => {
                pending.note(&party.url, Some(&error), now);
                sizes.silent.push((party.url.clone(), with_causes(&error)));
            }
        }
    }
    pending.write(archive)?;
    Ok(sizes)
}

/// One checkpoint that is shown to witnesses.
struct Showing<'s> {
    log: &'s Log<'s>,
    head: &'s SignedCheckpoint,
    /// The head with the log's own lines alone.
    bare: SignedCheckpoint,
    now: Time,
}

/// What a witness's answer comes to.
enum Judged {
    /// It has seen the log up to another size than was thought.
    Seen(u64),
    /// Good lines, at least one.
    Signed(Vec<(VerifierKey, NoteSignature, Option<Time>)>),
    /// Nothing.
    Not(Unwitnessed),
}

impl<'s> Showing<'s> {
    fn new(log: &'s Log<'s>, head: &'s SignedCheckpoint, now: Time) -> Result<Self, WitnessError> {
        let origin = &head.checkpoint().origin;
        let bare = head.only(|line| line.name.as_str() == origin.as_str()).map_err(ReadError::from)?;
        Ok(Self { log, head, bare, now })
    }

    fn size(&self) -> u64 {
        self.head.checkpoint().size
    }

    /// Returns the size of the last checkpoint that a witness has signed, as far as the archive knows.
    fn last_seen(&self, party: &Party) -> Result<u64, WitnessError> {
        let mut seen = 0;
        for key in &party.keys {
            seen = seen.max(newest_by(self.log.archive(), key, self.size())?.map_or(0, |(size, _)| size));
        }
        Ok(seen)
    }

    fn request(&self, old_size: u64) -> Result<Vec<u8>, WitnessError> {
        let nodes = self.log.archive().nodes(self.size());
        let proof = ConsistencyProof::make(&nodes, old_size, self.size())
            .map_err(|error| ReadError::Consistency { size: old_size, reason: error.to_string() })?;
        let checkpoint = self.bare.clone();
        Ok(AddCheckpoint { old_size, path: proof.path, checkpoint }.encode())
    }

    /// Asks each witness once, and those that have seen another size than was thought once more.
    fn ask(&self, parties: &[Party], known: &[u64], submit: &dyn Submit) -> Result<Vec<Judged>, WitnessError> {
        let requests = parties.iter().zip(known).map(|(party, old)| Ok((party.url.clone(), self.request(*old)?)));
        let first = submit.submit(requests.collect::<Result<_, WitnessError>>()?);
        let mut judged: Vec<Judged> =
            parties.iter().zip(first).map(|(party, answer)| self.judge(party, answer)).collect();
        let again: Vec<(usize, u64)> = (0..)
            .zip(&judged)
            .zip(known)
            .filter_map(|((place, judged), known)| match judged {
                Judged::Seen(seen) if *seen <= self.size() && seen != known => Some((place, *seen)),
                _ => None,
            })
            .collect();
        let requests = again.iter().map(|(place, seen)| Ok((parties[*place].url.clone(), self.request(*seen)?)));
        let second = submit.submit(requests.collect::<Result<_, WitnessError>>()?);
        for ((place, _), answer) in again.iter().zip(second) {
            judged[*place] = self.judge(&parties[*place], answer);
        }
        Ok(judged)
    }

    fn judge(&self, party: &Party, answer: Result<Answer, CallError>) -> Judged {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Judged::Not(error.into()),
        };
        let Answer { status, media_type, body } = answer;
        match status {
            200 => self.read_lines(party, &body).map_or_else(Judged::Not, Judged::Signed),
            409 if media_type == SIZE_TYPE => match decode_size(&body) {
                Some(seen) => Judged::Seen(seen),
                None => Judged::Not(Unwitnessed::NotSize),
            },
            422 => Judged::Not(Unwitnessed::OtherLog { said: said(&body) }),
            _ => Judged::Not(Unwitnessed::Status { status, said: said(&body) }),
        }
    }

    fn read_lines(
        &self,
        party: &Party,
        body: &[u8],
    ) -> Result<Vec<(VerifierKey, NoteSignature, Option<Time>)>, Unwitnessed> {
        let mut good = Vec::new();
        for line in parse_lines(body)? {
            let Some(key) = party.keys.iter().find(|key| line.names(key)) else { continue };
            let time = self.head.verify_line(key, &line)?;
            if let Some(time) = time
                && time.seconds() > self.now.seconds().saturating_add(CLOCK_SKEW_SECONDS_MAX)
            {
                return Err(Unwitnessed::Early { time });
            }
            good.push((key.clone(), line, time));
        }
        if good.is_empty() { Err(Unwitnessed::NoKnownKey) } else { Ok(good) }
    }

    /// Keeps what the witnesses answered, notes what they did not, and shows the new lines with the published checkpoint.
    fn finish(&self, parties: &[Party], judged: Vec<Judged>) -> Result<Witnessed, WitnessError> {
        let archive = self.log.archive();
        let mut pending = Pending::read(archive);
        let mut answers = Vec::new();
        for (party, judged) in parties.iter().zip(judged) {
            let outcome = match judged {
                Judged::Signed(lines) => Ok(self.keep(&lines)?),
                Judged::Seen(seen) if seen > self.size() => Err(Unwitnessed::Ahead { seen, size: self.size() }),
                Judged::Seen(seen) if seen == self.size() => Err(Unwitnessed::Contradicts { size: seen }),
                Judged::Seen(seen) => Err(Unwitnessed::Fickle { seen }),
                Judged::Not(error) => Err(error),
            };
            pending.note(&party.url, outcome.as_ref().err(), self.now);
            answers.push(WitnessAnswer { url: party.url.clone(), outcome });
        }
        pending.write(archive)?;
        Ok(Witnessed { size: self.size(), answers, resting: Vec::new() })
    }

    /// Keeps lines beside the checkpoint, then puts them under the published one.
    fn keep(&self, lines: &[(VerifierKey, NoteSignature, Option<Time>)]) -> Result<Vec<Cosigned>, WitnessError> {
        let archive = self.log.archive();
        let anchors = archive.anchors();
        let kept = anchors.keep_checkpoint(self.size(), &self.head.encode())?;
        let is_same = SignedCheckpoint::parse(&kept).is_ok_and(|kept| kept.checkpoint() == self.head.checkpoint());
        if !is_same {
            return Err(WitnessError::Overtaken { size: self.size() });
        }
        let mut cosigned = Vec::new();
        for (key, line, time) in lines {
            let bytes = line.line().into_bytes();
            let stem = anchor::stem(key.name().as_str(), &bytes);
            anchors.keep_cosignature(self.size(), &stem, &bytes)?;
            let name = format!("{}/{stem}{}", self.size(), anchor::COSIGNATURE_EXTENSION);
            cosigned.push(Cosigned { name, sha256: Hash::of(&bytes), witness: key.clone(), time: *time });
        }
        show(archive, self.head.checkpoint(), self.now)?;
        Ok(cosigned)
    }
}

/// Puts the lines that are kept for the published checkpoint under it, one for each key. Where another process is writing, its
/// own publication comes with other lines, and these are left where they are kept.
fn show(archive: &Archive, shown: &Checkpoint, now: Time) -> Result<(), WitnessError> {
    let kept = lines_of(&archive.anchors().read(shown.size)?.cosignatures);
    archive.add_to_checkpoint(now, |bytes| {
        let mut signed = SignedCheckpoint::parse(bytes).ok().filter(|signed| signed.checkpoint() == shown)?;
        for line in kept {
            let has_key = |other: &NoteSignature| other.name == line.name && other.id == line.id;
            if !signed.signatures().iter().any(has_key) {
                signed.add(line);
            }
        }
        let with_lines = signed.encode();
        (with_lines != bytes).then_some(with_lines)
    })?;
    Ok(())
}

/// Returns the beginning of a body as text that can be shown.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(SAID_LENGTH_MAX).collect::<String>().trim().to_owned()
}

/// Why a witness gave no line.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum Unwitnessed {
    #[error(
        "it has seen this log up to size {seen}, and the archive holds {size} entries: this is an older copy, or another log has grown under its name"
    )]
    Ahead { seen: u64, size: u64 },
    #[error("a line by its key is not to be believed")]
    Bad(#[from] CheckpointError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("it has seen another log of size {size} under this name")]
    Contradicts { size: u64 },
    #[error("it signed as of {time}, which is yet to come")]
    Early { time: Time },
    #[error("it says now that it has seen the log up to size {seen}, after it said otherwise")]
    Fickle { seen: u64 },
    #[error("what it answered is not its lines")]
    Lines(#[from] AnswerError),
    #[error("it signed with no key that the policy names for it")]
    NoKnownKey,
    #[error("it did not say up to which size it has seen the log")]
    NotSize,
    #[error("the log did not grow from what it has seen: `{said}`")]
    OtherLog { said: String },
    #[error("it answered with status {status}: `{said}`")]
    Status { status: u16, said: String },
}

/// Why witnesses were not asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum WitnessError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("another program kept another checkpoint of size {size} at the same moment")]
    Overtaken { size: u64 },
    #[error(transparent)]
    Read(#[from] ReadError),
}
