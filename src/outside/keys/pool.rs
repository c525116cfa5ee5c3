//! The pool: all secret keys at hand, chosen by what they check and not by where they lie.
//!
//! Which keys count is what the log says. A keyring that a crash left between two states has the right ones all the same,
//! under one name or another.

use std::sync::Arc;

use super::held::HeldKey;
use super::{KeysError, SecretKeys};

use crate::log::checkpoint::Origin;
use crate::log::key::{Ed25519PublicKey, Ed25519Signer};
use crate::log::vkey::{KeyName, NotePublicKey, NoteSecretKey, SignerKey, VerifierKey};

/// Secret keys at hand.
#[derive(Clone)]
pub struct KeyPool {
    name: KeyName,
    keys: Vec<Arc<Held>>,
}

/// A key, and the file of the keyring that it lies in.
struct Held {
    file: Option<&'static str>,
    key: HeldKey,
}

impl KeyPool {
    /// Begins without any.
    ///
    /// # Errors
    /// [`KeysError::Vkey`] when the log's name is no name of a key.
    pub(super) fn new(origin: &Origin) -> Result<Self, KeysError> {
        Ok(Self { name: KeyName::new(origin.as_str())?, keys: Vec::new() })
    }

    /// Adds a key that lies elsewhere than in the keyring.
    pub(super) fn add(&mut self, key: HeldKey) {
        self.keys.push(Arc::new(Held { file: None, key }));
    }

    pub(super) fn add_file(&mut self, file: &'static str, key: HeldKey) {
        self.keys.push(Arc::new(Held { file: Some(file), key }));
    }

    /// Returns the key in a file of the keyring.
    pub(super) fn in_file(&self, file: &str) -> Option<&HeldKey> {
        self.keys.iter().find(|held| held.file == Some(file)).map(|held| &held.key)
    }

    /// Chooses the keys that count: of the log's keys the newest of each algorithm, and of the others those that are there.
    ///
    /// # Errors
    /// [`KeysError::NotHeld`] names the one that is not there.
    pub fn fit(&self, statement: &Ed25519PublicKey, log: &[VerifierKey]) -> Result<SecretKeys, KeysError> {
        let not_held = |fingerprint: String| KeysError::NotHeld { fingerprint };
        let statement = self.ed25519(statement.as_bytes())?.ok_or_else(|| not_held(statement.fingerprint()))?;
        let mut checkpoint: Vec<SignerKey> = Vec::new();
        for key in log {
            let has_newer = log.iter().take_while(|other| *other != key).any(|other| other.kind() == key.kind());
            match self.signer(key)? {
                Some(signer) => checkpoint.push(signer),
                None if has_newer => {} // It was to sign beside the newer one, and is lost.
                None => return Err(not_held(key.fingerprint())),
            }
        }
        let mut first = None;
        for key in log.iter().filter(|key| matches!(key.key(), NotePublicKey::Ed25519(_))) {
            first = first.or(self.ed25519(key.key().as_bytes())?);
        }
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
            match held.key.public() {
                NotePublicKey::Ed25519(key) if statement.is_none() => statement = Some(key),
                key @ NotePublicKey::Ed25519(_) if log.is_empty() => log.push(VerifierKey::new(name.clone(), key)),
                key @ NotePublicKey::MlDsa44Cosignature(_) if log.len() == 1 => {
                    log.push(VerifierKey::new(name.clone(), key));
                }
                _ => {}
            }
        }
        let statement = statement.ok_or_else(|| KeysError::NotHeld { fingerprint: "of statements".to_owned() })?;
        self.fit(&statement, &log)
    }

    /// Signs with the key whose public half is given; nothing where it is not at hand.
    ///
    /// # Errors
    /// When an agent has it and does not sign, or what was signed here does not fit.
    pub fn sign(&self, public: &[u8], message: &[u8]) -> Result<Option<Vec<u8>>, KeysError> {
        let Some(held) = self.holding(public) else { return Ok(None) };
        if let Some(key) = held.key.ml_dsa_44() {
            return Ok(Some(key.sign(message)?.to_vec()));
        }
        Ok(held.key.ed25519()?.map(|key| key.sign(message)).transpose()?.map(Vec::from))
    }

    /// Returns the first public half that is the one that is looked for.
    #[must_use]
    pub fn find(&self, is_wanted: &dyn Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let publics = self.keys.iter().map(|held| held.key.public().as_bytes().to_vec());
        publics.into_iter().find(|public| is_wanted(public))
    }

    /// Returns what checks the checkpoints that the keyring's keys for them sign.
    #[must_use]
    pub fn verifiers(&self) -> Vec<VerifierKey> {
        let log = self.keys.iter().filter(|held| held.file.is_some_and(|file| file.starts_with("log")));
        log.map(|held| VerifierKey::new(self.name.clone(), held.key.public())).collect()
    }

    fn holding(&self, public: &[u8]) -> Option<&Held> {
        let mut all = self.keys.iter().filter(|held| held.key.public().as_bytes() == public);
        // Where one key is there twice, that which can sign.
        let first = all.next()?;
        if matches!(first.key, HeldKey::Absent { .. }) {
            Some(all.next().map_or(first, |held| &**held))
        } else {
            Some(first)
        }
    }

    fn ed25519(&self, public: &[u8]) -> Result<Option<Ed25519Signer>, KeysError> {
        self.holding(public).map_or(Ok(None), |held| held.key.ed25519())
    }

    fn signer(&self, wanted: &VerifierKey) -> Result<Option<SignerKey>, KeysError> {
        if *wanted.name() != self.name {
            return Ok(None);
        }
        let public = wanted.key().as_bytes();
        let secret = match wanted.key() {
            NotePublicKey::Ed25519(_) => self.ed25519(public)?.map(NoteSecretKey::Ed25519Signer),
            NotePublicKey::MlDsa44Cosignature(_) => {
                self.holding(public).and_then(|held| held.key.ml_dsa_44()).map(NoteSecretKey::MlDsa44Cosignature)
            }
            NotePublicKey::Ed25519Cosignature(_) => None,
        };
        Ok(secret.map(|secret| SignerKey::new(self.name.clone(), secret)))
    }
}
