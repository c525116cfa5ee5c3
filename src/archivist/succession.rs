//! The succession, as an archive's log tells it.
//!
//! Records name the newest key record before them, so it is found from the log's end: one record is read where the last can
//! be. Behind a record that was withdrawn, whose statement says of which kind it was, the one before it is asked.

use super::read::{Log, ReadError};

use crate::base::id::Id;
use crate::evidence::record::Body;
use crate::evidence::statement::Statement;
use crate::evidence::succession::{RECORD_COUNT_MAX, Succession};
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::vkey::VerifierKey;

/// The letter of key records.
const LETTER: char = 'K';

impl Log<'_> {
    /// Returns the indexes of the log's key records, ascending.
    ///
    /// # Errors
    /// When a key record cannot be read, or names one that is none.
    pub fn key_records(&self) -> Result<Vec<u64>, ReadError> {
        let mut found = Vec::new();
        let mut next = self.newest_key_record();
        while let Some(index) = next {
            if found.len() >= RECORD_COUNT_MAX {
                return Err(ReadError::NotKeyRecord { index });
            }
            let entry = self.entry(index)?;
            if !matches!(entry.record.body, Body::Key(_)) {
                return Err(ReadError::NotKeyRecord { index });
            }
            found.push(index);
            next = entry.record.key_record; // A record that decodes names an earlier one.
        }
        found.reverse();
        Ok(found)
    }

    /// Reads which keys counted where.
    ///
    /// # Errors
    /// [`ReadError::Succession`] when a key record does not follow those before it.
    pub fn succession(&self) -> Result<Succession, ReadError> {
        let first = self.entry(0)?.record;
        let Body::Genesis(genesis) = &first.body else { return Err(ReadError::NotGenesis) };
        let mut succession = Succession::begin(genesis, &first.origin);
        for index in self.key_records()? {
            succession.take(&self.entry(index)?.record)?;
        }
        Ok(succession)
    }

    fn newest_key_record(&self) -> Option<u64> {
        for index in (0..self.size()).rev() {
            let is_key_record = self.archive().statement(index, self.size()).is_ok_and(|bytes| {
                let id = Statement::decode(&bytes).ok().and_then(|statement| Id::parse(&statement.claim.subject).ok());
                id.is_some_and(|(id, _)| id.letter == LETTER)
            });
            if is_key_record {
                return Some(index);
            }
            // One that is withdrawn or damaged is of another kind, and does not say.
            if let Ok(entry) = self.entry(index) {
                return entry.record.key_record;
            }
        }
        None
    }
}

/// Returns the keys that a checkpoint may bear, by a log's own word.
#[must_use]
pub fn own_keys(succession: &Succession, signed: &SignedCheckpoint) -> Vec<VerifierKey> {
    succession.checkpoint_keys(signed.checkpoint().size.saturating_sub(1))
}

/// Returns those of the log's keys of which the newest of each algorithm must have signed.
#[must_use]
pub fn newest_keys(keys: &[VerifierKey]) -> Vec<VerifierKey> {
    let is_newest = |(at, key): &(usize, &VerifierKey)| keys[..*at].iter().all(|newer| newer.kind() != key.kind());
    keys.iter().enumerate().filter(is_newest).map(|(_, key)| key.clone()).collect()
}
