//! Members: many blobs checked in turn, without opening a file or a decompressor for each.
//!
//! | quantity | unit  | range                                                        |
//! |----------|-------|--------------------------------------------------------------|
//! | memory   | bytes | about twice `AT_ONCE_BYTES_MAX`; larger blobs are streamed    |
//!
//! Reading one blob is for [`super::packs`]. This is for whoever reads them all, as an audit does.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::packs::{Member, PackError, Packs};

use crate::base::hash::Hash;

/// The largest blob that is decompressed at once.
const AT_ONCE_BYTES_MAX: u64 = 1 << 20;

/// Reads members one after another.
pub struct MemberReader {
    packs: Packs,
    open: Option<(u32, File)>,
    decompressor: zstd::bulk::Decompressor<'static>,
    stored: Vec<u8>,
    blob: Vec<u8>,
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
        self.read_at_once(segment, member).map(drop)
    }

    /// Reads a blob whole, from where it is known to lie.
    ///
    /// # Errors
    /// As [`Packs::read`].
    pub fn read(&mut self, segment: u32, offset: u64, hash: Hash) -> Result<Vec<u8>, PackError> {
        let member = self.packs.member_at(segment, offset)?.filter(|member| member.hash == hash);
        match member {
            Some(member) if member.size_bytes.max(member.stored_bytes) <= AT_ONCE_BYTES_MAX => {
                self.read_at_once(segment, &member).map(<[u8]>::to_vec)
            }
            _ => self.packs.read(hash),
        }
    }

    fn read_at_once(&mut self, segment: u32, member: &Member) -> Result<&[u8], PackError> {
        let path = self.packs.path(segment);
        let damaged =
            |found: String| PackError::Damaged { hash: member.hash, path: path.clone(), offset: member.offset, found };
        let file = match &mut self.open {
            Some((number, file)) if *number == segment => file,
            other => {
                let file = File::open(&path).map_err(|source| PackError::Io { path: path.clone(), source })?;
                &mut other.insert((segment, file)).1
            }
        };
        self.stored.clear();
        file.seek(SeekFrom::Start(member.frame_offset))
            .and_then(|_| Read::by_ref(file).take(member.stored_bytes).read_to_end(&mut self.stored))
            .map_err(|source| PackError::Io { path: path.clone(), source })?;
        let crc32 = crc32fast::hash(&self.stored);
        self.blob.clear();
        self.blob.reserve(usize::try_from(member.size_bytes).expect("at most the limit"));
        self.decompressor
            .decompress_to_buffer(&self.stored, &mut self.blob)
            .map_err(|error| damaged(error.to_string()))?;
        let hash = Hash::of(&self.blob);
        let size_bytes = u64::try_from(self.blob.len()).expect("a length fits in 64 bits");
        if hash != member.hash || size_bytes != member.size_bytes {
            return Err(damaged(format!("{size_bytes} bytes with SHA-256 {hash}")));
        }
        if crc32 != member.crc32 {
            let expected = member.crc32;
            return Err(damaged(format!("the right bytes from a frame with CRC-32 {crc32:08x}, not {expected:08x}")));
        }
        Ok(&self.blob)
    }
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
