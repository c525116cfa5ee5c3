//! The forger who is the archive: every key is at hand, and everything that can be signed anew is.
//!
//! The tree is computed by its definition (RFC 6962 §2.1), and not by the program's own code.

use affiant::base::hash::Hash;
use affiant::base::id::Id;
use affiant::evidence::bundle::bag::{Manifest, TAG_MANIFEST_NAME};
use affiant::evidence::bundle::layout;
use affiant::evidence::bundle::seal::{BUNDLE_NAMESPACE, RECORD_NAMESPACE, Seal};
use affiant::evidence::bundle::write::reading;
use affiant::evidence::record::{Body, Record};
use affiant::evidence::statement::{Claim, Statement};
use affiant::log::checkpoint::{Checkpoint, SignedCheckpoint};
use affiant::log::inclusion::InclusionProof;
use affiant::log::key::Ed25519Signer;
use affiant::log::merkle::{leaf_hash, node_hash};
use affiant::log::proof::Proof;
use affiant::log::receipt::{Receipt, ReceiptClaims};
use affiant::outside::clock;

use super::super::Files;
use super::super::cases::resealed;
use super::super::yard::seed;
use super::scene::Scene;

/// A lie about one entry; everything after it is made anew around it.
pub(super) struct Lie<'l> {
    at: u64,
    record: Box<dyn Fn(&mut Record) + 'l>,
    bytes: Box<dyn Fn(Vec<u8>) -> Vec<u8> + 'l>,
    claim: Box<dyn Fn(&mut Claim) + 'l>,
    key: Option<&'l Ed25519Signer>,
    statement: Box<dyn Fn(Vec<u8>) -> Vec<u8> + 'l>,
    checkpoint: Box<dyn Fn(Vec<u8>) -> Vec<u8> + 'l>,
}

impl<'l> Lie<'l> {
    /// No lie at all.
    pub(super) fn none() -> Self {
        Self {
            at: 0,
            record: Box::new(|_| ()),
            bytes: Box::new(|bytes| bytes),
            claim: Box::new(|_| ()),
            key: None,
            statement: Box::new(|bytes| bytes),
            checkpoint: Box::new(|bytes| bytes),
        }
    }

    /// The record says something else.
    pub(super) fn record(at: u64, change: impl Fn(&mut Record) + 'l) -> Self {
        Self { at, record: Box::new(change), ..Self::none() }
    }

    /// The record is spelt otherwise.
    pub(super) fn bytes(at: u64, change: impl Fn(Vec<u8>) -> Vec<u8> + 'l) -> Self {
        Self { at, bytes: Box::new(change), ..Self::none() }
    }

    /// The statement claims something else.
    pub(super) fn claim(at: u64, change: impl Fn(&mut Claim) + 'l) -> Self {
        Self { at, claim: Box::new(change), ..Self::none() }
    }

    /// The statement is signed by another key.
    pub(super) fn key(at: u64, key: &'l Ed25519Signer) -> Self {
        Self { at, key: Some(key), ..Self::none() }
    }

    /// The statement is changed after it was signed.
    pub(super) fn statement(at: u64, change: impl Fn(Vec<u8>) -> Vec<u8> + 'l) -> Self {
        Self { at, statement: Box::new(change), ..Self::none() }
    }

    /// The checkpoint is changed after it was signed, and every proof with it.
    pub(super) fn checkpoint(change: impl Fn(Vec<u8>) -> Vec<u8> + 'l) -> Self {
        Self { checkpoint: Box::new(change), ..Self::none() }
    }
}

/// The entries of a bundle that has every entry of its log.
struct Ledger {
    ids: Vec<Id>,
    records: Vec<Vec<u8>>,
    statements: Vec<Vec<u8>>,
}

impl Scene {
    /// Makes bag and seal anew with the archive's own key.
    pub(super) fn resealed(&self, files: Files) -> Files {
        resealed(files, &seed(&self.keys.statement))
    }

    /// Makes the tag manifest and the seal anew, and leaves manifest and metadata as they are.
    pub(super) fn retagged(&self, mut files: Files) -> Files {
        let is_tag = |name: &str| !name.starts_with("data/") && name != TAG_MANIFEST_NAME && name != layout::SEAL;
        let tags = files.iter().filter(|(name, _)| is_tag(name)).map(|(name, bytes)| (name.clone(), Hash::of(bytes)));
        let tags = Manifest::text(&tags.collect()).into_bytes();
        let seal = Seal::sign(&seed(&self.keys.statement), BUNDLE_NAMESPACE, &tags).unwrap();
        files.insert(layout::SEAL.to_owned(), seal.to_armored().into_bytes());
        files.insert(TAG_MANIFEST_NAME.to_owned(), tags);
        files
    }

    /// Makes everything anew around a lie: records, statements, the log, its checkpoint, proofs, receipts and seals.
    pub(super) fn relogged(&self, lie: &Lie<'_>) -> Files {
        let mut files = self.files.clone();
        let mut ledger = Ledger::of(&files);
        let checkpoint = SignedCheckpoint::parse(&files[layout::CHECKPOINT]).unwrap().checkpoint().clone();
        assert_eq!(u64::try_from(ledger.ids.len()).unwrap(), checkpoint.size, "every entry is there");
        let mut renamed: Vec<(Hash, Hash)> = Vec::new();
        for n in 0..ledger.ids.len() {
            let is_here = u64::try_from(n).unwrap() == lie.at;
            let old = ledger.statements[n].clone();
            let (record, statement) = self.signed_anew(&ledger, n, &renamed, is_here.then_some(lie));
            renamed.push((Hash::of(&old), Hash::of(&statement)));
            (ledger.records[n], ledger.statements[n]) = (record, statement);
        }
        let leaves: Vec<Hash> = ledger.statements.iter().map(|bytes| leaf_hash(Hash::of(bytes).as_bytes())).collect();
        let text = Checkpoint { root: root(&leaves), ..checkpoint };
        let signed = SignedCheckpoint::sign(&text, clock::now(), &self.keys.checkpoint).unwrap().encode();
        let note = (lie.checkpoint)(signed);
        files.insert(layout::CHECKPOINT.to_owned(), note.clone());
        for (n, id) in ledger.ids.iter().enumerate() {
            let name = |file: &str| layout::entry_file(id, file);
            let (record, statement) = (&ledger.records[n], &ledger.statements[n]);
            if let Some(old) = files.get_mut(&name(layout::RECORD_SEAL)) {
                let seal = Seal::sign(&seed(&self.keys.statement), RECORD_NAMESPACE, record).unwrap();
                *old = seal.to_armored().into_bytes();
            }
            let index = u64::try_from(n).unwrap();
            let inclusion = InclusionProof { index, tree_size: text.size, path: path(n, &leaves) };
            files.extend(reading(record).ok().map(|json| (name(layout::RECORD_READING), json)));
            files.insert(name(layout::RECORD), record.clone());
            files.insert(name(layout::STATEMENT), statement.clone());
            files.insert(name(layout::PROOF), Proof::new(inclusion.clone(), note.clone()).encode());
            files.insert(name(layout::RECEIPT), self.receipt(id, statement, &text, inclusion));
        }
        self.resealed(files)
    }

    fn receipt(&self, id: &Id, statement: &[u8], text: &Checkpoint, inclusion: InclusionProof) -> Vec<u8> {
        let (key_id, subject) = (self.keys.checkpoint[0].verifier().id().to_be_bytes(), id.to_string());
        let claims = ReceiptClaims { key_id: &key_id, origin: text.origin.as_str(), subject: &subject };
        let sign = |message: &[u8]| self.keys.log.sign(message);
        Receipt::make(&claims, Hash::of(statement), text.root, inclusion, sign).unwrap().encode()
    }

    /// Signs a record anew, by the key that signed it.
    fn signed_anew(
        &self,
        ledger: &Ledger,
        n: usize,
        renamed: &[(Hash, Hash)],
        lie: Option<&Lie<'_>>,
    ) -> (Vec<u8>, Vec<u8>) {
        let mut record = Record::decode(&ledger.records[n]).unwrap();
        if let Body::Capture(capture) = &mut record.body {
            let new = |old: Hash| renamed.iter().find(|(name, _)| *name == old).map_or(old, |(_, new)| *new);
            capture.previous = capture.previous.map(new);
        }
        if let Some(lie) = lie {
            (lie.record)(&mut record);
        }
        let bytes = lie.map_or_else(|| record.encode(), |lie| (lie.bytes)(record.encode()));
        let old = Statement::decode(&ledger.statements[n]).unwrap();
        let mut claim = Claim { record: Hash::of(&bytes), issuer: record.origin, issued_at: record.made, ..old.claim };
        if let Some(lie) = lie {
            (lie.claim)(&mut claim);
        }
        let held = [Some(&self.keys), self.old_keys.as_ref()].into_iter().flatten().map(|keys| &keys.statement);
        let own =
            held.into_iter().find(|key| affiant::evidence::statement::key_id(&key.public()) == old.key_id).unwrap();
        let signed = Statement::sign(claim, lie.and_then(|lie| lie.key).unwrap_or(own)).unwrap().as_bytes().to_vec();
        (bytes, lie.map_or_else(|| signed.clone(), |lie| (lie.statement)(signed.clone())))
    }
}

impl Ledger {
    fn of(files: &Files) -> Self {
        let mut ids: Vec<Id> = files.keys().filter_map(|name| layout::id_of_entry_file(name)).collect();
        ids.sort_by_key(|id| id.index);
        ids.dedup();
        let all = |file: &str| ids.iter().map(|id| files[&layout::entry_file(id, file)].clone()).collect();
        Self { records: all(layout::RECORD), statements: all(layout::STATEMENT), ids }
    }
}

/// The root of some leaves, by its definition.
fn root(leaves: &[Hash]) -> Hash {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    node_hash(root(left), root(right))
}

/// The audit path of one of them, the leaf's sibling first.
fn path(n: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) =
        if n < left.len() { (path(n, left), root(right)) } else { (path(n - left.len(), right), root(left)) };
    path.push(sibling);
    path
}

/// The largest power of two below a count.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}
