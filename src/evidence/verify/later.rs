//! Later: what a reader knows of the same log at a later moment than the evidence was made.
//!
//! A bundle ends at its checkpoint. Whether the archive came to distrust a key, or whether that checkpoint was ever one of
//! the log's, stands in what came after it. What is called later is verified first, by the same policy, and helps only then.

use std::fmt;

use super::entry::Entries;
use super::finding::{Finding, Outcome};
use super::source::Source;
use super::{Check, Trust, checkpoint};

use crate::evidence::succession::Succession;
use crate::log::checkpoint::Checkpoint;

/// A log as the reader trusts it, at a later moment.
pub struct Later<'s> {
    pub(super) source: &'s dyn Source,
    pub(super) checkpoint: Checkpoint,
    pub(super) succession: Succession,
    /// Whose word it is that this is the log.
    pub(super) relies_on: String,
}

impl<'s> Later<'s> {
    /// Verifies the checkpoint, entry 0 and the key records of a source.
    ///
    /// # Errors
    /// What does not hold: nothing can be judged by it then.
    pub fn of(source: &'s dyn Source, trust: Trust<'_>) -> Result<Self, Vec<Finding>> {
        let head = checkpoint::check(source, Trust { later: None, ..trust });
        let about_keys = Entries::new(source, &head).findings();
        let signed = head.findings().into_iter().find(|finding| finding.check == Check::Checkpoint);
        let is_trusted = signed.as_ref().is_some_and(|finding| finding.outcome == Outcome::Holds);
        let mut wrong: Vec<Finding> =
            head.findings().into_iter().chain(about_keys).filter(|finding| finding.outcome == Outcome::Fails).collect();
        match (head.checkpoint, head.succession, signed) {
            (Some(checkpoint), Some(succession), Some(signed)) if is_trusted && wrong.is_empty() => {
                Ok(Self { source, checkpoint, succession, relies_on: signed.relies_on })
            }
            (_, _, signed) => {
                wrong.extend(signed.filter(|_| !is_trusted));
                Err(wrong)
            }
        }
    }

    /// Returns size and root.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl fmt::Debug for Later<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Later").field("checkpoint", &self.checkpoint).finish_non_exhaustive()
    }
}
