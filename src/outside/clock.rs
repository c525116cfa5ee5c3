//! The clock: the only place that asks what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::base::time::Time;

/// Asks the system's clock.
///
/// A clock before 1970 reads as 1970: such a machine's times are wrong either way, and the record's
/// `after` still bounds them.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
pub fn now() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let microseconds = u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX);
    Time::from_microseconds(microseconds).unwrap_or(Time::EPOCH)
}
