//! Spools: bytes on their way into a pack, hashed as they come.
//!
//! | quantity | unit  | range                                            |
//! |----------|-------|--------------------------------------------------|
//! | memory   | bytes | at most [`MEMORY_BYTES_MAX`] a spool             |
//!
//! A small body stays in memory and is compressed when it ends. A larger one is compressed into a passing file
//! as it arrives, on a thread of its own, so that neither a body nor its compressed copy is ever held whole and
//! hashing does not wait for compressing. The file goes when the spool does.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::JoinHandle;

use super::leaning::{self, Leaning};
use super::packs::Reference;
use super::plain;

use crate::base::hash::{Hash, Hasher};

/// How much of a body is held in memory before it goes to a file: most pages stay below.
pub const MEMORY_BYTES_MAX: usize = 1 << 20;

/// How much room a passing file leaves before its frame: a pack takes the file over as it is, and writes the map
/// of its member there. The longest map has 83 bytes, the rest is its padding.
pub(super) const ROOM_BYTES: u64 = 160;

/// How many pieces of a body may wait for its press before the network waits too: a piece is at most what one
/// read of a socket brings.
const WAITING_PIECE_COUNT_MAX: usize = 4;

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
    File(Press),
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
    Memory { bytes: Vec<u8>, frame: Option<Vec<u8>>, leaning: Option<Leaning> },
    File(Pressed),
}

impl Spool {
    /// Starts a spool whose passing file, if it needs one, lies in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), hasher: Hasher::new(), size_bytes: 0, place: Place::Memory(Vec::new()) }
    }

    /// Makes room in memory for a small body that is said to come. What is said may be wrong.
    pub fn make_room(&mut self, size_bytes: u64) {
        let size_bytes = usize::try_from(size_bytes).ok().filter(|size_bytes| *size_bytes <= MEMORY_BYTES_MAX);
        if let (Place::Memory(held), Some(size_bytes)) = (&mut self.place, size_bytes) {
            held.reserve_exact(size_bytes.saturating_sub(held.len()));
        }
    }

    /// Returns the SHA-256 of all that was received so far.
    #[must_use]
    pub fn so_far(&self) -> Hash {
        self.hasher.clone().finish()
    }

    /// Ends the receiving and compresses what is still to be compressed.
    ///
    /// # Errors
    /// When the passing file cannot be finished, as on a full disk.
    pub fn finish(self) -> io::Result<Spooled> {
        let stored = match self.place {
            Place::Memory(bytes) => Stored::Memory { frame: Some(plain::compress(&bytes)?), bytes, leaning: None },
            Place::File(press) => Stored::File(press.finish()?),
        };
        Ok(Spooled { hash: self.hasher.finish(), size_bytes: self.size_bytes, stored })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Place::Memory(held) = &mut self.place
            && held.len() + bytes.len() > MEMORY_BYTES_MAX
        {
            let mut press = Press::start(&self.folder)?;
            press.take_in(std::mem::take(held))?;
            self.place = Place::File(press);
        }
        match &mut self.place {
            Place::Memory(held) => held.extend_from_slice(bytes),
            Place::File(press) => press.take_in(bytes.to_vec())?,
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
        Self { hash: Hash::of(&bytes), size_bytes, stored: Stored::Memory { bytes, frame: None, leaning: None } }
    }

    /// Takes bytes that are already in memory and compresses them here and now, so that the sequencer need not.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn compressed(bytes: Vec<u8>) -> io::Result<Self> {
        let frame = Some(plain::compress(&bytes)?);
        let Self { hash, size_bytes, stored } = Self::from_bytes(bytes);
        let Stored::Memory { bytes, leaning, .. } = stored else { unreachable!("bytes in memory stay there") };
        Ok(Self { hash, size_bytes, stored: Stored::Memory { bytes, frame, leaning } })
    }

    /// Returns the blob's bytes when they are in memory.
    #[must_use]
    pub fn in_memory(&self) -> Option<&[u8]> {
        match &self.stored {
            Stored::Memory { bytes, .. } => Some(bytes),
            Stored::File(_) => None,
        }
    }

    /// Compresses a small blob anew against each of `references` until one serves well, and keeps the smallest frame
    /// if it is smaller than the plain one by more than naming its base costs. A reference is asked for only when the
    /// ones before it do not serve. A blob must not be offered itself.
    ///
    /// What zstd cannot make smaller by itself, as a body that came gzipped or an image, is not tried: such bytes
    /// differ throughout where the content differs at all.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn compress_against(&mut self, references: &mut dyn Iterator<Item = Arc<Reference>>) -> io::Result<()> {
        let Stored::Memory { bytes, frame: Some(frame), leaning } = &mut self.stored else { return Ok(()) };
        *leaning = leaning::lean(bytes, frame, references)?;
        Ok(())
    }

    /// Returns the frame that is compressed against another blob, when there is one.
    pub(super) fn leaning(&self) -> Option<&Leaning> {
        match &self.stored {
            Stored::Memory { leaning, .. } => leaning.as_ref(),
            Stored::File(_) => None,
        }
    }

    /// Opens the blob for reading from its start, uncompressed.
    ///
    /// # Errors
    /// When the passing file cannot be opened, as when a pack has taken it over.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &self.stored {
            Stored::Memory { bytes, .. } => Box::new(bytes.as_slice()),
            Stored::File(Pressed { file, .. }) => Box::new(zstd::Decoder::new(open_behind_room(&file.path)?)?),
        })
    }

    /// Opens the blob as one zstd frame.
    pub(super) fn open_frame(&self) -> io::Result<Frame<'_>> {
        match &self.stored {
            Stored::Memory { frame: Some(frame), .. } => Frame::in_memory(frame.into()),
            Stored::Memory { bytes, frame: None, .. } => Frame::in_memory(plain::compress(bytes)?.into()),
            Stored::File(Pressed { file, crc32 }) => {
                let frame = open_behind_room(&file.path)?;
                let size_bytes = frame.metadata()?.len() - ROOM_BYTES;
                let path = file.path.clone();
                Ok(Frame { bytes: FrameBytes::File { frame, path }, size_bytes, crc32: *crc32 })
            }
        }
    }
}

/// A blob as one zstd frame.
pub(super) struct Frame<'b> {
    /// The frame.
    pub(super) bytes: FrameBytes<'b>,
    /// How many bytes it has.
    pub(super) size_bytes: u64,
    /// Its checksum.
    pub(super) crc32: u32,
}

/// Where a frame's bytes are.
pub(super) enum FrameBytes<'b> {
    /// In a passing file, behind its room: to be copied from it, or taken over with it.
    File {
        /// The file, at the frame's start.
        frame: File,
        /// Where it lies.
        path: PathBuf,
    },
    /// In memory.
    Memory(Cow<'b, [u8]>),
}

fn open_behind_room(path: &Path) -> io::Result<File> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(ROOM_BYTES))?;
    Ok(file)
}

impl<'b> Frame<'b> {
    fn in_memory(frame: Cow<'b, [u8]>) -> io::Result<Self> {
        let size_bytes = u64::try_from(frame.len()).map_err(io::Error::other)?;
        Ok(Self { size_bytes, crc32: crc32fast::hash(&frame), bytes: FrameBytes::Memory(frame) })
    }
}

/// Compresses a body to a passing file on a thread of its own, while more of it arrives.
struct Press {
    pieces: SyncSender<Vec<u8>>,
    /// Absent once it has ended before its time.
    thread: Option<JoinHandle<io::Result<Pressed>>>,
}

/// A passing file that is one zstd frame.
struct Pressed {
    file: PassingFile,
    crc32: u32,
}

impl Press {
    fn start(folder: &Path) -> io::Result<Self> {
        let (passing, file) = PassingFile::create(folder)?;
        let (pieces, arriving) = mpsc::sync_channel(WAITING_PIECE_COUNT_MAX);
        let thread = std::thread::Builder::new().spawn(move || press(passing, file, &arriving))?;
        Ok(Self { pieces, thread: Some(thread) })
    }

    fn take_in(&mut self, piece: Vec<u8>) -> io::Result<()> {
        if self.pieces.send(piece).is_ok() {
            return Ok(());
        }
        // The thread ended before its time, and what it returns says why.
        let ended = self.thread.take().map_or_else(|| Err(gone()), join);
        Err(ended.err().unwrap_or_else(gone))
    }

    fn finish(self) -> io::Result<Pressed> {
        drop(self.pieces);
        self.thread.map_or_else(|| Err(gone()), join)
    }
}

fn join(thread: JoinHandle<io::Result<Pressed>>) -> io::Result<Pressed> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn gone() -> io::Error {
    io::Error::other("the passing file has failed before")
}

fn press(passing: PassingFile, mut file: File, arriving: &Receiver<Vec<u8>>) -> io::Result<Pressed> {
    file.seek(SeekFrom::Start(ROOM_BYTES))?;
    let mut encoder = zstd::Encoder::new(Summed::new(file), plain::LEVEL)?;
    encoder.include_checksum(true)?;
    for piece in arriving {
        encoder.write_all(&piece)?;
    }
    let Summed { file: mut writer, crc32 } = encoder.finish()?;
    writer.flush()?;
    Ok(Pressed { file: passing, crc32: crc32.finalize() })
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
