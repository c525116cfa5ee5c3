//! Places: where an archive and its keyring lie, and the moment at which an act is asked for.

use std::path::PathBuf;

use crate::base::time::Time;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::clock;
use crate::outside::keys::Keyring;

/// Where an archive and its keyring lie.
#[derive(Clone, Debug)]
pub struct Places {
    /// The archive's folder.
    pub archive: PathBuf,
    /// The keyring's folder.
    pub keys: PathBuf,
}

impl Places {
    /// Opens the archive for reading.
    ///
    /// # Errors
    /// [`ArchiveError::NotArchive`] when there is none.
    pub fn open_archive(&self) -> Result<Archive, ArchiveError> {
        Archive::open(&self.archive)
    }

    /// Names the keyring.
    #[must_use]
    pub fn keyring(&self) -> Keyring {
        Keyring::new(&self.keys)
    }
}

/// Asks what time it is, once for an act.
#[must_use]
pub fn now() -> Time {
    clock::now()
}
