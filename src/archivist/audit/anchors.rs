//! The anchors: each over the tree that the archive has, each token and cosignature over the note beside it, and none lost
//! that a record names.

use std::collections::BTreeMap;

use super::report::AuditReport;

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::evidence::anchor::{self, AnchorBytes};
use crate::evidence::record::{Body, Record};
use crate::evidence::renewal::{LongHash, LongTree, Renewal};
use crate::evidence::verify::Trust;
use crate::log::checkpoint::SignedCheckpoint;
use crate::log::merkle;
use crate::log::policy::Policy;
use crate::outside::archive::Archive;
use crate::timestamp::authorities::Authorities;
use crate::timestamp::opentimestamps::blocks::Blocks;

const COST: &str = "what it showed of when the log had its records";

/// The tokens and cosignatures that records name, each with the first record that does.
#[derive(Default)]
pub(super) struct Named(BTreeMap<(u64, Hash), String>);

impl Named {
    /// Remembers what a record says that the archive holds.
    pub(super) fn take(&mut self, id: &str, record: &Record) {
        let after = record.after.tokens.iter().map(|token| (record.after.size, *token));
        let anchored = match &record.body {
            Body::Anchor(anchor) => anchor.proofs.iter().map(|proof| (anchor.size, proof.sha256)).collect(),
            _ => Vec::new(),
        };
        for key in after.chain(anchored) {
            self.0.entry(key).or_insert_with(|| id.to_owned());
        }
    }
}

/// Checks every anchor of a log of `size` entries.
pub(super) fn check(archive: &Archive, size: u64, named: Named, trust: Trust<'_>, report: &mut AuditReport) {
    let sizes = match archive.anchors().sizes() {
        Ok(sizes) => sizes,
        Err(error) => return report.damage("anchors/", with_causes(&error), COST),
    };
    let (nobody, nothing) = (Authorities::nobody(), Blocks::default());
    let (trusted, blocks) = (trust.authorities.unwrap_or(&nobody), trust.blocks.unwrap_or(&nothing));
    let mut checking = Checking { archive, size, named, trusted, blocks, policy: trust.policy };
    for at in sizes {
        match archive.anchors().read(at) {
            Ok(anchor) if at > size => {
                let count = anchor.replies.len() + anchor.cosignatures.len() + anchor.proofs.len();
                let found = "token(s), cosignature(s) and proof(s) over a longer log than the checkpoint promises";
                report.note(format!("`anchors/{at}`: {count} {found}"));
            }
            Ok(anchor) => checking.check(&anchor, report),
            Err(error) => report.damage(format!("anchors/{at}"), with_causes(&error), COST),
        }
    }
    for ((at, token), id) in checking.named.0 {
        let found =
            format!("the token, cosignature, proof or header with SHA-256 {token}, which {id} names, is not there");
        report.damage(format!("anchors/{at}"), found, COST);
    }
}

struct Checking<'c> {
    archive: &'c Archive,
    size: u64,
    named: Named,
    trusted: &'c Authorities,
    blocks: &'c Blocks,
    policy: Option<&'c Policy>,
}

impl Checking<'_> {
    fn check(&mut self, anchor: &AnchorBytes, report: &mut AuditReport) {
        let folder = format!("anchors/{}", anchor.size);
        let Some(checkpoint) = &anchor.checkpoint else {
            return report.damage(folder, "the checkpoint that was dated is missing", COST);
        };
        let expected = merkle::root(&self.archive.nodes(self.size), anchor.size).ok();
        match SignedCheckpoint::parse(checkpoint) {
            Ok(signed) if signed.checkpoint().size == anchor.size && Some(signed.checkpoint().root) == expected => {
                self.cosignatures(anchor, &signed, report);
            }
            Ok(signed) => {
                let found = format!("it is of size {} and root {}", signed.checkpoint().size, signed.checkpoint().root);
                report.damage(format!("{folder}/checkpoint"), found, COST);
            }
            Err(error) => report.damage(format!("{folder}/checkpoint"), with_causes(&error), COST),
        }
        self.blocks(anchor, checkpoint, report);
        self.renewal(anchor, SignedCheckpoint::parse(checkpoint).ok().as_ref(), report);
        for (_, line) in &anchor.cosignatures {
            self.named.0.remove(&(anchor.size, Hash::of(line)));
        }
        for (name, reply) in &anchor.replies {
            let sha256 = Hash::of(reply);
            self.named.0.remove(&(anchor.size, sha256));
            if !anchor::is_reply_name(name, sha256) {
                report.damage(format!("{folder}/{name}"), format!("its SHA-256 is {sha256}"), COST);
                continue;
            }
            if let Err(error) = anchor::verify(reply, checkpoint, self.trusted)
                && anchor::is_contradiction(&error)
            {
                report.damage(format!("{folder}/{name}"), with_causes(&error), COST);
            }
        }
    }

    /// Checks a renewal: that it is of its checkpoint, that its leaves lead to it, and each token over it.
    fn renewal(&mut self, anchor: &AnchorBytes, signed: Option<&SignedCheckpoint>, report: &mut AuditReport) {
        let folder = format!("anchors/{}", anchor.size);
        let Some(text) = &anchor.renewal else { return };
        self.named.0.remove(&(anchor.size, Hash::of(text)));
        for (name, reply) in &anchor.renewal_replies {
            let sha256 = Hash::of(reply);
            self.named.0.remove(&(anchor.size, sha256));
            if !anchor::is_renewal_reply_name(name, sha256) {
                report.damage(format!("{folder}/{name}"), format!("its SHA-256 is {sha256}"), COST);
                continue;
            }
            if let Err(error) = anchor::verify_renewal(reply, text, self.trusted, None)
                && anchor::is_contradiction(&error)
            {
                report.damage(format!("{folder}/{name}"), with_causes(&error), COST);
            }
        }
        let renewal = Renewal::parse(text);
        let is_of =
            renewal.as_ref().is_some_and(|renewal| signed.is_some_and(|signed| renewal.is_of(signed.checkpoint())));
        if !is_of {
            report.damage(format!("{folder}/{}", anchor::RENEWAL), "it is not of the checkpoint beside it", COST);
        }
        let leaves = self.archive.anchors().renewal_leaves(anchor.size).unwrap_or_default();
        let leaves: Vec<LongHash> = leaves.chunks(LongHash::SIZE_BYTES).filter_map(LongHash::from_slice).collect();
        let root = LongTree::over(leaves).root();
        if renewal.is_some_and(|renewal| renewal.long_root != root) {
            let found = "the leaves do not lead to the renewal";
            report.damage(format!("{folder}/{}", anchor::RENEWAL_LEAVES), found, COST);
        }
    }

    /// Checks each proof by its name and over its note, and against the headers beside it and the blocks that are known.
    fn blocks(&mut self, anchor: &AnchorBytes, checkpoint: &[u8], report: &mut AuditReport) {
        let folder = format!("anchors/{}", anchor.size);
        for (height, header) in &anchor.headers {
            let sha256 = Hash::of(header);
            self.named.0.remove(&(anchor.size, sha256));
            if let Err(error) = anchor::verify_header(*height, header, self.blocks)
                && error.is_contradiction()
            {
                report.damage(format!("{folder}/{}", anchor::header_name(*height)), with_causes(&error), COST);
            }
        }
        let carried = anchor.read_headers();
        for (name, proof) in &anchor.proofs {
            let sha256 = Hash::of(proof);
            self.named.0.remove(&(anchor.size, sha256));
            if !anchor::is_proof_name(name, sha256) {
                report.damage(format!("{folder}/{name}"), format!("its SHA-256 is {sha256}"), COST);
                continue;
            }
            if let Err(error) = anchor::verify_proof(proof, checkpoint, &carried, self.blocks)
                && error.is_contradiction()
            {
                report.damage(format!("{folder}/{name}"), with_causes(&error), COST);
            }
        }
    }

    /// Checks each line beside a note by the witness of the policy that it names, and all by their names.
    fn cosignatures(&self, anchor: &AnchorBytes, signed: &SignedCheckpoint, report: &mut AuditReport) {
        for (name, bytes) in &anchor.cosignatures {
            let mut damage = |found: String| report.damage(format!("anchors/{}/{name}", anchor.size), found, COST);
            let sha256 = Hash::of(bytes);
            if !anchor::is_cosignature_name(name, sha256) {
                damage(format!("its SHA-256 is {sha256}"));
                continue;
            }
            let Some(line) = anchor::read_cosignature(bytes) else {
                damage("it is not one signature line".to_owned());
                continue;
            };
            let mut witnesses = self.policy.iter().flat_map(|policy| policy.witnesses());
            let Some(witness) = witnesses.find(|witness| line.names(&witness.key)) else { continue };
            if let Err(error) = signed.verify_line(&witness.key, &line) {
                damage(with_causes(&error));
            }
        }
    }
}
