//! Annexes: files that travel in a bundle, sealed with it, and that no claim leans on.
//!
//! | file                           | what                                                                    |
//! |--------------------------------|-------------------------------------------------------------------------|
//! | `contents.html`                | the table of contents (`super::contents`)                             |
//! | `verify.html`                  | a page that checks the bundle in a browser                              |
//! | `data/custody.jsonl`           | who exported what of the subjects before, as the archive's operator logged it |
//! | `data/ro-crate-metadata.json`  | the same as the records say, in RO-Crate 1.1 (JSON-LD)                  |
//! | `data/exhibits/NAME.pdf`       | exhibits made from the subjects                                         |
//! | `data/endorsements/NAME.cms`   | who vouches for the log's keys ([`crate::evidence::endorsement`])       |
//! | `data/endorsements/NAME.txt`   | what they signed, where it does not lie in the signature                |
//! | `data/transparent/NAME.cose`   | `statement.cose` with `receipt.cose` under header 394 (RFC 9943), by a subject's id |
//!
//! | quantity  | unit  | range                        |
//! |-----------|-------|------------------------------|
//! | `NAME`    | bytes | 1 … 64, of `[a-z0-9-]`       |
//!
//! Rules. Annexes came with format 2: a bundle of format 1 has none, and its reader refuses them. All are optional. The
//! manifests list them and the seal covers them, so one that was changed, added or taken away is named like any file.
//! What they *say* is not checked by the reader: it is said again, for people or for other programs, what the records
//! say, and a later change of wording must not fail an old bundle. No verdict rests on one. An endorsement is checked, and
//! what comes of it is said beside the verdict: whom a reader trusts, the reader's policy says.
//!
//! To verify: the name is one of these, and the format is 2 or later. The rest is the manifest's and the seal's.

use crate::base::id::Id;

/// The table of contents.
pub const CONTENTS: &str = "contents.html";

/// The page that checks the bundle in a browser.
pub const VERIFIER: &str = "verify.html";

/// Who exported what before.
pub const CUSTODY: &str = "data/custody.jsonl";

/// The description for repositories of research and heritage.
pub const CRATE: &str = "data/ro-crate-metadata.json";

/// Where exhibits lie.
pub const EXHIBITS: &str = "data/exhibits/";

/// Where endorsements lie.
pub const ENDORSEMENTS: &str = "data/endorsements/";

/// Where transparent statements lie.
const TRANSPARENT: &str = "data/transparent/";

/// The longest `NAME`.
const NAME_BYTES_MAX: usize = 64;

/// Names the transparent statement of a subject.
#[must_use]
pub fn transparent(id: &Id) -> String {
    format!("{TRANSPARENT}{}.cose", id.to_string().to_ascii_lowercase())
}

/// Says whether a file, by its name, is an annex.
#[must_use]
pub fn is_annex(name: &str) -> bool {
    let lies_in = |folder: &str, ending: &str| {
        let stem = name.strip_prefix(folder).and_then(|name| name.strip_suffix(ending));
        let is_fit = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-');
        stem.is_some_and(|stem| (1..=NAME_BYTES_MAX).contains(&stem.len()) && stem.bytes().all(is_fit))
    };
    [CONTENTS, VERIFIER, CUSTODY, CRATE].contains(&name)
        || lies_in(EXHIBITS, ".pdf")
        || lies_in(ENDORSEMENTS, ".cms")
        || lies_in(ENDORSEMENTS, ".txt")
        || lies_in(TRANSPARENT, ".cose")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::Prefix;

    #[test]
    fn names_annexes_and_nothing_else() {
        let id = Id { prefix: Prefix::new("AF").unwrap(), letter: 'C', index: 42 };
        let transparent = transparent(&id);
        for name in [
            CONTENTS,
            VERIFIER,
            CUSTODY,
            CRATE,
            "data/exhibits/a.pdf",
            "data/exhibits/a-volume-2.pdf",
            "data/endorsements/b-1.cms",
            "data/endorsements/b-1.txt",
            &transparent,
        ] {
            assert!(is_annex(name), "{name}");
        }
        let long = format!("data/exhibits/{}.pdf", "a".repeat(65));
        for name in [
            "data/exhibits/.pdf",
            "data/exhibits/a/b.pdf",
            "data/exhibits/A.pdf",
            "data/contents.html",
            "data/endorsements/a.pdf",
            "data/transparent/.cose",
            "data/transparent/a.pdf",
            &long,
        ] {
            assert!(!is_annex(name), "{name}");
        }
    }
}
