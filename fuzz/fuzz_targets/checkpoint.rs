//! Checkpoints: what parses re-encodes to the same bytes, and only the signed words verify.
#![no_main]

use std::sync::LazyLock;

use affiant::log::checkpoint::{Checkpoint, SignedCheckpoint};
use affiant::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey, VerifierKey};

static KEYS: LazyLock<[VerifierKey; 3]> = LazyLock::new(|| {
    let key = |name: &str, secret| SignerKey::new(KeyName::new(name).expect("a name"), secret).verifier().clone();
    let log = "log.example.org/affiant";
    [
        key(log, NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[1; 32]))),
        key(log, NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[2; 32]))),
        key("witness.example.org/w", NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[3; 32]))),
    ]
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok((checkpoint, extension)) = Checkpoint::parse_text(text)
    {
        let start = checkpoint.text();
        assert!(text.starts_with(&start));
        assert_eq!(extension.is_empty(), text == start);
        assert_eq!(Checkpoint::parse_text(&start), Ok((checkpoint, Vec::new())));
    }
    let Ok(signed) = SignedCheckpoint::parse(bytes) else {
        return;
    };
    assert_eq!(signed.encode(), bytes);
    if let Ok(signers) = signed.verify(&*KEYS) {
        assert!(!signers.is_empty());
        // What was signed in the seeds is size 42; a fuzzer cannot sign anything else.
        assert_eq!(signed.checkpoint().size, 42);
    }
});
