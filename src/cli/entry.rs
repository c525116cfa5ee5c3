//! Entries as they are named on the command line.

use super::failure::{Failure, WRONG_USE};
use super::output;

use crate::archivist::read::{Entry, Log};
use crate::base::id::{CheckCharacter, Id};
/// Finds an entry by its id, and says so when the id came without its check character.
pub(super) fn find(log: &Log<'_>, id: &str) -> Result<Entry, Failure> {
    let (entry, check) = log.find(id)?;
    if check == CheckCharacter::LeftOut {
        output::remark(&format!("affiant: `{id}` has no check character; taken as {}", entry.id));
    }
    Ok(entry)
}

/// Reads an id as `find` does, though the record may be withdrawn.
pub(super) fn id_of(log: &Log<'_>, id: &str) -> Result<Id, Failure> {
    match find(log, id) {
        Ok(entry) => Ok(entry.id),
        Err(_) if log.is_withdrawn(id) => Ok(Id::parse(id).map_err(|error| Failure::of(WRONG_USE, &error))?.0),
        Err(failure) => Err(failure),
    }
}
