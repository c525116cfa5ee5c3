//! The Go project's transparency log libraries.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use affiant::base::hash::Hash;
use affiant::log::checkpoint::SignedCheckpoint;
use affiant::log::merkle::leaf_hash;
use affiant::log::proof::Proof;
use affiant::log::vkey::VerifierKey;
use tempfile::tempdir;

use super::{Yard, accepted, beside, done, flipped, has, page, rejected, respelled, skipped};

#[test]
fn go_reads_the_folder_as_it_lies() {
    let Some(go) = program() else { return };
    let yard = Yard::new();
    let older = yard.write("older", yard.read("archive/checkpoint"));
    // More than a whole tile, so that a full one, a partial one and one of the next level are read.
    let names: Vec<String> = (0..130).map(|n| format!("page-{n}.html")).collect();
    for name in &names {
        page(&yard.stage, name, &format!("This is {name}."));
    }
    let targets = yard.stage.list(&names);
    assert_eq!(done(&yard.stage, &["capture", "--from", targets.to_str().unwrap()]).len(), 130);
    let archive = yard.path("archive");
    let vkeys = vkeys(&yard);
    let folder = |vkeys: &Path| run(go, &["folder"], &[&archive, vkeys, &older]);
    assert_eq!(accepted(&mut folder(&vkeys)).trim(), "267 entries, 1 older");

    let checkpoint = yard.read("archive/checkpoint");
    let text = String::from_utf8(checkpoint.clone()).unwrap();
    let root_at = text.match_indices('\n').nth(1).unwrap().0 + 1;
    for at in signature_places(&text) {
        yard.write("archive/checkpoint", respelled(&text, at));
        rejected(&mut folder(&vkeys), "note: invalid signature");
    }
    yard.write("archive/checkpoint", respelled(&text, root_at));
    rejected(&mut folder(&vkeys), "note: invalid signature");
    yard.write("archive/checkpoint", &checkpoint);

    let places = ["tile/0/000", "tile/0/001.p/11", "tile/1/000.p/1"];
    for (path, word) in places
        .into_iter()
        .map(|path| (path, "tile"))
        .chain([("tile/entries/000", "entry"), ("tile/statements/001.p/11", "entry")])
    {
        let path = format!("archive/{path}");
        let bytes = yard.read(&path);
        yard.write(&path, flipped(&bytes, bytes.len() - 1));
        rejected(&mut folder(&vkeys), word);
        yard.write(&path, &bytes);
    }

    // Another log's checkpoint, signed well by keys of the same name, has another root and another past.
    let other = Yard::new();
    let other_vkeys = self::vkeys(&other);
    let other_checkpoint = other.read("archive/checkpoint");
    rejected(&mut folder(&other_vkeys), "note: note has no verifiable signatures");
    yard.write("archive/checkpoint", &other_checkpoint);
    rejected(&mut folder(&other_vkeys), "tile");
    yard.write("archive/checkpoint", &checkpoint);
    yard.write("older", &other_checkpoint);
    let both = yard.write("both", [fs::read(&vkeys).unwrap(), fs::read(&other_vkeys).unwrap()].concat());
    rejected(&mut folder(&both), "keys signed");
    assert_eq!(accepted(&mut run(go, &["folder"], &[&archive, &vkeys])).trim(), "267 entries, 0 older");
}

#[test]
fn go_verifies_the_tlog_proofs_of_a_bundle() {
    let Some(go) = program() else { return };
    let yard = Yard::new();
    let bundle = yard.bundle();
    let vkeys = yard.write(
        "bundle.vkeys",
        ["data/keys/log.vkey", "data/keys/log-ml-dsa-44.vkey"]
            .map(|name| fs::read(bundle.path(name)).unwrap())
            .concat(),
    );
    let mut forged = 0;
    let entries: Vec<(PathBuf, String)> = bundle
        .entries()
        .into_iter()
        .map(|folder| (folder.join("proof.tlog-proof"), entry_of(&folder.join("statement.cose"))))
        .collect();
    let size = yard.entries().len();
    for (n, (path, entry)) in entries.iter().enumerate() {
        let proof = |path: &Path, entry: &str| run(go, &["proof"], &[path, &vkeys, Path::new(entry)]);
        let said = accepted(&mut proof(path, entry));
        assert!(said.trim().ends_with(&format!("of {size}")), "{said}");

        let (_, other) = &entries[(n + 1) % entries.len()];
        rejected(&mut proof(path, other), "inclusion");
        let text = fs::read_to_string(path).unwrap();
        let index_at = text.find("index ").unwrap() + "index ".len();
        let hash_at = text.match_indices('\n').nth(1).unwrap().0 + 1;
        for (at, word) in
            [(index_at, "inclusion"), (hash_at, "inclusion"), (signature_places(&text)[0], "note: invalid")]
        {
            rejected(&mut proof(&yard.write("forged", respelled(&text, at)), entry), word);
            forged += 1;
        }
    }
    assert!(forged >= 3 * 6, "only {forged} forgeries were tried");
}

#[test]
fn we_verify_what_go_signs() {
    let Some(go) = program() else { return };
    let folder = tempdir().unwrap();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    accepted(&mut run(go, &["make"], &[folder.path()]));

    let keys: Vec<VerifierKey> =
        String::from_utf8(read("vkeys")).unwrap().lines().map(|line| VerifierKey::parse(line).unwrap()).collect();
    assert_eq!(keys.len(), 4, "the log and a witness, Ed25519 and ML-DSA-44 each");
    let bytes = read("checkpoint");
    let signed = SignedCheckpoint::parse(&bytes).unwrap();
    let signers = signed.verify(&keys).unwrap();
    assert_eq!(signers.iter().map(|signer| signer.time.is_some()).collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(signed.encode(), bytes);

    let text = String::from_utf8(bytes.clone()).unwrap();
    let places = signature_places(&text);
    assert_eq!(places.len(), 4);
    for at in places {
        let forged = SignedCheckpoint::parse(&respelled(&text, at)).unwrap();
        assert!(forged.verify(&keys).is_err(), "a bit of the signature at {at} is turned over");
    }

    let proof = Proof::parse(&read("proof.tlog-proof")).unwrap();
    assert_eq!(proof.checkpoint, bytes);
    let checkpoint = signed.checkpoint();
    let leaf = leaf_hash(&read("entry"));
    let inclusion = proof.inclusion(checkpoint.size);
    assert_eq!((inclusion.index, inclusion.tree_size), (256, 300));
    inclusion.verify(leaf, checkpoint.root).unwrap();
    assert!(inclusion.verify(leaf_hash(b"another entry"), checkpoint.root).is_err());
}

/// Returns the Go program, built once for all of these tests.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    if !has("go") {
        return None;
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("interop-go{EXE_SUFFIX}"));
    let built = Command::new("go")
        .args(["build", "-trimpath", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(beside("go"))
        .envs([("GOFLAGS", "-mod=readonly"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    if said.contains("GOPROXY=off") || said.contains("GOTOOLCHAIN=local") {
        skipped(&format!("run `go mod download` in tests/interop/go: {said}"));
        return None;
    }
    assert!(built.status.success(), "{said}");
    Some(program)
}

fn run(go: &Path, words: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(go);
    command.args(words).args(paths);
    command
}

/// Returns the vkeys of an archive's keyring, Ed25519 first, as a file.
fn vkeys(yard: &Yard) -> PathBuf {
    let names = ["keys/log.vkey", "keys/log-ml-dsa-44.vkey"];
    yard.write("vkeys", names.map(|name| yard.read(name)).concat())
}

fn entry_of(statement: &Path) -> String {
    Hash::of(&fs::read(statement).unwrap()).to_string()
}

/// Returns a place in the base64 of each signature of a note, well behind the key's id.
fn signature_places(text: &str) -> Vec<usize> {
    let lines = text.match_indices("\n— ").map(|(at, _)| at + 1);
    lines.map(|at| at + text[at..].find('\n').unwrap() - 20).collect()
}
