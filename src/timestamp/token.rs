//! Tokens: an authority's signed word that a hash existed at a time.
//!
//! | quantity     | unit         | range                              |
//! |--------------|--------------|------------------------------------|
//! | token        | bytes        | at most [`SIZE_BYTES_MAX`]         |
//! | certificates | count        | at most [`CERTIFICATE_COUNT_MAX`]  |
//! | attributes   | count        | at most [`ATTRIBUTE_COUNT_MAX`]    |
//! | time         | microseconds | as `TSTInfo.genTime`               |
//! | accuracy     | microseconds | from 0; absent when not said       |
//!
//! Source: RFC 3161 §2.4.2, RFC 5816, RFC 5652 §5, RFC 5035. A token is a CMS `SignedData` over a `TSTInfo`.
//!
//! ```text
//! ContentInfo { signedData, SignedData {
//!   3, { sha256 }, { id-ct-TSTInfo, OCTET STRING { TSTInfo {
//!     1, policy 1.3.6.1.4.1.99999.1.1, { sha256, 9af4…e844 }, serial 2, 20261122013057Z,
//!     accuracy { seconds 1 }, ordering TRUE, nonce 92f2e3bc283b9c39, tsa "Test TSA" } } },
//!   certificates { … }, { SignerInfo {
//!     1, issuer and serial, sha256, attributes { contentType, signingTime, messageDigest,
//!     signingCertificateV2 { SHA-256 of the certificate } }, ecdsa-with-SHA256, signature } } } }
//! ```
//!
//! Looser than the sources, because authorities are: certificates in any order, several, or none (then they come
//! from the side); an encoding that is not DER. Where the signed attributes are not in DER's order, the signature
//! may be over them as sent or as DER orders them.
//!
//! To verify:
//! 1. Read the token inside the limits; there is one signer, and the content is a `TSTInfo` of version 1.
//! 2. Compare the imprint with the hash of what is said to be dated ([`Token::check_imprint`]).
//! 3. Find the signer's certificate: issuer and serial number, or key id, and the hash in `ESSCertID` (SHA-1, by
//!    which RFC 3161 names it) or `ESSCertIDv2` both fit. A certificate that was slipped in fits neither.
//! 4. Compare the attributes: content type, and message digest with the hash of the `TSTInfo` as received.
//! 5. Check the signature over the attributes, retagged as SET OF.
//! 6. The certificate's extended key usage is timeStamping, critical, and alone.
//! 7. Build a chain to a root that the reader trusts, each certificate valid at the token's own time and on no revocation
//!    list that is held or brought ([`Authorities::chain`]).

use std::borrow::Cow;

use super::algorithm::{AlgorithmError, Digest, Scheme, dotted};
use super::authorities::{Authorities, Brought, Chain, ChainError, LIST_COUNT_MAX};
use super::certificate::{self, Certificate, CertificateError};
use super::der::{
    self, BOOLEAN, DerError, Element, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET,
};
use super::moment;
use super::revocation::RevocationList;

use crate::base::time::Time;

/// The longest token that is read; with three certificates one has about 6 KiB.
pub const SIZE_BYTES_MAX: usize = 1 << 16;

/// The most certificates that a token may bring.
pub const CERTIFICATE_COUNT_MAX: usize = 32;

/// The most attributes that may be signed; authorities sign four or five.
pub const ATTRIBUTE_COUNT_MAX: usize = 32;

const SIGNED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const STAMP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];

/// The tag of a directory name among general names.
const DIRECTORY_NAME: u8 = 0xa4;

/// A timestamp token, read and not yet verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Token {
    bytes: Vec<u8>,
    timestamp: Timestamp,
    /// The `TSTInfo` as received.
    content: Vec<u8>,
    certificates: Vec<Certificate>,
    lists: Vec<RevocationList>,
    signer: SignerName,
    digest: Result<Digest, AlgorithmError>,
    scheme: Result<Scheme, AlgorithmError>,
    /// What stands in the signed attributes, as received.
    attributes: Vec<u8>,
    signature: Vec<u8>,
}

/// What a token says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timestamp {
    /// The hash function of the imprint.
    pub digest: Digest,
    /// The hash of what is dated.
    pub imprint: Vec<u8>,
    /// The authority's policy, as its object identifier is encoded.
    pub policy: Vec<u8>,
    /// The token's number at the authority.
    pub serial: Vec<u8>,
    /// When.
    pub time: Time,
    /// How far the time may be off, in microseconds, when the authority says so.
    pub accuracy_microseconds: Option<u64>,
    /// The number that the request sent.
    pub nonce: Option<Vec<u8>>,
    /// The authority's own name, as encoded, when it says one.
    authority: Option<Vec<u8>>,
}

/// How a token names its signer's certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
enum SignerName {
    IssuerAndSerial { issuer: Vec<u8>, serial: Vec<u8> },
    KeyId(Vec<u8>),
}

/// A token that holds, for a reader who trusts the root of its chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    /// The moment before which what is dated existed, by the authority's word: its time and its accuracy.
    pub no_later_than: Time,
    /// The moment after which the token was made: its time less its accuracy.
    pub no_earlier_than: Time,
    /// The certificates that it stands on.
    pub chain: Chain,
}

impl Timestamp {
    /// Returns the policy with dots.
    #[must_use]
    pub fn policy_name(&self) -> String {
        dotted(&self.policy)
    }

    fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let mut outer = Reader::new(bytes);
        let mut fields = outer.sequence()?;
        outer.finish()?;
        let version = fields.take(INTEGER)?.small()?;
        if version != 1 {
            return Err(TokenError::UnknownVersion { found: version });
        }
        let policy = fields.take(OID)?.content.to_vec();
        let mut message = fields.sequence()?;
        let digest = Digest::read(&mut message).map_err(TokenError::Imprint)?;
        let imprint = message.take(OCTET_STRING)?.octets()?.into_owned();
        if imprint.len() != digest.size_bytes() {
            return Err(TokenError::ImprintLength { expected: digest.size_bytes(), found: imprint.len() });
        }
        let serial = fields.take(INTEGER)?.integer()?.to_vec();
        let time = moment::read(&fields.take(GENERALIZED_TIME)?)?;
        let accuracy = fields.optional(SEQUENCE)?.map(|accuracy| read_accuracy(accuracy.reader())).transpose()?;
        fields.optional(BOOLEAN)?; // Ordering: among one authority's tokens alone, and so of no use here.
        let nonce = fields.optional(INTEGER)?.map(|nonce| nonce.integer()).transpose()?.map(<[u8]>::to_vec);
        let authority = fields.optional(der::context(0))?.map(|name| name.content.to_vec());
        if let Some(extensions) = fields.optional(der::context(1))? {
            refuse_critical(extensions.reader())?;
        }
        fields.finish()?;
        Ok(Self { digest, imprint, policy, serial, time, accuracy_microseconds: accuracy, nonce, authority })
    }
}

fn read_accuracy(mut accuracy: Reader<'_>) -> Result<u64, DerError> {
    let mut sum: u64 = 0;
    for (tag, unit) in [(INTEGER, 1_000_000), (der::context_primitive(0), 1000), (der::context_primitive(1), 1)] {
        let part = accuracy.optional(tag)?.map(|part| part.small()).transpose()?.unwrap_or(0);
        sum = sum.saturating_add(part.saturating_mul(unit));
    }
    accuracy.finish()?;
    Ok(sum)
}

fn refuse_critical(mut extensions: Reader<'_>) -> Result<(), TokenError> {
    while !extensions.is_empty() {
        let mut extension = extensions.sequence()?;
        let oid = extension.take(OID)?.content;
        if extension.optional(BOOLEAN)?.map(|critical| critical.is_true()).transpose()?.unwrap_or(false) {
            return Err(TokenError::UnknownCritical { oid: dotted(oid) });
        }
    }
    Ok(())
}

impl Token {
    /// Reads a token.
    ///
    /// # Errors
    /// A [`TokenError`] that says where the bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(TokenError::TooLong { found: bytes.len() });
        }
        let mut outer = Reader::new(bytes);
        let mut content_info = outer.sequence()?;
        outer.finish()?;
        expect_type(&mut content_info, SIGNED)?;
        let mut signed = content_info.take(der::context(0))?.reader().sequence()?;
        signed.take(INTEGER)?;
        signed.take(SET)?;
        let mut encapsulated = signed.sequence()?;
        expect_type(&mut encapsulated, STAMP)?;
        let content = encapsulated.take(der::context(0))?.reader().take(OCTET_STRING)?.octets()?.into_owned();
        let timestamp = Timestamp::parse(&content)?;
        let certificates = match signed.optional(der::context(0))? {
            Some(certificates) => read_certificates(certificates.reader())?,
            None => Vec::new(),
        };
        let lists = signed.optional(der::context(1))?.map(|lists| read_lists(lists.reader())).unwrap_or_default();
        let mut all = signed.take(SET)?.reader();
        let mut author = all.sequence()?;
        if !all.is_empty() {
            return Err(TokenError::ManySigners);
        }
        author.take(INTEGER)?;
        let name = read_signer(&mut author)?;
        let mut after_digest = author;
        let digest = Digest::read(&mut author);
        after_digest.take(SEQUENCE)?;
        let attributes = after_digest.take(der::context(0)).map_err(|_| TokenError::NoAttributes)?.content.to_vec();
        let mut after_scheme = after_digest;
        let scheme = Scheme::read(&mut after_digest, digest.clone().ok());
        after_scheme.take(SEQUENCE)?;
        let signature = after_scheme.take(OCTET_STRING)?.octets()?.into_owned();
        Ok(Self {
            bytes: bytes.to_vec(),
            timestamp,
            content,
            certificates,
            lists,
            signer: name,
            digest,
            scheme,
            attributes,
            signature,
        })
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what the token says.
    #[must_use]
    pub fn timestamp(&self) -> &Timestamp {
        &self.timestamp
    }

    /// Returns the certificates that the token brings, in their order.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Checks that the token is over `bytes`.
    ///
    /// # Errors
    /// [`TokenError::OtherImprint`].
    pub fn check_imprint(&self, bytes: &[u8]) -> Result<(), TokenError> {
        let expected = self.timestamp.digest.hash(bytes);
        if expected == self.timestamp.imprint {
            return Ok(());
        }
        let hex = |hash: &[u8]| data_encoding::HEXLOWER.encode(hash);
        Err(TokenError::OtherImprint { expected: hex(&expected), found: hex(&self.timestamp.imprint) })
    }

    /// Checks the signature, and that the signer may sign timestamps; `side` are certificates that the token may
    /// have left out. Whether anybody vouches for the signer is for [`Token::verify`].
    ///
    /// # Errors
    /// A [`TokenError`].
    pub fn signer<'c>(&'c self, side: &'c [Certificate]) -> Result<&'c Certificate, TokenError> {
        let attributes = Attributes::read(&self.attributes)?;
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
            return Err(if is_named { TokenError::OtherCertificate } else { TokenError::NoCertificate });
        };
        if attributes.content_type != STAMP {
            return Err(TokenError::OtherType { found: dotted(attributes.content_type) });
        }
        let digest = self.digest.clone().map_err(TokenError::Algorithm)?;
        if digest.hash(&self.content) != attributes.message_digest.as_ref() {
            return Err(TokenError::OtherContent);
        }
        let scheme = self.scheme.clone().map_err(TokenError::Algorithm)?;
        let verify = |message: &[u8]| certificate.key.verify(scheme, message, &self.signature);
        let checked = verify(&der::write(SET, &self.attributes)).or_else(|error| match sorted(&self.attributes) {
            Some(sorted) => verify(&der::write(SET, &sorted)),
            None => Err(error),
        });
        checked.map_err(TokenError::Signature)?;
        certificate.check_signs_timestamps().map_err(TokenError::Signer)?;
        self.check_name(certificate)?;
        Ok(certificate)
    }

    /// Finds the chain from the signer's certificate to a root, at the token's own time, with what the token brings.
    ///
    /// # Errors
    /// A [`ChainError`].
    pub fn chain(&self, signer: &Certificate, authorities: &Authorities) -> Result<Chain, ChainError> {
        self.chain_seen(signer, authorities, None)
    }

    fn chain_seen(
        &self,
        signer: &Certificate,
        authorities: &Authorities,
        seen: Option<Time>,
    ) -> Result<Chain, ChainError> {
        let brought = Brought { certificates: &self.certificates, lists: &self.lists, seen };
        authorities.chain(signer, brought, self.timestamp.time)
    }

    /// Verifies the token for a reader, at the token's own time.
    ///
    /// # Errors
    /// A [`TokenError`]; [`TokenError::is_contradiction`] tells what is wrong from what is merely not shown.
    pub fn verify(&self, authorities: &Authorities) -> Result<Verified, TokenError> {
        self.verify_seen(authorities, None)
    }

    /// Verifies the token likewise, where somebody else has seen it by a moment: a renewal that covers it.
    ///
    /// # Errors
    /// As [`Token::verify`].
    pub fn verify_seen(&self, authorities: &Authorities, seen: Option<Time>) -> Result<Verified, TokenError> {
        let side: Vec<Certificate> = authorities.side().iter().chain(authorities.roots()).cloned().collect();
        let signer = self.signer(&side)?;
        let chain = self.chain_seen(signer, authorities, seen)?;
        let microseconds = self.timestamp.time.microseconds();
        let accuracy = self.timestamp.accuracy_microseconds.unwrap_or(0);
        let moved = |microseconds| Time::from_microseconds(microseconds).unwrap_or(self.timestamp.time);
        Ok(Verified {
            no_later_than: moved(microseconds.saturating_add(accuracy)),
            no_earlier_than: moved(microseconds.saturating_sub(accuracy)),
            chain,
        })
    }

    /// The authority's own name, when it says one, must be that of its certificate (RFC 3161 §2.4.2).
    fn check_name(&self, certificate: &Certificate) -> Result<(), TokenError> {
        let Some(name) = &self.timestamp.authority else { return Ok(()) };
        let name = Reader::new(name).any()?;
        if name.tag != DIRECTORY_NAME || name.content == certificate.subject {
            return Ok(());
        }
        // The same words in another string type are the same name.
        let found = certificate::name_of(name.content);
        if found == certificate.name() {
            return Ok(());
        }
        Err(TokenError::OtherName { expected: certificate.name(), found })
    }
}

fn expect_type(reader: &mut Reader<'_>, expected: &[u8]) -> Result<(), TokenError> {
    let found = reader.take(OID)?.content;
    if found == expected { Ok(()) } else { Err(TokenError::OtherType { found: dotted(found) }) }
}

fn read_certificates(mut reader: Reader<'_>) -> Result<Vec<Certificate>, TokenError> {
    let mut certificates = Vec::new();
    let mut count = 0;
    while !reader.is_empty() {
        let certificate = reader.any()?;
        count += 1;
        if count > CERTIFICATE_COUNT_MAX {
            return Err(TokenError::TooManyCertificates);
        }
        // Attribute certificates, and what cannot be read, are of no use and do no harm.
        certificates.extend(Certificate::parse(certificate.raw).ok());
    }
    Ok(certificates)
}

/// Reads the revocation lists that a token brings; what is none, or too many, is of no use and does no harm.
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
    certificate: Option<Element<'b>>,
    certificate_v2: Option<Element<'b>>,
}

impl<'b> Attributes<'b> {
    fn read(bytes: &'b [u8]) -> Result<Self, TokenError> {
        let mut found: [Option<Element<'b>>; 4] = [None; 4];
        let known = [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2];
        let mut attributes = Reader::new(bytes);
        let mut count = 0;
        while !attributes.is_empty() {
            let mut attribute = attributes.sequence()?;
            let oid = attribute.take(OID)?.content;
            let mut values = attribute.take(SET)?.reader();
            count += 1;
            if count > ATTRIBUTE_COUNT_MAX {
                return Err(TokenError::TooManyAttributes);
            }
            let Some(place) = known.iter().position(|known| *known == oid) else { continue };
            let value = values.any()?;
            if !values.is_empty() || found[place].is_some() {
                return Err(TokenError::Twice { oid: dotted(oid) });
            }
            found[place] = Some(value);
        }
        let [content_type, message_digest, certificate, certificate_v2] = found;
        let missing = |oid: &[u8]| TokenError::NoAttribute { oid: dotted(oid) };
        if certificate.is_none() && certificate_v2.is_none() {
            return Err(missing(SIGNING_CERTIFICATE_V2));
        }
        Ok(Self {
            content_type: content_type.ok_or_else(|| missing(CONTENT_TYPE))?.content,
            message_digest: message_digest.ok_or_else(|| missing(MESSAGE_DIGEST))?.octets()?,
            certificate,
            certificate_v2,
        })
    }

    /// Says whether the certificate is the one whose hash was signed.
    fn names(&self, certificate: &Certificate) -> Result<bool, TokenError> {
        if let Some(named) = &self.certificate {
            let mut first = first_certificate(named)?;
            // SHA-1 names the certificate here, as RFC 3161 has it; what vouches for the token is its signature.
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

/// Why bytes are no token, or one that does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum TokenError {
    #[error("the token's algorithm")]
    Algorithm(#[source] AlgorithmError),
    #[error("a certificate's hash")]
    CertificateHash(#[from] AlgorithmError),
    #[error("the authority's chain")]
    Chain(#[from] ChainError),
    #[error("not a timestamp token")]
    Der(#[from] DerError),
    #[error("the token's imprint")]
    Imprint(#[source] AlgorithmError),
    #[error("the token's imprint has {found} bytes, and its hash {expected}")]
    ImprintLength { expected: usize, found: usize },
    #[error("the token has more than one signer")]
    ManySigners,
    #[error("the token does not sign {oid}")]
    NoAttribute { oid: String },
    #[error("the token signs no attributes")]
    NoAttributes,
    #[error("the signer's certificate is neither in the token nor at hand")]
    NoCertificate,
    #[error("the certificate at hand is not the one whose hash the token signs")]
    OtherCertificate,
    #[error("the token's signature is over other content")]
    OtherContent,
    #[error("the token is over {found}, and what it is said to date hashes to {expected}")]
    OtherImprint { expected: String, found: String },
    #[error("the token says that `{found}` made it, and its certificate is that of `{expected}`")]
    OtherName { expected: String, found: String },
    #[error("not a timestamp token, but content of type {found}")]
    OtherType { found: String },
    #[error("a renewal's token is over SHA-512, and this one is over {found}")]
    ShortImprint { found: &'static str },
    #[error("the token's signature")]
    Signature(#[source] AlgorithmError),
    #[error(transparent)]
    Signer(CertificateError),
    #[error("a token of {found} bytes, and at most {SIZE_BYTES_MAX} are read")]
    TooLong { found: usize },
    #[error("the token signs more than {ATTRIBUTE_COUNT_MAX} attributes")]
    TooManyAttributes,
    #[error("the token brings more than {CERTIFICATE_COUNT_MAX} certificates")]
    TooManyCertificates,
    #[error("the token signs {oid} twice")]
    Twice { oid: String },
    #[error("the token has a critical extension {oid} that is not known here")]
    UnknownCritical { oid: String },
    #[error("a token of version {found}")]
    UnknownVersion { found: u64 },
}

impl TokenError {
    /// Says whether the token contradicts something, and is not merely one that tells this reader nothing.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        match self {
            Self::Chain(ChainError::Certificate(_) | ChainError::Revoked { .. }) => true,
            Self::Chain(_) | Self::NoCertificate | Self::UnknownCritical { .. } | Self::UnknownVersion { .. } => false,
            Self::Algorithm(error) | Self::CertificateHash(error) | Self::Imprint(error) | Self::Signature(error) => {
                matches!(error, AlgorithmError::BadKey | AlgorithmError::BadSignature | AlgorithmError::OtherKey)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::reply::Reply;

    const REPLY: &[u8] = include_bytes!("../../tests/timestamps/reply.tsr");
    const ROOT: &[u8] = include_bytes!("../../tests/timestamps/root.pem");
    const DATED: &[u8] = include_bytes!("../../tests/timestamps/dated");

    fn token() -> Token {
        Reply::parse(REPLY).unwrap().token.unwrap()
    }

    #[test]
    fn says_what_openssl_says_of_it() {
        let token = token();
        let stamped = token.timestamp();
        assert_eq!(stamped.policy_name(), "1.3.6.1.4.1.99999.1.1");
        assert_eq!(stamped.time.to_string(), "2026-11-22T01:34:11Z");
        assert_eq!((stamped.serial.as_slice(), stamped.accuracy_microseconds), (&[6][..], Some(1_000_000)));
        assert_eq!(token.check_imprint(DATED), Ok(()));
        assert!(matches!(token.check_imprint(b""), Err(TokenError::OtherImprint { .. })));
    }

    #[test]
    fn holds_for_who_trusts_its_root_and_for_no_other() {
        let mut authorities = Authorities::nobody();
        assert!(matches!(token().verify(&authorities), Err(TokenError::Chain(ChainError::UnknownRoot { .. }))));
        authorities.add_file(ROOT).unwrap();
        let verified = token().verify(&authorities).unwrap();
        assert_eq!(verified.no_earlier_than.to_string(), "2026-11-22T01:34:10Z");
        assert_eq!(verified.no_later_than.to_string(), "2026-11-22T01:34:12Z");
        assert_eq!(verified.chain.certificates().len(), 2);
    }

    #[test]
    fn puts_attributes_into_the_order_of_der() {
        assert_eq!(sorted(&[4, 1, 1, 4, 1, 2]), None);
        assert_eq!(sorted(&[4, 1, 2, 4, 1, 1]), Some(vec![4, 1, 1, 4, 1, 2]));
        assert_eq!(sorted(&[4, 9]), None);
    }

    #[test]
    fn adds_an_accuracy_up() {
        let accuracy = |bytes: &[u8]| read_accuracy(Reader::new(bytes));
        assert_eq!(accuracy(&[2, 1, 1, 0x80, 2, 1, 0xf4, 0x81, 1, 7]), Ok(1_500_007));
        assert_eq!(accuracy(&[0x80, 1, 0]), Ok(0)); // Zero milliseconds, which DER leaves out and authorities write.
        assert!(accuracy(&[0x81, 1, 7, 2, 1, 1]).is_err());
    }
}
