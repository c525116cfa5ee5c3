//! Export: the captured bytes as plain files named by their hash, for whoever has no use for an archive.
//!
//! ```text
//! export/
//!   <sha256>.html       a page, its text (.md), the bodies and certificates of its exchanges
//!   <sha256>.cbor       the record of each capture and check
//!   index.jsonl         one line for each: id, url, captured_at, hashes, and which file is what
//!   SHA256SUMS          what `sha256sum -c SHA256SUMS` checks, the index included
//! ```
//!
//! A file appears under its name once it is whole, and the two lists come last. An export that was cut short goes on:
//! a file that is there with its size is not written again. The signatures and proofs stay behind: a bundle has them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::progress::Progress;
use super::read::{Entry, Log, ReadError};

use crate::base::causes::with_causes;
use crate::base::hash::{Hash, Hasher};
use crate::base::id::Id;
use crate::evidence::bundle::layout;
use crate::evidence::bundle::zip::ZipError;
use crate::evidence::record::{Body, Visit};
use crate::outside::archive::durable::{self, Batch, Existing, Passing, WriteError};
use crate::outside::archive::packs::PackError;
use crate::outside::archive::{Archive, ArchiveError};

/// How many small files become durable together: as many are open at once.
const BATCH_COUNT: usize = 192;

/// The largest file that is held in memory.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// What is wanted of an export.
#[derive(Clone, Debug)]
pub struct ExportOrder {
    /// The folder, which is made if it is not there.
    pub folder: PathBuf,
    /// Which captures and checks; a document stands for all of its. None stands for the whole archive.
    pub ids: Vec<Id>,
}

/// What was exported.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Exported {
    /// How many captures and checks.
    pub entries: u64,
    /// How many files.
    pub files: u64,
    /// How many of them were not there before.
    pub files_new: u64,
    /// How many bytes were written.
    pub bytes: u64,
    /// What could not be read.
    pub damaged: Vec<String>,
}

/// What was exported in a form.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Formed {
    /// How many captures and checks.
    pub entries: u64,
    /// How many of them have nothing for this form: no exchange, or content that was withdrawn.
    pub without: u64,
}

/// Exports captures and checks.
///
/// # Errors
/// An [`ExportError`]. What was written until then stays, and the next export goes on from it.
pub fn export(archive: &Archive, order: &ExportOrder, progress: &dyn Progress) -> Result<Exported, ExportError> {
    let (log, _) = Log::published(archive)?;
    if order.folder.join("archive.toml").exists() {
        return Err(ArchiveError::Exists { folder: order.folder.clone() }.into());
    }
    durable::make_folder(&order.folder)?;
    let mut export = Export {
        archive,
        folder: &order.folder,
        names: HashMap::new(),
        batch: Batch::default(),
        batch_count: 0,
        done: Exported::default(),
    };
    let mut index = List::create(&order.folder.join("index.jsonl"))?;
    let mut sums = List::create(&order.folder.join("SHA256SUMS"))?;
    let wanted: Vec<u64> = order.ids.iter().map(|id| id.index).collect();
    // Ids of captures and checks are read as they are; a document's are found by going through the log.
    let has_documents = order.ids.iter().any(|id| id.letter == 'D');
    let indexes: Vec<u64> = if wanted.is_empty() || has_documents { (0..log.size()).collect() } else { wanted.clone() };
    let act = progress.begin("exporting", Some(u64::try_from(indexes.len()).unwrap_or_default()));
    for number in indexes {
        act.advance(1);
        let entry = match log.entry(number) {
            Ok(entry) => entry,
            Err(ReadError::Pack(error)) if error.is_loss() => {
                export.done.damaged.push(format!("entry {number}: {}", with_causes(&error)));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let (document, visit) = match &entry.record.body {
            Body::Capture(capture) => (capture.document, &capture.visit),
            Body::Check(check) => (check.document, &check.visit),
            _ => continue,
        };
        if wanted.is_empty() || wanted.contains(&number) || wanted.contains(&document) {
            let line = export.entry(&entry, visit, &mut sums)?;
            index.line(&line.to_string())?;
        }
    }
    export.settle()?;
    let index_sha256 = index.place()?;
    sums.line(&format!("{index_sha256}  index.jsonl"))?;
    sums.place()?;
    Ok(export.done)
}

/// An export under way.
struct Export<'a> {
    archive: &'a Archive,
    folder: &'a Path,
    /// Which file each blob is in: a blob that two captures share has the name that the first gave it.
    names: HashMap<Hash, Option<String>>,
    batch: Batch,
    batch_count: usize,
    done: Exported,
}

impl Export<'_> {
    fn entry(&mut self, entry: &Entry, visit: &Visit, sums: &mut List) -> Result<Json, ExportError> {
        let record = entry.record_sha256();
        let record_name = self.file(record, "cbor", sums)?;
        let mut files = Vec::new();
        for (path, hash) in layout::content(&entry.id, visit) {
            let name = path.rsplit('/').next().unwrap_or_default();
            let (role, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
            let file = self.file(hash, extension, sums)?;
            files.push(json!({ "role": role, "sha256": hash.to_string(), "file": file }));
        }
        self.done.entries += 1;
        Ok(json!({
            "id": entry.id.to_string(),
            "kind": entry.record.body.kind(),
            "url": visit.target,
            "final_url": visit.final_url,
            "captured_at": visit.started.to_string(),
            "outcome": visit.outcome.kind.word(),
            "sha256": visit.primary.sha256.to_string(),
            "record_sha256": record.to_string(),
            "record_file": record_name,
            "files": files,
        }))
    }

    /// Writes a blob's file unless it is there, and returns its name; none when the blob cannot be read.
    fn file(&mut self, hash: Hash, extension: &str, sums: &mut List) -> Result<Option<String>, ExportError> {
        if let Some(name) = self.names.get(&hash) {
            return Ok(name.clone());
        }
        let name = format!("{hash}.{extension}");
        let written = match self.write(hash, &name) {
            Ok(()) => Some(name),
            Err(ExportError::Pack(error)) if error.is_loss() => {
                self.done.damaged.push(with_causes(&error));
                None
            }
            Err(error) => return Err(error),
        };
        if let Some(name) = &written {
            sums.line(&format!("{hash}  {name}"))?;
            self.done.files += 1;
        }
        self.names.insert(hash, written.clone());
        Ok(written)
    }

    fn write(&mut self, hash: Hash, name: &str) -> Result<(), ExportError> {
        let packs = self.archive.packs();
        let path = self.folder.join(name);
        let size_bytes = packs.size_bytes(hash)?;
        if path.metadata().is_ok_and(|found| found.is_file() && found.len() == size_bytes) {
            return Ok(());
        }
        if size_bytes <= SMALL_BYTES_MAX {
            self.batch.add(&path, &packs.read(hash)?)?;
            self.batch_count += 1;
            if self.batch_count == BATCH_COUNT {
                self.settle()?;
            }
        } else {
            let mut file = Passing::create(&path, Existing::Replace)?;
            packs.copy(hash, &mut file)?;
            file.place(Existing::Replace)?;
        }
        self.done.files_new += 1;
        self.done.bytes += size_bytes;
        Ok(())
    }

    fn settle(&mut self) -> Result<(), WriteError> {
        self.batch_count = 0;
        std::mem::take(&mut self.batch).finish()
    }
}

/// A text file that is hashed as it grows, and appears when it is whole.
struct List {
    path: PathBuf,
    file: io::BufWriter<Passing>,
    hasher: Hasher,
}

impl List {
    fn create(path: &Path) -> Result<Self, WriteError> {
        let file = io::BufWriter::new(Passing::create(path, Existing::Replace)?);
        Ok(Self { path: path.to_owned(), file, hasher: Hasher::new() })
    }

    fn line(&mut self, line: &str) -> Result<(), WriteError> {
        let line = format!("{line}\n");
        self.hasher.update(line.as_bytes());
        self.file.write_all(line.as_bytes()).map_err(|source| WriteError::at(&self.path, source))
    }

    fn place(self) -> Result<Hash, WriteError> {
        let file = self.file.into_inner().map_err(|error| WriteError::at(&self.path, error.into_error()))?;
        file.place(Existing::Replace)?;
        Ok(self.hasher.finish())
    }
}

/// Why an export ended before its time.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ExportError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Zip(#[from] ZipError),
}
