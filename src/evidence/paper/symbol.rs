//! Symbols: lines as QR codes (ISO/IEC 18004), all of one size, so that they fill a page evenly.

use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

/// A QR code without its quiet zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Symbol {
    number: usize,
    rows: Vec<Vec<bool>>,
}

/// The version of every symbol: 117 modules, of which each is 0.6 mm on a page with six.
const VERSION: u8 = 25;

/// How many light modules must stand around a symbol (§5.3.8).
pub const QUIET_ZONE: usize = 4;

impl Symbol {
    /// Draws the line of part `number`.
    pub(super) fn of(number: usize, line: &str) -> Self {
        let version = Version::new(VERSION);
        let segments = [QrSegment::make_alphanumeric(line)];
        let code = QrCode::encode_segments_advanced(&segments, QrCodeEcc::Medium, version, version, None, false);
        let code = code.expect("a part is as long as the version holds");
        let row = |y| (0..code.size()).map(|x| code.get_module(x, y)).collect();
        Self { number, rows: (0..code.size()).map(row).collect() }
    }

    /// Returns the number of the part that it holds.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns its rows from the top: dark modules are true.
    #[must_use]
    pub fn rows(&self) -> &[Vec<bool>] {
        &self.rows
    }
}
