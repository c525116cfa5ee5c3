//! History: each capture of a document names the one before, and none is missing between.
//!
//! The chain runs backwards from the subject to the first capture. `previous` is the SHA-256 of a statement,
//! so an earlier capture cannot be exchanged without its successor saying so, and `sequence` counts without
//! gaps down to 1. That nothing came *after* the subject is not claimed.

use std::rc::Rc;

use super::entry::{Entries, VerifiedEntry};
use super::finding::{Check, Finding, NOBODY};

use crate::base::hash::Hash;
use crate::evidence::record::{Body, Capture, Check as CheckRecord, Document, Link, Visit};

/// Checks the chain from the subject back to the first capture of its document.
pub(super) fn check(entry: &VerifiedEntry, entries: &mut Entries<'_>) -> Vec<Finding> {
    let finding = match &entry.record.body {
        Body::Capture(capture) => chain(entry.record.index, capture, entries),
        Body::Check(check) => confirms(check, entries),
        Body::Provision(provision) => match entries.entry(provision.capture).as_ref().map(|entry| &entry.record.body) {
            Some(Body::Capture(capture)) => chain(provision.capture, capture, entries),
            Some(other) => Finding::fails(Check::History, "a quoted capture", format!("a quoted {}", other.kind())),
            None => {
                let expected = format!("the quoted capture, entry {}", provision.capture);
                entries.absent(Check::History, provision.capture, expected)
            }
        },
        Body::Document(_) => match history_of(entry.record.index, entries) {
            Ok(_) => return entries.findings(),
            Err(finding) => finding,
        },
        Body::Genesis(_) | Body::Anchor(_) | Body::Withdrawal(_) | Body::Hold(_) | Body::Key(_) => {
            return entries.findings();
        }
    };
    [vec![finding], entries.findings()].concat()
}

/// A check must have found what its capture had found, of the same document.
fn confirms(check: &CheckRecord, entries: &mut Entries<'_>) -> Finding {
    let Some(earlier) = entries.entry(check.capture) else {
        let expected = format!("the capture that is confirmed, entry {}", check.capture);
        return entries.absent(Check::History, check.capture, expected);
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

/// One capture of a chain, as its record says it or the withdrawal of its record.
struct Step {
    index: u64,
    document: u64,
    sequence: u64,
    previous: Option<Hash>,
}

impl Step {
    fn of(index: u64, capture: &Capture) -> Self {
        Self { index, document: capture.document, sequence: capture.sequence, previous: capture.previous }
    }
}

fn chain(index: u64, newest: &Capture, entries: &mut Entries<'_>) -> Finding {
    if let Some(finding) = visits(newest.document, &newest.visit, entries) {
        return finding;
    }
    let mut step = Step::of(index, newest);
    let mut withdrawn = Vec::new();
    loop {
        let Step { index, document, sequence, previous } = step;
        let Some(previous) = previous else {
            if sequence != 1 {
                return Finding::fails(Check::History, format!("a capture before entry {index}"), "none is named");
            }
            return whole(newest.sequence, &withdrawn);
        };
        if sequence <= 1 {
            let expected = format!("nothing before entry {index}, the first capture");
            return Finding::fails(Check::History, expected, "a capture is named");
        }
        let earlier = match entries.predecessor(index, previous) {
            Predecessor::Read(entry) => match &entry.record.body {
                Body::Capture(capture) => match visits(capture.document, &capture.visit, entries) {
                    None => Step::of(entry.record.index, capture),
                    Some(finding) => return finding,
                },
                _ => return Finding::fails(Check::History, "a capture in the chain", format!("`{}`", entry.id)),
            },
            Predecessor::Withdrawn(index, Link::Capture { document, sequence, previous }, words) => {
                withdrawn.push(format!("the record of capture {sequence} was {words}"));
                Step { index, document, sequence, previous }
            }
            Predecessor::Withdrawn(..) => {
                return Finding::fails(Check::History, "a capture in the chain", "a withdrawn record of another kind");
            }
            Predecessor::Nothing => {
                let expected = format!("the capture before entry {index}, whose statement has SHA-256 {previous}");
                if !entries.source().is_whole() {
                    return Finding::not_shown(Check::History, expected, "it is not here");
                }
                return Finding::missing(Check::History, expected, "nothing");
            }
        };
        if earlier.sequence != sequence - 1 || earlier.index >= index {
            let found = format!("capture {} at entry {}", earlier.sequence, earlier.index);
            return Finding::fails(Check::History, format!("capture {} before entry {index}", sequence - 1), found);
        }
        if let Some(finding) = same_document(earlier.document, document, entries) {
            return finding;
        }
        step = earlier;
    }
}

/// A chain down to its first capture: where a record is withdrawn, its place is the word of the withdrawal alone.
fn whole(sequence: u64, withdrawn: &[String]) -> Finding {
    if withdrawn.is_empty() {
        let found = format!("{sequence} capture(s), each naming the one before");
        return Finding::holds(Check::History, found, NOBODY);
    }
    Finding::not_shown(
        Check::History,
        format!("{sequence} capture(s), each naming the one before"),
        format!("{}, which alone says what it named", withdrawn.join("; ")),
    )
}

/// Two records speak of one document when one's record amends the other's, or they are the same record, which was read for
/// the visit.
fn same_document(earlier: u64, later: u64, entries: &mut Entries<'_>) -> Option<Finding> {
    if earlier == later {
        return None;
    }
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
    match entries.entry(index).as_ref().map(|entry| &entry.record.body) {
        Some(Body::Document(document)) => Ok(document.clone()),
        Some(other) => Err(Finding::fails(Check::History, expected, format!("a {}", other.kind()))),
        None => Err(entries.absent(Check::History, index, expected)),
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

/// The capture before another.
enum Predecessor {
    Read(Rc<VerifiedEntry>),
    Withdrawn(u64, Link, String),
    Nothing,
}

impl Entries<'_> {
    /// Finds the earlier capture whose statement has the given hash. The hash does not say its index: the
    /// source lists which entries it holds.
    fn predecessor(&mut self, index: u64, statement: Hash) -> Predecessor {
        let Some(candidate) = self.source().find_statement(statement, index).ok().flatten() else {
            return Predecessor::Nothing;
        };
        if let Some(entry) = self.entry(candidate) {
            let is_it = entry.entry == statement;
            return if is_it { Predecessor::Read(entry) } else { Predecessor::Nothing };
        }
        match self.withdrawn(candidate) {
            Some(withdrawn) if withdrawn.entry == statement => {
                Predecessor::Withdrawn(candidate, withdrawn.link, withdrawn.words.clone())
            }
            _ => Predecessor::Nothing,
        }
    }
}
