//! The Merkle tree: one hash that commits to every entry and to its place.
//!
//! ```text
//! size 3                    root = node(node(leaf 0, leaf 1), leaf 2)
//!        root
//!       /    \
//!      ·      leaf 2        level 1: index 0 is perfect; leaf 2 rises unchanged
//!     / \
//! leaf 0  leaf 1            level 0: indexes 0, 1, 2
//! ```
//!
//! | quantity   | unit                                  | range                       |
//! |------------|---------------------------------------|-----------------------------|
//! | size       | entries                               | 0 … 2⁶⁴ − 1                 |
//! | level      | doublings above the leaves            | 0 … 63                      |
//! | node index | perfect subtrees of one level, from 0 | below size ÷ 2^level        |
//!
//! Rules. A leaf hashes `0x00` and the entry, an inner node `0x01` and its two children, the empty
//! tree nothing at all: so no leaf can pass for a node. A tree of n > 1 entries splits at the greatest
//! power of two below n. No node is ever duplicated to fill a level.
//!
//! To verify a root over all its entries:
//! 1. Hash each entry as a leaf.
//! 2. Split at the greatest power of two below the size, take the root of each side, hash the two.
//! 3. Compare with the root in the checkpoint.
//!
//! Source: RFC 6962 §2.1, the same as RFC 9162 §2.1.1. Pure: hashes what it is given; where nodes are
//! kept is for the one who implements [`Nodes`].

use std::ops::Range;

use crate::base::hash::Hash;

/// The greatest number of levels above the leaves, since sizes are 64-bit.
pub const LEVEL_COUNT_MAX: u8 = 64;

/// Hashes an entry as a leaf.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash::of_parts(&[&[0x00], entry])
}

/// Hashes two children as their parent.
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut node = [0x01; 1 + 2 * Hash::SIZE_BYTES];
    let (children, _) = node[1..].as_chunks_mut();
    children.copy_from_slice(&[*left.as_bytes(), *right.as_bytes()]);
    Hash::of(&node)
}

/// Returns the root of the tree without entries.
#[must_use]
pub fn empty_root() -> Hash {
    Hash::of(b"")
}

/// Where perfect subtrees' hashes come from, so that a proof needs only a few of them.
pub trait Nodes {
    /// Why a node could not be given.
    type Error;

    /// Returns the root of the entries from `index * 2^level` up to `(index + 1) * 2^level`.
    ///
    /// # Errors
    /// Whatever keeps the source from giving it.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;

    /// Returns the root over a range of entries that is a subtree of some tree: its start must be a multiple of the least
    /// power of two that is not below its length. Proofs ask for no other, and those of one tree for some of them again
    /// and again: a source may remember.
    ///
    /// # Errors
    /// As [`Nodes::node`].
    fn subtree(&self, range: Range<u64>) -> Result<Hash, Self::Error> {
        range_root(self, range)
    }
}

/// Computes the root of the first `size` entries from at most 64 nodes.
///
/// # Errors
/// Those of `nodes`.
pub fn root<N: Nodes + ?Sized>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    nodes.subtree(0..size)
}

/// Computes the root over a range from the nodes of its perfect subtrees, as [`Nodes::subtree`] does where nothing is
/// remembered.
///
/// # Errors
/// Those of `nodes`.
pub fn range_root<N: Nodes + ?Sized>(nodes: &N, range: Range<u64>) -> Result<Hash, N::Error> {
    let subtrees: Vec<Hash> =
        perfect_subtrees(range).map(|(level, index)| nodes.node(level, index)).collect::<Result<_, _>>()?;
    Ok(fold(&subtrees))
}

/// Returns the greatest power of two below `size`, which is at least 2: where a tree splits.
pub(super) fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Names the perfect subtrees that make up a range, as level and index, the largest first.
fn perfect_subtrees(range: Range<u64>) -> impl Iterator<Item = (u8, u64)> {
    let (mut start, length) = (range.start, range.end.saturating_sub(range.start));
    (0..LEVEL_COUNT_MAX).rev().filter(move |level| (length >> level) % 2 == 1).map(move |level| {
        let index = start >> level;
        start += 1 << level;
        (level, index)
    })
}

/// Joins perfect subtrees, the largest first, into one root.
fn fold(subtrees: &[Hash]) -> Hash {
    let mut smallest_first = subtrees.iter().rev().copied();
    let Some(smallest) = smallest_first.next() else { return empty_root() };
    smallest_first.fold(smallest, |right, left| node_hash(left, right))
}

/// Returns the size after one more entry.
pub(super) fn grown(size: u64) -> u64 {
    size.checked_add(1).expect("no log reaches 2⁶⁴ entries")
}

/// The right edge of a growing tree: the roots of its perfect subtrees, the largest first.
///
/// It is all that is needed to append, and never more than 64 hashes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Starts the tree without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a tree of `size` entries where it was left.
    ///
    /// # Errors
    /// Those of `nodes`.
    pub fn resume<N: Nodes + ?Sized>(nodes: &N, size: u64) -> Result<Self, N::Error> {
        let subtrees =
            perfect_subtrees(0..size).map(|(level, index)| nodes.node(level, index)).collect::<Result<_, _>>()?;
        Ok(Self { size, subtrees })
    }

    /// Appends the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let subtree = self.complete(leaf);
        self.subtrees.push(subtree);
        self.size = grown(self.size);
    }

    /// Joins the new leaf with the subtrees that it completes: as in adding one to a binary number, each
    /// trailing one bit of the size is a subtree that gains its sibling.
    fn complete(&mut self, leaf: Hash) -> Hash {
        (0..self.size.trailing_ones()).fold(leaf, |right, _| {
            let left = self.subtrees.pop().expect("one subtree stands for each one bit of the size");
            node_hash(left, right)
        })
    }

    /// Returns how many entries the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Computes the root.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.subtrees)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::convert::Infallible;

    use super::*;

    /// RFC 6962 §2.1, word for word.
    pub(crate) fn root_by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let mut k = 1;
                while k * 2 < leaves.len() {
                    k *= 2;
                }
                node_hash(root_by_definition(&leaves[..k]), root_by_definition(&leaves[k..]))
            }
        }
    }

    pub(crate) fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|n| leaf_hash(n.to_string().as_bytes())).collect()
    }

    impl Nodes for Vec<Hash> {
        type Error = Infallible;

        fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
            let index = usize::try_from(index).unwrap();
            Ok(root_by_definition(&self[index << level..(index + 1) << level]))
        }
    }

    #[test]
    fn matches_the_published_roots() {
        // The test tree of certificate-transparency and of transparency-dev/merkle.
        let entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        ];
        let mut frontier = Frontier::new();
        assert_eq!(
            frontier.root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "RFC 6962: the hash of an empty string"
        );
        for (entry, root) in entries.into_iter().zip(roots) {
            frontier.push(leaf_hash(&data_encoding::HEXLOWER.decode(entry.as_bytes()).unwrap()));
            assert_eq!(frontier.root().to_string(), root, "size {}", frontier.size());
        }
    }

    #[test]
    fn grows_as_the_definition_says() {
        let leaves = leaves(300);
        let mut frontier = Frontier::new();
        for size in 0..=leaves.len() {
            let expected = root_by_definition(&leaves[..size]);
            let size_wide = u64::try_from(size).unwrap();
            assert_eq!(frontier.root(), expected, "size {size}");
            assert_eq!(root(&leaves, size_wide), Ok(expected), "size {size}");
            assert_eq!(Frontier::resume(&leaves, size_wide), Ok(frontier.clone()), "size {size}");
            if let Some(leaf) = leaves.get(size) {
                frontier.push(*leaf);
            }
        }
    }

    #[test]
    fn a_leaf_never_passes_for_a_node() {
        let [left, right] = [leaf_hash(b"left"), leaf_hash(b"right")];
        let entry = [left.as_bytes().as_slice(), right.as_bytes()].concat();
        assert_ne!(leaf_hash(&entry), node_hash(left, right));
    }

    #[test]
    fn splits_below_the_size() {
        for (size, expected) in [(2, 1), (3, 2), (4, 2), (5, 4), (256, 128), (257, 256), (u64::MAX, 1 << 63)] {
            assert_eq!(split(size), expected, "size {size}");
        }
    }
}
