//! `affiant bundle`.

use std::path::PathBuf;

use serde_json::json;

use super::failure::{Failure, NO_ARCHIVE};
use super::output;
use super::settings::Settings;
use super::show::id_of;

use crate::archivist::bundle::{BundleOrder, bundle, default_name};
use crate::archivist::read::Log;
use crate::log::checkpoint::Origin;
use crate::outside::archive::durable::Existing;

/// Put records and all that a stranger needs to check them into one file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant bundle AF-C-000002-n -o privacy-policy.zip\n\n\
    The file is a BagIt bag in a ZIP, the same bytes whenever it is made from the same log. VERIFY.md inside says how to\n\
    check it without Affiant. Limits: 65,534 files, 4 GiB.")]
pub(super) struct Bundle {
    /// The records' citation ids.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// The file to make [default: the first id, as `af-c-000002-n.zip`].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that lies there already.
    #[arg(long)]
    force: bool,
}

impl Bundle {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let ids = self.ids.iter().map(|id| id_of(&log, id)).collect::<Result<Vec<_>, Failure>>()?;
        let keyring = settings.keyring();
        if !keyring.has_secrets() {
            let message = format!("no keys in `{}` to seal with", settings.places.keys.display());
            return Err(Failure::new(NO_ARCHIVE, message).try_this("name the keyring with --keys"));
        }
        let origin = Origin::new(&archive.settings().origin).map_err(|error| Failure::of(NO_ARCHIVE, &error))?;
        let secrets = keyring.secrets(&origin, settings.passphrase()?.as_ref())?;
        let target = self.output.unwrap_or_else(|| default_name(&ids));
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        let order = BundleOrder { ids, target, existing };
        let made = bundle(&archive, &secrets, &order, settings.progress.as_ref())?;
        let subjects: Vec<String> = made.subjects.iter().map(ToString::to_string).collect();
        if settings.json {
            output::json(&json!({
                "path": made.path,
                "sha256": made.sha256.to_string(),
                "size": made.size_bytes,
                "subjects": subjects,
                "entries": made.entry_count,
            }));
            return Ok(0);
        }
        output::line(&format!("{}  {} bytes", made.path.display(), made.size_bytes));
        output::line(&format!("  about     {}", subjects.join(", ")));
        output::line(&format!("  entries   {}, those it leans on included", made.entry_count));
        output::line(&format!("  sha256    {}", made.sha256));
        Ok(0)
    }
}
