//! Revocation lists: what an issuer has said of certificates that it takes back.
//!
//! | quantity | unit  | range                          |
//! |----------|-------|--------------------------------|
//! | list     | bytes | at most [`SIZE_BYTES_MAX`]     |
//! | entries  | count | at most [`ENTRY_COUNT_MAX`]    |
//!
//! Source: RFC 5280 §5, and RFC 3161 §4 for what a revocation means to tokens: where the reason is that the certificate is
//! no longer used (unspecified, affiliation changed, superseded, cessation of operation), tokens of before stand; where
//! no reason is given, or the key may be in other hands, none does, whatever time it says.
//!
//! A list counts when the issuer's own key signed it. It is used to refuse, never to accept: that a certificate is on no list
//! here shows nothing, and an old list is as good as a new one for what is on it.
//!
//! Not done: lists that name certificates of other issuers, lists of changes to another list, fetching any.

use super::algorithm::{AlgorithmError, Scheme};
use super::certificate::Certificate;
use super::der::{
    self, BIT_STRING, BOOLEAN, DerError, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, UTC_TIME,
};
use super::moment;

use crate::base::time::Time;

/// The longest list that is read.
pub const SIZE_BYTES_MAX: usize = 1 << 20;

/// The most certificates on one list.
pub const ENTRY_COUNT_MAX: usize = 20_000;

const REASON: &[u8] = &[0x55, 0x1d, 0x15];
const ENUMERATED: u8 = 0x0a;

/// Extensions of a list that may be critical: one that says of which part of an issuer's certificates it speaks.
const DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 0x1c];

/// A list, as received.
#[derive(Clone, Eq, PartialEq)]
pub struct RevocationList {
    bytes: Vec<u8>,
    signed: Vec<u8>,
    scheme: Result<Scheme, AlgorithmError>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    entries: Vec<(Vec<u8>, Revocation)>,
}

/// That a certificate was taken back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// Since when.
    pub at: Time,
    /// Why: the code of RFC 5280 §5.3.1, where one is given.
    pub reason: Option<u64>,
}

impl Revocation {
    /// Says whether what was signed before the revocation stands.
    #[must_use]
    pub fn spares_the_past(self) -> bool {
        matches!(self.reason, Some(0 | 3 | 4 | 5))
    }

    /// Names the reason.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self.reason {
            None => "no reason given",
            Some(0) => "reason unspecified",
            Some(1) => "its key is compromised",
            Some(2) => "its issuer's key is compromised",
            Some(3) => "affiliation changed",
            Some(4) => "superseded",
            Some(5) => "cessation of operation",
            Some(6) => "on hold",
            Some(_) => "another reason",
        }
    }
}

impl RevocationList {
    /// Reads a list.
    ///
    /// # Errors
    /// A [`RevocationError`] that says where the bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, RevocationError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(RevocationError::TooLong { found: bytes.len() });
        }
        let mut outer = Reader::new(bytes);
        let mut list = outer.sequence()?;
        outer.finish()?;
        let signed = list.take(SEQUENCE)?;
        let scheme = Scheme::read(&mut list, None);
        let mut after_signed = Reader::new(bytes).sequence()?;
        after_signed.take(SEQUENCE)?;
        let outside = after_signed.take(SEQUENCE)?.raw;
        let signature = after_signed.take(BIT_STRING)?.bits()?.to_vec();
        after_signed.finish()?;

        let mut fields = signed.reader();
        fields.optional(INTEGER)?; // The version.
        if fields.take(SEQUENCE)?.raw != outside {
            return Err(RevocationError::TwoAlgorithms);
        }
        let issuer = fields.take(SEQUENCE)?.raw.to_vec();
        for _ in 0..2 {
            // When it was made, and when the next comes: what is on it stays on it.
            if matches!(fields.peek(), Some(UTC_TIME | GENERALIZED_TIME)) {
                moment::read(&fields.any()?)?;
            }
        }
        let entries = match fields.optional(SEQUENCE)? {
            Some(revoked) => read_entries(revoked.reader())?,
            None => Vec::new(),
        };
        if let Some(extensions) = fields.optional(der::context(0))? {
            refuse_critical(extensions.reader().sequence()?)?;
        }
        fields.finish()?;
        Ok(Self { bytes: bytes.to_vec(), signed: signed.raw.to_vec(), scheme, signature, issuer, entries })
    }

    /// Returns what the list says of a certificate, when it is by its issuer.
    #[must_use]
    pub fn revocation(&self, certificate: &Certificate, issuer: &Certificate) -> Option<Revocation> {
        if self.issuer != certificate.issuer || self.issuer != issuer.subject {
            return None;
        }
        let (_, revocation) = self.entries.iter().find(|(serial, _)| *serial == certificate.serial)?;
        let scheme = self.scheme.clone().ok()?;
        let is_signed = issuer.may_revoke() && issuer.key.verify(scheme, &self.signed, &self.signature).is_ok();
        is_signed.then_some(*revocation)
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl std::fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RevocationList({} entries)", self.entries.len())
    }
}

fn read_entries(mut revoked: Reader<'_>) -> Result<Vec<(Vec<u8>, Revocation)>, RevocationError> {
    let mut entries = Vec::new();
    while !revoked.is_empty() {
        if entries.len() >= ENTRY_COUNT_MAX {
            return Err(RevocationError::TooMany);
        }
        entries.push(read_entry(revoked.sequence()?)?);
    }
    Ok(entries)
}

fn read_entry(mut entry: Reader<'_>) -> Result<(Vec<u8>, Revocation), RevocationError> {
    let serial = entry.take(INTEGER)?.integer()?.to_vec();
    let mut revocation = Revocation { at: moment::read(&entry.any()?)?, reason: None };
    if let Some(extensions) = entry.optional(SEQUENCE)? {
        let mut extensions = extensions.reader();
        while !extensions.is_empty() {
            let mut extension = extensions.sequence()?;
            let oid = extension.take(OID)?.content;
            let is_critical = extension.optional(BOOLEAN)?.map(|critical| critical.is_true()).transpose()?;
            let value = extension.take(OCTET_STRING)?.octets()?;
            if oid == REASON {
                revocation.reason = Some(Reader::new(&value).take(ENUMERATED)?.small()?);
            } else if is_critical == Some(true) {
                return Err(RevocationError::UnknownCritical { oid: super::algorithm::dotted(oid) });
            }
        }
    }
    entry.finish()?;
    Ok((serial, revocation))
}

/// Refuses a list that is not what it seems: one of changes, or of other issuers' certificates.
fn refuse_critical(mut extensions: Reader<'_>) -> Result<(), RevocationError> {
    while !extensions.is_empty() {
        let mut extension = extensions.sequence()?;
        let oid = extension.take(OID)?.content;
        let is_critical = extension.optional(BOOLEAN)?.map(|critical| critical.is_true()).transpose()?;
        if is_critical == Some(true) && oid != DISTRIBUTION_POINT {
            return Err(RevocationError::UnknownCritical { oid: super::algorithm::dotted(oid) });
        }
    }
    Ok(())
}

/// Why bytes are not a revocation list that can be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum RevocationError {
    #[error(transparent)]
    Der(#[from] DerError),
    #[error("a revocation list of {found} bytes, and at most {SIZE_BYTES_MAX} are read")]
    TooLong { found: usize },
    #[error("a revocation list of more than {ENTRY_COUNT_MAX} certificates")]
    TooMany,
    #[error("a revocation list that names two signature algorithms")]
    TwoAlgorithms,
    #[error("a revocation list with a critical extension {oid} that is not known here")]
    UnknownCritical { oid: String },
}
