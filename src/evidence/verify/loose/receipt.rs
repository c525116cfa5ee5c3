//! Receipts: beside a statement, or within one.

use super::super::finding::{Check, NOBODY};
use super::{LooseError, Reading};

use crate::base::hash::Hash;
use crate::log::checkpoint::Checkpoint;
use crate::log::key::Ed25519PublicKey;
use crate::log::policy::Policy;
use crate::log::receipt::{Receipt, ReceiptError, part_statement};
use crate::log::vkey::NotePublicKey;

impl Reading<'_> {
    pub(super) fn receipts(&mut self) -> Result<(), LooseError> {
        let mut receipts: Vec<(String, Vec<u8>)> =
            self.set.receipts.iter().map(|(file, bytes)| (file.name.clone(), bytes.clone())).collect();
        if let Some((file, statement)) = &self.set.statement {
            let name = file.name.clone();
            let (_, within) = part_statement(statement).map_err(|source| LooseError::Receipt { name, source })?;
            receipts
                .extend((1..).zip(within).map(|(number, bytes)| (format!("{}, receipt {number}", file.name), bytes)));
        }
        for (name, bytes) in receipts {
            self.receipt(&name, &bytes);
        }
        Ok(())
    }

    fn receipt(&mut self, name: &str, bytes: &[u8]) {
        let expected = format!("the log's word on the entry in `{name}`");
        let receipt = match Receipt::parse_lenient(bytes) {
            Ok(receipt) => receipt,
            Err(error) => return self.unread_receipt(&error, expected),
        };
        let entries: Vec<Hash> =
            self.set.entries().iter().filter_map(|(entry, _)| Hash::from_slice(entry).ok()).collect();
        if entries.is_empty() {
            return self.missing(Check::Inclusion, expected, "no statement that it is for");
        }
        let keys = self.keys_of(&receipt);
        let verify = |keys: &[Ed25519PublicKey]| {
            let mut failure = ReceiptError::NoInclusion;
            for (entry, key) in entries.iter().flat_map(|entry| keys.iter().map(move |key| (entry, key))) {
                match receipt.verify(*entry, |message, signature| key.verify(message, signature).is_ok()) {
                    Ok(root) => return Ok((root, *key)),
                    Err(error) => failure = error,
                }
            }
            Err(failure)
        };
        if keys.is_empty() {
            let found = match verify(&self.set.brought) {
                Ok((_, key)) => format!(
                    "it agrees with the key that came with it, {}: compare that with what the log publishes",
                    key.fingerprint()
                ),
                Err(_) => "no key".to_owned(),
            };
            return self.missing(Check::Checkpoint, "the log's key, from someone you trust", found);
        }
        match verify(&keys) {
            Ok((root, key)) => self.included(&receipt, root, &key),
            Err(error @ ReceiptError::UnsupportedAlgorithm { .. }) => self.unread_receipt(&error, expected),
            Err(error) => self.fails(Check::Inclusion, expected, error.to_string()),
        }
    }

    fn included(&mut self, receipt: &Receipt, root: Hash, key: &Ed25519PublicKey) {
        let proof = &receipt.proofs()[0];
        let found = format!("the statement is entry {} of {} under root {root}", proof.index, proof.tree_size);
        self.holds(Check::Inclusion, found, NOBODY);
        let found = format!("root {root} signed by {}", key.fingerprint());
        self.holds(Check::Checkpoint, found, format!("who vouches for the log's key {}", key.fingerprint()));
        let (origin, size) = (receipt.origin(), receipt.signed_tree_size());
        let same =
            |checkpoint: &&Checkpoint| Some(checkpoint.origin.as_str()) == origin && Some(checkpoint.size) == size;
        if let Some(other) = self.checkpoints.iter().find(same).filter(|checkpoint| checkpoint.root != root) {
            let expected = format!("the root {} of the checkpoint at size {}", other.root, other.size);
            self.fails(Check::Inclusion, expected, root.to_string());
        }
    }

    /// What this program cannot read is not shown; what nobody could read fails.
    fn unread_receipt(&mut self, error: &ReceiptError, expected: String) {
        match error {
            ReceiptError::UnsupportedAlgorithm { .. }
            | ReceiptError::UnsupportedStructure { .. }
            | ReceiptError::UnknownCritical
            | ReceiptError::NoInclusion => self.missing(Check::Inclusion, expected, error.to_string()),
            error => self.fails(Check::Inclusion, expected, error.to_string()),
        }
    }

    /// Returns the keys that speak for a receipt's log: those named for logs, and those of its origin.
    fn keys_of(&self, receipt: &Receipt) -> Vec<Ed25519PublicKey> {
        let policy = self.trust.policy.iter().flat_map(Policy::logs).map(|log| &log.key);
        let named = policy
            .chain(&self.trust.vkeys)
            .filter(|key| receipt.origin().is_none_or(|origin| origin == key.name().as_str()));
        let ed25519 = named.filter_map(|key| match key.key() {
            NotePublicKey::Ed25519(key) => Some(*key),
            NotePublicKey::Ed25519Cosignature(_) | NotePublicKey::MlDsa44Cosignature(_) => None,
        });
        self.trust.logs.iter().copied().chain(ed25519).collect()
    }
}
