//! `affiant renew`.

use serde_json::json;

use super::failure::{FAILED, Failure, IN_PART, REFUSED, WRONG_USE};
use super::output;
use super::settings::Settings;
use super::withdraw::open;

use crate::archivist::places::now;
use crate::archivist::renew::{RenewError, Renewed, renew};
use crate::archivist::timestamp::TimestampError;
use crate::base::causes::with_causes;
use crate::outside::authority::Asker;
use crate::outside::caller::check_address;

/// Hash everything that is held anew with SHA-512, and have that dated, before certificates end or algorithms age.
///
/// A token that a renewal covers goes on holding whatever becomes of its certificate and key afterwards. `affiant doctor`
/// says when it is time. Every byte of the archive is read once. Without --authority, those are asked that `archive.toml`
/// names.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant renew\n  affiant renew --authority https://freetsa.org/tsr")]
pub(super) struct Renew {
    /// An authority's address; give it again for another.
    #[arg(long, value_name = "URL")]
    authority: Vec<String>,
}

impl Renew {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        if settings.offline {
            return Err(Failure::new(
                REFUSED,
                "an authority cannot be asked without a socket, and --offline forbids it",
            ));
        }
        for url in &self.authority {
            check_address(url).map_err(|error| Failure::of(WRONG_USE, &error))?;
        }
        let archive = settings.archive()?;
        let urls = if self.authority.is_empty() { &archive.settings().authorities } else { &self.authority };
        if urls.is_empty() {
            return Err(Failure::of(WRONG_USE, &TimestampError::NoAuthority)
                .try_this("--authority https://freetsa.org/tsr, or `affiant timestamp --authority URL --remember`"));
        }
        // The log commits to what is held first, so that what it commits to is covered too.
        open(settings)?.appender.publish_anchors(now())?;
        let trusted = settings.keyring().authorities()?;
        let asker = Asker::new().map_err(|error| Failure::of(FAILED, &error))?;
        let renewed = renew(&archive, urls, &trusted, &asker, settings.progress.as_ref())?;
        print(&renewed, settings);
        let failed = renewed.answers.iter().filter(|(_, answer)| answer.is_err()).count();
        super::publication::after(settings);
        Ok(match failed {
            0 => 0,
            all if all == renewed.answers.len() => FAILED,
            _ => IN_PART,
        })
    }
}

fn print(renewed: &Renewed, settings: &Settings) {
    let Renewed { size, anchor_files, long_hash, .. } = renewed;
    for (url, answer) in &renewed.answers {
        match (answer, settings.json) {
            (Ok(anchored), true) => output::json(&json!({
                "size": size,
                "anchor_files": anchor_files,
                "sha512": long_hash.to_string(),
                "url": url,
                "time": anchored.time.to_string(),
                "authority": anchored.authority,
                "root": anchored.root,
                "ends": anchored.ends.map(|ends| ends.to_string()),
                "file": format!("anchors/{}", anchored.name),
                "sha256": anchored.sha256.to_string(),
            })),
            (Ok(anchored), false) => {
                let covered = format!("{size} entries and {anchor_files} files of anchors");
                output::line(&output::plain(&format!("renewed {}  {}", anchored.time, anchored.authority)));
                output::line(&format!("  covers    {covered}"));
                output::line(&format!("  file      anchors/{}", anchored.name));
            }
            (Err(error), as_json) => {
                if as_json {
                    output::json(&json!({ "size": size, "url": url, "error": with_causes(error) }));
                }
                output::remark(&output::plain(&format!("affiant: not renewed by `{url}`: {}", with_causes(error))));
            }
        }
    }
}

impl From<RenewError> for Failure {
    fn from(error: RenewError) -> Self {
        match error {
            RenewError::Archive(error) => error.into(),
            RenewError::Read(error) => error.into(),
            RenewError::Timestamp(error) => error.into(),
            RenewError::Already { .. } => Self::of(FAILED, &error).try_this("renew again when the log has grown"),
            error @ RenewError::Blob { .. } => {
                Self::of(FAILED, &error).try_this("`affiant audit` names everything that is damaged; heal it first")
            }
        }
    }
}
