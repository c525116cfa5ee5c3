//! Findings and verdicts: what checks say, and what they add up to.

use std::fmt;

use serde_json::{Value as Json, json};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;

/// What is checked, in the order in which it is reported.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Check {
    /// The bundle's own files.
    Files,
    /// The captured bytes and what was made from them.
    Content,
    /// The archive's signature.
    Signature,
    /// The place in the log.
    Inclusion,
    /// The log's signature.
    Checkpoint,
    /// The quorum.
    Witnesses,
    /// The later end of the interval.
    NotAfter,
    /// The earlier end of the interval.
    NotBefore,
    /// The chain of captures.
    History,
    /// Where the bytes came from.
    Origin,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Files,
        Self::Content,
        Self::Signature,
        Self::Inclusion,
        Self::Checkpoint,
        Self::Witnesses,
        Self::NotAfter,
        Self::NotBefore,
        Self::History,
        Self::Origin,
    ];

    /// Returns the check's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Content => "content",
            Self::Signature => "signature",
            Self::Inclusion => "inclusion",
            Self::Checkpoint => "checkpoint",
            Self::Witnesses => "witnesses",
            Self::NotAfter => "not-after",
            Self::NotBefore => "not-before",
            Self::History => "history",
            Self::Origin => "origin",
        }
    }
}

/// What a check came to. *Not shown* is never *holds*.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    /// It was checked, and it is so.
    Holds,
    /// Nothing contradicts it, and nothing shows it.
    NotShown,
    /// Something contradicts it.
    Fails,
}

impl Outcome {
    /// Returns the outcome's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::NotShown => "not-shown",
            Self::Fails => "fails",
        }
    }
}

/// One check's result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// What it came to.
    pub outcome: Outcome,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// Whose word it is.
    pub relies_on: String,
    /// Whether what is not shown is something that every reader needs, so that nothing can be told without it.
    pub is_needed: bool,
}

/// Whom a finding relies on when it is arithmetic over bytes that anyone can repeat.
pub const NOBODY: &str = "nobody: it is arithmetic that anyone can repeat";

impl Finding {
    /// Says that a check holds.
    #[must_use]
    pub fn holds(check: Check, found: impl Into<String>, relies_on: impl Into<String>) -> Self {
        let found = found.into();
        let relies_on = relies_on.into();
        Self { check, outcome: Outcome::Holds, expected: found.clone(), found, relies_on, is_needed: false }
    }

    /// Says that something contradicts.
    #[must_use]
    pub fn fails(check: Check, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found, relies_on) = (expected.into(), found.into(), NOBODY.to_owned());
        Self { check, outcome: Outcome::Fails, expected, found, relies_on, is_needed: false }
    }

    /// Says that something that may well be absent is.
    #[must_use]
    pub fn not_shown(check: Check, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found, relies_on) = (expected.into(), found.into(), NOBODY.to_owned());
        Self { check, outcome: Outcome::NotShown, expected, found, relies_on, is_needed: false }
    }

    /// Says that something is absent without which nothing can be told.
    #[must_use]
    pub fn missing(check: Check, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { is_needed: true, ..Self::not_shown(check, expected, found) }
    }

    fn to_json(&self) -> Json {
        json!({
            "check": self.check.as_str(),
            "result": self.outcome.as_str(),
            "expected": self.expected,
            "found": self.found,
            "relies_on": self.relies_on,
        })
    }
}

/// What one endorsement came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Vouching {
    /// Who vouches, as the certificate names them; where it cannot be told, the file.
    pub by: String,
    /// What it came to.
    pub outcome: Outcome,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// Whose word it is.
    pub relies_on: String,
}

impl Vouching {
    pub(super) fn to_json(&self) -> Json {
        json!({
            "by": self.by,
            "result": self.outcome.as_str(),
            "expected": self.expected,
            "found": self.found,
            "relies_on": self.relies_on,
        })
    }

    fn not(outcome: Outcome, by: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (by, expected, found) = (by.to_owned(), expected.into(), found.into());
        Self { by, outcome, expected, found, relies_on: NOBODY.to_owned() }
    }

    pub(super) fn fails(by: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::not(Outcome::Fails, by, expected, found)
    }

    pub(super) fn not_shown(by: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::not(Outcome::NotShown, by, expected, found)
    }
}

/// What the findings add up to.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// Every claim holds, the keys are trusted, the quorum is met.
    Verified,
    /// Nothing fails and the key is trusted; something is not shown.
    VerifiedWithGaps,
    /// Nothing fails, but the key is unknown to the reader or a needed part is missing.
    CannotTell,
    /// Something contradicts.
    Failed,
}

impl Verdict {
    /// Adds findings up.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let has = |outcome| findings.iter().any(|finding| finding.outcome == outcome);
        if has(Outcome::Fails) {
            return Self::Failed;
        }
        // Trust begins at the checkpoint: where no finding says that it holds, nothing does.
        let holds = |check| findings.iter().any(|finding| finding.check == check && finding.outcome == Outcome::Holds);
        let is_anchored = [Check::Signature, Check::Inclusion, Check::Checkpoint].into_iter().all(holds);
        if !is_anchored || findings.iter().any(|finding| finding.outcome == Outcome::NotShown && finding.is_needed) {
            return Self::CannotTell;
        }
        if has(Outcome::NotShown) { Self::VerifiedWithGaps } else { Self::Verified }
    }

    /// Returns the verdict's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::VerifiedWithGaps => "verified-with-gaps",
            Self::CannotTell => "cannot-tell",
            Self::Failed => "failed",
        }
    }

    /// Returns the exit code of a program that reports the verdict.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Verified | Self::VerifiedWithGaps => 0,
            Self::Failed => 3,
            Self::CannotTell => 4,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the verdict is about, as the signed records say it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Subject {
    /// The citation id.
    pub id: String,
    /// The log's origin.
    pub origin: Option<String>,
    /// The kind of record.
    pub kind: Option<&'static str>,
    /// SHA-256 of the record.
    pub record_sha256: Option<Hash>,
    /// The document's entity.
    pub entity: Option<String>,
    /// The document's title.
    pub title: Option<String>,
    /// The address asked for.
    pub url: Option<String>,
    /// When it was captured, by the archive's clock.
    pub captured_at: Option<Time>,
    /// SHA-256 of the captured bytes.
    pub sha256: Option<Hash>,
    /// What the visit amounted to.
    pub outcome: Option<&'static str>,
    /// The archive's key, as `ssh-keygen -l` prints it.
    pub fingerprint: Option<String>,
}

impl Subject {
    pub(super) fn unknown(id: &Id) -> Self {
        Self { id: id.to_string(), ..Self::default() }
    }

    fn to_json(&self) -> Json {
        let mut object = serde_json::Map::new();
        let mut put = |key: &str, value: Option<String>| {
            object.extend(value.map(|value| (key.to_owned(), Json::from(value))));
        };
        put("id", Some(self.id.clone()));
        put("kind", self.kind.map(str::to_owned));
        put("origin", self.origin.clone());
        put("entity", self.entity.clone());
        put("title", self.title.clone());
        put("url", self.url.clone());
        put("captured_at", self.captured_at.map(|time| time.to_string()));
        put("outcome", self.outcome.map(str::to_owned));
        put("sha256", self.sha256.map(|hash| hash.to_string()));
        put("record_sha256", self.record_sha256.map(|hash| hash.to_string()));
        put("fingerprint", self.fingerprint.clone());
        Json::Object(object)
    }
}

/// When a record was made, as far as others say so.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Interval {
    /// The earlier end, and who says so.
    pub not_before: Option<(Time, String)>,
    /// The later end, and who says so.
    pub not_after: Option<(Time, String)>,
    /// What the archive's own clock said, which no one else confirms.
    pub claimed: Option<Time>,
}

impl Interval {
    /// Returns how wide the interval is, when both ends are said.
    #[must_use]
    pub fn width_seconds(&self) -> Option<u64> {
        let (not_before, not_after) = (self.not_before.as_ref()?.0, self.not_after.as_ref()?.0);
        Some(not_after.microseconds().saturating_sub(not_before.microseconds()).div_ceil(1_000_000))
    }

    pub(super) fn findings(&self) -> [Finding; 2] {
        let claimed = self.claimed.map_or_else(String::new, |time| format!("; the archive's own clock said {time}"));
        let finding = |check, end: &Option<(Time, String)>, nobody: &str| match end {
            Some((time, who)) => Finding::holds(check, time.to_string(), who.clone()),
            None => {
                Finding::not_shown(check, "the word of someone other than the archive", format!("{nobody}{claimed}"))
            }
        };
        [
            finding(Check::NotAfter, &self.not_after, "no timestamp token and no witness's cosignature"),
            finding(Check::NotBefore, &self.not_before, "the record names no timestamp token that came before it"),
        ]
    }

    fn to_json(&self) -> Json {
        let end = |end: &Option<(Time, String)>| end.as_ref().map(|(time, _)| time.to_string());
        let mut object = json!({ "not_before": end(&self.not_before), "not_after": end(&self.not_after) });
        if let Some(width) = self.width_seconds() {
            object["width_seconds"] = width.into();
        }
        object
    }
}

/// How far the policy's quorum was met.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Witnessing {
    /// How many were needed.
    pub needed: usize,
    /// How many witnessed.
    pub witnessed: usize,
}

/// All findings about one subject, and the verdict.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// What it is about.
    pub subject: Subject,
    /// When it was made, as far as others say so.
    pub interval: Interval,
    /// The findings, in the order of [`Check::ALL`].
    pub findings: Vec<Finding>,
    /// How far the quorum was met.
    pub witnessing: Witnessing,
    /// Who vouches for the log's keys. No verdict rests on it.
    pub vouchings: Vec<Vouching>,
}

impl Report {
    pub(super) fn new(subject: Subject, interval: Interval, findings: Vec<Finding>, witnessing: Witnessing) -> Self {
        Self { verdict: Verdict::of(&findings), subject, interval, findings, witnessing, vouchings: Vec::new() }
    }

    /// Joins each check's findings: where one fails only failures stand, where all hold the first stands for all.
    pub(super) fn merge(&mut self) {
        let mut merged = Vec::new();
        for check in Check::ALL {
            let mut of_check: Vec<Finding> =
                self.findings.iter().filter(|finding| finding.check == check).cloned().collect();
            let Some(worst) = of_check.iter().map(|finding| finding.outcome).max() else { continue };
            of_check.retain(|finding| finding.outcome == worst);
            of_check.dedup();
            if worst == Outcome::Holds {
                of_check.truncate(1);
            }
            merged.extend(of_check);
        }
        self.findings = merged;
    }

    /// Returns the report as the stable JSON object of `verify --json`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = json!({
            "verdict": self.verdict.as_str(),
            "subject": self.subject.to_json(),
            "interval": self.interval.to_json(),
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        });
        if !self.vouchings.is_empty() {
            object["vouchings"] = self.vouchings.iter().map(Vouching::to_json).collect();
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchored() -> Vec<Finding> {
        [Check::Signature, Check::Inclusion, Check::Checkpoint]
            .into_iter()
            .map(|check| Finding::holds(check, "x", NOBODY))
            .collect()
    }

    #[test]
    fn nothing_is_verified_without_its_three_anchors() {
        assert_eq!(Verdict::of(&[]), Verdict::CannotTell);
        for missing in 0..3 {
            let mut findings = anchored();
            findings.remove(missing);
            assert_eq!(Verdict::of(&findings), Verdict::CannotTell);
        }
        assert_eq!(Verdict::of(&anchored()), Verdict::Verified);
    }

    #[test]
    fn one_failure_outweighs_all_else() {
        for check in Check::ALL {
            let mut findings = anchored();
            findings.push(Finding::not_shown(check, "a", "b"));
            assert_eq!(Verdict::of(&findings), Verdict::VerifiedWithGaps);
            findings.push(Finding::missing(check, "a", "b"));
            assert_eq!(Verdict::of(&findings), Verdict::CannotTell);
            findings.push(Finding::fails(check, "a", "b"));
            assert_eq!(Verdict::of(&findings), Verdict::Failed);
        }
    }
}
