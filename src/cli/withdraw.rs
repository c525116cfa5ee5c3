//! `affiant withdraw`.

use serde_json::json;

use super::entry::id_of;
use super::failure::{Failure, NO_ARCHIVE, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::append::Appended;
use crate::archivist::init::{Naming, Opened, open_or_create};
use crate::archivist::places::now;
use crate::archivist::read::Log;
use crate::archivist::withdraw::{Plan, Postponed, Records, Sharing, WithdrawOrder, expired, plan, withdraw};
use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::record::Manner;

/// Withdraw content: erase it, or keep it back. A signed record says what, why and by whose authority.
///
/// The entry, its signature and its proofs stay, and say *erased* or *withheld* where the content was. The pages and
/// their renditions go, and whatever else nothing else names. Copies elsewhere are yours to follow up: backups, mirrors,
/// bundles, and the words of quotes.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, each with a meaning of its own")]
#[command(
    after_help = "Examples:\n  affiant withdraw AF-C-000002-n --reason 'erasure asked for, GDPR Art. 17' --authority 'J. Doe, DPO'\n  \
    affiant withdraw --expired --dry-run\n\n\
    Retention rules stand in archive.toml:\n  [[retention]]\n  name = \"terms\"\n  address = \"https://example.com/*\"\n  keep = \"7 years\"\n\n\
    Exit codes: 0 withdrawn, 1 not withdrawn, 7 held."
)]
pub(super) struct Withdraw {
    /// The citation ids of captures, checks and provisions.
    #[arg(value_name = "ID", required_unless_present_any = ["expired", "resume"], conflicts_with_all = ["expired", "resume"])]
    ids: Vec<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["expired", "resume"], conflicts_with_all = ["expired", "resume"])]
    reason: Option<String>,
    /// By whose authority.
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["expired", "resume"])]
    authority: Option<String>,
    /// Only this blob.
    #[arg(long, value_name = "SHA256", conflicts_with_all = ["record", "expired", "resume"])]
    blob: Vec<String>,
    /// The records' own bytes as well: what was asked for, answered and seen.
    #[arg(long, conflicts_with_all = ["expired", "resume"])]
    record: bool,
    /// Keep the bytes apart, in `withheld/`, instead of erasing them.
    #[arg(long, conflicts_with_all = ["expired", "resume"])]
    withhold: bool,
    /// Withdraw pages that other entries name too, of those entries as well.
    #[arg(long, conflicts_with_all = ["expired", "resume"])]
    shared: bool,
    /// Whatever the retention rules of archive.toml no longer keep.
    #[arg(long, conflicts_with = "resume")]
    expired: bool,
    /// Carry out withdrawals that were cut short, looking through all of them.
    #[arg(long)]
    resume: bool,
    /// Say what would be done, and do nothing.
    #[arg(short = 'n', long, conflicts_with = "resume")]
    dry_run: bool,
}

impl Withdraw {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        if self.resume {
            let gone = open(settings)?.appender.carry_out_all()?;
            if settings.json {
                output::json(&json!({ "erased_members": gone }));
            } else {
                output::line(&format!("{gone} blob(s) were still there and are gone; all withdrawals are carried out"));
            }
            return Ok(0);
        }
        if self.expired {
            return self.expired(&log, settings);
        }
        let plan = plan(&log, &self.order(&log)?, settings.progress.as_ref())?;
        self.carry_out(&log, &plan, settings)?;
        Ok(0)
    }

    fn order(&self, log: &Log<'_>) -> Result<WithdrawOrder, Failure> {
        let (Some(reason), Some(authority)) = (self.reason.clone(), self.authority.clone()) else {
            return Err(Failure::new(WRONG_USE, "a withdrawal needs --reason and --authority"));
        };
        if reason.trim().is_empty() || authority.trim().is_empty() {
            return Err(Failure::new(WRONG_USE, "--reason and --authority must say something"));
        }
        let blobs = self.blob.iter().map(|text| text.parse::<Hash>()).collect::<Result<_, _>>();
        Ok(WithdrawOrder {
            ids: self.ids.iter().map(|id| id_of(log, id)).collect::<Result<Vec<Id>, _>>()?,
            blobs: blobs.map_err(|error| Failure::of(WRONG_USE, &error))?,
            records: if self.record { Records::Withdraw } else { Records::Keep },
            manner: if self.withhold { Manner::Withheld } else { Manner::Erased },
            sharing: if self.shared { Sharing::Include } else { Sharing::Refuse },
            reason,
            authority,
            rule: None,
        })
    }

    fn expired(self, log: &Log<'_>, settings: &Settings) -> Result<u8, Failure> {
        if log.archive().settings().retention.is_empty() {
            let failure = Failure::new(WRONG_USE, "archive.toml has no retention rules");
            return Err(failure.try_this("`affiant withdraw --help` shows one"));
        }
        let authority = self.authority.as_deref().unwrap_or("the archive's retention rules");
        let found = expired(log, authority, now(), settings.progress.as_ref())?;
        for postponed in &found.postponed {
            print_postponed(log, postponed, settings)?;
        }
        if found.plans.is_empty() && !settings.json {
            output::line("nothing has expired that can go");
        }
        for (_, plan) in found.plans {
            self.carry_out(log, &plan, settings)?;
        }
        Ok(0)
    }

    fn carry_out(&self, log: &Log<'_>, plan: &Plan, settings: &Settings) -> Result<(), Failure> {
        if self.dry_run {
            print(log, plan, None, settings);
            return Ok(());
        }
        let appended = withdraw(&mut open(settings)?.appender, plan.clone(), now())?;
        print(log, plan, Some(&appended), settings);
        super::publication::after(settings);
        Ok(())
    }
}

/// Opens the archive for appending.
pub(super) fn open(settings: &Settings) -> Result<Opened, Failure> {
    if !settings.keyring().has_secrets() {
        let message = format!("no keys in `{}` to sign with", settings.places.keys.display());
        return Err(Failure::new(NO_ARCHIVE, message).try_this("name the keyring with --keys"));
    }
    let (passphrase, progress) = (settings.passphrase()?, settings.progress.as_ref());
    super::publication::before(settings)?;
    Ok(open_or_create(&settings.places, &Naming::default(), passphrase.as_ref(), now(), progress)?)
}

fn print(log: &Log<'_>, plan: &Plan, appended: Option<&Appended>, settings: &Settings) {
    let withdrawal = &plan.withdrawal;
    let prefix = &log.archive().settings().prefix;
    let ids: Vec<String> = withdrawal
        .entries
        .iter()
        .map(|entry| {
            log.entry(entry.index).map_or_else(|_| format!("entry {}", entry.index), |entry| entry.id.to_string())
        })
        .collect();
    let texts = |ids: &[Id]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    if settings.json {
        output::json(&json!({
            "id": appended.map(|appended| appended.record.id(prefix).to_string()),
            "manner": withdrawal.manner.as_str(),
            "rule": withdrawal.rule,
            "entries": ids,
            "blobs": withdrawal.hashes().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "size": plan.size_bytes,
            "kept": plan.kept.iter().map(|(blob, other)| json!({"sha256": blob.to_string(), "named_by": other.to_string()})).collect::<Vec<_>>(),
            "included": texts(&plan.included),
            "quoted_by": texts(&plan.quoted_by),
        }));
        return;
    }
    let would = if appended.is_some() { "" } else { "would be " };
    let id = appended.map_or_else(|| "dry run".to_owned(), |appended| appended.id.to_string());
    let (manner, count) = (withdrawal.manner.as_str(), withdrawal.hashes().len());
    output::line(&format!("{id}  {would}{manner}: {count} blob(s), {} bytes", plan.size_bytes));
    output::line(&format!("  of        {}", ids.join(", ")));
    if let Some(rule) = &withdrawal.rule {
        output::line(&output::plain(&format!("  rule      {rule}")));
    }
    for other in &plan.included {
        output::line(&format!("  also of   {other}, which names a blob of them too"));
    }
    if settings.quiet {
        return;
    }
    for (blob, other) in &plan.kept {
        output::remark(&format!("affiant: {blob} stays, because {other} names it too"));
    }
    for quote in &plan.quoted_by {
        output::remark(&format!("affiant: {quote} quotes what was withdrawn, and keeps its words"));
    }
}

fn print_postponed(log: &Log<'_>, postponed: &Postponed, settings: &Settings) -> Result<(), Failure> {
    let hold = postponed.hold.map(|hold| Ok::<_, Failure>(log.entry(hold)?.id.to_string())).transpose()?;
    if settings.json {
        output::json(&json!({ "postponed": postponed.id.to_string(), "hold": hold }));
    } else {
        let why = hold.map_or_else(
            || "another visit that is kept names what it names".to_owned(),
            |hold| format!("held by {hold}"),
        );
        output::line(&format!("{}  stays: {why}", postponed.id));
    }
    Ok(())
}
