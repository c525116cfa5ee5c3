//! Rewriting: segments without the blobs that were erased, or with frames that were compressed again ([`super::repack`]).
//!
//! A segment is never changed in place. What is kept of those that hold an erased blob, and of the active one, is copied
//! to new segments under new numbers; the old ones are removed once the new ones are durable. So a number never means
//! other bytes, and segments do not multiply: the last new one is the active one.
//!
//! 1. The new segments are written under passing names, synced and given their names, one after another. *A crash
//!    here* leaves members twice, which harms nobody; the erased ones are still there, and erasing begins again.
//! 2. The old segments are removed, each after its index and rows; those that hold an erased blob last. *A crash here* leaves old
//!    segments that hold an erased blob, and erasing begins again.
//!
//! A blob that is compressed against an erased one is written anew as a plain frame, wherever it lies; one that is
//! compressed against a kept one keeps its frame, and its map says where the base lies now.
//!
//! A reader that has found a blob in a segment that goes meanwhile finds its file gone, and looks again. One that has
//! the file open reads on: the system keeps an open file's bytes. What a segment holds beside its members, which no
//! reader understands, is copied as it lies: a rewrite mends nothing and hides nothing.
//!
//! What this cannot do: overwrite the medium. A file that is removed may leave its bytes on a disk until it uses the
//! place again, and on a copy or snapshot for as long as that lives.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::member::Stored;
use super::recent::Recent;
use super::rows::write_index;
use super::{Base, Member, PackError, PackWriter, Packs};

use crate::base::hash::Hash;
use crate::outside::archive::durable::{self, Existing, Passing, WriteError};
use crate::outside::archive::leaning::Leaning;

impl Packs {
    /// Returns those of `blobs` that are held, found as [`Packs::segments_with`] does.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn held_of(&self, blobs: &BTreeSet<Hash>) -> Result<BTreeSet<Hash>, PackError> {
        let mut held = BTreeSet::new();
        for segment in self.segments()? {
            let members = self.walk(segment, 0)?.filter_map(Result::ok).map(|member| member.hash);
            held.extend(members.filter(|hash| blobs.contains(hash)));
        }
        Ok(held)
    }

    /// Returns the segments that hold any of `blobs`, found by walking their members: a damaged row hides none.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn segments_with(&self, blobs: &BTreeSet<Hash>) -> Result<Vec<u32>, PackError> {
        self.segments_where(|member| blobs.contains(&member.hash))
    }

    fn segments_where(&self, is_one: impl Fn(&Member) -> bool) -> Result<Vec<u32>, PackError> {
        let mut segments = Vec::new();
        for segment in self.segments()? {
            if self.walk(segment, 0)?.filter_map(Result::ok).any(|member| is_one(&member)) {
                segments.push(segment);
            }
        }
        Ok(segments)
    }
}

impl PackWriter {
    /// Rewrites every segment that holds any of `gone` without them; says how many members went.
    ///
    /// # Errors
    /// A [`PackError`]; what a failure leaves is said above, and the writer must be dropped.
    pub fn erase(&mut self, gone: &BTreeSet<Hash>) -> Result<usize, PackError> {
        self.sync()?;
        let packs = self.packs().clone();
        let holding = packs.segments_with(gone)?;
        if holding.is_empty() {
            packs.sync_names()?; // They may have gone a moment ago, in a process that did not live to wait for it.
            return Ok(0);
        }
        let leaning = packs.segments_where(|member| member.base.is_some_and(|base| gone.contains(&base.hash)))?;
        let sources = holding.iter().copied().chain(leaning).collect();
        let mut erased = 0;
        let mut fate = |segment, member: &Member| {
            if gone.contains(&member.hash) {
                erased += 1;
                return Ok(Fate::Goes);
            }
            let loses_base = member.base.is_some_and(|base| gone.contains(&base.hash));
            // A member that cannot be decoded is copied too: it is damaged before and after.
            let plain = loses_base.then(|| packs.as_plain(segment, member).ok()).flatten();
            Ok(plain.map_or(Fate::Stays, Fate::Plain))
        };
        // Those that hold an erased blob go last, so that a crash before that is seen.
        self.rewrite(sources, &mut fate, |segment| holding.contains(&segment))?;
        Ok(erased)
    }

    /// Writes segments, and the active one, anew, and removes the old ones, those last for which `goes_last` holds.
    pub(super) fn rewrite(
        &mut self,
        mut sources: BTreeSet<u32>,
        fate: &mut dyn FnMut(u32, &Member) -> Result<Fate, PackError>,
        goes_last: impl Fn(u32) -> bool,
    ) -> Result<(), PackError> {
        let packs = self.packs().clone();
        let active = self.active();
        sources.insert(active);
        let next = packs.segments()?.last().copied().unwrap_or(active).max(active) + 1;
        let mut rewriting = Rewriting { packs: &packs, next, open: None };
        // In their order, so that a base is written before what leans on it.
        for segment in &sources {
            rewriting.segment(*segment, fate)?;
        }
        rewriting.finish()?;
        let (last, first): (Vec<u32>, Vec<u32>) = sources.into_iter().partition(|segment| goes_last(*segment));
        for segment in first.into_iter().chain(last) {
            let path = packs.path(segment);
            for extension in ["index", "rows", "pack"] {
                durable::remove(&path.with_extension(extension))?;
            }
        }
        durable::sync_folder(packs.folder())?;
        *self = Self::open(&packs)?;
        self.sync()
    }
}

/// What becomes of a member when its segment is rewritten.
pub(super) enum Fate {
    /// It is left out.
    Goes,
    /// It keeps its frame.
    Stays,
    /// It is this one now, map and frame, and needs no other blob.
    Plain(Vec<u8>),
    /// Its frame is this one, which is compressed against another blob.
    Leans(Leaning),
}

/// New segments in the making.
struct Rewriting<'p> {
    packs: &'p Packs,
    next: u32,
    open: Option<Open>,
}

/// A new segment that still has room.
struct Open {
    passing: Passing,
    length: u64,
    members: Recent,
}

impl Rewriting<'_> {
    fn segment(
        &mut self,
        segment: u32,
        fate: &mut dyn FnMut(u32, &Member) -> Result<Fate, PackError>,
    ) -> Result<(), PackError> {
        let path = self.packs.path(segment);
        let mut file = File::open(&path).map_err(|source| PackError::Io { path: path.clone(), source })?;
        for member in self.packs.walk(segment, 0)? {
            match member {
                Ok(member) => self.member(&mut file, &member, fate(segment, &member)?)?,
                Err(PackError::Torn { offset, end, .. }) => self.keep(&[], &mut file, offset..end, None)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn member(&mut self, file: &mut File, member: &Member, fate: Fate) -> Result<(), PackError> {
        let Member { hash, size_bytes, stored_bytes, crc32, .. } = *member;
        match (fate, member.base) {
            (Fate::Goes, _) => Ok(()),
            (Fate::Plain(plain), _) => self.keep(&plain, file, 0..0, Some(hash)),
            (Fate::Stays, None) => self.keep(&[], file, member.offset..member.end(), Some(hash)),
            // Its map says where the base lies now.
            (Fate::Stays, Some(base)) => {
                let base = Some(Base { back: self.back_to(base.hash)?, ..base });
                let map = Stored { hash, base, size_bytes, frame_bytes: stored_bytes, crc32 }.map(0);
                self.keep(&map, file, member.frame_offset..member.end(), Some(hash))
            }
            (Fate::Leans(Leaning { base, depth, frame }), _) => {
                let base = Some(Base { hash: base, depth, back: self.back_to(base)? });
                let frame_bytes = u64::try_from(frame.len()).expect("a length fits in 64 bits");
                let map = Stored { hash, base, size_bytes, frame_bytes, crc32: crc32fast::hash(&frame) }.map(0);
                self.keep(&[map, frame].concat(), file, 0..0, Some(hash))
            }
        }
    }

    /// Returns how far before the next member a base lies in the new segment, where it does.
    fn back_to(&mut self, base: Hash) -> Result<Option<u64>, PackError> {
        self.make_room()?;
        Ok(self.open.as_ref().and_then(|open| Some(open.length - open.members.get(&base)?)))
    }

    fn make_room(&mut self) -> Result<(), PackError> {
        if self.open.as_ref().is_some_and(|open| open.length >= self.packs.segment_bytes_max) {
            self.place(Last::No)?;
        }
        Ok(())
    }

    /// Writes `start`, and behind it a stretch of an old segment as it lies.
    fn keep(
        &mut self,
        start: &[u8],
        file: &mut File,
        stretch: std::ops::Range<u64>,
        member: Option<Hash>,
    ) -> Result<(), PackError> {
        self.make_room()?;
        let path = self.packs.path(self.next);
        let open = self.open()?;
        let length = stretch.end - stretch.start;
        open.passing
            .write_all(start)
            .and_then(|()| file.seek(SeekFrom::Start(stretch.start)))
            .and_then(|_| io::copy(&mut Read::by_ref(file).take(length), &mut open.passing))
            .and_then(|copied| if copied == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) })
            .and_then(|()| open.passing.flush())
            .map_err(|source| WriteError::at(&path, source))?;
        if let Some(hash) = member {
            open.members.insert(hash, open.length);
        }
        open.length += length + u64::try_from(start.len()).expect("a length fits in 64 bits");
        Ok(())
    }

    /// Returns the new segment that has room, beginning one when there is none.
    fn open(&mut self) -> Result<&mut Open, PackError> {
        match &mut self.open {
            Some(open) => Ok(open),
            none => {
                let passing = Passing::create(&self.packs.path(self.next), Existing::Keep)?;
                Ok(none.insert(Open { passing, length: 0, members: Recent::default() }))
            }
        }
    }

    fn place(&mut self, last: Last) -> Result<(), PackError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        open.passing.place(Existing::Keep)?;
        if last == Last::No {
            write_index(&self.packs.path(self.next), &open.members.into_sorted())?;
        }
        self.next += 1;
        Ok(())
    }

    /// Ends with an active segment, though it be empty: its number keeps those before from being given again.
    fn finish(mut self) -> Result<(), PackError> {
        self.open()?;
        self.place(Last::Yes)
    }
}

/// Whether a new segment is the last: that one stays active.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Last {
    No,
    Yes,
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests leave what a crash leaves")]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::outside::archive::spool::Spooled;

    fn blob(text: &str) -> Spooled {
        Spooled::from_bytes(text.as_bytes().to_vec())
    }

    fn gone(texts: &[&str]) -> BTreeSet<Hash> {
        texts.iter().map(|text| Hash::of(text.as_bytes())).collect()
    }

    const TEXTS: [&str; 5] = ["first", "secret of the first", "second", "secret of the second", "third"];

    /// Makes two sealed segments and an active one.
    fn packs(folder: &Path) -> Packs {
        let packs = Packs::new(folder);
        let mut writer = PackWriter::open(&packs).unwrap();
        for pair in TEXTS.chunks(2) {
            for text in pair {
                writer.append(&blob(text)).unwrap();
            }
            if pair.len() == 2 {
                writer.seal().unwrap();
            }
        }
        writer.sync().unwrap();
        packs
    }

    fn held(packs: &Packs) -> Vec<&'static str> {
        TEXTS.into_iter().filter(|text| packs.read(Hash::of(text.as_bytes())).is_ok()).collect()
    }

    #[test]
    fn erases_from_sealed_and_active_segments_and_goes_on_appending() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        assert_eq!(writer.erase(&gone(&["secret of the first", "third"])).unwrap(), 2);
        assert_eq!(held(&packs), ["first", "second", "secret of the second"]);
        assert_eq!(packs.segments().unwrap(), [2, 4]);
        writer.append(&blob("fourth")).unwrap();
        writer.sync().unwrap();
        assert_eq!(writer.erase(&gone(&["secret of the first"])).unwrap(), 0, "it is gone already");
        drop(writer);
        assert_eq!(packs.read(Hash::of(b"fourth")).unwrap(), b"fourth");
        assert_eq!(packs.segments().unwrap(), [2, 4]);
        for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            let bytes = fs::read(entry.path()).unwrap();
            let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!has("secret of the first") && !has("third"), "{:?}", entry.path());
        }
    }

    /// The version `n` of a text of which a little changes every time.
    fn version(n: usize) -> Vec<u8> {
        let clause = |clause: usize| {
            format!("Clause {clause} as of {}: {}\n", (n + 60 - clause) / 60, Hash::of(&clause.to_be_bytes()))
        };
        (0..60).map(clause).collect::<String>().into_bytes()
    }

    const COUNT: usize = 12;

    /// Appends versions, each compressed against the one before it, in three segments.
    fn chain(folder: &Path) -> (Packs, PackWriter, Vec<Hash>) {
        let packs = Packs::new(folder);
        let mut writer = PackWriter::open(&packs).unwrap();
        let mut hashes: Vec<Hash> = Vec::new();
        for n in 0..COUNT {
            let mut blob = Spooled::compressed(version(n)).unwrap();
            let reference = hashes.last().map(|before| {
                let mut reference = packs.reference(*before).unwrap().unwrap();
                reference.shallower.clear(); // As deep as can be.
                Arc::new(reference)
            });
            blob.compress_against(&mut reference.into_iter()).unwrap();
            hashes.push(blob.hash);
            writer.append(&blob).unwrap();
            writer.sync().unwrap();
            if n == 3 || n == 7 {
                writer.seal().unwrap();
            }
        }
        (packs, writer, hashes)
    }

    /// Returns the members that lean on another, with their segments.
    fn leaning(packs: &Packs) -> Vec<(u32, Member)> {
        let segments = packs.segments().unwrap().into_iter();
        let of = |segment| packs.walk(segment, 0).unwrap().map(move |member| (segment, member.unwrap()));
        segments.flat_map(of).filter(|(_, member)| member.base.is_some()).collect()
    }

    #[test]
    fn what_leans_on_an_erased_blob_is_written_anew() {
        for erased in 0..COUNT {
            let folder = tempfile::tempdir().unwrap();
            let (packs, mut writer, hashes) = chain(folder.path());
            assert_eq!(leaning(&packs).len(), COUNT - 1);
            assert_eq!(writer.erase(&BTreeSet::from([hashes[erased]])).unwrap(), 1);
            assert!(matches!(packs.read(hashes[erased]), Err(PackError::Missing { .. })), "{erased}");
            for n in (0..COUNT).filter(|n| *n != erased) {
                assert_eq!(packs.read(hashes[n]).unwrap(), version(n), "{erased} {n}");
            }
            // The one that leaned on it is plain now; of the others, each still leans on the one before.
            let left = if erased == 0 || erased == COUNT - 1 { COUNT - 2 } else { COUNT - 3 };
            assert_eq!(leaning(&packs).len(), left, "{erased}");
            let near = leaning(&packs).into_iter().filter_map(|(segment, member)| {
                let base = member.base.unwrap();
                Some((base.hash, packs.member_at(segment, member.offset - base.back?).unwrap().unwrap()))
            });
            near.for_each(|(base, found)| assert_eq!(found.hash, base, "a base lies where its dependant says"));
        }
    }

    #[test]
    fn erases_everything_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        assert_eq!(writer.erase(&gone(&TEXTS)).unwrap(), 5);
        assert!(held(&packs).is_empty());
        writer.append(&blob("first")).unwrap();
        writer.sync().unwrap();
        assert_eq!(held(&packs), ["first"]);
    }

    #[test]
    fn what_is_no_member_is_copied_as_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path());
        let mut damaged = fs::read(packs.path(1)).unwrap();
        damaged[0] ^= 1; // The first member's magic.
        fs::write(packs.path(1), &damaged).unwrap();
        PackWriter::open(&packs).unwrap().erase(&gone(&["secret of the first"])).unwrap();
        let secret = packs.walk(2, 0).unwrap().count();
        assert_eq!(secret, 2);
        let kept = fs::read(packs.path(4)).unwrap();
        let first = damaged.windows(5).position(|window| window == b"first").unwrap() + 5;
        assert_eq!(kept[..first], damaged[..first]);
        assert_eq!(held(&packs), ["second", "secret of the second", "third"]);
    }

    /// Leaves what a crash leaves after each step, by putting back the files that the step removes.
    #[test]
    fn begins_again_after_a_crash_at_every_step() {
        let names = |folder: &Path| {
            let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort_unstable();
            names
        };
        let gone = gone(&["secret of the first", "second"]);
        let before = tempfile::tempdir().unwrap();
        packs(before.path());
        let after = tempfile::tempdir().unwrap();
        PackWriter::open(&packs(after.path())).unwrap().erase(&gone).unwrap();
        let new: Vec<String> = names(after.path())
            .into_iter()
            .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "pack"))
            .collect();
        assert_eq!(new, ["00000004.pack"]);
        // The order in which the old files go.
        let order =
            [3, 2, 1].map(|n| ["index", "rows", "pack"].map(|extension| format!("{n:08}.{extension}"))).concat();
        let cases = (0..=order.len()).flat_map(|removed| [(removed, false), (removed, true)]);
        for (removed, has_new) in cases.filter(|(removed, has_new)| *removed == 0 || *has_new) {
            let crashed = tempfile::tempdir().unwrap();
            let packs = packs(crashed.path());
            for name in new.iter().filter(|_| has_new) {
                fs::copy(after.path().join(name), crashed.path().join(name)).unwrap();
            }
            fs::write(crashed.path().join("00000004.pack.new"), b"half").unwrap();
            for name in order.iter().take(removed) {
                let _ = fs::remove_file(crashed.path().join(name));
            }
            let kept = ["first", "secret of the second", "third"];
            assert!(kept.iter().all(|text| held(&packs).contains(text)), "{removed} {has_new}: a reader finds them");
            PackWriter::open(&packs).unwrap().erase(&gone).unwrap();
            assert_eq!(held(&packs), kept, "{removed} {has_new}");
            assert_eq!(packs.segments_with(&gone).unwrap(), [0_u32; 0], "{removed} {has_new}");
        }
    }
}
