//! Bags: a folder that lists its own files and their hashes, which `bagit.py` and `sha256sum -c` check.
//!
//! | quantity      | unit  | range              |
//! |---------------|-------|--------------------|
//! | tag file      | bytes | at most 33,554,432 |
//! | name          | bytes | 1 … 4,096          |
//! | payload files | count | from 0             |
//!
//! Source: RFC 8493 (BagIt 1.0). Bags of versions 0.93 to 0.97 are read by its rules too.
//!
//! # The files
//!
//! | file                     | says                                                                  |
//! |--------------------------|-----------------------------------------------------------------------|
//! | `bagit.txt`              | the version and that tag files are UTF-8                               |
//! | `bag-info.txt`           | what the bag is, and in `Payload-Oxum` how many bytes and files        |
//! | `data/…`                 | the payload                                                           |
//! | `manifest-sha256.txt`    | the hash and name of each payload file                                |
//! | `tagmanifest-sha256.txt` | the hash and name of each other file but itself                       |
//!
//! # Stricter than the specification
//!
//! - Tag files are UTF-8; any other encoding is refused.
//! - `fetch.txt` is refused: a bag that must be completed from the network proves nothing by itself.
//! - A name may stand once in a manifest, even with the same hash, whatever the version.
//! - MD5, SHA-1 and anything else but the SHA-2 family is reported as unsupported, never as checked:
//!   two files with one MD5 hash are easily made.
//! - Names that lead out of the folder on any system are refused, and so are two that differ only in case.
//! - A tag file that no tag manifest lists is allowed by the specification and so is not a fault, but
//!   it is reported, because nothing vouches for it.
//!
//! Looser in versions below 1.0, where `./` or the `*` of `md5sum` may stand before a name, and a `%`
//! may stand for itself.
//!
//! It does not change between spellings of Unicode: two names that look alike are two names.

mod declaration;
mod manifest;
mod validate;

pub use declaration::{DECLARATION, Metadata, Oxum, Version};
pub use manifest::{Algorithm, Manifest};
pub use validate::{Fault, Report, validate};

/// The longest tag file that is read: more than a manifest of 65,534 names of 255 bytes needs.
pub const TAG_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The longest name: what POSIX allows for a path.
pub const NAME_BYTES_MAX: usize = 4096;

/// The file that makes a folder a bag.
pub const DECLARATION_NAME: &str = "bagit.txt";

/// The file that says what is in the bag.
pub const METADATA_NAME: &str = "bag-info.txt";

/// The list of the payload's hashes.
pub const MANIFEST_NAME: &str = "manifest-sha256.txt";

/// The list of the hashes of all other files.
pub const TAG_MANIFEST_NAME: &str = "tagmanifest-sha256.txt";

/// Where the payload lies.
pub const PAYLOAD_PREFIX: &str = "data/";
