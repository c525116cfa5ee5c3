//! CSL-JSON, which Zotero, pandoc and citeproc read.

use serde_json::{Map, Value, json};

use super::Citation;
use super::wording::{NO_TITLE, address, clean};

/// A list of one `webpage` (CSL 1.0.2, `csl-data.json`).
pub(super) fn csl_json(citation: &Citation) -> String {
    let day = citation.access_day();
    let mut page = Map::new();
    page.insert("id".into(), clean(&citation.id).into());
    page.insert("type".into(), "webpage".into());
    if let Some(entity) = citation.clean_entity() {
        page.insert("author".into(), json!([{ "literal": entity }]));
    }
    page.insert("title".into(), citation.clean_title().unwrap_or_else(|| NO_TITLE.to_owned()).into());
    if let Some(kind) = citation.clean_document_type() {
        page.insert("genre".into(), kind.into());
    }
    page.insert("URL".into(), address(&citation.url).into());
    page.insert("accessed".into(), json!({ "date-parts": [[day.year, day.month, day.day]] }));
    page.insert("archive".into(), clean(&citation.archive_origin).into());
    page.insert("archive_location".into(), clean(&citation.ark).into());
    page.insert("note".into(), citation.provenance().join(". ").into());
    page.insert(
        "custom".into(),
        json!({
            "captured-at": citation.captured_at.to_string(),
            "final-url": citation.final_url.as_deref().map(address),
            "content-sha256": citation.content_sha256.to_string(),
            "record-sha256": citation.record_sha256.to_string(),
        }),
    );
    let list = Value::Array(vec![Value::Object(page)]);
    format!("{list:#}\n")
}
