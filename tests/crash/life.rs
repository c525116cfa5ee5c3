//! A life: an archive that does what can be interrupted, and what must be true of it afterwards.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use affiant::archivist::append::Appender;
use affiant::archivist::audit::{Age, Known, audit};
use affiant::archivist::init::{Naming, Opened, open_or_create};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::evidence::record::{Body, Document, Vantage};
use affiant::log::checkpoint::Origin;
use affiant::outside::archive::Archive;
use affiant::outside::archive::faults::Faults;
use affiant::outside::archive::spool::{MEMORY_BYTES_MAX, Spooled};
use affiant::outside::keys::Keyring;

use super::act::{Act, Before};

use crate::robust::noise;

/// What was acknowledged, in order.
#[derive(Clone, Default)]
pub(crate) struct Promised {
    pub(crate) records: Vec<Record>,
}

/// A record, and the blobs that were kept with it.
#[derive(Clone)]
pub(crate) struct Record {
    index: u64,
    sha256: Hash,
    blobs: Vec<Hash>,
}

/// What one scenario does after the archive is made: batches of blobs, by their sizes.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) batches: &'static [&'static [usize]],
    /// One batch in so many is published, the others are committed.
    pub(crate) published_every: usize,
    pub(crate) segment_bytes_max: u64,
    pub(crate) journal_bytes_max: u64,
}

/// Makes a folder where files are made fast: nothing in it is waited for.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn now() -> Time {
    Time::from_seconds(1_795_305_600).unwrap()
}

pub(crate) fn places(folder: &Path) -> Places {
    Places { archive: folder.join("archive"), keys: folder.join("keys") }
}

pub(crate) fn open(folder: &Path) -> Result<Opened, String> {
    let naming = Naming { origin: Some(Origin::new("affiant.example/log").unwrap()), ..Naming::default() };
    open_or_create(&places(folder), &naming, None, now(), &Silent).map_err(|error| chain(&error))
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

pub(crate) fn document(url: &str) -> Body {
    Body::Document(Document {
        entity: None,
        title: None,
        document_type: None,
        url: url.to_owned(),
        vantage: Vantage { fetcher: "file".to_owned(), ..Vantage::default() },
        amends: None,
    })
}

/// Opens what [`open`] opens, with other sizes.
pub(crate) fn reopen(folder: &Path, segment_bytes_max: u64, journal_bytes_max: u64) -> Result<Appender, String> {
    let archive = Archive::open(&folder.join("archive")).map_err(|error| chain(&error))?;
    let archive = archive.with_sizes(segment_bytes_max, journal_bytes_max);
    let keyring = Keyring::new(&folder.join("keys"));
    let origin = Origin::new(&archive.settings().origin).unwrap();
    let keys = keyring.secrets(&origin, None).map_err(|error| chain(&error))?;
    Appender::open(&archive, &keyring, &keys, now(), &Silent).map_err(|error| chain(&error))
}

impl Scenario {
    /// Makes a blob: a short one in memory and like no other; a long one that is streamed, and can be compressed to a fourth.
    fn blob(appender: &Appender, seed: u64, size: usize) -> Spooled {
        if size <= MEMORY_BYTES_MAX {
            return Spooled::compressed(noise(seed, size)).unwrap();
        }
        let mut spool = appender.spool();
        noise(seed, size / 4).chunks(1000).for_each(|piece| spool.write_all(&piece.repeat(4)).unwrap());
        spool.finish().unwrap()
    }
}

impl Act for Scenario {
    type Promised = Promised;

    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&self, _: &Path) {}

    fn act(&self, folder: &Path, promised: &mut Promised, faults: Option<&Faults>) -> Result<(), String> {
        let opened = open(folder)?;
        promised.take_genesis(&opened.archive);
        promised.mark(faults);
        drop(opened);
        let mut appender = reopen(folder, self.segment_bytes_max, self.journal_bytes_max)?;
        for (number, batch) in self.batches.iter().enumerate() {
            let mut waiting = Vec::new();
            let tried = batch.iter().try_for_each(|size| {
                let seed = u64::try_from(number * 1000 + size).unwrap();
                let blob = Self::blob(&appender, seed, *size);
                appender.keep(&blob)?;
                let url = format!("https://example.com/{number}/{}", waiting.len());
                let appended = appender.append(document(&url), now())?;
                let index = appended.record.index;
                waiting.push(Record { index, sha256: appended.record_sha256, blobs: vec![blob.hash] });
                Ok::<(), affiant::archivist::append::AppendError>(())
            });
            let is_published = (number + 1).is_multiple_of(self.published_every);
            let mut keep = || if is_published { appender.publish(now()).map(drop) } else { appender.commit(now()) };
            let kept = tried.and_then(|()| keep());
            if let Err(error) = kept {
                let steps = faults.and_then(Faults::steps_after_failed_sync);
                assert!(appender.commit(now()).is_err(), "{}: what has failed writes no more", self.name);
                assert!(appender.publish(now()).is_err(), "{}: what has failed writes no more", self.name);
                drop(appender);
                let after = faults.and_then(Faults::steps_after_failed_sync);
                assert_eq!(after, steps, "{}: written after {}", self.name, chain(&error));
                return Err(chain(&error));
            }
            promised.records.extend(waiting);
            promised.mark(faults);
        }
        Ok(())
    }

    fn again(&self, folder: &Path, promised: &mut Promised, faults: &Faults) -> Result<(), String> {
        let Opened { archive, mut appender, .. } = open(folder)?;
        if promised.records.is_empty() {
            promised.take_genesis(&archive);
        }
        promised.append(&mut appender, "https://example.com/again")?;
        promised.mark(Some(faults));
        Ok(())
    }

    fn hold(&self, folder: &Path, promised: &Promised, count: u64, before: Before) -> Result<(), String> {
        promised.hold(folder, count, before)
    }

    fn count(promised: &Promised) -> u64 {
        u64::try_from(promised.records.len()).unwrap()
    }
}

impl Promised {
    pub(crate) fn take_genesis(&mut self, archive: &Archive) {
        let (log, _) = Log::published(archive).unwrap();
        self.records.push(Record { index: 0, sha256: log.entry(0).unwrap().record_sha256(), blobs: Vec::new() });
    }

    /// Appends a record and publishes it.
    pub(crate) fn append(&mut self, appender: &mut Appender, url: &str) -> Result<(), String> {
        let appended = appender.append(document(url), now()).map_err(|error| chain(&error))?;
        appender.publish(now()).map_err(|error| chain(&error))?;
        let (index, sha256) = (appended.record.index, appended.record_sha256);
        self.records.push(Record { index, sha256, blobs: Vec::new() });
        Ok(())
    }

    /// Returns the promises of records alone: that a blob is lost which none of them names is no damage.
    pub(crate) fn of_records(&self) -> Self {
        let bare = |record: &Record| Record { blobs: Vec::new(), ..record.clone() };
        Self { records: self.records.iter().map(bare).collect() }
    }

    pub(crate) fn mark(&self, faults: Option<&Faults>) {
        if let Some(faults) = faults {
            faults.mark(u64::try_from(self.records.len()).unwrap());
        }
    }

    /// Holds an archive to its first `count` promises: opened by the ordinary path it has them, is clean, and takes
    /// the next record.
    pub(crate) fn hold(&self, folder: &Path, count: u64, before: Before) -> Result<(), String> {
        let is_clean = |when: &str| clean(folder, "archive", when);
        let _unsynced = Faults::over(folder).map_err(|error| chain(&error))?; // Nothing here outlives the test.
        if count > 0 && before == Before::Audited {
            is_clean("before it is opened")?;
        }
        let Opened { archive, mut appender, .. } = open(folder)?;
        let appended = appender.append(document("https://example.com/next"), now()).map_err(|error| chain(&error))?;
        appender.publish(now()).map_err(|error| chain(&error))?;
        let (log, _) = Log::published(&archive).map_err(|error| chain(&error))?;
        log.entry(appended.record.index).map_err(|error| chain(&error))?;
        for record in self.records.iter().take(usize::try_from(count).unwrap()) {
            let index = record.index;
            let entry = log.entry(index).map_err(|error| format!("entry {index}: {}", chain(&error)))?;
            if entry.record_sha256() != record.sha256 {
                return Err(format!("entry {index} is another record"));
            }
            for blob in &record.blobs {
                archive.packs().read(*blob).map_err(|error| format!("entry {index}: {}", chain(&error)))?;
            }
        }
        drop(appender);
        if folder.join("archive/journal").exists() {
            return Err("the journal outlives its writer".to_owned());
        }
        is_clean("afterwards")
    }
}

/// Audits an archive in a folder, beside its keys.
pub(crate) fn clean(folder: &Path, name: &str, when: &str) -> Result<(), String> {
    let archive = Archive::open(&folder.join(name)).map_err(|error| chain(&error))?;
    let known = Known::of(&Keyring::new(&folder.join("keys"))).map_err(|error| chain(&error))?;
    let age = if name == "archive" { Age::Newest } else { Age::Older };
    let report = audit(&archive, &Known { age, ..known }, &Silent);
    if report.is_clean() { Ok(()) } else { Err(format!("{when}: {:#?} {:#?}", report.damage, report.notes)) }
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let entries: Vec<PathBuf> = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in entries {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
