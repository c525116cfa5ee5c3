//! Content codings: a `Content-Encoding` line, a line feed, then a body; the limit holds.
#![no_main]

use std::io::Write;

use affiant::document::content_coding::undo;
use flate2::Compression;

const LIMIT_BYTES: usize = 1 << 20;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (line, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    let line = String::from_utf8_lossy(line);
    let undone = undo(body, std::iter::once(&*line), LIMIT_BYTES);
    assert_eq!(undone, undo(body, std::iter::once(&*line), LIMIT_BYTES));
    if let Ok(undone) = undone {
        assert!(undone.len() <= LIMIT_BYTES.max(body.len()));
    }

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body).expect("memory");
    let gzip = gzip.finish().expect("memory");
    assert_eq!(undo(&gzip, std::iter::once("x-gzip"), LIMIT_BYTES).as_deref(), Ok(body));
});
