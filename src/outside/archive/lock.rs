//! The writer's lock: one process writes an archive at a time.
//!
//! An advisory lock on the file `lock`, which names its holder. The system releases it when the process
//! ends, however it ends, so a stale lock cannot exist. Readers never take it.
//!
//! | quantity | unit         | range                                         |
//! |----------|--------------|-----------------------------------------------|
//! | waiting  | milliseconds | at most `WAIT_MILLISECONDS_MAX`, then refused |
//!
//! A lock can outlast its holder for a moment: a process that is being started has a copy of every open file of the one
//! that starts it, until its own program is loaded.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::base::time::Time;

/// How long a lock that is held is waited for: far longer than it takes to start a process, too short to be annoying.
const WAIT_MILLISECONDS_MAX: u64 = 1_000;

/// How long between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// The held lock; dropping it releases it.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the archive in `folder`, when it is free within `WAIT_MILLISECONDS_MAX`.
    ///
    /// # Errors
    /// [`LockError::Held`] names the holder.
    pub fn take(folder: &Path, now: Time) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let io = |source| LockError::Io { path: path.clone(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let deadline = Instant::now() + Duration::from_millis(WAIT_MILLISECONDS_MAX);
        let locked = loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOOK),
                locked => break locked,
            }
        };
        match locked {
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
        let freed = thread::spawn(move || {
            thread::sleep(LOOK * 5);
            drop(held);
        });
        assert!(Lock::take(folder.path(), now).is_ok(), "it is waited for, but not for long");
        freed.join().unwrap();
    }
}
