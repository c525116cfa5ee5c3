//! Floor 2: what a visit to a page brings home.
//!
//! The exchanges as they crossed the wire, the outcome they amount to, and the text that a person
//! would read. Pure: the network is `outside/web`, what is claimed about it is `evidence`.

pub mod exchange;
pub mod wacz;
pub mod warc;

pub mod content_coding;
pub mod media_type;
pub mod outcome;
pub mod text;

pub mod difference;
pub mod quote;
