//! Leaning: what a visit brought home is compressed against what came before it.
//!
//! | quantity | unit  | range                                                        |
//! |----------|-------|--------------------------------------------------------------|
//! | memory   | bytes | at most [`KEPT_COUNT_MAX`] references of a mebibyte each      |
//!
//! It is done where the visit is rendered, on a thread of its own, so that the sequencer does not wait for it. A page or
//! text is offered the newest ones of its document and one of its site; which serves, or none, is for
//! [`crate::outside::archive::spool`] to see.
//!
//! A document's first page and text keep their plain frames while the processors are behind the network, or pages come in
//! a rush ([`Haste`]): to try others of the site, and then harder, takes three times as long as all else that a visit
//! costs, and makes a tenth of what the captures after it gain by leaning on their own document.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::visit::{VisitError, Visited};

use crate::base::hash::Hash;
use crate::outside::archive::packs::{Packs, Reference};
use crate::outside::archive::references::{Part, References, site_of};

/// How many references stay decoded: the documents of a site that are visited together share one.
const KEPT_COUNT_MAX: usize = 8;

/// Whether other pages wait for the processor, or are about to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Haste {
    /// None.
    No,
    /// Some.
    Yes,
}

/// Compresses visits against those before.
pub(super) struct Leaner {
    packs: Packs,
    references: References,
    kept: Mutex<VecDeque<Arc<Reference>>>,
}

impl Leaner {
    pub(super) fn new(packs: &Packs, references: References) -> Self {
        Self { packs: packs.clone(), references, kept: Mutex::default() }
    }

    /// Compresses the page and the text of a visit to the document with a key.
    ///
    /// # Errors
    /// [`VisitError::Spool`] when there is no memory for it.
    pub(super) fn lean(&self, document: Hash, visited: &mut Visited, haste: Haste) -> Result<(), VisitError> {
        let history = self.references.history(document);
        if history.is_none() && haste == Haste::Yes {
            return Ok(());
        }
        let site = site_of(&visited.visit.target);
        let page = Some((visited.visit.primary.sha256, Part::Page));
        let text = visited.visit.text().map(|text| (text.sha256, Part::Text));
        for (hash, part) in page.into_iter().chain(text) {
            let Some(blob) = visited.blobs.iter_mut().find(|blob| blob.hash == hash) else { continue };
            let likely = self.references.likely(history, &site, part);
            if likely.contains(&hash) {
                continue; // It is held already.
            }
            let mut references = likely.into_iter().filter_map(|hash| self.reference(hash));
            blob.compress_against(&mut references).map_err(VisitError::Spool)?;
        }
        Ok(())
    }

    /// An older blob that cannot be read is no reason not to keep a newer one: `audit` says what is wrong with it.
    fn reference(&self, hash: Hash) -> Option<Arc<Reference>> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().iter().find(|kept| kept.hash == hash) {
            return Some(kept.clone());
        }
        let read = Arc::new(self.packs.reference(hash).ok()??);
        let mut kept = lock();
        kept.push_front(read.clone());
        kept.truncate(KEPT_COUNT_MAX);
        Some(read)
    }
}
