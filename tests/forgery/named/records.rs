//! Lies in records, which the archive signs, logs and seals as if they were true.

use affiant::base::hash::Hash;
use affiant::document::outcome::{Outcome, OutcomeKind};
use affiant::evidence::record::{Body, Capture, Check, Document, KeyPurpose, Provision, Record};

use super::Forgery;
use super::insider::Lie;
use super::scene::Scene;

fn capture(record: &mut Record) -> &mut Capture {
    let Body::Capture(capture) = &mut record.body else { panic!("another kind") };
    capture
}

fn check(record: &mut Record) -> &mut Check {
    let Body::Check(check) = &mut record.body else { panic!("another kind") };
    check
}

fn provision(record: &mut Record) -> &mut Provision {
    let Body::Provision(provision) = &mut record.body else { panic!("another kind") };
    provision
}

fn document(record: &mut Record) -> &mut Document {
    let Body::Document(document) = &mut record.body else { panic!("another kind") };
    document
}

pub(super) fn all(scene: &Scene) -> Vec<Forgery> {
    assert_eq!(scene.relogged(&Lie::none()).len(), scene.files.len());
    [spelt(scene), placed(scene), chained(scene), confirmed(scene), quoted(scene), named(scene)]
        .into_iter()
        .flatten()
        .collect()
}

fn lie(scene: &Scene, name: &'static str, at: u64, culprits: &[&str], change: impl Fn(&mut Record)) -> Forgery {
    let folder = |at: u64| {
        let mut names =
            scene.files.keys().filter(|file| file.contains(&format!("-{at:06}-")) && file.ends_with("/record.cbor"));
        names.next().unwrap().trim_end_matches("/record.cbor").trim_start_matches("data/entries/").to_owned()
    };
    // By its folder, as its id is printed, or as `entry 3`.
    let folder = folder(at);
    let (front, check) = folder.rsplit_once('-').unwrap();
    let printed = format!("{}-{check}", front.to_uppercase());
    let spellings = [folder.as_str(), &printed, &format!("entry {at}")];
    Forgery::new(name, scene.relogged(&Lie::record(at, change)), &[&spellings[..], culprits].concat())
}

fn spelt(scene: &Scene) -> Vec<Forgery> {
    let folder = "000003-z";
    let bytes = |name: &'static str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        Forgery::new(name, scene.relogged(&Lie::bytes(3, change)), &[folder])
    };
    vec![
        bytes("a record with a byte behind it", &|bytes| [&bytes[..], &[0]].concat()),
        bytes("a record that is cut short", &|bytes| bytes[..bytes.len() - 1].to_vec()),
        bytes("a record of no bytes", &|_| Vec::new()),
        // The version is the first field: 1, and in a longer spelling of the same number.
        bytes("a record with a number in a longer spelling", &|bytes| [&bytes[..3], &[0x18, 1], &bytes[4..]].concat()),
        bytes("a record of another version", &|bytes| [&bytes[..3], &[2], &bytes[4..]].concat()),
        bytes("a record with a field more than it says", &|bytes| [&[bytes[0] + 1], &bytes[1..]].concat()),
        bytes("a record with a field twice", &|bytes| [&[bytes[0] + 1][..], &bytes[1..4], &bytes[1..]].concat()),
    ]
}

fn placed(scene: &Scene) -> Vec<Forgery> {
    vec![
        lie(scene, "a record of another index", 3, &[], |record| record.index = 2),
        lie(scene, "a record of index 2^64 - 1", 3, &[], |record| record.index = u64::MAX),
        lie(scene, "a record of another log", 3, &[], |record| record.origin = "other.example/log".into()),
        lie(scene, "a record that is of another kind than its id", 3, &[], |record| {
            record.body = Body::Document(Document {
                entity: None,
                title: None,
                document_type: None,
                url: "https://a.example/".to_owned(),
                vantage: affiant::evidence::record::Vantage { fetcher: "file".to_owned(), ..Default::default() },
                amends: None,
            });
        }),
        lie(scene, "a record that names a key record where there is none", 3, &[], |record| {
            record.key_record = Some(1);
        }),
        lie(scene, "a record made after a checkpoint that is longer than the log", 3, &[], |record| {
            record.after.size = 1 << 40;
        }),
    ]
}

fn chained(scene: &Scene) -> Vec<Forgery> {
    let zero = Hash::from_slice(&[0; 32]).unwrap();
    vec![
        lie(scene, "a page whose hash is zeroed in the record", 3, &[], |record| {
            capture(record).visit.primary.sha256 = Hash::from_slice(&[0; 32]).unwrap();
        }),
        lie(scene, "a capture of a document that is none", 3, &["document"], |record| capture(record).document = 2),
        lie(scene, "a capture of entry 0", 3, &["document", "entry 0"], |record| capture(record).document = 0),
        lie(scene, "a capture of a document that is to come", 3, &["document"], |record| capture(record).document = 5),
        lie(scene, "a capture that counts one too many", 3, &["capture 2"], |record| capture(record).sequence = 3),
        lie(scene, "a capture that names none before it", 3, &[], |record| capture(record).previous = None),
        lie(scene, "a first capture that names one before it", 3, &[], |record| capture(record).sequence = 1),
        lie(scene, "a capture whose earlier one is not there", 3, &[], move |record| {
            capture(record).previous = Some(zero);
        }),
        lie(scene, "a capture of sequence 0", 2, &[], |record| capture(record).sequence = 0),
        lie(scene, "a capture of another address than the document's", 3, &["visit of"], |record| {
            capture(record).visit.target = "file:///b.html".into();
        }),
        lie(scene, "an earlier capture of another address", 2, &["visit of"], |record| {
            capture(record).visit.target = "file:///b.html".into();
        }),
        lie(scene, "a document that amends itself", 1, &[], |record| document(record).amends = Some(1)),
        lie(scene, "a document that amends entry 0", 1, &["entry 0"], |record| document(record).amends = Some(0)),
        lie(scene, "a document of another address", 1, &["visit of", "000003-z"], |record| {
            document(record).url = "https://b.example/".into();
        }),
    ]
}

fn confirmed(scene: &Scene) -> Vec<Forgery> {
    let zero = || Hash::from_slice(&[0; 32]).unwrap();
    let id = "000003-z";
    vec![
        lie(scene, "a check of a capture that is none", 4, &["capture"], |record| check(record).capture = 1),
        lie(scene, "a check of an earlier capture with another text", 4, &["000002"], |record| {
            check(record).capture = 2;
        }),
        lie(scene, "a check that found another text", 4, &[id], move |record| {
            check(record).visit.renditions[0].sha256 = zero();
        }),
        lie(scene, "a check that came to something else", 4, &[id], |record| {
            check(record).visit.outcome = Outcome { kind: OutcomeKind::Truncated, reasons: vec!["cut".to_owned()] };
        }),
        lie(scene, "a check of another document", 4, &["document"], |record| check(record).document = 0),
        lie(scene, "a check of another address", 4, &["visit of"], |record| {
            check(record).visit.target = "file:///b.html".into();
        }),
    ]
}

fn quoted(scene: &Scene) -> Vec<Forgery> {
    let words = "not the other thing";
    vec![
        lie(scene, "words that are not in the text", 5, &[words, "but the other thing"], |record| {
            provision(record).exact = "but the other thing".into();
        }),
        lie(scene, "words that stand elsewhere", 5, &[words, "text.md"], |record| provision(record).start -= 1),
        lie(scene, "words that end elsewhere", 5, &[words, "text.md"], |record| provision(record).end += 1),
        lie(scene, "words that begin behind their end", 5, &["text.md", "passage"], |record| provision(record).end = 0),
        lie(scene, "words behind the end of the text", 5, &["text.md", "passage"], |record| {
            provision(record).start = 1 << 40;
            provision(record).end = (1 << 40) + 19;
        }),
        lie(scene, "other words before the quoted ones", 5, &[words, "text.md"], |record| {
            provision(record).prefix = "never but ".into();
        }),
        lie(scene, "other words after the quoted ones", 5, &[words, "text.md"], |record| {
            provision(record).suffix = ", perhaps".into();
        }),
        lie(scene, "words of another text", 5, &["another text", "quotes no text"], |record| {
            provision(record).rendition = Hash::from_slice(&[0; 32]).unwrap();
        }),
        lie(scene, "words of the page instead of the text", 5, &["another text", "quotes no text"], |record| {
            provision(record).rendition = Hash::of(b"x");
        }),
        lie(scene, "words of a capture that is none", 5, &["capture"], |record| provision(record).capture = 1),
        lie(scene, "words of an earlier capture", 5, &["000002", "another text"], |record| {
            provision(record).capture = 2;
        }),
    ]
}

/// What entry 0 says.
fn named(scene: &Scene) -> Vec<Forgery> {
    let genesis = |record: &mut Record, purpose: KeyPurpose, change: &dyn Fn(&mut Vec<u8>)| {
        let Body::Genesis(genesis) = &mut record.body else { panic!("another kind") };
        genesis.keys.iter_mut().filter(|key| key.purpose == purpose).for_each(|key| change(&mut key.public));
    };
    let other = |purpose: KeyPurpose| move |record: &mut Record| genesis(record, purpose, &|key| key[0] ^= 1);
    let keys = ["data/keys/archive.pem", "data/keys/log.pem", "data/keys/log"];
    vec![
        lie(scene, "entry 0 names another key for statements", 0, &keys, other(KeyPurpose::Statement)),
        lie(scene, "entry 0 names other keys of the log", 0, &keys, other(KeyPurpose::Checkpoint)),
        lie(scene, "entry 0 names no keys", 0, &[keys[0], "keys"], |record| {
            let Body::Genesis(genesis) = &mut record.body else { panic!("another kind") };
            genesis.keys.clear();
        }),
        lie(scene, "entry 0 has another prefix", 0, &["000003-z", "-C-000003"], |record| {
            let Body::Genesis(genesis) = &mut record.body else { panic!("another kind") };
            genesis.prefix = "XX".into();
        }),
    ]
}
