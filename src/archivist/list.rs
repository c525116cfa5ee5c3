//! List: the records that somebody looks for, newest first, one after another however many there are.
//!
//! The catalogue says where to look; every record is then read from the log, and only what the record itself says
//! decides whether it is listed. Where a row says something else than its record, the catalogue is forged or damaged:
//! it is thrown away and the log is walked from there. So it is where there is no catalogue, and from the newest entry
//! down to the newest that the catalogue covers.
//!
//! In a whole history the captures count down to 1, so a row that was taken out shows there. In other lists it does
//! not: a list is for finding, what a record proves is for `verify`.

use std::collections::{HashMap, VecDeque};

use super::catalogue::{FollowError, caught_up};
use super::progress::Progress;
use super::read::{Entry, Log, ReadError, Reader};
use super::withdrawn::Withdrawn;

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::evidence::record::{Body, Document, Link, Record};
use crate::outside::archive::catalogue::{Catalogue, Row};

/// What is looked for.
pub type Wanted = crate::outside::archive::catalogue::Search;

/// How many records are read at once.
const PAGE: u64 = 64;

/// Entries are walked in bundles of statements.
const BUNDLE: u64 = 256;

/// What is listed.
#[derive(Debug)]
pub enum Listed {
    /// A record.
    Entry(Box<Entry>),
    /// An entry whose record is withdrawn: what its withdrawal says of it.
    Withdrawn {
        /// Its index.
        index: u64,
        /// The withdrawal.
        withdrawn: Box<Withdrawn>,
    },
    /// An entry that cannot be read: it may be what is looked for.
    Damaged {
        /// Its index.
        index: u64,
        /// Why.
        error: ReadError,
    },
}

/// The records that somebody looks for, newest first.
pub struct Listing<'a> {
    log: &'a Log<'a>,
    reader: Reader<'a>,
    wanted: Wanted,
    catalogue: Option<Catalogue>,
    /// How many entries, from the first, the catalogue is asked about.
    covered: u64,
    /// What is listed next lies before this entry.
    before: u64,
    /// What was read already, the next at the front.
    ready: VecDeque<Listed>,
    documents: HashMap<u64, Option<Document>>,
    chain: Option<Chain>,
    /// What a walk that begins anew must not list a second time.
    listed: Vec<u64>,
    unusable: Option<FollowError>,
    is_contradicted: bool,
}

/// How the captures of a whole history count down.
#[derive(Default)]
struct Chain {
    /// The capture that was listed last: its index and its sequence.
    last: Option<(u64, u64)>,
    /// What was listed after it.
    since: Vec<u64>,
    has_gap_for_a_reason: bool,
}

impl<'a> Listing<'a> {
    /// Begins a list of the entries before `before`, with the help of the catalogue when it can be asked.
    ///
    /// # Errors
    /// When there is no memory to read.
    pub fn begin(log: &'a Log<'a>, wanted: Wanted, before: u64, progress: &dyn Progress) -> Result<Self, ReadError> {
        // A record is found by its hash without the catalogue.
        if let Some(entry) = wanted.blob.map(|hash| log.find_record(hash)).transpose()?.flatten() {
            let mut listing = Self::new(log, None, wanted, 0)?;
            if entry.record.index < before && listing.is_wanted(&entry) {
                listing.ready.push_back(Listed::Entry(Box::new(entry)));
            }
            return Ok(listing);
        }
        let (catalogue, unusable) = match caught_up(log.archive(), progress) {
            Ok(catalogue) => (Some(catalogue), None),
            Err(error) => (None, Some(error)),
        };
        Ok(Self { unusable, ..Self::new(log, catalogue, wanted, before)? })
    }

    fn new(log: &'a Log<'a>, catalogue: Option<Catalogue>, wanted: Wanted, before: u64) -> Result<Self, ReadError> {
        let covered = catalogue.as_ref().and_then(|catalogue| catalogue.covered().ok().flatten());
        let is_history = wanted.history.is_some()
            && (wanted.kinds.is_empty() || wanted.kinds.iter().any(|kind| kind == "capture"))
            && wanted.outcome.is_none()
            && wanted.blob.is_none()
            && wanted.since.is_none()
            && wanted.address.is_none()
            && wanted.entity.is_none();
        Ok(Self {
            log,
            reader: log.reader()?,
            catalogue,
            covered: covered.map_or(0, |covered| covered.size),
            before: before.min(log.size()),
            ready: VecDeque::new(),
            documents: HashMap::new(),
            chain: is_history.then(Chain::default),
            listed: Vec::new(),
            unusable: None,
            is_contradicted: false,
            wanted,
        })
    }

    /// Says why the log is walked, when it is: the same list, slowly.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        if self.is_contradicted {
            return Some("the catalogue contradicts the log, which is walked instead; it will be made anew".to_owned());
        }
        let error = self.unusable.as_ref()?;
        Some(format!("the catalogue cannot be used, so the log is walked: {}", with_causes(error)))
    }

    fn fill(&mut self) {
        while self.ready.is_empty() && self.before > 0 {
            if self.catalogue.is_some() && self.before <= self.covered {
                self.fill_from_catalogue();
            } else {
                self.walk();
            }
        }
    }

    /// Reads the bundle before the last, or what is left of it.
    fn walk(&mut self) {
        let end = self.before;
        let first = (end - 1) / BUNDLE * BUNDLE;
        let first = if self.catalogue.is_some() { first.max(self.covered.min(end - 1)) } else { first };
        self.before = first;
        for index in first..end {
            if self.listed.contains(&index) {
                continue;
            }
            let listed = match self.reader.entry(index) {
                Ok(entry) if self.is_wanted(&entry) => Listed::Entry(Box::new(entry)),
                Ok(_) => continue,
                Err(error) => match self.unread(index, error) {
                    Some(listed) => listed,
                    None => continue,
                },
            };
            self.ready.push_front(listed);
        }
    }

    /// Reads the next records that the catalogue names.
    fn fill_from_catalogue(&mut self) {
        let Some(catalogue) = &self.catalogue else { return };
        let before = self.before;
        let Ok(rows) = catalogue.rows(&self.wanted, before, PAGE) else { return self.distrust(before) };
        self.before = rows.last().map_or(0, |row| row.number);
        if rows.is_empty() && !self.has_whole_chain() {
            let last = self.chain.as_ref().and_then(|chain| chain.last);
            return self.distrust(last.map_or(before, |(index, _)| index));
        }
        let mut read = Vec::new();
        for row in rows.into_iter().rev() {
            match self.reader.entry(row.number) {
                Ok(entry) if !self.is_so(&row, &entry) => return self.distrust(before),
                Ok(entry) if self.is_wanted(&entry) => read.push(Listed::Entry(Box::new(entry))),
                Ok(_) => {}
                Err(error) => read.extend(self.unread(row.number, error)),
            }
        }
        for listed in read.into_iter().rev() {
            if let Some(gap) = self.gap_before(&listed) {
                return self.distrust(gap);
            }
            self.ready.push_back(listed);
        }
    }

    /// Throws the catalogue away and walks the entries before `before`.
    fn distrust(&mut self, before: u64) {
        let _ = self.catalogue.take().map(Catalogue::anew); // Whoever else uses it will find out too.
        self.is_contradicted = true;
        self.listed = self.chain.take().map(|chain| chain.since).unwrap_or_default();
        self.before = before;
    }

    /// Returns where the walk must begin when captures are missing before a listed one.
    fn gap_before(&mut self, listed: &Listed) -> Option<u64> {
        let chain = self.chain.as_mut()?;
        let capture = match listed {
            Listed::Entry(entry) => match &entry.record.body {
                Body::Capture(capture) => Some((entry.record.index, capture.sequence)),
                other => {
                    chain.since.extend(other.visit().map(|_| entry.record.index));
                    None
                }
            },
            Listed::Withdrawn { index, withdrawn } => {
                if let Some(Link::Capture { sequence, .. }) = withdrawn.entry.record.as_ref().map(|record| &record.link)
                {
                    Some((*index, *sequence))
                } else {
                    chain.since.push(*index);
                    None
                }
            }
            Listed::Damaged { index, .. } => {
                chain.has_gap_for_a_reason = true;
                chain.since.push(*index);
                None
            }
        };
        let capture = capture?;
        let last = chain.last.replace(capture);
        let has_gap = !std::mem::take(&mut chain.has_gap_for_a_reason)
            && last.is_some_and(|(_, sequence)| capture.1.checked_add(1) != Some(sequence));
        if has_gap {
            return last.map(|(index, _)| index);
        }
        chain.since.clear();
        None
    }

    fn has_whole_chain(&self) -> bool {
        let Some(Chain { last: Some((_, sequence)), has_gap_for_a_reason, .. }) = &self.chain else { return true };
        *sequence == 1 || *has_gap_for_a_reason
    }

    /// Says whether a record is what is looked for, by what it says itself.
    fn is_wanted(&mut self, entry: &Entry) -> bool {
        let body = &entry.record.body;
        let visit = body.visit();
        let row = Row::of(&entry.record, self.history_of(&entry.record));
        let wanted = &self.wanted;
        let is_plainly = (wanted.kinds.is_empty() || wanted.kinds.contains(&row.kind))
            && wanted.outcome.as_ref().is_none_or(|outcome| row.outcome.as_ref() == Some(outcome))
            && wanted.since.is_none_or(|since| row.time >= since.microseconds())
            && wanted.until.is_none_or(|until| row.time <= until.microseconds())
            && wanted.history.is_none_or(|history| row.history == Some(history))
            && wanted.blob.is_none_or(|hash| entry.record_sha256() == hash || blobs_of(body).contains(&hash));
        if !is_plainly || (wanted.entity.is_none() && wanted.address.is_none()) {
            return is_plainly;
        }
        let document = self.document_of(&entry.record);
        let entity = document.as_ref().and_then(|document| document.entity.clone());
        let has_address = |address: &String| {
            document.as_ref().is_some_and(|document| document.url == *address)
                || visit.is_some_and(|visit| visit.target == *address || visit.final_url == *address)
        };
        (self.wanted.entity.is_none() || entity == self.wanted.entity)
            && self.wanted.address.as_ref().is_none_or(has_address)
    }

    /// Returns what is listed of an entry that could not be read. One that is withdrawn is listed where kind and document
    /// are asked for alone: nobody can say more of it.
    fn unread(&mut self, index: u64, error: ReadError) -> Option<Listed> {
        let ReadError::Withdrawn { withdrawn, .. } = error else { return Some(Listed::Damaged { index, error }) };
        let link = withdrawn.entry.record.as_ref()?.link;
        let document = match (&link, link.document()) {
            (Link::Provision { capture }, _) => {
                self.log.entry(*capture).ok().and_then(|entry| self.document_index_of(&entry.record))
            }
            (_, document) => document,
        };
        let document = document.and_then(|index| Some((index, self.read_document(index)?)));
        let wanted = &self.wanted;
        let of = |document: &(u64, Document)| {
            wanted.history.is_none_or(|history| document.1.amends.unwrap_or(document.0) == history)
                && (wanted.entity.is_none() || document.1.entity == wanted.entity)
                && wanted.address.as_ref().is_none_or(|address| document.1.url == *address)
        };
        let is_any = wanted.history.is_none() && wanted.entity.is_none() && wanted.address.is_none();
        let is_wanted = (wanted.kinds.is_empty() || wanted.kinds.iter().any(|kind| kind == link.kind()))
            && wanted.outcome.is_none()
            && wanted.blob.is_none()
            && wanted.since.is_none()
            && wanted.until.is_none()
            && document.as_ref().map_or(is_any, of);
        is_wanted.then_some(Listed::Withdrawn { index, withdrawn })
    }

    /// Says whether a row is what the catalogue must say of a record.
    fn is_so(&mut self, row: &Row, entry: &Entry) -> bool {
        let begins_alike = |hash: &Hash, other: &Hash| hash.as_bytes()[..8] == other.as_bytes()[..8];
        *row == Row::of(&entry.record, self.history_of(&entry.record))
            && self
                .wanted
                .blob
                .is_none_or(|wanted| blobs_of(&entry.record.body).iter().any(|blob| begins_alike(blob, &wanted)))
    }

    fn history_of(&mut self, record: &Record) -> Option<u64> {
        let document = self.document_index_of(record)?;
        let amends = self.read_document(document)?.amends;
        Some(amends.unwrap_or(document))
    }

    fn document_of(&mut self, record: &Record) -> Option<Document> {
        let document = self.document_index_of(record)?;
        self.read_document(document)
    }

    /// Returns which document record a record names, or is.
    fn document_index_of(&self, record: &Record) -> Option<u64> {
        match &record.body {
            Body::Document(_) => Some(record.index),
            Body::Capture(capture) => Some(capture.document),
            Body::Check(check) => Some(check.document),
            Body::Provision(provision) => match self.log.entry(provision.capture).ok()?.record.body {
                Body::Capture(capture) => Some(capture.document),
                _ => None,
            },
            Body::Genesis(_) | Body::Anchor(_) | Body::Withdrawal(_) | Body::Hold(_) | Body::Key(_) => None,
        }
    }

    fn read_document(&mut self, index: u64) -> Option<Document> {
        let log = self.log;
        self.documents.entry(index).or_insert_with(|| Some(log.document(index).ok()?.1)).clone()
    }
}

/// Finds every document with an address, by its first record, oldest first: one for each vantage.
///
/// # Errors
/// As [`Listing::begin`]; a record that cannot be read is passed over.
pub fn histories<'a>(
    log: &'a Log<'a>,
    address: &str,
    progress: &dyn Progress,
) -> Result<(Vec<u64>, Option<String>), ReadError> {
    let kinds = vec!["document".to_owned()];
    let wanted = Wanted { address: Some(address.to_owned()), kinds, ..Wanted::default() };
    let mut listing = Listing::begin(log, wanted, u64::MAX, progress)?;
    let first = |listed| match listed {
        Listed::Entry(entry) => match &entry.record.body {
            Body::Document(document) if document.amends.is_none() => Some(entry.record.index),
            _ => None,
        },
        Listed::Withdrawn { .. } | Listed::Damaged { .. } => None,
    };
    let mut histories: Vec<u64> = listing.by_ref().filter_map(first).collect();
    histories.reverse();
    Ok((histories, listing.remark()))
}

impl Iterator for Listing<'_> {
    type Item = Listed;

    fn next(&mut self) -> Option<Listed> {
        self.fill();
        self.ready.pop_front()
    }
}

/// Returns every blob that a record names.
fn blobs_of(body: &Body) -> Vec<Hash> {
    match body {
        Body::Provision(provision) => vec![provision.rendition],
        other => other.visit().map(crate::evidence::record::Visit::blobs).unwrap_or_default(),
    }
}
