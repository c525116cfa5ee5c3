//! `affiant monitor`: logs that grow, and logs that do not keep their word.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::Heard;
use crate::authority::act::capture;
use crate::stage::{Ran, Stage};

fn copy(stage: &Stage, from: &str, to: &str) {
    let _ = fs::remove_dir_all(stage.path(to));
    assert!(Command::new("cp").arg("-a").args([stage.path(from), stage.path(to)]).status().unwrap().success());
}

fn look(stage: &Stage, folder: &Path, more: &[&str]) -> Ran {
    let vkey = fs::read_to_string(stage.path("keys/log.vkey")).unwrap();
    let folder = folder.to_str().unwrap();
    let ran = stage.run([&["monitor", folder, "--log", vkey.trim()], more].concat());
    eprintln!("{:?}: {:?}", ran.code, ran.lines);
    ran
}

#[test]
fn a_forked_log_that_is_shown_to_two_readers_is_proven() {
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    for name in ["archive", "keys"] {
        copy(&stage, name, &format!("{name}-second"));
    }
    let readers = [["--home", "first"], ["--home", "second"]];
    let archive = stage.path("archive");
    for reader in &readers {
        assert_eq!(look(&stage, &archive, reader).texts("result"), ["first"]);
    }
    // Each reader is shown a branch of the same size.
    capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    copy(&stage, "archive", "branch-a");
    for name in ["archive", "keys"] {
        copy(&stage, &format!("{name}-second"), name);
    }
    capture(&stage, "We keep your letters for ninety days, whatever they say.", &[]);
    copy(&stage, "archive", "branch-b");
    assert_eq!(look(&stage, &stage.path("branch-a"), &readers[0]).texts("result"), ["grown"]);
    assert_eq!(look(&stage, &stage.path("branch-b"), &readers[1]).texts("result"), ["grown"]);
    // They compare: either looks at what the other was shown.
    let told = Heard::start();
    let ran = look(&stage, &stage.path("branch-b"), &["--home", "first", "--webhook", told.url()]);
    assert_eq!((ran.code, ran.texts("result")), (Some(3), vec!["failed".to_owned()]));
    let heard: Json = serde_json::from_slice(&told.next()).unwrap();
    assert_eq!(heard, ran.lines[0], "the alarm is told as it is printed");
    let proof = stage.path(ran.lines[0]["proof"].as_str().unwrap());
    let verified = stage.run(["verify", proof.to_str().unwrap()]);
    eprintln!("{:?}", verified.lines);
    assert_eq!(verified.code, Some(3), "{:?} {}", verified.lines, verified.remarks);
    // The head stays what it was: the branch that was seen first is still followed.
    assert_eq!(look(&stage, &stage.path("branch-a"), &readers[0]).texts("result"), ["unchanged"]);
}

#[test]
fn a_branch_of_another_size_and_an_older_copy_are_told_apart() {
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    for name in ["archive", "keys"] {
        copy(&stage, name, &format!("{name}-second"));
    }
    capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let home = ["--home", "m"];
    assert_eq!(look(&stage, &stage.path("archive"), &home).texts("result"), ["first"]);
    let ran = look(&stage, &stage.path("archive-second"), &home);
    assert_eq!((ran.code, ran.texts("result")), (Some(4), vec!["older".to_owned()]));
    for name in ["archive", "keys"] {
        copy(&stage, &format!("{name}-second"), name);
    }
    for words in ["ninety", "a hundred"] {
        capture(&stage, &format!("We keep your letters for {words} days, whatever they say."), &[]);
    }
    let ran = look(&stage, &stage.path("archive"), &home);
    assert_eq!((ran.code, ran.texts("result")), (Some(3), vec!["failed".to_owned()]));
    assert!(ran.lines[0]["error"].as_str().unwrap().contains("did not grow from the one of size 4"));
    assert!(stage.path(ran.lines[0]["proof"].as_str().unwrap()).exists());
}

#[test]
fn a_quorum_that_is_not_met_is_no_success() {
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    let witness = super::Loopback::start("watched", 5);
    witness.enter(&stage, 1);
    let ran = look(&stage, &stage.path("archive"), &[]);
    assert_eq!((ran.code, ran.texts("result")), (Some(4), vec!["not-witnessed".to_owned()]));
    assert_eq!(stage.run(["witness", "ask"]).code, Some(0));
    let ran = look(&stage, &stage.path("archive"), &[]);
    assert_eq!(
        (ran.code, ran.texts("result")),
        (Some(0), vec!["unchanged".to_owned()]),
        "what is served bears the lines"
    );
    assert_eq!(ran.lines[0]["witnesses"]["witnessed"], 1);
}
