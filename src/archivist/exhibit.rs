//! Exhibit: the pages of a bundle, beside it.
//!
//! They are made from the bundle's bytes alone, whether it was just made or came from elsewhere, so that whoever has it
//! gets the same pages. One file, or one for each volume.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::bundle::folder::Folder;
use crate::evidence::bundle::read::Bundle;
use crate::evidence::bundle::zip::{self, ZipError};
use crate::evidence::exhibit::{self, ExhibitError, Order, Volume};
use crate::evidence::verify::source::SourceError;
use crate::outside::archive::durable::{self, Existing, Passing};
use crate::outside::files::{FileBytes, FileFolder, FilesError};

/// An exhibit that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExhibitMade {
    /// What it shows.
    pub subjects: Vec<Id>,
    /// Its files, in order.
    pub volumes: Vec<VolumeMade>,
}

/// A file of an exhibit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VolumeMade {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Hash,
    /// How many bytes it has.
    pub size_bytes: usize,
    /// How many pages it has.
    pub page_count: usize,
}

/// Makes an exhibit of a bundle, a ZIP or an unpacked folder, as `target`.
///
/// # Errors
/// An [`ExhibitActError`]. No file is half written; of several volumes some may be there.
pub fn exhibit(
    bundle: &Path,
    order: &Order,
    target: &Path,
    existing: Existing,
) -> Result<ExhibitMade, ExhibitActError> {
    let (subjects, volumes) = if bundle.is_dir() {
        pages(FileFolder::open(bundle)?, order)?
    } else {
        pages(zip::Archive::open(FileBytes::open(bundle)?)?, order)?
    };
    let is_one = volumes.len() == 1;
    let made = volumes.iter().map(|volume| write(volume, &path_of(target, volume, is_one), existing));
    Ok(ExhibitMade { subjects, volumes: made.collect::<Result<_, _>>()? })
}

fn pages(folder: impl Folder, order: &Order) -> Result<(Vec<Id>, Vec<Volume>), ExhibitActError> {
    let bundle = Bundle::open(folder);
    let subjects = bundle.subjects().to_vec();
    let volumes = exhibit::make(&bundle, &subjects, bundle.tag_manifest_sha256()?, order)?;
    Ok((subjects, volumes))
}

/// Names a volume: where there is one, as the exhibit is named.
fn path_of(target: &Path, volume: &Volume, is_one: bool) -> PathBuf {
    if is_one {
        return target.to_owned();
    }
    let stem = target.file_stem().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!("{stem}-volume-{}.pdf", volume.number))
}

fn write(volume: &Volume, path: &Path, existing: Existing) -> Result<VolumeMade, ExhibitActError> {
    let mut passing = Passing::create(path, existing)?;
    passing.write_all(&volume.bytes).map_err(|source| durable::WriteError::at(path, source))?;
    passing.place(existing)?;
    Ok(VolumeMade {
        path: path.to_owned(),
        sha256: Hash::of(&volume.bytes),
        size_bytes: volume.bytes.len(),
        page_count: volume.page_count,
    })
}

/// Returns the name that an exhibit gets when none is asked for: its bundle's, and its letter.
#[must_use]
pub fn default_name(bundle: &Path, letter: &str) -> PathBuf {
    let is_zip = bundle.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    let stem = if is_zip { bundle.file_stem() } else { bundle.file_name() };
    let stem = stem.unwrap_or_default().to_string_lossy();
    bundle.with_file_name(format!("{stem}-exhibit-{}.pdf", letter.to_ascii_lowercase()))
}

/// Why there is no exhibit.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ExhibitActError {
    #[error(transparent)]
    Exhibit(#[from] ExhibitError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error("the bundle")]
    Source(#[from] SourceError),
    #[error(transparent)]
    Write(#[from] durable::WriteError),
    #[error("the bundle is no ZIP as bundles are")]
    Zip(#[from] ZipError),
}

impl ExhibitActError {
    /// Says whether a file lay there already, and was to be kept.
    #[must_use]
    pub fn is_existing(&self) -> bool {
        matches!(self, Self::Write(error) if error.is_existing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_named_after_its_bundle() {
        let cases = [("a/terms.zip", "a/terms-exhibit-px3.pdf"), ("v1.2", "v1.2-exhibit-px3.pdf")];
        for (bundle, name) in cases {
            assert_eq!(default_name(Path::new(bundle), "PX3"), Path::new(name));
        }
        let volume = Volume { number: 2, page_count: 1, bytes: Vec::new() };
        assert_eq!(path_of(Path::new("x/e.pdf"), &volume, false), Path::new("x/e-volume-2.pdf"));
        assert_eq!(path_of(Path::new("x/e.pdf"), &volume, true), Path::new("x/e.pdf"));
    }
}
