//! OpenTimestamps: paths of hashes from bytes to a block of Bitcoin, by which anybody can tell that the bytes came first.
//!
//! A calendar takes a digest and promises a path ([`proof`]); hours later the path is there and ends at the Merkle root
//! of a block. What the path shows is arithmetic. That the block is one of Bitcoin's own is for the reader to say
//! ([`blocks`]): a header alone ([`header`]) shows that work was done, and neither by whom nor when.
//!
//! Pure, like all of this floor: who is asked, and where proofs are kept, is for the floors above.

mod bytes;
mod error;
mod operation;
mod tree;

pub mod blocks;
pub mod header;

pub mod proof;
