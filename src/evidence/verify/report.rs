//! The verdict in words: the same for the command line, the server and the printed page.
//!
//! Each finding says what it shows *and what it does not*. No word here promises what a court will make of it.

use super::finding::{Check, Finding, Interval, Outcome, Report, Verdict, Vouching};

/// Returns what a verdict means, in a sentence.
#[must_use]
pub fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "Every claim holds, and those whose word it takes are trusted by your policy.",
        Verdict::VerifiedWithGaps => {
            "Nothing contradicts, and the key is trusted by your policy. What is not shown is listed: it is not known to be so."
        }
        Verdict::CannotTell => {
            "Nothing contradicts, but the key is unknown to you or a needed part is missing. This alone proves nothing to you."
        }
        Verdict::Failed => "Something contradicts. Do not rely on this; the finding names what does not fit.",
    }
}

/// Returns what a check shows when it holds.
#[must_use]
pub fn shows(check: Check) -> &'static str {
    match check {
        Check::Files => "nothing in the bundle was added, removed or changed since the archive sealed it",
        Check::Content => "these are the very bytes that the record names",
        Check::Signature => "the archive's key signed this record",
        Check::Inclusion => "the record has this place in the log, and no other record can take it",
        Check::Checkpoint => "a log that you trust signed its size and root",
        Check::Witnesses => "others have seen the same log, so it cannot show you one history and them another",
        Check::NotAfter => "the record existed at this time, by the word of someone other than the archive",
        Check::NotBefore => "the record was made after this time, by the word of someone other than the archive",
        Check::History => "every earlier capture of this document is named, and none is missing between",
        Check::Origin => "the archive recorded a connection that agrees with itself and with the bytes",
    }
}

/// Returns what a check does not show, even when it holds.
#[must_use]
pub fn does_not_show(check: Check) -> &'static str {
    match check {
        Check::Files => "that what was sealed is true",
        Check::Content => "that a server sent them, or when",
        Check::Signature => {
            "who holds the key, or that it was not distrusted since: compare its fingerprint with what the archive publishes"
        }
        Check::Inclusion => "when the record was made, or that it is true",
        Check::Checkpoint => "that the log shows everybody the same history: that takes witnesses",
        Check::Witnesses => "that what the records say is true",
        Check::NotAfter => "that the page was as captured until then",
        Check::NotBefore => "when exactly the record was made",
        Check::History => "that there was no change between two visits, or none since",
        Check::Origin => "that the archive saw what it says: no third party was on the connection",
    }
}

/// Returns the word for what a check came to.
#[must_use]
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Holds => "holds",
        Outcome::NotShown => "not shown",
        Outcome::Fails => "FAILS",
    }
}

/// Writes a report for people. Every line is plain text; nothing depends on colour.
#[must_use]
pub fn to_text(report: &Report) -> String {
    let subject = &report.subject;
    let mut lines = vec![format!("{}  {}", report.verdict, subject.id), format!("  {}", meaning(report.verdict))];
    let described: Vec<&str> = [&subject.title, &subject.entity].into_iter().flatten().map(String::as_str).collect();
    lines.extend((!described.is_empty()).then(|| format!("  document   {}", described.join(" · "))));
    lines.extend(subject.url.iter().map(|url| format!("  address    {url}")));
    if let Some(time) = subject.captured_at {
        let outcome = subject.outcome.unwrap_or_default();
        lines.push(format!("  captured   {} by the archive's clock, {outcome}", time.to_second()));
    }
    lines.extend(subject.sha256.iter().map(|hash| format!("  sha256     {hash}")));
    lines.extend(subject.record_sha256.iter().map(|hash| format!("  record     {hash}")));
    lines.extend(subject.fingerprint.iter().map(|key| format!("  key        {key}")));
    lines.extend(made(&report.interval).map(|made| format!("  made       {made}")));
    lines.push(String::new());
    lines.extend(report.findings.iter().flat_map(finding_lines));
    lines.extend(report.vouchings.iter().flat_map(vouching_lines));
    lines.join("\n") + "\n"
}

/// Says when a record was made, as far as anyone but the archive says so.
fn made(interval: &Interval) -> Option<String> {
    let ends = [("not before", &interval.not_before), ("not after", &interval.not_after)];
    let said: Vec<String> =
        ends.iter().filter_map(|(word, end)| end.as_ref().map(|(time, _)| format!("{word} {time}"))).collect();
    let width = interval.width_seconds().map(|seconds| format!(": {} apart", span(seconds)));
    (!said.is_empty()).then(|| said.join(", ") + &width.unwrap_or_default())
}

/// Writes a span of time in its largest unit and the next.
#[must_use]
pub fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let Some(first) = units.iter().position(|(length, _)| seconds >= *length) else { return "0 s".to_owned() };
    let (length, unit) = units[first];
    let next = units.get(first + 1).map(|(next, unit)| (seconds % length / next, unit));
    match next {
        Some((count, next)) if count > 0 => format!("{} {unit} {count} {next}", seconds / length),
        _ => format!("{} {unit}", seconds / length),
    }
}

/// Says what a check came to where there is no table: each sentence for itself.
#[must_use]
pub fn in_words(finding: &Finding) -> Vec<String> {
    match finding.outcome {
        Outcome::Holds => vec![
            finding.found.clone(),
            format!("relies on {}", finding.relies_on),
            format!("does not show {}", does_not_show(finding.check)),
        ],
        Outcome::NotShown | Outcome::Fails => {
            vec![format!("expected {}", finding.expected), format!("found {}", finding.found)]
        }
    }
}

fn finding_lines(finding: &Finding) -> Vec<String> {
    let name = finding.check.as_str();
    match finding.outcome {
        Outcome::Holds => vec![
            format!("  holds      {name:<11} {}", finding.found),
            format!("{:24} shows that {}", "", shows(finding.check)),
            format!("{:24} does not show {}", "", does_not_show(finding.check)),
            format!("{:24} relies on {}", "", finding.relies_on),
        ],
        Outcome::NotShown => vec![
            format!("  not shown  {name:<11} expected {}", finding.expected),
            format!("{:24} found {}", "", finding.found),
        ],
        Outcome::Fails => vec![
            format!("  FAILS      {name:<11} expected {}", finding.expected),
            format!("{:24} found {}", "", finding.found),
        ],
    }
}

/// Says who vouches for the log's keys, and that the verdict does not rest on it.
fn vouching_lines(vouching: &Vouching) -> Vec<String> {
    const BESIDE: &str = "it changes no verdict: whom you trust, your policy says";
    let mut lines = match vouching.outcome {
        Outcome::Holds => vec![
            format!("  vouches    {}", vouching.found),
            format!("{:24} does not show who holds the keys today, nor that what the archive says is true", ""),
            format!("{:24} relies on {}", "", vouching.relies_on),
        ],
        Outcome::NotShown | Outcome::Fails => {
            let word = if vouching.outcome == Outcome::Fails { "FAILS    " } else { "not shown" };
            vec![
                format!("  {word}  vouching    by {}: expected {}", vouching.by, vouching.expected),
                format!("{:24} found {}", "", vouching.found),
            ]
        }
    };
    lines.push(format!("{:24} {BESIDE}", ""));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_spans_in_two_units() {
        let cases = [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3601, "1 h"), (5400, "1 h 30 min"), (90_061, "1 d 1 h")];
        for (seconds, text) in cases {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn never_says_what_no_check_can_show() {
        let mut words: Vec<&str> = Check::ALL.iter().flat_map(|check| [shows(*check), does_not_show(*check)]).collect();
        words.extend([Verdict::Verified, Verdict::VerifiedWithGaps, Verdict::CannotTell, Verdict::Failed].map(meaning));
        for text in words {
            for promise in ["tamper", "qualified", "admissible", "proof that"] {
                assert!(!text.to_lowercase().contains(promise), "{text}");
            }
        }
    }
}
