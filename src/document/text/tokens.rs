//! Tokens: from the tokenizer's stream to the parts of a page, with a stack of open elements.
//!
//! | quantity            | range                                                   |
//! |---------------------|---------------------------------------------------------|
//! | search in the stack | at most [`SEARCH_COUNT_MAX`] elements, else amortised   |
//! | parts of a page     | at most [`PART_COUNT_MAX`], with the open elements      |
//!
//! Source: WHATWG HTML §13.2.5 (tokenization, by html5ever) and, in spirit, §13.2.6: implied ends of
//! paragraphs, list points and cells, scopes of end tags, foreign content. Misnested formatting is not
//! rebuilt (§13.2.6.4.7, "adoption agency"): it bears on looks and not on words.

use std::cell::RefCell;
use std::collections::HashMap;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::{LocalName, TokenizerResult};

use super::guard::{self, Guard, Progress};
use super::links::unscramble;
use super::names::{self, Role};
use super::parts::{Block, Cell, Parts, Place, Point, Run, Surrounding};
use super::surroundings::{self, Marks};
use super::{PART_COUNT_MAX, TextError};

/// How far an end tag looks for its start past elements that it does not close: as deep as browsers nest.
const SEARCH_COUNT_MAX: usize = 512;

/// Stands for a line break that is not white space; the sink lets no control character of the page's through.
pub(super) const LINE_BREAK: char = '\u{b}';

/// Reads a page into its parts.
///
/// # Errors
/// [`TextError::TooManyParts`] when it has more than [`PART_COUNT_MAX`].
pub(super) fn read(source: &str) -> Result<Parts, TextError> {
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut guard = Guard::default();
    for piece in guard::pieces(source) {
        let progress = tokenizer.sink.progress();
        for part in guard.admit(piece, &progress) {
            input.push_back(StrTendril::from_slice(part));
        }
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
    }
    tokenizer.end();
    let parts = tokenizer.sink.0.into_inner().parts;
    if parts.is_cut { Err(TextError::TooManyParts { limit: PART_COUNT_MAX }) } else { Ok(parts) }
}

#[derive(Default)]
struct Sink(RefCell<State>);

#[derive(Default)]
struct State {
    parts: Parts,
    stack: Vec<Element>,
    /// How many elements of each name are open.
    open: HashMap<LocalName, usize>,
    /// The block that the next characters run on in.
    block: Option<usize>,
    /// The lists that are open: the number of the next point, if they count.
    lists: Vec<Option<i64>>,
    table_count: usize,
    row_count: usize,
    cell_count: usize,
    /// The element whose end tag alone ends the raw text.
    raw: Option<LocalName>,
    markup_count: usize,
}

struct Element {
    name: LocalName,
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

impl Sink {
    fn progress(&self) -> Progress {
        let state = self.0.borrow();
        Progress { markup_count: state.markup_count, raw: state.raw.clone() }
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        if state.parts.is_cut || state.parts.count() + state.stack.len() > PART_COUNT_MAX {
            state.parts.is_cut = true;
            return TokenSinkResult::Continue;
        }
        match token {
            Token::TagToken(tag) => {
                state.markup_count += 1;
                match tag.kind {
                    TagKind::StartTag => return state.start(&tag),
                    TagKind::EndTag => state.end(&tag.name),
                }
            }
            Token::CharacterTokens(text) => state.characters(&text),
            Token::CommentToken(_) | Token::DoctypeToken(_) => state.markup_count += 1,
            Token::NullCharacterToken | Token::EOFToken | Token::ParseError(_) => (),
        }
        TokenSinkResult::Continue
    }
}

impl State {
    fn around(&self) -> Around {
        self.stack.last().map_or_else(Around::default, |element| element.around)
    }

    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name = &*tag.name;
        if self.around().is_foreign {
            let is_foreign = !names::breaks_out(name);
            if is_foreign && !tag.self_closing {
                self.push(&tag.name, Role::Skipped, self.around());
            }
            if is_foreign {
                return TokenSinkResult::Continue;
            }
            while self.around().is_foreign {
                self.pop();
            }
        }
        self.imply_ends(name);
        let role = names::role(name);
        if matches!(role, Role::Block | Role::Table) || name == "hr" {
            self.block = None;
        }
        match (role, name) {
            (Role::Void, "br") => self.push_text("\u{b}"),
            (Role::Void, _) => (),
            _ if name == "button" => {
                // Buttons are boxes in the line: their words do not touch their neighbours'.
                self.push_text(" ");
                self.open_element(tag, role);
            }
            _ => self.open_element(tag, role),
        }
        self.raw_kind(&tag.name)
    }

    fn raw_kind(&mut self, name: &LocalName) -> TokenSinkResult<()> {
        let result = match &**name {
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            // As where scripts run: else a broken fallback would swallow the page that readers see.
            "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => {
                TokenSinkResult::RawData(RawKind::Rawtext)
            }
            "textarea" | "title" => TokenSinkResult::RawData(RawKind::Rcdata),
            "plaintext" => TokenSinkResult::Plaintext,
            _ => return TokenSinkResult::Continue,
        };
        self.raw = Some(name.clone());
        result
    }

    fn open_element(&mut self, tag: &Tag, role: Role) {
        let name = &*tag.name;
        let marks = marks(tag);
        let mut around = self.around();
        around.is_skipped |= role == Role::Skipped;
        around.is_foreign = matches!(name, "svg" | "math");
        if name == "template" && attribute(tag, "shadowrootmode").is_some() {
            // A declarative shadow root is shown in place of its host's content: HTML §4.12.3.
            around.is_skipped = self.around().is_skipped;
        }
        around.place.is_main |= (name == "main" || marks.role == "main") && marks.hidden.is_none();
        around.place.is_article |= name == "article" || marks.role == "article";
        if around.place.surrounding.is_none()
            && let Some(prose_chars_max) = surroundings::suspicion(name, &marks, self.around().place)
        {
            around.place.surrounding = Some(self.parts.surroundings.len());
            self.parts.surroundings.push(Surrounding { prose_chars_max, prose_chars: 0 });
        }
        self.open_structure(tag, &mut around);
        self.push(&tag.name, role, around);
    }

    /// Notes what the layout depends on.
    fn open_structure(&mut self, tag: &Tag, around: &mut Around) {
        let name = &*tag.name;
        if let Some(level) = names::heading(name) {
            around.block.heading = level;
        }
        if let Some(address) = attribute(tag, "data-cfemail").and_then(unscramble) {
            around.place.link = Some(self.parts.targets.len());
            self.parts.targets.push(format!("mailto:{address}"));
        } else if name == "a" {
            around.place.link = attribute(tag, "href").map(|target| {
                self.parts.targets.push(target.to_owned());
                self.parts.targets.len() - 1
            });
        }
        match name {
            "blockquote" => around.block.quotes += 1,
            "pre" | "listing" | "xmp" | "plaintext" | "textarea" => around.block.is_preformatted = true,
            "ol" | "ul" | "menu" | "dir" => {
                let first = attribute(tag, "start").and_then(|number| number.trim().parse().ok()).unwrap_or(1);
                around.list = Some(self.lists.len());
                around.list_depth += 1;
                self.lists.push((name == "ol").then_some(first));
            }
            "li" => {
                let marker = self.next_marker(tag, around.list);
                around.block.point = Some(self.parts.points.len());
                self.parts.points.push(Point { list: around.list, depth: around.list_depth.max(1), marker });
            }
            "table" => {
                self.table_count += 1;
                around.table = self.table_count;
                around.block.cell = None;
            }
            "tr" => {
                self.row_count += 1;
                around.row = self.row_count;
            }
            "td" | "th" => {
                self.cell_count += 1;
                around.block.cell = Some(Cell { table: around.table, row: around.row, column: self.cell_count });
            }
            _ => (),
        }
    }

    fn next_marker(&mut self, tag: &Tag, list: Option<usize>) -> String {
        let Some(number) = list.and_then(|at| self.lists[at].as_mut()) else { return "-".to_owned() };
        if let Some(value) = attribute(tag, "value").and_then(|value| value.trim().parse().ok()) {
            *number = value;
        }
        let marker = format!("{number}.");
        *number = number.saturating_add(1);
        marker
    }

    /// Closes what a start tag implies the end of: §13.2.6.4.7.
    fn imply_ends(&mut self, name: &str) {
        if names::ends_paragraph(name) {
            self.close_through("p", |passed| passed.role == Role::Inline);
        }
        let passes = |passed: &Element| passed.role == Role::Inline || matches!(&*passed.name, "address" | "div" | "p");
        let in_row = |passed: &Element| !matches!(&*passed.name, "table" | "tr" | "td" | "th" | "template");
        let in_table = |passed: &Element| !matches!(&*passed.name, "table" | "tr" | "template");
        match name {
            "li" => self.close_through("li", passes),
            "dd" | "dt" => {
                self.close_through("dd", passes);
                self.close_through("dt", passes);
            }
            "td" | "th" => {
                self.close_through("td", in_row);
                self.close_through("th", in_row);
            }
            "tr" | "thead" | "tbody" | "tfoot" => self.close_through("tr", in_table),
            "a" | "button" => self.close_through(name, |passed| passed.role == Role::Inline),
            _ => {
                let is_heading = |name: &str| names::heading(name).is_some();
                if is_heading(name) && self.stack.last().is_some_and(|top| is_heading(&top.name)) {
                    self.pop();
                }
            }
        }
    }

    /// Closes the innermost open element of that name, if only elements that may be passed are inside it.
    fn close_through(&mut self, name: &str, may_pass: impl Fn(&Element) -> bool) {
        if !self.is_open(name) {
            return;
        }
        for at in (0..self.stack.len()).rev().take(SEARCH_COUNT_MAX) {
            if &*self.stack[at].name == name {
                return self.pop_to(at);
            }
            if !may_pass(&self.stack[at]) {
                return;
            }
        }
    }

    fn end(&mut self, name: &LocalName) {
        self.raw = None;
        let role = names::role(name);
        if matches!(role, Role::Block | Role::Table) {
            self.block = None;
        }
        match &**name {
            "br" => return self.push_text("\u{b}"),
            "button" => self.push_text(" "),
            _ => (),
        }
        let is_heading = names::heading(name).is_some();
        if !is_heading && !self.is_open(name) {
            return;
        }
        for at in (0..self.stack.len()).rev().take(SEARCH_COUNT_MAX) {
            let passed = &self.stack[at];
            if passed.name == *name || (is_heading && names::heading(&passed.name).is_some()) {
                return self.pop_to(at);
            }
            let stops = match role {
                Role::Table => matches!(&*passed.name, "table" | "template"),
                Role::Skipped => false,
                Role::Block => passed.role == Role::Table || &*passed.name == "template",
                Role::Inline | Role::Void => passed.role != Role::Inline && passed.role != Role::Skipped,
            };
            if stops {
                break;
            }
        }
        if &**name == "a" {
            self.end_misnested_link();
        }
    }

    /// Ends a link whose end tag stands inside a block that the link contains.
    fn end_misnested_link(&mut self) {
        for element in self.stack.iter_mut().rev().take(SEARCH_COUNT_MAX) {
            element.around.place.link = None;
            if &*element.name == "a" {
                break;
            }
        }
    }

    fn is_open(&self, name: &str) -> bool {
        self.open.get(&LocalName::from(name)).is_some_and(|count| *count > 0)
    }

    fn push(&mut self, name: &LocalName, role: Role, around: Around) {
        *self.open.entry(name.clone()).or_default() += 1;
        self.stack.push(Element { name: name.clone(), role, around });
    }

    fn pop(&mut self) {
        if let Some(element) = self.stack.pop() {
            if matches!(element.role, Role::Block | Role::Table) {
                self.block = None;
            }
            if let Some(count) = self.open.get_mut(&element.name) {
                *count -= 1;
            }
        }
    }

    fn pop_to(&mut self, size: usize) {
        while self.stack.len() > size {
            self.pop();
        }
    }

    fn characters(&mut self, text: &str) {
        if self.raw.as_ref().is_some_and(|name| &**name == "noscript") {
            return self.parts.noscript.push_str(text);
        }
        if text.contains(is_invisible) {
            let visible: String = text.chars().filter(|c| !is_invisible(*c)).collect();
            self.push_text(&visible);
        } else {
            self.push_text(text);
        }
    }

    fn push_text(&mut self, text: &str) {
        let around = self.around();
        if around.is_skipped || text.is_empty() {
            return;
        }
        if self.block.is_none() && !around.block.is_preformatted && text.chars().all(char::is_whitespace) {
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
            self.parts.surroundings[at].prose_chars += surroundings::prose_chars(text);
        }
        let start = self.parts.characters.len();
        self.parts.characters.push_str(text);
        let end = self.parts.characters.len();
        match self.parts.runs.last_mut() {
            Some(last) if last.block == block && last.place == around.place => last.end = end,
            _ => self.parts.runs.push(Run { start, end, block, place: around.place }),
        }
    }
}

fn marks(tag: &Tag) -> Marks<'_> {
    let mut marks = Marks::default();
    for found in &tag.attrs {
        match &*found.name.local {
            "class" => marks.class = &found.value,
            "id" => marks.id = &found.value,
            "role" => marks.role = &found.value,
            "style" => marks.style = &found.value,
            "hidden" => marks.hidden = Some(&found.value),
            "open" => marks.has_open = true,
            _ => (),
        }
    }
    marks
}

fn attribute<'t>(tag: &'t Tag, name: &str) -> Option<&'t str> {
    tag.attrs.iter().find(|found| &*found.name.local == name).map(|found| &*found.value)
}

/// Characters that nobody sees: controls, soft hyphens, marks of no width.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}
