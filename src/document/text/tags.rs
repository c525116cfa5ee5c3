//! Tags: what the tokenizer finds, put together from its pieces.
//!
//! Source: WHATWG HTML §13.2.5 (tokenization, by html5gum). Of its attributes a tag keeps those that bear on the text, each
//! where it stands first, so that a tag of a million attributes costs no more than its bytes.

use std::borrow::Cow;
use std::convert::Infallible;

use html5gum::{Emitter, Error, State, Tokenizer};

use super::names::{self, LongNames, Name};
use super::source::{Source, Unwanted};

/// Takes what stands in a page, in order.
pub(super) trait Reader {
    /// Takes a start tag; says what stands behind it.
    fn start(&mut self, tag: &Tag) -> Content;

    /// Takes an end tag.
    fn end(&mut self, name: Name);

    /// Says whether the characters behind the last tag are wanted at all.
    fn wants_characters(&self) -> bool;

    /// Takes all characters between two tags, references undone.
    fn characters(&mut self, text: &str);
}

/// What stands behind a start tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Content {
    /// Tags and text.
    Markup,
    /// What the element's name says: of some it is text without tags.
    ByName,
}

/// Reads a page.
pub(super) fn read(source: &str, reader: &mut impl Reader) {
    let unwanted = Unwanted::default();
    let source = Source::new(source, &unwanted);
    let Ok(()) = Tokenizer::new_with_emitter(source, Pieces::new(reader, &unwanted)).finish();
}

/// A tag.
#[derive(Default)]
pub(super) struct Tag {
    pub(super) name: Name,
    pub(super) is_self_closing: bool,
    values: [Value; Attribute::COUNT],
}

/// An attribute's value, in memory that the next tag uses again.
#[derive(Default)]
struct Value {
    is_there: bool,
    text: String,
}

/// An attribute that bears on the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Attribute {
    Class,
    DataCfemail,
    Hidden,
    Href,
    Id,
    Open,
    Role,
    ShadowRootMode,
    Start,
    Style,
    Value,
}

impl Attribute {
    const COUNT: usize = 11;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"class" => Self::Class,
            b"data-cfemail" => Self::DataCfemail,
            b"hidden" => Self::Hidden,
            b"href" => Self::Href,
            b"id" => Self::Id,
            b"open" => Self::Open,
            b"role" => Self::Role,
            b"shadowrootmode" => Self::ShadowRootMode,
            b"start" => Self::Start,
            b"style" => Self::Style,
            b"value" => Self::Value,
            _ => return None,
        })
    }

    const fn place(self) -> usize {
        match self {
            Self::Class => 0,
            Self::DataCfemail => 1,
            Self::Hidden => 2,
            Self::Href => 3,
            Self::Id => 4,
            Self::Open => 5,
            Self::Role => 6,
            Self::ShadowRootMode => 7,
            Self::Start => 8,
            Self::Style => 9,
            Self::Value => 10,
        }
    }
}

impl Tag {
    /// Returns an attribute's value: empty where it is written without one.
    pub(super) fn attribute(&self, attribute: Attribute) -> Option<&str> {
        let value = &self.values[attribute.place()];
        value.is_there.then_some(&value.text)
    }

    fn clear(&mut self) {
        self.is_self_closing = false;
        for value in &mut self.values {
            value.is_there = false;
        }
    }

    /// Says whether an attribute bears on the text and is the first of its name: §13.2.5.33.
    fn wanted(&self, name: &[u8]) -> Option<Attribute> {
        Attribute::of(name).filter(|attribute| !self.values[attribute.place()].is_there)
    }

    fn keep(&mut self, attribute: Attribute, value: &[u8]) {
        let kept = &mut self.values[attribute.place()];
        kept.is_there = true;
        kept.text.clear();
        kept.text.push_str(&text_of(value));
    }
}

/// Puts together what comes in pieces.
struct Pieces<'r, R> {
    reader: &'r mut R,
    long_names: LongNames,
    text: Vec<u8>,
    tag: Tag,
    tag_name: Vec<u8>,
    is_end_tag: bool,
    /// The last start tag's name: raw text ends at the end tag with the same name alone.
    last_start: Vec<u8>,
    attribute_name: Vec<u8>,
    attribute_value: Vec<u8>,
    /// Whether the attribute's value bears on the text.
    is_value_wanted: bool,
    /// Whether the reader wants the characters behind the last tag: most of a page is scripts and styles.
    is_text_wanted: bool,
    /// What of the page the tokenizer need not see.
    unwanted: &'r Unwanted,
}

impl<'r, R: Reader> Pieces<'r, R> {
    fn new(reader: &'r mut R, unwanted: &'r Unwanted) -> Self {
        Self {
            unwanted,
            is_value_wanted: false,
            is_text_wanted: reader.wants_characters(),
            reader,
            long_names: LongNames::default(),
            text: Vec::new(),
            tag: Tag::default(),
            tag_name: Vec::new(),
            is_end_tag: false,
            last_start: Vec::new(),
            attribute_name: Vec::new(),
            attribute_value: Vec::new(),
        }
    }

    fn begin_tag(&mut self, is_end_tag: bool) {
        self.is_end_tag = is_end_tag;
        self.tag_name.clear();
        self.tag.clear();
        self.attribute_name.clear();
        self.attribute_value.clear();
    }

    fn end_attribute(&mut self) {
        if !self.is_end_tag
            && let Some(attribute) = self.tag.wanted(&self.attribute_name)
        {
            self.tag.keep(attribute, &self.attribute_value);
        }
        self.attribute_name.clear();
        self.attribute_value.clear();
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.reader.characters(&text_of(&self.text));
            self.text.clear();
        }
    }
}

impl<R: Reader> Emitter for Pieces<'_, R> {
    type Token = Infallible;

    fn set_last_start_tag(&mut self, name: Option<&[u8]>) {
        self.last_start.clear();
        self.last_start.extend_from_slice(name.unwrap_or_default());
    }

    fn emit_eof(&mut self) {
        self.end_text();
    }

    fn emit_error(&mut self, _: Error) {}

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn emit_string(&mut self, text: &[u8]) {
        if self.is_text_wanted {
            self.text.extend_from_slice(text);
        }
    }

    fn init_start_tag(&mut self) {
        self.begin_tag(false);
    }

    fn init_end_tag(&mut self) {
        self.begin_tag(true);
    }

    fn push_tag_name(&mut self, name: &[u8]) {
        self.tag_name.extend_from_slice(name);
    }

    fn init_attribute(&mut self) {
        self.end_attribute();
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        self.attribute_name.extend_from_slice(name);
    }

    fn init_attribute_value(&mut self) {
        self.is_value_wanted = !self.is_end_tag && self.tag.wanted(&self.attribute_name).is_some();
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        if self.is_value_wanted {
            self.attribute_value.extend_from_slice(value);
        }
    }

    fn set_self_closing(&mut self) {
        self.tag.is_self_closing = true;
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.end_attribute();
        self.end_text();
        self.tag.name = self.long_names.name(&self.tag_name);
        let content = if self.is_end_tag {
            self.reader.end(self.tag.name);
            Content::Markup
        } else {
            self.last_start.clone_from(&self.tag_name);
            self.reader.start(&self.tag)
        };
        self.is_text_wanted = self.reader.wants_characters();
        if content == Content::Markup {
            return None;
        }
        if !self.is_text_wanted {
            self.unwanted.set(raw_text_end(self.tag.name));
        }
        state_behind(self.tag.name)
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end_tag && self.tag_name == self.last_start
    }

    // Comments and doctypes say nothing that a person reads.
    fn init_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn emit_current_comment(&mut self) {}
    fn init_doctype(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn set_force_quirks(&mut self) {}
    fn emit_current_doctype(&mut self) {}
}

/// The pieces of a page are text as the page is; only the standard library's quick look at them can say so.
fn text_of(pieces: &[u8]) -> Cow<'_, str> {
    str::from_utf8(pieces).map_or_else(|_| String::from_utf8_lossy(pieces), Cow::Borrowed)
}

/// Returns what the tokenizer reads behind a start tag: §13.2.6.
fn state_behind(name: Name) -> Option<State> {
    match name {
        names::SCRIPT => Some(State::ScriptData),
        // As where scripts run: else a broken fallback would swallow the page that readers see.
        names::STYLE | names::XMP | names::IFRAME | names::NOEMBED | names::NOFRAMES | names::NOSCRIPT => {
            Some(State::RawText)
        }
        names::TEXTAREA | names::TITLE => Some(State::RcData),
        names::PLAINTEXT => Some(State::PlainText),
        _ => None,
    }
}

/// Returns what the end tag of a script or style begins with: what they hold is most of a page.
fn raw_text_end(name: Name) -> Option<&'static [u8]> {
    match name {
        names::SCRIPT => Some(b"</script"),
        names::STYLE => Some(b"</style"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Vec<String>);

    /// Wants tags alone.
    #[derive(Default)]
    struct Tags(Log);

    impl Reader for Tags {
        fn start(&mut self, tag: &Tag) -> Content {
            self.0.start(tag)
        }

        fn end(&mut self, name: Name) {
            self.0.end(name);
        }

        fn wants_characters(&self) -> bool {
            false
        }

        fn characters(&mut self, text: &str) {
            self.0.characters(text);
        }
    }

    impl Reader for Log {
        fn start(&mut self, tag: &Tag) -> Content {
            let values = [Attribute::Class, Attribute::Href, Attribute::Hidden].map(|name| tag.attribute(name));
            let end = if tag.is_self_closing { "/" } else { "" };
            self.0.push(format!("<{values:?}{end}>"));
            Content::ByName
        }

        fn end(&mut self, name: Name) {
            self.0.push(format!("</{}>", if name == names::P { "p" } else { "?" }));
        }

        fn wants_characters(&self) -> bool {
            true
        }

        fn characters(&mut self, text: &str) {
            self.0.push(text.to_owned());
        }
    }

    fn read_all(page: &str) -> Vec<String> {
        let mut log = Log::default();
        read(page, &mut log);
        log.0
    }

    #[test]
    fn keeps_the_first_attribute_of_each_name() {
        let page = "<a CLASS=x class=y href='1&amp;2' hidden other=z>é&eacute;\r\n&lt;</A x=y><br/></p>";
        let expected = ["<[Some(\"x\"), Some(\"1&2\"), Some(\"\")]>", "éé\n<", "</?>", "<[None, None, None]/>", "</p>"];
        assert_eq!(read_all(page), expected);
    }

    #[test]
    fn raw_text_ends_at_its_own_end_tag() {
        let none = "<[None, None, None]>";
        assert_eq!(read_all("<script><p></b></script x>y"), [none, "<p></b>", "</?>", "y"]);
        assert_eq!(read_all("<title>&amp;<p></title>y"), [none, "&<p>", "</?>", "y"]);
        assert_eq!(read_all("<plaintext></plaintext>"), [none, "</plaintext>"]);
        assert_eq!(read_all("<!--<p>--><!doctype html><p"), Vec::<String>::new());
    }

    #[test]
    fn unwanted_scripts_hide_no_tag() {
        let scraps =
            ["<script>", "</script>", "</SCRIPT x=y>", "<!--", "-->", "</scripts>", "<style>", "</style", "<p>", "\r"];
        for n in 0..scraps.len().pow(3) {
            let three: String = [n / 100, n / 10 % 10, n % 10].map(|at| scraps[at]).concat();
            let page = format!("<script>{three}</script><p class=end>");
            let (mut tags, mut all) = (Tags::default(), Log::default());
            read(&page, &mut tags);
            read(&page, &mut all);
            all.0.retain(|piece| piece.starts_with("<[") || ["</p>", "</?>"].contains(&piece.as_str()));
            assert_eq!(tags.0.0, all.0, "{page}");
        }
    }
}
