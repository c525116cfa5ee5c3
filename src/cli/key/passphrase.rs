//! `affiant key passphrase`.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use serde_json::json;

use crate::cli::failure::{Failure, NO_ARCHIVE, WRONG_USE};
use crate::cli::output;
use crate::cli::settings::{Settings, read_passphrase};
use crate::outside::keys::Passphrase;

/// Another passphrase for every secret key, or none.
#[derive(Debug, clap::Args)]
pub(super) struct ChangePassphrase {
    /// A file whose first line is the new passphrase; otherwise it is asked for at the terminal.
    #[arg(long, value_name = "FILE", conflicts_with = "none")]
    new_passphrase_file: Option<PathBuf>,
    /// Leave the keys open, readable by whoever reads the files.
    #[arg(long)]
    none: bool,
}

impl ChangePassphrase {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let keyring = settings.keyring();
        let old = settings.passphrase()?;
        let new = if self.none { None } else { Some(self.new_passphrase()?) };
        let count = keyring.change_passphrase(old.as_ref(), new.as_ref())?;
        let state = if self.none { "open" } else { "closed" };
        if settings.json {
            output::json(&json!({ "files": count, "state": state }));
        } else {
            output::line(&format!("{count} key files are {state} now"));
        }
        Ok(0)
    }

    fn new_passphrase(&self) -> Result<Passphrase, Failure> {
        if let Some(path) = &self.new_passphrase_file {
            return read_passphrase(path);
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::new(WRONG_USE, "no terminal to ask for the new passphrase")
                .try_this("give it with --new-passphrase-file FILE, or --none"));
        }
        let ask = |prompt: &str| {
            rpassword::prompt_password(prompt).map(Passphrase::new).map_err(|error| Failure::of(NO_ARCHIVE, &error))
        };
        let (new, again) = (ask("New passphrase: ")?, ask("The same again: ")?);
        if new != again {
            return Err(Failure::new(WRONG_USE, "the two are not the same; nothing was changed"));
        }
        Ok(new)
    }
}
