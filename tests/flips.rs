//! Every single bit of an archive, flipped: an audit finds it and names the file, or the file is no evidence.
//!
//! The ordinary run flips some of the bits, evenly spread, so that every file is met. `AFFIANT_EVERY_BIT=1` flips all of
//! them, in some minutes. What is no evidence is listed here and nowhere else: [`is_derived`], [`is_for_people`], and in
//! packs what a member says of the way to its base ([`is_of_way`]). A flip there is named all the same, in a note.
//!
//! | file                         | a flipped bit is                                                     |
//! |------------------------------|----------------------------------------------------------------------|
//! | `checkpoint`, `tile/`        | damage, with the file's name                                          |
//! | `packs/`, `withheld/`: packs | damage, with the blob's hash; of the way to a base, a note            |
//! | rows, indexes, `withdrawn`   | a note: they are made again from what they were made from            |
//! | `README.md`                  | a note                                                               |
//! | `archive.toml`               | damage where it is read, or what cannot be parsed; a note in comments |
//! | `journal`                    | damage, where what it had is nowhere else: `crash::awaited` |
//! | `index/`, `lock`             | not looked at: nothing is read from them but by the writer, who checks |

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use affiant::archivist::audit::{AuditReport, Known, audit};
use affiant::archivist::progress::Silent;
use affiant::base::causes::with_causes;
use affiant::outside::archive::Archive;
use affiant::outside::keys::Keyring;

use crate::folder::{put, read};
use crate::stage::{Stage, is_of_way};

/// How many bits of the small archive the ordinary run flips, about.
const FLIP_COUNT: usize = 1_000;

/// How many of the larger one.
const LARGER_FLIP_COUNT: usize = 200;

/// Made again from the log by the next writer, and never read to check anything; the audit does not open it.
fn is_unread(path: &str) -> bool {
    path.starts_with("index/") || path == "lock"
}

/// Made again from what it was made from: the audit compares it and notes the difference, and nothing is lost.
fn is_derived(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    path == "withdrawn" || matches!(extension, Some("rows" | "index"))
}

/// Read by people: the audit compares it with what the program writes, and notes the difference. Of `archive.toml` that
/// is the comment; the rest is compared with entry 0.
fn is_for_people(path: &str) -> bool {
    path == "README.md" || path == "archive.toml"
}

fn is_pack(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "pack")
}

/// Flips each bit of a list and asks the audit, on as many threads as there are processors.
fn flip(stage: &Stage, flips: &[(String, usize)]) -> BTreeMap<String, usize> {
    let files = read(&stage.path("archive"));
    let known = Known::of(&Keyring::new(&stage.path("keys"))).unwrap();
    let clean = audit(&Archive::open(&stage.path("archive")).unwrap(), &known, &Silent);
    assert!(clean.is_clean(), "{clean:#?}");
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        let copy = tempfile::tempdir().unwrap();
        put(copy.path(), &files);
        while let Some((path, bit)) = flips.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut damaged = files[path].clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(copy.path().join(path), damaged).unwrap();
            let found = Archive::open(copy.path()).map(|archive| audit(&archive, &known, &Silent));
            let found = found.map_err(|error| with_causes(&error));
            let is_clean = found.as_ref().is_ok_and(AuditReport::is_clean);
            let manner = if is_clean && is_pack(path) && is_of_way(&files[path], bit / 8) {
                Manner::Noted
            } else {
                Manner::of(path)
            };
            assert_found((path, *bit), manner, &found, &clean);
            fs::write(copy.path().join(path), &files[path]).unwrap();
            *counts.lock().unwrap().entry(path.clone()).or_insert(0) += 1;
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    counts.into_inner().unwrap()
}

/// How an audit says that a bit was flipped.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Manner {
    Damage,
    DamageOrNoted,
    Noted,
}

impl Manner {
    fn of(path: &str) -> Self {
        match path {
            "archive.toml" => Self::DamageOrNoted,
            "README.md" => Self::Noted,
            _ if is_derived(path) => Self::Noted,
            _ => Self::Damage,
        }
    }
}

fn assert_found((path, bit): (&str, usize), manner: Manner, found: &Result<AuditReport, String>, clean: &AuditReport) {
    let what = || format!("bit {bit} of `{path}`: {found:#?}");
    let report = match found {
        Ok(report) => report,
        Err(error) => return assert!(path == "archive.toml" && error.contains("archive.toml"), "{}", what()),
    };
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let is_named = |text: &str| text.contains(path) || (is_pack(path) && text.contains(stem));
    let is_noted = report.notes.iter().any(|note| is_named(note) && !clean.notes.contains(note));
    if manner == Manner::Noted {
        return assert!(report.is_clean() && is_noted, "{}", what());
    }
    // A blob has its hash for a name; where it lies is said with it.
    let names = |text: &str| is_named(text) || (is_pack(path) && text.contains("blob "));
    let is_damage = report.damage.iter().any(|damage| names(&damage.thing));
    assert!(is_damage || (manner == Manner::DamageOrNoted && is_noted), "{}", what());
}

/// Makes an archive with everything in it: two captures, one erased, one withheld, and a quote.
fn small() -> Stage {
    let stage = Stage::new();
    let run = |arguments: &[&str]| {
        let ran = stage.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.remarks);
        ran.texts("id").pop().unwrap_or_default()
    };
    let capture = |words: &str| {
        fs::write(stage.path("a.html"), format!("<p>{words}")).unwrap();
        run(&["capture", "a.html"])
    };
    let said = ["--reason", "r", "--authority", "a"];
    let erased = capture("one word");
    run(&[&["withdraw", &erased][..], &said].concat());
    let withheld = capture("two words");
    run(&[&["withdraw", &withheld, "--withhold"][..], &said].concat());
    let kept = capture("three words here");
    run(&["quote", &kept, "words"]);
    stage
}

#[test]
fn every_flipped_bit_of_a_small_archive_is_found_and_named() {
    let stage = small();
    let files = read(&stage.path("archive"));
    let evidence: Vec<(&String, usize)> =
        files.iter().filter(|(path, _)| !is_unread(path)).map(|(path, bytes)| (path, bytes.len() * 8)).collect();
    let total: usize = evidence.iter().map(|(_, bits)| bits).sum();
    let step = if std::env::var_os("AFFIANT_EVERY_BIT").is_some() { 1 } else { total / FLIP_COUNT };
    let of = |(path, bits): &(&String, usize)| {
        // Short files are met whole, and an odd step meets every bit of a byte.
        let step = if *bits <= 512 { 1.max(step / 8) } else { step | 1 };
        (0..*bits).step_by(step).map(|bit| ((*path).clone(), bit)).collect::<Vec<_>>()
    };
    let flips: Vec<(String, usize)> = evidence.iter().flat_map(of).collect();
    let counts = flip(&stage, &flips);
    assert_eq!(counts.len(), evidence.len(), "every file is met");
    eprintln!("{} of {total} bits flipped in {} files, each found and named", flips.len(), counts.len());
    for (path, count) in &counts {
        let kind = if is_derived(path) || is_for_people(path) { "noted" } else { "damage" };
        eprintln!("  {count:>7}  {kind}  {path}");
    }
}

#[test]
fn flipped_bits_of_a_larger_archive_are_found_and_named() {
    let stage = Stage::new();
    let words = |n: usize| format!("<h1>Page {n}</h1>{}", format!("<p>Clause {n} of many, as agreed.</p>\n").repeat(n));
    let pages = (0..60).map(|n| {
        let path = stage.path(&format!("page-{n}.html"));
        fs::write(&path, words(n + 1)).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let list = stage.list(pages.collect::<Vec<_>>());
    let list = list.to_str().unwrap();
    assert_eq!(stage.run(["capture", "--from", list]).code, Some(0));
    for n in 0..60 {
        fs::write(stage.path(&format!("page-{n}.html")), words(n + 2)).unwrap();
    }
    assert_eq!(stage.run(["capture", "--from", list]).code, Some(0));
    let files = read(&stage.path("archive"));
    let evidence: Vec<(&String, &Vec<u8>)> = files.iter().filter(|(path, _)| !is_unread(path)).collect();
    // A generator of its own (PCG), so that the same bits are flipped in every run.
    let mut state = 2026_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let flips: Vec<(String, usize)> = (0..LARGER_FLIP_COUNT)
        .map(|n| {
            let (path, bytes) = evidence[n % evidence.len()];
            (path.clone(), random(bytes.len() * 8))
        })
        .collect();
    let counts = flip(&stage, &flips);
    eprintln!("{} bits flipped in {} files of a larger archive, each found and named", flips.len(), counts.len());
}
