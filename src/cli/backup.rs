//! `affiant backup`.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::failure::{Failure, IN_PART};
use super::output;
use super::settings::Settings;

use crate::archivist::backup::backup;
use crate::archivist::follow::Followed;
use crate::archivist::places::now;

/// Keep all that the archive has published once more, in a folder that is an archive itself.
///
/// The first backup copies everything, later ones what is new. A writer may be at work meanwhile. Everything copied is
/// checked. Secret keys are never copied: keep `keys/` elsewhere too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant backup /mnt/backup/archive\n\n\
    The folder can be read as it lies: affiant audit --archive /mnt/backup/archive. `affiant restore` brings it back.\n\
    Exit codes: 0 done, 5 done, and something in the archive is damaged.")]
pub(super) struct Backup {
    /// The backup's folder, made if it is not there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Backup {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let (archive, policy) = (settings.archive()?, settings.policy()?);
        let done = backup(&archive, &self.folder, policy.as_ref(), now(), settings.progress.as_ref())?;
        let code = print(&done, &format!("backup in `{}`", self.folder.display()), settings);
        if !settings.json && !settings.quiet {
            output::remark("Secret keys are not in it: keep a copy of the keyring elsewhere.");
        }
        Ok(code)
    }
}

/// Prints what a second copy has taken over, and returns the exit code.
pub(super) fn print(done: &Followed, what: &str, settings: &Settings) -> u8 {
    if settings.json {
        output::json(&to_json(done));
    } else {
        let Followed { entries_before, entries, root, bytes, blobs, .. } = done;
        output::line(&format!("{what}: {entries_before} to {entries} entries, {blobs} blobs, {bytes} bytes copied"));
        if !settings.quiet {
            output::line(&format!("  root  {root}"));
        }
    }
    for damaged in &done.damaged {
        output::remark(&output::plain(&format!("damaged, and copied as it is: {damaged}")));
    }
    if done.damaged.is_empty() { 0 } else { IN_PART }
}

pub(super) fn to_json(done: &Followed) -> Json {
    json!({
        "origin": done.origin.as_str(),
        "entries_before": done.entries_before,
        "entries": done.entries,
        "root": done.root.to_string(),
        "blobs": done.blobs,
        "bytes": done.bytes,
        "damaged": done.damaged,
    })
}
