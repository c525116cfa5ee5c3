//! The format of a journal: what was committed to an archive and may not be durable in its place yet.
//!
//! A publication changes a dozen small files. To wait for each of them costs ten times what one wait costs, so all
//! that a publication adds is appended to one file, `archive/journal`, and waited for there. The places are written
//! too, for readers, but nobody waits for them until the journal is long or the writer ends. Then they are all made
//! durable and the journal is removed: an archive that rests has none.
//!
//! ```text
//! magic    16 bytes, "affiant journal\n"
//! frame    the base
//! frame    a commit, as often as there are any
//! rest     zeros, or what is left of an earlier journal
//! ```
//!
//! A frame is a SHA-256, a length as four bytes, the high one first, and a CBOR map of that length. The SHA-256 is
//! over the one of the frame before (of the base: over the magic) and the map. So a frame can be read at one place of
//! one journal only, and what is left of an earlier one never passes for it.
//!
//! | map    | field        | type  | what                                                                      |
//! |--------|--------------|-------|---------------------------------------------------------------------------|
//! | base   | `v`          | uint  | 1                                                                         |
//! |        | `size`       | uint  | how many entries the log has that is durable in its place                 |
//! |        | `root`       | hash  | its root                                                                  |
//! | commit | `root`       | hash  | the root of the log with this commit                                      |
//! |        | `statements` | array | the statements it adds, as bytes: one or more                             |
//! |        | `pack`       | map   | absent when the blobs were long and are durable in their pack: `segment`, `offset`, `bytes` |
//!
//! Entries and tiles are not in it: they follow from the statements. Nor is a signature: whoever replays a commit
//! signs its tree again, and a tree signed twice is one tree.
//!
//! | quantity | unit       | range                                                                       |
//! |----------|------------|-----------------------------------------------------------------------------|
//! | journal  | bytes      | at most [`BYTES_MAX`]                                                       |
//! | commit   | statements | 1 … [`STATEMENT_COUNT_MAX`]                                                 |
//!
//! To replay:
//! 1. Read the base, then commits until one's SHA-256 is not right. What follows is a commit that a crash cut short:
//!    it was not acknowledged. A journal whose base cannot be read holds nothing.
//! 2. If the published checkpoint covers more than the last commit, the journal is older than the archive: pass it over.
//! 3. Take up the log at the base, and compare its root.
//! 4. Of each commit, write the pack's bytes at their offset, append the statements, and compare the root.
//! 5. Write the tiles, sign the tree, publish it, make everything durable, remove the journal.
//!
//! All of it may be done twice: the bytes are the same. `outside/archive/writer` does it, and says what a crash leaves.
//! Pure: where the file lies and when it is written is for `outside/archive/journal`.

use crate::base::cbor::{self, CborError, Value};
use crate::base::hash::Hash;

/// The longest journal that is written or read: one commit of a million statements.
pub const BYTES_MAX: u64 = 1 << 30;

/// The most statements of one commit: fewer than the values that one CBOR encoding may hold.
pub const STATEMENT_COUNT_MAX: usize = 1_000_000;

/// What a journal begins with.
pub const MAGIC: &[u8; 16] = b"affiant journal\n";

const HEAD_BYTES: usize = Hash::SIZE_BYTES + 4;
const VERSION: u64 = 1;

/// The log that was durable in its place when a journal began.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Base {
    /// How many entries it has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// What one publication adds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Commit {
    /// The root of the log with it.
    pub root: Hash,
    /// The statements.
    pub statements: Vec<Vec<u8>>,
    /// What it adds to a pack, unless that is durable there.
    pub pack: Option<PackTail>,
}

/// Bytes at the end of a pack.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PackTail {
    /// The pack's number.
    pub segment: u32,
    /// Where they begin.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A journal as it was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Where it begins.
    pub base: Base,
    /// What was committed since.
    pub commits: Vec<Commit>,
    /// How many bytes all that has; what follows is no commit.
    pub end: usize,
}

impl Found {
    /// Reads a journal.
    ///
    /// # Errors
    /// A [`JournalError`] when the base cannot be read: such a journal holds nothing. A commit that cannot be read ends
    /// the journal and is no error, unless its SHA-256 is right.
    pub fn parse(bytes: &[u8]) -> Result<Self, JournalError> {
        let frames = bytes.strip_prefix(MAGIC).ok_or(JournalError::NotJournal)?;
        let (map, mut above, mut rest) = split_frame(frames, Hash::of(MAGIC)).ok_or(JournalError::NoBase)?;
        let at = |rest: &[u8]| bytes.len() - rest.len();
        let base = read_base(map).map_err(|reason| JournalError::Frame { at: MAGIC.len(), reason })?;
        let mut commits = Vec::new();
        while let Some((map, digest, after)) = split_frame(rest, above) {
            commits.push(read_commit(map).map_err(|reason| JournalError::Frame { at: at(rest), reason })?);
            (above, rest) = (digest, after);
        }
        Ok(Self { base, commits, end: at(rest) })
    }

    /// Returns how many entries the log has with all commits.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.commits.iter().fold(self.base.size, |size, commit| size.saturating_add(commit.count()))
    }

    /// Returns the root of that log.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.commits.last().map_or(self.base.root, |commit| commit.root)
    }
}

impl Commit {
    /// Returns how many entries it adds.
    #[must_use]
    pub fn count(&self) -> u64 {
        u64::try_from(self.statements.len()).unwrap_or(u64::MAX)
    }

    /// Writes the map of a commit.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let statements = self.statements.iter().map(|statement| Value::Bytes(statement.clone())).collect();
        let pack = self.pack.as_ref().map(|tail| {
            let fields = [
                ("segment", Value::from(u64::from(tail.segment))),
                ("offset", Value::from(tail.offset)),
                ("bytes", Value::Bytes(tail.bytes.clone())),
            ];
            ("pack", Value::map(fields))
        });
        let fields = [("root", Value::from(self.root)), ("statements", Value::Array(statements))];
        cbor::encode(&Value::map(fields.into_iter().chain(pack)))
    }
}

/// Writes a journal: its base, then commits.
///
/// It is what [`Found::parse`] reads, for tests of both.
#[must_use]
pub fn encode(base: Base, commits: &[Commit]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let mut above = push_frame(&mut bytes, Hash::of(MAGIC), &encode_base(base));
    for commit in commits {
        above = push_frame(&mut bytes, above, &commit.encode());
    }
    bytes
}

/// Writes the map of a base.
#[must_use]
pub fn encode_base(base: Base) -> Vec<u8> {
    let fields = [("v", Value::from(VERSION)), ("size", Value::from(base.size)), ("root", Value::from(base.root))];
    cbor::encode(&Value::map(fields))
}

/// Appends a frame behind the one with the SHA-256 `above`, and returns its own.
///
/// # Panics
/// For a map of 4 GiB, four times the longest journal.
pub fn push_frame(bytes: &mut Vec<u8>, above: Hash, map: &[u8]) -> Hash {
    let digest = Hash::of_parts(&[above.as_bytes(), map]);
    bytes.extend_from_slice(digest.as_bytes());
    bytes.extend_from_slice(&u32::try_from(map.len()).expect("a commit is within the limit").to_be_bytes());
    bytes.extend_from_slice(map);
    digest
}

/// Splits off a frame whose SHA-256 is right: its map, its SHA-256, and what follows.
fn split_frame(bytes: &[u8], above: Hash) -> Option<(&[u8], Hash, &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let (digest, length) = head.split_at(Hash::SIZE_BYTES);
    let length = u32::from_be_bytes(length.try_into().ok()?);
    let (map, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let computed = Hash::of_parts(&[above.as_bytes(), map]);
    (computed.as_bytes() == digest).then_some((map, computed, rest))
}

fn read_base(map: &[u8]) -> Result<Base, FrameError> {
    let fields = Fields::read(map, 3)?;
    if fields.number("v")? != VERSION {
        return Err(FrameError::Field { name: "v" });
    }
    Ok(Base { size: fields.number("size")?, root: fields.hash("root")? })
}

fn read_commit(map: &[u8]) -> Result<Commit, FrameError> {
    let mut fields = Fields::read(map, 2)?;
    let wrong = |name| FrameError::Field { name };
    let Some(Value::Array(statements)) = fields.take("statements") else { return Err(wrong("statements")) };
    let bytes = |value| if let Value::Bytes(bytes) = value { Ok(bytes) } else { Err(wrong("statements")) };
    let statements: Vec<Vec<u8>> = statements.into_iter().map(bytes).collect::<Result<_, _>>()?;
    if statements.is_empty() {
        return Err(wrong("statements"));
    }
    Ok(Commit { root: fields.hash("root")?, statements, pack: fields.take("pack").map(read_pack).transpose()? })
}

fn read_pack(pack: Value) -> Result<PackTail, FrameError> {
    let wrong = || FrameError::Field { name: "pack" };
    let Value::Map(fields) = pack else { return Err(wrong()) };
    let mut fields = Fields::of(fields, 3)?;
    let Some(Value::Bytes(bytes)) = fields.take("bytes") else { return Err(wrong()) };
    let segment = u32::try_from(fields.number("segment")?).map_err(|_| wrong())?;
    Ok(PackTail { segment, offset: fields.number("offset")?, bytes })
}

/// The fields of a map.
struct Fields(Vec<(Value, Value)>);

impl Fields {
    fn read(map: &[u8], count: usize) -> Result<Self, FrameError> {
        match cbor::decode(map)? {
            Value::Map(fields) => Self::of(fields, count),
            _ => Err(FrameError::Fields),
        }
    }

    /// A commit may have one field more: `pack`.
    fn of(fields: Vec<(Value, Value)>, count: usize) -> Result<Self, FrameError> {
        let is_pack = |(key, _): &(Value, Value)| key.as_text() == Some("pack");
        if fields.len() != count + usize::from(fields.iter().any(is_pack)) {
            return Err(FrameError::Fields);
        }
        Ok(Self(fields))
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let (_, value) = self.0.iter_mut().find(|(key, _)| key.as_text() == Some(name))?;
        Some(std::mem::replace(value, Value::Null))
    }

    fn value(&self, name: &'static str) -> Result<&Value, FrameError> {
        let found = self.0.iter().find(|(key, _)| key.as_text() == Some(name));
        found.map(|(_, value)| value).ok_or(FrameError::Field { name })
    }

    fn number(&self, name: &'static str) -> Result<u64, FrameError> {
        self.value(name)?.as_unsigned().ok_or(FrameError::Field { name })
    }

    fn hash(&self, name: &'static str) -> Result<Hash, FrameError> {
        let hash = self.value(name)?.as_bytes().and_then(|bytes| Hash::from_slice(bytes).ok());
        hash.ok_or(FrameError::Field { name })
    }
}

/// Why bytes are no journal.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum JournalError {
    #[error("byte {at} of the journal: a frame whose SHA-256 is right is none of ours")]
    Frame { at: usize, reason: FrameError },
    #[error("the journal has no base")]
    NoBase,
    #[error("it does not begin as a journal does")]
    NotJournal,
}

/// What is wrong with a frame.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum FrameError {
    #[error(transparent)]
    Cbor(#[from] CborError),
    #[error("`{name}` is not as it must be")]
    Field { name: &'static str },
    #[error("it is not a map of the right fields")]
    Fields,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commits() -> (Base, Vec<Commit>) {
        let base = Base { size: 300, root: Hash::of(b"base") };
        let tail = PackTail { segment: 3, offset: 77, bytes: b"members".to_vec() };
        let commit = |n: u8, pack| Commit { root: Hash::of(&[n]), statements: vec![vec![n; 5]; usize::from(n)], pack };
        (base, vec![commit(1, Some(tail)), commit(2, None), commit(40, None)])
    }

    #[test]
    fn reads_what_was_written_and_ends_where_it_is_torn() {
        let (base, commits) = commits();
        let whole = encode(base, &commits);
        let found = Found::parse(&whole).unwrap();
        assert_eq!((found.base, &found.commits, found.end), (base, &commits, whole.len()));
        assert_eq!((found.size(), found.root()), (343, Hash::of(&[40])));
        let ends: Vec<usize> = (0..=3).map(|count| encode(base, &commits[..count]).len()).collect();
        for end in 0..whole.len() {
            for rest in [vec![], vec![0; 500], vec![0xff; 500], whole[end / 2..].to_vec()] {
                let torn = [&whole[..end], &rest].concat();
                let count = ends.iter().filter(|whole| **whole <= end).count();
                match Found::parse(&torn) {
                    Ok(found) => assert!(found.commits.len() + 1 >= count && commits.starts_with(&found.commits)),
                    Err(JournalError::NotJournal | JournalError::NoBase) => assert_eq!(count, 0, "{end}"),
                    Err(error) => panic!("{end}: {error}"),
                }
            }
        }
    }

    #[test]
    fn reads_one_that_another_program_made_by_the_page() {
        let bytes = include_bytes!("../../fuzz/corpus/journal/commits");
        let found = Found::parse(bytes).unwrap();
        assert_eq!((found.base.size, found.size(), found.root()), (7, 10, Hash::of(b"2")));
        assert_eq!(found.commits[0].statements, [b"one", b"two"]);
        let tail = PackTail { segment: 1, offset: 5, bytes: b"member".to_vec() };
        assert_eq!(found.commits[1].pack, Some(tail));
        assert_eq!(encode(found.base, &found.commits), bytes[..found.end]);
        assert!(bytes[found.end..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn no_flipped_bit_changes_a_commit() {
        let (base, commits) = commits();
        let whole = encode(base, &commits);
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(found) = Found::parse(&damaged) {
                assert!(found.base == base && found.commits.len() < 3 && commits.starts_with(&found.commits), "{bit}");
            }
        }
    }

    #[test]
    fn refuses_frames_that_are_none_of_ours() {
        let (base, commits) = commits();
        let frame = |map: &Value| {
            let mut bytes = encode(base, &commits[..1]);
            let above = digest_of_last(&bytes);
            push_frame(&mut bytes, above, &cbor::encode(map));
            Found::parse(&bytes)
        };
        let root = ("root", Value::from(base.root));
        let cases = [
            Value::Null,
            Value::map([root.clone()]),
            Value::map([root.clone(), ("statements", Value::Array(Vec::new()))]),
            Value::map([root.clone(), ("statements", Value::Array(vec![Value::Null]))]),
            Value::map([root.clone(), ("statements", Value::Array(vec![Value::Bytes(vec![])])), ("more", Value::Null)]),
            Value::map([root.clone(), ("statements", Value::Array(vec![Value::Bytes(vec![])])), ("pack", Value::Null)]),
        ];
        for map in cases {
            assert!(matches!(frame(&map), Err(JournalError::Frame { .. })), "{map:?}");
        }
        assert!(frame(&Value::map([root, ("statements", Value::Array(vec![Value::Bytes(vec![])]))])).is_ok());
    }

    /// Walks the frames once more, by the page above.
    fn digest_of_last(bytes: &[u8]) -> Hash {
        let mut at = 16;
        let mut digest = None;
        while at < bytes.len() {
            digest = Hash::from_slice(&bytes[at..at + 32]).ok();
            let length = u32::from_be_bytes(bytes[at + 32..at + 36].try_into().unwrap());
            at += 36 + usize::try_from(length).unwrap();
        }
        digest.unwrap()
    }
}
