//! Seals: what reads is armored the same way again, and holds for its own words alone.
#![no_main]

use affiant::evidence::bundle::seal::Seal;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(seal) = Seal::from_armored(text) else {
        return;
    };
    assert_eq!(seal.to_armored(), text);
    let (key, namespace) = (*seal.public_key(), seal.namespace().to_owned());
    let holds = |message: &[u8]| seal.verify(&key, &namespace, message).is_ok();
    assert!(!(holds(b"one") && holds(b"other")));
    assert!(seal.verify(&key, &format!("{namespace}x"), b"one").is_err());
});
