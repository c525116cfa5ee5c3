//! Calls over HTTP that are not captures: to authorities, witnesses, other people's logs, and whoever wants to be told.
//!
//! | quantity  | unit    | range                                               |
//! |-----------|---------|-----------------------------------------------------|
//! | wait      | seconds | at most [`WAIT_SECONDS_MAX`] for a whole exchange, or less where the caller says so |
//! | answer    | bytes   | at most what the caller says                        |
//! | redirects | count   | at most `REDIRECT_COUNT_MAX`, never from https to http |
//!
//! Nothing that comes back is believed here. A proxy of the environment is not used, and no cookie, no referrer and, but to
//! a node of the reader's own, no credential is ever sent. An address that holds a name or a password is refused, since files that everybody reads name it.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::web::roots::Roots;

use crate::base::causes::with_causes;

/// How long one exchange may take: whoever is healthy answers within two seconds.
pub const WAIT_SECONDS_MAX: u64 = 20;

/// How long connecting may take.
const CONNECT_SECONDS_MAX: u64 = 10;

/// How often a call may be sent elsewhere.
const REDIRECT_COUNT_MAX: usize = 3;

/// The most characters of a media type that are shown.
const TYPE_LENGTH_MAX: usize = 80;

/// Calls.
pub struct Caller {
    runtime: Runtime,
    client: reqwest::Client,
}

/// What is said in a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// Where to.
    pub url: String,
    /// Type and bytes of what is sent; without them it is asked for what lies there.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// The longest answer.
    pub bytes_max: usize,
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type without its parameters, in small letters.
    pub media_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Caller {
    /// Makes ready to call.
    ///
    /// # Errors
    /// [`CallError::Client`] when this machine cannot.
    pub fn new() -> Result<Self, CallError> {
        Self::waiting(Duration::from_secs(WAIT_SECONDS_MAX))
    }

    /// Makes ready to call, and to wait no longer than that.
    ///
    /// # Errors
    /// [`CallError::Client`] when this machine cannot.
    pub fn waiting(wait: Duration) -> Result<Self, CallError> {
        let unable = |error: &dyn std::error::Error| CallError::Client { reason: with_causes(error) };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| unable(&error))?;
        let roots = Roots::built_in();
        let config = ClientConfig::builder_with_provider(Arc::clone(roots.provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unable(&error))?
            .with_webpki_verifier(Arc::clone(roots.verifier()))
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .user_agent(concat!("affiant/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(wait.min(Duration::from_secs(CONNECT_SECONDS_MAX)))
            .timeout(wait)
            .redirect(reqwest::redirect::Policy::custom(|attempt| {
                let is_downgrade = attempt.url().scheme() == "http"
                    && attempt.previous().iter().any(|previous| previous.scheme() == "https");
                if is_downgrade || attempt.previous().len() > REDIRECT_COUNT_MAX {
                    return attempt.stop();
                }
                attempt.follow()
            }))
            .referer(false)
            .no_proxy()
            .build()
            .map_err(|error| unable(&error))?;
        Ok(Self { runtime, client })
    }

    /// Calls, and returns whatever comes back.
    ///
    /// # Errors
    /// A [`CallError`] that says how far it came.
    pub fn call(&self, call: Call) -> Result<Answer, CallError> {
        self.runtime.block_on(exchange(self.client.clone(), call, None))
    }

    /// Calls somewhere that knows the caller by the header `authorization`.
    ///
    /// # Errors
    /// A [`CallError`] that says how far it came.
    pub fn call_as(&self, login: &str, call: Call) -> Result<Answer, CallError> {
        self.runtime.block_on(exchange(self.client.clone(), call, Some(login)))
    }

    /// Calls at several places at once, and returns what comes back from each, in their order.
    pub fn call_all(&self, calls: Vec<Call>) -> Vec<Result<Answer, CallError>> {
        let count = calls.len();
        let answers = self.runtime.block_on(async {
            let numbered = |(place, call)| numbered(place, self.client.clone(), call);
            calls.into_iter().enumerate().map(numbered).collect::<JoinSet<_>>().join_all().await
        });
        let mut ordered: Vec<_> =
            (0..count).map(|_| Err(CallError::Lost { reason: "it was given up".into() })).collect();
        for (place, answer) in answers {
            ordered[place] = answer;
        }
        ordered
    }
}

async fn numbered(place: usize, client: reqwest::Client, call: Call) -> (usize, Result<Answer, CallError>) {
    (place, exchange(client, call, None).await)
}

async fn exchange(client: reqwest::Client, call: Call, login: Option<&str>) -> Result<Answer, CallError> {
    check_address(&call.url)?;
    let lost = |error: reqwest::Error| CallError::Lost { reason: with_causes(&error.without_url()) };
    let request = match call.body {
        Some((media_type, bytes)) => client.post(&call.url).header("content-type", media_type).body(bytes),
        None => client.get(&call.url),
    };
    let request = match login {
        Some(login) => request.header("authorization", login),
        None => request,
    };
    let mut response = request.send().await.map_err(lost)?;
    let media_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let media_type = media_type.chars().filter(char::is_ascii_graphic).take(TYPE_LENGTH_MAX).collect();
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > call.bytes_max {
            return Err(CallError::TooLong { bytes_max: call.bytes_max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, media_type, body })
}

/// Checks that an address is one that can be called, and kept in a file that everybody reads.
///
/// # Errors
/// [`CallError::Address`].
pub fn check_address(url: &str) -> Result<(), CallError> {
    let wrong = |reason: &'static str| CallError::Address { url: url.to_owned(), reason };
    let parsed = url::Url::parse(url).map_err(|_| wrong("not an address"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("neither http nor https"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("it holds a name or a password, and archives hold no secrets"));
    }
    Ok(())
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CallError {
    #[error("`{url}` cannot be asked: {reason}")]
    Address { url: String, reason: &'static str },
    #[error("cannot open connections: {reason}")]
    Client { reason: String },
    #[error("no reply: {reason}")]
    Lost { reason: String },
    #[error("it sent more than {bytes_max} bytes")]
    TooLong { bytes_max: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_secret_in_an_address() {
        assert!(check_address("http://tsa.example/tsr").is_ok());
        for url in ["ftp://tsa.example", "tsa.example", "https://me:secret@tsa.example/", "https://me@tsa.example/"] {
            assert!(matches!(check_address(url), Err(CallError::Address { .. })), "{url}");
        }
    }
}
