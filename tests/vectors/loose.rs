//! Loose artefacts that others made: scitt-cose's statements and receipts, published notes, production statements.

use std::path::Path;

use affiant::base::cbor::{self, Value};
use affiant::base::cose::Sign1;
use affiant::base::hash::Hash;
use affiant::base::id::Prefix;
use affiant::base::time::Time;
use affiant::evidence::record::{After, Body, Document, Record, Software, Vantage};
use affiant::evidence::statement::{Claim, Statement};
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Check, Finding, LooseError, LooseFile, LooseTrust, Report, Verdict, verify_loose};
use affiant::log::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use affiant::log::inclusion::InclusionProof;
use affiant::log::key::{Ed25519PublicKey, Ed25519SecretKey, Ed25519Signer};
use affiant::log::merkle::{leaf_hash, node_hash};
use affiant::log::policy::Policy;
use affiant::log::proof::Proof;
use affiant::log::receipt::{Receipt, transparent_statement};
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey, VerifierKey};
use serde_json::Value as Json;

fn now() -> Time {
    Time::from_seconds(1_800_000_000).unwrap()
}

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> LooseFile {
    LooseFile { name: name.to_owned(), bytes: bytes.into() }
}

fn read(folder: &Path, name: &str) -> LooseFile {
    file(name, std::fs::read(folder.join(name)).unwrap())
}

fn verdict(files: &[LooseFile], trust: &LooseTrust) -> Verdict {
    report(files, trust).verdict
}

fn report(files: &[LooseFile], trust: &LooseTrust) -> Report {
    verify_loose(files, trust, now()).unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

/// What one scitt-cose vector must come to. Their two `INVALID` cases of a bad signature or path fail; what is
/// made with another algorithm or another tree is not accepted, and not called altered either.
fn expected(name: &str) -> Verdict {
    match name {
        "valid-eddsa" => Verdict::Verified,
        "fail-bad-statement-sig" | "fail-tampered-path" => Verdict::Failed,
        "fail-unsupported-vds" | "valid-es256" | "valid-ccf-vds2" => Verdict::CannotTell,
        other => panic!("{other} is new"),
    }
}

#[test]
fn scitt_statements_with_receipts_come_to_the_expected_verdict() {
    let Some(root) = super::folder("scitt-cose") else { return };
    let mut verdicts = 0;
    for entry in std::fs::read_dir(root.join("v1")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let key = |name| Ed25519PublicKey::from_text(&String::from_utf8(read(&folder, name).bytes).unwrap()).ok();
        let trust = LooseTrust {
            issuers: key("issuer-key.pub").into_iter().collect(),
            logs: key("log-key.pub").into_iter().collect(),
            ..LooseTrust::default()
        };
        let [statement, receipt, payload] =
            ["statement.cose", "receipt.cose", "payload.bin"].map(|name| read(&folder, name));
        let all = [statement.clone(), receipt.clone(), payload.clone()];
        assert_eq!(verdict(&all, &trust), expected(&name), "{name}: {:#?}", report(&all, &trust));
        verdicts += 1;

        let published: Json = serde_json::from_slice(&read(&folder, "expected.json").bytes).unwrap();
        let is_valid = published["result"] == "VALID";
        assert!(is_valid || expected(&name) != Verdict::Verified, "{name}");
        // Nobody is trusted: a key that comes with the files changes nothing.
        let brought = [read(&folder, "issuer-key.pub"), read(&folder, "log-key.pub")];
        let untrusted = [&all[..], &brought].concat();
        assert_eq!(verdict(&untrusted, &LooseTrust::default()), Verdict::CannotTell, "{name}");
        if name == "valid-eddsa" {
            every_change_is_seen(&all, &trust);
            let other = [statement, receipt, file("payload.bin", "another")];
            assert_eq!(verdict(&other, &trust), Verdict::Failed);
            let swapped = LooseTrust {
                authorities: affiant::timestamp::authorities::Authorities::nobody(),
                issuers: trust.logs.clone(),
                logs: trust.issuers.clone(),
                policy: None,
                vkeys: Vec::new(),
            };
            assert_eq!(verdict(&all, &swapped), Verdict::Failed);
        }
    }
    assert_eq!(verdicts, 6);
}

/// Flips each bit of each file once: the verdict is never `verified` again.
fn every_change_is_seen(files: &[LooseFile], trust: &LooseTrust) {
    let mut failed = 0;
    for at in 0..files.len() {
        for bit in 0..files[at].bytes.len() * 8 {
            let mut changed = files.to_vec();
            changed[at].bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(report) = verify_loose(&changed, trust, now()) else { continue };
            let is_stripped = || report.findings.iter().any(|finding| is_not_shown(finding, Check::Inclusion));
            match report.verdict {
                Verdict::Failed => failed += 1,
                Verdict::CannotTell => {}
                // Nobody signs under which label the receipts stand: without them the statement alone is verified.
                Verdict::VerifiedWithGaps if is_stripped() => {}
                verdict => panic!("{verdict} after bit {bit} of {} was changed", files[at].name),
            }
        }
    }
    assert!(failed > 2_000, "{failed}");
}

fn is_not_shown(finding: &Finding, check: Check) -> bool {
    finding.check == check && finding.outcome == Outcome::NotShown
}

#[test]
fn production_statements_of_another_kind_cannot_be_told() {
    let Some(root) = super::folder("scitt-ccf-ledger") else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(root.join("transparent_statements")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "cose") {
            continue;
        }
        let trust =
            LooseTrust { issuers: vec![Ed25519SecretKey::from_seed(&[1; 32]).public()], ..LooseTrust::default() };
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(verdict(&[file("statement", bytes)], &trust), Verdict::CannotTell, "{}", path.display());
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn published_notes_are_verified_by_their_keys_and_by_no_others() {
    let Some(folder) = super::folder("c2sp-spec-examples") else { return };
    let vectors: Vec<Json> = serde_json::from_slice(&std::fs::read(folder.join("notes.json")).unwrap()).unwrap();
    let mut verdicts = [0; 3];
    for vector in &vectors {
        let note = [file("note", vector["note"].as_str().unwrap())];
        let vkeys: Vec<VerifierKey> =
            vector["vkeys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().parse().unwrap()).collect();
        let nobody = LooseTrust::default();
        assert_eq!(verdict(&note, &nobody), Verdict::CannotTell, "{vector}");
        let trust = LooseTrust { vkeys, ..LooseTrust::default() };
        let expected = match vector["expect"].as_str().unwrap() {
            "parse-only" => Verdict::CannotTell,
            // The witness's key was given, the log's was not.
            _ if !vector["cosignature_time"].is_null() => Verdict::VerifiedWithGaps,
            // The key of Go's log has another name than the log.
            _ if vector["name"].as_str().unwrap().contains("sum.golang.org") => Verdict::VerifiedWithGaps,
            _ => Verdict::Verified,
        };
        assert_eq!(verdict(&note, &trust), expected, "{vector}: {:#?}", report(&note, &trust));
        let at =
            [Verdict::Verified, Verdict::VerifiedWithGaps, Verdict::CannotTell].iter().position(|v| *v == expected);
        verdicts[at.unwrap()] += 1;
        if expected == Verdict::CannotTell {
            continue;
        }
        let mut changed = note.clone();
        let digit = changed[0].bytes.iter().position(u8::is_ascii_alphanumeric).unwrap();
        changed[0].bytes[digit] ^= 1;
        assert_eq!(verdict(&changed, &trust), Verdict::Failed, "{vector}");
    }
    assert_eq!(verdicts, [18, 3, 1]);
}

/// A log of two entries: entry 1 is SHA-256 of a statement.
struct TwoEntries {
    statement: Sign1,
    checkpoint: SignedCheckpoint,
    inclusion: InclusionProof,
    receipt: Receipt,
    issuer: Ed25519SecretKey,
    log: SignerKey,
    log_public: Ed25519PublicKey,
}

fn two_entries() -> TwoEntries {
    let issuer = Ed25519SecretKey::from_seed(&[1; 32]);
    let secret = Ed25519SecretKey::from_seed(&[2; 32]);
    let log_public = secret.public();
    let protected = cbor::encode(&Value::labelled([(1, Value::from(-8_i64)), (258, Value::from(-16_i64))]));
    let payload = Hash::of(b"a page").as_bytes().to_vec();
    let signature = issuer.sign(&Sign1::to_be_signed(&protected, &payload)).to_vec();
    let statement = Sign1 { protected, unprotected: Value::Map(Vec::new()), payload: Some(payload), signature };
    let entry = Hash::of(&statement.encode());
    let first = leaf_hash(b"the first entry");
    let root = node_hash(first, leaf_hash(entry.as_bytes()));
    let inclusion = InclusionProof { index: 1, tree_size: 2, path: vec![first] };
    let claims = affiant::log::receipt::ReceiptClaims { key_id: b"log", origin: "log.example", subject: "a page" };
    let receipt = Receipt::make(&claims, entry, root, inclusion.clone(), |message| Ok(secret.sign(message))).unwrap();
    let log = SignerKey::new(KeyName::new("log.example").unwrap(), NoteSecretKey::Ed25519(secret));
    let checkpoint = Checkpoint { origin: Origin::new("log.example").unwrap(), size: 2, root };
    let checkpoint = SignedCheckpoint::sign(&checkpoint, now(), std::slice::from_ref(&log)).unwrap();
    TwoEntries { statement, checkpoint, inclusion, receipt, issuer, log, log_public }
}

#[test]
fn a_proof_is_verified_with_its_entry_and_a_policy() {
    let made = two_entries();
    let entry = Hash::of(&made.statement.encode());
    let proof = file("proof", Proof::new(made.inclusion.clone(), made.checkpoint.encode()).encode());
    let policy = Policy::trusting(vec![made.log.verifier().clone()]).unwrap();
    let by_policy = LooseTrust { policy: Some(policy), ..LooseTrust::default() };
    let by_key = LooseTrust { vkeys: vec![made.log.verifier().clone()], ..LooseTrust::default() };
    let raw = file("entry", entry.as_bytes().to_vec());
    // The policy asks for no witness, and that is a gap.
    assert_eq!(verdict(&[proof.clone(), raw.clone()], &by_policy), Verdict::VerifiedWithGaps);
    assert_eq!(verdict(&[proof.clone(), raw.clone()], &by_key), Verdict::Verified);
    assert_eq!(verdict(&[proof.clone(), raw.clone()], &LooseTrust::default()), Verdict::CannotTell);
    assert_eq!(verdict(std::slice::from_ref(&proof), &by_key), Verdict::CannotTell);
    assert_eq!(verdict(&[proof.clone(), file("entry", "another")], &by_key), Verdict::Failed);
    let first = Proof::new(InclusionProof { index: 0, ..made.inclusion.clone() }, made.checkpoint.encode());
    assert_eq!(verdict(&[file("proof", first.encode()), raw], &by_key), Verdict::Failed);

    let with_issuer = LooseTrust { issuers: vec![made.issuer.public()], ..by_key };
    let statement = file("statement", made.statement.encode());
    let page = file("page", "a page");
    assert_eq!(verdict(&[statement.clone(), proof.clone(), page.clone()], &with_issuer), Verdict::Verified);
    assert_eq!(verdict(&[statement.clone(), proof.clone()], &with_issuer), Verdict::VerifiedWithGaps);
    assert_eq!(verdict(&[statement.clone(), page.clone()], &with_issuer), Verdict::VerifiedWithGaps);
    assert_eq!(verdict(&[statement, proof, file("page", "another")], &with_issuer), Verdict::Failed);
}

#[test]
fn a_transparent_statement_is_verified_whole() {
    let made = two_entries();
    let transparent = transparent_statement(&made.statement, std::slice::from_ref(&made.receipt)).unwrap().encode();
    let trust =
        LooseTrust { issuers: vec![made.issuer.public()], logs: vec![made.log_public], ..LooseTrust::default() };
    let files = [file("transparent", transparent.clone()), file("page", "a page")];
    assert_eq!(verdict(&files, &trust), Verdict::Verified);
    let by_vkey = LooseTrust { logs: Vec::new(), vkeys: vec![made.log.verifier().clone()], ..trust.clone() };
    assert_eq!(verdict(&files, &by_vkey), Verdict::Verified);
    let no_log = LooseTrust { logs: Vec::new(), ..trust.clone() };
    assert_eq!(verdict(&files, &no_log), Verdict::CannotTell);
    every_change_is_seen(&files, &trust);

    // The log shows another root at the same size to somebody else.
    let other = Checkpoint { root: Hash::of(b"another tree"), ..made.checkpoint.checkpoint().clone() };
    let other = SignedCheckpoint::sign(&other, now(), std::slice::from_ref(&made.log)).unwrap();
    let split = [&files[..], &[file("checkpoint", other.encode())]].concat();
    assert_eq!(verdict(&split, &by_vkey), Verdict::Failed);
    let two = [file("one", made.checkpoint.encode()), file("two", other.encode())];
    assert_eq!(verdict(&two, &by_vkey), Verdict::Failed);
}

#[test]
fn a_record_of_ours_is_compared_with_its_statement() {
    let key = Ed25519Signer::from(Ed25519SecretKey::from_seed(&[3; 32]));
    let made = Time::from_microseconds(1_679_315_147_000_001).unwrap();
    let record = |index| Record {
        origin: "affiant.example/log".to_owned(),
        index,
        made,
        after: After { size: 0, root: Hash::of(b""), tokens: Vec::new() },
        software: Software { name: "affiant".to_owned(), version: "0".to_owned(), commit: "unknown".to_owned() },
        key_record: None,
        body: Body::Document(Document {
            entity: None,
            title: None,
            document_type: None,
            url: "https://example.com/".to_owned(),
            vantage: Vantage { fetcher: "http".to_owned(), ..Vantage::default() },
            amends: None,
        }),
    };
    let statement = |record: &Record, subject: &str| {
        let claim = Claim {
            issuer: record.origin.clone(),
            subject: subject.to_owned(),
            issued_at: record.made,
            record: Hash::of(&record.encode()),
        };
        file("statement.cose", Statement::sign(claim, &key).unwrap().as_bytes())
    };
    let trust = LooseTrust { issuers: vec![key.public()], ..LooseTrust::default() };
    let (first, second) = (record(1), record(2));
    let id = first.id(&Prefix::new("AF").unwrap()).to_string();
    let kept = file("record.cbor", first.encode());
    let report = report(&[kept.clone(), statement(&first, &id)], &trust);
    assert_eq!((report.verdict, report.subject.id.as_str()), (Verdict::VerifiedWithGaps, id.as_str()));
    assert_eq!(verdict(&[kept.clone(), statement(&second, &id)], &trust), Verdict::Failed);
    assert_eq!(verdict(&[kept.clone(), statement(&first, "AF-D-000002")], &trust), Verdict::Failed);
    assert_eq!(verdict(&[kept, statement(&first, &id)], &LooseTrust::default()), Verdict::CannotTell);
}

#[test]
fn a_file_that_is_nothing_is_an_error_that_names_it() {
    let trust = LooseTrust::default();
    let error = |files: &[LooseFile]| verify_loose(files, &trust, now()).unwrap_err();
    assert_eq!(error(&[]), LooseError::Nothing);
    assert_eq!(error(&[file("holiday.jpg", "a picture")]), LooseError::Unknown { name: "holiday.jpg".to_owned() });
    let two = [file("a", "one"), file("b", "two")];
    assert_eq!(error(&two), LooseError::TwoOthers { first: "a".to_owned(), second: "b".to_owned() });
    let cut_off = two_entries().statement.encode()[..40].to_vec();
    assert!(matches!(error(&[file("cut", cut_off)]), LooseError::Cose { name, .. } if name == "cut"));
    assert!(matches!(error(&[file("proof", "c2sp.org/tlog-proof@v1\n")]), LooseError::Proof { .. }));
}
