//! `affiant list`.

use serde_json::json;

use super::entry::find;
use super::failure::{FAILED, Failure, IN_PART, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::list::{Listed, Listing, Wanted};
use crate::archivist::read::{Entry, Log, ReadError};
use crate::archivist::withdrawn::Withdrawn;
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::{Time, TimeError};
use crate::evidence::record::{Body, Hold, HoldAct, Withdrawal};
use crate::outside::archive::withdrawn::WithdrawnList;

/// List the records of the archive, newest first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "All that is asked must hold. A next page begins --after the last id of the one before.\n\nExamples:\n  affiant list\n  affiant list --kind document --json\n  affiant list --entity 'Example Inc.' --outcome error --since 2026-03-01\n  affiant list --limit 20 --after AF-C-000042-k"
)]
pub(super) struct List {
    /// Only records of this document: the id of it or of a record of it, or its address.
    #[arg(long, value_name = "DOCUMENT")]
    document: Option<String>,
    /// Only records of documents of this entity.
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    /// Only records of documents with this address, and visits that asked for it or ended there.
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Only the record with this SHA-256, or those that name a blob with it: bytes, text, certificate.
    #[arg(long, value_name = "SHA256")]
    hash: Option<Hash>,
    /// Only visits with this outcome: complete, truncated, challenge or error.
    #[arg(long, value_name = "OUTCOME", value_parser = ["complete", "truncated", "challenge", "error"])]
    outcome: Option<String>,
    /// Only records of this kind: genesis, document, capture, check, provision, anchor, withdrawal or hold.
    #[arg(long, value_name = "KIND", value_parser = ["genesis", "document", "capture", "check", "provision", "anchor", "withdrawal", "hold"])]
    kind: Option<String>,
    /// Only records of this time or later: a day or an RFC 3339 time, in UTC.
    #[arg(long, value_name = "TIME", value_parser = |text: &str| moment(text, "T00:00:00Z"))]
    since: Option<Time>,
    /// Only records of this time or earlier.
    #[arg(long, value_name = "TIME", value_parser = |text: &str| moment(text, "T23:59:59.999999Z"))]
    until: Option<Time>,
    /// At most so many.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    limit: u64,
    /// Only what comes after this id in the list: older records.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

impl List {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let before = match &self.after {
            Some(id) => find(&log, id)?.record.index,
            None => u64::MAX,
        };
        let mut wanted = Wanted {
            entity: self.entity,
            address: self.address,
            blob: self.hash,
            outcome: self.outcome,
            kinds: self.kind.into_iter().collect(),
            since: self.since,
            until: self.until,
            ..Wanted::default()
        };
        match self.document {
            Some(id) if Id::parse(&id).is_ok() => wanted.history = Some(history_of(&log, &id)?),
            Some(address) if wanted.address.as_ref().is_none_or(|other| *other == address) => {
                wanted.address = Some(address);
            }
            Some(_) => return Err(Failure::new(WRONG_USE, "--document and --address name two addresses")),
            None => {}
        }
        let mut listing = Listing::begin(&log, wanted, before, settings.progress.as_ref())?;
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let code = print_all(listing.by_ref().take(limit), &log, settings)?;
        remark(listing.remark());
        Ok(code)
    }
}

/// Reads a moment; a day stands for its first or last.
fn moment(text: &str, of_day: &str) -> Result<Time, TimeError> {
    format!("{text}{of_day}").parse().or_else(|_| text.parse())
}

/// Prints what is listed, and returns the exit code: a damaged record is named and does not hide the others.
pub(super) fn print_all(
    listed: impl Iterator<Item = Listed>,
    log: &Log<'_>,
    settings: &Settings,
) -> Result<u8, Failure> {
    let withdrawn_list = log.withdrawn_list()?;
    let mut code = 0;
    for listed in listed {
        match listed {
            Listed::Entry(entry) => print(&entry, log, &withdrawn_list, settings),
            Listed::Withdrawn { index, withdrawn } => print_withdrawn(index, &withdrawn, settings),
            Listed::Damaged { index, error } => {
                print_damaged(index, &error, settings);
                code = IN_PART;
            }
        }
    }
    Ok(code)
}

/// Says why a list took long, when it did.
pub(super) fn remark(remark: Option<String>) {
    if let Some(remark) = remark {
        output::remark(&output::plain(&format!("affiant: {remark}")));
    }
}

/// Finds the first record of the document that an id is of.
pub(super) fn history_of(log: &Log<'_>, id: &str) -> Result<u64, Failure> {
    let entry = find(log, id)?;
    let document = match &entry.record.body {
        Body::Document(document) => return Ok(document.amends.unwrap_or(entry.record.index)),
        Body::Capture(capture) => capture.document,
        Body::Check(check) => check.document,
        Body::Genesis(_)
        | Body::Provision(_)
        | Body::Anchor(_)
        | Body::Withdrawal(_)
        | Body::Hold(_)
        | Body::Key(_) => {
            return Err(Failure::new(FAILED, format!("{} has no history of its own", entry.id)));
        }
    };
    Ok(log.document(document)?.1.amends.unwrap_or(document))
}

/// Says that a record cannot be read: one damaged record does not hide the others.
fn print_damaged(index: u64, error: &ReadError, settings: &Settings) {
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
fn print_withdrawn(index: u64, withdrawn: &Withdrawn, settings: &Settings) {
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
fn print(entry: &Entry, log: &Log<'_>, list: &WithdrawnList, settings: &Settings) {
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
        Body::Anchor(anchor) => format!("log at size {}, {} proof(s)", anchor.size, anchor.proofs.len()),
        Body::Provision(provision) => format!("“{}”", provision.exact.split_whitespace().collect::<Vec<_>>().join(" ")),
        Body::Withdrawal(withdrawal) => withdrawal_line(withdrawal),
        Body::Hold(hold) => hold_line(hold),
        Body::Key(change) => super::key::change_lines(&change.changes).join("; "),
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
