//! Quote: a passage of a capture becomes an addressable record of its own.

use super::append::{AppendError, Appended, Appender};
use super::read::{Entry, Log, ReadError};

use crate::base::time::Time;
use crate::document::quote::{self, QuoteError, Wanted};
use crate::evidence::record::{Body, Provision, Visit};
use crate::outside::archive::Archive;

/// Who chose a passage, when the operator did.
const OPERATOR: &str = "operator";

/// Finds a passage in the text rendition of a capture.
///
/// # Errors
/// [`QuoteActError::Quote`] shows the nearest passage when the words are not there.
pub fn find(
    archive: &Archive,
    entry: &Entry,
    wanted: &Wanted<'_>,
    clause: Option<String>,
) -> Result<Provision, QuoteActError> {
    let not_quotable = || QuoteActError::NotQuotable { id: entry.id.to_string() };
    let Body::Capture(capture) = &entry.record.body else { return Err(not_quotable()) };
    let rendition = Visit::text(&capture.visit).ok_or_else(not_quotable)?.sha256;
    let (log, _) = Log::published(archive)?;
    if let Some(withdrawn) = log.withdrawal_of(entry.record.index, rendition)? {
        return Err(QuoteActError::Withdrawn { id: entry.id.to_string(), words: withdrawn.words() });
    }
    let text = archive.packs().read(rendition).map_err(ReadError::from)?;
    let text = String::from_utf8(text).map_err(|_| not_quotable())?;
    let found = quote::find(&text, wanted)?;
    Ok(Provision {
        capture: entry.record.index,
        rendition,
        exact: found.exact,
        prefix: found.prefix,
        suffix: found.suffix,
        start: found.start,
        end: found.end,
        clause,
        author: OPERATOR.to_owned(),
    })
}

/// Gives a passage its place in the log.
///
/// # Errors
/// When the archive cannot be written.
pub fn quote(appender: &mut Appender, provision: Provision, now: Time) -> Result<Appended, QuoteActError> {
    let provision = appender.append(Body::Provision(provision), now)?;
    appender.publish(now)?;
    Ok(provision)
}

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum QuoteActError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("{id} is not a capture with a text rendition")]
    NotQuotable { id: String },
    #[error(transparent)]
    Quote(#[from] QuoteError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the text of {id} was {words}")]
    Withdrawn { id: String, words: String },
}
