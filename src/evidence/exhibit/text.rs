//! Text, set: characters with their widths, broken into lines.
//!
//! | quantity | unit             | range                       |
//! |----------|------------------|-----------------------------|
//! | advance  | points           | from 0                      |
//! | width    | points           | of a line, from 0           |
//! | size     | points           | of a font                   |
//!
//! A line is broken behind white space, behind a hyphen, or, where a word is longer than a line, anywhere. White space at
//! a line's end stays in the text layer and takes no room.

use std::ops::Range;

use super::face::{Face, Faces};

/// A face in a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub(super) face: Face,
    pub(super) size: f32,
}

/// A character, set: drawn by a face, or standing as its code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Glyph {
    pub(super) character: char,
    pub(super) drawn: Drawn,
    pub(super) size: f32,
    pub(super) advance: f32,
}

/// How a character stands on the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Drawn {
    By(Face),
    /// As `[U+65E5]`, in [`CODE_FACE`].
    AsCode,
}

/// The face of codes.
pub(super) const CODE_FACE: Face = Face::Mono;

/// How large a code is beside its text.
const CODE_SCALE: f32 = 0.75;

/// The spaces that a tab takes.
const TAB: &str = "    ";

impl Style {
    pub(super) const fn new(face: Face, size: f32) -> Self {
        Self { face, size }
    }

    /// Sets a text of one line.
    pub(super) fn set(self, faces: &Faces, text: &str) -> Vec<Glyph> {
        let mut glyphs = Vec::with_capacity(text.len());
        for c in text.chars() {
            self.set_character(faces, c, &mut glyphs);
        }
        glyphs
    }

    /// Sets one character more: a tab is several spaces.
    pub(super) fn set_character(self, faces: &Faces, c: char, glyphs: &mut Vec<Glyph>) {
        match c {
            '\t' => glyphs.extend(TAB.chars().map(|c| self.set_one(faces, c))),
            c => glyphs.push(self.set_one(faces, c)),
        }
    }

    fn set_one(self, faces: &Faces, character: char) -> Glyph {
        let Self { face, size } = self;
        if let Some(face) = faces.drawing(face, character) {
            return Glyph { character, drawn: Drawn::By(face), size, advance: faces.advance(face, character) * size };
        }
        let size = size * CODE_SCALE;
        let advance = code(character).chars().map(|c| faces.advance(CODE_FACE, c) * size).sum();
        Glyph { character, drawn: Drawn::AsCode, size, advance }
    }
}

/// Returns what stands for a character that is not drawn.
pub(super) fn code(c: char) -> String {
    format!("[U+{:04X}]", u32::from(c))
}

/// Returns how wide a run of text is.
pub(super) fn width(set: &[Glyph]) -> f32 {
    set.iter().map(|one| one.advance).sum()
}

/// Breaks a text into lines no wider than `width_max`; at least one.
pub(super) fn break_lines(set: &[Glyph], width_max: f32) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut used = 0.0;
    let mut chance = None;
    while let Some(one) = set.get(at) {
        let is_space = one.character.is_whitespace() && one.character != '\u{a0}';
        if used + one.advance > width_max && !is_space && at > start {
            let end = chance.filter(|chance| *chance > start).unwrap_or(at);
            lines.push(start..end);
            (start, at, used, chance) = (end, end, 0.0, None);
            continue;
        }
        used += one.advance;
        at += 1;
        let next = set.get(at).map(|next| next.character);
        let is_hyphen = matches!(one.character, '-' | '\u{2013}' | '\u{2014}' | '/')
            && next.is_some_and(char::is_alphabetic) // Never within a date.
            && at > start + 1;
        if is_space || is_hyphen {
            chance = Some(at);
        }
    }
    if start < set.len() || lines.is_empty() {
        lines.push(start..set.len());
    }
    lines
}

/// Shortens a text in its middle until it is no wider than `width_max`: both ends of an address tell.
pub(super) fn shorten(faces: &Faces, style: Style, text: &str, width_max: f32) -> Vec<Glyph> {
    let set = style.set(faces, text);
    if width(&set) <= width_max {
        return set;
    }
    let gap = style.set(faces, " \u{2026} ");
    let mut left = width_max - width(&gap);
    let (mut head, mut tail) = (0, 0);
    while head + tail < set.len() {
        let next = if head <= 2 * tail { set[head].advance } else { set[set.len() - 1 - tail].advance };
        if next > left {
            break;
        }
        left -= next;
        if head <= 2 * tail { head += 1 } else { tail += 1 }
    }
    [&set[..head], &gap, &set[set.len() - tail..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, width_max: f32) -> Vec<String> {
        let faces = Faces::shipped();
        let set = Style::new(Face::Mono, 10.0).set(&faces, text); // Each character is 6 points wide.
        let line = |range: Range<usize>| set[range].iter().map(|one| one.character).collect();
        break_lines(&set, width_max).into_iter().map(line).collect()
    }

    #[test]
    fn breaks_behind_spaces_and_hyphens_and_where_it_must() {
        let cases: [(&str, &[&str]); 6] = [
            ("", &[""]),
            ("one two three", &["one two ", "three"]),
            ("a well-known fact", &["a well-", "known fact"]),
            ("abcdefghijklmnop", &["abcdefghij", "klmnop"]),
            ("one           two", &["one           ", "two"]),
            ("a\u{a0}bcdefghijk", &["a\u{a0}bcdefghi", "jk"]),
        ];
        for (text, lines) in cases {
            assert_eq!(broken(text, 60.5), lines, "{text}");
        }
    }

    #[test]
    fn loses_no_character() {
        let text = "日本 mixed \u{202e}with-codes and a_long_word_that_does_not_fit_anywhere at all";
        for width_max in [1.0, 7.0, 33.0, 120.0, 1e6] {
            assert_eq!(broken(text, width_max).concat(), text, "{width_max}");
        }
    }

    #[test]
    fn keeps_both_ends_of_what_is_too_long() {
        let faces = Faces::shipped();
        let style = Style::new(Face::Mono, 10.0);
        let short = shorten(&faces, style, "https://example.com/a/very/long/path/to/terms.html", 150.0);
        let text: String = short.iter().map(|one| one.character).collect();
        assert!(width(&short) <= 150.0 && text.starts_with("https://") && text.ends_with("html"), "{text}");
    }
}
