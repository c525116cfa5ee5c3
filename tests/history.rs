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
    bundles: &'static [SpecimenBundle],
    entry_count: u64,
}

/// A bundle in a specimen.
struct SpecimenBundle {
    name: &'static str,
    sha256: &'static str,
    subjects: &'static [&'static str],
}

const SPECIMENS: [Specimen; 2] = [
    Specimen {
        folder: "1",
        bundles: &[SpecimenBundle {
            name: "bundle.zip",
            sha256: "8e03c48585c80f4b90a829709ce8a74e36e710da979a66e3cff06b61465230e9",
            subjects: &["SP-C-000003-7", "SP-C-000007-g", "SP-P-000005-s", "SP-V-000004-0"],
        }],
        entry_count: 8,
    },
    Specimen {
        folder: "2",
        bundles: &[
            SpecimenBundle {
                name: "bundle.zip",
                sha256: "e19de1fb3baa24a93342eb7fefdaeadd63e943a89ea9c420137ebf9f768c604a",
                subjects: &["SP-C-000003-7", "SP-C-000007-g", "SP-P-000005-s", "SP-V-000004-0"],
            },
            SpecimenBundle {
                name: "withheld.zip",
                sha256: "d40e89d170942f2d07bf9bc1d607f707c448d8743a59bcafade928cc1d6ad8ff",
                subjects: &["SP-C-000009-3"],
            },
        ],
        entry_count: 10,
    },
];

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
    let bundles = SPECIMENS.iter().flat_map(|specimen| specimen.bundles.iter().map(move |bundle| (specimen, bundle)));
    for (specimen, bundle) in bundles {
        let path = specimen.path(bundle.name);
        let sha256 = Hash::of(&fs::read(&path).unwrap()).to_string();
        assert_eq!(sha256, bundle.sha256, "specimen {} was changed", specimen.folder);
        let mut subjects = BTreeSet::new();
        for report in verify_bundle(&path, Some(&specimen.policy()), now()).unwrap() {
            assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "{:#}", report.to_json());
            subjects.insert(report.to_json()["subject"]["id"].as_str().unwrap().to_owned());
        }
        assert!(subjects.iter().eq(bundle.subjects), "{subjects:?}");
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
