//! Second copies: backup, restore, heal, mirror, export, and the proof of a fork.
//!
//! Moments at which something is killed are chosen by how much it has written, never by the clock.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use affiant::archivist::audit::{Known, audit};
use affiant::archivist::heal::heal;
use affiant::archivist::init::{Naming, Opened, open_or_create};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::evidence::record::{Body, Document, Vantage};
use affiant::log::checkpoint::SignedCheckpoint;
use affiant::log::consistency::ConsistencyProof;
use affiant::log::fork::ForkProof;
use affiant::outside::archive::Archive;
use affiant::outside::archive::spool::Spool;
use affiant::outside::keys::Keyring;

use crate::folder::{Files, read, write};
use crate::robust::{SmallDisk, noise};
use crate::stage::{Ran, Stage};

/// How often a backup and a restore are killed.
const KILL_COUNT: u64 = 20;

/// How many places of each file are flipped.
const FLIP_COUNT: usize = 24;

/// The files that a second copy has, byte for byte: not the lock, nor what is derived.
fn promised(folder: &Path) -> Files {
    let mut files = read(folder);
    files.retain(|path, _| {
        path != "lock" && path != "withdrawn" && !path.starts_with("index/") && !path.starts_with("catalogue")
    });
    files
}

/// Asserts that a copy has every file, byte for byte, and nothing more than partial tiles that a kill left.
fn assert_copied(archive: &Path, copy: &Path) {
    let (archive, copy) = (promised(archive), promised(copy));
    let differs: Vec<&String> =
        archive.iter().filter(|(path, bytes)| copy.get(*path) != Some(bytes)).map(|(path, _)| path).collect();
    assert!(differs.is_empty(), "not copied: {differs:?}");
    let more: Vec<&String> = copy.keys().filter(|path| !archive.contains_key(*path) && !path.contains(".p/")).collect();
    assert!(more.is_empty(), "not in the archive: {more:?}");
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// Captures a page with these words, and returns its id.
fn capture(stage: &Stage, name: &str, words: &str) -> String {
    let page = format!("<html><body><h1>Terms</h1><p>{words}</p></body></html>");
    fs::write(stage.path(name), page).unwrap();
    capture_file(stage, name)
}

fn capture_file(stage: &Stage, name: &str) -> String {
    let ran = stage.run(["capture", name]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    ran.texts("id")[0].clone()
}

/// A stage with a history of three captures and a check.
fn stage() -> Stage {
    let stage = Stage::new();
    for words in ["first words", "second words", "second words", "third words"] {
        capture(&stage, "page.html", words);
    }
    stage
}

/// A stage with some megabytes in it that no compression makes smaller.
fn large_stage() -> Stage {
    let stage = stage();
    for seed in 0..6 {
        fs::write(stage.path("noise.bin"), noise(seed + 1, 1_500_000)).unwrap();
        capture_file(&stage, "noise.bin");
    }
    stage
}

fn done(ran: &Ran) -> &serde_json::Value {
    assert_eq!(ran.code, Some(0), "{:?} {}", ran.lines, ran.remarks);
    &ran.lines[0]
}

fn assert_clean_at(stage: &Stage, folder: &str, case: &str) {
    let ran = stage.run(["audit", "--copy", folder]);
    assert!(ran.code == Some(0) && ran.lines[0]["clean"] == true, "{case}: {:?} {}", ran.lines, ran.remarks);
}

#[test]
fn a_backup_is_an_archive_and_grows_by_what_is_new() {
    let stage = stage();
    let first = stage.run(["backup", "b"]);
    assert_eq!(done(&first)["entries_before"], 0);
    assert_copied(&stage.path("archive"), &stage.path("b"));
    let id = capture(&stage, "other.html", "words of another page");
    write(&stage.path("archive/anchors/6/token.tsr"), b"a token");
    write(&stage.path("archive/anchors/999/token.tsr"), b"of a checkpoint that is not published");
    let before = read(&stage.path("b"));
    let second = stage.run(["backup", "b"]);
    let (old, new) = (done(&first), done(&second));
    assert_eq!(new["entries_before"], old["entries"]);
    let pack_before = before["packs/00000001.pack"].len();
    let pack = fs::read(stage.path("b/packs/00000001.pack")).unwrap();
    assert_eq!(new["bytes"], pack.len() - pack_before, "what was there is not copied again");
    assert_eq!(pack[..pack_before], before["packs/00000001.pack"]);
    assert_eq!(fs::read(stage.path("b/anchors/6/token.tsr")).unwrap(), b"a token");
    assert!(!stage.path("b/anchors/999").exists());
    fs::remove_dir_all(stage.path("archive/anchors/999")).unwrap();
    assert_copied(&stage.path("archive"), &stage.path("b"));
    assert_eq!(done(&stage.run(["backup", "b"]))["bytes"], 0);

    assert!(read(&stage.path("b")).keys().all(|path| !path.contains("key")), "no key is copied");
    let said = stage.program(["backup", "b"]).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("Secret keys are not in it"));
    fs::remove_dir_all(stage.path("b/anchors")).unwrap(); // It is no token, and would be found out.
    for arguments in [["show", &id], ["verify", &id]] {
        let ran = stage.run(arguments.into_iter().chain(["--archive", "b"]));
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.remarks);
    }
    assert_clean_at(&stage, "b", "backup");
}

#[test]
fn a_backup_of_another_log_or_one_that_is_ahead_is_refused() {
    let (stage, other) = (stage(), stage());
    done(&stage.run(["backup", "b"]));
    let kept = read(&stage.path("b"));
    let ran = other.run([Path::new("backup"), &stage.path("b")]);
    assert_eq!(ran.code, Some(7), "{}", ran.remarks);
    assert!(ran.remarks.contains("holds the log"), "{}", ran.remarks);
    copy_folder(&stage.path("archive"), &stage.path("older"));
    capture(&stage, "page.html", "newer words");
    done(&stage.run(["backup", "b"]));
    let ran = stage.run(["backup", "b", "--archive", "older"]);
    assert_eq!(ran.code, Some(3), "{}", ran.remarks);
    let roots = ran.remarks.matches("under").count();
    assert!(ran.remarks.contains("shorter than its copy") && roots == 2, "{}", ran.remarks);
    let ran = stage.run(["backup", "archive/b"]);
    assert_eq!(ran.code, Some(2), "{}", ran.remarks);
    let now = read(&stage.path("b"));
    assert!(kept.iter().all(|(path, bytes)| path.contains(".p/")
        || path == "lock"
        || now[path].starts_with(bytes)
        || path == "checkpoint"));
}

/// Runs a command until `watched` has so many bytes, and kills it; says whether it was still running.
fn kill_at(stage: &Stage, arguments: &[&str], watched: &Path, bytes: u64) -> bool {
    let mut child = stage.program(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    loop {
        if fs::metadata(watched).is_ok_and(|found| found.len() >= bytes) {
            child.kill().unwrap();
            return child.wait().unwrap().code().is_none();
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_backup_that_is_killed_goes_on_and_was_whole_all_the_while() {
    let stage = large_stage();
    let total = fs::metadata(stage.path("archive/packs/00000001.pack")).unwrap().len();
    let (mut killed, mut entries) = (0, 0);
    for round in 0..KILL_COUNT {
        let bytes = if round < 12 { total * round / 12 } else { total + 1 };
        if round >= 12 {
            capture(&stage, "page.html", &format!("words of round {round}"));
        }
        killed += u64::from(kill_at(&stage, &["backup", "b"], &stage.path("b/packs/00000001.pack"), bytes));
        if stage.path("b/checkpoint").exists() {
            assert_clean_at(&stage, "b", &format!("killed in round {round}"));
            let bytes = fs::read(stage.path("b/checkpoint")).unwrap();
            let size = SignedCheckpoint::parse(&bytes).unwrap().checkpoint().size;
            assert!(size >= entries, "round {round}");
            entries = size;
        }
    }
    eprintln!("{killed} of {KILL_COUNT} backups were killed while they ran");
    assert!(killed >= KILL_COUNT / 2, "{killed}");
    done(&stage.run(["backup", "b"]));
    assert_copied(&stage.path("archive"), &stage.path("b"));
}

#[test]
fn a_restore_that_is_killed_goes_on() {
    let stage = large_stage();
    done(&stage.run(["backup", "b"]));
    let total = fs::metadata(stage.path("b/packs/00000001.pack")).unwrap().len();
    let mut killed = 0;
    for round in 0..KILL_COUNT {
        let folder = format!("r{}", round / 10);
        let bytes = total * (round % 10 + 1) / 10;
        let watched = stage.path(&folder).join("packs/00000001.pack");
        killed += u64::from(kill_at(&stage, &["restore", "b", "--to", &folder], &watched, bytes));
    }
    eprintln!("{killed} of {KILL_COUNT} restores were killed while they ran");
    assert!(killed >= KILL_COUNT / 2, "{killed}");
    for folder in ["r0", "r1"] {
        let ran = stage.run(["restore", "b", "--to", folder]);
        assert!(matches!(ran.code, Some(0 | 7)), "{}", ran.remarks);
        assert_copied(&stage.path("b"), &stage.path(folder));
    }
}

#[test]
fn a_full_disk_leaves_the_backup_as_it_was() {
    let stage = stage();
    let Some(disk) = SmallDisk::mount(stage.path("b")) else { return };
    let before = done(&stage.run(["backup", "b"]))["entries"].clone();
    for seed in 0..8 {
        fs::write(stage.path("noise.bin"), noise(seed + 1, 1_500_000)).unwrap();
        capture_file(&stage, "noise.bin");
    }
    for round in 0..2 {
        let ran = stage.run(["backup", "b"]);
        assert_eq!(ran.code, Some(1), "{}", ran.remarks);
        assert!(ran.remarks.contains("No space left on device"), "{}", ran.remarks);
        assert!(ran.remarks.contains("try: make room"), "{}", ran.remarks);
        assert_clean_at(&stage, "b", &format!("full disk, round {round}"));
        let bytes = fs::read(stage.path("b/checkpoint")).unwrap();
        assert_eq!(before, SignedCheckpoint::parse(&bytes).unwrap().checkpoint().size, "still the old one");
    }
    assert!(disk.is_mounted_with("remount,size=200m"));
    done(&stage.run(["backup", "b"]));
    assert_clean_at(&stage, "b", "space again");
    assert_copied(&stage.path("archive"), &stage.path("b"));
}

#[test]
fn a_backup_goes_with_a_writer_at_work() {
    let stage = stage();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (stage, is_done) = (&stage, &is_done);
        scope.spawn(move || {
            for n in 0..12 {
                capture(stage, &format!("page-{}.html", n % 3), &format!("words number {n}"));
            }
            is_done.store(true, Ordering::Release);
        });
        let mut sizes = Vec::new();
        while !is_done.load(Ordering::Acquire) {
            let ran = stage.run(["backup", "b"]);
            sizes.push(done(&ran)["entries"].as_u64().unwrap());
            assert_clean_at(stage, "b", "a writer at work");
        }
        assert!(sizes.is_sorted() && sizes.len() > 1, "{sizes:?}");
    });
    done(&stage.run(["backup", "b"]));
    assert_copied(&stage.path("archive"), &stage.path("b"));
}

fn time(seconds: u64) -> Time {
    Time::from_seconds(seconds).unwrap()
}

fn open(folder: &Path, now: Time) -> Opened {
    let places = Places { archive: folder.join("archive"), keys: folder.join("keys") };
    open_or_create(&places, &Naming::default(), None, now, &Silent).unwrap()
}

fn document(url: &str) -> Body {
    Body::Document(Document {
        entity: None,
        title: None,
        document_type: None,
        url: url.to_owned(),
        vantage: Vantage { fetcher: "file".to_owned(), ..Vantage::default() },
        amends: None,
    })
}

#[test]
fn a_reader_and_a_backup_go_with_a_segment_that_is_sealed() {
    use std::io::Write;
    let stage = stage();
    let archive = Archive::open(&stage.path("archive")).unwrap();
    let (log, _) = Log::published(&archive).unwrap();
    let records: Vec<_> = (0..log.size()).map(|index| log.entry(index).unwrap().record_sha256()).collect();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let Opened { mut appender, .. } = open(&stage.path(""), time(1_900_000_000));
            for seed in 0..2 {
                let mut spool: Spool = appender.spool();
                (0..9).for_each(|part| spool.write_all(&noise(seed * 100 + part + 1, 8 << 20)).unwrap());
                // A blob of this size seals the segment before it.
                appender.keep(&spool.finish().unwrap()).unwrap();
                appender.append(document(&format!("https://example.com/{seed}")), time(1_900_000_000)).unwrap();
                appender.publish(time(1_900_000_000)).unwrap();
            }
            is_done.store(true, Ordering::Release);
        });
        let mut read_count = 0;
        while !is_done.load(Ordering::Acquire) {
            for hash in &records {
                archive.packs().read(*hash).unwrap();
                read_count += 1;
            }
            done(&stage.run(["backup", "b"]));
        }
        assert!(read_count > 0);
    });
    done(&stage.run(["backup", "b"]));
    assert!(stage.path("b/packs/00000001.index").exists(), "sealed here as there");
    assert_copied(&stage.path("archive"), &stage.path("b"));
    let sealed = fs::metadata(stage.path("b/packs/00000001.pack")).unwrap().modified().unwrap();
    capture(&stage, "page.html", "newest words");
    done(&stage.run(["backup", "b"]));
    let again = fs::metadata(stage.path("b/packs/00000001.pack")).unwrap().modified().unwrap();
    assert_eq!(sealed, again, "a sealed segment is never touched again");
}

/// Returns a file with one bit flipped, at places spread evenly over it.
fn flips(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let step = bytes.len().div_ceil(FLIP_COUNT).max(1);
    let flip = |at: usize| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        (at, flipped)
    };
    (0..bytes.len()).step_by(step).map(flip).collect()
}

#[test]
fn a_forged_backup_restores_nothing_that_was_not_promised() {
    let stage = stage();
    done(&stage.run(["backup", "b"]));
    let whole = promised(&stage.path("b"));
    let keyring = Keyring::new(&stage.path("keys"));
    let (mut refused, mut named, mut harmless) = (0, 0, 0);
    for (path, bytes) in &whole {
        for (at, flipped) in flips(bytes) {
            let case = format!("{path} at {at}");
            write(&stage.path("b").join(path), &flipped);
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join("r");
            let restored = Archive::open(&stage.path("b")).ok().and_then(|backup| {
                affiant::archivist::restore::restore(&backup, &target, &keyring, time(1_900_000_000), &Silent).ok()
            });
            match restored {
                None => {
                    refused += 1;
                    assert!(!target.join("checkpoint").exists(), "{case}");
                }
                Some(restored) => {
                    let report = audit(&Archive::open(&target).unwrap(), &Known::of(&keyring).unwrap(), &Silent);
                    let is_named = !restored.followed.damaged.is_empty();
                    assert!(is_named || report.is_clean(), "{case}: {report:?}");
                    named += u64::from(is_named);
                    harmless += u64::from(!is_named);
                    let is_same = promised(&target)
                        .iter()
                        .all(|(file, bytes)| file == path || whole[file] == *bytes || file.contains(".rows"));
                    assert!(is_same, "{case}");
                }
            }
            write(&stage.path("b").join(path), bytes);
        }
    }
    eprintln!("forged backups: {refused} refused, {named} named, {harmless} put right on the way");
    assert!(refused > 20 && named > 5, "{refused} {named}");
}

#[test]
fn every_flip_in_an_archive_is_healed_or_named() {
    let stage = stage();
    done(&stage.run(["backup", "b"]));
    let (folder, backup) = (stage.path("archive"), Archive::open(&stage.path("b")).unwrap());
    let keyring = Keyring::new(&stage.path("keys"));
    let whole = promised(&folder);
    let (mut healed_count, mut left_count) = (0, 0);
    for (path, bytes) in &whole {
        for (at, flipped) in flips(bytes) {
            let case = format!("{path} at {at}");
            write(&folder.join(path), &flipped);
            let healed = heal(&folder, &backup, &keyring, time(1_900_000_000), &Silent);
            let healed = healed.unwrap_or_else(|error| panic!("{case}: {error}"));
            let found = promised(&folder);
            if found[path] == *bytes {
                assert_eq!(healed.healed.len(), 1, "{case}: {healed:?}");
                healed_count += 1;
            } else {
                assert!(healed.left.iter().any(|(thing, _)| thing.contains(path)), "{case}: {healed:?}");
                left_count += 1;
                write(&folder.join(path), bytes);
            }
            assert!(healed.is_clean, "{case}: {healed:?}");
            assert!(promised(&folder) == whole, "{case}: nothing else is touched");
        }
    }
    eprintln!("flips: {healed_count} healed, {left_count} named as not to be told from an edit");
    assert!(left_count <= FLIP_COUNT * 2 && healed_count > 150, "{healed_count} {left_count}");
}

#[test]
fn bit_rot_in_one_blob_costs_that_blob_and_is_healed() {
    let stage = stage();
    capture(&stage, "other.html", "the page whose bytes will rot");
    done(&stage.run(["backup", "b"]));
    let pack = stage.path("archive/packs/00000001.pack");
    let whole = fs::read(&pack).unwrap();
    let sha256 = Hash::of(&fs::read(stage.path("other.html")).unwrap());
    let archive = Archive::open(&stage.path("archive")).unwrap();
    let (_, member) = archive.packs().locate(sha256).unwrap();
    let mut rotten = whole.clone();
    rotten[usize::try_from(member.end()).unwrap() - 9] ^= 4;
    fs::write(&pack, &rotten).unwrap();
    let ran = stage.run(["audit"]);
    assert_eq!(ran.code, Some(3));
    let damage = ran.lines[0]["damage"].as_array().unwrap();
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert_eq!(damage[0]["thing"], format!("blob {sha256}"));
    let ran = stage.run(["restore", "--heal", "b"]);
    assert_eq!(ran.code, Some(0), "{:?}", ran.lines);
    assert_eq!(ran.lines[0]["healed"].as_array().unwrap().len(), 1);
    assert_eq!(fs::read(&pack).unwrap(), whole);
    assert_eq!(read(&stage.path("archive/packs")).len(), 2, "nothing is left aside");
    // What the backup does not have cannot be healed, and is named.
    capture(&stage, "other.html", "newer words than the backup's");
    let mut rotten = fs::read(&pack).unwrap();
    let last = rotten.len() - 3;
    rotten[last] ^= 1;
    fs::write(&pack, &rotten).unwrap();
    let ran = stage.run(["restore", "--heal", "b"]);
    assert_eq!(ran.code, Some(5), "{:?}", ran.lines);
    assert!(ran.lines[0]["not_healed"][0]["thing"].as_str().unwrap().starts_with("blob "));
    let other = self::stage();
    let ran = other.run([Path::new("restore"), Path::new("--heal"), &stage.path("b")]);
    assert_eq!(ran.code, Some(7), "a backup of another archive heals nothing: {}", ran.remarks);
}

#[test]
fn an_archive_that_is_newer_than_its_backup_heals_from_both() {
    let stage = stage();
    done(&stage.run(["backup", "b"]));
    for n in 0..3 {
        capture(&stage, "page.html", &format!("newer words {n}"));
    }
    let whole = promised(&stage.path("archive"));
    let folder = stage.path("archive");
    for path in whole.keys().filter(|path| path.starts_with("tile/") || *path == "checkpoint") {
        let mut damaged = whole[path].clone();
        damaged[10] ^= 1;
        write(&folder.join(path), &damaged);
        let ran = stage.run(["restore", "--heal", "b"]);
        assert_eq!(ran.code, Some(0), "{path}: {:?} {}", ran.lines, ran.remarks);
        assert!(promised(&folder) == whole, "{path}");
        fs::remove_file(folder.join(path)).unwrap();
        let ran = stage.run(["restore", "--heal", "b"]);
        let is_lost = path.starts_with("tile/statements");
        assert_eq!(ran.code, Some(if is_lost { 5 } else { 0 }), "{path}: {:?} {}", ran.lines, ran.remarks);
        write(&folder.join(path), &whole[path]);
    }
    // A statement that only the archive had is lost, and is named.
    let path = whole.keys().find(|path| path.starts_with("tile/statements")).unwrap();
    let mut damaged = whole[path].clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    write(&folder.join(path), &damaged);
    let ran = stage.run(["restore", "--heal", "b"]);
    assert_eq!(ran.code, Some(5));
    assert!(ran.lines[0]["not_healed"][0]["why"].as_str().unwrap().contains("newer than the backup"));
}

/// Writes the active segment anew under the next number, without the members that are dropped, as an erasure does.
fn rewrite(stage: &Stage, is_dropped: &dyn Fn(Hash) -> bool) {
    let archive = Archive::open(&stage.path("archive")).unwrap();
    let packs = archive.packs();
    let last = *packs.segments().unwrap().last().unwrap();
    let bytes = fs::read(packs.path(last)).unwrap();
    let mut kept = Vec::new();
    for member in packs.walk(last, 0).unwrap().map(Result::unwrap).filter(|member| !is_dropped(member.hash)) {
        kept.extend(&bytes[usize::try_from(member.offset).unwrap()..usize::try_from(member.end()).unwrap()]);
    }
    fs::write(packs.path(last + 1), kept).unwrap();
    packs.remove(last).unwrap();
}

#[test]
fn a_copy_follows_segments_that_were_rewritten_and_loses_nothing() {
    let stage = stage();
    done(&stage.run(["backup", "b"]));
    rewrite(&stage, &|_| false);
    capture(&stage, "other.html", "words behind the rewriting");
    done(&stage.run(["backup", "b"]));
    assert!(!stage.path("b/packs/00000001.pack").exists(), "what lies elsewhere is not kept twice");
    assert_clean_at(&stage, "b", "rewritten");
    // Where the first copy has lost something that nobody withdrew, the second keeps it.
    let lost = Hash::of(&fs::read(stage.path("page.html")).unwrap());
    rewrite(&stage, &|hash| hash == lost);
    capture(&stage, "other.html", "words behind the loss");
    let ran = stage.run(["backup", "b"]);
    assert_eq!(ran.code, Some(5), "{:?}", ran.lines);
    assert!(ran.remarks.contains("is kept: the first copy has lost it"), "{}", ran.remarks);
    assert_clean_at(&stage, "b", "lost in the archive alone");
    assert_eq!(stage.run(["audit"]).code, Some(3));
    let ran = stage.run(["restore", "--heal", "b"]);
    assert_eq!(ran.code, Some(0), "{:?} {}", ran.lines, ran.remarks);
    assert_eq!(ran.lines[0]["healed"][0], format!("blob {lost} appended"));
    stage.assert_clean("healed from another segment");
}

#[test]
fn what_was_erased_goes_from_every_copy_and_does_not_come_back() {
    let stage = stage();
    let id = capture(&stage, "secret.html", "words that nobody is to have any more");
    let vkey = fs::read_to_string(stage.path("keys/log.vkey")).unwrap();
    let mirror = ["mirror", "archive", "m", "--trust", vkey.trim()];
    done(&stage.run(["backup", "b"]));
    done(&stage.run(mirror));
    copy_folder(&stage.path("b"), &stage.path("old"));
    let withdraw = ["withdraw", &id, "--reason", "a test", "--authority", "a court"];
    let ran = stage.run(withdraw);
    assert_eq!(ran.code, Some(0), "{:?} {}", ran.lines, ran.remarks);
    let gone = Hash::of(&fs::read(stage.path("secret.html")).unwrap());
    done(&stage.run(["backup", "b"]));
    done(&stage.run(mirror));
    for folder in ["archive", "b", "m"] {
        let archive = Archive::open(&stage.path(folder)).unwrap();
        assert!(archive.packs().locate(gone).is_err(), "{folder}");
        assert_clean_at(&stage, folder, folder);
    }
    assert_copied(&stage.path("archive"), &stage.path("b"));
    // What is withheld is kept apart in a backup, and is in no mirror.
    let kept = capture(&stage, "kept.html", "words that are kept apart");
    done(&stage.run(["backup", "b"]));
    let ran = stage.run(["withdraw", &kept, "--withhold", "--reason", "a test", "--authority", "a court"]);
    assert_eq!(ran.code, Some(0), "{:?} {}", ran.lines, ran.remarks);
    done(&stage.run(["backup", "b"]));
    done(&stage.run(mirror));
    let apart = Hash::of(&fs::read(stage.path("kept.html")).unwrap());
    for (folder, is_kept) in [("archive", true), ("b", true), ("m", false)] {
        let archive = Archive::open(&stage.path(folder)).unwrap();
        assert_eq!(archive.withheld().locate(apart).is_ok(), is_kept, "{folder}");
        assert!(archive.packs().locate(apart).is_err(), "{folder}");
    }
    assert_clean_at(&stage, "b", "withheld");
    // A backup from before has it still, and heals what is damaged without bringing it back.
    let pack = read(&stage.path("archive/packs")).into_keys().find(|name| name.contains(".pack")).unwrap();
    let pack = stage.path("archive/packs").join(pack);
    let mut rotten = fs::read(&pack).unwrap();
    let last = rotten.len() - 3;
    rotten[last] ^= 1;
    fs::write(&pack, &rotten).unwrap();
    stage.run(["restore", "--heal", "old"]);
    assert!(Archive::open(&stage.path("archive")).unwrap().packs().locate(gone).is_err());
    let ran = stage.run(["restore", "--heal", "b"]);
    assert_eq!(ran.code, Some(0), "{:?} {}", ran.lines, ran.remarks);
    stage.assert_clean("healed from the newer backup");
    assert_eq!(done(&stage.run(["restore", "b", "--to", "r"]))["damaged"], serde_json::json!([]));
    assert_clean_at(&stage, "r", "restored");
}

#[test]
fn a_restore_says_what_the_fence_will_do() {
    let stage = stage();
    done(&stage.run(["backup", "b"]));
    let id = capture(&stage, "page.html", "words after the backup");
    let ran = stage.run(["restore", "b"]);
    assert_eq!(ran.code, Some(7), "an archive is not overwritten: {}", ran.remarks);
    fs::remove_dir_all(stage.path("archive")).unwrap();
    let ran = stage.run(["restore", "b"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    assert!(ran.remarks.contains("your keys have signed for") && ran.remarks.contains("`capture` will refuse"));
    assert_eq!(stage.run(["list"]).code, Some(0), "reading works");
    assert_ne!(stage.run(["show", &id]).code, Some(0));
    let ran = stage.run(["capture", "page.html"]);
    assert_eq!(ran.code, Some(6), "{}", ran.remarks);
    assert!(ran.remarks.contains("restored from an older copy"), "{}", ran.remarks);
    assert!(ran.remarks.contains("affiant restore"), "{}", ran.remarks);
}

#[test]
fn the_second_of_two_writers_of_a_copied_archive_stops() {
    let stage = stage();
    copy_folder(&stage.path("archive"), &stage.path("copied"));
    copy_folder(&stage.path("keys"), &stage.path("other-keys"));
    capture(&stage, "page.html", "written here");
    let ran = stage.run(["capture", "page.html", "--archive", "copied"]);
    assert_eq!(ran.code, Some(6), "{}", ran.remarks);
    assert!(ran.remarks.contains("restored from an older copy") && ran.remarks.contains("try:"), "{}", ran.remarks);
    // Where the keys were copied too, both sign, and it comes out as soon as the two meet.
    fs::write(stage.path("page.html"), "<p>written there</p>").unwrap();
    let ran = stage.run(["capture", "page.html", "--archive", "copied", "--keys", "other-keys"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let ran = stage.run(["capture", "page.html", "--archive", "copied"]);
    assert_eq!(ran.code, Some(6), "{}", ran.remarks);
    assert!(ran.remarks.contains("another log has grown here"), "{}", ran.remarks);
    assert!(ran.remarks.contains("keys/fork-at-"), "{}", ran.remarks);
    let proof = fs::read_dir(stage.path("keys")).unwrap().map(|entry| entry.unwrap().path());
    let proof = proof.into_iter().find(|path| path.extension().is_some_and(|found| found == "proof")).unwrap();
    let ran = stage.run([Path::new("verify"), &proof]);
    assert_eq!((ran.code, ran.lines[0]["verdict"].as_str()), (Some(3), Some("failed")));
}

#[test]
fn a_clock_set_back_signs_nothing_smaller_nor_different() {
    let folder = tempfile::tempdir().unwrap();
    let mut checkpoints: Vec<SignedCheckpoint> = Vec::new();
    for (n, now) in [2_000_000_000, 1_000_000_000, 1, 2_000_000_001].map(time).into_iter().enumerate() {
        let Opened { mut appender, .. } = open(folder.path(), now);
        checkpoints.push(appender.publish(now).unwrap());
        appender.append(document(&format!("https://example.com/{n}")), now).unwrap();
        checkpoints.push(appender.publish(now).unwrap());
    }
    let archive = Archive::open(&folder.path().join("archive")).unwrap();
    let nodes = archive.nodes(checkpoints.last().unwrap().checkpoint().size);
    for pair in checkpoints.windows(2) {
        let (old, new) = (pair[0].checkpoint(), pair[1].checkpoint());
        assert!(old.size <= new.size);
        let proof = ConsistencyProof::make(&nodes, old.size, new.size).unwrap();
        assert_eq!(proof.verify(old.root, new.root), Ok(()), "{} to {}", old.size, new.size);
    }
    let known = Known::of(&Keyring::new(&folder.path().join("keys"))).unwrap();
    let report = audit(&archive, &known, &Silent);
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_mirror_follows_by_the_readers_keys_and_refuses_a_fork() {
    let stage = stage();
    let vkey = fs::read_to_string(stage.path("keys/log.vkey")).unwrap();
    let mirror =
        |source: &str, more: &[&str]| stage.run(["mirror", source, "m", "--keys", "none"].iter().chain(more).copied());
    assert_eq!(mirror("archive", &[]).code, Some(2), "without a policy nobody is believed");
    let other = self::stage();
    let strange = fs::read_to_string(other.path("keys/log.vkey")).unwrap();
    let ran = mirror("archive", &["--trust", &strange]);
    assert_eq!(ran.code, Some(4), "{}", ran.remarks);
    let trust = ["--trust", vkey.trim()];
    assert_eq!(mirror("archive", &trust).code, Some(0));
    copy_folder(&stage.path("archive"), &stage.path("forked"));
    copy_folder(&stage.path("archive"), &stage.path("older"));
    copy_folder(&stage.path("keys"), &stage.path("other-keys"));
    capture(&stage, "page.html", "what most are shown");
    let before = done(&mirror("archive", &trust)).clone();
    assert_copied(&stage.path("archive"), &stage.path("m"));
    let kept = promised(&stage.path("m"));

    let ran = mirror("older", &trust);
    assert_eq!(ran.code, Some(3), "a source that shrinks: {}", ran.remarks);
    fs::write(stage.path("page.html"), "<p>what one is shown</p>").unwrap();
    let fork = ["capture", "page.html", "--archive", "forked", "--keys", "other-keys"];
    assert_eq!(stage.run(fork).code, Some(0));
    let ran = mirror("forked", &trust);
    assert_eq!(ran.code, Some(3), "{}", ran.remarks);
    assert!(ran.remarks.contains("the log has forked"), "{}", ran.remarks);
    let name = format!("m/fork-at-{}.proof", before["entries"]);
    let proof = fs::read(stage.path(&name)).unwrap();
    assert_eq!(ForkProof::parse(&proof).unwrap().size(), before["entries"].as_u64().unwrap());

    let verify = |more: &[&str]| stage.run(["verify", &name, "--keys", "none"].iter().chain(more).copied());
    let ran = verify(&trust);
    assert_eq!((ran.code, ran.lines[0]["verdict"].as_str()), (Some(3), Some("failed")));
    let finding = &ran.lines[0]["findings"][0];
    let said = format!("{} {}", finding["found"], finding["relies_on"]);
    let key = affiant::log::vkey::VerifierKey::parse(vkey.trim()).unwrap();
    assert!(said.contains(&key.fingerprint()) && said.contains("forked"), "{said}");
    for more in [&[][..], &["--trust", strange.trim()]] {
        let ran = verify(more);
        assert_eq!((ran.code, ran.lines[0]["verdict"].as_str()), (Some(4), Some("cannot-tell")), "{more:?}");
    }
    // It grows on: at another size the mirror is not led astray either.
    fs::write(stage.path("page.html"), "<p>what one is shown later</p>").unwrap();
    assert_eq!(stage.run(fork).code, Some(0));
    let ran = mirror("forked", &trust);
    assert_eq!(ran.code, Some(3), "{}", ran.remarks);
    assert!(ran.remarks.contains("has not only grown"), "{}", ran.remarks);
    let mut now = promised(&stage.path("m"));
    now.retain(|path, _| !path.starts_with("fork-at-"));
    assert!(now == kept, "the mirror is what it was");
}

#[test]
fn a_fork_proof_that_was_changed_or_contradicts_nothing_is_an_error() {
    let stage = stage();
    copy_folder(&stage.path("archive"), &stage.path("forked"));
    copy_folder(&stage.path("keys"), &stage.path("other-keys"));
    capture(&stage, "page.html", "here");
    fs::write(stage.path("page.html"), "<p>there</p>").unwrap();
    stage.run(["capture", "page.html", "--archive", "forked", "--keys", "other-keys"]);
    let two = ["verify", "archive/checkpoint", "forked/checkpoint", "--fork-proof", "f"];
    let ran = stage.run(two);
    assert_eq!(ran.code, Some(3), "{}", ran.remarks);
    let proof = fs::read(stage.path("f")).unwrap();
    let mut verdicts = BTreeMap::new();
    for (at, flipped) in flips(&proof) {
        fs::write(stage.path("g"), flipped).unwrap();
        let ran = stage.run(["verify", "g"]);
        assert!(!ran.lines.iter().any(|line| line.to_string().contains("has forked")), "byte {at}: {:?}", ran.lines);
        *verdicts.entry(ran.code).or_insert(0) += 1;
    }
    eprintln!("changed fork proofs by exit code: {verdicts:?}");
    let ran = stage.run(["verify", "archive/checkpoint", "archive/checkpoint", "--fork-proof", "g"]);
    assert_eq!(ran.code, Some(1), "{}", ran.remarks);
    let one = String::from_utf8(fs::read(stage.path("archive/checkpoint")).unwrap()).unwrap();
    fs::write(stage.path("g"), format!("affiant/fork-proof@v1\n\n{one}\n{one}")).unwrap();
    let ran = stage.run(["verify", "g"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.remarks.contains("do not contradict one another"), "{}", ran.remarks);
}

#[test]
fn an_export_is_what_sha256sum_checks() {
    let stage = stage();
    let id = capture(&stage, "other.html", "words of another page");
    let ran = stage.run(["export", "out"]);
    assert_eq!(done(&ran)["entries"], 5);
    let check = || {
        let mut sums = Command::new("sha256sum");
        let output = sums.args(["-c", "--strict", "SHA256SUMS"]).current_dir(stage.path("out")).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).matches(": OK").count())
    };
    let count = usize::try_from(done(&ran)["files"].as_u64().unwrap()).unwrap();
    assert_eq!(check(), (true, count + 1));
    let index = fs::read_to_string(stage.path("out/index.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = index.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    let last = lines.last().unwrap();
    assert_eq!(last["id"], id);
    let page = fs::read(stage.path("out").join(last["files"][0]["file"].as_str().unwrap())).unwrap();
    assert_eq!(page, fs::read(stage.path("other.html")).unwrap());
    // What is there is not written again.
    fs::remove_file(stage.path("out").join(last["files"][0]["file"].as_str().unwrap())).unwrap();
    fs::remove_file(stage.path("out/SHA256SUMS")).unwrap();
    assert_eq!(done(&stage.run(["export", "out"]))["files_new"], 1);
    assert_eq!(check(), (true, count + 1));
    let ran = stage.run(["export", "one", &id]);
    assert_eq!(done(&ran)["entries"], 1);
    let document = stage.run(["list", "--kind", "document"]).texts("id")[0].clone();
    assert_eq!(done(&stage.run(["export", "of-document", &document]))["entries"], 1);
    assert_eq!(stage.run(["export", "archive"]).code, Some(7));
}

#[test]
fn a_backup_of_a_rotten_archive_keeps_the_rest_and_says_so() {
    let stage = stage();
    let pack = stage.path("archive/packs/00000001.pack");
    let mut rotten = fs::read(&pack).unwrap();
    let id = capture(&stage, "other.html", "the page whose bytes will rot");
    let at = rotten.len() + 300;
    rotten = fs::read(&pack).unwrap();
    rotten[at] ^= 1;
    fs::write(&pack, &rotten).unwrap();
    let ran = stage.run(["backup", "b"]);
    assert_eq!(ran.code, Some(5), "{:?} {}", ran.lines, ran.remarks);
    assert!(!ran.lines[0]["damaged"].as_array().unwrap().is_empty());
    let readable = stage.run(["list", "--archive", "b"]);
    assert!(readable.lines.len() >= 5, "{:?}", readable.lines);
    assert!(!id.is_empty());
}
