//! Links: where the words of a page lead.
//!
//! Targets are listed as written: relative ones stay relative, because the rendition does not know the
//! page's address. Mail addresses are written plainly, because pages disguise them anew for each visit.

use std::borrow::Cow;
use std::collections::HashSet;

use super::parts::Parts;

/// The links in the order in which they are read.
#[derive(Default)]
pub(super) struct Links {
    /// The link that is being read, and where its words begin in the line.
    open: Option<(usize, usize)>,
    found: Vec<Link>,
    /// How many were found before this block, and whether it has words outside links.
    before_block: usize,
    pub(super) is_prose: bool,
}

struct Link {
    at: usize,
    words: String,
    /// Whether it stands in a sentence, and not alone in a heading or a table of contents.
    is_in_prose: bool,
}

impl Links {
    /// Notes that the line, `text` so far, goes on in another link, or none.
    pub(super) fn pass(&mut self, link: Option<usize>, text: &str) {
        if self.open.map(|(open, _)| open) == link {
            return;
        }
        if let Some((open, start)) = self.open.take() {
            let words = text.get(start..).unwrap_or_default();
            self.found.push(Link { at: open, words: joined(words, " "), is_in_prose: false });
        }
        self.open = link.map(|link| (link, text.len()));
    }

    /// Notes that the block is over.
    pub(super) fn end_block(&mut self) {
        for link in &mut self.found[self.before_block..] {
            link.is_in_prose = self.is_prose;
        }
        self.before_block = self.found.len();
        self.is_prose = false;
    }

    /// Lists words and target of each, once, one a line.
    pub(super) fn list(self, parts: &Parts) -> String {
        let named = self.found.into_iter().filter(|link| !link.words.is_empty());
        let lines = named.filter_map(|Link { at, words, is_in_prose }| {
            let target = target(&parts.targets[at])?;
            // Where a sentence refers to a section, the section is part of what it says.
            let says_more = words != target && (is_in_prose || !target.starts_with('#'));
            says_more.then(|| format!("- {words}: {target}\n"))
        });
        let lines: Vec<String> = lines.collect();
        let mut seen = HashSet::new();
        lines.iter().map(String::as_str).filter(|line| seen.insert(*line)).collect()
    }
}

/// Returns where a link leads, if anywhere: white space removed as a browser does (URL §4.4).
fn target(written: &str) -> Option<Cow<'_, str>> {
    let mut target = Cow::Borrowed(written.trim_matches(|c: char| c <= ' '));
    if target.contains(char::is_control) {
        target = target.chars().filter(|c| !c.is_control()).collect::<String>().into();
    }
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = |name: &str| scheme.eq_ignore_ascii_case(name);
    if target.is_empty() || target == "#" || ["javascript", "data", "blob"].into_iter().any(is_scheme) {
        return None;
    }
    if let Some(scrambled) = target.strip_prefix("/cdn-cgi/l/email-protection") {
        let address = scrambled.strip_prefix('#').and_then(unscramble)?;
        return Some(undisguise(&format!("mailto:{address}")).into());
    }
    if is_scheme("mailto") {
        return Some(undisguise(&target).into());
    }
    Some(if target.contains(char::is_whitespace) { joined(&target, "%20").into() } else { target })
}

/// Joins the words of a text.
fn joined(text: &str, between: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !joined.is_empty() {
            joined.push_str(between);
        }
        joined.push_str(word);
    }
    joined
}

/// Undoes the numeric character references in which mail addresses are hidden from robots, each visit anew.
fn undisguise(target: &str) -> String {
    let mut plain = String::new();
    let mut rest = target;
    while let Some((before, after)) = rest.split_once("&#") {
        plain.push_str(before);
        let digits = after.split(';').next().unwrap_or_default();
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
            None => digits.parse().ok(),
        };
        match code.and_then(char::from_u32).filter(|c| !c.is_control()) {
            Some(c) if after.len() > digits.len() => {
                plain.push(c);
                rest = &after[digits.len() + 1..];
            }
            _ => {
                plain.push_str("&#");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Undoes the scrambling of addresses that a large content network does, with a new key for each visit:
/// hexadecimal, each byte exclusive-or the first.
pub(super) fn unscramble(scrambled: &str) -> Option<String> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(scrambled.as_bytes()).ok()?;
    let (key, address) = bytes.split_first()?;
    let address = String::from_utf8(address.iter().map(|byte| byte ^ key).collect()).ok()?;
    (!address.chars().any(|c| c.is_control() || c.is_whitespace())).then_some(address)
}
