//! Init: an archive and its keys, and entry 0, which names them.
//!
//! The first capture does this by itself. It is safe to be cut short: keys are made first and never
//! overwritten, and whatever is missing is made the next time. Keys that have signed for a log that is not
//! here make nothing new: a second log under the same name would be a fork.

use std::path::PathBuf;

use super::append::{AppendError, Appender};
use super::places::Places;
use super::progress::Progress;

use crate::base::hash::Hash;
use crate::base::id::Prefix;
use crate::base::time::Time;
use crate::evidence::record::{Body, Genesis, NamedKey};
use crate::log::checkpoint::{CheckpointError, Origin};
use crate::outside::archive::{Archive, ArchiveError, Settings};
use crate::outside::keys::{self, Keyring, KeysError, Passphrase, PublicKeys};

/// What a new archive is called; what is left out is chosen.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// The log's origin.
    pub origin: Option<Origin>,
    /// The prefix of its citation ids.
    pub prefix: Option<Prefix>,
    /// The operator's Name Assigning Authority Number.
    pub naan: Option<String>,
}

/// An archive that is open for appending, and whether it was made just now.
pub struct Opened {
    /// The archive.
    pub archive: Archive,
    /// The keyring.
    pub keyring: Keyring,
    /// The one sequencer.
    pub appender: Appender,
    /// Whether there was none before.
    pub is_new: bool,
}

/// Opens an archive for appending, making it and its keys when there are none.
///
/// # Errors
/// [`InitError::KeysElsewhere`] when the keys have signed for a log that is not here.
pub fn open_or_create(
    places: &Places,
    naming: &Naming,
    passphrase: Option<&Passphrase>,
    now: Time,
    progress: &dyn Progress,
) -> Result<Opened, InitError> {
    let keyring = Keyring::new(&places.keys);
    let (archive, is_new) = match Archive::open(&places.archive) {
        Err(ArchiveError::NotArchive { .. }) => (create(places, &keyring, naming, passphrase)?, true),
        other => (other?, false),
    };
    let origin = Origin::new(&archive.settings().origin)?;
    let secrets = keyring.secrets(&origin, passphrase)?;
    let mut appender = Appender::open(&archive, &keyring, &secrets, now, progress)?;
    if appender.size() == 0 {
        appender.append(genesis(&archive, &keyring)?, now)?;
        appender.publish(now)?;
    }
    Ok(Opened { archive, keyring, appender, is_new })
}

fn create(
    places: &Places,
    keyring: &Keyring,
    naming: &Naming,
    passphrase: Option<&Passphrase>,
) -> Result<Archive, InitError> {
    let origin = if keyring.has_secrets() {
        if keyring.newest_checkpoint()?.is_some() {
            return Err(InitError::KeysElsewhere { keys: places.keys.clone(), archive: places.archive.clone() });
        }
        origin_of(&keyring.public()?)?
    } else {
        create_keys(keyring, naming, passphrase)?
    };
    let prefix = naming.prefix.clone().unwrap_or_else(|| Prefix::new("AF").expect("two letters"));
    let settings = Settings {
        origin: origin.as_str().to_owned(),
        prefix,
        naan: naming.naan.clone(),
        authorities: Vec::new(),
        calendars: Vec::new(),
        retention: Vec::new(),
    };
    Ok(Archive::create(&places.archive, &settings)?)
}

/// Makes the keys of a new archive, and returns the name under which they sign.
///
/// # Errors
/// [`KeysError::Exists`] when there are keys already.
pub fn create_keys(keyring: &Keyring, naming: &Naming, passphrase: Option<&Passphrase>) -> Result<Origin, InitError> {
    let origin = naming.origin.clone().or_else(|| keyring.begun_origin()).map_or_else(chosen_origin, Ok)?;
    keyring.create(&origin, passphrase)?;
    Ok(origin)
}

/// Returns the name under which a keyring's keys sign.
fn origin_of(keys: &PublicKeys) -> Result<Origin, InitError> {
    let key = keys.checkpoint.first().expect("the keyring has two");
    Ok(Origin::new(key.name().as_str())?)
}

/// Chooses a name that no other archive has.
fn chosen_origin() -> Result<Origin, InitError> {
    let random: [u8; 6] = keys::random()?;
    Ok(Origin::new(&format!("affiant-{}/log", data_encoding::HEXLOWER.encode(&random)))?)
}

fn genesis(archive: &Archive, keyring: &Keyring) -> Result<Body, InitError> {
    let public = keyring.public()?;
    let mut keys = vec![NamedKey::of_statement(&public.statement)];
    keys.extend(public.checkpoint.iter().map(|key| NamedKey::of_checkpoint(key.key())));
    let policy = keyring.policy()?.map(|policy| String::from_utf8_lossy(&policy.encode()).into_owned());
    Ok(Body::Genesis(Genesis {
        prefix: archive.settings().prefix.as_str().to_owned(),
        keys,
        recovery: Hash::of(public.recovery.as_bytes()),
        policy: policy.unwrap_or_default(),
    }))
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum InitError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("origin")]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the keys in `{}` have signed for an archive that is not in `{}`", keys.display(), archive.display())]
    KeysElsewhere { keys: PathBuf, archive: PathBuf },
}
