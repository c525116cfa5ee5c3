//! `affiant export`.

use std::path::PathBuf;

use serde_json::json;

use super::failure::{Failure, IN_PART};
use super::output;
use super::settings::Settings;
use super::show::find;

use crate::archivist::export::{ExportOrder, Exported, export};
use crate::archivist::read::Log;

/// Write the captured bytes as plain files named by their SHA-256, with an index and a list to check them by.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant export /mnt/files\n  affiant export /mnt/files AF-D-000001-f\n\n\
    `sha256sum -c SHA256SUMS` checks the files; index.jsonl says what each is. An export that was cut short goes on.\n\
    Signatures and proofs stay behind: `affiant bundle` has them.")]
pub(super) struct Export {
    /// The folder, made if it is not there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Captures or checks by their citation ids; a document stands for all of its [default: everything].
    #[arg(value_name = "ID")]
    ids: Vec<String>,
}

impl Export {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let ids = self.ids.iter().map(|id| Ok(find(&log, id)?.id)).collect::<Result<Vec<_>, Failure>>()?;
        let order = ExportOrder { folder: self.folder, ids };
        let done = export(&archive, &order, settings.progress.as_ref())?;
        let Exported { entries, files, files_new, bytes, damaged } = &done;
        if settings.json {
            output::json(&json!({
                "folder": order.folder,
                "entries": entries,
                "files": files,
                "files_new": files_new,
                "bytes": bytes,
                "damaged": damaged,
            }));
        } else {
            let folder = order.folder.display();
            output::line(&format!("{folder}: {entries} captures and checks, {files} files, {files_new} of them new"));
        }
        for damaged in damaged {
            output::remark(&output::plain(&format!("not exported: {damaged}")));
        }
        Ok(if damaged.is_empty() { 0 } else { IN_PART })
    }
}
