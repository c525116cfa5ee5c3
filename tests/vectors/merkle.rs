//! transparency-dev/merkle: 518 inclusion and consistency proofs, most of them wrong in one way.
//!
//! The vectors only say that something is wrong; the kind is read from what the file's name says was changed.
//! Subtree proofs are those of draft-ietf-plants-merkle-tree-certs §4. The product makes none, but an inclusion
//! proof in a subtree is one in a tree of the subtree's size, and a consistency proof from a subtree that
//! begins at 0 is an ordinary one, so these run through the product; the rest is checked by the draft's steps below.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::path::{Path, PathBuf};

use affiant::base::hash::Hash;
use affiant::log::consistency::{ConsistencyError, ConsistencyProof};
use affiant::log::inclusion::{InclusionError, InclusionProof};
use affiant::log::merkle::{empty_root, node_hash};
use data_encoding::BASE64;
use serde_json::Value;

/// The roots of these are 12 bytes of prose, which no `Hash` can hold, and yet they expect success: upstream
/// compares what it is given, or nothing at all where the subtree is empty. Ours refuses them as no hashes.
const KNOWN_EXCEPTIONS: [&str; 4] = [
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
    "subtreeconsistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
    "subtreeconsistency/additional/\
     subtree-is-empty-sizes-are-equal-one-subtree-root-valid-tree-root-random-proof-is-empty.json",
    "subtreeconsistency/additional/\
     subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-tree-root-random-proof-is-empty.json",
];

/// What a file's name says was changed, and the kinds of failure that may follow. Where more than one may, it
/// depends on whether the place or size that was named instead has a path of the same shape. The first match counts.
const KINDS: [(&str, &[&str]); 28] = [
    ("garbage", &["not a hash"]),
    ("removed-component", &["path too short"]),
    ("empty-proof", &["path too short"]),
    ("truncated-proof", &["path too short"]),
    ("size2-mul", &["path too short"]),
    ("treeSize-mul", &["path too short"]),
    ("inserted-component", &["path too long"]),
    ("trailing-root", &["path too long"]),
    ("preceding-root", &["path too long"]),
    ("preceding-proof", &["path too long"]),
    ("proof-is-not-empty", &["path too long"]),
    ("size1-is-zero-is-useless", &["path too long"]),
    ("modified-proof", &["wrong root"]),
    ("swapped-roots", &["wrong root"]),
    ("random-root", &["wrong root"]),
    ("leafIdx", &["index outside", "path too short", "wrong root"]),
    ("treeSize-div", &["index outside", "path too long", "not a subtree"]),
    ("size1-XOR", &["path too long", "path too short", "not a subtree"]),
    ("size1-plus", &["path too long", "path too short"]),
    ("size1-sub", &["path too long", "path too short"]),
    ("size2-div", &["path too long", "shrinks"]),
    ("oob", &["index outside"]),
    ("invalid", &["not a subtree"]),
    ("start-larger-than-end", &["not a subtree"]),
    ("start-equals-end", &["index outside"]),
    ("everything-zero", &["index outside"]),
    ("empty-root", &["wrong root", "index outside", "not a hash", "not a subtree"]),
    ("", &["not a hash", "not a subtree"]), // The rest have leaves or roots of prose.
];

#[test]
fn inclusion_vectors_fail_as_expected() {
    check("inclusion", 98, 6, |vector| {
        let (index, size) = (number(vector, "leafIdx"), number(vector, "treeSize"));
        inclusion(vector, index, size)
    });
}

#[test]
fn consistency_vectors_fail_as_expected() {
    check("consistency", 98, 6, |vector| {
        let (old_size, new_size) = (number(vector, "size1"), number(vector, "size2"));
        consistency(vector, old_size, new_size)
    });
}

#[test]
fn subtree_inclusion_vectors_fail_as_expected() {
    check("subtreeinclusion", 204, 12, |vector| {
        let (index, start, end) = (number(vector, "leafIdx"), number(vector, "start"), number(vector, "end"));
        if !is_subtree(start, end) {
            return "not a subtree";
        }
        match index.checked_sub(start) {
            Some(index) => inclusion(vector, index, end - start),
            None => "index outside",
        }
    });
}

#[test]
fn subtree_consistency_vectors_fail_as_expected() {
    check("subtreeconsistency", 118, 12, |vector| {
        let (start, end, size) = (number(vector, "start"), number(vector, "end"), number(vector, "size"));
        let by_the_draft = subtree_consistency(vector, start, end, size);
        if start == 0 {
            let ours = consistency(vector, end, size);
            assert_eq!(by_the_draft == "holds", ours == "holds", "{vector}");
            return ours;
        }
        by_the_draft
    });
}

fn check(folder: &str, count: usize, valid_count: usize, verify: impl Fn(&Value) -> &'static str) {
    let Some(root) = super::folder("transparency-dev-merkle") else { return };
    let mut files = Vec::new();
    collect(&root.join(folder), &mut files);
    assert_eq!(files.len(), count, "{folder}");
    let mut held = 0;
    for file in &files {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let vector: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let found = verify(&vector);
        let valid = !vector["wantErr"].as_bool().unwrap();
        if KNOWN_EXCEPTIONS.contains(&name) {
            assert_eq!((valid, found), (true, "not a hash"), "{name} is no exception any more");
            held += 1;
        } else if valid {
            assert_eq!(found, "holds", "{name}");
            held += 1;
        } else {
            let stem = file.file_stem().unwrap().to_str().unwrap();
            let (_, kinds) = KINDS.iter().find(|(change, _)| stem.contains(change)).unwrap();
            assert!(kinds.contains(&found), "{name}: {found}, expected one of {kinds:?}");
        }
    }
    assert_eq!(held, valid_count, "{folder}");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn inclusion(vector: &Value, index: u64, tree_size: u64) -> &'static str {
    let (Some(path), Some(leaf), Some(root)) = (path(vector), hash(&vector["leafHash"]), hash(&vector["root"])) else {
        return "not a hash";
    };
    match (InclusionProof { index, tree_size, path }).verify(leaf, root) {
        Ok(()) => "holds",
        Err(InclusionError::IndexOutsideTree { .. }) => "index outside",
        Err(InclusionError::PathTooLong { .. }) => "path too long",
        Err(InclusionError::PathTooShort { .. }) => "path too short",
        Err(InclusionError::WrongRoot { .. }) => "wrong root",
    }
}

fn consistency(vector: &Value, old_size: u64, new_size: u64) -> &'static str {
    let (Some(path), Some(old), Some(new)) = (path(vector), hash(&vector["root1"]), hash(&vector["root2"])) else {
        return "not a hash";
    };
    match (ConsistencyProof { old_size, new_size, path }).verify(old, new) {
        Ok(()) => "holds",
        Err(ConsistencyError::PathTooLong { .. }) => "path too long",
        Err(ConsistencyError::PathTooShort { .. }) => "path too short",
        Err(ConsistencyError::Shrinks { .. }) => "shrinks",
        Err(ConsistencyError::WrongNewRoot { .. } | ConsistencyError::WrongOldRoot { .. }) => "wrong root",
    }
}

/// A subtree starts at a multiple of the least power of two that holds it; an empty one may start anywhere.
fn is_subtree(start: u64, end: u64) -> bool {
    let width = end.checked_sub(start).and_then(u64::checked_next_power_of_two);
    width.is_some_and(|width| start.is_multiple_of(width))
}

/// draft-ietf-plants-merkle-tree-certs, "Verifying a Subtree Consistency Proof", in its names.
fn subtree_consistency(vector: &Value, start: u64, end: u64, size: u64) -> &'static str {
    if !is_subtree(start, end) {
        return "not a subtree";
    }
    if end > size {
        return "shrinks";
    }
    let (Some(path), Some(subtree), Some(root)) = (path(vector), hash(&vector["root1"]), hash(&vector["root2"])) else {
        return "not a hash";
    };
    if start == end {
        return match path.len() {
            0 if subtree == empty_root() => "holds",
            0 => "wrong root",
            _ => "path too long",
        };
    }
    let (mut fnn, mut sn, mut tn) = (start, end - 1, size - 1);
    while fnn != sn && (sn == tn || sn % 2 == 1) {
        (fnn, sn, tn) = (fnn >> 1, sn >> 1, tn >> 1);
    }
    let mut path = path.into_iter();
    let first = if fnn == sn { Some(subtree) } else { path.next() };
    let Some((mut fr, mut sr)) = first.map(|first| (first, first)) else { return "path too short" };
    for c in path {
        if tn == 0 {
            return "path too long";
        }
        if sn % 2 == 1 || sn == tn {
            fr = if fnn < sn { node_hash(c, fr) } else { fr };
            sr = node_hash(c, sr);
            while sn % 2 == 0 {
                (fnn, sn, tn) = (fnn >> 1, sn >> 1, tn >> 1);
            }
        } else {
            sr = node_hash(sr, c);
        }
        (fnn, sn, tn) = (fnn >> 1, sn >> 1, tn >> 1);
    }
    match tn {
        0 if fr == subtree && sr == root => "holds",
        0 => "wrong root",
        _ => "path too short",
    }
}

fn number(vector: &Value, field: &str) -> u64 {
    vector[field].as_u64().unwrap_or_else(|| panic!("{field} in {vector}"))
}

fn path(vector: &Value) -> Option<Vec<Hash>> {
    vector["proof"].as_array().map_or(Some(Vec::new()), |path| path.iter().map(hash).collect())
}

fn hash(value: &Value) -> Option<Hash> {
    Hash::from_slice(&BASE64.decode(value.as_str()?.as_bytes()).ok()?).ok()
}
