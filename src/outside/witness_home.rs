//! A witness's home: the one place that opens the folder of a witness that we run.
//!
//! ```text
//! witness.key, witness-ml-dsa-44.key       its secret keys, PKCS#8 PEM, 0600; they sign cosignatures and nothing else
//! witness.vkey, witness-ml-dsa-44.vkey     the same keys as others list them in their policies
//! logs                                     which logs it follows: `log` lines of a C2SP tlog-policy
//! seen/                                    the newest checkpoint of each log that it signed, with its lines ([`super::heads`])
//! lock                                     names the process that serves
//! ```
//!
//! A checkpoint is remembered by one swap, and waited for, before its line leaves: what a witness has signed is what it
//! remembers, whatever crashes when. One process serves a home at a time. *A lost home is a lost witness*: with the keys
//! and without what was seen it would sign a second history, so keys are not copied to another home, and a witness that has lost
//! its memory is given new ones.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::archive::durable::{self, Access, WriteError};
use super::archive::lock::{Lock, LockError};
use super::heads::Heads;
use super::keys::{self, KeysError, Passphrase};

use crate::base::time::Time;
use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
use crate::log::key_file::SecretKey;
use crate::log::policy::{Policy, PolicyError};
use crate::log::vkey::{KeyName, NoteSecretKey, SignerKey, VerifierKey};

const KEY: &str = "witness.key";
const VKEY: &str = "witness.vkey";
const KEY_POST_QUANTUM: &str = "witness-ml-dsa-44.key";
const VKEY_POST_QUANTUM: &str = "witness-ml-dsa-44.vkey";
const LOGS: &str = "logs";
const SEEN: &str = "seen";

/// The longest file that is read: a checkpoint, or a list of logs.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What a list of logs begins with.
const LOGS_BEGUN: &str = "# The logs that this witness follows: C2SP tlog-policy.\nquorum none\n";

/// A witness's folder.
#[derive(Clone, Debug)]
pub struct WitnessHome {
    folder: PathBuf,
}

impl WitnessHome {
    /// Names the home in `folder`, which need not exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says whether the witness has its keys.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.folder.join(KEY).exists()
    }

    /// Makes the witness's keys under a name, or under one that no other has.
    ///
    /// # Errors
    /// [`WitnessHomeError::Exists`] when there are some: none is ever overwritten.
    pub fn create(&self, name: Option<&KeyName>, passphrase: Option<&Passphrase>) -> Result<(), WitnessHomeError> {
        for file in [KEY, SEEN] {
            let path = self.folder.join(file);
            if path.exists() {
                return Err(WitnessHomeError::Exists { path });
            }
        }
        let chosen = || {
            let random: [u8; 6] = keys::random()?;
            Ok::<_, WitnessHomeError>(
                KeyName::new(&format!("affiant-{}/witness", data_encoding::HEXLOWER.encode(&random)))
                    .map_err(KeysError::from)?,
            )
        };
        let name = name.cloned().map_or_else(chosen, Ok)?;
        let post_quantum = MlDsa44SecretKey::from_seed(&Zeroizing::new(keys::random()?));
        let ed25519 = Ed25519SecretKey::from_seed(&Zeroizing::new(keys::random()?));
        self.write_secret(KEY_POST_QUANTUM, &SecretKey::MlDsa44(post_quantum), passphrase)?;
        // A crash before the vkeys leaves keys without a name; the Ed25519 key is written last, and is what counts.
        let SecretKey::MlDsa44(post_quantum) = self.read_secret(KEY_POST_QUANTUM, passphrase)? else {
            return Err(WitnessHomeError::WrongAlgorithm { path: self.folder.join(KEY_POST_QUANTUM) });
        };
        let signers = [
            (VKEY_POST_QUANTUM, SignerKey::new(name.clone(), NoteSecretKey::MlDsa44Cosignature(post_quantum))),
            (
                VKEY,
                SignerKey::new(
                    name,
                    NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&ed25519.seed_secret())),
                ),
            ),
        ];
        for (file, signer) in &signers {
            self.write(file, &format!("{}\n", signer.verifier()))?;
        }
        if !self.folder.join(LOGS).exists() {
            self.write(LOGS, LOGS_BEGUN)?;
        }
        self.write_secret(KEY, &SecretKey::Ed25519(ed25519), passphrase)
    }

    /// Returns the keys by which others know the witness: Ed25519, then ML-DSA-44.
    ///
    /// # Errors
    /// [`WitnessHomeError::Missing`] when there are none.
    pub fn vkeys(&self) -> Result<Vec<VerifierKey>, WitnessHomeError> {
        [VKEY, VKEY_POST_QUANTUM]
            .into_iter()
            .map(|name| {
                let bytes = self.read(name)?.ok_or(WitnessHomeError::Missing { path: self.folder.join(name) })?;
                Ok(VerifierKey::parse(String::from_utf8_lossy(&bytes).trim()).map_err(KeysError::from)?)
            })
            .collect()
    }

    /// Reads the secret keys, in the order of [`Self::vkeys`].
    ///
    /// # Errors
    /// A [`WitnessHomeError`]; [`KeysError::Readable`] when others may read one.
    pub fn secrets(&self, passphrase: Option<&Passphrase>) -> Result<Vec<SignerKey>, WitnessHomeError> {
        let files = [KEY, KEY_POST_QUANTUM];
        let signers = self.vkeys()?.into_iter().zip(files).map(|(vkey, file)| {
            let secret = match self.read_secret(file, passphrase)? {
                SecretKey::Ed25519(secret) => NoteSecretKey::Ed25519Cosignature(secret),
                SecretKey::MlDsa44(secret) => NoteSecretKey::MlDsa44Cosignature(secret),
            };
            let signer = SignerKey::new(vkey.name().clone(), secret);
            if *signer.verifier() != vkey {
                return Err(WitnessHomeError::OtherKey { path: self.folder.join(file) });
            }
            Ok(signer)
        });
        signers.collect()
    }

    /// Says whether the secret keys are encrypted.
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        let file = self.read(KEY).ok().flatten().map(Zeroizing::new);
        file.is_some_and(|file| SecretKey::is_encrypted(&file).unwrap_or(false))
    }

    /// Takes the home for serving.
    ///
    /// # Errors
    /// [`WitnessHomeError::Lock`] names who serves already.
    pub fn lock(&self, now: Time) -> Result<Lock, WitnessHomeError> {
        Ok(Lock::take(&self.folder, now)?)
    }

    /// Reads which logs are followed; none when there is no list.
    ///
    /// # Errors
    /// [`WitnessHomeError::Logs`] says what is wrong with the list.
    pub fn logs(&self) -> Result<Policy, WitnessHomeError> {
        let bytes = self.read(LOGS)?.unwrap_or_else(|| LOGS_BEGUN.as_bytes().to_vec());
        let path = self.folder.join(LOGS);
        Policy::parse(&bytes).map_err(|source| WitnessHomeError::Logs { path, source })
    }

    /// Returns when the list of logs was changed, and how long it is, for those who keep it in memory.
    #[must_use]
    pub fn logs_stamp(&self) -> Option<(SystemTime, u64)> {
        let metadata = fs::metadata(self.folder.join(LOGS)).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    /// Follows the logs of some keys from now on; those that are followed already stay.
    ///
    /// # Errors
    /// [`WitnessHomeError::Logs`] when the list does not take one.
    pub fn follow(&self, keys: &[VerifierKey]) -> Result<(), WitnessHomeError> {
        let bytes = self.read(LOGS)?.unwrap_or_else(|| LOGS_BEGUN.as_bytes().to_vec());
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        let followed = self.logs()?;
        for key in keys.iter().filter(|key| followed.logs().iter().all(|log| log.key != **key)) {
            text.extend([format!("log {key}\n")]);
        }
        let path = self.folder.join(LOGS);
        Policy::parse(text.as_bytes()).map_err(|source| WitnessHomeError::Logs { path, source })?;
        self.write(LOGS, &text)
    }

    /// Returns what was signed of each log.
    #[must_use]
    pub fn seen(&self) -> Heads {
        Heads::new(&self.folder.join(SEEN))
    }

    fn write_secret(
        &self,
        name: &str,
        key: &SecretKey,
        passphrase: Option<&Passphrase>,
    ) -> Result<(), WitnessHomeError> {
        keys::write_secret(&self.folder.join(name), key, passphrase)
    }

    fn read_secret(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<SecretKey, WitnessHomeError> {
        let path = self.folder.join(name);
        let read = || self.read(name)?.ok_or(WitnessHomeError::Missing { path: path.clone() });
        keys::open_secret(&path, read, passphrase)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), WitnessHomeError> {
        Ok(durable::swap(&self.folder.join(name), text.as_bytes(), Access::Public)?)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, WitnessHomeError> {
        let path = self.folder.join(name);
        let too_long = |metadata: fs::Metadata| metadata.len() > FILE_BYTES_MAX;
        if fs::metadata(&path).is_ok_and(too_long) {
            return Err(WitnessHomeError::TooLong { path });
        }
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some).map_err(|source| WitnessHomeError::Io { path, source }),
        }
    }
}

/// Why a witness's home cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum WitnessHomeError {
    #[error("`{}` exists already, and no key is ever overwritten", path.display())]
    Exists { path: PathBuf },
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("`{}`", path.display())]
    Logs { path: PathBuf, source: PolicyError },
    #[error("`{}` is missing", path.display())]
    Missing { path: PathBuf },
    #[error("`{}` is not the key that the vkey beside it names", path.display())]
    OtherKey { path: PathBuf },
    #[error("`{}` is longer than {FILE_BYTES_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("`{}` is a key of another algorithm", path.display())]
    WrongAlgorithm { path: PathBuf },
}
