//! The frame: what stands at the head and the foot of every page.
//!
//! At the head the address and the time; at the foot the citation id, the record's hash, the exhibit, the page and its
//! Bates number: so that a page that is taken out still says what it is of.

use super::face::{Face, Faces};
use super::flow::{BLACK, SMALL};
use super::sheet::{Mark, Page, Sheet};
use super::text::{Style, shorten, width};

/// The numbers of one page.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    /// As `Exhibit A`.
    pub(super) exhibit: String,
    /// As `Page A-3 of 12`.
    pub(super) page: String,
    /// As `ABC000003`, where there are such numbers.
    pub(super) bates: Option<String>,
}

const HASH: Style = Style::new(Face::Mono, 6.75);
const NAME: Style = Style::new(Face::SansBold, 8.0);

/// From the edges of the sheet.
const HEAD_BASELINE: f32 = 48.0;
const HEAD_RULE: f32 = 54.0;
const FOOT_RULE: f32 = 66.0;
const FOOT_FIRST: f32 = 54.0;
const FOOT_SECOND: f32 = 40.0;

/// Puts head and foot on a page.
pub(super) fn put(faces: &Faces, sheet: Sheet, page: &mut Page, numbers: &Numbers) {
    let running = page.running.clone();
    let (left, right, top) = (sheet.left(), sheet.right(), sheet.height());
    let mut text = |x: f32, y: f32, glyphs| page.marks.push(Mark::Text { x, y, glyphs, gray: BLACK });

    let time = SMALL.set(faces, &running.time);
    let time_width = width(&time);
    let address = shorten(faces, SMALL, &running.address, sheet.text_width() - time_width - 18.0);
    text(left, top - HEAD_BASELINE, address);
    text(right - time_width, top - HEAD_BASELINE, time);

    let id = NAME.set(faces, &running.id);
    let after_id = left + width(&id) + 8.0;
    let hash = HASH.set(faces, &running.hash);
    text(left, FOOT_FIRST, id);
    text(after_id, FOOT_FIRST, hash);

    let middle = SMALL.set(faces, &numbers.page);
    text(left, FOOT_SECOND, NAME.set(faces, &numbers.exhibit));
    text(left + (sheet.text_width() - width(&middle)) / 2.0, FOOT_SECOND, middle);
    if let Some(bates) = &numbers.bates {
        let bates = NAME.set(faces, bates);
        text(right - width(&bates), FOOT_SECOND, bates);
    }
    for y in [top - HEAD_RULE, FOOT_RULE] {
        page.marks.push(Mark::Fill { x: left, y, width: sheet.text_width(), height: 0.5, gray: BLACK });
    }
}
