//! Declare: the drafts of what people may sign about records that were checked.
//!
//! The checks are run, and what they came to is filled in. Nothing is drafted about records of which a check fails: there is
//! nothing to declare but the failure.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::append::software;

use crate::base::hash::{Hash, Hasher};
use crate::evidence::bundle::zip::ZipError;
use crate::evidence::declaration::{Facts, Form, docx, draft};
use crate::evidence::verify::{Report, Verdict};

/// What a draft is written as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Writing {
    /// A document for a word processor.
    Docx,
    /// Markdown.
    Markdown,
}

/// Drafts declarations about records that were checked, in the file `bundle` where they were in one.
///
/// # Errors
/// [`DeclareError::Failed`] when a check fails; [`DeclareError::Bundle`] when the file cannot be read.
pub fn declare(
    form: Form,
    writing: Writing,
    reports: &[Report],
    bundle: Option<&Path>,
) -> Result<Vec<u8>, DeclareError> {
    if let Some(failed) = reports.iter().find(|report| report.verdict == Verdict::Failed) {
        return Err(DeclareError::Failed { id: failed.subject.id.clone() });
    }
    let named = |path: &Path| {
        let failed = |source| DeclareError::Bundle { path: path.to_owned(), source };
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        hash_of(path).map(|hash| (name, hash)).map_err(failed)
    };
    let bundle = bundle.map(named).transpose()?;
    let software = software();
    let software = format!("{} {}", software.name, software.version);
    let text = draft(form, &Facts { reports, bundle, software });
    Ok(match writing {
        Writing::Docx => docx::docx(&text)?,
        Writing::Markdown => text.into_bytes(),
    })
}

fn hash_of(path: &Path) -> io::Result<Hash> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum DeclareError {
    #[error("cannot read `{}`", path.display())]
    Bundle { path: PathBuf, source: io::Error },
    #[error("a check of {id} fails, so that there is nothing to declare but that")]
    Failed { id: String },
    #[error("document")]
    Zip(#[from] ZipError),
}
