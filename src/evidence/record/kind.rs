//! The kinds of record, but for the visit that captures and checks share ([`super::visit`]).

use super::field::{FieldError, Fields, push_optional};
use super::visit::Visit;

use crate::base::cbor::Value;
use crate::base::hash::Hash;
use crate::log::key::{Ed25519PublicKey, MlDsa44PublicKey};
use crate::log::vkey::{KeyName, NotePublicKey, VerifierKey};

/// The name of Ed25519 in records.
pub(crate) const ED25519: &str = "ed25519";
/// The name of ML-DSA-44 in records.
pub(crate) const ML_DSA_44: &str = "ml-dsa-44";

/// Entry 0: what the archive is, and which keys speak for it.
///
/// Fields: `prefix`, `keys` (each `purpose`, `algorithm`, `public`), `recovery` (SHA-256 of the public key
/// that is kept offline), `policy` (the archive's own policy, in C2SP tlog-policy form).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Genesis {
    /// The prefix of the archive's citation ids.
    pub prefix: String,
    /// The keys that speak for the archive.
    pub keys: Vec<NamedKey>,
    /// SHA-256 of the recovery key's 32 public bytes.
    pub recovery: Hash,
    /// Whose word the archive itself asks for.
    pub policy: String,
}

/// One of the archive's keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedKey {
    /// What it signs, and nothing else.
    pub purpose: KeyPurpose,
    /// `ed25519` or `ml-dsa-44`.
    pub algorithm: String,
    /// The public key, as its algorithm encodes it.
    pub public: Vec<u8>,
}

/// What a key signs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum KeyPurpose {
    /// Statements, and the seals of bundles.
    Statement,
    /// Checkpoints and receipts.
    Checkpoint,
    /// Changes of the others, when they are lost or stolen; only key records name one.
    Recovery,
}

/// A thing to follow: an address seen from one vantage.
///
/// Fields: `entity`, `title`, `document_type` (each only when the operator said so), `url`, `vantage`, and
/// `amends` (the index of the document's first record) in a record that says its title or entity anew.
/// The history goes on under the amended record; address and vantage are never amended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// Whose document it is, when the operator said so.
    pub entity: Option<String>,
    /// Its title, when the operator said so.
    pub title: Option<String>,
    /// What it is, as `Privacy Policy`, when the operator said so.
    pub document_type: Option<String>,
    /// The address that is asked for.
    pub url: String,
    /// From where it is looked at.
    pub vantage: Vantage,
    /// The index of the document's first record, when this one amends it.
    pub amends: Option<u64>,
}

/// From where a document is looked at. Another vantage is another document: histories never mix.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Vantage {
    /// What fetches it: `http` or `file`.
    pub fetcher: String,
    /// The `Accept-Language` that is sent, when one is.
    pub language: Option<String>,
    /// The operator's label for the place, as `EU`.
    pub region: Option<String>,
    /// The user agent, when it is not the program's own.
    pub user_agent: Option<String>,
}

/// A visit that has something new to say about a document.
///
/// Fields: `document` (index), `sequence` (from 1), `previous` (SHA-256 of the previous capture's
/// statement, absent in the first), and those of [`Visit`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Capture {
    /// The index of the document's record.
    pub document: u64,
    /// This capture's place in the document's history, from 1.
    pub sequence: u64,
    /// SHA-256 of the previous capture's statement.
    pub previous: Option<Hash>,
    /// What was seen.
    pub visit: Visit,
}

/// A visit that found what an earlier capture had found.
///
/// Fields: `document`, `capture` (both indexes), and those of [`Visit`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// The index of the document's record.
    pub document: u64,
    /// The index of the capture whose text was found again.
    pub capture: u64,
    /// What was seen.
    pub visit: Visit,
}

/// A quoted passage of a capture, over the bytes of its hashed text rendition.
///
/// Fields: `capture` (index), `rendition` (SHA-256), `exact`, `prefix`, `suffix` (W3C `TextQuoteSelector`),
/// `start`, `end` (byte offsets, the end exclusive), `clause` (its type, when given), `author`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Provision {
    /// The index of the capture.
    pub capture: u64,
    /// The text rendition that is quoted.
    pub rendition: Hash,
    /// The words.
    pub exact: String,
    /// What stands before them.
    pub prefix: String,
    /// What stands after them.
    pub suffix: String,
    /// Where they begin, in bytes.
    pub start: u64,
    /// Where they end, in bytes.
    pub end: u64,
    /// The clause's type, when given.
    pub clause: Option<String>,
    /// Who or which rule set chose the passage.
    pub author: String,
}

/// What others said of an earlier checkpoint, by hash: the log commits to its own anchors, so that whoever dates a
/// later checkpoint dates them too.
///
/// Fields: `size`, `root` (those of the anchored checkpoint), `checkpoint` (SHA-256 of the note as anchored) and
/// `proofs` (each `kind`, `sha256`). A `kind` of `rfc3161` is a timestamp reply, hashed as the file `.tsr` that it is;
/// one of `cosignature` is a witness's line, hashed as the file `.cosignature`; one of `opentimestamps` is a proof that ends
/// at a block, hashed as the file `.ots`; one of `bitcoin-header` is the 80 bytes of such a block's header. `renewal` and
/// `renewal-rfc3161` are the text of a renewal and a reply over it, hashed as the files that they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Anchor {
    /// The anchored checkpoint's tree size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// SHA-256 of the note that was dated.
    pub checkpoint: Hash,
    /// What others said of it.
    pub proofs: Vec<AnchorProof>,
}

/// What one party said of a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AnchorProof {
    /// What it is, as `rfc3161`.
    pub kind: String,
    /// SHA-256 of the file.
    pub sha256: Hash,
}

impl AnchorProof {
    /// The kind of a timestamp reply.
    pub const RFC_3161: &'static str = "rfc3161";

    /// The kind of a witness's line.
    pub const COSIGNATURE: &'static str = "cosignature";

    /// The kind of a proof that ends at a block.
    pub const OPENTIMESTAMPS: &'static str = "opentimestamps";

    /// The kind of a block's header.
    pub const BITCOIN_HEADER: &'static str = "bitcoin-header";

    /// The kind of a renewal's text.
    pub const RENEWAL: &'static str = "renewal";

    /// The kind of a timestamp reply over a renewal's text.
    pub const RENEWAL_RFC_3161: &'static str = "renewal-rfc3161";
}

impl Anchor {
    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        let proof = |proof: &AnchorProof| {
            Value::map([("kind", Value::from(proof.kind.as_str())), ("sha256", Value::from(proof.sha256))])
        };
        vec![
            ("size", Value::from(self.size)),
            ("root", Value::from(self.root)),
            ("checkpoint", Value::from(self.checkpoint)),
            ("proofs", Value::Array(self.proofs.iter().map(proof).collect())),
        ]
    }

    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, FieldError> {
        let proof = |mut fields: Fields| {
            let proof = AnchorProof { kind: fields.text("kind")?, sha256: fields.hash("sha256")? };
            fields.finish()?;
            Ok(proof)
        };
        Ok(Self {
            size: fields.unsigned("size")?,
            root: fields.hash("root")?,
            checkpoint: fields.hash("checkpoint")?,
            proofs: fields.maps("proofs")?.into_iter().map(proof).collect::<Result<_, _>>()?,
        })
    }
}

impl Genesis {
    /// Returns the Ed25519 key for statements and seals, when one is named that can be used.
    #[must_use]
    pub fn statement_key(&self) -> Option<Ed25519PublicKey> {
        let mut keys = self.keys.iter().filter(|key| key.purpose == KeyPurpose::Statement && key.algorithm == ED25519);
        Ed25519PublicKey::from_slice(&keys.next()?.public).ok()
    }

    /// Returns the Ed25519 key for checkpoints and receipts, when one is named that can be used.
    #[must_use]
    pub fn log_key(&self) -> Option<Ed25519PublicKey> {
        let mut keys = self.keys.iter().filter(|key| key.purpose == KeyPurpose::Checkpoint && key.algorithm == ED25519);
        Ed25519PublicKey::from_slice(&keys.next()?.public).ok()
    }

    /// Returns the keys for checkpoints under the log's name, in the order in which they are named. Nobody
    /// vouches for them but the record itself.
    #[must_use]
    pub fn checkpoint_keys(&self, origin: &str) -> Vec<VerifierKey> {
        let Ok(name) = KeyName::new(origin) else { return Vec::new() };
        let keys = self.keys.iter().filter(|key| key.purpose == KeyPurpose::Checkpoint);
        keys.filter_map(|key| Some(VerifierKey::new(name.clone(), key.note_key()?))).collect()
    }

    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("prefix", Value::from(self.prefix.as_str())),
            ("keys", Value::Array(self.keys.iter().map(|key| Value::map(key.to_fields())).collect())),
            ("recovery", Value::from(self.recovery)),
            ("policy", Value::from(self.policy.as_str())),
        ]
    }

    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, FieldError> {
        let key = |mut fields: Fields| {
            let key = NamedKey::from_fields(&mut fields)?;
            if key.purpose == KeyPurpose::Recovery {
                // Entry 0 has its hash alone.
                return Err(fields.wrong("purpose", "`statement` or `checkpoint`", &Value::from(key.purpose.as_str())));
            }
            fields.finish()?;
            Ok(key)
        };
        Ok(Self {
            prefix: fields.text("prefix")?,
            keys: fields.maps("keys")?.into_iter().map(key).collect::<Result<_, _>>()?,
            recovery: fields.hash("recovery")?,
            policy: fields.text("policy")?,
        })
    }
}

impl NamedKey {
    /// Names a checkpoint key.
    #[must_use]
    pub fn of_checkpoint(key: &NotePublicKey) -> Self {
        let algorithm = match key {
            NotePublicKey::MlDsa44Cosignature(_) => ML_DSA_44,
            NotePublicKey::Ed25519(_) | NotePublicKey::Ed25519Cosignature(_) => ED25519,
        };
        Self { purpose: KeyPurpose::Checkpoint, algorithm: algorithm.to_owned(), public: key.as_bytes().to_vec() }
    }

    /// Names a statement key.
    #[must_use]
    pub fn of_statement(key: &Ed25519PublicKey) -> Self {
        Self::of_statement_bytes(key.as_bytes())
    }

    /// Names a statement key by the bytes of its public half.
    #[must_use]
    pub fn of_statement_bytes(public: &[u8]) -> Self {
        Self { purpose: KeyPurpose::Statement, algorithm: ED25519.to_owned(), public: public.to_vec() }
    }

    /// Returns the key that checks Ed25519 signatures, when it is one that can be used.
    #[must_use]
    pub fn ed25519(&self) -> Option<Ed25519PublicKey> {
        (self.algorithm == ED25519).then(|| Ed25519PublicKey::from_slice(&self.public).ok())?
    }

    /// Returns the key that checks lines of notes, when it is one that can be used.
    #[must_use]
    pub fn note_key(&self) -> Option<NotePublicKey> {
        match self.algorithm.as_str() {
            ED25519 => Some(NotePublicKey::Ed25519(Ed25519PublicKey::from_slice(&self.public).ok()?)),
            ML_DSA_44 => Some(NotePublicKey::MlDsa44Cosignature(MlDsa44PublicKey::from_slice(&self.public).ok()?)),
            _ => None,
        }
    }

    /// Returns the fingerprint that people compare; hexadecimal digits of a key that cannot be used.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.note_key().map_or_else(|| data_encoding::HEXLOWER.encode(&self.public), |key| key.fingerprint())
    }

    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("purpose", Value::from(self.purpose.as_str())),
            ("algorithm", Value::from(self.algorithm.as_str())),
            ("public", Value::from(self.public.as_slice())),
        ]
    }

    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, FieldError> {
        let purpose = fields.text("purpose")?;
        let purpose = KeyPurpose::from_str(&purpose)
            .ok_or_else(|| fields.wrong("purpose", "`statement`, `checkpoint` or `recovery`", &Value::from(purpose)))?;
        Ok(Self { purpose, algorithm: fields.text("algorithm")?, public: fields.bytes("public")? })
    }
}

impl KeyPurpose {
    /// Returns the purpose's name in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Checkpoint => "checkpoint",
            Self::Recovery => "recovery",
        }
    }

    fn from_str(text: &str) -> Option<Self> {
        [Self::Statement, Self::Checkpoint, Self::Recovery].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

impl Document {
    /// Returns the hash under which the document is known: address and vantage, nothing else.
    #[must_use]
    pub fn key(&self) -> Hash {
        let key = Value::map([("url", Value::from(self.url.as_str())), ("vantage", self.vantage.to_value())]);
        Hash::of(&crate::base::cbor::encode(&key))
    }

    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![("url", Value::from(self.url.as_str())), ("vantage", self.vantage.to_value())];
        push_optional(&mut fields, "entity", self.entity.as_deref());
        push_optional(&mut fields, "title", self.title.as_deref());
        push_optional(&mut fields, "document_type", self.document_type.as_deref());
        push_optional(&mut fields, "amends", self.amends);
        fields
    }

    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, FieldError> {
        Ok(Self {
            entity: fields.optional_text("entity")?,
            title: fields.optional_text("title")?,
            document_type: fields.optional_text("document_type")?,
            url: fields.text("url")?,
            vantage: Vantage::from_fields(fields.map("vantage")?)?,
            amends: fields.optional_unsigned("amends")?,
        })
    }
}

impl Vantage {
    fn to_value(&self) -> Value {
        let mut fields = vec![("fetcher", Value::from(self.fetcher.as_str()))];
        push_optional(&mut fields, "language", self.language.as_deref());
        push_optional(&mut fields, "region", self.region.as_deref());
        push_optional(&mut fields, "user_agent", self.user_agent.as_deref());
        Value::map(fields)
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let vantage = Self {
            fetcher: fields.text("fetcher")?,
            language: fields.optional_text("language")?,
            region: fields.optional_text("region")?,
            user_agent: fields.optional_text("user_agent")?,
        };
        fields.finish()?;
        Ok(vantage)
    }
}

impl Capture {
    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![("document", Value::from(self.document)), ("sequence", Value::from(self.sequence))];
        push_optional(&mut fields, "previous", self.previous);
        fields.extend(self.visit.to_fields());
        fields
    }

    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, FieldError> {
        Ok(Self {
            document: fields.unsigned("document")?,
            sequence: fields.unsigned("sequence")?,
            previous: fields.optional_hash("previous")?,
            visit: Visit::from_fields(fields)?,
        })
    }
}

impl Check {
    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![("document", Value::from(self.document)), ("capture", Value::from(self.capture))];
        fields.extend(self.visit.to_fields());
        fields
    }

    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, FieldError> {
        Ok(Self {
            document: fields.unsigned("document")?,
            capture: fields.unsigned("capture")?,
            visit: Visit::from_fields(fields)?,
        })
    }
}

impl Provision {
    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("capture", Value::from(self.capture)),
            ("rendition", Value::from(self.rendition)),
            ("exact", Value::from(self.exact.as_str())),
            ("prefix", Value::from(self.prefix.as_str())),
            ("suffix", Value::from(self.suffix.as_str())),
            ("start", Value::from(self.start)),
            ("end", Value::from(self.end)),
            ("author", Value::from(self.author.as_str())),
        ];
        push_optional(&mut fields, "clause", self.clause.as_deref());
        fields
    }

    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, FieldError> {
        Ok(Self {
            capture: fields.unsigned("capture")?,
            rendition: fields.hash("rendition")?,
            exact: fields.text("exact")?,
            prefix: fields.text("prefix")?,
            suffix: fields.text("suffix")?,
            start: fields.unsigned("start")?,
            end: fields.unsigned("end")?,
            clause: fields.optional_text("clause")?,
            author: fields.text("author")?,
        })
    }
}
