//! The file: pages as PDF/A-2b.
//!
//! | quantity | unit   | range                                            |
//! |----------|--------|--------------------------------------------------|
//! | pages    | count  | from 1                                           |
//! | label    | number | of a page, from 1, over all volumes of an exhibit |
//! | CID      | number | of a character in a font of the file, from 1     |
//!
//! Source: ISO 19005-2:2011 (PDF/A-2, level B) over ISO 32000-1:2008 (PDF 1.7).
//!
//! There are no scripts, no attachments, no forms, no annotations and so no links, no encryption, no transparency, no
//! layers. Fonts are embedded, cut down to what is used. Each character has a code of its own (not only each glyph), so
//! the text layer gives back exactly what was set; a character that stands as its code carries itself as `ActualText`.
//! The same pages give the same bytes: there is no clock and no chance in here.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, NumberingStyle, OutputIntentSubtype, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Date, Filter, Finish, Name, Pdf, Rect, Ref, Settings, Str, TextStr};
use subsetter::GlyphRemapper;

use super::face::{Face, Faces};
use super::profile;
use super::sheet::{Mark, Page, Sheet};
use super::text::{CODE_FACE, Drawn, Glyph, code};
use super::xmp::{self, About};

use crate::base::hash::Hash;
use crate::evidence::paper::{QUIET_ZONE as QUIET, Symbol};

/// A place that a reader may go to, by the panel beside the pages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Bookmark {
    pub(super) title: String,
    /// The page, from 0 in the file.
    pub(super) page: usize,
}

/// Writes pages as a file.
pub(super) fn write(faces: &Faces, sheet: Sheet, about: &About, pages: &[Page], bookmarks: &[Bookmark]) -> Vec<u8> {
    let mut codes = Codes::default();
    let mut symbols = Vec::new();
    let mut contents = Vec::new();
    let mut shown = Vec::new();
    for page in pages {
        let first = symbols.len();
        contents.push(deflate(&content(page, &mut codes, &mut symbols)));
        shown.push(first..symbols.len());
    }

    let mut next = Ref::new(1);
    let mut pdf = Pdf::with_settings(SETTINGS);
    let id = Hash::of(&contents.concat());
    let id = id.as_bytes()[..16].to_vec();
    pdf.set_file_id((id.clone(), id));
    let (catalog, tree) = (next.bump(), next.bump());
    let (metadata, intent, outline) = (next.bump(), next.bump(), next.bump());
    let font_ids: Vec<(Face, Ref)> = codes.faces().map(|face| (face, next.bump())).collect();
    let symbol_ids: Vec<Ref> = symbols.iter().map(|_| next.bump()).collect();
    let page_ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (next.bump(), next.bump())).collect();

    write_catalog(&mut pdf, &Roots { catalog, tree, metadata, intent, outline }, about, next.bump());
    write_particulars(&mut pdf, next.bump(), about);
    pdf.metadata(metadata, xmp::packet(about).as_bytes()).finish();
    let profile = deflate(&profile::grey());
    pdf.icc_profile(intent, &profile).n(1).filter(Filter::FlateDecode);
    write_outline(&mut pdf, outline, bookmarks, &page_ids, &mut next);
    for font in &font_ids {
        write_font(&mut pdf, faces, *font, &codes, &mut next);
    }
    for (symbol, id) in symbols.iter().zip(&symbol_ids) {
        write_symbol(&mut pdf, *id, symbol);
    }
    pdf.pages(tree).kids(page_ids.iter().map(|(page, _)| *page)).count(count(pages.len()));
    for (((id, content_id), content), shown) in page_ids.iter().zip(&contents).zip(shown) {
        let mut page = pdf.page(*id);
        page.parent(tree).media_box(Rect::new(0.0, 0.0, sheet.width(), sheet.height())).contents(*content_id);
        let mut resources = page.resources();
        let mut fonts = resources.fonts();
        for (face, font) in &font_ids {
            fonts.pair(Name(font_name(*face).as_bytes()), *font);
        }
        fonts.finish();
        let mut objects = resources.x_objects();
        for n in shown {
            objects.pair(Name(symbol_name(n).as_bytes()), symbol_ids[n]);
        }
        objects.finish();
        resources.finish();
        page.finish();
        pdf.stream(*content_id, content).filter(Filter::FlateDecode);
    }
    pdf.finish()
}

/// Returns about how many bytes a page adds to a file, its fonts apart.
pub(super) fn cost(page: &Page) -> usize {
    const OBJECTS: usize = 400;
    let mut symbols = Vec::new();
    let content = deflate(&content(page, &mut Codes::default(), &mut symbols));
    let symbol_bytes: usize =
        symbols.iter().map(|symbol| symbol.rows().len() * symbol.rows().len() / 8 + OBJECTS).sum();
    content.len() + symbol_bytes + OBJECTS
}

/// Compact, so that filing systems with limits take more pages.
const SETTINGS: Settings = Settings { pretty: false };

struct Roots {
    catalog: Ref,
    tree: Ref,
    metadata: Ref,
    intent: Ref,
    outline: Ref,
}

fn write_catalog(pdf: &mut Pdf, roots: &Roots, about: &About, labels: Ref) {
    let mut catalog = pdf.catalog(roots.catalog);
    catalog.pages(roots.tree).metadata(roots.metadata).outlines(roots.outline).lang(TextStr("en"));
    catalog.viewer_preferences().display_doc_title(true);
    catalog.page_labels().nums().insert(0, labels);
    let mut intents = catalog.output_intents();
    let mut intent = intents.push();
    intent.subtype(OutputIntentSubtype::PDFA).output_condition_identifier(TextStr("Grey, gamma 2.2"));
    intent.info(TextStr("Grey, gamma 2.2")).dest_output_profile(roots.intent);
    intent.finish();
    intents.finish();
    catalog.finish();
    let mut label = pdf.indirect(labels).start::<pdf_writer::writers::PageLabel<'_>>();
    label.prefix(TextStr(&about.label)).style(NumberingStyle::Arabic).offset(count(about.first_number));
}

fn write_particulars(pdf: &mut Pdf, id: Ref, about: &About) {
    let day = about.time.day();
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let seconds = about.time.seconds() % 86_400;
    let part = |number: u64| u8::try_from(number).unwrap_or_default();
    let date = Date::new(u16::try_from(day.year).unwrap_or_default())
        .month(small(day.month))
        .day(small(day.day))
        .hour(part(seconds / 3600))
        .minute(part(seconds / 60 % 60))
        .second(part(seconds % 60))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    pdf.document_info(id)
        .title(TextStr(&about.title))
        .subject(TextStr(&about.subject))
        .creator(TextStr(&about.software))
        .producer(TextStr(&about.software))
        .creation_date(date)
        .modified_date(date);
}

fn write_outline(pdf: &mut Pdf, id: Ref, bookmarks: &[Bookmark], pages: &[(Ref, Ref)], next: &mut Ref) {
    let ids: Vec<Ref> = bookmarks.iter().map(|_| next.bump()).collect();
    let mut outline = pdf.outline(id);
    if let (Some(first), Some(last)) = (ids.first(), ids.last()) {
        outline.first(*first).last(*last).count(count(ids.len()));
    }
    outline.finish();
    for (n, (bookmark, own)) in bookmarks.iter().zip(&ids).enumerate() {
        let mut line = pdf.outline_item(*own);
        line.title(TextStr(&bookmark.title)).parent(id);
        if let Some(before) = n.checked_sub(1).and_then(|n| ids.get(n)) {
            line.prev(*before);
        }
        if let Some(after) = ids.get(n + 1) {
            line.next(*after);
        }
        if let Some((page, _)) = pages.get(bookmark.page) {
            line.dest().page(*page).fit();
        }
    }
}

/// The codes of the characters that a file uses, in each face.
#[derive(Default)]
struct Codes {
    by_face: BTreeMap<Face, BTreeMap<char, u16>>,
}

impl Codes {
    /// Returns a character's code: the next free one where it has none.
    fn of(&mut self, face: Face, c: char) -> u16 {
        let codes = self.by_face.entry(face).or_default();
        let next = u16::try_from(codes.len() + 1).expect("no shipped font has 65,535 characters");
        *codes.entry(c).or_insert(next)
    }

    fn faces(&self) -> impl Iterator<Item = Face> {
        self.by_face.keys().copied()
    }
}

fn content(page: &Page, codes: &mut Codes, symbols: &mut Vec<Symbol>) -> Vec<u8> {
    let mut content = Content::with_settings(SETTINGS);
    for mark in &page.marks {
        match mark {
            Mark::Fill { x, y, width, height, gray } => {
                content.set_fill_gray(*gray).rect(*x, *y, *width, *height).fill_nonzero();
            }
            Mark::Text { x, y, glyphs, gray } => {
                content.set_fill_gray(*gray).begin_text().next_line(*x, *y);
                for run in glyphs.chunk_by(|a, b| {
                    a.size.to_bits() == b.size.to_bits() && a.drawn == b.drawn && a.drawn != Drawn::AsCode
                }) {
                    show(&mut content, run, codes);
                }
                content.end_text();
            }
            Mark::Symbol { x, y, side, symbol } => {
                content.save_state().transform([*side, 0.0, 0.0, *side, *x, *y]);
                content.x_object(Name(symbol_name(symbols.len()).as_bytes())).restore_state();
                symbols.push(symbol.clone());
            }
        }
    }
    content.finish().into_vec()
}

/// Shows a run of one face and size, or one character that stands as its code.
fn show(content: &mut Content, run: &[Glyph], codes: &mut Codes) {
    let Some(first) = run.first() else { return };
    let mut bytes = |face: Face, text: &mut dyn Iterator<Item = char>| -> Vec<u8> {
        text.flat_map(|c| codes.of(face, c).to_be_bytes()).collect()
    };
    match first.drawn {
        Drawn::By(face) => {
            let bytes = bytes(face, &mut run.iter().map(|glyph| glyph.character));
            content.set_font(Name(font_name(face).as_bytes()), first.size).show(Str(&bytes));
        }
        Drawn::AsCode => {
            let bytes = bytes(CODE_FACE, &mut code(first.character).chars());
            let itself = first.character.to_string();
            let mut span = content.begin_marked_content_with_properties(Name(b"Span"));
            span.properties().actual_text(TextStr(&itself));
            span.finish();
            content.set_font(Name(font_name(CODE_FACE).as_bytes()), first.size).show(Str(&bytes));
            content.end_marked_content();
        }
    }
}

fn font_name(face: Face) -> String {
    format!("F{}", Face::ALL.iter().position(|other| *other == face).unwrap_or_default())
}

fn symbol_name(number: usize) -> String {
    format!("S{number}")
}

const IDENTITY: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Writes a font: its glyphs that are used, their widths, and which characters they are.
fn write_font(pdf: &mut Pdf, faces: &Faces, (face, id): (Face, Ref), codes: &Codes, next: &mut Ref) {
    let used = &codes.by_face[&face];
    let by_code: BTreeMap<u16, char> = used.iter().map(|(c, code)| (*code, *c)).collect();
    let glyph = |c: char| faces.glyph(face, c).map_or(0, |glyph| glyph.0);
    let mut remapper = GlyphRemapper::new();
    let mut glyphs = vec![0, 0]; // Code 0 is no character.
    for c in by_code.values() {
        glyphs.extend(remapper.remap(glyph(*c)).to_be_bytes());
    }
    let cut = subsetter::subset(face.file(), 0, &remapper).expect("the shipped fonts can be cut down");
    let name = format!("{}+{}", tag(&cut), face.name());
    let (cid, descriptor, file, map, unicode) = (next.bump(), next.bump(), next.bump(), next.bump(), next.bump());

    let mut font = pdf.type0_font(id);
    font.base_font(Name(name.as_bytes())).encoding_predefined(Name(b"Identity-H"));
    font.descendant_font(cid).to_unicode(unicode);
    font.finish();

    let mut cid_font = pdf.cid_font(cid);
    cid_font.subtype(CidFontType::Type2).base_font(Name(name.as_bytes())).system_info(IDENTITY);
    cid_font.font_descriptor(descriptor).default_width(0.0).cid_to_gid_map_stream(map);
    cid_font.widths().consecutive(1, by_code.values().map(|c| faces.advance(face, *c) * 1000.0));
    cid_font.finish();

    let font = faces.font(face);
    let scale = 1000.0 / f32::from(font.units_per_em());
    let bounds = font.global_bounding_box();
    let [x_min, y_min, x_max, y_max] =
        [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|units| f32::from(units) * scale);
    let height = f32::from(font.capital_height().unwrap_or_else(|| font.ascender())) * scale;
    let mut flags = FontFlags::SYMBOLIC;
    flags.set(FontFlags::FIXED_PITCH, face == Face::Mono);
    flags.set(FontFlags::SERIF, matches!(face, Face::Serif | Face::SerifBold));
    pdf.font_descriptor(descriptor)
        .name(Name(name.as_bytes()))
        .flags(flags)
        .bbox(Rect::new(x_min, y_min, x_max, y_max))
        .italic_angle(0.0)
        .ascent(f32::from(font.ascender()) * scale)
        .descent(f32::from(font.descender()) * scale)
        .cap_height(height)
        .stem_v(if matches!(face, Face::SansBold | Face::SerifBold) { 140.0 } else { 80.0 })
        .font_file2(file);

    let length = count(cut.len());
    let cut = deflate(&cut);
    pdf.stream(file, &cut).filter(Filter::FlateDecode).pair(Name(b"Length1"), length);
    let glyphs = deflate(&glyphs);
    pdf.stream(map, &glyphs).filter(Filter::FlateDecode);
    let mut characters = UnicodeCmap::new(Name(b"Exhibit"), IDENTITY);
    for (code, c) in &by_code {
        characters.pair(*code, *c);
    }
    let characters = deflate(characters.finish().as_slice());
    pdf.cmap(unicode, &characters).filter(Filter::FlateDecode);
}

/// Returns the six letters that tell one cut of a font from another (ISO 32000-1 §9.6.4).
fn tag(cut: &[u8]) -> String {
    Hash::of(cut).as_bytes()[..6].iter().map(|byte| char::from(b'A' + byte % 26)).collect()
}

/// Writes a symbol as a picture of one bit a module, with its quiet zone.
fn write_symbol(pdf: &mut Pdf, id: Ref, symbol: &Symbol) {
    let side = symbol.rows().len() + 2 * QUIET;
    let row_bytes = side.div_ceil(8);
    let mut rows = vec![0xff; row_bytes * QUIET];
    for row in symbol.rows() {
        let mut bytes = vec![0xff_u8; row_bytes];
        for (x, _) in row.iter().enumerate().filter(|(_, is_dark)| **is_dark) {
            bytes[(x + QUIET) / 8] &= !(0x80 >> ((x + QUIET) % 8));
        }
        rows.extend(bytes);
    }
    rows.extend(vec![0xff; row_bytes * QUIET]);
    let rows = deflate(&rows);
    let mut picture = pdf.image_xobject(id, &rows);
    picture.filter(Filter::FlateDecode);
    picture.width(count(side)).height(count(side));
    picture.color_space().device_gray();
    picture.bits_per_component(1).interpolate(false);
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("memory takes every byte")
}

fn count(number: usize) -> i32 {
    i32::try_from(number).expect("a file has fewer than 2^31 of anything")
}
