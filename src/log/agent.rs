//! Messages to and from an ssh-agent, which signs with a key that it does not give away.
//!
//! | quantity   | unit  | range                            |
//! |------------|-------|----------------------------------|
//! | message    | bytes | 1 … [`SIZE_BYTES_MAX`]           |
//! | identities | count | at most [`IDENTITY_COUNT_MAX`]   |
//!
//! Source: draft-ietf-sshm-ssh-agent §3 (OpenSSH `PROTOCOL.agent`), RFC 4251 §5 (strings), RFC 8709 (Ed25519).
//!
//! | we ask                         | number | it answers                                     | number |
//! |--------------------------------|--------|------------------------------------------------|--------|
//! | which keys it has              | 11     | keys, each with a comment                      | 12     |
//! | to sign bytes with a key       | 13     | the signature                                  | 14     |
//! | anything                       |        | that it does not                               | 5      |
//!
//! A message has its length in four bytes before it, which whoever carries it reads. Stricter than the source: nothing may
//! follow what a message holds. Keys of other algorithms are passed over: Ed25519 alone can be asked for, since agents know no
//! ML-DSA. What an agent signed is not believed: whoever asked checks it ([`crate::log::key::Ed25519Signer`]).

use super::key::Ed25519PublicKey;

/// The longest message that is read: what OpenSSH's own agent sends at most.
pub const SIZE_BYTES_MAX: usize = 256 << 10;

/// The most keys that an agent may have: as many as OpenSSH's client takes.
pub const IDENTITY_COUNT_MAX: u32 = 2048;

const FAILURE: u8 = 5;
const ASK_IDENTITIES: u8 = 11;
const IDENTITIES: u8 = 12;
const ASK_SIGNATURE: u8 = 13;
const SIGNATURE: u8 = 14;
const ALGORITHM: &[u8] = b"ssh-ed25519";

/// Writes the question which keys there are.
#[must_use]
pub fn ask_identities() -> Vec<u8> {
    vec![ASK_IDENTITIES]
}

/// Writes the request to sign bytes with a key.
///
/// # Errors
/// [`AgentMessageError::TooLong`] when they are more than an agent takes.
pub fn ask_signature(key: &Ed25519PublicKey, message: &[u8]) -> Result<Vec<u8>, AgentMessageError> {
    let flags = [0; 4]; // They choose a hash for RSA.
    let asked = [&[ASK_SIGNATURE][..], &string(&wire(key))?, &string(message)?, &flags].concat();
    if asked.len() > SIZE_BYTES_MAX {
        return Err(AgentMessageError::TooLong { found: asked.len() });
    }
    Ok(asked)
}

/// Reads which Ed25519 keys there are.
///
/// # Errors
/// An [`AgentMessageError`] when it is another answer, or none.
pub fn read_identities(message: &[u8]) -> Result<Vec<Ed25519PublicKey>, AgentMessageError> {
    let mut fields = Fields::of_answer(message, IDENTITIES)?;
    let count = fields.number()?;
    if count > IDENTITY_COUNT_MAX {
        return Err(AgentMessageError::TooManyIdentities { found: count });
    }
    let mut keys = Vec::new();
    for _ in 0..count {
        let (key, _comment) = (fields.string()?, fields.string()?);
        keys.extend(read_key(key));
    }
    fields.finish()?;
    Ok(keys)
}

/// Reads a signature by Ed25519; whether it fits is not known yet.
///
/// # Errors
/// An [`AgentMessageError`] when it is another answer, or none.
pub fn read_signature(message: &[u8]) -> Result<[u8; Ed25519PublicKey::SIGNATURE_SIZE_BYTES], AgentMessageError> {
    let mut fields = Fields::of_answer(message, SIGNATURE)?;
    let mut inner = Fields { rest: fields.string()? };
    fields.finish()?;
    let algorithm = inner.string()?;
    if algorithm != ALGORITHM {
        return Err(AgentMessageError::OtherAlgorithm {
            found: String::from_utf8_lossy(algorithm).chars().take(64).collect(),
        });
    }
    let signature = inner.string()?;
    inner.finish()?;
    signature.try_into().map_err(|_| AgentMessageError::SignatureLength { found: signature.len() })
}

/// Reads a key; nothing where it is of another algorithm, or no good key of this one.
fn read_key(wire: &[u8]) -> Option<Ed25519PublicKey> {
    let mut fields = Fields { rest: wire };
    let (algorithm, key) = (fields.string().ok()?, fields.string().ok()?);
    (algorithm == ALGORITHM && fields.rest.is_empty()).then(|| Ed25519PublicKey::from_slice(key).ok()).flatten()
}

fn wire(key: &Ed25519PublicKey) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a name or a key is short").to_be_bytes();
    let (name, key) = (ALGORITHM, key.as_bytes());
    [&length(name)[..], name, &length(key), key].concat()
}

fn string(bytes: &[u8]) -> Result<Vec<u8>, AgentMessageError> {
    let length = u32::try_from(bytes.len()).map_err(|_| AgentMessageError::TooLong { found: bytes.len() })?;
    Ok([&length.to_be_bytes()[..], bytes].concat())
}

/// What a message holds, from the front.
struct Fields<'m> {
    rest: &'m [u8],
}

impl<'m> Fields<'m> {
    fn of_answer(message: &'m [u8], expected: u8) -> Result<Self, AgentMessageError> {
        match message.split_first() {
            Some((found, rest)) if *found == expected => Ok(Self { rest }),
            Some((&FAILURE, _)) => Err(AgentMessageError::Refused),
            Some((found, _)) => Err(AgentMessageError::OtherAnswer { expected, found: *found }),
            None => Err(AgentMessageError::CutOff),
        }
    }

    fn number(&mut self) -> Result<u32, AgentMessageError> {
        let (number, rest) = self.rest.split_first_chunk::<4>().ok_or(AgentMessageError::CutOff)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Result<&'m [u8], AgentMessageError> {
        let length = usize::try_from(self.number()?).map_err(|_| AgentMessageError::CutOff)?;
        let (string, rest) = self.rest.split_at_checked(length).ok_or(AgentMessageError::CutOff)?;
        self.rest = rest;
        Ok(string)
    }

    fn finish(&self) -> Result<(), AgentMessageError> {
        if self.rest.is_empty() { Ok(()) } else { Err(AgentMessageError::Trailing { found: self.rest.len() }) }
    }
}

/// Why an agent's message is not what was asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum AgentMessageError {
    #[error("the agent's message is cut off")]
    CutOff,
    #[error("the agent signed by `{found}`, and not by ssh-ed25519")]
    OtherAlgorithm { found: String },
    #[error("the agent answered with message {found}, where {expected} was expected")]
    OtherAnswer { expected: u8, found: u8 },
    #[error("the agent refuses")]
    Refused,
    #[error("the agent's signature has {found} bytes, where Ed25519 has 64")]
    SignatureLength { found: usize },
    #[error("a message of {found} bytes, and an agent's have at most {SIZE_BYTES_MAX}")]
    TooLong { found: usize },
    #[error("the agent has {found} keys, and at most {IDENTITY_COUNT_MAX} are read")]
    TooManyIdentities { found: u32 },
    #[error("{found} bytes follow the agent's message")]
    Trailing { found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::key::Ed25519SecretKey;

    fn key() -> Ed25519PublicKey {
        Ed25519SecretKey::from_seed(&[1; 32]).public()
    }

    fn answer(number: u8, strings: &[&[u8]]) -> Vec<u8> {
        let strings: Vec<u8> = strings.iter().flat_map(|bytes| string(bytes).unwrap()).collect();
        [&[number][..], &strings].concat()
    }

    #[test]
    fn asks_as_the_protocol_says() {
        assert_eq!(ask_identities(), [11]);
        let asked = ask_signature(&key(), b"abc").unwrap();
        assert_eq!(asked[..9], [13, 0, 0, 0, 51, 0, 0, 0, 11]);
        assert_eq!(asked[asked.len() - 11..], [0, 0, 0, 3, b'a', b'b', b'c', 0, 0, 0, 0]);
        assert_eq!(read_key(&asked[5..56]), Some(key()));
        assert!(matches!(ask_signature(&key(), &vec![0; SIZE_BYTES_MAX]), Err(AgentMessageError::TooLong { .. })));
    }

    #[test]
    fn reads_keys_and_passes_over_others() {
        let (wire, rsa) = (wire(&key()), string(b"ssh-rsa").unwrap());
        let keys = answer(12, &[&wire, b"comment", &rsa, b"", &[], b""]);
        let keys = [&[12, 0, 0, 0, 3][..], &keys[1..]].concat();
        assert_eq!(read_identities(&keys), Ok(vec![key()]));
        assert_eq!(read_identities(&[12, 0, 0, 0, 0]), Ok(Vec::new()));
        assert_eq!(read_identities(&[12, 0, 0, 0, 0, 0]), Err(AgentMessageError::Trailing { found: 1 }));
        assert_eq!(
            read_identities(&[12, 0xff, 0, 0, 0]),
            Err(AgentMessageError::TooManyIdentities { found: 0xff00_0000 })
        );
        assert_eq!(read_identities(&keys[..keys.len() - 1]), Err(AgentMessageError::CutOff));
        assert_eq!(read_identities(&[5]), Err(AgentMessageError::Refused));
        assert_eq!(read_identities(&[]), Err(AgentMessageError::CutOff));
    }

    #[test]
    fn reads_a_signature_and_nothing_else() {
        let inner = |algorithm: &[u8], signature: &[u8]| {
            answer(14, &[&[string(algorithm).unwrap(), string(signature).unwrap()].concat()])
        };
        assert_eq!(read_signature(&inner(ALGORITHM, &[7; 64])), Ok([7; 64]));
        let cases = [
            (inner(b"ssh-rsa", &[7; 64]), AgentMessageError::OtherAlgorithm { found: "ssh-rsa".to_owned() }),
            (inner(ALGORITHM, &[7; 63]), AgentMessageError::SignatureLength { found: 63 }),
            ([inner(ALGORITHM, &[7; 64]), vec![0]].concat(), AgentMessageError::Trailing { found: 1 }),
            (vec![5], AgentMessageError::Refused),
            (vec![6], AgentMessageError::OtherAnswer { expected: 14, found: 6 }),
            (vec![14, 0, 0, 0, 9], AgentMessageError::CutOff),
        ];
        for (message, expected) in cases {
            assert_eq!(read_signature(&message), Err(expected));
        }
    }
}
