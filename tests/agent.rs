//! Keys that an ssh-agent has: a real one signs, and one that refuses, lies, hangs or goes leaves nothing behind.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use affiant::log::key::{Ed25519PublicKey, Ed25519SecretKey};
use affiant::outside::agent::{Agent, AgentError};

use crate::interop::{accepted, has};
use crate::stage::{Ran, Stage};

/// A running ssh-agent, which ends with the test.
struct RealAgent {
    socket: PathBuf,
    program: Child,
}

impl RealAgent {
    fn start(stage: &Stage) -> Self {
        let socket = stage.path("agent");
        let program = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).spawn().unwrap();
        let begun = Instant::now();
        while !socket.exists() {
            assert!(begun.elapsed() < Duration::from_secs(20), "ssh-agent does not listen");
            thread::yield_now();
        }
        Self { socket, program }
    }

    /// Runs `ssh-add`.
    fn add(&self, words: &[&str], stage: &Stage) {
        accepted(Command::new("ssh-add").args(words).current_dir(stage.path("")).env("SSH_AUTH_SOCK", &self.socket));
    }
}

impl Drop for RealAgent {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn run(stage: &Stage, socket: &Path, words: &[&str]) -> Ran {
    Ran::of(&stage.program(words).arg("--json").env("SSH_AUTH_SOCK", socket).output().unwrap())
}

fn done(stage: &Stage, socket: &Path, words: &[&str]) -> Ran {
    let ran = run(stage, socket, words);
    assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.remarks);
    ran
}

fn make_key(stage: &Stage, name: &str) {
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name];
    accepted(Command::new("ssh-keygen").args(words).current_dir(stage.path("")));
}

/// An archive with a record, whose keys lie in files.
fn archive(stage: &Stage) {
    fs::write(stage.path("page.html"), "<p>We keep your letters.</p>").unwrap();
    let ran = stage.run(["capture", "page.html", "--allow-private"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
}

fn count(stage: &Stage) -> usize {
    stage.run(["list"]).lines.len()
}

#[test]
fn an_agent_signs_statements_and_checkpoints_that_everybody_verifies() {
    if !["ssh-agent", "ssh-add", "ssh-keygen"].into_iter().all(has) {
        return;
    }
    let stage = Stage::new();
    archive(&stage);
    let agent = RealAgent::start(&stage);
    for name in ["statements", "checkpoints"] {
        make_key(&stage, name);
        agent.add(&["-q", name], &stage);
        fs::remove_file(stage.path(name)).unwrap(); // From here on the agent alone has it.
    }
    let socket = agent.socket.clone();
    done(&stage, &socket, &["key", "rotate", "archive", "--agent-key", "statements.pub"]);
    done(&stage, &socket, &["key", "rotate", "log", "--agent-key", "checkpoints.pub", "--no-overlap"]);
    for (file, public) in [("keys/archive.key", "statements.pub"), ("keys/log.key", "checkpoints.pub")] {
        let (held, public) =
            (fs::read_to_string(stage.path(file)).unwrap(), fs::read_to_string(stage.path(public)).unwrap());
        assert_eq!(held.split(' ').nth(1).unwrap().trim(), public.split(' ').nth(1).unwrap().trim());
    }
    fs::write(stage.path("page.html"), "<p>We keep your letters for a year.</p>").unwrap();
    let captured = done(&stage, &socket, &["capture", "page.html", "--allow-private"]).texts("id").remove(0);
    done(&stage, &socket, &["bundle", &captured, "-o", "page.zip"]);
    let report = done(&stage, &socket, &["verify", "page.zip"]);
    assert_eq!(report.texts("verdict"), ["verified-with-gaps"]);
    done(&stage, &socket, &["audit", "--report", "audit.json"]);
    let signers = stage.run(["key", "export", "all", "--as", "allowed-signers"]).texts("text").remove(0);
    fs::write(stage.path("signers"), signers).unwrap();
    let folder = tempfile::tempdir().unwrap();
    crate::folder::put(folder.path(), &crate::forgery::unzip(&stage.path("page.zip")));
    let fingerprint = accepted(Command::new("ssh-keygen").arg("-lf").arg(stage.path("statements.pub")));
    let fingerprint = fingerprint.split(' ').nth(1).unwrap().to_owned();
    let script = ["verify.sh", "--trust", &fingerprint];
    accepted(Command::new("sh").args(script).current_dir(folder.path()));

    // The agent has gone, or has them no more: nothing is signed, and nothing is left half done.
    let before = count(&stage);
    agent.add(&["-q", "-D"], &stage);
    fs::write(stage.path("page.html"), "<p>We keep your letters for two years.</p>").unwrap();
    for (case, at, words) in [
        ("emptied", socket.clone(), "does not hold"),
        ("gone", stage.path("nobody"), "the ssh-agent at"),
        ("never there", PathBuf::new(), "`SSH_AUTH_SOCK` is not set"),
    ] {
        let ran = run(&stage, &at, &["capture", "page.html", "--allow-private"]);
        assert!(ran.code == Some(6) && ran.remarks.contains(words), "{case}: {:?} {}", ran.code, ran.remarks);
    }
    assert_eq!(count(&stage), before);
    stage.assert_clean("after an agent that did not sign");

    // What an agent has is not closed with a passphrase; what lies in files is.
    fs::write(stage.path("new"), "long\n").unwrap();
    let closed = stage.run(["key", "passphrase", "--new-passphrase-file", "new"]);
    assert_eq!(closed.lines[0]["files"], 2, "the ML-DSA-44 and the recovery key: {}", closed.remarks);

    // Keys that are lost with an agent are replaced like others.
    let words = ["key", "rotate", "all", "--recovery", "keys/recovery.key", "--passphrase-file", "new"];
    done(&stage, &PathBuf::new(), &words);
    done(&stage, &PathBuf::new(), &["capture", "page.html", "--allow-private", "--passphrase-file", "new"]);
    stage.assert_clean("after recovery");
}

/// What an agent of the tests does when it is asked to sign.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Signs.
    None,
    /// Signs something else.
    OtherMessage,
    /// Says that it does not.
    Refuses,
    /// Answers with another message.
    OtherAnswer,
    /// Ends in the middle.
    CutOff,
    /// Says that more bytes follow than any message has.
    Endless,
    /// Says nothing.
    Silent,
    /// Sends a byte now and then.
    Drips,
}

/// An agent that answers on a socket for as long as the test runs: `honest` signatures, then its fault.
fn false_agent(socket: &Path, fault: Fault, honest: usize) -> Ed25519PublicKey {
    let key = Arc::new(Ed25519SecretKey::from_seed(&[42; 32]));
    let (public, listener, asked) = (key.public(), UnixListener::bind(socket).unwrap(), AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut length = [0; 4];
            if stream.read_exact(&mut length).is_err() {
                continue;
            }
            let mut message = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
            stream.read_exact(&mut message).unwrap();
            let is_honest = message[0] == 11 || asked.fetch_add(1, Ordering::SeqCst) < honest;
            let fault = if is_honest { Fault::None } else { fault };
            let mut answer = answer(&key, &message, fault);
            match fault {
                Fault::Silent => thread::sleep(Duration::from_hours(1)),
                Fault::Endless => answer[..4].copy_from_slice(&[0x7f; 4]),
                Fault::CutOff => answer.truncate(20),
                _ => {}
            }
            send(&mut stream, &answer, matches!(fault, Fault::Drips));
        }
    });
    public
}

/// Sends an answer, in drops where it drips.
fn send(stream: &mut UnixStream, answer: &[u8], drips: bool) {
    for bytes in answer.chunks(if drips { 1 } else { answer.len() }) {
        // Whoever does not wait any longer has gone.
        if stream.write_all(bytes).is_err() {
            return;
        }
        if drips {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn answer(key: &Ed25519SecretKey, message: &[u8], fault: Fault) -> Vec<u8> {
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let wire = [string(b"ssh-ed25519"), string(key.public().as_bytes())].concat();
    let answer = match (message[0], fault) {
        (11, _) => [vec![12, 0, 0, 0, 1], string(&wire), string(b"")].concat(),
        (_, Fault::Refuses) => vec![5],
        (_, Fault::OtherAnswer) => vec![6],
        _ => {
            // The key, 55 bytes with its length, then what is to be signed, then four bytes of flags.
            let asked = &message[1 + 55 + 4..message.len() - 4];
            let signed = if matches!(fault, Fault::OtherMessage) { &asked[1..] } else { asked };
            let signature = [string(b"ssh-ed25519"), string(&key.sign(signed))].concat();
            [vec![14], string(&signature)].concat()
        }
    };
    string(&answer)
}

#[test]
fn an_agent_that_refuses_lies_or_hangs_is_an_error_in_time() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (fault, words)) in [
        (Fault::None, ""),
        (Fault::OtherMessage, "the signature does not fit"),
        (Fault::Refuses, "the agent refuses"),
        (Fault::OtherAnswer, "answered with message 6, where 14 was expected"),
        (Fault::CutOff, "the ssh-agent at"),
        (Fault::Endless, "2139062143 bytes"),
        (Fault::Silent, "did not answer within 0.3 s"),
        (Fault::Drips, "did not answer within 0.3 s"),
    ]
    .into_iter()
    .enumerate()
    {
        let socket = folder.path().join(number.to_string());
        let public = false_agent(&socket, fault, 0);
        let agent = Agent::at(&socket, Duration::from_millis(300));
        let signer = agent.signer(public).unwrap();
        let begun = Instant::now();
        let signed = signer.sign(b"something");
        assert!(begun.elapsed() < Duration::from_secs(10), "{fault:?}");
        match signed {
            Ok(signature) => assert!(words.is_empty() && public.verify(b"something", &signature).is_ok(), "{fault:?}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!words.is_empty() && said.contains(words), "{fault:?}: {said}");
                assert!(said.contains(&public.fingerprint()), "it says whose signature is missing: {said}");
            }
        }
        let other = Ed25519SecretKey::from_seed(&[43; 32]).public();
        if matches!(fault, Fault::None) {
            assert!(matches!(agent.signer(other), Err(AgentError::NotHeld { .. })));
        }
    }
}

#[test]
fn an_agent_that_begins_to_lie_leaves_nothing_half_written() {
    let stage = Stage::new();
    archive(&stage);
    // It signs that its key takes over, then the statement of the record that says so, then the statements of others; then it lies.
    for honest in 0..5 {
        let here = Stage::new();
        crate::folder::put(&here.path(""), &crate::folder::read(&stage.path("")));
        let lock = here.path("keys/archive.key");
        for file in ["archive.key", "log.key", "log-ml-dsa-44.key", "recovery.key"] {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(here.path("keys").join(file), fs::Permissions::from_mode(0o600)).unwrap();
        }
        let before = (count(&here), fs::read(&lock).unwrap());
        let socket = here.path("agent");
        let public = false_agent(&socket, Fault::OtherMessage, honest);
        fs::write(here.path("agent.pub"), public.openssh() + "\n").unwrap();
        let rotated = run(&here, &socket, &["key", "rotate", "archive", "--agent-key", "agent.pub"]);
        assert_eq!(rotated.code == Some(0), honest > 1, "{honest}: {}", rotated.remarks);
        if honest < 2 {
            assert!(rotated.remarks.contains("the signature does not fit"), "{}", rotated.remarks);
            assert_eq!((count(&here), fs::read(&lock).unwrap()), before);
            here.assert_clean("after a change that was not signed");
            // Without the agent another key is made, and not the one that was asked for before.
            let ran = here.run(["key", "rotate", "archive"]);
            assert_eq!(ran.code, Some(0), "{}", ran.remarks);
            continue;
        }
        let captures = || here.run(["list", "--kind", "capture"]).lines.len();
        let before = captures();
        let (mut reported, mut has_lied) = (0, false);
        for number in 0..5 {
            fs::write(here.path("page.html"), format!("<p>Version {number}</p>")).unwrap();
            let ran = run(&here, &socket, &["capture", "page.html", "--allow-private"]);
            assert!(!has_lied || ran.code != Some(0), "{honest}, {number}: it lies from here on");
            has_lied |= ran.code != Some(0);
            reported += if ran.code == Some(0) { ran.texts("id").len() } else { 0 };
        }
        assert!(has_lied, "{honest}");
        assert_eq!(captures(), before + reported, "what was reported is there, and nothing else");
        here.assert_clean("after an agent that lied");
    }
}
