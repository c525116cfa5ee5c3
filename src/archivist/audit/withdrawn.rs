//! Withdrawals: what is gone is exactly what they name, and what is withheld is whole.
//!
//! They are read before the records are, because they stand behind what they speak of. Each is then checked like any
//! record; one that is damaged makes the archive damaged, whatever it said.
//!
//! | what                                                     | is            |
//! |----------------------------------------------------------|---------------|
//! | a blob that is absent, and named by a withdrawal          | counted       |
//! | a blob that is absent, and named by none                  | damage        |
//! | a blob that is withheld, and not whole in `withheld/`     | damage, unless a copy has no `withheld/`: then it is a mirror, and it is a note |
//! | a withdrawal of what its entry never named                | damage        |
//! | a withdrawal of what was held                             | damage        |
//! | withdrawn bytes that are still there                      | a note        |

use std::collections::{BTreeMap, BTreeSet};

use super::Age;
use super::blobs::{Blobs, Held};
use super::report::AuditReport;

use crate::archivist::read::Log;
use crate::archivist::withdrawals::is_withdrawal;
use crate::base::hash::Hash;
use crate::evidence::record::{Body, Link, Manner, Record, Withdrawal};
use crate::evidence::statement::Statement;
use crate::log::tile::WIDTH_MAX;
use crate::outside::archive::Archive;
use crate::outside::archive::members::MemberReader;
use crate::outside::archive::withdrawn::{Row, WithdrawnList};

/// Everything that was withdrawn.
#[derive(Default)]
pub(super) struct Withdrawals {
    /// The latest word on each blob of each entry.
    said: BTreeMap<(u64, Hash), Said>,
    links: BTreeMap<u64, Link>,
    blobs: BTreeSet<Hash>,
    /// Withdrawn blobs that a later entry names, because they were captured again.
    named_again: BTreeSet<Hash>,
    rows: Vec<Row>,
    /// Whether this is a copy that was given nothing of what is withheld.
    is_mirror: bool,
}

/// What a withdrawal says of one blob.
#[derive(Clone)]
struct Said {
    by: String,
    at: u64,
    manner: Manner,
}

impl Withdrawals {
    /// Says how old the archive may be: a copy without `withheld/` is a mirror.
    pub(super) fn of_age(self, archive: &Archive, age: Age) -> Self {
        Self { is_mirror: age == Age::Older && !archive.withheld().folder().exists(), ..self }
    }

    /// Reads every withdrawal that can be read, also those published since the audit began: what they withdrew may be gone
    /// from under it.
    pub(super) fn read(archive: &Archive, blobs: &Blobs, size: u64, awaited: &[(u64, Vec<u8>)]) -> Self {
        let published = Log::published(archive).map_or(size, |(log, _)| log.size().max(size));
        Self::read_to(archive, blobs, published, awaited)
    }

    fn read_to(archive: &Archive, blobs: &Blobs, size: u64, awaited: &[(u64, Vec<u8>)]) -> Self {
        let mut withdrawals = Self::default();
        let Ok(mut reader) = MemberReader::new(archive.packs()) else { return withdrawals };
        let width = u64::from(WIDTH_MAX);
        for bundle in 0..size.div_ceil(width) {
            // After a loss of power a bundle may be in the journal alone.
            let in_journal = || {
                let of_bundle = awaited.iter().filter(|(index, _)| index / width == bundle);
                of_bundle.map(|(_, statement)| statement.clone()).collect()
            };
            let statements = archive.statements(bundle, size).unwrap_or_else(|_| in_journal());
            let read = |(index, statement): (u64, Vec<u8>)| {
                Some((index, read_withdrawal(archive, blobs, &mut reader, index, &statement)?))
            };
            for (index, (by, withdrawal)) in (bundle * width..).zip(statements).filter_map(read) {
                withdrawals.take(index, &by, &withdrawal);
            }
        }
        withdrawals
    }

    fn take(&mut self, at: u64, by: &str, withdrawal: &Withdrawal) {
        for entry in &withdrawal.entries {
            for blob in entry.hashes() {
                let said = Said { by: by.to_owned(), at, manner: withdrawal.manner };
                self.said.insert((entry.index, blob), said);
                self.blobs.insert(blob);
            }
            self.links.extend(entry.record.as_ref().map(|record| (entry.index, record.link)));
            self.rows.push(Row { entry: entry.index, withdrawal: at });
        }
    }

    /// Says whether a blob of an entry is withdrawn; where it is not, remembers that the entry names it.
    pub(super) fn names(&mut self, index: u64, blob: Hash) -> bool {
        if self.blobs.is_empty() || !self.blobs.contains(&blob) {
            return false;
        }
        let is_named = self.said.contains_key(&(index, blob));
        if !is_named {
            self.named_again.insert(blob);
        }
        is_named
    }

    /// Returns the place of a record that is withdrawn.
    pub(super) fn link(&self, index: u64, record: Hash) -> Option<Link> {
        self.said.contains_key(&(index, record)).then(|| self.links.get(&index).copied()).flatten()
    }

    /// Says what is still there, and what is withheld and lost, once every record was seen.
    pub(super) fn finish(&self, archive: &Archive, size: u64, blobs: &Places<'_>, report: &mut AuditReport) {
        let Places { packs, apart } = blobs;
        let mut remaining: BTreeMap<(u64, &str), u64> = BTreeMap::new();
        let (mut seen, mut absent) = (BTreeSet::new(), 0);
        for ((index, blob), said) in &self.said {
            match said.manner {
                Manner::Erased => report.erased += 1,
                Manner::Withheld => report.withheld += 1,
            }
            if said.manner == Manner::Withheld {
                absent += u64::from(self.check_withheld((*index, *blob), said, blobs, report) == Apart::Absent);
            }
            let is_there = !matches!(packs.find(*blob), Held::Missing) && !self.named_again.contains(blob);
            let is_there_apart = said.manner == Manner::Erased && !matches!(apart.find(*blob), Held::Missing);
            let is_withheld_of_another =
                || self.said.iter().any(|((_, other), said)| other == blob && said.manner == Manner::Withheld);
            if (is_there || (is_there_apart && !is_withheld_of_another())) && seen.insert(*blob) {
                *remaining.entry((said.at, &said.by)).or_default() += 1;
            }
        }
        if absent > 0 {
            report.note(format!("{absent} blob(s) that are withheld are not in this copy: a mirror has none of them"));
        }
        if report.looked.since > 0 {
            remaining.clear(); // Whether they were captured again, the records that were passed over may say.
        }
        for ((_, by), count) in remaining {
            report.note(format!(
                "{count} blob(s) that {by} withdrew are still there: a withdrawal that was cut short leaves them, and an older \
                 copy brings them back; `affiant withdraw --resume` takes them out"
            ));
        }
        let list = WithdrawnList::read(archive.folder(), size);
        let listed: BTreeSet<Row> = list.rows.iter().copied().collect();
        let expected: BTreeSet<Row> = self.rows.iter().copied().filter(|row| row.withdrawal < list.size).collect();
        let is_unreadable = list == WithdrawnList::default() && WithdrawnList::exists(archive.folder());
        if listed != expected || is_unreadable || (list.rows.is_empty() && !self.rows.is_empty()) {
            report.note(
                "`withdrawn` does not list the log's withdrawals; it is derived, and the next writer makes it again",
            );
        }
    }
}

/// Where blobs lie: in the packs, or kept apart.
pub(super) struct Places<'b> {
    pub(super) packs: &'b Blobs,
    pub(super) apart: &'b Blobs,
}

/// Where a blob is that is withheld.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Apart {
    /// In the packs still, or where it is to be, or lost and said to be.
    Accounted,
    /// Not in this copy, which has nothing that is withheld.
    Absent,
}

impl Withdrawals {
    fn check_withheld(
        &self,
        (index, blob): (u64, Hash),
        said: &Said,
        blobs: &Places<'_>,
        report: &mut AuditReport,
    ) -> Apart {
        let found = match (blobs.packs.find(blob), blobs.apart.find(blob)) {
            // A withdrawal that was cut short has not put it apart yet.
            (Held::Whole { .. }, _) | (_, Held::Whole { .. }) => return Apart::Accounted,
            (_, Held::Damaged(found)) => found.to_owned(),
            (_, Held::Missing) if self.is_mirror => return Apart::Absent,
            (_, Held::Missing) => "it is not in `withheld/`".to_owned(),
        };
        let cost = format!("what {} withheld of entry {index} is lost", said.by);
        report.damage(format!("blob {blob}"), found, cost);
        Apart::Accounted
    }
}

/// Reads the withdrawal that a statement is about, when it is about one.
fn read_withdrawal(
    archive: &Archive,
    blobs: &Blobs,
    reader: &mut MemberReader,
    index: u64,
    statement: &[u8],
) -> Option<(String, Withdrawal)> {
    if !is_withdrawal(statement, index) {
        return None;
    }
    let claim = Statement::decode(statement).ok()?.claim;
    let bytes = blobs.read(claim.record, reader).or_else(|| archive.packs().read_listed(claim.record).ok()?)?;
    match Record::decode(&bytes).ok()? {
        Record { body: Body::Withdrawal(withdrawal), index: at, .. } if at == index => {
            Some((claim.subject, withdrawal))
        }
        _ => None,
    }
}
