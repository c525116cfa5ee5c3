//! What goes wrong while capturing: Ctrl-C, kill, a full disk, servers that misbehave, a second writer.
//!
//! After each of them the archive holds everything that was reported, its log is whole, and the next command
//! works. Moments are chosen by what has been reported or asked for, never by the clock.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value as Json;

use crate::server::{Asked, Close, Server, page, say};
use crate::stage::{Ran, Stage};

/// Holds back those who come to it until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn pass(&self) {
        let (is_open, changed) = &*self.0;
        let is_open = is_open.lock().unwrap();
        drop(changed.wait_timeout_while(is_open, Duration::from_mins(1), |is_open| !*is_open).unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// Opens the gate when a test ends, however it ends.
struct Opener(Gate);

impl Drop for Opener {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// Returns bytes that no compression makes smaller.
pub(crate) fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(size).collect()
}

fn number(asked: &Asked) -> u64 {
    asked.path[1..].parse().unwrap()
}

fn numbered(asked: &Asked) -> Vec<u8> {
    page(&format!("<p>This is page {}, and it has a few words to say.</p>", asked.path))
}

fn urls(server: &Server, count: u64) -> Vec<String> {
    (0..count).map(|n| server.url("127.0.0.1", &format!("/{n}"))).collect()
}

/// A capture that runs beside the test.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(stage: &Stage, targets: Vec<String>, more: &[&str]) -> Self {
        let list = stage.list(targets);
        let mut command = stage.program(["capture", "--allow-private", "--json", "--from"]);
        let mut child = command.arg(list).args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Waits until so many targets are reported, and returns their ids.
    fn reported(&mut self, count: usize) -> Vec<String> {
        let lines = self.stdout.by_ref().lines().take(count).map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        lines.map(|line: Json| line["id"].as_str().unwrap().to_owned()).collect()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// Waits for the end; the ids reported since, the exit code, and what was remarked.
    fn end(mut self) -> (Vec<String>, Option<i32>, String) {
        let mut ids = Vec::new();
        // A line that the end cut off is no report.
        for line in self.stdout.by_ref().lines().map_while(Result::ok) {
            let line: Option<Json> = serde_json::from_str(&line).ok();
            ids.extend(line.and_then(|line| line["id"].as_str().map(str::to_owned)));
        }
        let output = self.child.wait_with_output().unwrap();
        (ids, output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Holds an archive to its promises: the ids are in it, every entry reads back, and a capture works.
fn assert_sound(stage: &Stage, reported: &[String], case: &str) {
    let listed = stage.run(["list"]);
    if !reported.is_empty() {
        assert_eq!(listed.code, Some(0), "{case}: {}", listed.remarks);
    }
    for id in reported {
        let shown = stage.run(["show", id]);
        assert_eq!(shown.code, Some(0), "{case}: {id}: {}", shown.remarks);
        let body = stage.program(["show", id, "--body"]).output().unwrap();
        assert!(body.status.success(), "{case}: {id}: {}", String::from_utf8_lossy(&body.stderr));
    }
    let server = Server::saying(page("<p>One more page after all that.</p>"));
    let next = stage.run(["capture", "--allow-private", &server.url("127.0.0.1", "/next")]);
    assert_eq!((next.code, next.lines.len()), (Some(0), 1), "{case}: {}", next.remarks);
    let again = stage.run(["show", &next.texts("id")[0]]);
    assert_eq!(again.code, Some(0), "{case}: {}", again.remarks);
    assert_whole(stage, case);
    stage.assert_clean(case);
}

/// Reads every entry of the log: statement, record and blobs hash to what names them.
fn assert_whole(stage: &Stage, case: &str) {
    let archive = affiant::outside::archive::Archive::open(&stage.path("archive")).unwrap();
    let (log, _) = affiant::archivist::read::Log::published(&archive).unwrap();
    for index in 0..log.size() {
        let entry = log.entry(index).unwrap_or_else(|error| panic!("{case}: entry {index}: {error}"));
        for blob in entry.record.body.visit().iter().flat_map(|visit| visit.blobs()) {
            let copied = archive.packs().copy(blob, &mut std::io::sink());
            copied.unwrap_or_else(|error| panic!("{case}: entry {index}: {error}"));
        }
    }
}

#[test]
fn ctrl_c_keeps_what_was_reported() {
    let gate = Gate::default();
    let _opener = Opener(gate.clone());
    let server = Server::start(move |asked, wire| {
        if number(asked) >= 12 {
            gate.pass();
        }
        say(wire, numbered(asked))
    });
    let stage = Stage::new();
    let mut running = Running::start(&stage, urls(&server, 200), &["--jobs", "16", "--per-host", "16"]);
    let mut reported = running.reported(12);
    running.signal("INT");
    let (late, code, remarks) = running.end();
    assert_eq!(code, Some(5), "{remarks}");
    assert!(remarks.contains("188 left undone: interrupted"), "{remarks}");
    assert_eq!(late, Vec::<String>::new());
    reported.extend(late);
    assert_sound(&stage, &reported, "Ctrl-C");
}

#[test]
fn a_kill_loses_nothing_that_was_reported() {
    for moment in [0, 1, 7, 30, 59] {
        let gate = Gate::default();
        let _opener = Opener(gate.clone());
        let held = gate.clone();
        // One page in three is large enough to be passed through a file on its way.
        let server = Server::start(move |asked, wire| match number(asked) {
            60.. => {
                held.pass();
                Close::Reset
            }
            large if large.is_multiple_of(3) => {
                let body = noise(large, 1_200_000);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                say(wire, [head.as_bytes(), &body].concat())
            }
            _ => say(wire, numbered(asked)),
        });
        let stage = Stage::new();
        let mut running = Running::start(&stage, urls(&server, 64), &[]);
        let mut reported = running.reported(moment);
        running.signal("KILL");
        let (late, code, _) = running.end();
        assert_eq!(code, None, "after {moment}");
        reported.extend(late);
        assert!(reported.len() >= moment, "after {moment}");
        assert_sound(&stage, &reported, &format!("killed after {moment}"));
        assert!(!stage.path("archive/passing").exists(), "after {moment}: the next writer clears what was passing");
    }
}

#[test]
fn a_full_disk_ends_with_a_clear_error() {
    // A file that may not grow looks to the program as a full disk does, and needs no other disk.
    let server = Server::start(|asked, wire| {
        let body = noise(number(asked), 300_000);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        say(wire, [head.as_bytes(), &body].concat())
    });
    let stage = Stage::new();
    let list = stage.list(urls(&server, 40));
    let limited = format!(
        "trap '' XFSZ; ulimit -f 6000; exec '{}' capture --json --allow-private --from '{}'",
        env!("CARGO_BIN_EXE_affiant"),
        list.display()
    );
    let mut shell = Command::new("sh");
    stage.settle(shell.args(["-c", &limited]));
    let ran = Ran::of(&shell.output().unwrap());
    assert_eq!(ran.code, Some(6), "{}", ran.remarks);
    assert!(ran.remarks.contains("cannot write") && ran.remarks.contains("File too large"), "{}", ran.remarks);
    assert!(ran.texts("id").len() < 40, "the limit was not reached");
    assert_sound(&stage, &ran.texts("id"), "full disk");
}

/// A file system in memory of a few megabytes, unmounted when it is dropped.
pub(crate) struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// Mounts it, which only root may, or says aloud that it cannot.
    pub(crate) fn mount(at: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let disk = Self(at);
        if disk.is_mounted_with("size=8m") {
            return Some(disk);
        }
        eprintln!("SKIPPED: only root may mount a small disk; the limit on files stands for it");
        std::mem::forget(disk);
        None
    }

    pub(crate) fn is_mounted_with(&self, options: &str) -> bool {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.0).output();
        mounted.is_ok_and(|output| output.status.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn a_disk_that_was_full_goes_on_when_it_has_space() {
    let stage = Stage::new();
    let Some(disk) = SmallDisk::mount(stage.path("archive")) else { return };
    let server = Server::start(|asked, wire| {
        let size = if number(asked).is_multiple_of(2) { 300_000 } else { 1_500_000 };
        let body = noise(number(asked), size);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        say(wire, [head.as_bytes(), &body].concat())
    });
    let mut reported = Vec::new();
    for round in 0..3 {
        let ran = stage.capture(&stage.list(urls(&server, 24)));
        assert!(matches!(ran.code, Some(1 | 5 | 6)), "round {round}: {:?} {}", ran.code, ran.remarks);
        assert!(ran.remarks.contains("No space left on device"), "round {round}: {}", ran.remarks);
        reported.extend(ran.texts("id"));
        assert_whole_if_published(&stage, &format!("full disk, round {round}"));
    }
    assert!(disk.is_mounted_with("remount,size=200m"));
    assert_sound(&stage, &reported, "full disk");
    let ran = stage.capture(&stage.list(urls(&server, 24)));
    assert_eq!((ran.code, ran.lines.len()), (Some(0), 24), "{}", ran.remarks);
    assert_whole(&stage, "space again");
    stage.assert_clean("space again");
}

fn assert_whole_if_published(stage: &Stage, case: &str) {
    if stage.path("archive/checkpoint").exists() {
        assert_whole(stage, case);
        stage.assert_clean(case);
    }
}

#[test]
fn servers_that_misbehave_leave_a_clean_archive() {
    let gate = Gate::default();
    let _opener = Opener(gate.clone());
    let server = Server::start(move |asked, wire| match asked.path.as_str() {
        "/dribbles" => {
            say(wire, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n<p>Words");
            while wire.write_all(b" more").is_ok() {
                std::thread::park_timeout(Duration::from_millis(50));
            }
            Close::Politely
        }
        "/lies" => say(wire, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n<p>Few words"),
        "/resets" => {
            say(wire, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n<p>Few words");
            Close::Reset
        }
        "/never-ends" => {
            say(wire, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
            while wire.write_all(&[b'a'; 8192]).is_ok() {}
            Close::Politely
        }
        "/silent-head" => {
            gate.pass();
            Close::Reset
        }
        "/resets-at-once" => Close::Reset,
        "/not-http" => say(wire, "220 mail.example ESMTP\r\n\r\n"),
        _ => say(wire, numbered(asked)),
    });
    let cases = [
        ("/dribbles", Some("truncated"), ""),
        ("/lies", Some("truncated"), "end of file before message length reached"),
        ("/never-ends", Some("truncated"), "the size limit of 200000 bytes was reached"),
        ("/not-http", None, "is not HTTP"),
        ("/resets", Some("truncated"), "reset"),
        ("/resets-at-once", None, "broke off before its response head was complete"),
        ("/silent-head", None, "no response head within 2 s"),
        ("/well-behaved", Some("complete"), ""),
    ];
    let stage = Stage::new();
    let list = stage.list(cases.map(|(path, ..)| server.url("127.0.0.1", path)));
    let limits = ["--max-size", "200000", "--timeout", "2", "--retries", "0", "--per-host", "16", "--from"];
    let ran = stage.run(["capture", "--allow-private"].into_iter().chain(limits).chain(list.to_str()));
    assert_eq!(ran.code, Some(5), "{}", ran.remarks);
    for (path, outcome, reason) in cases {
        let line = ran.lines.iter().find(|line| line["target"].as_str().unwrap().ends_with(path)).unwrap();
        assert_eq!(line["outcome"].as_str(), outcome, "{line}");
        assert!(line.to_string().contains(reason), "{path}: {line}");
    }
    assert_sound(&stage, &ran.texts("id"), "misbehaving servers");
}

#[test]
fn a_second_writer_is_told_who_writes() {
    let gate = Gate::default();
    let _opener = Opener(gate.clone());
    let held = gate.clone();
    let server = Server::start(move |asked, wire| {
        if number(asked) > 0 {
            held.pass();
        }
        say(wire, numbered(asked))
    });
    let stage = Stage::new();
    let mut first = Running::start(&stage, urls(&server, 2), &[]);
    let mut reported = first.reported(1);
    let second = stage.run(["capture", "--allow-private", &server.url("127.0.0.1", "/0")]);
    assert_eq!(second.code, Some(6), "{}", second.remarks);
    assert!(second.remarks.contains(&format!("process {} since", first.child.id())), "{}", second.remarks);
    assert_eq!(stage.run(["show", &reported[0]]).code, Some(0), "readers take no lock");
    gate.open();
    let (late, code, remarks) = first.end();
    assert_eq!((late.len(), code), (1, Some(0)), "{remarks}");
    reported.extend(late);
    assert_sound(&stage, &reported, "two writers");
}
