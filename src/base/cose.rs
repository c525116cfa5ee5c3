//! COSE_Sign1: the envelope of statements and receipts, without the keys.
//!
//! | field                | what                                                        |
//! |----------------------|-------------------------------------------------------------|
//! | protected            | the signed header, kept as the bytes that crossed the wire  |
//! | unprotected          | a map that nobody signed                                    |
//! | payload              | bytes, or absent when it is detached                        |
//! | signature            | bytes over the `Sig_structure`                              |
//!
//! Source: RFC 9052 §4.2 and §4.4. Stricter: the tag 18 must stand, `external_aad` is always empty,
//! and protected and unprotected header may not share a label (§3). Whether the protected header must
//! be deterministic is for the caller: ours are, other people's need not be.

use crate::base::cbor::{self, CborError, Value};

/// The CBOR tag of a COSE_Sign1 (RFC 9052 §2).
pub const TAG: u64 = 18;

/// The longest COSE_Sign1 that is read. Statements are about 300 bytes, receipts about 3 KiB; other
/// people's with certificate chains stay below 64 KiB.
pub const SIZE_BYTES_MAX: usize = 1 << 20;

/// Header labels, by their names in the IANA registry.
pub mod label {
    /// `alg` (RFC 9052 §3.1).
    pub const ALGORITHM: i64 = 1;
    /// `crit` (RFC 9052 §3.1): labels that the reader must understand.
    pub const CRITICAL: i64 = 2;
    /// `content type` (RFC 9052 §3.1).
    pub const CONTENT_TYPE: i64 = 3;
    /// `kid` (RFC 9052 §3.1).
    pub const KEY_ID: i64 = 4;
    /// `CWT Claims` (RFC 9597).
    pub const CWT_CLAIMS: i64 = 15;
    /// `typ` (RFC 9596).
    pub const TYPE: i64 = 16;
    /// `payload-hash-alg` (RFC 9995).
    pub const PAYLOAD_HASH_ALGORITHM: i64 = 258;
    /// `payload-preimage-content-type` (RFC 9995).
    pub const PREIMAGE_CONTENT_TYPE: i64 = 259;
    /// `3161-ctt`: a timestamp token over the signature (RFC 9921).
    pub const TIMESTAMP: i64 = 270;
    /// `receipts` (RFC 9942).
    pub const RECEIPTS: i64 = 394;
    /// `vds`, the verifiable data structure (RFC 9942).
    pub const VDS: i64 = 395;
    /// `vdp`, its proofs (RFC 9942).
    pub const VDP: i64 = 396;
}

/// Algorithm numbers of the IANA COSE registry.
pub mod algorithm {
    /// `EdDSA` (RFC 9053 §2.2).
    pub const EDDSA: i64 = -8;
    /// `Ed25519`, fully specified (RFC 9864).
    pub const ED25519: i64 = -19;
    /// `SHA-256` (RFC 9054).
    pub const SHA_256: i64 = -16;
}

/// A COSE_Sign1 as it was read or is about to be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sign1 {
    /// The protected header, encoded.
    pub protected: Vec<u8>,
    /// The unprotected header, a map.
    pub unprotected: Value,
    /// The payload, when it is attached.
    pub payload: Option<Vec<u8>>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Sign1 {
    /// Encodes the envelope deterministically, with its tag.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let payload = self.payload.as_ref().map_or(Value::Null, |payload| Value::from(payload.as_slice()));
        cbor::encode(&Value::Tag(
            TAG,
            Box::new(Value::Array(vec![
                Value::from(self.protected.as_slice()),
                self.unprotected.clone(),
                payload,
                Value::from(self.signature.as_slice()),
            ])),
        ))
    }

    /// Decodes an envelope of ours: it must be deterministic throughout, its protected header too.
    ///
    /// # Errors
    /// A [`CoseError`]; nothing that is returned was verified yet.
    pub fn decode(bytes: &[u8]) -> Result<Self, CoseError> {
        let envelope = Self::decode_lenient(bytes)?;
        cbor::decode(bytes)?;
        if !envelope.protected.is_empty() {
            cbor::decode(&envelope.protected).map_err(CoseError::Protected)?;
        }
        Ok(envelope)
    }

    /// Decodes an envelope that others made, in any definite-length spelling.
    ///
    /// # Errors
    /// A [`CoseError`]; nothing that is returned was verified yet.
    pub fn decode_lenient(bytes: &[u8]) -> Result<Self, CoseError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(CoseError::TooLong { found: bytes.len() });
        }
        let Value::Tag(TAG, inner) = cbor::decode_lenient(bytes)? else {
            return Err(CoseError::NotSign1);
        };
        let Value::Array(parts) = *inner else {
            return Err(CoseError::NotSign1);
        };
        let [Value::Bytes(protected), unprotected @ Value::Map(_), payload, Value::Bytes(signature)] = parts.as_slice()
        else {
            return Err(CoseError::NotSign1);
        };
        let payload = match payload {
            Value::Bytes(payload) => Some(payload.clone()),
            Value::Null => None,
            _ => return Err(CoseError::NotSign1),
        };
        let envelope = Self {
            protected: protected.clone(),
            unprotected: unprotected.clone(),
            payload,
            signature: signature.clone(),
        };
        envelope.check_labels()?;
        Ok(envelope)
    }

    /// Decodes the protected header as a map.
    ///
    /// # Errors
    /// [`CoseError::Protected`] when it is not a map; an empty string is an empty map (RFC 9052 §3).
    pub fn protected_header(&self) -> Result<Value, CoseError> {
        if self.protected.is_empty() {
            return Ok(Value::Map(Vec::new()));
        }
        match cbor::decode_lenient(&self.protected).map_err(CoseError::Protected)? {
            header @ Value::Map(_) => Ok(header),
            _ => Err(CoseError::NotSign1),
        }
    }

    /// Returns the bytes that the signature covers, for the attached payload or a detached one.
    #[must_use]
    pub fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
        // RFC 9052 §4.4: a zero-length map is signed as a zero-length string.
        let protected = if protected == [0xa0] { &[] } else { protected };
        cbor::encode(&Value::Array(vec![
            Value::from("Signature1"),
            Value::from(protected),
            Value::Bytes(Vec::new()),
            Value::from(payload),
        ]))
    }

    fn check_labels(&self) -> Result<(), CoseError> {
        let (Value::Map(signed), Value::Map(unsigned)) = (self.protected_header()?, &self.unprotected) else {
            return Err(CoseError::NotSign1);
        };
        for (label, _) in unsigned {
            if signed.iter().any(|(other, _)| other == label) {
                return Err(CoseError::LabelTwice { label: format!("{label:?}") });
            }
        }
        Ok(())
    }
}

/// Why bytes are not a COSE_Sign1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CoseError {
    #[error("not one CBOR value")]
    Cbor(#[from] CborError),
    #[error("label {label} stands in the protected and in the unprotected header")]
    LabelTwice { label: String },
    #[error("not a tagged COSE_Sign1 array of four")]
    NotSign1,
    #[error("protected header")]
    Protected(#[source] CborError),
    #[error("{found} bytes, more than the limit of {SIZE_BYTES_MAX}")]
    TooLong { found: usize },
}
