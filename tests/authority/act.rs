//! `affiant timestamp`, from asking to a verdict that says when.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value as Json;

use super::{Authority, Mode};
use crate::stage::{Ran, Stage};

fn page(stage: &Stage, words: &str) {
    fs::write(stage.path("page.html"), format!("<!doctype html><title>Terms</title><h1>Terms</h1><p>{words}</p>"))
        .unwrap();
}

pub(crate) fn capture(stage: &Stage, words: &str, more: &[&str]) -> String {
    page(stage, words);
    let ran = stage.run([&["capture", "page.html"][..], more].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    ran.texts("id").remove(0)
}

pub(crate) fn finding<'r>(ran: &'r Ran, check: &str) -> &'r Json {
    let findings = ran.lines[0]["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("{check}: {:?}", ran.lines))
}

fn replies(archive: &Path) -> usize {
    let Ok(sizes) = fs::read_dir(archive.join("anchors")) else { return 0 };
    let folders = sizes.flatten().filter(|folder| folder.path().is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap().flatten());
    files.filter(|file| file.path().extension().is_some_and(|extension| extension == "tsr")).count()
}

#[test]
fn a_record_between_two_tokens_has_an_interval() {
    let Some(authority) = Authority::start("First") else { return };
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    authority.trust_in(&stage.path("keys"));

    let stamped = stage.run(["timestamp", "--authority", authority.url(), "--remember"]);
    assert_eq!(stamped.code, Some(0), "{}", stamped.remarks);
    assert_eq!(stamped.lines[0]["root"], "First root");
    let token = stamped.lines[0]["sha256"].as_str().unwrap().to_owned();
    let file = stamped.lines[0]["file"].as_str().unwrap();
    assert!(stage.path("archive").join(file).exists() && file.starts_with("anchors/3/127.0.0.1-"), "{file}");

    // The next record names the token, and is dated by the one that its own publication asks for.
    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let shown = stage.run(["show", &id]);
    assert_eq!(shown.lines[0]["after"]["tokens"][0], token.as_str());
    assert_eq!(shown.lines[0]["after"]["size"], 3);
    let anchors = stage.run(["list", "--kind", "anchor"]);
    assert!(anchors.lines.iter().any(|line| line["kind"] == "anchor"), "{:?} {}", anchors.lines, anchors.remarks);
    let verified = stage.run(["verify", &id]);
    assert_eq!(verified.code, Some(0), "{:?}", verified.lines);
    for check in ["not-before", "not-after"] {
        let finding = finding(&verified, check);
        assert_eq!(finding["result"], "holds", "{finding}");
        assert!(
            finding["relies_on"].as_str().unwrap().contains("`First authority`, under your root `First root`"),
            "{finding}"
        );
    }
    let interval = &verified.lines[0]["interval"];
    assert!(
        interval["not_before"].as_str() < interval["not_after"].as_str()
            && interval["width_seconds"].as_u64() < Some(600)
    );
    stage.assert_clean("with two anchors");

    // Who does not have the root learns no time, and nothing is wrong.
    fs::remove_dir_all(stage.path("keys/authorities")).unwrap();
    let verified = stage.run(["verify", &id]);
    assert_eq!(verified.code, Some(0));
    assert_eq!(finding(&verified, "not-after")["result"], "not-shown");
    assert!(
        finding(&verified, "not-after")["found"].as_str().unwrap().contains("no root that you trust"),
        "{verified:?}"
    );
}

#[test]
fn a_wrong_answer_is_never_kept() {
    let Some(authority) = Authority::start("Faulty") else { return };
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    authority.trust_in(&stage.path("keys"));
    let ask = || stage.run(["timestamp", "--authority", authority.url()]);
    assert_eq!(ask().code, Some(0));
    for (mode, word) in [
        (Mode::Unavailable, "status 503"),
        (Mode::Silent, "no reply"),
        (Mode::Portal, "it sent `text/html`"),
        (Mode::PortalAsReply, "not a timestamp reply"),
        (Mode::OtherImprint, "was asked for"),
        (Mode::Replay, "it answers another request"),
        (Mode::Bare, "a bare timestamp token, not a reply"),
        (Mode::Endless, "it sent more than"),
        (Mode::Rejected, "the authority did not grant it: rejected"),
    ] {
        authority.set(mode);
        let ran = ask();
        eprintln!("{mode:?}: {}", ran.remarks.trim());
        assert_eq!(ran.code, Some(1), "{mode:?}: {}", ran.remarks);
        assert!(ran.remarks.contains(word), "{mode:?}: {}", ran.remarks);
        assert_eq!(replies(&stage.path("archive")), 1, "{mode:?}");
    }
    authority.set(Mode::Good);
    assert_eq!(ask().code, Some(0));
    assert_eq!(replies(&stage.path("archive")), 2);
}

#[test]
fn an_outage_never_blocks_a_capture() {
    let Some(authority) = Authority::start("Absent") else { return };
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    authority.trust_in(&stage.path("keys"));
    authority.set(Mode::Unavailable);
    assert_eq!(stage.run(["timestamp", "--authority", authority.url(), "--remember"]).code, Some(1));

    // Captured, and said to be pending; the authority rests for a while and the next capture does not even ask.
    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &["--tight"]);
    let verified = stage.run(["verify", &id]);
    assert_eq!((verified.code, &finding(&verified, "not-after")["result"]), (Some(0), &Json::from("not-shown")));
    let shown = stage.program(["show", &id]).output().unwrap();
    assert!(String::from_utf8(shown.stdout).unwrap().contains("\ndated      pending: "));
    let doctor = stage.run(["doctor"]);
    let advice = doctor.lines.iter().find(|line| line["about"] == "timestamps").unwrap();
    assert_eq!(advice["severity"], "weak");
    assert!(advice["found"].as_str().unwrap().contains("503"), "{advice}");

    authority.set(Mode::Good);
    assert_eq!(stage.run(["timestamp"]).code, Some(0), "by hand means now");
    let verified = stage.run(["verify", &id]);
    assert_eq!(finding(&verified, "not-after")["result"], "holds");
    let doctor = stage.run(["doctor"]);
    assert!(doctor.lines.iter().any(|line| line["about"] == "timestamps" && line["severity"] == "good"), "{doctor:?}");
}

#[test]
fn tight_asks_before_it_looks() {
    let Some(authority) = Authority::start("Tight") else { return };
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    authority.trust_in(&stage.path("keys"));
    let refused = stage.run(["capture", "page.html", "--tight"]);
    assert_eq!(refused.code, Some(2), "{}", refused.remarks);
    assert_eq!(stage.run(["timestamp", "--authority", authority.url(), "--remember"]).code, Some(0));
    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &["--tight"]);
    let shown = stage.run(["show", &id]);
    assert_eq!(shown.lines[0]["after"]["tokens"].as_array().unwrap().len(), 2, "{:?}", shown.lines);
}

#[test]
fn every_file_of_an_anchor_that_is_damaged_is_found() {
    let Some(authority) = Authority::start("Damaged") else { return };
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    authority.trust_in(&stage.path("keys"));
    assert_eq!(stage.run(["timestamp", "--authority", authority.url()]).code, Some(0));
    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let folder = stage.path("archive/anchors/3");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_none_or(|extension| extension != "tsq")); // What was asked dates nothing.
    assert_eq!(files.len(), 2);
    stage.assert_clean("before");
    for path in files {
        let whole = fs::read(&path).unwrap();
        for (damage, bytes) in [
            ("flipped", whole.iter().rev().enumerate().map(|(at, byte)| byte ^ u8::from(at == 20)).rev().collect()),
            ("cut", whole[..whole.len() / 2].to_vec()),
            ("empty", Vec::new()),
        ] {
            fs::write(&path, bytes).unwrap();
            let audited = stage.run(["audit"]);
            assert_eq!(audited.lines[0]["clean"], false, "{damage} {}: {:?}", path.display(), audited.lines);
            let verified = stage.run(["verify", &id]);
            assert_ne!(finding(&verified, "not-before")["result"], "holds", "{damage} {}", path.display());
        }
        fs::remove_file(&path).unwrap();
        let audited = stage.run(["audit"]);
        assert_eq!(audited.lines[0]["clean"], false, "removed {}", path.display());
        // Nothing of it keeps the archive from being written.
        fs::write(&path, &whole).unwrap();
    }
    stage.assert_clean("after");
    for path in fs::read_dir(&folder).unwrap() {
        fs::write(path.unwrap().path(), "rubbish").unwrap();
    }
    capture(&stage, "We keep your letters for ninety days, whatever they say.", &[]);
}

#[test]
fn every_goes_on_asking() {
    let Some(authority) = Authority::start("Often") else { return };
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    let mut command =
        stage.program(["timestamp", "--authority", authority.url(), "--remember", "--every", "1s", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut size = || {
        let line: Json = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        line["size"].as_u64()
    };
    assert_eq!(size(), Some(3));
    // Somebody else publishes meanwhile, without asking; the next look finds it.
    fs::write(
        stage.path("page.html"),
        "<!doctype html><title>Terms</title><h1>Terms</h1><p>Other words altogether.</p>",
    )
    .unwrap();
    assert_eq!(stage.run(["capture", "page.html", "--offline"]).code, Some(0));
    assert_eq!(size(), Some(5));
    child.kill().unwrap();
    child.wait().unwrap();
}
