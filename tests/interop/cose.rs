//! pycose and scitt-cose.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use affiant::base::cose::Sign1;
use affiant::base::hash::Hash;
use affiant::log::receipt::part_statement;

use super::{Bundle, Yard, accepted, beside, flipped, python, rejected};

/// The files that one verification reads.
#[derive(Clone)]
struct Evidence {
    statement: PathBuf,
    record: PathBuf,
    receipt: PathBuf,
    archive_key: PathBuf,
    log_key: PathBuf,
}

impl Evidence {
    fn of(bundle: &Bundle) -> Vec<Self> {
        let folders = bundle.entries().into_iter();
        folders
            .map(|folder| Self {
                statement: folder.join("statement.cose"),
                record: folder.join("record.cbor"),
                receipt: folder.join("receipt.cose"),
                archive_key: bundle.path("data/keys/archive.pem"),
                log_key: bundle.path("data/keys/log.pem"),
            })
            .collect()
    }

    fn entry(&self) -> String {
        Hash::of(&fs::read(&self.statement).unwrap()).to_string()
    }
}

#[test]
fn pycose_verifies_statements_and_receipts() {
    if python("pycose").is_none() {
        return;
    }
    let yard = Yard::new();
    let bundle = yard.bundle();
    let evidence = Evidence::of(&bundle);
    assert!(evidence.len() >= 6);
    for (n, own) in evidence.iter().enumerate() {
        let said = accepted(&mut pycose(own));
        assert!(said.contains(": entry "), "{said}");
        // The forgeries take an interpreter each, so two entries have to do.
        if n >= 2 {
            continue;
        }
        let other = &evidence[n + 1];
        let forge = |path: &Path, at: usize| {
            let bytes = fs::read(path).unwrap();
            yard.write("forged", flipped(&bytes, bytes.len() - at))
        };
        let forgeries = [
            (Evidence { statement: forge(&own.statement, 1), ..own.clone() }, "statement: the signature"),
            (Evidence { record: other.record.clone(), ..own.clone() }, "statement: the payload"),
            (Evidence { archive_key: own.log_key.clone(), ..own.clone() }, "statement: the signature"),
            (Evidence { receipt: other.receipt.clone(), ..own.clone() }, "receipt: of another statement"),
            (Evidence { log_key: own.archive_key.clone(), ..own.clone() }, "receipt: the signature"),
        ];
        for (forgery, word) in &forgeries {
            rejected(&mut pycose(forgery), word);
        }
        // The signature, and behind its head and the null payload the last hash of the path.
        for at in [1, 64 + 2 + 1 + 1] {
            let forgery = Evidence { receipt: forge(&own.receipt, at), ..own.clone() };
            rejected(&mut pycose(&forgery), "receipt: the signature");
        }
    }
}

#[test]
fn scitt_cose_verifies_statements_and_receipts() {
    if python("scitt_cose").is_none() {
        return;
    }
    let yard = Yard::new();
    let bundle = yard.bundle();
    let evidence = Evidence::of(&bundle);
    for (n, own) in evidence.iter().enumerate() {
        let said = accepted(&mut scitt_cose(own, &own.entry()));
        assert!(said.contains("signature      : PASS") && said.contains("ok             : True"), "{said}");
        if n >= 2 {
            continue;
        }
        let other = &evidence[n + 1];
        let forge = |path: &Path, at: usize| {
            let bytes = fs::read(path).unwrap();
            yard.write("forged", flipped(&bytes, bytes.len() - at))
        };
        let forgeries = [
            (Evidence { statement: forge(&own.statement, 1), ..own.clone() }, "signature      : FAIL"),
            (Evidence { statement: forge(&own.statement, 70), ..own.clone() }, "signature      : FAIL"),
            (Evidence { archive_key: own.log_key.clone(), ..own.clone() }, "signature      : FAIL"),
            (Evidence { receipt: other.receipt.clone(), ..own.clone() }, "[ERR]"),
            (Evidence { log_key: own.archive_key.clone(), ..own.clone() }, "[ERR]"),
        ];
        for (forgery, word) in &forgeries {
            rejected(&mut scitt_cose(forgery, &own.entry()), word);
        }
        for at in [1, 64 + 2 + 1 + 1] {
            rejected(
                &mut scitt_cose(&Evidence { receipt: forge(&own.receipt, at), ..own.clone() }, &own.entry()),
                "[ERR]",
            );
        }
        rejected(&mut scitt_cose(own, &other.entry()), "[ERR]");
    }
}

#[test]
fn scitt_cose_finds_the_receipt_of_a_transparent_statement() {
    let Some(mut python) = python("scitt_cose") else { return };
    let yard = Yard::new();
    let bundle = yard.bundle();
    // Subjects have one, and nothing else that they lean on.
    let subjects = bundle.subjects.each_ref().map(|id| id.to_ascii_lowercase());
    let is_subject = |own: &Evidence| subjects.iter().any(|id| own.statement.parent().unwrap().ends_with(id));
    let own = Evidence::of(&bundle).into_iter().find(is_subject).unwrap();
    assert_eq!(fs::read_dir(bundle.path("data/transparent")).unwrap().count(), subjects.len());
    let name = own.statement.parent().unwrap().file_name().unwrap().to_str().unwrap();
    let receipt = fs::read(&own.receipt).unwrap();
    let path = bundle.path(&format!("data/transparent/{name}.cose"));
    let transparent = Sign1::decode(&fs::read(&path).unwrap()).unwrap();
    let (statement, receipts) = part_statement(&transparent).unwrap();
    assert_eq!((statement.encode(), receipts), (fs::read(&own.statement).unwrap(), vec![receipt.clone()]));
    let script = "import sys; from scitt_cose import statement as s; m = open(sys.argv[1], 'rb').read(); \
        s.parse_signed_statement(m, public_key_pem=open(sys.argv[2], 'rb').read())['signature_verified'] or sys.exit(1); \
        [print(r.hex()) for r in s.extract_receipts(m)]";
    let said = accepted(python.args(["-c", script]).arg(path).arg(&own.archive_key));
    assert_eq!(said.trim(), data_encoding::HEXLOWER.encode(&receipt));
}

fn pycose(evidence: &Evidence) -> Command {
    let Evidence { statement, record, receipt, archive_key, log_key } = evidence;
    let mut command = python("pycose").unwrap();
    command.arg(beside("cose.py")).args([statement, record, receipt, archive_key, log_key]);
    command
}

fn scitt_cose(evidence: &Evidence, entry: &str) -> Command {
    let mut command = python("scitt_cose").unwrap();
    command.args(["-m", "scitt_cose.cli", "--leaf-entry-hex", entry, "--statement"]);
    command.arg(&evidence.statement).arg("--statement-pubkey").arg(&evidence.archive_key);
    command.arg("--receipt").arg(&evidence.receipt).arg("--receipt-log-pubkey").arg(&evidence.log_key);
    command
}
