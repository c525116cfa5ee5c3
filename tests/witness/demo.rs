//! The demonstration: an archive, two witnesses, an authority and a website, in one command.

use std::path::Path;
use std::process::Command;

use crate::interop::has;
use crate::stage::Stage;

#[test]
fn the_demonstration_ends_with_a_verified_bundle() {
    if !(has("openssl") && has("python3")) {
        return;
    }
    let stage = Stage::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/three-nodes.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_affiant")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    stage.settle(command.arg(script).env("PATH", path));
    let output = command.output().unwrap();
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprintln!("{said}{why}");
    assert!(output.status.success(), "{said}{why}");
    for line in [
        "verified-with-gaps  AF-C-",
        "2 of 2 (2 needed): witness-1.example, witness-2.example",
        "signed: witness-1.example",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}
