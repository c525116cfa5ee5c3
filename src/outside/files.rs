//! Files that others hand over: a ZIP, or a folder that somebody unpacked.
//!
//! | quantity | unit    | range                                                 |
//! |----------|---------|-------------------------------------------------------|
//! | files    | count   | at most [`FILE_COUNT_MAX`]                            |
//! | depth    | folders | at most [`DEPTH_MAX`]                                 |
//!
//! A folder is walked without following links. A link, a device or a name that is not UTF-8 is an error that
//! names it: nobody who packs evidence needs one, and some who unpack it are hurt by them.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::window::Window;

use crate::evidence::bundle::folder::Folder;
use crate::evidence::bundle::zip::ReadAt;

/// The most files that a folder may hold: what a ZIP of ours may.
pub const FILE_COUNT_MAX: usize = crate::evidence::bundle::zip::MEMBERS_MAX;

/// How deep folders may nest. A bundle has four levels.
pub const DEPTH_MAX: usize = 16;

/// A folder on a disk, as it was when it was walked.
#[derive(Debug)]
pub struct FileFolder {
    root: PathBuf,
    names: Vec<String>,
}

impl FileFolder {
    /// Walks a folder.
    ///
    /// # Errors
    /// A [`FilesError`] that names the file or folder.
    pub fn open(root: &Path) -> Result<Self, FilesError> {
        let mut folder = Self { root: root.to_owned(), names: Vec::new() };
        let mut waiting = vec![(root.to_owned(), String::new(), 0)];
        while let Some((path, prefix, depth)) = waiting.pop() {
            if depth > DEPTH_MAX {
                return Err(FilesError::TooDeep { path });
            }
            let (files, folders) = list(&path, &prefix)?;
            folder.names.extend(files);
            waiting.extend(folders.into_iter().map(|(path, prefix)| (path, prefix, depth + 1)));
            if folder.names.len() + waiting.len() > FILE_COUNT_MAX {
                return Err(FilesError::TooMany { path: root.to_owned() });
            }
        }
        folder.names.sort();
        Ok(folder)
    }
}

/// The names of files, and the paths and names of folders.
type Listed = (Vec<String>, Vec<(PathBuf, String)>);

fn list(path: &Path, prefix: &str) -> Result<Listed, FilesError> {
    let at = |source| FilesError::Io { path: path.to_owned(), source };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for found in fs::read_dir(path).map_err(at)?.take(FILE_COUNT_MAX + 1) {
        let found = found.map_err(at)?;
        let name = found.file_name().into_string().map_err(|_| FilesError::Name { path: found.path() })?;
        let kind = found.file_type().map_err(at)?;
        match (kind.is_file(), kind.is_dir()) {
            (true, _) => files.push(format!("{prefix}{name}")),
            (_, true) => folders.push((found.path(), format!("{prefix}{name}/"))),
            _ => return Err(FilesError::NotFile { path: found.path() }),
        }
    }
    Ok((files, folders))
}

impl Folder for FileFolder {
    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn open<'folder>(&'folder self, name: &str) -> io::Result<Box<dyn Read + 'folder>> {
        // Only what the walk found: a name that somebody wrote into a manifest opens nothing else.
        if self.names.binary_search_by(|found| found.as_str().cmp(name)).is_err() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Box::new(File::open(self.root.join(name))?))
    }
}

/// A file that is read from any place.
#[derive(Debug)]
pub struct FileBytes {
    /// A ZIP is asked for in many small pieces, most of them side by side.
    window: Mutex<Window<File>>,
    size_bytes: u64,
}

impl FileBytes {
    /// Opens a file.
    ///
    /// # Errors
    /// [`FilesError::Io`], or [`FilesError::NotFile`] for what has no size.
    pub fn open(path: &Path) -> Result<Self, FilesError> {
        let at = |source| FilesError::Io { path: path.to_owned(), source };
        let metadata = fs::metadata(path).map_err(at)?;
        if !metadata.is_file() {
            return Err(FilesError::NotFile { path: path.to_owned() });
        }
        let window = Window::new(File::open(path).map_err(at)?);
        Ok(Self { window: Mutex::new(window), size_bytes: metadata.len() })
    }
}

impl ReadAt for FileBytes {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.seek(SeekFrom::Start(offset))?;
        window.read_exact(bytes)
    }
}

/// Why files cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum FilesError {
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the name of `{}` is not UTF-8", path.display())]
    Name { path: PathBuf },
    #[error("`{}` is a link or a device, not a file", path.display())]
    NotFile { path: PathBuf },
    #[error("`{}` lies more than {DEPTH_MAX} folders deep", path.display())]
    TooDeep { path: PathBuf },
    #[error("`{}` holds more than {FILE_COUNT_MAX} files and folders", path.display())]
    TooMany { path: PathBuf },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::archive::durable::{Access, swap};

    #[test]
    fn lists_files_below_and_opens_no_other() {
        let folder = tempfile::tempdir().unwrap();
        swap(&folder.path().join("bag/data/b"), b"two", Access::Public).unwrap();
        swap(&folder.path().join("bag/a"), b"one", Access::Public).unwrap();
        swap(&folder.path().join("outside"), b"secret", Access::Public).unwrap();
        let files = FileFolder::open(&folder.path().join("bag")).unwrap();
        assert_eq!(files.names(), ["a", "data/b"]);
        assert!(Folder::open(&files, "../outside").is_err());
        let mut text = String::new();
        Folder::open(&files, "data/b").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "two");
    }

    #[test]
    fn reads_what_stands_at_any_place_and_nothing_behind_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let some = 16_usize << 10;
        let standing: Vec<u8> = (0..3 * some + 7).map(|at| at.to_le_bytes()[at % 3]).collect();
        swap(&path, &standing, Access::Public).unwrap();
        let file = FileBytes::open(&path).unwrap();
        for count in [0, 1, 31, some - 1, some, some + 1] {
            for at in [0, 1, 40, some - 20, 2 * some, standing.len() - 1, 12, standing.len()] {
                let mut found = vec![0; count];
                let read = file.read_at(u64::try_from(at).unwrap(), &mut found);
                match standing.get(at..at + count) {
                    Some(expected) => assert_eq!((read.is_ok(), &found[..]), (true, expected), "{count} at {at}"),
                    None => assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{count} at {at}"),
                }
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn refuses_links() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        assert!(matches!(FileFolder::open(folder.path()), Err(FilesError::NotFile { .. })));
    }
}
