//! Content: every file that a record names is there with the hash that it names, and every quote stands
//! where the record says.

use super::entry::{Entries, VerifiedEntry};
use super::finding::{Check, Finding, NOBODY, Outcome};
use super::source::{BlobFound, Source};
use super::text::Text;
use super::withheld::{self, HeldBack};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::record::{Body, Provision};

/// Checks the blobs of a capture or check, or the passage of a provision; nothing for other kinds.
pub(super) fn check(source: &dyn Source, entry: &VerifiedEntry, entries: &mut Entries<'_>) -> Option<Finding> {
    if let Body::Provision(provision) = &entry.record.body {
        return Some(passage(source, provision, entries));
    }
    let visit = entry.record.body.visit()?;
    let finding = blobs_of(source, &entry.id, &visit.blobs(), entries);
    if finding.outcome == Outcome::Fails {
        return Some(finding);
    }
    // What the record commits to part by part is held against the text itself, wherever both are there.
    let mismatch = visit.renditions.iter().find_map(|rendition| withheld::check_seed(source, &entry.id, rendition));
    Some(mismatch.unwrap_or(finding))
}

fn blobs_of(source: &dyn Source, id: &Id, blobs: &[Hash], entries: &mut Entries<'_>) -> Finding {
    let mut missing = Vec::new();
    let held_back = match withheld::check(source, id, entries) {
        Ok(held_back) => held_back,
        Err(finding) => return finding,
    };
    let mut withheld_count = 0;
    let withdrawing = entries.withdrawing(id.index);
    let (mut withdrawn_count, mut by) = (0, Vec::new());
    for hash in blobs {
        // What is withdrawn is not asked for, though the same bytes may have been captured again.
        if let Some(withdrawn) = withdrawing.iter().find(|one| one.names(*hash)) {
            withdrawn_count += 1;
            by.push(withdrawn.words().to_owned());
            continue;
        }
        if held_back.as_ref().is_some_and(|one| one.names(*hash)) {
            withheld_count += 1;
            continue;
        }
        match source.blob(id, *hash) {
            Ok(BlobFound::Blob) => {}
            Ok(BlobFound::Nothing { name }) => missing.push(name),
            Ok(BlobFound::Other { name, found }) => {
                return Finding::fails(Check::Content, format!("SHA-256 {hash} in `{name}`"), found);
            }
            Err(error) => return Finding::fails(Check::Content, format!("SHA-256 {hash}"), error.to_string()),
        }
    }
    by.dedup();
    let by = by.join("; ");
    if let Some(held_back) = held_back.filter(|_| missing.is_empty() && withheld_count > 0) {
        let there = blobs.len() - withdrawn_count - withheld_count;
        let withdrawn = if by.is_empty() { by } else { format!("; {withdrawn_count} {by}") };
        let found = format!("{there} of them; {withheld_count} {}{withdrawn}", held_back.words());
        return Finding::not_shown(Check::Content, format!("all {} files that the record names", blobs.len()), found);
    }
    if missing.is_empty() && withdrawn_count > 0 {
        let expected = format!("all {} files that the record names", blobs.len());
        let found = format!("{} of them; {withdrawn_count} {by}", blobs.len() - withdrawn_count);
        return Finding::not_shown(Check::Content, expected, found);
    }
    if missing.is_empty() {
        let found = format!("{} file(s) with the hashes that the record names", blobs.len());
        return Finding::holds(Check::Content, found, NOBODY);
    }
    let (expected, count) = (format!("all {} files that the record names", blobs.len()), missing.len());
    if !source.is_whole() {
        let found =
            format!("the SHA-256 of each in the record; {count} are not here, and are to be compared elsewhere");
        return Finding::not_shown(Check::Content, expected, found);
    }
    Finding::missing(Check::Content, expected, format!("without `{}`", missing.join("`, `")))
}

fn passage(source: &dyn Source, provision: &Provision, entries: &mut Entries<'_>) -> Finding {
    let Some(capture) = entries.entry(provision.capture) else {
        let expected = format!("the quoted capture, entry {}", provision.capture);
        return entries.absent(Check::Content, provision.capture, expected);
    };
    let text = capture.record.body.visit().and_then(|visit| visit.text()).map(|text| text.sha256);
    if text != Some(provision.rendition) {
        return Finding::fails(
            Check::Content,
            format!("a quote from the text of `{}`", capture.id),
            "a quote from another text",
        );
    }
    let bytes = match quoted_text(source, provision, &capture, entries) {
        Ok(bytes) => bytes,
        Err(finding) => return finding,
    };
    let found =
        usize::try_from(provision.start).ok().zip(usize::try_from(provision.end).ok()).and_then(|(start, end)| {
            let text = std::str::from_utf8(&bytes).ok()?;
            Some((text.get(..start)?, text.get(start..end)?, text.get(end..)?))
        });
    match found {
        Some((before, exact, after))
            if exact == provision.exact
                && before.ends_with(&provision.prefix)
                && after.starts_with(&provision.suffix) =>
        {
            let found = format!(
                "the quoted words, bytes {} to {} of the text of `{}`",
                provision.start, provision.end, capture.id
            );
            Finding::holds(Check::Content, found, NOBODY)
        }
        Some((_, exact, _)) => Finding::fails(Check::Content, provision.exact.clone(), exact.to_owned()),
        None => Finding::fails(
            Check::Content,
            "a passage within the text",
            format!("bytes {} to {}", provision.start, provision.end),
        ),
    }
}

/// Returns the text that a passage is quoted from; blacked out where the passage itself is not, when some of it is withheld.
fn quoted_text(
    source: &dyn Source,
    provision: &Provision,
    capture: &VerifiedEntry,
    entries: &mut Entries<'_>,
) -> Result<Vec<u8>, Finding> {
    let held_back = withheld::check(source, &capture.id, entries)?;
    if let Some(redacted) = held_back.as_ref().and_then(|one| one.text_of(provision.rendition)) {
        let range = provision.start..provision.end;
        let expected = format!("the words at bytes {} to {} of the text of `{}`", range.start, range.end, capture.id);
        let found = || held_back.as_ref().map(HeldBack::words).unwrap_or_default();
        let is_shown = redacted.shows(&range);
        return if is_shown {
            Ok(redacted.text().to_vec())
        } else {
            Err(Finding::not_shown(Check::Content, expected, found()))
        };
    }
    let finding = blobs_of(source, &capture.id, &[provision.rendition], entries);
    if finding.outcome != Outcome::Holds {
        return Err(finding);
    }
    let mut text = Text::default();
    let copied = source.copy_blob(&capture.id, provision.rendition, &mut text);
    copied.map_err(|error| Finding::fails(Check::Content, "the quoted text", error.to_string()))?;
    Ok(text.bytes)
}
