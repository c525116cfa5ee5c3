//! The verification page: how to check an exhibit with and without Affiant, what was found, what is not shown.

use super::flow::{BODY, CODE, Flow, LABEL, SMALL};
use super::order::{Order, Shows};

use crate::base::hash::Hash;
use crate::base::id::Id;
use crate::evidence::verify::report;
use crate::evidence::verify::{Check, Report};
use crate::log::checkpoint::Checkpoint;
use crate::log::policy::Policy;
use crate::log::vkey::VerifierKey;

/// What a bundle stands on.
pub(super) struct Ground {
    /// SHA-256 of `tagmanifest-sha256.txt`.
    pub(super) bundle: Hash,
    /// The log's keys at the checkpoint, as its own records name them.
    pub(super) log_keys: Vec<VerifierKey>,
    pub(super) checkpoint: Checkpoint,
    /// Takes those keys for the log's.
    pub(super) policy: Option<Policy>,
}

/// Writes how to check, and what was found.
pub(super) fn write(flow: &mut Flow<'_>, order: &Order, ground: &Ground, subjects: &[(Id, Report)]) {
    flow.title("How to check this exhibit");
    let fingerprint = subjects.iter().find_map(|(_, report)| report.subject.fingerprint.clone()).unwrap_or_default();
    flow.paragraph(
        BODY,
        "These pages were made from a bundle: a ZIP with the page as it was received, the archive\u{2019}s record of it, \
         and the proof that the record stands in the archive\u{2019}s log. Ask whoever offers this exhibit for the bundle. \
         The same bundle makes the same pages, byte for byte, whoever makes them and whenever.",
    );
    trust(flow, order, ground, &fingerprint);
    with_affiant(flow, order, &fingerprint);
    without_affiant(flow, &fingerprint);
    from_paper(flow);
    flow.turn();
    findings(flow, subjects);
    limits(flow);
}

fn trust(flow: &mut Flow<'_>, order: &Order, ground: &Ground, fingerprint: &str) {
    flow.heading("Compare first");
    flow.paragraph(
        BODY,
        "Anyone can make a bundle that agrees with itself. It is the archive\u{2019}s only if one of these keys is: compare \
         with what the archive publishes elsewhere.",
    );
    flow.space(4.0);
    flow.row("Archive\u{2019}s key", &[(CODE, fingerprint.to_owned())]);
    let keys: Vec<_> = ground.log_keys.iter().map(|key| (CODE, key.fingerprint())).collect();
    flow.row("Log\u{2019}s keys", &keys);
    let Checkpoint { origin, size, root } = &ground.checkpoint;
    flow.row("Checkpoint", &[(BODY, format!("{origin} with {size} entries")), (CODE, format!("root {root}"))]);
    flow.row(
        "Bundle",
        &[(CODE, ground.bundle.to_string()), (SMALL, "SHA-256 of its tagmanifest-sha256.txt".to_owned())],
    );
    let roots = order.authorities.roots();
    if !roots.is_empty() {
        let lines: Vec<_> = roots
            .iter()
            .flat_map(|root| [(BODY, root.name()), (CODE, format!("SHA-256 {}", root.fingerprint()))])
            .collect();
        flow.row("Timestamps judged by", &lines);
    }
}

fn with_affiant(flow: &mut Flow<'_>, order: &Order, fingerprint: &str) {
    flow.heading("With Affiant");
    flow.paragraph(BODY, "The first command checks the bundle, the second makes these pages again from it.");
    let mut again = format!("affiant exhibit BUNDLE.zip --letter {} --paper {}", order.letter.as_str(), order.sheet);
    if order.shows == Shows::Redline {
        again += " --redline";
    }
    if order.bates.is_some() {
        again += " --bates PREFIX";
    }
    if !order.authorities.roots().is_empty() {
        again += " --tsa-root ROOT.pem";
    }
    again += " --caption FILE";
    flow.commands(&["affiant verify BUNDLE.zip".to_owned(), again]);
    let key = format!(
        "It trusts the keys in your keys/policy, or one given with --trust; this bundle\u{2019}s statements are by {fingerprint}."
    );
    flow.paragraph(SMALL, &key);
}

fn without_affiant(flow: &mut Flow<'_>, fingerprint: &str) {
    flow.heading("Without Affiant");
    flow.paragraph(
        BODY,
        "VERIFY.md in the bundle gives a command to type for each step, with sha256sum, ssh-keygen, openssl and bagit.py. \
         All at once:",
    );
    flow.commands(&[
        "unzip BUNDLE.zip -d bundle && cd bundle".to_owned(),
        "sha256sum -c --strict manifest-sha256.txt tagmanifest-sha256.txt".to_owned(),
        "sha256sum tagmanifest-sha256.txt".to_owned(),
        format!("sh verify.sh --trust {fingerprint}"),
    ]);
}

fn from_paper(flow: &mut Flow<'_>) {
    flow.heading("From this paper alone");
    flow.paragraph(
        BODY,
        "The pages headed \u{201c}Evidence on paper\u{201d} hold the record, its signature, its place in the log, the signed \
         checkpoint and a timestamp, where there is one. Scan them at 300 dpi as PNG or JPEG:",
    );
    flow.commands(&[
        "affiant verify --scan page-*.png".to_owned(),
        "zbarimg -q --raw page-*.png | grep ^AFFIANT/1/ | sort -u | cut -d/ -f7 | tr -d '\\n' | base32 -d | gunzip | tar x"
            .to_owned(),
    ]);
    flow.paragraph(
        SMALL,
        "The second command needs no Affiant; it unpacks the files to which VERIFY.md\u{2019}s commands apply.",
    );
}

fn findings(flow: &mut Flow<'_>, subjects: &[(Id, Report)]) {
    flow.title("What was found");
    flow.paragraph(
        BODY,
        "Found in the bundle by whoever takes the keys above for the archive\u{2019}s. What is not shown is not known to be so.",
    );
    for (id, report) in subjects {
        flow.heading(&id.to_string());
        for finding in &report.findings {
            let outcome = report::word(finding.outcome);
            let mut lines = vec![(LABEL, outcome.to_owned())];
            let words = report::in_words(finding);
            lines.extend(words.into_iter().enumerate().map(|(n, line)| (if n == 0 { BODY } else { SMALL }, line)));
            flow.row(finding.check.as_str(), &lines);
        }
        flow.rule(0.5, super::flow::PALE);
    }
}

fn limits(flow: &mut Flow<'_>) {
    flow.heading("What each check shows, and what none of it shows");
    for check in Check::ALL {
        let words = format!("shows that {}; does not show {}", report::shows(check), report::does_not_show(check));
        flow.row(check.as_str(), &[(SMALL, words)]);
    }
    flow.rule(0.5, super::flow::PALE);
    flow.space(8.0);
    flow.paragraph(
        BODY,
        "None of it shows that a server sent these bytes: no third party was on the connection, so an archive that lies can \
         record what nobody sent. None of it shows when, but between the times that somebody other than the archive signed. \
         The printed text is the archive\u{2019}s rendition of the page; what the page looked like is not shown by it.",
    );
}
