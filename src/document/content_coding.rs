//! Content codings: undoing gzip, deflate and br, so that a body can be read.
//!
//! | quantity | unit  | range                                               |
//! |----------|-------|-----------------------------------------------------|
//! | codings  |       | at most [`CODING_COUNT_MAX`], outermost listed last |
//! | output   | bytes | at most [`OUTPUT_BYTES_MAX`], or the caller's limit |
//!
//! Sources: RFC 9110 §8.4 (order, `x-gzip`), RFC 1952 (gzip), RFC 1950 and 1951 (zlib, deflate), RFC 7932
//! (br). Bodies are kept as received; what is made here is only read, never kept as evidence.
//!
//! Looser than the RFCs where browsers are: `deflate` may lack its zlib header, bytes after the end of a
//! stream are ignored, and the name of a coding may be in any case.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

/// The most bytes that undoing the codings may give: twice what a text rendition reads, so that its own
/// limit is the one that people meet.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many codings may be stacked: more than one is already rare.
pub const CODING_COUNT_MAX: usize = 4;

/// How much is decoded between two looks at the limit.
const STEP_BYTES: usize = 64 * 1024;

/// Undoes the codings that the values of `Content-Encoding` name, last one first.
///
/// # Errors
/// Each [`ContentCodingError`] names the coding; `Torn` and `TooLarge` say how much was decoded before.
pub fn undo<'b, 'h>(
    body: &'b [u8],
    content_encoding: impl Iterator<Item = &'h str>,
    limit_bytes: usize,
) -> Result<Cow<'b, [u8]>, ContentCodingError> {
    let mut codings = Vec::new();
    for name in content_encoding.flat_map(|value| value.split(',')) {
        if let Some(coding) = Coding::parse(name.trim_matches([' ', '\t']))? {
            codings.push(coding);
        }
        if codings.len() > CODING_COUNT_MAX {
            return Err(ContentCodingError::TooMany { limit: CODING_COUNT_MAX });
        }
    }
    let limit_bytes = limit_bytes.min(OUTPUT_BYTES_MAX);
    let mut decoded = Cow::Borrowed(body);
    for coding in codings.into_iter().rev() {
        decoded = Cow::Owned(coding.decode(&decoded, limit_bytes)?);
    }
    Ok(decoded)
}

#[derive(Clone, Copy)]
enum Coding {
    Brotli,
    Deflate,
    Gzip,
}

impl Coding {
    /// Reads a coding's name; `None` for those that change nothing.
    fn parse(name: &str) -> Result<Option<Self>, ContentCodingError> {
        match name.to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "br" => Ok(Some(Self::Brotli)),
            "deflate" => Ok(Some(Self::Deflate)),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            // Whoever sent the name chose its length.
            _ => Err(ContentCodingError::Unknown { coding: name.chars().take(40).collect() }),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Deflate => "deflate",
            Self::Gzip => "gzip",
        }
    }

    fn decode(self, body: &[u8], limit_bytes: usize) -> Result<Vec<u8>, ContentCodingError> {
        let mut output = Output { coding: self.name(), bytes: Vec::new(), limit_bytes };
        // A body of no bytes is what servers send with 304 and to HEAD, whatever the header says.
        if body.is_empty() {
            return Ok(output.bytes);
        }
        match self {
            Self::Brotli => output.fill(brotli_decompressor::Decompressor::new(body, STEP_BYTES))?,
            Self::Deflate if has_zlib_header(body) => output.fill(ZlibDecoder::new(body))?,
            Self::Deflate => output.fill(DeflateDecoder::new(body))?,
            Self::Gzip => {
                // RFC 1952 §2.2: members may follow one another; anything else after one is padding.
                let mut rest = body;
                output.fill(GzDecoder::new(&mut rest))?;
                while rest.starts_with(&[0x1f, 0x8b]) {
                    output.fill(GzDecoder::new(&mut rest))?;
                }
            }
        }
        Ok(output.bytes)
    }
}

struct Output {
    coding: &'static str,
    bytes: Vec<u8>,
    limit_bytes: usize,
}

impl Output {
    fn fill(&mut self, mut reader: impl Read) -> Result<(), ContentCodingError> {
        let (coding, limit_bytes) = (self.coding, self.limit_bytes);
        let mut step = vec![0; STEP_BYTES];
        loop {
            let size = match reader.read(&mut step) {
                Ok(0) => return Ok(()),
                Ok(size) => size,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Err(ContentCodingError::Torn { coding, decoded_bytes: self.bytes.len() });
                }
                Err(_) => return Err(ContentCodingError::Corrupt { coding, decoded_bytes: self.bytes.len() }),
            };
            if size > limit_bytes - self.bytes.len() {
                return Err(ContentCodingError::TooLarge { coding, limit_bytes });
            }
            self.bytes.extend_from_slice(&step[..size]);
        }
    }
}

/// Says whether the bytes begin as RFC 1950 §2.2 asks: method 8 and a header that 31 divides.
fn has_zlib_header(body: &[u8]) -> bool {
    let [method, flags, ..] = body else { return false };
    method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
}

/// Why a body could not be decoded.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ContentCodingError {
    #[error("the `{coding}` body is corrupt after {decoded_bytes} decoded bytes")]
    Corrupt { coding: &'static str, decoded_bytes: usize },
    #[error("the `{coding}` body decodes to more than {limit_bytes} bytes")]
    TooLarge { coding: &'static str, limit_bytes: usize },
    #[error("more than {limit} content codings are stacked")]
    TooMany { limit: usize },
    #[error("the `{coding}` body ends early, after {decoded_bytes} decoded bytes")]
    Torn { coding: &'static str, decoded_bytes: usize },
    #[error("the content coding `{coding}` is not known; known are gzip, deflate, br and identity")]
    Unknown { coding: String },
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use data_encoding::BASE64;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn undone(body: &[u8], coding: &str) -> Result<Vec<u8>, ContentCodingError> {
        undo(body, [coding].into_iter(), OUTPUT_BYTES_MAX).map(Cow::into_owned)
    }

    #[test]
    fn undoes_each_coding() {
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(b"hello hello hello").unwrap();
        let raw = raw.finish().unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"hello hello hello").unwrap();
        let zlib = zlib.finish().unwrap();
        for (body, coding) in [(&raw, "deflate"), (&zlib, "Deflate"), (&gzip(b"hello hello hello"), "x-gzip")] {
            assert_eq!(undone(body, coding).unwrap(), b"hello hello hello", "{coding}");
        }
        // RFC 7932's reference encoder over `hello world`: an uncompressed meta-block.
        let brotli = BASE64.decode(b"CwWAaGVsbG8gd29ybGQD").unwrap();
        assert_eq!(undone(&brotli, "br").unwrap(), b"hello world");
        assert_eq!(undone(b"as it is", "identity, ").unwrap(), b"as it is");
        assert_eq!(undone(b"", "gzip").unwrap(), b"");
    }

    #[test]
    fn undoes_the_last_coding_first_and_every_member() {
        let twice = gzip(&gzip(b"words"));
        assert_eq!(undone(&twice, "gzip, gzip").unwrap(), b"words");
        assert_eq!(undo(&twice, ["gzip", "gzip"].into_iter(), 100).unwrap().as_ref(), b"words");
        let members = [gzip(b"one "), gzip(b"two"), b"padding".to_vec()].concat();
        assert_eq!(undone(&members, "gzip").unwrap(), b"one two");
    }

    #[test]
    fn stops_a_bomb_at_the_limit() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        let error = undo(&bomb, ["gzip"].into_iter(), 1_000_000).unwrap_err();
        assert_eq!(error, ContentCodingError::TooLarge { coding: "gzip", limit_bytes: 1_000_000 });
        let many = vec!["gzip"; CODING_COUNT_MAX + 1];
        assert_eq!(
            undo(b"", many.into_iter(), 1).unwrap_err(),
            ContentCodingError::TooMany { limit: CODING_COUNT_MAX }
        );
        assert_eq!(undone(b"", "zstd"), Err(ContentCodingError::Unknown { coding: "zstd".to_owned() }));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            for coding in ["gzip", "deflate", "br", "br, gzip"] {
                if let Ok(decoded) = undo(&body, [coding].into_iter(), 10_000) {
                    assert!(decoded.len() <= 10_000);
                }
            }
        }
    }

    #[test]
    fn names_the_coding_of_a_torn_body() {
        let whole = gzip(&(0..100_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
        for size in (1..whole.len()).step_by(997) {
            let error = undone(&whole[..size], "gzip").unwrap_err();
            assert!(matches!(error, ContentCodingError::Torn { coding: "gzip", .. }), "{size}: {error}");
        }
        let brotli = BASE64.decode(b"CwWAaGVsbG8gd29ybGQD").unwrap();
        for size in 1..brotli.len() {
            assert!(undone(&brotli[..size], "br").is_err(), "{size}");
        }
        let mut flipped = whole.clone();
        flipped[whole.len() - 6] ^= 1;
        assert!(matches!(undone(&flipped, "gzip"), Err(ContentCodingError::Corrupt { coding: "gzip", .. })));
    }
}
