//! Calendars at a time that the test says: an outage of a day, and what the intervals say of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use affiant::archivist::calendars::{Calendars, Chain, Found, Sources, Urgency, complete, standing, submit};
use affiant::archivist::verify::verify_record;
use affiant::base::hash::Hash;
use affiant::base::id::Id;
use affiant::base::time::Time;
use affiant::evidence::verify::finding::Outcome;
use affiant::evidence::verify::{Check, Report, Trust};
use affiant::outside::authority::AskError;
use affiant::outside::node::NodeError;
use affiant::timestamp::opentimestamps::blocks::Blocks;
use affiant::timestamp::opentimestamps::header::{Header, Network};

use crate::authority::drill::{DAY, Drill, HOUR, after, expect, found, noon};

const URL: &str = "http://calendar.example";

/// A calendar with a chain of its own, at a time that the test says.
struct Simulated {
    is_up: Cell<bool>,
    asked: Cell<usize>,
    waiting: RefCell<Vec<Vec<u8>>>,
    mined: RefCell<BTreeMap<Vec<u8>, u64>>,
    blocks: RefCell<Vec<Header>>,
}

impl Simulated {
    fn new() -> Self {
        let (waiting, mined, blocks) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { is_up: Cell::new(true), asked: Cell::new(0), waiting, mined, blocks }
    }

    /// Puts each commitment that waits into a block of its own, mined at a time.
    fn mine(&self, time: Time) {
        for commitment in self.waiting.take() {
            let root = Hash::of(&commitment);
            let header = |n: u32| {
                let seconds = u32::try_from(time.seconds()).unwrap();
                let front = [&[0, 0, 0, 0x20][..], &[7; 32], root.as_bytes(), &seconds.to_le_bytes()].concat();
                Header::parse(&[&front[..], &0x207f_ffff_u32.to_le_bytes(), &n.to_le_bytes()].concat()).unwrap()
            };
            let header = (0..1000).map(header).find(|header| header.check_work(Network::Regtest).is_ok()).unwrap();
            let height = u64::try_from(self.blocks.borrow().len()).unwrap();
            self.blocks.borrow_mut().push(header);
            self.mined.borrow_mut().insert(commitment, height);
        }
    }

    fn count(&self) -> Result<(), AskError> {
        self.asked.set(self.asked.get() + 1);
        if self.is_up.get() { Ok(()) } else { Err(AskError::Status { status: 503 }) }
    }

    fn known(&self) -> Blocks {
        let mut blocks = Blocks::of(Network::Regtest);
        for (height, header) in self.blocks.borrow().iter().enumerate() {
            blocks.add_header(u64::try_from(height).unwrap(), *header).unwrap();
        }
        blocks
    }
}

impl Calendars for Simulated {
    fn submit(&self, _url: &str, digest: &[u8]) -> Result<Vec<u8>, AskError> {
        self.count()?;
        self.waiting.borrow_mut().push(Hash::of(digest).as_bytes().to_vec());
        let payload = [&[u8::try_from(URL.len()).unwrap()][..], URL.as_bytes()].concat();
        let tag = b"\x08\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e";
        Ok([&tag[..], &[u8::try_from(payload.len()).unwrap()], &payload].concat())
    }

    fn fetch(&self, url: &str, commitment: &[u8]) -> Result<Option<Vec<u8>>, AskError> {
        assert_eq!(url, URL);
        self.count()?;
        let height = self.mined.borrow().get(commitment).copied();
        let block = |height: u64| {
            let height = u8::try_from(height).unwrap();
            [&b"\x08\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x01"[..], &[height]].concat()
        };
        Ok(height.map(block))
    }
}

impl Chain for Simulated {
    fn header(&self, height: u64) -> Result<Header, NodeError> {
        Ok(self.blocks.borrow()[usize::try_from(height).unwrap()])
    }
}

fn verify(drill: &Drill, id: &Id, blocks: &Blocks) -> Report {
    let archive = drill.places.open_archive().unwrap();
    let policy = drill.places.keyring().policy().unwrap();
    let trust = Trust { policy: policy.as_ref(), blocks: Some(blocks), ..Trust::default() };
    verify_record(&archive, id, trust, after(noon(), 30 * DAY)).unwrap()
}

#[test]
fn a_day_without_calendars_is_caught_up_in_one_call() {
    let (drill, calendar) = (Drill::new(), Simulated::new());
    let urls = [URL.to_owned()];
    let archive = || drill.places.open_archive().unwrap();
    let regtest = Blocks::of(Network::Regtest);
    let sources = Sources { calendars: &calendar, blocks: &regtest, chain: Some(&calendar) };
    let step = |now: Time| {
        let submitted = submit(&archive(), &urls, &calendar, Urgency::WhenDue, now).unwrap();
        let looked = complete(&archive(), &urls, sources, Urgency::WhenDue, now).unwrap();
        (submitted, looked)
    };

    // A block has the first checkpoint; the next record names its header.
    step(noon());
    calendar.mine(after(noon(), 600));
    let (_, looked) = step(after(noon(), 2 * HOUR));
    assert!(matches!(looked[0].outcome, Ok(Found::Complete { height: 0, time: Some(_), .. })), "{looked:?}");

    // The calendar is gone for a day; a record is made every quarter of an hour, and after each it is asked, or rests.
    calendar.is_up.set(false);
    let asked_before = calendar.asked.get();
    let mut ids = Vec::new();
    for quarter in 1..=96 {
        let now = after(noon(), 2 * HOUR + quarter * 900);
        ids.push(drill.record(now));
        step(now);
    }
    let asked = calendar.asked.get() - asked_before;
    eprintln!("asked {asked} times in a day of 96 publications");
    assert!((5..=15).contains(&asked), "{asked}");
    let stands = standing(&archive(), &urls).unwrap();
    assert_eq!((stands.complete, stands.pending, stands.attempts.len()), (Some(1), 0, 1));
    expect(
        "in the outage",
        &verify(&drill, &ids[0], &calendar.known()),
        Check::NotAfter,
        Outcome::NotShown,
        "no timestamp",
    );

    // It is back: one call hands in the newest checkpoint, a block has it, another call brings the rest of the path.
    calendar.is_up.set(true);
    let back = after(noon(), DAY + 9 * HOUR);
    step(back);
    expect(
        "pending",
        &verify(&drill, &ids[0], &calendar.known()),
        Check::NotAfter,
        Outcome::NotShown,
        "pending: `http",
    );
    calendar.mine(after(back, 600));
    step(after(back, 7 * HOUR));
    let stands = standing(&archive(), &urls).unwrap();
    assert_eq!((stands.pending, stands.attempts.len(), stands.without_header.len()), (0, 0, 0));
    for id in [&ids[0], &ids[95]] {
        let report = verify(&drill, id, &calendar.known());
        let text = affiant::evidence::verify::report::to_text(&report);
        eprintln!("{}", text.lines().find(|line| line.contains("not before")).unwrap());
        // From the first block, less two hours, to the second and two hours.
        assert_eq!(report.interval.width_seconds(), Some(DAY + 9 * HOUR + 2 * 2 * HOUR));
        assert_eq!(found(&report, Check::NotBefore).outcome, Outcome::Holds);
    }
    // A reader who knows no block learns no time, and is told which blocks to look up.
    let report = verify(&drill, &ids[0], &regtest);
    expect("nobody known", &report, Check::NotAfter, Outcome::NotShown, "look it up where you trust it");
    expect("nobody known", &report, Check::NotBefore, Outcome::NotShown, "block 0");
}

#[test]
fn a_calendar_is_not_asked_more_than_it_can_bear() {
    let (drill, calendar) = (Drill::new(), Simulated::new());
    let urls = [URL.to_owned()];
    for minute in 0..120 {
        let now = after(noon(), minute * 60);
        drill.record(now);
        submit(&drill.places.open_archive().unwrap(), &urls, &calendar, Urgency::WhenDue, now).unwrap();
    }
    assert_eq!(calendar.asked.get(), 2, "once an hour, however often is published");
    // By hand means now.
    let archive = drill.places.open_archive().unwrap();
    submit(&archive, &urls, &calendar, Urgency::Now, after(noon(), 7200)).unwrap();
    assert_eq!(calendar.asked.get(), 3);
    // And a checkpoint that it has is not handed in twice.
    submit(&archive, &urls, &calendar, Urgency::Now, after(noon(), 7200)).unwrap();
    assert_eq!(calendar.asked.get(), 3);
}

#[test]
fn a_path_that_leads_to_another_block_is_not_kept() {
    let (drill, calendar) = (Drill::new(), Simulated::new());
    let urls = [URL.to_owned()];
    let archive = drill.places.open_archive().unwrap();
    submit(&archive, &urls, &calendar, Urgency::Now, noon()).unwrap();
    calendar.mine(noon());
    // The node's chain has another block there.
    let lying = Simulated::new();
    lying.waiting.borrow_mut().push(b"something else".to_vec());
    lying.mine(noon());
    let regtest = Blocks::of(Network::Regtest);
    let sources = Sources { calendars: &calendar, blocks: &regtest, chain: Some(&lying) };
    let looked = complete(&archive, &urls, sources, Urgency::Now, after(noon(), HOUR)).unwrap();
    let error = looked[0].outcome.as_ref().unwrap_err().in_full();
    assert!(error.contains("does not lead to the transactions of block 0"), "{error}");
    assert_eq!(standing(&archive, &urls).unwrap().pending, 1, "what was promised is kept");
    // The header that is carried is of no use to a reader whose chain has another block: the two contradict.
    let sources = Sources { calendars: &calendar, blocks: &regtest, chain: Some(&calendar) };
    complete(&archive, &urls, sources, Urgency::Now, after(noon(), 2 * HOUR)).unwrap();
    let id = drill.record(after(noon(), 3 * HOUR));
    let genesis = Id { index: 0, letter: 'G', ..id };
    expect(
        "another chain",
        &verify(&drill, &genesis, &lying.known()),
        Check::NotAfter,
        Outcome::Fails,
        "that you know is",
    );
    expect("the same chain", &verify(&drill, &genesis, &calendar.known()), Check::NotAfter, Outcome::Holds, "block 0");
}
