//! A stage: an empty folder in which the real program runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its stage fails")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

/// Says whether a byte of a pack is part of what a member says of the way to its base, which is found by its name all the
/// same: `back`, where it lies; `depth`, how far away a plain blob is *at most*; `sum`, which guards the two. Where one
/// contradicts nothing, an audit notes it.
pub(crate) fn is_of_way(pack: &[u8], at: usize) -> bool {
    // A CBOR text key, and behind it the head and the bytes of an integer.
    let has_key = |key: &[u8], bytes_max: usize| {
        let first = at.saturating_sub(key.len() + bytes_max);
        pack[first..at].windows(key.len()).any(|window| window == key)
    };
    has_key(b"\x65depth", 1) || has_key(b"\x64back", 8) || has_key(b"\x63sum", 4)
}

/// An empty folder in which the real program runs.
pub(crate) struct Stage(TempDir);

/// What one run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output, each line read as JSON where it is.
    pub(crate) lines: Vec<Json>,
    /// Standard error.
    pub(crate) remarks: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Returns a path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a list of targets and returns its path.
    pub(crate) fn list(&self, targets: impl IntoIterator<Item = impl AsRef<str>>) -> PathBuf {
        let path = self.path("targets.txt");
        let lines: Vec<String> = targets.into_iter().map(|target| target.as_ref().to_owned()).collect();
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        path
    }

    /// Returns the program, about to run here without anybody's settings.
    pub(crate) fn program(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_affiant"));
        self.settle(command.args(arguments));
        command
    }

    /// Makes a command run here without anybody's settings.
    pub(crate) fn settle(&self, command: &mut Command) {
        command
            .current_dir(self.0.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env_remove("AFFIANT_ARCHIVE")
            .env_remove("AFFIANT_KEYS")
            .env_remove("AFFIANT_PASSPHRASE")
            .env_remove("SSH_AUTH_SOCK");
    }

    /// Runs the program with `--json`.
    pub(crate) fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
        Ran::of(&self.program(arguments).arg("--json").output().unwrap())
    }

    /// Holds the archive to an audit of everything in it.
    pub(crate) fn assert_clean(&self, case: &str) {
        let ran = self.run(["audit"]);
        let is_clean = ran.lines.iter().any(|line| line["clean"] == true);
        assert!(ran.code == Some(0) && is_clean, "{case}: {:?} {}", ran.lines, ran.remarks);
    }

    /// Runs a demonstration, which finds the real program on its path, to a good end; returns what it printed.
    pub(crate) fn demonstrate(&self, script: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let program = Path::new(env!("CARGO_BIN_EXE_affiant")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        self.settle(command.arg(script).env("PATH", path));
        let output = command.output().unwrap();
        let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        eprintln!("{said}{why}");
        assert!(output.status.success(), "{said}{why}");
        said.into_owned()
    }

    /// Captures a list of targets on this machine.
    pub(crate) fn capture(&self, list: &Path) -> Ran {
        self.run([OsStr::new("capture"), OsStr::new("--allow-private"), OsStr::new("--from"), list.as_os_str()])
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let lines = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        Self {
            code: output.status.code(),
            lines: lines.collect(),
            remarks: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Returns a field of every line that has it as text.
    pub(crate) fn texts(&self, field: &str) -> Vec<String> {
        self.lines.iter().filter_map(|line| line[field].as_str().map(str::to_owned)).collect()
    }
}
