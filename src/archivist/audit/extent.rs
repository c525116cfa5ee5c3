//! Extent: how much of an archive an audit looks at, and what it says of the rest.
//!
//! Whatever the extent, every tile and statement is hashed and the root computed: the tree is small beside the blobs. With
//! *since*, records and blobs of earlier entries are passed over. With *sample*, some of the blobs are read and hashed,
//! chosen by SHA-256 over the seed and the blob's name, so that the same seed chooses the same ones anywhere; records are
//! all read. One damaged blob among `total`, of which `looked` were read, is missed with a chance of
//! `(total − looked) / total`, and `k` of them with that to the power of `k`.

use std::collections::HashSet;

use super::report::AuditReport;

use crate::archivist::read::Log;
use crate::base::hash::Hash;
use crate::outside::archive::Archive;
use crate::outside::archive::packs::{Member, Packs};

/// How many parts a share is counted in.
pub const PARTS: u64 = 1_000_000;

/// How much of an archive is looked at.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extent {
    /// The first entry whose record and blobs are looked at.
    pub since: u64,
    /// Which of the blobs are; all of them when nothing is said.
    pub sample: Option<Sample>,
}

/// Some of the blobs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sample {
    /// How many.
    pub share: Share,
    /// What chooses them.
    pub seed: u64,
}

/// How many blobs are chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Share {
    /// So many.
    Count(u64),
    /// So many of a million.
    Parts(u64),
}

impl Extent {
    /// Says whether everything is looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the extent in a line, by which an audit that is resumed knows its like.
    #[must_use]
    pub fn words(&self) -> String {
        let sample = match self.sample {
            None => "all".to_owned(),
            Some(Sample { share: Share::Count(count), seed }) => format!("{count} by seed {seed}"),
            Some(Sample { share: Share::Parts(parts), seed }) => format!("{parts} of {PARTS} by seed {seed}"),
        };
        format!("since {}, blobs {sample}", self.since)
    }
}

/// Which members are read.
pub(super) struct Selection {
    sample: Option<(u64, u64)>,
    wanted: Option<HashSet<Hash>>,
}

impl Selection {
    /// Finds out which members an extent reads.
    pub(super) fn of(extent: &Extent, archive: &Archive, size: u64, report: &mut AuditReport) -> Self {
        let sample = extent.sample.map(|Sample { share, seed }| (seed, threshold(share, seed, archive.packs())));
        let wanted = (extent.since > 0).then(|| wanted(archive, extent.since, size, report));
        Self { sample, wanted }
    }

    pub(super) fn takes(&self, member: &Member) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.contains(&member.hash))
            && self.sample.is_none_or(|(seed, threshold)| rank(seed, member.hash) < threshold)
    }
}

/// Returns the blobs that entries from `since` on name.
fn wanted(archive: &Archive, since: u64, size: u64, report: &mut AuditReport) -> HashSet<Hash> {
    let log = Log::at(archive, size);
    let mut wanted = HashSet::new();
    for index in since..size {
        match log.entry(index) {
            Ok(entry) => {
                wanted.insert(entry.record_sha256());
                wanted.extend(entry.record.body.visit().map(crate::evidence::record::Visit::blobs).unwrap_or_default());
            }
            // What is wrong with it is said when the entries are checked.
            Err(_) => report.note(format!("entry {index} cannot be read here, so that its blobs are not looked at")),
        }
    }
    wanted
}

/// A blob's place in the order of a seed.
fn rank(seed: u64, blob: Hash) -> u64 {
    let hash = Hash::of_parts(&[&seed.to_be_bytes(), blob.as_bytes()]);
    u64::from_be_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes"))
}

/// Returns the rank below which a blob is chosen.
fn threshold(share: Share, seed: u64, packs: &Packs) -> u64 {
    let count = match share {
        Share::Parts(parts) => {
            let threshold = u128::from(parts.min(PARTS)) * u128::from(u64::MAX) / u128::from(PARTS);
            return u64::try_from(threshold).expect("at most the largest");
        }
        Share::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    let members = |segment: u32| packs.walk(segment, 0).into_iter().flatten().filter_map(Result::ok);
    let segments = packs.segments().unwrap_or_default().into_iter();
    let mut ranks: Vec<u64> = segments.flat_map(members).map(|member| rank(seed, member.hash)).collect();
    if count >= ranks.len() {
        return u64::MAX;
    }
    *ranks.select_nth_unstable(count).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::archive::packs::PackWriter;
    use crate::outside::archive::spool::Spooled;

    #[test]
    fn a_seed_chooses_the_same_blobs_and_as_many_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        for n in 0..200 {
            writer.append(&Spooled::from_bytes(format!("{n}").into_bytes())).unwrap();
        }
        writer.sync().unwrap();
        let members: Vec<Member> = packs.walk(1, 0).unwrap().map(Result::unwrap).collect();
        let chosen = |share, seed| {
            let selection = Selection { sample: Some((seed, threshold(share, seed, &packs))), wanted: None };
            members.iter().filter(|member| selection.takes(member)).map(|member| member.hash).collect::<Vec<_>>()
        };
        for count in [0, 1, 17, 199, 200, 5000] {
            assert_eq!(chosen(Share::Count(count), 7).len(), usize::try_from(count.min(200)).unwrap(), "{count}");
        }
        assert_eq!(chosen(Share::Count(20), 7), chosen(Share::Count(20), 7));
        assert_ne!(chosen(Share::Count(20), 7), chosen(Share::Count(20), 8));
        assert_eq!(chosen(Share::Parts(PARTS), 1).len(), 200);
        assert!((60..140).contains(&chosen(Share::Parts(PARTS / 2), 1).len()));
    }
}
