//! Floor 0: the words every other floor is written in.
//!
//! Bytes and their names only. What a hash, an id or a time *means* is for the floors above.

pub mod address;
pub mod base64;
pub mod causes;
pub mod cbor;
pub mod cose;
pub mod hash;
pub mod id;
pub mod time;
