//! CBOR: one value has one spelling, and another decoder reads what ours accepts.
#![no_main]

use affiant::base::cbor::{self, CborError};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let strict = cbor::decode(bytes);
    let Ok(value) = cbor::decode_lenient(bytes) else {
        assert!(strict.is_err());
        return;
    };
    let encoded = cbor::encode(&value);
    match strict {
        Ok(same) => {
            assert_eq!(same, value);
            assert_eq!(encoded, bytes);
            serde_cbor::from_slice::<serde_cbor::Value>(bytes).expect("an independent decoder reads it");
        }
        Err(CborError::NotDeterministic { at }) => {
            assert_ne!(encoded, bytes);
            assert!(at < bytes.len());
        }
        Err(error) => panic!("readable one way and `{error}` the other"),
    }
    let again = cbor::decode(&encoded).expect("what we write is readable");
    assert_eq!(cbor::encode(&again), encoded);
});
