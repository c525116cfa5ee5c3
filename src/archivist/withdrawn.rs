//! A withdrawal, as it speaks of one entry: who took what away, when and why.

use serde_json::{Value as Json, json};

use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::record::{Body, Manner, Record, Withdrawal, WithdrawnEntry};

/// A withdrawal, as it speaks of one entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Withdrawn {
    /// The withdrawal's citation id.
    pub id: Id,
    /// When it was made, by the archive's clock.
    pub made: Time,
    /// What becomes of the bytes.
    pub manner: Manner,
    /// Why.
    pub reason: String,
    /// By whose authority.
    pub authority: String,
    /// What it says of the entry.
    pub entry: WithdrawnEntry,
}

impl Withdrawn {
    /// Takes what the record with an id says of the entry at `index`; nothing when it withdraws nothing of that.
    #[must_use]
    pub fn of(id: &Id, record: &Record, index: u64) -> Option<Self> {
        let Body::Withdrawal(withdrawal) = &record.body else { return None };
        let Withdrawal { manner, reason, authority, .. } = withdrawal.clone();
        let of = withdrawal.of(index)?.clone();
        Some(Self { id: id.clone(), made: record.made, manner, reason, authority, entry: of })
    }

    /// Returns the withdrawal as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "manner": self.manner.as_str(),
            "by": self.id.to_string(),
            "made": self.made.to_string(),
            "reason": self.reason,
            "authority": self.authority,
            "blobs": self.entry.blobs.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "record": self.entry.record.is_some(),
        })
    }

    /// Says in words what was withdrawn by whom.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { id, made, manner, reason, authority, .. } = self;
        format!("{} by {id} of {}: {reason} (authority: {authority})", manner.as_str(), made.to_second())
    }
}
