//! A change of keys, as far as it concerns files.
//!
//! | file              | from when                              | until when                                              |
//! |-------------------|----------------------------------------|---------------------------------------------------------|
//! | `ROLE.next.key`   | before the log has its public half     | the log has it: it becomes `ROLE.key`                   |
//! | `ROLE.key`        |                                        | another becomes it                                      |
//! | `ROLE.former.key` | another became `ROLE.key`, and it still counts | the log retires it: it is destroyed             |
//!
//! `ROLE` is `archive`, `log`, `log-ml-dsa-44` or `recovery`. The order: the secret is durable before its public half is in the log, and
//! a file is moved only after the log says what it is. So whatever a crash leaves holds every key that counts, and
//! [`Keyring::settle`] gives each the right name, with the next command that writes. A `next.key` that the log does
//! not know has signed nothing: the next change takes it up.
//!
//! A secret that does not count any more is not kept: nobody can steal it from here.

use super::held::{self, HeldKey};
use super::pool::KeyPool;
use super::{
    Ed25519PublicKey, Ed25519SecretKey, Keyring, KeysError, LOG_KEY, LOG_KEY_POST_QUANTUM, MlDsa44SecretKey,
    Passphrase, RECOVERY_KEY, STATEMENT_KEY, SecretKey, random_seed, refuse_readable,
};

use std::path::Path;

use zeroize::Zeroizing;

use crate::base::hash::Hash;
use crate::log::checkpoint::Origin;
use crate::log::vkey::{NotePublicKey, VerifierKey};
use crate::outside::agent::Agent;
use crate::outside::archive::durable::{self, Access};

/// What a key of the archive is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Statements and seals.
    Statement,
    /// Checkpoints and receipts, by Ed25519.
    Log,
    /// Checkpoints, by ML-DSA-44.
    LogPostQuantum,
    /// The change of the others; it is kept elsewhere, once it was made.
    Recovery,
}

impl Role {
    /// Those that sign every day.
    pub const ALL: [Self; 3] = [Self::Statement, Self::Log, Self::LogPostQuantum];

    fn current(self) -> &'static str {
        match self {
            Self::Statement => STATEMENT_KEY,
            Self::Log => LOG_KEY,
            Self::LogPostQuantum => LOG_KEY_POST_QUANTUM,
            Self::Recovery => RECOVERY_KEY,
        }
    }

    fn next(self) -> &'static str {
        match self {
            Self::Statement => "archive.next.key",
            Self::Log => "log.next.key",
            Self::LogPostQuantum => "log-ml-dsa-44.next.key",
            Self::Recovery => "recovery.next.key",
        }
    }

    fn former(self) -> &'static str {
        match self {
            Self::Statement => "archive.former.key",
            Self::Log => "log.former.key",
            Self::LogPostQuantum => "log-ml-dsa-44.former.key",
            Self::Recovery => "recovery.former.key", // There never is one: another takes over at once.
        }
    }
}

/// Names every file that may hold a secret key.
pub(super) fn secret_names() -> impl Iterator<Item = &'static str> {
    Role::ALL
        .into_iter()
        .flat_map(|role| [role.current(), role.next(), role.former()])
        .chain([RECOVERY_KEY, Role::Recovery.next()])
}

/// The keys that count where the log ends.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'k> {
    /// For statements.
    pub statement: &'k [u8],
    /// For checkpoints.
    pub log: &'k [VerifierKey],
    /// SHA-256 of the recovery key.
    pub recovery: Hash,
    /// Those for checkpoints whose word is not to be trusted any more.
    pub distrusted: &'k [VerifierKey],
}

impl Counting<'_> {
    fn counts(&self, role: Role, public: &[u8]) -> bool {
        match role {
            Role::Statement => self.statement == public,
            Role::Recovery => self.recovery == Hash::of(public),
            Role::Log | Role::LogPostQuantum => self.log.iter().any(|key| key.key().as_bytes() == public),
        }
    }
}

impl Keyring {
    /// Reads every secret key that is there but the recovery key; one that is to take over from that is among them.
    ///
    /// # Errors
    /// As [`Keyring::secrets`]; that one is missing is no error.
    pub fn pool(&self, origin: &Origin, passphrase: Option<&Passphrase>) -> Result<KeyPool, KeysError> {
        let mut pool = KeyPool::new(origin)?;
        // Those that bear the names of keys that count come first.
        for name in [Role::current, Role::next, Role::former].into_iter().flat_map(|name| Role::ALL.map(name)) {
            if let Some(key) = self.held_if_there(name, passphrase)? {
                pool.add_file(name, key);
            }
        }
        if let Some(key) = self.held_if_there(Role::Recovery.next(), passphrase)? {
            pool.add_file(Role::Recovery.next(), key);
        }
        Ok(pool)
    }

    /// Takes a key that an agent has as the next for a role.
    ///
    /// # Errors
    /// [`KeysError::AgentKey`] when no agent has it, or when the file that says so cannot be made durable.
    pub fn take_next(&self, role: Role, public: &Ed25519PublicKey) -> Result<NotePublicKey, KeysError> {
        Agent::of_environment().and_then(|agent| agent.signer(*public)).map_err(KeysError::AgentKey)?;
        // One that a crash left there has signed nothing.
        let line = format!("{}\n", public.openssh());
        durable::swap(&self.folder.join(role.next()), line.as_bytes(), Access::Secret)?;
        Ok(NotePublicKey::Ed25519(*public))
    }

    /// Makes the next key for a role, or takes up the one that a crash left, and returns its public half. One that an agent has
    /// is taken when it is asked for, and not because it was asked for before.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub fn make_next(&self, role: Role, passphrase: Option<&Passphrase>) -> Result<NotePublicKey, KeysError> {
        let make = |seed: &[u8; super::SEED_SIZE_BYTES]| match role {
            Role::LogPostQuantum => SecretKey::MlDsa44(MlDsa44SecretKey::from_seed(seed)),
            Role::Statement | Role::Log | Role::Recovery => SecretKey::Ed25519(Ed25519SecretKey::from_seed(seed)),
        };
        if !matches!(self.pointer(role.next()), Ok(None)) {
            self.write_secret(role.next(), &make(&*random_seed()?), passphrase)?;
        }
        Ok(HeldKey::Secret(self.read_secret(role.next(), passphrase)?).public())
    }

    /// Adds the recovery key from wherever it is kept; where the file holds the public half, an agent has it.
    ///
    /// # Errors
    /// [`KeysError::Readable`] when others may read it, [`KeysError::KeyFile`] when it is none or closed.
    pub fn add_recovery_key(pool: &mut KeyPool, path: &Path, passphrase: Option<&Passphrase>) -> Result<(), KeysError> {
        let place = Self::new(path.parent().unwrap_or(Path::new(".")));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let pem = Zeroizing::new(place.read(&name)?);
        if let Some(line) = held::pointer(&pem) {
            let public = Ed25519PublicKey::from_openssh(line)
                .map_err(|source| KeysError::PublicKey { path: path.to_owned(), source })?;
            pool.add(HeldKey::with_agent(public, path.to_owned()));
            return Ok(());
        }
        refuse_readable(path)?;
        // The one kept elsewhere may be closed with another passphrase than the keyring, or with none.
        let passphrase = passphrase.filter(|_| SecretKey::is_encrypted(&pem) == Ok(true)).map(|text| text.as_str());
        let key = SecretKey::read_secret(&pem, passphrase)
            .map_err(|source| KeysError::KeyFile { path: path.to_owned(), source })?;
        pool.add(HeldKey::Secret(key));
        Ok(())
    }

    /// Gives each key the name that the log's word on it asks for, enters the log's keys into the policy, takes the
    /// distrusted ones out of it, and destroys secrets that do not count any more.
    ///
    /// The log must be durable as far as it says so.
    ///
    /// # Errors
    /// When a file cannot be read or written; the next command goes on from there.
    pub fn settle(&self, counting: &Counting<'_>, pool: &KeyPool) -> Result<(), KeysError> {
        for role in Role::ALL.into_iter().chain([Role::Recovery]) {
            self.settle_role(role, counting, pool)?;
        }
        self.distrust(counting.distrusted)
    }

    fn settle_role(&self, role: Role, counting: &Counting<'_>, pool: &KeyPool) -> Result<(), KeysError> {
        let (current, next, former) = (role.current(), role.next(), role.former());
        let counts =
            |file: &str| pool.in_file(file).map(HeldKey::public).filter(|key| counting.counts(role, key.as_bytes()));
        if let Some(key) = counts(next) {
            if role != Role::Recovery && counts(current).is_some_and(|before| before != key) {
                self.copy_secret(current, former)?; // A crash here leaves it under two names.
            }
            self.copy_secret(next, current)?;
            self.name_public(role, &key, counting)?;
            if matches!(role, Role::Log | Role::LogPostQuantum) {
                self.trust(counting.log.to_vec())?;
            }
            // A crash here leaves the new one under two names: the same is done again.
            durable::remove(&self.folder.join(next))?;
        } else if pool.in_file(former).is_some() && counts(former).is_none() {
            durable::remove(&self.folder.join(former))?;
        }
        Ok(())
    }

    /// Writes the public half of a role's key.
    fn name_public(&self, role: Role, key: &NotePublicKey, counting: &Counting<'_>) -> Result<(), KeysError> {
        let origin = counting.log.first().map_or("", |key| key.name().as_str());
        let plain = match role {
            Role::Statement => Some("archive.pub"),
            Role::Recovery => Some("recovery.pub"),
            Role::Log | Role::LogPostQuantum => None,
        };
        if let (Some(name), NotePublicKey::Ed25519(key)) = (plain, key) {
            return self.write_public(name, &format!("{} {origin}\n", key.openssh()));
        }
        let vkey = counting.log.iter().find(|held| held.key() == key);
        let name = if role == Role::Log { "log.vkey" } else { "log-ml-dsa-44.vkey" };
        vkey.map_or(Ok(()), |vkey| self.write_public(name, &format!("{vkey}\n")))
    }

    fn held_if_there(&self, name: &str, passphrase: Option<&Passphrase>) -> Result<Option<HeldKey>, KeysError> {
        match self.held(name, passphrase) {
            Err(KeysError::Missing { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Copies a file as it is: closed stays closed.
    fn copy_secret(&self, from: &str, to: &str) -> Result<(), KeysError> {
        let pem = Zeroizing::new(self.read(from)?);
        Ok(durable::swap(&self.folder.join(to), &pem, Access::Secret)?)
    }
}
