//! The guard before the tokenizer: it compares each attribute of a tag with all before it, which a tag of a
//! million attributes turns into hours.
//!
//! | quantity            | range                                      |
//! |---------------------|--------------------------------------------|
//! | attributes of a tag | the first [`ATTRIBUTE_COUNT_MAX`] are read |
//!
//! Source: WHATWG HTML §13.2.5.6 to .8 and .32 to .40, followed just as far as counting attributes needs.

use html5ever::LocalName;

/// How many attributes of a tag are read: ten times what any page is known to use.
const ATTRIBUTE_COUNT_MAX: usize = 1_000;

/// Cuts the page before each `<`, so that at most one tag begins in a piece.
pub(super) fn pieces(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = source;
    std::iter::from_fn(move || {
        let end = rest.as_bytes().get(1..)?.iter().position(|byte| *byte == b'<').map_or(rest.len(), |at| at + 1);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Keeps tags with countless attributes from the tokenizer, which would take quadratic time over them.
#[derive(Default)]
pub(super) struct Guard {
    tag: Option<OpenTag>,
    markup_count: usize,
}

/// How far the tokenizer has come.
pub(super) struct Progress {
    /// How many tags, comments and doctypes it has seen the end of.
    pub(super) markup_count: usize,
    /// The element whose end tag alone ends the raw text that it is in.
    pub(super) raw: Option<LocalName>,
}

/// A tag that has begun and not ended.
#[derive(Default)]
struct OpenTag {
    attribute_count: usize,
    state: TagState,
}

/// Where in a tag the next character stands: WHATWG HTML §13.2.5.8 and §13.2.5.32 to .40.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum TagState {
    #[default]
    TagName,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Quoted(u8),
    Unquoted,
    Ended,
}

impl Guard {
    /// Returns what the tokenizer may read of a piece: all, or two parts of it.
    pub(super) fn admit<'p>(&mut self, piece: &'p str, progress: &Progress) -> [&'p str; 2] {
        if progress.markup_count != self.markup_count {
            // What was open has ended.
            self.markup_count = progress.markup_count;
            self.tag = None;
        }
        if self.tag.is_none() {
            self.tag = progress.opened_by(piece);
        }
        self.tag.as_mut().map_or([piece, ""], |tag| tag.admit(piece))
    }
}

impl Progress {
    /// Returns what the tokenizer will take a piece as the beginning of.
    fn opened_by(&self, piece: &str) -> Option<OpenTag> {
        let bytes = piece.as_bytes();
        let Some(name) = &self.raw else {
            return match bytes {
                [b'<', b'/', letter, ..] | [b'<', letter, ..] if letter.is_ascii_alphabetic() => {
                    Some(OpenTag::default())
                }
                // A comment or the like: it has no attributes, whatever it holds.
                [b'<', b'!' | b'?' | b'/', ..] => Some(OpenTag { state: TagState::Ended, ..OpenTag::default() }),
                _ => None,
            };
        };
        let (found, after) = bytes.strip_prefix(b"</").and_then(|rest| rest.split_at_checked(name.len()))?;
        let is_end = found.eq_ignore_ascii_case(name.as_bytes())
            && matches!(after.first(), Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b'/'));
        is_end.then(OpenTag::default)
    }
}

impl OpenTag {
    fn admit<'p>(&mut self, piece: &'p str) -> [&'p str; 2] {
        let is_over = |count| count > ATTRIBUTE_COUNT_MAX;
        let mut kept = if is_over(self.attribute_count) { Some(0) } else { None };
        for (at, byte) in piece.bytes().enumerate() {
            let next = self.state.next(byte);
            if next == TagState::Name && self.state != TagState::Name {
                self.attribute_count += 1;
                kept = kept.or_else(|| is_over(self.attribute_count).then_some(at));
            }
            self.state = next;
            if next == TagState::Ended {
                return kept.map_or([piece, ""], |kept| [&piece[..kept], &piece[at..]]);
            }
        }
        [&piece[..kept.unwrap_or(piece.len())], ""]
    }
}

impl TagState {
    fn next(self, byte: u8) -> Self {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c);
        match (self, byte) {
            (Self::Quoted(quote), _) if byte == quote => Self::BeforeName,
            (Self::Quoted(_), _) => self,
            (Self::Ended, _) | (_, b'>') => Self::Ended,
            (Self::BeforeValue, b'"' | b'\'') => Self::Quoted(byte),
            (Self::BeforeValue, _) => {
                if is_space {
                    self
                } else {
                    Self::Unquoted
                }
            }
            (Self::Unquoted, _) => {
                if is_space {
                    Self::BeforeName
                } else {
                    self
                }
            }
            (_, b'/') => Self::BeforeName,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::Name | Self::AfterName, _) if is_space => Self::AfterName,
            (Self::TagName | Self::BeforeName, _) if is_space => Self::BeforeName,
            (Self::TagName, _) => self,
            (Self::BeforeName | Self::Name | Self::AfterName, _) => Self::Name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(pieces: &[&str], raw: Option<&str>) -> String {
        let mut guard = Guard::default();
        let progress = Progress { markup_count: 0, raw: raw.map(LocalName::from) };
        pieces.iter().flat_map(|piece| guard.admit(piece, &progress)).collect()
    }

    #[test]
    fn lets_a_thousand_attributes_through_and_the_end() {
        let attributes =
            |count: usize| (0..count).fold(String::new(), |all, n| all + &format!(" a{n}=\"<>/ '\"/\tb={n}"));
        let tag = format!("<p{} c = '>'>text", attributes(ATTRIBUTE_COUNT_MAX / 2 - 1));
        assert_eq!(admitted(&[&tag], None), tag);
        let tag = format!("<p{}", attributes(ATTRIBUTE_COUNT_MAX / 2));
        assert_eq!(admitted(&[&format!("{tag} c = '>'>text")], None), format!("{tag} >text"));
        assert_eq!(admitted(&[&format!("{tag} c d"), "<e f='", "<g h='>text"], None), format!("{tag} >text"));
        // The first `=` after white space begins a name, and the quote after it is part of that name.
        let names = " a".repeat(ATTRIBUTE_COUNT_MAX * 2);
        assert!(admitted(&[&format!("<p =\"{names}>")], None).len() < names.len());
    }

    #[test]
    fn looks_only_at_tags() {
        let words = " word".repeat(ATTRIBUTE_COUNT_MAX * 2);
        for (opening, raw) in [("<!--", None), ("<?", None), ("</ ", None), ("<b", Some("script"))] {
            let (first, second) = (format!("{opening}{words}>"), format!("<b{words}-->"));
            assert_eq!(admitted(&[&first, &second], raw), format!("{first}{second}"), "{opening}");
        }
        assert!(admitted(&[&format!("</script{words}>")], Some("script")).len() < words.len());
    }
}
