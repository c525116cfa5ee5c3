//! Verifying: parts of a small archive, each after a line `=== NAME`, take the place of the true ones.
//! Before them stands the index of the subject, one digit.
//!
//! However they are changed, nothing but the records that were signed is ever called verified.
#![no_main]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write;
use std::sync::LazyLock;

use affiant::base::hash::Hash;
use affiant::base::id::{Id, Prefix};
use affiant::base::time::Time;
use affiant::document::outcome::{Outcome, OutcomeKind};
use affiant::evidence::record::{
    After, Body, Capture, Check, Document, Genesis, GenesisKey, KeyPurpose, Method, Primary, Provision, Record,
    Rendition, Role, Software, Tool, Vantage, Visit,
};
use affiant::evidence::statement::{Claim, Statement};
use affiant::evidence::verify::source::BlobFound;
use affiant::evidence::verify::{EntryBytes, Finding, Source, SourceError, Verdict, verify};
use affiant::log::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use affiant::log::inclusion::InclusionProof;
use affiant::log::key::{Ed25519SecretKey, KeyName, NoteSecretKey, SignerKey};
use affiant::log::merkle::{self, Nodes, leaf_hash, node_hash};
use affiant::log::policy::Policy;
use affiant::log::proof::Proof;
use affiant::log::receipt::{Receipt, ReceiptClaims};

const ORIGIN: &str = "log.example.org/affiant";
const ENTRY_COUNT: u64 = 6;

static TRUE_PARTS: LazyLock<Parts> = LazyLock::new(archive);
static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::trusting(vec![log_key().verifier().clone()]).expect("one key"));

type Parts = BTreeMap<String, Vec<u8>>;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // One subject a time: each verification costs some ten signatures.
    let Some((digit, rest)) = bytes.split_first() else {
        return;
    };
    let index = u64::from(digit % 6);
    let mut parts = TRUE_PARTS.clone();
    for (name, part) in sections(rest) {
        parts.insert(name, part);
    }
    let subject = id(index);
    let source = Folder(&parts);
    let report = verify(&source, &subject, Some(&POLICY), time(10_000));
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

fn sections(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut rest = bytes;
    let mut sections = Vec::new();
    while let Some(after) = rest.strip_prefix(b"=== ") {
        let Some(line) = after.iter().position(|byte| *byte == b'\n') else {
            break;
        };
        let body = &after[line + 1..];
        let end = body.windows(4).position(|four| four == b"=== ").unwrap_or(body.len());
        sections.push((String::from_utf8_lossy(&after[..line]).into_owned(), body[..end].to_vec()));
        rest = &body[end..];
    }
    sections
}

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
            proof: part("proof"),
            receipt: part("receipt"),
        }))
    }

    fn find_statement(&self, statement: Hash, before: u64) -> Result<Option<u64>, SourceError> {
        let is_it =
            |index: &u64| self.0.get(&format!("{index}.statement")).is_some_and(|bytes| Hash::of(bytes) == statement);
        Ok((0..before.min(ENTRY_COUNT)).find(is_it))
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

fn time(seconds: u64) -> Time {
    Time::from_seconds(seconds).expect("a time")
}

fn statement_key() -> Ed25519SecretKey {
    Ed25519SecretKey::from_seed(&[1; 32])
}

fn log_key() -> SignerKey {
    SignerKey::new(KeyName::new(ORIGIN).expect("a name"), NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[2; 32])))
}

fn id(index: u64) -> Id {
    let letter = ['G', 'D', 'C', 'V', 'C', 'P'][usize::try_from(index).expect("small")];
    Id { prefix: Prefix::new("AF").expect("a prefix"), letter, index }
}

/// Every part of an archive of six entries, one of each kind and a second capture.
fn archive() -> Parts {
    let mut parts = Parts::from([("blob".to_owned(), b"What we keep of you\n".to_vec())]);
    let mut entries: Vec<Hash> = Vec::new();
    for index in 0..ENTRY_COUNT {
        let record = Record {
            origin: ORIGIN.to_owned(),
            index,
            made: time(1_000 + index),
            after: After { size: index, root: Hash::of(b"root"), tokens: Vec::new() },
            software: Software { name: "affiant".into(), version: "0".into(), commit: "unknown".into() },
            body: body(index, &entries),
        };
        let bytes = record.encode();
        let claim = Claim {
            issuer: ORIGIN.to_owned(),
            subject: id(index).to_string(),
            issued_at: record.made,
            record: Hash::of(&bytes),
        };
        let statement = Statement::sign(claim, &statement_key());
        entries.push(statement.entry());
        parts.insert(format!("{index}.record"), bytes);
        parts.insert(format!("{index}.statement"), statement.as_bytes().to_vec());
    }
    let leaves = Leaves(entries.iter().map(|entry| leaf_hash(entry.as_bytes())).collect());
    let root = merkle::root(&leaves, ENTRY_COUNT).expect("every leaf is there");
    let checkpoint = Checkpoint { origin: Origin::new(ORIGIN).expect("an origin"), size: ENTRY_COUNT, root };
    let signed = SignedCheckpoint::sign(&checkpoint, time(2_000), &[log_key()]).expect("signs").encode();
    for (index, entry) in (0..).zip(entries) {
        let inclusion = InclusionProof::make(&leaves, index, ENTRY_COUNT).expect("every leaf is there");
        parts.insert(format!("{index}.proof"), Proof::new(inclusion.clone(), signed.clone()).encode());
        let subject = id(index).to_string();
        let claims = ReceiptClaims { key_id: b"key", origin: ORIGIN, subject: &subject };
        let key = Ed25519SecretKey::from_seed(&[2; 32]);
        let receipt = Receipt::make(&claims, entry, root, inclusion, |message| key.sign(message)).expect("holds");
        parts.insert(format!("{index}.receipt"), receipt.encode());
    }
    parts.insert("checkpoint".to_owned(), signed);
    parts
}

fn body(index: u64, entries: &[Hash]) -> Body {
    let key = |purpose, key: &Ed25519SecretKey| GenesisKey {
        purpose,
        algorithm: "ed25519".into(),
        public: key.public().as_bytes().to_vec(),
    };
    match index {
        0 => Body::Genesis(Genesis {
            prefix: "AF".into(),
            keys: vec![
                key(KeyPurpose::Statement, &statement_key()),
                key(KeyPurpose::Checkpoint, &Ed25519SecretKey::from_seed(&[2; 32])),
            ],
            recovery: Hash::of(b"recovery"),
            policy: "quorum none\n".into(),
        }),
        1 => Body::Document(Document {
            entity: Some("Example Inc.".into()),
            title: Some("Privacy Policy".into()),
            document_type: None,
            url: "https://example.com/".into(),
            vantage: Vantage { fetcher: "file".into(), ..Vantage::default() },
            amends: None,
        }),
        2 => Body::Capture(Box::new(Capture { document: 1, sequence: 1, previous: None, visit: visit() })),
        3 => Body::Check(Box::new(Check { document: 1, capture: 2, visit: visit() })),
        4 => Body::Capture(Box::new(Capture { document: 1, sequence: 2, previous: Some(entries[2]), visit: visit() })),
        _ => Body::Provision(Provision {
            capture: 4,
            rendition: Hash::of(b"What we keep of you\n"),
            exact: "we keep".into(),
            prefix: "What ".into(),
            suffix: " of you\n".into(),
            start: 5,
            end: 12,
            clause: None,
            author: "A. Person".into(),
        }),
    }
}

fn visit() -> Visit {
    let blob = Hash::of(b"What we keep of you\n");
    Visit {
        method: Method::File,
        target: "file".into(),
        final_url: "file".into(),
        started: time(900),
        finished: time(901),
        outcome: Outcome { kind: OutcomeKind::Complete, reasons: Vec::new() },
        exchanges: Vec::new(),
        primary: Primary { sha256: blob, size_bytes: 20, media_type: Some("text/plain".into()) },
        renditions: vec![Rendition {
            role: Role::Text,
            media_type: "text/plain;charset=utf-8".into(),
            sha256: blob,
            size_bytes: 20,
            tool: Tool { name: "affiant-text".into(), version: "1".into() },
        }],
        options: Vec::new(),
        host: Vec::new(),
    }
}

struct Leaves(Vec<Hash>);

impl Nodes for Leaves {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        if level == 0 {
            return Ok(self.0[usize::try_from(index).expect("small")]);
        }
        Ok(node_hash(self.node(level - 1, 2 * index)?, self.node(level - 1, 2 * index + 1)?))
    }
}
