//! Key records that are forged: the verifier, the page and the script come to the same, and none of them follows one.

use std::path::Path;

use affiant::archivist::keys::{KeyAuthority, KeyOrder, Overlap, Which};
use affiant::evidence::bundle::layout::id_of_entry_file;
use affiant::evidence::bundle::write::{reading, script};
use affiant::evidence::verify::Verdict;

use super::cases::resealed;
use super::page::{Page, Reader, pack};
use super::script::{run, shells};
use super::yard::{unpack, unzip, write};
use super::{Files, verify, worst};
use crate::keys::House;

#[test]
fn key_records_are_judged_alike() {
    let house = House::new();
    let subject = house.add("https://a.example/");
    house.rotate(Which::Statement);
    let recovery = Some(house.places().keys.join("recovery.key"));
    let authority = KeyAuthority { recovery, ..KeyAuthority::default() };
    house.change_by(&KeyOrder::Rotate { which: Which::Recovery, overlap: Overlap::None }, &authority).unwrap();
    house.change_by(&KeyOrder::Rotate { which: Which::All, overlap: Overlap::None }, &authority).unwrap();
    let honest = unzip(&house.bundle(subject));
    let seed = super::seed(&house.secrets().statement);
    let policy = house.policy();
    let reader = Reader::new(&policy.encode(), &[]);
    let Some(mut page) = Page::start(&reader) else { return };
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join("verify.sh");
    write(&path, script(false, true).as_bytes());
    let fingerprint = house.keyring().public().unwrap().statement.fingerprint();
    let by_script = |files: &Files, n: usize| {
        let shells = shells();
        run(shells[n % shells.len()], &path, &[&fingerprint], unpack(files).path()).unwrap()
    };

    let records: Vec<String> = honest
        .keys()
        .filter(|name| id_of_entry_file(name).is_some_and(|id| id.letter == 'K') && name.ends_with("/record.cbor"))
        .cloned()
        .collect();
    assert_eq!(records.len(), 3);
    let mut cases = vec![("honest".to_owned(), honest.clone())];
    for (n, name) in records.iter().enumerate() {
        let record = &honest[name];
        // What is changed, what is signed and each of the signatures are somewhere here.
        for part in 0..3 {
            let at = record.len() * (2 * part + 1) / 6;
            cases.push((format!("{name} at {at}"), with(&honest, name, |bytes| bytes[at] ^= 1)));
        }
        let other = honest[&records[(n + 1) % records.len()]].clone();
        cases.push((format!("{name} is another"), with(&honest, name, |bytes| bytes.clone_from(&other))));
        let folder = name.trim_end_matches("record.cbor");
        let without = honest.iter().filter(|(name, _)| !name.starts_with(folder));
        cases.push((
            format!("{name} is left out"),
            without.map(|(name, bytes)| (name.clone(), bytes.clone())).collect(),
        ));
    }
    for (n, (what, files)) in cases.into_iter().enumerate() {
        let files = if n == 0 { files } else { resealed(files, &seed) };
        let verdict = worst(&verify(&files, Some(&policy)));
        let by_page = page.judge(&pack(&files));
        let by_page: Vec<&str> = by_page.iter().map(|report| report["verdict"].as_str().unwrap()).collect();
        let (code, said) = by_script(&files, n);
        eprintln!("{what}: {verdict}, by the page {by_page:?}, by the script {code}");
        let expected = match verdict {
            Verdict::Verified | Verdict::VerifiedWithGaps => 0,
            Verdict::Failed => 3,
            Verdict::CannotTell => 4,
        };
        assert_eq!(n == 0, expected == 0, "{what}: {verdict}");
        assert_eq!(by_page, [verdict.as_str()], "{what}");
        // Of a record that is not there, or cannot be read, the script says that it is missing, and no more.
        let agrees = code == expected || (expected == 3 && code == 4);
        assert!(agrees, "{what}: {verdict}, by the script {code}\n{said}");
    }
}

/// Changes a record, and what reads it out where it can be read.
fn with(honest: &Files, name: &str, change: impl Fn(&mut Vec<u8>)) -> Files {
    let mut files = honest.clone();
    let record = files.get_mut(name).unwrap();
    change(record);
    if let Ok(read) = reading(record) {
        files.insert(Path::new(name).with_extension("json").display().to_string(), read);
    }
    files
}
