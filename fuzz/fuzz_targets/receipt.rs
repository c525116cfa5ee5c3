//! Receipts: ours have one spelling and are among those that others may send; no bad signature holds.
#![no_main]

use affiant::base::cbor;
use affiant::base::hash::Hash;
use affiant::log::receipt::Receipt;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if let Ok(value) = cbor::decode_lenient(bytes) {
        check(&cbor::encode(&value));
    }
});

fn check(bytes: &[u8]) {
    let lenient = Receipt::parse_lenient(bytes);
    if let Ok(receipt) = Receipt::parse(bytes) {
        assert_eq!(receipt.encode(), bytes);
        assert_eq!(lenient.as_ref(), Ok(&receipt));
        assert_eq!(receipt.proofs().len(), 1);
        assert_eq!(receipt.signed_tree_size(), Some(receipt.proofs()[0].tree_size));
    }
    let Ok(receipt) = lenient else {
        return;
    };
    assert!(!receipt.proofs().is_empty());
    let entry = Hash::of(b"entry");
    assert!(receipt.verify(entry, |_, _| false).is_err());
    if let Ok(root) = receipt.verify(entry, |_, _| true) {
        assert!(receipt.proofs().iter().all(|proof| proof.index < proof.tree_size || proof.tree_size > 1));
        assert_eq!(receipt.verify(entry, |_, _| true), Ok(root));
    }
    let encoded = receipt.encode();
    if let Ok(again) = Receipt::parse_lenient(&encoded) {
        assert_eq!(again.encode(), encoded);
        assert_eq!(again.proofs(), receipt.proofs());
    } else {
        // Shortest lengths can only make a receipt shorter.
        panic!("what we write is not readable");
    }
}
