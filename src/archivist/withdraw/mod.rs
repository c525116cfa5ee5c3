//! Withdraw: content leaves the archive, and everything that was proved stays proved.
//!
//! 1. A plan is made ([`plan`]): which blobs of which entries go. Who else names them is found by reading every record,
//!    because nothing may be missing afterwards that no withdrawal names.
//! 2. The withdrawal is appended and published like any record.
//! 3. It is carried out (`carried_out`): the bytes leave the packs, before the publication returns. A crash between
//!    leaves that to the next writer.
//!
//! What is refused: a blob that a hold covers; a blob that other entries name too, unless they are named or it is asked
//! for; a record that others lean on; a blob that is damaged already, since its withdrawal would hide that.
//!
//! What a withdrawal cannot do: reach copies. Backups, mirrors, bundles that were handed out and the quotes in
//! provisions are for whoever withdraws to follow up; a bundle made afterwards carries the withdrawal.

pub(super) mod carried_out;
mod entries;
mod expired;
mod hold;
mod naming;

pub use expired::{Expired, Postponed, expired};
pub use hold::{Holds, hold, release};

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::append::{AppendError, Appended, Appender};
use super::progress::Progress;
use super::read::{Entry, Log, ReadError};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::record::{Body, Link, Manner, Visit, Withdrawal, WithdrawnEntry, WithdrawnRecord};
use crate::outside::archive::packs::PackError;

use naming::{Survey, survey};

/// What is to be withdrawn.
#[derive(Clone, Debug)]
pub struct WithdrawOrder {
    /// The captures, checks and provisions.
    pub ids: Vec<Id>,
    /// Only these of their blobs; all when there are none.
    pub blobs: Vec<Hash>,
    /// Whether their records go too.
    pub records: Records,
    /// What becomes of the bytes.
    pub manner: Manner,
    /// What becomes of blobs that other entries name too.
    pub sharing: Sharing,
    /// Why.
    pub reason: String,
    /// By whose authority.
    pub authority: String,
    /// The retention rule that asks for it.
    pub rule: Option<String>,
}

/// Whether the records' own bytes are withdrawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Records {
    /// They stay.
    Keep,
    /// They go.
    Withdraw,
}

/// What becomes of the page and its renditions where other entries name them too. Redirects and certificates that
/// others name always stay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sharing {
    /// They are withdrawn of those entries as well.
    Include,
    /// They stay until nothing else names them.
    Leave,
    /// Nothing is withdrawn.
    Refuse,
}

/// What a withdrawal will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the record will say.
    pub withdrawal: Withdrawal,
    /// How many bytes the blobs have.
    pub size_bytes: u64,
    /// Blobs that stay because others name them, and one that does.
    pub kept: Vec<(Hash, Id)>,
    /// Entries that lose blobs although they were not named.
    pub included: Vec<Id>,
    /// Provisions that quote what is withdrawn: their words stay.
    pub quoted_by: Vec<Id>,
}

/// Finds out what a withdrawal will do.
///
/// # Errors
/// A [`WithdrawError`] that names what stands in the way.
pub fn plan(log: &Log<'_>, order: &WithdrawOrder, progress: &dyn Progress) -> Result<Plan, WithdrawError> {
    let mut targets = BTreeMap::new();
    for id in &order.ids {
        let entry = log.find(&id.to_string())?.0;
        targets.insert(entry.record.index, Target::of(log, &entry, order)?);
    }
    let unnamed = order.blobs.iter().find(|blob| !targets.values().any(|target| target.wanted.contains(blob)));
    if let Some(blob) = unnamed {
        return Err(WithdrawError::NotNamed { blob: *blob });
    }
    let wanted: BTreeSet<Hash> = targets.values().flat_map(Target::all).collect();
    let survey = survey(log, &wanted, &targets.keys().copied().collect(), progress)?;
    let mut draft = Draft { log, survey: &survey, order, entries: BTreeMap::new(), kept: BTreeMap::new() };
    for (index, target) in &targets {
        draft.add(*index, target)?;
    }
    draft.finish()
}

/// Publishes a withdrawal and carries it out.
///
/// # Errors
/// When the archive cannot be written. Once the record is published, whatever is left is done by the next writer.
pub fn withdraw(appender: &mut Appender, plan: Plan, now: Time) -> Result<Appended, WithdrawError> {
    let withdrawal = appender.append(Body::Withdrawal(plan.withdrawal), now)?;
    appender.publish(now)?;
    Ok(withdrawal)
}

/// An entry that was asked for.
struct Target {
    /// What must go: the page and its renditions, or what was asked for by hash.
    wanted: Vec<Hash>,
    /// What goes unless others name it.
    besides: Vec<Hash>,
    record: Option<WithdrawnRecord>,
}

impl Target {
    fn of(log: &Log<'_>, entry: &Entry, order: &WithdrawOrder) -> Result<Self, WithdrawError> {
        let unfit = || WithdrawError::Unfit { id: entry.id.to_string(), kind: entry.record.body.kind() };
        let link = link_of(&entry.record.body).ok_or_else(unfit)?;
        let record = WithdrawnRecord { sha256: entry.record_sha256(), link };
        let record = (order.records == Records::Withdraw).then_some(record);
        let (mut wanted, mut besides) = entry.record.body.visit().map(parts).unwrap_or_default();
        if !order.blobs.is_empty() {
            wanted.append(&mut besides);
            wanted.retain(|blob| order.blobs.contains(blob));
        }
        let before = log.withdrawn(entry.record.index)?;
        let is_gone = |blob: &Hash| {
            let latest = before.iter().rev().find(|withdrawn| withdrawn.entry.names(*blob));
            latest.is_some_and(|latest| latest.manner == Manner::Erased || latest.manner == order.manner)
        };
        wanted.retain(|blob| !is_gone(blob));
        besides.retain(|blob| !is_gone(blob));
        if wanted.is_empty() && besides.is_empty() && record.is_none() && order.sharing != Sharing::Leave {
            return Err(WithdrawError::NothingLeft { id: entry.id.to_string() });
        }
        Ok(Self { wanted, besides, record })
    }

    fn all(&self) -> impl Iterator<Item = Hash> {
        self.wanted.iter().chain(&self.besides).copied()
    }
}

/// Returns what others need of a record; nothing for kinds that are never withdrawn.
fn link_of(body: &Body) -> Option<Link> {
    match body {
        Body::Capture(capture) => {
            Some(Link::Capture { document: capture.document, sequence: capture.sequence, previous: capture.previous })
        }
        Body::Check(check) => Some(Link::Check { document: check.document, capture: check.capture }),
        Body::Provision(provision) => Some(Link::Provision { capture: provision.capture }),
        _ => None,
    }
}

/// Returns the page and its renditions, and the bodies and certificates besides. No bytes are nothing to withdraw.
fn parts(visit: &Visit) -> (Vec<Hash>, Vec<Hash>) {
    let nothing = Hash::of(b"");
    let content: BTreeSet<Hash> =
        [visit.primary.sha256].into_iter().chain(visit.renditions.iter().map(|rendition| rendition.sha256)).collect();
    let all = visit.blobs().into_iter().filter(|blob| *blob != nothing);
    all.partition(|blob| content.contains(blob))
}

/// A withdrawal in the making.
struct Draft<'d> {
    log: &'d Log<'d>,
    survey: &'d Survey,
    order: &'d WithdrawOrder,
    entries: BTreeMap<u64, (BTreeSet<Hash>, Option<WithdrawnRecord>)>,
    kept: BTreeMap<Hash, u64>,
}

impl Draft<'_> {
    fn add(&mut self, index: u64, target: &Target) -> Result<(), WithdrawError> {
        self.refuse_held(index)?;
        let mut blobs = BTreeSet::new();
        for blob in &target.wanted {
            if self.is_to_go(*blob)? {
                blobs.insert(*blob);
            }
        }
        for blob in &target.besides {
            match self.survey.others(*blob).first() {
                Some(other) => drop(self.kept.insert(*blob, *other)),
                None => drop(blobs.insert(*blob)),
            }
        }
        if !blobs.is_empty() || target.record.is_some() {
            let entry = self.entries.entry(index).or_default();
            entry.0.append(&mut blobs);
            entry.1.clone_from(&target.record);
        }
        Ok(())
    }

    /// Decides on a blob of a page that others may name too.
    fn is_to_go(&mut self, blob: Hash) -> Result<bool, WithdrawError> {
        if let Some(record) = self.survey.record_of(blob) {
            return Err(WithdrawError::IsRecord { blob, id: self.id(record)?.to_string() });
        }
        let others = self.survey.others(blob);
        match (others.first(), self.order.sharing) {
            (None, _) => Ok(true),
            (Some(other), Sharing::Leave) => {
                self.kept.insert(blob, *other);
                Ok(false)
            }
            (Some(_), Sharing::Refuse) => {
                let others = others.iter().take(NAMED_COUNT_MAX).map(|other| Ok(self.id(*other)?.to_string()));
                Err(WithdrawError::Shared {
                    blob,
                    others: others.collect::<Result<Vec<_>, WithdrawError>>()?.join(", "),
                })
            }
            (Some(_), Sharing::Include) => {
                for other in others.iter().copied() {
                    self.refuse_held(other)?;
                    self.entries.entry(other).or_default().0.insert(blob);
                }
                Ok(true)
            }
        }
    }

    fn refuse_held(&self, index: u64) -> Result<(), WithdrawError> {
        match self.survey.holds.over(index) {
            Some(hold) => {
                let (id, hold) = (self.id(index)?.to_string(), self.id(hold)?.to_string());
                Err(WithdrawError::Held { id, hold })
            }
            None => Ok(()),
        }
    }

    fn id(&self, index: u64) -> Result<Id, WithdrawError> {
        Ok(self.log.entry(index)?.id)
    }

    fn finish(self) -> Result<Plan, WithdrawError> {
        let gone: BTreeSet<Hash> = self.entries.values().flat_map(|(blobs, _)| blobs).copied().collect();
        let records = self.entries.values().filter_map(|(_, record)| record.as_ref()).map(|record| record.sha256);
        let mut size_bytes = 0;
        for blob in gone.iter().copied().chain(records) {
            size_bytes += self.whole_size_bytes(blob)?;
        }
        let asked: BTreeSet<u64> = self.order.ids.iter().map(|id| id.index).collect();
        let ids = |indexes: Vec<u64>| indexes.into_iter().map(|index| self.id(index)).collect::<Result<Vec<_>, _>>();
        let included = ids(self.entries.keys().copied().filter(|index| !asked.contains(index)).collect())?;
        let is_quoted = |(provision, rendition): &&(u64, Hash)| gone.contains(rendition) && !asked.contains(provision);
        let quoted_by = ids(self.survey.quotes.iter().filter(is_quoted).map(|(provision, _)| *provision).collect())?;
        let kept = self.kept.iter().map(|(blob, other)| Ok((*blob, self.id(*other)?)));
        let kept = kept.collect::<Result<Vec<_>, WithdrawError>>()?;
        let entry = |(index, (blobs, record)): (u64, (BTreeSet<Hash>, Option<WithdrawnRecord>))| WithdrawnEntry {
            index,
            blobs: blobs.into_iter().collect(),
            record,
        };
        let withdrawal = Withdrawal {
            manner: self.order.manner,
            reason: self.order.reason.clone(),
            authority: self.order.authority.clone(),
            rule: self.order.rule.clone(),
            entries: self.entries.into_iter().map(entry).collect(),
        };
        Ok(Plan { withdrawal, size_bytes, kept, included, quoted_by })
    }

    /// Returns the size of a blob that is whole: the withdrawal of a damaged one would hide the damage.
    fn whole_size_bytes(&self, blob: Hash) -> Result<u64, WithdrawError> {
        let archive = self.log.archive();
        let copied = match archive.packs().copy(blob, &mut io::sink()) {
            Err(PackError::Missing { .. }) => archive.withheld().copy(blob, &mut io::sink()),
            other => other,
        };
        copied.map_err(|source| WithdrawError::Damaged { blob, source: Box::new(source) })
    }
}

/// How many entries that share a blob are named in an error.
const NAMED_COUNT_MAX: usize = 8;

/// Why nothing was withdrawn.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum WithdrawError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("blob {blob} is not whole, and its withdrawal would hide that")]
    Damaged { blob: Hash, source: Box<PackError> },
    #[error("{hold} holds {id}: nothing of it may be withdrawn until the hold is released")]
    Held { id: String, hold: String },
    #[error("blob {blob} is the record of {id}")]
    IsRecord { blob: Hash, id: String },
    #[error("{id} is not a hold, or was released already")]
    NotHold { id: String },
    #[error("none of the records that were named names the blob {blob}")]
    NotNamed { blob: Hash },
    #[error("of {id} there is nothing left to withdraw")]
    NothingLeft { id: String },
    #[error("a reason and an authority must say something")]
    Unspoken,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("blob {blob} is named by {others} too")]
    Shared { blob: Hash, others: String },
    #[error("{id} is a {kind} record; of captures, checks and provisions content is withdrawn")]
    Unfit { id: String, kind: &'static str },
}
