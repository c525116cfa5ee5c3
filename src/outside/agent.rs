//! A running ssh-agent, by whose keys statements and checkpoints may be signed: the secret is nowhere in the keyring.
//!
//! | quantity | unit    | range                                               |
//! |----------|---------|-----------------------------------------------------|
//! | wait     | seconds | at most [`WAIT_SECONDS_MAX`] for one answer, in all |
//!
//! Where it listens stands in `SSH_AUTH_SOCK`. Each question opens a connection of its own, so that an agent that was started
//! again is found. One that hangs, closes, refuses or lies is an error: what it signed is checked before it is used
//! ([`crate::log::key::Ed25519Signer`]).

use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::log::agent::{self, AgentMessageError, SIZE_BYTES_MAX};
use crate::log::key::{Ed25519PublicKey, Ed25519Signer, SignElsewhere};

/// How long one answer is waited for: an agent may ask its owner to confirm, or to touch something.
pub const WAIT_SECONDS_MAX: u64 = 60;

/// Where the environment says that an agent listens.
const SOCKET: &str = "SSH_AUTH_SOCK";

/// An agent.
#[derive(Clone, Debug)]
pub struct Agent {
    socket: PathBuf,
    wait: Duration,
}

impl Agent {
    /// Names the agent of the environment.
    ///
    /// # Errors
    /// [`AgentError::None`] where there is none.
    pub fn of_environment() -> Result<Self, AgentError> {
        let socket = std::env::var_os(SOCKET).filter(|socket| !socket.is_empty()).ok_or(AgentError::None)?;
        Ok(Self::at(Path::new(&socket), Duration::from_secs(WAIT_SECONDS_MAX)))
    }

    /// Names the agent that listens at a socket.
    #[must_use]
    pub fn at(socket: &Path, wait: Duration) -> Self {
        Self { socket: socket.to_owned(), wait }
    }

    /// Returns what signs with a key that the agent holds now.
    ///
    /// # Errors
    /// [`AgentError::NotHeld`] when it does not hold it, or why it does not answer.
    pub fn signer(&self, public: Ed25519PublicKey) -> Result<Ed25519Signer, AgentError> {
        let held = agent::read_identities(&self.ask(&agent::ask_identities())?)?;
        if !held.contains(&public) {
            return Err(AgentError::NotHeld { fingerprint: public.fingerprint() });
        }
        Ok(Ed25519Signer::Elsewhere { public, by: Arc::new(AgentKey { agent: self.clone(), public }) })
    }

    /// Sends one message and reads the answer.
    #[cfg(unix)]
    fn ask(&self, message: &[u8]) -> Result<Vec<u8>, AgentError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                AgentError::Silent { socket: self.socket.clone(), seconds: self.wait.as_secs_f32() }
            }
            _ => AgentError::Io { socket: self.socket.clone(), source },
        };
        let deadline = Instant::now() + self.wait;
        let mut stream = UnixStream::connect(&self.socket).map_err(failed)?;
        stream.set_write_timeout(Some(self.wait)).map_err(failed)?;
        let length = u32::try_from(message.len()).map_err(|_| AgentMessageError::TooLong { found: message.len() })?;
        stream.write_all(&[&length.to_be_bytes()[..], message].concat()).map_err(failed)?;
        let mut length = [0; 4];
        read_until(deadline, &mut stream, &mut length).map_err(failed)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > SIZE_BYTES_MAX {
            return Err(AgentMessageError::TooLong { found: length }.into());
        }
        let mut answer = vec![0; length];
        read_until(deadline, &mut stream, &mut answer).map_err(failed)?;
        Ok(answer)
    }

    #[cfg(not(unix))]
    fn ask(&self, _message: &[u8]) -> Result<Vec<u8>, AgentError> {
        Err(AgentError::Io { socket: self.socket.clone(), source: io::ErrorKind::Unsupported.into() })
    }
}

/// Fills `bytes`. One that sends a byte now and then is as silent as one that sends none.
#[cfg(unix)]
fn read_until(deadline: Instant, stream: &mut UnixStream, bytes: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        done += match stream.read(&mut bytes[done..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            count => count?,
        };
    }
    Ok(())
}

/// A key that an agent holds.
#[derive(Debug)]
struct AgentKey {
    agent: Agent,
    public: Ed25519PublicKey,
}

impl SignElsewhere for AgentKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; Ed25519PublicKey::SIGNATURE_SIZE_BYTES], String> {
        let ask = || Ok(agent::read_signature(&self.agent.ask(&agent::ask_signature(&self.public, message)?)?)?);
        ask().map_err(|error: AgentError| crate::base::causes::with_causes(&error))
    }
}

/// Why an agent does not sign.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum AgentError {
    #[error("the ssh-agent at `{}`", socket.display())]
    Io { socket: PathBuf, source: io::Error },
    #[error(transparent)]
    Message(#[from] AgentMessageError),
    #[error("no ssh-agent: `{SOCKET}` is not set")]
    None,
    #[error("the ssh-agent does not hold {fingerprint}")]
    NotHeld { fingerprint: String },
    #[error("the ssh-agent at `{}` did not answer within {seconds} s", socket.display())]
    Silent { socket: PathBuf, seconds: f32 },
}
