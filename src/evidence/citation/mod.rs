//! Citations: a stable name for one capture, in the reader's style.
//!
//! Every word comes from the signed record that was cited, or is a fixed word of the style. What the
//! record does not name is left out or said to be absent, as the style does it; nothing is guessed, and
//! so there is no date of publication: an archive knows when it captured a page, not when it was written.
//!
//! | style       | its rule                                                                              |
//! |-------------|---------------------------------------------------------------------------------------|
//! | `bluebook`  | The Bluebook, 22nd ed., rule 18.2.1 (archive locator in brackets: 18.2.1(d)), table T12 |
//! | `oscola`    | OSCOLA, 4th ed., 3.4.8                                                                |
//! | `apa`       | APA Publication Manual, 7th ed., 9.16 (retrieval dates), table 9.1 (what is missing), 10.16 |
//! | `mla`       | MLA Handbook, 9th ed., chapter 5: title, two containers, date of access              |
//! | `chicago`   | Chicago Manual of Style, 17th ed., 14.205–14.207, bibliography form                   |
//! | `bibtex`    | `@misc`; a brace may not stand alone, even escaped                                    |
//! | `biblatex`  | `@online`, biblatex manual §2.1.1; `url` is verbatim                                  |
//! | `ris`       | RIS, type ELEC; one line a tag, ended by CR LF                                        |
//! | `csl-json`  | CSL-JSON 1.0.2, type `webpage`; what CSL has no name for stands under `custom`        |
//! | `wikipedia` | `{{cite web}}` of Citation Style 1                                                    |
//! | `html`      | Robust Links 1.0: `data-originalurl`, `data-versionurl`, `data-versiondate`           |
//! | `plain`     | the citation record: every field on a line of its own                                 |
//!
//! In all of them control characters and the marks that turn the direction of writing are removed, and
//! an address is written with the characters of RFC 3986 only. Beside an id stands the record's
//! SHA-256: 16 digits in the styles for people, whole in the styles for programs.

mod style;

mod legal;
mod prose;

mod csl;
mod latex;
mod ris;
mod web;

mod plain;

mod wording;

pub use style::{Style, StyleError};

use crate::base::hash::Hash;
use crate::base::time::{Day, Time};

/// What a citation can say of a capture.
#[derive(Clone, Debug)]
pub struct Citation {
    /// Who published the document.
    pub entity: Option<String>,
    /// What the document is called.
    pub title: Option<String>,
    /// What kind of document it is.
    pub document_type: Option<String>,
    /// The citation id.
    pub id: String,
    /// The address that was asked for.
    pub url: String,
    /// The address that answered, when it was another.
    pub final_url: Option<String>,
    /// When the capture was made.
    pub captured_at: Time,
    /// The hash of the document's own bytes.
    pub content_sha256: Hash,
    /// The hash of the record.
    pub record_sha256: Hash,
    /// The origin of the log that the record is in.
    pub archive_origin: String,
    /// The id as an ARK.
    pub ark: String,
    /// When the reader looked at it, when they say so.
    pub accessed: Option<Day>,
}

/// Writes a citation in a style; it ends with a line end.
#[must_use]
pub fn render(citation: &Citation, style: Style) -> String {
    match style {
        Style::Apa => prose::apa(citation),
        Style::Biblatex => latex::biblatex(citation),
        Style::Bibtex => latex::bibtex(citation),
        Style::Bluebook => legal::bluebook(citation),
        Style::Chicago => prose::chicago(citation),
        Style::CslJson => csl::csl_json(citation),
        Style::Html => web::html(citation),
        Style::Mla => prose::mla(citation),
        Style::Oscola => legal::oscola(citation),
        Style::Plain => plain::plain(citation),
        Style::Ris => ris::ris(citation),
        Style::Wikipedia => web::wikipedia(citation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn full() -> Citation {
        Citation {
            entity: Some("Acme, Inc.".into()),
            title: Some("Terms of Use: What \"You\" Agree To".into()),
            document_type: Some("Terms of use".into()),
            id: "AF-C-000042-k".into(),
            url: "https://acme.example/terms?lang=en&v=2#top".into(),
            final_url: Some("https://www.acme.example/legal/terms_of_use".into()),
            captured_at: "2023-03-20T12:25:47.250000Z".parse().unwrap(),
            content_sha256: Hash::of(b"abc"),
            record_sha256: Hash::of(b"record"),
            archive_origin: "archive.example/log".into(),
            ark: "ark:99999/afc000042k".into(),
            accessed: Some(Day { year: 2026, month: 9, day: 5 }),
        }
    }

    fn bare() -> Citation {
        let absent = Citation { entity: None, title: None, document_type: None, final_url: None, ..full() };
        Citation { accessed: None, url: "https://acme.example/".into(), ..absent }
    }

    /// Everything that means something in one of the formats.
    fn hostile() -> Citation {
        let title =
            "]]}}|url=x <b>\"'&amp;'' \\end{x} {} 100%_$#^~\r\nER  - \nTI  - x\u{202E}\u{0}\u{2028}, \u{e9}\u{4e2d}";
        Citation {
            entity: Some(format!("@misc{{x, {title}")),
            title: Some(title.into()),
            document_type: Some(title.into()),
            url: "https://acme.example/a b\"'<>{}|\\^`]]\r\nUR  - x\u{e9}%20%_#$&".into(),
            final_url: Some("javascript:alert(1)".into()),
            ..full()
        }
    }

    fn all(style: Style) -> String {
        [("full", full()), ("bare", bare()), ("hostile", hostile())]
            .map(|(name, citation)| format!("=== {name}\n{}", render(&citation, style)))
            .concat()
    }

    /// The files are read by a person whenever a rule changes, and changed by hand.
    #[test]
    fn every_style_is_as_in_its_file() {
        for style in Style::ALL {
            let path = format!("{}/tests/citations/{style}.txt", env!("CARGO_MANIFEST_DIR"));
            let expected = std::fs::read_to_string(&path).unwrap();
            assert_eq!(all(style), expected, "{path}");
        }
    }

    #[test]
    fn nothing_of_the_record_can_break_a_line_or_turn_the_writing() {
        for style in Style::ALL {
            let (lines, hostile_lines) = (render(&full(), style), render(&hostile(), style));
            assert_eq!(lines.lines().count(), hostile_lines.lines().count(), "{style}");
            let is_foreign = |c: &char| (c.is_control() && !matches!(c, '\r' | '\n')) || *c == '\u{202E}';
            assert_eq!(hostile_lines.chars().find(is_foreign), None, "{style}");
        }
    }

    #[test]
    fn every_style_names_the_capture_and_its_record() {
        for style in Style::ALL {
            let text = render(&full(), style);
            assert!(text.contains("AF-C-000042-k"), "{style}: {text}");
            assert!(text.contains(&full().record_sha256.short()), "{style}: {text}");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{style}");
        }
    }
}
