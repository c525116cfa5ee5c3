//! Failures: an error with its exit code and one thing to try.

use std::error::Error;

use crate::archivist::append::AppendError;
use crate::archivist::bundle::BundleError;
use crate::archivist::capture::CaptureError;
use crate::archivist::cite::CiteError;
use crate::archivist::derived::DerivedError;
use crate::archivist::diff::DiffError;
use crate::archivist::exhibit::ExhibitActError;
use crate::archivist::export::ExportError;
use crate::archivist::fence::FenceError;
use crate::archivist::follow::FollowError;
use crate::archivist::init::InitError;
use crate::archivist::quote::QuoteActError;
use crate::archivist::read::ReadError;
use crate::archivist::restore::RestoreError;
use crate::archivist::timestamp::TimestampError;
use crate::archivist::visit::VisitError;
use crate::archivist::withdraw::WithdrawError;
use crate::archivist::withhold::WithholdError;
use crate::base::causes::with_causes;
use crate::base::id::IdError;
use crate::evidence::exhibit::ExhibitError;
use crate::evidence::parts::PartsError;
use crate::evidence::record::Manner;
use crate::evidence::verify::Verdict;
use crate::log::key_file::KeyFileError;
use crate::outside::archive::ArchiveError;
use crate::outside::archive::packs::PackError;
use crate::outside::files::FilesError;
use crate::outside::keys::KeysError;

/// It could not be done.
pub(super) const FAILED: u8 = 1;
/// The command was used wrongly.
pub(super) const WRONG_USE: u8 = 2;
/// Some of many failed.
pub(super) const IN_PART: u8 = 5;
/// Archive or key missing, locked or damaged.
pub(super) const NO_ARCHIVE: u8 = 6;
/// Refused: a blocked address, or policy.
pub(super) const REFUSED: u8 = 7;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) code: u8,
    /// What happened, as a path from the act to the cause.
    pub(super) message: String,
    /// One thing to try.
    pub(super) hint: Option<String>,
}

impl Failure {
    /// Says what happened in words of the command line.
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// Says what happened in the words of an error.
    pub(super) fn of(code: u8, error: &dyn Error) -> Self {
        Self::new(code, with_causes(error))
    }

    /// Adds one thing to try.
    pub(super) fn try_this(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let hint = match &error {
            ArchiveError::NotArchive { .. } => Some("`affiant capture TARGET` makes one, or name it with --archive"),
            ArchiveError::Lock(_) => Some("wait until the other process has finished, or name another archive"),
            ArchiveError::Broken => Some("the next command begins with what is on disk"),
            ArchiveError::OtherJournal { .. } => Some(
                "bring the archive back whole, `journal` with the rest; a journal that is of another copy is to be moved away",
            ),
            ArchiveError::OutsideLog { .. } => Some("`affiant list` shows what there is"),
            ArchiveError::Missing { .. } | ArchiveError::Tile { .. } | ArchiveError::Nodes(_) => {
                Some("`affiant audit` names everything that is damaged")
            }
            _ => None,
        };
        let code = if matches!(error, ArchiveError::OutsideLog { .. }) { FAILED } else { NO_ARCHIVE };
        Self { hint: hint.map(str::to_owned), ..Self::of(code, &error) }
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        let hint = match &error {
            KeysError::KeyFile { source: KeyFileError::NoPassphrase, .. } => {
                Some("give it with --passphrase-file FILE or in AFFIANT_PASSPHRASE")
            }
            KeysError::Agent { .. } | KeysError::AgentKey(_) => Some(
                "start the agent, `ssh-add` the key and set SSH_AUTH_SOCK; where it is lost: `affiant key rotate all --recovery FILE`",
            ),
            KeysError::NotHeld { .. } => {
                Some("bring the key back, or let the recovery key speak: `affiant key rotate all --recovery FILE`")
            }
            KeysError::Lock(_) => Some("wait until the other process has finished, or name another keyring"),
            KeysError::Missing { .. } => {
                Some("name the keyring with --keys, or bring the keys back from where they are kept")
            }
            _ => None,
        };
        Self { hint: hint.map(str::to_owned), ..Self::of(NO_ARCHIVE, &error) }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Archive(error) | AppendError::Derived(DerivedError::Archive(error)) => error.into(),
            AppendError::Keys(error) => error.into(),
            AppendError::Read(error) | AppendError::Derived(DerivedError::Read(error)) => error.into(),
            AppendError::Fence(error) => error.into(),
            error => Self::of(NO_ARCHIVE, &error),
        }
    }
}

impl From<FenceError> for Failure {
    fn from(error: FenceError) -> Self {
        match error {
            FenceError::Archive(error) => error.into(),
            FenceError::Keys(error) => error.into(),
            FenceError::RolledBack { .. } => Self::of(NO_ARCHIVE, &error)
                .try_this("bring the newer archive back, or `affiant restore` a newer backup: its log must not be signed a second time with other entries"),
            FenceError::Forked { .. } | FenceError::ForkProven { .. } | FenceError::OtherLog { .. } => Self::of(NO_ARCHIVE, &error)
                .try_this("find the archive that these keys belong to, or name its keyring with --keys"),
            error @ FenceError::Checkpoint(_) => Self::of(NO_ARCHIVE, &error),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Archive(error) => error.into(),
            ReadError::Id(IdError::WrongCheck { .. }) => Self::of(WRONG_USE, &error),
            ReadError::Id(_)
            | ReadError::NoRecord { .. }
            | ReadError::OtherArchive { .. }
            | ReadError::OtherKind { .. } => {
                Self::of(WRONG_USE, &error).try_this("`affiant list` shows the ids there are")
            }
            ReadError::Withdrawn { ref withdrawn, .. } => {
                let code = if withdrawn.manner == Manner::Withheld { REFUSED } else { FAILED };
                Self::of(code, &error).try_this(format!("`affiant show {}` says who withdrew what", withdrawn.id))
            }
            ReadError::Unpublished => {
                Self::of(NO_ARCHIVE, &error).try_this("`affiant capture TARGET` publishes the first")
            }
            error => Self::of(NO_ARCHIVE, &error).try_this("`affiant audit` names everything that is damaged"),
        }
    }
}

impl From<InitError> for Failure {
    fn from(error: InitError) -> Self {
        match error {
            InitError::Append(error) => error.into(),
            InitError::Archive(error) => error.into(),
            InitError::Keys(error) => error.into(),
            InitError::KeysElsewhere { .. } => Self::of(NO_ARCHIVE, &error)
                .try_this("name that archive with --archive, or make new keys in another folder with --keys"),
            InitError::Checkpoint(_) => Self::of(WRONG_USE, &error),
        }
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::Append(error) => error.into(),
            CaptureError::Read(error) => error.into(),
            CaptureError::Runtime(_) => Self::of(FAILED, &error),
        }
    }
}

impl From<CiteError> for Failure {
    fn from(error: CiteError) -> Self {
        match error {
            CiteError::NotCitable { .. } => Self::of(WRONG_USE, &error),
            CiteError::Read(error) => error.into(),
        }
    }
}

impl From<QuoteActError> for Failure {
    fn from(error: QuoteActError) -> Self {
        match error {
            QuoteActError::Append(error) => error.into(),
            QuoteActError::NotQuotable { .. } => Self::of(WRONG_USE, &error),
            QuoteActError::Withdrawn { .. } => Self::of(FAILED, &error),
            QuoteActError::Quote(_) => {
                Self::of(FAILED, &error).try_this("`affiant show ID --text` prints the text that can be quoted")
            }
            QuoteActError::Read(error) => error.into(),
        }
    }
}

impl From<WithdrawError> for Failure {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::Append(error) => error.into(),
            WithdrawError::Read(error) => error.into(),
            WithdrawError::Held { .. } => {
                Self::of(REFUSED, &error).try_this("`affiant hold --release ID --reason TEXT`, when it may be lifted")
            }
            WithdrawError::Damaged { .. } => {
                Self::of(NO_ARCHIVE, &error).try_this("bring the blob back from a copy first, or leave it as damaged")
            }
            WithdrawError::Shared { .. } => Self::of(FAILED, &error)
                .try_this("name those too, or give --shared to withdraw it of all of them without naming them"),
            WithdrawError::IsRecord { .. } | WithdrawError::NotHold { .. } | WithdrawError::NothingLeft { .. } => {
                Self::of(FAILED, &error)
            }
            WithdrawError::NotNamed { .. } | WithdrawError::Unfit { .. } | WithdrawError::Unspoken => {
                Self::of(WRONG_USE, &error)
            }
        }
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Cite(error) => error.into(),
            BundleError::Read(error) | BundleError::Withhold(WithholdError::Read(error)) => error.into(),
            BundleError::Withhold(WithholdError::Seen { .. } | WithholdError::Parts(PartsError::TooLittle { .. })) => {
                Self::of(REFUSED, &error)
            }
            BundleError::Withhold(_) => Self::of(WRONG_USE, &error).try_this(
                "name files as VERIFY.md of a whole bundle lists them, ranges as `AF-C-000002-n:120-480`, in bytes of its text",
            ),
            BundleError::BrokenChain { .. } | BundleError::Checkpoint(_) | BundleError::NoLogKey => {
                Self::of(NO_ARCHIVE, &error).try_this("`affiant audit` names everything that is damaged")
            }
            BundleError::Write(ref source) if source.is_existing() => {
                Self::of(FAILED, &error).try_this("--force replaces it, -o FILE names another")
            }
            error => Self::of(FAILED, &error),
        }
    }
}

impl From<DiffError> for Failure {
    fn from(error: DiffError) -> Self {
        match error {
            DiffError::Read(error) => error.into(),
            error => Self::of(FAILED, &error),
        }
    }
}

impl From<ExhibitActError> for Failure {
    fn from(error: ExhibitActError) -> Self {
        match &error {
            ExhibitActError::Exhibit(ExhibitError::Unsound { .. }) => Self::of(Verdict::Failed.exit_code(), &error)
                .try_this("`affiant verify BUNDLE.zip` names everything that does not hold"),
            ExhibitActError::Exhibit(ExhibitError::Order(_)) => Self::of(WRONG_USE, &error),
            error if error.is_existing() => {
                Self::of(FAILED, error).try_this("--force replaces it, -o FILE names another")
            }
            error => Self::of(FAILED, error),
        }
    }
}

impl From<TimestampError> for Failure {
    fn from(error: TimestampError) -> Self {
        match error {
            TimestampError::Archive(error) => error.into(),
            TimestampError::Keys(error) => error.into(),
            TimestampError::Read(error) => error.into(),
            error => Self::of(FAILED, &error),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Archive(ArchiveError::Exists { .. }) => {
                Self::of(REFUSED, &error).try_this("name another folder")
            }
            ExportError::Archive(error) => error.into(),
            ExportError::Read(error) => error.into(),
            error => Self::of(FAILED, &error).try_this("run it again once that is mended: it goes on where it stopped"),
        }
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        const CONTRADICTS: &str = "keep both copies as they are, and find out which of the two others were given";
        const FULL: &str = "make room, then run it again: it goes on where it stopped, and the copy is what it was";
        match error {
            FollowError::Archive(ArchiveError::Write(_)) | FollowError::Pack(PackError::Write(_)) => {
                Self::of(FAILED, &error).try_this(FULL)
            }
            FollowError::Archive(ArchiveError::Same { .. }) => Self::of(WRONG_USE, &error),
            FollowError::Archive(error) => error.into(),
            FollowError::Read(error) => error.into(),
            FollowError::Forked { .. } | FollowError::NotGrown(_) => {
                Self::of(Verdict::Failed.exit_code(), &error).try_this(CONTRADICTS)
            }
            FollowError::Shrunk(_) => Self::of(Verdict::Failed.exit_code(), &error)
                .try_this("the copy is newer: `affiant restore` brings an archive back from it"),
            FollowError::Untrusted { .. } => Self::of(Verdict::CannotTell.exit_code(), &error)
                .try_this("--trust VKEY names the log's key; `affiant key export log --as vkey` prints it there"),
            FollowError::OtherLog { .. } => Self::of(REFUSED, &error).try_this("name another folder"),
            error => Self::of(NO_ARCHIVE, &error).try_this("`affiant audit` names everything that is damaged"),
        }
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Archive(ArchiveError::Exists { .. }) => Self::of(REFUSED, &error)
                .try_this("--to FOLDER names another place, --heal repairs the archive that stands there"),
            RestoreError::Archive(error) => error.into(),
            RestoreError::Follow(error) => error.into(),
            RestoreError::Keys(error) => error.into(),
        }
    }
}

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        Self::of(FAILED, &error)
    }
}

impl From<&VisitError> for Failure {
    fn from(error: &VisitError) -> Self {
        Self::of(if error.is_refusal() { REFUSED } else { FAILED }, error)
    }
}
