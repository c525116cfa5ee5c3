//! The integrity report: what an audit found, when and at which checkpoint, signed by the archive's key to be kept.
//!
//! ```text
//! {
//!   "format": "affiant-integrity-report-1",
//!   "made": "2026-11-22T09:00:00Z",
//!   "software": "affiant 0.1.0",
//!   "origin": "affiant.example/log",
//!   "key": "SHA256:…",
//!   "checkpoint": "affiant.example/log\n7\n…",
//!   "audit": { "clean": true, "entries": 7, … }
//! }
//! ```
//!
//! `checkpoint` is the whole signed note that was audited, so that the report says of which log it speaks and witnesses'
//! lines travel with it; `audit` is what `affiant audit --json` prints. Beside the file lies FILE.sig, an SSHSIG over its
//! bytes with the namespace [`NAMESPACE`], as `ssh-keygen -Y sign` makes it.
//!
//! What it shows: that whoever holds the key says that their program found this, then. What it does not show: that it is
//! so. Whoever doubts it audits a copy.
//!
//! To verify:
//! 1. Take the archive's key from whom you trust it: `keys/archive.pub`, or what a bundle names.
//! 2. `echo "archive $(cut -d' ' -f1,2 keys/archive.pub)" > signers`
//! 3. `ssh-keygen -Y verify -f signers -I archive -n affiant-integrity -s FILE.sig < FILE`
//! 4. Compare `checkpoint` with the newest that you or a witness holds.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::report::AuditReport;

use crate::archivist::append::software;
use crate::base::time::Time;
use crate::evidence::bundle::seal::{Seal, SealError};
use crate::outside::archive::durable::{self, Access, WriteError};
use crate::outside::archive::{Archive, ArchiveError};
use crate::outside::keys::SecretKeys;

/// What a report's signature is for, and nothing else.
pub const NAMESPACE: &str = "affiant-integrity";

/// Writes a signed report to a file and its signature beside it; returns where that is.
///
/// # Errors
/// A [`SignedReportError`]: the archive has no checkpoint that can be read, or the files cannot be written.
pub fn write_signed(
    archive: &Archive,
    report: &AuditReport,
    keys: &SecretKeys,
    now: Time,
    path: &Path,
) -> Result<PathBuf, SignedReportError> {
    let checkpoint = archive.checkpoint()?.ok_or(SignedReportError::NoCheckpoint)?;
    let made_by = software();
    let object = json!({
        "format": "affiant-integrity-report-1",
        "made": now.to_second().to_string(),
        "software": format!("{} {}", made_by.name, made_by.version),
        "origin": archive.settings().origin,
        "key": keys.statement.public().fingerprint(),
        "checkpoint": String::from_utf8_lossy(&checkpoint),
        "audit": report.to_json(),
    });
    let text = format!("{object:#}\n");
    let seal = Seal::sign_with(&keys.statement, NAMESPACE, text.as_bytes())?.to_armored();
    let mut signature = path.as_os_str().to_owned();
    signature.push(".sig");
    let signature = PathBuf::from(signature);
    durable::swap(path, text.as_bytes(), Access::Public)?;
    durable::swap(&signature, seal.as_bytes(), Access::Public)?;
    Ok(signature)
}

/// Why there is no signed report.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum SignedReportError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("there is no checkpoint to report on")]
    NoCheckpoint,
    #[error("the report cannot be signed")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Write(#[from] WriteError),
}
