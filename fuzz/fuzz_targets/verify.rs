//! Verifying: parts of a small archive, each after a line `=== NAME`, take the place of the true ones.
//! Before them stands the index of the subject, one digit.
//!
//! However they are changed, nothing but the records that were signed is ever called verified.
#![no_main]

use std::io::Write;
use std::sync::LazyLock;

use affiant::base::hash::Hash;
use affiant::base::id::Id;
use affiant::evidence::record::{Body, Record};
use affiant::evidence::verify::source::BlobFound;
use affiant::evidence::verify::{EntryBytes, EntryProof, Finding, Source, SourceError, Verdict, verify};
use affiant::log::policy::Policy;
use small_archive::{ENTRY_COUNT, Parts, id, sections, time};

#[path = "../small_archive.rs"]
mod small_archive;

static TRUE_PARTS: LazyLock<Parts> = LazyLock::new(small_archive::archive);
static POLICY: LazyLock<Policy> = LazyLock::new(small_archive::policy);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // One subject a time: each verification costs some ten signatures.
    let Some((digit, rest)) = bytes.split_first() else {
        return;
    };
    let index = u64::from(*digit) % ENTRY_COUNT;
    let mut parts = TRUE_PARTS.clone();
    for (name, part) in sections(rest) {
        parts.insert(name, part);
    }
    let subject = id(index);
    let source = Folder(&parts);
    let report = verify(&source, &subject, Some(&*POLICY), time(10_000));
    assert!(report.to_json().is_object());
    let is_true = ["record", "statement"].map(|part| format!("{index}.{part}"));
    let is_true = is_true.iter().all(|name| parts.get(name) == TRUE_PARTS.get(name));
    assert!(report.verdict > Verdict::VerifiedWithGaps || is_true, "{subject} was changed");
    if parts == *TRUE_PARTS {
        assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "{}", report.to_json());
        // Without a policy nobody is trusted.
        assert_eq!(verify(&source, &subject, None, time(10_000)).verdict, Verdict::CannotTell);
    }
});

struct Folder<'p>(&'p Parts);

impl Source for Folder<'_> {
    fn files(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.get("checkpoint").cloned())
    }

    fn entry(&self, index: u64) -> Result<Option<EntryBytes>, SourceError> {
        let part = |name: &str| self.0.get(&format!("{index}.{name}")).cloned();
        Ok(part("record").map(|record| EntryBytes {
            name: index.to_string(),
            record: Some(record),
            statement: part("statement"),
            proof: part("proof").map(EntryProof::Written),
            receipt: part("receipt"),
            fitting: None,
        }))
    }

    fn find_statement(&self, statement: Hash, before: u64) -> Result<Option<u64>, SourceError> {
        let is_it =
            |index: &u64| self.0.get(&format!("{index}.statement")).is_some_and(|bytes| Hash::of(bytes) == statement);
        Ok((0..before.min(ENTRY_COUNT)).find(is_it))
    }

    fn withdrawals(&self, _: u64) -> Result<Vec<u64>, SourceError> {
        Ok((0..ENTRY_COUNT).collect())
    }

    fn key_records(&self) -> Result<Vec<u64>, SourceError> {
        let is_key = |index: &u64| {
            let record = self.0.get(&format!("{index}.record")).and_then(|bytes| Record::decode(bytes).ok());
            matches!(record, Some(Record { body: Body::Key(_), .. }))
        };
        Ok((1..ENTRY_COUNT).filter(is_key).collect())
    }

    fn blob(&self, _: &Id, hash: Hash) -> Result<BlobFound, SourceError> {
        let name = "blob".to_owned();
        Ok(match self.0.get("blob") {
            Some(bytes) if Hash::of(bytes) == hash => BlobFound::Blob,
            Some(bytes) => BlobFound::Other { name, found: Hash::of(bytes).to_string() },
            None => BlobFound::Nothing { name },
        })
    }

    fn copy_blob(&self, _: &Id, hash: Hash, target: &mut dyn Write) -> Result<(), SourceError> {
        let bytes = self.0.get("blob").filter(|bytes| Hash::of(bytes) == hash);
        let fails = |reason: &str| SourceError { name: "blob".to_owned(), reason: reason.to_owned() };
        target.write_all(bytes.ok_or_else(|| fails("another"))?).map_err(|_| fails("full"))
    }
}
