//! ASiC-S: a bundle and a timestamp over it in one file, as European tools read them.
//!
//! | member                   | what                                                                    |
//! |--------------------------|-------------------------------------------------------------------------|
//! | `mimetype`               | [`MEDIA_TYPE`], first, not compressed                                    |
//! | the bundle, by its name  | the one file that is dated, byte for byte                                 |
//! | `META-INF/timestamp.tst` | an RFC 3161 timestamp token over the bundle's bytes                       |
//!
//! Source: ETSI EN 319 162-1 §4.3 (ASiC-S, simple container, with a time assertion). There is no `CAdES` or `XAdES` signature in
//! it: those need a certificate from an authority, and the archive signs with a key of its own, inside the bundle. What the
//! container shows is that the bundle existed at the token's time, on the word of who made the token, and no more.
//!
//! To verify: take the bundle and the token out of the container; the token is over the bundle, and made by an authority
//! that the reader trusts (`openssl ts -verify -token_in`). Then verify the bundle by itself.

use std::io::{self, Write};

use super::bundle::zip::{Member, Plan, ZipError};

/// The media type of the container.
pub const MEDIA_TYPE: &str = "application/vnd.etsi.asic-s+zip";

/// Where the token lies.
pub const TOKEN: &str = "META-INF/timestamp.tst";

const MIMETYPE: &str = "mimetype";

/// A container that is ready to be written.
pub struct Container<'c> {
    plan: Plan,
    bundle: &'c str,
    token: &'c [u8],
}

impl<'c> Container<'c> {
    /// Plans a container for a bundle that was measured, and a token over it.
    ///
    /// # Errors
    /// [`ZipError::TooLarge`] when it is more than a ZIP can hold.
    pub fn new(bundle: &'c Member, token: &'c [u8]) -> Result<Self, ZipError> {
        let members =
            vec![Member::measure(MIMETYPE, MEDIA_TYPE.as_bytes())?, bundle.clone(), Member::measure(TOKEN, token)?];
        Ok(Self { plan: Plan::of_package(members)?, bundle: &bundle.name, token })
    }

    /// Returns how many bytes it will have.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.plan.size_bytes()
    }

    /// Writes the container; `copy` copies the bundle.
    ///
    /// # Errors
    /// A [`ZipError`]; what was written by then is to be thrown away.
    pub fn write(
        &self,
        out: &mut dyn Write,
        mut copy: impl FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ZipError> {
        self.plan.write_with(out, |name, target| match name {
            MIMETYPE => target.write_all(MEDIA_TYPE.as_bytes()),
            name if name == self.bundle => copy(target),
            _ => target.write_all(self.token),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_stands_first_and_plain() {
        let bundle = Member::measure("b.zip", b"PK".as_slice()).unwrap();
        let mut bytes = Vec::new();
        Container::new(&bundle, b"token").unwrap().write(&mut bytes, |target| target.write_all(b"PK")).unwrap();
        // ETSI EN 319 162-1 §A.1: the media type can be read at a fixed place.
        assert_eq!(&bytes[30..38], b"mimetype");
        assert_eq!(&bytes[38..38 + MEDIA_TYPE.len()], MEDIA_TYPE.as_bytes());
        assert_eq!(&bytes[..4], b"PK\x03\x04");
    }
}
