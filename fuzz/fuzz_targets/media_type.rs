//! Media types and charsets: a `Content-Type` line, a line feed, then a body.
#![no_main]

use affiant::document::media_type::{self, MediaType};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (line, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    let line = String::from_utf8_lossy(line);
    if let Some(parsed) = MediaType::parse(&line) {
        let essence = parsed.essence().to_owned();
        assert_eq!(essence, essence.to_ascii_lowercase());
        assert_eq!(MediaType::parse(&essence).as_ref().map(MediaType::essence), Some(essence.as_str()));
    }
    for content_type in [None, Some(&*line)] {
        let kind = media_type::kind(body, content_type);
        assert_eq!(kind, media_type::kind(body, content_type));
        let encoding = media_type::charset(body, content_type, kind);
        let text = media_type::decode(body, encoding);
        assert!(text.len() <= body.len() * 3, "no byte becomes more than one character of three bytes");
    }
});
