//! HTTP heads: bytes survive as text, and a field never holds the end of a line.
#![no_main]

use affiant::document::exchange::{Response, fields, isomorphic_decode, isomorphic_encode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let head = isomorphic_decode(bytes);
    assert_eq!(isomorphic_encode(&head).as_deref(), Some(bytes));

    let response = Response { status: 200, head: head.clone() };
    for (name, value) in fields(&head) {
        assert!(!name.contains(':'));
        assert!(!name.contains("\r\n") && !value.contains("\r\n"));
        assert!(response.values(&name.to_ascii_lowercase()).any(|found| found == value));
    }
    let start = head.split("\r\n").next().unwrap_or_default();
    let printed: String = fields(&head).map(|(name, value)| format!("{name}:{value}\r\n")).collect();
    let printed = format!("{start}\r\n{printed}\r\n");
    assert!(fields(&printed).eq(fields(&head)));
});
