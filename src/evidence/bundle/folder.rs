//! A folder of files, wherever it lies: in a ZIP, on a disk or in memory.
//!
//! Names are relative, joined with `/`, and name files only; there are no empty folders, links or
//! devices here. Whoever reads a real disk leaves those out, or refuses them, before they get this far.

use std::collections::BTreeMap;
use std::io::{self, Read};

/// Files by name.
pub trait Folder {
    /// Returns the name of every file, each once.
    fn names(&self) -> Vec<String>;

    /// Opens a file from its first byte.
    ///
    /// A read may fail with [`io::ErrorKind::InvalidData`] once every byte has been read, when the folder
    /// keeps a checksum and it is wrong.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when no file has this name, and whatever reading can meet.
    fn open<'folder>(&'folder self, name: &str) -> io::Result<Box<dyn Read + 'folder>>;
}

impl Folder for BTreeMap<String, Vec<u8>> {
    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }

    fn open<'folder>(&'folder self, name: &str) -> io::Result<Box<dyn Read + 'folder>> {
        match self.get(name) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}
