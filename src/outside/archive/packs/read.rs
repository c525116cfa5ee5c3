//! Reading a blob: every byte that is passed on was hashed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::{Member, PackError, Packs};

use crate::base::hash::{Hash, Hasher};
use crate::outside::archive::hints::Place;
use crate::outside::archive::members::{AT_ONCE_BYTES_MAX, MemberReader};

/// The largest blob that is read whole into memory.
pub const WHOLE_BYTES_MAX: u64 = 64 << 20;

/// How many members are looked at between two records: more than one visit brings.
const BETWEEN_COUNT_MAX: usize = 256;

impl Packs {
    /// Copies a blob to `target`, hashing it on the way; returns how many bytes it has.
    ///
    /// # Errors
    /// [`PackError::Missing`] or [`PackError::Damaged`]. What was copied until then is not the blob.
    pub fn copy(&self, hash: Hash, target: &mut dyn Write) -> Result<u64, PackError> {
        self.find_and(hash, |segment, member| self.copy_member(segment, member, target))
    }

    /// Reads a blob whole.
    ///
    /// # Errors
    /// As [`Packs::copy`], and [`PackError::TooLarge`] above [`WHOLE_BYTES_MAX`].
    pub fn read(&self, hash: Hash) -> Result<Vec<u8>, PackError> {
        self.find_and(hash, |segment, member| self.read_member_whole(segment, member))
    }

    /// Reads a blob whole when a row leads to it; nothing when none does, without walking the segments.
    ///
    /// # Errors
    /// As [`Packs::read`].
    pub fn read_listed(&self, hash: Hash) -> Result<Option<Vec<u8>>, PackError> {
        self.find_listed_and(hash, |segment, member| self.read_member_whole(segment, member))
    }

    /// Reads a blob whole from where it may lie; nothing where it does not, or is damaged there: then it is to be read
    /// as any other, by whoever can say so.
    #[must_use]
    pub fn read_at(&self, place: Place, hash: Hash) -> Option<Vec<u8>> {
        let member = self.member_at(place.segment, place.offset).ok()?.filter(|member| member.hash == hash)?;
        let bytes = self.read_member_whole(place.segment, &member).ok()?;
        self.tables.expect(place.segment);
        Some(bytes)
    }

    /// Reads a blob of common size that may lie between two places of a segment; nothing where it does not, or is damaged
    /// there.
    #[must_use]
    pub fn read_between(&self, start: Place, end: Place, hash: Hash) -> Option<Vec<u8>> {
        if start.segment != end.segment {
            return None;
        }
        let members = self.walk(start.segment, start.offset).ok()?.map_while(Result::ok).take(BETWEEN_COUNT_MAX);
        let mut members = members.take_while(|member| member.offset < end.offset);
        let member = members.find(|member| member.hash == hash)?;
        let is_common = member.size_bytes.max(member.stored_bytes) <= AT_ONCE_BYTES_MAX;
        is_common.then(|| self.read_member_whole(start.segment, &member).ok()).flatten()
    }

    pub(super) fn read_member_whole(&self, segment: u32, member: &Member) -> Result<Vec<u8>, PackError> {
        if member.size_bytes > WHOLE_BYTES_MAX {
            return Err(PackError::TooLarge { hash: member.hash, size_bytes: member.size_bytes });
        }
        if member.size_bytes.max(member.stored_bytes) <= AT_ONCE_BYTES_MAX {
            return MemberReader::new(self)?.read_member(segment, member);
        }
        let mut bytes = Vec::new();
        self.copy_member(segment, member, &mut bytes)?;
        Ok(bytes)
    }

    /// Returns a blob's size, as its member says it.
    ///
    /// # Errors
    /// [`PackError::Missing`].
    pub fn size_bytes(&self, hash: Hash) -> Result<u64, PackError> {
        self.find_and(hash, |_, member| Ok(member.size_bytes))
    }

    /// Copies one member's blob to `target` and compares its hash and size.
    ///
    /// # Errors
    /// [`PackError::Damaged`] says where.
    #[expect(clippy::missing_panics_doc, reason = "a count fits in 64 bits")]
    pub fn copy_member(&self, segment: u32, member: &Member, target: &mut dyn Write) -> Result<u64, PackError> {
        if member.base.is_some() {
            let blob = MemberReader::new(self)?.read_member(segment, member)?;
            target.write_all(&blob).map_err(PackError::Target)?;
            return Ok(member.size_bytes);
        }
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

#[cfg(test)]
mod tests {
    use super::super::PackWriter;
    use super::*;
    use crate::outside::archive::spool::Spooled;

    #[test]
    fn finds_a_blob_between_two_places_and_none_outside() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        let texts = ["first record", "page", "text", "second record"];
        let mut place = |text: &str| {
            let blob = Spooled::from_bytes(text.as_bytes().to_vec());
            writer.append(&blob).unwrap();
            writer.place(blob.hash).unwrap()
        };
        let places = texts.map(&mut place);
        let between = |text: &str, end: Place| packs.read_between(places[0], end, Hash::of(text.as_bytes()));
        for text in ["page", "text"] {
            assert_eq!(between(text, places[3]).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(between("text", places[2]), None, "it begins at the end");
        assert_eq!(between("second record", places[3]), None);
        assert_eq!(between("page", Place { segment: 2, ..places[3] }), None);
        assert_eq!(between("page", places[0]), None);
        let elsewhere = Place { offset: places[0].offset + 1, ..places[0] };
        assert_eq!(packs.read_between(elsewhere, places[3], Hash::of(b"page")), None, "a hint that leads nowhere");
    }
}
