//! Reading a bundle: the same bytes whether it lies in a ZIP, in a folder or in memory.
//!
//! Opening hashes every file once and finds what is wrong with the container; the verifier then asks for
//! entries and blobs by index and hash. Nothing is trusted for lying in the right place: a name only says
//! where to look.
//!
//! | quantity     | unit  | range                                               |
//! |--------------|-------|-----------------------------------------------------|
//! | members      | count | as [`super::zip`]                                   |
//! | tag file     | bytes | as [`super::bag`]                                   |
//! | record       | bytes | as [`crate::evidence::record`]                      |
//! | small file   | bytes | at most [`SMALL_FILE_BYTES_MAX`]                    |
//!
//! To verify, before any subject:
//! 1. It is a BagIt 1.0 bag whose files are as its manifests say ([`super::bag`]); manifests and `bag-info.txt` are in the one
//!    spelling in which they are written.
//! 2. It names a format of [`layout`] and its subjects in `bag-info.txt`; each has its entry.
//! 3. The entries are those that the subjects lean on, the files those that [`layout`] names: no more, no fewer, but for
//!    the annexes of [`super::annex`] from format 2 on.
//! 4. `tagmanifest-sha256.txt.sig` is a seal over the tag manifest by the statement key that counts at the checkpoint, and
//!    so is `record.cbor.sig` over each subject's record. Entry 0 and the key records say which that is.
//! 5. `data/keys/…` are the keys that count there; each `record.json` reads out its record.
//!
//! What contradicts fails. What is absent is *missing*, and nothing can be told without it: that somebody
//! took a file away shows no other alteration.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

use super::annex;
use super::bag::{self, Fault, Version};
use super::folder::Folder;
use super::layout::{self, BundleKeys, Entries, LayoutError, Lean};
use super::seal::{BUNDLE_NAMESPACE, RECORD_NAMESPACE, Seal};
use super::write::reading;

use crate::base::causes::with_causes;
use crate::base::hash::{Hash, Hashing};
use crate::base::id::{CheckCharacter, Id};
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::endorsement::{self, EndorsementBytes};
use crate::evidence::parts;
use crate::evidence::record::{self, Body, Record};
use crate::evidence::succession::Succession;
use crate::evidence::verify::source::{BlobFound, EntryBytes, EntryProof, Source, SourceError, WithheldBytes};
use crate::evidence::verify::{Check, Finding};
use crate::evidence::withheld::{self, Withheld};
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::key::Ed25519PublicKey;

/// The longest statement, proof, receipt, seal, key or checkpoint that is read: what a note may have.
pub const SMALL_FILE_BYTES_MAX: usize = 1 << 20;

/// The label of the layout's number in `bag-info.txt`.
const FORMAT_LABEL: &str = "Affiant-Bundle-Format";

/// The label of a subject in `bag-info.txt`.
const SUBJECT_LABEL: &str = "External-Identifier";

/// A bundle that was read through once.
pub struct Bundle<F> {
    folder: F,
    names: BTreeSet<String>,
    sha256: BTreeMap<String, Hash>,
    subjects: Vec<Id>,
    /// The id of each entry's folder, by index.
    ids: BTreeMap<u64, Id>,
    /// Where each blob must lie.
    places: BTreeMap<(u64, Hash), String>,
    statements: BTreeMap<Hash, u64>,
    anchors: BTreeMap<u64, AnchorBytes>,
    /// What is withheld of subjects, by index.
    withheld: BTreeMap<u64, Withheld>,
    /// Which withdrawals speak of each entry.
    withdrawals: BTreeMap<u64, Vec<u64>>,
    /// Whether the format is not the one that has no annexes.
    has_annexes: bool,
    /// The key records, ascending.
    key_records: Vec<u64>,
    findings: Vec<Finding>,
}

impl<F: Folder> Bundle<F> {
    /// Reads a bundle through: every file is hashed, none is believed.
    pub fn open(folder: F) -> Self {
        let report = bag::validate(&folder);
        let names = folder.names().into_iter().collect();
        let mut bundle = Self {
            folder,
            names,
            sha256: report.sha256.clone(),
            subjects: Vec::new(),
            ids: BTreeMap::new(),
            places: BTreeMap::new(),
            statements: BTreeMap::new(),
            anchors: BTreeMap::new(),
            withheld: BTreeMap::new(),
            withdrawals: BTreeMap::new(),
            has_annexes: false,
            key_records: Vec::new(),
            findings: Vec::new(),
        };
        bundle.report_bag(&report);
        bundle.check_spelling(&report.metadata);
        bundle.read_subjects(&report.metadata);
        let entries = bundle.read_entries();
        let is_whole = bundle.check_entries(&entries);
        bundle.check_names(&entries, is_whole);
        let is_there = |record: &Record| record.key_record.is_none_or(|at| entries.records.contains_key(&at));
        match layout::succession(&entries) {
            // Which keys count cannot be told, which is said of the entry that is not there.
            Ok(_) if !entries.records.values().all(|(_, record)| is_there(record)) => {}
            Ok(succession) => bundle.check_keys_and_seals(&succession, &entries),
            Err(LayoutError::NoGenesis) => bundle.missing("entry 0, which names the archive's keys", "no record of it"),
            Err(error) => bundle.fails("key records that follow one another", with_causes(&error)),
        }
        bundle.check_readings(&entries);
        if bundle.findings.is_empty() {
            let found = format!("{} files as sealed by the key that entry 0 names", bundle.names.len());
            bundle.findings.push(Finding::holds(Check::Files, found, "who vouches for the archive's key"));
        }
        bundle
    }

    /// Returns what the bundle says it is about, in its order.
    #[must_use]
    pub fn subjects(&self) -> &[Id] {
        &self.subjects
    }

    /// Returns the SHA-256 of the file that lists all others, by which a bundle is told from another.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn tag_manifest_sha256(&self) -> Result<Hash, SourceError> {
        self.hash(bag::TAG_MANIFEST_NAME, &mut io::sink())
    }

    fn fails(&mut self, expected: impl Into<String>, found: impl Into<String>) {
        self.findings.push(Finding::fails(Check::Files, expected, found));
    }

    fn missing(&mut self, expected: impl Into<String>, found: impl Into<String>) {
        self.findings.push(Finding::missing(Check::Files, expected, found));
    }

    fn report_bag(&mut self, report: &bag::Report) {
        let is_absence = |fault: &&Fault| matches!(fault, Fault::Absent { .. } | Fault::NoManifest);
        let has_absences = report.faults.iter().any(|fault| is_absence(&fault));
        for fault in &report.faults {
            match fault {
                Fault::Absent { .. } | Fault::NoManifest => self.missing("a whole bag", fault.to_string()),
                // It follows from the absence, which says more.
                Fault::WrongOxum { .. } if has_absences => {}
                _ => self.fails("a bag as its manifests say", fault.to_string()),
            }
        }
        for name in report.unlisted_tag_files.iter().filter(|name| *name != layout::SEAL) {
            // Where the tag manifest itself is absent, that is said already.
            if self.names.contains(bag::TAG_MANIFEST_NAME) {
                self.fails(format!("`{name}` in the tag manifest"), "no manifest lists it");
            }
        }
        if let Some(version) = report.version.filter(|version| *version != Version::ONE) {
            self.fails("BagIt 1.0", format!("BagIt {version} in `bagit.txt`"));
        }
    }

    /// BagIt leaves many spellings open; a bundle has the one that is written.
    fn check_spelling(&mut self, metadata: &bag::Metadata) {
        let is_plain = |name: &str, text: &str| match name {
            bag::METADATA_NAME => metadata.to_string() == text,
            _ => bag::Manifest::is_plain(text),
        };
        let bytes_max = usize::try_from(bag::TAG_FILE_BYTES_MAX).unwrap_or(usize::MAX);
        for name in [bag::METADATA_NAME, bag::MANIFEST_NAME, bag::TAG_MANIFEST_NAME] {
            // What is absent or cannot be read is said of the bag.
            let Ok(Some(bytes)) = self.read(name, bytes_max) else { continue };
            if !std::str::from_utf8(&bytes).is_ok_and(|text| is_plain(name, text)) {
                self.fails(format!("`{name}` as bundles spell it"), "another spelling");
            }
        }
    }

    fn read_subjects(&mut self, metadata: &bag::Metadata) {
        let formats: Vec<&str> = metadata.values(FORMAT_LABEL).collect();
        // Where the format is not told, which is said here, an annex is not to blame.
        self.has_annexes = formats != [layout::FIRST_FORMAT];
        if self.has_annexes && formats != [layout::FORMAT] {
            let found = format!("`{}` in `bag-info.txt`", formats.join("`, `"));
            let expected = format!("`{FORMAT_LABEL}: {}` or `{}`", layout::FIRST_FORMAT, layout::FORMAT);
            self.missing(expected, found);
        }
        for value in metadata.values(SUBJECT_LABEL) {
            match Id::parse(value) {
                Ok((id, CheckCharacter::Right)) if id.to_string() == value && !self.subjects.contains(&id) => {
                    self.subjects.push(id);
                }
                _ => self.fails("citation ids in `bag-info.txt`, each once", format!("`{SUBJECT_LABEL}: {value}`")),
            }
        }
        if self.subjects.is_empty() {
            self.missing(format!("a subject, `{SUBJECT_LABEL}` in `bag-info.txt`"), "none");
        }
    }

    /// Reads the records, which say what else there must be.
    fn read_entries(&mut self) -> Entries {
        let mut ids: Vec<Id> = self.names.iter().filter_map(|name| layout::id_of_entry_file(name)).collect();
        ids.dedup();
        let mut entries = Entries { subjects: self.subjects.iter().map(|id| id.index).collect(), ..Entries::default() };
        let mut absent = Vec::new();
        for id in ids {
            if let Some(other) = self.ids.get(&id.index).filter(|other| **other != id) {
                let expected = format!("one folder for entry {}", id.index);
                let found = format!("`{}` and `{}`", layout::entry_folder(other), layout::entry_folder(&id));
                self.fails(expected, found);
                continue;
            }
            self.ids.insert(id.index, id.clone());
            let name = layout::entry_file(&id, layout::RECORD);
            let record = self.read(&name, record::SIZE_BYTES_MAX).map(|bytes| bytes.as_deref().map(Record::decode));
            match record {
                Ok(None) => absent.push((id.clone(), name)),
                Ok(Some(Ok(record))) if record.id(&id.prefix) == id => {
                    entries.records.insert(id.index, (id.clone(), record));
                }
                Ok(Some(Ok(record))) => {
                    self.fails(format!("the record of {id} in `{name}`"), record.id(&id.prefix).to_string());
                }
                Ok(Some(Err(error))) => self.fails(format!("a record in `{name}`"), error.to_string()),
                Err(error) => self.fails(format!("a record in `{name}`"), error.reason),
            }
            let statement = self.read(&layout::entry_file(&id, layout::STATEMENT), SMALL_FILE_BYTES_MAX);
            if let Ok(Some(statement)) = statement {
                self.statements.insert(Hash::of(&statement), id.index);
            }
        }
        for (id, name) in absent {
            // Whether the withdrawal is to be believed is for the verifier; here it only says what must lie there.
            match entries.withdrawn_record(id.index) {
                Some(record) if record.link.letter() == id.letter => drop(entries.withdrawn.insert(id.index, id)),
                _ => self.missing(format!("`{name}`"), "nothing"),
            }
        }
        let key_records = entries.records.values().filter(|(_, record)| matches!(record.body, Body::Key(_)));
        self.key_records = key_records.map(|(id, _)| id.index).collect();
        for index in self.ids.keys() {
            let speaking: Vec<u64> = entries.withdrawals_of(*index).map(|(at, _)| at).collect();
            if !speaking.is_empty() {
                self.withdrawals.insert(*index, speaking);
            }
        }
        self.read_withheld(&mut entries);
        entries
    }

    /// Reads what is withheld of the captures and checks that are subjects, which says what is not there; of other kinds
    /// nothing can be. Format 1 withholds nothing.
    fn read_withheld(&mut self, entries: &mut Entries) {
        let is_visit = |id: &&Id| matches!(id.letter, 'C' | 'V');
        let subjects = self.subjects.iter().filter(is_visit).filter(|_| self.has_annexes);
        let subjects = subjects.map(|id| (id.index, layout::withheld_file(id)));
        for (index, name) in subjects.collect::<Vec<_>>() {
            let parsed = match self.read(&name, withheld::SIZE_BYTES_MAX) {
                Ok(None) => continue,
                Ok(Some(bytes)) => Withheld::parse(&bytes).map_err(|error| error.to_string()),
                Err(error) => Err(error.reason),
            };
            match parsed {
                Ok(withheld) => drop(entries.withheld.insert(index, withheld)),
                Err(found) => self.fails(format!("what is withheld in `{name}`"), found),
            }
        }
        self.withheld.clone_from(&entries.withheld);
    }

    /// The entries are the subjects, entry 0, and what they lean on. Says whether all of them can be read.
    fn check_entries(&mut self, entries: &Entries) -> bool {
        for subject in self.subjects.clone() {
            match self.ids.get(&subject.index).cloned() {
                Some(id) if id == subject => {}
                Some(id) => self.fails(format!("the entry of the subject {subject}"), id.to_string()),
                None => self.missing(format!("the entry of the subject {subject}"), "nothing"),
            }
        }
        let mut reached = BTreeSet::new();
        let newest_key_record = self.key_records.last().copied();
        let mut waiting: Vec<u64> = entries.subjects.iter().copied().chain([0]).chain(newest_key_record).collect();
        // Without subjects nothing is leant on, and nothing can be superfluous.
        let mut is_whole = !self.subjects.is_empty();
        while let Some(index) = waiting.pop() {
            let (id, leans) = match (entries.records.get(&index), entries.withdrawn.get(&index)) {
                (Some((id, record)), _) => (id, layout::leans_on(record)),
                (None, Some(id)) => {
                    (id, entries.withdrawn_record(index).map(layout::leans_on_withdrawn).unwrap_or_default())
                }
                (None, None) => {
                    is_whole = false;
                    continue;
                }
            };
            if !reached.insert(index) {
                continue;
            }
            waiting.extend(self.withdrawals.get(&index).into_iter().flatten());
            is_whole &= self.follow(id, leans, &mut waiting);
        }
        // Where a link is missing, what lies behind it is not to blame.
        for (index, id) in self.ids.clone() {
            if is_whole && !reached.contains(&index) {
                let found = format!("`{}`", layout::entry_folder(&id));
                self.fails("only entries that a subject leans on", found);
            }
        }
        is_whole
    }

    /// Adds what a record leans on to those that wait; says whether all of it is there.
    fn follow(&mut self, id: &Id, leans: Vec<Lean>, waiting: &mut Vec<u64>) -> bool {
        let mut is_whole = true;
        for lean in leans {
            let earlier = match lean {
                Lean::Index(index) => self.ids.contains_key(&index).then_some(index),
                Lean::Statement(statement) => self.statements.get(&statement).copied(),
            };
            waiting.extend(earlier);
            if earlier.is_none() {
                is_whole = false;
                self.missing(format!("the entry that {id} leans on ({lean})"), "nothing");
            }
        }
        is_whole
    }

    /// Reads who dated the log. A name that is not its reply's is left for [`Self::check_names`] to refuse.
    fn read_anchors(&mut self) -> BTreeSet<String> {
        let mut expected = BTreeSet::new();
        let names: Vec<String> = self.names.iter().filter(|name| layout::anchor_of(name).is_some()).cloned().collect();
        for name in names {
            let Some((size, file)) = layout::anchor_of(&name) else { continue };
            let bytes = match self.read(&name, anchor::CHECKPOINT_BYTES_MAX) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(error) => {
                    self.fails(format!("an anchor in `{name}`"), error.reason);
                    continue;
                }
            };
            let found = self.anchors.entry(size).or_insert_with(|| AnchorBytes { size, ..AnchorBytes::default() });
            match file {
                anchor::CHECKPOINT => found.checkpoint = Some(bytes),
                anchor::CONSISTENCY => found.consistency = Some(bytes),
                anchor::RENEWAL => found.renewal = Some(bytes),
                anchor::RENEWAL_PATHS => found.renewal_paths = Some(bytes),
                reply if anchor::is_renewal_reply_name(reply, Hash::of(&bytes)) => {
                    found.renewal_replies.push((reply.to_owned(), bytes));
                }
                reply if anchor::is_reply_name(reply, Hash::of(&bytes)) => {
                    found.replies.push((reply.to_owned(), bytes));
                }
                line if anchor::is_cosignature_name(line, Hash::of(&bytes)) => {
                    found.cosignatures.push((line.to_owned(), bytes));
                }
                proof if anchor::is_proof_name(proof, Hash::of(&bytes)) => found.proofs.push((proof.to_owned(), bytes)),
                header if anchor::height_of(header).is_some() => {
                    found.headers.extend(anchor::height_of(header).map(|height| (height, bytes)));
                }
                _ => continue,
            }
            expected.insert(name);
        }
        for size in self.anchors.keys() {
            expected.extend([anchor::CHECKPOINT, anchor::CONSISTENCY].map(|file| layout::anchor_file(*size, file)));
        }
        let empty = self.anchors.values().find(|anchor| !anchor.is_said()).map(|anchor| anchor.size);
        if let Some(size) = empty {
            self.missing(
                format!("a timestamp, a cosignature or a proof in `{}`", layout::anchor_file(size, "")),
                "nothing",
            );
        }
        expected
    }

    fn check_names(&mut self, entries: &Entries, is_whole: bool) {
        let payload = entries.payload();
        let anchors = self.read_anchors();
        for (name, blob) in &payload {
            if let Some((id, hash)) = blob {
                self.places.insert((id.index, *hash), name.clone());
            }
        }
        let is_key = |name: &str| name.starts_with("data/keys/"); // Checked with what they must hold.
        let has_annexes = self.has_annexes;
        let is_annex = |name: &str| has_annexes && annex::is_annex(name);
        let tag_files = layout::TAG_FILES.iter().map(|name| (*name).to_owned());
        let expected: BTreeSet<String> = payload.into_keys().chain(tag_files).chain(anchors).collect();
        for name in expected.difference(&self.names).cloned().collect::<Vec<_>>() {
            self.missing(format!("`{name}`"), "nothing");
        }
        let has_subjects = !self.subjects.is_empty();
        let ids = || entries.records.values().map(|(id, _)| id).chain(entries.withdrawn.values());
        let is_read = |name: &str| ids().any(|id| layout::belongs_to(name, id));
        let unlisted: Vec<String> =
            self.names.difference(&expected).filter(|name| !is_key(name) && !is_annex(name)).cloned().collect();
        for name in unlisted {
            // A record that is not there does not say which files it has; its absence is said already.
            if is_whole || !layout::is_of_entry(&name) || (has_subjects && is_read(&name)) {
                self.fails("only files that the layout names", format!("`{name}`"));
            }
        }
    }

    fn check_keys_and_seals(&mut self, succession: &Succession, entries: &Entries) {
        // Where the checkpoint cannot be read, which is said of it, the newest keys are meant.
        let checkpoint = self.checkpoint().ok().flatten().and_then(|bytes| SignedCheckpoint::parse(&bytes).ok());
        let last = checkpoint.map_or(u64::MAX, |checkpoint| checkpoint.checkpoint().size.saturating_sub(1));
        match BundleKeys::at(succession, last).and_then(|keys| keys.files()) {
            Ok(keys) => self.check_keys(&keys),
            Err(error) => self.fails("the archive's keys in entry 0", error.to_string()),
        }
        let Some(key) = succession.statement_key(last) else { return };
        self.check_seal(layout::SEAL, bag::TAG_MANIFEST_NAME, BUNDLE_NAMESPACE, &key);
        for index in &entries.subjects {
            if let Some((id, _)) = entries.records.get(index) {
                let (seal, record) =
                    (layout::entry_file(id, layout::RECORD_SEAL), layout::entry_file(id, layout::RECORD));
                self.check_seal(&seal, &record, RECORD_NAMESPACE, &key);
            }
        }
    }

    fn check_keys(&mut self, keys: &[(&str, Vec<u8>)]) {
        for (name, expected) in keys {
            match self.read(name, SMALL_FILE_BYTES_MAX) {
                Ok(Some(found)) if found == *expected => {}
                Ok(Some(_)) => self.fails(format!("the key that entry 0 names in `{name}`"), "something else"),
                Ok(None) => self.missing(format!("`{name}`"), "nothing"),
                Err(error) => self.fails(format!("a key in `{name}`"), error.reason),
            }
        }
        let named: BTreeSet<&str> = keys.iter().map(|(name, _)| *name).collect();
        let is_unlisted = |name: &&String| name.starts_with("data/keys/") && !named.contains(name.as_str());
        for name in self.names.iter().filter(is_unlisted).cloned().collect::<Vec<_>>() {
            self.fails("only files that the layout names", format!("`{name}`"));
        }
    }

    fn check_seal(&mut self, seal: &str, sealed: &str, namespace: &str, key: &Ed25519PublicKey) {
        let bytes_max = usize::try_from(bag::TAG_FILE_BYTES_MAX).unwrap_or(usize::MAX);
        let (text, message) = match (self.read(seal, SMALL_FILE_BYTES_MAX), self.read(sealed, bytes_max)) {
            (Ok(Some(text)), Ok(Some(message))) => (text, message),
            (Err(error), _) | (_, Err(error)) => return self.fails(format!("the seal in `{seal}`"), error.to_string()),
            // The layout says already which of the two is missing.
            (Ok(_), Ok(_)) => return,
        };
        let text = String::from_utf8_lossy(&text);
        let checked = Seal::from_armored(&text).and_then(|seal| seal.verify(key.as_bytes(), namespace, &message));
        if let Err(error) = checked {
            let expected = format!("a seal in `{seal}` over `{sealed}` by {}", key.fingerprint());
            self.fails(expected, error.to_string());
        }
    }

    fn check_readings(&mut self, entries: &Entries) {
        for (id, _) in entries.records.values() {
            let (record, json) =
                (layout::entry_file(id, layout::RECORD), layout::entry_file(id, layout::RECORD_READING));
            let expected =
                self.read(&record, record::SIZE_BYTES_MAX).ok().flatten().and_then(|bytes| reading(&bytes).ok());
            // Names and hexadecimal digits make the reading longer, by less than eight times.
            match (expected, self.read(&json, 8 * record::SIZE_BYTES_MAX)) {
                (Some(expected), Ok(Some(found))) if expected != found => {
                    self.fails(format!("what `{record}` says in `{json}`"), "something else");
                }
                (_, Err(error)) => self.fails(format!("a reading in `{json}`"), error.reason),
                _ => {}
            }
        }
    }

    /// Copies a file and hashes it on the way.
    fn hash(&self, name: &str, target: &mut dyn Write) -> Result<Hash, SourceError> {
        let failed = |error: io::Error| SourceError { name: name.to_owned(), reason: error.to_string() };
        let mut file = self.folder.open(name).map_err(failed)?;
        let mut hashing = Hashing::new(target);
        io::copy(&mut file, &mut hashing).map_err(failed)?;
        Ok(hashing.finish().1)
    }

    /// Reads a file up to one byte past its limit, so that its decoder says that it is too long.
    fn read(&self, name: &str, bytes_max: usize) -> Result<Option<Vec<u8>>, SourceError> {
        if !self.names.contains(name) {
            return Ok(None);
        }
        let failed = |error: io::Error| SourceError { name: name.to_owned(), reason: error.to_string() };
        let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        self.folder.open(name).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(failed)?;
        Ok(Some(bytes))
    }
}

impl<F: Folder> Source for Bundle<F> {
    fn files(&self) -> Vec<Finding> {
        self.findings.clone()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        self.read(layout::CHECKPOINT, SMALL_FILE_BYTES_MAX)
    }

    fn endorsements(&self) -> Result<Vec<EndorsementBytes>, SourceError> {
        let stem = |name: &String| Some(name.strip_prefix(annex::ENDORSEMENTS)?.strip_suffix(".cms")?.to_owned());
        let stems = self.names.iter().filter(|name| self.has_annexes && annex::is_annex(name)).filter_map(stem);
        let read = |name: String| {
            let file = |ending: &str| format!("{}{name}{ending}", annex::ENDORSEMENTS);
            let cms = self.read(&file(".cms"), endorsement::SIZE_BYTES_MAX)?.unwrap_or_default();
            let beside = self.read(&file(".txt"), endorsement::TEXT_BYTES_MAX)?;
            Ok(EndorsementBytes { name, cms, beside })
        };
        stems.take(endorsement::COUNT_MAX).map(read).collect()
    }

    fn entry(&self, index: u64) -> Result<Option<EntryBytes>, SourceError> {
        let Some(id) = self.ids.get(&index) else { return Ok(None) };
        let read = |file: &str, bytes_max: usize| self.read(&layout::entry_file(id, file), bytes_max);
        Ok(Some(EntryBytes {
            name: layout::entry_folder(id).trim_end_matches('/').to_owned(),
            record: read(layout::RECORD, record::SIZE_BYTES_MAX)?,
            statement: read(layout::STATEMENT, SMALL_FILE_BYTES_MAX)?,
            proof: read(layout::PROOF, SMALL_FILE_BYTES_MAX)?.map(EntryProof::Written),
            receipt: read(layout::RECEIPT, SMALL_FILE_BYTES_MAX)?,
            fitting: None,
        }))
    }

    fn anchors(&self, index: u64, named: u64) -> Result<Vec<AnchorBytes>, SourceError> {
        Ok(self.anchors.values().filter(|anchor| anchor.size > index || anchor.size == named).cloned().collect())
    }

    fn find_statement(&self, statement: Hash, before: u64) -> Result<Option<u64>, SourceError> {
        Ok(self.statements.get(&statement).copied().filter(|index| *index < before))
    }

    fn withdrawals(&self, index: u64) -> Result<Vec<u64>, SourceError> {
        Ok(self.withdrawals.get(&index).cloned().unwrap_or_default())
    }

    fn withheld(&self, subject: &Id) -> Result<Option<WithheldBytes>, SourceError> {
        let Some(withheld) = self.withheld.get(&subject.index).cloned() else { return Ok(None) };
        let read = |file: &str, bytes_max: usize| self.read(&layout::content_file(subject, file), bytes_max);
        let bytes_max = parts::PART_COUNT_MAX * parts::PART_BYTES;
        let text = read(layout::TEXT_WITHHELD, bytes_max)?.zip(read(layout::TEXT_PARTS, parts::LINES_BYTES_MAX)?);
        Ok(Some(WithheldBytes { withheld, text }))
    }

    fn key_records(&self) -> Result<Vec<u64>, SourceError> {
        Ok(self.key_records.clone())
    }

    fn blob(&self, subject: &Id, hash: Hash) -> Result<BlobFound, SourceError> {
        let Some(name) = self.places.get(&(subject.index, hash)).cloned() else {
            return Ok(BlobFound::Nothing { name: format!("SHA-256 {hash}") });
        };
        if !self.names.contains(&name) {
            return Ok(BlobFound::Nothing { name });
        }
        let found = match self.sha256.get(&name) {
            Some(found) => *found,
            // No manifest lists it, which is said of the files; what it is can be told all the same.
            None => self.hash(&name, &mut io::sink())?,
        };
        Ok(if found == hash { BlobFound::Blob } else { BlobFound::Other { name, found: found.to_string() } })
    }

    fn copy_blob(&self, subject: &Id, hash: Hash, target: &mut dyn Write) -> Result<(), SourceError> {
        let name = self.places.get(&(subject.index, hash)).cloned().unwrap_or_else(|| hash.to_string());
        let found = self.hash(&name, target)?;
        // A folder on a disk may have changed since it was hashed.
        if found != hash {
            return Err(SourceError { name, reason: format!("SHA-256 {found} instead of {hash}") });
        }
        Ok(())
    }
}
