//! Signing checkpoints beside the sequencer, which waits for the disk meanwhile.
//!
//! The Ed25519 line takes some 20 µs, the ML-DSA-44 line several times as long. The keyring remembers a checkpoint by its
//! first line as soon as that is there; the archive never shows a checkpoint without all of them.

use std::sync::Arc;

use crate::base::time::Time;
use crate::log::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::log::key::SignerKey;
use crate::outside::beside::{Beside, Doing};

/// Signs with the log's keys.
pub(super) struct Signer {
    keys: Arc<Vec<SignerKey>>,
    first: Beside<Signed>,
    all: Beside<Signed>,
}

type Signed = Result<SignedCheckpoint, CheckpointError>;

/// A checkpoint that is being signed.
pub(super) struct Signing<'s> {
    first: Doing<'s, Signed>,
    all: Doing<'s, Signed>,
}

impl Signer {
    pub(super) fn start(keys: Vec<SignerKey>) -> std::io::Result<Self> {
        Ok(Self { keys: Arc::new(keys), first: Beside::start()?, all: Beside::start()? })
    }

    /// Begins to sign.
    pub(super) fn begin(&mut self, checkpoint: &Checkpoint, now: Time) -> Signing<'_> {
        let sign = |count: usize| {
            let (keys, checkpoint) = (self.keys.clone(), checkpoint.clone());
            move || SignedCheckpoint::sign(&checkpoint, now, &keys[..count.min(keys.len())])
        };
        let (first, all) = (sign(1), sign(usize::MAX));
        Signing { first: self.first.begin(first), all: self.all.begin(all) }
    }
}

impl<'s> Signing<'s> {
    /// Waits for the checkpoint with its first line.
    pub(super) fn first(self) -> Result<(SignedCheckpoint, SigningRest<'s>), CheckpointError> {
        Ok((self.first.end()?, SigningRest(self.all)))
    }
}

/// A checkpoint whose first line is there.
pub(super) struct SigningRest<'s>(Doing<'s, Signed>);

impl SigningRest<'_> {
    /// Waits for the checkpoint with all lines.
    pub(super) fn all(self) -> Result<SignedCheckpoint, CheckpointError> {
        self.0.end()
    }
}
