//! The endorsements of the keyring: who vouches for the log's keys, as they were imported.
//!
//! | file                     | what                                                          |
//! |--------------------------|---------------------------------------------------------------|
//! | `endorsements/NAME.txt`  | the text, where it does not lie in the signature; written first |
//! | `endorsements/NAME.cms`  | the signature, by which there is one                          |
//!
//! They are public, and travel in bundles. What lies here is judged by whoever verifies.

use std::fs;
use std::io;

use super::{Keyring, KeysError};

use crate::evidence::endorsement::{COUNT_MAX, EndorsementBytes};
use crate::outside::archive::durable;

const ENDORSEMENTS: &str = "endorsements";

impl Keyring {
    /// Reads the endorsements, in the order of their names.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn endorsements(&self) -> Result<Vec<EndorsementBytes>, KeysError> {
        let folder = self.folder.join(ENDORSEMENTS);
        let listed = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|source| KeysError::Io { path: folder.clone(), source })?,
        };
        let stem = |name: String| Some(name.strip_suffix(".cms")?.to_owned());
        let mut names: Vec<String> =
            listed.filter_map(|file| file.ok()?.file_name().into_string().ok()).filter_map(stem).collect();
        names.sort();
        names.into_iter().take(COUNT_MAX).map(|name| self.endorsement(name)).collect()
    }

    fn endorsement(&self, name: String) -> Result<EndorsementBytes, KeysError> {
        let cms = self.read(&format!("{ENDORSEMENTS}/{name}.cms"))?;
        let beside = match self.read(&format!("{ENDORSEMENTS}/{name}.txt")) {
            Err(KeysError::Missing { .. }) => None,
            other => Some(other?),
        };
        Ok(EndorsementBytes { name, cms, beside })
    }

    /// Keeps an endorsement.
    ///
    /// # Errors
    /// When it cannot be written durably; there is none of that name then.
    pub fn keep_endorsement(&self, endorsement: &EndorsementBytes) -> Result<(), KeysError> {
        durable::make_folder(&self.folder.join(ENDORSEMENTS))?;
        let EndorsementBytes { name, cms, beside } = endorsement;
        let write = |ending: &str, bytes: &[u8]| {
            let path = self.folder.join(ENDORSEMENTS).join(format!("{name}{ending}"));
            durable::swap(&path, bytes, durable::Access::Public)
        };
        if let Some(text) = beside {
            write(".txt", text)?; // A crash here leaves a text that nobody signed, and the next import writes it again.
        }
        Ok(write(".cms", cms)?)
    }
}
