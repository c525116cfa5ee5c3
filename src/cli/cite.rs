//! `affiant cite`.

use serde_json::json;

use super::entry::find;
use super::failure::{Failure, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::cite::cite;
use crate::archivist::places::now;
use crate::archivist::read::Log;
use crate::evidence::citation::{Style, render};

/// Cite a capture, check or provision in the style that you need.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Styles: bluebook, oscola, apa, mla, chicago, bibtex, biblatex, ris, csl-json, wikipedia, html, plain.\n\n\
    Examples:\n  affiant cite AF-C-000002-n\n  affiant cite AF-C-000002-n --style bluebook"
)]
pub(super) struct Cite {
    /// The citation id.
    #[arg(value_name = "ID")]
    id: String,
    /// The style.
    #[arg(short, long, value_name = "STYLE", default_value = "plain")]
    style: String,
    /// Say that you looked at it today.
    #[arg(long)]
    accessed_today: bool,
}

impl Cite {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let style: Style = self.style.parse().map_err(|error| Failure::of(WRONG_USE, &error))?;
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let entry = find(&log, &self.id)?;
        let citation = cite(&log, &entry, self.accessed_today.then(|| now().day()))?;
        let text = render(&citation, style);
        if settings.json {
            output::json(&json!({
                "id": citation.id,
                "style": style.to_string(),
                "citation": text,
                "entity": citation.entity,
                "title": citation.title,
                "document_type": citation.document_type,
                "url": citation.url,
                "final_url": citation.final_url,
                "captured_at": citation.captured_at.to_string(),
                "sha256": citation.content_sha256.to_string(),
                "record_sha256": citation.record_sha256.to_string(),
                "ark": citation.ark,
            }));
        } else {
            output::bytes(text.as_bytes());
        }
        let missing: Vec<&str> = [("entity", &citation.entity), ("title", &citation.title)]
            .into_iter()
            .filter_map(|(name, value)| value.is_none().then_some(name))
            .collect();
        if !missing.is_empty() && !settings.quiet {
            output::remark(&format!(
                "affiant: the record has no {}; capture again with --{} to say it",
                missing.join(" and no "),
                missing.join(" and --")
            ));
        }
        Ok(0)
    }
}
