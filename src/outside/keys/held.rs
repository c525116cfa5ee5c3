//! A key at hand: in a file of the keyring, or with a running ssh-agent.
//!
//! A file that begins with `ssh-ed25519` holds a public key, as OpenSSH writes it, and says that an agent has the secret
//! ([`crate::outside::agent`]). It is copied, renamed and removed like a file that holds the secret, so that a change of keys is the same for
//! both. Agents know no ML-DSA: that key lies in a file, whatever becomes of the others.

use std::path::PathBuf;
use std::sync::Arc;

use super::KeysError;

use crate::log::key::{Ed25519PublicKey, Ed25519SecretKey, Ed25519Signer, MlDsa44SecretKey};
use crate::log::key_file::SecretKey;
use crate::log::vkey::NotePublicKey;
use crate::outside::agent::{Agent, AgentError};

/// A key at hand.
pub(super) enum HeldKey {
    /// The secret is here.
    Secret(SecretKey),
    /// An agent has it.
    Agent(Ed25519Signer),
    /// An agent should have it, and none does.
    Absent { public: Ed25519PublicKey, path: PathBuf, why: Arc<AgentError> },
}

impl HeldKey {
    /// Looks for the agent that has the secret of a public key; `path` is the file that says so.
    pub(super) fn with_agent(public: Ed25519PublicKey, path: PathBuf) -> Self {
        match Agent::of_environment().and_then(|agent| agent.signer(public)) {
            Ok(signer) => Self::Agent(signer),
            Err(why) => Self::Absent { public, path, why: Arc::new(why) },
        }
    }

    /// Returns the public half; what an Ed25519 key signs is not told by its file.
    pub(super) fn public(&self) -> NotePublicKey {
        match self {
            Self::Secret(SecretKey::Ed25519(key)) => NotePublicKey::Ed25519(key.public()),
            Self::Secret(SecretKey::MlDsa44(key)) => NotePublicKey::MlDsa44Cosignature(key.public()),
            Self::Agent(signer) => NotePublicKey::Ed25519(signer.public()),
            Self::Absent { public, .. } => NotePublicKey::Ed25519(*public),
        }
    }

    /// Returns what signs by Ed25519; nothing for a key of the other kind.
    ///
    /// # Errors
    /// [`KeysError::Agent`] when no agent has the secret.
    pub(super) fn ed25519(&self) -> Result<Option<Ed25519Signer>, KeysError> {
        match self {
            Self::Secret(SecretKey::Ed25519(key)) => Ok(Some(Ed25519SecretKey::from_seed(&key.seed_secret()).into())),
            Self::Secret(SecretKey::MlDsa44(_)) => Ok(None),
            Self::Agent(signer) => Ok(Some(signer.clone())),
            Self::Absent { path, why, .. } => Err(KeysError::Agent { path: path.clone(), source: why.clone() }),
        }
    }

    /// Returns the secret for ML-DSA-44; nothing for a key of the other kind.
    pub(super) fn ml_dsa_44(&self) -> Option<MlDsa44SecretKey> {
        match self {
            Self::Secret(SecretKey::MlDsa44(key)) => Some(MlDsa44SecretKey::from_seed(&key.seed_secret())),
            _ => None,
        }
    }
}

/// Reads the public key in a file that says that an agent has the secret; nothing where it is a file with the secret.
pub(super) fn pointer(file: &[u8]) -> Option<&str> {
    std::str::from_utf8(file).ok().filter(|text| text.starts_with("ssh-ed25519 "))
}
