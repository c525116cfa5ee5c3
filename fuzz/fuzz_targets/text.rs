//! Text renditions: the same bytes give the same text, in LF lines, not much longer than the page.
#![no_main]

use affiant::document::media_type::Kind;
use affiant::document::text::render;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for content_type in ["text/html", "text/html; charset=utf-8", "text/plain; charset=utf-8"] {
        let first = render(bytes, Some(content_type)).expect("small enough");
        assert_eq!(first, render(bytes, Some(content_type)).expect("small enough"));
        let Some(rendition) = first else {
            continue;
        };
        let text = rendition.text;
        assert!(text.is_empty() || text.ends_with('\n'));
        assert!(!text.ends_with("\n\n"));
        assert!(!text.contains('\r'));
        // Sixteen levels of four spaces and a marker before every line of one character.
        assert!(text.len() <= 200 * bytes.len(), "{} bytes from {}", text.len(), bytes.len());
        // A second byte order mark is text, and would be the first one of what is read again.
        if rendition.kind == Kind::PlainText && !text.starts_with('\u{feff}') {
            let again = render(text.as_bytes(), Some("text/plain; charset=utf-8")).expect("small enough");
            assert!(again.is_none_or(|again| again.kind != Kind::PlainText || again.text == text));
        }
    }
});
