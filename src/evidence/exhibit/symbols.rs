//! The symbols' pages: the evidence for a record as QR codes, six to a page.

use super::flow::{BODY, Flow, SMALL};
use super::sheet::Mark;
use super::text::width;

use crate::base::id::Id;
use crate::evidence::paper::{GatherError, Gathered, PART_COUNT_MAX};

/// How wide a symbol is with its quiet zone, in points: 68 mm, 0.54 mm a module, more than six pixels of a scan
/// at 300 dpi.
const SIDE: f32 = 192.0;

/// Columns and rows of a page.
const COLUMNS: usize = 2;
const ROWS: usize = 3;

/// What stands between a symbol and the next below.
const CAPTION: f32 = 9.0;

/// Writes the pages of a set, or why there are none.
pub(super) fn write(flow: &mut Flow<'_>, id: &Id, gathered: &Result<Gathered, GatherError>) {
    let gathered = match gathered {
        Ok(gathered) => gathered,
        Err(error) => {
            flow.title("Evidence on paper");
            let reason = crate::base::causes::with_causes(error);
            flow.paragraph(BODY, &format!("The evidence for {id} is not on paper: {reason}. The bundle has it."));
            return;
        }
    };
    let count = gathered.symbols.len();
    for (n, page) in gathered.symbols.chunks(COLUMNS * ROWS).enumerate() {
        if n > 0 {
            flow.turn();
        }
        head(flow, id, gathered, n * COLUMNS * ROWS + 1);
        let gap = (flow.sheet.text_width() - SIDE * 2.0) / 3.0;
        for row in page.chunks(COLUMNS) {
            let mut x = flow.sheet.left() + gap;
            for symbol in row {
                let y = flow.y - SIDE;
                flow.mark(Mark::Symbol { x, y, side: SIDE, symbol: symbol.clone() });
                let words = SMALL.set(flow.faces, &format!("part {} of {count}", symbol.number()));
                let middle = x + (SIDE - width(&words)) / 2.0;
                flow.put(middle, y - 2.0, words);
                x += SIDE + gap;
            }
            flow.y -= SIDE + CAPTION;
        }
    }
}

fn head(flow: &mut Flow<'_>, id: &Id, gathered: &Gathered, first: usize) {
    let count = gathered.symbols.len();
    if first > 1 {
        let words = format!("Evidence on paper for {id}, set {}, from part {first} of {count}", gathered.set);
        flow.paragraph(SMALL, &words);
        return;
    }
    let words = format!(
        "Evidence on paper for {id}: set {}, {count} parts, at most {PART_COUNT_MAX}. Scan all pages of the set.",
        gathered.set
    );
    flow.paragraph(SMALL, &words);
}
