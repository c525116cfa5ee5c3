//! `verify.sh`, under the shells that people have, beside what the program says of the same bundle.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Bundle, Yard, accepted, flipped, has};

const TOOLS: [&str; 4] = ["openssl", "sha256sum", "ssh-keygen", "xxd"];

#[test]
fn dash_runs_the_script() {
    run_under(&["dash"]);
}

#[test]
fn busybox_runs_the_script() {
    run_under(&["busybox", "sh"]);
}

fn run_under(shell: &[&str]) {
    if !has(shell[0]) || !TOOLS.into_iter().all(has) {
        return;
    }
    let yard = Yard::new();
    let bundle = yard.bundle();
    let listed = accepted(&mut yard.stage.program(["key", "list"]));
    let fingerprint = |name: &str| {
        let row = listed.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        row.rsplit(' ').next().unwrap().to_owned()
    };
    let code = |trust: &[&OsStr]| run(shell, &bundle, trust);
    let archive = fingerprint("archive");

    // By itself the bundle only agrees with itself, and another key is nobody's.
    assert_eq!(code(&[]), 4);
    assert_eq!(code(&["--trust".as_ref(), fingerprint("recovery").as_ref()]), 4);
    for trust in [archive.clone(), fingerprint("log")] {
        assert_eq!(code(&["--trust".as_ref(), trust.as_ref()]), 0, "{trust}");
    }
    for trust in ["keys/policy", "keys/log.vkey"] {
        assert_eq!(code(&["--trust".as_ref(), yard.path(trust).as_ref()]), 0, "{trust}");
    }

    let files = [
        "data/log/checkpoint",
        "data/keys/archive.pem",
        "manifest-sha256.txt",
        "bag-info.txt",
        "tagmanifest-sha256.txt.sig",
        "VERIFY.md",
    ];
    for name in files {
        let path = bundle.path(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, flipped(&bytes, bytes.len() / 2)).unwrap();
        assert_eq!(code(&["--trust".as_ref(), archive.as_ref()]), 3, "{name}");
        assert_eq!(said_by_the_program(&yard, &bundle.folder), Some(3), "{name}");
        fs::write(&path, bytes).unwrap();
    }
    let stranger = bundle.path("data/stranger");
    fs::write(&stranger, "").unwrap();
    assert_eq!(code(&["--trust".as_ref(), archive.as_ref()]), 3, "a file that no manifest lists");
    assert_eq!(said_by_the_program(&yard, &bundle.folder), Some(3), "a file that no manifest lists");
    fs::remove_file(stranger).unwrap();
    assert_eq!(code(&["--trust".as_ref(), archive.as_ref()]), 0, "everything is as it was");
    assert_eq!(said_by_the_program(&yard, &bundle.folder), Some(0), "everything is as it was");
}

fn run(shell: &[&str], bundle: &Bundle, trust: &[&OsStr]) -> i32 {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg("verify.sh").args(trust).current_dir(&bundle.folder);
    let output = command.output().unwrap();
    eprintln!("{command:?}\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output.status.code().unwrap()
}

fn said_by_the_program(yard: &Yard, folder: &Path) -> Option<i32> {
    yard.stage.run(["verify".as_ref(), folder.as_os_str()]).code
}
