//! Keys: those that speak for the archive change, by a record that the log keeps.
//!
//! | act      | the record                                                                                                |
//! |----------|-----------------------------------------------------------------------------------------------------------|
//! | rotate   | adds new keys. The old statement key is retired by it; the old log keys go on signing beside the new ones  |
//! | rotate recovery | adds another recovery key, by the word of the one before it, which ends with that                   |
//! | retire   | ends that: from here on checkpoints are signed by the new log keys alone                                   |
//! | distrust | says from which entry on a key is not to be believed, and adds another where none would be left            |
//!
//! A log is known to its readers by its key, in their policies (C2SP tlog-policy). So a new log key signs beside the old
//! one until they had time to take it over: each checkpoint bears both lines, and a reader who knows either is content. Old
//! bundles keep their checkpoint, which the old key signed: it stays in the policy when it is retired, and leaves it when it
//! is distrusted. A reader who knows only the old key and sees a checkpoint by the new one alone finds the record in which the
//! one handed over to the other.
//!
//! Order: the new secret is durable in the keyring, then the record is in the log, then the keyring's files get their names
//! ([`Keyring::settle`]). A crash before the record leaves a key that has signed nothing, which the next change takes up; one after
//! it is finished by the next command that writes.

use std::path::PathBuf;

use super::append::{AppendError, Appended, Appender};
use super::places::Places;
use super::progress::Progress;

use crate::base::time::Time;
use crate::evidence::record::{Change, KeyAct, KeyPurpose, NamedKey};
use crate::evidence::succession::Succession;
use crate::log::checkpoint::{CheckpointError, Origin};
use crate::log::key::Ed25519PublicKey;
use crate::log::vkey::NotePublicKey;
use crate::outside::archive::ArchiveError;
use crate::outside::keys::{Keyring, KeysError, Passphrase, Role};

/// What is to become of the keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyOrder {
    /// Others take over.
    Rotate {
        /// From which.
        which: Which,
        /// When the log's old keys end.
        overlap: Overlap,
    },
    /// The log's former keys end.
    Retire,
    /// A key is not believed from an entry on.
    Distrust {
        /// Which: `archive`, `log`, or a fingerprint.
        key: String,
        /// The first entry that it does not vouch for.
        from: u64,
    },
}

/// Which keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    /// That for statements and seals.
    Statement,
    /// Those for checkpoints.
    Log,
    /// All of them but the recovery key.
    All,
    /// The recovery key.
    Recovery,
}

/// When the log's old keys end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Overlap {
    /// Later, by a record of its own: both sign until then.
    UntilRetired,
    /// At once.
    None,
}

/// By whose authority, and why.
#[derive(Clone, Debug, Default)]
pub struct KeyAuthority {
    /// Where the recovery key lies, when the others are lost or stolen.
    pub recovery: Option<PathBuf>,
    /// Why.
    pub reason: Option<String>,
    /// The new Ed25519 key, where an ssh-agent has it; otherwise one is made.
    pub agent_key: Option<Ed25519PublicKey>,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Its record.
    pub record: Appended,
    /// What it says of each key.
    pub changes: Vec<Change>,
}

/// Changes the keys of an archive.
///
/// # Errors
/// A [`ChangeError`]. Whatever was done by then is taken up by the next command.
pub fn change(
    places: &Places,
    order: &KeyOrder,
    authority: &KeyAuthority,
    passphrase: Option<&Passphrase>,
    moment: (Time, &dyn Progress),
) -> Result<Changed, ChangeError> {
    let (now, progress) = moment;
    let (archive, keyring) = (places.open_archive()?, places.keyring());
    let origin = Origin::new(&archive.settings().origin)?;
    let held = || {
        let mut pool = keyring.pool(&origin, passphrase)?;
        if let Some(path) = &authority.recovery {
            Keyring::add_recovery_key(&mut pool, path, passphrase)?;
        }
        Ok::<_, KeysError>(pool)
    };
    let pool = held()?;
    let mut appender = Appender::open_with(&archive, &keyring, pool.clone(), now, progress)?;
    let succession = appender.succession().ok_or(ChangeError::NoLog)?;
    if let Some(path) = &authority.recovery
        && pool.find(&|public| succession.is_recovery(public)).is_none()
    {
        return Err(ChangeError::OtherRecoveryKey { path: path.clone() });
    }
    let changes =
        Drafting { succession, keyring: &keyring, passphrase, index: appender.size(), authority }.draft(order)?;
    let record = appender.change_keys(changes.clone(), authority.reason.clone(), held()?, now)?; // With those that were made just now.
    // A crash here leaves new keys that have signed nothing: nothing of the record is durable yet.
    appender.publish(now)?;
    // A crash here leaves the files under their old names; the log says which is which.
    appender.settle_keys(&keyring)?;
    Ok(Changed { record, changes })
}

struct Drafting<'d> {
    succession: &'d Succession,
    keyring: &'d Keyring,
    passphrase: Option<&'d Passphrase>,
    index: u64,
    authority: &'d KeyAuthority,
}

impl Drafting<'_> {
    fn draft(&self, order: &KeyOrder) -> Result<Vec<Change>, ChangeError> {
        match order {
            KeyOrder::Rotate { which, overlap } => self.rotate(*which, *overlap),
            KeyOrder::Retire => self.retire(),
            KeyOrder::Distrust { key, from } => self.distrust(key, *from),
        }
    }

    fn rotate(&self, which: Which, overlap: Overlap) -> Result<Vec<Change>, ChangeError> {
        let mut changes = Vec::new();
        if which == Which::Recovery {
            if self.authority.recovery.is_none() {
                return Err(ChangeError::NoRecoveryKey);
            }
            changes.push(self.add(Role::Recovery)?);
        }
        if matches!(which, Which::Statement | Which::All) {
            changes.push(self.add(Role::Statement)?);
            changes.extend(self.valid(KeyPurpose::Statement).map(|key| Change { act: KeyAct::Retire, key }));
        }
        if matches!(which, Which::Log | Which::All) {
            changes.push(self.add(Role::Log)?);
            changes.push(self.add(Role::LogPostQuantum)?);
            // Keys that are lost cannot sign beside the new ones.
            if overlap == Overlap::None || self.authority.recovery.is_some() {
                changes.extend(self.valid(KeyPurpose::Checkpoint).map(|key| Change { act: KeyAct::Retire, key }));
            }
        }
        Ok(changes)
    }

    /// The newest log key of each algorithm stays.
    fn retire(&self) -> Result<Vec<Change>, ChangeError> {
        let log: Vec<NamedKey> = self.valid(KeyPurpose::Checkpoint).collect();
        let is_former =
            |(at, key): &(usize, &NamedKey)| log[at + 1..].iter().any(|newer| newer.algorithm == key.algorithm);
        let former = log.iter().enumerate().filter(is_former).map(|(_, key)| key.clone());
        let changes: Vec<Change> = former.map(|key| Change { act: KeyAct::Retire, key }).collect();
        if changes.is_empty() { Err(ChangeError::NothingToRetire) } else { Ok(changes) }
    }

    fn distrust(&self, key: &str, from: u64) -> Result<Vec<Change>, ChangeError> {
        if from == 0 || from > self.index {
            return Err(ChangeError::From { from, size: self.index });
        }
        let named: Vec<NamedKey> = match key {
            "archive" => self.valid(KeyPurpose::Statement).collect(),
            "log" => self.valid(KeyPurpose::Checkpoint).collect(),
            other => {
                let all = self.succession.tenures().iter().map(|tenure| tenure.key.clone());
                all.filter(|key| key.fingerprint() == other).collect()
            }
        };
        if named.is_empty() {
            return Err(ChangeError::UnknownKey { key: key.to_owned() });
        }
        let mut changes = Vec::new();
        for role in Role::ALL {
            let is_of_role = |key: &NamedKey| role_of(key) == role;
            let mut left = self.succession.tenures().iter().filter(|tenure| tenure.is_valid(self.index));
            let is_touched = named.iter().any(is_of_role);
            if is_touched && !left.any(|tenure| is_of_role(&tenure.key) && !named.contains(&tenure.key)) {
                changes.push(self.add(role)?);
            }
        }
        changes.extend(named.into_iter().map(|key| Change { act: KeyAct::Distrust { from }, key }));
        Ok(changes)
    }

    fn valid(&self, purpose: KeyPurpose) -> impl Iterator<Item = NamedKey> {
        let valid = self.succession.tenures().iter().filter(|tenure| tenure.is_valid(self.index));
        valid.filter(move |tenure| tenure.key.purpose == purpose).map(|tenure| tenure.key.clone())
    }

    fn add(&self, role: Role) -> Result<Change, ChangeError> {
        let public = match &self.authority.agent_key {
            Some(public) if role != Role::LogPostQuantum => self.keyring.take_next(role, public)?,
            _ => self.keyring.make_next(role, self.passphrase)?,
        };
        let key = match (role, &public) {
            (Role::Statement, NotePublicKey::Ed25519(key)) => NamedKey::of_statement(key),
            (Role::Recovery, _) => NamedKey { purpose: KeyPurpose::Recovery, ..NamedKey::of_checkpoint(&public) },
            _ => NamedKey::of_checkpoint(&public),
        };
        Ok(Change { act: KeyAct::Add, key })
    }
}

fn role_of(key: &NamedKey) -> Role {
    match (key.purpose, key.ed25519()) {
        (KeyPurpose::Statement, _) => Role::Statement,
        (KeyPurpose::Recovery, _) => Role::Recovery,
        (KeyPurpose::Checkpoint, Some(_)) => Role::Log,
        (KeyPurpose::Checkpoint, None) => Role::LogPostQuantum,
    }
}

/// Why the keys did not change.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ChangeError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("origin")]
    Checkpoint(#[from] CheckpointError),
    #[error("entry {from} is not one of 1 to {size}, from which a key can be distrusted")]
    From { from: u64, size: u64 },
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the archive has no entry 0 yet, which names its keys")]
    NoLog,
    #[error("the recovery key that counts must sign that another takes over")]
    NoRecoveryKey,
    #[error("no log key signs beside a newer one: there is nothing to retire")]
    NothingToRetire,
    #[error("the key in `{}` is not the recovery key of this log, or not any more", path.display())]
    OtherRecoveryKey { path: PathBuf },
    #[error("`{key}` is neither `archive`, `log`, nor the fingerprint of one of the archive's keys")]
    UnknownKey { key: String },
}
