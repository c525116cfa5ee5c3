//! Why the keyring cannot be used.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::FILE_BYTES_MAX;

use crate::log::key::KeyError;
use crate::log::key_file::KeyFileError;
use crate::log::policy::PolicyError;
use crate::log::vkey::VkeyError;
use crate::outside::agent::AgentError;
use crate::outside::archive::durable::WriteError;
use crate::outside::archive::lock::LockError;
use crate::timestamp::authorities::AuthorityError;
use crate::timestamp::opentimestamps::blocks::BlocksError;

/// Why the keyring cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum KeysError {
    #[error("`{}` says that an ssh-agent has the key", path.display())]
    Agent { path: PathBuf, source: Arc<AgentError> },
    #[error("no agent has the new key")]
    AgentKey(#[source] AgentError),
    #[error("`{}`", path.display())]
    Authority { path: PathBuf, source: AuthorityError },
    #[error("`{}`", path.display())]
    Blocks { path: PathBuf, source: BlocksError },
    #[error("`{}` exists already, and no key is ever overwritten", path.display())]
    Exists { path: PathBuf },
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("`{}`", path.display())]
    KeyFile { path: PathBuf, source: KeyFileError },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("`{}` is missing", path.display())]
    Missing { path: PathBuf },
    #[error("the secret key {fingerprint} is not in the keyring, and the log asks for its signature")]
    NotHeld { fingerprint: String },
    #[error("`{}` is not text in UTF-8; change it by hand", path.display())]
    NotText { path: PathBuf },
    #[error("`{}`", path.display())]
    Policy { path: PathBuf, source: PolicyError },
    #[error("`{}`", path.display())]
    PublicKey { path: PathBuf, source: KeyError },
    #[error("the system gives no randomness")]
    Random(#[source] getrandom::Error),
    #[error("`{}` may be read by others (mode {mode:o}); run `chmod 600` on it", path.display())]
    Readable { path: PathBuf, mode: u32 },
    #[error("`{}` is longer than {FILE_BYTES_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
    #[error(transparent)]
    Vkey(#[from] VkeyError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("`{}` is not an {expected} key", path.display())]
    WrongAlgorithm { path: PathBuf, expected: &'static str },
}
