//! Forgeries of one entry's files, each with good signatures of its own, sealed by the archive.

use affiant::evidence::bundle::layout;

use super::Forgery;
use super::files::{edited, with};
use super::insider::Lie;
use super::scene::Scene;

/// The order of the group of Ed25519, least significant byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn all(scene: &Scene) -> Vec<Forgery> {
    [transplants(scene), statements(scene), proofs(scene), checkpoints(scene)].into_iter().flatten().collect()
}

fn folder_of(scene: &Scene, number: &str) -> String {
    let record = scene.files.keys().find(|name| name.contains(number) && name.ends_with("record.cbor")).unwrap();
    record.trim_end_matches(layout::RECORD).to_owned()
}

/// Files of other records, of earlier bundles and of other archives.
fn transplants(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let (here, there) = (folder_of(scene, "-c-000003"), folder_of(scene, "-c-000002"));
    let culprit = here.trim_end_matches('/');
    let from = |name: &'static str, file: &str, source: &super::Files, folder: &str| {
        let name_here = format!("{here}{file}");
        let forged = with(honest, &name_here, &source[&format!("{folder}{file}")]);
        Forgery::new(name, scene.resealed(forged), &[&name_here, culprit])
    };
    vec![
        from("the record of another entry", layout::RECORD, honest, &there),
        from("the reading of another record", layout::RECORD_READING, honest, &there),
        from("the statement of another entry", layout::STATEMENT, honest, &there),
        from("the proof of another entry", layout::PROOF, honest, &there),
        from("the receipt of another entry", layout::RECEIPT, honest, &there),
        from("the proof of a smaller tree", layout::PROOF, &scene.older, &here),
        from("the receipt of a smaller tree", layout::RECEIPT, &scene.older, &here),
        from("the record of another archive", layout::RECORD, &scene.impostor, &here),
        from("the statement of another archive", layout::STATEMENT, &scene.impostor, &here),
        from("the proof of another log", layout::PROOF, &scene.impostor, &here),
        from("the receipt of another log", layout::RECEIPT, &scene.impostor, &here),
    ]
}

fn statements(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let (here, there) = (folder_of(scene, "-c-000003"), folder_of(scene, "-c-000002"));
    let culprit = here.trim_end_matches('/');
    let name = format!("{here}{}", layout::STATEMENT);
    let signature = honest[&format!("{there}{}", layout::STATEMENT)].clone();
    let changed = |name: &'static str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        Forgery::new(name, scene.relogged(&Lie::statement(3, change)), &[culprit])
    };
    let transplanted = |bytes: Vec<u8>| [&bytes[..bytes.len() - 64], &signature[signature.len() - 64..]].concat();
    vec![
        Forgery::new(
            "a transplanted signature",
            scene.resealed(with(honest, &name, &transplanted(honest[&name].clone()))),
            &[culprit],
        ),
        changed("a transplanted signature, logged anew", &transplanted),
        changed("a signature with a zeroed end", &|bytes| [&bytes[..bytes.len() - 32], &[0; 32]].concat()),
        changed("a signature that was made longer by the group's order", &|bytes| malleated(&bytes)),
        changed("a signature of zeros", &|bytes| [&bytes[..bytes.len() - 64], &[0; 64]].concat()),
        changed("a statement with a byte behind it", &|bytes| [&bytes[..], &[0]].concat()),
        changed("a statement without its tag", &|bytes| bytes[1..].to_vec()),
        changed("a statement with a header that nobody signed", &|bytes| {
            replaced(&bytes, &[0xa0, 0x58, 0x20], &[0xa1, 0x01, 0x27, 0x58, 0x20])
        }),
        changed("a statement in a longer spelling", &|bytes| replaced(&bytes, &[0x58, 0x40], &[0x59, 0, 0x40])),
        changed("a statement of another algorithm", &|bytes| replaced(&bytes, &[0x01, 0x27], &[0x01, 0x26])),
        Forgery::new("a statement by another key", scene.relogged(&Lie::key(3, &scene.keys.log)), &[culprit]),
        Forgery::new(
            "a statement about another id",
            scene.relogged(&Lie::claim(3, |claim| claim.subject = "AF-C-000002-n".into())),
            &[culprit],
        ),
        Forgery::new(
            "a statement of another log",
            scene.relogged(&Lie::claim(3, |claim| claim.issuer = "other.example/log".into())),
            &[culprit],
        ),
        Forgery::new(
            "a statement of another time",
            scene.relogged(&Lie::claim(3, |claim| claim.issued_at = super::scene::soon())),
            &[culprit],
        ),
    ]
}

/// Replaces the first place where some bytes stand.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|part| part == old).unwrap();
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

/// Adds the order of the group to the second half of an Ed25519 signature, which a lax verifier does not mind.
fn malleated(bytes: &[u8]) -> Vec<u8> {
    let (front, half) = bytes.split_at(bytes.len() - 32);
    let mut carry = 0;
    let sum = half.iter().zip(ORDER).map(|(a, b)| {
        let sum = u16::from(*a) + u16::from(b) + carry;
        carry = sum >> 8;
        u8::try_from(sum & 0xff).unwrap()
    });
    [front, &sum.collect::<Vec<u8>>()].concat()
}

fn proofs(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let here = folder_of(scene, "-c-000003");
    let proof = format!("{here}{}", layout::PROOF);
    let changed = |name: &'static str, change: &dyn Fn(String) -> String| {
        Forgery::new(name, scene.resealed(edited(honest, &proof, change)), &[&proof, here.trim_end_matches('/')])
    };
    let line = |text: &str, n: usize| text.lines().nth(n).unwrap().to_owned();
    vec![
        changed("a proof of another index", &|text| text.replacen("index 3", "index 2", 1)),
        changed("a proof of an index with a zero before it", &|text| text.replacen("index 3", "index 03", 1)),
        changed("a proof of an index outside the log", &|text| {
            text.replacen("index 3", "index 9223372036854775808", 1)
        }),
        changed("a proof with a hash too few", &|text| text.replacen(&format!("{}\n", line(&text, 2)), "", 1)),
        changed("a proof with a hash too many", &|text| {
            text.replacen(&line(&text, 2), &format!("{0}\n{0}", line(&text, 2)), 1)
        }),
        changed("a proof with two hashes swapped", &|text| {
            let (a, b) = (line(&text, 2), line(&text, 3));
            text.replacen(&format!("{a}\n{b}\n"), &format!("{b}\n{a}\n"), 1)
        }),
        changed("a proof with stray bits in its base64", &|text| {
            let hash = line(&text, 2);
            let last = hash.as_bytes()[42];
            let other = char::from(if last == b'Z' || last == b'z' || last == b'9' { last - 1 } else { last + 1 });
            text.replacen(&hash, &format!("{}{other}=", &hash[..42]), 1)
        }),
        changed("a proof with words that nobody signed", &|text| {
            text.replacen("index 3", "extra YWZmaWRhdml0\nindex 3", 1)
        }),
        changed("a proof of another kind", &|text| text.replacen("proof@v1", "proof@v2", 1)),
    ]
}

/// Checkpoints, which every proof carries too.
fn checkpoints(scene: &Scene) -> Vec<Forgery> {
    let honest = &scene.files;
    let changed = |name: &'static str, change: &dyn Fn(String) -> String| {
        let change = |bytes: Vec<u8>| {
            let old = String::from_utf8(bytes).unwrap();
            let new = change(old.clone());
            assert_ne!(old, new, "{name}");
            new.into_bytes()
        };
        Forgery::new(name, scene.relogged(&Lie::checkpoint(change)), &["checkpoint"])
    };
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let whole = |lines: Vec<String>| lines.join("\n") + "\n";
    let damaged = |line: &str| {
        let (front, back) = line.split_at(line.len() - 20);
        front.to_owned() + &back.replacen(|c: char| c.is_ascii_lowercase(), "A", 1)
    };
    let only = |name: &'static str, source: &super::Files| {
        Forgery::new(
            name,
            scene.resealed(with(honest, layout::CHECKPOINT, &source[layout::CHECKPOINT])),
            &["checkpoint"],
        )
    };
    vec![
        only("the checkpoint of a smaller tree", &scene.older),
        only("the checkpoint of another log", &scene.impostor),
        changed("a checkpoint of another size", &|text| text.replacen("\n6\n", "\n7\n", 1)),
        changed("a checkpoint of size 2^63", &|text| text.replacen("\n6\n", "\n9223372036854775808\n", 1)),
        changed("a checkpoint of a size with a zero before it", &|text| text.replacen("\n6\n", "\n06\n", 1)),
        changed("a checkpoint of another root", &|text| {
            let root = lines(&text)[2].clone();
            text.replacen(&root, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1)
        }),
        changed("a checkpoint with a line that was added", &|text| text.replacen("\n\n", "\nextension\n\n", 1)),
        changed("a checkpoint with a damaged signature", &|text| {
            let mut lines = lines(&text);
            lines[4] = damaged(&lines[4]);
            whole(lines)
        }),
        changed("a checkpoint with a damaged post-quantum signature", &|text| {
            let mut lines = lines(&text);
            lines[5] = damaged(&lines[5]);
            whole(lines)
        }),
        changed("a checkpoint without its Ed25519 line", &|text| {
            let mut lines = lines(&text);
            lines.remove(4);
            whole(lines)
        }),
        changed("a checkpoint with two signatures of one key, one of them bad", &|text| {
            let mut lines = lines(&text);
            lines.insert(5, damaged(&lines[4]));
            whole(lines)
        }),
        changed("a checkpoint with a space behind a line", &|text| text.replacen("\n6\n", "\n6 \n", 1)),
        changed("a checkpoint with a space behind its signature", &|text| text.trim_end().to_owned() + " \n"),
        changed("a checkpoint with other line ends", &|text| text.replace('\n', "\r\n")),
        changed("a checkpoint without its last line feed", &|text| text.trim_end().to_owned()),
        changed("a checkpoint with an empty line more", &|text| text + "\n"),
        changed("a checkpoint that is not signed", &|text| lines(&text)[..4].join("\n") + "\n"),
        changed("a checkpoint with a signature by a hyphen", &|text| text.replace('\u{2014}', "-")),
    ]
}
