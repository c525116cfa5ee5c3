//! The keys: which the log's own records name, and where each of them speaks for it.
//!
//! What is read here is not believed yet: entry 0 and the key records are verified like every other entry (`entry.rs`),
//! and whether the log is the right one follows from the checkpoint.

use super::finding::{Check, Finding};
use super::source::Source;

use crate::evidence::record::{Body, Record};
use crate::evidence::succession::Succession;

/// What the records at hand say of the keys.
#[derive(Default)]
pub(super) struct Told {
    pub(super) succession: Option<Succession>,
    pub(super) findings: Vec<Finding>,
}

/// Reads entry 0 and the key records.
pub(super) fn read(source: &dyn Source) -> Told {
    let record = |index| source.entry(index).ok().flatten()?.record.and_then(|bytes| Record::decode(&bytes).ok());
    let Some(Record { body: Body::Genesis(genesis), origin, .. }) = record(0) else { return Told::default() };
    let mut told = Told { succession: None, findings: Vec::new() };
    let mut succession = Succession::begin(&genesis, &origin);
    let indexes = source.key_records().unwrap_or_else(|error| {
        told.findings.push(Finding::fails(Check::Signature, "the key records", error.to_string()));
        Vec::new()
    });
    for index in indexes {
        let Some(record) = record(index) else { continue }; // What is wrong with it is said where it is verified.
        if let Err(error) = succession.take(&record) {
            let expected = format!("entry {index} to change the keys as those who hold them may");
            told.findings.push(Finding::fails(Check::Signature, expected, error.to_string()));
            break;
        }
    }
    told.succession = Some(succession);
    told
}
