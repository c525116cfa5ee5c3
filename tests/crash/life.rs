//! A life: an archive that does what can be interrupted, and what must be true of it afterwards.

use std::path::{Path, PathBuf};

use affiant::archivist::append::Appender;
use affiant::archivist::audit::{Known, audit};
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
use affiant::outside::archive::spool::Spooled;
use affiant::outside::keys::Keyring;

use crate::robust::noise;

/// What was acknowledged, in order.
#[derive(Clone, Default)]
pub(crate) struct Promised {
    pub(crate) records: Vec<Record>,
}

/// A record, the blobs that were kept with it, and the root of the log up to it when that was published.
#[derive(Clone)]
pub(crate) struct Record {
    sha256: Hash,
    blobs: Vec<Hash>,
}

/// What one scenario does after the archive is made: batches of blobs, by their sizes.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) batches: &'static [&'static [usize]],
    pub(crate) segment_bytes_max: u64,
    pub(crate) journal_bytes_max: u64,
}

/// Whether an archive is audited as the crash left it, which takes as long as all the rest.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Before {
    Audited,
    Taken,
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

impl Scenario {
    /// Opens what [`open`] opens, with this scenario's sizes.
    fn reopen(&self, folder: &Path) -> Result<Appender, String> {
        let archive = Archive::open(&folder.join("archive")).map_err(|error| chain(&error))?;
        let archive = archive.with_sizes(self.segment_bytes_max, self.journal_bytes_max);
        let keyring = Keyring::new(&folder.join("keys"));
        let origin = Origin::new(&archive.settings().origin).unwrap();
        let keys = keyring.secrets(&origin, None).map_err(|error| chain(&error))?;
        Appender::open(&archive, &keyring, keys, now(), &Silent).map_err(|error| chain(&error))
    }

    /// Lives until the end or the first error, and notes what is acknowledged.
    pub(crate) fn live(&self, folder: &Path, promised: &mut Promised, faults: Option<&Faults>) -> Result<(), String> {
        let opened = open(folder)?;
        promised.records.truncate(0);
        promised.take_genesis(&opened.archive);
        let mark = |promised: &Promised| {
            let count = u64::try_from(promised.records.len()).unwrap();
            if let Some(faults) = faults {
                faults.mark(count);
            }
        };
        mark(promised);
        drop(opened);
        let mut appender = self.reopen(folder)?;
        for (number, batch) in self.batches.iter().enumerate() {
            let mut waiting = Vec::new();
            let tried = batch.iter().try_for_each(|size| {
                let seed = u64::try_from(number * 1000 + size).unwrap();
                let blob = Spooled::compressed(noise(seed, *size)).unwrap();
                appender.keep(&blob)?;
                let url = format!("https://example.com/{number}/{}", waiting.len());
                let appended = appender.append(document(&url), now())?;
                waiting.push(Record { sha256: appended.record_sha256, blobs: vec![blob.hash] });
                Ok::<(), affiant::archivist::append::AppendError>(())
            });
            let published = tried.and_then(|()| appender.publish(now()));
            if let Err(error) = published {
                let steps = faults.and_then(Faults::steps_after_failed_sync);
                assert!(appender.publish(now()).is_err(), "{}: what has failed writes no more", self.name);
                drop(appender);
                let after = faults.and_then(Faults::steps_after_failed_sync);
                assert_eq!(after, steps, "{}: written after {}", self.name, chain(&error));
                return Err(chain(&error));
            }
            promised.records.extend(waiting);
            mark(promised);
        }
        Ok(())
    }
}

impl Promised {
    fn take_genesis(&mut self, archive: &Archive) {
        let (log, _) = Log::published(archive).unwrap();
        self.records.push(Record { sha256: log.entry(0).unwrap().record_sha256(), blobs: Vec::new() });
    }

    /// Holds an archive to its first `count` promises: opened by the ordinary path it has them, is clean, and takes
    /// the next record.
    pub(crate) fn hold(&self, folder: &Path, count: u64, before: Before) -> Result<(), String> {
        let is_clean = |when: &str| -> Result<(), String> {
            let archive = Archive::open(&folder.join("archive")).map_err(|error| chain(&error))?;
            let known = Known::of(&Keyring::new(&folder.join("keys"))).map_err(|error| chain(&error))?;
            let report = audit(&archive, &known, &Silent);
            if report.is_clean() { Ok(()) } else { Err(format!("{when}: {:#?} {:#?}", report.damage, report.notes)) }
        };
        let _unsynced = Faults::over(folder).map_err(|error| chain(&error))?; // Nothing here outlives the test.
        if count > 0 && before == Before::Audited {
            is_clean("before it is opened")?;
        }
        let Opened { archive, mut appender, .. } = open(folder)?;
        if appender.size() < count {
            return Err(format!("{} entries, and {count} were acknowledged", appender.size()));
        }
        let appended = appender.append(document("https://example.com/next"), now()).map_err(|error| chain(&error))?;
        appender.publish(now()).map_err(|error| chain(&error))?;
        let (log, _) = Log::published(&archive).map_err(|error| chain(&error))?;
        log.entry(appended.record.index).map_err(|error| chain(&error))?;
        for (index, record) in (0..count).zip(&self.records) {
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
