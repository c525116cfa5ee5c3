//! `affiant log`.

use super::failure::{FAILED, Failure};
use super::list;
use super::output;
use super::settings::Settings;

use crate::archivist::list::{Listing, Wanted, histories};
use crate::archivist::read;
use crate::base::id::Id;

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
            vec![list::history_of(&log, &self.document)?]
        } else {
            let (histories, remark) = histories(&log, &self.document, settings.progress.as_ref())?;
            list::remark(remark);
            histories
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

/// Prints a history; a damaged record in the log is named and does not hide the others.
fn print(log: &read::Log<'_>, history: u64, settings: &Settings) -> Result<u8, Failure> {
    let (first, document) = log.document(history)?;
    if !settings.json {
        let title = document.title.clone().unwrap_or_else(|| "(no title)".to_owned());
        output::line(&output::plain(&format!("{}  {title}  {}", first.id, document.url)));
    }
    let kinds = ["capture", "check"].map(str::to_owned).to_vec();
    let wanted = Wanted { history: Some(history), kinds, ..Wanted::default() };
    let mut listing = Listing::begin(log, wanted, u64::MAX, settings.progress.as_ref())?;
    let code = list::print_all(listing.by_ref(), log, settings)?;
    list::remark(listing.remark());
    Ok(code)
}
