//! The statement: who signed it, and over what.

use super::super::finding::{Check, Finding, NOBODY, Subject};
use super::{LooseFile, Reading};

use crate::base::causes::with_causes;
use crate::base::cbor::Value;
use crate::base::cose::{Sign1, algorithm, label};
use crate::base::hash::Hash;
use crate::evidence::anchor;
use crate::evidence::record::Record;
use crate::evidence::stamped;
use crate::evidence::statement::Statement;
use crate::log::key::Ed25519PublicKey;

const CLAIM_ISSUER: i64 = 1;

impl Reading<'_> {
    pub(super) fn statement(&mut self, file: &LooseFile, statement: &Sign1, subject: &mut Subject) {
        let header = match statement.protected_header() {
            Ok(header) => header,
            Err(error) => {
                return self.fails(Check::Signature, format!("a statement in `{}`", file.name), error.to_string());
            }
        };
        let claims = header.at_label(label::CWT_CLAIMS);
        subject.origin = claims.and_then(|claims| claims.at_label(CLAIM_ISSUER)?.as_text()).map(str::to_owned);
        self.signature(&file.name, statement, &header, subject);
        self.payload(&file.name, statement, &header);
        self.stamp(&file.name, statement);
        if let Some((record_file, record)) = &self.set.record {
            self.record(file, record_file, record, subject);
        }
        let is_logged = !self.set.proofs.is_empty() || !self.set.receipts.is_empty();
        if !is_logged && statement.unprotected.at_label(label::RECEIPTS).is_none() {
            let finding = Finding::not_shown(Check::Inclusion, "a receipt or a proof for the statement", "neither");
            self.findings.push(finding);
        }
    }

    fn signature(&mut self, name: &str, statement: &Sign1, header: &Value, subject: &mut Subject) {
        let check = Check::Signature;
        let expected = format!("`{name}` signed by its issuer");
        match header.at_label(label::ALGORITHM).and_then(Value::as_integer) {
            Some(algorithm::EDDSA | algorithm::ED25519) => {}
            found => {
                let found = found.map_or("none".to_owned(), |number| format!("algorithm {number}"));
                return self.missing(check, "an algorithm that this program checks: EdDSA with Ed25519", found);
            }
        }
        if let Some(critical) = header.at_label(label::CRITICAL) {
            let found = format!("labels that must be understood: {critical:?}");
            return self.missing(check, "a header that this program understands", found);
        }
        let payload = match (&statement.payload, self.set.other) {
            (Some(payload), _) => payload,
            (None, Some(other)) => &other.bytes,
            (None, None) => return self.missing(check, format!("the detached payload of `{name}`"), "no such file"),
        };
        let signed = Sign1::to_be_signed(&statement.protected, payload);
        let made_by = |keys: &[Ed25519PublicKey]| {
            keys.iter().find(|key| key.verify(&signed, &statement.signature).is_ok()).copied()
        };
        if let Some(key) = made_by(&self.trust.issuers) {
            subject.fingerprint = Some(key.fingerprint());
            return self.holds(check, expected, format!("who vouches for the issuer's key {}", key.fingerprint()));
        }
        if !self.trust.issuers.is_empty() {
            let keys: Vec<String> = self.trust.issuers.iter().map(Ed25519PublicKey::fingerprint).collect();
            return self.fails(check, expected, format!("no signature by {}", keys.join(" or ")));
        }
        let found = match made_by(&self.set.brought) {
            Some(key) => format!(
                "it agrees with the key that came with it, {}: compare that with what the issuer publishes",
                key.fingerprint()
            ),
            None => "no key".to_owned(),
        };
        self.missing(check, "the issuer's key, from someone you trust", found);
    }

    /// Says when the signature existed, where a token is carried that the reader trusts.
    fn stamp(&mut self, name: &str, statement: &Sign1) {
        let check = Check::NotAfter;
        let expected = format!("a timestamp in `{name}` that you trust");
        let verified = match stamped::token_of(statement) {
            Ok(None) => return,
            Ok(Some(token)) => token.verify(&self.trust.authorities),
            Err(error) => Err(error),
        };
        match verified {
            Ok(verified) => {
                let who = anchor::describe(&verified);
                self.holds(check, verified.no_later_than.to_string(), who.clone());
                self.interval.not_after = Some((verified.no_later_than, who));
            }
            Err(error) if error.is_contradiction() => self.fails(check, expected, with_causes(&error)),
            Err(error) => self.findings.push(Finding::not_shown(check, expected, with_causes(&error))),
        }
    }

    /// Compares the payload with the file beside it: whole, or as the hash of a Hash Envelope.
    fn payload(&mut self, name: &str, statement: &Sign1, header: &Value) {
        let file = self.set.other.or(self.set.record.as_ref().map(|(file, _)| *file));
        let Some(payload) = &statement.payload else { return }; // A detached payload is in what was signed.
        let hashed = header.at_label(label::PAYLOAD_HASH_ALGORITHM);
        let file = match (file, hashed) {
            (Some(file), _) => file,
            (None, None) => return, // The payload is in the statement, under the signature.
            (None, Some(_)) => {
                let expected = format!("the file whose hash `{name}` signs");
                return self.findings.push(Finding::not_shown(Check::Content, expected, "no such file"));
            }
        };
        match hashed.map(Value::as_integer) {
            None if *payload == file.bytes => {
                self.holds(Check::Content, format!("`{}` is the payload of `{name}`", file.name), NOBODY);
            }
            None => self.fails(Check::Content, format!("the payload of `{name}` in `{}`", file.name), "other bytes"),
            Some(Some(algorithm::SHA_256)) if payload.as_slice() == Hash::of(&file.bytes).as_bytes() => {
                self.holds(Check::Content, format!("`{}` has the SHA-256 that `{name}` signs", file.name), NOBODY);
            }
            Some(Some(algorithm::SHA_256)) => {
                let expected = format!("SHA-256 {} in `{}`", data_encoding::HEXLOWER.encode(payload), file.name);
                self.fails(Check::Content, expected, Hash::of(&file.bytes).to_string());
            }
            Some(other) => {
                let found = format!("hash algorithm {other:?}");
                self.missing(Check::Content, "a hash that this program computes: SHA-256", found);
            }
        }
    }

    /// A record of an archive like ours must be the one that its statement claims.
    fn record(&mut self, file: &LooseFile, record_file: &LooseFile, record: &Record, subject: &mut Subject) {
        subject.kind = Some(record.body.kind());
        subject.record_sha256 = Some(Hash::of(&record_file.bytes));
        let visit = record.body.visit();
        subject.captured_at = visit.map(|visit| visit.started);
        subject.sha256 = visit.map(|visit| visit.primary.sha256);
        self.interval.claimed = Some(record.made);
        let Ok(statement) = Statement::decode(&file.bytes) else { return };
        let claim = &statement.claim;
        subject.id.clone_from(&claim.subject);
        let agrees = claim.issuer == record.origin
            && claim.issued_at == record.made.to_second()
            && crate::base::id::Id::parse(&claim.subject)
                .is_ok_and(|(id, _)| (id.index, id.letter) == (record.index, record.body.letter()));
        if !agrees {
            let expected = format!("a record of `{}` by `{}` made at {}", claim.subject, claim.issuer, claim.issued_at);
            let found =
                format!("{} {} of `{}` made at {}", record.body.kind(), record.index, record.origin, record.made);
            self.fails(Check::Content, expected, found);
        }
    }
}
