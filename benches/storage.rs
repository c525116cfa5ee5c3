//! Storage: every version and every raw page of the corpus in packs, beside the raw bytes, zstd on each file, `git gc
//! --aggressive` and restic; and how long the blobs take to read when nothing of the packs is in memory.
//!
//! `cargo bench --bench storage` prints all of it. The blobs alone are compared: the packs hold no records here, and
//! git has its commits and trees, whose share is printed too. They are kept in the order in which they were
//! fetched, documents mixed, by the code that captures use: [`References`] says what a blob may resemble,
//! [`Spooled::compress_against`] chooses, [`PackWriter`] writes. Only the packs are counted, not the index beside them,
//! as of git only the `.pack`; both indexes are printed.
#![expect(clippy::disallowed_methods, reason = "a benchmark sets up folders of its own")]
#![expect(clippy::print_stdout, reason = "a bench is there to print")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up its stage fails")]

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use affiant::archivist::repack::Seen;
use affiant::base::hash::Hash;
use affiant::outside::archive::index::Index;
use affiant::outside::archive::packs::{Member, PackWriter, Packs, Reference, WRITTEN_DEPTH_MAX};
use affiant::outside::archive::references::{Part, References};
use affiant::outside::archive::spool::Spooled;
use affiant::outside::archive::stop::Stop;
use flate2::read::GzDecoder;
use serde_json::Value as Json;
use tempfile::TempDir;

/// How much of git's pack the packs may be.
const GOAL: f64 = 0.7;

/// How often each blob is read, cold each time: the fastest counts, because other programs take their turns.
const READ_COUNT: usize = 3;

/// How long any blob may take, cold.
const GOAL_READ: Duration = Duration::from_millis(5);

fn main() {
    let Some(corpus) = corpus() else {
        println!("SKIPPED: the corpus is absent (set AFFIANT_CORPUS)");
        return;
    };
    let of = |part: Part| corpus.iter().filter(|version| version.part == part).collect::<Vec<_>>();
    let everything: Vec<&Version> = corpus.iter().collect();
    compare("Markdown versions", &of(Part::Text));
    compare("raw pages", &of(Part::Page));
    let (packed, git) = compare("both", &everything);
    println!();
    println!("both: {:.2} × git's pack (goal at most {GOAL} ×)", ratio(packed.pack_bytes, git.unwrap_or(u64::MAX)));
    println!();
    println!("what the distance of key frames costs and gains, both");
    for depth in [0, 5, 20, 80] {
        let packed = Packed::new(&everything, depth, First::Leaning);
        let Packed { pack_bytes, deepest, leaning_seconds, .. } = packed;
        println!(
            "  at most {depth:2} (deepest {deepest:2}): {pack_bytes} bytes, {:.2} × git's pack; compressing against \
             references took {leaning_seconds:.2} s; cold reads {}",
            ratio(pack_bytes, git.unwrap_or(u64::MAX)),
            packed.read_cold(Packed::read).words()
        );
    }
    println!();
    println!(
        "cold reads of every blob of both, one after another: dd iflag=nocache drops the packs from memory before each"
    );
    println!(
        "  blobs                       {} (goal: all within {} ms)",
        packed.read_cold(Packed::read).words(),
        GOAL_READ.as_millis()
    );
    println!("  their frames, read bare     {}", packed.read_cold(packed.read_bare()).words());
    let mut hasty = Packed::new(&everything, WRITTEN_DEPTH_MAX, First::Plain);
    hasty.repack(&everything);
    println!("  blobs, packed again         {}", hasty.read_cold(Packed::read).words());
    println!("  their frames, read bare     {}", hasty.read_cold(hasty.read_bare()).words());
}

/// Packs versions in every way, and returns our packs and the size of git's.
fn compare(name: &str, versions: &[&Version]) -> (Packed, Option<u64>) {
    let raw: u64 = versions.iter().map(|version| length(&version.bytes)).sum();
    let mut seen = HashSet::new();
    let distinct: Vec<&&Version> = versions.iter().filter(|version| seen.insert(version.hash)).collect();
    let distinct_bytes: u64 = distinct.iter().map(|version| length(&version.bytes)).sum();
    println!();
    println!(
        "{name}: {} of {} documents",
        versions.len(),
        versions.iter().map(|version| version.document).max().unwrap() + 1
    );
    println!("  raw              {raw:>10} bytes");
    println!(
        "  distinct         {distinct_bytes:>10} bytes, {:.1} : 1, {} blobs",
        ratio(raw, distinct_bytes),
        distinct.len()
    );
    let zstd: u64 = distinct.iter().map(|version| length(&zstd::bulk::compress(&version.bytes, 3).unwrap())).sum();
    println!("  zstd -3 per file {zstd:>10} bytes, {:.1} : 1", ratio(raw, zstd));
    match restic(versions) {
        Some(bytes) => println!(
            "  restic           {bytes:>10} bytes, {:.1} : 1, one backup of a file for each",
            ratio(raw, bytes)
        ),
        None => println!("  restic           SKIPPED: there is no restic here"),
    }
    let git = git(versions);
    match &git {
        Some(Git { pack_bytes, index_bytes, blob_bytes }) => println!(
            "  git              {pack_bytes:>10} bytes, {:.1} : 1, a commit for each (blobs alone {blob_bytes}, index \
             {index_bytes})",
            ratio(raw, *pack_bytes)
        ),
        None => println!("  git              SKIPPED: there is no git here"),
    }
    let packed = Packed::new(versions, WRITTEN_DEPTH_MAX, First::Leaning);
    let mut hasty = Packed::new(versions, WRITTEN_DEPTH_MAX, First::Plain);
    println!(
        "  in haste         {:>10} bytes, {:.1} : 1: a document's first blobs keep their plain frames",
        hasty.pack_bytes,
        ratio(raw, hasty.pack_bytes)
    );
    let in_haste = hasty.pack_bytes;
    let taken = hasty.repack(versions);
    println!(
        "  `affiant repack` {:>10} bytes, {:.1} : 1, of that, in {:.1} s",
        hasty.pack_bytes,
        ratio(raw, hasty.pack_bytes),
        taken.as_secs_f64()
    );
    println!(
        "  affiant          {:>10} bytes, {:.1} : 1 (index {})",
        packed.pack_bytes,
        ratio(raw, packed.pack_bytes),
        packed.index_bytes
    );
    if let Some(git) = &git {
        println!(
            "  ratio {:.2} × git's pack (goal at most {GOAL} ×); {:.2} × in haste, {:.2} × packed again",
            ratio(packed.pack_bytes, git.pack_bytes),
            ratio(in_haste, git.pack_bytes),
            ratio(hasty.pack_bytes, git.pack_bytes)
        );
    }
    println!(
        "  time: plain frames {:.2} s, against references {:.2} s more",
        packed.plain_seconds, packed.leaning_seconds
    );
    (packed, git.map(|git| git.pack_bytes))
}

/// A version of a document, or a raw page of it.
struct Version {
    document: u64,
    path: String,
    site: String,
    part: Part,
    hash: Hash,
    bytes: Vec<u8>,
}

/// Reads the corpus in the order in which it was fetched.
fn corpus() -> Option<Vec<Version>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let beside = if beside.exists() { beside } else { shared };
    let root = std::env::var_os("AFFIANT_CORPUS").map_or(beside, PathBuf::from);
    let manifest: Json = serde_json::from_reader(BufReader::new(File::open(root.join("manifest.json")).ok()?)).unwrap();
    let mut records: Vec<&Json> = manifest["records"].as_array().unwrap().iter().collect();
    let text = |record: &Json, key: &str| record[key].as_str().unwrap().to_owned();
    records.sort_by_key(|record| (text(record, "fetch_date"), text(record, "doc"), record["seq"].as_u64()));
    let mut documents: HashMap<String, u64> = HashMap::new();
    let version = |record: &Json| {
        let name = text(record, "doc");
        let next = u64::try_from(documents.len()).unwrap();
        let document = *documents.entry(name.clone()).or_insert(next);
        let stored = fs::read(root.join(text(record, "path"))).unwrap();
        let mut bytes = Vec::new();
        match record["kind"].as_str().unwrap() {
            "snapshot" => _ = GzDecoder::new(&*stored).read_to_end(&mut bytes).unwrap(),
            _ => bytes = stored,
        }
        let part = if record["kind"] == "snapshot" { Part::Page } else { Part::Text };
        // The site: its service stands for it, because versions do not say the address they came from.
        let site = name.split('/').nth(1).unwrap().to_owned();
        let path = format!("{name}{}", if part == Part::Page { ".html" } else { ".md" });
        Version { document, path, site, part, hash: Hash::of(&bytes), bytes }
    };
    Some(records.into_iter().map(version).collect())
}

/// What becomes of a document's first page and text.
#[derive(Clone, Copy, Eq, PartialEq)]
enum First {
    /// They lean on others of their site, or are compressed hard.
    Leaning,
    /// They keep their plain frames, as when the processors are behind the network.
    Plain,
}

/// The versions in packs.
struct Packed {
    folder: TempDir,
    packs: Packs,
    pack_bytes: u64,
    index_bytes: u64,
    deepest: u64,
    plain_seconds: f64,
    leaning_seconds: f64,
}

impl Packed {
    fn new(versions: &[&Version], depth_max: u64, first: First) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(&folder.path().join("packs"));
        let references = Index::open(&folder.path().join("index"), Stop::default()).unwrap().references();
        let mut writer = PackWriter::open(&packs).unwrap();
        let mut kept = VecDeque::new();
        let (mut plain, mut leaning) = (Duration::ZERO, Duration::ZERO);
        let mut held = HashSet::new();
        let mut known = HashSet::new();
        for version in versions {
            let leans = depth_max > 0
                && (!known.insert((version.document, version.part == Part::Page)) || first == First::Leaning);
            if held.insert(version.hash) {
                let started = Instant::now();
                let mut blob = Spooled::compressed(version.bytes.clone()).unwrap();
                plain += started.elapsed();
                let started = Instant::now();
                let mut offered = offered(version, &references, &packs, depth_max, &mut kept).filter(|_| leans);
                let is_tried = leans || depth_max == 0;
                is_tried.then(|| blob.compress_against(&mut offered)).transpose().unwrap();
                leaning += started.elapsed();
                writer.append(&blob).unwrap();
            }
            references.learn_blob(version.document, &version.site, version.part, version.hash).unwrap();
        }
        writer.sync().unwrap();
        let bytes = |extension| bytes_of(&packs, extension);
        let (pack_bytes, index_bytes) = (bytes("pack"), bytes("rows") + bytes("index"));
        let deepest = members(&packs).map(|(_, depth)| depth).max().unwrap();
        let (plain_seconds, leaning_seconds) = (plain.as_secs_f64(), leaning.as_secs_f64());
        Self { folder, packs, pack_bytes, index_bytes, deepest, plain_seconds, leaning_seconds }
    }

    /// Packs again what was kept in haste, as `affiant repack` does.
    fn repack(&mut self, versions: &[&Version]) -> Duration {
        let started = Instant::now();
        let mut seen = Seen::new(&self.packs);
        for version in versions {
            seen.blob(version.document, &version.site, version.part, version.hash).unwrap();
        }
        let wishes = seen.into_wishes();
        PackWriter::open(&self.packs).unwrap().repack(&wishes, &|_| ()).unwrap();
        self.packs = Packs::new(self.packs.folder());
        self.pack_bytes = bytes_of(&self.packs, "pack");
        started.elapsed()
    }

    /// Reads every blob once, the packs out of memory before each.
    fn read_cold(&self, read: impl Fn(&Self, Hash)) -> Cold {
        let mut taken = Vec::new();
        let mut of_deepest = Duration::ZERO;
        let members: Vec<_> = members(&self.packs).collect();
        let deepest = members.iter().map(|(_, depth)| *depth).max().unwrap();
        for (hash, depth) in members {
            let read = || {
                forget_all(&self.folder.path().join("packs"));
                let started = Instant::now();
                read(self, hash);
                started.elapsed()
            };
            taken.push((0..READ_COUNT).map(|_| read()).min().unwrap());
            if depth == deepest {
                of_deepest = of_deepest.max(*taken.last().unwrap());
            }
        }
        taken.sort_unstable();
        Cold { taken, of_deepest }
    }

    fn read(&self, hash: Hash) {
        self.packs.read(hash).unwrap();
    }

    /// Reads the bytes of a blob's frame and of those that are decoded before it, and does nothing with them: what the
    /// disk takes for it alone. Where they lie is known beforehand.
    fn read_bare(&self) -> impl Fn(&Self, Hash) + use<> {
        let mut places: HashMap<Hash, Vec<(PathBuf, u64, usize)>> = HashMap::new();
        for (hash, _) in members(&self.packs) {
            let (segment, member) = self.packs.locate(hash).unwrap();
            let bases = self.packs.bases(segment, &member).unwrap();
            let chain = bases.into_iter().rev().chain([(segment, member)]);
            let place = |(segment, member): (u32, Member)| {
                let length = usize::try_from(member.end() - member.offset).unwrap();
                (self.packs.path(segment), member.offset, length)
            };
            places.insert(hash, chain.map(place).collect());
        }
        move |_, hash| {
            for (path, offset, length) in &places[&hash] {
                let mut file = File::open(path).unwrap();
                file.seek(SeekFrom::Start(*offset)).unwrap();
                file.read_exact(&mut vec![0; *length]).unwrap();
            }
        }
    }
}

/// How long reads took, the shortest first.
struct Cold {
    taken: Vec<Duration>,
    of_deepest: Duration,
}

impl Cold {
    fn words(&self) -> String {
        let part = |hundredths: usize| milliseconds(self.taken[(self.taken.len() - 1) * hundredths / 100]);
        let within = self.taken.iter().filter(|taken| **taken <= GOAL_READ).count();
        format!(
            "median {} ms, 90 % {}, 99 % {}, worst {}; {within} of {} within {} ms; the deepest {}",
            part(50),
            part(90),
            part(99),
            part(100),
            self.taken.len(),
            GOAL_READ.as_millis(),
            milliseconds(self.of_deepest)
        )
    }
}

fn bytes_of(packs: &Packs, extension: &str) -> u64 {
    let files = fs::read_dir(packs.folder()).unwrap().map(|entry| entry.unwrap());
    let files = files.filter(|file| file.path().extension().is_some_and(|found| found == extension));
    files.map(|file| file.metadata().unwrap().len()).sum()
}

/// What a visit offers, as `archivist/lean.rs` does.
fn offered<'o>(
    version: &Version,
    references: &References,
    packs: &'o Packs,
    depth_max: u64,
    kept: &'o mut VecDeque<Arc<Reference>>,
) -> impl Iterator<Item = Arc<Reference>> + use<'o> {
    let likely = references.likely(Some(version.document), &version.site, version.part);
    let reference = move |hash: Hash| {
        if let Some(kept) = kept.iter().find(|kept| kept.hash == hash) {
            return Some(kept.clone());
        }
        let read = Arc::new(packs.reference_within(hash, depth_max).unwrap()?);
        kept.push_front(read.clone());
        kept.truncate(8);
        Some(read)
    };
    likely.into_iter().filter_map(reference)
}

fn members(packs: &Packs) -> impl Iterator<Item = (Hash, u64)> {
    let segments = packs.segments().unwrap();
    let walk = |segment| packs.walk(segment, 0).unwrap().map(Result::unwrap);
    let members: Vec<_> = segments.into_iter().flat_map(walk).map(|member| (member.hash, member.depth())).collect();
    members.into_iter()
}

/// Drops a file from the page cache: GNU dd asks `posix_fadvise` for it.
fn forget(path: &Path) {
    let mut source = std::ffi::OsString::from("if=");
    source.push(path);
    let status = Command::new("dd").arg(source).args(["iflag=nocache", "count=0", "status=none"]).status();
    assert!(status.unwrap().success(), "dd drops `{}`", path.display());
}

/// Lets the system forget what it remembers of every file in a folder.
fn forget_all(folder: &Path) {
    for file in fs::read_dir(folder).unwrap() {
        forget(&file.unwrap().path());
    }
}

/// What git makes of it.
#[expect(clippy::struct_field_names, reason = "each is a number of bytes")]
struct Git {
    pack_bytes: u64,
    index_bytes: u64,
    blob_bytes: u64,
}

/// Commits each version in order, one file a document, and lets git pack as hard as it can.
fn git(versions: &[&Version]) -> Option<Git> {
    let folder = tempfile::tempdir().unwrap();
    let git = || {
        let mut git = Command::new("git");
        git.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        git
    };
    git().args(["init", "--quiet", "--bare", "."]).status().ok()?;
    let mut import = git().args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = BufWriter::new(import.stdin.take().unwrap());
    for (second, version) in (1_600_000_000..).zip(versions) {
        write!(input, "commit refs/heads/main\ncommitter a <a@a.example> {second} +0000\ndata 1\nv\n").unwrap();
        write!(input, "M 100644 inline {}\ndata {}\n", version.path, version.bytes.len()).unwrap();
        input.write_all(&version.bytes).unwrap();
        input.write_all(b"\n").unwrap();
    }
    drop(input);
    assert!(import.wait().unwrap().success(), "git fast-import");
    assert!(git().args(["gc", "--aggressive", "--quiet", "--prune=now"]).status().unwrap().success(), "git gc");
    let packs: Vec<PathBuf> =
        fs::read_dir(folder.path().join("objects/pack")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let bytes = |is_pack: bool| {
        let files = packs.iter().filter(|path| path.extension().is_some_and(|end| (end == "pack") == is_pack));
        files.map(|path| fs::metadata(path).unwrap().len()).sum()
    };
    let index = packs.iter().find(|path| path.extension().is_some_and(|end| end == "idx")).unwrap();
    let listed = git().args(["verify-pack", "-v"]).arg(index).stdout(Stdio::piped()).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let of_blob = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        (words.next() == Some("blob")).then(|| words.nth(1)?.parse::<u64>().ok()).flatten()
    };
    Some(Git {
        pack_bytes: bytes(true),
        index_bytes: bytes(false),
        blob_bytes: listed.lines().filter_map(of_blob).sum(),
    })
}

/// Backs up one folder with a file for each version, compressed as hard as restic can.
fn restic(versions: &[&Version]) -> Option<u64> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    for (n, version) in versions.iter().enumerate() {
        fs::write(source.join(format!("{}-{n}", version.document)), &version.bytes).unwrap();
    }
    let repository = folder.path().join("repository");
    let restic = |arguments: &[&str]| {
        let mut restic = Command::new("restic");
        restic.arg("--repo").arg(&repository).args(["--quiet", "--no-cache", "--compression", "max"]).args(arguments);
        restic.current_dir(&source).env("RESTIC_PASSWORD", "x").stdout(Stdio::null());
        restic.status().ok().map(|status| assert!(status.success(), "restic {arguments:?}"))
    };
    restic(&["init"])?;
    restic(&["backup", "."])?;
    Some(size_of(&repository))
}

fn size_of(path: &Path) -> u64 {
    if path.is_file() {
        return fs::metadata(path).unwrap().len();
    }
    fs::read_dir(path).unwrap().map(|entry| size_of(&entry.unwrap().path())).sum()
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

fn ratio(more: u64, less: u64) -> f64 {
    let float = |count: u64| count.to_string().parse::<f64>().unwrap();
    float(more) / float(less)
}

fn milliseconds(taken: Duration) -> String {
    format!("{:.2}", taken.as_secs_f64() * 1e3)
}
