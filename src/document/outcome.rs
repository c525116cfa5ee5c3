//! Outcomes: whether a visit brought home the page that was asked for.
//!
//! | quantity    | unit       | range                                         |
//! |-------------|------------|-----------------------------------------------|
//! | short page  | characters | prose below [`SHORT_PROSE_CHARS`]             |
//! | searched    | bytes      | the page's first [`SEARCHED_BYTES_MAX`]       |
//!
//! # The rules
//!
//! All that hold give their reason; the first kind in the order challenge, error, truncated, complete wins.
//!
//! | kind      | reason                      | when                                                               |
//! |-----------|-----------------------------|--------------------------------------------------------------------|
//! | challenge | `bot wall: …`               | a field that only a wall sends ([`WALL_FIELDS`])                   |
//! | challenge | `bot wall: …`               | a wall's words or code on a short page ([`WALL_MARKS`])            |
//! | challenge | `login wall`                | a redirect to a log-in address, or a short page asks for a password |
//! | error     | the transport's             | there was no answer                                                |
//! | error     | `status 404`                | the status is not 2xx                                              |
//! | error     | `empty page`                | the body is empty, or a page of HTML without text                  |
//! | error     | `needs scripts`             | a short page says that it shows nothing without scripts            |
//! | error     | `refreshes to another page` | a short page with `<meta http-equiv=refresh>`                      |
//! | truncated | the transport's             | the body ended early                                               |
//! | truncated | `status 206`                | only a part was sent                                               |
//! | complete  |                             | otherwise                                                          |
//!
//! A page is empty, needs scripts or refreshes only when it came whole. Words count only where little else is said: a policy may speak of captchas, log-ins and access denied at
//! length and is still a policy. A wall that looks like a long article is not seen.

use std::fmt;

use url::Url;

use crate::document::exchange::Response;
use crate::document::media_type::Kind;

/// A page with less prose than this may be a wall: the longest wall text seen is half of it.
pub const SHORT_PROSE_CHARS: usize = 1_200;

/// How much of a page is searched for a wall's code: walls are small.
pub const SEARCHED_BYTES_MAX: usize = 256 * 1024;

/// What a visit amounts to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OutcomeKind {
    /// The page that was asked for, whole.
    Complete,
    /// The page that was asked for, in part.
    Truncated,
    /// A page that stands before the page that was asked for.
    Challenge,
    /// No page, or one that says that there is none.
    Error,
}

impl OutcomeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Complete, Self::Truncated, Self::Challenge, Self::Error];

    /// Returns the word that records hold.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Truncated => "truncated",
            Self::Challenge => "challenge",
            Self::Error => "error",
        }
    }

    /// Reads the word that records hold.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a visit amounts to, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// What it amounts to.
    pub kind: OutcomeKind,
    /// Why; empty only when it is complete.
    pub reasons: Vec<String>,
}

/// All that a visit is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The address that was asked for.
    pub target: &'a str,
    /// The address that answered at last.
    pub last: &'a str,
    /// The last answer; `None` when there was none.
    pub response: Option<&'a Response>,
    /// Why the transport failed or the body ended early, as `connection reset`.
    pub transport: &'a [String],
    /// The body, content coding undone as far as it could be.
    pub body: &'a [u8],
    /// What the body is.
    pub kind: Kind,
    /// Its text rendition, if it has one.
    pub text: Option<&'a str>,
}

/// Judges a visit, by the table at the top of this file.
#[must_use]
pub fn judge(visit: &Visit<'_>) -> Outcome {
    let Some(response) = visit.response else {
        return Outcome { kind: OutcomeKind::Error, reasons: some_reason(visit.transport.to_vec(), "no answer") };
    };
    let page = Page::of(visit);
    let mut found: Vec<(OutcomeKind, String)> = Vec::new();
    found.extend(wall(response, &page).map(|name| (OutcomeKind::Challenge, format!("bot wall: {name}"))));
    if is_login_wall(visit, &page) {
        found.push((OutcomeKind::Challenge, "login wall".to_owned()));
    }
    match response.status {
        206 => found.push((OutcomeKind::Truncated, "status 206".to_owned())),
        200..=299 => (),
        status => found.push((OutcomeKind::Error, format!("status {status}"))),
    }
    if visit.transport.is_empty() {
        // Of a page that ended early nobody knows what the rest would have said.
        found.extend(nothing_said(visit, &page).map(|reason| (OutcomeKind::Error, reason.to_owned())));
    }
    found.extend(visit.transport.iter().map(|reason| (OutcomeKind::Truncated, reason.clone())));
    let kind = [OutcomeKind::Challenge, OutcomeKind::Error, OutcomeKind::Truncated]
        .into_iter()
        .find(|kind| found.iter().any(|(found, _)| found == kind))
        .unwrap_or(OutcomeKind::Complete);
    Outcome { kind, reasons: found.into_iter().map(|(_, reason)| reason).collect() }
}

/// Says why a whole page says nothing.
fn nothing_said(visit: &Visit<'_>, page: &Page) -> Option<&'static str> {
    if visit.body.is_empty() || (visit.kind == Kind::Html && page.prose_chars == 0) {
        Some("empty page")
    } else if page.is_short() && page.needs_scripts() {
        Some("needs scripts")
    } else if page.is_short() && page.refreshes() {
        Some("refreshes to another page")
    } else {
        None
    }
}

fn some_reason(reasons: Vec<String>, otherwise: &str) -> Vec<String> {
    if reasons.is_empty() { vec![otherwise.to_owned()] } else { reasons }
}

/// The parts of a page of HTML that its walls show in, in lower case.
struct Page {
    /// Title and text, white space made single.
    words: String,
    code: String,
    prose_chars: usize,
    is_html: bool,
}

impl Page {
    fn of(visit: &Visit<'_>) -> Self {
        let text = visit.text.unwrap_or_default();
        // More than that many need not be counted.
        let prose_chars = text.chars().filter(|c| !c.is_whitespace()).take(SHORT_PROSE_CHARS).count();
        let is_html = visit.kind == Kind::Html;
        if !is_html || prose_chars >= SHORT_PROSE_CHARS {
            return Self { words: String::new(), code: String::new(), prose_chars, is_html };
        }
        let searched = &visit.body[..visit.body.len().min(SEARCHED_BYTES_MAX)];
        let code = String::from_utf8_lossy(searched).to_ascii_lowercase();
        let title = title(&code).unwrap_or_default();
        let words = format!("{title} {text}").to_lowercase().replace('’', "'");
        Self { words: words.split_whitespace().collect::<Vec<_>>().join(" "), code, prose_chars, is_html }
    }

    const fn is_short(&self) -> bool {
        self.is_html && self.prose_chars < SHORT_PROSE_CHARS
    }

    fn needs_scripts(&self) -> bool {
        let asks = ["enable javascript", "javascript is required", "requires javascript", "javascript is disabled"];
        self.prose_chars < 300 && asks.iter().any(|words| self.words.contains(words))
    }

    fn refreshes(&self) -> bool {
        self.prose_chars < 300
            && ["http-equiv=\"refresh\"", "http-equiv='refresh'", "http-equiv=refresh"]
                .iter()
                .any(|mark| self.code.contains(mark))
    }

    fn asks_for_password(&self) -> bool {
        ["type=\"password\"", "type='password'", "type=password"].iter().any(|mark| self.code.contains(mark))
    }
}

fn title(code: &str) -> Option<&str> {
    let (_, rest) = code.split_once("<title")?;
    let (_, rest) = rest.split_once('>')?;
    Some(rest.split_once("</title")?.0)
}

/// Fields that only a wall sends: name, how the value begins, whose wall.
pub const WALL_FIELDS: [(&str, &str, &str); 3] = [
    ("cf-mitigated", "challenge", "Cloudflare"),
    ("x-amzn-waf-action", "", "AWS WAF"),
    ("x-datadome-cid", "", "DataDome"),
];

/// What a short page is a wall by: a mark, where it stands, whose wall. Marks are in lower case.
pub const WALL_MARKS: [(&str, WallMark, &str); 22] = [
    ("_cf_chl_opt", WallMark::Code, "Cloudflare"),
    ("cf-browser-verification", WallMark::Code, "Cloudflare"),
    ("just a moment...", WallMark::Words, "Cloudflare"),
    ("attention required! | cloudflare", WallMark::Words, "Cloudflare"),
    ("checking your browser before accessing", WallMark::Words, "Cloudflare"),
    ("captcha-delivery.com", WallMark::Code, "DataDome"),
    ("please enable js and disable any ad blocker", WallMark::Words, "DataDome"),
    ("px-captcha", WallMark::Code, "PerimeterX"),
    ("_pxappid", WallMark::Code, "PerimeterX"),
    ("press & hold to confirm you are", WallMark::Words, "PerimeterX"),
    ("incapsula incident id", WallMark::Words, "Imperva"),
    ("pardon our interruption", WallMark::Words, "Imperva"),
    ("errors.edgesuite.net", WallMark::Words, "Akamai"),
    ("you don't have permission to access", WallMark::Words, "Akamai"),
    ("awswafintegration", WallMark::Code, "AWS WAF"),
    ("verify you are human", WallMark::Words, "captcha"),
    ("verify that you are human", WallMark::Words, "captcha"),
    ("verifying you are human", WallMark::Words, "captcha"),
    ("verify you are not a robot", WallMark::Words, "captcha"),
    ("are you a robot?", WallMark::Words, "captcha"),
    ("unusual traffic from your computer network", WallMark::Words, "captcha"),
    ("enable javascript and cookies to continue", WallMark::Words, "Cloudflare"),
];

/// Where a wall's mark stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WallMark {
    /// In the page's source.
    Code,
    /// In its title or text.
    Words,
}

/// Returns whose wall the answer is.
fn wall(response: &Response, page: &Page) -> Option<&'static str> {
    let by_field = WALL_FIELDS.iter().find(|(name, start, _)| {
        response.values(name).any(|value| value.to_ascii_lowercase().starts_with(start))
            // This one is on every answer that DataDome let through as well.
            && (*name != "x-datadome-cid" || response.status == 403)
    });
    let by_mark = || {
        WALL_MARKS.iter().filter(|_| page.is_short()).find(|(mark, place, _)| match place {
            WallMark::Code => page.code.contains(mark),
            WallMark::Words => page.words.contains(mark),
        })
    };
    by_field.map(|(_, _, name)| *name).or_else(|| by_mark().map(|(_, _, name)| *name))
}

fn is_login_wall(visit: &Visit<'_>, page: &Page) -> bool {
    let was_sent_to_login =
        visit.target != visit.last && !is_login_address(visit.target) && is_login_address(visit.last);
    was_sent_to_login || (page.is_short() && page.asks_for_password() && !is_login_address(visit.target))
}

/// Says whether a part of the path, or the host's first label, is a word for logging in.
fn is_login_address(address: &str) -> bool {
    const WORDS: [&str; 12] = [
        "login",
        "log-in",
        "log_in",
        "signin",
        "sign-in",
        "sign_in",
        "sso",
        "authenticate",
        "login.php",
        "login.html",
        "login.aspx",
        "servicelogin",
    ];
    let Ok(url) = Url::parse(address) else { return false };
    let label = url.host_str().and_then(|host| host.split('.').next()).unwrap_or_default();
    let mut parts = url.path().split('/').chain([label]);
    parts.any(|part| WORDS.iter().any(|word| part.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::text;

    const POLICY: &str = "We may change these terms at any time, and will say so here before we do. ";

    fn judged(status: u16, fields: &str, page: &str) -> (OutcomeKind, String) {
        judged_at("https://a.example/terms", status, fields, page)
    }

    fn judged_at(last: &str, status: u16, fields: &str, page: &str) -> (OutcomeKind, String) {
        let response = Response { status, head: format!("HTTP/1.1 {status} X\r\n{fields}\r\n\r\n") };
        let text = text::render(page.as_bytes(), Some("text/html")).unwrap().unwrap().text;
        let outcome = judge(&Visit {
            target: "https://a.example/terms",
            last,
            response: Some(&response),
            transport: &[],
            body: page.as_bytes(),
            kind: Kind::Html,
            text: Some(&text),
        });
        (outcome.kind, outcome.reasons.join(", "))
    }

    #[test]
    fn words_read_back() {
        for kind in OutcomeKind::ALL {
            assert_eq!(OutcomeKind::from_word(&kind.to_string()), Some(kind));
        }
        assert_eq!(OutcomeKind::from_word("Complete"), None);
    }

    #[test]
    fn each_rule_of_the_table_holds() {
        use OutcomeKind::{Challenge, Complete, Error, Truncated};
        let policy = format!("<main><p>{POLICY}</main>");
        for (status, fields, page, kind, reasons) in [
            (200, "A: b", policy.as_str(), Complete, ""),
            (404, "A: b", "<p>Not found", Error, "status 404"),
            (500, "A: b", "", Error, "status 500, empty page"),
            (302, "A: b", "<p>Moved", Error, "status 302"),
            (206, "A: b", &policy, Truncated, "status 206"),
            (200, "A: b", "<script>x</script>", Error, "empty page"),
            (
                200,
                "A: b",
                "<noscript>You need to enable JavaScript to run this app.</noscript>",
                Error,
                "needs scripts",
            ),
            (200, "A: b", "<meta http-equiv=refresh content=0><p>Go", Error, "refreshes to another page"),
            (403, "CF-Mitigated: challenge", "<p>x", Challenge, "bot wall: Cloudflare, status 403"),
            (403, "A: b", "<title>Just a moment...</title><p>x", Challenge, "bot wall: Cloudflare, status 403"),
            (200, "A: b", "<p>Verify you are human", Challenge, "bot wall: captcha"),
            (
                403,
                "A: b",
                "<h1>Access Denied</h1>You don't have permission to access x",
                Challenge,
                "bot wall: Akamai, status 403",
            ),
            (
                403,
                "A: b",
                "<script src=https://ct.captcha-delivery.com/c.js></script><p>x",
                Challenge,
                "bot wall: DataDome, status 403",
            ),
            (200, "A: b", "<p>Welcome<input type=password>", Challenge, "login wall"),
            (403, "A: b", "<p>Forbidden", Error, "status 403"),
        ] {
            assert_eq!(judged(status, fields, page), (kind, reasons.to_owned()), "{page}");
        }
        let login = judged_at("https://a.example/users/sign_in?to=terms", 200, "A: b", &policy);
        assert_eq!(login, (Challenge, "login wall".to_owned()));
    }

    #[test]
    fn a_long_page_may_speak_of_walls() {
        let words = "Verify you are human. Just a moment... Enable JavaScript and cookies to continue. ";
        let page = format!("<p>{words}{}<input type=password>", POLICY.repeat(40));
        assert_eq!(judged(200, "A: b", &page).0, OutcomeKind::Complete);
    }

    #[test]
    fn what_ended_early_is_never_complete() {
        let response = Response { status: 200, head: "HTTP/1.1 200 OK\r\n\r\n".to_owned() };
        let transport = ["connection reset".to_owned()];
        let visit = Visit {
            target: "https://a.example/",
            last: "https://a.example/",
            response: Some(&response),
            transport: &transport,
            body: b"\x00",
            kind: Kind::Other,
            text: None,
        };
        let reasons = transport.to_vec();
        assert_eq!(judge(&visit), Outcome { kind: OutcomeKind::Truncated, reasons: reasons.clone() });
        let nothing = Visit { body: b"", kind: Kind::Html, text: Some(""), ..visit };
        assert_eq!(judge(&nothing), Outcome { kind: OutcomeKind::Truncated, reasons: reasons.clone() });
        assert_eq!(judge(&Visit { response: None, ..visit }), Outcome { kind: OutcomeKind::Error, reasons });
        let silent = judge(&Visit { response: None, transport: &[], ..visit });
        assert_eq!(silent, Outcome { kind: OutcomeKind::Error, reasons: vec!["no answer".to_owned()] });
        assert_eq!(judge(&Visit { transport: &[], ..visit }).kind, OutcomeKind::Complete);
    }
}
