//! An entry by itself: its statement signed by the archive's key, its record whole, and both where they say they are.

use super::blobs::Blobs;
use super::report::{AuditReport, Damage};
use super::tree::Kept;

use crate::archivist::read::Log;
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::id::Prefix;
use crate::evidence::record::{Body, Genesis, Record};
use crate::evidence::statement::Statement;
use crate::evidence::succession::Succession;
use crate::outside::archive::Archive;
use crate::outside::archive::members::MemberReader;

/// What entry 0 says of every other entry.
pub(super) struct Founding {
    pub(super) origin: String,
    pub(super) prefix: Prefix,
    /// Which keys counted where, as far as it can be read.
    pub(super) succession: Option<Succession>,
}

/// An entry, as far as it can be read.
pub(super) struct Examined {
    pub(super) index: u64,
    /// The root over the entries up to this one; nothing when one of them is lost.
    pub(super) root: Option<Hash>,
    /// The statement's hash, and the record.
    pub(super) entry: Option<(Hash, Record)>,
    pub(super) damage: Vec<Damage>,
    pub(super) lost_record: Option<LostRecord>,
    /// What is said of the key, where it came to be distrusted.
    pub(super) distrusted: Option<String>,
}

/// A record that is not to be had.
pub(super) struct LostRecord {
    pub(super) sha256: Hash,
    pub(super) part: String,
    pub(super) statement: Hash,
}

impl Founding {
    /// Reads what entry 0 says. Where it says nothing, the settings' word is taken, and no signature is checked.
    pub(super) fn read(
        archive: &Archive,
        blobs: &Blobs,
        size: u64,
        report: &mut AuditReport,
    ) -> (Self, Option<Genesis>) {
        let settings = archive.settings();
        let mut founding = Self { origin: settings.origin.clone(), prefix: settings.prefix.clone(), succession: None };
        let record = MemberReader::new(archive.packs()).ok().and_then(|mut reader| {
            let statement = Statement::decode(&archive.statement(0, size).ok()?).ok()?;
            Record::decode(&blobs.read(statement.claim.record, &mut reader)?).ok()
        });
        let Some(Record { body: Body::Genesis(genesis), origin, .. }) = record else { return (founding, None) };
        founding.origin = origin;
        if let Ok(prefix) = Prefix::new(&genesis.prefix) {
            founding.prefix = prefix;
        }
        let first = Succession::begin(&genesis, &founding.origin);
        let whole = Log::at(archive, size).succession();
        if let Err(error) = &whole {
            let cost = "which keys counted from there on cannot be told: later signatures are not to be relied on";
            report.damage("keys", with_causes(error), cost);
        }
        founding.succession = Some(whole.unwrap_or(first));
        (founding, Some(genesis))
    }
}

/// Checks what can be checked of an entry by itself.
pub(super) fn examine(kept: &Kept, founding: &Founding, blobs: &Blobs, reader: &mut MemberReader) -> Examined {
    let mut examined = Examined {
        index: kept.index,
        root: kept.root,
        entry: None,
        damage: Vec::new(),
        lost_record: None,
        distrusted: None,
    };
    let index = kept.index;
    let Some(bytes) = &kept.statement else { return examined };
    let cost = "the archive's word on this entry cannot be shown";
    let Examined { damage, distrusted, .. } = &mut examined;
    let mut wrong =
        |found: String| damage.push(Damage { thing: format!("entry {index}"), found, cost: cost.to_owned() });
    let statement = match Statement::decode(bytes) {
        Ok(statement) => statement,
        Err(error) => {
            wrong(with_causes(&error));
            return examined;
        }
    };
    if let Some(found) = founding.succession.as_ref().and_then(|keys| keys.objection(&statement, index)) {
        if founding.succession.as_ref().is_some_and(|keys| keys.is_distrusted(&statement, index)) {
            *distrusted = Some(found);
        } else {
            wrong(found);
        }
    }
    let claim = &statement.claim;
    if claim.issuer != founding.origin {
        wrong(format!("issued by `{}`, expected `{}`", claim.issuer, founding.origin));
    }
    let part = format!("the record of {}, and with it what it says of its files,", claim.subject);
    let Some(record_bytes) = blobs.read(claim.record, reader) else {
        examined.lost_record = Some(LostRecord { sha256: claim.record, part, statement: statement.entry() });
        return examined;
    };
    let record = match Record::decode(&record_bytes) {
        Ok(record) => record,
        Err(error) => {
            wrong(with_causes(&error));
            return examined;
        }
    };
    let id = record.id(&founding.prefix).to_string();
    if record.index != index {
        wrong(format!("its record says that it is entry {}", record.index));
        return examined;
    }
    if record.origin != founding.origin {
        wrong(format!("its record is of `{}`, expected `{}`", record.origin, founding.origin));
    }
    if claim.subject != id {
        wrong(format!("its statement is about `{}`, its record is `{id}`", claim.subject));
    }
    if claim.issued_at != record.made.to_second() {
        wrong(format!("its statement was issued at {}, its record made at {}", claim.issued_at, record.made));
    }
    examined.entry = Some((statement.entry(), record));
    examined
}
