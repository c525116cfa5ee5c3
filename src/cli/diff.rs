//! `affiant diff`.

use serde_json::{Value as Json, json};

use super::entry::find;
use super::failure::Failure;
use super::output;
use super::settings::Settings;

use crate::archivist::diff::text;
use crate::archivist::read::Log;
use crate::document::difference::{Change, Difference, Line};

/// Show what changed between the texts of two captures.
///
/// As `diff -u` prints it, or with --words as `wdiff` does: [-deleted-] {+inserted+}.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  affiant diff AF-C-000002-n AF-C-000003-z\n  affiant diff AF-C-000002-n AF-C-000003-z --words\n\n\
    For a court: `affiant bundle A B --exhibit C --redline`."
)]
pub(super) struct Diff {
    /// The earlier capture's citation id.
    #[arg(value_name = "OLD")]
    old: String,
    /// The later capture's.
    #[arg(value_name = "NEW")]
    new: String,
    /// Show the words that changed within lines.
    #[arg(long)]
    words: bool,
    /// How many unchanged lines to show around each change.
    #[arg(long, value_name = "LINES", default_value_t = 3)]
    context: usize,
}

impl Diff {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let (old, new) = (find(&log, &self.old)?, find(&log, &self.new)?);
        let ((old_sha256, old_text), (new_sha256, new_text)) = (text(&log, &old)?, text(&log, &new)?);
        let difference = Difference::between(&old_text, &new_text);
        let names = [&old.id, &new.id].map(ToString::to_string);
        if settings.json {
            let mut object = to_json(&difference);
            object["old"] = json!({ "id": names[0], "text_sha256": old_sha256.to_string() });
            object["new"] = json!({ "id": names[1], "text_sha256": new_sha256.to_string() });
            output::json(&object);
        } else if self.words {
            print_words(&difference, self.context);
        } else {
            let text = difference.unified([&names[0], &names[1]], self.context);
            text.lines().for_each(|line| output::line(&output::plain(line)));
        }
        Ok(0)
    }
}

fn print_words(difference: &Difference<'_>, context: usize) {
    for (n, hunk) in difference.hunks(context).into_iter().enumerate() {
        if n > 0 {
            output::line("---");
        }
        for line in &difference.lines[hunk] {
            output::line(&output::plain(&in_words(line)));
        }
    }
}

fn in_words(line: &Line<'_>) -> String {
    let piece = |change: Change, text: &str| match change {
        Change::Same => text.to_owned(),
        Change::Deleted => format!("[-{text}-]"),
        Change::Inserted => format!("{{+{text}+}}"),
    };
    line.pieces.iter().map(|one| piece(one.change, one.text)).collect()
}

/// Returns the lines that changed, and how much did.
fn to_json(difference: &Difference<'_>) -> Json {
    let extent = difference.extent();
    let line = |line: &Line<'_>| {
        let pieces: Vec<Json> = line.pieces.iter().map(|piece| json!([piece.change.as_str(), piece.text])).collect();
        json!({ "old": line.old, "new": line.new, "pieces": pieces })
    };
    let changed = difference.lines.iter().filter(|line| !line.is_same());
    json!({
        "old": null,
        "new": null,
        "extent": {
            "lines_same": extent.same,
            "lines_changed": extent.changed,
            "lines_deleted": extent.deleted,
            "lines_inserted": extent.inserted,
            "words_deleted": extent.words_deleted,
            "words_inserted": extent.words_inserted,
        },
        "lines": changed.map(line).collect::<Vec<_>>(),
    })
}
