//! Search: the numbers of the records that may be what is looked for, newest first, a page at a time.
//!
//! One index leads the search: a blob's rows, those of each document that is meant, those of a rare outcome or kind, or
//! all records. The rest of the wish narrows what it finds, so far as the rows know it.

use rusqlite::types::{ToSql, ToSqlOutput, Value};

use super::{COMMON_KINDS, COMMON_OUTCOME, Catalogue, CatalogueError, PART, SPAN, beginning, integer};

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::record::Record;

/// What is looked for; what is absent is not asked.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The first record of the document.
    pub history: Option<u64>,
    /// The entity that a record of the document names.
    pub entity: Option<String>,
    /// The address of the document, or one that a visit asked for or got.
    pub address: Option<String>,
    /// A blob that is named.
    pub blob: Option<Hash>,
    /// The kinds, one of which it has; none means any.
    pub kinds: Vec<String>,
    /// The outcome.
    pub outcome: Option<String>,
    /// Not before this time.
    pub since: Option<Time>,
    /// Not after this time.
    pub until: Option<Time>,
}

/// What the catalogue says of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// Its number in the log.
    pub number: u64,
    /// Its kind; `damaged` when it could not be read.
    pub kind: String,
    /// Its time.
    pub time: u64,
    /// The first record of its document.
    pub history: Option<u64>,
    /// The outcome of its visit.
    pub outcome: Option<String>,
}

impl Row {
    /// Returns what the catalogue must say of a record whose document began with `history`.
    #[must_use]
    pub fn of(record: &Record, history: Option<u64>) -> Self {
        Self {
            number: record.index,
            kind: record.body.kind().to_owned(),
            time: super::growth::time_of(record).microseconds(),
            history,
            outcome: record.body.visit().map(|visit| visit.outcome.kind.word().to_owned()),
        }
    }
}

/// An index that leads a search: what stands between `FROM` and the wish, and the key that is looked up.
struct Lead {
    from: &'static str,
    number: &'static str,
    key: Value,
    /// Which part of `blob`; nothing else has parts.
    part: i64,
}

const ALL: (&str, &str) = ("record WHERE ?1 IS NULL", "record.number");
const BY_BLOB: (&str, &str) =
    ("blob CROSS JOIN record USING (number) WHERE blob.part = ?8 AND blob.hash = ?1", "blob.number");
const BY_ADDRESS: (&str, &str) =
    ("address CROSS JOIN record USING (number) WHERE address.address = ?1", "address.number");
const BY_HISTORY: (&str, &str) =
    ("record INDEXED BY record_history WHERE record.history = ?1 AND record.history IS NOT NULL", "record.number");
const BY_KIND: (&str, &str) = (
    "record INDEXED BY record_kind WHERE record.kind = ?1 AND record.kind NOT IN ('capture', 'check')",
    "record.number",
);
const BY_OUTCOME: (&str, &str) =
    ("record INDEXED BY record_outcome WHERE record.outcome = ?1 AND record.outcome <> 'complete'", "record.number");

impl Lead {
    fn new((from, number): (&'static str, &'static str), key: impl Into<Value>) -> Self {
        Self { from, number, key: key.into(), part: 0 }
    }
}

impl Catalogue {
    /// Returns at most `count` rows of records before `before`, newest first, that may be what is looked for.
    ///
    /// # Errors
    /// A [`CatalogueError`].
    pub fn rows(&self, search: &Search, before: u64, count: u64) -> Result<Vec<Row>, CatalogueError> {
        let Some((low, high)) = self.range(search)? else { return Ok(Vec::new()) };
        let high = high.min(integer(before)?);
        let mut rows = Vec::new();
        let leads = self.leads(search)?;
        let is_narrow = leads.iter().all(|lead| lead.from != ALL.0);
        // What could not be read may be what is looked for.
        for lead in leads.into_iter().chain(is_narrow.then(|| Lead::new(BY_KIND, "damaged".to_owned()))) {
            rows.extend(self.follow(&lead, search, (low, high), integer(count)?)?);
        }
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.number));
        rows.dedup_by_key(|row| row.number);
        rows.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        Ok(rows)
    }

    /// Returns the captures of the same document before the record `number`, newest first: where the one that it names
    /// is likely to be.
    ///
    /// # Errors
    /// A [`CatalogueError`].
    pub fn captures_before(&self, number: u64, count: u64) -> Result<Vec<u64>, CatalogueError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT number FROM record INDEXED BY record_history \
             WHERE history = (SELECT history FROM record WHERE number = ?1) AND history IS NOT NULL \
             AND number < ?1 AND +kind = 'capture' ORDER BY number DESC LIMIT ?2",
        )?;
        let found = statement.query_map([integer(number)?, integer(count)?], |row| row.get::<_, i64>(0))?;
        found.map(|number| natural(number?)).collect()
    }

    /// Returns between which numbers, the second exclusive, records of the wanted time lie; `None` when nowhere.
    fn range(&self, search: &Search) -> Result<Option<(i64, i64)>, CatalogueError> {
        if search.since.is_none() && search.until.is_none() {
            return Ok(Some((0, i64::MAX)));
        }
        let (since, until) = times(search)?;
        let mut statement = self
            .connection
            .prepare_cached("SELECT min(first), max(first) FROM span WHERE newest >= ?1 AND oldest <= ?2")?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?));
        let (Some(low), Some(last)) = statement.query_row([since, until], row)? else { return Ok(None) };
        Ok(Some((low, last.saturating_add(integer(SPAN)?))))
    }

    /// Chooses what leads the search: the one that is likely to find the fewest.
    fn leads(&self, search: &Search) -> Result<Vec<Lead>, CatalogueError> {
        if let Some(blob) = search.blob {
            let covered = self.covered()?.map_or(0, |covered| covered.size);
            let part = |part| Ok(Lead { part: integer(part)?, ..Lead::new(BY_BLOB, beginning(blob)) });
            return (0..covered.div_ceil(PART)).map(part).collect();
        }
        if let Some(history) = search.history {
            return Ok(vec![Lead::new(BY_HISTORY, integer(history)?)]);
        }
        let of = |histories: Vec<i64>| histories.into_iter().map(|history| Lead::new(BY_HISTORY, history)).collect();
        if let Some(address) = &search.address {
            let mut leads: Vec<Lead> = of(self.histories("address", address)?);
            leads.push(Lead::new(BY_ADDRESS, address.clone()));
            return Ok(leads);
        }
        if let Some(entity) = &search.entity {
            return Ok(of(self.histories("entity", entity)?));
        }
        if let Some(outcome) = search.outcome.as_deref().filter(|outcome| *outcome != COMMON_OUTCOME) {
            return Ok(vec![Lead::new(BY_OUTCOME, outcome.to_owned())]);
        }
        if !search.kinds.is_empty() && search.kinds.iter().all(|kind| !COMMON_KINDS.contains(&kind.as_str())) {
            return Ok(search.kinds.iter().map(|kind| Lead::new(BY_KIND, kind.clone())).collect());
        }
        Ok(vec![Lead::new(ALL, Value::Null)])
    }

    /// Returns the first records of the documents of which one record has a value in a column.
    fn histories(&self, column: &str, value: &str) -> Result<Vec<i64>, CatalogueError> {
        let sql = format!("SELECT DISTINCT history FROM document WHERE {column} = ?1 AND {column} IS NOT NULL");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let found = statement.query_map([value], |row| row.get(0))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn follow(
        &self,
        lead: &Lead,
        search: &Search,
        (low, high): (i64, i64),
        count: i64,
    ) -> Result<Vec<Row>, CatalogueError> {
        let (since, until) = times(search)?;
        // A plus keeps SQLite from being led by another column. Damaged records are in every list.
        let Lead { from, number, key, part } = lead;
        let kinds = search.kinds.iter().enumerate().map(|(n, _)| format!("?{}", n + 9)).collect::<Vec<_>>().join(", ");
        let kinds = if kinds.is_empty() { "1".to_owned() } else { format!("+record.kind IN ({kinds})") };
        let sql = format!(
            "SELECT record.number, record.kind, record.time, record.history, record.outcome FROM {from} \
             AND {number} >= ?2 AND {number} < ?3 AND (+record.kind = 'damaged' OR (+record.time BETWEEN ?4 AND ?5 \
             AND (?6 IS NULL OR +record.outcome = ?6) AND {kinds})) AND ?8 IS NOT NULL ORDER BY {number} DESC LIMIT ?7"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let wish: [&dyn ToSql; 8] = [&Key(key), &low, &high, &since, &until, &search.outcome, &count, part];
        for (n, value) in wish.into_iter().enumerate() {
            statement.raw_bind_parameter(n + 1, value)?;
        }
        for (n, kind) in search.kinds.iter().enumerate() {
            statement.raw_bind_parameter(n + 9, kind)?;
        }
        let mut rows = Vec::new();
        let mut found = statement.raw_query();
        while let Some(row) = found.next()? {
            rows.push(Row {
                number: natural(row.get(0)?)?,
                kind: row.get(1)?,
                time: natural(row.get(2)?)?,
                history: row.get::<_, Option<i64>>(3)?.map(natural).transpose()?,
                outcome: row.get(4)?,
            });
        }
        Ok(rows)
    }
}

struct Key<'k>(&'k Value);

impl ToSql for Key<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

fn times(search: &Search) -> Result<(i64, i64), CatalogueError> {
    let of = |time: Option<Time>, other| time.map_or(Ok(other), |time| integer(time.microseconds()));
    Ok((of(search.since, 0)?, of(search.until, i64::MAX)?))
}

fn natural(number: i64) -> Result<u64, CatalogueError> {
    u64::try_from(number).map_err(|_| CatalogueError::OtherFormat)
}
