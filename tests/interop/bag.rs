//! BagIt and ZIP tools.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Bundle, Yard, accepted, flipped, has, python, rejected};

#[test]
fn sha256sum_checks_the_manifests() {
    if !has("sha256sum") {
        return;
    }
    let yard = Yard::new();
    let bundle = yard.bundle();
    let check = |manifest: &str| {
        let mut command = Command::new("sha256sum");
        command.current_dir(&bundle.folder).args(["-c", "--strict", manifest]);
        command
    };
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let said = accepted(&mut check(manifest));
        let listed = fs::read_to_string(bundle.path(manifest)).unwrap();
        assert_eq!(said.lines().count(), listed.lines().count());
        for line in listed.lines() {
            let (_, name) = line.split_once("  ").unwrap();
            assert!(said.contains(&format!("{name}: OK")), "{name}");
            spoil(&bundle.path(name), || rejected(&mut check(manifest), &format!("{name}: FAILED")));
        }
    }
}

#[test]
fn bagit_py_validates_the_bag() {
    let Some(mut python) = python("bagit") else { return };
    let yard = Yard::new();
    let bundle = yard.bundle();
    let mut validate = || {
        python = super::python("bagit").unwrap();
        python.args(["-m", "bagit", "--validate"]).arg(&bundle.folder);
        std::mem::replace(&mut python, Command::new("true"))
    };
    accepted(&mut validate());
    for name in ["data/log/checkpoint", "bag-info.txt", "manifest-sha256.txt"] {
        spoil(&bundle.path(name), || rejected(&mut validate(), "invalid"));
    }
    let stranger = bundle.path("data/stranger");
    fs::write(&stranger, "").unwrap();
    rejected(&mut validate(), "Payload-Oxum");
    fs::remove_file(stranger).unwrap();
    fs::remove_file(bundle.path("data/keys/log.vkey")).unwrap();
    rejected(&mut validate(), "Payload-Oxum");
}

#[test]
fn unzip_and_python_unpack_the_bundle() {
    let yard = Yard::new();
    let bundle = yard.bundle();
    let bytes = fs::read(&bundle.zip).unwrap();
    let damaged = yard.write("damaged.zip", flipped(&bytes, bytes.len() / 2));
    if has("unzip") {
        let unzip = |option: &str, zip: &Path| {
            let mut command = Command::new("unzip");
            command.arg(option).arg(zip);
            command
        };
        assert!(accepted(&mut unzip("-t", &bundle.zip)).contains("No errors detected"));
        rejected(&mut unzip("-t", &damaged), "CRC");
        accepted(unzip("-q", &bundle.zip).arg("-d").arg(yard.path("unzipped")));
        assert_same(&bundle, &yard.path("unzipped"));
    }
    if let Some(mut python) = python("zipfile") {
        accepted(python.args(["-m", "zipfile", "-e"]).arg(&bundle.zip).arg(yard.path("extracted")));
        assert_same(&bundle, &yard.path("extracted"));
        let script = "import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip())";
        accepted(super::python("zipfile").unwrap().args(["-c", script]).arg(&bundle.zip));
        rejected(super::python("zipfile").unwrap().args(["-c", script]).arg(&damaged), "");
    }
}

#[test]
fn the_program_verifies_what_unzip_unpacks() {
    if !has("unzip") {
        return;
    }
    let yard = Yard::new();
    let bundle = yard.bundle();
    let folder = yard.path("unzipped");
    accepted(Command::new("unzip").arg("-q").arg(&bundle.zip).arg("-d").arg(&folder));
    let said = yard.stage.run(["verify".as_ref(), folder.as_os_str()]);
    assert_eq!(said.code, Some(0), "{}", said.remarks);
    assert_eq!(said.texts("verdict"), ["verified-with-gaps"; 3]);
}

/// Turns over a bit in the middle of a file while `then` runs.
fn spoil(path: &Path, then: impl FnOnce()) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, flipped(&bytes, bytes.len() / 2)).unwrap();
    then();
    fs::write(path, bytes).unwrap();
}

fn assert_same(bundle: &Bundle, unpacked: &Path) {
    let said = Command::new("diff").arg("-r").arg(&bundle.folder).arg(unpacked).output().unwrap();
    assert!(said.status.success() && said.stdout.is_empty(), "{}", String::from_utf8_lossy(&said.stdout));
}
