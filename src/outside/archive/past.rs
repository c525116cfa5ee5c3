//! Past: what the log says of one document, newest first.
//!
//! | part              | bytes      | what                                                                          |
//! |-------------------|------------|-------------------------------------------------------------------------------|
//! | head              | 48         | the newest capture: index, sequence, SHA-256 of its statement; index 0 for none |
//! | count             | 1          | how many likenesses follow                                                    |
//! | likenesses        | 41 each    | the newest capture with one outcome: outcome, index, likeness                 |
//! | count, pages      | 1, 32 each | the newest pages, newest first                                                |
//! | count, texts      | 1, 32 each | the newest texts, newest first                                                |
//!
//! Integers are big-endian. An append asks for a document half a dozen times and changes most of this: it is decoded
//! once, changed in memory, and written with many others ([`super::pasts`]).

use crate::base::hash::Hash;
use crate::document::outcome::OutcomeKind;

/// How many of a document's own pages and texts are remembered: pages that come in two or three variants find their own.
pub(super) const OWN_COUNT_MAX: usize = 3;

/// How many bytes a past has at most.
pub(super) const PAST_BYTES_MAX: usize =
    HEAD_BYTES + 1 + OutcomeKind::ALL.len() * LIKENESS_BYTES + 2 * (1 + OWN_COUNT_MAX * Hash::SIZE_BYTES);

const HEAD_BYTES: usize = 16 + Hash::SIZE_BYTES;
const LIKENESS_BYTES: usize = 9 + Hash::SIZE_BYTES;

/// What the log says of a document, newest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Past {
    /// The newest capture.
    pub(super) head: Option<Head>,
    /// For each outcome in the order of [`OutcomeKind::ALL`] the newest capture with it, and what it is like.
    pub(super) newest: [Option<(u64, Hash)>; OutcomeKind::ALL.len()],
    /// The newest pages.
    pub(super) pages: Newest,
    /// The newest texts.
    pub(super) texts: Newest,
}

/// The newest blobs of one part, newest first, each once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Newest([Option<Hash>; OWN_COUNT_MAX]);

impl Newest {
    /// Returns them, newest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Hash> {
        self.0.iter().flatten().copied()
    }

    /// Puts a blob before the others.
    pub(super) fn add(&mut self, blob: Hash) {
        let others = self.0.into_iter().flatten().filter(|known| *known != blob);
        let mut kept = std::iter::once(blob).chain(others);
        self.0 = std::array::from_fn(|_| kept.next());
    }
}

/// The newest capture in a document's history.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// Its index in the log.
    pub index: u64,
    /// Its place in the document's history, from 1.
    pub sequence: u64,
    /// SHA-256 of its statement.
    pub statement: Hash,
}

impl Past {
    /// Writes the past behind what `bytes` hold.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        let head = self.head.unwrap_or(Head { index: 0, sequence: 0, statement: Hash::from_bytes([0; 32]) });
        bytes.extend(head.index.to_be_bytes());
        bytes.extend(head.sequence.to_be_bytes());
        bytes.extend(head.statement.as_bytes());
        let newest = (0_u8..).zip(self.newest).filter_map(|(outcome, newest)| Some((outcome, newest?)));
        bytes.push(self.newest.iter().flatten().fold(0, |count, _| count + 1));
        for (outcome, (index, likeness)) in newest {
            bytes.push(outcome);
            bytes.extend(index.to_be_bytes());
            bytes.extend(likeness.as_bytes());
        }
        for blobs in [&self.pages, &self.texts] {
            bytes.push(blobs.iter().fold(0, |count, _| count + 1));
            blobs.iter().for_each(|blob| bytes.extend(blob.as_bytes()));
        }
    }

    /// Reads the past with which `bytes` begin, and returns the bytes behind it.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut rest = Rest(bytes);
        let head = Head { index: rest.number()?, sequence: rest.number()?, statement: rest.hash()? };
        let mut past = Self { head: (head.index > 0).then_some(head), ..Self::default() };
        for _ in 0..rest.byte()? {
            let newest = past.newest.get_mut(usize::from(rest.byte()?))?;
            *newest = Some((rest.number()?, rest.hash()?));
        }
        past.pages = rest.newest()?;
        past.texts = rest.newest()?;
        Some((past, rest.0))
    }
}

/// What of a past is not read yet.
struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    fn take<const COUNT: usize>(&mut self) -> Option<[u8; COUNT]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn hash(&mut self) -> Option<Hash> {
        self.take().map(Hash::from_bytes)
    }

    fn newest(&mut self) -> Option<Newest> {
        let mut newest = Newest::default();
        for place in newest.0.get_mut(..usize::from(self.byte()?))? {
            *place = Some(self.hash()?);
        }
        Some(newest)
    }
}

/// Reads the number that stands in a value of the index.
pub(super) fn number(value: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(value.get(at..at + 8)?.try_into().ok()?))
}

/// Reads the hash that stands in a value of the index.
pub(super) fn hash(value: &[u8], at: usize) -> Option<Hash> {
    Hash::from_slice(value.get(at..at + Hash::SIZE_BYTES)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> Hash {
        Hash::of(&[n])
    }

    fn past() -> Past {
        let head = Head { index: 7, sequence: 2, statement: hash(1) };
        let newest = [Some((7, hash(2))), None, Some((u64::MAX, hash(3))), None];
        let mut past = Past { head: Some(head), newest, ..Past::default() };
        for n in [4, 5, 6, 7, 5] {
            past.pages.add(hash(n));
        }
        past.texts.add(hash(8));
        past
    }

    #[test]
    fn the_newest_stand_first_and_each_once() {
        let past = past();
        assert_eq!(past.pages.iter().collect::<Vec<_>>(), [hash(5), hash(7), hash(6)]);
        assert_eq!(past.texts.iter().collect::<Vec<_>>(), [hash(8)]);
    }

    #[test]
    fn a_past_is_read_back_and_every_shorter_one_refused() {
        let mut largest = past();
        largest.newest = [Some((7, hash(2))); OutcomeKind::ALL.len()];
        (0..9).for_each(|n| largest.texts.add(hash(n)));
        for past in [past(), Past::default(), largest.clone()] {
            let mut bytes = Vec::new();
            past.encode(&mut bytes);
            assert_eq!(Past::decode(&bytes), Some((past.clone(), &[][..])));
            assert!((0..bytes.len()).all(|length| Past::decode(&bytes[..length]).is_none()));
            assert_eq!(bytes.len() == PAST_BYTES_MAX, past == largest);
            bytes.push(9);
            assert_eq!(Past::decode(&bytes), Some((past, &[9][..])));
        }
    }
}
