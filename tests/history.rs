//! What verified once verifies for ever: the specimens of every format that was released.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use affiant::archivist::audit::{Known, audit};
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::archivist::verify::{verify_bundle, verify_record};
use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::evidence::verify::Verdict;
use affiant::log::policy::Policy;
use affiant::outside::archive::Archive;

/// A specimen and what is known of it since it was made.
struct Specimen {
    folder: &'static str,
    bundle_sha256: &'static str,
    subjects: &'static [&'static str],
    entry_count: u64,
}

const SPECIMENS: [Specimen; 1] = [Specimen {
    folder: "1",
    bundle_sha256: "8e03c48585c80f4b90a829709ce8a74e36e710da979a66e3cff06b61465230e9",
    subjects: &["SP-C-000003-7", "SP-C-000007-g", "SP-P-000005-s", "SP-V-000004-0"],
    entry_count: 8,
}];

impl Specimen {
    fn path(&self, name: &str) -> PathBuf {
        root().join(self.folder).join(name)
    }

    fn policy(&self) -> Policy {
        Policy::parse(&fs::read(self.path("keys/policy")).unwrap()).unwrap()
    }

    fn archive(&self) -> Archive {
        Archive::open(&self.path("archive")).unwrap()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specimens")
}

/// A day on which no key of the specimens means anything any more.
fn now() -> Time {
    Time::from_seconds(4_102_444_800).unwrap()
}

#[test]
fn every_specimen_is_listed() {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let found: BTreeSet<String> = folders.map(|folder| folder.file_name().into_string().unwrap()).collect();
    assert_eq!(found, SPECIMENS.iter().map(|specimen| specimen.folder.to_owned()).collect());
}

#[test]
fn every_bundle_still_verifies() {
    for specimen in &SPECIMENS {
        let path = specimen.path("bundle.zip");
        let sha256 = Hash::of(&fs::read(&path).unwrap()).to_string();
        assert_eq!(sha256, specimen.bundle_sha256, "specimen {} was changed", specimen.folder);
        let mut subjects = BTreeSet::new();
        for report in verify_bundle(&path, Some(&specimen.policy()), now()).unwrap() {
            assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "{:#}", report.to_json());
            subjects.insert(report.to_json()["subject"]["id"].as_str().unwrap().to_owned());
        }
        assert!(subjects.iter().eq(specimen.subjects), "{subjects:?}");
        for report in verify_bundle(&path, None, now()).unwrap() {
            assert_eq!(report.verdict, Verdict::CannotTell, "{:#}", report.to_json());
        }
    }
}

#[test]
fn every_archive_is_still_read() {
    for specimen in &SPECIMENS {
        let archive = specimen.archive();
        let policy = specimen.policy();
        let (log, _) = Log::published(&archive).unwrap();
        assert_eq!(log.size(), specimen.entry_count);
        for index in 0..log.size() {
            let id = log.entry(index).unwrap().id;
            let report = verify_record(&archive, &id, Some(&policy), now()).unwrap();
            assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "{id}: {:#}", report.to_json());
        }
        let known = Known { policy: Some(policy), ..Known::default() };
        let report = audit(&archive, &known, &Silent);
        assert!(report.is_clean(), "{report:#?}");
    }
}

#[test]
fn no_specimen_holds_a_secret() {
    let mut count = 0;
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            count += 1;
            let bytes = fs::read(&path).unwrap();
            let is_secret = bytes.windows(12).any(|window| window == b"PRIVATE KEY-");
            assert!(!is_secret && path.extension().is_none_or(|extension| extension != "key"), "{}", path.display());
        }
    }
    assert!(count >= 14 * SPECIMENS.len(), "only {count} files were looked at");
}
