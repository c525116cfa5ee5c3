//! `affiant witness`, from asking to a verdict that says who has seen the log.

use std::fs;
use std::path::PathBuf;

use super::{Loopback, Mode};
use crate::authority::act::{capture, finding};
use crate::stage::Stage;

fn cosignatures(stage: &Stage, size: u64) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(stage.path(&format!("archive/anchors/{size}"))) else { return Vec::new() };
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "cosignature")).collect()
}

#[test]
fn two_witnesses_make_a_quorum_and_both_ends_of_an_interval() {
    let (first, second) = (Loopback::start("first", 1), Loopback::start("second", 2));
    let stage = Stage::new();
    let before = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    first.enter(&stage, 1);
    second.enter(&stage, 2);
    let verified = stage.run(["verify", &before]);
    assert_eq!(verified.code, Some(4), "a quorum that is not met");
    assert_eq!(finding(&verified, "witnesses")["result"], "not-shown", "{:?}", verified.lines);

    let asked = stage.run(["witness", "ask"]);
    assert_eq!((asked.code, asked.lines.len()), (Some(0), 4), "{:?} {}", asked.lines, asked.remarks);
    assert_eq!(cosignatures(&stage, 3).len(), 4, "two keys of each");
    let verified = stage.run(["verify", &before]);
    assert_eq!(finding(&verified, "witnesses")["result"], "holds", "{:?}", verified.lines);
    assert_eq!(finding(&verified, "not-after")["result"], "holds");
    let checkpoint = fs::read_to_string(stage.path("archive/checkpoint")).unwrap();
    assert_eq!(checkpoint.matches("\u{2014} first.test/w ").count(), 2, "whoever reads the log gets the lines");

    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let shown = stage.run(["show", &id]);
    assert_eq!(shown.lines[0]["after"]["size"], 3);
    assert_eq!(shown.lines[0]["after"]["tokens"].as_array().unwrap().len(), 4);
    let verified = stage.run(["verify", &id]);
    assert_eq!(verified.code, Some(0), "{:?}", verified.lines);
    for check in ["witnesses", "not-before", "not-after"] {
        assert_eq!(finding(&verified, check)["result"], "holds", "{check}: {:?}", verified.lines);
    }
    let relies_on = finding(&verified, "not-before")["relies_on"].as_str().unwrap().to_owned();
    assert!(relies_on.contains("the witness `"), "{relies_on}");
    stage.assert_clean("with witnesses");

    // One more request each: the proof from the last that they signed was right at once, after the question at the start.
    assert_eq!((first.requests(), second.requests()), (3, 3), "0 to 3; 0, which is refused; 3 to 5");
    let listed = stage.run(["witness", "list"]);
    assert!(listed.lines.iter().all(|line| line["cosigned"] == 5), "{:?}", listed.lines);

    // A bundle carries both ends and the quorum to a reader who has nothing but the policy.
    let made = stage.run(["bundle", &id, "-o", "bundle.zip"]);
    assert_eq!(made.code, Some(0), "{}", made.remarks);
    let verified = stage.run(["verify", "bundle.zip"]);
    for check in ["witnesses", "not-before", "not-after"] {
        assert_eq!(finding(&verified, check)["result"], "holds", "{check}: {:?}", verified.lines);
    }
    fs::create_dir(stage.path("elsewhere")).unwrap();
    let log = fs::read_to_string(stage.path("keys/policy")).unwrap();
    let without: String = log.split_inclusive('\n').filter(|line| line.starts_with("log ")).collect();
    fs::write(stage.path("elsewhere/policy"), without + "quorum none\n").unwrap();
    let verified = stage.run(["verify", "bundle.zip", "--keys", "elsewhere"]);
    assert_eq!(verified.lines[0]["verdict"], "verified-with-gaps", "{:?}", verified.lines);
    assert!(finding(&verified, "not-after")["found"].as_str().unwrap().contains("which your policy does not name"));
}

#[test]
fn a_wrong_answer_is_never_kept() {
    let witness = Loopback::start("faulty", 1);
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    witness.enter(&stage, 1);
    for (mode, word) in [
        (Mode::Unavailable, "status 503: `later`"),
        (Mode::Silent, "no reply"),
        (Mode::Endless, "it sent more than"),
        (Mode::Portal, "what it answered is not its lines"),
        (Mode::Flipped, "is not to be believed"),
        (Mode::OtherTree, "is not to be believed"),
        (Mode::OtherKey, "no key that the policy names for it"),
        (Mode::Tomorrow, "which is yet to come"),
        (Mode::Ahead, "it has seen this log up to size 103, and the archive holds 3 entries"),
        (Mode::Disagrees, "the log did not grow from what it has seen"),
        (Mode::NoSize, "did not say up to which size"),
    ] {
        witness.set(mode);
        witness.forget();
        let ran = stage.run(["witness", "ask"]);
        eprintln!("{mode:?}: {}", ran.remarks.trim());
        assert_eq!(ran.code, Some(1), "{mode:?}: {}", ran.remarks);
        assert!(ran.remarks.contains(word), "{mode:?}: {}", ran.remarks);
        assert_eq!(cosignatures(&stage, 3).len(), 0, "{mode:?}");
    }
    witness.set(Mode::Good);
    witness.forget();
    assert_eq!(stage.run(["witness", "ask"]).code, Some(0));
    assert_eq!(cosignatures(&stage, 3).len(), 2);
}

#[test]
fn an_outage_never_blocks_a_capture_and_one_call_catches_up() {
    let witness = Loopback::start("absent", 1);
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    witness.enter(&stage, 1);
    witness.set(Mode::Unavailable);
    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let asked = witness.requests();
    capture(&stage, "We keep your letters for ninety days, whatever they say.", &[]);
    assert_eq!(witness.requests(), asked, "it rests");
    let doctor = stage.run(["doctor"]);
    let advice = doctor.lines.iter().find(|line| line["about"] == "witnesses").unwrap();
    assert_eq!(advice["severity"], "weak");
    assert!(advice["found"].as_str().unwrap().contains("503"), "{advice}");
    assert_eq!(finding(&stage.run(["verify", &id]), "witnesses")["result"], "not-shown");

    witness.set(Mode::Good);
    let asked = stage.run(["witness", "ask"]);
    assert_eq!(asked.code, Some(0), "by hand means now: {}", asked.remarks);
    for check in ["witnesses", "not-after"] {
        assert_eq!(finding(&stage.run(["verify", &id]), check)["result"], "holds", "{check}");
    }
    let doctor = stage.run(["doctor"]);
    assert!(doctor.lines.iter().any(|line| line["about"] == "witnesses" && line["severity"] == "good"), "{doctor:?}");
}

#[test]
fn a_witness_that_has_seen_more_stops_the_writer() {
    let witness = Loopback::start("ahead", 1);
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    witness.enter(&stage, 1);
    // Archive and keyring are put back together: nothing here remembers what was signed since.
    let copy = |from: &str, to: &str| {
        let order = ["-a", stage.path(from).to_str().unwrap(), stage.path(to).to_str().unwrap()].map(str::to_owned);
        assert!(std::process::Command::new("cp").args(order).status().unwrap().success());
    };
    copy("archive", "archive-before");
    copy("keys", "keys-before");
    capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    for name in ["archive", "keys"] {
        fs::remove_dir_all(stage.path(name)).unwrap();
        copy(&format!("{name}-before"), name);
    }
    let ran = stage.run(["capture", "page.html"]);
    eprintln!("{}", ran.remarks.trim());
    assert_eq!(ran.code, Some(6), "{}", ran.remarks);
    assert!(ran.remarks.contains("has seen this log up to size 5, and the archive holds 3 entries"), "{}", ran.remarks);
    let checkpoint = fs::read(stage.path("archive/checkpoint")).unwrap();
    assert_eq!(checkpoint, fs::read(stage.path("archive-before/checkpoint")).unwrap(), "nothing was signed");

    // Who insists forks the log, and the witness does not sign that.
    for (size, words) in [(4, "it has seen this log up to size 5"), (5, "it has seen another log of size 5")] {
        let ran = stage.run(["capture", "page.html", "--offline"]);
        assert_eq!(ran.code, Some(0), "{}", ran.remarks);
        let ran = stage.run(["witness", "ask"]);
        eprintln!("{}", ran.remarks.trim());
        assert_eq!(ran.code, Some(1));
        assert!(ran.remarks.contains(words), "{size}: {}", ran.remarks);
    }
}

#[test]
fn every_cosignature_that_is_damaged_is_found() {
    let witness = Loopback::start("damaged", 1);
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    witness.enter(&stage, 1);
    assert_eq!(stage.run(["witness", "ask"]).code, Some(0));
    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    for path in cosignatures(&stage, 3) {
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        let at = flipped.len() - 20;
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        for (damage, bytes) in [("flipped", flipped), ("cut", whole[..whole.len() / 2].to_vec()), ("empty", Vec::new())]
        {
            fs::write(&path, bytes).unwrap();
            let audited = stage.run(["audit"]);
            assert_eq!(audited.lines[0]["clean"], false, "{damage} {}: {:?}", path.display(), audited.lines);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(stage.run(["audit"]).lines[0]["clean"], false, "removed {}", path.display());
        fs::write(&path, &whole).unwrap();
    }
    stage.assert_clean("after");
    // A line that was signed over another tree fails the witnesses, under whatever name it lies.
    let path = cosignatures(&stage, 3).remove(0);
    let line = String::from_utf8(fs::read(&path).unwrap()).unwrap();
    let flipped = line.replace("=\n", "\n");
    let flipped = if flipped == line { line.replacen('A', "B", 1) } else { flipped };
    fs::write(&path, flipped).unwrap();
    let verified = stage.run(["verify", &id]);
    assert_ne!(verified.lines[0]["verdict"], "verified", "{:?}", verified.lines);
}
