//! Other people's programs agree on what we make, reject what is forged, and make what we agree on.
//!
//! | program              | reads                                                    | found by                         |
//! |----------------------|----------------------------------------------------------|----------------------------------|
//! | Go `sumdb`, `formats`| checkpoints, tiles, entries, tlog-proofs                 | `go`, after `go mod download`    |
//! | `openssl`            | key files, statements, checkpoints                       | `PATH`                           |
//! | `ssh-keygen`         | public keys, seals                                       | `PATH`                           |
//! | `pycose`, `scitt-cose` | statements, receipts                                     | `AFFIANT_TEST_PYTHON`, `python3` |
//! | bagit.py, zipfile    | bundles                                                  | the same                         |
//! | `unzip`, `sha256sum` | bundles                                                  | `PATH`                           |
//! | `zstd`               | packs                                                    | `PATH`                           |
//! | `serde_cbor`         | records                                                  | linked                           |
//! | `dash`, `busybox sh` | `verify.sh`                                              | `PATH`                           |
//!
//! A test whose program is absent says so aloud and is skipped; with `CI` set it fails instead. `.ci/run`
//! installs them all. A rejection counts only when the program says the word that the forgery calls for.

mod bag;
mod cose;
mod decode;
mod docx;
mod go;
mod openssl;
mod packs;
mod rooms;
mod ssh;
mod without_affiant;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use affiant::archivist::read::{Entry, Log};
use affiant::evidence::bundle::zip::Archive as ZipArchive;
use affiant::outside::archive::Archive;

use crate::stage::Stage;

/// The origin of the archives that these tests make.
pub(crate) const ORIGIN: &str = "interop.example/log";

/// A stage with an archive: a document with two captures and a check, another with one capture.
pub(crate) struct Yard {
    pub(crate) stage: Stage,
    /// The id of the second capture of the first document.
    pub(crate) capture: String,
    /// The id of the check of it.
    pub(crate) check: String,
}

impl Yard {
    pub(crate) fn new() -> Self {
        let stage = Stage::new();
        done(&stage, &["init", "--origin", ORIGIN]);
        let described = ["--entity", "Example Inc.", "--title", "Terms – “draft”"];
        page(&stage, "terms.html", "We keep your letters for thirty days.");
        page(&stage, "cookies.html", "We set two cookies.");
        done(&stage, &[&["capture", "terms.html", "cookies.html"][..], &described].concat());
        page(&stage, "terms.html", "We keep your letters for sixty days, or longer.");
        let [capture] = &done(&stage, &[&["capture", "terms.html"][..], &described].concat())[..] else {
            panic!("one id")
        };
        let [check] = &done(&stage, &[&["capture", "terms.html"][..], &described].concat())[..] else {
            panic!("one id")
        };
        assert!(capture.starts_with("AF-C-") && check.starts_with("AF-V-"), "{capture} {check}");
        Self { capture: capture.clone(), check: check.clone(), stage }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.stage.path(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        write(&self.path(name), bytes)
    }

    /// Returns a public key of the archive in the form asked for, as a file.
    pub(crate) fn key(&self, name: &str, form: &str) -> PathBuf {
        let mut command = self.stage.program(["key", "export", name, "--as", form]);
        self.write(&format!("{name}.{form}"), accepted(&mut command))
    }

    /// Returns the statements of the log with their records, in the log's order.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let archive = Archive::open(&self.path("archive")).unwrap();
        let (log, _) = Log::published(&archive).unwrap();
        (0..log.size()).map(|index| log.entry(index).unwrap()).collect()
    }

    /// Makes a bundle of the capture, the check and a provision, and unpacks it.
    pub(crate) fn bundle(&self) -> Bundle {
        let [provision] = &done(&self.stage, &["quote", &self.capture, "sixty days"])[..] else { panic!("one id") };
        let subjects = [self.capture.clone(), self.check.clone(), provision.clone()];
        let mut order = vec!["bundle"];
        order.extend(subjects.iter().map(String::as_str));
        order.extend(["-o", "bundle.zip"]);
        let made = self.stage.run(order);
        assert_eq!(made.code, Some(0), "{}", made.remarks);
        let (zip, folder) = (self.path("bundle.zip"), self.path("bundle"));
        let zip_bytes = fs::read(&zip).unwrap();
        let archive = ZipArchive::open(zip_bytes.as_slice()).unwrap();
        for member in archive.members() {
            let path = folder.join(&member.name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut bytes = Vec::new();
            archive.member(&member.name).unwrap().read_to_end(&mut bytes).unwrap();
            write(&path, bytes);
        }
        Bundle { zip, folder, subjects }
    }
}

/// A bundle, whole and unpacked.
pub(crate) struct Bundle {
    pub(crate) zip: PathBuf,
    pub(crate) folder: PathBuf,
    /// The ids of a capture, a check and a provision.
    pub(crate) subjects: [String; 3],
}

impl Bundle {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the folders of its entries.
    pub(crate) fn entries(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> =
            fs::read_dir(self.path("data/entries")).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders
    }
}

/// Captures or quotes, and returns the ids of what was made.
fn done(stage: &Stage, arguments: &[&str]) -> Vec<String> {
    let ran = stage.run(arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.remarks);
    ran.texts("id")
}

fn page(stage: &Stage, name: &str, words: &str) {
    write(
        &stage.path(name),
        format!(
            "<!doctype html><title>Page</title><h1>Terms</h1><p>{words} This page says what we do with what you send us.</p>"
        ),
    );
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> PathBuf {
    fs::write(path, bytes).unwrap();
    path.to_owned()
}

/// Runs a program that must agree, and returns what it prints.
pub(crate) fn accepted(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (said, remarks) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{said}{remarks}");
    said.into_owned()
}

/// Runs a program that must reject what it is given, and say `word` about it.
pub(crate) fn rejected(command: &mut Command, word: &str) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!output.status.success(), "{command:?} accepts a forgery\n{said}");
    assert!(said.contains(word), "{command:?} says nothing of `{word}`\n{said}");
}

/// Says whether a program is on the path; where it is not, says aloud that the test is skipped.
pub(crate) fn has(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
        || skipped(&format!("`{program}` is absent"))
}

/// Returns a Python that has a module; where none has, says aloud that the test is skipped.
pub(crate) fn python(module: &str) -> Option<Command> {
    let python = std::env::var_os("AFFIANT_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let imported = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if imported.is_ok_and(|output| output.status.success()) {
        return Some(Command::new(python));
    }
    skipped(&format!("no Python with `{module}` (tests/interop/requirements.txt, AFFIANT_TEST_PYTHON)"));
    None
}

/// Says aloud that a test is skipped, which CI does not allow; returns false.
pub(crate) fn skipped(why: &str) -> bool {
    assert!(std::env::var_os("CI").is_none(), "{why}, and in CI nothing is skipped");
    eprintln!("SKIPPED: {why}");
    false
}

/// Returns where a file of these tests lies.
pub(crate) fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

/// Returns the text with another digit or letter of base64 at a place.
pub(crate) fn respelled(text: &str, at: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = match bytes[at] {
        digit @ b'0'..=b'8' => digit + 1,
        b'A' => b'B',
        _ => b'A',
    };
    bytes
}

/// Returns the bytes with the lowest bit of one of them turned over.
pub(crate) fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}
