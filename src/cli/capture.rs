//! `affiant capture`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value as Json, json};

use super::failure::{FAILED, Failure, IN_PART, REFUSED, WRONG_USE};
use super::init::announce_recovery_key;
use super::interruption::interruption;
use super::output;
use super::settings::Settings;

use crate::archivist::capture::{Captured, Manner, Missed, Order, Tally, Watch, capture};
use crate::archivist::init::{Naming, Opened, open_or_create};
use crate::archivist::places::now;
use crate::archivist::redactable::Redaction;
use crate::archivist::visit::Target;
use crate::base::causes::with_causes;
use crate::outside::web::options::{Downgrade, FetchOptions, InvalidTls, PrivateAddresses};
use crate::outside::web::roots::Roots;

/// The longest line of a list of targets.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// The most targets of one capture.
const TARGET_COUNT_MAX: usize = 1_000_000;

/// Capture pages and files: keep their bytes, and log what was seen and when.
///
/// A target is an http or https address, or the path of a file. A document captured before and found with the
/// same text makes a *check*; new text makes the next *capture* in its chain.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  affiant capture https://example.com/privacy --entity 'Example Inc.' --title 'Privacy Policy'\n  \
    affiant capture --from addresses.txt --jobs 16\n\nA list has one target a line, or one JSON object a line with `target` and, \
    if wanted,\n`entity`, `title` and `document_type`. Empty lines and lines that begin with # are passed over.\n\n\
    Other limits: 64 KiB a response head, 10 redirects, 1,000,000 targets, 32 MiB for a text rendition."
)]
pub(super) struct Capture {
    /// What to capture.
    #[arg(value_name = "TARGET", required_unless_present = "from")]
    targets: Vec<String>,
    /// Read targets from FILE, or from standard input with `-`.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    description: Description,
    #[command(flatten)]
    web: Web,
    /// Commit to the text part by part, so that a bundle can black out some of it and still prove the rest.
    #[arg(long)]
    redactable: bool,
    /// Ask the archive's timestamp authorities for a fresh token first, so that the record names a moment just before.
    #[arg(long)]
    tight: bool,
    /// How many visits run at once.
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,
    /// How many of them to one server.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    per_host: u16,
}

/// What the operator says of the document.
#[derive(Debug, clap::Args)]
struct Description {
    /// Whose document it is.
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    /// Its title.
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
    /// What it is, as `Privacy Policy`.
    #[arg(long = "type", value_name = "TYPE")]
    document_type: Option<String>,
    /// A label for the place you look from, as `EU`. Another place is another document.
    #[arg(long, value_name = "LABEL")]
    region: Option<String>,
}

/// How pages are fetched.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Fetching")]
struct Web {
    /// Who asks.
    #[arg(long, value_name = "TEXT")]
    user_agent: Option<String>,
    /// The languages wanted, as `de, en;q=0.5`.
    #[arg(long, value_name = "LIST")]
    language: Option<String>,
    /// Another field to send; its value stays out of the record when its name looks secret.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A field whose value stays out of the record.
    #[arg(long, value_name = "NAME")]
    redact: Vec<String>,
    /// Seconds to connect.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    connect_timeout: u64,
    /// Seconds to wait for the next piece.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    idle_timeout: u64,
    /// Seconds for a whole visit.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// The most bytes kept of one body.
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 30)]
    max_size: u64,
    /// How often an exchange that failed before an answer is begun again.
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    retries: u32,
    /// Visit loopback, private and link-local addresses too.
    #[arg(long)]
    allow_private: bool,
    /// Go on with a certificate that does not validate; the record states it.
    #[arg(long)]
    allow_invalid_tls: bool,
    /// Follow redirects from https to http.
    #[arg(long)]
    allow_downgrade: bool,
    /// Trust the certificates in a PEM file besides the built-in roots.
    #[arg(long, value_name = "FILE")]
    tls_roots: Option<PathBuf>,
}

impl Capture {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let manner = Manner {
            fetch: Arc::new(self.web.options()?),
            region: self.description.region.clone(),
            jobs: usize::from(self.jobs),
            per_host: usize::from(self.per_host),
            redaction: if self.redactable { Redaction::Ranges } else { Redaction::Files },
        };
        if self.tight && settings.offline {
            return Err(Failure::new(REFUSED, "--tight asks an authority, and --offline forbids it"));
        }
        let (orders, mut unread) = self.orders(settings)?;
        let is_single = orders.len() + unread.len() == 1;
        if is_single && let Some(missed) = unread.pop() {
            return Err(Failure::from(&missed.error));
        }
        let passphrase = settings.passphrase()?;
        let progress = settings.progress.as_ref();
        super::publication::before(settings)?;
        let opened = open_or_create(&settings.places, &Naming::default(), passphrase.as_ref(), now(), progress)?;
        let Opened { keyring, mut appender, is_new, .. } = opened;
        if is_new && !settings.quiet {
            let keys = keyring.public()?;
            output::remark(&format!(
                "New archive `{}`, keys in `{}`, fingerprint {}",
                settings.places.archive.display(),
                settings.places.keys.display(),
                keys.statement.fingerprint()
            ));
            announce_recovery_key(settings);
        }
        if self.tight {
            super::timestamp::before_capture(settings)?;
            appender.take_anchors()?;
        }
        let interrupted = interruption();
        let watch = Watch { progress, is_interrupted: &|| interrupted.load(Ordering::Relaxed) };
        let mut only_failure = None;
        let mut report = |outcome: Result<Captured, Missed>| match outcome {
            Ok(captured) => print_captured(&captured, settings, is_single),
            Err(missed) if is_single => only_failure = Some(Failure::from(&missed.error)),
            Err(missed) => print_missed(&missed, settings),
        };
        let unread_count = unread.len();
        let refused_unread = unread.iter().filter(|missed| missed.error.is_refusal()).count();
        for missed in unread {
            report(Err(missed));
        }
        let mut tally = capture(appender, orders, &manner, &watch, &mut report)?;
        if tally.captured > 0 {
            super::publication::after(settings);
        }
        tally.missed += unread_count;
        tally.refused += refused_unread;
        match only_failure {
            Some(failure) => Err(failure),
            None => Ok(sum_up(&tally, settings, is_single)),
        }
    }

    fn orders(&self, settings: &Settings) -> Result<(Vec<Order>, Vec<Missed>), Failure> {
        let mut written: Vec<Json> = self.targets.iter().map(|target| json!({ "target": target })).collect();
        if let Some(path) = &self.from {
            written.extend(read_list(path)?);
        }
        if written.len() > TARGET_COUNT_MAX {
            return Err(Failure::new(
                WRONG_USE,
                format!("more than {TARGET_COUNT_MAX} targets; capture them in parts"),
            ));
        }
        let mut orders = Vec::new();
        let mut unread = Vec::new();
        for line in written {
            let field = |name: &str| line.get(name).and_then(Json::as_str).map(str::to_owned);
            let target_text = field("target").unwrap_or_default();
            match Target::parse(&target_text) {
                Ok(Target::Address(_)) if settings.offline => {
                    return Err(Failure::new(
                        REFUSED,
                        format!("`{target_text}` needs a socket, and --offline forbids it"),
                    ));
                }
                Ok(target) => orders.push(Order {
                    written: target_text,
                    target,
                    entity: field("entity").or_else(|| self.description.entity.clone()),
                    title: field("title").or_else(|| self.description.title.clone()),
                    document_type: field("document_type").or_else(|| self.description.document_type.clone()),
                }),
                Err(error) => unread.push(Missed { written: target_text, error }),
            }
        }
        Ok((orders, unread))
    }
}

impl Web {
    fn options(&self) -> Result<FetchOptions, Failure> {
        let roots = match &self.tls_roots {
            None => Roots::built_in(),
            Some(path) => {
                let unusable = |error: &dyn std::error::Error| {
                    Failure::new(WRONG_USE, format!("cannot use `{}`: {}", path.display(), with_causes(error)))
                };
                let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
                Roots::with_file(&path.display().to_string(), &pem).map_err(|error| unusable(&error))?
            }
        };
        let default = FetchOptions::default();
        Ok(FetchOptions {
            user_agent: self.user_agent.clone().unwrap_or(default.user_agent),
            accept_language: self.language.clone(),
            headers: self.headers.iter().map(|header| read_header(header)).collect::<Result<_, _>>()?,
            redact: self.redact.clone(),
            connect_seconds_max: self.connect_timeout,
            idle_seconds_max: self.idle_timeout,
            total_seconds_max: self.timeout,
            body_bytes_max: self.max_size,
            redirect_count_max: default.redirect_count_max,
            retry_count_max: self.retries,
            private: if self.allow_private { PrivateAddresses::Allow } else { PrivateAddresses::Refuse },
            invalid_tls: if self.allow_invalid_tls { InvalidTls::Record } else { InvalidTls::Refuse },
            downgrade: if self.allow_downgrade { Downgrade::Allow } else { Downgrade::Refuse },
            roots,
            resolver: default.resolver,
        })
    }
}

fn read_header(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| Failure::new(WRONG_USE, format!("`{text}` is not a field such as `X-Name: value`")))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Reads a list of targets: a line is a target, or a JSON object.
fn read_list(path: &PathBuf) -> Result<Vec<Json>, Failure> {
    let name = path.display();
    let unreadable = |error: io::Error| Failure::new(FAILED, format!("cannot read `{name}`: {error}"));
    let reader: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(unreadable)?))
    };
    let mut targets = Vec::new();
    for (number, line) in (1..).zip(reader.lines()) {
        let line = line.map_err(unreadable)?;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.len() > LINE_BYTES_MAX || targets.len() >= TARGET_COUNT_MAX {
            let limit = format!(
                "`{name}` line {number}: a list has at most {TARGET_COUNT_MAX} lines of {LINE_BYTES_MAX} bytes"
            );
            return Err(Failure::new(WRONG_USE, limit));
        }
        let object = if line.starts_with('{') {
            let object: Json = serde_json::from_str(line)
                .map_err(|error| Failure::new(WRONG_USE, format!("`{name}` line {number}: {error}")))?;
            object.get("target").and_then(Json::as_str).ok_or_else(|| {
                Failure::new(WRONG_USE, format!("`{name}` line {number}: the object has no text `target`"))
            })?;
            object
        } else {
            json!({ "target": line })
        };
        targets.push(object);
    }
    Ok(targets)
}

fn print_captured(captured: &Captured, settings: &Settings, is_single: bool) {
    let record = &captured.appended.record;
    let Some(visit) = record.body.visit() else { return };
    if settings.json {
        output::json(&json!({
            "id": captured.appended.id.to_string(),
            "kind": record.body.kind(),
            "document": captured.document,
            "confirms": captured.confirms,
            "target": captured.written,
            "url": visit.final_url,
            "record_sha256": captured.appended.record_sha256.to_string(),
            "sha256": visit.primary.sha256.to_string(),
            "captured_at": visit.started.to_string(),
            "index": record.index,
            "size": visit.primary.size_bytes,
            "outcome": visit.outcome.kind.word(),
            "reasons": visit.outcome.reasons,
        }));
        return;
    }
    let reasons = if visit.outcome.reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", visit.outcome.reasons.join("; "))
    };
    let outcome = output::plain(&format!("{}{reasons}", visit.outcome.kind.word()));
    if !is_single {
        let confirms = captured.confirms.as_ref().map(|id| format!(" = {id}")).unwrap_or_default();
        output::line(&format!("{}{confirms}  {outcome}  {}", captured.appended.id, output::plain(&captured.written)));
        return;
    }
    output::line(&format!("{}  {}", captured.appended.id, output::plain(&visit.final_url)));
    output::line(&format!("  captured  {}", visit.started.to_second()));
    output::line(&format!("  outcome   {outcome}"));
    output::line(&format!("  sha256    {} ({} bytes)", visit.primary.sha256, visit.primary.size_bytes));
    output::line(&format!("  record    {}", captured.appended.record_sha256));
    if let Some(confirms) = &captured.confirms {
        output::line(&format!("  confirms  {confirms}: the text has not changed since"));
    }
}

fn print_missed(missed: &Missed, settings: &Settings) {
    let failure = Failure::from(&missed.error);
    if settings.json {
        output::json(&json!({ "target": missed.written, "error": failure.message, "exit_code": failure.code }));
    }
    output::remark(&output::plain(&format!("affiant: {}: {}", missed.written, failure.message)));
}

fn sum_up(tally: &Tally, settings: &Settings, is_single: bool) -> u8 {
    if !is_single && !settings.quiet {
        let mut parts = vec![format!("{} captured", tally.captured)];
        let mut add = |count: usize, what: &str| parts.extend((count > 0).then(|| format!("{count} {what}")));
        add(tally.incomplete, "of them not complete");
        add(tally.missed, "failed");
        add(tally.left, "left undone: interrupted");
        output::remark(&parts.join(", "));
    }
    match tally {
        Tally { incomplete: 0, missed: 0, left: 0, .. } => 0,
        Tally { captured: 0, left: 0, missed, refused, .. } if missed == refused => REFUSED,
        Tally { captured: 0, .. } => FAILED,
        _ => IN_PART,
    }
}
