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

use crate::base::hash::Hash;

/// How hard a blob is compressed against each reference, to see which serves best.
const TRIAL_LEVEL: i32 = 3;

/// How hard it is compressed against the best. Level 3 takes a fifth of the time and makes frames a fourth larger;
/// level 19 takes ten times as long and makes them a twentieth smaller.
const LEVEL: i32 = 9;

/// What naming a base costs: three more fields in the map.
const NAMING_BYTES: usize = 64;

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

/// Compresses `bytes`, whose plain frame is given, against the reference that serves best, if any does.
pub(super) fn lean(bytes: &[u8], plain: &[u8], references: &[Arc<Reference>]) -> io::Result<Option<Leaning>> {
    let is_small = u64::try_from(bytes.len()).is_ok_and(|length| length <= REFERENCE_BYTES_MAX);
    let is_dense = plain.len() > bytes.len() / 8 * 7;
    if !is_small || is_dense || plain.len() <= NAMING_BYTES {
        return Ok(None);
    }
    let mut best: Option<(&Arc<Reference>, Vec<u8>)> = None;
    for reference in references {
        let frame = compress_against(bytes, reference, TRIAL_LEVEL)?;
        let is_good_enough = frame.len() <= bytes.len() / GOOD_ENOUGH;
        if best.as_ref().is_none_or(|(_, best)| frame.len() < best.len()) {
            best = Some((reference, frame));
        }
        if is_good_enough {
            break;
        }
    }
    let Some((reference, trial)) = best else { return Ok(None) };
    let harder = compress_against(bytes, reference, LEVEL)?;
    let frame = if harder.len() < trial.len() { harder } else { trial };
    let is_worth_it = frame.len() + NAMING_BYTES < plain.len();
    Ok(is_worth_it.then_some(Leaning { base: reference.hash, depth: reference.depth, frame }))
}

fn compress_against(bytes: &[u8], reference: &Reference, level: i32) -> io::Result<Vec<u8>> {
    let named = |code| io::Error::other(zstd_safe::get_error_name(code));
    // A window that reaches back over both.
    let both = bytes.len() + reference.bytes.len();
    let window_log = (usize::BITS - both.leading_zeros()).max(WINDOW_LOG_MIN);
    let mut context = CCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
    context.set_parameter(CParameter::CompressionLevel(level)).map_err(named)?;
    context.set_parameter(CParameter::ChecksumFlag(true)).map_err(named)?;
    context.set_parameter(CParameter::WindowLog(window_log)).map_err(named)?;
    context.ref_prefix(&reference.bytes).map_err(named)?;
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(bytes.len()));
    context.compress2(&mut frame, bytes).map_err(named)?;
    frame.shrink_to_fit();
    Ok(frame)
}
