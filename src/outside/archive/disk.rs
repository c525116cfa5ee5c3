//! The disk as durable writing sees it: every change is one step.
//!
//! A step is a file made, some bytes written, a length set, a name given or taken away, a folder made, or an
//! fsync. [`super::durable`] and what stands on it make all their changes here and nowhere else, so that
//! [`super::faults`] can count the steps, fail any of them, and say what a crash after it may leave.
//! Without [`super::faults`] a step is the system call and nothing more.
//!
//! Reading is no step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::faults::{self, Step, Watched};

/// How much of another file is copied in one step, when steps are counted.
const COPIED_BYTES: u64 = 256 << 10;

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Everybody whom the umask allows.
    Public,
    /// The owner alone: mode 0600 from the moment the file exists.
    Secret,
}

/// A file that is written, at a place that moves on with each write.
pub(super) struct Kept {
    file: File,
    position: u64,
    watched: Option<(Watched, u64)>,
}

impl Kept {
    /// Makes a file that does not exist yet.
    pub(super) fn create(path: &Path, access: Access) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if access == Access::Secret {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        Self::make(path, || options.open(path))
    }

    fn make(path: &Path, open: impl FnOnce() -> io::Result<File>) -> io::Result<Self> {
        let Some(watched) = faults::watched(path) else {
            return Ok(Self { file: open()?, position: 0, watched: None });
        };
        let (file, number) = watched.create(path, open)?;
        Ok(Self { file, position: 0, watched: Some((watched, number)) })
    }

    /// Opens a file for reading and writing, making it when it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        if !path.exists() {
            return Self::make(path, open);
        }
        let watched = faults::watched(path).map(|watched| {
            let number = watched.number(path);
            (watched, number)
        });
        Ok(Self { file: open()?, position: 0, watched })
    }

    /// Says where the next bytes go.
    pub(super) fn seek(&mut self, position: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(position))?;
        self.position = position;
        Ok(())
    }

    /// Writes all of `bytes`.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &self.watched {
            None => self.file.write_all(bytes)?,
            Some((watched, number)) => watched.write(*number, self.position, bytes, &mut self.file)?,
        }
        self.position += length_of(bytes);
        Ok(())
    }

    /// Writes all of another file, and returns how many bytes that were.
    pub(super) fn copy_from(&mut self, other: &mut File) -> io::Result<u64> {
        if self.watched.is_none() {
            let count = io::copy(other, &mut self.file)?;
            self.position += count;
            return Ok(count);
        }
        let mut count = 0;
        loop {
            let mut bytes = Vec::new();
            Read::by_ref(other).take(COPIED_BYTES).read_to_end(&mut bytes)?;
            if bytes.is_empty() {
                return Ok(count);
            }
            self.write_all(&bytes)?;
            count += length_of(&bytes);
        }
    }

    /// Cuts the file off, or fills it with zeros, at `length`.
    pub(super) fn set_length(&self, length: u64) -> io::Result<()> {
        step(self.watched(), || self.named(|file| Step::SetLength { file, length }), || self.file.set_len(length))
    }

    /// Makes what the file holds, and how long it is, durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        step(self.watched(), || self.named(|file| Step::SyncFile { file }), || self.file.sync_data())
    }

    fn watched(&self) -> Option<&Watched> {
        self.watched.as_ref().map(|(watched, _)| watched)
    }

    fn named(&self, name: impl FnOnce(u64) -> Step) -> Step {
        name(self.watched.as_ref().map_or(0, |(_, number)| *number))
    }
}

/// Gives a file another name, in place of what had it.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let name = || Step::Rename { from: from.to_owned(), to: to.to_owned() };
    step(faults::watched(to).as_ref(), name, || fs::rename(from, to))
}

/// Exchanges the names of two files at once, or gives `from` the name `to` where the file system can only do that. The
/// former waits for nothing, while ext4 writes a file out that is renamed over another.
pub(super) fn exchange(from: &Path, to: &Path) -> io::Result<()> {
    let name = || Step::Exchange { from: from.to_owned(), to: to.to_owned() };
    step(faults::watched(to).as_ref(), name, || exchange_names(from, to).or_else(|_| fs::rename(from, to)))
}

#[cfg(target_os = "linux")]
fn exchange_names(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange_names(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Takes in a file that was written elsewhere, so that it can be written on: its bytes so far are not durable.
pub(super) fn adopt(path: &Path) -> io::Result<Kept> {
    let file = OpenOptions::new().write(true).open(path)?;
    let watched = match faults::watched(path) {
        None => None,
        Some(watched) => {
            let number = watched.adopt(path)?;
            Some((watched, number))
        }
    };
    Ok(Kept { file, position: 0, watched })
}

/// Takes a file's name away.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    if !path.exists() && path.symlink_metadata().is_err() {
        return Err(io::ErrorKind::NotFound.into()); // No step: nothing changes.
    }
    let name = || Step::Remove { path: path.to_owned() };
    step(faults::watched(path).as_ref(), name, || fs::remove_file(path))
}

/// Makes a folder.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    let name = || Step::CreateFolder { path: path.to_owned() };
    step(faults::watched(path).as_ref(), name, || fs::create_dir(path))
}

/// Removes a folder, when it is empty.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    if fs::read_dir(path)?.next().is_some() {
        return Err(io::ErrorKind::DirectoryNotEmpty.into()); // No step: nothing changes.
    }
    let name = || Step::RemoveFolder { path: path.to_owned() };
    step(faults::watched(path).as_ref(), name, || fs::remove_dir(path))
}

/// Makes what a file holds durable.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    let watched = faults::watched(path);
    let name = || Step::SyncFile { file: watched.as_ref().map_or(0, |watched| watched.number(path)) };
    step(watched.as_ref(), name, || File::open(path).and_then(|file| file.sync_data()))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let name = || Step::SyncFolder { path: folder.to_owned() };
    step(faults::watched(folder).as_ref(), name, || File::open(folder).and_then(|folder| folder.sync_all()))
}

/// Makes one step. An fsync under watch is only noted: nothing that is watched outlives its test.
fn step(
    watched: Option<&Watched>,
    name: impl FnOnce() -> Step,
    act: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    match watched {
        None => act(),
        Some(watched) => watched.step(name(), act),
    }
}

pub(super) fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a length fits in 64 bits")
}

/// Returns the folder in which a path lies.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}
