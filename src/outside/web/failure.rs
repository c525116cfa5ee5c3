//! Failures: why a visit brought nothing home.
//!
//! A visit whose last response head arrived never fails for what happened on the wire after it: it
//! comes home with reasons why the body is incomplete.

use std::io;

use crate::base::address::{AddressError, Reserved};
use crate::document::exchange::HEAD_BYTES_MAX;

/// Why a visit brought nothing home.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum FetchError {
    #[error("cannot keep the body of `{url}`: {source}")]
    Body { url: String, source: io::Error },
    #[error("cannot connect to `{host}`: {reason}")]
    Connect { host: String, reason: String },
    #[error("cannot look up `{host}`: {reason}")]
    Dns { host: String, reason: String },
    #[error("refused: `{from}` leads from https to `{to}`")]
    Downgrade { from: String, to: String },
    #[error("the field `{name}` cannot be sent: {reason}")]
    Field { name: String, reason: &'static str },
    #[error("the fields to be sent weigh {found} bytes, at most {max} are sent")]
    FieldsTooLarge { found: usize, max: usize },
    #[error("the response head of `{url}` is longer than {HEAD_BYTES_MAX} bytes")]
    HeadTooLarge { url: String },
    #[error("`{url}` broke off before its response head was complete: {reason}")]
    Lost { url: String, reason: String },
    #[error("the response head of `{url}` is not HTTP: {reason}")]
    MalformedHead { url: String, reason: String },
    #[error("`{from}` redirects to `{location}`: {source}")]
    Redirect { from: String, location: String, source: AddressError },
    #[error("refused: more than {max} redirects, the last from `{from}`")]
    RedirectCount { from: String, max: u32 },
    #[error("refused: `{from}` redirects back to `{to}`")]
    RedirectLoop { from: String, to: String },
    #[error("refused: `{url}` is at `{place}`, {reserved}")]
    Refused { url: String, place: String, reserved: Reserved },
    #[error("no secure connection to `{host}`: {reason}")]
    Tls { host: String, reason: String },
    #[error("`{url}`: no {awaited} within {seconds} s")]
    Timeout { url: String, awaited: &'static str, seconds: u64 },
}

impl FetchError {
    /// Says whether the visit was refused by policy, rather than tried without success.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Downgrade { .. } | Self::RedirectCount { .. } | Self::RedirectLoop { .. } | Self::Refused { .. } => {
                true
            }
            Self::Redirect { source, .. } => {
                matches!(source, AddressError::Credentials | AddressError::PortZero | AddressError::Scheme { .. })
            }
            _ => false,
        }
    }

    /// Says whether the same exchange may succeed when it is begun again.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Dns { .. } | Self::Lost { .. } | Self::Timeout { .. })
    }
}
