//! `affiant list`.

use serde_json::json;

use super::failure::{Failure, IN_PART};
use super::output;
use super::settings::Settings;

use crate::archivist::read::{Entry, Log, ReadError};
use crate::archivist::withdrawn::Withdrawn;
use crate::base::causes::with_causes;
use crate::base::id::Id;
use crate::evidence::record::{Body, Hold, HoldAct, Withdrawal};
use crate::outside::archive::withdrawn::WithdrawnList;

/// List the records of the archive, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant list\n  affiant list --kind document --json")]
pub(super) struct List {
    /// Only records of this kind: genesis, document, capture, check, provision, withdrawal or hold.
    #[arg(long, value_name = "KIND", value_parser = ["genesis", "document", "capture", "check", "provision", "withdrawal", "hold"])]
    kind: Option<String>,
    /// At most so many.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    limit: u64,
}

impl List {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let withdrawn = log.withdrawn_list()?;
        let mut left = self.limit;
        let mut code = 0;
        for index in (0..log.size()).rev() {
            if left == 0 {
                break;
            }
            match log.entry(index) {
                Ok(entry) if self.kind.as_deref().is_some_and(|kind| kind != entry.record.body.kind()) => continue,
                Ok(entry) => print(&entry, &log, &withdrawn, settings),
                Err(ReadError::Withdrawn { withdrawn, .. }) if !self.is_of_kind(&withdrawn) => continue,
                Err(ReadError::Withdrawn { withdrawn, .. }) => print_withdrawn(index, &withdrawn, settings),
                Err(error) => {
                    print_damaged(index, &error, settings);
                    code = IN_PART;
                }
            }
            left -= 1;
        }
        Ok(code)
    }
}

impl List {
    fn is_of_kind(&self, withdrawn: &Withdrawn) -> bool {
        let kind = withdrawn.entry.record.as_ref().map(|record| record.link.kind());
        self.kind.is_none() || self.kind.as_deref() == kind
    }
}

/// Says that a record cannot be read: one damaged record does not hide the others.
pub(super) fn print_damaged(index: u64, error: &ReadError, settings: &Settings) {
    if settings.json {
        output::json(&json!({ "index": index, "error": with_causes(error) }));
    }
    output::remark(&output::plain(&format!("affiant: entry {index}: {}", with_causes(error))));
}

fn withdrawal_line(withdrawal: &Withdrawal) -> String {
    let Withdrawal { manner, reason, authority, entries, .. } = withdrawal;
    let count = withdrawal.hashes().len();
    format!("{} {count} blob(s) of {} entries: {reason} ({authority})", manner.as_str(), entries.len())
}

fn hold_line(hold: &Hold) -> String {
    match &hold.act {
        HoldAct::Place(entries) => format!("holds {} entries: {}", entries.len(), hold.reason),
        HoldAct::Release(placed) => format!("releases the hold of entry {placed}: {}", hold.reason),
    }
}

/// Says that a record was withdrawn.
pub(super) fn print_withdrawn(index: u64, withdrawn: &Withdrawn, settings: &Settings) {
    let Some(record) = &withdrawn.entry.record else { return };
    let id = Id { prefix: withdrawn.id.prefix.clone(), letter: record.link.letter(), index };
    if settings.json {
        let (kind, withdrawn) = (record.link.kind(), withdrawn.to_json());
        return output::json(&json!({ "id": id.to_string(), "kind": kind, "index": index, "withdrawn": [withdrawn] }));
    }
    let line = format!("{id}  {:<20}  {:<9} {}", "", record.link.kind(), withdrawn.words());
    output::line(&output::plain(&line));
}

/// Prints a record as a line; `list` knows of which entries something is withdrawn.
pub(super) fn print(entry: &Entry, log: &Log<'_>, list: &WithdrawnList, settings: &Settings) {
    let is_listed = list.of(entry.record.index).next().is_some();
    let withdrawn = if is_listed { log.withdrawn(entry.record.index).unwrap_or_default() } else { Vec::new() };
    let body = &entry.record.body;
    let visit = body.visit();
    let what = match body {
        Body::Genesis(_) => entry.record.origin.clone(),
        Body::Document(document) => {
            document.title.clone().map_or(document.url.clone(), |title| format!("{title} · {}", document.url))
        }
        Body::Capture(capture) => capture.visit.final_url.clone(),
        Body::Check(check) => check.visit.final_url.clone(),
        Body::Provision(provision) => format!("“{}”", provision.exact.split_whitespace().collect::<Vec<_>>().join(" ")),
        Body::Withdrawal(withdrawal) => withdrawal_line(withdrawal),
        Body::Hold(hold) => hold_line(hold),
    };
    let time = visit.map_or(entry.record.made, |visit| visit.started);
    if settings.json {
        let mut object = json!({
            "id": entry.id.to_string(),
            "kind": body.kind(),
            "index": entry.record.index,
            "time": time.to_string(),
            "outcome": visit.map(|visit| visit.outcome.kind.word()),
            "sha256": visit.map(|visit| visit.primary.sha256.to_string()),
            "record_sha256": entry.record_sha256().to_string(),
            "what": what,
        });
        if !withdrawn.is_empty() {
            object["withdrawn"] = withdrawn.iter().map(Withdrawn::to_json).collect();
        }
        return output::json(&object);
    }
    let outcome = visit.map_or("", |visit| visit.outcome.kind.word());
    let outcome = withdrawn.last().map_or(outcome, |withdrawn| withdrawn.manner.as_str());
    output::line(&output::plain(&format!(
        "{}  {}  {:<9} {outcome:<9} {what}",
        entry.id,
        time.to_second(),
        body.kind()
    )));
}
