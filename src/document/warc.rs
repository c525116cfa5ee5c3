//! WARC: exchanges as web archives keep them, for tools that replay or index them.
//!
//! | record      | block                                                                  |
//! |-------------|------------------------------------------------------------------------|
//! | `warcinfo`  | what wrote the file, and what is not as it crossed the wire            |
//! | `response`  | the response's head, and the body as it was kept                       |
//! | `request`   | the request's head                                                     |
//!
//! Source: WARC 1.1 (ISO 28500:2017) §5, §6. One record after another, not compressed, so that the same exchanges give the
//! same bytes; record ids are UUIDs (RFC 9562, version 8) made from the hash of what the record is.
//!
//! Two things are not as they crossed the wire, and are said so in the `warcinfo`. A body is kept without its transfer coding,
//! so a `Transfer-Encoding` field is called [`SET_ASIDE`] here, or readers would look for chunks; and a length that no longer
//! fits stays what the server said. Secrets in requests were replaced before anything was kept. What signs and proves an
//! exchange does not fit into a WARC: that is in the bundle.

use crate::base::hash::Hash;
use crate::base::time::Time;

use super::exchange::{Exchange, isomorphic_encode};

/// What a `Transfer-Encoding` field is called, whose coding was removed.
pub const SET_ASIDE: &str = "X-Affiant-Transfer-Encoding";

const LINE: &str = "\r\n";

/// Writes the record that begins a file.
#[must_use]
pub fn warcinfo(software: &str, name: &str, at: Time) -> Vec<u8> {
    let block = format!(
        "software: {software}\r\nformat: WARC File Format 1.1\r\nconformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n\
         description: bodies are kept without transfer coding; where one was removed, its field is called {SET_ASIDE}; values of secret request fields are replaced by [redacted]\r\n"
    );
    let fields = [("WARC-Filename", name.to_owned()), ("Content-Type", "application/warc-fields".to_owned())];
    let id = identity(&["warcinfo", name, &block]);
    let mut written = Head { kind: "warcinfo", id, at, fields: &fields }.write(block.as_bytes(), 0);
    written.extend(END);
    written
}

/// Writes a response up to where its body begins; [`END`] follows the body.
#[must_use]
pub fn response(exchange: &Exchange, place: &str) -> Vec<u8> {
    let head = set_aside(&exchange.response.head);
    let digest = data_encoding::BASE32.encode(exchange.body.sha256.as_bytes());
    let fields = [
        ("WARC-Target-URI", exchange.url.clone()),
        ("WARC-IP-Address", exchange.connection.remote.ip().to_string()),
        ("Content-Type", "application/http; msgtype=response".to_owned()),
        ("WARC-Payload-Digest", format!("sha256:{digest}")),
    ];
    let id = response_id(exchange, place);
    let head_of_record = Head { kind: "response", id, at: exchange.started, fields: &fields };
    head_of_record.write(&bytes_of(&head), exchange.body.size_bytes)
}

/// Writes a request, whole.
#[must_use]
pub fn request(exchange: &Exchange, place: &str) -> Vec<u8> {
    let fields = [
        ("WARC-Target-URI", exchange.url.clone()),
        ("WARC-Concurrent-To", response_id(exchange, place)),
        ("Content-Type", "application/http; msgtype=request".to_owned()),
    ];
    let id = identity(&["request", place, &exchange.url]);
    let head = Head { kind: "request", id, at: exchange.started, fields: &fields };
    let mut written = head.write(&bytes_of(&exchange.request.head), 0);
    written.extend(END);
    written
}

/// What stands behind each record.
pub const END: &[u8] = b"\r\n\r\n";

fn response_id(exchange: &Exchange, place: &str) -> String {
    identity(&["response", place, &exchange.url])
}

/// What a record's head says.
struct Head<'h> {
    kind: &'static str,
    id: String,
    at: Time,
    fields: &'h [(&'static str, String)],
}

impl Head<'_> {
    /// Writes the head and the beginning of a block, of which `rest_bytes` follow.
    fn write(&self, block: &[u8], rest_bytes: u64) -> Vec<u8> {
        let Self { kind, id, at, .. } = self;
        let length = u64::try_from(block.len()).expect("a length fits in 64 bits") + rest_bytes;
        let head = format!("WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: {id}\r\nWARC-Date: {at}\r\n");
        let mut written = head.into_bytes();
        let length = ("Content-Length", length.to_string());
        for (name, value) in self.fields.iter().chain([&length]) {
            // Nothing that an address or a name holds may begin another line.
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            written.extend([name, ": ", value.as_str(), LINE].concat().into_bytes());
        }
        written.extend(LINE.as_bytes());
        written.extend(block);
        written
    }
}

fn identity(parts: &[&str]) -> String {
    let hash = Hash::of(parts.join("\n").as_bytes());
    let mut bytes: [u8; 16] = hash.as_bytes()[..16].try_into().expect("a hash has more");
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    format!("<urn:uuid:{}-{}-{}-{}-{}>", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Renames the field of a coding that was removed.
fn set_aside(head: &str) -> String {
    let rename = |line: &str| match line.split_once(':') {
        Some((name, value)) if name.eq_ignore_ascii_case("transfer-encoding") => format!("{SET_ASIDE}:{value}"),
        _ => line.to_owned(),
    };
    head.split(LINE).map(rename).collect::<Vec<_>>().join(LINE)
}

/// Heads are kept as characters that stand for bytes.
fn bytes_of(head: &str) -> Vec<u8> {
    isomorphic_encode(head).unwrap_or_else(|| head.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_that_was_removed_is_set_aside() {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nX: transfer-encoding: y\r\n\r\n";
        let expected = "HTTP/1.1 200 OK\r\nX-Affiant-Transfer-Encoding: chunked\r\nX: transfer-encoding: y\r\n\r\n";
        assert_eq!(set_aside(head), expected);
    }

    #[test]
    fn ids_are_uuids_and_no_two_are_the_same() {
        let (one, two) = (
            identity(&["response", "AF-C-000002-n/1", "https://a/"]),
            identity(&["request", "AF-C-000002-n/1", "https://a/"]),
        );
        assert_ne!(one, two);
        assert_eq!((one.len(), &one[..10], &one[24..25]), (47, "<urn:uuid:", "8"));
    }
}
