//! A reader's desk: a bundle that has everything, what came with it, and the tools to type with.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::page::Page;

use crate::authority::Authority;
use crate::calendar::Calendar;
use crate::endorsement::{E_MAIL, Organisation};
use crate::forgery::{Files, unpack, unzip};
use crate::interop::{accepted, has, python, skipped};
use crate::server::{Close, Server};
use crate::stage::Stage;
use crate::witness::Loopback;

/// Where the jars of the container's validator lie, as `.ci/run` puts them there.
const JARS: &str = "target/ci/dss";

/// What the page asks for besides the shell.
const PROGRAMS: [&str; 12] = [
    "busybox",
    "dash",
    "go",
    "java",
    "openssl",
    "pdftotext",
    "qpdf",
    "sha256sum",
    "ssh-keygen",
    "unzip",
    "xxd",
    "find",
];

/// The modules of Python behind the commands that are written in it.
const MODULES: [&str; 3] = ["bagit", "otsclient", "pycose"];

/// What a reader has before them, and those who vouch for it.
pub(super) struct Desk {
    /// The bundle, unpacked, under `bundle/`; beside it what came with it and what the reader has from others.
    pub(super) files: Files,
    pub(super) page: Page,
    vkey: String,
    tools: TempDir,
    calendar: Calendar,
}

impl Desk {
    /// Makes everything; where a program is absent, says aloud that the test is skipped.
    pub(super) fn lay() -> Option<Self> {
        let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join(JARS);
        let has_jars = jars.is_dir() || skipped(&format!("the validator of containers is not in `{JARS}`"));
        if !has_jars || !PROGRAMS.into_iter().all(has) || MODULES.into_iter().any(|module| python(module).is_none()) {
            return None;
        }
        let (authority, calendar) = (Authority::start("Typed")?, Calendar::start()?);
        let organisation = Organisation::new((2020, 2050), E_MAIL);
        let witness = Loopback::start("witness", 1);
        let stage = Stage::new();
        let subjects = record(&stage, &authority, &calendar, &witness);
        let keys = accepted(&mut stage.program(["key", "export", "all", "--as", "endorsement"]));
        fs::write(stage.path("keys.cms"), organisation.sign(keys.as_bytes(), &["-binary", "-nodetach"])).unwrap();
        done(&stage, &["key", "endorse", "keys.cms"]);
        let bundle = ["bundle", &subjects[0], &subjects[1], "-o", "bundle.zip", "--exhibit", "A", "--custody"];
        done(&stage, &bundle);
        done(&stage, &["timestamp", "--container", "bundle.zip", "-o", "bundle.asics", "--authority", authority.url()]);

        let unzipped = unzip(&stage.path("bundle.zip"));
        let page = Page::read(std::str::from_utf8(&unzipped["VERIFY.md"]).unwrap());
        let mut files: Files = unzipped.into_iter().map(|(name, bytes)| (format!("bundle/{name}"), bytes)).collect();
        let beside = [
            ("bundle.zip", stage.path("bundle.zip")),
            ("bundle.asics", stage.path("bundle.asics")),
            ("exhibit.pdf", stage.path("bundle-exhibit-a.pdf")),
            ("root.pem", authority.root()),
            ("organisation.pem", organisation.path("root.pem")),
            ("list.crl", authority.list()),
        ];
        files.extend(beside.map(|(name, path)| (name.to_owned(), fs::read(path).unwrap())));
        let desk =
            Self { files, page, vkey: witness.vkeys(1).remove(0), tools: tempfile::tempdir().unwrap(), calendar };
        desk.put_tools();
        Some(desk)
    }

    /// Types a block in the unpacked folder, under a shell by its name; returns whether it succeeded, and what was said.
    pub(super) fn type_in(&self, folder: &Path, shell: &str, block: &str) -> (bool, String) {
        let block = self.filled(block);
        let mut command = Command::new(self.tools.path().join(shell).join("sh"));
        command.args(["-e", "-c", &block]).current_dir(folder.join("bundle"));
        command.env("HOME", self.tools.path().join("home")).env("TMPDIR", folder);
        command.env("PATH", self.path(shell)).env("GOFLAGS", "").env("GOTOOLCHAIN", "local").env("GOPROXY", "off");
        // Modules come from where `go mod download` has put them, after it had checked their sums.
        command.env("GONOSUMDB", "*").env("CGO_ENABLED", "0");
        for name in ["GOMODCACHE", "GOCACHE"] {
            command.env(name, accepted(Command::new("go").args(["env", name])).trim());
        }
        for name in ["AFFIANT_ARCHIVE", "AFFIANT_KEYS", "XDG_CONFIG_HOME"] {
            command.env_remove(name);
        }
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    /// Puts what only the reader has in the place of its name.
    fn filled(&self, block: &str) -> String {
        let names = self.names();
        names.iter().fold(block.to_owned(), |block, (name, what)| block.replace(name, what))
    }

    /// The names in capitals, each with what a reader would put there.
    pub(super) fn names(&self) -> [(&'static str, String); 8] {
        let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join(JARS);
        let beside = |name: &str| format!("../{name}");
        [
            ("BUNDLE.zip", beside("bundle.zip")),
            ("BUNDLE.asics", beside("bundle.asics")),
            ("EXHIBIT.pdf", beside("exhibit.pdf")),
            ("ROOT.pem", beside("root.pem")),
            ("ORGANISATION.pem", beside("organisation.pem")),
            ("LIST.crl", beside("list.crl")),
            ("JARS", jars.to_str().unwrap().to_owned()),
            ("VKEY", format!("'{}'", self.vkey)),
        ]
    }

    /// Lays files out in a folder of their own.
    pub(super) fn lay_out(files: &Files) -> TempDir {
        let folder = unpack(files);
        fs::create_dir(folder.path().join("check")).unwrap();
        folder
    }

    /// A shell of each name, and the settings of whoever runs a Bitcoin node.
    fn put_tools(&self) {
        for shell in ["dash", "busybox"] {
            let folder = self.tools.path().join(shell);
            fs::create_dir(&folder).unwrap();
            let found = accepted(Command::new("sh").args(["-c", &format!("command -v {shell}")]));
            symlink(found.trim(), folder.join("sh")).unwrap();
        }
        let settings = self.tools.path().join("home/.bitcoin");
        fs::create_dir_all(&settings).unwrap();
        let node = self.calendar.node();
        let port = node.rsplit(':').next().unwrap();
        let text = format!("rpcconnect=127.0.0.1\nrpcport={port}\nrpcuser=user\nrpcpassword=pass\n");
        fs::write(settings.join("bitcoin.conf"), text).unwrap();
    }

    fn path(&self, shell: &str) -> OsString {
        let program = Path::new(env!("CARGO_BIN_EXE_affiant")).parent().unwrap().to_owned();
        let python = std::env::var_os("AFFIANT_TEST_PYTHON").map(PathBuf::from);
        let python = python.and_then(|path| path.parent().map(Path::to_owned));
        let own = [Some(self.tools.path().join(shell)), python, Some(program)].into_iter().flatten();
        let rest = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(own.chain(std::env::split_paths(&rest))).unwrap()
    }
}

/// Captures a page twice, with everybody's word on both sides of the second, and quotes it; returns capture and provision.
fn record(stage: &Stage, authority: &Authority, calendar: &Calendar, witness: &Loopback) -> [String; 2] {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |_, wire| {
        let days = if asked.fetch_add(1, Ordering::SeqCst) == 0 { "thirty" } else { "sixty" };
        let page = format!(
            "<!doctype html><title>Terms</title><h1>Terms</h1><p>We keep your letters for {days} days, whatever they say.</p>"
        );
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len());
        let _ = wire.write_all((head + &page).as_bytes()); // Who asks may leave early.
        Close::Politely
    });
    let list = stage.list([server.url("127.0.0.1", "/terms")]);
    let capture = || {
        let ran = stage.capture(&list);
        assert_eq!(ran.code, Some(0), "{}", ran.remarks);
        ran.texts("id").remove(0)
    };
    let mine = || {
        done(stage, &["timestamp", "--calendar", &calendar.url(), "--remember"]);
        calendar.mine();
        done(stage, &["timestamp", "--upgrade", "--bitcoin-node", &calendar.node()]);
    };
    capture();
    authority.trust_in(&stage.path("keys"));
    fs::write(stage.path("keys/blocks"), "network regtest\n").unwrap();
    done(stage, &["timestamp", "--authority", authority.url(), "--remember"]);
    mine();
    witness.enter(stage, 1);
    done(stage, &["witness", "ask"]);
    let second = capture();
    mine();
    let quoted = done(stage, &["quote", &second, "sixty days"]);
    [second, quoted]
}

fn done(stage: &Stage, arguments: &[&str]) -> String {
    let ran = stage.run(arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.remarks);
    ran.texts("id").first().cloned().unwrap_or_default()
}
