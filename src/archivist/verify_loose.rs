//! Verify, loose artefacts: reads files of whatever name, and the keys that the reader trusts.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::base::time::Time;
use crate::evidence::verify::{LooseError, LooseFile, LooseTrust, Report, verify_loose as verify};
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::fork::ForkProof;
use crate::log::key::{Ed25519PublicKey, KeyError};
use crate::log::policy::Policy;
use crate::log::vkey::VerifierKey;
use crate::timestamp::authorities::Authorities;

/// The longest file that is read: a payload may be a page, and is hashed whole.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// The longest key file that is read.
const KEY_BYTES_MAX: u64 = 1 << 16;

/// What is to be verified, and whose word is taken.
#[derive(Clone, Debug, Default)]
pub struct LooseOrder {
    /// The files, in any order.
    pub files: Vec<PathBuf>,
    /// Files with the public keys of issuers: PEM, OpenSSH or hexadecimal.
    pub issuer_keys: Vec<PathBuf>,
    /// Files with the public keys of logs: the same, or vkeys.
    pub log_keys: Vec<PathBuf>,
    /// Keys of notes, logs and witnesses.
    pub vkeys: Vec<VerifierKey>,
    /// The reader's policy.
    pub policy: Option<Policy>,
    /// Timestamp authorities.
    pub authorities: Authorities,
}

/// Verifies what a set of files says.
///
/// # Errors
/// A [`VerifyLooseError`] that names the file that cannot be read or is nothing that can be verified. A key of
/// another algorithm than Ed25519 is no error: what it signed is not shown.
pub fn verify_loose(order: &LooseOrder, now: Time) -> Result<Report, VerifyLooseError> {
    let mut trust = LooseTrust {
        policy: order.policy.clone(),
        vkeys: order.vkeys.clone(),
        authorities: order.authorities.clone(),
        ..LooseTrust::default()
    };
    for path in &order.issuer_keys {
        trust.issuers.extend(public_key(path, &text(path)?)?);
    }
    for path in &order.log_keys {
        let text = text(path)?;
        match VerifierKey::parse(text.trim()) {
            Ok(key) => trust.vkeys.push(key),
            Err(_) => trust.logs.extend(public_key(path, &text)?),
        }
    }
    let file = |path: &PathBuf| {
        let bytes = read(path, FILE_BYTES_MAX)?;
        Ok(LooseFile { name: path.display().to_string(), bytes })
    };
    let files = order.files.iter().map(file).collect::<Result<Vec<_>, VerifyLooseError>>()?;
    Ok(verify(&files, &trust, now)?)
}

/// Finds two checkpoints among the files that contradict one another.
///
/// # Errors
/// A [`VerifyLooseError`] that names the file that cannot be read.
pub fn fork_between(files: &[PathBuf]) -> Result<Option<ForkProof>, VerifyLooseError> {
    let read = |path: &PathBuf| Ok(SignedCheckpoint::parse(&read(path, FILE_BYTES_MAX)?).ok());
    let checkpoints = files.iter().map(read).collect::<Result<Vec<_>, VerifyLooseError>>()?;
    let checkpoints: Vec<SignedCheckpoint> = checkpoints.into_iter().flatten().collect();
    let mut pairs =
        (0..checkpoints.len()).flat_map(|first| (first + 1..checkpoints.len()).map(move |other| (first, other)));
    let fork =
        |(first, other): (usize, usize)| ForkProof::new(checkpoints[first].clone(), checkpoints[other].clone()).ok();
    Ok(pairs.find_map(fork))
}

/// Reads a public key; none when it is one of an algorithm that is not checked here.
fn public_key(path: &Path, text: &str) -> Result<Option<Ed25519PublicKey>, VerifyLooseError> {
    match Ed25519PublicKey::from_text(text) {
        Ok(key) => Ok(Some(key)),
        Err(KeyError::NotSpki | KeyError::NotOpenSsh) => Ok(None),
        Err(source) => Err(VerifyLooseError::Key { path: path.to_owned(), source }),
    }
}

fn text(path: &Path) -> Result<String, VerifyLooseError> {
    Ok(String::from_utf8_lossy(&read(path, KEY_BYTES_MAX)?).into_owned())
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, VerifyLooseError> {
    let at = |source| VerifyLooseError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(at)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(at)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > bytes_max) {
        return Err(VerifyLooseError::TooLong { path: path.to_owned(), bytes_max });
    }
    Ok(bytes)
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum VerifyLooseError {
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{}`", path.display())]
    Key { path: PathBuf, source: KeyError },
    #[error(transparent)]
    Loose(#[from] LooseError),
    #[error("`{}` is longer than {bytes_max} bytes", path.display())]
    TooLong { path: PathBuf, bytes_max: u64 },
}
