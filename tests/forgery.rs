//! The forgery matrix.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use affiant::archivist::bundle::{BundleMade, BundleOrder, bundle};
use affiant::archivist::capture::{Manner, Order, Watch, capture};
use affiant::archivist::init::{Naming, open_or_create};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::visit::Target;
use affiant::base::id::Id;
use affiant::evidence::verify::Verdict;
use affiant::log::policy::Policy;
use affiant::outside::archive::Archive;
use affiant::outside::archive::durable::{Access, Existing, swap};
use affiant::outside::clock;
use affiant::outside::keys::Keyring;
use affiant::outside::web::options::FetchOptions;

type Files = BTreeMap<String, Vec<u8>>;

/// A small archive with its keys.
struct Yard {
    folder: tempfile::TempDir,
}

impl Yard {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn places(&self) -> Places {
        Places { archive: self.path().join("archive"), keys: self.path().join("keys") }
    }

    /// Captures a file that holds `text`, and returns the id of the record it made.
    fn capture(&self, name: &str, text: &str) -> Id {
        let path = self.path().join(name);
        swap(&path, text.as_bytes(), Access::Public).unwrap();
        let opened = open_or_create(&self.places(), &Naming::default(), None, clock::now(), &Silent).unwrap();
        let order = Order {
            written: name.to_owned(),
            target: Target::parse(path.to_str().unwrap()).unwrap(),
            entity: Some("Example Inc.".to_owned()),
            title: Some("Terms".to_owned()),
            document_type: None,
        };
        let manner = Manner { fetch: Arc::new(FetchOptions::default()), region: None, jobs: 1, per_host: 1 };
        let watch = Watch { progress: &Silent, is_interrupted: &|| false };
        let mut ids = Vec::new();
        let mut report = |done: Result<affiant::archivist::capture::Captured, _>| {
            ids.push(done.map_err(|missed: affiant::archivist::capture::Missed| missed.error).unwrap().appended.id);
        };
        capture(opened.appender, vec![order], &manner, &watch, &mut report).unwrap();
        ids.remove(0)
    }

    fn bundle(&self, name: &str, ids: &[&Id]) -> BundleMade {
        let archive = Archive::open(&self.places().archive).unwrap();
        let keyring = Keyring::new(&self.places().keys);
        let origin = affiant::log::checkpoint::Origin::new(&archive.settings().origin).unwrap();
        let keys = keyring.secrets(&origin, None).unwrap();
        let ids = ids.iter().map(|id| (*id).clone()).collect();
        let order = BundleOrder { ids, target: self.path().join(name), existing: Existing::Keep };
        bundle(&archive, &keys, &order, &Silent).unwrap()
    }

    fn policy(&self) -> Policy {
        Keyring::new(&self.places().keys).policy().unwrap().unwrap()
    }
}

const PAGE: &str = "<!doctype html><html><head><title>Terms</title></head><body><h1>Terms</h1><p>You may do this and that, but not the other thing, ever.</p></body></html>";

#[test]
fn walks() {
    let yard = Yard::new();
    let one = yard.capture("a.html", PAGE);
    let two = yard.capture("a.html", &PAGE.replace("ever", "never"));
    let check = yard.capture("a.html", &PAGE.replace("ever", "never"));
    let made = yard.bundle("x.zip", &[&two, &check]);
    eprintln!("{made:?} {one}");
    let again = yard.bundle("y.zip", &[&two, &check]);
    assert_eq!(made.sha256, again.sha256);
    let reports = affiant::archivist::verify::verify_bundle(&made.path, Some(&yard.policy()), clock::now()).unwrap();
    for report in reports {
        eprintln!("{:#}", report.to_json());
        assert_eq!(report.verdict, Verdict::VerifiedWithGaps);
    }
    let _ = std::fs::copy(&made.path, "/tmp/x/x.zip");
}
