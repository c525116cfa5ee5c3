//! Cite: a stable name for a record, in the reader's style, from the signed records alone.

use super::read::{Entry, Log, ReadError};

use crate::base::id::NAAN_UNASSIGNED;
use crate::base::time::Day;
use crate::evidence::citation::Citation;
use crate::evidence::record::Body;

/// Makes the citation of a capture, of a check, or of the capture that a provision quotes.
///
/// # Errors
/// [`CiteError::NotCitable`] for other kinds of record.
pub fn cite(log: &Log<'_>, entry: &Entry, accessed: Option<Day>) -> Result<Citation, CiteError> {
    let quoted = match &entry.record.body {
        Body::Provision(provision) => Some(log.entry(provision.capture)?),
        _ => None,
    };
    let (document, visit) = match &quoted.as_ref().unwrap_or(entry).record.body {
        Body::Capture(capture) => (capture.document, &capture.visit),
        Body::Check(check) => (check.document, &check.visit),
        _ => return Err(CiteError::NotCitable { id: entry.id.to_string(), kind: entry.record.body.kind() }),
    };
    let (_, document) = log.document(document)?;
    let settings = log.archive().settings();
    Ok(Citation {
        entity: document.entity,
        title: document.title,
        document_type: document.document_type,
        id: entry.id.to_string(),
        url: document.url,
        final_url: (visit.final_url != visit.target).then(|| visit.final_url.clone()),
        captured_at: visit.started,
        content_sha256: visit.primary.sha256,
        record_sha256: entry.record_sha256(),
        archive_origin: settings.origin.clone(),
        ark: entry.id.ark(settings.naan.as_deref().unwrap_or(NAAN_UNASSIGNED)),
        accessed,
    })
}

/// Why there is no citation.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CiteError {
    #[error("{id} is a {kind} record; captures, checks and provisions are cited")]
    NotCitable { id: String, kind: &'static str },
    #[error(transparent)]
    Read(#[from] ReadError),
}
