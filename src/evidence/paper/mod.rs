//! Paper: the evidence for one record as QR symbols, so that printed pages alone can be verified.
//!
//! | quantity      | unit    | range                                                   |
//! |---------------|---------|---------------------------------------------------------|
//! | part          | count   | from 1 to the number of parts, at most [`PART_COUNT_MAX`] |
//! | part          | bytes   | [`PART_BYTES`], the last one 5 to that, a multiple of 5 |
//! | symbol        | modules | 117 a side: version 25, error correction M              |
//! | unpacked      | bytes   | at most [`UNPACKED_BYTES_MAX`]                          |
//!
//! A symbol holds one line of QR's alphanumeric alphabet (ISO/IEC 18004 §7.4.4), whole, in one segment:
//!
//! ```text
//! AFFIANT/1/03/14/5C1D0A7E22B49F13/0F3A91C2/D6FQQAAAAAAAAA7…
//! ```
//!
//! | field              | what                                                                           |
//! |--------------------|--------------------------------------------------------------------------------|
//! | `AFFIANT`, `1`     | that it is a part, and this format's number                                    |
//! | `03`, `14`         | which part it is, from 01, and how many there are                              |
//! | `5C1D0A7E22B49F13` | which set: the first 16 hexadecimal digits of the SHA-256 of all parts' bytes, joined |
//! | `0F3A91C2`         | the CRC-32 of this part's bytes (as in gzip)                                   |
//! | the rest           | this part's bytes in base32 (RFC 4648 §6), which needs no padding              |
//!
//! The joined bytes are a gzip file (RFC 1952; no time, a comment of up to four spaces so that the length is a multiple
//! of 5) of a tar archive (POSIX ustar). In it, first [`LABEL`], which says what it is about:
//!
//! ```text
//! subject: AF-C-000002-n
//! bundle: 6d1b…0c4e
//! ```
//!
//! (`bundle` is the SHA-256 of `tagmanifest-sha256.txt` of the bundle that it was printed from), and then, under the
//! names that they have in a bundle ([`crate::evidence::bundle::layout`]): the checkpoint; record, statement and proof of
//! the subject, of entry 0, of every key record, and of every other entry that the subject leans on but the chain of earlier captures; of the
//! anchors, the first that covers the subject and the one that it names, each with its checkpoint, the lines that lead
//! from it, and one token. Content is not on paper: the text is printed, and the record has its SHA-256.
//!
//! To verify:
//! 1. Read every symbol; put the lines in order; compare each part's CRC-32. `zbarimg` reads scans:
//!    `zbarimg -q --raw *.png | grep ^AFFIANT/1/ | sort -u | cut -d/ -f7 | tr -d '\n' | base32 -d | gunzip | tar x`
//! 2. All parts are there, and the SHA-256 of the joined bytes begins as the set says.
//! 3. Undo gzip and tar within the limits; every name is one that a bundle has.
//! 4. Verify the subject from these files as from a bundle ([`crate::evidence::verify`]): what is not on paper is *not
//!    shown*. `VERIFY.md` of any bundle says what to type for each file without Affiant.

mod archive;
mod finder;
mod gather;
mod grid;
mod part;
mod picture;
mod scan;
mod source;
mod symbol;

pub use archive::ArchiveError;
pub use gather::{GatherError, Gathered, gather};
pub use part::{Parts, PartsError};
pub use scan::{PIXEL_COUNT_MAX, SIDE_PIXELS_MAX, ScanError, scan};
pub use source::{PaperError, PaperSource};
pub use symbol::{QUIET_ZONE, Symbol};

/// How many parts a set has at most: ten pages, more than which nobody scans.
pub const PART_COUNT_MAX: usize = 60;

/// How many bytes a part has: what version 25 holds beside the fields, in groups of 5.
pub const PART_BYTES: usize = 880;

/// The most bytes that a set unpacks to: a hundred times what sixty parts hold.
pub const UNPACKED_BYTES_MAX: usize = 4 << 20;

/// The file that says what a set is about.
pub const LABEL: &str = "paper.txt";
