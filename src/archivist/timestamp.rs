//! Timestamp: authorities are asked when the newest checkpoint existed, and what they answer is kept.
//!
//! Each answer is checked before it is kept: against the request (imprint, nonce, policy, status), then its signature,
//! then its chain. An answer under a root that the keyring does not have is kept, and said to be so: the root can be
//! brought later, the moment cannot. Everything else that is wrong is refused.
//!
//! Nothing waits for an authority but the one who asks. An archive that names authorities in `archive.toml` asks them
//! after each publication ([`catch_up`]); one that fails is left alone for a while ([`super::pending`]) and asked again for whatever
//! checkpoint is newest then. One token dates everything below it, so a day without authorities is caught up by one call,
//! and all that is lost is how narrow the interval of that day's records is.
//!
//! The list of authorities stands in `archive.toml`, because asking is what the archive does, and a restored archive goes
//! on asking; their roots stand in `keys/authorities`, because trusting is what each reader does.

use super::anchors;
use super::pending::{Attempt, Pending};
use super::read::{Log, ReadError};

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
        pending.note(url, outcome.as_ref().err(), now);
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
    let resting = |url: &String| Attempt::rest(&state.attempts, url, now);
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
    let root_before = |size| crate::log::merkle::root(&archive.nodes(log.size()), size).ok();
    let newest =
        anchors::newest_with(archive, log.size(), |size| root_at(size).or_else(|| root_before(size)), anchors::tokens)?;
    let attempts = Pending::read(archive).of(urls);
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
pub(super) fn check(bytes: &[u8], request: &Request, trusted: &Authorities) -> Result<Anchored, TimestampError> {
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
