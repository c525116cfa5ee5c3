//! The folder: files that no checkpoint asks for. They harm nobody, and are noted.

use std::fs;
use std::path::Path;

use super::blobs::DERIVED;
use super::report::AuditReport;

use crate::evidence::anchor::{
    CHECKPOINT, PROOF_EXTENSION, RENEWAL, RENEWAL_LEAVES, RENEWAL_REPLY_EXTENSION, RENEWAL_REQUEST_EXTENSION,
    REPLY_EXTENSION, REQUEST_EXTENSION, height_of,
};
use crate::log::tile::{Tile, TileKind};
use crate::outside::archive::anchors::size_of;

/// How deep folders are looked into: tile paths of a log of 2⁶⁴ entries have ten parts.
const DEPTH_MAX: usize = 12;

/// How many files are looked at; an archive of a billion entries has fewer.
const FILE_COUNT_MAX: usize = 20_000_000;

/// Notes every file that is not one of an archive of `size` entries.
pub(super) fn check(folder: &Path, size: u64, report: &mut AuditReport) {
    let mut walk = Walk { size, seen: 0, wider: 0, narrower: 0, report };
    walk.folder(folder, "", 0);
    let Walk { wider, narrower, report, .. } = walk;
    if wider > 0 {
        report.note(format!(
            "{wider} file(s) under `tile/` hold more than the checkpoint promises: a crash before publication leaves \
             them, and so does an older checkpoint in place of the newest; the next append overwrites them"
        ));
    }
    if narrower > 0 {
        report.note(format!("{narrower} partial tile(s) are needless: wider ones hold what they hold"));
    }
}

struct Walk<'r> {
    size: u64,
    seen: usize,
    wider: u64,
    narrower: u64,
    report: &'r mut AuditReport,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path, name: &str, depth: usize) {
        let Ok(entries) = fs::read_dir(path) else {
            return self.report.note(format!("`{name}` cannot be listed"));
        };
        let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let part = entry.file_name().to_string_lossy().into_owned();
            let name = if name.is_empty() { part } else { format!("{name}/{part}") };
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            self.seen += 1;
            if self.seen > FILE_COUNT_MAX {
                return;
            }
            match name.as_str() {
                "index" if is_folder => {} // Derived: the writer's index and the readers' catalogue.
                "tile" | "packs" | "withheld" | "passing" | "anchors" if is_folder => {
                    self.folder(&entry.path(), &name, depth + 1);
                }
                _ if is_folder && depth < DEPTH_MAX && (name.starts_with("tile/") || is_anchor(&name)) => {
                    self.folder(&entry.path(), &name, depth + 1);
                }
                _ if is_folder => self.report.note(format!("`{name}/` is no folder of an archive")),
                _ => self.file(&name),
            }
        }
    }

    fn file(&mut self, name: &str) {
        let is_known = matches!(
            name,
            "README.md"
                | "archive.toml"
                | "checkpoint"
                | "custody.jsonl"
                | "journal"
                | "lock"
                | "withdrawn"
                | "anchors/pending"
        );
        if is_known || is_pack(name) {
            return;
        }
        if let Ok(tile) = name.parse::<Tile>() {
            return self.tile(&tile);
        }
        if let Some((folder, file)) = name.rsplit_once('/')
            && is_anchor(folder)
            && (file == CHECKPOINT
                || file.ends_with(REPLY_EXTENSION)
                || file.ends_with(REQUEST_EXTENSION)
                || file.ends_with(PROOF_EXTENSION)
                || height_of(file).is_some()
                || is_of_renewal(file))
        {
            return; // What is in it is checked with the anchors.
        }
        let why = if name.starts_with("fork-at-") {
            "it proves that this log has forked; `affiant verify` reads it"
        } else if name.starts_with("passing/") {
            "a body that is being received, or that a crash left; the next writer removes it"
        } else if Path::new(name).extension().is_some_and(|extension| extension == "new") {
            "a crash while it was written leaves it"
        } else {
            "no file of an archive"
        };
        self.report.note(format!("`{name}`: {why}"));
    }

    fn tile(&mut self, tile: &Tile) {
        match Tile::of_tree(tile.kind(), tile.index(), self.size) {
            Ok(expected) if expected == *tile => {}
            Ok(expected) if expected.width() > tile.width() => self.narrower += 1,
            _ => self.wider += 1,
        }
    }
}

fn is_of_renewal(file: &str) -> bool {
    let ends = [RENEWAL_REPLY_EXTENSION, RENEWAL_REQUEST_EXTENSION];
    [RENEWAL, RENEWAL_LEAVES].contains(&file) || ends.iter().any(|end| file.ends_with(end))
}

/// Says whether a folder's name is one of an anchor's.
fn is_anchor(name: &str) -> bool {
    name.strip_prefix("anchors/").is_some_and(|size| size_of(size).is_some())
}

fn is_pack(name: &str) -> bool {
    let name = name.strip_prefix("packs/").or(name.strip_prefix("withheld/"));
    let Some((stem, extension)) = name.and_then(|name| name.split_once('.')) else {
        return false;
    };
    stem.len() >= 8 && stem.bytes().all(|byte| byte.is_ascii_digit()) && matches!(extension, "pack" | "rows" | "index")
}

/// Finds out how long the log is from its files, when no checkpoint says so.
pub(in crate::archivist) fn size_on_disk(folder: &Path) -> u64 {
    let mut size = 0;
    let mut folders = vec![(folder.join("tile/statements"), "tile/statements".to_owned())];
    while let Some((path, name)) = folders.pop() {
        for entry in fs::read_dir(path).into_iter().flatten().filter_map(Result::ok) {
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && name.matches('/').count() < DEPTH_MAX {
                folders.push((entry.path(), name));
                continue;
            }
            let tile = name.parse::<Tile>().ok().filter(|tile| tile.kind() == TileKind::Statements);
            size = tile.map_or(size, |tile| size.max(tile.index() * 256 + u64::from(tile.width())));
        }
    }
    size
}

/// Notes what the index holds is never looked at: it is made again from the log.
pub(super) fn check_index(folder: &Path, report: &mut AuditReport) {
    if !folder.join("index").is_dir() {
        report.note(format!("`index/` is missing; {DERIVED}"));
    }
}
