//! Witnessing: what a log sends to a witness, and by which rules a witness signs.
//!
//! ```text
//! old 2
//! KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
//!
//! log.example.org/affiant
//! 3
//! RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=
//!
//! — log.example.org/affiant UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=
//! ```
//!
//! | part       | what                                                          | range                            |
//! |------------|---------------------------------------------------------------|----------------------------------|
//! | line 1     | `old` and the size up to which the witness has seen the log    | decimal without leading zeros    |
//! | next lines | the consistency proof from that size, one hash each in base64 | at most [`PATH_LENGTH_MAX`]      |
//! | empty line |                                                               |                                  |
//! | checkpoint | the signed note                                               | the whole at most [`REQUEST_BYTES_MAX`] |
//!
//! The answer is one or more signature lines of the witness, or a status that says why not:
//!
//! | status | why                                                                             | [`Refusal`]              |
//! |--------|---------------------------------------------------------------------------------|--------------------------|
//! | 400    | not such a request, or the old size is above that of the checkpoint             | `Request`, `OldSize`     |
//! | 403    | no key of the log has signed, or a signature line cannot be read                | `Signature`, `Request`   |
//! | 404    | the origin is none that this witness follows                                    | `UnknownLog`             |
//! | 409    | the witness has seen another size, which is the answer's body with a newline, or another root of that size | `Conflict` |
//! | 422    | the proof does not lead from what was seen to the checkpoint                    | `Inconsistent`           |
//!
//! To judge, in this order (a witness): 400 for what cannot be read, 404, 403, 400 for the old size, 409, 422. A witness
//! remembers the checkpoint before it gives its line away, and compares and remembers in one step.
//!
//! Source: C2SP tlog-witness. Stricter: a bad line by a key of the log is 403 even where another of its keys has signed well.
//! Pure: who follows which log, and where it remembers, is for `archivist/witnessing`.

use data_encoding::BASE64;

use crate::base::base64;
use crate::base::hash::Hash;
use crate::log::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint, parse_size};
use crate::log::consistency::{ConsistencyError, ConsistencyProof};
use crate::log::merkle::empty_root;
use crate::log::note::{NoteError, NoteSignature, SignatureLineError};
use crate::log::vkey::VerifierKey;

/// The most lines of a proof: the specification's number.
pub const PATH_LENGTH_MAX: usize = 63;

/// The longest request: a note with a hundred post-quantum lines is a third of it.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;

/// The longest answer.
pub const ANSWER_BYTES_MAX: usize = 1 << 16;

/// The most lines of an answer: a witness has one key, or one for each algorithm, or is being moved to others.
pub const LINE_COUNT_MAX: usize = 16;

/// The type of the body that says a size.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// A request to cosign a checkpoint, none of it believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AddCheckpoint {
    /// Up to which size the witness is thought to have seen the log.
    pub old_size: u64,
    /// The hashes that lead from there.
    pub path: Vec<Hash>,
    /// The checkpoint as the log signed it.
    pub checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// Reads a request.
    ///
    /// # Errors
    /// A [`RequestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::TooLong { found: bytes.len() });
        }
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").ok_or(RequestError::NoEmptyLine)?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| RequestError::OldLine)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(RequestError::OldLine)?;
        let old_size = parse_size(old).map_err(|_| RequestError::OldLine)?;
        let mut path = Vec::new();
        for line in lines {
            if path.len() == PATH_LENGTH_MAX {
                return Err(RequestError::PathTooLong);
            }
            let hash = base64::decode(line.as_bytes()).and_then(|hash| Hash::from_slice(&hash).ok());
            path.push(hash.ok_or(RequestError::NotHash { line: path.len() + 2 })?);
        }
        Ok(Self { old_size, path, checkpoint: SignedCheckpoint::parse(&bytes[end + 2..])? })
    }

    /// Writes the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let path: String = self.path.iter().map(|hash| BASE64.encode(hash.as_bytes()) + "\n").collect();
        [format!("old {}\n{path}\n", self.old_size).as_bytes(), &self.checkpoint.encode()].concat()
    }

    /// Returns the log that it is about.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.checkpoint.checkpoint().origin
    }

    /// Judges a request as a witness that follows the log by `keys`, none of which when it does not, and that has seen it up
    /// to `seen`.
    ///
    /// # Errors
    /// A [`Refusal`]; without one the witness remembers the checkpoint and signs it.
    pub fn judge(&self, keys: &[VerifierKey], seen: Option<&Checkpoint>) -> Result<(), Refusal> {
        let new = self.checkpoint.checkpoint();
        if keys.is_empty() {
            return Err(Refusal::UnknownLog { origin: new.origin.clone() });
        }
        self.checkpoint.verify(keys).map_err(Refusal::Signature)?;
        if self.old_size > new.size {
            return Err(Refusal::OldSize { old: self.old_size, new: new.size });
        }
        let (size, root) = seen.map_or((0, empty_root()), |seen| (seen.size, seen.root));
        if self.old_size != size || (size == new.size && root != new.root) {
            return Err(Refusal::Conflict { size });
        }
        let proof = ConsistencyProof { old_size: size, new_size: new.size, path: self.path.clone() };
        proof.verify(root, new.root).map_err(Refusal::Inconsistent)
    }
}

/// Why a witness does not sign.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum Refusal {
    #[error("the log was seen up to size {size}")]
    Conflict { size: u64 },
    #[error("the consistency proof does not hold: {0}")]
    Inconsistent(ConsistencyError),
    #[error("the old size {old} is above the checkpoint's size {new}")]
    OldSize { old: u64, new: u64 },
    #[error("not an add-checkpoint request: {0}")]
    Request(#[from] RequestError),
    #[error("invalid signature: {0}")]
    Signature(CheckpointError),
    #[error("unknown log `{origin}`")]
    UnknownLog { origin: Origin },
}

impl Refusal {
    /// Returns the HTTP status that says so.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Request(RequestError::Checkpoint(CheckpointError::Note(
                NoteError::NoSignature | NoteError::SignatureLine { .. },
            )))
            | Self::Signature(_) => 403,
            Self::OldSize { .. } | Self::Request(_) => 400,
            Self::UnknownLog { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }
}

/// Reads the lines of an answer; whose they are, and whether they are good, is for the caller.
///
/// # Errors
/// An [`AnswerError`].
pub fn parse_lines(bytes: &[u8]) -> Result<Vec<NoteSignature>, AnswerError> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= ANSWER_BYTES_MAX);
    let body = text.and_then(|text| text.strip_suffix('\n')).ok_or(AnswerError::NotLines)?;
    let lines: Vec<&str> = body.split('\n').collect();
    if lines.len() > LINE_COUNT_MAX {
        return Err(AnswerError::TooMany);
    }
    (1..)
        .zip(lines)
        .map(|(line, text)| NoteSignature::parse(text).map_err(|source| AnswerError::Line { line, source }))
        .collect()
}

/// Writes the body that says up to which size the log was seen.
#[must_use]
pub fn encode_size(size: u64) -> String {
    format!("{size}\n")
}

/// Reads the body that says up to which size the log was seen.
#[must_use]
pub fn decode_size(bytes: &[u8]) -> Option<u64> {
    parse_size(std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?).ok()
}

/// Why bytes are not a request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum RequestError {
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("no empty line before the checkpoint")]
    NoEmptyLine,
    #[error("line {line} is not the base64 of a 32-byte hash")]
    NotHash { line: usize },
    #[error("line 1 is not `old` and a size")]
    OldLine,
    #[error("more than {PATH_LENGTH_MAX} lines of proof")]
    PathTooLong,
    #[error("{found} bytes, more than the limit of {REQUEST_BYTES_MAX}")]
    TooLong { found: usize },
}

/// Why bytes are not a witness's lines.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum AnswerError {
    #[error("line {line}")]
    Line { line: usize, source: SignatureLineError },
    #[error("not signature lines, each with its newline")]
    NotLines,
    #[error("more than {LINE_COUNT_MAX} lines")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Time;
    use crate::log::key::Ed25519SecretKey;
    use crate::log::merkle::{self, leaf_hash};
    use crate::log::vkey::{KeyName, NoteSecretKey, SignerKey};

    fn key(seed: u8) -> SignerKey {
        let secret = NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[seed; 32]));
        SignerKey::new(KeyName::new("log.example.org/affiant").unwrap(), secret)
    }

    fn leaves(size: u8) -> Vec<Hash> {
        (0..size).map(|n| leaf_hash(&[n])).collect()
    }

    fn checkpoint(size: u8) -> SignedCheckpoint {
        let root = merkle::root(&leaves(size), u64::from(size)).unwrap();
        let checkpoint = Checkpoint { origin: Origin::from(key(1).name()), size: u64::from(size), root };
        SignedCheckpoint::sign(&checkpoint, Time::from_seconds(1_000).unwrap(), &[key(1)]).unwrap()
    }

    fn request(old: u8, new: u8) -> AddCheckpoint {
        let path = ConsistencyProof::make(&leaves(new), u64::from(old), u64::from(new)).unwrap().path;
        AddCheckpoint { old_size: u64::from(old), path, checkpoint: checkpoint(new) }
    }

    fn keys() -> Vec<VerifierKey> {
        vec![key(1).verifier().clone()]
    }

    #[test]
    fn the_page_s_example_is_a_request() {
        let page = include_str!("witness.rs").split("//! ```text\n").nth(1).unwrap().split("//! ```").next().unwrap();
        let lines = page.lines().map(|line| line.strip_prefix("//! ").unwrap_or_default());
        let example: String = lines.flat_map(|line| [line, "\n"]).collect();
        let request = AddCheckpoint::parse(example.as_bytes()).unwrap();
        assert_eq!((request.old_size, request.path.len(), request.checkpoint.checkpoint().size), (2, 1, 3));
        assert_eq!(request.encode(), example.into_bytes());
    }

    #[test]
    fn reads_back_the_requests_it_writes_and_no_other_spelling() {
        for (old, new) in [(0, 1), (1, 1), (3, 7), (7, 200)] {
            let request = request(old, new);
            assert_eq!(AddCheckpoint::parse(&request.encode()), Ok(request));
        }
        let text = String::from_utf8(request(3, 7).encode()).unwrap();
        let cases = [
            (text.replace("old 3", "old 03"), RequestError::OldLine),
            (text.replace("old 3", "old +3"), RequestError::OldLine),
            (text.replace("old 3", "Old 3"), RequestError::OldLine),
            (text.replace("old 3\n", ""), RequestError::OldLine),
            (text.replacen("=\n", "\n", 1), RequestError::NotHash { line: 2 }),
            (text.replacen("\n\n", "\n", 2), RequestError::NoEmptyLine),
            (
                text.replacen("=\n", &format!("=\n{}", format!("{}=\n", "A".repeat(43)).repeat(63)), 1),
                RequestError::PathTooLong,
            ),
            ("x".repeat(REQUEST_BYTES_MAX + 1), RequestError::TooLong { found: REQUEST_BYTES_MAX + 1 }),
        ];
        for (text, expected) in cases {
            assert_eq!(AddCheckpoint::parse(text.as_bytes()), Err(expected));
        }
        assert!(matches!(AddCheckpoint::parse(b"old 0\n\nx\n"), Err(RequestError::Checkpoint(_))));
    }

    #[test]
    fn every_log_that_grows_is_signed_and_no_other() {
        for new in 1..20_u8 {
            assert_eq!(request(0, new).judge(&keys(), None), Ok(()));
            (1..=new).for_each(|old| try_growth(old, new));
        }
    }

    fn try_growth(old: u8, new: u8) {
        let seen = checkpoint(old).checkpoint().clone();
        let good = request(old, new);
        assert_eq!(good.judge(&keys(), Some(&seen)), Ok(()));
        let mut longer = good.clone();
        longer.path.push(Hash::of(b"x"));
        assert_eq!(longer.judge(&keys(), Some(&seen)).unwrap_err().status(), 422);
        let other = Checkpoint { root: Hash::of(b"other"), ..seen };
        let status = if old == new { 409 } else { 422 };
        assert_eq!(good.judge(&keys(), Some(&other)).unwrap_err().status(), status, "{old} to {new}");
        let ahead = checkpoint(old + 1).checkpoint().clone();
        assert_eq!(good.judge(&keys(), Some(&ahead)), Err(Refusal::Conflict { size: u64::from(old) + 1 }));
        assert_eq!(good.judge(&keys(), None), Err(Refusal::Conflict { size: 0 }));
    }

    #[test]
    fn each_refusal_has_its_status_and_the_first_counts() {
        let seen = checkpoint(3).checkpoint().clone();
        let statuses = [
            (request(3, 7).judge(&[], Some(&seen)), 404),
            (request(3, 7).judge(&[key(2).verifier().clone()], Some(&seen)), 403),
            (AddCheckpoint { old_size: 8, ..request(3, 7) }.judge(&keys(), Some(&seen)), 400),
            (AddCheckpoint { old_size: 2, ..request(3, 7) }.judge(&keys(), Some(&seen)), 409),
            (AddCheckpoint { path: Vec::new(), ..request(3, 7) }.judge(&keys(), Some(&seen)), 422),
        ];
        for (judged, status) in statuses {
            assert_eq!(judged.unwrap_err().status(), status);
        }
        let mut forged = request(3, 7);
        let bytes = vec![7; 64];
        forged.checkpoint.add(NoteSignature::new(key(1).verifier(), bytes));
        assert_eq!(forged.judge(&keys(), Some(&seen)).unwrap_err().status(), 403, "one bad line by a known key");
    }

    #[test]
    fn answers_are_lines_or_a_size() {
        let line = checkpoint(1).signatures()[0].clone();
        assert_eq!(parse_lines(line.line().repeat(2).as_bytes()), Ok(vec![line.clone(), line.clone()]));
        assert_eq!(parse_lines(line.line().trim_end().as_bytes()), Err(AnswerError::NotLines));
        assert_eq!(parse_lines(b""), Err(AnswerError::NotLines));
        assert!(matches!(parse_lines(b"\n"), Err(AnswerError::Line { line: 1, .. })));
        assert_eq!(parse_lines(line.line().repeat(17).as_bytes()), Err(AnswerError::TooMany));
        for size in [0, 1, u64::MAX] {
            assert_eq!(decode_size(encode_size(size).as_bytes()), Some(size));
        }
        for other in ["", "1", "01\n", "1\n\n", "-1\n", "18446744073709551616\n"] {
            assert_eq!(decode_size(other.as_bytes()), None, "{other:?}");
        }
    }
}
