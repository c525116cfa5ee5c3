//! Notes: text with signatures under it.
//!
//! ```text
//! This is an example message.
//!
//! — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
//! ```
//!
//! | part      | what                                                              | range                      |
//! |-----------|-------------------------------------------------------------------|----------------------------|
//! | text      | lines, the last newline among them                                | the note at most 1 MiB     |
//! | blank     | one newline                                                       |                            |
//! | signature | em dash, space, key name, space, base64 of key id and signature   | 1 to 100 lines             |
//!
//! Rules. UTF-8 without control characters (below U+0020) other than newline. The text ends at the last
//! blank line, so it may hold blank lines itself. A key name and a key id say together which key signed,
//! and for which purpose ([`KeyKind`]). A line by an unknown key says nothing, for or against.
//!
//! To verify:
//! 1. Split at the last blank line; read every signature line.
//! 2. For each line whose name *and* id are those of a known key, check the signature over the text.
//!    A bad one rejects the whole note.
//! 3. At least one line must have been checked.
//!
//! Source: C2SP signed-note. Stricter than it and than Go's `sumdb/note`: base64 has one spelling, names
//! follow [`KeyName`], and where one key signed several times every one of its lines must be good
//! (Go looks at the first only). What a type 0x04 or 0x06 line signs is for `cosignature` and `checkpoint`.

use data_encoding::BASE64;

use crate::base::base64;
use crate::log::key::KeyError;
use crate::log::vkey::{KeyKind, KeyName, NotePublicKey, NoteSecretKey, SignerKey, VerifierKey, VkeyError};

/// The longest note read. Go's `sumdb/note` stops at 1 MB.
pub const SIZE_BYTES_MAX: usize = 1 << 20;

/// The greatest number of signature lines, as in Go's `sumdb/note`; the specification asks for 16 at least.
pub const SIGNATURE_COUNT_MAX: usize = 100;

/// Text and the signature lines under it, none of them checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoteSignature {
    /// The name of the key that is said to have signed.
    pub name: KeyName,
    /// The id of that key.
    pub id: u32,
    /// What follows the id: for a cosignature the time comes first.
    pub bytes: Vec<u8>,
}

impl Note {
    /// Takes a text that nobody has signed yet.
    ///
    /// # Errors
    /// [`NoteError::ControlCharacter`] or [`NoteError::NoFinalNewline`].
    pub fn new(text: &str) -> Result<Self, NoteError> {
        check_characters(text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::NoFinalNewline);
        }
        Ok(Self { text: text.to_owned(), signatures: Vec::new() })
    }

    /// Reads a signed note.
    ///
    /// # Errors
    /// One [`NoteError`] per rule; the line is counted from 1 over the whole note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(NoteError::TooLong { found: bytes.len() });
        }
        let whole = str::from_utf8(bytes).map_err(|error| NoteError::NotUtf8 { position: error.valid_up_to() })?;
        check_characters(whole)?;
        let last_blank = whole.rfind("\n\n").ok_or(NoteError::NoBlankLine)?;
        let (text, lines) = (&whole[..=last_blank], &whole[last_blank + 2..]);
        let lines = match lines.strip_suffix('\n') {
            Some(lines) => lines,
            None if lines.is_empty() => return Err(NoteError::NoSignature),
            None => return Err(NoteError::NoFinalNewline),
        };
        let first = text.matches('\n').count() + 2;
        let mut signatures = Vec::new();
        for (line, text) in (first..).zip(lines.split('\n')) {
            if signatures.len() == SIGNATURE_COUNT_MAX {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(NoteSignature::parse(text).map_err(|error| error.at(line))?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Returns the text, its last newline included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the signature lines in their order.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line, unless the very same one is there.
    pub fn add(&mut self, signature: NoteSignature) {
        if !self.signatures.contains(&signature) {
            self.signatures.push(signature);
        }
    }

    /// Signs the text itself.
    ///
    /// # Errors
    /// [`NoteError::Cosigner`] when the key signs only cosignatures, [`NoteError::Key`] when it does not sign.
    pub fn sign(&mut self, key: &SignerKey) -> Result<(), NoteError> {
        let signature = match key.key_secret() {
            NoteSecretKey::Ed25519(secret) => secret.sign(self.text.as_bytes()),
            NoteSecretKey::Ed25519Signer(signer) => signer.sign(self.text.as_bytes())?,
            NoteSecretKey::Ed25519Cosignature(_) | NoteSecretKey::MlDsa44Cosignature(_) => {
                return Err(NoteError::Cosigner { name: key.name().clone(), kind: key.verifier().kind() });
            }
        };
        self.add(NoteSignature::new(key.verifier(), signature.to_vec()));
        Ok(())
    }

    /// Returns the note as it is stored and sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let lines: String = self.signatures.iter().map(NoteSignature::line).collect();
        format!("{}\n{lines}", self.text).into_bytes()
    }

    /// Checks a note that is no checkpoint and returns those of `keys` that signed it, each once.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] when a known key's signature is bad, [`NoteError::NoKnownKey`] when none
    /// of the keys signed, [`NoteError::Cosigner`] when a cosignature stands under what is no checkpoint.
    pub fn verify<'keys>(&self, keys: &'keys [VerifierKey]) -> Result<Vec<&'keys VerifierKey>, NoteError> {
        let mut signers = Vec::new();
        for (key, signature) in self.by_known_keys(keys)? {
            let NotePublicKey::Ed25519(public) = key.key() else {
                return Err(NoteError::Cosigner { name: key.name().clone(), kind: key.kind() });
            };
            public.verify(self.text.as_bytes(), &signature.bytes).map_err(|_| NoteError::bad_signature(key))?;
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        Ok(signers)
    }

    /// Pairs each line with the known key that it names. Checks nothing.
    ///
    /// # Errors
    /// [`NoteError::NoKnownKey`], or [`NoteError::AmbiguousKey`] when two different keys share name and id.
    pub(crate) fn by_known_keys<'keys>(
        &self,
        keys: &'keys [VerifierKey],
    ) -> Result<Vec<(&'keys VerifierKey, &NoteSignature)>, NoteError> {
        let mut known = Vec::new();
        for signature in &self.signatures {
            let mut named = keys.iter().filter(|key| signature.names(key));
            let Some(key) = named.next() else { continue };
            if named.any(|other| other != key) {
                return Err(NoteError::AmbiguousKey { name: key.name().clone(), id: key.id() });
            }
            known.push((key, signature));
        }
        if known.is_empty() {
            return Err(NoteError::NoKnownKey);
        }
        Ok(known)
    }
}

impl NoteSignature {
    /// Attributes signature bytes to a key.
    #[must_use]
    pub fn new(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self { name: key.name().clone(), id: key.id(), bytes }
    }

    /// Reads one signature line, without its newline.
    ///
    /// # Errors
    /// [`SignatureLineError`].
    pub fn parse(line: &str) -> Result<Self, SignatureLineError> {
        let rest = line.strip_prefix("— ").ok_or(SignatureLineError::NoEmDash)?;
        let (name, encoded) = rest.split_once(' ').ok_or(SignatureLineError::NoSignature)?;
        let name = KeyName::new(name).map_err(SignatureLineError::Name)?;
        let bytes = base64::decode(encoded.as_bytes()).ok_or(SignatureLineError::NotBase64)?;
        match bytes.split_first_chunk() {
            Some((id, signature)) if !signature.is_empty() => {
                Ok(Self { name, id: u32::from_be_bytes(*id), bytes: signature.to_vec() })
            }
            _ => Err(SignatureLineError::TooShort { found: bytes.len() }),
        }
    }

    /// Says whether the line is said to be by `key`.
    #[must_use]
    pub fn names(&self, key: &VerifierKey) -> bool {
        key.name() == &self.name && key.id() == self.id
    }

    /// Returns the line with its newline.
    #[must_use]
    pub fn line(&self) -> String {
        let bytes = [&self.id.to_be_bytes(), self.bytes.as_slice()].concat();
        format!("— {} {}\n", self.name, BASE64.encode(&bytes))
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    match text.bytes().position(|b| b < 0x20 && b != b'\n') {
        Some(position) => Err(NoteError::ControlCharacter { position }),
        None => Ok(()),
    }
}

/// Why bytes are not a note, or a note is not to be believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum NoteError {
    #[error("two different known keys are named `{name}` with id {id:08x}")]
    AmbiguousKey { name: KeyName, id: u32 },
    #[error("the signature by `{name}` (id {id:08x}, {kind}) is bad")]
    BadSignature { name: KeyName, id: u32, kind: KeyKind },
    #[error("control character at byte {position}")]
    ControlCharacter { position: usize },
    #[error("`{name}` is a key for a {kind}, which only a checkpoint can bear")]
    Cosigner { name: KeyName, kind: KeyKind },
    #[error("the key")]
    Key(#[from] KeyError),
    #[error("no blank line between text and signatures")]
    NoBlankLine,
    #[error("the last line has no newline")]
    NoFinalNewline,
    #[error("not signed by any of the known keys")]
    NoKnownKey,
    #[error("no signature line")]
    NoSignature,
    #[error("not UTF-8 at byte {position}")]
    NotUtf8 { position: usize },
    #[error("line {line}")]
    SignatureLine { line: usize, source: SignatureLineError },
    #[error("{found} bytes, more than the limit of {SIZE_BYTES_MAX}")]
    TooLong { found: usize },
    #[error("more than {SIGNATURE_COUNT_MAX} signatures")]
    TooManySignatures,
}

impl NoteError {
    /// Names the key whose signature is bad.
    pub(crate) fn bad_signature(key: &VerifierKey) -> Self {
        Self::BadSignature { name: key.name().clone(), id: key.id(), kind: key.kind() }
    }
}

/// Why a line is not a signature line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum SignatureLineError {
    #[error("key name")]
    Name(#[source] VkeyError),
    #[error("a signature line begins with an em dash and a space")]
    NoEmDash,
    #[error("no signature after the key name")]
    NoSignature,
    #[error("the signature is not base64 of the one spelling")]
    NotBase64,
    #[error("{found} bytes are too few for a key id and a signature")]
    TooShort { found: usize },
}

impl SignatureLineError {
    fn at(self, line: usize) -> NoteError {
        NoteError::SignatureLine { line, source: self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};

    // C2SP signed-note, the example of its page.
    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    fn example() -> String {
        let page = include_str!("note.rs").split("//! ```").nth(1).unwrap();
        page.lines().skip(1).map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n").collect()
    }

    fn signer(name: &str, seed: u8) -> SignerKey {
        let secret = NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[seed; 32]));
        SignerKey::new(KeyName::new(name).unwrap(), secret)
    }

    #[test]
    fn the_page_s_example_verifies() {
        let key = VerifierKey::parse(KEY).unwrap();
        let note = Note::parse(example().as_bytes()).unwrap();
        assert_eq!(note.text(), "This is an example message.\n");
        assert_eq!(note.encode(), example().into_bytes());
        assert_eq!(note.verify(std::slice::from_ref(&key)), Ok(vec![&key]));
    }

    #[test]
    fn unknown_keys_say_nothing_and_bad_signatures_reject() {
        let (a, b, other_a) = (signer("a", 1), signer("b", 2), signer("a", 3));
        let mut note = Note::new("text\n\nmore\n").unwrap();
        note.sign(&a).unwrap();
        note.sign(&b).unwrap();
        let keys = [a.verifier().clone(), b.verifier().clone()];
        assert_eq!(note.verify(&keys), Ok(vec![&keys[0], &keys[1]]));
        assert_eq!(note.verify(&keys[1..]), Ok(vec![&keys[1]]));
        assert_eq!(note.verify(&[other_a.verifier().clone()]), Err(NoteError::NoKnownKey));
        assert_eq!(note.verify(&[]), Err(NoteError::NoKnownKey));

        // One bad line by a known key outweighs any good one, even another of its own.
        let mut forged = note.clone();
        let mut bytes = forged.signatures[0].bytes.clone();
        bytes[0] ^= 1;
        forged.add(NoteSignature::new(a.verifier(), bytes));
        assert_eq!(forged.verify(&keys), Err(NoteError::bad_signature(a.verifier())));
        assert_eq!(forged.verify(&keys[1..]), Ok(vec![&keys[1]]));

        // A transplanted line is a bad one.
        let mut other = Note::new("other\n").unwrap();
        other.add(note.signatures[0].clone());
        assert_eq!(other.verify(&keys), Err(NoteError::bad_signature(a.verifier())));
    }

    #[test]
    fn a_cosigner_signs_no_plain_note() {
        let secret = NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[1; 32]));
        let key = SignerKey::new(KeyName::new("w").unwrap(), secret);
        let expected = NoteError::Cosigner { name: key.name().clone(), kind: KeyKind::MlDsa44Cosignature };
        let mut note = Note::new("text\n").unwrap();
        assert_eq!(note.sign(&key), Err(expected.clone()));
        note.add(NoteSignature::new(key.verifier(), vec![0; 2428]));
        assert_eq!(note.verify(&[key.verifier().clone()]), Err(expected));
    }

    #[test]
    fn rejects_what_is_no_note() {
        let line = |line, source| NoteError::SignatureLine { line, source };
        let cases: [(&[u8], NoteError); 17] = [
            (b"", NoteError::NoBlankLine),
            (b"text\n", NoteError::NoBlankLine),
            (b"text\n\n", NoteError::NoSignature),
            ("text\n— a AAAAAAA=\n".as_bytes(), NoteError::NoBlankLine),
            ("text\n\n— a AAAAAAA=".as_bytes(), NoteError::NoFinalNewline),
            ("text\n\n— a AAAAAAA=\n\n".as_bytes(), NoteError::NoSignature),
            ("text\n\n— a AAAAAAA=\nx\n".as_bytes(), line(4, SignatureLineError::NoEmDash)),
            (b"text\n\n- a AAAAAAA=\n", line(3, SignatureLineError::NoEmDash)),
            ("text\n\n— a\n".as_bytes(), line(3, SignatureLineError::NoSignature)),
            ("text\n\n— a AAAAAAB=\n".as_bytes(), line(3, SignatureLineError::NotBase64)),
            ("text\n\n— a AAAAAAA\n".as_bytes(), line(3, SignatureLineError::NotBase64)),
            ("text\n\n— a AAAAAAA=AAAA\n".as_bytes(), line(3, SignatureLineError::NotBase64)),
            ("text\n\n— a AAAAAAA= \n".as_bytes(), line(3, SignatureLineError::NotBase64)),
            ("text\n\n— a AAAAAA==\n".as_bytes(), line(3, SignatureLineError::TooShort { found: 4 })),
            ("text\n\n— a+b AAAAAAA=\n".as_bytes(), {
                line(3, SignatureLineError::Name(VkeyError::Name { found: "a+b".into() }))
            }),
            ("te\rxt\n\n— a AAAAAAA=\n".as_bytes(), NoteError::ControlCharacter { position: 2 }),
            (b"te\xffxt\n\n", NoteError::NotUtf8 { position: 2 }),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Note::parse(bytes), Err(expected), "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(
            Note::parse(&vec![b'\n'; SIZE_BYTES_MAX + 1]),
            Err(NoteError::TooLong { found: SIZE_BYTES_MAX + 1 })
        );
    }

    #[test]
    fn a_hundred_signatures_are_the_limit() {
        let with = |count| format!("text\n\n{}", "— a AAAAAAA=\n".repeat(count));
        assert_eq!(Note::parse(with(100).as_bytes()).unwrap().signatures().len(), 100);
        assert_eq!(Note::parse(with(101).as_bytes()), Err(NoteError::TooManySignatures));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(at: usize, with: char, insert: bool) {
            let mut note: Vec<char> = example().chars().collect();
            let at = at % note.len();
            note.splice(at..at + usize::from(!insert), [with]);
            let bytes = note.into_iter().collect::<String>().into_bytes();
            if let Ok(note) = Note::parse(&bytes) {
                proptest::prop_assert_eq!(note.encode(), bytes);
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = Note::parse(&[b"a\n\n\xe2\x80\x94 a ".as_slice(), &bytes, b"\n"].concat());
        }
    }
}
