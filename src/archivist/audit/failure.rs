//! Failures: members of the packs that are not the blobs that they say.

use crate::base::hash::Hash;
use crate::outside::archive::packs::Packs;

/// A member that is not the blob that it says.
pub(super) struct Failure {
    pub(super) hash: Hash,
    pub(super) segment: u32,
    pub(super) offset: u64,
    pub(super) found: String,
}

impl Failure {
    /// Takes what an earlier run found.
    pub(super) fn earlier(packs: &Packs, segment: u32, (offset, found): &(u64, String)) -> Option<Self> {
        let hash = packs.member_at(segment, *offset).ok().flatten()?.hash;
        Some(Self { hash, segment, offset: *offset, found: found.clone() })
    }
}

/// Says whether a blob lies elsewhere, because its segment was rewritten meanwhile and is gone.
pub(super) fn has_moved(packs: &Packs, segment: u32, hash: Hash) -> bool {
    !packs.path(segment).exists() && packs.copy(hash, &mut std::io::sink()).is_ok()
}
