//! What the styles share: clean text, addresses, and dates as each field of study abbreviates them.

use std::fmt::Write;

use super::Citation;
use crate::base::time::Day;

/// What stands where a title would, since no style invents one.
pub(super) const NO_TITLE: &str = "[no title]";

/// Returns `text` on one line, without what cannot be seen.
///
/// Control characters and every kind of white space become one space. The marks that turn the
/// direction of writing are dropped: with them a citation could show other words than it holds.
pub(super) fn clean(text: &str) -> String {
    let visible = text.chars().filter(|c| !turns_writing(*c)).map(|c| if c.is_control() { ' ' } else { c });
    let visible: String = visible.collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn turns_writing(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Returns an address with every character percent-encoded that RFC 3986 does not allow in one.
pub(super) fn address(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    for byte in url.bytes() {
        let is_allowed = byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
        if is_allowed {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    text
}

/// Whether an address leads to the web, and not to a script.
pub(super) fn is_web(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

impl Citation {
    pub(super) fn clean_entity(&self) -> Option<String> {
        self.entity.as_deref().map(clean).filter(|text| !text.is_empty())
    }

    pub(super) fn clean_title(&self) -> Option<String> {
        self.title.as_deref().map(clean).filter(|text| !text.is_empty())
    }

    pub(super) fn clean_document_type(&self) -> Option<String> {
        self.document_type.as_deref().map(clean).filter(|text| !text.is_empty())
    }

    /// Returns the address that answered, when it is not the one that was asked.
    pub(super) fn redirected(&self) -> Option<String> {
        self.final_url.as_deref().filter(|url| *url != self.url).map(address)
    }

    /// Returns the day on which somebody looked: the reader when they say so, else the archive.
    pub(super) fn access_day(&self) -> Day {
        self.accessed.unwrap_or_else(|| self.captured_at.day())
    }

    /// Returns the capture's names, for people: `AF-C-000042-k, ark:…, record SHA-256 0123456789abcdef`.
    pub(super) fn names(&self) -> String {
        format!("{}, {}, record SHA-256 {}", clean(&self.id), clean(&self.ark), self.record_sha256.short())
    }

    /// Returns, in sentences, what formats for programs have no field for.
    pub(super) fn provenance(&self) -> [String; 2] {
        let redirected = self.redirected().map(|url| format!(", redirected to {url}")).unwrap_or_default();
        [
            format!("Captured {} by {}{redirected}", self.captured_at.to_second(), clean(&self.archive_origin)),
            format!(
                "{}, {}, record SHA-256 {}, content SHA-256 {}",
                clean(&self.id),
                clean(&self.ark),
                self.record_sha256,
                self.content_sha256
            ),
        ]
    }
}

/// Ends a sentence, unless it already is.
pub(super) fn stop(text: &str) -> String {
    if text.ends_with(['.', '?', '!']) { text.to_owned() } else { format!("{text}.") }
}

/// Puts double quotes within a quoted title into single ones.
pub(super) fn inner_quotes(text: &str) -> String {
    let mut is_open = false;
    let turned = text.chars().map(|c| match c {
        '“' => '‘',
        '”' => '’',
        '"' => {
            is_open = !is_open;
            if is_open { '‘' } else { '’' }
        }
        other => other,
    });
    turned.collect()
}

/// `20 March 2023`.
pub(super) fn day_month_year(day: Day) -> String {
    format!("{} {} {}", day.day, month(day, &MONTHS), day.year)
}

/// `March 20, 2023`.
pub(super) fn month_day_year(day: Day) -> String {
    format!("{} {}, {}", month(day, &MONTHS), day.day, day.year)
}

/// `Mar. 20, 2023`, as The Bluebook abbreviates (table T12).
pub(super) fn short_month_day_year(day: Day) -> String {
    format!("{} {}, {}", month(day, &MONTHS_SHORT), day.day, day.year)
}

/// `20 Mar. 2023`, as MLA abbreviates, which is as The Bluebook does.
pub(super) fn day_short_month_year(day: Day) -> String {
    format!("{} {} {}", day.day, month(day, &MONTHS_SHORT), day.year)
}

/// `2023-03-20`.
pub(super) fn iso(day: Day) -> String {
    format!("{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

fn month(day: Day, names: &[&'static str; 12]) -> &'static str {
    let index = usize::try_from(day.month).unwrap_or_default();
    names.get(index.wrapping_sub(1)).copied().unwrap_or("[no month]")
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_SHORT: [&str; 12] =
    ["Jan.", "Feb.", "Mar.", "Apr.", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec."];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_days_as_each_field_does() {
        let day = Day { year: 2023, month: 9, day: 5 };
        assert_eq!(day_month_year(day), "5 September 2023");
        assert_eq!(month_day_year(day), "September 5, 2023");
        assert_eq!(short_month_day_year(day), "Sept. 5, 2023");
        assert_eq!(day_short_month_year(day), "5 Sept. 2023");
        assert_eq!(iso(day), "2023-09-05");
        assert_eq!(iso(Day { month: 0, ..day }), "2023-00-05");
        assert_eq!(day_month_year(Day { month: 0, ..day }), "5 [no month] 2023");
        assert_eq!(day_month_year(Day { month: 13, ..day }), "5 [no month] 2023");
    }

    #[test]
    fn leaves_only_what_can_be_seen() {
        assert_eq!(clean(" a\r\n\tb\u{2028}c\u{a0}\u{0}d\u{202E}e "), "a b c de");
        assert_eq!(clean("\u{202E}\n"), "");
        assert_eq!(address("https://a/b c\"é%20"), "https://a/b%20c%22%C3%A9%20");
        assert_eq!(inner_quotes("a \"b\" “c”"), "a ‘b’ ‘c’");
        assert!(is_web("HTTPS://a") && !is_web("javascript:http://a") && !is_web("ftp://a"));
    }
}
