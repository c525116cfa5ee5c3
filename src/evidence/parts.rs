//! Parts: a text that can be shown with some of it withheld, and is still the text that the record names.
//!
//! The record of a capture made with `--redactable` commits to its text a second time, part by part, each part behind a
//! salt of its own. Whoever is shown some parts with their salts, and for the others the commitment alone, computes the
//! same hash that the record has; and whoever is shown the rest later computes it again.
//!
//! | quantity      | unit  | range                                                          |
//! |---------------|-------|----------------------------------------------------------------|
//! | part          | bytes | [`PART_BYTES`]; the last one 1 … [`PART_BYTES`]                |
//! | parts         | count | the text's size divided by the part's, rounded up; at most [`PART_COUNT_MAX`] |
//! | seed, salt    | bytes | 32                                                             |
//!
//! ```text
//! salt(n)       = SHA-256("affiant-part-salt" ‖ seed ‖ n), n from 0 in eight bytes, the highest first
//! commitment(n) = SHA-256(salt(n) ‖ part n)
//! parts.sha256  = SHA-256(commitment(0) ‖ commitment(1) ‖ …)
//! parts.seed    = SHA-256(seed)
//! ```
//!
//! The record has `parts` in the rendition: `size` (32), `sha256`, `seed`. The seed is 32 random bytes, a blob of the
//! archive like the text: in the record stands only its hash. A bundle that withholds a range of the text has no
//! `text.md` and no seed, but `text-withheld.md`, which is the text with `#` for each byte that is withheld, so that every
//! byte keeps its place, and `text-parts.txt`, one line for each part:
//!
//! ```text
//! shown c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2
//! withheld 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//! ```
//!
//! with the salt of a part that is shown, and the commitment of one that is not. Parts are withheld whole, so a range
//! grows to the parts that it touches, and on to where characters begin and end.
//!
//! # What it keeps from an attacker, and what it does not
//!
//! - *Guessing one part.* A part of two names has few possible values; without its salt none can be tried, and no salt
//!   says anything about another: a hash of the seed and the number gives each.
//! - *Swapping parts, moving their boundaries, leaving some out.* The commitments are hashed in their order, every part but
//!   the last has one size, and the record has the size of the text.
//! - *Showing other words later.* Two texts under one commitment would be a collision of SHA-256.
//! - **Not: guessing everything at once.** The record also names the SHA-256 of the whole text and of the page, without
//!   salt, so that anyone can check them. Whoever can guess *all* that is withheld can therefore see that the guess is right.
//!   A range below [`WITHHELD_BYTES_MIN`] is refused for that reason, but a wider one is no protection either when a reader
//!   knows the rest of it: for one number in a form that everybody has, leave out the whole capture.
//! - *That the parts are of this text* is the archive's word until text and seed are shown; then it is arithmetic.
//!
//! To verify what is shown:
//! 1. `text-withheld.md` has the size that the record says, and `text-parts.txt` one line for each part.
//! 2. Each part that is shown, behind its salt, gives its commitment; each that is withheld is all `#`.
//! 3. All commitments, in their order, hash to `parts.sha256`.
//!
//! Source: salted lists of commitments are those of RFC 9901 (SD-JWT); redactable signatures of this kind go back to
//! R. Johnson, D. Molnar, D. Song and D. Wagner, Homomorphic Signature Schemes (CT-RSA 2002).

use std::ops::Range;

use crate::base::hash::{Hash, Hasher};

/// How long a part is: as long as its salt, so that what proves a text is no longer than twice the text.
pub const PART_BYTES: usize = 32;

/// The most parts: of a text of 64 MiB, which no page that is rendered has.
pub const PART_COUNT_MAX: usize = (64 << 20) / PART_BYTES;

/// The fewest bytes that are withheld of a text: below, too little is left to guess.
pub const WITHHELD_BYTES_MIN: u64 = 128;

/// What stands for a byte that is withheld.
pub const BLACK: u8 = b'#';

/// The longest line of `text-parts.txt`, without its end.
const LINE_BYTES: usize = "withheld ".len() + 2 * Hash::SIZE_BYTES;

/// The longest `text-parts.txt`.
pub const LINES_BYTES_MAX: usize = PART_COUNT_MAX * (LINE_BYTES + 1);

/// The purpose that salts are hashed for.
const SALT_PURPOSE: &[u8] = b"affiant-part-salt";

/// What salts are made from. Whoever has it can try guesses of every part, so it stays where the text stays.
pub struct Seed([u8; Self::SIZE_BYTES]);

impl Seed {
    /// How long a seed is.
    pub const SIZE_BYTES: usize = 32;

    /// Takes the bytes of a seed.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::SIZE_BYTES]) -> Self {
        Self(bytes)
    }

    /// Takes a blob as the seed that it is, when it is as long as one.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    fn salt(&self, part: u64) -> Hash {
        Hash::of_parts(&[SALT_PURPOSE, &self.0, &part.to_be_bytes()])
    }

    fn commitment(&self, number: u64, part: &[u8]) -> Hash {
        commitment(self.salt(number), part)
    }

    /// Commits to a text: what the record has as `parts.sha256`.
    #[must_use]
    pub fn commit(&self, text: &[u8]) -> Hash {
        let mut hasher = Hasher::new();
        for (number, part) in (0..).zip(text.chunks(PART_BYTES)) {
            hasher.update(self.commitment(number, part).as_bytes());
        }
        hasher.finish()
    }

    /// Shows a text but for some ranges of bytes, which grow to whole parts and characters.
    ///
    /// # Errors
    /// [`PartsError`] when a range lies outside, or so little is withheld that it can be guessed.
    pub fn withhold(&self, text: &str, ranges: &[Range<u64>]) -> Result<Redacted, PartsError> {
        let size = wide(text.len());
        if let Some(range) = ranges.iter().find(|range| range.start >= range.end || range.end > size) {
            return Err(PartsError::Outside { start: range.start, end: range.end, size });
        }
        let mut is_withheld = vec![false; text.len().div_ceil(PART_BYTES)];
        for range in ranges {
            let (first, last) = (narrow(range.start) / PART_BYTES, (narrow(range.end) - 1) / PART_BYTES);
            let is_edge = |part: usize| part == 0 || text.is_char_boundary((part * PART_BYTES).min(text.len()));
            let first = (0..=first).rev().find(|part| is_edge(*part)).unwrap_or(0);
            let last = (last..is_withheld.len()).find(|part| is_edge(part + 1)).unwrap_or(is_withheld.len() - 1);
            is_withheld[first..=last].fill(true);
        }
        let mut shown = text.as_bytes().to_vec();
        let mut parts = Vec::with_capacity(is_withheld.len());
        for ((number, part), is_withheld) in (0..).zip(shown.chunks_mut(PART_BYTES)).zip(is_withheld) {
            if is_withheld {
                parts.push(Part::Withheld(self.commitment(number, part)));
                part.fill(BLACK);
            } else {
                parts.push(Part::Shown(self.salt(number)));
            }
        }
        let redacted = Redacted { text: shown, parts };
        let withheld: u64 = redacted.ranges().iter().map(|range| range.end - range.start).sum();
        if withheld < WITHHELD_BYTES_MIN {
            return Err(PartsError::TooLittle { withheld });
        }
        Ok(redacted)
    }
}

/// A text of which some parts are withheld.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redacted {
    text: Vec<u8>,
    parts: Vec<Part>,
}

/// One part: what there is to check it by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    /// The salt of a part that is shown.
    Shown(Hash),
    /// The commitment of one that is not.
    Withheld(Hash),
}

impl Redacted {
    /// Reads `text-withheld.md` and `text-parts.txt`.
    ///
    /// # Errors
    /// [`PartsError`] when they do not fit one another.
    pub fn parse(text: Vec<u8>, lines: &[u8]) -> Result<Self, PartsError> {
        let count = text.len().div_ceil(PART_BYTES);
        let mut parts = Vec::new();
        for (n, line) in lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let malformed = || PartsError::Line { line: n + 1 };
            if n >= count.min(PART_COUNT_MAX) {
                return Err(PartsError::Count { expected: count, found: n + 1 });
            }
            let line = line.strip_suffix(b"\n").filter(|line| line.len() <= LINE_BYTES).ok_or_else(malformed)?;
            let (word, hash) =
                std::str::from_utf8(line).ok().and_then(|line| line.split_once(' ')).ok_or_else(malformed)?;
            let hash: Hash = hash.parse().map_err(|_| malformed())?;
            parts.push(match word {
                "shown" => Part::Shown(hash),
                "withheld" => Part::Withheld(hash),
                _ => return Err(malformed()),
            });
        }
        if parts.len() != count {
            return Err(PartsError::Count { expected: count, found: parts.len() });
        }
        let is_black =
            |(part, bytes): (&Part, &[u8])| matches!(part, Part::Shown(_)) || bytes.iter().all(|b| *b == BLACK);
        match parts.iter().zip(text.chunks(PART_BYTES)).position(|part| !is_black(part)) {
            Some(part) => Err(PartsError::NotBlack { part }),
            None => Ok(Self { text, parts }),
        }
    }

    /// Checks that this is the text that a record commits to.
    ///
    /// # Errors
    /// [`PartsError::OtherSize`], [`PartsError::OtherText`].
    pub fn verify(&self, size_bytes: u64, commitments: Hash) -> Result<(), PartsError> {
        if wide(self.text.len()) != size_bytes {
            return Err(PartsError::OtherSize { expected: size_bytes, found: wide(self.text.len()) });
        }
        let mut hasher = Hasher::new();
        for (part, bytes) in self.parts.iter().zip(self.text.chunks(PART_BYTES)) {
            hasher.update(
                match part {
                    Part::Shown(salt) => commitment(*salt, bytes),
                    Part::Withheld(commitment) => *commitment,
                }
                .as_bytes(),
            );
        }
        let computed = hasher.finish();
        if computed != commitments {
            return Err(PartsError::OtherText { expected: commitments, computed });
        }
        Ok(())
    }

    /// Returns the text with what is withheld blacked out.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns the lines of `text-parts.txt`.
    #[must_use]
    pub fn lines(&self) -> String {
        let line = |part: &Part| match part {
            Part::Shown(salt) => format!("shown {salt}\n"),
            Part::Withheld(commitment) => format!("withheld {commitment}\n"),
        };
        self.parts.iter().map(line).collect()
    }

    /// Returns which bytes are withheld, in order, no two of them next to one another.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut start = 0;
        for (part, bytes) in self.parts.iter().zip(self.text.chunks(PART_BYTES)) {
            let end = start + wide(bytes.len());
            match (part, ranges.last_mut()) {
                (Part::Shown(_), _) => {}
                (Part::Withheld(_), Some(last)) if last.end == start => last.end = end,
                (Part::Withheld(_), _) => ranges.push(start..end),
            }
            start = end;
        }
        ranges
    }

    /// Says whether every byte of a range is shown.
    #[must_use]
    pub fn shows(&self, range: &Range<u64>) -> bool {
        self.ranges().iter().all(|withheld| range.end <= withheld.start || withheld.end <= range.start)
    }
}

fn commitment(salt: Hash, part: &[u8]) -> Hash {
    Hash::of_parts(&[salt.as_bytes(), part])
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits in 64 bits")
}

/// A number of bytes that was found to lie within a text in memory.
fn narrow(length: u64) -> usize {
    usize::try_from(length).expect("a place within a text in memory fits")
}

/// Why a text cannot be shown in part, or is not what a record commits to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PartsError {
    #[error("the text has {expected} parts, and there are lines for {found}")]
    Count { expected: usize, found: usize },
    #[error("line {line} is not `shown` or `withheld` with a hash")]
    Line { line: usize },
    #[error("part {part} is withheld, and the text shows something there")]
    NotBlack { part: usize },
    #[error("the text has {found} bytes, and the record says {expected}")]
    OtherSize { expected: u64, found: u64 },
    #[error("the parts hash to {computed}, and the record says {expected}")]
    OtherText { expected: Hash, computed: Hash },
    #[error("bytes {start} to {end} are not a range within the text, which has {size}")]
    Outside { start: u64, end: u64, size: u64 },
    #[error(
        "{withheld} bytes can be guessed, and the record has the SHA-256 of the whole text to try guesses by; withhold at least {WITHHELD_BYTES_MIN} around them, or whole files"
    )]
    TooLittle { withheld: u64 },
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn seed() -> Seed {
        Seed::from_bytes([7; 32])
    }

    fn text() -> String {
        let line = |n: usize| format!("Line {n} says nothing much, 日本 neither.\n");
        (0..40).map(line).collect::<Vec<_>>().concat()
    }

    #[test]
    fn commits_as_the_page_says() {
        let text = "a".repeat(33);
        let salt = |n: u64| Hash::of(&[b"affiant-part-salt".as_slice(), &[7; 32], &n.to_be_bytes()].concat());
        let first = Hash::of(&[salt(0).as_bytes().as_slice(), &[b'a'; 32]].concat());
        let second = Hash::of(&[salt(1).as_bytes().as_slice(), b"a"].concat());
        let whole = Hash::of(&[first.as_bytes().as_slice(), second.as_bytes()].concat());
        assert_eq!(seed().commit(text.as_bytes()), whole);
        assert_eq!(whole.to_string(), VECTOR, "computed by Python's hashlib");
        assert_eq!(seed().commit(b""), Hash::of(b""));
    }

    const VECTOR: &str = "c4ba392eeca8d973288bbd9f0078bf5c2a1be32b604f51dc17fdf7968b078ea0";

    #[test]
    fn no_salt_is_used_twice() {
        let salts: std::collections::BTreeSet<Hash> = (0..2_000).map(|n| seed().salt(n)).collect();
        assert_eq!(salts.len(), 2_000);
        assert!(!salts.contains(&Seed::from_bytes([8; 32]).salt(0)));
    }

    #[test]
    fn what_is_shown_is_proven_and_what_is_withheld_is_black() {
        let (seed, text) = (seed(), text());
        let root = seed.commit(text.as_bytes());
        let redacted = seed.withhold(&text, &[100..150, 140..260, 900..1_050]).unwrap();
        assert_eq!(redacted.verify(wide(text.len()), root), Ok(()));
        let ranges = redacted.ranges();
        assert!(ranges.len() == 2 && ranges[0].start <= 100 && ranges[0].end >= 260, "{ranges:?}");
        assert!(std::str::from_utf8(redacted.text()).is_ok(), "no character is cut");
        let again = Redacted::parse(redacted.text().to_vec(), redacted.lines().as_bytes()).unwrap();
        assert_eq!(again, redacted);
        assert!(redacted.shows(&(0..50)) && !redacted.shows(&(0..101)) && !redacted.shows(&(200..201)));
        for withheld in &ranges {
            let lines = redacted.lines();
            let salt = seed.salt(withheld.start / 32).to_string();
            assert!(!lines.contains(&salt), "the salt of what is withheld is not given away");
        }
    }

    #[test]
    fn every_forgery_is_named() {
        let (seed, text) = (seed(), text());
        let (root, size) = (seed.commit(text.as_bytes()), wide(text.len()));
        let redacted = seed.withhold(&text, from_ref(&(320..480))).unwrap();
        let judged = |text: Vec<u8>, lines: &str| {
            Redacted::parse(text, lines.as_bytes()).and_then(|redacted| redacted.verify(size, root))
        };
        let (bytes, lines) = (redacted.text().to_vec(), redacted.lines());
        assert_eq!(judged(bytes.clone(), &lines), Ok(()));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(judged(changed, &lines).is_err(), "byte {at}");
        }
        let all: Vec<&str> = lines.lines().collect();
        for n in 0..all.len() - 1 {
            let mut swapped = all.clone();
            swapped.swap(n, n + 1);
            assert!(judged(bytes.clone(), &(swapped.join("\n") + "\n")).is_err(), "lines {n} and the next swapped");
            // The words too: the same two parts in the other order.
            let mut moved = bytes.clone();
            let (left, right) = (n * 32, (n + 1) * 32);
            if right + 32 <= moved.len() && moved[left..right] != moved[right..right + 32] {
                let first = moved[left..right].to_vec();
                moved.copy_within(right..right + 32, left);
                moved[right..right + 32].copy_from_slice(&first);
                assert!(judged(moved, &(swapped.join("\n") + "\n")).is_err(), "parts {n} and the next swapped");
            }
            let mut left_out = all.clone();
            left_out.remove(n);
            assert!(judged(bytes.clone(), &(left_out.join("\n") + "\n")).is_err(), "line {n} left out");
        }
        assert!(judged(bytes[1..].to_vec(), &lines).is_err(), "boundaries moved by one");
        assert!(judged([bytes.clone(), b"#".to_vec()].concat(), &lines).is_err());
        assert!(judged(bytes.clone(), &lines.replace("shown", "withheld")).is_err());
        assert!(judged(bytes.clone(), &lines.replace("withheld", "shown")).is_err());
        assert!(judged(bytes.clone(), &lines.to_uppercase()).is_err());
        assert!(judged(bytes, lines.trim_end()).is_err());
    }

    #[test]
    fn too_little_to_withhold_is_refused() {
        let text = text();
        assert!(matches!(seed().withhold(&text, from_ref(&(0..9))), Err(PartsError::TooLittle { withheld: 32 })));
        let size = wide(text.len());
        assert!(matches!(seed().withhold(&text, from_ref(&(0..size + 1))), Err(PartsError::Outside { .. })));
        assert!(matches!(seed().withhold(&text, from_ref(&(9..9))), Err(PartsError::Outside { .. })));
        assert!(seed().withhold(&text, from_ref(&(0..size))).unwrap().text().iter().all(|byte| *byte == BLACK));
    }

    proptest! {
        #[test]
        fn any_range_of_any_text_can_be_withheld(text in "\\PC{200,400}", start in 0_u64..150, length in 128_u64..200) {
            let size = wide(text.len());
            let range = start..(start + length).min(size);
            let redacted = seed().withhold(&text, from_ref(&range)).unwrap();
            prop_assert_eq!(redacted.verify(size, seed().commit(text.as_bytes())), Ok(()));
            prop_assert!(std::str::from_utf8(redacted.text()).is_ok());
            prop_assert!(!redacted.shows(&range));
        }

        #[test]
        fn stands_any_bytes(text in proptest::collection::vec(any::<u8>(), 0..99), lines in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(redacted) = Redacted::parse(text, &lines) {
                prop_assert_eq!(redacted.lines().into_bytes(), lines);
            }
        }
    }
}
