//! The Markdown of drafts: filling in what is known, and reading the result as blocks for other forms.
//!
//! Only what the templates use is read: headings, numbered sentences, lists, tables, paragraphs; bold, italics and code.

/// Writes a value that stands in a code span or a table's cell, and ends neither.
pub(super) fn plain(text: &str) -> String {
    let safe = |c: char| match c {
        '`' => '\'',
        '|' => '/',
        '{' => '(',
        '}' => ')',
        c if c.is_control() => ' ',
        c => c,
    };
    text.chars().map(safe).collect()
}

/// Fills in values by their markers. Each marker is looked for in the template and in values of ours alone, since [`plain`]
/// leaves no brace.
pub(super) fn filled(template: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(template.to_owned(), |text, (marker, value)| text.replace(marker, value))
}

/// A block of a draft.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Block<'t> {
    /// A heading.
    Heading(&'t str),
    /// A paragraph, a numbered sentence or a line of a list, as it is to be printed.
    Paragraph(&'t str),
    /// A table: rows of cells, the first of them its head.
    Table(Vec<Vec<&'t str>>),
}

/// Reads a draft as blocks.
pub(super) fn blocks(draft: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for line in draft.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("# ") {
            blocks.push(Block::Heading(heading));
        } else if let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) {
            let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
            match blocks.last_mut() {
                // The line below a table's head only says that it is one.
                Some(Block::Table(rows)) if rows.len() == 1 && cells.iter().all(|cell| *cell == "---") => {}
                Some(Block::Table(rows)) => rows.push(cells),
                _ => blocks.push(Block::Table(vec![cells])),
            }
        } else {
            blocks.push(Block::Paragraph(line));
        }
    }
    blocks
}

/// How a piece of a line is to look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Look {
    /// Like the rest.
    Plain,
    /// Bold.
    Bold,
    /// Italic.
    Italic,
    /// As code: a fact.
    Code,
}

/// Reads a line as pieces. What is opened and never closed stands as it is.
pub(super) fn pieces(line: &str) -> Vec<(Look, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < line.len() {
        let rest = &line[at..];
        let marks = [("`", Look::Code), ("**", Look::Bold), ("*", Look::Italic)];
        let opened = marks.iter().find_map(|(mark, look)| {
            let inner = rest.strip_prefix(mark)?;
            let end = inner.find(mark).filter(|end| *end > 0)?;
            Some((mark.len(), *look, &inner[..end]))
        });
        match opened {
            Some((mark, look, inner)) => {
                if start < at {
                    pieces.push((Look::Plain, &line[start..at]));
                }
                pieces.push((look, inner));
                at += 2 * mark + inner.len();
                start = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    if start < line.len() {
        pieces.push((Look::Plain, &line[start..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_templates_use() {
        let draft = "# A\n\n1. One `x * y` and **two**. [L1]\n\n| a | b |\n|---|---|\n| c | *d* |\n- e\n";
        let expected = vec![
            Block::Heading("A"),
            Block::Paragraph("1. One `x * y` and **two**. [L1]"),
            Block::Table(vec![vec!["a", "b"], vec!["c", "*d*"]]),
            Block::Paragraph("- e"),
        ];
        assert_eq!(blocks(draft), expected);
        let pieces = pieces("One `x * y` and **two**.");
        let expected = [
            (Look::Plain, "One "),
            (Look::Code, "x * y"),
            (Look::Plain, " and "),
            (Look::Bold, "two"),
            (Look::Plain, "."),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn an_open_mark_stands_as_it_is() {
        for line in ["a ` b", "**", "é*", "`", "* a"] {
            assert_eq!(pieces(line), [(Look::Plain, line)], "{line}");
        }
    }
}
