//! transparency-dev/formats: tlog-proofs that must not parse.

use affiant::log::proof::{Proof, ProofError};
use serde_json::Value;

#[test]
fn invalid_proofs_fail_as_expected() {
    let Some(folder) = super::folder("c2sp-spec-examples") else { return };
    let bytes = std::fs::read(folder.join("tlog-proof-invalid.json")).unwrap();
    let vectors: Value = serde_json::from_slice(&bytes).unwrap();
    let vectors = vectors["invalid"].as_array().unwrap();
    let expected = [
        ("missing header", ProofError::WrongName),
        ("invalid extra base64", ProofError::NotExtra { line: 2 }),
        ("missing index", ProofError::NotIndex { line: 2 }),
        ("index not a number", ProofError::NotIndex { line: 2 }),
        ("index negative", ProofError::NotIndex { line: 2 }),
        ("hash base64", ProofError::NotHash { line: 3 }),
        ("hash length 64", ProofError::NotHash { line: 3 }),
    ];
    assert_eq!(vectors.len(), expected.len());
    for (vector, (name, error)) in vectors.iter().zip(expected) {
        assert_eq!(vector["name"], name);
        assert_eq!(Proof::parse(vector["proof"].as_str().unwrap().as_bytes()), Err(error), "{name}");
    }
}
