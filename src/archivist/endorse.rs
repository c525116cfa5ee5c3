//! Endorse: an organisation's word that the log's keys are its archive's is taken into the keyring.
//!
//! What the organisation signs is [`wording`], by a tool of its own. It is judged as `verify` does before it is kept: one that
//! contradicts is refused, and one whose chain is unknown here is kept, since its readers may know it.

use super::places::Places;
use super::read::{Log, ReadError};
use super::verify::ArchiveSource;

use crate::base::time::Time;
use crate::evidence::endorsement::{Endorsement, EndorsementBytes, EndorsementError, Wording};
use crate::evidence::verify::finding::Outcome;
use crate::evidence::verify::{self, Trust, Vouching};
use crate::log::checkpoint::{CheckpointError, Origin};
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::keys::KeysError;

/// Returns what an organisation is asked to sign: the log's name, and the keys that count where it ends.
///
/// # Errors
/// [`EndorseError::Read`] when the log cannot be read.
pub fn wording(log: &Log<'_>) -> Result<Wording, EndorseError> {
    let succession = log.succession()?;
    let keys = succession.checkpoint_keys(log.size().saturating_sub(1));
    Ok(Wording { origin: Origin::new(succession.origin())?, keys })
}

/// Takes an endorsement into the keyring: DER or PEM, and the text where it does not lie in that.
///
/// # Errors
/// [`EndorseError::Refused`] when it is not one of this log, or does not hold.
pub fn endorse(
    places: &Places,
    file: &[u8],
    text: Option<&[u8]>,
    now: Time,
) -> Result<(EndorsementBytes, Vouching), EndorseError> {
    let endorsement = Endorsement::import(file, text)?;
    let archive: Archive = places.open_archive()?;
    let keyring = places.keyring();
    let (policy, organisations) = (keyring.policy()?, keyring.organisations()?);
    let source = ArchiveSource::published(&archive)?;
    let trust = Trust {
        policy: policy.as_ref(),
        organisations: Some(&organisations),
        endorsements: std::slice::from_ref(&endorsement),
        ..Trust::default()
    };
    let judged = verify::vouchings(&source, trust, now).into_iter().next();
    let judged = judged.ok_or_else(|| EndorseError::OtherLog { expected: archive.settings().origin.clone() })?;
    if judged.outcome == Outcome::Fails {
        return Err(EndorseError::Refused { expected: judged.expected, found: judged.found });
    }
    keyring.keep_endorsement(&endorsement)?;
    Ok((endorsement, judged))
}

/// Why an endorsement is not taken.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum EndorseError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("not an endorsement")]
    Endorsement(#[from] EndorsementError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the log's name")]
    Origin(#[from] CheckpointError),
    #[error("it is about another log than `{expected}`")]
    OtherLog { expected: String },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("expected {expected}, found {found}")]
    Refused { expected: String, found: String },
}
