//! `VERIFY.md`: what lies in a bundle, what each part shows, and what to type to see it.
//!
//! Written for each bundle anew, with its ids, lengths and fingerprints, so that every command can be typed as
//! it stands; what only the reader has is a name in capitals that the text explains. What is to be typed stands in fenced
//! blocks of `sh`, and nothing else does: each succeeds on a bundle that holds. `tests/interop/typed.rs` types them all.
//! Two builds give the same page.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::annex;
use super::layout::{self, Entries};
use super::seal::RECORD_NAMESPACE;

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::record::Body;
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::key::Ed25519PublicKey;

/// What the page is about.
pub(super) struct Described<'d> {
    /// What the bundle is about, at least one.
    pub(super) subjects: &'d [&'d Id],
    /// Every entry.
    pub(super) entries: &'d Entries,
    /// The entry that the commands are about: the first subject whose record is there, or else entry 0.
    pub(super) example: &'d Id,
    /// The SHA-256 of its record.
    pub(super) record_sha256: Hash,
    /// How many bytes its statement has.
    pub(super) statement_bytes: usize,
    /// The content, by name.
    pub(super) blobs: &'d BTreeMap<String, Hash>,
    /// The checkpoint.
    pub(super) head: &'d SignedCheckpoint,
    /// The archive's key that seals.
    pub(super) key: Ed25519PublicKey,
    /// The archive's key that signed the example's statement.
    pub(super) statement_key: Ed25519PublicKey,
    /// Who dated the log.
    pub(super) anchors: &'d [AnchorBytes],
    /// Annexes of the payload, by name.
    pub(super) annexes: &'d BTreeMap<String, Vec<u8>>,
    /// The log's Ed25519 key's fingerprint.
    pub(super) log_fingerprint: String,
    /// The same key, as verifiers of notes take it.
    pub(super) log_vkey: String,
}

/// Writes the page.
pub(super) fn text(described: &Described<'_>) -> String {
    let checkpoint = described.head.checkpoint();
    let example = described.example;
    let folder = layout::entry_folder(example);
    // The statement is tag, array head, protected header, a0, 5820 and 32 bytes, 5840 and 64 bytes.
    let protected_bytes = described.statement_bytes.saturating_sub(2 + 1 + 34 + 66);
    let hexadecimal = data_encoding::HEXLOWER.encode(described.statement_key.as_bytes());
    let replacements = [
        ("{subjects}", subjects(described)),
        ("{entries}", entries(described)),
        ("{content}", content(described)),
        ("{times}", times(described)),
        ("{origin}", checkpoint.origin.to_string()),
        ("{size}", checkpoint.size.to_string()),
        ("{root}", checkpoint.root.to_string()),
        ("{fingerprint}", described.key.fingerprint()),
        ("{log-fingerprint}", described.log_fingerprint.clone()),
        ("{log-vkey}", quoted(&described.log_vkey)),
        ("{principal}", layout::principal(checkpoint.origin.as_str()).to_owned()),
        ("{subject}", example.to_string()),
        ("{index}", example.index.to_string()),
        ("{folder}", folder.trim_end_matches('/').to_owned()),
        ("{protected-bytes}", protected_bytes.to_string()),
        ("{former-key}", former_key(described, &hexadecimal)),
        ("{statement-pem}", statement_pem(described).to_owned()),
        ("{key}", hexadecimal.clone()),
        ("{record-sha256}", described.record_sha256.to_string()),
        ("{seal}", seal(described)),
        ("{transparent}", transparent(described)),
    ];
    fill(TEMPLATE, &replacements) + &fill(OTHERS, &replacements)
}

/// The step about the statement with its receipt, which subjects have.
fn transparent(described: &Described<'_>) -> String {
    if !described.subjects.contains(&described.example) {
        return String::new();
    }
    TRANSPARENT.replace("{file}", &annex::transparent(described.example)).replace("{key}", statement_pem(described))
}

const TRANSPARENT: &str = include_str!("transparent.md");

/// Puts texts in the places of their markers, which are looked for in the template alone, so that nothing a record says
/// can be taken for one.
fn fill(template: &str, replacements: &[(&str, String)]) -> String {
    let mut page = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        page.push_str(&rest[..at]);
        rest = &rest[at..];
        let marker = replacements.iter().find(|(marker, _)| rest.starts_with(marker));
        let (length, text) = marker.map_or((1, "{"), |(marker, text)| (marker.len(), text.as_str()));
        page.push_str(text);
        rest = &rest[length..];
    }
    page + rest
}

const TEMPLATE: &str = include_str!("verify.md");

const OTHERS: &str = include_str!("others.md");

/// The command about the record's own seal, which subjects have.
fn seal(described: &Described<'_>) -> String {
    if !described.subjects.contains(&described.example) {
        return String::new();
    }
    let [record, seal] = [layout::RECORD, layout::RECORD_SEAL].map(|file| layout::entry_file(described.example, file));
    let origin = &described.head.checkpoint().origin;
    let principal = layout::principal(origin.as_str());
    format!(
        "The record itself is sealed too, for whoever needs only that:\n\n```sh\nssh-keygen -Y verify -f data/keys/allowed-signers \
         -I {principal} -n {RECORD_NAMESPACE} -s {seal} < {record}\n```\n\n"
    )
}

/// Where the key lies that signed the statement: a former one is put there by a command of the page.
fn statement_pem(described: &Described<'_>) -> &'static str {
    if described.statement_key == described.key { "data/keys/archive.pem" } else { FORMER_PEM }
}

/// Where the page puts the key that signed the statement, when the archive has changed it since.
const FORMER_PEM: &str = "../check/statement.pem";

/// Says where a former key comes from; nothing where the key never changed.
fn former_key(described: &Described<'_>, hexadecimal: &str) -> String {
    if described.statement_key == described.key {
        return String::new();
    }
    format!(
        "The archive has changed its key since. The one of then stands in entry 0 or in a key record (see 6), which say from which \
         entry to which it counts:\n\n```sh\nprintf 302a300506032b6570032100{hexadecimal} | xxd -r -p | openssl pkey -pubin \
         -inform DER -out {FORMER_PEM}\n```\n\n"
    )
}

fn subjects(described: &Described<'_>) -> String {
    let mut lines = String::new();
    for id in described.subjects {
        let record = described.entries.records.get(&id.index).map(|(_, record)| record);
        let visit = record.and_then(|record| record.body.visit());
        let what = match (record.map(|record| &record.body), visit) {
            (Some(body), Some(visit)) => format!("{} of `{}`, {}", body.kind(), plain(&visit.target), visit.started),
            (Some(body @ Body::Document(document)), _) => format!("{} `{}`", body.kind(), plain(&document.url)),
            (Some(body), _) => body.kind().to_owned(),
            (None, _) => "its record was withdrawn".to_owned(),
        };
        let _ = writeln!(lines, "- **{id}**: {what}"); // Writing to a String cannot fail.
    }
    lines.trim_end().to_owned()
}

fn entries(described: &Described<'_>) -> String {
    let mut lines = String::new();
    for (id, record) in described.entries.records.values() {
        let _ =
            writeln!(lines, "| {id} | {} | {} | `{}` |", record.index, record.body.kind(), layout::entry_folder(id));
    }
    for (index, id) in &described.entries.withdrawn {
        let _ = writeln!(lines, "| {id} | {index} | withdrawn | `{}` |", layout::entry_folder(id));
    }
    lines.trim_end().to_owned()
}

fn content(described: &Described<'_>) -> String {
    let withdrawn: Vec<String> = withdrawn(described).into_iter().chain(withheld(described)).collect();
    if described.blobs.is_empty() && withdrawn.is_empty() {
        return "None: the records here name no content.".to_owned();
    }
    let lines = described.blobs.iter().map(|(name, hash)| format!("    {hash}  {name}"));
    lines.chain(withdrawn).collect::<Vec<_>>().join("\n")
}

/// Says what was withdrawn, and is therefore not among the files.
fn withdrawn(described: &Described<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, record) in described.entries.records.values() {
        let Body::Withdrawal(withdrawal) = &record.body else { continue };
        let subjects = described.subjects.iter().filter(|subject| withdrawal.of(subject.index).is_some());
        lines.extend(subjects.map(|subject| {
            format!(
                "\nOf **{subject}** content was {} by {id}: `{}`, authority `{}`.",
                withdrawal.manner.as_str(),
                plain(&withdrawal.reason),
                plain(&withdrawal.authority)
            )
        }));
    }
    lines
}

/// Says what is withheld, exactly, and why.
fn withheld(described: &Described<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, withheld) in &described.entries.withheld {
        let Some((id, record)) = described.entries.records.get(index) else { continue };
        let (reason, authority) = (plain(&withheld.reason), plain(&withheld.authority));
        lines.push(format!("\nOf **{id}** the following is **withheld**: `{reason}`, authority `{authority}`.\n"));
        let named = record.body.visit().map(|visit| layout::content(id, visit)).unwrap_or_default();
        let left_out = named.iter().filter(|(_, blob)| withheld.leaves_out(*blob));
        lines.extend(left_out.map(|(name, blob)| format!("    {blob}  {name}")));
        let Some((text, ranges)) = &withheld.text else { continue };
        let ranges: Vec<String> = ranges.iter().map(|range| format!("{} to {}", range.start, range.end)).collect();
        lines.push(format!("    {text}  its text, of which bytes {} are blacked out", ranges.join(", ")));
        lines.push(PARTS.replace("{folder}", &layout::content_file(id, "")));
    }
    lines
}

const PARTS: &str = include_str!("parts.md");

/// The steps about times, witnesses and who vouches; nothing where nobody dated the log or saw it.
fn times(described: &Described<'_>) -> String {
    let (mut dated, mut witnessed, mut mined, mut renewed) =
        (String::new(), String::new(), String::new(), String::new());
    let mut message = String::new();
    for anchor in described.anchors {
        let file = |name: &str| layout::anchor_file(anchor.size, name);
        for (name, reply) in &anchor.replies {
            let checkpoint = file(anchor::CHECKPOINT);
            let _ = writeln!(dated, "openssl ts -verify -data {checkpoint} -in {} -CAfile ROOT.pem", file(name));
            dated += &check_sum(&file(name), reply);
            let _ = writeln!(
                message,
                "openssl ts -reply -in {} -token_out -out ../check/token\n\
                 openssl cms -verify -inform DER -in ../check/token -CAfile ROOT.pem -purpose timestampsign -binary \
                 -out ../check/tst-info",
                file(name)
            );
        }
        for (name, _) in &anchor.renewal_replies {
            let renewal = file(anchor::RENEWAL);
            let _ = writeln!(renewed, "openssl ts -verify -data {renewal} -in {} -CAfile ROOT.pem", file(name));
        }
        for (name, _) in &anchor.proofs {
            let _ = writeln!(mined, "ots verify -f {} {}", file(anchor::CHECKPOINT), file(name));
        }
        for (name, line) in &anchor.cosignatures {
            witnessed += &check_sum(&file(name), line);
        }
    }
    if !witnessed.is_empty() {
        witnessed.insert_str(0, &format!("sh verify.sh --trust {} --witness VKEY\n", described.key.fingerprint()));
    }
    let vouched = endorsements(described);
    let steps = [(TIMES, dated), (WITNESSED, witnessed), (MINED, mined), (RENEWED, renewed), (VOUCHED, vouched)]
        .into_iter()
        .filter(|(_, commands)| !commands.is_empty());
    let step = |(number, (step, commands)): (usize, (&str, String))| {
        let step = step.replace("{number}", &number.to_string()).replace("{commands}", commands.trim_end());
        let script = format!("sh verify.sh --trust {} --authority ROOT.pem", described.key.fingerprint());
        step.replace("{cms}", message.trim_end()).replace("{script}", &script)
    };
    (FIRST_ABOUT_TIMES..).zip(steps).map(step).collect()
}

/// Writes the command that holds a file to its SHA-256.
fn check_sum(name: &str, bytes: &[u8]) -> String {
    format!("echo '{}  {name}' | sha256sum -c -\n", Hash::of(bytes))
}

/// The commands that check who vouches for the log's keys.
fn endorsements(described: &Described<'_>) -> String {
    let mut commands = String::new();
    let names = described.annexes.keys().filter_map(|name| name.strip_prefix(annex::ENDORSEMENTS));
    for stem in names.filter_map(|name| name.strip_suffix(".cms")) {
        let file = |ending: &str| format!("{}{stem}{ending}", annex::ENDORSEMENTS);
        let (cms, text) = (file(".cms"), file(".txt"));
        let beside = if described.annexes.contains_key(&text) { format!(" -content {text}") } else { String::new() };
        let _ = writeln!(
            commands,
            "openssl cms -verify -inform DER -in {cms}{beside} -CAfile ORGANISATION.pem -purpose any -binary -out ../check/endorsement\n\
             tr -d '\\r' < ../check/endorsement | grep -x 'key .*' | cut -c 5- | grep -Fx -f data/keys/log.vkey -f data/keys/log-ml-dsa-44.vkey\n\
             openssl cms -cmsout -print -inform DER -in {cms} | grep -A 2 signingTime"
        );
    }
    commands
}

/// The number of the first step about times.
const FIRST_ABOUT_TIMES: usize = 7;

const WITNESSED: &str = include_str!("witnessed.md");

const RENEWED: &str = include_str!("renewed.md");

const MINED: &str = include_str!("mined.md");

const VOUCHED: &str = include_str!("vouched.md");

const TIMES: &str = include_str!("times.md");

/// A word that the shell takes as it stands: an origin may hold what means something to it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// An address that cannot end the code span that it stands in.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '`').take(300).collect()
}
