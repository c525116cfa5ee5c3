//! Affiant keeps copies of web pages so that a stranger can later check what a page said, and when.
//!
//! The crate is a house of floors; each uses only floors below it (`tests/tidy.rs` holds that).
//! `src/README.md` is the map. Floors 0 to 3 are pure: bytes, policy and the time come in as
//! arguments, verdicts and bytes go out, and nothing reads a disk, a network or a clock. They build
//! without the `program` feature, so another program can verify evidence with this library alone.

pub mod base;
pub mod document;
pub mod evidence;
pub mod log;
pub mod timestamp;

#[cfg(feature = "program")]
pub mod archivist;
#[cfg(feature = "program")]
pub mod cli;
#[cfg(feature = "program")]
pub mod outside;
#[cfg(feature = "program")]
pub mod server;
