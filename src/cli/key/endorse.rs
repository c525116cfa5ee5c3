//! `affiant key endorse`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::archivist::endorse::{EndorseError, endorse};
use crate::archivist::places::now;
use crate::cli::failure::{FAILED, Failure, WRONG_USE};
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::evidence::endorsement::{EndorsementError, SIZE_BYTES_MAX};
use crate::evidence::verify::finding::Outcome;

/// An organisation vouches for the log's keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant key export all --as endorsement > keys.txt\n  \
    openssl cms -sign -binary -nodetach -in keys.txt -signer organisation.pem -inkey organisation.key -certfile chain.pem -outform DER -out keys.cms\n  \
    affiant key endorse keys.cms")]
pub(super) struct Endorse {
    /// The signature (CMS in DER or PEM) over what `affiant key export all --as endorsement` prints.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What was signed, where it does not lie in the signature.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
}

impl Endorse {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let file = read(&self.file)?;
        let text = self.text.as_deref().map(read).transpose()?;
        let (kept, judged) = endorse(&settings.places, &file, text.as_deref(), now())?;
        let path = settings.places.keys.join("endorsements").join(format!("{}.cms", kept.name));
        if settings.json {
            output::json(
                &json!({ "path": path, "by": judged.by, "result": judged.outcome.as_str(), "found": judged.found }),
            );
            return Ok(0);
        }
        output::line(&format!("{}  {}", path.display(), output::plain(&judged.by)));
        output::line(&format!("  {}", output::plain(&judged.found)));
        if judged.outcome != Outcome::Holds && !settings.quiet {
            output::remark(
                "Readers who know the root put it into `keys/organisations`, or name it: `affiant verify --organisation ROOT.pem`.",
            );
        }
        Ok(0)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unusable = |why: String| Failure::new(WRONG_USE, format!("cannot use `{}`: {why}", path.display()));
    let size = fs::metadata(path).map_err(|error| unusable(error.to_string()))?.len();
    // In PEM it has a third more, and lines.
    if size > 2 * u64::try_from(SIZE_BYTES_MAX).unwrap_or(u64::MAX) {
        return Err(unusable(format!("{size} bytes are more than an endorsement has")));
    }
    fs::read(path).map_err(|error| unusable(error.to_string()))
}

impl From<EndorseError> for Failure {
    fn from(error: EndorseError) -> Self {
        match error {
            EndorseError::Archive(error) => error.into(),
            EndorseError::Keys(error) => error.into(),
            EndorseError::Read(error) => error.into(),
            EndorseError::OtherLog { .. } | EndorseError::Refused { .. } => Self::of(FAILED, &error)
                .try_this("`affiant key export all --as endorsement` prints what is to be signed"),
            EndorseError::Endorsement(EndorsementError::NoText) => Self::of(FAILED, &error).try_this("--text FILE"),
            EndorseError::Endorsement(_) | EndorseError::Origin(_) => Self::of(FAILED, &error),
        }
    }
}
