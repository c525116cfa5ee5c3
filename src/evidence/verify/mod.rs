//! Verifying: bytes, a policy and the time come in, a verdict comes out.
//!
//! A [`Source`] gives the bytes: an archive, a bundle and a server all do it the same way, so one body of
//! code reaches every verdict. Nothing here stops at the first failure that it can pass: a [`Report`] is an
//! ordered list of findings, each with what was expected, what was found and whom it relies on.
//!
//! | check        | what holds means                                                          | relies on                 |
//! |--------------|---------------------------------------------------------------------------|---------------------------|
//! | `files`      | nothing in the bundle was added, removed or changed since it was sealed    | the archive's key         |
//! | `content`    | every file that the record names is there with the hash that it names      | nobody                    |
//! | `signature`  | the archive's key signed the record                                        | who vouches for the key   |
//! | `inclusion`  | the record is the entry of the log that its id says                        | nobody                    |
//! | `checkpoint` | a log that the reader's policy trusts signed size and root                 | who vouches for the key   |
//! | `witnesses`  | the policy's quorum has seen the same, growing log                         | those witnesses           |
//! | `not-after`  | someone else saw the log when the record was in it already                 | those who say when        |
//! | `not-before` | the record names something that could not be foreseen                      | the same                  |
//! | `history`    | each capture names the one before, and none is missing between             | nobody                    |
//! | `origin`     | where the bytes came from, as the archive saw it on that very connection   | the archive               |
//!
//! To verify, in this order, once for each subject:
//! 1. `files`, for a bundle ([`super::bundle::read`]).
//! 2. `signature`, `inclusion` and `checkpoint` of the subject, of entry 0 and the key records, which name the archive's keys
//!    and where each was valid (`keys.rs`), and of every other entry that the subject leans on (`entry.rs`).
//! 3. `content`, `history`, `origin`, each in the file of its name.
//! 4. `witnesses` (`checkpoint.rs`, and `times.rs` for earlier checkpoints), `not-after` and `not-before` (`times.rs`).
//! 5. The verdict: [`Verdict::of`]. Who vouches for the log's keys is said beside it and no part of it ([`vouching`]).
//!
//! What a withdrawal names ([`crate::evidence::record::Withdrawal`]), itself verified as an entry behind the one that it
//! speaks of, is *not shown*: neither missing, nor does it hold. The same goes for what a bundle withholds of its subjects
//! ([`crate::evidence::withheld`]), of which the parts that are shown are proven. What is absent without either is missing.

//!
//! A source cannot know which keys its log came to distrust *after* its checkpoint. A reader who has more of the log
//! ([`Later`]) has it judged by that.

pub mod finding;

pub mod source;

mod checkpoint;
mod keys;
mod later;

mod content;
mod entry;
mod history;
mod origin;
mod renewed;
mod subject;
mod text;
mod times;
mod withheld;
mod witnesses;

pub mod vouching;

pub mod loose;
pub mod report;

pub use finding::{Check, Finding, Interval, Report, Subject, Verdict, Vouching, Witnessing};
pub use later::Later;
pub use loose::{LooseError, LooseFile, LooseTrust, verify_loose};
pub use source::{EntryBytes, EntryProof, Source, SourceError};
pub use times::CLOCK_SKEW_SECONDS_MAX;

use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::endorsement::EndorsementBytes;
use crate::evidence::record::Body;
use crate::log::policy::Policy;
use crate::timestamp::authorities::Authorities;
use crate::timestamp::opentimestamps::blocks::Blocks;

use entry::Entries;

/// Whose word is enough for a reader.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'t> {
    /// Which logs and witnesses.
    pub policy: Option<&'t Policy>,
    /// Which timestamp authorities; none when there is nothing here.
    pub authorities: Option<&'t Authorities>,
    /// Which blocks are Bitcoin's; none when there is nothing here.
    pub blocks: Option<&'t Blocks>,
    /// What is known of the log at a later moment.
    pub later: Option<&'t Later<'t>>,
    /// Who may say which organisation somebody is; nobody when there is nothing here.
    pub organisations: Option<&'t Authorities>,
    /// Who is known to vouch for logs, besides whom the source brings.
    pub endorsements: &'t [EndorsementBytes],
}

impl<'t> From<Option<&'t Policy>> for Trust<'t> {
    fn from(policy: Option<&'t Policy>) -> Self {
        Self { policy, ..Self::default() }
    }
}

/// Verifies one subject.
///
/// `now` is only compared with what others claim: nothing that was signed before the present is refused for its age.
#[must_use]
pub fn verify<'t>(source: &dyn Source, subject: &Id, trust: impl Into<Trust<'t>>, now: Time) -> Report {
    let trust = trust.into();
    let mut findings = source.files();
    let head = checkpoint::check(source, trust);
    let mut entries = Entries::new(source, &head);
    let about_keys = entries.findings();
    let verified = entries.subject(subject);
    findings.extend(entries.findings());
    findings.extend(about_keys); // After the subject's own, which are the ones to read.

    if verified.is_none()
        && let Some(withdrawn) = entries.withdrawn(subject.index)
    {
        let found = format!("it was {}", withdrawn.words);
        findings.push(Finding::not_shown(Check::Content, "the record, and the files that it names", found));
    }
    let mut described = Subject::unknown(subject);
    if let Some(entry) = &verified {
        described = Subject::of(subject, entry, &mut entries);
        if let Some(finding) = content::check(source, entry, &mut entries) {
            findings.push(finding);
        }
        findings.extend(history::check(entry, &mut entries));
        findings.extend(origin::check(entry, matches!(entry.record.body, Body::Capture(_) | Body::Check(_))));
    }
    findings.extend(head.findings());
    let record = verified.as_ref().map(|entry| &entry.record);
    let times = times::check(source, (&head, subject), record, trust, now);
    let (witnesses, witnessing) = head.witnesses(times.witnessed.as_ref());
    findings.extend(witnesses);
    findings.extend(times.findings);
    let mut report = Report::new(described, times.interval, findings, witnessing);
    report.merge();
    report.vouchings = vouching::check(source, &head, trust, now);
    report
}

/// Says who vouches for the keys of a log, whatever else there is to say of it.
#[must_use]
pub fn vouchings(source: &dyn Source, trust: Trust<'_>, now: Time) -> Vec<Vouching> {
    vouching::check(source, &checkpoint::check(source, trust), trust, now)
}

/// Reports on something that could not even be opened as what it is called.
#[must_use]
pub fn unopened(name: &str, findings: Vec<Finding>) -> Report {
    let described = Subject { id: name.to_owned(), ..Subject::default() };
    Report::new(described, Interval::default(), findings, Witnessing::default())
}
