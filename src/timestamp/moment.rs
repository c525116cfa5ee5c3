//! Moments as ASN.1 writes them: `UTCTime` and `GeneralizedTime`, always in UTC.
//!
//! Source: RFC 5280 §4.1.2.5, and RFC 3161 §2.4.2, whose times may have a fraction of a second. Digits past the
//! microsecond are cut off; a fraction with zeros at its end, which DER forbids, is read all the same.

use chrono::NaiveDate;

use super::der::{DerError, Element, GENERALIZED_TIME, UTC_TIME};

use crate::base::time::Time;

/// Reads either kind.
pub(super) fn read(element: &Element<'_>) -> Result<Time, DerError> {
    let malformed = DerError::Malformed { at: element.at, what: "a time that is not UTC to the second" };
    parse(element.tag, element.content).ok_or(malformed)
}

fn parse(tag: u8, text: &[u8]) -> Option<Time> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (year, rest) = match tag {
        UTC_TIME if fraction.is_empty() => {
            let (year, rest) = whole.split_at_checked(2)?;
            let year = digits(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = whole.split_at_checked(4)?;
            (digits(year)?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 || text.ends_with('.') {
        return None;
    }
    let part = |at: usize| digits(rest.get(at..at + 2)?);
    let (month, day, hour, minute, second) = (part(0)?, part(2)?, part(4)?, part(6)?, part(8)?);
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let seconds = date.and_hms_opt(hour, minute, second)?.and_utc().timestamp();
    let mut micros = String::from(fraction.get(..6).unwrap_or(fraction));
    let is_number = fraction.bytes().all(|byte| byte.is_ascii_digit());
    while micros.len() < 6 {
        micros.push('0');
    }
    let micros = u64::from(digits(&micros).filter(|_| is_number)?);
    let seconds = u64::try_from(seconds).ok()?;
    Time::from_microseconds(seconds.checked_mul(1_000_000)?.checked_add(micros)?).ok()
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_authorities_write() {
        let cases: [(u8, &str, Option<&str>); 12] = [
            (UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59Z")),
            (UTC_TIME, "700101000000Z", Some("1970-01-01T00:00:00Z")),
            (GENERALIZED_TIME, "20261122013057Z", Some("2026-11-22T01:30:57Z")),
            (GENERALIZED_TIME, "20261122013057.852Z", Some("2026-11-22T01:30:57.852000Z")),
            (GENERALIZED_TIME, "20261122013057.850Z", Some("2026-11-22T01:30:57.850000Z")),
            (GENERALIZED_TIME, "20261122013057.1234567Z", Some("2026-11-22T01:30:57.123456Z")),
            (GENERALIZED_TIME, "202611220130Z", None),
            (GENERALIZED_TIME, "20261122013057", None),
            (GENERALIZED_TIME, "20261122013057+0100", None),
            (GENERALIZED_TIME, "20261322013057Z", None),
            (GENERALIZED_TIME, "20261122013057.Z", None),
            (UTC_TIME, "500101000000Z", None), // 1950 is before the first moment there is.
        ];
        for (tag, text, expected) in cases {
            assert_eq!(parse(tag, text.as_bytes()).map(|time| time.to_string()).as_deref(), expected, "{text}");
        }
    }
}
