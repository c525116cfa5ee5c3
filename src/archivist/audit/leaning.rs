//! Blobs that are compressed against others: each decoded once, when its base is at hand.
//!
//! | quantity | unit             | range                                                                    |
//! |----------|------------------|--------------------------------------------------------------------------|
//! | memory   | bytes per blob   | some 150, for the way to it                                               |
//! | memory   | bytes per thread | [`CHAIN_BYTES_MAX`]: the bases between a plain blob and the one in hand   |
//!
//! Blobs that lean on one another, directly or not, form a tree with a plain blob at its root. Each thread takes a tree,
//! goes down it and keeps what is above it. What is in no such tree leans on something that is damaged or missing, or
//! in a circle.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::blobs::{Blobs, Failure, Held};

use crate::archivist::progress::Act;
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::outside::archive::members::MemberReader;
use crate::outside::archive::packs::{CHAIN_BYTES_MAX, Member, Packs};

/// A blob that leans on another.
pub(super) struct Leaning {
    pub(super) segment: u32,
    pub(super) member: Member,
    pub(super) base: Hash,
}

/// What leans on what.
struct Forest<'f> {
    packs: &'f Packs,
    /// Sorted by base.
    leaning: &'f [Leaning],
    /// Which of them were decoded or tried.
    tried: Vec<AtomicBool>,
    /// The plain blobs that any leans on: segment, offset and name.
    roots: Vec<(u32, u64, Hash)>,
    next: AtomicUsize,
    act: &'f dyn Act,
}

/// Checks every blob that leans on another, and returns those that are not what they say.
pub(super) fn check(
    packs: &Packs,
    leaning: &mut [Leaning],
    plain: &Blobs,
    threads: usize,
    act: &dyn Act,
) -> Vec<Failure> {
    leaning.sort_unstable_by_key(|leaning| leaning.base);
    let mut bases: Vec<Hash> = leaning.iter().map(|leaning| leaning.base).collect();
    bases.dedup();
    let root = |base: Hash| match plain.find(base) {
        Held::Whole { segment, offset } => Some((segment, offset, base)),
        Held::Damaged(_) | Held::Missing => None,
    };
    let roots = bases.into_iter().filter_map(root).collect();
    let tried = leaning.iter().map(|_| AtomicBool::new(false)).collect();
    let forest = Forest { packs, leaning, tried, roots, next: AtomicUsize::new(0), act };
    let mut failures: Vec<Failure> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| forest.trees())).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("decoding does not panic")).collect()
    });
    let untried = forest.leaning.iter().zip(&forest.tried).filter(|(_, tried)| !tried.load(Ordering::Relaxed));
    for (leaning, _) in untried {
        act.advance(leaning.member.end() - leaning.member.offset);
        failures.push(forest.cannot_lean(leaning, "which cannot be read"));
    }
    failures
}

/// A blob to decode, behind its base.
struct Step {
    leaning: usize,
    base: Rc<Vec<u8>>,
    base_depth: u64,
    bases_bytes: u64,
}

impl Forest<'_> {
    /// Takes trees until there are no more.
    fn trees(&self) -> Vec<Failure> {
        let mut failures = Vec::new();
        let Ok(mut reader) = MemberReader::new(self.packs) else { return failures };
        while let Some((segment, offset, hash)) = self.roots.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if let Ok(bytes) = reader.read(*segment, *offset, *hash) {
                self.tree(*hash, bytes, &mut reader, &mut failures);
            }
        }
        failures
    }

    fn tree(&self, root: Hash, bytes: Vec<u8>, reader: &mut MemberReader, failures: &mut Vec<Failure>) {
        let mut steps = Vec::new();
        self.lean_on(root, bytes, 0, 0, &mut steps);
        while let Some(Step { leaning: number, base, base_depth, bases_bytes }) = steps.pop() {
            if self.tried[number].swap(true, Ordering::Relaxed) {
                continue; // Its base lies in more than one place.
            }
            let leaning = &self.leaning[number];
            let Leaning { segment, member, .. } = leaning;
            self.act.advance(member.end() - member.offset);
            if member.depth() <= base_depth || bases_bytes > CHAIN_BYTES_MAX {
                failures.push(self.cannot_lean(leaning, "further away from a plain one than it may be"));
                continue;
            }
            match reader.read_against(*segment, member, &base) {
                Ok(bytes) => self.lean_on(member.hash, bytes, member.depth(), bases_bytes, &mut steps),
                Err(error) => {
                    let found = with_causes(&error);
                    failures.push(Failure { hash: member.hash, segment: *segment, offset: member.offset, found });
                }
            }
        }
    }

    /// Adds what leans on a blob to what is to be decoded.
    fn lean_on(&self, base: Hash, bytes: Vec<u8>, base_depth: u64, bases_bytes: u64, steps: &mut Vec<Step>) {
        let first = self.leaning.partition_point(|leaning| leaning.base < base);
        let count = self.leaning[first..].iter().take_while(|leaning| leaning.base == base).count();
        let bases_bytes = bases_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let base = Rc::new(bytes);
        steps.extend((first..first + count).map(|leaning| Step {
            leaning,
            base: base.clone(),
            base_depth,
            bases_bytes,
        }));
    }

    /// Says that a blob cannot be read for what it leans on.
    fn cannot_lean(&self, leaning: &Leaning, why: &str) -> Failure {
        let Leaning { segment, member: Member { hash, offset, .. }, base } = leaning;
        let path = self.packs.path(*segment);
        let found =
            format!("blob {hash} in `{}` at byte {offset} is compressed against blob {base}, {why}", path.display());
        Failure { hash: *hash, segment: *segment, offset: *offset, found }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::archivist::audit::course::{Course, Watch};
    use crate::archivist::audit::extent::Selection;
    use crate::archivist::audit::report::AuditReport;
    use crate::archivist::progress::Silent;
    use crate::outside::archive::packs::PackWriter;
    use crate::outside::archive::spool::Spooled;

    fn version(n: usize) -> Vec<u8> {
        let clause = |clause: usize| {
            format!("Clause {clause}: {}.\n", Hash::of(&(clause * 7 + (n * 8 + 50 - clause) / 50).to_be_bytes()))
        };
        (0..50).map(clause).collect::<String>().into_bytes()
    }

    /// Two chains of thirty and what leans on nothing.
    fn packs(folder: &std::path::Path) -> (Packs, Vec<Hash>) {
        let packs = Packs::new(folder);
        let mut writer = PackWriter::open(&packs).unwrap();
        let mut hashes: Vec<Hash> = Vec::new();
        for n in 0..60 {
            let mut blob = Spooled::compressed(version(n)).unwrap();
            if let Some(before) = hashes.len().checked_sub(2) {
                let before = packs.reference(hashes[before]).unwrap().map(Arc::new);
                blob.compress_against(&mut before.into_iter()).unwrap();
            }
            hashes.push(blob.hash);
            writer.append(&blob).unwrap();
        }
        writer.append(&Spooled::from_bytes(b"a record".to_vec())).unwrap();
        writer.sync().unwrap();
        (packs, hashes)
    }

    fn checked(packs: &Packs) -> Blobs {
        let watch = Watch::nobody();
        let mut course = Course::begin(&watch, "", "");
        Blobs::check(packs, &Selection::everything(), &mut course, &mut AuditReport::default(), &Silent)
    }

    #[test]
    fn a_damaged_base_costs_what_leans_on_it_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (packs, hashes) = packs(folder.path());
        let blobs = checked(&packs);
        assert_eq!(blobs.damaged().count(), 0);
        assert!(hashes.iter().all(|hash| matches!(blobs.find(*hash), Held::Whole { .. })));
        let members: Vec<Member> = packs.walk(1, 0).unwrap().map(Result::unwrap).collect();
        assert!(members.iter().filter(|member| member.base.is_some()).count() > 50);
        let whole = std::fs::read(packs.path(1)).unwrap();
        for damaged in [0, 1, 7, 59] {
            let mut bytes = whole.clone();
            bytes[usize::try_from(members[damaged].end()).unwrap() - 1] ^= 1;
            std::fs::write(packs.path(1), bytes).unwrap();
            let blobs = checked(&packs);
            for (n, hash) in hashes.iter().enumerate() {
                let read = packs.read(*hash);
                match blobs.find(*hash) {
                    Held::Whole { .. } => assert_eq!(read.ok(), Some(version(n)), "{damaged} {n}"),
                    Held::Damaged(found) if n == damaged => assert!(found.contains("damaged"), "{found}"),
                    Held::Damaged(found) => {
                        let base = members[n].base.unwrap().hash.to_string();
                        assert!(found.contains(&base) && found.contains(&hash.to_string()), "{found}");
                        assert!(read.is_err(), "{damaged} {n}");
                    }
                    Held::Missing => panic!("{damaged} {n}"),
                }
            }
            assert!(matches!(blobs.find(hashes[damaged]), Held::Damaged(_)), "{damaged}");
        }
    }

    #[test]
    fn a_missing_base_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (packs, hashes) = packs(folder.path());
        let members: Vec<Member> = packs.walk(1, 0).unwrap().map(Result::unwrap).collect();
        let whole = std::fs::read(packs.path(1)).unwrap();
        std::fs::write(packs.path(1), &whole[usize::try_from(members[0].end()).unwrap()..]).unwrap();
        std::fs::remove_file(packs.path(1).with_extension("rows")).unwrap();
        let blobs = checked(&packs);
        let leaning: Vec<&Member> =
            members.iter().filter(|leaning| leaning.base.is_some_and(|base| base.hash == hashes[0])).collect();
        assert!(!leaning.is_empty());
        for member in leaning {
            let Held::Damaged(found) = blobs.find(member.hash) else { panic!("its base is gone") };
            assert!(found.contains(&hashes[0].to_string()), "{found}");
        }
    }
}
