//! Loose artefacts: files that others made, in any number and under any names, verified for what they are.
//!
//! | file                                   | is recognised by                            | is checked                         |
//! |----------------------------------------|---------------------------------------------|------------------------------------|
//! | signed note, checkpoint                | text, a blank line, signature lines         | each line by a known key           |
//! | tlog-proof                             | its first line                              | its checkpoint, and its entry      |
//! | fork proof                             | its first line                              | that one key signed both           |
//! | statement                              | COSE_Sign1 (tag 18)                         | the issuer's signature, its payload |
//! | transparent statement                  | the same, with receipts under 394           | the same, and each receipt         |
//! | stamped statement                      | the same, with a token under 270            | the same, and the token            |
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
//! 5. Checkpoints of one log and size must have one root. A fork proof holds two that have not: where a trusted key of
//!    the log has signed both, the log *fails*; a proof that contradicts nothing is an error, not a finding.
//!
//! Sources: C2SP signed-note, tlog-checkpoint, tlog-proof; RFC 9052, RFC 9942, RFC 9943, RFC 9995. Other
//! people's COSE is read in any definite-length spelling.

mod note;
mod receipt;
mod set;
mod statement;

use super::finding::{Check, Finding, Interval, Outcome, Report, Subject, Verdict, Witnessing};

use crate::base::cose::CoseError;
use crate::base::time::Time;
use crate::log::checkpoint::Checkpoint;
use crate::log::fork::ForkError;
use crate::log::key::Ed25519PublicKey;
use crate::log::policy::Policy;
use crate::log::proof::ProofError;
use crate::log::receipt::ReceiptError;
use crate::log::vkey::VerifierKey;
use crate::timestamp::authorities::Authorities;

use set::Set;

/// How many files are verified together.
pub const FILE_COUNT_MAX: usize = 64;

/// What a file may be, for the error that names one that is nothing of the kind.
pub const EXPECTED: &str =
    "a signed note, a tlog-proof, a fork proof, a COSE statement or receipt, a record or a public key";

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
    /// Timestamp authorities.
    pub authorities: Authorities,
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
    for (file, proof) in &set.forks {
        reading.fork(&file.name, proof)?;
    }
    reading.receipts()?;
    reading.compare_checkpoints();

    let Reading { mut findings, interval, witnessing, .. } = reading;
    findings.sort_by_key(|finding| finding.check); // Stable: within a check they stay in the order of the files.
    findings.dedup();
    Ok(Report { verdict: verdict(&findings), subject, interval, findings, witnessing, vouchings: Vec::new() })
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
}

/// Why there is nothing to say of a set of files.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum LooseError {
    #[error("`{name}` begins as COSE_Sign1 and is none")]
    Cose { name: String, source: CoseError },
    #[error("`{name}` proves no fork")]
    Fork { name: String, source: ForkError },
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
