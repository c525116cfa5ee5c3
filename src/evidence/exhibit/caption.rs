//! The caption: what the cover says of the case.
//!
//! | quantity | unit       | range                                 |
//! |----------|------------|---------------------------------------|
//! | file     | bytes      | at most [`CAPTION_BYTES_MAX`]         |
//! | value    | characters | at most [`VALUE_LENGTH_MAX`]          |
//!
//! A plain text, one `Label: value` a line. A label may come again, for a further party; blank lines and lines that begin
//! with `#` are left out:
//!
//! ```text
//! Court: United States District Court
//! Court: Northern District of California
//! Plaintiff: Jane Doe
//! Defendant: Example Inc.
//! Case number: 3:26-cv-01234
//! Judge: Hon. A. Judge
//! Offered by: Plaintiff
//! Description: Privacy Policy of Example Inc.
//! ```
//!
//! `Claimant` and `Respondent`, `Applicant`, `Petitioner`, `Appellant` and `Appellee` are parties too. What is not said
//! is left blank on the cover, for a hand to fill in.

/// The longest caption that is read.
pub const CAPTION_BYTES_MAX: usize = 16 << 10;

/// The longest value.
pub(super) const VALUE_LENGTH_MAX: usize = 300;

/// Labels of those who bring a case, and of those against whom it is brought.
const SIDES: [[&str; 5]; 2] = [
    ["Plaintiff", "Claimant", "Applicant", "Petitioner", "Appellant"],
    ["Defendant", "Respondent", "Accused", "Opponent", "Appellee"],
];

/// What the cover says of the case; empty where it is blank.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Caption {
    /// The court, a line each.
    pub court: Vec<String>,
    /// Who brings the case, and against whom.
    pub sides: [Side; 2],
    /// The number of the case.
    pub case_number: Option<String>,
    /// The judge.
    pub judge: Option<String>,
    /// Who offers the exhibit.
    pub offered_by: Option<String>,
    /// What the exhibit is called.
    pub description: Option<String>,
}

/// A side of a case.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Side {
    /// What it is called, as `Plaintiff`.
    pub role: Option<String>,
    /// The parties.
    pub names: Vec<String>,
}

impl Caption {
    /// Reads a caption.
    ///
    /// # Errors
    /// A [`CaptionError`] with the number of the line.
    pub fn parse(text: &str) -> Result<Self, CaptionError> {
        if text.len() > CAPTION_BYTES_MAX {
            return Err(CaptionError::TooLong { found: text.len() });
        }
        let mut caption = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                caption.take(number, line)?;
            }
        }
        Ok(caption)
    }

    fn take(&mut self, number: usize, line: &str) -> Result<(), CaptionError> {
        let (label, value) = line.split_once(':').ok_or(CaptionError::NoLabel { number })?;
        let (label, value) = (label.trim(), value.trim());
        if value.chars().count() > VALUE_LENGTH_MAX || value.chars().any(char::is_control) {
            return Err(CaptionError::Value { number });
        }
        if value.is_empty() {
            return Ok(());
        }
        let is = |word: &str| label.eq_ignore_ascii_case(word);
        for (side, words) in self.sides.iter_mut().zip(SIDES) {
            if let Some(word) = words.into_iter().find(|word| is(word)) {
                side.role = Some(word.to_owned());
                side.names.push(value.to_owned());
                return Ok(());
            }
        }
        if is("Court") {
            self.court.push(value.to_owned());
            return Ok(());
        }
        let place = if is("Case number") || is("Case") {
            &mut self.case_number
        } else if is("Judge") {
            &mut self.judge
        } else if is("Offered by") {
            &mut self.offered_by
        } else if is("Description") {
            &mut self.description
        } else {
            return Err(CaptionError::UnknownLabel { number, found: label.to_owned() });
        };
        match place.replace(value.to_owned()) {
            None => Ok(()),
            Some(_) => Err(CaptionError::Twice { number, label: label.to_owned() }),
        }
    }
}

/// Why a text is no caption.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CaptionError {
    #[error("line {number} is no `Label: value`")]
    NoLabel { number: usize },
    #[error("{found} bytes, more than the limit of {CAPTION_BYTES_MAX}")]
    TooLong { found: usize },
    #[error("line {number} says `{label}` again")]
    Twice { number: usize, label: String },
    #[error(
        "line {number} says `{found}`: expected `Court`, `Plaintiff`, `Defendant` (or another name of a side), \
         `Case number`, `Judge`, `Offered by` or `Description`"
    )]
    UnknownLabel { number: usize, found: String },
    #[error("line {number} is longer than {VALUE_LENGTH_MAX} characters, or has a control character")]
    Value { number: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_example_of_its_page() {
        let caption = Caption::parse(
            "# ours\nCourt: A Court\ncourt: of B\n\nClaimant: Jane: Doe\nRespondent: X\nRespondent: Y\nCase number: 1\nJudge:\n",
        );
        let side = |role: &str, names: &[&str]| Side {
            role: Some(role.to_owned()),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let expected = Caption {
            court: vec!["A Court".to_owned(), "of B".to_owned()],
            sides: [side("Claimant", &["Jane: Doe"]), side("Respondent", &["X", "Y"])],
            case_number: Some("1".to_owned()),
            ..Caption::default()
        };
        assert_eq!(caption, Ok(expected));
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        let long = format!("Judge: {}", "x".repeat(301));
        let cases = [
            ("Court: A\nnothing", CaptionError::NoLabel { number: 2 }),
            ("Cort: A", CaptionError::UnknownLabel { number: 1, found: "Cort".to_owned() }),
            ("Judge: A\nJudge: B", CaptionError::Twice { number: 2, label: "Judge".to_owned() }),
            (&long, CaptionError::Value { number: 1 }),
        ];
        for (text, error) in cases {
            assert_eq!(Caption::parse(text), Err(error), "{text}");
        }
    }
}
