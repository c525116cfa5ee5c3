//! The layout: where each thing lies in a bundle, as a pure function of the records.
//!
//! ```text
//! bagit.txt, bag-info.txt, manifest-sha256.txt, tagmanifest-sha256.txt     BagIt
//! tagmanifest-sha256.txt.sig                the seal; the one file that no manifest lists
//! VERIFY.md, verify.sh                      how to check all this without Affiant
//! data/log/checkpoint                       the signed note that every proof leads to
//! data/keys/…                               the public keys that count at the checkpoint, in the forms tools read
//! data/entries/af-c-000002-x/record.cbor    the record; record.json reads it out
//! data/entries/af-c-000002-x/statement.cose, proof.tlog-proof, receipt.cose
//! data/entries/af-c-000002-x/record.cbor.sig   a seal over the record, for subjects
//! data/content/af-c-000002-x/page.html, text.md, text-seed.bin, body-01.html, certificate-01.der
//! data/content/af-c-000002-x/text-withheld.md, text-parts.txt   the text where some of it is withheld; from format 2
//! data/withheld/af-c-000002-x.txt           what is withheld of a subject, and why; from format 2
//! data/citations/af-c-000002-x.bibtex.txt
//! data/anchors/12/checkpoint, consistency, tsa.example-0f3a91c2d4e5b607.tsr    who dated the log, where anybody did
//! data/anchors/12/witness.example-w1-5d0c3e98a2b4c6d7.cosignature              who witnessed it
//! data/anchors/12/calendar.example-91f0d2c4a6b8e0f3.ots, bitcoin-863000.header   which block it is in
//! data/anchors/12/renewal, renewal-paths, tsa.example-77c1d0e2a4b6c8f0.renewal-tsr   what was hashed and dated anew
//! data/endorsements/example-inc-0f3a91c2d4e5b607.cms   who vouches for the log's keys, an annex
//! contents.html and other annexes           what no claim leans on (`annex.rs`); from format 2
//! ```
//!
//! | quantity              | unit  | range                                      |
//! |-----------------------|-------|--------------------------------------------|
//! | number of a body      | count | the exchange's place, from 01              |
//! | number of a certificate | count | the order of first mention, from 01      |
//!
//! Rules. A bundle holds its subjects and every entry that they lean on ([`leans_on`]), entry 0 and the log's key records among
//! them, the withdrawals that speak of any of these, and no other. What a withdrawal names is not there: neither content,
//! nor `record.cbor` and `record.json`. Content lies there for subjects, each blob once under the first name that fits;
//! for the capture that a provision quotes, its text. Anchors lie there for the subjects: the one whose tokens,
//! cosignatures or headers a subject names, and the first that cover it ([`crate::evidence::anchor`]). The writer names files by these functions and the
//! reader refuses every other name, so a changed file is named even when the bag was made anew.
//!
//! | format | what                                                                                          |
//! |--------|-----------------------------------------------------------------------------------------------|
//! | 1      | released with 0.1.0; read for ever, written no more                                           |
//! | 2      | the same files by the same names, and annexes ([`super::annex`]). Whatever else is added before it is released is of format 2 too |
//!
//! To verify: read the records, compute the names, compare them with those that are there
//! ([`super::read`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::bag;
use super::seal::{self, BUNDLE_NAMESPACE, RECORD_NAMESPACE, SealError};
use super::zip;

use crate::base::hash::Hash;
use crate::base::id::{CheckCharacter, Id};
use crate::document::media_type::MediaType;
use crate::evidence::citation::Style;
use crate::evidence::record::{Body, KeyPurpose, Link, Record, Visit, WithdrawnEntry, WithdrawnRecord};
use crate::evidence::succession::{Succession, SuccessionError};
use crate::evidence::withheld::Withheld;
use crate::log::key::Ed25519PublicKey;
use crate::log::vkey::{KeyKind, NotePublicKey, VerifierKey};

/// The number of the layout that is written, as `bag-info.txt` has it.
pub const FORMAT: &str = "2";

/// The first layout, which has no annexes.
pub const FIRST_FORMAT: &str = "1";

/// The signed note that every proof leads to.
pub const CHECKPOINT: &str = "data/log/checkpoint";

/// The seal over the tag manifest.
pub const SEAL: &str = "tagmanifest-sha256.txt.sig";

/// The page for whoever verifies by hand.
pub const PAGE: &str = zip::READ_FIRST;

/// The script for whoever verifies without Affiant.
pub const SCRIPT: &str = "verify.sh";

/// The statement key as `ssh-keygen` reads it.
pub const ARCHIVE_KEY: &str = "data/keys/archive.pub";

/// The tag files, all of them.
pub const TAG_FILES: [&str; 7] =
    [bag::DECLARATION_NAME, bag::METADATA_NAME, bag::MANIFEST_NAME, bag::TAG_MANIFEST_NAME, SEAL, PAGE, SCRIPT];

/// The files of every entry, in the order of the walk.
pub const ENTRY_FILES: [&str; 5] = [RECORD, RECORD_READING, STATEMENT, PROOF, RECEIPT];

/// The record.
pub const RECORD: &str = "record.cbor";
/// A reading of it.
pub const RECORD_READING: &str = "record.json";
/// The signature over it.
pub const STATEMENT: &str = "statement.cose";
/// Its place in the log.
pub const PROOF: &str = "proof.tlog-proof";
/// The same for SCITT tools.
pub const RECEIPT: &str = "receipt.cose";
/// The text rendition of a capture or check.
pub const TEXT: &str = "text.md";
/// What the salts of its parts are made from.
pub const SEED: &str = "text-seed.bin";
/// The text where some of it is withheld.
pub const TEXT_WITHHELD: &str = "text-withheld.md";
/// What proves the rest of it.
pub const TEXT_PARTS: &str = "text-parts.txt";
/// The seal over a subject's record.
pub const RECORD_SEAL: &str = "record.cbor.sig";

const ENTRIES: &str = "data/entries/";
const CONTENT: &str = "data/content/";
const CITATIONS: &str = "data/citations/";
const ANCHORS: &str = "data/anchors/";
const WITHHELD: &str = "data/withheld/";

/// Returns the name of the file that says what is withheld of a subject.
#[must_use]
pub fn withheld_file(id: &Id) -> String {
    format!("{WITHHELD}{}.txt", lower(id))
}

/// Returns the name of one of a subject's content files.
#[must_use]
pub fn content_file(id: &Id, file: &str) -> String {
    format!("{CONTENT}{}/{file}", lower(id))
}

/// Returns the name of one of an anchor's files.
#[must_use]
pub fn anchor_file(size: u64, file: &str) -> String {
    format!("{ANCHORS}{size}/{file}")
}

/// Parts the name of an anchor's file into the size and the rest.
#[must_use]
pub fn anchor_of(name: &str) -> Option<(u64, &str)> {
    let (size, file) = name.strip_prefix(ANCHORS)?.split_once('/')?;
    let number: u64 = size.parse().ok()?;
    (number.to_string() == size && number > 0).then_some((number, file))
}

/// Returns the folder of an entry, with the slash that ends it.
#[must_use]
pub fn entry_folder(id: &Id) -> String {
    format!("{ENTRIES}{}/", lower(id))
}

/// Returns the name of one of an entry's files.
#[must_use]
pub fn entry_file(id: &Id, file: &str) -> String {
    entry_folder(id) + file
}

/// Returns the id whose entry folder a file lies in, when its name is one that is written.
#[must_use]
pub fn id_of_entry_file(name: &str) -> Option<Id> {
    let (folder, _) = name.strip_prefix(ENTRIES)?.split_once('/')?;
    let (id, check) = Id::parse(folder).ok()?;
    (check == CheckCharacter::Right && lower(&id) == folder).then_some(id)
}

/// Says whether a file, by its name, is one of some entry's.
#[must_use]
pub fn is_of_entry(name: &str) -> bool {
    [ENTRIES, CONTENT, CITATIONS, WITHHELD].iter().any(|folder| name.starts_with(folder))
}

/// Says whether a file, by its name, is one of an entry's, whatever its record says.
#[must_use]
pub fn belongs_to(name: &str, id: &Id) -> bool {
    let id = lower(id);
    let places = [(ENTRIES, '/'), (CONTENT, '/'), (CITATIONS, '.'), (WITHHELD, '.')];
    places.iter().any(|(folder, end)| {
        name.strip_prefix(folder)
            .and_then(|rest| rest.strip_prefix(id.as_str()))
            .is_some_and(|rest| rest.starts_with(*end))
    })
}

/// Returns the name of a citation.
#[must_use]
pub fn citation(id: &Id, style: Style) -> String {
    format!("{CITATIONS}{}.{style}.txt", lower(id))
}

/// Names every blob of a visit, each once.
#[must_use]
pub fn content(id: &Id, visit: &Visit) -> Vec<(String, Hash)> {
    let mut names = Names { folder: format!("{CONTENT}{}/", lower(id)), named: Vec::new(), seen: BTreeSet::new() };
    let media_type = visit.primary.media_type.as_deref();
    names.add(&format!("page.{}", extension(media_type, &visit.final_url)), visit.primary.sha256);
    if let Some(text) = visit.text() {
        names.add(TEXT, text.sha256);
    }
    for parts in visit.renditions.iter().filter_map(|rendition| rendition.parts) {
        names.add(SEED, parts.seed);
    }
    for (n, rendition) in visit.renditions.iter().enumerate() {
        names.add(&format!("rendition-{:02}.{}", n + 1, extension(Some(&rendition.media_type), "")), rendition.sha256);
    }
    for (n, exchange) in visit.exchanges.iter().enumerate() {
        let media_type = exchange.response.values("content-type").last();
        names.add(&format!("body-{:02}.{}", n + 1, extension(media_type, &exchange.url)), exchange.body.sha256);
    }
    let chains = visit.exchanges.iter().flat_map(|exchange| &exchange.connection.tls).flat_map(|tls| &tls.chain);
    let mut certificate_count = 0;
    for certificate in chains {
        let is_new = names.add(&format!("certificate-{:02}.der", certificate_count + 1), *certificate);
        certificate_count += usize::from(is_new);
    }
    names.named
}

/// Gives each blob one name.
struct Names {
    folder: String,
    named: Vec<(String, Hash)>,
    seen: BTreeSet<Hash>,
}

impl Names {
    fn add(&mut self, name: &str, blob: Hash) -> bool {
        let is_new = self.seen.insert(blob);
        if is_new {
            self.named.push((format!("{}{name}", self.folder), blob));
        }
        is_new
    }
}

/// Chooses a file name's extension by media type, or else by the address, so that the system opens it.
fn extension(media_type: Option<&str>, url: &str) -> &'static str {
    const KNOWN: [(&str, &str); 15] = [
        ("text/html", "html"),
        ("application/xhtml+xml", "html"),
        ("text/plain", "txt"),
        ("text/markdown", "md"),
        ("application/pdf", "pdf"),
        ("application/json", "json"),
        ("application/xml", "xml"),
        ("text/xml", "xml"),
        ("image/png", "png"),
        ("image/jpeg", "jpg"),
        ("image/gif", "gif"),
        ("image/webp", "webp"),
        ("application/zip", "zip"),
        ("text/css", "css"),
        ("text/csv", "csv"),
    ];
    let media_type = media_type.and_then(MediaType::parse);
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let fits = |(essence, extension): &&(&str, &str)| match &media_type {
        Some(media_type) => media_type.essence() == *essence,
        None => path.strip_suffix(extension).is_some_and(|rest| rest.ends_with('.')),
    };
    KNOWN.iter().find(fits).map_or("bin", |(_, extension)| extension)
}

/// An entry that a record leans on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lean {
    /// The entry at an index.
    Index(u64),
    /// The earlier entry whose statement has a hash.
    Statement(Hash),
}

/// Returns the entries without which a record cannot be judged; entry 0 and the newest key record go without saying.
#[must_use]
pub fn leans_on(record: &Record) -> Vec<Lean> {
    let mut leans: Vec<Lean> = match &record.body {
        Body::Genesis(_) | Body::Anchor(_) | Body::Withdrawal(_) | Body::Hold(_) | Body::Key(_) => Vec::new(),
        Body::Document(document) => document.amends.map(Lean::Index).into_iter().collect(),
        Body::Capture(capture) => {
            [Some(Lean::Index(capture.document)), capture.previous.map(Lean::Statement)].into_iter().flatten().collect()
        }
        Body::Check(check) => vec![Lean::Index(check.document), Lean::Index(check.capture)],
        Body::Provision(provision) => vec![Lean::Index(provision.capture)],
    };
    leans.extend(record.key_record.map(Lean::Index));
    leans
}

/// Returns the same for a record that was withdrawn, by what the withdrawal says of it.
#[must_use]
pub fn leans_on_withdrawn(record: &WithdrawnRecord) -> Vec<Lean> {
    match record.link {
        Link::Capture { document, previous, .. } => {
            [Some(Lean::Index(document)), previous.map(Lean::Statement)].into_iter().flatten().collect()
        }
        Link::Check { document, capture } => vec![Lean::Index(document), Lean::Index(capture)],
        Link::Provision { capture } => vec![Lean::Index(capture)],
    }
}

impl fmt::Display for Lean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "entry {index}"),
            Self::Statement(statement) => write!(f, "statement with SHA-256 {statement}"),
        }
    }
}

/// The entries of a bundle, as far as the layout needs them.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// The subjects' indexes.
    pub subjects: BTreeSet<u64>,
    /// Id and record of each entry, by index.
    pub records: BTreeMap<u64, (Id, Record)>,
    /// The ids of entries whose record was withdrawn, by index.
    pub withdrawn: BTreeMap<u64, Id>,
    /// What is withheld of subjects, by index.
    pub withheld: BTreeMap<u64, Withheld>,
}

impl Entries {
    /// Names every payload file but the keys, with the blob that must be in it where it is one.
    #[must_use]
    pub fn payload(&self) -> BTreeMap<String, Option<(Id, Hash)>> {
        let mut payload = BTreeMap::from([(CHECKPOINT.to_owned(), None)]);
        for (index, (id, record)) in &self.records {
            payload.extend(ENTRY_FILES.iter().map(|file| (entry_file(id, file), None)));
            if !self.subjects.contains(index) {
                continue;
            }
            payload.insert(entry_file(id, RECORD_SEAL), None);
            if let Some(visit) = record.body.visit() {
                let named = content(id, visit).into_iter().filter(|(_, blob)| !self.is_kept_back(*index, *blob));
                payload.extend(named.map(|(name, blob)| (name, Some((id.clone(), blob)))));
                payload.extend(Style::ALL.iter().map(|style| (citation(id, *style), None)));
            }
            payload.extend(self.quoted(record).map(|(name, id, blob)| (name, Some((id, blob)))));
            if let Some(withheld) = self.withheld.get(index) {
                payload.insert(withheld_file(id), None);
                let text = withheld.text.iter().flat_map(|_| [TEXT_WITHHELD, TEXT_PARTS]);
                payload.extend(text.map(|file| (content_file(id, file), None)));
            }
        }
        for id in self.withdrawn.values() {
            payload.extend([STATEMENT, PROOF, RECEIPT].map(|file| (entry_file(id, file), None)));
        }
        payload
    }

    /// Returns what the withdrawals that are here say of an entry, and where each is.
    pub fn withdrawals_of(&self, index: u64) -> impl Iterator<Item = (u64, &WithdrawnEntry)> {
        let behind = self.records.range(index.saturating_add(1)..);
        behind.filter_map(move |(at, (_, record))| match &record.body {
            Body::Withdrawal(withdrawal) => Some((*at, withdrawal.of(index)?)),
            _ => None,
        })
    }

    /// Says whether a withdrawal that is here names a blob of an entry.
    #[must_use]
    pub fn withdraws(&self, index: u64, blob: Hash) -> bool {
        self.withdrawals_of(index).any(|(_, entry)| entry.names(blob))
    }

    /// Says whether a blob of an entry is not there as it is: it was withdrawn, or is withheld in whole or part.
    fn is_kept_back(&self, index: u64, blob: Hash) -> bool {
        let withheld = self.withheld.get(&index);
        self.withdraws(index, blob) || withheld.is_some_and(|one| one.leaves_out(blob) || one.blackens(blob))
    }

    /// Returns what a withdrawal that is here says of an entry's record.
    #[must_use]
    pub fn withdrawn_record(&self, index: u64) -> Option<&WithdrawnRecord> {
        self.withdrawals_of(index).find_map(|(_, entry)| entry.record.as_ref())
    }

    /// Names the text that a provision quotes.
    fn quoted(&self, record: &Record) -> Option<(String, Id, Hash)> {
        let Body::Provision(provision) = &record.body else { return None };
        let (id, capture) = self.records.get(&provision.capture)?;
        let named = content(id, capture.body.visit()?).into_iter();
        let mut named = named.filter(|(_, blob)| !self.is_kept_back(provision.capture, *blob));
        let (name, blob) = named.find(|(_, blob)| *blob == provision.rendition)?;
        Some((name, id.clone(), blob))
    }
}

/// The keys that count at a checkpoint: with the first the bundle is sealed, with the others the checkpoint signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BundleKeys {
    /// Checks the seals.
    pub statement: Ed25519PublicKey,
    /// Checks the first line of the checkpoint, and the receipts.
    pub log: Ed25519PublicKey,
    log_vkey: VerifierKey,
    post_quantum_vkey: VerifierKey,
}

impl BundleKeys {
    /// Takes those that count at the last entry of a log.
    ///
    /// # Errors
    /// A [`LayoutError`] when there is not one key of each sort.
    pub fn at(succession: &Succession, last: u64) -> Result<Self, LayoutError> {
        let missing = |purpose: KeyPurpose, algorithm| LayoutError::NoKey { purpose: purpose.as_str(), algorithm };
        let statement = succession.statement_key(last).ok_or(missing(KeyPurpose::Statement, "ed25519"))?;
        let vkeys = succession.checkpoint_keys(last);
        let vkey = |kind: KeyKind, algorithm: &'static str| {
            vkeys.iter().find(|key| key.kind() == kind).cloned().ok_or(missing(KeyPurpose::Checkpoint, algorithm))
        };
        let log_vkey = vkey(KeyKind::Ed25519, "ed25519")?;
        let NotePublicKey::Ed25519(log) = *log_vkey.key() else {
            return Err(missing(KeyPurpose::Checkpoint, "ed25519"));
        };
        let post_quantum_vkey = vkey(KeyKind::MlDsa44Cosignature, "ml-dsa-44")?;
        Ok(Self { statement, log, log_vkey, post_quantum_vkey })
    }

    /// Returns the key that checks the first line of the checkpoint, with its name.
    #[must_use]
    pub fn log_vkey(&self) -> &VerifierKey {
        &self.log_vkey
    }

    /// Writes them in the forms that tools read.
    ///
    /// # Errors
    /// [`LayoutError::Seal`] when the log's name cannot stand in `allowed-signers`.
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, LayoutError> {
        let Self { statement, log, log_vkey, post_quantum_vkey } = self;
        let principal = principal(log_vkey.name().as_str());
        let mut signers = String::new();
        for namespace in [BUNDLE_NAMESPACE, RECORD_NAMESPACE] {
            signers += &seal::allowed_signer(principal, namespace, statement.as_bytes())?;
        }
        Ok(vec![
            (ARCHIVE_KEY, format!("{} {principal}\n", statement.openssh()).into_bytes()),
            ("data/keys/archive.pem", statement.spki_pem().into_bytes()),
            ("data/keys/allowed-signers", signers.into_bytes()),
            ("data/keys/log.vkey", format!("{log_vkey}\n").into_bytes()),
            ("data/keys/log.pem", log.spki_pem().into_bytes()),
            ("data/keys/log-ml-dsa-44.vkey", format!("{post_quantum_vkey}\n").into_bytes()),
        ])
    }
}

/// Reads what the entries that are here say of the keys.
///
/// # Errors
/// [`LayoutError::NoGenesis`] without entry 0, [`LayoutError::Succession`] when a key record does not follow.
pub fn succession(entries: &Entries) -> Result<Succession, LayoutError> {
    let Some((_, Record { body: Body::Genesis(genesis), origin, .. })) = entries.records.get(&0) else {
        return Err(LayoutError::NoGenesis);
    };
    let mut succession = Succession::begin(genesis, origin);
    for (_, record) in entries.records.values().filter(|(_, record)| matches!(record.body, Body::Key(_))) {
        succession.take(record)?;
    }
    Ok(succession)
}

/// Returns the name under which the archive's key stands in `allowed-signers`.
#[must_use]
pub fn principal(origin: &str) -> &str {
    let fits = seal::allowed_signer(origin, BUNDLE_NAMESPACE, &[0; 32]).is_ok();
    // An origin may hold characters that mean something to the shell and to ssh-keygen.
    let is_plain = origin.bytes().all(|b| b.is_ascii_alphanumeric() || b"./_-+@".contains(&b));
    if fits && is_plain { origin } else { "archive" }
}

fn lower(id: &Id) -> String {
    id.to_string().to_ascii_lowercase()
}

/// Why a bundle cannot be laid out.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum LayoutError {
    #[error("entry 0 is not there")]
    NoGenesis,
    #[error("entry 0 names no {algorithm} key for purpose `{purpose}`")]
    NoKey { purpose: &'static str, algorithm: &'static str },
    #[error("`allowed-signers`")]
    Seal(#[from] SealError),
    #[error("key record")]
    Succession(#[from] SuccessionError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Prefix;

    #[test]
    fn reads_back_the_ids_it_writes() {
        let id = Id { prefix: Prefix::new("AF").unwrap(), letter: 'C', index: 42 };
        assert_eq!(entry_file(&id, RECORD), format!("data/entries/af-c-000042-{}/record.cbor", id.check()));
        assert_eq!(id_of_entry_file(&entry_file(&id, RECORD)), Some(id));
        for name in ["data/entries/af-c-000042/x", "data/entries/AF-C-000042-k/x", "data/entries/afc000042k/x"] {
            assert_eq!(id_of_entry_file(name), None, "{name}");
        }
    }

    #[test]
    fn chooses_extensions_by_type_and_then_by_address() {
        let cases = [
            (Some("text/html; charset=utf-8"), "https://a.example/x.pdf", "html"),
            (Some("application/x-unknown"), "https://a.example/x.pdf", "bin"),
            (None, "file:///tmp/Policy.HTML", "html"),
            (None, "file:///tmp/html", "bin"),
            (None, "https://a.example/x.pdf?y=.png", "pdf"),
        ];
        for (media_type, url, expected) in cases {
            assert_eq!(extension(media_type, url), expected, "{media_type:?} {url}");
        }
    }
}
