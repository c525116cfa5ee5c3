//! `contents.html`: the table of contents, for whoever opens the folder and looks for something.
//!
//! One row for each subject in the order of the log, with what its record says and where its files lie. A captured page
//! is named and not linked: a browser that opened it would run its scripts and ask its servers, years later, from the
//! reader's desk. The page itself has no script and, by its own policy, asks nobody for anything.
//!
//! It says again what the records say, for people; what counts is `VERIFY.md` and what it leads to. Two builds give the
//! same page.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::layout::{self, Entries};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::record::{Body, Document, Record, Visit};

/// Writes the table of what `subjects` are, with the content that lies in the bundle by name.
pub(super) fn text(entries: &Entries, subjects: &[&Id], content: &BTreeMap<String, Hash>) -> String {
    let mut rows = String::new();
    for (n, id) in subjects.iter().enumerate() {
        let _ = writeln!(rows, "{}", row(n + 1, id, entries, content)); // Writing to a String cannot fail.
    }
    TEMPLATE.replace("{count}", &subjects.len().to_string()).replace("{rows}", rows.trim_end())
}

const TEMPLATE: &str = include_str!("contents.html");

fn row(number: usize, id: &Id, entries: &Entries, content: &BTreeMap<String, Hash>) -> String {
    let record = entries.records.get(&id.index).map(|(_, record)| record);
    let (what, captured) = match record {
        Some(record) => (described(record, entries), captured_at(record, entries)),
        None => ("Its record was withdrawn.".to_owned(), String::new()),
    };
    let kind = record.map_or("withdrawn", |record| record.body.kind());
    let files = files(id, record, entries, content);
    format!("<tr id=\"{id}\"><td>{number}<td><b>{id}</b><br>{kind}<td>{what}<td>{captured}<td>{files}")
}

/// What a record is about: whose document, its title and address, and the words that were quoted.
fn described(record: &Record, entries: &Entries) -> String {
    let mut said = String::new();
    let (document, visit) = about(record, entries);
    if let Some(document) = document {
        let title = document.title.as_deref().unwrap_or(&document.url);
        let _ = write!(said, "<b>{}</b>", escaped(title));
        if let Some(entity) = &document.entity {
            let _ = write!(said, ", {}", escaped(entity));
        }
        let _ = write!(said, "<br><code>{}</code>", escaped(&document.url));
    }
    if let Some(visit) = visit {
        let _ = write!(said, "<br>outcome: {}", visit.outcome.kind.word());
        if !visit.outcome.reasons.is_empty() {
            let _ = write!(said, " ({})", escaped(&visit.outcome.reasons.join("; ")));
        }
    }
    if let Body::Provision(provision) = &record.body {
        let _ = write!(said, "<blockquote>{}</blockquote>", escaped(&provision.exact));
        if let Some((capture, _)) = entries.records.get(&provision.capture) {
            let _ = write!(said, "bytes {} to {} of the text of {capture}", provision.start, provision.end);
        }
    }
    said
}

fn captured_at(record: &Record, entries: &Entries) -> String {
    about(record, entries).1.map_or_else(|| record.made.to_string(), |visit| visit.started.to_string())
}

/// The document and the visit that a record leads to.
fn about<'e>(record: &'e Record, entries: &'e Entries) -> (Option<&'e Document>, Option<&'e Visit>) {
    let visited = match &record.body {
        Body::Document(document) => return (Some(document), None),
        Body::Provision(provision) => entries.records.get(&provision.capture).map(|(_, record)| record),
        _ => Some(record),
    };
    let document = match visited.map(|record| &record.body) {
        Some(Body::Capture(capture)) => Some(capture.document),
        Some(Body::Check(check)) => Some(check.document),
        _ => None,
    };
    let document = document.and_then(|index| match &entries.records.get(&index)?.1.body {
        Body::Document(document) => Some(document),
        _ => None,
    });
    (document, visited.and_then(|record| record.body.visit()))
}

fn files(id: &Id, record: Option<&Record>, entries: &Entries, content: &BTreeMap<String, Hash>) -> String {
    let reading = layout::entry_file(id, layout::RECORD_READING);
    let mut lines = Vec::new();
    if record.is_some() {
        lines.push(format!("<a href=\"{reading}\">record</a>"));
    }
    let quoted = match record.map(|record| &record.body) {
        Some(Body::Provision(provision)) => entries.records.get(&provision.capture).map(|(id, _)| id),
        _ => Some(id),
    };
    for name in content.keys().filter(|name| quoted.is_some_and(|id| layout::belongs_to(name, id))) {
        let short = name.rsplit('/').next().unwrap_or(name);
        let is_text = short == layout::TEXT;
        lines.push(if is_text { format!("<a href=\"{name}\">text</a>") } else { format!("<code>{name}</code>") });
    }
    lines.join("<br>")
}

/// Writes text that cannot be taken for markup, and in which nothing is hidden.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push(' '),
            // Characters that turn the direction of the rest would show another address than the record has.
            c if c.is_control()
                || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') =>
            {
                let _ = write!(escaped, "&lt;U+{:04X}&gt;", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_record_is_markup() {
        let shown = escaped("<script>alert(\"&\")</script>\n\u{202E}fdp.exe\u{7}");
        assert_eq!(shown, "&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt; &lt;U+202E&gt;fdp.exe&lt;U+0007&gt;");
    }

    #[test]
    fn the_page_asks_nobody_for_anything() {
        assert!(TEMPLATE.contains("default-src 'none'"));
        for word in ["<script", "http:", "https:", "src="] {
            assert!(!TEMPLATE.contains(word), "{word}");
        }
    }
}
