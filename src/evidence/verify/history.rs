//! History: each capture of a document names the one before, and none is missing between.
//!
//! The chain runs backwards from the subject to the first capture. `previous` is the SHA-256 of a statement,
//! so an earlier capture cannot be exchanged without its successor saying so, and `sequence` counts without
//! gaps down to 1. That nothing came *after* the subject is not claimed.

use super::entry::{Entries, VerifiedEntry};
use super::finding::{Check, Finding, NOBODY};

use crate::evidence::record::{Body, Capture, Check as CheckRecord, Document};

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
        Body::Genesis(_) | Body::Document(_) => return Vec::new(),
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
    if let Some(finding) = same_document(capture.document, check.document, entries) {
        return finding;
    }
    chain(check.capture, capture, entries)
}

fn chain(index: u64, newest: &Capture, entries: &mut Entries<'_>) -> Finding {
    let (mut index, mut capture) = (index, newest.clone());
    loop {
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
    let describe = |index: u64, document: &Document| (document.amends.unwrap_or(index), document.key());
    let (Some(a), Some(b)) = (entries.document(earlier), entries.document(later)) else {
        let expected = format!("the documents of entries {earlier} and {later}");
        return Some(Finding::missing(Check::History, expected, "one is not there"));
    };
    let (a, b) = (describe(earlier, &a), describe(later, &b));
    (a != b)
        .then(|| Finding::fails(Check::History, "captures of one document", format!("documents {} and {}", a.0, b.0)))
}

impl Entries<'_> {
    /// Finds the earlier capture whose statement has the given hash. The hash does not say its index: the
    /// source lists which entries it holds.
    fn predecessor(&mut self, index: u64, statement: crate::base::hash::Hash) -> Option<VerifiedEntry> {
        let candidate = self.source().find_statement(statement, index).ok().flatten()?;
        self.entry(candidate).filter(|entry| entry.entry == statement)
    }
}
