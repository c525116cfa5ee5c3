//! `verify.sh`, under the shells that people have.

use std::fs;
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
    let fingerprint = fingerprint(&yard);
    // Without a fingerprint to compare, the bundle only agrees with itself.
    assert_eq!(code(shell, &bundle, &[]), 4);
    assert_eq!(code(shell, &bundle, &[&fingerprint]), 0);
    assert_eq!(code(shell, &bundle, &[&fingerprint.replace("SHA256:", "SHA256:A")]), 3);
    for name in ["data/log/checkpoint", "manifest-sha256.txt", "bag-info.txt", "tagmanifest-sha256.txt.sig"] {
        let bytes = fs::read(bundle.path(name)).unwrap();
        fs::write(bundle.path(name), flipped(&bytes, bytes.len() / 2)).unwrap();
        assert_eq!(code(shell, &bundle, &[&fingerprint]), 3, "{name}");
        fs::write(bundle.path(name), bytes).unwrap();
    }
}

fn fingerprint(yard: &Yard) -> String {
    let listed = accepted(&mut yard.stage.program(["key", "list"]));
    listed.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned()
}

fn code(shell: &[&str], bundle: &Bundle, arguments: &[&str]) -> i32 {
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .arg("verify.sh")
        .args(arguments)
        .current_dir(&bundle.folder)
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    eprintln!("{shell:?} {arguments:?} {code}\n{}", String::from_utf8_lossy(&output.stdout));
    code
}
