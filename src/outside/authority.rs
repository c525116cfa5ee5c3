//! Timestamp authorities: one request and one reply over HTTP (RFC 3161 §3.4).
//!
//! | quantity | unit  | range                             |
//! |----------|-------|-----------------------------------|
//! | reply    | bytes | at most [`reply::SIZE_BYTES_MAX`] |
//!
//! Waits and redirects are those of [`super::caller`]. Most authorities answer over plain HTTP: what they sign needs no
//! other protection, and what is asked for is a hash of a public checkpoint. Nothing that comes back is believed here;
//! `archivist/timestamp` checks it against the request.

use super::caller::{Call, CallError, Caller};

use crate::timestamp::reply;

const REQUEST_TYPE: &str = "application/timestamp-query";
const REPLY_TYPE: &str = "application/timestamp-reply";

/// Asks authorities.
pub struct Asker {
    caller: Caller,
}

impl Asker {
    /// Makes ready to ask.
    ///
    /// # Errors
    /// [`AskError::Call`] when this machine cannot.
    pub fn new() -> Result<Self, AskError> {
        Ok(Self { caller: Caller::new()? })
    }

    /// Sends a request and returns whatever comes back under the type of a reply.
    ///
    /// # Errors
    /// An [`AskError`] that says how far it came.
    pub fn ask(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, AskError> {
        let body = Some((REQUEST_TYPE, request.to_vec()));
        let answer = self.caller.call(Call { url: url.to_owned(), body, bytes_max: reply::SIZE_BYTES_MAX })?;
        if !(200..300).contains(&answer.status) {
            return Err(AskError::Status { status: answer.status });
        }
        if answer.media_type != REPLY_TYPE {
            return Err(AskError::OtherType { found: answer.media_type });
        }
        Ok(answer.body)
    }
}

/// Returns what tells an authority from others in the names of its replies: host, port and path.
#[must_use]
pub fn label_of(url: &str) -> String {
    let Ok(parsed) = url::Url::parse(url) else { return "authority".to_owned() };
    let port = parsed.port().map(|port| format!("-{port}")).unwrap_or_default();
    let host = format!("{}{port}", parsed.host_str().unwrap_or("authority"));
    let path = parsed.path().split('/').filter(|part| !part.is_empty());
    std::iter::once(host.as_str()).chain(path).collect::<Vec<_>>().join("-")
}

/// Why an authority gave nothing.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum AskError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("it sent `{found}`, expected `{REPLY_TYPE}`")]
    OtherType { found: String },
    #[error("it answered with status {status}")]
    Status { status: u16 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_authorities_by_where_they_are() {
        assert_eq!(label_of("https://tsa.example:8443/a/tsr"), "tsa.example-8443-a-tsr");
        assert_eq!(label_of("http://timestamp.example/"), "timestamp.example");
    }
}
