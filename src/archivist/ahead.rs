//! Ahead: the captures of a chain are read before the verifier asks for them.
//!
//! Whoever verifies a capture follows its document's chain down to the first one, which may be hundreds of entries. Much of
//! what each costs is to read it and to prove its place, and needs nothing of what is found about the one before. So a
//! thread reads on where the hints lead, while the verifier judges what was read. As long as the verifier is behind, the
//! thread checks signatures too, so that both have as much to do.
//!
//! | quantity | unit    | range                                                                            |
//! |----------|---------|----------------------------------------------------------------------------------|
//! | ahead    | entries | at most `AHEAD_COUNT_MAX` wait, and `TOGETHER_COUNT_MAX` more are with either side |
//!
//! Nothing is taken from here but what is asked for next, and it is what would have been read in its place: the verifier
//! believes neither. Where the verifier goes another way, or the hints end, it reads for itself. That a signature was
//! checked here is said by a value that only the check can make, and of those very bytes ([`Fitting`]).
//!
//! [`Fitting`]: crate::evidence::statement::Fitting

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::iter;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;

use super::read::{Log, Prover};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::evidence::statement::Statement;
use crate::evidence::verify::source::{EntryBytes, EntryProof, SourceError};
use crate::log::key::Ed25519PublicKey;
use crate::log::proof::Proof;
use crate::outside::archive::members::MemberReader;
use crate::outside::archive::packs::PackError;
use crate::outside::archive::{Archive, ArchiveError};

/// How many entries wait to be asked for: some hundred kilobytes.
const AHEAD_COUNT_MAX: usize = 32;

/// How many entries are handed over together at most. To wake the other costs as much as a third of what an entry does.
const TOGETHER_COUNT_MAX: usize = 8;

/// Tells the key for statements that counts at an entry.
type KeyAt<'k> = &'k dyn Fn(u64) -> Option<Ed25519PublicKey>;

/// An entry that was read before it was asked for.
struct Read {
    index: u64,
    /// Its statement's SHA-256; nothing where there is no statement.
    entry: Option<Hash>,
    bytes: Result<EntryBytes, SourceError>,
}

/// The captures before one, newest first.
#[derive(Default)]
pub(super) struct Ahead {
    reading: Option<Receiver<VecDeque<Read>>>,
    /// Those that are asked for next.
    next: VecDeque<Read>,
}

impl Ahead {
    /// Begins to read the captures before the one at `index` of a log, where a hint leads to one.
    pub(super) fn begin(&mut self, log: &Log<'_>, checkpoint: &[u8], index: u64) {
        *self = Self::default();
        if log.archive().hint(index).previous.is_none() {
            return;
        }
        let (read, reading) = mpsc::sync_channel(AHEAD_COUNT_MAX / TOGETHER_COUNT_MAX);
        let (archive, size, checkpoint) = (log.archive().clone(), log.size(), checkpoint.to_vec());
        // It ends with the hints, or when nobody asks any more.
        let begun = thread::Builder::new().spawn(move || {
            let keys = OnceCell::new();
            let key_at = |index| {
                let keys = keys.get_or_init(|| Log::at(&archive, size).succession().ok());
                keys.as_ref().and_then(|keys| keys.statement_key(index))
            };
            let mut chain = read_chain(&archive, size, &checkpoint, index);
            let counts = iter::successors(Some(1), |count| Some((2 * count).min(TOGETHER_COUNT_MAX)));
            let mut together = counts.map(|count| chain.by_ref().take(count).collect::<VecDeque<_>>());
            while together.next().is_some_and(|some| !some.is_empty() && hand_over(&read, some, &key_at)) {}
        });
        self.reading = begun.is_ok().then_some(reading); // Without a thread nothing is read ahead.
    }

    /// Returns the next capture's index, when its statement is the one that is sought and it lies before `before`.
    pub(super) fn find(&mut self, statement: Hash, before: u64) -> Option<u64> {
        if self.next.is_empty() {
            self.next = self.reading.as_ref()?.recv().ok()?;
        }
        self.next.front().filter(|next| next.entry == Some(statement) && next.index < before).map(|next| next.index)
    }

    /// Takes what was read of the entry at `index`, when it is the next one.
    pub(super) fn take(&mut self, index: u64) -> Option<Result<EntryBytes, SourceError>> {
        let is_next = self.next.front().is_some_and(|next| next.index == index);
        is_next.then(|| self.next.pop_front())?.map(|next| next.bytes)
    }
}

/// Hands entries over; says whether anybody takes them. As long as the verifier is behind, its signatures are checked here.
fn hand_over(read: &SyncSender<VecDeque<Read>>, mut entries: VecDeque<Read>, key_at: KeyAt<'_>) -> bool {
    let mut unchecked = entries.len();
    loop {
        match read.try_send(entries) {
            Ok(()) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
            Err(TrySendError::Full(back)) => entries = back,
        }
        let Some(next) = unchecked.checked_sub(1) else { return read.send(entries).is_ok() };
        entries[next].check_signature(key_at);
        unchecked = next;
    }
}

impl Read {
    fn check_signature(&mut self, key_at: KeyAt<'_>) {
        let (Some(key), Ok(bytes)) = (key_at(self.index), &mut self.bytes) else { return };
        let statement = bytes.statement.as_deref().and_then(|bytes| Statement::decode(bytes).ok());
        bytes.fitting = statement.and_then(|statement| statement.fitting(&key));
    }
}

/// Reads the captures before the one at `index` where the hints lead.
fn read_chain(archive: &Archive, size: u64, checkpoint: &[u8], index: u64) -> impl Iterator<Item = Read> {
    let log = Log::at(archive, size);
    let prover = log.prover();
    let mut members = MemberReader::new(archive.packs()).ok();
    let hints = archive.hints();
    let mut previous = hints.read(index).previous;
    iter::from_fn(move || {
        let (index, members) = (previous?, members.as_mut()?);
        let hint = hints.read(index);
        previous = hint.previous;
        let read = |record| match hint.place {
            Some(place) => members.read(place.segment, place.offset, record),
            None => archive.packs().read(record),
        };
        let bytes = read_entry((&prover, checkpoint), index, read);
        let entry = bytes.as_ref().ok().and_then(|bytes| bytes.statement.as_deref()).map(Hash::of);
        Some(Read { index, entry, bytes })
    })
}

/// Reads what there is of an entry of a log, and proves its place under the log's checkpoint.
pub(super) fn read_entry(
    (prover, checkpoint): (&Prover<'_>, &[u8]),
    index: u64,
    read: impl FnOnce(Hash) -> Result<Vec<u8>, PackError>,
) -> Result<EntryBytes, SourceError> {
    let name = format!("entry {index}");
    let failed = |error: &dyn std::error::Error| SourceError { name: name.clone(), reason: with_causes(error) };
    let statement = match prover.statement(index) {
        Ok(statement) => statement,
        Err(ArchiveError::Missing { .. }) => return Ok(EntryBytes { name, ..EntryBytes::default() }),
        Err(error) => return Err(failed(&error)),
    };
    let record = match Statement::decode(&statement).map(|statement| statement.claim.record) {
        Ok(record) => match read(record) {
            Ok(record) => Some(record),
            Err(PackError::Missing { .. }) => None,
            Err(error) => return Err(failed(&error)),
        },
        Err(_) => None, // The verifier says why, from the same bytes.
    };
    let (inclusion, included) = prover.inclusion(index).map_err(|error| failed(&error))?;
    let proof = Some(EntryProof::Made(Proof::new(inclusion, checkpoint.to_vec()), included));
    Ok(EntryBytes { name, record, statement: Some(statement), proof, ..EntryBytes::default() })
}
