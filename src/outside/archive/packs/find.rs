//! Finding a blob: by the rows of the segments, and where they fail by walking the members.

use std::io;

use super::lookup::Row;
use super::{Member, PackError, Packs};

use crate::base::hash::Hash;

impl Packs {
    /// Says whether a blob is held, by its row alone.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn contains(&self, hash: Hash) -> Result<bool, PackError> {
        Ok(self.find(hash)?.is_some())
    }

    /// Finds a blob to read. Where no row leads to it, the segments are walked: a damaged row hides no blob.
    pub(super) fn find_to_read(&self, hash: Hash) -> Result<(u32, Member), PackError> {
        if let Some(found) = self.find(hash)? {
            return Ok(found);
        }
        for segment in self.segments()? {
            let mut members = self.walk(segment, 0)?.filter_map(Result::ok);
            if let Some(member) = members.find(|member| member.hash == hash) {
                return Ok((segment, member));
            }
        }
        Err(PackError::Missing { hash })
    }

    fn find(&self, hash: Hash) -> Result<Option<(u32, Member)>, PackError> {
        // What is sealed and open already needs no look at the folder.
        let sealed = self.tables.sealed();
        for segment in sealed.iter().rev() {
            if let Some(member) = self.find_in(*segment, hash)? {
                return Ok(Some((*segment, member)));
            }
        }
        // The active segment comes last: the others are searched without reading their rows.
        let mut others = self.segments()?;
        others.retain(|segment| sealed.binary_search(segment).is_err());
        let active = others.pop();
        for segment in others.into_iter().rev().chain(active) {
            if let Some(member) = self.find_in(segment, hash)? {
                return Ok(Some((segment, member)));
            }
        }
        Ok(None)
    }

    pub(super) fn find_in(&self, segment: u32, hash: Hash) -> Result<Option<Member>, PackError> {
        let path = self.path(segment);
        let find = || self.tables.find(segment, &path, hash).map_err(|source| self.io_error(segment, source));
        let walk = |start| Ok(self.walk(segment, start)?.filter_map(Result::ok).find(|member| member.hash == hash));
        // What was open may be of a segment that has been rewritten since: look again before it is walked.
        for _ in 0..2 {
            match find()? {
                Row::Nowhere => return Ok(None),
                Row::Behind(start) => return if path.exists() { walk(start) } else { Ok(None) },
                Row::At(offset) => match self.member_at(segment, offset) {
                    Ok(Some(member)) if member.hash == hash => return Ok(Some(member)),
                    Err(PackError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
                    other => other.map(drop)?,
                },
            }
            self.tables.forget(segment);
        }
        // A row that points at something else is damage to derived bytes.
        walk(0)
    }

    fn io_error(&self, segment: u32, source: io::Error) -> PackError {
        PackError::Io { path: self.path(segment), source }
    }
}
