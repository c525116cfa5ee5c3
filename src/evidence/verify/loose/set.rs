//! The files, told apart by what they hold.

use super::{FILE_COUNT_MAX, LooseError, LooseFile};

use crate::base::cbor::Value;
use crate::base::cose::{Sign1, label};
use crate::base::hash::Hash;
use crate::evidence::record::Record;
use crate::log::fork::ForkProof;
use crate::log::key::Ed25519PublicKey;
use crate::log::note::Note;
use crate::log::proof::Proof;

/// The files, told apart.
#[derive(Default)]
pub(super) struct Set<'f> {
    pub(super) notes: Vec<(&'f LooseFile, Note)>,
    pub(super) proofs: Vec<(&'f LooseFile, Proof)>,
    pub(super) forks: Vec<(&'f LooseFile, ForkProof)>,
    pub(super) statement: Option<(&'f LooseFile, Sign1)>,
    pub(super) receipts: Vec<(&'f LooseFile, Vec<u8>)>,
    pub(super) record: Option<(&'f LooseFile, Record)>,
    pub(super) other: Option<&'f LooseFile>,
    /// Keys that came with the files: nobody vouches for them.
    pub(super) brought: Vec<Ed25519PublicKey>,
}

impl<'f> Set<'f> {
    pub(super) fn sort(files: &'f [LooseFile]) -> Result<Self, LooseError> {
        if files.len() > FILE_COUNT_MAX {
            return Err(LooseError::TooMany { found: files.len() });
        }
        let mut set = Self::default();
        for file in files {
            set.add(file)?;
        }
        let belongs = set.statement.is_some() || !set.proofs.is_empty();
        match set.other {
            Some(other) if !belongs => Err(LooseError::Unknown { name: other.name.clone() }),
            _ if belongs || !set.notes.is_empty() || !set.forks.is_empty() => Ok(set),
            _ => Err(LooseError::Nothing),
        }
    }

    fn add(&mut self, file: &'f LooseFile) -> Result<(), LooseError> {
        let name = || file.name.clone();
        let bytes = file.bytes.as_slice();
        if bytes.starts_with(b"c2sp.org/tlog-proof@") {
            let proof = Proof::parse(bytes).map_err(|source| LooseError::Proof { name: name(), source })?;
            self.proofs.push((file, proof));
        } else if bytes.starts_with(b"affiant/fork-proof@") {
            let proof = ForkProof::parse(bytes).map_err(|source| LooseError::Fork { name: name(), source })?;
            self.forks.push((file, proof));
        } else if bytes.first() == Some(&0xd2) {
            let envelope = Sign1::decode_lenient(bytes).map_err(|source| LooseError::Cose { name: name(), source })?;
            let header = envelope.protected_header().map_err(|source| LooseError::Cose { name: name(), source })?;
            if header.at_label(label::VDS).is_some() {
                self.receipts.push((file, bytes.to_vec()));
            } else if let Some((first, _)) = self.statement.replace((file, envelope)) {
                return Err(LooseError::TwoOfAKind { first: first.name.clone(), second: name() });
            }
        } else if let Ok(note) = Note::parse(bytes) {
            self.notes.push((file, note));
        } else if let Ok(record) = Record::decode(bytes) {
            if let Some((first, _)) = self.record.replace((file, record)) {
                return Err(LooseError::TwoOfAKind { first: first.name.clone(), second: name() });
            }
        } else if bytes.starts_with(b"-----BEGIN PUBLIC KEY-----") || bytes.starts_with(b"ssh-") {
            // A key of another algorithm says nothing, as any key that nobody vouches for.
            self.brought.extend(Ed25519PublicKey::from_text(&String::from_utf8_lossy(bytes)));
        } else if let Some(first) = self.other.replace(file) {
            return Err(LooseError::TwoOthers { first: first.name.clone(), second: name() });
        }
        Ok(())
    }

    /// Returns the name of what the set is about.
    pub(super) fn name(&self) -> String {
        let statement = self.statement.as_ref().map(|(file, _)| *file);
        let forks = self.forks.first().map(|(file, _)| *file);
        let proofs = self.proofs.first().map(|(file, _)| *file);
        let first = statement.or(forks).or(proofs).or(self.notes.first().map(|(file, _)| *file));
        first.map(|file| file.name.clone()).unwrap_or_default()
    }

    /// Returns what may be the log's entry for what the set is about, each with what it is.
    pub(super) fn entries(&self) -> Vec<(Vec<u8>, &'static str)> {
        if let Some((file, statement)) = &self.statement {
            let logged = Sign1 { unprotected: Value::Map(Vec::new()), ..statement.clone() }.encode();
            return vec![
                (Hash::of(&logged).as_bytes().to_vec(), "the SHA-256 of the statement"),
                (Hash::of(&file.bytes).as_bytes().to_vec(), "the SHA-256 of the statement's file"),
                (file.bytes.clone(), "the statement itself"),
            ];
        }
        let raw = self.other.or(self.record.as_ref().map(|(file, _)| *file));
        raw.map(|file| (file.bytes.clone(), "the file's bytes")).into_iter().collect()
    }
}
