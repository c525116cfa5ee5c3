//! The archive: a few files as one, in the forms that `gunzip` and `tar` read.
//!
//! Source: RFC 1952 §2.3; POSIX.1-2017 `pax`, ustar interchange format. Stricter: plain files only, each name once, names
//! relative and without `..`, one spelling of each header; what follows the end is zeros.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

use super::UNPACKED_BYTES_MAX;

const BLOCK: usize = 512;

/// The longest name of a file: that of a reply, in a folder of the log's size.
const NAME_LENGTH_MAX: usize = 150;

/// Packs files so that the length is a multiple of `multiple`, at most 256.
pub(super) fn pack(files: &[(String, Vec<u8>)], multiple: usize) -> Result<Vec<u8>, ArchiveError> {
    let mut tar = Vec::new();
    for (name, bytes) in files {
        tar.extend(header(name, bytes.len())?);
        tar.extend(bytes);
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.resize(tar.len() + 2 * BLOCK, 0);
    if tar.len() > UNPACKED_BYTES_MAX {
        return Err(ArchiveError::TooLong);
    }
    let plain = compress(&tar, "");
    let lacking = plain.len().next_multiple_of(multiple) - plain.len();
    Ok(if lacking == 0 { plain } else { compress(&tar, &" ".repeat(lacking)) })
}

/// Compresses, with a comment that makes the file as much longer as the comment is.
fn compress(bytes: &[u8], comment: &str) -> Vec<u8> {
    let builder = GzBuilder::new().mtime(0).operating_system(255).comment(comment);
    let mut writer = builder.write(Vec::new(), Compression::best());
    let written = writer.write_all(bytes).and_then(|()| writer.finish());
    written.expect("memory takes every byte")
}

/// Unpacks what [`pack`] makes.
pub(super) fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let limit = u64::try_from(UNPACKED_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    let mut tar = Vec::new();
    let mut decoder = GzDecoder::new(bytes);
    decoder.by_ref().take(limit).read_to_end(&mut tar).map_err(|_| ArchiveError::NotGzip)?;
    if tar.len() > UNPACKED_BYTES_MAX {
        return Err(ArchiveError::TooLong);
    }
    if !decoder.into_inner().is_empty() {
        return Err(ArchiveError::NotGzip);
    }
    let mut files = BTreeMap::new();
    let mut at = 0;
    while let Some(head) = tar.get(at..at + BLOCK) {
        if head.iter().all(|byte| *byte == 0) {
            let is_end = tar.len() == at + 2 * BLOCK && tar[at..].iter().all(|byte| *byte == 0);
            return if is_end { Ok(files) } else { Err(ArchiveError::NotTar { at }) };
        }
        let (name, size) = read_header(head).ok_or(ArchiveError::NotTar { at })?;
        let body = tar.get(at + BLOCK..at + BLOCK + size).ok_or(ArchiveError::NotTar { at })?;
        if files.insert(name.clone(), body.to_vec()).is_some() {
            return Err(ArchiveError::Twice { name });
        }
        at += BLOCK + size.next_multiple_of(BLOCK);
    }
    Err(ArchiveError::NotTar { at })
}

/// Writes the header of a file.
fn header(name: &str, size: usize) -> Result<[u8; BLOCK], ArchiveError> {
    let (prefix, base) = part(name).ok_or_else(|| ArchiveError::Name { name: name.to_owned() })?;
    let mut head = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| head[at..at + text.len()].copy_from_slice(text);
    put(0, base.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(head)
}

/// Reads a header that [`header`] could have written.
fn read_header(head: &[u8]) -> Option<(String, usize)> {
    let text = |from: usize, length: usize| {
        let field = head.get(from..from + length)?;
        std::str::from_utf8(field.split(|byte| *byte == 0).next()?).ok()
    };
    let (base, prefix) = (text(0, 100)?, text(345, 155)?);
    let name = if prefix.is_empty() { base.to_owned() } else { format!("{prefix}/{base}") };
    let size = usize::from_str_radix(text(124, 12)?, 8).ok().filter(|size| *size <= UNPACKED_BYTES_MAX)?;
    (header(&name, size).ok()?.as_slice() == head).then_some((name, size))
}

/// Parts a name into prefix and rest as ustar does, when it is one that is written.
fn part(name: &str) -> Option<(&str, &str)> {
    let is_plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(|b| b.is_ascii_graphic());
    if name.len() > NAME_LENGTH_MAX || !name.split('/').all(is_plain) {
        return None;
    }
    if name.len() <= 100 { Some(("", name)) } else { name.rsplit_once('/').filter(|(_, base)| base.len() <= 100) }
}

/// Why bytes are no such archive, or files cannot be made one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ArchiveError {
    #[error("`{name}` is no name of a file")]
    Name { name: String },
    #[error("not a gzip file")]
    NotGzip,
    #[error("not a tar archive of plain files at byte {at}")]
    NotTar { at: usize },
    #[error("more than {UNPACKED_BYTES_MAX} bytes")]
    TooLong,
    #[error("`{name}` is there twice")]
    Twice { name: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<(String, Vec<u8>)> {
        let long = format!("data/anchors/123456789/{}-0123456789abcdef.tsr", "a".repeat(64));
        vec![("a".to_owned(), b"one".to_vec()), (long, vec![7; 513]), ("b/empty".to_owned(), Vec::new())]
    }

    #[test]
    fn unpacks_what_it_packs_to_the_length_that_is_asked() {
        for multiple in 1..=7 {
            let packed = pack(&files(), multiple).unwrap();
            assert_eq!(packed.len() % multiple, 0);
            assert_eq!(unpack(&packed).unwrap().into_iter().collect::<Vec<_>>(), {
                let mut files = files();
                files.sort();
                files
            });
        }
    }

    #[test]
    fn refuses_names_that_lead_elsewhere() {
        for name in ["", "/etc/passwd", "../x", "a//b", "a/./b", "a\nb", &"x".repeat(151)] {
            assert!(pack(&[(name.to_owned(), Vec::new())], 1).is_err(), "{name:?}");
        }
        let twice = [("a".to_owned(), Vec::new()), ("a".to_owned(), Vec::new())];
        assert_eq!(unpack(&pack(&twice, 1).unwrap()), Err(ArchiveError::Twice { name: "a".to_owned() }));
    }

    #[test]
    fn notices_every_changed_byte_of_a_header() {
        let tar = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut tar = Vec::from(header("name", 3).unwrap());
            tar.extend(b"one");
            tar.resize(2 * BLOCK + 2 * BLOCK, 0);
            change(&mut tar);
            unpack(&compress(&tar, ""))
        };
        assert!(tar(&|_| ()).is_ok());
        for at in 0..BLOCK {
            assert!(tar(&|tar| tar[at] ^= 1).is_err(), "{at}");
        }
        assert!(tar(&|tar| tar.truncate(3 * BLOCK)).is_err());
        assert!(tar(&|tar| tar.push(0)).is_err());
    }
}
