//! Renewals: everything that an archive holds, hashed anew with SHA-512 and dated anew, before what it stands on ages.
//!
//! A token says what it said for as long as nobody else can have made it: until its certificate's key may be lost, or a hash
//! is broken. A renewal is made before. It is a text in the folder of an anchor, beside the checkpoint that it goes with:
//!
//! ```text
//! affiant-renewal@v1
//! affiant.example/log
//! 20
//! 5b0f7c…                        the log's root in hexadecimal: lines 2 to 4 are the checkpoint's
//! 26
//! 3c9909af…                      how many leaves there are, and the SHA-512 root above them, in hexadecimal
//! ```
//!
//! and is dated by tokens whose imprint is its SHA-512 (`NAME-HASH.renewal-tsr`, named as other replies are). The leaves
//! are texts; first one for each entry of the log, in its order, then one for each file of the anchors up to that size, by
//! size and name:
//!
//! ```text
//! entry 2                                       anchor 12 tsa.example-0f3a91c2d4e5b607.tsr
//! statement ddaf35a1…                           ddaf35a1…
//! record ddaf35a1…
//! blob ba7816bf… ddaf35a1…
//! ```
//!
//! with the SHA-512 of the bytes themselves: of the statement, of the record, of each blob that the record names, by the
//! SHA-256 that names it, in that order and each once. What a withdrawal took away is `absent` in place of a hash. Each
//! line ends with a line feed. The tree over them is that of RFC 9162 §2.1.1 with SHA-512 in place of SHA-256.
//!
//! | quantity  | unit   | range                                    |
//! |-----------|--------|------------------------------------------|
//! | text      | bytes  | at most [`SIZE_BYTES_MAX`]               |
//! | paths     | bytes  | at most [`PATHS_BYTES_MAX`]              |
//! | path      | hashes | at most [`PATH_LENGTH_MAX`]              |
//!
//! In a bundle `renewal-paths` has, for the subjects and for the files of the anchors that are there, a line with the leaf's
//! number and one for each hash on the way up, the leaf's sibling first; an empty line stands between two.
//!
//! Source: RFC 4998 in spirit: a later archive timestamp covers the documents, and all timestamps before it. SHA-512
//! stands beside SHA-256, so that the break of one does not take everything with it. What a break of SHA-256 does take is the
//! log's tree; the bytes and their time are left.
//!
//! To verify:
//! 1. The text names the log, size and root of the checkpoint beside it.
//! 2. Make the leaf of what is at hand, from its bytes; its path leads to the root.
//! 3. The reply's imprint is over the text, by SHA-512, and its token holds: what the leaf names existed by then.
//! 4. A token whose file is covered was there already by then: whatever became of its certificate since, nobody made it
//!    afterwards.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha512};

use crate::base::hash::Hash;
use crate::log::checkpoint::Checkpoint;

/// The longest text: a name and five numbers.
pub const SIZE_BYTES_MAX: usize = 2048;

/// The longest list of paths: those of a thousand leaves.
pub const PATHS_BYTES_MAX: usize = 1 << 24;

/// The longest path: the tree's height.
pub const PATH_LENGTH_MAX: usize = 64;

const FIRST_LINE: &str = "affiant-renewal@v1";

/// A SHA-512 hash.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct LongHash([u8; LongHash::SIZE_BYTES]);

impl LongHash {
    /// How long it is.
    pub const SIZE_BYTES: usize = 64;

    /// Hashes bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha512::digest(bytes).into())
    }

    /// Takes bytes as the hash that they already are.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn parse(hex: &str) -> Option<Self> {
        Self::from_slice(&HEXLOWER.decode(hex.as_bytes()).ok()?)
    }
}

impl std::fmt::Display for LongHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl std::fmt::Debug for LongHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// Hashes what is written to it.
#[derive(Default)]
pub struct LongHasher(Sha512);

impl LongHasher {
    /// Returns the hash of all that was written.
    #[must_use]
    pub fn finish(self) -> LongHash {
        LongHash(self.0.finalize().into())
    }
}

impl std::io::Write for LongHasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a leaf says of one entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryLeaf {
    /// Its index in the log.
    pub index: u64,
    /// Of its statement.
    pub statement: LongHash,
    /// Of its record; nothing when it was withdrawn.
    pub record: Option<LongHash>,
    /// Of the blobs that the record names; nothing for one that was withdrawn.
    pub blobs: std::collections::BTreeMap<Hash, Option<LongHash>>,
}

impl EntryLeaf {
    /// Returns the leaf's hash.
    #[must_use]
    pub fn hash(&self) -> LongHash {
        let word = |hash: &Option<LongHash>| hash.map_or_else(|| "absent".to_owned(), |hash| hash.to_string());
        let mut text = format!("entry {}\nstatement {}\nrecord {}\n", self.index, self.statement, word(&self.record));
        text.extend(self.blobs.iter().map(|(name, hash)| format!("blob {name} {}\n", word(hash))));
        leaf(&text)
    }
}

/// Returns the hash of a leaf about a file of an anchor.
#[must_use]
pub fn anchor_leaf(size: u64, name: &str, bytes: &[u8]) -> LongHash {
    leaf(&format!("anchor {size} {name}\n{}\n", LongHash::of(bytes)))
}

fn leaf(text: &str) -> LongHash {
    LongHash::of(&[&[0], text.as_bytes()].concat())
}

fn node(left: LongHash, right: LongHash) -> LongHash {
    LongHash::of(&[&[1], left.as_bytes(), right.as_bytes()].concat())
}

/// A tree over leaves, level by level.
pub struct LongTree(Vec<Vec<LongHash>>);

impl LongTree {
    /// Makes the tree.
    #[must_use]
    pub fn over(leaves: Vec<LongHash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            // Whoever has no sibling rises unchanged: the same tree as by the definition, which splits at powers of two.
            let above = below.chunks(2).map(|pair| match pair {
                [left, right] => node(*left, *right),
                alone => alone[0],
            });
            levels.push(above.collect());
        }
        Self(levels)
    }

    /// Returns the root; that of no leaves is the hash of nothing.
    #[must_use]
    pub fn root(&self) -> LongHash {
        self.0.last().and_then(|level| level.first()).copied().unwrap_or_else(|| LongHash::of(b""))
    }

    /// Returns the hashes on the way from a leaf up, its sibling first.
    #[must_use]
    pub fn path(&self, leaf: usize) -> Vec<LongHash> {
        let siblings = self.0.iter().enumerate().map(|(height, level)| level.get((leaf >> height) ^ 1));
        siblings.flatten().copied().collect()
    }
}

/// A path to a leaf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Path {
    /// The leaf's number, from 0.
    pub leaf: u64,
    /// The hashes on the way up.
    pub siblings: Vec<LongHash>,
}

impl Path {
    /// Returns the root to which the path leads, in a tree of so many leaves.
    #[must_use]
    pub fn root(&self, leaf: LongHash, count: u64) -> Option<LongHash> {
        if self.leaf >= count {
            return None;
        }
        let (mut hash, mut position, mut last) = (leaf, self.leaf, count - 1);
        let mut siblings = self.siblings.iter();
        while last > 0 {
            if position % 2 == 1 {
                hash = node(*siblings.next()?, hash);
            } else if position < last {
                hash = node(hash, *siblings.next()?);
            }
            (position, last) = (position / 2, last / 2);
        }
        siblings.next().is_none().then_some(hash)
    }
}

/// Writes paths.
#[must_use]
pub fn write_paths(paths: &[Path]) -> Vec<u8> {
    let lines = |path: &Path| {
        let hashes: Vec<String> = path.siblings.iter().map(|hash| format!("{hash}\n")).collect();
        format!("{}\n{}", path.leaf, hashes.concat())
    };
    paths.iter().map(lines).collect::<Vec<_>>().join("\n").into_bytes()
}

/// Reads paths.
#[must_use]
pub fn read_paths(bytes: &[u8]) -> Option<Vec<Path>> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= PATHS_BYTES_MAX)?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut paths = Vec::new();
    for block in text.strip_suffix('\n')?.split("\n\n") {
        let mut lines = block.split('\n');
        let number = lines.next()?;
        let leaf: u64 = number.parse().ok()?;
        let siblings: Vec<LongHash> = lines.map(LongHash::parse).collect::<Option<_>>()?;
        if leaf.to_string() != number || siblings.len() > PATH_LENGTH_MAX {
            return None;
        }
        paths.push(Path { leaf, siblings });
    }
    Some(paths)
}

/// What a renewal says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Renewal {
    /// The log, as its checkpoint names it.
    pub origin: String,
    /// How many entries it covers.
    pub size: u64,
    /// The log's root.
    pub root: Hash,
    /// How many leaves there are.
    pub leaf_count: u64,
    /// The root above them.
    pub long_root: LongHash,
}

impl Renewal {
    /// Writes the text.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { origin, size, root, leaf_count, long_root } = self;
        format!("{FIRST_LINE}\n{origin}\n{size}\n{root}\n{leaf_count}\n{long_root}\n").into_bytes()
    }

    /// Reads the text, in its one spelling.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= SIZE_BYTES_MAX)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next();
        if line()? != FIRST_LINE {
            return None;
        }
        let (origin, size, root, leaf_count, long_root) = (line()?, line()?, line()?, line()?, line()?);
        let read = Self {
            origin: origin.to_owned(),
            size: size.parse().ok()?,
            root: root.parse().ok()?,
            leaf_count: leaf_count.parse().ok()?,
            long_root: LongHash::parse(long_root)?,
        };
        (read.encode() == bytes && read.leaf_count >= read.size).then_some(read)
    }

    /// Says whether it goes with a checkpoint.
    #[must_use]
    pub fn is_of(&self, checkpoint: &Checkpoint) -> bool {
        self.origin == checkpoint.origin.as_str() && self.size == checkpoint.size && self.root == checkpoint.root
    }

    /// Says whether a leaf is covered, by one of some paths. Entries have the first leaves, by their index.
    #[must_use]
    pub fn covers(&self, leaf: LongHash, entry: Option<u64>, paths: &[Path]) -> bool {
        let is_in_place = |path: &&Path| match entry {
            Some(index) => path.leaf == index && index < self.size,
            None => path.leaf >= self.size,
        };
        paths.iter().filter(is_in_place).any(|path| path.root(leaf, self.leaf_count) == Some(self.long_root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree by the definition of RFC 9162 §2.1.1.
    fn by_definition(leaves: &[LongHash]) -> LongHash {
        match leaves.len() {
            0 => LongHash::of(b""),
            1 => leaves[0],
            count => {
                let split = count.next_power_of_two() / 2;
                node(by_definition(&leaves[..split]), by_definition(&leaves[split..]))
            }
        }
    }

    #[test]
    fn every_path_of_every_tree_leads_to_the_root() {
        for count in 0..34_u64 {
            let leaves: Vec<LongHash> = (0..count).map(|n| anchor_leaf(n, "x", b"y")).collect();
            let tree = LongTree::over(leaves.clone());
            assert_eq!(tree.root(), by_definition(&leaves), "{count}");
            for (n, leaf) in (0..count).zip(&leaves) {
                let path = Path { leaf: n, siblings: tree.path(usize::try_from(n).unwrap()) };
                assert_eq!(path.root(*leaf, count), Some(tree.root()), "{n} of {count}");
                let others = [Path { leaf: n + 1, ..path.clone() }, Path { leaf: n ^ 1, ..path.clone() }];
                assert!(others.iter().all(|path| count == 1 || path.root(*leaf, count) != Some(tree.root())));
                let longer = Path { siblings: [&path.siblings[..], &[*leaf]].concat(), ..path.clone() };
                assert_eq!(longer.root(*leaf, count), None);
                assert_eq!(read_paths(&write_paths(&[path.clone(), longer.clone()])), Some(vec![path, longer]));
            }
        }
    }

    #[test]
    fn the_text_has_one_spelling() {
        let renewal = Renewal {
            origin: "a.example/log".to_owned(),
            size: 20,
            root: Hash::of(b""),
            leaf_count: 26,
            long_root: LongHash::of(b""),
        };
        let bytes = renewal.encode();
        assert_eq!(Renewal::parse(&bytes), Some(renewal.clone()));
        let text = String::from_utf8(bytes.clone()).unwrap();
        for other in [
            text.replace("@v1", "@v2"),
            text.replace("\n20\n", "\n020\n"),
            text.replace("\n26\n", "\n19\n"),
            text.to_uppercase(),
            text.trim_end().to_owned(),
            format!("{text}\n"),
        ] {
            assert_eq!(Renewal::parse(other.as_bytes()), None, "{other}");
        }
        for wrong in ["x", "1", "1\nzz\n", "01\n", "1\n\n\n2\n"] {
            assert_eq!(read_paths(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(read_paths(b""), Some(Vec::new()));
        // `printf abc | sha512sum`.
        assert!(LongHash::of(b"abc").to_string().starts_with("ddaf35a193617abacc417349ae204131"));
    }
}
