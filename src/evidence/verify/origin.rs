//! Origin: where the bytes came from, as the archive saw it on the very connection that carried them.
//!
//! No archive proves origin against a dishonest archivist without a third party on the connection, and the
//! finding says so. What can be checked is that the record does not contradict itself.

use super::entry::VerifiedEntry;
use super::finding::{Check, Finding};

use crate::document::exchange::Exchange;
use crate::evidence::record::{Method, Visit};

/// Checks that the record's account of the connection agrees with itself.
pub(super) fn check(entry: &VerifiedEntry, is_visit: bool) -> Vec<Finding> {
    let Some(visit) = entry.record.body.visit().filter(|_| is_visit) else { return Vec::new() };
    let mut findings = contradictions(visit);
    if findings.is_empty() {
        findings.push(account(visit));
    }
    findings
}

fn account(visit: &Visit) -> Finding {
    let expected = "a connection over which the bytes came";
    match (visit.method, visit.exchanges.last()) {
        (Method::File, _) => Finding::not_shown(Check::Origin, expected, "the bytes were read from a file"),
        (Method::Http, None) => Finding::fails(Check::Origin, expected, "none"),
        (Method::Http, Some(last)) => match &last.connection.tls {
            None => Finding::not_shown(
                Check::Origin,
                "a connection whose other end showed a certificate",
                format!("plain HTTP from {}", last.connection.remote),
            ),
            Some(tls) if tls.validation != "valid" => {
                Finding::not_shown(Check::Origin, "a valid certificate", tls.validation.clone())
            }
            Some(tls) => Finding::holds(
                Check::Origin,
                format!("{} from {} over {}, certificate valid", visit.final_url, last.connection.remote, tls.version),
                "the archive, which alone saw the connection",
            ),
        },
    }
}

fn contradictions(visit: &Visit) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fail = |expected: String, found: String| findings.push(Finding::fails(Check::Origin, expected, found));
    if visit.finished < visit.started {
        fail(format!("an end after {}", visit.started), visit.finished.to_string());
    }
    if let (Some(first), Some(last)) = (visit.exchanges.first(), visit.exchanges.last()) {
        if first.url != visit.target {
            fail(format!("a first request for `{}`", visit.target), first.url.clone());
        }
        if last.url != visit.final_url {
            fail(format!("a last request for `{}`", visit.final_url), last.url.clone());
        }
        if last.body.sha256 != visit.primary.sha256 || last.body.size_bytes != visit.primary.size_bytes {
            fail(format!("the last answer's body {}", last.body.sha256), visit.primary.sha256.to_string());
        }
    }
    for exchange in &visit.exchanges {
        if status_of(exchange) != Some(exchange.response.status) {
            let line = exchange.response.head.lines().next().unwrap_or_default().to_owned();
            fail(format!("status {} in the head of `{}`", exchange.response.status, exchange.url), line);
        }
    }
    findings
}

fn status_of(exchange: &Exchange) -> Option<u16> {
    exchange.response.head.strip_prefix("HTTP/")?.split(' ').nth(1)?.get(..3)?.parse().ok()
}
