//! Where the verifier's bytes come from.

use std::borrow::Cow;
use std::io::Write;

use super::finding::Finding;

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::anchor::AnchorBytes;
use crate::evidence::endorsement::EndorsementBytes;
use crate::evidence::statement::Fitting;
use crate::evidence::withheld::Withheld;
use crate::log::consistency::ConsistencyProof;
use crate::log::inclusion::Included;
use crate::log::proof::{Proof, ProofError};

/// An archive, a bundle or a server, as the verifier sees it: bytes by index and by hash, none of them trusted.
pub trait Source {
    /// Returns what was found about the container itself; nothing for an archive.
    fn files(&self) -> Vec<Finding>;

    /// Says whether the source holds all that its subjects lean on. Where it cannot, as on paper, what is not there is
    /// *not shown* and nobody took it away: files, and the captures before the subject's.
    fn is_whole(&self) -> bool {
        true
    }

    /// Returns who vouches for the log's keys, so far as the source brings it.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn endorsements(&self) -> Result<Vec<EndorsementBytes>, SourceError> {
        Ok(Vec::new())
    }

    /// Returns the signed note over which all proofs are.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError>;

    /// Returns what there is of an entry.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn entry(&self, index: u64) -> Result<Option<EntryBytes>, SourceError>;

    /// Returns the index of the entry whose statement has a hash, when the source holds it.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn find_statement(&self, statement: Hash, before: u64) -> Result<Option<u64>, SourceError>;

    /// Returns the anchors that may say when a record was made: those that cover entry `index`, the earliest first,
    /// and the one of the size that the record names.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn anchors(&self, index: u64, named: u64) -> Result<Vec<AnchorBytes>, SourceError> {
        let _ = (index, named);
        Ok(Vec::new())
    }

    /// Returns the indexes of the entries that may withdraw something of an entry: each is verified before it is believed.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn withdrawals(&self, index: u64) -> Result<Vec<u64>, SourceError>;

    /// Returns the indexes of the key records, ascending: each is verified before it is believed.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn key_records(&self) -> Result<Vec<u64>, SourceError>;

    /// Returns what is withheld of `subject`, when the container says that something is; nothing for an archive.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn withheld(&self, subject: &Id) -> Result<Option<WithheldBytes>, SourceError> {
        let _ = subject;
        Ok(None)
    }

    /// Proves that the log has grown from its first `size` entries, when the source can.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn consistency(&self, size: u64) -> Result<Option<ConsistencyProof>, SourceError> {
        let _ = size;
        Ok(None)
    }

    /// Looks for a blob that `subject`'s record names, and says what is in its place.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    fn blob(&self, subject: &Id, hash: Hash) -> Result<BlobFound, SourceError>;

    /// Copies a blob that was found, for checks that read it.
    ///
    /// # Errors
    /// When the bytes cannot be read, or are not the blob.
    fn copy_blob(&self, subject: &Id, hash: Hash, target: &mut dyn Write) -> Result<(), SourceError>;
}

/// What there is of an entry.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EntryBytes {
    /// What the entry is called in the source, for findings to name it.
    pub name: String,
    /// The record.
    pub record: Option<Vec<u8>>,
    /// The statement.
    pub statement: Option<Vec<u8>>,
    /// The tlog-proof.
    pub proof: Option<EntryProof>,
    /// The receipt.
    pub receipt: Option<Vec<u8>>,
    /// What was found of the statement's signature, where it was checked already.
    pub fitting: Option<Fitting>,
}

/// An entry's place in the log, as its source says: not verified yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EntryProof {
    /// A tlog-proof that somebody wrote.
    Written(Vec<u8>),
    /// One that the source makes of a log that it has, and what was found of it, where it was verified already.
    Made(Proof, Option<Included>),
}

impl EntryProof {
    /// Returns what is to be verified.
    ///
    /// # Errors
    /// A [`ProofError`] for what was written and is no tlog-proof.
    pub fn parsed(&self) -> Result<Cow<'_, Proof>, ProofError> {
        match self {
            Self::Written(bytes) => Proof::parse(bytes).map(Cow::Owned),
            Self::Made(proof, _) => Ok(Cow::Borrowed(proof)),
        }
    }

    /// Returns what was found already.
    #[must_use]
    pub fn included(&self) -> Option<Included> {
        match self {
            Self::Written(_) => None,
            Self::Made(_, included) => *included,
        }
    }

    /// Returns the tlog-proof as a file.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Written(bytes) => bytes,
            Self::Made(proof, _) => proof.encode(),
        }
    }
}

/// What a container withholds of a capture or check, and what is there instead of a text that is shown in part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WithheldBytes {
    /// What is withheld, and why.
    pub withheld: Withheld,
    /// The text with what is withheld blacked out, and the lines that prove the rest.
    pub text: Option<(Vec<u8>, Vec<u8>)>,
}

/// What is in a blob's place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BlobFound {
    /// The blob: its bytes were hashed.
    Blob,
    /// Something else.
    Other {
        /// Where it lies.
        name: String,
        /// What its bytes hash to, or what is wrong with them.
        found: String,
    },
    /// Nothing.
    Nothing {
        /// Where it should lie.
        name: String,
    },
}

/// Why a source gives no bytes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}`: {reason}")]
pub struct SourceError {
    /// What was asked for.
    pub name: String,
    /// Why it cannot be had.
    pub reason: String,
}
