//! The keyring: the one place that opens `keys/` and asks for randomness.
//!
//! | file                    | what                                                          | committed |
//! |-------------------------|---------------------------------------------------------------|-----------|
//! | `policy`                | whose word is enough for this reader (C2SP tlog-policy)       | yes       |
//! | `authorities/*.pem`     | roots of timestamp authorities that this reader trusts, and revocation lists (`*.crl`) | yes |
//! | `organisations/*.pem`   | roots that this reader trusts to say who an organisation is   | yes       |
//! | `endorsements/*.cms`    | who vouches for the log's keys ([`crate::evidence::endorsement`]) | yes   |
//! | `blocks`                | blocks of Bitcoin that this reader knows ([`crate::timestamp::opentimestamps::blocks`]) | yes |
//! | `archive.pub`           | the statement key, as OpenSSH writes it                       | yes       |
//! | `recovery.pub`          | the recovery key, likewise                                    | yes       |
//! | `log.vkey`              | the log's Ed25519 key, as a vkey                              | yes       |
//! | `log-ml-dsa-44.vkey`    | the log's ML-DSA-44 key, as a vkey                            | yes       |
//! | `archive.key`           | signs statements and seals                                    | never     |
//! | `log.key`               | signs checkpoints and receipts                                | never     |
//! | `log-ml-dsa-44.key`     | signs checkpoints                                             | never     |
//! | `recovery.key`          | to be kept elsewhere: its hash stands in genesis              | never     |
//! | `….next.key`            | made for a change of keys that the log may not have yet (`change`) | never |
//! | `….former.key`          | a log key that still signs beside the one that took over      | never     |
//! | `newest-checkpoint`     | the newest checkpoint these keys have signed ([`super::remembered`]) | never |
//! | `lock`                  | the lock of the process that signs, while one does            | never     |
//!
//! `archive.key` and `log.key` may hold a public key instead, as OpenSSH writes it: then a running ssh-agent has the secret
//! (`held`).
//!
//! Secret files are PKCS#8 PEM ([`crate::log::key_file`]), mode 0600 from the moment they exist, and refused
//! when others may read them. `newest-checkpoint` lies here and not in the archive, so that an archive
//! restored from a backup cannot make the log sign its past anew.

mod change;
mod endorsements;
pub mod error;
mod held;
mod passphrase;
mod pool;

pub use change::{Counting, Role};
pub use error::KeysError;
pub use pool::KeyPool;

use held::HeldKey;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::base::time::Time;
use crate::log::checkpoint::Origin;
use crate::log::key::{Ed25519PublicKey, Ed25519SecretKey, Ed25519Signer, MlDsa44SecretKey, SEED_SIZE_BYTES};
use crate::log::key_file::{Encryption, KeyFileError, SecretKey};
use crate::log::policy::Policy;
use crate::log::vkey::{KeyName, NoteSecretKey, SignerKey, VerifierKey};
use crate::outside::archive::durable::{self, Access, WriteError};
use crate::outside::remembered::{self, Remembered};
use crate::timestamp::authorities::Authorities;
use crate::timestamp::certificate::Purpose;
use crate::timestamp::opentimestamps::blocks::Blocks;

/// The longest file of the keyring that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

const STATEMENT_KEY: &str = "archive.key";
const LOG_KEY: &str = "log.key";
const LOG_KEY_POST_QUANTUM: &str = "log-ml-dsa-44.key";
const RECOVERY_KEY: &str = "recovery.key";
const NEWEST_CHECKPOINT: &str = "newest-checkpoint";
const AUTHORITIES: &str = "authorities";
const ORGANISATIONS: &str = "organisations";
const BLOCKS: &str = "blocks";

/// A passphrase, wiped from memory when dropped.
pub type Passphrase = Zeroizing<String>;

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct Keyring {
    folder: PathBuf,
}

/// The archive's secret keys, one for each purpose.
pub struct SecretKeys {
    /// Signs statements and the seals of bundles.
    pub statement: Ed25519Signer,
    /// Signs receipts and, under the log's name, checkpoints.
    pub log: Ed25519Signer,
    /// Sign checkpoints: Ed25519, then ML-DSA-44, of each the newest first.
    pub checkpoint: Vec<SignerKey>,
    /// All that the keyring holds, those of a change under way among them.
    pool: KeyPool,
}

impl SecretKeys {
    /// Takes out of what the keyring holds the keys that count where the log ends.
    ///
    /// # Errors
    /// [`KeysError::NotHeld`] names the one that is not there.
    pub fn fit(&self, statement: &Ed25519PublicKey, log: &[VerifierKey]) -> Result<Self, KeysError> {
        self.pool.fit(statement, log)
    }

    /// Returns all that the keyring holds.
    #[must_use]
    pub fn pool(&self) -> &KeyPool {
        &self.pool
    }
}

/// The archive's public keys.
#[derive(Clone, Debug)]
pub struct PublicKeys {
    /// Checks statements and the seals of bundles.
    pub statement: Ed25519PublicKey,
    /// Is kept for the day on which the others are lost or stolen.
    pub recovery: Ed25519PublicKey,
    /// Check checkpoints: Ed25519, then ML-DSA-44.
    pub checkpoint: Vec<VerifierKey>,
}

impl Keyring {
    /// Names the keyring in `folder`, which need not exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says whether the keyring has the archive's secret keys.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.folder.join(STATEMENT_KEY).exists()
    }

    /// Makes new keys for a log, and enters the log's into the policy. Keys that a crash left before all of them were
    /// there are taken up: none has signed anything.
    ///
    /// # Errors
    /// [`KeysError::Exists`] when there are keys already: none is ever overwritten.
    pub fn create(&self, origin: &Origin, passphrase: Option<&Passphrase>) -> Result<SecretKeys, KeysError> {
        for name in [STATEMENT_KEY, NEWEST_CHECKPOINT] {
            let path = self.folder.join(name);
            if path.exists() {
                return Err(KeysError::Exists { path });
            }
        }
        // The statement key is written last: it is what `has_secrets` asks for.
        let ed25519 = |seed: &[u8; SEED_SIZE_BYTES]| SecretKey::Ed25519(Ed25519SecretKey::from_seed(seed));
        let ml_dsa = |seed: &[u8; SEED_SIZE_BYTES]| SecretKey::MlDsa44(MlDsa44SecretKey::from_seed(seed));
        self.make_secret(RECOVERY_KEY, passphrase, &ed25519)?;
        let recovery = self.read_ed25519(RECOVERY_KEY, passphrase)?.public();
        self.write_public("recovery.pub", &format!("{} {origin}\n", recovery.openssh()))?;
        self.make_secret(LOG_KEY_POST_QUANTUM, passphrase, &ml_dsa)?;
        self.make_secret(LOG_KEY, passphrase, &ed25519)?;
        let statement = Ed25519SecretKey::from_seed(&*random_seed()?);
        self.write_public("archive.pub", &format!("{} {origin}\n", statement.public().openssh()))?;
        let checkpoint = self.checkpoint_keys(origin, passphrase)?.1;
        for (name, key) in ["log.vkey", "log-ml-dsa-44.vkey"].into_iter().zip(&checkpoint) {
            self.write_public(name, &format!("{}\n", key.verifier()))?;
        }
        self.trust(checkpoint.iter().map(|key| key.verifier().clone()).collect())?;
        self.write_secret(STATEMENT_KEY, &SecretKey::Ed25519(statement), passphrase)?;
        self.secrets(origin, passphrase)
    }

    /// Returns the name under which keys were begun to be made, when a crash cut that short.
    #[must_use]
    pub fn begun_origin(&self) -> Option<Origin> {
        let vkey = String::from_utf8(self.read("log.vkey").ok()?).ok()?;
        Origin::new(VerifierKey::parse(vkey.trim()).ok()?.name().as_str()).ok()
    }

    fn make_secret(
        &self,
        name: &str,
        passphrase: Option<&Passphrase>,
        make: &dyn Fn(&[u8; SEED_SIZE_BYTES]) -> SecretKey,
    ) -> Result<(), KeysError> {
        if self.folder.join(name).exists() {
            return Ok(());
        }
        self.write_secret(name, &make(&*random_seed()?), passphrase)
    }

    /// Reads the archive's secret keys.
    ///
    /// # Errors
    /// [`KeysError::Missing`] when there are none, [`KeysError::Readable`] when others may read one,
    /// [`KeysError::KeyFile`] when a passphrase is needed or wrong, [`KeysError::Agent`] when an agent is needed and does not
    /// hold it.
    pub fn secrets(&self, origin: &Origin, passphrase: Option<&Passphrase>) -> Result<SecretKeys, KeysError> {
        let pool = self.pool(origin, passphrase)?;
        for name in [STATEMENT_KEY, LOG_KEY, LOG_KEY_POST_QUANTUM] {
            let path = self.folder.join(name);
            if !path.exists() {
                return Err(KeysError::Missing { path });
            }
        }
        pool.current()
    }

    fn checkpoint_keys(
        &self,
        origin: &Origin,
        passphrase: Option<&Passphrase>,
    ) -> Result<(Ed25519SecretKey, Vec<SignerKey>), KeysError> {
        let name = KeyName::new(origin.as_str())?;
        let log = self.read_ed25519(LOG_KEY, passphrase)?;
        let path = self.folder.join(LOG_KEY_POST_QUANTUM);
        let SecretKey::MlDsa44(post_quantum) = self.read_secret(LOG_KEY_POST_QUANTUM, passphrase)? else {
            return Err(KeysError::WrongAlgorithm { path, expected: "ML-DSA-44" });
        };
        let signer = Ed25519SecretKey::from_seed(&log.seed_secret());
        let checkpoint = vec![
            SignerKey::new(name.clone(), NoteSecretKey::Ed25519(signer)),
            SignerKey::new(name, NoteSecretKey::MlDsa44Cosignature(post_quantum)),
        ];
        Ok((log, checkpoint))
    }

    /// Reads the archive's public keys, for which no passphrase is needed.
    ///
    /// # Errors
    /// [`KeysError::Missing`] or what is wrong with a file.
    pub fn public(&self) -> Result<PublicKeys, KeysError> {
        let statement = self.read_public("archive.pub")?;
        let recovery = self.read_public("recovery.pub")?;
        let checkpoint = ["log.vkey", "log-ml-dsa-44.vkey"]
            .into_iter()
            .map(|name| Ok(VerifierKey::parse(String::from_utf8_lossy(&self.read(name)?).trim())?))
            .collect::<Result<_, KeysError>>()?;
        Ok(PublicKeys { statement, recovery, checkpoint })
    }

    /// Returns the secret files that others may read.
    #[must_use]
    pub fn unsafe_files(&self) -> Vec<PathBuf> {
        let secrets = change::secret_names().map(|name| self.folder.join(name));
        secrets.filter(|path| path.exists() && refuse_readable(path).is_err()).collect()
    }

    /// Names the files whose secret key anybody can use who reads them: no passphrase closes them.
    #[must_use]
    pub fn open_files(&self) -> Vec<&'static str> {
        let is_open = |name: &&str| {
            let file = self.read(name).map(Zeroizing::new);
            file.is_ok_and(|file| held::pointer(&file).is_none() && SecretKey::is_encrypted(&file) == Ok(false))
        };
        change::secret_names().filter(is_open).collect()
    }

    /// Says whether the secret keys are there and encrypted.
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        self.read(STATEMENT_KEY).is_ok_and(|file| SecretKey::is_encrypted(&Zeroizing::new(file)).unwrap_or(false))
    }

    /// Says whether the recovery key still lies in the keyring.
    #[must_use]
    pub fn holds_recovery_key(&self) -> bool {
        self.folder.join(RECOVERY_KEY).exists()
    }

    /// Reads the policy; `None` when there is none.
    ///
    /// # Errors
    /// [`KeysError::Policy`] says what is wrong with it.
    pub fn policy(&self) -> Result<Option<Policy>, KeysError> {
        let bytes = match self.read("policy") {
            Err(KeysError::Missing { .. }) => return Ok(None),
            other => other?,
        };
        let path = self.folder.join("policy");
        Policy::parse(&bytes).map(Some).map_err(|source| KeysError::Policy { path, source })
    }

    /// Reads the roots of timestamp authorities, and revocation lists: every file in `authorities/`, PEM or DER.
    ///
    /// # Errors
    /// [`KeysError::Authority`] says what is wrong with which file.
    pub fn authorities(&self) -> Result<Authorities, KeysError> {
        self.certificates(AUTHORITIES, Purpose::TimeStamping)
    }

    /// Reads the roots that say who an organisation is, likewise from `organisations/`.
    ///
    /// # Errors
    /// As [`Keyring::authorities`].
    pub fn organisations(&self) -> Result<Authorities, KeysError> {
        self.certificates(ORGANISATIONS, Purpose::Documents)
    }

    fn certificates(&self, place: &str, purpose: Purpose) -> Result<Authorities, KeysError> {
        let folder = self.folder.join(place);
        let mut authorities = Authorities::none_for(purpose);
        let listed = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(authorities),
            other => other.map_err(|source| KeysError::Io { path: folder.clone(), source })?,
        };
        let mut names: Vec<String> =
            listed.filter_map(|file| file.ok()?.file_name().into_string().ok()).filter(|name| is_root(name)).collect();
        names.sort();
        for name in names {
            let bytes = self.read(&format!("{place}/{name}"))?;
            let path = folder.join(name);
            authorities.add_file(&bytes).map_err(|source| KeysError::Authority { path, source })?;
        }
        Ok(authorities)
    }

    /// Reads which blocks the reader knows; none when there is no file.
    ///
    /// # Errors
    /// [`KeysError::Blocks`] says what is wrong with which line.
    pub fn blocks(&self) -> Result<Blocks, KeysError> {
        let mut blocks = Blocks::default();
        let bytes = match self.read(BLOCKS) {
            Err(KeysError::Missing { .. }) => return Ok(blocks),
            other => other?,
        };
        let path = self.folder.join(BLOCKS);
        blocks.add_file(&String::from_utf8_lossy(&bytes)).map_err(|source| KeysError::Blocks { path, source })?;
        Ok(blocks)
    }

    /// Enters a log's keys into the policy, which is made if there is none.
    fn trust(&self, keys: Vec<VerifierKey>) -> Result<(), KeysError> {
        let before = match self.read("policy") {
            Err(KeysError::Missing { .. }) => b"# Whose word is enough: C2SP tlog-policy.\nquorum none\n".to_vec(),
            other => other?,
        };
        let mut text = String::from_utf8_lossy(&before).into_owned();
        for key in keys {
            let line = format!("log {key}\n");
            if !text.contains(&line) {
                text.push_str(&line);
            }
        }
        if text.as_bytes() == before {
            return Ok(());
        }
        let path = self.folder.join("policy");
        Policy::parse(text.as_bytes()).map_err(|source| KeysError::Policy { path, source })?;
        self.write_public("policy", &text)
    }

    /// Takes keys out of the policy.
    fn distrust(&self, keys: &[VerifierKey]) -> Result<(), KeysError> {
        let Ok(before) = self.read("policy") else { return Ok(()) };
        let lines: Vec<String> = keys.iter().map(|key| format!("log {key}")).collect();
        let text = String::from_utf8_lossy(&before);
        let is_of = |line: &str, key: &String| line == key || line.starts_with(&format!("{key} "));
        let kept: Vec<&str> = text.lines().filter(|line| !lines.iter().any(|key| is_of(line, key))).collect();
        if kept.len() == text.lines().count() {
            return Ok(());
        }
        self.write_public("policy", &(kept.join("\n") + "\n"))
    }

    /// Returns the newest checkpoint that these keys have signed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn newest_checkpoint(&self) -> Result<Option<Vec<u8>>, KeysError> {
        match self.read(NEWEST_CHECKPOINT) {
            Err(KeysError::Missing { .. }) => Ok(None),
            other => other.map(|bytes| Some(remembered::newest(&bytes).to_vec())),
        }
    }

    /// Takes the keyring for signing: one process remembers for these keys at a time.
    ///
    /// # Errors
    /// [`KeysError::Lock`] names who signs already.
    pub fn remembered(&self, now: Time) -> Result<Remembered, KeysError> {
        Remembered::open(&self.folder, NEWEST_CHECKPOINT, now)
    }

    fn read_ed25519(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<Ed25519SecretKey, KeysError> {
        match self.read_secret(name, passphrase)? {
            SecretKey::Ed25519(key) => Ok(key),
            SecretKey::MlDsa44(_) => {
                Err(KeysError::WrongAlgorithm { path: self.folder.join(name), expected: "Ed25519" })
            }
        }
    }

    fn read_secret(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<SecretKey, KeysError> {
        open_secret(&self.folder.join(name), || self.read(name), passphrase)
    }

    /// Reads a key, or asks the agent for it that has it by the file's word.
    fn held(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<HeldKey, KeysError> {
        match self.pointer(name)? {
            Some(public) => Ok(HeldKey::with_agent(public, self.folder.join(name))),
            None => self.read_secret(name, passphrase).map(HeldKey::Secret),
        }
    }

    /// Returns the public key of a file that says that an agent has the secret.
    fn pointer(&self, name: &str) -> Result<Option<Ed25519PublicKey>, KeysError> {
        let file = Zeroizing::new(self.read(name)?);
        let unusable = |source| KeysError::PublicKey { path: self.folder.join(name), source };
        held::pointer(&file).map(|line| Ed25519PublicKey::from_openssh(line).map_err(unusable)).transpose()
    }

    fn write_secret(&self, name: &str, key: &SecretKey, passphrase: Option<&Passphrase>) -> Result<(), KeysError> {
        write_secret(&self.folder.join(name), key, passphrase)
    }

    fn read_public(&self, name: &str) -> Result<Ed25519PublicKey, KeysError> {
        let line = String::from_utf8_lossy(&self.read(name)?).into_owned();
        Ed25519PublicKey::from_openssh(&line)
            .map_err(|source| KeysError::PublicKey { path: self.folder.join(name), source })
    }

    pub(super) fn write_public(&self, name: &str, text: &str) -> Result<(), KeysError> {
        Ok(durable::swap(&self.folder.join(name), text.as_bytes(), Access::Public)?)
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, KeysError> {
        let path = self.folder.join(name);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(KeysError::Missing { path }),
            Ok(metadata) if metadata.len() > FILE_BYTES_MAX => return Err(KeysError::TooLong { path }),
            _ => {}
        }
        fs::read(&path).map_err(|source| KeysError::Io { path, source })
    }
}

/// Reads a secret key that nobody else may read, from the bytes that `read` gives of its file.
pub(super) fn open_secret<E: From<KeysError>>(
    path: &Path,
    read: impl FnOnce() -> Result<Vec<u8>, E>,
    passphrase: Option<&Passphrase>,
) -> Result<SecretKey, E> {
    refuse_readable(path)?;
    let pem = Zeroizing::new(read()?);
    let passphrase = passphrase.map(|passphrase| passphrase.as_str());
    SecretKey::read_secret(&pem, passphrase)
        .map_err(|source| KeysError::KeyFile { path: path.to_owned(), source }.into())
}

/// Writes a secret key for its owner alone, closed with a passphrase where there is one.
pub(super) fn write_secret<E: From<KeysError> + From<WriteError>>(
    path: &Path,
    key: &SecretKey,
    passphrase: Option<&Passphrase>,
) -> Result<(), E> {
    let pem = match passphrase {
        Some(passphrase) => key
            .write_encrypted_secret(&Encryption { passphrase, salt: random()?, iv: random()? })
            .map_err(|source| KeysError::KeyFile { path: path.to_owned(), source })?,
        None => key.write_secret(),
    };
    Ok(durable::swap(path, pem.as_bytes(), Access::Secret)?)
}

/// Says whether a file of certificates is meant to be read: notes beside the roots are not.
fn is_root(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(std::ffi::OsStr::to_str);
    extension.is_some_and(|extension| {
        ["pem", "crt", "cer", "der", "crl"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

#[cfg(unix)]
pub(super) fn refuse_readable(path: &Path) -> Result<(), KeysError> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) }; // Reading it will say why.
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeysError::Readable { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn refuse_readable(_path: &Path) -> Result<(), KeysError> {
    Ok(())
}

fn random_seed() -> Result<Zeroizing<[u8; SEED_SIZE_BYTES]>, KeysError> {
    Ok(Zeroizing::new(random()?))
}

/// Returns random bytes, for names that must not collide.
///
/// # Errors
/// [`KeysError::Random`] when the system has none.
pub fn random<const COUNT: usize>() -> Result<[u8; COUNT], KeysError> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes).map_err(KeysError::Random)?;
    Ok(bytes)
}
