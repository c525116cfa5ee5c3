//! Loose artefacts: files that others made, in any number and under any names, verified for what they are.
//!
//! | file                                   | is recognised by                            | is checked                         |
//! |----------------------------------------|---------------------------------------------|------------------------------------|
//! | signed note, checkpoint                | text, a blank line, signature lines         | each line by a known key           |
//! | tlog-proof                             | its first line                              | its checkpoint, and its entry      |
//! | statement                              | COSE_Sign1 (tag 18)                         | the issuer's signature, its payload |
//! | transparent statement                  | the same, with receipts under 394           | the same, and each receipt         |
//! | receipt                                | COSE_Sign1 whose protected header has 395   | the log's signature, and its entry |
//! | record of an archive like ours         | the record decodes                          | against the statement              |
//! | public key                             | PEM or OpenSSH                              | is not trusted: the files bring it |
//! | one other file                         | there is something that it can belong to    | as payload, or as the proof's entry |
//!
//! Only what the reader names beforehand ([`LooseTrust`]) is trusted. What nobody vouches for is *not shown*, and
//! what this program cannot check, as an algorithm that it does not know, is not shown either: the verdict is
//! then `cannot-tell`. A signature that a trusted key did not make *fails*.
//!
//! To verify:
//! 1. Tell what each file is. One that is nothing of these is an error, not a finding.
//! 2. Checkpoints and notes: a bad line by a known key fails.
//! 3. The statement: its algorithm, its signature by the issuer's key, its payload against the file beside it.
//! 4. Proofs and receipts: the entry is the SHA-256 of the statement with an empty unprotected header, or the
//!    bytes of the entry itself; the root must be the one that the log signed.
//! 5. Checkpoints of one log and size must have one root.
//!
//! Sources: C2SP signed-note, tlog-checkpoint, tlog-proof; RFC 9052, RFC 9942, RFC 9943, RFC 9995. Other
//! people's COSE is read in any definite-length spelling.

use super::checkpoint::witness_finding;
use super::finding::{Check, Finding, Interval, NOBODY, Outcome, Report, Subject, Verdict, Witnessing};

use crate::base::causes::with_causes;
use crate::base::cbor::Value;
use crate::base::cose::{CoseError, Sign1, algorithm, label};
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::evidence::record::Record;
use crate::evidence::statement::Statement;
use crate::log::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::log::key::{Ed25519PublicKey, KeyKind, NotePublicKey, VerifierKey};
use crate::log::merkle::leaf_hash;
use crate::log::note::{Note, NoteError};
use crate::log::policy::{Policy, Witnessed};
use crate::log::proof::{Proof, ProofError};
use crate::log::receipt::{Receipt, ReceiptError, part_statement};

/// How many files are verified together.
pub const FILE_COUNT_MAX: usize = 64;

/// What a file may be, for the error that names one that is nothing of the kind.
pub const EXPECTED: &str = "a signed note, a tlog-proof, a COSE statement or receipt, a record or a public key";

const CLAIM_ISSUER: i64 = 1;

/// A file, by whatever name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LooseFile {
    /// Its name, for findings to say.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Whose word the reader takes, named by other means than the files.
#[derive(Clone, Debug, Default)]
pub struct LooseTrust {
    /// The reader's policy.
    pub policy: Option<Policy>,
    /// Keys of notes, logs and witnesses.
    pub vkeys: Vec<VerifierKey>,
    /// Keys of those who issue statements.
    pub issuers: Vec<Ed25519PublicKey>,
    /// Keys of logs that sign receipts.
    pub logs: Vec<Ed25519PublicKey>,
}

/// Verifies what a set of files says.
///
/// # Errors
/// A [`LooseError`] when a file is nothing that can be verified: the name is in it.
pub fn verify_loose(files: &[LooseFile], trust: &LooseTrust, now: Time) -> Result<Report, LooseError> {
    let set = Set::sort(files)?;
    let mut reading = Reading {
        set: &set,
        trust,
        now,
        findings: Vec::new(),
        checkpoints: Vec::new(),
        interval: Interval::default(),
        witnessing: Witnessing::default(),
    };
    for (file, note) in &set.notes {
        reading.note(&file.name, note);
    }
    let mut subject = Subject { id: set.name(), ..Subject::default() };
    if let Some((file, statement)) = &set.statement {
        reading.statement(file, statement, &mut subject);
    }
    for (file, proof) in &set.proofs {
        reading.proof(file, proof);
    }
    reading.receipts()?;
    reading.compare_checkpoints();

    let Reading { mut findings, interval, witnessing, .. } = reading;
    findings.sort_by_key(|finding| finding.check); // Stable: within a check they stay in the order of the files.
    findings.dedup();
    Ok(Report { verdict: verdict(&findings), subject, interval, findings, witnessing })
}

/// Adds up what was found. Each step says aloud what it could not show, so nothing else is needed.
fn verdict(findings: &[Finding]) -> Verdict {
    let has = |outcome| findings.iter().any(|finding| finding.outcome == outcome);
    let lacks_what_is_needed = findings.iter().any(|finding| finding.outcome == Outcome::NotShown && finding.is_needed);
    if has(Outcome::Fails) {
        Verdict::Failed
    } else if lacks_what_is_needed || !has(Outcome::Holds) {
        Verdict::CannotTell
    } else if has(Outcome::NotShown) {
        Verdict::VerifiedWithGaps
    } else {
        Verdict::Verified
    }
}

/// The files, told apart.
#[derive(Default)]
struct Set<'f> {
    notes: Vec<(&'f LooseFile, Note)>,
    proofs: Vec<(&'f LooseFile, Proof)>,
    statement: Option<(&'f LooseFile, Sign1)>,
    receipts: Vec<(&'f LooseFile, Vec<u8>)>,
    record: Option<(&'f LooseFile, Record)>,
    other: Option<&'f LooseFile>,
    /// Keys that came with the files: nobody vouches for them.
    brought: Vec<Ed25519PublicKey>,
}

impl<'f> Set<'f> {
    fn sort(files: &'f [LooseFile]) -> Result<Self, LooseError> {
        if files.len() > FILE_COUNT_MAX {
            return Err(LooseError::TooMany { found: files.len() });
        }
        let mut set = Self::default();
        for file in files {
            set.add(file)?;
        }
        let belongs = set.statement.is_some() || !set.proofs.is_empty();
        match set.other {
            Some(other) if !belongs => Err(LooseError::Unknown { name: other.name.clone() }),
            _ if belongs || !set.notes.is_empty() => Ok(set),
            _ => Err(LooseError::Nothing),
        }
    }

    fn add(&mut self, file: &'f LooseFile) -> Result<(), LooseError> {
        let name = || file.name.clone();
        let bytes = file.bytes.as_slice();
        if bytes.starts_with(b"c2sp.org/tlog-proof@") {
            let proof = Proof::parse(bytes).map_err(|source| LooseError::Proof { name: name(), source })?;
            self.proofs.push((file, proof));
        } else if bytes.first() == Some(&0xd2) {
            let envelope = Sign1::decode_lenient(bytes).map_err(|source| LooseError::Cose { name: name(), source })?;
            let header = envelope.protected_header().map_err(|source| LooseError::Cose { name: name(), source })?;
            if header.at_label(label::VDS).is_some() {
                self.receipts.push((file, bytes.to_vec()));
            } else if let Some((first, _)) = self.statement.replace((file, envelope)) {
                return Err(LooseError::TwoOfAKind { first: first.name.clone(), second: name() });
            }
        } else if let Ok(note) = Note::parse(bytes) {
            self.notes.push((file, note));
        } else if let Ok(record) = Record::decode(bytes) {
            if let Some((first, _)) = self.record.replace((file, record)) {
                return Err(LooseError::TwoOfAKind { first: first.name.clone(), second: name() });
            }
        } else if bytes.starts_with(b"-----BEGIN PUBLIC KEY-----") || bytes.starts_with(b"ssh-") {
            // A key of another algorithm says nothing, as any key that nobody vouches for.
            self.brought.extend(Ed25519PublicKey::from_text(&String::from_utf8_lossy(bytes)));
        } else if let Some(first) = self.other.replace(file) {
            return Err(LooseError::TwoOthers { first: first.name.clone(), second: name() });
        }
        Ok(())
    }

    /// Returns the name of what the set is about.
    fn name(&self) -> String {
        let statement = self.statement.as_ref().map(|(file, _)| *file);
        let first =
            statement.or(self.proofs.first().map(|(file, _)| *file)).or(self.notes.first().map(|(file, _)| *file));
        first.map(|file| file.name.clone()).unwrap_or_default()
    }

    /// Returns what may be the log's entry for what the set is about, each with what it is.
    fn entries(&self) -> Vec<(Vec<u8>, &'static str)> {
        if let Some((file, statement)) = &self.statement {
            let logged = Sign1 { unprotected: Value::Map(Vec::new()), ..statement.clone() }.encode();
            return vec![
                (Hash::of(&logged).as_bytes().to_vec(), "the SHA-256 of the statement"),
                (Hash::of(&file.bytes).as_bytes().to_vec(), "the SHA-256 of the statement's file"),
                (file.bytes.clone(), "the statement itself"),
            ];
        }
        let raw = self.other.or(self.record.as_ref().map(|(file, _)| *file));
        raw.map(|file| (file.bytes.clone(), "the file's bytes")).into_iter().collect()
    }
}

struct Reading<'r> {
    set: &'r Set<'r>,
    trust: &'r LooseTrust,
    now: Time,
    findings: Vec<Finding>,
    checkpoints: Vec<Checkpoint>,
    interval: Interval,
    witnessing: Witnessing,
}

impl Reading<'_> {
    fn holds(&mut self, check: Check, found: impl Into<String>, relies_on: impl Into<String>) {
        self.findings.push(Finding::holds(check, found, relies_on));
    }

    fn fails(&mut self, check: Check, expected: impl Into<String>, found: impl Into<String>) {
        self.findings.push(Finding::fails(check, expected, found));
    }

    fn missing(&mut self, check: Check, expected: impl Into<String>, found: impl Into<String>) {
        self.findings.push(Finding::missing(check, expected, found));
    }

    /// A note is looked at as a checkpoint first: only one can bear cosignatures.
    fn note(&mut self, name: &str, note: &Note) {
        if let Ok(signed) = SignedCheckpoint::parse(&note.encode()) {
            return self.checkpoint(name, &signed);
        }
        let logs = self.trust.policy.iter().flat_map(Policy::logs).map(|log| log.key.clone());
        let keys: Vec<VerifierKey> = self.trust.vkeys.iter().cloned().chain(logs).collect();
        match note.verify(&keys) {
            Ok(signers) => {
                let names: Vec<String> =
                    signers.iter().map(|key| format!("{} ({})", key.name(), key.fingerprint())).collect();
                let who = names.join(" and ");
                self.holds(Check::Signature, format!("`{name}` is signed by {who}"), format!("who vouches for {who}"));
            }
            Err(NoteError::NoKnownKey) => {
                let signers: Vec<&str> = note.signatures().iter().map(|line| line.name.as_str()).collect();
                let found = format!("lines that name {}", signers.join(", "));
                self.missing(Check::Signature, format!("a signature under `{name}` by a key that you trust"), found);
            }
            Err(error) => {
                self.fails(Check::Signature, format!("a note `{name}` that its signers signed"), with_causes(&error));
            }
        }
    }

    /// Checks a checkpoint's lines by the keys that were named and by the policy. Returns whether the log is trusted.
    fn checkpoint(&mut self, name: &str, signed: &SignedCheckpoint) {
        self.checkpoints.push(signed.checkpoint().clone());
        let Checkpoint { origin, size, .. } = signed.checkpoint();
        let expected = format!("a key that you trust for the log `{origin}`, under `{name}`");
        let (mut log_keys, mut others, mut renamed) = (Vec::new(), Vec::new(), Vec::new());
        match signed.verify(&self.trust.vkeys) {
            Ok(signers) => {
                for signer in signers {
                    let signers = match signer.key.kind() {
                        _ if origin.is_name_of(signer.key) => &mut log_keys,
                        KeyKind::Ed25519 => &mut renamed,
                        KeyKind::Ed25519Cosignature | KeyKind::MlDsa44Cosignature => &mut others,
                    };
                    signers.push((signer.key.clone(), signer.time));
                }
            }
            Err(CheckpointError::Note(NoteError::NoKnownKey)) => {}
            Err(error) => return self.fails(Check::Checkpoint, expected, with_causes(&error)),
        }
        if let Some(policy) = &self.trust.policy {
            let report = match policy.check(signed) {
                Ok(report) => report,
                Err(error) => return self.fails(Check::Checkpoint, expected, with_causes(&error)),
            };
            log_keys.extend(report.log_signers.iter().map(|signer| (signer.key.clone(), signer.time)));
            self.witnessing = Witnessing { needed: report.quorum.needed, witnessed: report.quorum.witnessed };
            self.findings.push(witness_finding(&report));
            for witness in &report.witnesses {
                self.witnessed(&witness.key, witness.witnessed);
            }
        }
        for (key, time) in &others {
            let found = format!("`{origin}` at size {size} signed by {} ({})", key.name(), key.fingerprint());
            self.holds(Check::Witnesses, found, format!("the witness {}", key.name()));
            self.witnessed(key, time.map_or(Witnessed::Undated, Witnessed::At));
        }
        for (key, _) in &renamed {
            let who = format!("{} ({})", key.name(), key.fingerprint());
            self.holds(Check::Signature, format!("`{name}` is signed by {who}"), format!("who vouches for {who}"));
        }
        if let Some((first, _)) = log_keys.first() {
            let found = format!("`{origin}` at size {size} signed by {}", first.fingerprint());
            self.holds(Check::Checkpoint, found, format!("who vouches for the log's key {}", first.fingerprint()));
        } else if others.is_empty() && renamed.is_empty() {
            self.missing(Check::Checkpoint, expected, "none of its lines is by one");
        } else {
            let found = "lines by keys that you trust, none of which is named as the log";
            self.findings.push(Finding::not_shown(Check::Checkpoint, expected, found));
        }
    }

    /// Notes when another party saw the log. A clock ahead of the reader's says nothing about the past.
    fn witnessed(&mut self, key: &VerifierKey, witnessed: Witnessed) {
        let Witnessed::At(time) = witnessed else { return };
        let is_earliest = self.interval.not_after.as_ref().is_none_or(|(earliest, _)| time < *earliest);
        if time <= self.now && is_earliest {
            self.interval.not_after = Some((time, format!("witness {}", key.name())));
        }
    }

    fn statement(&mut self, file: &LooseFile, statement: &Sign1, subject: &mut Subject) {
        let header = match statement.protected_header() {
            Ok(header) => header,
            Err(error) => {
                return self.fails(Check::Signature, format!("a statement in `{}`", file.name), error.to_string());
            }
        };
        let claims = header.at_label(label::CWT_CLAIMS);
        subject.origin = claims.and_then(|claims| claims.at_label(CLAIM_ISSUER)?.as_text()).map(str::to_owned);
        self.signature(&file.name, statement, &header, subject);
        self.payload(&file.name, statement, &header);
        if let Some((record_file, record)) = &self.set.record {
            self.record(file, record_file, record, subject);
        }
        let is_logged = !self.set.proofs.is_empty() || !self.set.receipts.is_empty();
        if !is_logged && statement.unprotected.at_label(label::RECEIPTS).is_none() {
            let finding = Finding::not_shown(Check::Inclusion, "a receipt or a proof for the statement", "neither");
            self.findings.push(finding);
        }
    }

    fn signature(&mut self, name: &str, statement: &Sign1, header: &Value, subject: &mut Subject) {
        let check = Check::Signature;
        let expected = format!("`{name}` signed by its issuer");
        match header.at_label(label::ALGORITHM).and_then(Value::as_integer) {
            Some(algorithm::EDDSA | algorithm::ED25519) => {}
            found => {
                let found = found.map_or("none".to_owned(), |number| format!("algorithm {number}"));
                return self.missing(check, "an algorithm that this program checks: EdDSA with Ed25519", found);
            }
        }
        if let Some(critical) = header.at_label(label::CRITICAL) {
            let found = format!("labels that must be understood: {critical:?}");
            return self.missing(check, "a header that this program understands", found);
        }
        let payload = match (&statement.payload, self.set.other) {
            (Some(payload), _) => payload,
            (None, Some(other)) => &other.bytes,
            (None, None) => return self.missing(check, format!("the detached payload of `{name}`"), "no such file"),
        };
        let signed = Sign1::to_be_signed(&statement.protected, payload);
        let made_by = |keys: &[Ed25519PublicKey]| {
            keys.iter().find(|key| key.verify(&signed, &statement.signature).is_ok()).copied()
        };
        if let Some(key) = made_by(&self.trust.issuers) {
            subject.fingerprint = Some(key.fingerprint());
            return self.holds(check, expected, format!("who vouches for the issuer's key {}", key.fingerprint()));
        }
        if !self.trust.issuers.is_empty() {
            let keys: Vec<String> = self.trust.issuers.iter().map(Ed25519PublicKey::fingerprint).collect();
            return self.fails(check, expected, format!("no signature by {}", keys.join(" or ")));
        }
        let found = match made_by(&self.set.brought) {
            Some(key) => format!(
                "it agrees with the key that came with it, {}: compare that with what the issuer publishes",
                key.fingerprint()
            ),
            None => "no key".to_owned(),
        };
        self.missing(check, "the issuer's key, from someone you trust", found);
    }

    /// Compares the payload with the file beside it: whole, or as the hash of a Hash Envelope.
    fn payload(&mut self, name: &str, statement: &Sign1, header: &Value) {
        let file = self.set.other.or(self.set.record.as_ref().map(|(file, _)| *file));
        let Some(payload) = &statement.payload else { return }; // A detached payload is in what was signed.
        let hashed = header.at_label(label::PAYLOAD_HASH_ALGORITHM);
        let file = match (file, hashed) {
            (Some(file), _) => file,
            (None, None) => return, // The payload is in the statement, under the signature.
            (None, Some(_)) => {
                let expected = format!("the file whose hash `{name}` signs");
                return self.findings.push(Finding::not_shown(Check::Content, expected, "no such file"));
            }
        };
        match hashed.map(Value::as_integer) {
            None if *payload == file.bytes => {
                self.holds(Check::Content, format!("`{}` is the payload of `{name}`", file.name), NOBODY);
            }
            None => self.fails(Check::Content, format!("the payload of `{name}` in `{}`", file.name), "other bytes"),
            Some(Some(algorithm::SHA_256)) if payload.as_slice() == Hash::of(&file.bytes).as_bytes() => {
                self.holds(Check::Content, format!("`{}` has the SHA-256 that `{name}` signs", file.name), NOBODY);
            }
            Some(Some(algorithm::SHA_256)) => {
                let expected = format!("SHA-256 {} in `{}`", data_encoding::HEXLOWER.encode(payload), file.name);
                self.fails(Check::Content, expected, Hash::of(&file.bytes).to_string());
            }
            Some(other) => {
                let found = format!("hash algorithm {other:?}");
                self.missing(Check::Content, "a hash that this program computes: SHA-256", found);
            }
        }
    }

    /// A record of an archive like ours must be the one that its statement claims.
    fn record(&mut self, file: &LooseFile, record_file: &LooseFile, record: &Record, subject: &mut Subject) {
        subject.kind = Some(record.body.kind());
        subject.record_sha256 = Some(Hash::of(&record_file.bytes));
        let visit = record.body.visit();
        subject.captured_at = visit.map(|visit| visit.started);
        subject.sha256 = visit.map(|visit| visit.primary.sha256);
        self.interval.claimed = Some(record.made);
        let Ok(statement) = Statement::decode(&file.bytes) else { return };
        let claim = &statement.claim;
        subject.id.clone_from(&claim.subject);
        let agrees = claim.issuer == record.origin
            && claim.issued_at == record.made.to_second()
            && crate::base::id::Id::parse(&claim.subject)
                .is_ok_and(|(id, _)| (id.index, id.letter) == (record.index, record.body.letter()));
        if !agrees {
            let expected = format!("a record of `{}` by `{}` made at {}", claim.subject, claim.issuer, claim.issued_at);
            let found =
                format!("{} {} of `{}` made at {}", record.body.kind(), record.index, record.origin, record.made);
            self.fails(Check::Content, expected, found);
        }
    }

    fn proof(&mut self, file: &LooseFile, proof: &Proof) {
        let name = &file.name;
        let signed = match SignedCheckpoint::parse(&proof.checkpoint) {
            Ok(signed) => signed,
            Err(error) => {
                return self.fails(Check::Checkpoint, format!("a checkpoint in `{name}`"), with_causes(&error));
            }
        };
        self.checkpoint(name, &signed);
        let Checkpoint { size, root, .. } = signed.checkpoint();
        let expected = format!("the entry at {} under root {root}, as `{name}` has it", proof.index);
        let entries = self.set.entries();
        if entries.is_empty() {
            return self.missing(Check::Inclusion, expected, "no file that is the entry");
        }
        let inclusion = proof.inclusion(*size);
        let found = entries.iter().find(|(entry, _)| inclusion.verify(leaf_hash(entry), *root).is_ok());
        match (found, entries.first()) {
            (Some((_, what)), _) => {
                self.holds(
                    Check::Inclusion,
                    format!("{what} is entry {} of {size} under root {root}", proof.index),
                    NOBODY,
                );
            }
            (None, Some((entry, _))) => {
                let error = inclusion.verify(leaf_hash(entry), *root).err().map(|error| error.to_string());
                self.fails(Check::Inclusion, expected, error.unwrap_or_default());
            }
            (None, None) => {}
        }
    }

    fn receipts(&mut self) -> Result<(), LooseError> {
        let mut receipts: Vec<(String, Vec<u8>)> =
            self.set.receipts.iter().map(|(file, bytes)| (file.name.clone(), bytes.clone())).collect();
        if let Some((file, statement)) = &self.set.statement {
            let name = file.name.clone();
            let (_, within) = part_statement(statement).map_err(|source| LooseError::Receipt { name, source })?;
            receipts
                .extend((1..).zip(within).map(|(number, bytes)| (format!("{}, receipt {number}", file.name), bytes)));
        }
        for (name, bytes) in receipts {
            self.receipt(&name, &bytes);
        }
        Ok(())
    }

    fn receipt(&mut self, name: &str, bytes: &[u8]) {
        let expected = format!("the log's word on the entry in `{name}`");
        let receipt = match Receipt::parse_lenient(bytes) {
            Ok(receipt) => receipt,
            Err(error) => return self.unread_receipt(&error, expected),
        };
        let entries: Vec<Hash> =
            self.set.entries().iter().filter_map(|(entry, _)| Hash::from_slice(entry).ok()).collect();
        if entries.is_empty() {
            return self.missing(Check::Inclusion, expected, "no statement that it is for");
        }
        let keys = self.keys_of(&receipt);
        let verify = |keys: &[Ed25519PublicKey]| {
            let mut failure = ReceiptError::NoInclusion;
            for (entry, key) in entries.iter().flat_map(|entry| keys.iter().map(move |key| (entry, key))) {
                match receipt.verify(*entry, |message, signature| key.verify(message, signature).is_ok()) {
                    Ok(root) => return Ok((root, *key)),
                    Err(error) => failure = error,
                }
            }
            Err(failure)
        };
        if keys.is_empty() {
            let found = match verify(&self.set.brought) {
                Ok((_, key)) => format!(
                    "it agrees with the key that came with it, {}: compare that with what the log publishes",
                    key.fingerprint()
                ),
                Err(_) => "no key".to_owned(),
            };
            return self.missing(Check::Checkpoint, "the log's key, from someone you trust", found);
        }
        match verify(&keys) {
            Ok((root, key)) => self.included(&receipt, root, &key),
            Err(error @ ReceiptError::UnsupportedAlgorithm { .. }) => self.unread_receipt(&error, expected),
            Err(error) => self.fails(Check::Inclusion, expected, error.to_string()),
        }
    }

    fn included(&mut self, receipt: &Receipt, root: Hash, key: &Ed25519PublicKey) {
        let proof = &receipt.proofs()[0];
        let found = format!("the statement is entry {} of {} under root {root}", proof.index, proof.tree_size);
        self.holds(Check::Inclusion, found, NOBODY);
        let found = format!("root {root} signed by {}", key.fingerprint());
        self.holds(Check::Checkpoint, found, format!("who vouches for the log's key {}", key.fingerprint()));
        let (origin, size) = (receipt.origin(), receipt.signed_tree_size());
        let same =
            |checkpoint: &&Checkpoint| Some(checkpoint.origin.as_str()) == origin && Some(checkpoint.size) == size;
        if let Some(other) = self.checkpoints.iter().find(same).filter(|checkpoint| checkpoint.root != root) {
            let expected = format!("the root {} of the checkpoint at size {}", other.root, other.size);
            self.fails(Check::Inclusion, expected, root.to_string());
        }
    }

    /// What this program cannot read is not shown; what nobody could read fails.
    fn unread_receipt(&mut self, error: &ReceiptError, expected: String) {
        match error {
            ReceiptError::UnsupportedAlgorithm { .. }
            | ReceiptError::UnsupportedStructure { .. }
            | ReceiptError::UnknownCritical
            | ReceiptError::NoInclusion => self.missing(Check::Inclusion, expected, error.to_string()),
            error => self.fails(Check::Inclusion, expected, error.to_string()),
        }
    }

    /// Returns the keys that speak for a receipt's log: those named for logs, and those of its origin.
    fn keys_of(&self, receipt: &Receipt) -> Vec<Ed25519PublicKey> {
        let policy = self.trust.policy.iter().flat_map(Policy::logs).map(|log| &log.key);
        let named = policy
            .chain(&self.trust.vkeys)
            .filter(|key| receipt.origin().is_none_or(|origin| origin == key.name().as_str()));
        let ed25519 = named.filter_map(|key| match key.key() {
            NotePublicKey::Ed25519(key) => Some(*key),
            NotePublicKey::Ed25519Cosignature(_) | NotePublicKey::MlDsa44Cosignature(_) => None,
        });
        self.trust.logs.iter().copied().chain(ed25519).collect()
    }

    /// A log that shows two roots at one size shows two histories.
    fn compare_checkpoints(&mut self) {
        let checkpoints = std::mem::take(&mut self.checkpoints);
        for (position, first) in checkpoints.iter().enumerate() {
            let differs = |other: &&Checkpoint| {
                other.origin == first.origin && other.size == first.size && other.root != first.root
            };
            if let Some(other) = checkpoints[position + 1..].iter().find(differs) {
                let expected = format!("one root of `{}` at size {}", first.origin, first.size);
                self.fails(Check::Checkpoint, expected, format!("{} and {}", first.root, other.root));
            }
        }
    }
}

/// Why there is nothing to say of a set of files.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum LooseError {
    #[error("`{name}` begins as COSE_Sign1 and is none")]
    Cose { name: String, source: CoseError },
    #[error("nothing to verify: expected {EXPECTED}")]
    Nothing,
    #[error("`{name}` begins as a tlog-proof and is none")]
    Proof { name: String, source: ProofError },
    #[error("`{name}` has receipts that cannot be taken out")]
    Receipt { name: String, source: ReceiptError },
    #[error("{found} files, more than the {FILE_COUNT_MAX} that are verified together")]
    TooMany { found: usize },
    #[error("`{first}` and `{second}` are of one kind: verify one after the other")]
    TwoOfAKind { first: String, second: String },
    #[error("neither `{first}` nor `{second}` is {EXPECTED}, and only one file can be the payload or the entry")]
    TwoOthers { first: String, second: String },
    #[error("`{name}` is not {EXPECTED}")]
    Unknown { name: String },
}
