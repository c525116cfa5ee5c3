//! Witnesses: who else has seen the log, and by when, in a verifier's words.

use super::finding::{Check, Finding};

use crate::base::time::Time;
use crate::log::policy::{PolicyReport, Witnessed};
use crate::log::vkey::VerifierKey;

/// Says whether as many have witnessed as the policy asks for.
pub(super) fn witness_finding(report: &PolicyReport) -> Finding {
    let quorum = &report.quorum;
    let signed = report.witnesses.iter().filter(|witness| witness.witnessed != Witnessed::Not);
    let mut names: Vec<&str> = signed.map(|witness| witness.key.name().as_str()).collect();
    names.dedup(); // One that signs with two keys is one.
    if quorum.needed == 0 {
        let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Finding::not_shown(
            Check::Witnesses,
            "a policy that asks for witnesses",
            format!("it asks for none; signed: {found}"),
        );
    }
    if quorum.is_met() {
        let found =
            format!("{} of {} ({} needed): {}", quorum.witnessed, quorum.members, quorum.needed, names.join(", "));
        return Finding::holds(Check::Witnesses, found, format!("the witnesses {}", names.join(", ")));
    }
    Finding::missing(
        Check::Witnesses,
        format!("{} of {} witnesses", quorum.needed, quorum.members),
        quorum.witnessed.to_string(),
    )
}

/// Names a witness as the one who says when.
pub(super) fn witness_name(key: &VerifierKey) -> String {
    format!("the witness `{}`", key.name())
}

/// Returns the last moment of the second that a witness names.
pub(super) fn end_of_second(time: Time) -> Time {
    Time::from_microseconds(time.microseconds().saturating_add(999_999)).unwrap_or(time)
}
