//! Verify-page: the page that checks bundles in a browser is written by itself.
//!
//! It comes with the program and not with a bundle, so that whoever trusts the program, or has compared the page's
//! SHA-256, need not trust the page that a bundle brings.

use std::io::{self, Write};
use std::path::Path;

use crate::base::hash::Hash;
use crate::evidence::bundle::verifier::{PAGE, page_sha256};
use crate::outside::archive::durable::{Existing, Passing, WriteError};

/// A page that was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PageWritten {
    /// Its SHA-256.
    pub sha256: Hash,
    /// How many bytes it has.
    pub size_bytes: usize,
}

/// Writes the page.
///
/// # Errors
/// A [`WriteError`]: of kind `AlreadyExists` when a file stands there and is to be kept.
pub fn verify_page(target: &Path, existing: Existing) -> Result<PageWritten, WriteError> {
    let at = |source: io::Error| WriteError::at(target, source);
    let mut passing = Passing::create(target, existing)?;
    passing.write_all(PAGE.as_bytes()).map_err(at)?;
    passing.place(existing)?;
    Ok(PageWritten { sha256: page_sha256(), size_bytes: PAGE.len() })
}
