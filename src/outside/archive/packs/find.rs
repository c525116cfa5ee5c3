//! Finding a blob: by the rows of the segments, and where they fail by walking the members.

use std::fs::{self, File};
use std::io;

use super::member::read_member;
use super::rows::{find_sorted, find_unsorted, last_offset};
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
        for segment in self.segments()?.into_iter().rev() {
            if let Some(member) = self.find_in(segment, hash)? {
                return Ok(Some((segment, member)));
            }
        }
        Ok(None)
    }

    pub(super) fn find_in(&self, segment: u32, hash: Hash) -> Result<Option<Member>, PackError> {
        let path = self.path(segment);
        let io_error = |source| PackError::Io { path: path.clone(), source };
        let (row, rows_end) = if let Ok(index) = File::open(path.with_extension("index")) {
            (find_sorted(&index, hash).map_err(io_error)?, None)
        } else {
            let rows = fs::read(path.with_extension("rows")).unwrap_or_default();
            (find_unsorted(&rows, hash), Some(last_offset(&rows)))
        };
        if let Some(offset) = row {
            let mut file = File::open(&path).map_err(io_error)?;
            let length = file.metadata().map_err(io_error)?.len();
            // A row that points at something else is damage to derived bytes: walk instead.
            if let Some(member) = read_member(&mut file, offset, length).filter(|member| member.hash == hash) {
                return Ok(Some(member));
            }
            return Ok(self.walk(segment, 0)?.filter_map(Result::ok).find(|member| member.hash == hash));
        }
        match rows_end {
            // Members behind the last row: a crash came between the two files, or a writer is at work.
            Some(start) => Ok(self.walk(segment, start)?.filter_map(Result::ok).find(|member| member.hash == hash)),
            None => Ok(None),
        }
    }
}
