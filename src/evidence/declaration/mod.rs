//! Declarations: drafts of what a person may sign about records and a copy of them, never signed here.
//!
//! A program can say which checks held; only a person can say what they know. So each draft has blanks for everything that
//! is somebody's own knowledge, and behind each sentence brackets with the check that supports it and its limit, which the
//! *challenge pack* at the end spells out: what the other side will ask, what the evidence answers, and what it does not.
//!
//! | form           | for                                                                     | quotes                       |
//! |----------------|--------------------------------------------------------------------------|------------------------------|
//! | `us-902-13-14` | certifications under Federal Rules of Evidence 902(13) and 902(14), with notice under 902(11) | Rule 902(11), 28 U.S.C. § 1746 |
//! | `uk-truth`     | witness statements with a statement of truth (England and Wales)        | Practice Direction 22, 2.2   |
//! | `in-bsa-63`    | the certificate of section 63(4)(c), Parts A and B                      | the Schedule of the Bharatiya Sakshya Adhiniyam, 2023 |
//! | `eu`           | neutral statements                                                      | nothing                      |
//!
//! Each has two statements, the operator's about the process and another's about the copy, a notice, and two annexes with
//! the records and the checks. The wording stands in the `.md` files beside this page. What is quoted is marked as quoted,
//! was looked up when it was written, and is to be compared with the text in force by whoever uses it.
//!
//! Rules. Nothing here promises what a court does. A fact from a record stands in a code span, so that nothing in it can be
//! taken for wording. The same reports give the same bytes. [`docx`] writes the same for a word processor.

pub mod docx;
mod text;

use std::fmt::Write;

use crate::base::hash::Hash;
use crate::evidence::verify::finding::Outcome;
use crate::evidence::verify::{Check, Finding, Report};

/// Whose rules a draft follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Neutral statements.
    Eu,
    /// India, Bharatiya Sakshya Adhiniyam, 2023, section 63.
    InBsa63,
    /// England and Wales.
    UkTruth,
    /// United States, federal courts.
    UsFre902,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Eu, Self::InBsa63, Self::UkTruth, Self::UsFre902];

    /// Returns the form's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::InBsa63 => "in-bsa-63",
            Self::UkTruth => "uk-truth",
            Self::UsFre902 => "us-902-13-14",
        }
    }

    fn templates(self) -> [&'static str; 2] {
        match self {
            Self::Eu => [include_str!("eu.md"), NOTICE],
            Self::InBsa63 => [include_str!("india.md"), NOTICE],
            Self::UkTruth => [include_str!("uk.md"), NOTICE],
            Self::UsFre902 => [include_str!("us.md"), include_str!("us-notice.md")],
        }
    }
}

const NOTICE: &str = include_str!("notice.md");
const ANNEXES: &str = include_str!("annexes.md");

/// What stands above everything and is not to be overlooked.
const HEAD: &str = "# DRAFT, not signed\n\n\
    **A program wrote this draft from the results of its checks. Nobody has signed it, and the program knows nothing but what \
    is in Annexes A and B.** Fill in the blanks, strike what is not so, and have counsel check the wording against the law in \
    force: whether it meets a rule is for counsel and for the court. What stands in quotation marks is quoted; the references in \
    brackets are for whoever signs.\n\n";

/// What a draft is about.
#[derive(Clone, Debug)]
pub struct Facts<'f> {
    /// What the checks came to, a report for each record.
    pub reports: &'f [Report],
    /// The bundle's file name and SHA-256, where one was checked.
    pub bundle: Option<(String, Hash)>,
    /// What made the draft, as `affiant 0.1.0`.
    pub software: String,
}

/// Writes a draft as Markdown.
#[must_use]
pub fn draft(form: Form, facts: &Facts<'_>) -> String {
    let mut draft = HEAD.to_owned();
    for template in form.templates() {
        draft += template;
        draft.push('\n');
    }
    draft += ANNEXES;
    let first = facts.reports.first();
    let of_first = |value: fn(&Report) -> Option<String>| {
        first.and_then(value).map_or_else(|| BLANK.to_owned(), |value| text::plain(&value))
    };
    let bundle = facts.bundle.as_ref();
    let sha256 = bundle
        .map_or_else(|| format!("nothing, because no bundle was at hand: {BLANK}"), |(_, hash)| format!("`{hash}`"));
    let sentence =
        bundle.map(|(name, hash)| format!("The bundle is `{}` with the SHA-256 `{hash}`.", text::plain(name)));
    let values = [
        ("{us-signature}", include_str!("us-signature.md").trim_end().to_owned()),
        ("{uk-signature}", include_str!("uk-signature.md").trim_end().to_owned()),
        ("{in-signature}", include_str!("in-signature.md").trim_end().to_owned()),
        ("{origin}", of_first(|report| report.subject.origin.clone())),
        ("{fingerprint}", of_first(|report| report.subject.fingerprint.clone())),
        ("{software}", text::plain(&facts.software)),
        ("{interval}", intervals(facts.reports)),
        (
            "{bundle}",
            bundle.map_or_else(|| format!("the file {BLANK}"), |(name, _)| format!("the file `{}`", text::plain(name))),
        ),
        ("{bundle-sha256}", sha256),
        ("{bundle-sentence}", sentence.unwrap_or_else(|| format!("The bundle is {BLANK} with the SHA-256 {BLANK}."))),
        ("{records}", records(facts.reports)),
        ("{verdicts}", verdicts(facts.reports)),
        ("{checks}", checks(facts.reports)),
    ];
    text::filled(&draft, &values)
}

/// A blank, for whoever signs to fill in.
const BLANK: &str = "____________________";

fn records(reports: &[Report]) -> String {
    let mut table = "| record | SHA-256 of the record | address | captured, by the archive's clock | SHA-256 of the captured bytes | outcome |\n|---|---|---|---|---|---|\n".to_owned();
    for Report { subject, .. } in reports {
        let hash = |hash: Option<Hash>| hash.map_or_else(|| "not shown".to_owned(), |hash| format!("`{hash}`"));
        let url =
            subject.url.as_deref().map_or_else(|| "not shown".to_owned(), |url| format!("`{}`", text::plain(url)));
        let at = subject.captured_at.map_or_else(|| "not shown".to_owned(), |time| time.to_string());
        let (id, outcome) = (text::plain(&subject.id), subject.outcome.unwrap_or("not shown"));
        let (record, bytes) = (hash(subject.record_sha256), hash(subject.sha256));
        let _ = writeln!(table, "| `{id}` | {record} | {url} | {at} | {bytes} | {outcome} |"); // Writing to a String cannot fail.
    }
    table.trim_end().to_owned()
}

fn verdicts(reports: &[Report]) -> String {
    let line = |report: &Report| format!("- `{}`: **{}**", text::plain(&report.subject.id), report.verdict);
    reports.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn checks(reports: &[Report]) -> String {
    let mut table = "| record | check | result | found | relies on |\n|---|---|---|---|---|\n".to_owned();
    for report in reports {
        for Finding { check, outcome, found, relies_on, .. } in &report.findings {
            let result = match outcome {
                Outcome::Holds => "holds",
                Outcome::NotShown => "**not shown**",
                Outcome::Fails => "**FAILS**",
            };
            let id = text::plain(&report.subject.id);
            let (check, found, relies_on) = (check.as_str(), text::plain(found), text::plain(relies_on));
            let _ = writeln!(table, "| `{id}` | {check} | {result} | `{found}` | `{relies_on}` |");
        }
    }
    table.trim_end().to_owned()
}

/// Between which moments others saw the records; what they do not say stays a blank.
fn intervals(reports: &[Report]) -> String {
    let end = |report: &Report, check: Check| {
        let said = match check {
            Check::NotAfter => &report.interval.not_after,
            _ => &report.interval.not_before,
        };
        said.as_ref().map_or_else(
            || "not shown".to_owned(),
            |(time, who)| format!("{time} (on the word of `{}`)", text::plain(who)),
        )
    };
    let line = |report: &Report| {
        let (from, until) = (end(report, Check::NotBefore), end(report, Check::NotAfter));
        format!("`{}` not before: {from}, not after: {until}", text::plain(&report.subject.id))
    };
    reports.iter().map(line).collect::<Vec<_>>().join("; ") + "."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::verify::{Interval, Subject, Verdict, Witnessing};

    pub(super) fn facts<T>(then: impl FnOnce(&Facts<'_>) -> T) -> T {
        let subject = Subject {
            id: "AF-C-000002-n".into(),
            origin: Some("archive.example/log".into()),
            url: Some("https://evil.example/`|**[x]{origin}\n# Signed".into()),
            record_sha256: Some(Hash::of(b"record")),
            sha256: Some(Hash::of(b"page")),
            fingerprint: Some("SHA256:abc".into()),
            ..Subject::default()
        };
        let findings = vec![
            Finding::holds(Check::Content, "2 file(s)", "nobody"),
            Finding::not_shown(Check::Witnesses, "witnesses", "none"),
        ];
        let (interval, witnessing) = (Interval::default(), Witnessing::default());
        let report = Report {
            verdict: Verdict::VerifiedWithGaps,
            subject,
            interval,
            findings,
            witnessing,
            vouchings: Vec::new(),
        };
        let reports = [report];
        let bundle = Some(("a.zip".to_owned(), Hash::of(b"bundle")));
        then(&Facts { reports: &reports, bundle, software: "affiant 0.1.0".into() })
    }

    #[test]
    fn every_sentence_names_its_check_and_its_limit() {
        let limits: Vec<String> =
            ANNEXES.lines().filter_map(|line| Some(line.strip_prefix("| L")?.split(' ').next()?.to_owned())).collect();
        let known = |reference: &str| {
            reference == "own knowledge"
                || Check::ALL.iter().any(|check| check.as_str() == reference)
                || reference.strip_prefix('L').is_some_and(|limit| limits.iter().any(|known| known == limit))
        };
        for form in Form::ALL {
            let sentences = form.templates()[0].lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
            let sentences: Vec<&str> = sentences.filter(|line| !line.starts_with("28 U.S.C.")).collect();
            assert!(sentences.len() >= 8, "{form:?}");
            for sentence in sentences {
                let references = sentence.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
                let references: Vec<&str> = references.unwrap_or_else(|| panic!("{sentence}")).split("; ").collect();
                assert!(references.iter().all(|reference| known(reference)), "{sentence}");
                assert!(references.iter().any(|reference| reference.starts_with('L')), "{sentence}");
            }
        }
    }

    #[test]
    fn promises_nothing_and_signs_nothing() {
        for form in Form::ALL {
            let draft = facts(|facts| draft(form, facts));
            for word in ["tamper-proof", "tamperproof", "qualified", "admissib", "guarantee", "certified copy"] {
                assert!(!draft.to_lowercase().contains(word), "{form:?} says {word}");
            }
            assert!(draft.starts_with("# DRAFT, not signed"), "{form:?}");
            assert!(draft.matches("left blank by the program").count() >= 3, "{form:?}");
            assert!(!draft.contains('{'), "{form:?} has a marker left: {draft}");
        }
    }

    #[test]
    fn nothing_in_a_record_is_taken_for_wording() {
        let draft = facts(|facts| draft(Form::UsFre902, facts));
        assert!(!draft.contains("\n# Signed"));
        assert!(draft.contains("`https://evil.example/'/**[x](origin) # Signed`"), "{draft}");
        assert_eq!(draft, facts(|facts| super::draft(Form::UsFre902, facts)));
    }
}
