//! Citations: entity, title, type and address on a line each; none can break out of its place.
#![no_main]

use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::evidence::citation::{Citation, Style, render};

libfuzzer_sys::fuzz_target!(|input: &str| {
    // A vertical tab parts the fields, so that they may hold line ends.
    let mut fields = input.split('\u{b}').map(str::to_owned);
    let citation = Citation {
        entity: fields.next(),
        title: fields.next(),
        document_type: fields.next(),
        id: "AF-C-000042-k".to_owned(),
        url: fields.next().unwrap_or_default(),
        final_url: fields.next(),
        captured_at: Time::from_seconds(1_679_315_147).expect("a time"),
        content_sha256: Hash::of(b"abc"),
        record_sha256: Hash::of(b"record"),
        archive_origin: "archive.example/log".to_owned(),
        ark: "ark:99999/afc000042k".to_owned(),
        accessed: None,
    };
    for style in Style::ALL {
        let text = render(&citation, style);
        assert_eq!(text, render(&citation, style));
        assert!(text.ends_with('\n'), "{style:?}");
        let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r');
        let is_direction =
            |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
        assert!(!text.contains(|c| is_control(c) || is_direction(c)), "{style:?}: {text:?}");
        match style {
            Style::Bibtex | Style::Biblatex => {
                let mut depth = 0_i32;
                for c in text.chars() {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    assert!(depth >= 0, "{text}");
                }
                assert_eq!(depth, 0, "{text}");
            }
            Style::CslJson => {
                serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
            }
            Style::Ris => {
                for line in text.trim_end().split("\r\n") {
                    assert!(line.get(2..5).is_some_and(|mark| mark == "  -"), "{text:?}");
                }
            }
            _ => {}
        }
    }
});
