//! The checkpoint: who signed it, and whether it is the newest that the archive's keys have signed.

use super::Age;
use super::report::AuditReport;

use crate::archivist::succession::{newest_keys, own_keys};
use crate::base::causes::with_causes;
use crate::evidence::succession::Succession;
use crate::log::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::log::note::NoteError;
use crate::log::policy::{Policy, Witnessed};

const COST: &str = "the log promises nothing without it; the entries themselves are checked all the same";

/// Reads the checkpoint.
pub(super) fn read(bytes: Option<&[u8]>, report: &mut AuditReport) -> Option<SignedCheckpoint> {
    let Some(bytes) = bytes else {
        report.damage("checkpoint", "it is missing", COST);
        return None;
    };
    SignedCheckpoint::parse(bytes).map_err(|error| report.damage("checkpoint", with_causes(&error), COST)).ok()
}

/// Checks the signatures by the keys that the log names, of which the newest of each algorithm must have signed, and by those
/// of the policy.
pub(super) fn check_signatures(
    signed: &SignedCheckpoint,
    succession: Option<&Succession>,
    policy: Option<&Policy>,
    report: &mut AuditReport,
) {
    let own = succession.map(|succession| own_keys(succession, signed)).unwrap_or_default();
    for key in &newest_keys(&own) {
        let found = match signed.verify(std::slice::from_ref(key)) {
            Ok(_) => continue,
            Err(CheckpointError::Note(NoteError::NoKnownKey)) => "it does not bear the signature by".to_owned(),
            Err(error) => format!("{}:", with_causes(&error)),
        };
        let found = format!("{found} the log's {} key {}", key.kind(), key.fingerprint());
        report.damage("checkpoint", found, "nobody can rely on that key's word for the log's size and root");
    }
    let Some(policy) = policy else { return };
    match policy.check(signed) {
        Err(error) => report.damage("checkpoint", with_causes(&error), COST),
        Ok(found) => {
            if found.log_signers.is_empty() {
                report.note(format!("no key of your policy vouches for the log `{}`", signed.checkpoint().origin));
            }
            let witnesses = found.witnesses.iter().filter(|witness| witness.witnessed != Witnessed::Not).count();
            let unknown = signed.signatures().len().saturating_sub(own.len() + witnesses);
            if unknown > 0 {
                report.note(format!("the checkpoint bears {unknown} signature(s) by keys that you do not know"));
            }
        }
    }
}

/// Compares the checkpoint with the newest that the keys have signed.
pub(super) fn check_newest(
    published: &SignedCheckpoint,
    newest: &[u8],
    age: Age,
    succession: Option<&Succession>,
    report: &mut AuditReport,
) {
    let newest = match SignedCheckpoint::parse(newest) {
        Ok(newest) => newest,
        Err(error) => {
            return report
                .note(format!("the newest checkpoint in your keyring cannot be read: {}", with_causes(&error)));
        }
    };
    let (published, newest, signed) = (published.checkpoint(), newest.checkpoint(), &newest);
    // It may be newer than what lies here says of the keys: any that the log ever named will do.
    let own = succession.map(Succession::checkpoint_keys_ever).unwrap_or_default();
    if newest.origin != published.origin || (!own.is_empty() && signed.verify(&own).is_err()) {
        return report.note(format!("the newest checkpoint in your keyring is of the log `{}`", newest.origin));
    }
    if newest.size > published.size && age == Age::Older {
        report.note(format!(
            "this copy has {} entries, and the archive's keys have signed for {}",
            published.size, newest.size
        ));
    } else if newest.size > published.size {
        let found = format!("it promises {} entries, and the keys have signed for {}", published.size, newest.size);
        let cost = format!(
            "entries {} to {} are promised to nobody; where they are on disk the next append publishes them",
            published.size,
            newest.size - 1
        );
        report.damage("checkpoint", found, cost);
        report.note("where this folder is a backup or a mirror, `audit --copy` lets it be older than your keyring");
    } else if newest.size == published.size && newest.root != published.root {
        let found = format!("the root {}, and the keys have signed {} at the same size", published.root, newest.root);
        report.damage("checkpoint", found, "two logs have grown under one name: neither can be relied on");
        report.note(
            "`affiant verify CHECKPOINT NEWEST-CHECKPOINT --fork-proof FILE` makes one file of the two that proves it",
        );
    } else if newest.size < published.size {
        report.note(format!("your keyring knows {} entries only: it is older than the archive", newest.size));
    }
}
