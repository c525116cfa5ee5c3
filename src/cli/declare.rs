//! `affiant declare`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::bundle::note_taken;
use super::failure::{FAILED, Failure, WRONG_USE};
use super::output;
use super::settings::Settings;
use super::verify::{authorities, policy, verify};

use crate::archivist::custody::Taken;
use crate::archivist::declare::{DeclareError, Writing, declare};
use crate::base::id::Id;
use crate::evidence::declaration::Form;
use crate::evidence::verify::{Trust, Verdict};
use crate::outside::archive::durable::{Existing, Passing};

/// Draft what people may sign about records, from what the checks come to.
///
/// A draft has two statements, the operator's about how the records were made and another's about the copy, a notice, the
/// records, the checks, and what the other side will ask. Nothing is signed, and everything that only a person can know is blank.
/// Nothing of it is legal advice: have counsel compare the wording with the law in force.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  affiant declare privacy-policy.zip --form us-902-13-14 -o declaration.docx --format docx\n  \
    affiant declare AF-C-000002-n --form uk-truth"
)]
pub(super) struct Declare {
    /// A bundle (ZIP or unpacked folder), or a citation id of the archive.
    #[arg(value_name = "BUNDLE|ID")]
    what: PathBuf,
    /// Whose rules: `us-902-13-14`, `uk-truth`, `in-bsa-63` or `eu`.
    #[arg(long, value_name = "FORM", value_parser = form)]
    form: Form,
    /// `md` or `docx`.
    #[arg(long, value_name = "FORMAT", default_value = "md", value_parser = writing)]
    format: Writing,
    /// The file to make [default: standard output, for Markdown].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that lies there already.
    #[arg(long)]
    force: bool,
}

fn form(text: &str) -> Result<Form, String> {
    let names = Form::ALL.map(Form::as_str).join("`, `");
    Form::ALL.into_iter().find(|form| form.as_str() == text).ok_or_else(|| format!("the forms are `{names}`"))
}

fn writing(text: &str) -> Result<Writing, String> {
    match text {
        "docx" => Ok(Writing::Docx),
        "md" => Ok(Writing::Markdown),
        _ => Err("the formats are `md` and `docx`".to_owned()),
    }
}

impl Declare {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        if self.output.is_none() && (self.format == Writing::Docx || settings.json) {
            return Err(Failure::new(WRONG_USE, "a document needs a file").try_this("name one with -o FILE"));
        }
        let policy = policy(None, &[], settings)?;
        let authorities = authorities(&[], settings)?;
        let blocks = settings.keyring().blocks()?;
        let (policy, authorities, blocks) = (policy.as_ref(), Some(&authorities), Some(&blocks));
        let trust = Trust { policy, authorities, blocks, ..Trust::default() };
        let reports = verify(&self.what, trust, settings)?;
        let bundle = self.what.is_file().then_some(self.what.as_path());
        let draft = declare(self.form, self.format, &reports, bundle)?;
        let Some(path) = &self.output else {
            output::line(String::from_utf8_lossy(&draft).trim_end());
            return Ok(0);
        };
        let existing = if self.force { Existing::Replace } else { Existing::Keep };
        Passing::create(path, existing)
            .and_then(|mut file| {
                std::io::Write::write_all(&mut file, &draft)
                    .map_err(|source| crate::outside::archive::durable::WriteError::at(path, source))?;
                file.place(existing)
            })
            .map_err(|error| Failure::of(FAILED, &error).try_this("--force replaces it, -o FILE names another"))?;
        if !bundle.is_some_and(Path::is_file)
            && let Ok(archive) = settings.archive()
        {
            let subjects: Vec<Id> =
                reports.iter().filter_map(|report| Some(Id::parse(&report.subject.id).ok()?.0)).collect();
            let taken = Taken { act: "declare", path, file: None, subjects: &subjects, withheld: &[] };
            note_taken(&archive, &taken);
        }
        if settings.json {
            output::json(&json!({ "path": path, "form": self.form.as_str(), "size": draft.len() }));
        } else {
            output::line(&format!(
                "{}  a draft, not signed: fill in the blanks, and have counsel check it",
                path.display()
            ));
        }
        Ok(0)
    }
}

impl From<DeclareError> for Failure {
    fn from(error: DeclareError) -> Self {
        match error {
            DeclareError::Failed { .. } => {
                Self::of(Verdict::Failed.exit_code(), &error).try_this("`affiant verify` says which")
            }
            error => Self::of(FAILED, &error),
        }
    }
}
