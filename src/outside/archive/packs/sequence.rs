//! A sequence of blobs, read in about the order in which they were appended, as a walk of the log reads records.
//!
//! The next one nearly always lies a few members behind the last: it is read there, without a search. Where it does
//! not, it is found as any other.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::member::read_member;
use super::{PackError, Packs};

use crate::base::hash::Hash;
use crate::outside::archive::hints::Place;
use crate::outside::window::Window;

/// How many members ahead are looked at: more than one visit brings.
const AHEAD_COUNT_MAX: usize = 64;

/// The largest blob that is decompressed at once.
const AT_ONCE_BYTES_MAX: u64 = 1 << 20;

/// Reads blobs one after another.
pub struct Sequence {
    packs: Packs,
    place: Option<Open>,
    /// Where the last blob lies.
    last: Option<Place>,
    decompressor: zstd::bulk::Decompressor<'static>,
}

/// Where the last blob ended.
struct Open {
    segment: u32,
    file: Window<File>,
    length: u64,
    next: u64,
}

impl Sequence {
    /// Makes a reader that has read nothing yet.
    ///
    /// # Errors
    /// [`PackError::Spool`] when there is no memory for a decompressor.
    pub fn new(packs: &Packs) -> Result<Self, PackError> {
        let decompressor = zstd::bulk::Decompressor::new().map_err(PackError::Spool)?;
        Ok(Self { packs: packs.clone(), place: None, last: None, decompressor })
    }

    /// Reads a blob whole; `None` when no row leads to it.
    ///
    /// # Errors
    /// As [`Packs::read`].
    pub fn read(&mut self, hash: Hash) -> Result<Option<Vec<u8>>, PackError> {
        self.last = None;
        if let Some(bytes) = self.read_ahead(hash) {
            return Ok(Some(bytes));
        }
        let packs = &self.packs;
        let found = packs.find_listed_and(hash, |segment, member| {
            let path = packs.path(segment);
            let file = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
            let (length, file) = file.map_err(|source| PackError::Io { path, source })?;
            let place = Open { segment, file: Window::new(file), length, next: member.end() };
            Ok((place, Place { segment, offset: member.offset }, packs.read_member_whole(segment, member)?))
        })?;
        Ok(found.map(|(place, last, bytes)| {
            (self.place, self.last) = (Some(place), Some(last));
            bytes
        }))
    }

    /// Returns where the blob lies that was read last; nothing where it was not found.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.last
    }

    fn read_ahead(&mut self, hash: Hash) -> Option<Vec<u8>> {
        let place = self.place.as_mut()?;
        let mut next = place.next;
        let mut ahead = (0..AHEAD_COUNT_MAX).map_while(|_| {
            let member = read_member(&mut place.file, next, place.length)?;
            next = member.end();
            Some(member)
        });
        let member = ahead.find(|member| member.hash == hash)?;
        place.next = member.end();
        self.last = Some(Place { segment: place.segment, offset: member.offset });
        // One that is compressed against another, too, is for the reader of single blobs.
        let is_small = member.base.is_none() && member.size_bytes.max(member.stored_bytes) <= AT_ONCE_BYTES_MAX;
        // What is not as the member says is for the reader of single blobs to name.
        is_small.then(|| self.decompress(&member).ok().flatten()).flatten()
    }

    fn decompress(&mut self, member: &super::Member) -> io::Result<Option<Vec<u8>>> {
        let Some(place) = &mut self.place else { return Ok(None) };
        let mut stored = vec![0; usize::try_from(member.stored_bytes).map_err(io::Error::other)?];
        place.file.seek(SeekFrom::Start(member.frame_offset))?;
        place.file.read_exact(&mut stored)?;
        let size_bytes = usize::try_from(member.size_bytes).map_err(io::Error::other)?;
        let bytes = self.decompressor.decompress(&stored, size_bytes)?;
        Ok((Hash::of(&bytes) == member.hash).then_some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::archive::packs::PackWriter;
    use crate::outside::archive::spool::Spooled;

    #[test]
    fn gives_every_blob_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        let text = |n: usize| format!("clause {n} {}", "x".repeat(n)).into_bytes();
        for n in 0..500 {
            writer.append(&Spooled::from_bytes(text(n))).unwrap();
        }
        writer.sync().unwrap();
        let mut sequence = Sequence::new(&packs).unwrap();
        for n in (0..500).chain((0..500).rev()).chain([7, 7, 300, 0]) {
            assert_eq!(sequence.read(Hash::of(&text(n))).unwrap(), Some(text(n)), "{n}");
        }
        assert_eq!(sequence.read(Hash::of(b"not there")).unwrap(), None);
        writer.append(&Spooled::from_bytes(text(500))).unwrap();
        writer.sync().unwrap();
        assert_eq!(sequence.read(Hash::of(&text(500))).unwrap(), Some(text(500)), "what was added since");
    }
}
