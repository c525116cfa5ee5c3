//! The page beside the verifier: the program of `verify.html`, run by node, is asked about the same forgeries.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use affiant::evidence::verify::{Report, Verdict};
use serde_json::Value as Json;

use super::Files;
use super::yard::{write, zip_raw};
use crate::interop::has;

/// The program of the page, waiting for bundles.
pub(super) struct Page {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// What a page is told of its reader: a policy, and the roots of authorities, as files.
pub(super) struct Reader {
    folder: tempfile::TempDir,
    roots: Vec<PathBuf>,
}

impl Reader {
    pub(super) fn new(policy: &[u8], roots: &[Vec<u8>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("policy"), policy);
        let path = |n: usize| folder.path().join(format!("root-{n}.der"));
        for (n, root) in roots.iter().enumerate() {
            write(&path(n), root);
        }
        let roots = (0..roots.len()).map(path).collect();
        Self { folder, roots }
    }
}

impl Page {
    /// Starts it; where there is no node, says aloud that the test is skipped.
    pub(super) fn start(reader: &Reader) -> Option<Self> {
        if !has("node") {
            return None;
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("node");
        command.arg(root.join("tests/forgery/page.mjs")).arg(root.join("src/evidence/bundle/verify.html"));
        command.arg(reader.folder.path().join("policy")).args(&reader.roots);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { child, input, output })
    }

    /// Returns the reports on a ZIP, as the page's JSON has them.
    pub(super) fn judge(&mut self, zip: &[u8]) -> Vec<Json> {
        let input = self.input.as_mut().unwrap();
        input.write_all(&u32::try_from(zip.len()).unwrap().to_be_bytes()).unwrap();
        input.write_all(zip).unwrap();
        input.flush().unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str::<Vec<Json>>(&line).unwrap_or_else(|error| panic!("{error}: `{line}`"))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.input = None; // It ends at the end of its input.
        let mut rest = Vec::new();
        let _ = self.output.read_to_end(&mut rest);
        let _ = self.child.wait();
    }
}

/// Packs files as a bundle is packed, whatever is wrong with them.
pub(super) fn pack(files: &Files) -> Vec<u8> {
    let members: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    zip_raw(&members)
}

/// Says in what the page differs from the verifier: in a verdict, or in what one of the checks came to.
pub(super) fn differences(reports: &[Report], pages: &[Json]) -> Vec<String> {
    if reports.len() != pages.len() {
        return vec![format!("{} reports, and {} by the page", reports.len(), pages.len())];
    }
    let pairs = reports.iter().map(Report::to_json).zip(pages);
    pairs.flat_map(|(ours, theirs)| differences_of(&ours, theirs)).collect()
}

fn differences_of(ours: &Json, theirs: &Json) -> Vec<String> {
    let same = ["verdict", "interval"].into_iter().filter(|field| ours[field] != theirs[field]);
    let mut differences: Vec<String> =
        same.map(|field| format!("{field}: {}, by the page {}", ours[field], theirs[field])).collect();
    let (ours, theirs) = (results(ours), results(theirs));
    for check in ours.keys().chain(theirs.keys()).collect::<std::collections::BTreeSet<_>>() {
        let [a, b] = [&ours, &theirs].map(|results| results.get(check).map(String::as_str).unwrap_or_default());
        if a.split(':').next() != b.split(':').next() {
            differences.push(format!("{check} {a}, by the page {b}"));
        }
    }
    differences
}

/// What each check came to at worst, with what was found first of that.
fn results(report: &Json) -> BTreeMap<String, String> {
    let mut results = BTreeMap::new();
    for worst in ["fails", "not-shown", "holds"] {
        for finding in report["findings"].as_array().unwrap().iter().filter(|finding| finding["result"] == worst) {
            let text = |field: &str| finding[field].as_str().unwrap().to_owned();
            results.entry(text("check")).or_insert(format!("{worst}: {} / {}", text("expected"), text("found")));
        }
    }
    results
}

/// All that the page says against a bundle.
pub(super) fn complaints(pages: &[Json]) -> String {
    let findings = pages.iter().flat_map(|report| report["findings"].as_array().unwrap());
    let against = findings.filter(|finding| finding["result"] != "holds");
    let said = |finding: &Json| format!("{}: {} / {}", finding["check"], finding["expected"], finding["found"]);
    against.map(said).collect::<Vec<_>>().join("\n")
}

/// Says whether the page believes any part of a bundle.
pub(super) fn believes(pages: &[Json]) -> bool {
    pages
        .iter()
        .any(|report| report["verdict"].as_str().is_none_or(|verdict| verdict.starts_with(Verdict::Verified.as_str())))
}

/// Asks two pages at once about many bundles; `judge` gets each with its place in the list.
pub(super) fn in_turn(reader: &Reader, count: usize, judge: impl Fn(&mut Page, usize) + Sync) -> bool {
    let waiting = Mutex::new(0..count);
    let next = || waiting.lock().unwrap().next();
    let work = || {
        let Some(mut page) = Page::start(reader) else { return false };
        while let Some(n) = next() {
            judge(&mut page, n);
        }
        true
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let is_here = work();
        other.join().unwrap() && is_here
    })
}
