//! Repacking: what was kept in haste is compressed again, when nobody waits for it.
//!
//! A document's first page keeps its plain, quickly made frame while the processors are behind the network. Here it is
//! compressed against another that it resembles, or harder by itself, and its segment is written anew as
//! [`super::rewrite`] does. Which blobs these are is for the caller to know; that a frame was made in haste is seen from
//! its length. What is packed so once is not packed again.
//!
//! | quantity | unit   | range                                                                              |
//! |----------|--------|------------------------------------------------------------------------------------|
//! | depth    | frames | at most [`REPACKED_DEPTH_MAX`] afterwards, which is less than what leans on the blob has |
//!
//! What leans on a blob keeps its frame and its depth: it was written with room for that. Where it was not, by an earlier
//! version, the blob stays plain. So members of before and after go together in any mixture, which is what a crash leaves,
//! and what a reader sees meanwhile. *A crash* leaves members twice; the next repacking leaves out what lies
//! in a later segment already.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::member::{REFERENCE_BYTES_MAX, Stored};
use super::reference::REPACKED_DEPTH_MAX;
use super::rewrite::Fate;
use super::{Member, PackError, PackWriter, Packs, Reference};

use crate::base::hash::Hash;
use crate::outside::archive::leaning::{Again, is_quick, lean_again};
use crate::outside::archive::members::MemberReader;

/// Which blobs may have been kept in haste, and which others each of them may resemble.
pub type Wishes = HashMap<Hash, Vec<Hash>>;

/// What repacking has done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Repacked {
    /// How many blobs have another frame.
    pub blobs: u64,
    /// How many bytes their members had.
    pub bytes_before: u64,
    /// How many they have.
    pub bytes_after: u64,
}

impl Packs {
    /// Says whether a blob may have been kept in haste: its row leads to a plain frame that others could lean on.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn is_repackable(&self, hash: Hash) -> Result<bool, PackError> {
        let found = self.find_listed_and(hash, |_, member| Ok(member.clone()))?;
        Ok(found.is_some_and(|member| member.base.is_none() && member.size_bytes <= REFERENCE_BYTES_MAX))
    }
}

impl PackWriter {
    /// Compresses blobs again that were kept in haste; `passed` is told how many bytes were looked at.
    ///
    /// # Errors
    /// A [`PackError`]; nothing is lost, and the writer must be dropped.
    pub fn repack(&mut self, wishes: &Wishes, passed: &dyn Fn(u64)) -> Result<Repacked, PackError> {
        self.sync()?;
        let packs = self.packs().clone();
        let mut repacking = Repacking::new(&packs, wishes)?;
        let sources = repacking.sources(self.active())?;
        if sources.is_empty() {
            return Ok(Repacked::default());
        }
        repacking.later = packs.segments()?.into_iter().filter(|segment| !sources.contains(segment)).collect();
        let mut fate = |segment, member: &Member| {
            passed(member.end() - member.offset);
            repacking.fate(segment, member)
        };
        self.rewrite(sources, &mut fate, |_| false)?;
        Ok(repacking.done)
    }
}

struct Repacking<'p> {
    packs: &'p Packs,
    reader: MemberReader,
    wishes: &'p Wishes,
    /// How deep the shallowest blob lies that leans on a wished one.
    leaning: HashMap<Hash, u64>,
    /// The depth of those that lean on others from now on.
    depths: HashMap<Hash, u64>,
    /// Those that others lean on from now on, and must not become deeper.
    bases: HashSet<Hash>,
    /// Segments that stay.
    later: Vec<u32>,
    done: Repacked,
}

impl<'p> Repacking<'p> {
    fn new(packs: &'p Packs, wishes: &'p Wishes) -> Result<Self, PackError> {
        let mut leaning = HashMap::new();
        for segment in packs.segments()? {
            let bases = packs.walk(segment, 0)?.filter_map(|member| member.ok()?.base);
            for base in bases.filter(|base| wishes.contains_key(&base.hash)) {
                let shallowest = leaning.entry(base.hash).or_insert(base.depth);
                *shallowest = base.depth.min(*shallowest);
            }
        }
        let reader = MemberReader::new(packs)?;
        let (depths, bases, later) = (HashMap::new(), HashSet::new(), Vec::new());
        Ok(Self { packs, reader, wishes, leaning, depths, bases, later, done: Repacked::default() })
    }

    /// Returns the segments in which something was kept in haste, and those that a crash left unsealed.
    fn sources(&mut self, active: u32) -> Result<BTreeSet<u32>, PackError> {
        let mut sources = BTreeSet::new();
        for segment in self.packs.segments()? {
            let mut members = self.packs.walk(segment, 0)?.filter_map(Result::ok);
            if members.any(|member| self.in_haste(segment, &member).is_some()) {
                sources.insert(segment);
            }
        }
        if !sources.is_empty() {
            let is_sealed = |segment: &u32| self.packs.path(*segment).with_extension("index").exists();
            sources
                .extend(self.packs.segments()?.into_iter().filter(|segment| *segment < active && !is_sealed(segment)));
        }
        Ok(sources)
    }

    fn fate(&mut self, segment: u32, member: &Member) -> Result<Fate, PackError> {
        if self.is_twice(segment, member)? {
            return Ok(Fate::Goes);
        }
        let Some(bytes) = self.in_haste(segment, member) else { return Ok(Fate::Stays) };
        let references = self.references(member.hash);
        let length = usize::try_from(member.stored_bytes).expect("it was read into memory");
        let Some(again) = lean_again(&bytes, length, references).map_err(PackError::Spool)? else {
            return Ok(Fate::Stays);
        };
        let Member { hash, size_bytes, .. } = *member;
        self.done.blobs += 1;
        self.done.bytes_before += member.stored_bytes;
        Ok(match again {
            Again::Plain(frame) => {
                let frame_bytes = u64::try_from(frame.len()).expect("a length fits in 64 bits");
                self.done.bytes_after += frame_bytes;
                let stored = Stored { hash, base: None, size_bytes, frame_bytes, crc32: crc32fast::hash(&frame) };
                Fate::Plain([stored.map(0), frame].concat())
            }
            Again::Leaning(leaning) => {
                self.done.bytes_after += u64::try_from(leaning.frame.len()).expect("a length fits in 64 bits");
                self.depths.insert(hash, leaning.depth);
                self.bases.insert(leaning.base);
                Fate::Leans(leaning)
            }
        })
    }

    /// Says whether a blob lies in a later segment too, whole.
    fn is_twice(&mut self, segment: u32, member: &Member) -> Result<bool, PackError> {
        for later in self.later.iter().filter(|later| **later > segment) {
            if let Some(again) = self.packs.find_in(*later, member.hash)? {
                return Ok(self.reader.check(*later, &again).is_ok());
            }
        }
        Ok(false)
    }

    /// Returns the bytes of a wished blob, when its frame is plain and made quickly. One that cannot be read stays as it is.
    fn in_haste(&mut self, segment: u32, member: &Member) -> Option<Vec<u8>> {
        let is_large = member.size_bytes.max(member.stored_bytes) > REFERENCE_BYTES_MAX;
        if member.base.is_some() || is_large || !self.wishes.contains_key(&member.hash) {
            return None;
        }
        let bytes = self.reader.read_member(segment, member).ok()?;
        let length = usize::try_from(member.stored_bytes).ok()?;
        is_quick(&bytes, length, self.references(member.hash)).ok()?.then_some(bytes)
    }

    /// Reads the blobs against which a wished one may be compressed.
    fn references(&self, blob: Hash) -> Vec<Reference> {
        let wished = self.wishes.get(&blob).into_iter().flatten();
        wished.filter_map(|hash| self.reference(blob, *hash)).collect()
    }

    /// Reads a blob against which another may be compressed: one that stays plain or nearly so.
    fn reference(&self, blob: Hash, hash: Hash) -> Option<Reference> {
        if hash == blob || self.bases.contains(&blob) {
            return None;
        }
        let mut reference = self.packs.shallow_reference(hash).ok()??;
        let depth = self.depths.get(&hash).copied().unwrap_or(reference.depth - 1) + 1;
        reference.depth = depth;
        let room = self.leaning.get(&blob).is_none_or(|shallowest| depth < *shallowest);
        (depth <= REPACKED_DEPTH_MAX && room).then_some(reference)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests leave what a crash leaves")]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::outside::archive::spool::Spooled;

    /// Three pages of one site and a later one of the second document.
    const PAGES: [usize; 4] = [0, 8, 16, 9];

    fn page(start: usize) -> Vec<u8> {
        let clause = |n: usize| format!("Clause {n}: {}\n", Hash::of(&n.to_be_bytes()));
        (start..start + 40).map(clause).collect::<String>().into_bytes()
    }

    fn name(start: usize) -> Hash {
        Hash::of(&page(start))
    }

    /// Keeps the first three in haste, and lets the last lean on the second, so deep as `depth` says.
    fn packs(folder: &Path, depth: Option<u64>) -> Packs {
        let packs = Packs::new(folder);
        let mut writer = PackWriter::open(&packs).unwrap();
        for start in &PAGES[..3] {
            writer.append(&Spooled::compressed(page(*start)).unwrap()).unwrap();
        }
        writer.seal().unwrap();
        let mut later = Spooled::compressed(page(9)).unwrap();
        let mut reference = packs.reference(name(8)).unwrap().unwrap();
        reference.depth = depth.unwrap_or(reference.depth);
        later.compress_against(&mut std::iter::once(Arc::new(reference))).unwrap();
        writer.append(&later).unwrap();
        writer.sync().unwrap();
        packs
    }

    fn wishes() -> Wishes {
        Wishes::from([
            (name(0), vec![]),
            (name(8), vec![name(0), Hash::of(b"absent")]),
            (name(16), vec![name(0), name(8)]),
            (Hash::of(b"absent"), vec![name(0)]),
        ])
    }

    /// Returns how deep a page lies, as who opens the packs anew finds it.
    fn depth(packs: &Packs, start: usize) -> u64 {
        Packs::new(packs.folder()).locate(name(start)).unwrap().1.depth()
    }

    fn is_readable(packs: &Packs) -> bool {
        PAGES.iter().all(|start| packs.read(name(*start)).unwrap() == page(*start))
    }

    #[test]
    fn what_was_kept_in_haste_is_smaller_once_and_reads_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path(), None);
        let mut writer = PackWriter::open(&packs).unwrap();
        let done = writer.repack(&wishes(), &|_| ()).unwrap();
        assert_eq!((depth(&packs, 0), depth(&packs, 8), depth(&packs, 16), depth(&packs, 9)), (0, 1, 2, 3));
        assert!(done.blobs >= 2 && done.bytes_after < done.bytes_before / 3 * 2, "{done:?}");
        assert!(is_readable(&packs));
        assert_eq!(writer.repack(&wishes(), &|_| ()).unwrap(), Repacked::default());
        writer.append(&Spooled::compressed(page(99)).unwrap()).unwrap();
        assert_eq!(packs.segments().unwrap(), [3]);
    }

    #[test]
    fn what_others_lean_on_without_room_stays_plain() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path(), Some(1));
        PackWriter::open(&packs).unwrap().repack(&wishes(), &|_| ()).unwrap();
        assert_eq!((depth(&packs, 0), depth(&packs, 8), depth(&packs, 9)), (0, 0, 1));
        assert!(is_readable(&packs));
    }

    #[test]
    fn members_of_before_and_after_go_together_and_are_not_kept_twice() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path(), None);
        let files = |packs: &Packs| -> Vec<(std::path::PathBuf, Vec<u8>)> {
            let paths = fs::read_dir(packs.folder()).unwrap().map(|entry| entry.unwrap().path());
            paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
        };
        let old = files(&packs);
        PackWriter::open(&packs).unwrap().repack(&wishes(), &|_| ()).unwrap();
        let new = files(&packs);
        for kept in 0..1_usize << old.len() {
            for (path, bytes) in old.iter().enumerate().filter(|(n, _)| kept >> n & 1 == 1).map(|(_, file)| file) {
                fs::write(path, bytes).unwrap();
            }
            let packs = Packs::new(folder.path());
            assert!(is_readable(&packs), "{kept}");
            let mut writer = PackWriter::open(&packs).unwrap();
            writer.repack(&wishes(), &|_| ()).unwrap();
            assert!(is_readable(&packs), "{kept}");
            let members = |segment: &u32| packs.walk(*segment, 0).unwrap().count();
            let count = packs.segments().unwrap().iter().map(members).sum::<usize>();
            assert!(count <= PAGES.len() + 1, "{kept}: {count} members");
            drop(writer);
            for entry in fs::read_dir(folder.path()).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
            for (path, bytes) in &new {
                fs::write(path, bytes).unwrap();
            }
        }
    }
}
