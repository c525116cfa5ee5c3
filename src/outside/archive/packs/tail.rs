//! Tails: members as a journal holds them, before they are put in their place.
//!
//! Whoever wants to know what a journal will put right reads a blob from the journal's own bytes, and hashes it as any other.

use std::collections::HashMap;
use std::io::Cursor;

use super::member::read_member;
use super::{Member, PackError, Packs};

use crate::base::hash::Hash;
use crate::log::journal::PackTail;
use crate::outside::archive::members::decode;

/// The members that a journal holds.
pub struct TailMembers<'t> {
    packs: &'t Packs,
    held: HashMap<Hash, (Member, &'t [u8])>,
}

impl<'t> TailMembers<'t> {
    /// Finds the members of tails, in the order in which they are to be written.
    ///
    /// # Errors
    /// [`PackError::Gap`] when a pack ends before its tail begins, or when a pack cannot be asked how long it is.
    pub fn of(packs: &'t Packs, tails: impl Iterator<Item = &'t PackTail>) -> Result<Self, PackError> {
        let (mut held, mut ends) = (HashMap::new(), HashMap::new());
        for tail in tails {
            let length = length_of(&tail.bytes);
            let standing = packs.length(tail.segment)?;
            let end = ends.entry(tail.segment).or_insert(standing);
            if *end < tail.offset {
                return Err(PackError::Gap { path: packs.path(tail.segment), offset: tail.offset });
            }
            *end = (*end).max(tail.offset.saturating_add(length));
            let mut offset = 0;
            while let Some(member) = read_member(&mut Cursor::new(&tail.bytes), offset, length) {
                offset = member.end();
                let place = usize::try_from(member.frame_offset).ok().zip(usize::try_from(offset).ok());
                let frame = place.and_then(|(start, end)| tail.bytes.get(start..end));
                held.extend(frame.map(|frame| (member.hash, (member, frame))));
            }
        }
        Ok(Self { packs, held })
    }

    /// Reads a blob that will be whole once the tails are in their place; nothing when they do not have it.
    #[must_use]
    pub fn read(&self, hash: Hash) -> Option<Vec<u8>> {
        let (member, frame) = self.held.get(&hash)?;
        let base = match member.base {
            None => None,
            // Less with every step, so that no circle is gone round.
            Some(base) => match self.held.get(&base.hash) {
                Some((below, _)) if below.depth() >= base.depth => return None,
                Some(_) => Some(self.read(base.hash)?),
                None => Some(self.packs.read(base.hash).ok()?),
            },
        };
        let blob = decode(frame, base.as_deref(), member.size_bytes).ok()?;
        let is_whole = crc32fast::hash(frame) == member.crc32
            && length_of(&blob) == member.size_bytes
            && Hash::of(&blob) == member.hash;
        is_whole.then_some(blob)
    }
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a length fits in 64 bits")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests cut files off")]
mod tests {
    use std::sync::Arc;

    use super::super::PackWriter;
    use super::*;
    use crate::outside::archive::spool::Spooled;

    fn text(n: usize) -> Vec<u8> {
        let clause = |clause| format!("Clause {clause} as of {}.\n", (n + 60 - clause) / 60);
        (0..60).map(clause).collect::<Vec<_>>().concat().into()
    }

    #[test]
    fn gives_what_replaying_would_make_whole_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(folder.path());
        let mut writer = PackWriter::open(&packs).unwrap();
        writer.append(&Spooled::from_bytes(text(0))).unwrap();
        writer.take_tail().unwrap();
        let mut leaning = Spooled::compressed(text(1)).unwrap();
        let reference = packs.reference(Hash::of(&text(0))).unwrap().map(Arc::new);
        leaning.compress_against(&mut reference.into_iter()).unwrap();
        writer.append(&leaning).unwrap();
        writer.append(&Spooled::from_bytes(b"plain".to_vec())).unwrap();
        let tail = writer.take_tail().unwrap().unwrap();
        drop(writer);
        let whole = std::fs::read(packs.path(1)).unwrap();
        let (base, plain) = (Hash::of(&text(0)), Hash::of(b"plain"));
        let tails = || std::iter::once(&tail);
        let members = TailMembers::of(&packs, tails()).unwrap();
        assert_eq!(members.read(leaning.hash).unwrap(), text(1));
        assert_eq!(members.read(plain).unwrap(), b"plain");
        assert_eq!(members.read(base), None, "it was durable before");
        // Where its base is damaged, it is not whole though its bytes are there.
        let mut damaged = whole.clone();
        damaged[usize::try_from(tail.offset).unwrap() - 1] ^= 1;
        std::fs::write(packs.path(1), &damaged).unwrap();
        assert!(packs.member_at(1, tail.offset).unwrap().unwrap().base.is_some(), "it leans on another");
        let members = TailMembers::of(&packs, tails()).unwrap();
        assert_eq!(members.read(leaning.hash), None);
        assert_eq!(members.read(plain).unwrap(), b"plain");
        std::fs::write(packs.path(1), &whole[..usize::try_from(tail.offset).unwrap() - 1]).unwrap();
        assert!(matches!(TailMembers::of(&packs, tails()), Err(PackError::Gap { .. })));
        // A journal that says a blob's name over other bytes has nothing of it.
        std::fs::write(packs.path(1), &whole).unwrap();
        let mut forged = tail.clone();
        let last = forged.bytes.len() - 1;
        forged.bytes[last] ^= 1;
        assert_eq!(TailMembers::of(&packs, std::iter::once(&forged)).unwrap().read(plain), None);
    }
}
