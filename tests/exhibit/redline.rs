//! Redlines: what changed between two captures, on a terminal and on pages.

use std::fs;
use std::process::Command;

use super::{Court, PAGE, pages_of};

use crate::interop::{accepted, has};

fn two_versions() -> Court {
    let stage = crate::stage::Stage::new();
    let court = Court { stage };
    fs::write(court.path("terms.html"), PAGE).unwrap();
    court.done(&["capture", "terms.html", "--title", "Terms"]);
    fs::write(court.path("terms.html"), PAGE.replace("six years", "ten years")).unwrap();
    court.done(&["capture", "terms.html"]);
    court
}

#[test]
fn diff_says_what_patch_takes() {
    let court = two_versions();
    let mut command = court.stage.program(["diff", "AF-C-000002-n", "AF-C-000003-z"]);
    let printed = accepted(&mut command);
    let json = court.stage.run(["diff", "AF-C-000002-n", "AF-C-000003-z"]);
    assert_eq!(json.lines[0]["extent"]["lines_changed"], 1, "{:?}", json.lines);
    assert_eq!(json.lines[0]["lines"][0]["pieces"][1], serde_json::json!(["deleted", "six"]));
    let words = accepted(&mut court.stage.program(["diff", "AF-C-000002-n", "AF-C-000003-z", "--words"]));
    assert!(words.contains("for [-six-]{+ten+} years"), "{words}");
    if !has("patch") || !has("unzip") {
        return;
    }
    court.done(&["bundle", "AF-C-000002-n", "AF-C-000003-z", "-o", "terms.zip"]);
    let folder = court.unpacked().join("data/content");
    let [old, new] = ["af-c-000002-n", "af-c-000003-z"].map(|id| folder.join(id).join("text.md"));
    // A mark of direction is printed as a replacement, so that no terminal is turned around.
    let printed = printed.replace('\u{fffd}', "\u{202e}");
    fs::write(court.path("change.diff"), printed).unwrap();
    accepted(Command::new("patch").arg("-s").arg(&old).arg(court.path("change.diff")));
    assert_eq!(fs::read(old).unwrap(), fs::read(new).unwrap());
}

#[test]
fn a_redline_marks_what_changed_and_says_what_it_leaves_out() {
    let court = two_versions();
    court.done(&["bundle", "AF-C-000002-n", "AF-C-000003-z", "-o", "terms.zip", "--exhibit", "C", "--redline"]);
    let exhibit = court.path("terms-exhibit-c.pdf");
    if has("qpdf") {
        accepted(Command::new("qpdf").arg("--check").arg(&exhibit));
    }
    let Some(pages) = pages_of(&exhibit) else { return };
    let all = pages.concat();
    let words = [
        "lines changed: 1, deleted: 0, inserted: 0, the same: ",
        "[six]ten years",
        "words deleted: 1, inserted: 1",
        "Redline from",
    ];
    for words in words {
        assert!(all.contains(words), "`{words}`\n{all}");
    }
    court.done(&["bundle", "AF-C-000002-n", "-o", "one.zip"]);
    let refused = court.stage.run(["exhibit", "one.zip", "--letter", "C", "--redline"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.remarks.contains("between two captures"), "{}", refused.remarks);
}
