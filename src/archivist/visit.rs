//! Visiting: one target looked at, and all that the record will say of it.
//!
//! A file is read from the disk, an address is fetched over HTTP. Either way the bytes are spooled while they
//! are hashed, a text rendition is made where there is text, and the visit is judged. Nothing is appended here.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use url::Url;

use crate::base::address::{Address, AddressError};
use crate::base::cbor::Value;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::document::content_coding;
use crate::document::exchange::Response;
use crate::document::media_type::{self, Kind};
use crate::document::outcome;
use crate::document::text;
use crate::evidence::record::{Method, Options, Primary, Rendition, Role, Tool, Vantage, Visit};
use crate::outside::archive::spool::{Spool, Spooled};
use crate::outside::clock;
use crate::outside::web::failure::FetchError;
use crate::outside::web::fetch::Sink;
use crate::outside::web::options::{Downgrade, FetchOptions, InvalidTls, PrivateAddresses};
use crate::outside::web::visit;

/// The largest body that a text rendition is made of; a larger one is kept as it is.
const RENDERED_BYTES_MAX: u64 = 32 << 20;

/// What is to be captured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// An address, to be fetched.
    Address(Address),
    /// A file, to be read.
    File(PathBuf),
}

/// A visit, with the blobs that its record names.
pub struct Visited {
    /// What the record will say.
    pub visit: Visit,
    /// The blobs.
    pub blobs: Vec<Spooled>,
}

impl Target {
    /// Reads a target: an http or https address, or else the path of a file.
    ///
    /// # Errors
    /// [`VisitError::Address`] for an address that is not allowed, [`VisitError::File`] for a path without a file.
    pub fn parse(text: &str) -> Result<Self, VisitError> {
        let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains('/'));
        if has_scheme {
            return Ok(Self::Address(Address::parse(text)?));
        }
        let path = Path::new(text);
        let at = |source| VisitError::File { path: path.to_owned(), source };
        let path = fs::canonicalize(path).map_err(at)?;
        if !path.is_file() {
            return Err(VisitError::NotFile { path });
        }
        Ok(Self::File(path))
    }

    /// Returns the address under which the target is followed.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Address(address) => address.as_str().to_owned(),
            Self::File(path) => Url::from_file_path(path).map_or_else(|()| path.display().to_string(), String::from),
        }
    }

    /// Returns what politeness counts by: the server, or nothing for a file.
    #[must_use]
    pub fn server(&self) -> Option<String> {
        match self {
            Self::Address(address) => Some(address.origin()),
            Self::File(_) => None,
        }
    }

    /// Returns from where the target is looked at.
    #[must_use]
    pub fn vantage(&self, options: &FetchOptions, region: Option<&str>) -> Vantage {
        let region = region.map(str::to_owned);
        match self {
            Self::File(_) => Vantage { fetcher: Method::File.as_str().to_owned(), region, ..Vantage::default() },
            Self::Address(_) => Vantage {
                fetcher: Method::Http.as_str().to_owned(),
                language: options.accept_language.clone(),
                region,
                user_agent: (options.user_agent != FetchOptions::default().user_agent)
                    .then(|| options.user_agent.clone()),
            },
        }
    }
}

/// Fetches an address; the bodies go to spools that `spool` makes.
///
/// # Errors
/// [`VisitError::Fetch`] when nothing was brought home, [`VisitError::Spool`] when the disk is full.
pub async fn fetch(
    address: &Address,
    options: &FetchOptions,
    spool: &(dyn Fn() -> Spool + Send + Sync),
) -> Result<Fetched, VisitError> {
    let started = clock::now();
    let visit = visit::visit(address, options, &clock::now, &|| Ok(spool())).await?;
    Ok(Fetched { target: address.clone(), started, finished: clock::now(), visit })
}

impl Sink for Spool {
    fn expect(&mut self, size_bytes: u64) {
        self.make_room(size_bytes);
    }

    fn sha256(&self) -> Hash {
        self.so_far()
    }
}

/// What a fetch brought home, before it is rendered and judged.
pub struct Fetched {
    target: Address,
    started: Time,
    finished: Time,
    visit: visit::Visit<Spool>,
}

impl Fetched {
    /// Makes the renditions and judges the visit. Takes a processor for milliseconds: not on a thread that others wait for.
    ///
    /// # Errors
    /// [`VisitError::Spool`] when the disk is full.
    pub fn finish(self, options: &FetchOptions) -> Result<Visited, VisitError> {
        let mut blobs = Vec::new();
        let mut exchanges = Vec::new();
        for (exchange, spool) in self.visit.exchanges {
            blobs.push(spool.finish().map_err(VisitError::Spool)?);
            exchanges.push(exchange);
        }
        let (Some(last), Some(body)) = (exchanges.last(), blobs.last()) else { return Err(VisitError::NoExchange) };
        let content_type = last.response.values("content-type").last().map(str::to_owned);
        let seen = Seen {
            target: self.target.as_str(),
            last: &last.url,
            response: Some(&last.response),
            content_type: content_type.as_deref(),
        };
        let (outcome, text) = look(body, &seen, self.visit.ending)?;
        let primary = Primary { sha256: body.hash, size_bytes: body.size_bytes, media_type: content_type.clone() };
        let renditions = text.iter().map(rendition).collect();
        for certificate in self.visit.certificates {
            blobs.push(Spooled::compressed(certificate).map_err(VisitError::Spool)?);
        }
        blobs.extend(text);
        let visit = Visit {
            method: Method::Http,
            target: self.target.as_str().to_owned(),
            final_url: last.url.clone(),
            started: self.started,
            finished: self.finished,
            outcome,
            exchanges,
            primary,
            renditions,
            options: options_of(options),
            host: host(),
        };
        Ok(Visited { visit, blobs })
    }
}

/// Reads a file.
///
/// # Errors
/// [`VisitError::File`] when it cannot be read, [`VisitError::Spool`] when the disk is full.
pub fn read_file(path: &Path, mut spool: Spool) -> Result<Visited, VisitError> {
    let at = |source| VisitError::File { path: path.to_owned(), source };
    let started = clock::now();
    let mut file = File::open(path).map_err(at)?;
    let before = file.metadata().map_err(at)?;
    io::copy(&mut file, &mut spool).map_err(at)?;
    let after = file.metadata().map_err(at)?;
    let body = spool.finish().map_err(VisitError::Spool)?;
    let is_same = before.len() == body.size_bytes && before.modified().ok() == after.modified().ok();
    let ending = if is_same { Vec::new() } else { vec!["the file changed while it was read".to_owned()] };
    let url = Target::File(path.to_owned()).url();
    let seen = Seen { target: &url, last: &url, response: None, content_type: None };
    let (outcome, text) = look(&body, &seen, ending)?;
    let visit = Visit {
        method: Method::File,
        target: url.clone(),
        final_url: url.clone(),
        started,
        finished: clock::now(),
        outcome,
        exchanges: Vec::new(),
        primary: Primary { sha256: body.hash, size_bytes: body.size_bytes, media_type: None },
        renditions: text.iter().map(rendition).collect(),
        options: Vec::new(),
        host: host(),
    };
    let mut blobs = vec![body];
    blobs.extend(text);
    Ok(Visited { visit, blobs })
}

/// What is known of a body besides its bytes.
struct Seen<'a> {
    target: &'a str,
    last: &'a str,
    response: Option<&'a Response>,
    content_type: Option<&'a str>,
}

/// Renders a body's text and judges the visit that brought it.
fn look(
    body: &Spooled,
    seen: &Seen<'_>,
    mut ending: Vec<String>,
) -> Result<(outcome::Outcome, Option<Spooled>), VisitError> {
    let is_rendered = body.size_bytes <= RENDERED_BYTES_MAX;
    let mut read = Vec::new();
    let bytes = match body.in_memory() {
        Some(bytes) => bytes,
        None if is_rendered => {
            body.open().and_then(|mut reader| reader.read_to_end(&mut read)).map_err(VisitError::Spool)?;
            &read
        }
        None => &[],
    };
    let codings: Vec<&str> = seen.response.iter().flat_map(|response| response.values("content-encoding")).collect();
    let decoded = match content_coding::undo(bytes, codings.into_iter(), content_coding::OUTPUT_BYTES_MAX) {
        Ok(decoded) => decoded,
        Err(error) => {
            ending.push(error.to_string());
            std::borrow::Cow::Owned(Vec::new())
        }
    };
    let kind = if is_rendered { media_type::kind(&decoded, seen.content_type) } else { Kind::Other };
    let rendered = if decoded.is_empty() { Ok(None) } else { text::render(&decoded, seen.content_type) };
    let text = match rendered {
        Ok(text) => text.map(|text| text.text),
        Err(error) => {
            ending.push(error.to_string());
            None
        }
    };
    let answered = Response { status: 200, head: String::new() }; // A file that could be read is an answer.
    // A body too large to render is not empty: its first byte says so to the judge.
    let judged: &[u8] = if is_rendered { &decoded } else { &[0] };
    let outcome = outcome::judge(&outcome::Visit {
        target: seen.target,
        last: seen.last,
        response: Some(seen.response.unwrap_or(&answered)),
        transport: &ending,
        body: judged,
        kind,
        text: text.as_deref(),
    });
    let text = text.map(|text| Spooled::compressed(text.into_bytes())).transpose().map_err(VisitError::Spool)?;
    Ok((outcome, text))
}

fn rendition(text: &Spooled) -> Rendition {
    Rendition {
        role: Role::Text,
        media_type: "text/markdown; charset=utf-8".to_owned(),
        sha256: text.hash,
        size_bytes: text.size_bytes,
        tool: Tool { name: text::EXTRACTOR.to_owned(), version: text::EXTRACTOR_VERSION.to_string() },
        parts: None, // Whoever wants to show it in part commits to its parts (`redactable`).
    }
}

/// Returns all that shaped a visit, for the record. Of the operator's own fields only the names: the request's
/// head holds the values that are not secret.
fn options_of(options: &FetchOptions) -> Options {
    let names = options.headers.iter().map(|(name, _)| Value::from(name.as_str())).collect();
    let mut all = vec![
        ("user_agent".to_owned(), Value::from(options.user_agent.as_str())),
        ("headers".to_owned(), Value::Array(names)),
        ("connect_seconds_max".to_owned(), Value::from(options.connect_seconds_max)),
        ("idle_seconds_max".to_owned(), Value::from(options.idle_seconds_max)),
        ("total_seconds_max".to_owned(), Value::from(options.total_seconds_max)),
        ("body_bytes_max".to_owned(), Value::from(options.body_bytes_max)),
        ("redirect_count_max".to_owned(), Value::from(u64::from(options.redirect_count_max))),
        ("retry_count_max".to_owned(), Value::from(u64::from(options.retry_count_max))),
        ("private_addresses".to_owned(), Value::from(options.private == PrivateAddresses::Allow)),
        ("invalid_tls".to_owned(), Value::from(options.invalid_tls == InvalidTls::Record)),
        ("downgrade".to_owned(), Value::from(options.downgrade == Downgrade::Allow)),
        ("roots".to_owned(), Value::from(options.roots.label())),
        ("body".to_owned(), Value::from("transfer coding removed, content coding kept")),
    ];
    all.extend(
        options.accept_language.iter().map(|language| ("accept_language".to_owned(), Value::from(language.as_str()))),
    );
    all
}

fn host() -> Vec<(String, String)> {
    vec![("os".to_owned(), std::env::consts::OS.to_owned()), ("arch".to_owned(), std::env::consts::ARCH.to_owned())]
}

/// Why a visit brought nothing home.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum VisitError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("cannot read `{}`", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the visit has no exchange")]
    NoExchange,
    #[error("`{}` is not a file", path.display())]
    NotFile { path: PathBuf },
    #[error("cannot keep what was received")]
    Spool(#[source] io::Error),
}

impl VisitError {
    /// Says whether policy refused the visit, rather than that it was tried without success.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Address(_) => true,
            Self::Fetch(error) => error.is_refusal(),
            Self::File { .. } | Self::NoExchange | Self::NotFile { .. } | Self::Spool(_) => false,
        }
    }
}
