//! Outcomes: a response head, an empty line, then a body; a reason stands unless the page is complete.
#![no_main]

use affiant::document::exchange::{Response, isomorphic_decode};
use affiant::document::media_type;
use affiant::document::outcome::{OutcomeKind, Visit, judge};
use affiant::document::text::render;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let (head, body) = bytes.split_at(end);
    let head = isomorphic_decode(head);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(200);
    let response = Response { status, head };
    let last = response.values("location").next().unwrap_or("https://example.com/").to_owned();
    let content_type = response.values("content-type").next();
    let text = render(body, content_type).ok().flatten();
    let transport = ["reset".to_owned()];
    for transport in [&[][..], &transport] {
        let visit = Visit {
            target: "https://example.com/",
            last: &last,
            response: Some(&response),
            transport,
            body,
            kind: media_type::kind(body, content_type),
            text: text.as_ref().map(|text| text.text.as_str()),
        };
        let outcome = judge(&visit);
        assert_eq!(outcome, judge(&visit));
        assert_eq!(outcome.kind == OutcomeKind::Complete, outcome.reasons.is_empty(), "{outcome:?}");
        let is_whole = (200..300).contains(&status) && status != 206 && !body.is_empty() && transport.is_empty();
        assert!(is_whole || outcome.kind != OutcomeKind::Complete);
    }
});
