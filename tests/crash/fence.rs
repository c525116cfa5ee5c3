//! The fence: no older copy, no second copy and no other journal makes these keys sign another tree.

use std::fs;
use std::path::Path;

use affiant::archivist::append::AppendError;
use affiant::archivist::doctor::{Advice, examine};
use affiant::archivist::init::Opened;
use affiant::outside::archive::ArchiveError;

use super::life::{copy, document, now, open, places, reopen};

fn append(opened: &mut Opened, url: &str) -> u64 {
    let index = opened.appender.append(document(url), now()).unwrap().record.index;
    opened.appender.publish(now()).unwrap();
    index
}

fn commit(opened: &mut Opened, url: &str) {
    opened.appender.append(document(url), now()).unwrap();
    opened.appender.commit(now()).unwrap();
}

/// Puts a copy in place of a folder.
fn put_back(copied: &Path, folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
    copy(copied, folder);
}

fn refused(folder: &Path) -> String {
    open(folder).err().expect("it must not be written")
}

#[test]
fn an_older_copy_is_not_signed_anew_with_its_journal_or_without() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, kept) = (folder.path().join("archive"), folder.path().join("kept"));
    let mut opened = open(folder.path()).unwrap();
    fs::create_dir(&kept).unwrap();
    fs::copy(archive.join("checkpoint"), kept.join("first")).unwrap();
    append(&mut opened, "https://example.com/1");
    copy(&archive, &kept.join("live"));
    assert!(kept.join("live/journal").exists(), "a copy of an archive at work");
    append(&mut opened, "https://example.com/2");
    drop(opened);
    copy(&archive, &kept.join("newest"));

    put_back(&kept.join("live"), &archive);
    assert!(refused(folder.path()).contains("have signed a log of 3 entries, and the archive holds 2"));
    // What its journal holds and its checkpoint does not promise makes the copy no newer.
    let older = kept.join("older");
    copy(&folder.path().join("keys"), &older.join("keys"));
    put_back(&kept.join("live"), &archive);
    copy(&archive, &older.join("archive"));
    fs::copy(kept.join("first"), older.join("archive/checkpoint")).unwrap();
    let advice = examine(&places(&older), now());
    assert!(advice.iter().any(|advice| advice.found.contains("have signed a log of 3 entries")), "{advice:#?}");
    put_back(&kept.join("live"), &archive);
    fs::remove_file(archive.join("journal")).unwrap();
    assert!(refused(folder.path()).contains("have signed a log of 3 entries, and the archive holds 2"));

    put_back(&kept.join("newest"), &archive);
    assert_eq!(append(&mut open(folder.path()).unwrap(), "https://example.com/3"), 3);
}

/// What is committed is signed by nobody, so either of two copies may go on, and only one.
#[test]
fn of_two_copies_with_other_commits_one_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, other) = (folder.path().join("archive"), folder.path().join("other"));
    let mut opened = open(folder.path()).unwrap();
    let before = opened.archive.checkpoint().unwrap();
    commit(&mut opened, "https://example.com/both");
    copy(&archive, &other);
    commit(&mut opened, "https://example.com/here");
    assert!(matches!(opened.appender.settle(), Err(AppendError::Archive(ArchiveError::Unpublished))));
    assert_eq!(opened.archive.checkpoint().unwrap(), before, "readers see nothing of it");
    drop(opened);
    assert!(archive.join("journal").exists(), "the journal alone has it");
    let advice = examine(&places(folder.path()), now());
    let said = |advice: &Advice| advice.found == "the journal holds entries up to 3, and 1 are published";
    assert!(advice.iter().any(said), "{advice:#?}");

    let here = folder.path().join("here");
    fs::rename(&archive, &here).unwrap();
    fs::rename(&other, &archive).unwrap();
    let opened = open(folder.path()).unwrap();
    assert_eq!(opened.appender.published_size(), 2, "the copy goes on behind what both have");
    drop(opened);
    let mut opened = open(folder.path()).unwrap();
    append(&mut opened, "https://example.com/there");
    drop(opened);
    put_back(&here, &archive);
    assert!(refused(folder.path()).contains("another log has grown here"));
}

#[test]
fn a_commit_publishes_where_the_journal_is_long() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let mut appender = reopen(folder.path(), 1 << 20, 3000).unwrap();
    let sizes = (0..12).map(|n| {
        appender.append(document(&format!("https://example.com/{n}")), now()).unwrap();
        appender.commit(now()).unwrap();
        appender.published_size()
    });
    let sizes: Vec<u64> = sizes.collect();
    assert!(sizes.iter().any(|size| *size > 1) && sizes.is_sorted(), "{sizes:?}");
    assert!(sizes.windows(2).any(|pair| pair[0] == pair[1]), "and not each time: {sizes:?}");
}

#[test]
fn two_copies_with_one_keyring_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, other) = (folder.path().join("archive"), folder.path().join("other"));
    drop(open(folder.path()).unwrap());
    copy(&archive, &other.join("archive"));
    std::os::unix::fs::symlink(folder.path().join("keys"), other.join("keys")).unwrap();
    let mut opened = open(folder.path()).unwrap();
    let error = refused(&other);
    assert!(error.contains("keys/lock") && error.contains(&format!("process {}", std::process::id())), "{error}");
    append(&mut opened, "https://example.com/1");
    drop(opened);
    assert!(refused(&other).contains("have signed a log of 2 entries, and the archive holds 1"));
}

#[test]
fn another_tree_of_one_size_is_a_fork() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    drop(open(folder.path()).unwrap());
    copy(&folder.path().join("archive"), &other.join("archive"));
    copy(&folder.path().join("keys"), &other.join("keys"));
    append(&mut open(folder.path()).unwrap(), "https://example.com/here");
    append(&mut open(&other).unwrap(), "https://example.com/there");
    put_back(&other.join("archive"), &folder.path().join("archive"));
    assert!(refused(folder.path()).contains("another log has grown here"));
}

#[test]
fn the_journal_of_another_copy_is_refused_and_an_older_one_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, other) = (folder.path().join("archive"), folder.path().join("other"));
    drop(open(folder.path()).unwrap());
    copy(&archive, &other.join("archive"));
    copy(&folder.path().join("keys"), &other.join("keys"));
    let journal_after = |at: &Path, url: &str| {
        let mut opened = open(at).unwrap();
        append(&mut opened, url);
        drop(opened);
        let mut opened = open(at).unwrap();
        append(&mut opened, url);
        let journal = fs::read(at.join("archive/journal")).unwrap();
        append(&mut opened, url);
        journal
    };
    let theirs = journal_after(&other, "https://example.com/there");
    let ours = journal_after(folder.path(), "https://example.com/here");

    let newest = folder.path().join("newest");
    copy(&archive, &newest);
    fs::write(archive.join("journal"), &ours).unwrap();
    assert_eq!(append(&mut open(folder.path()).unwrap(), "https://example.com/5"), 4, "an older journal");
    assert!(!archive.join("journal").exists());

    // Where the archive is as old as the journal, another copy's is refused, and nothing is written.
    let folder = &other;
    let older = tempfile::tempdir().unwrap();
    copy(folder, older.path());
    fs::write(older.path().join("archive/journal"), &ours).unwrap();
    let before = fs::read(older.path().join("archive/checkpoint")).unwrap();
    match open(older.path()) {
        Ok(opened) => assert_eq!(opened.appender.size(), 4, "it is older than the archive"),
        Err(error) => assert!(error.contains("one of the two is of another copy"), "{error}"),
    }
    assert_eq!(fs::read(older.path().join("archive/checkpoint")).unwrap(), before);
    assert_ne!(theirs, ours);
}
