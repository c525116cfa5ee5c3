//! Pictures in grey, and which of their pixels are dark.
//!
//! | quantity | unit               | range                                      |
//! |----------|--------------------|--------------------------------------------|
//! | grey     | 0 black, 255 white |                                            |
//! | place    | 64ths of a pixel   | within the picture; pixel 0 has its middle at 32 |
//!
//! Whole numbers only: the same picture reads the same on every machine.

/// A picture in grey.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) grey: Vec<u8>,
}

/// A picture of what is darker than its surroundings.
pub(super) struct Shades {
    width: usize,
    height: usize,
    dark: Vec<bool>,
}

/// A place in a picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) x: i64,
    pub(super) y: i64,
}

/// How many parts of a pixel a place tells apart.
pub(super) const PIXEL: i64 = 64;

/// How far around a pixel its surroundings reach, as a part of the picture's width.
const SURROUNDINGS: usize = 32;

/// How much darker than the mean of its surroundings a pixel must be, in hundredths.
const DARKER: u64 = 92;

impl Picture {
    /// Returns the picture at half its size, each pixel the mean of four.
    pub(super) fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let row = |y: usize| &self.grey[y * self.width..(y + 1) * self.width];
        let mut grey = Vec::with_capacity(width * height);
        for y in 0..height {
            let (upper, lower) = (row(2 * y), row(2 * y + 1));
            let means = upper.chunks_exact(2).zip(lower.chunks_exact(2)).map(|(a, b)| mean([a[0], a[1], b[0], b[1]]));
            grey.extend(means);
        }
        Self { width, height, grey }
    }

    /// Tells dark from light by what is around each pixel, so that a shadow over half of a page does no harm.
    pub(super) fn shades(&self) -> Shades {
        let reach = (self.width / SURROUNDINGS).max(4);
        let sums = self.sums();
        let stride = self.width + 1;
        let mut dark = Vec::with_capacity(self.grey.len());
        for y in 0..self.height {
            let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(self.height));
            for x in 0..self.width {
                let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(self.width));
                let sum = sums[bottom * stride + right] + sums[top * stride + left]
                    - sums[top * stride + right]
                    - sums[bottom * stride + left];
                let count = u64::try_from((bottom - top) * (right - left)).unwrap_or(1);
                dark.push(u64::from(self.grey[y * self.width + x]) * count * 100 < sum * DARKER);
            }
        }
        Shades { width: self.width, height: self.height, dark }
    }

    /// Returns, for each corner between pixels, the sum of all pixels above and left of it.
    fn sums(&self) -> Vec<u64> {
        let stride = self.width + 1;
        let mut sums = vec![0_u64; stride * (self.height + 1)];
        for y in 0..self.height {
            let mut row = 0;
            for x in 0..self.width {
                row += u64::from(self.grey[y * self.width + x]);
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
            }
        }
        sums
    }
}

impl Shades {
    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Says whether a pixel is dark; outside the picture all is light.
    pub(super) fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.width && y < self.height && self.dark[y * self.width + x]
    }

    /// Says whether most of the pixels around a place are dark.
    pub(super) fn is_dark_around(&self, place: Place, reach: i64) -> bool {
        let (mut dark, mut all) = (0, 0);
        let pixels = |at: i64| (at - reach).div_euclid(PIXEL)..=(at + reach).div_euclid(PIXEL);
        for y in pixels(place.y) {
            for x in pixels(place.x) {
                let is_dark =
                    usize::try_from(x).ok().zip(usize::try_from(y).ok()).is_some_and(|(x, y)| self.is_dark(x, y));
                dark += usize::from(is_dark);
                all += 1;
            }
        }
        2 * dark > all
    }
}

fn mean(pixels: [u8; 4]) -> u8 {
    let sum: u16 = pixels.iter().map(|pixel| u16::from(*pixel)).sum();
    u8::try_from(sum / 4).expect("the mean of bytes is a byte")
}
