//! A bundle that carries both ends of an interval, and what others make of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

use super::act::{capture, finding};
use super::{Authority, Mode};
use crate::interop::{accepted, has, rejected};
use crate::stage::Stage;

/// A bundle about one capture, between a token of each of two authorities.
struct Dated {
    stage: Stage,
    first: Authority,
    second: Authority,
    id: String,
    folder: PathBuf,
}

fn dated() -> Option<Dated> {
    let (first, second) = (Authority::start("First")?, Authority::start("Second")?);
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    first.trust_in(&stage.path("keys"));
    second.trust_in(&stage.path("keys"));
    let stamped = stage.run(["timestamp", "--authority", first.url(), "--authority", second.url(), "--remember"]);
    assert_eq!(stamped.code, Some(0), "{}", stamped.remarks);
    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    // The log grows on, so that the bundle's checkpoint is not one that was dated.
    for authority in [&first, &second] {
        authority.set(Mode::Unavailable);
    }
    capture(&stage, "We keep your letters for ninety days, whatever they say.", &[]);
    let made = stage.run(["bundle", &id, "-o", "bundle.zip"]);
    assert_eq!(made.code, Some(0), "{}", made.remarks);
    let folder = stage.path("bundle");
    accepted(Command::new("unzip").arg("-q").arg(stage.path("bundle.zip")).arg("-d").arg(&folder));
    Some(Dated { stage, first, second, id, folder })
}

impl Dated {
    fn verify(&self, what: &Path) -> (Option<i32>, Json) {
        let ran = self.stage.run(["verify".as_ref(), what.as_os_str()]);
        (ran.code, ran.lines[0].clone())
    }

    fn script(&self, arguments: &[&Path]) -> (i32, String) {
        let mut command = Command::new("sh");
        command.arg("verify.sh").arg("--trust").arg(self.stage.path("keys/policy")).current_dir(&self.folder);
        for path in arguments {
            command.arg("--authority").arg(path);
        }
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
    }

    fn anchors(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> =
            fs::read_dir(self.folder.join("data/anchors")).unwrap().map(|folder| folder.unwrap().path()).collect();
        folders.sort();
        folders
    }
}

fn replies(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "tsr"));
    files.sort();
    files
}

#[test]
fn a_bundle_carries_both_ends() {
    if !["unzip", "sh", "ssh-keygen", "xxd"].into_iter().all(has) {
        return;
    }
    let Some(dated) = dated() else { return };
    let zip = dated.stage.path("bundle.zip");
    let ran = dated.stage.run(["verify".as_ref(), zip.as_os_str()]);
    assert_eq!(ran.code, Some(0), "{:?}", ran.lines);
    for check in ["not-before", "not-after", "files"] {
        assert_eq!(finding(&ran, check)["result"], "holds", "{:?}", ran.lines);
    }
    let text = dated.stage.program(["verify"]).arg(&zip).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    eprintln!("{text}");
    assert!(text.contains("  made       not before 2") && text.contains(" apart\n"), "{text}");

    // openssl, as VERIFY.md says it, for each token and its own authority alone.
    let page = fs::read_to_string(dated.folder.join("VERIFY.md")).unwrap();
    let commands: Vec<&str> = page.lines().filter(|line| line.starts_with("openssl ts -verify -data data/")).collect();
    assert_eq!(commands.len(), 4, "{page}");
    let mut agreed = 0;
    for command in commands {
        for authority in [&dated.first, &dated.second] {
            let command = command.replace("ROOT.pem", authority.root().to_str().unwrap());
            let output = Command::new("sh").args(["-c", &command]).current_dir(&dated.folder).output().unwrap();
            agreed += usize::from(output.status.success());
        }
    }
    assert_eq!(agreed, 4, "each token by its own authority");

    // The script: with an authority, with both, with none.
    let (code, said) = dated.script(&[]);
    assert!(code == 0 && said.contains("not told times:") && !said.contains("not before:"), "{code} {said}");
    let (code, said) = dated.script(&[&dated.first.root(), &dated.second.root()]);
    eprintln!("{said}");
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("holds    not before: ").count(), 2, "{said}");
    assert_eq!(said.matches("holds    not after: ").count(), 2, "{said}");
    let (code, said) = dated.script(&[&dated.first.root()]);
    assert!(code == 0 && said.contains("by an authority that you did not name"), "{said}");
    assert!(dated.id.starts_with("AF-C-"));

    // The log's record of its own anchor travels too, and the script knows it.
    let anchor = dated.stage.run(["list", "--kind", "anchor"]).texts("id").remove(0);
    let made = dated.stage.run(["bundle", &anchor, "-o", "anchor.zip"]);
    assert_eq!(made.code, Some(0), "{}", made.remarks);
    assert_eq!(dated.stage.run(["verify", "anchor.zip"]).code, Some(0));
    let folder = dated.stage.path("anchor");
    accepted(Command::new("unzip").arg("-q").arg(dated.stage.path("anchor.zip")).arg("-d").arg(&folder));
    let mut command = Command::new("sh");
    accepted(command.arg("verify.sh").arg("--trust").arg(dated.stage.path("keys/policy")).current_dir(&folder));
}

#[test]
fn each_part_of_an_anchor_that_is_forged_is_named() {
    if !["unzip", "sh", "ssh-keygen", "xxd"].into_iter().all(has) {
        return;
    }
    let Some(dated) = dated() else { return };
    let anchors = dated.anchors();
    let (early, late) = (&anchors[0], &anchors[1]);
    // A file, what stands in its place, and the check that fails besides the seal's.
    let other = fs::read(&replies(late)[0]).unwrap();
    let mut flipped = fs::read(&replies(early)[0]).unwrap();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let lines = fs::read_to_string(late.join("consistency")).unwrap();
    let turned = lines.lines().rev().collect::<Vec<_>>().join("\n") + "\n";
    let cases: [(PathBuf, Vec<u8>, &str, &str); 4] = [
        (early.join("checkpoint"), fs::read(late.join("checkpoint")).unwrap(), "not-before", "at size"),
        (late.join("consistency"), turned.into_bytes(), "not-after", "another tree"),
        (replies(late)[0].clone(), flipped.clone(), "files", "is not as"),
        (late.join(format!("a-{}.tsr", sha256(&flipped))), flipped, "not-after", "is over"),
    ];
    for (path, bytes, check, word) in cases {
        let before = fs::read(&path).ok();
        fs::write(&path, &bytes).unwrap();
        let (code, report) = dated.verify(&dated.folder);
        let findings = report["findings"].as_array().unwrap();
        let told = findings.iter().find(|finding| finding["check"] == check && finding["result"] == "fails");
        let told = told.unwrap_or_else(|| panic!("{}: {check}: {report:#}", path.display())).to_string();
        eprintln!("{}: {told}", path.display());
        assert!(code == Some(3) && told.contains(word), "{told}");
        let (code, said) = dated.script(&[&dated.first.root(), &dated.second.root()]);
        assert_eq!(code, 3, "{}: {said}", path.display());
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    assert_eq!(dated.verify(&dated.folder).0, Some(0));

    // openssl rejects a token over another checkpoint, as we do.
    let stray = dated.stage.path("stray.tsr");
    fs::write(&stray, &other).unwrap();
    let mut command = Command::new("openssl");
    command.args(["ts", "-verify", "-data"]).arg(early.join("checkpoint")).arg("-in").arg(&stray);
    let roots = dated.stage.path("roots.pem");
    fs::write(&roots, [fs::read(dated.first.root()).unwrap(), fs::read(dated.second.root()).unwrap()].concat())
        .unwrap();
    rejected(command.arg("-CAfile").arg(roots), "message imprint mismatch");
}

fn sha256(bytes: &[u8]) -> String {
    affiant::base::hash::Hash::of(bytes).short()
}
