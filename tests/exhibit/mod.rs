//! Exhibits, from outside: the real program makes them, other people's tools read them.

mod pages;
mod paper;
mod redline;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::interop::{accepted, has};
use crate::stage::Stage;

/// A page with what fonts lack, what markup means something else by, and a line that is too long.
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Terms</title><h1>Terms &amp; (Conditions)</h1>\
    <p>We keep what you send us for six years \\ \u{2014} \u{201c}no longer\u{201d}.</p>\
    <p>\u{65e5}\u{672c}\u{8a9e} and \u{202e}marks of direction are not drawn.</p>\
    <p>You may end this contract at any time by writing to us at the address that stands at the end of this page, and \
    we will answer within thirty days of the day on which your letter reached us, whatever it says.</p>";

/// A stage with a capture of [`PAGE`], a passage quoted of it, and a bundle of both with its exhibit.
struct Court {
    stage: Stage,
}

impl Court {
    fn new(options: &[&str]) -> Self {
        let stage = Stage::new();
        fs::write(stage.path("terms.html"), PAGE).unwrap();
        let caption = "Court: Some Court\nPlaintiff: Jane Doe\nCase number: 1:26-cv-1\n";
        fs::write(stage.path("case.txt"), caption).unwrap();
        let court = Self { stage };
        court.done(&["capture", "terms.html", "--entity", "Example Inc.", "--title", "Terms"]);
        court.done(&["quote", "AF-C-000002-n", "for six years"]);
        let bundle = ["bundle", "AF-C-000002-n", "AF-P-000003-w", "-o", "terms.zip", "--exhibit", "a"];
        court.done(&[&bundle[..], &["--caption", "case.txt", "--bates", "DOE"], options].concat());
        court
    }

    fn done(&self, arguments: &[&str]) {
        let ran = self.stage.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.remarks);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.stage.path(name)
    }

    fn exhibit(&self) -> PathBuf {
        self.path("terms-exhibit-a.pdf")
    }

    fn unpacked(&self) -> PathBuf {
        let folder = self.path("unpacked");
        accepted(Command::new("unzip").arg("-q").arg(self.path("terms.zip")).arg("-d").arg(&folder));
        folder
    }
}

/// Returns the text of each page, or nothing where there is no program to read it.
fn pages_of(pdf: &Path) -> Option<Vec<String>> {
    if !has("pdftotext") {
        return None;
    }
    let text = accepted(Command::new("pdftotext").args(["-layout", "-enc", "UTF-8"]).arg(pdf).arg("-"));
    let pages = text.split('\u{c}').map(str::to_owned);
    Some(pages.filter(|page| !page.trim().is_empty()).collect())
}
