//! Timestamp authorities: one request and one reply over HTTP (RFC 3161 §3.4).
//!
//! | quantity  | unit    | range                                              |
//! |-----------|---------|----------------------------------------------------|
//! | wait      | seconds | at most [`WAIT_SECONDS_MAX`] for the whole exchange |
//! | reply     | bytes   | at most [`reply::SIZE_BYTES_MAX`]                  |
//! | redirects | count   | at most `REDIRECT_COUNT_MAX`, never from https to http |
//!
//! Most authorities answer over plain HTTP: what they sign needs no other protection, and what is asked for is a hash
//! of a public checkpoint. Nothing that comes back is believed here; `archivist/timestamp` checks it against the
//! request. A proxy of the environment is not used, and no cookie, no credential and no referrer is ever sent.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::runtime::{Builder, Runtime};

use super::web::roots::Roots;

use crate::base::causes::with_causes;
use crate::timestamp::reply;

/// How long one exchange may take: a healthy authority answers within two seconds.
pub const WAIT_SECONDS_MAX: u64 = 20;

/// How long connecting may take.
const CONNECT_SECONDS_MAX: u64 = 10;

/// How often an authority may send elsewhere.
const REDIRECT_COUNT_MAX: usize = 3;

const REQUEST_TYPE: &str = "application/timestamp-query";
const REPLY_TYPE: &str = "application/timestamp-reply";

/// Asks authorities.
pub struct Asker {
    runtime: Runtime,
    client: reqwest::Client,
}

impl Asker {
    /// Makes ready to ask.
    ///
    /// # Errors
    /// [`AskError::Client`] when this machine cannot.
    pub fn new() -> Result<Self, AskError> {
        let unable = |error: &dyn std::error::Error| AskError::Client { reason: with_causes(error) };
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
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .timeout(Duration::from_secs(WAIT_SECONDS_MAX))
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

    /// Sends a request and returns whatever comes back under the type of a reply.
    ///
    /// # Errors
    /// An [`AskError`] that says how far it came.
    pub fn ask(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, AskError> {
        check_address(url)?;
        self.runtime.block_on(self.exchange(url, request))
    }

    async fn exchange(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, AskError> {
        let lost = |error: reqwest::Error| {
            let reason = with_causes(&error.without_url());
            AskError::Lost { reason }
        };
        let sent = self.client.post(url).header("content-type", REQUEST_TYPE).body(request.to_vec());
        let mut response = sent.send().await.map_err(lost)?;
        if !response.status().is_success() {
            return Err(AskError::Status { status: response.status().as_u16() });
        }
        let found = response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = found.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(REPLY_TYPE) {
            let found: String = essence.chars().filter(char::is_ascii_graphic).take(80).collect();
            return Err(AskError::OtherType { found });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if bytes.len() + chunk.len() > reply::SIZE_BYTES_MAX {
                return Err(AskError::TooLong);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Checks that an address is one that can be asked, and kept in a file that everybody reads.
///
/// # Errors
/// [`AskError::Address`].
pub fn check_address(url: &str) -> Result<(), AskError> {
    let wrong = |reason: &'static str| AskError::Address { url: url.to_owned(), reason };
    let parsed = url::Url::parse(url).map_err(|_| wrong("not an address"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("neither http nor https"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("it holds a name or a password, and archives hold no secrets"));
    }
    Ok(())
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
    #[error("`{url}` cannot be asked: {reason}")]
    Address { url: String, reason: &'static str },
    #[error("cannot open connections: {reason}")]
    Client { reason: String },
    #[error("no reply: {reason}")]
    Lost { reason: String },
    #[error("it sent `{found}`, expected `{REPLY_TYPE}`")]
    OtherType { found: String },
    #[error("it answered with status {status}")]
    Status { status: u16 },
    #[error("it sent more than {} bytes", reply::SIZE_BYTES_MAX)]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_secret_in_an_address() {
        assert!(check_address("http://tsa.example/tsr").is_ok());
        for url in ["ftp://tsa.example", "tsa.example", "https://me:secret@tsa.example/", "https://me@tsa.example/"] {
            assert!(matches!(check_address(url), Err(AskError::Address { .. })), "{url}");
        }
        assert_eq!(label_of("https://tsa.example:8443/a/tsr"), "tsa.example-8443-a-tsr");
        assert_eq!(label_of("http://timestamp.example/"), "timestamp.example");
    }
}
