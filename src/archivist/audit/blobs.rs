//! Every blob of every pack: decompressed, hashed, and compared with its name and checksum.
//!
//! | quantity | unit            | range                                                  |
//! |----------|-----------------|--------------------------------------------------------|
//! | memory   | bytes per blob  | 48: ten million blobs take half a gigabyte             |
//! | threads  |                 | one that walks, and one per processor that hashes      |
//!
//! The packs are read once, in order; what is compressed against another blob comes last in its segment (`leaning`).
//! What is wrong with rows and indexes costs nothing, because readers walk the segments then: it is a note.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::course::{Course, Segment};
use super::extent::Selection;
use super::failure::{Failure, has_moved};
use super::leaning::{self, Leaning};
use super::report::AuditReport;

use crate::archivist::progress::{Act, Progress};
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::outside::archive::members::MemberReader;
use crate::outside::archive::packs::{Base, Member, PackError, Packs};

/// How many members a thread takes at once.
const BATCH_COUNT: usize = 64;

/// How many bytes of frames a thread takes at once, unless one blob has more.
const BATCH_BYTES: u64 = 4 << 20;

/// How many threads hash at most.
const THREAD_COUNT_MAX: usize = 16;

/// Which blobs the packs hold.
#[derive(Default)]
pub(super) struct Blobs {
    /// The whole ones, sorted by hash.
    whole: Vec<Row>,
    damaged: HashMap<Hash, String>,
    /// Where the members lie that are not the blob that they say.
    failed: HashSet<(u32, u64)>,
}

#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Row {
    hash: Hash,
    segment: u32,
    offset: u64,
}

/// A blob, as the packs hold it.
pub(super) enum Held<'b> {
    Whole { segment: u32, offset: u64 },
    Damaged(&'b str),
    Missing,
}

impl Blobs {
    /// Checks the blobs that are selected. One segment after another is walked and its blobs are hashed at once, so that
    /// the course knows what is done; it says to stop in between.
    pub(super) fn check(
        packs: &Packs,
        selection: &Selection,
        course: &mut Course<'_>,
        report: &mut AuditReport,
        progress: &dyn Progress,
    ) -> Self {
        let segments = match packs.segments() {
            Ok(segments) => segments,
            Err(error) => {
                report.damage("packs", with_causes(&error), "no blob can be read");
                Vec::new()
            }
        };
        let length = |segment: u32| std::fs::metadata(packs.path(segment)).map_or(0, |metadata| metadata.len());
        let act = progress.begin("checking blobs", Some(segments.iter().map(|segment| length(*segment)).sum()));
        let mut all = Walked::default();
        for segment in &segments {
            report.looked.is_interrupted |= course.is_interrupted();
            let length = length(*segment);
            let earlier = course.earlier(*segment, length).cloned();
            let reads = earlier.is_none() && !report.looked.is_interrupted;
            let selects = |member: &Member| reads && selection.takes(member);
            let place = Place::of(*segment, &segments);
            let mut walked = Self::check_segment(packs, (*segment, place), &selects, report, act.as_ref());
            if let Some(earlier) = earlier {
                walked.looked = earlier.looked;
                report.looked.resumed += earlier.looked;
                let failures = earlier.failures.iter().filter_map(|one| Failure::earlier(packs, *segment, one));
                walked.failures.extend(failures);
            } else if reads {
                let kept = walked.failures.iter().map(|failure| (failure.offset, failure.found.clone())).collect();
                course.take(*segment, Segment { length, looked: walked.looked, failures: kept });
            }
            all.add(walked);
        }
        report.looked.looked += all.looked;
        Self::of(all)
    }

    /// Walks a segment, and hashes those of its blobs that are selected; says how many they were.
    fn check_segment(
        packs: &Packs,
        (segment, place): (u32, Place),
        selects: &dyn Fn(&Member) -> bool,
        report: &mut AuditReport,
        act: &dyn Act,
    ) -> Walked {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREAD_COUNT_MAX);
        let (sender, receiver) = mpsc::sync_channel(4 * threads);
        let receiver = Mutex::new(receiver);
        let (mut walked, mut leaning) = thread::scope(|scope| {
            let hash = || hash(packs, &receiver, act);
            let hashing: Vec<_> = (0..threads).map(|_| scope.spawn(hash)).collect();
            let mut walk = Walk::new(packs, report, selects, sender);
            walk.segment(segment, place);
            let (rows, leaning, looked) = walk.finish();
            let failures = hashing.into_iter().flat_map(|thread| thread.join().expect("hashing does not panic"));
            (Walked { rows, looked, failures: failures.collect() }, leaning)
        });
        walked.failures.extend(leaning::check(packs, &mut leaning, threads, act));
        walked
    }

    /// Sorts what was found, and leaves out what is not the blob that it says.
    fn of(walked: Walked) -> Self {
        let Walked { rows: mut whole, failures, .. } = walked;
        let failed: HashSet<(u32, u64)> = failures.iter().map(|failure| (failure.segment, failure.offset)).collect();
        if !failed.is_empty() {
            whole.retain(|row| !failed.contains(&(row.segment, row.offset)));
        }
        whole.sort_unstable();
        let mut blobs = Self { whole, damaged: HashMap::new(), failed };
        for Failure { hash, found, .. } in failures {
            // A blob may lie in two packs, and one of them is enough.
            if matches!(blobs.find(hash), Held::Missing) {
                blobs.damaged.insert(hash, found);
            }
        }
        blobs
    }

    /// Looks a blob up.
    pub(super) fn find(&self, hash: Hash) -> Held<'_> {
        let first = self.whole.partition_point(|row| row.hash < hash);
        match self.whole.get(first) {
            Some(row) if row.hash == hash => Held::Whole { segment: row.segment, offset: row.offset },
            _ => self.damaged.get(&hash).map_or(Held::Missing, |found| Held::Damaged(found)),
        }
    }

    /// Reads a whole blob.
    pub(super) fn read(&self, hash: Hash, reader: &mut MemberReader) -> Option<Vec<u8>> {
        let Held::Whole { segment, offset } = self.find(hash) else { return None };
        reader.read(segment, offset, hash).ok()
    }

    /// Returns where the members lie that are not the blob that they say: segment and offset.
    pub(super) fn failed(self) -> HashSet<(u32, u64)> {
        self.failed
    }

    /// Returns the damaged blobs.
    pub(super) fn damaged(&self) -> impl Iterator<Item = (Hash, &str)> {
        self.damaged.iter().map(|(hash, found)| (*hash, found.as_str()))
    }
}

/// What a walk found.
#[derive(Default)]
struct Walked {
    rows: Vec<Row>,
    failures: Vec<Failure>,
    /// How many of them were read.
    looked: u64,
}

impl Walked {
    fn add(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
        self.failures.append(&mut other.failures);
        self.looked += other.looked;
    }
}

/// Whether a segment is the newest: its end may be in the making.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Before,
    Last,
}

impl Place {
    fn of(segment: u32, segments: &[u32]) -> Self {
        if segments.last() == Some(&segment) { Self::Last } else { Self::Before }
    }
}

type Batch = Vec<(u32, Member)>;

/// Finds the members and gives them out.
struct Walk<'w> {
    packs: &'w Packs,
    report: &'w mut AuditReport,
    selects: &'w dyn Fn(&Member) -> bool,
    looked: u64,
    whole: Vec<Row>,
    /// What is decoded once the plain ones of the segment are.
    leaning: Vec<Leaning>,
    batch: Batch,
    batch_bytes: u64,
    sender: SyncSender<Batch>,
}

impl<'w> Walk<'w> {
    fn new(
        packs: &'w Packs,
        report: &'w mut AuditReport,
        selects: &'w dyn Fn(&Member) -> bool,
        sender: SyncSender<Batch>,
    ) -> Self {
        let (whole, leaning, batch) = (Vec::new(), Vec::new(), Vec::new());
        Self { packs, report, selects, looked: 0, whole, leaning, batch, batch_bytes: 0, sender }
    }

    /// Notes where a member says that the way to its base is another than it is: it is found by its name all the same.
    fn check_way(&mut self, segment: u32, member: &Member, base: Base) {
        if !member.is_sum_right {
            let (name, hash) = (pack_name(self.packs, segment), member.hash);
            return self.report.note(format!(
                "`{name}` says of the way to what blob {hash} leans on what was not written there: its sum does not fit; the \
                 base is found by its name, and nothing is lost"
            ));
        }
        let Some(back) = base.back else { return };
        let found = member.offset.checked_sub(back).and_then(|at| self.packs.member_at(segment, at).ok().flatten());
        if found.is_none_or(|found| found.hash != base.hash) {
            let (name, hash) = (pack_name(self.packs, segment), member.hash);
            self.report.note(format!(
                "`{name}` says that what blob {hash} leans on lies elsewhere than it does; it is found by its name, and \
                 nothing is lost"
            ));
        }
    }

    fn segment(&mut self, segment: u32, place: Place) {
        let members = match self.packs.walk(segment, 0) {
            Ok(members) => members,
            Err(error) => {
                let cost = "every blob in it is lost; those that records name are listed";
                return self.report.damage(pack_name(self.packs, segment), with_causes(&error), cost);
            }
        };
        let rows = self.packs.rows(segment);
        let (mut unlisted, mut row_count, mut trailing_bytes) = (HashSet::new(), 0, 0);
        if let Ok(Some(rows)) = &rows {
            (row_count, trailing_bytes) = (rows.listed.len(), rows.trailing_bytes);
            unlisted.extend(rows.listed.iter().copied());
        }
        let (mut found, mut listed) = (0, 0);
        for member in members {
            match member {
                Ok(member) => {
                    found += 1;
                    listed += usize::from(unlisted.remove(&(member.hash, member.offset)));
                    self.member(segment, member);
                }
                Err(error) => self.torn(&error, place),
            }
        }
        let name = rows_name(self.packs, segment);
        match rows {
            Err(error) => self.report.note(format!("{}; it is derived, and nothing is lost", with_causes(&error))),
            Ok(None) if found > 0 => self.report.note(format!("`{name}` is missing; {DERIVED}")),
            Ok(_) if (listed, row_count, trailing_bytes) == (found, found, 0) => {}
            Ok(_) => self.report.note(format!(
                "`{name}` has {row_count} row(s) and {trailing_bytes} byte(s) more, and {listed} of the rows lead to the \
                 {found} blob(s) of the pack; {DERIVED}"
            )),
        }
    }

    fn torn(&mut self, error: &PackError, place: Place) {
        let why = match place {
            Place::Last => "a crash leaves such an end, and the next writer passes it over",
            Place::Before => "what was there is lost; the blobs that records name are listed",
        };
        self.report.note(format!("{error}: {why}"));
    }

    fn member(&mut self, segment: u32, member: Member) {
        self.report.blobs += 1;
        self.report.bytes += member.end() - member.offset;
        self.whole.push(Row { hash: member.hash, segment, offset: member.offset });
        if let Some(base) = member.base {
            self.check_way(segment, &member, base);
        }
        if !(self.selects)(&member) {
            return;
        }
        self.looked += 1;
        if let Some(base) = member.base {
            self.leaning.push(Leaning { segment, base: base.hash, member });
            return;
        }
        self.batch_bytes += member.end() - member.offset;
        self.batch.push((segment, member));
        if self.batch.len() == BATCH_COUNT || self.batch_bytes >= BATCH_BYTES {
            self.send();
        }
    }

    fn send(&mut self) {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.sender.send(batch).expect("the threads take until nothing more comes");
    }

    fn finish(mut self) -> (Vec<Row>, Vec<Leaning>, u64) {
        self.send();
        (self.whole, self.leaning, self.looked) // Dropping the sender ends the threads.
    }
}

/// What is said of everything that is made from something else.
pub(super) const DERIVED: &str = "it is derived, and nothing is lost";

fn pack_name(packs: &Packs, segment: u32) -> String {
    format!("{}/{segment:08}.pack", folder_name(packs))
}

/// Returns `packs` or `withheld`.
fn folder_name(packs: &Packs) -> String {
    packs.folder().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn rows_name(packs: &Packs, segment: u32) -> String {
    let extension = if packs.path(segment).with_extension("index").exists() { "index" } else { "rows" };
    format!("{}/{segment:08}.{extension}", folder_name(packs))
}

/// Hashes members until nothing more comes, and returns those that are not what they say.
fn hash(packs: &Packs, batches: &Mutex<Receiver<Batch>>, act: &dyn Act) -> Vec<Failure> {
    let mut failures = Vec::new();
    let mut reader = MemberReader::new(packs);
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return failures };
        for (segment, member) in batch {
            let checked = match &mut reader {
                Ok(reader) => reader.check(segment, &member),
                Err(_) => packs.copy_member(segment, &member, &mut std::io::sink()).map(drop),
            };
            act.advance(member.end() - member.offset);
            if let Err(error) = checked
                && !has_moved(packs, segment, member.hash)
            {
                let found = with_causes(&error);
                failures.push(Failure { hash: member.hash, segment, offset: member.offset, found });
            }
        }
    }
}
