//! Citations that stand in a page: Wikipedia's and HTML's.

use super::Citation;
use super::wording::{NO_TITLE, address, clean, is_web, iso};

/// `{{cite web}}`. There is no `archive-url`, which must be on the web; the ARK stands under `id`.
/// `<!--Not stated-->` is how Citation Style 1 says that a page names no author.
pub(super) fn wikipedia(citation: &Citation) -> String {
    let author = citation.clean_entity().map_or_else(|| "<!--Not stated-->".to_owned(), |entity| wiki(&entity));
    let title = citation.clean_title().unwrap_or_else(|| NO_TITLE.to_owned());
    let kind = citation.clean_document_type().map(|kind| format!(" |type={}", wiki(&kind))).unwrap_or_default();
    format!(
        "{{{{cite web |author={author} |title={} |url={}{kind} |access-date={} |via={} |id={}}}}}\n",
        wiki(&title),
        // Brackets end an external link.
        address(&citation.url).replace('[', "%5B").replace(']', "%5D").replace("''", "%27%27"),
        iso(citation.access_day()),
        wiki(&clean(&citation.archive_origin)),
        wiki(&citation.names()),
    )
}

/// Writes as entities the characters that wiki text acts on.
fn wiki(text: &str) -> String {
    entities(text, &['&', '<', '>', '[', ']', '{', '}', '|', '\'', '"', '=', '~', '_', '\\'])
}

/// A robust link to the page as it was: the live address, and how to find the capture when it is gone.
pub(super) fn html(citation: &Citation) -> String {
    let title = citation.clean_title().unwrap_or_else(|| NO_TITLE.to_owned());
    let text = citation.clean_entity().map_or_else(|| title.clone(), |entity| format!("{entity}: {title}"));
    let url = attribute(&address(&citation.url));
    // Only an address on the web becomes a link: the page's own could be `javascript:`.
    let href = if is_web(&citation.url) { format!(" href=\"{url}\"") } else { String::new() };
    format!(
        "<a{href} data-originalurl=\"{url}\" data-versionurl=\"{}\" data-versiondate=\"{}\">{}</a> (captured {}, {})\n",
        attribute(&address(&citation.ark)),
        attribute(&citation.captured_at.to_second().to_string()),
        attribute(&text),
        iso(citation.captured_at.day()),
        attribute(&citation.names()),
    )
}

/// Writes as entities the characters that HTML acts on, in text and in attributes alike.
fn attribute(text: &str) -> String {
    entities(text, &['&', '<', '>', '"', '\''])
}

fn entities(text: &str, characters: &[char]) -> String {
    let escape = |c: char| if characters.contains(&c) { format!("&#{};", u32::from(c)) } else { c.to_string() };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_only_to_the_web() {
        let citation = |url: &str| Citation { url: url.into(), ..super::super::tests::full() };
        assert!(html(&citation("https://a.example/")).starts_with("<a href=\"https://a.example/\" "));
        for url in ["javascript:alert(1)", " https://a.example/", "file:///etc/passwd", ""] {
            assert!(html(&citation(url)).starts_with("<a data-originalurl="), "{url}");
        }
    }
}
