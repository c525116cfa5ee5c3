//! The page: `verify.html`, which checks a bundle in a browser with nothing installed and no network.
//!
//! | quantity | unit  | range                      |
//! |----------|-------|----------------------------|
//! | page     | bytes | at most [`SIZE_BYTES_MAX`] |
//!
//! It is a second implementation of [`crate::evidence::verify`], written apart from this one in TypeScript: `verifier/` in
//! the repository holds its source, and says how to build the very bytes that stand here. The tests ask both about
//! the same bundles and forgeries, and neither believes what the other does not.
//!
//! It travels in each bundle as an annex ([`super::annex`]), for whoever has nothing else. There it vouches for nothing:
//! whoever forges a bundle can forge its page. So the page is also written by itself (`affiant verify-page`), its
//! SHA-256 is printed there and by `affiant doctor`, and an archive logs it by capturing the file, as it does any other.
//!
//! To verify: compare the SHA-256 of the file with the published one; build `verifier/` and compare the bytes.

use crate::base::hash::Hash;

/// The page.
pub const PAGE: &str = include_str!("verify.html");

/// How long the page may be: it is mailed, and opened on old machines.
pub const SIZE_BYTES_MAX: usize = 100_000;

/// Returns the SHA-256 of the page, for whoever compares theirs.
#[must_use]
pub fn page_sha256() -> Hash {
    Hash::of(PAGE.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_fits_and_can_ask_nobody() {
        assert!(PAGE.len() <= SIZE_BYTES_MAX, "{}", PAGE.len());
        let policy = PAGE.split("http-equiv=\"Content-Security-Policy\" content=\"").nth(1).unwrap();
        let policy = policy.split('"').next().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        for word in ["http", "unsafe", "blob:", "data:", "connect-src", "*"] {
            assert!(!policy.contains(word), "{policy}");
        }
        assert!(!PAGE.contains("http://") && !PAGE.contains("https://"), "the page names no address");
    }

    #[test]
    fn the_policy_names_the_loader_and_the_style_that_stand_there() {
        for (tag, end) in [("<script>", "</script>"), ("<style>", "</style>")] {
            let text = PAGE.split(tag).nth(1).unwrap().split(end).next().unwrap();
            let hash = data_encoding::BASE64.encode(Hash::of(text.as_bytes()).as_bytes());
            assert!(PAGE.contains(&format!("'sha256-{hash}'")), "{tag}");
        }
    }
}
