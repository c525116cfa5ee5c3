//! What a bag says about itself: `bagit.txt` and `bag-info.txt`.
//!
//! Source: RFC 8493 §2.1.1 and §2.2.2.

use std::fmt;

use super::fault::Fault;
use super::oxum::Oxum;
use super::{DECLARATION_NAME, METADATA_NAME};

/// The whole of `bagit.txt`, as it is written.
pub const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// A version of BagIt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version {
    /// The number before the dot.
    pub major: u8,
    /// The number after it.
    pub minor: u8,
}

impl Version {
    /// The version of RFC 8493.
    pub const ONE: Self = Self { major: 1, minor: 0 };

    /// Reads `bagit.txt`.
    pub(super) fn from_declaration(text: &str) -> Result<Self, Fault> {
        let lines = lines(text);
        let malformed = |found: &str| Fault::DeclarationMalformed { found: found.to_owned() };
        let [first, second] = lines.as_slice() else {
            return Err(malformed(text));
        };
        let version = first.strip_prefix("BagIt-Version: ").ok_or_else(|| malformed(first))?;
        let encoding = second.strip_prefix("Tag-File-Character-Encoding: ").ok_or_else(|| malformed(second))?;
        let version = match version {
            "1.0" => Self::ONE,
            "0.97" | "0.96" | "0.95" | "0.94" | "0.93" => {
                Self { major: 0, minor: version[2..].parse().expect("one of the numbers above") }
            }
            _ => return Err(Fault::VersionUnknown { found: version.to_owned() }),
        };
        if encoding != "UTF-8" {
            return Err(Fault::EncodingUnsupported { found: encoding.to_owned() });
        }
        Ok(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What `bag-info.txt` says, in order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    elements: Vec<(String, String)>,
}

impl Metadata {
    /// Starts with nothing said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says one thing more. What would break a line becomes a space, since a value is one line.
    #[must_use]
    pub fn with(mut self, label: &str, value: &str) -> Self {
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.elements.push((label.to_owned(), value.trim().to_owned()));
        self
    }

    /// Returns what is said under `label`, whatever its case, in order.
    pub fn values(&self, label: &str) -> impl Iterator<Item = &str> {
        let named = move |(other, _): &&(String, String)| other.eq_ignore_ascii_case(label);
        self.elements.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// Reads `bag-info.txt`.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut elements: Vec<(String, String)> = Vec::new();
        for (n, line) in lines(text).into_iter().enumerate() {
            let malformed = || Fault::LineMalformed { file: METADATA_NAME.to_owned(), line: n + 1 };
            if line.starts_with([' ', '\t']) {
                // A long value goes on in the next line.
                let (_, value) = elements.last_mut().ok_or_else(malformed)?;
                value.push(' ');
                value.push_str(line.trim());
                continue;
            }
            let (label, value) = line.split_once(':').ok_or_else(malformed)?;
            if label.trim().is_empty() {
                return Err(malformed());
            }
            elements.push((label.trim().to_owned(), value.trim().to_owned()));
        }
        Ok(Self { elements })
    }

    /// Returns the size that the bag claims, when it claims one.
    pub(super) fn oxum(&self) -> Result<Option<Oxum>, Fault> {
        let mut values = self.values("Payload-Oxum");
        let Some(value) = values.next() else { return Ok(None) };
        let malformed = |found: &str| Fault::OxumMalformed { found: found.to_owned() };
        if let Some(second) = values.next() {
            return Err(malformed(second));
        }
        value.parse().map(Some).map_err(|_| malformed(value))
    }
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (label, value) in &self.elements {
            writeln!(f, "{label}: {value}")?;
        }
        Ok(())
    }
}

/// Divides a tag file at LF, CR or CR LF; the last line may or may not be ended.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        lines.push(&rest[..end]);
        let after = &rest[end..];
        rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(['\r', '\n'])).unwrap_or(after);
    }
    lines
}

/// Puts the name of the file before what is wrong with it.
pub(super) fn declaration_absent() -> Fault {
    Fault::Absent { name: DECLARATION_NAME.to_owned(), listed_in: "RFC 8493 §2.1".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_declaration_in_one_spelling() {
        assert_eq!(Version::from_declaration(DECLARATION), Ok(Version::ONE));
        let old = "BagIt-Version: 0.97\r\nTag-File-Character-Encoding: UTF-8";
        assert_eq!(Version::from_declaration(old).unwrap().to_string(), "0.97");
        for text in [
            "",
            "BagIt-Version: 1.0\n",
            "BagIt-Version : 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "BagIt-Version: 1.0 \nTag-File-Character-Encoding: UTF-8\n",
            "BagIt-Version: 1.1\nTag-File-Character-Encoding: UTF-8\n",
            "\u{FEFF}BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-16\n",
            "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n\n",
        ] {
            assert!(Version::from_declaration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn keeps_each_value_on_one_line() {
        let metadata = Metadata::new().with("Title", "a\nPayload-Oxum: 0.0").with("Payload-Oxum", "12.3");
        let text = metadata.to_string();
        assert_eq!(text, "Title: a Payload-Oxum: 0.0\nPayload-Oxum: 12.3\n");
        assert_eq!(Metadata::parse(&text), Ok(metadata.clone()));
        assert_eq!(metadata.oxum(), Ok(Some(Oxum { size_bytes: 12, files: 3 })));
        assert_eq!(Metadata::parse("A: b\n  c\nd").unwrap_err().to_string(), "`bag-info.txt`, line 3, cannot be read");
        assert_eq!(Metadata::parse("A: b\r\n\tc").unwrap().values("a").collect::<Vec<_>>(), ["b c"]);
    }
}
