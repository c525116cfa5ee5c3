//! The named forgeries: what an opponent's expert would try, each by its name, against all three verifiers.
//!
//! Many of them are by the archive itself, which has every key: it seals, signs and logs the lie anew, so that no
//! broken seal gives it away, and what is left to find is the contradiction.
//!
//! A verifier's *word* is the worst verdict over the subjects: *failed*, *cannot tell*, or *verified* with or without gaps.
//! What it says *against* a bundle are its findings that fail, or else those that are not shown; for `verify.sh` its lines
//! `FAILS` and `missing`. Three agree on a forgery when
//! 1. none says *verified*, and all have the same word;
//! 2. what each says against the bundle names the culprit: a file, the folder of an entry, an id, or what was sealed or signed
//!    over it, in one of the spellings that the forgery lists.
//!
//! `verify.sh` reads folders. A forged ZIP is unpacked for it with `unzip`: where that does not succeed, it is *refused*, which
//! agrees with *failed*, and what `unzip` says is not ours to judge; where it writes the honest bundle, byte for byte, the forgery is gone with
//! the ZIP, and the script's word on what is left is no word on it (*gone*).
//!
//! What `verify.sh` cannot look into it says itself, under `Not checked here`. There the table has *unseen* in place of its
//! word: it must have said that very thing, with exit code 0 and gaps. [`UNSEEN`] lists these, and a forgery that is listed and
//! seen fails the test too.

mod container;
mod entries;
mod files;
mod insider;
mod keys;
mod records;
mod scene;
mod times;
mod withheld;

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use affiant::archivist::verify::verify_bundle;
use affiant::evidence::verify::{Report, Verdict};
use affiant::outside::clock;
use serde_json::Value as Json;

use super::page::{self, pack};
use super::yard::write_unsynced;
use super::{Files, complaints, say, script, unpack, worst};

use scene::Scene;

/// The fewest forgeries, so that none is lost unseen.
const FORGERY_COUNT_MIN: usize = 60;

/// Forgeries that `verify.sh` cannot see, and its words for what it does not look into.
const UNSEEN: [(&str, &str); 2] = [
    ("the reading of another record", "whether record.json"),
    ("a checkpoint with a damaged post-quantum signature", "ML-DSA-44 signature"),
];

/// A forgery.
pub(super) struct Forgery {
    name: &'static str,
    form: Form,
    /// How the culprit may be spelt.
    culprits: Vec<String>,
}

/// What is handed to the verifiers.
enum Form {
    /// Files, packed as bundles are.
    Files(Files),
    /// A ZIP that is itself forged.
    Zip(Vec<u8>),
}

impl Forgery {
    fn new(name: &'static str, files: Files, culprits: &[&str]) -> Self {
        Self { name, form: Form::Files(files), culprits: culprits.iter().map(|&one| one.to_owned()).collect() }
    }

    fn of_zip(name: &'static str, zip: Vec<u8>, culprits: &[&str]) -> Self {
        Self { form: Form::Zip(zip), ..Self::new(name, Files::new(), culprits) }
    }

    fn zip(&self) -> Vec<u8> {
        match &self.form {
            Form::Files(files) => pack(files),
            Form::Zip(zip) => zip.clone(),
        }
    }

    /// Finds the culprit in what was said.
    fn named_in(&self, said: &str) -> Option<&str> {
        self.culprits.iter().map(String::as_str).find(|culprit| said.contains(culprit))
    }
}

/// What one verifier came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Word {
    Verified,
    CannotTell,
    Failed,
    /// Of the script alone: the forgery was gone with the ZIP.
    Gone,
    /// Of the script alone: `unzip` did not unpack the forgery.
    Refused,
    /// Of the script alone: it said that it does not look there.
    Unseen,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Verified => "VERIFIED",
            Self::CannotTell => "cannot tell",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Unseen => "unseen",
        })
    }
}

impl From<Verdict> for Word {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Verified | Verdict::VerifiedWithGaps => Self::Verified,
            Verdict::CannotTell => Self::CannotTell,
            Verdict::Failed => Self::Failed,
        }
    }
}

/// A verifier's word, and what it says against the bundle.
struct Said {
    word: Word,
    against: String,
}

/// One line of the table.
struct Row {
    name: &'static str,
    /// By `affiant`, `verify.sh` and `verify.html`; the culprit as each names it.
    words: [(Word, Option<String>); 3],
    /// What is not as it must be.
    faults: Vec<String>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |(word, culprit): &(Word, Option<String>)| {
            format!("{word}: {}", culprit.as_deref().unwrap_or("-").escape_debug())
        };
        let [program, script, page] = self.words.each_ref().map(cell);
        let agree = if self.faults.is_empty() { "yes" } else { "NO" };
        write!(f, "{} | {program} | {script} | {page} | {agree}", self.name)
    }
}

#[test]
fn every_named_forgery_is_found_by_all_three() {
    let mut rows = Vec::new();
    for scene in [scene::plain(), scene::dated(), scene::rekeyed(), scene::withheld()] {
        scene.assert_honest();
        let forgeries = match scene.name {
            "plain" => {
                [files::all(&scene), entries::all(&scene), records::all(&scene), container::all(&scene)].concat_all()
            }
            "dated" => times::all(&scene),
            "rekeyed" => keys::all(&scene),
            _ => withheld::all(&scene),
        };
        rows.extend(judge_all(&scene, &forgeries));
    }
    say("forgery | affiant | verify.sh | verify.html | agree");
    for row in &rows {
        say(&row.to_string());
    }
    let faults: Vec<&String> = rows.iter().flat_map(|row| &row.faults).collect();
    let alike = rows.iter().filter(|row| row.words.iter().all(|(word, _)| *word == row.words[0].0)).count();
    say(&format!("{} named forgeries, {alike} with one word by all three, {} faults", rows.len(), faults.len()));
    let mut names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows.len(), "a name stands twice");
    assert!(rows.len() >= FORGERY_COUNT_MIN, "{}", rows.len());
    assert!(faults.is_empty(), "{}", faults.iter().map(|fault| fault.as_str()).collect::<Vec<_>>().join("\n\n"));
}

/// Joins lists of forgeries.
trait Concat {
    fn concat_all(self) -> Vec<Forgery>;
}

impl<const COUNT: usize> Concat for [Vec<Forgery>; COUNT] {
    fn concat_all(self) -> Vec<Forgery> {
        self.into_iter().flatten().collect()
    }
}

fn judge_all(scene: &Scene, forgeries: &[Forgery]) -> Vec<Row> {
    let rows = Mutex::new(Vec::new());
    let is_here = page::in_turn(&scene.reader, forgeries.len(), |page, n| {
        let forgery = &forgeries[n];
        let zip = forgery.zip();
        let said = [by_program(scene, &zip), by_script(scene, forgery), by_page(&page.judge(&zip))];
        rows.lock().unwrap().push((n, row(forgery, said)));
    });
    let mut rows = rows.into_inner().unwrap();
    assert!(rows.len() == if is_here { forgeries.len() } else { 0 });
    rows.sort_by_key(|(n, _)| *n);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn row(forgery: &Forgery, said: [Said; 3]) -> Row {
    let program = said[0].word;
    let mut faults = Vec::new();
    for (whose, said) in ["affiant", "verify.sh", "verify.html"].iter().zip(&said) {
        let is_refused = said.word == Word::Refused && program == Word::Failed;
        let is_excused = is_refused || matches!(said.word, Word::Gone | Word::Unseen);
        let is_named = is_excused || forgery.named_in(&said.against).is_some();
        if said.word == Word::Verified || !(is_excused || said.word == program) || !is_named {
            let Forgery { name, culprits, .. } = forgery;
            faults.push(format!(
                "{name}: {whose} says {} (affiant: {program}); not one of {culprits:?} in:\n{}",
                said.word, said.against
            ));
        }
    }
    let words = said.map(|said| (said.word, forgery.named_in(&said.against).map(str::to_owned)));
    Row { name: forgery.name, words, faults }
}

fn by_program(scene: &Scene, zip: &[u8]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.zip");
    write_unsynced(&path, zip);
    let reports: Vec<Report> = verify_bundle(&path, scene.trust(), clock::now()).unwrap();
    Said { word: worst(&reports).into(), against: complaints(&reports) }
}

fn by_page(pages: &[Json]) -> Said {
    let verdict = |page: &Json| match page["verdict"].as_str() {
        Some("failed") => Word::Failed,
        Some("cannot-tell") => Word::CannotTell,
        _ => Word::Verified,
    };
    let words: Vec<Word> = pages.iter().map(verdict).collect();
    let word = [Word::Failed, Word::CannotTell].into_iter().find(|word| words.contains(word)).unwrap_or(Word::Verified);
    let findings = || pages.iter().flat_map(|report| report["findings"].as_array().unwrap());
    let result = if word == Word::Failed { "fails" } else { "not-shown" };
    let said = |finding: &Json| format!("{}: {} / {}", finding["check"], finding["expected"], finding["found"]);
    let against: Vec<String> = findings().filter(|finding| finding["result"] == result).map(said).collect();
    Said { word, against: against.join("\n") }
}

fn by_script(scene: &Scene, forgery: &Forgery) -> Said {
    let folder = match &forgery.form {
        Form::Files(files) => unpack(files),
        Form::Zip(zip) => match unzipped(zip) {
            Ok(folder) => folder,
            Err(refused) => return Said { word: Word::Refused, against: refused },
        },
    };
    let said = by_script_on(scene, folder.path());
    let is_forged_zip = matches!(forgery.form, Form::Zip(_));
    if is_forged_zip && said.word == Word::Verified && scene.is_honest(folder.path()) {
        return Said { word: Word::Gone, ..said };
    }
    said.unseen(forgery)
}

impl Said {
    fn unseen(self, forgery: &Forgery) -> Self {
        let words = UNSEEN.iter().find(|(name, _)| *name == forgery.name).map(|(_, words)| words);
        match words {
            Some(words) if self.word == Word::Verified && self.against.contains(words) => {
                Self { word: Word::Unseen, ..self }
            }
            Some(_) => {
                Self { word: Word::Verified, against: format!("listed as unseen, and not so: {}", self.against) }
            }
            None => self,
        }
    }
}

fn by_script_on(scene: &Scene, folder: &Path) -> Said {
    let (code, said) = script::run_with(&scene.script_arguments(), &scene.script(), folder);
    let word = match code {
        3 => Word::Failed,
        4 => Word::CannotTell,
        0 => Word::Verified,
        _ => panic!("{code}: {said}"),
    };
    let is_against = |line: &&str| match word {
        Word::Failed => line.starts_with("FAILS"),
        Word::CannotTell => line.starts_with("missing"),
        _ => true,
    };
    Said { word, against: said.lines().filter(is_against).collect::<Vec<_>>().join("\n") }
}

/// Unpacks a ZIP as people do; returns what `unzip` says where it refuses.
fn unzipped(zip: &[u8]) -> Result<tempfile::TempDir, String> {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join("forged.zip");
    write_unsynced(&path, zip);
    let answer = Command::new("unzip").arg("-o").arg("-q").arg(&path).current_dir(&folder).output().unwrap();
    if answer.status.success() {
        return Ok(folder);
    }
    Err(format!("unzip: {}{}", String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr)))
}
