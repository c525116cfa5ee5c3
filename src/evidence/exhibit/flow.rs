//! The flow: text put on pages from top to bottom, a new page where one is full.
//!
//! | quantity | unit   | range                                    |
//! |----------|--------|------------------------------------------|
//! | y        | points | of the next line's top, from the foot up |
//! | leading  | points | from one baseline to the next            |

use std::rc::Rc;

use super::face::{Face, Faces};
use super::sheet::{Mark, Page, Running, Sheet};
use super::text::{Glyph, Style, break_lines, width};

pub(super) const BLACK: f32 = 0.0;
/// For rules that part rows.
pub(super) const PALE: f32 = 0.75;

pub(super) const TITLE: Style = Style::new(Face::SansBold, 16.0);
pub(super) const HEADING: Style = Style::new(Face::SansBold, 11.0);
pub(super) const LABEL: Style = Style::new(Face::SansBold, 8.0);
pub(super) const BODY: Style = Style::new(Face::Serif, 10.5);
pub(super) const SMALL: Style = Style::new(Face::Sans, 8.0);
pub(super) const CODE: Style = Style::new(Face::Mono, 8.0);

/// Where the values of a table begin, from its left.
const VALUE_INDENT: f32 = 112.0;

/// Leading as a part of the size.
const LEADING: f32 = 1.25;

/// Pages while they are filled.
pub(super) struct Flow<'f> {
    pub(super) faces: &'f Faces,
    pub(super) sheet: Sheet,
    pub(super) y: f32,
    pages: Vec<Page>,
    running: Rc<Running>,
}

impl<'f> Flow<'f> {
    /// Begins with a page under a head and foot.
    pub(super) fn new(faces: &'f Faces, sheet: Sheet, running: Rc<Running>) -> Self {
        let mut flow = Self { faces, sheet, y: 0.0, pages: Vec::new(), running };
        flow.turn();
        flow
    }

    /// Begins the next page.
    pub(super) fn turn(&mut self) {
        self.pages.push(Page { running: Rc::clone(&self.running), marks: Vec::new() });
        self.y = self.sheet.top();
    }

    /// Returns the pages.
    pub(super) fn pages(self) -> Vec<Page> {
        self.pages
    }

    /// Returns how many pages there are so far.
    pub(super) fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Turns the page unless so much room is left on it.
    pub(super) fn need(&mut self, height: f32) {
        if self.y - height < self.sheet.bottom() {
            self.turn();
        }
    }

    /// Leaves room.
    pub(super) fn space(&mut self, height: f32) {
        self.y -= height;
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.pages.last_mut().expect("there is a page from the beginning").marks.push(mark);
    }

    /// Puts glyphs at a place of the page.
    pub(super) fn put(&mut self, x: f32, y: f32, glyphs: Vec<Glyph>) {
        self.mark(Mark::Text { x, y, glyphs, gray: BLACK });
    }

    /// Puts text at a place of the page.
    pub(super) fn put_text(&mut self, x: f32, y: f32, style: Style, text: &str) {
        self.put(x, y, style.set(self.faces, text));
    }

    /// Puts text in the middle of the page.
    pub(super) fn centre(&mut self, style: Style, text: &str) {
        let glyphs = style.set(self.faces, text);
        for range in break_lines(&glyphs, self.sheet.text_width()) {
            let line = glyphs[range].to_vec();
            let leading = leading(style);
            self.need(leading);
            let x = self.sheet.left() + (self.sheet.text_width() - width(trimmed(&line))) / 2.0;
            self.put(x, self.y - style.size, line);
            self.y -= leading;
        }
    }

    /// Draws a rule over the whole width.
    pub(super) fn rule(&mut self, thickness: f32, gray: f32) {
        let (x, y, width) = (self.sheet.left(), self.y, self.sheet.text_width());
        self.mark(Mark::Fill { x, y: y - thickness, width, height: thickness, gray });
        self.y -= thickness;
    }

    /// Sets a title at the top of a page.
    pub(super) fn title(&mut self, text: &str) {
        self.paragraph(TITLE, text);
        self.space(4.0);
        self.rule(1.0, BLACK);
        self.space(10.0);
    }

    /// Sets a heading, and keeps it with what follows.
    pub(super) fn heading(&mut self, text: &str) {
        self.need(56.0);
        self.space(10.0);
        self.paragraph(HEADING, text);
        self.space(4.0);
    }

    /// Sets a paragraph over the whole width.
    pub(super) fn paragraph(&mut self, style: Style, text: &str) {
        self.indented(style, text, 0.0);
    }

    /// Sets a paragraph that begins further to the right.
    pub(super) fn indented(&mut self, style: Style, text: &str, indent: f32) {
        for line in text.split('\n') {
            let glyphs = style.set(self.faces, line);
            self.glyphs(style, &glyphs, indent);
        }
    }

    /// Puts set text into lines.
    pub(super) fn glyphs(&mut self, style: Style, glyphs: &[Glyph], indent: f32) {
        let leading = leading(style);
        for range in break_lines(glyphs, self.sheet.text_width() - indent) {
            self.need(leading);
            self.put(self.sheet.left() + indent, self.y - style.size, glyphs[range].to_vec());
            self.y -= leading;
        }
    }

    /// Sets a row of a table: a label, and beside it lines of their own styles.
    pub(super) fn row(&mut self, label: &str, values: &[(Style, String)]) {
        let first = values.first().map_or(BODY, |(style, _)| *style);
        self.need(leading(first) + 4.0);
        self.rule(0.5, PALE);
        self.space(3.0);
        let label_y = self.y - first.size;
        self.put_text(self.sheet.left(), label_y, LABEL, label);
        for (style, text) in values {
            self.indented(*style, text, VALUE_INDENT);
        }
        self.space(3.0);
    }

    /// Sets commands to type: they are never broken without the shell's own sign for it.
    pub(super) fn commands(&mut self, lines: &[String]) {
        let indent = 14.0;
        for line in lines {
            let glyphs = CODE.set(self.faces, line);
            let ranges = break_lines(&glyphs, self.sheet.text_width() - 2.0 * indent);
            let last = ranges.len() - 1;
            for (n, range) in ranges.into_iter().enumerate() {
                let goes_on = ["", "\\"][usize::from(n < last)];
                let part = [&glyphs[range], &CODE.set(self.faces, goes_on)].concat();
                self.need(leading(CODE));
                self.put(self.sheet.left() + indent, self.y - CODE.size, part);
                self.y -= leading(CODE);
            }
        }
        self.space(4.0);
    }
}

/// Returns the distance of baselines.
pub(super) fn leading(style: Style) -> f32 {
    style.size * LEADING
}

/// Returns a line without the white space at its end.
fn trimmed(line: &[Glyph]) -> &[Glyph] {
    let end = line.iter().rposition(|glyph| !glyph.character.is_whitespace()).map_or(0, |at| at + 1);
    &line[..end]
}
