//! Exhibits: the pages that a court sees, as a pure function of a bundle and an order.
//!
//! | quantity | unit   | range                                                   |
//! |----------|--------|---------------------------------------------------------|
//! | pages    | count  | at most [`PAGE_COUNT_MAX`]                              |
//! | line     | number | of a text, from 1                                       |
//! | time     |        | of the file: when the newest record it shows was made   |
//!
//! An exhibit lies beside its bundle, not in it: a bundle's format is fixed, and whoever has the bundle makes the same
//! pages again. It is PDF/A-2b (`pdf.rs`) in one volume or several (`volume.rs`): a cover; for each capture or check a
//! summary and the text with its lines numbered and its quotes marked; for each quotation a page of its own; how to check
//! all that, and what was found; the evidence itself as QR symbols ([`crate::evidence::paper`]). Or, for two captures,
//! what changed between them (`redline.rs`).
//!
//! Rules.
//! 1. No exhibit is made of a bundle that fails, or that lacks what its subjects need.
//! 2. What was found is found by a reader who takes the keys that the log's records name for the archive's, and the authorities that
//!    the order names; the page says so, and says to compare. There is no verdict on paper: that is the reader's.
//! 3. Words about times and findings are [`crate::evidence::verify::report`]'s.
//! 4. Nothing of a text is left out: what cannot be drawn stands as its code (`face.rs`).
//! 5. Nothing depends on colour, on the day, on the machine, or on who makes it.

mod caption;
mod check;
mod cover;
mod face;
mod flow;
mod frame;
mod matter;
mod order;
mod pdf;
mod profile;
mod redline;
mod rendition;
mod sheet;
mod summary;
mod symbols;
mod text;
mod volume;
mod xmp;

pub use caption::{CAPTION_BYTES_MAX, Caption, CaptionError, Side};
pub use order::{Bates, Letter, Order, OrderError, Shows, VOLUME_BYTES, VOLUME_BYTES_MIN};
pub use sheet::{Sheet, UnknownSheet};

use std::rc::Rc;

use check::Ground;
use face::Faces;
use flow::Flow;
use matter::{Matter, Quoted};
use sheet::{Page, Running};
use volume::{Section, Whole};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::paper;
use crate::evidence::record::{Body, Genesis, Record, RecordError};
use crate::evidence::succession::{Succession, SuccessionError};
use crate::evidence::verify::finding::Outcome;
use crate::evidence::verify::source::{Source, SourceError};
use crate::evidence::verify::{self, Finding, Report, Trust};
use crate::log::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::log::policy::Policy;

/// The most pages of an exhibit: what a court would send back.
pub const PAGE_COUNT_MAX: usize = 5_000;

/// A file of an exhibit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Volume {
    /// Which it is, from 1.
    pub number: usize,
    /// How many pages it has, its cover included.
    pub page_count: usize,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Makes an exhibit of a bundle's subjects; `bundle` is the SHA-256 of its `tagmanifest-sha256.txt`.
///
/// # Errors
/// An [`ExhibitError`]: the bundle fails or lacks something, or it is more than fits.
pub fn make(source: &dyn Source, subjects: &[Id], bundle: Hash, order: &Order) -> Result<Vec<Volume>, ExhibitError> {
    if order.volume_bytes_max < VOLUME_BYTES_MIN {
        return Err(OrderError::Volume { found: order.volume_bytes_max }.into());
    }
    let faces = Faces::shipped();
    let ground = ground(source, bundle)?;
    let mut reports = Vec::new();
    let mut matters = Vec::new();
    for subject in subjects {
        reports.push((subject.clone(), report(source, subject, &ground, order)?));
        matters.push(Matter::read(source, subject.index, subject)?);
    }
    let first = matters.first().ok_or(ExhibitError::NoSubject)?;
    let running = Rc::new(first.running());
    let mut sections = match order.shows {
        Shows::Records => records(&faces, order, &matters, &reports)?,
        Shows::Redline => vec![redline(&faces, order, &matters)?],
    };

    let mut flow = Flow::new(&faces, order.sheet, Rc::clone(&running));
    check::write(&mut flow, order, &ground, &reports);
    sections.push(section("How to check this exhibit, and what was found", flow)?);
    for matter in &matters {
        let mut flow = Flow::new(&faces, order.sheet, Rc::new(matter.running()));
        symbols::write(&mut flow, &matter.id, &paper::gather(source, &matter.id, bundle));
        sections.push(section(&format!("Evidence on paper for {}", matter.id), flow)?);
    }
    let page_count: usize = sections.iter().map(|section| section.pages.len()).sum();
    if page_count > PAGE_COUNT_MAX {
        return Err(ExhibitError::TooLong { page_count });
    }
    let time = matters.iter().map(|matter| matter.record.made).max().unwrap_or(Time::EPOCH);
    let ids: Vec<String> = subjects.iter().map(ToString::to_string).collect();
    let whole = Whole {
        order,
        title: order.caption.description.clone().unwrap_or_else(|| title(first, order.shows)),
        about: about(&matters),
        made_from: vec![
            format!("Records   {}", ids.join(", ")),
            format!("Bundle    {bundle}"),
            format!("Made by   {}, from the bundle alone", order.software),
        ],
        running,
        time,
        sections,
    };
    whole.write(&faces)
}

/// Returns what an exhibit is called when the caption does not say it.
fn title(matter: &Matter, shows: Shows) -> String {
    let entity = matter.described().and_then(|document| document.entity.clone());
    let title = [Some(matter.title()), entity].into_iter().flatten().collect::<Vec<_>>().join(", ");
    match shows {
        Shows::Records => title,
        Shows::Redline => format!("Redline: {title}"),
    }
}

/// Returns the lines below an exhibit's title.
fn about(matters: &[Matter]) -> Vec<String> {
    const SHOWN_COUNT: usize = 3;
    let line = |matter: &Matter| {
        let Running { address, time, .. } = matter.running();
        [address, time]
    };
    let mut lines: Vec<String> = matters.iter().take(SHOWN_COUNT).flat_map(line).collect();
    lines.dedup();
    let more = matters.len().saturating_sub(SHOWN_COUNT);
    lines.extend((more > 0).then(|| format!("and {more} more records")));
    lines
}

/// Writes what was captured and what is quoted of it, each capture once.
fn records(
    faces: &Faces,
    order: &Order,
    matters: &[Matter],
    reports: &[(Id, Report)],
) -> Result<Vec<Section>, ExhibitError> {
    let mut sections = Vec::new();
    let mut written = Vec::new();
    for (matter, (_, report)) in matters.iter().zip(reports) {
        match &matter.record.body {
            Body::Capture(_) | Body::Check(_) => {
                if !written.contains(&matter.record.index) {
                    written.push(matter.record.index);
                    sections.extend(visit(faces, order, matter, Some(report), matters)?);
                }
            }
            Body::Provision(provision) => {
                let capture = matter.quoted.as_ref().ok_or(ExhibitError::NoRecord { index: provision.capture })?;
                let quoted = Quoted { id: capture.id.clone(), provision: provision.clone() };
                let mut flow = Flow::new(faces, order.sheet, Rc::new(matter.running()));
                let lines = rendition::lines_of(&capture.text, provision);
                summary::passage(&mut flow, matter, &quoted, lines);
                sections.push(section(&format!("Quoted passage {}", matter.id), flow)?);
                let is_subject = matters.iter().any(|other| other.record.index == provision.capture);
                if !is_subject && !written.contains(&provision.capture) {
                    written.push(provision.capture);
                    sections.extend(visit(faces, order, capture, None, matters)?);
                }
            }
            _ => {
                let mut flow = Flow::new(faces, order.sheet, Rc::new(matter.running()));
                other(&mut flow, matter)?;
                sections.push(section(&format!("Record {}", matter.id), flow)?);
            }
        }
    }
    Ok(sections)
}

/// Writes what changed between the two captures that a bundle is about, by their order in the log.
fn redline(faces: &Faces, order: &Order, matters: &[Matter]) -> Result<Section, ExhibitError> {
    let visits: Vec<&Matter> = matters.iter().filter(|matter| matter.visit().is_some()).collect();
    let [first, second] = visits[..] else { return Err(ExhibitError::NotTwo { found: visits.len() }) };
    let (old, new) = if first.record.index < second.record.index { (first, second) } else { (second, first) };
    let mut flow = Flow::new(faces, order.sheet, Rc::new(new.running()));
    redline::write(&mut flow, old, new)?;
    section(&format!("Redline from {} to {}", old.id, new.id), flow)
}

/// Writes a capture or check: its summary, and its text.
fn visit(
    faces: &Faces,
    order: &Order,
    matter: &Matter,
    report: Option<&Report>,
    matters: &[Matter],
) -> Result<Vec<Section>, ExhibitError> {
    let running = Rc::new(matter.running());
    let mut flow = Flow::new(faces, order.sheet, Rc::clone(&running));
    summary::visit(&mut flow, matter, report);
    let first = section(&format!("{} {}: summary", matter.title(), matter.id), flow)?;
    let quoting = |other: &Matter| match &other.record.body {
        Body::Provision(provision) if provision.capture == matter.record.index => {
            Some(Quoted { id: other.id.clone(), provision: provision.clone() })
        }
        _ => None,
    };
    let quotes: Vec<Quoted> = matters.iter().filter_map(quoting).collect();
    let mut flow = Flow::new(faces, order.sheet, running);
    rendition::write(&mut flow, matter, &quotes);
    Ok(vec![first, section(&format!("{} {}: text of the page", matter.title(), matter.id), flow)?])
}

/// Writes a record of another kind as it reads out.
fn other(flow: &mut Flow<'_>, matter: &Matter) -> Result<(), ExhibitError> {
    flow.title(&format!("Record: {}", matter.record.body.kind()));
    let reading = format!("{:#}", Record::read_out(&matter.record_bytes)?);
    flow.paragraph(flow::CODE, &reading);
    flow.space(10.0);
    summary::place(flow, matter);
    Ok(())
}

fn section(title: &str, flow: Flow<'_>) -> Result<Section, ExhibitError> {
    if flow.page_count() > PAGE_COUNT_MAX {
        return Err(ExhibitError::TooLong { page_count: flow.page_count() });
    }
    let pages: Vec<Page> = flow.pages();
    Ok(Section { title: title.to_owned(), pages })
}

/// Reads what the bundle stands on.
fn ground(source: &dyn Source, bundle: Hash) -> Result<Ground, ExhibitError> {
    let bytes = source.checkpoint()?.ok_or(ExhibitError::NoCheckpoint)?;
    let checkpoint = SignedCheckpoint::parse(&bytes)?.checkpoint().clone();
    let (genesis, succession) = succession(source)?;
    let log_keys = succession.checkpoint_keys(checkpoint.size.saturating_sub(1));
    Ok(Ground { bundle, policy: policy(&genesis, &log_keys), log_keys, checkpoint })
}

/// Reads what the log's own records say of its keys.
fn succession(source: &dyn Source) -> Result<(Genesis, Succession), ExhibitError> {
    let record = |index: u64| -> Result<Record, ExhibitError> {
        let bytes = source.entry(index)?.and_then(|entry| entry.record).ok_or(ExhibitError::NoRecord { index })?;
        Ok(Record::decode(&bytes)?)
    };
    let Record { body: Body::Genesis(genesis), origin, .. } = record(0)? else {
        return Err(ExhibitError::NoRecord { index: 0 });
    };
    let mut succession = Succession::begin(&genesis, &origin);
    for index in source.key_records()? {
        succession.take(&record(index)?)?;
    }
    Ok((genesis, succession))
}

/// Takes the keys that the log's own records name for it, and listens to the witnesses that it names without needing them.
fn policy(genesis: &Genesis, log_keys: &[crate::log::vkey::VerifierKey]) -> Option<Policy> {
    let mut lines: Vec<String> = log_keys.iter().map(|key| format!("log {key}")).collect();
    lines.extend(genesis.policy.lines().filter(|line| line.starts_with("witness ")).map(str::to_owned));
    lines.push("quorum none\n".to_owned());
    let with_witnesses = Policy::parse(lines.join("\n").as_bytes());
    with_witnesses.or_else(|_| Policy::trusting(log_keys.to_vec())).ok()
}

/// Verifies a subject, and refuses what fails or lacks something.
fn report(source: &dyn Source, subject: &Id, ground: &Ground, order: &Order) -> Result<Report, ExhibitError> {
    let trust = Trust { policy: ground.policy.as_ref(), authorities: Some(&order.authorities), ..Trust::default() };
    let end_of_time = Time::from_seconds(253_402_300_799).expect("it is the last second that there is");
    let report = verify::verify(source, subject, trust, end_of_time);
    let worst = |finding: &&Finding| finding.outcome == Outcome::Fails || finding.is_needed;
    match report.findings.iter().find(worst) {
        Some(finding) => Err(ExhibitError::Unsound {
            id: subject.to_string(),
            check: finding.check.as_str(),
            expected: finding.expected.clone(),
            found: finding.found.clone(),
        }),
        None => Ok(report),
    }
}

/// Why there is no exhibit.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ExhibitError {
    #[error("checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error("the bundle has no checkpoint")]
    NoCheckpoint,
    #[error("the bundle has no record of entry {index}")]
    NoRecord { index: u64 },
    #[error("the bundle is about nothing")]
    NoSubject,
    #[error("there is no text of {id} to compare: {reason}")]
    NoText { id: String, reason: &'static str },
    #[error("a redline is between two captures, and the bundle is about {found}")]
    NotTwo { found: usize },
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error("record")]
    Record(#[from] RecordError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the key records")]
    Succession(#[from] SuccessionError),
    #[error("{page_count} pages, more than the limit of {PAGE_COUNT_MAX}")]
    TooLong { page_count: usize },
    #[error("no exhibit is made of what does not hold: {id}, {check}: expected {expected}, found {found}")]
    Unsound { id: String, check: &'static str, expected: String, found: String },
    #[error("a page alone is more than a volume of {limit} bytes")]
    VolumeTooSmall { limit: usize },
}
