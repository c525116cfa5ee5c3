//! WACZ: a WARC with its index and a list of its pages, for replay in a browser.
//!
//! | file                     | what                                                                             |
//! |--------------------------|----------------------------------------------------------------------------------|
//! | `datapackage.json`       | the other files, each with its SHA-256 ([`datapackage`])                         |
//! | `datapackage-digest.json`| the SHA-256 of that ([`datapackage_digest`])                                     |
//! | `archive/captures.warc`  | the exchanges ([`super::warc`])                                                  |
//! | `indexes/index.cdx.gz`   | a line of CDXJ for each response, in order, [`BLOCK_LINES`] to a gzip member     |
//! | `indexes/index.idx`      | a line for each of those members                                                 |
//! | `pages/pages.jsonl`      | a line for each page, under the citation id of its capture                       |
//!
//! | quantity        | unit  | range                                              |
//! |-----------------|-------|----------------------------------------------------|
//! | offset, length  | bytes | of a record in the WARC, without the two empty lines behind it |
//! | timestamp       | UTC   | fourteen digits, to the second                     |
//!
//! Sources: WACZ 1.1.1 and CDXJ 0.1.0 (Webrecorder), SURT as the `surt` package spells it. The same exchanges give the same
//! bytes.
//!
//! What is not done. It is not signed (WACZ Signing and Verification): what signs and proves a capture is in a bundle. Of the
//! canonical forms of addresses those are left out that strip session ids; whoever looks an address up by itself finds it.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use serde_json::json;

use crate::base::hash::Hash;
use crate::base::time::Time;

use super::exchange::Exchange;
use super::media_type::MediaType;

/// Where the WARC lies.
pub const ARCHIVE: &str = "archive/captures.warc";

/// Where the index lies.
pub const INDEX: &str = "indexes/index.cdx.gz";

/// Where the index of the index lies.
pub const BLOCKS: &str = "indexes/index.idx";

/// Where the list of pages lies.
pub const PAGES: &str = "pages/pages.jsonl";

/// Where the list of files lies.
pub const PACKAGE: &str = "datapackage.json";

/// Where that list's hash lies.
pub const PACKAGE_DIGEST: &str = "datapackage-digest.json";

/// How many lines of the index one gzip member holds, as other indexers have it.
pub const BLOCK_LINES: usize = 3000;

const VERSION: &str = "1.1.1";

/// Writes the line of a response's record.
#[must_use]
pub fn index_line(exchange: &Exchange, offset: u64, length: u64) -> String {
    let media_type = exchange.response.values("content-type").last().and_then(MediaType::parse);
    let digest = data_encoding::BASE32.encode(exchange.body.sha256.as_bytes());
    let mut place = json!({
        "url": exchange.url,
        "status": exchange.response.status.to_string(),
        "digest": format!("sha256:{digest}"),
        "length": length.to_string(),
        "offset": offset.to_string(),
        "filename": "captures.warc",
    });
    if let (Some(place), Some(media_type)) = (place.as_object_mut(), media_type) {
        place.insert("mime".to_owned(), media_type.essence().into());
    }
    format!("{} {} {place}", address_key(&exchange.url), fourteen_digits(exchange.started))
}

/// Packs an index, and lists its parts; both are in order.
///
/// # Errors
/// None that memory gives; those of the packer, should it have some.
pub fn pack_index(mut lines: Vec<String>) -> io::Result<(Vec<u8>, String)> {
    lines.sort_unstable();
    let mut packed = Vec::new();
    let mut blocks = "!meta 0 {\"format\": \"cdxj-gzip-1.0\", \"filename\": \"index.cdx.gz\"}\n".to_owned();
    for block in lines.chunks(BLOCK_LINES) {
        let mut member = GzBuilder::new().write(Vec::new(), Compression::default());
        for line in block {
            member.write_all(format!("{line}\n").as_bytes())?;
        }
        let member = member.finish()?;
        let (first, _) = block[0].split_once(" {").unwrap_or((&block[0], ""));
        let place = json!({
            "offset": packed.len(),
            "length": member.len(),
            "digest": digest(&Hash::of(&member)),
            "filename": "index.cdx.gz",
        });
        blocks.extend([first, " ", &place.to_string(), "\n"]);
        packed.extend(member);
    }
    Ok((packed, blocks))
}

/// A page that a reader would open.
pub struct Page<'p> {
    /// What it is known by: a citation id.
    pub id: &'p str,
    /// Its address.
    pub url: &'p str,
    /// What it is called.
    pub title: Option<&'p str>,
    /// When it was asked for.
    pub at: Time,
}

/// Writes the first line of the list of pages.
#[must_use]
pub fn pages_head() -> String {
    format!("{}\n", json!({ "format": "json-pages-1.0", "id": "pages", "title": "Captures" }))
}

/// Writes a page's line.
#[must_use]
pub fn page_line(page: &Page<'_>) -> String {
    let mut line = json!({ "id": page.id, "url": page.url, "ts": page.at.to_second().to_string() });
    if let (Some(line), Some(title)) = (line.as_object_mut(), page.title) {
        line.insert("title".to_owned(), title.into());
    }
    format!("{line}\n")
}

/// A file of the package.
pub struct Resource {
    /// Where it lies.
    pub path: &'static str,
    /// Its SHA-256.
    pub sha256: Hash,
    /// How many bytes it has.
    pub size_bytes: u64,
}

/// Lists the files.
#[must_use]
pub fn datapackage(resources: &[Resource], software: &str, made: Time) -> String {
    let resource = |resource: &Resource| {
        json!({
            "name": resource.path.rsplit('/').next(),
            "path": resource.path,
            "hash": digest(&resource.sha256),
            "bytes": resource.size_bytes,
        })
    };
    let package = json!({
        "profile": "data-package",
        "wacz_version": VERSION,
        "software": software,
        "created": made.to_second().to_string(),
        "resources": resources.iter().map(resource).collect::<Vec<_>>(),
    });
    format!("{package}\n")
}

/// Names the list of files by its hash.
#[must_use]
pub fn datapackage_digest(datapackage: &str) -> String {
    format!("{}\n", json!({ "path": PACKAGE, "hash": digest(&Hash::of(datapackage.as_bytes())) }))
}

fn digest(hash: &Hash) -> String {
    format!("sha256:{hash}")
}

fn fourteen_digits(at: Time) -> String {
    at.to_second().to_string().chars().filter(char::is_ascii_digit).collect()
}

/// Returns what an address is looked up by: its host from the right, all in small letters, its query in order.
fn address_key(url: &str) -> String {
    let url = url.to_ascii_lowercase();
    let (_, rest) = url.split_once("://").unwrap_or(("", &url));
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = authority
        .split_at(authority.rfind(':').filter(|at| !authority[*at..].contains(']')).unwrap_or(authority.len()));
    let host = host.strip_prefix("www.").unwrap_or(host);
    let host: Vec<&str> = host.rsplit('.').collect();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { "/" };
    let mut words: Vec<&str> = query.split('&').filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    let mark = if words.is_empty() { "" } else { "?" };
    format!("{}{port}){path}{mark}{}", host.join(","), words.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside each address what the `surt` package 0.3.1 of the Python index makes of it.
    #[test]
    fn addresses_are_spelt_as_others_spell_them() {
        for (url, key) in [
            ("http://127.0.0.1:1234/terms", "1,0,0,127:1234)/terms"),
            ("https://www.example.com/Path/Page.html?b=2&a=1", "com,example)/path/page.html?a=1&b=2"),
            ("https://example.com/", "com,example)/"),
            ("https://example.com:8443/x/?q=A%20b#frag", "com,example:8443)/x?q=a%20b"),
            ("https://xn--bcher-kva.example/%C3%BC", "example,xn--bcher-kva)/%c3%bc"),
            ("https://example.com/a?", "com,example)/a"),
        ] {
            assert_eq!(address_key(url), key, "{url}");
        }
    }

    #[test]
    fn an_index_is_in_order_and_its_parts_are_where_they_are_said_to_be() {
        let lines: Vec<String> = (0..=BLOCK_LINES).rev().map(|n| format!("a)/{n:05} 20260101000000 {{}}")).collect();
        let (packed, blocks) = pack_index(lines).unwrap();
        let rows: Vec<&str> = blocks.lines().collect();
        assert_eq!(rows.len(), 3);
        assert!(rows[1].starts_with("a)/00000 20260101000000 {") && rows[2].starts_with("a)/03000 20260101000000 {"));
        let place: serde_json::Value = serde_json::from_str(rows[2].splitn(3, ' ').nth(2).unwrap()).unwrap();
        let offset = usize::try_from(place["offset"].as_u64().unwrap()).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[offset..]), &mut text).unwrap();
        assert_eq!(text, "a)/03000 20260101000000 {}\n");
        assert_eq!(place["length"], packed.len() - offset);
        assert_eq!(pack_index(Vec::new()).unwrap().0, b"");
    }
}
