//! Members: many blobs checked in turn, without opening a file or a decompressor for each.
//!
//! | quantity | unit  | range                                                        |
//! |----------|-------|--------------------------------------------------------------|
//! | memory   | bytes | about twice [`AT_ONCE_BYTES_MAX`]; larger blobs are streamed    |
//!
//! Reading one blob is for [`super::packs`]. This is for whoever reads them all, as an audit does.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use zstd::zstd_safe::{self, DCtx};

use super::packs::{Member, Near, PackError, Packs, read_member};

use crate::base::hash::Hash;
use crate::outside::window::Window;

/// The largest blob that is decompressed at once.
pub const AT_ONCE_BYTES_MAX: u64 = 1 << 20;

/// Reads members one after another.
pub struct MemberReader {
    packs: Packs,
    /// A segment's number, and how long it was when it was opened.
    open: Option<(u32, File, u64)>,
    decompressor: zstd::bulk::Decompressor<'static>,
    stored: Vec<u8>,
    blob: Vec<u8>,
}

/// What is compared once a frame is decoded. zstd compares its own checksum always.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Compared {
    /// The blob's SHA-256 too.
    Hash,
    /// The frame's CRC-32 and the blob's size alone, where what is made of it is hashed in the end.
    Sums,
}

impl MemberReader {
    /// Makes a reader for one thread.
    ///
    /// # Errors
    /// [`PackError::Spool`] when there is no memory for a decompressor.
    pub fn new(packs: &Packs) -> Result<Self, PackError> {
        let decompressor = zstd::bulk::Decompressor::new().map_err(PackError::Spool)?;
        Ok(Self { packs: packs.clone(), open: None, decompressor, stored: Vec::new(), blob: Vec::new() })
    }

    /// Checks that a member's frame holds the blob that it says.
    ///
    /// # Errors
    /// [`PackError::Damaged`] says what it holds instead.
    pub fn check(&mut self, segment: u32, member: &Member) -> Result<(), PackError> {
        if member.size_bytes.max(member.stored_bytes) > AT_ONCE_BYTES_MAX {
            return self.packs.copy_member(segment, member, &mut io::sink()).map(drop);
        }
        if member.base.is_some() {
            return self.read_member(segment, member).map(drop);
        }
        let mut blob = std::mem::take(&mut self.blob);
        let checked = self.decode((segment, member), None, Compared::Hash, &mut blob);
        self.blob = blob;
        checked
    }

    /// Decodes and checks a member whose base's bytes are at hand.
    ///
    /// # Errors
    /// [`PackError::Damaged`] says what it holds instead.
    pub fn read_against(&mut self, segment: u32, member: &Member, base: &[u8]) -> Result<Vec<u8>, PackError> {
        let mut blob = Vec::new();
        self.decode((segment, member), Some(base), Compared::Hash, &mut blob)?;
        Ok(blob)
    }

    /// Reads a blob whole, from where it is known to lie.
    ///
    /// # Errors
    /// As [`Packs::read`].
    pub fn read(&mut self, segment: u32, offset: u64, hash: Hash) -> Result<Vec<u8>, PackError> {
        // Where its segment is gone, it was rewritten, and the blob lies elsewhere.
        self.read_there(segment, offset, hash).map_or_else(|| self.packs.read(hash), Ok)
    }

    fn read_there(&mut self, segment: u32, offset: u64, hash: Hash) -> Option<Vec<u8>> {
        let (file, length) = self.segment(segment).ok()?;
        let mut window = Window::new(file);
        let member = read_member(&mut window, offset, length)?;
        if member.hash != hash || member.size_bytes.max(member.stored_bytes) > AT_ONCE_BYTES_MAX {
            return None;
        }
        let Some(frame) = window.held(member.frame_offset..member.end()).filter(|_| member.base.is_none()) else {
            return self.read_member(segment, &member).ok();
        };
        self.stored = frame.to_vec();
        let mut blob = Vec::new();
        self.decode_loaded((segment, &member), None, Compared::Hash, &mut blob).ok()?;
        Some(blob)
    }

    /// Reads a small member's blob whole, after all that it is compressed against.
    ///
    /// # Errors
    /// [`PackError::Damaged`], or [`PackError::Base`] which names the blob on the way that is damaged or missing.
    pub fn read_member(&mut self, segment: u32, member: &Member) -> Result<Vec<u8>, PackError> {
        let mut near = Near::new(&self.packs);
        let bases = self.packs.bases_near(segment, member, &mut near)?;
        let (mut base, mut blob) = (Vec::new(), Vec::new());
        let mut decoded = Ok(());
        for (at, on_the_way) in bases.iter().rev() {
            let against = on_the_way.base.is_some().then_some(&*base);
            let held = near.held(*at, on_the_way.frame_offset..on_the_way.end());
            decoded = decoded.and_then(|()| {
                self.load(*at, on_the_way, held)?;
                self.decode_loaded((*at, on_the_way), against, Compared::Sums, &mut blob)
            });
            std::mem::swap(&mut base, &mut blob);
        }
        let against = member.base.is_some().then_some(&*base);
        match decoded.and_then(|()| self.decode((segment, member), against, Compared::Hash, &mut blob)) {
            Ok(()) => Ok(blob),
            Err(error) if bases.is_empty() => Err(error),
            Err(error) => Err(self.find_damage(segment, member, &bases).err().unwrap_or(error)),
        }
    }

    /// Reads a small member's blob and all that it is compressed against, the plain one first and its own last.
    ///
    /// # Errors
    /// As [`MemberReader::read_member`].
    pub fn read_chain(&mut self, segment: u32, member: Member) -> Result<Vec<(Member, Vec<u8>)>, PackError> {
        let bases = self.packs.bases(segment, &member)?;
        let mut chain: Vec<(Member, Vec<u8>)> = Vec::new();
        for (at, member) in bases.into_iter().rev().chain([(segment, member)]) {
            let against = chain.last().filter(|_| member.base.is_some()).map(|(_, bytes)| bytes.as_slice());
            let mut blob = Vec::new();
            self.decode((at, &member), against, Compared::Hash, &mut blob)?;
            chain.push((member, blob));
        }
        Ok(chain)
    }

    /// Hashes every blob on the way, and names the first that is not what it says.
    fn find_damage(&mut self, segment: u32, member: &Member, bases: &[(u32, Member)]) -> Result<(), PackError> {
        let (mut base, mut blob) = (Vec::new(), Vec::new());
        for (at, on_the_way) in bases.iter().rev() {
            let against = on_the_way.base.is_some().then_some(&*base);
            let decoded = self.decode((*at, on_the_way), against, Compared::Hash, &mut blob);
            decoded.map_err(|error| self.packs.cannot_lean(segment, member, on_the_way.hash, error))?;
            std::mem::swap(&mut base, &mut blob);
        }
        Ok(())
    }

    /// Decodes one frame, of at most [`AT_ONCE_BYTES_MAX`], into `blob`.
    fn decode(
        &mut self,
        (segment, member): (u32, &Member),
        base: Option<&[u8]>,
        compared: Compared,
        blob: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        self.load(segment, member, None)?;
        self.decode_loaded((segment, member), base, compared, blob)
    }

    /// Decodes the frame that was loaded.
    fn decode_loaded(
        &mut self,
        (segment, member): (u32, &Member),
        base: Option<&[u8]>,
        compared: Compared,
        blob: &mut Vec<u8>,
    ) -> Result<(), PackError> {
        let packs = self.packs.clone();
        let damaged = |found: String| PackError::Damaged {
            hash: member.hash,
            path: packs.path(segment),
            offset: member.offset,
            found,
        };
        let crc32 = crc32fast::hash(&self.stored);
        blob.clear();
        blob.reserve(usize::try_from(member.size_bytes).expect("at most the limit"));
        match base {
            None => self.decompressor.decompress_to_buffer(&self.stored, blob).map(drop),
            Some(base) => decompress_against(base, &self.stored, blob),
        }
        .map_err(|error| damaged(error.to_string()))?;
        let size_bytes = u64::try_from(blob.len()).expect("a length fits in 64 bits");
        if compared == Compared::Hash || size_bytes != member.size_bytes {
            let hash = Hash::of(blob);
            if hash != member.hash || size_bytes != member.size_bytes {
                return Err(damaged(format!("{size_bytes} bytes with SHA-256 {hash}")));
            }
        }
        if crc32 != member.crc32 {
            let expected = member.crc32;
            return Err(damaged(format!("the right bytes from a frame with CRC-32 {crc32:08x}, not {expected:08x}")));
        }
        Ok(())
    }

    /// Reads a frame as it is stored, unless it is at hand.
    fn load(&mut self, segment: u32, member: &Member, held: Option<&[u8]>) -> Result<(), PackError> {
        if let Some(held) = held {
            self.stored.clear();
            self.stored.extend_from_slice(held);
            return Ok(());
        }
        let mut stored = std::mem::take(&mut self.stored);
        stored.clear();
        // A member says how much of its segment is its own: that is no more than a file's length.
        stored.reserve(usize::try_from(member.stored_bytes).unwrap_or_default());
        let (mut file, _) = self.segment(segment)?;
        let read = file
            .seek(SeekFrom::Start(member.frame_offset))
            .and_then(|_| file.take(member.stored_bytes).read_to_end(&mut stored));
        self.stored = stored;
        read.map(drop).map_err(|source| PackError::Io { path: self.packs.path(segment), source })
    }

    /// Returns a segment, which stays open until another is asked for, and how long it was then.
    fn segment(&mut self, segment: u32) -> Result<(&File, u64), PackError> {
        let open = match self.open.take() {
            Some(open) if open.0 == segment => open,
            _ => {
                let path = self.packs.path(segment);
                let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
                let (length, file) = opened.map_err(|source| PackError::Io { path, source })?;
                (segment, file, length)
            }
        };
        let (_, file, length) = self.open.insert(open);
        Ok((file, *length))
    }
}

/// Decodes one frame of a blob of `size_bytes`, against its base where it has one. What comes of it is for the caller to
/// hash.
pub(super) fn decode(frame: &[u8], base: Option<&[u8]>, size_bytes: u64) -> io::Result<Vec<u8>> {
    if size_bytes > AT_ONCE_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut blob = Vec::with_capacity(usize::try_from(size_bytes).map_err(io::Error::other)?);
    match base {
        None => zstd::bulk::Decompressor::new()?.decompress_to_buffer(frame, &mut blob).map(drop)?,
        Some(base) => decompress_against(base, frame, &mut blob)?,
    }
    Ok(blob)
}

fn decompress_against(base: &[u8], frame: &[u8], blob: &mut Vec<u8>) -> io::Result<()> {
    let named = |code| io::Error::other(zstd_safe::get_error_name(code));
    let mut context = DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
    context.ref_prefix(base).map_err(named)?;
    context.decompress(blob, frame).map(drop).map_err(named)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use super::*;
    use crate::outside::archive::packs::PackWriter;
    use crate::outside::archive::spool::Spooled;

    #[test]
    fn agrees_with_the_reader_of_single_blobs_on_every_flipped_bit() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        PackWriter::open(&packs).unwrap().append(&Spooled::from_bytes(b"a clause that matters".to_vec())).unwrap();
        let whole = std::fs::read(packs.path(1)).unwrap();
        let member = packs.walk(1, 0).unwrap().next().unwrap().unwrap();
        let mut refused = 0;
        for bit in usize::try_from(member.frame_offset).unwrap() * 8..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(packs.path(1), &damaged).unwrap();
            let mut reader = MemberReader::new(&packs).unwrap();
            assert!(reader.check(1, &member).is_err(), "bit {bit}");
            assert!(packs.copy_member(1, &member, &mut io::sink()).is_err(), "bit {bit}");
            refused += 1;
        }
        assert!(refused > 200);
    }
}
