//! Forged times: each lies beside the checkpoint that has the record, and the archive seals the bundle anew.

use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::evidence::anchor;
use affiant::log::checkpoint::{Checkpoint, SignedCheckpoint};
use affiant::log::cosignature::Cosigned;
use affiant::log::key::Ed25519SecretKey;
use affiant::log::vkey::{NoteSecretKey, SignerKey};
use affiant::outside::clock;
use rcgen::IsCa;

use super::Forgery;
use super::files::{edited, with, without};
use super::scene::{Scene, soon};
use crate::authority::forge::{Forge, Hashing, Purpose};

/// The anchor behind the record, and the one before it.
struct Anchors {
    after: String,
    before: String,
}

impl Anchors {
    fn of(scene: &Scene) -> Self {
        let size = |name: &String| name.strip_prefix("data/anchors/")?.split_once('/')?.0.parse().ok();
        let mut sizes: Vec<u64> = scene.files.keys().filter_map(size).collect();
        sizes.dedup();
        sizes.sort_unstable();
        let [before, after] = sizes.as_slice() else { panic!("{sizes:?}") };
        Self { after: format!("data/anchors/{after}/"), before: format!("data/anchors/{before}/") }
    }
}

pub(super) fn all(scene: &Scene) -> Vec<Forgery> {
    let anchors = Anchors::of(scene);
    [tokens(scene, &anchors), cosignatures(scene, &anchors), proofs(scene, &anchors), checkpoints(scene, &anchors)]
        .into_iter()
        .flatten()
        .collect()
}

/// Exchanges the one word of a kind beside a checkpoint.
fn exchanged(scene: &Scene, folder: &str, extension: &str, bytes: &[u8]) -> (super::Files, String) {
    let old = scene.name(folder, extension);
    let name = format!("{folder}{}{extension}", anchor::stem("forged", bytes));
    let mut files = without(&scene.files, &old);
    files.insert(name.clone(), bytes.to_vec());
    (scene.resealed(files), name)
}

fn tokens(scene: &Scene, anchors: &Anchors) -> Vec<Forgery> {
    let (after, before) = (&anchors.after, &anchors.before);
    let checkpoint = |folder: &str| scene.files[&format!("{folder}checkpoint")].clone();
    let token = |name: &'static str, reply: Vec<u8>| {
        let (files, file) = exchanged(scene, after, ".tsr", &reply);
        Forgery::new(name, files, &[&file, file.rsplit('/').next().unwrap()])
    };
    let by = |forge: &Forge| forge.over(&checkpoint(after), soon(), Hashing::Sha256);
    let under = |purpose: Purpose| by(&scene.forge.under((2020, 2040), purpose));
    let flipped = |from_end: usize| {
        let mut reply = by(&scene.forge);
        let at = reply.len() - from_end;
        reply[at] ^= 1;
        reply
    };
    let named = scene.name(after, ".tsr");
    let renamed = named.replace(&Hash::of(&scene.files[&named]).short().clone(), "0123456789abcdef");
    let mut moved = without(&scene.files, &named);
    moved.insert(renamed.clone(), scene.files[&named].clone());
    vec![
        token("time from another checkpoint", scene.files[&scene.name(before, ".tsr")].clone()),
        token("time for something else", scene.forge.over(b"something else", soon(), Hashing::Sha256)),
        token("time by an issuer without basic constraints", by(&scene.forge.through(IsCa::NoCa))),
        token("time by an issuer that says it is no authority", by(&scene.forge.through(IsCa::ExplicitNoCa))),
        token("time by an issuer below one that may have none below it", by(&scene.forge.through_two())),
        token("time by a certificate of no purpose", under(Purpose::None)),
        token("time by a certificate of another purpose", under(Purpose::Another)),
        token("time by a certificate of a purpose that is not critical", under(Purpose::NotCritical)),
        token("time by a certificate of two purposes", under(Purpose::WithAnother)),
        token("time by a certificate that had ended", by(&scene.forge.under((2020, 2022), Purpose::TimeStamping))),
        token("time by a certificate that had not begun", by(&scene.forge.under((2038, 2040), Purpose::TimeStamping))),
        token("time with a flipped bit in its signature", flipped(1)),
        token("time with a malformed signature", flipped(71)),
        token("time in a reply that is none", b"rubbish".to_vec()),
        token("time in a reply that is cut short", by(&scene.forge)[..400].to_vec()),
        Forgery {
            culprits: vec!["by the archive's own clock".to_owned(), "was made later than".to_owned()],
            ..token("time before the capture", scene.forge.over(&checkpoint(after), before_all(), Hashing::Sha256))
        },
        Forgery::new("time under another name", scene.resealed(moved), &[&renamed]),
    ]
}

/// Long before any of the captures.
fn before_all() -> Time {
    Time::from_seconds(1_700_000_000).unwrap()
}

fn cosignatures(scene: &Scene, anchors: &Anchors) -> Vec<Forgery> {
    let (after, before) = (&anchors.after, &anchors.before);
    let signed = SignedCheckpoint::parse(&scene.files[&format!("{after}checkpoint")]).unwrap();
    let cosignature = |name: &'static str, line: String| {
        let (files, file) = exchanged(scene, after, ".cosignature", line.as_bytes());
        Forgery::new(name, files, &[&file, file.rsplit('/').next().unwrap()])
    };
    let other = Checkpoint { root: Hash::of(b"another tree"), ..signed.checkpoint().clone() };
    let text = other.text();
    let elsewhere = Cosigned { text: &text, origin: other.origin.as_str(), size: other.size, root: other.root };
    let elsewhere = elsewhere.sign(&scene.witness, clock::now()).unwrap().line();
    // The name and the id of the witness, over somebody else's signature.
    let honest = String::from_utf8(scene.files[&scene.name(after, ".cosignature")].clone()).unwrap();
    let impostor = SignerKey::new(
        scene.witness.name().clone(),
        NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[8; 32])),
    );
    let forged = signed.cosign(&impostor, clock::now()).unwrap().line();
    let bytes =
        |line: &str| data_encoding::BASE64.decode(line.trim_end().rsplit(' ').next().unwrap().as_bytes()).unwrap();
    let mut posed = bytes(&forged);
    posed[..4].copy_from_slice(&bytes(&honest)[..4]);
    let line = |bytes: &[u8]| format!("\u{2014} {} {}\n", scene.witness.name(), data_encoding::BASE64.encode(bytes));
    let mut earlier = bytes(&honest);
    earlier[10] ^= 1;
    vec![
        cosignature(
            "a cosignature of another checkpoint",
            String::from_utf8(scene.files[&scene.name(before, ".cosignature")].clone()).unwrap(),
        ),
        cosignature("a cosignature over another tree", elsewhere),
        cosignature("a cosignature by somebody of the witness's name and id", line(&posed)),
        cosignature("a cosignature of another time", line(&earlier)),
        cosignature("a cosignature of two lines", honest.clone() + &honest),
        cosignature("a cosignature with a space behind it", honest.trim_end().to_owned() + " \n"),
        cosignature("a cosignature that is cut short", line(&bytes(&honest)[..40])),
    ]
}

/// A proof that ends at a block whose Merkle root is the hash of the file itself.
pub(super) fn proof_over(bytes: &[u8]) -> Vec<u8> {
    let magic = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";
    let block = b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x03\xf0\xd5\x34";
    [&magic[..], Hash::of(bytes).as_bytes(), block].concat()
}

fn proofs(scene: &Scene, anchors: &Anchors) -> Vec<Forgery> {
    let checkpoint = &scene.files[&format!("{}checkpoint", anchors.after)];
    let honest = proof_over(checkpoint);
    let proof = |name: &'static str, bytes: Vec<u8>| {
        let (files, file) = exchanged(scene, &anchors.after, ".ots", &bytes);
        Forgery::new(name, files, &[&file, file.rsplit('/').next().unwrap()])
    };
    vec![
        proof("a proof for a block over something else", proof_over(b"something else")),
        proof("a proof for a block that is none", b"rubbish".to_vec()),
        proof("a proof for a block with bytes behind it", [&honest[..], b"x"].concat()),
        proof("a proof for a block that is cut short", honest[..honest.len() - 3].to_vec()),
    ]
}

/// The checkpoints that were dated.
fn checkpoints(scene: &Scene, anchors: &Anchors) -> Vec<Forgery> {
    let honest = &scene.files;
    let (after, before) = (&anchors.after, &anchors.before);
    let [dated, earlier] = [after, before].map(|folder| format!("{folder}checkpoint"));
    let consistency = format!("{before}consistency");
    let size = |folder: &str| folder.trim_start_matches("data/anchors/").trim_end_matches('/').to_owned();
    let spelt = [format!("size {}", size(after)), format!("size {}", size(before))];
    let moved = |from: &str, to: &str| {
        let mut files = honest.clone();
        files.retain(|name, _| !name.starts_with(from));
        let theirs = honest.iter().filter_map(|(name, bytes)| Some((name.strip_prefix(from)?, bytes)));
        files.extend(theirs.map(|(name, bytes)| (format!("{to}{name}"), bytes.clone())));
        scene.resealed(files)
    };
    let first = edited(honest, &consistency, |text| {
        let line = text.lines().next().unwrap().to_owned();
        text.replacen(&line, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1)
    });
    vec![
        Forgery::new(
            "the checkpoint of an anchor is another's",
            scene.resealed(with(honest, &dated, &honest[&earlier])),
            &[&dated, &spelt[0]],
        ),
        Forgery::new(
            "a checkpoint of an anchor that is no checkpoint",
            scene.resealed(with(honest, &dated, b"rubbish\n")),
            &[&dated, &spelt[0]],
        ),
        Forgery::new("an anchor without its checkpoint", scene.resealed(without(honest, &dated)), &[&dated]),
        Forgery::new(
            "an anchor without its consistency proof",
            scene.resealed(without(honest, &consistency)),
            &[&consistency],
        ),
        Forgery::new("a forged consistency proof", scene.resealed(first), &[&earlier, &spelt[1]]),
        Forgery::new(
            "a consistency proof with a line too many",
            scene.resealed(edited(honest, &consistency, |text| {
                format!("{text}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
            })),
            &[&earlier, &spelt[1]],
        ),
        Forgery::new(
            "an anchor at a size behind the log",
            moved(after, "data/anchors/4096/"),
            &["data/anchors/4096/", "size 4096"],
        ),
        Forgery::new("an anchor at a size that is none", moved(after, "data/anchors/007/"), &["data/anchors/007"]),
    ]
}
