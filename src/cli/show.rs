//! `affiant show`.

use super::entry::find;
use super::failure::{FAILED, Failure, REFUSED, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::read::{Entry, Log};
use crate::archivist::timestamp::state;
use crate::archivist::withdrawn::Withdrawn;
use crate::base::hash::Hash;
use crate::evidence::record::{Body, HoldAct, Manner, Record, Visit};

/// Show one record, or the bytes that it names.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of which one at most is given")]
#[command(
    after_help = "Examples:\n  affiant show AF-C-000002-x\n  affiant show AF-C-000002-x --text\n  affiant show AF-C-000002-x --body > page.html"
)]
pub(super) struct Show {
    /// The citation id.
    #[arg(value_name = "ID")]
    id: String,
    /// Print the text rendition.
    #[arg(long, group = "what")]
    text: bool,
    /// Print the captured bytes as received.
    #[arg(long, group = "what")]
    body: bool,
    /// Print the record's CBOR.
    #[arg(long, group = "what")]
    record: bool,
    /// Print the statement's COSE.
    #[arg(long, group = "what")]
    statement: bool,
    /// Print the bytes of any blob that the record names.
    #[arg(long, value_name = "SHA256", group = "what")]
    blob: Option<String>,
}

impl Show {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let entry = find(&log, &self.id)?;
        let visit = entry.record.body.visit();
        let lacks = |what: &str| Failure::new(FAILED, format!("{} has no {what}", entry.id));
        let blob = if self.record {
            output::bytes(&entry.record_bytes);
            return Ok(0);
        } else if self.statement {
            output::bytes(entry.statement.as_bytes());
            return Ok(0);
        } else if self.text {
            visit.and_then(Visit::text).ok_or_else(|| lacks("text rendition"))?.sha256
        } else if self.body {
            visit.ok_or_else(|| lacks("captured bytes"))?.primary.sha256
        } else if let Some(text) = &self.blob {
            let hash: Hash = text.parse().map_err(|error| Failure::of(WRONG_USE, &error))?;
            let is_named = visit.is_some_and(|visit| visit.blobs().contains(&hash));
            is_named.then_some(hash).ok_or_else(|| lacks("such blob"))?
        } else {
            print(&entry, &log, settings);
            return Ok(0);
        };
        if let Some(withdrawn) = log.withdrawal_of(entry.record.index, blob)? {
            let code = if withdrawn.manner == Manner::Withheld { REFUSED } else { FAILED };
            let message = output::plain(&format!("blob {blob} of {} was {}", entry.id, withdrawn.words()));
            return Err(
                Failure::new(code, message).try_this(format!("`affiant show {}` says who withdrew what", withdrawn.id))
            );
        }
        archive
            .packs()
            .copy(blob, &mut std::io::stdout().lock())
            .map_err(|error| Failure::from(crate::archivist::read::ReadError::from(error)))?;
        Ok(0)
    }
}

fn print(entry: &Entry, log: &Log<'_>, settings: &Settings) {
    let withdrawn = log.withdrawn(entry.record.index).unwrap_or_default();
    let reading = Record::read_out(&entry.record_bytes).unwrap_or_default();
    if settings.json {
        let mut object = reading;
        if let Some(fields) = object.as_object_mut() {
            fields.insert("id".to_owned(), entry.id.to_string().into());
            fields.insert("record_sha256".to_owned(), entry.record_sha256().to_string().into());
            if !withdrawn.is_empty() {
                fields.insert("withdrawn".to_owned(), withdrawn.iter().map(Withdrawn::to_json).collect());
            }
            fields.insert("entry".to_owned(), entry.statement.entry().to_string().into());
        }
        output::json(&object);
        return;
    }
    let put = |name: &str, value: &str| output::line(&format!("{name:<10} {}", output::plain(value)));
    put("id", &entry.id.to_string());
    put("kind", entry.record.body.kind());
    put("index", &format!("{} of {}", entry.record.index, log.size()));
    put("made", &entry.record.made.to_string());
    describe(&entry.record.body, log, &put);
    if let Some(dated) = dated(entry, log) {
        put("dated", &dated);
    }
    for withdrawn in &withdrawn {
        put("withdrawn", &format!("{} blob(s) {}", withdrawn.entry.hashes().count(), withdrawn.words()));
    }
    put("record", &entry.record_sha256().to_string());
    put("entry", &entry.statement.entry().to_string());
    put("ark", &entry.id.ark(log.archive().settings().naan.as_deref().unwrap_or(crate::base::id::NAAN_UNASSIGNED)));
}

/// Says whether anyone but the archive has dated the record; nothing where nobody was ever asked.
fn dated(entry: &Entry, log: &Log<'_>) -> Option<String> {
    let state = state(log.archive(), &log.archive().settings().authorities).ok()?;
    match state.anchored {
        Some(size) if size > entry.record.index => Some("yes; `affiant verify` says between which moments".to_owned()),
        None if state.pending.is_empty() && state.attempts.is_empty() => None,
        _ => Some("pending: no checkpoint that has it is timestamped yet; `affiant timestamp` asks".to_owned()),
    }
}

fn describe(body: &Body, log: &Log<'_>, put: &dyn Fn(&str, &str)) {
    match body {
        Body::Genesis(genesis) => {
            put("prefix", &genesis.prefix);
            for key in &genesis.keys {
                put("key", &format!("{} {}", key.algorithm, key.purpose.as_str()));
            }
        }
        Body::Document(document) => {
            describe_document(document, put);
        }
        Body::Capture(capture) => {
            if let Ok((_, document)) = log.document(capture.document) {
                describe_document(&document, put);
            }
            put("sequence", &capture.sequence.to_string());
            describe_visit(&capture.visit, put);
        }
        Body::Check(check) => {
            put("confirms", &format!("entry {}", check.capture));
            describe_visit(&check.visit, put);
        }
        Body::Anchor(anchor) => {
            put("anchors", &format!("the log at size {} under root {}", anchor.size, anchor.root));
            for proof in &anchor.proofs {
                put(&proof.kind, &proof.sha256.to_string());
            }
        }
        Body::Provision(provision) => {
            put("quotes", &format!("entry {}", provision.capture));
            put("exact", &provision.exact);
        }
        Body::Withdrawal(withdrawal) => {
            put("manner", withdrawal.manner.as_str());
            put("reason", &withdrawal.reason);
            put("authority", &withdrawal.authority);
            if let Some(rule) = &withdrawal.rule {
                put("rule", rule);
            }
            for entry in &withdrawal.entries {
                let record = if entry.record.is_some() { " and the record itself" } else { "" };
                put("withdraws", &format!("{} blob(s) of entry {}{record}", entry.blobs.len(), entry.index));
            }
        }
        Body::Hold(hold) => {
            put("reason", &hold.reason);
            if let Some(authority) = &hold.authority {
                put("authority", authority);
            }
            match &hold.act {
                HoldAct::Place(entries) => entries.iter().for_each(|entry| put("holds", &format!("entry {entry}"))),
                HoldAct::Release(hold) => put("releases", &format!("the hold of entry {hold}")),
            }
        }
        Body::Key(change) => {
            for line in super::key::change_lines(&change.changes) {
                put("key", &line);
            }
            if let Some(reason) = &change.reason {
                put("reason", reason);
            }
        }
    }
}

fn describe_document(document: &crate::evidence::record::Document, put: &dyn Fn(&str, &str)) {
    let said = [("entity", &document.entity), ("title", &document.title), ("type", &document.document_type)];
    for (name, value) in said {
        if let Some(value) = value {
            put(name, value);
        }
    }
    put("url", &document.url);
}

fn describe_visit(visit: &Visit, put: &dyn Fn(&str, &str)) {
    put("outcome", format!("{} {}", visit.outcome.kind.word(), visit.outcome.reasons.join("; ")).trim_end());
    put("started", &visit.started.to_string());
    put("finished", &visit.finished.to_string());
    put("final", &visit.final_url);
    for exchange in &visit.exchanges {
        let tls = exchange
            .connection
            .tls
            .as_ref()
            .map(|tls| format!(" {} {}, certificate {}", tls.version, tls.cipher, tls.validation));
        put(
            "exchange",
            &format!(
                "{} {} from {}{}",
                exchange.response.status,
                exchange.url,
                exchange.connection.remote,
                tls.unwrap_or_default()
            ),
        );
    }
    put("bytes", &format!("{} ({} bytes)", visit.primary.sha256, visit.primary.size_bytes));
    if let Some(text) = visit.text() {
        put("text", &format!("{} ({} bytes, {} {})", text.sha256, text.size_bytes, text.tool.name, text.tool.version));
    }
}
