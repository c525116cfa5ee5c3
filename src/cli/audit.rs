//! `affiant audit`.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::failure::{FAILED, Failure, IN_PART, NO_ARCHIVE, WRONG_USE};
use super::interruption::interruption;
use super::output;
use super::settings::Settings;

use crate::archivist::audit::{
    Age, AuditReport, Extent, Known, PARTS, Sample, Share, Watch, audit_extent, audit_foreign, write_signed,
};
use crate::archivist::places::{Places, now};
use crate::archivist::read::Log;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::verify::Verdict;
use crate::log::checkpoint::Origin;
use crate::log::vkey::VerifierKey;
use crate::outside::archive::Archive;

/// Check every hash, signature, tile, chain and reference of an archive, naming each damaged thing and what it costs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant audit\n  affiant audit --since 2026-11-01 --report november.json\n  \
    affiant audit --sample 1%\n  affiant audit /mnt/log --log 'example.com/log+…'\n\n\
    A folder that is no archive is audited as a tlog-tiles log that others made: its checkpoint and its tiles.\n\
    A signed report is checked with:\n  \
    echo \"archive $(cut -d' ' -f1,2 keys/archive.pub)\" > signers\n  \
    ssh-keygen -Y verify -f signers -I archive -n affiant-integrity -s FILE.sig < FILE\n\
    Exit codes: 0 clean, 3 damaged, 5 interrupted.")]
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
    /// Look at records and blobs from an entry on only: its id, its index, or a day. The tree is checked whole.
    #[arg(long, value_name = "ID|INDEX|DATE")]
    since: Option<String>,
    /// Read some of the blobs only: so many, or so many in a hundred. Tiles, statements and records are checked whole.
    #[arg(long, value_name = "COUNT|PERCENT%")]
    sample: Option<String>,
    /// What chooses them; the same seed chooses the same ones [default: by the clock, and printed].
    #[arg(long, value_name = "NUMBER", requires = "sample")]
    seed: Option<u64>,
    /// Go on where an audit was interrupted.
    #[arg(long)]
    resume: bool,
    /// Where an audit that is interrupted leaves how far it came [default: `index/audit.json` in the archive].
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Write a report, signed by the archive's key, to FILE and FILE.sig.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Audit {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let keys = self.log.iter().map(|text| VerifierKey::parse(text.trim())).collect::<Result<Vec<_>, _>>();
        let keys = keys.map_err(|error| Failure::of(WRONG_USE, &error))?;
        let folder = self.folder.clone().unwrap_or_else(|| settings.places.archive.clone());
        let places = Places { archive: folder.clone(), ..settings.places.clone() };
        if !folder.join("archive.toml").exists() && !keys.is_empty() {
            let report = audit_foreign(&folder, &keys, settings.progress.as_ref());
            print(&report, settings);
            return Ok(code(&report));
        }
        let archive = places.open_archive()?;
        let age = if self.copy { Age::Older } else { Age::Newest };
        let known = Known { age, ..Known::of(&settings.keyring())? };
        let extent = self.extent(&archive)?;
        let interrupted = interruption();
        let watch = Watch {
            progress: settings.progress.as_ref(),
            is_interrupted: &|| interrupted.load(Ordering::Relaxed),
            state: Some(self.state.clone().unwrap_or_else(|| folder.join("index/audit.json"))),
            resumes: self.resume,
        };
        let report = audit_extent(&archive, &known, &extent, &watch);
        print(&report, settings);
        if let Some(path) = &self.report {
            let origin = Origin::new(&archive.settings().origin).map_err(|error| Failure::of(NO_ARCHIVE, &error))?;
            let secrets = settings.keyring().secrets(&origin, settings.passphrase()?.as_ref())?;
            let written = write_signed(&archive, &report, &secrets, now(), path);
            let signature = written.map_err(|error| Failure::of(FAILED, &error))?;
            if !settings.quiet {
                output::remark(&format!(
                    "affiant: report in `{}`, signed in `{}`",
                    path.display(),
                    signature.display()
                ));
            }
        }
        Ok(code(&report))
    }

    fn extent(&self, archive: &Archive) -> Result<Extent, Failure> {
        let since = self.since.as_deref().map(|text| since(text, archive)).transpose()?.unwrap_or_default();
        let seed = self.seed.unwrap_or_else(|| now().microseconds());
        let sample = self.sample.as_deref().map(|text| share(text).map(|share| Sample { share, seed })).transpose()?;
        Ok(Extent { since, sample })
    }
}

/// Reads the first entry that is looked at: an index, an id, or a day.
fn since(text: &str, archive: &Archive) -> Result<u64, Failure> {
    let (log, _) = Log::published(archive)?;
    if let Ok(index) = text.parse::<u64>() {
        return Ok(index.min(log.size()));
    }
    let moment = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    if let Ok(moment) = moment.parse::<Time>() {
        return Ok(log.first_since(moment)?);
    }
    let (id, _) = Id::parse(text).map_err(|error| {
        Failure::of(WRONG_USE, &error).try_this("--since takes an id, an index, or a day as 2026-11-01")
    })?;
    Ok(id.index.min(log.size()))
}

/// Reads how many blobs are looked at: a number, or a percentage with up to four decimals.
fn share(text: &str) -> Result<Share, Failure> {
    let unusable = || {
        Failure::new(WRONG_USE, format!("--sample takes a number or a percentage up to 100%, found `{text}`"))
            .try_this("--sample 1000, or --sample 0.5%")
    };
    let Some(percent) = text.strip_suffix('%') else {
        return text.parse().map(Share::Count).map_err(|_| unusable());
    };
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, ""));
    let padded = format!("{decimals:0<4}");
    let whole: u64 = whole.parse().map_err(|_| unusable())?;
    let decimals: u64 = padded.parse().ok().filter(|_| padded.len() == 4).ok_or_else(unusable)?;
    let parts = whole.checked_mul(PARTS / 100).and_then(|parts| parts.checked_add(decimals));
    parts.filter(|parts| *parts <= PARTS).map(Share::Parts).ok_or_else(unusable)
}

fn code(report: &AuditReport) -> u8 {
    match (report.is_clean(), report.looked.is_interrupted) {
        (false, _) => Verdict::Failed.exit_code(),
        (true, true) => IN_PART,
        (true, false) => 0,
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
    let verdict = match (report.is_clean(), report.looked.is_interrupted) {
        (false, _) => "damaged",
        (true, true) => "interrupted",
        (true, false) => "clean",
    };
    let AuditReport { entries, blobs, bytes, .. } = report;
    output::line(&format!("{verdict}: {entries} entries, {blobs} blobs, {bytes} bytes"));
    for caveat in report.looked.caveats() {
        output::line(&format!("  {caveat}"));
    }
    if report.looked.resumed > 0 {
        output::line(&format!("  {} of the blobs were read by the audit that was interrupted", report.looked.resumed));
    }
    if report.erased + report.withheld > 0 {
        let AuditReport { erased, withheld, .. } = report;
        output::line(&format!("withdrawn: {erased} erased, {withheld} withheld; the entries and their proofs stand"));
    }
}
