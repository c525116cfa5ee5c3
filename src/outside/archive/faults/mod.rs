//! Faults: a disk that fails when it is told to, and what a crash would leave on it. For tests alone.
//!
//! [`Faults::over`] watches everything below a folder: each step of `disk` is noted in its order, and
//! the one that is armed fails. [`Faults::end`] gives the [`Trace`] of all steps, and [`Trace::lay_out`] makes
//! of it the folder that a crash after any number of steps may leave ([`Loss`]).
//!
//! What a disk promises here is the least that POSIX lets a program rely on:
//!
//! - a write is durable after a later fsync of its file, and a name after a later fsync of its folder;
//! - of what is not durable, any part may be there after a loss of power, in any order: a write, the beginning of
//!   a write, a name whose file is empty, a file that no name leads to;
//! - a rename within a folder happens wholly or not at all;
//! - after an fsync that failed, what it was to make durable is lost for good, and a later fsync says nothing of it.
//!
//! A program that is not watched never comes here: one look at an atomic flag is all it pays.

mod trace;

pub use trace::{Loss, Trace};

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

static IS_ANY_WATCHED: AtomicBool = AtomicBool::new(false);
static ALL: Mutex<Vec<(PathBuf, Watched)>> = Mutex::new(Vec::new());

/// One change of the disk. Files have numbers, which they keep when their names change.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each name says it")]
pub enum Step {
    CreateFile {
        path: PathBuf,
        file: u64,
    },
    CreateFolder {
        path: PathBuf,
    },
    Exchange {
        from: PathBuf,
        to: PathBuf,
    },
    /// Not a step of the program: what stands before it was acknowledged.
    Mark {
        acknowledged: u64,
    },
    Remove {
        path: PathBuf,
    },
    RemoveFolder {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    SetLength {
        file: u64,
        length: u64,
    },
    SyncFile {
        file: u64,
    },
    /// An fsync that failed: what was not durable before it never will be.
    SyncFileFailed {
        file: u64,
    },
    SyncFolder {
        path: PathBuf,
    },
    Write {
        file: u64,
        offset: u64,
        bytes: Vec<u8>,
    },
}

/// How a step fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The disk is full from this step on: what would need room fails, a write halfway.
    Full,
    /// This one step fails, a write halfway.
    Failing,
    /// This one step fails and nothing of it is done; if it was an fsync, what it was for is lost.
    Dropping,
}

/// Watches a folder until it is dropped or ended.
pub struct Faults {
    root: PathBuf,
    watched: Watched,
}

/// A watched folder.
#[derive(Clone)]
pub struct Watched(Arc<Mutex<State>>);

struct State {
    root: PathBuf,
    base: Vec<(PathBuf, Option<Vec<u8>>)>,
    steps: Vec<Step>,
    numbers: HashMap<PathBuf, u64>,
    count: u64,
    armed: Option<(usize, Fault)>,
    has_failed: bool,
    after_failed_sync: Option<usize>,
}

impl Faults {
    /// Begins to watch what is below `root`, which must not be moved. What is there already counts as durable.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub fn over(root: &Path) -> io::Result<Self> {
        let mut base = Vec::new();
        list(root, root, &mut base)?;
        let numbers: HashMap<PathBuf, u64> = (1_u64..).zip(&base).map(|(n, (path, _))| (path.clone(), n)).collect();
        let state = State {
            root: root.to_owned(),
            count: u64::try_from(base.len()).map_err(io::Error::other)?,
            base,
            steps: Vec::new(),
            numbers,
            armed: None,
            has_failed: false,
            after_failed_sync: None,
        };
        let watched = Watched(Arc::new(Mutex::new(state)));
        all().push((root.to_owned(), watched.clone()));
        IS_ANY_WATCHED.store(true, Ordering::SeqCst);
        Ok(Self { root: root.to_owned(), watched })
    }

    /// Lets the step after the first `at` steps fail, once there is one.
    pub fn arm(&self, at: usize, fault: Fault) {
        self.watched.lock().armed = Some((at, fault));
    }

    /// Lets the disk be well again, with what failed until then as it is.
    pub fn disarm(&self) {
        self.watched.lock().armed = None;
    }

    /// Says that `acknowledged` records are promised from here on.
    pub fn mark(&self, acknowledged: u64) {
        self.watched.lock().steps.push(Step::Mark { acknowledged });
    }

    /// Says whether the armed step has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.watched.lock().has_failed
    }

    /// Returns how many steps were made after an fsync that failed; nothing if none failed. Names taken away do not
    /// count: they promise nothing.
    #[must_use]
    pub fn steps_after_failed_sync(&self) -> Option<usize> {
        self.watched.lock().after_failed_sync
    }

    /// Returns what happened until now, and goes on watching.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let state = self.watched.lock();
        Trace::new(state.base.clone(), state.steps.clone())
    }

    /// Ends the watching and returns what happened.
    #[must_use]
    pub fn end(self) -> Trace {
        let mut state = self.watched.lock();
        Trace::new(std::mem::take(&mut state.base), std::mem::take(&mut state.steps))
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        let mut all = all();
        all.retain(|(root, _)| *root != self.root);
        IS_ANY_WATCHED.store(!all.is_empty(), Ordering::SeqCst);
    }
}

fn all() -> MutexGuard<'static, Vec<(PathBuf, Watched)>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns who watches a path.
pub(super) fn watched(path: &Path) -> Option<Watched> {
    if !IS_ANY_WATCHED.load(Ordering::Relaxed) {
        return None;
    }
    all().iter().find(|(root, _)| path.starts_with(root)).map(|(_, watched)| watched.clone())
}

fn list(root: &Path, folder: &Path, base: &mut Vec<(PathBuf, Option<Vec<u8>>)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.strip_prefix(root).map_err(io::Error::other)?.to_owned();
        if path.is_dir() {
            base.push((name, None));
            list(root, &path, base)?;
        } else {
            base.push((name, Some(fs::read(&path)?)));
        }
    }
    Ok(())
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a file, and gives it a number.
    pub(super) fn create(&self, path: &Path, open: impl FnOnce() -> io::Result<File>) -> io::Result<(File, u64)> {
        let mut state = self.lock();
        state.begin(Room::Needed, Fsync::No)?;
        let file = open()?;
        let path = state.relative(path);
        let number = state.new_number(&path);
        state.steps.push(Step::CreateFile { path, file: number });
        Ok((file, number))
    }

    /// Notes a file that was written elsewhere.
    pub(super) fn adopt(&self, path: &Path) -> io::Result<u64> {
        let bytes = fs::read(path)?;
        let mut state = self.lock();
        let path = state.relative(path);
        let number = state.new_number(&path);
        state.steps.push(Step::CreateFile { path, file: number });
        state.steps.push(Step::Write { file: number, offset: 0, bytes });
        Ok(number)
    }

    /// Returns the number of a file that is there.
    pub(super) fn number(&self, path: &Path) -> u64 {
        let state = self.lock();
        state.numbers.get(&state.relative(path)).copied().expect("a watched file was made or was there")
    }

    pub(super) fn write(&self, number: u64, offset: u64, bytes: &[u8], file: &mut File) -> io::Result<()> {
        let mut state = self.lock();
        let begun = state.begin(Room::Needed, Fsync::No);
        let written = match &begun {
            Ok(()) => bytes,
            Err(_) if state.is_dropping() => &[],
            Err(_) => &bytes[..bytes.len() / 2],
        };
        file.write_all(written)?;
        state.steps.push(Step::Write { file: number, offset, bytes: written.to_vec() });
        begun
    }

    pub(super) fn step(&self, step: Step, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut state = self.lock();
        let step = state.named(step);
        let room = match step {
            Step::CreateFolder { .. } | Step::Exchange { .. } | Step::Rename { .. } => Room::Needed,
            _ => Room::NotNeeded,
        };
        let sync = match step {
            Step::SyncFile { .. } | Step::SyncFolder { .. } => Fsync::Yes,
            _ => Fsync::No,
        };
        if matches!(step, Step::Remove { .. } | Step::RemoveFolder { .. }) {
            act()?;
        } else if let Err(error) = state.begin(room, sync) {
            if let (Step::SyncFile { file }, true) = (&step, state.is_dropping()) {
                let file = *file;
                state.steps.push(Step::SyncFileFailed { file });
            }
            return Err(error);
        } else if sync == Fsync::No {
            act()?;
        }
        state.rename_numbers(&step);
        state.steps.push(step);
        Ok(())
    }
}

/// Whether a step needs room on the disk.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Room {
    Needed,
    NotNeeded,
}

/// Whether a step is an fsync.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Fsync {
    Yes,
    No,
}

impl State {
    /// Lets the step that is armed fail.
    fn begin(&mut self, room: Room, sync: Fsync) -> io::Result<()> {
        if let Some(count) = &mut self.after_failed_sync {
            *count += 1;
        }
        let Some((at, fault)) = self.armed.filter(|(at, _)| *at <= self.steps.len()) else { return Ok(()) };
        match fault {
            Fault::Full if room == Room::Needed => {
                self.has_failed = true;
                Err(io::ErrorKind::StorageFull.into())
            }
            Fault::Full => Ok(()),
            Fault::Failing | Fault::Dropping if self.has_failed => Ok(()),
            Fault::Failing | Fault::Dropping => {
                self.has_failed = true;
                self.armed = Some((at, fault));
                if sync == Fsync::Yes {
                    self.after_failed_sync = Some(0);
                }
                Err(io::Error::other("the disk was told to fail"))
            }
        }
    }

    fn is_dropping(&self) -> bool {
        matches!(self.armed, Some((_, Fault::Dropping)))
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).expect("it is watched because it lies below").to_owned()
    }

    fn new_number(&mut self, path: &Path) -> u64 {
        self.count += 1;
        self.numbers.insert(path.to_owned(), self.count);
        self.count
    }

    /// Says the step's paths from the root on.
    fn named(&self, step: Step) -> Step {
        match step {
            Step::CreateFolder { path } => Step::CreateFolder { path: self.relative(&path) },
            Step::Exchange { from, to } => Step::Exchange { from: self.relative(&from), to: self.relative(&to) },
            Step::Remove { path } => Step::Remove { path: self.relative(&path) },
            Step::RemoveFolder { path } => Step::RemoveFolder { path: self.relative(&path) },
            Step::Rename { from, to } => Step::Rename { from: self.relative(&from), to: self.relative(&to) },
            Step::SyncFolder { path } => Step::SyncFolder { path: self.relative(&path) },
            other => other,
        }
    }

    fn rename_numbers(&mut self, step: &Step) {
        match step {
            Step::Rename { from, to } => {
                let number = self.numbers.remove(from).expect("a watched file has a number");
                self.numbers.insert(to.clone(), number);
            }
            Step::Exchange { from, to } => {
                let numbers = [from, to].map(|path| self.numbers.remove(path).expect("a watched file has a number"));
                self.numbers.extend([to, from].into_iter().cloned().zip(numbers));
            }
            Step::Remove { path } => {
                self.numbers.remove(path);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::archive::durable::{self, Access};

    #[test]
    fn counts_fails_and_forgets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let faults = Faults::over(folder.path()).unwrap();
        durable::swap(&path, b"one", Access::Public).unwrap();
        faults.mark(1);
        durable::swap(&path, b"two", Access::Public).unwrap();
        let trace = faults.end();
        // Made, written, synced, renamed, its folder synced: twice, and the mark between them.
        assert_eq!(trace.len(), 11);
        let laid = |after, seed| {
            let target = tempfile::tempdir().unwrap();
            trace.lay_out(after, Loss::Power { seed }, target.path()).unwrap();
            fs::read(target.path().join("a")).ok()
        };
        for seed in 0..64 {
            assert!(laid(4, seed).is_none_or(|found| found == b"one"), "the name was not durable yet");
            for after in 5..11 {
                assert!([Some(b"one".to_vec()), Some(b"two".to_vec())].contains(&laid(after, seed)), "{after}");
            }
            assert_eq!(laid(11, seed), Some(b"two".to_vec()));
        }
        assert!((0..64).any(|seed| laid(4, seed).is_some()) && (0..64).any(|seed| laid(4, seed).is_none()));

        for fault in [Fault::Full, Fault::Failing, Fault::Dropping] {
            let faults = Faults::over(folder.path()).unwrap();
            faults.arm(1, fault);
            assert!(durable::swap(&path, b"three", Access::Public).is_err());
            assert!(faults.has_failed());
            drop(faults);
            assert_eq!(fs::read(&path).unwrap(), b"two");
        }
        durable::swap(&path, b"unwatched", Access::Public).unwrap();
    }

    #[test]
    fn what_a_failed_fsync_was_for_stays_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        durable::swap(&path, b"one", Access::Public).unwrap();
        let faults = Faults::over(folder.path()).unwrap();
        let mut file = crate::outside::archive::appending::Appending::open(&path, 3).unwrap();
        file.append(b"two").unwrap();
        let at = faults.watched.lock().steps.len();
        faults.arm(at, Fault::Dropping);
        assert!(file.sync().is_err());
        assert!(file.sync().is_ok(), "as a kernel answers");
        assert_eq!(faults.steps_after_failed_sync(), Some(2), "the file again, and the folder that names it");
        let trace = faults.end();
        let target = tempfile::tempdir().unwrap();
        trace.lay_out(trace.len(), Loss::Power { seed: 1 }, target.path()).unwrap();
        assert_eq!(fs::read(target.path().join("a")).unwrap(), b"one");
    }
}
