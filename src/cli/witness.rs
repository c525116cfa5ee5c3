//! `affiant witness`, and what is asked of witnesses before something is signed and after a publication.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::failure::{FAILED, Failure, IN_PART, NO_ARCHIVE, REFUSED, WRONG_USE};
use super::output;
use super::settings::Settings;
use super::witness_serve;

use crate::archivist::places::now;
use crate::archivist::read::Log;
use crate::archivist::witness::{
    self, Cosigned, Party, WitnessAnswer, WitnessError, Witnessed, ask, catch_up, parties,
};
use crate::base::causes::with_causes;
use crate::log::policy::PolicyWitness;
use crate::log::policy_text;
use crate::log::vkey::VerifierKey;
use crate::outside::caller::{Caller, check_address};
use crate::outside::keys::KeysError;

/// How long a witness is waited for before something is signed.
const WAIT_BEFORE: Duration = Duration::from_secs(5);

/// Have other parties see that the log only grows, and be such a party for others.
///
/// A witness signs a log's checkpoint when the log has grown from the last that it signed, so that nobody can be shown
/// another history. Those that your policy names with an address are asked after each publication.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  affiant witness add https://witness.example/ witness.example/w1+d9ed62c5+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR --quorum 1\n  \
    affiant witness list\n  affiant witness ask\n  affiant witness serve"
)]
pub(super) struct Witness {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Enter a witness into your policy, to be asked and believed from now on.
    Add {
        /// Where it takes checkpoints.
        #[arg(value_name = "URL")]
        url: String,
        /// Its keys, as vkeys, got from whoever runs it; with two of them it still counts once.
        #[arg(value_name = "VKEY", required = true)]
        vkeys: Vec<String>,
        /// What the policy calls it [default: the keys' name].
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Ask for so many of all your witnesses from now on; 0 asks for none.
        #[arg(long, value_name = "COUNT")]
        quorum: Option<usize>,
    },
    /// List your witnesses, and what each has signed last.
    List,
    /// Show the newest checkpoint to the witnesses that have not signed it.
    Ask,
    Init(witness_serve::Init),
    Follow(witness_serve::Follow),
    Serve(witness_serve::Serve),
}

impl Witness {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        match self.act {
            Act::Add { url, vkeys, name, quorum } => add(&url, &vkeys, name, quorum, settings),
            Act::List => list(settings),
            Act::Ask => ask_now(settings),
            Act::Init(init) => init.run(settings),
            Act::Follow(follow) => follow.run(settings),
            Act::Serve(serve) => serve.run(settings),
        }
    }
}

fn add(
    url: &str,
    vkeys: &[String],
    name: Option<String>,
    quorum: Option<usize>,
    settings: &Settings,
) -> Result<u8, Failure> {
    check_address(url).map_err(|error| Failure::of(WRONG_USE, &error))?;
    let keys: Vec<VerifierKey> = vkeys
        .iter()
        .map(|key| VerifierKey::parse(key))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::of(WRONG_USE, &error).try_this("the witness's operator publishes its vkey"))?;
    let first = keys.first().ok_or_else(|| Failure::new(WRONG_USE, "a witness has a key"))?;
    if let Some(other) = keys.iter().find(|key| key.name() != first.name()) {
        let found = format!("the keys of one witness have one name, found `{}` and `{}`", first.name(), other.name());
        return Err(Failure::new(WRONG_USE, found));
    }
    let name = name.unwrap_or_else(|| policy_text::name_for(first));
    match settings.keyring().add_witness(&name, &keys, url, quorum) {
        Err(error @ KeysError::Policy { .. }) => Err(Failure::of(WRONG_USE, &error)),
        other => Ok(other?),
    }?;
    list(settings)
}

fn list(settings: &Settings) -> Result<u8, Failure> {
    let Some(policy) = settings.policy()? else { return Err(no_witness()) };
    let archive = settings.archive().ok();
    for witness in policy.witnesses() {
        let newest = match &archive {
            Some(archive) => witness::newest_by(archive, &witness.key, u64::MAX)?,
            None => None,
        };
        print_witness(witness, newest.map(|(size, _)| size), settings);
    }
    if policy.witnesses().is_empty() && !settings.json {
        remark(settings, "Your policy names no witness.");
    }
    Ok(0)
}

fn print_witness(witness: &PolicyWitness, size: Option<u64>, settings: &Settings) {
    let (name, key, url) = (&witness.name, &witness.key, witness.url.as_ref().map(ToString::to_string));
    if settings.json {
        output::json(&json!({
            "name": name.to_string(),
            "vkey": key.to_string(),
            "kind": key.kind().to_string(),
            "fingerprint": key.fingerprint(),
            "url": url,
            "cosigned": size,
        }));
        return;
    }
    let signed = size.map_or_else(|| "nothing of this log yet".to_owned(), |size| format!("size {size}"));
    output::line(&output::plain(&format!("{name}  {}", url.as_deref().unwrap_or("not asked: no address"))));
    output::line(&format!("  key       {} {}", key.kind(), key.fingerprint()));
    output::line(&format!("  signed    {signed}"));
}

fn ask_now(settings: &Settings) -> Result<u8, Failure> {
    if settings.offline {
        return Err(Failure::new(REFUSED, "a witness cannot be asked without a socket, and --offline forbids it"));
    }
    let archive = settings.archive()?;
    let parties = settings.policy()?.as_ref().map(parties).unwrap_or_default();
    if parties.is_empty() {
        return Err(no_witness());
    }
    let caller = Caller::new().map_err(|error| Failure::of(FAILED, &error))?;
    // By hand means now: those that rest too.
    let pending = witness::state(&archive, &parties)?.pending;
    let due: Vec<Party> = parties.into_iter().filter(|party| pending.contains(&party.url)).collect();
    if due.is_empty() {
        let size = Log::published(&archive)?.0.size();
        if settings.json {
            output::json(&json!({ "size": size, "pending": 0 }));
        }
        remark(settings, &format!("The checkpoint of size {size} is signed by every witness already."));
        return Ok(0);
    }
    Ok(print(&ask(&archive, &due, &caller, now())?, settings))
}

/// Asks, before anything is signed, whether a witness has seen more of the log than the archive holds.
pub(super) fn before_writing(settings: &Settings) -> Result<(), Failure> {
    let Some((archive, policy)) = settings.archive().ok().zip(settings.policy()?) else { return Ok(()) };
    let parties = parties(&policy);
    if parties.is_empty() || Log::published(&archive).is_err() {
        return Ok(()); // Nothing was promised yet; what cannot be read is said by whoever writes.
    }
    if settings.offline {
        remark(
            settings,
            "affiant: --offline: no witness is asked how long it has seen the log; the keyring's memory stands",
        );
        return Ok(());
    }
    let caller = Caller::waiting(WAIT_BEFORE).map_err(|error| Failure::of(FAILED, &error))?;
    let sizes = witness::sizes_seen(&archive, &parties, &caller, now())?;
    for (url, why) in &sizes.silent {
        remark(settings, &format!("affiant: the witness at `{url}` does not say how long it has seen the log: {why}"));
    }
    let Some((url, seen)) = sizes.ahead() else { return Ok(()) };
    let found = format!(
        "the witness at `{url}` has seen this log up to size {seen}, and the archive holds {} entries: nothing is signed, \
         since an older copy was restored, or another log has grown under its name",
        sizes.held
    );
    Err(Failure::new(NO_ARCHIVE, found).try_this(
        "bring the newer archive back, or `affiant restore` a newer backup; take the witness out of `keys/policy` if it lies",
    ))
}

/// Shows a publication to the witnesses of the policy. Whatever becomes of it, what was published is published.
pub(super) fn after_publication(settings: &Settings) {
    let policy = settings.policy().ok().flatten();
    let Some((archive, policy)) = settings.archive().ok().zip(policy) else { return };
    let parties = parties(&policy);
    if parties.is_empty() || settings.offline {
        return;
    }
    let asked = Caller::new()
        .map_err(|error| with_causes(&error))
        .and_then(|caller| catch_up(&archive, &parties, &caller, now()).map_err(|error| with_causes(&error)));
    let witnessed = match asked {
        Ok(witnessed) => witnessed,
        Err(why) => return remark(settings, &format!("affiant: not witnessed yet: {why}")),
    };
    for answer in &witnessed.answers {
        match &answer.outcome {
            Ok(cosigned) => cosigned.iter().for_each(|line| remark(settings, &said(line))),
            Err(error) => {
                remark(settings, &format!("affiant: not witnessed yet at `{}`: {}", answer.url, with_causes(error)));
            }
        }
    }
    for (url, next) in &witnessed.resting {
        remark(settings, &format!("affiant: not witnessed yet: `{url}` is asked again after {}", next.to_second()));
    }
}

fn said(line: &Cosigned) -> String {
    let time = line.time.map(|time| format!(" {}", time.to_second())).unwrap_or_default();
    format!("Witnessed{time} by {}", line.witness.name())
}

fn print(witnessed: &Witnessed, settings: &Settings) -> u8 {
    for answer in &witnessed.answers {
        print_answer(witnessed.size, answer, settings);
    }
    let failed = witnessed.answers.iter().filter(|answer| answer.outcome.is_err()).count();
    match failed {
        0 => 0,
        all if all == witnessed.answers.len() => FAILED,
        _ => IN_PART,
    }
}

fn print_answer(size: u64, answer: &WitnessAnswer, settings: &Settings) {
    let url = &answer.url;
    match &answer.outcome {
        Ok(lines) if settings.json => lines.iter().for_each(|line| output::json(&to_json(size, url, line))),
        Ok(lines) => {
            for line in lines {
                let time = line.time.map_or_else(|| "without a time".to_owned(), |time| time.to_second().to_string());
                output::line(&output::plain(&format!("size {size}  {time}  {}", line.witness.name())));
                output::line(&format!("  file      anchors/{}", line.name));
            }
        }
        Err(error) => {
            if settings.json {
                output::json(&json!({ "size": size, "url": url, "error": with_causes(error) }));
            }
            output::remark(&output::plain(&format!("affiant: not witnessed at `{url}`: {}", with_causes(error))));
        }
    }
}

fn to_json(size: u64, url: &str, line: &Cosigned) -> Json {
    json!({
        "size": size,
        "url": url,
        "witness": line.witness.name().as_str(),
        "kind": line.witness.kind().to_string(),
        "time": line.time.map(|time| time.to_second().to_string()),
        "file": format!("anchors/{}", line.name),
        "sha256": line.sha256.to_string(),
    })
}

fn no_witness() -> Failure {
    Failure::new(WRONG_USE, "your policy names no witness that can be asked")
        .try_this("`affiant witness add URL VKEY` enters one; `affiant witness serve` is one, for others")
}

fn remark(settings: &Settings, text: &str) {
    if !settings.quiet {
        output::remark(&output::plain(text));
    }
}

impl From<WitnessError> for Failure {
    fn from(error: WitnessError) -> Self {
        match error {
            WitnessError::Archive(error) => error.into(),
            WitnessError::Read(error) => error.into(),
            error @ WitnessError::Overtaken { .. } => Self::of(FAILED, &error).try_this("ask once more"),
        }
    }
}
