//! The client that everybody else uses (`opentimestamps-client` of the Python index), on our proofs, and ours on theirs.

use std::fs;
use std::path::Path;
use std::process::Command;

use affiant::evidence::anchor;
use affiant::outside::calendar::CalendarClient;
use affiant::outside::node::Node;
use affiant::timestamp::opentimestamps::blocks::Blocks;
use affiant::timestamp::opentimestamps::header::Network;
use affiant::timestamp::opentimestamps::proof::{BlockProof, ProofError};

use super::{Calendar, files, ots};
use crate::authority::act::{capture, finding};
use crate::stage::Stage;

/// Runs the client with a calendar and node, and returns whether it was content, and what it said.
fn run(calendar: &Calendar, arguments: &[&str]) -> (bool, String) {
    let (url, node) = (calendar.url(), calendar.node());
    let common = ["--no-default-whitelist", "-l", &url, "--btc-regtest", "--bitcoin-node", &node];
    let mut command: Command = ots(&[&common[..], arguments].concat()).unwrap();
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Runs the client with a node alone, so that it cannot ask a calendar for what a proof has lost.
fn run_alone(calendar: &Calendar, arguments: &[&str]) -> (bool, String) {
    let node = calendar.node();
    let common = ["--no-default-whitelist", "--btc-regtest", "--bitcoin-node", &node];
    let output = ots(&[&common[..], arguments].concat()).unwrap().output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_real_client_completes_and_verifies_our_proofs() {
    let Some(calendar) = Calendar::start() else { return };
    if ots(&[]).is_none() {
        return;
    }
    let stage = Stage::new();
    let id = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    assert_eq!(stage.run(["timestamp", "--calendar", &calendar.url(), "--remember"]).code, Some(0));
    let folder = stage.path("archive/anchors/3");
    let (checkpoint, pending) = (folder.join("checkpoint"), folder.join(files(&folder, ".ots").remove(0)));
    let theirs = stage.path("theirs.ots");
    fs::copy(&pending, &theirs).unwrap();
    let (is_content, said) = run(&calendar, &["verify", "-f", text(&checkpoint), text(&theirs)]);
    assert!(!is_content && said.contains("Pending"), "{said}");

    calendar.mine();
    fs::write(stage.path("keys/blocks"), "network regtest\n").unwrap();
    // Ours, completed by them, and ours, completed by us, are the same to both.
    let (is_content, said) = run(&calendar, &["upgrade", text(&theirs)]);
    assert!(is_content && said.contains("Success! Timestamp complete"), "{said}");
    let completed = stage.run(["timestamp", "--upgrade", "--bitcoin-node", &calendar.node()]);
    assert_eq!(completed.code, Some(0), "{}", completed.remarks);
    let ours = folder.join(files(&folder, ".ots").remove(0));
    for proof in [&ours, &theirs] {
        let (is_content, said) = run(&calendar, &["verify", "-f", text(&checkpoint), text(proof)]);
        eprintln!("{}: {}", proof.display(), said.trim());
        assert!(is_content && said.contains("Success! Bitcoin block 1 attests"), "{said}");
        let mut known = Blocks::of(Network::Regtest);
        known.add_header(1, Node::new(&calendar.node()).unwrap().header(1).unwrap()).unwrap();
        let checkpoint = fs::read(&checkpoint).unwrap();
        anchor::verify_proof(&fs::read(proof).unwrap(), &checkpoint, &[], &known).unwrap();
    }
    assert!(finding(&stage.run(["verify", &id, "--bitcoin-node", &calendar.node()]), "not-after")["result"] == "holds");

    // Over another file neither takes it.
    let (is_content, said) = run(&calendar, &["verify", "-f", text(&stage.path("page.html")), text(&ours)]);
    assert!(!is_content && said.contains("File does not match original"), "{said}");
}

#[test]
fn we_complete_and_verify_what_the_real_client_stamped() {
    let Some(calendar) = Calendar::start() else { return };
    if ots(&[]).is_none() {
        return;
    }
    let stage = Stage::new();
    let id = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    // They stamp the checkpoint, with several files at once, so that the path goes through their own tree.
    let folder = stage.path("archive/anchors/3");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(stage.path("archive/checkpoint"), folder.join("checkpoint")).unwrap();
    fs::copy(stage.path("page.html"), stage.path("other.html")).unwrap();
    let (checkpoint, page, other) = (folder.join("checkpoint"), stage.path("page.html"), stage.path("other.html"));
    let url = calendar.url();
    let (is_content, said) =
        run(&calendar, &["stamp", "-c", &url, "-m", "1", text(&checkpoint), text(&page), text(&other)]);
    assert!(is_content, "{said}");
    let stamped = fs::read(folder.join("checkpoint.ots")).unwrap();
    assert_eq!(BlockProof::parse(&stamped).unwrap().encode(), stamped, "byte for byte");
    let name = format!("theirs-{}.ots", affiant::base::hash::Hash::of(&stamped).short());
    fs::rename(folder.join("checkpoint.ots"), folder.join(&name)).unwrap();
    stage.assert_clean("with their proof");
    calendar.mine();
    fs::write(stage.path("keys/blocks"), "network regtest\n").unwrap();

    // A calendar that nobody has named is not asked, whatever a proof says.
    let refused = stage.run(["timestamp", "--upgrade"]);
    assert!(refused.code == Some(1) && refused.remarks.contains("which nobody here has named"), "{}", refused.remarks);
    let completed = stage.run(["timestamp", "--upgrade", "--calendar", &url, "--bitcoin-node", &calendar.node()]);
    assert_eq!(completed.code, Some(0), "{}", completed.remarks);
    let ours = folder.join(files(&folder, ".ots").remove(0));
    assert!(finding(&stage.run(["verify", &id, "--bitcoin-node", &calendar.node()]), "not-after")["result"] == "holds");
    let (is_content, said) = run(&calendar, &["verify", "-f", text(&checkpoint), text(&ours)]);
    assert!(is_content && said.contains("Success!"), "{said}");
    // Theirs by the library alone, from another file of the same stamp.
    let mut proof = BlockProof::parse(&fs::read(stage.path("other.html.ots")).unwrap()).unwrap();
    let waiting = proof.waiting().remove(0);
    let answer = CalendarClient::new().unwrap().fetch(&waiting.calendar, &waiting.commitment).unwrap().unwrap();
    assert!(proof.take(&waiting.commitment, &answer).unwrap() && proof.is_complete());
    fs::write(stage.path("other.html.ots"), proof.encode()).unwrap();
    let (is_content, said) = run(&calendar, &["verify", text(&stage.path("other.html.ots"))]);
    assert!(is_content && said.contains("Success!"), "{said}");
}

/// What a proof is made of behind its digest.
fn proof(rest: &[u8]) -> Vec<u8> {
    let digest = affiant::base::hash::Hash::of(b"dated");
    let front = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";
    [&front[..], digest.as_bytes(), rest].concat()
}

#[test]
fn both_read_the_same_proofs() {
    let Some(calendar) = Calendar::start() else { return };
    if ots(&[]).is_none() {
        return;
    }
    let block = b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x01\x01";
    let pending = b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x09\x08http://c";
    let sha1 = |bytes: &[u8]| {
        let mut whole = proof(bytes);
        whole[32] = 0x02;
        whole.drain(33..45);
        whole
    };
    let long = |count: u16| {
        let mut rest = vec![0xf0, u8::try_from(count & 0x7f).unwrap() | 0x80, u8::try_from(count >> 7).unwrap()];
        rest.extend(vec![7; usize::from(count)]);
        proof(&[&rest[..], &[0x08], block].concat())
    };
    // What it is, the proof, whether they read it, whether we do.
    let cases: [(&str, Vec<u8>, bool, bool); 14] = [
        ("a path to a block", proof(&[&[0x08], &block[..]].concat()), true, true),
        ("pending", proof(pending), true, true),
        ("an attestation that nobody knows", proof(b"\x00ABCDEFGH\x03xyz"), true, true),
        ("SHA-1 on the path", proof(&[&[0x02, 0x08], &block[..]].concat()), true, true),
        ("a file hashed with SHA-1", sha1(&[&[0x08], &block[..]].concat()), true, false), // Told apart: it shows nothing.
        ("256 messages deep", proof(&[&vec![0x08; 255][..], block].concat()), true, true),
        ("257 messages deep", proof(&[&vec![0x08; 256][..], block].concat()), false, false),
        ("the longest message", long(4096 - 32), true, true),
        ("a longer message", long(4096 - 31), false, false),
        ("an argument that is too long", long(4097), false, false),
        ("an operation that nobody knows", proof(&[&[0x09], &block[..]].concat()), false, false),
        ("bytes behind the end", proof(&[&block[..], &[0]].concat()), false, false),
        ("cut off", proof(&block[..8]), false, false),
        ("a number in its second spelling", proof(&[&block[..9], &[2, 0x81, 0]].concat()), true, false), // Stricter.
    ];
    let folder = tempfile::tempdir().unwrap();
    for (case, bytes, theirs, ours) in cases {
        let path = folder.path().join("case.ots");
        fs::write(&path, &bytes).unwrap();
        let (is_content, said) = run(&calendar, &["info", text(&path)]);
        let read = BlockProof::parse(&bytes);
        let we_say = read.as_ref().map_or_else(ToString::to_string, |_| "read".to_owned());
        eprintln!("{case}: they {}, we: {we_say}", if is_content { "read it" } else { "refuse it" });
        assert_eq!((is_content, read.is_ok()), (theirs, ours), "{case}: {said}");
        if case == "a file hashed with SHA-1" {
            assert!(matches!(read, Err(ProofError::OtherHash { .. })), "{read:?}");
        }
    }
}

#[test]
fn no_changed_bit_of_a_proof_is_taken_by_us_that_they_refuse() {
    let Some(calendar) = Calendar::start() else { return };
    if ots(&[]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "dated").unwrap();
    let (is_content, said) = run(&calendar, &["stamp", "-c", &calendar.url(), "-m", "1", text(&file)]);
    assert!(is_content, "{said}");
    calendar.mine();
    let path = folder.path().join("file.ots");
    assert!(run(&calendar, &["upgrade", text(&path)]).0);
    let whole = fs::read(&path).unwrap();
    let mut known = Blocks::of(Network::Regtest);
    known.add_header(1, Node::new(&calendar.node()).unwrap().header(1).unwrap()).unwrap();
    let holds = |bytes: &[u8]| anchor::verify_proof(bytes, b"dated", &[], &known).is_ok();
    assert!(holds(&whole));
    // Each byte of the path and of the block's attestation, where a change must be seen; theirs is asked of a few.
    let mut asked = 0;
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        if !holds(&changed) && at % 16 != 3 {
            continue;
        }
        fs::write(folder.path().join("changed.ots"), &changed).unwrap();
        let (is_content, said) =
            run_alone(&calendar, &["verify", "-f", text(&file), text(&folder.path().join("changed.ots"))]);
        asked += 1;
        assert_eq!(is_content && said.contains("Success!"), holds(&changed), "byte {at}: {said}");
    }
    eprintln!("{asked} of {} changed proofs were shown to both", whole.len());
}
