//! COSE_Sign1: ours re-encode to the same bytes, other people's settle after one encoding.
#![no_main]

use affiant::base::cose::Sign1;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Sign1::decode(bytes) {
        assert_eq!(envelope.encode(), bytes);
    }
    let Ok(envelope) = Sign1::decode_lenient(bytes) else {
        return;
    };
    envelope.protected_header().expect("a decoded envelope has a readable header");
    let encoded = envelope.encode();
    let again = Sign1::decode_lenient(&encoded).expect("what we write is readable");
    assert_eq!(again.encode(), encoded);
    assert_eq!(
        (&again.protected, &again.payload, &again.signature),
        (&envelope.protected, &envelope.payload, &envelope.signature)
    );
});
