//! Append and publish: a record gets its place, and the place is promised.
//!
//! An [`Appender`] is the one sequencer of an archive. It gives each record its index, signs its statement,
//! and publishes what has gathered in one checkpoint: two fsyncs, one after the other, for a batch of any size. Who
//! must not lose what he has, and cannot wait for more to come, commits in between ([`Appender::commit`]): one fsync, and
//! no signature of a tree. The order of writes is that of [`crate::outside::archive::writer`]; which archive may be written at
//! all is for [`super::fence`].

use crate::archivist::progress::Progress;
use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::record::{
    After, Anchor, Body, Change, Document, KeyChange, KeyPurpose, KeySignature, NamedKey, Record, RecordError, Software,
};
use crate::evidence::statement::{Claim, Statement};
use crate::evidence::succession::{Standing, Succession, SuccessionError};
use crate::log::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use crate::log::key::{Ed25519Signer, KeyError};
use crate::log::note::NoteSignature;
use crate::log::vkey::VerifierKey;
use crate::outside::archive::index::{Head, IndexError, Known};
use crate::outside::archive::packs::{Repacked, Wishes};
use crate::outside::archive::references::References;
use crate::outside::archive::spool::{Spool, Spooled};
use crate::outside::archive::withdrawn::{UNLISTED_COUNT_MAX, WithdrawnList};
use crate::outside::archive::writer::Writer;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::keys::{Counting, KeyPool, Keyring, KeysError, SecretKeys};
use crate::outside::remembered::Remembered;

use super::anchors::{newest_anchor, uncommitted_anchors};
use super::derived::{Derived, DerivedError};
use super::fence::{self, FenceError, Passed};
use super::read::{Log, ReadError};
use super::signer::Signer;
use super::succession::newest_keys;
use super::withdraw::carried_out::{CarryOutError, carry_out, carry_out_pending};

/// The one sequencer of an archive.
pub struct Appender {
    /// Before the writer, whose lock is let go last.
    derived: Derived,
    writer: Writer,
    remembered: Remembered,
    keys: Result<Signing, KeysError>,
    pool: KeyPool,
    /// Which keys count where; nothing before entry 0 is there.
    succession: Option<Succession>,
    origin: Origin,
    after: After,
    anchored: Option<After>,
    uncommitted: Vec<Anchor>,
    withdrawn: WithdrawnList,
    /// Whether a withdrawal was appended and not published yet.
    has_withdrawal: bool,
}

/// The keys that count where the log ends.
struct Signing {
    statement: Ed25519Signer,
    log: Vec<VerifierKey>,
    signer: Signer,
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
    /// An [`AppendError`]. [`FenceError::RolledBack`] and [`FenceError::Forked`] mean that the archive is not the one these
    /// keys last signed for: nothing is written then.
    pub fn open(
        archive: &Archive,
        keyring: &Keyring,
        keys: &SecretKeys,
        now: Time,
        progress: &dyn Progress,
    ) -> Result<Self, AppendError> {
        let appender = Self::open_with(archive, keyring, keys.pool().clone(), now, progress)?;
        appender.with_keys()
    }

    /// Takes up an archive of which not every key is at hand: for the record that names others in their place.
    ///
    /// # Errors
    /// As [`Appender::open`].
    pub fn open_with(
        archive: &Archive,
        keyring: &Keyring,
        pool: KeyPool,
        now: Time,
        progress: &dyn Progress,
    ) -> Result<Self, AppendError> {
        let origin = Origin::new(&archive.settings().origin)?;
        let Passed { writer, remembered, published_size } = fence::pass(archive, keyring, &pool, &origin, now)?;
        let after = After { size: writer.size(), root: writer.root(), tokens: Vec::new() };
        let succession = succession_of(archive, writer.size())?;
        let keys = signing(&pool, succession.as_ref(), writer.size())?;
        let derived = Derived::open(&writer, published_size)?;
        let (withdrawn, has_withdrawal) = (WithdrawnList::default(), false);
        let mut appender = Self {
            writer,
            derived,
            remembered,
            keys,
            pool,
            succession,
            origin,
            after,
            anchored: None,
            uncommitted: Vec::new(),
            withdrawn,
            has_withdrawal,
        };
        if appender.size() > published_size || appender.writer.is_replayed() {
            if appender.keys.is_err() {
                // What a crash left is published with the record that names the keys in their place.
                appender.derived = appender.derived.caught_up(&appender.writer, progress)?;
                return Ok(appender);
            }
            appender.sign_and_swap(now)?;
        }
        appender.writer.settle()?;
        // The log is durable as far as it says which keys count.
        appender.settle_keys(keyring)?;
        appender.derived = appender.derived.caught_up(&appender.writer, progress)?;
        let grouped = appender.derived.group(archive, appender.after.size);
        grouped.inspect_err(|_| appender.writer.abandon())?;
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
        let (writer, index) = (&self.writer, &self.derived.index);
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
        self.derived.index.references()
    }

    /// Looks a document up by its address and vantage.
    ///
    /// # Errors
    /// [`AppendError::Index`].
    pub fn document(&self, document: &Document) -> Result<Option<Known>, AppendError> {
        Ok(self.derived.index.document(document.key())?)
    }

    /// Returns the newest capture of a history.
    ///
    /// # Errors
    /// [`AppendError::Index`].
    pub fn head(&self, history: u64) -> Result<Option<Head>, AppendError> {
        Ok(self.derived.index.head(history)?)
    }

    /// Returns the newest capture of a history that a visit merely confirms.
    ///
    /// # Errors
    /// [`AppendError::Index`].
    pub fn same(&self, history: u64, visit: &crate::evidence::record::Visit) -> Result<Option<u64>, AppendError> {
        let same = self.derived.index.same(history, visit)?;
        // What is withdrawn confirms nothing: the same text seen again is a capture of its own.
        Ok(same.filter(|capture| self.withdrawn.of(*capture).next().is_none()))
    }

    /// Gives a record its place and signs it; promised after [`Appender::publish`].
    ///
    /// # Errors
    /// When the disk is full or fails. Drop the appender then: nothing of the batch was promised.
    pub fn append(&mut self, body: Body, made: Time) -> Result<Appended, AppendError> {
        let record = self.record(body, made);
        self.append_record(record)
    }

    /// Changes the keys: the record gets its place, signed by those who must; promised after [`Appender::publish`]. From
    /// then on the keys that count are those that the pool has.
    ///
    /// # Errors
    /// [`AppendError::Succession`] when it would not leave the archive its keys, [`KeysError::NotHeld`] when a key that must
    /// sign is not in the pool.
    pub fn change_keys(
        &mut self,
        changes: Vec<Change>,
        reason: Option<String>,
        pool: KeyPool,
        made: Time,
    ) -> Result<Appended, AppendError> {
        let Some(succession) = &self.succession else { return Err(ReadError::NotGenesis.into()) };
        let index = self.writer.size();
        let recovery = pool.find(&|public| succession.is_recovery(public));
        let needed = succession.must_sign(index, &changes, recovery.as_deref());
        let change = KeyChange::draft(changes, reason);
        let mut record = self.record(Body::Key(change.clone()), made);
        let message = record.to_be_signed_by_keys();
        let sign = |key: &NamedKey| {
            let signature = pool.sign(&key.public, &message)?;
            let signature = signature.ok_or_else(|| KeysError::NotHeld { fingerprint: key.fingerprint() })?;
            Ok(KeySignature { public: key.public.clone(), algorithm: key.algorithm.clone(), signature })
        };
        let signatures = needed.iter().map(sign).collect::<Result<_, KeysError>>()?;
        record.body = Body::Key(change.with(signatures));
        // Read back, as everybody will: the change counts for us only if it does for them.
        let record = Record::decode(&record.encode())?;
        let mut next = succession.clone();
        next.take(&record)?;
        let keys = signing(&pool, Some(&next), index + 1)?;
        if let Err(error) = keys {
            return Err(error.into());
        }
        (self.keys, self.pool, self.succession) = (keys, pool, Some(next));
        self.append_record(record)
    }

    /// Gives the files of the keyring the names that the published log asks for.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn settle_keys(&self, keyring: &Keyring) -> Result<(), AppendError> {
        let Some(succession) = self.succession.as_ref().filter(|succession| succession.newest().is_some()) else {
            return Ok(());
        };
        let last = self.size().saturating_sub(1);
        let Some(statement) = succession.statement_key(last) else { return Ok(()) };
        let log = succession.checkpoint_keys(last);
        let is_distrusted = |key: &VerifierKey| {
            let standing = succession.standing(KeyPurpose::Checkpoint, key.key().as_bytes(), last);
            matches!(standing, Standing::Distrusted(_))
        };
        let distrusted: Vec<VerifierKey> =
            succession.checkpoint_keys_ever().into_iter().filter(is_distrusted).collect();
        let Some(recovery) = succession.recoveries().last().map(|recovery| recovery.sha256) else { return Ok(()) };
        let counting = Counting { statement: statement.as_bytes(), log: &log, recovery, distrusted: &distrusted };
        Ok(keyring.settle(&counting, &self.pool)?)
    }

    /// Returns which keys count where; nothing before entry 0 is there.
    #[must_use]
    pub fn succession(&self) -> Option<&Succession> {
        self.succession.as_ref()
    }

    fn with_keys(mut self) -> Result<Self, AppendError> {
        match std::mem::replace(&mut self.keys, Err(KeysError::NotHeld { fingerprint: String::new() })) {
            Ok(keys) => Ok(Self { keys: Ok(keys), ..self }),
            Err(error) => Err(error.into()),
        }
    }

    fn signing(&mut self) -> Result<&mut Signing, AppendError> {
        match &mut self.keys {
            Ok(keys) => Ok(keys),
            Err(KeysError::NotHeld { fingerprint }) => {
                Err(KeysError::NotHeld { fingerprint: fingerprint.clone() }.into())
            }
            Err(_) => Err(KeysError::NotHeld { fingerprint: "of the archive".to_owned() }.into()),
        }
    }

    fn record(&self, body: Body, made: Time) -> Record {
        Record {
            origin: self.origin.as_str().to_owned(),
            index: self.writer.size(),
            made,
            after: self.anchored.clone().unwrap_or_else(|| self.after.clone()),
            software: software(),
            key_record: self.succession.as_ref().and_then(|keys| keys.newest_before(self.writer.size())),
            body,
        }
    }

    fn append_record(&mut self, record: Record) -> Result<Appended, AppendError> {
        let made = record.made;
        let bytes = record.encode();
        debug_assert_eq!(Record::decode(&bytes).as_ref().map(Record::encode), Ok(bytes.clone()));
        let blob = Spooled::from_bytes(bytes);
        self.writer.keep_record(&blob)?;
        let id = record.id(&self.writer.archive().settings().prefix);
        let claim =
            Claim { issuer: record.origin.clone(), subject: id.to_string(), issued_at: made, record: blob.hash };
        let statement = Statement::sign(claim, &self.signing()?.statement)?;
        if self.succession.is_none()
            && let Body::Genesis(genesis) = &record.body
        {
            self.succession = Some(Succession::begin(genesis, &record.origin));
        }
        self.writer.append(statement.as_bytes());
        self.derived.index.learn(&record, statement.entry(), self.writer.place(blob.hash))?;
        self.has_withdrawal |= matches!(record.body, Body::Withdrawal(_));
        Ok(Appended { id, record, record_sha256: blob.hash, entry: statement.entry() })
    }

    /// Makes all that was appended durable with one fsync: whatever dies now, the log goes on behind it. So what it was made
    /// from may be let go, a message of a queue or a file that was received. It is promised to nobody yet: no key has
    /// signed its tree and no reader sees it before the next [`Appender::publish`]. That is done here when the journal is long.
    ///
    /// # Errors
    /// As [`Appender::publish`].
    pub fn commit(&mut self, now: Time) -> Result<(), AppendError> {
        if self.writer.is_publication_due() {
            return self.publish(now).map(drop);
        }
        Ok(self.writer.commit()?)
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
        // A hint that cannot be written is no loss, but a disk that fails is not written on.
        let covered = self.derived.cover(self.writer.archive(), size, root);
        covered.inspect_err(|_| self.writer.abandon())?;
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
    /// When the disk fails. Nothing is lost: the journal stays. [`ArchiveError::Unpublished`] after [`Appender::commit`].
    pub fn settle(&mut self) -> Result<(), AppendError> {
        Ok(self.writer.settle()?)
    }

    fn sign_and_swap(&mut self, now: Time) -> Result<SignedCheckpoint, AppendError> {
        let signed = self.try_sign_and_swap(now);
        if signed.is_err() {
            self.writer.abandon();
        }
        let newest = self.keys.as_ref().map(|keys| newest_keys(&keys.log)).unwrap_or_default();
        let is_by = |line: &NoteSignature, key: &VerifierKey| *key.name() == line.name && key.id() == line.id;
        let only = |signed: &SignedCheckpoint| signed.only(|line| newest.iter().any(|key| is_by(line, key)));
        self.remembered.leave(signed.as_ref().ok().and_then(|signed| only(signed).ok()).map(|only| only.encode()));
        signed
    }

    fn try_sign_and_swap(&mut self, now: Time) -> Result<SignedCheckpoint, AppendError> {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.writer.size(), root: self.writer.root() };
        let Self { keys, writer, remembered, .. } = self;
        let Ok(Signing { signer, .. }) = keys else { return Err(ArchiveError::Broken.into()) };
        let signing = signer.begin(&checkpoint, now);
        writer.commit_in_place()?;
        let first = signing.first()?;
        remembered.remember(&first.signed.encode())?;
        let all = first.all()?;
        writer.publish(&all.encode())?;
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

    /// Compresses blobs again that were kept in haste; `passed` is told how many bytes were looked at.
    ///
    /// # Errors
    /// When the archive cannot be read or written. Nothing is lost.
    pub fn repack(&mut self, wishes: &Wishes, passed: &dyn Fn(u64)) -> Result<Repacked, AppendError> {
        Ok(self.writer.repack(wishes, passed)?)
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

/// Reads which keys count, once there is an entry that says so.
fn succession_of(archive: &Archive, size: u64) -> Result<Option<Succession>, AppendError> {
    Ok(if size == 0 { None } else { Some(Log::at(archive, size).succession()?) })
}

/// Takes the keys that count at the end of a log of some size.
fn signing(
    pool: &KeyPool,
    succession: Option<&Succession>,
    size: u64,
) -> Result<Result<Signing, KeysError>, AppendError> {
    let last = size.saturating_sub(1);
    let fitted = match succession {
        None => pool.current(),
        Some(succession) => match succession.statement_key(last) {
            Some(statement) => pool.fit(&statement, &succession.checkpoint_keys(last)),
            None => return Err(ReadError::NotGenesis.into()),
        },
    };
    let keys = match fitted {
        Ok(keys) => keys,
        Err(error) => return Ok(Err(error)),
    };
    let log = keys.checkpoint.iter().map(|key| key.verifier().clone()).collect();
    let signer = Signer::start(keys.checkpoint).map_err(AppendError::Thread)?;
    Ok(Ok(Signing { statement: keys.statement, log, signer }))
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
    #[error(transparent)]
    Derived(#[from] DerivedError),
    #[error(transparent)]
    Fence(#[from] FenceError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the key for statements")]
    Key(#[from] KeyError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("record")]
    Record(#[from] RecordError),
    #[error("the change of keys")]
    Succession(#[from] SuccessionError),
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl From<CarryOutError> for AppendError {
    fn from(error: CarryOutError) -> Self {
        match error {
            CarryOutError::Archive(error) => Self::Archive(error),
            CarryOutError::Read(error) => Self::Read(error),
        }
    }
}
