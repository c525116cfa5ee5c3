//! Policy files, changed: lines are added behind the others, and what people wrote between them stays.
//!
//! ```text
//! witness w1-ed25519 witness.example/w1+42e79f14+BO… https://witness.example/
//! witness w1-ml-dsa-44 witness.example/w1+0b1c7f3a+Bg… https://witness.example/
//! group w1 any w1-ed25519 w1-ml-dsa-44
//! group witnesses 1 w1
//! quorum witnesses
//! ```
//!
//! Rules. A witness that signs with two keys is a group of which any member is enough, so that it counts once. The quorum made
//! here is a group named [`ALL`] over every witness and group that is a member of none; it is made anew each time, the
//! group of an operator never. What comes out is read again as a policy: nothing is written that could not be used.

use crate::log::policy::{Policy, PolicyError, Word};
use crate::log::vkey::{KeyKind, VerifierKey};

/// The name of the group that the quorum is made of here.
pub const ALL: &str = "witnesses";

/// Adds a witness under a name, with its keys, at an address.
///
/// # Errors
/// A [`PolicyError`] when the file is none, or would be none: the name is taken, a key stands twice, or does not cosign.
pub fn with_witness(text: &str, name: &str, keys: &[VerifierKey], url: &str) -> Result<String, PolicyError> {
    let mut text = text.to_owned();
    let line = |name: &str, key: &VerifierKey| format!("witness {name} {key} {url}\n");
    if let [key] = keys {
        text += &line(name, key);
    } else {
        let names: Vec<String> = keys.iter().map(|key| format!("{name}-{}", kind_name(key.kind()))).collect();
        text.extend(names.iter().zip(keys).map(|(name, key)| line(name, key)));
        text.extend([format!("group {name} any {}\n", names.join(" "))]);
    }
    checked(text)
}

/// Asks for `needed` of all witnesses, or for none when it is 0.
///
/// # Errors
/// A [`PolicyError`] when there are not so many.
pub fn with_quorum(text: &str, needed: usize) -> Result<String, PolicyError> {
    Policy::parse(text.as_bytes())?;
    let words =
        |line: &str| line.split([' ', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let is_ours = |line: &str| {
        let words = words(line);
        let first = words.first().map(String::as_str);
        first == Some("quorum") || (first == Some("group") && words.get(1).is_some_and(|name| name == ALL))
    };
    let mut kept: String = text.split_inclusive('\n').filter(|line| !is_ours(line)).collect();
    if needed == 0 {
        return checked(kept + "quorum none\n");
    }
    let (mut names, mut members) = (Vec::new(), Vec::new());
    for line in kept.lines().map(words) {
        match line.first().map(String::as_str) {
            Some("witness") => names.extend(line.get(1).cloned()),
            Some("group") => {
                names.extend(line.get(1).cloned());
                members.extend(line.into_iter().skip(3));
            }
            _ => {}
        }
    }
    names.retain(|name| !members.contains(name));
    kept.extend([format!("group {ALL} {needed} {}\nquorum {ALL}\n", names.join(" "))]);
    checked(kept)
}

/// Chooses a name for a witness out of its key's name, that stands in one word.
#[must_use]
pub fn name_for(key: &VerifierKey) -> String {
    let name: String =
        key.name().as_str().chars().map(|c| if c.is_whitespace() || c.is_control() { '-' } else { c }).collect();
    if Word::new(name.as_bytes()).is_ok() { name } else { "witness".to_owned() }
}

fn checked(text: String) -> Result<String, PolicyError> {
    Policy::parse(text.as_bytes())?;
    Ok(text)
}

fn kind_name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Ed25519 => "note",
        KeyKind::Ed25519Cosignature => "ed25519",
        KeyKind::MlDsa44Cosignature => "ml-dsa-44",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
    use crate::log::vkey::{KeyName, NoteSecretKey, SignerKey};

    fn keys(name: &str, seed: u8) -> Vec<VerifierKey> {
        let name = KeyName::new(name).unwrap();
        let secrets = [
            NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[seed; 32])),
            NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[seed; 32])),
        ];
        secrets.into_iter().map(|secret| SignerKey::new(name.clone(), secret).verifier().clone()).collect()
    }

    const URL: &str = "https://witness.example/";

    #[test]
    fn keeps_what_people_wrote_and_counts_a_witness_once() {
        let begun = "# Ours.\n\nquorum none # no\n".replace(" # no", "");
        let text = with_witness(&begun, "w1", &keys("w.example/1", 1), URL).unwrap();
        let text = with_witness(&text, "w2", &keys("w.example/2", 2)[..1], URL).unwrap();
        assert!(text.starts_with(&begun), "{text}");
        let text = with_quorum(&text, 2).unwrap();
        assert!(text.contains("# Ours.\n") && text.ends_with("group witnesses 2 w1 w2\nquorum witnesses\n"), "{text}");
        assert_eq!(with_quorum(&text, 2).as_ref(), Ok(&text));
        assert!(with_quorum(&text, 0).unwrap().ends_with("quorum none\n"));
        assert!(with_quorum(&text, 3).is_err(), "there are two");
        // One more is added behind the quorum, and asked for when the quorum is made anew.
        let text = with_witness(&text, "w3", &keys("w.example/3", 3)[..1], URL).unwrap();
        assert!(with_quorum(&text, 3).unwrap().contains("group witnesses 3 w1 w2 w3\n"));
    }

    #[test]
    fn writes_nothing_that_is_no_policy() {
        let text = with_witness("quorum none\n", "w1", &keys("w.example/1", 1)[..1], URL).unwrap();
        assert!(with_witness(&text, "w1", &keys("w.example/2", 2)[..1], URL).is_err(), "the name is taken");
        assert!(with_witness(&text, "w2", &keys("w.example/1", 1)[..1], URL).is_err(), "the key stands twice");
        assert!(with_witness(&text, "a b", &keys("w.example/2", 2)[..1], URL).is_err());
        assert!(with_witness(&text, "w2", &[], URL).is_err());
        let own = text + "group mine 1 w1\nquorum mine\n";
        let own = own.replace("quorum none\n", "");
        assert!(with_quorum(&own, 1).unwrap().contains("group mine 1 w1\ngroup witnesses 1 mine\n"));
    }
}
