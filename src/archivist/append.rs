//! Append and publish: a record gets its place, and the place is promised.
//!
//! An [`Appender`] is the one sequencer of an archive. It gives each record its index, signs its statement,
//! and publishes what has gathered in one checkpoint: a handful of fsyncs for a batch of any size. The order
//! of writes is that of [`crate::outside::archive::writer`].

use std::path::PathBuf;

use crate::archivist::progress::Progress;
use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::record::{After, Anchor, Body, Document, Record, Software};
use crate::evidence::statement::{Claim, Statement};
use crate::log::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use crate::log::fork::ForkProof;
use crate::log::key::VerifierKey;
use crate::outside::archive::index::{Head, Index, IndexError, Known};
use crate::outside::archive::references::References;
use crate::outside::archive::spool::{Spool, Spooled};
use crate::outside::archive::withdrawn::{UNLISTED_COUNT_MAX, WithdrawnList};
use crate::outside::archive::writer::Writer;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::keys::{Keyring, KeysError, SecretKeys};

use super::anchors::{newest_anchor, uncommitted_anchors};
use super::fork;
use super::read::{Log, ReadError};
use super::withdraw::carried_out::{carry_out, carry_out_pending};

/// The one sequencer of an archive.
pub struct Appender {
    writer: Writer,
    index: Index,
    keyring: Keyring,
    keys: SecretKeys,
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
        let published = archive.checkpoint()?.map(|bytes| own_checkpoint(&bytes, &origin, &verifiers)).transpose()?;
        let newest = keyring.newest_checkpoint()?;
        let newest = newest.map(|bytes| own_checkpoint(&bytes, &origin, &verifiers)).transpose()?;

        let size = published.as_ref().map_or(0, |published| published.checkpoint().size);
        let mut writer = Writer::open(archive, size, now)?;
        if let Some(published) = &published
            && writer.root() != published.checkpoint().root
        {
            return Err(AppendError::Forked { size, signed: published.checkpoint().root, found: writer.root() });
        }
        if let Some(newest) = newest {
            let size = newest.checkpoint().size;
            writer = match_newest(writer, &newest, now).map_err(|error| match published {
                // Both are signed, so anyone can be shown it.
                Some(published) if published.checkpoint().size == size => proven(error, keyring, published, newest),
                _ => error,
            })?;
        }
        let after = After { size: writer.size(), root: writer.root(), tokens: Vec::new() };
        let index = caught_up(archive, &writer, progress)?;
        let withdrawn = carry_out(&mut writer, &Log::at(archive, after.size))?;
        let keyring = keyring.clone();
        let mut appender = Self {
            writer,
            index,
            keyring,
            keys,
            origin,
            after,
            anchored: None,
            uncommitted: Vec::new(),
            withdrawn,
            has_withdrawal: false,
        };
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
        let statement = Statement::sign(claim, &self.keys.statement);
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
        self.writer.write()?;
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.writer.size(), root: self.writer.root() };
        let signed = SignedCheckpoint::sign(&checkpoint, now, &self.keys.checkpoint)?;
        let bytes = signed.encode();
        let prepared = self.writer.prepare(&bytes)?;
        self.keyring.remember_checkpoint(&bytes)?;
        self.writer.publish(prepared)?;
        self.index.cover(checkpoint.size, checkpoint.root)?;
        self.after = After { size: checkpoint.size, root: checkpoint.root, tokens: Vec::new() };
        self.carry_out_withdrawals()?;
        Ok(signed)
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

/// Compares the archive with the newest checkpoint its keys have signed, and finishes a publication that a
/// crash cut short between remembering and swapping.
fn match_newest(writer: Writer, newest: &SignedCheckpoint, now: Time) -> Result<Writer, AppendError> {
    let Checkpoint { size, root, .. } = newest.checkpoint();
    let found = match writer.root_at(*size) {
        Ok(found) => found,
        Err(_) if *size > writer.size() => {
            return Err(AppendError::RolledBack { signed: *size, found: writer.size() });
        }
        Err(error) => return Err(error.into()),
    };
    if found != *root {
        return Err(if *size > writer.size() {
            AppendError::RolledBack { signed: *size, found: writer.size() }
        } else {
            AppendError::Forked { size: *size, signed: *root, found }
        });
    }
    if *size <= writer.size() {
        return Ok(writer);
    }
    // All that the newest checkpoint promises is on disk: swapping it in is what the crash prevented.
    let archive = writer.archive().clone();
    drop(writer);
    let mut writer = Writer::open(&archive, *size, now)?;
    let prepared = writer.prepare(&newest.encode())?;
    writer.publish(prepared)?;
    Ok(writer)
}

/// Keeps the proof of a fork beside the newest checkpoint, when the error is one.
fn proven(error: AppendError, keyring: &Keyring, published: SignedCheckpoint, newest: SignedCheckpoint) -> AppendError {
    let Ok(proof) = ForkProof::new(published, newest) else { return error };
    match fork::keep(keyring.folder(), &proof) {
        Ok(proof) => AppendError::ForkProven { fork: Box::new(error), proof },
        Err(_) => error, // A keyring that cannot be written keeps nothing, and the fork is what matters.
    }
}

/// Opens the index and lets it learn what it has not seen.
fn caught_up(archive: &Archive, writer: &Writer, progress: &dyn Progress) -> Result<Index, AppendError> {
    let folder = archive.folder().join("index/writer");
    let index = Index::open(&folder)?;
    let start = match index.covered() {
        Ok(Some((size, root))) if size <= writer.size() && writer.root_at(size).is_ok_and(|found| found == root) => {
            size
        }
        Ok(None) if writer.size() == 0 => 0,
        _ => {
            drop(index);
            return rebuilt(archive, writer, Index::anew(&folder)?, 0, progress);
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
}
