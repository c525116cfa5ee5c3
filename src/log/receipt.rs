//! COSE receipts: one entry's place in the log, signed so that SCITT tools can check it.
//!
//! A receipt for entry 2 of a log of 3 entries, in CBOR diagnostic notation:
//!
//! ```text
//! 18([
//!   << {
//!     1: -8,                                  / alg: EdDSA /
//!     4: h'd2c8a7a1',                         / kid: the log's key /
//!     15: {1: "example.com/log",              / iss: the log's origin /
//!          2: "AF-C-000002-x"},               / sub: what the statement is about /
//!     395: 1,                                 / vds: RFC9162_SHA256 /
//!     -79162: 3                               / size of the tree, ours /
//!   } >>,
//!   {396: {-1: [<< [3, 2, [h'…32 bytes…']] >>]}},  / vdp, inclusion: size, index, path /
//!   null,                                     / the root is detached: the reader computes it /
//!   h'…64 bytes…'
//! ])
//! ```
//!
//! | field     | label     | header      | what                                            |
//! |-----------|-----------|-------------|-------------------------------------------------|
//! | algorithm | 1         | protected   | −8 as written; −19 is read too                  |
//! | key id    | 4         | protected   | which key of the log signed                     |
//! | origin    | 15, 1     | protected   | the log                                         |
//! | subject   | 15, 2     | protected   | the statement's own subject (RFC 9943)          |
//! | structure | 395       | protected   | 1, `RFC9162_SHA256`; never read from elsewhere  |
//! | tree size | −79162    | protected   | from 2; the same as in the proof                |
//! | inclusion | 396, −1   | unprotected | tree size, index and path, 1 to 64 hashes       |
//!
//! Rules. RFC 9942 signs the root alone, so the size beside the path is nobody's word; ours stands
//! under a private-use label (below −65536), where readers who do not know it leave it be. A tree of
//! one entry gives no receipt: its path is empty, its root is the leaf itself, and the RFC's grammar
//! asks for one hash at least. Ours is deterministic CBOR with exactly these labels and one proof.
//!
//! To verify:
//! 1. The structure is 1, the payload is detached, no critical label is unknown.
//! 2. The signed tree size, where there is one, is the proof's.
//! 3. The entry is the SHA-256 of the statement with an empty unprotected header; hash it as a leaf and
//!    compute the root from the path ([`crate::log::inclusion`]).
//! 4. The algorithm is `EdDSA` or Ed25519 and the signature over `Sig_structure` (RFC 9052 §4.4) with that
//!    root as payload holds under the key of the log that is named as origin.
//!
//! The root that comes out is the log's word at the signed size: compare it with a checkpoint of that
//! size, if one is at hand, to see that the log tells everybody the same.
//!
//! Source: RFC 9942 §4 and §5, RFC 9943 §6. Other people's receipts ([`Receipt::parse_lenient`]) may be in any
//! definite-length CBOR, have other labels and up to [`PROOF_COUNT_MAX`] proofs, of which one must hold.
//! Consistency receipts are not read. Keys are the caller's: signing and verifying are closures.

use crate::base::cbor::{self, CborError, Value};
use crate::base::cose::{CoseError, Sign1, algorithm, label};
use crate::base::hash::Hash;
use crate::log::inclusion::{InclusionError, InclusionProof};
use crate::log::key::KeyError;
use crate::log::merkle::leaf_hash;

/// The longest receipt that is read. Ours are below 2.5 KiB; others carry certificate chains.
pub const RECEIPT_BYTES_MAX: usize = 1 << 16;

/// How many inclusion proofs one receipt may hold, as in scitt-cose.
pub const PROOF_COUNT_MAX: usize = 16;

/// How many receipts a transparent statement may carry: one for each of many logs.
pub const RECEIPT_COUNT_MAX: usize = 16;

/// How many hashes a path may have: a tree of 64-bit size is 64 levels high.
pub const PATH_LENGTH_MAX: usize = 64;

/// The label of the signed tree size, in the private-use range of the COSE registry.
pub const TREE_SIZE_LABEL: i64 = -79_162;

/// The verifiable data structure `RFC9162_SHA256`.
const RFC9162_SHA256: i64 = 1;

/// The label of inclusion proofs among verifiable data proofs.
const INCLUSION_LABEL: i64 = -1;

/// CWT claims (RFC 8392 §3.1).
const ISSUER_CLAIM: i64 = 1;
const SUBJECT_CLAIM: i64 = 2;

/// What the log says about itself and the entry in a receipt that it signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReceiptClaims<'c> {
    /// Which key of the log signs.
    pub key_id: &'c [u8],
    /// The log's origin.
    pub origin: &'c str,
    /// The statement's subject.
    pub subject: &'c str,
}

/// A parsed receipt. Its claims are the log's word only once [`Receipt::verify`] has given a root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Receipt {
    envelope: Sign1,
    header: Value,
    proofs: Vec<InclusionProof>,
}

impl Receipt {
    /// Makes the receipt for an entry that `inclusion` shows to lie under `root`, with an Ed25519 key.
    ///
    /// # Errors
    /// [`ReceiptError::TreeTooSmall`] for a tree of one entry, [`ReceiptError::Inclusion`] when the proof
    /// does not hold: nothing is signed then.
    pub fn make(
        claims: &ReceiptClaims<'_>,
        entry: Hash,
        root: Hash,
        inclusion: InclusionProof,
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], KeyError>,
    ) -> Result<Self, ReceiptError> {
        check_size(&inclusion)?;
        inclusion.verify(leaf_hash(entry.as_bytes()), root)?;

        let header = protected_header(claims, inclusion.tree_size);
        let (protected, unprotected) = (cbor::encode(&header), unprotected_header(&inclusion));
        let signature = sign(&Sign1::to_be_signed(&protected, root.as_bytes()))?.to_vec();
        let envelope = Sign1 { protected, unprotected, payload: None, signature };
        Ok(Self { envelope, header, proofs: vec![inclusion] })
    }

    /// Reads a receipt of ours: deterministic throughout, with the fields of the page above and no others.
    ///
    /// # Errors
    /// A [`ReceiptError`]; nothing that is returned was verified yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        check_length(bytes)?;
        let receipt = Self::of_envelope(Sign1::decode(bytes)?)?;
        let [proof] = receipt.proofs.as_slice() else {
            return Err(ReceiptError::NotOurs { what: "one inclusion proof" });
        };
        let lacks = |what| ReceiptError::NotOurs { what };
        receipt.signed_tree_size().ok_or(lacks("a signed tree size"))?;
        let claims = ReceiptClaims {
            key_id: receipt.key_id().ok_or(lacks("a key id"))?,
            origin: receipt.origin().ok_or(lacks("an origin"))?,
            subject: receipt.subject().ok_or(lacks("a subject"))?,
        };
        // One spelling: what was read must be what we would write.
        if receipt.envelope.protected != cbor::encode(&protected_header(&claims, proof.tree_size)) {
            return Err(lacks("just the protected labels of ours"));
        }
        if receipt.envelope.unprotected != unprotected_header(proof) {
            return Err(lacks("just one deterministic inclusion proof in its unprotected header"));
        }
        if receipt.envelope.signature.len() != 64 {
            return Err(lacks("a signature of 64 bytes"));
        }
        Ok(receipt)
    }

    /// Reads a receipt that another log made.
    ///
    /// # Errors
    /// A [`ReceiptError`]; nothing that is returned was verified yet.
    pub fn parse_lenient(bytes: &[u8]) -> Result<Self, ReceiptError> {
        check_length(bytes)?;
        Self::of_envelope(Sign1::decode_lenient(bytes)?)
    }

    fn of_envelope(envelope: Sign1) -> Result<Self, ReceiptError> {
        let header = envelope.protected_header()?;
        check_critical(&header)?;
        match header.at_label(label::VDS).and_then(Value::as_integer) {
            Some(RFC9162_SHA256) => {}
            found => return Err(ReceiptError::UnsupportedStructure { found }),
        }
        if envelope.payload.is_some() {
            return Err(ReceiptError::PayloadAttached);
        }
        let proofs = inclusion_proofs(&envelope.unprotected)?;
        if let Some(size) = header.at_label(TREE_SIZE_LABEL) {
            let signed = size.as_unsigned().ok_or(ReceiptError::NotSize)?;
            if let Some(proof) = proofs.iter().find(|proof| proof.tree_size != signed) {
                return Err(ReceiptError::WrongTreeSize { expected: signed, found: proof.tree_size });
            }
        }
        Ok(Self { envelope, header, proofs })
    }

    /// Encodes the receipt.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.envelope.encode()
    }

    /// Checks that the log signed a root under which `entry` lies, and returns that root.
    ///
    /// `verify` gets the signed bytes and the signature and says whether the log's Ed25519 key made it.
    ///
    /// # Errors
    /// A [`ReceiptError`]. `BadSignature` cannot tell an altered entry or path from an altered signature,
    /// because each leads to another root than the one that was signed.
    pub fn verify(&self, entry: Hash, verify: impl Fn(&[u8], &[u8]) -> bool) -> Result<Hash, ReceiptError> {
        match self.algorithm() {
            Some(algorithm::EDDSA | algorithm::ED25519) => {}
            found => return Err(ReceiptError::UnsupportedAlgorithm { found }),
        }
        let leaf = leaf_hash(entry.as_bytes());
        let mut failure = ReceiptError::NoInclusion;
        for proof in &self.proofs {
            match self.verify_proof(proof, leaf, &verify) {
                Ok(root) => return Ok(root),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn verify_proof(
        &self,
        proof: &InclusionProof,
        leaf: Hash,
        verify: &impl Fn(&[u8], &[u8]) -> bool,
    ) -> Result<Hash, ReceiptError> {
        let root = proof.root(leaf)?;
        let signed = Sign1::to_be_signed(&self.envelope.protected, root.as_bytes());
        if !verify(&signed, &self.envelope.signature) {
            return Err(ReceiptError::BadSignature { root });
        }
        Ok(root)
    }

    /// Returns the number of the signature algorithm, when it is an integer.
    #[must_use]
    pub fn algorithm(&self) -> Option<i64> {
        self.header.at_label(label::ALGORITHM)?.as_integer()
    }

    /// Returns which key of the log is said to have signed.
    #[must_use]
    pub fn key_id(&self) -> Option<&[u8]> {
        self.header.at_label(label::KEY_ID)?.as_bytes()
    }

    /// Returns the log that is said to have signed.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.header.at_label(label::CWT_CLAIMS)?.at_label(ISSUER_CLAIM)?.as_text()
    }

    /// Returns what the statement is said to be about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.header.at_label(label::CWT_CLAIMS)?.at_label(SUBJECT_CLAIM)?.as_text()
    }

    /// Returns the tree size under the signature; the size in a proof is nobody's word.
    #[must_use]
    pub fn signed_tree_size(&self) -> Option<u64> {
        self.header.at_label(TREE_SIZE_LABEL)?.as_unsigned()
    }

    /// Returns the inclusion proofs, at least one.
    #[must_use]
    pub fn proofs(&self) -> &[InclusionProof] {
        &self.proofs
    }
}

/// Joins a statement with its receipts into a transparent statement (RFC 9943).
///
/// # Errors
/// [`ReceiptError::TooManyReceipts`], or [`ReceiptError::UnprotectedNotEmpty`] when the statement is not
/// as it was logged.
pub fn transparent_statement(statement: &Sign1, receipts: &[Receipt]) -> Result<Sign1, ReceiptError> {
    if statement.unprotected != Value::Map(Vec::new()) {
        return Err(ReceiptError::UnprotectedNotEmpty);
    }
    if receipts.len() > RECEIPT_COUNT_MAX {
        return Err(ReceiptError::TooManyReceipts { found: receipts.len() });
    }
    let encoded = receipts.iter().map(|receipt| Value::from(receipt.encode())).collect();
    Ok(Sign1 { unprotected: Value::labelled([(label::RECEIPTS, Value::Array(encoded))]), ..statement.clone() })
}

/// Parts a transparent statement into the statement as it was logged and its receipts' bytes.
///
/// Other unprotected labels are dropped: nobody signed them and the log did not see them.
///
/// # Errors
/// [`ReceiptError::NotReceipts`] or [`ReceiptError::TooManyReceipts`].
pub fn part_statement(transparent: &Sign1) -> Result<(Sign1, Vec<Vec<u8>>), ReceiptError> {
    let receipts = match transparent.unprotected.at_label(label::RECEIPTS) {
        None => &[],
        Some(receipts) => receipts.as_array().ok_or(ReceiptError::NotReceipts)?,
    };
    if receipts.len() > RECEIPT_COUNT_MAX {
        return Err(ReceiptError::TooManyReceipts { found: receipts.len() });
    }
    let bytes = |receipt: &Value| receipt.as_bytes().map(<[u8]>::to_vec).ok_or(ReceiptError::NotReceipts);
    let receipts = receipts.iter().map(bytes).collect::<Result<_, _>>()?;
    Ok((Sign1 { unprotected: Value::Map(Vec::new()), ..transparent.clone() }, receipts))
}

fn protected_header(claims: &ReceiptClaims<'_>, tree_size: u64) -> Value {
    let names = [(ISSUER_CLAIM, Value::from(claims.origin)), (SUBJECT_CLAIM, Value::from(claims.subject))];
    Value::labelled([
        (label::ALGORITHM, Value::from(algorithm::EDDSA)),
        (label::KEY_ID, Value::from(claims.key_id)),
        (label::CWT_CLAIMS, Value::labelled(names)),
        (label::VDS, Value::from(RFC9162_SHA256)),
        (TREE_SIZE_LABEL, Value::from(tree_size)),
    ])
}

fn unprotected_header(inclusion: &InclusionProof) -> Value {
    let proof = cbor::encode(&Value::from(vec![
        Value::from(inclusion.tree_size),
        Value::from(inclusion.index),
        Value::Array(inclusion.path.iter().copied().map(Value::from).collect()),
    ]));
    let proofs = Value::labelled([(INCLUSION_LABEL, Value::from(vec![Value::from(proof)]))]);
    Value::labelled([(label::VDP, proofs)])
}

fn check_length(bytes: &[u8]) -> Result<(), ReceiptError> {
    match bytes.len() {
        0..=RECEIPT_BYTES_MAX => Ok(()),
        found => Err(ReceiptError::TooLong { found }),
    }
}

fn check_size(proof: &InclusionProof) -> Result<(), ReceiptError> {
    match proof.tree_size {
        0 | 1 => Err(ReceiptError::TreeTooSmall { found: proof.tree_size }),
        _ => Ok(()),
    }
}

/// RFC 9052 §3.1: a label that is marked critical must be understood.
fn check_critical(header: &Value) -> Result<(), ReceiptError> {
    const UNDERSTOOD: [i64; 6] =
        [label::ALGORITHM, label::CRITICAL, label::KEY_ID, label::CWT_CLAIMS, label::VDS, TREE_SIZE_LABEL];
    let Some(critical) = header.at_label(label::CRITICAL) else { return Ok(()) };
    let labels = critical.as_array().unwrap_or_default();
    let is_known = |label: &Value| label.as_integer().is_some_and(|n| UNDERSTOOD.contains(&n));
    if labels.is_empty() || !labels.iter().all(is_known) {
        return Err(ReceiptError::UnknownCritical);
    }
    Ok(())
}

fn inclusion_proofs(unprotected: &Value) -> Result<Vec<InclusionProof>, ReceiptError> {
    let proofs = unprotected
        .at_label(label::VDP)
        .and_then(|proofs| proofs.at_label(INCLUSION_LABEL))
        .and_then(Value::as_array)
        .filter(|proofs| !proofs.is_empty())
        .ok_or(ReceiptError::NoInclusion)?;
    if proofs.len() > PROOF_COUNT_MAX {
        return Err(ReceiptError::TooManyProofs { found: proofs.len() });
    }
    proofs.iter().map(inclusion_proof).collect()
}

fn inclusion_proof(proof: &Value) -> Result<InclusionProof, ReceiptError> {
    let bytes = proof.as_bytes().ok_or(ReceiptError::NotInclusion)?;
    let proof = cbor::decode_lenient(bytes).map_err(ReceiptError::Proof)?;
    let Some([tree_size, index, path]) = proof.as_array() else { return Err(ReceiptError::NotInclusion) };
    let (Some(tree_size), Some(index), Some(path)) = (tree_size.as_unsigned(), index.as_unsigned(), path.as_array())
    else {
        return Err(ReceiptError::NotInclusion);
    };
    if path.len() > PATH_LENGTH_MAX {
        return Err(ReceiptError::NotInclusion);
    }
    let hash = |value: &Value| value.as_bytes().and_then(|bytes| Hash::from_slice(bytes).ok());
    let path = path.iter().map(hash).collect::<Option<_>>().ok_or(ReceiptError::NotInclusion)?;
    let proof = InclusionProof { index, tree_size, path };
    check_size(&proof)?;
    Ok(proof)
}

/// Why a receipt cannot be made, read or believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ReceiptError {
    #[error("the log's key did not sign root `{root}`: the entry, the path or the signature is another")]
    BadSignature { root: Hash },
    #[error("not a COSE_Sign1")]
    Cose(#[from] CoseError),
    #[error("the inclusion proof does not hold")]
    Inclusion(#[from] InclusionError),
    #[error("the log's key")]
    Key(#[from] KeyError),
    #[error("the unprotected header has no inclusion proof under 396 and -1")]
    NoInclusion,
    #[error("an inclusion proof is not tree size, index and at most {PATH_LENGTH_MAX} hashes of 32 bytes")]
    NotInclusion,
    #[error("not one of our own receipts: expected {what}")]
    NotOurs { what: &'static str },
    #[error("label 394 is not an array of byte strings")]
    NotReceipts,
    #[error("the tree size under {TREE_SIZE_LABEL} is not a number from 0")]
    NotSize,
    #[error("the payload is attached: only a detached one is tied to the entry")]
    PayloadAttached,
    #[error("inclusion proof")]
    Proof(#[source] CborError),
    #[error("{found} bytes, more than the limit of {RECEIPT_BYTES_MAX}")]
    TooLong { found: usize },
    #[error("{found} inclusion proofs, more than the limit of {PROOF_COUNT_MAX}")]
    TooManyProofs { found: usize },
    #[error("{found} receipts, more than the limit of {RECEIPT_COUNT_MAX}")]
    TooManyReceipts { found: usize },
    #[error("a tree of {found} entries gives no receipt: there is nothing beside the entry")]
    TreeTooSmall { found: u64 },
    #[error("a label is marked critical that is not understood here")]
    UnknownCritical,
    #[error("the statement's unprotected header is not empty, so it is not what was logged")]
    UnprotectedNotEmpty,
    #[error("unsupported algorithm {found:?}, expected -8 (EdDSA) or -19 (Ed25519)")]
    UnsupportedAlgorithm { found: Option<i64> },
    #[error("unsupported verifiable data structure {found:?}, expected 1 (RFC9162_SHA256)")]
    UnsupportedStructure { found: Option<i64> },
    #[error("the proof is for a tree of {found} entries, but {expected} is signed")]
    WrongTreeSize { expected: u64, found: u64 },
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

    use super::*;
    use crate::log::merkle::Frontier;

    const CLAIMS: ReceiptClaims<'static> =
        ReceiptClaims { key_id: &[0xd2, 0xc8, 0xa7, 0xa1], origin: "example.com/log", subject: "AF-C-000002-x" };

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn verifier(key: VerifyingKey) -> impl Fn(&[u8], &[u8]) -> bool {
        move |signed, signature| {
            Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok())
        }
    }

    fn entry(n: u64) -> Hash {
        Hash::of(&n.to_be_bytes())
    }

    fn make(index: u64, size: u64) -> Result<(Receipt, Hash), ReceiptError> {
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(entry(n).as_bytes())).collect();
        let mut frontier = Frontier::new();
        for leaf in &leaves {
            frontier.push(*leaf);
        }
        let (inclusion, root) = (InclusionProof::make(&leaves, index, size).unwrap(), frontier.root());
        let receipt = Receipt::make(&CLAIMS, entry(index), root, inclusion, |bytes| Ok(key().sign(bytes).to_bytes()))?;
        Ok((receipt, root))
    }

    #[test]
    fn the_example_is_what_it_says() {
        let (receipt, root) = make(2, 3).unwrap();
        let hex = data_encoding::HEXLOWER.encode(&receipt.encode());
        let sibling = receipt.proofs()[0].path[0];
        let signature = data_encoding::HEXLOWER.encode(&receipt.envelope.signature);
        let expected = format!(
            "d28458{:02x}a50127{}{}{}{}a119018ca1208158{:02x}830302815820{sibling}f65840{signature}",
            receipt.envelope.protected.len(),
            "0444d2c8a7a1",
            "0fa2016f6578616d706c652e636f6d2f6c6f67026d41462d432d3030303030322d78",
            "19018b01",
            "3a0001353903",
            4 + 34,
        );
        assert_eq!(hex, expected);
        assert_eq!(Receipt::parse(&receipt.encode()), Ok(receipt.clone()));
        assert_eq!(receipt.verify(entry(2), verifier(key().verifying_key())), Ok(root));
        assert_eq!(receipt.origin(), Some("example.com/log"));
        assert_eq!(receipt.subject(), Some("AF-C-000002-x"));
        assert_eq!(receipt.key_id(), Some(CLAIMS.key_id));
        assert_eq!(receipt.signed_tree_size(), Some(3));
    }

    #[test]
    fn verifies_at_every_place_of_small_trees_and_nowhere_else() {
        let verify = verifier(key().verifying_key());
        let other_key = verifier(SigningKey::from_bytes(&[8; 32]).verifying_key());
        for size in [2, 3, 4, 7, 8, 9] {
            for index in 0..size {
                let (receipt, root) = make(index, size).unwrap();
                assert_eq!(receipt.verify(entry(index), &verify), Ok(root));
                let error = receipt.verify(entry(index + 1), &verify).unwrap_err();
                assert!(matches!(error, ReceiptError::BadSignature { .. }));
                assert_eq!(receipt.verify(entry(index), &other_key), Err(ReceiptError::BadSignature { root }));
            }
        }
    }

    #[test]
    fn signs_nothing_that_does_not_hold() {
        assert_eq!(make(0, 1), Err(ReceiptError::TreeTooSmall { found: 1 }));
        let inclusion = InclusionProof { index: 0, tree_size: 2, path: vec![entry(5)] };
        let never = |_: &[u8]| panic!("signed");
        let error = Receipt::make(&CLAIMS, entry(0), entry(1), inclusion, never).unwrap_err();
        assert!(matches!(error, ReceiptError::Inclusion(InclusionError::WrongRoot { .. })));
    }

    #[test]
    fn no_changed_byte_still_verifies() {
        let bytes = make(2, 3).unwrap().0.encode();
        let verify = verifier(key().verifying_key());
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let result = Receipt::parse(&changed).and_then(|receipt| receipt.verify(entry(2), &verify));
                assert!(result.is_err(), "byte {at} bit {bit}");
                let result = Receipt::parse_lenient(&changed).and_then(|receipt| receipt.verify(entry(2), &verify));
                assert!(result.is_err(), "byte {at} bit {bit}, lenient");
            }
            assert!(Receipt::parse(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    /// Signs whatever header and proofs it is given, as a careless log would.
    fn careless(header: &Value, unprotected: Value, payload: Option<Vec<u8>>, root: Hash) -> Vec<u8> {
        let protected = cbor::encode(header);
        let signature = key().sign(&Sign1::to_be_signed(&protected, root.as_bytes())).to_bytes().to_vec();
        Sign1 { protected, unprotected, payload, signature }.encode()
    }

    #[test]
    fn names_what_is_wrong_in_a_signed_receipt() {
        let (receipt, root) = make(2, 3).unwrap();
        let unprotected = receipt.envelope.unprotected.clone();
        let changed = |label: i64, value: Value| {
            let Value::Map(mut fields) = receipt.header.clone() else { unreachable!() };
            fields.retain(|(key, _)| *key != Value::from(label));
            fields.push((Value::from(label), value));
            Value::Map(fields)
        };
        let without = |label: i64| {
            let Value::Map(mut fields) = receipt.header.clone() else { unreachable!() };
            fields.retain(|(key, _)| *key != Value::from(label));
            Value::Map(fields)
        };
        let read = |header: &Value| Receipt::parse(&careless(header, unprotected.clone(), None, root));
        let two: Value = Value::from(2_u64);
        assert_eq!(read(&changed(label::VDS, two.clone())), Err(ReceiptError::UnsupportedStructure { found: Some(2) }));
        assert_eq!(read(&without(label::VDS)), Err(ReceiptError::UnsupportedStructure { found: None }));
        assert_eq!(
            read(&changed(TREE_SIZE_LABEL, two.clone())),
            Err(ReceiptError::WrongTreeSize { expected: 2, found: 3 })
        );
        assert_eq!(read(&changed(TREE_SIZE_LABEL, Value::from("3"))), Err(ReceiptError::NotSize));
        assert_eq!(read(&without(TREE_SIZE_LABEL)), Err(ReceiptError::NotOurs { what: "a signed tree size" }));
        assert_eq!(read(&without(label::KEY_ID)), Err(ReceiptError::NotOurs { what: "a key id" }));
        assert_eq!(
            read(&changed(99, two.clone())),
            Err(ReceiptError::NotOurs { what: "just the protected labels of ours" })
        );
        let critical = |label: i64| changed(label::CRITICAL, Value::from(vec![Value::from(label)]));
        assert_eq!(read(&critical(99)), Err(ReceiptError::UnknownCritical));
        assert_eq!(
            Receipt::parse(&careless(&receipt.header, unprotected.clone(), Some(vec![1]), root)),
            Err(ReceiptError::PayloadAttached)
        );
        let vdp = |proofs: Value| Value::labelled([(label::VDP, Value::labelled([(INCLUSION_LABEL, proofs)]))]);
        let with_proofs = |proofs: Value| Receipt::parse(&careless(&receipt.header, vdp(proofs), None, root));
        assert_eq!(with_proofs(Value::Array(vec![])), Err(ReceiptError::NoInclusion));
        // Size 3 in two bytes: nobody signed it, so only the one spelling is ours.
        let mut longer = cbor::encode(&Value::from(vec![Value::from(3_u64), Value::from(2_u64), Value::Array(vec![])]));
        longer.splice(1..2, [0x18, 0x03]);
        let what = "just one deterministic inclusion proof in its unprotected header";
        assert_eq!(with_proofs(Value::from(vec![Value::from(longer)])), Err(ReceiptError::NotOurs { what }));
        assert_eq!(with_proofs(Value::from(vec![two.clone()])), Err(ReceiptError::NotInclusion));
        assert_eq!(
            with_proofs(Value::from(vec![two; PROOF_COUNT_MAX + 1])),
            Err(ReceiptError::TooManyProofs { found: PROOF_COUNT_MAX + 1 })
        );
        let one = cbor::encode(&Value::from(vec![Value::from(1_u64), Value::from(0_u64), Value::Array(vec![])]));
        assert_eq!(with_proofs(Value::from(vec![Value::from(one)])), Err(ReceiptError::TreeTooSmall { found: 1 }));
        assert_eq!(
            Receipt::parse(&vec![0; RECEIPT_BYTES_MAX + 1]),
            Err(ReceiptError::TooLong { found: RECEIPT_BYTES_MAX + 1 })
        );
    }

    #[test]
    fn reads_the_fully_specified_algorithm_but_no_other() {
        let (receipt, root) = make(2, 3).unwrap();
        let verify = verifier(key().verifying_key());
        for (alg, expected) in
            [(algorithm::ED25519, Ok(root)), (-7, Err(ReceiptError::UnsupportedAlgorithm { found: Some(-7) }))]
        {
            let header = Value::labelled([(label::ALGORITHM, Value::from(alg)), (label::VDS, Value::from(1_u64))]);
            let bytes = careless(&header, receipt.envelope.unprotected.clone(), None, root);
            assert_eq!(Receipt::parse_lenient(&bytes).unwrap().verify(entry(2), &verify), expected);
        }
    }

    #[test]
    fn a_transparent_statement_parts_into_what_was_logged() {
        let statement = Sign1 {
            protected: vec![0xa1, 0x01, 0x27],
            unprotected: Value::Map(Vec::new()),
            payload: Some(vec![1, 2, 3]),
            signature: vec![0; 64],
        };
        let receipt = make(2, 3).unwrap().0;
        let transparent = transparent_statement(&statement, std::slice::from_ref(&receipt)).unwrap();
        let read = Sign1::decode(&transparent.encode()).unwrap();
        assert_eq!(part_statement(&read), Ok((statement.clone(), vec![receipt.encode()])));
        assert_eq!(part_statement(&statement), Ok((statement.clone(), vec![])));
        assert_eq!(transparent_statement(&transparent, &[]), Err(ReceiptError::UnprotectedNotEmpty));
        let many = vec![receipt; RECEIPT_COUNT_MAX + 1];
        assert_eq!(
            transparent_statement(&statement, &many),
            Err(ReceiptError::TooManyReceipts { found: RECEIPT_COUNT_MAX + 1 })
        );
    }
}
