//! Verify of one record that everybody has seen, 2 tokens, 1 OpenTimestamps proof and 3 cosignatures, beside
//! `openssl ts -verify` of one token alone.
//!
//! Everything is made here on loopback: two authorities (`demo/loopback.py`), a calendar with a chain of its own
//! (`../shared/vectors/ots`), three witnesses (`affiant witness serve`). A figure is the median wall time of whole processes, from
//! start to exit, and beside it the processor time (user and system) of one, by Linux's count of [`ROUND_COUNT`] of them: that
//! one hardly depends on what else runs. The goal is [`GOAL_MILLISECONDS`].
#![expect(clippy::disallowed_methods, reason = "a benchmark sets up folders of its own")]
#![expect(clippy::print_stdout, reason = "a bench is there to print")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up its stage fails")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How often each process runs.
const ROUND_COUNT: u32 = 100;

/// What a verification of such a record may take, the whole process.
const GOAL_MILLISECONDS: f64 = 25.0;

/// Linux counts processor time in hundredths of a second.
const TICK_MILLISECONDS: f64 = 10.0;

fn main() {
    let calendar = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/ots/fake_calendar.py");
    if !calendar.exists() {
        println!("SKIPPED: {} is absent", calendar.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut parties = Parties(Vec::new());
    let id = record(at, &calendar, &mut parties);
    drop(parties);

    let anchor = dated(&at.join("archive/anchors"));
    let count = |end: &str| files(&anchor, end).len();
    println!(
        "a record with {} tokens, {} OpenTimestamps proof, {} cosignatures; {ROUND_COUNT} processes each",
        count(".tsr"),
        count(".ots"),
        count(".cosignature")
    );
    let checkpoint = anchor.join("checkpoint");
    let token = files(&anchor, ".tsr").remove(0);
    let openssl = || {
        let mut command = Command::new("openssl");
        command.args(["ts", "-verify", "-data"]).arg(&checkpoint).arg("-in").arg(&token);
        command.arg("-CAfile").arg(at.join("keys/authorities/roots.pem"));
        command
    };
    let ours = measure("affiant verify record.zip", &|| affiant(at, &["verify", "record.zip"]));
    measure("affiant verify ID, in the archive", &|| affiant(at, &["verify", &id]));
    let theirs = measure("openssl ts -verify, one token", &openssl);
    println!(
        "  the bundle takes {:.2} of openssl's time; goal under {GOAL_MILLISECONDS} ms: {ours:.1} ms",
        ours / theirs
    );
}

/// Prints the median of a process's wall time and its processor time, and returns the first, in milliseconds.
fn measure(what: &str, command: &dyn Fn() -> Command) -> f64 {
    let before = children_ticks();
    let mut taken: Vec<Duration> = (0..ROUND_COUNT)
        .map(|_| {
            let started = Instant::now();
            let output = command().output().unwrap();
            let taken = started.elapsed();
            assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stdout));
            taken
        })
        .collect();
    let ticks = children_ticks() - before;
    taken.sort_unstable();
    let median = taken[taken.len() / 2].as_secs_f64() * 1000.0;
    let processor = f64::from(ticks) * TICK_MILLISECONDS / f64::from(ROUND_COUNT);
    println!("  {what:<36} {median:>7.1} ms, {processor:>6.1} ms of processor");
    median
}

/// Returns the processor time of all children that have ended.
fn children_ticks() -> u32 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // proc(5): fields 16 and 17, and the first after the name is the third.
    [13, 14].iter().map(|at| fields[*at].parse::<u32>().unwrap()).sum()
}

/// Makes an archive with one record and everybody's word on it, a bundle of it, and what its reader trusts; returns its id.
fn record(at: &Path, calendar: &Path, parties: &mut Parties) -> String {
    run(affiant(at, &["init", "--origin", "bench.example/log", "--quiet"]));
    fs::create_dir_all(at.join("keys/authorities")).unwrap();
    let mut roots = Vec::new();
    for name in ["one", "two"] {
        fs::create_dir(at.join(name)).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/loopback.py");
        let port = parties.first_line(Command::new("python3").arg(script).arg(name).current_dir(at));
        roots.extend(fs::read(at.join(name).join("root.pem")).unwrap());
        run(affiant(at, &["timestamp", "--authority", &format!("http://127.0.0.1:{port}/tsr"), "--remember"]));
    }
    fs::write(at.join("keys/authorities/roots.pem"), roots).unwrap();
    for name in ["w1", "w2", "w3"] {
        run(affiant(at, &["witness", "init", "--home", name, "--name", &format!("{name}.example/w")]));
        let vkey = |file: &str| fs::read_to_string(at.join(file)).unwrap().trim().to_owned();
        let follow = [vkey("keys/log.vkey"), vkey("keys/log-ml-dsa-44.vkey")];
        let words = ["witness", "serve", "--home", name, "--listen", "127.0.0.1:0", "--json", "--follow", &follow[0]];
        let said = parties.first_line(affiant(at, &words).args(["--follow", &follow[1]]));
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let url = said["listening"].as_str().unwrap();
        run(affiant(
            at,
            &["witness", "add", url, &vkey(&format!("{name}/witness.vkey")), "--name", name, "--quorum", &name[1..]],
        ));
    }
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new("python3");
    command.arg(calendar).arg(port.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
    parties.0.push((command.spawn().unwrap(), None));
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the calendar does not listen");
    }
    let url = format!("http://127.0.0.1:{port}");
    run(affiant(at, &["timestamp", "--calendar", &url, "--remember"]));

    fs::write(at.join("page.html"), "<h1>Privacy</h1><p>We keep your letters for thirty days.</p>").unwrap();
    let captured = run(affiant(at, &["capture", "page.html", "--json"]));
    let captured: serde_json::Value =
        serde_json::from_slice(captured.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    let id = captured["id"].as_str().unwrap().to_owned();
    // The proof is complete; the block's header is one of too little work to be taken, so it is followed and not shown.
    post(port, "/mine", "");
    run(affiant(at, &["timestamp", "--upgrade"]));
    run(affiant(at, &["bundle", &id, "-o", "record.zip", "--quiet"]));
    id
}

/// Finds the newest anchor that has a token and a proof.
fn dated(anchors: &Path) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir(anchors).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| !files(path, ".tsr").is_empty() && !files(path, ".ots").is_empty());
    let size = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    found.sort_by_key(size);
    found.pop().unwrap()
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(listed) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.to_str().unwrap().ends_with(end));
    found
}

fn post(port: u16, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn affiant(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_affiant"));
    command.args(words).current_dir(folder).env("XDG_CONFIG_HOME", folder);
    command.env_remove("AFFIANT_ARCHIVE").env_remove("AFFIANT_KEYS").env_remove("AFFIANT_PASSPHRASE");
    command
}

fn run(mut command: Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Those who answer while the record is made, each with its output, which it may go on writing to.
struct Parties(Vec<(Child, Option<BufReader<ChildStdout>>)>);

impl Parties {
    /// Starts one, and waits for its first line.
    fn first_line(&mut self, command: &mut Command) -> String {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        self.0.push((child, Some(said)));
        line.trim().to_owned()
    }
}

impl Drop for Parties {
    fn drop(&mut self) {
        for (child, _) in &mut self.0 {
            let _ = child.kill().and_then(|()| child.wait()); // It may have ended by itself.
        }
    }
}
