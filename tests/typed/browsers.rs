//! `verify.html` of the bundle, opened from the disk in the browsers that people have, with the fingerprint of the page.

use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::desk::Desk;
use super::forgeries::packed;

use crate::interop::{accepted, flipped, has, skipped};

#[test]
fn browsers_say_of_the_bundle_what_the_page_says_that_they_do() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_driven =
        root.join("verifier/node_modules/puppeteer-core").is_dir() || skipped("`npm ci` was not run in `verifier`");
    if !is_driven || !["node", "chromium", "firefox-esr"].into_iter().all(has) {
        return;
    }
    let Some(desk) = Desk::lay() else { return };
    assert!(desk.page.explains("verify.html"));
    let mut files = desk.files.clone();
    let content = files.keys().find(|name| name.ends_with("/page.html")).unwrap().clone();
    let mut forged = files.clone();
    forged.insert(content.clone(), flipped(&files[&content], 50));
    files.insert("forged.zip".to_owned(), packed(&forged));
    let folder = Desk::lay_out(&files);
    let case = |bundle: &str, trust: &str| json!({ "page": folder.path().join("bundle/verify.html"), "bundle": folder.path().join(bundle), "trust": trust });
    let fingerprint = desk.page.fingerprint();
    let stranger = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let cases = json!([case("bundle.zip", fingerprint), case("bundle.zip", stranger), case("forged.zip", fingerprint)]);
    let mut node = Command::new("node");
    let said = accepted(node.arg(root.join("tests/typed/browsers.mjs")).arg(cases.to_string()));
    let lines: Vec<Json> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6, "{said}");
    for (n, line) in lines.iter().enumerate() {
        assert_eq!(line["browser"], if n < 3 { "chromium" } else { "firefox" });
        assert_eq!(line["verdict"], ["Verified, with gaps", "Cannot tell", "Failed"][n % 3], "{line:#}");
        assert_eq!(line["asked"], json!([]), "it asks nobody");
    }
    for line in [&lines[2], &lines[5]] {
        let culprit = content.strip_prefix("bundle/").unwrap();
        assert!(line["text"].as_str().unwrap().contains(culprit), "{line:#}");
    }
}
