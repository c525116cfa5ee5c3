//! Every file of an archive, damaged in every way: the audit names it, and no append makes it worse.
//!
//! An archive is made by the library: one document with a history of three captures and a check, another with
//! one capture, and a quote. Then each file is deleted, cut off, flipped, swapped with its neighbour, put back
//! to an older state and appended to. Only what is derived, or read by people alone, may leave the audit clean,
//! and what is said of it then is asserted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use affiant::archivist::audit::{AuditReport, Known, audit, audit_foreign};
use affiant::archivist::capture::{Manner, Order, Watch, capture};
use affiant::archivist::init::{Naming, Opened, open_or_create};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::archivist::verify::verify_record;
use affiant::archivist::visit::Target;
use affiant::base::hash::Hash;
use affiant::base::id::Id;
use affiant::base::time::Time;
use affiant::evidence::record::{Body, Capture, Check, Document, Provision, Vantage};
use affiant::evidence::statement::{Claim, Statement};
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{self, Report, Verdict};
use affiant::log::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use affiant::log::inclusion::InclusionProof;
use affiant::log::key::{Ed25519SecretKey, Ed25519Signer};
use affiant::outside::archive::Archive;
use affiant::outside::archive::lock::Lock;
use affiant::outside::archive::spool::Spooled;
use affiant::outside::archive::writer::Writer;
use affiant::outside::keys::Keyring;
use affiant::outside::web::options::FetchOptions;

use crate::folder::{Files, put, read, write};
use crate::stage::is_of_way;

/// Files up to this size have a bit flipped in every byte; larger ones in as many places, evenly spread.
const FLIP_COUNT: usize = 120;

const LONG_FLIP_COUNT: usize = 6;

/// How many of a file's flips are also opened for appending, which takes the disk's time.
const APPEND_COUNT: usize = 4;

/// How many captures are added to a history: more than are read ahead at once.
const LENGTHENED_COUNT: u64 = 90;

/// Two full bundles and one entry more, so that level 1 has two hashes.
const LONG_SIZE: u64 = 513;

const OLD_SIZE: u64 = 5;
const SIZE: u64 = 9;

/// A folder's files by their path in it.
struct Subject {
    folder: tempfile::TempDir,
    old: Files,
    new: Files,
    clean: AuditReport,
}

fn now() -> Time {
    Time::from_seconds(1_679_315_147).unwrap()
}

impl Subject {
    /// Makes the archive, and keeps its files as they were after five entries.
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pages = folder.path().join("pages");
        fs::create_dir(&pages).unwrap();
        let page = |name: &str, words: &str| {
            let clause = |n| format!("<p>Clause {n}: {words}, as agreed.</p>\n");
            let clauses = (0..40).map(clause).collect::<Vec<_>>().concat();
            fs::write(pages.join(name), format!("<html><body><h1>Terms</h1>\n{clauses}</body></html>")).unwrap();
            pages.join(name)
        };
        let subject = |folder: &Path| read(&folder.join("archive"));
        let first = page("terms.html", "we may change these terms");
        let second = page("privacy.html", "we keep no copies");
        capture_all(folder.path(), std::slice::from_ref(&first));
        capture_all(folder.path(), &[second]);
        let old = subject(folder.path());
        for words in ["we will tell you of changes", "we will tell you of changes", "nothing changes"] {
            page("terms.html", words);
            capture_all(folder.path(), std::slice::from_ref(&first));
        }
        quote(folder.path());
        let new = subject(folder.path());
        let mut made = Self { folder, old, new, clean: AuditReport::default() };
        made.clean = made.audit().unwrap();
        made
    }

    /// Makes an archive whose log has full tiles on two levels, and whose blobs lie in a sealed segment.
    fn make_long() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let grow = |count: u64| {
            let Opened { mut appender, .. } = open(folder.path()).unwrap();
            while appender.size() < count {
                appender.append(document(&format!("https://example.com/{}", appender.size())), now()).unwrap();
            }
            appender.publish(now()).unwrap();
        };
        grow(255);
        let old = read(&folder.path().join("archive"));
        grow(LONG_SIZE);
        // What the program does once a segment has its size, by the format's page: the rows, sorted.
        let rows = folder.path().join("archive/packs/00000001.rows");
        let mut sorted: Vec<[u8; 40]> = fs::read(&rows).unwrap().as_chunks().0.to_vec();
        sorted.sort_unstable();
        fs::write(rows.with_extension("index"), sorted.concat()).unwrap();
        fs::remove_file(rows).unwrap();
        let new = read(&folder.path().join("archive"));
        let mut made = Self { folder, old, new, clean: AuditReport::default() };
        made.clean = made.audit().unwrap();
        made
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// Copies archive and keys to a folder of their own.
    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        put(&copy.path().join("archive"), &self.new);
        put(&copy.path().join("keys"), &read(&self.folder.path().join("keys")));
        #[cfg(unix)]
        secret(&copy.path().join("keys"));
        copy
    }

    fn audit(&self) -> Result<AuditReport, String> {
        audit_in(self.folder.path())
    }

    /// Puts a file in place, audits, and puts back what was there.
    fn audit_with(&self, damage: &Damage) -> Result<AuditReport, String> {
        damage.apply(&self.archive());
        let report = self.audit();
        for path in damage.files.keys() {
            match self.new.get(path) {
                Some(bytes) => write(&self.archive().join(path), bytes),
                None => fs::remove_file(self.archive().join(path)).unwrap(),
            }
        }
        report
    }
}

/// Files as they are after the damage; nothing for one that is gone.
struct Damage {
    what: &'static str,
    files: BTreeMap<String, Option<Vec<u8>>>,
}

impl Damage {
    fn one(what: &'static str, path: &str, bytes: Option<Vec<u8>>) -> Self {
        Self { what, files: BTreeMap::from([(path.to_owned(), bytes)]) }
    }

    fn apply(&self, archive: &Path) {
        for (path, bytes) in &self.files {
            match bytes {
                Some(bytes) => write(&archive.join(path), bytes),
                None => fs::remove_file(archive.join(path)).unwrap(),
            }
        }
    }
}

fn places(folder: &Path) -> Places {
    Places { archive: folder.join("archive"), keys: folder.join("keys") }
}

fn open(folder: &Path) -> Result<Opened, String> {
    let naming = Naming { origin: Some(Origin::new("affiant.example/log").unwrap()), ..Naming::default() };
    open_or_create(&places(folder), &naming, None, now(), &Silent).map_err(|error| chain(&error))
}

fn document(url: &str) -> Body {
    Body::Document(Document {
        entity: None,
        title: None,
        document_type: None,
        url: url.to_owned(),
        vantage: Vantage { fetcher: "file".to_owned(), ..Vantage::default() },
        amends: None,
    })
}

fn capture_all(folder: &Path, files: &[PathBuf]) {
    let Opened { appender, .. } = open(folder).unwrap();
    let order = |path: &PathBuf| Order {
        written: path.display().to_string(),
        target: Target::parse(path.to_str().unwrap()).unwrap(),
        entity: None,
        title: None,
        document_type: None,
    };
    let fetch = Arc::new(FetchOptions::default());
    let manner = Manner {
        fetch,
        region: None,
        jobs: 1,
        per_host: 1,
        redaction: affiant::archivist::redactable::Redaction::Files,
    };
    let watch = Watch { progress: &Silent, is_interrupted: &|| false };
    let mut captured = 0;
    capture(appender, files.iter().map(order).collect(), &manner, &watch, &mut |outcome| {
        captured += usize::from(outcome.is_ok());
    })
    .unwrap();
    assert_eq!(captured, files.len());
}

/// Appends a quote of the last capture.
fn quote(folder: &Path) {
    let Opened { archive, mut appender, .. } = open(folder).unwrap();
    let log = Log::at(&archive, appender.size());
    let capture = appender.size() - 1;
    let rendition = log.entry(capture).unwrap().record.body.visit().unwrap().text().unwrap().sha256;
    let text = String::from_utf8(archive.packs().read(rendition).unwrap()).unwrap();
    let exact = "Clause 7: nothing changes".to_owned();
    let start = text.find(&exact).unwrap();
    let end = start + exact.len();
    let provision = Provision {
        capture,
        rendition,
        prefix: text[start - 8..start].to_owned(),
        suffix: text[end..end + 8].to_owned(),
        start: u64::try_from(start).unwrap(),
        end: u64::try_from(end).unwrap(),
        exact,
        clause: None,
        author: "a test".to_owned(),
    };
    appender.append(Body::Provision(provision), now()).unwrap();
    appender.publish(now()).unwrap();
}

fn audit_in(folder: &Path) -> Result<AuditReport, String> {
    let archive = Archive::open(&folder.join("archive")).map_err(|error| chain(&error))?;
    let known = Known::of(&Keyring::new(&folder.join("keys"))).unwrap();
    Ok(audit(&archive, &known, &Silent))
}

fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

/// Lists every way in which a file is damaged.
fn damages(subject: &Subject, path: &str, flip_count: usize) -> Vec<Damage> {
    let bytes = &subject.new[path];
    let mut damages =
        vec![Damage::one("delete", path, None), Damage::one("append", path, Some([bytes, &b"rubbish"[..]].concat()))];
    if !bytes.is_empty() {
        for end in [0, bytes.len() / 2, bytes.len() - 1] {
            damages.push(Damage::one("truncate", path, Some(bytes[..end].to_vec())));
        }
    }
    let step = bytes.len().div_ceil(flip_count).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at / step % 8);
        damages.push(Damage::one("flip", path, Some(flipped)));
    }
    let siblings = subject.new.range::<str, _>((std::ops::Bound::Excluded(path), std::ops::Bound::Unbounded));
    if let Some((sibling, other)) = siblings.into_iter().next()
        && other != bytes
    {
        let files = [(path.to_owned(), Some(other.clone())), (sibling.clone(), Some(bytes.clone()))];
        damages.push(Damage { what: "swap", files: BTreeMap::from(files) });
    }
    // A partial tile's older state had another name: it is put back under both.
    let kept = subject.old.get_key_value(path).or_else(|| {
        let stem = |path: &str| path.split_once(".p/").map(|(stem, _)| stem.to_owned());
        subject
            .old
            .iter()
            .find(|(old, _)| stem(old).is_some() && stem(old) == stem(path))
            .map(|(old, _)| (old, &subject.old[old]))
    });
    if let Some((name, before)) = kept.filter(|(_, before)| *before != bytes) {
        damages.push(Damage::one("replay", path, Some(before.clone())));
        if name != path {
            damages.push(Damage::one("replay beside", name, Some(before.clone())));
        }
    }
    damages
}

fn is_derived(path: &str) -> bool {
    path.starts_with("index/") || path == "lock" || path == "README.md" || is_of_rows(path)
}

fn is_of_rows(path: &str) -> bool {
    ends_in(path, "rows") || ends_in(path, "index")
}

fn ends_in(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Asserts that the report says what it must of a damage.
fn assert_said(subject: &Subject, damage: &Damage, path: &str, report: &Result<AuditReport, String>) {
    let what = format!("{} of `{path}`: {report:#?}", damage.what);
    let touched: Vec<&str> = damage.files.keys().map(String::as_str).collect();
    let Ok(report) = report else {
        let error = report.as_ref().unwrap_err();
        assert!(touched.contains(&"archive.toml"), "{what}");
        assert!(error.contains("archive.toml") || error.contains("there is no archive in"), "{what}");
        return;
    };
    if touched.iter().all(|path| is_derived(path)) {
        assert!(report.is_clean(), "{what}");
        assert_derived_said(subject, touched.as_slice(), report, &what);
        return;
    }
    let says = |part: &str| report.notes.iter().any(|note| note.contains(part));
    match damage.what {
        "replay beside" => {
            assert!(report.is_clean() && says("1 partial tile(s) are needless"), "{what}");
            return;
        }
        "append" if ends_in(path, "pack") => {
            assert!(report.is_clean() && says("packs/00000001.pack` holds no blob from byte"), "{what}");
            return;
        }
        // The way to a base is no evidence: the base is found by its name, and the change is seen.
        "flip" if ends_in(path, "pack") && report.is_clean() && is_flip_of_way(subject, damage, path) => {
            assert!(says("says of the way to what blob"), "{what}");
            return;
        }
        // A comment was changed: nothing was lost, and it is seen.
        _ if path == "archive.toml" && report.is_clean() => {
            assert!(says("`archive.toml` was edited"), "{what}");
            return;
        }
        _ => {}
    }
    assert!(!report.is_clean(), "{what}");
    for path in touched.into_iter().filter(|path| !is_derived(path)) {
        let names = |thing: &str| match path {
            _ if ends_in(path, "pack") => thing.starts_with("blob ") || thing.starts_with("packs/"),
            _ if path.starts_with("tile/") => thing.contains(path),
            _ => thing == path,
        };
        let is_named = report.damage.iter().any(|damage| names(&damage.thing));
        let is_noted = path == "archive.toml" && says("`archive.toml` was edited");
        assert!(is_named || is_noted, "{path} in {what}");
    }
}

fn is_flip_of_way(subject: &Subject, damage: &Damage, path: &str) -> bool {
    let (before, after) = (&subject.new[path], damage.files[path].as_ref().unwrap());
    let at = before.iter().zip(after).position(|(before, after)| before != after).unwrap();
    is_of_way(before, at)
}

/// What is said of files that are made from others, or read by people alone.
fn assert_derived_said(subject: &Subject, touched: &[&str], report: &AuditReport, what: &str) {
    let mut expected = Vec::new();
    for path in touched {
        match *path {
            "README.md" => expected.push("`README.md` is not as this version of the program writes it"),
            "lock" => {}
            _ if is_of_rows(path) => expected.push("it is derived, and nothing is lost"),
            _ => {} // The index is not even looked at.
        }
    }
    let new: Vec<&String> = report.notes.iter().filter(|note| !subject.clean.notes.contains(note)).collect();
    for part in &expected {
        assert!(new.iter().any(|note| note.contains(part)), "{what}");
    }
    assert_eq!(new.len(), expected.len(), "{what}");
}

#[test]
fn the_archive_is_clean_before_it_is_damaged() {
    let subject = Subject::make();
    assert_eq!(subject.clean.damage, []);
    assert_eq!(subject.clean.notes, <[String; 0]>::default());
    assert_eq!(subject.clean.entries, SIZE);
    assert_eq!(subject.clean.blobs, SIZE + 2 * 4, "nine records; the page and the text of four captures");
    assert!(subject.old.contains_key(&format!("tile/0/000.p/{OLD_SIZE}")));
}

#[test]
fn every_damage_is_named() {
    let subject = Subject::make();
    let mut counts = BTreeMap::new();
    for path in subject.new.keys() {
        for damage in damages(&subject, path, FLIP_COUNT) {
            let report = subject.audit_with(&damage);
            assert_said(&subject, &damage, path, &report);
            *counts.entry(damage.what).or_insert(0) += 1;
        }
    }
    assert_eq!(subject.audit().as_ref(), Ok(&subject.clean));
    eprintln!("damages named: {counts:?} over {} files", subject.new.len());
    assert!(subject.new.len() >= 10 && counts["flip"] > 1_000, "{counts:?}");
    let kinds: Vec<&str> = counts.keys().copied().collect();
    assert_eq!(kinds, ["append", "delete", "flip", "replay", "replay beside", "swap", "truncate"]);
}

#[test]
fn every_damage_of_a_longer_log_is_named() {
    let subject = Subject::make_long();
    assert_eq!((subject.clean.damage.as_slice(), subject.clean.notes.as_slice()), (&[][..], &[][..]));
    assert_eq!(subject.clean.entries, LONG_SIZE);
    let mut named = BTreeMap::new();
    for path in subject.new.keys().filter(|path| path.starts_with("tile/") || path.starts_with("packs/")) {
        for damage in damages(&subject, path, LONG_FLIP_COUNT) {
            let report = subject.audit_with(&damage);
            assert_said(&subject, &damage, path, &report);
            // Where one file alone is damaged, the tree above it is not accused.
            if let Ok(report) = report.as_ref()
                && path.starts_with("tile/")
                && damage.what == "flip"
            {
                let mut things = report.damage.iter().map(|found| found.thing.as_str());
                assert!(things.all(|thing| thing.contains(path.as_str()) || thing == "entry 0"), "{path}: {report:#?}");
            }
            *named.entry(path.clone()).or_insert(0) += 1;
        }
    }
    eprintln!("damages named: {named:?}");
    assert!(named.len() >= 10 && named.contains_key("tile/1/000.p/2"), "{named:?}");
}

/// Entries of the made archive: genesis, a document and its capture, another and its capture, a second capture
/// of the first, a check of it, a third capture, and a quote of that.
const FIRST_CAPTURE: u64 = 2;
const SECOND_CAPTURE: u64 = 5;
const CHECK: u64 = 6;
const THIRD_CAPTURE: u64 = 7;
const QUOTE: u64 = 8;

#[test]
fn records_that_contradict_others_are_named() {
    let subject = Subject::make();
    let archive = Archive::open(&subject.archive()).unwrap();
    let body = |index| Log::at(&archive, SIZE).entry(index).unwrap().record.body;
    let capture = |change: &dyn Fn(&mut Capture)| {
        let Body::Capture(mut capture) = body(THIRD_CAPTURE) else { panic!("not a capture") };
        capture.sequence = 4;
        capture.previous = Some(Log::at(&archive, SIZE).entry(THIRD_CAPTURE).unwrap().statement.entry());
        change(&mut capture);
        Body::Capture(capture)
    };
    let check = |change: &dyn Fn(&mut Check)| {
        let Body::Check(mut check) = body(CHECK) else { panic!("not a check") };
        change(&mut check);
        Body::Check(check)
    };
    let quote = |change: &dyn Fn(&mut Provision)| {
        let Body::Provision(mut quote) = body(QUOTE) else { panic!("not a quote") };
        change(&mut quote);
        Body::Provision(quote)
    };
    let Body::Document(mut amended) = body(1) else { panic!("not a document") };
    amended.amends = Some(3);
    let cases: [(Body, &str); 14] = [
        (capture(&|_| {}), ""),
        (check(&|_| {}), ""),
        (quote(&|_| {}), ""),
        (capture(&|capture| capture.sequence = 5), "capture 5 after"),
        (capture(&|capture| capture.previous = None), "after none, expected capture 4"),
        (capture(&|capture| capture.document = FIRST_CAPTURE), "it is of entry 2, which is no document"),
        (capture(&|capture| capture.visit.primary.sha256 = Hash::of(b"lost")), "it is in no pack"),
        (check(&|check| check.capture = FIRST_CAPTURE), "it confirms entry 2, which has another text"),
        (check(&|check| check.capture = 4), "it confirms entry 4, which is no capture of its document"),
        (quote(&|quote| quote.exact = "Clause 7: nothing chances".to_owned()), "its words do not stand in the text"),
        (quote(&|quote| quote.start += 1), "its words do not stand in the text"),
        (quote(&|quote| quote.capture = SECOND_CAPTURE), "it quotes another text than that of entry 5"),
        (Body::Document(amended), "it amends entry 3, which is not the first record of the same document"),
        (body(0), "a genesis record at index 9"),
    ];
    for (body, expected) in cases {
        let copy = subject.copy();
        let Opened { mut appender, .. } = open(copy.path()).unwrap();
        let appended = appender.append(body, now());
        if expected.contains("no document") {
            assert!(appended.is_err(), "the index refuses it");
            continue;
        }
        appender.publish(now()).unwrap();
        drop(appender);
        let report = audit_in(copy.path()).unwrap();
        let found: Vec<&str> = report.damage.iter().map(|damage| damage.found.as_str()).collect();
        match expected {
            "" => assert_eq!(found, <[&str; 0]>::default()),
            _ => assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {report:#?}"),
        }
    }
}

#[test]
fn what_is_no_part_of_the_archive_is_noted() {
    let subject = Subject::make();
    let rubbish = [
        ("notes.txt", "`notes.txt`: no file of an archive"),
        ("checkpoint.new", "`checkpoint.new`: a crash while it was written"),
        ("passing/1-2.zst", "`passing/1-2.zst`: a body that is being received"),
        ("tile/0/001.p/7", "1 file(s) under `tile/` hold more than the checkpoint promises"),
        ("tile/0/000.p/3", "1 partial tile(s) are needless"),
        ("packs/1.pack", "`packs/1.pack`: no file of an archive"),
        ("photos/cat.jpg", "`photos/` is no folder of an archive"),
    ];
    for (path, expected) in rubbish {
        write(&subject.archive().join(path), b"rubbish");
        let report = subject.audit().unwrap();
        assert!(report.is_clean() && report.blobs == subject.clean.blobs, "{path}: {report:#?}");
        assert!(report.notes.len() == 1 && report.notes[0].contains(expected), "{path}: {:#?}", report.notes);
        fs::remove_file(subject.archive().join(path)).unwrap();
        let _ = fs::remove_dir(subject.archive().join(path).parent().unwrap());
    }
}

#[test]
fn an_older_checkpoint_is_seen_by_those_who_hold_the_keys() {
    let subject = Subject::make();
    let damage = Damage::one("replay", "checkpoint", Some(subject.old["checkpoint"].clone()));
    let report = subject.audit_with(&damage).unwrap();
    assert_eq!(report.damage[0].found, format!("it promises {OLD_SIZE} entries, and the keys have signed for {SIZE}"));
    damage.apply(&subject.archive());
    let archive = Archive::open(&subject.archive()).unwrap();
    let stranger = audit(&archive, &Known::default(), &Silent);
    assert!(stranger.notes.iter().any(|note| note.contains("hold more than the checkpoint promises")), "{stranger:#?}");
}

#[test]
fn others_find_the_same_damage_in_the_tree() {
    let subject = Subject::make();
    let keys = Keyring::new(&subject.folder.path().join("keys")).public().unwrap().checkpoint;
    let clean = audit_foreign(&subject.archive(), &keys, &Silent);
    assert_eq!((clean.damage.as_slice(), clean.entries), (&[][..], SIZE));
    let mut found = 0;
    for path in subject.new.keys().filter(|path| path.starts_with("tile/") && !path.contains("statements")) {
        for damage in
            damages(&subject, path, FLIP_COUNT).iter().filter(|damage| !matches!(damage.what, "swap" | "replay beside"))
        {
            damage.apply(&subject.archive());
            let report = audit_foreign(&subject.archive(), &keys, &Silent);
            // A hash tile of another log would be as good: the root in the checkpoint is what does not fit it.
            let named = |thing: &str| thing == path || thing == "checkpoint" || thing.starts_with("tile/entries");
            assert!(report.damage.iter().any(|damage| named(&damage.thing)), "{} of {path}", damage.what);
            write(&subject.archive().join(path), &subject.new[path]);
            found += 1;
        }
    }
    assert!(found > 200, "{found}");
    assert!(audit_foreign(&subject.archive(), &keys[..1], &Silent).is_clean());
    let nobody = audit_foreign(&subject.archive(), &[], &Silent);
    assert!(nobody.is_clean() && nobody.notes[0].contains("none of the keys that were given"), "{nobody:?}");
}

/// Returns the entries that can be read whole, with every blob they name.
fn readable(folder: &Path) -> Vec<u64> {
    let Ok(archive) = Archive::open(&folder.join("archive")) else { return Vec::new() };
    let is_readable = |index: &u64| {
        let Ok(entry) = Log::at(&archive, SIZE).entry(*index) else { return false };
        let blobs = entry.record.body.visit().map(affiant::evidence::record::Visit::blobs).unwrap_or_default();
        blobs.into_iter().all(|blob: Hash| archive.packs().read(blob).is_ok())
    };
    (0..SIZE).filter(is_readable).collect()
}

#[test]
fn appending_to_what_is_damaged_loses_nothing() {
    let subject = Subject::make();
    let (mut appended, mut refused) = (0, BTreeMap::new());
    for path in subject.new.keys() {
        for damage in damages(&subject, path, APPEND_COUNT) {
            let copy = subject.copy();
            damage.apply(&copy.path().join("archive"));
            let before = readable(copy.path());
            let what = format!("{} of `{path}`", damage.what);
            match append(copy.path()) {
                Ok(acknowledged) => {
                    appended += 1;
                    let archive = Archive::open(&copy.path().join("archive")).unwrap();
                    let (log, _) = Log::published(&archive).unwrap();
                    assert!(log.entry(acknowledged).is_ok(), "{what}");
                }
                Err(error) => {
                    assert!(!error.is_empty(), "{what}");
                    *refused.entry(path.clone()).or_insert(0) += 1;
                }
            }
            let after = readable(copy.path());
            assert!(before.iter().all(|index| after.contains(index)), "{what}: {before:?} before, {after:?} after");
        }
    }
    eprintln!("appended after {appended} damages; refused: {refused:?}");
    assert!(appended >= 40 && refused.len() >= 5, "{appended} {refused:?}");
}

#[test]
fn a_history_is_judged_alike_with_hints_and_without() {
    let subject = Subject::make();
    let verified = |folder: &Path| {
        let archive = Archive::open(&folder.join("archive")).map_err(|error| chain(&error))?;
        let id = Id { prefix: archive.settings().prefix.clone(), letter: 'P', index: SIZE - 1 };
        verify_record(&archive, &id, None, now()).map_err(|error| chain(&error))
    };
    let history_of = |report: &Report| {
        report.findings.iter().find(|finding| finding.check == verify::Check::History).unwrap().clone()
    };
    let (mut failed, mut refused) = (0, 0);
    for path in subject.new.keys() {
        for damage in damages(&subject, path, APPEND_COUNT) {
            let copy = subject.copy();
            damage.apply(&copy.path().join("archive"));
            let led = verified(copy.path());
            let _ = fs::remove_file(copy.path().join("archive/index/hints"));
            let searched = verified(copy.path());
            // A search goes by the entry tiles; what a hint leads to is known by its own hash, and needs none.
            if path.starts_with("tile/entries/") && damage.files.len() == 1 {
                assert!(
                    led.as_ref().is_ok_and(|report| history_of(report).outcome == Outcome::Holds),
                    "{}",
                    damage.what
                );
                continue;
            }
            assert_eq!(led, searched, "{} of `{path}`", damage.what);
            match led {
                Ok(report) => failed += usize::from(report.verdict == Verdict::Failed),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(failed >= 10 && refused >= 3, "{failed} failed, {refused} refused");
    let copy = subject.copy();
    assert_eq!(history_of(&verified(copy.path()).unwrap()).found, "3 capture(s), each naming the one before");
}

#[test]
fn no_row_of_a_group_changes_a_proof_or_a_statement() {
    let subject = Subject::make_long();
    let damages = damages(&subject, "index/nodes", 4 * APPEND_COUNT);
    assert!(damages.len() > 4 * APPEND_COUNT);
    let archive = Archive::open(&subject.archive()).unwrap();
    let (log, _) = Log::published(&archive).unwrap();
    let by_tiles = |index| {
        let proof = InclusionProof::make(&archive.nodes(LONG_SIZE), index, LONG_SIZE).unwrap();
        (index, archive.statement(index, LONG_SIZE).unwrap(), proof)
    };
    let expected = [0, 77, 255, 256, 511, 512].map(by_tiles);
    for damage in damages {
        damage.apply(&subject.archive());
        let prover = log.prover();
        for (index, statement, proof) in &expected {
            assert_eq!(prover.statement(*index).unwrap(), *statement, "{} {index}", damage.what);
            assert_eq!(prover.inclusion(*index).unwrap().0, *proof, "{} {index}", damage.what);
        }
    }
}

/// Adds captures to a history that the archive has, by the writer alone: one of them signed by whom the log does not know.
fn lengthen(folder: &Path, foreign: Option<u64>) -> Id {
    let places = Places { archive: folder.join("archive"), keys: folder.join("keys") };
    let archive = Archive::open(&places.archive).unwrap();
    let (log, head) = Log::published(&archive).unwrap();
    let newest = (0..log.size())
        .rev()
        .map(|index| log.entry(index).unwrap())
        .find(|entry| matches!(&entry.record.body, Body::Capture(capture) if capture.sequence == 3));
    let (mut entry, mut statement) = newest.map(|entry| (entry.record, entry.statement)).unwrap();
    let keys = places.keyring().secrets(&head.checkpoint().origin, None).unwrap();
    let stranger = Ed25519Signer::from(Ed25519SecretKey::from_seed(&[9; 32]));
    let lock = Lock::take(archive.folder(), now()).unwrap();
    let mut writer = Writer::open(&archive, lock, log.size(), None).unwrap();
    for number in 0..LENGTHENED_COUNT {
        entry.index = writer.size();
        let Body::Capture(capture) = &mut entry.body else { unreachable!() };
        (capture.sequence, capture.previous) = (capture.sequence + 1, Some(statement.entry()));
        let bytes = entry.encode();
        let subject = entry.id(&archive.settings().prefix).to_string();
        let claim = Claim { subject, record: Hash::of(&bytes), ..statement.claim };
        writer.keep_record(&Spooled::from_bytes(bytes)).unwrap();
        let signer = if foreign == Some(number) { &stranger } else { &keys.statement };
        statement = Statement::sign(claim, signer).unwrap();
        writer.append(statement.as_bytes());
    }
    writer.commit().unwrap();
    let checkpoint = Checkpoint { size: writer.size(), root: writer.root(), ..head.checkpoint().clone() };
    writer.publish(&SignedCheckpoint::sign(&checkpoint, now(), &keys.checkpoint).unwrap().encode()).unwrap();
    drop(writer);
    drop(open(folder).unwrap()); // The index learns where each of them lies.
    entry.id(&archive.settings().prefix)
}

#[test]
fn a_foreign_signature_is_found_wherever_it_is_in_a_long_history() {
    let subject = Subject::make();
    let count = LENGTHENED_COUNT;
    for foreign in [None, Some(0), Some(count / 2), Some(count - 9), Some(count - 2), Some(count - 1)] {
        let copy = subject.copy();
        let id = lengthen(copy.path(), foreign);
        let archive = Archive::open(&copy.path().join("archive")).unwrap();
        assert!(archive.hint(id.index).previous.is_some(), "so that a thread reads ahead");
        for _ in 0..5 {
            let report = verify_record(&archive, &id, None, now()).unwrap();
            let history = report.findings.iter().find(|finding| finding.check == verify::Check::History).unwrap();
            assert_eq!(history.found, format!("{} capture(s), each naming the one before", 3 + count));
            let is_signed = |finding: &&verify::Finding| finding.check == verify::Check::Signature;
            let failed = report.findings.iter().filter(is_signed).filter(|finding| finding.outcome == Outcome::Fails);
            assert_eq!(failed.count(), usize::from(foreign.is_some()), "{foreign:?}");
        }
    }
}

#[cfg(unix)]
fn secret(keys: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for entry in fs::read_dir(keys).unwrap().map(Result::unwrap) {
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Appends one more check, if the archive lets itself be opened, and returns its index.
fn append(folder: &Path) -> Result<u64, String> {
    let Opened { archive, mut appender, .. } = open(folder)?;
    let record = Log::at(&archive, appender.size()).entry(1).map_err(|error| chain(&error))?.record;
    let appended = appender.append(record.body, now()).map_err(|error| chain(&error))?;
    appender.publish(now()).map_err(|error| chain(&error))?;
    Ok(appended.record.index)
}
