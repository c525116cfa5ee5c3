//! The conformance suite of the Library of Congress (bagit-conformance-suite @ 9ab4870).
//!
//! The suite sorts its bags into valid, invalid and warning. Ours must agree, but for the exceptions
//! listed here; an exception that is not needed fails too.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its vectors must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use affiant::evidence::bundle::bag::{Fault, Report, validate};

use super::folder;

/// Bags that the suite holds to be valid, or worth a warning, and that are refused here, with the reason.
const STRICTER: [(&str, &str); 8] = [
    ("v0.96/valid/holey-bag", "a bag that must be completed from the network proves nothing by itself"),
    ("v0.97/valid/holey-bag", "a bag that must be completed from the network proves nothing by itself"),
    ("v0.97/valid/ISO-8859-1-encoded-tag-files", "tag files are UTF-8"),
    ("v0.97/valid/UTF-16-encoded-tag-files", "tag files are UTF-8"),
    ("v0.97/warning/duplicate-file-with-different-case", "one of the two names has no file of its own"),
    ("v0.97/warning/same-filename-listed-twice-with-different-normalization", "two names, but one file"),
    ("v0.97/warning/same-filename-listed-twice-with-the-same-hash", "RFC 8493 §2.1.3 made it an error"),
    ("v0.97/warning/special-system-files", "`.DS_Store` is listed, but the suite's own checkout lacks it"),
];

/// A bag that is invalid only because of its MD5 hashes, which are not checked here: it is refused
/// because they are unsupported, not because they are wrong.
const NOT_SHOWN: &str = "v0.97/invalid/corrupt-tag-file";

/// What each refused bag is refused for.
const REFUSED: [(&str, &str); 35] = [
    ("v0.96/valid/holey-bag", "Fetch"),
    ("v0.97/invalid/baginfo-missing-encoding", "DeclarationMalformed"),
    ("v0.97/invalid/bom-in-bagit.txt", "DeclarationMalformed"),
    ("v0.97/invalid/corrupt-data-file", "WrongOxum"),
    ("v0.97/invalid/corrupt-tag-file", "AlgorithmUnsupported"),
    ("v0.97/invalid/extra-file-in-bag", "Unlisted"),
    ("v0.97/invalid/invalid-version-number", "VersionUnknown"),
    ("v0.97/invalid/missing-baginfo", "Absent"),
    ("v0.97/invalid/missing-bagit.txt", "Absent"),
    ("v0.97/invalid/out-of-scope-file-paths-using-dot-notation", "PathEscapes"),
    ("v0.97/invalid/out-of-scope-file-paths-using-dot-notation-for-fetch", "Fetch"),
    ("v0.97/invalid/same-filename-listed-twice-with-different-hashes", "Duplicate"),
    ("v0.97/linux-only/out-of-scope-file-paths-using-absolute-path", "PathEscapes"),
    ("v0.97/linux-only/out-of-scope-file-paths-using-absolute-path-for-fetch", "Fetch"),
    ("v0.97/linux-only/out-of-scope-file-paths-using-shortcut", "PathEscapes"),
    ("v0.97/linux-only/out-of-scope-file-paths-using-shortcut-for-fetch", "Fetch"),
    ("v0.97/linux-only/out-of-scope-file-paths-using-shortcut-username", "PathEscapes"),
    ("v0.97/linux-only/out-of-scope-file-paths-using-shortcut-username-for-fetch", "Fetch"),
    ("v0.97/valid/ISO-8859-1-encoded-tag-files", "EncodingUnsupported"),
    ("v0.97/valid/UTF-16-encoded-tag-files", "EncodingUnsupported"),
    ("v0.97/valid/holey-bag", "Fetch"),
    ("v0.97/warning/duplicate-file-with-different-case", "Absent"),
    ("v0.97/warning/same-filename-listed-twice-with-different-normalization", "Absent"),
    ("v0.97/warning/same-filename-listed-twice-with-the-same-hash", "Duplicate"),
    ("v0.97/warning/special-system-files", "Absent"),
    ("v0.97/windows-only/out-of-scope-file-paths-using-absolute-path", "PathEscapes"),
    ("v0.97/windows-only/out-of-scope-file-paths-using-absolute-path-for-fetch", "Fetch"),
    ("v0.97/windows-only/out-of-scope-file-paths-using-shortcut", "PathEscapes"),
    ("v0.97/windows-only/out-of-scope-file-paths-using-shortcut-for-fetch", "Fetch"),
    ("v0.97/windows-only/out-of-scope-file-paths-using-unc", "PathEscapes"),
    ("v0.97/windows-only/out-of-scope-file-paths-using-unc-for-fetch", "Fetch"),
    ("v1.0/invalid/bagit-with-invalid-whitespace", "DeclarationMalformed"),
    ("v1.0/invalid/notAllManifestsListAllFiles", "Unlisted"),
    ("v1.0/invalid/same-filename-listed-twice-with-different-hashes", "Duplicate"),
    ("v1.0/invalid/same-filename-listed-twice-with-the-same-hash", "Duplicate"),
];

#[test]
fn agrees_with_the_conformance_suite() {
    let Some(root) = folder("bagit") else { return };
    let (mut bags, mut verified, mut structure_only, mut refused) = (0, 0, 0, 0);
    for bag in bags_below(&root) {
        bags += 1;
        let report = validate(&files_below(&root.join(&bag)));
        let is_sound = report.faults.iter().all(|fault| matches!(fault, Fault::AlgorithmUnsupported { .. }));
        assert!(is_sound || bag != NOT_SHOWN, "{bag}: now refused for more: {:?}", report.faults);
        let is_accepted = is_sound && bag != NOT_SHOWN;

        let is_valid_by_suite = bag.contains("/valid/") || bag.contains("/warning/");
        let is_stricter = STRICTER.iter().any(|(name, _)| *name == bag);
        assert_eq!(is_accepted, is_valid_by_suite && !is_stricter, "{bag}: {:?}", report.faults);

        let reason = REFUSED.iter().find(|(name, _)| *name == bag).map(|(_, fault)| (*fault).to_owned());
        assert_eq!(reason.is_some(), !is_accepted, "{bag}");
        assert!(reason.is_none_or(|fault| names(&report).contains(&fault)), "{bag}: {:?}", report.faults);
        match (is_accepted, report.is_valid()) {
            (true, true) => verified += 1,
            (true, false) => structure_only += 1,
            (false, _) => refused += 1,
        }
    }
    // Of the 60 bags most have MD5 hashes only, so that all but their hashes is checked.
    assert_eq!((bags, verified, structure_only, refused), (60, 3, 22, 35));
}

/// `bagit_matrix.txt` says what bagit.py 1.9.0 made of 46 of the bags.
#[test]
fn refuses_all_that_bagit_py_refuses_and_more() {
    let Some(root) = folder("bagit") else { return };
    let matrix = fs::read_to_string(root.join("bagit_matrix.txt")).unwrap();
    let (mut bags, mut only_here) = (0, Vec::new());
    for line in matrix.lines() {
        let (bag, answer) = line.trim_start_matches(['!', ' ']).split_once(" bagit.py=").unwrap();
        let report = validate(&files_below(&root.join(bag)));
        let is_sound = report.faults.iter().all(|fault| matches!(fault, Fault::AlgorithmUnsupported { .. }));
        bags += 1;
        match (answer, is_sound) {
            ("INVALID", true) => assert_eq!(bag, NOT_SHOWN),
            ("VALID", false) => only_here.push(bag),
            _ => {}
        }
    }
    assert_eq!(bags, 46);
    let lax = [
        "v0.97/valid/ISO-8859-1-encoded-tag-files",
        "v0.97/valid/UTF-16-encoded-tag-files",
        "v0.97/valid/holey-bag",
        "v0.97/warning/same-filename-listed-twice-with-the-same-hash",
        "v0.97/windows-only/out-of-scope-file-paths-using-absolute-path-for-fetch",
        "v0.97/windows-only/out-of-scope-file-paths-using-shortcut-for-fetch",
        "v0.97/windows-only/out-of-scope-file-paths-using-unc-for-fetch",
        "v1.0/invalid/bagit-with-invalid-whitespace",
    ];
    assert_eq!(only_here, lax);
}

fn names(report: &Report) -> Vec<String> {
    report.faults.iter().map(|fault| format!("{fault:?}").split([' ', '{']).next().unwrap().to_owned()).collect()
}

/// Returns `version/kind/name` of each bag.
fn bags_below(root: &Path) -> Vec<String> {
    let mut bags = Vec::new();
    for version in folders_in(root) {
        for kind in folders_in(&root.join(&version)) {
            let names = folders_in(&root.join(&version).join(&kind));
            bags.extend(names.into_iter().map(|name| format!("{version}/{kind}/{name}")));
        }
    }
    bags
}

fn folders_in(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn files_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}
