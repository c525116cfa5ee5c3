//! Headers: the 80 bytes at the front of a Bitcoin block, which all the work of mining is over.
//!
//! | bytes  | what                                                     |
//! |--------|----------------------------------------------------------|
//! | 0..4   | version                                                  |
//! | 4..36  | hash of the header before                                |
//! | 36..68 | root of the Merkle tree of transactions                  |
//! | 68..72 | seconds since 1970, by the miner's clock                 |
//! | 72..76 | the target, as mantissa (3 bytes) and exponent (1)       |
//! | 76..80 | the number that was searched for                         |
//!
//! Numbers are little-endian; a block's hash is SHA-256 of SHA-256 of its header, and is written for people back to front, so
//! that its zeros come first. Source: the Bitcoin developer reference, *Block Headers* and *Target nBits*.
//!
//! What a header shows by itself is that somebody tried about 2^256 / target hashes for it. It does not show that it is one
//! of Bitcoin's: whoever pays for the work may write any time into it. What it costs is the reason for
//! [`LEADING_ZEROS_MIN`], and no reason to believe it: that is for [`super::blocks`].

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use crate::base::hash::Hash;
use crate::base::time::Time;

/// How long a header is.
pub const SIZE_BYTES: usize = 80;

/// With how many zero bits a target must begin on Bitcoin's main network: 2^64 hashes for one block, which it passed in
/// 2014, before there was a calendar.
pub const LEADING_ZEROS_MIN: u32 = 64;

/// How far a block's time may be from the time at which it was mined. Nodes refuse a block that is two hours ahead of them,
/// and one that is not later than the median of the eleven before it, which lags by about an hour.
pub const SKEW_SECONDS: u64 = 7200;

/// A header, read and believed in nothing.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Header([u8; SIZE_BYTES]);

/// What a block is called.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct BlockHash([u8; 32]);

/// Which chain a block is said to be of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Network {
    /// Bitcoin.
    #[default]
    Main,
    /// A chain that somebody runs for tests; work on it costs nothing.
    Regtest,
}

impl Header {
    /// Takes 80 bytes.
    ///
    /// # Errors
    /// [`HeaderError::Length`].
    pub fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        bytes.try_into().map(Self).map_err(|_| HeaderError::Length { found: bytes.len() })
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns what the block is called.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        BlockHash(*Hash::of(Hash::of(&self.0).as_bytes()).as_bytes())
    }

    /// Returns the root of the block's transactions, in the order of its bytes.
    #[must_use]
    pub fn merkle_root(&self) -> &[u8] {
        &self.0[36..68]
    }

    /// Returns the miner's time.
    ///
    /// # Errors
    /// [`HeaderError::Time`] for one that no clock shows.
    pub fn time(&self) -> Result<Time, HeaderError> {
        Time::from_seconds(self.number(68).into()).map_err(|_| HeaderError::Time)
    }

    /// Returns the moment after which the block was mined, by the rules that all nodes keep.
    ///
    /// # Errors
    /// As [`Header::time`].
    pub fn no_earlier_than(&self) -> Result<Time, HeaderError> {
        let seconds = self.time()?.seconds().saturating_sub(SKEW_SECONDS);
        Time::from_seconds(seconds).map_err(|_| HeaderError::Time)
    }

    /// Returns the moment before which it was.
    ///
    /// # Errors
    /// As [`Header::time`].
    pub fn no_later_than(&self) -> Result<Time, HeaderError> {
        let seconds = self.time()?.seconds().saturating_add(SKEW_SECONDS);
        Time::from_seconds(seconds).map_err(|_| HeaderError::Time)
    }

    /// Checks that the work was done that the header claims, and that it is of the network's kind.
    ///
    /// # Errors
    /// A [`HeaderError`].
    pub fn check_work(&self, network: Network) -> Result<(), HeaderError> {
        let target = self.target()?;
        let zeros = leading_zeros(&target);
        if network == Network::Main && zeros < LEADING_ZEROS_MIN {
            return Err(HeaderError::Easy { found: zeros });
        }
        let hash = self.hash();
        if hash.front_to_back() > target {
            return Err(HeaderError::NoWork { hash, zeros });
        }
        Ok(())
    }

    /// Returns the target as a number of 32 bytes, the highest first.
    fn target(&self) -> Result<[u8; 32], HeaderError> {
        let bits = self.number(72);
        let (exponent, mantissa) = (bits >> 24, bits & 0x00ff_ffff);
        if mantissa & 0x0080_0000 != 0 || mantissa == 0 {
            return Err(HeaderError::Target { bits });
        }
        let mut target = [0; 32];
        for (n, digit) in mantissa.to_be_bytes()[1..].iter().enumerate().filter(|(_, digit)| **digit != 0) {
            // The exponent says how many bytes the number has, of which the mantissa are the first three.
            let place = usize::try_from(exponent).ok().and_then(|length| (32 + n).checked_sub(length));
            match place.and_then(|place| target.get_mut(place)) {
                Some(place) => *place = *digit,
                None => return Err(HeaderError::Target { bits }),
            }
        }
        Ok(target)
    }

    fn number(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.0[at..at + 4].try_into().expect("four bytes"))
    }
}

fn leading_zeros(number: &[u8; 32]) -> u32 {
    let mut zeros = 0;
    for byte in number {
        zeros += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    zeros
}

impl BlockHash {
    /// Returns the bytes as people write them.
    fn front_to_back(self) -> [u8; 32] {
        let mut bytes = self.0;
        bytes.reverse();
        bytes
    }
}

impl Network {
    /// Returns the network's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Regtest => "regtest",
        }
    }

    /// Names the network for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Main => "Bitcoin",
            Self::Regtest => "a test chain (regtest), on which work costs nothing,",
        }
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.front_to_back()))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({})", self.hash())
    }
}

impl FromStr for BlockHash {
    type Err = HeaderError;

    fn from_str(text: &str) -> Result<Self, HeaderError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let mut bytes: [u8; 32] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(HeaderError::Hash)?;
        bytes.reverse();
        Ok(Self(bytes))
    }
}

/// Why bytes are not a header, or one of too little work.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum HeaderError {
    #[error(
        "a header of little work: its target has {found} leading zero bits, and Bitcoin's had {LEADING_ZEROS_MIN} in 2014"
    )]
    Easy { found: u32 },
    #[error("a block's hash is 64 lower-case hexadecimal digits")]
    Hash,
    #[error("a header has {SIZE_BYTES} bytes, found {found}")]
    Length { found: usize },
    #[error("a header without the work that it claims: {zeros} leading zero bits, and its hash is {hash}")]
    NoWork { hash: BlockHash, zeros: u32 },
    #[error("a header whose target ({bits:08x}) is no number of 256 bits")]
    Target { bits: u32 },
    #[error("a header with a time that no clock shows")]
    Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Block 125552, the example of the Bitcoin wiki's page *Block hashing algorithm*.
    const EXAMPLE: &str = "0100000081cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000\
        e320b6c2fffc8d750423db8b1eb942ae710e951ed797f7affc8892b0f1fc122bc7f5d74df2b9441a42a14695";

    /// Block 0, on every page about Bitcoin.
    const FIRST: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e\
        67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";

    fn header(hex: &str) -> Header {
        Header::parse(&HEXLOWER.decode(hex.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn reads_published_headers() {
        let example = header(EXAMPLE);
        assert_eq!(example.hash().to_string(), "00000000000000001e8d6829a8a21adc5d38d0a473b144b6765798e61f98bd1d");
        assert_eq!(example.hash().to_string().parse(), Ok(example.hash()));
        assert_eq!(example.time().unwrap().to_string(), "2011-05-21T17:26:31Z");
        let first = header(FIRST);
        assert_eq!(first.hash().to_string(), "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
        assert_eq!(first.time().unwrap().to_string(), "2009-01-03T18:15:05Z");
        assert_eq!(leading_zeros(&first.target().unwrap()), 32);
        // Real work, and what any laptop does in an hour or a year: not what a calendar's block has.
        assert_eq!(first.check_work(Network::Main), Err(HeaderError::Easy { found: 32 }));
        assert_eq!(example.check_work(Network::Main), Err(HeaderError::Easy { found: 49 }));
        assert_eq!(first.check_work(Network::Regtest), Ok(()));
        assert_eq!(example.check_work(Network::Regtest), Ok(()));
    }

    #[test]
    fn every_changed_bit_undoes_the_work() {
        let example = header(EXAMPLE);
        for bit in 0..SIZE_BYTES * 8 {
            let mut bytes = example.0;
            bytes[bit / 8] ^= 1 << (bit % 8);
            // The highest bits of the target make it so easy that any hash is below it; those are no number, or easy.
            let found = Header(bytes).check_work(Network::Regtest);
            assert!(found.is_err() || (72..76).contains(&(bit / 8)), "bit {bit}");
            assert!(Header(bytes).check_work(Network::Main).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn targets_are_numbers_of_256_bits() {
        let target = |bits: u32| {
            let mut bytes = [0; SIZE_BYTES];
            bytes[72..76].copy_from_slice(&bits.to_le_bytes());
            Header(bytes).target()
        };
        assert_eq!(target(0x207f_ffff).map(|target| target[..4].to_vec()), Ok(vec![0x7f, 0xff, 0xff, 0]));
        assert_eq!(target(0x0300_0001).map(|target| target[31]), Ok(1));
        assert_eq!(target(0x2100_7fff).map(|target| target[..2].to_vec()), Ok(vec![0x7f, 0xff]));
        for wrong in [0x217f_ffff, 0x1d80_0000, 0x1d00_0000, 0xff00_0001, 0x0100_0001, 0] {
            assert_eq!(target(wrong), Err(HeaderError::Target { bits: wrong }), "{wrong:08x}");
        }
    }
}
