//! `affiant witness init`, `follow` and `serve`: being a witness.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::ctrl_c;

use super::failure::{FAILED, Failure, NO_ARCHIVE, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::places::now;
use crate::archivist::witnessing::{Declined, Signed, Witnessing};
use crate::base::causes::with_causes;
use crate::log::vkey::{KeyName, VerifierKey};
use crate::outside::witness_home::{WitnessHome, WitnessHomeError};
use crate::server::rate::Rate;
use crate::server::serve;
use crate::server::witness::{Listener, router};

/// Where a witness lives.
#[derive(Debug, clap::Args)]
pub(super) struct Home {
    /// The witness's folder.
    #[arg(long, value_name = "DIR", env = "AFFIANT_WITNESS", default_value = "witness")]
    home: PathBuf,
}

impl Home {
    fn open(&self) -> WitnessHome {
        WitnessHome::new(&self.home)
    }
}

/// Make a witness: its keys, which sign cosignatures and nothing else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  affiant witness init --name witness.example/w1")]
pub(super) struct Init {
    #[command(flatten)]
    home: Home,
    /// What it is called for ever, as a web address without `https://` [default: a name that no other has].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Follow logs: their checkpoints are signed from now on, as long as each only grows.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  affiant witness follow log.example.org/affiant+d7073dae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
)]
pub(super) struct Follow {
    #[command(flatten)]
    home: Home,
    /// The logs' keys, as vkeys, got from whoever runs them.
    #[arg(value_name = "VKEY", required = true)]
    vkeys: Vec<String>,
}

/// Be a witness until interrupted. The first time makes the keys.
///
/// Takes checkpoints at `POST /add-checkpoint` and shows the newest that it signed at `GET /HASH/checkpoint`, HASH being the
/// SHA-256 of the log's origin (C2SP tlog-witness). To serve the world, put a server with a certificate before it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  affiant witness serve --listen 127.0.0.1:8650\n  \
    affiant witness serve --follow log.example.org/affiant+d7073dae+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c")]
pub(super) struct Serve {
    #[command(flatten)]
    home: Home,
    /// The address and port to listen on; port 0 chooses one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8650")]
    listen: SocketAddr,
    /// A log to follow from now on, as a vkey; give it again for another.
    #[arg(long = "follow", value_name = "VKEY")]
    vkeys: Vec<String>,
    /// How many requests a second one address may make.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
}

impl Init {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let name =
            self.name.as_deref().map(KeyName::new).transpose().map_err(|error| Failure::of(WRONG_USE, &error))?;
        let home = self.home.open();
        home.create(name.as_ref(), settings.given_passphrase()?.as_ref())?;
        print_keys(&home.vkeys()?, home.folder(), settings);
        Ok(0)
    }
}

impl Follow {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let home = self.home.open();
        home.follow(&read_vkeys(&self.vkeys)?)?;
        for log in home.logs()?.logs() {
            if settings.json {
                output::json(&json!({ "origin": log.key.name().as_str(), "vkey": log.key.to_string() }));
            } else {
                output::line(&output::plain(&format!("{}  {}", log.key.name(), log.key.fingerprint())));
            }
        }
        Ok(0)
    }
}

impl Serve {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        let home = self.home.open();
        let followed = read_vkeys(&self.vkeys)?;
        if !home.has_keys() {
            home.create(None, settings.given_passphrase()?.as_ref())?;
        }
        if !followed.is_empty() {
            home.follow(&followed)?;
        }
        let passphrase = settings.passphrase_for(home.needs_passphrase())?;
        let folder = home.folder().to_owned();
        let witnessing = Arc::new(Witnessing::open(home, passphrase.as_ref(), now())?);
        let (as_json, is_quiet) = (settings.json, settings.quiet);
        let listener: Listener = Arc::new(move |judged| tell(judged, as_json, is_quiet));
        let router = router(Arc::clone(&witnessing), listener);
        let runtime = Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::of(FAILED, &error))?;
        runtime.block_on(async {
            let listener = TcpListener::bind(self.listen).await.map_err(|error| {
                let found = format!("cannot listen on {}: {error}", self.listen);
                Failure::new(FAILED, found).try_this("--listen names another address, as 127.0.0.1:0")
            })?;
            let address = listener.local_addr().map_err(|error| Failure::of(FAILED, &error))?;
            announce(address, &witnessing.keys(), &folder, settings);
            serve(listener, router, Arc::new(Rate::new(self.rate)), interrupted()).await;
            Ok(0)
        })
    }
}

/// Waits until somebody wants the program to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = ctrl_c().await; // Without a handler the system ends the program.
}

fn announce(address: SocketAddr, keys: &[VerifierKey], folder: &Path, settings: &Settings) {
    let url = format!("http://{address}/");
    if settings.json {
        let vkeys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        return output::json(&json!({ "listening": url, "vkeys": vkeys, "home": folder }));
    }
    output::line(&format!("listening    {url}"));
    print_keys(keys, folder, settings);
}

fn print_keys(keys: &[VerifierKey], folder: &Path, settings: &Settings) {
    if settings.json {
        let vkeys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        return output::json(&json!({ "vkeys": vkeys, "home": folder }));
    }
    output::line(&format!("home         {}", folder.display()));
    for key in keys {
        output::line(&format!("fingerprint  {} {}", key.kind(), key.fingerprint()));
        output::line(&format!("vkey         {key}"));
    }
}

fn tell(judged: &Result<Signed, Declined>, as_json: bool, is_quiet: bool) {
    if as_json {
        return output::json(&to_json(judged));
    }
    match judged {
        Ok(signed) if !is_quiet => {
            output::line(&output::plain(&format!("signed   {}  size {}", signed.origin, signed.size)));
        }
        Ok(_) => {}
        Err(declined) => {
            let status = declined.refusal().map_or(500, crate::log::witness::Refusal::status);
            output::remark(&output::plain(&format!("refused  {status}  {}", with_causes(declined))));
        }
    }
}

fn to_json(judged: &Result<Signed, Declined>) -> Json {
    match judged {
        Ok(signed) => json!({ "status": 200, "origin": signed.origin.as_str(), "size": signed.size }),
        Err(declined) => {
            let status = declined.refusal().map_or(500, crate::log::witness::Refusal::status);
            let proof = match declined {
                Declined::Forked { proof, .. } => Some(proof),
                _ => None,
            };
            json!({ "status": status, "error": with_causes(declined), "fork_proof": proof })
        }
    }
}

fn read_vkeys(texts: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    let keys: Result<Vec<_>, _> = texts.iter().map(|text| VerifierKey::parse(text)).collect();
    keys.map_err(|error| {
        Failure::of(WRONG_USE, &error).try_this("`affiant key export log --as vkey` prints the key of an archive's log")
    })
}

impl From<WitnessHomeError> for Failure {
    fn from(error: WitnessHomeError) -> Self {
        match error {
            WitnessHomeError::Keys(error) => error.into(),
            WitnessHomeError::Missing { .. } => {
                Self::of(NO_ARCHIVE, &error).try_this("`affiant witness init` makes a witness, --home names its folder")
            }
            WitnessHomeError::Lock(_) => Self::of(NO_ARCHIVE, &error)
                .try_this("one process serves a witness; end the other, or name another --home"),
            WitnessHomeError::Logs { .. } => Self::of(WRONG_USE, &error),
            error => Self::of(NO_ARCHIVE, &error),
        }
    }
}
