//! Tokens: an authority's signed word that a hash existed at a time.
//!
//! | quantity     | unit         | range                              |
//! |--------------|--------------|------------------------------------|
//! | token        | bytes        | at most [`SIZE_BYTES_MAX`]         |
//! | time         | microseconds | as `TSTInfo.genTime`               |
//! | accuracy     | microseconds | from 0; absent when not said       |
//!
//! Source: RFC 3161 §2.4.2, RFC 5816, RFC 5652 §5, RFC 5035. A token is a CMS `SignedData` over a `TSTInfo`.
//!
//! ```text
//! SignedData ([`super::signed`]) over { id-ct-TSTInfo, OCTET STRING { TSTInfo {
//!   1, policy 1.3.6.1.4.1.99999.1.1, { sha256, 9af4…e844 }, serial 2, 20261122013057Z,
//!   accuracy { seconds 1 }, ordering TRUE, nonce 92f2e3bc283b9c39, tsa "Test TSA" } } }
//! ```
//!
//! To verify:
//! 1. Read the token inside the limits; the content is a `TSTInfo` of version 1.
//! 2. Compare the imprint with the hash of what is said to be dated ([`Token::check_imprint`]).
//! 3. Find the signer's certificate, whose hash is signed, and check the signature ([`super::signed`]).
//! 4. The certificate's extended key usage is timeStamping, critical, and alone.
//! 5. Build a chain to a root that the reader trusts, each certificate valid at the token's own time and on no revocation
//!    list that is held or brought ([`Authorities::chain`]).

use super::algorithm::{AlgorithmError, Digest, dotted};
use super::authorities::{Authorities, Brought, Chain, ChainError};
use super::certificate::{self, Certificate, CertificateError};
use super::der::{self, BOOLEAN, DerError, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};
use super::moment;
use super::signed::{CertificateHash, DIRECTORY_NAME, Signed, SignedError};

use crate::base::time::Time;

/// The longest token that is read; with three certificates one has about 6 KiB.
pub const SIZE_BYTES_MAX: usize = 1 << 16;

const STAMP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];

/// A timestamp token, read and not yet verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Token {
    bytes: Vec<u8>,
    timestamp: Timestamp,
    /// What is signed is the `TSTInfo`.
    signed: Signed,
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
        let signed = Signed::parse(bytes, STAMP)?;
        let timestamp = Timestamp::parse(signed.content().ok_or(TokenError::NoContent)?)?;
        Ok(Self { bytes: bytes.to_vec(), timestamp, signed })
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
        self.signed.certificates()
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
        let content = self.signed.content().unwrap_or_default(); // One without was refused when it was read.
        let certificate = self.signed.signer(content, side, CertificateHash::Needed)?;
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
        let brought = Brought { certificates: self.signed.certificates(), lists: self.signed.lists(), seen };
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

/// Why bytes are no token, or one that does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum TokenError {
    #[error("the authority's chain")]
    Chain(#[from] ChainError),
    #[error("not a timestamp token")]
    Der(#[from] DerError),
    #[error("the token's imprint")]
    Imprint(#[source] AlgorithmError),
    #[error("the token's imprint has {found} bytes, and its hash {expected}")]
    ImprintLength { expected: usize, found: usize },
    #[error("the token is over content that lies elsewhere")]
    NoContent,
    #[error("the token is over {found}, and what it is said to date hashes to {expected}")]
    OtherImprint { expected: String, found: String },
    #[error("the token says that `{found}` made it, and its certificate is that of `{expected}`")]
    OtherName { expected: String, found: String },
    #[error("a renewal's token is over SHA-512, and this one is over {found}")]
    ShortImprint { found: &'static str },
    #[error("the token")]
    Signed(#[from] SignedError),
    #[error(transparent)]
    Signer(CertificateError),
    #[error("a token of {found} bytes, and at most {SIZE_BYTES_MAX} are read")]
    TooLong { found: usize },
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
            Self::Chain(_) | Self::UnknownCritical { .. } | Self::UnknownVersion { .. } => false,
            Self::Imprint(error) => error.is_contradiction(),
            Self::Signed(error) => error.is_contradiction(),
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
    fn adds_an_accuracy_up() {
        let accuracy = |bytes: &[u8]| read_accuracy(Reader::new(bytes));
        assert_eq!(accuracy(&[2, 1, 1, 0x80, 2, 1, 0xf4, 0x81, 1, 7]), Ok(1_500_007));
        assert_eq!(accuracy(&[0x80, 1, 0]), Ok(0)); // Zero milliseconds, which DER leaves out and authorities write.
        assert!(accuracy(&[0x81, 1, 7, 2, 1, 1]).is_err());
    }
}
