//! ZIP files with one spelling: the same files always give the same bytes, and nothing can hide between them.
//!
//! ```text
//! 504b0304 0a00 0000 0000 0000 2100 c2412435 03000000 03000000 0100 0000 61
//! 616263
//! 504b0102 0a03 0a00 0000 0000 0000 2100 c2412435 03000000 03000000 0100 0000 0000 0000 0000 0000a481 00000000 61
//! 504b0506 0000 0000 0100 0100 2f000000 22000000 0000
//! ```
//!
//! One member, `a`, that holds `abc`: its local header, its bytes, the directory, the end record.
//!
//! | quantity         | unit  | range                                   |
//! |------------------|-------|-----------------------------------------|
//! | members          | count | 0 … 65,534                              |
//! | size of the file | bytes | 22 … 4,294,967,294                      |
//! | name             | bytes | 1 … 255, of `[a-z0-9._/-]`, or [`READ_FIRST`] |
//! | offset           | bytes | from the first byte of the file         |
//!
//! Source: PKWARE APPNOTE 6.3.10 §4.3.7 (local header), §4.3.12 (central directory), §4.3.16 (end record).
//!
//! # The layout
//!
//! For each member, in bytewise order of name, a local header and at once its bytes; then the central
//! directory in the same order; then the end record, which ends the file. Every field is either
//! determined by the names and bytes of the members or fixed:
//!
//! | field                | value                                            |
//! |----------------------|--------------------------------------------------|
//! | version made by      | 3.10: Unix, APPNOTE 1.0                          |
//! | version needed       | 1.0                                              |
//! | flags                | 0: not encrypted, sizes in the header, ASCII names |
//! | method               | 0, stored                                        |
//! | time, date           | 00:00:00, 1980-01-01                             |
//! | external attributes  | regular file, `rw-r--r--`                        |
//! | extra field, comment | none                                             |
//!
//! # Stricter than the specification
//!
//! The reader accepts exactly what the writer writes. Most attacks with ZIP files let two programs see
//! different files in one ZIP (a second directory, a gap, a prefix, headers that disagree, a name
//! twice) or let the unpacking do harm (names that climb out, ratios of a million, encryption); none of
//! them can be spelt here. A ZIP that another tool has packed again is refused too, although its files
//! may be intact: unpack it and verify the folder.
//!
//! To verify:
//! 1. The last 22 bytes are the end record; the directory ends where it begins.
//! 2. Each directory entry has the fixed fields, a fit name that sorts after the one before, and an
//!    offset where the member before it ends.
//! 3. Each local header is the one that its entry calls for.
//! 4. Each member's bytes have its CRC-32, which shows damage and nothing more: what vouches for the
//!    bytes is the manifest of the bag inside.
//!
//! No ZIP64: a bundle of 4 GiB is divided instead, so that every tool can open it.

mod reader;
mod writer;

pub use reader::{Archive, MemberReader, ReadAt};
pub use writer::{Member, Plan};

/// How many members a ZIP may have: one less than the count that means ZIP64.
pub const MEMBERS_MAX: usize = 0xFFFE;

/// How many bytes a ZIP may have: one less than the size that means ZIP64.
pub const SIZE_BYTES_MAX: u64 = 0xFFFF_FFFE;

/// How long a name may be: what common file systems allow for one name.
pub const NAME_BYTES_MAX: usize = 255;

/// The one name with capitals, as is the custom for the page that a person should read first.
pub const READ_FIRST: &str = "VERIFY.md";

const LOCAL_SIGNATURE: u32 = 0x0403_4B50;
const CENTRAL_SIGNATURE: u32 = 0x0201_4B50;
const END_SIGNATURE: u32 = 0x0605_4B50;

const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;

/// APPNOTE 1.0, as read by whoever unpacks.
const VERSION_NEEDED: u16 = 10;
/// Unix in the upper byte, so that the mode in the external attributes is read.
const VERSION_MADE_BY: u16 = 3 << 8 | VERSION_NEEDED;
/// 1980-01-01, the first day that the format knows.
const DATE: u16 = 1 << 5 | 1;
/// A regular file, `rw-r--r--`.
const EXTERNAL_ATTRIBUTES: u32 = 0o100_644 << 16;

/// Checks that `name` leads to one place below the folder it is unpacked in, whatever the system.
pub(super) fn check_name(name: &str) -> Result<(), ZipError> {
    let named = || name.to_owned();
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(ZipError::NameLength { name: named(), bytes_max: NAME_BYTES_MAX });
    }
    let escapes = name.starts_with('/') || name.contains(['\\', ':']) || name.split('/').any(|part| part == "..");
    if escapes {
        return Err(ZipError::PathEscapes { name: named() });
    }
    if name == READ_FIRST {
        return Ok(());
    }
    if let Some(found) = name.chars().find(|&c| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '/' | '-')) {
        return Err(ZipError::NameCharacter { name: named(), found });
    }
    if name.ends_with('/') {
        return Err(ZipError::IsFolder { name: named() });
    }
    // Windows drops a dot at the end of a name, so `a.` and `a` would be one file.
    if name.split('/').any(|part| part.is_empty() || part.ends_with('.')) {
        return Err(ZipError::NamePart { name: named() });
    }
    Ok(())
}

/// Why a ZIP cannot be written, or is not one that this program wrote.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ZipError {
    #[error("`{name}` is compressed (method {method}); {REPACKED}")]
    Compressed { name: String, method: u16 },
    #[error("the directory ends at byte {found} but its end record says {expected}")]
    DirectorySize { expected: u64, found: u64 },
    #[error("`{name}` is there twice")]
    Duplicate { name: String },
    #[error("`{name}` is encrypted")]
    Encrypted { name: String },
    #[error("`{name}` is a file and also a folder of other files")]
    FileAndFolder { name: String },
    #[error("`{name}` has a {field} of `{found}` in its {header}, expected `{expected}`; {REPACKED}")]
    ForeignField { name: String, header: &'static str, field: &'static str, expected: u64, found: u64 },
    #[error("`{name}` has another {field} in its local header (`{local}`) than in the directory (`{central}`)")]
    HeadersDisagree { name: String, field: &'static str, central: String, local: String },
    #[error("`{name}` is a folder, but only files are listed; {REPACKED}")]
    IsFolder { name: String },
    #[error("the name `{name}` contains `{found}`; names are made of a-z, 0-9, `.`, `_`, `-` and `/`; {REPACKED}")]
    NameCharacter { name: String, found: char },
    #[error("the name `{name}` is not 1 to {bytes_max} bytes long")]
    NameLength { name: String, bytes_max: usize },
    #[error("the name `{name}` has a part that is empty or ends in a dot")]
    NamePart { name: String },
    #[error("no member is called `{name}`")]
    NoSuchMember { name: String },
    #[error("not a ZIP: no end record in the last {END_BYTES} bytes; {REPACKED}")]
    NotAZip,
    #[error("`{name}` begins at byte {found}, expected {expected}: bytes are hidden, shared or missing before it")]
    NotContiguous { name: String, expected: u64, found: u64 },
    #[error("`{name}` leads out of the folder")]
    PathEscapes { name: String },
    #[error("`{name}` could not be read")]
    Read { name: String, source: std::io::Error },
    #[error("the ZIP is {size_bytes} bytes, at most {SIZE_BYTES_MAX} are allowed; divide it over several bundles")]
    TooLarge { size_bytes: u64 },
    #[error("the ZIP has {count} members, at most {MEMBERS_MAX} are allowed; divide it over several bundles")]
    TooManyMembers { count: usize },
    #[error("`{name}` stands after `{previous}`, but members are in order of name; {REPACKED}")]
    Unsorted { name: String, previous: String },
    #[error("could not write the ZIP")]
    Write { source: std::io::Error },
    #[error("`{name}` has the CRC-32 {computed:08x}, expected {expected:08x}: it is damaged")]
    WrongCrc { name: String, expected: u32, computed: u32 },
    #[error("`{name}` is not {expected} bytes long as it was when it was measured")]
    WrongSize { name: String, expected: u64 },
}

const REPACKED: &str = "if another tool packed this ZIP again, unpack it and verify the folder";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_a_real_zip() {
        let plan = Plan::new(vec![Member::measure("a", b"abc".as_slice()).unwrap()]).unwrap();
        let mut zip = Vec::new();
        plan.write(&mut zip, |_| Ok(b"abc".as_slice())).unwrap();
        let page = include_str!("mod.rs").split("//! ```text").nth(1).unwrap().split("//! ```").next().unwrap();
        let digits: String = page.chars().filter(char::is_ascii_hexdigit).collect();
        assert_eq!(digits, data_encoding::HEXLOWER.encode(&zip));
    }
}
