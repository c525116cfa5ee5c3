//! `affiant hold`.

use serde_json::json;

use super::entry::id_of;
use super::failure::{Failure, WRONG_USE};
use super::output;
use super::settings::Settings;
use super::withdraw::open;

use crate::archivist::places::now;
use crate::archivist::read::Log;
use crate::archivist::withdraw::{hold, release};
use crate::base::id::Id;

/// Forbid that content is withdrawn, or end that. Both are signed records: nobody can lift a hold unseen.
///
/// A hold over a document covers every capture of it, those to come included.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant hold AF-D-000001-f --reason 'matter 2026-14' --authority 'counsel'\n  \
    affiant hold --release AF-H-000007-q --reason 'matter settled'")]
pub(super) struct Hold {
    /// The citation ids of documents, captures, checks and provisions.
    #[arg(value_name = "ID", required_unless_present = "release", conflicts_with = "release")]
    ids: Vec<String>,
    /// The hold that ends.
    #[arg(long, value_name = "ID")]
    release: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// By whose authority.
    #[arg(long, value_name = "TEXT")]
    authority: Option<String>,
}

impl Hold {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        if self.reason.trim().is_empty() {
            return Err(Failure::new(WRONG_USE, "--reason must say something"));
        }
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let named: Vec<&String> = self.release.iter().chain(&self.ids).collect();
        let ids: Vec<Id> = named.into_iter().map(|id| id_of(&log, id)).collect::<Result<_, _>>()?;
        let mut opened = open(settings)?;
        let (appender, authority) = (&mut opened.appender, self.authority.as_deref());
        let made = match (&self.release, ids.first()) {
            (Some(_), Some(id)) => release(appender, id, &self.reason, authority, now())?,
            _ => hold(appender, &ids, &self.reason, authority, now())?,
        };
        let verb = if self.release.is_some() { "releases" } else { "holds" };
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        if settings.json {
            output::json(&json!({ "id": made.id.to_string(), "act": verb, "entries": ids }));
        } else {
            output::line(&format!("{}  {verb} {}", made.id, ids.join(", ")));
        }
        drop(opened);
        super::publication::after(settings);
        Ok(0)
    }
}
