//! Blobs: each stretch of a segment that holds none, filled with what the backup has there.

use std::collections::HashSet;

use super::Healed;

use crate::archivist::follow::FollowError;
use crate::archivist::read::Log;
use crate::outside::archive::Archive;
use crate::outside::archive::packs::Packs;

/// Fills what is damaged, given the members that an audit found to be so.
pub(super) fn heal(
    packs: &Packs,
    backup: &Archive,
    log: &Log<'_>,
    failed: &HashSet<(u32, u64)>,
    healed: &mut Healed,
) -> Result<(), FollowError> {
    let from = backup.packs();
    let mut segments: Vec<u32> = packs.segments()?;
    segments.extend(from.segments()?);
    segments.sort_unstable();
    segments.dedup();
    // What the backup promises was in the archive once: a segment that ends before it was cut off.
    let promised = log.entry(log.size() - 1).ok().and_then(|entry| from.locate(entry.record_sha256()).ok());
    for segment in segments {
        let end = match &promised {
            Some((last, _)) if segment > *last => 0,
            Some((last, member)) if segment == *last => member.end(),
            _ => from.length(segment)?,
        };
        let damaged: HashSet<u64> = failed.iter().filter(|(of, _)| *of == segment).map(|(_, at)| *at).collect();
        let length = packs.length(segment)?;
        let mut gaps = if length == 0 { Vec::new() } else { packs.gaps(segment, &damaged)? };
        match gaps.last_mut() {
            Some(last) if last.end == length => last.end = end.max(length),
            _ if length < end => gaps.push(length..end),
            _ => {}
        }
        for gap in gaps {
            let filled = packs.fill(from, segment, gap)?;
            healed.healed.extend(
                filled.iter().map(|(hash, offset)| format!("blob {hash} in packs/{segment:08}.pack at byte {offset}")),
            );
        }
        heal_rows(packs, segment, healed)?;
    }
    Ok(())
}

/// Writes rows that do not list what the segment holds anew: they are derived from it.
fn heal_rows(packs: &Packs, segment: u32, healed: &mut Healed) -> Result<(), FollowError> {
    if packs.length(segment)? == 0 {
        return Ok(());
    }
    let is_listed = packs.path(segment).with_extension("index").exists();
    let is_sealed = is_listed || packs.segments()?.last() != Some(&segment);
    let members = packs.walk(segment, 0)?.filter_map(Result::ok);
    let mut members: Vec<_> = members.map(|member| (member.hash, member.offset)).collect();
    let rows = packs.rows(segment)?.unwrap_or_default();
    let is_right = if is_sealed {
        members.sort_unstable(); // Their order is what they are searched by.
        is_listed && rows.listed == members
    } else {
        members.starts_with(&rows.listed) // A writer lists a member a moment after it wrote it.
    };
    if !is_right || rows.trailing_bytes > 0 {
        packs.list_anew(segment, is_sealed)?;
        let extension = if is_sealed { "index" } else { "rows" };
        healed.healed.push(format!("packs/{segment:08}.{extension}: made again from the pack"));
    }
    Ok(())
}
