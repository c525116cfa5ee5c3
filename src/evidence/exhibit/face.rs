//! Faces: the shipped fonts, and which of them draws a character.
//!
//! | quantity | unit                  | range                         |
//! |----------|-----------------------|-------------------------------|
//! | advance  | of the font's size    | as the font's `hmtx` says     |
//!
//! A character is drawn in the face that is asked for, or else in the widest one. What neither has, what has no shape
//! (controls, marks of direction, spaces of no width) and what cannot be set one character after another (scripts that
//! run from the right or join their letters) is not drawn: it stands on the page as its code, as `[U+65E5]`, and the
//! text layer holds the character itself ([`super::text`]). Nothing is ever left out.

use ttf_parser::GlyphId;

/// A shipped font.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Face {
    Sans,
    SansBold,
    Serif,
    SerifBold,
    Mono,
    /// Draws what the others do not have.
    Wide,
}

impl Face {
    pub(super) const ALL: [Self; 6] =
        [Self::Sans, Self::SansBold, Self::Serif, Self::SerifBold, Self::Mono, Self::Wide];

    /// Returns the font's PostScript name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sans => "LiberationSans",
            Self::SansBold => "LiberationSans-Bold",
            Self::Serif => "LiberationSerif",
            Self::SerifBold => "LiberationSerif-Bold",
            Self::Mono => "LiberationMono",
            Self::Wide => "DejaVuSans",
        }
    }

    /// Returns the font's file.
    pub(super) fn file(self) -> &'static [u8] {
        match self {
            Self::Sans => include_bytes!("fonts/LiberationSans-Regular.ttf"),
            Self::SansBold => include_bytes!("fonts/LiberationSans-Bold.ttf"),
            Self::Serif => include_bytes!("fonts/LiberationSerif-Regular.ttf"),
            Self::SerifBold => include_bytes!("fonts/LiberationSerif-Bold.ttf"),
            Self::Mono => include_bytes!("fonts/LiberationMono-Regular.ttf"),
            Self::Wide => include_bytes!("fonts/DejaVuSans.ttf"),
        }
    }
}

/// The shipped fonts, read.
pub(super) struct Faces {
    read: Vec<ttf_parser::Face<'static>>,
}

impl Faces {
    /// Reads the shipped fonts.
    pub(super) fn shipped() -> Self {
        let read = |face: Face| ttf_parser::Face::parse(face.file(), 0).expect("the shipped fonts are fonts");
        Self { read: Face::ALL.map(read).into() }
    }

    /// Returns the font of a face.
    pub(super) fn font(&self, face: Face) -> &ttf_parser::Face<'static> {
        let at = Face::ALL.iter().position(|other| *other == face).expect("`ALL` has every face");
        &self.read[at]
    }

    /// Returns the face that draws a character where `wanted` is asked for; none where its code is to stand.
    pub(super) fn drawing(&self, wanted: Face, c: char) -> Option<Face> {
        if !is_set_alone(c) {
            return None;
        }
        [wanted, Face::Wide].into_iter().find(|face| self.glyph(*face, c).is_some())
    }

    /// Returns a character's glyph in a face.
    pub(super) fn glyph(&self, face: Face, c: char) -> Option<GlyphId> {
        self.font(face).glyph_index(c).filter(|glyph| glyph.0 != 0)
    }

    /// Returns how far a glyph leads, as a part of the font's size.
    pub(super) fn advance(&self, face: Face, c: char) -> f32 {
        let font = self.font(face);
        let units = self.glyph(face, c).and_then(|glyph| font.glyph_hor_advance(glyph)).unwrap_or_default();
        f32::from(units) / f32::from(font.units_per_em())
    }
}

/// Says whether a character has a shape of its own, and is set after the one before it, to the right.
fn is_set_alone(c: char) -> bool {
    const RIGHT_TO_LEFT_OR_JOINED: [(char, char); 11] = [
        ('\u{0590}', '\u{08ff}'),   // Hebrew, Arabic, Syriac, Thaana, N'Ko and their like
        ('\u{0900}', '\u{0dff}'),   // the scripts of India, which reorder
        ('\u{0e00}', '\u{0eff}'),   // Thai and Lao: marks are placed
        ('\u{0f00}', '\u{109f}'),   // Tibetan, Myanmar
        ('\u{1780}', '\u{18af}'),   // Khmer, Mongolian
        ('\u{1900}', '\u{1aff}'),   // Limbu to Tai Tham
        ('\u{1b00}', '\u{1c4f}'),   // Balinese to Lepcha
        ('\u{a800}', '\u{abff}'),   // Syloti Nagri to Meetei Mayek
        ('\u{fb1d}', '\u{fdff}'),   // presentation forms of Hebrew and Arabic
        ('\u{fe00}', '\u{fe0f}'),   // variation selectors
        ('\u{10800}', '\u{10fff}'), // old scripts from the right
    ];
    const UNSEEN: [(char, char); 8] = [
        ('\u{0000}', '\u{001f}'),
        ('\u{007f}', '\u{009f}'),
        ('\u{00ad}', '\u{00ad}'), // a soft hyphen
        ('\u{034f}', '\u{034f}'),
        ('\u{2028}', '\u{202e}'), // separators, and marks of direction
        ('\u{2060}', '\u{206f}'),
        ('\u{fe70}', '\u{feff}'), // Arabic forms, and the mark of byte order
        ('\u{fff0}', '\u{fffb}'),
    ];
    let is_within = |(first, last): &(char, char)| (*first..=*last).contains(&c);
    let is_narrow = ('\u{200b}'..='\u{200f}').contains(&c);
    !is_narrow && !RIGHT_TO_LEFT_OR_JOINED.iter().chain(&UNSEEN).any(is_within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_font_may_be_embedded_and_cut_down() {
        let faces = Faces::shipped();
        for face in Face::ALL {
            let font = faces.font(face);
            assert!(font.is_outline_embedding_allowed() && font.is_subsetting_allowed(), "{face:?}");
            let names = font.names();
            let mut names = names.into_iter().filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME);
            assert_eq!(names.find_map(|name| name.to_string()).as_deref(), Some(face.name()));
        }
    }

    #[test]
    fn draws_the_scripts_of_europe_and_names_the_others() {
        let faces = Faces::shipped();
        for c in "aZ0§“”–—•©™€ÄßéøŁžΩяЖ→✓≥ﬁ\u{a0}".chars() {
            assert!(faces.drawing(Face::Serif, c).is_some(), "{c}");
        }
        for c in "\u{200b}\u{202e}\u{ad}\u{7}日한אبक\u{fe0f}\u{10ffff}".chars() {
            assert_eq!(faces.drawing(Face::Serif, c), None, "{c:?}");
        }
    }
}
