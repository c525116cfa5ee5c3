//! `affiant monitor`.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::failure::{FAILED, Failure, REFUSED, WRONG_USE};
use super::interruption::interruption;
use super::output;
use super::settings::Settings;
use super::timestamp::read_span;

use crate::archivist::monitor::{Entries, Followed, MonitorError, Sighting, policy_for};
use crate::base::causes::with_causes;
use crate::evidence::verify::Verdict;
use crate::log::checkpoint::Origin;
use crate::log::policy::{Policy, Witnessed};
use crate::log::vkey::VerifierKey;
use crate::outside::caller::{Call, Caller, check_address};
use crate::outside::heads::Heads;
use crate::outside::tlog::TileLog;

/// How often somebody who waits is looked at.
const LOOK_UP: Duration = Duration::from_millis(200);

/// The longest answer of whoever is told: it is not read.
const WEBHOOK_ANSWER_BYTES_MAX: usize = 1 << 16;

/// Follow a transparency log, and hold it to what it showed before.
///
/// Any log laid out as C2SP tlog-tiles: an archive's, or another's. Each look checks the signatures, that the log only grew
/// since the last one, hashes the entries that came, and counts the witnesses of your policy. A log that shows two trees of one
/// size leaves a fork proof. Exit code 0: all is well; 3: the log contradicts itself; 4: nobody whom you trust vouches for what it
/// shows; 1: it could not be read.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  affiant monitor https://log.example.org/ --log log.example.org/affiant+d7073dae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n  \
    affiant monitor archive --log \"$(cat keys/log.vkey)\"\n  affiant monitor https://log.example.org/ --log \"$(cat their.vkey)\" --every 1h --webhook https://alarm.example.org/"
)]
pub(super) struct Monitor {
    /// The log: its address, or a folder.
    #[arg(value_name = "URL|DIR")]
    log: String,
    /// The log's key, as a vkey, got from whoever runs it; give it again for another key of the same log.
    #[arg(long = "log", value_name = "VKEY", required = true)]
    vkeys: Vec<String>,
    /// Where the heads that were seen are kept.
    #[arg(long, value_name = "DIR", env = "AFFIANT_MONITOR", default_value = "monitor")]
    home: PathBuf,
    /// Look once; it is what happens without --every.
    #[arg(long, conflicts_with = "every")]
    once: bool,
    /// Go on looking, this often, as `90s`, `15m`, `6h` or `1d`.
    #[arg(long, value_name = "TIME", value_parser = read_span)]
    every: Option<Duration>,
    /// Send each result but *unchanged* to this address, as the JSON that --json prints.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Look at heads and tiles, and leave the entries alone.
    #[arg(long)]
    heads_only: bool,
}

impl Monitor {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let is_address = self.log.starts_with("http:") || self.log.starts_with("https:");
        if settings.offline && (is_address || self.webhook.is_some()) {
            return Err(Failure::new(REFUSED, "an address needs a socket, and --offline forbids it"));
        }
        if let Some(url) = &self.webhook {
            check_address(url).map_err(|error| Failure::of(WRONG_USE, &error))?;
        }
        let (origin, policy) = self.policy(settings)?;
        let followed = Followed {
            log: TileLog::at(&self.log).map_err(|error| Failure::of(WRONG_USE, &error))?,
            heads: Heads::new(&self.home),
            origin,
            policy,
            entries: if self.heads_only { Entries::Leave } else { Entries::Hash },
        };
        let one_look = || {
            let looked = followed.look(settings.progress.as_ref());
            self.report(&followed.origin, &looked, settings)
        };
        let Some(every) = self.every else { return Ok(one_look()) };
        let interrupted = interruption();
        let mut worst = 0;
        while !interrupted.load(Ordering::Relaxed) {
            worst = worst.max(one_look());
            let mut waited = Duration::ZERO;
            while waited < every && !interrupted.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK_UP);
                waited += LOOK_UP;
            }
        }
        Ok(worst)
    }

    fn policy(&self, settings: &Settings) -> Result<(Origin, Policy), Failure> {
        let keys: Vec<VerifierKey> =
            self.vkeys.iter().map(|key| VerifierKey::parse(key)).collect::<Result<_, _>>().map_err(|error| {
                Failure::of(WRONG_USE, &error).try_this("--log takes a vkey, as whoever runs the log publishes it")
            })?;
        let first = keys.first().ok_or_else(|| Failure::new(WRONG_USE, "--log names the log's key"))?;
        let origin = Origin::from(first.name());
        if keys.iter().any(|key| !origin.is_name_of(key)) {
            return Err(Failure::new(WRONG_USE, "the keys of one log have one name"));
        }
        let policy = policy_for(&keys, settings.policy()?).map_err(|error| Failure::of(WRONG_USE, &error))?;
        Ok((origin, policy))
    }

    /// Prints what a look came to, tells whoever is to be told, and returns the exit code.
    fn report(&self, origin: &Origin, looked: &Result<Sighting, MonitorError>, settings: &Settings) -> u8 {
        let (result, code) = judge(looked);
        let told = to_json(origin, result, looked);
        if settings.json {
            output::json(&told);
        } else {
            print(result, looked, settings);
        }
        if let Some(url) = self.webhook.as_ref().filter(|_| result != UNCHANGED)
            && let Err(why) = tell(url, &told)
        {
            output::remark(&output::plain(&format!("affiant: `{url}` was not told: {why}")));
        }
        code
    }
}

const UNCHANGED: &str = "unchanged";

/// Names what a look came to, with its exit code.
fn judge(looked: &Result<Sighting, MonitorError>) -> (&'static str, u8) {
    let (failed, cannot_tell) = (Verdict::Failed.exit_code(), Verdict::CannotTell.exit_code());
    match looked {
        Err(error) if error.is_contradiction() => ("failed", failed),
        Err(error) if error.is_unknown() => ("cannot-tell", cannot_tell),
        Err(_) => ("unreadable", FAILED),
        Ok(sighting) if sighting.is_older => ("older", cannot_tell),
        Ok(sighting) if !sighting.report.quorum.is_met() => ("not-witnessed", cannot_tell),
        Ok(sighting) => match sighting.size_before {
            None => ("first", 0),
            Some(before) if before == sighting.size => (UNCHANGED, 0),
            Some(_) => ("grown", 0),
        },
    }
}

fn to_json(origin: &Origin, result: &str, looked: &Result<Sighting, MonitorError>) -> Json {
    match looked {
        Ok(sighting) => json!({
            "origin": origin.as_str(),
            "result": result,
            "size_before": sighting.size_before,
            "size": sighting.size,
            "root": sighting.root.to_string(),
            "hashed": sighting.hashed,
            "witnesses": {
                "needed": sighting.report.quorum.needed,
                "witnessed": sighting.report.quorum.witnessed,
                "names": names(sighting),
            },
        }),
        Err(error) => json!({
            "origin": origin.as_str(), "result": result, "error": with_causes(error), "proof": error.proof(),
        }),
    }
}

fn names(sighting: &Sighting) -> Vec<String> {
    let signed = sighting.report.witnesses.iter().filter(|witness| witness.witnessed != Witnessed::Not);
    let mut names: Vec<String> = signed.map(|witness| witness.key.name().to_string()).collect();
    names.dedup();
    names
}

fn print(result: &str, looked: &Result<Sighting, MonitorError>, settings: &Settings) {
    match looked {
        Ok(sighting) => {
            if result == UNCHANGED && settings.quiet {
                return;
            }
            let Sighting { origin, size_before, size, root, hashed, report, .. } = sighting;
            let from = size_before.map_or_else(String::new, |before| format!("{before} to "));
            output::line(&output::plain(&format!("{result}  {origin}  {from}{size} entries")));
            output::line(&format!("  root      {root}"));
            output::line(&format!("  hashed    {hashed} entries"));
            let names = names(sighting);
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            output::line(&output::plain(&format!("  witnesses {} needed, signed: {names}", report.quorum.needed)));
        }
        Err(error) => output::remark(&output::plain(&format!("affiant: {result}: {}", with_causes(error)))),
    }
}

fn tell(url: &str, told: &Json) -> Result<(), String> {
    let body = Some(("application/json", told.to_string().into_bytes()));
    let caller = Caller::new().map_err(|error| with_causes(&error))?;
    let call = Call { url: url.to_owned(), body, bytes_max: WEBHOOK_ANSWER_BYTES_MAX };
    let answer = caller.call(call).map_err(|error| with_causes(&error))?;
    if (200..300).contains(&answer.status) { Ok(()) } else { Err(format!("status {}", answer.status)) }
}
