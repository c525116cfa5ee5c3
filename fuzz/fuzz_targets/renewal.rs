//! Renewals: nothing a stranger sends makes the reader panic, and what is read is one spelling.
#![no_main]

use affiant::evidence::renewal::{LongHash, Renewal, read_paths, write_paths};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(renewal) = Renewal::parse(bytes) {
        assert_eq!(renewal.encode(), bytes);
        assert!(!renewal.covers(LongHash::of(bytes), None, &[]));
    }
    if let Some(paths) = read_paths(bytes) {
        assert_eq!(write_paths(&paths), bytes);
        for path in paths {
            let _ = path.root(LongHash::of(bytes), path.leaf.saturating_add(3));
        }
    }
});
