//! `affiant timestamp`, and what is asked of authorities after a publication.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::calendars::{self, Asking, Tally};
use super::entry::find;
use super::failure::{FAILED, Failure, IN_PART, REFUSED, WRONG_USE};
use super::interruption::interruption;
use super::output;
use super::settings::Settings;

use crate::archivist::calendars::Urgency;
use crate::archivist::container::contain;
use crate::archivist::places::now;
use crate::archivist::read::Log;
use crate::archivist::timestamp::{
    Anchored, Answer, Stamped, TimestampError, catch_up, stamp_statement, state, timestamp,
};
use crate::base::causes::with_causes;
use crate::base::hash::Hash;
use crate::outside::archive::Archive;
use crate::outside::archive::durable::{Existing, Passing};
use crate::outside::authority::Asker;
use crate::outside::caller::check_address;
use crate::timestamp::authorities::Authorities;

/// How often somebody who waits is looked at.
const LOOK_UP: Duration = Duration::from_millis(200);

/// Ask timestamp authorities, or OpenTimestamps calendars, when the log's newest checkpoint existed, and keep what they answer.
///
/// A token dates everything in the log until then, and shows no authority what that is. Without --authority, those are
/// asked that `archive.toml` names and that have not dated the newest checkpoint yet; they are asked after each capture
/// too. Whose answers you believe is said by the roots in `keys/authorities` (PEM or DER). A calendar's proof is pending for hours,
/// until a block of Bitcoin has it; which blocks you know is said in `keys/blocks`, or by your own node.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant timestamp --authority https://freetsa.org/tsr --remember\n  \
    affiant timestamp --calendar https://alice.btc.calendar.opentimestamps.org --remember\n  \
    affiant timestamp --upgrade\n  affiant timestamp\n  affiant timestamp --every 1h")]
pub(super) struct Timestamp {
    /// An authority's address; give it again for another.
    #[arg(long, value_name = "URL")]
    authority: Vec<String>,
    /// An OpenTimestamps calendar's address; give it again for another.
    #[arg(long, value_name = "URL")]
    calendar: Vec<String>,
    /// Ask nobody for anything new: only complete the OpenTimestamps proofs that are pending.
    #[arg(long, conflicts_with_all = ["authority", "statement", "every"])]
    upgrade: bool,
    /// A Bitcoin node that says which blocks are in the chain, as `http://name:password@127.0.0.1:8332`.
    #[arg(long, value_name = "URL", env = "AFFIANT_BITCOIN_NODE", hide_env_values = true)]
    bitcoin_node: Option<String>,
    /// Date one record's statement instead, and write it with the token in its header (RFC 9921), for other systems.
    #[arg(long, value_name = "ID", requires = "output", conflicts_with_all = ["every", "remember", "calendar"])]
    statement: Option<String>,
    /// Date a bundle instead, and write it with the token into one file (ASiC-S, ETSI EN 319 162-1).
    #[arg(long, value_name = "BUNDLE.zip", requires = "output", conflicts_with_all = ["every", "remember", "statement"])]
    container: Option<PathBuf>,
    /// Where to write it.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the addresses into `archive.toml`, to be asked from now on.
    #[arg(long)]
    remember: bool,
    /// Go on asking whenever there is a newer checkpoint, this often, as `90s`, `15m`, `6h` or `1d`.
    #[arg(long, value_name = "TIME", value_parser = read_span)]
    every: Option<Duration>,
}

impl Timestamp {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        if settings.offline {
            return Err(Failure::new(
                REFUSED,
                "an authority cannot be asked without a socket, and --offline forbids it",
            ));
        }
        if self.remember && self.authority.is_empty() && self.calendar.is_empty() {
            return Err(Failure::new(WRONG_USE, "--remember needs an address: --authority URL or --calendar URL"));
        }
        for url in self.authority.iter().chain(&self.calendar) {
            check_address(url).map_err(|error| Failure::of(WRONG_USE, &error))?;
        }
        let mut archive = settings.archive()?;
        if self.remember {
            self.remember(&mut archive)?;
        }
        if let (Some(id), Some(target)) = (&self.statement, &self.output) {
            return self.date_statement(&archive, id, target, settings);
        }
        if let (Some(bundle), Some(target)) = (&self.container, &self.output) {
            return self.date_bundle(&archive, bundle, target, settings);
        }
        let listed = archive.settings();
        let is_nobody = |authorities: &[String], calendars: &[String]| authorities.is_empty() && calendars.is_empty();
        let is_asked = self.upgrade || !is_nobody(&self.authority, &self.calendar);
        if !is_asked && is_nobody(&listed.authorities, &listed.calendars) {
            return Err(Failure::of(WRONG_USE, &TimestampError::NoAuthority)
                .try_this("--authority https://freetsa.org/tsr, with --remember to ask it from now on"));
        }
        let trusted = settings.keyring().authorities()?;
        let asker = Asker::new().map_err(|error| Failure::of(FAILED, &error))?;
        let Some(every) = self.every else {
            return self.ask(&archive, &trusted, &asker, settings);
        };
        let interrupted = interruption();
        while !interrupted.load(Ordering::Relaxed) {
            self.ask(&settings.archive()?, &trusted, &asker, settings)?;
            let mut waited = Duration::ZERO;
            while waited < every && !interrupted.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK_UP);
                waited += LOOK_UP;
            }
        }
        Ok(0)
    }

    fn remember(&self, archive: &mut Archive) -> Result<(), Failure> {
        let with = |listed: &[String], more: &[String]| {
            let new = more.iter().filter(|url| !listed.contains(url));
            listed.iter().chain(new).cloned().collect::<Vec<_>>()
        };
        if !self.authority.is_empty() {
            archive.set_authorities(with(&archive.settings().authorities, &self.authority))?;
        }
        if !self.calendar.is_empty() {
            archive.set_calendars(with(&archive.settings().calendars, &self.calendar))?;
        }
        Ok(())
    }

    fn date_statement(&self, archive: &Archive, id: &str, target: &Path, settings: &Settings) -> Result<u8, Failure> {
        let url = self.one_authority(archive)?;
        let trusted = settings.keyring().authorities()?;
        let asker = Asker::new().map_err(|error| Failure::of(FAILED, &error))?;
        let entry = find(&Log::published(archive)?.0, id)?;
        let stamped = stamp_statement(&entry.statement, url, &trusted, &asker)?;
        write_stamped(&entry.id.to_string(), target, &stamped, settings)
    }

    fn date_bundle(&self, archive: &Archive, bundle: &Path, target: &Path, settings: &Settings) -> Result<u8, Failure> {
        let url = self.one_authority(archive)?;
        let trusted = settings.keyring().authorities()?;
        let asker = Asker::new().map_err(|error| Failure::of(FAILED, &error))?;
        let anchored = contain(bundle, target, url, (&trusted, &asker)).map_err(|error| {
            Failure::of(FAILED, &error).try_this("-o names another file, --authority another authority")
        })?;
        Ok(print_contained(bundle, target, &anchored, settings))
    }

    /// Returns the authority that is asked when one is enough: the one that is named, or the archive's first.
    fn one_authority<'a>(&'a self, archive: &'a Archive) -> Result<&'a str, Failure> {
        let url = self.authority.first().or(archive.settings().authorities.first()).map(String::as_str);
        url.ok_or_else(|| {
            Failure::of(WRONG_USE, &TimestampError::NoAuthority)
                .try_this("--authority https://freetsa.org/tsr, with --remember to ask it from now on")
        })
    }

    /// Asks whom it is to ask, once. In a row, each rests after a failure; by hand means now: those that are named, or all
    /// that are due.
    fn ask(&self, archive: &Archive, trusted: &Authorities, asker: &Asker, settings: &Settings) -> Result<u8, Failure> {
        let mut tally = Tally::default();
        let listed = archive.settings();
        let asks_listed = self.authority.is_empty() && self.calendar.is_empty() && !self.upgrade;
        let authorities = if asks_listed { &listed.authorities } else { &self.authority };
        if !authorities.is_empty() {
            let stamped = self.ask_authorities(archive, authorities, trusted, asker)?;
            print(&stamped, settings);
            tally.count += stamped.answers.len();
            tally.failed += stamped.answers.iter().filter(|answer| answer.outcome.is_err()).count();
        }
        let calendars = if asks_listed { &listed.calendars } else { &self.calendar };
        if !calendars.is_empty() || self.upgrade {
            let asking = Asking::new(self.bitcoin_node.as_deref(), settings)?;
            let urgency = if self.every.is_some() { Urgency::WhenDue } else { Urgency::Now };
            let named: Vec<String> = listed.calendars.iter().chain(&self.calendar).cloned().collect();
            if !self.upgrade {
                tally.add(asking.submit(archive, calendars, urgency, settings)?);
            }
            if self.upgrade || asks_listed {
                tally.add(asking.complete(archive, &named, urgency, settings)?);
            }
        }
        Ok(match tally.failed {
            0 => 0,
            all if all == tally.count => FAILED,
            _ => IN_PART,
        })
    }

    fn ask_authorities(
        &self,
        archive: &Archive,
        urls: &[String],
        trusted: &Authorities,
        asker: &Asker,
    ) -> Result<Stamped, Failure> {
        if self.every.is_some() {
            return Ok(catch_up(archive, urls, trusted, asker, now())?);
        }
        let due = if self.authority.is_empty() { state(archive, urls)?.pending } else { urls.to_vec() };
        if due.is_empty() {
            return Ok(catch_up(archive, urls, trusted, asker, now())?);
        }
        Ok(timestamp(archive, &due, trusted, asker, now())?)
    }
}

fn write_stamped(
    id: &str,
    target: &Path,
    (bytes, anchored): &(Vec<u8>, Anchored),
    settings: &Settings,
) -> Result<u8, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::of(FAILED, error).try_this("-o names another file");
    let mut passing = Passing::create(target, Existing::Keep).map_err(|error| failed(&error))?;
    passing.write_all(bytes).map_err(|error| failed(&error))?;
    passing.place(Existing::Keep).map_err(|error| failed(&error))?;
    if settings.json {
        output::json(&json!({
            "id": id,
            "time": anchored.time.to_string(),
            "authority": anchored.authority,
            "file": target,
            "sha256": Hash::of(bytes).to_string(),
        }));
        return Ok(0);
    }
    output::line(&output::plain(&format!("{id}  {}  {}", anchored.time, anchored.authority)));
    output::line(&format!("  file      {}", target.display()));
    Ok(0)
}

fn print_contained(bundle: &Path, target: &Path, anchored: &Anchored, settings: &Settings) -> u8 {
    if settings.json {
        output::json(&json!({
            "bundle": bundle,
            "time": anchored.time.to_string(),
            "authority": anchored.authority,
            "file": target,
        }));
        return 0;
    }
    output::line(&output::plain(&format!("{}  {}  {}", target.display(), anchored.time, anchored.authority)));
    0
}

/// Asks the authorities and calendars of `archive.toml` after a publication. Whatever becomes of it, what was published is published.
pub(super) fn after_publication(settings: &Settings) {
    let Ok(archive) = settings.archive() else { return };
    if settings.offline {
        return;
    }
    if !archive.settings().authorities.is_empty() {
        after_publication_by_authorities(&archive, settings);
    }
    if !archive.settings().calendars.is_empty() {
        calendars::after_publication(&archive, settings);
    }
}

fn after_publication_by_authorities(archive: &Archive, settings: &Settings) {
    let asked = ask_due(archive, settings);
    let Ok(stamped) = asked else {
        let why = asked.err().map(|error| error.message).unwrap_or_default();
        return remark(settings, &format!("affiant: not timestamped yet: {why}"));
    };
    for answer in &stamped.answers {
        match &answer.outcome {
            Ok(anchored) => remark(settings, &format!("Timestamped {} by {}", anchored.time, anchored.authority)),
            Err(error) => {
                let message = format!("affiant: not timestamped yet by `{}`: {}", answer.url, with_causes(error));
                remark(settings, &message);
            }
        }
    }
    for (url, next) in &stamped.resting {
        remark(settings, &format!("affiant: not timestamped yet: `{url}` is asked again after {}", next.to_second()));
    }
}

/// Dates the newest checkpoint at once, before a capture begins that is to name the token.
pub(super) fn before_capture(settings: &Settings) -> Result<(), Failure> {
    let archive = settings.archive()?;
    let urls = archive.settings().authorities.clone();
    if urls.is_empty() {
        return Err(Failure::of(WRONG_USE, &TimestampError::NoAuthority)
            .try_this("`affiant timestamp --authority URL --remember` names one"));
    }
    let (trusted, asker) = (settings.keyring().authorities()?, Asker::new());
    let asker = asker.map_err(|error| Failure::of(FAILED, &error))?;
    let stamped = timestamp(&archive, &urls, &trusted, &asker, now())?;
    for answer in stamped.answers {
        if let Err(error) = answer.outcome {
            let message = format!("affiant: no fresh timestamp of `{}`: {}", answer.url, with_causes(&error));
            remark(settings, &message);
        }
    }
    Ok(())
}

fn ask_due(archive: &Archive, settings: &Settings) -> Result<Stamped, Failure> {
    let trusted: Authorities = settings.keyring().authorities()?;
    let asker = Asker::new().map_err(|error| Failure::of(FAILED, &error))?;
    Ok(catch_up(archive, &archive.settings().authorities, &trusted, &asker, now())?)
}

fn remark(settings: &Settings, text: &str) {
    if !settings.quiet {
        output::remark(&output::plain(text));
    }
}

fn print(stamped: &Stamped, settings: &Settings) {
    for answer in &stamped.answers {
        print_answer(stamped.size, answer, settings);
    }
    for (url, next) in &stamped.resting {
        remark(
            settings,
            &format!("affiant: `{url}` failed not long ago; it is asked again after {}", next.to_second()),
        );
    }
    if stamped.answers.is_empty() && stamped.resting.is_empty() && !settings.json {
        remark(settings, &format!("The checkpoint of size {} is timestamped already.", stamped.size));
    }
}

fn print_answer(size: u64, answer: &Answer, settings: &Settings) {
    let url = &answer.url;
    match (&answer.outcome, settings.json) {
        (Ok(anchored), true) => output::json(&json!({
            "size": size,
            "url": url,
            "time": anchored.time.to_string(),
            "authority": anchored.authority,
            "root": anchored.root,
            "ends": anchored.ends.map(|ends| ends.to_string()),
            "file": format!("anchors/{}", anchored.name),
            "sha256": anchored.sha256.to_string(),
        })),
        (Ok(anchored), false) => print_anchored(size, anchored, settings),
        (Err(error), as_json) => {
            if as_json {
                output::json(&json!({ "size": size, "url": url, "error": with_causes(error) }));
            }
            output::remark(&output::plain(&format!("affiant: not timestamped by `{url}`: {}", with_causes(error))));
        }
    }
}

fn print_anchored(size: u64, anchored: &Anchored, settings: &Settings) {
    output::line(&output::plain(&format!("size {size}  {}  {}", anchored.time, anchored.authority)));
    output::line(&format!("  file      anchors/{}", anchored.name));
    match (&anchored.root, anchored.ends) {
        (Some(root), Some(ends)) => {
            output::line(&output::plain(&format!("  root      {root}, good until {}", ends.to_second())));
        }
        _ => remark(
            settings,
            "Nothing in `keys/authorities` vouches for it: put the authority's root there, so that `verify` can tell.",
        ),
    }
}

pub(super) fn read_span(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let parsed = units.iter().find_map(|(unit, seconds)| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(*seconds).filter(|seconds| *seconds > 0)
    });
    parsed.map(Duration::from_secs).ok_or_else(|| "write it as `90s`, `15m`, `6h` or `1d`".to_owned())
}
