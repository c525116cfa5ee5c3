//! `affiant bundle`.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::entry::id_of;
use super::exhibit::{self, Pages};
use super::failure::{Failure, NO_ARCHIVE};
use super::output;
use super::settings::Settings;

use crate::archivist::bundle::{BundleOrder, CustodyNotes, bundle, default_name};
use crate::archivist::custody::{Taken, note};
use crate::archivist::places::now;
use crate::archivist::read::Log;
use crate::archivist::withhold::{Withhold, Withholding};
use crate::base::causes::with_causes;
use crate::base::id::Id;
use crate::evidence::withheld::Withheld;
use crate::log::checkpoint::Origin;
use crate::outside::archive::Archive;
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
    /// Leave out a file of the bundle (`data/content/af-c-000002-n/page.html`), or black out bytes of a text
    /// (`AF-C-000002-n:120-480`); what is left is still proven.
    #[arg(long, value_name = "PATH|ID:START-END", requires_all = ["reason", "authority"])]
    withhold: Vec<String>,
    /// Why something is withheld, as `protective order of 3 March 2026, No. 26-cv-14`.
    #[arg(long, value_name = "TEXT", requires = "withhold")]
    reason: Option<String>,
    /// By whose authority.
    #[arg(long, value_name = "TEXT", requires = "withhold")]
    authority: Option<String>,
    /// Put what `custody.jsonl` says of the records into the bundle; it is another bundle then each time one was taken.
    #[arg(long)]
    custody: bool,
    /// Replace a file that lies there already.
    #[arg(long)]
    force: bool,
    /// Make an exhibit of it too, as this letter: a PDF beside the bundle.
    #[arg(long, value_name = "LETTER", help_heading = "Exhibit")]
    exhibit: Option<String>,
    #[command(flatten)]
    pages: Pages,
}

impl Bundle {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let exhibit = self.exhibit.as_deref().map(|letter| self.pages.order(letter)).transpose()?;
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
        let parts = self.withhold.iter().map(|text| withhold(&log, text)).collect::<Result<Vec<_>, Failure>>()?;
        let withholding = self.reason.zip(self.authority).filter(|_| !parts.is_empty());
        let withholding = withholding.map(|(reason, authority)| Withholding { parts, reason, authority });
        let custody = if self.custody { CustodyNotes::Include } else { CustodyNotes::Leave };
        let endorsements = keyring.endorsements()?;
        let order = BundleOrder { ids, target, existing, custody, endorsements, withholding };
        let made = bundle(&archive, &secrets, &order, settings.progress.as_ref())?;
        let withheld: Vec<Id> = made.withheld.iter().map(|(id, _)| id.clone()).collect();
        let file = Some((made.sha256, made.size_bytes));
        let taken = Taken { act: "bundle", path: &made.path, file, subjects: &made.subjects, withheld: &withheld };
        note_taken(&archive, &taken);
        let subjects: Vec<String> = made.subjects.iter().map(ToString::to_string).collect();
        let pages = exhibit.map(|order| exhibit::make(&made.path, &order, None, existing)).transpose()?;
        for volume in pages.iter().flat_map(|pages| &pages.volumes) {
            let file = Some((volume.sha256, count(volume.size_bytes)));
            let taken =
                Taken { act: "exhibit", path: &volume.path, file, subjects: &made.subjects, withheld: &withheld };
            note_taken(&archive, &taken);
        }
        if settings.json {
            let mut object = json!({
                "path": made.path,
                "sha256": made.sha256.to_string(),
                "size": made.size_bytes,
                "subjects": subjects,
                "entries": made.entry_count,
                "withheld": made.withheld.iter().map(withheld_json).collect::<Vec<_>>(),
            });
            if let Some(pages) = &pages {
                object["exhibit"] = exhibit::to_json(pages);
            }
            output::json(&object);
            return Ok(0);
        }
        output::line(&format!("{}  {} bytes", made.path.display(), made.size_bytes));
        output::line(&format!("  about     {}", listed(&subjects)));
        output::line(&format!("  entries   {}, those it leans on included", made.entry_count));
        output::line(&format!("  sha256    {}", made.sha256));
        for (id, withheld) in &made.withheld {
            output::line(&format!("  withheld  of {id}: {} file(s){}", withheld.files.len(), blackened(withheld)));
        }
        if made.withheld.iter().any(|(_, withheld)| withheld.text.is_some()) {
            output::remark(GUESSES);
        }
        pages.iter().for_each(exhibit::print);
        Ok(0)
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Notes what was taken. What could not be noted was taken all the same, and is said.
pub(super) fn note_taken(archive: &Archive, taken: &Taken<'_>) {
    if let Err(error) = note(archive, taken, now()) {
        output::remark(&format!("affiant: `custody.jsonl` does not say so: {}", with_causes(&error)));
    }
}

/// What salts cannot prevent.
const GUESSES: &str = "Who can guess all that is withheld can see that the guess is right: the record has the SHA-256 of the whole text. \
    Where a reader knows all but a number, leave out the whole capture.";

/// How many subjects are listed by name.
const LISTED_COUNT_MAX: usize = 8;

fn listed(subjects: &[String]) -> String {
    match subjects {
        [first, .., last] if subjects.len() > LISTED_COUNT_MAX => {
            format!("{} records, {first} to {last}; `contents.html` lists them", subjects.len())
        }
        _ => subjects.join(", "),
    }
}

/// Reads what is to be withheld: a range of a text, or a file.
fn withhold(log: &Log<'_>, text: &str) -> Result<Withhold, Failure> {
    let range = text.rsplit_once(':').and_then(|(id, range)| {
        let (start, end) = range.split_once('-')?;
        Some((id, start.parse().ok()?..end.parse().ok()?))
    });
    match range {
        Some((id, range)) => Ok(Withhold::Range(id_of(log, id)?, range)),
        None => Ok(Withhold::File(text.to_owned())),
    }
}

fn blackened(withheld: &Withheld) -> String {
    let Some((_, ranges)) = &withheld.text else { return String::new() };
    let ranges: Vec<String> = ranges.iter().map(|range| format!("{}-{}", range.start, range.end)).collect();
    format!("; of its text bytes {}", ranges.join(", "))
}

fn withheld_json((id, withheld): &(Id, Withheld)) -> Json {
    let files: Vec<String> = withheld.files.iter().map(ToString::to_string).collect();
    let ranges = withheld.text.iter().flat_map(|(_, ranges)| ranges).map(|range| json!([range.start, range.end]));
    json!({
        "id": id.to_string(),
        "files": files,
        "text": ranges.collect::<Vec<_>>(),
        "reason": withheld.reason,
        "authority": withheld.authority,
    })
}
