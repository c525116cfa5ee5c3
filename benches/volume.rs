//! Volume: what an append, a look and a reopening cost when the log is long.
//!
//! ```text
//! AFFIANT_VOLUME_COUNT=10000000 AFFIANT_VOLUME_FOLDER=/some/disk cargo bench --bench volume
//! ```
//!
//! Synthetic records go through the real [`Appender`], as captures do: the document and the head of its chain are
//! looked up, the content is kept, the record signed. Every turn publishes batches of 4096, 256, 16 and 1. The
//! first and the last 100,000 are compared by wall time and, since a machine may have other work, by processor time.
//! Then single commands run as whole processes, and an appending child is killed and its archive reopened.
//!
//! | variable                 | meaning                                                         | default  |
//! |--------------------------|-----------------------------------------------------------------|----------|
//! | `AFFIANT_VOLUME_COUNT`   | records to append, about                                        | 200,000  |
//! | `AFFIANT_VOLUME_FOLDER`  | where to keep the archive; one that is there goes on             | passing |
//!
//! Goals: last within 20 % of first, memory under 150 MB, `show` and `verify` under 20 ms, reopening under 2 s.
#![expect(clippy::print_stdout, reason = "a bench is there to print")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up its stage fails")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use affiant::archivist::append::Appender;
use affiant::archivist::init::{Naming, open_or_create};
use affiant::archivist::places::{Places, now};
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::document::outcome::{Outcome, OutcomeKind};
use affiant::evidence::record::{
    Body, Capture, Check, Document, Method, Primary, Provision, Rendition, Role, Tool, Vantage, Visit,
};
use affiant::outside::archive::Archive;
use affiant::outside::archive::spool::Spooled;

/// How many records are compared at either end.
const WINDOW: u64 = 100_000;

/// How many records one publication covers, in turn.
const BATCHES: [(u64, usize); 4] = [(4096, 1), (256, 4), (16, 8), (1, 8)];

/// One record in so many is a document.
const DOCUMENT_EVERY: u64 = 100;

/// How many ids each command is asked for.
const ASKED_COUNT: usize = 60;

/// What a whole process may take, in milliseconds.
const GOAL_MS: f64 = 20.0;

/// How long a child appends, from its first publication on, before it is killed.
const KILLED_AFTER: Duration = Duration::from_secs(2);

fn main() {
    if let Some(folder) = env::var_os("AFFIANT_VOLUME_CHILD") {
        append(&mut open(Path::new(&folder)).0, u64::MAX);
    }
    let passing = tempfile::tempdir().unwrap();
    let folder = env::var_os("AFFIANT_VOLUME_FOLDER").map_or(passing.path().to_owned(), PathBuf::from);
    let count = env::var("AFFIANT_VOLUME_COUNT").map_or(200_000, |count| count.replace('_', "").parse().unwrap());
    let (mut appender, _) = open(&folder);
    if appender.size() < count {
        append(&mut appender, count);
    } else {
        println!("`{}` is measured as it is", folder.display());
    }
    drop(appender);
    reopen(&folder);
    look(&folder);
}

fn open(folder: &Path) -> (Appender, Duration) {
    let places = Places { archive: folder.join("archive"), keys: folder.join("keys") };
    let started = Instant::now();
    let opened = open_or_create(&places, &Naming::default(), None, now(), &Silent).unwrap();
    (opened.appender, started.elapsed())
}

/// Appends records until the log has `count`, and prints how fast.
fn append(appender: &mut Appender, count: u64) {
    let mut maker = Maker::after(appender.size());
    let mut windows = vec![Reading::now(appender.size())];
    let mut peak_kib = 0;
    let batches = BATCHES.iter().flat_map(|(batch, times)| std::iter::repeat_n(*batch, *times));
    for batch in batches.collect::<Vec<_>>().into_iter().cycle() {
        (0..batch).for_each(|_| maker.append(appender));
        appender.publish(now()).unwrap();
        peak_kib = peak_kib.max(memory_kib("VmRSS"));
        let last = windows.last().unwrap();
        if appender.size() >= last.size + WINDOW {
            let window = Reading::now(appender.size());
            window.print_since(last);
            windows.push(window);
        }
        if appender.size() >= count {
            break;
        }
    }
    let rates: Vec<(f64, f64)> = windows.windows(2).map(|pair| pair[1].rates_since(&pair[0])).collect();
    if let (Some(first), Some(last)) = (rates.first(), rates.last()) {
        println!();
        println!("records a second, first {WINDOW}: {:.0}, last {WINDOW}: {:.0}", first.0, last.0);
        println!("  ratio {:.2} by wall time, {:.2} by processor time (goal 0.80)", last.0 / first.0, last.1 / first.1);
    }
    println!(
        "memory: at most {} MB after a publication, {} MB at its peak (goal 150)",
        peak_kib / 1000,
        memory_kib("VmHWM") / 1000
    );
}

/// Makes records as captures would.
struct Maker {
    random: u64,
    documents: Vec<u64>,
}

impl Maker {
    /// Goes on where another stopped.
    fn after(size: u64) -> Self {
        let documents = (DOCUMENT_EVERY..size).step_by(usize::try_from(DOCUMENT_EVERY).unwrap()).collect();
        Self { random: 0x9e37_79b9_7f4a_7c15 ^ size, documents }
    }

    fn append(&mut self, appender: &mut Appender) {
        let index = appender.size();
        if self.documents.is_empty() || index.is_multiple_of(DOCUMENT_EVERY) {
            let document = document_of(index);
            assert!(appender.document(&document).unwrap().is_none(), "a new address is not known");
            appender.append(Body::Document(document), now()).unwrap();
            self.documents.push(index);
            return;
        }
        let count = u64::try_from(self.documents.len()).unwrap();
        let choice = usize::try_from(self.random(count)).unwrap();
        let document = self.documents[choice];
        let known = appender.document(&document_of(document)).unwrap().unwrap();
        let head = appender.head(known.first).unwrap();
        let body = match (index % 20, head) {
            (0..6, Some(head)) => {
                Body::Check(Box::new(Check { document, capture: head.index, visit: visit_of(document, head.index).0 }))
            }
            (6, Some(head)) => Body::Provision(provision_of(document, head.index)),
            _ => {
                let (visit, content) = visit_of(document, index);
                appender.keep(&content).unwrap();
                assert!(appender.same(known.first, &visit).unwrap().is_none(), "new words are no check");
                let sequence = head.map_or(1, |head| head.sequence + 1);
                Body::Capture(Box::new(Capture {
                    document,
                    sequence,
                    previous: head.map(|head| head.statement),
                    visit,
                }))
            }
        };
        appender.append(body, now()).unwrap();
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }
}

fn url_of(document: u64) -> String {
    format!("file:///volume/{document}.html")
}

fn document_of(index: u64) -> Document {
    Document {
        entity: Some(format!("Example {} Inc.", index % 5_000)),
        title: Some("Privacy Policy".to_owned()),
        document_type: None,
        url: url_of(index),
        vantage: Vantage { fetcher: "file".to_owned(), ..Vantage::default() },
        amends: None,
    }
}

fn text_of(document: u64, index: u64) -> String {
    format!("Privacy policy {document}, as of entry {index}: we do not sell your personal information to anybody.\n")
}

/// Makes the visit of the capture at `index`, and what it brought home.
fn visit_of(document: u64, index: u64) -> (Visit, Spooled) {
    let content = Spooled::compressed(text_of(document, index).into_bytes()).unwrap();
    let moment = now();
    let kind = if index % 50 == 9 { OutcomeKind::Error } else { OutcomeKind::Complete };
    let reasons = if kind == OutcomeKind::Error { vec!["empty page".to_owned()] } else { Vec::new() };
    let visit = Visit {
        method: Method::File,
        target: url_of(document),
        final_url: url_of(document),
        started: moment,
        finished: moment,
        outcome: Outcome { kind, reasons },
        exchanges: Vec::new(),
        primary: Primary { sha256: content.hash, size_bytes: content.size_bytes, media_type: None },
        renditions: vec![Rendition {
            role: Role::Text,
            media_type: "text/markdown; charset=utf-8".to_owned(),
            sha256: content.hash,
            size_bytes: content.size_bytes,
            tool: Tool { name: "affiant-text".to_owned(), version: "1".to_owned() },
            parts: None,
        }],
        options: Vec::new(),
        host: vec![("os".to_owned(), "linux".to_owned())],
    };
    (visit, content)
}

fn provision_of(document: u64, capture: u64) -> Provision {
    let text = text_of(document, capture);
    let exact = "we do not sell your personal information";
    let start = text.find(exact).unwrap();
    Provision {
        capture,
        rendition: affiant::base::hash::Hash::of(text.as_bytes()),
        exact: exact.to_owned(),
        prefix: text[..start].to_owned(),
        suffix: " to anybody.\n".to_owned(),
        start: u64::try_from(start).unwrap(),
        end: u64::try_from(start + exact.len()).unwrap(),
        clause: None,
        author: "operator".to_owned(),
    }
}

/// Where the appending stands.
struct Reading {
    size: u64,
    at: Instant,
    processor: Duration,
}

impl Reading {
    fn now(size: u64) -> Self {
        // `man 5 proc`: fields 14 and 15 are user and system time in hundredths of a second.
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = stat.rsplit_once(") ").map(|(_, fields)| fields).unwrap_or_default();
        let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Self { size, at: Instant::now(), processor: Duration::from_millis(ticks * 10) }
    }

    /// Returns records a second, by wall time and by processor time.
    fn rates_since(&self, earlier: &Self) -> (f64, f64) {
        let records = f64::from(u32::try_from(self.size - earlier.size).unwrap());
        let processor = self.processor.saturating_sub(earlier.processor).as_secs_f64();
        (records / (self.at - earlier.at).as_secs_f64(), records / processor)
    }

    fn print_since(&self, earlier: &Self) {
        let (wall, processor) = self.rates_since(earlier);
        let memory = memory_kib("VmRSS") / 1000;
        println!("{:>9} records  {wall:>6.0} a second  {processor:>6.0} a processor second  {memory:>4} MB", self.size);
    }
}

fn memory_kib(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

/// Kills an appending child and opens what it left.
fn reopen(folder: &Path) {
    println!();
    let (appender, clean) = open(folder);
    let before = appender.size();
    drop(appender);
    let mut child = Command::new(env::current_exe().unwrap());
    let mut child = child.env("AFFIANT_VOLUME_CHILD", folder).stdout(Stdio::null()).spawn().unwrap();
    let archive = Archive::open(&folder.join("archive")).unwrap();
    while Log::published(&archive).unwrap().0.size() == before {
        thread::sleep(KILLED_AFTER / 20);
    }
    thread::sleep(KILLED_AFTER);
    child.kill().unwrap();
    child.wait().unwrap();
    let (appender, crashed) = open(folder);
    println!(
        "opening to append: {:.0} ms; after kill -9 of a child that had published {} more: {:.0} ms (goal 2000)",
        clean.as_secs_f64() * 1e3,
        appender.size() - before,
        crashed.as_secs_f64() * 1e3
    );
}

/// Runs single commands as whole processes.
fn look(folder: &Path) {
    let archive = Archive::open(&folder.join("archive")).unwrap();
    let (log, _) = Log::published(&archive).unwrap();
    let mut maker = Maker::after(log.size());
    let asked: Vec<_> = (0..ASKED_COUNT).map(|_| log.entry(maker.random(log.size())).unwrap()).collect();
    let visited: Vec<String> =
        asked.iter().filter_map(|entry| Some(entry.record.body.visit()?.target.clone())).collect();
    println!();
    println!("{} entries; whole processes, of {ASKED_COUNT} random entries the median and the slowest, ms", log.size());
    let print = |what: &str, arguments: &dyn Fn(usize) -> Vec<String>| {
        let first = time(folder, &arguments(0));
        let mut taken: Vec<(f64, usize)> = (0..ASKED_COUNT).map(|n| (time(folder, &arguments(n)), n)).collect();
        taken.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let ((median, _), (slowest, which)) = (taken[ASKED_COUNT / 2], taken[ASKED_COUNT - 1]);
        let within = taken.iter().filter(|(taken, _)| *taken < GOAL_MS).count();
        let of = arguments(which).pop().unwrap_or_default();
        println!("  {what:<16} {median:>7.1} {slowest:>7.1} of {of}; {within} within {GOAL_MS}; the first {first:.1}");
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let id = |n: usize| asked[n].id.to_string();
    let url = |n: usize| visited[n % visited.len()].clone();
    print("show ID", &|n| texts(&["show", &id(n)]));
    print("verify ID", &|n| texts(&["verify", &id(n)]));
    print("list --limit 20", &|_| texts(&["list", "--limit", "20"]));
    print("log URL", &|n| texts(&["log", &url(n)]));
}

fn time(folder: &Path, arguments: &[String]) -> f64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_affiant"));
    command.current_dir(folder).args(arguments).env("XDG_CONFIG_HOME", folder);
    command.env_remove("AFFIANT_ARCHIVE").env_remove("AFFIANT_KEYS").stdout(Stdio::null());
    let started = Instant::now();
    let status = command.status().unwrap();
    let taken = started.elapsed();
    assert!(status.success(), "{arguments:?}: {status}");
    taken.as_secs_f64() * 1e3
}
