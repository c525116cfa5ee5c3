//! Witnessing: being a witness for others' logs, and for ours at another place.
//!
//! One request is judged at a time ([`AddCheckpoint::judge`]), and the checkpoint is remembered, durably, before its lines are
//! returned: comparing, remembering and signing are one step that nothing else comes between. What cannot be read of what was
//! seen is an error and never *nothing seen*.
//!
//! | quantity | unit | range                                                                              |
//! |----------|------|------------------------------------------------------------------------------------|
//! | state    | note | one for each log that is followed and has come                                     |
//! | logs     | keys | as many as a policy has; the list is read anew when its file has changed           |
//!
//! A log that shows another tree of the size that was signed has signed both: the proof is kept beside what was seen.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::checkpoint::{CheckpointError, Origin, SignedCheckpoint};
use crate::log::fork::ForkProof;
use crate::log::policy::Policy;
use crate::log::vkey::{SignerKey, VerifierKey};
use crate::log::witness::{AddCheckpoint, Refusal, RequestError};
use crate::outside::archive::ArchiveError;
use crate::outside::archive::lock::Lock;
use crate::outside::heads::name_of;
use crate::outside::keys::Passphrase;
use crate::outside::witness_home::{WitnessHome, WitnessHomeError};

/// A witness that is at work; one at a time has a home.
pub struct Witnessing {
    home: WitnessHome,
    keys: Vec<SignerKey>,
    _lock: Lock,
    logs: Mutex<Logs>,
}

struct Logs {
    policy: Policy,
    stamp: Option<(SystemTime, u64)>,
}

/// A checkpoint that was signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// Whose.
    pub origin: Origin,
    /// How many entries it has.
    pub size: u64,
    /// The witness's lines, as they are answered.
    pub lines: String,
}

impl Witnessing {
    /// Takes up a home.
    ///
    /// # Errors
    /// A [`WitnessHomeError`] when it has no keys, or another process serves it.
    pub fn open(home: WitnessHome, passphrase: Option<&Passphrase>, now: Time) -> Result<Self, WitnessHomeError> {
        let keys = home.secrets(passphrase)?;
        let lock = home.lock(now)?;
        let (stamp, policy) = (home.logs_stamp(), home.logs()?);
        Ok(Self { home, keys, _lock: lock, logs: Mutex::new(Logs { policy, stamp }) })
    }

    /// Returns the keys by which the witness signs.
    #[must_use]
    pub fn keys(&self) -> Vec<VerifierKey> {
        self.keys.iter().map(|key| key.verifier().clone()).collect()
    }

    /// Answers a request to cosign.
    ///
    /// # Errors
    /// A [`Declined`] that says with which status.
    pub fn add_checkpoint(&self, request: &[u8], now: Time) -> Result<Signed, Declined> {
        let request = AddCheckpoint::parse(request).map_err(Refusal::from)?;
        // Everything from here to the end is one step.
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut logs)?;
        let origin = request.origin().clone();
        let of_log = logs.policy.logs().iter().filter(|log| origin.is_name_of(&log.key));
        let keys: Vec<VerifierKey> = of_log.map(|log| log.key.clone()).collect();
        let seen = if keys.is_empty() { None } else { self.home.seen().read(name_of(&origin))? };
        let seen = seen.map(|bytes| SignedCheckpoint::parse(&bytes)).transpose().map_err(Declined::Seen)?;
        if let Err(refusal) = request.judge(&keys, seen.as_ref().map(SignedCheckpoint::checkpoint)) {
            return Err(self.declined(refusal, request, seen));
        }
        let bare = request.checkpoint.only(|line| keys.iter().any(|key| line.names(key)));
        let mut signed = bare.map_err(Declined::Seen)?;
        let mut lines = String::new();
        for key in &self.keys {
            let line = signed.cosign(key, now).map_err(Declined::Seen)?;
            lines.push_str(&line.line());
            signed.add(line);
        }
        self.home.seen().keep(&origin, &signed.encode()).map_err(WitnessHomeError::from)?;
        Ok(Signed { origin, size: signed.checkpoint().size, lines })
    }

    /// Returns the newest checkpoint of a log that was signed, with the witness's lines, by the SHA-256 of the log's origin.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn checkpoint(&self, origin: Hash) -> Result<Option<Vec<u8>>, ArchiveError> {
        self.home.seen().read(origin)
    }

    /// Keeps the proof where a log has signed another tree of the size that was seen.
    fn declined(&self, refusal: Refusal, request: AddCheckpoint, seen: Option<SignedCheckpoint>) -> Declined {
        let proof = match (&refusal, seen) {
            (Refusal::Conflict { .. }, Some(seen)) => ForkProof::new(seen, request.checkpoint).ok(),
            _ => None,
        };
        let kept = proof.map(|proof| self.home.seen().keep_fork(&proof));
        match kept {
            Some(Ok(proof)) => Declined::Forked { refusal, proof },
            Some(Err(error)) => WitnessHomeError::from(error).into(),
            None => refusal.into(),
        }
    }

    fn refresh(&self, logs: &mut Logs) -> Result<(), WitnessHomeError> {
        let stamp = self.home.logs_stamp();
        if stamp != logs.stamp {
            *logs = Logs { policy: self.home.logs()?, stamp };
        }
        Ok(())
    }
}

/// Why a checkpoint was not signed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum Declined {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("the log has signed two trees of one size, and `{}` proves it: {refusal}", proof.display())]
    Forked { refusal: Refusal, proof: PathBuf },
    #[error(transparent)]
    Home(#[from] WitnessHomeError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("what was seen of the log cannot be read")]
    Seen(#[source] CheckpointError),
}

impl Declined {
    /// Returns the rule that the request breaks; none when the witness is at fault.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Forked { refusal, .. } | Self::Refused(refusal) => Some(refusal),
            Self::Archive(_) | Self::Home(_) | Self::Seen(_) => None,
        }
    }
}

impl From<RequestError> for Declined {
    fn from(error: RequestError) -> Self {
        Refusal::from(error).into()
    }
}
