//! Seals: detached signatures that OpenSSH makes and checks, over any bytes.
//!
//! ```text
//! -----BEGIN SSH SIGNATURE-----
//! U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg6kpsY+KcUgq+9VB7Ey7F+ZVHdq
//! 6+vnuSQh7qaRRG0iwAAAAOYWZmaWFudC1yZWNvcmQAAAAAAAAABnNoYTUxMgAAAFMAAAAL
//! c3NoLWVkMjU1MTkAAABARJ5A0Qi0DTCN5Xo9ndga+2BFHoCGYAinIUrhCJjrAqz75PfIGm
//! FE6aP8yNqf1v2CVHwkNrxVYq3vNN26hKGgCg==
//! -----END SSH SIGNATURE-----
//! ```
//!
//! The bytes `abc`, sealed as `affiant-record` by the key whose line in `allowed_signers` is
//!
//! ```text
//! archive namespaces="affiant-record" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs
//! ```
//!
//! | quantity   | unit  | range                                   |
//! |------------|-------|-----------------------------------------|
//! | armored    | bytes | at most 4,096                           |
//! | namespace  | bytes | 1 … 255, printable ASCII without spaces |
//! | public key | bytes | 32                                      |
//! | signature  | bytes | 64                                      |
//!
//! Source: OpenSSH `PROTOCOL.sshsig`; RFC 8709 §4 and §6 (Ed25519 in SSH); RFC 8032.
//!
//! | field     | what                                             | encoding           |
//! |-----------|--------------------------------------------------|--------------------|
//! | magic     | `SSHSIG`                                         | six bytes          |
//! | version   | 1                                                | four bytes         |
//! | key       | `ssh-ed25519`, then the public key               | string of strings  |
//! | namespace | what the seal is for                             | string             |
//! | reserved  | nothing                                          | string             |
//! | hash      | `sha512`, or `sha256`                            | string             |
//! | signature | `ssh-ed25519`, then the signature                | string of strings  |
//!
//! Rules. A string is its length in four bytes, most significant first, then its bytes. What is signed
//! is the magic, the namespace, the reserved field, the hash's name and the hash of the sealed bytes, so
//! that a seal over a record cannot pass for one over a bundle, nor for a Git commit.
//!
//! To verify:
//! 1. Read the armor; it gives the namespace, the key and the signature.
//! 2. Compare the namespace with the purpose at hand.
//! 3. Compare the key with the one that is trusted for it; the key inside proves nothing by itself.
//! 4. Verify the signature. With OpenSSH, which does all four:
//!    `ssh-keygen -Y verify -f allowed_signers -I archive -n affiant-record -s FILE.sig < FILE`
//!
//! Stricter than the specification: Ed25519 only; the armor is read in the one form that `ssh-keygen`
//! writes (70 columns, a line feed at the end); the reserved field is empty; `verify_strict`.

use data_encoding::BASE64;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256, Sha512};

use crate::log::key::{Ed25519SecretKey, Ed25519Signer, KeyError};

/// The namespace of a seal over a bundle's tag manifest.
pub const BUNDLE_NAMESPACE: &str = "affiant-bundle";

/// The namespace of a seal over a record.
pub const RECORD_NAMESPACE: &str = "affiant-record";

/// How long an armored seal may be: one with the longest namespace has under 800 bytes.
pub const ARMORED_BYTES_MAX: usize = 4096;

/// How long a namespace may be.
pub const NAMESPACE_BYTES_MAX: usize = 255;

/// A seal, read but not yet verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seal {
    public_key: [u8; 32],
    namespace: String,
    digest: SealDigest,
    signature: [u8; 64],
}

/// How the sealed bytes are hashed before they are signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SealDigest {
    /// SHA-256, which other programs may have used.
    Sha256,
    /// SHA-512, which `ssh-keygen` uses.
    Sha512,
}

impl Seal {
    /// Seals `message`, as `ssh-keygen -Y sign` does.
    ///
    /// # Errors
    /// [`SealError::Namespace`] when the namespace is empty, too long or not printable.
    pub fn sign(secret: &[u8; 32], namespace: &str, message: &[u8]) -> Result<Self, SealError> {
        Self::sign_with(&Ed25519SecretKey::from_seed(secret).into(), namespace, message)
    }

    /// Seals `message` likewise, wherever the secret is.
    ///
    /// # Errors
    /// As [`Seal::sign`]; [`SealError::Key`] when whoever has the secret does not sign.
    pub fn sign_with(key: &Ed25519Signer, namespace: &str, message: &[u8]) -> Result<Self, SealError> {
        check_namespace(namespace)?;
        let digest = SealDigest::Sha512;
        let signature = key.sign(&to_be_signed(namespace, digest, message))?;
        Ok(Self { public_key: *key.public().as_bytes(), namespace: namespace.to_owned(), digest, signature })
    }

    /// Checks that the holder of `public_key` sealed `message` in `namespace`.
    ///
    /// # Errors
    /// `OtherNamespace` and `OtherKey` when it is a seal, but for another purpose or by another key;
    /// `WrongSignature` when it does not fit the message.
    pub fn verify(&self, public_key: &[u8; 32], namespace: &str, message: &[u8]) -> Result<(), SealError> {
        if self.namespace != namespace {
            let (expected, found) = (namespace.to_owned(), self.namespace.clone());
            return Err(SealError::OtherNamespace { expected, found });
        }
        if self.public_key != *public_key {
            let (expected, found) = (BASE64.encode(public_key), BASE64.encode(&self.public_key));
            return Err(SealError::OtherKey { expected, found });
        }
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| SealError::NotAKey)?;
        let signed = to_be_signed(namespace, self.digest, message);
        key.verify_strict(&signed, &Signature::from_bytes(&self.signature)).map_err(|_| SealError::WrongSignature)
    }

    /// Returns the key that claims to have made the seal.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// Returns what the seal says it is for.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Reads the armored form.
    ///
    /// # Errors
    /// One [`SealError`] for each way in which it is not what `ssh-keygen` writes.
    pub fn from_armored(text: &str) -> Result<Self, SealError> {
        if text.len() > ARMORED_BYTES_MAX {
            return Err(SealError::TooLong { found: text.len() });
        }
        let body = text.strip_prefix(HEADER).and_then(|rest| rest.strip_suffix(FOOTER)).ok_or(SealError::NotArmored)?;
        let base64: String = body.split('\n').collect();
        let blob = BASE64.decode(base64.as_bytes()).map_err(|_| SealError::NotBase64)?;
        let seal = Self::from_blob(&blob)?;
        if seal.to_armored() != text {
            return Err(SealError::OtherSpelling);
        }
        Ok(seal)
    }

    /// Returns the armored form, as `ssh-keygen` writes it.
    #[must_use]
    pub fn to_armored(&self) -> String {
        let base64 = BASE64.encode(&self.to_blob());
        let mut text = HEADER.to_owned();
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(COLUMNS));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        // The footer begins with the line feed that ends the last line.
        text.truncate(text.len() - 1);
        text + FOOTER
    }

    fn from_blob(blob: &[u8]) -> Result<Self, SealError> {
        let rest = blob.strip_prefix(MAGIC).ok_or(SealError::NotASeal)?;
        let mut blob = Blob { rest };
        let version = blob.number()?;
        if version != VERSION {
            return Err(SealError::Version { found: version });
        }
        let mut key = Blob { rest: blob.string()? };
        let namespace = String::from_utf8_lossy(blob.string()?).into_owned();
        check_namespace(&namespace)?;
        if !blob.string()?.is_empty() {
            return Err(SealError::Reserved);
        }
        let digest = SealDigest::from_name(blob.string()?)?;
        let mut signature = Blob { rest: blob.string()? };
        blob.end()?;

        let public_key = key.ed25519()?;
        let signature = signature.ed25519()?;
        Ok(Self { public_key, namespace, digest, signature })
    }

    fn to_blob(&self) -> Vec<u8> {
        let key = [string(ALGORITHM), string(&self.public_key)].concat();
        let signature = [string(ALGORITHM), string(&self.signature)].concat();
        let fields = [&key, self.namespace.as_bytes(), b"", self.digest.name().as_bytes(), &signature];
        [MAGIC.to_vec(), VERSION.to_be_bytes().to_vec(), fields.map(string).concat()].concat()
    }
}

impl SealDigest {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn from_name(name: &[u8]) -> Result<Self, SealError> {
        match name {
            b"sha256" => Ok(Self::Sha256),
            b"sha512" => Ok(Self::Sha512),
            other => Err(SealError::Digest { found: String::from_utf8_lossy(other).into_owned() }),
        }
    }

    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// Returns the line of an `allowed_signers` file that lets `principal` seal in `namespace`.
///
/// # Errors
/// [`SealError::Namespace`], and [`SealError::Principal`] when the name has characters that mean
/// something in such a line.
pub fn allowed_signer(principal: &str, namespace: &str, public_key: &[u8; 32]) -> Result<String, SealError> {
    check_namespace(namespace)?;
    // Patterns and lists: `*`, `?`, `!` and `,` would let others in; `#` and quotes change the line.
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '*' | '?' | '!' | ',' | '#' | '"' | '\'' | '\\');
    if principal.is_empty() || !principal.chars().all(plain) {
        return Err(SealError::Principal { found: principal.to_owned() });
    }
    let key = BASE64.encode(&[string(ALGORITHM), string(public_key)].concat());
    Ok(format!("{principal} namespaces=\"{namespace}\" ssh-ed25519 {key}\n"))
}

fn to_be_signed(namespace: &str, digest: SealDigest, message: &[u8]) -> Vec<u8> {
    let hash = digest.of(message);
    let fields = [namespace.as_bytes(), b"", digest.name().as_bytes(), &hash];
    [MAGIC.to_vec(), fields.map(string).concat()].concat()
}

fn check_namespace(namespace: &str) -> Result<(), SealError> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b'*' | b'?' | b'!' | b'\\');
    if namespace.is_empty() || namespace.len() > NAMESPACE_BYTES_MAX || !namespace.bytes().all(plain) {
        return Err(SealError::Namespace { found: namespace.escape_default().to_string() });
    }
    Ok(())
}

/// An SSH string: its length in four bytes, then its bytes (RFC 4251 §5).
fn string(bytes: &[u8]) -> Vec<u8> {
    let size = u32::try_from(bytes.len()).expect("what a seal holds is short");
    [&size.to_be_bytes(), bytes].concat()
}

/// What is left to read of a blob.
struct Blob<'a> {
    rest: &'a [u8],
}

impl<'a> Blob<'a> {
    fn number(&mut self) -> Result<u32, SealError> {
        let (number, rest) = self.rest.split_first_chunk().ok_or(SealError::CutShort)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Result<&'a [u8], SealError> {
        let size = usize::try_from(self.number()?).map_err(|_| SealError::CutShort)?;
        let (string, rest) = self.rest.split_at_checked(size).ok_or(SealError::CutShort)?;
        self.rest = rest;
        Ok(string)
    }

    /// Reads the algorithm's name and then so many bytes of key or signature, and nothing else.
    fn ed25519<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], SealError> {
        let algorithm = self.string()?;
        if algorithm != ALGORITHM {
            return Err(SealError::Algorithm { found: String::from_utf8_lossy(algorithm).into_owned() });
        }
        let bytes = self.string()?.try_into().map_err(|_| SealError::NotAKey)?;
        self.end()?;
        Ok(bytes)
    }

    fn end(&self) -> Result<(), SealError> {
        if self.rest.is_empty() { Ok(()) } else { Err(SealError::TrailingBytes { count: self.rest.len() }) }
    }
}

/// Why a seal cannot be read, made or believed.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum SealError {
    #[error("the seal was made with `{found}`, expected `ssh-ed25519`")]
    Algorithm { found: String },
    #[error("the seal is cut short")]
    CutShort,
    #[error("the seal hashes with `{found}`, expected `sha512` or `sha256`")]
    Digest { found: String },
    #[error("the sealing key")]
    Key(#[from] KeyError),
    #[error("`{found}` is not a namespace: 1 to {NAMESPACE_BYTES_MAX} printable characters, no spaces or patterns")]
    Namespace { found: String },
    #[error("a key or a signature in the seal is not one of Ed25519")]
    NotAKey,
    #[error("the seal does not stand between the lines BEGIN and END SSH SIGNATURE")]
    NotArmored,
    #[error("the bytes do not begin with `SSHSIG`")]
    NotASeal,
    #[error("the seal's base64 is damaged")]
    NotBase64,
    #[error("the seal is by the key `{found}`, expected `{expected}`")]
    OtherKey { expected: String, found: String },
    #[error("the seal is for `{found}`, expected `{expected}`")]
    OtherNamespace { expected: String, found: String },
    #[error("the seal's lines are not broken as ssh-keygen breaks them")]
    OtherSpelling,
    #[error("`{found}` is not a plain name for an allowed signer")]
    Principal { found: String },
    #[error("the seal's reserved field is not empty")]
    Reserved,
    #[error("the seal is {found} bytes long, at most {ARMORED_BYTES_MAX} are allowed")]
    TooLong { found: usize },
    #[error("{count} bytes follow the end of a field of the seal")]
    TrailingBytes { count: usize },
    #[error("the seal has version {found}, expected {VERSION}")]
    Version { found: u32 },
    #[error("the signature does not fit these bytes")]
    WrongSignature,
}

const HEADER: &str = "-----BEGIN SSH SIGNATURE-----\n";
const FOOTER: &str = "\n-----END SSH SIGNATURE-----\n";
/// Where `ssh-keygen` breaks lines, although `PROTOCOL.sshsig` says 76.
const COLUMNS: usize = 70;
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const ALGORITHM: &[u8] = b"ssh-ed25519";

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;
    use std::process::{Command, Output, Stdio};

    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn public() -> [u8; 32] {
        *Ed25519SecretKey::from_seed(&SECRET).public().as_bytes()
    }

    /// The example in `PROTOCOL.sshsig` §1.
    const PUBLISHED: &str = "-----BEGIN SSH SIGNATURE-----\n\
        U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgJKxoLBJBivUPNTUJUSslQTt2hD\n\
        jozKvHarKeN8uYFqgAAAADZm9vAAAAAAAAAFMAAAALc3NoLWVkMjU1MTkAAABAKNC4IEbt\n\
        Tq0Fb56xhtuE1/lK9H9RZJfON4o6hE9R4ZGFX98gy0+fFJ/1d2/RxnZky0Y7GojwrZkrHT\n\
        FgCqVWAQ==\n\
        -----END SSH SIGNATURE-----\n";

    #[test]
    fn the_page_shows_a_real_seal() {
        let page = include_str!("seal.rs").replace("//! ", "");
        let mut examples = page.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let seal = Seal::sign(&SECRET, RECORD_NAMESPACE, b"abc").unwrap();
        assert_eq!(examples.next().unwrap(), seal.to_armored());
        let line = allowed_signer("archive", RECORD_NAMESPACE, seal.public_key()).unwrap();
        assert_eq!(examples.next().unwrap(), line);
    }

    #[test]
    fn reads_the_published_example_as_far_as_it_goes() {
        // The example predates the field for the hash: what stands there is the signature.
        assert!(matches!(Seal::from_armored(PUBLISHED), Err(SealError::Digest { .. })));
    }

    #[test]
    fn verifies_only_the_bytes_key_and_purpose_it_was_made_for() {
        let seal = Seal::sign(&SECRET, BUNDLE_NAMESPACE, b"abc").unwrap();
        assert_eq!(Seal::from_armored(&seal.to_armored()), Ok(seal.clone()));
        assert_eq!(seal.verify(&public(), BUNDLE_NAMESPACE, b"abc"), Ok(()));
        assert_eq!(seal.verify(&public(), BUNDLE_NAMESPACE, b"abd"), Err(SealError::WrongSignature));
        assert!(matches!(seal.verify(&[8; 32], BUNDLE_NAMESPACE, b"abc"), Err(SealError::OtherKey { .. })));
        assert!(matches!(seal.verify(&public(), RECORD_NAMESPACE, b"abc"), Err(SealError::OtherNamespace { .. })));
        let relabelled = Seal { namespace: RECORD_NAMESPACE.into(), ..seal.clone() };
        assert_eq!(relabelled.verify(&public(), RECORD_NAMESPACE, b"abc"), Err(SealError::WrongSignature));
        let rehashed = Seal { digest: SealDigest::Sha256, ..seal };
        assert_eq!(rehashed.verify(&public(), BUNDLE_NAMESPACE, b"abc"), Err(SealError::WrongSignature));
    }

    #[test]
    fn no_bit_can_be_flipped_unnoticed() {
        let blob = Seal::sign(&SECRET, BUNDLE_NAMESPACE, b"abc").unwrap().to_blob();
        for bit in 0..blob.len() * 8 {
            let mut flipped = blob.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let verified = Seal::from_blob(&flipped).and_then(|seal| seal.verify(&public(), BUNDLE_NAMESPACE, b"abc"));
            assert!(verified.is_err(), "bit {bit}");
        }
        for size in 0..blob.len() {
            assert!(Seal::from_blob(&blob[..size]).is_err(), "cut at {size}");
        }
        assert_eq!(Seal::from_blob(&[blob, vec![0]].concat()), Err(SealError::TrailingBytes { count: 1 }));
    }

    proptest! {
        #[test]
        fn stands_any_bytes(at in 0..200_usize, bytes in vec(any::<u8>(), 0..40)) {
            let mut blob = Seal::sign(&SECRET, BUNDLE_NAMESPACE, b"abc").unwrap().to_blob();
            let at = at.min(blob.len());
            let end = blob.len().min(at + bytes.len());
            blob.splice(at..end, bytes.iter().copied());
            let _ = Seal::from_blob(&blob);
            let _ = Seal::from_armored(&format!("{HEADER}{}{FOOTER}", String::from_utf8_lossy(&bytes)));
        }
    }

    #[test]
    fn rejects_any_other_spelling() {
        let text = Seal::sign(&SECRET, BUNDLE_NAMESPACE, b"abc").unwrap().to_armored();
        let (first, rest) = text.split_once("\nU1NI").unwrap();
        let long_line = format!("{first}\nU1NI{}", rest.replacen('\n', "", 1));
        assert_eq!(Seal::from_armored(&long_line), Err(SealError::OtherSpelling));
        assert_eq!(Seal::from_armored(&text.replace('\n', "\r\n")), Err(SealError::NotArmored));
        assert_eq!(Seal::from_armored(&format!("{text}\n")), Err(SealError::NotArmored));
        assert_eq!(Seal::from_armored(&format!(" {text}")), Err(SealError::NotArmored));
        assert_eq!(Seal::from_armored(&text.replacen("U1NI", "U1\nNI", 1)), Err(SealError::OtherSpelling));
        assert_eq!(Seal::from_armored(&text.replacen("U1NI", "U1 I", 1)), Err(SealError::NotBase64));
        assert_eq!(Seal::from_armored(&"-".repeat(5000)), Err(SealError::TooLong { found: 5000 }));
        for namespace in ["", "a b", "a,b", "a*", "é", "a\n"] {
            assert!(Seal::sign(&SECRET, namespace, b"").is_err(), "{namespace:?}");
        }
    }

    #[test]
    fn ssh_keygen_accepts_our_seals_and_no_forgery() {
        let folder = tempfile::tempdir().unwrap();
        for message in [b"".as_slice(), b"abc", &vec![0xFF; 100_000]] {
            let seal = Seal::sign(&SECRET, RECORD_NAMESPACE, message).unwrap().to_armored();
            let Some(answer) = ssh_verify(folder.path(), RECORD_NAMESPACE, &seal, message) else { return };
            assert!(answer.status.success(), "{answer:?}");
            for (namespace, message) in [(BUNDLE_NAMESPACE, message), (RECORD_NAMESPACE, b"forged".as_slice())] {
                let answer = ssh_verify(folder.path(), namespace, &seal, message).unwrap();
                assert!(!answer.status.success(), "{answer:?}");
            }
        }
    }

    #[test]
    fn accepts_what_ssh_keygen_seals() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let path = key.to_str().unwrap();
        if ssh(&["-q", "-t", "ed25519", "-N", "", "-f", path], b"").is_none() {
            return;
        }
        let public = std::fs::read_to_string(folder.path().join("key.pub")).unwrap();
        let blob = BASE64.decode(public.split(' ').nth(1).unwrap().as_bytes()).unwrap();
        let public: [u8; 32] = blob[blob.len() - 32..].try_into().unwrap();
        for option in ["hashalg=sha256", "hashalg=sha512"] {
            let answer = ssh(&["-Y", "sign", "-f", path, "-n", BUNDLE_NAMESPACE, "-O", option], b"abc").unwrap();
            let text = String::from_utf8(answer.stdout).unwrap();
            let seal = Seal::from_armored(&text).unwrap();
            assert_eq!(seal.verify(&public, BUNDLE_NAMESPACE, b"abc"), Ok(()), "{option}");
            assert_eq!(seal.to_armored(), text);
        }
    }

    fn ssh_verify(folder: &Path, namespace: &str, seal: &str, message: &[u8]) -> Option<Output> {
        let (signers, sealed) = (folder.join("allowed_signers"), folder.join("seal.sig"));
        let keep = |path: &Path, text: &str| std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
        keep(&signers, &allowed_signer("archive", namespace, &public()).unwrap());
        keep(&sealed, seal);
        let (signers, sealed) = (signers.to_str().unwrap(), sealed.to_str().unwrap());
        ssh(&["-Y", "verify", "-f", signers, "-I", "archive", "-n", namespace, "-s", sealed], message)
    }

    /// Runs `ssh-keygen`; `None` where it is not installed.
    fn ssh(arguments: &[&str], input: &[u8]) -> Option<Output> {
        let mut command = Command::new("ssh-keygen");
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().ok()?;
        // A refusal may close the pipe before all is written.
        let _ = child.stdin.take().unwrap().write_all(input);
        Some(child.wait_with_output().unwrap())
    }
}
