//! What an audit says: each damaged thing, and what it costs.

use std::fmt::Display;

use serde_json::{Value as Json, json};

use super::looked::Looked;

/// How many damages, and how many notes, are listed; more are counted.
pub const LISTED_COUNT_MAX: usize = 1_000;

/// What an audit found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AuditReport {
    /// How many entries were checked.
    pub entries: u64,
    /// How many blobs were checked.
    pub blobs: u64,
    /// How many bytes the blobs' frames have.
    pub bytes: u64,
    /// How many blobs of entries were erased by withdrawals.
    pub erased: u64,
    /// How many are withheld.
    pub withheld: u64,
    /// What was looked at, where that is not everything.
    pub looked: Looked,
    /// What is damaged, in the order in which it was found.
    pub damage: Vec<Damage>,
    /// How much more damage there is than is listed.
    pub damage_unlisted: u64,
    /// What is worth knowing and costs nothing.
    pub notes: Vec<String>,
    /// How many more notes there are than are listed.
    pub notes_unlisted: u64,
}

/// A damaged thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Damage {
    /// The file, blob or entry.
    pub thing: String,
    /// What is wrong with it.
    pub found: String,
    /// What is lost by it.
    pub cost: String,
}

impl AuditReport {
    /// Says whether everything is as it was promised. Notes do not count.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    /// Returns the report as the stable JSON object of `audit --json`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let damage = |damage: &Damage| json!({"thing": damage.thing, "found": damage.found, "cost": damage.cost});
        json!({
            "clean": self.is_clean(),
            "entries": self.entries,
            "blobs": self.blobs,
            "bytes": self.bytes,
            "erased": self.erased,
            "withheld": self.withheld,
            "looked": self.looked.to_json(),
            "not_looked_at": self.looked.caveats(),
            "damage": self.damage.iter().map(damage).collect::<Vec<_>>(),
            "damage_unlisted": self.damage_unlisted,
            "notes": self.notes,
            "notes_unlisted": self.notes_unlisted,
        })
    }

    pub(super) fn damage(&mut self, thing: impl Display, found: impl Display, cost: impl Display) {
        let damage = Damage { thing: thing.to_string(), found: found.to_string(), cost: cost.to_string() };
        self.add(damage);
    }

    pub(super) fn add(&mut self, damage: Damage) {
        if self.damage.len() < LISTED_COUNT_MAX {
            self.damage.push(damage);
        } else {
            self.damage_unlisted += 1;
        }
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        if self.notes.len() < LISTED_COUNT_MAX {
            self.notes.push(note.into());
        } else {
            self.notes_unlisted += 1;
        }
    }
}
