//! A set that was read from paper, as the verifier sees it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::LABEL;
use super::archive::{self, ArchiveError};
use super::part::{Parts, PartsError};

use crate::base::hash::Hash;
use crate::base::id::{CheckCharacter, Id};
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::bundle::layout;
use crate::evidence::record::{Body, Record};
use crate::evidence::verify::source::{BlobFound, EntryBytes, EntryProof, Source, SourceError};
use crate::evidence::verify::{Check, Finding};

/// The evidence for one record, read from paper; nothing in it is believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PaperSource {
    subject: Id,
    bundle: Hash,
    files: BTreeMap<String, Vec<u8>>,
    part_count: usize,
}

impl PaperSource {
    /// Puts a set together.
    ///
    /// # Errors
    /// A [`PaperError`]: [`PartsError::Missing`] names the parts that were not read.
    pub fn of(parts: &Parts) -> Result<Self, PaperError> {
        let mut files = archive::unpack(&parts.join()?)?;
        let label = files.remove(LABEL).unwrap_or_default();
        let (subject, bundle) = read_label(&label).ok_or(PaperError::Label)?;
        let is_known = |name: &str| {
            name == layout::CHECKPOINT
                || layout::anchor_of(name).is_some()
                || layout::id_of_entry_file(name)
                    .is_some_and(|id| layout::ENTRY_FILES.iter().any(|file| layout::entry_file(&id, file) == name))
        };
        match files.keys().find(|name| !is_known(name)) {
            Some(name) => Err(PaperError::Name { name: name.clone() }),
            None => Ok(Self { subject, bundle, files, part_count: parts.count() }),
        }
    }

    /// Returns what the set says that it is about.
    #[must_use]
    pub fn subject(&self) -> &Id {
        &self.subject
    }

    /// Returns the SHA-256 of `tagmanifest-sha256.txt` of the bundle that the set says it was printed from.
    #[must_use]
    pub fn bundle(&self) -> Hash {
        self.bundle
    }

    fn id_of(&self, index: u64) -> Option<Id> {
        self.files.keys().filter_map(|name| layout::id_of_entry_file(name)).find(|id| id.index == index)
    }

    fn records(&self) -> impl Iterator<Item = Record> {
        let is_record = |name: &&String| name.ends_with(layout::RECORD);
        let names = self.files.keys().filter(is_record);
        names.filter_map(|name| Record::decode(&self.files[name]).ok())
    }
}

/// Reads `subject: ID`, `bundle: HASH`, one a line.
fn read_label(bytes: &[u8]) -> Option<(Id, Hash)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let (subject, bundle) = (lines.next()?.strip_prefix("subject: ")?, lines.next()?.strip_prefix("bundle: ")?);
    let (id, check) = Id::parse(subject).ok()?;
    let is_one_spelling = lines.next().is_none() && check == CheckCharacter::Right && id.to_string() == subject;
    is_one_spelling.then_some((id, bundle.parse().ok()?))
}

impl Source for PaperSource {
    fn files(&self) -> Vec<Finding> {
        let found = format!("{} part(s) of a set on paper, whole by its hash", self.part_count);
        vec![Finding::not_shown(Check::Files, "a sealed bundle", found)]
    }

    fn is_whole(&self) -> bool {
        false
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.files.get(layout::CHECKPOINT).cloned())
    }

    fn entry(&self, index: u64) -> Result<Option<EntryBytes>, SourceError> {
        let Some(id) = self.id_of(index) else { return Ok(None) };
        let read = |file: &str| self.files.get(&layout::entry_file(&id, file)).cloned();
        Ok(Some(EntryBytes {
            name: layout::entry_folder(&id).trim_end_matches('/').to_owned(),
            record: read(layout::RECORD),
            statement: read(layout::STATEMENT),
            proof: read(layout::PROOF).map(EntryProof::Written),
            receipt: read(layout::RECEIPT),
            fitting: None,
        }))
    }

    fn find_statement(&self, statement: Hash, before: u64) -> Result<Option<u64>, SourceError> {
        let is_it =
            |(name, bytes): &(&String, &Vec<u8>)| name.ends_with(layout::STATEMENT) && Hash::of(bytes) == statement;
        let found = self.files.iter().find(is_it).and_then(|(name, _)| layout::id_of_entry_file(name));
        Ok(found.map(|id| id.index).filter(|index| *index < before))
    }

    fn anchors(&self, index: u64, named: u64) -> Result<Vec<AnchorBytes>, SourceError> {
        let mut anchors: BTreeMap<u64, AnchorBytes> = BTreeMap::new();
        for (name, bytes) in &self.files {
            let Some((size, file)) = layout::anchor_of(name) else { continue };
            let anchor = anchors.entry(size).or_insert_with(|| AnchorBytes { size, ..AnchorBytes::default() });
            match file {
                anchor::CHECKPOINT => anchor.checkpoint = Some(bytes.clone()),
                anchor::CONSISTENCY => anchor.consistency = Some(bytes.clone()),
                reply => anchor.replies.push((reply.to_owned(), bytes.clone())),
            }
        }
        Ok(anchors.into_values().filter(|anchor| anchor.size > index || anchor.size == named).collect())
    }

    fn withdrawals(&self, index: u64) -> Result<Vec<u64>, SourceError> {
        let speaks = |record: &Record| match &record.body {
            Body::Withdrawal(withdrawal) => withdrawal.of(index).is_some(),
            _ => false,
        };
        Ok(self.records().filter(speaks).map(|record| record.index).collect())
    }

    fn key_records(&self) -> Result<Vec<u64>, SourceError> {
        let mut indexes: Vec<u64> =
            self.records().filter(|record| matches!(record.body, Body::Key(_))).map(|record| record.index).collect();
        indexes.sort_unstable();
        Ok(indexes)
    }

    fn blob(&self, _subject: &Id, hash: Hash) -> Result<BlobFound, SourceError> {
        Ok(BlobFound::Nothing { name: format!("SHA-256 {hash}") })
    }

    fn copy_blob(&self, _subject: &Id, hash: Hash, _target: &mut dyn Write) -> Result<(), SourceError> {
        Err(SourceError { name: hash.to_string(), reason: io::Error::from(io::ErrorKind::NotFound).to_string() })
    }
}

/// Why a set on paper cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PaperError {
    #[error("the set cannot be unpacked")]
    Archive(#[from] ArchiveError),
    #[error("the set does not say in `{LABEL}` what it is about")]
    Label,
    #[error("the set holds `{name}`, which is no file of a bundle")]
    Name { name: String },
    #[error(transparent)]
    Parts(#[from] PartsError),
}
