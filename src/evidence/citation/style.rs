//! The names of the styles.

use std::fmt;
use std::str::FromStr;

/// A style of citation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the table of the module above says what each is")]
pub enum Style {
    Apa,
    Biblatex,
    Bibtex,
    Bluebook,
    Chicago,
    CslJson,
    Html,
    Mla,
    Oscola,
    Plain,
    Ris,
    Wikipedia,
}

impl Style {
    /// Every style, the legal ones first.
    pub const ALL: [Self; 12] = [
        Self::Bluebook,
        Self::Oscola,
        Self::Apa,
        Self::Mla,
        Self::Chicago,
        Self::Bibtex,
        Self::Biblatex,
        Self::Ris,
        Self::CslJson,
        Self::Wikipedia,
        Self::Html,
        Self::Plain,
    ];

    /// Returns the name by which a reader asks for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apa => "apa",
            Self::Biblatex => "biblatex",
            Self::Bibtex => "bibtex",
            Self::Bluebook => "bluebook",
            Self::Chicago => "chicago",
            Self::CslJson => "csl-json",
            Self::Html => "html",
            Self::Mla => "mla",
            Self::Oscola => "oscola",
            Self::Plain => "plain",
            Self::Ris => "ris",
            Self::Wikipedia => "wikipedia",
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Style {
    type Err = StyleError;

    fn from_str(text: &str) -> Result<Self, StyleError> {
        let named = Self::ALL.into_iter().find(|style| style.name().eq_ignore_ascii_case(text));
        named.ok_or_else(|| StyleError::Unknown { found: text.to_owned() })
    }
}

/// Why some text names no style.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum StyleError {
    #[error("`{found}` is not a style; the styles are {}", Style::ALL.map(Style::name).join(", "))]
    Unknown { found: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_names_it_writes() {
        for style in Style::ALL {
            assert_eq!(style.to_string().parse(), Ok(style));
            assert_eq!(style.to_string().to_uppercase().parse(), Ok(style));
        }
        let error = "harvard".parse::<Style>().unwrap_err().to_string();
        assert!(error.starts_with("`harvard` is not a style; the styles are bluebook, oscola,"), "{error}");
    }
}
