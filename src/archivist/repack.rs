//! Repack: what was kept in haste is made small, when nobody waits for it.
//!
//! A first crawl keeps the first page and text of each document as they come (`lean.rs`), because to try others takes
//! longer than the network does. Here the log says which blobs these are and which others of their site each may resemble;
//! [`crate::outside::archive::packs`] compresses them again and writes their segments anew. Nothing that is signed or
//! promised changes, and every blob is read before and after.
//!
//! | quantity | unit  | range                                                                |
//! |----------|-------|----------------------------------------------------------------------|
//! | offered  | blobs | of a site its first and its newest `OFFERED_COUNT_MAX` before this one |

use std::collections::HashMap;

use super::append::{AppendError, Appender};
use super::progress::Progress;
use super::read::{Log, ReadError};

use crate::base::hash::Hash;
use crate::evidence::record::{Body, Visit};
use crate::outside::archive::ArchiveError;
use crate::outside::archive::packs::{PackError, Packs, Repacked, Wishes};
use crate::outside::archive::references::{Part, site_of};

/// How many of a site's newest first blobs one is tried against, besides the first.
const OFFERED_COUNT_MAX: usize = 3;

/// Makes small what was kept in haste.
///
/// # Errors
/// When the archive cannot be read or written. Nothing is lost.
pub fn repack(appender: &mut Appender, progress: &dyn Progress) -> Result<Repacked, AppendError> {
    let archive = appender.archive().clone();
    let wishes = wishes(&Log::at(&archive, appender.published_size()), progress)?;
    let segments = archive.packs().segments().map_err(ArchiveError::from)?;
    let length = |segment: u32| archive.packs().length(segment).unwrap_or_default();
    let act = progress.begin("repacking", Some(segments.into_iter().map(length).sum()));
    appender.repack(&wishes, &|bytes| act.advance(bytes))
}

/// Walks the log for pages and texts with plain frames.
fn wishes(log: &Log<'_>, progress: &dyn Progress) -> Result<Wishes, ReadError> {
    let act = progress.begin("reading the log", Some(log.size()));
    let mut seen = Seen::new(log.archive().packs());
    let mut reader = log.reader()?;
    for index in 0..log.size() {
        act.advance(1);
        match reader.entry(index) {
            Ok(entry) => match &entry.record.body {
                Body::Capture(capture) => seen.visit(capture.document, &capture.visit)?,
                Body::Check(check) => seen.visit(check.document, &check.visit)?,
                _ => {}
            },
            Err(ReadError::Withdrawn { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(seen.wishes)
}

/// What the log has shown so far.
pub struct Seen<'a> {
    packs: &'a Packs,
    /// The first blobs of the documents of each site, in the order of the log.
    sites: HashMap<(String, Part), Vec<Hash>>,
    /// The first blobs of each document.
    first: HashMap<(u64, Part), Hash>,
    wishes: Wishes,
}

impl<'a> Seen<'a> {
    /// Begins with nothing.
    #[must_use]
    pub fn new(packs: &'a Packs) -> Self {
        Self { packs, sites: HashMap::new(), first: HashMap::new(), wishes: Wishes::new() }
    }

    fn visit(&mut self, document: u64, visit: &Visit) -> Result<(), ReadError> {
        let site = site_of(&visit.target);
        self.blob(document, &site, Part::Page, visit.primary.sha256)?;
        let text = visit.text().map(|text| self.blob(document, &site, Part::Text, text.sha256));
        Ok(text.transpose().map(drop)?)
    }

    /// Takes in a blob that a visit of a document brought.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn blob(&mut self, document: u64, site: &str, part: Part, blob: Hash) -> Result<(), PackError> {
        let first = *self.first.entry((document, part)).or_insert(blob);
        let is_first = first == blob;
        let is_repackable = self.packs.is_repackable(blob)?;
        if self.wishes.contains_key(&blob) || !(is_first || is_repackable) {
            return Ok(());
        }
        let site = self.sites.entry((site.to_owned(), part)).or_default();
        let newest = site.iter().rev().take(OFFERED_COUNT_MAX);
        let mut offered: Vec<Hash> = site.first().into_iter().chain(newest).copied().collect();
        if is_first {
            // Only what others of the site are tried against is kept.
            if site.len() > OFFERED_COUNT_MAX {
                site.remove(1);
            }
            site.push(blob);
        } else {
            offered.insert(0, first);
        }
        if is_repackable {
            self.wishes.insert(blob, offered);
        }
        Ok(())
    }

    /// Returns which blobs may have been kept in haste, and what each may resemble.
    #[must_use]
    pub fn into_wishes(self) -> Wishes {
        self.wishes
    }
}
