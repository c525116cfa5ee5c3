//! Where the forger's material comes from: a small archive, an earlier bundle of it, and an impostor's.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use affiant::archivist::bundle::{BundleOrder, bundle};
use affiant::archivist::capture::{Captured, Manner, Missed, Order, Watch, capture};
use affiant::archivist::init::{Naming, Opened, open_or_create};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::quote;
use affiant::archivist::read::Log;
use affiant::archivist::redactable::Redaction;
use affiant::archivist::visit::Target;
use affiant::base::id::Id;
use affiant::document::quote::Wanted;
use affiant::evidence::anchor;
use affiant::evidence::bundle::folder::Folder;
use affiant::evidence::bundle::zip;
use affiant::log::checkpoint::{Origin, SignedCheckpoint};
use affiant::log::key::Ed25519Signer;
use affiant::log::policy::Policy;
use affiant::outside::archive::Archive;
use affiant::outside::archive::durable::{Access, Existing, swap};
use affiant::outside::clock;
use affiant::outside::keys::Keyring;
use affiant::outside::web::options::FetchOptions;

use super::Files;

pub(super) const PAGE: &str = "<!doctype html><html><head><title>Terms</title></head><body><h1>Terms</h1>\
    <p>You may do this and that, but not the other thing, ever.</p></body></html>";

/// A small archive with its keys.
pub(super) struct Yard {
    folder: tempfile::TempDir,
}

impl Yard {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn places(&self) -> Places {
        Places { archive: self.folder.path().join("archive"), keys: self.folder.path().join("keys") }
    }

    fn open(&self) -> Opened {
        let naming = Naming { origin: Some(Origin::new("archive.example/log").unwrap()), ..Naming::default() };
        open_or_create(&self.places(), &naming, None, clock::now(), &Silent).unwrap()
    }

    /// Captures a file that holds `text`, and returns the id of the record it made.
    pub(super) fn capture(&self, name: &str, text: &str) -> Id {
        self.capture_as(name, text, Redaction::Files)
    }

    pub(super) fn capture_as(&self, name: &str, text: &str, redaction: Redaction) -> Id {
        let path = self.folder.path().join(name);
        write(&path, text.as_bytes());
        let opened = self.open();
        let order = Order {
            written: name.to_owned(),
            target: Target::parse(path.to_str().unwrap()).unwrap(),
            entity: Some("Example Inc.".to_owned()),
            title: Some("Terms".to_owned()),
            document_type: None,
        };
        let manner = Manner { fetch: Arc::new(FetchOptions::default()), region: None, jobs: 1, per_host: 1, redaction };
        let watch = Watch { progress: &Silent, is_interrupted: &|| false };
        let mut ids = Vec::new();
        let mut report = |done: Result<Captured, Missed>| ids.push(done.unwrap().appended.id);
        capture(opened.appender, vec![order], &manner, &watch, &mut report).unwrap();
        ids.remove(0)
    }

    pub(super) fn quote(&self, id: &Id, exact: &str) -> Id {
        let mut opened = self.open();
        let (log, _) = Log::published(&opened.archive).unwrap();
        let (entry, _) = log.find(&id.to_string()).unwrap();
        let wanted = Wanted { exact, prefix: "", suffix: "", occurrence: None };
        let provision = quote::find(&opened.archive, &entry, &wanted, None).unwrap();
        quote::quote(&mut opened.appender, provision, clock::now()).unwrap().id
    }

    pub(super) fn bundle(&self, target: PathBuf, ids: &[&Id]) -> PathBuf {
        let archive = Archive::open(&self.places().archive).unwrap();
        let origin = Origin::new(&archive.settings().origin).unwrap();
        let keys = Keyring::new(&self.places().keys).secrets(&origin, None).unwrap();
        let order = BundleOrder {
            ids: ids.iter().map(|id| (*id).clone()).collect(),
            target,
            endorsements: Vec::new(),
            existing: Existing::Keep,
            custody: affiant::archivist::bundle::CustodyNotes::Leave,
            withholding: None,
        };
        bundle(&archive, &keys, &order, &Silent).unwrap().path
    }

    /// Puts a reply over the newest checkpoint into the archive, as somebody does who writes files.
    pub(super) fn date(&self, reply: impl Fn(&[u8]) -> Vec<u8>) {
        let archive = Archive::open(&self.places().archive).unwrap();
        let checkpoint = archive.checkpoint().unwrap().unwrap();
        let size = SignedCheckpoint::parse(&checkpoint).unwrap().checkpoint().size;
        let dated = archive.anchors().keep_checkpoint(size, &checkpoint).unwrap();
        let reply = reply(&dated);
        archive.anchors().keep_reply(size, &anchor::stem("forge", &reply), b"", &reply).unwrap();
    }

    pub(super) fn policy(&self) -> Policy {
        Keyring::new(&self.places().keys).policy().unwrap().unwrap()
    }

    fn statement_seed(&self) -> [u8; 32] {
        let origin = Origin::new("archive.example/log").unwrap();
        seed(&Keyring::new(&self.places().keys).secrets(&origin, None).unwrap().statement)
    }
}

/// Bundles of one archive, and one by somebody who calls theirs the same.
pub(super) struct Bundles {
    _folder: tempfile::TempDir,
    /// A capture with one before it, a check of it and a provision of it.
    pub(super) newest: PathBuf,
    /// The same, made again.
    pub(super) newest_again: PathBuf,
    /// The capture, as bundled when the log was shorter.
    pub(super) older: PathBuf,
    /// What the impostor made of the same pages, with the same ids.
    pub(super) impostor: PathBuf,
    /// The impostor's key for statements.
    pub(super) impostor_seed: [u8; 32],
    /// Trusts the archive.
    pub(super) policy: Policy,
}

impl Bundles {
    pub(super) fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (yard, other) = (Yard::new(), Yard::new());
        let changed = PAGE.replace("ever", "never");
        yard.capture("a.html", PAGE);
        let capture = yard.capture("a.html", &changed);
        let older = yard.bundle(at("older.zip"), &[&capture]);
        let check = yard.capture("a.html", &changed);
        let provision = yard.quote(&capture, "not the other thing");
        let subjects = [&capture, &check, &provision];
        let newest = yard.bundle(at("newest.zip"), &subjects);
        let newest_again = yard.bundle(at("newest-again.zip"), &subjects);

        other.capture("a.html", PAGE);
        other.capture("a.html", &changed);
        other.capture("a.html", &changed);
        other.quote(&capture, "not the other thing");
        let impostor = other.bundle(at("impostor.zip"), &subjects);
        let (policy, impostor_seed) = (yard.policy(), other.statement_seed());
        Self { _folder: folder, newest, newest_again, older, impostor, impostor_seed, policy }
    }
}

pub(super) fn write(path: &Path, bytes: &[u8]) {
    swap(path, bytes, Access::Public).unwrap();
}

/// Writes a file that need not outlive the test.
pub(super) fn write_unsynced(path: &Path, bytes: &[u8]) {
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), bytes).unwrap();
}

/// Returns the secret of a key that lies in a file.
pub(crate) fn seed(key: &Ed25519Signer) -> [u8; 32] {
    let Ed25519Signer::Here(key) = key else { panic!("an agent has it") };
    *key.seed_secret()
}

/// Reads every file of a bundle into memory.
pub(crate) fn unzip(path: &Path) -> Files {
    let bytes = std::fs::read(path).unwrap();
    let archive = zip::Archive::open(bytes.as_slice()).unwrap();
    let read = |name: String| {
        let mut file = Vec::new();
        Folder::open(&archive, &name).unwrap().read_to_end(&mut file).unwrap();
        (name, file)
    };
    archive.names().into_iter().map(read).collect()
}

/// Unpacks files into a folder; without the fsyncs of the archive, which take longer than all else.
pub(crate) fn unpack(files: &Files) -> tempfile::TempDir {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
    }
    folder
}

/// Makes a ZIP of whatever members, in the order and as often as they are given: the forger's own packer.
pub(crate) fn zip_raw(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let offset = u32::try_from(zip.len()).unwrap().to_le_bytes();
        let size = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let name_size = u16::try_from(name.len()).unwrap().to_le_bytes();
        let crc = crc32fast::hash(bytes).to_le_bytes();
        let shared = [&[10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &crc, &size, &size, &name_size, &[0, 0]].concat();
        zip.extend([b"PK\x03\x04", shared.as_slice(), name.as_bytes(), bytes].concat());
        let attributes = (0o100_644_u32 << 16).to_le_bytes();
        let entry = [b"PK\x01\x02\x0a\x03", shared.as_slice(), &[0; 6], &attributes, &offset, name.as_bytes()];
        directory.extend(entry.concat());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let start = u32::try_from(zip.len()).unwrap().to_le_bytes();
    [zip, directory, [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size, &start, &[0, 0]].concat()].concat()
}
