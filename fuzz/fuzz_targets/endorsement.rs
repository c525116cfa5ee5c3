//! Endorsements, and what they say: nothing that a stranger sends makes the reader panic, and the text has one spelling but for
//! the ends of its lines.
#![no_main]

use affiant::evidence::endorsement::{Endorsement, KEY_COUNT_MAX, Wording};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(wording) = Wording::parse(bytes) {
        assert!((1..=KEY_COUNT_MAX).contains(&wording.keys.len()));
        let text = wording.encode();
        assert_eq!(Wording::parse(text.as_bytes()).ok().as_ref(), Some(&wording));
        assert_eq!(String::from_utf8_lossy(bytes).replace("\r\n", "\n"), text);
    }
    for text in [None, Some(bytes)] {
        let Ok(imported) = Endorsement::import(bytes, text) else { continue };
        let endorsement = Endorsement::read(&imported).expect("what was imported can be read");
        let _ = (endorsement.signer(&[]), endorsement.signed().signing_time());
    }
});
