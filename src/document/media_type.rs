//! Media types: what kind of document some bytes are, and in which charset its characters are written.
//!
//! | quantity      | unit  | range                                       |
//! |---------------|-------|---------------------------------------------|
//! | content type  | bytes | at most [`CONTENT_TYPE_BYTES_MAX`] are read |
//! | sniffed bytes | bytes | the first [`SNIFFED_BYTES_MAX`]             |
//! | prescan       | bytes | the first [`PRESCAN_BYTES_MAX`]             |
//!
//! Sources: WHATWG MIME Sniffing §4.4 (parsing), §7.1 (the HTML signatures); WHATWG HTML §13.2.3.2
//! (prescan, BOM before header before `<meta>`); WHATWG Encoding §4.2 (labels).
//!
//! # Which kind
//!
//! | content type                               | the bytes                  | kind       |
//! |--------------------------------------------|----------------------------|------------|
//! | `text/html`, `application/xhtml+xml`       | any                        | HTML       |
//! | `text/plain`, `…/octet-stream`, none, junk | begin like HTML            | HTML       |
//! | `text/plain`, `text/markdown`, `text/csv`  | otherwise                  | plain text |
//! | none, junk, `…/octet-stream`               | printable, no binary bytes | plain text |
//! | any other                                  | any                        | other      |
//!
//! Looser than a browser on purpose: it never sniffs `text/plain` as HTML, because it would run the page's
//! scripts; nothing here runs, and a policy sent under the wrong type should still be readable.
//! XHTML is read by the rules of HTML. Where no charset is named, valid UTF-8 is UTF-8 and the rest
//! windows-1252, which is what browsers in most of the world assume.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The longest `Content-Type` that is read: far above any in use.
pub const CONTENT_TYPE_BYTES_MAX: usize = 4_096;

/// How many bytes may decide the kind: the resource header of MIME Sniffing §5.2, rounded down.
pub const SNIFFED_BYTES_MAX: usize = 1_024;

/// How many bytes are searched for a `<meta>` that names the charset: HTML §13.2.3.2.
pub const PRESCAN_BYTES_MAX: usize = 1_024;

/// A parsed `Content-Type`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaType {
    essence: String,
    charset: Option<String>,
}

impl MediaType {
    /// Reads a `Content-Type`; `None` where a browser would take it as absent.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        if value.len() > CONTENT_TYPE_BYTES_MAX {
            return None;
        }
        let mut parts = value.split(';');
        let essence = parts.next()?.trim_matches(is_http_space).to_ascii_lowercase();
        let (family, form) = essence.split_once('/')?;
        if family.is_empty()
            || form.is_empty()
            || !essence.chars().all(|c| c == '/' || is_token(c))
            || form.contains('/')
        {
            return None;
        }
        // A quoted value may hold `;`, but no charset label does: splitting first loses nothing.
        let charset = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim_matches(is_http_space).eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim_matches(is_http_space).trim_matches('"').to_owned())
            .filter(|value| !value.is_empty());
        Some(Self { essence, charset })
    }

    /// Returns type and subtype in lower case, as `text/html`.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// Returns the charset parameter as sent, without quotes.
    #[must_use]
    pub fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
    }
}

/// What kind of document some bytes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A page of HTML.
    Html,
    /// Text without markup.
    PlainText,
    /// Anything else: kept, and not rendered as text.
    Other,
}

/// Decides the kind of `body`, content coding undone, by the table at the top of this file.
#[must_use]
pub fn kind(body: &[u8], content_type: Option<&str>) -> Kind {
    let media_type = content_type.and_then(MediaType::parse);
    let is_html = || begins_like_html(body);
    match media_type.as_ref().map_or("", MediaType::essence) {
        "text/html" | "application/xhtml+xml" => Kind::Html,
        "text/plain" if is_html() => Kind::Html,
        "text/plain" | "text/markdown" | "text/csv" => Kind::PlainText,
        "" | "application/octet-stream" | "binary/octet-stream" | "application/unknown" | "unknown/unknown" => {
            if is_html() {
                Kind::Html
            } else if has_binary_bytes(body) {
                Kind::Other
            } else {
                Kind::PlainText
            }
        }
        _ => Kind::Other,
    }
}

/// Decides which charset `body` is written in: byte order mark, header, `<meta>`, then what its bytes allow.
#[must_use]
pub fn charset(body: &[u8], content_type: Option<&str>, kind: Kind) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(body) {
        return encoding;
    }
    let named =
        content_type.and_then(MediaType::parse).and_then(|found| Encoding::for_label(found.charset()?.as_bytes()));
    let declared = || if kind == Kind::Html { prescan(body) } else { None };
    if let Some(encoding) = named.or_else(declared) {
        return encoding;
    }
    if std::str::from_utf8(body).is_ok() { UTF_8 } else { WINDOWS_1252 }
}

/// Decodes `body`, without its byte order mark; malformed sequences become U+FFFD.
#[must_use]
pub fn decode<'b>(body: &'b [u8], encoding: &'static Encoding) -> Cow<'b, str> {
    encoding.decode_with_bom_removal(body).0
}

/// The tags of MIME Sniffing §7.1 that, at the start, make bytes HTML; `<!--` and `<?xml` are seen to apart.
const SIGNATURES: [&[u8]; 16] = [
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
];

fn begins_like_html(body: &[u8]) -> bool {
    let head = &body[..body.len().min(SNIFFED_BYTES_MAX)];
    let text = match Encoding::for_bom(head) {
        Some((encoding, _)) => decode(head, encoding).into_owned().into_bytes(),
        None => head.to_vec(),
    };
    let mut rest = text.trim_ascii_start();
    // A comment or an XML declaration may stand before the first tag.
    while let Some((opening, closing)) =
        [("<!--", "-->"), ("<?xml", "?>")].into_iter().find(|(opening, _)| rest.starts_with(opening.as_bytes()))
    {
        match find(&rest[opening.len()..], closing.as_bytes()) {
            Some(at) => rest = rest[opening.len() + at + closing.len()..].trim_ascii_start(),
            None => return opening == "<!--",
        }
    }
    SIGNATURES.iter().any(|signature| {
        let ends = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'>' | b'\t' | b'\n' | b'\r'));
        starts_with_caseless(rest, signature) && ends(rest.get(signature.len()))
    })
}

/// Says whether a byte stands in the first bytes that no text holds: MIME Sniffing §3.
fn has_binary_bytes(body: &[u8]) -> bool {
    let head = &body[..body.len().min(SNIFFED_BYTES_MAX)];
    Encoding::for_bom(head).is_none()
        && head.iter().any(|byte| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f))
}

/// Looks for a charset in the page's own `<meta>`: HTML §13.2.3.2, "prescan a byte stream".
fn prescan(body: &[u8]) -> Option<&'static Encoding> {
    let mut rest = &body[..body.len().min(PRESCAN_BYTES_MAX)];
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = &rest[at..];
        if rest.starts_with(b"<!--") {
            // `<!-->` is a whole comment: the search begins at the opening's own hyphens.
            rest = &rest[2 + find(&rest[2..], b"-->")? + 3..];
        } else if starts_with_caseless(rest, b"<META") && rest.get(5).is_some_and(|byte| is_tag_space(*byte)) {
            let (attributes, after) = read_attributes(&rest[5..]);
            rest = after;
            if let Some(encoding) = declared_by(&attributes) {
                return Some(encoding);
            }
        } else if rest.get(1).is_some_and(u8::is_ascii_alphabetic)
            || (rest.get(1) == Some(&b'/') && rest.get(2).is_some_and(u8::is_ascii_alphabetic))
        {
            let name = rest.iter().position(|byte| is_tag_space(*byte) || *byte == b'>')?;
            rest = read_attributes(&rest[name..]).1;
        } else if matches!(rest.get(1), Some(b'!' | b'/' | b'?')) {
            rest = &rest[rest.iter().position(|byte| *byte == b'>')?..];
        } else {
            rest = &rest[1..];
        }
    }
    None
}

/// Returns the attributes up to the tag's end, names and values in lower case, and what follows them.
fn read_attributes(bytes: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let mut attributes: Vec<(String, String)> = Vec::new();
    let mut rest = bytes;
    loop {
        rest = &rest[rest.iter().take_while(|byte| is_tag_space(**byte) || **byte == b'/').count()..];
        if rest.is_empty() || rest[0] == b'>' {
            return (attributes, rest);
        }
        // A name may begin with `=`; every later one ends it.
        let size = 1 + rest[1..]
            .iter()
            .take_while(|byte| !matches!(byte, b'=' | b'/' | b'>') && !is_tag_space(**byte))
            .count();
        let name = lower(&rest[..size]);
        rest = rest[size..].trim_ascii_start();
        let mut value = String::new();
        if rest.first() == Some(&b'=') {
            let Some(found) = read_value(rest[1..].trim_ascii_start()) else { return (attributes, &[]) };
            (value, rest) = found;
        }
        if attributes.iter().all(|(known, _)| *known != name) {
            attributes.push((name, value));
        }
    }
}

/// Returns an attribute's value and what follows it; `None` where its quote is never closed.
fn read_value(bytes: &[u8]) -> Option<(String, &[u8])> {
    if let Some(quote @ (b'"' | b'\'')) = bytes.first() {
        let end = bytes[1..].iter().position(|byte| byte == quote)?;
        return Some((lower(&bytes[1..=end]), &bytes[end + 2..]));
    }
    let end = bytes.iter().take_while(|byte| **byte != b'>' && !is_tag_space(**byte)).count();
    Some((lower(&bytes[..end]), &bytes[end..]))
}

fn declared_by(attributes: &[(String, String)]) -> Option<&'static Encoding> {
    let value = |name: &str| attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let label = match (value("charset"), value("http-equiv"), value("content")) {
        (Some(charset), _, _) => charset.to_owned(),
        (None, Some("content-type"), Some(content)) => charset_within(content)?,
        _ => return None,
    };
    let encoding = Encoding::for_label(label.as_bytes())?;
    // A page whose `<meta>` could be read as ASCII is not in UTF-16, whatever it says: HTML §13.2.3.2.
    Some(if encoding == UTF_16BE || encoding == UTF_16LE { UTF_8 } else { encoding })
}

/// Finds the charset in a `<meta content>`: HTML §2.5.4, for text already in lower case.
fn charset_within(content: &str) -> Option<String> {
    let mut rest = content;
    loop {
        rest = rest[rest.find("charset")? + "charset".len()..].trim_start();
        if let Some(after) = rest.strip_prefix('=') {
            rest = after.trim_start();
            break;
        }
    }
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let label = match quote {
        Some(quote) => rest[1..].split_once(quote)?.0,
        None => rest.split(|c: char| c == ';' || c.is_ascii_whitespace()).next()?,
    };
    Some(label.to_owned())
}

fn lower(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_ascii_lowercase()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn starts_with_caseless(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted))
}

const fn is_tag_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

const fn is_http_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' ')
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_as_mime_sniffing_does() {
        // From the examples of MIME Sniffing §4.4 and web-platform-tests' mime-types.json.
        let parse = |value: &str| MediaType::parse(value).map(|found| (found.essence, found.charset));
        let gbk = || Some(("text/html".to_owned(), Some("gbk".to_owned())));
        assert_eq!(parse("text/html;charset=gbk"), gbk());
        assert_eq!(parse("TEXT/HTML;CHARSET=gbk;charset=windows-1255"), gbk());
        assert_eq!(parse(" text/html ; x=y; charset=\"gbk\" "), gbk());
        assert_eq!(parse("text/html;charset="), Some(("text/html".to_owned(), None)));
        for junk in ["", "bogus", "bogus/", "/bogus", "text/html/long", "te xt/html", "text/ö"] {
            assert_eq!(parse(junk), None, "{junk}");
        }
        assert_eq!(parse(&format!("text/html;{}", "x".repeat(CONTENT_TYPE_BYTES_MAX))), None);
    }

    #[test]
    fn decides_the_kind_by_the_table() {
        let page = b"\n <!-- a --> <!doctype html><p>x";
        for (content_type, body, expected) in [
            (Some("text/html"), &b"plain"[..], Kind::Html),
            (Some("application/xhtml+xml"), b"", Kind::Html),
            (Some("text/plain"), page, Kind::Html),
            (Some("text/plain; charset=utf-8"), b"a < b", Kind::PlainText),
            (Some("application/octet-stream"), page, Kind::Html),
            (Some("application/octet-stream"), b"words", Kind::PlainText),
            (Some("application/octet-stream"), b"\x00\x01", Kind::Other),
            (None, page, Kind::Html),
            (None, b"", Kind::PlainText),
            (None, b"%PDF-1.7\n\x00", Kind::Other),
            (Some("text/markdown"), b"<p>x</p>", Kind::PlainText),
            (Some("application/pdf"), page, Kind::Other),
            (Some("image/svg+xml"), page, Kind::Other),
            (None, b"\xff\xfe<\0p\0>\0", Kind::Html),
            (None, b"<?xml version='1.0'?><html ", Kind::Html),
            (None, b"<paragraph>", Kind::PlainText),
        ] {
            assert_eq!(kind(body, content_type), expected, "{content_type:?} {body:?}");
        }
    }

    #[test]
    fn decides_the_charset_in_the_standards_order() {
        let name = |body: &[u8], content_type| charset(body, content_type, Kind::Html).name();
        assert_eq!(name(b"\xef\xbb\xbf<meta charset=gbk>", Some("text/html; charset=gbk")), "UTF-8");
        assert_eq!(name(b"<meta charset=utf-8>", Some("text/html; charset=latin1")), "windows-1252");
        assert_eq!(name(b"<meta charset=utf-16>", None), "UTF-8");
        assert_eq!(name(b"<!-- <meta charset=gbk> --><META x=y Charset='shift_jis'>", None), "Shift_JIS");
        assert_eq!(name(b"<a title='<meta charset=gbk>'><meta charset=big5>", None), "Big5");
        let equivalent = b"<meta http-equiv=Content-Type content='text/html; charset = iso-8859-2'>";
        assert_eq!(name(equivalent, Some("text/html")), "ISO-8859-2");
        let late = [&[b' '; PRESCAN_BYTES_MAX][..], b"<meta charset=gbk>\xff"].concat();
        assert_eq!(name(&late, None), "windows-1252");
        assert_eq!(name("é".as_bytes(), None), "UTF-8");
        assert_eq!(name(b"\xe9", None), "windows-1252");
        assert_eq!(charset(b"<meta charset=gbk>", None, Kind::PlainText).name(), "UTF-8");
    }

    #[test]
    fn any_bytes_are_answered() {
        let page = b"<!-- x --><meta a='b' =c d=\"e\" http-equiv=content-type content=\"charset='gbk'\"></p / x>";
        for size in 0..page.len() {
            for body in [&page[..size], &page[size..]] {
                let kind = kind(body, None);
                assert!(!decode(body, charset(body, None, kind)).contains('\u{feff}'));
            }
        }
        assert_eq!(decode(b"a\xffb", UTF_8), "a\u{fffd}b");
    }
}
