//! BibTeX and biblatex.

use super::Citation;
use super::wording::{NO_TITLE, address, clean, iso};

/// An `@misc` entry, which every BibTeX style knows. There is no year: the page's is not known.
pub(super) fn bibtex(citation: &Citation) -> String {
    let howpublished = format!("\\url{{{}}}", address(&citation.url));
    entry("misc", citation, &[("howpublished", howpublished)])
}

/// An `@online` entry; biblatex takes `url` and `eprint` as they stand.
pub(super) fn biblatex(citation: &Citation) -> String {
    let fields = [
        ("url", address(&citation.url)),
        ("urldate", iso(citation.access_day())),
        ("eprint", address(&citation.ark)),
        ("eprinttype", "ark".to_owned()),
    ];
    entry("online", citation, &fields)
}

fn entry(kind: &str, citation: &Citation, fields: &[(&str, String)]) -> String {
    // The inner braces keep a name whole (`Acme, Inc.` is not somebody called Inc.) and its capitals.
    let author = citation.clean_entity().map(|entity| ("author", format!("{{{}}}", escape(&entity))));
    let title = citation.clean_title().map_or_else(|| NO_TITLE.to_owned(), |title| escape(&title));
    let kind_of_work = citation.clean_document_type().map(|kind| ("type", escape(&kind)));
    let note = escape(&citation.provenance().join(". "));

    let mut all: Vec<(&str, String)> = Vec::new();
    all.extend(author);
    all.push(("title", format!("{{{title}}}")));
    all.extend(kind_of_work);
    all.extend(fields.iter().cloned());
    all.push(("note", note));
    let lines: Vec<String> = all.iter().map(|(name, value)| format!("  {name} = {{{value}}},\n")).collect();
    format!("@{kind}{{{},\n{}}}\n", key(citation), lines.concat())
}

/// Returns the id as a key: letters and digits mean nothing to BibTeX.
fn key(citation: &Citation) -> String {
    let plain = clean(&citation.id);
    plain.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// Escapes what LaTeX acts on. BibTeX counts braces even after a backslash, so a lone one has to be
/// written by name.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '{' => escaped.push_str("\\textbraceleft{}"),
            '}' => escaped.push_str("\\textbraceright{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '$' | '&' | '#' | '_' | '%' => escaped.extend(['\\', c]),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_leaves_a_brace_alone() {
        let every: String = (' '..='~').collect();
        let mut depth = 0;
        for c in escape(&every).chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            assert!((0..=1).contains(&depth));
        }
        assert_eq!(depth, 0);
        assert_eq!(escape("50% of R&D_a"), "50\\% of R\\&D\\_a");
    }
}
