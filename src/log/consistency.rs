//! Consistency proofs: showing that a log only grew between two checkpoints.
//!
//! ```text
//! from 3 to 4 entries:   path = [leaf 2, leaf 3, node(leaf 0, leaf 1)]
//!        old root                    new root
//!       /        \                  /        \
//!      ·          leaf 2           ·          ·
//!     / \                         / \        / \
//! leaf 0  leaf 1             leaf 0 1    leaf 2 leaf 3
//! ```
//!
//! | quantity | unit                                    | range                        |
//! |----------|-----------------------------------------|------------------------------|
//! | old size | entries                                 | at most `new_size`           |
//! | new size | entries                                 | from `old_size`              |
//! | path     | hashes, the deepest first               | at most 65; empty when the old size is 0 or the sizes are equal |
//!
//! To verify:
//! 1. The old size must not be above the new one.
//! 2. From size 0 any tree may grow: the path must be empty and the old root that of the empty tree.
//! 3. Between equal sizes the path must be empty and the roots equal.
//! 4. Otherwise rebuild both roots from the path as RFC 9162 §2.1.4.2 says. An old tree that is perfect
//!    is left out of the path, since its root is known.
//! 5. Every hash of the path must be used, and none be missing; both roots must come out.
//!
//! Source: RFC 9162 §2.1.4. Stricter: the RFC does not define sizes 0 and equal; here nothing may stand in
//! such a path, and the roots are still compared. Pure: whose roots they are is the checkpoints' to show.

use crate::base::hash::Hash;
use crate::log::merkle::{self, Nodes, empty_root, node_hash};

/// The hashes that lead from a part of the old tree to both roots.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsistencyProof {
    /// The size of the tree that was seen before.
    pub old_size: u64,
    /// The size of the tree that is seen now.
    pub new_size: u64,
    /// The hashes, the deepest first.
    pub path: Vec<Hash>,
}

impl ConsistencyProof {
    /// Makes the proof from a few nodes of the new tree.
    ///
    /// # Errors
    /// [`MakeConsistencyError`]; the nodes are not verified here, so verify the proof before it leaves.
    pub fn make<N: Nodes + ?Sized>(
        nodes: &N,
        old_size: u64,
        new_size: u64,
    ) -> Result<Self, MakeConsistencyError<N::Error>> {
        if old_size > new_size {
            return Err(MakeConsistencyError::Shrinks { old_size, new_size });
        }
        let mut path = Vec::new();
        if old_size == 0 || old_size == new_size {
            return Ok(Self { old_size, new_size, path });
        }
        // RFC 9162 §2.1.4.1: descend to where the old tree's right edge is a subtree of the new one.
        let mut range = 0..new_size;
        while range.end != old_size {
            let middle = range.start + merkle::split(range.end - range.start);
            let (below, sibling) = if old_size <= middle {
                (range.start..middle, middle..range.end)
            } else {
                (middle..range.end, range.start..middle)
            };
            path.push(nodes.subtree(sibling).map_err(MakeConsistencyError::Nodes)?);
            range = below;
        }
        if range.start > 0 {
            path.push(nodes.subtree(range).map_err(MakeConsistencyError::Nodes)?);
        }
        path.reverse();
        Ok(Self { old_size, new_size, path })
    }

    /// Checks that the tree under `new_root` begins with the whole tree under `old_root`.
    ///
    /// # Errors
    /// One [`ConsistencyError`] per way a proof can fail; the two `Wrong…Root` alone say that the
    /// proof is well formed but proves something else.
    pub fn verify(&self, old_root: Hash, new_root: Hash) -> Result<(), ConsistencyError> {
        let Self { old_size, new_size, .. } = *self;
        if old_size > new_size {
            return Err(ConsistencyError::Shrinks { old_size, new_size });
        }
        let (old, new) = match old_size {
            0 if new_size == 0 => (self.without_path(empty_root())?, empty_root()),
            0 => (self.without_path(empty_root())?, new_root),
            _ if old_size == new_size => (old_root, self.without_path(old_root)?),
            _ => self.roots(old_root)?,
        };
        if old != old_root {
            return Err(ConsistencyError::WrongOldRoot { expected: old_root, computed: old });
        }
        if new != new_root {
            return Err(ConsistencyError::WrongNewRoot { expected: new_root, computed: new });
        }
        Ok(())
    }

    fn without_path(&self, root: Hash) -> Result<Hash, ConsistencyError> {
        match self.path.len() {
            0 => Ok(root),
            unused => Err(ConsistencyError::PathTooLong { unused }),
        }
    }

    /// Rebuilds the old and the new root, in the names of RFC 9162 §2.1.4.2: `fr` and `sr`.
    fn roots(&self, old_root: Hash) -> Result<(Hash, Hash), ConsistencyError> {
        let mut path = self.path.iter().copied();
        let mut next = || path.next().ok_or(ConsistencyError::PathTooShort { found: self.path.len() });

        let first = if self.old_size.is_power_of_two() { old_root } else { next()? };
        let (mut old, mut new) = (first, first);
        let rise = (self.old_size - 1).trailing_ones();
        // `rise` is below 64, because the old size is below the new one.
        let (mut position, mut last) = ((self.old_size - 1) >> rise, (self.new_size - 1) >> rise);
        while last > 0 {
            if position % 2 == 1 {
                let left = next()?;
                old = node_hash(left, old);
                new = node_hash(left, new);
            } else if position < last {
                new = node_hash(new, next()?);
            } // Otherwise the node ends its level without a sibling and rises unchanged.
            position /= 2;
            last /= 2;
        }
        match path.len() {
            0 => Ok((old, new)),
            unused => Err(ConsistencyError::PathTooLong { unused }),
        }
    }
}

/// Why a tree was not shown to have only grown.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ConsistencyError {
    #[error("the path goes on for {unused} hashes after the roots are reached")]
    PathTooLong { unused: usize },
    #[error("the path ends after {found} hashes, before the roots are reached")]
    PathTooShort { found: usize },
    #[error("the log shrank from {old_size} to {new_size} entries")]
    Shrinks { old_size: u64, new_size: u64 },
    #[error("the path leads to new root `{computed}`, expected `{expected}`")]
    WrongNewRoot { expected: Hash, computed: Hash },
    #[error("the path leads to old root `{computed}`, expected `{expected}`")]
    WrongOldRoot { expected: Hash, computed: Hash },
}

/// Why a consistency proof could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum MakeConsistencyError<E> {
    #[error("a node of the tree could not be read")]
    Nodes(#[source] E),
    #[error("the log cannot shrink from {old_size} to {new_size} entries")]
    Shrinks { old_size: u64, new_size: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::merkle::leaf_hash;
    use crate::log::merkle::tests::{leaves, root_by_definition};

    fn wide(n: usize) -> u64 {
        u64::try_from(n).unwrap()
    }

    #[test]
    fn the_example_holds() {
        let leaves = leaves(4);
        let path = vec![leaves[2], leaves[3], node_hash(leaves[0], leaves[1])];
        let proof = ConsistencyProof { old_size: 3, new_size: 4, path };
        assert_eq!(ConsistencyProof::make(&leaves, 3, 4), Ok(proof.clone()));
        assert_eq!(proof.verify(root_by_definition(&leaves[..3]), root_by_definition(&leaves)), Ok(()));
    }

    #[test]
    fn accepts_every_proof_of_every_small_tree_and_none_that_was_changed() {
        let leaves = leaves(40);
        let roots: Vec<Hash> = (0..=leaves.len()).map(|size| root_by_definition(&leaves[..size])).collect();
        for new in 0..=leaves.len() {
            for old in 0..=new {
                let proof = ConsistencyProof::make(&leaves, wide(old), wide(new)).unwrap();
                assert_eq!(proof.verify(roots[old], roots[new]), Ok(()), "{old} to {new}");
                rejects_each_change(&proof, roots[old], roots[new]);
            }
        }
    }

    fn rejects_each_change(proof: &ConsistencyProof, old_root: Hash, new_root: Hash) {
        let other = leaf_hash(b"other");
        assert!(proof.verify(other, new_root).is_err(), "{proof:?}");
        if proof.old_size > 0 {
            assert!(proof.verify(old_root, other).is_err(), "{proof:?}");
        }
        for at in 0..proof.path.len() {
            let mut changed = proof.clone();
            changed.path[at] = other;
            assert!(
                matches!(
                    changed.verify(old_root, new_root),
                    Err(ConsistencyError::WrongNewRoot { .. } | ConsistencyError::WrongOldRoot { .. })
                ),
                "{changed:?}"
            );
        }
        let mut longer = proof.clone();
        longer.path.push(new_root);
        assert_eq!(longer.verify(old_root, new_root), Err(ConsistencyError::PathTooLong { unused: 1 }));
        let mut shorter = proof.clone();
        if shorter.path.pop().is_some() {
            assert_eq!(
                shorter.verify(old_root, new_root),
                Err(ConsistencyError::PathTooShort { found: shorter.path.len() })
            );
        }
        if proof.old_size < proof.new_size {
            let (old_size, new_size) = (proof.new_size, proof.old_size);
            let swapped = ConsistencyProof { old_size, new_size, ..proof.clone() };
            assert_eq!(swapped.verify(new_root, old_root), Err(ConsistencyError::Shrinks { old_size, new_size }));
        }
    }

    #[test]
    fn a_fork_is_seen() {
        let honest = leaves(20);
        let mut forked = honest.clone();
        forked[7] = leaf_hash(b"another");
        for old in 8..20 {
            let proof = ConsistencyProof::make(&forked, wide(old), 20).unwrap();
            let verdict = proof.verify(root_by_definition(&honest[..old]), root_by_definition(&forked));
            assert!(verdict.is_err(), "{old}");
        }
    }

    #[test]
    fn sizes_zero_and_equal_prove_nothing_but_themselves() {
        let (empty, some, other) = (empty_root(), leaf_hash(b"some"), leaf_hash(b"other"));
        let proof = |old_size, new_size, path: &[Hash]| ConsistencyProof { old_size, new_size, path: path.to_vec() };
        assert_eq!(proof(0, 5, &[]).verify(empty, some), Ok(()));
        assert_eq!(
            proof(0, 5, &[]).verify(other, some),
            Err(ConsistencyError::WrongOldRoot { expected: other, computed: empty })
        );
        assert_eq!(proof(0, 5, &[some]).verify(empty, some), Err(ConsistencyError::PathTooLong { unused: 1 }));
        assert_eq!(
            proof(0, 0, &[]).verify(empty, some),
            Err(ConsistencyError::WrongNewRoot { expected: some, computed: empty })
        );
        assert_eq!(
            proof(5, 5, &[]).verify(some, other),
            Err(ConsistencyError::WrongNewRoot { expected: other, computed: some })
        );
        assert_eq!(proof(5, 5, &[some]).verify(some, some), Err(ConsistencyError::PathTooLong { unused: 1 }));
        assert_eq!(
            ConsistencyProof::make(&leaves(3), 3, 2),
            Err(MakeConsistencyError::Shrinks { old_size: 3, new_size: 2 })
        );
    }

    #[test]
    fn holds_at_the_largest_sizes() {
        let hash = leaf_hash(b"x");
        for (old_size, new_size) in [(1 << 63, u64::MAX), (u64::MAX - 1, u64::MAX), (1, u64::MAX)] {
            let proof = ConsistencyProof { old_size, new_size, path: vec![hash; 70] };
            assert!(matches!(proof.verify(hash, hash), Err(ConsistencyError::PathTooLong { .. })), "{old_size}");
        }
    }
}
