//! Redactable: the text of a visit is committed to part by part, so that some of it can be withheld later.
//!
//! It is done where the visit is rendered. The seed is random, is kept as a blob beside the text, and goes wherever the
//! text goes: backups, mirrors, whole bundles.

use std::io::{self, Read};

use super::visit::{VisitError, Visited};

use crate::evidence::parts::Seed;
use crate::evidence::record::Parts;
use crate::outside::archive::spool::Spooled;
use crate::outside::keys::random;

/// Whether the text of a capture can be shown in part later.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Redaction {
    /// Only whole files can be withheld.
    #[default]
    Files,
    /// Ranges of the text can be withheld too.
    Ranges,
}

/// Commits to the parts of every rendition of a visit, where that is wanted.
///
/// # Errors
/// [`VisitError::Spool`] when a text cannot be read again, or there is no randomness.
pub(super) fn commit(visited: &mut Visited, redaction: Redaction) -> Result<(), VisitError> {
    if redaction == Redaction::Files {
        return Ok(());
    }
    for rendition in &mut visited.visit.renditions {
        let Some(blob) = visited.blobs.iter().find(|blob| blob.hash == rendition.sha256) else { continue };
        let mut text = Vec::new();
        blob.open().and_then(|mut reader| reader.read_to_end(&mut text)).map_err(VisitError::Spool)?;
        let bytes = random::<{ Seed::SIZE_BYTES }>().map_err(|error| VisitError::Spool(io::Error::other(error)))?;
        let seed = Spooled::from_bytes(bytes.to_vec());
        rendition.parts = Some(Parts { sha256: Seed::from_bytes(bytes).commit(&text), seed: seed.hash });
        visited.blobs.push(seed);
    }
    Ok(())
}
