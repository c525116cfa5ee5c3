//! Blocks: which ones a reader knows to be Bitcoin's, from a node or from whomever else the reader believes.
//!
//! ```text
//! # Looked up at two explorers on 12 March.
//! 358391 000000000000000010c2a2f4e3b4e0a8a4ff8fd6a8cbe4ab1b5a36d5b8fc7d1e
//! 358392 020000006c3f…            the header in hexadecimal does as well
//! ```
//!
//! | quantity | unit  | range                             |
//! |----------|-------|-----------------------------------|
//! | file     | bytes | at most [`FILE_BYTES_MAX`]        |
//! | blocks   | count | at most [`BLOCK_COUNT_MAX`]       |
//!
//! A line is a height and, after one space, the block's hash or its whole header. Empty lines and what stands behind `#` are
//! for people. `network regtest`, as the first line, says that the blocks are of a test chain.
//!
//! A hash is enough where the header travels with the proof: the two are compared. Whoever gave the reader the hash vouches
//! that the block is in the chain with the most work; nothing here can tell that.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::header::{BlockHash, Header, HeaderError, Network};

/// The longest file: as many lines as there may be, with headers.
pub const FILE_BYTES_MAX: usize = 1 << 22;

/// The most blocks that a reader names; a year has 52,560.
pub const BLOCK_COUNT_MAX: usize = 10_000;

/// What a reader knows of Bitcoin's chain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Blocks {
    network: Network,
    known: BTreeMap<u64, (BlockHash, Option<Header>)>,
}

impl Blocks {
    /// Knows nothing of a network.
    #[must_use]
    pub fn of(network: Network) -> Self {
        Self { network, known: BTreeMap::new() }
    }

    /// Reads a file and takes in its lines.
    ///
    /// # Errors
    /// A [`BlocksError`] that names the line.
    pub fn add_file(&mut self, text: &str) -> Result<(), BlocksError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(BlocksError::TooLong { found: text.len() });
        }
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let mut is_first = true;
        for (line, text) in (1..).zip(lines).filter(|(_, text)| !text.is_empty()) {
            let malformed = BlocksError::Malformed { line };
            if let Some(name) = text.strip_prefix("network ").filter(|_| is_first) {
                let networks = [Network::Main, Network::Regtest];
                self.network = networks.into_iter().find(|network| network.as_str() == name).ok_or(malformed)?;
                is_first = false;
                continue;
            }
            is_first = false;
            let (height, rest) = text.split_once(' ').ok_or(malformed.clone())?;
            let number: u64 = height.parse().map_err(|_| malformed.clone())?;
            if number.to_string() != height {
                return Err(malformed);
            }
            let bytes = HEXLOWER.decode(rest.as_bytes()).map_err(|_| malformed.clone())?;
            match bytes.len() {
                super::header::SIZE_BYTES => {
                    let header = Header::parse(&bytes).map_err(|source| BlocksError::Header { line, source })?;
                    self.add_header(number, header)?;
                }
                _ => self.add_hash(number, rest.parse().map_err(|_| malformed)?)?,
            }
        }
        Ok(())
    }

    /// Takes in a block's hash.
    ///
    /// # Errors
    /// [`BlocksError::TwoHashes`] when another is known at that height, [`BlocksError::TooMany`].
    pub fn add_hash(&mut self, height: u64, hash: BlockHash) -> Result<(), BlocksError> {
        if self.known.len() >= BLOCK_COUNT_MAX && !self.known.contains_key(&height) {
            return Err(BlocksError::TooMany);
        }
        let (known, _) = self.known.entry(height).or_insert((hash, None));
        if *known != hash {
            return Err(BlocksError::TwoHashes { height, one: *known, other: hash });
        }
        Ok(())
    }

    /// Takes in a block's header.
    ///
    /// # Errors
    /// As [`Blocks::add_hash`].
    pub fn add_header(&mut self, height: u64, header: Header) -> Result<(), BlocksError> {
        self.add_hash(height, header.hash())?;
        self.known.insert(height, (header.hash(), Some(header)));
        Ok(())
    }

    /// Returns which network the blocks are of.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network
    }

    /// Returns the hash of the block at a height, when it is known.
    #[must_use]
    pub fn hash(&self, height: u64) -> Option<BlockHash> {
        self.known.get(&height).map(|(hash, _)| *hash)
    }

    /// Returns the header of the block at a height, when it is known.
    #[must_use]
    pub fn header(&self, height: u64) -> Option<Header> {
        self.known.get(&height).and_then(|(_, header)| *header)
    }
}

/// Why a reader's blocks cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum BlocksError {
    #[error("line {line}")]
    Header { line: usize, source: HeaderError },
    #[error("line {line} is not a height and, after a space, 64 or 160 lower-case hexadecimal digits")]
    Malformed { line: usize },
    #[error("{found} bytes of blocks, and at most {FILE_BYTES_MAX} are read")]
    TooLong { found: usize },
    #[error("more than {BLOCK_COUNT_MAX} blocks")]
    TooMany,
    #[error("two blocks at height {height}: {one} and {other}")]
    TwoHashes { height: u64, one: BlockHash, other: BlockHash },
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
    const HEADER: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e\
        67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";

    #[test]
    fn takes_hashes_and_headers_that_agree() {
        let mut blocks = Blocks::default();
        blocks.add_file(&format!("# mine\n\n0 {HASH}\n7 {HASH} # again\n")).unwrap();
        assert_eq!((blocks.hash(0).map(|hash| hash.to_string()).as_deref(), blocks.header(0)), (Some(HASH), None));
        blocks.add_file(&format!("0 {HEADER}")).unwrap();
        assert!(blocks.header(0).is_some() && blocks.hash(1).is_none() && blocks.network() == Network::Main);
        let mut tests = Blocks::default();
        tests.add_file("# a chain of our own\nnetwork regtest\n").unwrap();
        assert_eq!(tests.network(), Network::Regtest);
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        for (text, line) in [
            ("0", 1),
            ("\n00 aa", 2),
            ("0 aa", 1),
            ("-1 00", 1),
            (&format!("0 {HASH}\n1  {HASH}"), 2),
            (&format!("0 {}", HASH.to_uppercase()), 1),
            ("network moon", 1),
            (&format!("0 {HASH}\nnetwork regtest"), 2),
        ] {
            assert_eq!(Blocks::default().add_file(text), Err(BlocksError::Malformed { line }), "{text}");
        }
        let two = format!("0 {HASH}\n0 {}", HASH.replace('6', "7"));
        assert!(matches!(Blocks::default().add_file(&two), Err(BlocksError::TwoHashes { height: 0, .. })));
    }
}
