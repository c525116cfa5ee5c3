//! `affiant exhibit`, and the pages that `affiant bundle --exhibit` makes.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::failure::{Failure, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::append::software;
use crate::archivist::exhibit::{self, ExhibitMade};
use crate::base::causes::with_causes;
use crate::evidence::exhibit::{
    Bates, CAPTION_BYTES_MAX, Caption, Letter, Order, Sheet, Shows, VOLUME_BYTES, VOLUME_BYTES_MIN,
};
use crate::outside::archive::durable::Existing;
use crate::timestamp::authorities::{Authorities, FILE_BYTES_MAX};

/// Make the pages of a bundle: a PDF/A for a court, the same bytes for whoever makes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant exhibit privacy-policy.zip --letter A --caption case.txt\n\n\
    The caption is a plain text of `Court:`, `Plaintiff:`, `Defendant:`, `Case number:`, `Judge:`, `Offered by:` and\n\
    `Description:` lines; what it does not say is left blank on the cover.")]
pub(super) struct Exhibit {
    /// The bundle: a ZIP, or a folder that it was unpacked to.
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The exhibit's letter.
    #[arg(long, value_name = "LETTER")]
    letter: String,
    /// The file to make [default: beside the bundle, as `privacy-policy-exhibit-a.pdf`].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that lies there already.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pages: Pages,
}

/// What the pages of an exhibit are to be like.
#[derive(Debug, clap::Args)]
pub(super) struct Pages {
    /// A text with the caption of the case.
    #[arg(long, value_name = "FILE", help_heading = "Exhibit")]
    caption: Option<PathBuf>,
    /// The size of its paper: `letter` or `a4`.
    #[arg(long, value_name = "SIZE", default_value = "letter", help_heading = "Exhibit")]
    paper: Sheet,
    /// Number its pages: a prefix, as `ABC`, or the first number, as `ABC000123`.
    #[arg(long, value_name = "PREFIX", help_heading = "Exhibit")]
    bates: Option<String>,
    /// Part it into volumes of at most this many megabytes.
    #[arg(long, value_name = "MB", help_heading = "Exhibit")]
    volume_size: Option<f64>,
    /// A file with roots of timestamp authorities (PEM or DER) by which its times are judged.
    #[arg(long, value_name = "FILE", help_heading = "Exhibit")]
    tsa_root: Vec<PathBuf>,
    /// Show what changed between the two captures that the bundle is about, and nothing else of them.
    #[arg(long, help_heading = "Exhibit")]
    redline: bool,
}

impl Exhibit {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let order = self.pages.order(&self.letter)?;
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        let made = make(&self.bundle, &order, self.output.as_deref(), existing)?;
        if settings.json {
            output::json(&to_json(&made));
        } else {
            print(&made);
        }
        Ok(0)
    }
}

impl Pages {
    /// Reads the files that the options name.
    pub(super) fn order(&self, letter: &str) -> Result<Order, Failure> {
        let wrong = |error: &dyn std::error::Error| Failure::of(WRONG_USE, error);
        let caption = match &self.caption {
            None => Caption::default(),
            Some(path) => {
                let text = read(path, CAPTION_BYTES_MAX)?;
                let text = String::from_utf8_lossy(&text);
                Caption::parse(&text).map_err(|error| unusable(path, &error))?
            }
        };
        let mut authorities = Authorities::nobody();
        for path in &self.tsa_root {
            authorities.add_file(&read(path, FILE_BYTES_MAX)?).map_err(|error| unusable(path, &error))?;
        }
        let software = software();
        Ok(Order {
            letter: Letter::new(letter).map_err(|error| wrong(&error))?,
            caption,
            sheet: self.paper,
            bates: self.bates.as_deref().map(Bates::new).transpose().map_err(|error| wrong(&error))?,
            volume_bytes_max: self.volume_bytes_max()?,
            authorities,
            software: format!("{} {}", software.name, software.version),
            shows: if self.redline { Shows::Redline } else { Shows::Records },
        })
    }

    fn volume_bytes_max(&self) -> Result<usize, Failure> {
        let Some(megabytes) = self.volume_size else { return Ok(VOLUME_BYTES) };
        // Up to a terabyte in thousandths, so that no rounding is met.
        let thousandths = format!("{:.3}", megabytes.clamp(0.0, 1e6)).replace('.', "");
        let bytes = thousandths.parse::<usize>().unwrap_or_default().saturating_mul(1000);
        if bytes < VOLUME_BYTES_MIN {
            let message = format!("a volume of {megabytes} MB is too small: expected {VOLUME_BYTES_MIN} bytes or more");
            return Err(Failure::new(WRONG_USE, message).try_this("--volume-size 5"));
        }
        Ok(bytes)
    }
}

/// Makes an exhibit, by default beside its bundle.
pub(super) fn make(
    bundle: &Path,
    order: &Order,
    target: Option<&Path>,
    existing: Existing,
) -> Result<ExhibitMade, Failure> {
    let target = target.map_or_else(|| exhibit::default_name(bundle, order.letter.as_str()), Path::to_owned);
    Ok(exhibit::exhibit(bundle, order, &target, existing)?)
}

/// Returns what was made for programs.
pub(super) fn to_json(made: &ExhibitMade) -> Json {
    let volume = |volume: &exhibit::VolumeMade| {
        json!({
            "path": volume.path,
            "sha256": volume.sha256.to_string(),
            "size": volume.size_bytes,
            "pages": volume.page_count,
        })
    };
    json!({
        "subjects": made.subjects.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "volumes": made.volumes.iter().map(volume).collect::<Vec<_>>(),
    })
}

/// Prints what was made.
pub(super) fn print(made: &ExhibitMade) {
    for volume in &made.volumes {
        output::line(&format!("{}  {} pages, {} bytes", volume.path.display(), volume.page_count, volume.size_bytes));
        output::line(&format!("  sha256    {}", volume.sha256));
    }
}

fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    read.map_err(|error| unusable(path, &error))?;
    Ok(bytes) // One byte over its limit is refused by whoever parses it.
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(WRONG_USE, format!("cannot use `{}`: {}", path.display(), with_causes(error)))
}
