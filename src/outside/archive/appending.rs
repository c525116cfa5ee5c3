//! Files that only grow: packs and their rows.
//!
//! | quantity | unit  | range                                                                 |
//! |----------|-------|-----------------------------------------------------------------------|
//! | tail     | bytes | at most [`TAIL_BYTES_MAX`], in pieces of at most [`PIECE_BYTES_MAX`]   |
//!
//! Bytes are written as they come, so that they can be read at once, and are durable in one of two ways. A short
//! *tail*, what came since the last one was taken, may be handed to the journal, which is synced in any case: then
//! this file need not be until the journal is emptied. What is longer would be written twice for nothing, so it is
//! synced here ([`Appending::take_tail`] decides).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::disk::{self, Kept, folder_of, length_of};
use super::durable::WriteError;

/// The longest tail that is handed on: what a disk writes in the time that one more fsync takes.
pub const TAIL_BYTES_MAX: usize = 1 << 20;

/// The longest piece of a tail: a blob that is longer is worth an fsync of its own.
pub const PIECE_BYTES_MAX: usize = 64 << 10;

/// How much is written again at a time.
const AGAIN_BYTES: u64 = 1 << 20;

/// A file that only grows.
pub struct Appending {
    path: PathBuf,
    file: Kept,
    length: u64,
    tail: Tail,
    /// Whether the name may not be durable: a process may have died before it was.
    is_name_uncertain: bool,
}

/// What was appended and is not durable.
enum Tail {
    /// All of it, to be handed on.
    Held(Vec<u8>),
    /// More than is handed on.
    TooLong,
}

impl Appending {
    /// Opens a file for appending at `length`, cutting off what a crash left behind it.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn open(path: &Path, length: u64) -> Result<Self, WriteError> {
        let at = |source| WriteError::at(path, source);
        let found = path.metadata().ok().map(|metadata| metadata.len());
        let mut file = Kept::open(path).map_err(at)?;
        if found.unwrap_or_default() != length {
            file.set_length(length).map_err(at)?;
        }
        file.seek(length).map_err(at)?;
        if found.is_none() {
            disk::sync_folder(&folder_of(path)).map_err(at)?;
        }
        // What is there may come from a process that did not live to sync it.
        let tail = if length == 0 { Tail::Held(Vec::new()) } else { Tail::TooLong };
        Ok(Self { path: path.to_owned(), file, length, tail, is_name_uncertain: found.is_some() })
    }

    /// Writes what stands from `start` on once more, so that the next fsync is for it too. An fsync that failed for a
    /// process before this one may have left it in memory alone, where it is read and no fsync would write it.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn write_again(&mut self, start: u64) -> Result<(), WriteError> {
        let at = |source| WriteError::at(&self.path, source);
        let mut standing = File::open(&self.path).map_err(at)?;
        self.tail = Tail::TooLong;
        let mut position = start;
        let mut bytes = Vec::new();
        while position < self.length {
            bytes.clear();
            let read = standing.seek(SeekFrom::Start(position)).and_then(|_| {
                let left = (self.length - position).min(AGAIN_BYTES);
                Read::by_ref(&mut standing).take(left).read_to_end(&mut bytes)
            });
            if read.map_err(at)? == 0 {
                break;
            }
            self.file.seek(position).and_then(|()| self.file.write_all(&bytes)).map_err(at)?;
            position += length_of(&bytes);
        }
        self.file.seek(self.length).map_err(at)
    }

    /// Appends bytes, and returns where they begin.
    ///
    /// # Errors
    /// A [`WriteError`]; the file is cut back to where it was, so that the next append overwrites.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, WriteError> {
        let written = self.file.write_all(bytes);
        match &mut self.tail {
            Tail::Held(held) if bytes.len() <= PIECE_BYTES_MAX && held.len() + bytes.len() <= TAIL_BYTES_MAX => {
                held.extend_from_slice(bytes);
            }
            tail => *tail = Tail::TooLong,
        }
        self.settle(written.map(|()| length_of(bytes)))
    }

    /// Appends bytes and then all of another file, and returns where the bytes begin.
    ///
    /// # Errors
    /// As [`Appending::append`].
    pub fn append_with_file(&mut self, bytes: &[u8], other: &mut File) -> Result<u64, WriteError> {
        self.tail = Tail::TooLong;
        let written = self.file.write_all(bytes).and_then(|()| self.file.copy_from(other));
        self.settle(written.map(|count| count + length_of(bytes)))
    }

    fn settle(&mut self, written: io::Result<u64>) -> Result<u64, WriteError> {
        let start = self.length;
        match written {
            Ok(count) => {
                self.length += count;
                Ok(start)
            }
            Err(source) => {
                // A full disk: what was half written must not stand before the next append. When cutting
                // fails too, opening the archive again finds the torn frame and cuts it.
                let _ = self.file.set_length(start).and_then(|()| self.file.seek(start));
                self.tail = Tail::TooLong;
                Err(WriteError::at(&self.path, source))
            }
        }
    }

    /// Takes what was appended since the last time, to be made durable elsewhere, with the place where it begins;
    /// nothing when it was too long and is durable here now, or when there is none.
    ///
    /// # Errors
    /// A [`WriteError`]; the caller must not go on writing.
    pub fn take_tail(&mut self) -> Result<Option<(u64, Vec<u8>)>, WriteError> {
        match &mut self.tail {
            Tail::TooLong => self.sync().map(|()| None),
            Tail::Held(held) if held.is_empty() => Ok(None),
            Tail::Held(held) => {
                let bytes = std::mem::take(held);
                Ok(Some((self.length - length_of(&bytes), bytes)))
            }
        }
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// A [`WriteError`]; the caller must not go on writing.
    pub fn sync(&mut self) -> Result<(), WriteError> {
        let at = |source| WriteError::at(&self.path, source);
        self.file.sync().map_err(at)?;
        if std::mem::take(&mut self.is_name_uncertain) {
            disk::sync_folder(&folder_of(&self.path)).map_err(at)?;
        }
        self.tail = Tail::Held(Vec::new());
        Ok(())
    }

    /// Returns how long the file is.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn cuts_off_what_a_crash_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grows");
        let mut file = Appending::open(&path, 0).unwrap();
        assert_eq!(file.append(b"kept").unwrap(), 0);
        assert_eq!(file.append(b"torn").unwrap(), 4);
        drop(file);
        let mut file = Appending::open(&path, 4).unwrap();
        assert_eq!(file.append(b"!").unwrap(), 4);
        assert_eq!(fs::read(&path).unwrap(), b"kept!");
    }

    #[test]
    fn hands_on_a_short_tail_and_syncs_a_long_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grows");
        let mut file = Appending::open(&path, 0).unwrap();
        assert_eq!(file.take_tail().unwrap(), None);
        file.append(b"one").unwrap();
        file.append(b"two").unwrap();
        assert_eq!(file.take_tail().unwrap(), Some((0, b"onetwo".to_vec())));
        file.append(b"three").unwrap();
        assert_eq!(file.take_tail().unwrap(), Some((6, b"three".to_vec())));
        file.append(&vec![7; PIECE_BYTES_MAX + 1]).unwrap();
        file.append(b"four").unwrap();
        assert_eq!(file.take_tail().unwrap(), None);
        file.append(b"five").unwrap();
        let length = file.length();
        assert_eq!(file.take_tail().unwrap(), Some((length - 4, b"five".to_vec())));
        for _ in 0..=TAIL_BYTES_MAX / PIECE_BYTES_MAX {
            file.append(&vec![7; PIECE_BYTES_MAX]).unwrap();
        }
        assert_eq!(file.take_tail().unwrap(), None);
        drop(file);
        let mut file = Appending::open(&path, length).unwrap();
        file.append(b"six").unwrap();
        assert_eq!(file.take_tail().unwrap(), None, "what stood before may not be durable");
    }
}
