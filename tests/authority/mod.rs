//! Timestamp authorities for the tests: `openssl ts` behind HTTP on loopback, with the faults that authorities have.

#![expect(clippy::unwrap_used, reason = "an authority that cannot be set up fails its test")]

pub(crate) mod act;
mod algorithms;
mod bundle;
mod container;
pub(crate) mod drill;
pub(crate) mod forge;
mod renew;
mod renewal;
mod revoked;
mod stamped;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tempfile::TempDir;

use crate::interop::has;

/// What an authority does with the next requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// Answers.
    Good,
    /// Says that it cannot, by status.
    Unavailable,
    /// Closes the connection.
    Silent,
    /// A page that asks to log in, as a hotel's network sends.
    Portal,
    /// The same under the type of a reply.
    PortalAsReply,
    /// A token over something else.
    OtherImprint,
    /// The token that it gave first.
    Replay,
    /// A token without its status.
    Bare,
    /// More bytes than any reply has.
    Endless,
    /// A reply that says no.
    Rejected,
}

/// An authority that answers on loopback until it is dropped.
pub(crate) struct Authority {
    folder: TempDir,
    url: String,
    mode: Arc<Mutex<Mode>>,
}

const SETTINGS: &str = "\
[ tsa ]
default_tsa = tsa_settings
[ tsa_settings ]
dir = .
serial = ./serial
crypto_device = builtin
signer_cert = ./tsa.crt
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ req ]
distinguished_name = name
prompt = no
[ name ]
CN = unused
[ ca ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ authority ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";

const LIST_SETTINGS: &str = "\
[ ca ]
default_ca = lists
[ lists ]
database = ./revoked
default_md = sha256
default_crl_days = 30
";

impl Authority {
    /// Starts an authority on a free port; where there is no openssl, says aloud that the test is skipped.
    pub(crate) fn start(name: &str) -> Option<Self> {
        if !has("openssl") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::write(at.join("tsa.cnf"), SETTINGS).unwrap();
        fs::write(at.join("serial"), "01\n").unwrap();
        for key in ["ca.key", "tsa.key"] {
            openssl(at, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key]);
        }
        let subject = |what: &str| format!("/O=Loopback/CN={name} {what}");
        let root =
            ["req", "-x509", "-new", "-key", "ca.key", "-days", "3650", "-config", "tsa.cnf", "-extensions", "ca"];
        openssl(at, &[&root[..], &["-subj", &subject("root"), "-out", "ca.crt"]].concat());
        openssl(
            at,
            &[
                "req",
                "-new",
                "-key",
                "tsa.key",
                "-config",
                "tsa.cnf",
                "-subj",
                &subject("authority"),
                "-out",
                "tsa.csr",
            ],
        );
        let issue =
            ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "365"];
        openssl(at, &[&issue[..], &["-extfile", "tsa.cnf", "-extensions", "authority", "-out", "tsa.crt"]].concat());

        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/tsr", listener.local_addr().unwrap());
        let mode = Arc::new(Mutex::new(Mode::Good));
        let (shared, at) = (Arc::clone(&mode), at.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let mode = *shared.lock().unwrap_or_else(PoisonError::into_inner);
                serve(stream, mode, &at);
            }
        });
        Some(Self { folder, url, mode })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    /// Returns the file of its root.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// Returns the file of its list of revoked certificates, on which none stands.
    pub(crate) fn list(&self) -> PathBuf {
        let at = self.folder.path();
        fs::write(at.join("revoked"), "").unwrap();
        fs::write(at.join("list.cnf"), LIST_SETTINGS).unwrap();
        let list =
            ["ca", "-gencrl", "-config", "list.cnf", "-keyfile", "ca.key", "-cert", "ca.crt", "-out", "list.crl"];
        openssl(at, &list);
        at.join("list.crl")
    }

    /// Makes a keyring trust it.
    pub(crate) fn trust_in(&self, keys: &Path) {
        let folder = keys.join("authorities");
        fs::create_dir_all(&folder).unwrap();
        fs::copy(self.root(), folder.join(format!("{}.pem", self.url.rsplit(':').next().unwrap().replace('/', "-"))))
            .unwrap();
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Answers one request, and closes.
fn serve(mut stream: TcpStream, mode: Mode, folder: &Path) {
    let Some(request) = read_request(&mut stream) else { return };
    let reply = |bytes: Vec<u8>| ("200 OK", "application/timestamp-reply", bytes);
    let (status, kind, body) = match mode {
        Mode::Silent => return,
        Mode::Unavailable => ("503 Service Unavailable", "text/plain", b"later".to_vec()),
        Mode::Portal => ("200 OK", "text/html", b"<html>log in</html>".to_vec()),
        Mode::PortalAsReply => reply(b"<html>log in</html>".to_vec()),
        Mode::Endless => reply(vec![0x30; 1 << 20]),
        Mode::Good => reply(answer(folder, &request)),
        Mode::OtherImprint => {
            fs::write(folder.join("other"), "something else").unwrap();
            openssl(folder, &["ts", "-query", "-data", "other", "-sha256", "-cert", "-out", "other.tsq"]);
            reply(answer(folder, &fs::read(folder.join("other.tsq")).unwrap()))
        }
        Mode::Replay => reply(fs::read(folder.join("first.tsr")).unwrap()),
        Mode::Bare => {
            fs::write(folder.join("whole.tsr"), answer(folder, &request)).unwrap();
            openssl(folder, &["ts", "-reply", "-in", "whole.tsr", "-token_out", "-out", "token.der"]);
            reply(fs::read(folder.join("token.der")).unwrap())
        }
        Mode::Rejected => {
            // A request for SHA-1, which the authority does not take.
            openssl(folder, &["ts", "-query", "-data", "tsa.cnf", "-sha1", "-out", "sha1.tsq"]);
            reply(answer(folder, &fs::read(folder.join("sha1.tsq")).unwrap()))
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)); // Who asks may leave early.
}

fn answer(folder: &Path, request: &[u8]) -> Vec<u8> {
    fs::write(folder.join("request.tsq"), request).unwrap();
    openssl(folder, &["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request.tsq", "-out", "reply.tsr"]);
    let reply = fs::read(folder.join("reply.tsr")).unwrap();
    if !folder.join("first.tsr").exists() {
        fs::write(folder.join("first.tsr"), &reply).unwrap();
    }
    reply
}

pub(crate) fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).ok()?;
        bytes.extend_from_slice(buffer.get(..count)?);
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        let length = end.and_then(|end| {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())
        });
        if let (Some(end), Some(length)) = (end, length)
            && bytes.len() >= end + length
        {
            return Some(bytes[end..end + length].to_vec());
        }
        if count == 0 {
            return None;
        }
    }
}
