//! Mirror: a second copy of an archive that the reader does not have to trust.
//!
//! Each new checkpoint must bear a signature by a log key of the reader's policy, and the log must only have grown since
//! the one that the mirror holds ([`super::follow`]). A source that shows another history is refused, and where two
//! checkpoints of one size contradict one another the proof is kept in the mirror's folder.

use std::path::Path;

use super::follow::{FollowError, Followed, Trust, follow};
use super::progress::Progress;

use crate::base::time::Time;
use crate::log::policy::Policy;
use crate::outside::archive::Archive;

/// Brings the mirror in `folder` up to date.
///
/// # Errors
/// As [`follow`]: the mirror is then what it was.
pub fn mirror(
    source: &Path,
    folder: &Path,
    policy: &Policy,
    now: Time,
    progress: &dyn Progress,
) -> Result<Followed, FollowError> {
    follow(&Archive::open(source)?, folder, Trust::Policy(policy), now, progress)
}
