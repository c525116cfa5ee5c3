//! `affiant doctor`.

use serde_json::json;

use super::failure::NO_ARCHIVE;
use super::output;
use super::settings::Settings;

use crate::archivist::doctor::{Advice, Severity, examine};
use crate::archivist::places::now;

/// Look at the archive, the keys and this machine, and say what should be mended.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant doctor")]
pub(super) struct Doctor {}

impl Doctor {
    pub(super) fn run(settings: &Settings) -> u8 {
        let advice = examine(&settings.places, now());
        for piece in &advice {
            print(piece, settings);
        }
        if advice.iter().any(|piece| piece.severity == Severity::Wrong) { NO_ARCHIVE } else { 0 }
    }
}

fn print(advice: &Advice, settings: &Settings) {
    if settings.json {
        output::json(&json!({
            "about": advice.about,
            "severity": advice.severity.as_str(),
            "found": advice.found,
            "try": advice.remedy,
        }));
        return;
    }
    output::line(&format!("{:<6} {:<10} {}", advice.severity.as_str(), advice.about, advice.found));
    if let Some(remedy) = &advice.remedy {
        output::line(&format!("{:<17} try: {remedy}", ""));
    }
}
