//! Citation ids: a stable name for one entry of the log.
//!
//! ```text
//! AF-C-000042-r          on paper
//! ark:99999/afc000042r   as an Archival Resource Key
//! │  │ │      └ check character
//! │  │ └ log index, six digits or more
//! │  └ letter of the record's kind
//! └ the archive's prefix, two to six capitals
//! ```
//!
//! | part   | range                                        |
//! |--------|----------------------------------------------|
//! | prefix | 2 to 6 letters A–Z                           |
//! | letter | one of [`KINDS`]                             |
//! | index  | 0 … 10¹² − 1, at least six digits            |
//! | check  | one of the 29 characters of [`ALPHABET`]     |
//!
//! Rules. The number is the position in the log, so an id can never come to mean something else. Case
//! and hyphens do not matter on input. The check character is that of the NOID check digit algorithm
//! over the lower-case name without hyphens (`afc000042`): each character's place in the alphabet (0
//! where it has none) times its position from 1, summed, modulo 29. The NAAN is left out, because an
//! archive that is given a NAAN later must not change the ids it has already printed. A wrong check
//! character is an error; none at all is accepted, and the caller should warn.
//!
//! To verify:
//! 1. Drop hyphens and `ark:NAAN/`, fold to lower case.
//! 2. Split prefix, letter, digits, check character.
//! 3. Compute the check character over the first three and compare.
//!
//! Source: NOID (Kunze), "check digit algorithm"; draft-kunze-ark. Vowels, `l` and `y` count 0 there,
//! so an error among them is not detected: the prefix and letter are compared with the archive's own.

use std::fmt;

/// The 29 characters of the NOID check digit algorithm, in order.
pub const ALPHABET: &str = "0123456789bcdfghjkmnpqrstvwxz";

/// The letters of the record kinds (design §3.2, and H for holds).
pub const KINDS: &str = "GDCVPNTWKH";

/// The NAAN that is reserved for examples, used until the operator has one.
pub const NAAN_UNASSIGNED: &str = "99999";

/// The greatest number of digits in an id; a log that long is a million times the largest known.
const DIGIT_COUNT_MAX: usize = 12;

/// An archive's prefix: two to six capitals.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Prefix(String);

impl Prefix {
    /// Takes two to six letters A–Z, in either case.
    ///
    /// # Errors
    /// [`IdError::Prefix`].
    pub fn new(text: &str) -> Result<Self, IdError> {
        let is_prefix = (2..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic());
        if !is_prefix {
            return Err(IdError::Prefix { found: text.to_owned() });
        }
        Ok(Self(text.to_ascii_uppercase()))
    }

    /// Returns the capitals.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A citation id.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Id {
    /// The archive's prefix.
    pub prefix: Prefix,
    /// The letter of the record's kind.
    pub letter: char,
    /// The position in the log.
    pub index: u64,
}

/// Whether an id that was read bore its check character.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckCharacter {
    /// It was there and right.
    Right,
    /// It was left out.
    LeftOut,
}

impl Id {
    /// Reads an id in any case, with or without hyphens, as printed or as an ARK.
    ///
    /// # Errors
    /// [`IdError::WrongCheck`] suggests the ids that differ in one character and check.
    pub fn parse(text: &str) -> Result<(Self, CheckCharacter), IdError> {
        let not_id = || IdError::NotId { found: text.chars().take(64).collect() };
        let name = match text.trim().to_ascii_lowercase() {
            ark if ark.starts_with("ark:") => ark.rsplit('/').next().unwrap_or_default().to_owned(),
            other => other,
        };
        let name: String = name.chars().filter(|c| *c != '-').collect();
        if !name.is_ascii() {
            return Err(not_id());
        }
        let first_digit = name.find(|c: char| c.is_ascii_digit()).ok_or_else(not_id)?;
        let (letters, rest) = name.split_at(first_digit);
        let (prefix, letter) = letters.split_at(letters.len().saturating_sub(1));
        let letter = letter.chars().next().map(|c| c.to_ascii_uppercase()).ok_or_else(not_id)?;
        if !KINDS.contains(letter) {
            return Err(not_id());
        }
        let prefix = Prefix::new(prefix)?;
        Self::parse_number(prefix, letter, rest).ok_or_else(not_id)?
    }

    // Six digits or more are written in only one way, so an extra final digit can be told from a
    // check character that happens to be a digit: both readings are tried, the checked one first.
    fn parse_number(prefix: Prefix, letter: char, rest: &str) -> Option<Result<(Self, CheckCharacter), IdError>> {
        let (digits, check) = rest.split_at(rest.len().checked_sub(1)?);
        let checked = number(digits).map(|index| Self { prefix: prefix.clone(), letter, index });
        if let Some(id) = &checked
            && check.starts_with(id.check())
        {
            return Some(Ok((id.clone(), CheckCharacter::Right)));
        }
        if let Some(index) = number(rest) {
            return Some(Ok((Self { prefix, letter, index }, CheckCharacter::LeftOut)));
        }
        let id = checked?;
        let found = check.chars().next().filter(|c| ALPHABET.contains(*c))?;
        let suggestions = id.neighbours(found);
        Some(Err(IdError::WrongCheck { found, expected: id.check(), suggestions }))
    }

    /// Returns the check character.
    #[must_use]
    pub fn check(&self) -> char {
        let sum: usize =
            self.name().chars().enumerate().map(|(position, c)| (position + 1) * ALPHABET.find(c).unwrap_or(0)).sum();
        char::from(ALPHABET.as_bytes()[sum % ALPHABET.len()])
    }

    /// Returns the id as an Archival Resource Key under `naan`.
    #[must_use]
    pub fn ark(&self, naan: &str) -> String {
        format!("ark:{naan}/{}{}", self.name(), self.check())
    }

    fn name(&self) -> String {
        format!("{}{}{:06}", self.prefix.as_str(), self.letter, self.index).to_ascii_lowercase()
    }

    /// Ids with one digit changed, or two neighbours swapped, that `check` fits.
    fn neighbours(&self, check: char) -> Vec<String> {
        let digits: Vec<char> = format!("{:06}", self.index).chars().collect();
        let mut candidates = Vec::new();
        for at in 0..digits.len() {
            for digit in '0'..='9' {
                let mut changed = digits.clone();
                changed[at] = digit;
                candidates.push(changed);
            }
            if at > 0 {
                let mut swapped = digits.clone();
                swapped.swap(at - 1, at);
                candidates.push(swapped);
            }
        }
        let mut fitting: Vec<String> = candidates
            .into_iter()
            .filter_map(|digits| number(&digits.into_iter().collect::<String>()))
            .map(|index| Self { index, ..self.clone() })
            .chain([self.clone()])
            .filter(|id| id.index == self.index || id.check() == check)
            .map(|id| id.to_string())
            .collect();
        fitting.sort();
        fitting.dedup();
        fitting
    }
}

fn number(digits: &str) -> Option<u64> {
    let canonical = (6..=DIGIT_COUNT_MAX).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.len() == 6 || !digits.starts_with('0'));
    canonical.then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:06}-{}", self.prefix.as_str(), self.letter, self.index, self.check())
    }
}

/// Why some text is not a citation id.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum IdError {
    #[error("`{found}` is not a citation id such as `AF-C-000042-r`")]
    NotId { found: String },
    #[error("`{found}` is not a prefix of two to six letters")]
    Prefix { found: String },
    #[error("check character `{found}` does not fit, expected `{expected}`; did you mean {}?", suggestions.join(", "))]
    WrongCheck { found: char, expected: char, suggestions: Vec<String> },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(letter: char, index: u64) -> Id {
        Id { prefix: Prefix::new("AF").unwrap(), letter, index }
    }

    #[test]
    fn follows_the_published_example() {
        // The NOID manual computes `q` for 13030/xf93gt2; the algorithm is the same over any string.
        let sum: usize = "13030/xf93gt2"
            .chars()
            .enumerate()
            .map(|(position, c)| (position + 1) * ALPHABET.find(c).unwrap_or(0))
            .sum();
        assert_eq!(char::from(ALPHABET.as_bytes()[sum % 29]), 'q');
    }

    #[test]
    fn reads_every_spelling_of_an_id() {
        let expected = id('C', 42);
        assert_eq!(expected.to_string(), "AF-C-000042-r");
        for text in ["AF-C-000042-r", "af-c-000042-R", "afc000042r", "ark:99999/afc000042r", "ark:/12345/afc000042r"] {
            assert_eq!(Id::parse(text), Ok((expected.clone(), CheckCharacter::Right)), "{text}");
        }
        assert_eq!(Id::parse("AF-C-000042"), Ok((expected, CheckCharacter::LeftOut)));
    }

    #[test]
    fn detects_every_single_digit_error_and_suggests_the_right_id() {
        for index in [0, 1, 42, 999_999, 1_000_000, 123_456_789] {
            let right = id('C', index).to_string();
            let first_digit = right.find(|c: char| c.is_ascii_digit()).unwrap();
            (first_digit..right.len() - 2).for_each(|at| change_digit(&right, index, at));
        }
    }

    fn change_digit(right: &str, index: u64, at: usize) {
        let mut wrong = right.to_owned().into_bytes();
        wrong[at] = if wrong[at] == b'9' { b'1' } else { wrong[at] + 1 };
        let wrong = String::from_utf8(wrong).unwrap();
        match Id::parse(&wrong) {
            Err(IdError::WrongCheck { suggestions, .. }) => {
                assert!(suggestions.contains(&right.to_owned()), "{wrong}");
            }
            // A check character that is a digit reads as one digit more without a check.
            Ok((other, CheckCharacter::LeftOut)) => assert_ne!(other.index, index),
            other => panic!("{wrong}: {other:?}"),
        }
    }

    #[test]
    fn every_id_reads_back_with_its_check() {
        for index in (0..5_000).chain([999_999, 1_000_000, 999_999_999_999]) {
            for letter in KINDS.chars() {
                let id = id(letter, index);
                assert_eq!(Id::parse(&id.to_string()), Ok((id, CheckCharacter::Right)));
            }
        }
    }

    #[test]
    fn rejects_what_is_no_id() {
        for text in ["", "-", "AF", "AF-C", "AF-C-42-r", "AF-X-000042-r", "A-C-000042-r", "AFFFFFF-C-000042-r", "é"] {
            assert!(Id::parse(text).is_err(), "{text}");
        }
    }
}
