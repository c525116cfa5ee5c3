//! OpenTimestamps calendars for the tests: the shared stand-in for a calendar and a Bitcoin node, on loopback.

#![expect(clippy::unwrap_used, reason = "a calendar that cannot be set up fails its test")]

mod act;
mod drill;
mod ots;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::interop::python;
use crate::vectors;

/// How long the stand-in may take until it listens.
const START: Duration = Duration::from_secs(20);

/// A calendar and a node with a chain of its own, until it is dropped.
pub(crate) struct Calendar {
    port: u16,
    child: Child,
}

impl Calendar {
    /// Starts one on a free port; where it is absent, says aloud that the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        let script = vectors::folder("ots")?.join("fake_calendar.py");
        let mut command = python("http.server")?;
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        command.arg(script).arg(port.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        let calendar = Self { port, child: command.spawn().unwrap() };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < START, "the calendar does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(calendar)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the node's address, with a login as nodes want one.
    pub(crate) fn node(&self) -> String {
        format!("http://user:pass@127.0.0.1:{}", self.port)
    }

    /// Puts everything that it was given into a block, and returns the block's height.
    pub(crate) fn mine(&self) -> u64 {
        self.post("/mine", b"").trim().parse().unwrap()
    }

    /// Returns the hash of a block.
    pub(crate) fn block(&self, height: u64) -> String {
        let asked = format!("{{\"method\":\"getblockhash\",\"params\":[{height}]}}");
        let answer: serde_json::Value = serde_json::from_str(&self.post("/", asked.as_bytes())).unwrap();
        answer["result"].as_str().unwrap().to_owned()
    }

    fn post(&self, path: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Calendar {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait()); // It may have ended by itself.
    }
}

/// Returns the names of an anchor's files that end in some way.
pub(crate) fn files(folder: &Path, end: &str) -> Vec<String> {
    let Ok(listed) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = listed.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(end));
    names.sort();
    names
}

/// Returns the real client, which keeps nothing and asks nobody but whom it is told to.
pub(crate) fn ots(arguments: &[&str]) -> Option<Command> {
    let mut command = python("otsclient")?;
    // The program that pip puts beside the Python that runs it.
    let run = "import os, runpy, sys; runpy.run_path(os.path.join(os.path.dirname(sys.executable), 'ots'), run_name='__main__')";
    command.args(["-c", run, "--no-cache"]).args(arguments);
    Some(command)
}
