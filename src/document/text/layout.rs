//! Layout: writing the parts that stay as text.
//!
//! Source for white space: CSS Text 3 §4.1, with no-break spaces collapsed too, so that a quote typed by
//! hand is found.

use std::fmt::Write;
use std::iter;
use std::ops::Range;

use super::LINKS_HEADING;
use super::links::Links;
use super::parts::{Block, Parts, Place, Point};
use super::surroundings::Choice;
use super::tokens::LINE_BREAK;

/// How deep lists and quotations are indented at most: text stays readable, and hostile nesting small.
const INDENT_DEPTH_MAX: usize = 16;

/// The longest row of a table that is written as one line, in bytes.
const ROW_BYTES_MAX: usize = 4_096;

/// Writes a page.
pub(super) fn write(parts: &Parts) -> String {
    let choice = Choice::of(parts);
    let mut written = Written { text: String::with_capacity(parts.characters.len()), paragraphs: Vec::new() };
    let mut links = Links::default();
    let mut runs = parts.runs.iter().filter(|run| choice.keeps(parts, run)).peekable();
    while let Some(first) = runs.next() {
        let block = parts.blocks[first.block];
        let mut line = Line::new(&mut written.text, block.is_preformatted);
        line.add(parts.text(first), first.place, &mut links);
        while let Some(run) = runs.next_if(|run| run.block == first.block) {
            line.add(parts.text(run), run.place, &mut links);
        }
        let text = line.finish(&mut links);
        links.end_block();
        if !text.is_empty() {
            written.paragraphs.push(Paragraph { block, text });
        }
    }
    let mut pen = Pen { parts, page: String::with_capacity(written.text.len()), previous: None, seen_point: None };
    let mut rest = written.paragraphs.as_slice();
    while !rest.is_empty() {
        let (row, after) = rest.split_at(row_size(rest));
        rest = after;
        if written.is_simple_row(row) {
            let cells: Vec<&str> = row.iter().map(|paragraph| written.text_of(paragraph)).collect();
            pen.write(row[0].block, &cells.join(" | "), Shape::Row);
        } else {
            for paragraph in row {
                pen.write(paragraph.block, written.text_of(paragraph), Shape::Paragraph);
            }
        }
    }
    let mut page = pen.page;
    let targets = links.list(parts);
    if !targets.is_empty() {
        let gap = if page.is_empty() { "" } else { "\n" };
        let _ = write!(page, "{gap}{LINKS_HEADING}\n{targets}");
    }
    page
}

/// Paragraphs one after the other, in one text: a page has thousands.
struct Written {
    text: String,
    paragraphs: Vec<Paragraph>,
}

struct Paragraph {
    block: Block,
    /// Where its characters stand.
    text: Range<usize>,
}

impl Written {
    fn text_of(&self, paragraph: &Paragraph) -> &str {
        &self.text[paragraph.text.clone()]
    }

    /// Says whether each cell holds one plain line, and the row is short enough to read as one.
    fn is_simple_row(&self, row: &[Paragraph]) -> bool {
        let is_plain = |paragraph: &Paragraph| {
            paragraph.block.heading == 0 && !paragraph.block.is_preformatted && !self.text_of(paragraph).contains('\n')
        };
        row.iter().all(|paragraph| paragraph.block.cell.is_some() && is_plain(paragraph))
            && row
                .windows(2)
                .all(|pair| pair[0].block.cell != pair[1].block.cell && pair[0].block.point == pair[1].block.point)
            && row.iter().map(|paragraph| paragraph.text.len()).sum::<usize>() <= ROW_BYTES_MAX
    }
}

/// Returns how many paragraphs from the first on stand in the same row; 1 outside tables.
fn row_size(paragraphs: &[Paragraph]) -> usize {
    let row = |paragraph: &Paragraph| paragraph.block.cell.map(|cell| cell.row);
    match paragraphs.first().and_then(row) {
        None => 1,
        first => paragraphs.iter().take_while(|paragraph| row(paragraph) == first).count(),
    }
}

/// A block's text while its runs are joined, behind what is written already.
struct Line<'w> {
    written: &'w mut String,
    start: usize,
    is_preformatted: bool,
    wants_space: bool,
    break_count: usize,
}

impl<'w> Line<'w> {
    const fn new(written: &'w mut String, is_preformatted: bool) -> Self {
        let start = written.len();
        Self { written, start, is_preformatted, wants_space: false, break_count: 0 }
    }

    fn text(&self) -> &str {
        &self.written[self.start..]
    }

    fn add(&mut self, text: &str, place: Place, links: &mut Links) {
        links.pass(place.link, self.text());
        links.is_prose = links.is_prose || (place.link.is_none() && text.chars().any(char::is_alphanumeric));
        if self.is_preformatted {
            self.written.extend(text.chars().filter(|c| *c != '\r').map(|c| if c == LINE_BREAK { '\n' } else { c }));
            return;
        }
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if c == LINE_BREAK {
                self.wants_space = false;
                self.break_count += 1;
                self.written.push('\n');
            } else if c.is_whitespace() {
                self.wants_space = true;
            } else {
                let (words, after) = rest.split_at(words_bytes(rest));
                self.add_words(words);
                rest = after;
                continue;
            }
            rest = &rest[c.len_utf8()..];
        }
    }

    fn add_words(&mut self, words: &str) {
        let is_at_start = self.text().is_empty() || self.written.ends_with('\n');
        if self.wants_space && !is_at_start {
            self.written.push(' ');
        }
        self.wants_space = false;
        self.written.push_str(words);
    }

    /// Returns where the finished text stands.
    fn finish(self, links: &mut Links) -> Range<usize> {
        links.pass(None, self.text());
        if self.is_preformatted {
            let rows: Vec<&str> = self.text().split('\n').map(str::trim_end).collect();
            let text = rows.join("\n");
            return self.replace(text.trim_matches('\n'));
        }
        self.written.truncate(self.start + self.text().trim_end().len());
        let text = self.text().trim_start();
        if self.break_count < 3 {
            return self.written.len() - text.len()..self.written.len();
        }
        let mut text = text.to_owned();
        while text.contains("\n\n\n") {
            text = text.replace("\n\n\n", "\n\n");
        }
        self.replace(&text)
    }

    fn replace(self, text: &str) -> Range<usize> {
        self.written.truncate(self.start);
        self.written.push_str(text);
        self.start..self.written.len()
    }
}

/// How many bytes of words are looked at together: a processor does that at once.
const STRIDE_BYTES: usize = 16;

/// Returns how many bytes at the start are words with one space between two: what is written as it stands. Most are
/// ASCII, and need no decoding.
fn words_bytes(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(stride) = bytes.get(at..=at + STRIDE_BYTES)
        && stride
            .iter()
            .zip(&stride[1..])
            .fold(true, |are, (byte, next)| are & (is_letter(*byte) | (*byte == b' ') & is_letter(*next)))
    {
        at += STRIDE_BYTES;
    }
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b' ' if bytes.get(at + 1).is_some_and(|next| is_letter(*next)) => 2,
            b' ' | b'\t'..=b'\r' => break,
            0..0x80 => 1,
            _ => match text[at..].chars().next() {
                Some(c) if !c.is_whitespace() => c.len_utf8(),
                _ => break,
            },
        };
    }
    at
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// Writes paragraphs one below the other.
struct Pen<'a> {
    parts: &'a Parts,
    page: String,
    previous: Option<(Block, Shape)>,
    /// The newest point whose marker was written.
    seen_point: Option<usize>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Shape {
    Paragraph,
    Row,
}

impl Pen<'_> {
    fn write(&mut self, block: Block, text: &str, shape: Shape) {
        let is_new_point = block.point.is_some() && block.point > self.seen_point;
        if let Some((previous, previous_shape)) = self.previous {
            let table = |block: Block| block.cell.map(|cell| cell.table);
            let is_next_row = (previous_shape, shape) == (Shape::Row, Shape::Row) && table(previous) == table(block);
            let is_next_point = is_new_point && self.runs_on(previous, block);
            if !is_next_row && !is_next_point {
                let start = self.page.len();
                self.write_quotes(previous.quotes.min(block.quotes));
                self.end_line(start);
            }
        }
        let point = block.point.map(|at| &self.parts.points[at]);
        for (n, line) in text.lines().enumerate() {
            let start = self.page.len();
            self.write_quotes(block.quotes);
            if let Some(point) = point {
                point.write_indent(&mut self.page, is_new_point && n == 0);
            }
            if n == 0 && block.heading > 0 {
                self.page.extend(iter::repeat_n('#', block.heading));
                self.page.push(' ');
            }
            self.page.push_str(line);
            self.end_line(start);
        }
        if is_new_point {
            self.seen_point = block.point;
        }
        self.previous = Some((block, shape));
    }

    fn write_quotes(&mut self, count: usize) {
        self.page.extend(iter::repeat_n("> ", count.min(INDENT_DEPTH_MAX)));
    }

    /// Ends the line that began there.
    fn end_line(&mut self, start: usize) {
        self.page.truncate(start + self.page[start..].trim_end().len());
        self.page.push('\n');
    }

    /// Says whether two points stand in one list, or in lists one in the other.
    fn runs_on(&self, previous: Block, next: Block) -> bool {
        let points = (previous.point.map(|at| &self.parts.points[at]), next.point.map(|at| &self.parts.points[at]));
        let (Some(previous_point), Some(point)) = points else { return false };
        previous.quotes == next.quotes && (previous_point.list == point.list || previous_point.depth != point.depth)
    }
}

impl Point {
    /// Writes what stands before one of its lines: the marker before the first, as much room before the others.
    fn write_indent(&self, page: &mut String, is_first: bool) {
        page.extend(iter::repeat_n("  ", self.depth.min(INDENT_DEPTH_MAX) - 1));
        if is_first {
            page.push_str(&self.marker);
            page.push(' ');
        } else {
            page.extend(iter::repeat_n(' ', self.marker.len() + 1));
        }
    }
}
