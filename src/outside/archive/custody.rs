//! `custody.jsonl`: who took what out of the archive, and when, as the operator's program noted it.
//!
//! ```text
//! {"v":1,"at":"2026-03-03T10:00:00Z","act":"bundle","by":"jdoe","file":"b.zip","subjects":["AF-C-000002-n"],"withheld":[],"previous":"","sha256":"…","size":92508}
//! ```
//!
//! | field      | what                                                                                    |
//! |------------|-----------------------------------------------------------------------------------------|
//! | `act`      | `bundle`, `declare` or `export`                                                          |
//! | `at`       | when, by the clock of the machine                                                        |
//! | `by`       | the account that ran the program, as the system calls it; nobody checked who sat there    |
//! | `file`     | the name of the file or folder, without where it lay                                      |
//! | `previous` | SHA-256 of the line before, without its end; empty in the first                           |
//! | `sha256`, `size` | of the file, where it is one                                                        |
//! | `subjects` | what it is about                                                                          |
//! | `withheld` | the subjects of which something was withheld                                              |
//!
//! Rules. Lines are only added. It is a note and not evidence: it is not signed, not in the log, and whoever can write the
//! folder can write it anew; `previous` shows a line that was changed or taken out of the middle, and no more. Copies that
//! were made past the program (of the folder, of a bundle) are not in it.
//!
//! To verify: for each line but the first, `previous` is the SHA-256 of the line before.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::appending::Appending;
use super::disk::length_of;
use super::durable::WriteError;

use crate::base::hash::Hash;

/// The file's name in the archive's folder.
pub const NAME: &str = "custody.jsonl";

/// The notes of one archive.
pub struct Custody {
    path: PathBuf,
}

impl Custody {
    /// Takes the notes in an archive's folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self { path: folder.join(NAME) }
    }

    /// Returns the lines as they stand; nothing where nothing was noted.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn read(&self) -> Result<String, WriteError> {
        if !self.path.exists() {
            return Ok(String::new());
        }
        let mut text = String::new();
        let read = File::open(&self.path).and_then(|mut file| file.read_to_string(&mut text));
        read.map(|_| text).map_err(|source| WriteError::at(&self.path, source))
    }

    /// Adds the line that `line` makes from the SHA-256 of the one before. It is durable when this returns.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn add(&self, line: impl FnOnce(&str) -> String) -> Result<(), WriteError> {
        let at = |source| WriteError::at(&self.path, source);
        // Whoever notes something at the same time waits: each line names the one before.
        let guard = OpenOptions::new().create(true).append(true).open(&self.path).map_err(at)?;
        guard.lock().map_err(at)?;
        let text = self.read()?;
        // A crash while a line was written leaves a part of it, which the next one overwrites.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let previous = whole.lines().last().map(|line| Hash::of(line.as_bytes()).to_string()).unwrap_or_default();
        let mut file = Appending::open(&self.path, length_of(whole.as_bytes()))?;
        file.append(format!("{}\n", line(&previous)).as_bytes())?;
        file.sync()
    }
}

/// Returns the number of the first line that does not name the one before it.
#[must_use]
pub fn broken_at(text: &str, previous_of: impl Fn(&str) -> Option<String>) -> Option<usize> {
    let mut expected = String::new();
    for (n, line) in text.lines().enumerate() {
        if previous_of(line).as_ref() != Some(&expected) {
            return Some(n + 1);
        }
        expected = Hash::of(line.as_bytes()).to_string();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn previous_of(line: &str) -> Option<String> {
        Some(line.split(' ').next()?.to_owned())
    }

    #[test]
    fn each_line_names_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let custody = Custody::of(folder.path());
        assert_eq!(custody.read().unwrap(), "");
        for n in 0..3 {
            custody.add(|previous| format!("{previous} line {n}")).unwrap();
        }
        let text = custody.read().unwrap();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(broken_at(&text, previous_of), None);
        assert_eq!(broken_at(&text.replace("line 0", "line 9"), previous_of), Some(2));
        let without: String =
            text.split_inclusive('\n').enumerate().filter(|(n, _)| *n != 1).map(|(_, line)| line).collect();
        assert_eq!(broken_at(&without, previous_of), Some(2));
    }

    #[test]
    fn a_line_that_was_cut_short_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let custody = Custody::of(folder.path());
        custody.add(|previous| format!("{previous} whole")).unwrap();
        let mut file = OpenOptions::new().append(true).open(folder.path().join(NAME)).unwrap();
        std::io::Write::write_all(&mut file, b"torn").unwrap();
        custody.add(|previous| format!("{previous} next")).unwrap();
        let text = custody.read().unwrap();
        assert!(!text.contains("torn") && text.lines().count() == 2, "{text}");
        assert_eq!(broken_at(&text, previous_of), None);
    }
}
