//! What is withdrawn, as whoever reads the log finds it.
//!
//! The list of withdrawals ([`crate::outside::archive::withdrawn`]) says where to look; the entries behind it are looked
//! through, whose statements name the letter of their kind. What is withdrawn is only what a withdrawal's record says.

use super::read::{Entry, Log, ReadError};
use super::withdrawn::Withdrawn;

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::record::Body;
use crate::evidence::statement::Statement;
use crate::log::tile::WIDTH_MAX;
use crate::outside::archive::withdrawn::{Row, WithdrawnList};

/// The letter of withdrawals in the subject of a statement, between hyphens.
const MARK: &[u8] = b"-W-";

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
            let Entry { id, record, .. } = self.entry(at)?;
            found.extend(Withdrawn::of(&id, &record, index));
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
