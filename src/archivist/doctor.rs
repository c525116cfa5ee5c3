//! Doctor: a look at everything that could be wrong around the log, before it is.
//!
//! The entries themselves are for `audit`.

use super::calendars::standing;
use super::fence::FenceError;
use super::pending::Attempt;
use super::places::Places;
use super::read::Log;
use super::renew::ageing;
use super::timestamp::state;
use super::witness;

use crate::base::causes::with_causes;
use crate::base::time::Time;
use crate::evidence::bundle::verifier::page_sha256;
use crate::evidence::endorsement::{Endorsement, EndorsementBytes};
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::vkey::VerifierKey;
use crate::outside::archive::journal;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::keys::{Keyring, KeysError};

/// Times before this are a clock that was never set: the day on which this format was made.
const EARLIEST_SECONDS: u64 = 1_795_305_600;

/// How long before a token stops being good it is said: half a year, so that a holiday and an outage fit in.
const RENEW_SECONDS_BEFORE: u64 = 180 * 86_400;

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Advice {
    /// What was looked at.
    pub about: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub found: String,
    /// What to do.
    pub remedy: Option<String>,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// As it should be.
    Good,
    /// It works, and should be mended.
    Weak,
    /// It does not work.
    Wrong,
}

impl Severity {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Weak => "weak",
            Self::Wrong => "wrong",
        }
    }
}

impl Advice {
    fn good(about: &'static str, found: impl Into<String>) -> Self {
        Self { about, severity: Severity::Good, found: found.into(), remedy: None }
    }

    fn weak(about: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { about, severity: Severity::Weak, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn wrong(about: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { about, severity: Severity::Wrong, found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// Looks at the archive, the keyring and the clock.
#[must_use]
pub fn examine(places: &Places, now: Time) -> Vec<Advice> {
    let mut advice = vec![clock(now)];
    let keyring = places.keyring();
    advice.extend(keys(&keyring));
    match places.open_archive() {
        Ok(archive) => advice.extend(log(&archive, &keyring, now)),
        Err(error @ ArchiveError::NotArchive { .. }) => {
            advice.push(Advice::weak("archive", error.to_string(), "`affiant capture TARGET` makes one"));
        }
        Err(error) => advice.push(Advice::wrong("archive", error.to_string(), "bring `archive.toml` back from a copy")),
    }
    advice.push(Advice::good("page", format!("verify.html of this program has SHA-256 {}", page_sha256())));
    advice
}

fn clock(now: Time) -> Advice {
    if now.seconds() < EARLIEST_SECONDS {
        return Advice::wrong(
            "clock",
            format!("it says {}", now.to_second()),
            "set the clock; the times in records are its word",
        );
    }
    Advice::good("clock", format!("it says {}", now.to_second()))
}

fn keys(keyring: &Keyring) -> Vec<Advice> {
    let mut advice = Vec::new();
    match keyring.public() {
        Ok(keys) => {
            let found = format!("statements are signed by {}", keys.statement.fingerprint());
            advice.push(Advice::good("keys", found));
        }
        Err(error @ KeysError::Missing { .. }) => {
            advice.push(Advice::weak(
                "keys",
                error.to_string(),
                "reading and verifying need none; the first capture makes them",
            ));
        }
        Err(error) => advice.push(Advice::wrong("keys", error.to_string(), "bring the file back from a copy")),
    }
    if keyring.holds_recovery_key() {
        let path = keyring.folder().join("recovery.key");
        advice.push(Advice::weak(
            "recovery",
            format!("`{}` lies beside the keys it is to recover", path.display()),
            "move it to a place that is kept offline",
        ));
    }
    let open = keyring.open_files();
    if !open.is_empty() {
        let found = format!("open to whoever reads the files: {}", open.join(", "));
        advice.push(Advice::weak("passphrase", found, "`affiant key passphrase`"));
    }
    advice.extend(keyring.unsafe_files().into_iter().map(|path| {
        Advice::wrong(
            "keys",
            format!("`{}` may be read by others", path.display()),
            format!("chmod 600 {}", path.display()),
        )
    }));
    if let Err(error) = keyring.authorities() {
        advice.push(Advice::wrong("timestamps", with_causes(&error), "replace or remove the file that is named"));
    }
    if let Err(error) = keyring.organisations() {
        advice.push(Advice::wrong("vouching", with_causes(&error), "replace or remove the file that is named"));
    }
    if let Err(error) = keyring.blocks() {
        advice.push(Advice::wrong("calendars", with_causes(&error), "mend the line that is named"));
    }
    match keyring.policy() {
        Ok(Some(policy)) => {
            let witnesses = policy.witnesses().len();
            let found = format!("{} log key(s), {witnesses} witness(es)", policy.logs().len());
            advice.push(if witnesses == 0 {
                Advice::weak("policy", found, "name witnesses, so that a second party sees the log grow")
            } else {
                Advice::good("policy", found)
            });
        }
        Ok(None) => advice.push(Advice::weak(
            "policy",
            "there is none",
            "`affiant verify --trust VKEY`, or write `keys/policy`",
        )),
        Err(error) => advice.push(Advice::wrong("policy", with_causes(&error), "mend the line that is named")),
    }
    advice
}

fn log(archive: &Archive, keyring: &Keyring, now: Time) -> Vec<Advice> {
    let (log, checkpoint) = match Log::published(archive) {
        Ok(published) => published,
        Err(error) => {
            return vec![Advice::wrong("log", with_causes(&error), "`affiant audit` names everything that is damaged")];
        }
    };
    let mut advice = vec![Advice::good("log", format!("`{}` with {} entries", archive.settings().origin, log.size()))];
    let held = journal::read(archive.folder()).ok().flatten().map_or(0, |found| found.size());
    if let Ok(Some(newest)) = keyring.newest_checkpoint()
        && let Ok(newest) = SignedCheckpoint::parse(&newest)
        && newest.checkpoint().origin == checkpoint.checkpoint().origin
        && newest.checkpoint().size > log.size().max(held)
    {
        let error = FenceError::RolledBack { signed: newest.checkpoint().size, found: log.size() };
        advice.push(Advice::wrong(
            "log",
            error.to_string(),
            "bring the newer archive back, or run any capture if a crash came between",
        ));
    } else if held > log.size() {
        let found = format!("the journal holds entries up to {held}, and {} are published", log.size());
        advice.push(Advice::weak("log", found, "any command that writes publishes them, as `affiant init`"));
        return advice;
    }
    advice.push(change_of_keys(&log, keyring));
    advice.extend(endorsements(&log, keyring, now));
    advice.push(timestamps(archive));
    advice.extend(calendars(archive));
    advice.extend(age(archive, keyring, now));
    advice.extend(witnesses(archive, keyring));
    if archive.settings().naan.is_none() {
        advice.push(Advice::weak(
            "naan",
            "ARKs are printed under 99999, which is reserved for examples",
            "ask arks.org for a NAAN and enter it in `archive.toml`",
        ));
    }
    advice
}

/// Says how the keyring stands with the keys that the log names.
fn change_of_keys(log: &Log<'_>, keyring: &Keyring) -> Advice {
    const ABOUT: &str = "key change";
    let last = log.size().saturating_sub(1);
    let succession = match log.succession() {
        Ok(succession) => succession,
        Err(error) => {
            return Advice::wrong(ABOUT, with_causes(&error), "`affiant audit` names everything that is damaged");
        }
    };
    let finish = "`affiant init` finishes a change that was cut short; where the key is lost, `affiant key rotate all --recovery FILE`";
    if let (Ok(held), Some(counts)) = (keyring.public(), succession.statement_key(last)) {
        if held.statement != counts {
            let (counts, held) = (counts.fingerprint(), held.statement.fingerprint());
            return Advice::weak(ABOUT, format!("the log goes by {counts}, and the keyring has {held}"), finish);
        }
        if !succession.is_recovery(held.recovery.as_bytes()) {
            let found = format!("{} in `recovery.pub` is not the log's recovery key", held.recovery.fingerprint());
            return Advice::weak(ABOUT, found, finish);
        }
    }
    let keys = succession.checkpoint_keys(last);
    let is_former = |(at, key): &(usize, &VerifierKey)| keys[..*at].iter().any(|newer| newer.kind() == key.kind());
    if let Some((_, key)) = keys.iter().enumerate().find(is_former) {
        let found = format!("the log's former key {} signs beside the new one", key.fingerprint());
        return Advice::weak(
            ABOUT,
            found,
            "`affiant key retire`, once your readers have the new one in their policies",
        );
    }
    let ended = succession.tenures().iter().filter(|tenure| tenure.retired.is_some()).count();
    let distrusted = succession.tenures().iter().filter(|tenure| tenure.distrusted.is_some()).count();
    let found =
        format!("no change is under way; {ended} key(s) have ended, {distrusted} of them distrusted. {RELIED_ON}");
    Advice::good(ABOUT, found)
}

/// Until when the algorithms of our own keys are relied upon ([`crate::timestamp::algorithm`] has the source).
const RELIED_ON: &str = "Ed25519 is relied upon until the end of 2035, the ML-DSA-44 line beside it beyond";

/// Says which organisation's word on the keys is about to end, or is about other keys; nothing where nobody vouches.
fn endorsements(log: &Log<'_>, keyring: &Keyring, now: Time) -> Vec<Advice> {
    const ABOUT: &str = "vouching";
    let held = match keyring.endorsements() {
        Ok(held) => held,
        Err(error) => {
            return vec![Advice::wrong(ABOUT, with_causes(&error), "replace or remove the file that is named")];
        }
    };
    let anew = "`affiant key export all --as endorsement`, to be signed anew";
    let keys = log.succession().map(|succession| succession.checkpoint_keys(log.size().saturating_sub(1)));
    let keys = keys.unwrap_or_default(); // What is wrong with them was said.
    let judge = |bytes: &EndorsementBytes| {
        let file = format!("`endorsements/{}.cms`", bytes.name);
        let endorsement = match Endorsement::read(bytes) {
            Ok(endorsement) => endorsement,
            Err(error) => return Advice::wrong(ABOUT, format!("{file}: {}", with_causes(&error)), "remove it"),
        };
        let signer = match endorsement.signer(&[]) {
            Ok(signer) => signer,
            Err(error) => return Advice::wrong(ABOUT, format!("{file}: {}", with_causes(&error)), "remove it"),
        };
        let (by, end) = (signer.name(), signer.not_after());
        if !endorsement.wording().keys.iter().any(|key| keys.contains(key)) {
            return Advice::weak(ABOUT, format!("`{by}` vouches for keys that do not sign any more"), anew);
        }
        let found = format!("`{by}` vouches for the log's keys; its certificate is good until {}", end.to_second());
        let is_ending = end.seconds() <= now.seconds().saturating_add(RENEW_SECONDS_BEFORE);
        if is_ending { Advice::weak(ABOUT, found, anew) } else { Advice::good(ABOUT, found) }
    };
    held.iter().map(judge).collect()
}

/// Says how the archive stands with its timestamp authorities.
fn timestamps(archive: &Archive) -> Advice {
    const ABOUT: &str = "timestamps";
    let state = match state(archive, &archive.settings().authorities) {
        Ok(state) => state,
        Err(error) => {
            return Advice::wrong(ABOUT, with_causes(&error), "`affiant audit` names everything that is damaged");
        }
    };
    let newest = state.anchored.map_or_else(|| "none".to_owned(), |size| format!("size {size}"));
    if state.anchored == Some(state.size) && state.pending.is_empty() {
        return Advice::good(ABOUT, format!("the newest checkpoint, of size {}, is dated", state.size));
    }
    if let Some(attempt) = state.attempts.first() {
        let Attempt { url, failures, last, next, error } = attempt;
        let found = format!(
            "pending: the newest checkpoint has size {}, the newest dated one {newest}; `{url}` failed {failures} time(s), \
             last at {}, and is asked again after {}: {error}",
            state.size,
            last.to_second(),
            next.to_second()
        );
        return Advice::weak(ABOUT, found, "`affiant timestamp --authority URL` asks now, or asks another");
    }
    if archive.settings().authorities.is_empty() && state.anchored != Some(state.size) {
        let since = state.anchored.map(|size| format!(" since size {size}")).unwrap_or_default();
        let found = format!("no authority is asked: nobody but the archive says when{since}");
        return Advice::weak(ABOUT, found, "`affiant timestamp --authority URL --remember`");
    }
    if state.anchored == Some(state.size) {
        return Advice::good(ABOUT, format!("the newest checkpoint, of size {}, is dated", state.size));
    }
    let found = format!("pending: the newest checkpoint has size {}, the newest dated one {newest}", state.size);
    Advice::weak(ABOUT, found, "`affiant timestamp`")
}

/// Says which token stops being good first; nothing where none holds.
fn age(archive: &Archive, keyring: &Keyring, now: Time) -> Option<Advice> {
    const ABOUT: &str = "renewal";
    let trusted = keyring.authorities().ok()?; // What is wrong with them was said of the keys.
    let ageing = match ageing(archive, &trusted) {
        Ok(ageing) => ageing,
        Err(error) => {
            return Some(Advice::wrong(ABOUT, with_causes(&error), "`affiant audit` names everything that is damaged"));
        }
    };
    let renewed = ageing.renewed.map_or_else(|| "never".to_owned(), |size| format!("at size {size}"));
    let (file, authority, end) = ageing.first?;
    let found = format!("`{file}` of `{authority}` is good until {}; renewed {renewed}", end.to_second());
    if end.seconds() > now.seconds().saturating_add(RENEW_SECONDS_BEFORE) {
        return Some(Advice::good(ABOUT, found));
    }
    let remedy = "`affiant renew`, while the certificates and algorithms of all tokens are good";
    Some(if end > now { Advice::weak(ABOUT, found, remedy) } else { Advice::wrong(ABOUT, found, remedy) })
}

/// Says how the archive stands with its OpenTimestamps calendars; nothing where it never had any.
fn calendars(archive: &Archive) -> Option<Advice> {
    const ABOUT: &str = "calendars";
    let standing = match standing(archive, &archive.settings().calendars) {
        Ok(standing) => standing,
        Err(error) => {
            return Some(Advice::wrong(ABOUT, with_causes(&error), "`affiant audit` names everything that is damaged"));
        }
    };
    if archive.settings().calendars.is_empty() && standing.taken.is_none() {
        return None;
    }
    let newest = |size: Option<u64>| size.map_or_else(|| "none".to_owned(), |size| format!("size {size}"));
    let found = format!(
        "of {} entries, a block of Bitcoin has {}, a calendar {}; {} proof(s) pending",
        standing.size,
        newest(standing.complete),
        newest(standing.taken),
        standing.pending
    );
    if let Some(Attempt { url, failures, next, error, .. }) = standing.attempts.first() {
        let next = next.to_second();
        let found = format!("{found}; `{url}` failed {failures} time(s) and is asked again after {next}: {error}");
        return Some(Advice::weak(ABOUT, found, "`affiant timestamp --calendar URL` asks now, or asks another"));
    }
    if let Some(height) = standing.without_header.first() {
        let found = format!("{found}; the header of block {height} is not here, so nobody has checked its proof");
        return Some(Advice::weak(
            ABOUT,
            found,
            "`affiant timestamp --upgrade --bitcoin-node URL`, or a line in `keys/blocks`",
        ));
    }
    Some(if standing.pending == 0 {
        Advice::good(ABOUT, found)
    } else {
        Advice::weak(ABOUT, found, "`affiant timestamp --upgrade`, some hours after it was handed in")
    })
}

/// Says how the archive stands with the witnesses of the keyring's policy.
fn witnesses(archive: &Archive, keyring: &Keyring) -> Option<Advice> {
    const ABOUT: &str = "witnesses";
    let policy = keyring.policy().ok().flatten()?; // What is wrong with it was said of the keys.
    let parties = witness::parties(&policy);
    if parties.is_empty() {
        return None; // That there are none was said of the policy.
    }
    let state = match witness::state(archive, &parties) {
        Ok(state) => state,
        Err(error) => {
            return Some(Advice::wrong(ABOUT, with_causes(&error), "`affiant audit` names everything that is damaged"));
        }
    };
    let (size, count) = (state.size, parties.len());
    if state.pending.is_empty() {
        return Some(Advice::good(ABOUT, format!("the newest checkpoint, of size {size}, is signed by all {count}")));
    }
    let newest = state.cosigned.map_or_else(|| "none".to_owned(), |size| format!("size {size}"));
    let mut found = format!(
        "pending: {} of {count} have not signed the newest checkpoint, of size {size}; the newest signed one {newest}",
        state.pending.len()
    );
    for Attempt { url, failures, last, next, error } in &state.attempts {
        let (last, next) = (last.to_second(), next.to_second());
        let more =
            format!("; `{url}` failed {failures} time(s), last at {last}, and is asked again after {next}: {error}");
        found += &more;
    }
    Some(Advice::weak(ABOUT, found, "`affiant witness ask` asks now"))
}
