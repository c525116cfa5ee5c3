//! The script beside the verifier.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use affiant::evidence::bundle::write::SCRIPT;
use affiant::evidence::verify::Verdict;

use super::cases::Case;
use super::yard::{Bundles, unpack, unzip, write};
use super::{say, verify, worst};

/// Shells that the script must run under, as far as they are here.
const SHELLS: [&[&str]; 2] = [&["dash"], &["busybox", "sh"]];

/// Runs a trusted copy of the script on a folder; returns its exit code and what it said.
pub(super) fn run(shell: &[&str], script: &Path, trust: &[&str], folder: &Path) -> Option<(i32, String)> {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(script);
    for what in trust {
        command.args(["--trust", what]);
    }
    let answer = command.arg(folder).output().ok()?;
    let said = String::from_utf8_lossy(&answer.stdout) + String::from_utf8_lossy(&answer.stderr);
    Some((answer.status.code()?, said.into_owned()))
}

/// Runs a trusted copy of the script under the first shell that is here.
pub(super) fn run_with(arguments: &[String], script: &Path, folder: &Path) -> (i32, String) {
    let shell = shells()[0];
    let answer = Command::new(shell[0]).args(&shell[1..]).arg(script).args(arguments).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&answer.stdout) + String::from_utf8_lossy(&answer.stderr);
    (answer.status.code().unwrap(), said.into_owned())
}

pub(super) fn shells() -> Vec<&'static [&'static str]> {
    let is_here = |shell: &&&[&str]| Command::new(shell[0]).args(&shell[1..]).args(["-c", "true"]).output().is_ok();
    let here: Vec<_> = SHELLS.iter().filter(is_here).copied().collect();
    let names: Vec<String> = SHELLS.iter().filter(|shell| !here.contains(shell)).map(|shell| shell.join(" ")).collect();
    assert!(names.is_empty() || std::env::var_os("CI").is_none(), "{names:?} are not installed");
    if !names.is_empty() {
        eprintln!("SKIPPED: {names:?} are not installed");
    }
    here
}

/// Every way to trust the right key is enough, no other is.
pub(super) fn accepts_what_is_honest(bundles: &Bundles) {
    let files = unzip(&bundles.newest);
    let folder = unpack(&files);
    let outside = tempfile::tempdir().unwrap();
    let script = outside.path().join("verify.sh");
    write(&script, SCRIPT.as_bytes());
    let keep = |name: &str| {
        let path = outside.path().join(name.replace('/', "-"));
        write(&path, &files[name]);
        path.to_str().unwrap().to_owned()
    };
    let policy = outside.path().join("policy");
    write(&policy, &bundles.policy.encode());
    let fingerprint = bundles.policy.logs()[0].key.fingerprint();
    let good = [
        fingerprint.clone(),
        keep("data/keys/allowed-signers"),
        keep("data/keys/archive.pub"),
        keep("data/keys/archive.pem"),
        keep("data/keys/log.pem"),
        keep("data/keys/log.vkey"),
        policy.to_str().unwrap().to_owned(),
    ];
    let other = unzip(&bundles.impostor);
    let foreign = outside.path().join("foreign");
    write(&foreign, &other["data/keys/allowed-signers"]);
    let bad =
        ["SHA256:".to_owned(), fingerprint[..fingerprint.len() - 1].to_owned(), foreign.to_str().unwrap().to_owned()];
    for shell in shells() {
        for what in &good {
            let (code, said) = run(shell, &script, &[what], folder.path()).unwrap();
            assert_eq!(code, 0, "{shell:?} {what}: {said}");
        }
        for what in &bad {
            let (code, said) = run(shell, &script, &[what], folder.path()).unwrap();
            assert_eq!(code, 4, "{shell:?} {what}: {said}");
        }
        let (code, said) = run(shell, &script, &[], folder.path()).unwrap();
        assert!(code == 4 && said.contains(&fingerprint), "{shell:?}: {said}");
        let (code, said) = run_after_a_killed_one(shell, &script, &fingerprint, folder.path());
        assert_eq!(code, 0, "{shell:?}: {said}");
    }
}

/// Runs the script where a run that was killed had the same number as a process and left its folder.
fn run_after_a_killed_one(shell: &[&str], script: &Path, fingerprint: &str, folder: &Path) -> (i32, String) {
    let passing = tempfile::tempdir().unwrap();
    let leave = "mkdir \"$TMPDIR/affiant-verify.$$\" \"$TMPDIR/affiant-verify.$$.0\" && exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", leave, "sh"]).args(shell).arg(script).args(["--trust", fingerprint]).arg(folder);
    let answer = command.env("TMPDIR", passing.path()).output().unwrap();
    let left = std::fs::read_dir(passing.path()).unwrap().count();
    assert_eq!(left, 2, "nothing of its own is left, and nothing of another is taken");
    let said = String::from_utf8_lossy(&answer.stdout) + String::from_utf8_lossy(&answer.stderr);
    (answer.status.code().unwrap(), said.into_owned())
}

/// The script accepts none of the forgeries, and says of each what the verifier says: failed or cannot tell.
pub(super) fn agrees(bundles: &Bundles, cases: &[&Case]) {
    let shells = shells();
    let outside = tempfile::tempdir().unwrap();
    let script = outside.path().join("verify.sh");
    write(&script, SCRIPT.as_bytes());
    let fingerprint = bundles.policy.logs()[0].key.fingerprint();
    let waiting = Mutex::new(cases.iter().enumerate());
    let disagreements = Mutex::new(Vec::new());
    let work = || {
        while let Some((n, case)) = waiting.lock().map(|mut waiting| waiting.next()).unwrap() {
            let folder = unpack(&case.files);
            let shell = shells[n % shells.len()];
            let (code, said) = run(shell, &script, &[&fingerprint], folder.path()).unwrap();
            assert!(code == 3 || code == 4, "{shell:?} {case}: {code}\n{said}");
            let verdict = worst(&verify(&case.files, Some(&bundles.policy)));
            let expected = if verdict == Verdict::Failed { 3 } else { 4 };
            if code != expected {
                disagreements.lock().unwrap().push(format!("{case}: script {code}, verifier {verdict}"));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let disagreements = disagreements.into_inner().unwrap();
    let count = cases.len();
    say(&format!("{count} forgeries by the script, none accepted, {} with another exit code", disagreements.len()));
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}
