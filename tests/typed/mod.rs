//! `VERIFY.md`, typed: what the page of a bundle tells a reader to type is read from the page and typed, in the shells that
//! people have, and other people's programs say what they say.
//!
//! | page        | where the commands come from                                                  |
//! |-------------|-------------------------------------------------------------------------------|
//! | desk        | a bundle that has everything, its exhibit and container, and a reader's tools |
//! | acceptance  | every command succeeds on the bundle as it was made                           |
//! | forgeries   | each tool's commands refuse what a forger does to what they read              |
//! | browsers    | `verify.html` of the bundle, opened from the disk as the page says             |
//! | newcomer    | the shortest way, by coreutils and openssh alone, timed (`demo/newcomer.sh`)  |
//!
//! No command stands in these tests: where the page loses one, or one does not work as it stands, they fail.

mod acceptance;
mod browsers;
mod desk;
mod forgeries;
mod newcomer;
mod page;

/// What begins the lines by which each tool of the page is called, and of how many blocks at least.
pub(crate) const TOOLS: [(&str, usize); 13] = [
    ("sha256sum -c", 1),
    ("bagit.py", 1),
    ("ssh-keygen -Y verify", 2),
    ("openssl pkeyutl", 2),
    ("openssl ts -verify", 2),
    ("openssl cms", 3),
    ("go -C", 1),
    ("python3 -", 2),
    ("ots verify", 1),
    ("qpdf", 1),
    ("java", 1),
    ("sh verify.sh", 3),
    ("affiant verify", 1),
];
