//! Signed notes, checkpoints, and the proofs that end in one.

use super::super::finding::{Check, Finding, NOBODY, Witnessing};
use super::super::witnesses::witness_finding;
use super::{LooseError, LooseFile, Reading};

use crate::base::causes::with_causes;
use crate::log::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::log::fork::ForkProof;
use crate::log::merkle::leaf_hash;
use crate::log::note::{Note, NoteError};
use crate::log::policy::{Policy, Witnessed};
use crate::log::proof::Proof;
use crate::log::vkey::{KeyKind, VerifierKey};

impl Reading<'_> {
    /// A note is looked at as a checkpoint first: only one can bear cosignatures.
    pub(super) fn note(&mut self, name: &str, note: &Note) {
        if let Ok(signed) = SignedCheckpoint::parse(&note.encode()) {
            return self.checkpoint(name, &signed);
        }
        match note.verify(&self.known_keys()) {
            Ok(signers) => {
                let names: Vec<String> =
                    signers.iter().map(|key| format!("{} ({})", key.name(), key.fingerprint())).collect();
                let who = names.join(" and ");
                self.holds(Check::Signature, format!("`{name}` is signed by {who}"), format!("who vouches for {who}"));
            }
            Err(NoteError::NoKnownKey) => {
                let signers: Vec<&str> = note.signatures().iter().map(|line| line.name.as_str()).collect();
                let found = format!("lines that name {}", signers.join(", "));
                self.missing(Check::Signature, format!("a signature under `{name}` by a key that you trust"), found);
            }
            Err(error) => {
                self.fails(Check::Signature, format!("a note `{name}` that its signers signed"), with_causes(&error));
            }
        }
    }

    /// Checks a checkpoint's lines by the keys that were named and by the policy. Returns whether the log is trusted.
    fn checkpoint(&mut self, name: &str, signed: &SignedCheckpoint) {
        self.checkpoints.push(signed.checkpoint().clone());
        let Checkpoint { origin, size, .. } = signed.checkpoint();
        let expected = format!("a key that you trust for the log `{origin}`, under `{name}`");
        let (mut log_keys, mut others, mut renamed) = (Vec::new(), Vec::new(), Vec::new());
        match signed.verify(&self.trust.vkeys) {
            Ok(signers) => {
                for signer in signers {
                    let signers = match signer.key.kind() {
                        _ if origin.is_name_of(signer.key) => &mut log_keys,
                        KeyKind::Ed25519 => &mut renamed,
                        KeyKind::Ed25519Cosignature | KeyKind::MlDsa44Cosignature => &mut others,
                    };
                    signers.push((signer.key.clone(), signer.time));
                }
            }
            Err(CheckpointError::Note(NoteError::NoKnownKey)) => {}
            Err(error) => return self.fails(Check::Checkpoint, expected, with_causes(&error)),
        }
        if let Some(policy) = &self.trust.policy {
            let report = match policy.check(signed) {
                Ok(report) => report,
                Err(error) => return self.fails(Check::Checkpoint, expected, with_causes(&error)),
            };
            log_keys.extend(report.log_signers.iter().map(|signer| (signer.key.clone(), signer.time)));
            self.witnessing = Witnessing { needed: report.quorum.needed, witnessed: report.quorum.witnessed };
            self.findings.push(witness_finding(&report));
            for witness in &report.witnesses {
                self.witnessed(&witness.key, witness.witnessed);
            }
        }
        for (key, time) in &others {
            let found = format!("`{origin}` at size {size} signed by {} ({})", key.name(), key.fingerprint());
            self.holds(Check::Witnesses, found, format!("the witness {}", key.name()));
            self.witnessed(key, time.map_or(Witnessed::Undated, Witnessed::At));
        }
        for (key, _) in &renamed {
            let who = format!("{} ({})", key.name(), key.fingerprint());
            self.holds(Check::Signature, format!("`{name}` is signed by {who}"), format!("who vouches for {who}"));
        }
        if let Some((first, _)) = log_keys.first() {
            let found = format!("`{origin}` at size {size} signed by {}", first.fingerprint());
            self.holds(Check::Checkpoint, found, format!("who vouches for the log's key {}", first.fingerprint()));
        } else if others.is_empty() && renamed.is_empty() {
            self.missing(Check::Checkpoint, expected, "none of its lines is by one");
        } else {
            let found = "lines by keys that you trust, none of which is named as the log";
            self.findings.push(Finding::not_shown(Check::Checkpoint, expected, found));
        }
    }

    /// Notes when another party saw the log. A clock ahead of the reader's says nothing about the past.
    fn witnessed(&mut self, key: &VerifierKey, witnessed: Witnessed) {
        let Witnessed::At(time) = witnessed else { return };
        let is_earliest = self.interval.not_after.as_ref().is_none_or(|(earliest, _)| time < *earliest);
        if time <= self.now && is_earliest {
            self.interval.not_after = Some((time, format!("witness {}", key.name())));
        }
    }

    pub(super) fn proof(&mut self, file: &LooseFile, proof: &Proof) {
        let name = &file.name;
        let signed = match SignedCheckpoint::parse(&proof.checkpoint) {
            Ok(signed) => signed,
            Err(error) => {
                return self.fails(Check::Checkpoint, format!("a checkpoint in `{name}`"), with_causes(&error));
            }
        };
        self.checkpoint(name, &signed);
        let Checkpoint { size, root, .. } = signed.checkpoint();
        let expected = format!("the entry at {} under root {root}, as `{name}` has it", proof.index);
        let entries = self.set.entries();
        if entries.is_empty() {
            return self.missing(Check::Inclusion, expected, "no file that is the entry");
        }
        let inclusion = proof.inclusion(*size);
        let found = entries.iter().find(|(entry, _)| inclusion.verify(leaf_hash(entry), *root).is_ok());
        match (found, entries.first()) {
            (Some((_, what)), _) => {
                self.holds(
                    Check::Inclusion,
                    format!("{what} is entry {} of {size} under root {root}", proof.index),
                    NOBODY,
                );
            }
            (None, Some((entry, _))) => {
                let error = inclusion.verify(leaf_hash(entry), *root).err().map(|error| error.to_string());
                self.fails(Check::Inclusion, expected, error.unwrap_or_default());
            }
            (None, None) => {}
        }
    }

    /// A log whose key has signed two roots at one size has contradicted itself, whoever holds the file.
    pub(super) fn fork(&mut self, name: &str, proof: &ForkProof) -> Result<(), LooseError> {
        let keys = self.known_keys();
        let signers = proof.signers(&keys).map_err(|source| LooseError::Fork { name: name.to_owned(), source })?;
        let (origin, size, [first, second]) = (proof.origin(), proof.size(), proof.roots());
        let who: Vec<String> = signers.iter().map(|key| format!("{} ({})", key.name(), key.fingerprint())).collect();
        if who.is_empty() {
            let expected = format!("a key that you trust for the log `{origin}`, under both checkpoints of `{name}`");
            self.missing(Check::Checkpoint, expected, "none has signed both");
            return Ok(());
        }
        let who = who.join(" and ");
        let expected = format!("one root of `{origin}` at size {size}");
        let found = format!("{first} and {second}, both signed by {who}: the log has forked");
        let relies_on = format!("who vouches for {who}");
        self.findings.push(Finding { relies_on, ..Finding::fails(Check::Checkpoint, expected, found) });
        Ok(())
    }

    /// Returns the keys of notes and logs that the reader named.
    fn known_keys(&self) -> Vec<VerifierKey> {
        let logs = self.trust.policy.iter().flat_map(Policy::logs).map(|log| log.key.clone());
        self.trust.vkeys.iter().cloned().chain(logs).collect()
    }

    /// A log that shows two roots at one size shows two histories.
    pub(super) fn compare_checkpoints(&mut self) {
        let checkpoints = std::mem::take(&mut self.checkpoints);
        for (position, first) in checkpoints.iter().enumerate() {
            let differs = |other: &&Checkpoint| {
                other.origin == first.origin && other.size == first.size && other.root != first.root
            };
            if let Some(other) = checkpoints[position + 1..].iter().find(differs) {
                let expected = format!("one root of `{}` at size {}", first.origin, first.size);
                self.fails(Check::Checkpoint, expected, format!("{} and {}", first.root, other.root));
            }
        }
    }
}
