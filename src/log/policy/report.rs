//! What a policy makes of a checkpoint.

use super::line::Word;

use crate::base::time::Time;
use crate::log::vkey::VerifierKey;

/// What a policy makes of a checkpoint whose signatures by its keys are all good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyReport {
    /// Whether the policy names the checkpoint's log at all.
    pub log_is_known: bool,
    /// The log's keys that signed. Empty means that nobody known vouches for the checkpoint.
    pub log_signers: Vec<LogSigner>,
    /// Every witness of the policy.
    pub witnesses: Vec<WitnessReport>,
    /// What the quorum needs and has.
    pub quorum: QuorumCount,
}

impl PolicyReport {
    /// Says whether the policy is satisfied: the log signed and the quorum witnessed.
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        !self.log_signers.is_empty() && self.quorum.is_met()
    }
}

/// A key of the log that signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogSigner {
    /// The key.
    pub key: VerifierKey,
    /// When it signed, by its own word: only cosignature lines say.
    pub time: Option<Time>,
}

/// A witness, and what it did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WitnessReport {
    /// Its name within the policy.
    pub name: Word,
    /// Its key.
    pub key: VerifierKey,
    /// Whether and when it cosigned.
    pub witnessed: Witnessed,
}

/// Whether and when a witness cosigned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Witnessed {
    /// It did, at this time by its own word.
    At(Time),
    /// It did not.
    Not,
    /// It did, without saying when.
    Undated,
}

/// What a quorum needs and has: `witnessed` of `members`, of which `needed` are enough.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QuorumCount {
    /// How many members must have witnessed; 0 where the policy asks for none.
    pub needed: usize,
    /// How many members did.
    pub witnessed: usize,
    /// How many members there are.
    pub members: usize,
}

impl QuorumCount {
    /// Says whether enough members witnessed. Of a quorum of none this is true and shows nothing.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.witnessed >= self.needed
    }
}
