//! The checkpoint: who signed size and root, who has witnessed it, and when.
//!
//! Entry 0 of the log names the log's keys, so an altered checkpoint is found even by a reader who trusts
//! nobody yet. That a log agrees with itself is all such a reader learns: `cannot-tell`.

use super::finding::{Check, Finding, Interval, Witnessing};
use super::source::Source;
use super::times::{end_of_second, witness_name};

use crate::base::causes::with_causes;
use crate::base::time::Time;
use crate::evidence::record::{Body, Record};
use crate::log::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::log::key::VerifierKey;
use crate::log::policy::{Policy, PolicyReport, Witnessed};

/// The checkpoint, with what was found about it.
pub(super) struct Head {
    /// The note as received.
    pub(super) bytes: Option<Vec<u8>>,
    /// Size and root, when the note can be read.
    pub(super) checkpoint: Option<Checkpoint>,
    report: Option<PolicyReport>,
    findings: Vec<Finding>,
}

/// Checks the checkpoint's signatures by the log's own keys and by the policy's.
pub(super) fn check(source: &dyn Source, policy: Option<&Policy>) -> Head {
    let mut head = Head { bytes: None, checkpoint: None, report: None, findings: Vec::new() };
    let bytes = match source.checkpoint() {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            head.findings.push(Finding::missing(Check::Checkpoint, "a checkpoint", "none"));
            return head;
        }
        Err(error) => {
            head.findings.push(Finding::fails(Check::Checkpoint, "a checkpoint", error.to_string()));
            return head;
        }
    };
    let signed = match SignedCheckpoint::parse(&bytes) {
        Ok(signed) => signed,
        Err(error) => {
            head.findings.push(Finding::fails(Check::Checkpoint, "a checkpoint", with_causes(&error)));
            return head;
        }
    };
    head.checkpoint = Some(signed.checkpoint().clone());
    head.bytes = Some(bytes);
    let own = own_keys(source, signed.checkpoint());
    if let Err(error) = signed.verify(&own)
        && !own.is_empty()
    {
        let expected = "a checkpoint signed by the keys that entry 0 names";
        head.findings.push(Finding::fails(Check::Checkpoint, expected, with_causes(&error)));
    }
    match policy.map(|policy| policy.check(&signed)).transpose() {
        Err(error) => {
            let expected = "good signatures by the keys of your policy";
            head.findings.push(Finding::fails(Check::Checkpoint, expected, with_causes(&error)));
        }
        Ok(report) => {
            head.findings.push(log_finding(&signed, report.as_ref(), &own));
            head.report = report;
        }
    }
    if policy.is_none() {
        head.findings.push(Finding::not_shown(Check::Witnesses, "a policy that names witnesses", "no policy"));
    }
    head
}

impl Head {
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }

    /// Says who has witnessed the log with the record: at this checkpoint, or at the one of an anchor from which the log
    /// grew, where more did.
    pub(super) fn witnesses(&self, anchored: Option<&(u64, PolicyReport)>) -> (Option<Finding>, Witnessing) {
        let Some(here) = &self.report else { return (None, Witnessing::default()) };
        let more = anchored.filter(|(_, report)| report.quorum.witnessed > here.quorum.witnessed);
        let (report, mut finding) = match more {
            Some((_, report)) => (report, witness_finding(report)),
            None => (here, witness_finding(here)),
        };
        if let Some((size, _)) = more {
            finding.found = format!("{}, at size {size}", finding.found);
        }
        let witnessing = Witnessing { needed: report.quorum.needed, witnessed: report.quorum.witnessed };
        (Some(finding), witnessing)
    }

    /// Says by which moment a witness saw the log.
    pub(super) fn interval(&self, record: Option<&Record>, now: Time) -> Interval {
        let cosigned =
            self.report.iter().flat_map(|report| &report.witnesses).filter_map(|witness| match witness.witnessed {
                // A witness whose clock is ahead of the reader's says nothing about the past.
                Witnessed::At(time) if time <= now => Some((end_of_second(time), witness_name(&witness.key))),
                _ => None,
            });
        Interval {
            not_before: None, // What a record names lies beside an earlier checkpoint (`times.rs`).
            not_after: cosigned.min_by_key(|(time, _)| *time),
            claimed: record.map(|record| record.made),
        }
    }
}

fn log_finding(signed: &SignedCheckpoint, report: Option<&PolicyReport>, own: &[VerifierKey]) -> Finding {
    let origin = &signed.checkpoint().origin;
    let signers = report.map(|report| report.log_signers.as_slice()).unwrap_or_default();
    if let Some(first) = signers.first() {
        let keys: Vec<String> = signers.iter().map(|signer| signer.key.fingerprint()).collect();
        let found = format!("`{origin}` at size {} signed by {}", signed.checkpoint().size, keys.join(" and "));
        let relies_on = format!("who vouches for the log's key {}", first.key.fingerprint());
        return Finding::holds(Check::Checkpoint, found, relies_on);
    }
    let keys: Vec<String> = own.iter().map(VerifierKey::fingerprint).collect();
    let found = if keys.is_empty() {
        "no key that you trust".to_owned()
    } else {
        format!(
            "it agrees with the keys it brings, {}: compare them with what the archive publishes",
            keys.join(" and ")
        )
    };
    Finding::missing(Check::Checkpoint, format!("a key that you trust for the log `{origin}`"), found)
}

pub(super) fn witness_finding(report: &PolicyReport) -> Finding {
    let quorum = &report.quorum;
    let signed = report.witnesses.iter().filter(|witness| witness.witnessed != Witnessed::Not);
    let mut names: Vec<&str> = signed.map(|witness| witness.key.name().as_str()).collect();
    names.dedup(); // One that signs with two keys is one.
    if quorum.needed == 0 {
        let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Finding::not_shown(
            Check::Witnesses,
            "a policy that asks for witnesses",
            format!("it asks for none; signed: {found}"),
        );
    }
    if quorum.is_met() {
        let found =
            format!("{} of {} ({} needed): {}", quorum.witnessed, quorum.members, quorum.needed, names.join(", "));
        return Finding::holds(Check::Witnesses, found, format!("the witnesses {}", names.join(", ")));
    }
    Finding::missing(
        Check::Witnesses,
        format!("{} of {} witnesses", quorum.needed, quorum.members),
        quorum.witnessed.to_string(),
    )
}

/// Returns the log's keys as entry 0 names them. Nobody vouches for them yet.
fn own_keys(source: &dyn Source, checkpoint: &Checkpoint) -> Vec<VerifierKey> {
    let record = source.entry(0).ok().flatten().and_then(|entry| entry.record);
    let body = record.and_then(|bytes| Record::decode(&bytes).ok()).map(|record| record.body);
    let Some(Body::Genesis(genesis)) = body else { return Vec::new() };
    genesis.checkpoint_keys(checkpoint.origin.as_str())
}
