//! `affiant key rotate`, `retire`, `distrust` and `history`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::archivist::keys::{ChangeError, Changed, KeyAuthority, KeyOrder, Overlap, Which, change};
use crate::archivist::places::now;
use crate::archivist::read::Log;
use crate::base::causes::with_causes;
use crate::base::id::Id;
use crate::cli::failure::{FAILED, Failure, NO_ARCHIVE, WRONG_USE};
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::evidence::record::{Change, KeyAct, KeyPurpose, NamedKey};
use crate::evidence::succession::{Recovery, Tenure};
use crate::log::key::Ed25519PublicKey;

/// New keys take over.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// Which: `archive` signs statements and seals, `log` checkpoints; `recovery` is kept offline, and takes over by the word
    /// of the one before it (--recovery).
    #[arg(value_parser = ["archive", "log", "all", "recovery"])]
    which: String,
    /// End the log's old keys at once, in place of letting both sign until `key retire`.
    #[arg(long)]
    no_overlap: bool,
    /// The new key is one that the running ssh-agent has (`SSH_AUTH_SOCK`): a file with its public half, as `ssh-add -L`
    /// prints it. Ed25519 only; the log's ML-DSA-44 key stays in a file.
    #[arg(long, value_name = "FILE")]
    agent_key: Option<PathBuf>,
    #[command(flatten)]
    authority: Authority,
}

/// The log's former keys end.
#[derive(Debug, clap::Args)]
pub(super) struct Retire {
    #[command(flatten)]
    authority: Authority,
}

/// A key is not believed from an entry on.
#[derive(Debug, clap::Args)]
pub(super) struct Distrust {
    /// Which: `archive`, `log`, or the fingerprint of any key that the log names.
    #[arg(value_name = "KEY")]
    key: String,
    /// The first entry that the key does not vouch for: its number, or its citation id.
    #[arg(long, value_name = "INDEX")]
    from: String,
    #[command(flatten)]
    authority: Authority,
}

/// By whose authority, and why.
#[derive(Debug, clap::Args)]
struct Authority {
    /// The recovery key, where the old one is lost or stolen.
    #[arg(long, value_name = "FILE")]
    recovery: Option<PathBuf>,
    /// Why. It stands in the log for everybody to read.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Rotate {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let which = match self.which.as_str() {
            "archive" => Which::Statement,
            "log" => Which::Log,
            "recovery" => Which::Recovery,
            _ => Which::All,
        };
        if matches!(which, Which::All | Which::Recovery) && self.agent_key.is_some() {
            let message = "an agent's key takes over one purpose: statements or checkpoints";
            return Err(Failure::new(WRONG_USE, message).try_this("rotate `archive` and `log` one after the other"));
        }
        let overlap = if self.no_overlap { Overlap::None } else { Overlap::UntilRetired };
        let agent_key = self.agent_key.as_deref().map(read_public).transpose()?;
        run(&KeyOrder::Rotate { which, overlap }, self.authority, agent_key, settings)
    }
}

impl Retire {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        run(&KeyOrder::Retire, self.authority, None, settings)
    }
}

impl Distrust {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let from = match (self.from.parse::<u64>(), Id::parse(&self.from)) {
            (Ok(index), _) => index,
            (_, Ok((id, _))) => id.index,
            _ => {
                let message = format!("`{}` is neither the number nor the citation id of an entry", self.from);
                return Err(Failure::new(WRONG_USE, message).try_this("`affiant list` shows what there is"));
            }
        };
        run(&KeyOrder::Distrust { key: self.key, from }, self.authority, None, settings)
    }
}

/// Reads a line as OpenSSH writes it.
fn read_public(path: &Path) -> Result<Ed25519PublicKey, Failure> {
    let unusable = |error: &dyn std::error::Error| {
        Failure::new(WRONG_USE, format!("cannot use `{}`: {}", path.display(), with_causes(error)))
            .try_this("`ssh-add -L` prints the agent's keys; put the line of an ssh-ed25519 key into a file")
    };
    let text = fs::read_to_string(path).map_err(|error| unusable(&error))?;
    Ed25519PublicKey::from_openssh(text.trim()).map_err(|error| unusable(&error))
}

fn run(
    order: &KeyOrder,
    authority: Authority,
    agent_key: Option<Ed25519PublicKey>,
    settings: &Settings,
) -> Result<u8, Failure> {
    if authority.reason.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Failure::new(WRONG_USE, "--reason must say something"));
    }
    let authority = KeyAuthority { recovery: authority.recovery, reason: authority.reason, agent_key };
    let passphrase = settings.passphrase()?;
    let moment = (now(), settings.progress.as_ref());
    let made = change(&settings.places, order, &authority, passphrase.as_ref(), moment)?;
    print(&made, settings);
    Ok(0)
}

fn print(made: &Changed, settings: &Settings) {
    let id = made.record.id.to_string();
    if settings.json {
        let changes: Vec<Json> = made.changes.iter().map(to_json).collect();
        return output::json(&json!({ "id": id, "index": made.record.record.index, "changes": changes }));
    }
    output::line(&format!("{id}  the keys have changed"));
    for line in change_lines(&made.changes) {
        output::line(&format!("  {line}"));
    }
    if settings.quiet {
        return;
    }
    if made.changes.iter().any(|one| one.key.purpose == KeyPurpose::Recovery) {
        crate::cli::init::announce_recovery_key(settings);
        output::remark("affiant: the recovery key before it counts no more; destroy its copies");
    }
    let is_log = |one: &&Change| one.key.purpose == KeyPurpose::Checkpoint;
    let acts: Vec<KeyAct> = made.changes.iter().filter(is_log).map(|one| one.act).collect();
    if acts.contains(&KeyAct::Add) {
        output::remark(
            "affiant: readers know the log by its key: give them the new one, `affiant key export log --as vkey`",
        );
    }
    if acts.contains(&KeyAct::Add) && !acts.iter().any(|act| *act != KeyAct::Add) {
        output::remark("affiant: both sign until `affiant key retire`");
    }
}

fn to_json(change: &Change) -> Json {
    let mut object = json!({
        "act": change.act.as_str(),
        "purpose": change.key.purpose.as_str(),
        "algorithm": change.key.algorithm,
        "fingerprint": change.key.fingerprint(),
    });
    if let KeyAct::Distrust { from } = change.act {
        object["from"] = from.into();
    }
    object
}

/// Says in words what becomes of each key.
pub(in crate::cli) fn change_lines(changes: &[Change]) -> Vec<String> {
    let line = |one: &Change| {
        let key = &one.key;
        let from = match one.act {
            KeyAct::Distrust { from } => format!(" from entry {from}"),
            _ => String::new(),
        };
        format!("{} {} {} {}{from}", one.act.as_str(), key.purpose.as_str(), key.algorithm, key.fingerprint())
    };
    changes.iter().map(line).collect()
}

/// Lists every key that the log names.
pub(super) fn history(settings: &Settings) -> Result<u8, Failure> {
    let archive = settings.archive()?;
    let (log, _) = Log::published(&archive)?;
    let succession = log.succession()?;
    for Tenure { key, added, retired, distrusted, .. } in succession.tenures() {
        let NamedKey { purpose, algorithm, .. } = key;
        if settings.json {
            output::json(&json!({
                "purpose": purpose.as_str(), "algorithm": algorithm, "fingerprint": key.fingerprint(), "added": added,
                "retired": retired, "distrusted_from": distrusted.map(|distrust| distrust.from),
            }));
            continue;
        }
        let until = retired.map_or_else(|| "on".to_owned(), |retired| format!("to {}", retired - 1));
        let distrusted = distrusted.map_or_else(String::new, |one| format!(", distrusted from {}", one.from));
        let (purpose, span) = (purpose.as_str(), format!("entry {added} {until}{distrusted}"));
        output::line(&format!("{purpose:<10} {algorithm:<10} {} {span}", key.fingerprint()));
    }
    for Recovery { sha256, key, added } in succession.recoveries() {
        let fingerprint = key.as_ref().map(NamedKey::fingerprint);
        if settings.json {
            let sha256 = sha256.to_string();
            output::json(
                &json!({ "purpose": "recovery", "sha256": sha256, "fingerprint": fingerprint, "added": added }),
            );
            continue;
        }
        let named = fingerprint.unwrap_or_else(|| format!("SHA-256 {sha256}"));
        output::line(&format!("{:<10} {:<10} {named} entry {added} on, until another", "recovery", "ed25519"));
    }
    Ok(0)
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Append(error) => error.into(),
            ChangeError::Archive(error) => error.into(),
            ChangeError::Keys(error) => error.into(),
            ChangeError::From { .. } | ChangeError::UnknownKey { .. } => {
                Self::of(WRONG_USE, &error).try_this("`affiant key history` lists the keys with their entries")
            }
            ChangeError::NoRecoveryKey => {
                Self::of(WRONG_USE, &error).try_this("--recovery FILE, from where it is kept")
            }
            ChangeError::OtherRecoveryKey { .. } => Self::of(NO_ARCHIVE, &error)
                .try_this("`affiant key list` has its fingerprint; `ssh-keygen -lf recovery.pub` prints another's"),
            ChangeError::Checkpoint(_) | ChangeError::NoLog | ChangeError::NothingToRetire => Self::of(FAILED, &error),
        }
    }
}
