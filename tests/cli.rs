//! Transcripts: every command as a person types it, with what it prints.
//!
//! A transcript is a text in which a line that begins with `$ ` is typed into a shell and the lines below it
//! are what comes back, standard output and standard error together. A line `? 3` is the exit code, where
//! it is not 0. `[..]` stands for anything within a line, a line `...` for any lines. Hashes, times,
//! fingerprints and the log's chosen name differ in every run, so any of them stands for any other.
//! Where a transcript speaks of `http://tsa.example/tsr`, a timestamp authority on loopback answers in its place, whose
//! root lies in `tsa-root.pem`; in place of `http://calendar.example` an OpenTimestamps calendar. Each file runs in a folder of its own that holds `privacy.html`. The console blocks of `README.md` are a transcript.

use std::fs;
use std::path::Path;
use std::process::Command;

use affiant::outside::authority::label_of;

use crate::authority::Authority;
use crate::calendar::Calendar;

/// The authority of the transcripts.
const AUTHORITY: &str = "http://tsa.example/tsr";

/// Their calendar.
const CALENDAR: &str = "http://calendar.example";

#[test]
fn every_transcript_comes_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            count += run(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
        }
    }
    assert!(count >= 30, "only {count} commands were run");
}

#[test]
fn every_command_in_the_readme_comes_true() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(run("README.md", &blocks.concat()) >= 5);
}

#[test]
fn a_transcript_that_does_not_come_true_is_found() {
    assert!(!matches(&["AF-C-000002-n"], &["AF-C-000003-n"]));
    assert!(!matches(&["a", "b"], &["a"]));
    assert!(matches(&["a [..] d", "...", "z"], &["a b c d", "x", "y", "z"]));
    assert!(matches(&[&format!("at {} ok", "2026-01-01T00:00:00Z")], &["at 1999-01-01T01:01:01.000001Z ok"]));
    assert!(matches(&["0".repeat(64).as_str()], &["ab".repeat(32).as_str()]));
}

fn run(name: &str, transcript: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/privacy.html");
    fs::copy(page, folder.path().join("privacy.html")).unwrap();
    let authority = if transcript.contains(AUTHORITY) {
        let Some(authority) = Authority::start("Example") else { return 0 };
        fs::copy(authority.root(), folder.path().join("tsa-root.pem")).unwrap();
        Some(authority)
    } else {
        None
    };
    let calendar = if transcript.contains(CALENDAR) {
        let Some(calendar) = Calendar::start() else { return 0 };
        Some(calendar)
    } else {
        None
    };
    // Who answers, and in whose place.
    let authorities = authority.iter().map(|authority| (authority.url().to_owned(), AUTHORITY));
    let stand_ins: Vec<_> = authorities.chain(calendar.iter().map(|calendar| (calendar.url(), CALENDAR))).collect();
    let mut lines = transcript.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let Some(typed) = line.strip_prefix("$ ") else { continue };
        let mut expected = Vec::new();
        let mut code = 0;
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            match line.strip_prefix("? ") {
                Some(number) => code = number.parse().unwrap(),
                None => expected.push(line),
            }
        }
        while expected.last().is_some_and(|line| line.is_empty()) {
            expected.pop();
        }
        let asked = stand_ins.iter().fold(typed.to_owned(), |typed, (url, name)| typed.replace(name, url));
        let (printed, found) = shell(&asked, folder.path());
        let printed = stand_ins.iter().fold(printed, |printed, (url, name)| {
            let labels = [url, *name].map(|url| format!("/{}-", label_of(url)));
            printed.replace(url, name).replace(&labels[0], &labels[1])
        });
        let printed: Vec<&str> = printed.trim_end().lines().collect();
        let shown = printed.join("\n");
        assert!(
            matches(&expected, &printed),
            "{name}: $ {typed}\nexpected:\n{}\nprinted:\n{shown}",
            expected.join("\n")
        );
        assert_eq!(found, Some(code), "{name}: $ {typed}\n{shown}");
        count += 1;
    }
    count
}

fn shell(typed: &str, folder: &Path) -> (String, Option<i32>) {
    let program = Path::new(env!("CARGO_BIN_EXE_affiant")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("{typed} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env("COLUMNS", "100")
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env_remove("AFFIANT_ARCHIVE")
        .env_remove("AFFIANT_KEYS")
        .env_remove("SSH_AUTH_SOCK")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace(&folder.display().to_string(), "/home/you");
    (text, output.status.code())
}

fn matches(expected: &[&str], printed: &[&str]) -> bool {
    match (expected, printed) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..])),
        ([first, rest @ ..], [line, others @ ..]) => {
            matches_line(blur(first).trim_end(), blur(line).trim_end()) && matches(rest, others)
        }
        _ => false,
    }
}

fn matches_line(expected: &str, printed: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut left) = parts.next().and_then(|start| printed.strip_prefix(start)) else { return false };
    let mut is_open = false;
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = if part.is_empty() { "" } else { &left[at + part.len()..] };
        is_open = part.is_empty();
    }
    left.is_empty() || is_open
}

/// Replaces what differs in every run: hashes, times, fingerprints, chosen names.
fn blur(line: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "+/:-.".contains(c);
    let mut blurred = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = rest[..length].trim_end_matches(['.', ':']);
        blurred.push_str(blur_word(word));
        blurred.push_str(&rest[word.len()..length]);
        let mut others = rest[length..].chars();
        blurred.extend(others.next());
        rest = others.as_str();
    }
    blur_days(&blurred)
}

/// Replaces days written out as citations write them: `Nov. 22, 2026`, `November 22, 2026`, `22 November 2026`.
fn blur_days(line: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = line.split(' ').collect();
    let is_month = |word: &str| MONTHS.iter().any(|month| word.starts_with(month));
    let is_number = |word: &str| {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
    };
    let is_near =
        |n: usize, is: &dyn Fn(&str) -> bool| (n.saturating_sub(2)..n + 3).any(|n| words.get(n).is_some_and(|w| is(w)));
    let blurred = words.iter().enumerate().map(|(n, word)| match word {
        word if is_month(word) && is_near(n, &is_number) => "MONTH",
        word if is_number(word) && is_near(n, &is_month) => word.trim_start_matches(|c: char| c.is_ascii_digit()),
        word => word,
    });
    blurred.collect::<Vec<_>>().join(" ")
}

fn blur_word(word: &str) -> &str {
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let is_time = word.len() >= 20
        && word.as_bytes()[10] == b'T'
        && word.ends_with('Z')
        && word.starts_with(|c: char| c.is_ascii_digit());
    if is_hex(word) && [16, 32, 64].contains(&word.len()) {
        "HASH"
    } else if is_time {
        "TIME"
    } else if word.starts_with("SHA256:") {
        "FINGERPRINT"
    } else if word.starts_with("affiant-") && word.ends_with("/log") {
        "ORIGIN"
    } else {
        word
    }
}
