//! Floor 1: the transparency log.
//!
//! Signed notes and the keys under them, the Merkle tree and its proofs, tiles, checkpoints,
//! cosignatures, the reader's policy, and the two forms in which a proof travels. Pure: what is
//! logged, and where the files lie, is for the floors above.

pub mod agent;
pub mod key;
pub mod key_file;
pub mod note;
pub mod vkey;

pub mod consistency;
pub mod inclusion;
pub mod journal;
pub mod merkle;
pub mod tile;

pub mod checkpoint;
pub mod cosignature;
pub mod fork;
pub mod policy;
pub mod policy_text;
pub mod witness;

pub mod proof;
pub mod receipt;
