//! Tests from outside, in one binary.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::similar_names,
    clippy::unwrap_used,
    reason = "tests write files to damage them, say aloud what they skip, and fail by panicking"
)]

mod cli;
mod corpus;
mod damage;
mod forgery;
mod interop;
mod robust;
mod server;
mod stage;
mod tidy;
mod vectors;
mod web;
