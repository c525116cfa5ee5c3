//! A draft as a text document (Office Open XML), for whoever fills it in: the same words, with DRAFT across each page.
//!
//! | part                          | what                                                         |
//! |-------------------------------|--------------------------------------------------------------|
//! | `[Content_Types].xml`         | what each part is                                            |
//! | `_rels/.rels`                 | where the document is                                        |
//! | `word/document.xml`           | the text                                                     |
//! | `word/styles.xml`             | headings and body                                            |
//! | `word/header1.xml`            | the watermark, and a line that says the same in words        |
//! | `word/_rels/document.xml.rels` | where styles and header are                                 |
//!
//! Source: ECMA-376 (Office Open XML), transitional; only what a plain document needs. No macros, no links, no fields, and
//! no dates or names in its properties, because it has none. The same draft gives the same bytes.

use std::io::Cursor;

use super::text::{Block, Look, blocks, pieces};

use crate::evidence::bundle::zip::{Member, Plan, ZipError};

/// Writes a draft as a document.
///
/// # Errors
/// [`ZipError::TooLarge`] for a draft of more than 4 GiB.
pub fn docx(draft: &str) -> Result<Vec<u8>, ZipError> {
    let parts = [
        ("[Content_Types].xml", include_str!("docx/content-types.xml").to_owned()),
        ("_rels/.rels", include_str!("docx/rels.xml").to_owned()),
        ("word/_rels/document.xml.rels", include_str!("docx/document-rels.xml").to_owned()),
        ("word/document.xml", document(draft)),
        ("word/header1.xml", include_str!("docx/header.xml").to_owned()),
        ("word/styles.xml", include_str!("docx/styles.xml").to_owned()),
    ];
    let measured: Result<Vec<Member>, ZipError> =
        parts.iter().map(|(name, text)| Member::measure(name, text.as_bytes())).collect();
    let plan = Plan::of_package(measured?)?;
    let mut bytes = Vec::new();
    let text = |wanted: &str| parts.iter().find(|(name, _)| *name == wanted).map_or("", |(_, text)| text.as_str());
    plan.write(&mut bytes, |name| Ok(Cursor::new(text(name))))?;
    Ok(bytes)
}

fn document(draft: &str) -> String {
    let body: String = blocks(draft).iter().map(block).collect();
    include_str!("docx/document.xml").replace("{body}", &body)
}

fn block(block: &Block<'_>) -> String {
    match block {
        Block::Heading(text) => paragraph("<w:pStyle w:val=\"Heading1\"/>", text),
        Block::Paragraph(text) => paragraph("", text),
        Block::Table(rows) => {
            let rows: String = rows.iter().enumerate().map(|(n, cells)| row(n == 0, cells)).collect();
            format!(
                "<w:tbl><w:tblPr><w:tblStyle w:val=\"Grid\"/><w:tblW w:w=\"5000\" w:type=\"pct\"/></w:tblPr>{rows}</w:tbl><w:p/>"
            )
        }
    }
}

fn row(is_head: bool, cells: &[&str]) -> String {
    let cell = |text: &&str| format!("<w:tc><w:tcPr/>{}</w:tc>", paragraph("<w:pStyle w:val=\"Cell\"/>", text));
    let cells: String = cells.iter().map(cell).collect();
    let head = if is_head { "<w:trPr><w:tblHeader/></w:trPr>" } else { "" };
    format!("<w:tr>{head}{cells}</w:tr>")
}

fn paragraph(style: &str, text: &str) -> String {
    let runs: String = pieces(text).into_iter().map(|(look, text)| run(look, text)).collect();
    format!("<w:p><w:pPr>{style}</w:pPr>{runs}</w:p>")
}

fn run(look: Look, text: &str) -> String {
    let look = match look {
        Look::Plain => "",
        Look::Bold => "<w:rPr><w:b/></w:rPr>",
        Look::Italic => "<w:rPr><w:i/></w:rPr>",
        Look::Code => "<w:rPr><w:rFonts w:ascii=\"Courier New\" w:hAnsi=\"Courier New\"/></w:rPr>",
    };
    format!("<w:r>{look}<w:t xml:space=\"preserve\">{}</w:t></w:r>", escaped(text))
}

/// Writes text that is no markup; characters that XML 1.0 does not have become blanks.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_draft_gives_the_same_bytes_and_nothing_in_it_is_markup() {
        let draft = "# A & B\n\n1. `<w:p/>` \u{7}**x**\n\n| a | b |\n|---|---|\n| c | d |\n";
        let document = document(draft);
        assert!(document.contains("A &amp; B") && document.contains("&lt;w:p/&gt;"), "{document}");
        assert!(!document.contains("{body}") && !document.contains('\u{7}'));
        assert_eq!(docx(draft).unwrap(), docx(draft).unwrap());
    }
}
