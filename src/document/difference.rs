//! Differences: what changed from one text to another, line by line and word by word.
//!
//! | quantity | unit   | range                                             |
//! |----------|--------|---------------------------------------------------|
//! | line     | number | of each text, from 1                              |
//! | likeness | words  | of a hundred of two lines, those that both have   |
//!
//! Lines are compared first (patience, which holds on to lines that stand once in each text). Where lines were replaced,
//! those of both sides that share at least half of their words are taken for one line that was changed, and their words
//! are compared; the others were deleted and inserted whole. A word is a run of letters and digits, anything else stands
//! alone. Joined, the pieces that are not inserted are the old text, those that are not deleted the new one.
//!
//! Deterministic: no deadline cuts the search short; two texts of 20,000 lines without a line in common take a tenth of a
//! second.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// The most pairs of replaced lines that are compared with one another: a block of 200 against one of 200. In a larger
/// one each line is compared with the one in its place.
const PAIR_COUNT_MAX: usize = 40_000;

/// The lines of two texts, in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference<'t> {
    /// Every line of both texts; what both have stands once.
    pub lines: Vec<Line<'t>>,
}

/// A line, of one text or of both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line<'t> {
    /// Its number in the old text.
    pub old: Option<usize>,
    /// Its number in the new text.
    pub new: Option<usize>,
    /// What it consists of.
    pub pieces: Vec<Piece<'t>>,
}

/// A part of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Piece<'t> {
    /// What became of it.
    pub change: Change,
    /// The words.
    pub text: &'t str,
}

/// What became of words.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Change {
    /// Both texts have them.
    Same,
    /// The old text has them.
    Deleted,
    /// The new text has them.
    Inserted,
}

/// How much changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extent {
    /// Lines that both texts have, unchanged.
    pub same: usize,
    /// Lines that both have, with other words.
    pub changed: usize,
    /// Lines that only the old text has.
    pub deleted: usize,
    /// Lines that only the new text has.
    pub inserted: usize,
    /// Words that only the old text has.
    pub words_deleted: usize,
    /// Words that only the new text has.
    pub words_inserted: usize,
}

impl Change {
    /// Returns its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Deleted => "deleted",
            Self::Inserted => "inserted",
        }
    }
}

impl Line<'_> {
    /// Says whether both texts have the line as it is.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.pieces.iter().all(|piece| piece.change == Change::Same) && self.old.is_some() && self.new.is_some()
    }

    /// Joins what one of the texts has of the line.
    #[must_use]
    pub fn without(&self, change: Change) -> String {
        self.pieces.iter().filter(|piece| piece.change != change).map(|piece| piece.text).collect()
    }
}

impl<'t> Difference<'t> {
    /// Compares two texts.
    #[must_use]
    pub fn between(old: &'t str, new: &'t str) -> Self {
        let old: Vec<&str> = old.split_terminator('\n').collect();
        let new: Vec<&str> = new.split_terminator('\n').collect();
        let mut lines = Vec::new();
        for edit in capture_diff_slices(Algorithm::Patience, &old, &new) {
            let (tag, old_range, new_range) = edit.as_tag_tuple();
            match tag {
                DiffTag::Equal => lines.extend(old_range.zip(new_range).map(|(at, to)| both(at, to, &old, &new))),
                DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                    lines.extend(replaced(&old, old_range, &new, new_range));
                }
            }
        }
        Self { lines }
    }

    /// Says how much changed.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let mut extent = Extent::default();
        for line in &self.lines {
            match (line.old, line.new) {
                (Some(_), Some(_)) if line.is_same() => extent.same += 1,
                (Some(_), Some(_)) => extent.changed += 1,
                (Some(_), None) => extent.deleted += 1,
                (None, _) => extent.inserted += 1,
            }
            let words_of = |change: Change| {
                let pieces = line.pieces.iter().filter(|piece| piece.change == change);
                pieces.map(|piece| word_count(piece.text)).sum::<usize>()
            };
            extent.words_deleted += words_of(Change::Deleted);
            extent.words_inserted += words_of(Change::Inserted);
        }
        extent
    }

    /// Returns the stretches of lines around what changed, with up to `context` unchanged lines at each side.
    #[must_use]
    pub fn hunks(&self, context: usize) -> Vec<Range<usize>> {
        let mut hunks: Vec<Range<usize>> = Vec::new();
        for at in self.lines.iter().enumerate().filter(|(_, line)| !line.is_same()).map(|(at, _)| at) {
            let around = at.saturating_sub(context)..at.saturating_add(context + 1).min(self.lines.len());
            match hunks.last_mut() {
                Some(last) if last.end >= around.start => last.end = around.end,
                _ => hunks.push(around),
            }
        }
        hunks
    }

    /// Writes the differences as `diff -u` does, with names for the two texts; nothing when there are none.
    #[must_use]
    pub fn unified(&self, names: [&str; 2], context: usize) -> String {
        let hunks = self.hunks(context);
        let mut text = String::new();
        if !hunks.is_empty() {
            let _ = writeln!(text, "--- {}\n+++ {}", names[0], names[1]); // Writing to a String cannot fail.
        }
        for hunk in hunks {
            let (before, lines) = (&self.lines[..hunk.start], &self.lines[hunk]);
            let [old, new] = [range(before, lines, |line| line.old), range(before, lines, |line| line.new)];
            let _ = writeln!(text, "@@ -{old} +{new} @@");
            for run in lines.chunk_by(|a, b| a.is_same() == b.is_same()) {
                write_run(&mut text, run);
            }
        }
        text
    }
}

/// Writes which lines of one of the texts a hunk has, as `diff` does.
fn range(before: &[Line<'_>], lines: &[Line<'_>], number: fn(&Line<'_>) -> Option<usize>) -> String {
    let count = lines.iter().filter_map(number).count();
    let earlier = before.iter().filter_map(number).count();
    // An empty range is named by the line before it.
    let first = if count == 0 { earlier } else { earlier + 1 };
    if count == 1 { first.to_string() } else { format!("{first},{count}") }
}

/// Writes lines of one kind: what is deleted stands before what is inserted.
fn write_run(text: &mut String, run: &[Line<'_>]) {
    if run.first().is_some_and(Line::is_same) {
        return text.extend(run.iter().map(|line| format!(" {}\n", line.without(Change::Inserted))));
    }
    let old = run.iter().filter(|line| line.old.is_some());
    text.extend(old.map(|line| format!("-{}\n", line.without(Change::Inserted))));
    let new = run.iter().filter(|line| line.new.is_some());
    text.extend(new.map(|line| format!("+{}\n", line.without(Change::Deleted))));
}

fn both<'t>(at: usize, to: usize, old: &[&'t str], new: &[&'t str]) -> Line<'t> {
    Line { old: Some(at + 1), new: Some(to + 1), pieces: compare_words(old[at], new[to]) }
}

fn deleted<'t>(at: usize, old: &[&'t str]) -> Line<'t> {
    let pieces = vec![Piece { change: Change::Deleted, text: old[at] }];
    Line { old: Some(at + 1), new: None, pieces }
}

fn inserted<'t>(to: usize, new: &[&'t str]) -> Line<'t> {
    let pieces = vec![Piece { change: Change::Inserted, text: new[to] }];
    Line { old: None, new: Some(to + 1), pieces }
}

/// Pairs the lines of a replaced stretch that are alike, in order.
fn replaced<'t>(old: &[&'t str], from: Range<usize>, new: &[&'t str], into: Range<usize>) -> Vec<Line<'t>> {
    let pairs = if from.len() * into.len() <= PAIR_COUNT_MAX {
        alike(&old[from.clone()], &new[into.clone()])
    } else {
        let in_place = (0..from.len().min(into.len())).map(|n| (n, n));
        in_place.filter(|(n, m)| likeness(old[from.start + n], new[into.start + m]) >= LIKENESS_MIN).collect()
    };
    let mut lines = Vec::new();
    let (mut at, mut to) = (from.start, into.start);
    let ends = pairs.into_iter().map(|(n, m)| (from.start + n, into.start + m));
    for (next, next_new) in ends.chain([(from.end, into.end)]) {
        lines.extend((at..next).map(|at| deleted(at, old)));
        lines.extend((to..next_new).map(|to| inserted(to, new)));
        if next < from.end && next_new < into.end {
            lines.push(both(next, next_new, old, new));
        }
        (at, to) = (next + 1, next_new + 1);
    }
    lines
}

/// How alike two lines must be to be one that was changed, in hundredths.
const LIKENESS_MIN: usize = 50;

/// Finds the pairs of lines, in order, that are most alike taken together.
fn alike(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let likeness: Vec<Vec<usize>> = old.iter().map(|old| new.iter().map(|new| likeness(old, new)).collect()).collect();
    let is_pair = |n: usize, m: usize| likeness[n][m] >= LIKENESS_MIN;
    // best[n][m] is the most that the lines from n and m on come to.
    let mut best = vec![vec![0; new.len() + 1]; old.len() + 1];
    for n in (0..old.len()).rev() {
        for m in (0..new.len()).rev() {
            let paired = if is_pair(n, m) { likeness[n][m] + best[n + 1][m + 1] } else { 0 };
            best[n][m] = paired.max(best[n + 1][m]).max(best[n][m + 1]);
        }
    }
    let (mut n, mut m) = (0, 0);
    let mut pairs = Vec::new();
    while n < old.len() && m < new.len() {
        if is_pair(n, m) && best[n][m] == likeness[n][m] + best[n + 1][m + 1] {
            pairs.push((n, m));
            (n, m) = (n + 1, m + 1);
        } else if best[n][m] == best[n + 1][m] {
            n += 1;
        } else {
            m += 1;
        }
    }
    pairs
}

/// Returns how many of a hundred words two lines share.
fn likeness(old: &str, new: &str) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let is_word = |word: &&str| word.starts_with(char::is_alphanumeric);
    let (mut total, mut shared) = (0, 0);
    for word in words(old).into_iter().filter(is_word) {
        *counts.entry(word).or_default() += 1;
        total += 1;
    }
    for word in words(new).into_iter().filter(is_word) {
        total += 1;
        if let Some(count) = counts.get_mut(word).filter(|count| **count > 0) {
            *count -= 1;
            shared += 2;
        }
    }
    (shared * 100_usize).checked_div(total).unwrap_or(0)
}

/// Compares the words of two lines.
fn compare_words<'t>(old: &'t str, new: &'t str) -> Vec<Piece<'t>> {
    if old == new {
        return vec![Piece { change: Change::Same, text: old }];
    }
    let (old_words, new_words) = (words(old), words(new));
    let mut pieces = Vec::new();
    let mut push = |change, line: &'t str, words: &[&'t str]| {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let start = first.as_ptr().addr() - line.as_ptr().addr();
        let end = last.as_ptr().addr() - line.as_ptr().addr() + last.len();
        pieces.push(Piece { change, text: &line[start..end] });
    };
    for edit in capture_diff_slices(Algorithm::Myers, &old_words, &new_words) {
        let (tag, from, into) = edit.as_tag_tuple();
        match tag {
            DiffTag::Equal => push(Change::Same, old, &old_words[from]),
            DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                push(Change::Deleted, old, &old_words[from]);
                push(Change::Inserted, new, &new_words[into]);
            }
        }
    }
    pieces
}

/// Parts a line into runs of letters and digits, and single characters between.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() {
            rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after;
    }
    words
}

fn word_count(text: &str) -> usize {
    words(text).into_iter().filter(|word| word.starts_with(char::is_alphanumeric)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let piece = |piece: &Piece<'_>| match piece.change {
            Change::Same => piece.text.to_owned(),
            Change::Deleted => format!("[-{}-]", piece.text),
            Change::Inserted => format!("{{+{}+}}", piece.text),
        };
        Difference::between(old, new).lines.iter().map(|line| line.pieces.iter().map(piece).collect()).collect()
    }

    #[test]
    fn shows_the_words_that_changed_in_a_line() {
        let old = "We keep it for six years.\nUnchanged.\nAn old line goes.\n";
        let new = "We keep it for ten years.\nQuite another sentence is put in.\nUnchanged.\n";
        assert_eq!(
            shown(old, new),
            [
                "We keep it for [-six-]{+ten+} years.",
                "{+Quite another sentence is put in.+}",
                "Unchanged.",
                "[-An old line goes.-]"
            ]
        );
    }

    #[test]
    fn finds_the_changed_line_behind_an_inserted_one() {
        let old = "x\nYou may end this at any time by a letter.\n";
        let new = "x\nA new paragraph stands here now.\nYou may end this at any time by an e-mail.\n";
        let lines = Difference::between(old, new).lines;
        assert_eq!(
            lines.iter().map(|line| (line.old, line.new)).collect::<Vec<_>>(),
            [(Some(1), Some(1)), (None, Some(2)), (Some(2), Some(3))]
        );
    }

    #[test]
    fn writes_what_diff_writes() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nd\nE e\nf\ng\nh\ni\n";
        let expected = "--- o\n+++ n\n@@ -4,3 +4,3 @@\n d\n-e\n+E e\n f\n@@ -8 +8,2 @@\n h\n+i\n";
        assert_eq!(Difference::between(old, new).unified(["o", "n"], 1), expected);
        assert_eq!(Difference::between(old, old).unified(["o", "n"], 3), "");
        assert_eq!(Difference::between("", "x\n").unified(["o", "n"], 3), "--- o\n+++ n\n@@ -0,0 +1 @@\n+x\n");
    }

    #[test]
    fn counts_what_changed() {
        let extent = Difference::between("one two\nthree\n", "one 2\nfour five\nsix\n").extent();
        let expected = Extent { same: 0, changed: 1, deleted: 1, inserted: 2, words_deleted: 2, words_inserted: 4 };
        assert_eq!(extent, expected);
    }

    proptest! {
        #[test]
        fn gives_back_both_texts(old in "([ab ]{0,4}\n){0,12}", new in "([ab ]{0,4}\n){0,12}") {
            let difference = Difference::between(&old, &new);
            let text = |change, number: fn(&Line<'_>) -> Option<usize>| -> String {
                let lines = difference.lines.iter().filter(|line| number(line).is_some());
                lines.map(|line| line.without(change) + "\n").collect()
            };
            prop_assert_eq!(text(Change::Inserted, |line| line.old), old.clone());
            prop_assert_eq!(text(Change::Deleted, |line| line.new), new.clone());
            let numbers: Vec<usize> = difference.lines.iter().filter_map(|line| line.old).collect();
            prop_assert_eq!(numbers.clone(), (1..=numbers.len()).collect::<Vec<_>>());
        }
    }
}
