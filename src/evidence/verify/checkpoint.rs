//! The checkpoint: who signed size and root, who has witnessed it, and when.
//!
//! Entry 0 of the log and its key records name the log's keys, so an altered checkpoint is found even by a reader who trusts
//! nobody yet. That a log agrees with itself is all such a reader learns: `cannot-tell`. A key that the reader trusts
//! may hand over to another, which then counts like it; a key that was retired or distrusted before the checkpoint's last
//! entry does not count, whatever the policy says of it.
//!
//! Of each algorithm that the log has a key for one must have signed: a checkpoint whose post-quantum line was taken away
//! is *missing* it, and nothing can be told.

use super::finding::{Check, Finding, Interval, Witnessing};
use super::source::Source;
use super::witnesses::{end_of_second, witness_finding, witness_name};
use super::{Later, Trust, keys};

use crate::base::causes::with_causes;
use crate::base::time::Time;
use crate::evidence::record::{KeyPurpose, Record};
use crate::evidence::succession::Succession;
use crate::log::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::log::policy::{Policy, PolicyReport, Witnessed};
use crate::log::vkey::VerifierKey;

/// The checkpoint, with what was found about it.
#[derive(Default)]
pub(super) struct Head {
    /// The note as received.
    pub(super) bytes: Option<Vec<u8>>,
    /// Size and root, when the note can be read.
    pub(super) checkpoint: Option<Checkpoint>,
    /// The keys by which all is judged: those that the source names, or that a later state of the log does.
    pub(super) succession: Option<Succession>,
    /// The log's own keys that signed and count here.
    pub(super) own: Vec<VerifierKey>,
    report: Option<PolicyReport>,
    findings: Vec<Finding>,
}

/// Checks the checkpoint's signatures by the log's own keys and by the policy's.
pub(super) fn check(source: &dyn Source, trust: Trust<'_>) -> Head {
    let told = keys::read(source);
    let mut head = Head { succession: told.succession, findings: told.findings, ..Head::default() };
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
    let vouched = trust.later.and_then(|later| head.hold_to(signed.checkpoint(), later));
    head.own = head.check_own(&signed);
    match trust.policy.map(|policy| policy.check(&signed)).transpose() {
        Err(error) => {
            let expected = "good signatures by the keys of your policy";
            head.findings.push(Finding::fails(Check::Checkpoint, expected, with_causes(&error)));
        }
        Ok(report) => {
            let finding = Trusting { head: &head, signed: &signed, own: &head.own, policy: trust.policy, vouched }
                .finding(report.as_ref());
            head.findings.push(finding);
            head.report = report;
        }
    }
    if trust.policy.is_none() {
        head.findings.push(Finding::not_shown(Check::Witnesses, "a policy that names witnesses", "no policy"));
    }
    head
}

impl Head {
    /// Compares the checkpoint with a later one of the log. Returns who vouches for that, when this is shown to be its past.
    fn hold_to(&mut self, checkpoint: &Checkpoint, later: &Later<'_>) -> Option<String> {
        let size = later.checkpoint.size;
        if later.checkpoint.origin != checkpoint.origin {
            let expected = format!("a later state of `{}`", checkpoint.origin);
            let found = format!("one of `{}`", later.checkpoint.origin);
            self.findings.push(Finding::not_shown(Check::Checkpoint, expected, found));
            return None;
        }
        let last = size.min(checkpoint.size).saturating_sub(1);
        let is_alike = |own: &Succession| {
            if size < checkpoint.size {
                own.continues(&later.succession, last)
            } else {
                later.succession.continues(own, last)
            }
        };
        if !self.succession.as_ref().is_none_or(is_alike) {
            let expected = format!("the key records, up to entry {last}, of the log that you hold at size {size}");
            self.findings.push(Finding::fails(Check::Checkpoint, expected, "others, or some are left out"));
        }
        if size < checkpoint.size {
            let expected = format!("a later state of `{}` than size {}", checkpoint.origin, checkpoint.size);
            self.findings.push(Finding::not_shown(Check::Checkpoint, expected, format!("one of size {size}")));
            return None;
        }
        self.succession = Some(later.succession.clone());
        let proof = match later.source.consistency(checkpoint.size) {
            _ if size == checkpoint.size => None,
            Ok(Some(proof)) => Some(proof),
            Ok(None) => return None, // It says which keys count, and cannot say whether this is its past.
            Err(error) => {
                let expected = format!("a proof that the log of size {size} grew from this one");
                self.findings.push(Finding::not_shown(Check::Checkpoint, expected, error.to_string()));
                return None;
            }
        };
        let is_past = match proof {
            None => later.checkpoint.root == checkpoint.root,
            Some(proof) => proof.verify(checkpoint.root, later.checkpoint.root).is_ok(),
        };
        if !is_past {
            let expected = format!("the log that you hold at size {size} to have grown from this one");
            let found =
                format!("another tree: the root {} at size {} is none of its past", checkpoint.root, checkpoint.size);
            self.findings.push(Finding::fails(Check::Checkpoint, expected, found));
            return None;
        }
        Some(format!("{} (the same log at size {size})", later.relies_on))
    }

    /// Checks the signatures by the keys that the log's records name. Returns those that signed and count here.
    fn check_own(&mut self, signed: &SignedCheckpoint) -> Vec<VerifierKey> {
        let Some(succession) = &self.succession else { return Vec::new() };
        let named = succession.checkpoint_keys_ever();
        let last = signed.checkpoint().size.saturating_sub(1);
        let expected = match succession.newest() {
            None => "a checkpoint signed by the keys that entry 0 names".to_owned(),
            Some(_) => format!("a checkpoint signed by a key that speaks for the log at entry {last}"),
        };
        let signers = match signed.verify(&named) {
            Ok(signers) => signers,
            Err(_) if named.is_empty() => return Vec::new(),
            Err(error) => {
                self.findings.push(Finding::fails(Check::Checkpoint, expected, with_causes(&error)));
                return Vec::new();
            }
        };
        let valid = succession.checkpoint_keys(last);
        let (own, others): (Vec<&VerifierKey>, Vec<&VerifierKey>) =
            signers.iter().map(|signer| signer.key).partition(|key| valid.contains(key));
        if own.is_empty() {
            let found = others.first().map_or_else(String::new, |key| signer_in_words(succession, key, last));
            self.findings.push(Finding::fails(Check::Checkpoint, expected, found));
        }
        // Without its post-quantum line a checkpoint is worth what Ed25519 is worth by then.
        for (n, key) in valid.iter().enumerate() {
            let is_of_kind = |other: &VerifierKey| other.kind() == key.kind();
            if !own.is_empty() && !own.iter().any(|key| is_of_kind(key)) && !valid[..n].iter().any(is_of_kind) {
                let expected = format!("a signature of the log's key {} on the checkpoint", key.fingerprint());
                self.findings.push(Finding::missing(Check::Checkpoint, expected, "none"));
            }
        }
        own.into_iter().cloned().collect()
    }

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

/// Says which key signed, and why it does not count.
fn signer_in_words(succession: &Succession, key: &VerifierKey, last: u64) -> String {
    let why = succession.standing_in_words(KeyPurpose::Checkpoint, key.key().as_bytes(), last);
    format!("one signed by {}, {}", key.fingerprint(), why.unwrap_or_else(|| "which counts".to_owned()))
}

/// Whether a reader can trust the log's signature.
struct Trusting<'t> {
    head: &'t Head,
    signed: &'t SignedCheckpoint,
    /// The log's own keys that signed and count.
    own: &'t [VerifierKey],
    policy: Option<&'t Policy>,
    /// Who vouches for a later state of the log, of which this is the past.
    vouched: Option<String>,
}

impl Trusting<'_> {
    fn finding(&self, report: Option<&PolicyReport>) -> Finding {
        let origin = &self.signed.checkpoint().origin;
        let last = self.signed.checkpoint().size.saturating_sub(1);
        let signers = report.map(|report| report.log_signers.as_slice()).unwrap_or_default();
        let objects = |key: &VerifierKey| {
            let succession = self.head.succession.as_ref()?;
            succession.standing_in_words(KeyPurpose::Checkpoint, key.key().as_bytes(), last)
        };
        let trusted: Vec<&VerifierKey> =
            signers.iter().map(|signer| &signer.key).filter(|key| objects(key).is_none()).collect();
        if let Some(first) = trusted.first() {
            return self.holds(&trusted, format!("who vouches for the log's key {}", first.fingerprint()));
        }
        if let (Some(signer), Some(succession)) = (signers.first(), &self.head.succession) {
            let expected = format!("a checkpoint signed by a key that speaks for the log at entry {last}");
            return Finding::fails(Check::Checkpoint, expected, signer_in_words(succession, &signer.key, last));
        }
        let own: Vec<&VerifierKey> = self.own.iter().collect();
        if let Some(relies_on) = self.own.iter().find_map(|key| self.handed_over(key)) {
            return self.holds(&own, relies_on);
        }
        if let Some(relies_on) = self.vouched.clone().filter(|_| !own.is_empty()) {
            return self.holds(&own, relies_on);
        }
        let keys: Vec<String> = own.iter().map(|key| key.fingerprint()).collect();
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

    fn holds(&self, signers: &[&VerifierKey], relies_on: String) -> Finding {
        let checkpoint = self.signed.checkpoint();
        let keys: Vec<String> = signers.iter().map(|key| key.fingerprint()).collect();
        let found = format!("`{}` at size {} signed by {}", checkpoint.origin, checkpoint.size, keys.join(" and "));
        Finding::holds(Check::Checkpoint, found, relies_on)
    }

    /// Says whose word a key is that took over from one of the policy's.
    fn handed_over(&self, key: &VerifierKey) -> Option<String> {
        let logs = self.policy?.logs();
        let is_trusted =
            |public: &[u8]| logs.iter().any(|log| log.key.name() == key.name() && log.key.key().as_bytes() == public);
        let (before, at) = self.head.succession.as_ref()?.handed_over(key.key().as_bytes(), &is_trusted)?;
        let (before, now) = (before.fingerprint(), key.fingerprint());
        Some(format!("who vouches for the log's key {before}, which handed over to {now} in entry {at}"))
    }
}
