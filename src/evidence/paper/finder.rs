//! Finders: the three squares by which a QR symbol is found (ISO/IEC 18004 §5.3.3), wherever and however turned.
//!
//! | quantity | unit             | range                              |
//! |----------|------------------|------------------------------------|
//! | module   | 64ths of a pixel | at least [`MODULE_MIN`]            |
//! | finders  | count            | at most [`FINDER_COUNT_MAX`] are looked at |
//!
//! A line through the middle of a finder, in any direction, is dark, light, dark, light and dark for 1, 1, 3, 1 and 1
//! modules. Each row is searched for it; what is found is looked at again down its column and along its row, and
//! what is found in several rows at one place is one finder.

use super::picture::{PIXEL, Place, Shades};

/// The middle of a finder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Finder {
    pub(super) place: Place,
    /// How large a module is here.
    pub(super) module: i64,
    /// In how many rows it was found.
    rows: i64,
}

/// The smallest module that is read: a pixel and a half.
const MODULE_MIN: i64 = PIXEL * 3 / 2;

/// The most finders that are put together, those that were found in most rows first: a page has eighteen.
pub(super) const FINDER_COUNT_MAX: usize = 120;

/// In how many rows a finder must be found.
const ROWS_MIN: i64 = 2;

/// The most places that are remembered while rows are searched: noise must not make the search long.
const PLACE_COUNT_MAX: usize = 4096;

/// Finds the finders of a picture.
pub(super) fn find(shades: &Shades) -> Vec<Finder> {
    let mut found: Vec<Finder> = Vec::new();
    for y in 0..shades.height() {
        search_row(shades, y, &mut found);
    }
    found.retain(|finder| finder.rows >= ROWS_MIN);
    found.sort_by_key(|finder| -finder.rows);
    found.truncate(FINDER_COUNT_MAX);
    found
}

fn search_row(shades: &Shades, y: usize, found: &mut Vec<Finder>) {
    let mut runs = [0_usize; 5];
    let mut is_dark = false;
    // One pixel more, which is light, ends the last run.
    for x in 0..=shades.width() {
        if shades.is_dark(x, y) == is_dark {
            runs[4] += 1;
            continue;
        }
        if is_dark && is_finder(&runs) {
            let middle = x - runs[4] - runs[3] - runs[2].div_ceil(2);
            if let Some(finder) = look_again(shades, middle, y) {
                note(finder, found);
            }
        }
        runs.rotate_left(1);
        runs[4] = 1;
        is_dark = !is_dark;
    }
}

/// Says whether five runs are as those through a finder, within two thirds of a module each, and the inner one within nine
/// tenths.
fn is_finder(runs: &[usize; 5]) -> bool {
    let total: usize = runs.iter().sum();
    if total < 7 || runs.contains(&0) {
        return false;
    }
    // Seven times as long, so that a module is `total`.
    let fits =
        |run: usize, modules: usize| (7 * run).abs_diff(modules * total) * 20 <= total * (13 + 5 * (modules / 3));
    fits(runs[0], 1) && fits(runs[1], 1) && fits(runs[2], 3) && fits(runs[3], 1) && fits(runs[4], 1)
}

/// Looks at a place that may be a finder's middle down its column, and then along the row that is found so.
fn look_again(shades: &Shades, x: usize, y: usize) -> Option<Finder> {
    let (y, _) = through(|at| shades.is_dark(x, at), y, shades.height())?;
    let (x, across) = through(|at| shades.is_dark(at, pixel(y)), x, shades.width())?;
    let (y, down) = through(|at| shades.is_dark(pixel(x), at), pixel(y), shades.height())?;
    let is_square = (across - down).abs() * 3 <= across.max(down);
    let module = (across + down) / 14;
    (is_square && module >= MODULE_MIN).then_some(Finder { place: Place { x, y }, module, rows: 1 })
}

fn pixel(place: i64) -> usize {
    usize::try_from(place / PIXEL).unwrap_or_default()
}

/// Measures the finder that a line crosses at `start`: its middle and its length, in parts of a pixel.
fn through(is_dark: impl Fn(usize) -> bool, start: usize, size: usize) -> Option<(i64, i64)> {
    if !is_dark(start) {
        return None;
    }
    let mut runs = [0; 5];
    let (mut first, mut last) = (start, start);
    for (n, dark) in [(2, true), (1, false), (0, true)] {
        while first > 0 && is_dark(first - 1) == dark {
            first -= 1;
            runs[n] += 1;
        }
    }
    for (n, dark) in [(2, true), (3, false), (4, true)] {
        while last + 1 < size && is_dark(last + 1) == dark {
            last += 1;
            runs[n] += 1;
        }
    }
    runs[2] += 1;
    if !is_finder(&runs) {
        return None;
    }
    // The middle of the square inside tells the place best: ink runs alike at both of its sides.
    let inside = first + runs[0] + runs[1];
    let whole = |pixels: usize| i64::try_from(pixels).unwrap_or_default() * PIXEL;
    Some((whole(inside) + whole(runs[2]) / 2, whole(last + 1 - first)))
}

/// Adds what was found to the finder that it is of.
fn note(finder: Finder, found: &mut Vec<Finder>) {
    let is_same = |other: &Finder| {
        let (dx, dy) = (other.place.x - finder.place.x, other.place.y - finder.place.y);
        dx.abs().max(dy.abs()) < 2 * finder.module
    };
    match found.iter().position(is_same) {
        Some(at) => {
            let other = &mut found[at];
            let mean = |old: i64, new: i64| (old * other.rows + new) / (other.rows + 1);
            let place = Place { x: mean(other.place.x, finder.place.x), y: mean(other.place.y, finder.place.y) };
            *other = Finder { place, module: mean(other.module, finder.module), rows: other.rows + 1 };
        }
        None if found.len() < PLACE_COUNT_MAX => found.push(finder),
        None => {}
    }
}
