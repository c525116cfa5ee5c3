//! `ssh-keygen`.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Bundle, ORIGIN, Yard, accepted, flipped, has, rejected, respelled};

#[test]
fn ssh_keygen_has_the_same_fingerprints() {
    if !has("ssh-keygen") {
        return;
    }
    let yard = Yard::new();
    let listed = accepted(&mut yard.stage.program(["key", "list"]));
    for (name, file) in [("archive", "keys/archive.pub"), ("recovery", "keys/recovery.pub"), ("log", "log.openssh")] {
        yard.key("log", "openssh");
        let said = accepted(Command::new("ssh-keygen").arg("-l").arg("-f").arg(yard.path(file)));
        let theirs = said.split(' ').nth(1).unwrap();
        let row = listed.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        assert!(theirs.starts_with("SHA256:") && row.ends_with(theirs), "{name}: {said} {row}");
    }
}

#[test]
fn ssh_keygen_verifies_the_seals() {
    if !has("ssh-keygen") {
        return;
    }
    let yard = Yard::new();
    let bundle = yard.bundle();
    let mut sealed =
        vec![("affiant-bundle", bundle.path("tagmanifest-sha256.txt"), bundle.path("tagmanifest-sha256.txt.sig"))];
    for folder in bundle.entries() {
        let seal = folder.join("record.cbor.sig");
        if seal.exists() {
            sealed.push(("affiant-record", folder.join("record.cbor"), seal));
        }
    }
    assert_eq!(sealed.len(), 1 + bundle.subjects.len());
    for (n, (namespace, message, seal)) in sealed.iter().enumerate() {
        assert!(accepted(&mut verify(&bundle, namespace, message, seal)).contains("Good"), "{namespace}");

        let bytes = fs::read(message).unwrap();
        let forged = yard.write("forged", flipped(&bytes, bytes.len() / 2));
        rejected(&mut verify(&bundle, namespace, &forged, seal), "incorrect signature");
        let (other_namespace, other_message, other_seal) = &sealed[(n + 1) % sealed.len()];
        rejected(&mut verify(&bundle, namespace, other_message, seal), "incorrect signature");
        rejected(&mut verify(&bundle, namespace, message, other_seal), "Could not verify signature");
        if namespace != other_namespace {
            rejected(&mut verify(&bundle, other_namespace, message, seal), "namespace");
        }
        let text = fs::read_to_string(seal).unwrap();
        let place = text.rfind("\n-----END").unwrap() - 20;
        let damaged = yard.write("damaged.sig", respelled(&text, place));
        rejected(&mut verify(&bundle, namespace, message, &damaged), "verif");
    }

    // Another archive's key of the same name is not the one that signed.
    let other = Yard::new().bundle_keys();
    let (namespace, message, seal) = &sealed[0];
    let signers = yard.write("other-signers", other);
    rejected(&mut verify_as(&signers, namespace, message, seal), "Could not verify signature");
}

fn verify(bundle: &Bundle, namespace: &str, message: &Path, seal: &Path) -> Command {
    verify_as(&bundle.path("data/keys/allowed-signers"), namespace, message, seal)
}

fn verify_as(signers: &Path, namespace: &str, message: &Path, seal: &Path) -> Command {
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "verify", "-I", ORIGIN, "-n", namespace, "-f"]).arg(signers).arg("-s").arg(seal);
    command.stdin(Stdio::from(File::open(message).unwrap()));
    command
}

impl Yard {
    /// Returns the allowed signers of a bundle of this archive.
    fn bundle_keys(&self) -> Vec<u8> {
        fs::read(self.bundle().path("data/keys/allowed-signers")).unwrap()
    }
}
