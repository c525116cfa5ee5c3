//! Gathering: what is put on paper for one record.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::{self, ArchiveError};
use super::part::{self, PartsError};
use super::symbol::Symbol;
use super::{LABEL, part::GROUP_BYTES};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::bundle::layout::{self, Lean};
use crate::evidence::record::{Record, RecordError};
use crate::evidence::verify::source::{EntryProof, Source, SourceError};

/// A set, ready to be printed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gathered {
    /// The set's name.
    pub set: String,
    /// The lines that stand in the symbols, in order.
    pub lines: Vec<String>,
    /// The symbols, in order.
    pub symbols: Vec<Symbol>,
    /// The names of the files that it holds.
    pub names: Vec<String>,
}

/// A file by its name.
type NamedFile = (String, Vec<u8>);

/// Gathers the evidence for `subject`; `bundle` is what its label says of where it was printed from.
///
/// Of the tokens the one that says *not after* comes first: where both are too much for paper, it alone is there.
///
/// # Errors
/// A [`GatherError`]: [`PartsError::TooMany`] says that it is more than fits on paper.
pub fn gather(source: &dyn Source, subject: &Id, bundle: Hash) -> Result<Gathered, GatherError> {
    let mut files = vec![(LABEL.to_owned(), format!("subject: {subject}\nbundle: {bundle}\n").into_bytes())];
    let checkpoint = source.checkpoint()?.ok_or(GatherError::Missing { name: layout::CHECKPOINT.to_owned() })?;
    files.push((layout::CHECKPOINT.to_owned(), checkpoint));
    let records = entries(source, subject, &mut files)?;
    let record = records.get(&subject.index).ok_or_else(|| missing(subject, layout::RECORD))?;
    let [covering, named] = anchors(source, record)?;
    let both = [files.as_slice(), &covering, &named].concat();
    match pack(&both) {
        Err(GatherError::Parts(PartsError::TooMany { .. })) if !named.is_empty() => pack(&[files, covering].concat()),
        other => other,
    }
}

fn pack(files: &[(String, Vec<u8>)]) -> Result<Gathered, GatherError> {
    let lines = part::lines(&archive::pack(files, GROUP_BYTES)?)?;
    let set = lines.first().and_then(|line| line.split('/').nth(4)).unwrap_or_default().to_owned();
    let symbols = (1..).zip(&lines).map(|(number, line)| Symbol::of(number, line)).collect();
    Ok(Gathered { set, lines, symbols, names: files.iter().map(|(name, _)| name.clone()).collect() })
}

/// Adds the files of the entries that are needed, and returns their records.
fn entries(
    source: &dyn Source,
    subject: &Id,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Result<BTreeMap<u64, Record>, GatherError> {
    let mut records = BTreeMap::new();
    let mut waiting = BTreeSet::from([0, subject.index]);
    waiting.extend(source.key_records()?); // Without one, a key that is distrusted would be good on paper.
    while let Some(index) = waiting.pop_last() {
        let entry = source.entry(index)?.ok_or(GatherError::NoEntry { index })?;
        let bytes = entry.record.ok_or_else(|| GatherError::Withdrawn { name: entry.name.clone() })?;
        let record = Record::decode(&bytes)?;
        let id = record.id(&subject.prefix);
        let proof = entry.proof.map(EntryProof::into_bytes);
        let parts = [(layout::RECORD, Some(bytes)), (layout::STATEMENT, entry.statement), (layout::PROOF, proof)];
        for (file, bytes) in parts {
            files.push((layout::entry_file(&id, file), bytes.ok_or_else(|| missing(&id, file))?));
        }
        let needed = layout::leans_on(&record).into_iter().filter_map(|lean| match lean {
            Lean::Index(index) => Some(index),
            Lean::Statement(_) => None, // The chain of earlier captures: as long as the document's history.
        });
        waiting.extend(needed.chain(source.withdrawals(index)?).filter(|index| !records.contains_key(index)));
        records.insert(index, record);
    }
    Ok(records)
}

/// Returns the files of the first anchor that covers a record, and of the one that it names, with one token each.
fn anchors(source: &dyn Source, record: &Record) -> Result<[Vec<NamedFile>; 2], SourceError> {
    let anchors = source.anchors(record.index, record.after.size)?;
    let covering = anchors.iter().find(|anchor| anchor.size > record.index);
    let covering = covering.and_then(|anchor| files_of(anchor, |_| true)).unwrap_or_default();
    let is_named = |reply: &[u8]| record.after.tokens.contains(&Hash::of(reply));
    let named = anchors.iter().find(|anchor| anchor.size == record.after.size && anchor.size <= record.index);
    let named = named.and_then(|anchor| files_of(anchor, is_named)).unwrap_or_default();
    Ok([covering, named])
}

fn files_of(anchor: &AnchorBytes, is_wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<(String, Vec<u8>)>> {
    let (name, reply) = anchor.replies.iter().find(|(_, reply)| is_wanted(reply))?;
    let file = |name: &str, bytes: &Vec<u8>| (layout::anchor_file(anchor.size, name), bytes.clone());
    Some(vec![
        file(anchor::CHECKPOINT, anchor.checkpoint.as_ref()?),
        file(anchor::CONSISTENCY, anchor.consistency.as_ref()?),
        file(name, reply),
    ])
}

fn missing(id: &Id, file: &str) -> GatherError {
    GatherError::Missing { name: layout::entry_file(id, file) }
}

/// Why evidence cannot be put on paper.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum GatherError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("`{name}` is not there")]
    Missing { name: String },
    #[error("entry {index} is not there")]
    NoEntry { index: u64 },
    #[error(transparent)]
    Parts(#[from] PartsError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the record of `{name}` was withdrawn")]
    Withdrawn { name: String },
}
