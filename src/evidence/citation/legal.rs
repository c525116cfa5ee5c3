//! The styles of lawyers.

use super::Citation;
use super::wording::{NO_TITLE, address, clean, day_month_year, short_month_day_year};

/// The Bluebook, 22nd ed., rule 18.2.1: author, title, address, the date in parentheses, and where the
/// page is archived in brackets (18.2.1(d)). A page shows no reliable date of its own, so the date is a
/// "captured" or "last visited" one.
pub(super) fn bluebook(citation: &Citation) -> String {
    let author = citation.clean_entity().map(|entity| format!("{entity}, ")).unwrap_or_default();
    let title = citation.clean_title().unwrap_or_else(|| NO_TITLE.to_owned());
    let captured = short_month_day_year(citation.captured_at.day());
    let visited = citation.accessed.map(|day| format!(", last visited {}", short_month_day_year(day)));
    format!(
        "{author}{title}, {} (captured {captured}{}) [{}, {}].\n",
        address(&citation.url),
        visited.unwrap_or_default(),
        clean(&citation.archive_origin),
        citation.names(),
    )
}

/// OSCOLA, 4th ed., 3.4.8: author, the title in single quotation marks, the date in parentheses, the
/// address in angle brackets, and when it was accessed. Without an author it begins with the title.
pub(super) fn oscola(citation: &Citation) -> String {
    let author = citation.clean_entity().map(|entity| format!("{entity}, ")).unwrap_or_default();
    let title = citation.clean_title().map_or_else(|| NO_TITLE.to_owned(), |title| format!("‘{title}’"));
    format!(
        "{author}{title} (captured {} by {}) <{}> accessed {}, archived as {}.\n",
        day_month_year(citation.captured_at.day()),
        clean(&citation.archive_origin),
        address(&citation.url),
        day_month_year(citation.access_day()),
        citation.names(),
    )
}
