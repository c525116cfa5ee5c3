//! Pending: whom the archive asked in vain, and when it asks again.
//!
//! | quantity | unit    | range                                                                   |
//! |----------|---------|-------------------------------------------------------------------------|
//! | back-off | seconds | [`BACK_OFF_SECONDS_MIN`], doubled with each failure, up to [`BACK_OFF_SECONDS_MAX`] |
//!
//! Authorities and witnesses alike, each by its address. The list is derived, `anchors/pending`: deleting it means asking
//! now. Nothing waits for whoever rests; whatever checkpoint is newest then covers all that was missed.

use std::collections::BTreeMap;
use std::error::Error;

use serde_json::{Value as Json, json};

use crate::base::causes::with_causes;
use crate::base::time::Time;
use crate::outside::archive::{Archive, ArchiveError};

/// How long one that failed once is left alone.
pub const BACK_OFF_SECONDS_MIN: u64 = 60;

/// How long one that fails on and on is left alone: an outage of a day is over for us six hours later at most.
pub const BACK_OFF_SECONDS_MAX: u64 = 6 * 3600;

/// What was tried in vain at one address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// Which address.
    pub url: String,
    /// How often in a row.
    pub failures: u64,
    /// When last.
    pub last: Time,
    /// When it is asked again.
    pub next: Time,
    /// What went wrong.
    pub error: String,
}

impl Attempt {
    /// Returns until when an address is left alone, when it is at `now`.
    #[must_use]
    pub fn rest(attempts: &[Self], url: &str, now: Time) -> Option<Time> {
        let attempt = attempts.iter().find(|attempt| attempt.url == url);
        attempt.map(|attempt| attempt.next).filter(|next| *next > now)
    }

    fn to_json(&self) -> Json {
        json!({
            "url": self.url, "failures": self.failures, "last": self.last.to_string(), "next": self.next.to_string(),
            "error": self.error,
        })
    }

    fn of_json(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name)?.as_str();
        Some(Self {
            url: text("url")?.to_owned(),
            failures: json.get("failures")?.as_u64()?,
            last: text("last")?.parse().ok()?,
            next: text("next")?.parse().ok()?,
            error: text("error")?.to_owned(),
        })
    }
}

/// What was tried in vain, by address.
pub(super) struct Pending(BTreeMap<String, Attempt>);

impl Pending {
    pub(super) fn read(archive: &Archive) -> Self {
        let list: Json = serde_json::from_slice(&archive.anchors().pending()).unwrap_or_default();
        let attempts = list.as_array().into_iter().flatten().filter_map(Attempt::of_json);
        Self(attempts.map(|attempt| (attempt.url.clone(), attempt)).collect())
    }

    /// Returns what was tried in vain at some addresses.
    pub(super) fn of(&self, urls: &[String]) -> Vec<Attempt> {
        self.0.values().filter(|attempt| urls.contains(&attempt.url)).cloned().collect()
    }

    /// Notes what asking came to.
    pub(super) fn note<E: Error>(&mut self, url: &str, error: Option<&E>, now: Time) {
        let Some(error) = error else {
            self.0.remove(url);
            return;
        };
        let failures = self.0.get(url).map_or(0, |attempt| attempt.failures).saturating_add(1);
        let attempt = Attempt {
            url: url.to_owned(),
            failures,
            last: now,
            next: later(now, back_off_seconds(failures)),
            error: with_causes(error),
        };
        self.0.insert(url.to_owned(), attempt);
    }

    /// Leaves somebody alone for a while after something that went well.
    pub(super) fn rest(&mut self, url: &str, seconds: u64, now: Time) {
        let (url, next) = (url.to_owned(), later(now, seconds));
        let rest = Attempt { url: url.clone(), failures: 0, last: now, next, error: String::new() };
        self.0.insert(url, rest);
    }

    pub(super) fn write(&self, archive: &Archive) -> Result<(), ArchiveError> {
        if self.0.is_empty() && archive.anchors().pending().is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = self.0.values().map(|attempt| attempt.to_json().to_string()).collect();
        let text = if lines.is_empty() { String::new() } else { format!("[{}]\n", lines.join(",\n ")) };
        archive.anchors().set_pending(text.as_bytes())
    }
}

fn back_off_seconds(failures: u64) -> u64 {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    BACK_OFF_SECONDS_MIN.saturating_mul(2_u64.saturating_pow(doublings)).min(BACK_OFF_SECONDS_MAX)
}

fn later(time: Time, seconds: u64) -> Time {
    let microseconds = time.microseconds().saturating_add(seconds.saturating_mul(1_000_000));
    Time::from_microseconds(microseconds).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_an_authority_alone_for_longer_and_longer() {
        let waits: Vec<u64> = (1..=12).map(back_off_seconds).collect();
        assert_eq!(waits[..4], [60, 120, 240, 480]);
        assert_eq!(waits[11], BACK_OFF_SECONDS_MAX);
        assert!(waits.is_sorted());
        assert_eq!(back_off_seconds(u64::MAX), BACK_OFF_SECONDS_MAX);
    }

    #[test]
    fn reads_back_the_attempts_it_writes() {
        let at = |seconds| Time::from_seconds(seconds).unwrap();
        let attempt = Attempt {
            url: "http://tsa.example/".to_owned(),
            failures: 3,
            last: at(1_800_000_000),
            next: at(1_800_000_240),
            error: "no reply".to_owned(),
        };
        assert_eq!(Attempt::of_json(&attempt.to_json()), Some(attempt));
        assert_eq!(Attempt::of_json(&json!({ "url": "x" })), None);
    }
}
