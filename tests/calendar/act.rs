//! `affiant timestamp --calendar`, from a promise to a verdict that says when.

use std::fs;

use affiant::base::hash::Hash;
use serde_json::Value as Json;

use super::{Calendar, files};
use crate::authority::act::{capture, finding};
use crate::stage::{Ran, Stage};

fn said(ran: &Ran, check: &str) -> String {
    let finding = finding(ran, check);
    format!("{} {} {}", finding["result"].as_str().unwrap(), finding["expected"], finding["found"])
}

#[test]
fn a_checkpoint_is_promised_completed_and_verified() {
    let Some(calendar) = Calendar::start() else { return };
    let stage = Stage::new();
    let first = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    let url = calendar.url();
    let handed = stage.run(["timestamp", "--calendar", &url, "--remember"]);
    assert_eq!(handed.code, Some(0), "{}", handed.remarks);
    assert_eq!((&handed.lines[0]["state"], &handed.lines[0]["size"]), (&Json::from("pending"), &Json::from(3)));
    let folder = stage.path("archive/anchors/3");
    assert_eq!(files(&folder, ".ots").len(), 1);

    // Pending is said to be so, by everybody, and shows nothing.
    let verified = stage.run(["verify", &first]);
    assert_eq!(verified.code, Some(0), "{:?}", verified.lines);
    assert!(said(&verified, "not-after").starts_with("not-shown"), "{}", said(&verified, "not-after"));
    assert!(said(&verified, "not-after").contains("pending: `http://127.0.0.1"), "{}", said(&verified, "not-after"));
    let upgraded = stage.run(["timestamp", "--upgrade"]);
    assert_eq!((upgraded.code, &upgraded.lines[0]["state"]), (Some(0), &Json::from("pending")), "{}", upgraded.remarks);
    let doctor = stage.run(["doctor"]);
    let advice = doctor.lines.iter().find(|line| line["about"] == "calendars").unwrap();
    assert!(
        advice["severity"] == "weak" && advice["found"].as_str().unwrap().contains("1 proof(s) pending"),
        "{advice}"
    );
    stage.assert_clean("with a pending proof");

    // On the main chain nobody takes a block that a laptop makes: nothing is kept of it.
    let height = calendar.mine();
    let refused = stage.run(["timestamp", "--upgrade", "--bitcoin-node", &calendar.node()]);
    assert_eq!(refused.code, Some(1), "{:?}", refused.lines);
    assert!(refused.remarks.contains("a header of little work"), "{}", refused.remarks);
    fs::write(stage.path("keys/blocks"), "network regtest\n").unwrap();

    // Without a node the proof is complete, and needs a header.
    let completed = stage.run(["timestamp", "--upgrade"]);
    assert_eq!((completed.code, &completed.lines[0]["block"]), (Some(0), &Json::from(height)), "{}", completed.remarks);
    let verified = stage.run(["verify", &first]);
    assert!(said(&verified, "not-after").contains("it needs a header"), "{}", said(&verified, "not-after"));
    let doctor = stage.run(["doctor"]);
    let advice = doctor.lines.iter().find(|line| line["about"] == "calendars").unwrap();
    assert!(advice["found"].as_str().unwrap().contains("the header of block 1 is not here"), "{advice}");
    assert!(said(&stage.run(["verify", &first, "--bitcoin-node", &calendar.node()]), "not-after").starts_with("holds"));

    // With one, the header is kept beside it; a header alone is no block that the reader knows.
    let completed = stage.run(["timestamp", "--upgrade", "--bitcoin-node", &calendar.node()]);
    assert_eq!(completed.code, Some(0), "{}", completed.remarks);
    assert!(completed.lines[0]["time"].is_string(), "{:?}", completed.lines);
    assert_eq!((files(&folder, ".ots").len(), files(&folder, ".header")), (1, vec!["bitcoin-1.header".to_owned()]));
    let verified = stage.run(["verify", &first]);
    assert!(said(&verified, "not-after").contains("look it up where you trust it"), "{}", said(&verified, "not-after"));

    // The reader looks the block up, and names it.
    fs::write(stage.path("mine.txt"), format!("network regtest\n# looked up\n{height} {}\n", calendar.block(height)))
        .unwrap();
    let verified = stage.run(["verify", &first, "--blocks", "mine.txt"]);
    assert!(said(&verified, "not-after").starts_with("holds"), "{}", said(&verified, "not-after"));
    let relies_on = finding(&verified, "not-after")["relies_on"].as_str().unwrap();
    assert!(relies_on.contains("a test chain") && relies_on.contains(&calendar.block(height)), "{relies_on}");

    // The next record names the header, which nobody could foresee.
    let second = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let header = fs::read(folder.join("bitcoin-1.header")).unwrap();
    let shown = stage.run(["show", &second]);
    assert_eq!(shown.lines[0]["after"]["tokens"], serde_json::json!([Hash::of(&header).to_string()]));
    let verified = stage.run(["verify", &second, "--blocks", "mine.txt"]);
    assert!(said(&verified, "not-before").starts_with("holds"), "{}", said(&verified, "not-before"));
    // The log commits to the proof and to the header.
    let anchor = stage.run(["list", "--kind", "anchor"]).texts("id").remove(0);
    let shown = stage.run(["show", &anchor]);
    let kinds: Vec<&str> =
        shown.lines[0]["proofs"].as_array().unwrap().iter().map(|proof| proof["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["opentimestamps", "bitcoin-header"], "{:?}", shown.lines);
    stage.assert_clean("with a complete proof");
}

#[test]
fn a_bundle_carries_proof_and_header_and_each_forgery_is_named() {
    let Some(calendar) = Calendar::start() else { return };
    let stage = Stage::new();
    let id = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    assert_eq!(stage.run(["timestamp", "--calendar", &calendar.url()]).code, Some(0));
    let height = calendar.mine();
    fs::write(stage.path("keys/blocks"), format!("network regtest\n{height} {}\n", calendar.block(height))).unwrap();
    let upgraded =
        stage.run(["timestamp", "--upgrade", "--calendar", &calendar.url(), "--bitcoin-node", &calendar.node()]);
    assert_eq!(upgraded.code, Some(0), "{}", upgraded.remarks);
    capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    assert_eq!(stage.run(["bundle", &id, "-o", "bundle.zip"]).code, Some(0));
    let verified = stage.run(["verify", "bundle.zip"]);
    assert_eq!(verified.code, Some(0), "{:?}", verified.lines);
    assert!(said(&verified, "not-after").starts_with("holds"), "{}", said(&verified, "not-after"));

    if !["unzip", "sh", "ssh-keygen", "xxd"].into_iter().all(crate::interop::has) {
        return;
    }
    let folder = stage.path("bundle");
    let mut unzip = std::process::Command::new("unzip");
    crate::interop::accepted(unzip.arg("-q").arg(stage.path("bundle.zip")).arg("-d").arg(&folder));
    let script = || {
        let mut command = std::process::Command::new("sh");
        command.arg("verify.sh").arg("--trust").arg(stage.path("keys/policy")).current_dir(&folder);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, said_there) = script();
    assert!(code == Some(0) && said_there.contains("ots verify -f data/anchors/3/checkpoint"), "{said_there}");
    let page = fs::read_to_string(folder.join("VERIFY.md")).unwrap();
    assert!(page.contains("ots verify -f data/anchors/3/checkpoint data/anchors/3/127.0.0.1-"), "{page}");

    let anchors = folder.join("data/anchors/3");
    let proof = anchors.join(files(&anchors, ".ots").remove(0));
    let header = anchors.join("bitcoin-1.header");
    let whole = fs::read(&proof).unwrap();
    let mut other_digest = whole.clone();
    other_digest[40] ^= 1;
    let mut other_time = fs::read(&header).unwrap();
    other_time[68] ^= 1;
    // What stands in whose place, and the word of the check that fails besides the seal's.
    let cases = [
        (anchors.join(format!("x-{}.ots", Hash::of(&other_digest).short())), other_digest, "not over the file"),
        (header, other_time, "the block at height 1 that you know is"),
    ];
    for (path, bytes, word) in cases {
        let before = fs::read(&path).ok();
        fs::write(&path, bytes).unwrap();
        let ran = stage.run(["verify".as_ref(), folder.as_os_str()]);
        let told = ran.lines[0]["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "not-after");
        let told = told.unwrap().to_string();
        eprintln!("{}: {told}", path.display());
        assert!(ran.code == Some(3) && told.contains("\"fails\"") && told.contains(word), "{told}");
        assert_eq!(script().0, Some(3), "{}", path.display());
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    assert_eq!(stage.run(["verify".as_ref(), folder.as_os_str()]).code, Some(0));

    // In the archive the same is damage.
    let kept = stage.path("archive/anchors/3");
    let kept = kept.join(files(&kept, ".ots").remove(0));
    let mut damaged = fs::read(&kept).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&kept, damaged).unwrap();
    let audit = stage.run(["audit"]);
    assert!(audit.code == Some(3) || audit.code == Some(6), "{:?}", audit.code);
    assert!(audit.lines.iter().any(|line| line.to_string().contains(".ots")), "{:?}", audit.lines);
}

#[test]
fn what_a_calendar_gets_wrong_is_refused_and_pending_is_never_lost() {
    let Some(authority) = crate::authority::Authority::start("Not a calendar") else { return };
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    // An authority answers with something else; nobody listens; an address is none.
    for (url, code, word) in [
        (authority.url().to_owned(), 1, "status"),
        ("http://127.0.0.1:9".to_owned(), 1, "no reply"),
        ("calendar.example".to_owned(), 2, "not an address"),
    ] {
        let ran = stage.run(["timestamp", "--calendar", &url]);
        eprintln!("{url}: {}", ran.remarks.trim());
        assert_eq!(ran.code, Some(code), "{}", ran.remarks);
        assert!(word == "status" || ran.remarks.contains(word), "{}", ran.remarks);
    }
    assert!(!stage.path("archive/anchors/3").exists());
    let ran = stage.run(["timestamp", "--calendar", "http://127.0.0.1:9", "--offline"]);
    assert_eq!(ran.code, Some(7));
}
