//! Timestamp replies of real authorities, and of `openssl ts`: each judged as the vectors' README says.
//!
//! The table that [`every_reply_is_judged_as_its_readme_says`] prints shows our verdict beside those of
//! `openssl ts -verify`, as of today and at the token's own time, and of Trail of Bits' `rfc3161-client`. Where one
//! differs, `src/timestamp/mod.rs` says why.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use affiant::timestamp::algorithm::{AlgorithmError, Digest};
use affiant::timestamp::authorities::{Authorities, ChainError};
use affiant::timestamp::certificate::{Certificate, CertificateError};
use affiant::timestamp::reply::{Reply, ReplyError};
use affiant::timestamp::request::{Request, RequestError};
use affiant::timestamp::signed::SignedError;
use affiant::timestamp::token::TokenError;

/// What a reply is said to be over.
enum Over {
    /// The file, or these very bytes.
    File(&'static str),
    Bytes(&'static [u8]),
    /// The file is a request.
    Request(&'static str),
    /// Nobody says what it is over.
    Unknown,
}

/// A reply, what it is over, the certificates that the reader trusts, and our verdict.
struct Case(&'static str, Over, &'static [&'static str], &'static str);

use Over::{Bytes, File, Request as Query, Unknown};

const LOCAL: &[&str] = &["local/ca.crt"];
const STAGE: &[&str] = &["rfc3161-client/sigstage/ts_chain.pem"];
const TEST: &[&str] = &["rfc3161-client/test_tsa/ts_chain.pem"];
const IDENTRUST: &[&str] = &["rfc3161-client/identrust/ts_chain.pem"];
const MOCK: &[&str] = &["rfc3161-client/sigstore.mock/ts_chain.pem"];
const PAYLOAD: Over = File("rfc3161-client/sigstore.mock/payload");
const DATA: Over = File("local/data.bin");

const CASES: [Case; 36] = [
    Case("local/resp.tsr", DATA, LOCAL, "holds"),
    Case("local/resp.tsr", DATA, &["local/ca25.crt"], "holds"), // The same root key, under older dates.
    Case("local/resp.tsr", DATA, &[], "unknown root"),
    Case("local/resp.tsr", DATA, &["local/tsa.crt"], "unknown root"), // Not a root, though the reader has it.
    Case("local/resp.tsr", Bytes(b"other"), LOCAL, "other imprint"),
    Case("local/resp.tsr", Query("local/req.tsq"), LOCAL, "holds"),
    Case("local/resp.tsr", Query("local/req2.tsq"), LOCAL, "other nonce"),
    Case("local/resp1c.tsr", DATA, LOCAL, "holds"),
    Case("local/resp_nc.tsr", DATA, LOCAL, "no certificate"),
    Case("local/resp_nc.tsr", DATA, &["local/ca.crt", "local/tsa.crt"], "holds"),
    Case("local/resp_nc.tsr", DATA, &["local/ca.crt", "local/tsa2.crt"], "no certificate"),
    Case("local/resp_old.tsr", DATA, &["local/ca25.crt"], "holds"), // Ended since; it held when it was made.
    Case("local/resp_old.tsr", DATA, LOCAL, "not yet valid"),       // From before the root\'s life.
    Case("local/resp_rsa.tsr", DATA, LOCAL, "holds"),
    Case("local/resp_sha1.tsr", DATA, LOCAL, "not granted"),
    Case("local/renew1.tsr", File("local/renew1.bin"), LOCAL, "holds"),
    Case("local/renew1.tsr", Query("local/renew1.tsq"), LOCAL, "holds"),
    Case("local/token.der", DATA, LOCAL, "bare token"),
    Case("local/req.tsq", DATA, LOCAL, "a request"),
    Case("rfc3161-client/sigstage/response-sha256.tsr", Bytes(b"hello"), STAGE, "holds"),
    Case(
        "rfc3161-client/sigstage/response-sha256.tsr",
        Query("rfc3161-client/sigstage/request.der"),
        STAGE,
        "other imprint",
    ),
    Case("rfc3161-client/sigstage/response-sha384.tsr", Bytes(b"hello"), STAGE, "holds"),
    Case("rfc3161-client/sigstage/response-sha512.tsr", Bytes(b"hello"), STAGE, "holds"),
    Case("rfc3161-client/sigstage/response-no-embedded-cert.tsr", Bytes(b"hello"), STAGE, "holds"),
    Case("rfc3161-client/sigstage/response-invalid-signature.tsr", Bytes(b"hello"), STAGE, "bad signature"),
    Case("rfc3161-client/test_tsa/response.tsr", Query("rfc3161-client/test_tsa/request.der"), TEST, "holds"),
    Case(
        "rfc3161-client/test_tsa/response-injected-certs.tsr",
        Query("rfc3161-client/test_tsa/request.der"),
        TEST,
        "holds",
    ),
    Case(
        "rfc3161-client/test_tsa/other_response.tsr",
        Query("rfc3161-client/test_tsa/request.der"),
        TEST,
        "other nonce",
    ),
    Case(
        "rfc3161-client/test_tsa/other_response.tsr",
        Query("rfc3161-client/test_tsa/other_request.der"),
        TEST,
        "other nonce",
    ),
    Case("rfc3161-client/sigstore.mock/response-expired.tsr", PAYLOAD, MOCK, "holds"),
    Case("rfc3161-client/identrust/issue-104.tsr", Bytes(b"hello"), IDENTRUST, "holds"),
    Case("auto-archiver/rfc3161-client-issue-104.tsr", Bytes(b"hello"), IDENTRUST, "holds"),
    Case("auto-archiver/valid_timestamp.tsr", Unknown, IDENTRUST, "holds"),
    Case("auto-archiver/timestamp_token_http-timestamp-identrust-com", Unknown, IDENTRUST, "bare token"),
    Case("auto-archiver/self_signed.tsr", Unknown, IDENTRUST, "unknown root"),
    Case("auto-archiver/digicert.tsr", Unknown, IDENTRUST, "unknown root"),
];

#[test]
fn every_reply_is_judged_as_its_readme_says() {
    let Some(folder) = super::folder("tsa") else { return };
    let mut wrong = Vec::new();
    let mut counts = [0; 4]; // Agreeing and not, with openssl at the token's time and with rfc3161-client.
    eprintln!("{:<62} {:<15} {:<14} {:<14} rfc3161-client", "reply", "affiant", "openssl today", "openssl then");
    for Case(name, over, trusted, expected) in &CASES {
        let judged = judge(&folder, name, over, trusted);
        if judged != *expected {
            wrong.push(format!("{name} with {trusted:?}: expected {expected}, found {judged}"));
        }
        let time = time_of(&folder.join(name));
        let others = [
            openssl(&folder, name, over, trusted, None),
            openssl(&folder, name, over, trusted, time),
            client(&folder, name, over, trusted),
        ];
        for (place, other) in [(0, others[1]), (2, others[2])] {
            if let Some(other) = other {
                counts[place + usize::from(other != (judged == "holds"))] += 1;
            }
        }
        let said = others.map(|other| other.map_or("-", |holds| if holds { "holds" } else { "refuses" }));
        eprintln!("{name:<62} {judged:<15} {:<14} {:<14} {}", said[0], said[1], said[2]);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!(
        "openssl at the token's time: {} agree, {} do not; rfc3161-client: {} agree, {} do not",
        counts[0], counts[1], counts[2], counts[3]
    );
    // The disagreements, and only those, stand in `src/timestamp/mod.rs` with their reasons.
    assert!(counts[0] == 0 || counts[..2] == [31, 0], "{counts:?}");
    assert!(counts[2] == 0 || counts[2..] == [20, 3], "{counts:?}");
}

fn judge(folder: &Path, name: &str, over: &Over, trusted: &[&str]) -> &'static str {
    let authorities = authorities(folder, trusted);
    let bytes = fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let checked = Reply::parse(&bytes).and_then(|reply| {
        let token = match over {
            Query(request) => reply.check(&Request::parse(&fs::read(folder.join(request)).unwrap()).unwrap())?,
            _ => reply.granted()?,
        };
        match over {
            File(file) => token.check_imprint(&fs::read(folder.join(file)).unwrap())?,
            Bytes(bytes) => token.check_imprint(bytes)?,
            Query(_) | Unknown => {}
        }
        token.verify(&authorities)?;
        Ok(())
    });
    match checked {
        Ok(()) => "holds",
        Err(ReplyError::BareToken) => "bare token",
        Err(ReplyError::Request) => "a request",
        Err(ReplyError::NotGranted { .. }) => "not granted",
        Err(ReplyError::OtherNonce { .. }) => "other nonce",
        Err(ReplyError::OtherImprint { .. } | ReplyError::Token(TokenError::OtherImprint { .. })) => "other imprint",
        Err(ReplyError::Token(TokenError::Signed(SignedError::NoCertificate))) => "no certificate",
        Err(ReplyError::Token(TokenError::Signed(SignedError::Signature(AlgorithmError::BadSignature)))) => {
            "bad signature"
        }
        Err(ReplyError::Token(TokenError::Chain(ChainError::UnknownRoot { .. }))) => "unknown root",
        Err(ReplyError::Token(TokenError::Chain(ChainError::Certificate(CertificateError::NotYetValid {
            ..
        })))) => "not yet valid",
        Err(error) => panic!("{name}: {error:?}"),
    }
}

fn authorities(folder: &Path, trusted: &[&str]) -> Authorities {
    let mut authorities = Authorities::nobody();
    for file in trusted {
        authorities.add_file(&fs::read(folder.join(file)).unwrap()).unwrap();
    }
    authorities
}

fn time_of(path: &Path) -> Option<u64> {
    let reply = Reply::parse(&fs::read(path).unwrap()).ok()?;
    Some(reply.token?.timestamp().time.seconds())
}

/// Asks `openssl ts -verify` the same, now or at a moment.
fn openssl(folder: &Path, name: &str, over: &Over, trusted: &[&str], at: Option<u64>) -> Option<bool> {
    let scratch = tempfile::tempdir().unwrap();
    let trusted_file = together(folder, trusted, scratch.path())?;
    let mut command = Command::new("openssl");
    command.args(["ts", "-verify", "-in"]).arg(folder.join(name)).arg("-CAfile").arg(&trusted_file);
    command.arg("-untrusted").arg(&trusted_file);
    match over {
        File(file) => command.arg("-data").arg(folder.join(file)),
        Bytes(bytes) => command.arg("-data").arg(write(scratch.path(), "data", bytes)),
        Query(file) => command.arg("-queryfile").arg(folder.join(file)),
        Unknown => return None,
    };
    if let Some(at) = at {
        command.args(["-attime", &at.to_string()]);
    }
    Some(command.output().ok()?.status.success())
}

/// Asks `rfc3161-client` the same; it wants the request's parts and one root.
fn client(folder: &Path, name: &str, over: &Over, trusted: &[&str]) -> Option<bool> {
    let scratch = tempfile::tempdir().unwrap();
    let trusted_file = together(folder, trusted, scratch.path())?;
    let python = std::env::var_os("AFFIANT_TEST_PYTHON")?;
    let message = match over {
        File(file) => folder.join(file),
        Bytes(bytes) => write(scratch.path(), "data", bytes),
        Query(_) | Unknown => return None, // It takes the message, not a request.
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/rfc3161.py");
    let mut command = Command::new(python);
    let output =
        command.arg(script).arg("verify").arg(folder.join(name)).arg(message).arg(&trusted_file).output().ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "holds" => Some(true),
        "refuses" => Some(false),
        _ => None, // No `rfc3161-client` in that Python.
    }
}

fn together(folder: &Path, trusted: &[&str], scratch: &Path) -> Option<PathBuf> {
    if trusted.is_empty() {
        return None;
    }
    let all: String = trusted.iter().map(|file| pem(&fs::read(folder.join(file)).unwrap())).collect();
    Some(write(scratch, "trusted.pem", all.as_bytes()))
}

/// Writes a certificate in DER as PEM; one file of the vectors is DER under the name of the other.
fn pem(bytes: &[u8]) -> String {
    if bytes.first() != Some(&0x30) {
        return String::from_utf8(bytes.to_vec()).unwrap();
    }
    let base64 = data_encoding::BASE64.encode(bytes);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn every_request_is_read_and_written_back() {
    let Some(folder) = super::folder("tsa") else { return };
    let requests = [
        ("local/req.tsq", Digest::Sha256),
        ("local/req2.tsq", Digest::Sha256),
        ("local/renew1.tsq", Digest::Sha512),
        ("rfc3161-client/test_tsa/request.der", Digest::Sha512),
        ("rfc3161-client/test_tsa/other_request.der", Digest::Sha512),
        ("rfc3161-client/sigstage/request.der", Digest::Sha512),
    ];
    for (name, digest) in requests {
        let bytes = fs::read(folder.join(name)).unwrap();
        let request = Request::parse(&bytes).unwrap_or_else(|error: RequestError| panic!("{name}: {error:?}"));
        assert_eq!(request.digest, digest, "{name}");
        assert_eq!(Request::parse(&request.encode()), Ok(request), "{name}");
    }
}

#[test]
fn no_changed_byte_of_a_token_still_holds() {
    let Some(folder) = super::folder("tsa") else { return };
    for (name, over, trusted) in [
        ("local/resp_nc.tsr", "local/data.bin", &["local/ca.crt", "local/tsa.crt"][..]),
        ("local/resp_rsa.tsr", "local/data.bin", LOCAL),
    ] {
        let authorities = authorities(&folder, trusted);
        let whole = fs::read(folder.join(name)).unwrap();
        let dated = fs::read(folder.join(over)).unwrap();
        let verified = |bytes: &[u8]| -> Result<String, ReplyError> {
            let reply = Reply::parse(bytes)?;
            let token = reply.granted()?;
            token.check_imprint(&dated)?;
            let verified = token.verify(&authorities)?;
            Ok(format!("{:?} {:?} {:?}", token.timestamp(), verified.no_later_than, verified.chain))
        };
        let expected = verified(&whole).unwrap();
        let mut harmless = 0;
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            // What is not signed may change: the status, a version, the list of digests, a certificate that is not used.
            if let Ok(found) = verified(&changed) {
                assert_eq!(found, expected, "{name}: byte {at}");
                harmless += 1;
            }
        }
        eprintln!("{name}: {harmless} of {} bytes may change without changing what it says", whole.len());
        assert!(harmless < 40, "{name}: {harmless}");
    }
}

#[test]
fn a_certificate_without_the_purpose_signs_no_timestamps() {
    let Some(folder) = super::folder("tsa") else { return };
    for (name, is_refused) in [("local/noeku.crt", true), ("local/tsa.crt", false), ("local/rsa.crt", false)] {
        let mut authorities = Authorities::nobody();
        authorities.add_file(&fs::read(folder.join(name)).unwrap()).unwrap();
        let certificate: &Certificate = authorities.side().iter().chain(authorities.roots()).next().unwrap();
        assert_eq!(
            matches!(certificate.check_signs_timestamps(), Err(CertificateError::NotForTimestamps { .. })),
            is_refused,
            "{name}"
        );
    }
}
