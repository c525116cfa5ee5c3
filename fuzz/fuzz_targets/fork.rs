//! Fork proofs: what parses re-encodes to the same bytes, and nobody's key has signed both.
#![no_main]

use std::sync::LazyLock;

use affiant::log::fork::ForkProof;
use affiant::log::key::Ed25519SecretKey;
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey, VerifierKey};

static KEY: LazyLock<[VerifierKey; 1]> = LazyLock::new(|| {
    let secret = NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[9; 32])); // Signed none of the seeds.
    [SignerKey::new(KeyName::new("example.com/log").expect("a name"), secret).verifier().clone()]
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(proof) = ForkProof::parse(bytes) else {
        return;
    };
    assert_eq!(proof.encode(), bytes);
    let [first, second] = proof.roots();
    assert!(first < second);
    assert!(proof.signers(&*KEY).map_or(0, |signers| signers.len()) == 0);
});
