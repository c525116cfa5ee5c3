//! Endorsements: an organisation's word that a log's keys are those of its archive, signed by the certificate that it has
//! for documents anyway.
//!
//! ```text
//! affiant-endorsement 1
//! origin archive.example/log
//! key archive.example/log+2dca7ccc+ASsC…
//! key archive.example/log+d2be4cd4+BmM0…
//! ```
//!
//! | quantity    | unit  | range                        |
//! |-------------|-------|------------------------------|
//! | endorsement | bytes | at most [`SIZE_BYTES_MAX`]   |
//! | text        | bytes | at most [`TEXT_BYTES_MAX`]   |
//! | keys        | count | 1 … [`KEY_COUNT_MAX`]        |
//!
//! | line     | count      | says                                                                      |
//! |----------|------------|---------------------------------------------------------------------------|
//! | `origin` | 1          | the log's name                                                            |
//! | `key`    | 1 and more | a key that signs its checkpoints, as a vkey (C2SP signed-note), each once |
//!
//! Rules. The signature is CMS `SignedData` of type `data` ([`crate::timestamp::signed`]), in DER, over this text, which lies in
//! it or beside it. All lines end with a line feed, or all with carriage return and line feed: `openssl cms -sign` makes
//! these of those unless it is told `-binary`. Who the organisation is, the certificate says and no line does.
//!
//! | file                           | what                                            |
//! |--------------------------------|-------------------------------------------------|
//! | `keys/endorsements/NAME.cms`   | the signature, in DER                           |
//! | `keys/endorsements/NAME.txt`   | the text, where it does not lie in the signature |
//! | `data/endorsements/NAME.…`     | the same in a bundle: an annex                  |
//!
//! To verify ([`crate::evidence::verify::vouching`]):
//! 1. The origin is the log's, and one of the keys is one by which the checkpoint is signed, or handed over to it.
//! 2. The signature, as [`crate::timestamp::signed`] says; the certificate is for documents.
//! 3. A chain leads to a root that the reader trusts to say who an organisation is, and each certificate is valid at the time
//!    that the signer names, and now: nobody else says when it was signed.
//!
//! No verdict rests on one, for better or worse: it tells a reader whose key it is whom they decide to trust.

use std::fmt::Write;

use crate::base::hash::Hash;
use crate::log::checkpoint::{CheckpointError, Origin};
use crate::log::vkey::{VerifierKey, VkeyError};
use crate::timestamp::certificate::{Certificate, CertificateError};
use crate::timestamp::signed::{CertificateHash, PLAIN, Signed, SignedError};

/// The longest endorsement that is read: the longest text, and the certificates of a long chain.
pub const SIZE_BYTES_MAX: usize = 1 << 17;

/// The longest text that is read.
pub const TEXT_BYTES_MAX: usize = 1 << 16;

/// The most keys that one endorsement may name: a log has two, and four while they change.
pub const KEY_COUNT_MAX: usize = 16;

/// How many endorsements are looked at: an organisation, its counsel and its auditor, for some changes of keys.
pub const COUNT_MAX: usize = 32;

const HEADER: &str = "affiant-endorsement 1";

/// What an endorsement says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wording {
    /// The log's name.
    pub origin: Origin,
    /// The keys that sign its checkpoints.
    pub keys: Vec<VerifierKey>,
}

impl Wording {
    /// Writes the text that the organisation signs.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = format!("{HEADER}\norigin {}\n", self.origin);
        for key in &self.keys {
            let _ = writeln!(text, "key {key}"); // Writing to a String cannot fail.
        }
        text
    }

    /// Reads it, with either end of lines.
    ///
    /// # Errors
    /// A [`EndorsementError`] that says which line is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, EndorsementError> {
        if bytes.len() > TEXT_BYTES_MAX {
            return Err(EndorsementError::TooLong { found: bytes.len(), most: TEXT_BYTES_MAX });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| EndorsementError::NotText)?;
        let end = if text.contains('\r') { "\r\n" } else { "\n" };
        let whole = text.strip_suffix(end).ok_or(EndorsementError::NoLastEnd)?;
        let mut lines = whole.split(end);
        let mut number = 0;
        let mut next = |word: &str| {
            number += 1;
            let line = lines.next()?;
            Some(line.strip_prefix(word).ok_or_else(|| EndorsementError::OtherLine {
                number,
                expected: word.trim_end().to_owned(),
                found: line.chars().take(64).collect(),
            }))
        };
        match next(HEADER).transpose()? {
            Some("") => {}
            other => return Err(EndorsementError::OtherFormat { found: other.unwrap_or_default().to_owned() }),
        }
        let origin = Origin::new(next("origin ").transpose()?.unwrap_or_default())?;
        let mut keys: Vec<VerifierKey> = Vec::new();
        while let Some(line) = next("key ") {
            let key = VerifierKey::parse(line?)?;
            if !origin.is_name_of(&key) || keys.contains(&key) {
                return Err(EndorsementError::OtherKey { found: key.name().to_string() });
            }
            keys.push(key);
            if keys.len() > KEY_COUNT_MAX {
                return Err(EndorsementError::TooManyKeys);
            }
        }
        if keys.is_empty() { Err(EndorsementError::NoKey) } else { Ok(Self { origin, keys }) }
    }
}

/// An endorsement as it lies in a folder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EndorsementBytes {
    /// Its name, without an ending.
    pub name: String,
    /// The signature, in DER.
    pub cms: Vec<u8>,
    /// The text, where it does not lie in the signature.
    pub beside: Option<Vec<u8>>,
}

/// An endorsement, read and not yet verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endorsement {
    signed: Signed,
    text: Vec<u8>,
    wording: Wording,
}

impl Endorsement {
    /// Reads an endorsement.
    ///
    /// # Errors
    /// A [`EndorsementError`] that says where the bytes are none.
    pub fn read(bytes: &EndorsementBytes) -> Result<Self, EndorsementError> {
        let signed = parse(&bytes.cms)?;
        let text = match (signed.content(), &bytes.beside) {
            (Some(text), None) => text.to_vec(),
            (None, Some(text)) => text.clone(),
            (Some(_), Some(_)) => return Err(EndorsementError::TwoTexts),
            (None, None) => return Err(EndorsementError::NoText),
        };
        Ok(Self { wording: Wording::parse(&text)?, signed, text })
    }

    /// Takes what an organisation sends: DER or PEM, and the text where it does not lie in that. Of a text beside, the ends
    /// of lines become those that were signed. The name is one that no other has.
    ///
    /// # Errors
    /// As [`Endorsement::read`].
    pub fn import(file: &[u8], beside: Option<&[u8]>) -> Result<EndorsementBytes, EndorsementError> {
        let cms = der_of(file)?;
        let signed = parse(&cms)?;
        let beside = beside.map(|text| as_signed(&signed, text));
        let text = beside.as_deref().or(signed.content()).unwrap_or_default();
        let by = signed.signer(text, &[], CertificateHash::Optional).map(Certificate::name).unwrap_or_default();
        let bytes = EndorsementBytes { name: slug(&by) + &Hash::of(&cms).short(), cms, beside };
        Self::read(&bytes)?;
        Ok(bytes)
    }

    /// Returns what it says.
    #[must_use]
    pub fn wording(&self) -> &Wording {
        &self.wording
    }

    /// Returns the signature.
    #[must_use]
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// Checks the signature, and that the certificate it is by is for documents.
    ///
    /// # Errors
    /// A [`EndorsementError`]; [`EndorsementError::is_contradiction`] tells what is wrong from what is merely not shown.
    pub fn signer<'c>(&'c self, side: &'c [Certificate]) -> Result<&'c Certificate, EndorsementError> {
        let certificate = self.signed.signer(&self.text, side, CertificateHash::Optional)?;
        certificate.check_signs_documents().map_err(EndorsementError::Signer)?;
        Ok(certificate)
    }
}

fn parse(cms: &[u8]) -> Result<Signed, EndorsementError> {
    if cms.len() > SIZE_BYTES_MAX {
        return Err(EndorsementError::TooLong { found: cms.len(), most: SIZE_BYTES_MAX });
    }
    Ok(Signed::parse(cms, PLAIN)?)
}

/// Returns the bytes of a PEM, or those that are none.
fn der_of(file: &[u8]) -> Result<Vec<u8>, EndorsementError> {
    let Ok(text) = std::str::from_utf8(file) else { return Ok(file.to_vec()) };
    for label in ["CMS", "PKCS7"] {
        let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
        let Some((_, body)) = text.split_once(&begin) else { continue };
        let (body, _) = body.split_once(&end).ok_or(EndorsementError::NotPem)?;
        let digits: String = body.split_ascii_whitespace().collect();
        return data_encoding::BASE64.decode(digits.as_bytes()).map_err(|_| EndorsementError::NotPem);
    }
    Err(EndorsementError::NotPem)
}

/// Writes the ends of a text's lines as they were signed; the text itself where neither fits.
fn as_signed(signed: &Signed, text: &[u8]) -> Vec<u8> {
    let fits =
        |text: &[u8]| !matches!(signed.signer(text, &[], CertificateHash::Optional), Err(SignedError::OtherContent));
    let canonical = String::from_utf8_lossy(text).replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
    if !fits(text) && fits(&canonical) { canonical } else { text.to_vec() }
}

/// Writes the letters and digits of a name, for a file's.
fn slug(name: &str) -> String {
    /// Of a name of at most 64 characters 16 are the hash.
    const LENGTH_MAX: usize = 47;
    let mut slug = String::new();
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        if slug.len() == LENGTH_MAX {
            break;
        }
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    if slug.is_empty() || slug.ends_with('-') { slug } else { slug + "-" }
}

/// Why bytes are no endorsement, or one that does not hold.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum EndorsementError {
    #[error("a key")]
    Key(#[from] VkeyError),
    #[error("its text names no key")]
    NoKey,
    #[error("its text does not end with the end of a line")]
    NoLastEnd,
    #[error("its text lies elsewhere, and is not at hand")]
    NoText,
    #[error("neither DER nor a PEM of CMS; `openssl cms -sign` writes one with `-outform DER`")]
    NotPem,
    #[error("its text is not UTF-8")]
    NotText,
    #[error("the log's name")]
    Origin(#[from] CheckpointError),
    #[error("its text does not begin with `{HEADER}` (`{found}` follows)")]
    OtherFormat { found: String },
    #[error("its text names a key of `{found}` twice, or one of another log")]
    OtherKey { found: String },
    #[error("line {number} of its text does not begin with `{expected}`, but is `{found}`")]
    OtherLine { number: usize, expected: String, found: String },
    #[error(transparent)]
    Signed(#[from] SignedError),
    #[error(transparent)]
    Signer(CertificateError),
    #[error("{found} bytes, and at most {most} are read")]
    TooLong { found: usize, most: usize },
    #[error("its text names more than {KEY_COUNT_MAX} keys")]
    TooManyKeys,
    #[error("a text lies in it and another beside it")]
    TwoTexts,
}

impl EndorsementError {
    /// Says whether something contradicts, and it is not merely that this reader cannot tell.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        match self {
            Self::NoText => false,
            Self::Signed(error) => error.is_contradiction(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::key::Ed25519SecretKey;
    use crate::log::vkey::{KeyName, NotePublicKey};

    fn key(name: &str, seed: u8) -> VerifierKey {
        let public = Ed25519SecretKey::from_seed(&[seed; 32]).public();
        VerifierKey::new(KeyName::new(name).unwrap(), NotePublicKey::Ed25519(public))
    }

    fn wording() -> Wording {
        let origin = Origin::new("archive.example/log").unwrap();
        Wording { origin, keys: vec![key("archive.example/log", 1), key("archive.example/log", 2)] }
    }

    #[test]
    fn reads_back_the_text_it_writes_with_either_end_of_lines() {
        let text = wording().encode();
        assert!(text.starts_with("affiant-endorsement 1\norigin archive.example/log\nkey archive.example/log+"));
        assert_eq!(Wording::parse(text.as_bytes()).unwrap(), wording());
        assert_eq!(Wording::parse(text.replace('\n', "\r\n").as_bytes()).unwrap(), wording());
    }

    #[test]
    fn refuses_any_other_text() {
        let text = wording().encode();
        let twice = text.clone() + &text.lines().last().map(|line| format!("{line}\n")).unwrap();
        let foreign = format!("{text}key {}\n", key("other.example/log", 1));
        for (what, other) in [
            ("nothing", String::new()),
            ("another format", text.replacen("endorsement 1", "endorsement 2", 1)),
            ("no last end", text.trim_end().to_owned()),
            ("two sorts of ends", text.replacen('\n', "\r\n", 1)),
            ("no key", text.lines().take(2).collect::<Vec<_>>().join("\n") + "\n"),
            ("a key twice", twice),
            ("a key of another log", foreign),
            ("a line between", text.replacen("key ", "note x\nkey ", 1)),
            ("an empty line", text.clone() + "\n"),
            ("a type before it", format!("Content-Type: text/plain\n\n{text}")),
        ] {
            assert!(Wording::parse(other.as_bytes()).is_err(), "{what}");
        }
    }

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(slug("Example, Inc. (Legal)"), "example-inc-legal-");
        assert_eq!(slug("日本"), "");
        assert_eq!(slug(&"a".repeat(90)).len(), 48);
    }
}
