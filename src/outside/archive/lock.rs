//! The writer's lock: one process writes an archive at a time.
//!
//! An advisory lock on the file `lock`, which names its holder. The system releases it when the process
//! ends, however it ends, so a stale lock cannot exist. Readers never take it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::base::time::Time;

/// The held lock; dropping it releases it.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the archive in `folder`, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] names the holder.
    pub fn take(folder: &Path, now: Time) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let io = |source| LockError::Io { path: path.clone(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.take(200).read_to_string(&mut holder); // Only to help; the lock itself decides.
                return Err(LockError::Held { path, holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).map_err(io)?;
        writeln!(file, "process {} since {}", std::process::id(), now.to_second()).map_err(io)?;
        Ok(Self { _file: file })
    }
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum LockError {
    #[error("`{}` is held by {holder}; one process writes an archive at a time", path.display())]
    Held { path: PathBuf, holder: String },
    #[error("cannot lock `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_holder_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let now = Time::from_seconds(1_679_315_147).unwrap();
        let held = Lock::take(folder.path(), now).unwrap();
        let error = Lock::take(folder.path(), now).err().unwrap().to_string();
        assert!(error.contains(&format!("process {} since 2023-03-20T12:25:47Z", std::process::id())), "{error}");
        drop(held);
        assert!(Lock::take(folder.path(), now).is_ok());
    }
}
