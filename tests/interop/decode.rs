//! `serde_cbor`, a decoder that shares nothing with ours, reads every record and finds the same in it.

use std::collections::BTreeSet;

use affiant::base::cbor::{Value as Ours, decode};
use serde_cbor::Value as Theirs;

use super::Yard;
use crate::server::{Authority, Server, page, redirect, say};

#[test]
fn serde_cbor_reads_every_record_and_statement() {
    let yard = Yard::new();
    visit_pages(&yard);
    let bundle = yard.bundle();
    assert_eq!(bundle.subjects.len(), 3);
    let mut kinds = BTreeSet::new();
    let entries = yard.entries();
    for entry in &entries {
        kinds.insert(entry.record.body.kind());
        assert_agreement(&entry.record_bytes, &entry.id.to_string());
        let theirs: Theirs = serde_cbor::from_slice(&entry.record_bytes).unwrap();
        assert_eq!(
            serde_cbor::to_vec(&theirs).unwrap().len(),
            entry.record_bytes.len(),
            "{} is not shortest",
            entry.id
        );
        let Theirs::Array(parts) = serde_cbor::from_slice(entry.statement.as_bytes()).unwrap() else {
            panic!("an array")
        };
        let Theirs::Bytes(protected) = &parts[0] else { panic!("bytes") };
        assert_agreement(protected, &format!("header of {}", entry.id));
    }
    assert_eq!(Vec::from_iter(kinds), ["capture", "check", "document", "genesis", "provision"]);
    assert!(entries.len() >= 12, "only {} records were read", entries.len());
}

/// Captures pages over HTTP and TLS, so that records have exchanges, connections and certificates.
fn visit_pages(yard: &Yard) {
    let authority = Authority::new("Interop Test Root");
    let roots = yard.write("roots.pem", authority.pem());
    let plain = Server::start(|asked, wire| {
        say(wire, if asked.path == "/" { redirect("/terms") } else { page("<h1>Terms</h1><p>As read by many.</p>") })
    });
    let secure = Server::start_tls(authority.identify("localhost", 2030), |_, wire| {
        say(wire, page("<h1>Secure</h1><p>As read by few.</p>"))
    });
    let made = yard.stage.run([
        "capture",
        "--allow-private",
        "--tls-roots",
        roots.to_str().unwrap(),
        &plain.url("localhost", "/"),
        &secure.url("localhost", "/"),
    ]);
    assert_eq!(made.code, Some(0), "{}", made.remarks);
    assert_eq!(made.texts("outcome"), ["complete"; 2]);
}

fn assert_agreement(bytes: &[u8], name: &str) {
    let theirs: Theirs = serde_cbor::from_slice(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let ours = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(agree(&ours, &theirs), "{name}\n{ours:?}\n{theirs:?}");
}

fn agree(ours: &Ours, theirs: &Theirs) -> bool {
    match (ours, theirs) {
        (Ours::Unsigned(ours), Theirs::Integer(theirs)) => i128::from(*ours) == *theirs,
        (Ours::Negative(ours), Theirs::Integer(theirs)) => -1 - i128::from(*ours) == *theirs,
        (Ours::Bytes(ours), Theirs::Bytes(theirs)) => ours == theirs,
        (Ours::Text(ours), Theirs::Text(theirs)) => ours == theirs,
        (Ours::Bool(ours), Theirs::Bool(theirs)) => ours == theirs,
        (Ours::Null, Theirs::Null) => true,
        (Ours::Array(ours), Theirs::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| agree(ours, theirs))
        }
        // Theirs sorts its keys in its own way.
        (Ours::Map(ours), Theirs::Map(theirs)) => {
            let found = |(key, value): &(Ours, Ours)| theirs.iter().any(|(k, v)| agree(key, k) && agree(value, v));
            ours.len() == theirs.len() && ours.iter().all(found)
        }
        _ => false,
    }
}
