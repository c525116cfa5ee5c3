//! Proofs: a file's digest, and paths from it to blocks of Bitcoin or to calendars that will know one.
//!
//! A proof over the two bytes `a\n`, as `ots stamp` and `ots upgrade` made it with a calendar on a chain for tests:
//!
//! ```text
//! 004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294  "\0OpenTimestamps\0\0Proof\0" and eight bytes
//! 01 08 87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7   version 1; SHA-256, and the file's digest
//! f0 10 0dfadde125cd997e7d379f0f5f8532d4 08                       append 16 bytes; SHA-256
//! f0 20 5552481f…66807608                                         append 32 bytes, of the files that were stamped with it
//! 08                                                              SHA-256
//! f0 10 2af468a7f68f6b53879d3aae8180ac13 08                       the same by the calendar, and
//! f1 04 6b0247d7 08                                               its time, in front
//! ff 00 83dfe30d2ef90c8e 17 16 687474…                            attested here: pending at `http://…`
//! 08                                                              and on: SHA-256
//! 00 0588960d73d71901 01 01                                       attested: Bitcoin's block 1
//! ```
//!
//! | quantity | unit  | range                                       |
//! |----------|-------|---------------------------------------------|
//! | proof    | bytes | at most [`SIZE_BYTES_MAX`]                  |
//! | answer   | bytes | at most [`ANSWER_BYTES_MAX`]: what a calendar sends, a tree without the front |
//! | message  | bytes | at most [`MESSAGE_BYTES_MAX`]               |
//! | depth    | messages from the digest on | at most [`DEPTH_MAX`] |
//! | operations, attestations | count | at most [`OPERATION_COUNT_MAX`], [`ATTESTATION_COUNT_MAX`] |
//! | attestation | bytes | at most [`ATTESTATION_BYTES_MAX`], of which an address has [`ADDRESS_BYTES_MAX`] |
//!
//! Source: the reference implementation (`python-opentimestamps`), which is the format's only definition. What it reads is
//! read here, but for second spellings: a number longer than it need be, a branch that comes twice, bytes behind the end.
//! A proof whose file is hashed with SHA-1, RIPEMD-160 or Keccak-256, and whatever stands behind such a hash, is told apart
//! and shows nothing.
//!
//! To verify:
//! 1. Read the proof inside the limits. The digest is the SHA-256 of the file ([`BlockProof::check_digest`]).
//! 2. Walk from the digest to each attestation. Of those by Bitcoin, at least one must hold, and none may contradict.
//! 3. The block at the attested height is one that the reader knows ([`Blocks`]): its header, or its hash, which the header
//!    that travels with the proof must have.
//! 4. That header shows the work that it claims ([`Header::check_work`]), and its Merkle root is the message.
//! 5. The file existed by the block's time, give or take two hours ([`super::header::SKEW_SECONDS`]).
//!
//! `ots verify FILE.ots` says the same by a node of its own.

pub use super::error::{
    ADDRESS_BYTES_MAX, ANSWER_BYTES_MAX, ATTESTATION_BYTES_MAX, ATTESTATION_COUNT_MAX, DEPTH_MAX, MESSAGE_BYTES_MAX,
    OPERATION_COUNT_MAX, ProofError, SIZE_BYTES_MAX,
};

use super::blocks::Blocks;
use super::bytes::Bytes;
use super::error::VERSION;
use super::header::{Header, Network};
use super::operation::{self, Message};
use super::tree::{Attestation, Tree};

use crate::base::hash::Hash;
use crate::base::time::Time;

const MAGIC: &[u8] = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94";

/// A proof, read and not yet verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BlockProof {
    digest: Hash,
    tree: Tree,
}

/// A message that a calendar has, and whose path ends there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Waiting {
    /// The calendar's address.
    pub calendar: String,
    /// The message that it has.
    pub commitment: Vec<u8>,
}

/// A proof that holds, for a reader who knows its block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mined {
    /// The block's height.
    pub height: u64,
    /// Its header.
    pub header: Header,
    /// Which chain it is of.
    pub network: Network,
    /// The moment by which what is dated existed.
    pub no_later_than: Time,
}

impl BlockProof {
    /// Reads a proof.
    ///
    /// # Errors
    /// A [`ProofError`] that says where the bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(ProofError::TooLong { found: bytes.len(), max: SIZE_BYTES_MAX });
        }
        let mut bytes = Bytes::new(bytes);
        if bytes.take(MAGIC.len()).ok() != Some(MAGIC) {
            return Err(ProofError::Magic);
        }
        match bytes.byte()? {
            VERSION => {}
            found => return Err(ProofError::Version { found }),
        }
        match bytes.byte()? {
            operation::SHA_256 => {}
            tag => {
                let at = bytes.at();
                let unknown = ProofError::UnknownOperation { at, tag };
                return Err(operation::undone_hash(tag).map_or(unknown, |name| ProofError::OtherHash { name }));
            }
        }
        let digest = Hash::from_slice(bytes.take(Hash::SIZE_BYTES)?).map_err(|_| ProofError::Magic)?;
        let tree = Tree::read(digest.as_bytes().to_vec(), &mut bytes)?;
        bytes.finish()?;
        Ok(Self { digest, tree })
    }

    /// Reads what a calendar answers to a digest.
    ///
    /// # Errors
    /// A [`ProofError`].
    pub fn answered(digest: Hash, answer: &[u8]) -> Result<Self, ProofError> {
        Ok(Self { digest, tree: read_answer(digest.as_bytes(), answer)? })
    }

    /// Writes the proof, byte for byte as it was read.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = [MAGIC, &[VERSION, operation::SHA_256]].concat();
        out.extend_from_slice(self.digest.as_bytes());
        self.tree.write(&mut out);
        out
    }

    /// Checks that the proof is over `bytes`.
    ///
    /// # Errors
    /// [`ProofError::OtherDigest`].
    pub fn check_digest(&self, bytes: &[u8]) -> Result<(), ProofError> {
        let expected = Hash::of(bytes);
        if self.digest == expected {
            return Ok(());
        }
        Err(ProofError::OtherDigest { expected, found: self.digest })
    }

    /// Returns the blocks that are attested: heights, and the messages that must be their Merkle roots.
    pub fn blocks(&self) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
        self.tree.attestations().filter_map(|(message, attestation)| match (message, attestation) {
            (Message::Known(message), Attestation::Bitcoin(height)) => Some((*height, Some(message.as_slice()))),
            (Message::Lost(_), Attestation::Bitcoin(height)) => Some((*height, None)),
            _ => None,
        })
    }

    /// Says whether a path ends at a block.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.blocks().any(|(_, root)| root.is_some_and(|root| root.len() == Hash::SIZE_BYTES))
    }

    /// Returns what can be asked of calendars.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        let waiting = self.tree.waiting().into_iter();
        waiting
            .map(|(commitment, calendar)| Waiting { calendar: calendar.to_owned(), commitment: commitment.to_vec() })
            .collect()
    }

    /// Takes in what a calendar answers about a message that it has; says whether the proof says more now.
    ///
    /// # Errors
    /// A [`ProofError`]; the proof is to be thrown away then.
    pub fn take(&mut self, commitment: &[u8], answer: &[u8]) -> Result<bool, ProofError> {
        self.tree.merge(&read_answer(commitment, answer)?)
    }

    /// Verifies the proof for a reader who knows some blocks. `carried` are headers that travel with it.
    ///
    /// # Errors
    /// A [`ProofError`]; [`ProofError::is_contradiction`] tells what is wrong from what is merely not shown.
    pub fn verify(&self, carried: &[(u64, Header)], known: &Blocks) -> Result<Mined, ProofError> {
        let mut earliest: Option<Mined> = None;
        let mut unknown: Option<ProofError> = None;
        for (height, root) in self.blocks() {
            match check_block(height, root, carried, known) {
                Ok(mined) => {
                    earliest = earliest.filter(|held| held.no_later_than <= mined.no_later_than).or(Some(mined));
                }
                Err(error) if error.is_contradiction() => return Err(error),
                Err(error) => unknown = unknown.or(Some(error)),
            }
        }
        match (earliest, unknown) {
            (Some(mined), _) => Ok(mined),
            (None, Some(error)) => Err(error),
            (None, None) => Err(self.pending()),
        }
    }

    fn pending(&self) -> ProofError {
        let calendars = self.waiting().into_iter().map(|waiting| waiting.calendar).collect::<Vec<_>>();
        if calendars.is_empty() {
            ProofError::NoBlock
        } else {
            ProofError::Pending { calendars: calendars.join("`, `") }
        }
    }
}

fn read_answer(message: &[u8], answer: &[u8]) -> Result<Tree, ProofError> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(ProofError::TooLong { found: answer.len(), max: ANSWER_BYTES_MAX });
    }
    let mut bytes = Bytes::new(answer);
    let tree = Tree::read(message.to_vec(), &mut bytes)?;
    bytes.finish()?;
    Ok(tree)
}

/// Judges one attestation by Bitcoin.
fn check_block(
    height: u64,
    root: Option<&[u8]>,
    carried: &[(u64, Header)],
    known: &Blocks,
) -> Result<Mined, ProofError> {
    let root = root.ok_or(ProofError::Lost { height })?;
    let carried = carried.iter().find(|(at, _)| *at == height).map(|(_, header)| *header);
    if let (Some(header), Some(expected)) = (carried, known.hash(height))
        && header.hash() != expected
    {
        return Err(ProofError::OtherBlock { height, expected, found: header.hash() });
    }
    let Some(header) = known.header(height).or(carried) else {
        return Err(ProofError::NeedsHeader { height });
    };
    let wrong = |source| ProofError::Header { height, source };
    if header.merkle_root() != root {
        return Err(ProofError::OtherRoot { height, hash: header.hash() });
    }
    if known.hash(height).is_none() {
        header.check_work(Network::Regtest).map_err(wrong)?; // By its own target, whatever that is worth.
        let time = header.time().map_err(wrong)?;
        return Err(ProofError::NeedsBlock { height, hash: header.hash(), time });
    }
    header.check_work(known.network()).map_err(wrong)?;
    Ok(Mined { height, header, network: known.network(), no_later_than: header.no_later_than().map_err(wrong)? })
}

impl ProofError {
    /// Says whether it contradicts something, and is not merely what this reader cannot judge.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        !matches!(
            self,
            Self::Lost { .. }
                | Self::NeedsBlock { .. }
                | Self::NeedsHeader { .. }
                | Self::NoBlock
                | Self::OtherHash { .. }
                | Self::Pending { .. }
                | Self::UnknownOperation { .. }
                | Self::Version { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::HeaderError;
    use super::*;

    use data_encoding::HEXLOWER;

    const EXAMPLE: &str = "004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294\
        010887428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7\
        f0100dfadde125cd997e7d379f0f5f8532d408\
        f0205552481f1ba2149557f69dc6a51d2c31ba91337a01f233da94fa4307d066807608\
        f0102af468a7f68f6b53879d3aae8180ac1308f1046b0247d708\
        ff0083dfe30d2ef90c8e1716687474703a2f2f3132372e302e302e313a3134373838\
        0800 0588960d73d719010101";

    fn example() -> Vec<u8> {
        HEXLOWER.decode(EXAMPLE.replace(' ', "").as_bytes()).unwrap()
    }

    /// Finds a header with a Merkle root whose work is that of a chain for tests.
    fn mined(root: &[u8], time: u32) -> Header {
        let header = |n: u32| {
            let front = [&[0, 0, 0, 0x20][..], &[7; 32], root, &time.to_le_bytes()].concat();
            Header::parse(&[&front[..], &0x207f_ffff_u32.to_le_bytes(), &n.to_le_bytes()].concat()).unwrap()
        };
        (0..100).map(header).find(|header| header.check_work(Network::Regtest).is_ok()).unwrap()
    }

    fn root_of(proof: &BlockProof) -> Vec<u8> {
        proof.blocks().next().unwrap().1.unwrap().to_vec()
    }

    #[test]
    fn reads_and_writes_the_example() {
        let bytes = example();
        let proof = BlockProof::parse(&bytes).unwrap();
        assert_eq!(proof.encode(), bytes);
        assert_eq!(proof.check_digest(b"a\n"), Ok(()));
        assert!(matches!(proof.check_digest(b"b\n"), Err(ProofError::OtherDigest { .. })));
        assert!(proof.is_complete() && proof.waiting().is_empty());
        assert_eq!(proof.blocks().map(|(height, _)| height).collect::<Vec<_>>(), [1]);
        for length in 0..bytes.len() {
            assert!(BlockProof::parse(&bytes[..length]).is_err(), "{length}");
        }
        assert_eq!(BlockProof::parse(&[&bytes[..], &[0]].concat()), Err(ProofError::Trailing { at: bytes.len() }));
    }

    #[test]
    fn a_block_counts_when_the_reader_knows_it() {
        let proof = BlockProof::parse(&example()).unwrap();
        let header = mined(&root_of(&proof), 1_790_000_000);
        let carried = [(1, header)];
        let mut known = Blocks::of(Network::Regtest);
        let nothing = Blocks::of(Network::Regtest);
        assert_eq!(proof.verify(&[], &nothing), Err(ProofError::NeedsHeader { height: 1 }));
        let alone = proof.verify(&carried, &nothing).unwrap_err();
        assert!(
            matches!(alone, ProofError::NeedsBlock { .. }) && !alone.is_contradiction(),
            "a header alone is no block"
        );
        known.add_hash(1, header.hash()).unwrap();
        assert_eq!(proof.verify(&[], &known), Err(ProofError::NeedsHeader { height: 1 }));
        let shown = proof.verify(&carried, &known).unwrap();
        assert_eq!((shown.height, shown.no_later_than.seconds()), (1, 1_790_000_000 + 7200));
        let mut whole = Blocks::of(Network::Regtest);
        whole.add_header(1, header).unwrap();
        assert_eq!(proof.verify(&[], &whole), Ok(shown));

        // On the main network nobody takes a block that a laptop makes.
        let mut main = Blocks::default();
        main.add_header(1, header).unwrap();
        let easy = ProofError::Header { height: 1, source: HeaderError::Easy { found: 1 } };
        assert_eq!(proof.verify(&[], &main), Err(easy.clone()));
        assert!(easy.is_contradiction());
        // Another block of the same transactions is not the one that the reader knows.
        let other = mined(&root_of(&proof), 1_700_000_000);
        assert!(matches!(proof.verify(&[(1, other)], &known), Err(ProofError::OtherBlock { .. })));
        // A block of other transactions.
        let stranger = mined(&[9; 32], 1_790_000_000);
        let found = proof.verify(&[(1, stranger)], &nothing).unwrap_err();
        assert!(matches!(found, ProofError::OtherRoot { .. }) && found.is_contradiction());
        // A header whose work was not done.
        let mut idle = *header.as_bytes().first_chunk::<80>().unwrap();
        while Header::parse(&idle).unwrap().check_work(Network::Regtest).is_ok() {
            idle[76] = idle[76].wrapping_add(1);
        }
        let idle = Header::parse(&idle).unwrap();
        assert!(matches!(
            proof.verify(&[(1, idle)], &nothing),
            Err(ProofError::Header { source: HeaderError::NoWork { .. }, .. })
        ));
    }

    #[test]
    fn every_changed_bit_is_seen() {
        let bytes = example();
        let proof = BlockProof::parse(&bytes).unwrap();
        let header = mined(&root_of(&proof), 1_790_000_000);
        let mut known = Blocks::of(Network::Regtest);
        known.add_header(1, header).unwrap();
        let pending = bytes.windows(8).position(|window| window == b"\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e").unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let checked = BlockProof::parse(&changed)
                .and_then(|proof| proof.check_digest(b"a\n").map(|()| proof))
                .and_then(|proof| proof.verify(&[], &known));
            // Who has it pending, and under which tag, is on no path.
            let is_beside = (pending..pending + 33).contains(&(bit / 8));
            assert!(checked.is_err() || is_beside, "bit {bit}");
        }
    }

    /// A proof over `a\n` that ends with some bytes.
    fn with(rest: &[u8]) -> Result<BlockProof, ProofError> {
        BlockProof::parse(&[&example()[..65], rest].concat())
    }

    const BLOCK_1: &[u8] = b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x01\x01";

    #[test]
    fn what_is_broken_or_unknown_shows_nothing() {
        let sha1 = with(&[&[0x02, 0x08], BLOCK_1].concat()).unwrap();
        let found = sha1.verify(&[], &Blocks::default()).unwrap_err();
        assert_eq!(found, ProofError::Lost { height: 1 });
        assert!(!found.is_contradiction() && !sha1.is_complete() && sha1.encode().ends_with(BLOCK_1));
        let mut whole = example();
        whole[32] = 0x02;
        let found = BlockProof::parse(&whole).unwrap_err();
        assert!(matches!(found, ProofError::OtherHash { .. }) && !found.is_contradiction());
        for tag in [0x01, 0x04, 0x09, 0x66, 0xf4, 0xfe] {
            let found = with(&[&[tag], BLOCK_1].concat()).unwrap_err();
            assert!(matches!(found, ProofError::UnknownOperation { .. }) && !found.is_contradiction(), "{tag}");
        }
        let other = with(b"\x00ABCDEFGH\x03xyz").unwrap();
        assert_eq!(other.verify(&[], &Blocks::default()), Err(ProofError::NoBlock));
        whole[32] = 0x08;
        whole[31] = 2;
        assert_eq!(BlockProof::parse(&whole), Err(ProofError::Version { found: 2 }));
    }

    #[test]
    fn limits_hold() {
        // 255 steps behind the digest, and one more.
        let deep = |steps: usize| with(&[&vec![0x08; steps], BLOCK_1].concat());
        assert!(deep(255).is_ok());
        assert!(matches!(deep(256), Err(ProofError::Deep { .. })));
        assert!(matches!(with(&vec![0x08; SIZE_BYTES_MAX - 65]), Err(ProofError::Deep { .. })));
        assert!(matches!(BlockProof::parse(&vec![0; SIZE_BYTES_MAX + 1]), Err(ProofError::TooLong { .. })));
        // An argument of the longest message, to a message that is there already.
        let long = |length: usize| {
            let mut rest = vec![0xf0];
            super::super::bytes::write_string(&mut rest, &vec![7; length]);
            with(&[&rest[..], &[0x08], BLOCK_1].concat())
        };
        assert!(long(4096 - 32).is_ok());
        assert_eq!(long(4096 - 31), Err(ProofError::LongMessage { found: 4097 }));
        assert!(matches!(long(4097), Err(ProofError::Length { .. })));
        assert!(matches!(with(&[0xf0, 0]), Err(ProofError::Length { .. })));
        // Many branches of one message.
        let attested = |count: u8| {
            let others = (0..count).flat_map(|n| [&[0xff, 0x00][..], b"ABCDEFGH", &[1, n]].concat());
            with(&others.chain(BLOCK_1.iter().copied()).collect::<Vec<u8>>())
        };
        assert!(attested(63).is_ok());
        assert!(matches!(attested(64), Err(ProofError::ManyAttestations)));
        let twice = [&[0xff][..], BLOCK_1, BLOCK_1].concat();
        assert!(matches!(with(&twice), Err(ProofError::Twice { .. })));
        let many: Vec<u8> = (0..5000_u32)
            .flat_map(|n| [&[0xff, 0xf0, 4][..], &n.to_le_bytes(), &BLOCK_1[..9], &[1, 1]].concat())
            .collect();
        assert!(with(&many).is_err());
        assert!(matches!(with(b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x03\x02a?"), Err(ProofError::Address { .. })));
        assert!(matches!(with(&[&BLOCK_1[..9], &[2, 1, 1]].concat()), Err(ProofError::Attestation { .. })));
    }

    #[test]
    fn a_calendar_completes_what_it_promised() {
        let digest = Hash::of(b"a\n");
        let pending = b"\x08\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x09\x08http://c";
        let mut proof = BlockProof::answered(digest, pending).unwrap();
        assert_eq!(
            proof.verify(&[], &Blocks::default()),
            Err(ProofError::Pending { calendars: "http://c".to_owned() })
        );
        let waiting = proof.waiting().remove(0);
        assert_eq!(
            (waiting.calendar.as_str(), waiting.commitment.as_slice()),
            ("http://c", &Hash::of(digest.as_bytes()).as_bytes()[..])
        );
        let answer = [&[0xf0, 1, 7, 0x08][..], BLOCK_1].concat();
        assert_eq!(proof.take(b"another message", &answer), Err(ProofError::OtherMessage));
        assert_eq!(proof.take(&waiting.commitment, &answer), Ok(true));
        assert_eq!(proof.take(&waiting.commitment, &answer), Ok(false), "nothing new");
        assert!(proof.is_complete() && proof.waiting().is_empty());
        let read = BlockProof::parse(&proof.encode()).unwrap();
        assert_eq!(read.encode(), proof.encode());
        assert_eq!(read.blocks().count(), 1);
    }
}
