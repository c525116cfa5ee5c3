//! A tee: keeps both heads exactly as they cross the wire.
//!
//! | quantity                     | unit  | range                       |
//! |------------------------------|-------|-----------------------------|
//! | head sent                    | bytes | at most [`HEAD_BYTES_MAX`]  |
//! | heads received, 1xx included | bytes | at most [`HEAD_BYTES_MAX`]  |
//!
//! hyper folds names to lower case and groups repeats, so the bytes are kept below it. Of the heads
//! received the final one is kept: those of interim responses (1xx) and empty lines before it are
//! dropped, and 101 is final because nothing else was asked for. After the final head the bytes pass
//! without a second look. Lines end as hyper reads them: at LF, with or without CR before it.
//!
//! Source: RFC 9112 §2.2, §3; RFC 9110 §15.2.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::document::exchange::HEAD_BYTES_MAX;

/// A stream that a tee can stand on.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A stream that keeps the heads that pass through it.
pub(super) struct Tee {
    stream: Box<dyn Stream>,
    heads: Heads,
    is_past_head: bool,
}

impl Tee {
    /// Stands on a stream; the heads can be asked for while it is in use.
    pub(super) fn new(stream: Box<dyn Stream>) -> (Self, Heads) {
        let heads = Heads::default();
        (Self { stream, heads: heads.clone(), is_past_head: false }, heads)
    }
}

impl AsyncRead for Tee {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tee = self.get_mut();
        let before = buffer.filled().len();
        let poll = Pin::new(&mut tee.stream).poll_read(context, buffer);
        if tee.is_past_head || !matches!(poll, Poll::Ready(Ok(()))) {
            return poll;
        }
        let mut kept = tee.heads.lock();
        kept.received.take_in(&buffer.filled()[before..]);
        tee.is_past_head = kept.received.is_final();
        if kept.received.is_too_large() {
            return Poll::Ready(Err(io::Error::other("the head is too large")));
        }
        poll
    }
}

impl AsyncWrite for Tee {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tee = self.get_mut();
        let poll = Pin::new(&mut tee.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = poll {
            let mut kept = tee.heads.lock();
            let room = HEAD_BYTES_MAX.saturating_sub(kept.sent.len());
            kept.sent.extend_from_slice(&bytes[..written.min(room)]);
        }
        poll
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// The heads that a tee keeps.
#[derive(Clone, Default)]
pub(super) struct Heads(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    sent: Vec<u8>,
    received: HeadReader,
}

impl Heads {
    /// Returns all that was sent.
    pub(super) fn sent(&self) -> Vec<u8> {
        self.lock().sent.clone()
    }

    /// Returns the final head, once it is complete.
    pub(super) fn received(&self) -> Option<Vec<u8>> {
        let kept = self.lock();
        kept.received.is_final().then(|| kept.received.head.clone())
    }

    /// Says whether the heads received went over the limit.
    pub(super) fn is_too_large(&self) -> bool {
        self.lock().received.is_too_large()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

/// Finds the end of the final head in bytes that come piece by piece.
#[derive(Default)]
struct HeadReader {
    head: Vec<u8>,
    line_start: usize,
    size_bytes: usize,
    state: HeadState,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum HeadState {
    #[default]
    Open,
    Final,
    TooLarge,
}

impl HeadReader {
    fn is_final(&self) -> bool {
        self.state == HeadState::Final
    }

    fn is_too_large(&self) -> bool {
        self.state == HeadState::TooLarge
    }

    fn take_in(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.state != HeadState::Open {
                return;
            }
            self.take_byte(*byte);
        }
    }

    fn take_byte(&mut self, byte: u8) {
        if self.size_bytes == HEAD_BYTES_MAX {
            self.state = HeadState::TooLarge;
            return;
        }
        self.size_bytes += 1;
        self.head.push(byte);
        if byte == b'\n' {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let is_empty = matches!(&self.head[self.line_start..], b"\n" | b"\r\n");
        let is_leading = is_empty && self.line_start == 0;
        if is_leading || (is_empty && self.is_interim()) {
            self.head.clear();
        } else if is_empty {
            self.state = HeadState::Final;
        }
        self.line_start = self.head.len();
    }

    fn is_interim(&self) -> bool {
        let mut words = self.head.split(|byte| *byte == b' ');
        let code = words.nth(1).unwrap_or_default();
        code.first() == Some(&b'1') && !code.starts_with(b"101")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> HeadReader {
        let mut reader = HeadReader::default();
        for byte in bytes {
            reader.take_in(&[*byte]);
        }
        reader
    }

    #[test]
    fn keeps_the_final_head_and_nothing_else() {
        let head = b"HTTP/1.1 200 OK\r\nX-a: 1\r\n folded\r\nx-A: 2\r\n\r\n";
        for before in [&b""[..], b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"]
        {
            let whole = [before, head, b"body\r\n\r\n"].concat();
            let mut at_once = HeadReader::default();
            at_once.take_in(&whole);
            for reader in [at_once, read(&whole)] {
                assert!(reader.is_final());
                assert_eq!(reader.head, head);
            }
        }
        assert_eq!(read(b"HTTP/1.0 404\nA: b\n\nrest").head, b"HTTP/1.0 404\nA: b\n\n");
        assert_eq!(read(b"HTTP/1.1 101 Up\r\n\r\nrest").head, b"HTTP/1.1 101 Up\r\n\r\n");
        assert!(!read(b"HTTP/1.1 200 OK\r\nA: b\r\n").is_final());
    }

    #[test]
    fn stops_at_the_limit_whatever_comes() {
        let exact = [&b"HTTP/1.1 200 OK\r\nA: "[..], &vec![b'a'; HEAD_BYTES_MAX - 24], b"\r\n\r\n"].concat();
        assert_eq!(exact.len(), HEAD_BYTES_MAX);
        assert!(read(&exact).is_final());
        assert!(read(&[b"H", &exact[..]].concat()).is_too_large());
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(HEAD_BYTES_MAX / 20);
        assert!(read(&interim).is_too_large());
        assert!(read(&b"\r\n".repeat(HEAD_BYTES_MAX)).is_too_large());
    }

    proptest::proptest! {
        #[test]
        fn pieces_make_no_difference(text in "([HTP/1. 02\\r\\n]|\\r\\n|HTTP/1.1 100\\r\\n){0,60}", cut in 0..60_usize) {
            let bytes = text.as_bytes();
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut reader = HeadReader::default();
            reader.take_in(first);
            reader.take_in(second);
            let whole = read(bytes);
            assert_eq!((reader.is_final(), &reader.head), (whole.is_final(), &whole.head));
            if whole.is_final() {
                assert!(whole.head.ends_with(b"\n\n") || whole.head.ends_with(b"\n\r\n"));
                assert!(text.contains(std::str::from_utf8(&whole.head).unwrap()));
            }
        }
    }
}
