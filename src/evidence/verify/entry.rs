//! Entries: that the archive signed a record, and that it is where it says in the log.
//!
//! Entry 0 and the key records are checked first: they name the keys for statements, and from which entry to which each
//! counts. Whether these are the right ones follows from the checkpoint, which covers them and is signed by the log that
//! the reader trusts.

use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;

use super::checkpoint::Head;
use super::finding::{Check, Finding, NOBODY};
use super::source::{EntryBytes, Source};

use crate::base::hash::Hash;
use crate::base::id::{Id, Prefix};
use crate::evidence::record::{self as evidence, Body, Document, Genesis, Link, Record, Withdrawal};
use crate::evidence::statement::Statement;
use crate::log::key::Ed25519PublicKey;
use crate::log::merkle::leaf_hash;
use crate::log::receipt::Receipt;
use crate::log::vkey::NotePublicKey;

/// How many entries one verification may lean on: a history of this many captures.
pub(super) const ENTRY_COUNT_MAX: usize = 100_000;

/// A record that was read, with whatever its checks found.
#[derive(Clone, Debug)]
pub(super) struct VerifiedEntry {
    pub(super) id: Id,
    pub(super) record: Record,
    pub(super) record_sha256: Hash,
    pub(super) entry: Hash,
}

/// The entries of one verification, each checked once.
pub(super) struct Entries<'s> {
    source: &'s dyn Source,
    head: &'s Head,
    genesis: Option<Genesis>,
    checked: HashMap<u64, Option<Rc<VerifiedEntry>>>,
    /// Entries whose record a verified withdrawal names.
    withdrawn: HashMap<u64, WithdrawnEntry>,
    findings: Vec<Finding>,
}

/// An entry whose record is not to be had, because it was withdrawn.
#[derive(Clone, Debug)]
pub(super) struct WithdrawnEntry {
    /// Its statement's SHA-256.
    pub(super) entry: Hash,
    /// What the withdrawal says of the record's place.
    pub(super) link: Link,
    /// Who withdrew it, when and why.
    pub(super) words: String,
}

/// A verified withdrawal, as it speaks of one entry.
#[derive(Clone, Debug)]
pub(super) struct Withdrawing {
    said: evidence::WithdrawnEntry,
    words: String,
}

impl Withdrawing {
    /// Says whether a blob is withdrawn.
    pub(super) fn names(&self, blob: Hash) -> bool {
        self.said.names(blob)
    }

    /// Returns who withdrew it, when and why.
    pub(super) fn words(&self) -> &str {
        &self.words
    }
}

impl<'s> Entries<'s> {
    /// Begins with entry 0.
    pub(super) fn new(source: &'s dyn Source, head: &'s Head) -> Self {
        let mut entries = Self {
            source,
            head,
            genesis: None,
            checked: HashMap::new(),
            withdrawn: HashMap::new(),
            findings: Vec::new(),
        };
        entries.read_genesis();
        for index in source.key_records().unwrap_or_default() {
            entries.entry(index); // That they cannot be had is said of the keys.
        }
        entries
    }

    /// Returns what was found and is not taken yet.
    pub(super) fn findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Returns the archive's key for the statement at `index`, as `ssh-keygen -l` prints it.
    pub(super) fn fingerprint(&self, index: u64) -> Option<String> {
        self.head.succession.as_ref()?.statement_key(index).as_ref().map(Ed25519PublicKey::fingerprint)
    }

    /// Returns where the bytes come from.
    pub(super) fn source(&self) -> &'s dyn Source {
        self.source
    }

    /// Checks the subject itself.
    pub(super) fn subject(&mut self, id: &Id) -> Option<Rc<VerifiedEntry>> {
        let entry = self.entry(id.index)?;
        if entry.id != *id {
            self.findings.push(Finding::fails(
                Check::Signature,
                id.to_string(),
                format!("the record of `{}`", entry.id),
            ));
            return None;
        }
        Some(entry)
    }

    /// Checks the entry at `index`, once.
    pub(super) fn entry(&mut self, index: u64) -> Option<Rc<VerifiedEntry>> {
        if let Some(checked) = self.checked.get(&index) {
            return checked.clone();
        }
        if self.checked.len() >= ENTRY_COUNT_MAX {
            let expected = format!("at most {ENTRY_COUNT_MAX} entries to lean on");
            self.findings.push(Finding::missing(Check::History, expected, "more"));
            return None;
        }
        let entry = self.check(index).map(Rc::new);
        self.checked.insert(index, entry.clone());
        entry
    }

    /// Returns what is withdrawn of the entry at `index`, the latest word first. Only a withdrawal that was verified as an
    /// entry of its own, behind the one that it speaks of, is believed.
    pub(super) fn withdrawing(&mut self, index: u64) -> Vec<Withdrawing> {
        let named = match self.source.withdrawals(index) {
            Ok(named) => named,
            Err(error) => {
                let expected = format!("what is withdrawn of entry {index}");
                self.findings.push(Finding::fails(Check::Content, expected, error.to_string()));
                return Vec::new();
            }
        };
        let mut withdrawing = Vec::new();
        for at in named.into_iter().rev().filter(|at| *at > index) {
            let Some(entry) = self.entry(at) else { continue };
            let Body::Withdrawal(withdrawal) = &entry.record.body else { continue };
            let Some(said) = withdrawal.of(index) else { continue };
            let Withdrawal { manner, reason, authority, .. } = withdrawal;
            let (manner, id, made) = (manner.as_str(), &entry.id, entry.record.made.to_second());
            let words = format!("{manner} by {id} of {made}: {reason} (authority: {authority})");
            withdrawing.push(Withdrawing { said: said.clone(), words });
        }
        withdrawing
    }

    /// Returns the entry at `index` when its record was withdrawn; it was asked for before.
    pub(super) fn withdrawn(&self, index: u64) -> Option<&WithdrawnEntry> {
        self.withdrawn.get(&index)
    }

    /// Says that what a check needs is not there: withdrawn, or missing.
    pub(super) fn absent(&self, check: Check, index: u64, expected: impl Into<String>) -> Finding {
        match self.withdrawn(index) {
            Some(withdrawn) => Finding::not_shown(check, expected, format!("its record was {}", withdrawn.words)),
            None => Finding::missing(check, expected, "nothing"),
        }
    }

    /// Returns the document of the record at `index`.
    pub(super) fn document(&mut self, index: u64) -> Option<Document> {
        match &self.entry(index)?.record.body {
            Body::Document(document) => Some(document.clone()),
            _ => None,
        }
    }

    fn read_genesis(&mut self) {
        let expected = "entry 0, which names the archive's keys";
        let Some(entry) = self.read(0) else {
            self.findings.push(Finding::missing(Check::Signature, expected, "no entry 0"));
            return;
        };
        let Some(record) = entry.record.as_deref().and_then(|bytes| Record::decode(bytes).ok()) else {
            self.findings.push(Finding::missing(Check::Signature, expected, format!("no record in `{}`", entry.name)));
            return;
        };
        let Body::Genesis(genesis) = record.body else {
            self.findings.push(Finding::fails(Check::Signature, expected, format!("a {} record", record.body.kind())));
            return;
        };
        if genesis.statement_key().is_none() {
            self.findings.push(Finding::fails(Check::Signature, "an Ed25519 key for statements in entry 0", "none"));
        }
        self.genesis = Some(genesis);
        self.entry(0);
    }

    fn read(&mut self, index: u64) -> Option<EntryBytes> {
        match self.source.entry(index) {
            Ok(entry) => entry,
            Err(error) => {
                self.findings.push(Finding::fails(Check::Content, format!("entry {index}"), error.to_string()));
                None
            }
        }
    }

    fn check(&mut self, index: u64) -> Option<VerifiedEntry> {
        let Some(bytes) = self.read(index) else {
            self.findings.push(Finding::missing(Check::Signature, format!("entry {index}"), "nothing"));
            return None;
        };
        let name = &bytes.name;
        if bytes.record.is_none() && self.check_withdrawn(index, &bytes) {
            return None;
        }
        let (Some(record_bytes), Some(statement_bytes)) = (&bytes.record, &bytes.statement) else {
            let found = if bytes.record.is_some() { "no statement" } else { "no record" };
            self.findings.push(Finding::missing(Check::Signature, format!("record and statement of `{name}`"), found));
            return None;
        };
        let record = match Record::decode(record_bytes) {
            Ok(record) => record,
            Err(error) => {
                self.findings.push(Finding::fails(
                    Check::Signature,
                    format!("a record in `{name}`"),
                    error.to_string(),
                ));
                return None;
            }
        };
        let statement = match Statement::decode(statement_bytes) {
            Ok(statement) => statement.with(bytes.fitting),
            Err(error) => {
                self.findings.push(Finding::fails(
                    Check::Signature,
                    format!("a statement in `{name}`"),
                    error.to_string(),
                ));
                return None;
            }
        };
        let prefix = self.genesis.as_ref().and_then(|genesis| Prefix::new(&genesis.prefix).ok())?;
        let id = record.id(&prefix);
        let record_sha256 = Hash::of(record_bytes);
        let entry = VerifiedEntry { id, record, record_sha256, entry: statement.entry() };
        self.check_signature(index, name, &entry, &statement);
        let placed = Placed { index, id: &entry.id, origin: &entry.record.origin, entry: entry.entry };
        self.check_inclusion(&bytes, &placed);
        Some(entry)
    }

    /// Checks an entry whose record is not there as far as its statement goes, when a withdrawal names that very record.
    fn check_withdrawn(&mut self, index: u64, bytes: &EntryBytes) -> bool {
        let Some(statement) = bytes.statement.as_deref().and_then(|bytes| Statement::decode(bytes).ok()) else {
            return false;
        };
        let (claim, entry) = (&statement.claim, statement.entry());
        let Some(prefix) = self.genesis.as_ref().and_then(|genesis| Prefix::new(&genesis.prefix).ok()) else {
            return false;
        };
        let found = self.withdrawing(index).into_iter().find_map(|one| {
            let record = one.said.record.as_ref().filter(|record| record.sha256 == claim.record)?;
            Some(WithdrawnEntry { entry, link: record.link, words: one.words })
        });
        let Some(withdrawn) = found else { return false };
        let id = Id { prefix, letter: withdrawn.link.letter(), index };
        if claim.subject != id.to_string() {
            let expected = format!("the statement's subject {id} in `{}`", bytes.name);
            self.findings.push(Finding::fails(Check::Signature, expected, claim.subject.clone()));
        }
        self.check_key(&bytes.name, &statement, index);
        self.check_inclusion(bytes, &Placed { index, id: &id, origin: &claim.issuer, entry });
        self.withdrawn.insert(index, withdrawn);
        true
    }

    fn check_signature(&mut self, index: u64, name: &str, entry: &VerifiedEntry, statement: &Statement) {
        let (claim, record) = (&statement.claim, &entry.record);
        self.compare(name, "SHA-256 of the record", &claim.record, &entry.record_sha256);
        self.compare(name, "the statement's subject", &entry.id.to_string(), &claim.subject);
        self.compare(name, "the statement's issuer", &record.origin, &claim.issuer);
        self.compare(name, "the statement's time", &record.made.to_second(), &claim.issued_at);
        self.compare(name, "the record's index", &index, &record.index);
        if record.after.size > index {
            let expected = format!("a record made after a log of at most {index} entries in `{name}`");
            self.findings.push(Finding::fails(Check::Signature, expected, format!("one of {}", record.after.size)));
        }
        if self.check_key_record(index, name, record) {
            self.check_key(name, statement, index);
        }
    }

    fn compare<T: Display + PartialEq>(&mut self, name: &str, what: &str, expected: &T, found: &T) {
        if expected != found {
            let expected = format!("{what} {expected} in `{name}`");
            self.findings.push(Finding::fails(Check::Signature, expected, found.to_string()));
        }
    }

    /// A record names the newest key record before it: so none between two can be left out. Says whether it can be told
    /// which key counts.
    fn check_key_record(&mut self, index: u64, name: &str, record: &Record) -> bool {
        let Some(succession) = &self.head.succession else { return false };
        let newest = succession.newest_before(index);
        if record.key_record == newest {
            return true;
        }
        let named = |at: Option<u64>| at.map_or_else(|| "none".to_owned(), |at| format!("entry {at}"));
        self.findings.push(match record.key_record {
            Some(at) if newest.is_none_or(|newest| newest < at) => {
                Finding::missing(Check::Signature, format!("entry {at}, the key record that `{name}` names"), "nothing")
            }
            other => {
                let expected = format!("{} as the newest key record before `{name}`", named(newest));
                Finding::fails(Check::Signature, expected, named(other))
            }
        });
        record.key_record <= newest
    }

    fn check_key(&mut self, name: &str, statement: &Statement, index: u64) {
        let Some(succession) = &self.head.succession else { return };
        let Some(key) = succession.statement_key(index) else { return };
        let fingerprint = key.fingerprint();
        self.findings.push(match succession.objection(statement, index) {
            None => {
                let relies_on = format!("who vouches for the archive's key {fingerprint}");
                Finding::holds(Check::Signature, format!("signed by {fingerprint}"), relies_on)
            }
            Some(found) => {
                let expected = format!("the signature of {fingerprint} over `{name}`");
                Finding::fails(Check::Signature, expected, found)
            }
        });
    }

    fn check_inclusion(&mut self, bytes: &EntryBytes, entry: &Placed<'_>) {
        let (name, index) = (&bytes.name, entry.index);
        let Some(checkpoint) = &self.head.checkpoint else { return }; // Said already, by the checkpoint's own check.
        let Some(given) = &bytes.proof else {
            self.findings.push(Finding::missing(Check::Inclusion, format!("a proof for `{name}`"), "none"));
            return;
        };
        let fails = |expected: String, found: String| Finding::fails(Check::Inclusion, expected, found);
        let proof = match given.parsed() {
            Ok(proof) => proof,
            Err(error) => {
                self.findings.push(fails(format!("a tlog-proof in `{name}`"), error.to_string()));
                return;
            }
        };
        if proof.extra.is_some() {
            let found = "an `extra` line, which nobody signed".to_owned();
            self.findings.push(fails(format!("a tlog-proof in `{name}` that says nothing more"), found));
        }
        if Some(proof.checkpoint.as_slice()) != self.head.bytes.as_deref() {
            self.findings.push(fails(
                format!("the proof of `{name}` over the checkpoint at hand"),
                "another checkpoint".to_owned(),
            ));
            return;
        }
        if entry.origin != checkpoint.origin.as_str() {
            self.findings.push(fails(
                format!("a record of the log `{}` in `{name}`", checkpoint.origin),
                format!("one of `{}`", entry.origin),
            ));
        }
        if proof.index != index {
            self.findings.push(fails(
                format!("a proof for entry {index} in `{name}`"),
                format!("one for entry {}", proof.index),
            ));
            return;
        }
        let leaf = leaf_hash(entry.entry.as_bytes());
        let tree = (checkpoint.root, checkpoint.size);
        let is_known = given.included().is_some_and(|included| included.is_of(leaf, index, tree));
        let shown = if is_known { Ok(()) } else { proof.inclusion(checkpoint.size).verify(leaf, checkpoint.root) };
        self.findings.push(match shown {
            Ok(()) => {
                let found = format!("entry {index} of {} under root {}", checkpoint.size, checkpoint.root);
                Finding::holds(Check::Inclusion, found, NOBODY)
            }
            Err(error) => fails(format!("`{name}` as entry {index} under root {}", checkpoint.root), error.to_string()),
        });
        if let Some(receipt) = &bytes.receipt {
            self.check_receipt(name, receipt, entry);
        }
    }

    /// The receipt says the same as the proof, in the form that SCITT tools read: it must not say anything else.
    fn check_receipt(&mut self, name: &str, receipt: &[u8], entry: &Placed<'_>) {
        let Some(checkpoint) = &self.head.checkpoint else { return };
        let keys = self.head.succession.as_ref().map(|keys| keys.checkpoint_keys(checkpoint.size.saturating_sub(1)));
        let keys = keys.unwrap_or_default();
        let is_signed = |message: &[u8], signature: &[u8]| {
            keys.iter().any(|key| match key.key() {
                NotePublicKey::Ed25519(key) => key.verify(message, signature).is_ok(),
                _ => false,
            })
        };
        let checked = Receipt::parse(receipt).and_then(|receipt| {
            let root = receipt.verify(entry.entry, is_signed)?;
            let proof = &receipt.proofs()[0];
            let says_same = root == checkpoint.root
                && proof.index == entry.index
                && receipt.signed_tree_size() == Some(checkpoint.size)
                && receipt.origin() == Some(checkpoint.origin.as_str())
                && receipt.subject() == Some(entry.id.to_string().as_str());
            Ok(says_same)
        });
        let expected = format!("the receipt of `{name}` to say what its proof says");
        match checked {
            Ok(true) => {}
            Ok(false) => {
                let found = "another entry, size, root or origin";
                self.findings.push(Finding::fails(Check::Inclusion, expected, found));
            }
            Err(error) => self.findings.push(Finding::fails(Check::Inclusion, expected, error.to_string())),
        }
    }
}

/// What an entry says of its place.
struct Placed<'e> {
    index: u64,
    id: &'e Id,
    origin: &'e str,
    entry: Hash,
}
