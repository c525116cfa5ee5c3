//! Source: a page on its way to the tokenizer, which takes in one piece what nobody reads.
//!
//! A script or style whose text is unwanted is handed over whole, up to where its end tag may stand: the tokenizer would
//! look at every `<` of it and find no tag (WHATWG HTML §13.2.5.3, §13.2.5.4). Behind `<!--` a script has other rules
//! (§13.2.5.18 and on), and the tokenizer sees all that follows.

use std::cell::Cell;
use std::convert::Infallible;

use html5gum::{Readable, Reader};
use memchr::memchr_iter;

/// What the text that follows ends with, where nobody wants it.
pub(super) type Unwanted = Cell<Option<&'static [u8]>>;

/// What has not been read of a page.
pub(super) struct Source<'p> {
    rest: &'p [u8],
    unwanted: &'p Unwanted,
}

impl<'p> Source<'p> {
    pub(super) fn new(page: &'p str, unwanted: &'p Unwanted) -> Self {
        Self { rest: page.as_bytes(), unwanted }
    }

    fn take(&mut self, length: usize) -> &'p [u8] {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

#[expect(
    clippy::inline_always,
    reason = "each state of the tokenizer looks for bytes of its own, known when it is compiled"
)]
impl Reader for Source<'_> {
    type Error = Infallible;

    #[inline(always)]
    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        let Some((byte, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        Ok(Some(*byte))
    }

    #[inline(always)]
    fn read_until<'b>(&'b mut self, needle: &[u8], buffer: &'b mut [u8; 4]) -> Result<Option<&'b [u8]>, Infallible> {
        if let Some(end) = self.unwanted.take() {
            let unwanted = self.take(unwanted_bytes(self.rest, end));
            if !unwanted.is_empty() {
                return Ok(Some(unwanted));
            }
        }
        let mut reader = self.rest.to_reader();
        let Some(piece) = reader.read_until(needle, buffer)? else { return Ok(None) };
        let length = piece.len();
        Ok(Some(self.take(length)))
    }

    #[inline(always)]
    fn try_read_string(&mut self, text: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        let mut reader = self.rest.to_reader();
        let is_next = reader.try_read_string(text, case_sensitive)?;
        if is_next {
            self.take(text.len());
        }
        Ok(is_next)
    }
}

/// Returns how many bytes stand before what may be the end, or before a comment.
fn unwanted_bytes(text: &[u8], end: &[u8]) -> usize {
    let is_end = |rest: &[u8]| rest.get(..end.len()).is_some_and(|start| start.eq_ignore_ascii_case(end));
    let stops = |at: &usize| is_end(&text[*at..]) || text[*at..].starts_with(b"<!--");
    memchr_iter(b'<', text).find(stops).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwanted_text_ends_at_its_end_tag_or_a_comment() {
        let before = |text: &str, end: &[u8]| text[..unwanted_bytes(text.as_bytes(), end)].to_owned();
        assert_eq!(before("a<b></p></SCRIPT>c", b"</script"), "a<b></p>");
        assert_eq!(before("a<!b<!--c</script>", b"</script"), "a<!b");
        assert_eq!(before("a</scripts></script>", b"</script"), "a");
        assert_eq!(before("a</script", b"</style"), "a</script");
        assert_eq!(before("</style", b"</style"), "");
    }
}
