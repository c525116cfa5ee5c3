//! Growth: records are added to the catalogue, many in one transaction.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::{CatalogueError, Covered, PART, SPAN, beginning, covered, integer};

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::record::{Body, Document, Link, Record, Visit};

/// A catalogue that is being added to. Dropped before [`Growth::commit`], it leaves what was.
pub struct Growth<'c> {
    transaction: Transaction<'c>,
    spans: BTreeMap<i64, (i64, i64)>,
}

impl<'c> Growth<'c> {
    pub(super) fn new(transaction: Transaction<'c>) -> Self {
        Self { transaction, spans: BTreeMap::new() }
    }

    /// Returns how much of which log the catalogue holds: another process may have added since it was opened.
    ///
    /// # Errors
    /// A [`CatalogueError`].
    pub fn covered(&self) -> Result<Option<Covered>, CatalogueError> {
        covered(&self.transaction)
    }

    /// Adds a record. They must come in the order of the log.
    ///
    /// # Errors
    /// A [`CatalogueError`].
    pub fn add(&mut self, record: &Record) -> Result<(), CatalogueError> {
        let number = integer(record.index)?;
        let history = match &record.body {
            Body::Genesis(_) | Body::Hold(_) | Body::Anchor(_) | Body::Key(_) => None,
            Body::Document(document) => Some(self.add_document(number, document)?),
            Body::Capture(capture) => self.add_visit(number, capture.document, &capture.visit)?,
            Body::Check(check) => self.add_visit(number, check.document, &check.visit)?,
            Body::Provision(provision) => {
                self.add_blob(number, provision.rendition)?;
                self.history_of_record(provision.capture)?
            }
            Body::Withdrawal(withdrawal) => {
                let erased = withdrawal.entries.iter().filter(|entry| entry.record.is_some());
                erased.map(|entry| integer(entry.index)).try_for_each(|number| self.forget(number?))?;
                None
            }
        };
        self.add_row(number, history, record)
    }

    /// Adds an entry whose record cannot be read, so that lists name it.
    ///
    /// # Errors
    /// A [`CatalogueError`].
    pub fn add_damaged(&mut self, number: u64) -> Result<(), CatalogueError> {
        let number = integer(number)?;
        self.transaction
            .prepare_cached("INSERT INTO record (number, kind, time) VALUES (?1, 'damaged', 0)")?
            .execute([number])?;
        Ok(())
    }

    /// Adds an entry whose record is withdrawn: what its withdrawal says of its place.
    ///
    /// # Errors
    /// A [`CatalogueError`].
    pub fn add_withdrawn(&mut self, number: u64, link: &Link) -> Result<(), CatalogueError> {
        let history = match (link, link.document()) {
            (Link::Provision { capture }, _) => self.history_of_record(*capture)?,
            (_, Some(document)) => self.history_of_record(document)?,
            (_, None) => None,
        };
        self.transaction
            .prepare_cached("INSERT INTO record (number, kind, time, history) VALUES (?1, ?2, 0, ?3)")?
            .execute(params![integer(number)?, link.kind(), history])?;
        Ok(())
    }

    /// Takes out what came from a record that is withdrawn: what is erased must not live on here.
    fn forget(&mut self, number: i64) -> Result<(), CatalogueError> {
        let part = number / integer(PART)?;
        self.transaction.execute("DELETE FROM blob WHERE part = ?1 AND number = ?2", [part, number])?;
        self.transaction.execute("DELETE FROM address WHERE number = ?1", [number])?;
        self.transaction.execute("UPDATE record SET time = 0, outcome = NULL WHERE number = ?1", [number])?;
        Ok(())
    }

    /// Ends it: the first `size` entries, with `root`, are in the catalogue.
    ///
    /// # Errors
    /// A [`CatalogueError`]; the catalogue is then as it was.
    pub fn commit(self, Covered { size, root }: Covered) -> Result<(), CatalogueError> {
        for (first, (oldest, newest)) in &self.spans {
            self.transaction.execute(
                "INSERT INTO span VALUES (?1, ?2, ?3) ON CONFLICT (first) DO UPDATE \
                 SET oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)",
                [first, oldest, newest],
            )?;
        }
        self.transaction.execute(
            "INSERT OR REPLACE INTO covered VALUES (1, ?1, ?2)",
            params![integer(size)?, &root.as_bytes()[..]],
        )?;
        Ok(self.transaction.commit()?)
    }

    fn add_row(&mut self, number: i64, history: Option<i64>, record: &Record) -> Result<(), CatalogueError> {
        let outcome = record.body.visit().map(|visit| visit.outcome.kind.word());
        let time = integer(time_of(record).microseconds())?;
        self.transaction
            .prepare_cached("INSERT INTO record (number, kind, time, history, outcome) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![number, record.body.kind(), time, history, outcome])?;
        let span = self.spans.entry(number - number % integer(SPAN)?).or_insert((time, time));
        *span = (span.0.min(time), span.1.max(time));
        Ok(())
    }

    fn add_document(&mut self, number: i64, document: &Document) -> Result<i64, CatalogueError> {
        let history = document.amends.map_or(Ok(number), integer)?;
        self.transaction.prepare_cached("INSERT INTO document VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            number,
            history,
            document.url,
            document.entity,
            document.title
        ])?;
        Ok(history)
    }

    fn add_visit(&mut self, number: i64, document: u64, visit: &Visit) -> Result<Option<i64>, CatalogueError> {
        for hash in visit.blobs() {
            self.add_blob(number, hash)?;
        }
        let known = self
            .transaction
            .prepare_cached("SELECT history, address FROM document WHERE number = ?1")?
            .query_row([integer(document)?], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        for address in [&visit.target, &visit.final_url] {
            if known.as_ref().is_none_or(|(_, known)| known != address) {
                self.transaction
                    .prepare_cached("INSERT OR IGNORE INTO address VALUES (?1, ?2)")?
                    .execute(params![address, number])?;
            }
        }
        Ok(known.map(|(history, _)| history))
    }

    fn add_blob(&mut self, number: i64, hash: Hash) -> Result<(), CatalogueError> {
        let row = [number / integer(PART)?, beginning(hash), number];
        self.transaction.prepare_cached("INSERT OR IGNORE INTO blob VALUES (?1, ?2, ?3)")?.execute(row)?;
        Ok(())
    }

    fn history_of_record(&self, number: u64) -> Result<Option<i64>, CatalogueError> {
        let mut statement = self.transaction.prepare_cached("SELECT history FROM record WHERE number = ?1")?;
        Ok(statement.query_row([integer(number)?], |row| row.get(0)).optional()?.flatten())
    }
}

/// Returns the time under which a record is found: of a visit when it began, of another when it was made.
pub(super) fn time_of(record: &Record) -> Time {
    record.body.visit().map_or(record.made, |visit| visit.started)
}
