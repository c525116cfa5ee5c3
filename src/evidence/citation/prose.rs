//! The styles of scholars.

use super::Citation;
use super::wording::{NO_TITLE, address, clean, day_short_month_year, inner_quotes, month_day_year, stop};

/// APA, 7th ed.: author, "n.d." since the date of publication is not known, title, a description in
/// brackets where the kind of work is not the usual, and a retrieval date, since pages change (9.16).
/// Without an author the title takes its place (table 9.1).
pub(super) fn apa(citation: &Citation) -> String {
    let title = citation.clean_title().unwrap_or_else(|| "[No title]".to_owned());
    let kind = citation.clean_document_type().map(|kind| format!(" [{kind}]")).unwrap_or_default();
    let opening = match citation.clean_entity() {
        Some(entity) => format!("{} (n.d.). {}", stop(&entity), stop(&format!("{title}{kind}"))),
        None => format!("{} (n.d.).", stop(&format!("{title}{kind}"))),
    };
    format!(
        "{opening} {}. Retrieved {}, from {} (Archived {} as {})\n",
        clean(&citation.archive_origin),
        month_day_year(citation.access_day()),
        address(&citation.url),
        month_day_year(citation.captured_at.day()),
        citation.names(),
    )
}

/// MLA, 9th ed.: author, the title in quotation marks, the address; then the archive as the second
/// container with its own date and locator; then when it was accessed.
pub(super) fn mla(citation: &Citation) -> String {
    let author = citation.clean_entity().map(|entity| stop(&entity) + " ").unwrap_or_default();
    let title = citation.clean_title();
    let title = title.map_or_else(|| format!("{NO_TITLE}."), |title| format!("“{}”", stop(&inner_quotes(&title))));
    let accessed = citation.accessed.map(|day| format!(" Accessed {}.", day_short_month_year(day)));
    format!(
        "{author}{title} {}. {}, captured {}, {}.{}\n",
        address(&citation.url),
        clean(&citation.archive_origin),
        day_short_month_year(citation.captured_at.day()),
        citation.names(),
        accessed.unwrap_or_default(),
    )
}

/// Chicago, 17th ed., 14.207: author, the title in quotation marks, when it was captured and accessed,
/// the address, and where it is archived.
pub(super) fn chicago(citation: &Citation) -> String {
    let author = citation.clean_entity().map(|entity| stop(&entity) + " ").unwrap_or_default();
    let title = citation.clean_title();
    let title = title.map_or_else(|| format!("{NO_TITLE}."), |title| format!("“{}”", stop(&inner_quotes(&title))));
    let accessed = citation.accessed.map(|day| format!(" Accessed {}.", month_day_year(day)));
    format!(
        "{author}{title} Captured {}.{} {}. Archived at {}, {}.\n",
        month_day_year(citation.captured_at.day()),
        accessed.unwrap_or_default(),
        address(&citation.url),
        clean(&citation.archive_origin),
        citation.names(),
    )
}
