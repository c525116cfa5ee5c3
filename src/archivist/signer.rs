//! Signing checkpoints beside the sequencer, which waits for the disk meanwhile.
//!
//! The Ed25519 line takes some 20 µs, the ML-DSA-44 line several times as long. The keyring remembers a checkpoint by its
//! first line as soon as that is there; the archive never shows a checkpoint without all of them.

use std::sync::Arc;

use crate::base::time::Time;
use crate::log::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::log::vkey::SignerKey;
use crate::outside::beside::Beside;

/// Signs with the log's keys.
pub(super) struct Signer {
    keys: Arc<Vec<SignerKey>>,
    beside: Beside<Signed>,
}

type Signed = Result<SignedCheckpoint, CheckpointError>;

/// A checkpoint that is being signed.
pub(super) struct Signing<'s>(&'s mut Beside<Signed>);

/// A checkpoint whose first line is there.
pub(super) struct SignedFirst<'s> {
    pub(super) signed: SignedCheckpoint,
    rest: Signing<'s>,
}

impl Signer {
    pub(super) fn start(keys: Vec<SignerKey>) -> std::io::Result<Self> {
        Ok(Self { keys: Arc::new(keys), beside: Beside::start()? })
    }

    /// Begins to sign.
    pub(super) fn begin(&mut self, checkpoint: &Checkpoint, now: Time) -> Signing<'_> {
        let first = self.keys.len().min(1);
        for range in [0..first, first..self.keys.len()] {
            let (keys, checkpoint) = (self.keys.clone(), checkpoint.clone());
            self.beside.begin(move || SignedCheckpoint::sign(&checkpoint, now, &keys[range]));
        }
        Signing(&mut self.beside)
    }
}

impl<'s> Signing<'s> {
    /// Waits for the first line.
    pub(super) fn first(mut self) -> Result<SignedFirst<'s>, CheckpointError> {
        Ok(SignedFirst { signed: self.next()?, rest: self })
    }

    fn next(&mut self) -> Signed {
        self.0.end().expect("it was begun twice, for the first line and for the rest")
    }
}

impl SignedFirst<'_> {
    /// Waits for the other lines.
    pub(super) fn all(mut self) -> Result<SignedCheckpoint, CheckpointError> {
        self.rest.next()?.signatures().iter().for_each(|line| self.signed.add(line.clone()));
        Ok(self.signed)
    }
}
