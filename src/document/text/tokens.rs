//! Tokens: from tags and characters to the parts of a page, with a stack of open elements.
//!
//! | quantity            | range                                              |
//! |---------------------|----------------------------------------------------|
//! | search in the stack | at most [`SEARCH_COUNT_MAX`] elements              |
//! | parts of a page     | at most [`PART_COUNT_MAX`], with the open elements |
//!
//! Source: in spirit, WHATWG HTML §13.2.6: implied ends of
//! paragraphs, list points and cells, scopes of end tags, foreign content. Misnested formatting is not
//! rebuilt (§13.2.6.4.7, "adoption agency"): it bears on looks and not on words.

use super::links::unscramble;
use super::names::{self, Name, Role};
use super::parts::{Block, Cell, Parts, Place, Point, Run, Surrounding};
use super::surroundings::{self, Marks};
use super::tags::{self, Attribute, Content, Reader, Tag};
use super::{PART_COUNT_MAX, TextError};

/// How far an end tag looks for its start past elements that it does not close: as deep as browsers nest.
const SEARCH_COUNT_MAX: usize = 512;

/// Stands for a line break that is not white space; the sink lets no control character of the page's through.
pub(super) const LINE_BREAK: char = '\u{b}';
const LINE_BREAK_TEXT: &str = "\u{b}";

/// Reads a page into its parts.
///
/// # Errors
/// [`TextError::TooManyParts`] when it has more than [`PART_COUNT_MAX`].
pub(super) fn read(source: &str) -> Result<Parts, TextError> {
    let mut state = State::default();
    tags::read(source, &mut state);
    if state.parts.is_cut { Err(TextError::TooManyParts { limit: PART_COUNT_MAX }) } else { Ok(state.parts) }
}

#[derive(Default)]
struct State {
    parts: Parts,
    stack: Vec<Element>,
    /// Their names alone, which are looked through for each tag.
    names: Vec<Name>,
    open_paragraph_count: usize,
    /// Whether the next characters stand in `<noscript>`, as HTML that is not read.
    is_in_noscript: bool,
    /// The block that the next characters run on in.
    block: Option<usize>,
    /// The lists that are open: the number of the next point, if they count.
    lists: Vec<Option<i64>>,
    table_count: usize,
    row_count: usize,
    cell_count: usize,
}

struct Element {
    name: Name,
    role: Role,
    around: Around,
}

/// What an element passes on to all in it.
#[derive(Clone, Copy, Default)]
struct Around {
    place: Place,
    block: Block,
    list: Option<usize>,
    list_depth: usize,
    table: usize,
    row: usize,
    is_skipped: bool,
    is_foreign: bool,
}

impl Reader for State {
    fn start(&mut self, tag: &Tag) -> Content {
        if self.is_over() { Content::ByName } else { self.start_tag(tag) }
    }

    fn end(&mut self, name: Name) {
        if !self.is_over() {
            self.end_tag(name);
        }
    }

    fn wants_characters(&self) -> bool {
        self.is_in_noscript || !self.around().is_skipped || self.has_too_many_parts()
    }

    fn characters(&mut self, text: &str) {
        if !self.is_over() {
            self.text(text);
        }
    }
}

impl State {
    fn around(&self) -> Around {
        self.stack.last().map_or_else(Around::default, |element| element.around)
    }

    /// Says whether the page has more parts than are kept.
    fn is_over(&mut self) -> bool {
        self.parts.is_cut |= self.has_too_many_parts();
        self.parts.is_cut
    }

    fn has_too_many_parts(&self) -> bool {
        self.parts.count() + self.stack.len() > PART_COUNT_MAX
    }

    fn start_tag(&mut self, tag: &Tag) -> Content {
        let name = tag.name;
        if self.around().is_foreign {
            let is_foreign = !names::breaks_out(name);
            if is_foreign && !tag.is_self_closing {
                self.push(name, Role::Skipped, self.around());
            }
            if is_foreign {
                return Content::Markup;
            }
            while self.around().is_foreign {
                self.pop();
            }
        }
        self.imply_ends(name);
        let role = names::role(name);
        if matches!(role, Role::Block | Role::Table) || name == names::HR {
            self.block = None;
        }
        match (role, name) {
            (Role::Void, names::BR) => self.push_text(LINE_BREAK_TEXT, 0),
            (Role::Void, _) => (),
            (_, names::BUTTON) => {
                // Buttons are boxes in the line: their words do not touch their neighbours'.
                self.push_text(" ", 0);
                self.open_element(tag, role);
            }
            _ => self.open_element(tag, role),
        }
        self.is_in_noscript = name == names::NOSCRIPT;
        Content::ByName
    }

    fn open_element(&mut self, tag: &Tag, role: Role) {
        let name = tag.name;
        let marks = marks(tag);
        let mut around = self.around();
        around.is_skipped |= role == Role::Skipped;
        around.is_foreign = matches!(name, names::SVG | names::MATH);
        if name == names::TEMPLATE && tag.attribute(Attribute::ShadowRootMode).is_some() {
            // A declarative shadow root is shown in place of its host's content: HTML §4.12.3.
            around.is_skipped = self.around().is_skipped;
        }
        around.place.is_main |= (name == names::MAIN || marks.role == "main") && marks.hidden.is_none();
        around.place.is_article |= name == names::ARTICLE || marks.role == "article";
        if around.place.surrounding.is_none()
            && let Some(prose_chars_max) = surroundings::suspicion(name, &marks, self.around().place)
        {
            around.place.surrounding = Some(self.parts.surroundings.len());
            self.parts.surroundings.push(Surrounding { prose_chars_max, prose_chars: 0 });
        }
        self.open_structure(tag, &mut around);
        self.push(name, role, around);
    }

    /// Notes what the layout depends on.
    fn open_structure(&mut self, tag: &Tag, around: &mut Around) {
        let name = tag.name;
        if let Some(level) = names::heading(name) {
            around.block.heading = level;
        }
        if let Some(address) = tag.attribute(Attribute::DataCfemail).and_then(unscramble) {
            around.place.link = Some(self.parts.targets.len());
            self.parts.targets.push(format!("mailto:{address}"));
        } else if name == names::A {
            around.place.link = tag.attribute(Attribute::Href).map(|target| {
                self.parts.targets.push(target.to_owned());
                self.parts.targets.len() - 1
            });
        }
        match name {
            names::BLOCKQUOTE => around.block.quotes += 1,
            names::PRE | names::LISTING | names::XMP | names::PLAINTEXT | names::TEXTAREA => {
                around.block.is_preformatted = true;
            }
            names::OL | names::UL | names::MENU | names::DIR => {
                let first = tag.attribute(Attribute::Start).and_then(|number| number.trim().parse().ok()).unwrap_or(1);
                around.list = Some(self.lists.len());
                around.list_depth += 1;
                self.lists.push((name == names::OL).then_some(first));
            }
            names::LI => {
                let marker = self.next_marker(tag, around.list);
                around.block.point = Some(self.parts.points.len());
                self.parts.points.push(Point { list: around.list, depth: around.list_depth.max(1), marker });
            }
            names::TABLE => {
                self.table_count += 1;
                around.table = self.table_count;
                around.block.cell = None;
            }
            names::TR => {
                self.row_count += 1;
                around.row = self.row_count;
            }
            names::TD | names::TH => {
                self.cell_count += 1;
                around.block.cell = Some(Cell { table: around.table, row: around.row, column: self.cell_count });
            }
            _ => (),
        }
    }

    fn next_marker(&mut self, tag: &Tag, list: Option<usize>) -> String {
        let Some(number) = list.and_then(|at| self.lists[at].as_mut()) else { return "-".to_owned() };
        if let Some(value) = tag.attribute(Attribute::Value).and_then(|value| value.trim().parse().ok()) {
            *number = value;
        }
        let marker = format!("{number}.");
        *number = number.saturating_add(1);
        marker
    }

    /// Closes what a start tag implies the end of: §13.2.6.4.7.
    fn imply_ends(&mut self, name: Name) {
        if names::ends_paragraph(name) {
            self.close_through(names::P, |passed| passed.role == Role::Inline);
        }
        let passes = |passed: &Element| {
            passed.role == Role::Inline || matches!(passed.name, names::ADDRESS | names::DIV | names::P)
        };
        let in_row = |passed: &Element| {
            !matches!(passed.name, names::TABLE | names::TR | names::TD | names::TH | names::TEMPLATE)
        };
        let in_table = |passed: &Element| !matches!(passed.name, names::TABLE | names::TR | names::TEMPLATE);
        match name {
            names::LI => self.close_through(names::LI, passes),
            names::DD | names::DT => {
                self.close_through(names::DD, passes);
                self.close_through(names::DT, passes);
            }
            names::TD | names::TH => {
                self.close_through(names::TD, in_row);
                self.close_through(names::TH, in_row);
            }
            names::TR | names::THEAD | names::TBODY | names::TFOOT => self.close_through(names::TR, in_table),
            names::A | names::BUTTON => self.close_through(name, |passed| passed.role == Role::Inline),
            _ => {
                let is_heading = |name| names::heading(name).is_some();
                if is_heading(name) && self.stack.last().is_some_and(|top| is_heading(top.name)) {
                    self.pop();
                }
            }
        }
    }

    /// Closes the innermost open element of that name, if only elements that may be passed are inside it.
    fn close_through(&mut self, name: Name, may_pass: impl Fn(&Element) -> bool) {
        if !self.is_open(name) {
            return;
        }
        for at in (0..self.stack.len()).rev().take(SEARCH_COUNT_MAX) {
            if self.stack[at].name == name {
                return self.pop_to(at);
            }
            if !may_pass(&self.stack[at]) {
                return;
            }
        }
    }

    fn end_tag(&mut self, name: Name) {
        self.is_in_noscript = false;
        let role = names::role(name);
        if matches!(role, Role::Block | Role::Table) {
            self.block = None;
        }
        match name {
            names::BR => return self.push_text(LINE_BREAK_TEXT, 0),
            names::BUTTON => self.push_text(" ", 0),
            _ => (),
        }
        let is_heading = names::heading(name).is_some();
        if !is_heading && !self.is_open(name) {
            return;
        }
        for at in (0..self.stack.len()).rev().take(SEARCH_COUNT_MAX) {
            let passed = &self.stack[at];
            if passed.name == name || (is_heading && names::heading(passed.name).is_some()) {
                return self.pop_to(at);
            }
            let stops = match role {
                Role::Table => matches!(passed.name, names::TABLE | names::TEMPLATE),
                Role::Skipped => false,
                Role::Block => passed.role == Role::Table || passed.name == names::TEMPLATE,
                Role::Inline | Role::Void => passed.role != Role::Inline && passed.role != Role::Skipped,
            };
            if stops {
                break;
            }
        }
        if name == names::A {
            self.end_misnested_link();
        }
    }

    /// Ends a link whose end tag stands inside a block that the link contains.
    fn end_misnested_link(&mut self) {
        for element in self.stack.iter_mut().rev().take(SEARCH_COUNT_MAX) {
            element.around.place.link = None;
            if element.name == names::A {
                break;
            }
        }
    }

    /// Says whether an element is open, as far up as is searched.
    fn is_open(&self, name: Name) -> bool {
        // Each block asks for an open paragraph, and seldom is there one.
        (name != names::P || self.open_paragraph_count > 0)
            && self.names[self.names.len().saturating_sub(SEARCH_COUNT_MAX)..].contains(&name)
    }

    fn push(&mut self, name: Name, role: Role, around: Around) {
        self.open_paragraph_count += usize::from(name == names::P);
        self.names.push(name);
        self.stack.push(Element { name, role, around });
    }

    fn pop(&mut self) {
        self.names.pop();
        let Some(closed) = self.stack.pop() else { return };
        self.open_paragraph_count -= usize::from(closed.name == names::P);
        if matches!(closed.role, Role::Block | Role::Table) {
            self.block = None;
        }
    }

    fn pop_to(&mut self, size: usize) {
        while self.stack.len() > size {
            self.pop();
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_in_noscript {
            return self.parts.noscript.push_str(text);
        }
        if self.around().is_skipped {
            return;
        }
        let look = Look::at(text);
        if look.has_invisible {
            let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
            self.push_text(&visible, Look::at(&visible).prose_chars);
        } else {
            self.push_text(text, look.prose_chars);
        }
    }

    /// Takes text that is seen, with so many characters that are not white space.
    fn push_text(&mut self, text: &str, prose_chars: usize) {
        let around = self.around();
        if around.is_skipped || text.is_empty() {
            return;
        }
        if self.block.is_none() && !around.block.is_preformatted && prose_chars == 0 {
            return;
        }
        let block = self.block.unwrap_or(self.parts.blocks.len());
        if self.block.is_none() {
            self.parts.blocks.push(around.block);
            self.block = Some(block);
        }
        if let Some(at) = around.place.surrounding
            && around.place.link.is_none()
        {
            self.parts.surroundings[at].prose_chars += prose_chars;
        }
        let start = self.parts.characters.len();
        self.parts.characters.push_str(text);
        let end = self.parts.characters.len();
        match self.parts.runs.last_mut() {
            Some(last) if last.block == block && last.place == around.place => {
                last.end = end;
                last.prose_chars += prose_chars;
            }
            _ => self.parts.runs.push(Run { start, end, prose_chars, block, place: around.place }),
        }
    }
}

fn marks(tag: &Tag) -> Marks<'_> {
    let text = |name| tag.attribute(name).unwrap_or_default();
    Marks {
        class: text(Attribute::Class),
        id: text(Attribute::Id),
        role: text(Attribute::Role),
        style: text(Attribute::Style),
        hidden: tag.attribute(Attribute::Hidden),
        has_open: tag.attribute(Attribute::Open).is_some(),
    }
}

/// Characters that nobody sees: controls, soft hyphens, marks of no width.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// What a text is made of, found in one look.
struct Look {
    /// How many characters are not white space.
    prose_chars: usize,
    /// Whether any character is invisible.
    has_invisible: bool,
}

impl Look {
    fn at(text: &str) -> Self {
        // Most text is ASCII, and each of these two a processor asks of many bytes at once.
        let bytes = text.as_bytes();
        let prose_chars = |few: &[u8]| few.iter().map(|byte| u8::from(is_ascii_prose(*byte))).sum::<u8>();
        let mut look = Self {
            prose_chars: bytes.chunks(LOOK_BYTES).map(|few| usize::from(prose_chars(few))).sum(),
            has_invisible: bytes.iter().fold(false, |has, byte| has | is_ascii_invisible(*byte)),
        };
        if !text.is_ascii() {
            for c in text.chars().filter(|c| !c.is_ascii()) {
                look.prose_chars += usize::from(!c.is_whitespace());
                look.has_invisible |= is_invisible(c);
            }
        }
        look
    }
}

/// How many bytes a byte can count.
const LOOK_BYTES: usize = 255;

fn is_ascii_prose(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'\t'..=b'\r' | b' ')
}

/// As [`is_invisible`], of a byte.
fn is_ascii_invisible(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c')
}
