//! Backup: what the archive has published, kept once more in a folder that is an archive itself.
//!
//! Incremental: sealed segments and full tiles are copied once and never touched again, the active segment grows, the
//! checkpoint is swapped last. A writer may be at work meanwhile. A backup that was cut short goes on where it stopped,
//! and until its checkpoint is swapped the folder is the backup before, whole. Everything copied is checked
//! ([`super::follow`]).
//!
//! Not copied: secret keys, which never lie in an archive; the index and the catalogue, which are derived; what no
//! checkpoint promises yet. To go on writing after a loss takes the keyring too: keep a copy of it elsewhere.

use std::path::Path;

use super::follow::{FollowError, Followed, Trust, follow};
use super::progress::Progress;

use crate::base::time::Time;
use crate::log::policy::Policy;
use crate::outside::archive::Archive;

/// Brings the backup in `folder` up to date.
///
/// # Errors
/// As [`follow`]: the backup is then what it was.
pub fn backup(
    archive: &Archive,
    folder: &Path,
    policy: Option<&Policy>,
    now: Time,
    progress: &dyn Progress,
) -> Result<Followed, FollowError> {
    follow(archive, folder, Trust::Own(policy), now, progress)
}
