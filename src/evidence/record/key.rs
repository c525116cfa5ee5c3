//! Key changes: which keys speak for the archive from here on. Letter K.
//!
//! ```text
//! {"v": 1, "kind": "key", "made": 1679315147000000, "after": {…}, "index": 7, "origin": "affiant.example/log",
//!  "reason": "yearly change",
//!  "changes": [{"act": "add", "public": h'5 … 32 bytes', "purpose": "statement", "algorithm": "ed25519"},
//!              {"act": "retire", "public": h'4 … 32 bytes', "purpose": "statement", "algorithm": "ed25519"}],
//!  "software": {…},
//!  "signatures": [{"public": h'5 … 32 bytes', "algorithm": "ed25519", "signature": h'… 64 bytes'}, …]}
//! ```
//!
//! | field        | type  | what                                                                                   |
//! |--------------|-------|----------------------------------------------------------------------------------------|
//! | `changes`    | array | 1 … [`CHANGE_COUNT_MAX`], each `act`, `purpose`, `algorithm`, `public`                     |
//! | `act`        | text  | `add`: the key is valid from this entry on. `retire`: it is not valid from this entry on. `distrust`: it was not, from entry `from` on |
//! | `from`       | uint  | only with `distrust`: 1 … this record's index                                           |
//! | `purpose`    | text  | `statement`, `checkpoint`, or `recovery`, which can only be added: the recovery key before it ends with that |
//! | `reason`     | text  | why; absent when nobody said                                                           |
//! | `signatures` | array | 1 … [`SIGNATURE_COUNT_MAX`], each `public`, `algorithm`, `signature`; no key twice           |
//!
//! Rules. `signatures` is the last field of the map, because its name sorts behind every other. Each signature is
//! over [`PURPOSE`] and then the record's bytes as they lie in the archive, up to where the text `signatures` begins: it
//! covers origin, index, the checkpoint before it and every change. No other thing that these keys sign begins with
//! [`PURPOSE`]: a statement begins with a CBOR head, a seal with `SSHSIG`, and the second line of a checkpoint is a number.
//! The record's own statement is by the statement key that is valid at its index: the new one, where it adds one.
//!
//! To verify ([`crate::evidence::succession`] does):
//! 1. Decode as every record; cut the bytes before `signatures`.
//! 2. Verify every signature over [`PURPOSE`] and these bytes.
//! 3. Compare who signed with who must: each key that is added, and either the recovery key, whose SHA-256 entry 0 names
//!    or which took over from that one, or all of the keys of the same purposes that were valid before and all that are retired
//!    or distrusted. Another recovery key takes over by the recovery key's signature alone.

use super::field::{FieldError, Fields, push_optional};
use super::kind::NamedKey;

use crate::base::cbor::{self, Value};

/// How many changes one record may make: more than the archive has keys.
pub const CHANGE_COUNT_MAX: usize = 16;

/// How many may sign one: every key that may be valid, those that are added and the recovery key.
pub const SIGNATURE_COUNT_MAX: usize = 32;

/// What stands before the bytes that are signed, so that no signature can be taken for one over something else.
pub const PURPOSE: &[u8] = b"affiant-key-change\n";

/// The last field of the record, which is not signed.
const SIGNATURES: &str = "signatures";

/// A change of the keys that speak for the archive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyChange {
    /// What changes, in this order.
    pub changes: Vec<Change>,
    /// Why, when somebody said.
    pub reason: Option<String>,
    signatures: Vec<KeySignature>,
    /// The bytes that are signed, as they were received; none in a draft.
    signed: Vec<u8>,
}

/// What becomes of one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What happens to it.
    pub act: KeyAct,
    /// The key.
    pub key: NamedKey,
}

/// What happens to a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyAct {
    /// It is valid from this entry on.
    Add,
    /// It is not valid from this entry on; what it signed before stands.
    Retire,
    /// It was not valid from an earlier entry on, whatever it signed there.
    Distrust {
        /// The first entry that it does not vouch for.
        from: u64,
    },
}

/// One key's signature over a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySignature {
    /// The public key, as its algorithm encodes it.
    pub public: Vec<u8>,
    /// `ed25519` or `ml-dsa-44`.
    pub algorithm: String,
    /// The signature.
    pub signature: Vec<u8>,
}

impl KeyChange {
    /// Drafts a change that nobody has signed yet.
    #[must_use]
    pub fn draft(changes: Vec<Change>, reason: Option<String>) -> Self {
        Self { changes, reason, signatures: Vec::new(), signed: Vec::new() }
    }

    /// Returns the change with signatures.
    #[must_use]
    pub fn with(self, signatures: Vec<KeySignature>) -> Self {
        Self { signatures, ..self }
    }

    /// Returns who signed, and what.
    #[must_use]
    pub fn signatures(&self) -> &[KeySignature] {
        &self.signatures
    }

    /// Returns what the signatures are over: the purpose, and the bytes that were received.
    #[must_use]
    pub fn to_be_signed(&self) -> Vec<u8> {
        [PURPOSE, &self.signed].concat()
    }

    /// Keeps the bytes of a record that are signed: all before the signatures.
    pub(super) fn keep_signed(&mut self, record: &[u8]) {
        let last = [cbor::encode(&Value::from(SIGNATURES)), cbor::encode(&self.signatures_value())].concat();
        // A record that decoded has one spelling, so its last field is spelt like this.
        self.signed = record.strip_suffix(last.as_slice()).unwrap_or_default().to_vec();
    }

    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        let changes = Value::Array(self.changes.iter().map(Change::to_value).collect());
        let mut fields = vec![("changes", changes), (SIGNATURES, self.signatures_value())];
        push_optional(&mut fields, "reason", self.reason.as_deref());
        fields
    }

    /// Takes the fields of the change at `index`.
    pub(super) fn from_fields(fields: &mut Fields, index: u64) -> Result<Self, FieldError> {
        let reason = fields.optional_text("reason")?;
        let changes = fields.maps("changes")?;
        if changes.is_empty() || changes.len() > CHANGE_COUNT_MAX {
            return Err(fields.wrong("changes", "1 to 16 changes", &counted(changes.len())));
        }
        let changes = changes.into_iter().map(|change| Change::from_fields(change, index)).collect::<Result<_, _>>()?;
        let signatures = fields.maps(SIGNATURES)?;
        if signatures.is_empty() || signatures.len() > SIGNATURE_COUNT_MAX {
            return Err(fields.wrong(SIGNATURES, "1 to 32 signatures", &counted(signatures.len())));
        }
        let signatures: Vec<KeySignature> =
            signatures.into_iter().map(KeySignature::from_fields).collect::<Result<_, _>>()?;
        let is_twice = |at: usize| signatures[..at].iter().any(|earlier| earlier.public == signatures[at].public);
        if (0..signatures.len()).any(is_twice) {
            return Err(fields.wrong(SIGNATURES, "one signature a key", &counted(signatures.len())));
        }
        Ok(Self { changes, reason, signatures, signed: Vec::new() })
    }

    fn signatures_value(&self) -> Value {
        Value::Array(self.signatures.iter().map(KeySignature::to_value).collect())
    }
}

impl Change {
    fn to_value(&self) -> Value {
        let mut fields = self.key.to_fields();
        fields.push(("act", Value::from(self.act.as_str())));
        if let KeyAct::Distrust { from } = self.act {
            fields.push(("from", Value::from(from)));
        }
        Value::map(fields)
    }

    fn from_fields(mut fields: Fields, index: u64) -> Result<Self, FieldError> {
        let act = fields.text("act")?;
        let act = match act.as_str() {
            "add" => KeyAct::Add,
            "retire" => KeyAct::Retire,
            "distrust" => KeyAct::Distrust { from: fields.unsigned("from")? },
            _ => return Err(fields.wrong("act", "`add`, `retire` or `distrust`", &Value::from(act))),
        };
        if let KeyAct::Distrust { from } = act
            && !(1..=index).contains(&from)
        {
            return Err(fields.wrong("from", "an entry from 1 up to this one", &Value::from(from)));
        }
        let key = NamedKey::from_fields(&mut fields)?;
        fields.finish()?;
        Ok(Self { act, key })
    }
}

impl KeyAct {
    /// Returns the act's name, as it stands in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Retire => "retire",
            Self::Distrust { .. } => "distrust",
        }
    }
}

impl KeySignature {
    fn to_value(&self) -> Value {
        Value::map([
            ("public", Value::from(self.public.as_slice())),
            ("algorithm", Value::from(self.algorithm.as_str())),
            ("signature", Value::from(self.signature.as_slice())),
        ])
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let signature = Self {
            public: fields.bytes("public")?,
            algorithm: fields.text("algorithm")?,
            signature: fields.bytes("signature")?,
        };
        fields.finish()?;
        Ok(signature)
    }
}

/// An array of so many, for an error to count.
fn counted(count: usize) -> Value {
    Value::Array(vec![Value::Null; count])
}
