//! Keys that change: what verifies before and after, and the thief who has an old one.
//!
//! The drill prints what the verifier said.

use std::fs;
use std::path::{Path, PathBuf};

use affiant::archivist::append::{AppendError, Appender};
use affiant::archivist::audit::{Known, audit};
use affiant::archivist::bundle::{BundleOrder, bundle};
use affiant::archivist::init::{Naming, Opened, open_or_create};
use affiant::archivist::keys::{ChangeError, KeyAuthority, KeyOrder, Overlap, Which, change};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::archivist::verify::{LaterError, LaterLog, verify_bundle, verify_folder};
use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::evidence::record::{Body, Change, Document, KeyAct, NamedKey, Record, Vantage};
use affiant::evidence::statement::{Claim, Statement};
use affiant::evidence::verify::{Check, Report, Trust, Verdict};
use affiant::log::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use affiant::log::policy::Policy;
use affiant::outside::archive::Archive;
use affiant::outside::archive::durable::Existing;
use affiant::outside::archive::lock::Lock;
use affiant::outside::archive::spool::Spooled;
use affiant::outside::archive::writer::Writer;
use affiant::outside::keys::{Keyring, Role, SecretKeys};

use crate::crash::copy;
use crate::forgery::unzip;

const SECOND: u64 = 1_795_305_600;

fn now() -> Time {
    Time::from_seconds(SECOND).unwrap()
}

/// An archive with its keys, in a folder of their own.
pub(crate) struct House {
    folder: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        drop(house.open());
        house
    }

    /// Whoever copied archive and keyring.
    fn stolen(&self) -> Self {
        let other = Self { folder: tempfile::tempdir().unwrap() };
        copy(self.folder.path(), other.folder.path());
        other
    }

    pub(crate) fn places(&self) -> Places {
        Places { archive: self.folder.path().join("archive"), keys: self.folder.path().join("keys") }
    }

    pub(crate) fn keyring(&self) -> Keyring {
        self.places().keyring()
    }

    fn open(&self) -> Opened {
        let naming = Naming { origin: Some(Origin::new("keys.example/log").unwrap()), ..Naming::default() };
        open_or_create(&self.places(), &naming, None, now(), &Silent).unwrap()
    }

    /// Appends a record, and returns its index.
    pub(crate) fn add(&self, url: &str) -> u64 {
        let mut opened = self.open();
        let appended = opened.appender.append(document(url), now()).unwrap();
        opened.appender.publish(now()).unwrap();
        appended.record.index
    }

    pub(crate) fn change(&self, order: &KeyOrder) -> Result<u64, ChangeError> {
        self.change_by(order, &KeyAuthority::default())
    }

    pub(crate) fn change_by(&self, order: &KeyOrder, authority: &KeyAuthority) -> Result<u64, ChangeError> {
        Ok(change(&self.places(), order, authority, None, (now(), &Silent))?.record.record.index)
    }

    pub(crate) fn rotate(&self, which: Which) -> u64 {
        self.change(&KeyOrder::Rotate { which, overlap: Overlap::UntilRetired }).unwrap()
    }

    pub(crate) fn bundle(&self, index: u64) -> PathBuf {
        let archive = self.archive();
        let keys = self.secrets();
        let id = Log::published(&archive).unwrap().0.entry(index).unwrap().id;
        let size = Log::published(&archive).unwrap().0.size();
        let target = self.folder.path().join(format!("{index}-{size}.zip"));
        let order = BundleOrder {
            ids: vec![id],
            target,
            endorsements: self.keyring().endorsements().unwrap(),
            existing: Existing::Keep,
            withholding: None,
            custody: affiant::archivist::bundle::CustodyNotes::Leave,
        };
        bundle(&archive, &keys, &order, &Silent).unwrap().path
    }

    pub(crate) fn secrets(&self) -> SecretKeys {
        let origin = Origin::new(&self.archive().settings().origin).unwrap();
        self.keyring().secrets(&origin, None).unwrap()
    }

    pub(crate) fn archive(&self) -> Archive {
        Archive::open(&self.places().archive).unwrap()
    }

    pub(crate) fn policy(&self) -> Policy {
        self.keyring().policy().unwrap().unwrap()
    }

    fn assert_clean(&self) {
        let report = audit(&self.archive(), &Known::of(&self.keyring()).unwrap(), &Silent);
        assert!(report.is_clean(), "{:#?} {:#?}", report.damage, report.notes);
    }

    fn recovery(&self) -> KeyAuthority {
        KeyAuthority {
            recovery: Some(self.places().keys.join("recovery.key")),
            reason: Some("stolen".to_owned()),
            agent_key: None,
        }
    }
}

fn document(url: &str) -> Body {
    Body::Document(Document {
        entity: None,
        title: None,
        document_type: None,
        url: url.to_owned(),
        vantage: Vantage { fetcher: "file".to_owned(), ..Vantage::default() },
        amends: None,
    })
}

fn verified(path: &Path, policy: &Policy) -> Report {
    verify_bundle(path, Some(policy), now()).unwrap().remove(0)
}

/// Verifies by what another archive holds of the log later.
fn verified_later(path: &Path, policy: &Policy, later: &House) -> Report {
    let trust = Trust { policy: Some(policy), ..Trust::default() };
    let later = LaterLog::open(&later.places().archive).unwrap();
    later.with(trust, |trust| verify_bundle(path, trust, now()).unwrap().remove(0)).unwrap()
}

/// Prints what the verifier said of a check, and returns it.
fn said(case: &str, report: &Report, check: Check) -> String {
    let finding = report.findings.iter().find(|finding| finding.check == check).unwrap();
    let said = format!(
        "{} {}: expected {}, found {}",
        check.as_str(),
        finding.outcome.as_str(),
        finding.expected,
        finding.found
    );
    eprintln!("{case}\n  {}\n  {said}\n  relies on {}", report.verdict, finding.relies_on);
    format!("{said}; relies on {}", finding.relies_on)
}

#[test]
fn old_bundles_keep_verifying_and_new_ones_verify_for_readers_of_the_old_key() {
    let house = House::new();
    let before = house.bundle(house.add("https://example.com/1"));
    let old_policy = house.policy();
    house.rotate(Which::Statement);
    let statement_changed = house.bundle(house.add("https://example.com/2"));
    let first = house.rotate(Which::Log);
    let both = house.bundle(house.add("https://example.com/3"));
    house.assert_clean();
    house.change(&KeyOrder::Retire).unwrap();
    let new_alone = house.bundle(house.add("https://example.com/4"));
    house.assert_clean();
    for (case, path) in [
        ("made before", &before),
        ("after the statement key changed", &statement_changed),
        ("while both log keys sign", &both),
        ("after the old log key was retired", &new_alone),
    ] {
        for (whose, policy) in [("the old", &old_policy), ("the new", &house.policy())] {
            let report = verified(path, policy);
            let case = format!("{case}, by {whose} policy");
            let said = said(&case, &report, Check::Checkpoint);
            assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "{case}: {:#?}", report.findings);
            let is_handed = case.starts_with("after the old log key") && whose == "the old";
            assert_eq!(said.contains("handed over to"), is_handed, "{case}: {said}");
            assert!(!is_handed || said.contains(&format!("in entry {first}")), "{said}");
            assert_eq!(verified_later(path, policy, &house).verdict, Verdict::VerifiedWithGaps, "{case}, later");
        }
    }
    // The new key alone says nothing of a checkpoint from before it; the log's own word of its past does.
    let new_key = house.keyring().public().unwrap().checkpoint;
    let new_policy = Policy::trusting(new_key).unwrap();
    assert_eq!(verified(&before, &new_policy).verdict, Verdict::CannotTell);
    assert_eq!(verified_later(&before, &new_policy, &house).verdict, Verdict::VerifiedWithGaps);
}

#[test]
fn another_recovery_key_takes_over_and_the_one_before_it_counts_no_more() {
    let house = House::new();
    house.add("https://example.com/1");
    let offline = house.folder.path().join("offline.key");
    let lost = house.folder.path().join("lost.key");
    fs::rename(house.places().keys.join("recovery.key"), &offline).unwrap();
    fs::copy(&offline, &lost).unwrap();
    let by = |path: &Path| KeyAuthority { recovery: Some(path.to_owned()), ..KeyAuthority::default() };
    let order = KeyOrder::Rotate { which: Which::Recovery, overlap: Overlap::None };
    assert!(matches!(house.change(&order), Err(ChangeError::NoRecoveryKey)));
    let stranger = House::new();
    assert!(house.change_by(&order, &by(&stranger.places().keys.join("recovery.key"))).is_err(), "a stranger's");
    house.assert_clean();
    let before = house.keyring().public().unwrap().recovery;
    let at = house.change_by(&order, &by(&offline)).unwrap();
    let after = house.keyring().public().unwrap().recovery;
    assert!(before != after && !house.places().keys.join("recovery.next.key").exists());
    assert!(house.places().keys.join("recovery.key").exists());
    // Whoever finds a copy of the old one can do nothing with it; the new one speaks.
    let rotate = KeyOrder::Rotate { which: Which::All, overlap: Overlap::None };
    assert!(house.change_by(&rotate, &by(&lost)).is_err() && house.change_by(&order, &by(&lost)).is_err());
    house.change_by(&rotate, &by(&house.places().keys.join("recovery.key"))).unwrap();
    let path = house.bundle(house.add("https://example.com/2"));
    let report = verified(&path, &house.policy());
    assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "{:#?}", report.findings);
    house.assert_clean();
    assert!(at > 1);
}

#[test]
fn a_thief_with_the_old_keys_is_caught() {
    let house = House::new();
    house.add("https://example.com/1");
    let thief = house.stolen();
    house.rotate(Which::All);
    house.add("https://example.com/2");
    house.change(&KeyOrder::Retire).unwrap();
    // The thief goes on from the copy, as if nothing had happened.
    for number in 0..8 {
        thief.add(&format!("https://thief.example/{number}"));
    }
    let forged = thief.bundle(3);
    let (old_policy, policy) = (thief.policy(), house.policy());
    let report = verified(&forged, &old_policy);
    said("stolen old keys, by a reader who knows no more", &report, Check::Checkpoint);
    assert_eq!(report.verdict, Verdict::VerifiedWithGaps, "a bundle cannot know what came after its checkpoint");

    let report = verified_later(&forged, &policy, &house);
    let found = said("stolen old keys, by a reader who has the log", &report, Check::Checkpoint);
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(found.contains("the key records, up to entry"), "{found}");

    for key in thief.keyring().public().unwrap().checkpoint {
        house.change_by(&KeyOrder::Distrust { key: key.fingerprint(), from: 2 }, &house.recovery()).unwrap();
        assert!(!house.policy().logs().iter().any(|log| log.key == key));
    }
    let report = verified(&forged, &house.policy());
    said("stolen old log key, by a reader whose policy has lost it", &report, Check::Checkpoint);
    assert_eq!(report.verdict, Verdict::CannotTell);
    house.assert_clean();
}

#[test]
fn an_entry_by_the_old_statement_key_is_no_entry_of_the_archive() {
    let house = House::new();
    house.add("https://example.com/1");
    let insider = house.stolen();
    house.rotate(Which::Statement);
    // The insider has the old statement key, and the log's keys with it, which did not change: the log is whole, but for
    // the key under the statement.
    let forged = forge(&house, &insider.secrets());
    let report = verified(&house.bundle(forged), &house.policy());
    let found = said("an entry signed by the retired statement key", &report, Check::Signature);
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(found.contains("a key that was retired in entry 2"), "{found}");
    let report = audit(&house.archive(), &Known::of(&house.keyring()).unwrap(), &Silent);
    assert!(report.damage.iter().any(|damage| damage.found.contains("was retired in entry 2")), "{:#?}", report.damage);
}

/// Appends a record by whatever keys, as no program of ours does, and returns its index.
fn forge(house: &House, keys: &SecretKeys) -> u64 {
    let archive = house.archive();
    let (log, head) = Log::published(&archive).unwrap();
    let index = log.size();
    let record = Record {
        index,
        body: document("https://insider.example/"),
        key_record: Some(2),
        ..log.entry(index - 1).unwrap().record
    };
    let bytes = record.encode();
    let claim = Claim {
        issuer: record.origin.clone(),
        subject: record.id(&archive.settings().prefix).to_string(),
        issued_at: record.made,
        record: Hash::of(&bytes),
    };
    let lock = Lock::take(archive.folder(), now()).unwrap();
    let mut writer = Writer::open(&archive, lock, index, None).unwrap();
    writer.keep(&Spooled::from_bytes(bytes)).unwrap();
    writer.append(Statement::sign(claim, &keys.statement).unwrap().as_bytes());
    writer.commit().unwrap();
    let origin = head.checkpoint().origin.clone();
    let checkpoint = Checkpoint { origin, size: writer.size(), root: writer.root() };
    writer.publish(&SignedCheckpoint::sign(&checkpoint, now(), &keys.checkpoint).unwrap().encode()).unwrap();
    writer.settle().unwrap();
    index
}

#[test]
fn records_from_a_distrust_on_do_not_verify() {
    let house = House::new();
    let good = house.bundle(house.add("https://example.com/1"));
    let bad = house.bundle(house.add("https://example.com/2"));
    assert_eq!(verified(&bad, &house.policy()).verdict, Verdict::VerifiedWithGaps, "nobody knows yet");
    let by = house.change_by(&KeyOrder::Distrust { key: "archive".to_owned(), from: 2 }, &house.recovery()).unwrap();
    let report = verified_later(&bad, &house.policy(), &house);
    let found = said("a record of the time in which the key was stolen", &report, Check::Signature);
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(found.contains(&format!("a key that is distrusted from entry 2 on, says entry {by}")), "{found}");
    assert_eq!(verified_later(&good, &house.policy(), &house).verdict, Verdict::VerifiedWithGaps);
    // A bundle that is made now says so itself.
    let again = house.bundle(2);
    let report = verified(&again, &house.policy());
    said("the same, bundled again", &report, Check::Signature);
    assert_eq!(report.verdict, Verdict::Failed);
    assert_eq!(verified(&house.bundle(1), &house.policy()).verdict, Verdict::VerifiedWithGaps);
    // It is as it was promised: no damage, and said all the same.
    let audited = audit(&house.archive(), &Known::of(&house.keyring()).unwrap(), &Silent);
    assert!(audited.is_clean(), "{:#?}", audited.damage);
    assert!(audited.notes.iter().any(|note| note.contains("distrusted from entry 2 on")), "{:#?}", audited.notes);
    let next = house.bundle(house.add("https://example.com/3"));
    assert_eq!(verified(&next, &house.policy()).verdict, Verdict::VerifiedWithGaps);
}

#[test]
fn the_recovery_key_speaks_where_the_others_are_lost() {
    let house = House::new();
    let before = house.bundle(house.add("https://example.com/1"));
    let old_policy = house.policy();
    let keys = house.places().keys;
    for name in ["archive.key", "log.key", "log-ml-dsa-44.key"] {
        fs::remove_file(keys.join(name)).unwrap();
    }
    let without = house.change(&KeyOrder::Rotate { which: Which::All, overlap: Overlap::None });
    assert!(matches!(without, Err(ChangeError::Append(AppendError::Keys(_)))), "{without:?}");
    let order = KeyOrder::Rotate { which: Which::All, overlap: Overlap::None };
    let at = house.change_by(&order, &house.recovery()).unwrap();
    let after = house.bundle(house.add("https://example.com/2"));
    house.assert_clean();
    assert_eq!(verified(&after, &house.policy()).verdict, Verdict::VerifiedWithGaps);
    assert_eq!(
        verified(&before, &house.policy()).verdict,
        Verdict::VerifiedWithGaps,
        "the old key was lost, not stolen"
    );
    // Nobody whom the reader knows has handed over: entry 0 names the recovery key, and may be anybody's entry 0.
    let report = verified(&after, &old_policy);
    said("after the recovery, by a reader of the lost key", &report, Check::Checkpoint);
    assert_eq!(report.verdict, Verdict::CannotTell);
    assert_eq!(at, 2);
    // Another key than the one that entry 0 commits to has no part in it.
    let other = House::new();
    let stranger = KeyAuthority { recovery: other.recovery().recovery, ..KeyAuthority::default() };
    fs::remove_file(keys.join("archive.key")).unwrap();
    let refused = house.change_by(&order, &stranger);
    assert!(matches!(refused, Err(ChangeError::OtherRecoveryKey { .. })), "{refused:?}");
}

#[test]
fn a_change_that_was_cut_short_is_taken_up() {
    let house = House::new();
    house.add("https://example.com/1");
    // Cut short before the record: the new key has signed nothing, and the next change takes it up.
    let made = house.keyring().make_next(Role::Statement, None).unwrap();
    house.add("https://example.com/2");
    assert!(house.places().keys.join("archive.next.key").exists());
    house.rotate(Which::Statement);
    assert_eq!(house.keyring().public().unwrap().statement.as_bytes(), made.as_bytes());
    // Cut short behind the record, before the files have their names.
    let (keyring, archive) = (house.keyring(), house.archive());
    let origin = Origin::new("keys.example/log").unwrap();
    let old = NamedKey::of_statement(&keyring.public().unwrap().statement);
    let statement = keyring.make_next(Role::Statement, None).unwrap();
    let log = [Role::Log, Role::LogPostQuantum].map(|role| keyring.make_next(role, None).unwrap());
    let pool = keyring.pool(&origin, None).unwrap();
    let mut appender = Appender::open_with(&archive, &keyring, pool, now(), &Silent).unwrap();
    let mut changes =
        vec![Change { act: KeyAct::Add, key: NamedKey { public: statement.as_bytes().to_vec(), ..old.clone() } }];
    changes.push(Change { act: KeyAct::Retire, key: old });
    changes.extend(log.iter().map(|key| Change { act: KeyAct::Add, key: NamedKey::of_checkpoint(key) }));
    appender.change_keys(changes, None, keyring.pool(&origin, None).unwrap(), now()).unwrap();
    appender.publish(now()).unwrap();
    drop(appender);
    assert!(house.places().keys.join("log.next.key").exists());
    // Readers and makers of bundles find the right keys as they lie.
    assert_eq!(verified(&house.bundle(1), &house.policy()).verdict, Verdict::VerifiedWithGaps);
    house.add("https://example.com/3");
    for (name, is_there) in [
        ("archive.next.key", false),
        ("log.next.key", false),
        ("log.former.key", true),
        ("log-ml-dsa-44.former.key", true),
        ("archive.former.key", false),
    ] {
        assert_eq!(house.places().keys.join(name).exists(), is_there, "{name}");
    }
    assert_eq!(house.keyring().public().unwrap().statement.as_bytes(), statement.as_bytes());
    assert_eq!(house.policy().logs().len(), 4);
    house.assert_clean();
    house.change(&KeyOrder::Retire).unwrap();
    assert!(!house.places().keys.join("log.former.key").exists());
    house.add("https://example.com/4");
    house.assert_clean();
}

#[test]
fn what_is_called_later_is_verified_first() {
    let (house, stranger) = (House::new(), House::new());
    let bundle = house.bundle(house.add("https://example.com/1"));
    let policy = house.policy();
    let trust = Trust { policy: Some(&policy), ..Trust::default() };
    let later = LaterLog::open(&stranger.places().archive).unwrap();
    let refused = later.with(trust, |_| ());
    assert!(matches!(refused, Err(LaterError::NotTrusted { .. })), "{refused:?}");
    // A copy that is shorter than the evidence is not later than it.
    let copied = house.stolen();
    let newer = house.bundle(house.add("https://example.com/2"));
    let report = verified_later(&newer, &policy, &copied);
    assert_eq!(report.verdict, Verdict::VerifiedWithGaps);
    assert!(said("a log that is not later", &report, Check::Checkpoint).contains("a later state of"));
    // A newer bundle says which keys count.
    house.change_by(&KeyOrder::Distrust { key: "archive".to_owned(), from: 1 }, &house.recovery()).unwrap();
    let newest = house.bundle(0);
    let later = LaterLog::open(&newest).unwrap();
    let report = later.with(trust, |trust| verify_bundle(&bundle, trust, now()).unwrap().remove(0)).unwrap();
    said("judged by a newer bundle", &report, Check::Signature);
    assert_eq!(report.verdict, Verdict::Failed);
}

#[test]
fn nothing_counts_that_was_left_out_of_a_bundle() {
    let house = House::new();
    house.add("https://example.com/1");
    house.rotate(Which::Statement);
    let index = house.add("https://example.com/2");
    let mut files = unzip(&house.bundle(index));
    let before = files.len();
    files.retain(|name, _| !name.contains("-k-"));
    assert!(files.len() < before);
    let report = verify_folder("cut", files, Some(&house.policy()), now()).remove(0);
    let found = said("a bundle without its key record", &report, Check::Signature);
    assert!(report.verdict > Verdict::VerifiedWithGaps);
    assert!(found.contains("entry 2"), "{found}");
}
