//! Records: what decodes has one spelling and reads out as JSON.
#![no_main]

use affiant::base::cbor;
use affiant::base::hash::Hash;
use affiant::evidence::record::{Body, Genesis, PURPOSE, Record};
use affiant::evidence::succession::Succession;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // Random bytes seldom have their keys in order: put them in order and look again.
    if let Ok(value) = cbor::decode_lenient(bytes) {
        check(&cbor::encode(&value));
    }
});

fn check(bytes: &[u8]) {
    let Ok(record) = Record::decode(bytes) else {
        assert!(Record::read_out(bytes).is_err());
        return;
    };
    assert_eq!(record.encode(), bytes);
    let text = Record::read_out(bytes).expect("what decodes reads out").to_string();
    let json: serde_json::Value = serde_json::from_str(&text).expect("a reading is JSON");
    assert_eq!(json["kind"], record.body.kind());
    assert_eq!(json["index"], record.index);
    assert_eq!(json["origin"], record.origin);
    if let Body::Key(change) = &record.body {
        // What is signed is a part of the bytes, and a stranger's change is nobody's.
        let signed = change.to_be_signed();
        let part = signed.strip_prefix(PURPOSE).expect("the purpose comes first");
        assert!(!part.is_empty() && bytes.starts_with(part));
        let genesis = Genesis { prefix: "AF".into(), keys: Vec::new(), recovery: Hash::of(b""), policy: String::new() };
        let mut succession = Succession::begin(&genesis, &record.origin);
        let before = succession.clone();
        assert!(succession.take(&record).is_err() && succession == before);
    }
    if let Some(visit) = record.body.visit() {
        assert_eq!(visit.likeness(), visit.likeness());
        assert!(visit.blobs().contains(&visit.primary.sha256));
    }
}
