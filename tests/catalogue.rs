//! The readers' catalogue: it finds what a walk finds, it is made anew whenever it does not fit, and nothing that is
//! forged in it is ever shown.

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::Value as Json;

use crate::stage::Stage;

/// An archive of several documents, entities, outcomes and kinds.
fn stage() -> Stage {
    let stage = Stage::new();
    let page =
        |name: &str, text: &str| fs::write(stage.path(name), format!("<p>{text} {}</p>", "word ".repeat(400))).unwrap();
    for round in 0..4 {
        page("a.html", &format!("We keep logs for {} years.", round / 2));
        page("b.html", &format!("Liability is limited to {round} euros."));
        assert_eq!(stage.run(["capture", "a.html", "--entity", "Example Inc.", "--title", "Privacy"]).code, Some(0));
        assert_eq!(stage.run(["capture", "b.html", "--entity", "Other Ltd."]).code, Some(0));
    }
    fs::write(stage.path("empty.html"), "").unwrap();
    stage.run(["capture", "empty.html"]);
    let quoted = stage.run(["log", &url(&stage, "b.html")]).texts("id")[0].clone();
    assert_eq!(stage.run(["quote", &quoted, "Liability is limited"]).code, Some(0));
    assert_eq!(stage.run(["capture", "a.html", "--entity", "Example Group"]).code, Some(0));
    stage
}

fn url(stage: &Stage, name: &str) -> String {
    format!("file://{}", stage.path(name).canonicalize().unwrap().display())
}

fn catalogue(stage: &Stage) -> PathBuf {
    stage.path("archive/index/catalogue/catalogue.sqlite")
}

/// Forges the catalogue, as anybody who can write the folder could.
fn forge(stage: &Stage, sql: &str) {
    Connection::open(catalogue(stage)).unwrap().execute_batch(sql).unwrap();
}

fn listed(stage: &Stage, arguments: &[&str]) -> (Vec<Json>, String) {
    let ran = stage.run([&["list", "-n", "1000"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.remarks);
    (ran.lines, ran.remarks)
}

/// Every way to ask, with the fields of a line that it is about.
fn questions(stage: &Stage) -> Vec<Vec<String>> {
    let (all, _) = listed(stage, &[]);
    let of = |field: &str| all.iter().filter_map(|line| line[field].as_str().map(str::to_owned)).collect::<Vec<_>>();
    let mut questions: Vec<Vec<String>> = Vec::new();
    for kind in ["genesis", "document", "capture", "check", "provision"] {
        questions.push(vec!["--kind".to_owned(), kind.to_owned()]);
    }
    for outcome in ["complete", "error", "truncated"] {
        questions.push(vec!["--outcome".to_owned(), outcome.to_owned()]);
    }
    for entity in ["Example Inc.", "Other Ltd.", "Example Group", "Nobody"] {
        questions.push(vec!["--entity".to_owned(), entity.to_owned()]);
    }
    for name in ["a.html", "b.html", "empty.html"] {
        questions.push(vec!["--address".to_owned(), url(stage, name)]);
        questions.push(vec!["--document".to_owned(), url(stage, name), "--kind".to_owned(), "capture".to_owned()]);
    }
    for time in of("time") {
        questions.push(vec!["--since".to_owned(), time.clone()]);
        questions.push(vec!["--until".to_owned(), time.clone(), "--outcome".to_owned(), "complete".to_owned()]);
    }
    for hash in of("sha256").into_iter().chain(of("record_sha256")) {
        questions.push(vec!["--hash".to_owned(), hash]);
    }
    for id in of("id") {
        questions.push(vec!["--after".to_owned(), id]);
    }
    questions
}

#[test]
fn a_list_is_the_same_with_the_catalogue_and_without() {
    let stage = stage();
    let questions = questions(&stage);
    assert!(questions.len() > 60);
    let ask = |question: &Vec<String>| listed(&stage, &question.iter().map(String::as_str).collect::<Vec<_>>());
    let with: Vec<_> = questions.iter().map(ask).collect();
    assert!(with.iter().all(|(_, remarks)| remarks.is_empty()));
    // A file in the folder's place: nobody can make a catalogue there.
    fs::remove_dir_all(stage.path("archive/index/catalogue")).unwrap();
    fs::write(stage.path("archive/index/catalogue"), "in the way").unwrap();
    let mut found = 0;
    for (question, (with, _)) in questions.iter().zip(with) {
        let (without, remarks) = ask(question);
        assert_eq!(with, without, "{question:?}");
        assert!(remarks.contains("the log is walked") || question[0] == "--hash", "{question:?}: {remarks}");
        found += usize::from(!with.is_empty());
    }
    assert!(found > 50, "{found}");
}

#[test]
fn says_what_the_log_says() {
    let stage = stage();
    let kinds = |arguments: &[&str]| -> Vec<String> {
        listed(&stage, arguments).0.iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
    };
    let a = url(&stage, "a.html");
    // Four rounds with two texts, and one capture under the new entity.
    assert_eq!(kinds(&["--address", &a, "--kind", "capture"]).len(), 2);
    assert_eq!(kinds(&["--address", &a, "--kind", "check"]).len(), 3);
    assert_eq!(kinds(&["--entity", "Example Group"]), ["check", "document"]);
    assert_eq!(kinds(&["--entity", "Other Ltd."]).len(), 6);
    assert_eq!(kinds(&["--outcome", "error"]), ["capture"]);
    assert_eq!(kinds(&["--outcome", "error", "--entity", "Other Ltd."]), [""; 0]);
    assert_eq!(kinds(&["--since", "2020-01-01", "--until", "2020-12-31"]), [""; 0]);
    assert_eq!(kinds(&["--kind", "provision", "--document", &url(&stage, "b.html")]), ["provision"]);
}

#[test]
fn pages_give_every_record_once() {
    let stage = stage();
    let (all, _) = listed(&stage, &[]);
    let mut paged: Vec<Json> = Vec::new();
    loop {
        let last = paged.last().map(|line| line["id"].as_str().unwrap().to_owned());
        let after: Vec<&str> = last.iter().flat_map(|id| ["--after", id]).collect();
        let ran = stage.run([&["list", "--limit", "3"], &after[..]].concat());
        if ran.lines.is_empty() {
            break;
        }
        paged.extend(ran.lines);
    }
    assert_eq!(paged, all);
}

#[test]
fn a_forged_row_is_found_out_and_never_shown() {
    let stage = stage();
    let (all, _) = listed(&stage, &[]);
    let a = url(&stage, "a.html");
    let id = all[1]["id"].as_str().unwrap();
    let show = stage.run(["show", id]).lines;
    let verdict = stage.run(["verify", id]).lines;
    let questions: Vec<Vec<&str>> = vec![
        vec![],
        vec!["--address", &a],
        vec!["--outcome", "error"],
        vec!["--kind", "provision"],
        vec!["--entity", "Other Ltd."],
        vec!["--hash", all[3]["sha256"].as_str().unwrap_or_else(|| all[2]["sha256"].as_str().unwrap())],
    ];
    let truths: Vec<_> = questions.iter().map(|question| listed(&stage, question).0).collect();
    let forgeries = [
        "UPDATE record SET outcome = 'error' WHERE outcome = 'complete'",
        "UPDATE record SET kind = 'provision'",
        "UPDATE record SET time = time + 1",
        "UPDATE record SET history = 1 WHERE history IS NOT NULL",
        "UPDATE record SET history = NULL",
        "UPDATE document SET address = 'https://example.com/', entity = 'Other Ltd.'",
        "UPDATE blob SET number = number - 1 WHERE number > 5",
        "UPDATE covered SET root = zeroblob(32)",
        "UPDATE covered SET size = size + 1",
        "UPDATE covered SET size = 3",
        "INSERT INTO record VALUES (1000000, 'capture', 0, 1, 'complete')",
        "DROP TABLE blob; CREATE VIEW blob AS SELECT 0 AS part, 1 AS hash, 2 AS number",
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END",
        "PRAGMA user_version = 9",
    ];
    for forgery in forgeries {
        for (question, truth) in questions.iter().zip(&truths) {
            listed(&stage, &[]); // Makes it anew where the last forgery voided it.
            forge(&stage, forgery);
            let (found, _) = listed(&stage, question);
            assert!(found.iter().all(|line| truth.contains(line)), "{forgery} {question:?}: {found:?}");
            assert_eq!(stage.run(["show", id]).lines, show, "{forgery}");
            let of = |lines: &[Json]| (lines[0]["verdict"].clone(), lines[0]["findings"].clone());
            assert_eq!(of(&stage.run(["verify", id]).lines), of(&verdict), "{forgery}");
            fs::remove_file(catalogue(&stage)).unwrap();
        }
    }
}

#[test]
fn a_row_that_says_something_else_voids_the_catalogue() {
    let stage = stage();
    let (all, remarks) = listed(&stage, &[]);
    assert_eq!(remarks, "");
    forge(&stage, "UPDATE record SET outcome = 'error' WHERE number = 3");
    let (found, remarks) = listed(&stage, &[]);
    assert_eq!(found, all);
    assert!(remarks.contains("contradicts the log"), "{remarks}");
    assert_eq!(listed(&stage, &[]), (all, String::new()));
}

#[test]
fn a_capture_that_was_taken_out_of_a_history_is_missed() {
    let stage = stage();
    let b = url(&stage, "b.html");
    let history = stage.run(["log", &b]);
    let captures: Vec<u64> = history.lines.iter().map(|line| line["index"].as_u64().unwrap()).collect();
    assert_eq!(captures.len(), 4);
    for index in &captures[1..] {
        listed(&stage, &[]); // Makes it anew.
        forge(&stage, &format!("UPDATE record SET history = NULL WHERE number = {index}"));
        let ran = stage.run(["log", &b]);
        assert_eq!(ran.lines, history.lines, "{index}");
        assert!(ran.remarks.contains("contradicts the log"), "{index}: {}", ran.remarks);
    }
}

#[test]
fn is_made_anew_when_it_is_damaged_missing_or_of_another_log() {
    let stage = stage();
    let (all, _) = listed(&stage, &[]);
    let path = catalogue(&stage);
    let other = self::stage();
    listed(&other, &[]);
    let whole = fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn[4096..8192].fill(0);
    let mut flipped = whole.clone();
    flipped[20_000..20_016].fill(0xff);
    for (case, bytes) in [
        ("no database", b"not a database".to_vec()),
        ("empty", Vec::new()),
        ("half", whole[..whole.len() / 2].to_vec()),
        ("torn", torn),
        ("flipped", flipped),
        ("of another log", fs::read(catalogue(&other)).unwrap()),
    ] {
        fs::write(&path, bytes).unwrap();
        for arguments in [&["--outcome", "complete"][..], &[], &["--kind", "document"]] {
            let (found, _) = listed(&stage, arguments);
            assert!(found.iter().all(|line| all.contains(line)), "{case}");
        }
        assert_eq!(listed(&stage, &[]).0, all, "{case}");
    }
    fs::remove_dir_all(stage.path("archive/index")).unwrap();
    assert_eq!(listed(&stage, &[]), (all, String::new()));
    assert_eq!(stage.run(["capture", "b.html"]).code, Some(0), "the writer's index is made anew too");
    stage.assert_clean("made anew");
}

#[test]
fn readers_see_whole_states_while_a_writer_works() {
    let stage = stage();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..12 {
                fs::write(stage.path("c.html"), format!("<p>Round {round} {}</p>", "word ".repeat(400))).unwrap();
                assert_eq!(stage.run(["capture", "c.html"]).code, Some(0), "{round}");
            }
        });
        let read = || {
            while !writer.is_finished() {
                let (lines, remarks) = listed(&stage, &["--kind", "capture"]);
                let captures: Vec<u64> = lines.iter().map(|line| line["index"].as_u64().unwrap()).collect();
                assert!(captures.len() >= 7 && captures.is_sorted_by(|a, b| a > b), "{captures:?} {remarks}");
                assert_eq!(remarks, "");
            }
        };
        std::thread::scope(|readers| (0..3).for_each(|_| drop(readers.spawn(read))));
    });
    assert_eq!(listed(&stage, &["--address", &url(&stage, "c.html"), "--kind", "capture"]).0.len(), 12);
}

#[test]
fn a_record_is_found_by_its_hash_without_index_and_catalogue() {
    let stage = stage();
    let (all, _) = listed(&stage, &[]);
    fs::remove_dir_all(stage.path("archive/index")).unwrap();
    for line in &all {
        let shown = stage.run(["show", line["record_sha256"].as_str().unwrap()]);
        assert_eq!(shown.lines[0]["id"], line["id"]);
    }
    let blob = all.iter().find_map(|line| line["sha256"].as_str()).unwrap();
    for hash in [blob, &"0".repeat(64)] {
        let ran = stage.run(["show", hash]);
        assert_eq!(ran.code, Some(2), "{hash}: {}", ran.remarks);
        assert!(ran.remarks.contains("no record of this log has SHA-256"), "{}", ran.remarks);
    }
    assert!(!stage.path("archive/index").exists());
}
