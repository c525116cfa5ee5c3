//! Verify: the bytes are found, the reader's policy is at hand, and `evidence::verify` judges.
//!
//! A bundle is opened defensively, whether it is a ZIP or a folder that somebody unpacked; nothing is
//! written. A record of an archive is judged by the same code, over tiles and packs.

use std::cell::{OnceCell, RefCell};
use std::io::{self, Write};
use std::path::Path;

use super::ahead::{Ahead, read_entry};
use super::anchors::anchors_for;
use super::audit::{Known, audit};
use super::calendars::Chain;
use super::catalogue::as_it_is;
use super::progress::Progress;
use super::read::{Log, Prover, ReadError};

use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::base::time::Time;
use crate::evidence::anchor::AnchorBytes;
use crate::evidence::bundle::folder::Folder;
use crate::evidence::bundle::read::Bundle;
use crate::evidence::bundle::zip::{self, ZipError};
use crate::evidence::verify::finding::NOBODY;
use crate::evidence::verify::source::{BlobFound, EntryBytes, Source, SourceError};
use crate::evidence::verify::{self, Check, Finding, Later, Report, Trust};
use crate::log::consistency::ConsistencyProof;
use crate::outside::archive::catalogue::Catalogue;
use crate::outside::archive::packs::PackError;
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::files::{FileBytes, FileFolder, FilesError};
use crate::outside::node::NodeError;
use crate::timestamp::opentimestamps::blocks::{Blocks, BlocksError};

/// How many captures before one are looked at before the log is walked for the one that it names: it is the first,
/// unless a document was captured under two records at once.
const LIKELY_COUNT: u64 = 4;

/// Verifies a bundle, a ZIP or an unpacked folder: one report for each of its subjects, at least one.
///
/// # Errors
/// [`FilesError`] when it cannot be read. What can be read and is no bundle gets a report that says so.
pub fn verify_bundle<'t>(path: &Path, trust: impl Into<Trust<'t>>, now: Time) -> Result<Vec<Report>, FilesError> {
    let trust = trust.into();
    let name = path.display().to_string();
    let refused = |expected: &str, found: String| {
        vec![verify::unopened(&name, vec![Finding::fails(Check::Files, expected, found)])]
    };
    if path.is_dir() {
        return Ok(match FileFolder::open(path) {
            Ok(folder) => verify_folder(&name, folder, trust, now),
            Err(error @ FilesError::Io { .. }) => return Err(error),
            Err(error) => refused("a folder of plain files", error.to_string()),
        });
    }
    Ok(match zip::Archive::open(FileBytes::open(path)?) {
        Ok(archive) => verify_folder(&name, archive, trust, now),
        Err(ZipError::Read { source, .. }) if source.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(FilesError::Io { path: path.to_owned(), source });
        }
        Err(error) => refused("a ZIP as bundles are", error.to_string()),
    })
}

/// Takes in, from a node, the headers of those blocks at which the proofs of a source end and which are not known.
///
/// # Errors
/// [`LearnError`] when the source cannot be read, or the node gives no header.
pub fn learn_blocks(
    source: &dyn Source,
    index: u64,
    named: u64,
    chain: &dyn Chain,
    known: &mut Blocks,
) -> Result<(), LearnError> {
    for anchor in source.anchors(index, named)? {
        let ends = anchor.complete_proofs().flat_map(|(_, proof)| proof.blocks().map(|(at, _)| at).collect::<Vec<_>>());
        let heights: Vec<u64> = ends.chain(anchor.headers.iter().map(|(height, _)| *height)).collect();
        for height in heights {
            if known.header(height).is_none() {
                known.add_header(height, chain.header(height)?)?;
            }
        }
    }
    Ok(())
}

/// Takes in the headers that a bundle needs; what is no bundle needs none.
///
/// # Errors
/// As [`learn_blocks`].
pub fn learn_blocks_of_bundle(path: &Path, chain: &dyn Chain, known: &mut Blocks) -> Result<(), LearnError> {
    let learn = |source: &dyn Source, known: &mut Blocks| learn_blocks(source, 0, 0, chain, known);
    if path.is_dir() {
        let Ok(folder) = FileFolder::open(path) else { return Ok(()) };
        return learn(&Bundle::open(folder), known);
    }
    let opened = FileBytes::open(path).ok().and_then(|bytes| zip::Archive::open(bytes).ok());
    opened.map_or(Ok(()), |archive| learn(&Bundle::open(archive), known))
}

/// Why no header was taken in.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum LearnError {
    #[error("your blocks and the node's")]
    Blocks(#[from] BlocksError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Verifies a bundle wherever its files lie; `name` is what a bundle without subjects is called.
pub fn verify_folder<'t>(name: &str, folder: impl Folder, trust: impl Into<Trust<'t>>, now: Time) -> Vec<Report> {
    let trust = trust.into();
    let bundle = Bundle::open(folder);
    if bundle.subjects().is_empty() {
        return vec![verify::unopened(name, bundle.files())];
    }
    bundle.subjects().iter().map(|subject| verify::verify(&bundle, subject, trust, now)).collect()
}

/// What a reader holds of a log at a later moment: an archive, or a bundle.
pub enum LaterLog {
    /// An archive's folder: it can prove that it has grown from what it was.
    Archive(Archive),
    /// A bundle: it says which keys count, and cannot prove what it has grown from.
    Bundle(Box<dyn Source>),
}

impl LaterLog {
    /// Opens whatever lies at a path.
    ///
    /// # Errors
    /// A [`LaterError`] when it is neither.
    pub fn open(path: &Path) -> Result<Self, LaterError> {
        if path.join("archive.toml").exists() {
            return Ok(Self::Archive(Archive::open(path)?));
        }
        if path.is_dir() {
            return Ok(Self::Bundle(Box::new(Bundle::open(FileFolder::open(path)?))));
        }
        Ok(Self::Bundle(Box::new(Bundle::open(zip::Archive::open(FileBytes::open(path)?)?))))
    }

    /// Does something with the log, once it was verified.
    ///
    /// # Errors
    /// [`LaterError::NotTrusted`] when it does not verify by the reader's policy itself.
    pub fn with<T>(&self, trust: Trust<'_>, act: impl FnOnce(Trust<'_>) -> T) -> Result<T, LaterError> {
        match self {
            Self::Archive(archive) => with_source(&ArchiveSource::published(archive)?, trust, act),
            Self::Bundle(bundle) => with_source(bundle.as_ref(), trust, act),
        }
    }
}

fn with_source<T>(source: &dyn Source, trust: Trust<'_>, act: impl FnOnce(Trust<'_>) -> T) -> Result<T, LaterError> {
    let later = Later::of(source, trust).map_err(|findings| {
        let found = findings
            .first()
            .map_or_else(String::new, |finding| format!("expected {}, found {}", finding.expected, finding.found));
        LaterError::NotTrusted { found }
    })?;
    Ok(act(Trust { later: Some(&later), ..trust }))
}

/// Why nothing can be judged by what is called a later state of the log.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum LaterError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error("the later log does not verify itself: {found}")]
    NotTrusted { found: String },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Zip(#[from] ZipError),
}

/// Verifies one record of an archive as it is published now.
///
/// # Errors
/// [`ReadError`] when there is no such archive or id.
pub fn verify_record<'t>(
    archive: &Archive,
    id: &Id,
    trust: impl Into<Trust<'t>>,
    now: Time,
) -> Result<Report, ReadError> {
    Ok(verify::verify(&ArchiveSource::published(archive)?, id, trust, now))
}

/// Verifies a whole archive: its checkpoint by the policy, and everything under it by an audit.
///
/// # Errors
/// [`ReadError`] when the archive has no checkpoint that can be read.
pub fn verify_archive(
    archive: &Archive,
    known: &Known,
    now: Time,
    progress: &dyn Progress,
) -> Result<Report, ReadError> {
    let genesis = Id { prefix: archive.settings().prefix.clone(), letter: 'G', index: 0 };
    let of_genesis = verify_record(archive, &genesis, known.trust(), now)?;
    let audited = audit(archive, known, progress);
    let mut findings = of_genesis.findings;
    findings.extend(audited.damage.iter().map(|damage| {
        Finding::fails(Check::Content, format!("{} as it was promised", damage.thing), damage.found.clone())
    }));
    if audited.is_clean() {
        let found =
            format!("{} entries and {} blobs, every hash, signature, tile and chain", audited.entries, audited.blobs);
        findings.push(Finding::holds(Check::Content, found, NOBODY));
    }
    let mut report = verify::unopened(&archive.settings().origin, findings);
    report.interval = of_genesis.interval;
    Ok(report)
}

/// An archive, as the verifier sees it.
pub struct ArchiveSource<'a> {
    log: Log<'a>,
    prover: Prover<'a>,
    checkpoint: Vec<u8>,
    /// The captures of the chain that is followed.
    ahead: RefCell<Ahead>,
    /// Where to look first; what is found there is compared with the log.
    catalogue: OnceCell<Option<Catalogue>>,
}

impl<'a> ArchiveSource<'a> {
    /// Takes the archive as it is published now.
    ///
    /// # Errors
    /// [`ReadError::Unpublished`] before the first checkpoint.
    pub fn published(archive: &'a Archive) -> Result<Self, ReadError> {
        let (log, head) = Log::published(archive)?;
        let (checkpoint, ahead) = (head.encode(), RefCell::default());
        Ok(Self { prover: log.prover(), log, checkpoint, ahead, catalogue: OnceCell::new() })
    }
}

impl Source for ArchiveSource<'_> {
    fn files(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Some(self.checkpoint.clone()))
    }

    fn entry(&self, index: u64) -> Result<Option<EntryBytes>, SourceError> {
        if index >= self.log.size() {
            return Ok(None);
        }
        if let Some(read) = self.ahead.borrow_mut().take(index) {
            return read.map(Some);
        }
        let read =
            |record| self.log.hinted_record(index, record).map_or_else(|| self.log.archive().packs().read(record), Ok);
        read_entry((&self.prover, &self.checkpoint), index, read).map(Some)
    }

    fn anchors(&self, index: u64, named: u64) -> Result<Vec<AnchorBytes>, SourceError> {
        anchors_for(&self.log, &[(index, named)])
            .map_err(|error| SourceError { name: "anchors".to_owned(), reason: with_causes(&error) })
    }

    fn find_statement(&self, statement: Hash, before: u64) -> Result<Option<u64>, SourceError> {
        let failed = |error: ReadError| SourceError { name: statement.to_string(), reason: with_causes(&error) };
        let mut ahead = self.ahead.borrow_mut();
        let found = ahead.find(statement, before).or_else(|| {
            ahead.begin(&self.log, &self.checkpoint, before);
            ahead.find(statement, before)
        });
        if found.is_some() {
            return Ok(found);
        }
        let catalogue = self.catalogue.get_or_init(|| as_it_is(self.log.archive()));
        let likely = catalogue.as_ref().and_then(|catalogue| catalogue.captures_before(before, LIKELY_COUNT).ok());
        for index in likely.unwrap_or_default() {
            if self.log.is_entry(index, statement) {
                return Ok(Some(index));
            }
        }
        self.log.find_entry(statement, before).map_err(failed)
    }

    fn withdrawals(&self, index: u64) -> Result<Vec<u64>, SourceError> {
        let failed = |error: ReadError| SourceError { name: format!("entry {index}"), reason: with_causes(&error) };
        Ok(self.log.withdrawn(index).map_err(failed)?.into_iter().map(|withdrawn| withdrawn.id.index).collect())
    }

    fn key_records(&self) -> Result<Vec<u64>, SourceError> {
        let failed = |error: ReadError| SourceError { name: "the key records".to_owned(), reason: with_causes(&error) };
        self.log.key_records().map_err(failed)
    }

    fn consistency(&self, size: u64) -> Result<Option<ConsistencyProof>, SourceError> {
        let failed = |reason: String| SourceError { name: format!("the log at size {size}"), reason };
        let made = ConsistencyProof::make(&self.log.archive().nodes(self.log.size()), size, self.log.size());
        made.map(Some).map_err(|error| failed(with_causes(&error)))
    }

    fn blob(&self, subject: &Id, hash: Hash) -> Result<BlobFound, SourceError> {
        let name = format!("blob {hash}");
        if self.log.hinted_blob(subject.index, hash).is_some() {
            return Ok(BlobFound::Blob);
        }
        match self.log.archive().packs().copy(hash, &mut io::sink()) {
            Ok(_) => Ok(BlobFound::Blob),
            Err(PackError::Missing { .. }) => Ok(BlobFound::Nothing { name }),
            Err(error @ PackError::Damaged { .. }) => Ok(BlobFound::Other { name, found: with_causes(&error) }),
            Err(error) => Err(SourceError { name, reason: with_causes(&error) }),
        }
    }

    fn copy_blob(&self, _subject: &Id, hash: Hash, target: &mut dyn Write) -> Result<(), SourceError> {
        let failed = |error: PackError| SourceError { name: format!("blob {hash}"), reason: with_causes(&error) };
        self.log.archive().packs().copy(hash, target).map(drop).map_err(failed)
    }
}
