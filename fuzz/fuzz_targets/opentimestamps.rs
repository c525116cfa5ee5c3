//! OpenTimestamps proofs, calendars' answers and lists of blocks: nothing a stranger sends makes the reader panic, and what
//! is read is written back byte for byte.
#![no_main]

use affiant::base::hash::Hash;
use affiant::timestamp::opentimestamps::blocks::Blocks;
use affiant::timestamp::opentimestamps::header::{Header, Network};
use affiant::timestamp::opentimestamps::proof::BlockProof;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Blocks::default().add_file(text);
    }
    if let Ok(header) = Header::parse(bytes) {
        let _ = (header.check_work(Network::Main), header.check_work(Network::Regtest), header.time());
    }
    let digest = Hash::of(b"a\n");
    if let Ok(answered) = BlockProof::answered(digest, bytes) {
        let written = answered.encode();
        assert!(written.ends_with(bytes));
        if let Ok(read) = BlockProof::parse(&written) {
            assert_eq!(read, answered);
        }
    }
    let Ok(mut proof) = BlockProof::parse(bytes) else { return };
    assert_eq!(proof.encode(), bytes);
    let _ = proof.verify(&[], &Blocks::default());
    for waiting in proof.waiting() {
        // Its own bytes again, as a calendar's answer.
        let _ = proof.take(&waiting.commitment, bytes.get(65..).unwrap_or_default());
    }
    let merged = proof.encode();
    if let Ok(read) = BlockProof::parse(&merged) {
        assert_eq!(read.encode(), merged);
    }
});
