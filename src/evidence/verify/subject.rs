//! The subject: what a verdict is about, as the signed records say it.

use super::entry::{Entries, VerifiedEntry};
use super::finding::Subject;

use crate::base::id::Id;
use crate::evidence::record::{Body, Document};

impl Subject {
    pub(super) fn of(id: &Id, entry: &VerifiedEntry, entries: &mut Entries<'_>) -> Self {
        let record = &entry.record;
        let visit = record.body.visit();
        let document = match &record.body {
            Body::Document(document) => Some(document.clone()),
            Body::Capture(capture) => entries.document(capture.document),
            Body::Check(check) => entries.document(check.document),
            _ => None,
        };
        let described =
            |of: fn(&Document) -> &Option<String>| document.as_ref().and_then(|document| of(document).clone());
        Self {
            id: id.to_string(),
            origin: Some(record.origin.clone()),
            kind: Some(record.body.kind()),
            record_sha256: Some(entry.record_sha256),
            entity: described(|document| &document.entity),
            title: described(|document| &document.title),
            url: document.as_ref().map(|document| document.url.clone()),
            captured_at: visit.map(|visit| visit.started),
            sha256: visit.map(|visit| visit.primary.sha256),
            outcome: visit.map(|visit| visit.outcome.kind.word()),
            fingerprint: entries.fingerprint(record.index),
        }
    }
}
