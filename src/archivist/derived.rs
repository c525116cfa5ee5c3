//! Derived: what follows the log and tells the writer what it need not seek there, made anew where it is of another log.

use crate::base::hash::Hash;
use crate::outside::archive::groups::GroupWriter;
use crate::outside::archive::index::{Index, IndexError};
use crate::outside::archive::writer::Writer;
use crate::outside::archive::{Archive, ArchiveError};

use super::progress::Progress;
use super::read::{Log, ReadError};

/// Where the writer's index lies in the archive.
const INDEX: &str = "index";

/// The writer's index, and the groups for readers.
pub(super) struct Derived {
    pub(super) index: Index,
    groups: GroupWriter,
}

impl Derived {
    /// Opens what there is of a log that has published `published_size` entries.
    pub(super) fn open(writer: &Writer, published_size: u64) -> Result<Self, DerivedError> {
        let archive = writer.archive();
        let index = Index::open(&archive.folder().join(INDEX), writer.stop())?;
        // Where one is of another log, the other is not to be believed either.
        let grouped_size = learnt_size(writer, &index).map_or(0, |_| published_size);
        let groups = GroupWriter::open(archive, grouped_size).map_err(ArchiveError::Write)?;
        Ok(Self { index, groups })
    }

    /// Learns what it has not seen of a log that is published as far as it goes, or will be by who calls.
    pub(super) fn caught_up(self, writer: &Writer, progress: &dyn Progress) -> Result<Self, DerivedError> {
        let Self { mut index, groups } = self;
        let start = learnt_size(writer, &index);
        if start.is_none() {
            drop(index);
            index = Index::anew(&writer.archive().folder().join(INDEX), writer.stop())?;
        }
        learn(writer, &mut index, start.unwrap_or_default(), progress)?;
        Ok(Self { index, groups })
    }

    /// Takes note that all that was learnt, the first `size` entries with `root`, is published.
    pub(super) fn cover(&mut self, archive: &Archive, size: u64, root: Hash) -> Result<(), DerivedError> {
        self.index.cover(size, root)?;
        self.group(archive, size)
    }

    /// Lists the groups of a log that has published `size` entries.
    pub(super) fn group(&mut self, archive: &Archive, size: u64) -> Result<(), DerivedError> {
        Ok(self.groups.extend(archive, size).map_err(ArchiveError::Write)?)
    }
}

/// Returns how much of this very log the index has learnt; nothing when it is of another one.
fn learnt_size(writer: &Writer, index: &Index) -> Option<u64> {
    match index.covered() {
        Some((size, root)) => {
            let is_ours = size <= writer.size() && writer.root_at(size).is_ok_and(|found| found == root);
            is_ours.then_some(size)
        }
        None => (writer.size() == 0).then_some(0),
    }
}

/// Lets the index learn the entries from `start` on.
fn learn(writer: &Writer, index: &mut Index, start: u64, progress: &dyn Progress) -> Result<(), DerivedError> {
    let (archive, size) = (writer.archive(), writer.size());
    if start == size {
        return Ok(());
    }
    let log = Log::at(archive, size);
    let act = progress.begin("indexing", Some(size - start));
    let mut reader = log.reader()?;
    for number in start..size {
        match reader.entry(number) {
            Ok(entry) => index.learn(&entry.record, entry.statement.entry(), reader.place())?,
            Err(ReadError::Withdrawn { withdrawn, .. }) => {
                let statement = Hash::of(&archive.statement(number, size)?);
                let record = withdrawn.entry.record.as_ref().expect("a record that is withdrawn is named");
                index.learn_withdrawn(number, statement, &record.link)?;
            }
            Err(error) => return Err(error.into()),
        }
        act.advance(1);
        let learnt = number + 1;
        if learnt < size && index.is_due(learnt) {
            index.cover(learnt, writer.root_at(learnt)?)?;
        }
    }
    Ok(index.cover(size, writer.root())?)
}

/// Why what is derived cannot be had.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum DerivedError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Read(#[from] ReadError),
}
