//! Audits of a part, audits that go on, and audits that are signed.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use affiant::archivist::audit::{Extent, Known, Sample, Share, Watch, audit, audit_extent};
use affiant::archivist::progress::Silent;
use affiant::base::hash::Hash;
use affiant::outside::archive::Archive;
use affiant::outside::archive::packs::PackWriter;

use crate::stage::Stage;

const COUNT: usize = 12;

fn stage() -> Stage {
    let stage = Stage::new();
    for n in 0..COUNT {
        fs::write(stage.path("page.html"), format!("<h1>Terms</h1><p>Clause {n}, and nothing else.")).unwrap();
        assert_eq!(stage.run(["capture", "page.html"]).code, Some(0));
    }
    stage
}

/// Flips a bit of the frame of a blob, and says which file it was in.
fn damage(stage: &Stage, blob: Hash) {
    let archive = Archive::open(&stage.path("archive")).unwrap();
    for segment in archive.packs().segments().unwrap() {
        for member in archive.packs().walk(segment, 0).unwrap().map(Result::unwrap) {
            if member.hash == blob {
                let path = archive.packs().path(segment);
                let mut bytes = fs::read(&path).unwrap();
                let last = usize::try_from(member.end()).unwrap() - 6; // Before the frame's checksum.
                bytes[last] ^= 1;
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

fn primary(stage: &Stage, id: &str) -> Hash {
    stage.run(["show", id]).lines[0]["primary"]["sha256"].as_str().unwrap().parse().unwrap()
}

#[test]
fn an_audit_since_an_entry_passes_over_what_was_before_and_says_so() {
    let stage = stage();
    let ids = stage.run(["list", "--kind", "capture"]).texts("id");
    let (newest, oldest) = (ids.first().unwrap(), ids.last().unwrap());
    damage(&stage, primary(&stage, oldest));
    assert_eq!(stage.run(["audit"]).code, Some(3));
    for since in [newest.as_str(), "9", "2999-01-01"] {
        let ran = stage.run(["audit", "--since", since]);
        assert_eq!(ran.code, Some(0), "{since}: {:?}", ran.lines);
        let said = ran.lines[0]["not_looked_at"][0].as_str().unwrap();
        assert!(said.starts_with("not looked at: records and blobs of entries 0 to"), "{said}");
    }
    assert_eq!(stage.run(["audit", "--since", oldest]).code, Some(3));
    assert_eq!(stage.run(["audit", "--since", "2020-01-01"]).code, Some(3));
    // The tree is checked all the same.
    let tile = stage.path("archive/tile/statements/000.p").join((COUNT + 2).to_string());
    let mut bytes = fs::read(&tile).unwrap();
    bytes[20] ^= 1;
    fs::write(&tile, bytes).unwrap();
    assert_eq!(stage.run(["audit", "--since", newest]).code, Some(3));
    assert_eq!(stage.run(["audit", "--since", "yesterday"]).code, Some(2));
}

#[test]
fn a_sample_is_as_large_as_asked_and_says_what_it_may_have_missed() {
    let stage = stage();
    let ran = stage.run(["audit", "--sample", "10", "--seed", "7"]);
    let looked = &ran.lines[0]["looked"];
    assert_eq!((ran.code, &looked["blobs_read"], &looked["seed"]), (Some(0), &10.into(), &7.into()), "{:?}", ran.lines);
    let said = ran.lines[0]["not_looked_at"][0].as_str().unwrap();
    assert!(
        said.contains("chosen by seed 7") && said.contains("one damaged blob is missed with a chance of"),
        "{said}"
    );
    let text = stage.program(["audit", "--sample", "50%"]).output().unwrap();
    assert!(String::from_utf8_lossy(&text.stdout).contains("by seed"), "a seed by the clock is printed");
    for wrong in ["101%", "-1", "x", "1.00001%"] {
        assert_eq!(stage.run(["audit", "--sample", wrong]).code, Some(2), "{wrong}");
    }
    // Whether a damaged blob is found is whether it was chosen.
    let ids = stage.run(["list", "--kind", "capture"]).texts("id");
    damage(&stage, primary(&stage, &ids[3]));
    let archive = Archive::open(&stage.path("archive")).unwrap();
    let found: BTreeSet<bool> = (0..40)
        .map(|seed| {
            let sample = Some(Sample { share: Share::Count(10), seed });
            let extent = Extent { since: 0, sample };
            audit_extent(&archive, &Known::default(), &extent, &Watch::of(&Silent)).is_clean()
        })
        .collect();
    assert_eq!(found, BTreeSet::from([false, true]));
}

#[test]
fn an_audit_that_is_interrupted_goes_on_where_it_was() {
    let stage = stage();
    let archive = Archive::open(&stage.path("archive")).unwrap();
    // Several segments: what the program does when one is full.
    let ids = stage.run(["list", "--kind", "capture"]).texts("id");
    let damaged = primary(&stage, &ids[COUNT - 1]);
    let rows = stage.path("archive/packs/00000001.rows");
    let mut sorted: Vec<[u8; 40]> = fs::read(&rows).unwrap().as_chunks().0.to_vec();
    sorted.sort_unstable();
    fs::write(rows.with_extension("index"), sorted.concat()).unwrap();
    fs::remove_file(rows).unwrap();
    drop(PackWriter::open(archive.packs()).unwrap());
    fs::write(stage.path("page.html"), "<p>in another segment").unwrap();
    assert_eq!(stage.run(["capture", "page.html"]).code, Some(0));
    assert_eq!(archive.packs().segments().unwrap(), [1, 2]);
    damage(&stage, damaged);
    let whole = audit(&archive, &Known::default(), &Silent);
    assert_eq!(whole.damage.len(), 1);

    let state = stage.path("state.json");
    let looks = AtomicUsize::new(0);
    let is_interrupted = || looks.fetch_add(1, Ordering::Relaxed) >= 1;
    let watch = Watch { state: Some(state.clone()), is_interrupted: &is_interrupted, ..Watch::of(&Silent) };
    let first = audit_extent(&archive, &Known::default(), &Extent::default(), &watch);
    assert!(first.looked.is_interrupted && first.looked.looked > 0 && first.looked.looked < first.looked.total);
    assert_eq!(first.damage.len(), 1, "what was found by then is said");
    assert!(first.looked.caveats()[0].contains("interrupted after"));
    assert!(state.exists());

    let watch = Watch { state: Some(state.clone()), resumes: true, ..Watch::of(&Silent) };
    let second = audit_extent(&archive, &Known::default(), &Extent::default(), &watch);
    assert_eq!((second.looked.resumed, second.looked.looked), (first.looked.looked, second.looked.total));
    assert_eq!(second.damage, whole.damage, "with what the first part had found");
    assert!(!state.exists(), "nothing is left to go on from");
    let ran = stage.run(["audit", "--resume"]);
    assert_eq!(ran.code, Some(3), "without a state it begins at the beginning");
}

#[test]
fn a_signed_report_is_what_ssh_keygen_verifies() {
    let stage = stage();
    let ran = stage.run(["audit", "--report", "report.json", "--sample", "5", "--seed", "1"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(stage.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["format"], "affiant-integrity-report-1");
    assert_eq!(report["audit"]["looked"]["blobs_read"], 5);
    assert_eq!(report["audit"], ran.lines[0]);
    assert_eq!(report["checkpoint"], fs::read_to_string(stage.path("archive/checkpoint")).unwrap());
    // The command of `affiant audit --help`, as it stands there.
    let help = String::from_utf8(stage.program(["audit", "--help"]).output().unwrap().stdout).unwrap();
    let commands: Vec<&str> =
        help.lines().map(str::trim).filter(|line| line.starts_with("echo") || line.starts_with("ssh-keygen")).collect();
    assert_eq!(commands.len(), 2, "{help}");
    let run = || {
        let script = commands.join(" && ").replace("FILE", "report.json");
        let mut command = Command::new("sh");
        stage.settle(command.args(["-c", &script]));
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (is_good, said) = run();
    assert!(is_good && said.contains("Good \"affiant-integrity\" signature"), "{said}");
    let whole = fs::read_to_string(stage.path("report.json")).unwrap();
    fs::write(stage.path("report.json"), whole.replace("\"clean\": true", "\"clean\": false")).unwrap();
    assert!(!run().0, "a changed report has no good signature");
}
