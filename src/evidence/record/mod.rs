//! Records: what the archive says, as one byte string.
//!
//! A record is a CBOR map in the deterministic encoding of RFC 8949 §4.2.1 ([`crate::base::cbor`]), with
//! text keys so that a generic CBOR tool shows readable names. Its media type is [`MEDIA_TYPE`]. Times are
//! microseconds since the Unix epoch, hashes byte strings of 32. A field that does not apply is absent,
//! never null. Every record has
//!
//! | field      | type | what                                                                         |
//! |------------|------|------------------------------------------------------------------------------|
//! | `v`        | uint | 1                                                                            |
//! | `kind`     | text | `genesis`, `document`, `capture`, `check`, `provision`, `anchor`, `withdrawal`, `hold`, `key` |
//! | `origin`   | text | the log's origin                                                             |
//! | `index`    | uint | the record's position in the log, from 0                                     |
//! | `made`     | time | when the archive made the record, by its own clock                           |
//! | `after`    | map  | `size`, `root`: the newest checkpoint the archive had seen; `tokens`: SHA-256 of each timestamp reply (a `.tsr` file) and each cosignature (a `.cosignature` file) and each block's header (a `bitcoin-HEIGHT.header` file) that it held for it when the visit began. With one the checkpoint is the newest of which anybody said anything, and this is the *not before* |
//! | `software` | map  | `name`, `version`, `commit` of the program that made it                      |
//! | `key_record` | uint | the index of the newest key record before this one; absent before there is one |
//!
//! and the fields of its kind: [`Genesis`], [`Document`], [`Capture`], [`Check`], [`Provision`], [`Anchor`],
//! [`Withdrawal`], [`Hold`], [`KeyChange`].
//!
//! A whole document record, in RFC 8949's diagnostic notation:
//!
//! ```text
//! {"v": 1, "url": "https://example.com/privacy", "kind": "document", "made": 1679315147000000,
//!  "after": {"root": h'e3b0…b855', "size": 0, "tokens": []}, "index": 1, "title": "Privacy Policy",
//!  "entity": "Example Inc.", "origin": "affiant.example/log", "vantage": {"fetcher": "http"},
//!  "software": {"name": "affiant", "commit": "unknown", "version": "0.1.0"}}
//! ```
//!
//! Rules. One spelling: a decoder encodes what it read and compares. A key that is not listed is an
//! error, so nothing can be smuggled into a record that an older reader would not see. `index` must be the
//! entry's index in the log, and `after` of a log no longer than that, which the verifier checks and this module cannot.
//!
//! To verify:
//! 1. Decode the deterministic CBOR; refuse longer than [`SIZE_BYTES_MAX`].
//! 2. Take each field of the table by its type, then those of the kind; refuse any that is left.
//! 3. Compare the SHA-256 of the bytes with the payload of the statement ([`super::statement`]).

mod field;
mod key;
mod kind;
mod reading;
mod visit;
mod withdrawal;

pub use field::FieldError;
pub use key::{CHANGE_COUNT_MAX, Change, KeyAct, KeyChange, KeySignature, PURPOSE, SIGNATURE_COUNT_MAX};
pub use kind::{Anchor, AnchorProof, Capture, Check, Document, Genesis, KeyPurpose, NamedKey, Provision, Vantage};
pub(crate) use kind::{ED25519, ML_DSA_44};
pub use visit::{Method, Options, Parts, Primary, Rendition, Role, Tool, Visit};
pub use withdrawal::{Hold, HoldAct, Link, Manner, Withdrawal, WithdrawnEntry, WithdrawnRecord};

use field::Fields;

use crate::base::cbor::{self, CborError, Value};
use crate::base::hash::Hash;
use crate::base::id::{Id, Prefix};
use crate::base::time::Time;

/// The media type of a record.
pub const MEDIA_TYPE: &str = "application/vnd.affiant.record+cbor";

/// The longest record that is written or read: 1,000 exchanges with heads of 8 KiB.
pub const SIZE_BYTES_MAX: usize = 16 << 20;

/// The format's number.
const VERSION: u64 = 1;

/// A record: what stands in every one, and what its kind adds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The log's origin.
    pub origin: String,
    /// The position in the log.
    pub index: u64,
    /// When the archive made the record, by its own clock.
    pub made: Time,
    /// The newest checkpoint that the archive had seen.
    pub after: After,
    /// The program that made the record.
    pub software: Software,
    /// The index of the newest key record before this one, when there is one.
    pub key_record: Option<u64>,
    /// What it says.
    pub body: Body,
}

/// The newest checkpoint that the archive had seen when it made a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct After {
    /// The checkpoint's tree size.
    pub size: u64,
    /// The checkpoint's root.
    pub root: Hash,
    /// SHA-256 of each timestamp reply, each cosignature and each block's header that was held for it.
    pub tokens: Vec<Hash>,
}

/// The program that made a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Software {
    /// The program's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The source commit it was built from, or `unknown`.
    pub commit: String,
}

/// What a record says, by kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Body {
    /// Entry 0: what the archive is.
    Genesis(Genesis),
    /// A thing to follow.
    Document(Document),
    /// A visit that has something new to say.
    Capture(Box<Capture>),
    /// A visit that found the same text.
    Check(Box<Check>),
    /// A quoted passage.
    Provision(Provision),
    /// What others said of an earlier checkpoint.
    Anchor(Anchor),
    /// Content that is taken out of the archive.
    Withdrawal(Withdrawal),
    /// Content that must not be.
    Hold(Hold),
    /// A change of the archive's keys.
    Key(KeyChange),
}

impl Body {
    /// Returns the kind's name, as it stands in the record.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Genesis(_) => "genesis",
            Self::Document(_) => "document",
            Self::Capture(_) => "capture",
            Self::Check(_) => "check",
            Self::Provision(_) => "provision",
            Self::Anchor(_) => "anchor",
            Self::Withdrawal(_) => "withdrawal",
            Self::Hold(_) => "hold",
            Self::Key(_) => "key",
        }
    }

    /// Returns the kind's letter, as it stands in a citation id.
    #[must_use]
    pub fn letter(&self) -> char {
        match self {
            Self::Genesis(_) => 'G',
            Self::Document(_) => 'D',
            Self::Capture(_) => 'C',
            Self::Check(_) => 'V',
            Self::Provision(_) => 'P',
            Self::Anchor(_) => 'T',
            Self::Withdrawal(_) => 'W',
            Self::Hold(_) => 'H',
            Self::Key(_) => 'K',
        }
    }

    /// Returns the visit, when the record is of one.
    #[must_use]
    pub fn visit(&self) -> Option<&Visit> {
        match self {
            Self::Capture(capture) => Some(&capture.visit),
            Self::Check(check) => Some(&check.visit),
            _ => None,
        }
    }
}

impl Record {
    /// Returns the record's citation id in an archive with `prefix`.
    #[must_use]
    pub fn id(&self, prefix: &Prefix) -> Id {
        Id { prefix: prefix.clone(), letter: self.body.letter(), index: self.index }
    }

    /// Encodes the record the one way.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = vec![
            ("v", Value::from(VERSION)),
            ("kind", Value::from(self.body.kind())),
            ("origin", Value::from(self.origin.as_str())),
            ("index", Value::from(self.index)),
            ("made", Value::from(self.made.microseconds())),
            ("after", self.after.to_value()),
            ("software", self.software.to_value()),
        ];
        field::push_optional(&mut fields, "key_record", self.key_record);
        fields.extend(match &self.body {
            Body::Genesis(genesis) => genesis.to_fields(),
            Body::Document(document) => document.to_fields(),
            Body::Capture(capture) => capture.to_fields(),
            Body::Check(check) => check.to_fields(),
            Body::Provision(provision) => provision.to_fields(),
            Body::Anchor(anchor) => anchor.to_fields(),
            Body::Withdrawal(withdrawal) => withdrawal.to_fields(),
            Body::Hold(hold) => hold.to_fields(),
            Body::Key(change) => change.to_fields(),
        });
        cbor::encode(&Value::map(fields))
    }

    /// Decodes a record.
    ///
    /// # Errors
    /// A [`RecordError`]: the byte at which the encoding is not deterministic, or the field that is not as it must be.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(RecordError::TooLong { found: bytes.len() });
        }
        let mut fields = Fields::open("record", cbor::decode(bytes)?)?;
        let version = fields.unsigned("v")?;
        if version != VERSION {
            return Err(RecordError::UnknownVersion { found: version });
        }
        let kind = fields.text("kind")?;
        let origin = fields.text("origin")?;
        let index = fields.unsigned("index")?;
        let made = fields.time("made")?;
        let after = After::from_fields(fields.map("after")?)?;
        let software = Software::from_fields(fields.map("software")?)?;
        let key_record = fields.optional_unsigned("key_record")?;
        if key_record.is_some_and(|at| at == 0 || at >= index) {
            let found = Value::from(key_record.unwrap_or_default());
            return Err(fields.wrong("key_record", "an entry between entry 0 and this one", &found).into());
        }
        let body = match kind.as_str() {
            "genesis" => Body::Genesis(Genesis::from_fields(&mut fields)?),
            "document" => Body::Document(Document::from_fields(&mut fields)?),
            "capture" => Body::Capture(Box::new(Capture::from_fields(&mut fields)?)),
            "check" => Body::Check(Box::new(Check::from_fields(&mut fields)?)),
            "provision" => Body::Provision(Provision::from_fields(&mut fields)?),
            "anchor" => Body::Anchor(Anchor::from_fields(&mut fields)?),
            "withdrawal" => Body::Withdrawal(Withdrawal::from_fields(&mut fields, index)?),
            "hold" => Body::Hold(Hold::from_fields(&mut fields, index)?),
            "key" => {
                let mut change = KeyChange::from_fields(&mut fields, index)?;
                change.keep_signed(bytes);
                Body::Key(change)
            }
            _ => return Err(RecordError::UnknownKind { found: kind }),
        };
        fields.finish()?;
        Ok(Self { origin, index, made, after, software, key_record, body })
    }

    /// Returns what the keys sign of a key record that was drafted: what [`KeyChange::to_be_signed`] returns once it is
    /// signed and decoded.
    #[must_use]
    pub fn to_be_signed_by_keys(&self) -> Vec<u8> {
        let Body::Key(change) = &self.body else { return Vec::new() };
        let mut change = change.clone();
        change.keep_signed(&self.encode());
        change.to_be_signed()
    }

    /// Reads a record out as JSON for people and programs: hashes in hexadecimal, times in RFC 3339.
    ///
    /// The CBOR is what was signed; this is a reading of it.
    ///
    /// # Errors
    /// As [`Record::decode`].
    pub fn read_out(bytes: &[u8]) -> Result<serde_json::Value, RecordError> {
        Self::decode(bytes)?;
        Ok(reading::to_json(&cbor::decode(bytes)?))
    }
}

impl After {
    fn to_value(&self) -> Value {
        Value::map([
            ("size", Value::from(self.size)),
            ("root", Value::from(self.root)),
            ("tokens", Value::Array(self.tokens.iter().copied().map(Value::from).collect())),
        ])
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let after =
            Self { size: fields.unsigned("size")?, root: fields.hash("root")?, tokens: fields.hashes("tokens")? };
        fields.finish()?;
        Ok(after)
    }
}

impl Software {
    fn to_value(&self) -> Value {
        Value::map([
            ("name", Value::from(self.name.as_str())),
            ("version", Value::from(self.version.as_str())),
            ("commit", Value::from(self.commit.as_str())),
        ])
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let software =
            Self { name: fields.text("name")?, version: fields.text("version")?, commit: fields.text("commit")? };
        fields.finish()?;
        Ok(software)
    }
}

/// Why bytes are not a record.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum RecordError {
    #[error(transparent)]
    Cbor(#[from] CborError),
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("{found} bytes, more than the limit of {SIZE_BYTES_MAX}")]
    TooLong { found: usize },
    #[error("kind `{found}` is not known to this version of the program")]
    UnknownKind { found: String },
    #[error("record format {found} is not known to this version of the program")]
    UnknownVersion { found: u64 },
}
