//! Moments, as the archive writes them.
//!
//! | quantity | unit                                   | range                                    |
//! |----------|----------------------------------------|------------------------------------------|
//! | time     | microseconds since 1970-01-01T00:00:00Z | 0 … 9999-12-31T23:59:59.999999Z          |
//!
//! Source: RFC 3339 §5.6 for people, always with `Z` and with microseconds only where they are not
//! zero; one spelling is written and read. Leap seconds do not exist here (POSIX time).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};

/// A moment in UTC.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Time(u64);

/// A calendar day in UTC, as citations print it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Day {
    /// The year.
    pub year: i32,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
}

impl Time {
    /// The first moment there is here.
    pub const EPOCH: Self = Self(0);

    /// The last moment that RFC 3339 can write.
    const MICROSECONDS_MAX: u64 = 253_402_300_799_999_999;

    /// Takes microseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] past the year 9999.
    pub fn from_microseconds(microseconds: u64) -> Result<Self, TimeError> {
        if microseconds > Self::MICROSECONDS_MAX {
            return Err(TimeError::OutOfRange);
        }
        Ok(Self(microseconds))
    }

    /// Takes whole seconds since the Unix epoch.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] past the year 9999.
    pub fn from_seconds(seconds: u64) -> Result<Self, TimeError> {
        Self::from_microseconds(seconds.checked_mul(1_000_000).ok_or(TimeError::OutOfRange)?)
    }

    /// Returns microseconds since the Unix epoch.
    #[must_use]
    pub fn microseconds(self) -> u64 {
        self.0
    }

    /// Returns whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Returns the same moment without its part of a second, for people.
    #[must_use]
    pub fn to_second(self) -> Self {
        Self(self.0 - self.0 % 1_000_000)
    }

    /// Returns the day this moment lies in.
    #[must_use]
    pub fn day(self) -> Day {
        let civil = self.civil();
        Day { year: civil.year(), month: civil.month(), day: civil.day() }
    }

    /// Returns the moment that a calendar step leads to.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] past the year 9999, or where the step leads nowhere.
    pub fn moved(self, step: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>) -> Result<Self, TimeError> {
        let moved = step(self.civil()).ok_or(TimeError::OutOfRange)?;
        Self::from_microseconds(u64::try_from(moved.timestamp_micros()).map_err(|_| TimeError::OutOfRange)?)
    }

    fn civil(self) -> DateTime<Utc> {
        let microseconds = i64::try_from(self.0).expect("the range fits in an i64");
        DateTime::from_timestamp_micros(microseconds).expect("the range is within chrono's")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.0.is_multiple_of(1_000_000) { SecondsFormat::Secs } else { SecondsFormat::Micros };
        f.write_str(&self.civil().to_rfc3339_opts(format, true))
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| TimeError::NotRfc3339)?;
        let microseconds = u64::try_from(parsed.timestamp_micros()).map_err(|_| TimeError::OutOfRange)?;
        let time = Self::from_microseconds(microseconds)?;
        if time.to_string() != text {
            return Err(TimeError::OtherSpelling { canonical: time.to_string() });
        }
        Ok(time)
    }
}

/// Why some text or number is not a time.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum TimeError {
    #[error("not an RFC 3339 time")]
    NotRfc3339,
    #[error("write it `{canonical}`")]
    OtherSpelling { canonical: String },
    #[error("outside 1970 to 9999")]
    OutOfRange,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_one_spelling() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (1_679_315_147_000_000, "2023-03-20T12:25:47Z"),
            (1_679_315_147_000_001, "2023-03-20T12:25:47.000001Z"),
            (Time::MICROSECONDS_MAX, "9999-12-31T23:59:59.999999Z"),
        ];
        for (microseconds, text) in cases {
            let time = Time::from_microseconds(microseconds).unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse(), Ok(time));
        }
        for text in ["2023-03-20T12:25:47+00:00", "2023-03-20T13:25:47+01:00", "2023-03-20t12:25:47z", "2023-03-20"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
        assert_eq!(Time::from_microseconds(Time::MICROSECONDS_MAX + 1), Err(TimeError::OutOfRange));
    }
}
