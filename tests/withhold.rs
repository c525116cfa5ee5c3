//! Withholding: a bundle that shows less still proves the rest, and what is withheld cannot be read from it.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use affiant::base::hash::Hash;
use affiant::evidence::parts::Seed;
use affiant::log::checkpoint::Origin;
use affiant::outside::keys::Keyring;
use serde_json::Value as Json;

use crate::forgery::{Files, resealed, unpack, unzip};
use crate::stage::{Ran, Stage};

const SECRET: &str =
    "The witness K. is staying with her sister at 12 Elm Street, Springfield, until the trial begins on 4 May";
const SHOWN: &str = "Paragraph 3 says what everybody may read";

/// An archive with one capture that can be shown in part.
struct Room {
    stage: Stage,
    id: String,
    /// Where the secret stands in the text.
    place: Range<usize>,
    whole: Files,
}

fn page(changed: &str) -> String {
    let paragraph = |n: u32| format!("<p>Paragraph {n} says what everybody may read, “日本” {changed}.</p>\n");
    let paragraphs: Vec<String> = (0..12).map(paragraph).collect();
    format!(
        "<!doctype html><title>Order</title>{}<p><b>{SECRET}</b>.</p>{}",
        paragraphs[..6].concat(),
        paragraphs[6..].concat()
    )
}

impl Room {
    fn new() -> Self {
        let stage = Stage::new();
        let id = captured(&stage, "order.html", &page("too"), &["--redactable"]);
        assert_eq!(stage.run(["bundle", &id, "-o", "whole.zip"]).code, Some(0));
        let whole = unzip(&stage.path("whole.zip"));
        let text = std::str::from_utf8(&whole[&content(&id, "text.md")]).unwrap();
        let start = text.find(SECRET).unwrap();
        Self { stage, id, place: start..start + SECRET.len(), whole }
    }

    fn range(&self) -> String {
        format!("{}:{}-{}", self.id, self.place.start - 40, self.place.end + 20)
    }

    fn bundle(&self, ids: &[&str], withhold: &str) -> Ran {
        let order = ["--withhold", withhold, "--reason", "protective order", "--authority", "J. Doe", "--force"];
        self.stage.run(["bundle", "-o", "redacted.zip"].iter().chain(ids).chain(&order))
    }

    /// A bundle without the secret.
    fn redacted(&self) -> Files {
        let ran = self.bundle(&[&self.id], &self.range());
        assert_eq!(ran.code, Some(0), "{}", ran.remarks);
        unzip(&self.stage.path("redacted.zip"))
    }

    /// What `affiant` and `verify.sh` say of a bundle: the exit codes, the verdict's findings, and the script's words.
    fn judge(&self, files: &Files) -> (Option<i32>, Vec<Json>, Option<i32>, String) {
        let folder = unpack(files);
        let ran = self.stage.run(["verify".as_ref(), folder.path().as_os_str()]);
        let mut script = Command::new("sh");
        script.arg("verify.sh").arg("--trust").arg(self.stage.path("keys/policy")).current_dir(folder.path());
        let answer = script.output().unwrap();
        let said = String::from_utf8_lossy(&answer.stdout).into_owned() + &String::from_utf8_lossy(&answer.stderr);
        (ran.code, ran.lines, answer.status.code(), said)
    }

    fn seal_seed(&self) -> [u8; 32] {
        let settings = fs::read_to_string(self.stage.path("archive/archive.toml")).unwrap();
        let origin = settings.lines().find_map(|line| line.strip_prefix("origin = \"")?.strip_suffix('"')).unwrap();
        let keyring = Keyring::new(&self.stage.path("keys"));
        crate::forgery::seed(&keyring.secrets(&Origin::new(origin).unwrap(), None).unwrap().statement)
    }
}

fn captured(stage: &Stage, name: &str, page: &str, options: &[&str]) -> String {
    fs::write(stage.path(name), page).unwrap();
    let ran = stage.run(["capture", name].iter().chain(options));
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    ran.lines[0]["id"].as_str().unwrap().to_owned()
}

fn content(id: &str, file: &str) -> String {
    format!("data/content/{}/{file}", id.to_lowercase())
}

fn finding<'r>(report: &'r Json, check: &str) -> &'r Json {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check).unwrap()
}

fn contains(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|part| part == words.as_bytes())
}

#[test]
fn what_is_withheld_is_not_there_and_the_rest_is_proven() {
    let room = Room::new();
    let redacted = room.redacted();
    assert!(room.whole.values().any(|file| contains(file, SECRET)), "the whole bundle has it");
    for (name, bytes) in &redacted {
        assert!(!contains(bytes, &SECRET[20..60]), "{name} shows it");
    }
    for file in ["page.html", "text.md", "text-seed.bin"] {
        assert!(!redacted.contains_key(&content(&room.id, file)), "{file}");
    }
    assert!(contains(&redacted[&content(&room.id, "text-withheld.md")], SHOWN));
    assert!(contains(&redacted["VERIFY.md"], "protective order"));
    let (code, reports, script, said) = room.judge(&redacted);
    assert_eq!((code, script), (Some(0), Some(0)), "{reports:?} {said}");
    let found = finding(&reports[0], "content");
    assert_eq!((&reports[0]["verdict"], &found["result"]), (&"verified-with-gaps".into(), &"not-shown".into()));
    assert!(found["found"].as_str().unwrap().contains("is there and proven"), "{found}");
    assert!(said.contains("but for what is withheld of it"), "{said}");
    let (_, whole, _, _) = room.judge(&room.whole);
    assert_eq!(finding(&whole[0], "content")["result"], "holds");
}

#[test]
fn what_was_withheld_is_the_same_later() {
    let room = Room::new();
    let redacted = room.redacted();
    let record = format!("data/entries/{}/record.json", room.id.to_lowercase());
    assert_eq!(redacted[&record], room.whole[&record], "both are of one record");
    let record: Json = serde_json::from_slice(&redacted[&record]).unwrap();
    let parts = &record["renditions"][0]["parts"];
    let (text, seed) = (&room.whole[&content(&room.id, "text.md")], &room.whole[&content(&room.id, "text-seed.bin")]);
    assert_eq!(Seed::from_slice(seed).unwrap().commit(text).to_string(), parts["sha256"]);
    assert_eq!(Hash::of(seed).to_string(), parts["seed"]);
    // What is shown of it is the whole text's, byte for byte in its place.
    let shown = &redacted[&content(&room.id, "text-withheld.md")];
    assert_eq!(shown.len(), text.len());
    assert!(shown.iter().zip(text).all(|(shown, byte)| shown == byte || *shown == b'#'));
    assert!(shown[room.place.clone()].iter().all(|byte| *byte == b'#'));
    // Other words under the same commitments, sealed by the archive itself.
    let mut other = room.whole.clone();
    let seed = [seed.as_slice(), b"x"].concat();
    other.insert(content(&room.id, "text-seed.bin"), seed);
    let (code, ..) = room.judge(&resealed(other, &room.seal_seed()));
    assert_eq!(code, Some(3));
}

#[test]
fn what_cannot_be_withheld_is_refused() {
    let room = Room::new();
    let cases = [
        (format!("{}:0-9", room.id), 7, "can be guessed"),
        (format!("{}:0-999999", room.id), 2, "not a range within the text"),
        (content(&room.id, "nothing.html"), 2, "no file"),
    ];
    for (withhold, code, said) in cases {
        let ran = room.bundle(&[&room.id], &withhold);
        assert!(ran.code == Some(code) && ran.remarks.contains(said), "{withhold}: {ran:?}");
    }
    let plain = captured(&room.stage, "plain.html", &page("plainly"), &[]);
    let ran = room.bundle(&[&plain], &format!("{plain}:0-400"));
    assert!(ran.code == Some(2) && ran.remarks.contains("--redactable"), "{ran:?}");
    let ran = room.bundle(&[&plain], &content(&plain, "page.html"));
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let (code, reports, script, said) = room.judge(&unzip(&room.stage.path("redacted.zip")));
    assert_eq!((code, script), (Some(0), Some(0)), "{reports:?} {said}");
}

#[test]
fn nothing_else_in_the_bundle_may_show_the_words() {
    let room = Room::new();
    let quoted = |words: &str| {
        let ran = room.stage.run(["quote", &room.id, words]);
        ran.lines[0]["id"].as_str().unwrap_or_else(|| panic!("{ran:?}")).to_owned()
    };
    let (hidden, open) = (quoted(&SECRET[12..40]), quoted(SHOWN));
    let ran = room.bundle(&[&room.id, &hidden], &room.range());
    assert!(ran.code == Some(7) && ran.remarks.contains(&hidden), "{ran:?}");
    let newer = captured(&room.stage, "order.html", &page("still"), &[]);
    let ran = room.bundle(&[&room.id, &newer], &room.range());
    assert!(ran.code == Some(7) && ran.remarks.contains(&content(&newer, "")), "{ran:?}");
    // A check of the same text withholds it whole, and words that are shown are still quoted.
    let check = captured(&room.stage, "order.html", &page("still"), &[]);
    assert!(check.contains("-V-"), "{check}");
    let ran = room.bundle(&[&room.id, &open], &room.range());
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let (code, reports, script, said) = room.judge(&unzip(&room.stage.path("redacted.zip")));
    assert_eq!((code, script, reports.len()), (Some(0), Some(0), 2), "{reports:?} {said}");
    let quote = reports.iter().find(|report| report["subject"]["id"] == open.as_str()).unwrap();
    assert_eq!(finding(quote, "content")["result"], "holds", "{quote:#}");
}

/// Every change of the three files, by a stranger and by the archive itself, which has the key of the seal.
#[test]
fn no_forgery_of_what_is_withheld_is_verified() {
    let room = Room::new();
    let honest = room.redacted();
    let (text, lines) = (content(&room.id, "text-withheld.md"), content(&room.id, "text-parts.txt"));
    let said = format!("data/withheld/{}.txt", room.id.to_lowercase());
    let changed = |name: &str, change: &dyn Fn(&str) -> String| {
        let mut files = honest.clone();
        let old = std::str::from_utf8(&honest[name]).unwrap();
        let new = change(old).into_bytes();
        assert_ne!(new, honest[name], "{name}");
        files.insert(name.to_owned(), new);
        files
    };
    let swapped = |old: &str| {
        let mut lines: Vec<&str> = old.lines().collect();
        lines.swap(0, 1);
        lines.join("\n") + "\n"
    };
    let mut without = honest.clone();
    without.remove(&text);
    let mut undeclared = honest.clone();
    undeclared.remove(&said);
    let mut shown = honest.clone();
    shown.insert(content(&room.id, "page.html"), room.whole[&content(&room.id, "page.html")].clone());
    let cases = [
        ("another word", changed(&text, &|old| old.replacen("everybody", "nobody at", 1))),
        ("words in the black", changed(&text, &|old| old.replacen("####", "free", 1))),
        ("a longer text", changed(&text, &|old| old.to_owned() + "#")),
        ("salts swapped", changed(&lines, &swapped)),
        ("a salt for a commitment", changed(&lines, &|old| old.replacen("withheld", "shown", 1))),
        ("a commitment for a salt", changed(&lines, &|old| old.replacen("shown", "withheld", 1))),
        ("a line too few", changed(&lines, &|old| old.split_once('\n').unwrap().1.to_owned())),
        ("other ranges", changed(&said, &|old| old.rsplit_once(' ').unwrap().0.to_owned() + " 9999\n")),
        ("another version", changed(&said, &|old| old.replacen("withheld 1", "withheld 2", 1))),
        (
            "a file of another record",
            changed(&said, &|old| {
                let file = old.lines().find(|line| line.starts_with("file ")).unwrap();
                old.replacen(file, &format!("file {}", "0".repeat(64)), 1)
            }),
        ),
        ("the text gone", without),
        ("nothing said", undeclared),
        ("what is withheld is there", shown),
    ];
    let seed = room.seal_seed();
    for (case, files) in cases {
        for (hand, files) in [("a stranger", files.clone()), ("the archive", resealed(files, &seed))] {
            let (code, reports, script, said) = room.judge(&files);
            assert!(matches!(code, Some(3 | 4)), "{case} by {hand}: {reports:#?}");
            assert!(matches!(script, Some(3 | 4)), "{case} by {hand}: {said}");
        }
    }
    let (code, reports, script, said) = room.judge(&resealed(honest, &seed));
    assert_eq!((code, script), (Some(0), Some(0)), "resealing alone changes nothing: {reports:#?} {said}");
}

#[test]
fn what_a_backup_holds_can_be_withheld_too() {
    let room = Room::new();
    assert_eq!(room.stage.run(["backup", "copy"]).code, Some(0));
    room.stage.assert_clean("with a seed");
    let ran = room.stage.run(["audit", "copy", "--copy"]);
    assert!(ran.lines.iter().any(|line| line["clean"] == true), "{ran:?}");
    assert!(Path::new(&room.stage.path("copy/checkpoint")).exists());
}
