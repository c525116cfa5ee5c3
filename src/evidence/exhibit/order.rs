//! The order: what is wanted of an exhibit.
//!
//! | quantity     | unit       | range                                          |
//! |--------------|------------|------------------------------------------------|
//! | letter       | characters | 1 to [`LETTER_LENGTH_MAX`] capitals and digits |
//! | Bates number | digits     | [`BATES_DIGITS`], or as many as the first has  |
//! | volume       | bytes      | at least [`VOLUME_BYTES_MIN`]                  |

use super::caption::Caption;
use super::sheet::Sheet;

use crate::timestamp::authorities::Authorities;

/// The longest letter: `PX101`.
pub(super) const LETTER_LENGTH_MAX: usize = 6;

/// How many digits a Bates number has when none are given.
pub(super) const BATES_DIGITS: usize = 6;

/// The longest prefix of Bates numbers.
pub(super) const BATES_LENGTH_MAX: usize = 24;

/// The smallest volume: a cover, the fonts, and a page full of symbols.
pub const VOLUME_BYTES_MIN: usize = 400_000;

/// How large a volume may be when nothing else is asked for: what most courts' filing systems take.
pub const VOLUME_BYTES: usize = 25_000_000;

/// What is wanted of an exhibit.
#[derive(Clone, Debug)]
pub struct Order {
    /// The exhibit's letter.
    pub letter: Letter,
    /// What the cover says of the case.
    pub caption: Caption,
    /// The size of the paper.
    pub sheet: Sheet,
    /// The first Bates number.
    pub bates: Option<Bates>,
    /// How large a volume may be, in bytes.
    pub volume_bytes_max: usize,
    /// The timestamp authorities by which tokens are judged; their fingerprints are printed.
    pub authorities: Authorities,
    /// The program that makes it, as `affiant 0.1.0`.
    pub software: String,
    /// Whether it shows the records, or what changed between two of them.
    pub shows: Shows,
}

/// What an exhibit shows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shows {
    /// What was captured.
    #[default]
    Records,
    /// What changed from the first of two captures to the second.
    Redline,
}

/// An exhibit's letter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter(String);

impl Letter {
    /// Takes a letter, as `A`, `12` or `PX3`.
    ///
    /// # Errors
    /// An [`OrderError`] that says what one is.
    pub fn new(text: &str) -> Result<Self, OrderError> {
        let is_one = (1..=LETTER_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_one { Ok(Self(text.to_ascii_uppercase())) } else { Err(OrderError::Letter { found: text.to_owned() }) }
    }

    /// Returns the letter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A series of Bates numbers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bates {
    prefix: String,
    first: u64,
    digits: usize,
}

impl Bates {
    /// Takes a prefix, as `ABC`, or the first number, as `ABC000123`.
    ///
    /// # Errors
    /// An [`OrderError`] that says what one is.
    pub fn new(text: &str) -> Result<Self, OrderError> {
        let wrong = || OrderError::Bates { found: text.to_owned() };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        if text.is_empty() || text.len() > BATES_LENGTH_MAX || !text.chars().all(is_plain) {
            return Err(wrong());
        }
        let prefix = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &text[prefix.len()..];
        let (first, digits) = match digits {
            "" => (1, BATES_DIGITS),
            digits => (digits.parse().map_err(|_| wrong())?, digits.len()),
        };
        Ok(Self { prefix: prefix.to_owned(), first, digits })
    }

    /// Returns the number of the page that comes `after` others.
    pub(super) fn number(&self, after: usize) -> String {
        let number = self.first.saturating_add(u64::try_from(after).unwrap_or(u64::MAX));
        format!("{}{number:0width$}", self.prefix, width = self.digits)
    }
}

/// Why something cannot be ordered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum OrderError {
    #[error(
        "`{found}` is no Bates prefix: expected up to {BATES_LENGTH_MAX} letters and digits, as `ABC` or `ABC000123`"
    )]
    Bates { found: String },
    #[error("`{found}` is no exhibit letter: expected up to {LETTER_LENGTH_MAX} letters and digits, as `A` or `PX3`")]
    Letter { found: String },
    #[error("a volume of {found} bytes is too small: expected {VOLUME_BYTES_MIN} or more")]
    Volume { found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_from_the_first() {
        let cases =
            [("ABC", 0, "ABC000001"), ("ABC-0099", 1, "ABC-0100"), ("7", 3, "10"), ("X 999999", 1, "X 1000000")];
        for (first, after, number) in cases {
            assert_eq!(Bates::new(first).unwrap().number(after), number);
        }
        for text in ["", "a/b", "é", &"A".repeat(25), "99999999999999999999999"] {
            assert!(Bates::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn letters_are_short_and_plain() {
        assert_eq!(Letter::new("px3").unwrap().as_str(), "PX3");
        for text in ["", "A B", "../A", "ABCDEFG"] {
            assert!(Letter::new(text).is_err(), "{text}");
        }
    }
}
