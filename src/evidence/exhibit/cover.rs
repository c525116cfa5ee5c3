//! The cover: the caption of the case, the exhibit's letter, what it is, and what is in it.

use std::rc::Rc;

use super::caption::{Caption, Side};
use super::face::{Face, Faces};
use super::flow::{BODY, CODE, Flow, SMALL, leading};
use super::sheet::{Mark, Page, Running, Sheet};
use super::text::{Style, break_lines, shorten, width};

/// A line of the contents.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) title: String,
    /// As `A-3`, with the volume where there are several.
    pub(super) place: String,
}

/// What a cover says.
pub(super) struct Cover<'c> {
    pub(super) caption: &'c Caption,
    pub(super) letter: &'c str,
    /// What the exhibit is called.
    pub(super) title: &'c str,
    /// Lines below it.
    pub(super) about: &'c [String],
    /// As `Volume 2 of 3`, where there are several.
    pub(super) volume: Option<String>,
    pub(super) contents: &'c [Line],
    /// The lines at the foot of the cover.
    pub(super) made_from: &'c [String],
}

const COURT: Style = Style::new(Face::SerifBold, 13.0);
const PARTY: Style = Style::new(Face::Serif, 11.5);
const LETTER: Style = Style::new(Face::SansBold, 34.0);
const NAME: Style = Style::new(Face::SerifBold, 15.0);

/// What stands where a hand is to write.
const BLANK: &str = "______________________________";

/// How many lines of contents a cover has room for.
const CONTENT_COUNT_MAX: usize = 14;

/// How many parties of a side are named; a caption that is longer says how many more.
const PARTY_COUNT_MAX: usize = 5;

/// Writes the cover: one page.
pub(super) fn write(faces: &Faces, sheet: Sheet, running: Rc<Running>, cover: &Cover<'_>) -> Page {
    let mut flow = Flow::new(faces, sheet, running);
    court(&mut flow, cover.caption);
    flow.space(14.0);
    case(&mut flow, cover.caption);
    flow.space(34.0);
    flow.centre(LETTER, &format!("EXHIBIT {}", cover.letter));
    if let Some(volume) = &cover.volume {
        flow.centre(Style::new(Face::SansBold, 13.0), volume);
    }
    flow.space(14.0);
    flow.centre(NAME, cover.title);
    flow.space(4.0);
    for line in cover.about {
        let glyphs = shorten(faces, BODY, line, sheet.text_width());
        let x = sheet.left() + (sheet.text_width() - width(&glyphs)) / 2.0;
        flow.put(x, flow.y - BODY.size, glyphs);
        flow.y -= leading(BODY);
    }
    flow.space(22.0);
    contents(&mut flow, cover.contents);
    foot(&mut flow, cover.made_from);
    let mut pages = flow.pages();
    pages.truncate(1); // A caption within its limits leaves room; what a longer one pushes off is blank.
    pages.pop().expect("there is a page from the beginning")
}

fn court(flow: &mut Flow<'_>, caption: &Caption) {
    if caption.court.is_empty() {
        flow.centre(COURT, BLANK);
        flow.centre(COURT, BLANK);
    }
    for line in caption.court.iter().take(4) {
        flow.centre(COURT, &line.to_uppercase());
    }
}

/// The two columns of a caption: the sides at the left, the number of the case at the right, a rule between.
fn case(flow: &mut Flow<'_>, caption: &Caption) {
    let (left, right) = (flow.sheet.left(), flow.sheet.right());
    let middle = left + flow.sheet.text_width() / 2.0;
    let top = flow.y;
    flow.rule(0.75, 0.0);
    flow.space(8.0);
    let column = middle - left - 24.0;
    let [first, second] = &caption.sides;
    side(flow, first, "Plaintiff", column);
    flow.space(4.0);
    flow.put_text(left + 24.0, flow.y - PARTY.size, PARTY, "v.");
    flow.y -= leading(PARTY) + 4.0;
    side(flow, second, "Defendant", column);
    flow.space(8.0);
    let bottom = flow.y;
    flow.mark(Mark::Fill { x: left, y: bottom, width: middle - left, height: 0.75, gray: 0.0 });
    flow.mark(Mark::Fill { x: middle, y: bottom, width: 0.75, height: top - bottom, gray: 0.0 });

    let lines = [
        ("Case No.", caption.case_number.as_deref()),
        ("Judge", caption.judge.as_deref()),
        ("Offered by", caption.offered_by.as_deref()),
        ("Date offered", None),
        ("Received", None),
    ];
    let mut y = top - 22.0;
    for (label, value) in lines {
        let glyphs = PARTY.set(flow.faces, &format!("{label}: "));
        let x = middle + 18.0 + width(&glyphs);
        flow.put(middle + 18.0, y, glyphs);
        let value = value.unwrap_or("__________________");
        let value = shorten(flow.faces, PARTY, value, right - x);
        flow.put(x, y, value);
        y -= 20.0;
    }
    flow.y = bottom.min(y + 12.0);
}

fn side(flow: &mut Flow<'_>, side: &Side, role: &str, column: f32) {
    let left = flow.sheet.left();
    if side.names.is_empty() {
        flow.put_text(left, flow.y - PARTY.size, PARTY, "________________________,");
        flow.y -= leading(PARTY);
    }
    for name in side.names.iter().take(PARTY_COUNT_MAX) {
        let glyphs = PARTY.set(flow.faces, &format!("{name},"));
        for range in break_lines(&glyphs, column) {
            flow.put(left, flow.y - PARTY.size, glyphs[range].to_vec());
            flow.y -= leading(PARTY);
        }
    }
    let more = side.names.len().saturating_sub(PARTY_COUNT_MAX);
    if more > 0 {
        flow.put_text(left, flow.y - PARTY.size, PARTY, &format!("and {more} more,"));
        flow.y -= leading(PARTY);
    }
    let role = side.role.as_deref().unwrap_or(role);
    let plural = if side.names.len() > 1 { "s" } else { "" };
    flow.put_text(left + 60.0, flow.y - PARTY.size, PARTY, &format!("{role}{plural}."));
    flow.y -= leading(PARTY);
}

fn contents(flow: &mut Flow<'_>, lines: &[Line]) {
    flow.rule(0.5, 0.0);
    flow.space(6.0);
    let right = flow.sheet.right();
    for line in lines.iter().take(CONTENT_COUNT_MAX) {
        let place = BODY.set(flow.faces, &line.place);
        let (place_width, baseline) = (width(&place), flow.y - BODY.size);
        let title = shorten(flow.faces, BODY, &line.title, flow.sheet.text_width() - place_width - 24.0);
        flow.put(flow.sheet.left(), baseline, title);
        flow.put(right - place_width, baseline, place);
        flow.y -= leading(BODY) + 1.0;
    }
    let more = lines.len().saturating_sub(CONTENT_COUNT_MAX);
    if more > 0 {
        flow.paragraph(SMALL, &format!("and {more} more parts, which the bookmarks of this file name"));
    }
    flow.space(4.0);
    flow.rule(0.5, 0.0);
}

/// What stands right above the foot of the page, however long the contents are.
fn foot(flow: &mut Flow<'_>, lines: &[String]) {
    let mut height = 0.0;
    for _ in lines {
        height += leading(CODE);
    }
    flow.y = flow.sheet.bottom() + height + 2.0;
    for line in lines {
        let glyphs = shorten(flow.faces, CODE, line, flow.sheet.text_width());
        flow.put(flow.sheet.left(), flow.y - CODE.size, glyphs);
        flow.y -= leading(CODE);
    }
}
