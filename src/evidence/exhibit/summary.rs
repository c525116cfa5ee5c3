//! The summary: what the record says of a visit, on a page.

use super::flow::{BODY, CODE, Flow, LABEL, SMALL};
use super::matter::{Matter, Quoted};
use super::text::Style;

use crate::base::id::NAAN_UNASSIGNED;
use crate::document::exchange::Exchange;
use crate::evidence::record::{Body, Visit};
use crate::evidence::verify::finding::Outcome;
use crate::evidence::verify::report;
use crate::evidence::verify::{Check, Report};

/// How many exchanges are listed.
const EXCHANGE_COUNT_MAX: usize = 24;

/// Writes what a capture or check was.
pub(super) fn visit(flow: &mut Flow<'_>, matter: &Matter, report: Option<&Report>) {
    let Some(visit) = matter.visit() else { return };
    let kind = if matches!(matter.record.body, Body::Check(_)) { "Check" } else { "Capture" };
    flow.title(&format!("{kind} summary"));
    document(flow, matter, visit);
    times(flow, matter, visit, report);
    connection(flow, matter, visit);
    content(flow, visit);
    place(flow, matter);
}

fn row(flow: &mut Flow<'_>, label: &str, style: Style, text: impl Into<String>) {
    flow.row(label, &[(style, text.into())]);
}

fn document(flow: &mut Flow<'_>, matter: &Matter, visit: &Visit) {
    let document = matter.document.as_ref();
    let of = |text: Option<&String>| text.cloned().unwrap_or_else(|| "not said".to_owned());
    row(flow, "Document", BODY, of(document.and_then(|document| document.title.as_ref())));
    row(flow, "Entity", BODY, of(document.and_then(|document| document.entity.as_ref())));
    if let Some(kind) = document.and_then(|document| document.document_type.as_ref()) {
        row(flow, "Type", BODY, kind.clone());
    }
    row(flow, "Citation", BODY, format!("{}  ({})", matter.id, matter.id.ark(NAAN_UNASSIGNED)));
    row(flow, "Address asked", CODE, visit.target.clone());
    row(flow, "Address reached", CODE, visit.final_url.clone());
    let outcome = [vec![visit.outcome.kind.word().to_owned()], visit.outcome.reasons.clone()].concat().join("; ");
    row(flow, "Outcome", BODY, outcome);
    match &matter.record.body {
        Body::Capture(capture) => {
            row(flow, "History", BODY, format!("capture {} of this document in the archive", capture.sequence));
        }
        Body::Check(check) => {
            row(flow, "History", BODY, format!("it found the same text as the capture at entry {}", check.capture));
        }
        _ => {}
    }
}

fn times(flow: &mut Flow<'_>, matter: &Matter, visit: &Visit, report: Option<&Report>) {
    for (label, check) in [("Made not before", Check::NotBefore), ("Made not after", Check::NotAfter)] {
        let findings = report.map(|report| report.findings.as_slice()).unwrap_or_default();
        let mut said = Vec::new();
        for finding in findings.iter().filter(|finding| finding.check == check) {
            if finding.outcome != Outcome::Holds {
                said.push((LABEL, report::word(finding.outcome).to_owned()));
            }
            let words = report::in_words(finding).into_iter().enumerate();
            said.extend(words.map(|(n, line)| (if n == 0 { BODY } else { SMALL }, line)));
        }
        if !said.is_empty() {
            flow.row(label, &said);
        }
    }
    let clock = format!("{} to {}", visit.started, visit.finished);
    flow.row("Archive\u{2019}s own clock", &[(BODY, clock), (SMALL, format!("record made {}", matter.record.made))]);
}

fn connection(flow: &mut Flow<'_>, matter: &Matter, visit: &Visit) {
    let Some(last) = visit.exchanges.last() else {
        return row(flow, "Server", BODY, "none: the bytes were read from a file");
    };
    let status = last.response.head.lines().next().unwrap_or_default().to_owned();
    let answers: Vec<String> = last.connection.dns_answers.iter().map(ToString::to_string).collect();
    let answers = if answers.is_empty() { "no name was looked up".to_owned() } else { answers.join(", ") };
    let server = format!("{} (the name resolved to {answers})", last.connection.remote);
    flow.row(
        "Server",
        &[(BODY, server), (SMALL, "seen by the archive on the connection that carried the page".to_owned())],
    );
    row(flow, "Status", CODE, status);
    match &last.connection.tls {
        None => row(flow, "TLS", BODY, "none: the page came in the clear"),
        Some(tls) => {
            let mut lines = vec![(BODY, format!("{}, {}; certificate {}", tls.version, tls.cipher, tls.validation))];
            if let Some(certificate) = &matter.certificate {
                lines.push((BODY, format!("subject {}, issuer {}", certificate.name(), certificate.issuer_name())));
                let (from, to) = (certificate.not_before(), certificate.not_after());
                lines.push((SMALL, format!("valid {} to {}", from.to_second(), to.to_second())));
            }
            lines.extend(tls.chain.first().map(|leaf| (CODE, format!("SHA-256 {leaf}"))));
            lines.push((SMALL, format!("judged by {}", tls.roots)));
            flow.row("TLS", &lines);
        }
    }
    if visit.exchanges.len() > 1 {
        let line = |exchange: &Exchange| (CODE, format!("{} {}", exchange.response.status, exchange.url));
        let mut lines: Vec<_> = visit.exchanges.iter().take(EXCHANGE_COUNT_MAX).map(line).collect();
        let more = visit.exchanges.len().saturating_sub(EXCHANGE_COUNT_MAX);
        if more > 0 {
            lines.push((SMALL, format!("and {more} more, which the record names")));
        }
        flow.row("Exchanges", &lines);
    }
}

fn content(flow: &mut Flow<'_>, visit: &Visit) {
    let kind = visit.primary.media_type.clone().unwrap_or_else(|| "media type not said".to_owned());
    let size = format!("{} bytes, {kind}", visit.primary.size_bytes);
    flow.row("Page as received", &[(CODE, format!("SHA-256 {}", visit.primary.sha256)), (SMALL, size)]);
    if let Some(text) = visit.text() {
        let made = format!("{} bytes, made by {} {}", text.size_bytes, text.tool.name, text.tool.version);
        flow.row("Text of the page", &[(CODE, format!("SHA-256 {}", text.sha256)), (SMALL, made)]);
    }
    let host: Vec<&str> = visit.host.iter().map(|(_, value)| value.as_str()).collect();
    let by = |matter: &str| format!("method {}{matter}", visit.method.as_str());
    row(flow, "Method", BODY, by(&if host.is_empty() { String::new() } else { format!(", on {}", host.join(" ")) }));
}

/// Writes where a record stands.
pub(super) fn place(flow: &mut Flow<'_>, matter: &Matter) {
    let software = &matter.record.software;
    let commit = format!("source commit {}", software.commit);
    flow.row("Software", &[(BODY, format!("{} {}", software.name, software.version)), (SMALL, commit)]);
    let log = format!("entry {} of {}", matter.record.index, matter.record.origin);
    flow.row("Log", &[(BODY, log), (CODE, format!("statement SHA-256 {}", matter.statement_sha256))]);
    row(flow, "Record", CODE, format!("SHA-256 {}", matter.record_sha256()));
    flow.rule(0.5, super::flow::PALE);
}

/// Writes what a provision quotes.
pub(super) fn passage(flow: &mut Flow<'_>, matter: &Matter, quoted: &Quoted, lines: Option<(usize, usize)>) {
    let provision = &quoted.provision;
    flow.title("Quoted passage");
    super::rendition::passage(flow, provision);
    flow.space(10.0);
    row(flow, "Citation", BODY, format!("{}  ({})", matter.id, matter.id.ark(NAAN_UNASSIGNED)));
    let of = match lines {
        Some((first, last)) if first == last => format!("line {first} of the text, "),
        Some((first, last)) => format!("lines {first} to {last} of the text, "),
        None => String::new(),
    };
    let bytes = format!("{of}bytes {} to {}", provision.start, provision.end);
    let text = (CODE, format!("text SHA-256 {}", provision.rendition));
    flow.row("Stands at", &[(BODY, bytes), text]);
    row(flow, "Quoted from", BODY, quoted.id.to_string());
    row(flow, "Chosen by", BODY, provision.author.clone());
    if let Some(clause) = &provision.clause {
        row(flow, "Clause", BODY, clause.clone());
    }
    row(flow, "Made", BODY, format!("{} by the archive\u{2019}s own clock", matter.record.made));
    place(flow, matter);
}
