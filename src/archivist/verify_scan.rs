//! Verify, scans: printed pages, as pictures of them were taken.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::base::causes::with_causes;
use crate::base::time::Time;
use crate::evidence::paper::{PaperError, PaperSource, Parts, PartsError, ScanError, scan};
use crate::evidence::verify::{self, Check, Finding, Report, Trust};

/// The longest picture that is read: A4 at 600 dpi in colour has less than 100 MB without any compression.
pub const FILE_BYTES_MAX: u64 = 128 << 20;

/// How many pictures are read together.
pub const FILE_COUNT_MAX: usize = 1_000;

/// Verifies what stands on scanned pages: one report for each set of symbols, at least one.
///
/// # Errors
/// A [`VerifyScanError`] that names the picture that cannot be read, or says that no symbol stands on any. Where parts of
/// a set are missing the report says which: nothing can be told then.
pub fn verify_scan<'t>(
    files: &[PathBuf],
    trust: impl Into<Trust<'t>>,
    now: Time,
) -> Result<Vec<Report>, VerifyScanError> {
    if files.len() > FILE_COUNT_MAX {
        return Err(VerifyScanError::TooMany { found: files.len() });
    }
    let trust = trust.into();
    let mut lines = Vec::new();
    for path in files {
        let bytes = read(path)?;
        lines.extend(scan(&bytes).map_err(|source| VerifyScanError::Scan { path: path.clone(), source })?);
    }
    let sets = Parts::sort(lines.iter().map(String::as_str))?;
    if sets.is_empty() {
        return Err(VerifyScanError::Nothing);
    }
    Ok(sets.iter().map(|set| verify_set(set, trust, now)).collect())
}

fn verify_set(set: &Parts, trust: Trust<'_>, now: Time) -> Report {
    let name = format!("set {}", set.set());
    let expected = format!("{} parts of {name}", set.count());
    match PaperSource::of(set) {
        Ok(source) => verify::verify(&source, source.subject(), trust, now),
        Err(PaperError::Parts(error @ PartsError::Missing { .. })) => {
            verify::unopened(&name, vec![Finding::missing(Check::Files, expected, error.to_string())])
        }
        Err(error) => verify::unopened(&name, vec![Finding::fails(Check::Files, expected, with_causes(&error))]),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, VerifyScanError> {
    let at = |source| VerifyScanError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(at)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(at)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(VerifyScanError::TooLong { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum VerifyScanError {
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("no symbol of an exhibit can be read on any of the pictures")]
    Nothing,
    #[error(transparent)]
    Parts(#[from] PartsError),
    #[error("`{}` is no picture that can be read", path.display())]
    Scan { path: PathBuf, source: ScanError },
    #[error("`{}` is longer than {FILE_BYTES_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
    #[error("{found} pictures, more than the {FILE_COUNT_MAX} that are read together")]
    TooMany { found: usize },
}
