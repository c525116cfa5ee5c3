//! `affiant restore`.

use std::path::PathBuf;

use serde_json::json;

use super::backup::{self, to_json};
use super::failure::{Failure, IN_PART};
use super::output;
use super::settings::Settings;

use crate::archivist::heal::{Healed, heal};
use crate::archivist::places::now;
use crate::archivist::restore::{Fence, Restored, restore};
use crate::outside::archive::Archive;

/// Bring an archive back from its backup, or heal what is damaged in it.
///
/// Everything is checked while it is copied, and no archive is overwritten. With --heal the archive stays where it is,
/// and exactly what an audit finds damaged is replaced by the backup's bytes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  affiant restore /mnt/backup/archive\n  affiant restore /mnt/backup/archive --to restored\n  \
    affiant restore --heal /mnt/backup/archive\n\n\
    Exit codes: 0 done, 5 done in part: something cannot be healed, or the backup is damaged."
)]
pub(super) struct Restore {
    /// The folder of a backup or mirror.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
    /// The folder to restore to [default: the archive].
    #[arg(long, value_name = "FOLDER", conflicts_with = "heal")]
    to: Option<PathBuf>,
    /// Replace what is damaged in the archive, and nothing else.
    #[arg(long)]
    heal: bool,
}

impl Restore {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let backup = Archive::open(&self.backup)?;
        let keyring = settings.keyring();
        if self.heal {
            let folder = &settings.places.archive;
            let healed = heal(folder, &backup, &keyring, now(), settings.progress.as_ref())?;
            return Ok(print_healed(&healed, settings));
        }
        let folder = self.to.unwrap_or_else(|| settings.places.archive.clone());
        let restored = restore(&backup, &folder, &keyring, now(), settings.progress.as_ref())?;
        let Restored { followed, fence } = &restored;
        let warning = fence.as_ref().map(warning);
        let code = if settings.json {
            let mut object = to_json(followed);
            object["folder"] = json!(folder);
            object["warning"] = json!(warning);
            output::json(&object);
            if followed.damaged.is_empty() { 0 } else { IN_PART }
        } else {
            backup::print(followed, &format!("restored to `{}`", folder.display()), settings)
        };
        if let Some(warning) = warning {
            output::remark(&format!("warning: {warning}"));
        }
        Ok(code)
    }
}

/// Says what the fence will do, and what to do about it.
fn warning(fence: &Fence) -> String {
    match fence {
        Fence::Behind { signed, held } => format!(
            "your keys have signed for {signed} entries and this copy holds {held}. Reading, verifying and bundling \
             work; `capture` will refuse, because other entries would stand where {} are promised already. Bring back a \
             newer backup or mirror. Where there is none, begin a new log with new keys and keep this one for reading",
            signed - held
        ),
        Fence::Contradicts { size, signed, held, proof } => {
            let proof = proof.as_ref().map(|path| format!("; `{}` proves it", path.display())).unwrap_or_default();
            format!(
                "at size {size} your keys have signed the root {signed}, and this copy holds {held}{proof}. `capture` will \
                 refuse. Find out which of the two others were given"
            )
        }
    }
}

fn print_healed(healed: &Healed, settings: &Settings) -> u8 {
    if settings.json {
        let left = |(thing, why): &(String, String)| json!({ "thing": thing, "why": why });
        output::json(&json!({
            "healed": healed.healed,
            "not_healed": healed.left.iter().map(left).collect::<Vec<_>>(),
            "clean": healed.is_clean,
        }));
    } else {
        for thing in &healed.healed {
            output::line(&output::plain(&format!("healed  {thing}")));
        }
        for (thing, why) in &healed.left {
            output::line(&output::plain(&format!("not healed  {thing}: {why}")));
        }
        let state = if healed.is_clean { "clean" } else { "still damaged: `affiant audit` says what it costs" };
        output::line(&format!("{} healed, {} not: {state}", healed.healed.len(), healed.left.len()));
    }
    if healed.is_clean { 0 } else { IN_PART }
}
