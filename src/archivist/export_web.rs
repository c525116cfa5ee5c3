//! Export for web archives: a WARC by itself, or in a WACZ with its index and pages.
//!
//! Each is a view: what signs and proves a capture stays behind, and is in a bundle. The same archive gives the same bytes.
//! The WARC in a WACZ is written twice: once to learn its size and hash and where its records lie, and once into the ZIP.

use std::io::{self, Write};
use std::path::Path;

use super::append::software;
use super::export::{ExportError, Formed};
use super::read::{Entry, Log};

use crate::base::hash::{Hash, Hashing};
use crate::base::time::Time;
use crate::document::wacz::{self, Page, Resource};
use crate::document::warc;
use crate::evidence::bundle::zip::{Member, Plan};
use crate::evidence::record::Visit;
use crate::outside::archive::Archive;
use crate::outside::archive::durable::{Existing, Passing, WriteError};

/// What goes into a web archive.
pub(super) struct Web<'a> {
    pub(super) archive: &'a Archive,
    pub(super) log: &'a Log<'a>,
    /// Captures and checks, each with the index of its document.
    pub(super) visits: &'a [(Entry, u64)],
}

impl Web<'_> {
    /// Writes a WARC to a file that is not there yet.
    pub(super) fn write_warc(&self, path: &Path) -> Result<Formed, ExportError> {
        let mut file = Passing::create(path, Existing::Keep)?;
        let (formed, _) = self.copy_warc(&mut file, &name_of(path)).map_err(|source| WriteError::at(path, source))?;
        file.place(Existing::Keep)?;
        Ok(formed)
    }

    /// Writes a WACZ to a file that is not there yet.
    pub(super) fn write_wacz(&self, path: &Path) -> Result<Formed, ExportError> {
        let name = name_of(Path::new(wacz::ARCHIVE));
        let (warc, ((formed, lines), sha256)) = Member::measure_with(wacz::ARCHIVE, |target| {
            let mut target = Hashing::new(target);
            Ok((self.copy_warc(&mut target, &name)?, target.finish().1))
        })?;
        let (index, blocks) = wacz::pack_index(lines).map_err(|source| WriteError::at(path, source))?;
        let pages = self.pages()?;
        let resource = Resource { path: wacz::ARCHIVE, sha256, size_bytes: u64::from(warc.size_bytes) };
        let made = [(wacz::INDEX, index), (wacz::BLOCKS, blocks.into_bytes()), (wacz::PAGES, pages.into_bytes())];
        let others = made.iter().map(|(path, bytes)| Resource {
            path,
            sha256: Hash::of(bytes),
            size_bytes: u64::try_from(bytes.len()).expect("a length fits in 64 bits"),
        });
        let resources: Vec<Resource> = [resource].into_iter().chain(others).collect();
        let software = software();
        let software = format!("{} {}", software.name, software.version);
        let package = wacz::datapackage(&resources, &software, self.newest());
        let digest = wacz::datapackage_digest(&package);
        let ends = [(wacz::PACKAGE, package.into_bytes()), (wacz::PACKAGE_DIGEST, digest.into_bytes())];
        let small: Vec<(&str, Vec<u8>)> = made.into_iter().chain(ends).collect();
        let mut members = vec![warc];
        for (name, bytes) in &small {
            members.push(Member::measure(name, bytes.as_slice())?);
        }
        let mut file = Passing::create(path, Existing::Keep)?;
        Plan::of_package(members)?.write_with(&mut file, |member, target| {
            match small.iter().find(|(name, _)| *name == member) {
                Some((_, bytes)) => target.write_all(bytes),
                None => self.copy_warc(target, &name).map(drop),
            }
        })?;
        file.place(Existing::Keep)?;
        Ok(formed)
    }

    /// Writes the records one after another, and returns the index's line of each response.
    fn copy_warc(&self, target: &mut dyn Write, name: &str) -> io::Result<(Formed, Vec<String>)> {
        let software = software();
        let mut target = Counting { target, count: 0 };
        let head = warc::warcinfo(&format!("{} {}", software.name, software.version), name, self.newest());
        target.write_all(&head)?;
        let (mut formed, mut lines) = (Formed::default(), Vec::new());
        for (entry, _) in self.visits {
            let laid = self.copy_exchanges(entry, &mut target)?;
            formed.entries += 1;
            formed.without += u64::from(laid.is_empty());
            lines.extend(laid);
        }
        Ok((formed, lines))
    }

    /// Writes what a visit exchanged, but for what was withdrawn, and returns the index's lines.
    fn copy_exchanges(&self, entry: &Entry, target: &mut Counting<'_>) -> io::Result<Vec<String>> {
        let exchanges = entry.record.body.visit().map(|visit| visit.exchanges.as_slice()).unwrap_or_default();
        let mut lines = Vec::new();
        for (number, exchange) in (1..).zip(exchanges) {
            let withdrawal = self.log.withdrawal_of(entry.record.index, exchange.body.sha256);
            if withdrawal.map_err(io::Error::other)?.is_some() {
                continue;
            }
            let (place, offset) = (format!("{}/{number}", entry.id), target.count);
            target.write_all(&warc::response(exchange, &place))?;
            self.archive.packs().copy(exchange.body.sha256, target).map_err(io::Error::other)?;
            lines.push(wacz::index_line(exchange, offset, target.count - offset));
            target.write_all(warc::END)?;
            target.write_all(&warc::request(exchange, &place))?;
        }
        Ok(lines)
    }

    /// Lists the pages that were visited over a network.
    fn pages(&self) -> Result<String, ExportError> {
        let mut pages = wacz::pages_head();
        for (entry, document) in self.visits {
            let Some(Visit { started, exchanges, .. }) = entry.record.body.visit() else { continue };
            let Some(last) = exchanges.last() else { continue };
            let (_, document) = self.log.document(*document)?;
            let (id, title) = (entry.id.to_string(), document.title.as_deref());
            pages.push_str(&wacz::page_line(&Page { id: &id, url: &last.url, title, at: *started }));
        }
        Ok(pages)
    }

    fn newest(&self) -> Time {
        let newest = self.visits.iter().map(|(entry, _)| entry.record.made).max();
        newest.unwrap_or_else(|| Time::from_seconds(0).expect("1970 is a time"))
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Counts what is written.
struct Counting<'t> {
    target: &'t mut dyn Write,
    count: u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.target.write(bytes)?;
        self.count += u64::try_from(count).expect("a length fits in 64 bits");
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}
