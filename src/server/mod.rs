//! Floor 6: what is answered over HTTP. Routes parse, call the archivist, and render; they know no rules of evidence.
//!
//! | quantity         | unit    | range                                                                     |
//! |------------------|---------|---------------------------------------------------------------------------|
//! | head             | seconds | at most `HEAD_SECONDS_MAX` until a request's head is there              |
//! | body             | seconds | at most `BODY_SECONDS_MAX` until its body is                            |
//! | connections      | count   | at most `CONNECTION_COUNT_MAX` at once; others wait                     |
//! | requests         | count   | of one address as [`rate`] says, then 429                                 |
//! | leaving          | seconds | at most `LEAVE_SECONDS_MAX` for what is being answered when it is to end |
//!
//! HTTP/1.1 without TLS: whoever serves the world puts a server with certificates before it, as for any program of this size.

pub mod rate;
pub mod witness;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service as _;

use rate::Rate;

/// How long the head of a request may take to come.
const HEAD_SECONDS_MAX: u64 = 10;

/// How long the body of a request may take to come.
const BODY_SECONDS_MAX: u64 = 20;

/// How many connections are open at once.
const CONNECTION_COUNT_MAX: usize = 256;

/// How long what is being answered may take when the server is to end.
const LEAVE_SECONDS_MAX: u64 = 5;

/// How long to wait after a connection that could not be taken, as when there are no files left to open.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Answers on a socket until `end` is there.
pub async fn serve(listener: TcpListener, router: Router, rate: Arc<Rate>, end: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTION_COUNT_MAX));
    let mut end = std::pin::pin!(end);
    loop {
        let taken = tokio::select! {
            () = &mut end => break,
            taken = take(&listener, &room) => taken,
        };
        let Some((stream, address, permit)) = taken else {
            tokio::time::sleep(AFTER_FAILURE).await;
            continue;
        };
        let (router, rate) = (router.clone(), Arc::clone(&rate));
        let service = service_fn(move |request| answer(router.clone(), Arc::clone(&rate), address, request));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _ = connection.await; // Who goes away early is nobody's fault.
            drop(permit);
        });
    }
    let _ = tokio::time::timeout(Duration::from_secs(LEAVE_SECONDS_MAX), graceful.shutdown()).await;
}

async fn take(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    let (stream, address) = listener.accept().await.ok()?;
    Some((stream, address, permit))
}

async fn answer(
    mut router: Router,
    rate: Arc<Rate>,
    address: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    if !rate.admits(address.ip()) {
        let mut response = (StatusCode::TOO_MANY_REQUESTS, "too many requests\n").into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return Ok(response);
    }
    router.call(request.map(Body::new)).await
}

/// Reads a body whole, when it comes in time and is not longer than it may be.
///
/// # Errors
/// The answer that says why not.
pub(crate) async fn read_body(body: Body, bytes_max: usize) -> Result<Vec<u8>, Response> {
    let read = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(Duration::from_secs(BODY_SECONDS_MAX), read).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let words = format!("more than {bytes_max} bytes\n");
            Err((StatusCode::PAYLOAD_TOO_LARGE, words).into_response())
        }
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "the body was cut off\n").into_response()),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n").into_response()),
    }
}
