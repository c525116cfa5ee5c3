//! The drill: an archivist who lies about time, and authorities that are wrong, each caught by the finding that should.
//!
//! Each test prints what the verifier said.

use std::cell::Cell;

use affiant::archivist::init::{Naming, open_or_create};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::timestamp::{catch_up, state};
use affiant::archivist::verify::verify_record;
use affiant::base::id::Id;
use affiant::base::time::Time;
use affiant::evidence::anchor;
use affiant::evidence::record::{Body, Document, Vantage};
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Check, Finding, Report, Trust, Verdict};
use affiant::log::checkpoint::SignedCheckpoint;
use affiant::log::key::Ed25519SecretKey;
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey};
use affiant::timestamp::authorities::Authorities;

use super::forge::{Forge, Hashing, Purpose, Simulated};

pub(crate) const DAY: u64 = 86_400;
pub(crate) const HOUR: u64 = 3600;

/// The noon at which every drill begins.
pub(crate) fn noon() -> Time {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub(crate) fn after(time: Time, seconds: u64) -> Time {
    Time::from_seconds(time.seconds() + seconds).unwrap()
}

pub(crate) fn before(time: Time, seconds: u64) -> Time {
    Time::from_seconds(time.seconds() - seconds).unwrap()
}

/// An archive with nothing but entry 0, in a folder of its own.
pub(crate) struct Drill {
    _folder: tempfile::TempDir,
    pub(crate) places: Places,
}

impl Drill {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = Places { archive: folder.path().join("archive"), keys: folder.path().join("keys") };
        open_or_create(&places, &Naming::default(), None, noon(), &Silent).unwrap();
        Self { _folder: folder, places }
    }

    /// Appends a record that says that it was made at a time, and publishes it.
    pub(crate) fn record(&self, made: Time) -> Id {
        let open = || open_or_create(&self.places, &Naming::default(), None, made, &Silent);
        // A program that another test starts at this moment holds the lock until it is what it is to be.
        let mut opened = std::iter::repeat_with(open).find_map(Result::ok).unwrap();
        let url = format!("https://example.com/{}", opened.appender.size());
        let vantage = Vantage { fetcher: "http".to_owned(), ..Vantage::default() };
        let document = Document { entity: None, title: None, document_type: None, url, vantage, amends: None };
        let appended = opened.appender.append(Body::Document(document), made).unwrap();
        opened.appender.publish(made).unwrap();
        appended.id
    }

    /// Puts a reply over the newest checkpoint into the archive, as somebody does who writes files.
    pub(crate) fn place(&self, reply: impl Fn(&[u8]) -> Vec<u8>) {
        let archive = self.places.open_archive().unwrap();
        let checkpoint = archive.checkpoint().unwrap().unwrap();
        let size = SignedCheckpoint::parse(&checkpoint).unwrap().checkpoint().size;
        let dated = archive.anchors().keep_checkpoint(size, &checkpoint).unwrap();
        let reply = reply(&dated);
        archive.anchors().keep_reply(size, &anchor::stem("forge", &reply), b"", &reply).unwrap();
    }

    pub(crate) fn verify(&self, id: &Id, trusted: &Authorities) -> Report {
        let archive = self.places.open_archive().unwrap();
        let policy = self.places.keyring().policy().unwrap();
        let trust = Trust { policy: policy.as_ref(), authorities: Some(trusted), ..Trust::default() };
        verify_record(&archive, id, trust, after(noon(), 30 * DAY)).unwrap()
    }
}

pub(crate) fn trusting(forge: &Forge) -> Authorities {
    let mut authorities = Authorities::nobody();
    authorities.add_file(forge.root()).unwrap();
    authorities
}

pub(crate) fn found(report: &Report, check: Check) -> &Finding {
    report.findings.iter().find(|finding| finding.check == check).unwrap()
}

/// Expects one check to come to something with a word in it, and prints what was said.
pub(crate) fn expect(case: &str, report: &Report, check: Check, outcome: Outcome, word: &str) {
    let finding = found(report, check);
    eprintln!(
        "{case}: {} — {} {}: expected {}; found {}",
        report.verdict,
        finding.check.as_str(),
        finding.outcome.as_str(),
        finding.expected,
        finding.found
    );
    assert_eq!(finding.outcome, outcome, "{case}: {finding:?}");
    let said = format!("{} {} {}", finding.expected, finding.found, finding.relies_on);
    assert!(said.contains(word), "{case}: {word}: {said}");
    let expected = if outcome == Outcome::Fails { Verdict::Failed } else { Verdict::VerifiedWithGaps };
    assert_eq!(report.verdict, expected, "{case}");
}

#[test]
fn a_good_token_shows_both_ends() {
    let (drill, forge) = (Drill::new(), Forge::new());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let id = drill.record(after(noon(), HOUR));
    drill.place(|checkpoint| forge.over(checkpoint, after(noon(), 2 * HOUR), Hashing::Sha256));
    let report = drill.verify(&id, &trusting(&forge));
    expect("not before", &report, Check::NotBefore, Outcome::Holds, "`Forge authority`, under your root `Forge root`");
    expect("not after", &report, Check::NotAfter, Outcome::Holds, "2026-11-23T14:00:01Z");
    // A second of accuracy widens the interval at both ends.
    assert_eq!(report.interval.width_seconds(), Some(2 * HOUR + 2));
}

#[test]
fn a_clock_that_was_set_back_is_seen() {
    let (drill, forge) = (Drill::new(), Forge::new());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let id = drill.record(before(noon(), 30 * DAY));
    let report = drill.verify(&id, &trusting(&forge));
    expect("backdated", &report, Check::NotBefore, Outcome::Fails, "by the archive's own clock");
    // Within the skew that honest clocks have, nothing is said against it.
    let (drill, forge) = (Drill::new(), Forge::new());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let id = drill.record(before(noon(), 200));
    expect(
        "200 s off",
        &drill.verify(&id, &trusting(&forge)),
        Check::NotBefore,
        Outcome::Holds,
        "2026-11-23T11:59:59Z",
    );
}

#[test]
fn a_clock_that_was_set_forward_is_seen() {
    let (drill, forge) = (Drill::new(), Forge::new());
    let id = drill.record(after(noon(), 10 * DAY));
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let report = drill.verify(&id, &trusting(&forge));
    expect("postdated", &report, Check::NotAfter, Outcome::Fails, "by the archive's own clock");
}

#[test]
fn an_old_token_cannot_be_named_as_if_it_were_new() {
    // A record cannot name a token that was made after it: whoever backdates a token to cover a record contradicts
    // the one that the record names.
    let (drill, forge) = (Drill::new(), Forge::new());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let id = drill.record(after(noon(), 60));
    drill.place(|checkpoint| forge.over(checkpoint, before(noon(), DAY), Hashing::Sha256));
    let report = drill.verify(&id, &trusting(&forge));
    expect("token of yesterday", &report, Check::NotBefore, Outcome::Fails, "already");
}

#[test]
fn a_token_over_another_checkpoint_dates_nothing() {
    let (drill, forge) = (Drill::new(), Forge::new());
    let id = drill.record(noon());
    drill.place(|_| forge.over(b"another checkpoint", noon(), Hashing::Sha256));
    let report = drill.verify(&id, &trusting(&forge));
    expect("wrong imprint", &report, Check::NotAfter, Outcome::Fails, "is over");
    // A token that was given for an earlier checkpoint, put beside a later one.
    let drill = Drill::new();
    let earlier = drill.places.open_archive().unwrap().checkpoint().unwrap().unwrap();
    let id = drill.record(noon());
    drill.place(|_| forge.over(&earlier, noon(), Hashing::Sha256));
    expect("replayed", &drill.verify(&id, &trusting(&forge)), Check::NotAfter, Outcome::Fails, "is over");
}

#[test]
fn a_chain_is_judged_at_the_tokens_own_time() {
    let cases = [
        ("ended before", (2020, 2040), (2020, 2022), "ended at 2022-01-01T00:00:00Z"),
        ("began later", (2020, 2040), (2030, 2040), "began at 2030-01-01T00:00:00Z"),
        ("from before the root's life", (2030, 2040), (2020, 2040), "`Forge root` began at 2030"),
        ("after the root's life", (2020, 2022), (2020, 2040), "`Forge root` ended at 2022"),
    ];
    for (case, root_years, years, word) in cases {
        let (drill, forge) = (Drill::new(), Forge::with(root_years, years, Purpose::TimeStamping));
        let id = drill.record(noon());
        drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
        expect(case, &drill.verify(&id, &trusting(&forge)), Check::NotAfter, Outcome::Fails, word);
    }
    // A certificate that has ended since is good for what it signed before: the reader's clock says 2026-12-23.
    let (drill, forge) = (Drill::new(), Forge::with((2020, 2040), (2020, 2027), Purpose::TimeStamping));
    let id = drill.record(noon());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let archive = drill.places.open_archive().unwrap();
    let (policy, trusted) = (drill.places.keyring().policy().unwrap(), trusting(&forge));
    let trust = Trust { policy: policy.as_ref(), authorities: Some(&trusted), ..Trust::default() };
    let report = verify_record(&archive, &id, trust, "2031-01-01T00:00:00Z".parse().unwrap()).unwrap();
    expect("years later", &report, Check::NotAfter, Outcome::Holds, "2026-11-23T12:00:01Z");
}

#[test]
fn a_certificate_for_something_else_signs_no_time() {
    let cases = [
        (Purpose::None, "no extended key usage"),
        (Purpose::Another, "for something else"),
        (Purpose::WithAnother, "for other things too"),
        (Purpose::NotCritical, "not critical"),
    ];
    for (purpose, word) in cases {
        let (drill, forge) = (Drill::new(), Forge::with((2020, 2040), (2020, 2040), purpose));
        let id = drill.record(noon());
        drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
        expect(&format!("{purpose:?}"), &drill.verify(&id, &trusting(&forge)), Check::NotAfter, Outcome::Fails, word);
    }
}

#[test]
fn what_is_broken_or_unknown_shows_nothing() {
    for (hashing, word) in [(Hashing::Sha1Imprint, "SHA-1 is broken"), (Hashing::Sha1Signature, "SHA-1")] {
        let (drill, forge) = (Drill::new(), Forge::new());
        let id = drill.record(noon());
        drill.place(|checkpoint| forge.over(checkpoint, noon(), hashing));
        expect(
            &format!("{hashing:?}"),
            &drill.verify(&id, &trusting(&forge)),
            Check::NotAfter,
            Outcome::NotShown,
            word,
        );
    }
    let (drill, forge, stranger) = (Drill::new(), Forge::new(), Forge::new());
    let id = drill.record(noon());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let report = drill.verify(&id, &Authorities::nobody());
    expect("nobody trusted", &report, Check::NotAfter, Outcome::NotShown, "no root that you trust");
    // A root of the same name with another key vouches for nothing.
    let report = drill.verify(&id, &trusting(&stranger));
    expect("another root of that name", &report, Check::NotAfter, Outcome::NotShown, "has another key");
}

#[test]
fn a_day_without_authorities_is_caught_up_in_one_call() {
    let (drill, forge) = (Drill::new(), Forge::new());
    let archive = drill.places.open_archive().unwrap();
    let urls = ["http://tsa.example/".to_owned()];
    let trusted = trusting(&forge);
    let simulated = |time, is_up| Simulated { forge: &forge, time, is_up, asked: Cell::new(0) };

    let up = simulated(noon(), true);
    let stamped = catch_up(&archive, &urls, &trusted, &up, noon()).unwrap();
    assert!(stamped.answers.iter().all(|answer| answer.outcome.is_ok()) && up.asked.get() == 1);
    // The authority is gone for a day; a record is made every quarter of an hour, and after each it is asked, or rests.
    let mut ids = Vec::new();
    let mut asked = 0;
    for quarter in 1..=96 {
        let now = after(noon(), quarter * 900);
        ids.push(drill.record(now));
        let down = simulated(now, false);
        catch_up(&archive, &urls, &trusted, &down, now).unwrap();
        asked += down.asked.get();
    }
    eprintln!("asked {asked} times in a day of 96 publications");
    assert!((5..=15).contains(&asked), "{asked}");
    let pending = state(&archive, &urls).unwrap();
    assert_eq!((pending.anchored, pending.pending.len(), pending.attempts.len()), (Some(1), 1, 1));

    // One call dates the newest checkpoint, and with it all of them.
    let now = after(noon(), DAY + 7 * HOUR);
    let up = simulated(now, true);
    catch_up(&archive, &urls, &trusted, &up, now).unwrap();
    assert_eq!(up.asked.get(), 1);
    let pending = state(&archive, &urls).unwrap();
    assert_eq!((pending.pending.len(), pending.attempts.len()), (0, 0));
    for (id, width) in [(&ids[0], DAY + 7 * HOUR + 2), (&ids[95], DAY + 7 * HOUR + 2)] {
        let report = drill.verify(id, &trusted);
        let text = affiant::evidence::verify::report::to_text(&report);
        eprintln!("{}", text.lines().find(|line| line.contains("not before")).unwrap());
        assert_eq!(report.interval.width_seconds(), Some(width), "the interval is as wide as the outage");
        assert_eq!(found(&report, Check::NotAfter).outcome, Outcome::Holds);
    }
    // Entry 0, 96 records, and the log's own record of the first token.
    assert_eq!(pending.anchored, Some(98));
}

#[test]
fn a_record_is_verified_when_nothing_is_left_unshown() {
    let (drill, forge) = (Drill::new(), Forge::new());
    drill.place(|checkpoint| forge.over(checkpoint, noon(), Hashing::Sha256));
    let id = drill.record(after(noon(), HOUR));
    drill.place(|checkpoint| forge.over(checkpoint, after(noon(), 2 * HOUR), Hashing::Sha256));

    // A witness sees the checkpoint, and the reader's policy asks for it.
    let name = KeyName::new("witness.example/w1").unwrap();
    let witness = SignerKey::new(name, NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[7; 32])));
    let archive = drill.places.open_archive().unwrap();
    let mut head = SignedCheckpoint::parse(&archive.checkpoint().unwrap().unwrap()).unwrap();
    let cosignature = head.cosign(&witness, after(noon(), 3 * HOUR)).unwrap();
    head.add(cosignature);
    std::fs::write(drill.places.archive.join("checkpoint"), head.encode()).unwrap();
    let policy = std::fs::read_to_string(drill.places.keys.join("policy")).unwrap();
    let policy = policy.replace("quorum none\n", "") + &format!("witness w1 {}\nquorum w1\n", witness.verifier());
    std::fs::write(drill.places.keys.join("policy"), policy).unwrap();

    let report = drill.verify(&id, &trusting(&forge));
    eprintln!("{}", affiant::evidence::verify::report::to_text(&report));
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
    assert!(report.findings.iter().all(|finding| finding.outcome == Outcome::Holds));
    // The narrowest word counts: the token's, an hour before the witness's.
    assert_eq!(report.interval.not_after.as_ref().unwrap().0, after(noon(), 2 * HOUR + 1));
    assert_eq!(drill.verify(&id, &Authorities::nobody()).verdict, Verdict::VerifiedWithGaps);
}
