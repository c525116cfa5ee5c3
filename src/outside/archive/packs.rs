//! Packs: the blobs of an archive, in append-only segments.
//!
//! ```text
//! packs/00000001.pack     sealed: immutable
//! packs/00000001.index    its rows, sorted by hash
//! packs/00000002.pack     active: only grows
//! packs/00000002.rows     its rows, in the order of appending
//! ```
//!
//! A segment is a row of *members*. Each is a zstd skippable frame that holds a CBOR map, and behind it the
//! one zstd frame that the map describes:
//!
//! | field    | type | what                                            |
//! |----------|------|-------------------------------------------------|
//! | `sha256` | hash | the blob's name: SHA-256 of its bytes           |
//! | `size`   | uint | how many bytes it has                           |
//! | `stored` | uint | how many bytes the zstd frame behind it has     |
//! | `crc32`  | uint | CRC-32 of that frame                            |
//! | `pad`    | bytes | zeros, where the frame was there before the map |
//!
//! So `zstd -dc 00000001.pack` prints all of a segment's blobs, one after another, and
//! `tail -c +OFFSET segment | zstd -dc | head -c SIZE` one of them. A row is 40 bytes: the hash, and the
//! offset of its member as a big-endian integer. `crc32` is there because a zstd frame has bits that
//! decoders ignore, and damage to them should be found too. Rows and indexes are derived: where they are missing or
//! wrong, the segment is walked instead.
//!
//! | quantity | unit  | range                                                              |
//! |----------|-------|--------------------------------------------------------------------|
//! | segment  | bytes | sealed from [`SEGMENT_BYTES_MAX`]; one large blob may pass it       |
//! | map      | bytes | at most `HEADER_BYTES_MAX`                                          |
//!
//! A crash while appending leaves a torn member at the end of the active segment: opening for writing walks
//! the members and cuts off what is torn, unless a row or a member behind it shows that it was whole once.
//! A segment that was damaged so is never cut: it is sealed as it is, and the next one begins. A blob that no
//! record names yet is harmless: the next capture of the same bytes finds it.
//!
//! Source: RFC 8878 §3.1.2 (skippable frames). Every read checks the hash.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::durable::{self, Access, Appending, WriteError};
use super::spool::{FrameBytes, ROOM_BYTES, Spooled};

use crate::base::cbor::{self, Value};
use crate::base::hash::{Hash, Hasher};

/// When a segment is sealed: small enough to copy and to verify in a second or two.
pub const SEGMENT_BYTES_MAX: u64 = 256 << 20;

/// The smallest frame whose passing file becomes a segment of its own instead of being copied into one.
const TAKEN_OVER_BYTES_MIN: u64 = 64 << 20;

/// The longest map of a member.
const HEADER_BYTES_MAX: u32 = 1024;

/// The largest blob that is read whole into memory.
pub const WHOLE_BYTES_MAX: u64 = 64 << 20;

/// How much is read at a time in search of the next member.
const SCAN_BYTES: u64 = 1 << 20;

const SKIPPABLE_MAGIC: u32 = 0x184D_2A5A;
const PREAMBLE_BYTES: u64 = 8;
const PREAMBLE_BYTES_USIZE: usize = 8;
/// The key `pad` and the head of a byte string of 24 to 255 bytes.
const PAD_HEAD_BYTES: usize = 6;
const ROW_BYTES: usize = 40;
const ROW_BYTES_U64: u64 = 40;

/// The blobs of an archive, for reading.
#[derive(Clone, Debug)]
pub struct Packs {
    folder: PathBuf,
}

/// A blob as it lies in a segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The blob's name, as the segment says it.
    pub hash: Hash,
    /// How many bytes it has, as the segment says it.
    pub size_bytes: u64,
    /// Where its member begins.
    pub offset: u64,
    pub(super) frame_offset: u64,
    pub(super) stored_bytes: u64,
    pub(super) crc32: u32,
}

/// The rows of a segment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rows {
    /// Each blob's name, and where its member begins.
    pub listed: Vec<(Hash, u64)>,
    /// How many bytes behind them are no row.
    pub trailing_bytes: usize,
}

impl Member {
    /// Returns where the next member begins.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.frame_offset + self.stored_bytes
    }
}

impl Packs {
    /// Reads the packs in `folder`, which need not exist yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns the segments' numbers, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn segments(&self) -> Result<Vec<u32>, PackError> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|source| PackError::Io { path: self.folder.clone(), source })?,
        };
        // One spelling: `1.pack` is not the file that segment 1 lies in.
        let number = |name: &str| name.parse().ok().filter(|number: &u32| format!("{number:08}") == name);
        let mut numbers: Vec<u32> =
            entries.filter_map(|entry| number(entry.ok()?.file_name().to_str()?.strip_suffix(".pack")?)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Returns a segment's path.
    #[must_use]
    pub fn path(&self, segment: u32) -> PathBuf {
        self.folder.join(format!("{segment:08}.pack"))
    }

    /// Says whether a blob is held, by its row alone.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn contains(&self, hash: Hash) -> Result<bool, PackError> {
        Ok(self.find(hash)?.is_some())
    }

    /// Copies a blob to `target`, hashing it on the way; returns how many bytes it has.
    ///
    /// # Errors
    /// [`PackError::Missing`] or [`PackError::Damaged`]. What was copied until then is not the blob.
    pub fn copy(&self, hash: Hash, target: &mut dyn Write) -> Result<u64, PackError> {
        let (segment, member) = self.find_to_read(hash)?;
        self.copy_member(segment, &member, target)
    }

    /// Reads a blob whole.
    ///
    /// # Errors
    /// As [`Packs::copy`], and [`PackError::TooLarge`] above [`WHOLE_BYTES_MAX`].
    pub fn read(&self, hash: Hash) -> Result<Vec<u8>, PackError> {
        let (segment, member) = self.find_to_read(hash)?;
        if member.size_bytes > WHOLE_BYTES_MAX {
            return Err(PackError::TooLarge { hash, size_bytes: member.size_bytes });
        }
        let mut bytes = Vec::new();
        self.copy_member(segment, &member, &mut bytes)?;
        Ok(bytes)
    }

    /// Returns a blob's size, as its member says it.
    ///
    /// # Errors
    /// [`PackError::Missing`].
    pub fn size_bytes(&self, hash: Hash) -> Result<u64, PackError> {
        Ok(self.find_to_read(hash)?.1.size_bytes)
    }

    /// Copies one member's blob to `target` and compares its hash and size.
    ///
    /// # Errors
    /// [`PackError::Damaged`] says where.
    #[expect(clippy::missing_panics_doc, reason = "a count fits in 64 bits")]
    pub fn copy_member(&self, segment: u32, member: &Member, target: &mut dyn Write) -> Result<u64, PackError> {
        let path = self.path(segment);
        let damaged =
            |found: String| PackError::Damaged { hash: member.hash, path: path.clone(), offset: member.offset, found };
        let mut file = File::open(&path).map_err(|source| PackError::Io { path: path.clone(), source })?;
        file.seek(SeekFrom::Start(member.frame_offset))
            .map_err(|source| PackError::Io { path: path.clone(), source })?;
        let stored = Summing { file: file.take(member.stored_bytes), crc32: crc32fast::Hasher::new() };
        let decoder = zstd::Decoder::new(stored).map_err(|error| damaged(error.to_string()))?;
        let mut reader = decoder.single_frame().take(member.size_bytes.saturating_add(1)); // One byte more shows a blob that is too long.
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 1 << 16];
        let mut size_bytes = 0;
        loop {
            let count = reader.read(&mut buffer).map_err(|error| damaged(error.to_string()))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            size_bytes += u64::try_from(count).expect("a count fits in 64 bits");
            target.write_all(&buffer[..count]).map_err(PackError::Target)?;
        }
        let hash = hasher.finish();
        if hash != member.hash || size_bytes != member.size_bytes {
            return Err(damaged(format!("{size_bytes} bytes with SHA-256 {hash}")));
        }
        let mut stored = reader.into_inner().finish();
        io::copy(&mut stored, &mut io::sink()).map_err(|error| damaged(error.to_string()))?;
        let crc32 = stored.into_inner().crc32.finalize();
        if crc32 != member.crc32 {
            return Err(damaged(format!(
                "the right bytes from a frame with CRC-32 {crc32:08x}, not {:08x}",
                member.crc32
            )));
        }
        Ok(size_bytes)
    }

    /// Walks a segment's members from `start`, in order. Bytes that are no member are passed over, with an
    /// error that says where they lie.
    ///
    /// # Errors
    /// [`PackError::Io`] when the segment cannot be opened; in the walk, [`PackError::Torn`].
    pub fn walk(
        &self,
        segment: u32,
        start: u64,
    ) -> Result<impl Iterator<Item = Result<Member, PackError>> + use<>, PackError> {
        let path = self.path(segment);
        let io_error = |source| PackError::Io { path: path.clone(), source };
        let mut file = File::open(&path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        let mut offset = start;
        Ok(std::iter::from_fn(move || {
            if offset >= length {
                return None;
            }
            if let Some(member) = read_member(&mut file, offset, length) {
                offset = member.end();
                return Some(Ok(member));
            }
            let end = next_member(&mut file, offset + 1, length).unwrap_or(length);
            let torn = PackError::Torn { path: path.clone(), offset, end };
            offset = end;
            Some(Err(torn))
        }))
    }

    /// Reads the member at `offset`, when a whole one lies there.
    ///
    /// # Errors
    /// When the segment cannot be opened.
    pub fn member_at(&self, segment: u32, offset: u64) -> Result<Option<Member>, PackError> {
        let path = self.path(segment);
        let mut file = File::open(&path).map_err(|source| PackError::Io { path: path.clone(), source })?;
        let length = file.metadata().map_err(|source| PackError::Io { path, source })?.len();
        Ok(read_member(&mut file, offset, length))
    }

    /// Reads a segment's rows, sealed or not, in the order of their file; none when there is no file.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn rows(&self, segment: u32) -> Result<Option<Rows>, PackError> {
        for extension in ["index", "rows"] {
            let path = self.path(segment).with_extension(extension);
            match fs::read(&path) {
                Ok(bytes) => return Ok(Some(rows_of(&bytes))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(PackError::Io { path, source }),
            }
        }
        Ok(None)
    }

    /// Finds a blob to read. Where no row leads to it, the segments are walked: a damaged row hides no blob.
    fn find_to_read(&self, hash: Hash) -> Result<(u32, Member), PackError> {
        if let Some(found) = self.find(hash)? {
            return Ok(found);
        }
        for segment in self.segments()? {
            let mut members = self.walk(segment, 0)?.filter_map(Result::ok);
            if let Some(member) = members.find(|member| member.hash == hash) {
                return Ok((segment, member));
            }
        }
        Err(PackError::Missing { hash })
    }

    fn find(&self, hash: Hash) -> Result<Option<(u32, Member)>, PackError> {
        for segment in self.segments()?.into_iter().rev() {
            if let Some(member) = self.find_in(segment, hash)? {
                return Ok(Some((segment, member)));
            }
        }
        Ok(None)
    }

    fn find_in(&self, segment: u32, hash: Hash) -> Result<Option<Member>, PackError> {
        let path = self.path(segment);
        let io_error = |source| PackError::Io { path: path.clone(), source };
        let (row, rows_end) = if let Ok(index) = File::open(path.with_extension("index")) {
            (find_sorted(&index, hash).map_err(io_error)?, None)
        } else {
            let rows = fs::read(path.with_extension("rows")).unwrap_or_default();
            (find_unsorted(&rows, hash), Some(last_offset(&rows)))
        };
        if let Some(offset) = row {
            let mut file = File::open(&path).map_err(io_error)?;
            let length = file.metadata().map_err(io_error)?.len();
            // A row that points at something else is damage to derived bytes: walk instead.
            if let Some(member) = read_member(&mut file, offset, length).filter(|member| member.hash == hash) {
                return Ok(Some(member));
            }
            return Ok(self.walk(segment, 0)?.filter_map(Result::ok).find(|member| member.hash == hash));
        }
        match rows_end {
            // Members behind the last row: a crash came between the two files, or a writer is at work.
            Some(start) => Ok(self.walk(segment, start)?.filter_map(Result::ok).find(|member| member.hash == hash)),
            None => Ok(None),
        }
    }
}

/// The blobs of an archive, for the one process that writes.
pub struct PackWriter {
    packs: Packs,
    segment: u32,
    /// The segments before it.
    sealed: Vec<u32>,
    pack: Appending,
    rows: Appending,
    /// Rows of blobs that are not durable yet.
    new_rows: Vec<u8>,
    /// Where each blob of the active segment lies.
    recent: HashMap<Hash, u64>,
}

impl PackWriter {
    /// Opens the active segment, cutting off a torn end.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn open(packs: &Packs) -> Result<Self, PackError> {
        durable::make_folder(&packs.folder)?;
        let segment = packs.segments()?.last().copied().unwrap_or(1);
        if packs.path(segment).with_extension("index").exists() {
            return Self::start(packs, segment + 1);
        }
        Self::start(packs, segment)
    }

    fn start(packs: &Packs, segment: u32) -> Result<Self, PackError> {
        let path = packs.path(segment);
        let Members { found: recent, length, torn } = Members::of(packs, segment)?;
        if torn.is_some_and(|torn| torn < length || has_row_from(packs, segment, torn)) {
            // What is torn was whole once, so it may have been promised: nothing here is cut off or overwritten.
            write_index(&path, &recent)?;
            return Self::start(packs, segment + 1);
        }
        let pack = Appending::open(&path, length)?;
        let mut new_rows = Vec::new();
        let rows = Appending::open(&path.with_extension("rows"), 0)?;
        let mut by_offset: Vec<(u64, Hash)> = recent.iter().map(|(hash, offset)| (*offset, *hash)).collect();
        by_offset.sort_unstable();
        for (offset, hash) in by_offset {
            new_rows.extend_from_slice(&row(hash, offset));
        }
        let mut sealed = packs.segments()?;
        sealed.retain(|sealed| *sealed < segment);
        Ok(Self { packs: packs.clone(), segment, sealed, pack, rows, new_rows, recent })
    }

    /// Says whether a blob is held. No row file is read: what the active segment holds is known.
    fn contains(&self, hash: Hash) -> Result<bool, PackError> {
        if self.recent.contains_key(&hash) {
            return Ok(true);
        }
        for segment in self.sealed.iter().rev() {
            if self.packs.find_in(*segment, hash)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds a blob unless it is held already; durable after [`PackWriter::sync`].
    ///
    /// # Errors
    /// When the disk is full or fails; what was half written is cut off.
    pub fn append(&mut self, blob: &Spooled) -> Result<(), PackError> {
        if self.contains(blob.hash)? {
            return Ok(());
        }
        let frame = blob.open_frame().map_err(PackError::Spool)?;
        let stored =
            Stored { hash: blob.hash, size_bytes: blob.size_bytes, frame_bytes: frame.size_bytes, crc32: frame.crc32 };
        let offset = match frame.bytes {
            FrameBytes::Memory(bytes) => self.pack.append(&[&stored.map(0), &*bytes].concat())?,
            FrameBytes::File { path, .. } if frame.size_bytes >= TAKEN_OVER_BYTES_MIN => {
                return self.take_over(&path, &stored);
            }
            FrameBytes::File { frame: mut file, .. } => self.pack.append_with_file(&stored.map(0), &mut file)?,
        };
        self.new_rows.extend_from_slice(&row(blob.hash, offset));
        self.recent.insert(blob.hash, offset);
        Ok(())
    }

    /// Makes a passing file the next segment, as it lies: a large blob is not written twice.
    fn take_over(&mut self, passing: &Path, stored: &Stored) -> Result<(), PackError> {
        if self.pack.length() > 0 {
            self.make_durable()?;
            self.seal()?;
        }
        // A crash here leaves a segment with a blob that no record names yet, or a torn one.
        durable::take_over(passing, &stored.map(ROOM_BYTES), &self.packs.path(self.segment))?;
        *self = Self::start(&self.packs, self.segment)?;
        Ok(())
    }

    /// Makes every blob added so far durable, and seals the segment when it is full.
    ///
    /// # Errors
    /// A [`PackError`]; after a failed fsync the writing act must end.
    pub fn sync(&mut self) -> Result<(), PackError> {
        self.make_durable()?;
        if self.pack.length() >= SEGMENT_BYTES_MAX {
            self.seal()?;
        }
        Ok(())
    }

    fn make_durable(&mut self) -> Result<(), PackError> {
        self.pack.sync()?;
        self.rows.append(&self.new_rows)?; // They need no fsync: they are derived.
        self.new_rows.clear();
        Ok(())
    }

    fn seal(&mut self) -> Result<(), PackError> {
        write_index(&self.packs.path(self.segment), &self.recent)?;
        *self = Self::start(&self.packs, self.segment + 1)?;
        Ok(())
    }
}

/// What a member's map says.
struct Stored {
    hash: Hash,
    size_bytes: u64,
    frame_bytes: u64,
    crc32: u32,
}

impl Stored {
    /// Returns the skippable frame that holds the map, padded to `room` bytes when that is not 0.
    fn map(&self, room: u64) -> Vec<u8> {
        let fields = || {
            vec![
                ("sha256", Value::from(self.hash)),
                ("size", Value::from(self.size_bytes)),
                ("stored", Value::from(self.frame_bytes)),
                ("crc32", Value::from(u64::from(self.crc32))),
            ]
        };
        let mut map = cbor::encode(&Value::map(fields()));
        let room = usize::try_from(room).expect("a room is small");
        if let Some(left) = room.checked_sub(PREAMBLE_BYTES_USIZE + map.len() + PAD_HEAD_BYTES) {
            let pad = ("pad", Value::Bytes(vec![0; left]));
            map = cbor::encode(&Value::map(fields().into_iter().chain([pad])));
        }
        let length = u32::try_from(map.len()).expect("a map of five fields is short");
        [&SKIPPABLE_MAGIC.to_le_bytes()[..], &length.to_le_bytes(), &map].concat()
    }
}

/// The members of a segment that can be read.
struct Members {
    found: HashMap<Hash, u64>,
    /// Where the last of them ends.
    length: u64,
    /// The first byte that is of no member.
    torn: Option<u64>,
}

impl Members {
    /// Walks the members, not the rows: after a crash the rows may be ahead of the pack.
    fn of(packs: &Packs, segment: u32) -> Result<Self, PackError> {
        let mut members = Self { found: HashMap::new(), length: 0, torn: None };
        if !packs.path(segment).exists() {
            return Ok(members);
        }
        for member in packs.walk(segment, 0)? {
            match member {
                Ok(member) => {
                    members.length = member.end();
                    members.found.insert(member.hash, member.offset);
                }
                Err(PackError::Torn { offset, .. }) => members.torn = members.torn.or(Some(offset)),
                Err(error) => return Err(error),
            }
        }
        Ok(members)
    }
}

fn has_row_from(packs: &Packs, segment: u32, start: u64) -> bool {
    let rows = packs.rows(segment).ok().flatten().unwrap_or_default();
    rows.listed.iter().any(|(_, offset)| *offset >= start)
}

/// Seals a segment. A crash before the swap leaves it active; after it, sealed with a needless rows file.
fn write_index(path: &Path, members: &HashMap<Hash, u64>) -> Result<(), PackError> {
    let mut rows: Vec<[u8; ROW_BYTES]> = members.iter().map(|(hash, offset)| row(*hash, *offset)).collect();
    rows.sort_unstable();
    durable::swap(&path.with_extension("index"), &rows.concat(), Access::Public)?;
    Ok(durable::remove(&path.with_extension("rows"))?)
}

/// A stretch of a segment that is summed as it is read.
struct Summing {
    file: io::Take<File>,
    crc32: crc32fast::Hasher,
}

impl Read for Summing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.crc32.update(&buffer[..count]);
        Ok(count)
    }
}

fn row(hash: Hash, offset: u64) -> [u8; ROW_BYTES] {
    let mut row = [0; ROW_BYTES];
    row[..32].copy_from_slice(hash.as_bytes());
    row[32..].copy_from_slice(&offset.to_be_bytes());
    row
}

fn offset_of(row: &[u8]) -> u64 {
    u64::from_be_bytes(row[32..ROW_BYTES].try_into().expect("a row ends in eight bytes"))
}

fn rows_of(rows: &[u8]) -> Rows {
    let hash = |row: &[u8]| Hash::from_slice(&row[..32]).expect("a row begins with a hash");
    let rows = rows.chunks_exact(ROW_BYTES);
    Rows { trailing_bytes: rows.remainder().len(), listed: rows.map(|row| (hash(row), offset_of(row))).collect() }
}

fn find_unsorted(rows: &[u8], hash: Hash) -> Option<u64> {
    rows.chunks_exact(ROW_BYTES).find(|row| row.starts_with(hash.as_bytes())).map(offset_of)
}

fn last_offset(rows: &[u8]) -> u64 {
    rows.chunks_exact(ROW_BYTES).next_back().map_or(0, offset_of)
}

fn find_sorted(index: &File, hash: Hash) -> io::Result<Option<u64>> {
    let mut index = index;
    let (mut low, mut high) = (0, index.metadata()?.len() / ROW_BYTES_U64);
    let mut row = [0; ROW_BYTES];
    while low < high {
        let middle = low + (high - low) / 2;
        index.seek(SeekFrom::Start(middle * ROW_BYTES_U64))?;
        index.read_exact(&mut row)?;
        match row[..32].cmp(hash.as_bytes()) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Ok(Some(offset_of(&row))),
        }
    }
    Ok(None)
}

/// Finds where the next whole member begins, at `start` or behind it.
fn next_member(file: &mut File, start: u64, length: u64) -> Option<u64> {
    let mut window = Vec::new();
    let mut offset = start;
    while offset < length {
        window.clear();
        file.seek(SeekFrom::Start(offset)).ok()?;
        Read::by_ref(file).take(SCAN_BYTES).read_to_end(&mut window).ok()?;
        let magic = SKIPPABLE_MAGIC.to_le_bytes();
        for position in window.windows(magic.len()).enumerate().filter(|(_, bytes)| *bytes == magic).map(|(n, _)| n) {
            let candidate = offset + u64::try_from(position).ok()?;
            if read_member(file, candidate, length).is_some() {
                return Some(candidate);
            }
        }
        // The last three bytes may begin a magic that the next window ends.
        let passed = u64::try_from(window.len()).ok()?.saturating_sub(3).max(1);
        offset += passed;
    }
    None
}

/// Reads the member at `offset`, when a whole one lies there.
fn read_member(file: &mut File, offset: u64, length: u64) -> Option<Member> {
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut preamble = [0; 8];
    file.read_exact(&mut preamble).ok()?;
    let magic = u32::from_le_bytes(preamble[..4].try_into().ok()?);
    let header_bytes = u32::from_le_bytes(preamble[4..].try_into().ok()?);
    if magic != SKIPPABLE_MAGIC || header_bytes > HEADER_BYTES_MAX {
        return None;
    }
    let mut header = vec![0; usize::try_from(header_bytes).ok()?];
    file.read_exact(&mut header).ok()?;
    let Value::Map(fields) = cbor::decode(&header).ok()? else { return None };
    let field = |name: &str| fields.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
    let pad = field("pad");
    if pad.is_some_and(|pad| pad.as_bytes().is_none_or(|pad| pad.iter().any(|byte| *byte != 0))) {
        return None;
    }
    let member = Member {
        hash: Hash::from_slice(field("sha256")?.as_bytes()?).ok()?,
        size_bytes: field("size")?.as_unsigned()?,
        offset,
        frame_offset: offset + PREAMBLE_BYTES + u64::from(header_bytes),
        stored_bytes: field("stored")?.as_unsigned()?,
        crc32: u32::try_from(field("crc32")?.as_unsigned()?).ok()?,
    };
    (fields.len() == 4 + usize::from(pad.is_some()) && member.frame_offset.checked_add(member.stored_bytes)? <= length)
        .then_some(member)
}

/// Why a blob could not be read or kept.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PackError {
    #[error("blob {hash} is damaged in `{}` at byte {offset}: found {found}", path.display())]
    Damaged { hash: Hash, path: PathBuf, offset: u64, found: String },
    #[error("cannot read `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("blob {hash} is in no pack")]
    Missing { hash: Hash },
    #[error("cannot read back what was received")]
    Spool(#[source] io::Error),
    #[error("cannot pass the blob on")]
    Target(#[source] io::Error),
    #[error("blob {hash} has {size_bytes} bytes, more than the {WHOLE_BYTES_MAX} that are read at once")]
    TooLarge { hash: Hash, size_bytes: u64 },
    #[error("`{}` holds no blob from byte {offset} to {end}", path.display())]
    Torn { path: PathBuf, offset: u64, end: u64 },
    #[error(transparent)]
    Write(#[from] WriteError),
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use super::*;

    fn blob(text: &str) -> Spooled {
        Spooled::from_bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn keeps_each_blob_once_and_gives_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        for text in ["", "one", "two", "one"] {
            writer.append(&blob(text)).unwrap();
        }
        writer.sync().unwrap();
        assert_eq!(packs.walk(1, 0).unwrap().count(), 3);
        for text in ["", "one", "two"] {
            assert_eq!(packs.read(Hash::of(text.as_bytes())).unwrap(), text.as_bytes());
        }
        assert!(matches!(packs.read(Hash::of(b"three")), Err(PackError::Missing { .. })));
    }

    #[test]
    fn cuts_off_a_torn_member_at_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        writer.append(&blob("kept")).unwrap();
        let kept = writer.pack.length();
        writer.append(&blob("torn")).unwrap();
        let whole = fs::read(packs.path(1)).unwrap();
        drop(writer);
        fs::write(packs.path(1).with_extension("rows"), row(Hash::of(b"kept"), 0)).unwrap();
        for end in usize::try_from(kept).unwrap()..whole.len() {
            fs::write(packs.path(1), &whole[..end]).unwrap();
            let mut writer = PackWriter::open(&packs).unwrap();
            assert_eq!(writer.pack.length(), kept, "{end}");
            writer.append(&blob("torn")).unwrap();
            assert_eq!(packs.read(Hash::of(b"kept")).unwrap(), b"kept");
            assert_eq!(packs.read(Hash::of(b"torn")).unwrap(), b"torn");
            fs::write(packs.path(1).with_extension("rows"), row(Hash::of(b"kept"), 0)).unwrap();
        }
    }

    #[test]
    fn finds_blobs_without_rows_and_in_sealed_segments() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        for n in 0..100 {
            writer.append(&blob(&n.to_string())).unwrap();
        }
        fs::remove_file(packs.path(1).with_extension("rows")).unwrap();
        assert_eq!(packs.read(Hash::of(b"77")).unwrap(), b"77");
        writer.seal().unwrap();
        assert!(packs.path(1).with_extension("index").exists());
        for n in 0..100 {
            assert_eq!(packs.read(Hash::of(n.to_string().as_bytes())).unwrap(), n.to_string().as_bytes());
        }
        writer.append(&blob("77")).unwrap();
        assert_eq!(packs.walk(2, 0).unwrap().count(), 0, "a blob of a sealed segment is not kept again");
    }

    #[test]
    fn takes_a_large_blob_over_as_a_segment_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(&folder.path().join("packs"));
        let mut writer = PackWriter::open(&packs).unwrap();
        writer.append(&blob("before")).unwrap();
        let mut state = 1_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state ^ (state >> 33)).to_le_bytes()
        };
        let large: Vec<u8> = std::iter::repeat_with(&mut noise).take(9 << 20).flatten().collect();
        let spooled = || {
            let mut spool = super::super::spool::Spool::new(&folder.path().join("passing"));
            large.chunks(100_000).for_each(|chunk| spool.write_all(chunk).unwrap());
            spool.finish().unwrap()
        };
        writer.append(&spooled()).unwrap();
        writer.append(&spooled()).unwrap();
        writer.append(&blob("after")).unwrap();
        writer.sync().unwrap();
        assert_eq!(fs::read_dir(folder.path().join("passing")).unwrap().count(), 0);
        assert_eq!(packs.segments().unwrap(), [1, 2]);
        let members: Vec<Member> = packs.walk(2, 0).unwrap().map(Result::unwrap).collect();
        assert_eq!(
            members.iter().map(|member| member.hash).collect::<Vec<_>>(),
            [Hash::of(&large), Hash::of(b"after")]
        );
        assert_eq!(members[0].frame_offset, ROOM_BYTES);
        drop(writer);
        let mut writer = PackWriter::open(&packs).unwrap();
        writer.append(&blob("later")).unwrap();
        for text in ["before", "after", "later"] {
            assert_eq!(packs.read(Hash::of(text.as_bytes())).unwrap(), text.as_bytes());
        }
        let mut copied = Vec::new();
        packs.copy(Hash::of(&large), &mut copied).unwrap();
        assert!(copied == large);
        // Padding is zeros, so that no byte of a segment can be changed unseen.
        let mut damaged = fs::read(packs.path(2)).unwrap();
        let pad = damaged.windows(4).position(|window| window == b"cpad").unwrap();
        damaged[pad + 20] ^= 1;
        fs::write(packs.path(2), &damaged).unwrap();
        assert!(packs.read(Hash::of(&large)).is_err());
    }

    #[test]
    fn names_a_damaged_blob_for_every_flipped_bit_of_its_member() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        PackWriter::open(&packs).unwrap().append(&blob("a clause that matters")).unwrap();
        let whole = fs::read(packs.path(1)).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(packs.path(1), &damaged).unwrap();
            assert!(packs.read(Hash::of(b"a clause that matters")).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn never_cuts_off_what_was_whole_once() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        let mut starts = Vec::new();
        for text in ["first", "second", "third"] {
            starts.push(usize::try_from(writer.pack.length()).unwrap());
            writer.append(&blob(text)).unwrap();
        }
        writer.sync().unwrap();
        drop(writer);
        let rows = fs::read(packs.path(1).with_extension("rows")).unwrap();
        let whole = fs::read(packs.path(1)).unwrap();
        for (position, start) in starts.into_iter().enumerate() {
            let mut damaged = whole.clone();
            damaged[start] ^= 1; // The member's magic: its header cannot be read any more.
            fs::write(packs.path(1), &damaged).unwrap();
            fs::write(packs.path(1).with_extension("rows"), &rows).unwrap();
            PackWriter::open(&packs).unwrap().append(&blob("fourth")).unwrap();
            assert_eq!(fs::read(packs.path(1)).unwrap(), damaged, "{position}");
            let readable = |text: &&str| packs.read(Hash::of(text.as_bytes())).is_ok();
            assert_eq!(["first", "second", "third", "fourth"].iter().filter(|text| readable(text)).count(), 3);
            for segment in [1, 2] {
                let _ = fs::remove_file(packs.path(segment).with_extension("index"));
            }
            fs::remove_file(packs.path(2)).unwrap();
            fs::remove_file(packs.path(2).with_extension("rows")).unwrap();
        }
    }

    #[test]
    fn a_damaged_row_hides_no_blob() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        for text in ["one", "two", "three"] {
            writer.append(&blob(text)).unwrap();
        }
        writer.seal().unwrap();
        let index = packs.path(1).with_extension("index");
        let whole = fs::read(&index).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&index, &damaged).unwrap();
            for text in ["one", "two", "three"] {
                assert_eq!(packs.read(Hash::of(text.as_bytes())).unwrap(), text.as_bytes(), "bit {bit}");
            }
        }
    }
}
