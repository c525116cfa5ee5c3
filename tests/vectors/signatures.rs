//! Published signatures: CCTV and Wycheproof for Ed25519, Wycheproof for ML-DSA-44.

use affiant::log::key::{Ed25519PublicKey, KeyError, MlDsa44PublicKey};
use data_encoding::HEXLOWER;
use serde_json::Value;

fn read(folder: &str, file: &str) -> Option<Value> {
    let path = super::folder(folder)?.join(file);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&text).expect("the vectors are JSON"))
}

fn bytes(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().expect("a string").as_bytes()).expect("hexadecimal digits")
}

/// What a strict verifier makes of each signature, first over the key and then over the signature.
#[derive(Debug, Default, Eq, PartialEq)]
struct Count {
    accepted: usize,
    not_a_key: usize,
    bad_signature: usize,
}

impl Count {
    fn add(&mut self, result: Result<(), KeyError>) {
        match result {
            Ok(()) => self.accepted += 1,
            Err(KeyError::BadSignature) => self.bad_signature += 1,
            Err(KeyError::NotEd25519 | KeyError::WrongLength { .. }) => self.not_a_key += 1,
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn cctv_ed25519_edge_cases_are_judged_strictly() {
    let Some(vectors) = read("c2sp-cctv-ed25519", "ed25519vectors.json") else { return };
    let mut count = Count::default();
    for vector in vectors.as_array().unwrap() {
        let message = vector["msg"].as_str().unwrap().as_bytes();
        let flags = vector["flags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let result = Ed25519PublicKey::from_slice(&bytes(&vector["key"]))
            .and_then(|key| key.verify(message, &bytes(&vector["sig"])));
        if result.is_ok() {
            let refused = ["low_order_A", "low_order_R", "low_order_residue", "non_canonical_A", "non_canonical_R"];
            let flag = flags.iter().find(|flag| refused.contains(&flag.as_str().unwrap()));
            assert_eq!(flag, None, "{vector}");
        }
        count.add(result);
    }
    assert_eq!((count.accepted, count.not_a_key + count.bad_signature), (43, 871), "{count:?}");
}

#[test]
fn wycheproof_ed25519_agrees() {
    let Some(vectors) = read("wycheproof", "ed25519_test.json") else { return };
    let mut count = Count::default();
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = Ed25519PublicKey::from_slice(&bytes(&group["publicKey"]["pk"])).unwrap();
        assert_eq!(key.spki_pem().trim_end(), group["publicKeyPem"].as_str().unwrap().trim_end());
        for test in group["tests"].as_array().unwrap() {
            let result = key.verify(&bytes(&test["msg"]), &bytes(&test["sig"]));
            assert_eq!(result.is_ok(), test["result"] == "valid", "{test}");
            count.add(result);
        }
    }
    assert_eq!(count.accepted + count.bad_signature, 151, "{count:?}");
    assert_eq!(count.not_a_key, 0);
}

#[test]
fn wycheproof_ml_dsa_44_agrees() {
    let Some(vectors) = read("wycheproof", "mldsa_44_verify_test.json") else { return };
    let (mut count, mut with_context) = (Count::default(), 0);
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = MlDsa44PublicKey::from_slice(&bytes(&group["publicKey"]));
        for test in group["tests"].as_array().unwrap() {
            let result = key
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|key| key.verify(&bytes(&test["msg"]), &bytes(&test["sig"])));
            // Affiant signs with the empty context only, so a signature under another is no signature.
            let has_context = test["ctx"].as_str().is_some_and(|context| !context.is_empty());
            assert_eq!(result.is_ok(), test["result"] == "valid" && !has_context, "{}", test["tcId"]);
            with_context += usize::from(has_context);
            count.add(result);
        }
    }
    assert_eq!(count.accepted + count.not_a_key + count.bad_signature, 180, "{count:?}");
    assert!(with_context > 0);
}
