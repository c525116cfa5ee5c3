//! Entries: the records of the whole log, once through.

use super::WithdrawError;

use crate::archivist::progress::Progress;
use crate::archivist::read::{Entry, Log, ReadError};

/// Reads every entry whose record is not withdrawn, in order. A damaged one ends it: it may name anything.
pub(super) fn each_entry(
    log: &Log<'_>,
    progress: &dyn Progress,
    mut take: impl FnMut(&Entry) -> Result<(), WithdrawError>,
) -> Result<(), WithdrawError> {
    let act = progress.begin("reading records", Some(log.size()));
    for index in 0..log.size() {
        match log.entry(index) {
            Ok(entry) => take(&entry)?,
            Err(ReadError::Withdrawn { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        act.advance(1);
    }
    Ok(())
}
