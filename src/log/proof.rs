//! Tlog-proofs: one entry's place in the log as a text that needs nothing else.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra YW4gZXhhbXBsZQ==
//! index 2
//! ywCYnZSlacCmeK4EK2Pc1GJduWRAUX83put5duok7Us=
//!
//! example.com/log
//! 3
//! cl1SMNto9VdHDcNfHYhlgTrNfrsHrRUndBQd7LrnEyc=
//!
//! — example.com/log cC88cAwapOCKsllzUew0ua3dZSFPryijk+kaeIxUwIEDZVwct4CuYU5RcyvrtB40jyl5PAttEoFvb0ENkJr28RddQg8=
//! ```
//!
//! | line       | what                                                    | range                        |
//! |------------|---------------------------------------------------------|------------------------------|
//! | 1          | the format's name                                       |                              |
//! | `extra`    | base64 that nobody signed; left out when there is none  | at most [`EXTRA_BYTES_MAX`]  |
//! | `index`    | the entry's position in the log, from 0                 | 0 … 2⁶⁴ − 1                  |
//! | hashes     | base64, the leaf's sibling first                        | at most [`HASH_COUNT_MAX`]   |
//! | empty line |                                                         |                              |
//! | the rest   | the checkpoint, as the log gave it                      | at most [`CHECKPOINT_BYTES_MAX`] |
//!
//! Rules. Numbers have no leading zeros or signs; base64 is the standard one with its padding and no
//! stray bits; lines end in a line feed. The tree size is not repeated: it is the checkpoint's.
//!
//! To verify:
//! 1. Read the checkpoint under a policy (`checkpoint`, `policy`); it gives the tree size and the root.
//! 2. Hash the entry as a leaf.
//! 3. Verify the inclusion proof of this index, that size and these hashes against that root
//!    ([`crate::log::inclusion`]).
//! 4. Trust nothing in `extra`.
//!
//! Source: C2SP tlog-proof. Stricter: an `extra` line without content is refused, since the
//! specification has it left out. The checkpoint is opaque here and kept to the byte.

use data_encoding::BASE64;

use crate::base::base64;
use crate::base::hash::Hash;
use crate::log::inclusion::InclusionProof;

/// The first line.
pub const NAME: &str = "c2sp.org/tlog-proof@v1";

/// The most bytes of extra text that are read. Nothing of ours needs any; a VRF proof takes 80.
pub const EXTRA_BYTES_MAX: usize = 1 << 16;

/// The most hashes that are read: a tree of 64-bit size is 64 levels high.
pub const HASH_COUNT_MAX: usize = 64;

/// The longest checkpoint that is read: room for some 70 ML-DSA-44 lines of 3.3 KB.
pub const CHECKPOINT_BYTES_MAX: usize = 1 << 18;

/// A parsed tlog-proof. Nothing in it was verified yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    /// Opaque bytes that nobody signed.
    pub extra: Option<Vec<u8>>,
    /// The entry's position in the log.
    pub index: u64,
    /// The siblings on the way to the root, the leaf's own first.
    pub path: Vec<Hash>,
    /// The checkpoint, verbatim.
    pub checkpoint: Vec<u8>,
}

impl Proof {
    /// Joins an inclusion proof with the checkpoint that signs its root.
    #[must_use]
    pub fn new(inclusion: InclusionProof, checkpoint: Vec<u8>) -> Self {
        Self { extra: None, index: inclusion.index, path: inclusion.path, checkpoint }
    }

    /// Reads a tlog-proof.
    ///
    /// # Errors
    /// A [`ProofError`] that names the line, from 1.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut lines = Lines { rest: bytes, number: 0 };
        if lines.next()? != NAME.as_bytes() {
            return Err(ProofError::WrongName);
        }
        let mut line = lines.next()?;
        let extra = match line.strip_prefix(b"extra ") {
            Some(text) => {
                let extra = parse_extra(text, lines.number)?;
                line = lines.next()?;
                Some(extra)
            }
            None => None,
        };
        let index = parse_index(line).ok_or(ProofError::NotIndex { line: lines.number })?;
        let mut path = Vec::new();
        loop {
            line = lines.next()?;
            if line.is_empty() {
                break;
            }
            if path.len() == HASH_COUNT_MAX {
                return Err(ProofError::TooManyHashes { line: lines.number });
            }
            path.push(parse_hash(line).ok_or(ProofError::NotHash { line: lines.number })?);
        }
        match lines.rest.len() {
            1..=CHECKPOINT_BYTES_MAX => Ok(Self { extra, index, path, checkpoint: lines.rest.to_vec() }),
            found => Err(ProofError::CheckpointLength { found }),
        }
    }

    /// Writes the tlog-proof.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let extra = self.extra.as_ref().map(|extra| format!("extra {}\n", BASE64.encode(extra))).unwrap_or_default();
        let path: String = self.path.iter().map(|hash| BASE64.encode(hash.as_bytes()) + "\n").collect();
        let text = format!("{NAME}\n{extra}index {}\n{path}\n", self.index);
        [text.as_bytes(), &self.checkpoint].concat()
    }

    /// Returns the inclusion proof, given the tree size that the checkpoint signs.
    #[must_use]
    pub fn inclusion(&self, tree_size: u64) -> InclusionProof {
        InclusionProof { index: self.index, tree_size, path: self.path.clone() }
    }
}

struct Lines<'b> {
    rest: &'b [u8],
    number: usize,
}

impl<'b> Lines<'b> {
    fn next(&mut self) -> Result<&'b [u8], ProofError> {
        self.number += 1;
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or(ProofError::CutOff { line: self.number })?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(line)
    }
}

fn parse_extra(text: &[u8], line: usize) -> Result<Vec<u8>, ProofError> {
    if text.len() > BASE64.encode_len(EXTRA_BYTES_MAX) {
        return Err(ProofError::ExtraTooLong { found: text.len() });
    }
    match base64::decode(text) {
        Some(extra) if !extra.is_empty() => Ok(extra),
        _ => Err(ProofError::NotExtra { line }),
    }
}

fn parse_index(line: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(line.strip_prefix(b"index ")?).ok()?;
    let index: u64 = digits.parse().ok()?;
    (index.to_string() == digits).then_some(index)
}

fn parse_hash(line: &[u8]) -> Option<Hash> {
    Hash::from_slice(&base64::decode(line)?).ok()
}

/// Why a text is not a tlog-proof.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ProofError {
    #[error("the checkpoint has {found} bytes, expected 1 to {CHECKPOINT_BYTES_MAX}")]
    CheckpointLength { found: usize },
    #[error("line {line}: the proof ends here, before its checkpoint")]
    CutOff { line: usize },
    #[error("the extra line has {found} characters, for more than {EXTRA_BYTES_MAX} bytes")]
    ExtraTooLong { found: usize },
    #[error("line {line}: not the base64 of some extra bytes")]
    NotExtra { line: usize },
    #[error("line {line}: not the base64 of a 32-byte hash")]
    NotHash { line: usize },
    #[error("line {line}: not `index` and a number without leading zeros")]
    NotIndex { line: usize },
    #[error("line {line}: more than {HASH_COUNT_MAX} hashes")]
    TooManyHashes { line: usize },
    #[error("line 1: not `{NAME}`")]
    WrongName,
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::log::merkle::tests::{leaves, root_by_definition};

    /// The example of the page above, made again: three leaves `0`, `1` and `2`, the key of 32 sevens.
    fn example() -> Proof {
        let leaves = leaves(3);
        let root = root_by_definition(&leaves);
        let text = format!("example.com/log\n3\n{}\n", BASE64.encode(root.as_bytes()));
        let key = SigningKey::from_bytes(&[7; 32]);
        // C2SP signed-note: the key's id is the start of SHA-256(name, LF, 0x01, key).
        let id = Hash::of_parts(&[b"example.com/log\n\x01", key.verifying_key().as_bytes()]);
        let line = [&id.as_bytes()[..4], &key.sign(text.as_bytes()).to_bytes()].concat();
        let checkpoint = format!("{text}\n— example.com/log {}\n", BASE64.encode(&line));
        let inclusion = InclusionProof::make(&leaves, 2, 3).unwrap();
        Proof { extra: Some(b"an example".to_vec()), ..Proof::new(inclusion, checkpoint.into_bytes()) }
    }

    fn page_example() -> String {
        let page = include_str!("proof.rs");
        let lines = page.lines().skip_while(|line| *line != "//! ```text").skip(1);
        lines.take_while(|line| *line != "//! ```").map(|line| line[3..].trim_start().to_owned() + "\n").collect()
    }

    #[test]
    fn the_example_is_what_it_says() {
        assert_eq!(page_example(), String::from_utf8(example().encode()).unwrap());
        let proof = Proof::parse(page_example().as_bytes()).unwrap();
        assert_eq!(proof, example());
        let leaves = leaves(3);
        assert_eq!(proof.inclusion(3).verify(leaves[2], root_by_definition(&leaves)), Ok(()));
    }

    #[test]
    fn every_proof_reads_back() {
        for (extra, index, count) in [(None, 0, 0), (Some(vec![0; 100]), u64::MAX, 64)] {
            let proof = Proof { extra, index, path: vec![Hash::of(b""); count], checkpoint: b"\x00\n\n\xff".to_vec() };
            assert_eq!(Proof::parse(&proof.encode()), Ok(proof));
        }
    }

    #[test]
    fn rejects_any_other_spelling() {
        let hash = BASE64.encode(Hash::of(b"").as_bytes());
        let cases = [
            (String::new(), ProofError::CutOff { line: 1 }),
            (NAME.to_owned(), ProofError::CutOff { line: 1 }),
            (format!("{NAME}\r\nindex 0\r\n\r\nc\n"), ProofError::WrongName),
            (format!("\n{NAME}\nindex 0\n\nc\n"), ProofError::WrongName),
            (format!("{NAME}\nextra \nindex 0\n\nc\n"), ProofError::NotExtra { line: 2 }),
            (format!("{NAME}\nextra\nindex 0\n\nc\n"), ProofError::NotIndex { line: 2 }),
            (format!("{NAME}\nextra YQ\nindex 0\n\nc\n"), ProofError::NotExtra { line: 2 }),
            (format!("{NAME}\nextra YR==\nindex 0\n\nc\n"), ProofError::NotExtra { line: 2 }),
            (format!("{NAME}\nextra YQ==YQ==\nindex 0\n\nc\n"), ProofError::NotExtra { line: 2 }),
            (format!("{NAME}\nextra YQ==\nextra YQ==\nindex 0\n\nc\n"), ProofError::NotIndex { line: 3 }),
            (format!("{NAME}\nindex 0\nextra YQ==\n\nc\n"), ProofError::NotHash { line: 3 }),
            (format!("{NAME}\nindex 00\n\nc\n"), ProofError::NotIndex { line: 2 }),
            (format!("{NAME}\nindex +1\n\nc\n"), ProofError::NotIndex { line: 2 }),
            (format!("{NAME}\nindex  1\n\nc\n"), ProofError::NotIndex { line: 2 }),
            (format!("{NAME}\nindex 1 \n\nc\n"), ProofError::NotIndex { line: 2 }),
            (format!("{NAME}\nindex 18446744073709551616\n\nc\n"), ProofError::NotIndex { line: 2 }),
            (format!("{NAME}\nindex 1\n{}\n\nc\n", &hash[1..]), ProofError::NotHash { line: 3 }),
            (format!("{NAME}\nindex 1\nAAA={}\n\nc\n", BASE64.encode(&[0; 30])), ProofError::NotHash { line: 3 }),
            (format!("{NAME}\nindex 1\n {hash}\n\nc\n"), ProofError::NotHash { line: 3 }),
            (format!("{NAME}\nindex 1\n{hash}\nc\n"), ProofError::NotHash { line: 4 }),
            (format!("{NAME}\nindex 1\n{hash}\n"), ProofError::CutOff { line: 4 }),
            (format!("{NAME}\nindex 1\n{hash}\n\n"), ProofError::CheckpointLength { found: 0 }),
        ];
        for (text, error) in cases {
            assert_eq!(Proof::parse(text.as_bytes()), Err(error), "{text}");
        }
    }

    #[test]
    fn stops_at_its_limits() {
        let whole = Proof {
            extra: Some(vec![1; EXTRA_BYTES_MAX]),
            index: 1,
            path: vec![Hash::of(b""); HASH_COUNT_MAX],
            checkpoint: vec![b'c'; CHECKPOINT_BYTES_MAX],
        };
        assert_eq!(Proof::parse(&whole.encode()), Ok(whole.clone()));
        let longer = Proof { extra: Some(vec![1; EXTRA_BYTES_MAX + 3]), ..whole.clone() };
        assert!(matches!(Proof::parse(&longer.encode()), Err(ProofError::ExtraTooLong { .. })));
        let longer = Proof { path: vec![Hash::of(b""); HASH_COUNT_MAX + 1], ..whole.clone() };
        assert_eq!(Proof::parse(&longer.encode()), Err(ProofError::TooManyHashes { line: 4 + HASH_COUNT_MAX }));
        let longer = Proof { checkpoint: vec![b'c'; CHECKPOINT_BYTES_MAX + 1], ..whole };
        let found = CHECKPOINT_BYTES_MAX + 1;
        assert_eq!(Proof::parse(&longer.encode()), Err(ProofError::CheckpointLength { found }));
    }

    #[test]
    fn no_changed_byte_goes_unseen() {
        let bytes = example().encode();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_ne!(Proof::parse(&changed), Ok(example()), "byte {at}");
            assert_ne!(Proof::parse(&bytes[..at]), Ok(example()), "byte {at}");
        }
    }
}
