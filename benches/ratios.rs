//! Ratios against tools that people have: capture against `wget --warc-file`, verify against `ssh-keygen`, audit
//! against `openssl`.
//!
//! `cargo bench` prints all of them in one run. A figure is the wall time of whole processes, from start to
//! exit; the two sides run in turn, [`ROUND_COUNT`] times each, and their medians are compared. Every ratio is
//! "how many times as fast as the other tool": above 1 is faster. A tool that is absent is said aloud.
#![expect(clippy::disallowed_methods, reason = "a benchmark sets up folders of its own")]
#![expect(clippy::print_stdout, reason = "a bench is there to print")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up its stage fails")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde_json::Value as Json;
use tempfile::TempDir;

/// How often each side runs.
const ROUND_COUNT: usize = 5;

/// How many visits run at once, as somebody would choose who archives a server of their own.
const JOBS: &str = "16";

/// How many pages are made where the corpus is absent, and how many bytes each has: as many as the corpus.
const MADE_PAGE_COUNT: usize = 224;
const MADE_PAGE_BYTES: usize = 194_536;

fn main() {
    let pages = pages();
    let bytes: usize = pages.iter().map(Vec::len).sum();
    println!("{} pages of HTML, {bytes} bytes", pages.len());
    let pages = Arc::new(pages);
    for (latency, goal) in [(0, 5), (50, 10)] {
        captures(&pages, Duration::from_millis(latency), goal);
    }
    let archive = Archived::new(&pages);
    verify(&archive);
    audit(&archive);
}

/// Static captures a second, against `wget --warc-file`.
fn captures(pages: &Arc<Vec<Vec<u8>>>, latency: Duration, goal: u32) {
    let urls = serve(pages.clone(), latency);
    println!();
    println!("capture, server answers after {} ms", latency.as_millis());
    println!(
        "  affiant capture --from LIST --jobs {JOBS} --per-host {JOBS}: bytes, heads and a text rendition, signed, on disk"
    );
    println!("  wget --warc-file --from LIST, one page after another over one connection: bytes and heads, not synced");
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..ROUND_COUNT {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("list"), urls.join("\n")).unwrap();
        run(affiant(folder.path()).args(["init", "--quiet"]));
        let mut capture = affiant(folder.path());
        capture.args(["capture", "--quiet", "--allow-private", "--jobs", JOBS, "--per-host", JOBS, "--from", "list"]);
        ours.push(time(&mut capture));
        let mut wget = Command::new("wget");
        wget.args(["--quiet", "--warc-file=pages", "--output-document=/dev/null", "--input-file=list"]);
        let Some(taken) = time_if_there(wget.current_dir(folder.path())) else {
            println!("  SKIPPED: there is no wget here");
            return;
        };
        theirs.push(taken);
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let rate = |taken: Duration| f64::from(u32::try_from(pages.len()).unwrap()) / taken.as_secs_f64();
    println!("  affiant {:.0} captures/s, wget {:.0} captures/s", rate(ours), rate(theirs));
    println!("  ratio {:.1} × (goal {goal} ×)", theirs.as_secs_f64() / ours.as_secs_f64());
}

/// One bundle verified, against `ssh-keygen -Y verify` on its record.
fn verify(archive: &Archived) {
    println!();
    println!("verify of one bundle, whole process");
    println!("  affiant verify BUNDLE: every check of the verdict");
    println!("  ssh-keygen -Y verify: the one seal over the record");
    let folder = archive.0.path();
    let unpack = Command::new("unzip").args(["-q", "bundle.zip", "-d", "unpacked"]).current_dir(folder).status();
    if !unpack.is_ok_and(|status| status.success()) {
        println!("  SKIPPED: there is no unzip here");
        return;
    }
    let seal = find(&folder.join("unpacked"), "record.cbor.sig").unwrap();
    let record = seal.with_extension("");
    let key = fs::read_to_string(find(&folder.join("unpacked"), "archive.pub").unwrap()).unwrap();
    fs::write(folder.join("allowed"), format!("archive {key}")).unwrap();
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    // A process of milliseconds needs more runs than one of seconds.
    for _ in 0..ROUND_COUNT * 8 {
        ours.push(time(affiant(folder).args(["verify", "bundle.zip", "--quiet"])));
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-Y", "verify", "-f", "allowed", "-I", "archive", "-n", "affiant-record", "-s"]).arg(&seal);
        keygen.current_dir(folder).stdin(File::open(&record).unwrap());
        let Some(taken) = time_if_there(&mut keygen) else {
            println!("  SKIPPED: there is no ssh-keygen here");
            return;
        };
        theirs.push(taken);
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    println!("  affiant {:.1} ms, ssh-keygen {:.1} ms", ours.as_secs_f64() * 1e3, theirs.as_secs_f64() * 1e3);
    println!("  ratio {:.2} × (goal 1 ×: not slower)", theirs.as_secs_f64() / ours.as_secs_f64());
}

/// Bytes audited a second, against the speed at which `openssl` hashes on one processor.
fn audit(archive: &Archived) {
    println!();
    println!("audit, bytes of all blobs uncompressed a second");
    println!("  affiant audit: reads, decompresses, hashes and checks everything, whole process");
    println!("  openssl speed -evp sha256: hashes 16 KiB of memory over and over, on one processor");
    let mut ours: Vec<Duration> =
        (0..ROUND_COUNT).map(|_| time(affiant(archive.0.path()).args(["audit", "--quiet"]))).collect();
    let speed = f64::from(u32::try_from(archive.blob_bytes()).unwrap()) / median(&mut ours).as_secs_f64();
    println!("  affiant {:.0} MB/s", speed / 1e6);
    let mut openssl = Command::new("openssl");
    openssl.args(["speed", "-mr", "-evp", "sha256", "-bytes", "16384", "-seconds", "2"]);
    let Ok(output) = openssl.stderr(Stdio::null()).output() else {
        println!("  SKIPPED: there is no openssl here");
        return;
    };
    // The line `+F:22:sha256:1234567.89` has bytes a second.
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = printed.lines().find(|line| line.starts_with("+F:"));
    let Some(theirs) = line.and_then(|line| line.rsplit(':').next()?.parse::<f64>().ok()) else {
        println!("  SKIPPED: this openssl does not say its speed as expected");
        return;
    };
    println!("  openssl {:.0} MB/s", theirs / 1e6);
    println!("  ratio {:.2} ×", speed / theirs);
}

/// An archive of all pages, with a bundle of the first.
struct Archived(TempDir);

impl Archived {
    fn new(pages: &Arc<Vec<Vec<u8>>>) -> Self {
        let archived = Self(tempfile::tempdir().unwrap());
        let folder = archived.0.path();
        fs::write(folder.join("list"), serve(pages.clone(), Duration::ZERO).join("\n")).unwrap();
        let mut capture = affiant(folder);
        let output = capture.args(["capture", "--json", "--allow-private", "--from", "list"]).output().unwrap();
        let first = output.stdout.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let first: Json = serde_json::from_slice(first).unwrap();
        run(affiant(folder).args(["bundle", first["id"].as_str().unwrap(), "-o", "bundle.zip"]));
        archived
    }

    /// Returns how many bytes the archive's blobs have, uncompressed.
    fn blob_bytes(&self) -> u64 {
        let archive = affiant::outside::archive::Archive::open(&self.0.path().join("archive")).unwrap();
        let packs = archive.packs();
        let segments = packs.segments().unwrap();
        segments.iter().flat_map(|number| packs.walk(*number, 0).unwrap()).map(|blob| blob.unwrap().size_bytes).sum()
    }
}

/// Reads the pages of the corpus, or makes as many.
fn pages() -> Vec<Vec<u8>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let root = std::env::var_os("AFFIANT_CORPUS").map_or(beside, PathBuf::from);
    let Ok(manifest) = File::open(root.join("manifest.json")) else {
        println!("The corpus is absent (set AFFIANT_CORPUS): pages of the same size are made instead");
        return (0..MADE_PAGE_COUNT).map(made_page).collect();
    };
    let manifest: Json = serde_json::from_reader(BufReader::new(manifest)).unwrap();
    let records = manifest["records"].as_array().unwrap().iter().filter(|record| record["kind"] == "snapshot");
    let blobs = records.map(|record| File::open(root.join(record["path"].as_str().unwrap())).unwrap());
    blobs
        .map(|blob| {
            let mut page = Vec::new();
            GzDecoder::new(blob).read_to_end(&mut page).unwrap();
            page
        })
        .collect()
}

fn made_page(number: usize) -> Vec<u8> {
    let mut page = format!("<!doctype html><title>Terms {number}</title><main>");
    let mut clause = 0;
    while page.len() < MADE_PAGE_BYTES {
        clause += 1;
        let word = (clause * 7 + number) % 1_000;
        writeln!(
            page,
            "<section class=\"c{word} wide\"><h2 id=s{clause}>Clause {clause}</h2><p>You may use service {word} of page \
             {number} as <a href=\"/terms/{word}#s{clause}\">clause {word}</a> says, and not otherwise.</p></section>"
        )
        .unwrap();
    }
    page.into_bytes()
}

/// Serves pages until the program ends: the pages are ready, connections stay open, each answer waits first.
fn serve(pages: Arc<Vec<Vec<u8>>>, latency: Duration) -> Vec<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let urls = (0..pages.len()).map(|number| format!("http://127.0.0.1:{port}/{number}")).collect();
    thread::spawn(move || {
        for wire in listener.incoming().map_while(Result::ok) {
            let pages = pages.clone();
            thread::spawn(move || answer(&wire, &pages, latency));
        }
    });
    urls
}

/// Answers on one connection until the other side closes it.
fn answer(mut wire: &TcpStream, pages: &[Vec<u8>], latency: Duration) -> io::Result<()> {
    wire.set_nodelay(true)?;
    let mut reader = BufReader::new(wire);
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let mut field = String::new();
        while reader.read_line(&mut field)? > 2 {
            field.clear();
        }
        let number = request.split(' ').nth(1).and_then(|path| path[1..].parse::<usize>().ok());
        let page = &pages[number.unwrap()];
        thread::sleep(latency);
        let length = page.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\r\n");
        wire.write_all(head.as_bytes())?;
        wire.write_all(page)?;
    }
}

fn affiant(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_affiant"));
    command.current_dir(folder).env("XDG_CONFIG_HOME", folder).env_remove("AFFIANT_ARCHIVE").env_remove("AFFIANT_KEYS");
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn time(command: &mut Command) -> Duration {
    time_if_there(command).unwrap()
}

/// Measures a command from its start to its exit; `None` when there is no such program.
fn time_if_there(command: &mut Command) -> Option<Duration> {
    let started = Instant::now();
    let output = command.output();
    let taken = started.elapsed();
    if output.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return None;
    }
    let output = output.unwrap();
    // 5: some pages of the corpus are not complete, and are captured all the same.
    let is_done = matches!(output.status.code(), Some(0 | 5));
    assert!(is_done, "{command:?}: {} {}", output.status, String::from_utf8_lossy(&output.stderr));
    Some(taken)
}

fn median(taken: &mut [Duration]) -> Duration {
    taken.sort_unstable();
    taken[taken.len() / 2]
}

/// Finds a file by its name, anywhere in a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find_map(
        |path| {
            if path.is_dir() { find(&path, name) } else { path.ends_with(name).then_some(path) }
        },
    )
}
