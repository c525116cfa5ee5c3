//! What a bundle withholds: what it says of it; and behind an empty line the lines of parts, and behind another the text.
#![no_main]

use affiant::base::hash::Hash;
use affiant::evidence::parts::{Redacted, Seed};
use affiant::evidence::withheld::Withheld;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(withheld) = Withheld::parse(bytes) {
        assert_eq!(withheld.encode().into_bytes(), bytes);
    }
    let end = |bytes: &[u8]| bytes.windows(2).position(|two| two == b"\n\n").map_or(bytes.len(), |at| at + 1);
    let (lines, text) = bytes.split_at(end(bytes));
    let text = text.get(1..).unwrap_or_default();
    if let Ok(redacted) = Redacted::parse(text.to_vec(), lines) {
        assert_eq!(redacted.lines().into_bytes(), lines);
        // Nobody finds a text for a hash that was chosen before.
        assert!(redacted.verify(text.len().try_into().unwrap(), Hash::of(b"chosen before")).is_err());
        assert!(redacted.ranges().iter().all(|range| !redacted.shows(range)));
    }
    if let Ok(text) = std::str::from_utf8(text) {
        let size = u64::try_from(text.len()).unwrap();
        let seed = Seed::from_bytes([7; 32]);
        if let Ok(redacted) = seed.withhold(text, &[size / 4..size / 2]) {
            assert_eq!(redacted.verify(size, seed.commit(text.as_bytes())), Ok(()));
            assert!(std::str::from_utf8(redacted.text()).is_ok());
        }
    }
});
