//! The citation record: everything, one field a line, for a footnote that must need no style guide.

use super::Citation;
use super::wording::{address, clean, iso};

/// Every field of the citation; what the record does not name is said to be absent.
pub(super) fn plain(citation: &Citation) -> String {
    let or_absent = |text: Option<String>| text.unwrap_or_else(|| "not recorded".to_owned());
    let fields = [
        ("Entity", or_absent(citation.clean_entity())),
        ("Document", or_absent(citation.clean_title())),
        ("Type", or_absent(citation.clean_document_type())),
        ("Citation", clean(&citation.id)),
        ("ARK", clean(&citation.ark)),
        ("Captured", citation.captured_at.to_string()),
        ("URL", address(&citation.url)),
        ("Answered by", citation.redirected().unwrap_or_else(|| "the same".to_owned())),
        ("Content", format!("SHA-256 {}", citation.content_sha256)),
        ("Record", format!("SHA-256 {}", citation.record_sha256)),
        ("Archive", clean(&citation.archive_origin)),
        ("Accessed", citation.accessed.map_or_else(|| "not said".to_owned(), iso)),
    ];
    let lines: Vec<String> =
        fields.iter().map(|(name, value)| format!("{:<13}{value}\n", format!("{name}:"))).collect();
    lines.concat()
}
