//! `affiant init`.

use serde_json::json;

use super::failure::{Failure, NO_ARCHIVE, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::init::{Naming, open_or_create};
use crate::archivist::places::now;
use crate::base::id::Prefix;
use crate::log::checkpoint::Origin;
use crate::log::vkey::VerifierKey;

/// Make an archive and its keys, with names of your choice. The first capture does the same with names of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant init --origin example.com/archive --prefix EX")]
pub(super) struct Init {
    /// The log's name for ever, as a web address without `https://`.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Two to six letters with which every citation id begins.
    #[arg(long, value_name = "LETTERS")]
    prefix: Option<String>,
    /// Your Name Assigning Authority Number, for ARKs.
    #[arg(long, value_name = "NUMBER")]
    naan: Option<String>,
}

impl Init {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        if settings.places.archive.join("archive.toml").exists() {
            let message = format!("`{}` is an archive already", settings.places.archive.display());
            return Err(Failure::new(NO_ARCHIVE, message).try_this("name another folder with --archive"));
        }
        let naming = Naming {
            origin: self
                .origin
                .as_deref()
                .map(Origin::new)
                .transpose()
                .map_err(|error| Failure::of(WRONG_USE, &error))?,
            prefix: self
                .prefix
                .as_deref()
                .map(Prefix::new)
                .transpose()
                .map_err(|error| Failure::of(WRONG_USE, &error))?,
            naan: self.naan,
        };
        let passphrase = settings.passphrase()?;
        let progress = settings.progress.as_ref();
        super::publication::before(settings)?;
        let opened = open_or_create(&settings.places, &naming, passphrase.as_ref(), now(), progress)?;
        let keys = opened.keyring.public()?;
        if settings.json {
            output::json(&json!({
                "archive": settings.places.archive,
                "keys": settings.places.keys,
                "origin": opened.archive.settings().origin,
                "prefix": opened.archive.settings().prefix.as_str(),
                "fingerprint": keys.statement.fingerprint(),
                "log_fingerprint": keys.checkpoint.first().map(VerifierKey::fingerprint),
            }));
            return Ok(0);
        }
        output::line(&format!("archive      {}", settings.places.archive.display()));
        output::line(&format!("keys         {}", settings.places.keys.display()));
        output::line(&format!("origin       {}", opened.archive.settings().origin));
        output::line(&format!("fingerprint  {}", keys.statement.fingerprint()));
        announce_recovery_key(settings);
        Ok(0)
    }
}

/// Says that the recovery key should not stay where it was made.
pub(super) fn announce_recovery_key(settings: &Settings) {
    if settings.quiet {
        return;
    }
    let path = settings.places.keys.join("recovery.key");
    output::remark(&format!(
        "Move `{}` to a place that is kept offline; it is needed when the other keys are lost.",
        path.display()
    ));
}
