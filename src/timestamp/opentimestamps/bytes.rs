//! Bytes of a proof, read from the front and written to the end.
//!
//! | quantity | unit  | range                                   |
//! |----------|-------|-----------------------------------------|
//! | number   |       | base 128, the least digits first, in the shortest spelling; below 2^64 |
//! | string   | bytes | behind its length, which its reader limits |
//!
//! Source: the reference implementation, `opentimestamps/core/serialize.py`. Stricter: a number that ends in a zero digit is
//! a second spelling and refused.

use super::error::ProofError;

/// What is left to be read.
pub(super) struct Bytes<'b> {
    all: &'b [u8],
    at: usize,
}

impl<'b> Bytes<'b> {
    pub(super) fn new(all: &'b [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// Returns how far it was read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'b [u8], ProofError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.all.len());
        let end = end.ok_or(ProofError::CutOff { at: self.all.len() })?;
        let taken = &self.all[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, ProofError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn number(&mut self) -> Result<u64, ProofError> {
        let at = self.at;
        let mut number: u64 = 0;
        let mut shift: u32 = 0;
        loop {
            let byte = self.byte()?;
            let digit = u64::from(byte & 0x7f);
            if shift > 63 || (shift == 63 && digit > 1) || (byte == 0 && shift > 0) {
                return Err(ProofError::Number { at });
            }
            number |= digit << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    /// Takes a string of `min` to `max` bytes.
    pub(super) fn string(&mut self, min: usize, max: usize) -> Result<&'b [u8], ProofError> {
        let at = self.at;
        let length = self.number()?;
        let fits = usize::try_from(length).ok().filter(|length| (min..=max).contains(length));
        self.take(fits.ok_or(ProofError::Length { at, min, max, found: length })?)
    }

    pub(super) fn finish(&self) -> Result<(), ProofError> {
        if self.at < self.all.len() { Err(ProofError::Trailing { at: self.at }) } else { Ok(()) }
    }
}

pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let digit = u8::try_from(number & 0x7f).expect("seven bits fit in a byte");
        number >>= 7;
        if number == 0 {
            return out.push(digit);
        }
        out.push(digit | 0x80);
    }
}

pub(super) fn write_string(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, u64::try_from(bytes.len()).expect("a length fits in 64 bits"));
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for number in [0, 1, 127, 128, 255, 256, 16383, 16384, 863_000, u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            write_number(&mut bytes, number);
            let mut reader = Bytes::new(&bytes);
            assert_eq!(reader.number().ok(), Some(number), "{number}");
            assert!(reader.finish().is_ok());
        }
        for wrong in [&[0x80, 0][..], &[0xff, 0x80, 0], &[0xff; 11], &[0x80; 9], &[]] {
            assert!(Bytes::new(wrong).number().is_err(), "{wrong:?}");
        }
        let largest = [&[0xff; 9][..], &[1]].concat();
        assert_eq!(Bytes::new(&largest).number().ok(), Some(u64::MAX));
        assert!(Bytes::new(&[&[0xff; 9][..], &[2]].concat()).number().is_err());
    }
}
