//! RFC 8949 Appendix A: what our subset allows reads back to the byte, and what it does not is refused.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use affiant::base::cbor::{self, CborError, Value};
use serde_json::Value as Json;

#[test]
fn appendix_a_reads_back_or_is_refused() {
    let Some(folder) = super::folder("cbor") else { return };
    let bytes = std::fs::read(folder.join("appendix_a.json")).unwrap();
    let vectors: Vec<Json> = serde_json::from_slice(&bytes).unwrap();
    let (mut round_trips, mut refusals, mut compared) = (0, 0, 0);
    for vector in &vectors {
        let hex = vector["hex"].as_str().unwrap();
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        if let Some(at) = outside_subset(&bytes) {
            assert_eq!(cbor::decode(&bytes), Err(CborError::NotAllowed { at }), "{hex}");
            refusals += 1;
            continue;
        }
        assert_eq!(vector["roundtrip"], true, "{hex}: only what is outside our subset does not round-trip");
        let value = cbor::decode(&bytes).unwrap_or_else(|error| panic!("{hex}: {error}"));
        assert_eq!(cbor::encode(&value), bytes, "{hex}");
        round_trips += 1;
        if let Some(decoded) = vector.get("decoded").filter(|_| !matches!(value, Value::Tag(..))) {
            assert_eq!(json(&value), *decoded, "{hex}");
            compared += 1;
        }
    }
    assert_eq!((vectors.len(), round_trips, refusals, compared), (82, 44, 38, 34));
}

/// Finds the first head that our subset leaves out, by a walk over the heads of well-formed CBOR.
fn outside_subset(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        let (major, low) = (bytes[at] >> 5, usize::from(bytes[at] & 0x1f));
        if low == 31 || (major == 7 && !matches!(low, 20..=22)) {
            return Some(at);
        }
        let argument_size = if low < 24 { 0 } else { 1 << (low - 24) };
        let argument = &bytes[at + 1..at + 1 + argument_size];
        let argument = if low < 24 { low } else { argument.iter().fold(0, |n, byte| (n << 8) | usize::from(*byte)) };
        at += 1 + argument_size + if matches!(major, 2 | 3) { argument } else { 0 };
    }
    None
}

/// Reads a value as the JSON that the vectors state.
fn json(value: &Value) -> Json {
    match value {
        Value::Unsigned(n) => Json::from(*n),
        Value::Negative(n) if *n == u64::MAX => serde_json::from_str("-18446744073709551616").unwrap(),
        Value::Negative(n) => Json::from(-1 - i64::try_from(*n).unwrap()),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Array(members) => Json::Array(members.iter().map(json).collect()),
        Value::Map(fields) => {
            Json::Object(fields.iter().map(|(key, value)| (key.as_text().unwrap().to_owned(), json(value))).collect())
        }
        Value::Bool(truth) => Json::from(*truth),
        Value::Null => Json::Null,
        Value::Bytes(_) | Value::Tag(..) => panic!("has no JSON"),
    }
}
