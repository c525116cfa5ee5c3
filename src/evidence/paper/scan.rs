//! Scans: the lines that stand in the QR symbols of a picture.
//!
//! | quantity | unit   | range                                    |
//! |----------|--------|------------------------------------------|
//! | side     | pixels | at most [`SIDE_PIXELS_MAX`]              |
//! | picture  | pixels | at most [`PIXEL_COUNT_MAX`]              |
//! | file     | bytes  | the caller's to limit                    |
//!
//! PNG and JPEG, in grey or colour, and PGM (`P5` of 255 greys, as `pdftoppm -gray` writes). A picture is looked at as it
//! is, then at half its size and half of that, which evens out noise. What is found in any of them counts. A symbol
//! that cannot be read is no error here: its part is missing, and named.
//!
//! Where the symbols are is found here (`finder.rs`, `grid.rs`): they are flat, of one known size, and several on a page,
//! which readers made for one symbol before a camera take for one another. What a symbol says, with its errors
//! corrected, is `rqrr`'s to tell.

use std::io::Cursor;

use png::{ColorType, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::finder;
use super::grid::{self, Corners, Modules};
use super::picture::{Picture, Shades};

/// The longest side: A3 at 1200 dpi.
pub const SIDE_PIXELS_MAX: usize = 20_000;

/// The most pixels: A4 at 600 dpi is 35 million.
pub const PIXEL_COUNT_MAX: usize = 40_000_000;

/// How often a picture is halved.
const HALVINGS: usize = 2;

/// The smallest picture that is halved: below it modules are smaller than a pixel.
const HALVED_PIXELS_MIN: usize = 1_000_000;

/// Reads the symbols of a picture: each line once, in no order.
///
/// # Errors
/// A [`ScanError`] when the file is no picture that can be read.
pub fn scan(file: &[u8]) -> Result<Vec<String>, ScanError> {
    let mut picture = if file.starts_with(b"\x89PNG") {
        read_png(file)?
    } else if file.starts_with(b"\xff\xd8") {
        read_jpeg(file)?
    } else if file.starts_with(b"P5") {
        read_pgm(file)?
    } else {
        return Err(ScanError::Format);
    };
    let mut found = lines(&picture);
    for _ in 0..HALVINGS {
        if picture.grey.len() < HALVED_PIXELS_MIN {
            break;
        }
        picture = picture.halved();
        found.extend(lines(&picture));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Reads the symbols that can be found in a picture.
fn lines(picture: &Picture) -> Vec<String> {
    let shades = picture.shades();
    let corners = grid::corners(&finder::find(&shades));
    corners.iter().filter_map(|corners| read_symbol(corners, &shades)).collect()
}

/// Reads a symbol as its three finders lead, or else as its fourth corner bends it.
fn read_symbol(corners: &Corners, shades: &Shades) -> Option<String> {
    let decode = |modules: Modules| Some(rqrr::Grid::new(modules).decode().ok()?.1);
    decode(corners.read(shades)).or_else(|| decode(corners.bent(shades).read(shades)))
}

fn check_size(width: usize, height: usize) -> Result<(), ScanError> {
    let sides = 1..=SIDE_PIXELS_MAX;
    let is_small = sides.contains(&width) && sides.contains(&height) && width * height <= PIXEL_COUNT_MAX;
    if is_small { Ok(()) } else { Err(ScanError::TooLarge { width, height }) }
}

fn read_png(file: &[u8]) -> Result<Picture, ScanError> {
    let failed = |error: png::DecodingError| ScanError::Png { reason: error.to_string() };
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let dimensions = decoder.read_header_info().map_err(failed)?;
    let side = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
    let (width, height) = (side(dimensions.width), side(dimensions.height));
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(failed)?;
    let length = reader.output_buffer_size().ok_or(ScanError::TooLarge { width, height })?;
    let mut bytes = vec![0; length];
    let frame = reader.next_frame(&mut bytes).map_err(failed)?;
    let grey: Vec<u8> = match frame.color_type {
        ColorType::Grayscale => bytes,
        ColorType::GrayscaleAlpha => bytes.chunks_exact(2).map(|pixel| over_white(pixel[0], pixel[1])).collect(),
        ColorType::Rgb => bytes.chunks_exact(3).map(luma).collect(),
        ColorType::Rgba => bytes.chunks_exact(4).map(|pixel| over_white(luma(pixel), pixel[3])).collect(),
        ColorType::Indexed => return Err(ScanError::Png { reason: "a palette that was not expanded".to_owned() }),
    };
    Ok(Picture { width, height, grey })
}

/// Weighs colours as ITU-R BT.601 does.
fn luma(pixel: &[u8]) -> u8 {
    let sum = 299 * u32::from(pixel[0]) + 587 * u32::from(pixel[1]) + 114 * u32::from(pixel[2]);
    u8::try_from(sum / 1000).expect("the weights add up to 1000")
}

/// Lays a pixel on white paper.
fn over_white(grey: u8, alpha: u8) -> u8 {
    let (grey, alpha) = (u32::from(grey), u32::from(alpha));
    u8::try_from((grey * alpha + 255 * (255 - alpha)) / 255).expect("a mean of bytes is a byte")
}

fn read_jpeg(file: &[u8]) -> Result<Picture, ScanError> {
    let failed = |error: &dyn std::fmt::Display| ScanError::Jpeg { reason: error.to_string() };
    let options = DecoderOptions::default()
        .set_max_width(SIDE_PIXELS_MAX)
        .set_max_height(SIDE_PIXELS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(|error| failed(&error))?;
    let info = decoder.info().ok_or_else(|| failed(&"no size"))?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    check_size(width, height)?;
    let grey = decoder.decode().map_err(|error| failed(&error))?;
    if grey.len() != width * height {
        return Err(failed(&"colours that are not understood"));
    }
    Ok(Picture { width, height, grey })
}

/// Reads `P5`, width, height and 255, parted by white space, and behind one more of it a byte for each pixel.
fn read_pgm(file: &[u8]) -> Result<Picture, ScanError> {
    let mut numbers = Vec::new();
    let mut rest = file.get(2..).unwrap_or_default();
    while numbers.len() < 3 {
        rest = rest.trim_ascii_start();
        let length = rest.iter().position(|byte| !byte.is_ascii_digit()).ok_or(ScanError::Pgm)?;
        let digits = std::str::from_utf8(&rest[..length]).map_err(|_| ScanError::Pgm)?;
        numbers.push(digits.parse::<usize>().map_err(|_| ScanError::Pgm)?);
        rest = &rest[length..];
    }
    let (Some(grey), &[width, height, 255]) = (rest.get(1..), numbers.as_slice()) else { return Err(ScanError::Pgm) };
    check_size(width, height)?;
    if grey.len() != width * height {
        return Err(ScanError::Pgm);
    }
    Ok(Picture { width, height, grey: grey.to_vec() })
}

/// Why a file is no picture that can be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ScanError {
    #[error("neither PNG nor JPEG nor PGM")]
    Format,
    #[error("JPEG: {reason}")]
    Jpeg { reason: String },
    #[error("PGM: not one picture of 255 greys")]
    Pgm,
    #[error("PNG: {reason}")]
    Png { reason: String },
    #[error("{width} by {height} pixels, none, more than {PIXEL_COUNT_MAX}, or a side of more than {SIDE_PIXELS_MAX}")]
    TooLarge { width: usize, height: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pgm(width: usize, height: usize, grey: &[u8]) -> Vec<u8> {
        [format!("P5\n{width} {height}\n255\n").as_bytes(), grey].concat()
    }

    #[test]
    fn reads_a_symbol_that_it_drew() {
        let line = "AFFIANT/1/01/01/0123456789ABCDEF/00000000/AAAAAAAA";
        let symbol = super::super::Symbol::of(1, line);
        let side = (symbol.rows().len() + 8) * 3;
        let mut grey = vec![255; side * side];
        for (y, row) in symbol.rows().iter().enumerate() {
            for (x, _) in row.iter().enumerate().filter(|(_, is_dark)| **is_dark) {
                (0..9).for_each(|n| grey[((y + 4) * 3 + n / 3) * side + (x + 4) * 3 + n % 3] = 0);
            }
        }
        assert_eq!(scan(&pgm(side, side, &grey)), Ok(vec![line.to_owned()]));
    }

    #[test]
    fn refuses_what_is_no_picture() {
        let cases: [(Vec<u8>, ScanError); 6] = [
            (b"GIF89a".to_vec(), ScanError::Format),
            (b"P5 2 2 255".to_vec(), ScanError::Pgm),
            (pgm(2, 2, &[0; 3]), ScanError::Pgm),
            (pgm(0, 2, &[]), ScanError::TooLarge { width: 0, height: 2 }),
            (pgm(20_001, 1, &[]), ScanError::TooLarge { width: 20_001, height: 1 }),
            (pgm(10_000, 10_000, &[]), ScanError::TooLarge { width: 10_000, height: 10_000 }),
        ];
        for (file, error) in cases {
            assert_eq!(scan(&file), Err(error));
        }
        assert!(matches!(scan(b"\x89PNG\r\n\x1a\n"), Err(ScanError::Png { .. })));
        assert!(matches!(scan(b"\xff\xd8\xff"), Err(ScanError::Jpeg { .. })));
    }
}
