//! The honest bundles that are forged, and their readers.

use std::path::{Path, PathBuf};

use affiant::archivist::bundle::{BundleOrder, CustodyNotes, bundle};
use affiant::archivist::keys::{KeyAuthority, KeyOrder, Overlap, Which, change};
use affiant::archivist::progress::Silent;
use affiant::archivist::redactable::Redaction;
use affiant::archivist::withhold::{Withhold, Withholding};
use affiant::base::time::Time;
use affiant::evidence::anchor;
use affiant::evidence::bundle::write::script;
use affiant::evidence::verify::{Trust, Verdict};
use affiant::log::checkpoint::SignedCheckpoint;
use affiant::log::key::Ed25519SecretKey;
use affiant::log::policy::Policy;
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey};
use affiant::outside::archive::Archive;
use affiant::outside::archive::durable::Existing;
use affiant::outside::clock;
use affiant::outside::keys::{Keyring, SecretKeys};
use affiant::timestamp::authorities::Authorities;

use super::super::page::{self, Page, Reader};
use super::super::yard::{self, PAGE, Yard, unzip};
use super::super::{Files, unpack, worst};
use super::{Word, by_page, by_script_on};
use crate::authority::forge::{Forge, Hashing};
use affiant::archivist::verify::verify_bundle;

/// An honest bundle, all that its forger has, and what its reader trusts.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) files: Files,
    zip: PathBuf,
    /// An earlier bundle of the same archive, and the same by somebody who calls theirs the same.
    pub(super) older: Files,
    pub(super) impostor: Files,
    pub(super) impostor_seed: [u8; 32],
    /// The archive's keys, and those that it had before.
    pub(super) keys: SecretKeys,
    pub(super) old_keys: Option<SecretKeys>,
    pub(super) reader: Reader,
    policy: Policy,
    authorities: Authorities,
    pub(super) forge: Forge,
    pub(super) witness: SignerKey,
    arguments: Vec<String>,
    script: String,
    folder: tempfile::TempDir,
}

impl Scene {
    pub(super) fn trust(&self) -> Trust<'_> {
        Trust { policy: Some(&self.policy), authorities: Some(&self.authorities), ..Trust::default() }
    }

    pub(super) fn script_arguments(&self) -> Vec<String> {
        self.arguments.clone()
    }

    /// A copy of the script that the forger has not had in hand.
    pub(super) fn script(&self) -> PathBuf {
        PathBuf::from(&self.script)
    }

    /// What all three say of it before anybody forges.
    pub(super) fn assert_honest(&self) {
        let reports = verify_bundle(&self.zip, self.trust(), clock::now()).unwrap();
        assert!(worst(&reports) <= Verdict::VerifiedWithGaps, "{}: {reports:#?}", self.name);
        let said = by_script_on(self, unpack(&self.files).path());
        assert_eq!(said.word, Word::Verified, "{}: {}", self.name, said.against);
        let Some(mut page) = Page::start(&self.reader) else { return };
        let said = by_page(&page.judge(&std::fs::read(&self.zip).unwrap()));
        assert_eq!(said.word, Word::Verified, "{}: {}", self.name, said.against);
        assert_eq!(page::pack(&self.files), std::fs::read(&self.zip).unwrap());
    }

    /// Says whether a folder holds the honest bundle, byte for byte.
    pub(super) fn is_honest(&self, folder: &Path) -> bool {
        let mut count = 0;
        let is_same =
            self.files.iter().all(|(name, bytes)| std::fs::read(folder.join(name)).is_ok_and(|found| found == *bytes));
        count_files(folder, &mut count);
        is_same && count == self.files.len()
    }

    /// Finds a file by the end of its name; there must be one.
    pub(super) fn name(&self, start: &str, end: &str) -> String {
        let mut names = self.files.keys().filter(|name| name.starts_with(start) && name.ends_with(end));
        let name = names.next().unwrap_or_else(|| panic!("{start}…{end}: {:?}", self.files.keys()));
        assert_eq!(names.next(), None, "{start}…{end}");
        name.clone()
    }
}

fn count_files(folder: &Path, count: &mut usize) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() { count_files(&path, count) } else { *count += 1 }
    }
}

pub(super) fn soon() -> Time {
    Time::from_seconds(clock::now().seconds() + 60).unwrap()
}

/// A capture with one before it, a check of it and a provision of it: every entry of their log.
pub(super) fn plain() -> Scene {
    let (yard, other) = (Yard::new(), Yard::new());
    let changed = PAGE.replace("ever", "never");
    let build = |yard: &Yard, folder: &Path, name: &str| {
        yard.capture("a.html", PAGE);
        let capture = yard.capture("a.html", &changed);
        let older = yard.bundle(folder.join(format!("{name}-older.zip")), &[&capture]);
        let check = yard.capture("a.html", &changed);
        let provision = yard.quote(&capture, "not the other thing");
        (older, yard.bundle(folder.join(format!("{name}.zip")), &[&capture, &check, &provision]))
    };
    let folder = tempfile::tempdir().unwrap();
    let (older, zip) = build(&yard, folder.path(), "plain");
    let (_, impostor) = build(&other, folder.path(), "impostor");
    let scene = finish("plain", &yard, folder, zip, "");
    let impostor_seed = yard::seed(&yard_keys(&other).statement);
    Scene { older: unzip(&older), impostor: unzip(&impostor), impostor_seed, ..scene }
}

/// A capture between two anchors, each with a token, a cosignature and a proof for a block.
pub(super) fn dated() -> Scene {
    let (yard, folder) = (Yard::new(), tempfile::tempdir().unwrap());
    let (forge, witness) = (Forge::new(), witness());
    yard.capture("a.html", PAGE);
    date(&yard, &forge, &witness);
    let id = yard.capture("b.html", PAGE);
    date(&yard, &forge, &witness);
    let zip = yard.bundle(folder.path().join("dated.zip"), &[&id]);
    let more = format!("witness w1 {}\nquorum w1\n", witness.verifier());
    let scene = finish("dated", &yard, folder, zip, &more);
    let root = forge.root().to_vec();
    let mut authorities = Authorities::nobody();
    authorities.add_file(&root).unwrap();
    let reader = Reader::new(&scene.policy.encode(), std::slice::from_ref(&root));
    let pem = scene.folder.path().join("root.pem");
    yard::write(&pem, pem_of(&root).as_bytes());
    let more = [
        "--authority".to_owned(),
        pem.to_str().unwrap().to_owned(),
        "--witness".to_owned(),
        witness.verifier().to_string(),
    ];
    let arguments = [scene.arguments.clone(), more.to_vec()].concat();
    Scene { reader, authorities, forge, witness, arguments, ..scene }
}

/// A capture from after the archive's keys changed.
pub(super) fn rekeyed() -> Scene {
    let (yard, folder) = (Yard::new(), tempfile::tempdir().unwrap());
    yard.capture("a.html", PAGE);
    let old_keys = yard_keys(&yard);
    let order = KeyOrder::Rotate { which: Which::Statement, overlap: Overlap::UntilRetired };
    change(&yard.places(), &order, &KeyAuthority::default(), None, (clock::now(), &Silent)).unwrap();
    let id = yard.capture("a.html", &PAGE.replace("ever", "never"));
    let zip = yard.bundle(folder.path().join("rekeyed.zip"), &[&id]);
    Scene { old_keys: Some(old_keys), ..finish("rekeyed", &yard, folder, zip, "") }
}

/// A capture of whose text a part is withheld.
pub(super) fn withheld() -> Scene {
    let (yard, folder) = (Yard::new(), tempfile::tempdir().unwrap());
    let line = |n: u32| format!("<p>Paragraph {n} says what everybody may read, on whatever day it is.</p>\n");
    let text = (0..40).map(line).fold("<!doctype html><title>Order</title>".to_owned(), |text, line| text + &line);
    let id = yard.capture_as("order.html", &text, Redaction::Ranges);
    let provision = yard.quote(&id, "Paragraph 1 says what everybody");
    let archive = Archive::open(&yard.places().archive).unwrap();
    let withholding = Withholding {
        parts: vec![Withhold::Range(id.clone(), 640..1280)],
        reason: "protective order".to_owned(),
        authority: "J. Doe".to_owned(),
    };
    let target = folder.path().join("withheld.zip");
    let order = BundleOrder {
        ids: vec![id, provision],
        target,
        existing: Existing::Keep,
        custody: CustodyNotes::Leave,
        endorsements: Vec::new(),
        withholding: Some(withholding),
    };
    let zip = bundle(&archive, &yard_keys(&yard), &order, &Silent).unwrap().path;
    finish("withheld", &yard, folder, zip, "")
}

fn finish(name: &'static str, yard: &Yard, folder: tempfile::TempDir, zip: PathBuf, more: &str) -> Scene {
    let text = String::from_utf8(yard.policy().encode()).unwrap();
    let text = if more.is_empty() { text } else { text.replace("quorum none\n", "") + more };
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let files = unzip(&zip);
    let has = |part: &str| files.keys().any(|name| name.contains(part));
    let path = folder.path().join("verify.sh");
    yard::write(&path, script(has("data/anchors/"), has("-k-")).as_bytes());
    Scene {
        name,
        older: Files::new(),
        impostor: Files::new(),
        impostor_seed: [0; 32],
        keys: yard_keys(yard),
        old_keys: None,
        reader: Reader::new(&policy.encode(), &[]),
        authorities: Authorities::nobody(),
        forge: Forge::new(),
        witness: witness(),
        arguments: vec!["--trust".to_owned(), policy.logs()[0].key.fingerprint()],
        script: path.to_str().unwrap().to_owned(),
        policy,
        files,
        zip,
        folder,
    }
}

fn witness() -> SignerKey {
    let name = KeyName::new("witness.example/w1").unwrap();
    SignerKey::new(name, NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[7; 32])))
}

fn yard_keys(yard: &Yard) -> SecretKeys {
    let archive = Archive::open(&yard.places().archive).unwrap();
    let origin = affiant::log::checkpoint::Origin::new(&archive.settings().origin).unwrap();
    Keyring::new(&yard.places().keys).secrets(&origin, None).unwrap()
}

/// Puts everybody's word on the newest checkpoint beside it.
fn date(yard: &Yard, forge: &Forge, witness: &SignerKey) {
    yard.date(|checkpoint| forge.over(checkpoint, soon(), Hashing::Sha256));
    let archive = Archive::open(&yard.places().archive).unwrap();
    let anchors = archive.anchors();
    let bytes = archive.checkpoint().unwrap().unwrap();
    let size = SignedCheckpoint::parse(&bytes).unwrap().checkpoint().size;
    let dated = anchors.keep_checkpoint(size, &bytes).unwrap();
    let line = SignedCheckpoint::parse(&dated).unwrap().cosign(witness, clock::now()).unwrap().line();
    anchors.keep_cosignature(size, &anchor::stem("witness", line.as_bytes()), line.as_bytes()).unwrap();
    let proof = super::times::proof_over(&dated);
    anchors.keep_proof(size, &anchor::stem("calendar", &proof), &proof).unwrap();
}

fn pem_of(der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
