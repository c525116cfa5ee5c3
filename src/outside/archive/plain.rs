//! Plain frames: a blob compressed by itself, before anybody looks for one that it could lean on.

use std::cell::RefCell;
use std::io;

/// How hard blobs are compressed: one processor keeps up with the network. zstd's own default takes twice as long,
/// a sixth of all that a capture costs, to make pages a fourteenth smaller.
pub(super) const LEVEL: i32 = 1;

thread_local! {
    /// Making a compressor costs more than compressing a record does, so that each thread keeps one.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses bytes that are in memory to one frame with zstd's checksum.
///
/// # Errors
/// When there is no memory for it.
pub(super) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        if let Some(compressor) = kept {
            return compressor.compress(bytes);
        }
        let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
        compressor.include_checksum(true)?;
        kept.insert(compressor).compress(bytes)
    })
}
