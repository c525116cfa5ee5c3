//! Requests: what is asked of a timestamp authority.
//!
//! | quantity | unit  | range                           |
//! |----------|-------|---------------------------------|
//! | nonce    | bytes | [`NONCE_SIZE_BYTES`], never sent twice |
//! | request  | bytes | at most [`SIZE_BYTES_MAX`]      |
//!
//! Source: RFC 3161 §2.4.1. A request names a hash and a number that nobody could know before, and asks for the
//! authority's certificate. It says nothing of what was hashed. Ours is what `openssl ts -query` writes.

use super::algorithm::{AlgorithmError, Digest};
use super::der::{self, BOOLEAN, DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE};

/// How long a nonce is: nobody guesses 64 bits, and every authority takes them.
pub const NONCE_SIZE_BYTES: usize = 8;

/// The longest request that is read; ours have about 70 bytes.
pub const SIZE_BYTES_MAX: usize = 4096;

/// What is asked of an authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The hash function.
    pub digest: Digest,
    /// The hash of what is to be dated.
    pub imprint: Vec<u8>,
    /// The policy that is asked for, as its object identifier is encoded.
    pub policy: Option<Vec<u8>>,
    /// The number that the token must repeat, without leading zeros.
    pub nonce: Option<Vec<u8>>,
    /// Whether the authority is to send its certificates.
    pub wants_certificate: bool,
}

impl Request {
    /// Asks for a token over `bytes`.
    #[must_use]
    pub fn over(bytes: &[u8], digest: Digest, nonce: [u8; NONCE_SIZE_BYTES]) -> Self {
        let significant = nonce.iter().position(|byte| *byte != 0).unwrap_or(nonce.len() - 1);
        Self {
            digest,
            imprint: digest.hash(bytes),
            policy: None,
            nonce: Some(positive(&nonce[significant..])),
            wants_certificate: true,
        }
    }

    /// Writes the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let imprint = [self.digest.identifier(), der::write(OCTET_STRING, &self.imprint)];
        let mut parts = vec![der::write(INTEGER, &[1]), der::write_all(SEQUENCE, &imprint)];
        parts.extend(self.policy.iter().map(|policy| der::write(OID, policy)));
        parts.extend(self.nonce.iter().map(|nonce| der::write(INTEGER, nonce)));
        if self.wants_certificate {
            parts.push(der::write(BOOLEAN, &[0xff]));
        }
        der::write_all(SEQUENCE, &parts)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// A [`RequestError`] that says where the bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(RequestError::TooLong { found: bytes.len() });
        }
        let mut outer = Reader::new(bytes);
        let mut request = outer.sequence()?;
        outer.finish()?;
        let version = request.take(INTEGER)?.small()?;
        if version != 1 {
            return Err(RequestError::UnknownVersion { found: version });
        }
        let mut imprint = request.sequence()?;
        let digest = Digest::read(&mut imprint)?;
        let hash = imprint.take(OCTET_STRING)?.octets()?.into_owned();
        let policy = request.optional(OID)?.map(|policy| policy.content.to_vec());
        let nonce = request.optional(INTEGER)?.map(|nonce| nonce.integer()).transpose()?.map(<[u8]>::to_vec);
        let wants_certificate = request.optional(BOOLEAN)?.map(|wants| wants.is_true()).transpose()?;
        request.optional(der::context(0))?;
        request.finish()?;
        Ok(Self { digest, imprint: hash, policy, nonce, wants_certificate: wants_certificate.unwrap_or(false) })
    }
}

/// Writes a number that is not negative as an INTEGER's bytes.
fn positive(number: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(number.len() + 1);
    if number.first().is_some_and(|first| first & 0x80 != 0) {
        bytes.push(0);
    }
    bytes.extend_from_slice(number);
    bytes
}

/// Why bytes are not a request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum RequestError {
    #[error("the hash that is asked for")]
    Algorithm(#[from] AlgorithmError),
    #[error(transparent)]
    Der(#[from] DerError),
    #[error("a request of {found} bytes, and at most {SIZE_BYTES_MAX} are read")]
    TooLong { found: usize },
    #[error("a request of version {found}")]
    UnknownVersion { found: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for nonce in [[0; 8], [0, 0, 0, 0, 0, 0, 0, 0x80], [0xff; 8], [1, 2, 3, 4, 5, 6, 7, 8]] {
            for digest in [Digest::Sha256, Digest::Sha384, Digest::Sha512] {
                let request = Request::over(b"abc", digest, nonce);
                assert_eq!(Request::parse(&request.encode()), Ok(request));
            }
        }
    }

    #[test]
    fn refuses_a_request_for_sha_1() {
        // `openssl ts -query -digest … -sha1`, without nonce.
        let sha1 = der::write(SEQUENCE, &der::write(OID, &[0x2b, 0x0e, 3, 2, 0x1a]));
        let imprint = der::write_all(SEQUENCE, &[sha1, der::write(OCTET_STRING, &[7; 20])]);
        let request = der::write_all(SEQUENCE, &[der::write(INTEGER, &[1]), imprint]);
        assert_eq!(Request::parse(&request), Err(RequestError::Algorithm(AlgorithmError::Broken { name: "SHA-1" })));
    }
}
