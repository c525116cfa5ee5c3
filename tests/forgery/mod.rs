//! The forgery matrix: every file of a bundle, changed in every way a forger has, is never verified.
//!
//! A forger can change a file; make the bag anew around the change, which leaves the archive's seal over
//! another tag manifest; seal it with a key of their own; and bring that key along. They can take parts of
//! other records and of earlier bundles, all with good signatures. What they cannot do is sign for the
//! archive, and so no case may come out as verified, each must name the file or what was sealed over it, and
//! `verify.sh` must agree.

mod cases;
mod keys;
mod named;
mod page;
mod script;
mod times;
mod yard;

use std::collections::{BTreeMap, BTreeSet};

use affiant::archivist::verify::{verify_bundle, verify_folder};
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Check, Finding, Report, Verdict};
use affiant::log::policy::Policy;
use affiant::outside::clock;

use cases::{Case, Hand};
use yard::{Bundles, Yard};

pub(crate) use cases::resealed;
pub(crate) use yard::{seed, unpack, unzip, zip_raw};

/// A bundle's files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The fewest forgeries that the matrix must hold, so that it cannot silently lose some.
const CASE_COUNT_MIN: usize = 2_900;

/// The fewest of a smaller bundle that the script and the page are asked about.
const SCRIPT_CASE_COUNT_MIN: usize = 100;
const PAGE_CASE_COUNT_MIN: usize = 1_800;

fn verify(files: &Files, policy: Option<&Policy>) -> Vec<Report> {
    verify_folder("forged", files.clone(), policy, clock::now())
}

fn worst(reports: &[Report]) -> Verdict {
    reports.iter().map(|report| report.verdict).max().unwrap()
}

/// All that is said against a bundle.
fn complaints(reports: &[Report]) -> String {
    let findings = reports.iter().flat_map(|report| &report.findings);
    let against = findings.filter(|finding| finding.outcome == Outcome::Fails || finding.is_needed);
    let said = |finding: &Finding| format!("{}: {} / {}", finding.check.as_str(), finding.expected, finding.found);
    against.map(said).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_honest_bundle_is_verified_wherever_it_lies() {
    let bundles = Bundles::make();
    let files = unzip(&bundles.newest);
    let reports = verify_bundle(&bundles.newest, Some(&bundles.policy), clock::now()).unwrap();
    assert_eq!(reports.len(), 3, "a capture, a check and a provision");
    for report in &reports {
        assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "{:#}", report.to_json());
    }
    assert_eq!(verify(&files, Some(&bundles.policy)), reports);
    let folder = yard::unpack(&files);
    assert_eq!(verify_bundle(folder.path(), Some(&bundles.policy), clock::now()).unwrap(), reports);
    assert_eq!(std::fs::read(&bundles.newest).unwrap(), std::fs::read(&bundles.newest_again).unwrap());
    let old = verify_bundle(&bundles.older, Some(&bundles.policy), clock::now()).unwrap();
    assert_eq!(worst(&old), Verdict::VerifiedWithGaps);
}

#[test]
fn a_stranger_cannot_tell_and_learns_which_key_to_compare() {
    let bundles = Bundles::make();
    for report in verify_bundle(&bundles.newest, None, clock::now()).unwrap() {
        assert_eq!(report.verdict, Verdict::CannotTell);
        let log = bundles.policy.logs()[0].key.fingerprint();
        let checkpoint = report.findings.iter().find(|finding| finding.check == Check::Checkpoint).unwrap();
        assert!(checkpoint.found.contains(&log), "{}", checkpoint.found);
    }
}

#[test]
fn another_archive_of_the_same_name_is_not_trusted() {
    let bundles = Bundles::make();
    for report in verify_bundle(&bundles.impostor, Some(&bundles.policy), clock::now()).unwrap() {
        assert_eq!(report.verdict, Verdict::CannotTell, "{:#}", report.to_json());
    }
}

#[test]
fn no_forgery_is_verified_and_each_is_named() {
    let bundles = Bundles::make();
    let cases = cases::all(&bundles, &bundles.newest, &bundles.older);
    let halves = cases.split_at(cases.len() / 2);
    let judge = |cases: &[Case]| cases.iter().map(|case| (label(case), judged(case, &bundles.policy))).collect();
    let verdicts: Vec<(String, Verdict)> = std::thread::scope(|scope| {
        let first = scope.spawn(|| judge(halves.0));
        let second: Vec<_> = judge(halves.1);
        [first.join().unwrap(), second].concat()
    });
    let mut counts: BTreeMap<(String, Verdict), usize> = BTreeMap::new();
    for verdict in verdicts {
        *counts.entry(verdict).or_default() += 1;
    }
    for ((kind, verdict), count) in &counts {
        eprintln!("{count:5}  {kind:40} {verdict}");
    }
    say(&format!("{} forgeries by the program, none verified", cases.len()));
    assert!(cases.len() >= CASE_COUNT_MIN, "{}", cases.len());
}

/// Writes a line that is seen although the test passes, so that the gate shows how much was tried.
fn say(line: &str) {
    use std::io::Write;
    std::io::stderr().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn label(case: &Case) -> String {
    format!("{} by {:?}", case.kind, case.hand)
}

fn judged(case: &Case, policy: &Policy) -> Verdict {
    let reports = verify(&case.files, Some(policy));
    // Each subject by itself: a forgery of one part must not leave another looking whole.
    for report in &reports {
        assert!(report.verdict >= Verdict::CannotTell, "{case}: {:#}", report.to_json());
    }
    let complaints = complaints(&reports);
    assert!(case.is_named_in(&complaints), "{case}: {complaints}");
    worst(&reports)
}

#[test]
fn a_name_that_stands_twice_in_a_zip_is_refused() {
    let bundles = Bundles::make();
    let files = unzip(&bundles.newest);
    let folder = tempfile::tempdir().unwrap();
    for (n, name) in files.keys().enumerate() {
        let mut members: Vec<(&str, &[u8])> =
            files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        members.insert(n + 1, (name, b"another"));
        let path = folder.path().join("forged.zip");
        yard::write(&path, &zip_raw(&members));
        let reports = verify_bundle(&path, Some(&bundles.policy), clock::now()).unwrap();
        assert_eq!(worst(&reports), Verdict::Failed, "{name}");
        assert!(complaints(&reports).contains(name.as_str()), "{}", complaints(&reports));
    }
    let members: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    assert_eq!(zip_raw(&members), std::fs::read(&bundles.newest).unwrap(), "the forger's ZIP is otherwise ours");
}

#[test]
fn no_damaged_zip_is_verified() {
    let bundles = Bundles::make();
    let zip = std::fs::read(&bundles.newest).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.zip");
    for n in 0..200 {
        let at = n * (zip.len() - 1) / 199;
        for damaged in [zip[..at].to_vec(), {
            let mut zip = zip.clone();
            zip[at] ^= 0x10;
            zip
        }] {
            yard::write(&path, &damaged);
            let reports = verify_bundle(&path, Some(&bundles.policy), clock::now()).unwrap();
            assert!(worst(&reports) >= Verdict::CannotTell, "byte {at}");
        }
    }
}

/// The script runs for a second or two each time, so that here every file of a small bundle meets one kind of
/// change by one hand, each kind and hand in turn; [`every_change_by_script`] has every kind for every file.
#[test]
fn the_script_agrees() {
    let bundles = Bundles::make();
    script::accepts_what_is_honest(&bundles);
    let cases = cases::all(&bundles, &bundles.older, &bundles.newest);
    let mut kinds = BTreeSet::new();
    let mut names = BTreeSet::new();
    let is_new = |case: &&Case| {
        let is_new_kind = kinds.insert((case.kind, format!("{:?}", case.hand)));
        names.insert(case.name.clone()) || is_new_kind
    };
    let chosen: Vec<&Case> = cases.iter().rev().filter(is_new).collect();
    assert!(chosen.len() >= SCRIPT_CASE_COUNT_MIN, "{}", chosen.len());
    script::agrees(&bundles, &chosen);
}

#[test]
#[ignore = "takes minutes: run it when `verify.sh` changes"]
fn every_change_by_script() {
    let bundles = Bundles::make();
    let cases = cases::all(&bundles, &bundles.older, &bundles.newest);
    let is_chosen =
        |case: &&Case| case.hand == Hand::Plain && !matches!(case.kind, "empty" | "flip first" | "flip last");
    script::agrees(&bundles, &cases.iter().filter(is_chosen).collect::<Vec<_>>());
}

#[test]
fn every_change_by_page() {
    let bundles = Bundles::make();
    let cases = cases::all(&bundles, &bundles.older, &bundles.newest);
    assert!(cases.len() >= PAGE_CASE_COUNT_MIN, "{}", cases.len());
    agrees_by_page(&bundles, &cases.iter().collect::<Vec<_>>());
}

/// The page believes none of the forgeries, names what was forged, and comes to what the verifier comes to.
fn agrees_by_page(bundles: &Bundles, cases: &[&Case]) {
    let reader = page::Reader::new(&bundles.policy.encode(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let disagreements = std::sync::Mutex::new(Vec::new());
    let is_here = page::in_turn(&reader, cases.len(), |page, n| {
        let case = cases[n];
        let zip = page::pack(&case.files);
        let pages = page.judge(&zip);
        assert!(!page::believes(&pages), "{case}: {pages:?}");
        let complaints = page::complaints(&pages);
        assert!(case.is_named_in(&complaints), "{case}: {complaints}");
        let path = folder.path().join(format!("{n}.zip"));
        yard::write_unsynced(&path, &zip);
        let reports = verify_bundle(&path, Some(&bundles.policy), clock::now()).unwrap();
        std::fs::remove_file(&path).unwrap();
        let differences = page::differences(&reports, &pages);
        if !differences.is_empty() {
            disagreements.lock().unwrap().push(format!("{case}: {}", differences.join("; ")));
        }
    });
    let disagreements = disagreements.into_inner().unwrap();
    if is_here {
        let count = cases.len();
        say(&format!("{count} forgeries by the page, none believed, {} judged otherwise", disagreements.len()));
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[test]
fn the_page_believes_what_is_honest_and_says_the_same() {
    let bundles = Bundles::make();
    let zip = std::fs::read(&bundles.newest).unwrap();
    let policies = [Some(&bundles.policy), None];
    for policy in policies {
        let reader = page::Reader::new(&policy.map(Policy::encode).unwrap_or_default(), &[]);
        let Some(mut page) = page::Page::start(&reader) else { return };
        let reports = verify_bundle(&bundles.newest, policy, clock::now()).unwrap();
        let pages = page.judge(&zip);
        assert_eq!(page::differences(&reports, &pages), Vec::<String>::new());
        assert_eq!(page::believes(&pages), policy.is_some());
        // What holds is said in the same words, and of the same subject.
        for (ours, theirs) in reports.iter().map(Report::to_json).zip(&pages) {
            assert_eq!(ours["subject"], theirs["subject"]);
            for finding in ours["findings"].as_array().unwrap().iter().filter(|finding| finding["result"] == "holds") {
                assert!(theirs["findings"].as_array().unwrap().contains(finding), "{finding}: {theirs:#}");
            }
        }
    }
}

/// What `Yard` is for is said there; this holds that its captures are what the matrix needs.
#[test]
fn the_yard_holds_a_chain_and_a_check() {
    let yard = Yard::new();
    let first = yard.capture("a.html", yard::PAGE);
    let second = yard.capture("a.html", &yard::PAGE.replace("ever", "never"));
    let check = yard.capture("a.html", &yard::PAGE.replace("ever", "never"));
    assert_eq!([first.letter, second.letter, check.letter], ['C', 'C', 'V']);
}
