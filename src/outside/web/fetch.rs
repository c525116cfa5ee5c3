//! Fetches: one exchange over a connection of its own.
//!
//! | quantity         | unit  | range                                |
//! |------------------|-------|--------------------------------------|
//! | fields of a head |       | at most `FIELD_COUNT_MAX`          |
//! | piece of a body  | bytes | at most `PIECE_BYTES_MAX` in memory |
//!
//! The body is written and hashed piece by piece as it arrives, with the transfer coding removed by
//! hyper and the content coding left as it is. Once the response head is complete nothing that happens
//! on the wire is an error any more: it is a reason why the body is incomplete.
//!
//! Looser than RFC 9112: folded lines are read (§5.2 lets a user agent), and a line that is no field is
//! passed over as browsers do, because a server's slip elsewhere must not keep a page from being
//! captured. The head is kept as it was either way.
//!
//! Writing the body blocks; the archivist gives files whose writes end in the page cache.

use std::io;
use std::pin::pin;

use http_body_util::{BodyExt, Empty};
use hyper::Response;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::LOCATION;
use hyper_util::rt::TokioIo;

use crate::base::address::Address;
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::document::exchange::{self, Body, Exchange, isomorphic_decode};
use crate::outside::web::connect::{Connected, Patience, connect};
use crate::outside::web::failure::FetchError;
use crate::outside::web::options::FetchOptions;
use crate::outside::web::request::{Fields, Secrets};
use crate::outside::web::tee::{Heads, Tee};

/// The most fields a head may have; browsers stop at a few hundred.
const FIELD_COUNT_MAX: usize = 1_000;

/// The most bytes of a body that are held at once; also what a head is read into.
const PIECE_BYTES_MAX: usize = 256 * 1024;

/// Where a body goes. It hashes what it takes, so that the bytes are hashed once.
pub trait Sink: io::Write + Send {
    /// Takes note of how many bytes the server says will come.
    fn expect(&mut self, size_bytes: u64);

    /// Returns the SHA-256 of all that was written.
    fn sha256(&self) -> Hash;
}

impl Sink for Vec<u8> {
    fn expect(&mut self, _: u64) {}

    fn sha256(&self) -> Hash {
        Hash::of(self)
    }
}

/// What all exchanges of a visit share.
pub(super) struct Course<'v, W> {
    pub(super) options: &'v FetchOptions,
    pub(super) fields: Fields,
    pub(super) patience: Patience,
    pub(super) clock: &'v (dyn Fn() -> Time + Send + Sync),
    pub(super) new_body: &'v (dyn Fn() -> io::Result<W> + Send + Sync),
}

/// One exchange, brought home.
pub(super) struct Fetched<W> {
    pub(super) exchange: Exchange,
    pub(super) body: W,
    pub(super) certificates: Vec<Vec<u8>>,
    /// Why the body is incomplete; empty when it is complete.
    pub(super) ending: Vec<String>,
    /// Where the response redirects to, as it says.
    pub(super) location: Option<String>,
}

/// Asks for one address.
pub(super) async fn fetch<W: Sink>(
    address: &Address,
    secrets: Secrets,
    course: &Course<'_, W>,
) -> Result<Fetched<W>, FetchError> {
    let started = (course.clock)();
    let Connected { stream, connection, certificates } =
        connect(address, course.options, course.patience, started).await?;
    let (tee, heads) = Tee::new(stream);
    let lost = |error: hyper::Error| no_head(address, &heads, &error);
    let (sender, wire) = http1::Builder::new()
        .title_case_headers(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .max_headers(FIELD_COUNT_MAX)
        .max_buf_size(PIECE_BYTES_MAX)
        .handshake(TokioIo::new(tee))
        .await
        .map_err(lost)?;

    // The wire moves only while it is polled; both ends are polled here, so that nothing outlives a
    // visit that is given up.
    let mut answer = pin!(converse(address, secrets, course, sender, &heads));
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = wire => answer.await,
    }?;
    let Answer { response, location, sink, body, ending } = answer;
    let request = course.fields.redact(&heads.sent());
    let finished = (course.clock)();
    let exchange =
        Exchange { url: address.as_str().to_owned(), started, finished, connection, request, response, body };
    Ok(Fetched { exchange, body: sink, certificates, ending, location })
}

struct Answer<W> {
    response: exchange::Response,
    location: Option<String>,
    sink: W,
    body: Body,
    ending: Vec<String>,
}

async fn converse<W: Sink>(
    address: &Address,
    secrets: Secrets,
    course: &Course<'_, W>,
    mut sender: http1::SendRequest<Empty<Bytes>>,
    heads: &Heads,
) -> Result<Answer<W>, FetchError> {
    let request = course.fields.request(address, secrets);
    let response = course
        .patience
        .wait(course.options.idle_seconds_max, sender.send_request(request))
        .await
        .map_err(|end| FetchError::Timeout {
            url: address.to_string(),
            awaited: "response head",
            seconds: end.seconds,
        })?
        .map_err(|error| no_head(address, heads, &error))?;
    let malformed = |reason: &str| FetchError::MalformedHead { url: address.to_string(), reason: reason.to_owned() };
    let head = heads.received().ok_or_else(|| malformed("it does not end where its lines say"))?;
    let status = response.status().as_u16();
    if status == 101 {
        return Err(malformed("it switches to a protocol that nobody asked for"));
    }
    let location = redirect_location(&response);
    let sink = (course.new_body)().map_err(|source| FetchError::Body { url: address.to_string(), source })?;
    let mut reception = Reception { sink, size_bytes: 0 };
    let ending = reception.receive(response.into_body(), course).await;
    let ending = ending.map_err(|source| FetchError::Body { url: address.to_string(), source })?;
    let Reception { sink, size_bytes } = reception;
    let body = Body { sha256: sink.sha256(), size_bytes };
    let ending = ending.into_iter().collect();
    Ok(Answer { response: exchange::Response { status, head: isomorphic_decode(&head) }, location, sink, body, ending })
}

fn redirect_location(response: &Response<Incoming>) -> Option<String> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

fn no_head(address: &Address, heads: &Heads, error: &hyper::Error) -> FetchError {
    let url = address.to_string();
    if heads.is_too_large() {
        FetchError::HeadTooLarge { url }
    } else if error.is_parse() {
        FetchError::MalformedHead { url, reason: with_causes(error) }
    } else {
        FetchError::Lost { url, reason: with_causes(error) }
    }
}

/// A body on its way in.
struct Reception<W> {
    sink: W,
    size_bytes: u64,
}

impl<W: Sink> Reception<W> {
    /// Takes in the whole body, or says why it is incomplete; only a sink that fails is an error.
    async fn receive(&mut self, mut body: Incoming, course: &Course<'_, W>) -> io::Result<Option<String>> {
        let FetchOptions { idle_seconds_max, body_bytes_max, .. } = *course.options;
        self.sink.expect(body.size_hint().lower().min(body_bytes_max));
        let ending = loop {
            let piece = match course.patience.wait(idle_seconds_max, body.frame()).await {
                Ok(None) => break None,
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
                Ok(Some(Err(error))) => break Some(with_causes(&error)),
                Err(end) => break Some(format!("nothing more arrived within {} s", end.seconds)),
            };
            if !self.take_in(&piece, body_bytes_max)? {
                break Some(format!("the size limit of {body_bytes_max} bytes was reached"));
            }
        };
        self.sink.flush()?;
        Ok(ending)
    }

    /// Takes in a piece as far as the limit allows; says whether it was all of it.
    fn take_in(&mut self, piece: &[u8], body_bytes_max: u64) -> io::Result<bool> {
        let room = usize::try_from(body_bytes_max - self.size_bytes).unwrap_or(usize::MAX);
        let kept = &piece[..piece.len().min(room)];
        self.sink.write_all(kept)?;
        self.size_bytes += u64::try_from(kept.len()).expect("a piece is shorter than memory");
        Ok(kept.len() == piece.len())
    }
}
