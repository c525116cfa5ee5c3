//! The matter: what the records say that an exhibit shows, read from a bundle.

use std::io::{self, Write};

use super::ExhibitError;
use super::sheet::Running;

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::record::{Body, Document, Provision, Record, Visit};
use crate::evidence::verify::source::{BlobFound, Source};
use crate::timestamp::certificate::Certificate;

/// The longest text that is printed: some five thousand pages.
pub(super) const TEXT_BYTES_MAX: usize = 16 << 20;

/// The longest certificate that is read out.
const CERTIFICATE_BYTES_MAX: usize = crate::timestamp::certificate::SIZE_BYTES_MAX;

/// A record, with what is shown of it.
#[derive(Clone, Debug)]
pub(super) struct Matter {
    pub(super) id: Id,
    pub(super) record: Record,
    pub(super) record_bytes: Vec<u8>,
    /// The entry's hash in the log.
    pub(super) statement_sha256: Hash,
    /// The document of a capture or check.
    pub(super) document: Option<Document>,
    /// The capture that a provision quotes.
    pub(super) quoted: Option<Box<Matter>>,
    pub(super) text: Text,
    /// The server's own certificate, when it is there and can be read.
    pub(super) certificate: Option<Certificate>,
}

/// The text of a page.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Text {
    /// It is here.
    Here(String),
    /// It is not, and why.
    Absent(&'static str),
}

/// A passage that a provision quotes.
#[derive(Clone, Debug)]
pub(super) struct Quoted {
    pub(super) id: Id,
    pub(super) provision: Provision,
}

impl Matter {
    /// Reads the record at `index`.
    pub(super) fn read(source: &dyn Source, index: u64, like: &Id) -> Result<Self, ExhibitError> {
        let absent = || ExhibitError::NoRecord { index };
        let entry = source.entry(index)?.ok_or_else(absent)?;
        let record_bytes = entry.record.ok_or_else(absent)?;
        let statement_sha256 = Hash::of(&entry.statement.ok_or_else(absent)?);
        let record = Record::decode(&record_bytes)?;
        let id = record.id(&like.prefix);
        let document = match &record.body {
            Body::Capture(capture) => document(source, capture.document)?,
            Body::Check(check) => document(source, check.document)?,
            Body::Document(document) => Some(document.clone()),
            _ => None,
        };
        let text = match record.body.visit() {
            Some(visit) => text(source, &id, visit)?,
            None => Text::Absent("it is no capture"),
        };
        let certificate = record.body.visit().and_then(|visit| certificate(source, &id, visit));
        let quoted = match &record.body {
            // A provision quotes a capture, which quotes nothing: a forged chain of them ends in an error here.
            Body::Provision(provision) if provision.capture < index => {
                Some(Box::new(Self::read(source, provision.capture, like)?))
            }
            _ => None,
        };
        Ok(Self { id, record, record_bytes, statement_sha256, document, quoted, text, certificate })
    }

    pub(super) fn record_sha256(&self) -> Hash {
        Hash::of(&self.record_bytes)
    }

    pub(super) fn visit(&self) -> Option<&Visit> {
        self.record.body.visit()
    }

    /// Returns the document that it is of, or that the capture is of which it quotes.
    pub(super) fn described(&self) -> Option<&Document> {
        self.document.as_ref().or_else(|| self.quoted.as_ref()?.described())
    }

    /// Returns what the document is called.
    pub(super) fn title(&self) -> String {
        let document = self.described();
        let title = document.and_then(|document| document.title.clone().or_else(|| document.document_type.clone()));
        title.unwrap_or_else(|| self.record.body.kind().to_owned())
    }

    /// Returns the head and foot of its pages.
    pub(super) fn running(&self) -> Running {
        if let Some(quoted) = &self.quoted {
            let Running { address, time, .. } = quoted.running();
            let hash = format!("record SHA-256 {}", self.record_sha256());
            return Running { address, time, id: self.id.to_string(), hash };
        }
        let address = match (self.visit(), &self.document) {
            (Some(visit), _) => visit.final_url.clone(),
            (None, Some(document)) => document.url.clone(),
            (None, None) => self.record.origin.clone(),
        };
        let (made, what) = match self.visit() {
            Some(visit) => (visit.started, "captured"),
            None => (self.record.made, "made"),
        };
        Running {
            address,
            time: format!("{what} {} (archive\u{2019}s clock)", made.to_second()),
            id: self.id.to_string(),
            hash: format!("record SHA-256 {}", self.record_sha256()),
        }
    }
}

fn document(source: &dyn Source, index: u64) -> Result<Option<Document>, ExhibitError> {
    let Some(bytes) = source.entry(index)?.and_then(|entry| entry.record) else { return Ok(None) };
    Ok(match Record::decode(&bytes)?.body {
        Body::Document(document) => Some(document),
        _ => None,
    })
}

fn text(source: &dyn Source, id: &Id, visit: &Visit) -> Result<Text, ExhibitError> {
    let Some(rendition) = visit.text() else { return Ok(Text::Absent("the record has no text of it")) };
    match source.blob(id, rendition.sha256)? {
        BlobFound::Blob => {}
        BlobFound::Nothing { .. } | BlobFound::Other { .. } => {
            return Ok(Text::Absent("its text is not in the bundle"));
        }
    }
    if usize::try_from(rendition.size_bytes).is_ok_and(|size| size > TEXT_BYTES_MAX) {
        return Ok(Text::Absent("its text is longer than is printed"));
    }
    let mut bytes = Limited { bytes: Vec::new(), limit: TEXT_BYTES_MAX };
    source.copy_blob(id, rendition.sha256, &mut bytes)?;
    Ok(String::from_utf8(bytes.bytes).map_or(Text::Absent("its text is not UTF-8"), Text::Here))
}

fn certificate(source: &dyn Source, id: &Id, visit: &Visit) -> Option<Certificate> {
    let leaf = *visit.exchanges.last()?.connection.tls.as_ref()?.chain.first()?;
    let mut bytes = Limited { bytes: Vec::new(), limit: CERTIFICATE_BYTES_MAX };
    let is_here = matches!(source.blob(id, leaf), Ok(BlobFound::Blob));
    (is_here && source.copy_blob(id, leaf, &mut bytes).is_ok()).then(|| Certificate::parse(&bytes.bytes).ok())?
}

/// Bytes in memory, up to a limit.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
