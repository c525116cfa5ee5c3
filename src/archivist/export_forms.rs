//! Export in other people's forms: load files for e-discovery, WARC and WACZ for web archives.
//!
//! ```text
//! loadfile: VOL001/DATA/captures.dat, captures.opt, NATIVES/AF-C-000002-n.html, TEXT/AF-C-000002-n.txt
//! warc:     captures.warc    every exchange of the captures and checks that have some
//! wacz:     captures.wacz    the same with an index and a list of pages, in one ZIP
//! ```
//!
//! Each is a view: what signs and proves a capture stays behind, and is in a bundle. The same archive gives the same bytes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::export::{ExportError, Formed};
use super::export_web::Web;
use super::progress::Progress;
use super::read::{Entry, Log, ReadError};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::bundle::layout;
use crate::evidence::loadfile::{self, VOLUME};
use crate::evidence::record::{Body, Visit};
use crate::outside::archive::durable::{self, Existing, Passing, WriteError};
use crate::outside::archive::{Archive, ArchiveError};

/// Whose form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExportForm {
    /// Concordance and Opticon.
    LoadFile,
    /// Web archives, replayed in a browser.
    Wacz,
    /// Web archives.
    Warc,
}

/// Exports captures and checks to a folder that is made, or has nothing of that name in it.
///
/// # Errors
/// An [`ExportError`].
pub fn export_as(
    form: ExportForm,
    archive: &Archive,
    (folder, ids): (&Path, &[Id]),
    progress: &dyn Progress,
) -> Result<Formed, ExportError> {
    let (log, _) = Log::published(archive)?;
    if folder.join("archive.toml").exists() {
        return Err(ArchiveError::Exists { folder: folder.to_owned() }.into());
    }
    durable::make_folder(folder)?;
    let act = progress.begin("exporting", None);
    let mut visits = Vec::new();
    for index in 0..log.size() {
        let entry = match log.entry(index) {
            Ok(entry) => entry,
            Err(ReadError::Withdrawn { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let document = match &entry.record.body {
            Body::Capture(capture) => capture.document,
            Body::Check(check) => check.document,
            _ => continue,
        };
        if ids.is_empty() || ids.iter().any(|id| id.index == index || id.index == document) {
            visits.push((entry, document));
            act.advance(1);
        }
    }
    let web = Web { archive, log: &log, visits: &visits };
    match form {
        ExportForm::LoadFile => LoadFile { archive, log: &log, folder: folder.join(VOLUME) }.write(&visits),
        ExportForm::Wacz => web.write_wacz(&folder.join("captures.wacz")),
        ExportForm::Warc => web.write_warc(&folder.join("captures.warc")),
    }
}

/// A production under way.
struct LoadFile<'a> {
    archive: &'a Archive,
    log: &'a Log<'a>,
    folder: PathBuf,
}

impl LoadFile<'_> {
    fn write(&self, visits: &[(Entry, u64)]) -> Result<Formed, ExportError> {
        for part in ["DATA", "NATIVES", "TEXT"] {
            durable::make_folder(&self.folder.join(part))?;
        }
        let (mut dat, mut opt) = (loadfile::dat_head(), String::new());
        let mut formed = Formed::default();
        for (entry, document) in visits {
            let Some(visit) = entry.record.body.visit() else { continue };
            let id = entry.id.to_string();
            let named = layout::content(&entry.id, visit);
            let extension = named.first().and_then(|(name, _)| Some(name.rsplit_once('.')?.1)).unwrap_or("bin");
            let native = self.file(entry, visit.primary.sha256, &format!("NATIVES/{id}.{extension}"))?;
            let text = visit.text().map(|text| self.file(entry, text.sha256, &format!("TEXT/{id}.txt"))).transpose()?;
            formed.entries += 1;
            formed.without += u64::from(native.is_none());
            let is_picture = ["pdf", "png", "jpg"].contains(&extension);
            opt +=
                &native.as_ref().filter(|_| is_picture).map_or_else(String::new, |path| loadfile::opt_line(&id, path));
            dat += &self.line(entry, *document, visit, [native, text.flatten()])?;
        }
        for (name, text) in [("DATA/captures.dat", dat), ("DATA/captures.opt", opt)] {
            let path = self.folder.join(name);
            put(&path, |file| file.write_all(text.as_bytes()))?;
        }
        Ok(formed)
    }

    fn line(
        &self,
        entry: &Entry,
        document: u64,
        visit: &Visit,
        [native, text]: [Option<String>; 2],
    ) -> Result<String, ExportError> {
        let (_, document) = self.log.document(document)?;
        let at = visit.started.to_second().to_string();
        let (day, time) = at.split_once('T').unwrap_or((&at, ""));
        let id = entry.id.to_string();
        Ok(loadfile::dat_line(&[
            id.clone(),
            id.clone(),
            id,
            document.entity.unwrap_or_default(),
            document.title.unwrap_or_default(),
            document.document_type.unwrap_or_default(),
            visit.target.clone(),
            visit.final_url.clone(),
            day.to_owned(),
            time.to_owned(),
            visit.primary.sha256.to_string(),
            entry.record_sha256().to_string(),
            native.unwrap_or_default(),
            text.unwrap_or_default(),
        ]))
    }

    /// Writes a blob's file, and returns its path as these platforms write it; nothing where it was withdrawn.
    fn file(&self, entry: &Entry, blob: Hash, name: &str) -> Result<Option<String>, ExportError> {
        if self.log.withdrawal_of(entry.record.index, blob)?.is_some() {
            return Ok(None);
        }
        let path = self.folder.join(name);
        let mut file = Passing::create(&path, Existing::Replace)?;
        self.archive.packs().copy(blob, &mut file)?;
        file.place(Existing::Replace)?;
        Ok(Some(format!(".\\{}", name.replace('/', "\\"))))
    }
}

fn put(path: &Path, write: impl FnOnce(&mut Passing) -> io::Result<()>) -> Result<(), WriteError> {
    let mut file = Passing::create(path, Existing::Replace)?;
    write(&mut file).map_err(|source| WriteError::at(path, source))?;
    file.place(Existing::Replace)
}
