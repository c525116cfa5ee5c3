//! Signed: CMS `SignedData` by one signer, on which tokens and endorsements stand.
//!
//! | quantity     | unit         | range                              |
//! |--------------|--------------|------------------------------------|
//! | certificates | count        | at most [`CERTIFICATE_COUNT_MAX`]  |
//! | attributes   | count        | at most [`ATTRIBUTE_COUNT_MAX`]    |
//!
//! Source: RFC 5652 §5, RFC 5035. How long it may be is for whoever reads it to say.
//!
//! ```text
//! ContentInfo { signedData, SignedData {
//!   3, { sha256 }, { TYPE, OCTET STRING { content, where it is not detached } },
//!   certificates { … }, { SignerInfo {
//!     1, issuer and serial, sha256, attributes { contentType, signingTime, messageDigest,
//!     signingCertificateV2 { SHA-256 of the certificate } }, ecdsa-with-SHA256, signature } } } }
//! ```
//!
//! Looser than the sources, because signers are: certificates in any order, several, or none (then they come
//! from the side); an encoding that is not DER. Where the signed attributes are not in DER's order, the signature
//! may be over them as sent or as DER orders them. Stricter: there is one signer, who signs attributes.
//!
//! To verify:
//! 1. Read it inside the limits; its content is of the type that was looked for, and there is one signer.
//! 2. Find the signer's certificate: issuer and serial number, or key id, and where it is signed the hash in `ESSCertID`
//!    (SHA-1, by which RFC 3161 names it) or `ESSCertIDv2`. A certificate that was slipped in fits neither.
//! 3. Compare the attributes: content type, and message digest with the hash of the content as received.
//! 4. Check the signature over the attributes, retagged as SET OF.
//!
//! What the certificate is for, and whether anybody vouches for it, is for whoever knows what was signed.

use std::borrow::Cow;

use super::algorithm::{AlgorithmError, Digest, Scheme, dotted};
use super::authorities::LIST_COUNT_MAX;
use super::certificate::Certificate;
use super::der::{self, DerError, Element, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET};
use super::moment;
use super::revocation::RevocationList;

use crate::base::time::Time;

/// The most certificates that may be brought.
pub const CERTIFICATE_COUNT_MAX: usize = 32;

/// The most attributes that may be signed; authorities sign four or five.
pub const ATTRIBUTE_COUNT_MAX: usize = 32;

/// The tag of a directory name among general names.
pub(super) const DIRECTORY_NAME: u8 = 0xa4;

/// Any bytes, of which nothing more is said (RFC 5652 §4).
pub const PLAIN: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];

const SIGNED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];

/// Whether the signer must have signed which certificate is theirs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateHash {
    /// They must, as in a token.
    Needed,
    /// They may, and it is compared where they did.
    Optional,
}

/// Something signed, read and not yet verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    content_type: &'static [u8],
    /// As received; nothing where it lies elsewhere.
    content: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    lists: Vec<RevocationList>,
    signer: SignerName,
    digest: Result<Digest, AlgorithmError>,
    scheme: Result<Scheme, AlgorithmError>,
    /// What stands in the signed attributes, as received.
    attributes: Vec<u8>,
    signature: Vec<u8>,
}

/// How the signer's certificate is named.
#[derive(Clone, Debug, Eq, PartialEq)]
enum SignerName {
    IssuerAndSerial { issuer: Vec<u8>, serial: Vec<u8> },
    KeyId(Vec<u8>),
}

impl Signed {
    /// Reads what is signed and of a type.
    ///
    /// # Errors
    /// A [`SignedError`] that says where the bytes are none.
    pub fn parse(bytes: &[u8], content_type: &'static [u8]) -> Result<Self, SignedError> {
        let mut outer = Reader::new(bytes);
        let mut content_info = outer.sequence()?;
        outer.finish()?;
        expect_type(&mut content_info, SIGNED)?;
        let mut signed = content_info.take(der::context(0))?.reader().sequence()?;
        signed.take(INTEGER)?;
        signed.take(SET)?;
        let mut encapsulated = signed.sequence()?;
        expect_type(&mut encapsulated, content_type)?;
        let content = match encapsulated.optional(der::context(0))? {
            Some(content) => Some(content.reader().take(OCTET_STRING)?.octets()?.into_owned()),
            None => None,
        };
        let certificates = match signed.optional(der::context(0))? {
            Some(certificates) => read_certificates(certificates.reader())?,
            None => Vec::new(),
        };
        let lists = signed.optional(der::context(1))?.map(|lists| read_lists(lists.reader())).unwrap_or_default();
        let mut all = signed.take(SET)?.reader();
        let mut author = all.sequence()?;
        if !all.is_empty() {
            return Err(SignedError::ManySigners);
        }
        author.take(INTEGER)?;
        let named = read_signer(&mut author)?;
        let mut after_digest = author;
        let digest = Digest::read(&mut author);
        after_digest.take(SEQUENCE)?;
        let attributes = after_digest.take(der::context(0)).map_err(|_| SignedError::NoAttributes)?.content.to_vec();
        let mut after_scheme = after_digest;
        let scheme = Scheme::read(&mut after_digest, digest.clone().ok());
        after_scheme.take(SEQUENCE)?;
        let signature = after_scheme.take(OCTET_STRING)?.octets()?.into_owned();
        Ok(Self { content_type, content, certificates, lists, signer: named, digest, scheme, attributes, signature })
    }

    /// Returns what is signed, where it does not lie elsewhere.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }

    /// Returns the certificates that it brings, in their order.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Returns the revocation lists that it brings.
    #[must_use]
    pub fn lists(&self) -> &[RevocationList] {
        &self.lists
    }

    /// Returns when it was signed, by the signer's own word, where they say so.
    ///
    /// # Errors
    /// When the attributes cannot be read.
    pub fn signing_time(&self) -> Result<Option<Time>, SignedError> {
        let time = Attributes::read(&self.attributes)?.signing_time;
        Ok(time.map(|time| moment::read(&time)).transpose()?)
    }

    /// Checks the signature over `content`, and returns the certificate that it is by; `side` are certificates that may
    /// have been left out. What the certificate is for is not looked at.
    ///
    /// # Errors
    /// A [`SignedError`].
    pub fn signer<'c>(
        &'c self,
        content: &[u8],
        side: &'c [Certificate],
        hash: CertificateHash,
    ) -> Result<&'c Certificate, SignedError> {
        let attributes = Attributes::read(&self.attributes)?;
        if hash == CertificateHash::Needed && attributes.certificate.is_none() && attributes.certificate_v2.is_none() {
            return Err(SignedError::NoAttribute { oid: dotted(SIGNING_CERTIFICATE_V2) });
        }
        let named = self.certificates.iter().chain(side).filter(|certificate| self.signer.names(certificate));
        let mut is_named = false;
        let mut found = None;
        for certificate in named {
            is_named = true;
            if attributes.names(certificate)? {
                found = Some(certificate);
                break;
            }
        }
        let Some(certificate) = found else {
            return Err(if is_named { SignedError::OtherCertificate } else { SignedError::NoCertificate });
        };
        if attributes.content_type != self.content_type {
            return Err(SignedError::other_type(self.content_type, attributes.content_type));
        }
        let digest = self.digest.clone().map_err(SignedError::Algorithm)?;
        if digest.hash(content) != attributes.message_digest.as_ref() {
            return Err(SignedError::OtherContent);
        }
        let scheme = self.scheme.clone().map_err(SignedError::Algorithm)?;
        let verify = |message: &[u8]| certificate.key.verify(scheme, message, &self.signature);
        let checked = verify(&der::write(SET, &self.attributes)).or_else(|error| match sorted(&self.attributes) {
            Some(sorted) => verify(&der::write(SET, &sorted)),
            None => Err(error),
        });
        checked.map_err(SignedError::Signature)?;
        Ok(certificate)
    }
}

fn expect_type(reader: &mut Reader<'_>, expected: &[u8]) -> Result<(), SignedError> {
    let found = reader.take(OID)?.content;
    if found == expected { Ok(()) } else { Err(SignedError::other_type(expected, found)) }
}

fn read_certificates(mut reader: Reader<'_>) -> Result<Vec<Certificate>, SignedError> {
    let mut certificates = Vec::new();
    let mut count = 0;
    while !reader.is_empty() {
        let certificate = reader.any()?;
        count += 1;
        if count > CERTIFICATE_COUNT_MAX {
            return Err(SignedError::TooManyCertificates);
        }
        // Attribute certificates, and what cannot be read, are of no use and do no harm.
        certificates.extend(Certificate::parse(certificate.raw).ok());
    }
    Ok(certificates)
}

/// Reads the revocation lists that are brought; what is none, or too many, is of no use and does no harm.
fn read_lists(mut reader: Reader<'_>) -> Vec<RevocationList> {
    let mut lists = Vec::new();
    while let (true, Ok(list)) = (lists.len() < LIST_COUNT_MAX, reader.any()) {
        lists.extend(RevocationList::parse(list.raw).ok());
    }
    lists
}

fn read_signer(author: &mut Reader<'_>) -> Result<SignerName, DerError> {
    if let Some(key_id) = author.optional(der::context_primitive(0))? {
        return Ok(SignerName::KeyId(key_id.content.to_vec()));
    }
    let mut name = author.sequence()?;
    let issuer = name.take(SEQUENCE)?.raw.to_vec();
    Ok(SignerName::IssuerAndSerial { issuer, serial: name.take(INTEGER)?.integer()?.to_vec() })
}

impl SignerName {
    fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => certificate.issuer == *issuer && certificate.serial == *serial,
            Self::KeyId(key_id) => certificate.key_id.as_ref() == Some(key_id),
        }
    }
}

/// The signed attributes that matter.
struct Attributes<'b> {
    content_type: &'b [u8],
    message_digest: Cow<'b, [u8]>,
    signing_time: Option<Element<'b>>,
    certificate: Option<Element<'b>>,
    certificate_v2: Option<Element<'b>>,
}

impl<'b> Attributes<'b> {
    fn read(bytes: &'b [u8]) -> Result<Self, SignedError> {
        let mut found: [Option<Element<'b>>; 5] = [None; 5];
        let known = [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2];
        let mut attributes = Reader::new(bytes);
        let mut count = 0;
        while !attributes.is_empty() {
            let mut attribute = attributes.sequence()?;
            let oid = attribute.take(OID)?.content;
            let mut values = attribute.take(SET)?.reader();
            count += 1;
            if count > ATTRIBUTE_COUNT_MAX {
                return Err(SignedError::TooManyAttributes);
            }
            let Some(place) = known.iter().position(|known| *known == oid) else { continue };
            let value = values.any()?;
            if !values.is_empty() || found[place].is_some() {
                return Err(SignedError::Twice { oid: dotted(oid) });
            }
            found[place] = Some(value);
        }
        let [content_type, message_digest, signing_time, certificate, certificate_v2] = found;
        let missing = |oid: &[u8]| SignedError::NoAttribute { oid: dotted(oid) };
        Ok(Self {
            content_type: content_type.ok_or_else(|| missing(CONTENT_TYPE))?.content,
            message_digest: message_digest.ok_or_else(|| missing(MESSAGE_DIGEST))?.octets()?,
            signing_time,
            certificate,
            certificate_v2,
        })
    }

    /// Says whether the certificate is the one whose hash was signed.
    fn names(&self, certificate: &Certificate) -> Result<bool, SignedError> {
        if let Some(named) = &self.certificate {
            let mut first = first_certificate(named)?;
            // SHA-1 names the certificate here, as RFC 3161 has it; what vouches is the signature.
            let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, certificate.as_bytes());
            if first.take(OCTET_STRING)?.octets()? != hash.as_ref() || !is_of_issuer(&mut first, certificate)? {
                return Ok(false);
            }
        }
        if let Some(named) = &self.certificate_v2 {
            let mut first = first_certificate(named)?;
            let is_default = first.peek() != Some(SEQUENCE);
            let digest = if is_default { Digest::Sha256 } else { Digest::read(&mut first)? };
            let hash = digest.hash(certificate.as_bytes());
            if first.take(OCTET_STRING)?.octets()? != hash || !is_of_issuer(&mut first, certificate)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns the first `ESSCertID`, which is the signer's; the others may be of its chain.
fn first_certificate<'b>(value: &Element<'b>) -> Result<Reader<'b>, DerError> {
    if value.tag != SEQUENCE {
        return Err(DerError::OtherTag { at: value.at, expected: SEQUENCE, found: value.tag });
    }
    value.reader().sequence()?.sequence()
}

/// Compares issuer and serial number, when they stand beside the hash.
fn is_of_issuer(named: &mut Reader<'_>, certificate: &Certificate) -> Result<bool, DerError> {
    let Some(issuer_serial) = named.optional(SEQUENCE)? else { return Ok(true) };
    let mut issuer_serial = issuer_serial.reader();
    let mut general = issuer_serial.sequence()?;
    let serial = issuer_serial.take(INTEGER)?.integer()?;
    let issuer = general.optional(DIRECTORY_NAME)?;
    Ok(serial == certificate.serial && issuer.is_some_and(|issuer| issuer.content == certificate.issuer))
}

/// Puts attributes into DER's order; nothing when they are in it already.
fn sorted(attributes: &[u8]) -> Option<Vec<u8>> {
    let mut elements = Vec::new();
    let mut reader = Reader::new(attributes);
    while !reader.is_empty() {
        elements.push(reader.any().ok()?.raw);
    }
    if elements.is_sorted() {
        return None;
    }
    elements.sort_unstable();
    Some(elements.concat())
}

/// Why bytes are not signed, or by nobody who can be found.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum SignedError {
    #[error("the signature's algorithm")]
    Algorithm(#[source] AlgorithmError),
    #[error("a certificate's hash")]
    CertificateHash(#[from] AlgorithmError),
    #[error("not CMS signed data")]
    Der(#[from] DerError),
    #[error("it has more than one signer")]
    ManySigners,
    #[error("it does not sign {oid}")]
    NoAttribute { oid: String },
    #[error("it signs no attributes")]
    NoAttributes,
    #[error("the signer's certificate is neither in it nor at hand")]
    NoCertificate,
    #[error("the certificate at hand is not the one whose hash is signed")]
    OtherCertificate,
    #[error("the signature is over other content")]
    OtherContent,
    #[error("content of type {found}, where {expected} was expected")]
    OtherType { expected: String, found: String },
    #[error("the signature")]
    Signature(#[source] AlgorithmError),
    #[error("it signs more than {ATTRIBUTE_COUNT_MAX} attributes")]
    TooManyAttributes,
    #[error("it brings more than {CERTIFICATE_COUNT_MAX} certificates")]
    TooManyCertificates,
    #[error("it signs {oid} twice")]
    Twice { oid: String },
}

impl SignedError {
    /// Says whether something contradicts, and it is not merely that this reader cannot tell.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        match self {
            Self::NoCertificate => false,
            Self::Algorithm(error) | Self::CertificateHash(error) | Self::Signature(error) => error.is_contradiction(),
            _ => true,
        }
    }

    fn other_type(expected: &[u8], found: &[u8]) -> Self {
        Self::OtherType { expected: dotted(expected), found: dotted(found) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_attributes_into_the_order_of_der() {
        assert_eq!(sorted(&[4, 1, 1, 4, 1, 2]), None);
        assert_eq!(sorted(&[4, 1, 2, 4, 1, 1]), Some(vec![4, 1, 1, 4, 1, 2]));
        assert_eq!(sorted(&[4, 9]), None);
    }
}
