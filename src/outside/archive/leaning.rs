//! Leaning frames: a blob compressed against another that is much like it.
//!
//! | quantity | unit  | range                                                                       |
//! |----------|-------|-----------------------------------------------------------------------------|
//! | blob     | bytes | at most [`REFERENCE_BYTES_MAX`]                                              |
//! | gain     | bytes | more than `NAMING_BYTES`, or the plain frame is kept                         |
//!
//! The frame is what `zstd --patch-from=BASE` makes: any zstd reads it back with `zstd -d --patch-from=BASE`.

use std::io;
use std::sync::Arc;

use zstd::zstd_safe::{self, CCtx, CParameter};

use super::packs::{REFERENCE_BYTES_MAX, Reference};
use super::plain;

use crate::base::hash::Hash;

/// How hard a blob is compressed against each reference, to see which serves best.
const TRIAL_LEVEL: i32 = 3;

/// How hard it is compressed against the best. Level 3 takes a fifth of the time and makes frames a fourth larger;
/// level 19 takes ten times as long and makes them a twentieth smaller.
const LEVEL: i32 = 9;

/// How hard what is packed again is compressed, when nobody waits for it.
const LEISURE_LEVEL: i32 = 19;

/// What naming a base costs: three more fields in the map.
const NAMING_BYTES: usize = 64;

/// What a shallower reference may cost, besides a tenth: on the corpus it halves the depth for a hundredth more bytes.
const SHALLOWER_BYTES: usize = 50;

/// A frame is this much smaller than its blob, or it is good enough and no other reference is tried.
const GOOD_ENOUGH: usize = 100;

/// The smallest window that zstd has.
const WINDOW_LOG_MIN: u32 = 10;

/// A blob compressed against another.
pub(super) struct Leaning {
    /// The other.
    pub(super) base: Hash,
    /// How many frames are decoded before this one.
    pub(super) depth: u64,
    /// The frame.
    pub(super) frame: Vec<u8>,
}

/// Compresses `bytes` anew, whose plain frame is given: against the reference that serves best, or harder by itself
/// where none does, since others will lean on it then.
pub(super) fn lean(
    bytes: &[u8],
    plain: &mut Vec<u8>,
    references: &mut dyn Iterator<Item = Arc<Reference>>,
) -> io::Result<Option<Leaning>> {
    let is_dense = plain.len() > bytes.len() / 8 * 7;
    if !is_small(bytes) || is_dense || plain.len() <= NAMING_BYTES {
        return Ok(None);
    }
    if let Some((reference, trial)) = best(bytes, references)?
        && trial.len() + NAMING_BYTES < plain.len()
    {
        let (reference, trial) = shallower(bytes, &reference, trial)?;
        let harder = if is_good_enough(bytes, &trial) { None } else { Some(compress(bytes, &reference.bytes, LEVEL)?) };
        let frame = harder.filter(|harder| harder.len() < trial.len()).unwrap_or(trial);
        return Ok(Some(Leaning { base: reference.hash, depth: reference.depth, frame }));
    }
    let harder = compress(bytes, &[], LEVEL)?;
    if harder.len() < plain.len() {
        *plain = harder;
    }
    Ok(None)
}

/// What a plain frame becomes when it is packed again.
pub(super) enum Again {
    /// A plain frame that is smaller.
    Plain(Vec<u8>),
    /// A frame that is compressed against another blob.
    Leaning(Leaning),
}

/// Says whether a plain frame of some length was made quickly: it is no shorter than such a one, and a reference or more
/// time makes a shorter one.
pub(super) fn is_quick(bytes: &[u8], plain_length: usize, references: Vec<Reference>) -> io::Result<bool> {
    if !is_small(bytes) || plain::compress(bytes)?.len() > plain_length {
        return Ok(false);
    }
    let best = best(bytes, &mut references.into_iter().map(Arc::new))?;
    Ok(best.is_some_and(|(_, frame)| frame.len() + NAMING_BYTES < plain_length)
        || compress(bytes, &[], LEVEL)?.len() < plain_length)
}

/// Compresses a blob again whose plain frame has `plain_length` bytes, as hard as is worth while; nothing where that makes
/// it no smaller.
pub(super) fn lean_again(bytes: &[u8], plain_length: usize, references: Vec<Reference>) -> io::Result<Option<Again>> {
    if !is_small(bytes) {
        return Ok(None);
    }
    let plain = compress(bytes, &[], LEISURE_LEVEL)?;
    if let Some((reference, _)) = best(bytes, &mut references.into_iter().map(Arc::new))? {
        let frame = compress(bytes, &reference.bytes, LEISURE_LEVEL)?;
        if frame.len() + NAMING_BYTES < plain.len().min(plain_length) {
            return Ok(Some(Again::Leaning(Leaning { base: reference.hash, depth: reference.depth, frame })));
        }
    }
    Ok((plain.len() < plain_length).then_some(Again::Plain(plain)))
}

/// Finds the reference that serves best, and what the blob is against it.
fn best(
    bytes: &[u8],
    references: &mut dyn Iterator<Item = Arc<Reference>>,
) -> io::Result<Option<(Arc<Reference>, Vec<u8>)>> {
    let mut best: Option<(Arc<Reference>, Vec<u8>)> = None;
    while best.as_ref().is_none_or(|(_, best)| !is_good_enough(bytes, best)) {
        let Some(reference) = references.next() else { break };
        let frame = compress(bytes, &reference.bytes, TRIAL_LEVEL)?;
        if best.as_ref().is_none_or(|(_, best)| frame.len() < best.len()) {
            best = Some((reference, frame));
        }
    }
    Ok(best)
}

fn is_small(bytes: &[u8]) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|length| length <= REFERENCE_BYTES_MAX)
}

fn is_good_enough(bytes: &[u8], frame: &[u8]) -> bool {
    frame.len() <= bytes.len() / GOOD_ENOUGH
}

/// Takes one that the reference leans on itself in its place, where that serves about as well: what differs from one
/// capture to the next and means nothing, as a nonce, differs as much from the first.
fn shallower<'r>(bytes: &[u8], reference: &'r Reference, trial: Vec<u8>) -> io::Result<(&'r Reference, Vec<u8>)> {
    for shallower in &reference.shallower {
        let frame = compress(bytes, &shallower.bytes, TRIAL_LEVEL)?;
        if frame.len() <= trial.len() + trial.len() / 10 + SHALLOWER_BYTES {
            return Ok((shallower, frame));
        }
    }
    Ok((reference, trial))
}

/// Compresses `bytes` behind `base`, which may be empty.
fn compress(bytes: &[u8], base: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let named = |code| io::Error::other(zstd_safe::get_error_name(code));
    // A window that reaches back over both.
    let both = bytes.len() + base.len();
    let window_log = (usize::BITS - both.leading_zeros()).max(WINDOW_LOG_MIN);
    let mut context = CCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
    context.set_parameter(CParameter::CompressionLevel(level)).map_err(named)?;
    context.set_parameter(CParameter::ChecksumFlag(true)).map_err(named)?;
    context.set_parameter(CParameter::WindowLog(window_log)).map_err(named)?;
    context.ref_prefix(base).map_err(named)?;
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(bytes.len()));
    context.compress2(&mut frame, bytes).map_err(named)?;
    frame.shrink_to_fit();
    Ok(frame)
}
