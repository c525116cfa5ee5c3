//! Bags: a folder that lists its own files and their hashes, which `bagit.py` and `sha256sum -c` check.
//!
//! ```text
//! ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  data/abc.txt
//! e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  data/empty.txt
//! ```
//!
//! A `manifest-sha256.txt`. The `bag-info.txt` beside it says `Payload-Oxum: 3.2`: three bytes, two files.
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
//! To verify:
//! 1. `bagit.txt` is there, in exactly its two lines.
//! 2. Every manifest lists exactly the payload; every tag manifest lists the same other files, the
//!    manifests among them. No name leads out of the folder and none stands twice.
//! 3. Every listed file is there and has the hash that each list gives: `sha256sum -c` does this.
//! 4. The payload has as many bytes and files as `Payload-Oxum` says.
//! 5. Somebody vouches for the tag manifest, or the bag proves only that it agrees with itself.
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
mod fault;
mod manifest;
mod oxum;
mod validate;

pub use declaration::{DECLARATION, Metadata, Version};
pub use fault::Fault;
pub use manifest::{Algorithm, Manifest};
pub use oxum::Oxum;
pub use validate::{Report, validate};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::Hash;

    #[test]
    fn the_page_shows_a_real_manifest() {
        let page = include_str!("mod.rs").replace("//! ", "");
        let example = page.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
        let files = [("data/abc.txt", b"abc".as_slice()), ("data/empty.txt", b"")];
        let hashes = files.map(|(name, bytes)| (name.to_owned(), Hash::of(bytes))).into();
        assert_eq!(example, Manifest::text(&hashes));
    }
}
