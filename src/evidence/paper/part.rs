//! Parts: the lines that stand in symbols, and how they make one set of bytes again.

use std::collections::BTreeMap;

use data_encoding::BASE32_NOPAD;

use super::{PART_BYTES, PART_COUNT_MAX};

use crate::base::hash::Hash;

/// What every line begins with.
const MARK: &str = "AFFIANT/1/";

/// The groups of base32: five bytes in eight characters.
pub(super) const GROUP_BYTES: usize = 5;

/// Writes bytes as lines; their length is a multiple of [`GROUP_BYTES`].
pub(super) fn lines(bytes: &[u8]) -> Result<Vec<String>, PartsError> {
    debug_assert!(bytes.len().is_multiple_of(GROUP_BYTES));
    let count = bytes.len().div_ceil(PART_BYTES);
    if count > PART_COUNT_MAX {
        return Err(PartsError::TooMany { found: count });
    }
    let set = set_of(bytes);
    let line = |(number, part): (usize, &[u8])| {
        let (crc, digits) = (crc32fast::hash(part), BASE32_NOPAD.encode(part));
        format!("{MARK}{number:02}/{count:02}/{set}/{crc:08X}/{digits}")
    };
    Ok((1..).zip(bytes.chunks(PART_BYTES)).map(line).collect())
}

/// Names a set.
fn set_of(bytes: &[u8]) -> String {
    Hash::of(bytes).short().to_ascii_uppercase()
}

/// The parts of one set that were read so far.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parts {
    set: String,
    count: usize,
    read: BTreeMap<usize, Vec<u8>>,
}

impl Parts {
    /// Sorts lines of any order into their sets. What is no part is left out: other symbols may stand on a page.
    ///
    /// # Errors
    /// [`PartsError::Part`] for a line that begins as one and is none, [`PartsError::TwoParts`] where two differ.
    pub fn sort<'l>(lines: impl IntoIterator<Item = &'l str>) -> Result<Vec<Self>, PartsError> {
        let mut sets: BTreeMap<(String, usize), Self> = BTreeMap::new();
        for line in lines.into_iter().filter(|line| line.starts_with(MARK)) {
            let (set, count, number, bytes) = read(line).ok_or_else(|| PartsError::Part { line: shown(line) })?;
            let parts = sets.entry((set.clone(), count));
            let parts = parts.or_insert_with(|| Self { set, count, read: BTreeMap::new() });
            if parts.read.get(&number).is_some_and(|other| *other != bytes) {
                return Err(PartsError::TwoParts { number, set: parts.set.clone() });
            }
            parts.read.insert(number, bytes);
        }
        Ok(sets.into_values().collect())
    }

    /// Returns the set's name.
    #[must_use]
    pub fn set(&self) -> &str {
        &self.set
    }

    /// Returns how many parts the set has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the numbers of the parts that were not read.
    #[must_use]
    pub fn missing(&self) -> Vec<usize> {
        (1..=self.count).filter(|number| !self.read.contains_key(number)).collect()
    }

    /// Joins the parts.
    ///
    /// # Errors
    /// [`PartsError::Missing`], and [`PartsError::OtherSet`] when they are not what the set's name says.
    pub fn join(&self) -> Result<Vec<u8>, PartsError> {
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(PartsError::Missing { missing, count: self.count });
        }
        let bytes = self.read.values().flatten().copied().collect::<Vec<u8>>();
        let found = set_of(&bytes);
        if found != self.set {
            return Err(PartsError::OtherSet { expected: self.set.clone(), found });
        }
        Ok(bytes)
    }
}

/// Reads a line: its set, how many parts that has, which this is, its bytes.
fn read(line: &str) -> Option<(String, usize, usize, Vec<u8>)> {
    let mut fields = line.strip_prefix(MARK)?.split('/');
    let mut number = || fields.next().filter(|text| text.len() == 2)?.parse::<usize>().ok();
    let (number, count) = (number()?, number()?);
    let (set, crc, digits) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() || !(1..=PART_COUNT_MAX).contains(&count) || !(1..=count).contains(&number) {
        return None;
    }
    let bytes = BASE32_NOPAD.decode(digits.as_bytes()).ok()?;
    let is_whole = bytes.len() == PART_BYTES || (number == count && (1..=PART_BYTES).contains(&bytes.len()));
    let again = format!("{MARK}{number:02}/{count:02}/{set}/{:08X}/{digits}", crc32fast::hash(&bytes));
    let is_set = set.len() == 16 && set.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    (is_whole && is_set && bytes.len().is_multiple_of(GROUP_BYTES) && again == line && crc.len() == 8)
        .then(|| (set.to_owned(), count, number, bytes))
}

/// The beginning of a line, for messages.
fn shown(line: &str) -> String {
    line.chars().take(42).collect()
}

/// Why parts do not make a set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PartsError {
    #[error("parts {missing:?} of {count} were not read")]
    Missing { missing: Vec<usize>, count: usize },
    #[error("the parts make set {found}, and say that they make {expected}")]
    OtherSet { expected: String, found: String },
    #[error("`{line}…` begins as a part and is none")]
    Part { line: String },
    #[error("{found} parts, more than the {PART_COUNT_MAX} that are put on paper")]
    TooMany { found: usize },
    #[error("part {number} of set {set} was read twice, and is not the same")]
    TwoParts { number: usize, set: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: u16) -> Vec<u8> {
        (0..length).map(|n| n.to_be_bytes()[1] ^ n.to_be_bytes()[0]).collect()
    }

    #[test]
    fn joins_what_it_parts_in_any_order() {
        for length in [5, 875, 880, 885, 1760, 9000] {
            let bytes = bytes(length);
            let mut lines = lines(&bytes).unwrap();
            lines.reverse();
            lines.push(lines[0].clone());
            let sets = Parts::sort(lines.iter().map(String::as_str).chain(["https://a.example/"])).unwrap();
            assert_eq!(sets.len(), 1, "{length}");
            assert_eq!(sets[0].join(), Ok(bytes), "{length}");
        }
        assert_eq!(lines(&bytes(52_805)), Err(PartsError::TooMany { found: 61 }));
    }

    #[test]
    fn names_what_is_missing_and_what_differs() {
        let all = lines(&bytes(2000)).unwrap();
        let sort = |lines: &[String]| Parts::sort(lines.iter().map(String::as_str));
        let missing = PartsError::Missing { missing: vec![2], count: 3 };
        assert_eq!(sort(&[all[0].clone(), all[2].clone()]).unwrap()[0].join(), Err(missing));
        let other = lines(&[&bytes(1990)[..], &[0; 10]].concat()).unwrap();
        assert_eq!(sort(&[all.clone(), other.clone()].concat()).unwrap().len(), 2);
        let (set, forged) = (all[2].split('/').nth(4).unwrap(), other[2].split('/').nth(4).unwrap());
        let forged = other[2].replace(forged, set);
        let two = PartsError::TwoParts { number: 3, set: set.to_owned() };
        assert_eq!(sort(&[all[2].clone(), forged.clone()]), Err(two));
        assert!(matches!(
            sort(&[all[0].clone(), all[1].clone(), forged]).unwrap()[0].join(),
            Err(PartsError::OtherSet { .. })
        ));
    }

    #[test]
    fn refuses_every_changed_character_of_a_line() {
        let line = &lines(&bytes(30)).unwrap()[0];
        for at in MARK.len()..line.len() {
            for c in ['0', 'A', 'Z', '/', '$'] {
                let mut changed = line.clone();
                changed.replace_range(at..=at, &c.to_string());
                let is_other_set = (16..32).contains(&at); // That is found when the parts are joined.
                assert!(changed == *line || is_other_set || read(&changed).is_none(), "{at} {c} {changed}");
            }
        }
    }
}
