//! Witnesses, logs and checks that nobody here wrote: litewitness, Tessera's POSIX log, Tessera's fsck.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use affiant::log::checkpoint::SignedCheckpoint;
use affiant::log::vkey::VerifierKey;
use data_encoding::BASE64;

use super::serve::Served;
use crate::authority::act::{capture, finding};
use crate::interop::{accepted, has, rejected, skipped};
use crate::stage::Stage;

#[test]
fn litewitness_cosigns_our_log() {
    let (Some(folder), true, true) = (programs(), has("ssh-agent"), has("ssh-add")) else { return };
    let stage = Stage::new();
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    let log = vkey(&stage);
    let witness = Litewitness::start(&stage, folder, &log);
    let ran = stage.run(["witness", "add", &witness.url, &witness.vkey, "--quorum", "1"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let ran = stage.run(["witness", "ask"]);
    assert_eq!((ran.code, ran.texts("witness")), (Some(0), vec!["litewitness.test/w".to_owned()]), "{}", ran.remarks);
    // It is caught up over two publications that it was not shown, from the size that its 409 says.
    for words in ["sixty", "ninety"] {
        let text = format!("We keep your letters for {words} days, whatever they say.");
        fs::write(stage.path("page.html"), format!("<!doctype html><title>Terms</title><h1>Terms</h1><p>{text}</p>"))
            .unwrap();
        assert_eq!(stage.run(["capture", "page.html", "--offline"]).code, Some(0));
    }
    for entry in fs::read_dir(stage.path("archive/anchors/3")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap(); // As if it had never been heard.
    }
    let ran = stage.run(["witness", "ask"]);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let id = capture(&stage, "We keep your letters for a hundred days, whatever they say.", &[]);
    let verified = stage.run(["verify", &id]);
    eprintln!("{:?}", finding(&verified, "witnesses"));
    for check in ["witnesses", "not-before", "not-after"] {
        assert_eq!(finding(&verified, check)["result"], "holds", "{check}: {:?}", verified.lines);
    }
    let checkpoint = fs::read_to_string(stage.path("archive/checkpoint")).unwrap();
    assert!(checkpoint.contains("\u{2014} litewitness.test/w "), "{checkpoint}");
    // Their note library reads what we serve, and their fsck finds nothing.
    accepted(
        Command::new(folder.join(format!("go{EXE_SUFFIX}")))
            .arg("fsck")
            .args([stage.path("archive"), stage.path("keys/log.vkey")]),
    );
}

#[test]
fn our_witness_cosigns_a_tessera_log_and_our_monitor_follows_it() {
    let Some(folder) = programs() else { return };
    let go = folder.join(format!("go{EXE_SUFFIX}"));
    let stage = Stage::new();
    let keys = accepted(Command::new(&go).args(["key", "tessera.test/log"]));
    let [secret, public] = keys.lines().collect::<Vec<_>>()[..] else { panic!("{keys}") };
    fs::write(stage.path("log.skey"), secret).unwrap();
    let witness = Served::start(&stage, "witness", &["--follow", public]);
    let policy = format!("witness ours {} {}\nquorum ours\n", witness.vkeys[0], witness.url);
    fs::write(stage.path("tessera-policy"), policy).unwrap();
    let append = |entries: &[&str]| {
        let mut command = Command::new(&go);
        command
            .arg("append")
            .args([stage.path("log"), stage.path("log.skey"), stage.path("tessera-policy")])
            .args(entries);
        accepted(&mut command)
    };
    append(&["first", "second", "third"]);
    let look = || stage.run(["monitor", "log", "--log", public]);
    assert_eq!(look().texts("result"), ["first"]);
    append(&["fourth", "fifth"]);
    let ran = look();
    assert_eq!(
        (ran.texts("result"), ran.lines[0]["hashed"].as_u64()),
        (vec!["grown".to_owned()], Some(2)),
        "{:?}",
        ran.lines
    );
    let signed = SignedCheckpoint::parse(&fs::read(stage.path("log/checkpoint")).unwrap()).unwrap();
    assert_eq!(signed.checkpoint().size, 5);
    let keys = [VerifierKey::parse(&witness.vkeys[0]).unwrap()];
    assert_eq!(signed.verify(&keys).unwrap().len(), 1, "it published with our line");

    // What is changed in their log, our monitor sees; what is changed in ours, their fsck.
    let path = stage.path("log/tile/entries/000.p/5");
    let mut entries = fs::read(&path).unwrap();
    *entries.last_mut().unwrap() ^= 1;
    fs::write(&path, entries).unwrap();
    let ran = stage.run(["monitor", "log", "--log", public, "--home", "anew"]);
    assert_eq!(ran.texts("result"), ["failed"], "{:?}", ran.lines);
    capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    let fsck = || {
        let mut command = Command::new(&go);
        command.arg("fsck").args([stage.path("archive"), stage.path("keys/log.vkey")]);
        command
    };
    assert_eq!(accepted(&mut fsck()).trim(), "clean");
    let path = stage.path("archive/tile/entries/000.p/3");
    let mut entries = fs::read(&path).unwrap();
    *entries.last_mut().unwrap() ^= 1;
    fs::write(&path, entries).unwrap();
    rejected(&mut fsck(), "");
}

fn vkey(stage: &Stage) -> String {
    fs::read_to_string(stage.path("keys/log.vkey")).unwrap().trim().to_owned()
}

/// A witness by its own author, until it is dropped.
struct Litewitness {
    agent: Child,
    child: Child,
    url: String,
    vkey: String,
}

impl Litewitness {
    fn start(stage: &Stage, folder: &Path, log: &str) -> Self {
        let home = stage.path("lite");
        fs::create_dir(&home).unwrap();
        let socket = home.join("agent");
        let done = |command: &mut Command| assert!(command.output().unwrap().status.success(), "{command:?}");
        done(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(home.join("key")));
        let mut agent = Command::new("ssh-agent");
        let agent = agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        for _ in 0..100 {
            if socket.exists() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        done(Command::new("ssh-add").arg(home.join("key")).env("SSH_AUTH_SOCK", &socket).stderr(Stdio::null()));
        let printed = Command::new("ssh-keygen").arg("-lf").arg(home.join("key.pub")).output().unwrap();
        let fingerprint = String::from_utf8(printed.stdout).unwrap().split(' ').nth(1).unwrap().to_owned();
        follow(&home.join("db"), log);
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let mut command = Command::new(folder.join(format!("litewitness{EXE_SUFFIX}")));
        command.args(["-name", "litewitness.test/w", "-key", &fingerprint, "-listen", &port.to_string()]);
        command.arg("-db").arg(home.join("db")).arg("-ssh-agent").arg(&socket).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("vkey=")).unwrap();
        let vkey = line.split("vkey=").nth(1).unwrap().trim_matches('"').to_owned();
        lines.find(|line| line.contains("listening")).unwrap();
        thread::spawn(move || lines.count());
        Self { agent, child, url: format!("http://{port}/"), vkey }
    }
}

impl Drop for Litewitness {
    fn drop(&mut self) {
        for child in [&mut self.child, &mut self.agent] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Tells litewitness which log to follow, as its own `witnessctl` writes it.
fn follow(database: &Path, log: &str) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let tables = "CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
        CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));";
    connection.execute_batch(tables).unwrap();
    let origin = log.split('+').next().unwrap();
    let empty = BASE64.encode(affiant::log::merkle::empty_root().as_bytes());
    connection.execute("INSERT INTO log VALUES (?1, 0, ?2)", [origin, &empty]).unwrap();
    connection.execute("INSERT INTO key VALUES (?1, ?2)", [origin, log]).unwrap();
}

/// Builds the programs in `go/`, and returns the folder where they lie.
fn programs() -> Option<&'static Path> {
    static PROGRAMS: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAMS.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    if !has("go") {
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("witness-go");
    fs::create_dir_all(&folder).unwrap();
    for (name, package) in [("go", "."), ("litewitness", "filippo.io/torchwood/cmd/litewitness")] {
        let built = Command::new("go")
            .args(["build", "-trimpath", "-o"])
            .arg(folder.join(format!("{name}{EXE_SUFFIX}")))
            .arg(package)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/witness/go"))
            .envs([("GOFLAGS", "-mod=readonly"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&built.stderr);
        if said.contains("GOPROXY=off") || said.contains("GOTOOLCHAIN=local") {
            skipped(&format!("run `go build . filippo.io/torchwood/cmd/litewitness` in tests/witness/go: {said}"));
            return None;
        }
        assert!(built.status.success(), "{said}");
    }
    Some(folder)
}
