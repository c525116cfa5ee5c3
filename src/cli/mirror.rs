//! `affiant mirror`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::backup;
use super::failure::{Failure, WRONG_USE};
use super::output;
use super::settings::Settings;
use super::verify::policy;

use crate::archivist::mirror::mirror;
use crate::archivist::places::now;

/// Follow another archive with a copy, by the keys that you trust.
///
/// Each new checkpoint must be signed by a log key of your policy, and the log must only have grown. A source that shows
/// another history is refused; where two checkpoints contradict one another a fork proof is kept in the mirror's folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant mirror /mnt/theirs/archive mirror --trust \"$(cat their.vkey)\"\n  \
    affiant mirror /mnt/theirs/archive mirror --every 600\n\n\
    Exit codes: 0 followed, 3 the source contradicts the mirror, 4 no key that you trust has signed, 5 followed, and\n\
    something in the source is damaged.")]
pub(super) struct Mirror {
    /// The folder of the archive to follow.
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// The mirror's folder, made if it is not there.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Look once [default].
    #[arg(long, conflicts_with = "every")]
    once: bool,
    /// Look every so many seconds, until the source contradicts the mirror or somebody ends it.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    every: Option<u64>,
    /// A policy to go by, in place of the keyring's.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A log's key to trust besides.
    #[arg(long, value_name = "VKEY")]
    trust: Vec<String>,
}

impl Mirror {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let Some(policy) = policy(self.policy.as_deref(), &self.trust, settings)? else {
            return Err(Failure::new(WRONG_USE, "no policy says whose word on the source is enough")
                .try_this("--trust VKEY names the log's key; `affiant key export log --as vkey` prints it there"));
        };
        let follow = |source: &Path| mirror(source, &self.folder, &policy, now(), settings.progress.as_ref());
        let mut before = None;
        loop {
            let code = match (follow(&self.source), self.every) {
                (Ok(done), _) if before.replace(done.entries) == Some(done.entries) => 0,
                (Ok(done), _) => backup::print(&done, &format!("mirror in `{}`", self.folder.display()), settings),
                (Err(error), Some(_)) if !error.is_contradiction() => {
                    // The disk may be back, or the writer done, when it looks again.
                    let failure = Failure::from(error);
                    output::remark(&format!("affiant: {}", output::plain(&failure.message)));
                    failure.code
                }
                (Err(error), _) => return Err(error.into()),
            };
            let Some(seconds) = self.every else { return Ok(code) };
            std::thread::sleep(Duration::from_secs(seconds));
        }
    }
}
