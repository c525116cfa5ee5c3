//! Checkpoints: a log's signed word on how long it is and what it holds.
//!
//! ```text
//! log.example.org/affiant
//! 42
//! ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=
//!
//! — log.example.org/affiant 1wc9rmpTZT6bC3AsgrJexc53F/D2t59WquYnbAhA6cLPKzHjzL554w2cGdXPtTFnq2JXMN2K1ue7anHgNDeibq18/g4=
//! ```
//!
//! | line      | what                                                    | range                             |
//! |-----------|---------------------------------------------------------|-----------------------------------|
//! | 1         | origin, the log's name                                  | 1 to 255 bytes, one line          |
//! | 2         | tree size, decimal without leading zeros                | 0 … 2⁶⁴ − 1                       |
//! | 3         | root hash, base64                                       | 32 bytes                          |
//! | 4 …       | extension lines, not empty                              | none in a checkpoint made here    |
//! | below     | signature lines of the log, then of witnesses           | see `note`                        |
//!
//! Rules. The log signs twice under its origin as key name: Ed25519 over the text (0x01), and ML-DSA-44
//! as a cosignature (0x06) whose time is that of signing. The latter's line holds 3244 characters of
//! base64 and is left out above. A checkpoint of size 0 has the root SHA-256 of nothing. Extension lines of other logs
//! are read and shown, but a 0x06 line does not sign them.
//!
//! To verify:
//! 1. Read the note, then the three lines of its text.
//! 2. Check each line by a known key: 0x01 over the text, 0x04 and 0x06 as `cosignature` says. A bad
//!    one rejects the whole checkpoint.
//! 3. At least one of the log's keys, with the origin as its name, must have signed: `policy` sees to it.
//!
//! Source: C2SP tlog-checkpoint. Stricter: origins over 255 bytes and other roots at size 0 are refused.

use std::fmt;

use data_encoding::BASE64;

use crate::base::base64;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::cosignature::{CosignatureError, Cosigned};
use crate::log::note::{Note, NoteError, NoteSignature};
use crate::log::vkey::{KeyKind, KeyName, NotePublicKey, SignerKey, VerifierKey};

/// A log's name, as the first line of its checkpoints: 1 to 255 bytes, one line.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Origin(String);

impl Origin {
    /// The longest origin; its length in a cosigned message is one byte.
    pub const SIZE_BYTES_MAX: usize = 255;

    /// Takes an origin.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`].
    pub fn new(text: &str) -> Result<Self, CheckpointError> {
        let is_origin = (1..=Self::SIZE_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control);
        if !is_origin {
            return Err(CheckpointError::Origin { found: text.chars().take(64).collect() });
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether `name` names a key of this log.
    #[must_use]
    pub fn is_name_of(&self, key: &VerifierKey) -> bool {
        key.name().as_str() == self.0
    }
}

impl From<&KeyName> for Origin {
    fn from(name: &KeyName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A log's size and root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a note and returns the extension lines beside it.
    ///
    /// # Errors
    /// One [`CheckpointError`] per line that can be wrong.
    pub fn parse_text(text: &str) -> Result<(Self, Vec<String>), CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::TooFewLines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::TooFewLines);
        };
        let origin = Origin::new(origin)?;
        let size = parse_size(size)?;
        let root = base64::decode(root.as_bytes()).and_then(|root| Hash::from_slice(&root).ok());
        let root = root.ok_or(CheckpointError::Root)?;
        if size == 0 && root != Hash::of(b"") {
            return Err(CheckpointError::RootOfNothing { found: root });
        }
        let extension: Vec<String> = lines.map(str::to_owned).collect();
        if let Some(empty) = extension.iter().position(String::is_empty) {
            return Err(CheckpointError::EmptyLine { line: empty + 4 });
        }
        Ok((Self { origin, size, root }, extension))
    }

    /// Returns the text that the log signs.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.as_bytes()))
    }
}

pub(crate) fn parse_size(text: &str) -> Result<u64, CheckpointError> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    let size = if canonical { text.parse().ok() } else { None };
    size.ok_or_else(|| CheckpointError::Size { found: text.chars().take(64).collect() })
}

/// A checkpoint with its signature lines, none of them checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
    extension: Vec<String>,
}

/// A known key whose signature under a checkpoint is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CheckpointSigner<'keys> {
    /// The key.
    pub key: &'keys VerifierKey,
    /// When it signed, by its own word: for cosignatures that say so, the earliest.
    pub time: Option<Time>,
}

impl SignedCheckpoint {
    /// Reads a checkpoint. Trusts nobody yet: see [`Self::verify`].
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes)?;
        let (checkpoint, extension) = Checkpoint::parse_text(note.text())?;
        Ok(Self { note, checkpoint, extension })
    }

    /// Signs a checkpoint as its log, once with each key.
    ///
    /// # Errors
    /// [`CheckpointError::OtherName`] when a key is not named as the log;
    /// [`CheckpointError::RootOfNothing`] for an empty log with another root.
    pub fn sign(checkpoint: &Checkpoint, time: Time, keys: &[SignerKey]) -> Result<Self, CheckpointError> {
        let mut signed = Self::unsigned(checkpoint)?;
        for key in keys {
            if !checkpoint.origin.is_name_of(key.verifier()) {
                return Err(CheckpointError::OtherName { name: key.name().clone(), origin: checkpoint.origin.clone() });
            }
            match key.verifier().kind() {
                KeyKind::Ed25519 => signed.note.sign(key)?,
                KeyKind::Ed25519Cosignature | KeyKind::MlDsa44Cosignature => signed.add(signed.cosign(key, time)?),
            }
        }
        Ok(signed)
    }

    fn unsigned(checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let note = Note::new(&checkpoint.text())?;
        let (checkpoint, extension) = Checkpoint::parse_text(note.text())?;
        Ok(Self { note, checkpoint, extension })
    }

    /// Makes a cosignature line over this checkpoint, as a witness does after checking consistency.
    ///
    /// # Errors
    /// [`CheckpointError::Cosignature`] when the key does not cosign.
    pub fn cosign(&self, key: &SignerKey, time: Time) -> Result<NoteSignature, CheckpointError> {
        Ok(self.cosigned().sign(key, time)?)
    }

    /// Adds a signature line, such as a witness sent; it is not checked.
    pub fn add(&mut self, signature: NoteSignature) {
        self.note.add(signature);
    }

    /// Returns the checkpoint with some of its lines.
    ///
    /// # Errors
    /// [`NoteError::NoSignature`] when it is none of them.
    pub fn only(&self, is_wanted: impl Fn(&NoteSignature) -> bool) -> Result<Self, CheckpointError> {
        let mut only = Self { note: Note::new(self.note.text())?, ..self.clone() };
        self.signatures().iter().filter(|line| is_wanted(line)).for_each(|line| only.note.add(line.clone()));
        if only.signatures().is_empty() { Err(NoteError::NoSignature.into()) } else { Ok(only) }
    }

    /// Returns size and root.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Returns the extension lines. Type 0x06 lines do not sign them.
    #[must_use]
    pub fn extension_lines(&self) -> &[String] {
        &self.extension
    }

    /// Returns the signature lines.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        self.note.signatures()
    }

    /// Returns the checkpoint as it is stored and sent; after reading, the bytes that were read.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.note.encode()
    }

    /// Checks every line by one of `keys` and returns those that signed, each once, in the lines' order.
    ///
    /// Whether one of them speaks for the log is for the policy.
    ///
    /// # Errors
    /// [`CheckpointError::Note`]: [`NoteError::BadSignature`] when one line by a known key is bad,
    /// [`NoteError::NoKnownKey`] when none of the keys signed.
    pub fn verify<'keys>(&self, keys: &'keys [VerifierKey]) -> Result<Vec<CheckpointSigner<'keys>>, CheckpointError> {
        let mut signers: Vec<CheckpointSigner<'keys>> = Vec::new();
        for (key, signature) in self.note.by_known_keys(keys)? {
            let time = self.check(key, signature).map_err(|()| NoteError::bad_signature(key))?;
            match signers.iter_mut().find(|signer| signer.key == key) {
                Some(signer) => signer.time = earliest(signer.time, time),
                None => signers.push(CheckpointSigner { key, time }),
            }
        }
        Ok(signers)
    }

    /// Checks one line, which need not stand under the note, by the key that it names, and returns when it was made, if
    /// it says.
    ///
    /// # Errors
    /// [`CheckpointError::Note`]: [`NoteError::NoKnownKey`] when the line names another key,
    /// [`NoteError::BadSignature`] when it is bad.
    pub fn verify_line(&self, key: &VerifierKey, line: &NoteSignature) -> Result<Option<Time>, CheckpointError> {
        if !line.names(key) {
            return Err(NoteError::NoKnownKey.into());
        }
        Ok(self.check(key, line).map_err(|()| NoteError::bad_signature(key))?)
    }

    fn check(&self, key: &VerifierKey, signature: &NoteSignature) -> Result<Option<Time>, ()> {
        match key.key() {
            NotePublicKey::Ed25519(public) => {
                public.verify(self.note.text().as_bytes(), &signature.bytes).map(|()| None).map_err(|_| ())
            }
            NotePublicKey::Ed25519Cosignature(_) | NotePublicKey::MlDsa44Cosignature(_) => {
                self.cosigned().verify(key, &signature.bytes).map_err(|_| ())
            }
        }
    }

    fn cosigned(&self) -> Cosigned<'_> {
        let Checkpoint { origin, size, root } = &self.checkpoint;
        Cosigned { text: self.note.text(), origin: origin.as_str(), size: *size, root: *root }
    }
}

fn earliest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    [a, b].into_iter().flatten().min()
}

/// Why bytes are not a checkpoint, or a checkpoint is not to be believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CheckpointError {
    #[error("cosignature")]
    Cosignature(#[from] CosignatureError),
    #[error("line {line} is empty")]
    EmptyLine { line: usize },
    #[error("signed note")]
    Note(#[from] NoteError),
    #[error("line 1: `{found}` is not an origin of 1 to 255 bytes")]
    Origin { found: String },
    #[error("a key named `{name}` cannot sign for the log `{origin}`")]
    OtherName { name: KeyName, origin: Origin },
    #[error("line 3 is not the base64 of a 32-byte root hash")]
    Root,
    #[error("line 3: an empty log has the root SHA-256 of nothing, found {found}")]
    RootOfNothing { found: Hash },
    #[error("line 2: `{found}` is not a tree size")]
    Size { found: String },
    #[error("fewer than three lines above the signatures")]
    TooFewLines,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
    use crate::log::vkey::NoteSecretKey;

    fn name() -> KeyName {
        KeyName::new("log.example.org/affiant").unwrap()
    }

    fn log_keys() -> [SignerKey; 2] {
        [
            SignerKey::new(name(), NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[1; 32]))),
            SignerKey::new(name(), NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[2; 32]))),
        ]
    }

    fn witness() -> SignerKey {
        let secret = NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[3; 32]));
        SignerKey::new(KeyName::new("witness.example.org/w").unwrap(), secret)
    }

    fn seconds(seconds: u64) -> Time {
        Time::from_seconds(seconds).unwrap()
    }

    fn signed() -> SignedCheckpoint {
        let checkpoint = Checkpoint { origin: Origin::from(&name()), size: 42, root: Hash::of(b"abc") };
        let mut signed = SignedCheckpoint::sign(&checkpoint, seconds(1_000), &log_keys()).unwrap();
        signed.add(signed.cosign(&witness(), seconds(2_000)).unwrap());
        signed
    }

    fn verifiers() -> Vec<VerifierKey> {
        log_keys().iter().chain([&witness()]).map(|key| key.verifier().clone()).collect()
    }

    #[test]
    fn the_page_s_example_is_what_is_signed() {
        let page = include_str!("checkpoint.rs").split("//! ```").nth(1).unwrap();
        let example: String =
            page.lines().skip(1).map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n").collect();
        let read = SignedCheckpoint::parse(example.as_bytes()).unwrap();
        assert_eq!(read.checkpoint(), signed().checkpoint());
        let keys = [log_keys()[0].verifier().clone()];
        assert_eq!(read.verify(&keys).unwrap(), [CheckpointSigner { key: &keys[0], time: None }]);
        assert_eq!(read.signatures()[0], signed().signatures()[0]);
    }

    #[test]
    fn log_and_witness_sign_and_each_tells_its_time() {
        let (signed, keys) = (signed(), verifiers());
        let read = SignedCheckpoint::parse(&signed.encode()).unwrap();
        assert_eq!(read, signed);
        let times: Vec<_> = read.verify(&keys).unwrap().iter().map(|signer| signer.time).collect();
        assert_eq!(times, [None, Some(seconds(1_000)), Some(seconds(2_000))]);
        let longest = signed.note.signatures()[1].line().trim_end().chars().count();
        assert_eq!(longest, "— log.example.org/affiant ".chars().count() + 3_244);
    }

    #[test]
    fn a_bad_line_by_any_known_key_rejects_the_whole() {
        for at in 0..3 {
            let mut lines = signed().signatures().to_vec();
            *lines[at].bytes.last_mut().unwrap() ^= 1;
            let mut forged = SignedCheckpoint::unsigned(signed().checkpoint()).unwrap();
            for line in lines {
                forged.add(line);
            }
            let keys = verifiers();
            assert_eq!(forged.verify(&keys), Err(CheckpointError::Note(NoteError::bad_signature(&keys[at]))), "{at}");
            let others: Vec<_> = keys.iter().filter(|key| **key != keys[at]).cloned().collect();
            assert_eq!(forged.verify(&others).unwrap().len(), 2);
        }
    }

    #[test]
    fn several_cosignatures_by_one_witness_count_once_with_the_earliest_time() {
        let mut signed = signed();
        for time in [3_000, 1_500, 0] {
            signed.add(signed.cosign(&witness(), seconds(time)).unwrap());
        }
        let keys = [witness().verifier().clone()];
        let expected = [CheckpointSigner { key: &keys[0], time: Some(seconds(1_500)) }];
        assert_eq!(signed.verify(&keys).unwrap(), expected);
    }

    #[test]
    fn only_keys_named_as_the_log_sign_for_it() {
        let checkpoint = signed().checkpoint().clone();
        let expected = CheckpointError::OtherName { name: witness().name().clone(), origin: checkpoint.origin.clone() };
        assert_eq!(SignedCheckpoint::sign(&checkpoint, seconds(1), &[witness()]), Err(expected));
        let empty = Checkpoint { size: 0, ..checkpoint };
        let expected = CheckpointError::RootOfNothing { found: Hash::of(b"abc") };
        assert_eq!(SignedCheckpoint::sign(&empty, seconds(1), &log_keys()), Err(expected));
    }

    #[test]
    fn extension_lines_are_shown_and_signed_by_all_but_the_post_quantum_line() {
        let text = format!("{}extension\n", signed().checkpoint().text());
        let mut note = Note::new(&text).unwrap();
        note.sign(&log_keys()[0]).unwrap();
        let mut other = SignedCheckpoint::parse(&note.encode()).unwrap();
        assert_eq!(other.extension_lines(), ["extension"]);
        let keys = verifiers();
        assert_eq!(other.verify(&keys).unwrap().len(), 1);
        other.add(signed().signatures()[1].clone());
        assert_eq!(other.verify(&keys).unwrap().len(), 2);
        other.add(signed().signatures()[2].clone());
        assert_eq!(other.verify(&keys), Err(CheckpointError::Note(NoteError::bad_signature(&keys[2]))));
    }

    #[test]
    fn rejects_what_is_no_checkpoint() {
        let root = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        let size = |found: &str| CheckpointError::Size { found: found.to_owned() };
        let cases = [
            (String::new(), CheckpointError::TooFewLines),
            ("o\n1\n".to_owned(), CheckpointError::TooFewLines),
            (format!("o\n1\n{root}"), CheckpointError::TooFewLines),
            (format!("\n1\n{root}\n"), CheckpointError::Origin { found: String::new() }),
            (format!("o\n01\n{root}\n"), size("01")),
            (format!("o\n\n{root}\n"), size("")),
            (format!("o\n+1\n{root}\n"), size("+1")),
            (format!("o\n-1\n{root}\n"), size("-1")),
            (format!("o\n18446744073709551616\n{root}\n"), size("18446744073709551616")),
            (format!("o\n1\n{}\n", root.replace('0', "1")), CheckpointError::Root),
            (format!("o\n1\n{}\n", &root[4..]), CheckpointError::Root),
            (format!("o\n1\nAAA={}\n", BASE64.encode(&[0; 30])), CheckpointError::Root),
            (format!("o\n1\n{root}\n\n"), CheckpointError::EmptyLine { line: 4 }),
            (format!("o\n1\n{root}\nx\n\ny\n"), CheckpointError::EmptyLine { line: 5 }),
            (format!("o\n0\n{root}\n"), CheckpointError::RootOfNothing { found: Hash::of(b"abc") }),
        ];
        for (text, expected) in cases {
            assert_eq!(Checkpoint::parse_text(&text), Err(expected), "{text}");
        }
        let largest = Checkpoint::parse_text(&format!("o\n18446744073709551615\n{root}\n")).unwrap().0;
        assert_eq!(largest.size, u64::MAX);
        assert_eq!(largest.text(), format!("o\n18446744073709551615\n{root}\n"));
    }

    proptest::proptest! {
        #[test]
        fn every_checkpoint_reads_back(origin in "[!-~ é]{1,80}", size: u64, root: [u8; 32]) {
            let root = if size == 0 { Hash::of(b"") } else { Hash::from_bytes(root) };
            let checkpoint = Checkpoint { origin: Origin::new(&origin).unwrap(), size, root };
            proptest::prop_assert_eq!(Checkpoint::parse_text(&checkpoint.text()), Ok((checkpoint, Vec::new())));
        }
    }
}
