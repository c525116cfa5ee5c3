//! Replays real pages in order: does the text rendition tell noise from change?
//!
//! The corpus holds raw pages of 19 documents as Open Terms Archive received them. *Noise-only* pages
//! differ in bytes and made no new version there; the others did. A visit is a *check* when its rendition
//! is identical to that of the newest capture, else it is a *capture*.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use affiant::document::text::{self, Text};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::corpus;

/// What issue 2 asks for.
const CHECKS_MIN: usize = 85;
const CAPTURES_MIN: usize = 80;

/// One page of the corpus.
pub(super) struct Page {
    pub(super) document: String,
    pub(super) sequence: u64,
    pub(super) made_version: bool,
    pub(super) body: Vec<u8>,
}

/// Reads all pages in the order of their documents' histories.
pub(super) fn pages() -> Option<Vec<Page>> {
    let root = corpus()?;
    let manifest: Value = serde_json::from_reader(File::open(root.join("manifest.json")).unwrap()).unwrap();
    let mut pages = Vec::new();
    for record in manifest["records"].as_array().unwrap().iter().filter(|record| record["kind"] == "snapshot") {
        let mut body = Vec::new();
        GzDecoder::new(File::open(root.join(record["path"].as_str().unwrap())).unwrap())
            .read_to_end(&mut body)
            .unwrap();
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

/// Renders a page as a capture of it would.
pub(super) fn rendition(page: &Page) -> Text {
    text::render(&page.body, Some("text/html; charset=utf-8")).unwrap().unwrap()
}

#[test]
fn tells_noise_from_change() {
    let Some(pages) = pages() else { return };
    let mut newest: BTreeMap<&str, String> = BTreeMap::new();
    let (mut checks, mut noise, mut captures, mut versions) = (0, 0, 0, 0);
    for page in &pages {
        let text = rendition(page).text;
        if let Some(previous) = newest.get(page.document.as_str()) {
            let is_check = *previous == text;
            let (right, all) =
                if page.made_version { (&mut captures, &mut versions) } else { (&mut checks, &mut noise) };
            *all += 1;
            *right += usize::from(is_check != page.made_version);
            if is_check == page.made_version {
                let found = if is_check { "a check, made a version" } else { "a capture, noise only" };
                eprintln!("missed {} {}: {found}", page.document, page.sequence);
            }
            if is_check {
                continue;
            }
        }
        newest.insert(&page.document, text);
    }
    eprintln!("{checks} of {noise} noise-only pages are checks; {captures} of {versions} changed pages are captures");
    assert_eq!((noise, versions), (104, 101), "pages that were replayed");
    assert!(checks >= CHECKS_MIN, "{checks} checks");
    assert!(captures >= CAPTURES_MIN, "{captures} captures");
}
