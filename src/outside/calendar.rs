//! Calendars: where digests are handed in, and where paths to blocks are fetched (OpenTimestamps).
//!
//! | quantity | unit  | range                               |
//! |----------|-------|-------------------------------------|
//! | answer   | bytes | at most [`proof::ANSWER_BYTES_MAX`] |
//!
//! Waits and redirects are those of [`super::caller`].
//!
//! Source: the reference client, `opentimestamps/calendar.py`: `POST URL/digest` with 32 bytes, `GET
//! URL/timestamp/HEX`, where 404 says that there is nothing yet. Nothing that comes back is believed here:
//! `archivist/calendars` reads it.
//!
//! A proof names the calendar that is to be asked, and whoever sent it may have written any address there. So only
//! those are asked that the operator has named, or that the reference client trusts too ([`is_well_known`]).

use data_encoding::HEXLOWER;

use super::authority::AskError;
use super::caller::{Answer, Call, Caller};

use crate::timestamp::opentimestamps::proof;

/// The calendars that the reference client asks whatever proof names them, each by what its host ends with.
const WELL_KNOWN: [&str; 3] = [".calendar.opentimestamps.org", ".calendar.eternitywall.com", ".calendar.catallaxy.com"];

/// Talks to calendars.
pub struct CalendarClient {
    caller: Caller,
}

impl CalendarClient {
    /// Makes ready to ask.
    ///
    /// # Errors
    /// [`AskError::Call`] when this machine cannot.
    pub fn new() -> Result<Self, AskError> {
        Ok(Self { caller: Caller::new()? })
    }

    /// Hands in a digest and returns the path that the calendar promises to complete.
    ///
    /// # Errors
    /// An [`AskError`] that says how far it came.
    pub fn submit(&self, url: &str, digest: &[u8]) -> Result<Vec<u8>, AskError> {
        let answer = self.call(url, "digest", Some(("application/octet-stream", digest.to_vec())))?;
        if is_success(answer.status) { Ok(answer.body) } else { Err(AskError::Status { status: answer.status }) }
    }

    /// Returns what a calendar knows now about something that it has; nothing when it has to wait for a block.
    ///
    /// # Errors
    /// An [`AskError`] that says how far it came.
    pub fn fetch(&self, url: &str, commitment: &[u8]) -> Result<Option<Vec<u8>>, AskError> {
        let answer = self.call(url, &format!("timestamp/{}", HEXLOWER.encode(commitment)), None)?;
        match answer.status {
            NOT_FOUND => Ok(None),
            status if is_success(status) => Ok(Some(answer.body)),
            status => Err(AskError::Status { status }),
        }
    }

    fn call(&self, url: &str, path: &str, body: Option<(&'static str, Vec<u8>)>) -> Result<Answer, AskError> {
        let url = format!("{}/{path}", url.trim_end_matches('/'));
        Ok(self.caller.call(Call { url, body, bytes_max: proof::ANSWER_BYTES_MAX })?)
    }
}

const NOT_FOUND: u16 = 404;

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Says whether a calendar is one of those that the reference client asks unbidden: over https, by its host.
#[must_use]
pub fn is_well_known(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        url.scheme() == "https" && url.port().is_none() && WELL_KNOWN.iter().any(|known| host.ends_with(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_nobody_whom_a_proof_made_up() {
        assert!(is_well_known("https://alice.btc.calendar.opentimestamps.org"));
        for url in [
            "http://alice.btc.calendar.opentimestamps.org",
            "https://calendar.opentimestamps.org.evil.example",
            "https://evil.example/.calendar.opentimestamps.org",
            "https://alice.btc.calendar.opentimestamps.org:8443",
            "https://evilcalendar.opentimestamps.org",
            "http://169.254.169.254/",
            "alice",
        ] {
            assert!(!is_well_known(url), "{url}");
        }
    }
}
