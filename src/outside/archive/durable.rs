//! Durable writing: what is said to be on disk is on disk.
//!
//! Every byte that the archive and the keyring keep, and every bundle, is written here, in one of four ways:
//!
//! - [`swap`]: a whole file appears under its name at once, or not at all;
//! - [`Batch`]: many such files with one fsync each and one per folder, waited for together, for tiles;
//! - [`Passing`]: a file too large for memory that appears under its name once it is whole;
//! - [`Appending`]: bytes at the end of a file that only grows, durable after [`Appending::sync`].
//!
//! A failed fsync is not retried: the kernel may have dropped the dirty pages, and a second fsync would
//! succeed without them. The error goes up and the writing act ends.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How many fsyncs are waited for at once: more than a batch of 256 records needs, each in a passing thread.
const SYNC_COUNT_MAX: usize = 16;

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Everybody whom the umask allows.
    Public,
    /// The owner alone: mode 0600 from the moment the file exists.
    Secret,
}

/// Puts a whole file in place, durably, replacing what stood there.
///
/// A crash leaves the old file or the new one, and perhaps a `.new` beside it that the next swap overwrites.
///
/// # Errors
/// A [`WriteError`] that names the path.
pub fn swap(path: &Path, bytes: &[u8], access: Access) -> Result<(), WriteError> {
    let mut batch = Batch::default();
    batch.add_with(path, bytes, access)?;
    batch.finish()
}

/// Makes a folder and those above it, durably.
///
/// # Errors
/// A [`WriteError`] that names the folder.
pub fn make_folder(path: &Path) -> Result<(), WriteError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_folder(parent)?;
    }
    match fs::create_dir(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(WriteError::at(path, source)),
        _ => sync_folder(parent.unwrap_or(Path::new("."))),
    }
}

/// Gives a file that was written elsewhere another name, over the bytes at its start. What it holds is durable after
/// [`Appending::sync`], its name at once.
///
/// # Errors
/// A [`WriteError`] that names the path; the file may then have its old name.
pub fn take_over(from: &Path, start: &[u8], path: &Path) -> Result<(), WriteError> {
    let at = |source| WriteError::at(path, source);
    OpenOptions::new().write(true).open(from).and_then(|mut file| file.write_all(start)).map_err(at)?;
    fs::rename(from, path).map_err(at)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Removes a file that nothing needs any more; its absence is no error.
///
/// # Errors
/// A [`WriteError`] that names the path.
pub fn remove(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WriteError::at(path, source)),
        _ => Ok(()),
    }
}

/// Many files that become durable together.
#[derive(Default)]
pub struct Batch {
    written: Vec<Written>,
    folders: BTreeSet<PathBuf>,
}

impl Batch {
    /// Writes a file under a passing name.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn add(&mut self, path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
        self.add_with(path, bytes, Access::Public)
    }

    fn add_with(&mut self, path: &Path, bytes: &[u8], access: Access) -> Result<(), WriteError> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_folder(folder)?;
        let mut passing = path.as_os_str().to_owned();
        passing.push(".new");
        let passing = PathBuf::from(passing);
        remove(&passing)?; // What a crash left may have the wrong mode.
        let mut file = open_new(&passing, access).map_err(|source| WriteError::at(&passing, source))?;
        file.write_all(bytes).map_err(|source| WriteError::at(path, source))?;
        self.written.push(Written { file, passing, path: path.to_owned() });
        self.folders.insert(folder.to_owned());
        Ok(())
    }

    /// Gives every file its name. After this returns, all of them survive a crash.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path. A crash here leaves some of the files in place: the caller
    /// writes only what means nothing before the checkpoint does, or a single file.
    pub fn finish(self) -> Result<(), WriteError> {
        self.settle()?.place()
    }

    /// Makes every file durable under its passing name: after this a full disk prevents nothing any more.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn settle(self) -> Result<Settled, WriteError> {
        at_once(&self.written, |Written { file, path, .. }| {
            file.sync_data().map_err(|source| WriteError::at(path, source))
        })?;
        Ok(Settled(self))
    }
}

/// Files that are durable and have their passing names still.
pub struct Settled(Batch);

impl Settled {
    /// Gives every file its name.
    ///
    /// # Errors
    /// As [`Batch::finish`].
    pub fn place(self) -> Result<(), WriteError> {
        let Batch { written, folders } = self.0;
        for Written { passing, path, .. } in &written {
            fs::rename(passing, path).map_err(|source| WriteError::at(path, source))?;
        }
        at_once(&Vec::from_iter(&folders), |folder| sync_folder(folder))
    }
}

/// A file of a batch, under its passing name.
struct Written {
    file: File,
    passing: PathBuf,
    path: PathBuf,
}

/// Waits for many fsyncs at once: a file system makes one commit of those that come together, and the waiting is
/// most of what publishing costs.
fn at_once<T: Sync>(all: &[T], sync: impl Fn(&T) -> Result<(), WriteError> + Sync) -> Result<(), WriteError> {
    for some in all.chunks(SYNC_COUNT_MAX) {
        std::thread::scope(|scope| {
            let (first, others) = some.split_first().expect("a chunk is not empty");
            let others: Vec<_> = others.iter().map(|other| scope.spawn(|| sync(other))).collect();
            let first = sync(first);
            let others = others.into_iter().map(|other| other.join().expect("an fsync does not panic"));
            others.fold(first, Result::and)
        })?;
    }
    Ok(())
}

/// What to do when a file has the name already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// Leave it as it is and fail.
    Keep,
    /// Put the new file in its place.
    Replace,
}

/// A file that is written under a passing name, `.new` at its end, until it is whole. Dropping it removes it.
pub struct Passing {
    path: PathBuf,
    new_path: PathBuf,
    file: File,
    is_placed: bool,
}

impl Passing {
    /// Begins a file that will stand at `path`.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path: of kind `AlreadyExists` when a file stands there and is to be kept.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, WriteError> {
        refuse_existing(path, existing)?;
        let mut new_path = path.as_os_str().to_owned();
        new_path.push(".new");
        let new_path = PathBuf::from(new_path);
        remove(&new_path)?; // What a crash left.
        let file = open_new(&new_path, Access::Public).map_err(|source| WriteError::at(&new_path, source))?;
        Ok(Self { path: path.to_owned(), new_path, file, is_placed: false })
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// As [`Passing::create`].
    pub fn place(mut self, existing: Existing) -> Result<(), WriteError> {
        let at = |source| WriteError::at(&self.path, source);
        self.file.sync_all().map_err(at)?;
        refuse_existing(&self.path, existing)?;
        fs::rename(&self.new_path, &self.path).map_err(at)?;
        self.is_placed = true;
        sync_folder(self.path.parent().unwrap_or(Path::new(".")))
    }
}

impl Write for Passing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if !self.is_placed {
            let _ = fs::remove_file(&self.new_path); // The next one removes what stays.
        }
    }
}

fn refuse_existing(path: &Path, existing: Existing) -> Result<(), WriteError> {
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(WriteError::at(path, io::ErrorKind::AlreadyExists.into()));
    }
    Ok(())
}

/// A file that only grows.
pub struct Appending {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Appending {
    /// Opens a file for appending at `length`, cutting off what a crash left behind it.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn open(path: &Path, length: u64) -> Result<Self, WriteError> {
        let at = |source| WriteError::at(path, source);
        let is_new = !path.exists();
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(at)?;
        file.set_len(length).and_then(|()| file.seek(SeekFrom::Start(length))).map_err(at)?;
        if is_new {
            sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        }
        Ok(Self { path: path.to_owned(), file, length })
    }

    /// Appends bytes, and returns where they begin.
    ///
    /// # Errors
    /// A [`WriteError`]; the file is cut back to where it was, so that the next append overwrites.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, WriteError> {
        let written = self.file.write_all(bytes);
        self.settle(written.and_then(|()| u64::try_from(bytes.len()).map_err(io::Error::other)))
    }

    /// Appends bytes and then all of another file, and returns where the bytes begin.
    ///
    /// # Errors
    /// As [`Appending::append`].
    pub fn append_with_file(&mut self, bytes: &[u8], other: &mut File) -> Result<u64, WriteError> {
        let written = self.file.write_all(bytes).and_then(|()| io::copy(other, &mut self.file));
        self.settle(written.and_then(|count| Ok(count + u64::try_from(bytes.len()).map_err(io::Error::other)?)))
    }

    fn settle(&mut self, written: io::Result<u64>) -> Result<u64, WriteError> {
        let start = self.length;
        match written {
            Ok(count) => {
                self.length += count;
                Ok(start)
            }
            Err(source) => {
                // A full disk: what was half written must not stand before the next append. When cutting
                // fails too, opening the archive again finds the torn frame and cuts it.
                let _ = self.file.set_len(start).and_then(|()| self.file.seek(SeekFrom::Start(start)));
                Err(WriteError::at(&self.path, source))
            }
        }
    }

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// A [`WriteError`]; the caller must not go on writing.
    pub fn sync(&mut self) -> Result<(), WriteError> {
        self.file.sync_data().map_err(|source| WriteError::at(&self.path, source))
    }

    /// Returns how long the file is.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }
}

fn open_new(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if access == Access::Secret {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Makes it durable which files a folder has.
///
/// # Errors
/// A [`WriteError`] that names the folder.
pub fn sync_folder(path: &Path) -> Result<(), WriteError> {
    let folder = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| WriteError::at(folder, source))
}

/// Why bytes did not become durable.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl WriteError {
    /// Says whether a file lay there already, and was to be kept.
    #[must_use]
    pub fn is_existing(&self) -> bool {
        self.source.kind() == io::ErrorKind::AlreadyExists
    }

    /// Says that writing `path` failed.
    #[must_use]
    pub fn at(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swaps_a_whole_file_and_keeps_secrets_to_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/secret");
        swap(&path, b"one", Access::Secret).unwrap();
        swap(&path, b"two", Access::Secret).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_passing_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let mut file = Passing::create(&path, Existing::Keep).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);

        let mut file = Passing::create(&path, Existing::Keep).unwrap();
        file.write_all(b"whole").unwrap();
        file.place(Existing::Keep).unwrap();
        assert!(Passing::create(&path, Existing::Keep).is_err());
        Passing::create(&path, Existing::Replace).unwrap().place(Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn cuts_off_what_a_crash_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grows");
        let mut file = Appending::open(&path, 0).unwrap();
        assert_eq!(file.append(b"kept").unwrap(), 0);
        assert_eq!(file.append(b"torn").unwrap(), 4);
        drop(file);
        let mut file = Appending::open(&path, 4).unwrap();
        assert_eq!(file.append(b"!").unwrap(), 4);
        assert_eq!(fs::read(&path).unwrap(), b"kept!");
    }
}
