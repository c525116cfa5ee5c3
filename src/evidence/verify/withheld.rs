//! Withheld: that what a bundle leaves out is what it says, and that what it shows of a text is the record's.

use std::ops::Range;

use super::entry::Entries;
use super::finding::{Check, Finding};
use super::source::{BlobFound, Source};
use super::text::Text;

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::parts::{Redacted, Seed};
use crate::evidence::record::Rendition;
use crate::evidence::withheld::Withheld;

/// What is withheld of one capture or check, checked against its record.
pub(super) struct HeldBack {
    withheld: Withheld,
    text: Option<(Hash, Redacted)>,
}

impl HeldBack {
    /// Says whether a blob is withheld, in whole or in part.
    pub(super) fn names(&self, blob: Hash) -> bool {
        self.withheld.leaves_out(blob) || self.withheld.blackens(blob)
    }

    /// Returns a text as far as it is shown.
    pub(super) fn text_of(&self, blob: Hash) -> Option<&Redacted> {
        self.text.as_ref().filter(|(text, _)| *text == blob).map(|(_, redacted)| redacted)
    }

    /// Says what is withheld, how much of the text is shown and proven, and why.
    pub(super) fn words(&self) -> String {
        let part = self.text.as_ref().map(|(_, redacted)| {
            let range = |range: &Range<u64>| format!("{} to {}", range.start, range.end);
            let ranges: Vec<String> = redacted.ranges().iter().map(range).collect();
            let (ranges, size) = (ranges.join(", "), redacted.text().len());
            format!(", of the text only bytes {ranges}: the rest of its {size} is there and proven")
        });
        format!("withheld{}; the bundle says why: {}", part.unwrap_or_default(), self.withheld.words())
    }
}

/// Checks what a container withholds of a capture or check, by its record. Nothing where nothing is withheld.
pub(super) fn check(source: &dyn Source, id: &Id, entries: &mut Entries<'_>) -> Result<Option<HeldBack>, Finding> {
    let fails = |expected: String, found: String| Finding::fails(Check::Content, expected, found);
    let bytes = match source.withheld(id) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(error) => return Err(fails(format!("what is withheld of {id}"), error.to_string())),
    };
    let Some(entry) = entries.entry(id.index) else { return Ok(None) };
    let Some(visit) = entry.record.body.visit() else { return Ok(None) };
    let withheld = bytes.withheld;
    let named = visit.blobs();
    let foreign = withheld.files.iter().find(|file| !named.contains(file) || withheld.blackens(**file));
    if let Some(foreign) = foreign {
        return Err(fails(format!("files that {id} names among those that are withheld"), foreign.to_string()));
    }
    let Some((hash, ranges)) = &withheld.text else { return Ok(Some(HeldBack { withheld, text: None })) };
    let Some((rendition, parts)) =
        visit.renditions.iter().find_map(|one| Some((one, one.parts?))).filter(|(one, _)| one.sha256 == *hash)
    else {
        return Err(fails(format!("a text of {id} that can be shown in part"), hash.to_string()));
    };
    // Whoever has the page or the seed has what is withheld.
    let Some((text, lines)) = bytes.text else {
        return Err(Finding::missing(Check::Content, format!("the rest of the text of {id}"), "nothing"));
    };
    let redacted = Redacted::parse(text, &lines);
    let checked = redacted.and_then(|redacted| redacted.verify(rendition.size_bytes, parts.sha256).map(|()| redacted));
    let redacted = checked.map_err(|error| fails(format!("parts of the text of {id}"), error.to_string()))?;
    if redacted.ranges() != *ranges {
        return Err(fails(format!("the withheld bytes of {id} as `{ranges:?}`"), format!("`{:?}`", redacted.ranges())));
    }
    let text = Some((*hash, redacted));
    Ok(Some(HeldBack { withheld, text }))
}

/// Checks that a text and a seed that are both there give the hash over the parts; nothing when one of them is not.
pub(super) fn check_seed(source: &dyn Source, id: &Id, rendition: &Rendition) -> Option<Finding> {
    let parts = rendition.parts?;
    let read = |blob: Hash| {
        let mut text = Text::default();
        let is_there = matches!(source.blob(id, blob), Ok(BlobFound::Blob));
        is_there.then(|| source.copy_blob(id, blob, &mut text)).map(|copied| copied.map(|()| text.bytes))
    };
    let (seed, text) = (read(parts.seed)?, read(rendition.sha256)?);
    let fails = |expected: &str, found: String| Some(Finding::fails(Check::Content, expected, found));
    let (seed, text) = match (seed, text) {
        (Ok(seed), Ok(text)) => (seed, text),
        (Err(error), _) | (_, Err(error)) => return fails("the text and the seed of its parts", error.to_string()),
    };
    let Some(seed) = Seed::from_slice(&seed) else {
        return fails("a seed of 32 bytes for the parts of the text", format!("{} bytes", seed.len()));
    };
    let computed = seed.commit(&text);
    let expected = format!("parts of the text with the hash {}", parts.sha256);
    (computed != parts.sha256).then(|| Finding::fails(Check::Content, expected, computed.to_string()))
}
