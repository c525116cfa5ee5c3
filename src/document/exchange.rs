//! Exchanges: one request and its answer, with the facts of the very connection that carried them.
//!
//! | quantity        | unit  | range                                   |
//! |-----------------|-------|-----------------------------------------|
//! | head            | bytes | at most [`HEAD_BYTES_MAX`]              |
//! | exchanges       |       | at most [`EXCHANGE_COUNT_MAX`] a visit  |
//! | certificates    |       | at most [`CERTIFICATE_COUNT_MAX`]       |
//!
//! A head is kept exactly as it crossed the wire, from the first byte of the request or status line to
//! the empty line that ends it: case, order, repeats and spacing. It is text in which each byte stands
//! for the character of the same number (the WHATWG's *isomorphic* decoding), so any byte survives and
//! a person can read it. Secrets that the operator sent are the one exception: their values are replaced
//! before anything is kept, and `redacted` names the fields.
//!
//! Bodies are the payload after the transfer coding (chunking) is removed and before the content coding
//! (gzip, br) is: RFC 9110 §6.4, RFC 9112 §6 and §7.

use std::net::{IpAddr, SocketAddr};

use crate::base::hash::Hash;
use crate::base::time::Time;

/// The longest head that is kept: what large servers accept, doubled.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How many exchanges a visit may have.
pub const EXCHANGE_COUNT_MAX: usize = 1_000;

/// How many certificates a server may send.
pub const CERTIFICATE_COUNT_MAX: usize = 16;

/// One request and its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exchange {
    /// The absolute address that was asked for.
    pub url: String,
    /// When the connection was begun.
    pub started: Time,
    /// When the last byte of the answer was read, or given up on.
    pub finished: Time,
    /// Where the bytes came from.
    pub connection: Connection,
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub response: Response,
    /// The payload that came back.
    pub body: Body,
}

/// The facts of the connection that carried an exchange.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// What the system's resolver answered for the host, in its order; empty for an address literal.
    pub dns_answers: Vec<IpAddr>,
    /// The address and port that the socket was connected to.
    pub remote: SocketAddr,
    /// The TLS session, for https.
    pub tls: Option<Tls>,
}

/// The facts of a TLS session, seen by this end of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tls {
    /// The protocol, as `TLSv1.3`.
    pub version: String,
    /// The cipher suite, by its IANA name.
    pub cipher: String,
    /// The application protocol that was negotiated (RFC 7301), if one was.
    pub alpn: Option<String>,
    /// The certificates as sent, leaf first: the hashes of their DER bytes, which are kept as blobs.
    pub chain: Vec<Hash>,
    /// What the validation of that chain said: `valid`, or the reason it is not.
    pub validation: String,
    /// Which roots it was validated against.
    pub roots: String,
}

/// A request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The head as sent, isomorphically decoded.
    pub head: String,
    /// Lower-case names of the fields whose values were replaced by `[redacted]` in the head.
    pub redacted: Vec<String>,
}

/// A response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The status code, 100 to 999, as the head's first line says.
    pub status: u16,
    /// The head as received, isomorphically decoded.
    pub head: String,
}

/// A payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Body {
    /// The SHA-256 of the bytes that were received.
    pub sha256: Hash,
    /// How many bytes were received.
    pub size_bytes: u64,
}

impl Response {
    /// Returns the values of a field in the order received, by its name in lower case.
    ///
    /// Values are trimmed of the optional white space around them (RFC 9112 §5).
    pub fn values<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        fields(&self.head).filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Returns the fields of a head as name and trimmed value, in order.
pub fn fields(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.split("\r\n")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim_matches([' ', '\t'])))
}

/// Decodes bytes so that each becomes the character of the same number.
#[must_use]
pub fn isomorphic_decode(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Undoes [`isomorphic_decode`]; `None` when a character is above U+00FF.
#[must_use]
pub fn isomorphic_encode(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_case_order_and_repeats() {
        let head = "HTTP/1.1 200 OK\r\nX-A:  1 \r\nx-a: 2\r\nSet-Cookie: a=b:c\r\n\r\n";
        let response = Response { status: 200, head: head.to_owned() };
        assert_eq!(response.values("x-a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(response.values("set-cookie").collect::<Vec<_>>(), ["a=b:c"]);
        assert_eq!(fields(head).next(), Some(("X-A", "1")));
    }

    #[test]
    fn any_byte_survives() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(isomorphic_encode(&isomorphic_decode(&bytes)), Some(bytes));
        assert_eq!(isomorphic_encode("Ā"), None);
    }
}
