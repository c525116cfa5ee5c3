//! Requests to witnesses and what they answer: what parses re-encodes to the same bytes, and nobody's log is signed.
#![no_main]

use affiant::evidence::anchor::read_cosignature;
use affiant::log::witness::{AddCheckpoint, decode_size, encode_size, parse_lines};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.encode(), bytes);
        assert!(request.judge(&[], None).is_err());
    }
    if let Ok(lines) = parse_lines(bytes) {
        assert_eq!(lines.iter().map(|line| line.line()).collect::<String>().as_bytes(), bytes);
    }
    if let Some(line) = read_cosignature(bytes) {
        assert_eq!(line.line().as_bytes(), bytes);
    }
    if let Some(size) = decode_size(bytes) {
        assert_eq!(encode_size(size).as_bytes(), bytes);
    }
});
