//! A newcomer's way, timed: the demonstration succeeds step by step, and says how long each took.

use std::path::Path;
use std::process::Command;

use crate::interop::has;
use crate::stage::Stage;

#[test]
fn a_newcomer_verifies_a_bundle_with_coreutils_and_openssh_alone() {
    if !["unzip", "sha256sum", "ssh-keygen"].into_iter().all(has) {
        return;
    }
    let stage = Stage::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/newcomer.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_affiant")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    stage.settle(command.arg(script).env("PATH", path));
    let output = command.output().unwrap();
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprintln!("{said}{why}");
    assert!(output.status.success(), "{said}{why}");
    let timed = said.lines().filter(|line| line.contains(" ms  ")).count();
    assert_eq!(timed, 6, "five steps and all of them: {said}");
    assert!(said.lines().last().unwrap().ends_with("/page.html: FAILED"), "a changed byte is seen: {said}");
}
