//! Quotes: a passage of a text rendition that anyone can find again.
//!
//! | quantity       | unit       | range                                                    |
//! |----------------|------------|----------------------------------------------------------|
//! | exact          | bytes      | 1 to [`EXACT_BYTES_MAX`], not only white space           |
//! | prefix, suffix | characters | [`CONTEXT_CHARS`], fewer only at an end of the text      |
//! | start, end     | bytes      | in the text's UTF-8, on character boundaries, end behind |
//!
//! Source: W3C Web Annotation Data Model §4.2.4 (`TextQuoteSelector`), with the byte range of §4.2.5 added.
//! Stricter than the model: exact, prefix and suffix must all match byte for byte, and nothing is
//! normalised. A quote is over one hashed rendition and never over a live page.
//!
//! A quote that is not there is refused, and the nearest passage is shown with the words that differ. The
//! search for it is by words and bounded: at most [`NEAREST_WORDS_MAX`] words of the quote are compared.

use std::collections::HashSet;
use std::fmt;

/// The longest passage: some thirty pages; a longer one is a document of its own.
pub const EXACT_BYTES_MAX: usize = 64 * 1024;

/// How much of the text before and after is kept: what most annotation tools keep.
pub const CONTEXT_CHARS: usize = 32;

/// How many words of a quote are compared with the text to find the nearest passage.
pub const NEAREST_WORDS_MAX: usize = 400;

/// How many places or differences an error lists.
pub const LISTED_COUNT_MAX: usize = 10;

/// A passage of a text, and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quote {
    /// The passage.
    pub exact: String,
    /// The characters before it.
    pub prefix: String,
    /// The characters after it.
    pub suffix: String,
    /// Where it begins, in bytes.
    pub start: u64,
    /// Where it ends, in bytes.
    pub end: u64,
}

/// What to look for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The passage, byte for byte.
    pub exact: &'a str,
    /// What must stand right before it.
    pub prefix: &'a str,
    /// What must stand right after it.
    pub suffix: &'a str,
    /// Which of several such places is meant, counted from 1.
    pub occurrence: Option<usize>,
}

/// Finds the one place that is meant; places do not overlap.
///
/// # Errors
/// [`QuoteError::NotThere`] shows the nearest passage, [`QuoteError::Ambiguous`] the places to choose from.
pub fn find(text: &str, wanted: &Wanted<'_>) -> Result<Quote, QuoteError> {
    check_length(wanted.exact)?;
    let is_meant = |start: &usize| {
        text[..*start].ends_with(wanted.prefix) && text[start + wanted.exact.len()..].starts_with(wanted.suffix)
    };
    let starts: Vec<usize> = text.match_indices(wanted.exact).map(|(start, _)| start).filter(is_meant).collect();
    let place = |start: &usize| quote_at(text, *start, start + wanted.exact.len());
    let start = match (starts.as_slice(), wanted.occurrence) {
        ([], _) if text.contains(wanted.exact) => return Err(QuoteError::OtherContext),
        ([], _) => return Err(QuoteError::NotThere { nearest: nearest(text, wanted.exact).map(Box::new) }),
        ([start], None) => start,
        (starts, Some(occurrence)) => occurrence
            .checked_sub(1)
            .and_then(|at| starts.get(at))
            .ok_or(QuoteError::NoSuchOccurrence { wanted: occurrence, count: starts.len() })?,
        (starts, None) => {
            let places = starts.iter().take(LISTED_COUNT_MAX).map(place).collect();
            return Err(QuoteError::Ambiguous { count: starts.len(), places });
        }
    };
    Ok(place(start))
}

/// Checks that a quote is found in `text` exactly where and as it says.
///
/// # Errors
/// [`QuoteError`] names the part that does not match.
pub fn check(text: &str, quote: &Quote) -> Result<(), QuoteError> {
    check_length(&quote.exact)?;
    let outside = || QuoteError::OutsideText { start: quote.start, end: quote.end, size_bytes: bytes(text.len()) };
    let start = usize::try_from(quote.start).map_err(|_| outside())?;
    let end = usize::try_from(quote.end).map_err(|_| outside())?;
    // Also `None` where the range is reversed or cuts a character in two.
    let found = text.get(start..end).ok_or_else(outside)?;
    let expected = quote_at(text, start, end);
    if found != quote.exact {
        return Err(QuoteError::WrongExact { start: quote.start, end: quote.end });
    }
    if expected.prefix != quote.prefix {
        return Err(QuoteError::WrongPrefix { expected: expected.prefix });
    }
    if expected.suffix != quote.suffix {
        return Err(QuoteError::WrongSuffix { expected: expected.suffix });
    }
    Ok(())
}

fn check_length(exact: &str) -> Result<(), QuoteError> {
    if exact.trim().is_empty() {
        return Err(QuoteError::Empty);
    }
    if exact.len() > EXACT_BYTES_MAX {
        return Err(QuoteError::TooLong { size_bytes: exact.len(), limit_bytes: EXACT_BYTES_MAX });
    }
    Ok(())
}

fn quote_at(text: &str, start: usize, end: usize) -> Quote {
    let before = text[..start].char_indices().rev().take(CONTEXT_CHARS).last().map_or(start, |(at, _)| at);
    let after = text[end..].char_indices().nth(CONTEXT_CHARS).map_or(text.len(), |(at, _)| end + at);
    Quote {
        exact: text[start..end].to_owned(),
        prefix: text[before..start].to_owned(),
        suffix: text[end..after].to_owned(),
        start: bytes(start),
        end: bytes(end),
    }
}

fn bytes(size: usize) -> u64 {
    u64::try_from(size).expect("no text is longer than 2^64 bytes")
}

/// The passage that comes nearest to a quote that is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Nearest {
    /// The passage, byte for byte as in the text: quoting it succeeds.
    pub passage: String,
    /// The first places where its words differ from the wanted ones; none when only white space does.
    pub differences: Vec<Difference>,
}

/// Words that stand in the text in place of the wanted ones.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Difference {
    /// The words that were wanted; empty where the text has more.
    pub wanted: String,
    /// The words in the text; empty where it has fewer.
    pub found: String,
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.passage)?;
        if self.differences.is_empty() {
            return f.write_str(" (only the white space differs)");
        }
        for (n, Difference { wanted, found }) in self.differences.iter().enumerate() {
            f.write_str(if n == 0 { " (" } else { ", " })?;
            match (wanted.as_str(), found.as_str()) {
                ("", found) => write!(f, "`{found}` added")?,
                (wanted, "") => write!(f, "`{wanted}` missing")?,
                (wanted, found) => write!(f, "`{found}` instead of `{wanted}`")?,
            }
        }
        f.write_str(")")
    }
}

/// Finds the passage that shares most runs of words with the wanted one, then aligns the two word by word.
fn nearest(text: &str, exact: &str) -> Option<Nearest> {
    let wanted: Vec<Word<'_>> = words(exact).take(NEAREST_WORDS_MAX).collect();
    let found: Vec<Word<'_>> = words(text).collect();
    let center = (1..=wanted.len().min(3)).rev().find_map(|size| densest(&found, &wanted, size))?;
    let margin = wanted.len() / 4 + 3;
    let window = &found[center.saturating_sub(margin)..(center + wanted.len() + margin).min(found.len())];
    align(text, window, &wanted)
}

struct Word<'t> {
    /// As written.
    text: &'t str,
    /// Where it begins.
    start: usize,
    /// Letters and digits in lower case: what makes two words the same word.
    folded: String,
}

fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let base = text.as_ptr().addr();
    text.split_whitespace().map(move |word| {
        let folded = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Word { text: word, start: word.as_ptr().addr() - base, folded }
    })
}

/// Returns where the stretch as long as `wanted` begins that holds most of its runs of `size` words.
fn densest(found: &[Word<'_>], wanted: &[Word<'_>], size: usize) -> Option<usize> {
    let run = |words: &[Word<'_>]| words.iter().map(|word| word.folded.clone()).collect::<Vec<_>>();
    // Alone, short words stand everywhere.
    let counts = |run: &[String]| run.iter().map(String::len).sum::<usize>() >= 4;
    let runs: HashSet<Vec<String>> = wanted.windows(size).map(run).filter(|run| counts(run)).collect();
    let hits: Vec<usize> =
        found.windows(size).enumerate().filter(|(_, window)| runs.contains(&run(window))).map(|(at, _)| at).collect();
    let mut last = 0;
    let mut best: Option<(usize, usize)> = None;
    for (first, start) in hits.iter().enumerate() {
        while hits.get(last).is_some_and(|at| *at < start + wanted.len()) {
            last += 1;
        }
        if best.is_none_or(|(count, _)| last - first > count) {
            best = Some((last - first, *start));
        }
    }
    best.map(|(_, start)| start)
}

/// Aligns the wanted words with a part of the window: edit distance with free ends (Sellers 1980).
fn align(text: &str, window: &[Word<'_>], wanted: &[Word<'_>]) -> Option<Nearest> {
    const CHANGED: usize = 2;
    let width = window.len() + 1;
    let cost = |row: usize, column: usize| {
        let (a, b) = (&wanted[row], &window[column]);
        if a.text == b.text {
            0
        } else if a.folded == b.folded {
            1
        } else {
            CHANGED + 1
        }
    };
    let mut table = vec![0; (wanted.len() + 1) * width];
    for row in 1..=wanted.len() {
        table[row * width] = row * CHANGED;
        for column in 1..width {
            let changed = table[(row - 1) * width + column - 1] + cost(row - 1, column - 1);
            let missing = table[(row - 1) * width + column] + CHANGED;
            let added = table[row * width + column - 1] + CHANGED;
            table[row * width + column] = changed.min(missing).min(added);
        }
    }
    let last = &table[wanted.len() * width..];
    let end = (0..width).min_by_key(|column| last[*column])?;
    let (mut row, mut column) = (wanted.len(), end);
    let mut steps = Vec::new();
    while row > 0 {
        let here = table[row * width + column];
        if column > 0 && here == table[(row - 1) * width + column - 1] + cost(row - 1, column - 1) {
            (row, column) = (row - 1, column - 1);
            steps.push((Some(row), Some(column)));
        } else if column > 0 && here == table[row * width + column - 1] + CHANGED {
            column -= 1;
            steps.push((None, Some(column)));
        } else {
            row -= 1;
            steps.push((Some(row), None));
        }
    }
    steps.reverse();
    let (first, last) = (window.get(column)?, window.get(end.checked_sub(1)?)?);
    let passage = text.get(first.start..last.start + last.text.len())?.to_owned();
    let pairs = steps.into_iter().map(|(a, b)| (a.map(|a| wanted[a].text), b.map(|b| window[b].text)));
    Some(Nearest { passage, differences: differences(pairs) })
}

/// Joins neighbouring words that differ.
fn differences<'w>(pairs: impl Iterator<Item = (Option<&'w str>, Option<&'w str>)>) -> Vec<Difference> {
    let mut differences: Vec<Difference> = Vec::new();
    let mut is_open = false;
    for (wanted, found) in pairs {
        if wanted == found {
            is_open = false;
            continue;
        }
        if !is_open && differences.len() == LISTED_COUNT_MAX {
            break;
        }
        if !is_open {
            differences.push(Difference::default());
            is_open = true;
        }
        if let Some(difference) = differences.last_mut() {
            append(&mut difference.wanted, wanted);
            append(&mut difference.found, found);
        }
    }
    differences
}

fn append(words: &mut String, word: Option<&str>) {
    if let Some(word) = word {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
}

/// Why a passage was not quoted, or a quote does not hold.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum QuoteError {
    #[error("the words stand in {count} places; say what stands before or after, or which one:{}", list(places))]
    Ambiguous { count: usize, places: Vec<Quote> },
    #[error("there are no words to quote")]
    Empty,
    #[error("the words stand in {count} places, so there is no number {wanted}")]
    NoSuchOccurrence { wanted: usize, count: usize },
    #[error("the words are not in the text{}", hint(nearest.as_deref()))]
    NotThere { nearest: Option<Box<Nearest>> },
    #[error("the words are in the text, but not with that before and after")]
    OtherContext,
    #[error("bytes {start} to {end} are not a passage of the text of {size_bytes} bytes")]
    OutsideText { start: u64, end: u64, size_bytes: u64 },
    #[error("the quote is {size_bytes} bytes long, and at most {limit_bytes} are quoted")]
    TooLong { size_bytes: usize, limit_bytes: usize },
    #[error("bytes {start} to {end} of the text are not the quoted words")]
    WrongExact { start: u64, end: u64 },
    #[error("before the quote stands `{expected}`")]
    WrongPrefix { expected: String },
    #[error("after the quote stands `{expected}`")]
    WrongSuffix { expected: String },
}

fn hint(nearest: Option<&Nearest>) -> String {
    nearest.map(|nearest| format!("; the nearest passage is {nearest}")).unwrap_or_default()
}

fn list(places: &[Quote]) -> String {
    let line = |(n, place): (usize, &Quote)| {
        let context = format!("{}[{}]{}", place.prefix, shortened(&place.exact), place.suffix);
        format!(" {}. `{}`", n + 1, context.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    places.iter().enumerate().map(line).collect()
}

fn shortened(words: &str) -> String {
    if words.chars().count() <= 60 { words.to_owned() } else { words.chars().take(60).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Terms\n\nWe may change these terms at any time.\nYou may leave at any time.\n\n\
        Änderungen “gelten” sofort.\n";

    fn exact(exact: &str) -> Wanted<'_> {
        Wanted { exact, ..Wanted::default() }
    }

    #[test]
    fn finds_and_checks() {
        let quote = find(TEXT, &exact("change these terms")).unwrap();
        assert_eq!((quote.start, quote.end), (16, 34));
        assert_eq!(
            (quote.prefix.as_str(), quote.suffix.as_str()),
            ("# Terms\n\nWe may ", " at any time.\nYou may leave at a")
        );
        assert_eq!(quote.suffix.chars().count(), CONTEXT_CHARS);
        assert_eq!(check(TEXT, &quote), Ok(()));
        let whole = find(TEXT, &exact(TEXT)).unwrap();
        assert_eq!((whole.prefix.as_str(), whole.suffix.as_str(), check(TEXT, &whole)), ("", "", Ok(())));
        let umlaut = find(TEXT, &exact("nderungen “")).unwrap();
        assert!(umlaut.prefix.ends_with('Ä') && umlaut.suffix.starts_with("gelten"));
    }

    #[test]
    fn each_changed_part_is_named() {
        let quote = find(TEXT, &exact("change these terms")).unwrap();
        let changed = |change: fn(&mut Quote)| {
            let mut quote = quote.clone();
            change(&mut quote);
            check(TEXT, &quote).unwrap_err()
        };
        assert!(matches!(changed(|quote| quote.exact.push('s')), QuoteError::WrongExact { .. }));
        assert!(matches!(changed(|quote| quote.exact.clear()), QuoteError::Empty));
        assert!(matches!(changed(|quote| quote.start += 1), QuoteError::WrongExact { .. }));
        assert!(matches!(changed(|quote| quote.end = 1_000), QuoteError::OutsideText { .. }));
        assert!(matches!(changed(|quote| quote.start = u64::MAX), QuoteError::OutsideText { .. }));
        assert!(matches!(changed(|quote| quote.start = 35), QuoteError::OutsideText { .. }));
        assert!(matches!(changed(|quote| quote.prefix.clear()), QuoteError::WrongPrefix { .. }));
        assert!(matches!(changed(|quote| quote.suffix.push('x')), QuoteError::WrongSuffix { .. }));
        assert!(matches!(check("x", &quote), Err(QuoteError::OutsideText { .. })));
        // Byte 78 lies within the two bytes of `Ä`.
        let split = Quote { start: bytes(TEXT.find('Ä').unwrap() + 1), end: bytes(TEXT.len()), ..quote.clone() };
        assert!(matches!(check(TEXT, &split), Err(QuoteError::OutsideText { .. })));
    }

    #[test]
    fn asks_which_of_several_places() {
        let QuoteError::Ambiguous { count: 2, places } = find(TEXT, &exact("at any time")).unwrap_err() else {
            panic!()
        };
        assert_eq!(places.len(), 2);
        let second = find(TEXT, &Wanted { occurrence: Some(2), ..exact("at any time") }).unwrap();
        assert_eq!(second, places[1]);
        assert_eq!(find(TEXT, &Wanted { prefix: "leave ", ..exact("at any time") }), Ok(second.clone()));
        assert_eq!(find(TEXT, &Wanted { suffix: ".\n\n", ..exact("at any time") }), Ok(second));
        for occurrence in [0, 3] {
            let error = find(TEXT, &Wanted { occurrence: Some(occurrence), ..exact("at any time") }).unwrap_err();
            assert_eq!(error, QuoteError::NoSuchOccurrence { wanted: occurrence, count: 2 });
        }
        assert_eq!(find(TEXT, &Wanted { prefix: "x", ..exact("at any time") }), Err(QuoteError::OtherContext));
    }

    #[test]
    fn shows_the_nearest_passage_and_the_words_that_differ() {
        let nearest = |words: &str| match find(TEXT, &exact(words)).unwrap_err() {
            QuoteError::NotThere { nearest } => nearest.map(|nearest| *nearest),
            other => panic!("{other}"),
        };
        let pair = |wanted: &str, found: &str| Difference { wanted: wanted.to_owned(), found: found.to_owned() };
        let one = nearest("We shall change these terms at any time.").unwrap();
        assert_eq!(one.passage, "We may change these terms at any time.");
        assert_eq!(one.differences, [pair("shall", "may")]);
        assert_eq!(nearest("change terms at").unwrap().differences, [pair("", "these")]);
        assert_eq!(nearest("You may then leave").unwrap().differences, [pair("then", "")]);
        assert_eq!(nearest("Änderungen \"gelten\" sofort").unwrap().differences.len(), 1);
        let spaced = nearest("any time. You may").unwrap();
        assert_eq!((spaced.passage.as_str(), spaced.differences.len()), ("any time.\nYou may", 0));
        assert!(find(TEXT, &exact(&spaced.passage)).is_ok());
        assert_eq!(nearest("Bananas grow elsewhere"), None);
        assert!(matches!(find("", &exact("x")), Err(QuoteError::NotThere { nearest: None })));
        assert_eq!(find(TEXT, &exact(" \n")), Err(QuoteError::Empty));
        assert!(matches!(find(TEXT, &exact(&"x".repeat(EXACT_BYTES_MAX + 1))), Err(QuoteError::TooLong { .. })));
    }

    proptest::proptest! {
        #[test]
        fn what_is_found_checks(text in "[ab é\\n]{1,60}", start in 0_usize..60, wanted in "[abé ]{1,12}") {
            let size = wanted.len();
            let passage: String = text.chars().skip(start).take(size).collect();
            for words in [passage.as_str(), wanted.as_str()] {
                match find(&text, &exact(words)) {
                    Ok(quote) => assert_eq!(check(&text, &quote), Ok(())),
                    Err(QuoteError::Ambiguous { count, places }) => {
                        assert!(count > 1);
                        assert!(places.iter().all(|place| check(&text, place).is_ok()));
                    }
                    Err(QuoteError::NotThere { nearest }) => {
                        assert!(!text.contains(words));
                        assert!(nearest.is_none_or(|nearest| text.contains(&nearest.passage)));
                    }
                    Err(error) => assert_eq!(error, QuoteError::Empty),
                }
            }
        }
    }

    #[test]
    fn the_search_is_bounded() {
        let text = "the same words again and ".repeat(40_000);
        let wanted = format!("{}never", "the same words again and ".repeat(1_000));
        let QuoteError::NotThere { nearest: Some(nearest) } = find(&text, &exact(&wanted)).unwrap_err() else {
            panic!()
        };
        assert!(text.contains(&nearest.passage));
    }
}
