//! Keys as text, of logs and of cosigners: what parses prints the same.
#![no_main]

use affiant::log::vkey::{KeyName, VerifierKey};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(name) = KeyName::new(text) {
        assert_eq!(name.as_str(), text);
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
        assert_eq!(VerifierKey::new(key.name().clone(), key.key().clone()).id(), key.id());
    }
});
