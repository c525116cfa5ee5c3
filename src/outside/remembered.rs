//! What is remembered: the newest checkpoint that the keys of a keyring have signed, in `keys/newest-checkpoint`.
//!
//! It keeps an archive that was restored from a backup from signing its past anew, so it must be on disk before anyone
//! sees the checkpoint, and is written with every publication. Two slots of [`SLOT_BYTES`] are written in turn: one
//! write and one fsync each time, and a write that a crash tears leaves the other slot.
//!
//! ```text
//! 64 digits    SHA-256 of the note, in hexadecimal, and a line feed
//! note         the checkpoint, with the signature that is made first; with all of them once nobody signs any more
//! zeros        to the end of the slot
//! ```
//!
//! The slot that counts is the one with the larger log among those whose SHA-256 is right. A file of another length is
//! a note by itself: so it was written once, and so an operator may write it.
//!
//! A lock, `keys/lock`, is held as long as anyone may sign: two copies of one archive would otherwise each sign their
//! own next tree. Two copies of the *keyring* as well are beyond it; witnesses see those.

use std::path::{Path, PathBuf};

use super::archive::durable::{self, Access, InPlace};
use super::archive::lock::Lock;
use super::keys::error::KeysError;

use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::log::checkpoint::SignedCheckpoint;

/// How long a slot is: a note with an origin of 255 bytes and an Ed25519 line is shorter than a tenth of it.
pub const SLOT_BYTES: usize = 4096;

const SLOT_BYTES_U64: u64 = 4096;
const SLOT_COUNT: usize = 2;
const HEAD_BYTES: usize = 65;

/// The memory of a keyring, for the one process that signs.
pub struct Remembered {
    path: PathBuf,
    _lock: Lock,
    file: Option<InPlace>,
    /// The slot that the next checkpoint goes to.
    next: usize,
    /// The checkpoint with all its lines, to be left behind when the keyring is let go.
    whole: Option<Vec<u8>>,
}

impl Remembered {
    pub(super) fn open(folder: &Path, name: &str, now: Time) -> Result<Self, KeysError> {
        let lock = Lock::take(folder, now)?;
        let path = folder.join(name);
        let found = std::fs::read(&path).unwrap_or_default();
        let standing = newest_slot(&found);
        let file = standing.is_some().then(|| InPlace::open(&path)).transpose()?;
        let next = standing.map_or(0, |(slot, _)| (slot + 1) % SLOT_COUNT);
        Ok(Self { path, _lock: lock, file, next, whole: None })
    }

    /// Remembers a checkpoint, before anyone else sees it.
    ///
    /// # Errors
    /// When the disk is full or fails, or the note is longer than a slot: the checkpoint must not be published then.
    pub fn remember(&mut self, checkpoint: &[u8]) -> Result<(), KeysError> {
        let Some(slot) = slot_of(checkpoint) else { return Err(KeysError::TooLong { path: self.path.clone() }) };
        if let Some(file) = &mut self.file {
            let start = if self.next == 0 { 0 } else { SLOT_BYTES_U64 };
            file.write(start, &slot)?;
        } else {
            let empty = vec![0; SLOT_BYTES];
            durable::swap(&self.path, &[slot, empty].concat(), Access::Secret)?;
            self.file = Some(InPlace::open(&self.path)?);
            self.next = 0;
        }
        self.next = (self.next + 1) % SLOT_COUNT;
        Ok(())
    }

    /// Leaves a remembered checkpoint with all its lines behind when the keyring is let go; nothing after an error.
    pub fn leave(&mut self, whole: Option<Vec<u8>>) {
        self.whole = whole;
    }
}

impl Drop for Remembered {
    fn drop(&mut self) {
        if let Some(whole) = self.whole.take() {
            let _ = self.remember(&whole); // Its first line is remembered already.
        }
    }
}

/// Returns the note that counts in the bytes of the file; where there is none, all of them.
#[must_use]
pub fn newest(bytes: &[u8]) -> &[u8] {
    newest_slot(bytes).map_or(bytes, |(_, note)| note)
}

fn newest_slot(bytes: &[u8]) -> Option<(usize, &[u8])> {
    if bytes.len() != SLOT_COUNT * SLOT_BYTES {
        return None;
    }
    let slots = bytes.chunks(SLOT_BYTES).enumerate().filter_map(|(slot, bytes)| Some((slot, note_in(bytes)?)));
    let sized =
        slots.filter_map(|(slot, note)| Some((SignedCheckpoint::parse(note).ok()?.checkpoint().size, slot, note)));
    sized.max_by_key(|(size, _, note)| (*size, note.len())).map(|(_, slot, note)| (slot, note))
}

fn note_in(slot: &[u8]) -> Option<&[u8]> {
    let (head, rest) = slot.split_at_checked(HEAD_BYTES)?;
    let note = &rest[..rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len())];
    (head == head_of(note)).then_some(note)
}

fn slot_of(note: &[u8]) -> Option<Vec<u8>> {
    let mut slot = [&head_of(note), note].concat();
    if slot.len() > SLOT_BYTES || note.contains(&0) {
        return None;
    }
    slot.resize(SLOT_BYTES, 0);
    Some(slot)
}

fn head_of(note: &[u8]) -> Vec<u8> {
    format!("{}\n", Hash::of(note)).into_bytes()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests damage files")]
mod tests {
    use std::fs;

    use super::*;
    use crate::log::checkpoint::{Checkpoint, Origin};
    use crate::log::key::Ed25519SecretKey;
    use crate::log::vkey::{KeyName, NoteSecretKey, SignerKey};

    fn note(size: u64) -> Vec<u8> {
        let origin = Origin::new("remembered.test/log").unwrap();
        let key = NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[7; 32]));
        let key = SignerKey::new(KeyName::new(origin.as_str()).unwrap(), key);
        let checkpoint = Checkpoint { origin, size, root: Hash::of(&size.to_be_bytes()) };
        let now = Time::from_seconds(1_795_305_600).unwrap();
        SignedCheckpoint::sign(&checkpoint, now, &[key]).unwrap().encode()
    }

    fn open(folder: &Path) -> Result<Remembered, KeysError> {
        Remembered::open(folder, "newest-checkpoint", Time::from_seconds(1_795_305_600).unwrap())
    }

    #[test]
    fn a_torn_write_leaves_the_checkpoint_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("newest-checkpoint");
        let mut before: Option<Vec<u8>> = None;
        for size in 1..20 {
            // Opened anew each time, or not.
            let mut memory = open(folder.path()).unwrap();
            memory.remember(&note(2 * size)).unwrap();
            let standing = fs::read(&path).unwrap();
            assert_eq!(newest(&standing), note(2 * size));
            memory.remember(&note(2 * size + 1)).unwrap();
            let after = fs::read(&path).unwrap();
            assert_eq!(newest(&after), note(2 * size + 1));
            // Any beginning of the second write, over what stood.
            let changed: Vec<usize> = (0..after.len()).filter(|at| standing[*at] != after[*at]).collect();
            for end in &changed {
                let torn = [&after[..*end], &standing[*end..]].concat();
                // Of the slots only one differs.
                let before_slot = &standing[..changed[0] / SLOT_BYTES * SLOT_BYTES];
                let torn = [before_slot, &torn[before_slot.len()..]].concat();
                assert_eq!(newest(&torn), note(2 * size), "cut at {end}");
            }
            assert_ne!(before.replace(after), Some(standing));
        }
    }

    #[test]
    fn reads_a_note_by_itself_and_takes_it_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("newest-checkpoint");
        fs::write(&path, note(5)).unwrap();
        assert_eq!(newest(&fs::read(&path).unwrap()), note(5));
        let mut memory = open(folder.path()).unwrap();
        memory.remember(&note(6)).unwrap();
        assert_eq!(newest(&fs::read(&path).unwrap()), note(6));
        assert!(matches!(open(folder.path()), Err(KeysError::Lock(_))), "one at a time");
        let rubbish = vec![b'x'; SLOT_COUNT * SLOT_BYTES];
        assert_eq!(newest(&rubbish), rubbish, "what cannot be read is not nothing");
    }
}
