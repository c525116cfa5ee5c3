//! Replay: what a journal will put in its place, found out without writing.
//!
//! The next writer will replay the journal ([`super::writer`]). Until then an audit must know what of that will put right
//! what it finds wrong: no more than the writer would write, and nothing where the writer would refuse. So the same edge
//! of the tree is read here, the same statements are appended, and the same roots are compared.

use super::growth::Growth;
use super::packs::TailMembers;
use super::{Archive, ArchiveError};

use crate::base::hash::Hash;
use crate::log::journal::Found;
use crate::log::merkle;
use crate::log::tile::Tile;

/// What the next writer will find in a journal.
pub struct Replay<'f> {
    found: &'f Found,
    tiles: Vec<Tile>,
    members: TailMembers<'f>,
    /// The log's root at each size that the journal says.
    roots: Vec<(u64, Hash)>,
}

impl<'f> Replay<'f> {
    /// Finds out what a journal will put in its place.
    ///
    /// # Errors
    /// An [`ArchiveError`], as the writer will meet it: the journal is of another copy, or what it goes on from is damaged.
    pub fn of(archive: &'f Archive, found: &'f Found) -> Result<Self, ArchiveError> {
        let tails = found.commits.iter().filter_map(|commit| commit.pack.as_ref());
        let members = TailMembers::of(archive.packs(), tails)?;
        let mut growth = Growth::at(archive, found.base.size)?;
        growth.expect_root(found.base.root)?;
        let mut roots = vec![(growth.size(), growth.root())];
        for commit in &found.commits {
            commit.statements.iter().for_each(|statement| growth.append(statement));
            growth.expect_root(commit.root)?;
            roots.push((growth.size(), growth.root()));
        }
        let tiles = growth.take_changed().into_iter().map(|(tile, _)| tile).collect();
        Ok(Self { found, tiles, members, roots })
    }

    /// Says whether a tile's file will be written, or one that holds all of it and more.
    #[must_use]
    pub fn puts(&self, tile: &Tile) -> bool {
        let is_of = |put: &&Tile| put.kind() == tile.kind() && put.index() == tile.index();
        self.tiles.iter().find(is_of).is_some_and(|put| put.width() >= tile.width())
    }

    /// Reads a blob that will be whole; nothing when the journal does not have it.
    #[must_use]
    pub fn read(&self, blob: Hash) -> Option<Vec<u8>> {
        self.members.read(blob)
    }

    /// Returns entry 0's statement: the journal's, or that of the log that it goes on from.
    #[must_use]
    pub fn first_statement(&self, archive: &Archive) -> Option<Vec<u8>> {
        if self.found.base.size > 0 {
            return archive.statement(0, self.found.base.size).ok();
        }
        self.found.commits.first()?.statements.first().cloned()
    }

    /// Returns the root that the log has at a size; nothing where the journal ends before it.
    #[must_use]
    pub fn root_at(&self, archive: &Archive, size: u64) -> Option<Hash> {
        if size < self.found.base.size {
            return merkle::root(&archive.nodes(self.found.base.size), size).ok();
        }
        self.roots.iter().find(|(at, _)| *at == size).map(|(_, root)| *root)
    }
}
