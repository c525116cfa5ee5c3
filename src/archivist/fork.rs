//! Fork: where two checkpoints of one log contradict one another, the proof is kept.

use std::path::{Path, PathBuf};

use crate::log::fork::ForkProof;
use crate::outside::archive::durable::{self, Access, WriteError};

/// Writes a fork proof into `folder`, and returns where it lies.
///
/// # Errors
/// When the file cannot be written.
pub fn keep(folder: &Path, proof: &ForkProof) -> Result<PathBuf, WriteError> {
    let path = folder.join(name(proof.size()));
    write(&path, proof)?;
    Ok(path)
}

/// Writes a fork proof to a file.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, proof: &ForkProof) -> Result<(), WriteError> {
    durable::swap(path, &proof.encode(), Access::Public)
}

/// Names the file of a fork proof.
#[must_use]
pub fn name(size: u64) -> String {
    format!("fork-at-{size}.proof")
}
