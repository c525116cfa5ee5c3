//! Hold: what must not be withdrawn, until it may be again.
//!
//! Placing and releasing are records, so that the log shows that a hold was there and who ended it. A hold over a document
//! covers its whole history, captures to come included; one over any other entry covers it and the quotes of it.

use std::collections::{BTreeMap, HashMap};

use super::WithdrawError;

use crate::archivist::append::{Appended, Appender};
use crate::archivist::progress::Silent;
use crate::archivist::read::Log;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::record::{Body, Hold, HoldAct};

use super::entries::each_entry;

/// The holds that are in force at some point of the log, and what they cover.
#[derive(Clone, Debug, Default)]
pub struct Holds {
    placed: BTreeMap<u64, Vec<u64>>,
    /// The history of each document record.
    documents: HashMap<u64, u64>,
    /// What each other entry belongs to: a document record, or a quoted capture.
    belongs: HashMap<u64, u64>,
}

impl Holds {
    /// Takes a record in, in the order of the log.
    pub fn take(&mut self, index: u64, body: &Body) {
        match body {
            Body::Document(document) => drop(self.documents.insert(index, document.amends.unwrap_or(index))),
            Body::Capture(capture) => drop(self.belongs.insert(index, capture.document)),
            Body::Check(check) => drop(self.belongs.insert(index, check.document)),
            Body::Provision(provision) => drop(self.belongs.insert(index, provision.capture)),
            Body::Hold(Hold { act: HoldAct::Place(entries), .. }) => drop(self.placed.insert(index, entries.clone())),
            Body::Hold(Hold { act: HoldAct::Release(hold), .. }) => drop(self.placed.remove(hold)),
            Body::Genesis(_) | Body::Anchor(_) | Body::Withdrawal(_) | Body::Key(_) => {}
        }
    }

    /// Returns a hold that covers an entry, by itself, by what it quotes or by its history.
    #[must_use]
    pub fn over(&self, index: u64) -> Option<u64> {
        let is_covered = |held: &u64| match self.documents.get(held) {
            Some(history) => self.history(index) == Some(*history),
            None => *held == index || self.belongs.get(&index) == Some(held),
        };
        self.placed.iter().find(|(_, entries)| entries.iter().any(is_covered)).map(|(hold, _)| *hold)
    }

    /// Says whether a hold is in force.
    #[must_use]
    pub fn is_placed(&self, hold: u64) -> bool {
        self.placed.contains_key(&hold)
    }

    /// Returns the history that an entry belongs to: its document, or that of the capture it quotes.
    #[must_use]
    pub fn history(&self, index: u64) -> Option<u64> {
        let belongs = self.belongs.get(&index).copied().unwrap_or(index);
        let document = self.belongs.get(&belongs).copied().unwrap_or(belongs);
        self.documents.get(&document).copied()
    }
}

/// Forbids withdrawing of some entries.
///
/// # Errors
/// [`WithdrawError::Unfit`] for kinds of which nothing is withdrawn anyway.
pub fn hold(
    appender: &mut Appender,
    ids: &[Id],
    reason: &str,
    authority: Option<&str>,
    now: Time,
) -> Result<Appended, WithdrawError> {
    let archive = appender.archive().clone();
    let log = Log::at(&archive, appender.published_size());
    let mut entries = Vec::new();
    for id in ids {
        let entry = log.find(&id.to_string())?.0;
        let body = &entry.record.body;
        if !matches!(body, Body::Document(_) | Body::Capture(_) | Body::Check(_) | Body::Provision(_)) {
            return Err(WithdrawError::Unfit { id: id.to_string(), kind: body.kind() });
        }
        entries.push(id.index);
    }
    entries.sort_unstable();
    entries.dedup();
    record(appender, HoldAct::Place(entries), reason, authority, now)
}

/// Ends a hold.
///
/// # Errors
/// [`WithdrawError::NotHold`] when it is none, or none any more.
pub fn release(
    appender: &mut Appender,
    id: &Id,
    reason: &str,
    authority: Option<&str>,
    now: Time,
) -> Result<Appended, WithdrawError> {
    let archive = appender.archive().clone();
    let log = Log::at(&archive, appender.published_size());
    let mut holds = Holds::default();
    each_entry(&log, &Silent, |entry| {
        holds.take(entry.record.index, &entry.record.body);
        Ok(())
    })?;
    if !holds.is_placed(id.index) {
        return Err(WithdrawError::NotHold { id: id.to_string() });
    }
    record(appender, HoldAct::Release(id.index), reason, authority, now)
}

fn record(
    appender: &mut Appender,
    act: HoldAct,
    reason: &str,
    authority: Option<&str>,
    now: Time,
) -> Result<Appended, WithdrawError> {
    if reason.trim().is_empty() {
        return Err(WithdrawError::Unspoken);
    }
    let hold = Hold { act, reason: reason.to_owned(), authority: authority.map(str::to_owned) };
    let placed = appender.append(Body::Hold(hold), now)?;
    appender.publish(now)?;
    Ok(placed)
}
