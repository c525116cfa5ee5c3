//! Manifests: lists of hashes and names.
//!
//! Source: RFC 8493 §2.1.3 and §2.2.1. A line is a hash in hexadecimal, spaces or tabs, and a name, in
//! which a line feed, a carriage return and a percent sign stand as `%0A`, `%0D` and `%25`. Two spaces
//! are written, so that `sha256sum -c` reads the file.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER_PERMISSIVE;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::declaration::lines;
use super::fault::Fault;
use super::{NAME_BYTES_MAX, Version};
use crate::base::hash::Hash;

/// A hash function that a manifest may use and that is checked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "each is named as FIPS 180-4 names it")]
pub enum Algorithm {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// Returns the algorithm that a manifest's file name means.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha224" => Some(Self::Sha224),
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn hasher(self) -> Box<dyn DynDigest> {
        match self {
            Self::Sha224 => Box::new(Sha224::default()),
            Self::Sha256 => Box::new(Sha256::default()),
            Self::Sha384 => Box::new(Sha384::default()),
            Self::Sha512 => Box::new(Sha512::default()),
        }
    }
}

/// A list of hashes and names, as it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Manifest {
    /// The name of the file it is in.
    pub(super) file: String,
    /// `None` when its hashes cannot be checked.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) hashes: BTreeMap<String, Vec<u8>>,
}

impl Manifest {
    /// Returns the text of a manifest of SHA-256 hashes.
    #[must_use]
    pub fn text(hashes: &BTreeMap<String, Hash>) -> String {
        let lines: Vec<String> = hashes.iter().map(|(name, hash)| format!("{hash}  {}\n", encode_name(name))).collect();
        lines.concat()
    }

    /// Says whether a text is spelt as [`Self::text`] spells it: BagIt lets a manifest be written in many ways.
    #[must_use]
    pub fn is_plain(text: &str) -> bool {
        let read = |line| {
            let (hash, name) = parse_line(line, Version::ONE)?;
            Some((name, Hash::from_slice(&hash).ok()?))
        };
        let hashes: Option<BTreeMap<String, Hash>> = lines(text).into_iter().map(read).collect();
        hashes.is_some_and(|hashes| Self::text(&hashes) == text)
    }

    /// Reads a manifest, saying everything that is wrong with it.
    pub(super) fn parse(file: &str, algorithm: &str, text: &str, version: Version) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let algorithm_known = Algorithm::from_name(algorithm);
        if algorithm_known.is_none() {
            let (file, algorithm) = (file.to_owned(), algorithm.to_owned());
            faults.push(Fault::AlgorithmUnsupported { file, algorithm });
        }
        let mut manifest = Self { file: file.to_owned(), algorithm: algorithm_known, hashes: BTreeMap::new() };
        for (n, line) in lines(text).into_iter().enumerate() {
            let added = match parse_line(line, version) {
                Some((hash, name)) => manifest.add(hash, name),
                None => Err(Fault::LineMalformed { file: file.to_owned(), line: n + 1 }),
            };
            faults.extend(added.err());
        }
        (manifest, faults)
    }

    fn add(&mut self, hash: Vec<u8>, name: String) -> Result<(), Fault> {
        if escapes(&name) {
            return Err(Fault::PathEscapes { name, found_in: self.file.clone() });
        }
        if self.hashes.contains_key(&name) {
            return Err(Fault::Duplicate { name, file: self.file.clone() });
        }
        self.hashes.insert(name, hash);
        Ok(())
    }
}

fn parse_line(line: &str, version: Version) -> Option<(Vec<u8>, String)> {
    let (hash, name) = line.split_once([' ', '\t'])?;
    let hash = HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).ok().filter(|hash| !hash.is_empty())?;
    let name = decode_name(name.trim_start_matches([' ', '\t']), version)?;
    Some((hash, name)).filter(|(_, name)| !name.is_empty() && name.len() <= NAME_BYTES_MAX)
}

fn encode_name(name: &str) -> String {
    name.replace('%', "%25").replace('\n', "%0A").replace('\r', "%0D")
}

fn decode_name(name: &str, version: Version) -> Option<String> {
    let is_old = version < Version::ONE;
    let name = if is_old { name.strip_prefix('*').unwrap_or(name).trim_start_matches("./") } else { name };
    let mut decoded = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        let (character, length) = match rest.get(at + 1..at + 3) {
            Some("0A" | "0a") => ('\n', 3),
            Some("0D" | "0d") => ('\r', 3),
            Some("25") => ('%', 3),
            _ if is_old => ('%', 1),
            _ => return None,
        };
        decoded.push(character);
        rest = &rest[at + length..];
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// Whether a name leads out of the folder on some system, or nowhere.
pub(super) fn escapes(name: &str) -> bool {
    // `~` is a home for shells, `:` a drive or a stream and `\` a separator for Windows.
    let is_foreign = name.starts_with('~') || name.contains(['\\', ':', '\0']);
    is_foreign || name.split('/').any(|part| matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, version: Version) -> Vec<String> {
        let (manifest, faults) = Manifest::parse("manifest-sha256.txt", "sha256", text, version);
        let faults = faults.iter().map(|fault| format!("{fault:?}").split(' ').next().unwrap().to_owned());
        manifest.hashes.into_keys().chain(faults).collect()
    }

    #[test]
    fn one_spelling_is_plain_and_any_other_is_not() {
        let hash = "ab".repeat(32);
        let plain = format!("{hash}  data/a\n{hash}  data/b%0A\n");
        assert!(Manifest::is_plain(&plain) && Manifest::is_plain(""));
        for other in [
            plain.to_uppercase().replace("DATA", "data"),
            plain.replace('\n', "\r\n"),
            plain.replace("  ", " "),
            plain.replace("%0A", "%0a"),
            plain.trim_end().to_owned(),
            plain.clone() + "\n",
            format!("{hash}  data/b\n{hash}  data/a\n"),
            plain.replace(&hash, &hash[2..]),
        ] {
            assert!(!Manifest::is_plain(&other), "{other:?}");
        }
    }

    #[test]
    fn writes_names_that_it_reads_back() {
        let names = ["data/a", "data/b c", "data/100%", "data/%0A", "data/a\nb\rc", "data/é"];
        let hashes = names.iter().map(|name| ((*name).to_owned(), Hash::of(name.as_bytes()))).collect();
        let text = Manifest::text(&hashes);
        let (manifest, faults) = Manifest::parse("m", "sha256", &text, Version::ONE);
        assert_eq!(faults, []);
        let bytes = |(name, hash): (&String, &Hash)| (name.clone(), hash.as_bytes().to_vec());
        assert_eq!(manifest.hashes, hashes.iter().map(bytes).collect());
        assert!(text.contains("  data/a%0Ab%0Dc\n") && text.contains("  data/100%25\n"), "{text}");
    }

    #[test]
    fn says_what_is_wrong_with_a_line() {
        let old = Version { major: 0, minor: 97 };
        let cases = [
            ("00 data/a\r\n01\tdata/b", vec!["data/a", "data/b"], vec!["data/a", "data/b"]),
            ("00 data/a\n00 data/a", vec!["data/a", "Duplicate"], vec!["data/a", "Duplicate"]),
            ("00 data/%0A\n00 data/%0a", vec!["data/\n", "Duplicate"], vec!["data/\n", "Duplicate"]),
            ("0 data/a", vec!["LineMalformed"], vec!["LineMalformed"]),
            ("00", vec!["LineMalformed"], vec!["LineMalformed"]),
            (" 00 a", vec!["LineMalformed"], vec!["LineMalformed"]),
            ("00 ", vec!["LineMalformed"], vec!["LineMalformed"]),
            ("00 data/%7E", vec!["LineMalformed"], vec!["data/%7E"]),
            ("00 data/%é", vec!["LineMalformed"], vec!["data/%é"]),
            ("00 *data/a", vec!["*data/a"], vec!["data/a"]),
            ("00 ./data/a", vec!["PathEscapes"], vec!["data/a"]),
            ("00 data/../a", vec!["PathEscapes"], vec!["PathEscapes"]),
            ("00 /a", vec!["PathEscapes"], vec!["PathEscapes"]),
            ("00 ~/a", vec!["PathEscapes"], vec!["PathEscapes"]),
            ("00 data\\a", vec!["PathEscapes"], vec!["PathEscapes"]),
            ("00 C:a", vec!["PathEscapes"], vec!["PathEscapes"]),
        ];
        for (text, expected, expected_old) in cases {
            assert_eq!(parse(text, Version::ONE), expected, "{text:?}");
            assert_eq!(parse(text, old), expected_old, "{text:?} in an old bag");
        }
    }
}
