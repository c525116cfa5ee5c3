//! Published notes, checkpoints, cosignatures and vkeys (C2SP, Go, Sunlight, Tessera).

use affiant::log::checkpoint::{CheckpointError, SignedCheckpoint};
use affiant::log::note::{Note, NoteError};
use affiant::log::vkey::{KeyKind, VerifierKey, VkeyError};
use serde_json::Value;

fn read(file: &str) -> Option<Vec<Value>> {
    let path = super::folder("c2sp-spec-examples")?.join(file);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&text).expect("the vectors are a JSON array"))
}

fn text<'vector>(vector: &'vector Value, field: &str) -> &'vector str {
    vector[field].as_str().unwrap_or_else(|| panic!("{field} of {vector}"))
}

#[test]
fn published_notes_verify_and_each_change_is_seen() {
    let Some(vectors) = read("notes.json") else { return };
    let (mut notes, mut checkpoints, mut times) = (0, 0, 0);
    for vector in &vectors {
        let bytes = text(vector, "note").as_bytes();
        let keys: Vec<VerifierKey> =
            vector["vkeys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().parse().unwrap()).collect();
        let note = Note::parse(bytes).unwrap_or_else(|error| panic!("{vector}: {error:?}"));
        assert_eq!(note.encode(), bytes, "{vector}");
        notes += 1;

        if keys.is_empty() {
            // The specification's own cosignature example, whose keys are not published.
            assert_eq!(vector["expect"], "parse-only");
            let checkpoint = SignedCheckpoint::parse(bytes).expect("a checkpoint");
            assert_eq!((checkpoint.checkpoint().size, checkpoint.signatures().len()), (20_852_163, 2));
            continue;
        }
        assert_eq!(vector["expect"], "valid");
        let Ok(checkpoint) = SignedCheckpoint::parse(bytes) else {
            assert_eq!(note.verify(&keys).map(|signers| signers.len()), Ok(keys.len()), "{vector}");
            continue;
        };
        checkpoints += 1;
        let signers = checkpoint.verify(&keys).unwrap_or_else(|error| panic!("{vector}: {error:?}"));
        assert_eq!(signers.len(), keys.len(), "{vector}");
        if let Some(expected) = vector["cosignature_time"].as_u64() {
            assert_eq!(signers[0].key.kind(), KeyKind::Ed25519Cosignature);
            assert_eq!(signers[0].time.map(affiant::base::time::Time::seconds), Some(expected));
            times += 1;
        }
        if let Some(expected) = vector["checkpoint"].as_object() {
            assert_eq!(checkpoint.checkpoint().origin.as_str(), text(&vector["checkpoint"], "origin"));
            assert_eq!(expected["size"].as_u64(), Some(checkpoint.checkpoint().size));
        }
        change_each_byte_of_the_text(bytes, &keys);
    }
    assert_eq!((notes, checkpoints, times), (22, 19, 2));
}

/// Changes each byte of the text once: the note is then no checkpoint, or its known signature is bad.
fn change_each_byte_of_the_text(bytes: &[u8], keys: &[VerifierKey]) {
    let end = bytes.windows(2).rposition(|pair| pair == b"\n\n").expect("a note has a blank line");
    for at in 0..=end {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let result = SignedCheckpoint::parse(&changed).and_then(|checkpoint| checkpoint.verify(keys).map(|_| ()));
        match result {
            Ok(()) | Err(CheckpointError::Note(NoteError::NoKnownKey)) => panic!("byte {at} is not signed"),
            Err(_) => {}
        }
    }
}

#[test]
fn published_vkeys_are_told_apart() {
    let Some(vectors) = read("cosig-vkeys.json") else { return };
    let mut kinds = Vec::new();
    for vector in &vectors {
        let vkey = text(vector, "vkey");
        let expected = match text(vector, "name") {
            "wrong number of parts" => Err(VkeyError::NotVkey),
            "invalid base64" => Err(VkeyError::NotBase64),
            // A known exception: the library it comes from ignores the id, which is not that of name and key.
            "works: native algMLDSA44 verifier" => {
                Err(VkeyError::WrongKeyId { found: 0x5893_dc2c, computed: 0x3123_6897 })
            }
            "invalid algo" => Err(VkeyError::UnknownType { found: 3 }),
            _ => Ok(vkey.to_owned()),
        };
        let is_exception = matches!(expected, Err(VkeyError::WrongKeyId { .. }));
        assert_eq!(vector["valid"], expected.is_ok() || is_exception);
        let read = VerifierKey::parse(vkey);
        kinds.extend(read.iter().map(VerifierKey::kind));
        assert_eq!(read.map(|key| key.to_string()), expected, "{vector}");
    }
    assert_eq!(vectors.len(), 6);
    assert_eq!(kinds, [KeyKind::Ed25519, KeyKind::Ed25519Cosignature]);
}
