//! Append and publish: a record gets its place, and the place is promised.
//!
//! An [`Appender`] is the one sequencer of an archive. It gives each record its index, signs its statement,
//! and publishes what has gathered in one checkpoint: two fsyncs, one after the other, for a batch of any size. The
//! order of writes is that of [`crate::outside::archive::writer`].
//!
//! The *fence*, what [`Appender::open`] compares before it writes. The keyring remembers the newest checkpoint it has
//! signed, at N entries; the journal, where there is one, ends at J entries, and the published checkpoint is at P:
//!
//! | found                      | how it came about                                     | what is done                       |
//! |----------------------------|-------------------------------------------------------|------------------------------------|
//! | N = P, no journal          | the archive rests                                     | nothing                            |
//! | N ≤ J, P ≤ J               | a crash; the journal is fsynced before N is remembered | the journal is replayed, J signed and published |
//! | P > J                      | a crash while the journal began anew, or a copy of the files at different moments | the journal is passed over |
//! | N > P, N > J               | an older copy was restored, with its journal or without | refused: [`AppendError::RolledBack`], unless the tiles give the root signed at N, so that only the checkpoint is older |
//! | another root at N or P     | two copies were written under one key, or one was exchanged | refused: [`AppendError::Forked`] |
//! | another root at the base   | the journal of another copy lies here                 | refused: [`ArchiveError::OtherJournal`] |
//!
//! So these keys sign a tree twice at most, never two trees of one size: the tree of size N is durable before N is
//! remembered, N is durable before anyone sees it, and no smaller or other tree is signed once it is. A commit that was
//! made durable and not remembered is signed by the next writer; where it is lost with the whole archive, nobody was
//! told of it. Clocks play no part. Two copies of an archive with one keyring are kept apart by the keyring's lock while
//! both are open, and by N afterwards; two copies of the keyring too are for witnesses to see.

use std::path::PathBuf;

use crate::archivist::progress::Progress;
use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::record::{After, Anchor, Body, Document, Record, Software};
use crate::evidence::statement::{Claim, Statement};
use crate::log::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use crate::log::fork::ForkProof;
use crate::log::key::{Ed25519SecretKey, VerifierKey};
use crate::outside::archive::index::{Head, Index, IndexError, Known};
use crate::outside::archive::journal;
use crate::outside::archive::lock::Lock;
use crate::outside::archive::references::References;
use crate::outside::archive::spool::{Spool, Spooled};
use crate::outside::archive::withdrawn::{UNLISTED_COUNT_MAX, WithdrawnList};
use crate::outside::archive::writer::Writer;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::keys::{Keyring, KeysError, SecretKeys};
use crate::outside::remembered::Remembered;

use super::anchors::{newest_anchor, uncommitted_anchors};
use super::fork;
use super::read::{Log, ReadError};
use super::signer::Signer;
use super::withdraw::carried_out::{carry_out, carry_out_pending};

/// Where the writer's index lies in the archive.
const INDEX: &str = "index/writer";

/// The one sequencer of an archive.
pub struct Appender {
    writer: Writer,
    index: Index,
    remembered: Remembered,
    statement_key: Ed25519SecretKey,
    signer: Signer,
    origin: Origin,
    after: After,
    anchored: Option<After>,
    uncommitted: Vec<Anchor>,
    withdrawn: WithdrawnList,
    /// Whether a withdrawal was appended and not published yet.
    has_withdrawal: bool,
}

/// A record that has its place; promised after [`Appender::publish`].
#[derive(Clone, Debug)]
pub struct Appended {
    /// Its citation id.
    pub id: Id,
    /// The record.
    pub record: Record,
    /// The SHA-256 of its bytes.
    pub record_sha256: Hash,
    /// The SHA-256 of its statement: the log's entry.
    pub entry: Hash,
}

impl Appender {
    /// Takes up an archive where it was left: finishes a publication that a crash cut short, and catches the
    /// index up.
    ///
    /// # Errors
    /// An [`AppendError`]. [`AppendError::RolledBack`] and [`AppendError::Forked`] mean that the archive is not
    /// the one these keys last signed for: nothing is written then.
    pub fn open(
        archive: &Archive,
        keyring: &Keyring,
        keys: SecretKeys,
        now: Time,
        progress: &dyn Progress,
    ) -> Result<Self, AppendError> {
        let origin = Origin::new(&archive.settings().origin)?;
        let verifiers: Vec<VerifierKey> = keys.checkpoint.iter().map(|key| key.verifier().clone()).collect();
        let own = |bytes: Vec<u8>| own_checkpoint(&bytes, &origin, &verifiers);
        let lock = Lock::take(archive.folder(), now).map_err(ArchiveError::Lock)?;
        let remembered = keyring.remembered(now)?;
        let found = journal::read(archive.folder()).map_err(ArchiveError::Journal)?;
        let published = match archive.checkpoint()?.map(own).transpose() {
            // After a loss of power the file may be anything, and the journal holds what it promised.
            Err(AppendError::Checkpoint(_)) if found.as_ref().is_some_and(|found| !found.commits.is_empty()) => None,
            other => other?,
        };
        let newest = keyring.newest_checkpoint()?.map(own).transpose()?;

        let published_size = published.as_ref().map_or(0, |published| published.checkpoint().size);
        let mut writer = Writer::open(archive, lock, published_size, found)?;
        if let Some(published) = &published {
            match_published(&writer, published.checkpoint())?;
        }
        if let Some(newest) = newest {
            let checkpoint = newest.checkpoint().clone();
            writer = match_newest(writer, &checkpoint, now).map_err(|error| match published {
                // Both are signed, so anyone can be shown it.
                Some(published) if published.checkpoint().size == checkpoint.size => {
                    proven(error, keyring, published, newest)
                }
                _ => error,
            })?;
        }
        let after = After { size: writer.size(), root: writer.root(), tokens: Vec::new() };
        let signer = Signer::start(keys.checkpoint).map_err(AppendError::Thread)?;
        let index = Index::open(&archive.folder().join(INDEX))?;
        let (withdrawn, has_withdrawal) = (WithdrawnList::default(), false);
        let statement_key = keys.statement;
        let mut appender = Self {
            writer,
            index,
            remembered,
            statement_key,
            signer,
            origin,
            after,
            anchored: None,
            uncommitted: Vec::new(),
            withdrawn,
            has_withdrawal,
        };
        if appender.size() > published_size || appender.writer.is_replayed() {
            appender.sign_and_swap(now)?;
        }
        appender.writer.settle()?;
        appender.index = caught_up(archive, &appender.writer, appender.index, progress)?;
        appender.withdrawn = carry_out(&mut appender.writer, &Log::at(archive, appender.after.size))?;
        appender.take_anchors()?;
        Ok(appender)
    }

    /// Takes up the anchors that are held now: the next records name the newest, and the next publication commits to
    /// those to which the log has not.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn take_anchors(&mut self) -> Result<(), AppendError> {
        let (writer, index) = (&self.writer, &self.index);
        let root_at = |size| writer.root_at(size).ok();
        self.anchored = newest_anchor(writer.archive(), self.after.size, root_at)?;
        let is_committed = |proof| Ok::<_, AppendError>(index.is_anchored(proof)?);
        self.uncommitted = uncommitted_anchors(writer.archive(), self.after.size, root_at, is_committed)?;
        Ok(())
    }

    /// Returns how many entries the log has, unpublished ones included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.writer.size()
    }

    /// Returns how many entries the newest checkpoint promises: what can be read.
    #[must_use]
    pub fn published_size(&self) -> u64 {
        self.after.size
    }

    /// Returns the archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        self.writer.archive()
    }

    /// Starts receiving a blob.
    #[must_use]
    pub fn spool(&self) -> Spool {
        self.writer.spool()
    }

    /// Keeps a blob that the next record will name.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn keep(&mut self, blob: &Spooled) -> Result<(), AppendError> {
        Ok(self.writer.keep(blob)?)
    }

    /// Returns what came last, to be shared with those who compress.
    #[must_use]
    pub fn references(&self) -> References {
        self.index.references()
    }

    /// Looks a document up by its address and vantage.
    ///
    /// # Errors
    /// [`AppendError::Index`].
    pub fn document(&self, document: &Document) -> Result<Option<Known>, AppendError> {
        Ok(self.index.document(document.key())?)
    }

    /// Returns the newest capture of a history.
    ///
    /// # Errors
    /// [`AppendError::Index`].
    pub fn head(&self, history: u64) -> Result<Option<Head>, AppendError> {
        Ok(self.index.head(history)?)
    }

    /// Returns the newest capture of a history that a visit merely confirms.
    ///
    /// # Errors
    /// [`AppendError::Index`].
    pub fn same(&self, history: u64, visit: &crate::evidence::record::Visit) -> Result<Option<u64>, AppendError> {
        let same = self.index.same(history, visit)?;
        // What is withdrawn confirms nothing: the same text seen again is a capture of its own.
        Ok(same.filter(|capture| self.withdrawn.of(*capture).next().is_none()))
    }

    /// Gives a record its place and signs it; promised after [`Appender::publish`].
    ///
    /// # Errors
    /// When the disk is full or fails. Drop the appender then: nothing of the batch was promised.
    pub fn append(&mut self, body: Body, made: Time) -> Result<Appended, AppendError> {
        let record = Record {
            origin: self.origin.as_str().to_owned(),
            index: self.writer.size(),
            made,
            after: self.anchored.clone().unwrap_or_else(|| self.after.clone()),
            software: software(),
            body,
        };
        let bytes = record.encode();
        debug_assert_eq!(Record::decode(&bytes).as_ref().map(Record::encode), Ok(bytes.clone()));
        let blob = Spooled::from_bytes(bytes);
        self.writer.keep(&blob)?;
        let id = record.id(&self.writer.archive().settings().prefix);
        let claim =
            Claim { issuer: record.origin.clone(), subject: id.to_string(), issued_at: made, record: blob.hash };
        let statement = Statement::sign(claim, &self.statement_key);
        self.writer.append(statement.as_bytes());
        self.index.learn(&record, statement.entry())?;
        self.has_withdrawal |= matches!(record.body, Body::Withdrawal(_));
        Ok(Appended { id, record, record_sha256: blob.hash, entry: statement.entry() })
    }

    /// Makes all that was appended durable and swaps in the checkpoint that promises it.
    ///
    /// # Errors
    /// When the disk is full or fails. Drop the appender then; opening another finds what is published.
    pub fn publish(&mut self, now: Time) -> Result<SignedCheckpoint, AppendError> {
        // An anchor has its record in the publication that follows it: its own would be one that nobody dated.
        for anchor in std::mem::take(&mut self.uncommitted) {
            self.append(Body::Anchor(anchor), now)?;
        }
        let signed = self.sign_and_swap(now)?;
        let Checkpoint { size, root, .. } = *signed.checkpoint();
        self.index.cover(size, root)?;
        self.after = After { size, root, tokens: Vec::new() };
        self.carry_out_withdrawals()?;
        Ok(signed)
    }

    /// Commits to the anchors that the log has no record of yet, in a publication of their own, when there are any; says
    /// whether there were.
    ///
    /// # Errors
    /// As [`Appender::publish`].
    pub fn publish_anchors(&mut self, now: Time) -> Result<bool, AppendError> {
        let has_any = !self.uncommitted.is_empty();
        if has_any {
            self.publish(now)?;
        }
        Ok(has_any)
    }

    /// Makes all that was published durable in its place and empties the journal, as dropping the appender does too.
    ///
    /// # Errors
    /// When the disk fails. Nothing is lost: the journal stays.
    pub fn settle(&mut self) -> Result<(), AppendError> {
        Ok(self.writer.settle()?)
    }

    fn sign_and_swap(&mut self, now: Time) -> Result<SignedCheckpoint, AppendError> {
        let signed = self.try_sign_and_swap(now);
        if signed.is_err() {
            self.writer.abandon();
        }
        self.remembered.leave(signed.as_ref().ok().map(SignedCheckpoint::encode));
        signed
    }

    fn try_sign_and_swap(&mut self, now: Time) -> Result<SignedCheckpoint, AppendError> {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.writer.size(), root: self.writer.root() };
        let signing = self.signer.begin(&checkpoint, now);
        self.writer.commit()?;
        let (first, rest) = signing.first()?;
        self.remembered.remember(&first.encode())?;
        let all = rest.all()?;
        self.writer.publish(&all.encode())?;
        Ok(all)
    }

    /// Looks through all withdrawals again, and takes out of the packs what is still there. Says how many blobs went.
    ///
    /// # Errors
    /// When the archive cannot be read or written.
    pub fn carry_out_all(&mut self) -> Result<usize, AppendError> {
        let archive = self.writer.archive().clone();
        let mut list = WithdrawnList { done: 0, ..Log::at(&archive, self.after.size).withdrawn_list()? };
        let carried = carry_out_pending(&mut self.writer, &Log::at(&archive, self.after.size), &mut list)?;
        self.withdrawn = list;
        Ok(carried)
    }

    fn carry_out_withdrawals(&mut self) -> Result<(), AppendError> {
        let is_due =
            std::mem::take(&mut self.has_withdrawal) || self.after.size - self.withdrawn.size >= UNLISTED_COUNT_MAX;
        if is_due {
            let archive = self.writer.archive().clone();
            self.withdrawn = carry_out(&mut self.writer, &Log::at(&archive, self.after.size))?;
        }
        Ok(())
    }
}

/// Reads a checkpoint of this very log, signed by one of its keys.
fn own_checkpoint(bytes: &[u8], origin: &Origin, keys: &[VerifierKey]) -> Result<SignedCheckpoint, AppendError> {
    let signed = SignedCheckpoint::parse(bytes)?;
    if signed.checkpoint().origin != *origin {
        let (expected, found) = (origin.clone(), signed.checkpoint().origin.clone());
        return Err(AppendError::OtherLog { expected, found });
    }
    signed.verify(keys)?;
    Ok(signed)
}

/// Compares the archive with the checkpoint that it publishes.
fn match_published(writer: &Writer, published: &Checkpoint) -> Result<(), AppendError> {
    let Checkpoint { size, root, .. } = *published;
    let found = writer.root_at(size)?;
    if found == root { Ok(()) } else { Err(AppendError::Forked { size, signed: root, found }) }
}

/// Compares the archive with the newest checkpoint its keys have signed. Where the archive has what that promises and
/// only its checkpoint is older, the log is taken up there.
fn match_newest(writer: Writer, newest: &Checkpoint, now: Time) -> Result<Writer, AppendError> {
    let Checkpoint { size, root, .. } = *newest;
    let found = match writer.root_at(size) {
        Ok(found) => found,
        Err(_) if size > writer.size() => {
            return Err(AppendError::RolledBack { signed: size, found: writer.size() });
        }
        Err(error) => return Err(error.into()),
    };
    if found != root {
        return Err(if size > writer.size() {
            AppendError::RolledBack { signed: size, found: writer.size() }
        } else {
            AppendError::Forked { size, signed: root, found }
        });
    }
    if size <= writer.size() {
        return Ok(writer);
    }
    let archive = writer.archive().clone();
    drop(writer);
    let lock = Lock::take(archive.folder(), now).map_err(ArchiveError::Lock)?;
    Ok(Writer::open(&archive, lock, size, None)?)
}

/// Keeps the proof of a fork beside the newest checkpoint, when the error is one.
fn proven(error: AppendError, keyring: &Keyring, published: SignedCheckpoint, newest: SignedCheckpoint) -> AppendError {
    let Ok(proof) = ForkProof::new(published, newest) else { return error };
    match fork::keep(keyring.folder(), &proof) {
        Ok(proof) => AppendError::ForkProven { fork: Box::new(error), proof },
        Err(_) => error, // A keyring that cannot be written keeps nothing, and the fork is what matters.
    }
}

/// Lets the index learn what it has not seen.
fn caught_up(archive: &Archive, writer: &Writer, index: Index, progress: &dyn Progress) -> Result<Index, AppendError> {
    let start = match index.covered() {
        Ok(Some((size, root))) if size <= writer.size() && writer.root_at(size).is_ok_and(|found| found == root) => {
            size
        }
        Ok(None) if writer.size() == 0 => 0,
        _ => {
            drop(index);
            return rebuilt(archive, writer, Index::anew(&archive.folder().join(INDEX))?, 0, progress);
        }
    };
    rebuilt(archive, writer, index, start, progress)
}

fn rebuilt(
    archive: &Archive,
    writer: &Writer,
    mut index: Index,
    start: u64,
    progress: &dyn Progress,
) -> Result<Index, AppendError> {
    let size = writer.size();
    if start == size {
        return Ok(index);
    }
    let log = Log::at(archive, size);
    let act = progress.begin("indexing", Some(size - start));
    let mut reader = log.reader()?;
    for number in start..size {
        match reader.entry(number) {
            Ok(entry) => index.learn(&entry.record, entry.statement.entry())?,
            Err(ReadError::Withdrawn { withdrawn, .. }) => {
                let statement = Hash::of(&archive.statement(number, size)?);
                let record = withdrawn.entry.record.as_ref().expect("a record that is withdrawn is named");
                index.learn_withdrawn(number, statement, &record.link)?;
            }
            Err(error) => return Err(error.into()),
        }
        act.advance(1);
    }
    index.cover(size, writer.root())?;
    Ok(index)
}

/// Returns what this program calls itself in a record.
#[must_use]
pub fn software() -> Software {
    Software {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("AFFIANT_COMMIT").unwrap_or("unknown").to_owned(),
    }
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum AppendError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error(
        "at size {size} these keys have signed the root {signed}, and the archive has {found}: another log has grown here"
    )]
    Forked { size: u64, signed: Hash, found: Hash },
    #[error("{fork}; both are signed, and `{}` proves it", proof.display())]
    ForkProven { fork: Box<AppendError>, proof: PathBuf },
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the checkpoint is of `{found}`, and this archive is `{expected}`")]
    OtherLog { expected: Origin, found: Origin },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(
        "these keys have signed a log of {signed} entries, and the archive holds {found}: it was restored from an older copy"
    )]
    RolledBack { signed: u64, found: u64 },
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}
