//! Withdrawals and holds: content that is taken out of the archive, and content that must not be.
//!
//! A **withdrawal** (letter W) says which blobs of which earlier entries are gone or kept back, by whose authority
//! and why. The entries themselves, their statements and their places in the tree stay as they are.
//!
//! | field       | type  | what                                                                                  |
//! |-------------|-------|---------------------------------------------------------------------------------------|
//! | `manner`    | text  | `erased`: the bytes are gone; `withheld`: they lie in `withheld/` and are not shown    |
//! | `reason`    | text  | why, not empty                                                                        |
//! | `authority` | text  | by whose authority, not empty                                                         |
//! | `rule`      | text  | the retention rule that asked for it, when one did                                    |
//! | `entries`   | array | maps, each entry once, in the order of the log                                        |
//!
//! | field of an entry | type  | what                                                                             |
//! |-------------------|-------|----------------------------------------------------------------------------------|
//! | `index`           | uint  | the entry, before this record                                                    |
//! | `blobs`           | array | SHA-256 of each blob that the entry's record names and that is withdrawn, ascending |
//! | `record`          | map   | only when the record's own bytes are withdrawn: what other records need of it     |
//!
//! `record` has `sha256` and `kind`, and by kind: `capture` with `document`, `sequence` and, but for the first,
//! `previous`; `check` with `document` and `capture`; `provision` with `capture`. So the chain of captures can be
//! followed past an erased record, on the word of whoever signed the withdrawal. Records of other kinds are never
//! withdrawn: without them nothing else could be read.
//!
//! ```text
//! {"v": 1, "kind": "withdrawal", "made": 1679315147000000, "after": {"root": h'e3b0…b855', "size": 7, "tokens": []},
//!  "index": 7, "manner": "erased", "origin": "affiant.example/log", "reason": "erasure asked for under GDPR Art. 17",
//!  "entries": [{"blobs": [h'2c26…e7ae', h'fcde…18d9'], "index": 2}], "authority": "data protection officer",
//!  "software": {"name": "affiant", "commit": "unknown", "version": "0.1.0"}}
//! ```
//!
//! Rules. A withdrawal speaks of entry and blob together: the same bytes captured again later are that later entry's,
//! and not withdrawn. Every earlier entry that names an erased blob is listed, so that whatever is absent and not
//! listed is missing. Bytes are withheld by one withdrawal and may be erased by a later one.
//!
//! A **hold** (letter H) forbids withdrawing: `reason`, `authority` when given, and either `entries` (indexes,
//! ascending; a document stands for its whole history, past and to come) or `releases`, the index of the hold that it
//! ends. Holds are records and not settings, because a line in a file can be taken out by whoever wants to erase, and
//! nobody would see that it was ever there.
//!
//! To verify a withdrawal of blob *b* of entry *n*:
//! 1. Verify the withdrawal's own signature and place in the log, as of any record; its index is above *n*.
//! 2. Find *n* in `entries` and *b* in its `blobs`, or *b* as its `record.sha256`.
//! 3. What is so named is *not shown*; never *holds*, and never *missing*.

use super::field::{FieldError, Fields, push_optional};

use crate::base::cbor::Value;
use crate::base::hash::Hash;

/// Content that is taken out of the archive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Withdrawal {
    /// What becomes of the bytes.
    pub manner: Manner,
    /// Why.
    pub reason: String,
    /// By whose authority.
    pub authority: String,
    /// The retention rule that asked for it, when one did.
    pub rule: Option<String>,
    /// What is withdrawn, by entry, in the order of the log.
    pub entries: Vec<WithdrawnEntry>,
}

/// What becomes of withdrawn bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Manner {
    /// They are gone.
    Erased,
    /// They are kept apart and not shown.
    Withheld,
}

/// What is withdrawn of one entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WithdrawnEntry {
    /// The entry.
    pub index: u64,
    /// The blobs that its record names and that are withdrawn, ascending.
    pub blobs: Vec<Hash>,
    /// What others need of its record, when that is withdrawn too.
    pub record: Option<WithdrawnRecord>,
}

/// What other records need of one whose bytes are withdrawn.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WithdrawnRecord {
    /// SHA-256 of its bytes, as its statement has it.
    pub sha256: Hash,
    /// Its place among the others.
    pub link: Link,
}

/// A withdrawn record's place among the others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// It was a capture.
    Capture {
        /// Of this document.
        document: u64,
        /// With this place in its history.
        sequence: u64,
        /// After the capture whose statement has this hash.
        previous: Option<Hash>,
    },
    /// It was a check.
    Check {
        /// Of this document.
        document: u64,
        /// Confirming this capture.
        capture: u64,
    },
    /// It was a passage.
    Provision {
        /// Of this capture.
        capture: u64,
    },
}

/// What must not be withdrawn, or may be again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hold {
    /// What it does.
    pub act: HoldAct,
    /// Why.
    pub reason: String,
    /// By whose authority, when that was said.
    pub authority: Option<String>,
}

/// What a hold's record does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HoldAct {
    /// Forbids withdrawing of these entries, ascending.
    Place(Vec<u64>),
    /// Ends an earlier hold.
    Release(u64),
}

impl Withdrawal {
    /// Returns what is withdrawn of an entry.
    #[must_use]
    pub fn of(&self, index: u64) -> Option<&WithdrawnEntry> {
        let at = self.entries.binary_search_by_key(&index, |entry| entry.index).ok()?;
        self.entries.get(at)
    }

    /// Returns every blob that is withdrawn, records included, each once and ascending.
    #[must_use]
    pub fn hashes(&self) -> Vec<Hash> {
        let mut hashes: Vec<Hash> = self.entries.iter().flat_map(WithdrawnEntry::hashes).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("manner", Value::from(self.manner.as_str())),
            ("reason", Value::from(self.reason.as_str())),
            ("authority", Value::from(self.authority.as_str())),
            ("entries", Value::Array(self.entries.iter().map(WithdrawnEntry::to_value).collect())),
        ];
        push_optional(&mut fields, "rule", self.rule.as_deref());
        fields
    }

    /// Takes the fields of the withdrawal at `index`.
    pub(super) fn from_fields(fields: &mut Fields, index: u64) -> Result<Self, FieldError> {
        let manner = fields.text("manner")?;
        let manner = Manner::from_str(&manner)
            .ok_or_else(|| fields.wrong("manner", "`erased` or `withheld`", &Value::from(manner)))?;
        let reason = spoken(fields, "reason")?;
        let authority = spoken(fields, "authority")?;
        let rule = fields.optional_text("rule")?;
        let entries: Vec<WithdrawnEntry> =
            fields.maps("entries")?.into_iter().map(WithdrawnEntry::from_fields).collect::<Result<_, _>>()?;
        let is_ordered = entries.is_sorted_by(|a, b| a.index < b.index);
        if !is_ordered || entries.last().is_none_or(|last| last.index >= index) {
            return Err(fields.wrong("entries", "earlier entries, each once, in order", &Value::Array(Vec::new())));
        }
        Ok(Self { manner, reason, authority, rule, entries })
    }
}

impl Manner {
    /// Returns the manner's name, as it stands in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Withheld => "withheld",
        }
    }

    fn from_str(text: &str) -> Option<Self> {
        [Self::Erased, Self::Withheld].into_iter().find(|manner| manner.as_str() == text)
    }
}

impl WithdrawnEntry {
    /// Says whether a blob is withdrawn, the record's own bytes included.
    #[must_use]
    pub fn names(&self, blob: Hash) -> bool {
        self.blobs.binary_search(&blob).is_ok() || self.record.as_ref().is_some_and(|record| record.sha256 == blob)
    }

    /// Returns every blob that is withdrawn, the record's own bytes last.
    pub fn hashes(&self) -> impl Iterator<Item = Hash> {
        self.blobs.iter().copied().chain(self.record.as_ref().map(|record| record.sha256))
    }

    fn to_value(&self) -> Value {
        let blobs = self.blobs.iter().copied().map(Value::from).collect();
        let mut fields = vec![("index", Value::from(self.index)), ("blobs", Value::Array(blobs))];
        push_optional(&mut fields, "record", self.record.as_ref().map(WithdrawnRecord::to_value));
        Value::map(fields)
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let index = fields.unsigned("index")?;
        let blobs = fields.hashes("blobs")?;
        let record = fields.optional_map("record")?.map(WithdrawnRecord::from_fields).transpose()?;
        if !blobs.is_sorted_by(|a, b| a < b) || (blobs.is_empty() && record.is_none()) {
            return Err(fields.wrong("blobs", "hashes, each once, ascending", &Value::Array(Vec::new())));
        }
        fields.finish()?;
        Ok(Self { index, blobs, record })
    }
}

impl WithdrawnRecord {
    fn to_value(&self) -> Value {
        let mut fields = vec![("sha256", Value::from(self.sha256)), ("kind", Value::from(self.link.kind()))];
        match self.link {
            Link::Capture { document, sequence, previous } => {
                fields.extend([("document", Value::from(document)), ("sequence", Value::from(sequence))]);
                push_optional(&mut fields, "previous", previous);
            }
            Link::Check { document, capture } => {
                fields.extend([("document", Value::from(document)), ("capture", Value::from(capture))]);
            }
            Link::Provision { capture } => fields.push(("capture", Value::from(capture))),
        }
        Value::map(fields)
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let sha256 = fields.hash("sha256")?;
        let kind = fields.text("kind")?;
        let link = match kind.as_str() {
            "capture" => Link::Capture {
                document: fields.unsigned("document")?,
                sequence: fields.unsigned("sequence")?,
                previous: fields.optional_hash("previous")?,
            },
            "check" => Link::Check { document: fields.unsigned("document")?, capture: fields.unsigned("capture")? },
            "provision" => Link::Provision { capture: fields.unsigned("capture")? },
            _ => return Err(fields.wrong("kind", "`capture`, `check` or `provision`", &Value::from(kind))),
        };
        fields.finish()?;
        Ok(Self { sha256, link })
    }
}

impl Link {
    /// Returns the document that the withdrawn record was of, when it says so itself.
    #[must_use]
    pub fn document(&self) -> Option<u64> {
        match self {
            Self::Capture { document, .. } | Self::Check { document, .. } => Some(*document),
            Self::Provision { .. } => None,
        }
    }

    /// Returns the withdrawn record's kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Capture { .. } => "capture",
            Self::Check { .. } => "check",
            Self::Provision { .. } => "provision",
        }
    }

    /// Returns the letter of the withdrawn record's kind.
    #[must_use]
    pub fn letter(&self) -> char {
        match self {
            Self::Capture { .. } => 'C',
            Self::Check { .. } => 'V',
            Self::Provision { .. } => 'P',
        }
    }
}

impl Hold {
    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        let act = match &self.act {
            HoldAct::Place(entries) => ("entries", Value::Array(entries.iter().copied().map(Value::from).collect())),
            HoldAct::Release(hold) => ("releases", Value::from(*hold)),
        };
        let mut fields = vec![("reason", Value::from(self.reason.as_str())), act];
        push_optional(&mut fields, "authority", self.authority.as_deref());
        fields
    }

    /// Takes the fields of the hold at `index`.
    pub(super) fn from_fields(fields: &mut Fields, index: u64) -> Result<Self, FieldError> {
        let reason = spoken(fields, "reason")?;
        let authority = fields.optional_text("authority")?;
        let act = if let Some(hold) = fields.optional_unsigned("releases")? {
            HoldAct::Release(hold)
        } else {
            let entries = fields.array("entries")?;
            let of = |entry: &Value| {
                entry.as_unsigned().ok_or_else(|| fields.wrong("entries", "an array of indexes", entry))
            };
            HoldAct::Place(entries.iter().map(of).collect::<Result<_, _>>()?)
        };
        let is_earlier = match &act {
            HoldAct::Release(hold) => *hold < index,
            HoldAct::Place(entries) => {
                entries.is_sorted_by(|a, b| a < b) && entries.last().is_some_and(|last| *last < index)
            }
        };
        if !is_earlier {
            return Err(fields.wrong("entries", "earlier entries, each once, in order", &Value::Array(Vec::new())));
        }
        Ok(Self { act, reason, authority })
    }
}

/// Takes a text that says something.
fn spoken(fields: &mut Fields, key: &str) -> Result<String, FieldError> {
    let text = fields.text(key)?;
    if text.trim().is_empty() {
        return Err(fields.wrong(key, "a text that says something", &Value::from(text)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Time;
    use crate::evidence::record::{After, Body, Record, Software};

    fn record(body: Body) -> Record {
        Record {
            origin: "affiant.example/log".to_owned(),
            index: 7,
            made: Time::from_seconds(1_679_315_147).unwrap(),
            after: After { size: 7, root: Hash::of(b""), tokens: Vec::new() },
            software: Software { name: "affiant".into(), version: "0.1.0".into(), commit: "unknown".into() },
            key_record: None,
            body,
        }
    }

    fn withdrawal() -> Withdrawal {
        let mut blobs = vec![Hash::of(b"foo"), Hash::of(b"bar")];
        blobs.sort_unstable();
        let link = Link::Capture { document: 1, sequence: 2, previous: Some(Hash::of(b"before")) };
        let record = Some(WithdrawnRecord { sha256: Hash::of(b"record"), link });
        Withdrawal {
            manner: Manner::Erased,
            reason: "erasure asked for under GDPR Art. 17".into(),
            authority: "data protection officer".into(),
            rule: None,
            entries: vec![
                WithdrawnEntry { index: 2, blobs: blobs.clone(), record: None },
                WithdrawnEntry { index: 5, blobs, record },
            ],
        }
    }

    /// The example of the page, written by hand from RFC 8949.
    #[test]
    fn writes_the_example_of_its_page() {
        let mut example = withdrawal();
        example.entries.truncate(1);
        let bytes = record(Body::Withdrawal(example.clone())).encode();
        let reading = Record::read_out(&bytes).unwrap();
        let expected = serde_json::json!({
            "v": 1, "kind": "withdrawal", "made": "2023-03-20T12:25:47Z", "index": 7, "manner": "erased",
            "after": {"root": Hash::of(b"").to_string(), "size": 7, "tokens": []},
            "origin": "affiant.example/log", "reason": "erasure asked for under GDPR Art. 17",
            "entries": [{"blobs": ["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"], "index": 2}],
            "authority": "data protection officer",
            "software": {"name": "affiant", "commit": "unknown", "version": "0.1.0"},
        });
        assert_eq!(reading, expected);
        assert_eq!(Record::decode(&bytes).unwrap().body, Body::Withdrawal(example));
        let independent: serde_cbor::Value = serde_cbor::from_slice(&bytes).unwrap();
        assert_eq!(serde_cbor::to_vec(&independent).unwrap().len(), bytes.len());
    }

    #[test]
    fn gives_back_what_it_took_and_refuses_every_other_form() {
        let whole = withdrawal();
        let decoded = |withdrawal: &Withdrawal| Record::decode(&record(Body::Withdrawal(withdrawal.clone())).encode());
        assert_eq!(decoded(&whole).unwrap().body, Body::Withdrawal(whole.clone()));
        let refused: [fn(&mut Withdrawal); 8] = [
            |withdrawal| withdrawal.reason.clear(),
            |withdrawal| withdrawal.authority = " ".into(),
            |withdrawal| withdrawal.entries.clear(),
            |withdrawal| withdrawal.entries.reverse(),
            |withdrawal| withdrawal.entries[1].index = 2,
            |withdrawal| withdrawal.entries[1].index = 7,
            |withdrawal| withdrawal.entries[0].blobs.reverse(),
            |withdrawal| withdrawal.entries[0].blobs.clear(),
        ];
        for (number, forge) in refused.iter().enumerate() {
            let mut forged = whole.clone();
            forge(&mut forged);
            assert!(decoded(&forged).is_err(), "{number}");
        }
        assert!(whole.of(5).unwrap().names(Hash::of(b"record")) && !whole.of(2).unwrap().names(Hash::of(b"record")));
        assert_eq!(whole.of(3), None);
        assert_eq!(whole.hashes().len(), 3);
    }

    #[test]
    fn a_hold_places_or_releases() {
        let hold = |act| Hold { act, reason: "matter 2026-14".into(), authority: Some("counsel".into()) };
        let decoded = |hold: &Hold| Record::decode(&record(Body::Hold(hold.clone())).encode());
        for act in [HoldAct::Place(vec![1, 4]), HoldAct::Release(3)] {
            assert_eq!(decoded(&hold(act.clone())).unwrap().body, Body::Hold(hold(act)));
        }
        for act in [HoldAct::Place(vec![]), HoldAct::Place(vec![4, 1]), HoldAct::Place(vec![7]), HoldAct::Release(7)] {
            assert!(decoded(&hold(act.clone())).is_err(), "{act:?}");
        }
    }
}
