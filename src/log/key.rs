//! Keys: what signs, what checks, and how a public key is written down.
//!
//! ```text
//! log.example.org/affiant+d7073dae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
//! ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
//! SHA256:fe85JkIjo8VPe+XqXJGH5Mau1EMFdK1OdKvJUFicyA8
//! ```
//!
//! One Ed25519 key three times: as a vkey (C2SP), for OpenSSH, and its fingerprint as `ssh-keygen -l`
//! prints it. The vkey's parts are the key name, the key id in eight lower-case hexadecimal digits, and
//! base64 of the signature type and the public key, with `+` between them.
//!
//! | signature type | signs                          | public key bytes | signature bytes |
//! |----------------|--------------------------------|------------------|-----------------|
//! | 0x01           | a note's text, Ed25519         | 32               | 64              |
//! | 0x04           | a cosignature, Ed25519         | 32               | 8 + 64          |
//! | 0x06           | a cosignature, ML-DSA-44       | 1312             | 8 + 2420        |
//!
//! Rules. A key name is 1 to 255 bytes of UTF-8 without `+`, Unicode spaces or control characters. The
//! key id is the first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key); name and id together
//! say which key, for which purpose. One spelling of each form is read.
//!
//! To verify a vkey:
//! 1. Split at the first and second `+`: name, id, key. (Base64 may hold more of them.)
//! 2. Decode the key strictly; its first byte is the type, the rest a public key of the type's length.
//! 3. Compute the id and compare it.
//!
//! Sources: C2SP signed-note (vkeys, types 0x01), C2SP tlog-cosignature (0x04, 0x06), RFC 8032 (Ed25519),
//! FIPS 204 (ML-DSA-44, empty context), RFC 4253 §6.6 and RFC 8709 (OpenSSH), RFC 8410 and RFC 9881 (SPKI).
//! Stricter than these: key ids other than the recommended ones are refused, names are at most 255
//! bytes (a cosigned message can hold no more), Ed25519 is checked with `verify_strict` and never in
//! batches, and Ed25519 keys that are of small order or not canonically encoded are no keys.
//! Types 0x02 (ECDSA) and 0x05 (RFC 6962) are not read.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER};
use ed25519_dalek::Signer as _;
use ml_dsa::{EncodedVerifyingKey, Keypair as _, MlDsa44};
use pkcs8::{EncodePublicKey, LineEnding};
use zeroize::Zeroizing;

use crate::base::base64;
use crate::base::hash::Hash;

/// How long the seed of either kind of secret key is.
pub const SEED_SIZE_BYTES: usize = 32;

/// A key's name in notes: 1 to 255 bytes without `+`, Unicode spaces and control characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyName(String);

impl KeyName {
    /// The longest name; the length of a cosigned message's `cosigner_name` is one byte.
    pub const SIZE_BYTES_MAX: usize = 255;

    /// Takes a name.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let is_name = (1..=Self::SIZE_BYTES_MAX).contains(&text.len())
            && !text.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control());
        if !is_name {
            return Err(KeyError::Name { found: text.chars().take(64).collect() });
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
        let signature = ml_dsa::Signature::<MlDsa44>::try_from(signature).map_err(|_| KeyError::BadSignature)?;
        if !self.decoded().verify_with_context(message, &[], &signature) {
            return Err(KeyError::BadSignature);
        }
        Ok(())
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
pub struct MlDsa44SecretKey(Box<ml_dsa::SigningKey<MlDsa44>>);

impl MlDsa44SecretKey {
    /// Takes the seed ξ of FIPS 204, which the caller took from a good source of randomness.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_SIZE_BYTES]) -> Self {
        let seed = Zeroizing::new(*seed);
        Self(Box::new(ml_dsa::SigningKey::from_seed((&*seed).into())))
    }

    /// Returns the seed, for writing a key file.
    #[must_use]
    pub fn seed_secret(&self) -> Zeroizing<[u8; SEED_SIZE_BYTES]> {
        Zeroizing::new((*self.0.as_seed()).into())
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> MlDsa44PublicKey {
        MlDsa44PublicKey(Box::new(self.0.verifying_key().encode().into()))
    }

    /// Signs `message` with the empty context; the same message always gets the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Box<[u8; MlDsa44PublicKey::SIGNATURE_SIZE_BYTES]> {
        Box::new(self.signature(message).encode().into())
    }

    fn signature(&self, message: &[u8]) -> ml_dsa::Signature<MlDsa44> {
        self.0.expanded_key().sign_deterministic(message, &[]).expect("only a context over 255 bytes is refused")
    }
}

impl fmt::Debug for MlDsa44SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret of {:?}", self.public())
    }
}

/// What a key signs in notes: the signature type.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyKind {
    /// 0x01: Ed25519 over a note's text.
    Ed25519,
    /// 0x04: Ed25519 over a cosignature.
    Ed25519Cosignature,
    /// 0x06: ML-DSA-44 over a cosignature.
    MlDsa44Cosignature,
}

impl KeyKind {
    /// Returns the signature type's byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Ed25519Cosignature => 0x04,
            Self::MlDsa44Cosignature => 0x06,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519 signature (0x01)",
            Self::Ed25519Cosignature => "Ed25519 cosignature (0x04)",
            Self::MlDsa44Cosignature => "ML-DSA-44 cosignature (0x06)",
        })
    }
}

/// A public key bound to what it signs in notes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum NotePublicKey {
    /// 0x01: Ed25519 over a note's text.
    Ed25519(Ed25519PublicKey),
    /// 0x04: Ed25519 over a cosignature.
    Ed25519Cosignature(Ed25519PublicKey),
    /// 0x06: ML-DSA-44 over a cosignature.
    MlDsa44Cosignature(MlDsa44PublicKey),
}

impl NotePublicKey {
    /// Returns what the key signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Ed25519(_) => KeyKind::Ed25519,
            Self::Ed25519Cosignature(_) => KeyKind::Ed25519Cosignature,
            Self::MlDsa44Cosignature(_) => KeyKind::MlDsa44Cosignature,
        }
    }

    /// Returns the encoded key, without its type.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Ed25519(key) | Self::Ed25519Cosignature(key) => key.as_bytes(),
            Self::MlDsa44Cosignature(key) => key.as_bytes(),
        }
    }

    /// Returns the fingerprint that people compare.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Ed25519(key) | Self::Ed25519Cosignature(key) => key.fingerprint(),
            Self::MlDsa44Cosignature(key) => key.fingerprint(),
        }
    }

    /// Returns the `PUBLIC KEY` PEM that openssl reads.
    #[must_use]
    pub fn spki_pem(&self) -> String {
        match self {
            Self::Ed25519(key) | Self::Ed25519Cosignature(key) => key.spki_pem(),
            Self::MlDsa44Cosignature(key) => key.spki_pem(),
        }
    }
}

/// A named public key, as a reader is given it: a vkey.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct VerifierKey {
    name: KeyName,
    key: NotePublicKey,
}

impl VerifierKey {
    /// The longest vkey read: the longest name, an id, an ML-DSA-44 key in base64 and two signs.
    pub const SIZE_BYTES_MAX: usize =
        KeyName::SIZE_BYTES_MAX + 1 + 8 + 1 + (1 + MlDsa44PublicKey::SIZE_BYTES).div_ceil(3) * 4;

    /// Binds a key to its name.
    #[must_use]
    pub fn new(name: KeyName, key: NotePublicKey) -> Self {
        Self { name, key }
    }

    /// Reads a vkey.
    ///
    /// # Errors
    /// One [`KeyError`] per way in which it can be wrong.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > Self::SIZE_BYTES_MAX {
            return Err(KeyError::TooLong { found: text.len() });
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::NotVkey);
        };
        let name = KeyName::new(name)?;
        let id: [u8; 4] =
            HEXLOWER.decode(id.as_bytes()).ok().and_then(|id| id.try_into().ok()).ok_or(KeyError::NotKeyId)?;
        let decoded = base64::decode(encoded.as_bytes()).ok_or(KeyError::NotBase64)?;
        let key = match decoded.split_first() {
            Some((0x01, key)) => NotePublicKey::Ed25519(Ed25519PublicKey::from_slice(key)?),
            Some((0x04, key)) => NotePublicKey::Ed25519Cosignature(Ed25519PublicKey::from_slice(key)?),
            Some((0x06, key)) => NotePublicKey::MlDsa44Cosignature(MlDsa44PublicKey::from_slice(key)?),
            Some((other, _)) => return Err(KeyError::UnknownType { found: *other }),
            None => return Err(KeyError::NotVkey),
        };
        let (found, read) = (u32::from_be_bytes(id), Self { name, key });
        if found != read.id() {
            return Err(KeyError::WrongKeyId { found, computed: read.id() });
        }
        Ok(read)
    }

    /// Returns the key's name.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the public key with its purpose.
    #[must_use]
    pub fn key(&self) -> &NotePublicKey {
        &self.key
    }

    /// Returns what the key signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.key.kind()
    }

    /// Returns the key id that stands in signature lines.
    #[must_use]
    pub fn id(&self) -> u32 {
        let hash = Hash::of_parts(&[self.name.0.as_bytes(), b"\n", &[self.kind().byte()], self.key.as_bytes()]);
        let [a, b, c, d, ..] = *hash.as_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// Returns the fingerprint that people compare.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = [&[self.kind().byte()], self.key.as_bytes()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id(), BASE64.encode(&encoded))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
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

/// A secret key bound to what it signs in notes.
#[derive(Debug)]
pub enum NoteSecretKey {
    /// 0x01: Ed25519 over a note's text.
    Ed25519(Ed25519SecretKey),
    /// 0x01: the same, wherever the secret is.
    Ed25519Signer(Ed25519Signer),
    /// 0x04: Ed25519 over a cosignature.
    Ed25519Cosignature(Ed25519SecretKey),
    /// 0x06: ML-DSA-44 over a cosignature.
    MlDsa44Cosignature(MlDsa44SecretKey),
}

/// A named secret key that signs notes.
#[derive(Debug)]
pub struct SignerKey {
    secret: NoteSecretKey,
    verifier: VerifierKey,
}

impl SignerKey {
    /// Binds a secret key to its name.
    #[must_use]
    pub fn new(name: KeyName, secret: NoteSecretKey) -> Self {
        let key = match &secret {
            NoteSecretKey::Ed25519(secret) => NotePublicKey::Ed25519(secret.public()),
            NoteSecretKey::Ed25519Signer(signer) => NotePublicKey::Ed25519(signer.public()),
            NoteSecretKey::Ed25519Cosignature(secret) => NotePublicKey::Ed25519Cosignature(secret.public()),
            NoteSecretKey::MlDsa44Cosignature(secret) => NotePublicKey::MlDsa44Cosignature(secret.public()),
        };
        Self { secret, verifier: VerifierKey { name, key } }
    }

    /// Returns the key that checks what this one signs.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Returns the key's name.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.verifier.name
    }

    /// Returns the secret key with its purpose, for signing.
    #[must_use]
    pub fn key_secret(&self) -> &NoteSecretKey {
        &self.secret
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
    #[error("`{found}` is not a key name: 1 to 255 bytes without `+`, spaces and control characters")]
    Name { found: String },
    #[error("the public key is not base64 of the one spelling")]
    NotBase64,
    #[error("not a canonical Ed25519 public key of large order")]
    NotEd25519,
    #[error("a key id is eight lower-case hexadecimal digits")]
    NotKeyId,
    #[error("not an Ed25519 public key as OpenSSH writes it")]
    NotOpenSsh,
    #[error("not a public key: expected PEM, a line of OpenSSH, or 64 hexadecimal digits")]
    NotPublicKey,
    #[error("{fingerprint} did not sign: {reason}")]
    NotSigned { fingerprint: String, reason: String },
    #[error("not an Ed25519 public key in PEM, as openssl writes it")]
    NotSpki,
    #[error("not a vkey such as `log.example.org+0123abcd+AQ…`")]
    NotVkey,
    #[error("{found} bytes, more than the longest vkey of {}", VerifierKey::SIZE_BYTES_MAX)]
    TooLong { found: usize },
    #[error("signature type 0x{found:02x} is not one of 0x01, 0x04 and 0x06")]
    UnknownType { found: u8 },
    #[error("key id {found:08x} does not fit name and key, expected {computed:08x}")]
    WrongKeyId { found: u32, computed: u32 },
    #[error("a public key of this type is {expected} bytes, found {found}")]
    WrongLength { expected: usize, found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    // golang.org/x/mod/sumdb/note's own example key.
    const PETER_NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

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
    fn post_quantum_signatures_are_deterministic_and_bound_to_the_message() {
        let key = MlDsa44SecretKey::from_seed(&[7; 32]);
        let signature = key.sign(b"text");
        assert_eq!(signature, key.sign(b"text"));
        assert_eq!(key.public().verify(b"text", signature.as_slice()), Ok(()));
        assert_eq!(key.public().verify(b"texu", signature.as_slice()), Err(KeyError::BadSignature));
        assert_eq!(key.public().verify(b"text", &signature[1..]), Err(KeyError::BadSignature));
        assert_eq!(*key.seed_secret(), [7; 32]);
    }

    #[test]
    fn the_page_s_example_is_one_key_three_times() {
        let page = include_str!("key.rs").split("//! ```").nth(1).unwrap();
        let lines: Vec<&str> = page.lines().skip(1).map(|line| line.trim_start_matches("//! ")).collect();
        let key = VerifierKey::parse(lines[0]).unwrap();
        let NotePublicKey::Ed25519(public) = key.key() else { panic!("{key:?}") };
        assert_eq!([public.openssh(), public.fingerprint()], lines[1..]);
        assert_eq!(public, &Ed25519SecretKey::from_seed(&[1; 32]).public());
    }

    #[test]
    fn reads_and_writes_the_published_vkey() {
        let key = VerifierKey::parse(PETER_NEUMANN).unwrap();
        assert_eq!((key.name().as_str(), key.id(), key.kind()), ("PeterNeumann", 0xc74f_20a3, KeyKind::Ed25519));
        assert_eq!(key.to_string(), PETER_NEUMANN);
    }

    #[test]
    fn every_kind_of_vkey_reads_back() {
        let name = || KeyName::new("log.example.org/a").unwrap();
        let secrets = [
            NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[1; 32])),
            NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[1; 32])),
            NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[1; 32])),
        ];
        let mut ids = Vec::new();
        for secret in secrets {
            let key = SignerKey::new(name(), secret);
            let text = key.verifier().to_string();
            assert_eq!(VerifierKey::parse(&text).as_ref(), Ok(key.verifier()), "{text}");
            ids.push(key.verifier().id());
        }
        ids.dedup();
        assert_eq!(ids.len(), 3, "the purpose is part of the id");
    }

    #[test]
    fn rejects_any_other_spelling_of_a_vkey() {
        let cases = [
            ("", KeyError::NotVkey),
            ("PeterNeumann+c74f20a3", KeyError::NotVkey),
            ("PeterNeumann+c74f20a3+", KeyError::NotVkey),
            ("Peter Neumann+c74f20a3+AR", KeyError::Name { found: "Peter Neumann".into() }),
            ("Peter\u{a0}+c74f20a3+AR", KeyError::Name { found: "Peter\u{a0}".into() }),
            ("+c74f20a3+AR", KeyError::Name { found: String::new() }),
            ("PeterNeumann+C74F20A3+AR", KeyError::NotKeyId),
            ("PeterNeumann+c74f20a+AR", KeyError::NotKeyId),
            ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n", KeyError::NotBase64),
            ("PeterNeumann+c74f20a3+ARp=", KeyError::NotBase64),
            ("PeterNeumann+c74f20a3+ARo=AAAA", KeyError::NotBase64),
            ("PeterNeumann+c74f20a3+ARpc", KeyError::WrongLength { expected: 32, found: 2 }),
            ("PeterNeumann+c74f20a3+Ahpc", KeyError::UnknownType { found: 2 }),
            (
                "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                KeyError::WrongKeyId { found: 0xc74f_20a4, computed: 0xc74f_20a3 },
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
        }
        let other_name = PETER_NEUMANN.replace('P', "p");
        assert!(matches!(VerifierKey::parse(&other_name), Err(KeyError::WrongKeyId { found: 0xc74f_20a3, .. })));
        let long = "x".repeat(VerifierKey::SIZE_BYTES_MAX + 1);
        assert_eq!(VerifierKey::parse(&long), Err(KeyError::TooLong { found: long.len() }));
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
