//! Audit beside its bounds: how fast two `openssl dgst -sha256` hash the same bytes, and two `zstd` decompress them.
//!
//! `cargo bench --bench audit` prints all of it in one run. The archive holds the corpus's raw pages, each
//! [`VARIANT_COUNT`] times with another first line and in a folder of its own, so that every frame is plain and `zstd`
//! reads the packs as they lie. Each figure is the wall time of whole processes, the median of [`ROUND_COUNT`]; all
//! sides run in turn, two processes or threads each. What is not an audit's work is not in the bound: signatures,
//! records, tiles and rows are ours to check on top.
#![expect(clippy::disallowed_methods, reason = "a benchmark sets up folders of its own")]
#![expect(clippy::print_stdout, reason = "a bench is there to print")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up its stage fails")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use affiant::outside::archive::Archive;
use flate2::read::GzDecoder;
use serde_json::Value as Json;

/// How often each side runs.
const ROUND_COUNT: usize = 5;

/// How often each page is in the archive: some 350 MB, so that starting a process does not count.
const VARIANT_COUNT: usize = 8;

/// How much of two openssl an audit should reach, or of what decompression leaves of them.
const GOAL: f64 = 0.8;

fn main() {
    let Some(pages) = pages() else {
        println!("SKIPPED: the corpus is absent (set AFFIANT_CORPUS)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    capture(folder, &pages);
    let (stored, uncompressed) = split(folder);
    println!("an archive of {} pages: blobs of {uncompressed} bytes, stored in {stored}", pages.len() * VARIANT_COUNT);
    let halves = |kind: &str| [0, 1].map(|half| folder.join(format!("{kind}{half}")));
    let hash = |path: PathBuf| start(Command::new("openssl").args(["dgst", "-sha256"]).arg(path));
    let decompress = |path: PathBuf| start(Command::new("zstd").args(["-dcq"]).arg(path));
    let (mut ours, mut hash_stored, mut hash_blobs, mut decompressing) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUND_COUNT {
        ours.push(time(|| vec![start(affiant(folder).args(["audit", "--quiet"]))]));
        hash_stored.push(time(|| halves("stored").map(hash).into()));
        hash_blobs.push(time(|| halves("blobs").map(hash).into()));
        decompressing.push(time(|| halves("stored").map(decompress).into()));
    }
    let [ours, hash_stored, hash_blobs, decompressing] =
        [ours, hash_stored, hash_blobs, decompressing].map(|mut taken| {
            taken.sort_unstable();
            taken[ROUND_COUNT / 2].as_secs_f64()
        });
    let speed = |bytes: u64, taken: f64| float(bytes) / taken / 1e6;
    println!(
        "  affiant audit                   {:>6.0} MB/s of blobs, {:.0} MB/s as stored",
        speed(uncompressed, ours),
        speed(stored, ours)
    );
    println!("  two openssl over what is stored {:>6.0} MB/s", speed(stored, hash_stored));
    println!("  two openssl over the blobs      {:>6.0} MB/s", speed(uncompressed, hash_blobs));
    println!("  two zstd -dc over the packs     {:>6.0} MB/s of blobs", speed(uncompressed, decompressing));
    println!(
        "  the bound, zstd and openssl     {:>6.0} MB/s of blobs",
        speed(uncompressed, decompressing + hash_blobs)
    );
    println!("  of two openssl over the blobs: {:.2}", hash_blobs / ours);
    println!("  of the bound that decompression sets: {:.2} (goal {GOAL})", (decompressing + hash_blobs) / ours);
}

/// Captures every variant of every page from a file.
fn capture(folder: &Path, pages: &[Vec<u8>]) {
    let mut list = String::new();
    for (n, page) in pages.iter().enumerate() {
        for variant in 0..VARIANT_COUNT {
            let place = folder.join(format!("pages/{n}-{variant}"));
            fs::create_dir_all(&place).unwrap();
            let path = place.join("page.html");
            fs::write(&path, [format!("<!-- {variant} -->\n").as_bytes(), page].concat()).unwrap();
            writeln!(list, "{}", path.display()).unwrap();
        }
    }
    fs::write(folder.join("list"), list).unwrap();
    // 5: some pages of the corpus are not complete, and are captured all the same.
    let status = affiant(folder).args(["capture", "--quiet", "--from", "list"]).status().unwrap();
    assert!(matches!(status.code(), Some(0 | 5)), "{status}");
}

/// Writes the packs' members in two halves, as stored and as blobs, and returns how many bytes each way has.
fn split(folder: &Path) -> (u64, u64) {
    let archive = Archive::open(&folder.join("archive")).unwrap();
    let packs = archive.packs();
    let create = |kind: &str, half| BufWriter::new(File::create(folder.join(format!("{kind}{half}"))).unwrap());
    let mut halves = [0, 1].map(|half| (create("stored", half), create("blobs", half)));
    let (mut stored, mut uncompressed) = (0, 0);
    let segments = packs.segments().unwrap();
    let sizes =
        segments.iter().flat_map(|segment| packs.walk(*segment, 0).unwrap()).map(|member| member.unwrap().size_bytes);
    let middle = sizes.sum::<u64>() / 2;
    for segment in segments {
        let mut file = File::open(packs.path(segment)).unwrap();
        for member in packs.walk(segment, 0).unwrap().map(Result::unwrap) {
            assert!(member.base.is_none(), "every frame is plain");
            let half = usize::from(uncompressed > middle);
            let (to_stored, to_blobs) = &mut halves[half];
            file.seek(SeekFrom::Start(member.offset)).unwrap();
            std::io::copy(&mut Read::by_ref(&mut file).take(member.end() - member.offset), to_stored).unwrap();
            packs.copy_member(segment, &member, to_blobs).unwrap();
            stored += member.end() - member.offset;
            uncompressed += member.size_bytes;
        }
    }
    (stored, uncompressed)
}

/// Reads the pages of the corpus.
fn pages() -> Option<Vec<Vec<u8>>> {
    let roots = ["../shared/corpus", "../../shared/corpus"];
    let beside = roots.map(|root| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(root));
    let named = std::env::var_os("AFFIANT_CORPUS").map(PathBuf::from);
    let root = named.or_else(|| beside.into_iter().find(|root| root.exists()))?;
    let manifest: Json = serde_json::from_reader(BufReader::new(File::open(root.join("manifest.json")).ok()?)).unwrap();
    let records = manifest["records"].as_array().unwrap().iter().filter(|record| record["kind"] == "snapshot");
    let page = |record: &Json| {
        let mut page = Vec::new();
        let stored = File::open(root.join(record["path"].as_str().unwrap())).unwrap();
        GzDecoder::new(stored).read_to_end(&mut page).unwrap();
        page
    };
    Some(records.map(page).collect())
}

fn affiant(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_affiant"));
    command.current_dir(folder).env("XDG_CONFIG_HOME", folder).env_remove("AFFIANT_ARCHIVE").env_remove("AFFIANT_KEYS");
    command
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).spawn().unwrap()
}

fn time(start: impl FnOnce() -> Vec<Child>) -> Duration {
    let started = Instant::now();
    for mut child in start() {
        assert!(child.wait().unwrap().success());
    }
    started.elapsed()
}

fn float(count: u64) -> f64 {
    count.to_string().parse().unwrap()
}
