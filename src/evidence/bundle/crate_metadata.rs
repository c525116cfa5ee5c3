//! `data/ro-crate-metadata.json`: what the records say, for repositories of research and heritage.
//!
//! The payload folder `data/` is the crate, as RO-Crate 1.1 asks for in a BagIt bag. Each subject that is a capture or check
//! is a `CreateAction` with its times, the address it looked at as its object, and its files as its result; each file of the
//! subjects' content is a `File` with its size and SHA-256; the program is the instrument.
//!
//! It says again what the records say, and no check rests on it. Two builds give the same text. There is no licence in it
//! but a sentence that none is granted: a capture gives nobody rights in what was captured.
//!
//! Source: RO-Crate Metadata Specification 1.1 (<https://w3id.org/ro/crate/1.1>), root data entity and file entities.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::bag::PAYLOAD_PREFIX;
use super::layout::{self, Entries};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::record::{Body, Record, Visit};

/// What is described.
pub(super) struct Described<'d> {
    /// The entries.
    pub(super) entries: &'d Entries,
    /// What the bundle is about.
    pub(super) subjects: &'d [&'d Id],
    /// The content by name, with its hash and how many bytes it has.
    pub(super) content: BTreeMap<&'d str, (Hash, u32)>,
    /// The log's origin.
    pub(super) origin: &'d str,
}

/// Writes the description.
pub(super) fn text(described: &Described<'_>) -> String {
    let Described { entries, subjects, content, origin } = described;
    let newest = entries.records.values().map(|(_, record)| record.made).max();
    let ids: Vec<String> = subjects.iter().map(ToString::to_string).collect();
    let files: Vec<Json> = content.keys().map(|name| reference(&local(name))).collect();
    let mut graph = vec![
        json!({
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": reference("https://w3id.org/ro/crate/1.1"),
            "about": reference("./"),
        }),
        json!({
            "@id": "./",
            "@type": "Dataset",
            "name": format!("Records {} of the archive {origin}", ids.join(", ")),
            "description": "Captures with signed records and proofs of their place in an append-only log. VERIFY.md in the bag \
                says how to check them; this description is for finding things, and nothing that is checked rests on it.",
            "datePublished": newest.map(|time| time.to_second().to_string()),
            "license": "No licence is granted: rights in what was captured are its owners'.",
            "identifier": ids,
            "hasPart": files,
        }),
    ];
    let mut software: BTreeMap<String, Json> = BTreeMap::new();
    for id in *subjects {
        let Some((_, record)) = entries.records.get(&id.index) else { continue };
        let Some(visit) = record.body.visit() else { continue };
        let tool = &record.software;
        let tool_id = format!("#{}-{}", tool.name, tool.version);
        let description = json!({ "@id": tool_id, "@type": "SoftwareApplication", "name": tool.name, "softwareVersion": tool.version });
        software.insert(tool_id.clone(), description);
        graph.push(action(id, visit, &tool_id, content));
        graph.push(page(record, visit, entries));
    }
    graph.extend(software.into_values());
    for (name, (hash, size_bytes)) in content {
        let mut file = json!({
            "@id": local(name),
            "@type": "File",
            "name": name.rsplit('/').next().unwrap_or(name),
            "contentSize": size_bytes.to_string(),
            "identifier": format!("sha256:{hash}"),
        });
        if let (Some(object), Some(media_type)) = (file.as_object_mut(), media_type(name)) {
            object.insert("encodingFormat".to_owned(), media_type.into());
        }
        graph.push(file);
    }
    let mut seen = std::collections::BTreeSet::new();
    graph.retain(|entity| seen.insert(entity["@id"].to_string()));
    format!("{:#}\n", json!({ "@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph }))
}

fn action(id: &Id, visit: &Visit, tool: &str, content: &BTreeMap<&str, (Hash, u32)>) -> Json {
    let own = content.keys().filter(|name| layout::belongs_to(name, id));
    json!({
        "@id": format!("#{id}"),
        "@type": "CreateAction",
        "name": format!("{id}: a visit to {}", visit.target),
        "startTime": visit.started.to_string(),
        "endTime": visit.finished.to_string(),
        "object": reference(&visit.target),
        "result": own.map(|name| reference(&local(name))).collect::<Vec<_>>(),
        "instrument": reference(tool),
    })
}

/// The page that was looked at, as its document's record describes it.
fn page(record: &Record, visit: &Visit, entries: &Entries) -> Json {
    let index = match &record.body {
        Body::Capture(capture) => Some(capture.document),
        Body::Check(check) => Some(check.document),
        _ => None,
    };
    let document = index.and_then(|index| entries.records.get(&index)).and_then(|(_, record)| match &record.body {
        Body::Document(document) => Some(document),
        _ => None,
    });
    let title = document.and_then(|document| document.title.as_deref());
    let mut page =
        json!({ "@id": visit.target, "@type": "WebPage", "url": visit.target, "name": title.unwrap_or(&visit.target) });
    if let (Some(object), Some(entity)) =
        (page.as_object_mut(), document.and_then(|document| document.entity.as_deref()))
    {
        object.insert("publisher".to_owned(), entity.into());
    }
    page
}

fn reference(id: &str) -> Json {
    json!({ "@id": id })
}

/// Names a file from the crate's folder.
fn local(name: &str) -> String {
    name.strip_prefix(PAYLOAD_PREFIX).unwrap_or(name).to_owned()
}

fn media_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension {
        "html" => Some("text/html"),
        "md" => Some("text/markdown"),
        "txt" => Some("text/plain"),
        "pdf" => Some("application/pdf"),
        "png" => Some("image/png"),
        "jpg" => Some("image/jpeg"),
        "der" => Some("application/pkix-cert"),
        _ => None,
    }
}
