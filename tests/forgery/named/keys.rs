//! Forged changes of keys, by an archive that logs and seals them as if they were in order.

use affiant::evidence::record::{Body, KeyChange, KeySignature, Record};

use super::Forgery;
use super::insider::Lie;
use super::scene::Scene;

fn change(record: &mut Record, change: impl Fn(Vec<KeySignature>) -> Vec<KeySignature>) {
    let Body::Key(old) = &record.body else { panic!("{}", record.body.kind()) };
    let signatures = change(old.signatures().to_vec());
    record.body = Body::Key(old.clone().with(signatures));
}

pub(super) fn all(scene: &Scene) -> Vec<Forgery> {
    let folder = scene.name("data/entries/", "record.cbor.sig").replace("/record.cbor.sig", "");
    let index = |part: &str| {
        let name = scene.files.keys().find(|name| name.starts_with("data/entries/") && name.contains(part)).unwrap();
        let number = name.split('/').nth(2).unwrap().split('-').nth(2).unwrap();
        number.parse::<u64>().unwrap()
    };
    let (at, subject) = (index("-k-"), index(folder.rsplit('/').next().unwrap()));
    let old = scene.old_keys.as_ref().unwrap().statement.public().as_bytes().to_vec();
    let culprits = [format!("entry {at}"), format!("-k-{at:06}"), format!("-K-{at:06}")];
    let culprits: Vec<&str> = culprits.iter().map(String::as_str).collect();
    let lie = |name: &'static str, change_it: &dyn Fn(Vec<KeySignature>) -> Vec<KeySignature>| {
        Forgery::new(name, scene.relogged(&Lie::record(at, |record| change(record, change_it))), &culprits)
    };
    let own = |name: &'static str, change: &dyn Fn(&mut KeyChange)| {
        let lie = Lie::record(at, |record| {
            if let Body::Key(key) = &mut record.body {
                change(key);
            }
        });
        Forgery::new(name, scene.relogged(&lie), &culprits)
    };
    let mut left_out = scene.files.clone();
    left_out.retain(|name, _| !name.contains("-k-"));
    let id = folder.rsplit('/').next().unwrap().to_owned();
    let printed = id.to_uppercase();
    let subjects = [id.as_str(), &printed[..printed.len() - 1], &format!("entry {subject}")];
    let old_keys = scene.old_keys.as_ref().unwrap();
    vec![
        lie("a change of keys that the old key has not signed", &|signatures| {
            signatures.into_iter().filter(|one| one.public != old).collect()
        }),
        lie("a change of keys that the new key has not signed", &|signatures| {
            signatures.into_iter().filter(|one| one.public == old).collect()
        }),
        lie("a change of keys with a flipped signature", &|mut signatures| {
            signatures[0].signature[10] ^= 1;
            signatures
        }),
        lie("a change of keys with two signatures swapped", &|mut signatures| {
            let (a, b) = (signatures[0].signature.clone(), signatures[1].signature.clone());
            (signatures[0].signature, signatures[1].signature) = (b, a);
            signatures
        }),
        own("a change of keys for another reason than was signed", &|key| {
            key.reason = Some("by order of the court".to_owned());
        }),
        own("a change of another key than was signed", &|key| key.changes[0].key.public[0] ^= 1),
        own("a change of keys with an act left out", &|key| drop(key.changes.pop())),
        Forgery::new("a change of keys that is left out", scene.resealed(left_out), &culprits),
        Forgery::new(
            "a statement by the key that was retired",
            scene.relogged(&Lie::key(subject, &old_keys.statement)),
            &subjects,
        ),
        Forgery::new(
            "a record that does not name the change of keys",
            scene.relogged(&Lie::record(subject, |record| record.key_record = None)),
            &subjects,
        ),
    ]
}
