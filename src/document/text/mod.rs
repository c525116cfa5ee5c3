//! The text rendition: what a person would read in a document, as deterministic plain text.
//!
//! | quantity  | unit             | range                       |
//! |-----------|------------------|-----------------------------|
//! | input     | bytes            | at most [`INPUT_BYTES_MAX`] |
//! | parts     | runs of text etc | at most [`PART_COUNT_MAX`]  |
//!
//! A rendition is UTF-8 with LF line ends and ends in one line end unless it is empty. The same bytes and
//! content type give the same rendition for ever: a change of rules raises [`EXTRACTOR_VERSION`].
//!
//! # What it looks like
//!
//! Markdown without escapes: `#` headings, `- ` and `1. ` lists, `> ` quotations, one line for each simple
//! row of a table (` | ` between cells), blank lines between paragraphs, white space collapsed as CSS does.
//! Emphasis is dropped. Words are never broken up by markup, so that a sentence can be quoted as it was
//! read. Where links lead is part of what a policy says, so the targets stand after the text, under
//! [`LINKS_HEADING`], each link once.
//!
//! # What is left out
//!
//! 1. What is never shown: scripts, styles, `<head>`, templates, menus of forms, drawings, fallbacks of media.
//! 2. Surroundings: `nav`, page header and footer, asides, dialogs, cookie notices, hidden parts. Each only while
//!    it holds little prose (`surroundings.rs`): a long one is likely the text that was sought.
//! 3. What stands outside `<main>` (or `<article>`), where that holds at least three quarters of the rest.
//!
//! When that leaves nothing, 2 is undone, and then `<noscript>` is read: words are lost only beside other words.
//!
//! # How it is made
//!
//! `source.rs` hands the page to the tokenizer of browsers (WHATWG HTML §13.2.5), all but scripts and styles, `tags.rs`
//! puts together what that finds, `tokens.rs` keeps a stack of open elements with the implied ends that matter to text; no
//! tree is built, so that hostile nesting costs linear time.
//! `parts.rs` is what it finds, `surroundings.rs` decides what stays, `layout.rs` writes it down.
//! Styles and scripts are not read: text that only a script adds is not there, text that only a style
//! sheet hides is.

mod layout;
mod links;
mod names;
mod parts;
mod source;
mod surroundings;
mod tags;
mod tokens;

use crate::document::media_type::{self, Kind};

/// The name of these rules, for records.
pub const EXTRACTOR: &str = "affiant-text";

/// The version of these rules: it grows with every change that could change a rendition.
pub const EXTRACTOR_VERSION: u64 = 1;

/// The largest document that is rendered: a hundred times the longest policy known to us.
pub const INPUT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many parts a page may have: fifty times those of the longest policy known to us. Each takes some two
/// hundred bytes while a page is rendered.
pub const PART_COUNT_MAX: usize = 1_000_000;

/// The line above the list of link targets.
pub const LINKS_HEADING: &str = "[Links]";

/// A text rendition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Text {
    /// The text: LF line ends, one at the end unless empty.
    pub text: String,
    /// The name of the charset that the document was read in (WHATWG Encoding §4.2).
    pub charset: &'static str,
    /// What the document was read as.
    pub kind: Kind,
}

/// Renders a document, content coding undone; `None` when it is neither HTML nor plain text.
///
/// # Errors
/// [`TextError`] when the document is over [`INPUT_BYTES_MAX`] or [`PART_COUNT_MAX`].
pub fn render(body: &[u8], content_type: Option<&str>) -> Result<Option<Text>, TextError> {
    let kind = media_type::kind(body, content_type);
    if kind == Kind::Other {
        return Ok(None);
    }
    if body.len() > INPUT_BYTES_MAX {
        return Err(TextError::TooLarge { size_bytes: body.len(), limit_bytes: INPUT_BYTES_MAX });
    }
    let encoding = media_type::charset(body, content_type, kind);
    let source = media_type::decode(body, encoding);
    let text = match kind {
        Kind::Html => html(&source)?,
        _ => plain(&source),
    };
    Ok(Some(Text { text, charset: encoding.name(), kind }))
}

fn html(source: &str) -> Result<String, TextError> {
    let parts = tokens::read(source)?;
    let text = layout::write(&parts);
    if text.is_empty() { Ok(layout::write(&tokens::read(&parts.noscript)?)) } else { Ok(text) }
}

/// Renders plain text as itself, with LF line ends and one at the end.
fn plain(source: &str) -> String {
    let mut text = source.replace("\r\n", "\n").replace('\r', "\n");
    text.truncate(text.trim_end_matches('\n').len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Why a document could not be rendered.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum TextError {
    #[error("the document is {size_bytes} bytes long, and at most {limit_bytes} are rendered as text")]
    TooLarge { size_bytes: usize, limit_bytes: usize },
    #[error("the page has more than {limit} parts, and is not rendered as text")]
    TooManyParts { limit: usize },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What hostile and broken pages are made of.
    const SCRAPS: [&str; 44] = [
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<a href=/x>",
        "</a>",
        "<b>",
        "</b>",
        "<ul>",
        "</ul>",
        "<ol start=-9>",
        "<li value=7>",
        "</li>",
        "<table>",
        "</table>",
        "<tr>",
        "<td>",
        "</td>",
        "</tr>",
        "<h2>",
        "</h3>",
        "<pre>",
        "</pre>",
        "<br>",
        "<svg>",
        "</svg>",
        "<title>",
        "</title>",
        "<main>",
        "</main>",
        "<nav>",
        "</nav>",
        "<div hidden>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "<noscript>",
        "</noscript>",
        "<blockquote>",
        "<button>",
        " word ",
        "\u{a0}&lt;\u{ad}é\r\n",
        "<a data-cfemail=00",
    ];

    fn rendered(page: &str) -> String {
        render(page.as_bytes(), Some("text/html; charset=utf-8")).unwrap().unwrap().text
    }

    #[test]
    fn writes_structure_as_markdown() {
        let page = "<!doctype html><title>No</title><h1>Terms  of\n<b>Use</b></h1><p>One &amp; two<br>three<p>Four\
            <ul><li>a<ul><li>b<li><p>c<p>d</ul><li>e</ul><ol start=3><li>f<li>g</ol>\
            <table><tr><th>h<th>i<tr><td>j<td><p>k</table><blockquote>l<p>m</blockquote><pre>n\n  o</pre>";
        let expected = "# Terms of Use\n\nOne & two\nthree\n\nFour\n\n- a\n  - b\n  - c\n\n    d\n- e\n\n3. f\n4. g\n\n\
            h | i\nj | k\n\n> l\n>\n> m\n\nn\n  o\n";
        assert_eq!(rendered(page), expected);
    }

    #[test]
    fn lists_where_links_lead_once() {
        let page = "<p>See the <a href='/rules'>Community <i>Rules</i></a>, <a href=#top>top</a>, \
            <a href=/rules>Community Rules</a> and <a href=' javascript:x'>x</a>.";
        assert_eq!(
            rendered(page),
            "See the Community Rules, top, Community Rules and x.\n\n[Links]\n- Community Rules: /rules\n- top: #top\n"
        );
    }

    #[test]
    fn leaves_out_what_is_not_the_document() {
        let page = "<head><style>p{}</style><script>'<p>no</p>'</script></head><body><nav>Menu</nav>\
            <header>Shop</header><div hidden>no</div><span style='color:red; DISPLAY : none'>no</span>\
            <template>no</template><svg><title/><text>no</text></svg>\
            <select><option>no</select><main><header><h1>Terms</h1></header><p>Words.</main><footer>Company</footer>";
        assert_eq!(rendered(page), "# Terms\n\nWords.\n");
    }

    #[test]
    fn never_leaves_out_everything() {
        assert_eq!(rendered("<nav>Menu</nav>"), "Menu\n");
        assert_eq!(rendered("<noscript><p>Enable it</noscript>"), "Enable it\n");
        assert_eq!(rendered("<noscript><iframe></noscript><p>Words"), "Words\n");
        let words = "We may change these terms. ".repeat(200);
        assert_eq!(
            rendered(&format!("<p>Hello<footer><p>{words}</footer>")),
            format!("Hello\n\n{}\n", words.trim_end())
        );
        assert_eq!(rendered(&format!("<p>Hello<div hidden>{words}")), format!("Hello\n\n{}\n", words.trim_end()));
        assert_eq!(
            rendered("<main><p>Short</main><p>A longer passage outside."),
            "Short\n\nA longer passage outside.\n"
        );
    }

    #[test]
    fn plain_text_is_itself() {
        let text = render(b"\xef\xbb\xbfa\r\nb <p>\rc\n\n", Some("text/plain")).unwrap().unwrap();
        assert_eq!((text.text.as_str(), text.charset), ("a\nb <p>\nc\n", "UTF-8"));
        assert_eq!(render(b"\n", Some("text/plain")).unwrap().unwrap().text, "");
        assert_eq!(render(b"%PDF-1.7", Some("application/pdf")), Ok(None));
        let large = vec![b'a'; INPUT_BYTES_MAX + 1];
        assert!(matches!(render(&large, Some("text/plain")), Err(TextError::TooLarge { .. })));
    }

    #[test]
    fn hostile_pages_take_linear_time() {
        // Each would take minutes if any step were cubic, and the last ones if one were quadratic.
        let count = 20_000;
        for (opening, closing) in [
            ("<div>", "</div>"),
            ("<p>", ""),
            ("<b><p>", "</b>"),
            ("<ul><li>", ""),
            ("<table><tr><td>", ""),
            ("<a href=x>", ""),
            ("<svg>", "</svg>"),
            ("<x>", "<div></x>"),
            ("<div hidden>", ""),
            ("</div>", "</p>"),
            ("<li>x", ""),
            ("<h1>", "</h2>"),
            ("<template>", ""),
            ("<!--", ""),
            ("<a b='<", ""),
            ("&amp", "&#"),
            ("<a href=\"y", "\">z"),
            ("<main><nav>x", ""),
            ("<button>", ""),
            ("<span hidden>y", "<p>"),
        ] {
            let page = format!("first{}middle{}last", opening.repeat(count), closing.repeat(count));
            assert!(!rendered(&page).is_empty(), "{opening}");
        }
        let crowd = "<p>x".repeat(PART_COUNT_MAX + 2);
        assert_eq!(render(crowd.as_bytes(), Some("text/html")), Err(TextError::TooManyParts { limit: PART_COUNT_MAX }));
        let nested = format!("{}deep{}", "<div>".repeat(200_000), "</div>".repeat(200_000));
        assert_eq!(rendered(&nested), "deep\n");
        let attributes = (0..100_000).fold(String::new(), |all, n| all + &format!(" a{n}"));
        assert_eq!(rendered(&format!("<p{attributes} b='>'>x</p{attributes}>y")), "x\n\ny\n");
        assert_eq!(rendered(&format!("<p =\"{attributes}>x<script></script{attributes}>y")), "xy\n");
    }

    proptest! {
        #[test]
        fn any_soup_gives_tidy_text(scraps in prop::collection::vec(prop::sample::select(&SCRAPS[..]), 0..60)) {
            let page = scraps.concat();
            let text = rendered(&page);
            prop_assert_eq!(&text, &rendered(&page));
            prop_assert!(text.is_empty() || (text.ends_with('\n') && !text.ends_with("\n\n")), "{:?}", text);
            prop_assert!(text.lines().all(|line| line.trim_end() == line), "{:?}", text);
            prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{:?}", text);
        }

        #[test]
        fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..300), content_type in ".{0,40}") {
            let _ = render(&body, None).unwrap();
            let _ = render(&body, Some(&content_type)).unwrap();
            prop_assert!(render(&body, Some("text/html")).unwrap().is_some());
        }
    }

    #[test]
    fn every_part_of_a_page_is_answered() {
        let page = "<!doctype html><p title='a>b'>x&amp;y&notin;<ul><li>ü<table><tr><td>z</table><script><!--<script>\
            </script>--></script><textarea>a</textarea><svg><title>q</title><p>out</svg><a href=\"mailto:a@b.c\">m</a>";
        for size in 0..page.len() {
            for part in [&page.as_bytes()[..size], &page.as_bytes()[size..]] {
                let text = render(part, Some("text/html")).unwrap().unwrap().text;
                assert!(text.is_empty() || (text.ends_with('\n') && !text.ends_with("\n\n")), "{size}");
            }
        }
    }
}
