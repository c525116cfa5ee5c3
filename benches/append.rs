//! Durable records a second, beside what others take for the same.
//!
//! Prints, in one run and in turns, so that a busy machine slows all of them alike: signed records that are published
//! one at a time and in batches, and committed one at a time, which makes each durable before the next and promises none
//! until all are published; one git commit for each version, one `SQLite` transaction for each row with
//! `synchronous=FULL`, and the machine's own limits, a bare append with its fsync and an Ed25519 signature.
//!
//! `cargo bench --bench append`
#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, measures and may fail loudly"
)]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Seek, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use affiant::archivist::append::Appender;
use affiant::archivist::init::{Naming, open_or_create};
use affiant::archivist::places::{Places, now};
use affiant::archivist::progress::Silent;
use affiant::evidence::record::{Body, Document, Vantage};
use affiant::log::key::Ed25519SecretKey;

/// How many turns each side has.
const ROUND_COUNT: usize = 7;

/// How many records a batch has, and how many batches a turn.
const BATCHES: [(usize, usize); 4] = [(1, 400), (16, 60), (256, 12), (4096, 3)];

/// How many records are committed one at a time, and published together.
const COMMITTED_COUNT: usize = 400;

/// How many commits, rows, appends and signatures a turn has.
const COMMIT_COUNT: usize = 40;
const ROW_COUNT: usize = 400;
const APPEND_COUNT: usize = 400;
const SIGNATURE_COUNT: usize = 4000;

/// What a record and its statement take in an archive: the others write as much.
const RECORD_BYTES: usize = 900;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places { archive: folder.path().join("archive"), keys: folder.path().join("keys") };
    let mut appender = open_or_create(&places, &Naming::default(), None, now(), &Silent).unwrap().appender;
    let mut rates: Vec<(String, Vec<f64>)> = Vec::new();
    let mut git = Git::start(&folder.path().join("git"));
    let mut bare = File::create(folder.path().join("bare")).unwrap();
    let places = ["first", "second"].map(|name| in_place(&folder.path().join(name)));
    for _ in 0..ROUND_COUNT {
        note(&mut rates, "append + fsync, bare", APPEND_COUNT, || {
            (0..APPEND_COUNT).for_each(|_| {
                bare.write_all(&[7; RECORD_BYTES]).unwrap();
                bare.sync_all().unwrap();
            });
        });
        note(&mut rates, "two writes in place, in order", APPEND_COUNT, || {
            (0..APPEND_COUNT).for_each(|_| places.iter().for_each(write_in_place));
        });
        for (size, count) in BATCHES {
            note(&mut rates, &format!("affiant, batches of {size}"), size * count, || {
                (0..count).for_each(|_| publish(&mut appender, size));
            });
        }
        note(&mut rates, "affiant, committed one at a time", COMMITTED_COUNT, || {
            (0..COMMITTED_COUNT).for_each(|_| commit(&mut appender));
            appender.publish(now()).unwrap();
        });
        note(&mut rates, "git commit", COMMIT_COUNT, || (0..COMMIT_COUNT).for_each(|_| git.commit()));
        if let Some(taken) = sqlite(folder.path()) {
            push(&mut rates, "SQLite, WAL, synchronous=FULL", ROW_COUNT as f64 / taken.as_secs_f64());
        }
        let key = Ed25519SecretKey::from_seed(&[7; 32]);
        note(&mut rates, "Ed25519 signature", SIGNATURE_COUNT, || {
            (0..SIGNATURE_COUNT).for_each(|_| drop(black_box(key.sign(black_box(&[7; 300])).to_vec())));
        });
    }
    for (name, rates) in &rates {
        println!("{name:32} {:>10.0} a second", median(rates));
    }
    println!();
    ratio(&rates, "affiant, committed one at a time", "append + fsync, bare", "goal 0.70");
    ratio(&rates, "affiant, batches of 1", "append + fsync, bare", "goal 0.70");
    ratio(
        &rates,
        "two writes in place, in order",
        "append + fsync, bare",
        "the least: a journal, then what the keyring remembers",
    );
    ratio(&rates, "affiant, batches of 1", "two writes in place, in order", "");
    ratio(&rates, "affiant, batches of 1", "git commit", "");
    ratio(&rates, "affiant, batches of 1", "SQLite, WAL, synchronous=FULL", "");
    ratio(&rates, "affiant, batches of 4096", "Ed25519 signature", "each record is one signature");
    println!(
        "{:66} {:>8.0} (goal 20000)",
        "affiant, batches of 4096, a second",
        find(&rates, "affiant, batches of 4096").map_or(0.0, median)
    );
}

fn publish(appender: &mut Appender, size: usize) {
    (0..size).for_each(|_| append(appender));
    appender.publish(now()).unwrap();
}

fn commit(appender: &mut Appender) {
    append(appender);
    appender.commit(now()).unwrap();
}

fn append(appender: &mut Appender) {
    let url = format!("https://example.com/documents/{}", appender.size());
    let vantage = Vantage { fetcher: "file".to_owned(), ..Vantage::default() };
    let document = Document { entity: None, title: None, document_type: None, url, vantage, amends: None };
    appender.append(Body::Document(document), now()).unwrap();
}

/// A file with room, so that writing into it changes no length: as the journal and the keyring's memory have it.
fn in_place(path: &Path) -> File {
    let mut file = File::create(path).unwrap();
    file.write_all(&vec![0; 1 << 16]).unwrap();
    file.sync_all().unwrap();
    file
}

fn write_in_place(mut file: &File) {
    file.rewind().unwrap();
    file.write_all(&[7; RECORD_BYTES]).unwrap();
    file.sync_data().unwrap();
}

fn note(rates: &mut Vec<(String, Vec<f64>)>, name: &str, count: usize, act: impl FnOnce()) {
    let started = Instant::now();
    act();
    push(rates, name, count as f64 / started.elapsed().as_secs_f64());
}

fn push(rates: &mut Vec<(String, Vec<f64>)>, name: &str, rate: f64) {
    match rates.iter_mut().find(|(known, _)| known == name) {
        Some((_, rates)) => rates.push(rate),
        None => rates.push((name.to_owned(), vec![rate])),
    }
}

fn find<'r>(rates: &'r [(String, Vec<f64>)], name: &str) -> Option<&'r [f64]> {
    rates.iter().find(|(known, _)| known == name).map(|(_, rates)| rates.as_slice())
}

fn median(rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Compares each turn with its neighbour, and says the median.
fn ratio(rates: &[(String, Vec<f64>)], ours: &str, theirs: &str, remark: &str) {
    let (Some(of_ours), Some(of_theirs)) = (find(rates, ours), find(rates, theirs)) else { return };
    let ratios: Vec<f64> = of_ours.iter().zip(of_theirs).map(|(ours, theirs)| ours / theirs).collect();
    println!("{:66} {:>8.2} {remark}", format!("{ours} / {theirs}"), median(&ratios));
}

/// A repository with one file, whose every version is committed.
struct Git {
    folder: std::path::PathBuf,
    version: usize,
}

impl Git {
    fn start(folder: &Path) -> Self {
        fs::create_dir(folder).unwrap();
        let git = Self { folder: folder.to_owned(), version: 0 };
        git.run(&["init", "--quiet"]);
        for (name, value) in
            [("user.name", "bench"), ("user.email", "bench@example.com"), ("core.fsync", "all"), ("gc.auto", "0")]
        {
            git.run(&["config", name, value]);
        }
        fs::write(folder.join("page"), "first").unwrap();
        git.run(&["add", "page"]);
        git
    }

    fn commit(&mut self) {
        self.version += 1;
        fs::write(self.folder.join("page"), format!("{:0>1$}", self.version, RECORD_BYTES)).unwrap();
        self.run(&["commit", "--quiet", "--all", "--message", "a version"]);
    }

    fn run(&self, arguments: &[&str]) {
        let status = Command::new("git").args(arguments).current_dir(&self.folder).status().unwrap();
        assert!(status.success(), "git {arguments:?}");
    }
}

/// Inserts rows, each in a transaction of its own; nothing when there is no Python.
fn sqlite(folder: &Path) -> Option<Duration> {
    let script = "
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('PRAGMA journal_mode=WAL')
db.execute('PRAGMA synchronous=FULL')
db.execute('CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, record BLOB)')
record = bytes(int(sys.argv[3]))
started = time.perf_counter()
for _ in range(int(sys.argv[2])):
    db.execute('BEGIN'); db.execute('INSERT INTO records (record) VALUES (?)', (record,)); db.execute('COMMIT')
print(time.perf_counter() - started)
";
    let arguments = [folder.join("rows.db").display().to_string(), ROW_COUNT.to_string(), RECORD_BYTES.to_string()];
    let output = Command::new("python3").args(["-c", script]).args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok().map(Duration::from_secs_f64)
}
