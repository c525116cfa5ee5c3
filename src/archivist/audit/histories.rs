//! The histories: each record in agreement with those before it.
//!
//! What can be checked of an entry by itself (`entry`) is spread over the processors, a bundle at a time; what a record
//! says of earlier ones is checked in order.
//!
//! | quantity | unit                | range                                        |
//! |----------|---------------------|----------------------------------------------|
//! | memory   | bytes per document  | some 300                                     |
//! | roots    | sizes               | [`ROOT_COUNT`]; older ones are read from tiles |

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::thread;

use super::anchors::Named;
use super::blobs::{Blobs, Held};
use super::entry::{Examined, Founding, examine};
use super::report::AuditReport;
use super::tree::Kept;
use super::withdrawn::{Places, Withdrawals};

use crate::archivist::withdraw::Holds;
use crate::base::hash::Hash;
use crate::evidence::record::{Body, Capture, Check, Document, Link, Provision, Record, Visit, Withdrawal};
use crate::evidence::statement::Statement;
use crate::log::merkle;
use crate::outside::archive::Archive;
use crate::outside::archive::members::MemberReader;

/// How many roots are remembered, for records to name: several batches.
const ROOT_COUNT: usize = 4096;

/// How many records that a lost blob belonged to are named.
const NAMED_COUNT_MAX: usize = 20;

/// The histories so far.
pub(super) struct Histories<'a> {
    archive: &'a Archive,
    blobs: &'a Blobs,
    size: u64,
    /// Records before this entry are not looked at.
    since: u64,
    founding: Founding,
    readers: Vec<MemberReader>,
    roots: VecDeque<(u64, Hash)>,
    documents: HashMap<u64, (u64, Hash)>,
    heads: HashMap<u64, Head>,
    /// Entries whose record cannot be read: what leans on them cannot be checked, and is not damaged itself.
    unread: Vec<u64>,
    withdrawals: Withdrawals,
    holds: Holds,
    lost: BTreeMap<Hash, Lost>,
    /// How many entries are signed by a key that came to be distrusted there, by what is said of the key.
    distrusted: BTreeMap<String, u64>,
    /// The tokens that records name.
    pub(super) named: Named,
}

/// The newest capture of a history.
struct Head {
    index: u64,
    sequence: u64,
    statement: Hash,
    likenesses: HashMap<&'static str, (u64, Hash)>,
}

/// A blob that is not to be had, and what it was for.
struct Lost {
    found: String,
    parts: Vec<String>,
    more: u64,
}

impl<'a> Histories<'a> {
    pub(super) fn new(
        archive: &'a Archive,
        blobs: &'a Blobs,
        size: u64,
        founding: Founding,
        withdrawals: Withdrawals,
    ) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(16);
        let readers = (0..threads).filter_map(|_| MemberReader::new(archive.packs()).ok()).collect();
        Self {
            archive,
            blobs,
            size,
            since: 0,
            founding,
            readers,
            roots: VecDeque::from([(0, merkle::empty_root())]),
            documents: HashMap::new(),
            heads: HashMap::new(),
            unread: Vec::new(),
            withdrawals,
            holds: Holds::default(),
            lost: BTreeMap::new(),
            distrusted: BTreeMap::new(),
            named: Named::default(),
        }
    }

    /// Passes over the records before an entry.
    pub(super) fn since(self, since: u64) -> Self {
        Self { since, ..self }
    }

    /// Checks a bundle's records.
    pub(super) fn take(&mut self, kept: &[Kept], report: &mut AuditReport) {
        let passed = kept.iter().take_while(|kept| kept.index < self.since).count();
        let (passed, kept) = kept.split_at(passed);
        report.entries += u64::try_from(passed.len()).unwrap_or_default();
        for kept in passed {
            self.remember_root(kept.index, kept.root);
        }
        let (founding, blobs) = (&self.founding, self.blobs);
        let share = kept.len().div_ceil(self.readers.len().max(1)).max(1);
        let examined: Vec<Examined> = thread::scope(|scope| {
            let shares = kept.chunks(share).zip(&mut self.readers);
            let examine = |(kept, reader): (&'_ [Kept], &'_ mut MemberReader)| {
                kept.iter().map(|kept| examine(kept, founding, blobs, reader)).collect::<Vec<_>>()
            };
            let threads: Vec<_> = shares.map(|share| scope.spawn(move || examine(share))).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("examining does not panic")).collect()
        });
        for entry in examined {
            self.take_one(entry, report);
        }
    }

    /// Says what blobs are lost, once every record was seen, and returns which they are.
    pub(super) fn finish(self, apart: &Blobs, report: &mut AuditReport) -> Vec<Hash> {
        self.withdrawals.finish(self.archive, self.size, &Places { packs: self.blobs, apart }, report);
        for (words, count) in &self.distrusted {
            // They are as they were promised, and whoever relies on one is told.
            report.note(format!("{count} entries bear {words}: nobody is to rely on them"));
        }
        let mut hashes = Vec::new();
        for (hash, lost) in self.lost {
            let more = if lost.more > 0 { format!(" and {} more", lost.more) } else { String::new() };
            let is_one = lost.parts.len() == 1 && lost.more == 0;
            let verb = if is_one { "is lost" } else { "are lost" };
            report.damage(format!("blob {hash}"), lost.found, format!("{}{more} {verb}", lost.parts.join(", ")));
            hashes.push(hash);
        }
        hashes
    }

    fn take_one(&mut self, examined: Examined, report: &mut AuditReport) {
        report.entries += 1;
        let Examined { index, root, entry, damage, lost_record, distrusted } = examined;
        if let Some(words) = distrusted {
            *self.distrusted.entry(words).or_default() += 1;
        }
        for damage in damage {
            report.add(damage);
        }
        match entry {
            Some((statement, record)) => self.check(statement, &record, report),
            None => self.unread.push(index),
        }
        if let Some(lost) = lost_record {
            match self.withdrawals.link(index, lost.sha256) {
                Some(link) => self.take_withdrawn(index, lost.statement, link, report),
                None => self.lose(lost.sha256, lost.part),
            }
        }
        self.remember_root(index, root);
    }

    fn remember_root(&mut self, index: u64, root: Option<Hash>) {
        self.roots.extend(root.map(|root| (index + 1, root)));
        if self.roots.len() > ROOT_COUNT {
            self.roots.pop_front();
        }
    }

    /// Takes a record that was withdrawn: its place in the chain is the withdrawal's word, and must fit.
    fn take_withdrawn(&mut self, index: u64, statement: Hash, link: Link, report: &mut AuditReport) {
        let Link::Capture { document, sequence, previous } = link else { return };
        let Some((history, _)) = self.documents.get(&document).copied() else { return };
        if let Some(found) = self.follows(history, sequence, previous) {
            let found = format!("its withdrawal says that it was {found}");
            report.damage(format!("entry {index}"), found, "the withdrawal contradicts the records before it");
        }
        let head = Head { index, sequence, statement, likenesses: HashMap::new() };
        self.heads.insert(history, head);
    }

    fn check(&mut self, statement: Hash, record: &Record, report: &mut AuditReport) {
        let index = record.index;
        let id = record.id(&self.founding.prefix).to_string();
        let is_first = matches!(record.body, Body::Genesis(_));
        if is_first != (index == 0) {
            let found = format!("a {} record at index {index}", record.body.kind());
            report.damage(&id, found, "entry 0 alone says what the archive is: this log contradicts itself");
        }
        self.check_after(&id, record, report);
        self.check_key_record(&id, record, report);
        self.named.take(&id, record);
        let wrong = match &record.body {
            Body::Withdrawal(withdrawal) => self.withdrawal(withdrawal),
            Body::Genesis(_) | Body::Hold(_) | Body::Anchor(_) | Body::Key(_) => None,
            Body::Document(document) => self.document(index, document),
            Body::Capture(capture) => self.capture(index, statement, capture),
            Body::Check(check) => self.confirms(check),
            Body::Provision(provision) => self.provision(provision),
        };
        self.holds.take(index, &record.body);
        if let Some(found) = wrong {
            report.damage(&id, found, "the record contradicts the records before it: it is not to be relied on");
        }
        for (blob, part) in record.body.visit().map(parts).unwrap_or_default() {
            if !self.withdrawals.names(index, blob) {
                self.lose(blob, format!("{part} of {id}"));
            }
        }
    }

    /// Remembers what a blob was for, unless the packs hold it.
    fn lose(&mut self, blob: Hash, part: String) {
        let found = match self.blobs.find(blob) {
            Held::Whole { .. } => return,
            Held::Damaged(found) => found.to_owned(),
            Held::Missing => "it is in no pack".to_owned(),
        };
        let lost = self.lost.entry(blob).or_insert(Lost { found, parts: Vec::new(), more: 0 });
        if lost.parts.len() < NAMED_COUNT_MAX {
            lost.parts.push(part);
        } else {
            lost.more += 1;
        }
    }

    fn check_after(&self, id: &str, record: &Record, report: &mut AuditReport) {
        let after = &record.after;
        let cost = "what it says of the log before it is not to be relied on";
        if after.size > record.index {
            return report.damage(id, format!("it names a log of {} entries before it", after.size), cost);
        }
        let remembered = self.roots.binary_search_by_key(&after.size, |(size, _)| *size).ok();
        let root = match remembered.and_then(|at| self.roots.get(at)) {
            Some((_, root)) => Some(*root),
            None => merkle::root(&self.archive.nodes(self.size), after.size).ok(),
        };
        match root {
            Some(root) if root != after.root => {
                let found = format!("it names the root {} at size {}, which was {root}", after.root, after.size);
                report.damage(id, found, cost);
            }
            Some(_) => {}
            None => report.note(format!("{id}: the root that it names at size {} cannot be compared", after.size)),
        }
    }

    /// Checks that a record names the newest key record before it, and that no key record is passed over.
    fn check_key_record(&self, id: &str, record: &Record, report: &mut AuditReport) {
        let Some(succession) = &self.founding.succession else { return };
        let named = |at: Option<u64>| at.map_or_else(|| "none".to_owned(), |at| format!("entry {at}"));
        let newest = succession.newest_before(record.index);
        if record.key_record != newest {
            let found =
                format!("it names {} as the newest key record, which is {}", named(record.key_record), named(newest));
            report.damage(id, found, "it was made by somebody who did not know how the keys stood");
        }
        let is_taken = succession.newest_before(record.index + 1) == Some(record.index);
        if matches!(record.body, Body::Key(_)) && !is_taken {
            report.damage(id, "a key record that changes no key", "no later record goes by it");
        }
    }

    fn is_unread(&self, index: u64) -> bool {
        index < self.since || self.unread.binary_search(&index).is_ok()
    }

    fn document(&mut self, index: u64, document: &Document) -> Option<String> {
        let first = document.amends.unwrap_or(index);
        let key = document.key();
        self.documents.insert(index, (first, key));
        if document.amends.is_none() || self.is_unread(first) {
            return None;
        }
        let is_same = self.documents.get(&first).is_some_and(|known| *known == (first, key));
        (!is_same).then(|| format!("it amends entry {first}, which is not the first record of the same document"))
    }

    fn capture(&mut self, index: u64, statement: Hash, capture: &Capture) -> Option<String> {
        let first = match self.documents.get(&capture.document) {
            Some((first, _)) => *first,
            None if self.is_unread(capture.document) => return None,
            None => return Some(format!("it is of entry {}, which is no document before it", capture.document)),
        };
        let wrong = self.follows(first, capture.sequence, capture.previous);
        let likeness = (index, capture.visit.likeness());
        let head = self.heads.entry(first).or_insert_with(|| Head {
            index,
            sequence: 0,
            statement,
            likenesses: HashMap::new(),
        });
        (head.index, head.sequence, head.statement) = (index, capture.sequence, statement);
        head.likenesses.insert(capture.visit.outcome.kind.word(), likeness);
        wrong
    }

    /// Checks that a capture names the one before it.
    fn follows(&self, history: u64, found: u64, named_before: Option<Hash>) -> Option<String> {
        let head = self.heads.get(&history);
        let (sequence, previous) = head.map_or((1, None), |head| (head.sequence + 1, Some(head.statement)));
        if (found, named_before) == (sequence, previous) {
            return None;
        }
        // A lost record may have been the capture between.
        let since = head.map_or(history, |head| head.index);
        if self.unread.last().is_some_and(|unread| *unread > since) || since < self.since {
            return None;
        }
        let named = |hash: Option<Hash>| hash.map_or("none".to_owned(), |hash| hash.to_string());
        Some(format!(
            "capture {found} after {}, expected capture {sequence} after {}",
            named(named_before),
            named(previous)
        ))
    }

    /// Checks that a check names a capture of the same document with the same text.
    fn confirms(&mut self, check: &Check) -> Option<String> {
        if self.is_unread(check.document) || self.is_unread(check.capture) {
            return None;
        }
        let Some((history, _)) = self.documents.get(&check.document).copied() else {
            return Some(format!("it is of entry {}, which is no document before it", check.document));
        };
        let kind = check.visit.outcome.kind.word();
        let newest = self.heads.get(&history).and_then(|head| head.likenesses.get(kind));
        let likeness = match newest {
            Some((index, likeness)) if *index == check.capture => *likeness,
            _ => match self.capture_record(check.capture) {
                Some(capture) if self.documents.get(&capture.document).is_some_and(|known| known.0 == history) => {
                    capture.visit.likeness()
                }
                _ => return Some(format!("it confirms entry {}, which is no capture of its document", check.capture)),
            },
        };
        (likeness != check.visit.likeness())
            .then(|| format!("it confirms entry {}, which has another text or outcome", check.capture))
    }

    /// Checks that what is withdrawn is what its entries name, and that nobody held it.
    fn withdrawal(&mut self, withdrawal: &Withdrawal) -> Option<String> {
        for entry in &withdrawal.entries {
            let index = entry.index;
            if let Some(hold) = self.holds.over(index) {
                return Some(format!("it withdraws what entry {hold} held of entry {index}"));
            }
            let statement = Statement::decode(&self.archive.statement(index, self.size).ok()?).ok()?;
            let record = statement.claim.record;
            if entry.record.as_ref().is_some_and(|withdrawn| withdrawn.sha256 != record) {
                return Some(format!("it withdraws another record than that of entry {index}"));
            }
            // Where the record is gone itself, what it named cannot be told any more.
            let Some(bytes) = self.blobs.read(record, self.readers.first_mut()?) else { continue };
            let Ok(Record { body, .. }) = Record::decode(&bytes) else { continue };
            let named = body.visit().map(Visit::blobs).unwrap_or_default();
            if let Some(blob) = entry.blobs.iter().find(|blob| !named.contains(blob)) {
                return Some(format!("it withdraws the blob {blob}, which entry {index} does not name"));
            }
        }
        None
    }

    /// Checks that a quote stands in the text of its capture.
    fn provision(&mut self, provision: &Provision) -> Option<String> {
        if self.is_unread(provision.capture) {
            return None;
        }
        let Some(capture) = self.capture_record(provision.capture) else {
            return Some(format!("it quotes entry {}, which is no capture", provision.capture));
        };
        if capture.visit.text().map(|text| text.sha256) != Some(provision.rendition) {
            return Some(format!("it quotes another text than that of entry {}", provision.capture));
        }
        if self.withdrawals.names(provision.capture, provision.rendition) {
            return None;
        }
        // Where the text itself is lost, that is said of its blob.
        let text = self.blobs.read(provision.rendition, self.readers.first_mut()?)?;
        (!stands_in(provision, &text))
            .then(|| format!("its words do not stand in the text of entry {}", provision.capture))
    }

    fn capture_record(&mut self, index: u64) -> Option<Capture> {
        let statement = Statement::decode(&self.archive.statement(index, self.size).ok()?).ok()?;
        let bytes = self.blobs.read(statement.claim.record, self.readers.first_mut()?)?;
        match Record::decode(&bytes).ok()?.body {
            Body::Capture(capture) => Some(*capture),
            _ => None,
        }
    }
}

fn stands_in(provision: &Provision, text: &[u8]) -> bool {
    let found = || {
        let text = std::str::from_utf8(text).ok()?;
        let (start, end) = (usize::try_from(provision.start).ok()?, usize::try_from(provision.end).ok()?);
        let (before, exact, after) = (text.get(..start)?, text.get(start..end)?, text.get(end..)?);
        let is_there =
            exact == provision.exact && before.ends_with(&provision.prefix) && after.starts_with(&provision.suffix);
        Some(is_there)
    };
    found().unwrap_or(false)
}

/// Names what each blob of a visit is, each blob once.
fn parts(visit: &Visit) -> Vec<(Hash, String)> {
    let mut parts = vec![(visit.primary.sha256, "the page".to_owned())];
    parts.extend(
        visit.renditions.iter().map(|rendition| (rendition.sha256, format!("the page {}", rendition.role.as_str()))),
    );
    let seeds = visit.renditions.iter().filter_map(|rendition| Some(rendition.parts?.seed));
    parts.extend(seeds.map(|seed| (seed, "the seed of the text's parts".to_owned())));
    for (number, exchange) in (1..).zip(&visit.exchanges) {
        parts.push((exchange.body.sha256, format!("body {number}")));
        let chain = exchange.connection.tls.iter().flat_map(|tls| &tls.chain);
        parts.extend(chain.map(|certificate| (*certificate, format!("a certificate of connection {number}"))));
    }
    let mut seen = std::collections::HashSet::new();
    parts.retain(|(hash, _)| seen.insert(*hash));
    parts
}
