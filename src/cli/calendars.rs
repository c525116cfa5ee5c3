//! The part of `affiant timestamp` that is about calendars (OpenTimestamps).

use serde_json::json;

use super::failure::{FAILED, Failure, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::calendars::{CalendarError, Chain, Found, Looked, Sources, Submitted, Urgency, complete, submit};
use crate::archivist::places::now;
use crate::outside::archive::Archive;
use crate::outside::calendar::CalendarClient;
use crate::outside::node::Node;
use crate::timestamp::opentimestamps::blocks::Blocks;

/// What asking calendars needs.
pub(super) struct Asking {
    client: CalendarClient,
    node: Option<Node>,
    blocks: Blocks,
}

/// How many calendars and proofs were asked for, and how many of them failed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) count: usize,
    pub(super) failed: usize,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.failed += other.failed;
    }
}

impl Asking {
    pub(super) fn new(node: Option<&str>, settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            client: CalendarClient::new().map_err(|error| Failure::of(FAILED, &error))?,
            node: node.map(open_node).transpose()?,
            blocks: settings.keyring().blocks()?,
        })
    }

    fn sources(&self) -> Sources<'_> {
        let chain = self.node.as_ref().map(|node| -> &dyn Chain { node });
        Sources { calendars: &self.client, blocks: &self.blocks, chain }
    }

    /// Hands in the newest checkpoint, and prints what came of it.
    pub(super) fn submit(
        &self,
        archive: &Archive,
        urls: &[String],
        urgency: Urgency,
        settings: &Settings,
    ) -> Result<Tally, Failure> {
        let submitted = submit(archive, urls, &self.client, urgency, now())?;
        print_submitted(&submitted, settings);
        let failed = submitted.answers.iter().filter(|(_, answer)| answer.is_err()).count();
        Ok(Tally { count: submitted.answers.len(), failed })
    }

    /// Asks for the rest of what is pending, and prints what came of it.
    pub(super) fn complete(
        &self,
        archive: &Archive,
        urls: &[String],
        urgency: Urgency,
        settings: &Settings,
    ) -> Result<Tally, Failure> {
        let looked = complete(archive, urls, self.sources(), urgency, now())?;
        for looked in &looked {
            print_looked(looked, settings);
        }
        Ok(Tally { count: looked.len(), failed: looked.iter().filter(|looked| looked.outcome.is_err()).count() })
    }
}

/// Opens a Bitcoin node by its address.
pub(super) fn open_node(url: &str) -> Result<Node, Failure> {
    Node::new(url).map_err(|error| Failure::of(WRONG_USE, &error))
}

/// Does after a publication what is due, and says only what came of it: what was published is published.
pub(super) fn after_publication(archive: &Archive, settings: &Settings) {
    let urls = &archive.settings().calendars;
    let node = std::env::var("AFFIANT_BITCOIN_NODE").ok();
    let asked = Asking::new(node.as_deref(), settings).and_then(|asking| {
        let submitted = submit(archive, urls, &asking.client, Urgency::WhenDue, now())?;
        let looked = complete(archive, urls, asking.sources(), Urgency::WhenDue, now())?;
        Ok((submitted, looked))
    });
    let (submitted, looked) = match asked {
        Ok(asked) => asked,
        Err(failure) => return remark(settings, &format!("affiant: no calendar was asked: {}", failure.message)),
    };
    for (url, answer) in &submitted.answers {
        match answer {
            Ok(_) => remark(settings, &format!("Handed to `{url}`, to be in a block within hours")),
            Err(error) => remark(settings, &format!("affiant: not handed to `{url}` yet: {}", error.in_full())),
        }
    }
    for looked in looked {
        if let Ok(Found::Complete { height, .. }) = looked.outcome {
            remark(settings, &format!("The log of size {} is in Bitcoin's block {height}", looked.size));
        }
    }
}

fn print_submitted(submitted: &Submitted, settings: &Settings) {
    let size = submitted.size;
    for (url, answer) in &submitted.answers {
        match (answer, settings.json) {
            (Ok(kept), true) => output::json(&json!({
                "size": size,
                "calendar": url,
                "state": "pending",
                "file": format!("anchors/{}", kept.name),
                "sha256": kept.sha256.to_string(),
            })),
            (Ok(kept), false) => {
                output::line(&output::plain(&format!("size {size}  pending  {url}")));
                output::line(&format!("  file      anchors/{}", kept.name));
            }
            (Err(error), as_json) => {
                if as_json {
                    output::json(&json!({ "size": size, "calendar": url, "error": error.in_full() }));
                }
                output::remark(&output::plain(&format!("affiant: not taken by `{url}`: {}", error.in_full())));
            }
        }
    }
    for (url, next) in &submitted.resting {
        remark(settings, &format!("affiant: `{url}` rests; it is asked again after {}", next.to_second()));
    }
}

fn print_looked(looked: &Looked, settings: &Settings) {
    let (size, calendars) = (looked.size, looked.calendars.join("`, `"));
    match (&looked.outcome, settings.json) {
        (Ok(Found::Complete { kept, height, time }), true) => output::json(&json!({
            "size": size,
            "calendar": looked.calendars.first(),
            "state": "complete",
            "block": height,
            "time": time.map(|time| time.to_string()),
            "file": format!("anchors/{}", kept.name),
            "sha256": kept.sha256.to_string(),
        })),
        (Ok(Found::Complete { kept, height, time }), false) => {
            let time = time.map_or_else(|| "its header is not here yet".to_owned(), |time| time.to_string());
            output::line(&format!("size {size}  Bitcoin's block {height}, {time}"));
            output::line(&format!("  file      anchors/{}", kept.name));
        }
        (Ok(Found::Pending), true) => {
            output::json(&json!({ "size": size, "calendar": looked.calendars.first(), "state": "pending" }));
        }
        (Ok(Found::Pending), false) => {
            remark(settings, &format!("size {size} is pending at `{calendars}`: no block has it yet"));
        }
        (Err(error), as_json) => {
            let error = error.in_full();
            if as_json {
                output::json(&json!({ "size": size, "calendar": looked.calendars.first(), "error": error }));
            }
            output::remark(&output::plain(&format!("affiant: `anchors/{size}/{}`: {error}", looked.name)));
        }
    }
}

fn remark(settings: &Settings, text: &str) {
    if !settings.quiet {
        output::remark(&output::plain(text));
    }
}

impl From<CalendarError> for Failure {
    fn from(error: CalendarError) -> Self {
        match error {
            CalendarError::Archive(error) => error.into(),
            CalendarError::Read(error) => error.into(),
            error => Self::of(FAILED, &error),
        }
    }
}
