//! Bundles: files of a small bundle, each after a line `=== NAME`, take the place of the true ones; an
//! empty one is taken away.
//!
//! Whatever is changed, added or taken away, the bundle is not called verified any more.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::LazyLock;

use affiant::base::hash::Hash;
use affiant::evidence::bundle::read::Bundle;
use affiant::evidence::bundle::write::{Draft, Part, Prepared};
use affiant::evidence::bundle::zip::Archive;
use affiant::evidence::citation::Citation;
use affiant::evidence::verify::{Verdict, verify};
use affiant::log::policy::Policy;
use small_archive::{ENTRY_COUNT, Parts, id, sections, time};

#[path = "../small_archive.rs"]
mod small_archive;

static TRUE_FILES: LazyLock<Parts> = LazyLock::new(files);
static POLICY: LazyLock<Policy> = LazyLock::new(small_archive::policy);

/// A check of the first capture, and a passage of the second.
const SUBJECTS: [u64; 2] = [3, 5];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut files = TRUE_FILES.clone();
    for (name, file) in sections(bytes) {
        if file.is_empty() {
            files.remove(&name);
        } else {
            files.insert(name, file);
        }
    }
    let is_true = files == *TRUE_FILES;
    let bundle = Bundle::open(files);
    let subject = id(SUBJECTS[bytes.len() % 2]);
    assert!(!is_true || bundle.subjects().contains(&subject));
    let report = verify(&bundle, &subject, Some(&*POLICY), time(10_000));
    assert_eq!(report.verdict <= Verdict::VerifiedWithGaps, is_true, "{}", report.to_json());
});

fn files() -> Parts {
    let parts = small_archive::archive();
    let part = |index: u64, name: &str| parts[&format!("{index}.{name}")].clone();
    let entries = (0..ENTRY_COUNT).map(|index| {
        let part = Part {
            id: id(index),
            record: Some(part(index, "record")),
            statement: part(index, "statement"),
            proof: part(index, "proof"),
            receipt: part(index, "receipt"),
        };
        (index, part)
    });
    let draft = Draft {
        entries: entries.collect(),
        subjects: BTreeSet::from(SUBJECTS),
        checkpoint: parts["checkpoint"].clone(),
        citations: BTreeMap::from([(SUBJECTS[0], citation())]),
        anchors: Vec::new(),
        withheld: BTreeMap::new(),
        annexes: BTreeMap::new(),
        software: "affiant 0".to_owned(),
    };
    let blobs = BTreeMap::from([(Hash::of(&parts["blob"]), parts["blob"].clone())]);
    let prepared = Prepared::new(&draft, &small_archive::statement_key().into(), &blobs).expect("holds together");
    let mut zip = Vec::new();
    prepared.write(&blobs, &mut zip).expect("memory");
    let archive = Archive::open(zip.as_slice()).expect("a ZIP of ours");
    let read = |name: &String| {
        let mut file = Vec::new();
        archive.member(name).expect("a listed member").read_to_end(&mut file).expect("whole");
        (name.clone(), file)
    };
    archive.members().iter().map(|member| read(&member.name)).collect()
}

fn citation() -> Citation {
    Citation {
        entity: None,
        title: None,
        document_type: None,
        id: id(SUBJECTS[0]).to_string(),
        url: "https://example.com/".to_owned(),
        final_url: None,
        captured_at: time(900),
        content_sha256: Hash::of(b"content"),
        record_sha256: Hash::of(b"record"),
        archive_origin: "log.example.org/affiant".to_owned(),
        ark: id(SUBJECTS[0]).ark("99999"),
        accessed: None,
    }
}
