//! Writing a bundle: entries and blobs in, one ZIP out, the same bytes every time.
//!
//! Everything but the blobs is made in memory first: readings, citations, keys, manifests, seals. Blobs are
//! read twice, once to measure them and once to copy them, because a ZIP says a file's size and checksum
//! before its bytes. Nothing here asks a clock: `Bagging-Date` is the day of the newest record.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::annex;
use super::bag::{
    DECLARATION, DECLARATION_NAME, MANIFEST_NAME, METADATA_NAME, Manifest, Metadata, Oxum, PAYLOAD_PREFIX,
    TAG_MANIFEST_NAME,
};
use super::contents;
use super::crate_metadata;
use super::layout::{self, BundleKeys, Entries, LayoutError};
use super::page;
use super::seal::{BUNDLE_NAMESPACE, RECORD_NAMESPACE, Seal, SealError};
use super::verifier;
use super::zip::{Member, Plan, ZipError};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::citation::{self, Citation, Style};
use crate::evidence::parts::Redacted;
use crate::evidence::record::{Body, Record, RecordError};
use crate::evidence::statement::{Statement, StatementError};
use crate::evidence::succession::Succession;
use crate::evidence::withheld::Withheld;
use crate::log::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::log::key::{Ed25519PublicKey, Ed25519Signer};
use crate::log::receipt::{Receipt, ReceiptError, transparent_statement};

/// The script that travels in every bundle.
pub const SCRIPT: &str = include_str!("verify.sh");

/// Gives the bytes of blobs.
pub trait Blobs {
    /// Copies a blob to `target`, checking its hash on the way.
    ///
    /// # Errors
    /// When the blob is not there or damaged.
    fn copy(&self, blob: Hash, target: &mut dyn Write) -> io::Result<()>;
}

impl Blobs for BTreeMap<Hash, Vec<u8>> {
    fn copy(&self, blob: Hash, target: &mut dyn Write) -> io::Result<()> {
        let bytes = self.get(&blob).ok_or(io::ErrorKind::NotFound)?;
        target.write_all(bytes)
    }
}

/// All that goes into a bundle but the blobs.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The entries, by index: the subjects, all that they lean on, and entry 0.
    pub entries: BTreeMap<u64, Part>,
    /// Which of them the bundle is about.
    pub subjects: BTreeSet<u64>,
    /// The signed note over which every proof is.
    pub checkpoint: Vec<u8>,
    /// What is cited of the subjects that are captures or checks, by index.
    pub citations: BTreeMap<u64, Citation>,
    /// Who dated the log, with the lines that lead to the draft's checkpoint; none where nobody did.
    pub anchors: Vec<AnchorBytes>,
    /// What is withheld of subjects, by index, with the text that is shown in part.
    pub withheld: BTreeMap<u64, (Withheld, Option<Redacted>)>,
    /// Annexes of the payload, by name.
    pub annexes: BTreeMap<String, Vec<u8>>,
    /// What makes the bundle, as `affiant 0.1.0`.
    pub software: String,
}

/// What a bundle is sealed with, and over what.
struct Sealing<'s> {
    head: &'s SignedCheckpoint,
    entries: &'s Entries,
    succession: &'s Succession,
    keys: &'s BundleKeys,
    key: &'s Ed25519Signer,
}

/// One entry, in the forms in which it travels.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its citation id.
    pub id: Id,
    /// Its record's bytes; nothing when a withdrawal that is in the draft names them.
    pub record: Option<Vec<u8>>,
    /// Its statement.
    pub statement: Vec<u8>,
    /// Its tlog-proof over the draft's checkpoint.
    pub proof: Vec<u8>,
    /// Its receipt.
    pub receipt: Vec<u8>,
}

/// A bundle that is ready to be written.
pub struct Prepared {
    files: BTreeMap<String, Vec<u8>>,
    blobs: BTreeMap<String, Hash>,
    plan: Plan,
}

impl Prepared {
    /// Makes every file but the content, and measures the content.
    ///
    /// # Errors
    /// A [`WriteError`]: the draft does not hold together, the key is not the archive's, a blob cannot be
    /// read, or it is all more than one ZIP can hold.
    pub fn new(draft: &Draft, key: &Ed25519Signer, blobs: &dyn Blobs) -> Result<Self, WriteError> {
        let records = decode_records(draft)?;
        let head = SignedCheckpoint::parse(&draft.checkpoint)?;
        let withdrawn = draft.entries.iter().filter(|(_, part)| part.record.is_none());
        let withdrawn = withdrawn.map(|(index, part)| (*index, part.id.clone())).collect();
        let withheld = draft.withheld.iter().map(|(index, (withheld, _))| (*index, withheld.clone())).collect();
        let entries = Entries { subjects: draft.subjects.clone(), records, withdrawn, withheld };
        if !entries.records.contains_key(&0) {
            return Err(WriteError::NoEntry { index: 0 });
        }
        let succession = layout::succession(&entries)?;
        let keys = BundleKeys::at(&succession, head.checkpoint().size.saturating_sub(1))?;
        check_key(&keys.statement, &key.public())?;
        let mut prepared = Self { files: BTreeMap::new(), blobs: BTreeMap::new(), plan: Plan::new(Vec::new())? };
        prepared.add_entries(draft, &entries.records, key)?;
        prepared.files.extend(keys.files()?.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)));
        prepared.files.insert(layout::CHECKPOINT.to_owned(), draft.checkpoint.clone());
        prepared.add_anchors(&draft.anchors);
        prepared.add_withheld(draft);
        if let Some(index) = entries.withdrawn.keys().find(|index| entries.withdrawn_record(**index).is_none()) {
            return Err(WriteError::NoEntry { index: *index });
        }
        let content = entries.payload().into_iter().filter_map(|(name, blob)| Some((name, blob?.1)));
        prepared.blobs = content.collect();

        let mut members = Vec::new();
        for (name, blob) in &prepared.blobs {
            members.push(Member::measure_with(name, |target| blobs.copy(*blob, target))?.0);
        }
        prepared.add_annexes(draft, &entries, &members)?;
        let sealing = Sealing { head: &head, entries: &entries, succession: &succession, keys: &keys, key };
        prepared.add_tags(draft, &sealing, &members)?;
        for (name, bytes) in &prepared.files {
            members.push(Member::measure(name, bytes.as_slice())?);
        }
        prepared.plan = Plan::new(members)?;
        Ok(prepared)
    }

    /// Returns how many bytes the ZIP will have.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.plan.size_bytes()
    }

    /// Writes the ZIP.
    ///
    /// # Errors
    /// A [`ZipError`]; what was written by then is to be thrown away.
    pub fn write(&self, blobs: &dyn Blobs, out: &mut dyn Write) -> Result<(), ZipError> {
        self.plan.write_with(out, |name, target| match (self.files.get(name), self.blobs.get(name)) {
            (Some(bytes), _) => target.write_all(bytes),
            (None, Some(blob)) => blobs.copy(*blob, target),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn add_entries(
        &mut self,
        draft: &Draft,
        records: &BTreeMap<u64, (Id, Record)>,
        key: &Ed25519Signer,
    ) -> Result<(), WriteError> {
        for (index, part) in &draft.entries {
            let files = [
                (layout::STATEMENT, part.statement.clone()),
                (layout::PROOF, part.proof.clone()),
                (layout::RECEIPT, part.receipt.clone()),
            ];
            self.files.extend(files.map(|(file, bytes)| (layout::entry_file(&part.id, file), bytes)));
            let Some(record) = &part.record else { continue };
            let files = [(layout::RECORD, record.clone()), (layout::RECORD_READING, reading(record)?)];
            self.files.extend(files.map(|(file, bytes)| (layout::entry_file(&part.id, file), bytes)));
            if !draft.subjects.contains(index) {
                continue;
            }
            let seal = Seal::sign_with(key, RECORD_NAMESPACE, record)?;
            self.files.insert(layout::entry_file(&part.id, layout::RECORD_SEAL), seal.to_armored().into_bytes());
            if records.get(index).is_none_or(|(_, record)| record.body.visit().is_none()) {
                continue;
            }
            let citation = draft.citations.get(index).ok_or(WriteError::NoCitation { index: *index })?;
            let citations = Style::ALL
                .map(|style| (layout::citation(&part.id, style), citation::render(citation, style).into_bytes()));
            self.files.extend(citations);
        }
        Ok(())
    }

    fn add_withheld(&mut self, draft: &Draft) {
        for (index, (withheld, redacted)) in &draft.withheld {
            let Some(Part { id, .. }) = draft.entries.get(index) else { continue };
            self.files.insert(layout::withheld_file(id), withheld.encode().into_bytes());
            let Some(redacted) = redacted else { continue };
            let file = |name: &str| layout::content_file(id, name);
            self.files.insert(file(layout::TEXT_WITHHELD), redacted.text().to_vec());
            self.files.insert(file(layout::TEXT_PARTS), redacted.lines().into_bytes());
        }
    }

    fn add_annexes(&mut self, draft: &Draft, entries: &Entries, content: &[Member]) -> Result<(), WriteError> {
        let origin = SignedCheckpoint::parse(&draft.checkpoint)?.checkpoint().origin.to_string();
        let subjects: Vec<&Id> =
            draft.subjects.iter().filter_map(|index| Some(&draft.entries.get(index)?.id)).collect();
        let size_of = |member: &Member| Some((*self.blobs.get(&member.name)?, member.size_bytes));
        let content = content.iter().filter_map(|member| Some((member.name.as_str(), size_of(member)?))).collect();
        let described = crate_metadata::Described { entries, subjects: &subjects, content, origin: &origin };
        let description = crate_metadata::text(&described);
        self.files.insert(annex::CRATE.to_owned(), description.into_bytes());
        self.files.extend(draft.annexes.iter().map(|(name, bytes)| (name.clone(), bytes.clone())));
        for part in draft.subjects.iter().filter_map(|index| draft.entries.get(index)) {
            let (statement, receipt) = (Statement::decode(&part.statement)?, Receipt::parse(&part.receipt)?);
            let transparent = transparent_statement(statement.envelope(), &[receipt])?;
            self.files.insert(annex::transparent(&part.id), transparent.encode());
        }
        Ok(())
    }

    fn add_anchors(&mut self, anchors: &[AnchorBytes]) {
        for anchor in anchors {
            let file = |name: &str| layout::anchor_file(anchor.size, name);
            let (checkpoint, consistency) = (&anchor.checkpoint, &anchor.consistency);
            self.files.insert(file(anchor::CHECKPOINT), checkpoint.clone().unwrap_or_default());
            self.files.insert(file(anchor::CONSISTENCY), consistency.clone().unwrap_or_default());
            let said = anchor.replies.iter().chain(&anchor.cosignatures);
            self.files.extend(said.chain(&anchor.proofs).map(|(name, bytes)| (file(name), bytes.clone())));
            let headers =
                anchor.headers.iter().map(|(height, bytes)| (file(&anchor::header_name(*height)), bytes.clone()));
            self.files.extend(headers);
            let renewal = [(anchor::RENEWAL, &anchor.renewal), (anchor::RENEWAL_PATHS, &anchor.renewal_paths)];
            self.files.extend(renewal.into_iter().filter_map(|(name, bytes)| Some((file(name), bytes.clone()?))));
            self.files.extend(anchor.renewal_replies.iter().map(|(name, bytes)| (file(name), bytes.clone())));
        }
    }

    /// Adds the files that describe the others, last of all the seal.
    fn add_tags(&mut self, draft: &Draft, sealing: &Sealing<'_>, content: &[Member]) -> Result<(), WriteError> {
        let Sealing { head, entries, keys, key, .. } = sealing;
        let mut payload: BTreeMap<String, Hash> =
            self.files.iter().map(|(name, bytes)| (name.clone(), Hash::of(bytes))).collect();
        debug_assert!(payload.keys().all(|name| name.starts_with(PAYLOAD_PREFIX)));
        payload.extend(self.blobs.clone());
        let size_bytes = self.files.values().map(|bytes| count(bytes.len())).sum::<u64>()
            + content.iter().map(|member| u64::from(member.size_bytes)).sum::<u64>();
        let oxum = Oxum { size_bytes, files: count(payload.len()) };
        let metadata = metadata(draft, entries, head, oxum);

        let subjects: Vec<&Id> =
            draft.subjects.iter().filter_map(|index| Some(&draft.entries.get(index)?.id)).collect();
        if subjects.is_empty() {
            return Err(WriteError::NoSubject);
        }
        let whole = |index: &u64| draft.entries.get(index).and_then(|part| Some((part, part.record.as_ref()?)));
        let example = draft.subjects.iter().find_map(whole).or_else(|| whole(&0));
        let (example, record) = example.ok_or(WriteError::NoEntry { index: 0 })?;
        let described = page::Described {
            subjects: &subjects,
            entries,
            example: &example.id,
            record_sha256: Hash::of(record),
            statement_bytes: example.statement.len(),
            blobs: &self.blobs,
            head,
            key: key.public(),
            statement_key: sealing.succession.statement_key(example.id.index).unwrap_or(keys.statement),
            anchors: &draft.anchors,
            annexes: &draft.annexes,
            log_fingerprint: keys.log.fingerprint(),
            log_vkey: keys.log_vkey().to_string(),
        };
        let is_anchor = |(_, record): &(Id, Record)| matches!(record.body, Body::Anchor(_));
        let has_times = !draft.anchors.is_empty() || entries.records.values().any(is_anchor);
        let has_changes = entries.records.values().any(|(_, record)| matches!(record.body, Body::Key(_)));
        let tags = [
            (DECLARATION_NAME, DECLARATION.to_owned()),
            (METADATA_NAME, metadata.to_string()),
            (MANIFEST_NAME, Manifest::text(&payload)),
            (layout::PAGE, page::text(&described)),
            (annex::CONTENTS, contents::text(entries, &subjects, &self.blobs)),
            (annex::VERIFIER, verifier::PAGE.to_owned()),
            (layout::SCRIPT, script(has_times, has_changes)),
        ];
        let hashes = tags.iter().map(|(name, text)| ((*name).to_owned(), Hash::of(text.as_bytes()))).collect();
        let tag_manifest = Manifest::text(&hashes);
        let seal = Seal::sign_with(key, BUNDLE_NAMESPACE, tag_manifest.as_bytes())?.to_armored();
        self.files.extend(tags.map(|(name, text)| (name.to_owned(), text.into_bytes())));
        self.files.insert(TAG_MANIFEST_NAME.to_owned(), tag_manifest.into_bytes());
        self.files.insert(layout::SEAL.to_owned(), seal.into_bytes());
        Ok(())
    }
}

/// Writes the script, with the part about times where somebody dated the log, and with the part about keys where they
/// changed. The other stays as it was published.
#[must_use]
pub fn script(has_anchors: bool, has_changes: bool) -> String {
    let changed = |script: String, places: &[(&str, &str)]| {
        places.iter().fold(script, |script, (before, now)| script.replacen(before, now, 1))
    };
    let script = if has_anchors { changed(SCRIPT.to_owned(), &SCRIPT_TIMES) } else { SCRIPT.to_owned() };
    if has_changes { changed(script, &SCRIPT_KEYS) } else { script }
}

/// What the script says otherwise where somebody dated the log, each place with what stands there.
const SCRIPT_TIMES: [(&str, &str); 9] = [
    (
        "signature, witnesses, timestamps, and whether",
        "signature, what authorities and witnesses say that you did not name, which block a proof ends at, and whether",
    ),
    ("*-p-*-?) echo provision ;;", "*-p-*-?) echo provision ;; *-t-*-?) echo anchor ;;"),
    (
        "#   sh verify.sh [--trust WHAT]... [FOLDER]\n",
        "#   sh verify.sh [--trust WHAT]... [--authority ROOT.pem]... [--witness VKEY]... [FOLDER]\n",
    ),
    (
        "# Exit code 0:",
        "# ROOT.pem is the root certificate of a timestamp authority that you trust, in PEM, got from the authority.\n\
         # VKEY is the key of a witness that you trust, as `witness.example/w1+42e79f14+BO…`, got from the witness.\n#\n\
         # Exit code 0:",
    ),
    (
        "FINGERPRINT|FILE]... [FOLDER]\"",
        "FINGERPRINT|FILE]... [--authority ROOT.pem]... [--witness VKEY]... [FOLDER]\"",
    ),
    (
        "    -*) usage ;;\n",
        "    --authority) [ $# -ge 2 ] || usage\n      \
         case $2 in /*) authority=$2 ;; *) authority=$PWD/$2 ;; esac\n      \
         authorities=${authorities:-}$authority$newline; shift 2 ;;\n    \
         --witness) [ $# -ge 2 ] || usage\n      witnesses=${witnesses:-}$2$newline; shift 2 ;;\n    -*) usage ;;\n",
    ),
    (
        "fail_count=0\nmissing_count=0\n",
        "printf %s \"${authorities:-}\" | while read -r authority; do cat \"$authority\" || exit 4; done >\"$tmp/authorities\" || exit 4\n\
         printf %s \"${witnesses:-}\" >\"$tmp/witnesses\" || exit 4\n\
         fail_count=0\nmissing_count=0\n",
    ),
    (
        "    data/entries/*/* | data/log/checkpoint) ;;\n",
        "    data/entries/*/* | data/log/checkpoint | data/anchors/*/*) ;;\n",
    ),
    (
        "# ---------------------------------------------------------------------------------------------- trust\n",
        concat!(
            include_str!("times.sh"),
            "# ---------------------------------------------------------------------------------------------- trust\n"
        ),
    ),
];

/// What the script says otherwise where keys changed, each place with what stands there.
const SCRIPT_KEYS: [(&str, &str); 7] = [
    ("  [ -z \"$(field \"$1\" key_record u)\" ] || missing \"keys: the key record that \\`$at\\` names\"\n", ""),
    ("*-h-*-?) echo hold ;;", "*-h-*-?) echo hold ;; *-k-*-?) echo key ;;"),
    (
        "[ \"$(genesis_key statement ed25519)\" = \"$archive_key\" ] || fails \"keys: \\`data/keys/archive.pem\\` is not the key that entry 0 names for statements\"\n\
         [ \"$(genesis_key checkpoint ed25519)\" = \"$log_key\" ] || fails \"keys: \\`data/keys/log.pem\\` is not the key that entry 0 names for checkpoints\"\n\
         post_quantum=$(genesis_key checkpoint ml-dsa-44)\n",
        include_str!("keys.sh"),
    ),
    (
        "check_statement() {\n  at=data/entries/$1\n",
        "check_statement() {\n  number=$(number_of \"$1\")\n  at=data/entries/$1\n  \
         statement_key=$(key_at statement ed25519 \"$number\" ignored)\n  pem_of_key \"$statement_key\" >\"$tmp/statement.pem\"\n  \
         case $1 in *-k-*) ;; *)\n    \
         [ \"$(key_at statement ed25519 \"$number\" \"\")\" = \"$statement_key\" ] || fails \"signature: \\`$at\\` is signed by a key that is distrusted there\" ;;\n  esac\n  \
         newest=$(awk -v number=\"$number\" '$1 + 0 < number + 0 { newest = $1 } END { print newest }' \"$tmp/key-records\")\n  \
         [ \"$(field \"$1\" key_record u)\" = \"$newest\" ] || fails \"signature: \\`$at\\` does not name the newest key record before it\"\n",
    ),
    (
        "\"4 b $(sha256_of_hex \"$(wire_of_key \"$archive_key\")\")\"",
        "\"4 b $(sha256_of_hex \"$(wire_of_key \"$statement_key\")\")\"",
    ),
    ("check_ed25519 data/keys/archive.pem \"$tmp/signed\"", "check_ed25519 \"$tmp/statement.pem\" \"$tmp/signed\""),
    (
        "holds \"keys: those that entry 0 names: archive",
        "holds \"keys: those that entry 0 and the key records name: archive",
    ),
];

/// Reads a record out as the JSON that lies beside it.
///
/// # Errors
/// When it is not a record.
pub fn reading(record: &[u8]) -> Result<Vec<u8>, RecordError> {
    Ok(format!("{:#}\n", Record::read_out(record)?).into_bytes())
}

fn decode_records(draft: &Draft) -> Result<BTreeMap<u64, (Id, Record)>, WriteError> {
    let mut records = BTreeMap::new();
    for (index, part) in &draft.entries {
        let Some(bytes) = &part.record else { continue };
        let record = Record::decode(bytes)?;
        if record.index != *index || record.id(&part.id.prefix) != part.id {
            return Err(WriteError::OtherRecord { expected: part.id.to_string() });
        }
        records.insert(*index, (part.id.clone(), record));
    }
    match draft.subjects.iter().find(|subject| !draft.entries.contains_key(subject)) {
        Some(subject) => Err(WriteError::NoEntry { index: *subject }),
        None => Ok(records),
    }
}

fn check_key(expected: &Ed25519PublicKey, found: &Ed25519PublicKey) -> Result<(), WriteError> {
    if expected != found {
        return Err(WriteError::OtherKey { expected: expected.fingerprint(), found: found.fingerprint() });
    }
    Ok(())
}

fn metadata(draft: &Draft, entries: &Entries, head: &SignedCheckpoint, oxum: Oxum) -> Metadata {
    let newest = entries.records.values().map(|(_, record)| record.made).max();
    let mut metadata = Metadata::new().with("Bag-Software-Agent", &draft.software);
    if let Some(newest) = newest {
        let day = newest.day();
        metadata = metadata.with("Bagging-Date", &format!("{:04}-{:02}-{:02}", day.year, day.month, day.day));
    }
    metadata = metadata.with("Payload-Oxum", &oxum.to_string());
    for part in draft.subjects.iter().filter_map(|subject| draft.entries.get(subject)) {
        metadata = metadata.with("External-Identifier", &part.id.to_string());
    }
    metadata
        .with("Affiant-Bundle-Format", layout::FORMAT)
        .with("Affiant-Origin", head.checkpoint().origin.as_str())
        .with("Affiant-Log-Size", &head.checkpoint().size.to_string())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits in 64 bits")
}

/// Why a bundle cannot be written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum WriteError {
    #[error("checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error("entry {index} has no citation")]
    NoCitation { index: u64 },
    #[error("entry {index} is needed and not there")]
    NoEntry { index: u64 },
    #[error("a bundle must be about something")]
    NoSubject,
    #[error("the archive seals with {expected}, and the key at hand is {found}")]
    OtherKey { expected: String, found: String },
    #[error("the record of `{expected}` says that it is another")]
    OtherRecord { expected: String },
    #[error("receipt")]
    Receipt(#[from] ReceiptError),
    #[error("record")]
    Record(#[from] RecordError),
    #[error("seal")]
    Seal(#[from] SealError),
    #[error("statement")]
    Statement(#[from] StatementError),
    #[error(transparent)]
    Zip(#[from] ZipError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_that_are_added_find_each_of_their_places_once() {
        for (place, _) in SCRIPT_TIMES.iter().chain(&SCRIPT_KEYS) {
            assert_eq!(SCRIPT.matches(place).count(), 1, "{place}");
        }
        assert_eq!(script(false, false), SCRIPT);
        assert!(SCRIPT_TIMES.iter().all(|(_, now)| script(true, true).contains(now)));
        assert!(SCRIPT_KEYS.iter().skip(1).all(|(_, now)| script(true, true).contains(now)));
    }
}
