//! The journal: the one file that a publication waits for.
//!
//! A publication changes a dozen small files. To wait for each of them costs ten times what one wait costs, so all
//! that a publication adds is appended to `archive/journal` and waited for there. The places are written too, for
//! readers, but nobody waits for them until the journal is long or the writer ends. Then they are all made durable and
//! the journal is removed: an archive that rests has none. Its format, and how it is replayed, is
//! [`crate::log::journal`]; what a crash leaves after each step is in [`super::writer`].
//!
//! | quantity | unit  | range                                                                                |
//! |----------|-------|--------------------------------------------------------------------------------------|
//! | journal  | bytes | emptied from [`EMPTIED_BYTES`]; at most [`BYTES_MAX`]                                 |
//! | room     | bytes | from [`ROOM_BYTES_MIN`], doubled: a commit into room that is there changes no length, |
//! |          |       | and its fsync need not wait for the file system's own journal                        |

use std::io;
use std::path::{Path, PathBuf};

use super::disk::{self, Access, Kept, folder_of, length_of};
use super::durable::{self, WriteError};

use crate::base::hash::Hash;
use crate::log::journal::{
    BYTES_MAX, Base, Commit, Found, JournalError, MAGIC, STATEMENT_COUNT_MAX, encode_base, push_frame,
};

/// When a journal is emptied: long enough that the fsyncs of emptying it are few beside those of its commits, short
/// enough to be replayed in a fraction of a second.
pub const EMPTIED_BYTES: u64 = 8 << 20;

/// How much room a journal has at first.
pub const ROOM_BYTES_MIN: u64 = 64 << 10;

/// Reads the journal of the archive in `folder`; nothing when it rests or the journal holds nothing.
///
/// # Errors
/// A [`ReadJournalError`] for a file that cannot be read, or that is of another program.
pub fn read(folder: &Path) -> Result<Option<Found>, ReadJournalError> {
    let path = path_in(folder);
    let bytes = match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if metadata.len() > BYTES_MAX => return Err(ReadJournalError::TooLong { path }),
        _ => std::fs::read(&path).map_err(|source| ReadJournalError::Io { path: path.clone(), source })?,
    };
    match Found::parse(&bytes) {
        Err(JournalError::NotJournal | JournalError::NoBase) => Ok(None),
        other => other.map(Some).map_err(|source| ReadJournalError::Journal { path, source }),
    }
}

/// The journal, for the one process that writes.
pub struct Journal {
    path: PathBuf,
    open: Option<Open>,
    /// What the next journal begins with.
    base: Base,
    /// Whether there is a file.
    stands: bool,
    emptied_bytes: u64,
}

/// A journal with a commit.
struct Open {
    file: Kept,
    above: Hash,
    /// Where the next commit goes; nothing when the journal begins anew.
    end: u64,
    /// How much room is made.
    room: u64,
}

impl Journal {
    /// Takes up an archive's journal where everything is durable in its place.
    #[must_use]
    pub fn new(folder: &Path, base: Base, emptied_bytes: u64) -> Self {
        let path = path_in(folder);
        Self { stands: path.exists(), path, open: None, base, emptied_bytes }
    }

    /// Makes a commit durable: the moment that counts.
    ///
    /// # Errors
    /// A [`WriteError`]; nothing is committed then, and the caller must not go on writing.
    pub fn append(&mut self, commit: &Commit) -> Result<(), WriteError> {
        let path = self.path.clone();
        self.write(commit).map_err(|source| WriteError::at(&path, source))
    }

    fn write(&mut self, commit: &Commit) -> io::Result<()> {
        let map = commit.encode();
        let is_too_long = length_of(&map) + EMPTIED_BYTES + ROOM_BYTES_MIN > BYTES_MAX;
        if is_too_long || commit.statements.len() > STATEMENT_COUNT_MAX {
            return Err(io::Error::other("more is published at once than a journal holds"));
        }
        let (mut bytes, mut above, mut is_new) = (Vec::new(), Hash::of(MAGIC), false);
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                // What a crash left holds nothing any more: its last commit was replayed, or it has none.
                (is_new, self.stands) = (true, true);
                match disk::remove(&self.path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                none.insert(Open { file: Kept::create(&self.path, Access::Public)?, above, end: 0, room: 0 })
            }
        };
        if open.end == 0 {
            bytes.extend_from_slice(MAGIC);
            above = push_frame(&mut bytes, above, &encode_base(self.base));
        } else {
            above = open.above;
        }
        above = push_frame(&mut bytes, above, &map);
        let end = open.end + length_of(&bytes);
        if end > open.room {
            open.room = (open.room * 2).clamp(ROOM_BYTES_MIN, EMPTIED_BYTES).max(end);
            bytes.resize(usize::try_from(open.room - open.end).map_err(io::Error::other)?, 0);
        }
        open.file.seek(open.end)?;
        open.file.write_all(&bytes)?;
        open.file.sync()?;
        if is_new {
            disk::sync_folder(&folder_of(&self.path))?;
        }
        (open.above, open.end) = (above, end);
        Ok(())
    }

    /// Says whether it is long enough to be emptied.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.end >= self.emptied_bytes)
    }

    /// Says whether there is a journal.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.stands
    }

    /// Begins anew at a log that is durable in its place. Nothing is written: until the next commit is, the journal
    /// that stands is one that may be replayed once more.
    pub fn begin_anew(&mut self, base: Base) {
        self.base = base;
        if let Some(open) = &mut self.open {
            open.end = 0;
        }
    }

    /// Removes the journal, when everything is durable in its place. Its bytes are gone then.
    ///
    /// # Errors
    /// A [`WriteError`].
    pub fn remove(&mut self) -> Result<(), WriteError> {
        if self.stands {
            durable::remove(&self.path)?;
            let folder = folder_of(&self.path);
            disk::sync_folder(&folder).map_err(|source| WriteError::at(&folder, source))?;
        }
        (self.open, self.stands) = (None, false);
        Ok(())
    }
}

/// Returns where an archive's journal lies.
#[must_use]
pub fn path_in(folder: &Path) -> PathBuf {
    folder.join("journal")
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ReadJournalError {
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{}`", path.display())]
    Journal { path: PathBuf, source: JournalError },
    #[error("`{}` is longer than {BYTES_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_journal_left_is_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let base = Base { size: 300, root: Hash::of(b"base") };
        let commit = |n: u8| Commit { root: Hash::of(&[n]), statements: vec![vec![n; 5]; usize::from(n)], pack: None };
        let commits = [commit(1), commit(2), commit(40)];
        let mut journal = Journal::new(folder.path(), base, EMPTIED_BYTES);
        for commit in &commits {
            journal.append(commit).unwrap();
        }
        assert_eq!(read(folder.path()).unwrap().unwrap().commits, commits);
        let anew = Base { size: 343, root: commits[2].root };
        journal.begin_anew(anew);
        assert_eq!(read(folder.path()).unwrap().unwrap().commits, commits, "until there is another");
        journal.append(&commits[0]).unwrap();
        let found = read(folder.path()).unwrap().unwrap();
        assert_eq!((found.base, &found.commits[..]), (anew, &commits[..1]));
        journal.remove().unwrap();
        assert!(read(folder.path()).unwrap().is_none());
    }
}
