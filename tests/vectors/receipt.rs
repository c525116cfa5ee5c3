//! RFC 9942 receipts by others: the drafts' samples, scitt-cose's six, and production ones over another tree.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::path::Path;

use affiant::base::cbor::Value;
use affiant::base::cose::{Sign1, algorithm, label};
use affiant::base::hash::Hash;
use affiant::log::merkle::leaf_hash;
use affiant::log::receipt::{Receipt, ReceiptError, part_statement};
use data_encoding::HEXLOWER;
use ed25519_dalek::pkcs8::DecodePublicKey;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value as Json;

#[test]
fn scitt_cose_vectors_verify_or_fail_as_expected() {
    let Some(folder) = super::folder("scitt-cose") else { return };
    let manifest: Json = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["vectors"].as_array().unwrap().len(), 6, "each is named below");

    for name in ["valid-eddsa", "fail-bad-statement-sig"] {
        let vector = Vector::read(&folder.join("v1").join(name));
        let (root, index, size) = vector.receipt().unwrap();
        assert_eq!(root.to_string(), vector.expected["reconstructed_root"].as_str().unwrap(), "{name}");
        assert_eq!(index, vector.expected["leaf_index"], "{name}");
        assert_eq!(size, vector.expected["tree_size"], "{name}");
        assert_eq!(Ok(name == "valid-eddsa"), vector.statement_signature(), "{name}");
    }

    let tampered = Vector::read(&folder.join("v1/fail-tampered-path"));
    assert!(matches!(tampered.receipt(), Err(ReceiptError::BadSignature { .. })));
    assert_eq!(tampered.statement_signature(), Ok(true));

    let wrong_structure = Vector::read(&folder.join("v1/fail-unsupported-vds"));
    assert_eq!(wrong_structure.receipt(), Err(ReceiptError::UnsupportedStructure { found: Some(2) }));
    assert_eq!(wrong_structure.statement_signature(), Ok(true));

    // Not shown, not failed: this program has no ES256, and does not read the tree of CCF.
    let es256 = Vector::read(&folder.join("v1/valid-es256"));
    assert_eq!(es256.receipt(), Err(ReceiptError::UnsupportedAlgorithm { found: Some(-7) }));
    assert_eq!(es256.statement_signature(), Err(Some(-7)));
    let proof = Receipt::parse_lenient(&es256.receipt).unwrap().proofs()[0].clone();
    let root = proof.root(leaf_hash(Hash::of(&es256.statement).as_bytes())).unwrap();
    assert_eq!(root.to_string(), es256.expected["reconstructed_root"].as_str().unwrap());
    let ccf = Vector::read(&folder.join("v1/valid-ccf-vds2"));
    assert_eq!(ccf.receipt(), Err(ReceiptError::UnsupportedStructure { found: Some(2) }));
    assert_eq!(ccf.statement_signature(), Err(Some(-7)));
}

struct Vector {
    expected: Json,
    statement: Vec<u8>,
    receipt: Vec<u8>,
    issuer: Option<VerifyingKey>,
    log: Option<VerifyingKey>,
}

impl Vector {
    fn read(folder: &Path) -> Self {
        let bytes = |name| std::fs::read(folder.join(name)).unwrap();
        let key = |name| VerifyingKey::from_public_key_pem(&String::from_utf8(bytes(name)).unwrap()).ok();
        let expected: Json = serde_json::from_slice(&bytes("expected.json")).unwrap();
        let statement = bytes("statement.cose");
        Self {
            expected,
            receipt: bytes("receipt.cose"),
            issuer: key("issuer-key.pub"),
            log: key("log-key.pub"),
            statement,
        }
    }

    /// Verifies the receipt; the entry is the SHA-256 of the statement as it lies.
    fn receipt(&self) -> Result<(Hash, u64, u64), ReceiptError> {
        let entry = Hash::of(&self.statement);
        if let Some(leaf) = self.expected["leaf_entry"].as_str() {
            assert_eq!(entry.to_string(), leaf);
        }
        let receipt = Receipt::parse_lenient(&self.receipt)?;
        assert!(Receipt::parse(&self.receipt).is_err(), "nothing of theirs passes for ours");
        let root =
            receipt.verify(entry, |signed, signature| verifies(self.log.as_ref().unwrap(), signed, signature))?;
        assert_eq!(receipt.encode(), self.receipt);
        Ok((root, receipt.proofs()[0].index, receipt.proofs()[0].tree_size))
    }

    /// Tells whether the issuer signed the statement, or by which algorithm we cannot tell.
    fn statement_signature(&self) -> Result<bool, Option<i64>> {
        let statement = Sign1::decode_lenient(&self.statement).unwrap();
        let found = statement.protected_header().unwrap().at_label(label::ALGORITHM).and_then(Value::as_integer);
        if found != Some(algorithm::EDDSA) {
            return Err(found);
        }
        let signed = Sign1::to_be_signed(&statement.protected, statement.payload.as_deref().unwrap());
        Ok(verifies(self.issuer.as_ref().unwrap(), &signed, &statement.signature))
    }
}

fn verifies(key: &VerifyingKey, signed: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok())
}

#[test]
fn the_samples_of_the_draft_are_read() {
    let Some(folder) = super::folder("cose-receipts") else { return };
    let bytes = std::fs::read(folder.join("inclusion-receipt.cbor")).unwrap();
    let receipt = Receipt::parse_lenient(&bytes).unwrap();
    assert_eq!(receipt.origin(), Some("https://transparency-service.example.com"));
    assert_eq!(receipt.key_id(), Some(b"test-key-1".as_slice()));
    assert_eq!((receipt.algorithm(), receipt.signed_tree_size()), (Some(-7), None));
    let proof = &receipt.proofs()[0];
    assert_eq!((proof.index, proof.tree_size, proof.path.len()), (3, 5, 3));
    // Its protected header is not in the deterministic order.
    assert!(matches!(Receipt::parse(&bytes), Err(ReceiptError::Cose(_))));
    let never = |_: &[u8], _: &[u8]| panic!("no key fits ES256");
    assert_eq!(receipt.verify(Hash::of(b""), never), Err(ReceiptError::UnsupportedAlgorithm { found: Some(-7) }));

    let bytes = std::fs::read(folder.join("consistency-receipt.cbor")).unwrap();
    assert_eq!(Receipt::parse_lenient(&bytes), Err(ReceiptError::NoInclusion));
}

#[test]
fn production_receipts_over_another_tree_are_told_apart() {
    let Some(folder) = super::folder("scitt-ccf-ledger") else { return };
    let bytes = std::fs::read(folder.join("transparent_statements/uvm_0.2.10.cose")).unwrap();
    let (statement, receipts) = part_statement(&Sign1::decode_lenient(&bytes).unwrap()).unwrap();
    assert_eq!(HEXLOWER.encode(&statement.encode()[..1]), "d2");
    assert_eq!(receipts.len(), 1);
    assert_eq!(Receipt::parse_lenient(&receipts[0]), Err(ReceiptError::UnsupportedStructure { found: Some(2) }));
}
