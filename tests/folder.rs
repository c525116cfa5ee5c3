//! A folder's files, as a test holds them to damage, compare and put them back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Bytes by path, relative to the folder.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Reads every file below a folder.
pub(crate) fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(path, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

/// Writes a file, with the folders above it.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Writes every file below a folder.
pub(crate) fn put(folder: &Path, files: &Files) {
    for (path, bytes) in files {
        write(&folder.join(path), bytes);
    }
}
