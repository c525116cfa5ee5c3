//! A window on a file: reads that go forward in small steps cost one large read now and then, and reads that leap
//! cost a small one each. A window that looks back, for whoever goes from a blob to what it leans on, holds what lies
//! before a read as well: what captures of one document brought often lies close together.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// How much is read at once: little after a leap, twice as much with each window that is used up.
const WINDOW_BYTES_MIN: usize = 1 << 10;
const WINDOW_BYTES_MAX: usize = 256 << 10;

/// How much a window that looks back holds before and behind where a read begins: a disk reads as much in the time in
/// which it finds the place.
const BEFORE_BYTES: u64 = 96 << 10;
const BEHIND_BYTES: usize = 32 << 10;

/// How far back a leap is one to the neighbourhood, and the next one likely too.
const NEAR_BYTES: u64 = 256 << 10;

/// A file behind a window. Unlike a `BufReader`, it keeps what it has read when the next read begins in it.
#[derive(Debug)]
pub(super) struct Window<F> {
    file: F,
    held: Vec<u8>,
    start: u64,
    at: u64,
    width: usize,
    looks_back: bool,
}

impl<F: Read + Seek> Window<F> {
    pub(super) fn new(file: F) -> Self {
        Self { file, held: Vec::new(), start: 0, at: 0, width: WINDOW_BYTES_MIN, looks_back: false }
    }

    /// Makes a window that looks back.
    pub(super) fn looking_back(file: F) -> Self {
        Self { looks_back: true, ..Self::new(file) }
    }

    /// Holds what lies where the next read begins.
    fn refill(&mut self) -> io::Result<()> {
        let length = u64::try_from(self.held.len()).map_err(io::Error::other)?;
        let is_next = self.at.checked_sub(self.start).is_some_and(|passed| passed < 2 * length);
        let is_near = self.held.is_empty() || self.start.checked_sub(self.at).is_some_and(|back| back < NEAR_BYTES);
        if self.looks_back && is_near && !is_next {
            return self.refill_around();
        }
        self.width = if is_next { (2 * self.width).min(WINDOW_BYTES_MAX) } else { WINDOW_BYTES_MIN };
        self.held.clear();
        self.start = self.file.seek(SeekFrom::Start(self.at))?;
        self.held.reserve(self.width);
        let limit = u64::try_from(self.width).map_err(io::Error::other)?;
        Read::by_ref(&mut self.file).take(limit).read_to_end(&mut self.held).map(drop)
    }

    /// Holds what lies before and behind the place where the next read begins.
    fn refill_around(&mut self) -> io::Result<()> {
        let start = self.at.saturating_sub(BEFORE_BYTES);
        let before = usize::try_from(self.at - start).map_err(io::Error::other)?;
        self.held.clear();
        self.start = self.file.seek(SeekFrom::Start(start))?;
        let limit = u64::try_from(before + BEHIND_BYTES).map_err(io::Error::other)?;
        Read::by_ref(&mut self.file).take(limit).read_to_end(&mut self.held).map(drop)
    }

    /// Returns a stretch of the file, when all of it is held.
    pub(super) fn held(&self, stretch: Range<u64>) -> Option<&[u8]> {
        let at = |place: u64| usize::try_from(place.checked_sub(self.start)?).ok();
        self.held.get(at(stretch.start)?..at(stretch.end)?)
    }

    /// Returns what is held from where the next read begins.
    fn rest(&self) -> &[u8] {
        let passed = self.at.checked_sub(self.start).and_then(|passed| usize::try_from(passed).ok());
        passed.and_then(|passed| self.held.get(passed..)).unwrap_or_default()
    }
}

impl<F: Read + Seek> Read for Window<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest().is_empty() {
            self.refill()?;
        }
        let rest = self.rest();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += u64::try_from(count).map_err(io::Error::other)?;
        Ok(count)
    }
}

impl<F: Read + Seek> Seek for Window<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?,
            SeekFrom::End(_) => self.file.seek(to)?,
        };
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_file_holds_wherever_a_read_begins() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|n| n.to_be_bytes()[3] ^ n.to_be_bytes()[2]).collect();
        read_everywhere(&bytes, Window::new(io::Cursor::new(&bytes)));
        read_everywhere(&bytes, Window::looking_back(io::Cursor::new(&bytes)));
    }

    fn read_everywhere(bytes: &[u8], mut window: Window<impl Read + Seek>) {
        let size = u64::try_from(WINDOW_BYTES_MIN).unwrap();
        for at in [0, 1, 7, size - 3, size, 2 * size - 1, 5, 999_990, 0, 3 * size + 17, 500_000, 410_000, 400_000] {
            window.seek(SeekFrom::Start(at)).unwrap();
            for length in [1, 10, 300_000] {
                let from = usize::try_from(window.stream_position().unwrap()).unwrap();
                let mut found = Vec::new();
                Read::by_ref(&mut window).take(length).read_to_end(&mut found).unwrap();
                let end = (from + usize::try_from(length).unwrap()).min(bytes.len());
                assert!(found == bytes[from..end], "{length} bytes from {from}");
            }
        }
        window.seek(SeekFrom::Start(2_000_000)).unwrap();
        assert_eq!(window.read(&mut [0; 8]).unwrap(), 0);
    }
}
