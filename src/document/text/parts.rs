//! Parts: the text of a page in document order, with what was around each run of it.
//!
//! Everything refers to everything else by position in these lists, so that the lists grow with the page
//! and nothing else does.

/// All that was found in a page.
#[derive(Default)]
pub(super) struct Parts {
    /// The characters of all runs, one after the other, as the tokenizer gave them.
    pub(super) characters: String,
    /// The runs, in order.
    pub(super) runs: Vec<Run>,
    /// The blocks that runs belong to, in order.
    pub(super) blocks: Vec<Block>,
    /// The list points.
    pub(super) points: Vec<Point>,
    /// The targets of links, as written.
    pub(super) targets: Vec<String>,
    /// What is around the document rather than in it.
    pub(super) surroundings: Vec<Surrounding>,
    /// What stands in `<noscript>`, as HTML that was not read.
    pub(super) noscript: String,
    /// Whether there was more than is kept.
    pub(super) is_cut: bool,
}

/// Characters that share a block and everything else.
pub(super) struct Run {
    /// Where its characters begin.
    pub(super) start: usize,
    /// Where they end.
    pub(super) end: usize,
    /// How many of them are not white space.
    pub(super) prose_chars: usize,
    /// The block it stands in.
    pub(super) block: usize,
    /// What is around it.
    pub(super) place: Place,
}

/// What is around a run.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(super) struct Place {
    /// The link it is in.
    pub(super) link: Option<usize>,
    /// The outermost surrounding it is in.
    pub(super) surrounding: Option<usize>,
    /// Whether it stands in the page's `<main>`.
    pub(super) is_main: bool,
    /// Whether it stands in an `<article>`.
    pub(super) is_article: bool,
}

/// A paragraph, heading, cell or the like.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(super) struct Block {
    /// 1 to 6 for a heading, else 0.
    pub(super) heading: usize,
    /// The innermost list point it is in.
    pub(super) point: Option<usize>,
    /// How many quotations it is in.
    pub(super) quotes: usize,
    /// The innermost row and cell it is in.
    pub(super) cell: Option<Cell>,
    /// Whether its white space is kept.
    pub(super) is_preformatted: bool,
}

/// A place in a table.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Cell {
    /// The table, counted over the whole page.
    pub(super) table: usize,
    /// The row, counted over the whole page.
    pub(super) row: usize,
    /// The cell, counted over the whole page.
    pub(super) column: usize,
}

/// A point of a list.
pub(super) struct Point {
    /// The list it is in, counted over the whole page.
    pub(super) list: Option<usize>,
    /// How many lists it is in.
    pub(super) depth: usize,
    /// What stands before it: `-` or `1.`.
    pub(super) marker: String,
}

/// A part of the page that is likely not the document.
pub(super) struct Surrounding {
    /// How much prose it must hold to be kept after all, in characters.
    pub(super) prose_chars_max: usize,
    /// How many characters of prose it holds: neither white space nor in a link.
    pub(super) prose_chars: usize,
}

impl Parts {
    /// Returns how many parts there are.
    pub(super) fn count(&self) -> usize {
        self.runs.len() + self.points.len() + self.targets.len() + self.surroundings.len()
    }

    /// Returns the characters of a run.
    pub(super) fn text(&self, run: &Run) -> &str {
        &self.characters[run.start..run.end]
    }
}
