//! Load files: what e-discovery platforms read beside a production's files.
//!
//! | file           | for           | one line for each                                                      |
//! |----------------|---------------|------------------------------------------------------------------------|
//! | `captures.dat` | Concordance   | capture or check: what the record says, and where its native and text lie |
//! | `captures.opt` | Opticon       | document that is a picture or PDF as it was captured                    |
//!
//! ```text
//! þDOCIDþ␔þURLþ␔þSHA256þ␍␊
//! AF-C-000002-n,VOL001,.\NATIVES\AF-C-000002-n.pdf,Y,,,
//! ```
//!
//! | character | in `captures.dat`                          |
//! |-----------|--------------------------------------------|
//! | U+00FE þ  | around each value; inside one it becomes `?` |
//! | U+0014    | between values                             |
//! | U+00AE ®  | a line break inside a value                |
//!
//! Source: the defaults of Concordance 10 (delimiters 020, 254, 174), in UTF-8 with a byte order mark; Opticon's seven columns.
//! There are no pages and no Bates numbers here: an exhibit has them. Neither file is evidence, and nothing is checked by it.

/// The fields of `captures.dat`, in order.
pub const FIELDS: [&str; 14] = [
    "DOCID",
    "BEGDOC",
    "ENDDOC",
    "ENTITY",
    "TITLE",
    "DOCTYPE",
    "URL",
    "FINALURL",
    "DATECAPTURED",
    "TIMECAPTURED",
    "SHA256",
    "RECORDSHA256",
    "NATIVELINK",
    "TEXTLINK",
];

/// What begins `captures.dat`: a byte order mark, and the fields' names.
#[must_use]
pub fn dat_head() -> String {
    format!("\u{FEFF}{}", dat_line(&FIELDS.map(str::to_owned)))
}

/// Writes a line of `captures.dat`.
#[must_use]
pub fn dat_line(values: &[String; 14]) -> String {
    let quoted = |value: &String| format!("\u{FE}{}\u{FE}", clean(value));
    values.iter().map(quoted).collect::<Vec<_>>().join("\u{14}") + "\r\n"
}

/// Writes a line of `captures.opt` for a document that is one file.
#[must_use]
pub fn opt_line(document: &str, path: &str) -> String {
    format!("{document},{VOLUME},{path},Y,,,\r\n")
}

/// The one volume.
pub const VOLUME: &str = "VOL001";

fn clean(value: &str) -> String {
    let value = value.replace("\r\n", "\u{AE}");
    let safe = |c: char| match c {
        '\n' | '\r' => '\u{AE}',
        '\u{FE}' => '?',
        c if c.is_control() => ' ',
        c => c,
    };
    value.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_field_or_its_line() {
        let values = std::array::from_fn(|n| format!("{n}\u{FE}\u{14}a\r\nb\nc"));
        let line = dat_line(&values);
        assert_eq!(line.split('\u{14}').count(), FIELDS.len());
        assert_eq!(line.matches('\u{FE}').count(), 2 * FIELDS.len());
        assert_eq!((line.matches('\n').count(), line.matches('\u{AE}').count()), (1, 2 * FIELDS.len()));
        assert!(dat_head().starts_with("\u{FEFF}\u{FE}DOCID\u{FE}\u{14}"));
    }
}
