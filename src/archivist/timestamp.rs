//! Timestamp: authorities are asked when the newest checkpoint existed, and what they answer is kept.
//!
//! | quantity | unit    | range                                                                   |
//! |----------|---------|-------------------------------------------------------------------------|
//! | back-off | seconds | [`BACK_OFF_SECONDS_MIN`], doubled with each failure, up to [`BACK_OFF_SECONDS_MAX`] |
//!
//! Each answer is checked before it is kept: against the request (imprint, nonce, policy, status), then its signature,
//! then its chain. An answer under a root that the keyring does not have is kept, and said to be so: the root can be
//! brought later, the moment cannot. Everything else that is wrong is refused.
//!
//! Nothing waits for an authority but the one who asks. An archive that names authorities in `archive.toml` asks them
//! after each publication ([`catch_up`]); one that fails is left alone for a while and asked again for whatever
//! checkpoint is newest then. One token dates everything below it, so a day without authorities is caught up by one call,
//! and all that is lost is how narrow the interval of that day's records is.
//!
//! The list of authorities stands in `archive.toml`, because asking is what the archive does, and a restored archive goes
//! on asking; their roots stand in `keys/authorities`, because trusting is what each reader does.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::anchors;
use super::read::{Log, ReadError};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::anchor;
use crate::evidence::stamped;
use crate::evidence::statement::Statement;
use crate::log::checkpoint::SignedCheckpoint;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::authority::{self, AskError, Asker};
use crate::outside::keys::{self, KeysError};
use crate::timestamp::algorithm::Digest;
use crate::timestamp::authorities::{Authorities, ChainError};
use crate::timestamp::certificate::Certificate;
use crate::timestamp::reply::{Reply, ReplyError};
use crate::timestamp::request::Request;
use crate::timestamp::token::TokenError;

/// How long an authority that failed once is left alone.
pub const BACK_OFF_SECONDS_MIN: u64 = 60;

/// How long one that fails on and on is left alone: an outage of a day is over for us six hours later at most.
pub const BACK_OFF_SECONDS_MAX: u64 = 6 * 3600;

/// Gives requests to authorities: the network, or what a test puts in its place.
pub trait Ask {
    /// Sends a request and returns what comes back.
    ///
    /// # Errors
    /// An [`AskError`] that says how far it came.
    fn ask(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, AskError>;
}

impl Ask for Asker {
    fn ask(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, AskError> {
        Self::ask(self, url, request)
    }
}

/// What asking came to.
#[derive(Debug)]
pub struct Stamped {
    /// The size of the checkpoint that was to be dated.
    pub size: u64,
    /// What each authority answered, in the order in which they were asked.
    pub answers: Vec<Answer>,
    /// Those that were not asked because they failed not long ago, and when they will be.
    pub resting: Vec<(String, Time)>,
}

/// What one authority answered.
#[derive(Debug)]
pub struct Answer {
    /// Whom was asked.
    pub url: String,
    /// What was kept, or why nothing was.
    pub outcome: Result<Anchored, TimestampError>,
}

/// A token that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Anchored {
    /// The reply's name below `anchors/`, as `12/tsa.example-0f3a91c2d4e5b607.tsr`.
    pub name: String,
    /// SHA-256 of the reply.
    pub sha256: Hash,
    /// The time that the authority says.
    pub time: Time,
    /// Who signed, by the certificate's name.
    pub authority: String,
    /// The root that the keyring trusts; none when it has none.
    pub root: Option<String>,
    /// When the first certificate of its chain ends.
    pub ends: Option<Time>,
}

/// Asks authorities for tokens over the newest checkpoint, whether or not it has any.
///
/// # Errors
/// A [`TimestampError`] when there is no checkpoint, or the disk fails; what an authority gets wrong is in its answer.
pub fn timestamp(
    archive: &Archive,
    urls: &[String],
    trusted: &Authorities,
    asker: &dyn Ask,
    now: Time,
) -> Result<Stamped, TimestampError> {
    if urls.is_empty() {
        return Err(TimestampError::NoAuthority);
    }
    let (log, head) = Log::published(archive)?;
    let mut pending = Pending::read(archive);
    let mut answers = Vec::new();
    for url in urls {
        let outcome = ask(archive, &head, url, trusted, asker);
        pending.note(url, &outcome, now);
        answers.push(Answer { url: url.clone(), outcome });
    }
    pending.write(archive)?;
    Ok(Stamped { size: log.size(), answers, resting: Vec::new() })
}

/// Asks those authorities that have not dated the newest checkpoint and are not resting.
///
/// # Errors
/// As [`timestamp`]; without authorities there is nothing to catch up.
pub fn catch_up(
    archive: &Archive,
    urls: &[String],
    trusted: &Authorities,
    asker: &dyn Ask,
    now: Time,
) -> Result<Stamped, TimestampError> {
    let state = state(archive, urls)?;
    let resting = |url: &String| {
        let attempt = state.attempts.iter().find(|attempt| attempt.url == *url);
        attempt.map(|attempt| attempt.next).filter(|next| *next > now)
    };
    let due: Vec<String> = state.pending.iter().filter(|url| resting(url).is_none()).cloned().collect();
    let waiting = state.pending.iter().filter_map(|url| Some((url.clone(), resting(url)?))).collect();
    if due.is_empty() {
        return Ok(Stamped { size: state.size, answers: Vec::new(), resting: waiting });
    }
    let stamped = timestamp(archive, &due, trusted, asker, now)?;
    Ok(Stamped { resting: waiting, ..stamped })
}

/// Asks an authority for a token over one statement's signature, and returns the statement that carries it (RFC 9921):
/// for an export, and not kept.
///
/// # Errors
/// As [`timestamp`]; here the authority's mistakes are the act's.
pub fn stamp_statement(
    statement: &Statement,
    url: &str,
    trusted: &Authorities,
    asker: &dyn Ask,
) -> Result<(Vec<u8>, Anchored), TimestampError> {
    let request = Request::over(&stamped::dated_bytes(statement.envelope()), Digest::Sha256, keys::random()?);
    let bytes = asker.ask(url, &request.encode())?;
    let anchored = check(&bytes, &request, trusted)?;
    let reply = Reply::parse(&bytes)?;
    let stamped = stamped::stamp(statement, reply.granted()?).map_err(ReplyError::from)?;
    Ok((stamped, anchored))
}

/// How an archive stands with authorities.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct State {
    /// The size of the published checkpoint.
    pub size: u64,
    /// The size of the newest checkpoint that has a token, when one has.
    pub anchored: Option<u64>,
    /// The authorities among those in question that have not dated the published checkpoint.
    pub pending: Vec<String>,
    /// What was tried in vain.
    pub attempts: Vec<Attempt>,
}

/// What was tried in vain at one authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// Which authority.
    pub url: String,
    /// How often in a row.
    pub failures: u64,
    /// When last.
    pub last: Time,
    /// When it is asked again.
    pub next: Time,
    /// What went wrong.
    pub error: String,
}

/// Says how an archive stands with some authorities.
///
/// # Errors
/// When the archive cannot be read.
pub fn state(archive: &Archive, urls: &[String]) -> Result<State, TimestampError> {
    let (log, head) = Log::published(archive)?;
    let root_at = |size| (size == log.size()).then_some(head.checkpoint().root);
    let anchors = archive.anchors();
    let here = anchors.read(log.size())?;
    let is_dated = !anchors::tokens(&here, head.checkpoint().root).is_empty();
    let has_asked = |url: &&String| {
        let stem = anchor::stem(&authority::label_of(url), b"");
        let (authority, _) = stem.rsplit_once('-').unwrap_or_default();
        let of_authority = |name: &str| name.rsplit_once('-').is_some_and(|(named, _)| named == authority);
        is_dated && here.replies.iter().any(|(name, _)| of_authority(name))
    };
    let pending = urls.iter().filter(|url| !has_asked(url)).cloned().collect();
    let newest = anchors::newest_anchor(archive, log.size(), |size| {
        root_at(size).or_else(|| crate::log::merkle::root(&archive.nodes(log.size()), size).ok())
    })?;
    let attempts = Pending::read(archive).0.into_values().collect();
    Ok(State { size: log.size(), anchored: newest.map(|after| after.size), pending, attempts })
}

fn ask(
    archive: &Archive,
    head: &SignedCheckpoint,
    url: &str,
    trusted: &Authorities,
    asker: &dyn Ask,
) -> Result<Anchored, TimestampError> {
    let size = head.checkpoint().size;
    let anchors = archive.anchors();
    // A checkpoint that was dated before is dated again as it lies there: signatures may have been added since.
    let dated = anchors.read(size)?.checkpoint.unwrap_or_else(|| head.encode());
    let request = Request::over(&dated, Digest::Sha256, keys::random()?);
    let request_bytes = request.encode();
    let bytes = asker.ask(url, &request_bytes)?;
    let mut anchored = check(&bytes, &request, trusted)?;
    if anchors.keep_checkpoint(size, &dated)? != dated {
        return Err(TimestampError::Overtaken { size });
    }
    let stem = anchor::stem(&authority::label_of(url), &bytes);
    anchors.keep_reply(size, &stem, &request_bytes, &bytes)?;
    anchored.name = format!("{size}/{stem}{}", anchor::REPLY_EXTENSION);
    Ok(anchored)
}

/// Checks an answer before it is kept.
fn check(bytes: &[u8], request: &Request, trusted: &Authorities) -> Result<Anchored, TimestampError> {
    let reply = Reply::parse(bytes)?;
    let token = reply.check(request)?;
    let side: Vec<Certificate> = trusted.side().iter().chain(trusted.roots()).cloned().collect();
    let signer = token.signer(&side).map_err(ReplyError::from)?;
    let chain = match token.chain(signer, trusted) {
        Ok(chain) => Some(chain),
        Err(ChainError::UnknownRoot { .. } | ChainError::OtherIssuer { .. }) => None,
        Err(error) => return Err(ReplyError::from(TokenError::from(error)).into()),
    };
    Ok(Anchored {
        name: String::new(),
        sha256: Hash::of(bytes),
        time: token.timestamp().time,
        authority: signer.name(),
        root: chain.as_ref().map(|chain| chain.root().name()),
        ends: chain.as_ref().map(crate::timestamp::authorities::Chain::ends),
    })
}

/// What was tried in vain, by address.
struct Pending(BTreeMap<String, Attempt>);

impl Pending {
    fn read(archive: &Archive) -> Self {
        let list: Json = serde_json::from_slice(&archive.anchors().pending()).unwrap_or_default();
        let attempts = list.as_array().into_iter().flatten().filter_map(Attempt::of_json);
        Self(attempts.map(|attempt| (attempt.url.clone(), attempt)).collect())
    }

    fn note(&mut self, url: &str, outcome: &Result<Anchored, TimestampError>, now: Time) {
        let Err(error) = outcome else {
            self.0.remove(url);
            return;
        };
        let failures = self.0.get(url).map_or(0, |attempt| attempt.failures).saturating_add(1);
        let attempt = Attempt {
            url: url.to_owned(),
            failures,
            last: now,
            next: later(now, back_off_seconds(failures)),
            error: with_causes(error),
        };
        self.0.insert(url.to_owned(), attempt);
    }

    fn write(&self, archive: &Archive) -> Result<(), ArchiveError> {
        if self.0.is_empty() && archive.anchors().pending().is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = self.0.values().map(|attempt| attempt.to_json().to_string()).collect();
        let text = if lines.is_empty() { String::new() } else { format!("[{}]\n", lines.join(",\n ")) };
        archive.anchors().set_pending(text.as_bytes())
    }
}

impl Attempt {
    fn to_json(&self) -> Json {
        json!({
            "url": self.url, "failures": self.failures, "last": self.last.to_string(), "next": self.next.to_string(),
            "error": self.error,
        })
    }

    fn of_json(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name)?.as_str();
        Some(Self {
            url: text("url")?.to_owned(),
            failures: json.get("failures")?.as_u64()?,
            last: text("last")?.parse().ok()?,
            next: text("next")?.parse().ok()?,
            error: text("error")?.to_owned(),
        })
    }
}

fn back_off_seconds(failures: u64) -> u64 {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    BACK_OFF_SECONDS_MIN.saturating_mul(2_u64.saturating_pow(doublings)).min(BACK_OFF_SECONDS_MAX)
}

fn later(time: Time, seconds: u64) -> Time {
    let microseconds = time.microseconds().saturating_add(seconds.saturating_mul(1_000_000));
    Time::from_microseconds(microseconds).unwrap_or(time)
}

/// Why a checkpoint was not dated.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum TimestampError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("no timestamp authority is named")]
    NoAuthority,
    #[error("another program kept another checkpoint of size {size} at the same moment")]
    Overtaken { size: u64 },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the answer is refused")]
    Reply(#[from] ReplyError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_an_authority_alone_for_longer_and_longer() {
        let waits: Vec<u64> = (1..=12).map(back_off_seconds).collect();
        assert_eq!(waits[..4], [60, 120, 240, 480]);
        assert_eq!(waits[11], BACK_OFF_SECONDS_MAX);
        assert!(waits.is_sorted());
        assert_eq!(back_off_seconds(u64::MAX), BACK_OFF_SECONDS_MAX);
    }

    #[test]
    fn reads_back_the_attempts_it_writes() {
        let at = |seconds| Time::from_seconds(seconds).unwrap();
        let attempt = Attempt {
            url: "http://tsa.example/".to_owned(),
            failures: 3,
            last: at(1_800_000_000),
            next: at(1_800_000_240),
            error: "no reply".to_owned(),
        };
        assert_eq!(Attempt::of_json(&attempt.to_json()), Some(attempt));
        assert_eq!(Attempt::of_json(&json!({ "url": "x" })), None);
    }
}
