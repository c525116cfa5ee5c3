//! Other people's test vectors, read from `../shared/vectors` or `AFFIANT_VECTORS`.
//!
//! Where the folder is absent each test says so aloud and is skipped; with `CI` set it fails instead.

mod bagit;
mod cbor;
mod cose;
mod loose;
mod merkle;
mod notes;
mod proof;
mod receipt;
mod replay;
mod rfc9921;
mod signatures;
mod tsa;

use std::path::PathBuf;

/// Returns the path of a folder of vectors, or says aloud that the test is skipped.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    shared("vectors", "AFFIANT_VECTORS").map(|root| root.join(name))
}

/// Returns the folder of the shared corpus, or says aloud that the test is skipped.
pub(crate) fn corpus() -> Option<PathBuf> {
    shared("corpus", "AFFIANT_CORPUS")
}

fn shared(name: &str, variable: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    let root = std::env::var_os(variable).map_or(beside, PathBuf::from);
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is absent, and in CI nothing is skipped", root.display());
    eprintln!("SKIPPED: {} is absent (set {variable})", root.display());
    None
}
