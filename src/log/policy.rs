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

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::base::time::Time;
use crate::log::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::log::note::NoteError;
use crate::log::vkey::{KeyKind, VerifierKey, VkeyError};

/// The longest policy read.
pub const SIZE_BYTES_MAX: usize = 1 << 20;

/// The greatest number of logs, of witnesses and of groups; the specification asks for 32 of each.
pub const COUNT_MAX: usize = 256;

/// A word of a policy file, such as a name: opaque bytes without white space and control characters.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Word(Vec<u8>);

impl Word {
    /// Takes a word.
    ///
    /// # Errors
    /// [`PolicyLineError::Word`].
    pub fn new(bytes: &[u8]) -> Result<Self, PolicyLineError> {
        if bytes.is_empty() || bytes.iter().any(|b| *b <= b' ' || *b == 0x7f) {
            return Err(PolicyLineError::Word);
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A log that the reader trusts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyLog {
    /// The log's key, named as its origin.
    pub key: VerifierKey,
    /// Where the log is, for programs that fetch it.
    pub url: Option<Word>,
}

/// A witness that the reader trusts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyWitness {
    /// Its name within the policy.
    pub name: Word,
    /// The key that cosigns.
    pub key: VerifierKey,
    /// Where the witness takes checkpoints.
    pub url: Option<Word>,
}

/// Witnesses or groups of which some number must have witnessed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyGroup {
    /// Its name within the policy.
    pub name: Word,
    /// How many of its members are needed.
    pub needed: usize,
    /// The names of its members.
    pub members: Vec<Word>,
}

/// Who must have witnessed a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Quorum {
    /// Nobody.
    None,
    /// The witness or group of this name.
    Of(Word),
}

/// Whose word is enough.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<PolicyGroup>,
    quorum: Quorum,
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
        draft.finish()
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
        draft.finish()
    }

    /// Returns the logs.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// Returns the witnesses.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Returns who must have witnessed.
    #[must_use]
    pub fn quorum(&self) -> &Quorum {
        &self.quorum
    }

    /// Returns the policy with a log's key added.
    ///
    /// # Errors
    /// As [`Self::trusting`].
    pub fn with_log(self, log: PolicyLog) -> Result<Self, PolicyError> {
        let Self { logs, witnesses, groups, quorum } = self;
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
        draft.finish()
    }

    /// Returns the policy file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut line = |words: &[&[u8]], url: &Option<Word>| {
            file.extend(words.join(&b' '));
            if let Some(url) = url {
                file.push(b' ');
                file.extend(&url.0);
            }
            file.push(b'\n');
        };
        for log in &self.logs {
            line(&[b"log", log.key.to_string().as_bytes()], &log.url);
        }
        for witness in &self.witnesses {
            line(&[b"witness", &witness.name.0, witness.key.to_string().as_bytes()], &witness.url);
        }
        for group in &self.groups {
            let needed = group.needed.to_string();
            let members = group.members.iter().map(Word::as_bytes);
            let words: Vec<_> =
                [b"group".as_slice(), &group.name.0, needed.as_bytes()].into_iter().chain(members).collect();
            line(&words, &None);
        }
        let quorum = match &self.quorum {
            Quorum::None => NONE,
            Quorum::Of(name) => &name.0,
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
            self.logs.iter().map(|log| &log.key).chain(self.witnesses.iter().map(|w| &w.key)).cloned().collect();
        let signers = match checkpoint.verify(&keys) {
            Ok(signers) => signers,
            Err(CheckpointError::Note(NoteError::NoKnownKey)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let origin = &checkpoint.checkpoint().origin;
        let log_is_known = self.logs.iter().any(|log| origin.is_name_of(&log.key));
        let is_log = |key: &VerifierKey| origin.is_name_of(key) && self.logs.iter().any(|log| log.key == *key);
        let log_signers = signers.iter().filter(|signer| is_log(signer.key));
        let log_signers = log_signers.map(|signer| LogSigner { key: signer.key.clone(), time: signer.time }).collect();
        let witness = |witness: &PolicyWitness| {
            let signer = signers.iter().find(|signer| *signer.key == witness.key);
            let cosigned =
                signer.map_or(Witnessed::Not, |signer| signer.time.map_or(Witnessed::Undated, Witnessed::At));
            WitnessReport { name: witness.name.clone(), key: witness.key.clone(), witnessed: cosigned }
        };
        let witnesses: Vec<WitnessReport> = self.witnesses.iter().map(witness).collect();
        let quorum = self.count(&witnesses);
        Ok(PolicyReport { log_is_known, log_signers, witnesses, quorum })
    }

    // Groups name only what stands above them, so one pass in order is enough.
    fn count(&self, witnesses: &[WitnessReport]) -> QuorumCount {
        let Quorum::Of(quorum) = &self.quorum else {
            return QuorumCount { needed: 0, witnessed: 0, members: 0 };
        };
        let single = |witnessed: bool| QuorumCount { needed: 1, witnessed: usize::from(witnessed), members: 1 };
        let mut counts: HashMap<&Word, QuorumCount> = HashMap::new();
        for witness in witnesses {
            counts.insert(&witness.name, single(witness.witnessed != Witnessed::Not));
        }
        for PolicyGroup { name, needed, members } in &self.groups {
            let is_met = |member: &&Word| counts.get(member).is_some_and(QuorumCount::is_met);
            let met = members.iter().filter(is_met).count();
            let count = QuorumCount { needed: *needed, witnessed: met, members: members.len() };
            counts.insert(name, count);
        }
        counts.get(quorum).copied().unwrap_or(single(false))
    }
}

/// What a policy makes of a checkpoint whose signatures by its keys are all good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyReport {
    /// Whether the policy names the checkpoint's log at all.
    pub log_is_known: bool,
    /// The log's keys that signed. Empty means that nobody known vouches for the checkpoint.
    pub log_signers: Vec<LogSigner>,
    /// Every witness of the policy.
    pub witnesses: Vec<WitnessReport>,
    /// What the quorum needs and has.
    pub quorum: QuorumCount,
}

impl PolicyReport {
    /// Says whether the policy is satisfied: the log signed and the quorum witnessed.
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        !self.log_signers.is_empty() && self.quorum.is_met()
    }
}

/// A key of the log that signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogSigner {
    /// The key.
    pub key: VerifierKey,
    /// When it signed, by its own word: only cosignature lines say.
    pub time: Option<Time>,
}

/// A witness, and what it did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WitnessReport {
    /// Its name within the policy.
    pub name: Word,
    /// Its key.
    pub key: VerifierKey,
    /// Whether and when it cosigned.
    pub witnessed: Witnessed,
}

/// Whether and when a witness cosigned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Witnessed {
    /// It did, at this time by its own word.
    At(Time),
    /// It did not.
    Not,
    /// It did, without saying when.
    Undated,
}

/// What a quorum needs and has: `witnessed` of `members`, of which `needed` are enough.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QuorumCount {
    /// How many members must have witnessed; 0 where the policy asks for none.
    pub needed: usize,
    /// How many members did.
    pub witnessed: usize,
    /// How many members there are.
    pub members: usize,
}

impl QuorumCount {
    /// Says whether enough members witnessed. Of a quorum of none this is true and shows nothing.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.witnessed >= self.needed
    }
}

/// A policy as it is read, with what its rules need to know.
#[derive(Default)]
struct Draft {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<PolicyGroup>,
    quorum: Option<Quorum>,
    names: HashSet<Word>,
    members: HashSet<Word>,
    public_keys: HashSet<Vec<u8>>,
}

impl Draft {
    fn read_line(&mut self, line: &[u8]) -> Result<(), PolicyLineError> {
        if let Some(position) = line.iter().position(|b| (*b < b' ' && *b != b'\t') || *b == 0x7f) {
            return Err(PolicyLineError::ControlCharacter { position });
        }
        let words: Vec<&[u8]> = line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match *words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] => self.add_log(PolicyLog { key: vkey(key)?, url: None }),
            [b"log", key, url] => self.add_log(PolicyLog { key: vkey(key)?, url: Some(Word::new(url)?) }),
            [b"witness", name, key] => {
                self.add_witness(PolicyWitness { name: Word::new(name)?, key: vkey(key)?, url: None })
            }
            [b"witness", name, key, url] => {
                let url = Some(Word::new(url)?);
                self.add_witness(PolicyWitness { name: Word::new(name)?, key: vkey(key)?, url })
            }
            [b"group", name, threshold, ref members @ ..] if !members.is_empty() => {
                let needed = needed(threshold, members.len())?;
                let members = members.iter().map(|member| Word::new(member)).collect::<Result<_, _>>()?;
                self.add_group(PolicyGroup { name: Word::new(name)?, needed, members })
            }
            [b"quorum", name] => self.set_quorum(Word::new(name)?),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => Err(PolicyLineError::WrongCount { found: words.len() }),
            [other, ..] => Err(PolicyLineError::UnknownKeyword { found: shown(other) }),
        }
    }

    fn add_log(&mut self, log: PolicyLog) -> Result<(), PolicyLineError> {
        self.add_key(&log.key)?;
        below_limit(self.logs.len())?;
        self.logs.push(log);
        Ok(())
    }

    fn add_witness(&mut self, witness: PolicyWitness) -> Result<(), PolicyLineError> {
        if witness.key.kind() == KeyKind::Ed25519 {
            return Err(PolicyLineError::NotCosigner { name: witness.key.name().to_string() });
        }
        self.add_key(&witness.key)?;
        self.define(&witness.name)?;
        below_limit(self.witnesses.len())?;
        self.witnesses.push(witness);
        Ok(())
    }

    fn add_group(&mut self, group: PolicyGroup) -> Result<(), PolicyLineError> {
        for member in &group.members {
            self.expect_defined(member)?;
            if !self.members.insert(member.clone()) {
                return Err(PolicyLineError::MemberTwice { name: member.clone() });
            }
        }
        self.define(&group.name)?;
        below_limit(self.groups.len())?;
        self.groups.push(group);
        Ok(())
    }

    fn set_quorum(&mut self, name: Word) -> Result<(), PolicyLineError> {
        if self.quorum.is_some() {
            return Err(PolicyLineError::QuorumTwice);
        }
        self.quorum = Some(if name.0 == NONE {
            Quorum::None
        } else {
            self.expect_defined(&name)?;
            Quorum::Of(name)
        });
        Ok(())
    }

    fn add_key(&mut self, key: &VerifierKey) -> Result<(), PolicyLineError> {
        // The same bytes under another name or purpose are the same key: nobody may speak twice.
        if !self.public_keys.insert(key.key().as_bytes().to_vec()) {
            return Err(PolicyLineError::KeyTwice { fingerprint: key.fingerprint() });
        }
        Ok(())
    }

    fn define(&mut self, name: &Word) -> Result<(), PolicyLineError> {
        if name.0 == NONE || !self.names.insert(name.clone()) {
            return Err(PolicyLineError::NameTaken { name: name.clone() });
        }
        Ok(())
    }

    fn expect_defined(&self, name: &Word) -> Result<(), PolicyLineError> {
        if !self.names.contains(name) {
            return Err(PolicyLineError::Undefined { name: name.clone() });
        }
        Ok(())
    }

    fn finish(self) -> Result<Policy, PolicyError> {
        let Self { logs, witnesses, groups, quorum, .. } = self;
        Ok(Policy { logs, witnesses, groups, quorum: quorum.ok_or(PolicyError::NoQuorum)? })
    }
}

fn vkey(word: &[u8]) -> Result<VerifierKey, PolicyLineError> {
    let text = str::from_utf8(word).map_err(|_| PolicyLineError::Key(VkeyError::NotVkey))?;
    VerifierKey::parse(text).map_err(PolicyLineError::Key)
}

fn needed(threshold: &[u8], members: usize) -> Result<usize, PolicyLineError> {
    let wrong = || PolicyLineError::Threshold { found: shown(threshold), members };
    match threshold {
        b"all" => Ok(members),
        b"any" => Ok(1),
        [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
            let needed = str::from_utf8(threshold).ok().and_then(|digits| digits.parse().ok());
            needed.filter(|needed| *needed <= members).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn below_limit(count: usize) -> Result<(), PolicyLineError> {
    if count >= COUNT_MAX {
        return Err(PolicyLineError::TooMany);
    }
    Ok(())
}

fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).chars().take(64).collect()
}

const NONE: &[u8] = b"none";

/// Why bytes are not a policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PolicyError {
    #[error("a key cannot be added")]
    Key(#[source] PolicyLineError),
    #[error("line {line}")]
    Line { line: usize, source: PolicyLineError },
    #[error("the last line has no newline")]
    NoFinalNewline,
    #[error("no quorum line; `quorum none` asks for no witnesses")]
    NoQuorum,
    #[error("{found} bytes, more than the limit of {SIZE_BYTES_MAX}")]
    TooLong { found: usize },
}

/// Why a line is not a policy's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum PolicyLineError {
    #[error("control character at byte {position}")]
    ControlCharacter { position: usize },
    #[error("vkey")]
    Key(#[source] VkeyError),
    #[error("the public key {fingerprint} stands twice")]
    KeyTwice { fingerprint: String },
    #[error("`{name}` is a member of a group already")]
    MemberTwice { name: Word },
    #[error("the name `{name}` is taken")]
    NameTaken { name: Word },
    #[error("a witness cosigns (types 0x04 and 0x06), the key named `{name}` does not")]
    NotCosigner { name: String },
    #[error("a second quorum line")]
    QuorumTwice,
    #[error("`{found}` of {members} members; write `all`, `any` or a number from 1 to {members}")]
    Threshold { found: String, members: usize },
    #[error("more than {COUNT_MAX} of a kind")]
    TooMany,
    #[error("`{name}` is not defined above")]
    Undefined { name: Word },
    #[error("`{found}` is not one of `log`, `witness`, `group` and `quorum`")]
    UnknownKeyword { found: String },
    #[error("a word is not empty and holds no white space")]
    Word,
    #[error("{found} words are too few or too many")]
    WrongCount { found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::Hash;
    use crate::log::checkpoint::{Checkpoint, Origin};
    use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
    use crate::log::vkey::{KeyName, NoteSecretKey, SignerKey};

    const LOG: &str = "log.example.org/affiant";

    fn example() -> String {
        let page = include_str!("policy.rs").split("//! ```").nth(1).unwrap();
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
