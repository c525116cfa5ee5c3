//! Withdrawing: the bytes are gone from every file, every proof stands, and nothing else is lost.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value as Json;

use affiant::archivist::audit::{Known, audit};
use affiant::archivist::init::{Naming, Opened, open_or_create};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::archivist::withdraw::{Records, Sharing, WithdrawOrder, expired, plan, withdraw};
use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::evidence::record::Manner;
use affiant::outside::archive::Archive;
use affiant::outside::archive::packs::PackError;

use crate::stage::{Ran, Stage};

const REASON: [&str; 4] = ["--reason", "erasure asked for, GDPR Art. 17", "--authority", "J. Doe, DPO"];

/// A stage with captures of one page, each with words of its own.
struct Yard {
    stage: Stage,
    ids: Vec<String>,
}

impl Yard {
    fn new(words: &[&str]) -> Self {
        let mut yard = Self { stage: Stage::new(), ids: Vec::new() };
        for words in words {
            let id = yard.capture("page.html", words);
            yard.ids.push(id);
        }
        yard
    }

    fn capture(&self, name: &str, words: &str) -> String {
        let clauses = (0..30).map(|n| format!("<p>Clause {n}: {words}, as agreed.</p>\n")).collect::<Vec<_>>().concat();
        fs::write(self.stage.path(name), format!("<html><body><h1>Terms</h1>\n{clauses}</body></html>")).unwrap();
        let ran = self.stage.run(["capture", name]);
        assert_eq!(ran.code, Some(0), "{}", ran.remarks);
        ran.texts("id").remove(0)
    }

    fn withdraw(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["withdraw"];
        all.extend(arguments);
        all.extend(REASON);
        self.stage.run(all)
    }

    fn show(&self, arguments: &[&str]) -> Ran {
        self.stage.run(["show"].iter().chain(arguments))
    }

    fn verify(&self, what: &str) -> Json {
        let ran = self.stage.run(["verify", what]);
        ran.lines.into_iter().next().unwrap_or_else(|| panic!("{}", ran.remarks))
    }

    fn archive(&self) -> PathBuf {
        self.stage.path("archive")
    }
}

/// Says whether any file under a folder holds some words, as they lie or behind zstd.
fn holds(folder: &Path, words: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(holds(&entry.path(), words));
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        let has = |bytes: &[u8]| bytes.windows(words.len()).any(|window| window == words.as_bytes());
        // Every place at which a zstd frame may begin, whatever the file says of itself.
        let magic = [0x28, 0xb5, 0x2f, 0xfd];
        let frames = bytes.windows(4).enumerate().filter(|(_, window)| *window == magic).map(|(at, _)| at);
        let decoded = |at: usize| {
            let mut decoded = Vec::new();
            let _ = zstd::Decoder::new(&bytes[at..]).unwrap().single_frame().read_to_end(&mut decoded);
            decoded
        };
        if has(&bytes) || frames.into_iter().any(|at| has(&decoded(at))) {
            found.push(entry.path());
        }
    }
    found
}

fn finding<'r>(report: &'r Json, check: &str) -> &'r Json {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check).unwrap()
}

#[test]
fn erased_bytes_are_in_no_file_and_every_proof_stands() {
    let yard = Yard::new(&["we may change these terms", "the MARKER of a secret", "nothing changes"]);
    assert!(!holds(&yard.archive(), "MARKER of a").is_empty(), "the search finds what is there");
    let checkpoint = fs::read(yard.stage.path("archive/checkpoint")).unwrap();
    let before = yard.verify(&yard.ids[1]);
    assert_eq!(finding(&before, "content")["result"], "holds");
    let entry = yard.show(&[&yard.ids[1]]).lines[0]["entry"].clone();

    let ran = yard.withdraw(&[&yard.ids[1], "--dry-run"]);
    assert_eq!((ran.code, &ran.lines[0]["id"]), (Some(0), &Json::Null), "{}", ran.remarks);
    assert_eq!(fs::read(yard.stage.path("archive/checkpoint")).unwrap(), checkpoint, "a dry run does nothing");
    let ran = yard.withdraw(&[&yard.ids[1]]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let withdrawal = ran.lines[0]["id"].as_str().unwrap().to_owned();
    assert!(withdrawal.starts_with("AF-W-"));
    assert_eq!(holds(&yard.archive(), "MARKER of a"), <[PathBuf; 0]>::default());

    yard.stage.assert_clean("after erasing");
    assert_eq!(yard.show(&[&yard.ids[1]]).lines[0]["entry"], entry, "the entry stands");
    for arguments in [[yard.ids[1].as_str(), "--text"], [yard.ids[1].as_str(), "--body"]] {
        let ran = yard.show(&arguments);
        assert_eq!(ran.code, Some(1));
        let said = ["erased", "GDPR Art. 17", "J. Doe, DPO", withdrawal.as_str()];
        assert!(
            said.iter().all(|said| ran.remarks.contains(said)) && !ran.remarks.contains("missing"),
            "{}",
            ran.remarks
        );
    }
    let report = yard.verify(&yard.ids[1]);
    assert_eq!(report["verdict"], "verified-with-gaps");
    assert_eq!(finding(&report, "content")["result"], "not-shown");
    assert!(finding(&report, "content")["found"].as_str().unwrap().contains(&format!("erased by {withdrawal}")));
    for check in ["signature", "inclusion", "checkpoint", "history"] {
        assert_eq!(finding(&report, check)["result"], "holds", "{check}");
    }
    for other in [&yard.ids[0], &yard.ids[2]] {
        assert_eq!(finding(&yard.verify(other), "content")["result"], "holds", "{other}");
    }
    let listed = yard.stage.run(["list"]).lines;
    let of = |id: &str| listed.iter().find(|line| line["id"] == id).unwrap();
    assert_eq!(of(&yard.ids[1])["withdrawn"][0]["by"], withdrawal.as_str());
    assert_eq!(of(&yard.ids[0])["withdrawn"], Json::Null);
    let ran = yard.withdraw(&[&yard.ids[1]]);
    assert!(ran.code == Some(1) && ran.remarks.contains("nothing left to withdraw"), "{}", ran.remarks);
}

#[test]
fn a_bundle_of_a_withdrawn_capture_carries_the_withdrawal() {
    let yard = Yard::new(&["we may change these terms", "the MARKER of a secret"]);
    yard.stage.run(["bundle", &yard.ids[1], "-o", "whole.zip"]);
    assert_eq!(yard.withdraw(&[&yard.ids[1]]).code, Some(0));
    let ran = yard.stage.run(["bundle", &yard.ids[1], "-o", "withdrawn.zip"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let report = yard.verify("withdrawn.zip");
    assert_eq!(
        (&report["verdict"], &finding(&report, "files")["result"]),
        (&"verified-with-gaps".into(), &"holds".into())
    );
    assert_eq!(finding(&report, "content")["result"], "not-shown");
    // What was handed out before stays what it was.
    assert_eq!(finding(&yard.verify("whole.zip"), "content")["result"], "holds");

    // Without the withdrawal, or with a forged one, what is absent is missing.
    let names = unzip(&yard.stage, "withdrawn.zip", "open");
    let withdrawal = names.iter().find(|name| name.contains("-w-") && name.ends_with("record.cbor")).unwrap();
    let folder = yard.stage.path("open").join(withdrawal).parent().unwrap().to_owned();
    assert_eq!(yard.verify("open")["verdict"], "verified-with-gaps");
    let record = folder.join("record.cbor");
    let whole = fs::read(&record).unwrap();
    for bit in (0..whole.len() * 8).step_by(61) {
        let mut forged = whole.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&record, forged).unwrap();
        let verdict = yard.verify("open")["verdict"].clone();
        assert!(verdict == "failed" || verdict == "cannot-tell", "bit {bit}: {verdict}");
    }
    fs::remove_dir_all(&folder).unwrap();
    let report = yard.verify("open");
    assert_eq!(report["verdict"], "cannot-tell", "{report:#}");
    assert!(finding(&report, "content")["found"].as_str().unwrap().contains("without"), "{report:#}");
    script(&yard, "withdrawn.zip");
}

/// The script in the bundle knows withdrawn content from missing content.
fn script(yard: &Yard, bundle: &str) {
    unzip(&yard.stage, bundle, "scripted");
    let key = yard.stage.path("keys/archive.pub");
    let run = || {
        let mut command = std::process::Command::new("sh");
        command.arg("verify.sh").arg("--trust").arg(&key).current_dir(yard.stage.path("scripted"));
        command.output().unwrap()
    };
    let output = run();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("withdrawn"), "{text}");
}

fn unzip(stage: &Stage, bundle: &str, folder: &str) -> Vec<String> {
    let status = std::process::Command::new("unzip")
        .args(["-q", "-o", "-d"])
        .arg(stage.path(folder))
        .arg(stage.path(bundle))
        .status()
        .unwrap();
    assert!(status.success());
    let mut names = Vec::new();
    let mut folders = vec![stage.path(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                names.push(entry.path().strip_prefix(stage.path(folder)).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    names
}

#[test]
fn a_record_can_go_too_and_the_chain_goes_on_past_it() {
    let yard = Yard::new(&["first words", "the MARKER of a secret", "third words"]);
    let ran = yard.withdraw(&[&yard.ids[1], "--record"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let withdrawal = ran.lines[0]["id"].as_str().unwrap().to_owned();
    yard.stage.assert_clean("after erasing a record");
    let ran = yard.show(&[&yard.ids[1]]);
    assert!(ran.code == Some(1) && ran.remarks.contains(&format!("erased by {withdrawal}")), "{}", ran.remarks);
    let listed = yard.stage.run(["list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.remarks);
    assert!(
        listed.lines.iter().any(|line| line["id"] == yard.ids[1].as_str() && line["withdrawn"][0]["record"] == true)
    );
    let logged = yard.stage.run(["log", &yard.ids[0]]);
    assert_eq!((logged.code, logged.texts("id").len()), (Some(0), 3), "{}", logged.remarks);

    let report = yard.verify(&yard.ids[1]);
    assert_eq!(report["verdict"], "verified-with-gaps", "{report:#}");
    assert_eq!(finding(&report, "content")["result"], "not-shown");
    assert_eq!(finding(&report, "inclusion")["result"], "holds");
    let after = yard.verify(&yard.ids[2]);
    assert_eq!(
        (&after["verdict"], &finding(&after, "history")["result"]),
        (&"verified-with-gaps".into(), &"not-shown".into())
    );
    assert!(finding(&after, "history")["found"].as_str().unwrap().contains(&withdrawal), "{after:#}");
    for id in &yard.ids[1..] {
        let ran = yard.stage.run(["bundle", id, "--force", "-o", "b.zip"]);
        assert_eq!(ran.code, Some(0), "{}", ran.remarks);
        let report = yard.verify("b.zip");
        assert_eq!(
            (&report["verdict"], &finding(&report, "files")["result"]),
            (&"verified-with-gaps".into(), &"holds".into()),
            "{report:#}"
        );
    }
    // The index is made anew past the record that is gone, and the next capture follows the right one.
    fs::remove_dir_all(yard.stage.path("archive/index")).unwrap();
    let next = yard.capture("page.html", "fourth words");
    assert_eq!(yard.show(&[&next]).lines[0]["sequence"], 4);
    yard.stage.assert_clean("after another capture");
}

#[test]
fn a_newest_capture_whose_record_is_gone_is_still_the_one_before_the_next() {
    let yard = Yard::new(&["first words", "the MARKER of a secret"]);
    assert_eq!(yard.withdraw(&[&yard.ids[1], "--record"]).code, Some(0));
    fs::remove_dir_all(yard.stage.path("archive/index")).unwrap();
    let next = yard.capture("page.html", "first words");
    assert!(next.starts_with("AF-C-"), "what stands before a withdrawn capture is not confirmed: {next}");
    assert_eq!(yard.show(&[&next]).lines[0]["sequence"], 3);
    yard.stage.assert_clean("after another capture");
}

#[test]
fn withheld_bytes_are_kept_apart_and_not_shown() {
    let yard = Yard::new(&["first words", "the MARKER of a secret"]);
    let ran = yard.withdraw(&[&yard.ids[1], "--withhold"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let found = holds(&yard.archive(), "MARKER of a");
    assert!(
        !found.is_empty() && found.iter().all(|path| path.starts_with(yard.stage.path("archive/withheld"))),
        "{found:?}"
    );
    yard.stage.assert_clean("after withholding");
    let ran = yard.show(&[&yard.ids[1], "--text"]);
    assert!(ran.code == Some(7) && ran.remarks.contains("withheld by AF-W-"), "{}", ran.remarks);
    assert!(finding(&yard.verify(&yard.ids[1]), "content")["found"].as_str().unwrap().contains("withheld by"));
    // What is withheld and lost is damage.
    let pack = yard.stage.path("archive/withheld/00000001.pack");
    let whole = fs::read(&pack).unwrap();
    fs::remove_file(&pack).unwrap();
    let ran = yard.stage.run(["audit"]);
    assert!(ran.code == Some(3) && ran.lines[0]["damage"].as_array().unwrap().len() == 2, "{:?}", ran.lines);
    fs::write(&pack, whole).unwrap();
    // And it may be erased later.
    assert_eq!(yard.withdraw(&[&yard.ids[1]]).code, Some(0));
    assert_eq!(holds(&yard.archive(), "MARKER of a"), <[PathBuf; 0]>::default());
    yard.stage.assert_clean("after erasing what was withheld");
}

#[test]
fn a_shared_page_is_refused_until_all_are_named() {
    let yard = Yard::new(&["the MARKER of a secret"]);
    let check = yard.capture("page.html", "the MARKER of a secret");
    assert!(check.starts_with("AF-V-"));
    let copy = yard.capture("copy.html", "the MARKER of a secret");
    let ran = yard.withdraw(&[&yard.ids[0]]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.remarks.contains(&check) && ran.remarks.contains(&copy), "{}", ran.remarks);
    let ran = yard.withdraw(&[&yard.ids[0], &check]);
    assert!(ran.code == Some(1) && ran.remarks.contains(&copy) && !ran.remarks.contains(&check), "{}", ran.remarks);
    let ran = yard.withdraw(&[&yard.ids[0], "--shared"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let included: BTreeSet<&str> =
        ran.lines[0]["included"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
    assert_eq!(included, BTreeSet::from([check.as_str(), copy.as_str()]));
    assert_eq!(holds(&yard.archive(), "MARKER of a"), <[PathBuf; 0]>::default());
    yard.stage.assert_clean("after erasing a shared page");
    for id in [&yard.ids[0], &check, &copy] {
        assert_eq!(finding(&yard.verify(id), "content")["result"], "not-shown", "{id}");
    }
}

#[test]
fn the_same_bytes_captured_again_are_the_later_captures() {
    let yard = Yard::new(&["the MARKER of a secret"]);
    assert_eq!(yard.withdraw(&[&yard.ids[0]]).code, Some(0));
    let again = yard.capture("page.html", "the MARKER of a secret");
    assert!(again.starts_with("AF-C-"), "a withdrawn capture confirms nothing: {again}");
    yard.stage.assert_clean("after capturing again");
    assert_eq!(yard.show(&[&again, "--text"]).code, Some(0));
    let ran = yard.show(&[&yard.ids[0], "--text"]);
    assert!(ran.code == Some(1) && ran.remarks.contains("erased by"), "{}", ran.remarks);
    assert_eq!(finding(&yard.verify(&yard.ids[0]), "content")["result"], "not-shown");
    assert_eq!(finding(&yard.verify(&again), "content")["result"], "holds");
    let ran = yard.stage.run(["withdraw", "--resume"]);
    assert_eq!(ran.lines[0]["erased_members"], 0, "what was captured again stays");
    assert_eq!(yard.show(&[&again, "--text"]).code, Some(0));
    let quoted = yard.stage.run(["quote", &yard.ids[0], "Clause 7: the MARKER of a secret"]);
    assert!(quoted.code == Some(1) && quoted.remarks.contains("erased by"), "{}", quoted.remarks);
    // An index that is made anew comes to the same.
    fs::remove_file(yard.stage.path("archive/withdrawn")).unwrap();
    fs::remove_dir_all(yard.stage.path("archive/index")).unwrap();
    let ran = yard.show(&[&yard.ids[0], "--text"]);
    assert!(ran.code == Some(1) && ran.remarks.contains("erased by"), "the list is only a hint: {}", ran.remarks);
    yard.capture("page.html", "other words");
    assert_eq!(yard.show(&[&again, "--text"]).code, Some(0));
    yard.stage.assert_clean("after making the list anew");
    // The later capture may be withdrawn as well.
    assert_eq!(yard.withdraw(&[&again]).code, Some(0));
    assert_eq!(holds(&yard.archive(), "MARKER of a"), <[PathBuf; 0]>::default());
    yard.stage.assert_clean("after withdrawing that too");
}

#[test]
fn a_withdrawal_hides_no_damage() {
    let yard = Yard::new(&["first words", "the MARKER of a secret"]);
    let text = yard.show(&[&yard.ids[1]]).lines[0]["renditions"][0]["sha256"].as_str().unwrap().to_owned();
    let whole = fs::read(yard.stage.path("archive/packs/00000001.pack")).unwrap();
    let hash: Hash = text.parse().unwrap();
    let at = whole.windows(32).position(|window| window == hash.as_bytes()).unwrap();
    let mut damaged = whole.clone();
    damaged[at + 60] ^= 1;
    fs::write(yard.stage.path("archive/packs/00000001.pack"), &damaged).unwrap();
    let ran = yard.withdraw(&[&yard.ids[1]]);
    assert!(ran.code == Some(6) && ran.remarks.contains("would hide that"), "{}", ran.remarks);
    assert_eq!(yard.stage.run(["audit"]).code, Some(3));
}

#[test]
fn a_hold_forbids_withdrawing_until_it_is_released() {
    let yard = Yard::new(&["first words", "second words"]);
    let document = yard.stage.run(["list", "--kind", "document"]).texts("id").remove(0);
    let ran = yard.stage.run(["hold", &document, "--reason", "matter 2026-14", "--authority", "counsel"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let hold = ran.lines[0]["id"].as_str().unwrap().to_owned();
    let later = yard.capture("page.html", "third words");
    for id in [&yard.ids[0], &later] {
        let ran = yard.withdraw(&[id]);
        assert!(ran.code == Some(7) && ran.remarks.contains(&hold), "{}", ran.remarks);
    }
    let other = yard.capture("other.html", "fourth words");
    assert_eq!(yard.withdraw(&[&other]).code, Some(0), "another document is not held");
    yard.stage.assert_clean("while held");
    let ran = yard.stage.run(["hold", "--release", &hold, "--reason", "settled"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let ran = yard.stage.run(["hold", "--release", &hold, "--reason", "settled"]);
    assert!(ran.code == Some(1) && ran.remarks.contains("released already"), "{}", ran.remarks);
    assert_eq!(yard.withdraw(&[&yard.ids[0]]).code, Some(0));
    yard.stage.assert_clean("after the release");
}

#[test]
fn retention_rules_withdraw_what_they_no_longer_keep() {
    let yard = Yard::new(&["the MARKER of a secret", "second words"]);
    let settings = yard.stage.path("archive/archive.toml");
    let created = fs::read_to_string(&settings).unwrap();
    let rule = |keep: &str| {
        let rule = format!("\n[[retention]]\nname = \"pages\"\naddress = \"*/page.html\"\nkeep = \"{keep}\"\n");
        fs::write(&settings, format!("{created}{rule}")).unwrap();
    };
    let ran = yard.stage.run(["withdraw", "--expired"]);
    assert!(ran.code == Some(2) && ran.remarks.contains("no retention rules"), "{}", ran.remarks);
    rule("7 yaers");
    let ran = yard.stage.run(["withdraw", "--expired"]);
    assert!(ran.code == Some(6) && ran.remarks.contains("found `7 yaers`"), "{}", ran.remarks);
    rule("7 years");
    let ran = yard.stage.run(["withdraw", "--expired"]);
    assert!(ran.code == Some(0) && ran.lines.is_empty(), "{:?}", ran.lines);
    let ran = yard.stage.run(["audit"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.lines[0]["notes"][0].as_str().unwrap().contains("retention rules, the operator's own"),
        "{:?}",
        ran.lines
    );
    let ran = yard.withdraw(&["--expired"]);
    assert_eq!(ran.code, Some(2), "a rule is its own reason");

    // Eight years on, all of it has expired, but for what is held and what is captured anew.
    let other = yard.capture("other.html", "the MARKER of another");
    let copy = yard.capture("copy.html", "second words");
    let held = yard.capture("page.html", "held words");
    yard.stage.run(["hold", &held, "--reason", "matter 2026-14"]);
    let opened = || {
        let places = Places { archive: yard.archive(), keys: yard.stage.path("keys") };
        open_or_create(&places, &Naming::default(), None, Time::from_seconds(2_000_000_000).unwrap(), &Silent).unwrap()
    };
    let later: Time = "2040-01-01T00:00:00Z".parse().unwrap();
    let Opened { archive, mut appender, .. } = opened();
    let found = expired(&Log::at(&archive, appender.published_size()), "the rules", later, &Silent).unwrap();
    let postponed: Vec<String> = found.postponed.iter().map(|postponed| postponed.id.to_string()).collect();
    assert_eq!(
        BTreeSet::from_iter(postponed),
        BTreeSet::from([held.clone(), yard.ids[1].clone()]),
        "{copy} names it too"
    );
    assert_eq!(found.plans.len(), 1);
    for (rule, plan) in found.plans {
        assert_eq!((rule.as_str(), plan.withdrawal.rule.as_deref()), ("pages", Some("pages")));
        withdraw(&mut appender, plan, later).unwrap();
    }
    let found = expired(&Log::at(&archive, appender.published_size()), "the rules", later, &Silent).unwrap();
    assert_eq!(found.plans.len(), 0, "nothing expires twice");
    drop(appender);
    assert_eq!(holds(&yard.archive(), "MARKER of a secret"), <[PathBuf; 0]>::default());
    assert_eq!(yard.show(&[&other, "--text"]).code, Some(0), "no rule is for it");
    assert_eq!(yard.show(&[&held, "--text"]).code, Some(0));
    assert_eq!(yard.show(&[&yard.ids[0], "--text"]).code, Some(1));
    yard.stage.assert_clean("after what expired is gone");
}

/// What a crash leaves between the publication of a withdrawal and its last step, the next writing command finishes.
#[test]
fn a_withdrawal_that_was_cut_short_is_finished_by_the_next_writer() {
    for with_list in [false, true] {
        let yard = Yard::new(&["first words", "the MARKER of a secret"]);
        let packs = yard.stage.path("archive/packs");
        let before: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(&packs)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        assert_eq!(yard.withdraw(&[&yard.ids[1]]).code, Some(0));
        // The old segments are there still, beside the new one.
        for (path, bytes) in &before {
            fs::write(path, bytes).unwrap();
        }
        if !with_list {
            fs::remove_file(yard.stage.path("archive/withdrawn")).unwrap();
        }
        assert!(!holds(&yard.archive(), "MARKER of a").is_empty());
        let ran = yard.show(&[&yard.ids[1], "--text"]);
        assert!(ran.code == Some(1) && ran.remarks.contains("erased by"), "it is not shown: {}", ran.remarks);
        let ran = yard.stage.run(["audit"]);
        assert_eq!(ran.code, Some(0));
        let notes = ran.lines[0]["notes"].to_string();
        assert!(notes.contains("2 blob(s) that AF-W-000004") && notes.contains("withdraw --resume"), "{notes}");
        if with_list {
            // The list says that it is done, as after an older copy was brought back.
            let ran = yard.stage.run(["withdraw", "--resume"]);
            assert_eq!((ran.code, &ran.lines[0]["erased_members"]), (Some(0), &2.into()), "{}", ran.remarks);
        } else {
            yard.capture("other.html", "other words");
        }
        assert_eq!(holds(&yard.archive(), "MARKER of a"), <[PathBuf; 0]>::default(), "{with_list}");
        yard.stage.assert_clean("after finishing");
    }
}

/// Reads the page of each capture, or else the withdrawal that says why it is gone.
fn read_each(archive: &Archive, captures: &[(u64, Hash)], blobs: &AtomicUsize, withdrawals: &AtomicUsize) {
    for (index, blob) in captures {
        let (log, _) = Log::published(archive).unwrap();
        log.entry(*index).unwrap();
        match archive.packs().read(*blob) {
            Ok(bytes) => {
                assert_eq!(Hash::of(&bytes), *blob);
                blobs.fetch_add(1, Ordering::Relaxed);
            }
            // Gone, and by then the log says why.
            Err(PackError::Missing { .. }) => {
                let (log, _) = Log::published(archive).unwrap();
                assert!(log.withdrawal_of(*index, *blob).unwrap().is_some(), "{index}");
                withdrawals.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => panic!("{index}: {error:?}"),
        }
    }
}

/// A reader has the blob or the withdrawal, never anything else, while one capture after another is withdrawn.
#[test]
fn a_reader_beside_a_withdrawal_has_the_blob_or_the_withdrawal() {
    let words: Vec<String> = (0..12).map(|n| format!("words of version {n}")).collect();
    let yard = Yard::new(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let places = Places { archive: yard.archive(), keys: yard.stage.path("keys") };
    let now = Time::from_seconds(2_000_000_000).unwrap();
    let Opened { archive, mut appender, .. } = open_or_create(&places, &Naming::default(), None, now, &Silent).unwrap();
    let log = Log::at(&archive, appender.published_size());
    let captures: Vec<(u64, Hash)> = (0..log.size())
        .filter_map(|index| Some((index, log.entry(index).unwrap().record.body.visit()?.primary.sha256)))
        .collect();
    assert_eq!(captures.len(), 12);
    let is_over = AtomicBool::new(false);
    let (blobs, withdrawals, audits) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let read_on = || {
            while !is_over.load(Ordering::Relaxed) {
                read_each(&archive, &captures, &blobs, &withdrawals);
            }
        };
        let _readers = [scope.spawn(read_on), scope.spawn(read_on)];
        let (archive, over, audited) = (&archive, &is_over, &audits);
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let report = audit(archive, &Known::default(), &Silent);
                assert_eq!(report.damage, [], "{report:#?}");
                audited.fetch_add(1, Ordering::Relaxed);
            }
        });
        for (index, _) in captures.iter().step_by(2) {
            let log = Log::at(archive, appender.published_size());
            let order = WithdrawOrder {
                ids: vec![log.entry(*index).unwrap().id],
                blobs: Vec::new(),
                records: Records::Keep,
                manner: Manner::Erased,
                sharing: Sharing::Refuse,
                reason: "a test".into(),
                authority: "a test".into(),
                rule: None,
            };
            let plan = plan(&log, &order, &Silent).unwrap();
            withdraw(&mut appender, plan, now).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        is_over.store(true, Ordering::Relaxed);
    });
    let counts = [&blobs, &withdrawals, &audits].map(|count| count.load(Ordering::Relaxed));
    eprintln!("beside six withdrawals: blobs read, withdrawals met, audits: {counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}
