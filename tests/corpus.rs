//! Real pages through the real program: all 224 of the corpus in one command, then each document's history.
//!
//! The first test serves every page in a way of its own: behind redirects, compressed, chunked, with a wrong
//! type or none, or cut off. The second serves the pages of each document in turn at one address, and
//! counts which visits are checks and which are captures, as `vectors/replay.rs` does below the program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use affiant::archivist::read::Log;
use affiant::base::hash::Hash;
use affiant::evidence::record::Body;
use affiant::outside::archive::Archive;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value as Json;

use crate::server::{Server, redirect, say};
use crate::stage::Stage;
use crate::vectors::corpus;

/// What issue 2 asks for.
const CHECKS_MIN: usize = 85;
const CAPTURES_MIN: usize = 80;

/// One page of the corpus.
struct Page {
    document: String,
    sequence: u64,
    made_version: bool,
    body: Vec<u8>,
}

/// Reads all pages in the order of their documents' histories.
fn pages() -> Option<Vec<Page>> {
    let root = corpus()?;
    let manifest: Json = serde_json::from_reader(File::open(root.join("manifest.json")).unwrap()).unwrap();
    let mut pages = Vec::new();
    for record in manifest["records"].as_array().unwrap().iter().filter(|record| record["kind"] == "snapshot") {
        let mut body = Vec::new();
        let blob = File::open(root.join(record["path"].as_str().unwrap())).unwrap();
        GzDecoder::new(blob).read_to_end(&mut body).unwrap();
        pages.push(Page {
            document: record["doc"].as_str().unwrap().to_owned(),
            sequence: record["seq"].as_u64().unwrap(),
            made_version: record["role"] == "extracted",
            body,
        });
    }
    pages.sort_by(|a, b| (&a.document, a.sequence).cmp(&(&b.document, b.sequence)));
    assert_eq!(pages.len(), 224, "pages in the corpus");
    Some(pages)
}

/// How a page is served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Manner {
    Chunked,
    CutOff,
    Gzip,
    GzipInChunks,
    Plain,
    Redirect,
    Typeless,
    WrongType,
}

impl Manner {
    const ALL: [Self; 8] = [
        Self::Plain,
        Self::Redirect,
        Self::Gzip,
        Self::Chunked,
        Self::WrongType,
        Self::Typeless,
        Self::GzipInChunks,
        Self::CutOff,
    ];

    fn of(page: usize) -> Self {
        Self::ALL[page % Self::ALL.len()]
    }

    /// Returns the body as it is put on the wire, before any chunking.
    fn body(self, page: &Page) -> Vec<u8> {
        match self {
            Self::Gzip | Self::GzipInChunks => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(&page.body).unwrap();
                gzip.finish().unwrap()
            }
            Self::CutOff => page.body[..page.body.len() / 2].to_vec(),
            _ => page.body.clone(),
        }
    }

    fn answer(self, page: &Page) -> Vec<u8> {
        let body = self.body(page);
        let length = if self == Self::CutOff { page.body.len() } else { body.len() };
        let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
        match self {
            Self::WrongType => head.push_str("Content-Type: application/octet-stream\r\n"),
            Self::Typeless => {}
            _ => head.push_str("Content-Type: text/html; charset=utf-8\r\n"),
        }
        if matches!(self, Self::Gzip | Self::GzipInChunks) {
            head.push_str("Content-Encoding: gzip\r\n");
        }
        if matches!(self, Self::Chunked | Self::GzipInChunks) {
            let mut answer = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
            for chunk in body.chunks(7_001) {
                answer.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                answer.extend_from_slice(chunk);
                answer.extend_from_slice(b"\r\n");
            }
            return [&answer[..], b"0\r\n\r\n"].concat();
        }
        [format!("{head}Content-Length: {length}\r\n\r\n").as_bytes(), &body].concat()
    }
}

#[test]
fn every_page_is_captured_by_one_command() {
    let Some(pages) = pages() else { return };
    let pages = Arc::new(pages);
    let served = pages.clone();
    let server = Server::start(move |asked, wire| {
        let number = asked.path.rsplit('/').next().and_then(|number| number.parse::<usize>().ok()).unwrap();
        let manner = Manner::of(number);
        if manner == Manner::Redirect && asked.path.starts_with("/page/") {
            return say(wire, redirect(&format!("/moved/{number}")));
        }
        say(wire, manner.answer(&served[number]))
    });
    let stage = Stage::new();
    let urls: Vec<String> = (0..pages.len()).map(|n| server.url("127.0.0.1", &format!("/page/{n}"))).collect();
    let ran = stage.capture(&stage.list(&urls));
    assert_eq!(ran.code, Some(5), "some are cut off, so it is done in part: {}", ran.remarks);
    assert_eq!(ran.lines.len(), pages.len(), "{}", ran.remarks);

    let by_target: BTreeMap<&str, &Json> =
        ran.lines.iter().map(|line| (line["target"].as_str().unwrap(), line)).collect();
    let mut count = BTreeMap::new();
    for (number, (url, page)) in urls.iter().zip(pages.iter()).enumerate() {
        let (manner, line) = (Manner::of(number), by_target[url.as_str()]);
        let expected = if manner == Manner::CutOff { "truncated" } else { "complete" };
        assert_eq!(line["outcome"], expected, "{manner:?} {} {}: {line}", page.document, page.sequence);
        let body = manner.body(page);
        assert_eq!(line["sha256"], Hash::of(&body).to_string(), "{manner:?} {url}");
        assert_eq!(line["size"], body.len(), "{manner:?} {url}");
        let is_first = *count.entry(format!("{manner:?}")).and_modify(|count| *count += 1).or_insert(1) == 1;
        if is_first {
            let shown = stage.program(["show", line["id"].as_str().unwrap(), "--body"]).output().unwrap();
            assert!(shown.stdout == body, "{manner:?}: `show --body` gives other bytes");
        }
    }
    assert!(count.len() == Manner::ALL.len() && count.values().all(|count| *count == 28), "{count:?}");
    stage.assert_clean("every page");
    let (captures, checks, documents) = unbroken_chains(&stage.path("archive"));
    assert_eq!((captures, checks, documents), (224, 0, 224));
}

#[test]
fn noise_is_checked_and_change_is_captured() {
    let Some(pages) = pages() else { return };
    let mut documents: BTreeMap<String, Vec<Page>> = BTreeMap::new();
    for page in pages {
        documents.entry(page.document.replace('/', "-")).or_default().push(page);
    }
    let documents = Arc::new(documents);
    let round = Arc::new(AtomicUsize::new(0));
    let (served, now) = (documents.clone(), round.clone());
    let server = Server::start(move |asked, wire| {
        say(wire, Manner::Plain.answer(&served[&asked.path[1..]][now.load(Ordering::SeqCst)]))
    });
    let stage = Stage::new();
    let (mut checks, mut noise, mut captures, mut versions) = (0, 0, 0, 0);
    for number in 0..documents.values().map(Vec::len).max().unwrap() {
        round.store(number, Ordering::SeqCst);
        let due: Vec<&String> =
            documents.iter().filter(|(_, pages)| pages.len() > number).map(|(name, _)| name).collect();
        let ran = stage.capture(&stage.list(due.iter().map(|name| server.url("127.0.0.1", &format!("/{name}")))));
        assert_eq!(ran.lines.len(), due.len(), "round {number}: {}", ran.remarks);
        for line in ran.lines.iter().filter(|_| number > 0) {
            let name = line["target"].as_str().unwrap().rsplit('/').next().unwrap();
            let page = &documents[name][number];
            let is_check = line["kind"] == "check";
            assert_eq!(is_check, line["confirms"].is_string(), "{line}");
            assert!(line["outcome"] == "complete" || !page.made_version, "{name} {}: {line}", page.sequence);
            let (right, all) =
                if page.made_version { (&mut captures, &mut versions) } else { (&mut checks, &mut noise) };
            *all += 1;
            *right += usize::from(is_check != page.made_version);
        }
    }
    eprintln!("{checks} of {noise} noise-only pages are checks; {captures} of {versions} changed pages are captures");
    assert_eq!((noise, versions), (104, 101), "pages that were replayed");
    assert!(checks >= CHECKS_MIN, "{checks} checks");
    assert!(captures >= CAPTURES_MIN, "{captures} captures");
    stage.assert_clean("histories");
    let found = unbroken_chains(&stage.path("archive"));
    assert_eq!(found, (19 + versions - (versions - captures) + (noise - checks), checks + versions - captures, 19));
}

/// Walks a log from its start: each capture must name the one before it in its document's history, each
/// check a capture of that history. Returns how many captures, checks and documents there are.
fn unbroken_chains(archive: &Path) -> (usize, usize, usize) {
    let archive = Archive::open(archive).unwrap();
    let (log, _) = Log::published(&archive).unwrap();
    let mut heads: BTreeMap<u64, Option<(u64, Hash)>> = BTreeMap::new();
    let mut document_of: BTreeMap<u64, u64> = BTreeMap::new();
    let mut checks = 0;
    for index in 0..log.size() {
        let entry = log.entry(index).unwrap();
        match &entry.record.body {
            Body::Document(document) => {
                assert_eq!(document.amends, None, "entry {index}: nobody amends in these tests");
                heads.insert(index, None);
            }
            Body::Capture(capture) => {
                let head = heads.get_mut(&capture.document).unwrap();
                let expected = head.map_or((1, None), |(sequence, entry)| (sequence + 1, Some(entry)));
                assert_eq!((capture.sequence, capture.previous), expected, "entry {index}");
                *head = Some((capture.sequence, entry.statement.entry()));
                document_of.insert(index, capture.document);
            }
            Body::Check(check) => {
                assert_eq!(document_of[&check.capture], check.document, "entry {index}");
                checks += 1;
            }
            _ => assert_eq!(index, 0, "only the genesis record is of another kind"),
        }
    }
    (document_of.len(), checks, heads.len())
}
