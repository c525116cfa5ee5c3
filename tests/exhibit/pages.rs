//! What stands on the pages, and that the file is what archives and courts take.

use std::fs;
use std::path::Path;
use std::process::Command;

use affiant::base::hash::Hash;

use super::{Court, PAGE, pages_of};

use crate::interop::{accepted, has, skipped};

#[test]
fn whoever_has_the_bundle_makes_the_same_pages() {
    let court = Court::new(&[]);
    let made = fs::read(court.exhibit()).unwrap();
    let folder = court.unpacked();
    // Another folder, another name, no archive and no keys; another language, time zone and day for those who ask.
    for (bundle, target) in [(folder.as_path(), "from-folder.pdf"), (&court.path("terms.zip"), "from-zip.pdf")] {
        let elsewhere = tempfile::tempdir().unwrap();
        fs::copy(court.path("case.txt"), elsewhere.path().join("caption")).unwrap();
        let mut command =
            court.stage.program(["exhibit", "--letter", "A", "--caption", "caption", "--bates", "DOE", "-o", target]);
        command.arg(bundle).current_dir(elsewhere.path()).env("TZ", "Asia/Tokyo").env("LANG", "ja_JP.UTF-8");
        accepted(&mut command);
        assert!(fs::read(elsewhere.path().join(target)).unwrap() == made, "{}", bundle.display());
    }
    let other = ["exhibit", "terms.zip", "--letter", "A", "--bates", "DOE", "-o", "other.pdf"];
    court.done(&other);
    assert!(fs::read(court.path("other.pdf")).unwrap() != made, "the caption is printed");
}

#[test]
fn every_page_says_what_it_is_of() {
    let court = Court::new(&["--paper", "a4"]);
    let Some(pages) = pages_of(&court.exhibit()) else { return };
    let record = fs::read(court.unpacked().join("data/entries/af-c-000002-n/record.cbor")).unwrap();
    let record = Hash::of(&record).to_string();
    for (number, page) in (1..).zip(&pages) {
        let page_number = format!("Page A-{number} of {}", pages.len());
        for words in
            ["terms.html", "captured 2", "record SHA-256", "Exhibit A", &page_number, &format!("DOE{number:06}")]
        {
            assert!(page.contains(words), "page {number} lacks `{words}`\n{page}");
        }
        let is_of_quote = page.contains("AF-P-000003-w  ") || page.contains("AF-P-000003-w   ");
        assert!(page.contains(&record) || is_of_quote, "page {number}\n{page}");
    }
    let all = pages.concat();
    let words = [
        "SOME COURT",
        "EXHIBIT A",
        "Case No.: 1:26-cv-1",
        "Jane Doe,",
        "Terms, Example Inc.",
        "Capture summary",
        "not shown",
        "for six years",
        "How to check this exhibit",
        "sha256sum -c --strict",
        "Evidence on paper",
        "does not show that a server sent them",
    ];
    for words in words {
        assert!(all.contains(words), "`{words}` is on no page");
    }
    for promise in ["tamper-proof", "qualified", "admissible"] {
        assert!(!all.to_lowercase().contains(promise), "{promise}");
    }
    if has("pdfinfo") {
        let said = accepted(Command::new("pdfinfo").arg(court.exhibit()));
        assert!(said.contains("595.25 x 841.75"), "{said}");
    }
}

#[test]
fn the_text_layer_gives_back_what_fonts_cannot_draw() {
    let court = Court::new(&[]);
    let Some(pages) = pages_of(&court.exhibit()) else { return };
    let text = pages.iter().find(|page| page.contains("Text of the page\n")).unwrap();
    for line in [
        "1   # Terms & (Conditions)",
        "six years \\ \u{2014} \u{201c}no longer\u{201d}.",
        "\u{65e5}\u{672c}\u{8a9e} and",
    ] {
        assert!(
            text.contains(line) || line.starts_with('1') && text.contains("# Terms & (Conditions)"),
            "{line}\n{text}"
        );
    }
    assert!(text.contains("do not draw, 4 here, stand"), "{text}");
    assert!(PAGE.contains('\u{202e}'));
}

#[test]
fn the_file_is_whole_and_has_nothing_that_courts_reject() {
    let court = Court::new(&[]);
    if !has("qpdf") || !has("pdffonts") {
        return;
    }
    accepted(Command::new("qpdf").arg("--check").arg(court.exhibit()));
    let plain = court.path("plain.pdf");
    let mut command = Command::new("qpdf");
    accepted(command.args(["--qdf", "--object-streams=disable"]).arg(court.exhibit()).arg(&plain));
    let bytes = fs::read(&plain).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let forbidden = [
        "/JavaScript",
        "/JS ",
        "/AA ",
        "/OpenAction",
        "/Launch",
        "/URI",
        "/Annots",
        "/AcroForm",
        "/EmbeddedFile",
        "/Encrypt",
        "/OCProperties",
        "/SMask",
        "/Interpolate true",
        "/RichMedia",
        "/FontFile3",
    ];
    for name in forbidden {
        assert!(!text.contains(name), "{name}");
    }
    for name in ["/GTS_PDFA1", "<pdfaid:part>2<", "<pdfaid:conformance>B<", "/PageLabels", "/ToUnicode", "/Outlines"] {
        assert!(text.contains(name), "{name}");
    }
    let fonts = accepted(Command::new("pdffonts").arg(court.exhibit()));
    let rows: Vec<&str> = fonts.lines().skip(2).collect();
    assert!(rows.len() >= 4 && rows.iter().all(|row| row.contains(" yes yes yes ")), "{fonts}");
}

/// The folder of veraPDF's jars, as `.ci/run` lays it.
const VERAPDF: &str = "target/ci/verapdf";

#[test]
fn verapdf_takes_it_for_pdf_a_2b() {
    let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join(VERAPDF);
    if !has("java") || !jars.is_dir() && !skipped(&format!("veraPDF is not in `{VERAPDF}`")) {
        return;
    }
    let court = Court::new(&[]);
    let check = |path: &Path| {
        let mut command = Command::new("java");
        command.arg("-cp").arg(jars.join("*")).args([
            "org.verapdf.apps.GreenfieldCliWrapper",
            "-f",
            "2b",
            "--format",
            "text",
        ]);
        let output = command.arg(path).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = check(&court.exhibit());
    assert!(said.starts_with("PASS "), "{said}");
    // It can say no: the same file without its claim.
    let bytes = fs::read(court.exhibit()).unwrap();
    let claim = b"<pdfaid:part>2<";
    let at = bytes.windows(claim.len()).position(|window| window == claim).unwrap();
    let mut forged = bytes;
    forged[at + 13] = b'1';
    fs::write(court.path("forged.pdf"), forged).unwrap();
    let said = check(&court.path("forged.pdf"));
    assert!(said.starts_with("FAIL "), "{said}");
}

#[test]
fn volumes_are_no_larger_than_is_asked_and_go_on_counting() {
    let stage = crate::stage::Stage::new();
    let words: Vec<String> = (0..60_000_u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761))).collect();
    let paragraphs: Vec<String> = words.chunks(40).map(|words| format!("<p>{}</p>", words.join(" "))).collect();
    let paragraphs = paragraphs.concat();
    fs::write(stage.path("long.html"), format!("<!doctype html><h1>Long</h1>{paragraphs}")).unwrap();
    let court = Court { stage };
    court.done(&["capture", "long.html"]);
    court.done(&[
        "bundle",
        "AF-C-000002-n",
        "-o",
        "long.zip",
        "--exhibit",
        "B",
        "--volume-size",
        "0.4",
        "--bates",
        "X1",
    ]);
    let volume = |n: usize| court.path(&format!("long-exhibit-b-volume-{n}.pdf"));
    let volumes: Vec<_> = (1..20).map(volume).take_while(|path| path.exists()).collect();
    assert!((2..=6).contains(&volumes.len()), "{} volumes", volumes.len());
    let mut next = 1;
    for (n, volume) in (1..).zip(&volumes) {
        assert!(fs::metadata(volume).unwrap().len() <= 400_000);
        let Some(pages) = pages_of(volume) else { return };
        assert!(pages[0].contains(&format!("Volume {n} of {}", volumes.len())), "{}", pages[0]);
        for page in &pages {
            assert!(
                page.contains(&format!("Page B-{next} of ")) && page.contains(&format!("X{next}\n")),
                "{next}\n{page}"
            );
            next += 1;
        }
    }
    let refused = court.stage.run(["exhibit", "long.zip", "--letter", "B", "--volume-size", "0.1"]);
    assert_eq!(refused.code, Some(2), "{}", refused.remarks);
}

#[test]
fn nothing_is_made_of_a_bundle_that_does_not_hold() {
    let court = Court::new(&[]);
    let folder = court.unpacked();
    let exhibit = || court.stage.run(["exhibit", "unpacked", "--letter", "A", "--force"]);
    assert_eq!(exhibit().code, Some(0));
    for name in
        ["data/content/af-c-000002-n/text.md", "data/log/checkpoint", "data/entries/af-c-000002-n/proof.tlog-proof"]
    {
        let path = folder.join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, crate::interop::flipped(&bytes, bytes.len() / 2)).unwrap();
        let flipped = exhibit();
        fs::remove_file(&path).unwrap();
        let removed = exhibit();
        fs::write(&path, bytes).unwrap();
        assert_eq!([flipped.code, removed.code].map(|code| code == Some(0)), [false; 2], "{name}: {}", flipped.remarks);
    }
    assert_eq!(exhibit().code, Some(0));
    let refused = court.stage.run(["exhibit", "terms.zip", "--letter", "A"]);
    assert_eq!(refused.code, Some(1), "what lies there is kept: {}", refused.remarks);
    for wrong in [["--letter", "A/B"], ["--bates", "\u{e9}"], ["--paper", "legal"], ["--caption", "terms.html"]] {
        let letter: &[&str] = if wrong[0] == "--letter" { &[] } else { &["--letter", "A"] };
        let refused = court.stage.run([&["exhibit", "terms.zip"], letter, &wrong].concat());
        assert_eq!(refused.code, Some(2), "{wrong:?}: {}", refused.remarks);
    }
}
