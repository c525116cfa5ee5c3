//! A statement with a timestamp in its header, for other systems.

use std::fs;

use super::Authority;
use super::act::{capture, finding};
use crate::interop::{accepted, beside, python, rejected};
use crate::stage::Stage;

#[test]
fn a_stamped_statement_is_accepted_by_others_and_by_us() {
    let Some(authority) = Authority::start("Stamping") else { return };
    let stage = Stage::new();
    let id = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    authority.trust_in(&stage.path("keys"));
    let order = ["timestamp", "--statement", &id, "-o", "stamped.cose", "--authority", authority.url()];
    let ran = stage.run(order);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    assert_eq!(stage.run(order).code, Some(1), "nothing is overwritten");

    let key = stage.path("archive.pem");
    let pem = stage.program(["key", "export", "archive", "--as", "pem"]).output().unwrap();
    fs::write(&key, pem.stdout).unwrap();
    let verify = |file: &str| {
        stage.run(["verify".as_ref(), stage.path(file).as_os_str(), "--issuer-key".as_ref(), key.as_os_str()])
    };
    let ran = verify("stamped.cose");
    assert_eq!(finding(&ran, "signature")["result"], "holds", "{:?}", ran.lines);
    assert_eq!(finding(&ran, "not-after")["result"], "holds", "{:?}", ran.lines);
    assert!(ran.lines[0]["interval"]["not_after"].is_string());

    // The token of another statement, put into this one.
    let other = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let ran = stage.run(["timestamp", "--statement", &other, "-o", "other.cose", "--authority", authority.url()]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let (mine, theirs) = (fs::read(stage.path("stamped.cose")).unwrap(), fs::read(stage.path("other.cose")).unwrap());
    let transplanted = transplant(&mine, &theirs);
    fs::write(stage.path("transplanted.cose"), transplanted).unwrap();
    let ran = verify("transplanted.cose");
    assert_eq!((ran.code, finding(&ran, "not-after")["result"].as_str()), (Some(3), Some("fails")), "{:?}", ran.lines);

    let Some(mut command) = python("rfc3161_client, pycose") else { return };
    let order = |file: &str| [beside("rfc9921.py"), stage.path(file), key.clone(), authority.root()];
    accepted(command.args(order("stamped.cose")));
    let Some(mut command) = python("rfc3161_client, pycose") else { return };
    rejected(command.args(order("transplanted.cose")), "timestamp: Mismatch between messages");
}

/// Puts the unprotected header of one statement into another.
fn transplant(into: &[u8], from: &[u8]) -> Vec<u8> {
    let (mut into, from) =
        (affiant::base::cose::Sign1::decode(into).unwrap(), affiant::base::cose::Sign1::decode(from).unwrap());
    into.unprotected = from.unprotected;
    into.encode()
}
