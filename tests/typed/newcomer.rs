//! A newcomer's way, timed: the demonstration succeeds step by step, and says how long each took.

use crate::interop::has;
use crate::stage::Stage;

#[test]
fn a_newcomer_verifies_a_bundle_with_coreutils_and_openssh_alone() {
    if !["unzip", "sha256sum", "ssh-keygen"].into_iter().all(has) {
        return;
    }
    let said = Stage::new().demonstrate("demo/newcomer.sh");
    let timed = said.lines().filter(|line| line.contains(" ms  ")).count();
    assert_eq!(timed, 6, "five steps and all of them: {said}");
    assert!(said.lines().last().unwrap().ends_with("/page.html: FAILED"), "a changed byte is seen: {said}");
}
