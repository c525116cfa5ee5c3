//! Element names: how each kind of element bears on the text.
//!
//! Source: WHATWG HTML §13.2.6 (which ends are implied), §15.3 (which elements are blocks).

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

pub(super) fn role(name: &str) -> Role {
    match name {
        "address" | "article" | "aside" | "blockquote" | "center" | "dd" | "details" | "dialog" | "dir" | "div"
        | "dl" | "dt" | "fieldset" | "figcaption" | "figure" | "footer" | "form" | "h1" | "h2" | "h3" | "h4" | "h5"
        | "h6" | "header" | "hgroup" | "legend" | "li" | "listing" | "main" | "menu" | "nav" | "ol" | "optgroup"
        | "p" | "plaintext" | "pre" | "search" | "section" | "summary" | "textarea" | "ul" | "xmp" => Role::Block,
        "caption" | "table" | "tbody" | "td" | "tfoot" | "th" | "thead" | "tr" => Role::Table,
        "area" | "base" | "basefont" | "bgsound" | "br" | "col" | "embed" | "frame" | "hr" | "img" | "input"
        | "keygen" | "link" | "meta" | "param" | "source" | "track" | "wbr" | "html" | "body" | "head" => Role::Void,
        "audio" | "canvas" | "datalist" | "iframe" | "math" | "noembed" | "noframes" | "noscript" | "object"
        | "script" | "select" | "style" | "svg" | "template" | "title" | "video" => Role::Skipped,
        _ => Role::Inline,
    }
}

/// Says whether a start tag ends a paragraph that is still open: §13.2.6.4.7.
pub(super) fn ends_paragraph(name: &str) -> bool {
    matches!(role(name), Role::Block) && !matches!(name, "legend" | "optgroup" | "textarea")
        || matches!(name, "table" | "hr")
}

/// Says whether a start tag leads out of a drawing or formula that was left open: §13.2.6.5.
pub(super) fn breaks_out(name: &str) -> bool {
    matches!(
        name,
        "b" | "big"
            | "blockquote"
            | "body"
            | "br"
            | "center"
            | "code"
            | "dd"
            | "div"
            | "dl"
            | "dt"
            | "em"
            | "embed"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "hr"
            | "i"
            | "img"
            | "li"
            | "listing"
            | "menu"
            | "meta"
            | "nobr"
            | "ol"
            | "p"
            | "pre"
            | "ruby"
            | "s"
            | "small"
            | "span"
            | "strong"
            | "strike"
            | "sub"
            | "sup"
            | "table"
            | "tt"
            | "u"
            | "ul"
            | "var"
    )
}

/// Returns the level of a heading.
pub(super) fn heading(name: &str) -> Option<usize> {
    match name {
        "h1" => Some(1),
        "h2" => Some(2),
        "h3" => Some(3),
        "h4" => Some(4),
        "h5" => Some(5),
        "h6" => Some(6),
        _ => None,
    }
}
