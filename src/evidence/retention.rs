//! Retention rules: how long the content of captures is kept.
//!
//! ```toml
//! [[retention]]
//! name = "terms"                        # what withdrawals cite
//! entity = "Example Inc.*"              # all of document, entity and address that are given must fit
//! address = "https://example.com/*"
//! keep = "7 years"
//! ```
//!
//! | key        | what                                                                                        |
//! |------------|---------------------------------------------------------------------------------------------|
//! | `name`     | what withdrawals cite; each rule another                                                     |
//! | `document` | the citation id of one document                                                              |
//! | `entity`   | whose documents; `*` stands for any characters                                               |
//! | `address`  | their addresses; likewise                                                                    |
//! | `keep`     | `N days`, `N weeks`, `N months`, `N years`, or `for ever`                                     |
//!
//! Rules. At least one of `document`, `entity` and `address` is given. Where several rules fit a document, the one that
//! keeps longest decides: a rule that was forgotten must not erase what another one keeps. What no rule fits is kept for
//! ever. Months and years are those of the calendar; the time counts from the visit's end. A rule erases nothing by itself
//! and records nothing: a withdrawal does, and cites it.

use chrono::{Days, Months};

use crate::base::time::Time;

/// The most rules there may be.
pub const RULE_COUNT_MAX: usize = 1000;

/// The longest time in any unit: beyond it, `for ever` is meant.
const NUMBER_MAX: u32 = 10_000;

/// How long the content of some documents' captures is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// What withdrawals cite.
    pub name: String,
    /// The citation id of the one document it is for.
    pub document: Option<String>,
    /// A pattern of entities.
    pub entity: Option<String>,
    /// A pattern of addresses.
    pub address: Option<String>,
    /// How long.
    pub keep: Keep,
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// So many days.
    Days(u32),
    /// So many calendar months.
    Months(u32),
    /// Always.
    Ever,
}

/// A document, as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Ruled<'d> {
    /// The citation id of its first record.
    pub id: &'d str,
    /// Whose it is.
    pub entity: Option<&'d str>,
    /// Its address.
    pub address: &'d str,
}

impl Rule {
    /// Says whether the rule is for a document.
    #[must_use]
    pub fn fits(&self, document: &Ruled<'_>) -> bool {
        let fits = |pattern: &Option<String>, found: Option<&str>| match (pattern, found) {
            (None, _) => true,
            (Some(pattern), Some(found)) => matches(pattern, found),
            (Some(_), None) => false,
        };
        self.document.as_deref().is_none_or(|id| id == document.id)
            && fits(&self.entity, document.entity)
            && fits(&self.address, Some(document.address))
    }
}

/// Returns the rule by which a visit that ended at `finished` has expired; nothing while any rule that fits keeps it.
#[must_use]
pub fn expired<'r>(rules: &'r [Rule], document: &Ruled<'_>, finished: Time, now: Time) -> Option<&'r Rule> {
    let mut fitting = rules.iter().filter(|rule| rule.fits(document)).peekable();
    fitting.peek()?;
    let until = |rule: &&Rule| rule.keep.until(finished).map_or((1, Time::EPOCH), |until| (0, until));
    let longest = fitting.max_by_key(until)?;
    longest.keep.until(finished).is_some_and(|until| until < now).then_some(longest)
}

impl Keep {
    /// Reads how long.
    ///
    /// # Errors
    /// A [`KeepError`] that says how it is written.
    pub fn parse(text: &str) -> Result<Self, KeepError> {
        if text == "for ever" {
            return Ok(Self::Ever);
        }
        let unknown = || KeepError { found: text.to_owned() };
        let (number, unit) = text.split_once(' ').ok_or_else(unknown)?;
        let number: u32 = number.parse().ok().filter(|number| (1..=NUMBER_MAX).contains(number)).ok_or_else(unknown)?;
        match unit {
            "day" | "days" => Ok(Self::Days(number)),
            "week" | "weeks" => Ok(Self::Days(7 * number)),
            "month" | "months" => Ok(Self::Months(number)),
            "year" | "years" => Ok(Self::Months(12 * number)),
            _ => Err(unknown()),
        }
    }

    /// Returns until when something of `since` is kept; nothing when that is for ever.
    #[must_use]
    pub fn until(self, since: Time) -> Option<Time> {
        let days = match self {
            Self::Ever => return None,
            Self::Days(days) => since.moved(|moment| moment.checked_add_days(Days::new(u64::from(days)))),
            Self::Months(months) => since.moved(|moment| moment.checked_add_months(Months::new(months))),
        };
        days.ok()
    }
}

/// Says whether a text fits a pattern in which `*` stands for any characters.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return left.is_empty() };
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

/// Why a time is none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`keep` must be as `90 days`, `6 months`, `7 years` or `for ever`, found `{found}`")]
pub struct KeepError {
    found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, address: &str, keep: &str) -> Rule {
        let keep = Keep::parse(keep).unwrap();
        Rule { name: name.into(), document: None, entity: None, address: Some(address.into()), keep }
    }

    #[test]
    fn patterns_stand_for_any_characters() {
        let fitting =
            [("*", ""), ("*", "a"), ("a", "a"), ("a*", "a"), ("*a", "ba"), ("a*b*c", "aXbYbc"), ("a**", "ab")];
        let unfit = [("a", "ab"), ("a*", "ba"), ("*a", "ab"), ("a*b", "a"), ("ab*ba", "aba"), ("", "a")];
        assert!(fitting.iter().all(|(pattern, text)| matches(pattern, text)));
        for (pattern, text) in unfit {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn calendar_months_are_those_of_the_calendar() {
        let until =
            |keep: &str, since: &str| Keep::parse(keep).unwrap().until(since.parse().unwrap()).unwrap().to_string();
        assert_eq!(until("1 month", "2024-01-31T10:00:00Z"), "2024-02-29T10:00:00Z");
        assert_eq!(until("7 years", "2020-02-29T10:00:00Z"), "2027-02-28T10:00:00Z");
        assert_eq!(until("2 weeks", "2024-02-20T10:00:00Z"), "2024-03-05T10:00:00Z");
        assert_eq!(Keep::Ever.until(Time::EPOCH), None);
        for text in ["", "7", "0 years", "-1 days", "7  years", "7 Years", "10001 days", "1.5 years", "forever"] {
            assert!(Keep::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_rule_that_keeps_longest_decides() {
        let rules = [
            rule("short", "*", "30 days"),
            rule("long", "https://a/*", "1 year"),
            rule("ever", "https://b/*", "for ever"),
        ];
        let (then, now): (Time, Time) =
            ("2024-01-01T00:00:00Z".parse().unwrap(), "2024-06-01T00:00:00Z".parse().unwrap());
        let by = |address: &str, now: Time| {
            expired(&rules, &Ruled { id: "AF-D-000001-x", entity: None, address }, then, now)
                .map(|rule| rule.name.as_str())
        };
        assert_eq!(by("https://c/", now), Some("short"));
        assert_eq!(by("https://a/", now), None);
        assert_eq!(by("https://a/", "2025-06-01T00:00:00Z".parse().unwrap()), Some("long"));
        assert_eq!(by("https://b/", "9999-06-01T00:00:00Z".parse().unwrap()), None);
        assert_eq!(expired(&[], &Ruled { id: "", entity: None, address: "" }, then, now), None);
    }

    #[test]
    fn all_that_a_rule_names_must_fit() {
        let keep = Keep::Days(1);
        let (document, entity, address) =
            (Some("AF-D-000001-x".into()), Some("Example*".into()), Some("https://*".into()));
        let rule = Rule { name: "all".into(), document, entity, address, keep };
        let fits = |id, entity, address| rule.fits(&Ruled { id, entity, address });
        assert!(fits("AF-D-000001-x", Some("Example Inc."), "https://a/"));
        assert!(!fits("AF-D-000002-x", Some("Example Inc."), "https://a/"));
        assert!(!fits("AF-D-000001-x", None, "https://a/"));
        assert!(!fits("AF-D-000001-x", Some("Example Inc."), "http://a/"));
    }
}
