//! What an ssh-agent answers: nothing that it sends makes the reader panic.
#![no_main]

use affiant::log::agent::{IDENTITY_COUNT_MAX, read_identities, read_signature};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(keys) = read_identities(bytes) {
        assert!(keys.len() <= usize::try_from(IDENTITY_COUNT_MAX).unwrap_or(usize::MAX));
        // Each key takes its 51 bytes and two lengths, at least.
        assert!(keys.len() * 59 <= bytes.len());
    }
    if read_signature(bytes).is_ok() {
        assert_eq!(bytes.len(), 1 + 4 + 4 + 11 + 4 + 64);
    }
});
