//! Statements: the bytes are kept, the envelope re-encodes to them, and no made-up signature holds.
#![no_main]

use std::sync::LazyLock;

use affiant::base::cbor;
use affiant::base::hash::Hash;
use affiant::evidence::statement::Statement;
use affiant::log::key::{Ed25519SecretKey, Ed25519Signer};

static KEY: LazyLock<Ed25519Signer> = LazyLock::new(|| Ed25519SecretKey::from_seed(&[1; 32]).into());

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if let Ok(value) = cbor::decode_lenient(bytes) {
        check(&cbor::encode(&value));
    }
});

fn check(bytes: &[u8]) {
    let Ok(statement) = Statement::decode(bytes) else {
        return;
    };
    assert_eq!(statement.as_bytes(), bytes);
    assert_eq!(statement.envelope().encode(), bytes);
    assert_eq!(statement.entry(), Hash::of(bytes));
    let signed = Statement::sign(statement.claim.clone(), &KEY).expect("the key is here");
    if let Ok(read) = Statement::decode(signed.as_bytes()) {
        assert_eq!(read.claim, statement.claim);
        assert_eq!(read.verify(&KEY.public()), Ok(()));
    }
    // Ed25519 is deterministic: only the one signature over these very words can hold.
    if statement.verify(&KEY.public()).is_ok() && statement.envelope().protected == signed.envelope().protected {
        assert_eq!(bytes, signed.as_bytes());
    }
}
