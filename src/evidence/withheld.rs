//! What a bundle withholds of a capture or check that it is about, and why: `data/withheld/ID.txt`.
//!
//! ```text
//! affiant-withheld 1
//! reason protective order of 3 March 2026, No. 26-cv-14
//! authority J. Doe, counsel
//! file 29552b10bcfc0306077d29e1b9867117ed916eb4efe00f5c5c6179ee93f3b2ca
//! text 151f080a8bbd768ab3d867660e7081bc534384176307fe30dfb14b706b13704e 320 480
//! ```
//!
//! | line        | count | says                                                                                  |
//! |-------------|-------|---------------------------------------------------------------------------------------|
//! | `reason`    | 1     | why, in one line                                                                      |
//! | `authority` | 1     | by whose authority                                                                    |
//! | `file`      | any   | the SHA-256 of a file that the record names and that is left out; ascending, each once |
//! | `text`      | any   | the SHA-256 of the text rendition, and from which byte to before which byte it is blacked out; ascending |
//!
//! Rules. It came with format 2. What is listed is not there; of a text with `text` lines there are `text-withheld.md` and
//! `text-parts.txt` instead ([`crate::evidence::parts`]), and the ranges are those that they withhold. A file with `text`
//! lines has at least one `file` line, for whoever has the page has its text.
//!
//! To verify: every hash is one that the record names; the ranges are those of the parts; the archive's seal covers this file.
//! What is listed is *not shown*: never *holds*, and never *missing*. Who withholds, and why, is the word of whoever sealed
//! the bundle. A later bundle of the same record with the same file shows it to be the same, since both are held against
//! the record's hashes.

use std::fmt::Write;
use std::ops::Range;

use crate::base::hash::Hash;

/// The longest file that is read: the files and ranges of the largest record.
pub const SIZE_BYTES_MAX: usize = 8 << 20;

/// The longest reason or authority.
pub const WORDS_BYTES_MAX: usize = 1_000;

const HEADER: &str = "affiant-withheld 1";

/// What a bundle withholds of one capture or check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Withheld {
    /// Why.
    pub reason: String,
    /// By whose authority.
    pub authority: String,
    /// The files that are left out, ascending.
    pub files: Vec<Hash>,
    /// The text that is shown in part, and the bytes of it that are not shown.
    pub text: Option<(Hash, Vec<Range<u64>>)>,
}

impl Withheld {
    /// Says whether a file is left out as a whole.
    #[must_use]
    pub fn leaves_out(&self, blob: Hash) -> bool {
        self.files.binary_search(&blob).is_ok()
    }

    /// Says whether a file is a text that is shown in part.
    #[must_use]
    pub fn blackens(&self, blob: Hash) -> bool {
        self.text.as_ref().is_some_and(|(text, _)| *text == blob)
    }

    /// Returns why, and by whose authority, as one phrase.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} (authority: {})", self.reason, self.authority)
    }

    /// Writes the file.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = format!("{HEADER}\nreason {}\nauthority {}\n", self.reason, self.authority);
        for file in &self.files {
            let _ = writeln!(text, "file {file}"); // Writing to a String cannot fail.
        }
        for (hash, range) in self.text.iter().flat_map(|(hash, ranges)| ranges.iter().map(move |range| (hash, range))) {
            let _ = writeln!(text, "text {hash} {} {}", range.start, range.end);
        }
        text
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`WithheldError`]: it is not as [`Self::encode`] writes it, or withholds nothing.
    pub fn parse(bytes: &[u8]) -> Result<Self, WithheldError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(WithheldError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| WithheldError::NotText)?;
        let mut lines = text.split_inclusive('\n').map(|line| line.trim_end_matches('\n'));
        if lines.next() != Some(HEADER) {
            return Err(WithheldError::Header);
        }
        let mut after = |word: &'static str| {
            let line = lines.next().and_then(|line| line.strip_prefix(word)?.strip_prefix(' '));
            line.map(str::to_owned).ok_or(WithheldError::Line { expected: word })
        };
        let mut withheld =
            Self { reason: after("reason")?, authority: after("authority")?, files: Vec::new(), text: None };
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["file", hash] => {
                    withheld.files.push(hash.parse().map_err(|_| WithheldError::Line { expected: "file" })?);
                }
                ["text", hash, start, end] => withheld.add_text(hash, start, end)?,
                _ => return Err(WithheldError::Line { expected: "file or text" }),
            }
        }
        if !withheld.files.is_sorted_by(|a, b| a < b) || withheld.encode() != text {
            return Err(WithheldError::OtherSpelling);
        }
        if withheld.files.is_empty() {
            return Err(WithheldError::Nothing);
        }
        withheld.check_words()?;
        Ok(withheld)
    }

    /// Checks that reason and authority are lines.
    ///
    /// # Errors
    /// [`WithheldError::Words`].
    pub fn check_words(&self) -> Result<(), WithheldError> {
        for (what, words) in [("reason", &self.reason), ("authority", &self.authority)] {
            let is_fit = (1..=WORDS_BYTES_MAX).contains(&words.len()) && words.trim() == words;
            if !is_fit || words.contains(char::is_control) {
                return Err(WithheldError::Words { what });
            }
        }
        Ok(())
    }

    fn add_text(&mut self, hash: &str, start: &str, end: &str) -> Result<(), WithheldError> {
        let malformed = WithheldError::Line { expected: "text" };
        let (Ok(hash), Ok(start), Ok(end)) = (hash.parse::<Hash>(), start.parse::<u64>(), end.parse::<u64>()) else {
            return Err(malformed);
        };
        let (text, ranges) = self.text.get_or_insert_with(|| (hash, Vec::new()));
        let is_next = ranges.last().is_none_or(|last| last.end < start);
        if *text != hash || start >= end || !is_next {
            return Err(malformed);
        }
        ranges.push(start..end);
        Ok(())
    }
}

/// Why a file does not say what is withheld.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum WithheldError {
    #[error("it does not begin with `{HEADER}`")]
    Header,
    #[error("expected a line `{expected}`")]
    Line { expected: &'static str },
    #[error("it is not UTF-8")]
    NotText,
    #[error("it withholds no file")]
    Nothing,
    #[error("its lines are not in their order or spelling")]
    OtherSpelling,
    #[error("it is longer than {SIZE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the {what} must be one line of 1 to {WORDS_BYTES_MAX} bytes")]
    Words { what: &'static str },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn page() -> String {
        let page = include_str!("withheld.rs").split("//! ```text\n").nth(1).unwrap().split("//! ```").next().unwrap();
        page.replace("//! ", "")
    }

    #[test]
    fn the_page_shows_a_real_file() {
        let withheld = Withheld::parse(page().as_bytes()).unwrap();
        assert_eq!(withheld.encode(), page());
        let ranges = &withheld.text.as_ref().unwrap().1;
        assert!(ranges.len() == 1 && ranges[0] == (320..480), "{ranges:?}");
        assert!(withheld.leaves_out(withheld.files[0]) && !withheld.blackens(withheld.files[0]));
        assert!(withheld.blackens(withheld.text.as_ref().unwrap().0));
    }

    #[test]
    fn refuses_any_other_spelling() {
        let page = page();
        let text = page.lines().last().unwrap();
        let cases = [
            (page.replace("withheld 1", "withheld 2"), WithheldError::Header),
            (page.replace("reason ", "because "), WithheldError::Line { expected: "reason" }),
            (page.replace("reason protective", "reason  protective"), WithheldError::Words { what: "reason" }),
            (page.replace("J. Doe", "J.\u{7}Doe"), WithheldError::Words { what: "authority" }),
            (page.replace("320 480", "480 320"), WithheldError::Line { expected: "text" }),
            (page.replace("320 480", "0320 480"), WithheldError::OtherSpelling),
            (format!("{page}{text}\n"), WithheldError::Line { expected: "text" }),
            (page.trim_end().to_owned(), WithheldError::OtherSpelling),
            (page.replace("file 2", "file A"), WithheldError::Line { expected: "file" }),
            (page.split_inclusive('\n').take(3).collect(), WithheldError::Nothing),
        ];
        for (text, expected) in cases {
            assert_eq!(Withheld::parse(text.as_bytes()), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn stands_any_bytes(at in 0..200_usize, bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut text = page().into_bytes();
            let at = at.min(text.len());
            let end = text.len().min(at + bytes.len());
            text.splice(at..end, bytes);
            if let Ok(withheld) = Withheld::parse(&text) {
                prop_assert_eq!(withheld.encode().into_bytes(), text);
            }
        }
    }
}
