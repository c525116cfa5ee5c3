//! `affiant log`.

use super::failure::{FAILED, Failure, IN_PART};
use super::list;
use super::output;
use super::settings::Settings;
use super::show::find;

use crate::archivist::read::{self, ReadError};
use crate::base::id::Id;
use crate::evidence::record::Body;

/// Show the history of a document: every capture and check of it, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant log https://example.com/privacy\n  affiant log AF-C-000002-x")]
pub(super) struct Log {
    /// The address, or the id of the document, or of a capture or check of it.
    #[arg(value_name = "DOCUMENT")]
    document: String,
}

impl Log {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = read::Log::published(&archive)?;
        let histories = if Id::parse(&self.document).is_ok() {
            vec![history_of(&log, &self.document)?]
        } else {
            log.histories(&self.document)?
        };
        if histories.is_empty() {
            let failure = Failure::new(FAILED, format!("no document has the address `{}`", self.document));
            return Err(failure.try_this("`affiant list --kind document` shows the documents there are"));
        }
        let mut code = 0;
        for history in histories {
            code = code.max(print(&log, history, settings)?);
        }
        Ok(code)
    }
}

fn history_of(log: &read::Log<'_>, id: &str) -> Result<u64, Failure> {
    let entry = find(log, id)?;
    let document = match &entry.record.body {
        Body::Document(document) => return Ok(document.amends.unwrap_or(entry.record.index)),
        Body::Capture(capture) => capture.document,
        Body::Check(check) => check.document,
        Body::Genesis(_) | Body::Provision(_) | Body::Withdrawal(_) | Body::Hold(_) => {
            return Err(Failure::new(FAILED, format!("{} has no history of its own", entry.id)));
        }
    };
    Ok(log.document(document)?.1.amends.unwrap_or(document))
}

/// Prints a history; a damaged record in the log is named and does not hide the others.
fn print(log: &read::Log<'_>, history: u64, settings: &Settings) -> Result<u8, Failure> {
    let (first, document) = log.document(history)?;
    if !settings.json {
        let title = document.title.clone().unwrap_or_else(|| "(no title)".to_owned());
        output::line(&output::plain(&format!("{}  {title}  {}", first.id, document.url)));
    }
    let withdrawn = log.withdrawn_list()?;
    let mut code = 0;
    for index in (history + 1..log.size()).rev() {
        let entry = match log.entry(index) {
            Ok(entry) => entry,
            Err(ReadError::Withdrawn { withdrawn, .. }) => {
                let document = withdrawn.entry.record.as_ref().and_then(|record| record.link.document());
                if document.is_some_and(|document| is_of(log, document, history)) {
                    list::print_withdrawn(index, &withdrawn, settings);
                }
                continue;
            }
            Err(error) => {
                list::print_damaged(index, &error, settings);
                code = IN_PART;
                continue;
            }
        };
        let document = match &entry.record.body {
            Body::Capture(capture) => capture.document,
            Body::Check(check) => check.document,
            _ => continue,
        };
        if is_of(log, document, history) {
            list::print(&entry, log, &withdrawn, settings);
        }
    }
    Ok(code)
}

fn is_of(log: &read::Log<'_>, document: u64, history: u64) -> bool {
    document == history || log.document(document).is_ok_and(|(_, document)| document.amends == Some(history))
}
