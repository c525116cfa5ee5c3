//! `affiant repack`.

use serde_json::json;

use super::failure::Failure;
use super::output;
use super::settings::Settings;

use crate::archivist::repack::repack;

/// Make small what was kept in haste, when nobody waits for it.
///
/// A crawl that is faster than the processor keeps the first page of each document as it comes. This compresses such pages
/// again, mostly against others of their site. No record, proof or hash changes, and every page reads as before. It
/// needs room for a copy of the segments that it writes anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant repack")]
pub(super) struct Repack {}

impl Repack {
    pub(super) fn run(settings: &Settings) -> Result<u8, Failure> {
        settings.archive()?;
        let mut opened = super::withdraw::open(settings)?;
        let done = repack(&mut opened.appender, settings.progress.as_ref())?;
        if settings.json {
            output::json(&json!({
                "blobs": done.blobs,
                "bytes_before": done.bytes_before,
                "bytes_after": done.bytes_after,
            }));
        } else if done.blobs == 0 {
            output::line("nothing was kept in haste");
        } else {
            output::line(&format!(
                "{} blob(s) are packed again: {} bytes became {}",
                done.blobs, done.bytes_before, done.bytes_after
            ));
        }
        Ok(0)
    }
}
