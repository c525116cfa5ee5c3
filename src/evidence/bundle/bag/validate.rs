//! Checking a bag: every file against every manifest, without stopping at the first fault.
//!
//! Source: RFC 8493 §3. Each file is read once, in pieces, whatever the count of manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use data_encoding::HEXLOWER;
use sha2::digest::DynDigest;

use super::declaration::declaration_absent;
use super::manifest::escapes;
use super::{
    Algorithm, DECLARATION_NAME, Fault, METADATA_NAME, Manifest, Metadata, Oxum, PAYLOAD_PREFIX, TAG_FILE_BYTES_MAX,
    Version,
};
use crate::base::hash::Hash;
use crate::evidence::bundle::folder::Folder;

/// Checks all that a bag says about its files.
///
/// The bag is valid when the report has no faults.
#[must_use]
pub fn validate(folder: &dyn Folder) -> Report {
    let names = folder.names();
    let mut report = Report::default();
    report.check_names(&names);
    let mut bag = Bag { folder, names: names.into_iter().collect(), report };

    let version = bag.read_declaration();
    if bag.names.contains("fetch.txt") {
        bag.report.faults.push(Fault::Fetch);
    }
    let payload = bag.read_manifests(MANIFEST_PREFIX, version);
    let tags = bag.read_manifests(TAG_MANIFEST_PREFIX, version);
    if !bag.names.iter().any(|name| algorithm_in(name, MANIFEST_PREFIX).is_some()) {
        bag.report.faults.push(Fault::NoManifest);
    }
    bag.check_payload_lists(&payload);
    bag.check_tag_lists(&tags);
    let oxum = bag.check_hashes(&[payload, tags].concat());
    bag.check_metadata(oxum);
    bag.report
}

/// What was found in a bag.
#[derive(Debug, Default)]
pub struct Report {
    /// The version it declares, when that could be read.
    pub version: Option<Version>,
    /// What `bag-info.txt` says.
    pub metadata: Metadata,
    /// The SHA-256 of each file that a manifest lists with one, as computed.
    pub sha256: BTreeMap<String, Hash>,
    /// Files outside the payload that no tag manifest lists: nothing vouches for them.
    pub unlisted_tag_files: Vec<String>,
    /// All that is wrong.
    pub faults: Vec<Fault>,
}

impl Report {
    /// Whether the bag is complete and unchanged in all that it lists.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }

    fn check_names(&mut self, names: &[String]) {
        let mut folded: BTreeMap<String, &String> = BTreeMap::new();
        for name in names {
            if escapes(name) {
                self.faults.push(Fault::PathEscapes { name: name.clone(), found_in: "the folder".to_owned() });
            }
            if let Some(other) = folded.insert(name.to_lowercase(), name) {
                self.faults.push(Fault::CaseClash { name: name.clone(), other: other.clone() });
            }
        }
    }
}

/// A bag while it is being checked.
struct Bag<'folder> {
    folder: &'folder dyn Folder,
    names: BTreeSet<String>,
    report: Report,
}

impl Bag<'_> {
    /// Reads the version; where it cannot be read the rest is checked by the strictest rules.
    fn read_declaration(&mut self) -> Version {
        if !self.names.contains(DECLARATION_NAME) {
            self.report.faults.push(declaration_absent());
            return Version::ONE;
        }
        match self.read_text(DECLARATION_NAME).and_then(|text| Version::from_declaration(&text)) {
            Ok(version) => {
                self.report.version = Some(version);
                version
            }
            Err(fault) => {
                self.report.faults.push(fault);
                Version::ONE
            }
        }
    }

    fn read_manifests(&mut self, prefix: &str, version: Version) -> Vec<Manifest> {
        let algorithm = |name: &String| algorithm_in(name, prefix).map(str::to_owned);
        let files: Vec<_> = self.names.iter().filter_map(|name| Some((name.clone(), algorithm(name)?))).collect();
        let mut manifests = Vec::new();
        for (file, algorithm) in files {
            match self.read_text(&file) {
                Ok(text) => {
                    let (manifest, faults) = Manifest::parse(&file, &algorithm, &text, version);
                    self.report.faults.extend(faults);
                    manifests.push(manifest);
                }
                Err(fault) => self.report.faults.push(fault),
            }
        }
        manifests
    }

    /// Every payload manifest lists exactly the payload (RFC 8493 §2.1.3).
    fn check_payload_lists(&mut self, manifests: &[Manifest]) {
        for manifest in manifests {
            let file = || manifest.file.clone();
            let outside = manifest.hashes.keys().filter(|name| !name.starts_with(PAYLOAD_PREFIX));
            let fault = |name: &String| Fault::OutsidePayload { name: name.clone(), file: file() };
            self.report.faults.extend(outside.map(fault));
            let payload = self.names.iter().filter(|name| name.starts_with(PAYLOAD_PREFIX));
            let unlisted = payload.filter(|name| !manifest.hashes.contains_key(*name));
            let fault = |name: &String| Fault::Unlisted { name: name.clone(), file: file() };
            self.report.faults.extend(unlisted.map(fault));
        }
    }

    /// Tag manifests agree on their names, list every payload manifest, and neither payload nor each
    /// other (RFC 8493 §2.2.1).
    fn check_tag_lists(&mut self, manifests: &[Manifest]) {
        let is_tag_manifest = |name: &str| algorithm_in(name, TAG_MANIFEST_PREFIX).is_some();
        for manifest in manifests {
            let file = || manifest.file.clone();
            let foreign = manifest.hashes.keys();
            let foreign = foreign.filter(|name| name.starts_with(PAYLOAD_PREFIX) || is_tag_manifest(name));
            let fault = |name: &String| Fault::NotATagFile { name: name.clone(), file: file() };
            self.report.faults.extend(foreign.map(fault));
            let required = self.names.iter().filter(|name| {
                let is_manifest = algorithm_in(name, MANIFEST_PREFIX).is_some();
                is_manifest || manifests.iter().any(|other| other.hashes.contains_key(*name))
            });
            let unlisted = required.filter(|name| !manifest.hashes.contains_key(*name));
            let fault = |name: &String| Fault::Unlisted { name: name.clone(), file: file() };
            self.report.faults.extend(unlisted.map(fault));
        }
        let tags = self.names.iter().filter(|name| !name.starts_with(PAYLOAD_PREFIX) && !is_tag_manifest(name));
        let unlisted = tags.filter(|name| !manifests.iter().any(|manifest| manifest.hashes.contains_key(*name)));
        self.report.unlisted_tag_files = unlisted.cloned().collect();
    }

    /// Reads each file once and holds it against each manifest; returns how much payload there was.
    fn check_hashes(&mut self, manifests: &[Manifest]) -> Oxum {
        let listed: BTreeSet<&String> = manifests.iter().flat_map(|manifest| manifest.hashes.keys()).collect();
        let payload = self.names.iter().filter(|name| name.starts_with(PAYLOAD_PREFIX));
        let all: BTreeSet<&String> = listed.into_iter().chain(payload).collect();
        let mut oxum = Oxum::default();
        for name in all {
            let lists: Vec<_> = manifests.iter().filter(|manifest| manifest.hashes.contains_key(name)).collect();
            if !self.names.contains(name) {
                let absent = |list: &&Manifest| Fault::Absent { name: name.clone(), listed_in: list.file.clone() };
                self.report.faults.extend(lists.iter().map(absent));
                continue;
            }
            let hashed = match hash_file(self.folder, name, &lists) {
                Ok(hashed) => hashed,
                Err(error) => {
                    self.report.faults.push(Fault::Unreadable { name: name.clone(), error: error.to_string() });
                    continue;
                }
            };
            self.report.faults.extend(compare(name, &hashed, &lists));
            let damaged = hashed.checksum_error.as_ref().map(ToString::to_string);
            self.report.faults.extend(damaged.map(|error| Fault::Unreadable { name: name.clone(), error }));
            self.report.sha256.extend(hashed.sha256().map(|hash| (name.clone(), hash)));
            if name.starts_with(PAYLOAD_PREFIX) {
                oxum.size_bytes += hashed.size_bytes;
                oxum.files += 1;
            }
        }
        oxum
    }

    fn check_metadata(&mut self, computed: Oxum) {
        if !self.names.contains(METADATA_NAME) {
            return;
        }
        let metadata = self.read_text(METADATA_NAME).and_then(|text| Metadata::parse(&text));
        let claimed = metadata.and_then(|metadata| {
            let oxum = metadata.oxum()?;
            self.report.metadata = metadata;
            Ok(oxum)
        });
        match claimed {
            Ok(Some(expected)) if expected != computed => {
                self.report.faults.push(Fault::WrongOxum { expected, computed });
            }
            Ok(_) => {}
            Err(fault) => self.report.faults.push(fault),
        }
    }

    fn read_text(&self, name: &str) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        let read = self.folder.open(name).and_then(|file| file.take(TAG_FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
        read.map_err(|error| Fault::Unreadable { name: name.to_owned(), error: error.to_string() })?;
        if bytes.len() > usize::try_from(TAG_FILE_BYTES_MAX).unwrap_or(usize::MAX) {
            return Err(Fault::TooLong { name: name.to_owned() });
        }
        String::from_utf8(bytes).map_err(|_| Fault::NotUtf8 { name: name.to_owned() })
    }
}

/// One file, as computed.
struct Hashed {
    size_bytes: u64,
    /// What a folder with checksums of its own had to say after the last byte.
    checksum_error: Option<io::Error>,
    hashes: BTreeMap<Algorithm, Box<[u8]>>,
}

impl Hashed {
    fn sha256(&self) -> Option<Hash> {
        Hash::from_slice(self.hashes.get(&Algorithm::Sha256)?).ok()
    }
}

fn hash_file(folder: &dyn Folder, name: &str, lists: &[&Manifest]) -> io::Result<Hashed> {
    let algorithms: BTreeSet<Algorithm> = lists.iter().filter_map(|list| list.algorithm).collect();
    let mut hashers: Vec<(Algorithm, Box<dyn DynDigest>)> =
        algorithms.into_iter().map(|algorithm| (algorithm, algorithm.hasher())).collect();
    let mut file = folder.open(name)?;
    let mut buffer = vec![0; READ_BYTES];
    let mut size_bytes = 0;
    let mut checksum_error = None;
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                checksum_error = Some(error);
                break;
            }
            Err(error) => return Err(error),
        };
        size_bytes += u64::try_from(count).expect("a usize is at most 64 bits wide");
        for (_, hasher) in &mut hashers {
            hasher.update(&buffer[..count]);
        }
    }
    let finished = hashers.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finalize()));
    Ok(Hashed { size_bytes, checksum_error, hashes: finished.collect() })
}

fn compare(name: &str, hashed: &Hashed, lists: &[&Manifest]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for list in lists {
        let computed = list.algorithm.and_then(|algorithm| hashed.hashes.get(&algorithm));
        let Some(computed) = computed else { continue };
        let expected = &list.hashes[name];
        if **expected != **computed {
            let (expected, computed) = (HEXLOWER.encode(expected), HEXLOWER.encode(computed));
            faults.push(Fault::WrongHash { name: name.to_owned(), file: list.file.clone(), expected, computed });
        }
    }
    faults
}

/// Returns the algorithm in a manifest's name: `sha256` in `manifest-sha256.txt`.
fn algorithm_in<'name>(name: &'name str, prefix: &str) -> Option<&'name str> {
    name.strip_prefix(prefix)?.strip_suffix(".txt")
}

const MANIFEST_PREFIX: &str = "manifest-";
const TAG_MANIFEST_PREFIX: &str = "tagmanifest-";
/// How much of a file is in memory at once.
const READ_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Command;

    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::super::{DECLARATION, MANIFEST_NAME, TAG_MANIFEST_NAME};
    use super::*;
    use crate::evidence::bundle::zip::{Archive, Member, Plan};

    type Files = BTreeMap<String, Vec<u8>>;

    fn bag() -> Files {
        let mut files: Files = [("data/a", b"one".as_slice()), ("data/b/c", b"")]
            .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
            .into();
        let hashes = |files: &Files| files.iter().map(|(name, bytes)| (name.clone(), Hash::of(bytes))).collect();
        let manifest = Manifest::text(&hashes(&files));
        let oxum = Oxum { size_bytes: 3, files: 2 };
        let mut tags: Files = Files::new();
        tags.insert(DECLARATION_NAME.into(), DECLARATION.into());
        tags.insert(METADATA_NAME.into(), Metadata::new().with("Payload-Oxum", &oxum.to_string()).to_string().into());
        tags.insert(MANIFEST_NAME.into(), manifest.into());
        let tag_manifest = Manifest::text(&hashes(&tags));
        files.extend(tags);
        files.insert(TAG_MANIFEST_NAME.into(), tag_manifest.into());
        files
    }

    /// The way of a bundle: a bag in a ZIP.
    #[test]
    fn says_what_became_of_a_file_in_a_damaged_zip() {
        let files = bag();
        let members = files.iter().map(|(name, bytes)| Member::measure(name, bytes.as_slice()).unwrap()).collect();
        let mut zip = Vec::new();
        Plan::new(members).unwrap().write(&mut zip, |name| Ok(files[name].as_slice())).unwrap();
        assert_eq!(validate(&Archive::open(zip.as_slice()).unwrap()).faults, []);

        let at = zip.windows(3).position(|window| window == b"one").unwrap();
        zip[at..at + 3].copy_from_slice(b"two");
        let report = validate(&Archive::open(zip.as_slice()).unwrap());
        assert_eq!(report.sha256["data/a"], Hash::of(b"two"));
        let texts: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
        let hash = Hash::of(b"two");
        assert!(texts[0].starts_with(&format!("`data/a` is not as `manifest-sha256.txt` says: hash `{hash}`")));
        assert!(texts[1].starts_with("`data/a` cannot be read: `data/a` has the CRC-32 "), "{texts:?}");
        assert_eq!(texts.len(), 2);
    }

    #[test]
    fn sha256sum_reads_the_manifests() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in bag() {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::File::create(path).unwrap().write_all(&bytes).unwrap();
        }
        for manifest in [MANIFEST_NAME, TAG_MANIFEST_NAME] {
            let mut command = Command::new("sha256sum");
            let answer = command.args(["-c", "--strict", manifest]).current_dir(&folder).output();
            assert!(answer.is_ok_and(|answer| answer.status.success()), "{manifest}");
        }
    }

    proptest! {
        #[test]
        fn stands_any_bytes(which in 0..6_usize, at in 0..300_usize, bytes in vec(any::<u8>(), 0..40)) {
            let mut files = bag();
            let file = files.values_mut().nth(which).unwrap();
            let at = at.min(file.len());
            let end = file.len().min(at + bytes.len());
            let old = file.clone();
            file.splice(at..end, bytes.iter().copied());
            let is_changed = *file != old;
            // The sixth is the tag manifest, the one file that nothing vouches for here.
            prop_assert!(which == 5 || validate(&files).is_valid() != is_changed);
        }
    }

    fn faults(files: &Files) -> Vec<String> {
        let names = validate(files).faults.into_iter();
        names.map(|fault| format!("{fault:?}").split(' ').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn accepts_a_bag_made_of_its_own_parts() {
        let report = validate(&bag());
        assert_eq!(report.faults, []);
        assert_eq!(report.unlisted_tag_files, Vec::<String>::new());
        assert_eq!(report.version, Some(Version::ONE));
        assert_eq!(report.sha256["data/a"], Hash::of(b"one"));
        assert_eq!(report.sha256.len(), 5);
    }

    #[test]
    fn names_every_file_that_was_deleted_or_changed() {
        for name in bag().keys().filter(|name| *name != TAG_MANIFEST_NAME) {
            let mut deleted = bag();
            deleted.remove(name);
            let all = |report: Report| report.faults.iter().map(ToString::to_string).collect::<String>();
            assert!(all(validate(&deleted)).contains(&format!("`{name}` is absent")), "{name}");

            let mut changed = bag();
            changed.get_mut(name).unwrap().push(b'\n');
            let text = all(validate(&changed));
            assert!(text.contains(&format!("`{name}` is not as `")), "{name}: {text}");
        }
        let mut deleted = bag();
        deleted.remove(TAG_MANIFEST_NAME);
        let report = validate(&deleted);
        assert!(report.is_valid(), "a tag manifest is optional");
        assert_eq!(report.unlisted_tag_files, [METADATA_NAME, DECLARATION_NAME, MANIFEST_NAME]);
    }

    #[test]
    fn names_every_file_that_was_added() {
        let added = |name: &str| {
            let mut files = bag();
            files.insert(name.into(), b"x".to_vec());
            (faults(&files), validate(&files).unlisted_tag_files)
        };
        let none = Vec::<String>::new();
        assert_eq!(added("data/d"), (vec!["Unlisted".into(), "WrongOxum".into()], none.clone()));
        assert_eq!(added("data/A").0, ["CaseClash", "Unlisted", "WrongOxum"]);
        assert_eq!(added("fetch.txt").0, ["Fetch"]);
        assert_eq!(added("note"), (vec![], vec!["note".to_owned()]));
        assert_eq!(added("manifest-md5.txt").0[..2], ["AlgorithmUnsupported", "LineMalformed"]);
        assert_eq!(added("../x").0, ["PathEscapes"]);
    }
}
