//! Identity: an archive's keys in the forms in which an organisation publishes them, so that others can compare.
//!
//! | form              | where it is put                                  | holds                                            |
//! |-------------------|--------------------------------------------------|--------------------------------------------------|
//! | `well-known`      | `https://DOMAIN/.well-known/affiant.json`        | every key, with the entries between which it counts |
//! | `dns`             | a TXT record of `_affiant.DOMAIN`                | the statement key's fingerprint, the log's vkey  |
//! | `did-web`         | `https://DOMAIN/.well-known/did.json`            | the Ed25519 keys that count, as JSON Web Keys    |
//! | `allowed-signers` | a file that `ssh-keygen -Y verify -f` reads      | every statement key, with times                  |
//!
//! Sources: RFC 8615 (well-known), RFC 1035 §3.3.14 (TXT), the did:web method and RFC 8037 (OKP keys), ssh-keygen(1) ALLOWED
//! SIGNERS. What counts is the index; the times in `allowed-signers` are those at which the archive's own clock made the key
//! records, because that format knows no index. ssh-keygen goes by the present unless it is given `-Overify-time`.
//!
//! None of these says more than that whoever controls the domain says so.

use serde_json::{Value as Json, json};

use super::bundle::layout::principal;
use super::bundle::seal::{BUNDLE_NAMESPACE, RECORD_NAMESPACE, SealError, allowed_signer};
use super::record::{KeyPurpose, NamedKey};
use super::succession::{Succession, Tenure};

use crate::base::time::Time;
use crate::log::vkey::{KeyKind, KeyName, VerifierKey};

/// The longest string of a TXT record (RFC 1035 §3.3).
const TXT_STRING_BYTES_MAX: usize = 255;

/// An archive's keys, and when its records were made.
pub struct Identity<'i> {
    /// Which keys counted where.
    pub succession: &'i Succession,
    /// The last entry of the log.
    pub last: u64,
    /// When an entry was made, by the archive's clock, as far as it is known.
    pub made: &'i dyn Fn(u64) -> Option<Time>,
}

impl Identity<'_> {
    /// Writes `affiant.json`.
    #[must_use]
    pub fn well_known(&self) -> String {
        let keys: Vec<Json> = self.succession.tenures().iter().map(|tenure| self.to_json(tenure)).collect();
        let object = json!({ "format": "affiant-keys-1", "origin": self.succession.origin(), "size": self.last + 1, "keys": keys });
        format!("{object:#}\n")
    }

    /// Writes the TXT record of a domain, as a zone file has it.
    #[must_use]
    pub fn dns(&self, domain: &str) -> String {
        let mut words = vec!["v=affiant1".to_owned(), format!("origin={}", self.succession.origin())];
        words.extend(self.succession.statement_key(self.last).map(|key| format!("archive={}", key.fingerprint())));
        // An ML-DSA-44 key is longer than what a resolver likes to carry.
        let log = self.succession.checkpoint_keys(self.last).into_iter().filter(|key| key.kind() == KeyKind::Ed25519);
        words.extend(log.map(|key| format!("log={key}")));
        let text: Vec<char> = words.join("; ").chars().collect();
        let strings =
            text.chunks(TXT_STRING_BYTES_MAX / 4).map(|part| format!("\"{}\"", part.iter().collect::<String>()));
        format!("_affiant.{domain}. IN TXT {}\n", strings.collect::<Vec<_>>().join(" "))
    }

    /// Writes `did.json` of a domain.
    #[must_use]
    pub fn did_web(&self, domain: &str) -> String {
        let did = format!("did:web:{}", domain.replace(':', "%3A"));
        let valid = self.succession.tenures().iter().filter(|tenure| tenure.is_valid(self.last));
        let methods: Vec<Json> = valid
            .filter_map(|tenure| {
                let key = tenure.key.ed25519()?;
                let x = data_encoding::BASE64URL_NOPAD.encode(key.as_bytes());
                let id = format!("{did}#{}", key.fingerprint().replace("SHA256:", "").replace(['/', '+'], "_"));
                let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
                Some(json!({ "id": id, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk }))
            })
            .collect();
        let ids: Vec<Json> = methods.iter().map(|method| method["id"].clone()).collect();
        let context = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"];
        let object = json!({ "@context": context, "id": did, "verificationMethod": methods, "assertionMethod": ids });
        format!("{object:#}\n")
    }

    /// Writes the lines of an `allowed_signers` file for every statement key that was not distrusted from its beginning on.
    ///
    /// # Errors
    /// [`SealError::Principal`] when the log's name cannot stand there.
    pub fn allowed_signers(&self) -> Result<String, SealError> {
        let mut text = String::new();
        for Tenure { key, added, retired, distrusted, .. } in self.succession.tenures() {
            let Some(public) = key.ed25519().filter(|_| key.purpose == KeyPurpose::Statement) else { continue };
            let until = [*retired, distrusted.map(|distrust| distrust.from)].into_iter().flatten().min();
            if until.is_some_and(|until| until <= *added) {
                continue;
            }
            let mut options = Vec::new();
            options.extend(
                Some(*added)
                    .filter(|added| *added > 0)
                    .and_then(self.made)
                    .map(|at| format!("valid-after=\"{}\"", stamp(at))),
            );
            options.extend(until.and_then(self.made).map(|at| format!("valid-before=\"{}\"", stamp(at))));
            for namespace in [BUNDLE_NAMESPACE, RECORD_NAMESPACE] {
                let line = allowed_signer(principal(self.succession.origin()), namespace, public.as_bytes())?;
                let at = format!("namespaces=\"{namespace}\"");
                let with = [vec![at.clone()], options.clone()].concat().join(",");
                text += &line.replacen(&at, &with, 1);
            }
        }
        Ok(text)
    }

    fn to_json(&self, tenure: &Tenure) -> Json {
        let Tenure { key, added, retired, distrusted, .. } = tenure;
        let mut object = json!({
            "purpose": key.purpose.as_str(),
            "algorithm": key.algorithm,
            "fingerprint": key.fingerprint(),
            "from_entry": added,
        });
        let made = |index: u64| (self.made)(index).map(|time| Json::from(time.to_second().to_string()));
        let mut put = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                object[name] = value;
            }
        };
        put("before_entry", retired.map(Json::from));
        put("distrusted_from_entry", distrusted.map(|distrust| Json::from(distrust.from)));
        put("made", made(*added));
        put("openssh", key.ed25519().map(|key| Json::from(key.openssh())));
        put("vkey", vkey(key, self.succession.origin()).map(Json::from));
        object
    }
}

fn vkey(key: &NamedKey, origin: &str) -> Option<String> {
    let name = KeyName::new(origin).ok().filter(|_| key.purpose == KeyPurpose::Checkpoint)?;
    Some(VerifierKey::new(name, key.note_key()?).to_string())
}

/// Writes a moment as ssh-keygen reads it.
fn stamp(time: Time) -> String {
    let text = time.to_second().to_string();
    text.chars().filter(|c| c.is_ascii_digit() || *c == 'Z').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_ssh_keygen_reads_it() {
        assert_eq!(stamp(Time::from_seconds(1_679_315_147).unwrap()), "20230320122547Z");
    }
}
