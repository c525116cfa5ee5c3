//! Key files: a secret key as PKCS#8 PEM, which openssl reads and writes.
//!
//! ```text
//! -----BEGIN PRIVATE KEY-----
//! MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
//! -----END PRIVATE KEY-----
//! ```
//!
//! | key       | algorithm              | private key                            | openssl reads it from |
//! |-----------|------------------------|----------------------------------------|-----------------------|
//! | Ed25519   | 1.3.101.112            | OCTET STRING of the 32 secret bytes    | 1.1.1                 |
//! | ML-DSA-44 | 2.16.840.1.101.3.4.3.17 | `[0]` of the 32-byte seed              | 3.5                   |
//!
//! Rules. The label is `PRIVATE KEY`, or `ENCRYPTED PRIVATE KEY` for PBES2: AES-256-CBC under a key that
//! scrypt makes from the passphrase (N = 2¹⁴, r = 8, p = 5). OpenSSL refuses a greater N·r; the p makes up
//! for it. On reading, PBKDF2 with HMAC-SHA-2 and other AES keys and modes are taken too, so that what
//! `openssl genpkey -aes256` writes is read; what a file asks for is limited, since it may be a stranger's.
//! Salt and IV come from the caller: here is no randomness.
//!
//! To read:
//! 1. Take off the PEM armour; the label says whether a passphrase is needed.
//! 2. Check what the derivation would cost, then decrypt.
//! 3. Read the key by its algorithm; of ML-DSA-44 the form that is the seed alone. The DER
//!    has one spelling and no attributes; a public key beside the secret one (version 2) must belong to it.
//!
//! Sources: RFC 5958 (PKCS#8), RFC 8018 §6.2 (PBES2), RFC 7914 §7 (scrypt in PBES2), RFC 8410 (Ed25519),
//! RFC 9881 (ML-DSA). Not read: PBES1, SHA-1, DES, the `BEGIN OPENSSH PRIVATE KEY` form, ML-DSA keys
//! with their expanded form. A wrong passphrase cannot be told from a damaged file with certainty.

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::oid::ObjectIdentifier;
use pkcs8::der::pem::{self, PemLabel};
use pkcs8::der::{Decode, Encode};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, ScryptParams};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey, SEED_SIZE_BYTES};

/// The longest key file read: several times an encrypted ML-DSA-44 key with its expanded form.
pub const SIZE_BYTES_MAX: usize = 16 << 10;

/// The longest passphrase taken.
pub const PASSPHRASE_SIZE_BYTES_MAX: usize = 1024;

/// How much memory a file may ask scrypt for: what OpenSSL grants.
pub const SCRYPT_MEMORY_BYTES_MAX: u64 = 32 << 20;

/// How many passes over that memory a file may ask for.
pub const SCRYPT_PARALLELIZATION_MAX: u16 = 16;

/// How many rounds of PBKDF2 a file may ask for; OWASP (2023) recommends 600 000.
pub const PBKDF2_ROUND_COUNT_MAX: u32 = 10_000_000;

/// A secret key of either kind.
#[derive(Debug)]
pub enum SecretKey {
    /// Ed25519.
    Ed25519(Ed25519SecretKey),
    /// ML-DSA-44.
    MlDsa44(MlDsa44SecretKey),
}

/// What a key file is to be encrypted with.
pub struct Encryption<'a> {
    /// What the keeper knows.
    pub passphrase: &'a str,
    /// Random bytes, used once.
    pub salt: [u8; 16],
    /// Random bytes, used once.
    pub iv: [u8; 16],
}

impl SecretKey {
    /// Says whether a key file asks for a passphrase.
    ///
    /// # Errors
    /// [`KeyFileError`] when it is no key file.
    pub fn is_encrypted(file: &[u8]) -> Result<bool, KeyFileError> {
        Ok(Armour::read(file)?.is_encrypted)
    }

    /// Reads a key file; a passphrase is ignored where none is needed.
    ///
    /// # Errors
    /// [`KeyFileError::NoPassphrase`] when one is needed; [`KeyFileError::WrongPassphrase`]; others when the
    /// file is not such a file or asks for too much.
    pub fn read_secret(file: &[u8], passphrase: Option<&str>) -> Result<Self, KeyFileError> {
        let armour = Armour::read(file)?;
        if !armour.is_encrypted {
            return Self::from_der(&armour.der);
        }
        let passphrase = passphrase.ok_or(KeyFileError::NoPassphrase)?;
        check_passphrase(passphrase)?;
        let encrypted = EncryptedPrivateKeyInfoRef::from_der(&armour.der).map_err(|_| KeyFileError::NotPkcs8)?;
        let scheme = &encrypted.encryption_algorithm;
        check_cost(scheme)?;
        let decrypted = scheme.decrypt(passphrase, encrypted.encrypted_data.as_bytes());
        let decrypted = Zeroizing::new(decrypted.map_err(|_| KeyFileError::WrongPassphrase)?);
        // One wrong passphrase in 256 leaves a well-formed padding; then it is the DER that is not.
        match Self::from_der(&decrypted) {
            Err(KeyFileError::NotPkcs8) => Err(KeyFileError::WrongPassphrase),
            read => read,
        }
    }

    /// Writes a key file that needs no passphrase.
    #[must_use]
    pub fn write_secret(&self) -> Zeroizing<String> {
        armoured(PrivateKeyInfoRef::PEM_LABEL, &self.to_der())
    }

    /// Writes a key file that needs a passphrase.
    ///
    /// # Errors
    /// [`KeyFileError::Passphrase`] when it is empty or too long.
    pub fn write_encrypted_secret(&self, encryption: &Encryption<'_>) -> Result<Zeroizing<String>, KeyFileError> {
        check_passphrase(encryption.passphrase)?;
        let parameters = parameters(encryption);
        let closed = parameters.encrypt(encryption.passphrase, &self.to_der()).map_err(|_| KeyFileError::Scheme)?;
        let encrypted = EncryptedPrivateKeyInfoRef {
            encryption_algorithm: EncryptionScheme::Pbes2(parameters),
            encrypted_data: OctetStringRef::new(&closed).map_err(|_| KeyFileError::Scheme)?,
        };
        let der = Zeroizing::new(encrypted.to_der().map_err(|_| KeyFileError::Scheme)?);
        Ok(armoured(EncryptedPrivateKeyInfoRef::PEM_LABEL, &der))
    }

    fn from_der(der: &[u8]) -> Result<Self, KeyFileError> {
        let wrapped = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyFileError::NotPkcs8)?;
        let again = Zeroizing::new(wrapped.to_der().map_err(|_| KeyFileError::NotPkcs8)?);
        if again.as_slice() != der || wrapped.algorithm.parameters.is_some() {
            return Err(KeyFileError::NotPkcs8);
        }
        let (key, public) = match wrapped.algorithm.oid {
            ED25519 => {
                let key = Ed25519SecretKey::from_seed(seed(wrapped.private_key.as_bytes(), ED25519_SEED)?);
                let public = key.public().as_bytes().to_vec();
                (Self::Ed25519(key), public)
            }
            ML_DSA_44 => {
                let key = MlDsa44SecretKey::from_seed(seed(wrapped.private_key.as_bytes(), ML_DSA_SEED)?);
                let public = key.public().as_bytes().to_vec();
                (Self::MlDsa44(key), public)
            }
            other => return Err(KeyFileError::Algorithm { found: other.to_string() }),
        };
        match wrapped.public_key {
            Some(beside) if beside.as_bytes() != Some(&public) => Err(KeyFileError::OtherPublicKey),
            _ => Ok(key),
        }
    }

    // Version 1, without the public key: OpenSSL before 3.4 refuses version 2.
    fn to_der(&self) -> Zeroizing<Vec<u8>> {
        let (oid, head, seed) = match self {
            Self::Ed25519(key) => (ED25519, ED25519_SEED, key.seed_secret()),
            Self::MlDsa44(key) => (ML_DSA_44, ML_DSA_SEED, key.seed_secret()),
        };
        let private = Zeroizing::new([head.as_slice(), seed.as_slice()].concat());
        let private = OctetStringRef::new(&private).expect("34 bytes always encode");
        let wrapped = PrivateKeyInfoRef::new(AlgorithmIdentifierRef { oid, parameters: None }, private);
        Zeroizing::new(wrapped.to_der().expect("a key of fixed length always encodes"))
    }
}

fn seed(private: &[u8], head: [u8; 2]) -> Result<&[u8; SEED_SIZE_BYTES], KeyFileError> {
    private.strip_prefix(&head).and_then(|seed| seed.try_into().ok()).ok_or(KeyFileError::NoSeed)
}

fn parameters(encryption: &Encryption<'_>) -> pbes2::Parameters {
    let salt = encryption.salt.as_slice().try_into().expect("16 bytes are a salt");
    let kdf = Kdf::Scrypt(ScryptParams {
        salt,
        cost_parameter: SCRYPT_COST,
        block_size: SCRYPT_BLOCK_SIZE,
        parallelization: SCRYPT_PARALLELIZATION,
        key_length: None,
    });
    pbes2::Parameters { kdf, encryption: pbes2::EncryptionScheme::Aes256Cbc { iv: encryption.iv } }
}

fn check_passphrase(passphrase: &str) -> Result<(), KeyFileError> {
    if !(1..=PASSPHRASE_SIZE_BYTES_MAX).contains(&passphrase.len()) {
        return Err(KeyFileError::Passphrase);
    }
    Ok(())
}

fn check_cost(scheme: &EncryptionScheme) -> Result<(), KeyFileError> {
    let parameters = scheme.pbes2().ok_or(KeyFileError::Scheme)?;
    let is_cheap = match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= PBKDF2_ROUND_COUNT_MAX,
        Kdf::Scrypt(scrypt) => {
            let memory = scrypt.cost_parameter.checked_mul(128 * u64::from(scrypt.block_size));
            let is_small = memory.is_some_and(|memory| memory <= SCRYPT_MEMORY_BYTES_MAX);
            is_small && scrypt.parallelization <= SCRYPT_PARALLELIZATION_MAX
        }
        _ => return Err(KeyFileError::Scheme),
    };
    if !is_cheap {
        return Err(KeyFileError::TooCostly);
    }
    Ok(())
}

/// A PEM file without its armour.
struct Armour {
    is_encrypted: bool,
    der: Zeroizing<Vec<u8>>,
}

impl Armour {
    fn read(file: &[u8]) -> Result<Self, KeyFileError> {
        if file.len() > SIZE_BYTES_MAX {
            return Err(KeyFileError::TooLong { found: file.len() });
        }
        let (label, der) = pem::decode_vec(file).map_err(|_| KeyFileError::NotPem)?;
        let der = Zeroizing::new(der);
        let is_encrypted = match label {
            label if label == PrivateKeyInfoRef::PEM_LABEL => false,
            label if label == EncryptedPrivateKeyInfoRef::PEM_LABEL => true,
            other => return Err(KeyFileError::Label { found: other.to_owned() }),
        };
        Ok(Self { is_encrypted, der })
    }
}

fn armoured(label: &'static str, der: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(pem::encode_string(label, LineEnding::LF, der).expect("a short file with a known label encodes"))
}

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ML_DSA_44: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17");

// Tag and length before the seed: an OCTET STRING (RFC 8410 §7), and `[0] IMPLICIT` one (RFC 9881 §6).
const ED25519_SEED: [u8; 2] = [0x04, 32];
const ML_DSA_SEED: [u8; 2] = [0x80, 32];

// 16 MiB, five times over: one of OWASP's equivalent settings (2023), within OpenSSL's 32 MiB.
const SCRYPT_COST: u64 = 1 << 14;
const SCRYPT_BLOCK_SIZE: u16 = 8;
const SCRYPT_PARALLELIZATION: u16 = 5;

/// Why a file is not a key file, or cannot be opened.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum KeyFileError {
    #[error("algorithm {found} is neither Ed25519 nor ML-DSA-44")]
    Algorithm { found: String },
    #[error("the label `{found}` is neither `PRIVATE KEY` nor `ENCRYPTED PRIVATE KEY`")]
    Label { found: String },
    #[error("the key file is encrypted and no passphrase was given")]
    NoPassphrase,
    #[error("not a seed of 32 bytes alone; `openssl pkey -provparam ml-dsa.output_formats=seed-only` writes that form")]
    NoSeed,
    #[error("not one PEM block")]
    NotPem,
    #[error("not a PKCS#8 private key in DER")]
    NotPkcs8,
    #[error("the public key in the file does not belong to the secret key")]
    OtherPublicKey,
    #[error("a passphrase has 1 to {PASSPHRASE_SIZE_BYTES_MAX} bytes")]
    Passphrase,
    #[error("encrypted in another way than PBES2 with scrypt or PBKDF2 and AES")]
    Scheme,
    #[error("opening it would cost more time or memory than a key file may ask for")]
    TooCostly,
    #[error("{found} bytes, more than the limit of {SIZE_BYTES_MAX}")]
    TooLong { found: usize },
    #[error("wrong passphrase, or a damaged key file")]
    WrongPassphrase,
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::base::hash::Hash;

    // RFC 9881, appendix C.1: the ML-DSA-44 key of the seed 00 01 … 1f, as published.
    const ML_DSA_44_FILE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MDQCAQAwCwYJYIZIAWUDBAMRBCKAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ\n\
        GhscHR4f\n\
        -----END PRIVATE KEY-----\n";

    fn example() -> String {
        let page = include_str!("key_file.rs").split("//! ```").nth(1).unwrap();
        page.lines().skip(1).map(|line| line.trim_start_matches("//! ").to_owned() + "\n").collect()
    }

    fn encryption(passphrase: &str) -> Encryption<'_> {
        Encryption { passphrase, salt: [5; 16], iv: [6; 16] }
    }

    fn seed_of(key: &SecretKey) -> Zeroizing<[u8; 32]> {
        match key {
            SecretKey::Ed25519(key) => key.seed_secret(),
            SecretKey::MlDsa44(key) => key.seed_secret(),
        }
    }

    fn read(file: &str, passphrase: Option<&str>) -> Result<SecretKey, KeyFileError> {
        SecretKey::read_secret(file.as_bytes(), passphrase)
    }

    /// Runs a program that may be absent: then says so aloud, and fails where `CI` is set.
    fn run(program: &str, arguments: &[&str], input: &str) -> Option<String> {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            assert!(std::env::var_os("CI").is_none(), "{program} is absent, and in CI nothing is skipped");
            writeln!(std::io::stderr(), "SKIPPED: {program} is absent").unwrap();
            return None;
        };
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {errors}");
        Some(String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn the_page_s_example_is_read_and_written() {
        // The secret key is that of RFC 8032 §7.1, test 1.
        let key = read(&example(), None).unwrap();
        assert_eq!(seed_of(&key)[..4], [0x9d, 0x61, 0xb1, 0x9d]);
        assert_eq!(*key.write_secret(), example());
        assert_eq!(SecretKey::is_encrypted(example().as_bytes()), Ok(false));
    }

    #[test]
    fn the_published_post_quantum_file_is_read_and_written() {
        let key = read(ML_DSA_44_FILE, None).unwrap();
        let seed: Vec<u8> = (0..32).collect();
        assert_eq!(seed_of(&key).as_slice(), seed);
        assert_eq!(*key.write_secret(), ML_DSA_44_FILE);
        let SecretKey::MlDsa44(key) = key else { panic!("{key:?}") };
        // The public key beside it in RFC 9881, by the hash of its PEM.
        let expected = "e8c997db43b377029f99957c26a9eb4ddf628bf88f95603b9f8a5cb56ffb57c0";
        assert_eq!(Hash::of(key.public().spki_pem().as_bytes()).to_string(), expected);
    }

    #[test]
    fn a_passphrase_opens_what_it_closed_and_no_other_does() {
        for file in [example(), ML_DSA_44_FILE.to_owned()] {
            let key = read(&file, None).unwrap();
            let closed = key.write_encrypted_secret(&encryption("correct horse")).unwrap();
            assert_eq!(SecretKey::is_encrypted(closed.as_bytes()), Ok(true));
            assert_eq!(seed_of(&read(&closed, Some("correct horse")).unwrap()), seed_of(&key));
            assert_eq!(read(&closed, None).err(), Some(KeyFileError::NoPassphrase));
            assert_eq!(read(&closed, Some("battery staple")).err(), Some(KeyFileError::WrongPassphrase));
            assert_eq!(read(&closed, Some("")).err(), Some(KeyFileError::Passphrase));
            assert_eq!(key.write_encrypted_secret(&encryption("")).err(), Some(KeyFileError::Passphrase));
        }
    }

    #[test]
    fn a_file_may_not_ask_for_too_much() {
        let kdfs = [(1 << 15, 8, 1), (1 << 14, 8, 17), (1 << 60, 1, 1), (u64::MAX, u16::MAX, 1)].map(|(n, r, p)| {
            let salt = [0; 16].as_slice().try_into().unwrap();
            Kdf::Scrypt(ScryptParams { salt, cost_parameter: n, block_size: r, parallelization: p, key_length: None })
        });
        let mut costly = Vec::from(kdfs);
        costly.push(Kdf::Pbkdf2(pbes2::Pbkdf2Params::hmac_sha256(PBKDF2_ROUND_COUNT_MAX, &[0; 16]).unwrap()));
        let is_allowed: Vec<bool> = costly
            .into_iter()
            .map(|kdf| {
                let encryption = pbes2::EncryptionScheme::Aes256Cbc { iv: [0; 16] };
                check_cost(&EncryptionScheme::Pbes2(pbes2::Parameters { kdf, encryption })).is_ok()
            })
            .collect();
        // 2¹⁵ · 8 · 128 is exactly 32 MiB.
        assert_eq!(is_allowed, [true, false, false, false, true]);
    }

    #[test]
    fn rejects_what_is_no_key_file() {
        let long = "x".repeat(SIZE_BYTES_MAX + 1);
        let label = |label: &str| example().replace("PRIVATE KEY", label);
        let cases = [
            (String::new(), KeyFileError::NotPem),
            (long.clone(), KeyFileError::TooLong { found: long.len() }),
            (label("PUBLIC KEY"), KeyFileError::Label { found: "PUBLIC KEY".into() }),
            (label("ENCRYPTED PRIVATE KEY"), KeyFileError::NoPassphrase),
            (
                example().replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vx"),
                KeyFileError::Algorithm { found: "1.3.101.113".into() },
            ),
            (example().replace("BCIEI", "BCIFI"), KeyFileError::NoSeed),
            (example().replace("MC4C", "MC8C"), KeyFileError::NotPkcs8),
        ];
        for (file, expected) in cases {
            assert_eq!(read(&file, None).err(), Some(expected), "{file}");
        }
    }

    #[test]
    fn openssl_reads_what_is_written() {
        let key = read(&example(), None).unwrap();
        let SecretKey::Ed25519(ed25519) = &key else { panic!("{key:?}") };
        let Some(public) = run("openssl", &["pkey", "-pubout"], &key.write_secret()) else { return };
        assert_eq!(public, ed25519.public().spki_pem());
        let closed = key.write_encrypted_secret(&encryption("correct horse")).unwrap();
        let opened = run("openssl", &["pkey", "-passin", "pass:correct horse"], &closed).unwrap();
        assert_eq!(opened, example());
    }

    #[test]
    fn what_openssl_writes_is_read() {
        let made = ["genpkey", "-algorithm", "ed25519"];
        let Some(plain) = run("openssl", &made, "") else { return };
        let key = read(&plain, None).unwrap();
        assert_eq!(*key.write_secret(), plain);
        let ways: [&[&str]; 4] = [
            &["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-passout", "pass:x"],
            &["pkcs8", "-topk8", "-v2", "aes-128-cbc", "-iter", "100000", "-passout", "pass:x"],
            &["pkcs8", "-topk8", "-scrypt", "-passout", "pass:x"],
            &["pkey", "-aes256", "-passout", "pass:x"],
        ];
        for way in ways {
            let closed = run("openssl", way, &plain).unwrap();
            let opened = read(&closed, Some("x")).unwrap_or_else(|error| panic!("{way:?}: {error}"));
            assert_eq!(seed_of(&opened), seed_of(&key), "{way:?}");
        }
    }

    #[test]
    fn openssl_checks_the_signatures() {
        let SecretKey::Ed25519(key) = read(&example(), None).unwrap() else { panic!() };
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let public = key.public().spki_pem();
        let files: [(&str, &[u8]); 3] =
            [("text", b"a note\n"), ("signature", &key.sign(b"a note\n")), ("key", public.as_bytes())];
        for (name, bytes) in files {
            File::create(path(name)).unwrap().write_all(bytes).unwrap();
        }
        let (text, signature, key) = (path("text"), path("signature"), path("key"));
        let arguments =
            ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", &key, "-in", &text, "-sigfile", &signature];
        let Some(said) = run("openssl", &arguments, "") else { return };
        assert!(said.contains("Signature Verified Successfully"), "{said}");
    }

    #[test]
    fn ssh_keygen_prints_the_same_fingerprint() {
        let SecretKey::Ed25519(key) = read(&example(), None).unwrap() else { panic!() };
        let Some(said) = run("ssh-keygen", &["-l", "-f", "-"], &key.public().openssh()) else { return };
        assert_eq!(said.split(' ').nth(1), Some(key.public().fingerprint().as_str()), "{said}");
    }
}
