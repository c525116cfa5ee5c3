//! Requests: the fields that are sent, and which of them are secret.
//!
//! Fields go out as a browser writes them: `Host` first, names capitalised, one connection for one
//! request. Secrets are meant for the origin that was asked for: a redirect to another origin is
//! followed without them, as browsers and curl do. In the head that is kept their values are replaced.
//!
//! | quantity                    | unit  | range                         |
//! |-----------------------------|-------|-------------------------------|
//! | fields, names and all       | bytes | at most [`FIELDS_BYTES_MAX`]  |
//!
//! Source: RFC 9110 §7.2, §12.5; WHATWG Fetch §4.4 (authorization is dropped across origins).

use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};

use crate::base::address::Address;
use crate::document::exchange::{self, isomorphic_decode};
use crate::outside::web::failure::FetchError;
use crate::outside::web::options::FetchOptions;

/// The most that the fields may weigh, so that with the longest address the head fits where heads are kept.
const FIELDS_BYTES_MAX: usize = 32 * 1024;

/// What a browser accepts for a page.
const ACCEPT_PAGES: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// The content codings that `document::content_coding` reads.
const ACCEPT_CODINGS: &str = "gzip, br";

/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// Names of fields that carry secrets.
const SECRET_NAMES: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Parts of names that carry secrets, such as `x-api-key`.
const SECRET_PARTS: [&str; 6] = ["auth", "key", "password", "secret", "session", "token"];

/// Fields that say how the message itself is carried; they are this program's to write.
const FRAMING_NAMES: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The fields of every request of a visit.
pub(super) struct Fields {
    common: HeaderMap,
    secret: HeaderMap,
    redact: Vec<String>,
}

impl Fields {
    /// Reads the fields out of the options.
    pub(super) fn new(options: &FetchOptions) -> Result<Self, FetchError> {
        let mut common = HeaderMap::new();
        common.insert(CONNECTION, HeaderValue::from_static("close"));
        common.insert(USER_AGENT, value("user-agent", &options.user_agent)?);
        common.insert(ACCEPT, HeaderValue::from_static(ACCEPT_PAGES));
        common.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPT_CODINGS));
        if let Some(languages) = &options.accept_language {
            common.insert(ACCEPT_LANGUAGE, value("accept-language", languages)?);
        }
        let mut secret = HeaderMap::new();
        let mut given = HeaderMap::new();
        for (name, text) in &options.headers {
            let value = value(name, text)?;
            let name = field_name(name)?;
            let of_its_kind = if is_secret(name.as_str(), &options.redact) { &mut secret } else { &mut given };
            of_its_kind.append(name, value);
        }
        for name in given.keys().chain(secret.keys()) {
            common.remove(name);
        }
        for (name, value) in &given {
            common.append(name, value.clone());
        }
        let size_bytes: usize =
            common.iter().chain(&secret).map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
        if size_bytes > FIELDS_BYTES_MAX {
            return Err(FetchError::FieldsTooLarge { found: size_bytes, max: FIELDS_BYTES_MAX });
        }
        Ok(Self { common, secret, redact: options.redact.clone() })
    }

    /// Returns the request for an address; the secrets go only where they are meant to.
    pub(super) fn request(&self, address: &Address, secrets: Secrets) -> Request<Empty<Bytes>> {
        let mut fields = HeaderMap::new();
        fields
            .insert(HOST, HeaderValue::from_str(address.authority()).expect("an authority is ASCII without controls"));
        for (name, value) in &self.common {
            fields.append(name, value.clone());
        }
        for (name, value) in self.secret.iter().filter(|_| secrets == Secrets::Send) {
            fields.append(name, value.clone());
        }
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = address.path_and_query().parse().expect("the URL parser encodes what a URI must not hold");
        *request.headers_mut() = fields;
        request
    }

    /// Returns the head as it may be kept, with the names of the fields whose values were replaced.
    pub(super) fn redact(&self, sent: &[u8]) -> exchange::Request {
        let mut redacted = Vec::new();
        let lines: Vec<String> =
            isomorphic_decode(sent).split("\r\n").map(|line| self.redact_line(line, &mut redacted)).collect();
        redacted.sort();
        redacted.dedup();
        exchange::Request { head: lines.join("\r\n"), redacted }
    }

    fn redact_line(&self, line: &str, redacted: &mut Vec<String>) -> String {
        match line.split_once(": ") {
            Some((name, _)) if is_secret(&name.to_ascii_lowercase(), &self.redact) => {
                redacted.push(name.to_ascii_lowercase());
                format!("{name}: {REDACTED}")
            }
            _ => line.to_owned(),
        }
    }
}

/// Whether a request carries the secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Secrets {
    /// They are meant for this origin.
    Send,
    /// They are not.
    Withhold,
}

fn is_secret(name: &str, redact: &[String]) -> bool {
    SECRET_NAMES.contains(&name)
        || SECRET_PARTS.iter().any(|part| name.contains(part))
        || redact.iter().any(|other| other.eq_ignore_ascii_case(name))
}

fn field_name(name: &str) -> Result<HeaderName, FetchError> {
    let refused = |reason| FetchError::Field { name: name.to_owned(), reason };
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("not a field name"))?;
    if FRAMING_NAMES.contains(&parsed.as_str()) {
        return Err(refused("it says how the message is carried, which is not for the user to say"));
    }
    Ok(parsed)
}

fn value(name: &str, text: &str) -> Result<HeaderValue, FetchError> {
    HeaderValue::from_str(text).map_err(|_| FetchError::Field {
        name: name.to_owned(),
        reason: "its value has characters that no field may hold",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(headers: &[(&str, &str)]) -> FetchOptions {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        FetchOptions { headers, redact: vec!["X-Mine".to_owned()], ..FetchOptions::default() }
    }

    #[test]
    fn replaces_secrets_and_names_them() {
        let fields = Fields::new(&options(&[
            ("Authorization", "Basic abc"),
            ("X-Api-Key", "s3"),
            ("x-mine", "s4"),
            ("X-Open", "seen"),
        ]))
        .unwrap();
        let sent = b"GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: Basic abc\r\nX-Api-Key: s3\r\nX-Mine: s4\r\nX-Open: seen\r\n\r\n";
        let request = fields.redact(sent);
        assert_eq!(
            request.head,
            "GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: [redacted]\r\nX-Api-Key: [redacted]\r\nX-Mine: [redacted]\r\nX-Open: seen\r\n\r\n"
        );
        assert_eq!(request.redacted, ["authorization", "x-api-key", "x-mine"]);
    }

    #[test]
    fn secrets_stay_with_their_origin() {
        let fields = Fields::new(&options(&[("Cookie", "a=b"), ("Accept", "text/plain")])).unwrap();
        let address = Address::parse("http://example.com:8080/a?b").unwrap();
        let sent = fields.request(&address, Secrets::Send);
        assert_eq!(sent.headers()["host"], "example.com:8080");
        assert_eq!(sent.uri().to_string(), "/a?b");
        assert_eq!(sent.headers()["cookie"], "a=b");
        assert_eq!(sent.headers().get_all("accept").iter().collect::<Vec<_>>(), ["text/plain"]);
        assert!(!fields.request(&address, Secrets::Withhold).headers().contains_key("cookie"));
    }

    #[test]
    fn refuses_fields_that_are_not_the_users() {
        for name in ["Host", "Transfer-Encoding", "content-length", "bad name", ""] {
            assert!(matches!(Fields::new(&options(&[(name, "x")])), Err(FetchError::Field { .. })), "{name}");
        }
        assert!(Fields::new(&options(&[("X-A", "a\r\nB: c")])).is_err());
        let long = "a".repeat(FIELDS_BYTES_MAX);
        assert!(matches!(Fields::new(&options(&[("X-A", &long)])), Err(FetchError::FieldsTooLarge { .. })));
    }

    #[test]
    fn every_ascii_character_of_an_address_can_be_asked_for() {
        let fields = Fields::new(&FetchOptions::default()).unwrap();
        for byte in 0x20..0x7f_u8 {
            let character = char::from(byte);
            let address = Address::parse(&format!("http://example.com/a{character}b?c{character}d")).unwrap();
            let request = fields.request(&address, Secrets::Withhold);
            assert_eq!(request.uri().to_string(), address.path_and_query(), "{character}");
        }
    }
}
