//! Paper: what was printed and scanned verifies, and what was changed on the way does not.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Command;

use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::evidence::bundle::read::Bundle;
use affiant::evidence::bundle::zip::Archive;
use affiant::evidence::paper::{PaperSource, Parts, gather};
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Check, Report, Verdict, verify};
use affiant::log::policy::Policy;
use data_encoding::BASE32_NOPAD;

use super::Court;

use crate::interop::{accepted, has};

/// Prints the pages with symbols at 300 dpi, turns and dirties them as a bad scan, and returns the pictures.
fn scans(court: &Court, first: usize) -> Vec<PathBuf> {
    let exhibit = court.exhibit();
    let mut command = Command::new("pdftoppm");
    accepted(
        command.args(["-r", "300", "-gray", "-png", "-f", &first.to_string()]).arg(&exhibit).arg(court.path("scan")),
    );
    let mut pages: Vec<PathBuf> = fs::read_dir(court.path("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    pages.sort();
    for page in &mut pages {
        let scan = page.with_extension("jpg");
        let mut command = Command::new("convert");
        command.arg(&page).args(["-seed", "7", "-background", "white", "-rotate", "2", "-blur", "0x0.7"]);
        accepted(
            command
                .args(["-attenuate", "0.3", "+noise", "Gaussian", "-colorspace", "Gray", "-quality", "50"])
                .arg(&scan),
        );
        *page = scan;
    }
    pages
}

#[test]
fn a_printed_and_scanned_exhibit_verifies() {
    if !has("pdftoppm") || !has("convert") || !has("zbarimg") || !has("pdftotext") {
        return;
    }
    let court = Court::new(&[]);
    let pages = super::pages_of(&court.exhibit()).unwrap();
    let first = pages.iter().position(|page| page.contains("Evidence on paper for AF-C-000002-n:")).unwrap() + 1;
    let pictures = scans(&court, first);
    let verify = |pictures: &[PathBuf], keys: &str| {
        let mut command = court.stage.program(["verify", "--scan", "--json", "--keys", keys]);
        crate::stage::Ran::of(&command.args(pictures).output().unwrap())
    };
    let ran = verify(&pictures, "keys");
    assert_eq!(ran.code, Some(0), "{}\n{:?}", ran.remarks, ran.lines);
    let subjects: Vec<&str> = ran.lines.iter().filter_map(|line| line["subject"]["id"].as_str()).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(ran.lines.iter().all(|line| line["verdict"] == "verified-with-gaps"), "{:?}", ran.lines);
    assert_eq!(verify(&pictures, "elsewhere").code, Some(4), "paper that brings its own key proves nothing");

    let some = verify(&pictures[..1], "keys");
    assert_eq!(some.code, Some(4));
    assert!(some.lines[0].to_string().contains("were not read"), "{:?}", some.lines);

    // The way that the exhibit says for those who have no Affiant.
    let typed = "zbarimg -q --raw scan-*.jpg 2>/dev/null | grep ^AFFIANT/1/ | sort -u > all; cut -d/ -f5 all | sort -u | head -n 1 > set; \
        grep -f set all | cut -d/ -f7 | tr -d '\\n' | base32 -d | gunzip | tar x -C out";
    fs::create_dir(court.path("out")).unwrap();
    accepted(Command::new("sh").args(["-ec", typed]).current_dir(court.path("")));
    let folder = court.unpacked();
    let mut names = vec!["data/log/checkpoint".to_owned()];
    names.extend(
        ["record.cbor", "statement.cose", "proof.tlog-proof"].map(|file| format!("data/entries/af-c-000002-n/{file}")),
    );
    for name in names {
        assert_eq!(fs::read(court.path("out").join(&name)).unwrap(), fs::read(folder.join(&name)).unwrap(), "{name}");
    }
}

#[test]
fn every_changed_file_on_paper_is_named() {
    let court = Court::new(&[]);
    let zip = fs::read(court.path("terms.zip")).unwrap();
    let bundle = Bundle::open(Archive::open(zip.as_slice()).unwrap());
    let policy = Policy::parse(&fs::read(court.path("keys/policy")).unwrap()).unwrap();
    let subject = bundle.subjects()[0].clone();
    let gathered = gather(&bundle, &subject, Hash::of(b"any")).unwrap();
    let files = unpack(&gathered.lines);
    assert_eq!(
        files.keys().cloned().collect::<std::collections::BTreeSet<_>>(),
        gathered.names.iter().cloned().collect()
    );
    let whole = judge(&files, &policy).unwrap();
    assert_eq!(whole.verdict, Verdict::VerifiedWithGaps, "{whole:?}");
    let not_shown =
        |check| whole.findings.iter().any(|finding| finding.check == check && finding.outcome == Outcome::NotShown);
    assert!(not_shown(Check::Files) && not_shown(Check::Content), "{whole:?}");
    for (name, bytes) in &files {
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[at] ^= 1;
            let verdict = judge(&changed, &policy).map(|report| report.verdict);
            let is_label = name == "paper.txt"; // It is not signed; what it names must be there all the same.
            let is_held = matches!(verdict, Ok(Verdict::Failed | Verdict::CannotTell) | Err(_));
            assert!(is_held || is_label, "{name} at {at}: {verdict:?}");
        }
        let mut without = files.clone();
        without.remove(name);
        let verdict = judge(&without, &policy).map(|report| report.verdict);
        assert!(matches!(verdict, Ok(Verdict::CannotTell) | Err(_)), "without {name}: {verdict:?}");
    }
    let mut more = files.clone();
    more.insert("data/stranger".to_owned(), b"x".to_vec());
    assert!(judge(&more, &policy).unwrap_err().contains("data/stranger"));
}

/// Verifies a set of files as if it had been read from paper.
fn judge(files: &BTreeMap<String, Vec<u8>>, policy: &Policy) -> Result<Report, String> {
    let lines = pack(files);
    let sets = Parts::sort(lines.iter().map(String::as_str)).map_err(|error| error.to_string())?;
    let source = PaperSource::of(&sets[0]).map_err(|error| error.to_string())?;
    Ok(verify(&source, source.subject(), Some(policy), Time::from_seconds(4_102_444_800).unwrap()))
}

/// Reads lines as the format's page says, by other code than the program's.
fn unpack(lines: &[String]) -> BTreeMap<String, Vec<u8>> {
    let bytes: Vec<u8> = lines
        .iter()
        .flat_map(|line| BASE32_NOPAD.decode(line.split('/').nth(6).unwrap().as_bytes()).unwrap())
        .collect();
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut tar).unwrap();
    let mut files = BTreeMap::new();
    let mut at = 0;
    while tar[at] != 0 {
        let text = |from: usize, to: usize| {
            String::from_utf8_lossy(&tar[at + from..at + to]).trim_end_matches('\0').to_owned()
        };
        let size = usize::from_str_radix(&text(124, 136), 8).unwrap();
        files.insert(text(0, 100), tar[at + 512..at + 512 + size].to_vec());
        at += 512 + size.next_multiple_of(512);
    }
    files
}

/// Writes them again, the label first.
fn pack(files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut tar = Vec::new();
    let label = files.iter().filter(|(name, _)| *name == "paper.txt");
    for (name, bytes) in label.chain(files.iter().filter(|(name, _)| *name != "paper.txt")) {
        let mut head = vec![0; 512];
        let size = format!("{:011o}\0", bytes.len());
        let fields: [(usize, &[u8]); 9] = [
            (0, name.as_bytes()),
            (100, b"0000644\0"),
            (108, b"0000000\0"),
            (116, b"0000000\0"),
            (124, size.as_bytes()),
            (136, b"00000000000\0"),
            (148, b"        "),
            (156, b"0"),
            (257, b"ustar\x0000"),
        ];
        for (at, field) in fields {
            head[at..at + field.len()].copy_from_slice(field);
        }
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(head);
        tar.extend(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let gzip = |comment: &str| {
        let mut writer = flate2::GzBuilder::new().comment(comment).write(Vec::new(), flate2::Compression::default());
        writer.write_all(&tar).unwrap();
        writer.finish().unwrap()
    };
    let spare = gzip("").len().next_multiple_of(5) - gzip("").len();
    let bytes = gzip(&" ".repeat(spare));
    let set = Hash::of(&bytes).to_string()[..16].to_ascii_uppercase();
    let count = bytes.len().div_ceil(880);
    let line = |(number, part): (usize, &[u8])| {
        let mut crc = flate2::Crc::new();
        crc.update(part);
        format!("AFFIANT/1/{number:02}/{count:02}/{set}/{:08X}/{}", crc.sum(), BASE32_NOPAD.encode(part))
    };
    (1..).zip(bytes.chunks(880)).map(line).collect()
}

#[test]
fn what_is_no_picture_of_a_page_is_refused() {
    let court = Court::new(&[]);
    fs::write(court.path("no.png"), b"\x89PNG\r\n\x1a\nnothing").unwrap();
    for name in ["terms.html", "no.png", "absent.png"] {
        let ran = court.stage.run(["verify", "--scan", name]);
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.remarks);
        assert!(ran.remarks.contains(name), "{}", ran.remarks);
    }
}
