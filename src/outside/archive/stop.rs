//! The stop: who finds that writing fails pulls it, and nobody writes into the archive any more.
//!
//! The log, the index and their threads write side by side. After an fsync that failed in one of them, the kernel may have
//! dropped what another waits for: so all of them look here before they begin, and none clears it. The next process takes the
//! archive up by the ordinary path.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A stop, shared by all who write into one archive.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends all writing.
    pub fn pull(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Says whether writing has ended.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Pulls the stop when an act has failed.
    pub(super) fn pull_on<T, E>(&self, done: Result<T, E>) -> Result<T, E> {
        if done.is_err() {
            self.pull();
        }
        done
    }
}
