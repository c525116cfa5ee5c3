//! The sheet: what size the paper is, and where on it things stand.
//!
//! | quantity    | unit   | range                                             |
//! |-------------|--------|---------------------------------------------------|
//! | coordinates | points | from the lower left corner, as in PDF             |
//! | length      | points | a 72nd of an inch                                 |
//!
//! Lengths are multiples of a quarter of a point wherever they are chosen, so that sums are exact in binary.

use std::fmt;
use std::str::FromStr;

/// A size of paper.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sheet {
    /// 210 by 297 mm.
    A4,
    /// 8.5 by 11 inches, which courts of the United States ask for.
    #[default]
    Letter,
}

impl Sheet {
    pub(super) fn width(self) -> f32 {
        match self {
            Self::A4 => 595.25,
            Self::Letter => 612.0,
        }
    }

    pub(super) fn height(self) -> f32 {
        match self {
            Self::A4 => 841.75,
            Self::Letter => 792.0,
        }
    }

    /// Returns where the text begins.
    #[expect(clippy::unused_self, reason = "a sheet says all its measures alike")]
    pub(super) fn left(self) -> f32 {
        MARGIN
    }

    /// Returns where the text ends.
    pub(super) fn right(self) -> f32 {
        self.width() - MARGIN
    }

    /// Returns how wide the text is.
    pub(super) fn text_width(self) -> f32 {
        self.right() - self.left()
    }

    /// Returns the top of the text.
    pub(super) fn top(self) -> f32 {
        self.height() - HEAD
    }

    /// Returns the lowest place of the text.
    #[expect(clippy::unused_self, reason = "a sheet says all its measures alike")]
    pub(super) fn bottom(self) -> f32 {
        FOOT
    }
}

/// An inch at both sides, for binding and for notes.
const MARGIN: f32 = 72.0;

/// What the head takes.
const HEAD: f32 = 78.0;

/// What the foot takes.
const FOOT: f32 = 84.0;

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A4 => "a4",
            Self::Letter => "letter",
        })
    }
}

impl FromStr for Sheet {
    type Err = UnknownSheet;

    fn from_str(text: &str) -> Result<Self, UnknownSheet> {
        let is_it = |sheet: &Self| sheet.to_string().eq_ignore_ascii_case(text);
        [Self::A4, Self::Letter].into_iter().find(is_it).ok_or_else(|| UnknownSheet { found: text.to_owned() })
    }
}

/// A paper that no exhibit is printed on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{found}` is no size of paper: expected `letter` or `a4`")]
pub struct UnknownSheet {
    /// What was asked for.
    pub found: String,
}

/// What stands on a page.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// Text, its baseline beginning at a point.
    Text { x: f32, y: f32, glyphs: Vec<super::text::Glyph>, gray: f32 },
    /// A filled rectangle: a rule, a bar, a band behind words.
    Fill { x: f32, y: f32, width: f32, height: f32, gray: f32 },
    /// A QR symbol with its quiet zone.
    Symbol { x: f32, y: f32, side: f32, symbol: crate::evidence::paper::Symbol },
}

/// A page: whose head and foot it bears, and what stands on it between.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Page {
    pub(super) running: std::rc::Rc<Running>,
    pub(super) marks: Vec<Mark>,
}

/// What the head and the foot of a page say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Running {
    /// The address.
    pub(super) address: String,
    /// When, and by whose clock.
    pub(super) time: String,
    /// The citation id.
    pub(super) id: String,
    /// What is hashed, and its hash.
    pub(super) hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_papers_it_prints_on() {
        for sheet in [Sheet::A4, Sheet::Letter] {
            assert_eq!(sheet.to_string().to_uppercase().parse(), Ok(sheet));
        }
        assert!("legal".parse::<Sheet>().is_err());
    }
}
