//! `affiant verify`.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::calendars::open_node;
use super::failure::{FAILED, Failure, REFUSED, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::audit::Known;
use crate::archivist::fork;
use crate::archivist::places::{Places, now};
use crate::archivist::read::Log;
use crate::archivist::verify::{
    ArchiveSource, LaterError, LaterLog, learn_blocks, learn_blocks_of_bundle, verify_archive, verify_bundle,
    verify_record,
};
use crate::archivist::verify_loose::{LooseOrder, fork_between, verify_loose};
use crate::archivist::verify_scan::verify_scan;
use crate::base::causes::with_causes;
use crate::base::id::Id;
use crate::evidence::verify::{Report, Trust, Verdict, report};
use crate::log::policy::{Policy, PolicyLog};
use crate::log::vkey::VerifierKey;
use crate::timestamp::authorities::Authorities;
use crate::timestamp::opentimestamps::blocks::Blocks;

/// Check a bundle, a record of the archive, or proof files that anyone made.
///
/// Trust comes from your policy: `keys/policy`, another with --policy, or single keys with --trust. Without a key that
/// you trust the verdict is `cannot-tell`, whatever the bundle says of itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Verdicts: verified, verified-with-gaps (exit 0), failed (3), cannot-tell (4).\n\n\
    Examples:\n  affiant verify privacy-policy.zip\n  affiant verify privacy-policy.zip --trust \"$(cat their.vkey)\"\n  affiant verify AF-C-000002-n --json")]
pub(super) struct Verify {
    /// A bundle (ZIP or unpacked folder), an archive's folder, a citation id, or proof files that belong together: a
    /// signed note; a tlog-proof with its entry; a statement with its receipt; a fork proof.
    #[arg(value_name = "WHAT", required = true)]
    what: Vec<PathBuf>,
    /// A policy to go by, in place of the keyring's.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A log's key to trust besides.
    #[arg(long, value_name = "VKEY")]
    trust: Vec<String>,
    /// Roots of timestamp authorities to trust besides those in `keys/authorities` (PEM or DER).
    #[arg(long, value_name = "FILE")]
    authority: Vec<PathBuf>,
    /// Roots to trust to say who an organisation is, besides those in `keys/organisations` (PEM or DER).
    #[arg(long, value_name = "FILE")]
    organisation: Vec<PathBuf>,
    /// Blocks of Bitcoin that you know, besides those in `keys/blocks`: lines of a height and the block's hash or header.
    #[arg(long, value_name = "FILE")]
    blocks: Vec<PathBuf>,
    /// A Bitcoin node to ask for the blocks that are named, as `http://name:password@127.0.0.1:8332`.
    #[arg(long, value_name = "URL", env = "AFFIANT_BITCOIN_NODE", hide_env_values = true)]
    bitcoin_node: Option<String>,
    /// A later state of the same log, an archive's folder or a newer bundle: whether a key was distrusted since, and whether
    /// this is the log's past, is judged by it.
    #[arg(long, value_name = "PATH")]
    later: Option<PathBuf>,
    /// For proof files: a file with the public key of who signed the statement (PEM, OpenSSH).
    #[arg(long, value_name = "FILE")]
    issuer_key: Vec<PathBuf>,
    /// For proof files: a file with the public key of the log (PEM, OpenSSH, vkey).
    #[arg(long, value_name = "FILE")]
    log_key: Vec<PathBuf>,
    /// Read pictures of printed pages (PNG, JPEG): what their QR symbols hold is verified.
    #[arg(long)]
    scan: bool,
    /// For checkpoints: where two of one log and size have different roots, write the proof of it to this file.
    #[arg(long, value_name = "FILE")]
    fork_proof: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let policy = policy(self.policy.as_deref(), &self.trust, settings)?;
        let authorities = authorities(&self.authority, settings)?;
        let organisations = organisations(&self.organisation, settings)?;
        let endorsements = settings.keyring().endorsements()?;
        let base = Trust { organisations: Some(&organisations), endorsements: &endorsements, ..Trust::default() };
        if self.scan {
            let blocks = blocks(&self.blocks, settings)?;
            let (policy, authorities, blocks) = (policy.as_ref(), Some(&authorities), Some(&blocks));
            let trust = Trust { policy, authorities, blocks, ..base };
            let reports = verify_scan(&self.what, trust, now()).map_err(|error| {
                Failure::of(FAILED, &error).try_this("scan each page straight, at 300 dpi or more, in grey")
            })?;
            return Ok(print_all(&reports, settings).exit_code());
        }
        if self.what.iter().all(|path| is_loose(path)) {
            let vkeys = self.trust.iter().map(|text| vkey(text)).collect::<Result<_, _>>()?;
            if let Some(target) = &self.fork_proof {
                prove_fork(&self.what, target)?;
            }
            let (files, issuer_keys, log_keys) = (self.what, self.issuer_key, self.log_key);
            let order = LooseOrder { files, issuer_keys, log_keys, vkeys, policy, authorities };
            let report = verify_loose(&order, now()).map_err(|error| Failure::of(FAILED, &error))?;
            print(&report, settings);
            return Ok(report.verdict.exit_code());
        }
        let mut blocks = blocks(&self.blocks, settings)?;
        for what in &self.what {
            if let Some(url) = &self.bitcoin_node {
                learn(what, url, &mut blocks, settings)?;
            }
        }
        let (policy, authorities, blocks) = (policy.as_ref(), Some(&authorities), Some(&blocks));
        let trust = Trust { policy, authorities, blocks, ..base };
        let Some(later) = &self.later else { return verify_all(&self.what, trust, settings) };
        let unusable = |error: LaterError| {
            Failure::new(FAILED, format!("cannot go by `{}`: {}", later.display(), with_causes(&error))).try_this(
                "name an archive's folder or a bundle of the same log that `affiant verify` verifies by itself",
            )
        };
        let opened = LaterLog::open(later).map_err(unusable)?;
        opened.with(trust, |trust| verify_all(&self.what, trust, settings)).map_err(unusable)?
    }
}

fn verify_all(what: &[PathBuf], trust: Trust<'_>, settings: &Settings) -> Result<u8, Failure> {
    let mut worst = Verdict::Verified;
    for what in what {
        worst = worst.max(print_all(&verify(what, trust, settings)?, settings));
    }
    Ok(worst.exit_code())
}

/// Prints reports, and returns the worst of their verdicts.
fn print_all(reports: &[Report], settings: &Settings) -> Verdict {
    for report in reports {
        print(report, settings);
    }
    reports.iter().map(|report| report.verdict).max().unwrap_or(Verdict::CannotTell)
}

/// Verifies a bundle, an archive or a record: a report for each subject.
pub(super) fn verify(what: &Path, trust: Trust<'_>, settings: &Settings) -> Result<Vec<Report>, Failure> {
    if what.join("archive.toml").exists() {
        let authorities = trust.authorities.cloned().unwrap_or_default();
        let blocks = trust.blocks.cloned().unwrap_or_default();
        let organisations = trust.organisations.cloned().unwrap_or_default();
        let policy = trust.policy.cloned();
        let known = Known { policy, authorities, organisations, blocks, ..Known::of(&settings.keyring())? };
        let archive = Places { archive: what.to_owned(), ..settings.places.clone() }.open_archive()?;
        return Ok(vec![verify_archive(&archive, &known, now(), settings.progress.as_ref())?]);
    }
    if what.exists() {
        return Ok(verify_bundle(what, trust, now())?);
    }
    let text = what.to_string_lossy();
    if Id::parse(&text).is_err() {
        let message = format!("`{text}` is neither a file nor a citation id such as `AF-C-000042-r`");
        return Err(Failure::new(WRONG_USE, message).try_this("name a bundle, or an id that `affiant list` shows"));
    }
    let archive = settings.archive()?;
    let (log, _) = Log::published(&archive)?;
    let id = super::entry::id_of(&log, &text)?;
    Ok(vec![verify_record(&archive, &id, trust, now())?])
}

/// Writes the proof that two of the files contradict one another.
fn prove_fork(files: &[PathBuf], target: &Path) -> Result<(), Failure> {
    let found = fork_between(files).map_err(|error| Failure::of(FAILED, &error))?;
    let Some(proof) = found else {
        return Err(Failure::new(FAILED, "no two of these checkpoints contradict one another"));
    };
    fork::write(target, &proof).map_err(|error| Failure::of(FAILED, &error))?;
    output::remark(&format!("`{}` proves that the log `{}` has forked", target.display(), proof.origin()));
    Ok(())
}

/// Says whether a path is a file that is no ZIP: whether it is a proof, its content says.
fn is_loose(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    path.is_file() && (read.is_err() || start != *b"PK")
}

fn vkey(text: &str) -> Result<VerifierKey, Failure> {
    VerifierKey::parse(text.trim()).map_err(|error| {
        Failure::of(WRONG_USE, &error).try_this("--trust takes a vkey, as `affiant key export log --as vkey` prints it")
    })
}

/// Returns which timestamp authorities are trusted: the keyring's, and those of single files besides.
pub(super) fn authorities(files: &[PathBuf], settings: &Settings) -> Result<Authorities, Failure> {
    with_files(settings.keyring().authorities()?, files)
}

/// Returns who may say which organisation somebody is: the keyring's, and those of single files besides.
fn organisations(files: &[PathBuf], settings: &Settings) -> Result<Authorities, Failure> {
    with_files(settings.keyring().organisations()?, files)
}

fn with_files(mut authorities: Authorities, files: &[PathBuf]) -> Result<Authorities, Failure> {
    for path in files {
        let unusable = |error: &dyn std::error::Error| {
            Failure::new(WRONG_USE, format!("cannot use `{}`: {}", path.display(), with_causes(error)))
        };
        let bytes = fs::read(path).map_err(|error| unusable(&error))?;
        authorities.add_file(&bytes).map_err(|error| unusable(&error))?;
    }
    Ok(authorities)
}

/// Returns which blocks are known: the keyring's, and those of single files besides.
fn blocks(files: &[PathBuf], settings: &Settings) -> Result<Blocks, Failure> {
    let mut blocks = settings.keyring().blocks()?;
    for path in files {
        let unusable = |error: &dyn std::error::Error| {
            Failure::new(WRONG_USE, format!("cannot use `{}`: {}", path.display(), with_causes(error)))
        };
        let text = fs::read_to_string(path).map_err(|error| unusable(&error))?;
        blocks.add_file(&text).map_err(|error| unusable(&error))?;
    }
    Ok(blocks)
}

/// Asks a node for the blocks that are named and not known.
fn learn(what: &Path, url: &str, blocks: &mut Blocks, settings: &Settings) -> Result<(), Failure> {
    if settings.offline {
        return Err(Failure::new(REFUSED, "a node cannot be asked without a socket, and --offline forbids it"));
    }
    let node = open_node(url)?;
    let learnt = if what.join("archive.toml").exists() {
        let archive = Places { archive: what.to_owned(), ..settings.places.clone() }.open_archive()?;
        learn_blocks(&ArchiveSource::published(&archive)?, 0, 0, &node, blocks)
    } else if what.exists() {
        learn_blocks_of_bundle(what, &node, blocks)
    } else {
        let archive = settings.archive()?;
        let (log, _) = Log::published(&archive)?;
        let id = super::entry::id_of(&log, &what.to_string_lossy())?;
        let named = log.entry(id.index).map_or(0, |entry| entry.record.after.size);
        learn_blocks(&ArchiveSource::published(&archive)?, id.index, named, &node, blocks)
    };
    learnt.map_err(|error| Failure::of(FAILED, &error))
}

/// Returns whose word is enough: a policy file, with single keys besides.
pub(super) fn policy(file: Option<&Path>, trust: &[String], settings: &Settings) -> Result<Option<Policy>, Failure> {
    let mut policy = match file {
        None => settings.policy()?,
        Some(path) => {
            let unusable = |error: &dyn std::error::Error| {
                Failure::new(WRONG_USE, format!("cannot use `{}`: {}", path.display(), with_causes(error)))
            };
            let bytes = fs::read(path).map_err(|error| unusable(&error))?;
            Some(Policy::parse(&bytes).map_err(|error| unusable(&error))?)
        }
    };
    for text in trust {
        let key = vkey(text)?;
        policy = Some(match policy {
            None => Policy::trusting(vec![key]).map_err(|error| Failure::of(WRONG_USE, &error))?,
            Some(policy) if policy.logs().iter().any(|log| log.key == key) => policy,
            Some(policy) => {
                policy.with_log(PolicyLog { key, url: None }).map_err(|error| Failure::of(WRONG_USE, &error))?
            }
        });
    }
    Ok(policy)
}

fn print(found: &Report, settings: &Settings) {
    if settings.json {
        output::json(&found.to_json());
    } else if settings.quiet {
        output::line(&format!("{}  {}", found.verdict, output::plain(&found.subject.id)));
    } else {
        output::line(output::plain(&report::to_text(found)).trim_end());
    }
}
