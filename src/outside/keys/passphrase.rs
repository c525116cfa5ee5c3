//! A change of passphrase: every secret file of the keyring is written anew, closed with another or open.
//!
//! One file after another is swapped. A crash between leaves some closed with the old passphrase and some with the new:
//! the same change, asked for again, opens each with whichever fits, and does the rest.

use super::change::secret_names;
use super::{KeyFileError, Keyring, KeysError, Passphrase};

impl Keyring {
    /// Closes every secret key with another passphrase, or leaves it open where none is given. Says how many files that were.
    ///
    /// # Errors
    /// [`KeysError::KeyFile`] names the file that neither passphrase opens; what was written by then opens with the new one.
    pub fn change_passphrase(&self, old: Option<&Passphrase>, new: Option<&Passphrase>) -> Result<usize, KeysError> {
        // What an agent has is closed by the agent.
        let is_here = |name: &&str| self.folder.join(name).exists() && matches!(self.pointer(name), Ok(None));
        let there: Vec<&str> = secret_names().filter(is_here).collect();
        let Some(first) = there.first() else {
            return Err(KeysError::Missing { path: self.folder.join(super::STATEMENT_KEY) });
        };
        // A wrong passphrase is found before anything is written.
        let opened =
            |name: &str| match self.read_secret(name, old) {
                Err(KeysError::KeyFile {
                    source: KeyFileError::WrongPassphrase | KeyFileError::NoPassphrase, ..
                }) if new.is_some() => self.read_secret(name, new),
                other => other,
            };
        opened(first)?;
        for name in &there {
            self.write_secret(name, &opened(name)?, new)?;
        }
        Ok(there.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::checkpoint::Origin;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned())
    }

    #[test]
    fn every_file_opens_with_the_new_one_and_with_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::new(folder.path());
        let origin = Origin::new("keys.example/log").unwrap();
        let statement = keyring.create(&origin, None).unwrap().statement.public();
        let (first, second) = (passphrase("first"), passphrase("second"));
        assert_eq!(keyring.change_passphrase(None, Some(&first)).unwrap(), 4);
        assert!(keyring.needs_passphrase() && keyring.secrets(&origin, None).is_err());
        assert!(keyring.change_passphrase(Some(&second), Some(&passphrase("third"))).is_err());
        assert_eq!(keyring.secrets(&origin, Some(&first)).unwrap().statement.public(), statement);
        // Cut short behind one file: the same change goes on.
        let key = keyring.read_secret("archive.key", Some(&first)).unwrap();
        keyring.write_secret("archive.key", &key, Some(&second)).unwrap();
        assert!(keyring.secrets(&origin, Some(&first)).is_err() && keyring.secrets(&origin, Some(&second)).is_err());
        keyring.change_passphrase(Some(&first), Some(&second)).unwrap();
        assert_eq!(keyring.secrets(&origin, Some(&second)).unwrap().statement.public(), statement);
        keyring.change_passphrase(Some(&second), None).unwrap();
        assert!(!keyring.needs_passphrase() && keyring.secrets(&origin, None).is_ok());
    }
}
