//! The succession: which of an archive's keys were valid at which entry.
//!
//! | quantity   | unit                     | range                                              |
//! |------------|--------------------------|----------------------------------------------------|
//! | index      | entries, counted from 0  | that of a record                                   |
//! | tenure     | entries                  | from the entry that adds a key up to, and without, the one that retires it |
//! | changes    | key records              | at most [`RECORD_COUNT_MAX`]                       |
//!
//! Entry 0 names the first keys, key records ([`crate::evidence::record::KeyChange`]) change them. Validity is judged by
//! index, never by date: a statement by the index of its entry, a checkpoint of size *s* as if it were entry *s* − 1, its
//! last. So a retired key's checkpoints end before the one that covers its retirement.
//!
//! Who must sign a change: every key that it adds, and
//! - the recovery key, whose SHA-256 entry 0 names, whatever has become of the others; it, and nobody else, also lets another
//!   recovery key take over; or
//! - every key of the purposes that it touches that was valid before it, and every key that it retires or distrusts.
//!
//! Rules. There is always one valid statement key, and always a log key of each algorithm that there was. A key is added
//! once, for one purpose. Key records name one another ([`crate::evidence::record::Record::key_record`]), so that none between
//! two can be left out. A distrust says that nothing counts that the key signed from an entry on, and it does not reach
//! key records: those bear signatures of their own, by several keys, and are judged as the log stood at their place.
//!
//! What this cannot show: that no key record came *after* the last one at hand. Whoever wants to know looks at a newer
//! checkpoint of the log. And the recovery key's word is worth what entry 0 is: it says that the archive recovered, to a reader
//! who knows that archive by something other than a key that is lost.

mod error;
mod tenure;

pub use error::{RECORD_COUNT_MAX, SuccessionError};
pub use tenure::{Distrust, Recovery, Standing, Tenure};

use std::collections::{BTreeMap, BTreeSet};

use super::record::{Body, Change, ED25519, Genesis, KeyAct, KeyChange, KeyPurpose, ML_DSA_44, NamedKey, Record};
use super::statement::Statement;

use crate::base::hash::Hash;
use crate::log::key::{Ed25519PublicKey, MlDsa44PublicKey};
use crate::log::vkey::{KeyName, VerifierKey};

/// An archive's keys through time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Succession {
    origin: String,
    /// The recovery keys, each the one that counts up to the next.
    recoveries: Vec<Recovery>,
    tenures: Vec<Tenure>,
    /// The key records that were taken: index, and SHA-256 of what the keys signed there.
    records: BTreeMap<u64, Hash>,
}

impl Succession {
    /// Begins with the keys that entry 0 names.
    #[must_use]
    pub fn begin(genesis: &Genesis, origin: &str) -> Self {
        let tenure = |key: &NamedKey| Tenure::new(key, 0, Vec::new());
        // Of statement keys the first counts, as it always has.
        let statement = genesis.keys.iter().find(|key| key.purpose == KeyPurpose::Statement && key.ed25519().is_some());
        let log = genesis.keys.iter().filter(|key| key.purpose == KeyPurpose::Checkpoint && key.note_key().is_some());
        Self {
            origin: origin.to_owned(),
            recoveries: vec![Recovery { sha256: genesis.recovery, key: None, added: 0 }],
            tenures: statement.into_iter().chain(log).map(tenure).collect(),
            records: BTreeMap::new(),
        }
    }

    /// Takes the next key record.
    ///
    /// # Errors
    /// A [`SuccessionError`] when the record does not follow those before it, or is not signed by those who must; nothing is
    /// taken then.
    pub fn take(&mut self, record: &Record) -> Result<(), SuccessionError> {
        let Body::Key(change) = &record.body else { return Err(SuccessionError::NotKeyRecord { index: record.index }) };
        let index = record.index;
        if record.origin != self.origin {
            return Err(SuccessionError::OtherLog { expected: self.origin.clone(), found: record.origin.clone() });
        }
        let newest = self.newest();
        if record.key_record != newest || newest.is_some_and(|newest| newest >= index) {
            return Err(SuccessionError::NotNext { index, expected: newest, found: record.key_record });
        }
        if self.records.len() >= RECORD_COUNT_MAX {
            return Err(SuccessionError::TooMany { index });
        }
        let signers = check_signatures(change)?;
        self.check_authority(index, change, &signers)?;
        let mut next = self.clone();
        for one in &change.changes {
            next.apply(index, &one.key, one.act, &signers)?;
        }
        next.check_whole(self, index)?;
        next.records.insert(index, Hash::of(&change.to_be_signed()));
        *self = next;
        Ok(())
    }

    /// Returns the newest key record.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.records.keys().next_back().copied()
    }

    /// Returns the newest key record before an entry.
    #[must_use]
    pub fn newest_before(&self, index: u64) -> Option<u64> {
        self.records.range(..index).next_back().map(|(at, _)| *at)
    }

    /// Says whether this is the other succession and what came after it; the other was read from a log with this last entry.
    #[must_use]
    pub fn continues(&self, other: &Self, last: u64) -> bool {
        fn first(of: &Succession) -> impl Iterator<Item = &NamedKey> {
            of.tenures.iter().filter(|tenure| tenure.added == 0).map(|tenure| &tenure.key)
        }
        (&self.origin, self.recoveries.first()) == (&other.origin, other.recoveries.first())
            && first(self).eq(first(other))
            && self.records.range(..=last).eq(&other.records)
    }

    /// Returns every key with its tenure, in the order in which they were added.
    #[must_use]
    pub fn tenures(&self) -> &[Tenure] {
        &self.tenures
    }

    /// Returns the log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Says whether a public key is the recovery key that counts.
    #[must_use]
    pub fn is_recovery(&self, public: &[u8]) -> bool {
        self.recoveries.last().is_some_and(|recovery| recovery.sha256 == Hash::of(public))
    }

    /// Returns the recovery keys, in the order in which they counted.
    #[must_use]
    pub fn recoveries(&self) -> &[Recovery] {
        &self.recoveries
    }

    /// Returns the key whose statement an entry must bear, whether or not it came to be distrusted.
    #[must_use]
    pub fn statement_key(&self, index: u64) -> Option<Ed25519PublicKey> {
        let mut valid = self.tenures.iter().filter(|tenure| tenure.key.purpose == KeyPurpose::Statement);
        valid.find(|tenure| tenure.covers(index))?.ed25519
    }

    /// Returns the keys that a checkpoint may bear whose last entry is this one: Ed25519 before ML-DSA-44, of each the newest
    /// first. A key that is distrusted there is not among them.
    #[must_use]
    pub fn checkpoint_keys(&self, last: u64) -> Vec<VerifierKey> {
        let Ok(name) = KeyName::new(&self.origin) else { return Vec::new() };
        let valid = |algorithm: &'static str| {
            let tenures = self.tenures.iter().rev().filter(move |tenure| {
                tenure.key.purpose == KeyPurpose::Checkpoint
                    && tenure.key.algorithm == algorithm
                    && tenure.is_valid(last)
            });
            tenures.filter_map(|tenure| tenure.key.note_key())
        };
        valid(ED25519).chain(valid(ML_DSA_44)).map(|key| VerifierKey::new(name.clone(), key)).collect()
    }

    /// Returns every key that ever signed checkpoints, whatever became of it.
    #[must_use]
    pub fn checkpoint_keys_ever(&self) -> Vec<VerifierKey> {
        let Ok(name) = KeyName::new(&self.origin) else { return Vec::new() };
        let keys = self.tenures.iter().filter(|tenure| tenure.key.purpose == KeyPurpose::Checkpoint);
        keys.filter_map(|tenure| Some(VerifierKey::new(name.clone(), tenure.key.note_key()?))).collect()
    }

    /// Says how a key stands at an entry.
    #[must_use]
    pub fn standing(&self, purpose: KeyPurpose, public: &[u8], index: u64) -> Standing {
        let mut tenures = self.tenures.iter();
        let found = tenures.find(|tenure| tenure.key.purpose == purpose && tenure.key.public == public);
        match found {
            None => Standing::Unknown,
            Some(Tenure { distrusted: Some(distrust), .. }) if distrust.from <= index => {
                Standing::Distrusted(*distrust)
            }
            Some(Tenure { retired: Some(retired), .. }) if *retired <= index => Standing::Retired(*retired),
            Some(Tenure { added, .. }) if *added > index => Standing::NotYet(*added),
            Some(_) => Standing::Valid,
        }
    }

    /// Says in words why a key does not count at an entry; nothing where it does.
    #[must_use]
    pub fn standing_in_words(&self, purpose: KeyPurpose, public: &[u8], index: u64) -> Option<String> {
        match self.standing(purpose, public, index) {
            Standing::Valid | Standing::Unknown => None,
            Standing::Distrusted(Distrust { from, by }) => {
                Some(format!("a key that is distrusted from entry {from} on, says entry {by}"))
            }
            Standing::Retired(at) => Some(format!("a key that was retired in entry {at}")),
            Standing::NotYet(at) => Some(format!("a key that was added in entry {at}, later than that")),
        }
    }

    /// Says in words why the statement of an entry does not bear the signature that counts there; nothing where it does.
    ///
    /// Key records bear signatures of their own: a later distrust does not reach their statements.
    #[must_use]
    pub fn objection(&self, statement: &Statement, index: u64) -> Option<String> {
        let Some(key) = self.statement_key(index) else { return Some("no key for statements counts there".to_owned()) };
        let in_words = |key: &Ed25519PublicKey| {
            let why = self.standing_in_words(KeyPurpose::Statement, key.as_bytes(), index)?;
            Some(format!("the signature of {}, {why}", key.fingerprint()))
        };
        let Err(error) = statement.verify(&key) else {
            return in_words(&key).filter(|_| !self.records.contains_key(&index));
        };
        let statement_keys = self.tenures.iter().filter(|tenure| tenure.key.purpose == KeyPurpose::Statement);
        let mut others = statement_keys.filter_map(|tenure| tenure.ed25519);
        let signer = others.find(|other| statement.verify(other).is_ok());
        Some(signer.as_ref().and_then(in_words).unwrap_or_else(|| error.to_string()))
    }

    /// Says whether a statement is by the key that counted there, which came to be distrusted.
    #[must_use]
    pub fn is_distrusted(&self, statement: &Statement, index: u64) -> bool {
        self.statement_key(index).is_some_and(|key| {
            let standing = self.standing(KeyPurpose::Statement, key.as_bytes(), index);
            statement.verify(&key).is_ok() && matches!(standing, Standing::Distrusted(_))
        })
    }

    /// Follows a log key back to one that a reader trusts: each was signed for by one that was valid then. Returns that key
    /// and the record in which it handed over.
    #[must_use]
    pub fn handed_over(&self, key: &[u8], trusted: &dyn Fn(&[u8]) -> bool) -> Option<(NamedKey, u64)> {
        let of = |public: &[u8]| {
            self.tenures
                .iter()
                .find(|tenure| tenure.key.purpose == KeyPurpose::Checkpoint && tenure.key.public == public)
        };
        let mut waiting = vec![of(key)?];
        let mut seen = BTreeSet::new();
        while let Some(heir) = waiting.pop() {
            let vouchers = heir.vouched_by.iter().filter_map(|public| of(public));
            let valid = vouchers.filter(|voucher| voucher.is_valid(heir.added - 1));
            let (known, unknown): (Vec<&Tenure>, Vec<&Tenure>) =
                valid.partition(|voucher| trusted(&voucher.key.public));
            if let Some(voucher) = known.first() {
                return Some((voucher.key.clone(), heir.added));
            }
            waiting.extend(unknown.into_iter().filter(|voucher| seen.insert(voucher.key.public.clone())));
        }
        None
    }

    fn apply(
        &mut self,
        index: u64,
        key: &NamedKey,
        act: KeyAct,
        signers: &BTreeSet<Vec<u8>>,
    ) -> Result<(), SuccessionError> {
        let was_recovery = self.recoveries.iter().any(|recovery| recovery.sha256 == Hash::of(&key.public));
        let known = self.tenures.iter_mut().find(|tenure| tenure.key.public == key.public);
        let fingerprint = || key.fingerprint();
        match (act, known) {
            (KeyAct::Add, None) if key.purpose == KeyPurpose::Recovery => {
                if key.ed25519().is_none() || was_recovery {
                    return Err(SuccessionError::UnusableKey { index, key: fingerprint() });
                }
                self.recoveries.push(Recovery { sha256: Hash::of(&key.public), key: Some(key.clone()), added: index });
                Ok(())
            }
            (KeyAct::Add, Some(_)) => Err(SuccessionError::KnownKey { index, key: fingerprint() }),
            (KeyAct::Add, None) => {
                if key.note_key().is_none() || was_recovery {
                    return Err(SuccessionError::UnusableKey { index, key: fingerprint() });
                }
                let vouched_by = signers.iter().filter(|signer| **signer != key.public).cloned().collect();
                self.tenures.push(Tenure::new(key, index, vouched_by));
                Ok(())
            }
            (KeyAct::Retire | KeyAct::Distrust { .. }, None) => {
                Err(SuccessionError::UnknownKey { index, key: fingerprint() })
            }
            (_, Some(tenure)) if tenure.key != *key || tenure.added >= index => {
                Err(SuccessionError::UnknownKey { index, key: fingerprint() })
            }
            (KeyAct::Retire, Some(tenure)) => {
                if tenure.retired.replace(index).is_some() {
                    return Err(SuccessionError::Ended { index, key: fingerprint() });
                }
                Ok(())
            }
            (KeyAct::Distrust { from }, Some(tenure)) => {
                if tenure.distrusted.is_some_and(|distrust| distrust.from <= from) {
                    return Err(SuccessionError::Ended { index, key: fingerprint() });
                }
                tenure.distrusted = Some(Distrust { from, by: index });
                tenure.retired.get_or_insert(index);
                Ok(())
            }
        }
    }

    /// Returns the keys that must sign a change at an entry: with the recovery key's signature those that lost count for less.
    #[must_use]
    pub fn must_sign(&self, index: u64, changes: &[Change], recovery: Option<&[u8]>) -> Vec<NamedKey> {
        let mut needed: Vec<NamedKey> = if let Some(public) = recovery {
            let added = changes.iter().filter(|one| one.act == KeyAct::Add).map(|one| one.key.clone());
            added.chain([NamedKey::of_statement_bytes(public)]).collect()
        } else {
            let touches = |tenure: &&Tenure| changes.iter().any(|one| one.key.purpose == tenure.key.purpose);
            let before = self.tenures.iter().filter(|tenure| tenure.is_valid(index)).filter(touches);
            before.map(|tenure| tenure.key.clone()).chain(changes.iter().map(|one| one.key.clone())).collect()
        };
        let mut seen = BTreeSet::new();
        needed.retain(|key| seen.insert(key.public.clone()));
        needed
    }

    fn check_authority(
        &self,
        index: u64,
        change: &KeyChange,
        signers: &BTreeSet<Vec<u8>>,
    ) -> Result<(), SuccessionError> {
        let recovery = signers.iter().find(|signer| self.is_recovery(signer)).map(Vec::as_slice);
        if recovery.is_none() && change.changes.iter().any(|one| one.key.purpose == KeyPurpose::Recovery) {
            return Err(SuccessionError::NotSignedBy { index, key: "the recovery key before it".to_owned() });
        }
        let needed = self.must_sign(index, &change.changes, recovery);
        if let Some(missing) = needed.iter().find(|key| !signers.contains(&key.public)) {
            return Err(SuccessionError::NotSignedBy { index, key: missing.fingerprint() });
        }
        // A signature by anybody else would say nothing, and is therefore not there.
        let mut may = self.must_sign(index, &change.changes, None);
        may.extend(needed);
        match signers.iter().find(|signer| !may.iter().any(|key| key.public == **signer)) {
            Some(stranger) => Err(SuccessionError::Stranger { index, key: data_encoding::HEXLOWER.encode(stranger) }),
            None => Ok(()),
        }
    }

    /// Checks that somebody can still sign everything.
    fn check_whole(&self, before: &Self, index: u64) -> Result<(), SuccessionError> {
        let kinds: BTreeSet<(KeyPurpose, &str)> =
            before.tenures.iter().map(|tenure| (tenure.key.purpose, tenure.key.algorithm.as_str())).collect();
        for (purpose, algorithm) in kinds {
            let valid = self.tenures.iter().filter(|tenure| {
                tenure.key.purpose == purpose && tenure.key.algorithm == algorithm && tenure.is_valid(index)
            });
            let count = valid.count();
            if count == 0 || (purpose == KeyPurpose::Statement && count > 1) {
                return Err(SuccessionError::WrongCount { index, purpose: purpose.as_str(), count });
            }
        }
        Ok(())
    }
}

/// Verifies every signature and returns who signed.
fn check_signatures(change: &KeyChange) -> Result<BTreeSet<Vec<u8>>, SuccessionError> {
    let signed = change.to_be_signed();
    let mut signers = BTreeSet::new();
    for one in change.signatures() {
        let is_good = match one.algorithm.as_str() {
            ED25519 => Ed25519PublicKey::from_slice(&one.public).and_then(|key| key.verify(&signed, &one.signature)),
            ML_DSA_44 => MlDsa44PublicKey::from_slice(&one.public).and_then(|key| key.verify(&signed, &one.signature)),
            other => return Err(SuccessionError::Algorithm { found: other.to_owned() }),
        };
        if is_good.is_err() {
            let key = NamedKey {
                purpose: KeyPurpose::Statement,
                algorithm: one.algorithm.clone(),
                public: one.public.clone(),
            };
            return Err(SuccessionError::BadSignature { key: key.fingerprint() });
        }
        signers.insert(one.public.clone());
    }
    Ok(signers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Time;
    use crate::evidence::record::{After, KeySignature, Software};
    use crate::log::key::{Ed25519SecretKey, MlDsa44SecretKey};

    const ORIGIN: &str = "affiant.example/log";

    fn ed25519(seed: u8) -> Ed25519SecretKey {
        Ed25519SecretKey::from_seed(&[seed; 32])
    }

    fn statement(seed: u8) -> NamedKey {
        NamedKey::of_statement(&ed25519(seed).public())
    }

    fn log(seed: u8) -> NamedKey {
        NamedKey { purpose: KeyPurpose::Checkpoint, ..statement(seed) }
    }

    fn genesis() -> Genesis {
        let public = MlDsa44SecretKey::from_seed(&[3; 32]).public().as_bytes().to_vec();
        let post_quantum = NamedKey { purpose: KeyPurpose::Checkpoint, algorithm: ML_DSA_44.to_owned(), public };
        Genesis {
            prefix: "AF".to_owned(),
            keys: vec![statement(1), log(2), post_quantum],
            recovery: Hash::of(ed25519(9).public().as_bytes()),
            policy: String::new(),
        }
    }

    fn record(index: u64, key_record: Option<u64>, changes: Vec<Change>) -> Record {
        Record {
            origin: ORIGIN.to_owned(),
            index,
            made: Time::from_seconds(1_679_315_147).unwrap(),
            after: After { size: index, root: Hash::of(b""), tokens: Vec::new() },
            software: Software { name: "affiant".into(), version: "0.1.0".into(), commit: "unknown".into() },
            key_record,
            body: Body::Key(KeyChange::draft(changes, Some("yearly change".to_owned()))),
        }
    }

    /// Signs a draft with Ed25519 keys, and reads it as everybody does.
    fn signed(mut record: Record, seeds: &[u8]) -> Record {
        let message = record.to_be_signed_by_keys();
        let sign = |seed: &u8| KeySignature {
            public: ed25519(*seed).public().as_bytes().to_vec(),
            algorithm: ED25519.to_owned(),
            signature: ed25519(*seed).sign(&message).to_vec(),
        };
        let Body::Key(change) = record.body else { panic!() };
        record.body = Body::Key(change.with(seeds.iter().map(sign).collect()));
        Record::decode(&record.encode()).unwrap()
    }

    fn change(act: KeyAct, key: NamedKey) -> Change {
        Change { act, key }
    }

    fn rotation() -> Vec<Change> {
        vec![change(KeyAct::Add, statement(5)), change(KeyAct::Retire, statement(1))]
    }

    fn taken(record: &Record) -> Result<Succession, SuccessionError> {
        let mut succession = Succession::begin(&genesis(), ORIGIN);
        succession.take(record).map(|()| succession)
    }

    #[test]
    fn a_change_counts_from_its_own_entry_on() {
        let succession = taken(&signed(record(7, None, rotation()), &[1, 5])).unwrap();
        let key = |index| succession.statement_key(index).unwrap();
        assert_eq!((key(0), key(6)), (ed25519(1).public(), ed25519(1).public()));
        assert_eq!((key(7), key(u64::MAX)), (ed25519(5).public(), ed25519(5).public()));
        let standing =
            |seed: u8, index| succession.standing(KeyPurpose::Statement, ed25519(seed).public().as_bytes(), index);
        assert_eq!(standing(1, 7), Standing::Retired(7));
        assert_eq!(standing(5, 6), Standing::NotYet(7));
        assert_eq!(standing(2, 7), Standing::Unknown, "a log key is no statement key");
        assert_eq!((succession.newest_before(7), succession.newest_before(8)), (None, Some(7)));
    }

    #[test]
    fn who_must_sign_must() {
        let draft = || record(7, None, rotation());
        for seeds in [&[1, 5][..], &[5, 1], &[9, 5], &[9, 5, 1]] {
            assert!(taken(&signed(draft(), seeds)).is_ok(), "{seeds:?}");
        }
        for (seeds, missing) in [(&[1][..], 5), (&[5], 1), (&[9], 5), (&[9, 1], 5)] {
            let expected = SuccessionError::NotSignedBy { index: 7, key: statement(missing).fingerprint() };
            assert_eq!(taken(&signed(draft(), seeds)), Err(expected), "{seeds:?}");
        }
        for seeds in [&[1, 5, 2][..], &[1, 5, 6], &[9, 5, 2]] {
            let refused = taken(&signed(draft(), seeds));
            assert!(matches!(refused, Err(SuccessionError::Stranger { .. })), "{seeds:?}: {refused:?}");
        }
    }

    #[test]
    fn what_is_signed_is_the_whole_record() {
        let whole = signed(record(7, None, rotation()), &[1, 5]);
        let forgeries: [fn(&mut Record); 7] = [
            |record| record.index = 8,
            |record| record.made = Time::from_seconds(1).unwrap(),
            |record| record.after.root = Hash::of(b"another"),
            |record| record.after.size = 6,
            |record| record.software.version = "0.2.0".to_owned(),
            |record| record.origin = "affiant.example/other".to_owned(),
            |record| record.key_record = Some(3),
        ];
        for (number, forge) in forgeries.into_iter().enumerate() {
            let mut forged = whole.clone();
            forge(&mut forged);
            let forged = Record::decode(&forged.encode()).unwrap();
            assert!(taken(&forged).is_err(), "{number}");
            let Body::Key(change) = &forged.body else { panic!() };
            assert!(matches!(check_signatures(change), Err(SuccessionError::BadSignature { .. })), "{number}");
        }
        let Body::Key(change) = &whole.body else { panic!() };
        let parts: [fn(&mut KeyChange); 6] = [
            |change| change.reason = None,
            |change| change.changes.reverse(),
            |change| change.changes.truncate(1),
            |change| change.changes[0].key.public[0] ^= 1,
            |change| change.changes[0].key.purpose = KeyPurpose::Checkpoint,
            |change| change.changes[1].act = KeyAct::Distrust { from: 3 },
        ];
        for (number, forge) in parts.into_iter().enumerate() {
            let mut forged = change.clone();
            forge(&mut forged);
            let forged = Record { body: Body::Key(forged), ..whole.clone() };
            let forged = Record::decode(&forged.encode()).unwrap();
            let refused = taken(&forged);
            assert!(matches!(refused, Err(SuccessionError::BadSignature { .. })), "{number}: {refused:?}");
        }
        for at in 0..2 {
            let mut signatures = change.signatures().to_vec();
            signatures[at].signature[9] ^= 1;
            let forged = Record { body: Body::Key(change.clone().with(signatures)), ..whole.clone() };
            let refused = taken(&Record::decode(&forged.encode()).unwrap());
            assert!(matches!(refused, Err(SuccessionError::BadSignature { .. })), "{at}: {refused:?}");
        }
    }

    #[test]
    fn nobody_is_left_without_keys_and_none_comes_twice() {
        let add = |key| change(KeyAct::Add, key);
        let retire = |key| change(KeyAct::Retire, key);
        let cases: [(Vec<Change>, &[u8], &str); 9] = [
            (vec![retire(statement(1))], &[1], "leaves 0"),
            (vec![add(statement(5))], &[1, 5], "leaves 2"),
            (vec![add(statement(1)), retire(statement(1))], &[1], "named before"),
            (vec![add(log(1)), retire(log(2))], &[9, 1], "named before"),
            (vec![add(statement(9)), retire(statement(1))], &[9], "no key that can be used"),
            (vec![add(statement(5)), retire(statement(6))], &[9, 5], "does not have"),
            (vec![add(statement(5)), retire(log(1))], &[9, 5], "does not have"),
            (vec![add(statement(5)), retire(statement(5))], &[1, 5], "does not have"),
            (vec![add(statement(5)), retire(statement(1)), retire(statement(1))], &[1, 5], "had ended before"),
        ];
        for (changes, seeds, expected) in cases {
            let error = taken(&signed(record(7, None, changes.clone()), seeds)).unwrap_err();
            assert!(error.to_string().contains(expected), "{changes:?}: {error}");
        }
    }

    #[test]
    fn records_follow_one_another() {
        let first = signed(record(7, None, rotation()), &[1, 5]);
        let second = vec![change(KeyAct::Add, statement(6)), change(KeyAct::Retire, statement(5))];
        let mut succession = taken(&first).unwrap();
        for (index, key_record) in [(9, None), (9, Some(6)), (9, Some(8))] {
            let other = signed(record(index, key_record, second.clone()), &[5, 6]);
            let refused = succession.take(&other);
            assert!(matches!(refused, Err(SuccessionError::NotNext { .. })), "{key_record:?}: {refused:?}");
        }
        let begun = succession.clone();
        succession.take(&signed(record(9, Some(7), second), &[5, 6])).unwrap();
        assert!(succession.continues(&begun, 8) && !succession.continues(&begun, 9), "the second was left out");
        assert!(!begun.continues(&succession, 9));
        let other = taken(&signed(record(7, None, rotation()), &[9, 5])).unwrap();
        assert!(succession.continues(&other, 8), "who else signed makes no other change");
        let mut renamed = genesis();
        renamed.recovery = Hash::of(b"another");
        assert!(!succession.continues(&Succession::begin(&renamed, ORIGIN), 3));
    }

    #[test]
    fn a_log_key_hands_over_to_the_next() {
        let add = vec![change(KeyAct::Add, log(5))];
        let post_quantum = MlDsa44SecretKey::from_seed(&[3; 32]);
        let with_post_quantum = |record: Record, seeds: &[u8]| {
            let message = record.to_be_signed_by_keys();
            let record = signed(record, seeds);
            let Body::Key(change) = &record.body else { panic!() };
            let mut signatures = change.signatures().to_vec();
            let public = post_quantum.public().as_bytes().to_vec();
            let signature = post_quantum.sign(&message).unwrap().to_vec();
            signatures.push(KeySignature { public, algorithm: ML_DSA_44.to_owned(), signature });
            let record = Record { body: Body::Key(change.clone().with(signatures)), ..record };
            Record::decode(&record.encode()).unwrap()
        };
        assert!(taken(&signed(record(7, None, add.clone()), &[2, 5])).is_err(), "without the post-quantum key");
        let mut succession = taken(&with_post_quantum(record(7, None, add), &[2, 5])).unwrap();
        let keys = |last| succession.checkpoint_keys(last).iter().map(VerifierKey::fingerprint).collect::<Vec<_>>();
        assert_eq!(keys(6)[0], log(2).fingerprint());
        assert_eq!(keys(7)[..2], [log(5).fingerprint(), log(2).fingerprint()]);
        let is_first = |public: &[u8]| public == log(2).public;
        let handed = succession.handed_over(&log(5).public, &is_first);
        assert_eq!(handed.map(|(key, at)| (key.fingerprint(), at)), Some((log(2).fingerprint(), 7)));
        assert_eq!(succession.handed_over(&log(5).public, &|_| false), None);
        // What the recovery key says is said by nobody whom a log key knows.
        let distrust = vec![change(KeyAct::Distrust { from: 7 }, log(2))];
        succession.take(&signed(record(8, Some(7), distrust), &[9])).unwrap();
        assert_eq!(succession.handed_over(&log(5).public, &is_first).map(|(_, at)| at), Some(7), "it was valid at 6");
        let recovered = taken(&signed(record(7, None, vec![change(KeyAct::Add, log(6))]), &[9, 6])).unwrap();
        assert_eq!(recovered.handed_over(&log(6).public, &is_first), None);
    }

    #[test]
    fn the_recovery_key_alone_lets_another_take_over() {
        let recovery = |seed: u8| NamedKey { purpose: KeyPurpose::Recovery, ..statement(seed) };
        let to = |seed: u8| vec![change(KeyAct::Add, recovery(seed))];
        let begin = || Succession::begin(&genesis(), ORIGIN);
        let mut succession = begin();
        succession.take(&signed(record(5, None, to(8)), &[9, 8])).unwrap();
        let public = |seed: u8| *ed25519(seed).public().as_bytes();
        assert!(succession.is_recovery(&public(8)) && !succession.is_recovery(&public(9)));
        assert_eq!(succession.tenures(), begin().tenures());
        assert_eq!(succession.recoveries()[1].added, 5);
        assert!(succession.continues(&begin(), 4) && !succession.continues(&begin(), 5));

        // The one before counts no more, for others nor for itself; the new one does.
        let rotate = || vec![change(KeyAct::Add, statement(4)), change(KeyAct::Retire, statement(1))];
        assert!(succession.take(&signed(record(6, Some(5), rotate()), &[9, 4])).is_err());
        assert!(succession.take(&signed(record(6, Some(5), to(7)), &[9, 7])).is_err());
        succession.take(&signed(record(6, Some(5), rotate()), &[8, 4])).unwrap();

        for (what, changes, seeds) in [
            ("all others have signed", to(8), &[1, 2, 8][..]),
            ("the new one has not", to(8), &[9]),
            ("a stranger is to follow", to(8), &[9, 7]),
            ("one that counts already", to(9), &[9]),
            ("one that signs statements", to(1), &[9, 1]),
            ("it cannot end without another", vec![change(KeyAct::Retire, recovery(9))], &[9]),
            ("nor be distrusted", vec![change(KeyAct::Distrust { from: 1 }, recovery(9))], &[9]),
            (
                "one of a signature that is not had",
                vec![change(KeyAct::Add, NamedKey { algorithm: ML_DSA_44.to_owned(), ..recovery(8) })],
                &[9, 8],
            ),
        ] {
            assert!(begin().take(&signed(record(5, None, changes), seeds)).is_err(), "{what}");
        }
    }
}
