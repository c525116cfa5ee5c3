//! What a visit amounts to.

use std::str::FromStr;

/// What a visit amounts to, and why it is not more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// The kind.
    pub kind: OutcomeKind,
    /// Why it is not `complete`; empty when it is.
    pub reasons: Vec<String>,
}

/// The kinds of outcome.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OutcomeKind {
    /// complete
    Complete,
    /// truncated
    Truncated,
    /// challenge
    Challenge,
    /// error
    Error,
}

impl OutcomeKind {
    /// Word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Truncated => "truncated",
            Self::Challenge => "challenge",
            Self::Error => "error",
        }
    }
}
impl FromStr for OutcomeKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Complete, Self::Truncated, Self::Challenge, Self::Error]
            .into_iter()
            .find(|k| k.as_str() == text)
            .ok_or(())
    }
}
