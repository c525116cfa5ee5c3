//! The redline: what changed from one capture to another, in marks that a copier keeps.
//!
//! | quantity | unit   | range                                         |
//! |----------|--------|-----------------------------------------------|
//! | line     | number | of each of the two texts, from 1              |
//! | context  | lines  | [`CONTEXT`] unchanged ones around each change |
//!
//! What was deleted is struck through between brackets, what was inserted is bold and underlined, and every line with a
//! change has a bar beside it: three marks, none of which is a colour. Stretches of unchanged lines are left out, and
//! that they are is said, with their numbers; both texts stand whole in their own exhibits and in the bundle.

use super::ExhibitError;
use super::face::Face;
use super::flow::{BODY, CODE, Flow, SMALL, leading};
use super::matter::{Matter, Text};
use super::sheet::Mark;
use super::text::{Glyph, Style, break_lines, width};

use crate::document::difference::{Change, Difference, Line};

/// How many unchanged lines stand around each change.
const CONTEXT: usize = 3;

const PLAIN: Style = BODY;
const INSERTED: Style = Style::new(Face::SerifBold, 10.5);
const NUMBER: Style = Style::new(Face::Sans, 6.5);

/// Where the columns of line numbers end, left of the text.
const OLD_GAP: f32 = 40.0;
const NEW_GAP: f32 = 15.0;
const BAR_GAP: f32 = 9.0;

/// Writes what changed between two captures.
///
/// # Errors
/// [`ExhibitError::NoText`] where one of them has none.
pub(super) fn write(flow: &mut Flow<'_>, old: &Matter, new: &Matter) -> Result<(), ExhibitError> {
    let text = |matter: &Matter| match &matter.text {
        Text::Here(text) => Ok(text.clone()),
        Text::Absent(reason) => Err(ExhibitError::NoText { id: matter.id.to_string(), reason }),
    };
    let (old_text, new_text) = (text(old)?, text(new)?);
    let difference = Difference::between(&old_text, &new_text);
    summary(flow, old, new, &difference);
    flow.heading("What changed");
    flow.paragraph(
        SMALL,
        "Struck through in [brackets]: only in the earlier text. Bold and underlined: only in the later text. The numbers \
         at the left are those of the lines in the earlier and the later text.",
    );
    flow.space(8.0);
    let mut end = 0;
    for hunk in difference.hunks(CONTEXT) {
        left_out(flow, &difference.lines[end..hunk.start]);
        for line in &difference.lines[hunk.clone()] {
            write_line(flow, line);
        }
        end = hunk.end;
    }
    left_out(flow, &difference.lines[end..]);
    Ok(())
}

fn summary(flow: &mut Flow<'_>, old: &Matter, new: &Matter, difference: &Difference<'_>) {
    flow.title("Redline");
    for (label, matter) in [("Earlier", old), ("Later", new)] {
        let running = matter.running();
        let text =
            matter.visit().and_then(|visit| visit.text()).map(|text| text.sha256.to_string()).unwrap_or_default();
        flow.row(
            label,
            &[
                (BODY, format!("{}, {}", matter.id, running.time)),
                (CODE, running.address),
                (CODE, format!("text SHA-256 {text}")),
                (CODE, running.hash),
            ],
        );
    }
    let extent = difference.extent();
    let lines = format!(
        "lines changed: {}, deleted: {}, inserted: {}, the same: {}",
        extent.changed, extent.deleted, extent.inserted, extent.same
    );
    let words = format!("words deleted: {}, inserted: {}", extent.words_deleted, extent.words_inserted);
    flow.row("Extent", &[(BODY, lines), (BODY, words)]);
    flow.rule(0.5, super::flow::PALE);
}

/// Says which unchanged lines are left out.
fn left_out(flow: &mut Flow<'_>, lines: &[Line<'_>]) {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return };
    let range = |number: fn(&Line<'_>) -> Option<usize>| {
        let [first, last] = [first, last].map(|line| number(line).unwrap_or_default());
        if first == last { format!("line {first}") } else { format!("lines {first} to {last}") }
    };
    let (earlier, later) = (range(|line| line.old), range(|line| line.new));
    flow.space(5.0);
    flow.paragraph(
        SMALL,
        &format!("\u{2014} {earlier} of the earlier text ({later} of the later) unchanged, left out \u{2014}"),
    );
    flow.space(5.0);
}

fn write_line(flow: &mut Flow<'_>, line: &Line<'_>) {
    if line.is_same() && line.pieces.iter().all(|piece| piece.text.is_empty()) {
        return flow.space(leading(PLAIN) / 2.0);
    }
    let mut glyphs: Vec<(Glyph, Change)> = Vec::new();
    for piece in &line.pieces {
        let style = if piece.change == Change::Inserted { INSERTED } else { PLAIN };
        let text = match piece.change {
            Change::Deleted => format!("[{}]", piece.text),
            Change::Same | Change::Inserted => piece.text.to_owned(),
        };
        let text = if text.is_empty() { "\u{b6}".to_owned() } else { text }; // An empty line that came or went.
        glyphs.extend(style.set(flow.faces, &text).into_iter().map(|glyph| (glyph, piece.change)));
    }
    let plain: Vec<Glyph> = glyphs.iter().map(|(glyph, _)| *glyph).collect();
    let mut numbers = Some((line.old, line.new));
    for range in break_lines(&plain, flow.sheet.text_width()) {
        flow.need(leading(PLAIN));
        let baseline = flow.y - PLAIN.size;
        let left = flow.sheet.left();
        let (old, new) = numbers.take().unwrap_or_default();
        for (number, gap) in [(old, OLD_GAP), (new, NEW_GAP)] {
            let number = NUMBER.set(flow.faces, &number.map(|number| number.to_string()).unwrap_or_default());
            if !number.is_empty() {
                flow.put(left - gap - width(&number), baseline, number);
            }
        }
        if !line.is_same() {
            let (y, height) = (flow.y - leading(PLAIN), leading(PLAIN));
            flow.mark(Mark::Fill { x: left - BAR_GAP, y, width: 2.0, height, gray: 0.0 });
        }
        flow.put(left, baseline, plain[range.clone()].to_vec());
        strike(flow, baseline, &glyphs[range]);
        flow.y -= leading(PLAIN);
    }
}

/// Draws the rules through what was deleted and under what was inserted.
fn strike(flow: &mut Flow<'_>, baseline: f32, glyphs: &[(Glyph, Change)]) {
    let mut x = flow.sheet.left();
    for run in glyphs.chunk_by(|(_, a), (_, b)| a == b) {
        let width: f32 = run.iter().map(|(glyph, _)| glyph.advance).sum();
        let rise = match run.first().map(|(_, change)| *change) {
            Some(Change::Deleted) => Some(PLAIN.size * 0.25),
            Some(Change::Inserted) => Some(-2.0),
            Some(Change::Same) | None => None,
        };
        if let Some(rise) = rise {
            flow.mark(Mark::Fill { x, y: baseline + rise, width, height: 0.75, gray: 0.0 });
        }
        x += width;
    }
}
