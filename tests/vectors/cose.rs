//! cose-wg/Examples, gluecose and production SCITT objects: the structure of a COSE_Sign1, and the bytes that its
//! signature covers. Of the signatures, those by Ed25519 are verified.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use affiant::base::cbor::{self, CborError, Value};
use affiant::base::cose::{CoseError, Sign1, label};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value as Json;

#[test]
fn cose_wg_examples_are_read_as_expected() {
    let Some(folder) = super::folder("cose-wg-examples") else { return };
    // Whether it is a tagged COSE_Sign1, and whether what we compute is what the example says is signed.
    // Where it is not, the example was changed after it was signed (`sign-fail`), signs external bytes, which we
    // never do (`sign-pass-02`), or leaves the tag out, which we ask for (`sign-pass-03`).
    let expected = [
        ("eddsa-examples/eddsa-01", Err(CoseError::NotSign1)),
        ("eddsa-examples/eddsa-02", Err(CoseError::NotSign1)),
        ("eddsa-examples/eddsa-sig-01", Ok(true)),
        ("eddsa-examples/eddsa-sig-02", Ok(true)),
        ("sign1-tests/sign-fail-01", Err(CoseError::NotSign1)),
        ("sign1-tests/sign-fail-02", Ok(false)),
        ("sign1-tests/sign-fail-03", Ok(false)),
        ("sign1-tests/sign-fail-04", Ok(false)),
        ("sign1-tests/sign-fail-06", Ok(false)),
        ("sign1-tests/sign-fail-07", Ok(false)),
        ("sign1-tests/sign-pass-01", Ok(true)),
        ("sign1-tests/sign-pass-02", Ok(false)),
        ("sign1-tests/sign-pass-03", Err(CoseError::NotSign1)),
    ];
    assert_eq!(count(&folder.join("eddsa-examples")) + count(&folder.join("sign1-tests")), expected.len());
    for (name, expected) in expected {
        let example = read(&folder.join(format!("{name}.json")));
        let envelope = Sign1::decode_lenient(&hex(&example["output"]["cbor"]));
        let found = envelope.map(|envelope| {
            let signed = Sign1::to_be_signed(&envelope.protected, envelope.payload.as_deref().unwrap());
            signed == hex(&example["intermediates"]["ToBeSign_hex"])
        });
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_ed25519_example_verifies_until_a_byte_changes() {
    let Some(folder) = super::folder("cose-wg-examples") else { return };
    let example = read(&folder.join("eddsa-examples/eddsa-sig-01.json"));
    let key = &example["input"]["sign0"]["key"];
    let key = VerifyingKey::try_from(hex(&key["x_hex"]).as_slice()).unwrap();
    let envelope = Sign1::decode_lenient(&hex(&example["output"]["cbor"])).unwrap();
    let signature = Signature::from_slice(&envelope.signature).unwrap();
    let mut signed = Sign1::to_be_signed(&envelope.protected, envelope.payload.as_deref().unwrap());
    assert!(key.verify_strict(&signed, &signature).is_ok());
    signed[0] ^= 1;
    assert!(key.verify_strict(&signed, &signature).is_err());
    // Its unprotected kid and its protected content type are where RFC 9052 has them.
    assert_eq!(envelope.unprotected.at_label(label::KEY_ID).and_then(Value::as_bytes), Some(b"11".as_slice()));
    let header = envelope.protected_header().unwrap();
    assert_eq!(header.at_label(label::CONTENT_TYPE), Some(&Value::Unsigned(0)));
}

#[test]
fn gluecose_envelopes_read_back_and_cover_the_stated_bytes() {
    let Some(folder) = super::folder("gluecose") else { return };
    let mut covered = 0;
    for n in 0..7 {
        let sign = &read(&folder.join(format!("sign1-sign-{n:04}.json")))["sign1::sign"];
        let bytes = hex(&sign["expectedOutput"]["cborHex"]);
        let envelope = Sign1::decode(&bytes).unwrap_or_else(|error| panic!("{n}: {error}"));
        assert_eq!(envelope.encode(), bytes, "{n}");
        assert_eq!(envelope.protected, hex(&sign["protectedHeaders"]["cborHex"]), "{n}");
        assert_eq!(cbor::encode(&envelope.unprotected), hex(&sign["unprotectedHeaders"]["cborHex"]), "{n}");
        assert_eq!(envelope.payload, Some(hex(&sign["payload"])), "{n}");
        // The first one signs external bytes, which we never do.
        let signed = Sign1::to_be_signed(&envelope.protected, &hex(&sign["payload"]));
        assert_eq!(signed == hex(&sign["tbsHex"]["cborHex"]), sign.get("external").is_none(), "{n}");
        covered += usize::from(sign.get("external").is_none());

        let verify = &read(&folder.join(format!("sign1-verify-{n:04}.json")))["sign1::verify"];
        assert_eq!(hex(&verify["taggedCOSESign1"]["cborHex"]), bytes, "{n}");
    }
    assert_eq!(covered, 6);
}

#[test]
fn production_scitt_objects_are_read() {
    let Some(folder) = super::folder("scitt-ccf-ledger") else { return };
    let mut files: Vec<_> = ["payloads", "transparent_statements"]
        .iter()
        .flat_map(|name| std::fs::read_dir(folder.join(name)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cose"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 8);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let envelope = Sign1::decode_lenient(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let header = envelope.protected_header().unwrap();
        assert!(header.at_label(label::ALGORITHM).is_some(), "{}", file.display());
        // Any cut is noticed; where, is for the fuzzer.
        for end in (0..bytes.len()).step_by(97) {
            assert!(Sign1::decode_lenient(&bytes[..end]).is_err(), "{} cut at {end}", file.display());
        }
        let error = Sign1::decode_lenient(&[bytes.as_slice(), &[0]].concat()).unwrap_err();
        assert_eq!(error, CoseError::Cbor(CborError::TrailingBytes { at: bytes.len() }), "{}", file.display());
    }
}

fn read(path: &std::path::Path) -> Json {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn count(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

fn hex(value: &Json) -> Vec<u8> {
    let text = value.as_str().unwrap();
    HEXLOWER.decode(text.as_bytes()).or_else(|_| HEXLOWER_PERMISSIVE.decode(text.as_bytes())).unwrap()
}
