//! Expired: what the retention rules of `archive.toml` no longer keep.
//!
//! A visit expires by the rule that keeps its document longest. What is held is passed over, and so are blobs that a
//! visit names which is still kept: they go when the last of those does. A withdrawal cites the one rule that asked for
//! it, so that each rule has a withdrawal of its own.

use std::collections::{BTreeMap, HashMap};

use super::entries::each_entry;
use super::hold::Holds;
use super::{Plan, Records, Sharing, WithdrawError, WithdrawOrder, plan};

use crate::archivist::progress::Progress;
use crate::archivist::read::Log;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::record::{Body, Manner};
use crate::evidence::retention::{self, Ruled};

/// What the rules no longer keep.
#[derive(Clone, Debug, Default)]
pub struct Expired {
    /// What is to be withdrawn, by rule.
    pub plans: Vec<(String, Plan)>,
    /// What has expired and stays all the same.
    pub postponed: Vec<Postponed>,
}

/// Something that has expired and stays.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Postponed {
    /// The visit.
    pub id: Id,
    /// The hold that keeps it; without one, another visit keeps what it names.
    pub hold: Option<u64>,
}

/// Finds what has expired at `now`.
///
/// # Errors
/// As [`plan`].
pub fn expired(log: &Log<'_>, authority: &str, now: Time, progress: &dyn Progress) -> Result<Expired, WithdrawError> {
    let rules = &log.archive().settings().retention;
    let mut expired = Expired::default();
    let mut documents: HashMap<u64, (String, Option<String>, String)> = HashMap::new();
    let mut by_rule: BTreeMap<&str, Vec<Id>> = BTreeMap::new();
    let mut holds = Holds::default();
    each_entry(log, progress, |entry| {
        let (index, body) = (entry.record.index, &entry.record.body);
        holds.take(index, body);
        let (document, visit) = match body {
            Body::Document(document) => {
                // A later record says entity and title anew; the id is that of the first.
                let first = document.amends.unwrap_or(index);
                let id = documents.get(&first).map_or_else(|| entry.id.to_string(), |known| known.0.clone());
                let said = (id, document.entity.clone(), document.url.clone());
                documents.insert(first, said.clone());
                documents.insert(index, said);
                return Ok(());
            }
            Body::Capture(capture) => (capture.document, &capture.visit),
            Body::Check(check) => (check.document, &check.visit),
            _ => return Ok(()),
        };
        let Some((id, entity, address)) = documents.get(&document) else { return Ok(()) };
        let document = Ruled { id, entity: entity.as_deref(), address };
        if let Some(rule) = retention::expired(rules, &document, visit.finished, now) {
            by_rule.entry(&rule.name).or_default().push(entry.id.clone());
        }
        Ok(())
    })?;
    for (rule, ids) in by_rule {
        let (held, ids): (Vec<Id>, Vec<Id>) = ids.into_iter().partition(|id| holds.over(id.index).is_some());
        expired.postponed.extend(held.into_iter().map(|id| Postponed { hold: holds.over(id.index), id }));
        let order = WithdrawOrder {
            ids,
            blobs: Vec::new(),
            records: Records::Keep,
            manner: Manner::Erased,
            sharing: Sharing::Leave,
            reason: format!("kept as long as the retention rule `{rule}` asks"),
            authority: authority.to_owned(),
            rule: Some(rule.to_owned()),
        };
        let planned = plan(log, &order, progress)?;
        let kept: Vec<u64> = planned.withdrawal.entries.iter().map(|entry| entry.index).collect();
        let is_left = |id: &&Id| {
            kept.binary_search(&id.index).is_err() && log.withdrawn(id.index).is_ok_and(|before| before.is_empty())
        };
        expired.postponed.extend(order.ids.iter().filter(is_left).map(|id| Postponed { id: id.clone(), hold: None }));
        if !planned.withdrawal.entries.is_empty() {
            expired.plans.push((rule.to_owned(), planned));
        }
    }
    Ok(expired)
}
