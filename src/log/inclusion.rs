//! Inclusion proofs: showing that one entry lies under a tree's root.
//!
//! ```text
//! index 2 of a tree of 3:   path = [node(leaf 0, leaf 1)]
//!        root
//!       /    \
//!      ◆      leaf 2        ◆ is what the proof gives, leaf 2 what the reader has
//!     / \
//! leaf 0  leaf 1
//! ```
//!
//! | quantity  | unit                              | range             |
//! |-----------|-----------------------------------|-------------------|
//! | index     | entries, counted from 0           | below `tree_size` |
//! | tree size | entries                           | from 1            |
//! | path      | hashes, the leaf's sibling first  | at most 64        |
//!
//! To verify:
//! 1. The index must lie below the tree size.
//! 2. Start from the entry's leaf hash and rise: at an odd position the next hash of the path stands
//!    to the left, at an even one to the right; a node that ends its level alone rises unchanged.
//! 3. Every hash of the path must be used, and none be missing.
//! 4. What is reached must be the root that the checkpoint signs.
//!
//! Source: RFC 9162 §2.1.3. Pure: hashes what it is given and reads nothing else. It does not
//! say whose root it is: that is the checkpoint's to show.

use crate::base::hash::Hash;
use crate::log::merkle::{self, Nodes, node_hash};

/// Where an entry sits in a tree, and the hashes that lead from it to the root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InclusionProof {
    /// The entry's position in the log.
    pub index: u64,
    /// The size of the tree whose root is reached.
    pub tree_size: u64,
    /// The siblings on the way up, the leaf's own first.
    pub path: Vec<Hash>,
}

impl InclusionProof {
    /// Makes the proof for one entry of the tree of `tree_size` entries from at most 64 + 64 nodes.
    ///
    /// # Errors
    /// [`MakeInclusionError`]; the nodes are not verified here, so verify the proof before it leaves.
    pub fn make<N: Nodes + ?Sized>(
        nodes: &N,
        index: u64,
        tree_size: u64,
    ) -> Result<Self, MakeInclusionError<N::Error>> {
        if index >= tree_size {
            return Err(MakeInclusionError::IndexOutsideTree { index, tree_size });
        }
        let mut path = Vec::new();
        let mut range = 0..tree_size;
        while range.end - range.start > 1 {
            let middle = range.start + merkle::split(range.end - range.start);
            let (below, sibling) = if index < middle {
                (range.start..middle, middle..range.end)
            } else {
                (middle..range.end, range.start..middle)
            };
            path.push(nodes.subtree(sibling).map_err(MakeInclusionError::Nodes)?);
            range = below;
        }
        path.reverse();
        Ok(Self { index, tree_size, path })
    }

    /// Checks that `leaf` lies under `root`.
    ///
    /// # Errors
    /// One [`InclusionError`] per way a proof can fail; `WrongRoot` alone says the proof is
    /// well formed but proves something else.
    pub fn verify(&self, leaf: Hash, root: Hash) -> Result<(), InclusionError> {
        let computed = self.root(leaf)?;
        if computed != root {
            return Err(InclusionError::WrongRoot { expected: root, computed });
        }
        Ok(())
    }

    /// Checks as [`InclusionProof::verify`] does, and keeps what was found for whoever asks the same once more.
    ///
    /// # Errors
    /// As [`InclusionProof::verify`].
    pub fn included(&self, leaf: Hash, root: Hash) -> Result<Included, InclusionError> {
        self.verify(leaf, root)?;
        Ok(Included { index: self.index, tree_size: self.tree_size, leaf, root })
    }

    /// Computes the root under which `leaf` lies if the proof is right, for who knows the root only
    /// by a signature over it.
    ///
    /// # Errors
    /// An [`InclusionError`], but never `WrongRoot`.
    pub fn root(&self, leaf: Hash) -> Result<Hash, InclusionError> {
        let Self { index, tree_size, .. } = *self;
        if index >= tree_size {
            return Err(InclusionError::IndexOutsideTree { index, tree_size });
        }
        let mut siblings = self.path.iter().copied();
        let mut next = || siblings.next().ok_or(InclusionError::PathTooShort { found: self.path.len() });

        let (mut node, mut position, mut last) = (leaf, index, tree_size - 1);
        while last > 0 {
            if position % 2 == 1 {
                node = node_hash(next()?, node);
            } else if position < last {
                node = node_hash(node, next()?);
            } // Otherwise the node ends its level without a sibling and rises unchanged.
            position /= 2;
            last /= 2;
        }
        match siblings.len() {
            0 => Ok(node),
            unused => Err(InclusionError::PathTooLong { unused }),
        }
    }
}

/// That a leaf was shown to lie at its place under a root. Only [`InclusionProof::included`] makes one, so that whoever has
/// one need not verify the proof again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Included {
    index: u64,
    tree_size: u64,
    leaf: Hash,
    root: Hash,
}

impl Included {
    /// Says whether it is this leaf, at this place, under this root of a tree of this size.
    #[must_use]
    pub fn is_of(&self, leaf: Hash, index: u64, (root, tree_size): (Hash, u64)) -> bool {
        *self == Self { index, tree_size, leaf, root }
    }
}

/// Why an entry was not shown to lie under a root.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum InclusionError {
    #[error("index {index} is outside a tree of {tree_size} entries")]
    IndexOutsideTree { index: u64, tree_size: u64 },
    #[error("the path goes on for {unused} hashes after the root is reached")]
    PathTooLong { unused: usize },
    #[error("the path ends after {found} hashes, before the root is reached")]
    PathTooShort { found: usize },
    #[error("the path leads to root `{computed}`, expected `{expected}`")]
    WrongRoot { expected: Hash, computed: Hash },
}

/// Why an inclusion proof could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum MakeInclusionError<E> {
    #[error("index {index} is outside a tree of {tree_size} entries")]
    IndexOutsideTree { index: u64, tree_size: u64 },
    #[error("a node of the tree could not be read")]
    Nodes(#[source] E),
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;
    use crate::log::merkle::leaf_hash;
    use crate::log::merkle::tests::{leaves, root_by_definition};

    fn wide(n: usize) -> u64 {
        u64::try_from(n).unwrap()
    }

    #[test]
    fn the_example_holds() {
        let leaves = leaves(3);
        let proof = InclusionProof { index: 2, tree_size: 3, path: vec![node_hash(leaves[0], leaves[1])] };
        assert_eq!(InclusionProof::make(&leaves, 2, 3), Ok(proof.clone()));
        assert_eq!(proof.verify(leaves[2], root_by_definition(&leaves)), Ok(()));
    }

    #[test]
    fn accepts_every_proof_of_every_small_tree_and_none_that_was_changed() {
        let leaves = leaves(40);
        for size in 1..=leaves.len() {
            let root = root_by_definition(&leaves[..size]);
            for (index, leaf) in leaves[..size].iter().enumerate() {
                let proof = InclusionProof::make(&leaves, wide(index), wide(size)).unwrap();
                assert_eq!(proof.verify(*leaf, root), Ok(()), "{index} of {size}");
                rejects_each_change(&proof, *leaf, root);
            }
        }
    }

    fn rejects_each_change(proof: &InclusionProof, leaf: Hash, root: Hash) {
        let wrong_root = |proof: &InclusionProof, leaf, root| {
            matches!(proof.verify(leaf, root), Err(InclusionError::WrongRoot { .. }))
        };
        assert!(wrong_root(proof, leaf_hash(b"other"), root), "{proof:?}");
        assert!(wrong_root(proof, leaf, leaf_hash(b"other")), "{proof:?}");
        for at in 0..proof.path.len() {
            let mut changed = proof.clone();
            changed.path[at] = leaf_hash(b"other");
            assert!(wrong_root(&changed, leaf, root), "{changed:?}");
        }
        let mut longer = proof.clone();
        longer.path.push(root);
        assert_eq!(longer.verify(leaf, root), Err(InclusionError::PathTooLong { unused: 1 }));
        let mut shorter = proof.clone();
        if shorter.path.pop().is_some() {
            assert_eq!(
                shorter.verify(leaf, root),
                Err(InclusionError::PathTooShort { found: shorter.path.len() }),
                "{shorter:?}"
            );
        }
        for index in (0..proof.tree_size + 2).filter(|index| *index != proof.index) {
            let moved = InclusionProof { index, ..proof.clone() };
            assert!(moved.verify(leaf, root).is_err(), "{moved:?}");
        }
        let emptied = InclusionProof { tree_size: proof.index, ..proof.clone() };
        assert_eq!(
            emptied.verify(leaf, root),
            Err(InclusionError::IndexOutsideTree { index: proof.index, tree_size: proof.index })
        );
    }

    #[test]
    fn holds_at_the_largest_sizes() {
        // Along the right edge a path has one hash for each one bit of the index.
        let top = InclusionProof { index: u64::MAX - 1, tree_size: u64::MAX, path: vec![leaf_hash(b"x"); 63] };
        assert!(top.root(leaf_hash(b"y")).is_ok());
        let left = InclusionProof { index: 0, tree_size: u64::MAX, path: vec![leaf_hash(b"x"); 64] };
        assert!(left.root(leaf_hash(b"y")).is_ok());
        let endless = InclusionProof { index: 0, tree_size: u64::MAX, path: vec![leaf_hash(b"x"); 10_000] };
        assert_eq!(endless.root(leaf_hash(b"y")), Err(InclusionError::PathTooLong { unused: 9_936 }));
    }

    #[test]
    fn refuses_to_make_what_cannot_hold() {
        for (index, tree_size) in [(0, 0), (1, 1), (5, 3), (u64::MAX, u64::MAX)] {
            assert_eq!(
                InclusionProof::make(&Vec::new(), index, tree_size),
                Err(MakeInclusionError::IndexOutsideTree { index, tree_size })
            );
        }
    }

    #[test]
    fn reads_few_nodes_however_large_the_tree() {
        struct Counting(Cell<u32>);
        impl Nodes for Counting {
            type Error = Infallible;
            fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
                assert!(index <= (u64::MAX >> level), "no such node");
                self.0.set(self.0.get() + 1);
                Ok(leaf_hash(b""))
            }
        }
        for index in [0, 1, u64::MAX / 2, u64::MAX - 2, u64::MAX - 1] {
            let counting = Counting(Cell::new(0));
            InclusionProof::make(&counting, index, u64::MAX).unwrap();
            assert!(counting.0.get() <= 128, "{index}: {}", counting.0.get());
        }
    }
}
