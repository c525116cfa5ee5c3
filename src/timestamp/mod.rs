//! Floor 1: timestamps, by parties who have never seen what they date: authorities (RFC 3161) and Bitcoin's blocks.
//!
//! A [`request`] names a hash, a [`reply`] brings a [`token`], and [`authorities`] says whose tokens a reader
//! believes. [`opentimestamps`] is the other kind, which nobody signs. Pure: bytes in, bytes or a verdict out. What is dated, where tokens are kept and who is asked is for
//! the floors above; this one knows neither logs nor documents. Below it, [`der`] reads the encoding,
//! [`certificate`], [`signed`] and [`algorithm`] what tokens stand on.
//!
//! Where others come to another verdict on the replies that `tests/vectors/tsa.rs` lists (34 files and orders, real
//! authorities among them; its output has the whole table):
//!
//! | reply                                     | we say        | another says                     | why                                  |
//! |-------------------------------------------|---------------|----------------------------------|--------------------------------------|
//! | `resp_old`, `response-expired`, `issue-104` | holds       | `openssl ts -verify`: expired    | it asks for validity today; with `-attime` at the token's time it agrees |
//! | `resp`, two certificates as openssl writes them | holds   | rfc3161-client: no DER           | a SET OF whose elements are not in DER's order; nothing that is signed is in it |
//! | `resp_old`, at the token's own time       | holds         | the same                         | the same                             |
//! | a bare token                              | told apart    | all refuse it as a reply         | openssl takes it with `-token_in`    |
//!
//! A token is judged at its own time: it goes on saying what it said when its certificates have ended, as long
//! as its algorithms hold.

pub mod algorithm;
pub mod der;
mod moment;

pub mod authorities;
pub mod certificate;
pub mod revocation;
pub mod signed;

pub mod reply;
pub mod request;
pub mod token;

pub mod opentimestamps;
