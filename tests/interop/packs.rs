//! `zstd` reads the packs.

use std::fs;
use std::process::Command;

use super::{Yard, has, rejected};

#[test]
fn zstd_reads_the_packs() {
    if !has("zstd") {
        return;
    }
    let yard = Yard::new();
    let packs: Vec<_> = fs::read_dir(yard.path("archive/packs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pack"))
        .collect();
    assert_eq!(packs.len(), 1);
    let unpacked = Command::new("zstd").args(["-dcq"]).arg(&packs[0]).output().unwrap();
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    let mut found = 0;
    for entry in yard.entries() {
        assert!(contains(&unpacked.stdout, &entry.record_bytes), "the record of {}", entry.id);
        found += 1;
    }
    assert_eq!(found, 7);
    for name in ["terms.html", "cookies.html"] {
        assert!(contains(&unpacked.stdout, &yard.read(name)), "{name}");
    }
    let bytes = fs::read(&packs[0]).unwrap();
    rejected(Command::new("zstd").args(["-tq"]).arg(yard.write("cut.zst", &bytes[..bytes.len() - 9])), "cut.zst");
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}
