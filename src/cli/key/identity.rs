//! `affiant key export all`.

use serde_json::{Value as Json, json};

use crate::archivist::endorse::wording;
use crate::archivist::read::Log;
use crate::cli::failure::{FAILED, Failure, WRONG_USE};
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::evidence::identity::Identity;

/// Prints all keys in a form in which organisations publish them.
pub(super) fn export(form: &str, domain: &str, settings: &Settings) -> Result<u8, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if domain.is_empty() || !domain.chars().all(is_plain) {
        return Err(Failure::new(WRONG_USE, format!("`{domain}` is no domain")).try_this("--domain example.com"));
    }
    let archive = settings.archive()?;
    let (log, _) = Log::published(&archive)?;
    let succession = log.succession()?;
    let made = |index: u64| log.entry(index).ok().map(|entry| entry.record.made);
    let identity = Identity { succession: &succession, last: log.size().saturating_sub(1), made: &made };
    let text = match form {
        "well-known" => identity.well_known(),
        "dns" => identity.dns(domain),
        "did-web" => identity.did_web(domain),
        "allowed-signers" => identity.allowed_signers().map_err(|error| Failure::of(FAILED, &error))?,
        "endorsement" => wording(&log)?.encode(),
        other => {
            let message = format!("all keys together have no {other} form");
            return Err(Failure::new(WRONG_USE, message)
                .try_this("--as well-known, dns, did-web, allowed-signers or endorsement; or name one key"));
        }
    };
    match serde_json::from_str::<Json>(&text) {
        Ok(object) if settings.json => output::json(&object),
        Err(_) if settings.json => output::json(&json!({ "form": form, "text": text })),
        _ => output::line(text.trim_end()),
    }
    Ok(0)
}
