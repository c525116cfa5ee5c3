//! Drafts: a policy as it is read, line by line, each held to the rules that need what stands above it.

use std::collections::HashSet;

use super::line::{
    COUNT_MAX, Lines, NONE, PolicyError, PolicyGroup, PolicyLineError, PolicyLog, PolicyWitness, Quorum, Word,
};

use crate::log::vkey::{KeyKind, VerifierKey, VkeyError};

/// A policy as it is read, with what its rules need to know.
#[derive(Default)]
pub(super) struct Draft {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<PolicyGroup>,
    pub(super) quorum: Option<Quorum>,
    names: HashSet<Word>,
    members: HashSet<Word>,
    public_keys: HashSet<Vec<u8>>,
}

impl Draft {
    pub(super) fn read_line(&mut self, line: &[u8]) -> Result<(), PolicyLineError> {
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

    pub(super) fn add_log(&mut self, log: PolicyLog) -> Result<(), PolicyLineError> {
        self.add_key(&log.key)?;
        below_limit(self.logs.len())?;
        self.logs.push(log);
        Ok(())
    }

    pub(super) fn add_witness(&mut self, witness: PolicyWitness) -> Result<(), PolicyLineError> {
        if witness.key.kind() == KeyKind::Ed25519 {
            return Err(PolicyLineError::NotCosigner { name: witness.key.name().to_string() });
        }
        self.add_key(&witness.key)?;
        self.define(&witness.name)?;
        below_limit(self.witnesses.len())?;
        self.witnesses.push(witness);
        Ok(())
    }

    pub(super) fn add_group(&mut self, group: PolicyGroup) -> Result<(), PolicyLineError> {
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
        self.quorum = Some(if name.as_bytes() == NONE {
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
        if name.as_bytes() == NONE || !self.names.insert(name.clone()) {
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

    pub(super) fn finish(self) -> Result<Lines, PolicyError> {
        let Self { logs, witnesses, groups, quorum, .. } = self;
        Ok(Lines { logs, witnesses, groups, quorum: quorum.ok_or(PolicyError::NoQuorum)? })
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
