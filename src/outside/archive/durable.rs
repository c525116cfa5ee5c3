//! Durable writing: what is said to be on disk is on disk.
//!
//! Every byte that the archive and the keyring keep, and every bundle, is written here, in one of five ways:
//!
//! - [`swap`]: a whole file appears under its name at once, or not at all;
//! - [`place`]: the same, durable after [`sync_all`] or by the journal's word until then ([`super::journal`]);
//! - [`Passing`]: a file too large for memory that appears under its name once it is whole;
//! - [`super::appending`]: bytes at the end of a file that only grows;
//! - [`super::journal`] and `keys/newest-checkpoint`: bytes in place, where a checksum shows what is torn.
//!
//! Every change of the disk is a step of `disk`, where tests count and fail them.
//!
//! A failed fsync is not retried: the kernel may have dropped the dirty pages, and a second fsync would
//! succeed without them. The error goes up and the writing act ends.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::disk::{self, Kept, folder_of};

pub use super::disk::Access;

/// How much is written over at a time.
const PIECE_BYTES: u64 = 1 << 18;

/// How many fsyncs are waited for at once: more than a batch of 256 records needs, each in a passing thread.
const SYNC_COUNT_MAX: usize = 16;

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

/// Puts a whole file in place, replacing what stood there, for readers at once. It is durable once [`sync_all`] has
/// named it; until then a crash of the machine may leave anything under its name.
///
/// # Errors
/// A [`WriteError`] that names the path.
pub fn place(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let at = |source| WriteError::at(path, source);
    make_folder(&folder_of(path))?;
    let passing = passing_name(path);
    remove(&passing)?; // What a crash left.
    let mut file = Kept::create(&passing, Access::Public).map_err(at)?;
    file.write_all(bytes).map_err(at)?;
    if !path.exists() {
        return disk::rename(&passing, path).map_err(at);
    }
    disk::exchange(&passing, path).map_err(at)?;
    remove(&passing)
}

/// Writes bytes within a file, making it when it is not there. They are durable as those of [`place`] are.
///
/// # Errors
/// A [`WriteError`] that names the path.
pub fn write_at(path: &Path, offset: u64, bytes: &[u8]) -> Result<(), WriteError> {
    let write = || {
        let mut file = Kept::open(path)?;
        file.seek(offset)?;
        file.write_all(bytes)
    };
    write().map_err(|source| WriteError::at(path, source))
}

/// Makes files below `root` durable that were placed, their names, and the names of all folders on the way.
///
/// # Errors
/// A [`WriteError`] that names the path; the caller must not go on writing.
pub fn sync_all(root: &Path, paths: &BTreeSet<PathBuf>) -> Result<(), WriteError> {
    let all: Vec<&PathBuf> = paths.iter().collect();
    at_once(&all, |path| disk::sync_file(path).map_err(|source| WriteError::at(path, source)))?;
    // A process that died between making a folder and waiting for its name has left that to us.
    let mut folders = BTreeSet::from([folder_of(root)]);
    for path in paths {
        folders.extend(path.ancestors().skip(1).take_while(|folder| folder.starts_with(root)).map(Path::to_owned));
    }
    at_once(&Vec::from_iter(&folders), |folder| sync_folder(folder))
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
    match disk::create_folder(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(WriteError::at(path, source)),
        _ => sync_folder(parent.unwrap_or(Path::new("."))),
    }
}

/// Makes a folder as [`make_folder`] does, and waits for its name once more when it is empty: then a process may have
/// died before it had waited.
///
/// # Errors
/// A [`WriteError`] that names the folder.
pub fn make_folder_anew(path: &Path) -> Result<(), WriteError> {
    make_folder(path)?;
    let is_empty = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if is_empty { sync_folder(&folder_of(path)) } else { Ok(()) }
}

/// Gives a file that was written elsewhere another name, over the bytes at its start. What it holds is durable after
/// [`super::appending::Appending::sync`], its name at once.
///
/// # Errors
/// A [`WriteError`] that names the path; the file may then have its old name.
pub fn take_over(from: &Path, start: &[u8], path: &Path) -> Result<(), WriteError> {
    let at = |source| WriteError::at(path, source);
    disk::adopt(from).and_then(|mut file| file.write_all(start)).map_err(at)?;
    disk::rename(from, path).map_err(at)?;
    sync_folder(&folder_of(path))
}

/// Writes over a stretch of a file that is damaged there, durably. What stood there is lost: keep it aside before.
///
/// # Errors
/// A [`WriteError`] that names the path.
pub fn overwrite(path: &Path, offset: u64, bytes: &mut dyn io::Read) -> Result<(), WriteError> {
    let at = |source| WriteError::at(path, source);
    let is_new = !path.exists();
    let mut file = Kept::open(path).map_err(at)?;
    file.seek(offset).map_err(at)?;
    let mut piece = Vec::new();
    loop {
        piece.clear();
        (&mut *bytes).take(PIECE_BYTES).read_to_end(&mut piece).map_err(at)?;
        if piece.is_empty() {
            break;
        }
        file.write_all(&piece).map_err(at)?;
    }
    file.sync().map_err(at)?;
    if is_new { sync_folder(&folder_of(path)) } else { Ok(()) }
}

/// Removes a file that nothing needs any more; its absence is no error.
///
/// # Errors
/// A [`WriteError`] that names the path.
pub fn remove(path: &Path) -> Result<(), WriteError> {
    match disk::remove(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WriteError::at(path, source)),
        _ => Ok(()),
    }
}

/// Removes a folder if it is empty.
pub fn remove_empty_folder(path: &Path) {
    let _ = disk::remove_folder(path); // A needless folder hurts nobody.
}

fn passing_name(path: &Path) -> PathBuf {
    let mut passing = path.as_os_str().to_owned();
    passing.push(".new");
    PathBuf::from(passing)
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
        let folder = folder_of(path);
        make_folder_anew(&folder)?;
        let passing = passing_name(path);
        remove(&passing)?; // What a crash left may have the wrong mode.
        let mut file = Kept::create(&passing, access).map_err(|source| WriteError::at(&passing, source))?;
        file.write_all(bytes).map_err(|source| WriteError::at(path, source))?;
        self.written.push(Written { file, passing, path: path.to_owned() });
        self.folders.insert(folder);
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
            file.sync().map_err(|source| WriteError::at(path, source))
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
            disk::rename(passing, path).map_err(|source| WriteError::at(path, source))?;
        }
        at_once(&Vec::from_iter(&folders), |folder| sync_folder(folder))
    }
}

/// A file of a batch, under its passing name.
struct Written {
    file: Kept,
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

/// A file whose bytes are written over, where a checksum of its own shows what is torn.
pub struct InPlace {
    path: PathBuf,
    file: Kept,
}

impl InPlace {
    /// Opens a file that is there.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path.
    pub fn open(path: &Path) -> Result<Self, WriteError> {
        let file = Kept::open(path).map_err(|source| WriteError::at(path, source))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes bytes durably, over those that are there.
    ///
    /// # Errors
    /// A [`WriteError`]; the caller must not go on writing.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), WriteError> {
        let written = self.file.seek(offset).and_then(|()| self.file.write_all(bytes)).and_then(|()| self.file.sync());
        written.map_err(|source| WriteError::at(&self.path, source))
    }
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
    file: Kept,
    is_placed: bool,
}

impl Passing {
    /// Begins a file that will stand at `path`.
    ///
    /// # Errors
    /// A [`WriteError`] that names the path: of kind `AlreadyExists` when a file stands there and is to be kept.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, WriteError> {
        refuse_existing(path, existing)?;
        let new_path = passing_name(path);
        remove(&new_path)?; // What a crash left.
        let file = Kept::create(&new_path, Access::Public).map_err(|source| WriteError::at(&new_path, source))?;
        Ok(Self { path: path.to_owned(), new_path, file, is_placed: false })
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// As [`Passing::create`].
    pub fn place(mut self, existing: Existing) -> Result<(), WriteError> {
        let at = |source| WriteError::at(&self.path, source);
        self.file.sync().map_err(at)?;
        refuse_existing(&self.path, existing)?;
        disk::rename(&self.new_path, &self.path).map_err(at)?;
        self.is_placed = true;
        sync_folder(&folder_of(&self.path))
    }
}

impl Write for Passing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if !self.is_placed {
            let _ = disk::remove(&self.new_path); // The next one removes what stays.
        }
    }
}

fn refuse_existing(path: &Path, existing: Existing) -> Result<(), WriteError> {
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(WriteError::at(path, io::ErrorKind::AlreadyExists.into()));
    }
    Ok(())
}

/// Makes it durable which files a folder has.
///
/// # Errors
/// A [`WriteError`] that names the folder.
pub fn sync_folder(path: &Path) -> Result<(), WriteError> {
    disk::sync_folder(path).map_err(|source| WriteError::at(path, source))
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
    use std::fs;

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
}
