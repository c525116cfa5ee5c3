//! Layout: writing the parts that stay as text.
//!
//! Source for white space: CSS Text 3 §4.1, with no-break spaces collapsed too, so that a quote typed by
//! hand is found.

use std::fmt::Write;

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
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut links = Links::default();
    let mut runs = parts.runs.iter().filter(|run| choice.keeps(parts, run)).peekable();
    while let Some(first) = runs.next() {
        let block = parts.blocks[first.block];
        let mut line = Line::new(block.is_preformatted);
        line.add(parts.text(first), first.place, &mut links);
        while let Some(run) = runs.next_if(|run| run.block == first.block) {
            line.add(parts.text(run), run.place, &mut links);
        }
        let text = line.finish(&mut links);
        links.end_block();
        if !text.is_empty() {
            paragraphs.push(Paragraph { block, text });
        }
    }
    let mut pen = Pen { parts, page: String::new(), previous: None, seen_point: None };
    let mut rest = paragraphs.as_slice();
    while !rest.is_empty() {
        let (row, after) = rest.split_at(row_size(rest));
        rest = after;
        if is_simple_row(row) {
            let cells: Vec<&str> = row.iter().map(|paragraph| paragraph.text.as_str()).collect();
            pen.write(row[0].block, &cells.join(" | "), Shape::Row);
        } else {
            for paragraph in row {
                pen.write(paragraph.block, &paragraph.text, Shape::Paragraph);
            }
        }
    }
    let mut page = pen.page;
    let targets = links.list(parts);
    if !targets.is_empty() {
        let gap = if page.is_empty() { "" } else { "\n" };
        let _ = writeln!(page, "{gap}{LINKS_HEADING}\n{}", targets.join("\n"));
    }
    page
}

struct Paragraph {
    block: Block,
    text: String,
}

/// Returns how many paragraphs from the first on stand in the same row; 1 outside tables.
fn row_size(paragraphs: &[Paragraph]) -> usize {
    let row = |paragraph: &Paragraph| paragraph.block.cell.map(|cell| cell.row);
    match paragraphs.first().and_then(row) {
        None => 1,
        first => paragraphs.iter().take_while(|paragraph| row(paragraph) == first).count(),
    }
}

/// Says whether each cell holds one plain line, and the row is short enough to read as one.
fn is_simple_row(row: &[Paragraph]) -> bool {
    let is_plain = |paragraph: &Paragraph| {
        !paragraph.text.contains('\n') && paragraph.block.heading == 0 && !paragraph.block.is_preformatted
    };
    row.iter().all(|paragraph| paragraph.block.cell.is_some() && is_plain(paragraph))
        && row
            .windows(2)
            .all(|pair| pair[0].block.cell != pair[1].block.cell && pair[0].block.point == pair[1].block.point)
        && row.iter().map(|paragraph| paragraph.text.len()).sum::<usize>() <= ROW_BYTES_MAX
}

/// A block's text while its runs are joined.
struct Line {
    text: String,
    is_preformatted: bool,
    wants_space: bool,
}

impl Line {
    const fn new(is_preformatted: bool) -> Self {
        Self { text: String::new(), is_preformatted, wants_space: false }
    }

    fn add(&mut self, text: &str, place: Place, links: &mut Links) {
        links.pass(place.link, self.text.len(), &self.text);
        links.is_prose = links.is_prose || (place.link.is_none() && text.chars().any(char::is_alphanumeric));
        if self.is_preformatted {
            self.text.extend(text.chars().filter(|c| *c != '\r').map(|c| if c == LINE_BREAK { '\n' } else { c }));
            return;
        }
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if c == LINE_BREAK {
                self.wants_space = false;
                self.text.push('\n');
            } else if c.is_whitespace() {
                self.wants_space = true;
            } else {
                let (word, after) = rest.split_at(word_bytes(rest));
                self.add_word(word);
                rest = after;
                continue;
            }
            rest = &rest[c.len_utf8()..];
        }
    }

    fn add_word(&mut self, word: &str) {
        let is_at_start = self.text.is_empty() || self.text.ends_with('\n');
        if self.wants_space && !is_at_start {
            self.text.push(' ');
        }
        self.wants_space = false;
        self.text.push_str(word);
    }

    fn finish(mut self, links: &mut Links) -> String {
        links.pass(None, self.text.len(), &self.text);
        if self.is_preformatted {
            let rows: Vec<&str> = self.text.split('\n').map(str::trim_end).collect();
            let text = rows.join("\n");
            return text.trim_matches('\n').to_owned();
        }
        self.text.truncate(self.text.trim_end().len());
        let mut text = self.text.trim_start().to_owned();
        while text.contains("\n\n\n") {
            text = text.replace("\n\n\n", "\n\n");
        }
        text
    }
}

/// Returns how many bytes stand before the first white space. Most are ASCII, and need no decoding.
fn word_bytes(text: &str) -> usize {
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let size = match byte {
            b' ' | b'\t'..=b'\r' => break,
            0..0x80 => 1,
            _ => match text[at..].chars().next() {
                Some(c) if !c.is_whitespace() => c.len_utf8(),
                _ => break,
            },
        };
        at += size;
    }
    at
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
                let quote = "> ".repeat(previous.quotes.min(block.quotes).min(INDENT_DEPTH_MAX));
                self.write_line(&quote);
            }
        }
        let quote = "> ".repeat(block.quotes.min(INDENT_DEPTH_MAX));
        let (marked, indent) = block.point.map_or_else(Default::default, |at| self.parts.points[at].indents());
        let first = if is_new_point { marked } else { indent.clone() };
        let heading = if block.heading == 0 { String::new() } else { format!("{} ", "#".repeat(block.heading)) };
        for (n, line) in text.lines().enumerate() {
            let lead = if n == 0 { format!("{first}{heading}") } else { indent.clone() };
            self.write_line(&format!("{quote}{lead}{line}"));
        }
        if is_new_point {
            self.seen_point = block.point;
        }
        self.previous = Some((block, shape));
    }

    fn write_line(&mut self, line: &str) {
        self.page.push_str(line.trim_end());
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
    /// Returns what stands before its first line, and before the others.
    fn indents(&self) -> (String, String) {
        let outer = "  ".repeat(self.depth.min(INDENT_DEPTH_MAX) - 1);
        (format!("{outer}{} ", self.marker), format!("{outer}{}", " ".repeat(self.marker.len() + 1)))
    }
}
