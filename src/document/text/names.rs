//! Element names: how each kind of element bears on the text.
//!
//! | quantity                | unit  | range                                             |
//! |-------------------------|-------|---------------------------------------------------|
//! | a name that is a number | bytes | at most [`LETTERS_BYTES_MAX`]; HTML's own are      |
//!
//! Source: WHATWG HTML §13.2.6 (which ends are implied), §15.3 (which elements are blocks).

use std::collections::HashMap;

/// The longest name that is its own number. HTML's longest has 10 letters.
const LETTERS_BYTES_MAX: usize = 15;

/// An element's name as a number, so that comparing names costs nothing: the letters themselves where they are few, else
/// the place among the long names of the page.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Name(u128);

impl Name {
    const fn of(letters: &[u8]) -> Option<Self> {
        if letters.len() > LETTERS_BYTES_MAX {
            return None;
        }
        let mut bytes = [0; 16];
        let mut at = 0;
        while at < letters.len() {
            bytes[at] = letters[at];
            at += 1;
        }
        // With its length a name that ends in zeros is another than the one without them.
        let [.., last] = &mut bytes;
        *last = LENGTHS[letters.len()];
        Some(Self(u128::from_le_bytes(bytes)))
    }

    const fn known(name: &str) -> Self {
        Self::of(name.as_bytes()).expect("no name of HTML is longer")
    }
}

/// The lengths that a short name may have, as bytes.
const LENGTHS: [u8; LETTERS_BYTES_MAX + 1] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The names of a page that are too long to be numbers themselves.
#[derive(Default)]
pub(super) struct LongNames(HashMap<Vec<u8>, u64>);

impl LongNames {
    /// Returns the number of a name.
    pub(super) fn name(&mut self, letters: &[u8]) -> Name {
        if let Some(name) = Name::of(letters) {
            return name;
        }
        let place = if let Some(place) = self.0.get(letters) {
            *place
        } else {
            let next = u64::try_from(self.0.len()).expect("a count fits in 64 bits");
            self.0.insert(letters.to_vec(), next);
            next
        };
        // No length is 255: no short name has this number.
        Name(u128::from(place) | u128::from(u8::MAX) << 120)
    }
}

macro_rules! names {
    ($($name:ident $text:literal)*) => { $(pub(super) const $name: Name = Name::known($text);)* };
}

names! {
    A "a"
    ADDRESS "address"
    AREA "area"
    ARTICLE "article"
    ASIDE "aside"
    AUDIO "audio"
    B "b"
    BASE "base"
    BASEFONT "basefont"
    BGSOUND "bgsound"
    BIG "big"
    BLOCKQUOTE "blockquote"
    BODY "body"
    BR "br"
    BUTTON "button"
    CANVAS "canvas"
    CAPTION "caption"
    CENTER "center"
    CODE "code"
    COL "col"
    DATALIST "datalist"
    DD "dd"
    DETAILS "details"
    DIALOG "dialog"
    DIR "dir"
    DIV "div"
    DL "dl"
    DT "dt"
    EM "em"
    EMBED "embed"
    FIELDSET "fieldset"
    FIGCAPTION "figcaption"
    FIGURE "figure"
    FOOTER "footer"
    FORM "form"
    FRAME "frame"
    H1 "h1"
    H2 "h2"
    H3 "h3"
    H4 "h4"
    H5 "h5"
    H6 "h6"
    HEAD "head"
    HEADER "header"
    HGROUP "hgroup"
    HR "hr"
    HTML "html"
    I "i"
    IFRAME "iframe"
    IMG "img"
    INPUT "input"
    KEYGEN "keygen"
    LEGEND "legend"
    LI "li"
    LINK "link"
    LISTING "listing"
    MAIN "main"
    MATH "math"
    MENU "menu"
    META "meta"
    NAV "nav"
    NOBR "nobr"
    NOEMBED "noembed"
    NOFRAMES "noframes"
    NOSCRIPT "noscript"
    OBJECT "object"
    OL "ol"
    OPTGROUP "optgroup"
    P "p"
    PARAM "param"
    PLAINTEXT "plaintext"
    PRE "pre"
    RUBY "ruby"
    S "s"
    SCRIPT "script"
    SEARCH "search"
    SECTION "section"
    SELECT "select"
    SMALL "small"
    SOURCE "source"
    SPAN "span"
    STRIKE "strike"
    STRONG "strong"
    STYLE "style"
    SUB "sub"
    SUMMARY "summary"
    SUP "sup"
    SVG "svg"
    TABLE "table"
    TBODY "tbody"
    TD "td"
    TEMPLATE "template"
    TEXTAREA "textarea"
    TFOOT "tfoot"
    TH "th"
    THEAD "thead"
    TITLE "title"
    TR "tr"
    TRACK "track"
    TT "tt"
    U "u"
    UL "ul"
    VAR "var"
    VIDEO "video"
    WBR "wbr"
    XMP "xmp"
}

/// What an element does to the text in it and around it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// A block: its text does not run on into its neighbours'.
    Block,
    /// A row or cell of a table, or the table: a block that ends of other blocks do not reach out of.
    Table,
    /// A part of a line.
    Inline,
    /// Has no content.
    Void,
    /// Has content that is never shown.
    Skipped,
}

pub(super) fn role(name: Name) -> Role {
    match name {
        ADDRESS | ARTICLE | ASIDE | BLOCKQUOTE | CENTER | DD | DETAILS | DIALOG | DIR | DIV | DL | DT | FIELDSET
        | FIGCAPTION | FIGURE | FOOTER | FORM | H1 | H2 | H3 | H4 | H5 | H6 | HEADER | HGROUP | LEGEND | LI
        | LISTING | MAIN | MENU | NAV | OL | OPTGROUP | P | PLAINTEXT | PRE | SEARCH | SECTION | SUMMARY | TEXTAREA
        | UL | XMP => Role::Block,
        CAPTION | TABLE | TBODY | TD | TFOOT | TH | THEAD | TR => Role::Table,
        AREA | BASE | BASEFONT | BGSOUND | BR | COL | EMBED | FRAME | HR | IMG | INPUT | KEYGEN | LINK | META
        | PARAM | SOURCE | TRACK | WBR | HTML | BODY | HEAD => Role::Void,
        AUDIO | CANVAS | DATALIST | IFRAME | MATH | NOEMBED | NOFRAMES | NOSCRIPT | OBJECT | SCRIPT | SELECT
        | STYLE | SVG | TEMPLATE | TITLE | VIDEO => Role::Skipped,
        _ => Role::Inline,
    }
}

/// Says whether a start tag ends a paragraph that is still open: §13.2.6.4.7.
pub(super) fn ends_paragraph(name: Name) -> bool {
    matches!(role(name), Role::Block) && !matches!(name, LEGEND | OPTGROUP | TEXTAREA) || matches!(name, TABLE | HR)
}

/// Says whether a start tag leads out of a drawing or formula that was left open: §13.2.6.5.
pub(super) fn breaks_out(name: Name) -> bool {
    matches!(
        name,
        B | BIG
            | BLOCKQUOTE
            | BODY
            | BR
            | CENTER
            | CODE
            | DD
            | DIV
            | DL
            | DT
            | EM
            | EMBED
            | H1
            | H2
            | H3
            | H4
            | H5
            | H6
            | HEAD
            | HR
            | I
            | IMG
            | LI
            | LISTING
            | MENU
            | META
            | NOBR
            | OL
            | P
            | PRE
            | RUBY
            | S
            | SMALL
            | SPAN
            | STRONG
            | STRIKE
            | SUB
            | SUP
            | TABLE
            | TT
            | U
            | UL
            | VAR
    )
}

/// Returns the level of a heading.
pub(super) fn heading(name: Name) -> Option<usize> {
    match name {
        H1 => Some(1),
        H2 => Some(2),
        H3 => Some(3),
        H4 => Some(4),
        H5 => Some(5),
        H6 => Some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_number_when_they_are_the_same_letters() {
        let mut long = LongNames::default();
        let texts =
            ["p", "p\0", "", "\0", "fifteen-letters", "sixteen--letters", "sixteen-letters-", "my-long-element-name"];
        for (at, one) in texts.iter().enumerate() {
            for (other_at, other) in texts.iter().enumerate() {
                assert_eq!(long.name(one.as_bytes()) == long.name(other.as_bytes()), at == other_at, "{one} {other}");
            }
        }
        assert_eq!(long.name(b"p"), P);
        assert_eq!(long.name(b"figcaption"), FIGCAPTION);
        assert_eq!(long.0.len(), 3);
    }

    #[test]
    fn elements_have_the_roles_of_the_standard() {
        assert_eq!(
            [P, TD, BR, SVG, SPAN].map(role),
            [Role::Block, Role::Table, Role::Void, Role::Skipped, Role::Inline]
        );
        assert!(
            [P, UL, TABLE, HR].into_iter().all(ends_paragraph) && ![SPAN, TD, LEGEND].into_iter().any(ends_paragraph)
        );
        assert_eq!([H1, H6, HR].map(heading), [Some(1), Some(6), None]);
    }
}
