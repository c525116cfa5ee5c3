//! Algorithms: the hashes and signatures that a timestamp may stand on.
//!
//! | what      | accepted                                                                              |
//! |-----------|---------------------------------------------------------------------------------------|
//! | hash      | SHA-256, SHA-384, SHA-512                                                             |
//! | RSA       | 2048 to 8192 bits, PKCS #1 v1.5, or PSS with one hash throughout and a salt as long   |
//! | ECDSA     | P-256 and P-384, with any of the hashes                                               |
//!
//! How long a key is relied upon: RSA below 3072 bits until the end of 2030, all others here until the end of 2035 (NIST IR
//! 8547, initial public draft, tables 2 and 4: deprecated, and disallowed). Nothing is refused for that; it is when to renew.
//!
//! Source: RFC 5754, RFC 4055, RFC 5480, RFC 8017. SHA-1 and MD5 are refused by name: a signature or an imprint
//! over them says nothing any more. The mathematics is that of `ring` (RSA) and of `p256` and `p384`.

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::der::{self, BIT_STRING, DerError, INTEGER, OID, Reader, SEQUENCE};

/// A hash function that a timestamp may use.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

const DIGESTS: [(Digest, &[u8], &str); 3] = [
    (Digest::Sha256, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], "SHA-256"),
    (Digest::Sha384, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2], "SHA-384"),
    (Digest::Sha512, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3], "SHA-512"),
];

/// Hashes, and signatures over them, that are refused by name.
const BROKEN: [(&[u8], &str); 5] = [
    (&[0x2b, 0x0e, 3, 2, 0x1a], "SHA-1"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5], "MD5"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], "RSA with SHA-1"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], "RSA with MD5"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "ECDSA with SHA-1"),
];

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const RSA_WITH: [(Digest, u8); 3] = [(Digest::Sha256, 11), (Digest::Sha384, 12), (Digest::Sha512, 13)];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ECDSA_WITH: [(Digest, u8); 3] = [(Digest::Sha256, 2), (Digest::Sha384, 3), (Digest::Sha512, 4)];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];

impl Digest {
    /// Hashes bytes.
    #[must_use]
    pub fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// Returns the function's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        DIGESTS.iter().find(|(digest, ..)| *digest == self).map_or("", |(.., name)| name)
    }

    /// Returns how long a hash is.
    #[must_use]
    pub fn size_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Writes the algorithm identifier, without parameters (RFC 5754 §2).
    pub(super) fn identifier(self) -> Vec<u8> {
        let oid = DIGESTS.iter().find(|(digest, ..)| *digest == self).map_or(&[][..], |(_, oid, _)| oid);
        der::write(SEQUENCE, &der::write(OID, oid))
    }

    /// Reads an algorithm identifier; its parameters are NULL or nothing, and mean nothing.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, AlgorithmError> {
        let mut identifier = reader.sequence()?;
        let oid = identifier.take(OID)?.content;
        Self::of_oid(oid)
    }

    fn of_oid(oid: &[u8]) -> Result<Self, AlgorithmError> {
        let found = DIGESTS.iter().find(|(_, known, _)| *known == oid).map(|(digest, ..)| *digest);
        found.ok_or_else(|| refuse(oid))
    }
}

/// Says why an algorithm is not one of ours.
fn refuse(oid: &[u8]) -> AlgorithmError {
    match BROKEN.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => AlgorithmError::Broken { name },
        None => AlgorithmError::Unknown { oid: dotted(oid) },
    }
}

/// Writes an object identifier with dots, as people do.
#[must_use]
pub fn dotted(oid: &[u8]) -> String {
    let mut arcs: Vec<String> = Vec::new();
    let mut arc: u64 = 0;
    for byte in oid {
        arc = arc.saturating_mul(128).saturating_add(u64::from(byte & 0x7f));
        if byte & 0x80 != 0 {
            continue;
        }
        if arcs.is_empty() {
            let first = (arc / 40).min(2);
            arcs.push(first.to_string());
            arc -= first * 40;
        }
        arcs.push(arc.to_string());
        arc = 0;
    }
    arcs.join(".")
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scheme {
    Rsa(Digest),
    RsaPss(Digest),
    Ecdsa(Digest),
}

impl Scheme {
    /// Reads an algorithm identifier. Some authorities name the key's kind alone; the hash is then `digest`.
    pub(super) fn read(reader: &mut Reader<'_>, digest: Option<Digest>) -> Result<Self, AlgorithmError> {
        let mut identifier = reader.sequence()?;
        let oid = identifier.take(OID)?.content;
        if oid == RSA_PSS {
            return read_pss(&mut identifier);
        }
        if let Some(digest) = digest {
            if oid == RSA {
                return Ok(Self::Rsa(digest));
            }
            if oid == EC {
                return Ok(Self::Ecdsa(digest));
            }
        }
        let with = |prefix: &[u8], table: &[(Digest, u8)]| {
            let last = oid.strip_prefix(prefix).filter(|last| last.len() == 1)?;
            table.iter().find(|(_, known)| *known == last[0]).map(|(digest, _)| *digest)
        };
        let rsa = with(&RSA[..RSA.len() - 1], &RSA_WITH).map(Self::Rsa);
        let ecdsa = || with(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3], &ECDSA_WITH).map(Self::Ecdsa);
        rsa.or_else(ecdsa).ok_or_else(|| refuse(oid))
    }

    pub(super) fn digest(self) -> Digest {
        match self {
            Self::Rsa(digest) | Self::RsaPss(digest) | Self::Ecdsa(digest) => digest,
        }
    }
}

/// Reads the parameters of RSASSA-PSS (RFC 4055 §3.1). The defaults are SHA-1, so all of them must be there.
fn read_pss(identifier: &mut Reader<'_>) -> Result<Scheme, AlgorithmError> {
    let mut parameters = identifier.sequence()?;
    let Some(hash) = parameters.optional(der::context(0))? else {
        return Err(AlgorithmError::Broken { name: "RSA-PSS with SHA-1" });
    };
    let digest = Digest::read(&mut hash.reader())?;
    let Some(mask) = parameters.optional(der::context(1))? else {
        return Err(AlgorithmError::Broken { name: "RSA-PSS with MGF1 over SHA-1" });
    };
    let mut mask = mask.reader().sequence()?;
    let generator = mask.take(OID)?.content;
    let salt = parameters.optional(der::context(2))?;
    let salt = salt.map(|salt| salt.reader().take(INTEGER).and_then(|salt| salt.small())).transpose()?;
    let is_usual = generator == MGF1
        && Digest::read(&mut mask)? == digest
        && salt.and_then(|salt| usize::try_from(salt).ok()) == Some(digest.size_bytes());
    if is_usual { Ok(Scheme::RsaPss(digest)) } else { Err(AlgorithmError::UnusualPss) }
}

/// How long an `RSAPublicKey` of 3072 bits is at least: its modulus alone has 384 bytes.
const LONG_RSA_KEY_BYTES: usize = 384;

/// `date -u -d 2031-01-01 +%s`.
const END_OF_2030_SECONDS: u64 = 1_924_992_000;

/// `date -u -d 2036-01-01 +%s`.
const END_OF_2035_SECONDS: u64 = 2_082_758_400;

/// A public key that certificates and tokens are verified with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum PublicKey {
    /// The `RSAPublicKey` of PKCS #1.
    Rsa(Vec<u8>),
    /// A point on P-256.
    P256(Vec<u8>),
    /// A point on P-384.
    P384(Vec<u8>),
    /// A kind that is not verified with; a certificate may hold it all the same.
    Other(String),
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo`.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        let mut key = reader.sequence()?;
        let mut algorithm = key.sequence()?;
        let oid = algorithm.take(OID)?.content;
        let bits = key.take(BIT_STRING)?.bits()?.to_vec();
        if oid == RSA || oid == RSA_PSS {
            return Ok(Self::Rsa(bits));
        }
        let curve = algorithm.optional(OID)?.map(|curve| curve.content);
        Ok(match (oid == EC, curve) {
            (true, Some(P256)) => Self::P256(bits),
            (true, Some(P384)) => Self::P384(bits),
            (_, curve) => Self::Other(dotted(curve.unwrap_or(oid))),
        })
    }

    /// Returns until when signatures by it are relied upon, in seconds since 1970.
    pub(super) fn relied_on_until_seconds(&self) -> u64 {
        match self {
            Self::Rsa(key) if key.len() < LONG_RSA_KEY_BYTES => END_OF_2030_SECONDS,
            _ => END_OF_2035_SECONDS,
        }
    }

    /// Checks a signature over `message`.
    pub(super) fn verify(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), AlgorithmError> {
        match (self, scheme) {
            (Self::Rsa(key), Scheme::Rsa(_) | Scheme::RsaPss(_)) => verify_rsa(key, scheme, message, signature),
            (Self::P256(key), Scheme::Ecdsa(digest)) => {
                use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| AlgorithmError::BadKey)?;
                let signature = p256::ecdsa::Signature::from_slice(&fixed::<32>(signature)?)
                    .map_err(|_| AlgorithmError::BadSignature)?;
                let prehash = digest.hash(message);
                key.verify_prehash(&prehash, &signature).map_err(|_| AlgorithmError::BadSignature)
            }
            (Self::P384(key), Scheme::Ecdsa(digest)) => {
                use p384::ecdsa::signature::hazmat::PrehashVerifier as _;
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| AlgorithmError::BadKey)?;
                let signature = p384::ecdsa::Signature::from_slice(&fixed::<48>(signature)?)
                    .map_err(|_| AlgorithmError::BadSignature)?;
                let prehash = digest.hash(message);
                key.verify_prehash(&prehash, &signature).map_err(|_| AlgorithmError::BadSignature)
            }
            (Self::Other(oid), _) => Err(AlgorithmError::Unknown { oid: oid.clone() }),
            _ => Err(AlgorithmError::OtherKey),
        }
    }
}

fn verify_rsa(key: &[u8], scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), AlgorithmError> {
    use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
    let algorithm: &'static dyn VerificationAlgorithm = match scheme {
        Scheme::RsaPss(Digest::Sha256) => &signature::RSA_PSS_2048_8192_SHA256,
        Scheme::RsaPss(Digest::Sha384) => &signature::RSA_PSS_2048_8192_SHA384,
        Scheme::RsaPss(Digest::Sha512) => &signature::RSA_PSS_2048_8192_SHA512,
        _ => match scheme.digest() {
            Digest::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Digest::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Digest::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        },
    };
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| AlgorithmError::BadSignature)
}

/// Writes an `ECDSA-Sig-Value` as two numbers of the curve's length. What is none is a bad signature, whatever is wrong with it.
fn fixed<const SIZE: usize>(signature: &[u8]) -> Result<Vec<u8>, AlgorithmError> {
    let [first, second] = numbers(signature).map_err(|_| AlgorithmError::BadSignature)?;
    let mut fixed = vec![0; SIZE * 2];
    for (half, number) in fixed.chunks_mut(SIZE).zip([first, second]) {
        let number = if number.len() > 1 { number.strip_prefix(&[0]).unwrap_or(number) } else { number };
        let start = SIZE.checked_sub(number.len()).ok_or(AlgorithmError::BadSignature)?;
        half[start..].copy_from_slice(number);
    }
    Ok(fixed)
}

/// Reads a sequence of two numbers.
fn numbers(signature: &[u8]) -> Result<[&[u8]; 2], DerError> {
    let mut reader = Reader::new(signature);
    let mut numbers = reader.sequence()?;
    let both = [numbers.take(INTEGER)?.integer()?, numbers.take(INTEGER)?.integer()?];
    numbers.finish()?;
    reader.finish()?;
    Ok(both)
}

/// Why an algorithm or a signature is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum AlgorithmError {
    #[error("the key is not one of its kind")]
    BadKey,
    #[error("the signature is bad")]
    BadSignature,
    #[error("{name} is broken, and nothing that stands on it is shown")]
    Broken { name: &'static str },
    #[error(transparent)]
    Der(#[from] DerError),
    #[error("the signature is of another kind than the key")]
    OtherKey,
    #[error("the algorithm or curve {oid} is not one that is verified here")]
    Unknown { oid: String },
    #[error("RSA-PSS with two hashes, or with a salt of another length than the hash")]
    UnusualPss,
}

impl AlgorithmError {
    /// Says whether something contradicts, and it is not merely that this cannot be verified here.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        matches!(self, Self::BadKey | Self::BadSignature | Self::OtherKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_algorithms_as_people_do() {
        assert_eq!(dotted(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]), "2.16.840.1.101.3.4.2.1");
        assert_eq!(dotted(RSA), "1.2.840.113549.1.1.1");
        assert_eq!(dotted(P384), "1.3.132.0.34");
    }

    #[test]
    fn what_is_no_signature_is_a_bad_one() {
        let number = |bytes: &[u8]| der::write(INTEGER, bytes);
        let sequence = |parts: &[Vec<u8>]| der::write(SEQUENCE, &parts.concat());
        let good = sequence(&[number(&[1]), number(&[0, 0x80])]);
        let fixed_half = |bytes: &[u8]| fixed::<32>(bytes).map(|fixed| (fixed[31], fixed[63]));
        assert_eq!(fixed_half(&good), Ok((1, 0x80)));
        let cases = [
            Vec::new(),
            good[..good.len() - 1].to_vec(),
            [good.as_slice(), &[0]].concat(),
            sequence(&[number(&[1])]),
            sequence(&[number(&[1]), number(&[2]), number(&[3])]),
            sequence(&[number(&[1]), number(&[1; 33])]),
            der::write(INTEGER, &[1]),
        ];
        for case in cases {
            assert_eq!(fixed_half(&case), Err(AlgorithmError::BadSignature), "{case:02x?}");
        }
    }

    #[test]
    fn refuses_broken_hashes_by_name() {
        let sha1 = der::write(SEQUENCE, &der::write(OID, &[0x2b, 0x0e, 3, 2, 0x1a]));
        assert_eq!(Digest::read(&mut Reader::new(&sha1)), Err(AlgorithmError::Broken { name: "SHA-1" }));
        let rsa_sha1 = der::write(SEQUENCE, &der::write(OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5]));
        let found = Scheme::read(&mut Reader::new(&rsa_sha1), Some(Digest::Sha256));
        assert_eq!(found, Err(AlgorithmError::Broken { name: "RSA with SHA-1" }));
        // RFC 4055: PSS without parameters is PSS with SHA-1.
        let pss = der::write_all(SEQUENCE, &[der::write(OID, RSA_PSS), der::write(SEQUENCE, &[])]);
        assert!(matches!(Scheme::read(&mut Reader::new(&pss), None), Err(AlgorithmError::Broken { .. })));
    }

    #[test]
    fn reads_back_the_digests_it_writes() {
        for (digest, ..) in DIGESTS {
            assert_eq!(Digest::read(&mut Reader::new(&digest.identifier())), Ok(digest));
            assert_eq!(digest.hash(b"").len(), digest.size_bytes());
        }
    }
}
