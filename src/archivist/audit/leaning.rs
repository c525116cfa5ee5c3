//! Blobs that are compressed against others: each decoded once, when its base is at hand.
//!
//! | quantity | unit             | range                                                                    |
//! |----------|------------------|--------------------------------------------------------------------------|
//! | memory   | bytes per blob   | some 150, for the way to it                                               |
//! | memory   | bytes per thread | [`CHAIN_BYTES_MAX`]: the bases between a plain blob and the one in hand   |
//!
//! Blobs of a segment that lean on one another form a tree; at its root is a plain blob, or one of an earlier segment. Each
//! thread takes a tree, goes down it and keeps what is above it. What is in no such tree leans on something that is damaged or missing, or
//! in a circle.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::failure::{Failure, has_moved};

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
    /// The first of those that lean on a blob that is not among them.
    roots: Vec<usize>,
    next: AtomicUsize,
    act: &'f dyn Act,
}

/// Checks blobs of one segment that lean on others, and returns those that are not what they say. What they lean on in
/// other segments is read for each tree.
pub(super) fn check(packs: &Packs, leaning: &mut [Leaning], threads: usize, act: &dyn Act) -> Vec<Failure> {
    leaning.sort_unstable_by_key(|leaning| leaning.base);
    let names: HashSet<Hash> = leaning.iter().map(|leaning| leaning.member.hash).collect();
    let is_first = |n: usize| n == 0 || leaning[n - 1].base != leaning[n].base;
    let roots = (0..leaning.len()).filter(|n| is_first(*n) && !names.contains(&leaning[*n].base)).collect();
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
    failures.retain(|failure| !has_moved(packs, failure.segment, failure.hash));
    failures
}

/// A blob that was decoded.
struct Decoded {
    hash: Hash,
    bytes: Vec<u8>,
    depth: u64,
    /// How many bytes those above it have.
    bases_bytes: u64,
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
        while let Some(first) = self.roots.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let Leaning { segment, member, base } = &self.leaning[*first];
            let Ok(bases) = self.packs.bases(*segment, member) else { continue };
            let Some(((at, root), above)) = bases.split_first() else { continue };
            let Ok(bytes) = reader.read_member(*at, root) else { continue };
            let bases_bytes = above.iter().map(|(_, above)| above.size_bytes).sum();
            let mut steps = Vec::new();
            self.lean_on(Decoded { hash: *base, bytes, depth: root.depth(), bases_bytes }, &mut steps);
            self.tree(steps, &mut reader, &mut failures);
        }
        failures
    }

    fn tree(&self, mut steps: Vec<Step>, reader: &mut MemberReader, failures: &mut Vec<Failure>) {
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
                Ok(bytes) => {
                    let decoded = Decoded { hash: member.hash, bytes, depth: member.depth(), bases_bytes };
                    self.lean_on(decoded, &mut steps);
                }
                Err(error) => {
                    let found = with_causes(&error);
                    failures.push(Failure { hash: member.hash, segment: *segment, offset: member.offset, found });
                }
            }
        }
    }

    /// Adds what leans on a blob to what is to be decoded.
    fn lean_on(&self, decoded: Decoded, steps: &mut Vec<Step>) {
        let Decoded { hash, bytes, depth: base_depth, bases_bytes } = decoded;
        let first = self.leaning.partition_point(|leaning| leaning.base < hash);
        let count = self.leaning[first..].iter().take_while(|leaning| leaning.base == hash).count();
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

    fn leaning(packs: &Packs) -> Vec<Leaning> {
        let leaning = |segment: u32, member: Member| Some(Leaning { segment, base: member.base?.hash, member });
        let segments = packs.segments().unwrap();
        let walk =
            |segment| packs.walk(segment, 0).unwrap().filter_map(move |member| leaning(segment, member.unwrap()));
        segments.into_iter().flat_map(walk).collect()
    }

    #[test]
    fn a_damaged_base_costs_what_leans_on_it_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (packs, hashes) = packs(folder.path());
        let members: Vec<Member> = packs.walk(1, 0).unwrap().map(Result::unwrap).collect();
        assert!(leaning(&packs).len() > 50);
        assert_eq!(check(&packs, &mut leaning(&packs), 2, &Silent).len(), 0);
        let whole = std::fs::read(packs.path(1)).unwrap();
        for damaged in [0, 1, 7, 59] {
            let mut bytes = whole.clone();
            bytes[usize::try_from(members[damaged].end()).unwrap() - 1] ^= 1;
            std::fs::write(packs.path(1), bytes).unwrap();
            let failures = check(&packs, &mut leaning(&packs), 2, &Silent);
            for (n, hash) in hashes.iter().enumerate() {
                let failure =
                    failures.iter().find(|failure| failure.hash == *hash).map(|failure| failure.found.as_str());
                let base = members[n].base.map(|base| base.hash.to_string());
                let is_as_it_should = match (failure, base) {
                    (None, base) => base.is_none() || packs.read(*hash).is_ok(),
                    (Some(found), _) if n == damaged => found.contains("is damaged"),
                    (Some(found), Some(base)) => found.contains(&base) && found.contains(&hash.to_string()),
                    (Some(_), None) => false,
                };
                assert!(is_as_it_should, "{damaged} {n}: {failure:?}");
                assert!(failure.is_none() || packs.read(*hash).is_err(), "{damaged} {n}");
            }
            assert!(!failures.is_empty(), "{damaged}");
        }
    }

    #[test]
    fn a_missing_base_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (packs, hashes) = packs(folder.path());
        let first = packs.member_at(1, 0).unwrap().unwrap();
        let whole = std::fs::read(packs.path(1)).unwrap();
        std::fs::write(packs.path(1), &whole[usize::try_from(first.end()).unwrap()..]).unwrap();
        std::fs::remove_file(packs.path(1).with_extension("rows")).unwrap();
        let failures = check(&packs, &mut leaning(&packs), 1, &Silent);
        let named = failures.iter().filter(|failure| failure.found.contains(&hashes[0].to_string()));
        assert!(named.count() > 0);
        assert!(failures.len() < 40, "the other chain is whole");
    }
}
