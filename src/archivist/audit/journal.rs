//! The journal: what was published and is not durable in its place yet.
//!
//! While a writer is at work, and after a crash until the next one, some files may not be what the checkpoint promises
//! although nothing is lost: the journal has it. Such damage is a note. What is excused is exactly what the next writer will
//! write, found out by doing what it will do without writing ([`Replay`]):
//!
//! | damage                    | is excused when                                                                   |
//! |---------------------------|-----------------------------------------------------------------------------------|
//! | a tile, or an entry in it | the replay writes that file, or a wider one in its place                           |
//! | a blob                    | the journal's own bytes give it, hashed, with all that it leans on                 |
//! | the checkpoint            | it and the newest that is remembered are unreadable, or of a tree that the replay gives |
//! | entry 0                   | its statement is in the journal or before it, and so is its record                 |
//!
//! Where the writer would refuse, because the journal is of another copy or what it goes on from is damaged, nothing is.

use std::collections::BTreeSet;

use super::blobs::{Blobs, Held};
use super::report::{AuditReport, Damage};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::evidence::record::{Body, Record, Visit, WithdrawnEntry};
use crate::evidence::statement::{Claim, Statement};
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::journal::Found;
use crate::log::tile::{Tile, WIDTH_MAX};
use crate::outside::archive::Archive;
use crate::outside::archive::journal;
use crate::outside::archive::replay::Replay;

/// What puts right what a crash cut short.
const REMEDY: &str = "`affiant init`, or any command that writes, puts it in its place";

/// A journal that awaits its replay.
pub(super) struct Awaited {
    found: Found,
    newest: Option<Vec<u8>>,
}

impl Awaited {
    /// Reads the journal, if there is one.
    pub(super) fn read(archive: &Archive, newest: Option<&[u8]>, report: &mut AuditReport) -> Option<Self> {
        let nothing = "`journal` holds no publication that can be read: a crash while it began leaves such a one, and the \
                       next command that writes removes it";
        match journal::read(archive.folder()) {
            Ok(Some(found)) if !found.commits.is_empty() => Some(Self { found, newest: newest.map(<[u8]>::to_vec) }),
            Ok(_) if journal::path_in(archive.folder()).exists() => {
                report.note(nothing);
                None
            }
            Ok(_) => None,
            Err(error) => {
                report.note(format!("{}: it is passed over here", with_causes(&error)));
                None
            }
        }
    }

    /// Returns how many entries the log has with the journal.
    pub(super) fn size(&self) -> u64 {
        self.found.size()
    }

    /// Returns the statements from the bundle on that the journal goes on with, each with its index; those before it only
    /// where they can be read.
    pub(super) fn statements(&self, archive: &Archive) -> Vec<(u64, Vec<u8>)> {
        let (size, width) = (self.found.base.size, u64::from(WIDTH_MAX));
        let standing = archive.statements(size / width, size).unwrap_or_default(); // None where the bundle is not begun.
        let added = self.found.commits.iter().flat_map(|commit| commit.statements.iter().cloned());
        (size - size % width..).zip(standing).chain((size..).zip(added)).collect()
    }

    /// Turns the damage that the journal will put right into notes.
    pub(super) fn excuse(&self, archive: &Archive, blobs: &Blobs, report: &mut AuditReport) {
        let (count, size) = (self.found.commits.len(), self.found.size());
        report.note(format!(
            "the journal holds {count} publication(s), up to {size} entries: a writer is at work, or a crash came before \
             it ended, and then {REMEDY}"
        ));
        if report.damage.is_empty() {
            return;
        }
        let replay = match Replay::of(archive, &self.found) {
            Ok(replay) => replay,
            Err(error) => return report.note(format!("the journal puts nothing right: {}", with_causes(&error))),
        };
        let awaiting = Awaiting { archive, is_taken: self.is_taken(archive, &replay), replay };
        let (awaited, damage) = std::mem::take(&mut report.damage).into_iter().partition(|one| awaiting.mends(one));
        report.damage = damage;
        let awaited: Vec<Damage> = awaited;
        if !awaited.is_empty() {
            awaiting.check_records(&self.statements(archive), blobs, report);
        }
        for Damage { thing, found, .. } in awaited {
            report.note(format!("{thing}: {found}; nothing is lost, the journal has it"));
        }
    }

    /// Says whether the next writer will take up the journal's log: whether what can be read of the published and the
    /// remembered checkpoint is of it.
    fn is_taken(&self, archive: &Archive, replay: &Replay<'_>) -> bool {
        let published = archive.checkpoint().ok().flatten();
        let fits = |bytes: &[u8], is_foreign: bool| {
            // A loss of power may leave anything in place of the checkpoint.
            let Ok(signed) = SignedCheckpoint::parse(bytes) else { return true };
            let checkpoint = signed.checkpoint();
            if checkpoint.origin.as_str() != archive.settings().origin {
                return is_foreign;
            }
            replay.root_at(archive, checkpoint.size) == Some(checkpoint.root)
        };
        // The keyring may be another archive's; a checkpoint of another log in place of this one's is refused.
        published.is_none_or(|bytes| fits(&bytes, false))
            && self.newest.as_deref().is_none_or(|bytes| fits(bytes, true))
    }
}

/// What the next writer will put right.
struct Awaiting<'a> {
    archive: &'a Archive,
    replay: Replay<'a>,
    is_taken: bool,
}

impl Awaiting<'_> {
    fn mends(&self, damage: &Damage) -> bool {
        let thing = damage.thing.as_str();
        if !self.is_taken {
            return false;
        }
        if thing == "checkpoint" {
            return true;
        }
        if thing == "entry 0" {
            return self.founds();
        }
        let file =
            thing.strip_prefix("entry ").and_then(|entry| entry.split_once(" in ")).map_or(thing, |(_, file)| file);
        if let Ok(tile) = file.parse::<Tile>() {
            return self.replay.puts(&tile);
        }
        let blob = thing.strip_prefix("blob ").and_then(|hash| hash.parse::<Hash>().ok());
        blob.is_some_and(|hash| self.replay.read(hash).is_some())
    }

    /// Holds the entries that the replay will put in their place to their records and what those name: where a bundle of
    /// statements is not there yet, nobody else has looked.
    fn check_records(&self, statements: &[(u64, Vec<u8>)], blobs: &Blobs, report: &mut AuditReport) {
        let claims =
            statements.iter().filter_map(|(index, bytes)| Some((*index, Statement::decode(bytes).ok()?.claim)));
        let read = |hash: Hash| self.replay.read(hash).or_else(|| self.archive.packs().read(hash).ok());
        let record = |claim: &Claim| read(claim.record).and_then(|bytes| Record::decode(&bytes).ok());
        let entries: Vec<(u64, Claim, Option<Record>)> =
            claims.map(|(index, claim)| (index, claim.clone(), record(&claim))).collect();
        // A withdrawal stands behind what it withdraws, and so among these.
        let withdrawals = entries.iter().filter_map(|(_, _, record)| match &record.as_ref()?.body {
            Body::Withdrawal(withdrawal) => Some(withdrawal),
            _ => None,
        });
        let named = |entry: &WithdrawnEntry| entry.hashes().map(|hash| (entry.index, hash)).collect::<Vec<_>>();
        let withdrawn: BTreeSet<(u64, Hash)> =
            withdrawals.flat_map(|withdrawal| &withdrawal.entries).flat_map(named).collect();
        for (index, claim, record) in entries {
            let subject = &claim.subject;
            let is_lost = |blob: Hash| {
                let is_whole = matches!(blobs.find(blob), Held::Whole { .. }) || self.replay.read(blob).is_some();
                !is_whole && !withdrawn.contains(&(index, blob))
            };
            match record {
                Some(record) => {
                    let parts = record.body.visit().map(Visit::blobs).unwrap_or_default();
                    let lost = parts.into_iter().filter(|blob| is_lost(*blob));
                    lost.for_each(|blob| lose(blob, &format!("a part of {subject}"), blobs, report));
                }
                None if withdrawn.contains(&(index, claim.record)) => {}
                None => lose(claim.record, &format!("the record of {subject}"), blobs, report),
            }
        }
    }

    /// Says whether entry 0 will be there whole.
    fn founds(&self) -> bool {
        let statement = self.replay.first_statement(self.archive).and_then(|bytes| Statement::decode(&bytes).ok());
        let record = statement.map(|statement| statement.claim.record);
        record.is_some_and(|record| self.replay.read(record).is_some() || self.archive.packs().read(record).is_ok())
    }
}

/// Says that a blob is lost, unless that is said already.
fn lose(blob: Hash, part: &str, blobs: &Blobs, report: &mut AuditReport) {
    let thing = format!("blob {blob}");
    if report.damage.iter().any(|damage| damage.thing == thing) {
        return;
    }
    let found = match blobs.find(blob) {
        Held::Damaged(found) => found,
        Held::Whole { .. } | Held::Missing => "neither a pack nor the journal has it",
    };
    report.damage(thing, found, format!("{part} is lost"));
}
