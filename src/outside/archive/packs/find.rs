//! Finding a blob: by the rows of the segments, and where they fail by walking the members.

use std::io;

use super::lookup::Row;
use super::{Member, PackError, Packs};

use crate::base::hash::Hash;

/// How often a reader looks again when a segment goes while it looks: erasing replaces segments once, not for ever.
const LOOK_COUNT_MAX: usize = 8;

/// Looks again when a segment's file is gone: it was rewritten, and its blobs lie elsewhere by then.
fn retrying<T>(mut look: impl FnMut() -> Result<T, PackError>) -> Result<T, PackError> {
    let mut count = 1;
    loop {
        match look() {
            Err(error) if is_of_rewriting(&error) && count < LOOK_COUNT_MAX => count += 1,
            other => return other,
        }
    }
}

/// Says whether an error may come from a segment that was rewritten meanwhile: its file is gone, or a base is, in which
/// case the blob lies elsewhere as a plain frame.
fn is_of_rewriting(error: &PackError) -> bool {
    match error {
        PackError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        PackError::Base { source, .. } => matches!(**source, PackError::Missing { .. }) || is_of_rewriting(source),
        _ => false,
    }
}

impl Packs {
    /// Says whether a blob is held, by its row alone.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn contains(&self, hash: Hash) -> Result<bool, PackError> {
        retrying(|| Ok(self.find(hash)?.is_some()))
    }

    /// Finds a blob and reads it with `read`; again, when its segment went between the two.
    pub(super) fn find_and<T>(
        &self,
        hash: Hash,
        mut read: impl FnMut(u32, &Member) -> Result<T, PackError>,
    ) -> Result<T, PackError> {
        retrying(|| {
            let (segment, member) = self.find_to_read(hash)?;
            read(segment, &member)
        })
    }

    /// Finds a blob by its row and reads it with `read`; nothing when no row leads to it.
    pub(super) fn find_listed_and<T>(
        &self,
        hash: Hash,
        mut read: impl FnMut(u32, &Member) -> Result<T, PackError>,
    ) -> Result<Option<T>, PackError> {
        retrying(|| self.find(hash)?.map(|(segment, member)| read(segment, &member)).transpose())
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

    pub(super) fn find(&self, hash: Hash) -> Result<Option<(u32, Member)>, PackError> {
        let expected = self.tables.expected();
        if let Some(segment) = expected
            && let Some(member) = self.find_in(segment, hash)?
        {
            return Ok(Some((segment, member)));
        }
        let found = self.find_anywhere(hash, expected)?;
        if let Some((segment, _)) = found {
            self.tables.expect(segment);
        }
        Ok(found)
    }

    fn find_anywhere(&self, hash: Hash, but: Option<u32>) -> Result<Option<(u32, Member)>, PackError> {
        // What is sealed and open already needs no look at the folder.
        let sealed = self.tables.sealed();
        for segment in sealed.iter().rev().filter(|segment| Some(**segment) != but) {
            if let Some(member) = self.find_in(*segment, hash)? {
                return Ok(Some((*segment, member)));
            }
        }
        // The active segment comes last: the others are searched without reading their rows.
        let mut others = self.segments()?;
        others.retain(|segment| sealed.binary_search(segment).is_err() && Some(*segment) != but);
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
            let found = match find()? {
                Row::Nowhere => return Ok(None),
                // Whoever finds a segment gone looks again, without what was open of it.
                Row::Behind(start) => return walk(start).inspect_err(|_| self.tables.forget(segment)),
                Row::At(offset) => {
                    let found = self.member_at(segment, offset).inspect_err(|_| self.tables.forget(segment))?;
                    found.filter(|member| member.hash == hash)
                }
            };
            if found.is_some() {
                return Ok(found);
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
