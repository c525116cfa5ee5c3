//! `affiant audit`.

use std::path::PathBuf;

use super::failure::{Failure, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::audit::{Age, AuditReport, Known, audit, audit_foreign};
use crate::archivist::places::Places;
use crate::evidence::verify::Verdict;
use crate::log::key::VerifierKey;

/// Check every hash, signature, tile, chain and reference of an archive, naming each damaged thing and what it costs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant audit\n  affiant audit /mnt/log --log 'example.com/log+…'\n\n\
    A folder that is no archive is audited as a tlog-tiles log that others made: its checkpoint and its tiles.\n\
    Exit codes: 0 clean, 3 damaged.")]
pub(super) struct Audit {
    /// The folder [default: the archive].
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// A key of the log that others made.
    #[arg(long, value_name = "VKEY")]
    log: Vec<String>,
    /// The folder is a backup or a mirror, which may be older than what your keys have signed.
    #[arg(long, conflicts_with = "log")]
    copy: bool,
}

impl Audit {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let keys = self.log.iter().map(|text| VerifierKey::parse(text.trim())).collect::<Result<Vec<_>, _>>();
        let keys = keys.map_err(|error| Failure::of(WRONG_USE, &error))?;
        let folder = self.folder.unwrap_or_else(|| settings.places.archive.clone());
        let places = Places { archive: folder.clone(), ..settings.places.clone() };
        let report = if folder.join("archive.toml").exists() || keys.is_empty() {
            let age = if self.copy { Age::Older } else { Age::Newest };
            let known = Known { age, ..Known::of(&settings.keyring())? };
            audit(&places.open_archive()?, &known, settings.progress.as_ref())
        } else {
            audit_foreign(&folder, &keys, settings.progress.as_ref())
        };
        print(&report, settings);
        Ok(if report.is_clean() { 0 } else { Verdict::Failed.exit_code() })
    }
}

fn print(report: &AuditReport, settings: &Settings) {
    if settings.json {
        output::json(&report.to_json());
        return;
    }
    for damage in &report.damage {
        output::line(&output::plain(&format!("damaged  {}", damage.thing)));
        output::line(&output::plain(&format!("         found {}", damage.found)));
        output::line(&output::plain(&format!("         costs {}", damage.cost)));
    }
    if report.damage_unlisted > 0 {
        output::line(&format!("         and {} more", report.damage_unlisted));
    }
    if !settings.quiet {
        for note in &report.notes {
            output::remark(&output::plain(&format!("note     {note}")));
        }
    }
    let verdict = if report.is_clean() { "clean" } else { "damaged" };
    let AuditReport { entries, blobs, bytes, .. } = report;
    output::line(&format!("{verdict}: {entries} entries, {blobs} blobs, {bytes} bytes"));
}
