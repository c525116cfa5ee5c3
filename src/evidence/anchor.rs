//! Anchors: a checkpoint as others dated it, and what they said.
//!
//! An anchor lies in a folder of the log's size, in an archive under `anchors/` and in a bundle under `data/anchors/`:
//!
//! ```text
//! 12/checkpoint                         the signed note, byte for byte as it was dated
//! 12/tsa.example-0f3a91c2d4e5b607.tsr   a reply of RFC 3161 over that file, named after the authority and the first
//!                                       16 digits of its own SHA-256
//! 12/tsa.example-0f3a91c2d4e5b607.tsq   the request that it answers; in the archive alone
//! 12/witness.example-w1-5d0c….cosignature   one signature line of a witness over that file's text, named likewise
//! 12/calendar.example-91f0….ots         an OpenTimestamps proof over that file, named likewise
//! 12/bitcoin-863000.header              the 80 bytes at the front of a block that such a proof ends at
//! 12/renewal, 12/renewal-leaves         everything that was held then, hashed anew ([`super::renewal`]), and each leaf's 64
//!                                       bytes, in the archive alone; in a bundle the paths of some of them, `renewal-paths`
//! 12/tsa.example-77c1….renewal-tsr      a reply over the file `renewal`, named likewise; `.renewal-tsq` in the archive alone
//! 12/consistency                        in a bundle: how the log grew from that checkpoint to the bundle's
//! ```
//!
//! | quantity    | unit  | range                                 |
//! |-------------|-------|---------------------------------------|
//! | reply       | bytes | at most [`crate::timestamp::reply::SIZE_BYTES_MAX`] |
//! | checkpoint  | bytes | at most [`CHECKPOINT_BYTES_MAX`]      |
//! | cosignature | bytes | one line with its newline, at most [`COSIGNATURE_BYTES_MAX`] |
//! | proof       | bytes | at most [`crate::timestamp::opentimestamps::proof::SIZE_BYTES_MAX`] |
//! | header      | bytes | [`crate::timestamp::opentimestamps::header::SIZE_BYTES`]; its name has the block's height |
//! | consistency | lines | one hash each in base64, at most [`CONSISTENCY_LINES_MAX`], the deepest first |
//!
//! One token dates everything under its checkpoint: no record is ever shown to an authority, nor its hash. A token
//! over a checkpoint of size *n* is a *not after* for the entries below *n*, and a *not before* for a record that
//! names the token's hash in `after`. A cosignature is the same, with the witness's clock for a time: its hash is that of
//! its file. Who has seen the log is said by all cosignatures over one checkpoint together, those in the note itself
//! and those beside it; a quorum over a checkpoint that has the record, and from which the log grew, is one for it.
//!
//! To verify:
//! 1. The note in `checkpoint` is of the log and of the size that the folder says.
//! 2. The lines of `consistency` lead from its root to that of the checkpoint at hand (RFC 9162 §2.1.4.2).
//! 3. The reply's imprint is the hash of the file `checkpoint`, and its token holds ([`crate::timestamp::token`]):
//!    `openssl ts -verify -data checkpoint -in NAME.tsr -CAfile ROOT.pem` says the same.
//! 4. The cosignature's line is by a witness that the reader's policy names, and good ([`crate::log::cosignature`]).
//! 5. The proof's digest is the SHA-256 of the file `checkpoint`, and it ends at a block that the reader knows
//!    ([`crate::timestamp::opentimestamps::proof`]): `ots verify -f checkpoint NAME.ots` says the same by a node. The header
//!    beside it is a convenience: the reader need only know the block's hash then.
//! 6. A record that names the SHA-256 of a *header* was made after that block. To name the hash of a *proof* shows nothing of
//!    the kind: what it holds can be known before the block is mined.

use data_encoding::BASE64;

use crate::base::base64;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::log::consistency::ConsistencyProof;
use crate::log::note::NoteSignature;
use crate::timestamp::algorithm::Digest;
use crate::timestamp::authorities::Authorities;
use crate::timestamp::opentimestamps::blocks::Blocks;
use crate::timestamp::opentimestamps::header::{Header, HeaderError};
use crate::timestamp::opentimestamps::proof::{BlockProof, Mined, ProofError};
use crate::timestamp::reply::{Reply, ReplyError};
use crate::timestamp::token::{Token, TokenError, Verified};

/// The longest checkpoint that is read: a note with a hundred witnesses.
pub const CHECKPOINT_BYTES_MAX: usize = 1 << 20;

/// The most lines of a consistency proof (RFC 9162: the tree's height and one).
pub const CONSISTENCY_LINES_MAX: usize = 65;

/// The file that is dated.
pub const CHECKPOINT: &str = "checkpoint";

/// How the log grew since.
pub const CONSISTENCY: &str = "consistency";

/// How the name of a reply ends.
pub const REPLY_EXTENSION: &str = ".tsr";

/// How the name of a request ends.
pub const REQUEST_EXTENSION: &str = ".tsq";

/// How the name of a cosignature ends.
pub const COSIGNATURE_EXTENSION: &str = ".cosignature";

/// The longest cosignature: a name of 255 bytes and an ML-DSA-44 signature in base64 are shorter.
pub const COSIGNATURE_BYTES_MAX: usize = 4096;

/// How the name of an OpenTimestamps proof ends.
pub const PROOF_EXTENSION: &str = ".ots";

/// How the name of a header begins and ends; its block's height stands between.
const HEADER_NAME: (&str, &str) = ("bitcoin-", ".header");

/// What was held, hashed anew.
pub const RENEWAL: &str = "renewal";

/// The leaves below it.
pub const RENEWAL_LEAVES: &str = "renewal-leaves";

/// The way from some of the leaves to it.
pub const RENEWAL_PATHS: &str = "renewal-paths";

/// How the name of a reply over a renewal ends.
pub const RENEWAL_REPLY_EXTENSION: &str = ".renewal-tsr";

/// How the name of a request for one ends.
pub const RENEWAL_REQUEST_EXTENSION: &str = ".renewal-tsq";

/// The longest part of a name that is the authority's.
const AUTHORITY_LENGTH_MAX: usize = 64;

/// An anchor, none of it believed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AnchorBytes {
    /// The log's size, as the folder's name has it.
    pub size: u64,
    /// The note that was dated.
    pub checkpoint: Option<Vec<u8>>,
    /// The lines that lead from it to the checkpoint at hand.
    pub consistency: Option<Vec<u8>>,
    /// The replies over it, with their names.
    pub replies: Vec<(String, Vec<u8>)>,
    /// The cosignatures over it, with their names.
    pub cosignatures: Vec<(String, Vec<u8>)>,
    /// The OpenTimestamps proofs over it, with their names.
    pub proofs: Vec<(String, Vec<u8>)>,
    /// The headers of blocks, with their heights.
    pub headers: Vec<(u64, Vec<u8>)>,
    /// The text of a renewal.
    pub renewal: Option<Vec<u8>>,
    /// The way from some leaves to it.
    pub renewal_paths: Option<Vec<u8>>,
    /// The replies over it, with their names.
    pub renewal_replies: Vec<(String, Vec<u8>)>,
}

impl AnchorBytes {
    /// Says whether anybody said anything of the checkpoint.
    #[must_use]
    pub fn is_said(&self) -> bool {
        !self.replies.is_empty()
            || !self.cosignatures.is_empty()
            || !self.proofs.is_empty()
            || !self.renewal_replies.is_empty()
    }

    /// Returns the files that a renewal covers, by name.
    #[must_use]
    pub fn files(&self) -> Vec<(String, &[u8])> {
        let single = [(CHECKPOINT, &self.checkpoint), (RENEWAL, &self.renewal)];
        let single = single.into_iter().filter_map(|(name, bytes)| Some((name.to_owned(), bytes.as_deref()?)));
        let named = [&self.replies, &self.cosignatures, &self.proofs, &self.renewal_replies].into_iter().flatten();
        let named = named.map(|(name, bytes)| (name.clone(), bytes.as_slice()));
        let headers = self.headers.iter().map(|(height, bytes)| (header_name(*height), bytes.as_slice()));
        let mut files: Vec<(String, &[u8])> = single.chain(named).chain(headers).collect();
        files.sort_unstable();
        files
    }

    /// Returns the headers that can be read.
    #[must_use]
    pub fn read_headers(&self) -> Vec<(u64, Header)> {
        self.headers.iter().filter_map(|(height, bytes)| Some((*height, Header::parse(bytes).ok()?))).collect()
    }

    /// Returns the proofs that can be read and lead from the checkpoint to a block.
    pub fn complete_proofs(&self) -> impl Iterator<Item = (&[u8], BlockProof)> {
        let checkpoint = self.checkpoint.as_deref().unwrap_or_default();
        self.proofs.iter().filter_map(move |(_, bytes)| {
            let proof = BlockProof::parse(bytes).ok()?;
            (proof.check_digest(checkpoint).is_ok() && proof.is_complete()).then_some((bytes.as_slice(), proof))
        })
    }

    /// Returns the headers that stand where a proof ends.
    #[must_use]
    pub fn proven_headers(&self) -> Vec<&[u8]> {
        let proven = |height: u64, header: &Header| {
            let mut ends = self.complete_proofs().flat_map(|(_, proof)| {
                proof.blocks().filter_map(|(at, root)| Some((at, root?.to_vec()))).collect::<Vec<_>>()
            });
            ends.any(|(at, root)| at == height && root == header.merkle_root())
        };
        let headers = self
            .headers
            .iter()
            .filter(|(height, bytes)| Header::parse(bytes).is_ok_and(|header| proven(*height, &header)));
        headers.map(|(_, bytes)| bytes.as_slice()).collect()
    }
}

/// Names a reply, but for the extension: after whoever gave it, and after its own hash.
#[must_use]
pub fn stem(authority: &str, reply: &[u8]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c.to_ascii_lowercase() } else { '-' };
    let authority: String = authority.chars().map(plain).take(AUTHORITY_LENGTH_MAX).collect();
    let authority = authority.trim_matches(['.', '-']);
    let authority = if authority.is_empty() { "authority" } else { authority };
    format!("{authority}-{}", Hash::of(reply).short())
}

/// Says whether a name is one that [`stem`] gives to a reply with this hash, and `.tsr`.
#[must_use]
pub fn is_reply_name(name: &str, sha256: Hash) -> bool {
    is_name(name, REPLY_EXTENSION, sha256)
}

/// Says whether a name is one that [`stem`] gives to a cosignature with this hash, and `.cosignature`.
#[must_use]
pub fn is_cosignature_name(name: &str, sha256: Hash) -> bool {
    is_name(name, COSIGNATURE_EXTENSION, sha256)
}

/// Says whether a name is one that [`stem`] gives to a proof with this hash, and `.ots`.
#[must_use]
pub fn is_proof_name(name: &str, sha256: Hash) -> bool {
    is_name(name, PROOF_EXTENSION, sha256)
}

/// Names the header of the block at a height.
#[must_use]
pub fn header_name(height: u64) -> String {
    format!("{}{height}{}", HEADER_NAME.0, HEADER_NAME.1)
}

/// Reads a name as that of a header, in its one spelling, and returns the height.
#[must_use]
pub fn height_of(name: &str) -> Option<u64> {
    let height: u64 = name.strip_prefix(HEADER_NAME.0)?.strip_suffix(HEADER_NAME.1)?.parse().ok()?;
    (header_name(height) == name).then_some(height)
}

/// Says whether a name is one that [`stem`] gives to a reply over a renewal, and `.renewal-tsr`.
#[must_use]
pub fn is_renewal_reply_name(name: &str, sha256: Hash) -> bool {
    is_name(name, RENEWAL_REPLY_EXTENSION, sha256)
}

fn is_name(name: &str, extension: &str, sha256: Hash) -> bool {
    let stem = name.strip_suffix(extension);
    let parts = stem.and_then(|stem| stem.rsplit_once('-'));
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    parts.is_some_and(|(authority, hash)| {
        hash == sha256.short()
            && (1..=AUTHORITY_LENGTH_MAX).contains(&authority.len())
            && authority.chars().all(is_plain)
            && !authority.starts_with(['.', '-'])
            && !authority.ends_with(['.', '-'])
    })
}

/// Writes a consistency proof as lines.
#[must_use]
pub fn write_consistency(proof: &ConsistencyProof) -> Vec<u8> {
    proof.path.iter().flat_map(|hash| format!("{}\n", BASE64.encode(hash.as_bytes())).into_bytes()).collect()
}

/// Reads the lines of a consistency proof between two sizes.
#[must_use]
pub fn read_consistency(bytes: &[u8], old: &Checkpoint, new: &Checkpoint) -> Option<ConsistencyProof> {
    let text = std::str::from_utf8(bytes).ok()?;
    if !text.is_empty() && !text.ends_with('\n') {
        return None;
    }
    let mut path = Vec::new();
    for line in text.split_terminator('\n') {
        if path.len() >= CONSISTENCY_LINES_MAX {
            return None;
        }
        path.push(Hash::from_slice(&base64::decode(line.as_bytes())?).ok()?);
    }
    Some(ConsistencyProof { old_size: old.size, new_size: new.size, path })
}

/// Reads a cosignature: one signature line and its newline, nothing else.
#[must_use]
pub fn read_cosignature(bytes: &[u8]) -> Option<NoteSignature> {
    if bytes.len() > COSIGNATURE_BYTES_MAX {
        return None;
    }
    NoteSignature::parse(std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?).ok()
}

/// Reads the anchored checkpoint with the cosignatures beside it as more of its lines, none of them checked.
#[must_use]
pub fn cosigned(signed: &SignedCheckpoint, anchor: &AnchorBytes) -> SignedCheckpoint {
    let mut signed = signed.clone();
    for line in anchor.cosignatures.iter().filter_map(|(_, bytes)| read_cosignature(bytes)) {
        signed.add(line);
    }
    signed
}

/// Reads a reply and returns its token, when it is over the checkpoint.
///
/// # Errors
/// A [`ReplyError`].
pub fn token_over<'r>(reply: &'r Reply, checkpoint: &[u8]) -> Result<&'r Token, ReplyError> {
    let token = reply.granted()?;
    token.check_imprint(checkpoint)?;
    Ok(token)
}

/// Verifies a reply over a checkpoint, for a reader who trusts some authorities.
///
/// # Errors
/// A [`ReplyError`]; [`is_contradiction`] tells what is wrong from what is merely not shown.
pub fn verify(reply: &[u8], checkpoint: &[u8], authorities: &Authorities) -> Result<Verified, ReplyError> {
    verify_seen(reply, checkpoint, authorities, None)
}

/// Verifies a reply likewise, where a renewal covers it and was there by a moment.
///
/// # Errors
/// As [`verify`].
pub fn verify_seen(
    reply: &[u8],
    checkpoint: &[u8],
    authorities: &Authorities,
    seen: Option<Time>,
) -> Result<Verified, ReplyError> {
    let reply = Reply::parse(reply)?;
    Ok(token_over(&reply, checkpoint)?.verify_seen(authorities, seen)?)
}

/// Verifies a reply over a renewal, whose imprint is one of SHA-512.
///
/// # Errors
/// As [`verify`].
pub fn verify_renewal(
    reply: &[u8],
    renewal: &[u8],
    authorities: &Authorities,
    seen: Option<Time>,
) -> Result<Verified, ReplyError> {
    let reply = Reply::parse(reply)?;
    let token = token_over(&reply, renewal)?;
    if token.timestamp().digest != Digest::Sha512 {
        return Err(TokenError::ShortImprint { found: token.timestamp().digest.as_str() }.into());
    }
    Ok(token.verify_seen(authorities, seen)?)
}

/// Verifies an OpenTimestamps proof over a checkpoint, for a reader who knows some blocks; `carried` are headers that lie
/// beside it.
///
/// # Errors
/// A [`ProofError`]; [`ProofError::is_contradiction`] tells what is wrong from what is merely not shown.
pub fn verify_proof(
    proof: &[u8],
    checkpoint: &[u8],
    carried: &[(u64, Header)],
    known: &Blocks,
) -> Result<Mined, ProofError> {
    let proof = BlockProof::parse(proof)?;
    proof.check_digest(checkpoint)?;
    proof.verify(carried, known)
}

/// Verifies that a header is that of a block which the reader knows.
///
/// # Errors
/// A [`ProofError`], as for a proof.
pub fn verify_header(height: u64, header: &[u8], known: &Blocks) -> Result<Mined, ProofError> {
    let wrong = |source: HeaderError| ProofError::Header { height, source };
    let header = Header::parse(header).map_err(wrong)?;
    match known.hash(height) {
        Some(expected) if expected != header.hash() => {
            return Err(ProofError::OtherBlock { height, expected, found: header.hash() });
        }
        Some(_) => {}
        None => {
            let time = header.time().map_err(wrong)?;
            return Err(ProofError::NeedsBlock { height, hash: header.hash(), time });
        }
    }
    header.check_work(known.network()).map_err(wrong)?;
    let no_later_than = header.no_later_than().map_err(wrong)?;
    Ok(Mined { height, header, network: known.network(), no_later_than })
}

/// Names a block as the one whose time it is.
#[must_use]
pub fn describe_block(mined: &Mined) -> String {
    format!(
        "{}: its block {} with hash {}, which you know, and whose time is within two hours",
        mined.network.describe().trim_end_matches(','),
        mined.height,
        mined.header.hash()
    )
}

/// Says whether an error contradicts something, and is not merely what this reader cannot judge.
#[must_use]
pub fn is_contradiction(error: &ReplyError) -> bool {
    match error {
        ReplyError::Token(error) => TokenError::is_contradiction(error),
        _ => true,
    }
}

/// Names an authority and the root that vouches for it.
#[must_use]
pub fn describe(verified: &Verified) -> String {
    let (signer, root) = (verified.chain.signer(), verified.chain.root());
    format!(
        "the timestamp authority `{}`, under your root `{}` ({})",
        signer.name(),
        root.name(),
        root.fingerprint().short()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_binds_the_reply() {
        let name = format!("{}{REPLY_EXTENSION}", stem("http://TSA.example:8080/x", b"abc"));
        assert_eq!(name, "http---tsa.example-8080-x-ba7816bf8f01cfea.tsr");
        assert!(is_reply_name(&name, Hash::of(b"abc")));
        assert!(!is_reply_name(&name, Hash::of(b"abd")));
        for name in
            ["-ba7816bf8f01cfea.tsr", "a-ba7816bf8f01cfea", "../a-ba7816bf8f01cfea.tsr", "A-ba7816bf8f01cfea.tsr"]
        {
            assert!(!is_reply_name(name, Hash::of(b"abc")), "{name}");
        }
        assert!(is_reply_name(&format!("{}.tsr", stem("…", b"abc")), Hash::of(b"abc")));
    }

    #[test]
    fn a_cosignature_is_one_line() {
        let line = "\u{2014} w.example/w1 AAAAAAABAg==\n";
        assert_eq!(read_cosignature(line.as_bytes()).map(|read| read.line()).as_deref(), Some(line));
        let long = format!("\u{2014} w.example/w1 {}\n", "AAAA".repeat(COSIGNATURE_BYTES_MAX / 4));
        for other in ["", "\n", line.trim_end(), &format!("{line}{line}"), &format!("{line}\n"), &line[3..], &long] {
            assert_eq!(read_cosignature(other.as_bytes()), None, "{other:?}");
        }
        let name = format!("{}{COSIGNATURE_EXTENSION}", stem("w.example/w1", line.as_bytes()));
        assert!(name.starts_with("w.example-w1-") && is_cosignature_name(&name, Hash::of(line.as_bytes())), "{name}");
        assert!(!is_reply_name(&name, Hash::of(line.as_bytes())));
    }

    #[test]
    fn reads_back_the_lines_it_writes() {
        let origin = crate::log::checkpoint::Origin::new("a.example/log").unwrap();
        let at = |size| Checkpoint { origin: origin.clone(), size, root: Hash::of(b"") };
        let proof = ConsistencyProof { old_size: 3, new_size: 7, path: vec![Hash::of(b"a"), Hash::of(b"b")] };
        let lines = write_consistency(&proof);
        assert_eq!(read_consistency(&lines, &at(3), &at(7)), Some(proof.clone()));
        assert_eq!(read_consistency(&lines[..lines.len() - 1], &at(3), &at(7)), None);
        assert_eq!(read_consistency(b"AAAA\n", &at(3), &at(7)), None);
        let long = write_consistency(&ConsistencyProof { path: vec![Hash::of(b"a"); 66], ..proof });
        assert_eq!(read_consistency(&long, &at(3), &at(7)), None);
    }
}
