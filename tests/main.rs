//! Tests from outside, in one binary.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::similar_names,
    clippy::unwrap_used,
    reason = "tests write files to damage them, say aloud what they skip, and fail by panicking"
)]

mod agent;
mod audit;
mod authority;
mod calendar;
mod catalogue;
mod cli;
mod copies;
mod corpus;
mod crash;
mod damage;
mod endorsement;
mod exhibit;
mod flips;
mod folder;
mod forgery;
mod history;
mod interop;
mod keys;
mod robust;
mod server;
mod source;
mod stage;
mod streaming;
mod tidy;
mod typed;
mod vectors;
mod web;
mod withdraw;
mod withhold;
mod witness;
