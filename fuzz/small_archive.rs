//! A small archive, made the same way each time: six entries, one of each kind and a second capture.
//!
//! Its parts are named `checkpoint`, `blob`, and for each entry `N.record`, `N.statement`, `N.proof`, `N.receipt`.

use std::collections::BTreeMap;
use std::convert::Infallible;

use affiant::base::hash::Hash;
use affiant::base::id::{Id, Prefix};
use affiant::base::time::Time;
use affiant::document::outcome::{Outcome, OutcomeKind};
use affiant::evidence::record::{
    After, Body, Capture, Check, Document, Genesis, KeyPurpose, Method, NamedKey, Primary, Provision, Record,
    Rendition, Role, Software, Tool, Vantage, Visit,
};
use affiant::evidence::statement::{Claim, Statement};
use affiant::log::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use affiant::log::inclusion::InclusionProof;
use affiant::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
use affiant::log::merkle::{self, Nodes, leaf_hash, node_hash};
use affiant::log::policy::Policy;
use affiant::log::proof::Proof;
use affiant::log::receipt::{Receipt, ReceiptClaims};
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey};

const ORIGIN: &str = "log.example.org/affiant";
pub const ENTRY_COUNT: u64 = 6;

pub type Parts = BTreeMap<String, Vec<u8>>;

pub fn policy() -> Policy {
    Policy::trusting(log_keys().iter().map(|key| key.verifier().clone()).collect()).expect("two keys")
}

/// Reads parts, each after a line `=== NAME`.
pub fn sections(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
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

pub fn time(seconds: u64) -> Time {
    Time::from_seconds(seconds).expect("a time")
}

pub fn statement_key() -> Ed25519SecretKey {
    Ed25519SecretKey::from_seed(&[1; 32])
}

fn log_keys() -> [SignerKey; 2] {
    [
        NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[2; 32])),
        NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[3; 32])),
    ]
    .map(|secret| SignerKey::new(KeyName::new(ORIGIN).expect("a name"), secret))
}

pub fn id(index: u64) -> Id {
    let letter = ['G', 'D', 'C', 'V', 'C', 'P'][usize::try_from(index).expect("small")];
    Id { prefix: Prefix::new("AF").expect("a prefix"), letter, index }
}

/// Every part of an archive of six entries, one of each kind and a second capture.
pub fn archive() -> Parts {
    let mut parts = Parts::from([("blob".to_owned(), b"What we keep of you\n".to_vec())]);
    let mut entries: Vec<Hash> = Vec::new();
    for index in 0..ENTRY_COUNT {
        let record = Record {
            origin: ORIGIN.to_owned(),
            index,
            made: time(1_000 + index),
            after: After { size: index, root: Hash::of(b"root"), tokens: Vec::new() },
            software: Software { name: "affiant".into(), version: "0".into(), commit: "unknown".into() },
            key_record: None,
            body: body(index, &entries),
        };
        let bytes = record.encode();
        let claim = Claim {
            issuer: ORIGIN.to_owned(),
            subject: id(index).to_string(),
            issued_at: record.made,
            record: Hash::of(&bytes),
        };
        let statement = Statement::sign(claim, &statement_key().into()).expect("the key is here");
        entries.push(statement.entry());
        parts.insert(format!("{index}.record"), bytes);
        parts.insert(format!("{index}.statement"), statement.as_bytes().to_vec());
    }
    let leaves = Leaves(entries.iter().map(|entry| leaf_hash(entry.as_bytes())).collect());
    let root = merkle::root(&leaves, ENTRY_COUNT).expect("every leaf is there");
    let checkpoint = Checkpoint { origin: Origin::new(ORIGIN).expect("an origin"), size: ENTRY_COUNT, root };
    let signed = SignedCheckpoint::sign(&checkpoint, time(2_000), &log_keys()).expect("signs").encode();
    for (index, entry) in (0..).zip(entries) {
        let inclusion = InclusionProof::make(&leaves, index, ENTRY_COUNT).expect("every leaf is there");
        parts.insert(format!("{index}.proof"), Proof::new(inclusion.clone(), signed.clone()).encode());
        let subject = id(index).to_string();
        let claims = ReceiptClaims { key_id: b"key", origin: ORIGIN, subject: &subject };
        let key = Ed25519SecretKey::from_seed(&[2; 32]);
        let receipt = Receipt::make(&claims, entry, root, inclusion, |message| Ok(key.sign(message))).expect("holds");
        parts.insert(format!("{index}.receipt"), receipt.encode());
    }
    parts.insert("checkpoint".to_owned(), signed);
    parts
}

fn body(index: u64, entries: &[Hash]) -> Body {
    let key = |purpose, key: &Ed25519SecretKey| NamedKey {
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
                NamedKey {
                    purpose: KeyPurpose::Checkpoint,
                    algorithm: "ml-dsa-44".into(),
                    public: MlDsa44SecretKey::from_seed(&[3; 32]).public().as_bytes().to_vec(),
                },
            ],
            recovery: Hash::of(b"recovery"),
            policy: "quorum none\n".into(),
        }),
        1 => Body::Document(Document {
            entity: Some("Example Inc.".into()),
            title: Some("Privacy Policy".into()),
            document_type: None,
            url: "file".into(),
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
            parts: None,
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
