//! What a source says that it found already is believed of what it was found, and of nothing else.

use std::io::Write;

use affiant::archivist::init::{Naming, Opened, open_or_create};
use affiant::archivist::places::Places;
use affiant::archivist::progress::Silent;
use affiant::archivist::verify::ArchiveSource;
use affiant::base::hash::Hash;
use affiant::base::id::Id;
use affiant::base::time::Time;
use affiant::evidence::anchor::AnchorBytes;
use affiant::evidence::record::{Body, Document, Vantage};
use affiant::evidence::verify::finding::{Check, Finding, Outcome};
use affiant::evidence::verify::source::{BlobFound, EntryBytes, EntryProof, Source, SourceError};
use affiant::evidence::verify::verify;
use affiant::log::checkpoint::Origin;
use affiant::log::inclusion::Included;
use affiant::log::policy::Policy;
use affiant::log::proof::Proof;
use affiant::outside::archive::Archive;

/// One full tile, whose nodes are listed, and some more.
const SIZE: u64 = 300;

const SUBJECT: u64 = 7;

fn now() -> Time {
    Time::from_seconds(1_679_315_147).unwrap()
}

fn archive_in(folder: &std::path::Path) -> Archive {
    let places = Places { archive: folder.join("archive"), keys: folder.join("keys") };
    let naming = Naming { origin: Some(Origin::new("affiant.example/log").unwrap()), ..Naming::default() };
    let Opened { mut appender, .. } = open_or_create(&places, &naming, None, now(), &Silent).unwrap();
    while appender.size() < SIZE {
        let document = Document {
            entity: None,
            title: None,
            document_type: None,
            url: format!("https://example.com/{}", appender.size()),
            vantage: Vantage { fetcher: "file".to_owned(), ..Vantage::default() },
            amends: None,
        };
        appender.append(Body::Document(document), now()).unwrap();
    }
    appender.publish(now()).unwrap();
    drop(appender);
    Archive::open(&places.archive).unwrap()
}

/// An archive that hands over the proof of its subject changed.
struct Changed<'s> {
    source: &'s ArchiveSource<'s>,
    change: &'s dyn Fn(&mut Proof, &mut Option<Included>),
}

impl Source for Changed<'_> {
    fn files(&self) -> Vec<Finding> {
        self.source.files()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, SourceError> {
        self.source.checkpoint()
    }

    fn entry(&self, index: u64) -> Result<Option<EntryBytes>, SourceError> {
        let mut entry = self.source.entry(index)?;
        if let Some(EntryBytes { proof: Some(EntryProof::Made(proof, included)), .. }) = &mut entry
            && index == SUBJECT
        {
            (self.change)(proof, included);
        }
        Ok(entry)
    }

    fn find_statement(&self, statement: Hash, before: u64) -> Result<Option<u64>, SourceError> {
        self.source.find_statement(statement, before)
    }

    fn anchors(&self, index: u64, named: u64) -> Result<Vec<AnchorBytes>, SourceError> {
        self.source.anchors(index, named)
    }

    fn withdrawals(&self, index: u64) -> Result<Vec<u64>, SourceError> {
        self.source.withdrawals(index)
    }

    fn key_records(&self) -> Result<Vec<u64>, SourceError> {
        self.source.key_records()
    }

    fn blob(&self, subject: &Id, hash: Hash) -> Result<BlobFound, SourceError> {
        self.source.blob(subject, hash)
    }

    fn copy_blob(&self, subject: &Id, hash: Hash, target: &mut dyn Write) -> Result<(), SourceError> {
        self.source.copy_blob(subject, hash, target)
    }
}

#[test]
fn a_place_that_was_shown_is_believed_of_that_entry_alone() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive_in(folder.path());
    let source = ArchiveSource::published(&archive).unwrap();
    let included = |index| source.entry(index).unwrap().unwrap().proof.unwrap().included();
    let (own, neighbour) = (included(SUBJECT), included(SUBJECT + 1));
    assert!(own.is_some() && neighbour.is_some() && own != neighbour);

    let id = Id { prefix: archive.settings().prefix.clone(), letter: 'D', index: SUBJECT };
    let outcome = |change: &dyn Fn(&mut Proof, &mut Option<Included>)| {
        let changed = Changed { source: &source, change };
        let report = verify(&changed, &id, None::<&Policy>, now());
        let mut places = report.findings.into_iter().filter(|finding| finding.check == Check::Inclusion);
        places.next().unwrap().outcome
    };
    assert_eq!(outcome(&|_, _| {}), Outcome::Holds);
    assert_eq!(outcome(&|_, said| *said = None), Outcome::Holds, "the proof is verified");
    assert_eq!(outcome(&|_, said| *said = neighbour), Outcome::Holds, "the proof is verified");
    for said_instead in [None, neighbour] {
        let forged = outcome(&|proof, said| {
            proof.path[0] = Hash::of(b"another");
            *said = said_instead;
        });
        assert_eq!(forged, Outcome::Fails, "{said_instead:?}");
    }
}
