//! Kills: a real child that captures, killed at any moment, again and again over one archive.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use affiant::archivist::audit::{Known, audit};
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::base::hash::Hash;
use affiant::outside::archive::Archive;
use affiant::outside::archive::index::Index;
use affiant::outside::archive::stop::Stop;
use affiant::outside::keys::Keyring;
use serde_json::Value as Json;

use super::life::copy;

use crate::robust::noise;
use crate::stage::Stage;

/// How often a child is killed, unless `AFFIANT_KILLS` says otherwise.
const KILL_COUNT: u64 = 40;

/// How many files each child captures: more than it lives to.
const FILE_COUNT: usize = 60;

/// After how many kills the whole archive is audited.
const AUDIT_EVERY: u64 = 20;

/// How many entries the index may not know any more when a process was killed, by its page.
const LEARNT_AGAIN_COUNT_MAX: u64 = 32_768;

#[test]
fn a_killed_process_leaves_few_entries_to_learn_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut index = Index::open(&folder.path().join("living"), Stop::default()).unwrap();
    let last = 10 * LEARNT_AGAIN_COUNT_MAX;
    for size in (0..=last).step_by(4096) {
        index.cover(size, Hash::of(b"root")).unwrap();
    }
    copy(&folder.path().join("living"), &folder.path().join("left")); // What lies there is what a killed process leaves.
    let left = Index::open(&folder.path().join("left"), Stop::default()).unwrap();
    let (size, _) = left.covered().unwrap();
    assert!(last - size <= LEARNT_AGAIN_COUNT_MAX, "{size} of {last}");
}

#[test]
fn no_kill_takes_back_what_was_reported() {
    let kills = std::env::var("AFFIANT_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(KILL_COUNT);
    let stage = Stage::new();
    let (mut reported, mut journals) = (0, 0);
    for round in 0..kills {
        let ids = killed(&stage, round);
        reported += ids.len();
        let left = std::fs::metadata(stage.path("archive/journal")).map_or(0, |metadata| metadata.len());
        journals += u64::from(left > 0);
        hold(&stage.path("archive"), &ids, round);
        if round % AUDIT_EVERY == AUDIT_EVERY - 1 || round + 1 == kills {
            // Before anything mends it, and after the next writer has.
            assert_clean(&stage, round);
            let list = targets(&stage, kills + round, 1);
            let next = stage.run(["capture", "--quiet", "--from"].into_iter().chain(list.to_str()));
            assert_eq!(next.code, Some(0), "round {round}: {}", next.remarks);
            assert!(!stage.path("archive/journal").exists(), "round {round}");
            assert_clean(&stage, round);
        }
    }
    eprintln!("{kills} kills, {journals} of them left a journal; {reported} reported records, all there");
    assert!(journals > kills / 10, "the kills came too late: {journals}");
}

/// Writes files that are like no others.
fn targets(stage: &Stage, round: u64, count: usize) -> std::path::PathBuf {
    let write = |n: usize| {
        let name = stage.path(&format!("file-{n}.bin"));
        let size = if n.is_multiple_of(7) { 90_000 } else { 300 };
        std::fs::write(&name, noise(round * 1000 + u64::try_from(n).unwrap(), size)).unwrap();
        name.display().to_string()
    };
    stage.list((0..count).map(write))
}

/// Runs a capture, kills it, and returns the ids that it reported.
fn killed(stage: &Stage, round: u64) -> Vec<String> {
    let list = targets(stage, round, FILE_COUNT);
    let mut command = stage.program(["capture", "--json", "--jobs", "2", "--from"]);
    let mut child = command.arg(list).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let chance = u64::from_le_bytes(noise(round + 1, 8).try_into().unwrap());
    let waited = usize::try_from(chance % 24).unwrap();
    let mut ids: Vec<String> = Vec::new();
    let id = |line: String| Some(serde_json::from_str::<Json>(&line).ok()?["id"].as_str()?.to_owned());
    ids.extend(lines.by_ref().take(waited).map_while(Result::ok).filter_map(id));
    // Some moments lie between two reports, or before the first.
    std::thread::sleep(Duration::from_micros((chance / 24 % 60_000) >> (chance / 1_440_000 % 8)));
    child.kill().unwrap();
    ids.extend(lines.map_while(Result::ok).filter_map(id));
    child.wait().unwrap();
    ids
}

/// Reads what was reported, as a reader does before any writer comes.
fn hold(folder: &Path, ids: &[String], round: u64) {
    if ids.is_empty() {
        return;
    }
    let archive = Archive::open(folder).unwrap();
    let (log, _) = Log::published(&archive).unwrap();
    for id in ids {
        let (entry, _) = log.find(id).unwrap_or_else(|error| panic!("round {round}: {id}: {error}"));
        for blob in entry.record.body.visit().iter().flat_map(|visit| visit.blobs()) {
            archive.packs().read(blob).unwrap_or_else(|error| panic!("round {round}: {id}: {error}"));
        }
    }
}

fn assert_clean(stage: &Stage, round: u64) {
    let archive = Archive::open(&stage.path("archive")).unwrap();
    let known = Known::of(&Keyring::new(&stage.path("keys"))).unwrap();
    let report = audit(&archive, &known, &Silent);
    assert!(report.is_clean(), "round {round}: {:#?}", report.damage);
}
