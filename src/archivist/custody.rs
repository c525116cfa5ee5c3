//! Custody: what leaves the archive is noted in it, for whoever must say later who handed out what.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::outside::archive::Archive;
use crate::outside::archive::custody::{Custody, broken_at};
use crate::outside::archive::durable::WriteError;

/// Something that left the archive.
#[derive(Clone, Debug)]
pub struct Taken<'t> {
    /// What was done: `bundle`, `declare`, `exhibit`, `export`.
    pub act: &'static str,
    /// Where it lies.
    pub path: &'t Path,
    /// Its SHA-256 and how many bytes it has, where it is one file.
    pub file: Option<(Hash, u64)>,
    /// What it is about.
    pub subjects: &'t [Id],
    /// Of which of them something was withheld.
    pub withheld: &'t [Id],
}

/// Notes what was taken, by the account that runs the program.
///
/// # Errors
/// A [`WriteError`]: the archive's folder cannot be written. What was taken was taken all the same.
pub fn note(archive: &Archive, taken: &Taken<'_>, now: Time) -> Result<(), WriteError> {
    let texts = |ids: &[Id]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let name = taken.path.file_name().unwrap_or(taken.path.as_os_str()).to_string_lossy();
    Custody::of(archive.folder()).add(|previous| {
        let mut line = json!({
            "v": 1,
            "at": now.to_string(),
            "act": taken.act,
            "by": account(),
            "file": name,
            "subjects": texts(taken.subjects),
            "withheld": texts(taken.withheld),
            "previous": previous,
        });
        if let (Some(line), Some((sha256, size_bytes))) = (line.as_object_mut(), taken.file) {
            line.insert("sha256".to_owned(), sha256.to_string().into());
            line.insert("size".to_owned(), size_bytes.into());
        }
        line.to_string()
    })
}

/// Returns the lines about records, as they stand.
///
/// # Errors
/// A [`WriteError`] when they cannot be read.
pub fn lines_about(archive: &Archive, subjects: &[Id]) -> Result<Vec<u8>, WriteError> {
    let text = Custody::of(archive.folder()).read()?;
    let names = |line: &str| {
        let line: Json = serde_json::from_str(line).unwrap_or_default();
        let named = line["subjects"].as_array().cloned().unwrap_or_default();
        // A line without subjects is about the whole archive.
        named.is_empty() || named.iter().any(|name| subjects.iter().any(|id| *name == id.to_string()))
    };
    Ok(text.split_inclusive('\n').filter(|line| names(line)).collect::<String>().into_bytes())
}

/// Returns the number of the first line that does not fit the one before.
///
/// # Errors
/// A [`WriteError`] when they cannot be read.
pub fn first_broken(archive: &Archive) -> Result<Option<usize>, WriteError> {
    let text = Custody::of(archive.folder()).read()?;
    Ok(broken_at(&text, |line| serde_json::from_str::<Json>(line).ok()?["previous"].as_str().map(str::to_owned)))
}

/// Returns the account's name, as the system calls it.
fn account() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
