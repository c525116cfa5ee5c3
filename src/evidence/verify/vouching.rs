//! Vouching: which organisations say that the log's keys are those of its archive.
//!
//! No verdict rests on it: an endorsement is another's word on whose key it is, and whether that is enough is for the
//! reader's policy to say. So what is wrong with one is said beside the findings and is none of them.
//!
//! Checked in the order of [`crate::evidence::endorsement`]. A signature says by itself when it was made; where the certificate
//! has ended since, whoever had its key afterwards could have said so too, and it is *not shown*.

use super::Trust;
use super::checkpoint::Head;
use super::finding::{Outcome, Vouching};
use super::source::Source;
use super::times::CLOCK_SKEW_SECONDS_MAX;

use crate::base::causes::with_causes;
use crate::base::time::Time;
use crate::evidence::endorsement::{COUNT_MAX, Endorsement, EndorsementBytes};
use crate::evidence::record::KeyPurpose;
use crate::log::vkey::VerifierKey;
use crate::timestamp::authorities::{Authorities, Brought, ChainError};
use crate::timestamp::certificate::{Certificate, Purpose};

/// Looks at the endorsements that a source brings, and at those that the reader holds of this log.
pub(super) fn check(source: &dyn Source, head: &Head, trust: Trust<'_>, now: Time) -> Vec<Vouching> {
    let brought = match source.endorsements() {
        Ok(brought) => brought,
        Err(error) => return vec![Vouching::fails(&error.name, "endorsements that can be read", error.reason)],
    };
    let is_new = |one: &&EndorsementBytes| brought.iter().all(|other| other.cms != one.cms) && speaks_of(one, head);
    let known = trust.endorsements.iter().filter(is_new);
    let nobody = Authorities::none_for(Purpose::Documents);
    let judge = Judge { head, organisations: trust.organisations.unwrap_or(&nobody), now };
    brought.iter().chain(known).take(COUNT_MAX).map(|bytes| judge.judge(bytes)).collect()
}

/// Says whether an endorsement that the reader holds is about this log; the others are about other logs.
fn speaks_of(known: &EndorsementBytes, head: &Head) -> bool {
    let origin = head.checkpoint.as_ref().map(|checkpoint| &checkpoint.origin);
    Endorsement::read(known).map_or(true, |endorsement| Some(&endorsement.wording().origin) == origin)
}

/// By what endorsements are judged.
struct Judge<'j> {
    head: &'j Head,
    organisations: &'j Authorities,
    now: Time,
}

impl Judge<'_> {
    fn judge(&self, bytes: &EndorsementBytes) -> Vouching {
        let file = format!("`{}.cms`", bytes.name);
        let endorsement = match Endorsement::read(bytes) {
            Ok(endorsement) => endorsement,
            Err(error) => return Vouching::fails(&file, "an endorsement", with_causes(&error)),
        };
        let side: Vec<Certificate> =
            self.organisations.side().iter().chain(self.organisations.roots()).cloned().collect();
        let signer = match endorsement.signer(&side) {
            Ok(signer) => signer,
            Err(error) if error.is_contradiction() => {
                return Vouching::fails(&file, "a signature over what it says", with_causes(&error));
            }
            Err(error) => return Vouching::not_shown(&file, "a signature over what it says", with_causes(&error)),
        };
        let by = signer.name();
        match self.keys(&endorsement, &by) {
            Ok(keys) => self.certificate(&endorsement, signer, &keys),
            Err(other) => other,
        }
    }

    /// Says which keys of the log it vouches for.
    fn keys(&self, endorsement: &Endorsement, by: &str) -> Result<String, Vouching> {
        let wording = endorsement.wording();
        let origin = self.head.checkpoint.as_ref().map(|checkpoint| checkpoint.origin.as_str()).unwrap_or_default();
        if wording.origin.as_str() != origin {
            let expected = format!("an endorsement of the log `{origin}`");
            return Err(Vouching::fails(by, expected, format!("one of the log `{}`", wording.origin)));
        }
        let signers = &self.head.own;
        let current: Vec<&VerifierKey> = wording.keys.iter().filter(|key| signers.contains(key)).collect();
        if !current.is_empty() {
            return Ok(listed(&current));
        }
        let succession = self.head.succession.as_ref();
        let is_named = |public: &[u8]| wording.keys.iter().any(|key| key.key().as_bytes() == public);
        let handed_over = signers.iter().find_map(|key| succession?.handed_over(key.key().as_bytes(), &is_named));
        if let Some((before, at)) = handed_over {
            return Ok(format!("{}, which handed over in entry {at}", before.fingerprint()));
        }
        let expected = format!("an endorsement of a key that signed this checkpoint of `{origin}`");
        let named: Vec<&VerifierKey> = wording.keys.iter().collect();
        let last = self.head.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size.saturating_sub(1));
        let ended = wording
            .keys
            .iter()
            .find_map(|key| succession?.standing_in_words(KeyPurpose::Checkpoint, key.key().as_bytes(), last));
        Err(match ended {
            Some(why) => Vouching::not_shown(by, expected, format!("one of {}, {why}", listed(&named))),
            None => Vouching::fails(by, expected, format!("one of {}, which are not this log's", listed(&named))),
        })
    }

    /// Says whether the reader knows whose certificate it is, and whether it was and is valid.
    fn certificate(&self, endorsement: &Endorsement, signer: &Certificate, keys: &str) -> Vouching {
        let by = signer.name();
        let said = match endorsement.signed().signing_time() {
            Ok(said) => said,
            Err(error) => return Vouching::fails(&by, "a time of signing", with_causes(&error)),
        };
        let at = said.unwrap_or(self.now);
        if at.seconds() > self.now.seconds().saturating_add(CLOCK_SKEW_SECONDS_MAX) {
            return Vouching::fails(&by, "a time of signing that has come", at.to_string());
        }
        let dated = said.map_or_else(String::new, |said| format!(", signed at {said} by its own clock"));
        let found = format!("`{by}` says that the keys of `{}` are {keys}{dated}", endorsement.wording().origin);
        let chain = |at: Time| {
            let (certificates, lists) = (endorsement.signed().certificates(), endorsement.signed().lists());
            self.organisations.chain(signer, Brought { certificates, lists, seen: None }, at)
        };
        let expected = "a certificate that leads to a root that you trust for organisations, valid then and now";
        match (chain(at), chain(self.now)) {
            (Ok(_), Ok(chain)) => {
                let relies_on =
                    format!("`{}`, which you trust to say who `{by}` is, and on `{by}`", chain.root().name());
                Vouching { by, outcome: Outcome::Holds, expected: found.clone(), found, relies_on }
            }
            (Err(error @ (ChainError::Certificate(_) | ChainError::Revoked { .. })), _) => {
                Vouching::fails(&by, expected, with_causes(&error))
            }
            (Err(error), _) => {
                let found = format!("chain unknown here: {}; the signature is good, and {found}", with_causes(&error));
                Vouching::not_shown(&by, expected, found)
            }
            (Ok(_), Err(error)) => {
                let found = format!("{found}; nobody else says when: {}", with_causes(&error));
                Vouching::not_shown(&by, expected, found)
            }
        }
    }
}

fn listed(keys: &[&VerifierKey]) -> String {
    keys.iter().map(|key| key.fingerprint()).collect::<Vec<_>>().join(" and ")
}
