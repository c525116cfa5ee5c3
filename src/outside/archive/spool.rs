//! Spools: bytes on their way into a pack, hashed as they come.
//!
//! | quantity | unit  | range                                            |
//! |----------|-------|--------------------------------------------------|
//! | memory   | bytes | at most [`MEMORY_BYTES_MAX`] a spool             |
//!
//! A small body stays in memory. A larger one is compressed into a passing file as it arrives, so that
//! neither a body nor its uncompressed copy is ever held whole. The file goes when the spool does.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::hash::{Hash, Hasher};

/// How much of a body is held in memory before it goes to a file: most pages stay below.
pub const MEMORY_BYTES_MAX: usize = 1 << 20;

/// How hard blobs are compressed: zstd's own default, at the speed of a fast disk.
pub(super) const COMPRESSION_LEVEL: i32 = 3;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A blob that is being received.
pub struct Spool {
    folder: PathBuf,
    hasher: Hasher,
    size_bytes: u64,
    place: Place,
}

enum Place {
    Memory(Vec<u8>),
    File(PassingFile, Box<zstd::Encoder<'static, Summed>>),
}

/// A blob that is wholly received, and not in a pack yet.
pub struct Spooled {
    /// Its name.
    pub hash: Hash,
    /// How many bytes it has.
    pub size_bytes: u64,
    stored: Stored,
}

enum Stored {
    Memory(Vec<u8>),
    File(PassingFile, u32),
}

impl Spool {
    /// Starts a spool whose passing file, if it needs one, lies in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), hasher: Hasher::new(), size_bytes: 0, place: Place::Memory(Vec::new()) }
    }

    /// Ends the receiving.
    ///
    /// # Errors
    /// When the passing file cannot be finished, as on a full disk.
    pub fn finish(self) -> io::Result<Spooled> {
        let stored = match self.place {
            Place::Memory(bytes) => Stored::Memory(bytes),
            Place::File(file, encoder) => {
                let Summed { file: mut writer, crc32 } = encoder.finish()?;
                writer.flush()?;
                Stored::File(file, crc32.finalize())
            }
        };
        Ok(Spooled { hash: self.hasher.finish(), size_bytes: self.size_bytes, stored })
    }

    fn spill(&mut self) -> io::Result<()> {
        let Place::Memory(bytes) = &self.place else { return Ok(()) };
        let (passing, file) = PassingFile::create(&self.folder)?;
        let mut encoder = zstd::Encoder::new(Summed::new(file), COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.write_all(bytes)?;
        self.place = Place::File(passing, Box::new(encoder));
        Ok(())
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Place::Memory(held) = &self.place
            && held.len() + bytes.len() > MEMORY_BYTES_MAX
        {
            self.spill()?;
        }
        match &mut self.place {
            Place::Memory(held) => held.extend_from_slice(bytes),
            Place::File(_, encoder) => encoder.write_all(bytes)?,
        }
        self.hasher.update(bytes);
        self.size_bytes += u64::try_from(bytes.len()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Spooled {
    /// Takes bytes that are already in memory.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a length fits in 64 bits")]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        let size_bytes = u64::try_from(bytes.len()).expect("a length fits in 64 bits");
        Self { hash: Hash::of(&bytes), size_bytes, stored: Stored::Memory(bytes) }
    }

    /// Opens the blob for reading from its start, uncompressed.
    ///
    /// # Errors
    /// When the passing file cannot be opened.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &self.stored {
            Stored::Memory(bytes) => Box::new(bytes.as_slice()),
            Stored::File(file, _) => Box::new(zstd::Decoder::new(File::open(&file.path)?)?),
        })
    }

    /// Opens the blob as one zstd frame.
    pub(super) fn open_frame(&self) -> io::Result<Frame<'_>> {
        match &self.stored {
            Stored::Memory(bytes) => {
                let mut compressor = zstd::bulk::Compressor::new(COMPRESSION_LEVEL)?;
                compressor.include_checksum(true)?;
                let frame = compressor.compress(bytes)?;
                let size_bytes = u64::try_from(frame.len()).map_err(io::Error::other)?;
                let crc32 = crc32fast::hash(&frame);
                Ok(Frame { bytes: Box::new(io::Cursor::new(frame)), size_bytes, crc32 })
            }
            Stored::File(file, crc32) => {
                let frame = File::open(&file.path)?;
                let size_bytes = frame.metadata()?.len();
                Ok(Frame { bytes: Box::new(frame), size_bytes, crc32: *crc32 })
            }
        }
    }
}

/// A blob as one zstd frame.
pub(super) struct Frame<'b> {
    /// The frame.
    pub(super) bytes: Box<dyn Read + 'b>,
    /// How many bytes it has.
    pub(super) size_bytes: u64,
    /// Its checksum.
    pub(super) crc32: u32,
}

/// A file that is summed as it is written.
struct Summed {
    file: BufWriter<File>,
    crc32: crc32fast::Hasher,
}

impl Summed {
    fn new(file: File) -> Self {
        Self { file: BufWriter::with_capacity(1 << 18, file), crc32: crc32fast::Hasher::new() }
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.crc32.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that is removed when it is dropped.
struct PassingFile {
    path: PathBuf,
}

impl PassingFile {
    fn create(folder: &Path) -> io::Result<(Self, File)> {
        fs::create_dir_all(folder)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}.zst", std::process::id()));
        let file = File::create(&path)?;
        Ok((Self { path }, file))
    }
}

impl Drop for PassingFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // The next writer clears the folder anyway.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_took_below_at_and_above_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        for size in [0, 1, MEMORY_BYTES_MAX - 1, MEMORY_BYTES_MAX, MEMORY_BYTES_MAX + 1, 3 * MEMORY_BYTES_MAX] {
            let bytes: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let mut spool = Spool::new(folder.path());
            for chunk in bytes.chunks(60_000) {
                spool.write_all(chunk).unwrap();
            }
            let spooled = spool.finish().unwrap();
            assert_eq!(spooled.hash, Hash::of(&bytes), "{size}");
            let mut again = Vec::new();
            spooled.open().unwrap().read_to_end(&mut again).unwrap();
            assert_eq!(again, bytes, "{size}");
            let is_in_memory = fs::read_dir(folder.path()).unwrap().count() == 0;
            assert_eq!(is_in_memory, size <= MEMORY_BYTES_MAX, "{size}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
