//! The drill: an outage of every witness, by a simulated clock, and a witness that signs two histories.

use std::cell::{Cell, RefCell};

use affiant::archivist::witness::{Party, Submit, catch_up, state};
use affiant::base::time::Time;
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Check, Verdict, report};
use affiant::log::checkpoint::Checkpoint;
use affiant::log::key::Ed25519SecretKey;
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey, VerifierKey};
use affiant::log::witness::{AddCheckpoint, Refusal, encode_size};
use affiant::outside::caller::{Answer, CallError};
use affiant::timestamp::authorities::Authorities;

use crate::authority::drill::{DAY, Drill, HOUR, after, noon};

/// Some witnesses at a moment: each signs what has grown, or none can be reached.
struct Simulated<'s> {
    witnesses: &'s [Remembering],
    log: Vec<VerifierKey>,
    now: Time,
    is_up: bool,
    asked: Cell<usize>,
}

/// A witness with its memory.
struct Remembering {
    key: SignerKey,
    seen: RefCell<Option<Checkpoint>>,
}

impl Remembering {
    fn new(number: u8) -> Self {
        let name = KeyName::new(&format!("witness-{number}.example/w")).unwrap();
        let secret = NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[number; 32]));
        Self { key: SignerKey::new(name, secret), seen: RefCell::new(None) }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.key.name())
    }

    fn answer(&self, request: &[u8], log: &[VerifierKey], now: Time) -> Answer {
        let request = AddCheckpoint::parse(request).unwrap();
        let plain = |status, media_type: &str, body: String| Answer {
            status,
            media_type: media_type.to_owned(),
            body: body.into_bytes(),
        };
        match request.judge(log, self.seen.borrow().as_ref()) {
            Ok(()) => {}
            Err(Refusal::Conflict { size }) => return plain(409, "text/x.tlog.size", encode_size(size)),
            Err(refusal) => return plain(refusal.status(), "text/plain", refusal.to_string()),
        }
        self.seen.replace(Some(request.checkpoint.checkpoint().clone()));
        plain(200, "text/plain", request.checkpoint.cosign(&self.key, now).unwrap().line())
    }
}

impl Submit for Simulated<'_> {
    fn submit(&self, requests: Vec<(String, Vec<u8>)>) -> Vec<Result<Answer, CallError>> {
        self.asked.set(self.asked.get() + requests.len());
        let answer = |(url, request): (String, Vec<u8>)| {
            let lost = || CallError::Lost { reason: "no route".to_owned() };
            let reached = self.witnesses.iter().find(|witness| self.is_up && witness.url() == url).ok_or_else(lost)?;
            Ok(reached.answer(&request, &self.log, self.now))
        };
        requests.into_iter().map(answer).collect()
    }
}

#[test]
fn a_day_without_witnesses_is_caught_up_in_one_call() {
    let drill = Drill::new();
    let witnesses: Vec<Remembering> = (1..=3).map(Remembering::new).collect();
    let mut policy = std::fs::read_to_string(drill.places.keys.join("policy")).unwrap().replace("quorum none\n", "");
    for (number, witness) in (1..).zip(&witnesses) {
        policy.extend([format!("witness w{number} {} {}\n", witness.key.verifier(), witness.url())]);
    }
    policy += "group all 2 w1 w2 w3\nquorum all\n";
    std::fs::write(drill.places.keys.join("policy"), policy).unwrap();
    let party = |witness: &Remembering| Party { url: witness.url(), keys: vec![witness.key.verifier().clone()] };
    let parties: Vec<Party> = witnesses.iter().map(party).collect();
    let log = drill.places.keyring().public().unwrap().checkpoint;
    let simulated = |now, is_up| Simulated { witnesses: &witnesses, log: log.clone(), now, is_up, asked: Cell::new(0) };
    let archive = drill.places.open_archive().unwrap();

    let up = simulated(noon(), true);
    let witnessed = catch_up(&archive, &parties, &up, noon()).unwrap();
    assert!(witnessed.answers.iter().all(|answer| answer.outcome.is_ok()) && up.asked.get() == 3);
    // All are gone for a day; a record is made every quarter of an hour, and after each they are asked, or rest.
    let (mut ids, mut asked) = (Vec::new(), 0);
    for quarter in 1..=96 {
        let now = after(noon(), quarter * 900);
        ids.push(drill.record(now));
        let down = simulated(now, false);
        catch_up(&archive, &parties, &down, now).unwrap();
        asked += down.asked.get();
    }
    eprintln!("3 witnesses were asked {asked} times in a day of 96 publications");
    assert!((15..=45).contains(&asked), "{asked}");
    let pending = state(&archive, &parties).unwrap();
    assert_eq!((pending.cosigned, pending.pending.len(), pending.attempts.len()), (Some(1), 3, 3));
    let verdict = drill.verify(&ids[0], &Authorities::nobody());
    assert_eq!(verdict.verdict, Verdict::CannotTell, "the quorum has not seen it");

    // One call each shows them the newest checkpoint, with the proof from the one that they saw a day ago.
    let now = after(noon(), DAY + 7 * HOUR);
    let up = simulated(now, true);
    catch_up(&archive, &parties, &up, now).unwrap();
    assert_eq!(up.asked.get(), 3);
    let pending = state(&archive, &parties).unwrap();
    assert_eq!((pending.pending.len(), pending.attempts.len()), (0, 0));
    for id in [&ids[0], &ids[95]] {
        let judged = drill.verify(id, &Authorities::nobody());
        let text = report::to_text(&judged);
        eprintln!("{}", text.lines().find(|line| line.contains("not before")).unwrap());
        assert_eq!(judged.interval.width_seconds(), Some(DAY + 7 * HOUR + 1), "the interval is as wide as the outage");
        for check in [Check::Witnesses, Check::NotAfter, Check::NotBefore] {
            let found = judged.findings.iter().find(|finding| finding.check == check).unwrap();
            assert_eq!(found.outcome, Outcome::Holds, "{found:?}");
        }
    }
}

#[test]
fn a_cosignature_over_another_tree_fails_the_witnesses() {
    let drill = Drill::new();
    let witness = Remembering::new(1);
    let policy = std::fs::read_to_string(drill.places.keys.join("policy")).unwrap().replace("quorum none\n", "");
    let policy = policy + &format!("witness w1 {} {}\nquorum w1\n", witness.key.verifier(), witness.url());
    std::fs::write(drill.places.keys.join("policy"), policy).unwrap();
    let id = drill.record(after(noon(), HOUR));
    let archive = drill.places.open_archive().unwrap();
    let bytes = archive.checkpoint().unwrap().unwrap();
    let head = affiant::log::checkpoint::SignedCheckpoint::parse(&bytes).unwrap();
    let size = head.checkpoint().size;
    // The witness signed a tree that nobody else was shown, and its line is put here.
    let other = Checkpoint { root: affiant::base::hash::Hash::of(b"another tree"), ..head.checkpoint().clone() };
    let text = other.text();
    let cosigned =
        affiant::log::cosignature::Cosigned { text: &text, origin: other.origin.as_str(), size, root: other.root };
    let line = cosigned.sign(&witness.key, after(noon(), HOUR)).unwrap().line();
    archive.anchors().keep_checkpoint(size, &bytes).unwrap();
    let stem = affiant::evidence::anchor::stem("witness", line.as_bytes());
    archive.anchors().keep_cosignature(size, &stem, line.as_bytes()).unwrap();
    let judged = drill.verify(&id, &Authorities::nobody());
    eprintln!("{}", report::to_text(&judged));
    assert_eq!(judged.verdict, Verdict::Failed);
    let failed: Vec<Check> = judged
        .findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Fails)
        .map(|finding| finding.check)
        .collect();
    assert_eq!(failed.iter().filter(|check| **check != Check::Witnesses).count(), 0, "{failed:?}");
    assert!(!failed.is_empty());
}
