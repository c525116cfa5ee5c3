//! `affiant quote`.

use serde_json::json;

use super::entry::find;
use super::failure::{Failure, NO_ARCHIVE};
use super::output;
use super::settings::Settings;

use crate::archivist::init::{Naming, open_or_create};
use crate::archivist::places::now;
use crate::archivist::quote;
use crate::archivist::read::Log;
use crate::document::quote::Wanted;

/// Make a passage of a capture citable. The words must stand in its text exactly as given.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  affiant quote AF-C-000002-n 'We do not sell your personal information' --clause 'sale of data'"
)]
pub(super) struct Quote {
    /// The capture's citation id.
    #[arg(value_name = "ID")]
    id: String,
    /// The words.
    #[arg(value_name = "WORDS")]
    words: String,
    /// What stands right before them, where the words stand in several places.
    #[arg(long, value_name = "WORDS", default_value = "")]
    prefix: String,
    /// What stands right after them.
    #[arg(long, value_name = "WORDS", default_value = "")]
    suffix: String,
    /// Which of several places is meant, counted from 1.
    #[arg(long, value_name = "NUMBER")]
    occurrence: Option<usize>,
    /// The type of the clause.
    #[arg(long, value_name = "TYPE")]
    clause: Option<String>,
}

impl Quote {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let entry = find(&Log::published(&archive)?.0, &self.id)?;
        let wanted =
            Wanted { exact: &self.words, prefix: &self.prefix, suffix: &self.suffix, occurrence: self.occurrence };
        let provision = quote::find(&archive, &entry, &wanted, self.clause)?;
        if !settings.keyring().has_secrets() {
            let message = format!("no keys in `{}` to sign with", settings.places.keys.display());
            return Err(Failure::new(NO_ARCHIVE, message).try_this("name the keyring with --keys"));
        }
        let passphrase = settings.passphrase()?;
        let progress = settings.progress.as_ref();
        super::publication::before(settings)?;
        let mut opened = open_or_create(&settings.places, &Naming::default(), passphrase.as_ref(), now(), progress)?;
        let appended = quote::quote(&mut opened.appender, provision.clone(), now())?;
        drop(opened);
        super::publication::after(settings);
        if settings.json {
            output::json(&json!({
                "id": appended.id.to_string(),
                "capture": entry.id.to_string(),
                "record_sha256": appended.record_sha256.to_string(),
                "index": appended.record.index,
                "exact": provision.exact,
                "prefix": provision.prefix,
                "suffix": provision.suffix,
                "start": provision.start,
                "end": provision.end,
                "rendition": provision.rendition.to_string(),
            }));
            return Ok(0);
        }
        output::line(&format!("{}  quotes {}", appended.id, entry.id));
        output::line(&output::plain(
            &format!("  …{}[{}]{}…", provision.prefix, provision.exact, provision.suffix).replace('\n', " "),
        ));
        output::line(&format!(
            "  bytes     {} to {} of the text {}",
            provision.start, provision.end, provision.rendition
        ));
        output::line(&format!("  record    {}", appended.record_sha256));
        Ok(0)
    }
}
