//! The keyring's policy, changed: a witness is added, and how many must have cosigned.
//!
//! The text is [`crate::log::policy_text`]'s; a change is swapped in whole.

use super::keys::{Keyring, KeysError};

use crate::log::policy::PolicyError;
use crate::log::policy_text;
use crate::log::vkey::VerifierKey;

const POLICY: &str = "policy";

impl Keyring {
    /// Enters a witness into the policy, which is made if there is none, and makes the policy ask for some number of all its
    /// witnesses where one is given.
    ///
    /// # Errors
    /// [`KeysError::Policy`] when the policy does not take it; it is what it was then.
    pub fn add_witness(
        &self,
        name: &str,
        keys: &[VerifierKey],
        url: &str,
        quorum: Option<usize>,
    ) -> Result<(), KeysError> {
        self.change_policy(|text| {
            let with_witness = policy_text::with_witness(text, name, keys, url)?;
            quorum.map_or(Ok(with_witness.clone()), |needed| policy_text::with_quorum(&with_witness, needed))
        })
    }

    fn change_policy(&self, change: impl FnOnce(&str) -> Result<String, PolicyError>) -> Result<(), KeysError> {
        let path = self.folder().join(POLICY);
        let before = match self.read(POLICY) {
            Err(KeysError::Missing { .. }) => b"# Whose word is enough: C2SP tlog-policy.\nquorum none\n".to_vec(),
            other => other?,
        };
        // Names may be any bytes to other programs; here a policy that is changed is text.
        let text = String::from_utf8(before).map_err(|_| KeysError::NotText { path: path.clone() })?;
        let text = change(&text).map_err(|source| KeysError::Policy { path, source })?;
        self.write_public(POLICY, &text)
    }
}
