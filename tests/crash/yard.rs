//! A yard: an archive with something of everything, made once for the acts that begin with one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use affiant::archivist::append::Appender;
use affiant::archivist::capture::{Manner, Order, Watch, capture};
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::archivist::redactable::Redaction;
use affiant::archivist::visit::Target;
use affiant::archivist::withdraw::{Records, Sharing, WithdrawError, WithdrawOrder, plan, withdraw};
use affiant::base::hash::Hash;
use affiant::base::id::Id;
use affiant::evidence::record::{Manner as Withdrawing, Visit};
use affiant::outside::archive::Archive;
use affiant::outside::web::options::FetchOptions;

use super::life::{chain, copy, now, open, reopen, scratch};

use crate::folder::{Files, read};
use crate::robust::noise;

/// Segments and journals of a yard: so short that a few captures fill them.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 4000;
pub(crate) const JOURNAL_BYTES_MAX: u64 = 6000;

/// An archive, its keys, and the pages that it was made from.
pub(crate) struct Yard {
    folder: tempfile::TempDir,
    pages: tempfile::TempDir,
}

impl Yard {
    /// Makes an archive of three captures: bytes like no others, a text, bytes like no others.
    pub(crate) fn new() -> Self {
        let yard = Self { folder: scratch(), pages: scratch() };
        for n in [1, 3] {
            yard.write_page(n);
        }
        fs::write(yard.page(2), "<html><body><h1>Terms</h1><p>These are the words.</p></body></html>").unwrap();
        yard.capture(&[1, 2, 3]);
        yard
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lays the yard down elsewhere.
    pub(crate) fn lay(&self, folder: &Path) {
        copy(self.folder(), folder);
    }

    pub(crate) fn page(&self, n: u64) -> PathBuf {
        self.pages.path().join(format!("page-{n}.bin"))
    }

    pub(crate) fn write_page(&self, n: u64) {
        fs::write(self.page(n), Self::bytes(n)).unwrap();
    }

    /// Returns what a page holds that [`Yard::write_page`] wrote: no compression hides it.
    pub(crate) fn bytes(n: u64) -> Vec<u8> {
        noise(n + 77, 300)
    }

    /// Captures pages one after another.
    pub(crate) fn capture(&self, pages: &[u64]) {
        for n in pages {
            let mut count = 0;
            self.capture_in(self.folder(), &[*n], &mut |_| count += 1).unwrap();
            assert_eq!(count, 1);
        }
    }

    /// Captures pages into an archive elsewhere, and reports the ids that are promised.
    pub(crate) fn capture_in(
        &self,
        folder: &Path,
        pages: &[u64],
        promised: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        drop(open(folder)?);
        let appender = reopen(folder, SEGMENT_BYTES_MAX, JOURNAL_BYTES_MAX)?;
        let order = |n: &u64| Order {
            written: n.to_string(),
            target: Target::parse(self.page(*n).to_str().unwrap()).unwrap(),
            entity: None,
            title: None,
            document_type: None,
        };
        let fetch = Arc::new(FetchOptions::default());
        let manner = Manner { fetch, redaction: Redaction::Files, region: None, jobs: 1, per_host: 1 };
        let watch = Watch { progress: &Silent, is_interrupted: &|| false };
        let orders = pages.iter().map(order).collect();
        let captured = capture(appender, orders, &manner, &watch, &mut |outcome| match outcome {
            Ok(captured) => promised(captured.appended.id.to_string()),
            Err(missed) => panic!("page {}: {}", missed.written, chain(&missed.error)),
        });
        captured.map(drop).map_err(|error| chain(&error))
    }

    /// Withdraws the capture of a page.
    pub(crate) fn withdraw(&self, n: u64, manner: Withdrawing) {
        withdraw_in(self.folder(), Hash::of(&fs::read(self.page(n)).unwrap()), manner).unwrap();
    }
}

/// Withdraws the capture whose page has a hash; what is withdrawn already is.
pub(crate) fn withdraw_in(folder: &Path, page: Hash, manner: Withdrawing) -> Result<(), String> {
    drop(open(folder)?);
    let mut appender: Appender = reopen(folder, SEGMENT_BYTES_MAX, JOURNAL_BYTES_MAX)?;
    let archive = appender.archive().clone();
    let log = Log::at(&archive, appender.published_size());
    let (_, id) = capture_of(&log, page).ok_or("the page is in no capture")?;
    let order = WithdrawOrder {
        ids: vec![id],
        blobs: Vec::new(),
        records: Records::Keep,
        manner,
        sharing: Sharing::Refuse,
        reason: "a test".into(),
        authority: "a test".into(),
        rule: None,
    };
    match plan(&log, &order, &Silent) {
        Err(WithdrawError::NothingLeft { .. }) => Ok(()),
        planned => {
            let planned = planned.map_err(|error| chain(&error))?;
            withdraw(&mut appender, planned, now()).map(drop).map_err(|error| chain(&error))
        }
    }
}

/// Finds the capture whose page has a hash.
pub(crate) fn capture_of(log: &Log<'_>, page: Hash) -> Option<(u64, Id)> {
    (0..log.size()).find_map(|index| {
        let entry = log.entry(index).ok()?;
        let is_it = entry.record.body.visit().is_some_and(|visit| visit.primary.sha256 == page);
        is_it.then(|| (index, entry.id.clone()))
    })
}

/// Returns the blobs that the records of an archive name.
pub(crate) fn blobs(archive: &Archive) -> BTreeSet<Hash> {
    let (log, _) = Log::published(archive).unwrap();
    (0..log.size()).filter_map(|index| log.entry(index).ok()?.record.body.visit().map(Visit::blobs)).flatten().collect()
}

/// The files that an archive promises, or a copy of it: not the lock, nor what is derived.
pub(crate) fn promised(folder: &Path) -> Files {
    let mut files = read(folder);
    files.retain(|path, _| path != "lock" && path != "withdrawn" && !path.starts_with("index/"));
    files
}

/// Says how files differ from those that there must be. A crash may leave passing files, partial tiles, and damaged
/// bytes that were put aside.
pub(crate) fn differs(found: &Files, expected: &Files) -> Result<(), String> {
    let is_left = |path: &str| path.contains(".new") || path.contains(".p/") || path.contains(".damaged-");
    let other = expected.iter().filter(|(path, bytes)| found.get(*path) != Some(bytes)).map(|(path, _)| path);
    let more = found.keys().filter(|path| !expected.contains_key(*path) && !is_left(path));
    let (other, more): (Vec<_>, Vec<_>) = (other.collect(), more.collect());
    if other.is_empty() && more.is_empty() {
        Ok(())
    } else {
        Err(format!("other bytes in {other:?}, and more: {more:?}"))
    }
}
