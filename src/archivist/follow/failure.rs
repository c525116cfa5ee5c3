//! Why a second copy was left as it was.

use std::fmt;
use std::path::PathBuf;

use crate::archivist::read::ReadError;
use crate::base::hash::Hash;
use crate::log::checkpoint::{CheckpointError, Origin};
use crate::log::tile::{ReadTileError, TileError};
use crate::outside::archive::ArchiveError;
use crate::outside::archive::packs::PackError;

/// Two checkpoints that do not go together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pair {
    /// The size that the copy holds.
    pub held_size: u64,
    /// Its root.
    pub held_root: Hash,
    /// The size that was found.
    pub found_size: u64,
    /// Its root.
    pub found_root: Hash,
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held_size, held_root, found_size, found_root } = self;
        write!(
            f,
            "the copy holds {held_size} entries under root {held_root}, the other {found_size} under {found_root}"
        )
    }
}

impl FollowError {
    /// Says whether the two copies tell different histories, so that looking again is of no use.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        matches!(
            self,
            Self::Forked { .. } | Self::NotGrown(_) | Self::OtherLog { .. } | Self::Shrunk(_) | Self::Untrusted { .. }
        )
    }
}

/// Why a second copy was left as it was.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum FollowError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error("a bundle cannot be written")]
    Encoding(#[source] TileError),
    #[error("the log has forked: {pair}; both are signed, and `{}` proves it", proof.display())]
    Forked { pair: Pair, proof: PathBuf },
    #[error("cannot read a part of the tree")]
    Nodes(#[source] Box<ReadTileError<ArchiveError>>),
    #[error("the log has not only grown: {0}, which does not begin with what the copy holds")]
    NotGrown(Pair),
    #[error("`{}` holds the log `{held}`, and the checkpoint is of `{found}`", folder.display())]
    OtherLog { folder: PathBuf, held: Origin, found: Origin },
    #[error("`archive.toml` has the prefix `{found}`, and entry 0 says `{expected}`")]
    OtherPrefix { expected: String, found: String },
    #[error("`{}` does not begin with what was copied from it before", path.display())]
    OtherSegment { path: PathBuf },
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the log is shorter than its copy: {0}")]
    Shrunk(Pair),
    #[error("no key that you trust for the log `{origin}` has signed its checkpoint")]
    Untrusted { origin: Origin },
    #[error("the checkpoint promises the root {promised} at size {size}, and the tree that lies there has {found}")]
    WrongRoot { size: u64, promised: Hash, found: Hash },
}
