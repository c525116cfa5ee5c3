//! The readers' catalogue: which records there are of a document, an entity, an address, a blob, a kind, an outcome, a time.
//!
//! An SQLite database, `index/catalogue/catalogue.sqlite`, in WAL mode: any process reads it while another writes the
//! archive or catches the catalogue up. All of it is derived from the log, which it follows: an append never waits for
//! it. `covered` says how much of which log it holds; where that is another log, or the file is damaged or of another
//! format, it is thrown away and made anew.
//!
//! | table      | a row                                                                                             |
//! |------------|---------------------------------------------------------------------------------------------------|
//! | `covered`  | the only one: how many entries of the log are in here, and the root over them                     |
//! | `record`   | a record: its number in the log, kind, time, the first record of its document, its outcome        |
//! | `document` | a document record: the first record of the document, its address, entity and title                |
//! | `address`  | an address that a visit asked for or got, where it is not the document's own                      |
//! | `blob`     | a blob that a record names: the first eight bytes of its hash, as a signed big-endian integer; `part` counts records by [`PART`] |
//! | `span`     | 4,096 records: the oldest and the newest time among them                                          |
//!
//! Times are microseconds since the Unix epoch: of a visit when it began, of another record when it was made. A record
//! that could not be read has the kind `damaged`; of one that is withdrawn only kind and document stay, and time 0.
//!
//! Nothing in here is evidence. Whoever can write the archive's folder can forge a row, so a row is only where to look:
//! the record is read from the log, and a row that says something else makes the whole catalogue void. A row that was
//! taken out hides a record from a list, which no reader can see; verifying never asks the catalogue whether something
//! is *not* there.
//!
//! Beside it lies `lock`: whoever has the catalogue open holds it shared, and throwing it away takes it alone, because
//! SQLite's files must not be exchanged under a process that uses them.

mod growth;
mod search;

pub use growth::Growth;
pub use search::{Row, Search};

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::base::hash::Hash;

/// The number of this schema. Another one means: made by another version, make it anew.
const FORMAT: i64 = 1;

/// `AfCa`, so that `file` and SQLite tell the catalogue from other databases.
const APPLICATION: i64 = 0x4166_4361;

/// How long a process waits while another catches the catalogue up: a few of its transactions.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// How much memory SQLite may use for pages, in KiB.
const CACHE_KIB: i64 = 16 << 10;

/// How long the write-ahead file may stay once its content is in the database.
const LEFT_BYTES_MAX: i64 = 4 << 20;

/// How many records a row of `span` is about.
const SPAN: u64 = 4096;

/// How many records a part of `blob` is about. Hashes come in any order: within a part, all pages that they touch stay
/// in memory, however many parts there are. A search looks into each.
pub const PART: u64 = 1 << 18;

/// How many pages the write-ahead file has before they go into the database, 32 MiB: each of them once.
const AHEAD_PAGE_COUNT: i64 = 8192;

/// Kinds and outcomes that nearly every record has: asking for one of them needs no index.
const COMMON_KINDS: [&str; 2] = ["capture", "check"];
const COMMON_OUTCOME: &str = "complete";

/// What a database must hold, word for word, to be a catalogue: nothing is read from another.
const SCHEMA: [&str; 12] = [
    "CREATE TABLE covered (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL)",
    "CREATE TABLE record (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, time INTEGER NOT NULL, history INTEGER, outcome TEXT)",
    "CREATE INDEX record_history ON record (history) WHERE history IS NOT NULL",
    "CREATE INDEX record_kind ON record (kind) WHERE kind NOT IN ('capture', 'check')",
    "CREATE INDEX record_outcome ON record (outcome) WHERE outcome <> 'complete'",
    "CREATE TABLE document (number INTEGER PRIMARY KEY, history INTEGER NOT NULL, address TEXT NOT NULL, entity TEXT, title TEXT)",
    "CREATE INDEX document_address ON document (address)",
    "CREATE INDEX document_entity ON document (entity) WHERE entity IS NOT NULL",
    "CREATE TABLE address (address TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (address, number)) WITHOUT ROWID",
    "CREATE TABLE blob (part INTEGER NOT NULL, hash INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (part, hash, number)) WITHOUT ROWID",
    "CREATE TABLE span (first INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, newest INTEGER NOT NULL)",
    "CREATE VIEW history AS SELECT history, count(*) AS records, min(time) AS oldest, max(time) AS newest FROM record WHERE history IS NOT NULL GROUP BY history",
];

/// The readers' catalogue, open.
pub struct Catalogue {
    connection: Connection,
    folder: PathBuf,
    lock: Option<File>,
}

/// How much of which log a catalogue holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Covered {
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Catalogue {
    /// Opens the catalogue of the archive in `archive`, making it anew where it is missing or damaged. Where it cannot
    /// be written it is opened for reading alone, when it is sound.
    ///
    /// # Errors
    /// A [`CatalogueError`]: whoever asks must walk the log instead.
    pub fn open(archive: &Path) -> Result<Self, CatalogueError> {
        let folder = archive.join("index/catalogue");
        let lock = fs::create_dir_all(&folder).and_then(|()| {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join("lock"))
        });
        let Ok(lock) = lock else { return Self::open_to_read(folder) };
        lock.lock_shared().map_err(|source| CatalogueError::Lock { path: folder.join("lock"), source })?;
        match connect(&folder, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE) {
            Ok(connection) => Ok(Self { connection, folder, lock: Some(lock) }),
            Err(error) if error.is_damage() => Self::make_anew(folder, lock),
            Err(error) if error.is_refusal() => Self::open_to_read(folder),
            Err(error) => Err(error),
        }
    }

    fn open_to_read(folder: PathBuf) -> Result<Self, CatalogueError> {
        let connection = connect(&folder, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Self { connection, folder, lock: None })
    }

    /// Throws away what the catalogue holds and begins again.
    ///
    /// # Errors
    /// [`CatalogueError::InUse`] while another process has it open.
    pub fn anew(self) -> Result<Self, CatalogueError> {
        let Self { connection, folder, lock } = self;
        drop(connection);
        let Some(lock) = lock else { return Err(CatalogueError::NotWritable { path: folder }) };
        Self::make_anew(folder, lock)
    }

    fn make_anew(folder: PathBuf, lock: File) -> Result<Self, CatalogueError> {
        let path = folder.join("lock");
        let at = |source| CatalogueError::Lock { path: path.clone(), source };
        lock.unlock().map_err(at)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CatalogueError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(at(source)),
        }
        for name in ["catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm"] {
            match fs::remove_file(folder.join(name)) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(CatalogueError::Clear { path: folder.join(name), source });
                }
                _ => {}
            }
        }
        let connection = connect(&folder, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        // Others wait for the shared lock until here, and find a new catalogue.
        lock.unlock().and_then(|()| lock.lock_shared()).map_err(at)?;
        Ok(Self { connection, folder, lock: Some(lock) })
    }

    /// Says whether the catalogue can be caught up.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.lock.is_some()
    }

    /// Returns how much of which log the catalogue holds; `None` before anything is in it.
    ///
    /// # Errors
    /// A [`CatalogueError`].
    pub fn covered(&self) -> Result<Option<Covered>, CatalogueError> {
        covered(&self.connection)
    }

    /// Begins to add to the catalogue. Another process that does waits, as this one does for another.
    ///
    /// # Errors
    /// [`CatalogueError::is_busy`] when the other takes too long.
    pub fn grow(&mut self) -> Result<Growth<'_>, CatalogueError> {
        Ok(Growth::new(self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?))
    }
}

/// Opens the database, and makes its tables when it is empty.
fn connect(folder: &Path, flags: OpenFlags) -> Result<Connection, CatalogueError> {
    let path = folder.join("catalogue.sqlite");
    let mut connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_WAIT)?;
    // The file may be a stranger's: nothing in its schema is run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if flags.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update_and_check(None, "journal_size_limit", LEFT_BYTES_MAX, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", AHEAD_PAGE_COUNT, |_| Ok(()))?;
        // After a power failure the database is older, never torn: no fsync at each commit is needed.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        make_tables(&mut connection)?;
    }
    check_schema(&connection)?;
    Ok(connection)
}

fn make_tables(connection: &mut Connection) -> Result<(), CatalogueError> {
    let is_empty = |connection: &Connection| {
        connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get::<_, bool>(0))
    };
    if !is_empty(connection)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have made them while this one waited.
    if is_empty(&transaction)? {
        SCHEMA.iter().try_for_each(|statement| transaction.execute(statement, []).map(drop))?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    Ok(transaction.commit()?)
}

fn check_schema(connection: &Connection) -> Result<(), CatalogueError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let mut statement = connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql")?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut expected = SCHEMA;
    expected.sort_unstable();
    if number("application_id")? != APPLICATION || number("user_version")? != FORMAT || found != expected {
        return Err(CatalogueError::OtherFormat);
    }
    Ok(())
}

fn covered(connection: &Connection) -> Result<Option<Covered>, CatalogueError> {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
    let found = connection.query_row("SELECT size, root FROM covered", [], row).optional()?;
    let read = |(size, root): (i64, Vec<u8>)| {
        Some(Covered { size: u64::try_from(size).ok()?, root: Hash::from_slice(&root).ok()? })
    };
    found.map(|found| read(found).ok_or(CatalogueError::OtherFormat)).transpose()
}

/// Returns a number as SQLite holds it.
fn integer(number: u64) -> Result<i64, CatalogueError> {
    i64::try_from(number).map_err(|_| CatalogueError::TooLarge { number })
}

/// Returns what stands for a hash.
fn beginning(hash: Hash) -> i64 {
    i64::from_be_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

/// Why the catalogue cannot be asked. It is derived: whoever asks walks the log instead.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CatalogueError {
    #[error("cannot remove `{}`", path.display())]
    Clear { path: PathBuf, source: io::Error },
    #[error("the catalogue must be made anew, and another process has `{}`", path.display())]
    InUse { path: PathBuf },
    #[error("cannot lock `{}`", path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error("`{}` cannot be written", path.display())]
    NotWritable { path: PathBuf },
    #[error("the catalogue is of another format")]
    OtherFormat,
    #[error("catalogue")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{number} is more than a catalogue can hold")]
    TooLarge { number: u64 },
}

impl CatalogueError {
    /// Says whether another process is at work on the catalogue.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Says whether the file is not what it must be, so that it has to be made anew.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let code = self.code();
        let is_outside = matches!(
            code,
            Some(
                ErrorCode::CannotOpen
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::OutOfMemory
                    | ErrorCode::PermissionDenied
                    | ErrorCode::ReadOnly
                    | ErrorCode::SystemIoFailure
            )
        );
        matches!(self, Self::OtherFormat | Self::Sqlite(_)) && !is_outside
    }

    fn is_refusal(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly))
    }

    fn code(&self) -> Option<ErrorCode> {
        let Self::Sqlite(error) = self else { return None };
        error.sqlite_error_code()
    }
}
