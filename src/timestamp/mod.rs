//! Floor 1: timestamps of RFC 3161, by parties who have never seen what they date.
//!
//! A [`request`] names a hash, a [`reply`] brings a [`token`], and [`authorities`] says whose tokens a reader
//! believes. Pure: bytes in, bytes or a verdict out. What is dated, where tokens are kept and who is asked is for
//! the floors above; this one knows neither logs nor documents. Below it, [`der`] reads the encoding,
//! [`certificate`] and [`algorithm`] what tokens stand on.
//!
//! A token is judged at its own time: it goes on saying what it said when its certificates have ended, as long
//! as its algorithms hold.

pub mod algorithm;
pub mod der;
mod moment;

pub mod authorities;
pub mod certificate;

pub mod reply;
pub mod request;
pub mod token;
