//! The rendition: the text of a page with the numbers of its lines, and what is quoted of it marked.
//!
//! | quantity | unit   | range                                                    |
//! |----------|--------|----------------------------------------------------------|
//! | line     | number | of the text's file, from 1, as `sed -n 12p text.md` prints |
//! | offset   | bytes  | in the text's UTF-8                                      |
//!
//! Every character of the text is there, in its order; a line that is too wide goes on below, without a number. A quote
//! is marked three times over, so that a copy of a copy still shows it: a grey band behind its words, a bar beside its
//! lines, and its citation id at the edge.

use std::fmt::Write;
use std::ops::Range;

use super::face::Face;
use super::flow::{BODY, Flow, SMALL, leading};
use super::matter::{Matter, Quoted, Text};
use super::sheet::Mark;
use super::text::{Drawn, Glyph, Style, break_lines, width};

use crate::evidence::record::Provision;

const TEXT: Style = BODY;
const STRONG: Style = Style::new(Face::SerifBold, 10.5);
const NUMBER: Style = Style::new(Face::Sans, 6.5);
const EDGE: Style = Style::new(Face::Sans, 6.0);

/// The band behind a quote: it must survive a copier, and let the words be read.
const BAND: f32 = 0.85;

/// From the text to the numbers, and to the bar.
const NUMBER_GAP: f32 = 14.0;
const BAR_GAP: f32 = 8.0;
const BAR_WIDTH: f32 = 2.5;

/// Writes the text of a page.
pub(super) fn write(flow: &mut Flow<'_>, matter: &Matter, quotes: &[Quoted]) {
    flow.title("Text of the page");
    let text = match &matter.text {
        Text::Here(text) => text,
        Text::Absent(reason) => {
            flow.paragraph(BODY, &format!("The text of this page is not shown: {reason}."));
            return;
        }
    };
    flow.paragraph(SMALL, &explanation(flow, text, quotes));
    flow.space(10.0);
    let mut offset = 0;
    for (number, line) in (1..).zip(text.split_terminator('\n')) {
        if line.is_empty() {
            flow.space(leading(TEXT) / 2.0);
        } else {
            write_line(flow, &Line { number, text: line, offset }, quotes);
        }
        offset += line.len() + 1;
    }
    flow.need(leading(SMALL));
    flow.paragraph(SMALL, "End of the text.");
}

/// Returns which lines of a text a passage stands in, counted from 1.
pub(super) fn lines_of(text: &Text, provision: &Provision) -> Option<(usize, usize)> {
    let Text::Here(text) = text else { return None };
    let range = range_of(provision)?;
    let line_at = |offset: usize| Some(text.get(..offset)?.matches('\n').count() + 1);
    Some((line_at(range.start)?, line_at(range.end.checked_sub(1)?.max(range.start))?))
}

fn range_of(provision: &Provision) -> Option<Range<usize>> {
    Some(usize::try_from(provision.start).ok()?..usize::try_from(provision.end).ok()?)
}

fn explanation(flow: &Flow<'_>, text: &str, quotes: &[Quoted]) -> String {
    let is_code = |c: &char| *c != '\n' && *c != '\t' && flow.faces.drawing(TEXT.face, *c).is_none();
    let code_count = text.chars().filter(is_code).count();
    let line_count = text.split_terminator('\n').count();
    let mut words = format!(
        "As text.md in the bundle has it: {line_count} lines, each with its number; what has none goes on from the line above. \
         Addresses that the page links to stand at its end."
    );
    if !quotes.is_empty() {
        words += " What is quoted stands on grey, with a bar beside it and its citation id at the right.";
    }
    if code_count > 0 {
        let _ = write!(
            words,
            " Characters that these fonts do not draw, {code_count} here, stand as their Unicode numbers, as [U+65E5]; \
             the text layer of this file, and text.md, have the characters."
        ); // Writing to a String cannot fail.
    }
    words
}

struct Line<'t> {
    number: usize,
    text: &'t str,
    offset: usize,
}

fn write_line(flow: &mut Flow<'_>, line: &Line<'_>, quotes: &[Quoted]) {
    let style = if is_heading(line.text) { STRONG } else { TEXT };
    let mut glyphs = Vec::with_capacity(line.text.len());
    let mut quoted_by = Vec::with_capacity(line.text.len());
    for (at, c) in line.text.char_indices() {
        style.set_character(flow.faces, c, &mut glyphs);
        let is_in =
            |quote: &Quoted| range_of(&quote.provision).is_some_and(|range| range.contains(&(line.offset + at)));
        quoted_by.resize(glyphs.len(), quotes.iter().position(is_in));
    }
    let mut number = Some(line.number);
    for range in break_lines(&glyphs, flow.sheet.text_width()) {
        flow.need(leading(style));
        let baseline = flow.y - style.size;
        if let Some(number) = number.take() {
            let number = NUMBER.set(flow.faces, &number.to_string());
            flow.put(flow.sheet.left() - NUMBER_GAP - width(&number), baseline, number);
        }
        mark(flow, style, &glyphs[range.clone()], &quoted_by[range.clone()], quotes);
        flow.put(flow.sheet.left(), baseline, glyphs[range].to_vec());
        flow.y -= leading(style);
    }
}

fn is_heading(line: &str) -> bool {
    let rest = line.trim_start_matches('#');
    rest.len() < line.len() && line.len() - rest.len() <= 6 && rest.starts_with(' ')
}

/// Marks what is quoted of a line, before its words are put.
fn mark(flow: &mut Flow<'_>, style: Style, glyphs: &[Glyph], quoted_by: &[Option<usize>], quotes: &[Quoted]) {
    let Some(first) = quoted_by.iter().flatten().next() else { return };
    let (height, bottom) = (leading(style), flow.y - leading(style));
    let left = flow.sheet.left();
    band(flow, left, leading(style), glyphs.iter().zip(quoted_by).map(|(glyph, by)| (glyph.advance, by.is_some())));
    let bar = flow.sheet.left() - BAR_GAP;
    flow.mark(Mark::Fill { x: bar, y: bottom, width: BAR_WIDTH, height, gray: 0.0 });
    if let Some(quote) = quotes.get(*first) {
        let baseline = flow.y - style.size;
        flow.put_text(flow.sheet.right() + 5.0, baseline, EDGE, &quote.id.to_string());
    }
}

/// Draws the band behind those glyphs of the next line that are marked, each run of them in one piece.
fn band(flow: &mut Flow<'_>, left: f32, height: f32, glyphs: impl Iterator<Item = (f32, bool)>) {
    let (mut x, y) = (left, flow.y - height);
    let mut width = 0.0;
    for (advance, is_marked) in glyphs.chain([(0.0, false)]) {
        if is_marked {
            width += advance;
        } else if width > 0.0 {
            flow.mark(Mark::Fill { x: x - width, y, width, height, gray: BAND });
            width = 0.0;
        }
        x += advance;
    }
}

/// Writes a passage by itself, with what stands around it.
pub(super) fn passage(flow: &mut Flow<'_>, provision: &Provision) {
    const LARGE: Style = Style::new(Face::Serif, 12.0);
    const LARGE_STRONG: Style = Style::new(Face::SerifBold, 12.0);
    let parts = [
        (LARGE, format!("\u{2026}{}", provision.prefix)),
        (LARGE_STRONG, provision.exact.clone()),
        (LARGE, format!("{}\u{2026}", provision.suffix)),
    ];
    let mut glyphs = Vec::new();
    for (style, text) in parts {
        for c in text.chars() {
            // A line's end is shown, as the passage runs on.
            style.set_character(flow.faces, if c == '\n' { '\u{b6}' } else { c }, &mut glyphs);
        }
    }
    let bold = Drawn::By(Face::SerifBold);
    for range in break_lines(&glyphs, flow.sheet.text_width() - 24.0) {
        let line = &glyphs[range];
        flow.need(leading(LARGE));
        let left = flow.sheet.left() + 12.0;
        band(flow, left, leading(LARGE), line.iter().map(|glyph| (glyph.advance, glyph.drawn == bold)));
        flow.put(flow.sheet.left() + 12.0, flow.y - LARGE.size, line.to_vec());
        flow.y -= leading(LARGE);
    }
    flow.space(4.0);
    let note = "The words of the quotation stand in bold on grey, with what stands before and behind them; \u{b6} is the end of a line.";
    flow.indented(SMALL, note, 12.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_headings_from_other_lines() {
        for (line, is) in [("# A", true), ("###### A", true), ("####### A", false), ("#A", false), ("A # B", false)] {
            assert_eq!(is_heading(line), is, "{line}");
        }
    }

    #[test]
    fn counts_the_lines_that_a_passage_stands_in() {
        let text = Text::Here("one\ntwo\nthree\n".to_owned());
        let at = |start: u64, end: u64| {
            let provision = Provision {
                capture: 0,
                rendition: crate::base::hash::Hash::of(b""),
                exact: String::new(),
                prefix: String::new(),
                suffix: String::new(),
                start,
                end,
                clause: None,
                author: String::new(),
            };
            lines_of(&text, &provision)
        };
        assert_eq!([at(0, 3), at(4, 5), at(2, 9), at(0, 4)], [Some((1, 1)), Some((2, 2)), Some((1, 3)), Some((1, 1))]);
        assert_eq!([at(0, 99), at(99, 100), at(0, 0)], [None; 3]);
    }
}
