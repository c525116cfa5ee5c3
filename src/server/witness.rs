//! The witness's routes (C2SP tlog-witness).
//!
//! | request                          | answer                                                                        |
//! |----------------------------------|-------------------------------------------------------------------------------|
//! | `POST /add-checkpoint`           | 200 with the witness's lines, or a status of [`crate::log::witness`]           |
//! | `GET /<SHA-256 of origin>/checkpoint` | the newest checkpoint of that log that was signed, or 404                 |
//! | anything else                    | 404, 405                                                                      |
//!
//! Status 500 says that the witness itself is at fault: nothing was signed then.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::read_body;

use crate::archivist::places::now;
use crate::archivist::witnessing::{Declined, Signed, Witnessing};
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::log::witness::{REQUEST_BYTES_MAX, Refusal, SIZE_TYPE, encode_size};

/// Is told what was answered, a line each.
pub type Listener = Arc<dyn Fn(&Result<Signed, Declined>) + Send + Sync>;

/// What the routes know.
#[derive(Clone)]
struct Serving {
    witnessing: Arc<Witnessing>,
    listener: Listener,
}

/// Returns the witness's routes.
pub fn router(witnessing: Arc<Witnessing>, listener: Listener) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(checkpoint))
        .with_state(Serving { witnessing, listener })
}

async fn add_checkpoint(State(serving): State<Serving>, body: Body) -> Response {
    let request = match read_body(body, REQUEST_BYTES_MAX).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let judged = tokio::task::spawn_blocking(move || {
        let judged = serving.witnessing.add_checkpoint(&request, now());
        (serving.listener)(&judged);
        judged
    });
    match judged.await {
        Ok(Ok(signed)) => plain(StatusCode::OK, signed.lines),
        Ok(Err(declined)) => declined.refusal().map_or_else(at_fault, refused),
        Err(_) => at_fault(),
    }
}

async fn checkpoint(State(serving): State<Serving>, Path(origin): Path<String>) -> Response {
    let Ok(origin) = origin.parse::<Hash>() else { return nothing() };
    let read =
        tokio::task::spawn_blocking(move || serving.witnessing.checkpoint(origin).map_err(|error| with_causes(&error)));
    match read.await {
        Ok(Ok(Some(bytes))) => (StatusCode::OK, [(header::CONTENT_TYPE, PLAIN)], bytes).into_response(),
        Ok(Ok(None)) => nothing(),
        _ => at_fault(),
    }
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match refusal {
        Refusal::Conflict { size } => (status, [(header::CONTENT_TYPE, SIZE_TYPE)], encode_size(*size)).into_response(),
        _ => plain(status, format!("{refusal}\n")),
    }
}

fn nothing() -> Response {
    plain(StatusCode::NOT_FOUND, "nothing was signed of such a log\n".to_owned())
}

fn at_fault() -> Response {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "the witness is at fault, and signed nothing\n".to_owned())
}

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, PLAIN)], text).into_response()
}

const PLAIN: &str = "text/plain; charset=utf-8";
