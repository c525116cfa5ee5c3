//! RIS, which reference managers exchange.

use super::Citation;
use super::wording::{NO_TITLE, address, clean};

/// An electronic source: two letters, two spaces, a dash and a space, then the value to the line's end.
pub(super) fn ris(citation: &Citation) -> String {
    let day = citation.access_day();
    let mut lines = vec![("TY", "ELEC".to_owned()), ("ID", clean(&citation.id))];
    lines.extend(citation.clean_entity().map(|entity| ("AU", entity)));
    lines.push(("TI", citation.clean_title().unwrap_or_else(|| NO_TITLE.to_owned())));
    lines.extend(citation.clean_document_type().map(|kind| ("M3", kind)));
    lines.push(("UR", address(&citation.url)));
    lines.push(("Y2", format!("{:04}/{:02}/{:02}", day.year, day.month, day.day)));
    lines.push(("DB", clean(&citation.archive_origin)));
    lines.push(("AN", clean(&citation.ark)));
    lines.extend(citation.provenance().map(|sentence| ("N1", sentence)));
    lines.push(("ER", String::new()));
    let lines: Vec<String> = lines.iter().map(|(tag, value)| format!("{tag}  - {value}\r\n")).collect();
    lines.concat()
}
