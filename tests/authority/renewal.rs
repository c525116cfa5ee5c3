//! Renewals: what is left of a token when its certificate has ended, or its key is in other hands.

use std::cell::Cell;
use std::collections::BTreeMap;

use affiant::archivist::progress::Silent;
use affiant::archivist::renew::{Renewed, ageing, renew};
use affiant::archivist::timestamp::catch_up;
use affiant::archivist::verify::verify_record;
use affiant::base::hash::Hash;
use affiant::base::id::Id;
use affiant::base::time::Time;
use affiant::evidence::renewal::{LongHash, Renewal};
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Check, Report, Trust};
use affiant::timestamp::authorities::Authorities;
use rcgen::RevocationReason as Reason;

use super::drill::{DAY, Drill, after, expect, found, noon};
use super::forge::{Forge, Purpose, Simulated};

const YEAR: u64 = 365 * DAY;

fn trusting(forges: &[&Forge]) -> Authorities {
    let mut authorities = Authorities::nobody();
    for forge in forges {
        authorities.add_file(forge.root()).unwrap();
    }
    authorities
}

fn asker(forge: &Forge, time: Time) -> Simulated<'_> {
    Simulated { forge, time, is_up: true, asked: Cell::new(0) }
}

fn date(drill: &Drill, forge: &Forge, time: Time) {
    let archive = drill.places.open_archive().unwrap();
    let stamped =
        catch_up(&archive, &["http://tsa.example/".to_owned()], &trusting(&[forge]), &asker(forge, time), time)
            .unwrap();
    assert!(stamped.answers.iter().all(|answer| answer.outcome.is_ok()), "{:?}", stamped.answers);
}

fn renewed(drill: &Drill, forge: &Forge, time: Time) -> Renewed {
    let archive = drill.places.open_archive().unwrap();
    let urls = ["http://renewer.example/".to_owned()];
    let renewed = renew(&archive, &urls, &trusting(&[forge]), &asker(forge, time), &Silent).unwrap();
    assert!(renewed.answers[0].1.is_ok(), "{:?}", renewed.answers);
    renewed
}

/// Verifies a record at a time long after.
fn verify(drill: &Drill, id: &Id, trusted: &Authorities, now: Time) -> Report {
    let archive = drill.places.open_archive().unwrap();
    let policy = drill.places.keyring().policy().unwrap();
    let trust = Trust { policy: policy.as_ref(), authorities: Some(trusted), ..Trust::default() };
    verify_record(&archive, id, trust, now).unwrap()
}

#[test]
fn a_token_outlives_its_certificate_where_it_was_renewed() {
    let drill = Drill::new();
    // The first authority's certificate ends with 2027, the second's with 2035, the third's with 2049.
    let first = Forge::with((2020, 2050), (2020, 2028), Purpose::TimeStamping);
    let second = Forge::with((2020, 2050), (2020, 2036), Purpose::TimeStamping);
    let third = Forge::with((2020, 2050), (2030, 2050), Purpose::TimeStamping);
    let id = drill.record(noon());
    date(&drill, &first, after(noon(), 60));
    let ten_years_on = after(noon(), 10 * YEAR);

    // Not renewed: it says what it said, and what that leans on now.
    let all = trusting(&[&first, &second, &third]);
    let report = verify(&drill, &id, &all, ten_years_on);
    expect("not renewed", &report, Check::NotAfter, Outcome::Holds, "no renewal here covers it");

    // Doctor's question: which token is the first to end, and is it covered?
    let archive = drill.places.open_archive().unwrap();
    let (file, authority, end) = ageing(&archive, &all).unwrap().first.unwrap();
    assert!(file.starts_with("anchors/2/tsa.example-") && authority == "Forge authority", "{file} {authority}");
    assert_eq!(end.to_string(), "2028-01-01T00:00:00Z");

    // Renewed in time, and that renewed in time again: the interval is as narrow as it was.
    drill.record(after(noon(), YEAR));
    let renewal = renewed(&drill, &second, after(noon(), YEAR));
    assert_eq!((renewal.size, renewal.anchor_files), (4, 3), "checkpoint, token, and the checkpoint of the renewal");
    drill.record(after(noon(), 8 * YEAR));
    renewed(&drill, &third, after(noon(), 8 * YEAR));
    let report = verify(&drill, &id, &all, ten_years_on);
    expect("renewed", &report, Check::NotAfter, Outcome::Holds, "and a renewal had it by 2027-11-23");
    assert_eq!(report.interval.not_after.as_ref().unwrap().0, after(noon(), 61));
    let ageing = ageing(&drill.places.open_archive().unwrap(), &all).unwrap();
    assert_eq!(ageing.renewed, Some(6));
    // All others are covered, and the renewal's own algorithm ages before its certificate ends.
    let (file, _, end) = ageing.first.unwrap();
    assert!(
        file.starts_with("anchors/6/renewer.example-") && end.to_string() == "2036-01-01T00:00:00Z",
        "{file} {end}"
    );

    // Renewed too late: a certificate that had ended by then may have been anybody's between.
    let late = Drill::new();
    let id = late.record(noon());
    date(&late, &first, after(noon(), 60));
    late.record(after(noon(), 5 * YEAR));
    renewed(&late, &second, after(noon(), 5 * YEAR));
    let report = verify(&late, &id, &all, ten_years_on);
    expect("renewed too late", &report, Check::NotAfter, Outcome::Holds, "no renewal here covers it");
}

#[test]
fn a_stolen_key_takes_nothing_that_was_renewed_before() {
    let drill = Drill::new();
    let (first, second) = (Forge::new(), Forge::new());
    let id = drill.record(noon());
    date(&drill, &first, after(noon(), 60));
    // The key is stolen two years later; the issuer says so. Whoever has it writes any time.
    let list = first.revoke(after(noon(), 2 * YEAR), Some(Reason::KeyCompromise));
    let mut trusted = trusting(&[&first, &second]);
    trusted.add_file(&list).unwrap();
    let now = after(noon(), 3 * YEAR);
    expect("stolen", &verify(&drill, &id, &trusted, now), Check::NotAfter, Outcome::NotShown, "its key is compromised");

    // A renewal of the year before had the token: it was not made with a stolen key.
    drill.record(after(noon(), YEAR));
    renewed(&drill, &second, after(noon(), YEAR));
    let report = verify(&drill, &id, &trusted, now);
    expect("stolen, renewed before", &report, Check::NotAfter, Outcome::Holds, "2026-11-23T12:01:01Z");
    // Without the second authority's root there is nobody to say so.
    let mut alone = trusting(&[&first]);
    alone.add_file(&list).unwrap();
    let report = verify(&drill, &id, &alone, now);
    expect("nobody else", &report, Check::NotAfter, Outcome::NotShown, "a renewal's timestamp in");

    // A token that the thief dates back lies beside a checkpoint that was renewed, and the renewal has no leaf of it.
    let drill = Drill::new();
    let id = drill.record(noon());
    drill.record(after(noon(), YEAR));
    renewed(&drill, &second, after(noon(), YEAR));
    drill.place(|checkpoint| first.over(checkpoint, after(noon(), 60), super::forge::Hashing::Sha256));
    let report = verify(&drill, &id, &trusted, now);
    let not_after = found(&report, Check::NotAfter);
    assert!(not_after.outcome == Outcome::Holds && not_after.found.starts_with("2027-11-23"), "{not_after:?}");
}

#[test]
fn the_text_and_its_leaves_are_what_sha512sum_says() {
    let drill = Drill::new();
    let forge = Forge::new();
    let id = drill.record(noon());
    date(&drill, &forge, after(noon(), 60));
    drill.record(after(noon(), DAY));
    let made = renewed(&drill, &forge, after(noon(), 2 * DAY));
    let folder = drill.places.archive.join(format!("anchors/{}", made.size));
    let text = std::fs::read(folder.join("renewal")).unwrap();
    assert_eq!(LongHash::of(&text), made.long_hash);
    let renewal = Renewal::parse(&text).unwrap();
    let leaves = std::fs::read(folder.join("renewal-leaves")).unwrap();
    assert_eq!(u64::try_from(leaves.len()).unwrap(), 64 * renewal.leaf_count);

    // The leaf of a record, made again from the page of the format and the bytes, with another program where there is one.
    let archive = drill.places.open_archive().unwrap();
    let statement = archive.statement(id.index, made.size).unwrap();
    let record = affiant::evidence::statement::Statement::decode(&statement).unwrap().claim.record;
    let record = archive.packs().read(record).unwrap();
    let leaf = format!("entry {}\nstatement {}\nrecord {}\n", id.index, sha512(&statement), sha512(&record));
    let leaf = sha512(&[&[0], leaf.as_bytes()].concat());
    let place = usize::try_from(id.index).unwrap() * 64;
    assert_eq!(leaf, data_encoding::HEXLOWER.encode(&leaves[place..place + 64]));

    // Twice at one size is once too often; where the log has grown it is not.
    let urls = ["http://renewer.example/".to_owned()];
    let again = renew(&archive, &urls, &trusting(&[&forge]), &asker(&forge, noon()), &Silent);
    assert!(again.unwrap_err().to_string().contains("renewed already"));
    // Each changed byte of a record's bytes, in another tree: the renewal says that they are others.
    let covered = affiant::evidence::renewal::EntryLeaf {
        index: id.index,
        statement: LongHash::of(&statement),
        record: Some(LongHash::of(&record)),
        blobs: BTreeMap::new(),
    };
    assert_eq!(data_encoding::HEXLOWER.encode(covered.hash().as_bytes()), leaf);
    let other = affiant::evidence::renewal::EntryLeaf { record: Some(LongHash::of(b"other")), ..covered };
    assert_ne!(data_encoding::HEXLOWER.encode(other.hash().as_bytes()), leaf);
    assert_ne!(Hash::of(&record), Hash::of(b"other"));
}

fn sha512(bytes: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    if !crate::interop::has("sha512sum") {
        return LongHash::of(bytes).to_string();
    }
    let mut child = Command::new("sha512sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..128].to_owned()
}
