//! `affiant witness serve`: our own witness, over a socket.

use std::convert::Infallible;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;

use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::log::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use affiant::log::consistency::ConsistencyProof;
use affiant::log::key::{Ed25519PublicKey, Ed25519SecretKey};
use affiant::log::merkle::{self, Nodes, leaf_hash, node_hash};
use affiant::log::vkey::{KeyName, NotePublicKey, NoteSecretKey, SignerKey, VerifierKey};
use affiant::log::witness::{AddCheckpoint, decode_size, parse_lines};
use affiant::outside::caller::{Answer, Call, Caller};
use serde_json::Value as Json;

use crate::authority::act::{capture, finding};
use crate::stage::Stage;
use crate::vectors;

/// A witness that runs until it is dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    pub(crate) vkeys: Vec<String>,
}

impl Served {
    pub(crate) fn start(stage: &Stage, home: &str, more: &[&str]) -> Self {
        let order = ["witness", "serve", "--listen", "127.0.0.1:0", "--json", "--home", home];
        let mut command = stage.program(order.iter().chain(more));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Ok(said) = serde_json::from_str::<Json>(&line) else {
            let mut why = String::new();
            child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("{line}{why}");
        };
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        let vkeys = said["vkeys"].as_array().unwrap().iter().map(|vkey| vkey.as_str().unwrap().to_owned()).collect();
        Self { child, url: said["listening"].as_str().unwrap().to_owned(), vkeys }
    }

    pub(crate) fn post(&self, request: Vec<u8>) -> Answer {
        let (url, body) = (format!("{}add-checkpoint", self.url), Some(("text/plain", request)));
        Caller::new().unwrap().call(Call { url, body, bytes_max: 1 << 20 }).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.url);
        Caller::new().unwrap().call(Call { url, body: None, bytes_max: 1 << 20 }).unwrap()
    }

    /// Makes the policy of a stage ask it.
    pub(crate) fn enter(&self, stage: &Stage, quorum: &str) {
        let ran = stage.run(["witness", "add", &self.url, &self.vkeys[0], &self.vkeys[1], "--quorum", quorum]);
        assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    }

    /// Asks it to end, as the terminal or the system does, and returns its exit code.
    fn end(mut self, signal: &str) -> Option<i32> {
        let order = [format!("-{signal}"), self.child.id().to_string()];
        assert!(Command::new("kill").args(order).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn key() -> SignerKey {
    let secret = NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[7; 32]));
    SignerKey::new(KeyName::new("log.test/grows").unwrap(), secret)
}

/// A log of which the branches differ from the fourth entry on.
struct Branch(u8);

impl Nodes for Branch {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        if level == 0 {
            return Ok(leaf_hash(format!("{index} {}", if index < 3 { 0 } else { self.0 }).as_bytes()));
        }
        Ok(node_hash(self.node(level - 1, 2 * index)?, self.node(level - 1, 2 * index + 1)?))
    }
}

fn request(old_size: u64, size: u64, branch: u8) -> Vec<u8> {
    let root = merkle::root(&Branch(branch), size).unwrap();
    let checkpoint = Checkpoint { origin: Origin::from(key().name()), size, root };
    let checkpoint = SignedCheckpoint::sign(&checkpoint, Time::from_seconds(1_000).unwrap(), &[key()]).unwrap();
    let path = ConsistencyProof::make(&Branch(branch), old_size, size).unwrap().path;
    AddCheckpoint { old_size, path, checkpoint }.encode()
}

#[test]
fn answers_the_recorded_exchanges_as_the_specification_says() {
    let Some(folder) = vectors::folder("c2sp-spec-examples") else { return };
    let text = fs::read(folder.join("add-checkpoint.json")).unwrap();
    let recorded: Json = serde_json::from_slice(&text).unwrap();
    let origin = recorded["log_origin"].as_str().unwrap();
    let public =
        data_encoding::HEXLOWER.decode(recorded["log_ed25519_pubkey_hex"].as_str().unwrap().as_bytes()).unwrap();
    let public = NotePublicKey::Ed25519(Ed25519PublicKey::from_slice(&public).unwrap());
    let log = VerifierKey::new(KeyName::new(origin).unwrap(), public);
    let stage = Stage::new();
    let witness = Served::start(&stage, "witness", &["--follow", &log.to_string()]);
    let mut seen = 0;
    for (number, exchange) in recorded["exchanges"].as_array().unwrap().iter().enumerate() {
        let recorded = u16::try_from(exchange["status"].as_u64().unwrap()).unwrap();
        // The recorded witness answers 403 to an unknown log, which the specification says 404 to.
        let is_unknown = exchange["asserts"].to_string().contains("unknown log");
        let expected = if is_unknown { 404 } else { recorded };
        let answer = witness.post(exchange["request"].as_str().unwrap().as_bytes().to_vec());
        eprintln!("exchange {number}: {} {}", answer.status, String::from_utf8_lossy(&answer.body).trim());
        assert_eq!(answer.status, expected, "exchange {number}");
        match expected {
            200 => {
                assert_eq!(parse_lines(&answer.body).unwrap().len(), 2, "one line by each key");
                seen += 1;
            }
            409 => {
                assert_eq!(answer.media_type, "text/x.tlog.size");
                let size = exchange["asserts"][0].as_str().unwrap();
                assert!(size.contains(&format!("\"{}\\n\"", decode_size(&answer.body).unwrap())), "{size}");
            }
            _ => {}
        }
    }
    assert_eq!(seen, 3);
    let shown = witness.get(&format!("{}/checkpoint", Hash::of(origin.as_bytes())));
    assert_eq!(shown.status, 200);
    let shown = SignedCheckpoint::parse(&shown.body).unwrap();
    assert_eq!(shown.checkpoint().size, 5);
    let keys: Vec<VerifierKey> =
        witness.vkeys.iter().map(|key| VerifierKey::parse(key).unwrap()).chain([log]).collect();
    assert_eq!(shown.verify(&keys).unwrap().len(), 3, "the log's line, and both of the witness's");
}

#[test]
fn two_of_ours_witness_an_archive() {
    let stage = Stage::new();
    let before = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    let vkeys = [stage.path("keys/log.vkey"), stage.path("keys/log-ml-dsa-44.vkey")];
    let vkeys = vkeys.map(|path| fs::read_to_string(path).unwrap().trim().to_owned());
    let follow = ["--follow", &vkeys[0], "--follow", &vkeys[1]];
    let (first, second) = (Served::start(&stage, "w1", &follow), Served::start(&stage, "w2", &follow));
    first.enter(&stage, "1");
    second.enter(&stage, "2");
    let id = capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let verified = stage.run(["verify", &id]);
    for check in ["witnesses", "not-after"] {
        assert_eq!(finding(&verified, check)["result"], "holds", "{:?}", verified.lines);
    }
    assert_eq!(finding(&stage.run(["verify", &before]), "witnesses")["result"], "holds");
    let listed = stage.run(["witness", "list"]);
    let sizes: Vec<u64> = listed.lines.iter().map(|line| line["cosigned"].as_u64().unwrap()).collect();
    // The first was asked for size 3 before the second capture: it had never seen the log.
    assert_eq!(sizes.len(), 4);
    assert!(sizes.iter().all(|size| *size == sizes[0] && *size >= 4), "{sizes:?}");
    stage.assert_clean("with our own witnesses");
    assert_eq!((first.end("INT"), second.end("TERM")), (Some(0), Some(0)), "both ends are clean");
}

#[test]
fn what_was_signed_outlives_the_witness_and_is_never_taken_back() {
    let stage = Stage::new();
    let follow = ["--follow", &key().verifier().to_string()];
    let witness = Served::start(&stage, "witness", &follow);
    assert_eq!(witness.post(request(0, 5, 1)).status, 200);
    // Another process must not sign beside it.
    let order = ["witness", "serve", "--listen", "127.0.0.1:0", "--home", "witness"];
    let ran = stage.run(order);
    assert_eq!(ran.code, Some(6), "{}", ran.remarks);
    drop(witness); // It is killed.
    let witness = Served::start(&stage, "witness", &[]);
    let answer = witness.post(request(0, 3, 1));
    assert_eq!((answer.status, decode_size(&answer.body)), (409, Some(5)));
    // Many at once: the sizes that are answered only grow, and what is remembered is the last of them.
    let sizes: Vec<u64> = (6..30).collect();
    let signed: Vec<u64> = thread::scope(|scope| {
        let posts: Vec<_> =
            sizes.iter().map(|size| scope.spawn(|| (witness.post(request(5, *size, 1)).status, *size))).collect();
        let answers = posts.into_iter().map(|post| post.join().unwrap());
        answers.filter(|(status, _)| *status == 200).map(|(_, size)| size).collect()
    });
    assert_eq!(signed.len(), 1, "one of them was first: {signed:?}");
    let answer = witness.post(request(5, 29, 1));
    let expected = if signed == [29] { decode_size(&answer.body) } else { Some(signed[0]) };
    assert_eq!((answer.status, decode_size(&answer.body)), (409, expected));
}

#[test]
fn a_fork_is_refused_and_proven() {
    let stage = Stage::new();
    let vkey = key().verifier().to_string();
    let witness = Served::start(&stage, "witness", &["--follow", &vkey]);
    assert_eq!(witness.post(request(0, 5, 1)).status, 200);
    assert_eq!(witness.post(request(3, 5, 2)).status, 409);
    let answer = witness.post(request(5, 5, 2));
    assert_eq!((answer.status, decode_size(&answer.body)), (409, Some(5)), "another tree of the same size");
    let folder = stage.path(&format!("witness/seen/{}", Hash::of(b"log.test/grows")));
    let proof = folder.join("fork-at-5.proof");
    let verified = stage.run(["verify".as_ref(), proof.as_os_str(), "--trust".as_ref(), vkey.as_ref()]);
    eprintln!("{:?} {}", verified.lines, verified.remarks);
    assert_eq!(verified.code, Some(3), "{:?} {}", verified.lines, verified.remarks);
    assert_eq!(witness.post(request(5, 9, 2)).status, 422, "the other branch, grown");
    assert_eq!(witness.post(request(5, 9, 1)).status, 200);
    // What was seen and cannot be read is not nothing.
    fs::write(folder.join("checkpoint"), "rubbish").unwrap();
    assert_eq!(witness.post(request(0, 9, 2)).status, 500);
    assert_eq!(witness.post(request(9, 12, 1)).status, 500);
}

#[test]
fn refuses_what_is_too_much_and_what_it_does_not_know() {
    let stage = Stage::new();
    let witness = Served::start(&stage, "witness", &["--rate", "1000"]);
    assert_eq!(witness.post(request(0, 5, 1)).status, 404, "it follows nobody yet");
    let ran = stage.run(["witness", "follow", &key().verifier().to_string()]);
    assert_eq!((ran.code, ran.texts("origin")), (Some(0), vec!["log.test/grows".to_owned()]), "{}", ran.remarks);
    assert_eq!(witness.post(request(0, 5, 1)).status, 200, "the list is read anew");
    for (body, status) in
        [(vec![b'x'; (1 << 20) + 1], 413), (b"old 0\n".to_vec(), 400), (Vec::new(), 400), (vec![0xff; 100], 400)]
    {
        assert_eq!(witness.post(body).status, status);
    }
    let other = Hash::of(b"other");
    for (path, status) in [("add-checkpoint", 405), ("", 404), ("../logs", 404), ("x/checkpoint", 404)] {
        assert_eq!(witness.get(path).status, status, "{path}");
    }
    assert_eq!(witness.get(&format!("{other}/checkpoint")).status, 404);
    let slow = Served::start(&stage, "slow", &["--rate", "1"]);
    let statuses: Vec<u16> = (0..10).map(|_| slow.get("").status).collect();
    assert!(statuses[..4] == [404; 4] && statuses.contains(&429), "{statuses:?}");
    let ran = stage.run(["witness", "init", "--home", "witness"]);
    assert_eq!(ran.code, Some(6), "no key is ever overwritten: {}", ran.remarks);
}
