//! What came last: the blobs that the next one of a document is likely to resemble.
//!
//! | key                      | value                                                                      |
//! |--------------------------|----------------------------------------------------------------------------|
//! | `s` ‖ role ‖ SHA-256 of site | of the newest two documents of the site: history, SHA-256 of the newest blob |
//!
//! A document's own pages and texts are in its row (`past`).
//!
//! A part of the writer's index ([`super::index`]), and derived like it: where nothing is known, a blob is stored as
//! a plain frame. Visits run on their own threads and ask here while the sequencer learns, so that a [`References`] is
//! shared between them.
//!
//! A document's own blobs are few steps apart; those of another document of the site share its navigation and scripts,
//! which is most of a page, and change on the same day.

use super::past::{Newest, Past, number};
use super::pasts::{PastError, Pasts, document_key};

use crate::base::hash::Hash;
use crate::evidence::record::Visit;

/// How many documents of a site are remembered: the newest that is another one is among two.
const SITE_COUNT_MAX: usize = 2;

const SITE_ROW_BYTES: usize = 8 + Hash::SIZE_BYTES;

/// What a blob is to its document.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Part {
    /// The document's own bytes.
    Page,
    /// Their text rendition.
    Text,
}

/// What came last, shared between the sequencer and the visits.
#[derive(Clone)]
pub struct References {
    pasts: Pasts,
}

impl References {
    pub(super) fn new(pasts: Pasts) -> Self {
        Self { pasts }
    }

    /// Returns the blobs that the next one of a document may resemble, the likeliest first. A `history` of `None` is
    /// that of a document without a record.
    #[must_use]
    pub fn likely(&self, history: Option<u64>, site: &str, part: Part) -> Vec<Hash> {
        // What cannot be read is not known: the index says on its own account when it is damaged.
        let own = history.and_then(|history| self.pasts.look(history, |past| *part.of(past)).ok()?);
        let mut likely: Vec<Hash> = own.unwrap_or_default().iter().collect();
        let others = self.pasts.get(&of_site(site, part)).ok().flatten().unwrap_or_default();
        let mut others = others.chunks_exact(SITE_ROW_BYTES);
        let other =
            others.find(|row| Some(&row[..8]) != history.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        likely.extend(other.and_then(|row| hash(&row[8..])).filter(|other| !likely.contains(other)));
        likely
    }

    /// Returns the history of the document with a key, when it has a record.
    #[must_use]
    pub fn history(&self, document: Hash) -> Option<u64> {
        let known = self.pasts.get(&document_key(document)).ok()??;
        number(&known, 8)
    }

    /// Takes in what a visit of a history brought.
    ///
    /// # Errors
    /// When what is known cannot be read.
    pub fn learn(&self, history: u64, visit: &Visit) -> Result<(), PastError> {
        let site = site_of(&visit.target);
        self.learn_blob(history, &site, Part::Page, visit.primary.sha256)?;
        visit.text().map_or(Ok(()), |text| self.learn_blob(history, &site, Part::Text, text.sha256))
    }

    /// Takes in one blob of a history.
    ///
    /// # Errors
    /// As [`References::learn`].
    pub fn learn_blob(&self, history: u64, site: &str, part: Part, blob: Hash) -> Result<(), PastError> {
        self.pasts.change(history, |past| part.of_mut(past).add(blob))?;
        let number = history.to_be_bytes();
        let others = self.pasts.get(&of_site(site, part))?.unwrap_or_default();
        let before = others.chunks_exact(SITE_ROW_BYTES).filter(|row| row[..8] != number).take(SITE_COUNT_MAX - 1);
        let others = number.iter().chain(blob.as_bytes()).chain(before.flatten()).copied().collect();
        self.pasts.put(of_site(site, part), others);
        Ok(())
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

    const fn of(self, past: &Past) -> &Newest {
        match self {
            Self::Page => &past.pages,
            Self::Text => &past.texts,
        }
    }

    const fn of_mut(self, past: &mut Past) -> &mut Newest {
        match self {
            Self::Page => &mut past.pages,
            Self::Text => &mut past.texts,
        }
    }
}

fn of_site(site: &str, part: Part) -> Vec<u8> {
    [b"s", part.letter(), Hash::of(site.as_bytes()).as_bytes()].concat()
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    Hash::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::archive::stop::Stop;

    fn blob(n: u8) -> Hash {
        Hash::of(&[n])
    }

    #[test]
    fn offers_a_documents_own_blobs_first_and_then_one_of_its_site() {
        let folder = tempfile::tempdir().unwrap();
        let db = sled::open(folder.path().join("sled")).unwrap();
        let references = References::new(Pasts::open(folder.path(), db, Stop::default()).unwrap());
        let likely = |history, site: &str| references.likely(history, site, Part::Page);
        assert_eq!(likely(None, "https://a.example"), []);
        for n in [1, 2, 3, 2, 4] {
            references.learn_blob(10, "https://a.example", Part::Page, blob(n)).unwrap();
        }
        assert_eq!(likely(Some(10), "https://a.example"), [blob(4), blob(2), blob(3)]);
        assert_eq!(likely(None, "https://a.example"), [blob(4)]);
        assert_eq!(likely(None, "https://b.example"), []);
        references.learn_blob(11, "https://a.example", Part::Page, blob(9)).unwrap();
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
