//! What is withdrawn, as whoever reads the log finds it.
//!
//! The list of withdrawals ([`crate::outside::archive::withdrawn`]) says where to look; the entries behind it are looked
//! through, whose statements name the letter of their kind. What is withdrawn is only what a withdrawal's record says.

use serde_json::{Value as Json, json};

use super::read::{Entry, Log, ReadError};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::record::{Body, Manner, Withdrawal, WithdrawnEntry};
use crate::evidence::statement::Statement;
use crate::log::tile::WIDTH_MAX;

use crate::outside::archive::withdrawn::{Row, WithdrawnList};

/// The letter of withdrawals in the subject of a statement, between hyphens.
const MARK: &[u8] = b"-W-";

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
    /// Takes what a withdrawal says of the entry at `index`.
    #[must_use]
    pub fn of(entry: &Entry, index: u64) -> Option<Self> {
        let Body::Withdrawal(withdrawal) = &entry.record.body else { return None };
        let Withdrawal { manner, reason, authority, .. } = withdrawal.clone();
        let of = withdrawal.of(index)?.clone();
        Some(Self { id: entry.id.clone(), made: entry.record.made, manner, reason, authority, entry: of })
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

impl Log<'_> {
    /// Returns what is withdrawn of the entry at `index`, the latest word last.
    ///
    /// # Errors
    /// When a withdrawal cannot be read: what cannot be read may withdraw anything.
    pub fn withdrawn(&self, index: u64) -> Result<Vec<Withdrawn>, ReadError> {
        let list = WithdrawnList::read(self.archive().folder(), self.size());
        let behind = self.withdrawals_from(list.size.max(index + 1))?;
        let known: Vec<u64> = list.of(index).filter(|at| *at > index && *at < self.size()).collect();
        let mut found = Vec::new();
        for at in known.into_iter().chain(behind) {
            found.extend(Withdrawn::of(&self.entry(at)?, index));
        }
        Ok(found)
    }

    /// Returns what is withdrawn of one blob of an entry: the latest word.
    ///
    /// # Errors
    /// As [`Log::withdrawn`].
    pub fn withdrawal_of(&self, index: u64, blob: Hash) -> Result<Option<Withdrawn>, ReadError> {
        Ok(self.withdrawn(index)?.into_iter().rev().find(|withdrawn| withdrawn.entry.names(blob)))
    }

    /// Says whether an id is that of an entry whose record is withdrawn.
    #[must_use]
    pub fn is_withdrawn(&self, id: &str) -> bool {
        let Ok((id, _)) = Id::parse(id) else { return false };
        let record = self.withdrawn(id.index).ok().and_then(|all| all.into_iter().find_map(|one| one.entry.record));
        id.prefix == self.archive().settings().prefix && record.is_some_and(|record| record.link.letter() == id.letter)
    }

    /// Returns the list of withdrawals, brought up to the log's size; a damaged withdrawal speaks of nothing.
    ///
    /// # Errors
    /// When a statement cannot be read.
    pub fn withdrawn_list(&self) -> Result<WithdrawnList, ReadError> {
        let mut list = WithdrawnList::read(self.archive().folder(), self.size());
        for at in self.withdrawals_from(list.size)? {
            if let Ok(entry) = self.entry(at)
                && let Body::Withdrawal(withdrawal) = &entry.record.body
            {
                withdrawal.entries.iter().for_each(|entry| list.add(Row { entry: entry.index, withdrawal: at }));
            }
        }
        list.size = self.size();
        Ok(list)
    }

    /// Finds the withdrawals among the entries from `start` on, by the subjects of their statements.
    ///
    /// # Errors
    /// When a tile of statements cannot be read.
    pub fn withdrawals_from(&self, start: u64) -> Result<Vec<u64>, ReadError> {
        let width = u64::from(WIDTH_MAX);
        let mut found = Vec::new();
        for bundle in start / width..self.size().div_ceil(width) {
            let statements = self.archive().statements(bundle, self.size())?;
            let listed = (bundle * width..).zip(&statements);
            let withdrawals = listed.filter(|(index, statement)| *index >= start && is_withdrawal(statement, *index));
            found.extend(withdrawals.map(|(index, _)| index));
        }
        Ok(found)
    }
}

/// Says whether a statement is about a withdrawal. Most are told by their bytes, without being decoded.
pub(super) fn is_withdrawal(statement: &[u8], index: u64) -> bool {
    let has_mark = statement.windows(MARK.len()).any(|window| window == MARK);
    has_mark
        && Statement::decode(statement)
            .ok()
            .and_then(|statement| Id::parse(&statement.claim.subject).ok())
            .is_some_and(|(id, _)| id.letter == 'W' && id.index == index)
}
