//! Bundles are made and verified as they stream: how large one is does not matter to the memory it takes.

use std::fs;
use std::process::Command;

use crate::stage::Stage;

/// How many captures there are, and how large each is: together more than the memory that is allowed.
const CAPTURE_COUNT: usize = 24;
const CAPTURE_BYTES: usize = 8 << 20;

/// What a process may have of address space, which is more than it has of memory.
const MEMORY_KIBIBYTES_MAX: usize = 150_000;

#[test]
fn a_bundle_larger_than_the_memory_is_made_and_verified() {
    const { assert!(CAPTURE_COUNT * CAPTURE_BYTES > MEMORY_KIBIBYTES_MAX << 10) };
    let stage = Stage::new();
    let names: Vec<String> =
        (0..CAPTURE_COUNT).map(|n| stage.path(&format!("{n}.bin")).display().to_string()).collect();
    for (n, name) in names.iter().enumerate() {
        let mut bytes = vec![0xE0; CAPTURE_BYTES];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        fs::write(name, bytes).unwrap();
    }
    let captured = stage.run(["capture"].iter().copied().chain(names.iter().map(String::as_str)));
    let ids = captured.texts("id");
    assert_eq!(ids.len(), CAPTURE_COUNT, "{}", captured.remarks);
    for name in &names {
        fs::remove_file(name).unwrap();
    }
    let limited = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -v {MEMORY_KIBIBYTES_MAX} && exec \"$@\"")]);
        command.arg(env!("CARGO_BIN_EXE_affiant")).arg(env!("CARGO_BIN_EXE_affiant")).args(arguments);
        stage.settle(&mut command);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let said = limited(&[&["bundle", "-o", "large.zip"], ids.as_slice()].concat());
    assert!(said.contains("24 records"), "{said}");
    assert_eq!(limited(&["verify", "large.zip", "--quiet"]).lines().count(), CAPTURE_COUNT);
}
