//! Captions: what parses says nothing that was not said.
#![no_main]

use affiant::evidence::exhibit::Caption;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(caption) = Caption::parse(text) else { return };
    for line in caption.court.iter().chain(caption.sides.iter().flat_map(|side| &side.names)) {
        assert!(text.contains(line.as_str()) && !line.is_empty());
    }
});
