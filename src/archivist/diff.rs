//! Diff: what changed between the texts of two captures.

use super::read::{Entry, Log, ReadError};

use crate::base::hash::Hash;
use crate::evidence::record::Visit;

/// Reads the text of a capture or check, with its SHA-256.
///
/// # Errors
/// [`DiffError::NoText`] for a record that has none, [`DiffError::Withdrawn`] for one whose text was taken out.
pub fn text(log: &Log<'_>, entry: &Entry) -> Result<(Hash, String), DiffError> {
    let no_text = || DiffError::NoText { id: entry.id.to_string(), kind: entry.record.body.kind() };
    let rendition = entry.record.body.visit().and_then(Visit::text).ok_or_else(no_text)?.sha256;
    if let Some(withdrawn) = log.withdrawal_of(entry.record.index, rendition)? {
        return Err(DiffError::Withdrawn { id: entry.id.to_string(), words: withdrawn.words() });
    }
    let bytes = log.archive().packs().read(rendition).map_err(ReadError::from)?;
    Ok((rendition, String::from_utf8(bytes).map_err(|_| no_text())?))
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum DiffError {
    #[error("{id} is a {kind} record without a text; captures and checks of pages have one")]
    NoText { id: String, kind: &'static str },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the text of {id} was {words}")]
    Withdrawn { id: String, words: String },
}
