//! Why bytes are no proof, or one that does not hold, and how much of a proof is read.

use super::header::{BlockHash, HeaderError};

use crate::base::hash::Hash;
use crate::base::time::Time;

/// The one version of proofs that there is.
pub(super) const VERSION: u8 = 1;

/// The longest proof that is read; one from four calendars has about 4 KiB.
pub const SIZE_BYTES_MAX: usize = 1 << 16;

/// The longest answer of a calendar, as in the reference.
pub const ANSWER_BYTES_MAX: usize = 10_000;

/// The longest message, as in the reference.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// The longest path, as in the reference.
pub const DEPTH_MAX: usize = 256;

/// The most operations in one proof; a path to a block has about sixty.
pub const OPERATION_COUNT_MAX: usize = 4096;

/// The most attestations in one proof: two for each of some calendars.
pub const ATTESTATION_COUNT_MAX: usize = 64;

/// The longest attestation, as in the reference.
pub const ATTESTATION_BYTES_MAX: usize = 8192;

/// The longest address of a calendar, as in the reference.
pub const ADDRESS_BYTES_MAX: usize = 1000;

/// Why bytes are no proof, or one that does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ProofError {
    #[error("the calendar's address at byte {at} has characters that no calendar's has")]
    Address { at: usize },
    #[error("the attestation at byte {at} is longer than what it says")]
    Attestation { at: usize },
    #[error("the proof ends in the middle, at byte {at}")]
    CutOff { at: usize },
    #[error("at byte {at} a path is longer than {DEPTH_MAX} messages")]
    Deep { at: usize },
    #[error("Bitcoin's block {height}")]
    Header { height: u64, source: HeaderError },
    #[error("at byte {at} a string of {found} bytes, expected {min} to {max}")]
    Length { at: usize, min: usize, max: usize, found: u64 },
    #[error("a message of {found} bytes, and at most {MESSAGE_BYTES_MAX} are hashed")]
    LongMessage { found: usize },
    #[error(
        "the path to Bitcoin's block {height} goes through a hash that shows nothing here: SHA-1 is broken, RIPEMD-160 and Keccak-256 are not computed"
    )]
    Lost { height: u64 },
    #[error("not an OpenTimestamps proof: it begins with other bytes")]
    Magic,
    #[error("more than {ATTESTATION_COUNT_MAX} attestations")]
    ManyAttestations,
    #[error("more than {OPERATION_COUNT_MAX} operations")]
    ManyOperations,
    #[error(
        "it ends at block {height} with hash {hash}, which says {time}, and whether that block is one of Bitcoin's nobody here knows: \
         look it up where you trust it, and name it as `{height} {hash}` in `keys/blocks` or --blocks"
    )]
    NeedsBlock { height: u64, hash: BlockHash, time: Time },
    #[error(
        "it needs a header: it ends at Bitcoin's block {height}, which `keys/blocks` or --blocks may bring, or a node with \
         --bitcoin-node"
    )]
    NeedsHeader { height: u64 },
    #[error("no path ends at a block of Bitcoin, and no calendar is named that could complete one")]
    NoBlock,
    #[error("the number at byte {at} is not in its one spelling, or too large")]
    Number { at: usize },
    #[error("the block at height {height} that you know is {expected}, and the header here is that of {found}")]
    OtherBlock { height: u64, expected: BlockHash, found: BlockHash },
    #[error("it is over {found}, not over the file with SHA-256 {expected}")]
    OtherDigest { expected: Hash, found: Hash },
    #[error("the file's digest is of {name}; nothing that stands on it is shown")]
    OtherHash { name: &'static str },
    #[error("the answer is about a message that is not in the proof")]
    OtherMessage,
    #[error("its path does not lead to the transactions of block {height}, {hash}")]
    OtherRoot { height: u64, hash: BlockHash },
    #[error("pending: `{calendars}` has it, and it is in no block yet that the proof knows of")]
    Pending { calendars: String },
    #[error("a proof of {found} bytes, and at most {max} are read")]
    TooLong { found: usize, max: usize },
    #[error("bytes behind the end of the proof, at {at}")]
    Trailing { at: usize },
    #[error("the same branch comes twice, at byte {at}")]
    Twice { at: usize },
    #[error("an operation {tag:02x} before byte {at} that is not known")]
    UnknownOperation { at: usize, tag: u8 },
    #[error("a proof of version {found}, and {VERSION} is read")]
    Version { found: u8 },
}
