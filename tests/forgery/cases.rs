//! The forgeries themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use affiant::base::hash::Hash;
use affiant::evidence::bundle::bag::Manifest;
use affiant::evidence::bundle::layout;
use affiant::evidence::bundle::seal::{BUNDLE_NAMESPACE, Seal};

use super::Files;
use super::yard::{Bundles, unzip};

/// How far the forger goes to hide the change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hand {
    /// Not at all.
    Plain,
    /// The manifests are made anew; the archive's seal stays.
    Rebagged,
    /// They are sealed with another key.
    OtherKey,
    /// That key lies in the bundle in place of the archive's.
    OtherKeyBrought,
}

/// One forged bundle.
pub(super) struct Case {
    /// The file that was changed.
    pub(super) name: String,
    /// How it was changed.
    pub(super) kind: &'static str,
    /// How far the forger went.
    pub(super) hand: Hand,
    /// The bundle.
    pub(super) files: Files,
}

impl Case {
    /// Says whether what is said against the bundle names the file, or that which was sealed over it.
    pub(super) fn is_named_in(&self, complaints: &str) -> bool {
        let folder = self.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_entry = folder.starts_with("data/entries/");
        let is_named = complaints.contains(&self.name) || (is_entry && complaints.contains(folder));
        // A log has one checkpoint: the check names it, and its proofs do.
        let is_checkpoint = self.name == layout::CHECKPOINT && complaints.contains("checkpoint");
        let is_seal_broken = self.hand != Hand::Plain && complaints.contains(layout::SEAL);
        // Where something fails, what is only missing is not shown beside it.
        let are_keys_named = self.hand == Hand::OtherKeyBrought && complaints.contains("`data/keys/");
        // Without entry 0 there is no key to check a seal with.
        let is_genesis_named = self.kind == "delete entry" && complaints.contains("entry 0");
        is_named || is_checkpoint || is_seal_broken || are_keys_named || is_genesis_named
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` by {:?}", self.kind, self.name, self.hand)
    }
}

/// Makes every forgery of one bundle that leaves other bytes than there were; `older` is another of the same
/// archive, every part of which has good signatures too.
pub(super) fn all(bundles: &Bundles, honest: &Path, older: &Path) -> Vec<Case> {
    let (honest, older, impostor) = (unzip(honest), unzip(older), unzip(&bundles.impostor));
    let mut changes: Vec<(String, &'static str, Files)> = Vec::new();
    for (name, bytes) in &honest {
        let mut add = |kind, replacement: Option<Vec<u8>>| {
            let mut files = honest.clone();
            files.remove(name);
            files.extend(replacement.map(|bytes| (name.clone(), bytes)));
            changes.push((name.clone(), kind, files));
        };
        add("delete", None);
        add("truncate", Some(bytes[..bytes.len() / 2].to_vec()));
        add("empty", Some(Vec::new()));
        add("extend", Some([bytes, &b"\n"[..]].concat()));
        for (kind, at) in [("flip first", 0), ("flip mid", bytes.len() / 2), ("flip last", bytes.len() - 1)] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            add(kind, Some(flipped));
        }
        if let Some(old) = older.get(name) {
            add("older", Some(old.clone()));
        }
        if let Some(theirs) = impostor.get(name) {
            add("impostor", Some(theirs.clone()));
        }
        changes.extend(siblings(&honest, name).into_iter().map(|files| (name.clone(), "swap", files)));
        changes.extend(transplants(&honest, name).into_iter().map(|files| (name.clone(), "transplant", files)));
    }
    changes.extend(added(&honest));
    changes.extend(whole_entries(&honest, &older, &impostor));

    let mut cases = Vec::new();
    for (name, kind, files) in changes {
        for hand in [Hand::Plain, Hand::Rebagged, Hand::OtherKey, Hand::OtherKeyBrought] {
            let files = hidden(files.clone(), hand, &impostor, &bundles.impostor_seed);
            // To whoever makes the manifests anew, one damaged byte is like another.
            let is_like_another = matches!(kind, "truncate" | "empty" | "extend" | "flip first" | "flip last");
            let is_new = matches!(hand, Hand::Plain | Hand::Rebagged) || !is_like_another;
            if files != honest && is_new {
                cases.push(Case { name: name.clone(), kind, hand, files });
            }
        }
    }
    cases
}

/// Exchanges a file with the next one in its folder.
fn siblings(honest: &Files, name: &str) -> Option<Files> {
    let folder = |name: &str| name.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let mut family = honest.keys().filter(|other| folder(other) == folder(name) && *other != name);
    let next = family.clone().find(|other| other.as_str() > name).or_else(|| family.next())?;
    let mut files = honest.clone();
    let (a, b) = (honest[name].clone(), honest[next].clone());
    files.insert(name.to_owned(), b);
    files.insert(next.clone(), a);
    Some(files)
}

/// Puts the same part of each other record, citation or content in a file's place.
fn transplants(honest: &Files, name: &str) -> Vec<Files> {
    let parts: Vec<&str> = name.split('/').collect();
    let ["data", group @ ("entries" | "content"), _, file] = parts.as_slice() else { return Vec::new() };
    let is_like = |other: &&String| {
        other.starts_with(&format!("data/{group}/")) && other.ends_with(&format!("/{file}")) && *other != name
    };
    let others = honest.iter().filter(|(other, _)| is_like(other));
    let transplant = |(_, bytes): (&String, &Vec<u8>)| {
        let mut files = honest.clone();
        files.insert(name.to_owned(), bytes.clone());
        files
    };
    others.map(transplant).collect()
}

/// Adds files that no bundle has, one in each folder there is.
fn added(honest: &Files) -> Vec<(String, &'static str, Files)> {
    let mut folders: Vec<&str> =
        honest.keys().map(|name| name.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
    folders.sort_unstable();
    folders.dedup();
    let mut names: Vec<String> = folders.iter().map(|folder| format!("{folder}/added.txt")).collect();
    names.extend(
        [
            "note.txt",
            "data/note.txt",
            "manifest-sha512.txt",
            "fetch.txt",
            "data/entries/af-c-000099-0/record.cbor",
            // Annexes that bundles may have, and this one has not.
            "verify.html",
            "data/custody.jsonl",
            "data/exhibits/a.pdf",
            "data/exhibits/A.pdf",
            "data/transparent/a.cose",
            "data/transparent/a.pdf",
        ]
        .map(str::to_owned),
    );
    let add = |name: String| {
        let name = name.trim_start_matches('/').to_owned();
        let mut files = honest.clone();
        files.insert(name.clone(), b"added\n".to_vec());
        (name, "add", files)
    };
    names.into_iter().map(add).collect()
}

/// Puts all files of an entry, each good in itself, in the place of another's, or takes them from elsewhere.
fn whole_entries(honest: &Files, older: &Files, impostor: &Files) -> Vec<(String, &'static str, Files)> {
    let mut folders: Vec<String> =
        honest.keys().filter_map(|name| layout::id_of_entry_file(name)).map(|id| layout::entry_folder(&id)).collect();
    folders.dedup();
    let mut changes = Vec::new();
    for folder in &folders {
        let name = format!("{folder}{}", layout::RECORD);
        let mut without = honest.clone();
        without.retain(|file, _| !file.starts_with(folder));
        changes.push((name.clone(), "delete entry", without.clone()));
        for source in [older, impostor] {
            let mut files = honest.clone();
            files.extend(
                source.iter().filter(|(file, _)| file.starts_with(folder)).map(|(f, b)| (f.clone(), b.clone())),
            );
            changes.push((name.clone(), "replay entry", files));
        }
        for other in folders.iter().filter(|other| *other != folder) {
            let mut files = without.clone();
            let theirs = honest.iter().filter_map(|(file, bytes)| Some((file.strip_prefix(other)?, bytes)));
            files.extend(theirs.map(|(file, bytes)| (format!("{folder}{file}"), bytes.clone())));
            changes.push((name.clone(), "pose entry", files));
        }
    }
    changes
}

/// Makes the bag and the seal anew around a change, with a key.
pub(crate) fn resealed(files: Files, seed: &[u8; 32]) -> Files {
    hidden(files, Hand::OtherKey, &Files::new(), seed)
}

/// Makes the bag, the seal and the keys anew around a change.
pub(super) fn hidden(mut files: Files, hand: Hand, impostor: &Files, seed: &[u8; 32]) -> Files {
    if hand == Hand::Plain {
        return files;
    }
    if hand == Hand::OtherKeyBrought {
        files.extend(
            impostor.iter().filter(|(name, _)| name.starts_with("data/keys/")).map(|(n, b)| (n.clone(), b.clone())),
        );
    }
    let hashes = |files: &Files, is_listed: &dyn Fn(&str) -> bool| -> BTreeMap<String, Hash> {
        files.iter().filter(|(name, _)| is_listed(name)).map(|(name, bytes)| (name.clone(), Hash::of(bytes))).collect()
    };
    let (manifest, tags) = ("manifest-sha256.txt", "tagmanifest-sha256.txt");
    if files.contains_key(manifest) {
        let text = Manifest::text(&hashes(&files, &|name| name.starts_with("data/")));
        files.insert(manifest.to_owned(), text.into_bytes());
    }
    rewrite_oxum(&mut files);
    if files.contains_key(tags) {
        let is_tag = |name: &str| !name.starts_with("data/") && name != tags && name != layout::SEAL;
        let text = Manifest::text(&hashes(&files, &is_tag)).into_bytes();
        if hand != Hand::Rebagged && files.contains_key(layout::SEAL) {
            let seal = Seal::sign(seed, BUNDLE_NAMESPACE, &text).unwrap().to_armored();
            files.insert(layout::SEAL.to_owned(), seal.into_bytes());
        }
        files.insert(tags.to_owned(), text);
    }
    files
}

/// Makes the count of bytes and files right, where there is a line for it.
fn rewrite_oxum(files: &mut Files) {
    let payload: Vec<usize> =
        files.iter().filter(|(name, _)| name.starts_with("data/")).map(|(_, bytes)| bytes.len()).collect();
    let oxum = format!("Payload-Oxum: {}.{}", payload.iter().sum::<usize>(), payload.len());
    let Some(metadata) = files.get_mut("bag-info.txt") else { return };
    let Ok(text) = String::from_utf8(metadata.clone()) else { return };
    let lines = text.split('\n').map(|line| if line.starts_with("Payload-Oxum: ") { oxum.as_str() } else { line });
    *metadata = lines.collect::<Vec<_>>().join("\n").into_bytes();
}
