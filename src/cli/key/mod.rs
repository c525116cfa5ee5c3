//! `affiant key`.

use serde_json::json;

mod change;
mod endorse;
mod identity;
mod passphrase;

pub(super) use change::change_lines;

use change::{Distrust, Retire, Rotate};
use endorse::Endorse;
use passphrase::ChangePassphrase;

use super::failure::{FAILED, Failure, WRONG_USE};
use super::output;
use super::settings::Settings;

use crate::archivist::init::{Naming, create_keys};
use crate::log::checkpoint::Origin;
use crate::log::vkey::NotePublicKey;

/// Make keys, change them, list them, and export the public ones.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  affiant key list\n  affiant key rotate archive --reason 'yearly change'\n  affiant key export archive --as openssh\n  affiant key export log --as vkey"
)]
pub(super) struct Key {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Make the keys of a new archive, without the archive.
    Make {
        /// The log's name for ever, as a web address without `https://`.
        #[arg(long, value_name = "NAME")]
        origin: Option<String>,
    },
    /// List the keys with their fingerprints.
    List,
    /// List all keys that the log ever named, and from which entry to which each counts.
    History,
    /// Make new keys take over. Their record is signed by the old and the new.
    Rotate(Rotate),
    /// End the time in which the log's former keys sign beside the new ones.
    Retire(Retire),
    /// Say that a key is not to be believed from an entry on.
    Distrust(Distrust),
    /// Close the secret keys with another passphrase, or open them.
    Passphrase(ChangePassphrase),
    /// Keep an organisation's signature over the log's keys: bundles bring it, and `verify` says who vouches.
    Endorse(Endorse),
    /// Print a public key.
    Export {
        /// Which one.
        #[arg(value_parser = ["archive", "log", "log-ml-dsa-44", "recovery", "all"])]
        name: String,
        /// In which form. For one key: vkey, openssh or pem. For all: well-known, dns, did-web or allowed-signers, or endorsement, for an organisation to sign.
        #[arg(long = "as", value_name = "FORM", value_parser = ["vkey", "openssh", "pem", "well-known", "dns", "did-web", "allowed-signers", "endorsement"], default_value = "pem")]
        form: String,
        /// The organisation's domain, for dns and did-web.
        #[arg(long, value_name = "NAME", default_value = "example.com")]
        domain: String,
    },
}

impl Key {
    pub(super) fn run(self, settings: &Settings) -> Result<u8, Failure> {
        match self.act {
            Act::Make { origin } => make(origin.as_deref(), settings),
            Act::List => list(settings),
            Act::History => change::history(settings),
            Act::Rotate(rotate) => rotate.run(settings),
            Act::Retire(retire) => retire.run(settings),
            Act::Distrust(distrust) => distrust.run(settings),
            Act::Endorse(endorse) => endorse.run(settings),
            Act::Passphrase(passphrase) => passphrase.run(settings),
            Act::Export { name, form, domain } if name == "all" => identity::export(&form, &domain, settings),
            Act::Export { name, form, .. } => export(&name, &form, settings),
        }
    }
}

fn make(origin: Option<&str>, settings: &Settings) -> Result<u8, Failure> {
    let origin = origin.map(Origin::new).transpose().map_err(|error| Failure::of(WRONG_USE, &error))?;
    let passphrase = settings.passphrase()?;
    create_keys(&settings.keyring(), &Naming { origin, ..Naming::default() }, passphrase.as_ref())?;
    super::init::announce_recovery_key(settings);
    list(settings)
}

fn list(settings: &Settings) -> Result<u8, Failure> {
    let keyring = settings.keyring();
    let keys = keyring.public()?;
    let mut rows = vec![("archive", "statements and seals", "ed25519", keys.statement.fingerprint())];
    for (name, key) in ["log", "log-ml-dsa-44"].into_iter().zip(&keys.checkpoint) {
        rows.push((name, "checkpoints", algorithm(key.key()), key.fingerprint()));
    }
    rows.push(("recovery", "kept offline", "ed25519", keys.recovery.fingerprint()));
    for (name, purpose, algorithm, fingerprint) in rows {
        if settings.json {
            output::json(
                &json!({ "name": name, "purpose": purpose, "algorithm": algorithm, "fingerprint": fingerprint }),
            );
        } else {
            output::line(&format!("{name:<14} {algorithm:<10} {purpose:<21} {fingerprint}"));
        }
    }
    Ok(0)
}

fn algorithm(key: &NotePublicKey) -> &'static str {
    match key {
        NotePublicKey::MlDsa44Cosignature(_) => "ml-dsa-44",
        NotePublicKey::Ed25519(_) | NotePublicKey::Ed25519Cosignature(_) => "ed25519",
    }
}

fn export(name: &str, form: &str, settings: &Settings) -> Result<u8, Failure> {
    let keys = settings.keyring().public()?;
    let lacks = || Failure::new(FAILED, format!("the {name} key has no {form} form")).try_this("--as pem");
    let verifier = match name {
        "log" => keys.checkpoint.first(),
        "log-ml-dsa-44" => keys.checkpoint.get(1),
        _ => None,
    };
    let plain = match name {
        "archive" => Some(&keys.statement),
        "recovery" => Some(&keys.recovery),
        _ => None,
    };
    let text = match (form, verifier, plain) {
        ("vkey", Some(key), _) => key.to_string(),
        ("pem", Some(key), _) => key.key().spki_pem(),
        ("pem", _, Some(key)) => key.spki_pem(),
        ("openssh", _, Some(key)) => key.openssh(),
        ("openssh", Some(key), _) => match key.key() {
            NotePublicKey::Ed25519(key) | NotePublicKey::Ed25519Cosignature(key) => key.openssh(),
            NotePublicKey::MlDsa44Cosignature(_) => return Err(lacks()),
        },
        _ => return Err(lacks()),
    };
    if settings.json {
        output::json(&json!({ "name": name, "form": form, "key": text }));
    } else {
        output::line(text.trim_end());
    }
    Ok(0)
}
