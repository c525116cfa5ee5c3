//! Bundle: everything a stranger needs about some records, in one file.
//!
//! The entries are collected by following what each record leans on, back to entry 0; every proof is over the
//! checkpoint that is published now. The same archive at the same checkpoint gives the same bytes. The file
//! is written under a passing name and renamed when it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::anchors::anchors_for;
use super::append::software;
use super::cite::{CiteError, cite};
use super::custody::lines_about;
use super::progress::Progress;
use super::read::{Log, Prover, ReadError};
use super::withdrawn::Withdrawn;
use super::withhold::{WithholdError, Withholding, withhold};

use crate::base::hash::{Hash, Hashing};
use crate::base::id::Id;
use crate::evidence::bundle::annex;
use crate::evidence::bundle::layout::{self, Lean};
use crate::evidence::bundle::write::{Blobs, Draft, Part, Prepared, WriteError};
use crate::evidence::bundle::zip::ZipError;
use crate::evidence::endorsement::EndorsementBytes;
use crate::evidence::statement::Statement;
use crate::evidence::withheld::Withheld;
use crate::log::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::log::proof::Proof;
use crate::log::receipt::{Receipt, ReceiptClaims, ReceiptError};
use crate::log::vkey::VerifierKey;
use crate::outside::archive::Archive;
use crate::outside::archive::durable::{self, Existing, Passing};
use crate::outside::archive::packs::Packs;
use crate::outside::keys::{KeysError, SecretKeys};

/// What is wanted of a bundle.
#[derive(Clone, Debug)]
pub struct BundleOrder {
    /// The subjects.
    pub ids: Vec<Id>,
    /// Where it is to lie.
    pub target: PathBuf,
    /// What to do when a file lies there already.
    pub existing: Existing,
    /// Whether it is to hold what was noted of its subjects in `custody.jsonl`.
    pub custody: CustodyNotes,
    /// Who vouches for the log's keys.
    pub endorsements: Vec<EndorsementBytes>,
    /// What it is to withhold.
    pub withholding: Option<Withholding>,
}

/// Whether a bundle holds the archive's notes about what was taken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CustodyNotes {
    /// It does, as far as they are about its subjects.
    Include,
    /// It does not, and is the same whenever it is made.
    #[default]
    Leave,
}

/// A bundle that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BundleMade {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Hash,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What it is about, in the order of the log.
    pub subjects: Vec<Id>,
    /// How many entries it holds, those it leans on included.
    pub entry_count: usize,
    /// What is withheld of its subjects.
    pub withheld: Vec<(Id, Withheld)>,
}

/// Makes a bundle about the records that are asked for.
///
/// # Errors
/// A [`BundleError`]. Nothing is left at the target, or what lay there.
pub fn bundle(
    archive: &Archive,
    keys: &SecretKeys,
    order: &BundleOrder,
    progress: &dyn Progress,
) -> Result<BundleMade, BundleError> {
    let act = progress.begin("bundling", None);
    let (log, head) = Log::published(archive)?;
    let keys = &fitting(&log, keys)?;
    let mut draft = Collecting::new(&log, &head, keys)?.collect(&order.ids)?;
    if let Some(withholding) = &order.withholding {
        withhold(&log, &mut draft, withholding)?;
    }
    if order.custody == CustodyNotes::Include {
        draft.annexes.insert(annex::CUSTODY.to_owned(), lines_about(archive, &order.ids)?);
    }
    for EndorsementBytes { name, cms, beside } in &order.endorsements {
        let file = |ending: &str| format!("{}{name}{ending}", annex::ENDORSEMENTS);
        draft.annexes.insert(file(".cms"), cms.clone());
        draft.annexes.extend(beside.clone().map(|text| (file(".txt"), text)));
    }
    act.advance(count(draft.entries.len()));
    let blobs = PackBlobs(archive.packs());
    let prepared = Prepared::new(&draft, &keys.statement, &blobs)?;
    let mut file = Hashing::new(Passing::create(&order.target, order.existing)?);
    prepared.write(&blobs, &mut file)?;
    let (passing, sha256) = file.finish();
    passing.place(order.existing)?;
    let subjects = draft.subjects.iter().filter_map(|index| Some(draft.entries.get(index)?.id.clone())).collect();
    let withheld = draft.withheld.iter();
    let withheld =
        withheld.filter_map(|(index, (withheld, _))| Some((draft.entries.get(index)?.id.clone(), withheld.clone())));
    let withheld = withheld.collect();
    Ok(BundleMade {
        path: order.target.clone(),
        sha256,
        size_bytes: prepared.size_bytes(),
        subjects,
        entry_count: draft.entries.len(),
        withheld,
    })
}

/// Chooses the keys that count where the log ends: a change that was cut short leaves them under other names.
fn fitting(log: &Log<'_>, keys: &SecretKeys) -> Result<SecretKeys, BundleError> {
    let succession = log.succession()?;
    let last = log.size().saturating_sub(1);
    let statement = succession.statement_key(last).ok_or(ReadError::NotGenesis)?;
    Ok(keys.fit(&statement, &succession.checkpoint_keys(last))?)
}

/// The entries of a bundle while they are collected.
struct Collecting<'a> {
    log: &'a Log<'a>,
    prover: Prover<'a>,
    head: &'a SignedCheckpoint,
    keys: &'a SecretKeys,
    vkey: VerifierKey,
    draft: Draft,
}

impl<'a> Collecting<'a> {
    fn new(log: &'a Log<'a>, head: &'a SignedCheckpoint, keys: &'a SecretKeys) -> Result<Self, BundleError> {
        let verifiers: Vec<VerifierKey> = keys.checkpoint.iter().map(|key| key.verifier().clone()).collect();
        head.verify(&verifiers)?;
        let vkey = verifiers.into_iter().find(|key| key.key().as_bytes() == keys.log.public().as_bytes());
        let vkey = vkey.ok_or(BundleError::NoLogKey)?;
        let software = software();
        let draft = Draft {
            entries: BTreeMap::new(),
            subjects: BTreeSet::new(),
            checkpoint: head.encode(),
            citations: BTreeMap::new(),
            anchors: Vec::new(),
            withheld: BTreeMap::new(),
            annexes: BTreeMap::new(),
            software: format!("{} {}", software.name, software.version),
        };
        Ok(Self { log, prover: log.prover(), head, keys, vkey, draft })
    }

    fn collect(mut self, ids: &[Id]) -> Result<Draft, BundleError> {
        let mut dated = Vec::new();
        for id in ids {
            let entry = match self.log.find(&id.to_string()) {
                Ok((entry, _)) => Some(entry),
                Err(ReadError::Withdrawn { .. }) if self.log.is_withdrawn(&id.to_string()) => None,
                Err(error) => return Err(error.into()),
            };
            if let Some(entry) = entry.as_ref().filter(|entry| entry.record.body.visit().is_some()) {
                self.draft.citations.insert(id.index, cite(self.log, entry, None)?);
            }
            // Size 0 is never dated: a record that names no token takes no anchor along for it.
            let after = entry.map(|entry| entry.record.after).filter(|after| !after.tokens.is_empty());
            let named = after.map_or(0, |after| after.size);
            dated.push((id.index, named));
            self.draft.subjects.insert(id.index);
        }
        let newest_key_record = self.log.key_records()?.last().copied();
        let mut waiting: Vec<u64> = self.draft.subjects.iter().copied().chain([0]).chain(newest_key_record).collect();
        while let Some(index) = waiting.pop() {
            if self.draft.entries.contains_key(&index) {
                continue;
            }
            let (whole, leans) = match self.log.entry(index) {
                Ok(entry) => {
                    let leans = layout::leans_on(&entry.record);
                    (Whole { id: entry.id, statement: entry.statement, record: Some(entry.record_bytes) }, leans)
                }
                Err(ReadError::Withdrawn { withdrawn, .. }) => self.withdrawn(index, &withdrawn)?,
                Err(error) => return Err(error.into()),
            };
            for lean in leans {
                waiting.push(self.index_of(&whole.id, lean)?);
            }
            waiting.extend(self.log.withdrawn(index)?.iter().map(|withdrawn| withdrawn.id.index));
            let part = self.part(whole)?;
            self.draft.entries.insert(index, part);
        }
        self.draft.anchors = anchors_for(self.log, &dated)?;
        Ok(self.draft)
    }

    /// Takes an entry whose record was withdrawn.
    fn withdrawn(&self, index: u64, withdrawn: &Withdrawn) -> Result<(Whole, Vec<Lean>), BundleError> {
        let record = withdrawn.entry.record.as_ref().expect("a record that is withdrawn is named");
        let bytes = self.log.archive().statement(index, self.log.size()).map_err(ReadError::from)?;
        let statement = Statement::decode(&bytes).map_err(|source| ReadError::Statement { index, source })?;
        let id = Id { prefix: withdrawn.id.prefix.clone(), letter: record.link.letter(), index };
        Ok((Whole { id, statement, record: None }, layout::leans_on_withdrawn(record)))
    }

    fn index_of(&self, id: &Id, lean: Lean) -> Result<u64, BundleError> {
        let found = match lean {
            Lean::Index(index) => Some(index),
            Lean::Statement(statement) => self.log.find_entry(statement, id.index)?,
        };
        found.ok_or_else(|| BundleError::BrokenChain { id: id.to_string(), lean })
    }

    /// Proves one entry's place, twice: for tlog tools and for SCITT tools.
    fn part(&self, entry: Whole) -> Result<Part, BundleError> {
        let (inclusion, _) = self.prover.inclusion(entry.id.index)?;
        let checkpoint = self.head.checkpoint();
        let (key_id, subject) = (self.vkey.id().to_be_bytes(), entry.id.to_string());
        let claims = ReceiptClaims { key_id: &key_id, origin: checkpoint.origin.as_str(), subject: &subject };
        // Making the receipt verifies the inclusion proof, which came from tiles that nobody had checked.
        let sign = |message: &[u8]| self.keys.log.sign(message);
        let receipt = Receipt::make(&claims, entry.statement.entry(), checkpoint.root, inclusion.clone(), sign)?;
        Ok(Part {
            id: entry.id,
            record: entry.record,
            statement: entry.statement.as_bytes().to_vec(),
            proof: Proof::new(inclusion, self.draft.checkpoint.clone()).encode(),
            receipt: receipt.encode(),
        })
    }
}

/// An entry as it goes into a bundle, its record only where it was not withdrawn.
struct Whole {
    id: Id,
    statement: Statement,
    record: Option<Vec<u8>>,
}

/// The archive's blobs.
struct PackBlobs<'a>(&'a Packs);

impl Blobs for PackBlobs<'_> {
    fn copy(&self, blob: Hash, target: &mut dyn Write) -> io::Result<()> {
        self.0.copy(blob, target).map(drop).map_err(io::Error::other)
    }
}

/// Returns the name that a bundle gets when none is asked for: its first subject's id.
#[must_use]
pub fn default_name(ids: &[Id]) -> PathBuf {
    let first = ids.first().map_or_else(|| "bundle".to_owned(), |id| id.to_string().to_ascii_lowercase());
    Path::new(&format!("{first}.zip")).to_owned()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits in 64 bits")
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum BundleError {
    #[error("{id} names an earlier entry ({lean}) that the log does not have")]
    BrokenChain { id: String, lean: Lean },
    #[error("the published checkpoint is not signed by these keys")]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Cite(#[from] CiteError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the keyring's key for receipts is not one of those that sign checkpoints")]
    NoLogKey,
    #[error(transparent)]
    Prepare(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("receipt")]
    Receipt(#[from] ReceiptError),
    #[error(transparent)]
    Withhold(#[from] WithholdError),
    #[error(transparent)]
    Write(#[from] durable::WriteError),
    #[error(transparent)]
    Zip(#[from] ZipError),
}
