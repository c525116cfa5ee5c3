//! Copying: a segment's bytes taken over into a second copy of the archive, as they lie.
//!
//! A copy's segment is the beginning of the one it follows, byte for byte, so what one blob leans on lies where it
//! lay, and a damaged stretch of either can be healed from the other. What was taken over is read back and checked.
//! Damage that the first copy has already comes with the rest and is named: one rotten blob must not keep the others
//! from being copied.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::recent::Recent;
use super::rows::{row, write_index};
use super::{Member, PackError, Packs};
use crate::outside::archive::appending::Appending;
use crate::outside::archive::durable::{self, Access};
use crate::outside::archive::members::MemberReader;

use crate::base::hash::Hash;

/// How much is copied at a time.
const CHUNK_BYTES: u64 = 1 << 20;

/// Which part of a segment a copy takes over.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// The segment's number.
    pub segment: u32,
    /// How far the copy's own bytes were promised by a checkpoint: they are not looked at.
    pub held: u64,
    /// Where the bytes to take over end.
    pub end: u64,
    /// Whether another segment follows, so that this one never grows again.
    pub is_sealed: bool,
}

/// What a copy has taken over.
#[derive(Debug, Default)]
pub struct Taken {
    /// How many bytes were copied.
    pub bytes: u64,
    /// The blobs behind what was held before, and where their members begin.
    pub members: Vec<(Hash, u64)>,
    /// What is damaged in the first copy.
    pub damaged: Vec<PackError>,
}

impl Packs {
    /// Finds out where a blob lies.
    ///
    /// # Errors
    /// [`PackError::Missing`].
    pub fn locate(&self, hash: Hash) -> Result<(u32, Member), PackError> {
        self.find_to_read(hash)
    }

    /// Returns how many bytes a segment's file has; 0 when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn length(&self, segment: u32) -> Result<u64, PackError> {
        let path = self.path(segment);
        match std::fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(PackError::Io { path, source }),
        }
    }

    /// Takes over a stretch of another copy's segment. What an earlier attempt left behind what is held is kept as far
    /// as it is whole. A crash leaves a torn end, which the next attempt cuts off.
    ///
    /// # Errors
    /// A [`PackError`]; [`PackError::Write`] on a full disk, with what is held as it was.
    pub fn take(&self, source: &Self, stretch: Stretch, copied: &dyn Fn(u64)) -> Result<Taken, PackError> {
        let Stretch { segment, end, .. } = stretch;
        if self.path(segment).with_extension("index").exists() {
            copied(end);
            return Ok(Taken::default());
        }
        durable::make_folder(&self.folder)?;
        let mut taken = Taken::default();
        let start = self.whole_until(source, stretch, &mut taken)?.min(end.max(stretch.held));
        let mut file = Appending::open(&self.path(segment), start)?;
        if start > stretch.held {
            file.write_again(stretch.held)?; // An fsync that failed for the attempt before would not write it again.
        }
        copied(start);
        taken.bytes = source.copy_bytes(&mut file, stretch, copied)?;
        file.sync()?;
        self.check_taken(source, segment, start, &mut taken)?;
        self.list_anew(segment, stretch.is_sealed)?;
        Ok(taken)
    }

    /// Finds how far an earlier attempt has come: every whole member that the first copy has at the same place.
    fn whole_until(&self, source: &Self, stretch: Stretch, taken: &mut Taken) -> Result<u64, PackError> {
        let segment = stretch.segment;
        let length = self.length(segment)?;
        let mut end = if stretch.held <= length { stretch.held } else { 0 };
        if end == length {
            return Ok(end);
        }
        let mut reader = MemberReader::new(self)?;
        for member in self.walk(segment, end)?.map_while(Result::ok) {
            let is_same = member.offset == end && source.member_at(segment, end)?.as_ref() == Some(&member);
            if !is_same || reader.check(segment, &member).is_err() {
                break;
            }
            end = member.end();
            taken.members.push((member.hash, member.offset));
        }
        Ok(end)
    }

    /// Copies the bytes that the target does not have, and returns how many they were.
    fn copy_bytes(&self, target: &mut Appending, stretch: Stretch, copied: &dyn Fn(u64)) -> Result<u64, PackError> {
        let path = self.path(stretch.segment);
        let mut bytes = 0;
        let at = |source| PackError::Io { path: path.clone(), source };
        let mut file = File::open(&path).map_err(at)?;
        file.seek(SeekFrom::Start(target.length())).map_err(at)?;
        let mut chunk = Vec::new();
        while target.length() < stretch.end {
            chunk.clear();
            let count = CHUNK_BYTES.min(stretch.end - target.length());
            Read::by_ref(&mut file).take(count).read_to_end(&mut chunk).map_err(at)?;
            if chunk.is_empty() {
                return Err(at(std::io::ErrorKind::UnexpectedEof.into()));
            }
            let start = target.append(&chunk)?;
            bytes += target.length() - start;
            copied(target.length() - start);
        }
        Ok(bytes)
    }

    /// Reads back what was copied. What is damaged here and there is said; what is damaged here alone is an error.
    fn check_taken(&self, source: &Self, segment: u32, start: u64, taken: &mut Taken) -> Result<(), PackError> {
        let (mut reader, mut there) = (MemberReader::new(self)?, MemberReader::new(source)?);
        for member in self.walk(segment, start)? {
            match member {
                Ok(member) => match reader.check(segment, &member) {
                    Ok(()) => taken.members.push((member.hash, member.offset)),
                    Err(error) if there.check(segment, &member).is_err() => taken.damaged.push(error),
                    Err(error) => return Err(error),
                },
                Err(torn @ PackError::Torn { .. }) => taken.damaged.push(torn),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Removes a segment that nothing needs any more, its rows first; it is gone for good after [`Packs::sync_names`].
    ///
    /// # Errors
    /// When the disk fails.
    pub fn remove(&self, segment: u32) -> Result<(), PackError> {
        for extension in ["index", "rows", "pack"] {
            durable::remove(&self.path(segment).with_extension(extension))?;
        }
        Ok(())
    }

    /// Makes it durable which segments there are.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync_names(&self) -> Result<(), PackError> {
        if self.folder.exists() { Ok(durable::sync_folder(&self.folder)?) } else { Ok(()) }
    }

    /// Writes a segment's rows anew from its members: sorted when it is sealed.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn list_anew(&self, segment: u32, is_sealed: bool) -> Result<(), PackError> {
        let members = self.walk(segment, 0)?.filter_map(Result::ok);
        if is_sealed {
            let mut rows = Recent::default();
            members.for_each(|member| rows.insert(member.hash, member.offset));
            return write_index(&self.path(segment), &rows.into_sorted());
        }
        let rows: Vec<u8> = members.flat_map(|member| row(member.hash, member.offset)).collect();
        Ok(durable::swap(&self.path(segment).with_extension("rows"), &rows, Access::Public)?)
    }
}

impl PackError {
    /// Says whether a blob is lost or damaged, and not that a disk or its reader failed for the moment.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        !matches!(self, Self::Io { .. } | Self::Spool(_) | Self::Target(_) | Self::TooLarge { .. } | Self::Write(_))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use super::super::PackWriter;
    use super::*;
    use crate::outside::archive::spool::Spooled;

    fn packs(folder: &std::path::Path, texts: &[&str]) -> Packs {
        let packs = Packs::new(folder);
        let mut writer = PackWriter::open(&packs).unwrap();
        for text in texts {
            writer.append(&Spooled::from_bytes(text.as_bytes().to_vec())).unwrap();
        }
        writer.sync().unwrap();
        packs
    }

    fn stretch(held: u64, end: u64) -> Stretch {
        Stretch { segment: 1, held, end, is_sealed: false }
    }

    #[test]
    fn goes_on_from_every_byte_at_which_it_was_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let source = packs(&folder.path().join("a"), &["one", "two", "three", "four"]);
        let whole = std::fs::read(source.path(1)).unwrap();
        let end = u64::try_from(whole.len()).unwrap();
        let target = Packs::new(&folder.path().join("b"));
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for length in (0..=whole.len()).step_by(7).chain([whole.len()]) {
            for rubbish in [false, true] {
                let mut left = whole[..length].to_vec();
                left.last_mut().filter(|_| rubbish).into_iter().for_each(|last| *last ^= 1);
                std::fs::write(target.path(1), left).unwrap();
                let taken = target.take(&source, stretch(0, end), &|_| ()).unwrap();
                assert_eq!(std::fs::read(target.path(1)).unwrap(), whole, "{length}");
                assert_eq!(taken.members.len(), 4, "{length}");
                assert!(taken.damaged.is_empty());
                assert_eq!(target.rows(1).unwrap().unwrap().listed.len(), 4);
            }
        }
    }

    #[test]
    fn takes_no_more_than_was_promised_and_seals_what_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let source = packs(&folder.path().join("a"), &["one", "two"]);
        let held = source.length(1).unwrap();
        packs(&folder.path().join("a"), &["not promised yet"]);
        let target = Packs::new(&folder.path().join("b"));
        target.take(&source, stretch(0, held), &|_| ()).unwrap();
        assert_eq!(target.length(1).unwrap(), held);
        let end = source.length(1).unwrap();
        let last = Stretch { is_sealed: true, ..stretch(held, end) };
        assert_eq!(target.take(&source, last, &|_| ()).unwrap().members.len(), 1);
        assert!(target.path(1).with_extension("index").exists() && !target.path(1).with_extension("rows").exists());
        assert_eq!(target.take(&source, last, &|_| ()).unwrap().bytes, 0, "a sealed segment is not touched again");
    }

    #[test]
    fn names_what_is_damaged_and_copies_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let source = packs(&folder.path().join("a"), &["one", "two", "three"]);
        let whole = std::fs::read(source.path(1)).unwrap();
        for at in (0..whole.len()).step_by(3) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(source.path(1), &damaged).unwrap();
            let target = Packs::new(&folder.path().join(format!("b{at}")));
            let end = u64::try_from(whole.len()).unwrap();
            let taken = target.take(&source, stretch(0, end), &|_| ()).unwrap();
            assert!(!taken.damaged.is_empty(), "{at}");
            assert_eq!(std::fs::read(target.path(1)).unwrap(), damaged, "{at}");
            let readable = ["one", "two", "three"].iter().filter(|text| target.read(Hash::of(text.as_bytes())).is_ok());
            // A size that was changed may hide the next blob too.
            assert!(readable.count() >= 1, "{at}");
        }
    }
}
