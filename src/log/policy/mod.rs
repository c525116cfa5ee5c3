//! Policies: whose word is enough for a reader.
//!
//! ```text
//! # The archive, by its two keys.
//! log log.example.org/affiant+d7073dae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c https://log.example.org/
//!
//! witness first witness.example.org/w1+42e79f14+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR
//! witness second witness.example.org/w2+8586001a+BMqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58
//! group either 1 first second
//! quorum either
//! ```
//!
//! | line                                  | says                                                  | at most      |
//! |---------------------------------------|-------------------------------------------------------|--------------|
//! | `log <vkey> [<url>]`                  | checkpoints of the origin that the key is named after | 256          |
//! | `witness <name> <vkey> [<url>]`       | a key that cosigns (types 0x04, 0x06)                 | 256          |
//! | `group <name> all\|any\|<k> <name>…`  | witnesses a checkpoint when k of its members did      | 256          |
//! | `quorum <name>\|none`                 | who must have witnessed, exactly once                 | 1            |
//! | `# …`, blank                          | nothing                                               | file: 1 MiB  |
//!
//! Rules. Words are separated by spaces and tabs; every line ends in a newline; no other control
//! characters. Names of witnesses and groups are opaque bytes in one namespace; `none` is taken. A name
//! is defined on an earlier line than it is used, and is a member of one group at most. No public key
//! stands twice, under whatever name.
//!
//! To verify a checkpoint:
//! 1. Check every signature line by any key of the policy. A bad one rejects the checkpoint.
//! 2. One key of a `log` line that is named as the checkpoint's origin must have signed.
//! 3. Mark the witnesses that cosigned, then each group in order, then look at the quorum.
//!
//! Source: C2SP tlog-policy. Stricter: a key may not be a log's and a witness's at once, since a log is no
//! other party than itself; a group's k has no leading zeros.

mod draft;
mod line;
mod report;

pub use line::{
    COUNT_MAX, PolicyError, PolicyGroup, PolicyLineError, PolicyLog, PolicyWitness, Quorum, SIZE_BYTES_MAX, Word,
};
pub use report::{LogSigner, PolicyReport, QuorumCount, WitnessReport, Witnessed};

use std::collections::HashMap;

use draft::Draft;
use line::{Lines, NONE};

use crate::log::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::log::note::NoteError;
use crate::log::vkey::VerifierKey;

/// Whose word is enough.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    lines: Lines,
}

impl Policy {
    /// Trusts these logs, without witnesses.
    ///
    /// # Errors
    /// [`PolicyError::Key`] when one public key stands twice.
    pub fn trusting(keys: Vec<VerifierKey>) -> Result<Self, PolicyError> {
        let mut draft = Draft::default();
        for key in keys {
            draft.add_log(PolicyLog { key, url: None }).map_err(PolicyError::Key)?;
        }
        draft.quorum = Some(Quorum::None);
        Ok(Self { lines: draft.finish()? })
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// One [`PolicyError`] per rule; for a line its number, counted from 1.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > SIZE_BYTES_MAX {
            return Err(PolicyError::TooLong { found: bytes.len() });
        }
        let mut draft = Draft::default();
        let mut lines = bytes.split(|b| *b == b'\n');
        if lines.next_back().is_some_and(|rest| !rest.is_empty()) {
            return Err(PolicyError::NoFinalNewline);
        }
        for (line, text) in (1..).zip(lines) {
            draft.read_line(text).map_err(|source| PolicyError::Line { line, source })?;
        }
        Ok(Self { lines: draft.finish()? })
    }

    /// Returns the logs.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.lines.logs
    }

    /// Returns the witnesses.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.lines.witnesses
    }

    /// Returns who must have witnessed.
    #[must_use]
    pub fn quorum(&self) -> &Quorum {
        &self.lines.quorum
    }

    /// Returns the policy with a log's key added.
    ///
    /// # Errors
    /// As [`Self::trusting`].
    pub fn with_log(self, log: PolicyLog) -> Result<Self, PolicyError> {
        let Lines { logs, witnesses, groups, quorum } = self.lines;
        let mut draft = Draft::default();
        for log in logs.into_iter().chain([log]) {
            draft.add_log(log).map_err(PolicyError::Key)?;
        }
        for witness in witnesses {
            draft.add_witness(witness).map_err(PolicyError::Key)?;
        }
        for group in groups {
            draft.add_group(group).map_err(PolicyError::Key)?;
        }
        draft.quorum = Some(quorum);
        Ok(Self { lines: draft.finish()? })
    }

    /// Returns the policy file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut line = |words: &[&[u8]], url: &Option<Word>| {
            file.extend(words.join(&b' '));
            if let Some(url) = url {
                file.push(b' ');
                file.extend(url.as_bytes());
            }
            file.push(b'\n');
        };
        for log in &self.lines.logs {
            line(&[b"log", log.key.to_string().as_bytes()], &log.url);
        }
        for witness in &self.lines.witnesses {
            line(&[b"witness", witness.name.as_bytes(), witness.key.to_string().as_bytes()], &witness.url);
        }
        for group in &self.lines.groups {
            let needed = group.needed.to_string();
            let members = group.members.iter().map(Word::as_bytes);
            let words: Vec<_> =
                [b"group".as_slice(), group.name.as_bytes(), needed.as_bytes()].into_iter().chain(members).collect();
            line(&words, &None);
        }
        let quorum = match &self.lines.quorum {
            Quorum::None => NONE,
            Quorum::Of(name) => name.as_bytes(),
        };
        line(&[b"quorum", quorum], &None);
        file
    }

    /// Looks at a checkpoint with the reader's eyes.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] when a signature by one of the policy's keys is bad. That none of them
    /// signed is no error but what the report says.
    pub fn check(&self, checkpoint: &SignedCheckpoint) -> Result<PolicyReport, CheckpointError> {
        let keys: Vec<VerifierKey> =
            self.logs().iter().map(|log| &log.key).chain(self.witnesses().iter().map(|w| &w.key)).cloned().collect();
        let signers = match checkpoint.verify(&keys) {
            Ok(signers) => signers,
            Err(CheckpointError::Note(NoteError::NoKnownKey)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let origin = &checkpoint.checkpoint().origin;
        let log_is_known = self.logs().iter().any(|log| origin.is_name_of(&log.key));
        let is_log = |key: &VerifierKey| origin.is_name_of(key) && self.logs().iter().any(|log| log.key == *key);
        let log_signers = signers.iter().filter(|signer| is_log(signer.key));
        let log_signers = log_signers.map(|signer| LogSigner { key: signer.key.clone(), time: signer.time }).collect();
        let witness = |witness: &PolicyWitness| {
            let signer = signers.iter().find(|signer| *signer.key == witness.key);
            let cosigned =
                signer.map_or(Witnessed::Not, |signer| signer.time.map_or(Witnessed::Undated, Witnessed::At));
            WitnessReport { name: witness.name.clone(), key: witness.key.clone(), witnessed: cosigned }
        };
        let witnesses: Vec<WitnessReport> = self.witnesses().iter().map(witness).collect();
        let quorum = self.count(&witnesses);
        Ok(PolicyReport { log_is_known, log_signers, witnesses, quorum })
    }

    // Groups name only what stands above them, so one pass in order is enough.
    fn count(&self, witnesses: &[WitnessReport]) -> QuorumCount {
        let Quorum::Of(quorum) = self.quorum() else {
            return QuorumCount { needed: 0, witnessed: 0, members: 0 };
        };
        let single = |witnessed: bool| QuorumCount { needed: 1, witnessed: usize::from(witnessed), members: 1 };
        let mut counts: HashMap<&Word, QuorumCount> = HashMap::new();
        for witness in witnesses {
            counts.insert(&witness.name, single(witness.witnessed != Witnessed::Not));
        }
        for PolicyGroup { name, needed, members } in &self.lines.groups {
            let is_met = |member: &&Word| counts.get(member).is_some_and(QuorumCount::is_met);
            let met = members.iter().filter(is_met).count();
            let count = QuorumCount { needed: *needed, witnessed: met, members: members.len() };
            counts.insert(name, count);
        }
        counts.get(quorum).copied().unwrap_or(single(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::Hash;
    use crate::base::time::Time;
    use crate::log::checkpoint::{Checkpoint, Origin};
    use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
    use crate::log::vkey::{KeyName, NoteSecretKey, SignerKey, VkeyError};

    const LOG: &str = "log.example.org/affiant";

    fn example() -> String {
        let page = include_str!("mod.rs").split("//! ```").nth(1).unwrap();
        page.lines().skip(1).map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n").collect()
    }

    fn seconds(seconds: u64) -> Time {
        Time::from_seconds(seconds).unwrap()
    }

    fn log_key(seed: u8) -> SignerKey {
        let secret = NoteSecretKey::Ed25519(Ed25519SecretKey::from_seed(&[seed; 32]));
        SignerKey::new(KeyName::new(LOG).unwrap(), secret)
    }

    fn witness(number: u8) -> SignerKey {
        let secret = NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[number + 2; 32]));
        SignerKey::new(KeyName::new(&format!("witness.example.org/w{number}")).unwrap(), secret)
    }

    fn checkpoint(witnesses: &[u8]) -> SignedCheckpoint {
        let checkpoint = Checkpoint { origin: Origin::new(LOG).unwrap(), size: 42, root: Hash::of(b"abc") };
        let mut signed = SignedCheckpoint::sign(&checkpoint, seconds(1_000), &[log_key(1)]).unwrap();
        for number in witnesses {
            signed.add(signed.cosign(&witness(*number), seconds(2_000 + u64::from(*number))).unwrap());
        }
        signed
    }

    fn policy(lines: &str) -> Policy {
        Policy::parse(lines.as_bytes()).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Four witnesses `1` to `4` and then `lines`.
    fn with_witnesses(lines: &str) -> String {
        let witnesses = [1, 2, 3, 4].map(|n| format!("witness {n} {}\n", witness(n).verifier())).concat();
        format!("log {}\n{witnesses}{lines}", log_key(1).verifier())
    }

    fn line_error(text: &str) -> PolicyLineError {
        match Policy::parse(text.as_bytes()) {
            Err(PolicyError::Line { source, .. }) => source,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_page_s_example_is_read_and_satisfied() {
        let policy = policy(&example());
        assert_eq!(policy.logs()[0].key, *log_key(1).verifier());
        assert_eq!(policy.logs()[0].url.as_ref().unwrap().to_string(), "https://log.example.org/");
        assert_eq!(Policy::parse(&policy.encode()).as_ref(), Ok(&policy));

        let report = policy.check(&checkpoint(&[2])).unwrap();
        assert!(report.is_satisfied() && report.log_is_known);
        assert_eq!(report.quorum, QuorumCount { needed: 1, witnessed: 1, members: 2 });
        let cosigned: Vec<_> = report.witnesses.iter().map(|witness| witness.witnessed).collect();
        assert_eq!(cosigned, [Witnessed::Not, Witnessed::At(seconds(2_002))]);

        let report = policy.check(&checkpoint(&[])).unwrap();
        assert!(!report.is_satisfied() && !report.log_signers.is_empty());
    }

    #[test]
    fn quorums_are_counted_by_the_definition() {
        // Every subset of four witnesses, against the definition written out by hand.
        type Rule = fn(bool, bool, bool, bool) -> bool;
        let cases: [(&str, Rule); 7] = [
            ("quorum none\n", |_, _, _, _| true),
            ("quorum 3\n", |_, _, c, _| c),
            ("group g all 1 2\nquorum g\n", |a, b, _, _| a && b),
            ("group g any 1 2 3\nquorum g\n", |a, b, c, _| a || b || c),
            ("group g 2 1 2 3\nquorum g\n", |a, b, c, _| (a && (b || c)) || (b && c)),
            ("group g all 1 2\ngroup h any 3 4\ngroup i all g h\nquorum i\n", |a, b, c, d| a && b && (c || d)),
            ("group g all 1 2\ngroup h 2 g 3 4\nquorum h\n", |a, b, c, d| (a && b && (c || d)) || (c && d)),
        ];
        for (lines, rule) in cases {
            let policy = policy(&with_witnesses(lines));
            for subset in 0..16_u8 {
                let present = |n: u8| subset >> (n - 1) & 1 == 1;
                let witnesses: Vec<u8> = (1..=4).filter(|n| present(*n)).collect();
                let report = policy.check(&checkpoint(&witnesses)).unwrap();
                let expected = rule(present(1), present(2), present(3), present(4));
                assert_eq!(report.is_satisfied(), expected, "{lines} {witnesses:?}");
            }
            assert_eq!(Policy::parse(&policy.encode()), Ok(policy));
        }
    }

    #[test]
    fn only_the_log_s_own_key_speaks_for_it() {
        let stranger = Policy::trusting(vec![log_key(9).verifier().clone()]).unwrap();
        let report = stranger.check(&checkpoint(&[])).unwrap();
        assert!(report.log_is_known && report.log_signers.is_empty() && !report.is_satisfied());

        // Another log's key, though trusted and its line good, is not this log's.
        let other = SignerKey::new(
            KeyName::new("other.example.org").unwrap(),
            NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[5; 32])),
        );
        let mut signed = checkpoint(&[]);
        signed.add(signed.cosign(&other, seconds(1)).unwrap());
        let report = Policy::trusting(vec![other.verifier().clone()]).unwrap().check(&signed).unwrap();
        assert!(!report.log_is_known && report.log_signers.is_empty() && !report.is_satisfied());

        // Any one of a log's keys is enough.
        let both = Policy::trusting(vec![log_key(9).verifier().clone(), log_key(1).verifier().clone()]).unwrap();
        assert!(both.check(&signed).unwrap().is_satisfied());
    }

    #[test]
    fn a_bad_signature_by_a_known_witness_rejects() {
        let mut signed = checkpoint(&[1]);
        let mut forged = checkpoint(&[2]).signatures()[1].clone();
        forged.bytes[70] ^= 1;
        signed.add(forged);
        let known = policy(&with_witnesses("quorum 1\n"));
        let expected = CheckpointError::Note(NoteError::bad_signature(witness(2).verifier()));
        assert_eq!(known.check(&signed), Err(expected));
        let unknown = policy(&format!("log {}\nquorum none\n", log_key(1).verifier()));
        assert!(unknown.check(&signed).unwrap().is_satisfied());
    }

    #[test]
    fn white_space_comments_and_opaque_names_are_allowed() {
        let vkey = witness(1).verifier().to_string();
        let mut file = format!("\t # comment\n\n  \nwitness\t \u{212a} {vkey} \t\nquorum \u{212a}\n").into_bytes();
        let policy = Policy::parse(&file).unwrap();
        assert_eq!(policy.quorum(), &Quorum::Of(Word::new("\u{212a}".as_bytes()).unwrap()));
        file.extend(b"#\xff\n");
        assert_eq!(Policy::parse(&file), Ok(policy));
        let kelvin = line_error(&format!("witness K {vkey}\nquorum \u{212a}\n"));
        assert_eq!(kelvin, PolicyLineError::Undefined { name: Word::new("\u{212a}".as_bytes()).unwrap() });
    }

    #[test]
    fn rejects_each_broken_rule() {
        let name = |name: &str| Word::new(name.as_bytes()).unwrap();
        let threshold = |found: &str, members| PolicyLineError::Threshold { found: found.to_owned(), members };
        let fingerprint = witness(1).verifier().fingerprint();
        let (log, first) = (log_key(1).verifier().to_string(), witness(1).verifier().to_string());
        let renamed = VerifierKey::new(KeyName::new("x").unwrap(), witness(1).verifier().key().clone());
        let cases = [
            ("quorum 5\n".to_owned(), PolicyLineError::Undefined { name: name("5") }),
            ("group g any 1 none\n".to_owned(), PolicyLineError::Undefined { name: name("none") }),
            ("group g any g\n".to_owned(), PolicyLineError::Undefined { name: name("g") }),
            ("group none any 1\n".to_owned(), PolicyLineError::NameTaken { name: name("none") }),
            ("group 1 any 2\n".to_owned(), PolicyLineError::NameTaken { name: name("1") }),
            ("group g any 1 1\n".to_owned(), PolicyLineError::MemberTwice { name: name("1") }),
            ("group g any 1\ngroup h any 1 2\n".to_owned(), PolicyLineError::MemberTwice { name: name("1") }),
            ("group g 0 1 2\n".to_owned(), threshold("0", 2)),
            ("group g 3 1 2\n".to_owned(), threshold("3", 2)),
            ("group g 01 1 2\n".to_owned(), threshold("01", 2)),
            ("group g +1 1 2\n".to_owned(), threshold("+1", 2)),
            ("group g 99999999999999999999 1 2\n".to_owned(), threshold("99999999999999999999", 2)),
            ("group g any\n".to_owned(), PolicyLineError::WrongCount { found: 3 }),
            ("quorum\n".to_owned(), PolicyLineError::WrongCount { found: 1 }),
            ("quorum 1 2\n".to_owned(), PolicyLineError::WrongCount { found: 3 }),
            ("quorum 1\nquorum 1\n".to_owned(), PolicyLineError::QuorumTwice),
            ("Quorum 1\n".to_owned(), PolicyLineError::UnknownKeyword { found: "Quorum".to_owned() }),
            ("quorum 1\r\n".to_owned(), PolicyLineError::ControlCharacter { position: 8 }),
            (format!("witness 5 {log}\n"), PolicyLineError::NotCosigner { name: LOG.to_owned() }),
            (format!("witness 5 {first}\n"), PolicyLineError::KeyTwice { fingerprint: fingerprint.clone() }),
            (format!("witness 5 {renamed}\n"), PolicyLineError::KeyTwice { fingerprint: fingerprint.clone() }),
            (format!("log {first}\n"), PolicyLineError::KeyTwice { fingerprint }),
            ("log x+00000000+AA==\n".to_owned(), PolicyLineError::Key(VkeyError::UnknownType { found: 0 })),
        ];
        for (lines, expected) in cases {
            assert_eq!(line_error(&with_witnesses(&lines)), expected, "{lines}");
        }
        assert_eq!(Policy::parse(b""), Err(PolicyError::NoQuorum));
        assert_eq!(Policy::parse(b"quorum none"), Err(PolicyError::NoFinalNewline));
        assert_eq!(
            Policy::parse(&vec![b'\n'; SIZE_BYTES_MAX + 1]),
            Err(PolicyError::TooLong { found: SIZE_BYTES_MAX + 1 })
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(lines in "((log|witness|group|quorum|none|any|[ab#\t ]|[1-3]) ?){0,6}\n", at: usize) {
            let mut file = example().into_bytes();
            let at = at % file.len();
            file.splice(at..at, lines.bytes());
            if let Ok(policy) = Policy::parse(&file) {
                proptest::prop_assert_eq!(Policy::parse(&policy.encode()), Ok(policy));
            }
        }
    }

    #[test]
    fn a_log_is_added_once() {
        let policy = policy(&example());
        let added = policy.clone().with_log(PolicyLog { key: log_key(9).verifier().clone(), url: None }).unwrap();
        assert_eq!((added.logs().len(), added.witnesses()), (2, policy.witnesses()));
        let again = PolicyLog { key: log_key(1).verifier().clone(), url: None };
        assert!(matches!(policy.with_log(again), Err(PolicyError::Key(PolicyLineError::KeyTwice { .. }))));
    }
}
