//! `affiant verify-page`.

use std::path::PathBuf;

use serde_json::json;

use super::failure::{FAILED, Failure};
use super::output;
use super::settings::Settings;

use crate::archivist::verify_page::verify_page;
use crate::outside::archive::durable::Existing;

/// Write the page that checks bundles in a browser, with nothing installed and no network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant verify-page -o verify.html\n\n\
    Publish the SHA-256 that it prints, so that others can compare theirs, and log it: `affiant capture verify.html`.\n\
    A page that comes inside a bundle cannot vouch for that bundle.")]
pub(super) struct VerifyPage {
    /// The file to make.
    #[arg(short, long, value_name = "FILE", default_value = "verify.html")]
    output: PathBuf,
    /// Replace a file that lies there already.
    #[arg(long)]
    force: bool,
}

impl VerifyPage {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        let written = verify_page(&self.output, existing).map_err(|error| {
            let failure = Failure::of(FAILED, &error);
            if error.is_existing() { failure.try_this("give another -o, or --force") } else { failure }
        })?;
        if settings.json {
            output::json(&json!({
                "path": self.output,
                "sha256": written.sha256.to_string(),
                "size": written.size_bytes,
            }));
            return Ok(0);
        }
        output::line(&format!("{}  {} bytes", self.output.display(), written.size_bytes));
        output::line(&format!("  sha256    {}", written.sha256));
        Ok(0)
    }
}
