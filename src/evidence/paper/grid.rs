//! Grids: the modules of a symbol, read from a picture once its finders are known.
//!
//! | quantity | unit    | range                                             |
//! |----------|---------|---------------------------------------------------|
//! | side     | modules | [`SIDE`]: every symbol is of version 25           |
//! | step     | modules | 110, from one finder's middle to the next         |
//!
//! Three finders that stand at a right angle, as far from one another as they must, are a symbol's. A flat scan is read by
//! them alone. Where paper or lens bent the picture, the alignment pattern in the fourth corner (§5.3.6) is looked for, and
//! the modules between are taken as the four corners lead.

use super::finder::Finder;
use super::picture::{Place, Shades};

/// The side of a symbol.
pub(super) const SIDE: usize = 117;

/// From the middle of one finder to the middle of the next.
const STEP: i64 = 110;

/// The middle of a finder, and of the fourth corner's alignment pattern, in half modules.
const FINDER_AT: i64 = 7;
const ALIGNMENT_AT: i64 = 221;

/// The most sets of corners that are read: a page has six.
const CORNERS_COUNT_MAX: usize = 200;

/// How far the fourth corner is looked for, in modules.
const STRAY: i64 = 8;

/// Where the corners of a symbol are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corners {
    origin: Place,
    /// From the first finder to the one at its right, and to the one below.
    right: Place,
    down: Place,
    /// How far the fourth corner is from where the other three have it.
    bend: Place,
    module: i64,
}

/// The modules of a symbol.
pub(super) struct Modules(Vec<bool>);

impl rqrr::BitGrid for Modules {
    fn size(&self) -> usize {
        SIDE
    }

    fn bit(&self, y: usize, x: usize) -> bool {
        self.0.get(y * SIDE + x).copied().unwrap_or_default()
    }
}

/// Puts finders together: every three that can be those of a symbol.
pub(super) fn corners(finders: &[Finder]) -> Vec<Corners> {
    let mut corners = Vec::new();
    for origin in finders {
        let arms: Vec<(Place, &Finder)> = finders
            .iter()
            .map(|other| (minus(other.place, origin.place), other))
            .filter(|(arm, other)| is_arm(*arm, origin.module.midpoint(other.module)))
            .collect();
        let pairs = arms.iter().flat_map(|right| arms.iter().map(move |down| (right, down)));
        let fitting = pairs.filter(|((right, _), (down, _))| is_right_angle(*right, *down));
        corners.extend(fitting.map(|((right, a), (down, b))| Corners {
            origin: origin.place,
            right: *right,
            down: *down,
            bend: Place { x: 0, y: 0 },
            module: (origin.module + a.module + b.module) / 3,
        }));
    }
    corners.truncate(CORNERS_COUNT_MAX);
    corners
}

/// Says whether two finders are as far from one another as in a symbol, within an eighth.
fn is_arm(arm: Place, module: i64) -> bool {
    let (length, expected) = (dot(arm, arm), (STEP * module) * (STEP * module));
    length * 64 >= expected * 49 && length * 64 <= expected * 81
}

/// Says whether one arm leads to the right of the other, at a right angle within six degrees, and both are of a length.
fn is_right_angle(right: Place, down: Place) -> bool {
    let (a, b) = (dot(right, right), dot(down, down));
    let cross = right.x * down.y - right.y * down.x;
    cross > 0 && dot(right, down).abs() * 10 <= a.min(b) && (a - b).abs() * 6 <= a.max(b)
}

impl Corners {
    /// Returns the middle of a module, whose place is given in half modules.
    fn place(&self, x: i64, y: i64) -> Place {
        let (x, y) = (x - FINDER_AT, y - FINDER_AT);
        let (whole, square) = (2 * STEP, 4 * STEP * STEP);
        let at = |origin: i64, right: i64, down: i64, bend: i64| {
            origin + (right * x + down * y) / whole + bend * x * y / square
        };
        Place {
            x: at(self.origin.x, self.right.x, self.down.x, self.bend.x),
            y: at(self.origin.y, self.right.y, self.down.y, self.bend.y),
        }
    }

    /// Reads the modules.
    pub(super) fn read(&self, shades: &Shades) -> Modules {
        let reach = self.module / 4;
        let side = i64::try_from(SIDE).unwrap_or_default();
        let places = (0..side).flat_map(|y| (0..side).map(move |x| (2 * x + 1, 2 * y + 1)));
        Modules(places.map(|(x, y)| shades.is_dark_around(self.place(x, y), reach)).collect())
    }

    /// Looks for the fourth corner, and returns the corners bent to it.
    pub(super) fn bent(&self, shades: &Shades) -> Self {
        let middle = self.place(ALIGNMENT_AT, ALIGNMENT_AT);
        let strays = || (-4 * STRAY..=4 * STRAY).map(|step| step * self.module / 4);
        let candidates = strays().flat_map(|dy| strays().map(move |dx| Place { x: dx, y: dy }));
        let best = candidates.max_by_key(|stray| {
            let likeness = self.likeness(shades, Place { x: middle.x + stray.x, y: middle.y + stray.y });
            (likeness, -(stray.x.abs() + stray.y.abs()))
        });
        let stray = best.unwrap_or(Place { x: 0, y: 0 });
        // The pattern's middle is not the corner of the square between the finders: its place in it is 107 of 110.
        let (step, at) = (4 * STEP * STEP, (ALIGNMENT_AT - FINDER_AT) * (ALIGNMENT_AT - FINDER_AT));
        Self { bend: Place { x: stray.x * step / at, y: stray.y * step / at }, ..*self }
    }

    /// Counts the modules around a place that are as an alignment pattern has them.
    fn likeness(&self, shades: &Shades, middle: Place) -> usize {
        let reach = self.module / 4;
        let mut likeness = 0;
        for y in -2..=2_i64 {
            for x in -2..=2_i64 {
                let is_dark = y.abs().max(x.abs()) != 1;
                let at = |right: i64, down: i64| (right * x + down * y) / STEP;
                let place =
                    Place { x: middle.x + at(self.right.x, self.down.x), y: middle.y + at(self.right.y, self.down.y) };
                likeness += usize::from(shades.is_dark_around(place, reach) == is_dark);
            }
        }
        likeness
    }
}

fn minus(a: Place, b: Place) -> Place {
    Place { x: a.x - b.x, y: a.y - b.y }
}

fn dot(a: Place, b: Place) -> i64 {
    a.x * b.x + a.y * b.y
}
