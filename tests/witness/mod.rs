//! Witnesses for the tests: one on loopback with the faults that witnesses have, beside the real ones of this program and of
//! others.

#![expect(clippy::unwrap_used, reason = "a witness that cannot be set up fails its test")]

mod act;
mod demo;
mod drill;
mod monitor;
mod others;
pub(crate) mod serve;

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use affiant::base::hash::Hash;
use affiant::base::time::Time;
use affiant::log::checkpoint::Checkpoint;
use affiant::log::cosignature::Cosigned;
use affiant::log::key::{Ed25519SecretKey, MlDsa44SecretKey};
use affiant::log::vkey::{KeyName, NoteSecretKey, SignerKey, VerifierKey};
use affiant::log::witness::{AddCheckpoint, Refusal};

use crate::stage::Stage;

/// What a witness does with the next requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// Signs what it should.
    Good,
    /// Says that it cannot, by status.
    Unavailable,
    /// Closes the connection.
    Silent,
    /// More bytes than any answer has.
    Endless,
    /// A page that asks to log in, as a hotel's network sends.
    Portal,
    /// A line with a flipped bit.
    Flipped,
    /// A line over another tree.
    OtherTree,
    /// A good line of a key that nobody knows.
    OtherKey,
    /// A good line of tomorrow.
    Tomorrow,
    /// Says that it has seen a hundred entries more.
    Ahead,
    /// Says that the proof does not hold.
    Disagrees,
    /// A conflict that says no size.
    NoSize,
}

/// A witness that answers on loopback until its process ends.
pub(crate) struct Loopback {
    url: String,
    keys: Vec<VerifierKey>,
    state: Arc<Mutex<State>>,
}

struct State {
    mode: Mode,
    keys: Vec<SignerKey>,
    logs: Vec<VerifierKey>,
    seen: HashMap<String, Checkpoint>,
    requests: usize,
}

impl Loopback {
    pub(crate) fn start(name: &str, seed: u8) -> Self {
        let named = || KeyName::new(&format!("{name}.test/w")).unwrap();
        let keys = vec![
            SignerKey::new(named(), NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[seed; 32]))),
            SignerKey::new(named(), NoteSecretKey::MlDsa44Cosignature(MlDsa44SecretKey::from_seed(&[seed; 32]))),
        ];
        let verifiers = keys.iter().map(|key| key.verifier().clone()).collect();
        let state = State { mode: Mode::Good, keys, logs: Vec::new(), seen: HashMap::new(), requests: 0 };
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                serve(stream, &shared);
            }
        });
        Self { url, keys: verifiers, state }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns its Ed25519 key, or both.
    pub(crate) fn vkeys(&self, count: usize) -> Vec<String> {
        self.keys.iter().take(count).map(ToString::to_string).collect()
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state().mode = mode;
    }

    pub(crate) fn requests(&self) -> usize {
        self.state().requests
    }

    /// Follows the log of a stage, and makes the stage ask for it with a quorum of as many.
    pub(crate) fn enter(&self, stage: &Stage, quorum: usize) {
        let vkey = fs::read_to_string(stage.path("keys/log.vkey")).unwrap();
        self.state().logs.push(VerifierKey::parse(vkey.trim()).unwrap());
        let (keys, quorum) = (self.vkeys(2), quorum.to_string());
        let ran = stage.run(["witness", "add", self.url(), &keys[0], &keys[1], "--quorum", &quorum]);
        assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    }

    /// Forgets everything, as a witness that is set up anew under its old key.
    pub(crate) fn forget(&self) {
        self.state().seen.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(request) = crate::authority::read_request(&mut stream) else { return };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.requests += 1;
    let plain = |status: &'static str, body: &str| (status, "text/plain", body.as_bytes().to_vec());
    let (status, kind, body) = match state.mode {
        Mode::Silent => return,
        Mode::Unavailable => plain("503 Service Unavailable", "later"),
        Mode::Endless => ("200 OK", "text/plain", vec![b'x'; 1 << 18]),
        Mode::Portal => ("200 OK", "text/html", b"<html>log in</html>".to_vec()),
        Mode::Disagrees => plain("422 Unprocessable Entity", "consistency proof"),
        Mode::NoSize => ("409 Conflict", "text/x.tlog.size", b"many\n".to_vec()),
        mode => answer(&mut state, mode, &request),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)); // Who asks may leave early.
    let _ = stream.read(&mut [0; 1]); // Closing with unread bytes would lose the answer.
}

fn answer(state: &mut State, mode: Mode, request: &[u8]) -> (&'static str, &'static str, Vec<u8>) {
    let request = AddCheckpoint::parse(request).unwrap();
    let new = request.checkpoint.checkpoint().clone();
    if mode == Mode::Ahead {
        return ("409 Conflict", "text/x.tlog.size", format!("{}\n", new.size + 100).into_bytes());
    }
    let judged = request.judge(&state.logs, state.seen.get(new.origin.as_str()));
    if let Err(refusal) = judged {
        return match refusal {
            Refusal::Conflict { size } => ("409 Conflict", "text/x.tlog.size", format!("{size}\n").into_bytes()),
            other => ("422 Unprocessable Entity", "text/plain", other.to_string().into_bytes()),
        };
    }
    state.seen.insert(new.origin.as_str().to_owned(), new);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = Time::from_seconds(if mode == Mode::Tomorrow { now + 86_400 } else { now }).unwrap();
    let mut body = String::new();
    for key in &state.keys {
        body += &line(&request, key, mode, now);
    }
    ("200 OK", "text/plain", body.into_bytes())
}

fn line(request: &AddCheckpoint, key: &SignerKey, mode: Mode, now: Time) -> String {
    let checkpoint = request.checkpoint.checkpoint();
    let mut line = match mode {
        Mode::OtherTree => {
            let root = Hash::of(b"another tree");
            let text = Checkpoint { root, ..checkpoint.clone() }.text();
            let cosigned = Cosigned { text: &text, origin: checkpoint.origin.as_str(), size: checkpoint.size, root };
            cosigned.sign(key, now).unwrap()
        }
        Mode::OtherKey => {
            let secret = NoteSecretKey::Ed25519Cosignature(Ed25519SecretKey::from_seed(&[99; 32]));
            let other = SignerKey::new(KeyName::new("nobody.test/w").unwrap(), secret);
            request.checkpoint.cosign(&other, now).unwrap()
        }
        _ => request.checkpoint.cosign(key, now).unwrap(),
    };
    if mode == Mode::Flipped {
        *line.bytes.last_mut().unwrap() ^= 1;
    }
    line.line()
}

/// Somebody who is to be told: takes what is posted, and says 204.
pub(crate) struct Heard {
    url: String,
    posted: mpsc::Receiver<Vec<u8>>,
}

impl Heard {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/alarm", listener.local_addr().unwrap());
        let (sender, posted) = mpsc::channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().filter_map(Result::ok) {
                let body = crate::authority::read_request(&mut stream).unwrap_or_default();
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
                let _ = sender.send(body);
            }
        });
        Self { url, posted }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn next(&self) -> Vec<u8> {
        self.posted.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}
