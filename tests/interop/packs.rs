//! `zstd` reads the packs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_cbor::Value;

use super::{Yard, has, rejected};
use crate::stage::Stage;

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

/// The steps of the format page, as a reader without the program types them.
const FIND: &str = r#"row=$(xxd -p -c 40 "$1" | grep "^$2")
offset=$((0x$(echo "$row" | tail -c 17)))
tail -c +$((offset + 1)) "$3" > member
od -An -tu1 -j4 -N1 member && od -An -tu1 -j5 -N1 member"#;

#[test]
fn standard_tools_read_a_blob_that_leans_on_others() {
    if !["zstd", "xxd", "sha256sum"].into_iter().all(has) {
        return;
    }
    let stage = Stage::new();
    for version in 0..4 {
        let clause = |clause: usize| {
            let days = 1_000 + clause * 37 + (version * 5 + 60 - clause) / 60 * 411;
            format!("<p>Clause {clause}. We keep your letters for {days} days, and {} more.</p>\n", days * 31)
        };
        let clauses: String = (0..60).map(clause).collect();
        fs::write(stage.path("terms.html"), format!("<!doctype html><title>Terms</title><main>{clauses}</main>"))
            .unwrap();
        let captured = stage.run(["capture", "terms.html"]);
        assert_eq!(captured.code, Some(0), "{}", captured.remarks);
    }
    let rows = fs::read(stage.path("archive/packs/00000001.rows")).unwrap();
    let mut deepest = 0;
    for row in rows.chunks_exact(40) {
        let hash: String = data_encoding::HEXLOWER.encode(&row[..32]);
        deepest = deepest.max(read_with_tools(&stage, &hash).1);
    }
    assert!(deepest >= 2, "{deepest}");
}

/// Reads a blob with standard tools, after what it leans on; returns its file and how many frames that took before it.
fn read_with_tools(stage: &Stage, hash: &str) -> (PathBuf, usize) {
    let packs = stage.path("archive/packs");
    let (rows, pack) = (packs.join("00000001.rows"), packs.join("00000001.pack"));
    let shell = |script: &str, arguments: &[&Path]| {
        let mut command = Command::new("sh");
        command.current_dir(stage.path("")).args(["-euc", script, "sh"]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let found = shell(FIND, &[&rows, Path::new(hash), &pack]);
    let length: Vec<usize> = found.split_whitespace().map(|byte| byte.parse().unwrap()).collect();
    let length = length[0] + 256 * length[1];
    let member = fs::read(stage.path("member")).unwrap();
    let map: BTreeMap<String, Value> = serde_cbor::from_slice(&member[8..8 + length]).unwrap();
    let Value::Integer(stored) = map["stored"] else { panic!("`stored` is a number") };
    let end = (8 + length + usize::try_from(stored).unwrap()).to_string();
    let blob = stage.path(&format!("blob-{hash}"));
    let cut = stage.path(&format!("member-{hash}"));
    shell("head -c \"$1\" member > \"$2\"", &[Path::new(&end), &cut]);
    let depth = if let Some(Value::Bytes(base)) = map.get("base") {
        let base: String = data_encoding::HEXLOWER.encode(base);
        let (base, depth) = read_with_tools(stage, &base);
        shell("zstd -dcq --patch-from=\"$2\" < \"$1\" > \"$3\"", &[&cut, &base, &blob]);
        depth + 1
    } else {
        shell("zstd -dcq < \"$1\" > \"$2\"", &[&cut, &blob]);
        0
    };
    assert!(shell("sha256sum < \"$1\"", &[&blob]).starts_with(hash), "{hash}");
    (blob, depth)
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}
