//! Statements: the archive's signature over a record.
//!
//! A statement is a COSE_Sign1 (tag 18, [`crate::base::cose`]) that is a Hash Envelope: its payload is the
//! SHA-256 of the record, so it names nobody, quotes nothing and never needs erasing. In RFC 8949's diagnostic
//! notation:
//!
//! ```text
//! 18([
//!   << {1: -8,                                         / alg: EdDSA /
//!       4: h'…',                                       / kid: the fingerprint, as ssh-keygen -l has it /
//!      15: {1: "affiant.example/log",                  / iss: the log's origin /
//!           2: "AF-C-000042-r",                        / sub: the citation id /
//!           6: 1679315147},                            / iat: when it was made /
//!      258: -16,                                       / the payload is a SHA-256 hash /
//!      259: "application/vnd.affiant.record+cbor"} >>, / of a record /
//!   {},                                                / nothing that nobody signed /
//!   h'…',                                              / SHA-256 of the record /
//!   h'…'                                               / 64 bytes /
//! ])
//! ```
//!
//! | field     | type | what                                                        |
//! |-----------|------|-------------------------------------------------------------|
//! | alg       | int  | −8; −19 is accepted on reading                              |
//! | kid       | bytes| SHA-256 of the public key in OpenSSH's wire form, 32 bytes  |
//! | iss, sub  | text | origin and citation id                                      |
//! | iat       | uint | seconds since the Unix epoch                                |
//! | payload   | bytes| 32                                                          |
//! | signature | bytes| 64                                                          |
//!
//! Rules. One spelling: both headers are deterministic CBOR and hold these labels and no others. The
//! *entry* of the log is SHA-256 of these very bytes.
//!
//! To verify:
//! 1. Decode strictly; refuse any other header label.
//! 2. Compare the payload with the SHA-256 of the record.
//! 3. Compare kid with the fingerprint of the key that genesis names for statements.
//! 4. Verify the signature over the `Sig_structure` with that key, strictly.
//! 5. Compare iss with the log's origin, sub with the record's kind and index, iat with its `made`.
//!
//! Sources: RFC 9052 (COSE), RFC 9995 (Hash Envelope), RFC 9597 (CWT claims in headers), RFC 9943 (SCITT).

use crate::base::cbor::{self, Value};
use crate::base::cose::{CoseError, Sign1, algorithm, label};
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::key::{Ed25519PublicKey, Ed25519Signer, KeyError};

/// The longest statement that is read: three times the longest that is written.
pub const SIZE_BYTES_MAX: usize = 2048;

const CLAIM_ISSUER: i64 = 1;
const CLAIM_SUBJECT: i64 = 2;
const CLAIM_ISSUED_AT: i64 = 6;

/// A statement, as decoded from the bytes it keeps.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// What it says.
    pub claim: Claim,
    /// SHA-256 of the signing key in OpenSSH's wire form.
    pub key_id: Hash,
    envelope: Sign1,
    bytes: Vec<u8>,
    fitting: Option<Fitting>,
}

/// That a signature was found to fit: the SHA-256 of key, signature and message. Only [`Statement::fitting`] makes one, so
/// that whoever has one has checked that very signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fitting(Hash);

/// What a statement says: the named struct that is signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// The log's origin.
    pub issuer: String,
    /// The record's citation id.
    pub subject: String,
    /// When the record was made, to the second.
    pub issued_at: Time,
    /// SHA-256 of the record.
    pub record: Hash,
}

impl Statement {
    /// Signs a claim.
    ///
    /// # Errors
    /// [`KeyError::NotSigned`] when whoever has the secret does not sign.
    pub fn sign(claim: Claim, key: &Ed25519Signer) -> Result<Self, KeyError> {
        let key_id = key_id(&key.public());
        let claims = Value::labelled([
            (CLAIM_ISSUER, Value::from(claim.issuer.as_str())),
            (CLAIM_SUBJECT, Value::from(claim.subject.as_str())),
            (CLAIM_ISSUED_AT, Value::from(claim.issued_at.seconds())),
        ]);
        let protected = cbor::encode(&Value::labelled([
            (label::ALGORITHM, Value::from(algorithm::EDDSA)),
            (label::KEY_ID, Value::from(key_id)),
            (label::CWT_CLAIMS, claims),
            (label::PAYLOAD_HASH_ALGORITHM, Value::from(algorithm::SHA_256)),
            (label::PREIMAGE_CONTENT_TYPE, Value::from(super::record::MEDIA_TYPE)),
        ]));
        let payload = claim.record.as_bytes().to_vec();
        let signature = key.sign(&Sign1::to_be_signed(&protected, &payload))?.to_vec();
        let envelope = Sign1 { protected, unprotected: Value::Map(Vec::new()), payload: Some(payload), signature };
        let bytes = envelope.encode();
        let claim = Claim { issued_at: claim.issued_at.to_second(), ..claim };
        Ok(Self { claim, key_id, envelope, bytes, fitting: None })
    }

    /// Decodes a statement. Nothing about it is verified yet.
    ///
    /// # Errors
    /// A [`StatementError`] that says what is not as every statement is.
    pub fn decode(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(StatementError::TooLong { found: bytes.len() });
        }
        let envelope = Sign1::decode(bytes)?;
        if envelope.unprotected != Value::Map(Vec::new()) {
            return Err(StatementError::Unprotected);
        }
        let header = envelope.protected_header()?;
        let wrong = |field: &'static str| StatementError::Header { field };
        check_labels(&header)?;
        let alg = header.at_label(label::ALGORITHM).and_then(Value::as_integer);
        if !matches!(alg, Some(algorithm::EDDSA | algorithm::ED25519)) {
            return Err(wrong("alg"));
        }
        if header.at_label(label::PAYLOAD_HASH_ALGORITHM).and_then(Value::as_integer) != Some(algorithm::SHA_256) {
            return Err(wrong("payload-hash-alg"));
        }
        if header.at_label(label::PREIMAGE_CONTENT_TYPE).and_then(Value::as_text) != Some(super::record::MEDIA_TYPE) {
            return Err(wrong("payload-preimage-content-type"));
        }
        let key_id = header.at_label(label::KEY_ID).and_then(Value::as_bytes).ok_or_else(|| wrong("kid"))?;
        let key_id = Hash::from_slice(key_id).map_err(|_| wrong("kid"))?;
        let payload = envelope.payload.as_deref().and_then(|payload| Hash::from_slice(payload).ok());
        let record = payload.ok_or_else(|| wrong("payload"))?;
        if envelope.signature.len() != 64 {
            return Err(wrong("signature"));
        }
        let claims = header.at_label(label::CWT_CLAIMS).ok_or_else(|| wrong("CWT claims"))?;
        let claim = read_claims(claims, record).ok_or_else(|| wrong("CWT claims"))?;
        Ok(Self { claim, key_id, envelope, bytes: bytes.to_vec(), fitting: None })
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the envelope, for the making of a transparent statement.
    #[must_use]
    pub fn envelope(&self) -> &Sign1 {
        &self.envelope
    }

    /// Returns the log entry: SHA-256 of the bytes.
    #[must_use]
    pub fn entry(&self) -> Hash {
        Hash::of(&self.bytes)
    }

    /// Checks the signature before it is asked for, on another processor: where it fits, [`Statement::verify`] of the same
    /// bytes need not do it once more.
    #[must_use]
    pub fn fitting(&self, key: &Ed25519PublicKey) -> Option<Fitting> {
        self.verify(key).ok().map(|()| self.fitting_of(key, &self.message()))
    }

    /// Takes what was found of the same bytes. Of others it says nothing.
    #[must_use]
    pub fn with(self, fitting: Option<Fitting>) -> Self {
        Self { fitting, ..self }
    }

    fn fitting_of(&self, key: &Ed25519PublicKey, message: &[u8]) -> Fitting {
        Fitting(Hash::of_parts(&[key.as_bytes(), &self.envelope.signature, message]))
    }

    fn message(&self) -> Vec<u8> {
        Sign1::to_be_signed(&self.envelope.protected, self.claim.record.as_bytes())
    }

    /// Checks the signature over the bytes as received.
    ///
    /// # Errors
    /// [`StatementError::OtherKey`] when the statement names another key, [`StatementError::BadSignature`]
    /// when the signature is not this key's.
    pub fn verify(&self, key: &Ed25519PublicKey) -> Result<(), StatementError> {
        let expected = key_id(key);
        if self.key_id != expected {
            return Err(StatementError::OtherKey { expected, found: self.key_id });
        }
        let message = self.message();
        if self.fitting.is_some_and(|fitting| fitting == self.fitting_of(key, &message)) {
            return Ok(());
        }
        key.verify(&message, &self.envelope.signature).map_err(|_| StatementError::BadSignature)
    }
}

/// Returns how statements name a key: SHA-256 of its OpenSSH wire form, the hash in `SHA256:…`.
#[must_use]
pub fn key_id(key: &Ed25519PublicKey) -> Hash {
    Hash::of(&key.openssh_wire())
}

fn check_labels(header: &Value) -> Result<(), StatementError> {
    const LABELS: [i64; 5] = [
        label::ALGORITHM,
        label::KEY_ID,
        label::CWT_CLAIMS,
        label::PAYLOAD_HASH_ALGORITHM,
        label::PREIMAGE_CONTENT_TYPE,
    ];
    let Value::Map(fields) = header else { return Err(StatementError::Header { field: "protected" }) };
    let is_known = |key: &Value| key.as_integer().is_some_and(|label| LABELS.contains(&label));
    if fields.len() == LABELS.len() && fields.iter().all(|(key, _)| is_known(key)) {
        return Ok(());
    }
    Err(StatementError::Header { field: "a label that is missing or not known" })
}

fn read_claims(claims: &Value, record: Hash) -> Option<Claim> {
    let Value::Map(fields) = claims else { return None };
    let claim = Claim {
        issuer: claims.at_label(CLAIM_ISSUER)?.as_text()?.to_owned(),
        subject: claims.at_label(CLAIM_SUBJECT)?.as_text()?.to_owned(),
        issued_at: Time::from_seconds(claims.at_label(CLAIM_ISSUED_AT)?.as_unsigned()?).ok()?,
        record,
    };
    (fields.len() == 3).then_some(claim)
}

/// Why bytes are not a statement, or not this key's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum StatementError {
    #[error("the signature is not by the key that the statement names")]
    BadSignature,
    #[error(transparent)]
    Cose(#[from] CoseError),
    #[error("not the header of a statement: {field}")]
    Header { field: &'static str },
    #[error("signed by key {found}, expected {expected}")]
    OtherKey { expected: Hash, found: Hash },
    #[error("{found} bytes, more than the limit of {SIZE_BYTES_MAX}")]
    TooLong { found: usize },
    #[error("the unprotected header of a logged statement must be empty")]
    Unprotected,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::key::Ed25519SecretKey;

    fn statement() -> (Statement, Ed25519Signer) {
        let key = Ed25519Signer::from(Ed25519SecretKey::from_seed(&[7; 32]));
        let claim = Claim {
            issuer: "affiant.example/log".to_owned(),
            subject: "AF-C-000042-r".to_owned(),
            issued_at: Time::from_seconds(1_679_315_147).unwrap(),
            record: Hash::of(b"record"),
        };
        (Statement::sign(claim, &key).unwrap(), key)
    }

    #[test]
    fn reads_back_and_verifies() {
        let (statement, key) = statement();
        let again = Statement::decode(statement.as_bytes()).unwrap();
        assert_eq!(again, statement);
        assert_eq!(again.verify(&key.public()), Ok(()));
        assert_eq!(again.entry(), Hash::of(statement.as_bytes()));
    }

    #[test]
    fn no_flipped_bit_verifies() {
        let (statement, key) = statement();
        for bit in 0..statement.as_bytes().len() * 8 {
            let mut forged = statement.as_bytes().to_vec();
            forged[bit / 8] ^= 1 << (bit % 8);
            let verdict = Statement::decode(&forged).and_then(|forged| forged.verify(&key.public()));
            assert!(verdict.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn what_was_found_of_one_statement_says_nothing_of_another() {
        let (statement, key) = statement();
        let fitting = statement.fitting(&key.public());
        assert!(fitting.is_some());
        assert_eq!(statement.clone().with(fitting).verify(&key.public()), Ok(()));
        for bit in 0..statement.as_bytes().len() * 8 {
            let mut forged = statement.as_bytes().to_vec();
            forged[bit / 8] ^= 1 << (bit % 8);
            let Ok(forged) = Statement::decode(&forged) else { continue };
            assert_eq!(forged.fitting(&key.public()), None, "bit {bit}");
            assert!(forged.with(fitting).verify(&key.public()).is_err(), "bit {bit}");
        }
        let other = Ed25519Signer::from(Ed25519SecretKey::from_seed(&[8; 32]));
        assert_eq!(statement.fitting(&other.public()), None);
        assert!(statement.clone().with(fitting).verify(&other.public()).is_err());
        // One that names the key and is signed by another.
        let by_other = Statement::sign(statement.claim.clone(), &other).unwrap();
        let posing = Statement { key_id: statement.key_id, ..by_other };
        assert_eq!(posing.with(fitting).verify(&key.public()), Err(StatementError::BadSignature));
    }

    #[test]
    fn names_the_other_key() {
        let (statement, _) = statement();
        let other = Ed25519SecretKey::from_seed(&[8; 32]).public();
        assert!(matches!(statement.verify(&other), Err(StatementError::OtherKey { .. })));
    }

    #[test]
    fn rejects_an_unprotected_header() {
        let (statement, _) = statement();
        let mut envelope = statement.envelope().clone();
        envelope.unprotected = Value::labelled([(394, Value::Null)]);
        assert_eq!(Statement::decode(&envelope.encode()), Err(StatementError::Unprotected));
    }
}
