//! Why a key record does not change the keys.

/// How many key records are followed: a change every week for twenty years.
pub const RECORD_COUNT_MAX: usize = 1024;

/// Why a key record does not change the keys.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum SuccessionError {
    #[error("a signature by the algorithm `{found}`, which is neither `ed25519` nor `ml-dsa-44`")]
    Algorithm { found: String },
    #[error("the signature of {key} over the key record is bad")]
    BadSignature { key: String },
    #[error("entry {index} ends the key {key}, which had ended before")]
    Ended { index: u64, key: String },
    #[error("entry {index} adds the key {key}, which was named before")]
    KnownKey { index: u64, key: String },
    #[error("entry {index} is no key record")]
    NotKeyRecord { index: u64 },
    #[error("entry {index} names {} as the key record before it, and that is {}", entry(*found), entry(*expected))]
    NotNext { index: u64, expected: Option<u64>, found: Option<u64> },
    #[error(
        "entry {index} is not signed by {key}, which must sign it; the recovery key's signature would do instead for one that is lost"
    )]
    NotSignedBy { index: u64, key: String },
    #[error("the key record is of the log `{found}`, expected `{expected}`")]
    OtherLog { expected: String, found: String },
    #[error("entry {index} is signed by {key} too, which has no part in it")]
    Stranger { index: u64, key: String },
    #[error("entry {index} is one key record more than the limit of {RECORD_COUNT_MAX}")]
    TooMany { index: u64 },
    #[error("entry {index} ends the key {key}, which the archive does not have for that purpose")]
    UnknownKey { index: u64, key: String },
    #[error("entry {index} adds {key}, which is no key that can be used")]
    UnusableKey { index: u64, key: String },
    #[error("entry {index} leaves {count} valid key(s) for purpose `{purpose}`")]
    WrongCount { index: u64, purpose: &'static str, count: usize },
}

fn entry(index: Option<u64>) -> String {
    index.map_or_else(|| "none".to_owned(), |index| format!("entry {index}"))
}
