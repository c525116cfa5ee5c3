//! Floor 5: the acts, one file each, in the order a document walks through them.
//!
//! An act joins evidence with the outside: it reads the clock once, keeps what must be kept, and returns
//! values. It prints nothing and knows no flags; `cli` and `server` ask it and render what it says.

pub mod places;
pub mod progress;

pub mod init;

pub mod capture;
pub mod visit;

pub mod append;
mod signer;

pub mod read;

pub mod cite;
pub mod quote;

pub mod bundle;
pub mod verify;
pub mod verify_loose;

pub mod audit;
pub mod doctor;
