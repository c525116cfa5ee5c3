//! Certificates of authorities and organisations: what RFC 5280 writes, so far as a chain needs it.
//!
//! | quantity     | unit  | range                              |
//! |--------------|-------|------------------------------------|
//! | certificate  | bytes | at most [`SIZE_BYTES_MAX`]         |
//! | extensions   | count | at most [`EXTENSION_COUNT_MAX`]    |
//!
//! Source: RFC 5280 §4. Stricter: an extension that comes twice, or is critical and not known here, makes a
//! certificate that no chain goes through (a critical name constraint is one of these). Looser: the encoding
//! need not be DER. Certificate policies are not weighed: the reader trusts a root, not a policy.

use std::fmt;

use super::algorithm::{AlgorithmError, PublicKey, Scheme};
use super::der::{self, BIT_STRING, BOOLEAN, DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET};
use super::moment;

use crate::base::hash::Hash;
use crate::base::time::Time;

/// The longest certificate that is read; those of authorities have about 2 KiB.
pub const SIZE_BYTES_MAX: usize = 1 << 15;

/// The most extensions in one; authorities send about ten.
pub const EXTENSION_COUNT_MAX: usize = 64;

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];

/// Extensions that may be critical although nothing here depends on them: names, key ids and policies.
const HARMLESS: [&[u8]; 5] =
    [SUBJECT_KEY_ID, &[0x55, 0x1d, 0x23], &[0x55, 0x1d, 0x11], &[0x55, 0x1d, 0x12], &[0x55, 0x1d, 0x20]];

const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0];

/// Purposes that let a person or an organisation sign documents: e-mail (RFC 5280 §4.2.1.12), documents (RFC 9336), and the
/// same by the number that came before.
const DOCUMENTS: [&[u8]; 3] =
    [&[0x2b, 6, 1, 5, 5, 7, 3, 4], &[0x2b, 6, 1, 5, 5, 7, 3, 36], &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 12]];

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];

/// A certificate, as received.
#[derive(Clone, Eq, PartialEq)]
pub struct Certificate {
    pub(super) bytes: Vec<u8>,
    /// What its signature covers.
    signed: Vec<u8>,
    scheme: Result<Scheme, AlgorithmError>,
    signature: Vec<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    not_before: Time,
    not_after: Time,
    pub(super) key: PublicKey,
    pub(super) key_id: Option<Vec<u8>>,
    is_authority: bool,
    path_length_max: Option<u64>,
    usage: Option<u8>,
    purposes: Option<Purposes>,
    /// A critical extension that is not known here.
    unknown: Option<String>,
}

/// What a certificate is asked to sign, or to issue certificates for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Purpose {
    /// Timestamps.
    #[default]
    TimeStamping,
    /// Documents, as the holder's own word.
    Documents,
}

/// What an extended key usage allows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Purposes {
    is_critical: bool,
    /// How many of them are each of these.
    time_stamping_count: usize,
    documents_count: usize,
    any_count: usize,
    count: usize,
}

impl Purposes {
    fn allow(self, purpose: Purpose) -> bool {
        let named_count = match purpose {
            Purpose::TimeStamping => self.time_stamping_count,
            Purpose::Documents => self.documents_count,
        };
        self.any_count + named_count > 0
    }
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// A [`CertificateError`] that says where the bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(CertificateError::TooLong { found: bytes.len() });
        }
        let mut outer = Reader::new(bytes);
        let mut certificate = outer.sequence()?;
        outer.finish()?;
        let signed = certificate.take(SEQUENCE)?;
        let scheme_outside = certificate;
        let scheme = Scheme::read(&mut certificate, None);
        let mut certificate = scheme_outside;
        let outside = certificate.take(SEQUENCE)?.raw;
        let signature = certificate.take(BIT_STRING)?.bits()?.to_vec();
        certificate.finish()?;

        let mut fields = signed.reader();
        fields.optional(der::context(0))?; // The version: what a certificate may hold is told by what it holds.
        let serial = fields.take(INTEGER)?.integer()?.to_vec();
        if fields.take(SEQUENCE)?.raw != outside {
            return Err(CertificateError::TwoAlgorithms);
        }
        let issuer = fields.take(SEQUENCE)?.raw.to_vec();
        let mut validity = fields.sequence()?;
        let (not_before, not_after) = (moment::read(&validity.any()?)?, moment::read(&validity.any()?)?);
        let subject = fields.take(SEQUENCE)?.raw.to_vec();
        let key = PublicKey::read(&mut fields)?;
        fields.optional(der::context_primitive(1))?;
        fields.optional(der::context_primitive(2))?;
        let mut read = Self {
            bytes: bytes.to_vec(),
            signed: signed.raw.to_vec(),
            scheme,
            signature,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            key_id: None,
            is_authority: false,
            path_length_max: None,
            usage: None,
            purposes: None,
            unknown: None,
        };
        if let Some(extensions) = fields.optional(der::context(3))? {
            read.read_extensions(extensions.reader().sequence()?)?;
        }
        fields.finish()?;
        Ok(read)
    }

    fn read_extensions(&mut self, mut extensions: Reader<'_>) -> Result<(), CertificateError> {
        let mut seen: Vec<&[u8]> = Vec::new();
        while !extensions.is_empty() {
            let mut extension = extensions.sequence()?;
            let oid = extension.take(OID)?.content;
            let is_critical = extension.optional(BOOLEAN)?.map(|critical| critical.is_true()).transpose()?;
            let value = extension.take(OCTET_STRING)?.octets()?;
            if seen.contains(&oid) {
                return Err(CertificateError::Twice { oid: super::algorithm::dotted(oid) });
            }
            seen.push(oid);
            if seen.len() > EXTENSION_COUNT_MAX {
                return Err(CertificateError::TooManyExtensions);
            }
            self.read_extension(oid, is_critical.unwrap_or(false), Reader::new(&value))?;
        }
        Ok(())
    }

    fn read_extension(&mut self, oid: &[u8], is_critical: bool, mut value: Reader<'_>) -> Result<(), DerError> {
        match oid {
            BASIC_CONSTRAINTS => {
                let mut constraints = value.sequence()?;
                let authority = constraints.optional(BOOLEAN)?.map(|authority| authority.is_true()).transpose()?;
                self.is_authority = authority.unwrap_or(false);
                self.path_length_max = constraints.optional(INTEGER)?.map(|length| length.small()).transpose()?;
            }
            KEY_USAGE => {
                // The first bit is the highest: digitalSignature, nonRepudiation, …, keyCertSign at 5.
                self.usage = Some(value.take(BIT_STRING)?.content.get(1).copied().unwrap_or(0));
            }
            EXTENDED_KEY_USAGE => {
                let mut purposes = Purposes { is_critical, ..Purposes::default() };
                let mut oids = value.sequence()?;
                while !oids.is_empty() {
                    let purpose = oids.take(OID)?.content;
                    purposes.time_stamping_count += usize::from(purpose == TIME_STAMPING);
                    purposes.documents_count += usize::from(DOCUMENTS.contains(&purpose));
                    purposes.any_count += usize::from(purpose == ANY_PURPOSE);
                    purposes.count += 1;
                }
                self.purposes = Some(purposes);
            }
            SUBJECT_KEY_ID => self.key_id = Some(value.take(OCTET_STRING)?.content.to_vec()),
            _ if is_critical && !HARMLESS.contains(&oid) => self.unknown = Some(super::algorithm::dotted(oid)),
            _ => {}
        }
        Ok(())
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns SHA-256 of the bytes: what `openssl x509 -fingerprint -sha256` prints.
    #[must_use]
    pub fn fingerprint(&self) -> Hash {
        Hash::of(&self.bytes)
    }

    /// Returns the subject's common name, or else its organisation, for people.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.subject)
    }

    /// Returns the issuer's common name, or else its organisation, for people.
    #[must_use]
    pub fn issuer_name(&self) -> String {
        name_of(&self.issuer)
    }

    /// Returns the last moment of its validity.
    #[must_use]
    pub fn not_after(&self) -> Time {
        self.not_after
    }

    /// Returns the first moment of its validity.
    #[must_use]
    pub fn not_before(&self) -> Time {
        self.not_before
    }

    /// Returns the moment after which signatures by its key are no longer to be relied upon ([`super::algorithm`]).
    #[must_use]
    pub fn relied_on_until(&self) -> Time {
        Time::from_seconds(self.key.relied_on_until_seconds()).unwrap_or(Time::EPOCH)
    }

    /// Says whether it names itself as its issuer.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Checks that it was valid at a moment.
    pub(super) fn check_validity(&self, at: Time) -> Result<(), CertificateError> {
        if at < self.not_before {
            return Err(CertificateError::NotYetValid { name: self.name(), from: self.not_before, at });
        }
        if at > self.not_after {
            return Err(CertificateError::Expired { name: self.name(), until: self.not_after, at });
        }
        Ok(())
    }

    /// Checks that it may sign timestamps and nothing else (RFC 3161 §2.3).
    ///
    /// # Errors
    /// [`CertificateError::NotForTimestamps`] says what it lacks or has too much.
    pub fn check_signs_timestamps(&self) -> Result<(), CertificateError> {
        let wrong = |found: &'static str| Err(CertificateError::NotForTimestamps { name: self.name(), found });
        self.check_extensions()?;
        match self.purposes {
            None => wrong("no extended key usage"),
            Some(purposes) if purposes.time_stamping_count == 0 => wrong("an extended key usage for something else"),
            Some(purposes) if purposes.count != 1 => wrong("an extended key usage for other things too"),
            Some(purposes) if !purposes.is_critical => wrong("an extended key usage that is not critical"),
            Some(_) if self.usage.is_some_and(|usage| usage & 0xc0 == 0) => wrong("a key usage without signatures"),
            Some(_) => Ok(()),
        }
    }

    /// Checks that it may sign documents: nothing in it says that it is for something else.
    ///
    /// # Errors
    /// [`CertificateError::NotForDocuments`] says what stands against it.
    pub fn check_signs_documents(&self) -> Result<(), CertificateError> {
        let wrong = |found: &'static str| Err(CertificateError::NotForDocuments { name: self.name(), found });
        self.check_extensions()?;
        if self.purposes.is_some_and(|purposes| !purposes.allow(Purpose::Documents)) {
            return wrong("an extended key usage for something else");
        }
        if self.usage.is_some_and(|usage| usage & 0xc0 == 0) {
            return wrong("a key usage without signatures");
        }
        Ok(())
    }

    /// Checks that it may issue certificates for a purpose, with `below` others between it and the last.
    pub(super) fn check_issues(&self, below: u64, purpose: Purpose) -> Result<(), CertificateError> {
        let wrong = |found: &'static str| Err(CertificateError::NotIssuer { name: self.name(), found });
        self.check_extensions()?;
        if !self.is_authority {
            return wrong("basic constraints that do not make it an issuer");
        }
        if self.usage.is_some_and(|usage| usage & 0x04 == 0) {
            return wrong("a key usage without certificates");
        }
        if self.path_length_max.is_some_and(|max| below > max) {
            return wrong("a longer path than it allows");
        }
        if self.purposes.is_some_and(|purposes| !purposes.allow(purpose)) {
            return wrong("an extended key usage for something else");
        }
        Ok(())
    }

    /// Says whether it may sign revocation lists.
    pub(super) fn may_revoke(&self) -> bool {
        self.usage.is_none_or(|usage| usage & 0x02 != 0)
    }

    fn check_extensions(&self) -> Result<(), CertificateError> {
        match &self.unknown {
            Some(oid) => Err(CertificateError::UnknownCritical { name: self.name(), oid: oid.clone() }),
            None => Ok(()),
        }
    }

    /// Checks that `issuer`'s key signed it.
    pub(super) fn check_signed_by(&self, issuer: &Self) -> Result<(), CertificateError> {
        let scheme = self.scheme.clone();
        let checked = scheme.and_then(|scheme| issuer.key.verify(scheme, &self.signed, &self.signature));
        checked.map_err(|source| CertificateError::Signature { name: self.name(), source })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.name(), self.fingerprint().short())
    }
}

/// Finds the common name in a Name, or else the organisation; what a terminal might obey is left out.
pub(super) fn name_of(name: &[u8]) -> String {
    let mut found = [None, None];
    let mut sets = Reader::new(name);
    let Ok(mut sets) = sets.sequence() else { return String::new() };
    while let Ok(set) = sets.take(SET) {
        let mut attributes = set.reader();
        while let Ok(mut attribute) = attributes.sequence() {
            let (Ok(oid), Ok(value)) = (attribute.take(OID), attribute.any()) else { break };
            let place = [COMMON_NAME, ORGANIZATION].iter().position(|known| *known == oid.content);
            if let Some(place) = place {
                found[place] = Some(value.content);
            }
        }
    }
    let text = found.into_iter().flatten().next().map(String::from_utf8_lossy).unwrap_or_default();
    let text: String =
        text.chars().filter(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER).take(100).collect();
    if text.is_empty() { "a certificate without a name".to_owned() } else { text }
}

/// Why bytes are not a certificate, or one that a chain cannot go through.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CertificateError {
    #[error(transparent)]
    Der(#[from] DerError),
    #[error("the certificate of `{name}` ended at {until}, before {at}")]
    Expired { name: String, until: Time, at: Time },
    #[error("`{name}` may not sign documents: its certificate has {found}")]
    NotForDocuments { name: String, found: &'static str },
    #[error("`{name}` may not sign timestamps: its certificate has {found}")]
    NotForTimestamps { name: String, found: &'static str },
    #[error("`{name}` may not issue this certificate: its own has {found}")]
    NotIssuer { name: String, found: &'static str },
    #[error("the certificate of `{name}` began at {from}, after {at}")]
    NotYetValid { name: String, from: Time, at: Time },
    #[error("the signature on the certificate of `{name}`")]
    Signature { name: String, source: AlgorithmError },
    #[error("a certificate of {found} bytes, and at most {SIZE_BYTES_MAX} are read")]
    TooLong { found: usize },
    #[error("a certificate with more than {EXTENSION_COUNT_MAX} extensions")]
    TooManyExtensions,
    #[error("the extension {oid} comes twice")]
    Twice { oid: String },
    #[error("a certificate that names two signature algorithms")]
    TwoAlgorithms,
    #[error("the certificate of `{name}` has a critical extension {oid} that is not known here")]
    UnknownCritical { name: String, oid: String },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::authorities::Authorities;

    fn certificate(pem: &[u8]) -> Certificate {
        let mut authorities = Authorities::nobody();
        authorities.add_file(pem).unwrap();
        authorities.roots().iter().chain(authorities.side()).next().unwrap().clone()
    }

    #[test]
    fn each_certificate_may_do_its_own_and_no_more() {
        let root = certificate(include_bytes!("../../tests/timestamps/root.pem"));
        let authority = certificate(include_bytes!("../../tests/timestamps/authority.pem"));
        assert_eq!((root.name().as_str(), authority.name().as_str()), ("Test TSA Root", "Test TSA"));
        assert_eq!(authority.issuer_name(), root.name());
        assert!(root.check_issues(0, Purpose::TimeStamping).is_ok() && authority.check_signs_timestamps().is_ok());
        assert!(
            matches!(root.check_issues(1, Purpose::TimeStamping), Err(CertificateError::NotIssuer { .. })),
            "pathlen:0"
        );
        assert!(matches!(authority.check_issues(0, Purpose::TimeStamping), Err(CertificateError::NotIssuer { .. })));
        assert!(matches!(root.check_signs_timestamps(), Err(CertificateError::NotForTimestamps { .. })));
        assert!(root.check_signed_by(&root).is_ok() && authority.check_signed_by(&root).is_ok());
        assert!(authority.check_signed_by(&authority).is_err());
    }

    #[test]
    fn every_way_to_cut_it_off_is_an_error() {
        let root = certificate(include_bytes!("../../tests/timestamps/root.pem"));
        for length in 0..root.as_bytes().len() {
            assert!(Certificate::parse(&root.as_bytes()[..length]).is_err(), "{length}");
        }
        assert!(Certificate::parse(&[root.as_bytes(), &[0]].concat()).is_err());
    }
}
