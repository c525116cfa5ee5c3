//! Visits: fetches a page over HTTP/1.1 and keeps the facts of the very connection that carried it.
//!
//! ```text
//! visit    follows redirects, each hop checked and recorded on its own
//!   fetch    one exchange: request out, head and body in
//!     request  the fields that are sent, and which of them are secret
//!     connect  name → numbers → vetted socket → TLS
//!       tls      a session, and a verifier that keeps what it was shown
//!         roots    whom a certificate must lead to
//!     tee      keeps both heads exactly as they cross the wire
//! ```
//!
//! What it must never do: send a packet to a place that `base::address` refuses, hold a body in memory,
//! wait without a limit, or follow what it was not told to. Names are looked up once and the socket is
//! opened to the number that was vetted, so no second answer can lead elsewhere (DNS rebinding). No
//! proxy is used and nothing is read from the environment. The time of day is the caller's `clock`; waits
//! are measured by the runtime's timer.
//!
//! What it leaves to others: what the exchanges amount to (`document::outcome`), decoding bodies
//! (`document::content_coding`), politeness and parallelism (the archivist, by [`crate::base::address::Address::origin`]).

pub mod options;

pub mod visit;

pub mod fetch;

mod request;

mod connect;

mod tls;

pub mod roots;

mod tee;

pub mod failure;
