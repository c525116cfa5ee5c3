//! Policies: what parses prints as something that parses to the same, and no quorum is met by nobody.
#![no_main]

use std::sync::LazyLock;

use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::log::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use affiant::log::key::Ed25519SecretKey;
use affiant::log::policy::{Policy, Quorum};
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey};

static SIGNED: LazyLock<SignedCheckpoint> = LazyLock::new(|| {
    let key = |name: &str, secret| SignerKey::new(KeyName::new(name).expect("a name"), secret);
    let log = "log.example.org/affiant";
    let checkpoint = Checkpoint { origin: Origin::new(log).expect("an origin"), size: 42, root: Hash::of(b"abc") };
    let time = Time::from_seconds(1_000).expect("a time");
    let keys = [key(log, NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[1; 32])))];
    SignedCheckpoint::sign(&checkpoint, time, &keys).expect("signs")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse(bytes) else {
        return;
    };
    let encoded = policy.encode();
    assert_eq!(Policy::parse(&encoded).as_ref(), Ok(&policy));
    if let Ok(report) = policy.check(&SIGNED)
        && *policy.quorum() != Quorum::None
    {
        // The checkpoint has no witness at all.
        assert!(!report.quorum.is_met());
        assert_eq!(report.quorum.witnessed, 0);
    }
});
