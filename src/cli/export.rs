//! `affiant export`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::bundle::note_taken;
use super::entry::find;
use super::failure::{Failure, IN_PART};
use super::output;
use super::settings::Settings;

use crate::archivist::custody::Taken;
use crate::archivist::export::{ExportOrder, Exported, Formed, export};
use crate::archivist::export_forms::{ExportForm, export_as};
use crate::archivist::read::Log;
use crate::base::id::Id;
use crate::outside::archive::Archive;

/// Write the captured bytes as plain files named by their SHA-256, with an index and a list to check them by.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  affiant export /mnt/files\n  affiant export /mnt/files AF-D-000001-f\n  affiant export production --format loadfile\n\n\
    `sha256sum -c SHA256SUMS` checks the files; index.jsonl says what each is. An export that was cut short goes on.\n\
    Signatures and proofs stay behind: `affiant bundle` has them."
)]
pub(super) struct Export {
    /// The folder, made if it is not there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// `files`; `loadfile` for e-discovery (Concordance DAT, Opticon OPT); `warc` for web archives, `wacz` with an index to
    /// replay it in a browser.
    #[arg(long, value_name = "FORM", default_value = "files", value_parser = ["files", "loadfile", "warc", "wacz"])]
    format: String,
    /// Captures or checks by their citation ids; a document stands for all of its [default: everything].
    #[arg(value_name = "ID")]
    ids: Vec<String>,
}

impl Export {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let ids = self.ids.iter().map(|id| Ok(find(&log, id)?.id)).collect::<Result<Vec<_>, Failure>>()?;
        let form = match self.format.as_str() {
            "loadfile" => Some(ExportForm::LoadFile),
            "wacz" => Some(ExportForm::Wacz),
            "warc" => Some(ExportForm::Warc),
            _ => None,
        };
        if let Some(form) = form {
            return form_to(form, &archive, (&self.folder, &ids), settings);
        }
        let order = ExportOrder { folder: self.folder, ids };
        let done = export(&archive, &order, settings.progress.as_ref())?;
        note_taken(
            &archive,
            &Taken { act: "export", path: &order.folder, file: None, subjects: &order.ids, withheld: &[] },
        );
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

/// Exports in a form of other people's.
fn form_to(
    form: ExportForm,
    archive: &Archive,
    (folder, ids): (&Path, &[Id]),
    settings: &Settings,
) -> Result<u8, Failure> {
    let Formed { entries, without } = export_as(form, archive, (folder, ids), settings.progress.as_ref())?;
    note_taken(archive, &Taken { act: "export", path: folder, file: None, subjects: ids, withheld: &[] });
    if settings.json {
        output::json(&json!({ "folder": folder, "entries": entries, "without": without }));
        return Ok(0);
    }
    output::line(&format!("{}: {entries} captures and checks", folder.display()));
    if without > 0 {
        output::remark(&format!("{without} of them have nothing for this form: no exchange, or withdrawn content"));
    }
    Ok(0)
}
