//! Surroundings: telling the document from the menus, notices and hidden parts around it.
//!
//! | what                                                        | is left out below, in characters of prose |
//! |-------------------------------------------------------------|-------------------------------------------|
//! | `nav`, page `header` and `footer`, `aside`, `search`, roles | [`CHROME_PROSE_CHARS`]                    |
//! | cookie notices, closed dialogs                              | [`NOTICE_PROSE_CHARS`]                    |
//! | `hidden`, `display:none`, `visibility:hidden`               | [`HIDDEN_PROSE_CHARS`]                    |
//!
//! Prose is what is neither white space nor a link. The rules look at elements, roles and conventional names,
//! never at who the page is from. `aria-hidden` hides nothing from the eye, so it is not looked at. A header
//! or footer inside `main` or `article` belongs to the document (WHATWG HTML §4.3.8, §4.3.9).

use super::names::{self, Name};
use super::parts::{Parts, Place, Run};

/// A menu or footer with more prose than this is read: footers of shops with addresses stay below it.
const CHROME_PROSE_CHARS: usize = 2_500;

/// A cookie notice with more prose than this is read: the longest seen, with all its switches, is half of it.
const NOTICE_PROSE_CHARS: usize = 5_000;

/// A hidden part with more prose than this is read: it is a section that opens on a click.
const HIDDEN_PROSE_CHARS: usize = 400;

/// The attributes that say what a part of the page is for.
#[derive(Default)]
pub(super) struct Marks<'a> {
    pub(super) class: &'a str,
    pub(super) id: &'a str,
    pub(super) role: &'a str,
    pub(super) style: &'a str,
    pub(super) hidden: Option<&'a str>,
    pub(super) has_open: bool,
}

/// Returns the prose an element must hold to be read although it looks like a surrounding; `None` if it does not.
pub(super) fn suspicion(name: Name, marks: &Marks<'_>, place: Place) -> Option<usize> {
    let is_inside = place.is_main || place.is_article;
    let is_hidden = marks.hidden.is_some_and(|value| !value.eq_ignore_ascii_case("until-found")) || hides(marks.style);
    if is_hidden {
        return Some(HIDDEN_PROSE_CHARS);
    }
    if (name == names::DIALOG && !marks.has_open) || is_cookie_notice(marks) {
        return Some(NOTICE_PROSE_CHARS);
    }
    let is_chrome = match marks.role {
        "navigation" | "search" => true,
        "banner" | "contentinfo" | "complementary" => !is_inside,
        "" => match name {
            names::NAV | names::SEARCH => true,
            names::HEADER | names::FOOTER | names::ASIDE => !is_inside,
            _ => false,
        },
        _ => false,
    };
    (is_chrome || (!is_inside && is_named_navigation(marks))).then_some(CHROME_PROSE_CHARS)
}

/// Says whether an inline style hides the element.
fn hides(style: &str) -> bool {
    style.split(';').filter_map(|rule| rule.split_once(':')).any(|(name, value)| {
        let value = value.trim().trim_end_matches("!important").trim_end();
        match name.trim() {
            name if name.eq_ignore_ascii_case("display") => value.eq_ignore_ascii_case("none"),
            name if name.eq_ignore_ascii_case("visibility") => value.eq_ignore_ascii_case("hidden"),
            _ => false,
        }
    })
}

/// Says whether class or id name a cookie notice, in general words or a vendor's.
fn is_cookie_notice(marks: &Marks<'_>) -> bool {
    const VENDORS: [&str; 8] =
        ["onetrust", "cybotcookie", "didomi", "usercentrics", "qc-cmp", "osano", "truste", "hs-eu-cookie"];
    names(marks).map(str::as_bytes).any(|name| {
        let is_notice = || contains(name, &["banner", "bar", "popup", "modal", "overlay", "dialog"]);
        let is_vendor = |vendor: &&str| starts_with(name, vendor.as_bytes());
        (contains(name, &["cookie", "consent", "gdpr"]) && is_notice()) || VENDORS.iter().any(is_vendor)
    })
}

/// Says whether one of some words of ASCII stands in a name, in letters of either case.
#[inline]
fn contains(name: &[u8], words: &[&str]) -> bool {
    let begins = |at: usize, word: &[u8]| name[at] | 0x20 == word[0] && starts_with(&name[at..], word);
    (0..name.len()).any(|at| words.iter().any(|word| begins(at, word.as_bytes())))
}

fn starts_with(name: &[u8], word: &[u8]) -> bool {
    // Looked at for each tag of a page: nearly always the first letters differ.
    name.first().map(u8::to_ascii_lowercase) == word.first().copied()
        && name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Says whether class or id name the part as navigation, word for word.
fn is_named_navigation(marks: &Marks<'_>) -> bool {
    names(marks).any(|name| {
        ["nav", "navbar", "navigation", "sidebar", "breadcrumb", "breadcrumbs"]
            .iter()
            .any(|word| name.eq_ignore_ascii_case(word))
    })
}

fn names<'a>(marks: &Marks<'a>) -> impl Iterator<Item = &'a str> {
    marks.class.split_ascii_whitespace().chain([marks.id])
}

/// Which runs stay.
pub(super) struct Choice {
    keeps_surroundings: bool,
    scope: Scope,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Scope {
    Article,
    Main,
    Page,
}

impl Choice {
    /// Decides what stays of a page, by the rules at the top of `text/mod.rs`.
    pub(super) fn of(parts: &Parts) -> Self {
        let page = Self { keeps_surroundings: false, scope: Scope::Page };
        let whole = page.size_chars(parts);
        if whole == 0 {
            return Self { keeps_surroundings: true, ..page };
        }
        for scope in [Scope::Main, Scope::Article] {
            let narrow = Self { scope, ..page };
            if narrow.size_chars(parts) * 4 >= whole * 3 {
                return narrow;
            }
        }
        page
    }

    /// Says whether a run stays.
    pub(super) fn keeps(&self, parts: &Parts, run: &Run) -> bool {
        let Place { surrounding, is_main, is_article, .. } = run.place;
        let is_surrounding = surrounding.is_some_and(|at| {
            let found = &parts.surroundings[at];
            found.prose_chars <= found.prose_chars_max
        });
        (self.keeps_surroundings || !is_surrounding)
            && match self.scope {
                Scope::Article => is_article,
                Scope::Main => is_main,
                Scope::Page => true,
            }
    }

    fn size_chars(&self, parts: &Parts) -> usize {
        parts.runs.iter().filter(|run| self.keeps(parts, run)).map(|run| run.prose_chars).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspects_elements_roles_and_conventional_names() {
        let none = Place::default();
        let main = Place { is_main: true, ..none };
        let marks = |class: &'static str| Marks { class, ..Marks::default() };
        assert_eq!(suspicion(names::NAV, &marks(""), main), Some(CHROME_PROSE_CHARS));
        assert_eq!(suspicion(names::HEADER, &marks(""), none), Some(CHROME_PROSE_CHARS));
        assert_eq!(suspicion(names::HEADER, &marks(""), main), None);
        assert_eq!(suspicion(names::DIV, &marks("a sidebar"), none), Some(CHROME_PROSE_CHARS));
        assert_eq!(suspicion(names::DIV, &marks("cookie-consent-banner"), main), Some(NOTICE_PROSE_CHARS));
        assert_eq!(suspicion(names::DIV, &marks("cookie-policy"), none), None);
        assert_eq!(
            suspicion(names::DIV, &Marks { hidden: Some(""), ..Marks::default() }, main),
            Some(HIDDEN_PROSE_CHARS)
        );
        assert_eq!(suspicion(names::DIV, &Marks { hidden: Some("until-found"), ..Marks::default() }, main), None);
        assert_eq!(
            suspicion(names::P, &Marks { style: "a:b;display: none !important", ..Marks::default() }, main),
            Some(400)
        );
        assert_eq!(suspicion(names::P, &Marks { style: "display:block", ..Marks::default() }, main), None);
    }
}
