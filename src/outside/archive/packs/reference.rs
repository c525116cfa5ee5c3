//! References: which blobs a blob is compressed against, and how far that may go.
//!
//! | quantity              | unit   | range                                                                  |
//! |-----------------------|--------|------------------------------------------------------------------------|
//! | depth                 | frames | from 1 to [`super::DEPTH_MAX`]; a plain frame has none. Less than its dependants' |
//! | bases on the way      | bytes  | at most [`CHAIN_BYTES_MAX`] together                                   |
//! | a base, its dependant | bytes  | at most [`REFERENCE_BYTES_MAX`] each                                   |
//!
//! Because depth falls with every step, no pack can lead a reader in a circle.

use std::collections::HashSet;

use super::member::{Base, Member, REFERENCE_BYTES_MAX, Stored};
use super::near::Near;
use super::{PackError, Packs};

use crate::base::hash::Hash;
use crate::outside::archive::members::MemberReader;
use crate::outside::archive::plain;

/// How deep the writer goes. `cargo bench --bench storage` says what 5, 20 and 80 cost and gain.
pub const WRITTEN_DEPTH_MAX: u64 = 20;

/// How deep a plain blob comes to lie at most when it is packed again ([`super::repack`]). What leans on it was written
/// deeper than that, so that it stays as it is.
pub(super) const REPACKED_DEPTH_MAX: u64 = 2;

/// How many bytes the bases of a blob have together at most: zstd decodes as many in some three milliseconds.
pub const CHAIN_BYTES_MAX: u64 = 8 << 20;

/// How many of them the writer allows: when the plain one at the end is packed again, its own bases are added.
const WRITTEN_CHAIN_BYTES_MAX: u64 = CHAIN_BYTES_MAX - REPACKED_DEPTH_MAX * REFERENCE_BYTES_MAX;

/// A blob that others may be compressed against.
pub struct Reference {
    /// Its name.
    pub hash: Hash,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How deep a blob would be that leans on it.
    pub(in crate::outside::archive) depth: u64,
    /// What it leans on itself: the plain blob at the end, and the one next to it. What is as good a reference and less
    /// deep is the better one.
    pub(in crate::outside::archive) shallower: Vec<Reference>,
}

impl Packs {
    /// Reads a blob that another is to be compressed against. Where the blob lies too deep, the plain one that it leans
    /// on in the end stands in for it, so that a document's next key frame leans on its first. `None` for a blob that
    /// is not held or too large.
    ///
    /// # Errors
    /// When it is held and cannot be read.
    pub fn reference(&self, hash: Hash) -> Result<Option<Reference>, PackError> {
        self.reference_within(hash, WRITTEN_DEPTH_MAX)
    }

    /// Reads a blob that another is to be compressed against, which then lies `depth_max` deep at most.
    ///
    /// # Errors
    /// As [`Packs::reference`].
    pub fn reference_within(&self, hash: Hash, depth_max: u64) -> Result<Option<Reference>, PackError> {
        let Some((segment, member)) = self.find(hash)?.filter(|(_, member)| member.size_bytes <= REFERENCE_BYTES_MAX)
        else {
            return Ok(None);
        };
        let is_too_deep = member.depth() >= depth_max;
        let mut chain = MemberReader::new(self)?.read_chain(segment, member)?;
        let bytes: u64 = chain.iter().map(|(member, _)| member.size_bytes).sum();
        let of = |(member, bytes): (Member, Vec<u8>)| Reference {
            hash: member.hash,
            depth: member.depth().max(REPACKED_DEPTH_MAX) + 1,
            bytes,
            shallower: Vec::new(),
        };
        if is_too_deep || bytes > WRITTEN_CHAIN_BYTES_MAX {
            return Ok(Some(of(chain.swap_remove(0))));
        }
        let Some(mut reference) = chain.pop().map(of) else { return Ok(None) };
        let last = chain.len().saturating_sub(1);
        let offered = [0, 1, last / 2, last];
        let offered = chain.into_iter().enumerate().filter(|(n, _)| offered.contains(n)).map(|(_, base)| base);
        reference.shallower.extend(offered.map(of));
        Ok(Some(reference))
    }

    /// Reads a blob that one which is packed again may be compressed against: one that is plain or nearly so.
    pub(super) fn shallow_reference(&self, hash: Hash) -> Result<Option<Reference>, PackError> {
        let is_one = |member: &Member| member.size_bytes <= REFERENCE_BYTES_MAX && member.depth() < REPACKED_DEPTH_MAX;
        let Some((segment, member)) = self.find(hash)?.filter(|(_, member)| is_one(member)) else { return Ok(None) };
        let bytes = MemberReader::new(self)?.read_member(segment, &member)?;
        Ok(Some(Reference { hash, bytes, depth: member.depth() + 1, shallower: Vec::new() }))
    }

    /// Returns the members whose frames are decoded before that of `member`, the nearest first, the plain one last.
    ///
    /// # Errors
    /// [`PackError::Base`] when one is missing, [`PackError::Chain`] when it leads further than it may.
    pub fn bases(&self, segment: u32, member: &Member) -> Result<Vec<(u32, Member)>, PackError> {
        self.bases_near(segment, member, &mut Near::new(self))
    }

    /// Does the same, reading what lies around them with them.
    pub(in crate::outside::archive) fn bases_near(
        &self,
        segment: u32,
        member: &Member,
        near: &mut Near,
    ) -> Result<Vec<(u32, Member)>, PackError> {
        let mut bases = Vec::new();
        let mut bases_bytes = 0;
        let (mut at, mut leaning) = (segment, member.clone());
        while let Some(base) = leaning.base {
            let found = match self.find_base(at, leaning.offset, base, near) {
                Ok(found) => found,
                Err(source) => return Err(self.cannot_lean(at, &leaning, base.hash, source)),
            };
            bases_bytes += found.1.size_bytes;
            if found.1.depth() >= base.depth || bases_bytes > CHAIN_BYTES_MAX {
                let hash = leaning.hash;
                let base = base.hash;
                return Err(PackError::Chain { hash, path: self.path(at), base });
            }
            (at, leaning) = found.clone();
            bases.push(found);
        }
        Ok(bases)
    }

    /// Says that a blob cannot be read because its base cannot.
    pub(in crate::outside::archive) fn cannot_lean(
        &self,
        segment: u32,
        member: &Member,
        base: Hash,
        source: PackError,
    ) -> PackError {
        let (hash, offset, path) = (member.hash, member.offset, self.path(segment));
        PackError::Base { hash, path, offset, base, source: Box::new(source) }
    }

    /// Finds a base: where its dependant says, in the same segment, or anywhere.
    fn find_base(&self, segment: u32, offset: u64, base: Base, near: &mut Near) -> Result<(u32, Member), PackError> {
        let Base { hash, back, .. } = base;
        let said = back.and_then(|back| near.member(segment, offset.checked_sub(back)?));
        if let Some(member) = said.filter(|member| member.hash == hash) {
            return Ok((segment, member));
        }
        match self.find_in(segment, hash)? {
            Some(member) => Ok((segment, member)),
            None => self.find_to_read(hash),
        }
    }

    /// Returns the members that are compressed against one of `bases`, and so cannot be read without it. Those that
    /// lean on them in turn are not among them: they stay readable when these become plain ([`Packs::as_plain`]).
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn dependants(&self, bases: &HashSet<Hash>) -> Result<Vec<(u32, Member)>, PackError> {
        let mut found = Vec::new();
        for segment in self.segments()? {
            let leans = |member: &Member| member.base.is_some_and(|base| bases.contains(&base.hash));
            let members = self.walk(segment, 0)?.filter_map(Result::ok).filter(leans);
            found.extend(members.map(|member| (segment, member)));
        }
        Ok(found)
    }

    /// Returns a member anew, map and frame, as one that needs no other blob.
    ///
    /// # Errors
    /// As [`Packs::copy_member`], and [`PackError::TooLarge`] above [`REFERENCE_BYTES_MAX`]: what is larger is plain.
    #[expect(clippy::missing_panics_doc, reason = "a length fits in 64 bits")]
    pub fn as_plain(&self, segment: u32, member: &Member) -> Result<Vec<u8>, PackError> {
        let Member { hash, size_bytes, .. } = *member;
        if size_bytes > REFERENCE_BYTES_MAX {
            return Err(PackError::TooLarge { hash, size_bytes });
        }
        let blob = MemberReader::new(self)?.read_member(segment, member)?;
        let frame = plain::compress(&blob).map_err(PackError::Spool)?;
        let frame_bytes = u64::try_from(frame.len()).expect("a length fits in 64 bits");
        let stored = Stored { hash, base: None, size_bytes, frame_bytes, crc32: crc32fast::hash(&frame) };
        Ok([stored.map(0), frame].concat())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::super::DEPTH_MAX;
    use super::*;
    use crate::outside::archive::packs::PackWriter;
    use crate::outside::archive::spool::Spooled;

    /// How deep the first lies that leans on a plain one.
    const LEANING_DEPTH_MIN: u64 = REPACKED_DEPTH_MAX + 1;

    /// The version `n` of a text of which a little changes every time.
    fn version(n: usize) -> Vec<u8> {
        let clause = |clause: usize| {
            let changed = (n + 97 - clause) / 97;
            let word = Hash::of(&[clause.to_be_bytes(), changed.to_be_bytes()].concat());
            format!("Clause {clause}: you may use the service as {word} says, and not otherwise.\n")
        };
        (0..97).map(clause).collect::<String>().into_bytes()
    }

    struct Chain {
        folder: tempfile::TempDir,
        packs: Packs,
        hashes: Vec<Hash>,
    }

    /// Returns a blob as the reference that makes the deepest chain.
    fn deepest(packs: &Packs, hash: Hash) -> Arc<Reference> {
        let mut reference = packs.reference(hash).unwrap().unwrap();
        reference.shallower.clear();
        Arc::new(reference)
    }

    impl Chain {
        /// Appends versions, each compressed against the one before it, and seals after some of them.
        fn new(count: usize, sealed_after: &[usize]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let packs = Packs::new(folder.path());
            let mut writer = PackWriter::open(&packs).unwrap();
            let mut hashes: Vec<Hash> = Vec::new();
            for n in 0..count {
                let mut blob = Spooled::compressed(version(n)).unwrap();
                let reference = hashes.last().map(|before| deepest(&packs, *before));
                blob.compress_against(&mut reference.into_iter()).unwrap();
                hashes.push(blob.hash);
                writer.append(&blob).unwrap();
                let is_sealed = sealed_after.contains(&n);
                is_sealed.then(|| writer.sync().and_then(|()| writer.seal()).unwrap());
            }
            writer.sync().unwrap();
            Self { folder, packs, hashes }
        }

        fn members(&self) -> Vec<(u32, Member)> {
            let segments = self.packs.segments().unwrap();
            let walk = |segment| self.packs.walk(segment, 0).unwrap().map(move |member| (segment, member.unwrap()));
            segments.into_iter().flat_map(walk).collect()
        }

        /// Writes the only segment anew, its members' maps as `forge` makes them.
        fn forge(&self, forge: impl Fn(usize, &mut Stored)) {
            let old = fs::read(self.packs.path(1)).unwrap();
            let mut new = Vec::new();
            for (n, (_, member)) in self.members().into_iter().enumerate() {
                let Member { hash, base, size_bytes, stored_bytes: frame_bytes, crc32, .. } = member;
                let base = base.map(|base| Base { back: None, ..base });
                let mut stored = Stored { hash, base, size_bytes, frame_bytes, crc32 };
                forge(n, &mut stored);
                let (start, end) = (member.frame_offset.try_into().unwrap(), member.end().try_into().unwrap());
                new.extend([&stored.map(0), &old[start..end]].concat());
            }
            fs::write(self.packs.path(1), new).unwrap();
            let _ = fs::remove_file(self.packs.path(1).with_extension("rows"));
        }
    }

    #[test]
    fn reads_every_blob_of_a_chain_over_several_segments_at_bounded_depth() {
        let chain = Chain::new(120, &[0, 40, 41, 99]);
        let members = chain.members();
        assert_eq!(members.iter().map(|(segment, _)| *segment).max(), Some(5));
        for (n, hash) in chain.hashes.iter().enumerate() {
            assert_eq!(chain.packs.read(*hash).unwrap(), version(n), "{n}");
        }
        let depths: Vec<u64> = members.iter().map(|(_, member)| member.depth()).collect();
        let least = LEANING_DEPTH_MIN;
        assert_eq!(depths[..3], [0, least, least + 1]);
        let at_most = usize::try_from(WRITTEN_DEPTH_MAX - REPACKED_DEPTH_MAX).unwrap();
        let expected = [WRITTEN_DEPTH_MAX, least, least + 1];
        assert_eq!(depths[at_most..at_most + 3], expected, "the next key frame leans on the first");
        let stored: u64 = members.iter().map(|(_, member)| member.stored_bytes).sum();
        assert!(stored * 8 < 120 * members[0].1.stored_bytes, "{stored}");
        let back = |base: Base, member: &Member| base.back.map(|back| member.offset - back);
        let nearby = members.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[1].1.depth() > least);
        for pair in nearby {
            assert_eq!(back(pair[1].1.base.unwrap(), &pair[1].1), Some(pair[0].1.offset));
        }
        // Rows are derived: without any, each blob is found all the same.
        for segment in 1..=5 {
            let _ = fs::remove_file(chain.packs.path(segment).with_extension("index"));
            let _ = fs::remove_file(chain.packs.path(segment).with_extension("rows"));
        }
        assert_eq!(chain.packs.read(chain.hashes[60]).unwrap(), version(60));
    }

    #[test]
    fn leans_on_the_first_where_the_last_is_no_better() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        let mut before: Option<Hash> = None;
        for n in 0..30_u8 {
            let noisy = [version(0), format!("<!-- {} -->", Hash::of(&[n])).into_bytes()].concat();
            let mut blob = Spooled::compressed(noisy).unwrap();
            let reference = before.and_then(|before| packs.reference(before).unwrap()).map(Arc::new);
            blob.compress_against(&mut reference.into_iter()).unwrap();
            before = Some(blob.hash);
            writer.append(&blob).unwrap();
        }
        let depths = packs.walk(1, 0).unwrap().map(|member| member.unwrap().depth()).collect::<Vec<_>>();
        assert_eq!(depths, [vec![0], vec![LEANING_DEPTH_MIN; 29]].concat());
    }

    #[test]
    fn keeps_the_plain_frame_where_a_reference_does_not_help() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        let first = Spooled::compressed(version(0)).unwrap();
        writer.append(&first).unwrap();
        let reference = Arc::new(packs.reference(first.hash).unwrap().unwrap());
        let noise: Vec<u8> = (0..900_u32).flat_map(|n| *Hash::of(&n.to_be_bytes()).as_bytes()).collect();
        let large = version(1).repeat(1 + usize::try_from(REFERENCE_BYTES_MAX).unwrap() / version(1).len());
        for other in [noise, b"short".to_vec(), Vec::new(), large] {
            let mut blob = Spooled::compressed(other).unwrap();
            blob.compress_against(&mut [reference.clone()].into_iter()).unwrap();
            assert!(blob.leaning().is_none(), "{}", blob.size_bytes);
        }
        // The base must be held by the pack that its dependant goes to.
        let mut blob = Spooled::compressed(version(1)).unwrap();
        blob.compress_against(&mut [reference].into_iter()).unwrap();
        assert!(blob.leaning().is_some());
        let elsewhere = Packs::new(&folder.path().join("elsewhere"));
        PackWriter::open(&elsewhere).unwrap().append(&blob).unwrap();
        assert_eq!(elsewhere.read(blob.hash).unwrap(), version(1));
        assert_eq!(packs.reference(Hash::of(b"unknown")).unwrap().map(|found| found.hash), None);
    }

    #[test]
    fn a_damaged_base_is_named_with_what_leans_on_it() {
        let chain = Chain::new(4, &[]);
        let whole = fs::read(chain.packs.path(1)).unwrap();
        let damaged_one = &chain.members()[1].1;
        let (start, end) = (damaged_one.frame_offset, damaged_one.end());
        let mut named = 0;
        for bit in usize::try_from(start * 8).unwrap()..usize::try_from(end * 8).unwrap() {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(chain.packs.path(1), &damaged).unwrap();
            assert_eq!(chain.packs.read(chain.hashes[0]).unwrap(), version(0), "{bit}");
            assert!(matches!(chain.packs.read(chain.hashes[1]), Err(PackError::Damaged { .. })), "{bit}");
            let found = chain.packs.read(chain.hashes[3]).map(drop);
            match found {
                Err(PackError::Base { hash, base, .. }) => {
                    assert_eq!((hash, base), (chain.hashes[3], chain.hashes[1]), "{bit}");
                    named += 1;
                }
                other => panic!("{bit}: {other:?}"),
            }
        }
        assert!(named > 100);
    }

    #[test]
    fn a_missing_base_is_named() {
        let chain = Chain::new(3, &[0]);
        fs::remove_file(chain.packs.path(1)).unwrap();
        let error = chain.packs.read(chain.hashes[2]).unwrap_err();
        let PackError::Base { hash, base, source, .. } = error else { panic!("{error:?}") };
        assert_eq!((hash, base), (chain.hashes[1], chain.hashes[0]));
        assert!(matches!(*source, PackError::Missing { .. }));
    }

    #[test]
    fn refuses_loops_and_chains_that_lead_too_far() {
        let lean = |stored: &mut Stored, hash, depth| stored.base = Some(Base { hash, depth, back: None });
        // On itself, and two on one another.
        for other in [1, 2] {
            let chain = Chain::new(3, &[]);
            chain.forge(|n, stored| match n {
                1 => lean(stored, chain.hashes[other], 7),
                2 => lean(stored, chain.hashes[1], 7),
                _ => {}
            });
            for n in [1, 2] {
                let read = chain.packs.read(chain.hashes[n]).map(drop);
                assert!(matches!(read, Err(PackError::Chain { .. })), "{other} {n}: {read:?}");
            }
            assert!(chain.packs.reference(chain.hashes[2]).is_err());
            assert!(chain.packs.read(chain.hashes[0]).is_ok());
        }
        // As deep as its base.
        let chain = Chain::new(3, &[]);
        chain.forge(|n, stored| {
            if n == 2 {
                lean(stored, chain.hashes[1], 1);
            }
        });
        assert!(matches!(chain.packs.read(chain.hashes[2]), Err(PackError::Chain { .. })));
        // Deeper than anything may be, or not deep at all, or larger than a dependant may be: no member.
        for depth in [0, DEPTH_MAX + 1, u64::MAX] {
            let chain = Chain::new(3, &[]);
            chain.forge(|n, stored| lean(stored, chain.hashes[1], if n == 2 { depth } else { 1 }));
            assert!(matches!(chain.packs.read(chain.hashes[2]), Err(PackError::Missing { .. })), "{depth}");
        }
        let chain = Chain::new(3, &[]);
        chain.forge(|n, stored| {
            if n == 2 {
                stored.size_bytes = REFERENCE_BYTES_MAX + 1;
            }
        });
        assert!(matches!(chain.packs.read(chain.hashes[2]), Err(PackError::Missing { .. })));
        // More bytes on the way than may be.
        let chain = Chain::new(12, &[]);
        chain.forge(|_, stored| stored.size_bytes = REFERENCE_BYTES_MAX);
        let error = chain.packs.read(chain.hashes[11]).unwrap_err();
        assert!(matches!(error, PackError::Chain { .. }), "{error:?}");
        // A place that is said wrongly costs a search.
        let chain = Chain::new(3, &[]);
        chain.forge(|_, stored| {
            if let Some(base) = &mut stored.base {
                base.back = Some(3);
            }
        });
        assert_eq!(chain.packs.read(chain.hashes[2]).unwrap(), version(2));
    }

    #[test]
    fn a_base_can_be_erased_once_its_dependants_are_plain() {
        let chain = Chain::new(5, &[1]);
        let erased = HashSet::from([chain.hashes[1]]);
        let dependants = chain.packs.dependants(&erased).unwrap();
        assert_eq!(dependants.iter().map(|(_, member)| member.hash).collect::<Vec<_>>(), [chain.hashes[2]]);
        let rewrite = |(segment, member): &(u32, Member)| match member.hash {
            hash if hash == chain.hashes[1] => Vec::new(),
            hash if hash == chain.hashes[2] => chain.packs.as_plain(*segment, member).unwrap(),
            _ => {
                let bytes = fs::read(chain.packs.path(*segment)).unwrap();
                bytes[member.offset.try_into().unwrap()..member.end().try_into().unwrap()].to_vec()
            }
        };
        let rewritten: Vec<u8> = chain.members().iter().flat_map(rewrite).collect();
        let packs = Packs::new(&chain.folder.path().join("rewritten"));
        fs::create_dir(chain.folder.path().join("rewritten")).unwrap();
        fs::write(packs.path(1), rewritten).unwrap();
        assert!(matches!(packs.read(chain.hashes[1]), Err(PackError::Missing { .. })));
        for n in [0, 2, 3, 4] {
            assert_eq!(packs.read(chain.hashes[n]).unwrap(), version(n), "{n}");
        }
    }
}
