//! The pool: all secret keys at hand, chosen by what they check and not by where they lie.
//!
//! Which keys count is what the log says. A keyring that a crash left between two states has the right ones all the same,
//! under one name or another.

use std::sync::Arc;

use super::change::public_of;
use super::{KeysError, SecretKeys};

use crate::log::checkpoint::Origin;
use crate::log::key::{
    Ed25519PublicKey, Ed25519SecretKey, KeyName, MlDsa44SecretKey, NotePublicKey, NoteSecretKey, SignerKey, VerifierKey,
};
use crate::log::key_file::SecretKey;

/// Secret keys at hand.
#[derive(Clone)]
pub struct KeyPool {
    name: KeyName,
    keys: Vec<Arc<Held>>,
}

/// A secret key, and the file of the keyring that it lies in.
struct Held {
    file: Option<&'static str>,
    key: SecretKey,
}

impl KeyPool {
    /// Begins without any.
    ///
    /// # Errors
    /// [`KeysError::Key`] when the log's name is no name of a key.
    pub(super) fn new(origin: &Origin) -> Result<Self, KeysError> {
        Ok(Self { name: KeyName::new(origin.as_str())?, keys: Vec::new() })
    }

    /// Adds a key that lies elsewhere than in the keyring.
    pub fn add(&mut self, key: SecretKey) {
        self.keys.push(Arc::new(Held { file: None, key }));
    }

    pub(super) fn add_file(&mut self, file: &'static str, key: SecretKey) {
        self.keys.push(Arc::new(Held { file: Some(file), key }));
    }

    /// Returns the key in a file of the keyring.
    pub(super) fn in_file(&self, file: &str) -> Option<&SecretKey> {
        self.keys.iter().find(|held| held.file == Some(file)).map(|held| &held.key)
    }

    /// Chooses the keys that count: of the log's keys the newest of each algorithm, and of the others those that are there.
    ///
    /// # Errors
    /// [`KeysError::NotHeld`] names the one that is not there.
    pub fn fit(&self, statement: &Ed25519PublicKey, log: &[VerifierKey]) -> Result<SecretKeys, KeysError> {
        let not_held = |fingerprint: String| KeysError::NotHeld { fingerprint };
        let statement = self.ed25519(statement.as_bytes()).ok_or_else(|| not_held(statement.fingerprint()))?;
        let mut checkpoint: Vec<SignerKey> = Vec::new();
        for key in log {
            let has_newer = log.iter().take_while(|other| *other != key).any(|other| other.kind() == key.kind());
            match self.signer(key) {
                Some(signer) => checkpoint.push(signer),
                None if has_newer => {} // It was to sign beside the newer one, and is lost.
                None => return Err(not_held(key.fingerprint())),
            }
        }
        let first = log.iter().find_map(|key| match key.key() {
            NotePublicKey::Ed25519(key) => self.ed25519(key.as_bytes()),
            _ => None,
        });
        let log = first.ok_or_else(|| not_held("of the log".to_owned()))?;
        Ok(SecretKeys { statement, log, checkpoint, pool: self.clone() })
    }

    /// Chooses the keys that bear the names of those that count, which come first.
    ///
    /// # Errors
    /// [`KeysError::NotHeld`] when one is not there.
    pub fn current(&self) -> Result<SecretKeys, KeysError> {
        let name = self.name.clone();
        let mut statement = None;
        let mut log = Vec::new();
        for held in &self.keys {
            match &held.key {
                SecretKey::Ed25519(key) if statement.is_none() => statement = Some(key.public()),
                SecretKey::Ed25519(key) if log.is_empty() => {
                    log.push(VerifierKey::new(name.clone(), NotePublicKey::Ed25519(key.public())));
                }
                SecretKey::MlDsa44(key) if log.len() == 1 => {
                    log.push(VerifierKey::new(name.clone(), NotePublicKey::MlDsa44Cosignature(key.public())));
                }
                _ => {}
            }
        }
        let statement = statement.ok_or_else(|| KeysError::NotHeld { fingerprint: "of statements".to_owned() })?;
        self.fit(&statement, &log)
    }

    /// Signs with the key whose public half is given.
    #[must_use]
    pub fn sign(&self, public: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        self.keys.iter().find_map(|held| match &held.key {
            SecretKey::Ed25519(key) if key.public().as_bytes() == public => Some(key.sign(message).to_vec()),
            SecretKey::MlDsa44(key) if key.public().as_bytes() == public => Some(key.sign(message).to_vec()),
            _ => None,
        })
    }

    /// Returns the first public half that is the one that is looked for.
    #[must_use]
    pub fn find(&self, is_wanted: &dyn Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let publics = self.keys.iter().map(|held| public_of(&held.key).as_bytes().to_vec());
        publics.into_iter().find(|public| is_wanted(public))
    }

    /// Returns what checks the checkpoints that the keyring's keys for them sign.
    #[must_use]
    pub fn verifiers(&self) -> Vec<VerifierKey> {
        let log = self.keys.iter().filter(|held| held.file.is_some_and(|file| file.starts_with("log")));
        log.map(|held| VerifierKey::new(self.name.clone(), public_of(&held.key))).collect()
    }

    fn ed25519(&self, public: &[u8]) -> Option<Ed25519SecretKey> {
        self.keys.iter().find_map(|held| match &held.key {
            SecretKey::Ed25519(key) if key.public().as_bytes() == public => {
                Some(Ed25519SecretKey::from_seed(&key.seed_secret()))
            }
            _ => None,
        })
    }

    fn signer(&self, wanted: &VerifierKey) -> Option<SignerKey> {
        let secret = self.keys.iter().find_map(|held| match (&held.key, wanted.key()) {
            (SecretKey::Ed25519(key), NotePublicKey::Ed25519(public)) if key.public() == *public => {
                Some(NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&key.seed_secret())))
            }
            (SecretKey::MlDsa44(key), NotePublicKey::MlDsa44Cosignature(public)) if key.public() == *public => {
                Some(NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&key.seed_secret())))
            }
            _ => None,
        })?;
        (*wanted.name() == self.name).then(|| SignerKey::new(self.name.clone(), secret))
    }
}
