//! Writing: one process appends members to the active segment, seals it when it is full and begins the next.

use std::path::{Path, PathBuf};

use super::member::Stored;
use super::recent::Recent;
use super::rows::{ROW_BYTES, has_row_from, offset_of, row, write_index};
use super::{Base, PackError, Packs};

use crate::base::hash::Hash;
use crate::log::journal::PackTail;
use crate::outside::archive::appending::Appending;
use crate::outside::archive::durable;
use crate::outside::archive::hints::Place;
use crate::outside::archive::leaning::Leaning;
use crate::outside::archive::spool::{FrameBytes, ROOM_BYTES, Spooled};

/// A frame with one part of so many of a segment, in a passing file, becomes a segment of its own and is not copied.
const TAKEN_OVER_PART: u64 = 4;

/// How much room is kept for the rows of a batch.
const NEW_ROWS_BYTES: usize = 1 << 20;

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
    recent: Recent,
}

impl PackWriter {
    /// Opens the active segment, cutting off a torn end.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn open(packs: &Packs) -> Result<Self, PackError> {
        durable::make_folder_anew(&packs.folder)?;
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
            write_index(&path, &recent.into_sorted())?;
            return Self::start(packs, segment + 1);
        }
        let mut pack = Appending::open(&path, length)?;
        let standing = packs.rows(segment)?.unwrap_or_default().listed;
        let rows_held = recent.as_bytes().chunks_exact(ROW_BYTES);
        let standing_count =
            standing.iter().zip(rows_held).take_while(|((hash, at), held)| row(*hash, *at) == **held).count();
        let (standing, unlisted) = recent.as_bytes().split_at(standing_count * ROW_BYTES);
        if let Some(first) = unlisted.get(..ROW_BYTES) {
            pack.write_again(offset_of(first))?; // They came after the last rows: perhaps an fsync failed on them.
        }
        let rows_length = u64::try_from(standing.len()).expect("a length fits in 64 bits");
        let rows = Appending::open(&path.with_extension("rows"), rows_length)?;
        let new_rows = unlisted.to_vec();
        let mut sealed = packs.segments()?;
        sealed.retain(|sealed| *sealed < segment);
        Ok(Self { packs: packs.clone(), segment, sealed, pack, rows, new_rows, recent })
    }

    /// Returns the packs.
    pub(super) fn packs(&self) -> &Packs {
        &self.packs
    }

    /// Returns the segment that grows.
    pub(super) fn active(&self) -> u32 {
        self.segment
    }

    /// Says whether a blob is held. No row file is read: what the active segment holds is known.
    fn contains(&self, hash: Hash) -> Result<bool, PackError> {
        if self.recent.get(&hash).is_some() {
            return Ok(true);
        }
        for segment in self.packs.tables.may_hold(&self.sealed, hash) {
            if self.packs.find_in(segment, hash)?.is_some() {
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
        if self.contains(blob.hash)? { Ok(()) } else { self.append_new(blob) }
    }

    /// Adds a record's bytes unless the active segment holds them; durable after [`PackWriter::sync`]. A record says its place
    /// in the log, so no other segment holds it, and the longer the log the more there would be to search. *A crash* may have
    /// sealed a segment with a record that was not published: where it is made anew to the same byte, it lies twice,
    /// which hurts nobody.
    ///
    /// # Errors
    /// As [`PackWriter::append`].
    pub fn append_record(&mut self, record: &Spooled) -> Result<(), PackError> {
        if self.recent.get(&record.hash).is_some() { Ok(()) } else { self.append_new(record) }
    }

    fn append_new(&mut self, blob: &Spooled) -> Result<(), PackError> {
        if let Some(leaning) = blob.leaning()
            && self.contains(leaning.base)?
        {
            return self.append_leaning(blob, leaning);
        }
        let frame = blob.open_frame().map_err(PackError::Spool)?;
        let Spooled { hash, size_bytes, .. } = *blob;
        let stored = Stored { hash, base: None, size_bytes, frame_bytes: frame.size_bytes, crc32: frame.crc32 };
        let offset = match frame.bytes {
            FrameBytes::Memory(bytes) => self.pack.append(&[&stored.map(0), &*bytes].concat())?,
            FrameBytes::File { path, .. } if frame.size_bytes >= self.packs.segment_bytes_max / TAKEN_OVER_PART => {
                return self.take_over(&path, &stored);
            }
            FrameBytes::File { frame: mut file, .. } => self.pack.append_with_file(&stored.map(0), &mut file)?,
        };
        self.new_rows.extend_from_slice(&row(blob.hash, offset));
        self.recent.insert(blob.hash, offset);
        Ok(())
    }

    /// Adds a blob as the frame that is compressed against another, which lies before it: in this segment, or in one
    /// that was synced before this one was begun. So no crash leaves it without its base.
    fn append_leaning(&mut self, blob: &Spooled, leaning: &Leaning) -> Result<(), PackError> {
        let back = self.recent.get(&leaning.base).map(|base| self.pack.length() - base);
        let base = Some(Base { hash: leaning.base, depth: leaning.depth, back });
        let frame = &leaning.frame;
        let frame_bytes = u64::try_from(frame.len()).expect("a length fits in 64 bits");
        let Spooled { hash, size_bytes, .. } = *blob;
        let stored = Stored { hash, base, size_bytes, frame_bytes, crc32: crc32fast::hash(frame) };
        let offset = self.pack.append(&[&stored.map(0), frame.as_slice()].concat())?;
        self.new_rows.extend_from_slice(&row(hash, offset));
        self.recent.insert(hash, offset);
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

    /// Returns where a blob of the active segment lies.
    #[must_use]
    pub fn place(&self, blob: Hash) -> Option<Place> {
        self.recent.get(&blob).map(|offset| Place { segment: self.segment, offset })
    }

    /// Makes every blob added so far durable, and seals the segment when it is full.
    ///
    /// # Errors
    /// A [`PackError`]; after a failed fsync the writing act must end.
    pub fn sync(&mut self) -> Result<(), PackError> {
        self.make_durable()?;
        self.enlist()
    }

    /// Takes what was added since the last time, for the journal to make durable; nothing when it is durable here.
    ///
    /// # Errors
    /// As [`PackWriter::sync`].
    pub fn take_tail(&mut self) -> Result<Option<PackTail>, PackError> {
        let segment = self.segment;
        Ok(self.pack.take_tail()?.map(|(offset, bytes)| PackTail { segment, offset, bytes }))
    }

    /// Enters the blobs that are durable into the rows, and seals the segment when it is full.
    ///
    /// # Errors
    /// As [`PackWriter::sync`].
    pub fn enlist(&mut self) -> Result<(), PackError> {
        if !self.new_rows.is_empty() {
            self.rows.append(&self.new_rows)?; // They need no fsync: they are derived.
            self.new_rows.clear();
        }
        if self.pack.length() >= self.packs.segment_bytes_max {
            self.pack.sync()?;
            self.seal()?;
        }
        Ok(())
    }

    /// Makes the segment durable in its place, and returns its path, whose name may not be.
    ///
    /// # Errors
    /// As [`PackWriter::sync`].
    pub fn settle(&mut self) -> Result<PathBuf, PackError> {
        self.pack.sync()?;
        Ok(self.packs.path(self.segment))
    }

    fn make_durable(&mut self) -> Result<(), PackError> {
        self.pack.sync()?;
        self.rows.append(&self.new_rows)?; // They need no fsync: they are derived.
        self.new_rows.clear();
        self.new_rows.shrink_to(NEW_ROWS_BYTES); // Opening wrote all of them at once.
        Ok(())
    }

    pub(super) fn seal(&mut self) -> Result<(), PackError> {
        write_index(&self.packs.path(self.segment), &std::mem::take(&mut self.recent).into_sorted())?;
        *self = Self::start(&self.packs, self.segment + 1)?;
        Ok(())
    }
}

/// Writes again what the journal holds of a pack: the same bytes, where a loss of power left others or none. They are
/// durable once [`durable::sync_all`] has named the path that is returned.
///
/// # Errors
/// When the pack ends before them, or cannot be written.
pub fn replay(packs: &Packs, tail: &PackTail) -> Result<PathBuf, PackError> {
    let path = packs.path(tail.segment);
    let length = path.metadata().map_or(0, |metadata| metadata.len());
    if length < tail.offset {
        return Err(PackError::Gap { path, offset: tail.offset });
    }
    // Also where they are there already: after an fsync that failed they may be in memory alone.
    durable::write_at(&path, tail.offset, &tail.bytes)?;
    Ok(path)
}

/// The members of a segment that can be read.
struct Members {
    found: Recent,
    /// Where the last of them ends.
    length: u64,
    /// The first byte that is of no member.
    torn: Option<u64>,
}

impl Members {
    /// Walks the members, not the rows: after a crash the rows may be ahead of the pack.
    fn of(packs: &Packs, segment: u32) -> Result<Self, PackError> {
        let mut members = Self { found: Recent::default(), length: 0, torn: None };
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;
    use crate::outside::archive::packs::Member;
    use crate::outside::archive::spool::Spool;

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
            let mut spool = Spool::new(&folder.path().join("passing"));
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
