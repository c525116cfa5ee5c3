//! Keys: what signs, what checks, and how a public key is written down.
//!
//! ```text
//! ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
//! SHA256:fe85JkIjo8VPe+XqXJGH5Mau1EMFdK1OdKvJUFicyA8
//! ```
//!
//! An Ed25519 key for OpenSSH, and its fingerprint as `ssh-keygen -l` prints it. How keys are named in notes is
//! [`super::vkey`].
//!
//! | algorithm | public key bytes | signature bytes | secret bytes |
//! |-----------|------------------|-----------------|--------------|
//! | Ed25519   | 32               | 64              | a seed of 32 |
//! | ML-DSA-44 | 1312             | 2420            | a seed of 32 |
//!
//! One spelling of each form is read.
//!
//! Sources: RFC 8032 (Ed25519), FIPS 204 (ML-DSA-44, empty context), RFC 4253 §6.6 and RFC 8709 (OpenSSH), RFC 8410 and
//! RFC 9881 (SPKI). Stricter than these: Ed25519 is checked with `verify_strict` and never in batches, and Ed25519 keys
//! that are of small order or not canonically encoded are no keys. For ML-DSA-44 one library signs, which is six times
//! as fast at it, and another judges, which Wycheproof's vectors are run against: a signature leaves once both agree.

use std::fmt;
use std::sync::{Arc, OnceLock};

use data_encoding::{BASE64, BASE64_NOPAD};
use ed25519_dalek::Signer as _;
use libcrux_ml_dsa::ml_dsa_44;
use ml_dsa::{EncodedVerifyingKey, MlDsa44};
use pkcs8::{EncodePublicKey, LineEnding};
use zeroize::{Zeroize as _, Zeroizing};

use crate::base::hash::Hash;

/// How long the seed of either kind of secret key is.
pub const SEED_SIZE_BYTES: usize = 32;

/// A public key for Ed25519: canonically encoded and not of small order.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Ed25519PublicKey(ed25519_dalek::VerifyingKey);

impl Ed25519PublicKey {
    /// How long the encoded key is.
    pub const SIZE_BYTES: usize = 32;
    /// How long a signature is.
    pub const SIGNATURE_SIZE_BYTES: usize = 64;

    /// Takes the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`KeyError::NotEd25519`] for what is no point, a point of small order, or a second spelling of one.
    pub fn from_bytes(bytes: &[u8; Self::SIZE_BYTES]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotEd25519)?;
        if key.is_weak() || !is_canonical_y(bytes) {
            return Err(KeyError::NotEd25519);
        }
        Ok(Self(key))
    }

    /// Takes a slice as a key, when it is 32 bytes long.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`], or as [`Self::from_bytes`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::from_bytes(sized(bytes)?)
    }

    /// Returns the 32 bytes of RFC 8032.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::SIZE_BYTES] {
        self.0.as_bytes()
    }

    /// Checks a signature over `message`, strictly.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`], also for a signature that is not 64 bytes long.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| KeyError::BadSignature)?;
        self.0.verify_strict(message, &signature).map_err(|_| KeyError::BadSignature)
    }

    /// Returns the fingerprint that `ssh-keygen -l` prints.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.openssh_wire())
    }

    /// Returns the line that OpenSSH reads, without a comment.
    #[must_use]
    pub fn openssh(&self) -> String {
        format!("{OPENSSH_ED25519} {}", BASE64.encode(&self.openssh_wire()))
    }

    /// Returns the key as RFC 4253 §6.6 puts it on the wire: the algorithm's name, then the key.
    #[must_use]
    pub fn openssh_wire(&self) -> Vec<u8> {
        [ssh_string(OPENSSH_ED25519.as_bytes()), ssh_string(self.as_bytes())].concat()
    }

    /// Returns the `PUBLIC KEY` PEM that openssl reads.
    #[must_use]
    pub fn spki_pem(&self) -> String {
        spki_pem(&self.0)
    }

    /// Reads a `PUBLIC KEY` PEM, as openssl writes it; the lines may end in CR LF.
    ///
    /// # Errors
    /// [`KeyError::NotSpki`] for other PEM and other algorithms, or as [`Self::from_bytes`].
    pub fn from_spki_pem(pem: &str) -> Result<Self, KeyError> {
        let mut lines = pem.lines().map(str::trim).filter(|line| !line.is_empty());
        if lines.next() != Some(PEM_BEGIN) || lines.next_back() != Some(PEM_END) {
            return Err(KeyError::NotSpki);
        }
        let der = BASE64.decode(lines.collect::<String>().as_bytes()).map_err(|_| KeyError::NotSpki)?;
        Self::from_slice(der.strip_prefix(SPKI_ED25519_PREFIX.as_slice()).ok_or(KeyError::NotSpki)?)
    }

    /// Reads a line as OpenSSH writes it: the algorithm, base64 of the wire form, and perhaps a comment.
    ///
    /// # Errors
    /// [`KeyError::NotOpenSsh`] for other text and other algorithms, or as [`Self::from_bytes`].
    pub fn from_openssh(line: &str) -> Result<Self, KeyError> {
        let mut words = line.split_whitespace();
        if words.next() != Some(OPENSSH_ED25519) {
            return Err(KeyError::NotOpenSsh);
        }
        let wire = words.next().and_then(|word| BASE64.decode(word.as_bytes()).ok()).ok_or(KeyError::NotOpenSsh)?;
        let start = wire.len().checked_sub(Self::SIZE_BYTES).ok_or(KeyError::NotOpenSsh)?;
        let key = Self::from_slice(&wire[start..])?;
        if key.openssh_wire() != wire {
            return Err(KeyError::NotOpenSsh);
        }
        Ok(key)
    }

    /// Reads a public key in whichever of its forms a file holds it: PEM, OpenSSH, or 64 hexadecimal digits.
    ///
    /// # Errors
    /// A [`KeyError`]; [`KeyError::NotPublicKey`] when the text is in none of these forms.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with(PEM_BEGIN) {
            return Self::from_spki_pem(text);
        }
        if text.starts_with("ssh-") {
            return Self::from_openssh(text);
        }
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| KeyError::NotPublicKey)?;
        Self::from_slice(&bytes)
    }
}

// A `y` of p = 2²⁵⁵ − 19 or more spells a smaller one. The other second spelling, a sign bit where
// x = 0, exists only for points of small order.
fn is_canonical_y(bytes: &[u8; 32]) -> bool {
    let at_least_p = bytes[31] & 0x7f == 0x7f && bytes[1..31].iter().all(|b| *b == 0xff) && bytes[0] >= 0xed;
    !at_least_p
}

impl fmt::Debug for Ed25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519 {}", self.fingerprint())
    }
}

/// A public key for ML-DSA-44.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct MlDsa44PublicKey(Box<[u8; Self::SIZE_BYTES]>);

impl MlDsa44PublicKey {
    /// How long the encoded key is.
    pub const SIZE_BYTES: usize = 1312;
    /// How long a signature is.
    pub const SIGNATURE_SIZE_BYTES: usize = 2420;

    /// Takes the 1312 bytes of FIPS 204; every one of them is a key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::SIZE_BYTES]) -> Self {
        Self(Box::new(*bytes))
    }

    /// Takes a slice as a key, when it is 1312 bytes long.
    ///
    /// # Errors
    /// [`KeyError::WrongLength`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, KeyError> {
        Ok(Self::from_bytes(sized(bytes)?))
    }

    /// Returns the 1312 bytes of FIPS 204.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::SIZE_BYTES] {
        &self.0
    }

    /// Checks a signature over `message` with the empty context.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`], also for a signature that is not 2420 bytes long.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        judge(&self.decoded(), message, signature)
    }

    /// Returns a fingerprint: SHA-256 of the key's SPKI in DER, as `openssl pkey -pubin -outform DER` gives it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&spki_der(&self.decoded()))
    }

    /// Returns the `PUBLIC KEY` PEM that openssl reads from version 3.5.
    #[must_use]
    pub fn spki_pem(&self) -> String {
        spki_pem(&self.decoded())
    }

    fn decoded(&self) -> ml_dsa::VerifyingKey<MlDsa44> {
        let encoded = EncodedVerifyingKey::<MlDsa44>::try_from(self.0.as_slice()).expect("the length is the type's");
        ml_dsa::VerifyingKey::decode(&encoded)
    }
}

impl fmt::Debug for MlDsa44PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ML-DSA-44 {}", self.fingerprint())
    }
}

/// A secret key for Ed25519, wiped from memory when dropped.
pub struct Ed25519SecretKey(Box<ed25519_dalek::SigningKey>);

impl Ed25519SecretKey {
    /// Takes the 32 secret bytes of RFC 8032, which the caller took from a good source of randomness.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_SIZE_BYTES]) -> Self {
        Self(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    /// Returns the secret bytes, for writing a key file.
    #[must_use]
    pub fn seed_secret(&self) -> Zeroizing<[u8; SEED_SIZE_BYTES]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> Ed25519PublicKey {
        Ed25519PublicKey(self.0.verifying_key())
    }

    /// Signs `message`; the same message always gets the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; Ed25519PublicKey::SIGNATURE_SIZE_BYTES] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for Ed25519SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret of {:?}", self.public())
    }
}

/// A secret key for ML-DSA-44, wiped from memory when dropped.
pub struct MlDsa44SecretKey {
    seed: Zeroizing<[u8; SEED_SIZE_BYTES]>,
    pair: Box<ml_dsa_44::MLDSA44KeyPair>,
    /// The public key, as the library that judges has it, once something was signed.
    judging: OnceLock<Box<ml_dsa::VerifyingKey<MlDsa44>>>,
}

impl MlDsa44SecretKey {
    /// Takes the seed ξ of FIPS 204, which the caller took from a good source of randomness.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_SIZE_BYTES]) -> Self {
        let pair = Box::new(ml_dsa_44::generate_key_pair(*seed));
        Self { seed: Zeroizing::new(*seed), pair, judging: OnceLock::new() }
    }

    /// Returns the seed, for writing a key file.
    #[must_use]
    pub fn seed_secret(&self) -> Zeroizing<[u8; SEED_SIZE_BYTES]> {
        self.seed.clone()
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> MlDsa44PublicKey {
        MlDsa44PublicKey(Box::new(*self.pair.verification_key.as_ref()))
    }

    /// Signs `message` with the empty context; the same message always gets the same signature. It is verified before it is
    /// returned.
    ///
    /// # Errors
    /// [`KeyError::NotSigned`] when what was made does not fit.
    pub fn sign(&self, message: &[u8]) -> Result<Box<[u8; MlDsa44PublicKey::SIGNATURE_SIZE_BYTES]>, KeyError> {
        let not_signed = |reason: &str| {
            let fingerprint = self.public().fingerprint();
            KeyError::NotSigned { fingerprint, reason: reason.to_owned() }
        };
        // Of so many rejections in a row FIPS 204, appendix C, says that they are not seen.
        let signature = ml_dsa_44::sign(&self.pair.signing_key, message, &[], NOT_HEDGED)
            .map_err(|_| not_signed("too many attempts were rejected"))?;
        let judging = self.judging.get_or_init(|| Box::new(self.public().decoded()));
        judge(judging, message, signature.as_slice()).map_err(|error| not_signed(&error.to_string()))?;
        Ok(Box::new(*signature.as_ref()))
    }
}

fn judge(key: &ml_dsa::VerifyingKey<MlDsa44>, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
    let signature = ml_dsa::Signature::<MlDsa44>::try_from(signature).map_err(|_| KeyError::BadSignature)?;
    if key.verify_with_context(message, &[], &signature) { Ok(()) } else { Err(KeyError::BadSignature) }
}

/// What FIPS 204 (algorithm 2) signs with, instead of randomness, when it is to be deterministic.
const NOT_HEDGED: [u8; 32] = [0; 32];

impl Drop for MlDsa44SecretKey {
    fn drop(&mut self) {
        self.pair.signing_key.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for MlDsa44SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret of {:?}", self.public())
    }
}

/// Whoever signs by Ed25519 with a key that is not here.
pub trait SignElsewhere: fmt::Debug + Send + Sync {
    /// Asks for a signature, which nobody has checked yet.
    ///
    /// # Errors
    /// Why there is none, in words.
    fn sign(&self, message: &[u8]) -> Result<[u8; Ed25519PublicKey::SIGNATURE_SIZE_BYTES], String>;
}

/// What signs by Ed25519, wherever the secret is.
#[derive(Clone, Debug)]
pub enum Ed25519Signer {
    /// The secret is here.
    Here(Arc<Ed25519SecretKey>),
    /// Somebody else has it.
    Elsewhere {
        /// What checks the signatures.
        public: Ed25519PublicKey,
        /// Who makes them.
        by: Arc<dyn SignElsewhere>,
    },
}

impl Ed25519Signer {
    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> Ed25519PublicKey {
        match self {
            Self::Here(key) => key.public(),
            Self::Elsewhere { public, .. } => *public,
        }
    }

    /// Signs `message`. A signature that was made elsewhere is checked before it is returned.
    ///
    /// # Errors
    /// [`KeyError::NotSigned`] when whoever has the secret does not sign, or signs something else.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; Ed25519PublicKey::SIGNATURE_SIZE_BYTES], KeyError> {
        let (public, by) = match self {
            Self::Here(key) => return Ok(key.sign(message)),
            Self::Elsewhere { public, by } => (public, by),
        };
        let not_signed = |reason: String| KeyError::NotSigned { fingerprint: public.fingerprint(), reason };
        let signature = by.sign(message).map_err(not_signed)?;
        public.verify(message, &signature).map_err(|error| not_signed(error.to_string()))?;
        Ok(signature)
    }
}

impl From<Ed25519SecretKey> for Ed25519Signer {
    fn from(key: Ed25519SecretKey) -> Self {
        Self::Here(Arc::new(key))
    }
}

fn fingerprint(encoded: &[u8]) -> String {
    format!("SHA256:{}", BASE64_NOPAD.encode(Hash::of(encoded).as_bytes()))
}

fn ssh_string(bytes: &[u8]) -> Vec<u8> {
    let size_bytes = u32::try_from(bytes.len()).expect("a name or a key is short");
    [&size_bytes.to_be_bytes(), bytes].concat()
}

fn spki_pem(key: &impl EncodePublicKey) -> String {
    key.to_public_key_pem(LineEnding::LF).expect("a key of fixed length always encodes")
}

fn spki_der(key: &impl EncodePublicKey) -> Vec<u8> {
    key.to_public_key_der().expect("a key of fixed length always encodes").into_vec()
}

fn sized<const SIZE_BYTES: usize>(bytes: &[u8]) -> Result<&[u8; SIZE_BYTES], KeyError> {
    bytes.try_into().map_err(|_| KeyError::WrongLength { expected: SIZE_BYTES, found: bytes.len() })
}

const OPENSSH_ED25519: &str = "ssh-ed25519";
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// What RFC 8410 puts before the 32 bytes of a key: a sequence, the algorithm 1.3.101.112, a bit string.
const SPKI_ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why some text or bytes are not a key, or a key does not vouch for a message.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum KeyError {
    #[error("the signature does not fit key and message")]
    BadSignature,
    #[error("not a canonical Ed25519 public key of large order")]
    NotEd25519,
    #[error("not an Ed25519 public key as OpenSSH writes it")]
    NotOpenSsh,
    #[error("not a public key: expected PEM, a line of OpenSSH, or 64 hexadecimal digits")]
    NotPublicKey,
    #[error("{fingerprint} did not sign: {reason}")]
    NotSigned { fingerprint: String, reason: String },
    #[error("not an Ed25519 public key in PEM, as openssl writes it")]
    NotSpki,
    #[error("a public key of this type is {expected} bytes, found {found}")]
    WrongLength { expected: usize, found: usize },
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use ml_dsa::Keypair as _;

    use super::*;

    #[test]
    fn signs_as_rfc_8032_does() {
        // RFC 8032 §7.1, test 1: the empty message.
        let seed = HEXLOWER.decode(b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = Ed25519SecretKey::from_seed(&seed.try_into().unwrap());
        assert_eq!(
            HEXLOWER.encode(key.public().as_bytes()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        let signature = key.sign(b"");
        assert_eq!(
            HEXLOWER.encode(&signature),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555\
             fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        );
        assert_eq!(key.public().verify(b"", &signature), Ok(()));
        assert_eq!(key.public().verify(b"x", &signature), Err(KeyError::BadSignature));
        assert_eq!(key.public().verify(b"", &signature[..63]), Err(KeyError::BadSignature));
    }

    #[test]
    fn the_page_s_example_is_one_key_twice() {
        let page = include_str!("key.rs").split("//! ```").nth(1).unwrap();
        let lines: Vec<&str> = page.lines().skip(1).map(|line| line.trim_start_matches("//! ")).collect();
        let public = Ed25519SecretKey::from_seed(&[1; 32]).public();
        assert_eq!([public.openssh(), public.fingerprint()], *lines);
    }

    #[test]
    fn post_quantum_signatures_are_deterministic_and_bound_to_the_message() {
        let key = MlDsa44SecretKey::from_seed(&[7; 32]);
        let signature = key.sign(b"text").unwrap();
        assert_eq!(signature, key.sign(b"text").unwrap());
        assert_eq!(key.public().verify(b"text", signature.as_slice()), Ok(()));
        assert_eq!(key.public().verify(b"texu", signature.as_slice()), Err(KeyError::BadSignature));
        assert_eq!(key.public().verify(b"text", &signature[1..]), Err(KeyError::BadSignature));
        assert_eq!(*key.seed_secret(), [7; 32]);
    }

    #[test]
    fn post_quantum_keys_and_signatures_are_those_that_another_library_makes() {
        for seed in [[0; 32], [7; 32], [0xff; 32]] {
            let key = MlDsa44SecretKey::from_seed(&seed);
            let other = ml_dsa::SigningKey::<MlDsa44>::from_seed((&seed).into());
            assert_eq!(key.public().as_bytes()[..], other.verifying_key().encode()[..]);
            // How often a message is rejected before it is signed depends on it.
            for size_bytes in 0..64 {
                let message = vec![0x5a; size_bytes];
                let signature = other.expanded_key().sign_deterministic(&message, &[]).unwrap();
                assert_eq!(key.sign(&message).unwrap()[..], signature.encode()[..], "{size_bytes} bytes");
            }
        }
    }

    #[test]
    fn a_post_quantum_signature_that_the_other_library_refuses_does_not_leave() {
        let other = MlDsa44SecretKey::from_seed(&[8; 32]).public().decoded();
        let key = MlDsa44SecretKey::from_seed(&[7; 32]);
        key.judging.set(Box::new(other)).unwrap();
        assert!(matches!(key.sign(b"text"), Err(KeyError::NotSigned { .. })));
    }

    #[test]
    fn points_of_small_order_and_second_spellings_are_no_keys() {
        // The identity, its second spellings (y = p + 1; sign bit set), and y = 0, which has order 4.
        let identity = "0100000000000000000000000000000000000000000000000000000000000000";
        let more_than_p = "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
        let signed = "0100000000000000000000000000000000000000000000000000000000000080";
        let order_4 = "0000000000000000000000000000000000000000000000000000000000000000";
        for text in [identity, more_than_p, signed, order_4] {
            let bytes = HEXLOWER.decode(text.as_bytes()).unwrap();
            assert_eq!(Ed25519PublicKey::from_slice(&bytes), Err(KeyError::NotEd25519), "{text}");
        }
        // y = p + k for small k: whichever are points of large order are second spellings of y = k.
        for k in 0..19_u8 {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (0xed + k, 0x7f);
            assert_eq!(Ed25519PublicKey::from_bytes(&bytes), Err(KeyError::NotEd25519), "p + {k}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let secret = format!("{:?}{:?}", Ed25519SecretKey::from_seed(&[9; 32]), MlDsa44SecretKey::from_seed(&[9; 32]));
        assert!(!secret.contains("9, 9") && !secret.contains("0909"), "{secret}");
    }

    #[test]
    fn reads_the_forms_that_it_writes_and_no_other_algorithm() {
        let key = Ed25519SecretKey::from_seed(&[7; 32]).public();
        let hex = HEXLOWER.encode(key.as_bytes());
        let crlf = key.spki_pem().replace('\n', "\r\n");
        for text in [key.spki_pem(), crlf, key.openssh(), format!("{} a comment\n", key.openssh()), hex.to_uppercase()]
        {
            assert_eq!(Ed25519PublicKey::from_text(&text), Ok(key), "{text}");
        }
        let other = MlDsa44SecretKey::from_seed(&[7; 32]).public().spki_pem();
        assert_eq!(Ed25519PublicKey::from_text(&other), Err(KeyError::NotSpki));
        assert_eq!(Ed25519PublicKey::from_text("ssh-rsa AAAA"), Err(KeyError::NotOpenSsh));
        assert_eq!(Ed25519PublicKey::from_text("ssh-ed25519 AAAA"), Err(KeyError::NotOpenSsh));
        let renamed =
            data_encoding::BASE64.encode(&[&ssh_string(b"ssh-ed25518")[..], &ssh_string(key.as_bytes())].concat());
        assert_eq!(Ed25519PublicKey::from_text(&format!("ssh-ed25519 {renamed}")), Err(KeyError::NotOpenSsh));
        assert_eq!(Ed25519PublicKey::from_text("a key"), Err(KeyError::NotPublicKey));
        assert!(matches!(Ed25519PublicKey::from_text("00"), Err(KeyError::WrongLength { .. })));
    }
}
