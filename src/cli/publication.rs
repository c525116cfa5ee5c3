//! What every command that writes does around it: others are asked before anything is signed, and told afterwards.

use super::failure::Failure;
use super::settings::Settings;
use super::{timestamp, witness};

/// Asks what must be known before anything is signed.
pub(super) fn before(settings: &Settings) -> Result<(), Failure> {
    witness::before_writing(settings)
}

/// Shows what was published to witnesses, then has it dated. The archive must not be open for writing any more: what the
/// witnesses sign is put under its checkpoint.
pub(super) fn after(settings: &Settings) {
    witness::after_publication(settings);
    timestamp::after_publication(settings);
}
