//! Positioned reads: what lies at a place of a file, by one call to the system and without looking where the last ended.

use std::fs::File;
use std::io;

/// Fills `bytes` with what lies in a file from `start` on.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] where the file ends before, and whatever the system says.
pub(super) fn read_exact_at(file: &File, start: u64, bytes: &mut [u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, bytes, start);
    #[cfg(not(unix))]
    {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let mut file = file;
        file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(bytes))
    }
}
