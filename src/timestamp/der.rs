//! DER, read inside limits: the tags and lengths that timestamps and certificates are made of.
//!
//! | quantity | unit           | range                        |
//! |----------|----------------|------------------------------|
//! | length   | bytes          | at most 2³² − 1, and never more than there are |
//! | depth    | indefinite lengths in one another | at most [`DEPTH_MAX`] |
//!
//! Source: ITU-T X.690. A reader borrows; nothing is allocated from a length that somebody claims, and what was
//! signed is always the bytes received.
//!
//! Looser than DER, because authorities are: a length may take more bytes than it needs, a constructed element
//! may have an indefinite length, an OCTET STRING may come in pieces, a SET need not be sorted, TRUE may be any
//! byte but zero and a default may be spelled out. Not read: tags above 30, which none of these formats has.
//!
//! What this does not do: know a schema. Each type is read by the file that knows it.

use std::borrow::Cow;

/// How deep indefinite lengths may nest: a reply has eight levels in all.
pub const DEPTH_MAX: usize = 16;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

const CONSTRUCTED: u8 = 0x20;
const INDEFINITE: u8 = 0x80;

/// Returns the tag `[number]` of an element with parts.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// Returns the tag `[number]` of an element without parts.
pub(super) const fn context_primitive(number: u8) -> u8 {
    0x80 | number
}

/// One element: a tag and what it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'b> {
    pub(super) tag: u8,
    /// What stands between the length and the end.
    pub(super) content: &'b [u8],
    /// All of it, as received.
    pub(super) raw: &'b [u8],
    /// Where it begins.
    pub(super) at: usize,
    content_at: usize,
}

/// Reads elements one after another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'b> {
    rest: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the tag that comes next.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads the next element, whatever it is.
    pub(super) fn any(&mut self) -> Result<Element<'b>, DerError> {
        let at = self.at;
        let (tag, length, head) = read_head(self.rest, at)?;
        let (content_end, end) = if let Some(length) = length {
            let end = head.checked_add(length).filter(|end| *end <= self.rest.len());
            let end = end.ok_or(DerError::TooShort { at, left: self.rest.len() - head, wanted: length })?;
            (end, end)
        } else {
            let content_end = find_end(self.rest, head, at)?;
            (content_end, content_end + 2)
        };
        let (raw, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.at += end;
        Ok(Element { tag, content: &raw[head..content_end], raw, at, content_at: at + head })
    }

    /// Reads the next element, which must have a tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<Element<'b>, DerError> {
        let at = self.at;
        match self.peek() {
            // An OCTET STRING in pieces has the same tag with the bit for "constructed".
            Some(found) if found == tag || (tag == OCTET_STRING && found == tag | CONSTRUCTED) => self.any(),
            Some(found) => Err(DerError::OtherTag { at, expected: tag, found }),
            None => Err(DerError::Ended { at, expected: tag }),
        }
    }

    /// Reads the next element when it has a tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'b>>, DerError> {
        if self.peek() == Some(tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Reads what is in the next element, a SEQUENCE.
    pub(super) fn sequence(&mut self) -> Result<Self, DerError> {
        Ok(self.take(SEQUENCE)?.reader())
    }

    /// Says that nothing may follow.
    pub(super) fn finish(self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(DerError::Trailing { at: self.at, left: self.rest.len() }) }
    }
}

impl<'b> Element<'b> {
    /// Reads the parts of a constructed element.
    pub(super) fn reader(&self) -> Reader<'b> {
        Reader { rest: self.content, at: self.content_at }
    }

    /// Returns an OCTET STRING's bytes, put together when they came in pieces.
    pub(super) fn octets(&self) -> Result<Cow<'b, [u8]>, DerError> {
        if self.tag & CONSTRUCTED == 0 {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut whole = Vec::new();
        let mut pieces = self.reader();
        while !pieces.is_empty() {
            let piece = pieces.any()?;
            if piece.tag != OCTET_STRING {
                return Err(DerError::OtherTag { at: piece.at, expected: OCTET_STRING, found: piece.tag });
            }
            whole.extend_from_slice(piece.content);
        }
        Ok(Cow::Owned(whole))
    }

    /// Returns an INTEGER's bytes without the ones that only repeat its sign.
    pub(super) fn integer(&self) -> Result<&'b [u8], DerError> {
        let mut bytes = self.content;
        if bytes.is_empty() {
            return Err(DerError::Malformed { at: self.at, what: "an INTEGER without bytes" });
        }
        while let [first, second, ..] = bytes
            && ((*first == 0 && second & 0x80 == 0) || (*first == 0xff && second & 0x80 != 0))
        {
            bytes = &bytes[1..];
        }
        Ok(bytes)
    }

    /// Returns an INTEGER that is small and not negative.
    pub(super) fn small(&self) -> Result<u64, DerError> {
        let bytes = self.integer()?;
        let malformed = DerError::Malformed { at: self.at, what: "an INTEGER that is negative or too large" };
        if bytes[0] & 0x80 != 0 || bytes.len() > 8 {
            return Err(malformed);
        }
        Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// Returns whether a BOOLEAN is true.
    pub(super) fn is_true(&self) -> Result<bool, DerError> {
        match self.content {
            [byte] => Ok(*byte != 0),
            _ => Err(DerError::Malformed { at: self.at, what: "a BOOLEAN that is not one byte" }),
        }
    }

    /// Returns the whole bytes of a BIT STRING.
    pub(super) fn bits(&self) -> Result<&'b [u8], DerError> {
        match self.content.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(DerError::Malformed { at: self.at, what: "a BIT STRING that is not whole bytes" }),
        }
    }
}

/// Reads tag and length: the tag, the length unless it is indefinite, and how many bytes both take.
fn read_head(bytes: &[u8], at: usize) -> Result<(u8, Option<usize>, usize), DerError> {
    let [tag, first, rest @ ..] = bytes else { return Err(DerError::Truncated { at }) };
    if tag & 0x1f == 0x1f {
        return Err(DerError::Malformed { at, what: "a tag above 30" });
    }
    if *first < INDEFINITE {
        return Ok((*tag, Some(usize::from(*first)), 2));
    }
    if *first == INDEFINITE {
        if tag & CONSTRUCTED == 0 {
            return Err(DerError::Malformed { at, what: "an indefinite length without parts" });
        }
        return Ok((*tag, None, 2));
    }
    let count = usize::from(first & 0x7f);
    let digits = rest.get(..count).ok_or(DerError::Truncated { at })?;
    let mut length: u32 = 0;
    for digit in digits {
        let shifted = length.checked_mul(256).ok_or(DerError::Malformed { at, what: "a length past 2³² − 1" })?;
        length = shifted + u32::from(*digit);
    }
    let length = usize::try_from(length).map_err(|_| DerError::Malformed { at, what: "a length past memory" })?;
    Ok((*tag, Some(length), 2 + count))
}

/// Finds where the content of an element of indefinite length ends: before the two zeros that close it.
fn find_end(bytes: &[u8], start: usize, at: usize) -> Result<usize, DerError> {
    let mut position = start;
    let mut depth = 1;
    loop {
        let rest = bytes.get(position..).ok_or(DerError::Truncated { at })?;
        if let [0, 0, ..] = rest {
            depth -= 1;
            if depth == 0 {
                return Ok(position);
            }
            position += 2;
            continue;
        }
        let (_, length, head) = read_head(rest, at + position)?;
        if length.is_none() {
            depth += 1;
            if depth > DEPTH_MAX {
                return Err(DerError::TooDeep { at: at + position });
            }
        }
        position = position.saturating_add(head).saturating_add(length.unwrap_or(0));
    }
}

/// Writes an element.
pub(super) fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match significant {
        [] => bytes.push(0),
        [short] if *short < INDEFINITE => bytes.push(*short),
        long => {
            bytes.push(INDEFINITE | u8::try_from(long.len()).expect("a length has at most 8 bytes"));
            bytes.extend_from_slice(long);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// Writes the elements one after another inside another.
pub(super) fn write_all(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    write(tag, &parts.concat())
}

/// Why bytes are not elements.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum DerError {
    #[error("it ends at byte {at}, where tag {expected:#04x} was expected")]
    Ended { at: usize, expected: u8 },
    #[error("{what} at byte {at}")]
    Malformed { at: usize, what: &'static str },
    #[error("tag {found:#04x} at byte {at}, where {expected:#04x} was expected")]
    OtherTag { at: usize, expected: u8, found: u8 },
    #[error("indefinite lengths nest deeper than {DEPTH_MAX} at byte {at}")]
    TooDeep { at: usize },
    #[error("the element at byte {at} claims {wanted} bytes, and {left} are left")]
    TooShort { at: usize, left: usize, wanted: usize },
    #[error("{left} bytes too many from byte {at}")]
    Trailing { at: usize, left: usize },
    #[error("cut off in the element at byte {at}")]
    Truncated { at: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_definite_long_and_indefinite_lengths_alike() {
        // X.690 §8.1.3: the same OCTET STRING of three bytes, by each form of length.
        for bytes in ["3005040361 6263", "308105040361 6263", "3080 0403 616263 0000", "3084000000050403616263"] {
            let bytes = data_encoding::HEXLOWER.decode(bytes.replace(' ', "").as_bytes()).unwrap();
            let mut reader = Reader::new(&bytes);
            let mut inner = reader.sequence().unwrap();
            assert_eq!(inner.take(OCTET_STRING).unwrap().octets().unwrap(), &b"abc"[..]);
            assert!(inner.finish().is_ok() && reader.finish().is_ok());
        }
        let pieces = [0x24, 0x80, 4, 1, b'a', 4, 2, b'b', b'c', 0, 0];
        assert_eq!(Reader::new(&pieces).take(OCTET_STRING).unwrap().octets().unwrap(), &b"abc"[..]);
    }

    #[test]
    fn writes_what_the_standard_writes() {
        assert_eq!(write(SEQUENCE, &[]), [0x30, 0]);
        assert_eq!(write(OCTET_STRING, &[7; 127])[..2], [4, 127]);
        assert_eq!(write(OCTET_STRING, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(write(OCTET_STRING, &[7; 256])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn refuses_what_is_not_there() {
        assert!(matches!(Reader::new(&[0x30]).any(), Err(DerError::Truncated { at: 0 })));
        assert!(matches!(Reader::new(&[0x30, 5, 0]).any(), Err(DerError::TooShort { left: 1, wanted: 5, .. })));
        assert!(matches!(Reader::new(&[0x30, 0x84, 255, 255, 255, 255]).any(), Err(DerError::TooShort { .. })));
        assert!(matches!(Reader::new(&[0x30, 0x85, 1, 0, 0, 0, 0]).any(), Err(DerError::Malformed { .. })));
        assert!(matches!(Reader::new(&[0x30, 0x80, 4, 1]).any(), Err(DerError::Truncated { .. })));
        assert!(matches!(Reader::new(&[0x04, 0x80, 0, 0]).any(), Err(DerError::Malformed { .. })));
        assert!(matches!(Reader::new(&[0x1f, 0x81, 0]).any(), Err(DerError::Malformed { .. })));
        let deep = [0x30, 0x80].repeat(1000);
        assert!(matches!(Reader::new(&deep).any(), Err(DerError::TooDeep { .. })));
    }

    #[test]
    fn numbers_keep_their_sign_and_no_more() {
        for (bytes, expected) in [(&[2, 1, 0][..], 0), (&[2, 2, 0, 0x80], 128), (&[2, 3, 0, 0, 7], 7)] {
            assert_eq!(Reader::new(bytes).any().unwrap().small(), Ok(expected));
        }
        assert!(Reader::new(&[2, 1, 0x80]).any().unwrap().small().is_err());
        assert_eq!(Reader::new(&[2, 2, 0xff, 0x80]).any().unwrap().integer(), Ok(&[0x80][..]));
        assert!(Reader::new(&[2, 0]).any().unwrap().integer().is_err());
    }
}
