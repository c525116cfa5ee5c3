//! History: each capture of a document names the one before, and none is missing between.
//!
//! The chain runs backwards from the subject to the first capture. `previous` is the SHA-256 of a statement,
//! so an earlier capture cannot be exchanged without its successor saying so, and `sequence` counts without
//! gaps down to 1. That nothing came *after* the subject is not claimed.

use super::entry::{Entries, VerifiedEntry};
use super::finding::{Check, Finding, NOBODY};

use crate::evidence::record::{Body, Capture, Check as CheckRecord, Document, Visit};

/// Checks the chain from the subject back to the first capture of its document.
pub(super) fn check(entry: &VerifiedEntry, entries: &mut Entries<'_>) -> Vec<Finding> {
    let finding = match &entry.record.body {
        Body::Capture(capture) => chain(entry.record.index, capture, entries),
        Body::Check(check) => confirms(check, entries),
        Body::Provision(provision) => match entries.entry(provision.capture).map(|entry| entry.record.body) {
            Some(Body::Capture(capture)) => chain(provision.capture, &capture, entries),
            Some(other) => Finding::fails(Check::History, "a quoted capture", format!("a quoted {}", other.kind())),
            None => {
                Finding::missing(Check::History, format!("the quoted capture, entry {}", provision.capture), "nothing")
            }
        },
        Body::Document(_) => match history_of(entry.record.index, entries) {
            Ok(_) => return entries.findings(),
            Err(finding) => finding,
        },
        Body::Genesis(_) | Body::Withdrawal(_) | Body::Hold(_) => return entries.findings(),
    };
    [vec![finding], entries.findings()].concat()
}

/// A check must have found what its capture had found, of the same document.
fn confirms(check: &CheckRecord, entries: &mut Entries<'_>) -> Finding {
    let Some(earlier) = entries.entry(check.capture) else {
        return Finding::missing(
            Check::History,
            format!("the capture that is confirmed, entry {}", check.capture),
            "nothing",
        );
    };
    let Body::Capture(capture) = &earlier.record.body else {
        return Finding::fails(
            Check::History,
            "a capture that is confirmed",
            format!("a {}", earlier.record.body.kind()),
        );
    };
    if capture.visit.likeness() != check.visit.likeness() {
        return Finding::fails(Check::History, format!("the text of `{}`", earlier.id), "another text or outcome");
    }
    if let Some(finding) = same_document(capture.document, check.document, entries)
        .or_else(|| visits(check.document, &check.visit, entries))
    {
        return finding;
    }
    chain(check.capture, capture, entries)
}

fn chain(index: u64, newest: &Capture, entries: &mut Entries<'_>) -> Finding {
    let (mut index, mut capture) = (index, newest.clone());
    loop {
        if let Some(finding) = visits(capture.document, &capture.visit, entries) {
            return finding;
        }
        let Some(previous) = capture.previous else {
            if capture.sequence == 1 {
                let found = format!("{} capture(s), each naming the one before", newest.sequence);
                return Finding::holds(Check::History, found, NOBODY);
            }
            return Finding::fails(Check::History, format!("a capture before entry {index}"), "none is named");
        };
        if capture.sequence <= 1 {
            return Finding::fails(
                Check::History,
                format!("nothing before entry {index}, the first capture"),
                "a capture is named",
            );
        }
        let Some(earlier) = entries.predecessor(index, previous) else {
            let expected = format!("the capture before entry {index}, whose statement has SHA-256 {previous}");
            return Finding::missing(Check::History, expected, "nothing");
        };
        let Body::Capture(before) = earlier.record.body else {
            return Finding::fails(Check::History, "a capture in the chain", format!("`{}`", earlier.id));
        };
        if before.sequence != capture.sequence - 1 || earlier.record.index >= index {
            let expected = format!("capture {} before entry {index}", capture.sequence - 1);
            return Finding::fails(
                Check::History,
                expected,
                format!("capture {} at entry {}", before.sequence, earlier.record.index),
            );
        }
        if let Some(finding) = same_document(before.document, capture.document, entries) {
            return finding;
        }
        (index, capture) = (earlier.record.index, *before);
    }
}

/// Two records speak of one document when one's record amends the other's, or they are the same record.
fn same_document(earlier: u64, later: u64, entries: &mut Entries<'_>) -> Option<Finding> {
    match (history_of(earlier, entries), history_of(later, entries)) {
        (Ok(a), Ok(b)) if a.first == b.first => None,
        (Ok(a), Ok(b)) => {
            let found = format!("documents {} and {}", a.first, b.first);
            Some(Finding::fails(Check::History, "captures of one document", found))
        }
        (Err(finding), _) | (_, Err(finding)) => Some(finding),
    }
}

/// A document's history: it goes on under its first record, whichever record amends it.
struct History {
    first: u64,
    url: String,
}

/// Finds the history of the document that the record at `index` says.
fn history_of(index: u64, entries: &mut Entries<'_>) -> Result<History, Finding> {
    let document = read_document(index, entries)?;
    let Some(first) = document.amends else { return Ok(History { first: index, url: document.url }) };
    let amended = read_document(first, entries)?;
    if first >= index || amended.amends.is_some() || amended.key() != document.key() {
        let expected = format!("entry {index} to amend the first record of the same document");
        return Err(Finding::fails(Check::History, expected, format!("entry {first}")));
    }
    Ok(History { first, url: document.url })
}

fn read_document(index: u64, entries: &mut Entries<'_>) -> Result<Document, Finding> {
    let expected = format!("the document, entry {index}");
    match entries.entry(index).map(|entry| entry.record.body) {
        Some(Body::Document(document)) => Ok(document),
        Some(other) => Err(Finding::fails(Check::History, expected, format!("a {}", other.kind()))),
        None => Err(Finding::missing(Check::History, expected, "nothing")),
    }
}

/// A visit must be of its document: the address that was asked for is the one that is followed.
fn visits(document: u64, visit: &Visit, entries: &mut Entries<'_>) -> Option<Finding> {
    match history_of(document, entries) {
        Ok(history) if history.url == visit.target => None,
        Ok(history) => {
            let expected = format!("a visit of `{}`, as entry {document} says", history.url);
            Some(Finding::fails(Check::History, expected, format!("one of `{}`", visit.target)))
        }
        Err(finding) => Some(finding),
    }
}

impl Entries<'_> {
    /// Finds the earlier capture whose statement has the given hash. The hash does not say its index: the
    /// source lists which entries it holds.
    fn predecessor(&mut self, index: u64, statement: crate::base::hash::Hash) -> Option<VerifiedEntry> {
        let candidate = self.source().find_statement(statement, index).ok().flatten()?;
        self.entry(candidate).filter(|entry| entry.entry == statement)
    }
}
