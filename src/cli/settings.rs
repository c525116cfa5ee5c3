//! Settings: where the archive and the keys lie, and how to speak, from flags, environment and the config file.
//!
//! A flag wins over the environment, that over `config.toml` in `$XDG_CONFIG_HOME/affiant` (or
//! `~/.config/affiant`), that over `./archive` and `./keys`.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use super::Global;
use super::failure::{Failure, NO_ARCHIVE, WRONG_USE};
use super::progress;

use crate::archivist::places::Places;
use crate::archivist::progress::Progress;
use crate::log::policy::Policy;
use crate::outside::archive::Archive;
use crate::outside::keys::{Keyring, Passphrase};

/// The longest passphrase file.
const PASSPHRASE_FILE_BYTES_MAX: u64 = 4096;

/// Where things lie and how to speak.
pub(super) struct Settings {
    /// Where archive and keyring lie.
    pub(super) places: Places,
    /// Whether to print JSON.
    pub(super) json: bool,
    /// Whether to print results and errors only.
    pub(super) quiet: bool,
    /// Whether no socket may be opened.
    pub(super) offline: bool,
    /// Who listens to progress.
    pub(super) progress: Box<dyn Progress>,
    passphrase_file: Option<PathBuf>,
}

impl Settings {
    pub(super) fn of(global: &Global) -> Result<Self, Failure> {
        if let Some(directory) = &global.directory {
            std::env::set_current_dir(directory).map_err(|error| {
                Failure::new(WRONG_USE, format!("cannot work in `{}`: {error}", directory.display()))
            })?;
        }
        let config = config()?;
        let place = |flag: &Option<PathBuf>, name: &str| {
            flag.clone()
                .or_else(|| config.get(name)?.as_str().map(PathBuf::from))
                .unwrap_or_else(|| PathBuf::from(name))
        };
        Ok(Self {
            places: Places { archive: place(&global.archive, "archive"), keys: place(&global.keys, "keys") },
            json: global.json,
            quiet: global.quiet,
            offline: global.offline,
            progress: progress::listener(global.quiet || global.json),
            passphrase_file: global.passphrase_file.clone(),
        })
    }

    /// Opens the archive for reading.
    pub(super) fn archive(&self) -> Result<Archive, Failure> {
        Ok(self.places.open_archive()?)
    }

    /// Returns the keyring.
    pub(super) fn keyring(&self) -> Keyring {
        self.places.keyring()
    }

    /// Reads the keyring's policy.
    pub(super) fn policy(&self) -> Result<Option<Policy>, Failure> {
        Ok(self.keyring().policy()?)
    }

    /// Returns the passphrase of the secret keys: from the file, the environment, or the person at the terminal
    /// when the keys need one.
    pub(super) fn passphrase(&self) -> Result<Option<Passphrase>, Failure> {
        self.passphrase_for(self.keyring().needs_passphrase())
    }

    /// Returns the passphrase of other secret keys, which need one or do not.
    pub(super) fn passphrase_for(&self, is_needed: bool) -> Result<Option<Passphrase>, Failure> {
        let given = self.given_passphrase()?;
        if given.is_some() || !is_needed || !io::stdin().is_terminal() {
            return Ok(given);
        }
        let typed = rpassword::prompt_password("Passphrase of the secret keys: ");
        typed.map(|typed| Some(Passphrase::new(typed))).map_err(|error| Failure::of(NO_ARCHIVE, &error))
    }

    /// Returns the passphrase that is given, in the file or the environment.
    pub(super) fn given_passphrase(&self) -> Result<Option<Passphrase>, Failure> {
        if let Some(path) = &self.passphrase_file {
            return read_passphrase(path).map(Some);
        }
        Ok(std::env::var("AFFIANT_PASSPHRASE").ok().map(Passphrase::new))
    }
}

pub(super) fn read_passphrase(path: &Path) -> Result<Passphrase, Failure> {
    let unreadable = |error: io::Error| Failure::new(NO_ARCHIVE, format!("cannot read `{}`: {error}", path.display()));
    if fs::metadata(path).map_err(unreadable)?.len() > PASSPHRASE_FILE_BYTES_MAX {
        return Err(Failure::new(WRONG_USE, format!("`{}` is too long for a passphrase", path.display())));
    }
    let text = Passphrase::new(fs::read_to_string(path).map_err(unreadable)?);
    Ok(Passphrase::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn config() -> Result<toml::Table, Failure> {
    let home = || std::env::home_dir().map(|home| home.join(".config"));
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    let Some(path) = folder.map(|folder| folder.join("affiant/config.toml")) else { return Ok(toml::Table::new()) };
    match fs::read_to_string(&path) {
        Ok(text) => text.parse().map_err(|error| Failure::new(WRONG_USE, format!("`{}`: {error}", path.display()))),
        Err(_) => Ok(toml::Table::new()), // Most people have none.
    }
}
