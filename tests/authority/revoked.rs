//! Certificates that were taken back: which tokens still say something, and which say nothing any more.

use std::process::Command;

use affiant::archivist::timestamp::catch_up;
use affiant::evidence::verify::Check;
use affiant::evidence::verify::finding::Outcome;
use affiant::timestamp::authorities::Authorities;
use affiant::timestamp::revocation::{RevocationError, RevocationList};
use rcgen::RevocationReason as Reason;

use super::drill::{DAY, Drill, after, before, expect, noon, trusting};
use super::forge::{Forge, Hashing, Simulated};
use crate::interop::has;

fn with_list(forge: &Forge, list: &[u8]) -> Authorities {
    let mut authorities = trusting(forge);
    authorities.add_file(list).unwrap();
    authorities
}

#[test]
fn a_revoked_certificate_says_what_its_reason_leaves() {
    let forge = Forge::new();
    let drill = Drill::new();
    let id = drill.record(noon());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let cases = [
        // Whoever is no longer used has said the truth before, and nothing since.
        ("replaced later", after(noon(), DAY), Some(Reason::Superseded), Outcome::Holds, "`Forge authority`"),
        ("given up later", after(noon(), DAY), Some(Reason::CessationOfOperation), Outcome::Holds, "`Forge authority`"),
        ("replaced before", before(noon(), DAY), Some(Reason::Superseded), Outcome::Fails, "revoked at 2026-11-22"),
        ("unspecified before", before(noon(), DAY), Some(Reason::Unspecified), Outcome::Fails, "revoked at 2026-11-22"),
        // Whoever has the key writes any time: a token of before may have been made today.
        ("stolen later", after(noon(), DAY), Some(Reason::KeyCompromise), Outcome::NotShown, "its key is compromised"),
        ("stolen before", before(noon(), DAY), Some(Reason::KeyCompromise), Outcome::Fails, "its key is compromised"),
        ("no reason", after(noon(), DAY), None, Outcome::NotShown, "no reason given"),
    ];
    for (case, at, reason, outcome, word) in cases {
        let list = forge.revoke(at, reason);
        expect(case, &drill.verify(&id, &with_list(&forge, &list)), Check::NotAfter, outcome, word);
    }
    // A list of another certificate, and one that another of the same name signed, say nothing of this one.
    let other = forge.revoke_serial(8, before(noon(), DAY), Some(Reason::KeyCompromise));
    expect("another", &drill.verify(&id, &with_list(&forge, &other)), Check::NotAfter, Outcome::Holds, "`Forge root`");
    let forged = Forge::new().revoke(before(noon(), DAY), Some(Reason::KeyCompromise));
    expect("forged", &drill.verify(&id, &with_list(&forge, &forged)), Check::NotAfter, Outcome::Holds, "`Forge root`");
}

#[test]
fn a_list_in_the_token_counts_too_and_a_revoked_answer_is_never_kept() {
    let mut forge = Forge::new();
    forge.brings = Some(forge.revoke(before(noon(), DAY), Some(Reason::Superseded)));
    let drill = Drill::new();
    let id = drill.record(noon());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    expect("brought", &drill.verify(&id, &trusting(&forge)), Check::NotAfter, Outcome::Fails, "revoked at 2026-11-22");

    let forge = Forge::new();
    for reason in [Some(Reason::Superseded), Some(Reason::KeyCompromise)] {
        let drill = Drill::new();
        let trusted = with_list(&forge, &forge.revoke(before(noon(), DAY), reason));
        let archive = drill.places.open_archive().unwrap();
        let asker = Simulated { forge: &forge, time: noon(), is_up: true, asked: std::cell::Cell::new(0) };
        let stamped = catch_up(&archive, &["http://tsa.example/".to_owned()], &trusted, &asker, noon()).unwrap();
        assert!(stamped.answers[0].outcome.is_err(), "{:?}", stamped.answers);
        assert!(archive.anchors().sizes().unwrap().is_empty());
    }
}

#[test]
fn a_list_is_read_as_others_wrote_it_and_no_other_way() {
    let forge = Forge::new();
    let list = forge.revoke(noon(), Some(Reason::Superseded));
    assert_eq!(RevocationList::parse(&list).unwrap().as_bytes(), list);
    for length in 0..list.len() {
        assert!(RevocationList::parse(&list[..length]).is_err(), "{length}");
    }
    let long = vec![0x30; affiant::timestamp::revocation::SIZE_BYTES_MAX + 1];
    assert!(matches!(RevocationList::parse(&long), Err(RevocationError::TooLong { .. })));
    // PEM, beside a certificate, as authorities publish them.
    let body = data_encoding::BASE64.encode(&list);
    let pem = format!("-----BEGIN X509 CRL-----\n{body}\n-----END X509 CRL-----\n");
    assert_eq!(with_list(&forge, pem.as_bytes()), with_list(&forge, &list));
    if !has("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name)
    };
    let root = data_encoding::BASE64.encode(forge.root());
    let root = file("root.pem", format!("-----BEGIN CERTIFICATE-----\n{root}\n-----END CERTIFICATE-----\n").as_bytes());
    for (bytes, is_good) in
        [(list.clone(), true), ([&list[..list.len() - 1], &[list[list.len() - 1] ^ 1]].concat(), false)]
    {
        let mut command = Command::new("openssl");
        command
            .args(["crl", "-inform", "DER", "-noout", "-in"])
            .arg(file("list.crl", &bytes))
            .arg("-CAfile")
            .arg(&root);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.contains("verify OK"), is_good, "{said}");
    }
}
