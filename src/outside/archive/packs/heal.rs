//! Healing: stretches of a segment that hold no whole blob, filled with the bytes that another copy has there.
//!
//! Only the bytes of a member that is whole in the other copy are written, over bytes that are not the same, and read
//! back. The damaged bytes lie beside the segment, under its name and `.damaged-<byte>`, until the healed ones are durable:
//! where they still lie, an fsync may have failed, and healing writes the stretch again.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use super::{Member, PackError, Packs};
use crate::outside::archive::durable::{self, Existing, Passing, WriteError};
use crate::outside::archive::members::MemberReader;

use crate::base::hash::Hash;

impl Packs {
    /// Finds the stretches of a segment that hold no whole blob, given where the members begin that are damaged; and those
    /// that were healed by someone who did not live to know that they are durable.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn gaps(&self, segment: u32, damaged: &HashSet<u64>) -> Result<Vec<Range<u64>>, PackError> {
        let unfinished = self.unfinished(segment)?;
        let is_due = |member: &Member| damaged.contains(&member.offset) || unfinished.contains(&member.offset);
        let (mut gaps, mut gap) = (Vec::new(), None);
        for member in self.walk(segment, 0)? {
            match member {
                Ok(member) if !is_due(&member) => {
                    gaps.extend(gap.take().map(|start| start..member.offset));
                }
                Ok(Member { offset, .. }) | Err(PackError::Torn { offset, .. }) => {
                    gap.get_or_insert(offset);
                }
                Err(error) => return Err(error),
            }
        }
        let length = self.length(segment)?;
        gaps.extend(gap.map(|start| start..length));
        Ok(gaps)
    }

    /// Fills a gap with the members that another copy has at the same place, and returns the blobs that are whole again.
    /// A gap at the end may be filled beyond it.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn fill(&self, other: &Self, segment: u32, gap: Range<u64>) -> Result<Vec<(Hash, u64)>, PackError> {
        let mut healed = Vec::new();
        let mut there = MemberReader::new(other)?;
        let mut offset = gap.start;
        while offset < gap.end {
            let Some(member) = other.member_at(segment, offset)?.filter(|member| member.end() <= gap.end) else {
                break;
            };
            offset = member.end();
            let is_due = self.aside(segment, member.offset).exists() || !self.is_same(other, segment, &member)?;
            if is_due && there.check(segment, &member).is_ok() {
                self.overwrite(other, segment, &member)?;
                healed.push((member.hash, member.offset));
            }
        }
        Ok(healed)
    }

    /// Finds the members of a segment whose damaged bytes still lie beside it.
    fn unfinished(&self, segment: u32) -> Result<HashSet<u64>, PackError> {
        let at = |source| PackError::Io { path: self.folder.clone(), source };
        let start = format!("{segment:08}.pack.damaged-");
        let mut unfinished = HashSet::new();
        for entry in fs::read_dir(&self.folder).map_err(at)? {
            let name = entry.map_err(at)?.file_name();
            unfinished.extend(name.to_str().and_then(|name| name.strip_prefix(&start)?.parse::<u64>().ok()));
        }
        Ok(unfinished)
    }

    /// Returns where the damaged bytes of a member lie until the healed ones are durable.
    fn aside(&self, segment: u32, offset: u64) -> PathBuf {
        self.folder.join(format!("{segment:08}.pack.damaged-{offset}"))
    }

    fn is_same(&self, other: &Self, segment: u32, member: &Member) -> Result<bool, PackError> {
        let length = member.end() - member.offset;
        let (mut here, mut there) =
            (self.stretch(segment, member.offset, length)?, other.stretch(segment, member.offset, length)?);
        let (mut a, mut b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut left = length;
        while left > 0 {
            let count = usize::try_from(left.min(1 << 16)).expect("at most a buffer");
            let is_read = here.read_exact(&mut a[..count]).is_ok() && there.read_exact(&mut b[..count]).is_ok();
            if !is_read || a[..count] != b[..count] {
                return Ok(false);
            }
            left -= u64::try_from(count).expect("at most a buffer");
        }
        Ok(true)
    }

    fn overwrite(&self, other: &Self, segment: u32, member: &Member) -> Result<(), PackError> {
        let (path, length) = (self.path(segment), member.end() - member.offset);
        let aside = self.aside(segment, member.offset);
        if !aside.exists() {
            let mut kept = Passing::create(&aside, Existing::Keep)?;
            let copied = io::copy(&mut self.stretch(segment, member.offset, length)?, &mut kept);
            copied.map_err(|source| WriteError::at(&aside, source))?;
            kept.place(Existing::Keep)?;
        }
        // A crash from here on leaves a stretch that is still damaged, and what it was beside it.
        durable::overwrite(&path, member.offset, &mut other.stretch(segment, member.offset, length)?)?;
        // What the frame leans on may be healed after it, so that its bytes are compared, and its blob is not read yet.
        if !self.is_same(other, segment, member)? {
            return Err(PackError::Torn { path, offset: member.offset, end: member.end() });
        }
        Ok(durable::remove(&aside)?)
    }

    /// Reads a stretch of a segment, so far as there is one.
    fn stretch(&self, segment: u32, offset: u64, length: u64) -> Result<Box<dyn Read>, PackError> {
        let path = self.path(segment);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Box::new(io::empty())),
            other => other.map_err(|source| PackError::Io { path: path.clone(), source })?,
        };
        file.seek(SeekFrom::Start(offset)).map_err(|source| PackError::Io { path, source })?;
        Ok(Box::new(BufReader::new(file).take(length)))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use super::super::PackWriter;
    use super::*;
    use crate::outside::archive::spool::Spooled;

    fn failed(packs: &Packs) -> HashSet<u64> {
        let mut reader = MemberReader::new(packs).unwrap();
        let members = packs.walk(1, 0).unwrap().filter_map(Result::ok);
        members.filter(|member| reader.check(1, member).is_err()).map(|member| member.offset).collect()
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_put_right() {
        let folder = tempfile::tempdir().unwrap();
        let packs = |name: &str| Packs::new(&folder.path().join(name));
        let mut writer = PackWriter::open(&packs("a")).unwrap();
        for text in ["one", "two", "three"] {
            writer.append(&Spooled::from_bytes(text.as_bytes().to_vec())).unwrap();
        }
        writer.sync().unwrap();
        let (a, b) = (packs("a"), packs("b"));
        std::fs::create_dir(folder.path().join("b")).unwrap();
        let whole = std::fs::read(a.path(1)).unwrap();
        let length = a.length(1).unwrap();
        for bit in (0..whole.len() * 8).step_by(11) {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(b.path(1), &damaged).unwrap();
            let gaps = b.gaps(1, &failed(&b)).unwrap();
            assert_eq!(gaps.len(), 1, "bit {bit}");
            assert_eq!(b.fill(&a, 1, gaps[0].clone()).unwrap().len(), 1, "bit {bit}");
            assert!(std::fs::read(b.path(1)).unwrap() == whole, "bit {bit}");
        }
        for end in (0..whole.len()).step_by(13) {
            std::fs::write(b.path(1), &whole[..end]).unwrap();
            let start = b.gaps(1, &failed(&b)).unwrap().first().map_or(b.length(1).unwrap(), |gap| gap.start);
            b.fill(&a, 1, start..length).unwrap();
            assert!(std::fs::read(b.path(1)).unwrap() == whole, "cut at {end}");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("b")).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn what_is_damaged_in_both_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (Packs::new(&folder.path().join("a")), Packs::new(&folder.path().join("b")));
        PackWriter::open(&a).unwrap().append(&Spooled::from_bytes(b"one".to_vec())).unwrap();
        let mut bytes = std::fs::read(a.path(1)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(a.path(1), &bytes).unwrap();
        bytes[last] ^= 2;
        std::fs::create_dir(folder.path().join("b")).unwrap();
        std::fs::write(b.path(1), &bytes).unwrap();
        let gaps = b.gaps(1, &failed(&b)).unwrap();
        assert_eq!(b.fill(&a, 1, gaps[0].clone()).unwrap(), []);
        assert_eq!(std::fs::read(b.path(1)).unwrap(), bytes);
    }
}
