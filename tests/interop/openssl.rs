//! `openssl` 3.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use affiant::base::hash::Hash;
use affiant::log::checkpoint::SignedCheckpoint;
use data_encoding::BASE64;
use serde_cbor::Value;

use super::{ORIGIN, Yard, accepted, done, flipped, has, rejected};
use crate::stage::Stage;

const KEYS: [&str; 3] = ["archive", "log", "recovery"];

#[test]
fn openssl_reads_the_key_files() {
    if !has("openssl") {
        return;
    }
    let yard = Yard::new();
    for name in KEYS {
        let secret = yard.path(&format!("keys/{name}.key"));
        let derived = accepted(openssl(&["pkey", "-pubout", "-in"]).arg(&secret));
        assert_eq!(derived.trim(), fs::read_to_string(yard.key(name, "pem")).unwrap().trim(), "{name}");
        let text = accepted(openssl(&["pkey", "-noout", "-text", "-in"]).arg(&secret));
        assert!(text.starts_with("ED25519 Private-Key:"), "{text}");
    }
    let secret = yard.read("keys/archive.key");
    rejected(openssl(&["pkey", "-noout", "-in"]).arg(yard.write("cut", &secret[..secret.len() / 2])), "Could not");
}

#[test]
fn openssl_reads_encrypted_key_files() {
    if !has("openssl") {
        return;
    }
    let stage = Stage::new();
    let made =
        stage.program(["key", "make", "--origin", ORIGIN]).env("AFFIANT_PASSPHRASE", "open sesame").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for name in KEYS {
        let secret = stage.path(&format!("keys/{name}.key"));
        assert!(fs::read_to_string(&secret).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        let with = |passphrase: &str| {
            let mut command = openssl(&["pkey", "-pubout", "-passin", passphrase, "-in"]);
            command.arg(&secret);
            command
        };
        let public = accepted(&mut stage.program(["key", "export", name, "--as", "pem"]));
        assert_eq!(accepted(&mut with("pass:open sesame")).trim(), public.trim(), "{name}");
        rejected(&mut with("pass:open barley"), "Could not");
        rejected(&mut with("pass:"), "Could not");
    }
}

#[test]
fn the_program_signs_with_a_key_that_openssl_encrypted() {
    if !has("openssl") {
        return;
    }
    let yard = Yard::new();
    for name in ["archive", "log"] {
        let secret = yard.path(&format!("keys/{name}.key"));
        let encrypted = accepted(
            openssl(&["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:open sesame", "-in"]).arg(&secret),
        );
        yard.write(&format!("keys/{name}.key"), encrypted);
    }
    super::page(&yard.stage, "third.html", "We keep nothing.");
    let mut capture = yard.stage.program(["capture", "third.html"]);
    accepted(capture.env("AFFIANT_PASSPHRASE", "open sesame"));
}

#[test]
fn openssl_verifies_statements() {
    if !has("openssl") {
        return;
    }
    let yard = Yard::new();
    let public = yard.key("archive", "pem");
    let entries = yard.entries();
    assert_eq!(entries.len(), 7);
    for (n, entry) in entries.iter().enumerate() {
        let (signed, payload, signature) = signature_structure(entry.statement.as_bytes());
        assert_eq!(payload, Hash::of(&entry.record_bytes).as_bytes());
        let verify = |signed: &[u8], signature: &[u8]| {
            pkeyutl(&public, &yard.write("signed", signed), &yard.write("signature", signature))
        };
        assert!(accepted(&mut verify(&signed, &signature)).contains("Verified Successfully"));
        for forged in [flipped(&signed, 20), flipped(&signed, signed.len() - 1)] {
            rejected(&mut verify(&forged, &signature), FAILURE);
        }
        rejected(&mut verify(&signed, &flipped(&signature, 40)), FAILURE);
        let (_, _, other) = signature_structure(entries[(n + 1) % entries.len()].statement.as_bytes());
        rejected(&mut verify(&signed, &other), FAILURE);
        let (log, recovery) = (yard.key("log", "pem"), yard.key("recovery", "pem"));
        verify(&signed, &signature);
        for stranger in [log, recovery] {
            rejected(&mut pkeyutl(&stranger, &yard.path("signed"), &yard.path("signature")), FAILURE);
        }
    }
}

#[test]
fn openssl_verifies_checkpoints() {
    if !has("openssl") {
        return;
    }
    let yard = Yard::new();
    done(&yard.stage, &["capture", "cookies.html"]);
    let text = String::from_utf8(yard.read("archive/checkpoint")).unwrap();
    let (body, lines) = text.split_once("\n\n").unwrap();
    let line = lines.lines().next().unwrap().strip_prefix(&format!("— {ORIGIN} ")).unwrap();
    let signature = BASE64.decode(line.as_bytes()).unwrap().split_off(4);
    let body = format!("{body}\n");
    assert_eq!(SignedCheckpoint::parse(text.as_bytes()).unwrap().checkpoint().text(), body);
    let public = yard.key("log", "pem");
    let verify = |body: &[u8], signature: &[u8]| {
        pkeyutl(&public, &yard.write("signed", body), &yard.write("signature", signature))
    };
    assert!(accepted(&mut verify(body.as_bytes(), &signature)).contains("Verified Successfully"));
    let bigger = body.replace("\n8\n", "\n9\n");
    assert_ne!(bigger, body);
    rejected(&mut verify(bigger.as_bytes(), &signature), FAILURE);
    rejected(&mut verify(&flipped(body.as_bytes(), body.len() - 10), &signature), FAILURE);
    rejected(&mut verify(body.as_bytes(), &flipped(&signature, 0)), FAILURE);
}

const FAILURE: &str = "Signature Verification Failure";

fn openssl(arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments);
    command
}

fn pkeyutl(public: &Path, signed: &Path, signature: &PathBuf) -> Command {
    let mut command = openssl(&["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"]);
    command.arg(public).arg("-in").arg(signed).arg("-sigfile").arg(signature);
    command
}

/// Returns what a statement signs (RFC 9052 §4.4), its payload and its signature, as `serde_cbor` reads and writes them.
fn signature_structure(statement: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let Value::Array(parts) = serde_cbor::from_slice(statement).unwrap() else { panic!("an array") };
    let [protected, _, Value::Bytes(payload), Value::Bytes(signature)] = &parts[..] else { panic!("four parts") };
    let signed = Value::Array(vec![
        Value::Text("Signature1".to_owned()),
        protected.clone(),
        Value::Bytes(Vec::new()),
        Value::Bytes(payload.clone()),
    ]);
    (serde_cbor::to_vec(&signed).unwrap(), payload.clone(), signature.clone())
}
