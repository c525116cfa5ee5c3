//! What came last: the blobs that the next one of a document is likely to resemble.
//!
//! | key                             | value                                                                   |
//! |---------------------------------|-------------------------------------------------------------------------|
//! | `last` ‖ role ‖ history         | SHA-256 of the newest [`OWN_COUNT_MAX`] blobs of the document, newest first |
//! | `site` ‖ role ‖ SHA-256 of site | of the newest two documents of the site: history, SHA-256 of the newest blob |
//!
//! A part of the writer's index ([`super::index`]), and derived like it: where nothing is known, a blob is stored as
//! a plain frame. Visits run on their own threads and ask here while the sequencer learns, so that a [`References`] is
//! shared between them.
//!
//! A document's own blobs are few steps apart; those of another document of the site share its navigation and scripts,
//! which is most of a page, and change on the same day.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::base::hash::Hash;
use crate::evidence::record::Visit;

/// How many of a document's own blobs are offered: pages that come in two or three variants find their own.
pub const OWN_COUNT_MAX: usize = 3;

/// How many documents of a site are remembered: the newest that is another one is among two.
const SITE_COUNT_MAX: usize = 2;

const SITE_ROW_BYTES: usize = 8 + Hash::SIZE_BYTES;

/// What a blob is to its document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The document's own bytes.
    Page,
    /// Their text rendition.
    Text,
}

/// What came last, shared between the sequencer and the visits.
#[derive(Clone)]
pub struct References {
    db: sled::Db,
    /// What is learnt of unpublished entries.
    fresh: Arc<RwLock<HashMap<Vec<u8>, Vec<u8>>>>,
}

impl References {
    pub(super) fn new(db: sled::Db) -> Self {
        Self { db, fresh: Arc::default() }
    }

    /// Returns the blobs that the next one of a document may resemble, the likeliest first. A `history` of `None` is
    /// that of a document without a record.
    #[must_use]
    pub fn likely(&self, history: Option<u64>, site: &str, part: Part) -> Vec<Hash> {
        let own = history.and_then(|history| self.get(&last(history, part))).unwrap_or_default();
        let mut likely: Vec<Hash> = own.chunks_exact(Hash::SIZE_BYTES).filter_map(hash).collect();
        let others = self.get(&of_site(site, part)).unwrap_or_default();
        let mut others = others.chunks_exact(SITE_ROW_BYTES);
        let other =
            others.find(|row| Some(&row[..8]) != history.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        likely.extend(other.and_then(|row| hash(&row[8..])).filter(|other| !likely.contains(other)));
        likely
    }

    /// Returns the history of the document with a key, when it has a published record.
    #[must_use]
    pub fn history(&self, document: Hash) -> Option<u64> {
        let known = self.get(&super::index::key_of(b"document", document.as_bytes()))?;
        super::index::number(&known, 8)
    }

    /// Takes in what a visit of a history brought.
    pub fn learn(&self, history: u64, visit: &Visit) {
        let site = site_of(&visit.target);
        self.learn_blob(history, &site, Part::Page, visit.primary.sha256);
        if let Some(text) = visit.text() {
            self.learn_blob(history, &site, Part::Text, text.sha256);
        }
    }

    /// Takes in one blob of a history.
    pub fn learn_blob(&self, history: u64, site: &str, part: Part, blob: Hash) {
        let blob = blob.as_bytes().as_slice();
        let own = self.get(&last(history, part)).unwrap_or_default();
        let before = own.chunks_exact(Hash::SIZE_BYTES).filter(|known| *known != blob).take(OWN_COUNT_MAX - 1);
        let own = std::iter::once(blob).chain(before).flatten().copied().collect();
        let number = history.to_be_bytes();
        let others = self.get(&of_site(site, part)).unwrap_or_default();
        let before = others.chunks_exact(SITE_ROW_BYTES).filter(|row| row[..8] != number).take(SITE_COUNT_MAX - 1);
        let others = number.iter().chain(blob).chain(before.flatten()).copied().collect();
        let mut fresh = self.fresh.write().unwrap_or_else(PoisonError::into_inner);
        fresh.insert(last(history, part), own);
        fresh.insert(of_site(site, part), others);
    }

    /// Returns all that was learnt since [`References::forget_fresh`], for the index to write.
    pub(super) fn fresh(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let fresh = self.fresh.read().unwrap_or_else(PoisonError::into_inner);
        fresh.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Forgets what the index holds now.
    pub(super) fn forget_fresh(&self) {
        self.fresh.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A value that cannot be read is not known: the index says on its own account when it is damaged.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        if let Some(value) = self.fresh.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Some(value.clone());
        }
        self.db.get(key).ok()?.map(|value| value.to_vec())
    }
}

/// Returns what the addresses of one site have in common: scheme and server, or the folder of a file.
#[must_use]
pub fn site_of(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = if scheme == "file" { rest.rfind('/') } else { rest.find(['/', '?', '#']) };
    format!("{scheme}://{}", &rest[..end.unwrap_or(rest.len())])
}

impl Part {
    const fn letter(self) -> &'static [u8] {
        match self {
            Self::Page => b"p",
            Self::Text => b"t",
        }
    }
}

fn last(history: u64, part: Part) -> Vec<u8> {
    [b"last", part.letter(), &history.to_be_bytes()].concat()
}

fn of_site(site: &str, part: Part) -> Vec<u8> {
    [b"site", part.letter(), Hash::of(site.as_bytes()).as_bytes()].concat()
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    Hash::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(n: u8) -> Hash {
        Hash::of(&[n])
    }

    #[test]
    fn offers_a_documents_own_blobs_first_and_then_one_of_its_site() {
        let folder = tempfile::tempdir().unwrap();
        let references = References::new(sled::open(folder.path()).unwrap());
        let likely = |history, site: &str| references.likely(history, site, Part::Page);
        assert_eq!(likely(None, "https://a.example"), []);
        for n in [1, 2, 3, 2, 4] {
            references.learn_blob(10, "https://a.example", Part::Page, blob(n));
        }
        assert_eq!(likely(Some(10), "https://a.example"), [blob(4), blob(2), blob(3)]);
        assert_eq!(likely(None, "https://a.example"), [blob(4)]);
        assert_eq!(likely(None, "https://b.example"), []);
        references.learn_blob(11, "https://a.example", Part::Page, blob(9));
        assert_eq!(likely(Some(10), "https://a.example"), [blob(4), blob(2), blob(3), blob(9)]);
        assert_eq!(likely(Some(11), "https://a.example"), [blob(9), blob(4)]);
        assert_eq!(references.likely(Some(10), "https://a.example", Part::Text), []);
    }

    #[test]
    fn tells_sites_apart_by_scheme_and_server_and_files_by_folder() {
        for (url, site) in [
            ("https://a.example/terms?x#y", "https://a.example"),
            ("https://a.example?x", "https://a.example"),
            ("http://a.example:8080", "http://a.example:8080"),
            ("file:///home/x/terms.html", "file:///home/x"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(site_of(url), site);
        }
    }
}
