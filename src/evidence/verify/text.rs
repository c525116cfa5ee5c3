//! Text: a rendition that is searched or compared, in memory.

use std::io::{self, Write};

/// The longest text that a quote is looked for in: no rendition is made of a page above 32 MiB, and its text is
/// shorter than twice that.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// A text in memory, up to its limit.
#[derive(Default)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > TEXT_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
