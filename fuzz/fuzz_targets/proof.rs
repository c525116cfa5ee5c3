//! Proofs: what parses re-encodes to the same bytes, and checking a path never runs away.
#![no_main]

use affiant::base::hash::Hash;
use affiant::log::checkpoint::SignedCheckpoint;
use affiant::log::proof::Proof;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(proof) = Proof::parse(bytes) else {
        return;
    };
    assert_eq!(proof.encode(), bytes);
    let sizes = [0, 1, 3, proof.index, proof.index.saturating_add(1), u64::MAX];
    for size in sizes {
        if let Ok(root) = proof.inclusion(size).root(Hash::of(b"leaf")) {
            assert!(proof.index < size);
            assert_eq!(proof.inclusion(size).verify(Hash::of(b"leaf"), root), Ok(()));
            assert!(proof.inclusion(size).verify(Hash::of(b"other"), root).is_err());
        }
    }
    if let Ok(checkpoint) = SignedCheckpoint::parse(&proof.checkpoint) {
        assert_eq!(checkpoint.encode(), proof.checkpoint);
    }
});
